"""What goes: the steps of deleting what carries our tags and is wanted no more.

A queue is disabled before its jobs are counted, so that none arrives in between; if there are any it is enabled again.
"""

from plans.chains import DISABLED, GONE, SETTLED, Lowered, chain, settle, step, wait
from plans.decide import Decision
from plans.plan import Goal, Step
from providers.kinds import Kind
from providers.resources import Live


def leave(decision: Decision, kind: Kind) -> Lowered:
    """The steps of a deletion; none where it is refused, as it is where several objects claim the address."""
    if decision.refusals:
        return Lowered()
    if kind.facts.revisions:
        return chain([_deregister(decision, live, kind) for live in decision.ours])
    (live,) = decision.ours
    return _delete(decision, live, kind)


def _deregister(decision: Decision, live: Live, kind: Kind) -> Step:
    arguments = {kind.delete_key: live.arn}
    why, suffix = decision.change.reason, f":{live.revision}"
    return step("deregister", decision, kind.facts.delete, arguments=arguments, why=why, suffix=suffix)


def _delete(decision: Decision, live: Live, kind: Kind) -> Lowered:
    gone = Goal(kind.name, live.name, "gone", deadline=GONE)
    if live.status == "DELETING":
        return chain([wait(decision, live, kind, gone, "it is being deleted already")])
    disable = _switch(decision, live, kind) if kind.facts.switched and live.state != "DISABLED" else []
    jobs = _jobs(decision, live, kind, switched=bool(disable)) if kind.name == "job_queue" else []
    arguments = {kind.delete_key: live.arn}
    delete = step("delete", decision, kind.facts.delete, arguments=arguments, goal=gone, why=decision.change.reason)
    return chain(settle(decision, live, kind), disable, jobs, [delete])


def _switch(decision: Decision, live: Live, kind: Kind) -> list[Step]:
    return [
        step(
            "disable",
            decision,
            kind.facts.update,
            arguments={kind.update_key: live.arn, "state": "DISABLED"},
            goal=Goal(kind.name, live.name, "disabled", deadline=DISABLED),
            why=f"a {kind.title} must be disabled before it is deleted",
        )
    ]


def _jobs(decision: Decision, live: Live, kind: Kind, *, switched: bool) -> list[Step]:
    count = step(
        "jobs",
        decision,
        "ListJobs",
        arguments={"jobQueue": live.arn},
        goal=Goal(kind.name, live.name, "drained", deadline=0),
        why="deleting a queue ends its jobs, so there must be none",
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
    )
    return [count, enable]
