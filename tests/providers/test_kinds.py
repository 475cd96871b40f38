"""What a kind is: the model plus the facts, joined once."""

import pytest

from providers import model
from providers.kinds import bind
from providers.kinds.facts import Rule

KINDS = bind(model.load())


def test_kinds_are_told_by_name_and_by_section() -> None:
    """In the order in which they are made."""
    names = [kind.name for kind in KINDS]
    assert names == [
        "scheduling_policy",
        "compute_environment",
        "service_environment",
        "consumable_resource",
        "job_queue",
        "quota_share",
        "job_definition",
    ]
    assert [kind.rank for kind in KINDS] == sorted(kind.rank for kind in KINDS)
    assert "job_queue" in KINDS
    assert "job" not in KINDS
    assert KINDS["job_queue"].section == "jobQueues"
    assert KINDS.section("schedulingPolicies") is KINDS["scheduling_policy"]
    assert KINDS.section("policies") is None


@pytest.mark.parametrize(
    ("kind", "name", "arn"),
    [
        ("compute_environment", "spot", "compute-environment/spot"),
        ("job_queue", "high", "job-queue/high"),
        ("job_definition", "align", "job-definition/align"),
        ("scheduling_policy", "fair", "scheduling-policy/fair"),
        ("consumable_resource", "licence", "consumable-resource/licence"),
        ("service_environment", "train", "service-environment/train"),
        ("quota_share", "half", "job-queue/high/quota-share/half"),
    ],
)
def test_arns_can_be_told_before_a_creation(kind: str, name: str, arn: str) -> None:
    """In every partition."""
    assert (
        KINDS[kind].arn(name, "aws-cn", "cn-north-1", "123456789012", "high")
        == f"arn:aws-cn:batch:cn-north-1:123456789012:{arn}"
    )


def test_a_rule_covers_what_lies_below_its_path() -> None:
    """And nothing that merely begins with the same letters."""
    rule = Rule("r", ("computeResources.tags", "state"), "update", "", source="")
    assert [rule.covers(path) for path in ("state", "computeResources.tags", "computeResources.tags[]")] == [True] * 3
    assert not rule.covers("stateful")
    assert not rule.covers("computeResources")


def test_a_reset_depends_on_the_document() -> None:
    """Machines get the image of their orchestration; Fargate has none to reset to."""
    kind = KINDS["compute_environment"]
    path = "computeResources.ec2Configuration"
    assert kind.reset(path, {"computeResources": {"type": "EC2"}}) == ({"imageType": "ECS_AL2023"},)
    on_eks = {"computeResources": {"type": "EC2"}, "eksConfiguration": {"eksClusterArn": "a"}}
    assert kind.reset(path, on_eks) == ({"imageType": "EKS_AL2023"},)
    assert kind.reset(path, {"computeResources": {"type": "FARGATE"}}) is None
    assert kind.reset("computeResources.maxvCpus", {}) is None


def test_the_manifest_is_one_tree() -> None:
    """API fields, tags and house keys of every kind, so that one checker serves all."""
    block = KINDS.document.at(["jobQueues", "any"])
    assert block is not None
    assert {"priority", "tags", "lifecycle", "drain", "dependsOn", "physicalName"} <= set(block.members)
    assert "rollout" not in block.members
    entry = block.at(["computeEnvironmentOrder", "0", "computeEnvironment"])
    assert entry is not None
    assert entry.reference == "compute_environment"
    assert KINDS.document.at(["jobQueues", "any", "nothing", "below"]) is None
