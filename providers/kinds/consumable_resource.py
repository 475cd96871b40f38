"""Consumable resources.

Source: the CreateConsumableResource and UpdateConsumableResource pages of the AWS Batch API reference. A total is
changed by `operation: SET` with a `quantity`; ADD and REMOVE are relative, and so unsafe to repeat.
"""

from collections.abc import Mapping
from typing import Any

from providers.kinds.facts import Default, Facts, Lookup, Rule, page
from providers.resources import Document


def _used_up(_desired: Document, live: Document) -> bool:
    return live.get("resourceType") == "NON_REPLENISHABLE"


_KEPT = "jobs use up what is not replenished, so setting the total again would give back what they used"


def _why_kept(desired: Document, _live: Document) -> str:
    """A quantity can be set, but not unset."""
    return f"{_KEPT}; --set-quantity ADDRESS sets it" if desired.get("totalQuantity") is not None else _KEPT


def _set_quantity(changed: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"operation": "SET", "quantity": changed["totalQuantity"]}


_CREATE = page("CreateConsumableResource")
_UPDATE = page("UpdateConsumableResource")

FACTS = Facts(
    name="consumable_resource",
    entity="consumableResource",
    plural="consumableResources",
    title="consumable resource",
    rank=2,
    arn="consumable-resource/{name}",
    create="CreateConsumableResource",
    update="UpdateConsumableResource",
    delete="DeleteConsumableResource",
    lookup=Lookup(
        describe="DescribeConsumableResource",
        keys="consumableResource",
        result="",
        batch=1,
        listing="ListConsumableResources",
        items="consumableResources",
        item_key="consumableResourceName",
    ),
    defaults=(Default("consumable_resource.resourceType", "REPLENISHABLE", source=_CREATE),),
    rules=(
        Rule(
            "used-up",
            ("totalQuantity",),
            "leave",
            f"{_KEPT}; --set-quantity ADDRESS sets it",
            _used_up,
            "of a resource that is not replenished",
            source=_CREATE,
            detail=_why_kept,
        ),
        Rule("quantity", ("totalQuantity",), "update", "set in place", source=_UPDATE),
        Rule("for-life", ("resourceType",), "replace", "the API has no update for this field", source=_UPDATE),
    ),
    renamed_in_update=_set_quantity,
)
