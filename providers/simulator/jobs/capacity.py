"""Instances for service jobs: what there is, what is taken of it, and whether a job has room.

A service environment holds so many instances; in a queue of quota shares, each share holds so many of a type, and may
lend and borrow. A job that takes instances has the `place` SERVICE_ENVIRONMENT/NAME in its `kept`, beside the `unit`
and the `quantity` that it takes; the environment keeps what is `used` of it, by line (QUEUE/SHARE) and unit.
"""

from collections.abc import Iterable
from typing import Any

import attrs

from providers.simulator.catalogue import POLICY, QUOTA_SHARE, SERVICE_ENVIRONMENT
from providers.simulator.jobs.records import USER_GUIDE
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import assumed, documented

_STUCK = USER_GUIDE + "sm_job_stuck_in_runnable_misconfiguration.html"
_INSTANCES = "NUM_INSTANCES"
_MOST_INSTANCES = 10_000_000
_EXCEEDED = "MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED - "


@attrs.frozen
class Room:
    """What a queue's service environment holds, what its quota shares hold, and what jobs take of both.

    `taken` has what is taken of a unit by a line.
    """

    limits: dict[str, int]
    shares: dict[str, Json]
    taken: dict[tuple[str, str], int]

    def used(self, unit: str, share: str | None = None) -> int:
        """Return how much the jobs, or those of one share, take of a unit."""
        return sum(
            quantity
            for (line, it), quantity in self.taken.items()
            if unit in (_INSTANCES, it) and share in (None, share_of(line))
        )

    def without(self, job: Thing) -> "Room":
        key = (line_of(job), job.kept["unit"])
        return attrs.evolve(self, taken={**self.taken, key: self.taken[key] - job.kept["quantity"]})


def environment_of(world: World, queue: Thing) -> Thing | None:
    """Return the service environment of a queue; None of a queue of compute environments."""
    order: list[Json] = queue.shown.get("serviceEnvironmentOrder", [])
    return world.read(SERVICE_ENVIRONMENT, order[0]["serviceEnvironment"]) if order else None


def place_of(environment: Thing) -> str:
    return f"{SERVICE_ENVIRONMENT.key}/{environment.name}"


def line_of(job: Thing) -> str:
    """Return the line in which a service job waits, that of its share."""
    return f"{job.parent}/{job.shown.get('quotaShareName') or job.shown.get('shareIdentifier', '')}"


def share_of(line: str) -> str:
    return line.partition("/")[2]


def take(world: World, environment: Thing, job: Thing) -> None:
    """Give a job its place in a service environment. Saves the environment, not the job."""
    job.kept.update(place=place_of(environment), host=environment.seq)
    _count_for(environment, job, 1)
    world.save(environment)


def leave(world: World, job: Thing) -> Thing | None:
    """Take a job's place from it; return the service environment, where it is still there. Does not save the job."""
    place = job.kept.pop("place", "")
    environment = in_place(world, place) if place else None
    if environment is None or environment.seq != job.kept["host"]:
        return None
    _count_for(environment, job, -1)
    world.save(environment)
    return environment


def _count_for(environment: Thing, job: Thing, times: int) -> None:
    used: dict[str, int] = environment.kept.setdefault("used", {}).setdefault(line_of(job), {})
    used[job.kept["unit"]] = used.get(job.kept["unit"], 0) + times * job.kept["quantity"]


def in_place(world: World, place: str) -> Thing | None:
    """Return the environment that a place stands for."""
    return world.read(SERVICE_ENVIRONMENT, place.partition("/")[2])


def policy_of(world: World, queue: Thing) -> Json:
    """Return the scheduling policy of a queue, {} where it has none."""
    policy = world.read(POLICY, queue.shown.get("schedulingPolicyArn", ""))
    return policy.shown if policy else {}


def shares_of(world: World, queue: Thing) -> dict[str, Json]:
    """Return the quota shares of a queue by name, as they are described."""
    return {share.shown["quotaShareName"]: share.shown for share in world.walk(QUOTA_SHARE, parent=queue.name)}


def room_of(world: World, queue: Thing, environment: Thing) -> Room:
    used: dict[str, dict[str, int]] = environment.kept.get("used", {})
    taken = {(line, unit): quantity for line, units in used.items() for unit, quantity in units.items()}
    return Room(_by_unit(environment.shown), shares_of(world, queue), taken)


def _by_unit(shown: Json) -> dict[str, int]:
    return {limit["capacityUnit"]: limit["maxCapacity"] for limit in shown["capacityLimits"]}


@documented(API + "API_CreateServiceEnvironment.html")
def need(payload: Json) -> tuple[str, int]:
    """A service job takes as many instances as its resource configuration asks for, in all its groups.

    Returns the instance type (NUM_INSTANCES where none is told) and the number.
    """
    config = payload.get("ResourceConfig")
    told = config if isinstance(config, dict) else {}
    several = told.get("InstanceGroups")
    groups = [it for it in several if isinstance(it, dict)] if isinstance(several, list) else []
    groups = groups or [told]
    return _type(groups[0].get("InstanceType")), sum(_count(group.get("InstanceCount")) for group in groups)


@assumed("the payload is passed through without validation, and a training job runs on something")
def _type(given: object) -> str:
    """Where the type of instances is not told, or is no text, any will do."""
    return given if isinstance(given, str) else _INSTANCES


@assumed("the payload is passed through without validation, and a training job runs on something")
def _count(given: object) -> int:
    """Where the number of instances is not told, or is none that SageMaker AI could give, it is one."""
    return given if type(given) is int and 1 <= given <= _MOST_INSTANCES else 1


@documented(USER_GUIDE + "updating-service-environments.html")
def takes_jobs(environment: Thing) -> bool:
    """Only an ENABLED service environment that is VALID, or is being updated, takes jobs."""
    return environment.shown["state"] == "ENABLED" and environment.shown["status"] in ("VALID", "UPDATING")


def misfit(room: Room, job: Thing) -> str:
    """Return why a job would not even fit into an empty environment and share; "" if it would."""
    return _exceeds_environment(room, job) or _exceeds_share(room, job)


@documented(_STUCK)
def _exceeds_environment(room: Room, job: Thing) -> str:
    """The first job in line that asks for more than the service environment holds is told so."""
    if job.kept["quantity"] <= room.limits.get(_unit(room, job), 0):
        return ""
    return (
        "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE - Service environment(s) associated with the job queue "
        "cannot meet the capacity requirement of the job."
    )


@documented(_STUCK)
def _exceeds_share(room: Room, job: Thing) -> str:
    """The first job of a quota share that asks for more than the share has, or can ever borrow, is told so."""
    share = quota_share_of(room, job)
    if share is None:
        return ""
    wanted, own = job.kept["quantity"], own_limit(room, job)
    if not _may_borrow(share):
        return _EXCEEDED + "Job requirements exceed quota share capacity limits." if wanted > own else ""
    if wanted > _most(share, own):
        return _EXCEEDED + "Job requirements exceed quota share capacity limits and borrow limits."
    if wanted > own + sum(_limit(other, job) for other in _lenders(room, job)):
        return _EXCEEDED + "Job requires borrowing that exceeds all configured borrowable capacity."
    return ""


def fits(room: Room, job: Thing) -> bool:
    """Tell whether a job finds room just now."""
    return _environment_has_room(room, job) and _share_has_room(room, job)


@documented(API + "API_CapacityLimit.html")
def _environment_has_room(room: Room, job: Thing) -> bool:
    """The jobs in a service environment take at most its capacity."""
    unit = _unit(room, job)
    return bool(room.used(unit) + job.kept["quantity"] <= room.limits.get(unit, 0))


@documented(USER_GUIDE + "quota-shares.html")
def _share_has_room(room: Room, job: Thing) -> bool:
    """The jobs of a quota share take at most its capacity, and what it may borrow of what others leave idle."""
    share = quota_share_of(room, job)
    if share is None:
        return True
    own = own_limit(room, job)
    after = room.used(job.kept["unit"], share["quotaShareName"]) + job.kept["quantity"]
    if after <= own:
        return True
    return _may_borrow(share) and after <= _most(share, own) and after - own <= _idle(room, job)


def quota_share_of(room: Room, job: Thing) -> Json | None:
    return room.shares.get(job.shown.get("quotaShareName", ""))


def _unit(room: Room, job: Thing) -> str:
    return _INSTANCES if _INSTANCES in room.limits else str(job.kept["unit"])


def _limit(share: Json, job: Thing) -> int:
    return _by_unit(share).get(job.kept["unit"], 0)


def own_limit(room: Room, job: Thing) -> int:
    share = quota_share_of(room, job)
    return _limit(share, job) if share else 0


def _may_borrow(share: Json) -> bool:
    return bool(share["resourceSharingConfiguration"]["strategy"] == "LEND_AND_BORROW")


@documented(API + "API_QuotaShareResourceSharingConfiguration.html")
def _most(share: Json, own: int) -> float:
    """A borrow limit is a percentage of what the share has itself; -1 is no limit."""
    limit: int = share["resourceSharingConfiguration"].get("borrowLimit", -1)
    return float("inf") if limit == -1 else own + own * limit / 100


def _lenders(room: Room, job: Thing) -> list[Json]:
    return [share for share in room.shares.values() if _lends(share) and share != quota_share_of(room, job)]


@documented(USER_GUIDE + "quota-shares.html")
def _lends(share: Json) -> bool:
    """A share that reserves its idle capacity lends nothing."""
    return bool(share["resourceSharingConfiguration"]["strategy"] != "RESERVE")


def _idle(room: Room, job: Thing) -> int:
    """Return what other shares can lend that nobody has borrowed yet, without what the job's own share has borrowed."""
    unit = job.kept["unit"]
    free = {name: _limit(share, job) - room.used(unit, name) for name, share in room.shares.items()}
    mine = job.shown["quotaShareName"]
    lent = sum(max(0, -left) for name, left in free.items() if name != mine)
    return sum(max(0, free[share["quotaShareName"]]) for share in _lenders(room, job)) - lent


def usage(jobs: Iterable[Thing]) -> list[Json]:
    """Return what jobs take, by unit, as a describe shows it."""
    found: dict[str, float] = {}
    for job in jobs:
        found[job.kept["unit"]] = found.get(job.kept["unit"], 0.0) + job.kept["quantity"]
    shown: list[dict[str, Any]] = [{"capacityUnit": unit, "quantity": found[unit]} for unit in sorted(found)]
    return shown
