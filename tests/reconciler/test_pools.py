"""Executors of other tools: lent to a run, and still theirs when it is over."""

from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

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
