"""Scheduling policies.

Sources: the CreateSchedulingPolicy, UpdateSchedulingPolicy, DescribeSchedulingPolicies and FairsharePolicy pages of the
AWS Batch API reference: a policy is looked up by its ARN alone, and has neither status nor state.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from providers.kinds.facts import Default, Facts, Lookup, Reset, Rule, accepted, cited, page
from providers.resources import Document


def _other_kind_of_policy(desired: Document, live: Document) -> bool:
    return ("quotaSharePolicy" in desired) != ("quotaSharePolicy" in live)


_NOTHING_SHARED: Mapping[str, Any] = MappingProxyType(
    {"shareDecaySeconds": 0, "computeReservation": 0, "shareDistribution": ()}
)
_UPDATE = page("UpdateSchedulingPolicy")

FACTS = Facts(
    name="scheduling_policy",
    entity="schedulingPolicy",
    plural="schedulingPolicies",
    title="scheduling policy",
    rank=0,
    arn="scheduling-policy/{name}",
    create="CreateSchedulingPolicy",
    update="UpdateSchedulingPolicy",
    delete="DeleteSchedulingPolicy",
    lookup=Lookup(
        describe="DescribeSchedulingPolicies",
        keys="arns",
        result="schedulingPolicies",
        batch=100,
        listing="ListSchedulingPolicies",
        items="schedulingPolicies",
        item_key="arn",
        by_arn=True,
    ),
    keyed=MappingProxyType({"ShareAttributesList": "shareIdentifier"}),
    orderless=MappingProxyType({"ShareAttributesList": accepted("scheduling_policy")}),
    defaults=(
        Default("FairsharePolicy.shareDecaySeconds", 0, source=page("FairsharePolicy")),
        Default("FairsharePolicy.computeReservation", 0, source=page("FairsharePolicy")),
        Default("ShareAttributes.weightFactor", 1.0, source=page("ShareAttributes")),
    ),
    rules=(
        Rule(
            "kind-of-policy",
            ("fairsharePolicy", "quotaSharePolicy"),
            "replace",
            "a policy is either of fair share or of quota shares, for life",
            _other_kind_of_policy,
            "where the sort of policy changes",
            source=_UPDATE,
            whole=True,
        ),
        Rule(
            "in-place",
            ("fairsharePolicy", "quotaSharePolicy"),
            "update",
            "taken in place, sent in full",
            source=cited(_UPDATE, accepted("scheduling_policy")),
        ),
    ),
    foreseen=frozenset(
        {
            *(f"fairsharePolicy.{member}" for member in _NOTHING_SHARED),
            "quotaSharePolicy.idleResourceAssignmentStrategy",
        }
    ),
    resets=(Reset("fairsharePolicy", _NOTHING_SHARED, source=page("FairsharePolicy")),),
    filled=MappingProxyType({"fairsharePolicy": _NOTHING_SHARED}),
    replaced="createFirst",
)
