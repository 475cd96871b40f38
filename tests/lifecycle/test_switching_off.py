"""Environments that the manifest switches off: nobody may have come to one since the plan was made."""

import pytest

from plans.change import Impact
from providers.simulator import Fault
from tests.kit import LAB, Stage, edit
from tests.lifecycle.test_second_writer import after, bare, failure

LEFT = edit(LAB, ("[spot, ondemand]", "[spot]"), ("[ondemand]", "[spot]"))
SWITCHED = "  ondemand:\n    <<: *environment\n    state: DISABLED\n"
OFF = edit(LEFT, ("  ondemand:\n    <<: *environment\n", SWITCHED))
ALLOWED = f"{OFF}policy: {{maxImpact: outage}}\n"
STEP = "update:compute_environment.ondemand"


def come(stage: Stage, state: str = "ENABLED") -> None:
    order = [{"order": 1, "computeEnvironment": "lab-ondemand"}]
    stage.world.create_job_queue(jobQueueName="theirs", priority=1, state=state, computeEnvironmentOrder=order)
    stage.clock.sleep(60)


def locked(lock: str) -> Stage:
    """A stage whose environment nothing of ours uses any more."""
    stage = bare()
    stage.settings(lock=lock)
    assert stage.apply(LEFT).exit_code == 0
    return stage


@pytest.mark.parametrize("lock", ["file", "none"])
def test_an_environment_is_not_switched_off_under_a_newcomer(lock: str) -> None:
    """His queue would be left without; the next plan knows of it."""
    stage = locked(lock)
    report = after(stage, OFF, STEP, come)
    assert "has changed job queue theirs since it was looked at: the object itself was elsewhere" in failure(report)
    assert stage.environment("lab-ondemand")["state"] == "ENABLED"
    planned = {change.name: change.impact for change in stage.plan(OFF).changes}
    assert planned["lab-ondemand"] is Impact.OUTAGE
    assert stage.apply(ALLOWED).exit_code == 0
    assert stage.environment("lab-ondemand")["state"] == "DISABLED"


def test_a_newcomer_that_is_off_is_left_with_nothing_less() -> None:
    """It runs no jobs, whatever it names."""
    stage = locked("file")
    assert after(stage, OFF, STEP, lambda stage: come(stage, "DISABLED")).exit_code == 0


def test_what_comes_between_two_attempts_is_seen() -> None:
    """One that was throttled may go out minutes later."""
    stage = locked("file")
    stage.simulator.inject(Fault("UpdateComputeEnvironment", "throttle", times=1))
    assert "job queue theirs" in failure(after(stage, OFF, STEP, come, "retried"))


@pytest.mark.parametrize("lock", ["file", "none"])
def test_who_the_plan_knew_of_is_no_newcomer(lock: str) -> None:
    """Our own queues and others', where it was shown that they are left without."""
    stage = bare()
    stage.settings(lock=lock)
    come(stage)
    switched = edit(LAB, ("  ondemand:\n    <<: *environment\n", SWITCHED))
    assert stage.apply(f"{switched}policy: {{maxImpact: outage}}\n").exit_code == 0
    assert stage.environment("lab-ondemand")["state"] == "DISABLED"


def test_one_listing_is_what_it_costs() -> None:
    """Right before the call, and only where something is switched off."""
    stage = locked("file")
    report = stage.apply(OFF)
    assert report.calls == stage.calls
    calls = [call.operation for call in stage.simulator.calls]
    at = calls.index("UpdateComputeEnvironment")
    assert calls[at - 1] == "DescribeJobQueues"
    assert stage.apply(LEFT).exit_code == 0
    calls = [call.operation for call in stage.simulator.calls]
    assert calls[calls.index("UpdateComputeEnvironment") - 1] != "DescribeJobQueues"
