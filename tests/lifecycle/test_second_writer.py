"""Runs without a lock: somebody else changes what they are about to change."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest

from plans.report import Event, Report
from providers.simulator import Fault
from tests.kit import LAB, TRAINING, Stage, edit, manifest, on_stage
from tests.lifecycle.test_lost_answers import EMPTY, LOST

Act = Callable[[Stage], object]

QUEUE, ENVIRONMENT = "lab-high", "lab-spot"
MORE = edit(LAB, ("priority: 10", "priority: 11"))
WIDER = edit(LAB, ("vCpus: 64", "vCpus: 65"))
RED = edit(LAB, ("team: blue", "team: red"))
BUSY = Fault("DescribeComputeEnvironments", "throttle")
NEWER = edit(LAB, ("align:1", "align:2"))


def bare() -> Stage:
    """A stage that has the stack, without a lock."""
    stage = Stage.new()
    stage.apply(LAB)
    stage.settings(lock="none")
    return stage


def after(stage: Stage, wanted: str, step: str, act: Act, event: str = "started") -> Report:
    """Apply, and let somebody act once, after an event of a step."""
    done: list[object] = []

    def heard(told: Event) -> None:
        if told.event == event and told.step == step and not done:
            done.append(step)
            act(stage)

    report = stage.apply(wanted, on_event=heard)
    assert done
    return report


def failure(report: Report) -> str:
    (failed,) = report.failures
    assert failed.exit_code == 4
    assert "run the same command again" in str(failed.hint)
    return str(failed.error)


def prioritise(stage: Stage) -> None:
    stage.world.update_job_queue(jobQueue=QUEUE, priority=77)


def widen(stage: Stage) -> None:
    stage.world.update_compute_environment(computeEnvironment=ENVIRONMENT, computeResources={"maxvCpus": 99})


def retag(stage: Stage, **tags: str) -> None:
    stage.world.tag_resource(resourceArn=stage.queue(QUEUE)["jobQueueArn"], tags=tags)


def test_a_queue_that_somebody_changed_is_left_as_it_is() -> None:
    """Told are path, before and after; who, nobody knows; the same command again plans anew."""
    stage = bare()
    report = after(stage, MORE, "update:job_queue.high", prioritise)
    assert failure(report) == (
        f"job_queue.high: somebody else has changed job queue {QUEUE} since it was looked at: "
        "priority was 10 and is 77; it was left as it is"
    )
    assert (stage.queue(QUEUE)["priority"], stage.mutations) == (77, [])
    assert report.exit_code == 4
    assert stage.apply(MORE).exit_code == 0
    assert stage.queue(QUEUE)["priority"] == 11


def test_an_environment_that_somebody_changed_is_left_as_it_is() -> None:
    """What else differs in the same document counts, though the update would not touch it."""
    stage = bare()
    report = after(
        stage,
        WIDER,
        "update:compute_environment.spot",
        lambda stage: stage.world.update_compute_environment(computeEnvironment=ENVIRONMENT, state="DISABLED"),
    )
    assert "state was unsaid and is DISABLED" in failure(report)
    found = stage.environment(ENVIRONMENT)
    assert (found["state"], found["computeResources"]["maxvCpus"]) == ("DISABLED", 64)


def test_what_a_queue_is_about_to_be_moved_to_is_looked_at_too() -> None:
    """Another run may have switched it off, and a queue that would go there could run nothing."""
    wanted = edit(LAB, ("[spot, ondemand]", "[ondemand]"))

    def switch(stage: Stage) -> None:
        stage.world.update_job_queue(jobQueue="lab-low", state="DISABLED")
        stage.world.update_compute_environment(computeEnvironment="lab-ondemand", state="DISABLED")

    stage = bare()
    report = after(stage, wanted, "update:job_queue.high", switch)
    assert "compute environment lab-ondemand since it was looked at: state was unsaid and is DISABLED" in failure(
        report
    )
    assert len(stage.queue(QUEUE)["computeEnvironmentOrder"]) == 2
    stage = bare()
    report = after(stage, MORE, "update:job_queue.high", switch)
    assert report.failures == ()
    assert stage.queue(QUEUE)["priority"] == 11


def test_what_is_retired_is_not_switched_off_under_who_came_back() -> None:
    """Nothing referred to it a moment ago; who does by now, another run or a person, would be left without."""
    wanted = edit(
        LAB, ("[spot, ondemand]", "[spot]"), ("[ondemand]", "[spot]"), ("  ondemand:\n    <<: *environment\n", "")
    )

    def back(stage: Stage) -> None:
        order = [{"order": 1, "computeEnvironment": "lab-ondemand"}]
        stage.world.update_job_queue(jobQueue=QUEUE, computeEnvironmentOrder=order)
        stage.clock.sleep(60)

    stage = bare()
    step = "disable:compute_environment.ondemand"
    report = after(stage, wanted, step, back)
    assert f"has changed job queue {QUEUE} since it was looked at: the object itself was let go" in failure(report)
    assert stage.environment("lab-ondemand")["state"] == "ENABLED"
    stage = bare()
    assert stage.apply(wanted).exit_code == 0
    calls = [call.operation for call in stage.simulator.calls]
    looks = ["DescribeComputeEnvironments", "DescribeJobQueues", "UpdateComputeEnvironment"]
    assert any(calls[at : at + 3] == looks for at in range(len(calls)))


def test_every_look_before_a_call_is_counted() -> None:
    """Also one that bars the call, or fails, behind others that did not."""
    wanted = edit(LAB, ("[spot, ondemand]", "[ondemand]"))
    stage = bare()
    report = after(stage, wanted, "update:job_queue.high", lambda _: stage.simulator.inject(BUSY))
    assert report.failures == ()
    assert report.calls == stage.calls

    def switch(stage: Stage) -> None:
        stage.world.update_compute_environment(computeEnvironment="lab-ondemand", state="DISABLED")

    stage = bare()
    stage.world.update_job_queue(jobQueue="lab-low", state="DISABLED")
    report = after(stage, wanted, "update:job_queue.high", switch)
    assert len(report.failures) == 1
    assert report.calls == stage.calls


def test_only_a_run_without_a_lock_looks_again() -> None:
    """With the lock in a file no call is spent; without one each update and deletion costs one look, right before."""
    for lock in ("file", "none"):
        stage = Stage.new()
        stage.apply(LAB)
        stage.settings(lock=lock)
        report = stage.apply(MORE)
        assert report.calls == stage.calls
        calls = [call.operation for call in stage.simulator.calls]
        assert (calls[calls.index("UpdateJobQueue") - 1] == "DescribeJobQueues") is (lock == "none")


def test_what_hangs_on_it_is_skipped_and_nothing_else() -> None:
    """The report says because of what; the rest is done."""
    stage = bare()
    wanted = edit(MORE, ("vCpus: 64", "vCpus: 65"), ("Seconds: 600", "Seconds: 60"))
    report = after(stage, wanted, "update:compute_environment.spot", widen)
    assert "computeResources.maxvCpus was 64 and is 99" in failure(report)
    ends = {outcome.step: (outcome.status, outcome.because) for outcome in report.outcomes}
    assert ends["update:job_queue.high"] == ("skipped", "update:compute_environment.spot")
    assert ends["update:scheduling_policy.fair"] == ("done", None)
    assert (stage.environment(ENVIRONMENT)["computeResources"]["maxvCpus"], stage.queue(QUEUE)["priority"]) == (99, 10)


def test_another_stack_is_named() -> None:
    """Where the tags say that it is another's now, they tell who it was."""
    stage = bare()
    report = after(stage, MORE, "update:job_queue.high", lambda stage: retag(stage, **{"batchwright:stack": "attic"}))
    assert failure(report).startswith("job_queue.high: stack attic has changed job queue lab-high")
    assert "tags[batchwright:stack] was lab and is attic" in failure(report)
    assert stage.queue(QUEUE)["priority"] == 10


def test_an_object_of_another_stack_is_not_deleted() -> None:
    """Not even where only its tags have changed hands since the plan was made."""
    stage = bare()
    wanted = edit(LAB, ("  high: {priority: 10, computeEnvironmentOrder: [spot, ondemand]}\n", ""))
    report = after(
        stage,
        wanted,
        "delete:job_queue.high",
        lambda stage: retag(stage, **{"batchwright:stack": "attic"}),
    )
    assert "stack attic" in failure(report)
    assert stage.queue(QUEUE)["state"] == "DISABLED"


def test_one_that_is_gone_is_told() -> None:
    """It is not made again behind the plan's back."""
    stage = bare()

    def remove(stage: Stage) -> None:
        stage.world.update_job_queue(jobQueue=QUEUE, state="DISABLED")
        stage.clock.sleep(60)
        stage.world.delete_job_queue(jobQueue=QUEUE)
        stage.clock.sleep(60)

    report = after(stage, MORE, "update:job_queue.high", remove)
    assert "the object itself was there and is gone" in failure(report)


def test_one_that_was_to_go_may_be_gone() -> None:
    """Somebody deleted what we would: that is what was wanted."""
    stage = bare()
    wanted = edit(LAB, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", ""))

    def remove(stage: Stage) -> None:
        stage.world.delete_job_queue(jobQueue="lab-low")
        stage.clock.sleep(60)

    report = after(stage, wanted, "delete:job_queue.low", remove)
    assert report.exit_code == 0
    assert stage.queue("lab-low") == {}


def test_a_tag_that_somebody_set_is_not_written_over() -> None:
    """The key that is about to change counts; any other is nothing to us."""
    stage = bare()
    step = "tag:job_queue.high"
    assert "tags[team] was blue and is green" in failure(after(stage, RED, step, lambda it: retag(it, team="green")))
    assert stage.queue(QUEUE)["tags"]["team"] == "green"
    stage = bare()
    assert after(stage, RED, step, lambda it: retag(it, cost="high")).failures == ()
    assert (stage.queue(QUEUE)["tags"]["team"], stage.queue(QUEUE)["tags"]["cost"]) == ("red", "high")


def test_a_newer_revision_of_somebody_else_is_not_superseded() -> None:
    """A registration always succeeds, so nothing but a look could tell."""
    stage = bare()

    def register(stage: Stage) -> None:
        stage.world.register_job_definition(
            jobDefinitionName="lab-align",
            type="container",
            containerProperties={
                "image": "theirs",
                "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
            },
        )

    report = after(stage, NEWER, "register:job_definition.align", register)
    assert "revision was 1 and is 2" in failure(report)
    assert stage.revisions("lab-align") == [1, 2]


def test_a_newer_revision_is_seen_on_any_page() -> None:
    """A family can have more revisions than a page; in which order they come nobody promises."""
    stage = bare()
    (first,) = stage.world.describe_job_definitions(jobDefinitionName="lab-align")["jobDefinitions"]
    same = {member: first[member] for member in ("jobDefinitionName", "type", "containerProperties", "tags")}

    def register(times: int, stage: Stage) -> None:
        for _ in range(times):
            stage.world.register_job_definition(**same)

    register(100, stage)
    report = after(stage, NEWER, "register:job_definition.align", partial(register, 1))
    assert "revision was 101 and is 102" in failure(report)


def test_a_change_that_comes_between_two_attempts_is_seen() -> None:
    """Each attempt looks anew: one that was throttled may go out minutes later."""
    stage = bare()
    stage.simulator.inject(Fault("UpdateJobQueue", "throttle", times=1))
    report = after(stage, MORE, "update:job_queue.high", prioritise, "retried")
    assert "priority was 10 and is 77" in failure(report)
    assert stage.queue(QUEUE)["priority"] == 77


def test_what_this_run_did_is_not_somebody_elses() -> None:
    """Two updates of one object, a change by another between them: his is seen, ours is not."""
    wanted = edit(LAB, ("  high: {priority: 10, computeEnvironmentOrder: [spot, ondemand]}\n", ""))
    stage = bare()
    assert stage.apply(wanted).exit_code == 0
    assert [name for name in stage.mutations if "Queue" in name] == ["UpdateJobQueue", "DeleteJobQueue"]
    stage = bare()
    report = after(stage, wanted, "delete:job_queue.high", prioritise)
    assert "priority was 10 and is 77" in failure(report)
    assert stage.queue(QUEUE)["state"] == "DISABLED"


def test_the_journal_knows_that_nothing_went_out(tmp_path: Any) -> None:
    """The call stands there as unsent, with the error."""
    stage = bare()
    stage.settings(state=tmp_path)
    after(stage, MORE, "update:job_queue.high", prioritise)
    (run,) = stage.reconciler.history("lab").runs
    (call,) = run.calls
    assert (call.call, call.status) == ("UpdateJobQueue", "unsent")
    assert "priority was 10 and is 77" in str(call.error)


@pytest.mark.unmeasured
@pytest.mark.parametrize("lost", LOST)
@on_stage()
def test_our_own_call_whose_answer_was_lost_is_no_second_writer(stage: Stage, lost: str) -> None:
    """The look before its repeat finds what it did, and goes on."""
    before, wanted, operation = LOST[lost]
    if before != EMPTY:
        stage.apply(before)
    stage.settings(lock="none")
    stage.simulator.inject(Fault(operation, "lost", times=1))
    report = stage.apply(wanted)
    assert [outcome.error for outcome in report.failures] == []
    stage.simulator.heal()
    assert stage.plan(wanted).empty


def test_of_two_runs_at_once_the_slower_one_notices() -> None:
    """The second is through while the first waits for its turn: its values stay, and the first says so."""
    stage = bare()
    other = attrs.evolve(stage.reconciler, rng=random.Random(8))
    theirs = edit(LAB, ("priority: 10", "priority: 20"))

    def overtake(_stage: Stage) -> None:
        assert other.apply(manifest(theirs)).exit_code == 0

    report = after(stage, edit(WIDER, ("priority: 10", "priority: 11")), "update:compute_environment.spot", overtake)
    assert "priority was 10 and is 20" in failure(report)
    assert stage.queue(QUEUE)["priority"] == 20


def test_of_two_runs_of_the_same_change_one_makes_it() -> None:
    """The second finds done what it would do, sends nothing, and ends as well as the first."""
    stage = bare()
    wanted = edit(WIDER, ("priority: 10", "priority: 11"), ("team: blue", "team: red"))
    other = attrs.evolve(stage.reconciler, rng=random.Random(8))

    def overtake(_stage: Stage) -> None:
        assert other.apply(manifest(wanted)).exit_code == 0

    report = after(stage, wanted, "update:compute_environment.spot", overtake)
    assert report.failures == ()
    assert report.exit_code == 0
    alone = bare()
    alone.apply(wanted)
    assert sorted(stage.mutations) == sorted(alone.mutations)
    assert stage.all == alone.all


def test_a_world_of_all_kinds_is_taken_down_without_a_false_word() -> None:
    """Nobody else is about: what is disabled, moved and retagged on the way is our own doing."""
    stage = Stage.new()
    stage.settings(lock="none")
    assert stage.apply(TRAINING).exit_code == 0
    wanted = edit(TRAINING, ("totalQuantity: 5", "totalQuantity: 6"), ("maxCapacity: 4", "maxCapacity: 5"))
    assert stage.apply(wanted).exit_code == 0
    assert stage.destroy(wanted).exit_code == 0
    assert stage.all == []
