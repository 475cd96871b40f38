"""Quota shares."""

from plans.demands.demand import Demand, outside
from plans.demands.service_environment import INSTANCES, limits_of
from providers.kinds.facts import GUIDE, page

_SHARING = page("QuotaShareResourceSharingConfiguration")

DEMANDS = (
    *limits_of("quota_share", "QuotaShareCapacityLimit"),
    Demand(
        "share-of-instances",
        "QuotaShareCapacityLimit.capacityUnit",
        lambda part, _: part.get("capacityUnit") == INSTANCES,
        "the capacity of a quota share is told by instance type",
        "such as ml.m5.large",
        GUIDE + "quota-shares.html",
    ),
    Demand(
        "borrow-limit",
        "QuotaShareResourceSharingConfiguration.borrowLimit",
        lambda part, _: outside(part, "borrowLimit", -1),
        "it is a percentage, or -1 for no limit",
        "say -1 or more",
        _SHARING,
    ),
    Demand(
        "borrow-without-borrowing",
        "QuotaShareResourceSharingConfiguration.borrowLimit",
        lambda part, _: "borrowLimit" in part and part.get("strategy") != "LEND_AND_BORROW",
        "only a share with the strategy LEND_AND_BORROW has a limit",
        "leave it out, or say strategy: LEND_AND_BORROW",
        _SHARING,
    ),
)
