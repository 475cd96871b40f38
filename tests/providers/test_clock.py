"""Clocks: one contract, whether time is real, scaled or stands still."""

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from providers.clock import Clock, ManualClock, ScaledClock, SystemClock


def done() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(None)
    return future


CLOCKS: list[Clock] = [SystemClock(), ScaledClock(real=0.0, simulated=0.0, speed=1e6), ManualClock()]


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: type(clock).__name__)
def test_a_sleep_takes_at_least_its_time(clock: Clock) -> None:
    """In the clock's own seconds, and never a negative number of them."""
    began = clock.now()
    clock.sleep(0.001)
    clock.sleep(-5.0)
    assert clock.now() >= began + 0.001


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: type(clock).__name__)
def test_a_wait_ends_with_its_future(clock: Clock) -> None:
    """However long it might have been."""
    before = threading.active_count()
    clock.wait([done(), Future()], 3600.0)
    clock.wait([done()], None)
    assert threading.active_count() == before


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: type(clock).__name__)
def test_a_wait_for_nothing_is_a_sleep(clock: Clock) -> None:
    """With or without futures that are not done."""
    began = clock.now()
    clock.wait([], 0.001)
    clock.wait([], 0.0)
    clock.wait([Future()], 0.001)
    assert clock.now() >= began + 0.001


def test_scaled_time_runs_faster() -> None:
    """An hour of it passes in milliseconds."""
    clock = ScaledClock(real=0.0, simulated=100.0, speed=1e7)
    began, real = clock.now(), SystemClock().now()
    clock.sleep(3600.0)
    assert clock.now() - began >= 3600.0
    assert SystemClock().now() - real < 60.0


def test_manual_time_moves_only_by_waiting() -> None:
    """By exactly as much as was asked for."""
    clock = ManualClock(10.0)
    assert (clock.now(), clock.now()) == (10.0, 10.0)
    clock.wait([Future()], 5.0)
    clock.sleep(2.5)
    clock.wait([done()], 100.0)
    assert clock.now() == 17.5
