"""The queue of what is due, held against a plain model of it; and how long is waited."""

import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reconciler.controller.workqueue import LONGEST_BACK_OFF, WorkQueue, back_off, jittered

KEYS = st.sampled_from("abcdef")
TIMES = st.integers(0, 20).map(float)


@attrs.define
class Waiting:
    """A key in the model: when it is due, and how many were asked for so before it."""

    at: float
    number: int


class Model(RuleBasedStateMachine):
    """What is asked, taken, done and dropped in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = WorkQueue[str]()
        self.due: dict[str, Waiting] = {}
        self.later: dict[str, float] = {}
        self.working: set[str] = set()
        self.asked = 0

    def model_ask(self, key: str, at: float) -> None:
        if key not in self.due or at < self.due[key].at:
            self.asked += 1
            self.due[key] = Waiting(at, self.asked)

    @rule(key=KEYS, at=TIMES)
    def ask(self, key: str, at: float) -> None:
        self.queue.ask(key, at)
        if key in self.working:
            self.later[key] = min(at, self.later.get(key, at))
        else:
            self.model_ask(key, at)

    @rule(now=TIMES)
    def take(self, now: float) -> None:
        ready = [key for key, waiting in self.due.items() if waiting.at <= now]
        expected = min(ready, key=lambda key: (self.due[key].at, self.due[key].number), default=None)
        assert self.queue.take(now) == expected
        if expected is not None:
            assert expected not in self.working
            del self.due[expected]
            self.working.add(expected)

    @rule(key=KEYS)
    def done(self, key: str) -> None:
        self.queue.done(key)
        self.working.discard(key)
        if key in self.later:
            self.model_ask(key, self.later.pop(key))

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        self.queue.drop(key)
        self.due.pop(key, None)
        self.later.pop(key, None)

    @invariant()
    def alike(self) -> None:
        """What waits is the same, and nothing piles up that is no longer true."""
        assert self.queue.next_due() == min((waiting.at for waiting in self.due.values()), default=None)
        assert len(self.queue) == len(self.due) + len(self.later)
        assert all(self.queue.at_work(key) == (key in self.working) for key in "abcdef")
        assert len(self.queue._heap) <= 2 * 6 + 17


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_nothing_piles_up() -> None:
    """A key that is asked for ever earlier, or dropped and asked for anew, costs no more room."""
    queue = WorkQueue[str]()
    for at in range(10_000, 0, -1):
        queue.ask("a", float(at))
        queue.ask("b", float(at))
        queue.drop("b")
    assert len(queue._heap) < 30
    assert queue.take(1.0) == "a"
    assert queue.next_due() is None


def test_at_once_after() -> None:
    """What is asked for a key in work is due as soon as that is done, once, however often it was asked."""
    queue = WorkQueue[str]()
    queue.ask("a", 0.0)
    assert queue.take(0.0) == "a"
    queue.ask("a", 9.0)
    queue.ask("a", 5.0)
    queue.ask("a", 7.0)
    assert queue.take(10.0) is None
    queue.done("a")
    assert queue.take(4.0) is None
    assert queue.take(5.0) == "a"
    queue.done("a")
    assert queue.take(100.0) is None


def test_fairness() -> None:
    """Keys that come back at once leave none waiting: between two turns of one, all that waited have theirs."""
    queue = WorkQueue[str]()
    keys = [f"key{n}" for n in range(20)]
    for key in keys:
        queue.ask(key, 0.0)
    turns = []
    for now in range(200):
        taken = queue.take(float(now))
        assert taken is not None
        turns.append(taken)
        queue.ask(taken, float(now))
        queue.done(taken)
    assert all(turns.count(key) == 10 for key in keys)


@given(st.integers(0, 2000), st.floats(0.1, 7200.0), st.integers())
def test_back_off(failures: int, base: float, seed: int) -> None:
    """It doubles from the base up to the cap, or the base where that is longer, less half at most by dice."""
    whole = min(max(base, LONGEST_BACK_OFF), base * 2.0 ** min(max(failures - 1, 0), 100))
    assert whole / 2 <= back_off(failures, base, random.Random(seed)) <= whole


def test_back_off_spreads() -> None:
    """What failed together comes back apart, and the first time within the base."""
    rng = random.Random(7)
    waits = [back_off(1, 30.0, rng) for _ in range(100)]
    assert len(set(waits)) == 100
    assert max(waits) - min(waits) > 10.0
    assert [back_off(n, 30.0, random.Random(7)) / back_off(1, 30.0, random.Random(7)) for n in (2, 3, 5)] == [
        pytest.approx(2.0),
        pytest.approx(4.0),
        pytest.approx(16.0),
    ]


@given(st.floats(1.0, 86400.0), st.integers())
def test_jitter(interval: float, seed: int) -> None:
    """An interval comes a tenth earlier or later at most."""
    assert 0.9 * interval <= jittered(interval, random.Random(seed)) <= 1.1 * interval
