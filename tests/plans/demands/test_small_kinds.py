"""What AWS asks of policies, service environments, quota shares and consumable resources, told without a world."""

import pytest

from tests.plans.demands.table import GONE, Row, check, untested

LIMITS, FAIR = "capacityLimits", "fairsharePolicy"


def limits(*units: str, **given: object) -> list[dict[str, object]]:
    return [{"maxCapacity": 1, "capacityUnit": unit, **given} for unit in units]


SIX = [f"ml.m{size}.large" for size in range(6)]
ROWS = [
    Row("sort-of-policy", "fair", "quotaSharePolicy", {"idleResourceAssignmentStrategy": "FIFO"}),
    Row("share-decay", "fair", f"{FAIR}.shareDecaySeconds", 604801, 604800),
    Row("compute-reservation", "fair", f"{FAIR}.computeReservation", 100, 99),
    Row(
        "shares-overlap",
        "fair",
        f"{FAIR}.shareDistribution.1.shareIdentifier",
        "UserA1",
        "UserB",
        at=f"{FAIR}.shareDistribution",
    ),
    Row(
        "shares-overlap",
        "fair",
        f"{FAIR}.shareDistribution.1.shareIdentifier",
        "UserA*",
        "User1*",
        at=f"{FAIR}.shareDistribution",
    ),
    Row(
        "share-identifier",
        "fair",
        f"{FAIR}.shareDistribution.1.shareIdentifier",
        "a-b",
        "ab*",
        at=f"{FAIR}.shareDistribution[a-b].shareIdentifier",
    ),
    Row(
        "weight",
        "fair",
        f"{FAIR}.shareDistribution.1.weightFactor",
        1000.0,
        999.9999,
        at=f"{FAIR}.shareDistribution[UserB].weightFactor",
    ),
    Row("limits", "instances", LIMITS, [], limits("NUM_INSTANCES")),
    Row("limits", "instance-types", LIMITS, limits(*SIX), limits(*SIX[:5])),
    Row("limits-twice", "instance-types", LIMITS, limits("ml.m5.large", "ml.m5.large"), limits("ml.m5.large")),
    Row("limits-mixed", "instance-types", LIMITS, limits("ml.m5.large", "NUM_INSTANCES"), limits("NUM_INSTANCES")),
    Row(
        "limit-unit",
        "instances",
        LIMITS,
        limits("m5.large"),
        limits("ml.m5.large"),
        at=f"{LIMITS}[m5.large].capacityUnit",
    ),
    Row("limit", "instances", LIMITS, limits("ml.a", maxCapacity=0), limits("ml.a"), at=f"{LIMITS}[ml.a].maxCapacity"),
    Row("limit", "instances", LIMITS, [{"capacityUnit": "ml.a"}], limits("ml.a"), at=f"{LIMITS}[ml.a].maxCapacity"),
    Row("limits", "share", LIMITS, limits(*SIX), limits(*SIX[:5])),
    Row("limits-twice", "share", LIMITS, limits("ml.a", "ml.a"), limits("ml.a")),
    Row("limit-unit", "share", LIMITS, limits("a"), limits("ml.a"), at=f"{LIMITS}[a].capacityUnit"),
    Row("limit", "share", LIMITS, limits("ml.a", maxCapacity=0), limits("ml.a"), at=f"{LIMITS}[ml.a].maxCapacity"),
    Row(
        "share-of-instances",
        "share",
        LIMITS,
        limits("NUM_INSTANCES"),
        limits("ml.a"),
        at=f"{LIMITS}[NUM_INSTANCES].capacityUnit",
    ),
    Row("borrow-limit", "share", "resourceSharingConfiguration.borrowLimit", -2, -1),
    Row(
        "borrow-without-borrowing",
        "share",
        "resourceSharingConfiguration.strategy",
        "LEND",
        "LEND_AND_BORROW",
        at="resourceSharingConfiguration.borrowLimit",
    ),
    Row("quantity-unsaid", "licences", "totalQuantity", GONE, 0),
    Row("quantity", "licences", "totalQuantity", -1, 0),
    Row("sort-of-resource", "licences", "resourceType", "FLOATING", "NON_REPLENISHABLE"),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_demand(row: Row) -> None:
    """The bad document is told at its place, and the good one is not."""
    check(row)


@pytest.mark.parametrize("kind", ["scheduling_policy", "service_environment", "quota_share", "consumable_resource"])
def test_every_demand_has_a_row(kind: str) -> None:
    """None is left untried."""
    assert untested(kind, [row for row in ROWS if row.kind == kind]) == set()
