"""What an answer of a worker, or a word of a person, makes of what is had: what is told, and what is due next.

Whatever fails is tried again, later each time, and for ever: the next revision counts anew.
"""

from collections.abc import Mapping
from functools import partial

import attrs

from plans.masking import mask_plan
from plans.planfile import to_json
from plans.report import Report, report_json
from providers.clock import Clock
from providers.errors import BatchwrightError, Interrupted, StoreError
from reconciler.controller import findings, modes
from reconciler.controller.agenda import Agenda, Held, Running, Source
from reconciler.controller.logs import Log
from reconciler.controller.notes import Notes
from reconciler.controller.rounds import Fetched, Seen
from reconciler.controller.status import Status
from reconciler.controller.status import to_json as status_json
from reconciler.controller.workqueue import back_off, jittered
from reconciler.store import Ending, Override, Store


@attrs.frozen(eq=False)
class Outcomes:
    """All methods are for the coordinator's thread. `salt` blurs secrets in what is kept."""

    agenda: Agenda
    store: Store
    notes: Notes
    clock: Clock
    log: Log
    salt: str

    # What workers found.

    def fetched(self, source: Source, found: Fetched) -> None:
        """A stack of which nothing is new is left alone."""
        now, revision = self.clock.now(), found.revision
        new, mended = source.revision is None or revision.id != source.revision.id, source.failing is not None
        if new:
            self.log.info("fetched", source=source.name, revision=revision.id, said=revision.said)
        if found.untidied is not None:
            self.log.warning("old revisions cannot be removed", source=source.name, error=str(found.untidied))
        source.revision, source.failures, source.failing = revision, 0, None
        for held in self.agenda.within(source.name):
            digest = found.digests[held.stack.name]
            if digest != held.digest:
                held.digest = digest
                held.status = attrs.evolve(held.status, failures=0)
                if held.status.observed not in ("", revision.id) and held.status.digest != digest:
                    self.say(held, findings.outdated(held.status, revision.id, resting=held.resting, now=now))
                if held.run is not None:
                    held.run.yielding.ask(f"it gave way to revision {revision.id}")
            elif not mended and not (new and held.stack.approval.by == "file"):
                continue
            self.agenda.ask(held, now)
        self.agenda.fetch(source.name, now + jittered(source.interval, self.agenda.rng))

    def not_fetched(self, source: Source, error: BaseException) -> None:
        """The last good revision is kept, and stays what its stacks are to be."""
        now = self.clock.now()
        source.failures, source.failing = source.failures + 1, error
        self._tell_fault(error, "source failed", source=source.name, failures=source.failures)
        for held in self.agenda.within(source.name):
            if not held.resting:
                self.say(held, self._of_source(held, held.status, now))
        self.agenda.fetch(source.name, now + back_off(source.failures, source.interval, self.agenda.rng))

    def looked(self, held: Held, seen: Seen) -> None:
        now, plan, verdict = self.clock.now(), seen.plan, seen.verdict
        held.wish = seen.wish or held.wish
        if held.resting:
            return
        if seen.error is None and seen.digest != held.digest:
            self.agenda.ask(held, now)
            return
        if seen.error is not None:
            self.failed(held, seen.error, seen.revision)
            return
        assert plan is not None
        assert verdict is not None
        if not plan.empty and held.status.plan != plan.id:
            try:
                self.store.withdraw(held.stack.name)
                self.store.keep_plan(plan.id, held.stack.name, to_json(mask_plan(plan, self.salt)), now)
            except StoreError as error:
                self.failed(held, error, seen.revision)
                return
            held.approved, held.override = frozenset(), None
        status = attrs.evolve(held.status, inventory=seen.inventory)
        if seen.digest == status.digest:
            status = attrs.evolve(status, applied=seen.revision)
        drift = ", ".join(map(str, verdict.moved))
        status = findings.planned(
            status, plan, verdict.reason, verdict.message, drift=drift, revision=seen.revision, now=now
        )
        status = findings.checked(status, seen.invalid, now)
        if verdict.reason == "NothingToDo":
            status = attrs.evolve(status, digest=seen.digest)
        if verdict.do == "apply":
            self.agenda.wait(held, seen, now)
        else:
            self._rest(held, now, seen.opens_at)
        self.say(held, self._of_source(held, status, now))
        self._tell_dependents(held, now)

    def begun(self, held: Held, run: Running) -> None:
        """From here on the world is no longer like the revision before: who takes this one back goes back to that."""
        held.doing, held.run, held.seen = "run", run, None
        self.log.info("run begins", run=run.id, stack=held.stack.name, plan=_plan(run.seen), revision=run.seen.revision)
        now, status = self.clock.now(), held.status
        if status.digest != run.seen.digest:
            status = attrs.evolve(status, digest="")
        self.say(held, findings.begun(status, f"run {run.id} of plan {_plan(run.seen)}", now))

    def carried_out(self, held: Held, run: Running, found: Report | BaseException, *, leading: bool) -> None:
        """A run has ended; where we lead no more, nothing but that is noted."""
        now, seen = self.clock.now(), run.seen
        if isinstance(found, Interrupted):
            found = Report(_plan(seen) or "", interrupted_by=found.signal)
        outcome, why = _ending(run, found)
        end = partial(self.store.end, run.id, outcome, self._document(found), now, why=why)
        self.notes.put(("run", run.id), end, own=True)
        self.log.info("run ended", run=run.id, stack=held.stack.name, outcome=outcome, **({"why": why} if why else {}))
        if not leading:
            return
        if outcome != "interrupted":
            self._end_override(held)
        if not isinstance(found, Report):
            self.failed(held, found, seen.revision, run=True)
            return
        asked = run.yielding
        left = "" if seen.verdict is None else modes.told(each for each in seen.verdict.moved if each.do == "report")
        status = findings.reported(
            held.status,
            found,
            revision=seen.revision,
            now=now,
            gave_way=asked.why,
            gave_way_as=asked.reason,
            drift=left,
        )
        if outcome == "done":
            status = attrs.evolve(status, digest=seen.digest)
        if held.digest != seen.digest:
            self.agenda.ask(held, now)
            newest = self.agenda.sources[held.stack.source].revision
            if outcome == "done" and newest is not None:
                status = findings.outdated(status, newest.id, resting=held.resting, now=now)
        elif outcome == "done":
            self._rest(held, now)
        else:
            self.agenda.ask(held, now + self._pause(held, status))
        if held.resting:
            status = findings.suspended(status, now)
        self.say(held, status)
        self._tell_dependents(held, now)

    def failed(self, held: Held, error: BaseException, revision: str | None = None, *, run: bool = False) -> None:
        """A look or a run came to nothing."""
        now = self.clock.now()
        self._tell_fault(error, "stack failed", stack=held.stack.name)
        status = findings.failed(held.status, error, revision=revision, now=now, run=run)
        self.agenda.ask(held, now + self._pause(held, status))
        self.say(held, findings.suspended(status, now) if held.resting else self._of_source(held, status, now))

    def blocked(self, held: Held, why: str) -> None:
        """What a stack depends on is not as it is to be: it is told when that is, and looks itself now and then."""
        now = self.clock.now()
        self._rest(held, now)
        self.say(held, findings.blocked(held.status, why, now))

    # What people say.

    def suspend(self, held: Held, by: str | None) -> None:
        """Leave a stack alone, or look at it again."""
        now = self.clock.now()
        held.suspended = by
        if held.resting:
            self.agenda.rest(held)
            if held.run is not None:
                held.run.yielding.ask(f"{held.stack.name} is suspended")
            self.say(held, findings.suspended(held.status, now))
        else:
            self.agenda.ask(held, now)
            self.say(held, findings.resumed(held.status, now))

    def look_soon(self, held: Held) -> None:
        self.agenda.ask(held, self.clock.now())

    def approve(self, held: Held, plan: str) -> None:
        """Let this plan be carried out, if it is still the one at hand."""
        if held.status.plan == plan:
            held.approved |= {plan}
            self.look_soon(held)

    def override(self, held: Held, given: Override) -> None:
        """Let a plan begin outside the windows, if it is still the one at hand; else that is for nothing."""
        if held.status.plan == given.plan:
            held.override = given
            self.look_soon(held)
        else:
            self._forget(given)

    def fetch_soon(self, source: str) -> None:
        self.agenda.fetch(source, self.clock.now())

    def _end_override(self, held: Held) -> None:
        if held.override is not None:
            self._forget(held.override)
            held.override = None

    def _forget(self, given: Override) -> None:
        end = partial(self.store.end_override, given.stack, given.plan)
        self.notes.put(("override", given), end, own=True)

    # How it is told.

    def say(self, held: Held, told: Status) -> None:
        """Keep what is known of a stack now; what people said of a plan ends when that is no longer at hand."""
        if told.plan != held.status.plan:
            held.approved = frozenset()
            self._end_override(held)
        due = held.due if held.due < float("inf") else None
        told = attrs.evolve(told.following(held.status), next_at=due)
        if told == held.status:
            return
        before, ready = held.status.conditions["Ready"], told.conditions["Ready"]
        held.status = told
        if (before.status, before.reason) != (ready.status, ready.reason):
            self.log.info("stack", stack=held.stack.name, ready=ready.status, reason=ready.reason, says=ready.message)
        name = held.stack.name
        self.notes.put(("status", name), lambda: self.store.put_status(name, status_json(told), self.clock.now()))

    def _of_source(self, held: Held, status: Status, now: float) -> Status:
        """With what is wrong with its source, if something is."""
        source = self.agenda.sources[held.stack.source]
        if source.failing is None:
            return status
        return findings.source_failed(status, source.failing, had=source.revision is not None, now=now)

    def _document(self, found: Report | BaseException) -> Mapping[str, object]:
        if not isinstance(found, Report):
            return {"error": findings.words(found)}
        residue = None if found.residue is None else mask_plan(found.residue, self.salt)
        return report_json(attrs.evolve(found, residue=residue))

    def _tell_fault(self, error: BaseException, event: str, **about: object) -> None:
        self.log.warning(event, error=findings.words(error), **about)
        if not isinstance(error, BatchwrightError):
            self.log.error("unexpected", exc_info=error, **about)

    def _tell_dependents(self, held: Held, now: float) -> None:
        if held.current:
            for other in self.agenda.dependents(held):
                self.agenda.ask(other, now)

    def _pause(self, held: Held, status: Status) -> float:
        return back_off(status.failures, held.stack.retry_interval, self.agenda.rng)

    def _rest(self, held: Held, now: float, by: float | None = None) -> None:
        """Look at a stack again in about its interval, or earlier by then."""
        at = now + jittered(held.stack.interval, self.agenda.rng)
        self.agenda.ask(held, at if by is None else min(at, by))


def _ending(run: Running, found: Report | BaseException) -> tuple[Ending, str | None]:
    """How a run ended, and what cut it short."""
    if not isinstance(found, Report):
        return "failed", None
    if found.interrupted_by is not None:
        return "timed-out" if run.yielding.reason == "TimedOut" else "interrupted", run.yielding.why or None
    return "failed" if found.exit_code else "done", None


def _plan(seen: Seen) -> str | None:
    return None if seen.plan is None else seen.plan.id
