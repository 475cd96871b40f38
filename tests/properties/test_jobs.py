"""Random lives of an account with jobs: what holds after every call, and what no way of looking may change."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.properties.account import ENDED, JUMPS, Life, Op, finale, lived, random_ops

pytestmark = pytest.mark.unmeasured


@pytest.mark.parametrize("seed", range(6))
def test_the_world_is_right_after_every_call(seed: int) -> None:
    """Room and supplies are what jobs hold, nobody waits for nothing, time goes on, and at last every job ends."""
    life = lived(random_ops(seed, 220), fargate=seed % 3 == 2)
    finale(life)
    jobs = {**life.held().get("job", {}), **life.held().get("child", {})}
    assert jobs
    assert {name: it["shown"]["status"] for name, it in jobs.items() if it["shown"]["status"] not in ENDED} == {}


def _in_steps(life: Life, ops: Sequence[Op], rng: random.Random) -> Life:
    for verb, n, m in ops:
        if verb != "sleep":
            life.act((verb, n, m))
            continue
        left = JUMPS[n % len(JUMPS)]
        while left:
            part = min(left, rng.choice((1, 7, 60, 500)))
            life.clock.sleep(part)
            life.batch.describe_job_queues()
            left -= part
    return life


@pytest.mark.parametrize("seed", range(2))
def test_it_does_not_matter_who_looks_and_when(seed: int, tmp_path: Path) -> None:
    """One jump of the clock, many small ones, and two processes on one file come to the same world."""
    ops = random_ops(100 + seed, 200)
    once = lived(ops, look=False).held()
    assert _in_steps(Life.begin(), ops, random.Random(seed)).held() == once
    assert _in_steps(Life.begin(tmp_path / "s", 2), ops, random.Random(seed)).held() == once
