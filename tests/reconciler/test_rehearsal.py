"""A rehearsal says what will be called, how long it takes and what goes wrong; and an apply then does just that."""

import random
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import attrs
import pytest

from plans.rehearsal import Deed, Rehearsal, by_address
from providers.errors import InputError, Interrupted, PlanRefused, StalePlan
from providers.simulator import Durations, Fault, Store, service
from providers.simulator import Settings as Simulated
from reconciler.durations import TABLE
from reconciler.outset import task_of
from reconciler.rehearsal import Listener, Played, Stand, TooMany
from tests.kit import LAB, TRAINING, Stage, cut, edit, manifest

ROLE = ("type: SPOT\n", "type: SPOT\n      spotIamFleetRole: arn:aws:iam::123456789012:role/fleet\n")
"""What only a new environment can have."""
TWO_HOP = edit(LAB, ("  ondemand:\n", "  ondemand:\n    lifecycle: {replace: twoHop}\n"))


@attrs.frozen
class Edit:
    """A change between two manifests: what stands first, and what is wanted then."""

    before: str | None
    after: str


EDITS: Mapping[str, Edit] = {
    "create": Edit(None, LAB),
    "all seven kinds": Edit(None, TRAINING),
    "update": Edit(
        LAB, edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"), ("priority: 10", "priority: 20"), ("blue", "red"))
    ),
    "infrastructure": Edit(LAB, edit(LAB, ("instanceTypes: [c6i]", "instanceTypes: [c6i, m6i]"))),
    "register": Edit(LAB, edit(LAB, ("align:1", "align:2"))),
    "create first": Edit(LAB, edit(LAB, ROLE)),
    "two hops": Edit(TWO_HOP, edit(TWO_HOP, ROLE)),
    "delete": Edit(LAB, edit(LAB, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", ""))),
    "delete all of a kind": Edit(TRAINING, cut(TRAINING, "quotaShares:", "jobDefinitions:")),
}
RUNS = 50


def weather(dice: random.Random) -> Simulated:
    """Another service: each duration anywhere in its row of the table, whatever is usual."""
    drawn = {row.name: dice.uniform(row.low, row.high) for row in TABLE}
    lag, stale = drawn.pop("relation_lag"), drawn.pop("stale_reads")
    return Simulated(durations=Durations(**drawn), relation_lag=lag, stale_reads=stale)


@cache
def rehearsed(name: str) -> Rehearsal:
    """The rehearsal of an edit on the service as it is set by default."""
    return standing(name).reconciler.rehearse(manifest(EDITS[name].after), seed=1, runs=5)


@cache
def standing(name: str) -> Stage:
    """A stage on which stands what an edit starts from; whoever changes it takes another over the same world."""
    stage, before = Stage.new(), EDITS[name].before
    if before is not None:
        assert stage.apply(before).exit_code == 0
        stage.settle()
    return stage


def on(simulated: Simulated, name: str, seed: int) -> Stage:
    """Another service with the world that an edit starts from."""
    first, stage = standing(name), Stage.new(simulated=simulated, seed=seed)
    stage.clock.instant = first.clock.now()
    first.simulator.store._connection.backup(stage.simulator.store._connection)
    return stage


def applied(stage: Stage, wanted: str) -> tuple[list[Deed], float]:
    """The calls of an apply that changed something, and its seconds; what was called is what its events tell, and
    where it was held against its rehearsal it did not depart."""
    heard = Listener(stage.clock.now())
    report = stage.apply(wanted, on_event=heard.take)
    assert (report.exit_code, report.departures) == (0, ())
    done = [
        call.operation for call in stage.simulator.calls if call.status == 200 and call.operation in stage.mutations
    ]
    assert sorted(done) == sorted(deed.call for deed in heard.deeds)
    return heard.deeds, report.seconds


@pytest.mark.unmeasured
def test_an_apply_goes_as_it_was_rehearsed(capsys: pytest.CaptureFixture[str]) -> None:
    """On a service of another seed, lag and other durations an apply makes the same calls for each address in the same
    order, in a time that lies in the range: in at least 45 of 50 runs."""
    same = within = both = 0
    for number in range(RUNS):
        dice = random.Random(f"another {number}")
        name = [*EDITS][number % len(EDITS)]
        stage = on(weather(dice), name, seed=1000 + number)
        stage.settings(estimating=number < len(EDITS))
        deeds, seconds = applied(stage, EDITS[name].after)
        told = rehearsed(name)
        calls, time = by_address(deeds) == by_address(told.trace), told.low <= seconds <= told.high
        same, within, both = same + calls, within + time, both + (calls and time)
    with capsys.disabled():
        print(f"\nrehearsed: of {RUNS} runs {same} with the same calls, {within} in the range, {both} with both")
    assert both >= 45


def test_what_is_rehearsed_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    """The account is only read: no call changes anything, nothing is printed, and the same seed tells the same."""
    stage = Stage.new()
    stage.apply(LAB)
    wanted = manifest(edit(LAB, ROLE))
    stage.settle()
    before = stage.simulator.show()
    stage.simulator.calls.clear()
    first = stage.reconciler.rehearse(wanted, seed=5, faults="heavy", runs=6)
    assert stage.mutations == []
    assert stage.simulator.show() == before
    again = stage.reconciler.rehearse(wanted, seed=5, faults="heavy", runs=6)
    assert attrs.evolve(first, plan=again.plan) == again
    assert first.troubles != stage.reconciler.rehearse(wanted, seed=6, faults="heavy", runs=6).troubles
    assert capsys.readouterr() == ("", "")


def test_what_a_rehearsal_tells() -> None:
    """The plan, the calls in order, the time with its range, calls by operation, and where its runs come from."""
    told = rehearsed("create first")
    assert [run.manner for run in told.runs] == ["usual", "longest", "shortest", "drawn", "drawn"]
    assert [deed.call for deed in told.trace if deed.address == "compute_environment.spot"][:1] == [
        "CreateComputeEnvironment"
    ]
    assert told.sound
    assert told.low < told.median < told.high
    assert told.usual is not None
    assert told.usual.api_calls == sum(told.calls.values()) == told.runs[0].calls
    assert told.troubles == ()
    assert all(row.source for row in told.table)
    assert {row.name for row in told.table} == {
        *(field.name for field in attrs.fields(Durations)),
        "relation_lag",
        "stale_reads",
    }


def test_queues_over_time() -> None:
    """Of each queue it is told from when to when it has environments for the jobs that it takes, without a gap."""
    text = edit(LAB, ("tags: {team: blue}\n", "tags: {team: blue}\npolicy: {maxImpact: outage}\n"))
    stage = Stage.new()
    stage.apply(text)
    moved = stage.reconciler.rehearse(manifest(edit(text, ROLE)), runs=2)
    off = edit(text, ("  ondemand:\n", "  ondemand:\n    state: DISABLED\n"))
    closed = stage.reconciler.rehearse(manifest(off), runs=2)
    for told, waits in ((moved, ()), (closed, ("lab-low",))):
        assert [queue.name for queue in told.queues] == ["lab-high", "lab-low"]
        for queue in told.queues:
            parts = queue.intervals
            assert (parts[0].begins, parts[-1].state) == (0.0, "waits" if queue.name in waits else "runs")
            assert [part.begins for part in parts[1:]] == [part.ends for part in parts[:-1]]
            assert bool(queue.seconds("waits")) == (queue.name in waits)
        assert tuple(told.runs[1].waiting) == waits
    made = rehearsed("create")
    assert {queue.intervals[0].state for queue in made.queues} == {"absent"}
    assert {queue.intervals[-1].state for queue in made.queues} == {"runs"}


def test_jobs_that_would_end() -> None:
    """Jobs are there as they were counted: those that a drain ends are told, and how many calls that takes."""
    text = edit(LAB, ("  low: {priority: 1,", "  low: {drain: {mode: terminate}, priority: 1,"))
    stage = Stage.new(simulated=Simulated(durations=Durations(job_running=36000)))
    stage.apply(text)
    for _ in range(70):
        stage.world.submit_job(jobName="work", jobQueue="lab-low", jobDefinition="lab-align")
    stage.settle(600)
    wanted = manifest(
        text.replace("  low: {drain: {mode: terminate}, priority: 1, computeEnvironmentOrder: [ondemand]}\n", "")
    )
    policy = attrs.evolve(wanted.policy, drain=attrs.evolve(wanted.policy.drain, mode="terminate"))
    told = stage.reconciler.rehearse(attrs.evolve(wanted, policy=policy), runs=1)
    assert told.jobs_ended == {"lab-low": 70}
    assert sum(deed.jobs for deed in told.trace) == 70
    assert [deed.call for deed in told.trace if deed.jobs] == ["TerminateJobs"]
    report = stage.apply(attrs.evolve(wanted, policy=policy))
    assert report.exit_code == 0
    ending = {call: count for call, count in report.calls.items() if call.startswith("TerminateJob")}
    assert ending == {call: count for call, count in told.calls.items() if call.startswith("TerminateJob")}


def test_faults_are_told_with_what_failed_under_them() -> None:
    """A run that fails names what its calls met; the first three meet nothing, and do all."""
    told = standing("create").reconciler.rehearse(manifest(LAB), seed=2, faults="heavy", runs=14)
    assert told.sound
    assert [run.faults for run in told.runs[:3]] == [{}, {}, {}]
    assert told.troubles
    for trouble in told.troubles:
        assert told.runs[trouble.run - 1].exit_code == 4
        assert trouble.faults == told.runs[trouble.run - 1].faults
        assert trouble.faults
        assert trouble.error
    light = standing("create").reconciler.rehearse(manifest(LAB), seed=2, faults="light", runs=8)
    assert light.troubles == ()
    assert any(run.faults for run in light.runs)


def test_the_worst_run_is_drawn_too() -> None:
    """Where faults take a queue its environments, that run is drawn beside the first, with the faults that it met."""
    told = standing("infrastructure").reconciler.rehearse(
        manifest(EDITS["infrastructure"].after), seed=1, faults="heavy", runs=30
    )
    assert told.worst is not None
    run = told.runs[told.worst.run - 1]
    assert run.waiting == {queue.name: queue.seconds("waits") for queue in told.worst.queues if queue.seconds("waits")}
    assert set(run.waiting) - set(told.runs[0].waiting)
    assert run.faults
    assert told.pictures[1] == told.worst
    assert rehearsed("infrastructure").worst is None


def test_an_estimate_is_the_usual_run_of_every_rehearsal() -> None:
    """plan and rehearse name the same figures for the same run, whatever the seed."""
    stage = on(Simulated(), "update", seed=3)
    stage.settings(estimating=True)
    estimate = stage.plan(EDITS["update"].after).estimate
    usual = stage.reconciler.rehearse(manifest(EDITS["update"].after), seed=7, runs=1).usual
    assert estimate is not None
    assert usual is not None
    assert (estimate.api_calls, estimate.seconds) == (usual.api_calls, round(usual.seconds, 1))


def test_refused_stale_and_empty_plans() -> None:
    """What apply would refuse is not rehearsed, nor is a plan of nothing played."""
    stage = standing("update")
    held = stage.plan(EDITS["update"].after)
    assert stage.reconciler.rehearse(manifest(EDITS["update"].after), held=held, runs=1).plan.id == held.id
    with pytest.raises(StalePlan):
        stage.reconciler.rehearse(manifest(EDITS["register"].after), held=held)
    with pytest.raises(PlanRefused):
        stage.reconciler.rehearse(
            manifest(edit(LAB, ("  ondemand:\n", "  ondemand:\n    lifecycle: {replace: refuse}\n"), ROLE))
        )
    empty = stage.reconciler.rehearse(manifest(LAB))
    assert (empty.runs, empty.trace, empty.low, empty.median, empty.usual) == ((), (), 0.0, 0.0, None)


def test_a_signal_ends_it_between_two_runs() -> None:
    """What was rehearsed until then is not told: the range would be wrong."""
    stage = Stage.new()
    stop = stage.stopper()

    def signalled() -> int | None:
        return stop.result() if stop.done() else None

    with task_of(stage.reconciler, manifest(LAB), lambda _: None) as task:
        from reconciler import rehearsal

        stand = rehearsal.Stand.of(task, task.plan(), None)
        stop.set_result(15)
        with pytest.raises(Interrupted) as caught:
            rehearsal.rehearse(stand, seed=0, stopped=signalled)
    assert caught.value.signal == 15


def test_what_could_not_be_read_is_not_there_in_a_rehearsal_either() -> None:
    """A kind that the account hides stays hidden: the plan afterwards is empty all the same."""
    stage = Stage.new()
    stage.simulator.inject(Fault("ListConsumableResources", "denied", times=None))
    told = stage.reconciler.rehearse(manifest(LAB), runs=1)
    assert "consumable_resource" in told.plan.unobserved
    assert told.sound


def test_a_wait_of_weeks_is_rehearsed_by_few_looks() -> None:
    """What is called is what an apply calls, in a time that differs by less than the looks do; a month in which nothing
    moves takes some thousand looks, not two hundred thousand."""
    wanted = edit(LAB, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", ""))
    wanted += "\npolicy: {drain: {mode: wait, timeout: 30d}}\n"
    stage = Stage.new(simulated=Simulated(durations=Durations(job_running=30_000)))
    stage.apply(LAB)
    stage.world.submit_job(jobName="long", jobQueue="lab-low", jobDefinition="lab-align")
    stage.settle(600)

    def played(seconds: float) -> Played:
        table = tuple(attrs.evolve(row, usual=seconds) if row.name == "job_running" else row for row in TABLE)
        with task_of(stage.reconciler, manifest(wanted), lambda _: None) as task:
            return Stand.of(task, task.plan(), None, table).play("usual", "0/0")

    told, month = played(30_000), played(40 * 86_400)
    deeds, seconds = applied(stage, wanted)
    assert by_address(told.deeds) == by_address(deeds)
    assert 0.98 < told.report.seconds / seconds < 1.05
    assert (month.report.exit_code, month.report.seconds > 30 * 86_400) == (4, True)
    assert month.calls["ListJobs"] < 4000


def test_faults_are_counted_however_many_calls_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator remembers its last calls only; what a run met at its beginning counts all the same."""
    met = standing("create").reconciler.rehearse(manifest(LAB), seed=2, faults="light", runs=6)
    monkeypatch.setattr(service, "_REMEMBERED_CALLS", 3)
    again = standing("create").reconciler.rehearse(manifest(LAB), seed=2, faults="light", runs=6)
    assert any(run.faults for run in met.runs)
    assert [run.faults for run in again.runs] == [run.faults for run in met.runs]


def test_the_model_is_closed_however_a_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is given up for making too many calls."""
    closed: list[Store] = []
    close = Store.close

    def closing(self: Store) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(Store, "close", closing)
    with task_of(standing("create").reconciler, manifest(LAB), lambda _: None) as task:
        stand = Stand.of(task, task.plan(), None)
        with pytest.raises(TooMany):
            attrs.evolve(stand, most=5).play("usual", "0/0")
        assert len(closed) == 1
        stand.play("usual", "0/0")
    assert len({id(store) for store in closed}) == 2


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"runs": 0}, "`runs` is 0, and is at least 1"), ({"faults": "some"}, "`faults` is 'some'")],
)
def test_what_is_never_played_is_not_sound(asked: dict[str, Any], says: str) -> None:
    """A rehearsal of no run, or of faults that nobody knows, says nothing of a plan, and so it is not made."""
    with pytest.raises(InputError, match=re.escape(says)):
        standing("create").reconciler.rehearse(manifest(LAB), **asked)
