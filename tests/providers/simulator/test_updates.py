"""Updates of compute resources: what may change in place, under which condition, and what it leaves behind."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, ec2, fargate, refusal
from tests.providers.simulator.updating import refused, update


def test_an_update_merges(lab: Lab) -> None:
    """Only the members that are sent change."""
    lab.environment("a", computeResources=ec2(imageId="ami-1"))
    before = lab.see_environment("a")["computeResources"]
    assert update(lab, maxvCpus=32) == {**before, "maxvCpus": 32}


def test_an_update_without_a_member_is_refused(lab: Lab) -> None:
    """An empty `computeResources`, or one of unknown members only, says nothing."""
    lab.environment("a")
    assert refused(lab) == "At least one compute-resources attribute must be specified"


def test_everything_changes_at_once_on_a_capable_environment_and_back(lab: Lab) -> None:
    """EC2 becomes SPOT with all its members in one update, and EC2 again in another."""
    lab.environment("a", computeResources=ec2())
    spot: dict[str, Any] = {
        "type": "SPOT",
        "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED",
        "bidPercentage": 60,
        "ec2Configuration": [{"imageType": "ECS_AL2", "imageIdOverride": "ami-2"}],
        "ec2KeyPair": "key",
        "instanceRole": "other",
        "instanceTypes": ["c6i", "r6i"],
        "launchTemplate": {"launchTemplateName": "lt", "version": "$Latest"},
        "securityGroupIds": ["sg-2"],
        "subnets": ["subnet-2"],
        "tags": {"a": "b"},
        "placementGroup": "pg",
    }
    seen = update(lab, **spot)
    assert {key: seen[key] for key in spot} == spot
    back: dict[str, Any] = {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "bidPercentage": 0,
        "ec2KeyPair": "",
    }
    seen = update(lab, **back, launchTemplate={"launchTemplateId": ""}, tags={}, placementGroup="", ec2Configuration=[])
    assert not {"bidPercentage", "ec2KeyPair", "launchTemplate", "tags", "placementGroup"} & set(seen)
    assert seen["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]


def test_tags_of_machines_are_judged(lab: Lab) -> None:
    """Tags that are reserved, or spelt as tags are not, are refused for machines too."""
    lab.environment("a")
    assert "aws: prefixed" in refused(lab, tags={"aws:a": "b"})


def test_the_spot_fleet_role_is_not_updated(lab: Lab) -> None:
    """The update operation does not know `spotIamFleetRole`: sent all the same, it changes nothing."""
    lab.environment("a", computeResources=ec2(type="SPOT", allocationStrategy="BEST_FIT", spotIamFleetRole="r1"))
    sent = {"computeEnvironment": "a", "computeResources": {"spotIamFleetRole": "r2", "maxvCpus": 4}}
    assert lab.post("UpdateComputeEnvironment", sent).status == 200
    seen = lab.see_environment("a")["computeResources"]
    assert (seen["spotIamFleetRole"], seen["maxvCpus"]) == ("r1", 4)


def test_a_launch_template_is_replaced_whole(lab: Lab) -> None:
    """Overrides that are left out are gone, and an omitted version is not shown."""
    overrides = [{"launchTemplateId": "lt-2", "targetInstanceTypes": ["m6i.large"]}]
    template = {"launchTemplateId": "lt-1", "version": "3", "overrides": overrides}
    lab.environment("a", computeResources=ec2(launchTemplate=template))
    assert lab.see_environment("a")["computeResources"]["launchTemplate"] == template
    assert update(lab, launchTemplate={"launchTemplateId": "lt-1", "version": ""})["launchTemplate"] == {
        "launchTemplateId": "lt-1"
    }


def test_the_delay_of_scaling_down_is_unset_by_zero(lab: Lab) -> None:
    """0 takes the delay away; 20 to 10080 sets it; nothing else is taken."""
    lab.environment("a", computeResources=ec2(scalingPolicy={"minScaleDownDelayMinutes": 20}))
    assert "minScaleDownDelayMinutes" in refused(lab, scalingPolicy={"minScaleDownDelayMinutes": 19})
    assert "scalingPolicy" not in update(lab, scalingPolicy={"minScaleDownDelayMinutes": 0})


def test_desired_vcpus_follow_the_minimum_up_and_not_down(lab: Lab) -> None:
    """A raised minimum is filled at once; a lowered one leaves what runs."""
    lab.environment("a")
    assert update(lab, minvCpus=4)["desiredvCpus"] == 4
    assert update(lab, minvCpus=2)["desiredvCpus"] == 4
    assert "Manually scaling down compute environment is not supported" in refused(lab, desiredvCpus=3)
    assert "Manually scaling down" in refused(lab, maxvCpus=3)
    assert update(lab, maxvCpus=12)["maxvCpus"] == 12
    assert update(lab, maxvCpus=16)["maxvCpus"] == 16
    assert update(lab, desiredvCpus=6)["desiredvCpus"] == 6
    assert "desiredvCpus must be between" in refused(lab, desiredvCpus=17)


def test_lists_of_a_machine_environment_can_be_emptied(lab: Lab) -> None:
    """On EC2 an empty list removes security groups and subnets."""
    lab.environment("a")
    assert update(lab, securityGroupIds=[])["securityGroupIds"] == []


def test_one_instance_more_than_the_maximum_is_not_in_the_way(lab: Lab) -> None:
    """Batch may exceed the maximum by an instance: an update that does not lower the maximum is carried out."""
    lab.environment("a")
    shown = lab.see_environment("a")
    shown["computeResources"]["desiredvCpus"] = 20
    lab.simulator.seed("environment", "a", shown, region="eu-west-1")
    assert update(lab, instanceTypes=["c6i"])["desiredvCpus"] == 20
    assert update(lab, maxvCpus=18)["maxvCpus"] == 18


@pytest.mark.parametrize("member", [{"type": "FARGATE_SPOT"}, {"tags": {}}, {"instanceTypes": []}, {"minvCpus": 0}])
def test_fargate_takes_few_updates(lab: Lab, member: dict[str, Any]) -> None:
    """Members that describe machines are refused on Fargate even at their present value."""
    lab.environment("a", computeResources=fargate())
    assert "can't be updated for Fargate compute environment" in refused(lab, maxvCpus=4, **member)


def test_fargate_changes_vcpus_networks_and_groups(lab: Lab) -> None:
    """On Fargate maximum, subnets and security groups change in a scaling update; empty lists change nothing."""
    lab.environment("a", computeResources=fargate())
    seen = update(lab, wait=20, maxvCpus=4, subnets=["subnet-9"], securityGroupIds=[])
    assert (seen["maxvCpus"], seen["subnets"], seen["securityGroupIds"]) == (4, ["subnet-9"], ["sg-1"])
    assert lab.see_environment("a")["status"] == "VALID"
    assert "between 1 and 5" in refused(lab, securityGroupIds=["x"] * 6)


def test_fargate_has_no_update_policy(lab: Lab) -> None:
    """An update policy is refused on Fargate."""
    lab.environment("a", computeResources=fargate())
    policy = {"terminateJobsOnUpdate": True}
    message = refusal(lab.batch.update_compute_environment, computeEnvironment="a", updatePolicy=policy)[2]
    assert "can't be updated for Fargate" in message


def test_an_update_policy_is_shown_once_set_with_defaults(lab: Lab) -> None:
    """What is not said of an update policy has its default, and what is set stays."""
    lab.environment("a")
    lab.batch.update_compute_environment(computeEnvironment="a", updatePolicy={"jobExecutionTimeoutMinutes": 60})
    lab.clock.sleep(60)
    assert lab.see_environment("a")["updatePolicy"] == {
        "terminateJobsOnUpdate": False,
        "jobExecutionTimeoutMinutes": 60,
    }


def test_the_image_status_is_batchs(lab: Lab) -> None:
    """A status of an image that is sent is not kept, in creation nor in update."""
    image = {"imageType": "ECS_AL2023", "batchImageStatus": "LATEST"}
    lab.environment("a", computeResources=ec2(ec2Configuration=[image]))
    assert lab.see_environment("a")["computeResources"]["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]
    assert update(lab, ec2Configuration=[image])["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]


def test_resets_take_values_away(lab: Lab) -> None:
    """Each documented reset leaves nothing to describe, and a reset image is Batch's own again."""
    given = {
        "imageId": "ami-1",
        "ec2KeyPair": "key",
        "placementGroup": "pg",
        "tags": {"a": "b"},
        "launchTemplate": {"launchTemplateId": "lt-1"},
        "ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": "ami-2"}],
    }
    spot = ec2(type="SPOT", allocationStrategy="SPOT_CAPACITY_OPTIMIZED", bidPercentage=50, **given)
    lab.environment("a", computeResources=spot)
    resets: dict[str, Any] = {
        "imageId": "",
        "ec2KeyPair": "",
        "placementGroup": "",
        "tags": {},
        "launchTemplate": {"launchTemplateName": ""},
        "ec2Configuration": [],
        "bidPercentage": 0,
    }
    seen = update(lab, **resets)
    assert set(resets) & set(seen) == {"ec2Configuration"}
    assert seen["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]


def test_a_reset_image_is_the_one_of_the_orchestration(lab: Lab) -> None:
    """On EKS the image that comes back is EKS_AL2023."""
    eks = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "batch"}
    lab.environment("a", eksConfiguration=eks, computeResources=ec2(ec2Configuration=[{"imageType": "EKS_AL2"}]))
    assert update(lab, ec2Configuration=[])["ec2Configuration"] == [{"imageType": "EKS_AL2023"}]
    assert "desiredvCpus" in refused(lab, desiredvCpus=0)


def test_overrides_last_only_as_long_as_they_are_sent(lab: Lab) -> None:
    """A launch template without overrides, or with an empty list of them, has none."""
    overrides = [{"launchTemplateId": "lt-2", "targetInstanceTypes": ["m6i.large"]}]
    lab.environment("a", computeResources=ec2(launchTemplate={"launchTemplateId": "lt-1", "overrides": overrides}))
    plain = {"launchTemplateId": "lt-1"}
    assert update(lab, launchTemplate={**plain, "overrides": []})["launchTemplate"] == plain
    assert update(lab, launchTemplate={**plain, "overrides": overrides})["launchTemplate"]["overrides"] == overrides
    assert update(lab, instanceTypes=["m6i"])["launchTemplate"]["overrides"] == overrides
    assert update(lab, launchTemplate=plain)["launchTemplate"] == plain
    template = {**plain, "overrides": [{"launchTemplateId": "lt-2", "targetInstanceTypes": ["c6i"]}]}
    assert "targetInstanceTypes c6i" in refused(lab, launchTemplate=template)


@pytest.mark.parametrize(
    ("before", "after"), [("FARGATE", "FARGATE_SPOT"), ("FARGATE_SPOT", "FARGATE"), ("FARGATE", "EC2")]
)
def test_fargate_keeps_its_type(lab: Lab, before: str, after: str) -> None:
    """On Fargate the type is not among what can be updated, with AWS's own words."""
    lab.environment("a", computeResources=fargate(type=before))
    assert refused(lab, type=after) == (
        "The following parameters can't be updated for Fargate compute environment: allocationStrategy, "
        "bidPercentage, ec2Configuration, ec2KeyPair, imageId, instanceRole, instanceTypes, launchTemplate, "
        "placementGroup, tags, type, updatePolicy, updateToLatestImageVersion."
    )


def test_fargate_is_small_after_an_update_too(lab: Lab) -> None:
    """At most 16 subnets and 1 to 5 security groups remain."""
    lab.environment("a", computeResources=fargate())
    assert "16 subnets" in refused(lab, subnets=["s"] * 17)
    assert update(lab, subnets=["s"] * 16)["subnets"] == ["s"] * 16
    assert update(lab, subnets=[])["subnets"] == ["s"] * 16


def test_what_holds_at_creation_holds_after_an_update(lab: Lab) -> None:
    """An update is judged by what comes of it."""
    lab.environment("a")
    assert "architecture" in refused(lab, instanceTypes=["c6i", "c6g"])
    assert "minvCpus must be between" in refused(lab, minvCpus=17)
    assert "instanceTypes is required" in refused(lab, instanceTypes=[])
    assert "instanceRole is required" in refused(lab, instanceRole="")
    assert "bidPercentage" in refused(lab, bidPercentage=101)
    assert "EKS_AL2023 is not supported for ECS" in refused(lab, ec2Configuration=[{"imageType": "EKS_AL2023"}])
