"""Updates of compute resources: what may change in place, under which condition, and what it leaves behind."""

from typing import Any

import pytest

from tests.providers.simulator.lab import LINKED, ORDINARY, Lab, ec2, fargate, refusal


def _update(lab: Lab, wait: float = 3600, **resources: Any) -> dict[str, Any]:
    """Update the resources of environment `a`, wait, and return them as described."""
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources=resources)
    lab.clock.sleep(wait)
    found: dict[str, Any] = lab.see_environment("a")["computeResources"]
    return found


def _refused(lab: Lab, **resources: Any) -> str:
    before = lab.see_environment("a")
    status, code, message = refusal(
        lab.batch.update_compute_environment, computeEnvironment="a", computeResources=resources
    )
    assert (status, code) == (400, "ClientException")
    assert lab.see_environment("a") == before
    return message


def test_an_update_merges(lab: Lab) -> None:
    """Only the members that are sent change."""
    lab.environment("a", computeResources=ec2(imageId="ami-1"))
    before = lab.see_environment("a")["computeResources"]
    assert _update(lab, maxvCpus=32) == {**before, "maxvCpus": 32}


def test_an_update_without_a_member_is_refused(lab: Lab) -> None:
    """An empty `computeResources`, or one of unknown members only, says nothing."""
    lab.environment("a")
    assert _refused(lab) == "At least one compute-resources attribute must be specified"


def test_a_scaling_update_is_short_and_an_infrastructure_update_is_long(lab: Lab) -> None:
    """Scaling takes seconds, anything that replaces instances minutes; meanwhile the environment is UPDATING."""
    lab.environment("a")
    assert _update(lab, wait=20, minvCpus=0, maxvCpus=8)["maxvCpus"] == 8
    assert lab.see_environment("a")["status"] == "VALID"
    assert _update(lab, wait=599, instanceTypes=["c6i"])["instanceTypes"] == ["c6i"]
    assert lab.see_environment("a")["status"] == "UPDATING"
    assert "being modified" in _refused(lab, maxvCpus=9)
    lab.clock.sleep(1)
    assert lab.see_environment("a")["status"] == "VALID"


def test_a_newer_image_is_an_infrastructure_update_and_is_not_shown(lab: Lab) -> None:
    """`updateToLatestImageVersion` is an order, not a state."""
    lab.environment("a")
    seen = _update(lab, wait=0, updateToLatestImageVersion=True)
    assert "updateToLatestImageVersion" not in seen
    lab.clock.sleep(599)
    assert lab.see_environment("a")["status"] == "UPDATING"


@pytest.mark.parametrize(
    ("role", "strategy", "words"),
    [
        (ORDINARY, "BEST_FIT_PROGRESSIVE", "Batch Service Linked Role"),
        (None, None, "BEST_FIT"),
        (None, "BEST_FIT", "BEST_FIT"),
    ],
)
def test_instances_change_in_place_only_in_a_capable_environment(
    lab: Lab, role: str | None, strategy: str | None, words: str
) -> None:
    """With an ordinary role, or with BEST_FIT, only scaling is updated."""
    given: dict[str, Any] = {"serviceRole": role} if role else {}
    lab.environment("a", computeResources=ec2(allocationStrategy=strategy), **given)
    assert words in _refused(lab, instanceTypes=["c6i"])
    assert _update(lab, maxvCpus=32, minvCpus=1, scalingPolicy={"minScaleDownDelayMinutes": 30})["maxvCpus"] == 32


def test_there_is_no_way_back_to_best_fit(lab: Lab) -> None:
    """The update operation does not know BEST_FIT."""
    lab.environment("a")
    assert "allocationStrategy" in _refused(lab, allocationStrategy="BEST_FIT")


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
    seen = _update(lab, **spot)
    assert {key: seen[key] for key in spot} == spot
    back: dict[str, Any] = {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "bidPercentage": 0,
        "ec2KeyPair": "",
    }
    seen = _update(
        lab, **back, launchTemplate={"launchTemplateId": ""}, tags={}, placementGroup="", ec2Configuration=[]
    )
    assert not {"bidPercentage", "ec2KeyPair", "launchTemplate", "tags", "placementGroup"} & set(seen)
    assert seen["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]


def test_a_strategy_must_fit_the_type_after_the_update(lab: Lab) -> None:
    """From SPOT to EC2 the spot strategy goes too."""
    lab.environment("a", computeResources=ec2(type="SPOT", allocationStrategy="SPOT_PRICE_CAPACITY_OPTIMIZED"))
    assert "only valid for SPOT" in _refused(lab, type="EC2")


def test_the_spot_fleet_role_is_not_updated(lab: Lab) -> None:
    """The update operation does not know `spotIamFleetRole`: sent all the same, it changes nothing."""
    lab.environment("a", computeResources=ec2(type="SPOT", allocationStrategy="BEST_FIT", spotIamFleetRole="r1"))
    sent = {"computeEnvironment": "a", "computeResources": {"spotIamFleetRole": "r2", "maxvCpus": 4}}
    assert lab.post("UpdateComputeEnvironment", sent).status == 200
    seen = lab.see_environment("a")["computeResources"]
    assert (seen["spotIamFleetRole"], seen["maxvCpus"]) == ("r1", 4)


def test_a_launch_template_is_replaced_whole(lab: Lab) -> None:
    """Overrides that are left out are gone, and an omitted version is not shown."""
    overrides = [{"launchTemplateId": "lt-2", "targetInstanceTypes": ["m6i"]}]
    template = {"launchTemplateId": "lt-1", "version": "3", "overrides": overrides}
    lab.environment("a", computeResources=ec2(launchTemplate=template))
    assert lab.see_environment("a")["computeResources"]["launchTemplate"] == template
    assert _update(lab, launchTemplate={"launchTemplateId": "lt-1", "version": ""})["launchTemplate"] == {
        "launchTemplateId": "lt-1"
    }


def test_the_delay_of_scaling_down_is_unset_by_zero(lab: Lab) -> None:
    """0 takes the delay away; 20 to 10080 sets it; nothing else is taken."""
    lab.environment("a", computeResources=ec2(scalingPolicy={"minScaleDownDelayMinutes": 20}))
    assert "minScaleDownDelayMinutes" in _refused(lab, scalingPolicy={"minScaleDownDelayMinutes": 19})
    assert "scalingPolicy" not in _update(lab, scalingPolicy={"minScaleDownDelayMinutes": 0})


def test_desired_vcpus_follow_the_minimum_up_and_not_down(lab: Lab) -> None:
    """A raised minimum is filled at once; a lowered one leaves what runs."""
    lab.environment("a")
    assert _update(lab, minvCpus=4)["desiredvCpus"] == 4
    assert _update(lab, minvCpus=2)["desiredvCpus"] == 4
    assert "Manually scaling down compute environment is not supported" in _refused(lab, desiredvCpus=3)
    assert "Manually scaling down" in _refused(lab, maxvCpus=3)
    assert _update(lab, desiredvCpus=6)["desiredvCpus"] == 6
    assert "desiredvCpus must be between" in _refused(lab, desiredvCpus=17)


def test_lists_of_a_machine_environment_can_be_emptied(lab: Lab) -> None:
    """On EC2 an empty list removes security groups and subnets."""
    lab.environment("a")
    assert _update(lab, securityGroupIds=[])["securityGroupIds"] == []


@pytest.mark.parametrize("member", [{"type": "FARGATE_SPOT"}, {"tags": {}}, {"instanceTypes": []}, {"minvCpus": 0}])
def test_fargate_takes_few_updates(lab: Lab, member: dict[str, Any]) -> None:
    """Members that describe machines are refused on Fargate even at their present value."""
    lab.environment("a", computeResources=fargate())
    assert "can't be updated for Fargate compute environment" in _refused(lab, maxvCpus=4, **member)


def test_fargate_changes_vcpus_networks_and_groups(lab: Lab) -> None:
    """On Fargate maximum, subnets and security groups change in a scaling update; empty lists change nothing."""
    lab.environment("a", computeResources=fargate())
    seen = _update(lab, wait=20, maxvCpus=4, subnets=["subnet-9"], securityGroupIds=[])
    assert (seen["maxvCpus"], seen["subnets"], seen["securityGroupIds"]) == (4, ["subnet-9"], ["sg-1"])
    assert lab.see_environment("a")["status"] == "VALID"
    assert "between 1 and 5" in _refused(lab, securityGroupIds=["x"] * 6)


def test_fargate_has_no_update_policy(lab: Lab) -> None:
    """An update policy is refused on Fargate."""
    lab.environment("a", computeResources=fargate())
    policy = {"terminateJobsOnUpdate": True}
    message = refusal(lab.batch.update_compute_environment, computeEnvironment="a", updatePolicy=policy)[2]
    assert "can't be updated for Fargate" in message


def test_machines_do_not_become_fargate(lab: Lab) -> None:
    """The type changes between EC2 and SPOT only."""
    lab.environment("a")
    assert "Fargate" in _refused(lab, type="FARGATE")


def test_an_update_policy_is_shown_once_set_with_defaults(lab: Lab) -> None:
    """What is not said of an update policy has its default, and what is set stays."""
    lab.environment("a")
    lab.batch.update_compute_environment(computeEnvironment="a", updatePolicy={"jobExecutionTimeoutMinutes": 60})
    lab.clock.sleep(60)
    assert lab.see_environment("a")["updatePolicy"] == {
        "terminateJobsOnUpdate": False,
        "jobExecutionTimeoutMinutes": 60,
    }


def test_role_and_machines_change_apart(lab: Lab) -> None:
    """A new service role does not come with an infrastructure update; the same role may be named."""
    lab.environment("a")
    both = {"computeEnvironment": "a", "computeResources": {"instanceTypes": ["c6i"]}}
    assert "serviceRole" in refusal(lab.batch.update_compute_environment, serviceRole=LINKED + "2", **both)[2]
    lab.batch.update_compute_environment(serviceRole=LINKED, **both)
    assert lab.see_environment("a")["computeResources"]["instanceTypes"] == ["c6i"]
