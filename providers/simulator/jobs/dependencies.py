"""What jobs wait for: other jobs, children of other arrays, the child before.

A job that waits has the names of the others in `kept["waits"]`, and they have its name in `dependents`. Of an array
whose children do not exist yet another array waits in `followers`, until they do; who waits for one of these children
is in `awaited`, by index.
"""

from providers.simulator.jobs.records import ENDED, USER_GUIDE, find, unborn, wake
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import Refused, assumed, documented

_PAGE = USER_GUIDE + "job_dependencies.html"
_ARRAYS = USER_GUIDE + "array_jobs.html"


def check(world: World, request: Json) -> None:
    """Refuse dependencies that cannot be kept."""
    given: list[Json] = request.get("dependsOn", [])
    size = request.get("arrayProperties", {}).get("size")
    _are_few(given)
    for it in given:
        if it.get("type"):
            _type_is_for_arrays(it, size)
        if it.get("type") == "SEQUENTIAL":
            _sequence_is_of_the_job_itself(it)
        else:
            other = _is_there(world, _job_is_named(it))
            if it.get("type") == "N_TO_N":
                _sizes_agree(other, size)


@documented(_PAGE)
def _are_few(given: list[Json]) -> None:
    """A job depends on up to 20 others."""
    if len(given) > 20:
        raise Refused("dependsOn can have up to 20 entries")


@documented(API + "API_SubmitJob.html")
def _type_is_for_arrays(given: Json, size: int | None) -> None:
    """Dependencies N_TO_N and SEQUENTIAL are for array jobs."""
    if size is None:
        raise Refused(f"{given['type']} dependencies are only supported for array jobs")


@documented(_ARRAYS)
def _sequence_is_of_the_job_itself(given: Json) -> None:
    """A SEQUENTIAL dependency is among the children of the job itself, and names no other."""
    if given.get("jobId"):
        raise Refused("A job ID cannot be specified for a SEQUENTIAL dependency")


@documented(API + "API_SubmitJob.html")
def _job_is_named(given: Json) -> str:
    """Every other dependency names a job."""
    if not given.get("jobId"):
        raise Refused("jobId must be specified for the dependency")
    return str(given["jobId"])


@assumed("a job that waits for one that never was would wait for ever")
def _is_there(world: World, job_id: str) -> Thing:
    """A dependency on a job that does not exist is refused."""
    child = unborn(world, job_id)
    other = child[0] if child else find(world, job_id)
    if other is None:
        raise Refused(f"Dependent job {job_id} does not exist")
    return other


@assumed("each child must have one to wait for")
def _sizes_agree(other: Thing, size: int | None) -> None:
    """An N_TO_N dependency is on an array of the same size."""
    if other.shown.get("arrayProperties", {}).get("size") != size:
        raise Refused("N_TO_N dependencies must be on an array job of the same size")


def begin(world: World, job: Thing) -> None:
    """Let a new job wait for those that it says it depends on."""
    named = [(it.get("type"), it.get("jobId", "").rpartition("/")[2]) for it in job.shown["dependsOn"]]
    if job.kept.get("size"):
        job.kept["sequential"] = any(kind == "SEQUENTIAL" for kind, _ in named)
        job.kept["each"] = [name for kind, name in named if kind == "N_TO_N"]
        for name in job.kept["each"]:
            _follow(world, job, name)
    for kind, name in named:
        if kind is None:
            wait_for(world, job, name)


@documented(_PAGE)
def wait_for(world: World, job: Thing, name: str) -> None:
    """A job waits until the jobs that it depends on have succeeded, and fails if one of them fails or has failed."""
    child = unborn(world, name)
    if child:
        _await_birth(world, job, *child)
        return
    other = find(world, name)
    if other is None or other.shown["status"] == "SUCCEEDED":
        return
    if other.shown["status"] == "FAILED":
        doom(world, job)
        return
    _await(world, job, other, "dependents")


def _follow(world: World, job: Thing, name: str) -> None:
    other = find(world, name)
    if other and other.shown["status"] not in ENDED and not other.kept.get("spread"):
        _await(world, job, other, "followers")


def _await(world: World, job: Thing, other: Thing, role: str) -> None:
    job.kept.setdefault("waits", []).append(other.name)
    other.kept.setdefault(role, []).append(job.name)
    world.save(other)


def _await_birth(world: World, job: Thing, parent: Thing, index: str) -> None:
    job.kept.setdefault("waits", []).append(f"{parent.name}:{index}")
    parent.kept.setdefault("awaited", {}).setdefault(index, []).append(job.name)
    world.save(parent)


@documented(_ARRAYS)
def pair(world: World, child: Thing, name: str, index: int) -> None:
    """In an N_TO_N dependency the child of an index waits for the child of the other array with the same index."""
    if find(world, f"{name}:{index}"):
        wait_for(world, child, f"{name}:{index}")
    else:
        wait_for(world, child, name)


def doom(world: World, job: Thing) -> None:
    """Let a job fail at once, because another has."""
    job.kept["doomed"] = job.kept.get("doomed") or "Dependent Job failed"
    wake(job, world.now)


def tell(world: World, job: Thing, waiters: list[str]) -> None:
    """Let jobs that wait for another know of it. By alarms, not by calls: chains may be long."""
    for name in waiters:
        waiter = find(world, name)
        if waiter is None or waiter.shown["status"] not in ("SUBMITTED", "PENDING"):
            continue
        waits: list[str] = waiter.kept.get("waits", [])
        waiter.kept["waits"] = [other for other in waits if other != job.name]
        if job.shown["status"] == "FAILED":
            doom(world, waiter)
        elif not waiter.kept["waits"] and waiter.shown["status"] == "PENDING":
            wake(waiter, world.now)
        world.save(waiter)
