"""Room for jobs: which environments of a queue take a job, and what they hold."""

import math
import re
from typing import Any

from providers.simulator.catalogue import ENVIRONMENT, QUEUE
from providers.simulator.jobs import supplies
from providers.simulator.jobs.records import USER_GUIDE
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import assumed, documented, observed

_SIZE = re.compile(r"[a-z0-9-]+\.(?P<size>nano|micro|small|medium|large|xlarge|(?P<times>\d+)xlarge)")
_WITH_GPUS = re.compile(r"(p\d|g\d)[a-z0-9-]*\..+")
_SMALL = {"nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4}


def room_for(world: World, environments: list[Thing], job: Thing) -> Thing | None:
    """Return the environment that takes a job now, or None."""
    if not may_run(job) or not supplies.are_there(world, job):
        return None
    return next((it for it in environments if takes_jobs(it) and is_large_enough(it, job) and _has_room(it, job)), None)


def offer(shown: Json) -> Json:
    """Return of what an environment shows that on which it depends which jobs it takes."""
    return {key: shown[key] for key in ("status", "state", "unmanagedvCpus", "computeResources") if key in shown}


@assumed("a maximum that is raised is described at once; when instances come is not told")
def _offers(environment: Thing) -> list[Json]:
    """What an update adds is there for jobs once it has ended; what it takes away is gone at once.

    While it is UPDATING, what an environment showed before, and what it shows; else this alone.
    """
    before: Json | None = environment.kept.get("before")
    shown = environment.shown
    return [before, {**shown, "status": before["status"]}] if before and shown["status"] == "UPDATING" else [shown]


def in_order(world: World, queue: Thing) -> list[Thing]:
    """Return the environments of a queue in the order in which they are tried."""
    entries = sorted(queue.shown.get("computeEnvironmentOrder", []), key=_place)
    found = [world.read(ENVIRONMENT, entry["computeEnvironment"]) for entry in entries]
    return [environment for environment in found if environment]


@documented(API + "API_ComputeEnvironmentOrder.html")
def _place(entry: Json) -> int:
    """A job is placed in the first environment of its queue's order that has room for it."""
    return int(entry["order"])


@documented(API + "API_UpdateComputeEnvironment.html")
def takes_jobs(environment: Thing) -> bool:
    """Only an ENABLED environment that is VALID takes jobs, and goes on to do so while it is updated."""
    return all(it["status"] == "VALID" and it["state"] == "ENABLED" for it in _offers(environment))


@documented(API + "API_ComputeResource.html")
def _has_room(environment: Thing, job: Thing) -> bool:
    """The jobs in an environment need at most its maximum of vCPUs, together."""
    return _sum(environment, job.kept["vcpus"]) <= capacity(environment)


def is_large_enough(environment: Thing, job: Thing) -> bool:
    """Tell whether a job fits into an environment in which nothing else runs."""
    return fits(environment, job) and has_hosts(environment, job) and _takes_nodes(environment, job)


@documented(API + "API_ComputeResource.html")
def fits(environment: Thing, job: Thing) -> bool:
    """A job that needs more vCPUs than the maximum of an environment never runs in it."""
    return bool(job.kept["vcpus"] <= capacity(environment))


def has_hosts(environment: Thing, job: Thing) -> bool:
    """Tell whether an environment has, or may get, hosts on which a job can run."""
    lists = [it.get("computeResources", {}).get("instanceTypes", []) for it in _offers(environment)]
    return all(not types or any(_suits(it, job) for it in types) for types in lists)


def _suits(instance_type: str, job: Thing) -> bool:
    enough = _is_strong_enough(instance_type, job.kept.get("host_vcpus", 1))
    return enough and _has_gpus(instance_type, job.kept.get("gpus", 0))


@assumed("names of instance types: large has 2 vCPUs, xlarge 4, and Nxlarge N times 4")
def _is_strong_enough(instance_type: str, vcpus: float) -> bool:
    """A container, or a node, runs on one instance, whose type has as many vCPUs as it needs."""
    found = _SIZE.fullmatch(instance_type)
    if found is None:
        return True
    most = 4 * int(found["times"]) if found["times"] else _SMALL[found["size"]]
    return vcpus <= most


@assumed("names of instance types: those with GPUs begin with p or g")
def _has_gpus(instance_type: str, gpus: float) -> bool:
    """A job that needs GPUs runs on instance types that have some."""
    return (
        not gpus
        or bool(_WITH_GPUS.fullmatch(instance_type))
        or re.fullmatch("[pg][0-9][a-z]*", instance_type) is not None
    )


@documented(API + "API_CreateComputeEnvironment.html")
def _takes_nodes(environment: Thing, job: Thing) -> bool:
    """Multi-node jobs run neither on Spot instances nor in UNMANAGED environments."""
    types = [it.get("computeResources", {"type": "UNMANAGED"})["type"] for it in _offers(environment)]
    return "nodeProperties" not in job.shown or not {*types} & {"SPOT", "UNMANAGED"}


@assumed("a scenario stands for the market of instances")
def may_run(job: Thing) -> bool:
    """A job whose outcome is not to run finds no capacity."""
    return all(row["runs"] for row in job.kept["outcomes"][:1])


def capacity(environment: Thing) -> float:
    """Return the vCPUs that jobs in an environment may take, together."""
    return min(_most(it) for it in _offers(environment))


@assumed("Batch does not know what the owner of an UNMANAGED environment has put in it")
def _most(shown: Json) -> float:
    """A MANAGED environment holds maxvCpus; an UNMANAGED one its unmanagedvCpus, or anything where nothing is said."""
    managed: float | None = shown.get("computeResources", {}).get("maxvCpus")
    return shown.get("unmanagedvCpus", math.inf) if managed is None else managed


def occupy(environment: Thing, vcpus: float) -> None:
    """Take vCPUs of an environment for a job, or give them back (a negative number). Does not save it."""
    environment.kept["used"] = max(0, _sum(environment, vcpus))
    _scales_with_the_load(environment)


def _sum(environment: Thing, vcpus: float) -> float:
    """Return what is used with so many vCPUs more; fractions add up to whole numbers."""
    return round(float(environment.kept.get("used", 0)) + vcpus, 6)


@observed("hashicorp/terraform-provider-aws#4788")
def _scales_with_the_load(environment: Thing) -> None:
    """Batch moves the desired vCPUs with the load, between the minimum and the maximum."""
    resources: Json = environment.shown.get("computeResources", {})
    if "desiredvCpus" in resources:
        used = math.ceil(environment.kept.get("used", 0))
        resources["desiredvCpus"] = min(max(resources.get("minvCpus", 0), used), resources["maxvCpus"])


def lines_of(world: World, environment: Thing) -> list[Thing]:
    """Return the queues in which jobs wait for an environment, the most urgent first."""
    return [queue for queue in lines(world) if _lists(queue, environment)]


def lines(world: World) -> list[Thing]:
    """Return the queues in which jobs wait, the most urgent first."""
    return sorted((queue for name in world.transaction.lines() if (queue := world.read(QUEUE, name))), key=_urgency)


def _lists(queue: Thing, environment: Thing) -> bool:
    entries: list[dict[str, Any]] = queue.shown.get("computeEnvironmentOrder", [])
    return any(entry["computeEnvironment"] == environment.arn for entry in entries)


@documented(USER_GUIDE + "job_queue_parameters.html")
def _urgency(queue: Thing) -> int:
    """Of the queues that share an environment the one with the higher priority is served first."""
    return -int(queue.shown["priority"])
