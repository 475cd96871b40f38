"""Compute resources of new environments: what Batch asks of them, and what a describe shows."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, ec2, fargate, refusal

_EKS = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "batch"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (ec2(minvCpus=None), "Resource minvCpus is required."),
        (ec2(instanceTypes=[]), "Resource instanceTypes is required."),
        (ec2(instanceRole=None), "Instance role is required."),
        (ec2(securityGroupIds=[]), "Resource securityGroupIds is required."),
        (ec2(subnets=[]), "subnets must be provided"),
        (ec2(minvCpus=17), "minvCpus must be between 0 and maxvCpus"),
        (ec2(minvCpus=-1), "minvCpus must be between 0 and maxvCpus"),
        (ec2(desiredvCpus=17), "desiredvCpus must be between"),
        (ec2(minvCpus=2, desiredvCpus=1), "desiredvCpus must be between"),
        (ec2(allocationStrategy="SPOT_CAPACITY_OPTIMIZED"), "only valid for SPOT"),
        (ec2(allocationStrategy="SPOT_PRICE_CAPACITY_OPTIMIZED"), "only valid for SPOT"),
        (ec2(allocationStrategy="SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"), "only valid for SPOT"),
        (ec2(type="SPOT", allocationStrategy="BEST_FIT_PROGRESSIVE_ORDERED"), "only valid for EC2"),
        (ec2(allocationStrategy="WORST_FIT"), "allocationStrategy must be one of"),
        (ec2(type="SPOT", allocationStrategy=None), "spotIamFleetRole"),
        (ec2(type="SPOT", allocationStrategy="BEST_FIT"), "spotIamFleetRole"),
        (ec2(instanceTypes=["c6i", "c6g.large"]), "architecture"),
        (ec2(instanceTypes=["optimal", "default_arm64"]), "architecture"),
        (ec2(bidPercentage=101), "bidPercentage"),
        (ec2(bidPercentage=-1), "bidPercentage"),
        (ec2(scalingPolicy={"minScaleDownDelayMinutes": 19}), "minScaleDownDelayMinutes"),
        (ec2(scalingPolicy={"minScaleDownDelayMinutes": 10081}), "minScaleDownDelayMinutes"),
        (fargate(subnets=[]), "subnets must be provided"),
        (fargate(subnets=["s"] * 17), "16 subnets"),
        (fargate(securityGroupIds=[]), "5 securityGroupIds"),
        (fargate(securityGroupIds=["s"] * 6), "5 securityGroupIds"),
    ],
)
def test_bad_resources_are_refused(lab: Lab, given: dict[str, Any], words: str) -> None:
    """Each broken rule is a ClientException, HTTP 400, and nothing is made."""
    request = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": given}
    status, code, message = refusal(lab.batch.create_compute_environment, **request)
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert lab.see_environment("a") == {}


@pytest.mark.parametrize(
    "member",
    [
        {"allocationStrategy": "BEST_FIT_PROGRESSIVE"},
        {"bidPercentage": 50},
        {"desiredvCpus": 0},
        {"ec2Configuration": []},
        {"ec2KeyPair": "key"},
        {"imageId": ""},
        {"instanceRole": "role"},
        {"instanceTypes": []},
        {"launchTemplate": {}},
        {"minvCpus": 0},
        {"placementGroup": "pg"},
        {"scalingPolicy": {}},
        {"spotIamFleetRole": "role"},
        {"tags": {}},
    ],
)
def test_fargate_has_no_machines(lab: Lab, member: dict[str, Any]) -> None:
    """What describes machines is refused by name, empty or not."""
    request = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": fargate(**member)}
    (name,) = member
    message = refusal(lab.batch.create_compute_environment, **request)[2]
    assert message == f"{name} is not applicable for Fargate."


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (fargate(), "FARGATE is not supported for EKS"),
        (ec2(allocationStrategy=None), "allocationStrategy is required for EKS"),
        (ec2(desiredvCpus=0), "desiredvCpus is not supported for EKS"),
        (ec2(minvCpus=None), "Resource minvCpus is required."),
    ],
)
def test_kubernetes_asks_for_more(lab: Lab, given: dict[str, Any], words: str) -> None:
    """On EKS there are machines only, with a strategy, and without desired vCPUs."""
    request = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": given}
    assert words in refusal(lab.batch.create_compute_environment, **request, eksConfiguration=_EKS)[2]


def test_spot_on_kubernetes_has_no_fleet_role(lab: Lab) -> None:
    """A spot fleet role is asked for on ECS only, and only for BEST_FIT."""
    spot = ec2(type="SPOT", allocationStrategy="BEST_FIT")
    lab.environment("k", eksConfiguration=_EKS, computeResources=spot)
    lab.environment("e", computeResources=ec2(type="SPOT", allocationStrategy="SPOT_PRICE_CAPACITY_OPTIMIZED"))
    lab.environment("f", computeResources={**spot, "spotIamFleetRole": "role"})
    assert lab.see_environment("f")["computeResources"]["spotIamFleetRole"] == "role"


def test_security_groups_may_stand_in_the_launch_template(lab: Lab) -> None:
    """With a launch template the resources need name no security groups."""
    lab.environment("a", computeResources=ec2(securityGroupIds=None, launchTemplate={"launchTemplateId": "lt"}))
    assert lab.see_environment("a")["computeResources"]["launchTemplate"] == {"launchTemplateId": "lt"}


def test_an_unset_strategy_stays_absent(lab: Lab) -> None:
    """An allocation strategy that was not sent is not shown."""
    lab.environment("a", computeResources=ec2(allocationStrategy=None))
    assert "allocationStrategy" not in lab.see_environment("a")["computeResources"]


def test_keywords_of_instance_types_are_kept(lab: Lab) -> None:
    """Words that stand for families of instances are shown as they were sent."""
    lab.environment("a", computeResources=ec2(instanceTypes=["optimal", "default_x86_64", "c6i"]))
    assert lab.see_environment("a")["computeResources"]["instanceTypes"] == ["optimal", "default_x86_64", "c6i"]


def test_the_minimum_is_desired_at_once(lab: Lab) -> None:
    """A new environment desires its minimum, or what was asked for."""
    lab.environment("a", computeResources=ec2(minvCpus=4))
    lab.environment("b", computeResources=ec2(minvCpus=4, desiredvCpus=8))
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == 4
    assert lab.see_environment("b")["computeResources"]["desiredvCpus"] == 8


def test_what_says_nothing_is_not_shown(lab: Lab) -> None:
    """A delay of 0, and an empty version or list of overrides of a launch template, leave no trace."""
    template = {"launchTemplateName": "lt", "version": "", "overrides": []}
    lab.environment("a", computeResources=ec2(scalingPolicy={"minScaleDownDelayMinutes": 0}, launchTemplate=template))
    seen = lab.see_environment("a")["computeResources"]
    assert "scalingPolicy" not in seen
    assert seen["launchTemplate"] == {"launchTemplateName": "lt"}


def test_fargate_shows_empty_lists_and_no_vcpus(lab: Lab) -> None:
    """A Fargate environment shows empty instance types and images, and neither minimum nor desired vCPUs."""
    lab.environment("a", computeResources=fargate())
    seen = lab.see_environment("a")["computeResources"]
    assert (seen["instanceTypes"], seen["ec2Configuration"]) == ([], [])
    assert not {"minvCpus", "desiredvCpus"} & set(seen)


def test_tags_of_instances_are_not_those_of_the_environment(lab: Lab) -> None:
    """Tags in the resources are not listed by ListTagsForResource, nor do they count."""
    arn = lab.environment("a", computeResources=ec2(tags={"on": "instances"}), tags={"on": "environment"})
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"on": "environment"}
    assert lab.see_environment("a")["computeResources"]["tags"] == {"on": "instances"}


def test_an_empty_image_is_none(lab: Lab) -> None:
    """An empty image id is not an image of one's own: Batch would have to offer its own."""
    old = ec2(imageId="", ec2Configuration=[{"imageType": "ECS_AL2"}])
    request = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": old}
    assert "Amazon Linux 2" in refusal(lab.batch.create_compute_environment, **request)[2]


def test_empty_texts_say_nothing(lab: Lab) -> None:
    """Empty texts and a bid of 0 mean as much at creation as they do in an update: nothing."""
    nothing: dict[str, Any] = {"imageId": "", "ec2KeyPair": "", "placementGroup": "", "bidPercentage": 0}
    spot = ec2(type="SPOT", allocationStrategy="SPOT_CAPACITY_OPTIMIZED", scalingPolicy={"minScaleDownDelayMinutes": 0})
    lab.environment("a", computeResources={**spot, **nothing})
    assert not {*nothing, "scalingPolicy"} & lab.see_environment("a")["computeResources"].keys()
    assert lab.see_environment("a")["computeResources"]["minvCpus"] == 0
