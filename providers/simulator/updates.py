"""Updates of `computeResources`: which regime Batch carries them out under, and what they leave behind."""

from collections.abc import Callable
from typing import Literal

from providers.simulator import launch, managed, resources
from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, documented, observed
from providers.simulator.troubles import is_linked

Regime = Literal["scaling", "infrastructure"]
_UPDATE = API + "API_ComputeResourceUpdate.html"

# What may change in place on any MANAGED environment; all else needs an infrastructure update.
SCALING = frozenset({"minvCpus", "maxvCpus", "desiredvCpus", "scalingPolicy"})
_FARGATE_SCALING = frozenset({"maxvCpus", "subnets", "securityGroupIds"})
_NOT_CAPABLE = ("BEST_FIT",)
"""Strategies under which there is no infrastructure update: all that AWS has added later have it."""
_FARGATE_TEXT = (
    "The following parameters can't be updated for Fargate compute environment: allocationStrategy, bidPercentage, "
    "ec2Configuration, ec2KeyPair, imageId, instanceRole, instanceTypes, launchTemplate, placementGroup, tags, type, "
    "updatePolicy, updateToLatestImageVersion."
)
_STRATEGY_TEXT = (
    "Fields allocationStrategy, bidPercentage, ec2Configuration, ec2KeyPair, imageId, instanceRole, instanceTypes, "
    "launchTemplate, placementGroup, securityGroupIds, subnets, tags, type, updatePolicy, updateToLatestImageVersion, "
    "context can be updated for CE only with Allocation Strategy BEST_FIT_PROGRESSIVE and SPOT_CAPACITY_OPTIMIZED."
)
_LOWERED = (
    "Manually scaling down compute environment is not supported.  Disconnecting job queues from compute "
    "environment will cause it to scale-down to minvCpus."
)


def check(shown: Json, request: Json) -> Regime:
    """Refuse what UpdateComputeEnvironment refuses; return how Batch will carry the update out.

    `shown` is a MANAGED environment as it is described before the update.
    """
    sent: Json | None = request.get("computeResources")
    live: Json = shown["computeResources"]
    _says_something(sent)
    if resources.is_fargate(live):
        _fargate_takes_few_updates(sent or {}, request)
    _policy_is_for_machines(live, request)
    _policy_needs_a_strategy(live, request)
    if sent is None:
        return "scaling"
    beyond = sorted(set(sent) - (_FARGATE_SCALING if resources.is_fargate(live) else SCALING))
    if beyond:
        _type_stays_on_its_side(live, sent)
        if not managed.is_managed(live):
            _machines_need_the_linked_role(shown, beyond)
            _machines_need_a_strategy(live)
        _role_and_machines_change_apart(shown, request)
    _desired_is_not_lowered(live, sent)
    _maximum_covers_what_runs(live, sent)
    _provider_stays(live, sent)
    _machines_keep_what_they_need(sent)
    merged = as_updated(shown, sent)
    _desired_is_within(merged, sent)
    resources.check(merged, shown["containerOrchestrationType"])
    return "infrastructure" if beyond else "scaling"


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _says_something(sent: Json | None) -> None:
    """An update with `computeResources` names at least one member of it."""
    if sent == {}:
        raise Refused("At least one compute-resources attribute must be specified")


@observed("aws/aws-cdk#27054")
def _fargate_takes_few_updates(sent: Json, request: Json) -> None:
    """On Fargate only vCPUs, subnets and security groups change in place; naming more is refused, changed or not."""
    if set(sent) - _FARGATE_SCALING or "updatePolicy" in request:
        raise Refused(_FARGATE_TEXT)


@documented(API + "API_UpdatePolicy.html")
def _policy_is_for_machines(live: Json, request: Json) -> None:
    """An update policy is for environments of EC2 and SPOT."""
    if managed.is_managed(live) and "updatePolicy" in request:
        raise Refused("updatePolicy can only be specified for EC2 and SPOT compute environments")


@observed("https://repost.aws/knowledge-center/batch-update-ec2-environment")
def _policy_needs_a_strategy(live: Json, request: Json) -> None:
    """An update policy, too, is not for environments with BEST_FIT, which know no infrastructure update."""
    if live["type"] in resources.MACHINES and "updatePolicy" in request and not _is_capable(live):
        raise Refused(_STRATEGY_TEXT)


@observed("ASFHyP3/hyp3#1051")
def _machines_need_the_linked_role(shown: Json, beyond: list[str]) -> None:
    """More than scaling changes in place only with the service-linked role."""
    if not is_linked(shown["serviceRole"]):
        raise Refused(
            f"Following fields [{', '.join(beyond)}] can be updated only for Non-fargate Compute Environment "
            "having a Batch Service Linked Role"
        )


@observed("https://repost.aws/knowledge-center/batch-update-ec2-environment")
def _machines_need_a_strategy(live: Json) -> None:
    """More than scaling does not change in place under BEST_FIT, said or unsaid."""
    if not _is_capable(live):
        raise Refused(_STRATEGY_TEXT)


def _is_capable(live: Json) -> bool:
    return live.get("allocationStrategy", "BEST_FIT") not in _NOT_CAPABLE


@documented(_UPDATE)
def _type_stays_on_its_side(live: Json, sent: Json) -> None:
    """The type changes between EC2 and SPOT only, not to or from Fargate or managed instances."""
    before, after = live["type"], sent.get("type", live["type"])
    if after != before and not {before, after} <= set(resources.MACHINES):
        raise Refused(f"type cannot be updated from {before} to {after}")


@documented(API + "API_UpdateComputeEnvironment.html")
def _role_and_machines_change_apart(shown: Json, request: Json) -> None:
    """A new service role does not come in the same update as an infrastructure change."""
    if request.get("serviceRole", shown["serviceRole"]) != shown["serviceRole"]:
        raise Refused("serviceRole cannot be updated together with an infrastructure update")


@observed("hashicorp/terraform-provider-aws#4788")
def _desired_is_not_lowered(live: Json, sent: Json) -> None:
    """The desired vCPUs are raised by hand, never lowered."""
    if sent.get("desiredvCpus", live.get("desiredvCpus", 0)) < live.get("desiredvCpus", 0):
        raise Refused(_LOWERED)


@observed("ASFHyP3/hyp3#2965")
def _maximum_covers_what_runs(live: Json, sent: Json) -> None:
    """The maximum is not lowered below the vCPUs that are desired now."""
    most = sent.get("maxvCpus", live["maxvCpus"])
    if most < live["maxvCpus"] and most < live.get("desiredvCpus", 0):
        raise Refused(_LOWERED)


@documented(_UPDATE)
def _provider_stays(live: Json, sent: Json) -> None:
    """Only what has a provider of managed instances can change it."""
    if "managedInstancesProvider" in sent and "managedInstancesProvider" not in live:
        raise Refused("managedInstancesProvider can only be specified for ECS_MANAGED_INSTANCES compute environments")


@documented(_UPDATE)
def _machines_keep_what_they_need(sent: Json) -> None:
    """There is no way to take instance types and instance role away."""
    for key in ("instanceTypes", "instanceRole"):
        if key in sent and not sent[key]:
            raise Refused(f"{key} is required and cannot be removed")


@documented(_UPDATE)
def _desired_is_within(merged: Json, sent: Json) -> None:
    """An update asks for desired vCPUs between minimum and maximum."""
    if "desiredvCpus" in sent and not merged.get("minvCpus", 0) <= sent["desiredvCpus"] <= merged["maxvCpus"]:
        raise Refused("desiredvCpus must be between minvCpus and maxvCpus")


@documented(_UPDATE)
def as_updated(shown: Json, sent: Json) -> Json:
    """An update is merged: what is not sent stays, and a launch template replaces the old one whole."""
    live: Json = shown["computeResources"]
    merged = dict(live)
    for key, value in _changes(live, sent).items():
        if _resets(key, value):
            merged.pop(key, None)
        elif key == "managedInstancesProvider":
            merged[key] = managed.as_updated(live[key], value)
        else:
            merged[key] = value
    merged = resources.without_empty_parts(merged)
    if live["type"] not in resources.MACHINES:
        return merged
    orchestration = shown["containerOrchestrationType"]
    merged["ec2Configuration"] = launch.without_status(merged.get("ec2Configuration", [])) or launch.default_image(
        orchestration
    )
    return _minimum_is_filled(merged)


def _changes(live: Json, sent: Json) -> Json:
    return _fargate_keeps_its_lists(live, _order_is_not_kept(sent))


@documented(_UPDATE)
def _order_is_not_kept(sent: Json) -> Json:
    """`updateToLatestImageVersion` is an order, not a state: it is never described."""
    return {key: value for key, value in sent.items() if key != "updateToLatestImageVersion"}


@documented(_UPDATE)
def _fargate_keeps_its_lists(live: Json, sent: Json) -> Json:
    """On Fargate an empty list of subnets or security groups changes nothing; on machines it removes them."""
    return {key: value for key, value in sent.items() if value != [] or not resources.is_fargate(live)}


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _minimum_is_filled(merged: Json) -> Json:
    """A raised minimum is filled at once; a lowered one leaves what runs."""
    if "desiredvCpus" not in merged:
        return merged
    return {**merged, "desiredvCpus": max(merged["desiredvCpus"], merged["minvCpus"])}


_RESETS: dict[str, Callable[[object], bool]] = {
    "launchTemplate": lambda value: (
        isinstance(value, dict) and not value.get("launchTemplateId") and not value.get("launchTemplateName")
    ),
    "tags": lambda value: value == {},
    "capacityTags": lambda value: value == {},
}


@documented(_UPDATE)
def _resets(key: str, value: object) -> bool:
    """An empty map of tags takes the tags away, and a launch template without a name the launch template."""
    return key in _RESETS and _RESETS[key](value)
