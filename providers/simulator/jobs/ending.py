"""CancelJob and TerminateJob, one by one and in bulk; `one` and `each` end service jobs too."""

import re
from collections.abc import Callable

from providers.simulator.catalogue import CHILD
from providers.simulator.jobs import running
from providers.simulator.jobs.records import UNFINISHED, find, unborn
from providers.simulator.lifecycle import API, Handler, Json, Thing, World
from providers.simulator.rules import Refused, documented

Stop = Callable[[World, str, str], None]
"""Ends the job of an id for a reason; raises Refused where that is not the id of a job."""

_WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDENTIFIER = re.compile(rf"(arn:[\w-]+:batch:[^:]*:[^:]*:(service-)?job/)?{_UUID}([:#]\d+)?")


def cancel(world: World, request: Json) -> Json:
    return one(world, request, _cancel)


def cancel_each(world: World, request: Json) -> Json:
    return each(world, request, _cancel)


def terminate(world: World, request: Json) -> Json:
    return one(world, request, _terminate)


def terminate_each(world: World, request: Json) -> Json:
    return each(world, request, _terminate)


OPERATIONS: dict[str, Handler] = {
    "CancelJob": cancel,
    "CancelJobs": cancel_each,
    "TerminateJob": terminate,
    "TerminateJobs": terminate_each,
}


def one(world: World, request: Json, stop: Stop) -> Json:
    """Answer the end of one job."""
    _reason_is_short(request["reason"])
    stop(world, request["jobId"], request["reason"])
    return {}


@documented(API + "API_CancelJobs.html")
def each(world: World, request: Json, stop: Stop) -> Json:
    """A bulk request does what it can, and reports on each job: those done, and the others with what was wrong."""
    _jobs_are_few(request["jobs"])
    _reason_is_short(request["reason"])
    successful: list[str] = []
    errors: list[Json] = []
    for job_id in request["jobs"]:
        try:
            stop(world, job_id, request["reason"])
        except Refused as refused:
            errors.append({"job": job_id, "code": "ValidationException", "message": refused.message})
        else:
            successful.append(job_id)
    return {"successful": successful, "errors": errors}


@documented(API + "API_CancelJobs.html")
def found(job_id: str, job: Thing | None) -> Thing | None:
    """A job that cannot be found is as good as ended: that is no error."""
    if job is None:
        _is_an_identifier(job_id)
    return job


@documented(API + "API_CancelJobsErrorDetail.html")
def _is_an_identifier(job_id: str) -> None:
    """What can be no identifier of a job is refused; one is a UUID, of a child with its index, or the ARN of that."""
    if not _IDENTIFIER.fullmatch(job_id):
        raise Refused(f"Job not found: {job_id} is not a valid job identifier")


@documented(API + "API_CancelJobs.html")
def _jobs_are_few(jobs: list[str]) -> None:
    """A bulk request names up to 50 jobs."""
    if len(jobs) > 50:
        raise Refused("jobs must have at most 50 items")


@documented(API + "API_CancelJob.html")
def _reason_is_short(reason: str) -> None:
    """The reason for which a job is ended has up to 1024 characters."""
    if len(reason) > 1024:
        raise Refused("reason must be at most 1024 characters")


@documented(API + "API_CancelJob.html")
def _cancel(world: World, job_id: str, reason: str) -> None:
    """Cancel ends a job that has not started; one that has goes on, and that is no error."""
    if _withdraw_unborn(world, job_id, "isCancelled", reason):
        return
    job = found(job_id, find(world, job_id))
    if job and job.shown["status"] in _WAITING:
        _withdraw(world, job, "isCancelled", reason)


@documented(API + "API_TerminateJob.html")
def _terminate(world: World, job_id: str, reason: str) -> None:
    """Terminate ends a job that has started, and all of an array; one that has not is cancelled."""
    if _withdraw_unborn(world, job_id, "isTerminated", reason):
        return
    job = found(job_id, find(world, job_id))
    if job is None or job.shown["status"] not in UNFINISHED:
        return
    if _has_spread(job) or job.shown["status"] not in _WAITING:
        running.end(world, job, reason, "isTerminated")
    else:
        _withdraw(world, job, "isTerminated", reason)


def _withdraw_unborn(world: World, job_id: str, flag: str, reason: str) -> bool:
    """Let a child end as soon as its array spreads; tell whether it is one of an array that has not."""
    child = unborn(world, job_id)
    if child is None:
        return False
    parent, index = child
    parent.kept.setdefault("withdrawn", {}).setdefault(index, [flag, reason])
    world.save(parent)
    return True


def _withdraw(world: World, job: Thing, flag: str, reason: str) -> None:
    """End a job that has not started, or let it end as soon as it may."""
    job.shown[flag] = True
    later = _ends_later(job, reason)
    if _has_spread(job):
        job.kept["ended"] = reason
    world.save(job)
    if _has_spread(job):
        _withdraw_children(world, job, reason)
    elif not later:
        running.end(world, job, reason)


@documented(API + "API_CancelJob.html")
def _ends_later(job: Thing, reason: str) -> bool:
    """A PENDING job that is cancelled ends when all that it depends on has ended."""
    if job.shown["status"] != "PENDING" or not job.kept.get("waits"):
        return False
    job.kept["doomed"] = reason
    return True


@documented(API + "API_CancelJob.html")
def _withdraw_children(world: World, parent: Thing, reason: str) -> None:
    """Cancelling an array cancels its children, and ends the array once those that have started have ended too."""
    children = [it.name for status in _WAITING for it in world.walk(CHILD, parent=parent.name, status=status)]
    for name in children:
        _cancel(world, name, reason)


def _has_spread(job: Thing) -> bool:
    """Tell whether a job is an array whose children are jobs of their own."""
    return bool(job.kept.get("spread"))
