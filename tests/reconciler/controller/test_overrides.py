"""A plan that somebody lets begin outside the windows: for that plan, for a run, for a day; whoever leads meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.controller.front import OVERRIDDEN
from reconciler.controller.leader import leader
from reconciler.store import Store
from tests.kit import LAB, edit
from tests.reconciler.controller.stages import USUAL, Room, room, room_of

SHUT = edit(USUAL, ("mode: apply-and-heal", 'mode: apply, interval: 1d, windows: [{allow: "0 3 1 1 *", for: 1h}]'))
WIDER = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"))
WAITS = ("False", "WaitsForWindow")


@pytest.fixture
def waiting(url: str, tmp_path: Path) -> Iterator[Room]:
    """A stack that waits for a window, on either database."""
    with room(tmp_path, f"store: {url}\n{SHUT}") as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == WAITS)
        yield made


def overridden(made: Room) -> str:
    """Let the plan at hand begin; the controller has not heard of it yet."""
    plan = made.status().plan
    assert plan is not None
    made.front.override("lab", plan, "ann")
    return plan


def followed(made: Room, then: Callable[[Room], object]) -> None:
    """The controller ends as it is, and another one leads."""
    made.loop.leader.release()
    with closing(Store.open(made.loop.configuration.store, made.stage.clock)) as store:
        leading = leader(store, clock=made.stage.clock)
        again = room_of(made.loop.configuration, made.folder, made.stage, store, leading, 8)
        then(again)
        leading.release()


def test_whoever_leads_next_honours_it(waiting: Room) -> None:
    """A restart, or another replica, lets that very plan begin."""
    plan = overridden(waiting)

    def then(again: Room) -> None:
        again.until(lambda: again.answer("Ready") == ("True", "Succeeded"))
        assert again.run_of()["plan"] == plan
        assert again.store.overrides() == {}

    followed(waiting, then)


@pytest.mark.parametrize("happens", ["a day", "another plan"])
def test_whoever_leads_next_honours_its_end(waiting: Room, happens: str) -> None:
    """After a day, and for another plan, it is none."""
    overridden(waiting)
    if happens == "a day":
        waiting.stage.clock.sleep(OVERRIDDEN)
    else:
        waiting.write(WIDER)

    def then(again: Room) -> None:
        again.pass_time(120)
        assert again.answer("Ready") == WAITS
        assert again.stage.mutations == []
        assert again.store.overrides() == {}

    followed(waiting, then)


@pytest.mark.parametrize("outcome", ["interrupted", "failed"])
def test_it_ends_with_the_run_that_it_let_begin(waiting: Room, outcome: str) -> None:
    """Unless that was asked to end, and is to be gone on with."""
    held = waiting.loop.agenda.held["lab"]
    faults = [ValueError("a fault")]

    def happens(operation: str, _number: int) -> None:
        if held.run is not None and operation.startswith("Describe") and faults:
            if outcome == "failed":
                raise faults.pop()
            faults.clear()
            held.run.yielding.ask("somebody says so")

    waiting.stage.simulator.before_call = happens
    overridden(waiting)
    waiting.until(lambda: (waiting.run_of() or {}).get("outcome") == outcome)
    waiting.pass_time(300)
    assert waiting.store.overrides() == {}
    assert waiting.answer("Ready") == (WAITS if outcome == "failed" else ("True", "Succeeded"))


def test_it_ends_though_the_store_was_not_told(waiting: Room) -> None:
    """Whoever leads again remembers that it was used."""
    held = waiting.loop.agenda.held["lab"]
    faults = [ValueError("a fault")]

    def happens(operation: str, _number: int) -> None:
        if held.run is not None and operation.startswith("Describe") and faults:
            raise faults.pop()

    waiting.stage.simulator.before_call = happens
    waiting.shaky.away = ("end_override",)
    overridden(waiting)
    waiting.until(lambda: (waiting.run_of() or {}).get("outcome") == "failed")
    waiting.store.raise_fence("another", waiting.now)
    waiting.pass_time(300)
    assert waiting.loop.leading is not None
    assert waiting.store.overrides() != {}
    waiting.shaky.away = ()
    waiting.pass_time(300)
    assert waiting.store.overrides() == {}
    assert len(waiting.store.runs("lab")) == 1
    assert waiting.answer("Ready") == WAITS


def test_one_that_comes_too_late_is_for_nothing(waiting: Room) -> None:
    """The plan at hand was another when the controller heard of it: it is not kept for when that is made again."""
    first = overridden(waiting)
    waiting.write(WIDER)
    held = waiting.loop.agenda.held["lab"]
    given = waiting.store.overrides()["lab"]
    waiting.loop.turn()
    waiting.until(lambda: waiting.status().plan not in (None, first))
    waiting.store.override(given)
    waiting.loop.outcomes.override(held, given)
    waiting.loop.turn()
    assert waiting.store.overrides() == {}
    assert held.overridden(waiting.now) is None
