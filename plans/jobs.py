"""Jobs at risk: whose jobs a plan disturbs, how many there are, and what becomes of them.

All is read off the steps, since they are what is done. Sources: a queue that is disabled takes no jobs, and those in it
can finish (CreateJobQueue); deleting a queue or a quota share ends its jobs (DeleteJobQueue, DeleteQuotaShare), all in
the AWS Batch API reference.
"""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs

from plans.chains import infrastructure_patience
from plans.change import Action, Change, Impact, Refusal
from plans.plan import Step
from plans.policy import Policy
from providers.resources import EMPTY, Address, DrainMode, JobCount, JobList, Live, Snapshot, Unread

_NAMED = {
    "job_queue": "jobQueue",
    "quota_share": "quotaShareArn",
    "compute_environment": "computeEnvironment",
    "service_environment": "serviceEnvironment",
}
"""By what member the calls that disturb a kind name its object."""

_ORDERS = {"compute_environment": "computeEnvironmentOrder", "service_environment": "serviceEnvironmentOrder"}
_ENDING: Mapping[str, DrainMode] = {
    "CancelJob": "cancel",
    "TerminateJob": "terminate",
    "TerminateServiceJob": "terminate",
}


@attrs.frozen
class _Disturbed:
    """An object that a change disturbs, and how."""

    live: Live
    how: Literal["deleted", "disabled", "renewed"]


def listed(live: Live) -> JobList:
    """The jobs of a queue, or those of a quota share."""
    if live.kind == "quota_share":
        shares = [{"name": "QUOTA_SHARE_NAME", "values": [live.name]}]
        return JobList("ListServiceJobs", {"jobQueue": live.spec["jobQueue"], "filters": shares})
    service = live.spec.get("jobQueueType") == "SAGEMAKER_TRAINING"
    return JobList("ListServiceJobs" if service else "ListJobs", {"jobQueue": live.arn})


def emptying(step: Step) -> JobList | None:
    """The jobs of which none may be left before what holds them is deleted, where a step sees to that."""
    goal = step.goal
    if step.call is None or goal is None or goal.until != "drained":
        return None
    said = {name: value for name, value in step.arguments.items() if name != "reason"}
    return JobList("ListServiceJobs" if "Service" in step.call else "ListJobs", said)


def mode(step: Step) -> DrainMode:
    """What a step of `emptying` does with the jobs that it finds; one that gives them no time refuses."""
    return _ENDING.get(step.call or "", "wait" if step.goal is not None and step.goal.deadline else "refuse")


def asked(changes: Iterable[Change], steps: Sequence[Step], snapshot: Snapshot) -> tuple[list[JobList], list[JobList]]:
    """The jobs that a plan must know of, since a deletion hangs on it, and those of which it is good to know."""
    needed = {jobs.whose: jobs for step in steps if (jobs := emptying(step)) is not None}
    own, lives = _by_address(steps), _by_name(snapshot)
    told = {
        jobs.whose: jobs
        for change in changes
        for disturbed in _disturbed(change, own.get(str(change.address), ()), lives)
        for jobs in map(listed, _holding(disturbed.live, snapshot, needed))
    }
    return [*needed.values()], [jobs for whose, jobs in told.items() if whose not in needed]


def at_risk(changes: Iterable[Change], steps: Sequence[Step], snapshot: Snapshot) -> tuple[Change, ...]:
    """The changes, each with the jobs that it disturbs as far as they were counted."""
    emptied = {found.whose for step in steps if (found := emptying(step)) is not None}
    own, lives = _by_address(steps), _by_name(snapshot)
    return tuple(_with_jobs(change, own.get(str(change.address), ()), lives, emptied, snapshot) for change in changes)


def _by_address(steps: Iterable[Step]) -> Mapping[str, Sequence[Step]]:
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(step.address, []).append(step)
    return found


def _by_name(snapshot: Snapshot) -> Mapping[tuple[str, str], Live]:
    """What is live, by its kind and by what a call may name it: its name, or its ARN."""
    return {(kind, name): live for kind in _NAMED for live in snapshot.of(kind) for name in (live.name, live.arn)}


def refusals(steps: Iterable[Step], snapshot: Snapshot, drains: Container[Address], bound: Policy) -> Iterator[Refusal]:
    """What may not be deleted for the jobs that it holds; `drains` has the addresses whose blocks say what they do.

    Whether a run that was cut short disabled it, or its owner did, cannot be told: so it is said, and not changed.
    """
    lives = _by_name(snapshot)
    for step in steps:
        jobs = emptying(step)
        if jobs is None or step.goal is None or mode(step) != "refuse":
            continue
        count = snapshot.jobs.get(jobs.whose)
        if isinstance(count, JobCount) and count.total:
            live = lives.get((step.goal.kind, jobs.whose))
            if bound.says("drain") and bound.drain.mode == "refuse":
                hint = _BOUND
            else:
                own = Address.parse(step.address) in drains
                hint = _hint("drain of its block" if own else "policy.drain.mode, or --drain,")
            then = "; it is DISABLED, and stays so" if live is not None and live.state == "DISABLED" else ""
            yield Refusal(step.address, "jobs", held(step.goal.kind, step.goal.name, count) + then, hint)


def _hint(who: str) -> str:
    return f"wait for them, or say what becomes of them: {who} takes wait, cancel or terminate"


HINT = _hint("drain, in the manifest or as --drain,")
_BOUND = "wait for them: the policy of --policy, or of BATCHWRIGHT_POLICY, says drain refuse, and binds"


def held(kind: str, name: str, count: JobCount) -> str:
    """Why a queue, or a quota share, stays."""
    what = {"job_queue": "queue"}.get(kind, kind.replace("_", " "))
    return f"{name} holds {count}, and deleting a {what} ends its jobs"


def uncounted(snapshot: Snapshot) -> Iterator[str]:
    """Jobs that could not be counted, and why."""
    for whose, count in snapshot.jobs.items():
        if isinstance(count, Unread):
            yield f"the jobs of {whose.partition('job-queue/')[2]} could not be counted: {count.reason}"


def _with_jobs(
    change: Change,
    own: Sequence[Step],
    lives: Mapping[tuple[str, str], Live],
    emptied: Collection[str],
    snapshot: Snapshot,
) -> Change:
    disturbed = _disturbed(change, own, lives)
    holding = {live.arn: live for each in disturbed for live in _holding(each.live, snapshot, emptied)}
    counts = [snapshot.jobs[arn] for arn in holding if arn in snapshot.jobs]
    known = [count for count in counts if isinstance(count, JobCount)]
    if not known:
        return change
    modes = {mode(step) for step in own if emptying(step) is not None}
    jobs = _together(known)
    if jobs.total:
        names = sorted(live.name for live in holding.values())
        jobs = attrs.evolve(jobs, fate=_fate(change, disturbed[0], own, names))
    lost = jobs.total and modes & {"refuse", "cancel", "terminate"}
    return attrs.evolve(change, jobs=jobs, impact=Impact.OUTAGE if lost else change.impact)


def _disturbed(change: Change, own: Iterable[Step], lives: Mapping[tuple[str, str], Live]) -> list[_Disturbed]:
    """The objects that a change disturbs; one that is disabled to be deleted is deleted."""
    member = _NAMED.get(change.kind)
    found: dict[str, _Disturbed] = {}
    for step in own:
        if member is None or step.call is None:
            continue
        live = lives.get((change.kind, str(step.arguments.get(member))))
        if live is None:
            continue
        if step.call.startswith("Delete"):
            found[live.arn] = _Disturbed(live, "deleted")
        elif step.call.startswith("Update") and step.when == "ok":
            if step.arguments.get("state") == "DISABLED" and live.state != "DISABLED":
                found[live.arn] = _Disturbed(live, "disabled")
            elif change.action is Action.UPDATE and change.impact is Impact.INFRASTRUCTURE:
                found[live.arn] = _Disturbed(live, "renewed")
    return [*found.values()]


def _holding(live: Live, snapshot: Snapshot, emptied: Collection[str]) -> list[Live]:
    """Where the jobs are of what is disturbed: in a queue or share itself, of an environment in the queues that use it.

    Queues that are `emptied` before tell of theirs themselves.
    """
    order = _ORDERS.get(live.kind)
    if order is None:
        return [live]
    return [
        queue
        for queue in snapshot.of("job_queue")
        if queue.arn not in emptied
        and any(entry.get(_NAMED[live.kind]) in (live.arn, live.name) for entry in queue.spec.get(order) or ())
    ]


def _together(counts: Sequence[JobCount]) -> JobCount:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count.by_status)
    longest = max((count.longest for count in counts if count.longest is not None), default=None)
    children = sum(count.children for count in counts)
    return JobCount(dict(total), any(count.more for count in counts), longest, children=children)


def _fate(change: Change, disturbed: _Disturbed, own: Sequence[Step], names: Sequence[str]) -> str:
    """What becomes of the jobs, in words."""
    if disturbed.live.kind in _ORDERS:
        where = f"in the queue{'' if len(names) == 1 else 's'} {', '.join(names)}: "
        return where + _fate_of_an_environment(change, disturbed, own)
    emptied = next((step for step in own if emptying(step) is not None), None)
    if emptied is None or emptied.goal is None:
        return "no others are taken, and these can finish" if disturbed.how == "disabled" else "they end with it"
    time = f"{_minutes(emptied.goal.deadline)} at most"
    match mode(emptied):
        case "refuse":
            return "they would end with it, so the plan is refused"
        case "wait":
            return f"no others are taken, and these have time to finish, {time}"
        case "cancel":
            return f"those that are not STARTING yet are cancelled, the others have time to finish, {time}"
        case "terminate":
            return "they are ended by terminate"


def _fate_of_an_environment(change: Change, disturbed: _Disturbed, own: Sequence[Step]) -> str:
    if disturbed.how == "renewed":
        said: Mapping[str, Any] = next((step.arguments for step in own if "updatePolicy" in step.arguments), EMPTY)
        spec = {**disturbed.live.spec, **said}
        if (spec.get("updatePolicy") or {}).get("terminateJobsOnUpdate"):
            return "those that run on it are ended, since updatePolicy says terminateJobsOnUpdate"
        return f"those that run on it have time to finish, {_minutes(infrastructure_patience(spec, 0))} at most"
    others = {
        Action.REPLACE: "the others run on what takes its place",
        Action.DELETE: "the others run on what else their queue has",
    }.get(change.action, "the others wait, or run on what else their queue has")
    drained = next((step.goal for step in own if step.goal is not None and step.goal.until == "drained"), None)
    time = "" if drained is None else f", {_minutes(drained.deadline)} before the apply ends without deleting it"
    return f"those that run on it are left to finish{time}; {others}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"
