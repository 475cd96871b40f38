"""Consumable resources."""

from plans.demands.demand import Demand, outside, unknown
from providers.kinds.facts import page

_CREATE = page("CreateConsumableResource")

_FORMATION = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-batch-consumableresource.html"

DEMANDS = (
    Demand(
        "quantity-unsaid",
        "consumable_resource.totalQuantity",
        lambda part, _: "totalQuantity" not in part,
        "what a resource without a quantity has is not documented, and it could never be unset",
        "say how many there are, 0 for none",
        _FORMATION,
        creation=True,
    ),
    Demand(
        "quantity",
        "consumable_resource.totalQuantity",
        lambda part, _: outside(part, "totalQuantity", 0),
        "it is 0 or more",
        "name how many there are",
        _CREATE,
    ),
    Demand(
        "sort-of-resource",
        "consumable_resource.resourceType",
        lambda part, _: unknown(part, "resourceType", "REPLENISHABLE", "NON_REPLENISHABLE"),
        "it is none of the words that this takes",
        "REPLENISHABLE or NON_REPLENISHABLE",
        _CREATE,
    ),
)
