"""Calls: paced, repeated and waited for, by one coordinator.

A pool makes attempts; everything else is held here, by the one thread that owns the `Caller`: what is queued, when a
failed call is due again. How fast calls may go is `pace`'s to say. A worker never sleeps and an attempt never repeats
itself, so that an interrupt finds nothing but calls that are truly under way.

Repeats: exponential back-off with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog), as due times.
"""

import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from signal import SIGINT
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import attrs

from providers.clock import Clock
from providers.errors import (
    AnswerLost,
    BatchwrightError,
    InTransition,
    ServerFault,
    StillReferenced,
    Throttled,
    Unreachable,
)
from reconciler.pace import Pace

P = ParamSpec("P")
T = TypeVar("T")


class InlinePool(Executor):
    """An executor that runs what it is given at once, in the thread that gives it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@attrs.frozen
class Patience:
    """How long a call is repeated after one kind of failure.

    `seconds` count from the first failure of an unbroken row of that kind. The n-th pause of a row is drawn evenly
    between 0 and `first` times 2 to the n-1, at most `longest` seconds.
    """

    seconds: float
    first: float = 1.0
    longest: float = 20.0


PATIENCE: Mapping[type[BatchwrightError], Patience] = MappingProxyType(
    {
        Throttled: Patience(300),
        ServerFault: Patience(120),
        AnswerLost: Patience(120),
        Unreachable: Patience(30, longest=10),
        InTransition: Patience(900, first=5, longest=30),
        StillReferenced: Patience(900, first=5, longest=30),
    }
)
"""The errors after which a call is repeated. The longest patience bounds a call whose failures keep changing kind."""

_LONGEST = max(patience.seconds for patience in PATIENCE.values())
_MAY_HAVE_BEEN_DONE = (AnswerLost, ServerFault)
READS = ("Describe", "List", "Get")
"""How the operations begin that change nothing."""

_IN_A_ROW = 3
"""So many of the most urgent calls start one after another while others wait: looks that are taken again and again
could else keep every change from going out for as long as they last."""


@attrs.frozen
class Done:
    """How a call ended: with a `result`, or with the `error` of its last attempt."""

    key: Hashable
    result: Any
    error: BatchwrightError | None
    attempts: int


NOT_NEEDED: Mapping[str, Any] = MappingProxyType({})
"""Answered by an attempt of which a look found all done that the call would do: this very object."""

Look = tuple[str, Callable[[], bool | None]]
"""An operation, and what makes it: whether what comes after it need not be done."""


@attrs.define(eq=False)
class _Call:
    key: Hashable
    operation: str
    call: Callable[[], Any]
    blind: bool
    order: int
    urgency: float
    before: Sequence[Look] = ()
    attempts: int = 0
    made: int = 0
    started: float = 0.0
    failed_at: float | None = None
    row_of: type[BatchwrightError] | None = None
    row_began: float = 0.0
    row: int = 0
    error: BatchwrightError | None = None

    @property
    def operations(self) -> list[str]:
        """What an attempt makes, of which `made` says how much the last one did."""
        return [*(operation for operation, _ in self.before), self.operation]

    def attempt(self) -> Any:
        self.made = 0
        for _, look in self.before:
            self.made += 1
            if look():
                return NOT_NEEDED
        self.made += 1
        return self.call()


@attrs.define(eq=False, kw_only=True)
class Caller:
    """Makes calls on `pool`, at most `parallelism` at a time. Only the coordinator's thread may touch it.

    `stop` is done, in whatever way, when the run is to end: nothing starts from then on. `on_retry` is told
    each failure that will be repeated, with the seconds until then, `on_answer` that an attempt has ended, however it
    did. `fence` is asked right before each attempt at a call that changes something; what it answers ends the call.
    `calls` counts attempts by operation, `throttles` those of them that were refused as too many.
    """

    pool: Executor
    clock: Clock
    rng: random.Random
    pace: Pace = attrs.field(factory=Pace)
    parallelism: int = attrs.field(default=8, validator=attrs.validators.ge(1))
    stop: Future[int] | None = None
    on_retry: Callable[[Hashable, BatchwrightError, float], None] | None = None
    on_answer: Callable[[], None] | None = None
    fence: Callable[[], BatchwrightError | None] | None = None
    calls: Counter[str] = attrs.field(factory=Counter, init=False)
    throttles: int = attrs.field(default=0, init=False)
    _later: list[tuple[float, int, _Call]] = attrs.field(factory=list, init=False)
    _first: list[tuple[float, int, _Call]] = attrs.field(factory=list, init=False)
    _queue: list[tuple[float, int, _Call]] = attrs.field(factory=list, init=False)
    _row: int = attrs.field(default=0, init=False)
    _flight: dict[Future[Any], _Call] = attrs.field(factory=dict, init=False)
    _ended: list[tuple[_Call, Done]] = attrs.field(factory=list, init=False)
    _submitted: int = attrs.field(default=0, init=False)

    def submit(
        self,
        key: Hashable,
        operation: str,
        call: Callable[[], Any],
        *,
        blind: bool = True,
        at: float | None = None,
        before: Sequence[Look] = (),
        urgency: float = math.inf,
    ) -> None:
        """Queue one call; `wait` starts it, not before `at`, and returns how it ended, under `key`.

        Of those that may start the most urgent one does, and of two alike the one that came first; but of four starts
        one is left to what is not most urgent of all.

        `blind` False is for a call that must not be made twice (RegisterJobDefinition makes a new revision each
        time): a failure after which it may have been done ends it at once. One that says that nothing was done is
        repeated all the same. `before` is looked at first by each attempt, in turn; where one of these looks shows that
        there is nothing to do, it answers NOT_NEEDED.
        """
        queued = _Call(key, operation, call, blind, self._submitted, urgency, before)
        self._submitted += 1
        heapq.heappush(self._later, (self.clock.now() if at is None else at, queued.order, queued))

    @property
    def busy(self) -> bool:
        """Whether anything is queued, put off or in flight, or has ended and was not returned yet."""
        return bool(self._first or self._queue or self._later or self._flight or self._ended)

    @property
    def stopped(self) -> int | None:
        """The number of the signal that ended the run, None while it goes on; SIGINT's where `stop` tells none."""
        if self.stop is None or not self.stop.done():
            return None
        told = None if self.stop.cancelled() or self.stop.exception() else self.stop.result()
        return told if isinstance(told, int) and told > 0 else SIGINT

    def abandon(self) -> list[Hashable]:
        """Drop what no attempt was made of; the keys, in the order they were submitted."""
        dropped = self._take_back(lambda queued: not queued.attempts)
        return [queued.key for queued in dropped]

    def settle(self) -> None:
        """Wait for the calls in flight, whose answers nobody wants any more: a run may break off in between two."""
        wait(self._flight)

    def wait(self, until: float | None = None) -> list[Done]:
        """Start what may start and return the calls that ended, in the order they were submitted.

        Blocks until at least one has ended, the clock reads `until`, or `stop` is done; returns at once when there is
        nothing to wait for. After `stop`, calls in flight are still waited for, and one that was due to be repeated
        ends with its last error; what never started stays queued until `abandon`. An exception that is not ours is a
        bug and raised as it is.
        """
        known = self.stopped
        while True:
            stopped = self.stopped
            if stopped is None:
                self._start()
            self._collect()
            if stopped is not None:
                self._give_up()
            # A stop that comes from here on finds its future among those watched.
            if self._ended or stopped != known or not self._to_wait_for(until, stopped):
                return self._take()
            watched: list[Future[Any]] = [*self._flight]
            if self.stop is not None and stopped is None:
                watched.append(self.stop)
            self.clock.wait(watched, self._pause(until, stopped))

    def _start(self) -> None:
        while (at := self._next_start()) is not None and at <= (now := self.clock.now()):
            while self._later and self._later[0][0] <= now:
                _, order, due = heapq.heappop(self._later)
                heapq.heappush(self._first if due.urgency == math.inf else self._queue, (-due.urgency, order, due))
            queued = self._chosen()
            if self._barred(queued):
                continue
            self.pace.spend(now)
            self.calls[queued.operations[0]] += 1
            queued.attempts += 1
            queued.started = now
            self._flight[self.pool.submit(queued.attempt)] = queued

    def _chosen(self) -> _Call:
        """Take out the call that starts next."""
        if self._first and not (self._queue and self._row >= _IN_A_ROW):
            self._row += bool(self._queue)
            return heapq.heappop(self._first)[2]
        self._row = 0
        return heapq.heappop(self._queue)[2]

    def _barred(self, queued: _Call) -> bool:
        """End a call that may not go out any more.

        One that may have been done all the same keeps the error that says so.
        """
        if self.fence is None or queued.operation.startswith(READS) or (error := self.fence()) is None:
            return False
        if isinstance(queued.error, _MAY_HAVE_BEEN_DONE):
            message = f"{queued.error.message}; it was not sent again: {error}"
            queued.error = attrs.evolve(queued.error, message=message, hint=error.hint)
        else:
            queued.error = error
        self._end(queued)
        return True

    def _next_start(self) -> float | None:
        """When the next queued call may start; None while it waits for one in flight to end, or there is none."""
        ready = self._first or self._queue
        if not (ready or self._later) or len(self._flight) >= self.parallelism:
            return None
        return self.pace.free_at() if ready else max(self._later[0][0], self.pace.free_at())

    def _collect(self) -> None:
        for future in [future for future in self._flight if future.done()]:
            attempted = self._flight.pop(future)
            if self.on_answer is not None:
                self.on_answer()
            try:
                result = future.result()
            except BatchwrightError as error:
                self._followed(attempted)
                self._failed(attempted, error)
            else:
                self._followed(attempted)
                self._ended.append((attempted, Done(attempted.key, result, None, attempted.attempts)))

    def _followed(self, attempted: _Call) -> None:
        """What went out after the first look, or call, of an attempt."""
        for operation in attempted.operations[1 : attempted.made]:
            self.pace.spend(self.clock.now())
            self.calls[operation] += 1

    def _failed(self, attempted: _Call, error: BatchwrightError) -> None:
        now = self.clock.now()
        if isinstance(error, Throttled):
            self.throttles += 1
            self.pace.cut(attempted.started, now)
        attempted.error = error
        patience = PATIENCE.get(type(error))
        final = not attempted.blind and isinstance(error, _MAY_HAVE_BEEN_DONE)
        if patience is None or final:
            return self._end(attempted)
        if attempted.failed_at is None:
            attempted.failed_at = now
        if attempted.row_of is not type(error):
            attempted.row_of, attempted.row_began, attempted.row = type(error), now, 0
        last = min(attempted.row_began + patience.seconds, attempted.failed_at + _LONGEST)
        if now >= last:
            return self._end(attempted)
        pause = self.rng.uniform(0.0, min(patience.longest, patience.first * 2.0**attempted.row))
        attempted.row += 1
        due = min(now + pause, last)
        heapq.heappush(self._later, (due, attempted.order, attempted))
        if self.on_retry is not None:
            self.on_retry(attempted.key, error, due - now)
        return None

    def _end(self, attempted: _Call) -> None:
        self._ended.append((attempted, Done(attempted.key, None, attempted.error, attempted.attempts)))

    def _give_up(self) -> None:
        for queued in self._take_back(lambda queued: bool(queued.attempts)):
            self._end(queued)

    def _take_back(self, unwanted: Callable[[_Call], bool]) -> list[_Call]:
        """Take calls out of the queue, in the order they were submitted."""
        found = sorted((queued for queued in self._queued if unwanted(queued)), key=lambda queued: queued.order)
        for heap in (self._later, self._first, self._queue):
            heap[:] = [entry for entry in heap if not unwanted(entry[2])]
            heapq.heapify(heap)
        return found

    @property
    def _queued(self) -> list[_Call]:
        return [entry[2] for entry in (*self._later, *self._first, *self._queue)]

    def _to_wait_for(self, until: float | None, stopped: int | None) -> bool:
        if until is not None and self.clock.now() >= until:
            return False
        if stopped is not None:
            return bool(self._flight)
        return until is not None or bool(self._flight or self._queued)

    def _pause(self, until: float | None, stopped: int | None) -> float | None:
        start = None if stopped is not None else self._next_start()
        times = [at for at in (until, start) if at is not None]
        return min(times) - self.clock.now() if times else None

    def _take(self) -> list[Done]:
        ended = sorted(self._ended, key=lambda pair: pair[0].order)
        self._ended.clear()
        return [done for _, done in ended]
