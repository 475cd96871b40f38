"""What people said of a plan counts for as long as that is at hand, and not when it is made once more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import LAB, edit
from tests.reconciler.controller.stages import USUAL, Room, room

HEAL = edit(USUAL, ("mode: apply-and-heal", "mode: apply-and-heal, interval: 1m, approval: {by: api}"))
SHUT = edit(HEAL, ("by: api}", 'by: api}, windows: [{allow: "0 3 1 1 *", for: 1h}]'))
AWAITED = ("True", "WaitsForApproval")


def drift(made: Room, priority: int = 77) -> None:
    """Somebody changes the queue, once it has settled."""
    made.stage.clock.sleep(30)
    made.stage.world.update_job_queue(jobQueue="lab-high", priority=priority)


def at_hand(made: Room) -> str:
    plan = made.status().plan
    assert plan is not None
    return plan


@pytest.fixture
def drifted(tmp_path: Path) -> Iterator[Room]:
    """A stack of which something moved away, and that waits for somebody to approve that it is brought back."""
    with room(tmp_path, HEAL) as made:
        made.write(LAB)
        made.until(lambda: made.answer("AwaitingApproval") == AWAITED)
        made.front.approve("lab", at_hand(made), "ann")
        made.until(lambda: made.answer("Ready") == ("True", "AsApplied"))
        drift(made)
        made.until(lambda: made.answer("AwaitingApproval") == AWAITED)
        yield made


@pytest.mark.parametrize("looked", [False, True])
def test_an_approval_ends_with_the_run_that_it_let_begin(drifted: Room, looked: bool) -> None:
    """The same drift makes the same plan, which waits again: whether somebody looked in between or not."""
    plan = at_hand(drifted)
    drifted.front.approve("lab", plan, "ann")
    drifted.until(lambda: drifted.answer("Ready") == ("True", "Succeeded"))
    assert drifted.stage.plan(LAB).empty
    if looked:
        drifted.until(lambda: drifted.answer("Ready") == ("True", "AsApplied"))
    drift(drifted)
    drifted.pass_time(600)
    assert at_hand(drifted) == plan
    assert drifted.answer("AwaitingApproval") == AWAITED
    assert not drifted.stage.plan(LAB).empty
    drifted.front.approve("lab", plan, "ann")
    drifted.until(lambda: drifted.answer("Ready") == ("True", "Succeeded"))


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Room]:
    """The same, where no window is open either."""
    with room(tmp_path, SHUT) as made:
        made.write(LAB)
        made.until(lambda: made.answer("AwaitingApproval") == AWAITED)
        made.front.approve("lab", at_hand(made), "ann")
        made.front.override("lab", at_hand(made), "ann")
        made.until(lambda: made.answer("Ready") == ("True", "AsApplied"))
        drift(made)
        made.until(lambda: made.answer("AwaitingApproval") == AWAITED)
        yield made


def test_an_approval_ends_with_its_plan(shut: Room) -> None:
    """No window was open before all had come back by itself: the next time it waits for somebody's word again."""
    shut.front.approve("lab", plan := at_hand(shut), "ann")
    shut.until(lambda: shut.answer("Reconciling") == ("True", "WaitsForWindow"))
    drift(shut, 10)
    shut.until(lambda: shut.status().plan is None)
    drift(shut)
    shut.until(lambda: shut.status().plan is not None)
    assert at_hand(shut) == plan
    assert shut.answer("AwaitingApproval") == AWAITED
