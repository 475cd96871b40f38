"""Jobs that cannot be placed: what the first in line is told, and what its queue does when that lasts."""

from providers.simulator.catalogue import QUEUE
from providers.simulator.jobs import placing, supplies
from providers.simulator.jobs.records import USER_GUIDE, wake
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import documented

_STUCK = USER_GUIDE + "job_stuck_in_runnable.html"


def note(world: World, queue: Thing, environments: list[Thing], job: Thing) -> None:
    """Tell the first job in line why it waits, and set an alarm for when the queue loses patience."""
    reason = _reason(world, environments, job)
    before = (job.kept.get("blocked"), [instant for instant, _ in job.steps])
    if "blocked" not in job.kept:
        job.kept["since"] = world.now
    if "blocked" not in job.kept or job.shown.get("statusReason") != reason:
        job.change({"statusReason": reason})
        job.kept["blocked"] = world.now
    patience = _patience(queue, job)
    wake(job, *([] if patience is None else [max(world.now, job.kept["blocked"] + patience[0])]))
    # Every job that joins the line comes by here: what is told already is not written again.
    if before != (job.kept["blocked"], [instant for instant, _ in job.steps]):
        world.save(job)


def _reason(world: World, environments: list[Thing], job: Thing) -> str | None:
    tests = (_invalid, _too_large, _no_hosts, _no_capacity, _undetermined)
    if not supplies.are_there(world, job):
        return None
    return next((reason for test in tests if (reason := test(environments, job))), None)


@documented(_STUCK)
def _invalid(environments: list[Thing], _: Thing) -> str | None:
    """Where all environments of its queue are INVALID, the first job in line is told ACTION_REQUIRED."""
    if not environments or any(it.shown["status"] != "INVALID" for it in environments):
        return None
    return "ACTION_REQUIRED - CE(s) associated with the job queue are invalid."


@documented(_STUCK)
def _too_large(environments: list[Thing], job: Thing) -> str | None:
    """A job that needs more vCPUs than any environment's maximum is told COMPUTE_ENVIRONMENT_MAX_RESOURCE."""
    if not environments or any(placing.fits(it, job) for it in environments):
        return None
    return (
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot meet the CPU "
        "requirement of the job."
    )


@documented(_STUCK)
def _no_hosts(environments: list[Thing], job: Thing) -> str | None:
    """A job for which no environment has instances is told JOB_RESOURCE_REQUIREMENT."""
    if not environments or any(placing.fits(it, job) and placing.has_hosts(it, job) for it in environments):
        return None
    return (
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than "
        "that can be met by the CE(s) attached to the job queue."
    )


@documented(_STUCK)
def _no_capacity(environments: list[Thing], job: Thing) -> str | None:
    """A job for which no instances can be had is told INSUFFICIENT_INSTANCE_CAPACITY."""
    if placing.may_run(job):
        return None
    types = [name for it in environments for name in it.shown.get("computeResources", {}).get("instanceTypes", [])]
    return (
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type "
        f"[{(types or ['optimal'])[0]}]"
    )


@documented(USER_GUIDE + "job_stuck_in_runnable_undetermined.html")
def _undetermined(environments: list[Thing], job: Thing) -> str | None:
    """A job that is blocked otherwise is told UNDETERMINED; one in a crowd, nothing.

    So is one that finds all environments DISABLED, or a multi-node job that finds Spot instances only.
    """
    if any(placing.takes_jobs(it) and placing.is_large_enough(it, job) for it in environments):
        return None
    return "UNDETERMINED - Batch job is blocked, root cause is undetermined."


def _patience(queue: Thing, job: Thing) -> tuple[float, str] | None:
    """Return after how many seconds a queue ends a job that is blocked as this one is, and the reason it names."""
    fitting = [it for it in queue.shown.get("jobStateTimeLimitActions", []) if _is_meant(it, job)]
    return min(((float(it["maxTimeSeconds"]), str(it["reason"])) for it in fitting), default=None)


@documented(API + "API_JobStateTimeLimitAction.html")
def _is_meant(action: Json, job: Thing) -> bool:
    """A time limit is for the reason that it names, with which the reason begins that a job shows, if it shows one."""
    shown: str | None = job.shown.get("statusReason")
    return shown is not None and shown.startswith(action["reason"])


@documented(USER_GUIDE + "job_stuck_in_runnable_time_limit_actions.html")
def limit_reached(world: World, job: Thing) -> str:
    """A job that has been blocked for one reason, longer than its queue allows for it, is cancelled."""
    queue = world.read(QUEUE, job.shown["jobQueue"])
    patience = _patience(queue, job) if queue else None
    if patience is None or world.now - job.kept["blocked"] < patience[0]:
        return ""
    return f"Canceled by JobStateTimeLimit action due to reason: {patience[1]}"
