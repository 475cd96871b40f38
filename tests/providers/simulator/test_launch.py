"""Launch templates, their overrides, and images."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, ec2, refusal

_EKS = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "batch"}
_OWN_2023 = [{"imageType": "EKS_AL2023", "imageIdOverride": "ami-1"}]


def _refused(lab: Lab, resources: dict[str, Any], **more: Any) -> str:
    request = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": resources, **more}
    status, _, message = refusal(lab.batch.create_compute_environment, **request)
    assert status == 400
    assert lab.see_environment("a") == {}
    return message


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({}, "Either launchTemplateId or launchTemplateName"),
        ({"launchTemplateId": "lt", "launchTemplateName": "lt"}, "Either launchTemplateId or launchTemplateName"),
        ({"launchTemplateId": "lt", "version": "newest"}, "version"),
        ({"launchTemplateId": "lt", "userdataType": "EKS_NODEADM"}, "userdataType is only supported for EKS"),
        ({"launchTemplateId": "lt", "overrides": [{"targetInstanceTypes": ["m6i"]}]}, "Either launchTemplateId"),
        ({"launchTemplateId": "lt", "overrides": [{}] * 11}, "overrides can have up to 10"),
    ],
)
def test_a_bad_template_is_refused(lab: Lab, template: dict[str, Any], words: str) -> None:
    """A template, and an override, has an id or a name, a known version, and no user data of another orchestration."""
    assert words in _refused(lab, ec2(launchTemplate=template))


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([None], "must name instance types or families"),
        ([[]], "must name instance types or families"),
        ([["optimal"]], "must name instance types or families"),
        ([["default_x86_64"]], "must name instance types or families"),
        ([["m5"]], "m5 is not among the instanceTypes"),
        ([["r6i"]], "r6i is not among the instanceTypes"),
        ([["c6i.large", "c6i.large"]], "cannot overlap"),
        ([["c6i.large"], ["c6i.large"]], "cannot overlap"),
        ([["c6i"], ["c6i.large"]], "cannot overlap"),
    ],
)
def test_overrides_are_for_types_of_the_environment(lab: Lab, targets: list[Any], words: str) -> None:
    """Overrides name types or families that the environment has, each once."""
    overrides = [
        {"launchTemplateId": f"lt-{place}", **({} if types is None else {"targetInstanceTypes": types})}
        for place, types in enumerate(targets)
    ]
    template = {"launchTemplateId": "lt", "overrides": overrides}
    assert words in _refused(lab, ec2(instanceTypes=["c6i", "m6i.large", "r6i.large"], launchTemplate=template))


@pytest.mark.parametrize(
    ("types", "target"), [(["c6i"], "c6i.xlarge"), (["c6i"], "c6i"), (["m6i.large"], "m6i.large"), (["optimal"], "c7i")]
)
def test_an_override_within_the_types_is_taken(lab: Lab, types: list[str], target: str) -> None:
    """A type of a family that is there, the type or family itself, and a family that a keyword stands for."""
    override = {"launchTemplateName": "lt", "version": "$Default", "targetInstanceTypes": [target]}
    template = {"launchTemplateId": "lt", "version": "2", "overrides": [override]}
    lab.environment("a", computeResources=ec2(instanceTypes=types, launchTemplate=template))
    assert lab.see_environment("a")["computeResources"]["launchTemplate"] == template


@pytest.mark.parametrize(
    ("images", "more", "words"),
    [
        ([{"imageType": "ECS_AL2023"}] * 3, {}, "up to 2 entries"),
        ([{"imageType": "EKS_AL2023"}], {}, "not supported for ECS"),
        ([{"imageType": "ECS_AL2023"}], {"eksConfiguration": _EKS}, "not supported for EKS"),
        ([{"imageType": "ECS_AL2023", "imageKubernetesVersion": "1.31"}], {}, "imageKubernetesVersion"),
        ([{"imageType": "ECS_AL2"}], {}, "Amazon Linux 2"),
        ([{"imageType": "ECS_AL2_NVIDIA"}], {}, "Amazon Linux 2"),
    ],
)
def test_a_bad_image_is_refused(lab: Lab, images: list[dict[str, Any]], more: dict[str, Any], words: str) -> None:
    """There are up to two images, of the orchestration, and none that Batch no longer offers."""
    assert words in _refused(lab, ec2(ec2Configuration=images), **more)


def test_own_images_of_2023_start_with_nodeadm(lab: Lab) -> None:
    """On EKS a template for a custom AMI of EKS_AL2023 says EKS_NODEADM; one for Batch's own need not."""
    template: dict[str, Any] = {"launchTemplateId": "lt"}
    own = ec2(ec2Configuration=_OWN_2023, launchTemplate=template)
    assert "EKS_NODEADM" in _refused(lab, own, eksConfiguration=_EKS)
    override = {"launchTemplateId": "lt-2", "targetInstanceTypes": ["m6i.large"], "userdataType": "EKS_BOOTSTRAP_SH"}
    nodeadm = {**template, "userdataType": "EKS_NODEADM"}
    bad = ec2(ec2Configuration=_OWN_2023, launchTemplate={**nodeadm, "overrides": [override]})
    assert "EKS_NODEADM" in _refused(lab, bad, eksConfiguration=_EKS)
    lab.environment("b", eksConfiguration=_EKS, computeResources={**own, "launchTemplate": nodeadm})
    lab.environment("c", eksConfiguration=_EKS, computeResources=ec2(launchTemplate=template))
    assert lab.see_environment("b")["computeResources"]["launchTemplate"] == nodeadm


def test_kubernetes_has_a_version_of_its_own(lab: Lab) -> None:
    """On EKS the version of Kubernetes is kept."""
    image = {"imageType": "EKS_AL2023", "imageKubernetesVersion": "1.31"}
    lab.environment("a", eksConfiguration=_EKS, computeResources=ec2(ec2Configuration=[image]))
    assert lab.see_environment("a")["computeResources"]["ec2Configuration"] == [image]
