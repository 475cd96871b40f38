"""What stands inside `computeResources`: what a create and an update may say, and what a describe then shows."""

import datetime
import re
from collections.abc import Callable
from typing import Literal

from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, documented, observed

USER_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
_ARM = re.compile(r"a1|default_arm64|g5g|t4g|hpc7g|(c|i|im|is|m|r|x)\d+g\w*")
_AL2_ENDS = datetime.datetime(2026, 6, 30, tzinfo=datetime.UTC).timestamp()
SPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
FARGATE = ("FARGATE", "FARGATE_SPOT")
Regime = Literal["scaling", "infrastructure"]

# What may change in place on any MANAGED environment; all else needs an infrastructure update.
_SCALING = frozenset({"minvCpus", "maxvCpus", "desiredvCpus", "scalingPolicy"})
_FARGATE_SCALING = frozenset({"maxvCpus", "subnets", "securityGroupIds"})
_FARGATE_NEVER = (
    "allocationStrategy",
    "bidPercentage",
    "desiredvCpus",
    "ec2Configuration",
    "ec2KeyPair",
    "imageId",
    "instanceRole",
    "instanceTypes",
    "launchTemplate",
    "minvCpus",
    "placementGroup",
    "scalingPolicy",
    "spotIamFleetRole",
    "tags",
)
_FARGATE_UPDATE_TEXT = (
    "The following parameters can't be updated for Fargate compute environment: allocationStrategy, bidPercentage, "
    "ec2Configuration, ec2KeyPair, imageId, instanceRole, instanceTypes, launchTemplate, placementGroup, tags, type, "
    "updatePolicy, updateToLatestImageVersion."
)


def is_linked(role: str) -> bool:
    """Tell whether a role is Batch's service-linked one."""
    return "aws-service-role/batch.amazonaws.com/" in role


def architectures(given: Json) -> set[str]:
    """Return the CPU architectures of the instance types, as far as their names tell."""
    families = [instance_type.partition(".")[0] for instance_type in given.get("instanceTypes", [])]
    return {"arm64" if _ARM.fullmatch(family) else "x86_64" for family in families}


def is_fargate(given: Json) -> bool:
    return given["type"] in FARGATE


def check_created(given: Json, orchestration: str, now: float) -> None:
    """Refuse what CreateComputeEnvironment refuses."""
    _image_is_offered(given, now)
    _has_subnets(given)
    if is_fargate(given):
        _fargate_has_no_machines(given)
        _fargate_is_small(given)
    elif given["type"] in ("EC2", "SPOT"):
        _machines_are_told(given, orchestration)
        _strategy_fits_the_type(given)
        _spot_has_a_fleet_role(given, orchestration)
    _check(given, orchestration)


def check_updated(shown: Json, request: Json) -> Regime:
    """Refuse what UpdateComputeEnvironment refuses; return how Batch will carry the update out."""
    sent: Json | None = request.get("computeResources")
    live: Json = shown.get("computeResources", {})
    _update_says_something(sent)
    if sent is None and "updatePolicy" not in request:
        return "scaling"
    if live and is_fargate(live):
        _fargate_takes_few_updates(sent or {}, request)
    if sent is None:
        return "scaling"
    allowed = _FARGATE_SCALING if is_fargate(live) else _SCALING
    beyond = sorted(set(sent) - allowed)
    if beyond:
        _beyond_scaling_needs_a_capable_environment(shown, sent, beyond)
        _role_and_machines_change_apart(shown, request)
    _desired_is_not_lowered(live, sent)
    _maximum_covers_what_runs(live, sent)
    merged = as_updated(shown, sent)
    if not is_fargate(merged):
        _strategy_fits_the_type(merged)
    else:
        _fargate_is_small(merged)
    _check(merged, shown["containerOrchestrationType"])
    return "infrastructure" if beyond else "scaling"


def _check(given: Json, orchestration: str) -> None:
    _vcpus_are_in_order(given, orchestration)
    _machines_share_an_architecture(given)
    _lists_are_short(given)
    _numbers_are_in_range(given)


@documented(API + "API_ComputeResource.html")
def _has_subnets(given: Json) -> None:
    """Compute resources name their subnets."""
    if not given.get("subnets"):
        raise Refused("subnets must be provided")


@documented(API + "API_ComputeResource.html")
def _fargate_has_no_machines(given: Json) -> None:
    """What describes machines is not for Fargate."""
    found = [key for key in _FARGATE_NEVER if given.get(key) is not None]
    if found:
        raise Refused(f"{', '.join(found)} is not applicable to Fargate compute resources")


@documented(API + "API_ComputeResource.html")
def _fargate_is_small(given: Json) -> None:
    """On Fargate there are 1 to 16 subnets and 1 to 5 security groups."""
    if not 1 <= len(given.get("subnets", [])) <= 16:
        raise Refused("Fargate compute resources need between 1 and 16 subnets")
    if not 1 <= len(given.get("securityGroupIds", [])) <= 5:
        raise Refused("Fargate compute resources need between 1 and 5 securityGroupIds")


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _machines_are_told(given: Json, orchestration: str) -> None:
    """EC2 and SPOT name minvCpus, instance types and an instance role, and security groups or a launch template."""
    for key in ("minvCpus", "instanceTypes", "instanceRole"):
        if given.get(key) in (None, [], ""):
            raise Refused(f"Resource {key} is required")
    if orchestration == "ECS" and not given.get("securityGroupIds") and not given.get("launchTemplate"):
        raise Refused("Resource securityGroupIds is required")


@documented(API + "API_ComputeResource.html")
def _machines_share_an_architecture(given: Json) -> None:
    """The instance types of an environment share one CPU architecture."""
    if len(architectures(given)) > 1:
        raise Refused("instanceTypes must share the same CPU architecture")


@documented(API + "API_Ec2Configuration.html")
def _image_is_offered(given: Json, now: float) -> None:
    """From 30 June 2026 no new ECS environment gets an Amazon Linux 2 image from Batch; one's own may be named."""
    old = any(
        image["imageType"] in ("ECS_AL2", "ECS_AL2_NVIDIA") and "imageIdOverride" not in image
        for image in given.get("ec2Configuration", [])
    )
    if old and "imageId" not in given and now >= _AL2_ENDS:
        raise Refused("Amazon Linux 2 images provided by Batch are no longer supported for new compute environments")


@documented(API + "API_ComputeResource.html")
def _strategy_fits_the_type(given: Json) -> None:
    """The SPOT_… allocation strategies are for SPOT."""
    strategy = given.get("allocationStrategy", "BEST_FIT")
    if strategy.startswith("SPOT_") and given["type"] != "SPOT":
        raise Refused(f"allocationStrategy {strategy} is only valid for SPOT compute resources")


@documented(API + "API_ComputeResource.html")
def _spot_has_a_fleet_role(given: Json, orchestration: str) -> None:
    """SPOT with BEST_FIT, or with no strategy, names a spot fleet role."""
    best_fit = given.get("allocationStrategy", "BEST_FIT") == "BEST_FIT"
    if given["type"] == "SPOT" and best_fit and orchestration == "ECS" and not given.get("spotIamFleetRole"):
        raise Refused("spotIamFleetRole is required for SPOT compute resources with allocationStrategy BEST_FIT")


@documented(API + "API_ComputeResource.html")
def _vcpus_are_in_order(given: Json, orchestration: str) -> None:
    """Minimum, desired and maximum vCPUs do not contradict each other; EKS takes no desired number."""
    if given.get("desiredvCpus") and orchestration == "EKS":
        raise Refused("desiredvCpus is not supported for EKS compute environments")
    least, most = given.get("minvCpus", 0), given["maxvCpus"]
    if not 0 <= least <= most:
        raise Refused("minvCpus must be between 0 and maxvCpus")
    if "desiredvCpus" in given and not least <= given["desiredvCpus"] <= most:
        raise Refused("desiredvCpus must be between minvCpus and maxvCpus")


@documented(API + "API_ComputeResource.html")
def _lists_are_short(given: Json) -> None:
    """There are up to two images and up to ten overrides of a launch template."""
    if len(given.get("ec2Configuration", [])) > 2:
        raise Refused("ec2Configuration can have up to 2 entries")
    if len(given.get("launchTemplate", {}).get("overrides", [])) > 10:
        raise Refused("launchTemplate.overrides can have up to 10 entries")


@documented(API + "API_ComputeResource.html")
def _numbers_are_in_range(given: Json) -> None:
    """The bid is at most 100 percent; the delay of scaling down is 20 to 10080 minutes."""
    if not 0 <= given.get("bidPercentage", 0) <= 100:
        raise Refused("bidPercentage must be between 0 and 100")
    if not 20 <= given.get("scalingPolicy", {}).get("minScaleDownDelayMinutes", 20) <= 10080:
        raise Refused("minScaleDownDelayMinutes must be between 20 and 10080, or 0")


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _update_says_something(sent: Json | None) -> None:
    """An update with `computeResources` names at least one member of it."""
    if sent == {}:
        raise Refused("At least one compute-resources attribute must be specified")


@observed("aws/aws-cdk#27054")
def _fargate_takes_few_updates(sent: Json, request: Json) -> None:
    """On Fargate only vCPUs, subnets and security groups change in place; naming more is refused, changed or not."""
    if set(sent) - _FARGATE_SCALING or "updatePolicy" in request:
        raise Refused(_FARGATE_UPDATE_TEXT)


@observed("ASFHyP3/hyp3#1051")
def _beyond_scaling_needs_a_capable_environment(shown: Json, sent: Json, beyond: list[str]) -> None:
    """More than scaling changes in place only on EC2 or SPOT, with the service-linked role, and off BEST_FIT."""
    live = shown["computeResources"]
    if not is_linked(shown["serviceRole"]):
        raise Refused(
            f"Following fields [{', '.join(beyond)}] can be updated only for Non-fargate Compute Environment "
            "having a Batch Service Linked Role"
        )
    if "BEST_FIT" in (live.get("allocationStrategy", "BEST_FIT"), sent.get("allocationStrategy")):
        raise Refused(f"Following fields [{', '.join(beyond)}] cannot be updated with allocation strategy BEST_FIT")
    if sent.get("type", "EC2") in FARGATE:
        raise Refused("type cannot be updated to Fargate")


@documented(API + "API_UpdateComputeEnvironment.html")
def _role_and_machines_change_apart(shown: Json, request: Json) -> None:
    """A new service role does not come in the same update as an infrastructure change."""
    if request.get("serviceRole", shown["serviceRole"]) != shown["serviceRole"]:
        raise Refused("serviceRole cannot be updated together with an infrastructure update")


@observed("hashicorp/terraform-provider-aws#4788")
def _desired_is_not_lowered(live: Json, sent: Json) -> None:
    """The desired vCPUs are raised by hand, never lowered."""
    if sent.get("desiredvCpus", live.get("desiredvCpus", 0)) < live.get("desiredvCpus", 0):
        raise Refused(
            "Manually scaling down compute environment is not supported.  Disconnecting job queues from compute "
            "environment will cause it to scale-down to minvCpus."
        )


@observed("ASFHyP3/hyp3#2965")
def _maximum_covers_what_runs(live: Json, sent: Json) -> None:
    """The maximum is not set below the vCPUs that are desired now."""
    if sent.get("maxvCpus", live["maxvCpus"]) < live.get("desiredvCpus", 0):
        raise Refused(
            "Manually scaling down compute environment is not supported.  Disconnecting job queues from compute "
            "environment will cause it to scale-down to minvCpus."
        )


@observed("go-to-k/cdk-real-drift#1501")
def as_created(given: Json, orchestration: str) -> Json:
    """Left unsaid, the image is Batch's own and the desired vCPUs are the minimum; Fargate shows empty lists."""
    if is_fargate(given):
        return {**given, "instanceTypes": [], "ec2Configuration": []}
    if given["type"] not in ("EC2", "SPOT"):
        return dict(given)
    shown = {**given, "ec2Configuration": given.get("ec2Configuration") or _default_image(orchestration)}
    if orchestration == "ECS":
        shown["desiredvCpus"] = max(given.get("desiredvCpus", 0), given["minvCpus"])
    return shown


@documented(USER_GUIDE + "create-ami.html")
def _default_image(orchestration: str) -> list[Json]:
    """The image is Amazon Linux 2023 where nothing is said."""
    return [{"imageType": f"{orchestration}_AL2023"}]


@documented(API + "API_ComputeResourceUpdate.html")
def as_updated(shown: Json, sent: Json) -> Json:
    """An update is merged: what is not sent stays, an empty value resets, a launch template replaces the old whole."""
    merged = dict(shown["computeResources"])
    for key, value in sent.items():
        if key == "updateToLatestImageVersion":
            continue
        if is_fargate(merged) and value == []:
            continue
        if _resets(key, value):
            merged.pop(key, None)
        elif key == "launchTemplate":
            merged[key] = {name: part for name, part in value.items() if part not in ("", [])}
        else:
            merged[key] = value
    if not is_fargate(merged) and not merged.get("ec2Configuration"):
        merged["ec2Configuration"] = _default_image(shown["containerOrchestrationType"])
    if "desiredvCpus" in merged:
        # A raised minimum is filled at once; a lowered one leaves what runs.
        merged["desiredvCpus"] = max(merged["desiredvCpus"], merged.get("minvCpus", 0))
    return merged


_RESETS: dict[str, Callable[[object], bool]] = {
    "launchTemplate": lambda value: (
        isinstance(value, dict) and not value.get("launchTemplateId") and not value.get("launchTemplateName")
    ),
    "scalingPolicy": lambda value: isinstance(value, dict) and not value.get("minScaleDownDelayMinutes"),
    "imageId": lambda value: value == "",
    "ec2KeyPair": lambda value: value == "",
    "placementGroup": lambda value: value == "",
    "tags": lambda value: value == {},
    "bidPercentage": lambda value: value == 0,
    "ec2Configuration": lambda value: value == [],
}


@documented(API + "API_ComputeResourceUpdate.html")
def _resets(key: str, value: object) -> bool:
    """An empty string, map or launch template, and 0 for the bid or the delay, take the value away."""
    return key in _RESETS and _RESETS[key](value)
