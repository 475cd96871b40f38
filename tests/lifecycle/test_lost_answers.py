"""Every call that changes something, done by AWS and never answered."""

from collections.abc import Mapping
from functools import cache

import pytest

from providers.simulator import Fault
from providers.simulator import Settings as Simulated
from tests.kit import LAB, Stage, cut, edit, on_stage

pytestmark = pytest.mark.unmeasured

EMPTY = ""
TAGGED = edit(LAB, ("team: blue", "team: red"))
LESS = cut(edit(LAB, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", "")), "  sort:")
ALIGNED = edit(LAB, ("  align:\n", "  align:\n    rollout: {keep: 1}\n"))

LOST: Mapping[str, tuple[str, str, str]] = {
    "CreateSchedulingPolicy": (EMPTY, LAB, "CreateSchedulingPolicy"),
    "CreateComputeEnvironment": (EMPTY, LAB, "CreateComputeEnvironment"),
    "CreateJobQueue": (EMPTY, LAB, "CreateJobQueue"),
    "the first RegisterJobDefinition": (EMPTY, LAB, "RegisterJobDefinition"),
    "a further RegisterJobDefinition": (LAB, edit(LAB, ("align:1", "align:2")), "RegisterJobDefinition"),
    "UpdateComputeEnvironment": (LAB, edit(LAB, ("vCpus: 64", "vCpus: 65")), "UpdateComputeEnvironment"),
    "UpdateJobQueue": (LAB, edit(LAB, ("priority: 10", "priority: 11")), "UpdateJobQueue"),
    "UpdateSchedulingPolicy": (LAB, edit(LAB, ("Seconds: 600", "Seconds: 60")), "UpdateSchedulingPolicy"),
    "TagResource": (LAB, TAGGED, "TagResource"),
    "UntagResource": (TAGGED, edit(LAB, ("tags: {team: blue}", "tags: {}")), "UntagResource"),
    "disable": (LAB, LESS, "UpdateJobQueue"),
    "DeleteJobQueue": (LAB, LESS, "DeleteJobQueue"),
    "deregister what left": (LAB, LESS, "DeregisterJobDefinition"),
    "deregister what is old": (LAB, edit(ALIGNED, ("align:1", "align:2")), "DeregisterJobDefinition"),
}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("lost", LOST)
@on_stage()
def test_a_lost_answer_doubles_nothing(stage: Stage, lost: str, times: int) -> None:
    """The call is looked for or repeated, as its kind allows; the world is what was wanted, once, and nothing fails."""
    before, after, operation = LOST[lost]
    if before:
        stage.apply(before)
    numbers = {name: max(stage.revisions(name), default=0) for name in ("lab-align", "lab-sort")}
    stage.simulator.inject(Fault(operation, "lost", times=times))
    report = stage.apply(after)
    assert [outcome.error for outcome in report.failures] == []
    assert report.exit_code == 0
    assert report.calls == stage.calls
    stage.simulator.heal()
    assert stage.plan(after).empty
    for name, number in numbers.items():
        assert max(stage.revisions(name), default=number) - number <= 1
    assert stage.all == _arns_with_every_answer(before, after)


@cache
def _arns_with_every_answer(before: str, after: str) -> list[str]:
    fresh = Stage.new()
    if before:
        fresh.apply(before)
    fresh.apply(after)
    return fresh.all


@pytest.mark.parametrize(
    "lost", ["UpdateJobQueue", "DeleteJobQueue", "DeleteComputeEnvironment", "DeleteSchedulingPolicy"]
)
@on_stage()
def test_a_lost_answer_of_a_destroy_leaves_nothing(stage: Stage, lost: str) -> None:
    """A delete that is told that there is nothing any more has succeeded."""
    stage.apply(LAB)
    stage.simulator.inject(Fault(lost, "lost", times=2))
    assert stage.destroy(LAB).exit_code == 0
    assert stage.all == []


@pytest.mark.parametrize("operation", ["CreateSchedulingPolicy", "CreateComputeEnvironment", "CreateJobQueue"])
@on_stage()
def test_a_create_that_meets_a_stranger_takes_nothing(stage: Stage, operation: str) -> None:
    """What somebody else made under our name between plan and call is told and left alone."""
    made = {
        "CreateSchedulingPolicy": lambda: stage.world.create_scheduling_policy(name="lab-fair"),
        "CreateComputeEnvironment": lambda: stage.world.create_compute_environment(
            computeEnvironmentName="lab-spot", type="UNMANAGED", serviceRole="arn:aws:iam::123456789012:role/theirs"
        ),
        "CreateJobQueue": lambda: stage.world.create_job_queue(
            jobQueueName="lab-high",
            priority=77,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "lab-spot"}],
        ),
    }

    def meddle(called: str, _number: int) -> None:
        if called == operation:
            stage.simulator.before_call = None
            made[operation]()

    stage.simulator.before_call = meddle
    report = stage.apply(LAB)
    failure = report.failures[0]
    assert failure.call == operation
    assert "exists already and is not what this plan makes" in str(failure.error)
    assert failure.hint == "somebody made it meanwhile: plan again"
    assert report.exit_code == (4 if any(row.status == "done" and row.call for row in report.outcomes) else 1)
    assert {refusal.code for refusal in stage.plan(LAB).refusals} >= {"name-taken"}


@on_stage(simulated=Simulated(stale_reads=8))
def test_a_create_is_looked_for_until_reads_have_caught_up(stage: Stage) -> None:
    """Right after a lost create describe may not show it yet: that it exists is enough to look again."""
    stage.simulator.inject(Fault("CreateComputeEnvironment", "lost"))
    report = stage.apply(LAB)
    assert [outcome.error for outcome in report.failures] == []
    assert report.exit_code == 0
    assert stage.plan(LAB).empty


@on_stage()
def test_a_registration_that_is_never_answered_ends(stage: Stage) -> None:
    """Three registrations go out at most; the last word says what to do, and the next run doubles nothing."""
    stage.simulator.inject(Fault("RegisterJobDefinition", "server", times=None))
    report = stage.apply(LAB)
    assert stage.calls["RegisterJobDefinition"] == 6
    assert report.exit_code == 4
    assert {failure.hint for failure in report.failures} == {"run the same command again"}
    assert stage.revisions("lab-align") == []
    stage.simulator.heal()
    assert stage.apply(LAB).exit_code == 0
    assert stage.revisions("lab-align") == [1]


@on_stage(simulated=Simulated(page_size=2))
def test_a_registration_is_found_on_a_later_page(stage: Stage) -> None:
    """The family is read to its last page before a registration is repeated."""
    text = edit(LAB, ("  align:\n", "  align:\n    rollout: {keep: 9}\n"))
    for number in range(1, 6):
        stage.apply(edit(text, ("align:1", f"align:{number}")))
    stage.simulator.inject(Fault("RegisterJobDefinition", "lost"))
    report = stage.apply(edit(text, ("align:1", "align:6")))
    assert report.exit_code == 0
    assert stage.calls["RegisterJobDefinition"] == 1
    assert stage.revisions("lab-align") == [1, 2, 3, 4, 5, 6]
