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

from plans.planfile import to_json
from plans.report import Event, Report, report_json
from providers.clock import Clock
from providers.errors import BatchwrightError, StalePlan, StoreError
from reconciler.controller import findings, rounds
from reconciler.controller.configuration import Configuration, Stack
from reconciler.controller.leader import BEAT, Leader
from reconciler.controller.logs import Log
from reconciler.controller.rounds import Question, Seen, Wish
from reconciler.controller.sources import Fetcher, Revision
from reconciler.controller.status import Status, from_json, stood
from reconciler.controller.status import to_json as status_json
from reconciler.controller.workqueue import WorkQueue, back_off, jittered
from reconciler.controller.yielding import NEWER, Yielding
from reconciler.engine import Reconciler
from reconciler.store import Run, Store

Key = tuple[Literal["source", "target", "stack"], str]

EARLY = 0.2
"""By how much of its interval a stack is looked at early, rather than alone later."""
GRACE = 600.0
"""Seconds beyond its own time after which a worker is taken for dead."""
NEVER = float("inf")


@attrs.define(eq=False)
class Source:
    """What is had of one source: its last good revision, and how often in a row it could not be had."""

    name: str
    fetcher: Fetcher
    interval: float
    revision: Revision | None = None
    failures: int = 0


@attrs.define(eq=False)
class Held:
    """What is had of one stack.

    `digest` is that of what it is to be, `wish` what was read of it last, `seen` what the last look found, `approved`
    the plans that people approved, `override` one that may begin outside the windows, `suspended` by whom it was. `due`
    is when it is looked at next; `yielding` and `run` are those of the run under way, which is to end by `deadline`.
    """

    stack: Stack
    status: Status
    due: float = NEVER
    digest: str = ""
    wish: Wish | None = None
    seen: Seen | None = None
    approved: frozenset[str] = frozenset()
    override: str | None = None
    suspended: str | None = None
    yielding: Yielding | None = None
    run: str = ""
    deadline: float = NEVER

    @property
    def resting(self) -> bool:
        return self.stack.suspend or self.suspended is not None


@attrs.frozen(eq=False)
class _Work:
    """What a worker does, since when, and until when it is believed to live."""

    key: Key
    until: float
    held: tuple[Held, ...] = ()


@attrs.define(eq=False, kw_only=True)
class Loop:
    """A controller at work. `run` is its thread; `post` may be called from any other.

    `pool` has the workers, `clock` is real time.
    """

    configuration: Configuration
    store: Store
    leader: Leader
    fetchers: Mapping[str, Fetcher]
    reconcilers: Mapping[str, Reconciler]
    pool: Executor
    clock: Clock
    rng: random.Random
    log: Log
    sources: dict[str, Source] = attrs.field(factory=dict, init=False)
    held: dict[str, Held] = attrs.field(factory=dict, init=False)
    leading: int | None = attrs.field(default=None, init=False)
    turned_at: float = attrs.field(default=0.0, init=False)
    _queue: WorkQueue[Key] = attrs.field(factory=WorkQueue, init=False)
    _flight: dict[Future[Any], _Work] = attrs.field(factory=dict, init=False)
    _inbox: "queue.SimpleQueue[Callable[[], None]]" = attrs.field(factory=queue.SimpleQueue, init=False)
    _wake: Future[None] = attrs.field(factory=Future, init=False)
    _guard: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _elected_at: float = attrs.field(default=-NEVER, init=False)
    _tidied_at: float = attrs.field(default=-NEVER, init=False)

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
            self.clock.wait([*self._flight], BEAT)
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
        times = [self._elected_at + BEAT, *(held.deadline for held in self.held.values())]
        if self.leading is not None and len(self._flight) < self.configuration.workers:
            times.append(self._queue.next_due() or NEVER)
        return min(times)

    def post(self, action: Callable[[], None]) -> None:
        """Have the coordinator do something, soon."""
        self._inbox.put(action)
        with self._guard:
            if not self._wake.done():
                self._wake.set_result(None)

    def late(self) -> str | None:
        """Why a worker is taken for dead, None where none is."""
        now = self.clock.now()
        works = [work for work in tuple(self._flight.values()) if work.until < now]
        return f"{works[0].key[0]} {works[0].key[1]} has been worked at for too long" if works else None

    # Who leads.

    def _elect(self) -> bool:
        now = self.clock.now()
        if now < self._elected_at + BEAT:
            return self.leading is not None
        self._elected_at = now
        before = self.leading
        try:
            if before is not None and (lost := self.leader.lost(before)) is not None:
                self.log.warning("no longer leading", why=str(lost))
                self._let_go()
            if self.leading is None and not self._flight:
                self.leading = self.leader.lead()
            if self.leading not in (None, before):
                self.log.info("leading", token=self.leading)
                self._take_over(now)
        except StoreError as error:
            self.log.error("store failed", error=str(error))
        return self.leading is not None

    def _take_over(self, now: float) -> None:
        """Begin as whoever led before left it."""
        known, suspended = self.store.statuses(), self.store.suspended()
        for name, held in self.held.items():
            held.suspended, held.digest = suspended.get(name), ""
            held.approved = frozenset(row.plan for row in self.store.approvals(name))
            if name in known:
                held.status = from_json(known[name])
            if held.resting:
                self._say(held, findings.suspended(held.status, now))
        for name in known.keys() - self.held.keys():
            self.store.forget_stack(name)
        for run in self.store.unended():
            self.store.end(run.id, "lost", None, now)
        for name in self.sources:
            self._queue.ask(("source", name), now)

    def _let_go(self) -> None:
        """Another leads: nothing new begins, and the fence ends what is under way."""
        self.leading = None
        for held in self.held.values():
            if held.yielding is not None and not held.yielding.stop.done():
                held.yielding.stop.set_result(NEWER)
            held.due = NEVER
        self._queue = WorkQueue()

    # What is started.

    def _hurry(self) -> None:
        """Let runs that have gone on for too long end where they may."""
        now = self.clock.now()
        for held in self.held.values():
            if held.deadline <= now and held.yielding is not None:
                held.deadline = NEVER
                held.yielding.ask()

    def _start(self) -> None:
        while len(self._flight) < self.configuration.workers:
            key = self._queue.take(self.clock.now())
            match key:
                case None:
                    return
                case ("source", name):
                    self._fetch(self.sources[name])
                case ("target", name):
                    self._look(name)
                case (_, name):
                    self._carry_out(self.held[name])

    def _submit(self, key: Key, seconds: float, call: Callable[[], Any], *held: Held) -> None:
        self._flight[self.pool.submit(call)] = _Work(key, self.clock.now() + seconds + GRACE, held)

    def _fetch(self, source: Source) -> None:
        stacks = [held.stack for held in self._in(source.name)]
        self._submit(("source", source.name), 0.0, partial(rounds.fetch, source.fetcher, source.revision, stacks))

    def _look(self, target: str) -> None:
        """Look at all stacks of a target that are due, or will be soon."""
        now = self.clock.now()
        chosen = [held for held in self._of(target) if held.due <= now + EARLY * held.stack.interval]
        questions: list[Question] = []
        looked: list[Held] = []
        for held in chosen:
            revision = self.sources[held.stack.source].revision
            held.due = NEVER
            if revision is None or held.yielding is not None or held.resting or not self._may_go(held, now):
                continue
            applied = held.status.digest
            questions.append(Question(held.stack, revision, applied, held.wish, held.approved, held.override))
            looked.append(held)
        if not questions:
            self._done(("target", target))
            return
        place = self.configuration.targets[target]
        look = partial(rounds.look, self.reconcilers[target], place, questions, now)
        self._submit(("target", target), 0.0, look, *looked)

    def _may_go(self, held: Held, now: float) -> bool:
        """Whether what a stack depends on is as that is to be."""
        for name in held.stack.depends_on:
            other = self.held[name]
            if not other.status.ready or other.status.digest != other.digest:
                self._say(held, stood(held.status, "DependencyNotReady", f"{name} is not ready", now=now))
                return False
        return True

    def _carry_out(self, held: Held) -> None:
        now, seen, stack = self.clock.now(), held.seen, held.stack
        if seen is None or seen.plan is None or held.resting or held.due <= now:
            self._done(("stack", stack.name))
            return
        held.yielding, held.run = Yielding(seen.plan), f"{self.rng.getrandbits(48):012x}"
        held.deadline, held.due = now + stack.timeout, NEVER
        self.store.begin(Run(held.run, stack.name, seen.revision, seen.plan.id, now, fence=self.leading))
        self._say(held, findings.begun(held.status, f"run {held.run} of plan {seen.plan.id}", now))
        work = partial(
            rounds.carry_out,
            rounds.confined(self.reconcilers[stack.target], self.configuration.targets[stack.target], stack),
            seen,
            held.yielding,
            partial(self.leader.lost, self.leading),
            partial(self._heard, held.run, stack.name),
        )
        self._submit(("stack", stack.name), stack.timeout, work, held)

    def _heard(self, run: str, stack: str, event: Event) -> None:
        if event.event != "polled":
            log = self.log.bind(run=run, stack=stack)
            log.info(event.event, step=event.step, address=event.address, detail=dict(event.detail))

    # What has ended.

    def _collect(self) -> None:
        for future in [future for future in self._flight if future.done()]:
            work = self._flight.pop(future)
            error = future.exception()
            found = future.result() if error is None else error
            if self.leading is not None or work.key[0] == "stack":
                self._take(work, found)
            self._done(work.key)

    def _take(self, work: _Work, found: Any) -> None:
        match work.key[0], found:
            case "source", BaseException():
                self._not_fetched(self.sources[work.key[1]], found)
            case "source", (revision, digests):
                self._fetched(self.sources[work.key[1]], revision, digests)
            case "target", BaseException():
                for held in work.held:
                    self._failed(held, found, None)
            case "target", _:
                by_name = {seen.stack: seen for seen in found}
                for held in work.held:
                    self._looked(held, by_name[held.stack.name])
            case _:
                self._carried_out(work.held[0], found)

    def _done(self, key: Key) -> None:
        """What is done may be begun again; a target is, when the next of its stacks is due."""
        self._queue.done(key)
        if key[0] == "target" and self.leading is not None:
            due = min((held.due for held in self._of(key[1])), default=NEVER)
            if due < NEVER:
                self._queue.ask(key, due)

    def _not_fetched(self, source: Source, error: BaseException) -> None:
        """The last good revision is kept, and stays what its stacks are to be."""
        now = self.clock.now()
        source.failures += 1
        self.log.warning("source failed", source=source.name, error=findings.words(error), failures=source.failures)
        for held in self._in(source.name):
            self._say(held, findings.source_failed(held.status, error, had=source.revision is not None, now=now))
        self._queue.ask(("source", source.name), now + back_off(source.failures, source.interval, self.rng))

    def _fetched(self, source: Source, revision: Revision, digests: Mapping[str, str | BatchwrightError]) -> None:
        now = self.clock.now()
        if source.revision is None or revision.id != source.revision.id:
            self.log.info("fetched", source=source.name, revision=revision.id, said=revision.said)
        source.revision, source.failures = revision, 0
        for held in self._in(source.name):
            told = digests[held.stack.name]
            if isinstance(told, BatchwrightError):
                self._say(held, findings.failed(held.status, told, revision=revision.id, now=now))
            elif told != held.digest:
                held.digest = told
                held.status = attrs.evolve(held.status, failures=0)
                self.ask(held, now)
                if held.yielding is not None:
                    held.yielding.ask()
        self._queue.ask(("source", source.name), now + jittered(source.interval, self.rng))

    def _looked(self, held: Held, seen: Seen) -> None:
        now, stack, plan, verdict = self.clock.now(), held.stack, seen.plan, seen.verdict
        held.wish = seen.wish or held.wish
        if seen.error is not None or plan is None or verdict is None:
            self._failed(held, seen.error, seen.revision)
            return
        if not plan.empty and held.status.plan != plan.id:
            self.store.withdraw(stack.name)
            self.store.keep_plan(plan.id, stack.name, to_json(plan), now)
            held.approved = frozenset()
        held.seen = seen
        status = attrs.evolve(held.status, inventory=seen.inventory)
        if seen.digest == status.digest:
            status = attrs.evolve(status, applied=seen.revision)
        drift = ", ".join(map(str, verdict.moved))
        told = partial(findings.planned, drift=drift, revision=seen.revision, now=now)
        status = findings.checked(told(status, plan, verdict.reason, verdict.message), seen.invalid, now)
        if verdict.reason == "NothingToDo":
            status = attrs.evolve(status, digest=seen.digest)
        self._rest(held, stack.interval)
        self._say(held, status)
        if verdict.do == "apply":
            held.due = NEVER
            self._queue.ask(("stack", stack.name), now)
        elif status.ready:
            self._tell_dependents(held, now)

    def _carried_out(self, held: Held, found: Any) -> None:
        now, seen = self.clock.now(), held.seen
        assert seen is not None
        held.yielding, held.deadline, held.override, held.seen = None, NEVER, None, None
        well = isinstance(found, Report) and found.exit_code == 0
        document = report_json(found) if isinstance(found, Report) else {"error": findings.words(found)}
        self.store.end(held.run, "done" if well else "failed", document, now)
        if isinstance(found, StalePlan):
            self.ask(held, now)
            return
        if not isinstance(found, Report):
            self._failed(held, found, seen.revision)
            return
        status = findings.reported(held.status, found, revision=seen.revision, now=now)
        if well:
            self._rest(held, held.stack.interval)
            self._say(held, attrs.evolve(status, digest=seen.digest))
            self._tell_dependents(held, now)
        else:
            newer = held.digest != seen.digest
            self.ask(held, now if newer else now + self._pause(held, status))
            self._say(held, status)

    def _failed(self, held: Held, error: BaseException | None, revision: str | None) -> None:
        assert error is not None
        now = self.clock.now()
        status = findings.failed(held.status, error, revision=revision, now=now)
        if not isinstance(error, BatchwrightError):
            self.log.error("unexpected", stack=held.stack.name, exc_info=error)
        self.ask(held, now + self._pause(held, status))
        self._say(held, status)

    # When again.

    def ask(self, held: Held, at: float) -> None:
        """Have a stack looked at by then, if no run of it is under way, after which it is looked at anyway."""
        held.due = min(held.due, at)
        self._queue.ask(("target", held.stack.target), held.due)

    def suspend(self, held: Held, by: str | None) -> None:
        """Leave a stack alone, or look at it again."""
        held.suspended = by
        if held.resting:
            held.due = NEVER
            if held.yielding is not None:
                held.yielding.ask()
            self._say(held, findings.suspended(held.status, self.clock.now()))
        else:
            self.ask(held, self.clock.now())

    def look_soon(self, held: Held) -> None:
        if not held.resting:
            self.ask(held, self.clock.now())

    def approve(self, held: Held, plan: str) -> None:
        held.approved |= {plan}
        self.look_soon(held)

    def override(self, held: Held, plan: str) -> None:
        """Let this plan begin outside the windows."""
        held.override = plan
        self.look_soon(held)

    def fetch_soon(self, source: str) -> None:
        self._queue.ask(("source", source), self.clock.now())

    def _pause(self, held: Held, status: Status) -> float:
        return back_off(status.failures, held.stack.retry_interval, self.rng)

    def _rest(self, held: Held, seconds: float) -> None:
        """Look at a stack again in about so many seconds."""
        self.ask(held, self.clock.now() + jittered(seconds, self.rng))

    def _tell_dependents(self, held: Held, now: float) -> None:
        for other in self.held.values():
            if held.stack.name in other.stack.depends_on and other.due == NEVER and other.yielding is None:
                self.ask(other, now)

    def _of(self, target: str) -> Iterator[Held]:
        return (held for held in self.held.values() if held.stack.target == target)

    def _in(self, source: str) -> Iterator[Held]:
        return (held for held in self.held.values() if held.stack.source == source)

    def _say(self, held: Held, told: Status) -> None:
        """Keep what is known of a stack now."""
        held.status = attrs.evolve(told, next_at=None if held.due == NEVER else held.due)
        self.store.put_status(held.stack.name, status_json(held.status), self.clock.now())
