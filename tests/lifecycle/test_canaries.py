"""The job that is tried on a new environment, its queue, and what a run that was cut short leaves of both."""

import pytest

from plans.asked import Asked
from plans.planfile import dumps, loads
from providers.simulator import Fault, Outcome
from providers.simulator import Settings as Simulated
from tests.kit import Stage, address, edit, on_stage
from tests.lifecycle.test_replacement import QUEUES, A, B, C, holders, tried
from tests.lifecycle.watching import Watcher

pytestmark = pytest.mark.unmeasured

ONLY = Asked(only=frozenset({address("compute_environment.shared")}))
HELD_BACK = {
    "prune: false": ("policy: {prune: false}\n", Asked()),
    "--only": ("", ONLY),
    "maxDeletes: 0": ("policy: {maxDeletes: 0}\n", Asked()),
}
"""What is said, and asked for, so that little may be deleted."""


def canaries(stage: Stage) -> list[str]:
    """The queues that are there beside those of the manifest."""
    return sorted(
        name
        for queue in stage.world.describe_job_queues()["jobQueues"]
        if queue["status"] != "DELETED" and (name := queue["jobQueueName"]) not in QUEUES
    )


def ran(stage: Stage) -> list[str]:
    """The definitions of the jobs that the last run submitted, newest first."""
    submitted = stage.mutations.count("SubmitJob")
    jobs = [event.detail["job"] for event in stage.told("called") if event.detail["call"] == "SubmitJob"]
    assert len(jobs) == submitted
    shown = stage.world.describe_jobs(jobs=jobs)["jobs"] if jobs else []
    return [job["jobDefinition"].rpartition("/")[2] for job in shown]


def after(stage: Stage, text: str, call: str) -> Stage:
    """A stage on which a process died right after a call of a run."""
    numbered = stage.forks(lambda stage: stage.apply(text), reads=10**6)
    place = stage.mutations.index(call)
    return numbered[place][1]


@pytest.mark.parametrize("mine", ["untagged", "tagged"])
def test_a_queue_that_a_stranger_made_meanwhile_is_left_alone(mine: str) -> None:
    """A queue whose creation failed since there is one of that name is neither disabled nor deleted."""
    stage = Stage.new()
    stage.apply(tried(A))
    (name,) = [step.goal.name for step in stage.plan(tried(B)).steps if step.call == "CreateJobQueue" and step.goal]

    def take(operation: str, _number: int) -> None:
        if operation == "CreateComputeEnvironment":
            order = [{"order": 1, "computeEnvironment": "third"}]
            tags = {"batchwright:stack": "other"} if mine == "tagged" else {}
            stage.world.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order, tags=tags)
            stage.settle(60)

    stage.simulator.before_call = take
    report = stage.apply(tried(B))
    assert [outcome.call for outcome in report.failures] == ["CreateJobQueue"]
    assert (stage.queue(name)["state"], stage.queue(name)["status"]) == ("ENABLED", "VALID")
    assert stage.mutations == ["CreateComputeEnvironment", "CreateJobQueue"]
    stage.simulator.before_call = None
    assert [refusal.code for refusal in stage.plan(tried(B)).refusals] == ["name-taken"]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("CreateJobQueue", "invalid"), B),
        (Fault("RegisterJobDefinition", "denied"), B.replace("work:1", "work:2")),
    ],
    ids=["it became INVALID", "there is no definition"],
)
def test_a_queue_that_was_made_for_nothing_goes(fault: Fault, text: str) -> None:
    """Its job was never submitted, and it is disabled and deleted all the same."""
    stage = Stage.new()
    stage.apply(tried(A))
    stage.simulator.inject(fault)
    assert stage.apply(tried(text)).exit_code != 0
    assert "CreateJobQueue" in stage.mutations
    assert "SubmitJob" not in stage.mutations
    assert canaries(stage) == []
    assert stage.apply(tried(text)).exit_code == 0
    assert len(holders(stage)) == 1


@pytest.mark.parametrize(
    ("name", "last"), [("prune: false", A), ("--only", C), ("maxDeletes: 0", B)], ids=["back", "to a third", "the same"]
)
def test_its_queue_goes_whatever_else_may_not(name: str, last: str) -> None:
    """It is a half of the replacement: a run that was killed leaves none behind for good, and moves none along."""
    said, asked = HELD_BACK[name]
    whole = Stage.new()
    whole.apply(said + tried(A))
    forks = whole.forks(lambda stage: stage.apply(said + tried(B), asked=asked), reads=10**6)
    assert len(forks) > 8
    for at, stage in forks[::3]:
        Watcher(stage).attend()
        report = stage.apply(said + tried(last), asked=asked)
        assert report.exit_code == 0, (at, [outcome.error for outcome in report.failures])
        assert canaries(stage) == [], at
        assert len(holders(stage)) == 1, at
        assert stage.plan(said + tried(last), asked=asked).empty, at
        told = [name for event in stage.told("started") if (name := event.step).startswith("move:")]
        assert not [name for name in told if "canary" in name], at


@on_stage()
def test_a_success_on_another_environment_of_the_name_counts_for_nothing(stage: Stage) -> None:
    """Back at A, B is made anew, under the same name: what ran on the B before says nothing of it."""
    stage.apply(tried(A))
    over = after(stage.twin(), tried(B), "SubmitJob")
    over.settle()
    over.apply(tried(A))
    assert over.apply(tried(B)).exit_code == 0
    assert ran(over) == ["work:1"]
    again = after(stage.twin(), tried(B), "SubmitJob")
    again.settle()
    again.apply(tried(A))
    cut = after(again, tried(B), "CreateJobQueue")
    cut.settle()
    assert cut.apply(tried(B)).exit_code == 0
    assert "CreateJobQueue" not in cut.mutations
    assert ran(cut) == ["work:1"]


@on_stage()
def test_a_success_of_another_revision_counts_for_nothing(stage: Stage) -> None:
    """The definition that is wanted now is tried."""
    stage.apply(tried(A))
    over = after(stage, tried(B), "SubmitJob")
    over.settle()
    assert over.apply(edit(tried(B), ("work:1", "work:2"))).exit_code == 0
    assert ran(over) == ["work:2"]


@pytest.mark.parametrize("lag", [0, 8])
def test_a_job_that_does_not_show_yet_is_not_submitted_twice(lag: float) -> None:
    """A run was killed right after it had submitted one, and the next begins at once."""
    stage = Stage.new(simulated=Simulated(stale_reads=lag))
    stage.apply(tried(A))
    stage.settle()
    over = after(stage, tried(B), "SubmitJob")
    assert over.apply(tried(B)).exit_code == 0
    assert ran(over) == []


@on_stage(simulated=Simulated(outcomes=(Outcome(seconds=120),)))
def test_it_has_its_own_time(stage: Stage) -> None:
    """What caps the waits does not cap the job's, which the manifest says."""
    stage.apply(tried(A))
    stage.settings(timeout=60)
    assert stage.apply(tried(B)).exit_code == 0
    assert "TerminateJob" not in stage.calls


@on_stage()
def test_nothing_is_tried_on_what_is_to_be_disabled(stage: Stage) -> None:
    """No job can run there."""
    stage.apply(tried(A))
    disabled = edit(tried(B), ("    lifecycle:", "    state: DISABLED\n    lifecycle:"))
    disabled = edit(disabled, ("stack: farm\n", "stack: farm\npolicy: {maxImpact: outage}\n"))
    assert stage.plan(disabled).refusals == ()
    assert "SubmitJob" not in [step.call for step in stage.plan(disabled).steps]


def test_long_names_are_told_apart() -> None:
    """The queues of environments of the longest names differ, as these do in their last digits."""
    name = "x" * 128

    def long(text: str) -> str:
        renamed = (("  shared:\n", f"  {name}:\n"), ("shared]", f"{name}]"), ("shared,", f"{name},"))
        return edit(tried(text), *renamed)

    stage = Stage.new()
    assert stage.apply(long(A)).exit_code == 0
    names = {
        step.goal.name
        for number in range(2, 22)
        for step in stage.plan(long(A.replace("fleet-1", f"fleet-{number}", 1))).steps
        if step.call == "SubmitJob" and step.goal
    }
    assert len(names) == 20
    assert all(len(name) == 128 for name in names)
    over = after(stage, long(B), "CreateJobQueue")
    assert over.apply(long(C)).exit_code == 0
    assert canaries(over) == []


@on_stage()
def test_a_queue_that_points_elsewhere_is_made_anew(stage: Stage) -> None:
    """What runs through it says nothing of the environment."""
    stage.apply(tried(A))
    over = after(stage, tried(B), "CreateJobQueue")
    over.settle()
    (name,) = canaries(over)
    order = [{"order": 1, "computeEnvironment": "third"}]
    over.world.update_job_queue(jobQueue=name, computeEnvironmentOrder=order)
    over.settle()
    assert over.apply(tried(B)).exit_code == 0
    assert over.mutations[:4] == ["UpdateJobQueue", "DeleteJobQueue", "CreateJobQueue", "SubmitJob"]
    assert canaries(over) == []


def test_a_plan_that_is_held_stands_for_what_is_left_of_it() -> None:
    """Killed anywhere, a replacement with a canary goes on with the plan that was shown."""
    whole = Stage.new()
    whole.apply(tried(A))
    held, _ = loads(dumps(whole.plan(tried(B)), {}))
    for at, stage in whole.forks(lambda stage: stage.apply(tried(B), held=held), reads=10**6):
        assert stage.apply(tried(B), held=held).exit_code == 0, at
