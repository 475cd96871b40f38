"""Executors of other tools: lent to a run, and still theirs when it is over."""

import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from plans.report import Event
from providers.resources import Target
from reconciler import InlinePool, Reconciler, Settings
from reconciler.pools import Lent, pool_of
from tests.kit import LAB, Stage, kinds, manifest


def test_an_executor_that_is_lent_stays_open(tmp_path: Path) -> None:
    """Several runs make their calls in its threads, and whoever owns it ends it."""
    target = Target(provider="simulator", simulator_file=str(tmp_path / "sim.db"), speed=1e6)
    with ThreadPoolExecutor(2, thread_name_prefix="theirs") as theirs:
        reconciler = Reconciler.connect(target, environ={}, settings=Settings(state=None), kinds=kinds(), pool=theirs)
        assert reconciler.apply(manifest(LAB)).exit_code == 0
        assert reconciler.plan(manifest(LAB)).empty
        assert theirs.submit(lambda: 7).result() == 7
        assert len(theirs._threads) <= 2
    with pytest.raises(RuntimeError, match="after shutdown"):
        Lent(theirs).submit(lambda: 7)


def test_what_makes_an_executor_is_asked_for_one_a_run() -> None:
    """With the number of calls at once; it is closed when the run is over."""
    made: list[tuple[int, ThreadPoolExecutor]] = []

    def make(size: int) -> Executor:
        made.append((size, ThreadPoolExecutor(size)))
        return made[-1][1]

    stage = Stage.new(pool=make)
    stage.settings(parallelism=3)
    assert stage.apply(LAB).exit_code == 0
    assert [size for size, _ in made] == [3]
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[0][1].submit(lambda: 7)


def test_what_makes_executors_is_left_as_it_is() -> None:
    """A class of executors is what makes one."""
    assert pool_of(ThreadPoolExecutor) is ThreadPoolExecutor
    inline = InlinePool()
    lent = pool_of(inline)(8)
    lent.shutdown()
    assert lent.submit(lambda: 7).result() == 7


class Unheard(Exception):
    """Whoever listened can no more."""


@pytest.mark.parametrize("lent", [False, True], ids=["made", "lent"])
def test_a_run_that_breaks_off_ends_with_its_calls(tmp_path: Path, lent: bool) -> None:
    """A call in flight is done before the lock is given back, and before whoever called goes on; whosever threads."""
    out, held = threading.Event(), list[bool]()

    def locked() -> bool:
        return any(path.stat().st_size for path in tmp_path.rglob("*.lock"))

    def slow(**_: object) -> None:
        out.set()
        threading.Event().wait(0.1)
        held.append(locked())

    def deaf(event: Event) -> None:
        if event.event == "called":
            assert out.wait(10)
            raise Unheard

    with ThreadPoolExecutor(4) as theirs:
        stage = Stage.new(settings=Settings(state=tmp_path), pool=pool_of(theirs) if lent else ThreadPoolExecutor)
        stage.batch.meta.events.register("before-call.batch.CreateComputeEnvironment", slow)
        with pytest.raises(Unheard):
            stage.apply(LAB, on_event=deaf)
        assert held
        assert all(held)
        assert not locked()
