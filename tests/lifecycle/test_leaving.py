"""What leaves the manifest: who goes first, what is refused, and what is found on the way."""

from collections.abc import Callable

import pytest

from providers.errors import PlanRefused
from providers.simulator import Fault
from providers.simulator import Settings as Simulated
from tests.kit import LAB, Stage, cut, edit, on_stage

LOW = "  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n"
WITHOUT_LOW = edit(LAB, (LOW, ""))
WITHOUT_SPOT = edit(
    LAB,
    ("  spot: &environment\n", "  ondemand: &environment\n"),
    ("  ondemand:\n    <<: *environment\n", ""),
    ("[spot, ondemand]", "[ondemand]"),
)


def _job(stage: Stage, queue: str = "lab-low") -> str:
    answer = stage.world.submit_job(jobName="work", jobQueue=queue, jobDefinition="lab-align")
    return str(answer["jobId"])


@on_stage(simulated=Simulated(relation_lag=60))
def test_an_environment_leaves_queue_and_manifest_in_one_plan(stage: Stage) -> None:
    """The queue lets go first; the deletion is repeated while AWS still sees the old relation, and says so."""
    stage.apply(LAB)
    report = stage.apply(WITHOUT_SPOT)
    assert report.exit_code == 0
    assert stage.environment("lab-spot") == {}
    assert [row["order"] for row in stage.queue("lab-high")["computeEnvironmentOrder"]] == [1]
    assert stage.mutations[:2] == ["UpdateJobQueue", "UpdateComputeEnvironment"]
    assert set(stage.mutations[2:]) == {"DeleteComputeEnvironment"}
    told = stage.told("retried")
    assert {(event.step, event.address) for event in told} == {
        ("delete:compute_environment.spot", "compute_environment.spot")
    }
    assert all("found existing JobQueue relationship" in event.detail["error"] for event in told)
    assert len(told) == stage.calls["DeleteComputeEnvironment"] - 1 > 0
    assert stage.plan(WITHOUT_SPOT).empty


@on_stage()
def test_a_queue_with_jobs_is_refused_at_plan_time(stage: Stage) -> None:
    """Deleting a queue ends its jobs, so one that holds any is refused, with the count, before anything is called."""
    stage.apply(LAB)
    _job(stage)
    planned = stage.plan(WITHOUT_LOW)
    assert [refusal.code for refusal in planned.refusals if refusal.address == "job_queue.low"] == ["jobs"]
    assert any("1 unfinished job (1 SUBMITTED)" in refusal.message for refusal in planned.refusals)
    with pytest.raises(PlanRefused, match="deleting a queue ends its jobs") as refused:
        stage.apply(WITHOUT_LOW)
    assert refused.value.exit_code == 3
    assert stage.mutations == []
    stage.settle()
    assert stage.apply(WITHOUT_LOW).exit_code == 0
    assert stage.queue("lab-low") == {}


@on_stage()
def test_jobs_that_come_between_plan_and_disable_save_the_queue(stage: Stage) -> None:
    """Jobs are counted once more when none can arrive; if there are any the queue is enabled again and stays."""
    stage.apply(LAB)
    stage.simulator.before_call = _before(stage, "UpdateJobQueue")
    report = stage.apply(WITHOUT_LOW)
    queue = stage.queue("lab-low")
    assert (queue["state"], queue["status"]) == ("ENABLED", "VALID")
    assert stage.mutations == ["UpdateJobQueue", "UpdateJobQueue"]
    assert report.exit_code == 4
    failure = report.failures[0]
    assert failure.step == "jobs:job_queue.low"
    assert "lab-low holds 1 unfinished job" in str(failure.error)
    assert str(failure.hint).startswith("it is enabled again; wait for them")
    skipped = [outcome for outcome in report.outcomes if outcome.status == "skipped"]
    assert [(outcome.step, outcome.because) for outcome in skipped] == [("delete:job_queue.low", "jobs:job_queue.low")]
    stage.settle()
    assert stage.apply(WITHOUT_LOW).exit_code == 0
    assert stage.queue("lab-low") == {}


@on_stage()
def test_a_queue_that_was_disabled_already_is_not_enabled(stage: Stage) -> None:
    """Nobody but its owner enables a queue that we found disabled; the hint does not claim otherwise."""
    stage.apply(LAB)
    job = _job(stage)
    stage.world.update_job_queue(jobQueue="lab-low", state="DISABLED")
    stage.settle()
    stage.world.describe_jobs(jobs=[job])
    assert stage.plan(WITHOUT_LOW).refusals == ()

    stage.simulator.inject(Fault("ListJobs", "denied", after=1))
    report = stage.apply(WITHOUT_LOW)
    assert stage.mutations == []
    assert report.exit_code == 1
    assert stage.queue("lab-low")["state"] == "DISABLED"
    assert "AccessDenied" in str(report.failures[0].error)


@on_stage()
def test_jobs_that_cannot_be_counted_save_the_queue(stage: Stage) -> None:
    """Where jobs may not be listed nothing is deleted, and the queue is enabled again."""
    stage.apply(LAB)
    stage.simulator.inject(Fault("ListJobs", "denied", after=1, times=None))
    report = stage.apply(WITHOUT_LOW)
    assert report.exit_code == 4
    assert stage.queue("lab-low")["state"] == "ENABLED"
    assert [outcome.step for outcome in report.failures] == ["jobs:job_queue.low"]
    assert report.failures[0].hint == "the IAM policy must allow the call"


@on_stage()
def test_a_queue_that_vanishes_on_the_way_is_gone(stage: Stage) -> None:
    """Somebody deletes the queue between our disable and our count: nothing is left to delete, and that is success."""
    stage.apply(LAB)

    def meddle(operation: str, _number: int) -> None:
        if operation == "ListJobs" and stage.queue("lab-low").get("state") == "DISABLED":
            stage.simulator.before_call = None
            stage.world.delete_job_queue(jobQueue="lab-low")
            stage.settle()

    stage.simulator.before_call = meddle
    report = stage.apply(WITHOUT_LOW)
    assert report.exit_code == 0
    assert stage.queue("lab-low") == {}


@on_stage()
def test_what_leaves_goes_after_its_users(stage: Stage) -> None:
    """A destroy deletes queues, then environments; definitions and policies wait for nobody who does not use them."""
    stage.apply(LAB)
    stage.destroy(LAB)
    order = stage.mutations
    assert order.index("DeleteJobQueue") < order.index("DeleteComputeEnvironment")
    gone = [event.step for event in stage.told("finished")]
    assert gone.index("delete:job_queue.high") < gone.index("delete:compute_environment.spot")
    assert stage.all == []


@on_stage()
def test_prune_keeps_what_policy_forbids_to_delete(stage: Stage) -> None:
    """Without prune what left the manifest stays, and is not a change."""
    stage.apply(LAB)
    text = f"{cut(LAB, '  sort:')}\npolicy: {{prune: false}}\n"
    assert stage.apply(text).exit_code == 0
    assert stage.mutations == []
    assert stage.revisions("lab-sort") == [1]


@on_stage()
def test_prune_touches_nothing_of_others(stage: Stage) -> None:
    """Objects without our tag, and those of another stack, outlive a destroy."""
    other = edit(LAB, ("stack: lab", "stack: other"), ("namePrefix: lab-", "namePrefix: other-"))
    stage.apply(other)
    stage.world.create_scheduling_policy(name="nobodys")
    before = stage.all
    stage.apply(LAB)
    assert stage.destroy(LAB).exit_code == 0
    assert stage.all == before


@on_stage()
def test_an_environment_stuck_in_deleting_is_told_with_what_to_do(stage: Stage) -> None:
    """A deletion that never ends meets its deadline; the hint names the role, and the next run goes on waiting."""
    stage.apply(LAB)
    stage.simulator.before_call = None

    def stick(operation: str, _number: int) -> None:
        if stage.environment("lab-spot").get("status") == "DELETING" and operation.startswith("Describe"):
            stage.simulator.set_status("environment", "lab-spot", "DELETING", region=stage.region)

    stage.simulator.before_call = stick
    report = stage.apply(WITHOUT_SPOT)
    stage.simulator.before_call = None
    assert report.exit_code == 4
    failure = report.failures[0]
    assert "lab-spot was not gone within 1200 s; its status is DELETING" in str(failure.error)
    assert "its service role is probably gone" in str(failure.hint)
    assert stage.plan(WITHOUT_SPOT).steps[0].call is None
    stage.settings(timeout=30.0)
    again = stage.apply(WITHOUT_SPOT)
    assert "within 30 s" in str(again.failures[0].error)
    assert again.exit_code == 1
    assert stage.mutations == []


def _before(stage: Stage, operation: str) -> Callable[[str, int], None]:
    """A hook that submits a job to the queue `lab-low` before the first call of an operation."""

    def submit(called: str, _number: int) -> None:
        if called == operation:
            stage.simulator.before_call = None
            _job(stage)

    return submit
