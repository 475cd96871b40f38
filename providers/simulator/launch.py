"""What machines start from: launch templates with their overrides, and images."""

import datetime
import re

from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, assumed, documented

_IMAGES = API + "API_Ec2Configuration.html"
_TEMPLATES = API + "API_LaunchTemplateSpecification.html"
_OVERRIDES = API + "API_LaunchTemplateSpecificationOverride.html"
_AL2_ENDS = datetime.datetime(2026, 6, 30, tzinfo=datetime.UTC).timestamp()
_VERSION = re.compile(r"\d*|\$Default|\$Latest")
BUNDLES = {
    "optimal": ("m6i", "c6i", "r6i", "c7i"),
    "default_x86_64": ("m6i", "c6i", "r6i", "c7i"),
    "default_arm64": ("m6g", "c6g", "r6g", "c7g"),
}
"""The words that stand for instance families, and those families."""


def check(given: Json, orchestration: str) -> None:
    """Refuse launch templates and images that Batch refuses, of EC2 and SPOT resources as they are to be."""
    _images_are_few(given)
    _images_fit_the_orchestration(given, orchestration)
    if "launchTemplate" not in given:
        return
    template = given["launchTemplate"]
    overrides = template.get("overrides", [])
    _overrides_are_few(overrides)
    for one in (template, *overrides):
        _template_has_one_name(one)
        _version_is_known(one)
        _user_data_is_for_kubernetes(one, orchestration)
        _own_images_of_2023_use_nodeadm(one, given)
    _overrides_say_for_which_types(overrides)
    _overrides_are_for_types_at_hand(overrides, given)
    _overrides_do_not_overlap(overrides)


@documented(_IMAGES)
def image_is_offered(given: Json, now: float) -> None:
    """From 30 June 2026 no new ECS environment gets an Amazon Linux 2 image from Batch; one's own may be named."""
    old = any(
        image["imageType"] in ("ECS_AL2", "ECS_AL2_NVIDIA") and "imageIdOverride" not in image
        for image in given.get("ec2Configuration", [])
    )
    if old and "imageId" not in given and now >= _AL2_ENDS:
        raise Refused("Amazon Linux 2 images provided by Batch are no longer supported for new compute environments")


@documented(API + "API_ComputeResource.html")
def default_image(orchestration: str) -> list[Json]:
    """The image is Amazon Linux 2023 where nothing is said."""
    return [{"imageType": f"{orchestration}_AL2023"}]


@documented(_IMAGES)
def without_status(images: list[Json]) -> list[Json]:
    """The status of an image is Batch's to tell; sent, it is not kept."""
    return [{key: value for key, value in image.items() if key != "batchImageStatus"} for image in images]


@documented(API + "API_ComputeResource.html")
def _images_are_few(given: Json) -> None:
    """There are up to two images."""
    if len(given.get("ec2Configuration", [])) > 2:
        raise Refused("ec2Configuration can have up to 2 entries")


@documented(_IMAGES)
def _images_fit_the_orchestration(given: Json, orchestration: str) -> None:
    """Images of ECS are for ECS, and images of EKS, like a version of Kubernetes, for EKS."""
    other = "ECS_" if orchestration == "EKS" else "EKS_"
    for image in given.get("ec2Configuration", []):
        if image["imageType"].startswith(other):
            raise Refused(f"imageType {image['imageType']} is not supported for {orchestration} compute environments")
        if "imageKubernetesVersion" in image and orchestration != "EKS":
            raise Refused("imageKubernetesVersion is only supported for EKS compute environments")


@documented(_TEMPLATES)
def _overrides_are_few(overrides: list[Json]) -> None:
    """A launch template has up to ten overrides."""
    if len(overrides) > 10:
        raise Refused("launchTemplate.overrides can have up to 10 entries")


@documented(_TEMPLATES)
def _template_has_one_name(one: Json) -> None:
    """A launch template, and an override of it, is given by id or by name, not by both."""
    if bool(one.get("launchTemplateId")) == bool(one.get("launchTemplateName")):
        raise Refused("Either launchTemplateId or launchTemplateName must be specified, but not both")


@documented(_TEMPLATES)
def _version_is_known(one: Json) -> None:
    """A version of a launch template is a number, $Default or $Latest."""
    if not _VERSION.fullmatch(one.get("version", "")):
        raise Refused("Launch template version must be a number, $Default or $Latest")


@assumed("botocore's model calls it the EKS node initialization process")
def _user_data_is_for_kubernetes(one: Json, orchestration: str) -> None:
    """A type of user data is told on EKS only."""
    if "userdataType" in one and orchestration != "EKS":
        raise Refused("userdataType is only supported for EKS compute environments")


@documented(_TEMPLATES)
def _own_images_of_2023_use_nodeadm(one: Json, given: Json) -> None:
    """With an image of one's own based on EKS_AL2023 a launch template has user data of type EKS_NODEADM."""
    own = any(
        image["imageType"].startswith("EKS_AL2023") and "imageIdOverride" in image
        for image in given.get("ec2Configuration", [])
    )
    if own and one.get("userdataType") != "EKS_NODEADM":
        raise Refused("userdataType must be EKS_NODEADM for custom AMIs based on EKS_AL2023")


@documented(_OVERRIDES)
def _overrides_say_for_which_types(overrides: list[Json]) -> None:
    """An override names instance types or families, not optimal, default_x86_64 or default_arm64."""
    for one in overrides:
        targets = one.get("targetInstanceTypes", [])
        if not targets or any(target in BUNDLES for target in targets):
            raise Refused("targetInstanceTypes must name instance types or families")


@documented(_OVERRIDES)
def _overrides_are_for_types_at_hand(overrides: list[Json], given: Json) -> None:
    """An override is for instance types and families that the environment has."""
    held = {word for name in given.get("instanceTypes", []) for word in BUNDLES.get(name, (name,))}
    for target in _targets(overrides):
        if target not in held and _family(target) not in held:
            raise Refused(f"targetInstanceTypes {target} is not among the instanceTypes of the compute environment")


@documented(_OVERRIDES)
def _overrides_do_not_overlap(overrides: list[Json]) -> None:
    """No two targets of overrides are the same, or a family and a type of it."""
    targets = _targets(overrides)
    if len(set(targets)) < len(targets) or any("." in it and _family(it) in targets for it in targets):
        raise Refused("targetInstanceTypes of launch template overrides cannot overlap")


def _targets(overrides: list[Json]) -> list[str]:
    return [target for one in overrides for target in one.get("targetInstanceTypes", [])]


def _family(instance_type: str) -> str:
    return instance_type.partition(".")[0]
