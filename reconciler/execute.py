"""Carrying out a plan: the only place from which anything is changed.

One coordinator owns all state. A step begins when everything it comes after has ended; its call goes through the
`Caller`, its goal to the `Waiter`, and whoever waits holds no worker. Downstream of a failure a step is skipped, and
says because of what. Every call that changes something stands in the journal before it goes out.

What each answer means is settled here: a delete of what is gone has succeeded; of a call that may have been done
without saying so `inquiry` finds out; an environment that cannot assume a role made seconds ago is told its role
again; credentials that end take everything with them that has not begun.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import attrs

from plans.plan import Goal, Now, Plan, Step
from plans.report import Event, EventName, Outcome, Report
from providers.errors import (
    AnswerLost,
    BatchwrightError,
    BecameInvalid,
    CallError,
    CredentialsExpired,
    CredentialsMissing,
    JobsFound,
    NotFound,
    ServerFault,
    StoreError,
)
from providers.kinds import Kind
from providers.provider import Provider, produced
from providers.resources import Document, JobCount, Live, Ref
from reconciler.counting import Counting, JobPage
from reconciler.inquiry import Inquiries, Look, Made, Undone
from reconciler.journal import Journal
from reconciler.retry import Caller, Done
from reconciler.waiter import Poll, Settled, Waiter

ROLE_LAG = 120.0
"""Seconds after a create during which a role may not be visible to Batch yet; hashicorp/terraform-provider-aws allows
two minutes for the propagation of IAM."""

OnEvent = Callable[[Event], None]

_Ended = Literal["done", "failed", "skipped", "dropped", "interrupted"]


@attrs.frozen
class _Call:
    """The call of a step."""

    step: str


@attrs.frozen
class _Role:
    """The role of an environment, sent again."""

    step: str


@attrs.define
class _Running:
    """One step on its way.

    `key` is what its goal is asked by. `open` says that a call stands in the journal whose end does not, `sent_out`
    that an attempt of it may have gone out.
    """

    step: Step
    status: Literal["waiting", "running"] | _Ended = "waiting"
    began: float = 0.0
    sent: Document = attrs.field(factory=dict)
    key: str = ""
    open: bool = False
    sent_out: bool = False

    @property
    def ended(self) -> bool:
        return self.status not in ("waiting", "running")


def execute(
    plan: Plan,
    provider: Provider,
    *,
    waiter: Waiter,
    journal: Journal,
    caller: Caller,
    run: str,
    on_event: OnEvent,
) -> Report:
    """Carry out every step of a plan that can be; failures are outcomes in the report, not exceptions.

    `run` names this run in the journal. The report lacks the residue, which a look at the world afterwards tells.
    """
    return _Walk(plan, provider, waiter, journal, caller, run, on_event).go()


@attrs.define
class _Walk:
    plan: Plan
    provider: Provider
    waiter: Waiter
    journal: Journal
    caller: Caller
    run: str
    on_event: OnEvent
    counting: Counting = attrs.field(init=False)
    inquiries: Inquiries = attrs.field(init=False)
    steps: dict[str, _Running] = attrs.field(init=False)
    followers: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    outcomes: list[Outcome] = attrs.field(factory=list, init=False)
    known: dict[str, str] = attrs.field(factory=dict, init=False)
    without_credentials: str | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.counting = Counting(self.provider, self.caller)
        self.inquiries = Inquiries(self.provider, self.caller, self.plan.region, self.plan.account)
        self.steps = {step.id: _Running(step) for step in self.plan.steps}
        for step in self.plan.steps:
            for before in step.after:
                self.followers.setdefault(before, []).append(step.id)

    def go(self) -> Report:
        began = self.now()
        self.caller.on_retry = self.retried
        for running in self.steps.values():
            self.consider(running)
        while self.caller.stopped is None and (self.caller.busy or self.waiter.waiting):
            self.look()
            for done in self.caller.wait(self.waiter.next_due()):
                self.take(done)
        self.stop()
        return Report(
            plan_id=self.plan.id,
            outcomes=tuple(self.outcomes),
            calls=dict(self.caller.calls),
            throttles=self.caller.throttles,
            seconds=self.now() - began,
            interrupted_by=self.caller.stopped,
            produced=dict(self.known),
        )

    def now(self) -> float:
        return self.caller.clock.now()

    def stop(self) -> None:
        """After a signal: calls in flight finish and are told, nothing new begins."""
        if self.caller.stopped is None:
            return
        self.tell("interrupted", signal=self.caller.stopped)
        self.drop_unsent()
        while self.caller.busy:
            for done in self.caller.wait():
                self.take(done)
            self.drop_unsent()
        for running in self.steps.values():
            if not running.ended:
                self.end(running, "interrupted")

    def drop_unsent(self) -> list[Hashable]:
        """Take back what no attempt was made of."""
        dropped = self.caller.abandon()
        for key in dropped:
            if isinstance(key, _Call | _Role):
                self.steps[key.step].sent_out = False
        return dropped

    # A step from its turn to its call.

    def consider(self, running: _Running) -> None:
        """Begin, skip or drop a step, if everything it comes after has ended and no signal has come."""
        if running.status != "waiting" or self.caller.stopped is not None:
            return
        before = [self.steps[name] for name in running.step.after]
        if not all(other.ended for other in before):
            return
        broken = next((other for other in before if other.status != "done"), None)
        match running.step.when:
            case _ if self.without_credentials is not None:
                self.end(running, "skipped", because=self.without_credentials)
            case "ok" if broken is not None:
                self.end(running, "skipped", because=self.root(broken))
            case "failed" if not any(other.status == "failed" for other in before):
                self.end(running, "dropped")
            case _:
                self.begin(running)

    def root(self, running: _Running) -> str:
        """The failed step behind a chain of skipped ones."""
        return next((o.because for o in self.outcomes if o.step == running.step.id and o.because), running.step.id)

    def begin(self, running: _Running) -> None:
        running.status, running.began = "running", self.now()
        step = running.step
        self.tell("started", running, why=step.why)
        if step.call is None:
            self.wait_for(running, None)
        elif step.call == "ListJobs":
            self.counting.start(step.id, step.arguments["jobQueue"])
        else:
            running.sent = self.filled(step.arguments)
            if self.opened(running, step.call, running.sent):
                self.send(running)

    def send(self, running: _Running) -> None:
        step, facts = running.step, self.kind(running.step).facts
        assert step.call is not None
        registers = facts.revisions and step.call == facts.create
        call = partial(self.provider.call, step.call, running.sent)
        self.caller.submit(_Call(step.id), step.call, call, blind=not registers)

    def filled(self, value: Any) -> Any:
        """The arguments with what is known by now in place of references, and the time of the call."""
        match value:
            case Ref(address=address):
                return self.known[str(address)]
            case Now():
                return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds")
            case Mapping():
                return {key: self.filled(item) for key, item in value.items()}
            case list() | tuple():
                return [self.filled(item) for item in value]
            case _:
                return value

    def kind(self, step: Step) -> Kind:
        return self.provider.kinds[step.address.partition(".")[0]]

    # The journal.

    def opened(self, running: _Running, call: str, sent: Document) -> bool:
        """Write down that a call begins; where that cannot be written, the step fails and the call is not made."""
        digest = hashlib.sha256(json.dumps(sent, sort_keys=True, default=str).encode()).hexdigest()[:16]
        try:
            self.journal.begin(self.run, running.step.id, call, digest, self.now())
        except StoreError as error:
            self.fail(running, error)
            return False
        running.open = running.sent_out = True
        return True

    def closed(
        self, running: _Running, status: str, error: BatchwrightError | None = None, arn: str | None = None
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

    # Answers.

    def take(self, done: Done) -> None:
        """One answer, whatever it answers."""
        match done.key, done.error:
            case _Call(step=name), None:
                running = self.steps[name]
                self.called(running, produced(self.kind(running.step), done.result))
            case _Call(step=name), BatchwrightError() as error:
                self.refused(self.steps[name], error)
            case _Role(step=name), None:
                self.called(self.steps[name], None)
            case _Role(step=name), BatchwrightError() as error:
                self.fail(self.steps[name], error)
            case Look(step=name) as look, _:
                self.looked(self.steps[name], look, done)
            case JobPage(count=name) as page, _:
                self.counted(self.steps[name], page, done)
            case Poll() as poll, _:
                self.polled(poll, done)

    def called(self, running: _Running, arn: str | None) -> None:
        """A call of a step was done; what it brings about is waited for."""
        step = running.step
        if arn is not None:
            self.known[step.address] = arn
        if step.call == self.kind(step).facts.delete:
            self.known.pop(step.address, None)
        unwritten = self.closed(running, "done", arn=arn)
        self.tell("called", running, call=step.call)
        if unwritten is not None:
            self.fail(running, unwritten)
        else:
            self.wait_for(running, arn)

    def refused(self, running: _Running, error: BatchwrightError) -> None:
        """The call of a step failed for good, or may have been done all the same."""
        step, kind = running.step, self.kind(running.step)
        assert step.call is not None
        if isinstance(error, NotFound) and step.call == kind.facts.delete:
            self.called(running, None)
        elif not self.inquiries.start(step.id, step.call, kind, running.sent, error):
            self.fail(running, error)

    def looked(self, running: _Running, look: Look, done: Done) -> None:
        match self.inquiries.feed(done, look):
            case None:
                pass
            case Made(arn=arn):
                self.called(running, arn)
            case Undone():
                self.send(running)
            case error:
                self.fail(running, error)

    def counted(self, running: _Running, page: JobPage, done: Done) -> None:
        """One page of the jobs of a queue; the step fails as soon as one cannot be read, or once there are jobs."""
        step = running.step
        match self.counting.feed(done, page):
            case None:
                pass
            case JobCount(total=0):
                self.end(running, "done")
            case JobCount() as count:
                opens = any(self.steps[name].step.when == "failed" for name in self.followers.get(step.id, ()))
                then = "the queue takes jobs again" if opens else "the queue stays disabled"
                queue = step.arguments["jobQueue"].rpartition("/")[2]
                message = f"{queue} holds {count}, and deleting a queue ends its jobs"
                hint = f"{then}; wait for them, or cancel them, and run the same command again"
                self.fail(running, JobsFound(message, hint=hint))
            case error:
                self.fail(running, error)

    # Waits.

    def wait_for(self, running: _Running, arn: str | None) -> None:
        step = running.step
        if step.goal is None:
            self.end(running, "done")
            return
        goal = attrs.evolve(step.goal, expect=self.filled(step.goal.expect))
        running.key = self.key(running, goal, arn)
        self.waiter.add(step.id, goal, running.key, self.now())

    def key(self, running: _Running, goal: Goal, arn: str | None) -> str:
        """What the kind of a goal is asked by."""
        if not self.provider.kinds[goal.kind].facts.lookup.by_arn:
            return goal.name
        named = (value for value in running.sent.values() if isinstance(value, str) and value.startswith("arn:"))
        return arn or self.known.get(running.step.address) or next(named, goal.name)

    def look(self) -> None:
        for poll in self.waiter.due(self.now()):
            lookup = self.provider.kinds[poll.kind].facts.lookup
            self.caller.submit(poll, lookup.describe, partial(self.provider.describe, poll.kind, poll.keys))

    def polled(self, poll: Poll, done: Done) -> None:
        asked = [running for name in self.waiter.waiting if asks(running := self.steps[name], poll)]
        if done.error is not None:
            settled = self.waiter.failed(poll, self.now(), done.error)
            if not done.error.retryable:
                for running in asked:
                    self.waiter.cancel(running.step.id)
                    self.fail(running, done.error)
                return
        else:
            for running in asked:
                self.tell_seen(running, done.result)
            settled = self.waiter.answer(poll, done.result, self.now())
        for wait in settled:
            self.settled(self.steps[wait.step_id], wait)

    def tell_seen(self, running: _Running, lives: tuple[Live, ...]) -> None:
        """What a look showed of what a step waits for; neither status nor state where it is not there."""
        goal = running.step.goal
        assert goal is not None
        live = next((live for live in lives if running.key in (live.name, live.arn)), None)
        seen = {"status": live.status, "state": live.state} if live else {}
        self.tell("polled", running, kind=goal.kind, name=goal.name, **seen)

    def settled(self, running: _Running, wait: Settled) -> None:
        if wait.error is None:
            self.end(running, "done")
        elif self.role_lags(running, wait):
            self.send_role(running, wait)
        else:
            self.fail(running, wait.error)

    def role_lags(self, running: _Running, wait: Settled) -> bool:
        return (
            isinstance(wait.error, BecameInvalid)
            and "sts:AssumeRole" in wait.error.message
            and running.step.call == "CreateComputeEnvironment"
            and wait.live is not None
            and "serviceRole" in wait.live.spec
            and self.now() - running.began < ROLE_LAG
        )

    def send_role(self, running: _Running, wait: Settled) -> None:
        kind, live = self.kind(running.step), wait.live
        assert live is not None
        assert kind.facts.update is not None
        arguments = {kind.update_key: live.arn, "serviceRole": live.spec["serviceRole"]}
        if self.opened(running, kind.facts.update, arguments):
            self.tell("retried", running, error=str(wait.error), seconds=0.0, operation=kind.facts.update)
            call = partial(self.provider.call, kind.facts.update, arguments)
            self.caller.submit(_Role(running.step.id), kind.facts.update, call)

    # Ends.

    def fail(self, running: _Running, error: BatchwrightError) -> None:
        """A step has failed. Without credentials nothing else will do: what has not gone out fails alike."""
        first = isinstance(error, CredentialsExpired | CredentialsMissing) and self.without_credentials is None
        if first:
            self.without_credentials = running.step.id
        self.end(running, "failed", error=error)
        if first:
            for key in self.drop_unsent():
                self.take(Done(key, None, error, 0))

    def end(
        self, running: _Running, status: _Ended, *, error: BatchwrightError | None = None, because: str | None = None
    ) -> None:
        """A step has ended; what comes after it is considered."""
        if running.ended:
            return
        step, began = running.step, running.began if running.status == "running" else self.now()
        running.status = status
        error = self.closed(running, _journalled(running, error), error) or error
        if status != "dropped":
            self.outcomes.append(
                Outcome(
                    step=step.id,
                    address=step.address,
                    call=step.call,
                    status=status,
                    seconds=self.now() - began,
                    error=None if error is None else str(error),
                    hint=None if error is None else error.hint,
                    because=because,
                    exit_code=1 if error is None else error.exit_code,
                )
            )
        match status:
            case "done":
                self.tell("finished", running)
            case "failed" if error is not None:
                self.tell("failed", running, error=str(error), hint=error.hint)
            case "skipped":
                self.tell("skipped", running, because=because)
        for name in self.followers.get(step.id, ()):
            self.consider(self.steps[name])

    # Events.

    def tell(self, event: EventName, running: _Running | None = None, **detail: Any) -> None:
        step = running.step if running else None
        said = {key: value for key, value in detail.items() if value is not None}
        self.on_event(Event(event, self.now(), step.id if step else "", step.address if step else "", said))

    def retried(self, key: Hashable, error: BatchwrightError, seconds: float) -> None:
        """A `Caller` will repeat an attempt: of a step, or of a look that serves several."""
        name = key.count if isinstance(key, JobPage) else getattr(key, "step", "")
        operation = error.operation if isinstance(error, CallError) else None
        self.tell("retried", self.steps.get(name), error=str(error), seconds=round(seconds, 1), operation=operation)


def asks(running: _Running, poll: Poll) -> bool:
    goal = running.step.goal
    return goal is not None and goal.kind == poll.kind and running.key in poll.keys


def _journalled(running: _Running, error: BatchwrightError | None) -> str:
    """What became of a call that is still open as its step ends."""
    if not running.sent_out:
        return "unsent"
    return "unknown" if error is None or isinstance(error, AnswerLost | ServerFault) else "failed"
