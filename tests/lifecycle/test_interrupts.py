"""Ctrl-C and SIGTERM: what is in flight finishes, nothing new begins, and the same command again goes on."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from plans.report import Event
from providers.errors import Interrupted
from tests.kit import LAB, Stage, cut, edit, on_stage

CHANGED = edit(LAB, ("align:1", "align:2"), ("maxvCpus: 64", "maxvCpus: 65"), ("priority: 10", "priority: 11"))


def _at(name: str, count: int = 1) -> Callable[[Event], bool]:
    seen = 0

    def reached(event: Event) -> bool:
        nonlocal seen
        seen += event.event == name
        return seen == count

    return reached


@pytest.mark.parametrize("signal", [2, 15])
@pytest.mark.parametrize(
    "point", ["started 1", "started 4", "called 1", "called 3", "polled 2", "finished 3", "finished 5"]
)
@on_stage()
def test_an_interrupt_stops_and_the_next_run_goes_on(stage: Stage, point: str, signal: int) -> None:
    """Every step is told as done or interrupted, none as failed or skipped; then the same apply again converges."""
    steps = {step.id for step in stage.plan(LAB).steps}
    name, _, count = point.partition(" ")
    reached, stop = _at(name, int(count)), stage.stopper()

    def listen(event: Event) -> None:
        if reached(event) and not stop.done():
            stop.set_result(signal)

    report = stage.apply(LAB, on_event=listen)
    assert report.exit_code == 128 + signal
    assert report.interrupted_by == signal
    assert set(report.counts) <= {"done", "interrupted"}
    assert {outcome.step for outcome in report.outcomes} == steps
    assert report.calls == stage.calls
    assert [event.detail["signal"] for event in stage.told("interrupted")] == [signal]
    stage.go_on()
    again = stage.apply(LAB)
    assert again.exit_code == 0
    assert stage.plan(LAB).empty
    assert len(stage.all) == 7
    assert stage.revisions("lab-align") == [1]


@on_stage()
def test_no_call_begins_after_the_signal(stage: Stage) -> None:
    """What was queued when the signal came never goes out."""
    stop = stage.stopper()

    def listen(event: Event) -> None:
        if event.event == "called" and not stop.done():
            stop.set_result(2)

    report = stage.apply(LAB, on_event=listen)
    told = [(event.event, event.step) for event in stage.events]
    made = {outcome.step for outcome in report.outcomes if outcome.status == "done"}
    assert len(stage.mutations) == len([1 for name, _ in told if name == "called"])
    assert made <= {step for name, step in told if name == "called"}


@on_stage()
def test_a_signal_while_reading_changes_nothing(stage: Stage) -> None:
    """Before the plan is there an interrupt is an error that says so."""
    stop = stage.stopper()

    def signal(_operation: str, number: int) -> None:
        if number == 3:
            stop.set_result(15)

    stage.simulator.before_call = signal
    with pytest.raises(Interrupted, match="nothing was changed") as caught:
        stage.apply(LAB)
    assert caught.value.signal == 15
    assert stage.all == []


@on_stage()
def test_a_signal_during_the_last_look_keeps_the_report(stage: Stage) -> None:
    """All steps are done and the look afterwards is broken off: the report is there, and says interrupted."""
    stop, steps = stage.stopper(), len(stage.plan(LAB).steps)

    def listen(_event: Event) -> None:
        if len(stage.told("finished")) == steps and not stop.done():
            stage.simulator.before_call = lambda _operation, _number: None if stop.done() else stop.set_result(2)

    report = stage.apply(LAB, on_event=listen)
    assert report.counts == {"done": steps}
    assert report.exit_code == 130
    assert report.residue is None
    assert stage.events[-1].detail == {"exit_code": 130}


def test_a_call_in_flight_is_waited_for_and_told() -> None:
    """The signal finds a call under way in another thread: its answer is taken, and nothing new begins."""
    stage = Stage.new(pool=ThreadPoolExecutor)
    stop, told = stage.stopper(), threading.Event()

    def signal(operation: str, _number: int) -> None:
        if operation == "CreateSchedulingPolicy":
            stop.set_result(2)
            assert told.wait(60)

    def listen(event: Event) -> None:
        if event.event == "interrupted":
            told.set()

    stage.simulator.before_call = signal
    report = stage.apply(cut(LAB, "jobDefinitions:"), on_event=listen)
    assert report.exit_code == 130
    assert stage.policies() == ["lab-fair"]
    events = [event.event for event in stage.events]
    assert "called" in events[events.index("interrupted") :]
    assert "started" not in events[events.index("interrupted") :]
    assert {outcome.step: outcome.status for outcome in report.outcomes}["create:scheduling_policy.fair"] == (
        "interrupted"
    )
