"""What a plan is estimated at, and where an apply that goes another way than its rehearsal says so."""

import sqlite3
from typing import Any

import attrs
import pytest

from plans.planfile import dumps, loads
from plans.promise import compare
from plans.report import report_json
from plans.views import terminal
from providers.errors import InputError, Interrupted
from providers.simulator import Durations, Fault
from providers.simulator import Settings as Simulated
from reconciler import foresight, seeding
from reconciler.durations import Manner
from reconciler.rehearsal import Stand
from tests.kit import LAB, Stage, edit, manifest, on_stage

ROLE = ("type: SPOT\n", "type: SPOT\n      spotIamFleetRole: arn:aws:iam::123456789012:role/fleet\n")
MORE = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"))


@on_stage(estimating=True)
def test_a_plan_is_estimated(stage: Stage) -> None:
    """Calls with all looks, and seconds: what the apply then comes to on a service that takes the usual time; none of
    a plan that is empty or refused."""
    plan = stage.plan(LAB)
    assert plan.estimate is not None
    report = stage.apply(LAB)
    assert abs(sum(report.calls.values()) - plan.estimate.api_calls) <= 6
    assert abs(report.seconds - plan.estimate.seconds) < 40
    assert report.departures == ()
    assert stage.plan(LAB).estimate is None
    refused = stage.plan(
        edit(LAB, ("  spot: &environment\n", "  spot: &environment\n    lifecycle: {replace: refuse}\n"), ROLE)
    )
    assert refused.refusals
    assert refused.estimate is None


def test_a_plan_on_a_world_that_was_seen_is_estimated_alike() -> None:
    """The model is looked at for what its own calls have made of it, whoever looked at the account."""
    stage = Stage.new(estimating=True)
    wanted = manifest(LAB)
    plan = stage.plan(wanted, world=stage.reconciler.look([wanted]))
    alone = stage.plan(wanted)
    assert (plan.id, plan.warnings) == (alone.id, alone.warnings)
    assert plan.estimate is not None
    assert alone.estimate is not None
    assert plan.estimate.seconds == alone.estimate.seconds


def test_an_estimate_is_no_part_of_what_is_promised() -> None:
    """The id is the same with and without, and a held plan stands whatever was estimated then."""
    plain, estimated = Stage.new().plan(LAB), Stage.new(estimating=True).plan(LAB)
    assert plain.estimate != estimated.estimate
    assert plain.id == estimated.id
    assert compare(estimated, plain) == compare(plain, estimated) == []
    assert loads(dumps(estimated, {}))[0].estimate == estimated.estimate
    assert Stage.new().apply(LAB, held=estimated).exit_code == 0


def test_an_estimate_costs_no_calls_and_no_dice() -> None:
    """An apply that was estimated makes the calls of one that was not, at the same times."""
    plain, estimated = Stage.new(), Stage.new(estimating=True)
    for stage in (plain, estimated):
        stage.apply(LAB)
        stage.apply(MORE)
    assert plain.trace == estimated.trace


@pytest.mark.unmeasured
def test_a_wait_of_days_is_not_played_for_an_estimate() -> None:
    """Jobs that nothing can run, and a queue that is to wait a month for them: the plan says so, and comes at once."""
    closed = edit(LAB, ("  ondemand:\n", "  ondemand:\n    state: DISABLED\n"))
    stage = Stage.new(estimating=True)
    stage.apply(closed)
    stage.world.submit_job(jobName="stuck", jobQueue="lab-low", jobDefinition="lab-align")
    stage.settle(60)
    gone = edit(closed, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", ""))
    waiting = gone + "\npolicy: {drain: {mode: wait, timeout: 30d}}\n"
    plan = stage.plan(waiting)
    assert plan.estimate is None
    assert "a wait for jobs may take days" in plan.warnings[-1]
    assert "a rehearsal of this does not do all of it" in stage.plan(waiting.replace("30d", "1h")).warnings[-1]


def test_a_signal_ends_an_estimate() -> None:
    """It comes while the plan is played on the model; nothing is asked or changed after it."""
    stage = Stage.new(estimating=True)
    stop = stage.stopper()
    asked: list[object] = []

    def approve(plan: object) -> bool:
        asked.append(plan)
        return True

    play = Stand.play

    def signalled(self: Stand, *given: Any) -> Any:
        stop.set_result(2)
        return play(self, *given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Stand, "play", signalled)
        with pytest.raises(Interrupted):
            stage.apply(LAB, approve=approve)
    assert (asked, stage.mutations) == ([], [])


def test_a_wait_that_is_longer_than_the_table_has_it() -> None:
    """It is told which step took how long, and how long it was expected to take at most; the others are quiet."""
    stage = Stage.new(simulated=Simulated(durations=Durations(create_queue=250)), estimating=True)
    report = stage.apply(LAB)
    assert report.exit_code == 0
    assert {(one.address, one.what) for one in report.departures} == {
        ("job_queue.high", "slower"),
        ("job_queue.low", "slower"),
    }
    assert "was the longest rehearsed" in report.departures[0].says
    assert report_json(report)["departures"] == [attrs.asdict(one) for one in report.departures]
    shown = terminal.render(stage.plan(LAB), report)
    assert "Not as rehearsed\n  job_queue.low: it took 4m" in shown


def test_failures_and_calls_that_were_not_rehearsed() -> None:
    """A failure is told, and so is a call that nobody had foreseen: a role that had to be sent again."""
    stage = Stage.new(estimating=True)
    stage.simulator.inject(Fault("CreateJobQueue", "denied", after=1, times=None))
    report = stage.apply(LAB)
    assert [one.what for one in report.departures] == ["failure"]
    assert "AccessDenied" in report.departures[0].says

    stage = Stage.new(estimating=True)
    role = "    serviceRole: arn:aws:iam::123456789012:role/batch\n"
    text = edit(LAB, ("    type: MANAGED\n", f"    type: MANAGED\n{role}"))
    stage.simulator.inject(Fault("CreateComputeEnvironment", "invalid"))
    report = stage.apply(text)
    assert report.exit_code == 0
    assert [(one.what, one.says) for one in report.departures] == [
        ("call", "UpdateComputeEnvironment was called, which was not rehearsed")
    ]


def test_jobs_take_the_time_that_they_take() -> None:
    """How long jobs run is nobody's to foresee: waits for them do not depart, nor does the number of those ended."""
    stage = Stage.new(simulated=Simulated(durations=Durations(job_running=7000)), estimating=True)
    stage.apply(LAB)
    stage.world.submit_job(jobName="long", jobQueue="lab-high", jobDefinition="lab-align")
    stage.settle(120)
    report = stage.apply(edit(LAB, ROLE))
    assert report.seconds > 1_500
    assert report.departures == ()


def test_a_model_that_fails_takes_no_plan_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that the model cannot hold is planned and changed all the same, with a warning instead of an
    estimate."""

    def broken(*_: Any) -> dict[str, Any]:
        raise KeyError("of tomorrow")

    stage = Stage.new(estimating=True)
    stage.apply(LAB)
    monkeypatch.setattr(seeding, "_shown", broken)
    plan = stage.plan(MORE)
    why = "the model of the account cannot hold what is live there: KeyError('of tomorrow')"
    assert (plan.estimate, plan.warnings) == (None, (f"how long this takes is not known: InputError: {why}",))
    with pytest.raises(InputError, match="cannot hold what is live there"):
        stage.reconciler.rehearse(manifest(MORE))
    assert stage.apply(MORE).exit_code == 0


@pytest.mark.parametrize("error", [RuntimeError("of tomorrow"), sqlite3.OperationalError("disk I/O error")])
def test_whatever_breaks_in_the_model_is_told_with_its_type(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """No plan fails for it, no apply, and no report is lost, whether the first run breaks or the longest."""
    play = Stand.play
    broken = "usual"

    def breaks(self: Stand, manner: Manner, *given: Any) -> Any:
        if manner == broken:
            raise error
        return play(self, manner, *given)

    monkeypatch.setattr(Stand, "play", breaks)
    says = f"{type(error).__name__}: {error}"
    slow = Simulated(durations=Durations(create_queue=250))
    assert Stage.new(estimating=True).plan(LAB).warnings == (f"how long this takes is not known: {says}",)
    assert Stage.new(estimating=True, simulated=slow).apply(LAB).exit_code == 0
    broken = "longest"
    report = Stage.new(estimating=True, simulated=slow).apply(LAB)
    assert report.exit_code == 0
    assert [one.says for one in report.departures] == [f"what took long was not rehearsed: {says}"]


def test_a_signal_while_the_longest_run_is_played_loses_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done is told all the same."""
    play = Stand.play

    def signalled(self: Stand, manner: Manner, *given: Any) -> Any:
        if manner == "longest":
            raise Interrupted("interrupted while rehearsing", signal=2)
        return play(self, manner, *given)

    monkeypatch.setattr(Stand, "play", signalled)
    report = Stage.new(estimating=True, simulated=Simulated(durations=Durations(create_queue=250))).apply(LAB)
    assert report.exit_code == 0
    assert [one.says for one in report.departures] == ["what took long was not rehearsed: interrupted while rehearsing"]


def test_a_large_plan_is_not_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many steps an estimate would take longer than the plan."""
    monkeypatch.setattr(foresight, "MOST", 3)
    plan = Stage.new(estimating=True).plan(LAB)
    assert (plan.estimate, plan.warnings) == (None, ())
