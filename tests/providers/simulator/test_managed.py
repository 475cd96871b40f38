"""Environments of type ECS_MANAGED_INSTANCES."""

import json
from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, ec2, fargate, refusal


def _template(**changes: Any) -> dict[str, Any]:
    network = {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}
    return {"ec2InstanceProfileArn": "arn:aws:iam::1:instance-profile/i", "networkConfiguration": network, **changes}


def _provider(**changes: Any) -> dict[str, Any]:
    return {"infrastructureRoleArn": "arn:aws:iam::1:role/r", "instanceLaunchTemplate": _template(), **changes}


def _managed(**changes: Any) -> dict[str, Any]:
    base = {"type": "ECS_MANAGED_INSTANCES", "maxvCpus": 4, "managedInstancesProvider": _provider()}
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def _within(**changes: Any) -> dict[str, Any]:
    return _managed(managedInstancesProvider=_provider(instanceLaunchTemplate=_template(**changes)))


def test_managed_instances_are_kept_as_given(lab: Lab) -> None:
    """An environment of managed instances is shown as it was sent, and makes a queue of its type."""
    given = _managed(capacityTags={"a": "b"})
    lab.environment("a", computeResources=given)
    lab.queue("q", "a")
    assert lab.see_environment("a")["computeResources"] == given
    assert lab.see_queue("q")["jobQueueType"] == "ECS_MANAGED_INSTANCES"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (_managed(managedInstancesProvider=None), "managedInstancesProvider must be specified"),
        (ec2(managedInstancesProvider=_provider()), "managedInstancesProvider can only be specified"),
        (fargate(managedInstancesProvider=_provider()), "managedInstancesProvider can only be specified"),
        (ec2(capacityTags={"a": "b"}), "capacityTags can only be specified"),
        (_managed(capacityTags={"aws:a": "b"}), "aws: prefixed"),
        (_managed(instanceTypes=["c6i"]), "instanceTypes is not applicable for ECS_MANAGED_INSTANCES"),
        (_managed(managedInstancesProvider=_provider(propagateTags="ALL")), "propagateTags must be one of"),
        (
            _managed(managedInstancesProvider=_provider(infrastructureOptimization={"scaleInAfter": 3601})),
            "scaleInAfter",
        ),
        (_managed(managedInstancesProvider=_provider(infrastructureOptimization={"scaleInAfter": -2})), "scaleInAfter"),
        (_within(networkConfiguration={"subnets": [], "securityGroups": ["sg"]}), "subnets must not be empty"),
        (_within(networkConfiguration={"subnets": ["s"], "securityGroups": []}), "securityGroups must not be empty"),
        (_within(capacityOptionType="RESERVED"), "capacityOptionType must be one of"),
        (_within(monitoring="NONE"), "monitoring must be one of"),
        (_within(capacityReservations={"reservationPreference": "X"}), "reservationPreference must be one of"),
    ],
)
def test_a_bad_provider_is_refused(lab: Lab, given: dict[str, Any], words: str) -> None:
    """Type, provider and tags go together, and the members of the provider have known values."""
    request = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": given}
    assert words in refusal(lab.batch.create_compute_environment, **request)[2]
    assert lab.see_environment("a") == {}


def test_idle_instances_may_stay_for_good(lab: Lab) -> None:
    """-1 switches scaling in off."""
    optimization = {"scaleInAfter": -1}
    lab.environment(
        "a", computeResources=_managed(managedInstancesProvider=_provider(infrastructureOptimization=optimization))
    )
    seen = lab.see_environment("a")["computeResources"]["managedInstancesProvider"]
    assert seen["infrastructureOptimization"] == optimization


def test_a_provider_is_updated_member_by_member(lab: Lab) -> None:
    """What is sent changes, under any role; option of capacity and FIPS stay, whatever a request says."""
    spot = _within(capacityOptionType="SPOT", fipsEnabled=True)
    lab.environment("a", serviceRole="arn:aws:iam::1:role/r", computeResources=spot)
    template = {"monitoring": "DETAILED", "capacityOptionType": "ON_DEMAND", "fipsEnabled": False}
    sent = {"managedInstancesProvider": {"propagateTags": "NONE", "instanceLaunchTemplate": template}}
    body = {"computeEnvironment": "a", "computeResources": {**sent, "capacityTags": {"c": "d"}, "maxvCpus": 8}}
    assert lab.post("UpdateComputeEnvironment", body).status == 200
    lab.clock.sleep(3600)
    (shown,) = json.loads(lab.post("DescribeComputeEnvironments", {}).body)["computeEnvironments"]
    assert shown["status"] == "VALID"
    assert shown["computeResources"] == {
        **spot,
        "maxvCpus": 8,
        "capacityTags": {"c": "d"},
        "managedInstancesProvider": _provider(
            propagateTags="NONE",
            instanceLaunchTemplate=_template(capacityOptionType="SPOT", fipsEnabled=True, monitoring="DETAILED"),
        ),
    }


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"computeResources": {"type": "EC2"}}, "type cannot be updated from ECS_MANAGED_INSTANCES to EC2"),
        ({"updatePolicy": {"terminateJobsOnUpdate": True}}, "updatePolicy can only be specified for EC2 and SPOT"),
        ({"computeResources": {"instanceTypes": ["c6i"]}}, "instanceTypes is not applicable"),
        ({"computeResources": {"capacityTags": {"aws:a": "b"}}}, "aws: prefixed"),
        (
            {"computeResources": {"managedInstancesProvider": {"instanceLaunchTemplate": {"monitoring": "X"}}}},
            "monitoring must be one of",
        ),
    ],
)
def test_a_bad_update_is_refused(lab: Lab, sent: dict[str, Any], words: str) -> None:
    """The type is fixed, an update policy is for machines, and values are judged as at creation."""
    lab.environment("a", computeResources=_managed())
    before = lab.see_environment("a")
    assert words in refusal(lab.batch.update_compute_environment, computeEnvironment="a", **sent)[2]
    assert lab.see_environment("a") == before


def test_capacity_tags_are_taken_away_by_an_empty_map(lab: Lab) -> None:
    """Nothing is shown of capacity tags that were reset, nor of a delay of 0."""
    lab.environment("a", computeResources=_managed(capacityTags={"a": "b"}))
    sent = {"capacityTags": {}, "scalingPolicy": {"minScaleDownDelayMinutes": 0}}
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources=sent)
    lab.clock.sleep(3600)
    assert lab.see_environment("a")["computeResources"] == _managed()


def test_machines_get_no_provider(lab: Lab) -> None:
    """A provider, and capacity tags, are not added to an environment of machines."""
    lab.environment("a")
    update = lab.batch.update_compute_environment
    for sent in ({"managedInstancesProvider": {"propagateTags": "NONE"}}, {"capacityTags": {"a": "b"}}):
        assert "can only be specified" in refusal(update, computeEnvironment="a", computeResources=sent)[2]
