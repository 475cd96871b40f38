"""What machines of EC2 and SPOT start from: launch templates with their overrides, and images."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from plans.demands.demand import Demand, twice
from providers.kinds.facts import page
from providers.kinds.regimes import ec2, on_eks
from providers.resources import Document

_IMAGES = page("Ec2Configuration")
_TEMPLATE = page("LaunchTemplateSpecification")
_OVERRIDE = page("LaunchTemplateSpecificationOverride")
_VERSION = re.compile(r"[0-9]*|\$Default|\$Latest")
_AL2 = ("ECS_AL2", "ECS_AL2_NVIDIA")
_AL2_ENDS = 1782777600.0
"""30 June 2026, midnight UTC."""
_X86 = frozenset({"m6i", "c6i", "r6i", "c7i"})
_STANDS_FOR: Mapping[str, frozenset[str]] = {
    "optimal": _X86,
    "default_x86_64": _X86,
    "default_arm64": frozenset({"m6g", "c6g", "r6g", "c7g"}),
}
_EITHER = ("LaunchTemplateSpecification", "LaunchTemplateSpecificationOverride")


def _resources(whole: Document) -> Mapping[str, Any]:
    return whole.get("computeResources") or {}


def _images(resources: Document) -> Iterable[Document]:
    return resources.get("ec2Configuration") or ()


def _targets(template: Document) -> list[str]:
    return [target for one in template.get("overrides") or () for target in one.get("targetInstanceTypes") or ()]


def _family(instance_type: str) -> str:
    return instance_type.partition(".")[0]


def _own_al2023(whole: Document) -> bool:
    return any(
        image["imageType"].startswith("EKS_AL2023") and "imageIdOverride" in image
        for image in _images(_resources(whole))
    )


def _beside(part: Document, whole: Document) -> bool:
    """Whether an override is for a type or family that the environment does not have."""
    names = _resources(whole).get("instanceTypes") or ()
    held = {word for name in names for word in (*_STANDS_FOR.get(name, ()), name)}
    targets = part.get("targetInstanceTypes") or ()
    return any(target not in held and _family(target) not in held for target in targets)


def _overlap(template: Document) -> bool:
    targets = _targets(template)
    return twice(targets) or any("." in target and _family(target) in targets for target in targets)


DEMANDS = (
    Demand(
        "images",
        "ComputeResource.ec2Configuration",
        lambda part, whole: ec2(whole) and len(list(_images(part))) > 2,
        "there are up to 2 images",
        "take some out",
        page("ComputeResource"),
    ),
    Demand(
        "image-of-ecs",
        "Ec2Configuration.imageType",
        lambda part, whole: ec2(whole) and on_eks(whole) and part.get("imageType", "").startswith("ECS_"),
        "it is an image for ECS, and the environment is on EKS",
        "such as EKS_AL2023",
        _IMAGES,
    ),
    Demand(
        "image-of-eks",
        "Ec2Configuration.imageType",
        lambda part, whole: ec2(whole) and not on_eks(whole) and part.get("imageType", "").startswith("EKS_"),
        "it is an image for EKS, and the environment is on ECS",
        "such as ECS_AL2023",
        _IMAGES,
    ),
    Demand(
        "image-of-amazon-linux-2",
        "Ec2Configuration.imageType",
        lambda part, whole: (
            ec2(whole)
            and part.get("imageType") in _AL2
            and "imageIdOverride" not in part
            and "imageId" not in _resources(whole)
        ),
        "from 30 June 2026 AWS makes no new environment with an Amazon Linux 2 image of its own",
        "say ECS_AL2023, or name an image of yours",
        _IMAGES,
        creation=True,
        since=_AL2_ENDS,
    ),
    Demand(
        "kubernetes-version-on-ecs",
        "Ec2Configuration.imageKubernetesVersion",
        lambda part, whole: ec2(whole) and not on_eks(whole) and "imageKubernetesVersion" in part,
        "only environments on EKS take it",
        "leave it out",
        _IMAGES,
    ),
    Demand(
        "overrides",
        "LaunchTemplateSpecification.overrides",
        lambda part, whole: ec2(whole) and len(part.get("overrides") or ()) > 10,
        "a launch template has up to 10 overrides",
        "take some out",
        _TEMPLATE,
    ),
    Demand(
        "overrides-overlap",
        "LaunchTemplateSpecification.overrides",
        lambda part, whole: ec2(whole) and _overlap(part),
        "two overrides are for the same instance type, or one for a family and another for a type of it",
        "name each type in one override",
        _OVERRIDE,
    ),
    Demand(
        "override-targets",
        "LaunchTemplateSpecificationOverride.targetInstanceTypes",
        lambda part, whole: (
            ec2(whole)
            and (
                not part.get("targetInstanceTypes")
                or any(target in _STANDS_FOR for target in part["targetInstanceTypes"])
            )
        ),
        "an override names the instance types or families that it is for",
        "such as [c6i]; not optimal, default_x86_64 or default_arm64",
        _OVERRIDE,
    ),
    Demand(
        "override-beside",
        "LaunchTemplateSpecificationOverride.targetInstanceTypes",
        lambda part, whole: ec2(whole) and _beside(part, whole),
        "an override is for instance types that the environment has",
        "add the type to instanceTypes, or take it out here",
        _OVERRIDE,
    ),
    *(
        row
        for shape in _EITHER
        for row in (
            Demand(
                "launch-template-name",
                f"{shape}.launchTemplateName",
                lambda part, whole: (
                    ec2(whole) and bool(part.get("launchTemplateId")) == bool(part.get("launchTemplateName"))
                ),
                "a launch template is named by launchTemplateId or by launchTemplateName, one of them",
                "say one of them",
                _TEMPLATE,
            ),
            Demand(
                "launch-template-version",
                f"{shape}.version",
                lambda part, whole: ec2(whole) and not _VERSION.fullmatch(part.get("version", "")),
                "it is no version of a launch template",
                "a number, $Default or $Latest",
                _TEMPLATE,
            ),
            Demand(
                "userdata-on-ecs",
                f"{shape}.userdataType",
                lambda part, whole: ec2(whole) and not on_eks(whole) and "userdataType" in part,
                "only environments on EKS take it",
                "leave it out",
                _TEMPLATE,
            ),
            Demand(
                "userdata-of-own-image",
                f"{shape}.userdataType",
                lambda part, whole: ec2(whole) and _own_al2023(whole) and part.get("userdataType") != "EKS_NODEADM",
                "an image of one's own of type EKS_AL2023 needs user data for nodeadm",
                "say EKS_NODEADM",
                _TEMPLATE,
            ),
        )
    ),
)
