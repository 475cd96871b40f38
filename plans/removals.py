"""What goes: the steps of deleting what carries our tags and is wanted no more.

Before anything is switched off, everything is looked at that could refer to it: what began to since the plan was made
stands in the way. A queue, or a quota share, is disabled before its jobs are counted, so that none arrives in between.
What becomes of them its `drain` says: where they save it, it is enabled again; else nothing goes before all have ended.
The queue of a canary goes with its job. An environment that is disabled has its jobs finish first.
"""

from collections.abc import Mapping
from typing import Literal

from plans.chains import DISABLED, DRAINED, EMPTIED, GONE, LET_GO, SETTLED, Lowered, chain, settle, step, wait
from plans.decision import Decision
from plans.jobs import listed
from plans.plan import Goal, Step
from plans.resending import complained_of
from plans.world import World
from providers.kinds import Kind, Kinds
from providers.resources import CANARY, DrainMode, Live


def leave(decision: Decision, world: World) -> Lowered:
    """The steps of a deletion; none where it is refused, as it is where several objects claim the address."""
    kind = world.kinds[decision.change.kind]
    if decision.refusals:
        return Lowered()
    if kind.facts.revisions:
        return chain([_deregister(decision, live, kind) for live in decision.ours])
    several = len(decision.ours) > 1
    parts = [retire(decision, live, world, f":{live.name}" if several else "") for live in decision.ours]
    return Lowered(
        tuple(step for part in parts for step in part.steps), tuple(name for part in parts for name in part.last)
    )


def retire(decision: Decision, live: Live, world: World, suffix: str = "") -> Lowered:
    """The steps of taking one object away; `suffix` tells their ids from those of another of its address."""
    kind = world.kinds[live.kind]
    gone = Goal(kind.name, live.name, "gone", deadline=GONE)
    if live.status == "DELETING":
        return chain([wait(decision, live, kind, gone, "it is being deleted already", suffix)])
    disable = _switch(decision, live, kind, suffix) if kind.facts.switched and live.state != "DISABLED" else []
    jobs: list[Step] = []
    match kind.name:
        case "job_queue" | "quota_share" if not str(live.address).endswith(CANARY):
            jobs = _jobs(decision, live, world, suffix, switched=bool(disable))
        case "compute_environment":
            jobs = _drain(decision, live, kind, suffix)
    arguments = {kind.delete_key: live.arn}
    why = decision.change.reason if decision.resource is None else "what takes its place is there"
    delete = step("delete", decision, kind.facts.delete, arguments=arguments, goal=gone, why=why, suffix=suffix)
    # One that is DISABLED may end INVALID, and goes all the same.
    at_rest: Literal["settled", "disabled"] = "disabled" if live.state == "DISABLED" else "settled"
    return chain(
        settle(decision, live, kind, suffix, at_rest),
        _unreferenced(decision, live, world.kinds, suffix),
        _repair(decision, live, kind, suffix) if world.asked.repair else [],
        disable,
        jobs,
        [delete],
    )


def _deregister(decision: Decision, live: Live, kind: Kind) -> Step:
    arguments = {kind.delete_key: live.arn}
    why, suffix = decision.change.reason, f":{live.revision}"
    return step("deregister", decision, kind.facts.delete, arguments=arguments, why=why, suffix=suffix)


def _unreferenced(decision: Decision, live: Live, kinds: Kinds, suffix: str) -> list[Step]:
    """A last look at all that could use it, before it is switched off under them."""
    users = [
        kind
        for kind in kinds
        if live.kind in kind.references.values() and not kind.facts.revisions and not kind.facts.lookup.per
    ]
    if not kinds[live.kind].facts.switched:
        return []
    return [
        step(
            "unreferenced",
            decision,
            None,
            arguments={kinds[live.kind].delete_key: live.arn},
            goal=Goal(user.name, live.arn, "unreferenced", deadline=LET_GO),
            why=f"a {user.title} that names it would be left without it",
            suffix=suffix,
        )
        for user in users
    ]


def _repair(decision: Decision, live: Live, kind: Kind, suffix: str) -> list[Step]:
    """An environment without its role is never deleted (ekristen/aws-nuke#674): the role, made again, is sent first."""
    if complained_of(live, kind) != "serviceRole":
        return []
    return [
        step(
            "repair",
            decision,
            kind.facts.update,
            arguments={kind.update_key: live.arn, "serviceRole": live.spec["serviceRole"]},
            goal=Goal(kind.name, live.name, "settled", deadline=SETTLED),
            why=f"AWS complains of its role: {live.status_reason}",
            suffix=suffix,
        )
    ]


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


def _drain(decision: Decision, live: Live, kind: Kind, suffix: str) -> list[Step]:
    return [
        step(
            "drain",
            decision,
            None,
            arguments={kind.delete_key: live.arn},
            goal=Goal(kind.name, live.name, "drained", deadline=DRAINED),
            why="jobs that run on it are left to finish",
            suffix=suffix,
        )
    ]


def _jobs(decision: Decision, live: Live, world: World, suffix: str, *, switched: bool) -> list[Step]:
    """What becomes of the jobs; where they save it, it takes jobs again if it did before."""
    kind, found = world.kinds[live.kind], listed(live)
    drain = world.drains.get(decision.change.address, world.drain)
    service = found.operation == "ListServiceJobs"
    # No call ends only those service jobs that have not started.
    mode = "wait" if service and drain.mode == "cancel" else drain.mode
    call, why = _DRAINS[mode]
    call = call.replace("Job", "ServiceJob") if service else call
    reason = f"batchwright: {live.name} is deleted ({decision.change.address} of stack {world.stack})"
    patience = EMPTIED if drain.timeout is None else max(1.0, drain.timeout)
    emptied = step(
        "jobs" if mode == "refuse" else "drain",
        decision,
        call,
        arguments={**found.arguments, **({} if call == found.operation else {"reason": reason})},
        goal=Goal(kind.name, live.name, "drained", deadline=0 if mode == "refuse" else patience),
        why=f"deleting a {kind.title} ends its jobs, so {why}",
        suffix=suffix,
    )
    if not switched or mode != "refuse":
        return [emptied]
    enable = step(
        "enable",
        decision,
        kind.facts.update,
        arguments={kind.update_key: live.arn, "state": "ENABLED"},
        goal=Goal(kind.name, live.name, "settled", {"state": "ENABLED"}, SETTLED),
        why=f"the {kind.title} stays, so it takes jobs again",
        after=(emptied.id,),
        when="failed",
        suffix=suffix,
    )
    return [emptied, enable]


_DRAINS: Mapping[DrainMode, tuple[str, str]] = {
    "refuse": ("ListJobs", "there must be none"),
    "wait": ("ListJobs", "they have time to finish"),
    "cancel": ("CancelJob", "those that have not started are cancelled, and the others have time to finish"),
    "terminate": ("TerminateJob", "they are ended before"),
}
"""For each mode the call and what is said of it."""
