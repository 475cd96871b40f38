"""What people reported of environments that cannot be made, cannot be deleted, or are not as they were planned, each as
a test of a whole run."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from plans.change import Impact
from providers.errors import PlanRefused, StalePlan
from tests.kit import LAB, Stage, edit, manifest, on_stage
from tests.lifecycle.surrounded import Surrounded, surroundings
from tests.lifecycle.test_launching import STACK
from tests.lifecycle.test_trouble import FARGATE, MENDED


@on_stage()
def test_more_vcpus_than_the_maximum_are_no_reason_for_anything(stage: Stage) -> None:
    """AWS may exceed it by an instance: nothing differs, nothing is disabled, other changes go through, and only a
    maximum that AWS would refuse is refused (ASFHyP3/hyp3#2965)."""
    stage.apply(LAB)

    def exceed(parsed: dict[str, Any], **_: Any) -> None:
        for shown in parsed["computeEnvironments"]:
            shown["computeResources"]["desiredvCpus"] = 72

    stage.batch.meta.events.register("after-call.batch.DescribeComputeEnvironments", exceed)
    assert stage.plan(LAB).empty
    assert stage.reconciler.drift(manifest(LAB)).empty
    for change in (("[c6i]", "[m6i]"), ("maxvCpus: 64", "maxvCpus: 128")):
        assert stage.apply(edit(LAB, change)).exit_code == 0
        assert stage.mutations == ["UpdateComputeEnvironment"] * 2
        assert stage.environment("lab-spot")["state"] == "ENABLED"
    refused = stage.plan(edit(LAB, ("maxvCpus: 64", "maxvCpus: 32"))).refusals
    assert {refusal.code for refusal in refused} == {"running-vcpus"}


@on_stage()
def test_a_role_that_is_mistyped_is_told_mended_and_no_trap(stage: Stage) -> None:
    """The apply that makes the environment fails; with the role mended it can be deleted, and a deletion without that
    ends, says what to do, and is taken up again (hashicorp/terraform-provider-aws#8549)."""
    report = stage.apply(FARGATE)
    assert report.exit_code == 4
    assert "sts:AssumeRole on arn:aws:iam::123456789012:role/service-role/missing" in str(report.failures[0].error)
    destroyed = stage.destroy(FARGATE)
    assert destroyed.exit_code == 4
    assert "make the role again" in str(destroyed.failures[0].hint)
    stage.settle()
    assert stage.environment("bad")["status"] == "INVALID"
    assert stage.apply(MENDED).exit_code == 0
    assert stage.environment("bad")["status"] == "VALID"
    assert stage.destroy(MENDED).exit_code == 0
    assert stage.all == []


@on_stage()
def test_the_service_linked_role_under_another_path_makes_nothing(stage: Stage) -> None:
    """Of it AWS would make an environment that cannot be deleted (aws/aws-cdk#20727)."""
    astray = edit(FARGATE, ("role/service-role/missing", "role/AWSServiceRoleForBatch"))
    (refusal,) = stage.plan(astray).refusals
    assert (refusal.address, refusal.code) == ("compute_environment.bad", "linked-role-path")
    with pytest.raises(PlanRefused):
        stage.apply(astray)
    assert stage.mutations == []
    assert stage.all == []


@on_stage()
def test_user_data_that_is_no_archive_is_told_in_awss_words(stage: Stage) -> None:
    """As soon as the environment is INVALID; what does not need it is made, and a mended template repairs it
    (aws/aws-cdk#6427)."""
    text = edit(LAB, ("  ondemand:\n    <<: *environment\n", "  ondemand: {type: UNMANAGED, serviceRole: batch}\n"))
    machines = "      minvCpus: 0\n      launchTemplate: {launchTemplateName: %s}\n"
    report = stage.apply(edit(text, ("      minvCpus: 0\n", machines % "not-mime")))
    (failure,) = report.failures
    assert failure.step == "create:compute_environment.spot"
    assert failure.error == "CLIENT_ERROR - Launch Template UserData is not MIME multipart format"
    assert failure.seconds < 60
    assert stage.queue("lab-high") == {}
    assert stage.queue("lab-low")["status"] == "VALID"
    mended = edit(text, ("      minvCpus: 0\n", machines % "archive"))
    assert stage.apply(mended).exit_code == 0
    assert stage.environment("lab-spot")["status"] == stage.queue("lab-high")["status"] == "VALID"
    assert stage.plan(mended).empty


@pytest.fixture(scope="module")
def surround() -> Iterator[Callable[[], Surrounded]]:
    with surroundings(400_000_000_001) as made:
        yield made


def test_a_launch_template_that_moves_after_the_plan_changes_no_plan(surround: Callable[[], Surrounded]) -> None:
    """Its number is known when it is planned, and another one then is another plan: in place, and refused until it is
    shown (hashicorp/terraform-provider-aws#37440)."""
    around = surround()
    around.template()
    stage = around.stage
    stage.apply(STACK)
    around.version()
    held = stage.plan(STACK)
    assert next((row.before, row.after) for row in held.changes[0].differences) == ("1", "2")
    assert held.changes[0].impact is Impact.INFRASTRUCTURE
    around.version()
    with pytest.raises(StalePlan):
        stage.apply(STACK, held=held)
    assert stage.mutations == []
    before = stage.environment("lab-spot")["uuid"]
    assert stage.apply(STACK, held=stage.plan(STACK)).exit_code == 0
    assert stage.environment("lab-spot")["uuid"] == before
    assert stage.plan(STACK).empty
