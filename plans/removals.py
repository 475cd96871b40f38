"""What goes: the steps of deleting what carries our tags and left the manifest.

A queue is disabled before its jobs are counted, so that none arrives in between; if there are any it is enabled again.
"""

from plans.chains import DISABLED, GONE, SETTLED, Lowered, chain, settle, step, together
from plans.decide import Decision
from plans.plan import Goal, Step
from providers.kinds import Kind
from providers.resources import Live

_WHY = "it left the manifest"


def leave(decision: Decision, kind: Kind) -> Lowered:
    """The steps of a deletion; none where it is refused. Several objects of one address go side by side."""
    if decision.refusals:
        return Lowered()
    if kind.facts.revisions:
        return chain([_deregister(decision, live, kind) for live in decision.ours])
    several = len(decision.ours) > 1
    return together(_delete(decision, live, kind, f"@{live.name}" if several else "") for live in decision.ours)


def _deregister(decision: Decision, live: Live, kind: Kind) -> Step:
    suffix = f":{live.revision}" if live.name == decision.change.name else f":{live.name}:{live.revision}"
    arguments = {kind.delete_key: live.arn}
    return step("deregister", decision, kind.facts.delete, arguments=arguments, why=_WHY, suffix=suffix)


def _delete(decision: Decision, live: Live, kind: Kind, suffix: str) -> Lowered:
    gone = Goal(kind.name, live.name, "gone", deadline=GONE)
    if live.status == "DELETING":
        return chain([step("wait", decision, None, goal=gone, why="it is being deleted already", suffix=suffix)])
    disable = _switch(decision, live, kind, suffix) if kind.facts.switched and live.state != "DISABLED" else []
    jobs = _jobs(decision, live, kind, suffix, switched=bool(disable)) if kind.name == "job_queue" else []
    arguments = {kind.delete_key: live.arn}
    delete = step("delete", decision, kind.facts.delete, arguments=arguments, goal=gone, why=_WHY, suffix=suffix)
    return chain(settle(decision, live, kind, suffix), disable, jobs, [delete])


def _switch(decision: Decision, live: Live, kind: Kind, suffix: str) -> list[Step]:
    return [
        step(
            "disable",
            decision,
            kind.facts.update,
            arguments={kind.update_key: live.arn, "state": "DISABLED"},
            goal=Goal(kind.name, live.name, "disabled", deadline=DISABLED),
            why=f"a {kind.title} must be disabled before it is deleted",
            suffix=suffix,
        )
    ]


def _jobs(decision: Decision, live: Live, kind: Kind, suffix: str, *, switched: bool) -> list[Step]:
    count = step(
        "jobs",
        decision,
        "ListJobs",
        arguments={"jobQueue": live.arn},
        goal=Goal(kind.name, live.name, "drained", deadline=0),
        why="deleting a queue ends its jobs, so there must be none",
        suffix=suffix,
    )
    if not switched:
        return [count]
    enable = step(
        "enable",
        decision,
        kind.facts.update,
        arguments={kind.update_key: live.arn, "state": "ENABLED"},
        goal=Goal(kind.name, live.name, "settled", {"state": "ENABLED"}, SETTLED),
        why="the queue stays, so it takes jobs again",
        after=(count.id,),
        when="failed",
        suffix=suffix,
    )
    return [count, enable]
