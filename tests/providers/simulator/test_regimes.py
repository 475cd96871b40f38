"""Regimes of updates: what scales, what replaces instances, and on which environments."""

from typing import Any

import pytest

from tests.providers.simulator.lab import LINKED, ORDINARY, Lab, ec2, refusal
from tests.providers.simulator.updating import refused, update


def test_a_scaling_update_is_short_and_an_infrastructure_update_is_long(lab: Lab) -> None:
    """Scaling takes seconds, anything that replaces instances minutes; meanwhile the environment is UPDATING."""
    lab.environment("a")
    assert update(lab, wait=20, minvCpus=0, maxvCpus=8)["maxvCpus"] == 8
    assert lab.see_environment("a")["status"] == "VALID"
    assert update(lab, wait=599, instanceTypes=["c6i"])["instanceTypes"] == ["c6i"]
    assert lab.see_environment("a")["status"] == "UPDATING"
    assert "being modified" in refused(lab, maxvCpus=9)
    lab.clock.sleep(1)
    assert lab.see_environment("a")["status"] == "VALID"


def test_a_newer_image_is_an_infrastructure_update_and_is_not_shown(lab: Lab) -> None:
    """`updateToLatestImageVersion` is an order, not a state."""
    lab.environment("a")
    update(lab, wait=0, updateToLatestImageVersion=True)
    assert b"updateToLatestImageVersion" not in lab.post("DescribeComputeEnvironments", {}).body
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
    assert words in refused(lab, instanceTypes=["c6i"])
    assert update(lab, maxvCpus=32, minvCpus=1, scalingPolicy={"minScaleDownDelayMinutes": 30})["maxvCpus"] == 32


def test_there_is_no_way_back_to_best_fit(lab: Lab) -> None:
    """The update operation does not know BEST_FIT."""
    lab.environment("a")
    assert "allocationStrategy" in refused(lab, allocationStrategy="BEST_FIT")


def test_a_strategy_must_fit_the_type_after_the_update(lab: Lab) -> None:
    """From SPOT to EC2 the spot strategy goes too."""
    lab.environment("a", computeResources=ec2(type="SPOT", allocationStrategy="SPOT_PRICE_CAPACITY_OPTIMIZED"))
    assert "only valid for SPOT" in refused(lab, type="EC2")


def test_machines_do_not_become_fargate(lab: Lab) -> None:
    """The type changes between EC2 and SPOT only."""
    lab.environment("a")
    assert "type cannot be updated from EC2 to FARGATE" in refused(lab, type="FARGATE")
    assert "type cannot be updated from EC2 to ECS_MANAGED" in refused(lab, type="ECS_MANAGED_INSTANCES")


def test_role_and_machines_change_apart(lab: Lab) -> None:
    """A new service role does not come with an infrastructure update; the same role may be named."""
    lab.environment("a")
    both = {"computeEnvironment": "a", "computeResources": {"instanceTypes": ["c6i"]}}
    assert "serviceRole" in refusal(lab.batch.update_compute_environment, serviceRole=LINKED + "2", **both)[2]
    lab.batch.update_compute_environment(computeEnvironment="a", serviceRole=LINKED + "2")
    lab.clock.sleep(60)
    lab.batch.update_compute_environment(serviceRole=LINKED + "2", **both)
    assert lab.see_environment("a")["computeResources"]["instanceTypes"] == ["c6i"]


_INFRASTRUCTURE: dict[str, tuple[Any, Any]] = {
    "allocationStrategy": ("BEST_FIT_PROGRESSIVE_ORDERED", "BEST_FIT_PROGRESSIVE_ORDERED"),
    "instanceTypes": (["default_x86_64"], ["default_x86_64"]),
    "imageId": ("ami-9", "ami-9"),
    "ec2Configuration": ([{"imageType": "ECS_AL2023_NVIDIA"}], [{"imageType": "ECS_AL2023_NVIDIA"}]),
    "launchTemplate": ({"launchTemplateName": "lt"}, {"launchTemplateName": "lt"}),
    "placementGroup": ("pg", "pg"),
    "subnets": (["subnet-2"], ["subnet-2"]),
    "securityGroupIds": (["sg-2"], ["sg-2"]),
    "ec2KeyPair": ("key", "key"),
    "instanceRole": ("other", "other"),
    "tags": ({"a": "b"}, {"a": "b"}),
    "bidPercentage": (60, 60),
    "type": ("EC2", "EC2"),
    "updateToLatestImageVersion": (True, None),
}
_SCALING: dict[str, tuple[Any, Any]] = {
    "minvCpus": (1, 1),
    "maxvCpus": (32, 32),
    "desiredvCpus": (2, 2),
    "scalingPolicy": ({"minScaleDownDelayMinutes": 20}, {"minScaleDownDelayMinutes": 20}),
}


@pytest.mark.parametrize("member", _INFRASTRUCTURE)
def test_what_replaces_instances(lab: Lab, member: str) -> None:
    """Each member that describes instances is an infrastructure update where there is one, and refused elsewhere."""
    value, shown = _INFRASTRUCTURE[member]
    lab.environment("a")
    assert update(lab, wait=599, **{member: value}).get(member) == shown
    assert lab.see_environment("a")["status"] == "UPDATING"
    for name, role, strategy in (
        ("b", ORDINARY, "BEST_FIT_PROGRESSIVE"),
        ("c", LINKED, None),
        ("d", LINKED, "BEST_FIT"),
    ):
        lab.environment(name, serviceRole=role, computeResources=ec2(allocationStrategy=strategy))
        before = lab.see_environment(name)
        sent = {"computeEnvironment": name, "computeResources": {member: value}}
        assert refusal(lab.batch.update_compute_environment, **sent)[0] == 400
        assert lab.see_environment(name) == before


@pytest.mark.parametrize("member", _SCALING)
@pytest.mark.parametrize("role", [LINKED, ORDINARY])
@pytest.mark.parametrize("strategy", ["BEST_FIT_PROGRESSIVE", "BEST_FIT", None])
def test_what_scales(lab: Lab, member: str, role: str, strategy: str | None) -> None:
    """Numbers of vCPUs and the delay are a scaling update under any role and any strategy."""
    value, shown = _SCALING[member]
    lab.environment("a", serviceRole=role, computeResources=ec2(allocationStrategy=strategy))
    assert update(lab, wait=20, **{member: value})[member] == shown
    assert lab.see_environment("a")["status"] == "VALID"


@pytest.mark.parametrize(
    "strategy",
    [
        "SPOT_CAPACITY_OPTIMIZED",
        "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED",
        "BEST_FIT_PROGRESSIVE",
    ],
)
def test_every_strategy_but_best_fit_is_capable(lab: Lab, strategy: str) -> None:
    """All strategies but BEST_FIT know infrastructure updates."""
    lab.environment("a", computeResources=ec2(type="SPOT", allocationStrategy=strategy))
    assert update(lab, instanceTypes=["optimal", "c6i"])["instanceTypes"] == ["optimal", "c6i"]


def test_scaling_and_infrastructure_together_are_infrastructure(lab: Lab) -> None:
    """A maximum that comes with instance types takes as long as they do."""
    lab.environment("a")
    assert update(lab, wait=599, maxvCpus=8, instanceTypes=["c6i"])["maxvCpus"] == 8
    assert lab.see_environment("a")["status"] == "UPDATING"


def test_an_update_policy_needs_a_strategy_too(lab: Lab) -> None:
    """With BEST_FIT, said or unsaid, an update policy is refused."""
    policy = {"jobExecutionTimeoutMinutes": 7200}
    for name, strategy in (("a", None), ("b", "BEST_FIT")):
        lab.environment(name, computeResources=ec2(allocationStrategy=strategy))
        sent = {"computeEnvironment": name, "updatePolicy": policy}
        assert "updatePolicy" in refusal(lab.batch.update_compute_environment, **sent)[2]
    lab.environment("c")
    assert lab.batch.update_compute_environment(computeEnvironment="c", updatePolicy=policy)
    lab.clock.sleep(60)
    sent = {"computeEnvironment": "c", "updatePolicy": {"jobExecutionTimeoutMinutes": 7201}}
    assert "between 1 and 7200" in refusal(lab.batch.update_compute_environment, **sent)[2]


def test_a_settled_environment_alone_is_updated(lab: Lab) -> None:
    """While UPDATING, and while CREATING, a further update is refused."""
    lab.environment("a", wait=1)
    assert "being modified" in refused(lab, maxvCpus=4)
    lab.clock.sleep(60)
    update(lab, wait=1, instanceTypes=["c6i"])
    assert "being modified" in refused(lab, maxvCpus=4)
