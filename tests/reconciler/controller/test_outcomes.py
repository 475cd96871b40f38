"""What comes in while a stack is at something, what fails on the way, and what is kept of it."""

import json
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from plans import manifest
from reconciler.controller import rounds
from reconciler.controller.outcomes import Outcomes
from reconciler.controller.rounds import Seen
from reconciler.settings import Settings
from tests.kit import LAB, Stage, edit
from tests.reconciler.controller.stages import USUAL, HandPool, Room, room

SLOW = edit(USUAL, ("target: lab", "target: lab, interval: 1d"))
WIDER = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"))
READY = ("True", "Succeeded")
APPROVED = edit(SLOW, ("apply-and-heal", "apply-and-heal, approval: {by: api}"))


def let(made: Room, pool: HandPool, until: str) -> None:
    """Go on until `lab` is at this."""
    held = made.loop.agenda.held["lab"]
    for _ in range(50):
        made.loop.turn()
        if held.doing == until and (until != "nothing" or not pool.left):
            return
        pool.let()
    raise AssertionError(held.doing)


def settled(made: Room, pool: HandPool, seconds: float = 200.0) -> None:
    """Let time pass with workers that end at once."""
    until = made.now + seconds
    while made.now < until:
        made.pass_time(20)
        while pool.left:
            pool.let()
            made.loop.turn()


@pytest.mark.parametrize("during", ["look", "run"])
def test_a_revision_that_comes_meanwhile_is_applied_next(tmp_path: Path, during: str) -> None:
    """Within minutes, not after the interval; nor is the older one applied where it had only been looked at."""
    pool = HandPool()
    with room(tmp_path, SLOW, pool=pool) as made:
        made.write(LAB)
        let(made, pool, during)
        made.write(WIDER)
        made.front.hint("here")
        made.loop.turn()
        # The fetch ends before what was under way, which was of the old revision.
        pool.let(-1)
        made.loop.turn()
        settled(made, pool)
        assert made.stage.plan(WIDER).empty
        assert made.answer("Ready") == READY


def test_a_run_that_ended_well_behind_a_newer_revision_is_not_ready(tmp_path: Path) -> None:
    """The run was over when it was asked to give way: what it applied is not what the stack is to be."""
    pool = HandPool()
    with room(tmp_path, SLOW, pool=pool) as made:
        made.write(LAB)
        let(made, pool, "look")
        made.front.hint("here")
        made.loop.turn()
        let(made, pool, "run")
        pool.let(-1)
        made.write(WIDER)
        pool.let()
        made.loop.turn()
        assert made.run_of()["outcome"] == "done"
        assert made.answer("Ready") == ("False", "NewRevision")
        assert made.answer("Planned") == ("Unknown", "NewRevision")
        settled(made, pool)
        assert made.answer("Ready") == READY


def test_what_is_asked_during_a_run_is_done_after_it(tmp_path: Path) -> None:
    """A look that somebody asked for while the stack ran is made, once."""
    pool = HandPool()
    with room(tmp_path, SLOW, pool=pool) as made:
        made.write(LAB)
        let(made, pool, "run")
        for _ in range(3):
            made.front.look("lab", "ann")
            made.loop.turn()
        assert made.loop.agenda.held["lab"].doing == "run"
        let(made, pool, "look")
        settled(made, pool)
        assert made.answer("Ready") == ("True", "AsApplied")


def test_who_is_suspended_during_its_look_is_not_run(tmp_path: Path) -> None:
    """And is still told to be suspended when the look ends."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        let(made, pool, "look")
        made.front.suspend("lab", True, "ann")
        settled(made, pool)
        assert made.stage.mutations == []
        assert made.answer("Suspended") == ("True", "SaidSo")
        made.front.suspend("lab", False, "ann")
        settled(made, pool)
        assert made.stage.plan(LAB).empty
        assert made.status().ready


def test_who_is_suspended_during_its_run_rests_after_it(tmp_path: Path) -> None:
    """The run ends where it may, and nothing is told to go on."""
    with room(tmp_path) as made:
        made.write(LAB)

        def suspend(operation: str, _number: int) -> None:
            if operation == "CreateComputeEnvironment" and not made.loop.agenda.held["lab"].resting:
                made.loop.outcomes.suspend(made.loop.agenda.held["lab"], "ann")

        made.stage.simulator.before_call = suspend
        made.pass_time(600)
        assert made.answer("Reconciling") == ("False", "SaidSo")
        assert made.answer("Suspended") == ("True", "SaidSo")
        assert "lab is suspended" in made.status().conditions["Ready"].message
        made.loop.outcomes.suspend(made.loop.agenda.held["lab"], None)
        made.until(lambda: made.answer("Ready") == READY)


def test_an_approval_during_a_look_counts(tmp_path: Path) -> None:
    """The plan is carried out though the look that was under way did not know of it."""
    pool = HandPool()
    with room(tmp_path, APPROVED, pool=pool) as made:
        made.write(LAB)
        settled(made, pool, 100)
        plan = made.status().plan
        assert plan is not None
        made.front.look("lab", "ann")
        let(made, pool, "look")
        made.front.approve("lab", plan, "ann")
        settled(made, pool)
        assert made.answer("Ready") == READY


def test_an_approval_that_comes_too_late_is_for_nothing(tmp_path: Path) -> None:
    """It was checked against the plan at hand, and that is another one when the coordinator takes it."""
    pool = HandPool()
    with room(tmp_path, APPROVED, pool=pool) as made:
        made.write(LAB)
        settled(made, pool, 100)
        first, held = made.status().plan, made.loop.agenda.held["lab"]
        assert first is not None
        made.write(WIDER)
        made.front.hint("here")
        let(made, pool, "look")
        pool.let()
        # The answer is there and not taken yet, nor is this, which comes after it.
        made.loop._collect()
        made.loop.outcomes.approve(held, first)
        assert made.status().plan != first
        assert held.approved == frozenset()
        settled(made, pool)
        assert made.stage.mutations == []


def test_what_waits_for_a_window_is_looked_at_when_it_opens(tmp_path: Path) -> None:
    """Though the interval is longer than the window."""
    configured = edit(SLOW, ("mode: apply-and-heal", 'mode: apply, windows: [{allow: "0 * * * *", for: 5m}]'))
    with room(tmp_path, configured) as made:
        made.stage.clock.sleep(600)
        made.write(LAB)
        made.until(lambda: (made.answer("Ready") or ("", ""))[1] == "WaitsForWindow")
        made.until(lambda: made.answer("Ready") == READY, 3700)
        began = made.run_of()["began"]
        assert began % 3600 < 300


def test_a_run_that_waited_for_a_worker_till_its_window_closed_does_not_begin(tmp_path: Path) -> None:
    """It is looked at again, and waits for the next window."""
    pool = HandPool()
    configured = edit(SLOW, ("mode: apply-and-heal", 'mode: apply, windows: [{allow: "0 * * * *", for: 5m}]'))
    with room(tmp_path, configured, pool=pool) as made:
        made.stage.clock.sleep(-made.now % 3600)
        made.write(LAB)
        made.loop.turn()
        made.loop.agenda._at_work["stack"] = made.loop.configuration.workers
        let(made, pool, "wait")
        made.stage.clock.sleep(1000)
        made.loop.agenda._at_work["stack"] = 0
        settled(made, pool, 100)
        assert made.stage.mutations == []
        assert (made.answer("Ready") or ("", ""))[1] == "WaitsForWindow"


def test_nothing_secret_lies_in_the_store(tmp_path: Path) -> None:
    """Neither in the plan, nor in the report of a run, nor in what is told."""
    wanted = """
stack: lab
namePrefix: lab-
jobDefinitions:
  work:
    type: container
    containerProperties:
      image: busybox
      environment: [{name: DB_PASSWORD, value: hunter2}]
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]
"""
    with room(tmp_path, edit(USUAL, ("apply-and-heal", "plan"))) as made:
        made.write(wanted)
        made.until(lambda: made.answer("Planned") == ("True", "PlanMade"))
        told = json.dumps([made.front.plan("lab"), str(made.told()), [str(line) for line in made.lines]])
        assert "hunter2" not in told
        assert "(secret " in told


@pytest.mark.parametrize("method", ["put_status", "begin", "end", "keep_plan", "withdraw", "retain", "*"])
def test_a_store_that_is_away_for_minutes_holds_up_nobody_for_longer(tmp_path: Path, method: str) -> None:
    """Whatever of it fails, the loop goes on, and all is told once it is back."""
    with room(tmp_path) as made:
        made.shaky.away = (method,)
        made.write(LAB)
        made.pass_time(300)
        made.shaky.away = ()
        made.pass_time(1200)
        assert (made.answer("Ready") or ("", ""))[0] == "True"
        assert made.stage.plan(LAB).empty
        assert len(made.loop.notes) == 0
        assert made.store.statuses()["lab"]["digest"] == made.status().digest
        assert [run.outcome for run in made.store.runs("lab")] == ["done"]
        assert made.front.alive() is None


@pytest.mark.parametrize("method", ["statuses", "suspended", "overrides", "unended", "approvals"])
def test_who_cannot_take_over_tries_again(tmp_path: Path, method: str) -> None:
    """Nothing is begun half."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.shaky.away = (method, "statuses")
        made.pass_time(60)
        assert made.loop.leading is None
        assert made.front.ready() is not None
        made.shaky.away = ()
        made.until(lambda: made.answer("Ready") == READY)


def test_a_damaged_status_is_made_anew(tmp_path: Path) -> None:
    """It is told, and stops nothing."""
    with room(tmp_path) as made:
        made.store.put_status("lab", {"plan": None, "conditions": 5}, 0.0)
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == READY)
        assert [event for event, _ in made.lines].count("status damaged") == 1


def test_a_fault_in_an_answer_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack is looked at again; the fault is told with its trace."""
    with room(tmp_path) as made:
        made.write(LAB)
        real, faults = Outcomes.looked, [ValueError("a fault"), OSError("another")]

        def looked(self: Any, held: Any, seen: Seen) -> None:
            if faults:
                raise faults.pop()
            real(self, held, seen)

        monkeypatch.setattr(Outcomes, "looked", looked)
        made.until(lambda: made.answer("Ready") == READY)
        assert [about["exc_info"].args for event, about in made.lines if event == "unexpected"] == [
            ("another",),
            ("a fault",),
        ]


def test_a_fault_in_one_stack_is_no_matter_of_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What planning does not expect is the answer about that stack alone."""
    configured = USUAL + "  other: {source: here, target: lab, paths: [other.yaml], mode: apply}\n"
    configured = edit(
        configured, ("lab: {source: here, target: lab,", "lab: {source: here, target: lab, paths: [lab.yaml],")
    )
    real = manifest.parse

    def parse(sources: Any, **given: Any) -> Any:
        if any("other" in source.name for source in sources):
            raise RecursionError("too deep")
        return real(sources, **given)

    monkeypatch.setattr(rounds, "parse", parse)
    with room(tmp_path, configured) as made:
        made.write(LAB)
        made.write("x", "other.yaml")
        made.until(lambda: made.answer("Ready") == READY)
        assert made.answer("Ready", "other") == ("False", "Unexpected")


def test_who_loses_the_lead_writes_nothing_more(tmp_path: Path) -> None:
    """And begins from nothing when it leads again: an older revision than another applied is not gone back to."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == READY)
        made.store.raise_fence("another", made.now)
        (tmp_path / "stacks").rename(tmp_path / "away")
        before = made.store.statuses()
        made.stage.simulator.calls.clear()
        made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
        made.pass_time(900)
        assert made.loop.leading is not None
        assert not made.stage.mutations
        assert before["lab"]["digest"] == made.status().digest
        (tmp_path / "away").rename(tmp_path / "stacks")
        made.until(lambda: made.stage.plan(LAB).empty, 1800)


def test_what_a_failed_fetch_says_goes_when_the_next_one_is_well(tmp_path: Path) -> None:
    """Though the interval is a day, and the revision the same."""
    with room(tmp_path, SLOW) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == READY)
        (tmp_path / "stacks").rename(tmp_path / "away")
        made.until(lambda: made.answer("Reconciling") == ("True", "SourceFailed"), 700)
        (tmp_path / "away").rename(tmp_path / "stacks")
        made.until(lambda: (made.answer("Reconciling") or ("", ""))[0] == "False", 1000)


def test_who_is_stuck_does_not_forget_that_a_fetch_failed(tmp_path: Path) -> None:
    """Whoever mends a manifest has to see why that does not come, however often the last good one is looked at."""
    with room(tmp_path) as made:
        made.write("stack: lab\nbogus: 1\n")
        made.until(lambda: made.answer("Stalled") == ("True", "ManifestInvalid"))
        made.write("x", "good.yaml")
        (tmp_path / "stacks" / "out.yaml").symlink_to("/etc/hostname")
        made.until(lambda: made.answer("Reconciling") == ("False", "SourceFailed"), 700)
        looked = made.status().looked_at
        made.until(lambda: made.status().looked_at != looked, 2000)
        assert made.answer("Reconciling") == ("False", "SourceFailed")
        assert "out.yaml" in made.status().conditions["Reconciling"].message
        assert made.answer("Ready") == ("False", "ManifestInvalid")


def test_a_source_that_was_never_had_keeps_nobody_from_asking_why(tmp_path: Path) -> None:
    """The controller is ready once it has tried all of them."""
    with room(tmp_path) as made:
        (tmp_path / "stacks").rmdir()
        assert made.front.ready() == "another controller leads, or the store does not answer"
        made.pass_time(10)
        assert made.front.ready() is None
        assert made.answer("Ready") == ("False", "SourceFailed")


def test_a_worker_that_does_not_return_is_told(tmp_path: Path) -> None:
    """And the others go on meanwhile, whatever it is about."""
    pool = HandPool()
    with room(tmp_path, edit(USUAL, ("sources:", "workers: 1\nsources:")), pool=pool) as made:
        made.write(LAB)
        let(made, pool, "look")
        made.front.hint("here")
        made.pass_time(120)
        assert len(pool.left) == 2
        assert made.front.alive() is None
        made.pass_time(600)
        assert made.front.alive() == "target lab has been worked at for too long"


def test_a_look_that_takes_long_is_not_told_as_long_as_something_comes_of_it(tmp_path: Path) -> None:
    """AWS may answer slowly, and stacks may be many; it is dead that hears of nothing for ten minutes."""
    pool, stage = HandPool(), Stage.new(settings=Settings(parallelism=1))
    with room(tmp_path, edit(USUAL, ("interval: 1m", "interval: 1d")), pool=pool, stage=stage) as made:
        made.write(LAB)
        let(made, pool, "look")
        began, told = made.now, list[str | None]()

        def slow(_operation: str, _number: int) -> None:
            stage.clock.sleep(500)
            made.loop.turn()
            told.append(made.front.alive())

        stage.simulator.before_call = slow
        pool.let()
        assert made.now > began + 2000
        assert set(told) == {None}
        stage.simulator.before_call = None
        settled(made, pool)
        assert made.answer("Ready") == READY


def test_old_revisions_and_old_runs_go(tmp_path: Path) -> None:
    """A folder for each revision would fill the disk, a row for each run the store."""
    with room(tmp_path, edit(USUAL, ("sources:", "keep: 2\nkeepFor: 1h\nsources:"))) as made:
        for number in range(8):
            made.write(edit(LAB, ("maxvCpus: 64", f"maxvCpus: {number + 10}")))
            made.pass_time(400)
        assert len(list((made.loop.configuration.cache / "here").glob("[0-9]*-*"))) <= 4
        assert len(made.store.runs("lab")) == 8
        made.pass_time(9000)
        assert len(made.store.runs("lab")) == 2


def test_a_dependency_is_told_in_words(tmp_path: Path) -> None:
    """One that is suspended before it ever was, and one whose plan nobody applies."""
    configured = """
sources:
  here: {folder: stacks, interval: 1m}
targets:
  lab: {region: eu-west-1}
stacks:
  first: {source: here, target: lab, paths: [first.yaml], mode: plan}
  second: {source: here, target: lab, paths: [second.yaml], mode: apply, dependsOn: [first]}
"""
    with room(tmp_path, configured) as made:
        for name in ("first", "second"):
            made.write(
                edit(LAB, ("stack: lab", f"stack: {name}"), ("namePrefix: lab-", f"namePrefix: {name}-")),
                f"{name}.yaml",
            )
        made.pass_time(600)
        assert made.status("second").conditions["Ready"].message == "first has a revision that is not applied yet"
        made.front.suspend("first", True, "ann")
        made.pass_time(600)
        assert made.status("second").conditions["Ready"].message == "first is suspended"
        assert made.loop.agenda.held["second"].due < float("inf")


def test_a_part_is_healed_and_known_to_be_as_applied(tmp_path: Path) -> None:
    """What is only reported stays, and the next look begins no other run."""
    drift = "drift: [{kind: job_queue, path: priority, do: report}]"
    with room(tmp_path, edit(USUAL, ("apply-and-heal", f"apply-and-heal, {drift}"))) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == READY)
        digest = made.status().digest
        made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
        name = made.stage.world.describe_compute_environments()["computeEnvironments"][0]["computeEnvironmentName"]
        made.stage.world.update_compute_environment(computeEnvironment=name, computeResources={"maxvCpus": 99})
        made.until(lambda: made.stage.environment(name)["computeResources"]["maxvCpus"] != 99, 700)
        made.pass_time(900)
        assert made.stage.queue("lab-high")["priority"] == 77
        assert made.status().digest == digest
        assert len(made.store.runs("lab")) == 2
        assert made.answer("Ready") == ("True", "Drifted")


def test_a_controller_that_stops_ends_what_is_under_way(tmp_path: Path) -> None:
    """Though its store is away; the lead is given back."""
    with room(tmp_path) as made:
        made.write(LAB)
        stop: Future[int] = Future()

        def end(operation: str, _number: int) -> None:
            if operation == "CreateComputeEnvironment" and not stop.done():
                made.shaky.away = ("put_status", "end")
                stop.set_result(15)

        made.stage.simulator.before_call = end
        made.loop.run(stop)
        assert made.loop.leader.lost() is not None
        assert made.loop.flight.works == {}
        assert made.loop.agenda.held["lab"].idle
