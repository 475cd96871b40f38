"""The coordinator: the one thread that owns all state. Workers fetch, look and carry out, and tell it what came of it.

A source is fetched at its interval, or when something hints at it; what is new under the paths of a stack makes that
due. A target is looked at when the first of its stacks is due, together with all that soon would be, so that the
account is read once for them. What is to be applied is carried out by itself, one run a stack; a newer revision lets a
run give way (`yielding`). Whatever fails is tried again, later each time, and for ever: the next revision counts anew.

Nothing hangs on what is kept here: after a start all of it is seen again. Only what people said is in the store.
"""

import queue
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Literal

import attrs

from plans.plan import Plan
from plans.planfile import to_json
from plans.report import Report, report_json
from providers.clock import Clock
from providers.errors import BatchwrightError, StalePlan
from reconciler.controller import modes, rounds, status, windows
from reconciler.controller.configuration import Configuration, Stack
from reconciler.controller.leader import Leader
from reconciler.controller.rounds import Seen, Wish
from reconciler.controller.sources import Fetcher, Revision
from reconciler.controller.status import Status
from reconciler.controller.workqueue import Workqueue, back_off, jittered
from reconciler.controller.yielding import Yielding
from reconciler.engine import Reconciler
from reconciler.store import Run, Store

Key = tuple[Literal["source", "target", "stack"], str]

EARLY = 0.2
"""By how much of its interval a stack is looked at early, rather than alone later."""
ELECTION = 5.0
"""Seconds after which it is asked again who leads."""
GRACE = 600.0
"""Seconds beyond its own time after which a worker is taken for dead."""


@attrs.define(eq=False)
class Source:
    """What is had of one source: its last good revision, and how often in a row it could not be had."""

    name: str
    fetcher: Fetcher
    interval: float
    revision: Revision | None = None
    failures: int = 0
    error: BatchwrightError | None = None


@attrs.define(eq=False)
class Held:
    """What is had of one stack.

    `digest` is that of what it is to be, `wish` what was read of it last, `plan` the one at hand, with the approvals of
    its id by the source (`approved`) and by people. `due` is when it is looked at next, `stop` what ends the run.
    """

    stack: Stack
    status: Status
    due: float = 0.0
    digest: str = ""
    wish: Wish | None = None
    plan: Plan | None = None
    approved: frozenset[str] = frozenset()
    override: str | None = None
    suspended: str | None = None
    yielding: Yielding | None = None
    run: str | None = None
    deadline: float | None = None

    @property
    def resting(self) -> bool:
        return self.stack.suspend or self.suspended is not None


@attrs.define(eq=False)
class _Work:
    """What a worker does, since when, and for how long it may."""

    key: Key
    began: float
    until: float
    held: tuple[Held, ...] = ()


@attrs.define(eq=False, kw_only=True)
class Loop:
    """A controller at work. `run` is its thread; all that is public beside it may be called from any other.

    `pool` has the workers, `clock` is real time, `tell` is told what happens, for the log.
    """

    configuration: Configuration
    store: Store
    leader: Leader
    fetchers: Mapping[str, Fetcher]
    reconcilers: Mapping[str, Reconciler]
    pool: Executor
    clock: Clock
    rng: random.Random
    tell: Callable[..., None]
    sources: dict[str, Source] = attrs.field(factory=dict, init=False)
    held: dict[str, Held] = attrs.field(factory=dict, init=False)
    leading: int | None = attrs.field(default=None, init=False)
    turned_at: float = attrs.field(default=0.0, init=False)
    _queue: Workqueue[Key] = attrs.field(factory=Workqueue, init=False)
    _flight: dict[Future[Any], _Work] = attrs.field(factory=dict, init=False)
    _inbox: "queue.SimpleQueue[Callable[[], None]]" = attrs.field(factory=queue.SimpleQueue, init=False)
    _wake: Future[None] = attrs.field(factory=Future, init=False)
    _guard: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _elected_at: float = attrs.field(default=float("-inf"), init=False)

    def __attrs_post_init__(self) -> None:
        said = self.configuration
        for name, origin in said.sources.items():
            self.sources[name] = Source(name, self.fetchers[name], origin.interval)
        for name, stack in said.stacks.items():
            self.held[name] = Held(stack, Status(name))

    def run(self, stop: Future[int]) -> None:
        """Go on until `stop` is done; what is under way then ends where it may."""
        while not stop.done():
            self.turn()
            self.clock.wait([*self._flight, self._wake, stop], max(0.0, self.next_due() - self.clock.now()))
        for held in self.held.values():
            if held.yielding is not None:
                held.yielding.ask()
        while self._flight:
            self.clock.wait([*self._flight], None)
            self._collect()
        self.leader.release()

    def turn(self) -> None:
        """Take what has come in and what has ended, and start what is due."""
        self.turned_at = self.clock.now()
        with self._guard:
            if self._wake.done():
                self._wake = Future()
        while not self._inbox.empty():
            self._inbox.get()()
        self._collect()
        if self._elect():
            self._hurry()
            self._start()

    def next_due(self) -> float:
        """When there is next something to do that nothing calls for."""
        times = [self._elected_at + ELECTION, *(held.deadline for held in self.held.values() if held.deadline)]
        due = self._queue.next_due() if self.leading is not None and len(self._flight) < self.configuration.workers else None
        return min(times if due is None else [*times, due])

    def post(self, action: Callable[[], None]) -> None:
        """Have the coordinator do something, soon."""
        self._inbox.put(action)
        with self._guard:
            if not self._wake.done():
                self._wake.set_result(None)

    # Who leads.

    def _elect(self) -> bool:
        now = self.clock.now()
        if now < self._elected_at + ELECTION:
            return self.leading is not None
        self._elected_at = now
        before, self.leading = self.leading, self._led()
        if self.leading is not None and before is None:
            self.tell("leading", token=self.leading)
            self._take_over(now)
        elif self.leading is None and before is not None:
            self.tell("no longer leading")
            self._let_go()
        return self.leading is not None

    def _led(self) -> int | None:
        if self.leading is not None:
            return self.leading if self.leader.lost() is None else None
        return self.leader.lead()

    def _take_over(self, now: float) -> None:
        """Begin as whoever led before left it."""
        known, suspended = self.store.statuses(), self.store.suspended()
        for name, held in self.held.items():
            if name in known:
                held.status = status.from_json(known[name])
            held.suspended = suspended.get(name)
        for name in known.keys() - self.held.keys():
            self.store.forget_stack(name)
        for run in self.store.unended():
            self.store.end(run.id, "lost", {}, now)
        for name in self.sources:
            self._queue.ask(("source", name), now)

    def _let_go(self) -> None:
        """Another leads: its fence has ended what was under way, and nothing new begins."""
        for held in self.held.values():
            if held.yielding is not None and not held.yielding.stop.done():
                held.yielding.stop.set_result(15)

    # What is started.

    def _hurry(self) -> None:
        """Let runs that have gone on for too long end where they may."""
        now = self.clock.now()
        for held in self.held.values():
            if held.deadline is not None and held.deadline <= now and held.yielding is not None:
                held.deadline = None
                held.yielding.ask()

    def _start(self) -> None:
        while len(self._flight) < self.configuration.workers:
            key = self._queue.take(self.clock.now())
            if key is None:
                return
            match key[0]:
                case "source":
                    self._fetch(self.sources[key[1]])
                case "target":
                    self._look(key[1])
                case "stack":
                    self._carry_out(self.held[key[1]])

    def _submit(self, key: Key, seconds: float, call: Callable[[], Any], *held: Held) -> None:
        now = self.clock.now()
        self._flight[self.pool.submit(call)] = _Work(key, now, now + seconds, held)

    def _fetch(self, source: Source) -> None:
        stacks = [held.stack for held in self.held.values() if held.stack.source == source.name]
        fetch = partial(rounds.fetch, source.fetcher, source.revision, stacks)
        self._submit(("source", source.name), GRACE, fetch)

    def _look(self, target: str) -> None:
        """Look at all stacks of a target that are due, or will be soon."""
        now = self.clock.now()
        chosen = [held for held in self._of(target) if held.due <= now + EARLY * held.stack.interval]
        chosen = [held for held in chosen if held.yielding is None and not held.resting and self._may_go(held, now)]
        if not chosen:
            self._done(("target", target))
            return
        asked = [(held.stack, self.sources[held.stack.source].revision, held.wish) for held in chosen]
        for held in chosen:
            held.due = float("inf")
        look = partial(rounds.look, self.reconcilers[target], self.configuration.targets[target], asked)
        self._submit(("target", target), GRACE, look, *chosen)

    def _may_go(self, held: Held, now: float) -> bool:
        """Whether there is a revision of a stack, and what it depends on is as that is to be."""
        if self.sources[held.stack.source].revision is None:
            held.due = float("inf")
            return False
        for name in held.stack.depends_on:
            other = self.held[name]
            if not status.is_ready(other.status) or other.status.digest != other.digest:
                self._say(held, status.waits_for(held.status, name, now))
                held.due = float("inf")
                return False
        return True

    def _carry_out(self, held: Held) -> None:
        now, wish, plan = self.clock.now(), held.wish, held.plan
        if wish is None or plan is None or held.resting:
            self._done(("stack", held.stack.name))
            return
        name = held.stack.name
        held.yielding, held.run = Yielding(plan), f"{self.rng.getrandbits(48):012x}"
        held.deadline = now + held.stack.timeout
        self.store.begin(Run(held.run, name, wish.revision, plan.id, now, fence=self.leading or 0))
        self._say(held, status.begun(held.status, plan, now))
        target = held.stack.target
        work = partial(
            rounds.carry_out,
            self.reconcilers[target],
            self.configuration.targets[target],
            wish,
            plan,
            held.yielding,
            on_event=partial(self._tell_event, held.run, name),
        )
        self._submit(("stack", name), held.stack.timeout + GRACE, work, held)

    # What has ended.

    def _collect(self) -> None:
        for future in [future for future in self._flight if future.done()]:
            work = self._flight.pop(future)
            error = future.exception()
            match work.key:
                case ("source", name):
                    self._fetched(self.sources[name], future.result() if error is None else error)
                case ("target", _):
                    self._looked(work.held, future.result() if error is None else error)
                case ("stack", _):
                    self._carried_out(work.held[0], future.result() if error is None else error)
            self._done(work.key)

    def _done(self, key: Key) -> None:
        """What is done may be begun again; a target is, when the next of its stacks is due."""
        self._queue.done(key)
        if key[0] == "target":
            due = min((held.due for held in self._of(key[1]) if not held.resting), default=float("inf"))
            if due < float("inf"):
                self._queue.ask(key, due)

    def _fetched(self, source: Source, found: Any) -> None:
        now = self.clock.now()
        own = [held for held in self.held.values() if held.stack.source == source.name]
        if isinstance(found, BaseException):
            source.failures, source.error = source.failures + 1, _ours(found)
            self.tell("source failed", source=source.name, error=str(found), failures=source.failures)
            for held in own:
                self._say(held, status.source_failed(held.status, source.error, source.revision is None, now))
            self._queue.ask(("source", source.name), now + back_off(source.failures, source.interval, rng=self.rng))
            return
        revision, digests = found
        if source.revision is None or revision.id != source.revision.id:
            self.tell("fetched", source=source.name, revision=revision.id, said=revision.said)
        source.revision, source.failures, source.error = revision, 0, None
        for held in own:
            if digests[held.stack.name] != held.digest:
                held.digest = digests[held.stack.name]
                held.status = attrs.evolve(held.status, failures=0)
                self.ask(held, now)
                if held.yielding is not None:
                    held.yielding.ask()
        self._queue.ask(("source", source.name), now + jittered(source.interval, self.rng))

    def _looked(self, held: tuple[Held, ...], found: Any) -> None:
        if isinstance(found, BaseException):
            for each in held:
                self._failed(each, _ours(found))
            return
        by_name = {seen.stack: seen for seen in found}
        for each in held:
            self._judge(each, by_name[each.stack.name])

    def _judge(self, held: Held, seen: Seen) -> None:
        now, stack = self.clock.now(), held.stack
        held.status = attrs.evolve(held.status, observed=seen.revision, looked_at=now)
        if seen.error is not None or seen.plan is None or seen.wish is None:
            assert seen.error is not None
            self._failed(held, seen.error)
            return
        if held.plan is None or held.plan.id != seen.plan.id:
            self.store.withdraw(stack.name)
            self.store.keep_plan(seen.plan.id, stack.name, to_json(seen.plan), now)
        held.wish, held.plan = seen.wish, seen.plan
        approved = seen.approved | {row.plan for row in self.store.approvals(stack.name)}
        verdict = modes.judge(
            stack,
            seen.plan,
            applied=held.status.digest,
            revision=seen.digest,
            approved=seen.plan.id in approved,
            is_open=windows.is_open(stack.windows, now),
            opens_at=windows.opens_at(stack.windows, now),
            overridden=held.override == seen.plan.id,
        )
        self._say(held, status.judged(held.status, seen, verdict, now))
        self._rest(held, stack.interval)
        if verdict.do == "apply":
            self._queue.ask(("stack", stack.name), now)
        elif verdict.do == "nothing":
            self._tell_dependents(held, now)

    def _carried_out(self, held: Held, found: Any) -> None:
        now, plan, wish = self.clock.now(), held.plan, held.wish
        assert held.run is not None
        held.yielding, held.deadline, held.override, held.plan = None, None, None, None
        if isinstance(found, Report):
            self.store.end(held.run, status.outcome(found), report_json(found), now)
            self._say(held, status.ran(held.status, found, wish, now))
            if found.exit_code == 0:
                self._rest(held, held.stack.interval)
                self._tell_dependents(held, now)
            elif found.interrupted_by is not None or held.digest != wish.digest:
                self.ask(held, now)
            else:
                self._again(held, now)
            return
        error = _ours(found)
        self.store.end(held.run, "failed", {"error": str(error)}, now)
        if isinstance(error, StalePlan):
            self.ask(held, now)
        else:
            self._failed(held, error)

    # When again.

    def ask(self, held: Held, at: float) -> None:
        """Have a stack looked at by then."""
        held.due = min(held.due, at) if held.due != float("inf") else at
        self._queue.ask(("target", held.stack.target), held.due)

    def _rest(self, held: Held, seconds: float) -> None:
        """Look at a stack again in about so many seconds."""
        self.ask(held, self.clock.now() + jittered(seconds, self.rng))

    def _again(self, held: Held, now: float) -> None:
        """Look at it again, later after each failure."""
        held.status = attrs.evolve(held.status, failures=held.status.failures + 1)
        self.ask(held, now + back_off(held.status.failures, held.stack.retry_interval, rng=self.rng))

    def _failed(self, held: Held, error: BatchwrightError) -> None:
        now = self.clock.now()
        self._say(held, status.failed(held.status, error, now))
        self._again(held, now)

    def _tell_dependents(self, held: Held, now: float) -> None:
        for other in self.held.values():
            if held.stack.name in other.stack.depends_on and other.due == float("inf") and other.yielding is None:
                self.ask(other, now)

    def _of(self, target: str) -> Iterator[Held]:
        return (held for held in self.held.values() if held.stack.target == target)

    def _say(self, held: Held, told: Status) -> None:
        """Keep what is known of a stack now."""
        now = self.clock.now()
        held.status = attrs.evolve(told, next_at=None if held.due == float("inf") else held.due)
        self.store.put_status(held.stack.name, status.to_json(held.status), now)
