"""Calls: how they are paced, repeated and waited for."""

import gc
import random
import threading
from collections.abc import Callable, Collection, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import attrs
import pytest

from providers.clock import Clock, ManualClock, SystemClock
from providers.errors import (
    AnswerLost,
    BatchwrightError,
    CallError,
    InTransition,
    Rejected,
    ServerFault,
    StillReferenced,
    Throttled,
    Unreachable,
)
from reconciler.pace import Pace
from reconciler.retry import PATIENCE, Caller, Done, InlinePool


@attrs.define
class Service:
    """Something to call: fails with each of `failures` in turn, then answers; notes when it was called."""

    clock: Clock
    failures: list[Exception] = attrs.field(factory=list)
    called: list[float] = attrs.field(factory=list)

    def __call__(self) -> str:
        self.called.append(self.clock.now())
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def caller(clock: Clock | None = None, **given: Any) -> Caller:
    usual: dict[str, Any] = {"pool": InlinePool(), "clock": clock or ManualClock(), "rng": random.Random(7)}
    return Caller(**usual | given)


def finish(caller: Caller) -> list[Done]:
    """Everything that ends, until nothing is busy."""
    ended: list[Done] = []
    while caller.busy:
        ended += caller.wait()
    return ended


def leaves(root: type[BatchwrightError]) -> set[type[BatchwrightError]]:
    below = root.__subclasses__()
    return {leaf for child in below for leaf in leaves(child)} if below else {root}


def test_a_call_that_succeeds_ends_with_its_result() -> None:
    """The result comes back under the key of the call, after one attempt."""
    made = caller()
    made.submit("queue", "CreateJobQueue", lambda: {"jobQueueArn": "arn"})
    assert made.wait() == [Done("queue", {"jobQueueArn": "arn"}, None, 1)]
    assert made.calls == {"CreateJobQueue": 1}
    assert not made.busy


def test_the_most_urgent_call_starts_first() -> None:
    """Under a slow pace a look, which is most urgent, does not wait behind what was queued before it."""
    calls = caller(pace=Pace(1.0))
    order: list[str] = []
    for name, urgency in (("short", 1.0), ("long", 60.0), ("also long", 60.0)):
        calls.submit(name, "CreateJobQueue", partial(order.append, name), urgency=urgency)
    calls.submit("look", "DescribeJobQueues", partial(order.append, "look"))
    calls.submit("later", "DescribeJobQueues", partial(order.append, "later"), at=calls.clock.now() + 2.5)
    finish(calls)
    assert order == ["look", "long", "also long", "later", "short"]


def test_looks_do_not_keep_changes_from_starting() -> None:
    """More looks than the pace allows, each taken again once it is answered, leave every fourth start to a change."""
    calls = caller(pace=Pace(1.0))
    looks = [f"look {number}" for number in range(20)]
    for name in looks:
        calls.submit(name, "DescribeJobs", lambda: None)
    for urgency in (1.0, 60.0):
        calls.submit(urgency, "UpdateComputeEnvironment", lambda: None, urgency=urgency)
    ended: list[Hashable] = []
    while len(ended) < 12:
        for done in calls.wait():
            ended.append(done.key)
            if done.key in looks:
                calls.submit(done.key, "DescribeJobs", lambda: None, at=calls.clock.now() + 5)
    assert [place for place, key in enumerate(ended) if key not in looks] == [3, 7]
    assert ended.index(60.0) < ended.index(1.0)


def test_calls_that_end_together_come_in_the_order_they_were_submitted() -> None:
    """The order of submission is the order of results."""
    made = caller()
    for key in "cab":
        made.submit(key, "DescribeJobQueues", lambda: None)
    assert [done.key for done in made.wait()] == ["c", "a", "b"]


def test_a_refusal_is_not_repeated() -> None:
    """An error after which the same call cannot succeed ends the call at once."""
    clock = ManualClock()
    service = Service(clock, [Rejected("no")])
    made = caller(clock)
    made.submit("queue", "CreateJobQueue", service)
    (done,) = made.wait()
    assert isinstance(done.error, Rejected)
    assert (done.attempts, len(service.called)) == (1, 1)


@pytest.mark.parametrize("kind", [Throttled, ServerFault, AnswerLost, Unreachable, InTransition, StillReferenced])
def test_what_may_pass_is_repeated(kind: type[CallError]) -> None:
    """Each retryable error is repeated, later, and the call then succeeds."""
    clock = ManualClock()
    service = Service(clock, [kind("not now"), kind("not now")])
    told: list[tuple[Hashable, BatchwrightError, float]] = []
    made = caller(clock, on_retry=lambda *given: told.append(given))
    made.submit("queue", "UpdateJobQueue", service)
    assert finish(made) == [Done("queue", "answer", None, 3)]
    assert [(key, type(error)) for key, error, _ in told] == [("queue", kind), ("queue", kind)]
    assert made.calls == {"UpdateJobQueue": 3}
    assert all(later > earlier for earlier, later in zip(service.called, service.called[1:], strict=False))


def test_each_answer_is_told_whatever_it_says() -> None:
    """Who watches a run knows that it goes on."""
    clock = ManualClock()
    service, answered = Service(clock, [Throttled("not now"), Rejected("no")]), list[float]()
    made = caller(clock, on_answer=lambda: answered.append(clock.now()))
    for key in ("one", "other"):
        made.submit(key, "UpdateJobQueue", service)
    finish(made)
    assert len(service.called) == 3
    assert answered == service.called


def test_the_table_of_patience_names_exactly_what_is_retryable() -> None:
    """An error of a call says that it is retryable if and only if the table says for how long."""
    gc.collect()  # what attrs made a class of its own from, with slots, is a subclass until then
    assert set(PATIENCE) == {leaf for leaf in leaves(CallError) if leaf.retryable}


@pytest.mark.parametrize("kind", [*PATIENCE])
def test_patience_ends(kind: type[CallError]) -> None:
    """A call that fails for ever ends with its last error when the patience with that error is spent, not before."""
    clock = ManualClock()
    service = Service(clock, [kind(str(number)) for number in range(1000)])
    made = caller(clock)
    start = clock.now()
    made.submit("queue", "UpdateJobQueue", service)
    (done,) = finish(made)
    # The last attempt is due to the second, and may then have to wait for the pace.
    assert 0 <= clock.now() - start - PATIENCE[kind].seconds < 2
    assert service.called[-1] == clock.now()
    assert done.error is not None
    assert done.error.message == str(len(service.called) - 1)


def test_another_kind_of_failure_begins_another_row() -> None:
    """Five minutes in transition do not use up the patience with a network that fails once."""
    clock = ManualClock()
    made = caller(clock, rng=_Most())
    waiting: list[Exception] = [InTransition("being modified") for _ in range(12)]
    service = Service(clock, [*waiting, Unreachable("no route")])
    made.submit("queue", "DeleteJobQueue", service)
    assert finish(made)[0].result == "answer"
    assert service.called[-1] - service.called[0] > PATIENCE[Unreachable].seconds


def test_failures_that_keep_changing_kind_end_too() -> None:
    """A call whose failures alternate is not repeated for longer than the longest patience."""
    clock = ManualClock()
    service = Service(clock, [kind("x") for _ in range(5000) for kind in (ServerFault, AnswerLost)])
    made = caller(clock)
    start = clock.now()
    made.submit("queue", "UpdateJobQueue", service)
    assert finish(made)[0].error is not None
    assert clock.now() - start == max(patience.seconds for patience in PATIENCE.values())


class _Most(random.Random):
    """Draws the upper bound."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


def test_pauses_double_up_to_a_bound() -> None:
    """The bound of the n-th pause doubles with n, and stops doubling at the longest."""
    clock = ManualClock()
    pauses: list[float] = []
    made = caller(clock, rng=_Most(), on_retry=lambda _key, _error, seconds: pauses.append(seconds))
    made.submit("queue", "UpdateJobQueue", Service(clock, [ServerFault("500") for _ in range(7)]))
    finish(made)
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 20, 20])


def test_pauses_are_drawn_from_nothing_to_the_bound() -> None:
    """Jitter is full: the first pauses of many calls spread over the whole interval."""
    pauses: list[float] = []
    made = caller(on_retry=lambda _key, _error, seconds: pauses.append(seconds), pace=Pace(1000.0))
    for key in range(200):
        made.submit(key, "UpdateJobQueue", Service(made.clock, [InTransition("being modified")]))
    finish(made)
    assert len(pauses) == 200
    assert 0 <= min(pauses) < 0.5
    assert 4.5 < max(pauses) <= 5


@pytest.mark.parametrize("kind", [AnswerLost, ServerFault])
def test_a_call_that_must_not_be_made_twice_is_handed_back_in_doubt(kind: type[CallError]) -> None:
    """When a registration may have been done, it is not repeated."""
    clock = ManualClock()
    service = Service(clock, [kind("who knows")])
    made = caller(clock)
    made.submit("align", "RegisterJobDefinition", service, blind=False)
    (done,) = made.wait()
    assert isinstance(done.error, kind)
    assert len(service.called) == 1


@pytest.mark.parametrize("kind", [Throttled, Unreachable])
def test_a_call_that_must_not_be_made_twice_is_repeated_when_nothing_was_done(kind: type[CallError]) -> None:
    """A registration that certainly was not done is repeated like any other call."""
    clock = ManualClock()
    made = caller(clock)
    made.submit("align", "RegisterJobDefinition", Service(clock, [kind("no")]), blind=False)
    assert finish(made) == [Done("align", "answer", None, 2)]


def test_the_rate_is_kept() -> None:
    """No more than one second's worth of calls at once, and then no more than the rate."""
    clock = ManualClock()
    service = Service(clock)
    made = caller(clock, pace=Pace(5.0))
    start = clock.now()
    for key in range(25):
        made.submit(key, "DescribeJobQueues", service)
    finish(made)
    since = [at - start for at in service.called]
    assert since[:5] == pytest.approx([0.0] * 5, abs=1e-4)
    assert since[5:] == pytest.approx([0.2 * number for number in range(1, 21)], abs=1e-4)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_a_low_rate_is_kept(rate: float) -> None:
    """A rate of one a second or less lets one call go at a time."""
    clock = ManualClock()
    service = Service(clock)
    made = caller(clock, pace=Pace(rate))
    for key in range(4):
        made.submit(key, "DescribeJobQueues", service)
    finish(made)
    gaps = [later - earlier for earlier, later in zip(service.called, service.called[1:], strict=False)]
    assert gaps == pytest.approx([1 / rate] * 3, abs=1e-4)


def _starts_after_a_throttle(throttles: int) -> list[float]:
    """When calls start, in seconds since `throttles` throttles one after the other, with work for a minute."""
    clock = ManualClock()
    made = caller(clock, pace=Pace(10.0), parallelism=1)
    throttled = Service(clock, [Throttled("Too Many Requests") for _ in range(throttles)])
    made.submit("throttled", "DescribeJobQueues", throttled)
    finish(made)
    assert made.throttles == throttles
    last = throttled.called[throttles - 1]
    service = Service(clock)
    for key in range(600):
        made.submit(key, "DescribeJobQueues", service)
    finish(made)
    return [at - last for at in (*throttled.called[throttles:], *service.called)]


def test_a_throttle_halves_the_rate_and_it_recovers() -> None:
    """After a throttle about half as many calls go, more and more, and thirty seconds later all that may."""
    starts = _starts_after_a_throttle(1)
    assert 10 <= sum(1 for at in starts if 1 <= at < 3) <= 13
    assert 90 <= sum(1 for at in starts if 30 <= at < 40) <= 110


def test_throttles_do_not_stop_everything() -> None:
    """However many throttles come, some calls still go."""
    made = caller()
    made.submit("throttled", "DescribeJobQueues", Service(made.clock, [Throttled("429") for _ in range(20)]))
    start = made.clock.now()
    assert finish(made)[0].result == "answer"
    assert made.clock.now() - start < PATIENCE[Throttled].seconds


def test_one_burst_of_throttles_halves_the_rate_once() -> None:
    """Calls that were under way together and throttled together tell one thing, not eight."""
    clock = ManualClock()
    made = caller(clock, pace=Pace(10.0))
    for key in range(8):
        made.submit(key, "DescribeJobQueues", Service(clock, [Throttled("429")]))
    made.wait(clock.now())
    assert made.throttles == 8
    service = Service(clock)
    for key in range(100):
        made.submit(f"next {key}", "DescribeJobQueues", service)
    start = clock.now()
    finish(made)
    assert sum(1 for at in service.called if at - start < 3) >= 6


def test_parallelism_bounds_the_calls_in_flight() -> None:
    """No more than `parallelism` calls are under way, however many are queued."""
    gate, lock, under_way, most = threading.Event(), threading.Lock(), [0], [0]

    def call() -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
            if under_way[0] == 3:
                gate.set()
        gate.wait(10)
        with lock:
            under_way[0] -= 1

    with ThreadPoolExecutor(10) as pool:
        made = caller(SystemClock(), pool=pool, parallelism=3, pace=Pace(1000.0))
        for key in range(12):
            made.submit(key, "DescribeJobQueues", call)
        assert len(finish(made)) == 12
    assert most[0] == 3


def test_a_wait_ends_when_the_clock_reaches_its_time() -> None:
    """A wait until a time returns nothing then, and what is put off stays put off."""
    clock = ManualClock()
    made = caller(clock, rng=_Most())
    made.submit("queue", "DeleteJobQueue", Service(clock, [InTransition("being modified")]))
    start = clock.now()
    assert made.wait(start + 2) == []
    assert clock.now() == start + 2
    assert made.busy
    assert made.wait()[0].result == "answer"
    assert clock.now() == start + 5


def test_a_wait_for_nothing_but_time_passes_it() -> None:
    """With nothing to call, a wait until a time is a pause."""
    clock = ManualClock()
    start = clock.now()
    assert caller(clock).wait(start + 7) == []
    assert clock.now() == start + 7


def test_a_wait_for_nothing_at_all_returns() -> None:
    """With nothing to call and no time given, a wait does not block."""
    assert caller().wait() == []


def test_a_bug_is_raised_as_it_is() -> None:
    """An exception that is not ours comes out where the coordinator waits; nothing of other calls is lost."""
    made = caller()
    empty: dict[str, str] = {}
    made.submit("good", "DescribeJobQueues", lambda: 1)
    made.submit("bad", "DescribeJobQueues", lambda: empty["missing"])
    with pytest.raises(KeyError, match="missing"):
        made.wait()
    assert made.wait() == [Done("good", 1, None, 1)]
    assert not made.busy


def test_a_pool_that_runs_inline_lets_an_interrupt_through() -> None:
    """Ctrl-C inside an inline call ends the program, not the call."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InlinePool().submit(interrupted)


@attrs.define
class StoppingClock:
    """A manual clock on which `act` happens the first time that somebody waits."""

    act: Callable[[], None]
    time: ManualClock = attrs.field(factory=ManualClock)
    speed: float = 1.0
    acted: bool = False

    def now(self) -> float:
        return self.time.now()

    def sleep(self, seconds: float) -> None:
        self.time.sleep(seconds)

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        if not self.acted:
            self.acted = True
            self.act()
        self.time.wait(futures, seconds)


def test_a_stop_ends_a_wait() -> None:
    """When the signal comes during a wait, the wait returns at once."""
    stop: Future[int] = Future()
    clock = StoppingClock(lambda: stop.set_result(15))
    made = caller(clock, stop=stop)
    start = clock.now()
    assert made.stopped is None
    assert made.wait(start + 3600) == []
    assert made.stopped == 15
    assert clock.now() == start


def _complete_with(value: Any) -> Callable[[Future[Any]], object]:
    return lambda stop: stop.set_result(value)


@pytest.mark.parametrize(
    "end",
    [
        _complete_with(None),
        _complete_with(0),
        _complete_with("SIGTERM"),
        lambda stop: stop.cancel(),
        lambda stop: stop.set_exception(ValueError("of theirs")),
    ],
    ids=["none", "zero", "text", "cancelled", "raised"],
)
def test_however_a_stop_is_done_it_stops(end: Callable[[Future[Any]], object]) -> None:
    """Without the number of a signal it is an interrupt's: a run neither spins nor breaks because of that."""
    stop: Future[Any] = Future()
    made = caller(ManualClock(), stop=stop)
    end(stop)
    assert made.stopped == 2
    assert made.wait(made.clock.now() + 3600) == []


def test_nothing_starts_after_a_stop() -> None:
    """What is queued when the signal comes is never called, and `abandon` tells what that was."""
    stop: Future[int] = Future()
    clock = ManualClock()
    service = Service(clock)
    made = caller(clock, stop=stop)
    for key in "ba":
        made.submit(key, "CreateJobQueue", service)
    stop.set_result(2)
    assert made.wait() == []
    assert service.called == []
    assert made.abandon() == ["b", "a"]
    assert not made.busy


def test_a_call_due_to_be_repeated_ends_with_its_error_at_a_stop() -> None:
    """A stop leaves no call in the air: what failed and would be repeated has failed."""
    stop: Future[int] = Future()
    clock = StoppingClock(lambda: stop.set_result(2))
    made = caller(clock, stop=stop)
    made.submit("queue", "DeleteJobQueue", Service(clock, [InTransition("being modified")]))
    (done,) = made.wait()
    assert isinstance(done.error, InTransition)
    assert done.attempts == 1
    assert made.abandon() == []
    assert not made.busy


def test_calls_in_flight_finish_after_a_stop() -> None:
    """A call that is under way when the signal comes is waited for, and its result is not lost."""
    stop: Future[int] = Future()
    begun, gate = threading.Event(), threading.Event()

    def call() -> str:
        begun.set()
        gate.wait(10)
        return "made"

    def interrupt() -> None:
        begun.wait(10)
        stop.set_result(2)

    with ThreadPoolExecutor(1) as pool:
        made = caller(SystemClock(), pool=pool, parallelism=1, stop=stop)
        made.submit("slow", "CreateJobQueue", call)
        made.submit("next", "CreateJobQueue", call)
        signal = threading.Thread(target=interrupt)
        signal.start()
        assert made.wait() == []
        signal.join()
        assert made.stopped == 2
        gate.set()
        assert made.wait() == [Done("slow", "made", None, 1)]
    assert made.wait() == []
    assert made.abandon() == ["next"]


def test_a_call_in_flight_that_fails_after_a_stop_is_not_repeated() -> None:
    """After the signal a retryable failure is the end of its call."""
    stop: Future[int] = Future()
    gate = threading.Event()

    def call() -> None:
        gate.wait(10)
        raise Throttled("429")

    with ThreadPoolExecutor(1) as pool:
        made = caller(SystemClock(), pool=pool, stop=stop)
        made.submit("slow", "CreateJobQueue", call)
        made.wait(made.clock.now())
        stop.set_result(2)
        gate.set()
        (done,) = made.wait()
    assert isinstance(done.error, Throttled)
    assert not made.busy


def test_a_caller_needs_a_rate_and_a_worker() -> None:
    """A rate of nothing, or no worker, is refused where it is said."""
    with pytest.raises(ValueError, match="max_rate"):
        Pace(0)
    with pytest.raises(ValueError, match="parallelism"):
        caller(parallelism=0)


def test_the_same_seed_gives_the_same_run() -> None:
    """With an inline pool and a manual clock, everything happens at the same instants twice."""

    def run() -> list[tuple[Hashable, float]]:
        clock = ManualClock()
        made = caller(clock, pace=Pace(3.0))
        for key in range(10):
            made.submit(key, "UpdateJobQueue", Service(clock, [InTransition("x"), ServerFault("y"), Throttled("z")]))
        ended = []
        while made.busy:
            ended += [(done.key, clock.now()) for done in made.wait()]
        return ended

    assert run() == run()


def test_one_pace_holds_for_all_who_share_it() -> None:
    """Two runs of one account go no faster together than one does, and a throttle of one slows the other."""
    clock, pace = ManualClock(), Pace(2.0)
    first, second = caller(clock, pace=pace), caller(clock, pace=pace)
    began = clock.now()
    for number in range(8):
        (first if number % 2 else second).submit(number, "DescribeJobQueues", lambda: None)
    while first.busy or second.busy:
        for each in (first, second):
            if each.busy:
                each.wait(clock.now())
        clock.sleep(0.25)
    assert clock.now() - began >= (8 - 2) / 2.0
    pace.cut(clock.now(), clock.now())
    assert first.pace.rate(clock.now()) == second.pace.rate(clock.now()) == 1.0
