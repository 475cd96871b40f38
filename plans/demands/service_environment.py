"""Service environments, and the limits of capacity that they share with quota shares."""

from collections.abc import Sequence

from plans.demands.demand import Demand, outside, twice
from providers.kinds.facts import GUIDE, page
from providers.resources import Document

INSTANCES = "NUM_INSTANCES"
_LIMIT = page("CapacityLimit")


def units(document: Document) -> list[str]:
    """The units of the capacity limits of a service environment or a quota share."""
    return [str(limit.get("capacityUnit")) for limit in document.get("capacityLimits") or ()]


def _mixed(said: Sequence[str]) -> bool:
    return len({unit == INSTANCES for unit in said}) > 1


def limits_of(root: str, limit: str) -> tuple[Demand, ...]:
    """What AWS asks of the capacity limits of these shapes."""
    return (
        Demand(
            "limits",
            f"{root}.capacityLimits",
            lambda part, _: not 1 <= len(part.get("capacityLimits") or ()) <= 5,
            "there are 1 to 5 capacity limits",
            "name 1 to 5",
            GUIDE + "service_limits.html",
        ),
        Demand(
            "limits-twice",
            f"{root}.capacityLimits",
            lambda part, _: twice(units(part)),
            "there is one capacity limit for a unit",
            "take one of them out",
            _LIMIT,
        ),
        Demand(
            "limit-unit",
            f"{limit}.capacityUnit",
            lambda part, _: (
                part.get("capacityUnit") != INSTANCES and not str(part.get("capacityUnit")).startswith("ml.")
            ),
            "is no unit of capacity",
            f"{INSTANCES}, or an instance type of SageMaker such as ml.m5.large",
            _LIMIT,
        ),
        Demand(
            "limit",
            f"{limit}.maxCapacity",
            lambda part, _: "maxCapacity" not in part or outside(part, "maxCapacity", 1),
            "a capacity limit is 1 or more",
            "say 1 or more",
            _LIMIT,
        ),
    )


DEMANDS = (
    *limits_of("service_environment", "CapacityLimit"),
    Demand(
        "limits-mixed",
        "service_environment.capacityLimits",
        lambda part, _: _mixed(units(part)),
        "a number of instances and numbers of instance types do not stand together",
        f"say {INSTANCES} alone, or instance types alone",
        _LIMIT,
    ),
)
