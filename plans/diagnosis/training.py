"""Why the service jobs of a queue may not run: what its service environment holds, and its quota shares."""

from collections.abc import Iterator, Mapping

from plans.diagnosis.scene import Check, Found, Scene, figure, ids, named, told
from providers.kinds.facts import GUIDE
from providers.resources import Document

_ANY = "NUM_INSTANCES"
_STUCK = f"{GUIDE}sm_job_stuck_in_runnable_misconfiguration.html"


def _wanted(job: Document) -> Mapping[str, float]:
    """What a service job takes, by capacity unit: an instance type."""
    return {it["capacityUnit"]: float(it["quantity"]) for it in job.get("capacityUsage") or ()}


def _limits(holder: Document) -> Mapping[str, float]:
    return {it["capacityUnit"]: float(it["maxCapacity"]) for it in holder.get("capacityLimits") or ()}


def _limit(limits: Mapping[str, float], unit: str) -> float:
    return limits.get(_ANY, limits.get(unit, 0))


def _taken(limits: Mapping[str, float], unit: str, used: Mapping[str, float]) -> float:
    return sum(used.values()) if _ANY in limits else used.get(unit, 0)


def _capacity_limit(scene: Scene) -> Iterator[Found]:
    """Jobs that ask for more instances than the service environment holds."""
    for job in scene.in_line:
        for unit, quantity in _wanted(job).items():
            short = [it for it in scene.services if quantity > _limit(_limits(it), unit)]
            if scene.services and len(short) == len(scene.services):
                yield Found(
                    "a service job asks for more instances than its service environment holds",
                    (f"{told(job)} needs {figure(quantity)} {unit}", *(_holds(it, unit) for it in short)),
                    "raise capacityLimits of the service environment, or lower InstanceCount of the job",
                    jobs=(job["jobId"],),
                    urgent=job is scene.first,
                )


def _holds(environment: Document, unit: str) -> str:
    limits = _limits(environment)
    return f"service environment {named(environment)} holds {figure(_limit(limits, unit))} {_unit(limits, unit)}"


def _unit(limits: Mapping[str, float], unit: str) -> str:
    return _ANY if _ANY in limits else unit


def _quota_share(scene: Scene) -> Iterator[Found]:
    """Jobs whose quota share takes none, or never has as many instances as they ask for."""
    for job in scene.in_line:
        name = job.get("quotaShareName")
        share = scene.quota_shares.get(str(name)) if name else None
        if share is None:
            continue
        if share.get("state") == "DISABLED" or share.get("status") == "INVALID":
            yield Found(
                f"the quota share {name} takes no jobs",
                (f"quota share {name}: {share.get('state')}, {share.get('status')}",),
                f"set state: ENABLED of the quota share {name}",
                jobs=(job["jobId"],),
                urgent=job is scene.first,
            )
        sharing = share.get("resourceSharingConfiguration") or {}
        for unit, quantity in _wanted(job).items():
            own = _limits(share).get(unit, 0)
            borrows = sharing.get("strategy") == "LEND_AND_BORROW"
            limit = sharing.get("borrowLimit", -1)
            most = float("inf") if borrows and limit == -1 else own * (1 + limit / 100) if borrows else own
            if quantity > most:
                yield Found(
                    f"a service job asks for more than its quota share {name} has and may borrow",
                    (
                        f"{told(job)} needs {figure(quantity)} {unit}",
                        f"quota share {name} has {figure(own)}, {sharing.get('strategy')}, borrowLimit {limit}",
                    ),
                    "raise capacityLimits or borrowLimit of the quota share, or lower InstanceCount of the job",
                    jobs=(job["jobId"],),
                    urgent=job is scene.first,
                )


def _full(scene: Scene) -> Iterator[Found]:
    """Other service jobs take the instances that the first in line needs."""
    first = scene.first
    if first is None or scene.front is None:
        return
    for unit, quantity in _wanted(first).items():
        for it in scene.services:
            limits = _limits(it)
            taken, most = _taken(limits, unit, scene.front.used), _limit(limits, unit)
            if taken and quantity <= most < taken + quantity:
                whole = f"{figure(taken)} of {figure(most)} {_unit(limits, unit)}"
                yield Found(
                    "the service environment is full: jobs that were placed before take its instances",
                    (
                        f"jobs of queue {scene.name} take {whole} in {named(it)}",
                        f"{told(first)}, first in line, needs {figure(quantity)} {unit}",
                    ),
                    "wait for them to end, or raise capacityLimits of the service environment",
                    jobs=ids(scene.in_line),
                )


BEFORE = (
    Check("capacity-limit", _capacity_limit, _STUCK),
    Check("quota-share", _quota_share, f"{GUIDE}quota-shares.html"),
)
AFTER = (Check("environment-full", _full, f"{GUIDE}service-environments.html"),)
