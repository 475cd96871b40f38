"""GetJobQueueSnapshot: who is next in a queue, and what its jobs take."""

import heapq
from collections.abc import Iterable, Iterator

from providers.simulator.catalogue import CHILD, JOB, QUEUE, SERVICE_JOB
from providers.simulator.jobs import capacity, turns
from providers.simulator.jobs.records import USER_GUIDE, milliseconds
from providers.simulator.lifecycle import API, Handler, Json, Thing, World
from providers.simulator.rules import assumed, documented

_SNAPSHOT = API + "API_GetJobQueueSnapshot.html"
_MOST_JOBS = 100
_MOST_SHARES = 20


def show(world: World, request: Json) -> Json:
    queue = world.find(QUEUE, request["jobQueue"])
    policy = capacity.policy_of(world, queue)
    busy = _busy(world, queue)
    utilization: Json = {"totalCapacityUsage": _usage(queue, busy), "lastUpdatedAt": milliseconds(world.now)}
    answer: Json = {"frontOfQueue": _front(world, queue), "queueUtilization": utilization}
    if "fairsharePolicy" in policy:
        utilization["fairshareUtilization"] = _of_fair_shares(queue, busy)
    if "quotaSharePolicy" in policy:
        utilization["quotaShareUtilization"] = _of_quota_shares(queue, busy)
        answer["frontOfQuotaShares"] = _front_of_shares(world, queue)
    return answer


OPERATIONS: dict[str, Handler] = {"GetJobQueueSnapshot": show}


def _serves(queue: Thing) -> bool:
    return bool(queue.shown.get("serviceEnvironmentOrder"))


@documented(_SNAPSHOT)
def _front(world: World, queue: Thing) -> Json:
    """A snapshot lists the first 100 RUNNABLE jobs of a queue in the order in which they will be dispatched."""
    jobs = turns.in_order(world, queue) if _serves(queue) else _in_line(world, queue)
    return {"jobs": [_entry(job) for job in jobs[:_MOST_JOBS]], "lastUpdatedAt": milliseconds(world.now)}


@documented(_SNAPSHOT)
def _front_of_shares(world: World, queue: Thing) -> Json:
    """A snapshot of a queue of quota shares lists the first RUNNABLE job of each share, if there is one."""
    first = turns.first_of_each_share(world, queue)
    names = capacity.shares_of(world, queue)
    shares = {name: [_entry(first[name])] if name in first else [] for name in names}
    return {"quotaShares": shares, "lastUpdatedAt": milliseconds(world.now)}


@assumed("those before it leave the line one by one, which nobody writes down")
def _entry(job: Thing) -> Json:
    """A job is said to be at its position since it joined the line, or has found itself first in it and held up."""
    return {"jobArn": job.arn, "earliestTimeAtPosition": milliseconds(job.kept["since"])}


def _of_queue(world: World, queue: Thing, status: str) -> Iterator[Thing]:
    """Yield the jobs of a queue, and the children of its arrays, that are in a status."""
    if _serves(queue):
        yield from world.walk(SERVICE_JOB, parent=queue.name, status=status)
        return
    yield from world.walk(JOB, parent=queue.name, status=status)
    for array in world.walk(JOB, parent=queue.name, status="PENDING"):
        yield from world.walk(CHILD, parent=array.name, status=status)


def _in_line(world: World, queue: Thing) -> list[Thing]:
    waiting = (job for job in _of_queue(world, queue, "RUNNABLE") if job.kept.get("line"))
    return heapq.nsmallest(_MOST_JOBS, waiting, key=lambda job: (job.kept.get("rank", 0), job.seq))


@documented(USER_GUIDE + "track-capacity-utilization-service-jobs.html")
def _busy(world: World, queue: Thing) -> list[Thing]:
    """Capacity is used by jobs that were dispatched and have not ended."""
    return [job for status in ("SCHEDULED", "STARTING", "RUNNING") for job in _of_queue(world, queue, status)]


def _usage(queue: Thing, jobs: Iterable[Thing]) -> list[Json]:
    return capacity.usage(jobs) if _serves(queue) else _vcpus(queue, list(jobs))


@documented(API + "API_QueueSnapshotCapacityUsage.html")
def _vcpus(queue: Thing, jobs: list[Thing]) -> list[Json]:
    """Jobs of compute environments use VCPU, on EKS cpu; service jobs use instances, by type."""
    unit = "cpu" if queue.shown.get("jobQueueType") == "EKS" else "VCPU"
    used = sum(float(job.kept.get("vcpus", 0)) for job in jobs)
    return [{"capacityUnit": unit, "quantity": used}] if jobs else []


@documented(API + "API_FairshareUtilizationDetail.html")
def _of_fair_shares(queue: Thing, busy: list[Thing]) -> Json:
    """A snapshot of a fair-share queue counts the shares that use capacity, and lists the 20 that use most."""
    shares = _by_share(queue, busy, "shareIdentifier")
    return {"activeShareCount": len(shares), "topCapacityUtilization": shares[:_MOST_SHARES]}


@documented(API + "API_QuotaShareUtilizationDetail.html")
def _of_quota_shares(queue: Thing, busy: list[Thing]) -> Json:
    """A snapshot of a queue of quota shares lists the shares that use capacity, those that use most first."""
    return {"topCapacityUtilization": _by_share(queue, busy, "quotaShareName")[:_MOST_SHARES]}


def _by_share(queue: Thing, busy: list[Thing], field: str) -> list[Json]:
    names = dict.fromkeys(str(job.shown[field]) for job in busy)
    shares: list[Json] = [
        {field: name, "capacityUsage": _usage(queue, [job for job in busy if job.shown[field] == name])}
        for name in names
    ]
    return sorted(shares, key=lambda share: -sum(float(it["quantity"]) for it in share["capacityUsage"]))
