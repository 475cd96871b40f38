"""Why an environment is INVALID, and how it is repaired."""

from typing import Any

import pytest

from providers.simulator.troubles import CAUSES
from tests.providers.simulator.lab import LINKED, ORDINARY, Lab, ec2

_EKS = {"eksClusterArn": "arn:aws:eks:eu-west-1:1:cluster/missing", "kubernetesNamespace": "batch"}
_NETWORK = {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}


def _managed(role: str = "r", profile: str = "p", **network: Any) -> dict[str, Any]:
    template = {"ec2InstanceProfileArn": profile, "networkConfiguration": {**_NETWORK, **network}}
    provider = {"infrastructureRoleArn": role, "instanceLaunchTemplate": template}
    return {"type": "ECS_MANAGED_INSTANCES", "maxvCpus": 4, "managedInstancesProvider": provider}


def _override(**template: str) -> dict[str, Any]:
    override = {"targetInstanceTypes": ["m6i.large"], **template}
    return ec2(launchTemplate={"launchTemplateId": "lt", "overrides": [override]})


_FLEET = {"type": "SPOT", "allocationStrategy": "BEST_FIT", "spotIamFleetRole": "arn:aws:iam::1:role/missing"}
_BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "serviceRole": ({"serviceRole": "missing"}, "Not authorized to perform sts:AssumeRole on arn:aws:iam"),
    "computeResources.spotIamFleetRole": (ec2(**_FLEET), "SpotFleetRequestConfig.IamFleetRole is invalid"),
    "computeResources.instanceRole": (ec2(instanceRole="missing"), "Invalid IamInstanceProfile: missing"),
    "computeResources.launchTemplate.launchTemplateId": (
        ec2(launchTemplate={"launchTemplateId": "lt-missing"}),
        "template ID lt-missing, does not exist",
    ),
    "computeResources.launchTemplate.launchTemplateName": (
        ec2(launchTemplate={"launchTemplateName": "missing"}),
        "template name missing, does not exist",
    ),
    "computeResources.launchTemplate.overrides.launchTemplateId": (
        _override(launchTemplateId="lt-missing"),
        "template ID lt-missing, does not exist",
    ),
    "computeResources.launchTemplate.overrides.launchTemplateName": (
        _override(launchTemplateName="missing"),
        "template name missing, does not exist",
    ),
    "computeResources.imageId": (ec2(imageId="ami-missing"), "The image id '[ami-missing]' does not exist"),
    "computeResources.ec2Configuration.imageIdOverride": (
        ec2(ec2Configuration=[{"imageType": "ECS_AL2023", "imageIdOverride": "ami-missing"}]),
        "The image id '[ami-missing]' does not exist",
    ),
    "computeResources.subnets": (ec2(subnets=["s", "subnet-missing"]), "The subnet ID 'subnet-missing' does not exist"),
    "computeResources.securityGroupIds": (
        ec2(securityGroupIds=["sg-missing"]),
        "The security group 'sg-missing' does not exist",
    ),
    "computeResources.ec2KeyPair": (ec2(ec2KeyPair="missing"), "The key pair 'missing' does not exist"),
    "computeResources.placementGroup": (ec2(placementGroup="missing"), "The placement group 'missing' is unknown"),
    "eksConfiguration.eksClusterArn": ({"eksConfiguration": _EKS}, "No cluster found for name"),
    "computeResources.managedInstancesProvider.infrastructureRoleArn": (_managed(role="missing"), "sts:AssumeRole"),
    "computeResources.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn": (
        _managed(profile="missing"),
        "Invalid IamInstanceProfile: missing",
    ),
    "computeResources.managedInstancesProvider.instanceLaunchTemplate.networkConfiguration.subnets": (
        _managed(subnets=["subnet-missing"]),
        "The subnet ID 'subnet-missing' does not exist",
    ),
    "computeResources.managedInstancesProvider.instanceLaunchTemplate.networkConfiguration.securityGroups": (
        _managed(securityGroups=["sg-missing"]),
        "The security group 'sg-missing' does not exist",
    ),
}


def _broken(given: dict[str, Any]) -> dict[str, Any]:
    return {"computeResources": given} if "type" in given else given


@pytest.mark.parametrize("path", [cause.path for cause in CAUSES])
def test_what_is_missing_makes_it_invalid(lab: Lab, path: str) -> None:
    """Each thing that is named and not there ends the creation in INVALID, with a reason that names it."""
    given, words = _BROKEN[path]
    lab.environment("a", **_broken(given))
    seen = lab.see_environment("a")
    assert seen["status"] == "INVALID"
    assert seen["statusReason"].startswith("CLIENT_ERROR - ")
    assert words in seen["statusReason"]


def test_only_the_last_part_of_a_name_is_looked_at(lab: Lab) -> None:
    """A path that contains the word is no fault."""
    lab.environment("a", serviceRole="arn:aws:iam::123456789012:role/missing/Batch")
    assert lab.see_environment("a")["status"] == "VALID"


def test_the_linked_role_has_one_path(lab: Lab) -> None:
    """The service-linked role without its path cannot be assumed."""
    lab.environment("a", serviceRole="arn:aws:iam::123456789012:role/AWSServiceRoleForBatch")
    lab.environment("b", serviceRole=LINKED)
    assert "sts:AssumeRole" in lab.see_environment("a")["statusReason"]
    assert (lab.see_environment("a")["status"], lab.see_environment("b")["status"]) == ("INVALID", "VALID")


@pytest.mark.parametrize("key", ["launchTemplateId", "launchTemplateName"])
def test_user_data_is_an_archive(lab: Lab, key: str) -> None:
    """User data that is no MIME multipart archive makes the environment INVALID."""
    lab.environment("a", computeResources=ec2(launchTemplate={key: "lt-not-mime"}))
    seen = lab.see_environment("a")
    assert (seen["status"], seen["statusReason"]) == (
        "INVALID",
        "CLIENT_ERROR - Launch Template UserData is not MIME multipart format",
    )


def test_an_update_of_the_bad_field_repairs(lab: Lab) -> None:
    """A launch template that is there brings an INVALID environment back to VALID, and a bad one breaks a VALID one."""
    lab.environment("a", computeResources=ec2(launchTemplate={"launchTemplateName": "missing"}))
    for name, status in (("there", "VALID"), ("missing", "INVALID"), ("", "VALID")):
        template = {"launchTemplateName": name}
        lab.batch.update_compute_environment(computeEnvironment="a", computeResources={"launchTemplate": template})
        lab.clock.sleep(3600)
        assert lab.see_environment("a")["status"] == status


def test_an_unusable_spot_fleet_role_makes_it_invalid_for_good(lab: Lab) -> None:
    """The spot fleet role cannot be updated, so an environment that has a bad one stays INVALID, and can be deleted."""
    lab.environment("a", computeResources=ec2(**_FLEET))
    lab.disable_environment("a")
    assert lab.see_environment("a")["status"] == "INVALID"
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(60)
    assert lab.see_environment("a") == {}


def test_a_cluster_that_is_gone_is_played_by_hand(lab: Lab) -> None:
    """A status that was forced lasts until a call changes it."""
    lab.environment("a", serviceRole=ORDINARY)
    reason = "CLIENT_ERROR - Clusters can not be blank"
    lab.simulator.set_status("environment", "a", "INVALID", reason, region="eu-west-1")
    assert lab.see_environment("a")["statusReason"] == reason
