"""What is told of a run: events to whoever listens, brackets in the journal, outcomes for the report."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal

import attrs

from plans.plan import Step
from plans.report import Event, EventName, Outcome
from providers.errors import AnswerLost, BatchwrightError, CallError, Retiring, ServerFault, StoreError
from providers.resources import EMPTY, Document
from reconciler.journal import Journal, digest

OnEvent = Callable[[Event], None]

Ended = Literal["done", "failed", "skipped", "dropped", "interrupted"]
"""How a step ends; of one that is dropped, since it was there for a failure that did not happen, nothing is told."""


@attrs.define(eq=False)
class Running:
    """One step on its way.

    `sent` are its arguments as they went out, `token` the client token among them, `key` is what its goal is asked by.
    `open` says that a call stands in the journal whose end does not, `sent_out` that an attempt of it may have gone
    out.
    """

    step: Step
    status: Literal["waiting", "running"] | Ended = "waiting"
    began: float = 0.0
    sent: Document = EMPTY
    token: str | None = None
    key: str = ""
    open: bool = False
    sent_out: bool = False

    @property
    def ended(self) -> bool:
        return self.status not in ("waiting", "running")


@attrs.define
class Teller:
    """Tells of one run, named `run` in the journal, and its steps.

    `rows` names, by step, what it is whose time a wait tells, for the journal. `outcomes` are those of the steps that
    have ended, in order.
    """

    journal: Journal
    run: str
    steps: Mapping[str, Running]
    now: Callable[[], float]
    on_event: OnEvent
    rows: Mapping[str, str] = EMPTY
    outcomes: list[Outcome] = attrs.field(factory=list, init=False)

    def event(self, name: EventName, running: Running | None = None, /, **detail: Any) -> None:
        """Tell an event, of a step or of the run; details that are None are left out."""
        step = running.step if running else None
        said = {key: value for key, value in detail.items() if value is not None}
        self.on_event(Event(name, self.now(), step.id if step else "", step.address if step else "", said))

    def retried(self, key: Hashable, error: BatchwrightError, seconds: float) -> None:
        """Tell that a `Caller` will repeat an attempt: of a step, or of a look that serves several."""
        name = getattr(key, "step", "")
        operation = error.operation if isinstance(error, CallError) else None
        seconds = round(seconds, 1)
        self.event("retried", self.steps.get(name), error=str(error), seconds=seconds, operation=operation)

    def call_begins(self, running: Running, call: str, sent: Document) -> StoreError | None:
        """Write down that a call begins; the error where that cannot be written, and then it must not be made."""
        said = digest({name: value for name, value in sent.items() if running.token is None or value != running.token})
        try:
            self.journal.begin(self.run, running.step.id, call, said, self.now(), running.token)
        except StoreError as unwritten:
            return unwritten
        running.open = running.sent_out = True
        return None

    def call_ended(
        self, running: Running, status: str, error: BatchwrightError | None = None, arn: str | None = None
    ) -> StoreError | None:
        """Write down how a call ended, if one is open; the error where that cannot be written."""
        if not running.open:
            return None
        running.open = False
        told = None if error is None else str(error)
        try:
            self.journal.end(self.run, running.step.id, status, self.now(), error=told, arn=arn)
        except StoreError as unwritten:
            return unwritten
        return None

    def waited(self, step: str) -> StoreError | None:
        """Write down that a wait is over whose time is worth knowing; the error where that cannot be written."""
        if step not in self.rows:
            return None
        try:
            self.journal.waited(self.run, step, self.rows[step], self.now())
        except StoreError as unwritten:
            return unwritten
        return None

    def step_ended(
        self, running: Running, status: Ended, error: BatchwrightError | None = None, because: str | None = None
    ) -> None:
        """Close what is open, keep the outcome, tell the event. `because` names the failure behind a skip."""
        step, began = running.step, running.began if running.status == "running" else self.now()
        running.status = status
        error = self.call_ended(running, _left_as(running, error), error) or error
        if status == "done" and error is None:
            error = self.waited(step.id)
        if status == "dropped":
            return
        self.outcomes.append(
            Outcome(
                step=step.id,
                address=step.address,
                call=step.call,
                status="retiring" if isinstance(error, Retiring) else status,
                seconds=self.now() - began,
                error=None if error is None else str(error),
                hint=None if error is None else error.hint,
                because=because,
                exit_code=0 if error is None else error.exit_code,
                cause=None if error is None else type(error),
            )
        )
        match status:
            case "done":
                self.event("finished", running)
            case "failed" if error is not None:
                name: EventName = "retiring" if isinstance(error, Retiring) else "failed"
                self.event(name, running, error=str(error), hint=error.hint)
            case "skipped":
                retiring = any(other.step == because and other.status == "retiring" for other in self.outcomes)
                self.event("skipped", running, because=because, retiring=retiring or None)

    def root(self, running: Running) -> str:
        """The failed step behind one that ended without being done, through however many that were skipped."""
        named = (outcome.because for outcome in self.outcomes if outcome.step == running.step.id)
        return next(named, None) or running.step.id


def _left_as(running: Running, error: BatchwrightError | None) -> str:
    """What became of a call that is still open as its step ends."""
    if not running.sent_out:
        return "unsent"
    return "unknown" if error is None or isinstance(error, AnswerLost | ServerFault) else "failed"
