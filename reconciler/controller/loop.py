"""The coordinator: the one thread that owns all state. Workers fetch, look and carry out, and tell it what came of it.

A source is fetched at its interval, or when something hints at it; what is new under the paths of a stack makes that
due. A target is looked at when the first of its stacks is due, together with all that soon would be, so that the
account is read once for them. What is to be applied is carried out by itself, one run a stack; a newer revision lets a
run give way (`yielding`). What an answer means is for `outcomes` to say, what is due for `agenda`.

Nothing hangs on what is kept here: after a start all of it is seen again. Only what people said is in the store. And
nothing that a worker, the store or whoever leads raises ends it.
"""

import queue
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from signal import Signals
from typing import Any

import attrs

from plans.report import Event
from providers.clock import Clock
from providers.errors import BatchwrightError, CredentialsExpired, Interrupted, StoreError
from reconciler.controller import rounds, succession
from reconciler.controller.agenda import NEVER, Agenda, Held, Key, Running, Source
from reconciler.controller.conditions import unknown
from reconciler.controller.configuration import Configuration
from reconciler.controller.flight import GRACE, Flight, Work
from reconciler.controller.leader import BEAT, Leader
from reconciler.controller.logs import Log
from reconciler.controller.notes import Notes
from reconciler.controller.outcomes import Outcomes
from reconciler.controller.rounds import Question
from reconciler.controller.sources import Fetcher
from reconciler.controller.status import Status
from reconciler.controller.yielding import Yielding
from reconciler.engine import Reconciler
from reconciler.store import Run, Store

SOON = 5.0
"""Seconds for which looks and fetches are waited for when the controller stops."""
AGAIN = 30.0
"""Seconds after which is tried again what went wrong in no known way."""
RETAINED = 3600.0
"""How often, in seconds, what is old goes from the store."""
_QUIET = ("started", "polled", "ended")


@attrs.define(eq=False, kw_only=True)
class Loop:
    """A controller at work. `run` is its thread; `post` may be called from any other.

    `flight` has `3 * configuration.workers` workers, `clock` is real time. `reconcilers` gives that of a target, which
    may take a while the first time, and `expired` hears of a target that its credentials have ended. `leading` is the
    number under which we lead, `turned_at` when it last came round, `late` which worker is taken for dead.
    """

    configuration: Configuration
    store: Store
    leader: Leader
    fetchers: Mapping[str, Fetcher]
    reconcilers: Callable[[str], Reconciler]
    expired: Callable[[str], object]
    flight: Flight
    clock: Clock
    rng: random.Random
    log: Log
    agenda: Agenda = attrs.field(init=False)
    outcomes: Outcomes = attrs.field(init=False)
    notes: Notes = attrs.field(init=False)
    leading: int | None = attrs.field(default=None, init=False)
    turned_at: float = attrs.field(init=False)
    late: str | None = attrs.field(default=None, init=False)
    _inbox: "queue.SimpleQueue[Callable[[], None]]" = attrs.field(factory=queue.SimpleQueue, init=False)
    _wake: Future[None] = attrs.field(factory=Future, init=False)
    _ending: Future[int] = attrs.field(factory=Future, init=False)
    _guard: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _elected_at: float = attrs.field(default=-NEVER, init=False)
    _retained_at: float = attrs.field(default=-NEVER, init=False)

    def __attrs_post_init__(self) -> None:
        said = self.configuration
        sources = {
            name: Source(name, self.fetchers[name], origin.interval, getattr(origin, "timeout", 0.0))
            for name, origin in said.sources.items()
        }
        now = self.clock.now()
        held = {name: Held(stack, Status(name, unknown(now))) for name, stack in said.stacks.items()}
        salt = f"{self.rng.getrandbits(64):016x}"
        self.turned_at = now
        self.notes = Notes(self.log)
        self.agenda = Agenda(said.workers, self.rng, sources, held)
        self.outcomes = Outcomes(self.agenda, self.store, self.notes, self.clock, self.log, salt)

    def run(self, stop: Future[int]) -> None:
        """Go on until `stop` is done, with a signal's number; what is under way then ends where it may."""
        while not stop.done():
            self._shielded(self.turn)
            self.clock.wait([*self.flight.works, self._wake, stop], max(0.0, self.next_due() - self.clock.now()))
        self._end(stop.result())

    def _end(self, number: int) -> None:
        """Wait for runs until each may end; for what only looks or fetches not for long, since it changes nothing."""
        why, until = f"the controller was stopped by {Signals(number).name}", self.clock.now() + SOON
        self.log.info("stopping", why=why)
        self._ending.set_result(number)
        for run in self.agenda.running():
            self.log.info("waiting for a run to end", run=run.id, stack=run.seen.stack)
            run.yielding.ask(why)
        while any(self.agenda.running()) or (self.flight.works and self.clock.now() < until):
            self.clock.wait([*self.flight.works], BEAT)
            self._shielded(self._wind_up)
        if self.flight.works:
            self.log.warning("left behind", work=[str(work) for work in self.flight.works.values()])
        # However short ago the store failed: there is no other time.
        self.notes.tell(self.clock.now(), at_once=True)
        self.leading = None
        self.leader.release()
        self.log.info("stopped", why=why)

    def turn(self) -> None:
        """Take what has come in and what has ended, and start what is due."""
        with self._guard:
            if self._wake.done():
                self._wake = Future()
        while not self._inbox.empty():
            action = self._inbox.get()
            # Who leads no more finds in the store what somebody said, if it comes to lead anew.
            if self.leading is not None:
                self._shielded(action)
        self._collect()
        self._elect()
        self._hurry()
        self._retain()
        self.notes.tell(self.clock.now())
        self._start()
        self._came_round()

    def _came_round(self) -> None:
        now = self.clock.now()
        self.late, self.turned_at = self.flight.late(now), now

    def next_due(self) -> float:
        """When there is next something to do that nothing calls for."""
        due = self.agenda.next_due() if self.leading is not None else NEVER
        return min(self._elected_at + BEAT, due, *(run.deadline for run in self.agenda.running()))

    def post(self, action: Callable[[], None]) -> None:
        """Have the coordinator do something, soon."""
        self._inbox.put(action)
        with self._guard:
            if not self._wake.done():
                self._wake.set_result(None)

    def _shielded(self, action: Callable[[], None]) -> None:
        """Whatever is wrong with one thing, the rest goes on."""
        try:
            action()
        except Exception as error:
            self.log.error("unexpected", exc_info=error)

    # Who leads.

    def _elect(self) -> None:
        now = self.clock.now()
        if now < self._elected_at + BEAT:
            return
        self._elected_at = now
        self._beat()
        if self.leading is None and not self.flight.works:
            try:
                token = self.leader.lead()
                if token is not None:
                    succession.take_over(self.outcomes)
                    self.leading = token
                    self.log.info("leading", token=token)
            except BatchwrightError as error:
                self.log.error("cannot lead", error=str(error))

    def _beat(self) -> None:
        """See whether we lead still. If not, nothing new begins, and the fence ends what is under way."""
        lost = None if self.leading is None else self.leader.lost(self.leading)
        if lost is not None:
            self.log.warning("no longer leading", why=str(lost))
            self.leading = None
            self.notes.drop()
            for run in self.agenda.running():
                run.yielding.end(str(lost))

    # What is started.

    def _hurry(self) -> None:
        """Let runs that have gone on for too long end where they may."""
        now = self.clock.now()
        for run in self.agenda.running():
            if run.deadline <= now:
                run.deadline = NEVER
                run.yielding.ask("it took longer than `timeout`", "TimedOut")

    def _start(self) -> None:
        if self.leading is None:
            return
        while (key := self.agenda.take(self.clock.now())) is not None:
            try:
                begun = self._begin(key)
            except Exception as error:
                self.log.error("unexpected", about=key, exc_info=error)
                self.agenda.again(key, self.clock.now() + AGAIN)
                begun = False
            if not begun:
                self.agenda.done(key)

    def _begin(self, key: Key) -> bool:
        match key:
            case ("source", name):
                return self._fetch(self.agenda.sources[name])
            case ("target", name):
                return self._look(name)
            case (_, name):
                return self._carry_out(self.agenda.held[name])

    def _fetch(self, source: Source) -> bool:
        stacks = [held.stack for held in self.agenda.within(source.name)]
        call = partial(rounds.fetch, source.fetcher, source.revision, stacks, self.flight.uses())
        self.flight.begin(Work(("source", source.name), self.clock.now() + source.timeout + GRACE), call)
        return True

    def _look(self, target: str) -> bool:
        """Look at all stacks of a target that are due, or will be soon."""
        now = self.clock.now()
        questions: list[Question] = []
        looked: list[Held] = []
        for held in self.agenda.soon(target, now):
            self.agenda.rest(held)
            revision = self.agenda.sources[held.stack.source].revision
            if revision is None:
                continue
            if (why := self.agenda.missing(held)) is not None:
                self.outcomes.blocked(held, why)
                continue
            applied = held.status.digest
            override = held.overridden(now)
            questions.append(Question(held.stack, revision, applied, held.wish, held.approved, override))
            looked.append(held)
        if not questions:
            return False
        uses = tuple(question.revision for question in questions)
        work = Work(("target", target), now + GRACE, tuple(looked), uses)

        def reach() -> Reconciler:
            return attrs.evolve(self.reconcilers(target), stop=self._ending, on_answer=partial(self._lives, work))

        self.flight.begin(work, partial(rounds.look, reach, self.configuration.targets[target], questions, now))
        for held in looked:
            held.doing = "look"
        return True

    def _carry_out(self, held: Held) -> bool:
        """Begin the run that a stack waits for, unless something came between."""
        now, seen, stack = self.clock.now(), held.seen, held.stack
        assert seen is not None
        assert seen.plan is not None
        open = rounds.may_begin(stack, seen.plan, held.overridden(now), now)
        if held.resting or seen.digest != held.digest or not open:
            self.agenda.free(held)
            self.agenda.ask(held, now)
            return False
        own = rounds.confined(self.reconcilers(stack.target), self.configuration.targets[stack.target], stack)
        run = Running(f"{self.rng.getrandbits(48):012x}", seen, Yielding(seen.plan), now + stack.timeout)
        try:
            self.store.begin(Run(run.id, stack.name, seen.revision, seen.plan.id, now, fence=self.leading))
        except StoreError as error:
            self.agenda.free(held)
            self.outcomes.failed(held, error, seen.revision, run=True)
            return False
        fence = partial(self.leader.lost, self.leading)
        work = Work(("stack", stack.name), now + stack.timeout + GRACE, (held,))
        own = attrs.evolve(own, on_answer=partial(self._lives, work))
        hear = partial(self._heard, work, self.log.bind(run=run.id, stack=stack.name))
        self.outcomes.begun(held, run)
        self.flight.begin(work, partial(rounds.carry_out, own, seen, run.yielding, fence, hear))
        return True

    def _lives(self, work: Work) -> None:
        """Somebody is at it, as the thread that is says."""
        work.lives(self.clock.now())

    def _heard(self, work: Work, log: Log, event: Event) -> None:
        """What a run tells, by the thread that does it."""
        self._lives(work)
        if event.event not in _QUIET:
            log.info(event.event, step=event.step, address=event.address, detail=dict(event.detail))

    # What has ended.

    def _wind_up(self) -> None:
        self._beat()
        self._collect()
        self.notes.tell(self.clock.now())
        self._came_round()

    def _collect(self) -> None:
        """Take what has ended; what another leader may have told of since is told by that one alone."""
        if any(future.done() for future in self.flight.works):
            self._beat()
        for work, future in self.flight.ended():
            runs = [held.run for held in work.held]
            for held in work.held:
                self.agenda.free(held)
            error = future.exception()
            try:
                self._take(work, runs, future.result() if error is None else error)
            except Exception as fault:
                self.log.error("unexpected", about=work.key, exc_info=fault)
                self.agenda.again(work.key, self.clock.now() + AGAIN)
            self.agenda.done(work.key)

    def _take(self, work: Work, runs: list[Running | None], found: Any) -> None:
        sort, name = work.key
        match sort, found:
            case "stack", _:
                (run,) = runs
                assert run is not None
                self.outcomes.carried_out(work.held[0], run, found, leading=self.leading is not None)
            case _, Interrupted():
                return
            case _ if self.leading is None:
                return
            case "source", BaseException():
                self.outcomes.not_fetched(self.agenda.sources[name], found)
            case "source", _:
                self.outcomes.fetched(self.agenda.sources[name], found)
            case _, BaseException():
                for held in work.held:
                    self.outcomes.failed(held, found)
            case _:
                if any(isinstance(seen.error, CredentialsExpired) for seen in found):
                    self.expired(name)
                answers = {seen.stack: seen for seen in found}
                for held in work.held:
                    self.outcomes.looked(held, answers[held.stack.name])

    def _retain(self) -> None:
        """What is old goes from the store."""
        now, said = self.clock.now(), self.configuration
        if self.leading is not None and now >= self._retained_at + RETAINED:
            self._retained_at = now
            self.notes.put("old", partial(self.store.retain, now, said.keep, said.keep_for))
