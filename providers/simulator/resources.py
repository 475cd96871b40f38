"""What stands inside `computeResources`: what Batch asks of it, and what a describe shows of a new environment.

Launch templates and images are in `launch`, managed instances in `managed`, changes in `updates`.
"""

import re

from providers.simulator import launch, managed
from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, documented, observed

_COMPUTE_RESOURCE = API + "API_ComputeResource.html"
_ARM = re.compile(r"a1|default_arm64|g5g|t4g|hpc7g|(c|i|im|is|m|r|x)\d+g\w*")
FARGATE = ("FARGATE", "FARGATE_SPOT")
MACHINES = ("EC2", "SPOT")
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
_STRATEGIES = {
    "BEST_FIT_PROGRESSIVE_ORDERED": "EC2",
    "SPOT_CAPACITY_OPTIMIZED": "SPOT",
    "SPOT_PRICE_CAPACITY_OPTIMIZED": "SPOT",
    "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED": "SPOT",
}

_NOTHING: Json = {"bidPercentage": 0, "ec2KeyPair": "", "imageId": "", "placementGroup": ""}


def architectures(given: Json) -> set[str]:
    """Return the CPU architectures of the instance types, as far as their names tell."""
    families = [instance_type.partition(".")[0] for instance_type in given.get("instanceTypes", [])]
    return {"arm64" if _ARM.fullmatch(family) else "x86_64" for family in families}


def is_fargate(given: Json) -> bool:
    return given["type"] in FARGATE


def check_created(given: Json, orchestration: str, now: float) -> None:
    """Refuse what CreateComputeEnvironment refuses."""
    _kubernetes_runs_on_machines(given, orchestration)
    _has_subnets(given)
    if is_fargate(given):
        _fargate_has_no_machines(given)
    elif given["type"] in MACHINES:
        launch.image_is_offered(without_empty_parts(given), now)
        _machines_are_told(given)
        _security_groups_are_told(given)
        _kubernetes_names_a_strategy(given, orchestration)
        _spot_has_a_fleet_role(given, orchestration)
    check(given, orchestration)
    _desired_is_within(given)


def check(given: Json, orchestration: str) -> None:
    """Refuse what Batch refuses of the resources as they are to be, after a creation or an update."""
    managed.check(given)
    _vcpus_are_in_order(given)
    _kubernetes_has_no_desired_vcpus(given, orchestration)
    if is_fargate(given):
        _fargate_is_small(given)
    elif given["type"] in MACHINES:
        _strategy_fits_the_type(given)
        _machines_share_an_architecture(given)
        _bid_is_in_range(given)
        _delay_is_in_range(given)
        launch.check(given, orchestration)


@documented("https://docs.aws.amazon.com/batch/latest/userguide/eks.html")
def _kubernetes_runs_on_machines(given: Json, orchestration: str) -> None:
    """An environment on EKS is of EC2 or SPOT."""
    if orchestration == "EKS" and given["type"] not in MACHINES:
        raise Refused(f"{given['type']} is not supported for EKS compute environments")


@documented(_COMPUTE_RESOURCE)
def _has_subnets(given: Json) -> None:
    """Compute resources name their subnets, unless their provider of managed instances does."""
    if not given.get("subnets") and not managed.is_managed(given):
        raise Refused("subnets must be provided")


@documented(_COMPUTE_RESOURCE)
def _fargate_has_no_machines(given: Json) -> None:
    """What describes machines is not for Fargate."""
    found = [key for key in _FARGATE_NEVER if given.get(key) is not None]
    if found:
        raise Refused(f"{found[0]} is not applicable for Fargate.")


@documented(_COMPUTE_RESOURCE)
def _fargate_is_small(given: Json) -> None:
    """On Fargate there are up to 16 subnets and 1 to 5 security groups."""
    if len(given.get("subnets", [])) > 16:
        raise Refused("Fargate compute resources can have up to 16 subnets")
    if not 1 <= len(given.get("securityGroupIds", [])) <= 5:
        raise Refused("Fargate compute resources need between 1 and 5 securityGroupIds")


@observed("getmoto/moto#6470")
def _machines_are_told(given: Json) -> None:
    """EC2 and SPOT name minvCpus, instance types and an instance role."""
    words = {
        "instanceRole": "Instance role",
        "minvCpus": "Resource minvCpus",
        "instanceTypes": "Resource instanceTypes",
    }
    for key, says in words.items():
        if given.get(key) in (None, [], ""):
            raise Refused(f"{says} is required.")


@documented(_COMPUTE_RESOURCE)
def _security_groups_are_told(given: Json) -> None:
    """Security groups of machines stand in the resources or in a launch template."""
    if not given.get("securityGroupIds") and not given.get("launchTemplate"):
        raise Refused("Resource securityGroupIds is required.")


@documented(_COMPUTE_RESOURCE)
def _machines_share_an_architecture(given: Json) -> None:
    """The instance types of an environment share one CPU architecture."""
    if len(architectures(given)) > 1:
        raise Refused("instanceTypes must share the same CPU architecture")


@documented(_COMPUTE_RESOURCE)
def _strategy_fits_the_type(given: Json) -> None:
    """SPOT_… allocation strategies are for SPOT, and BEST_FIT_PROGRESSIVE_ORDERED is for EC2."""
    strategy = given.get("allocationStrategy", "BEST_FIT")
    only = _STRATEGIES.get(strategy, given["type"])
    if only != given["type"]:
        raise Refused(f"allocationStrategy {strategy} is only valid for {only} compute resources")


@documented(_COMPUTE_RESOURCE)
def _kubernetes_names_a_strategy(given: Json, orchestration: str) -> None:
    """On EKS an allocation strategy is named."""
    if orchestration == "EKS" and "allocationStrategy" not in given:
        raise Refused("allocationStrategy is required for EKS compute environments")


@documented(_COMPUTE_RESOURCE)
def _spot_has_a_fleet_role(given: Json, orchestration: str) -> None:
    """SPOT with BEST_FIT, or with no strategy, names a spot fleet role."""
    best_fit = given.get("allocationStrategy", "BEST_FIT") == "BEST_FIT"
    if given["type"] == "SPOT" and best_fit and orchestration == "ECS" and not given.get("spotIamFleetRole"):
        raise Refused("spotIamFleetRole is required for SPOT compute resources with allocationStrategy BEST_FIT")


@documented(_COMPUTE_RESOURCE)
def _vcpus_are_in_order(given: Json) -> None:
    """The minimum of vCPUs is not negative, and not above the maximum."""
    if not 0 <= given.get("minvCpus", 0) <= given["maxvCpus"]:
        raise Refused("minvCpus must be between 0 and maxvCpus")


@documented(_COMPUTE_RESOURCE)
def _desired_is_within(given: Json) -> None:
    """A creation asks for desired vCPUs between minimum and maximum."""
    if "desiredvCpus" in given and not given.get("minvCpus", 0) <= given["desiredvCpus"] <= given["maxvCpus"]:
        raise Refused("desiredvCpus must be between minvCpus and maxvCpus")


@documented(API + "API_ComputeResourceUpdate.html")
def _kubernetes_has_no_desired_vcpus(given: Json, orchestration: str) -> None:
    """Desired vCPUs are not told on EKS."""
    if "desiredvCpus" in given and orchestration == "EKS":
        raise Refused("desiredvCpus is not supported for EKS compute environments")


@documented(_COMPUTE_RESOURCE)
def _bid_is_in_range(given: Json) -> None:
    """A bid is at most 100 percent of the price on demand."""
    if not 0 <= given.get("bidPercentage", 0) <= 100:
        raise Refused("bidPercentage must be between 0 and 100")


@documented(API + "API_ComputeScalingPolicy.html")
def _delay_is_in_range(given: Json) -> None:
    """The delay of scaling down is 20 to 10080 minutes, or 0 for none."""
    delay = given.get("scalingPolicy", {}).get("minScaleDownDelayMinutes", 0)
    if delay and not 20 <= delay <= 10080:
        raise Refused("minScaleDownDelayMinutes must be between 20 and 10080, or 0")


def as_created(given: Json, orchestration: str) -> Json:
    """Return the resources of a new environment as describe shows them."""
    if is_fargate(given):
        return _fargate_shows_empty_lists(given)
    told = without_empty_parts(given)
    return _machines_show_image_and_vcpus(told, orchestration) if given["type"] in MACHINES else told


@observed("go-to-k/cdk-real-drift#1501")
def _fargate_shows_empty_lists(given: Json) -> Json:
    """Fargate shows empty lists of instance types and images."""
    return {**given, "instanceTypes": [], "ec2Configuration": []}


@observed("go-to-k/cdk-real-drift#1501")
def _machines_show_image_and_vcpus(given: Json, orchestration: str) -> Json:
    """Left unsaid, the image of machines is Batch's own, and off EKS the desired vCPUs are the minimum."""
    images = launch.without_status(given.get("ec2Configuration", [])) or launch.default_image(orchestration)
    shown = {**given, "ec2Configuration": images}
    if orchestration == "ECS":
        shown["desiredvCpus"] = max(given.get("desiredvCpus", 0), given["minvCpus"])
    return shown


@documented(API + "API_ComputeResourceUpdate.html")
def without_empty_parts(given: Json) -> Json:
    """An empty text, a delay or bid of 0, and an empty part of a launch template are as if they were not there."""
    kept = {key: value for key, value in given.items() if key not in _NOTHING or value != _NOTHING[key]}
    if not kept.get("scalingPolicy", {}).get("minScaleDownDelayMinutes"):
        kept.pop("scalingPolicy", None)
    if "launchTemplate" in kept:
        kept["launchTemplate"] = {name: part for name, part in kept["launchTemplate"].items() if part not in ("", [])}
    return kept
