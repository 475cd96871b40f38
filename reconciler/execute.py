"""Carrying out a plan: the only place from which anything is changed.

One coordinator owns all state. A step begins when everything it comes after has ended; its call goes through the
`Caller`, its goal to the `Waiter`, and whoever waits holds no worker. Downstream of a failure a step is skipped, and
says because of what. Every call that changes something stands in the journal before it goes out.

What each answer means is settled here: a delete of what is gone has succeeded; a create of what exists has, when it is
our own half-made object; a registration whose answer was lost is looked for before it is repeated; an environment that
cannot assume a role made seconds ago is told its role again.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import attrs

from plans.normalise import unmet
from plans.plan import Goal, Now, Plan, Step
from plans.report import Event, EventName, Outcome, Report, Status
from providers.errors import (
    AlreadyExists,
    AnswerLost,
    BatchwrightError,
    BecameInvalid,
    CallError,
    JobsFound,
    NotFound,
    ServerFault,
)
from providers.kinds import Kind
from providers.provider import Page, Provider, produced
from providers.resources import (
    ADDRESS_TAG,
    DIGEST_TAG,
    REGISTERED_TAG,
    STACK_TAG,
    Document,
    JobCount,
    Live,
    Ref,
)
from reconciler.counting import Counting, JobPage
from reconciler.journal import Journal
from reconciler.retry import Caller, Done
from reconciler.waiter import Poll, Settled, Waiter

STALENESS = 10.0
"""Seconds after which a registration whose answer was lost is looked for: a new revision may take a while to show."""

ROLE_LAG = 120.0
"""Seconds after a create during which a role may not be visible to Batch yet; hashicorp/terraform-provider-aws allows
two minutes for the propagation of IAM."""

REGISTRATIONS = 3

OnEvent = Callable[[Event], None]


@attrs.frozen
class _Call:
    """The call of a step."""

    step: str


@attrs.frozen
class _Look:
    """A look at whether the call of a step was done after all; `number` keeps looks of several pages apart."""

    step: str
    number: int = 0


@attrs.frozen
class _Roles:
    """The role of an environment, sent again."""

    step: str


@attrs.define
class _Running:
    """One step on its way."""

    step: Step
    status: Literal["waiting", "running", "done", "failed", "skipped", "dropped", "interrupted"] = "waiting"
    began: float = 0.0
    sent: Document = attrs.field(factory=dict)
    registrations: int = 0
    seen: list[Live] = attrs.field(factory=list)

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
    walk = _Walk(plan, provider, waiter, journal, caller, run, on_event, Counting(provider, caller))
    return walk.go()


@attrs.define
class _Walk:
    plan: Plan
    provider: Provider
    waiter: Waiter
    journal: Journal
    caller: Caller
    run: str
    on_event: OnEvent
    counting: Counting
    steps: dict[str, _Running] = attrs.field(init=False)
    followers: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    outcomes: list[Outcome] = attrs.field(factory=list, init=False)
    known: dict[str, str] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.steps = {step.id: _Running(step) for step in self.plan.steps}
        for step in self.plan.steps:
            for before in step.after:
                self.followers.setdefault(before, []).append(step.id)

    def go(self) -> Report:
        began = self.caller.clock.now()
        for running in tuple(self.steps.values()):
            self.consider(running)
        while self.caller.stopped is None and (self.caller.busy or self.waiter.waiting):
            self.look()
            for done in self.caller.wait(self.waiter.next_due()):
                self.take(done)
        self.stop()
        clock = self.caller.clock
        return Report(
            plan_id=self.plan.id,
            outcomes=tuple(self.outcomes),
            calls=dict(self.caller.calls),
            throttles=self.caller.throttles,
            seconds=clock.now() - began,
            interrupted_by=self.caller.stopped,
            produced=dict(self.known),
        )

    def stop(self) -> None:
        """After a signal: calls in flight finish and are told, nothing new begins."""
        if self.caller.stopped is None:
            return
        self.caller.abandon()
        self.tell("interrupted", signal=self.caller.stopped)
        while self.caller.busy:
            for done in self.caller.wait():
                self.take(done)
            self.caller.abandon()
        for running in self.steps.values():
            if not running.ended:
                self.end(running, "interrupted")

    def consider(self, running: _Running) -> None:
        """Begin, skip or drop a step, if everything it comes after has ended."""
        if running.status != "waiting":
            return
        before = [self.steps[name] for name in running.step.after]
        if not all(other.ended for other in before):
            return
        broken = next((other for other in before if other.status != "done"), None)
        match running.step.when:
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
        if self.caller.stopped is not None:
            return
        running.status, running.began = "running", self.caller.clock.now()
        step = running.step
        self.tell("started", running, why=step.why)
        if step.call is None:
            self.wait_for(running, None)
        elif step.call == "ListJobs":
            self.counting.start(step.id, step.arguments["jobQueue"])
        else:
            running.sent = self.filled(step.arguments)
            digest = hashlib.sha256(json.dumps(running.sent, sort_keys=True, default=str).encode()).hexdigest()[:16]
            self.journal.begin(self.run, step.id, step.call, digest, running.began)
            self.send(running)

    def send(self, running: _Running, at: float | None = None) -> None:
        step = running.step
        assert step.call is not None
        call = partial(self.provider.call, step.call, running.sent)
        self.caller.submit(_Call(step.id), step.call, call, blind=not self.kind(step).facts.revisions, at=at)

    def filled(self, value: Any) -> Any:
        """The arguments with what is known by now in place of references, and the time of the call."""
        match value:
            case Ref(address=address):
                return self.known[str(address)]
            case Now():
                moment = datetime.fromtimestamp(self.caller.clock.now(), UTC)
                return moment.isoformat(timespec="milliseconds")
            case Mapping():
                return {key: self.filled(item) for key, item in value.items()}
            case list() | tuple():
                return [self.filled(item) for item in value]
            case _:
                return value

    def kind(self, step: Step) -> Kind:
        return self.provider.kinds[step.address.partition(".")[0]]

    def look(self) -> None:
        for poll in self.waiter.due(self.caller.clock.now()):
            lookup = self.provider.kinds[poll.kind].facts.lookup
            self.caller.submit(poll, lookup.describe, partial(self.provider.describe, poll.kind, poll.keys))

    def take(self, done: Done) -> None:
        """One answer, whatever it answers."""
        key: Hashable = done.key
        match key:
            case _Call(step=name):
                running = self.steps[name]
                if done.error is None:
                    self.called(running, done.result)
                else:
                    self.refused(running, done.error)
            case _Look(step=name):
                self.looked(self.steps[name], key, done)
            case _Roles(step=name):
                if done.error is not None:
                    self.fail(self.steps[name], done.error)
                else:
                    self.wait_for(self.steps[name], None)
            case JobPage(count=name):
                self.counted(self.steps[name], key, done)
            case Poll():
                self.polled(key, done)

    def called(self, running: _Running, answer: Mapping[str, Any], arn: str | None = None) -> None:
        """The call of a step was done."""
        step = running.step
        arn = arn or produced(self.kind(step), answer)
        if arn is not None:
            self.known[step.address] = arn
        self.journal.end(self.run, step.id, "done", self.caller.clock.now(), arn=arn)
        self.tell("called", running, call=step.call)
        self.wait_for(running, arn)

    def wait_for(self, running: _Running, arn: str | None) -> None:
        step = running.step
        if step.goal is None:
            self.end(running, "done")
            return
        goal = attrs.evolve(step.goal, expect=self.filled(step.goal.expect))
        self.waiter.add(step.id, goal, self.key(running, goal, arn), self.caller.clock.now())

    def key(self, running: _Running, goal: Goal, arn: str | None) -> str:
        """What the kind of a goal is asked by."""
        if not self.provider.kinds[goal.kind].facts.lookup.by_arn:
            return goal.name
        named = (value for value in running.sent.values() if isinstance(value, str) and value.startswith("arn:"))
        return arn or self.known.get(running.step.address) or next(named, goal.name)

    def refused(self, running: _Running, error: BatchwrightError) -> None:
        """The call of a step failed for good, or may have been done all the same."""
        step, facts = running.step, self.kind(running.step).facts
        match error:
            case NotFound() if step.call == facts.delete:
                self.called(running, {})
            case AlreadyExists() if step.call == facts.create and self.find_own(running):
                pass
            case AnswerLost() | ServerFault() if step.call == facts.create and facts.revisions:
                running.registrations += 1
                running.seen.clear()
                self.page(running, _Look(step.id), None, self.caller.clock.now() + STALENESS)
            case _:
                self.journal.end(self.run, step.id, "failed", self.caller.clock.now(), error=str(error))
                self.fail(running, error)

    def find_own(self, running: _Running) -> bool:
        """Look at what holds the name; False where the kind is asked by an ARN that cannot be told."""
        kind = self.kind(running.step)
        name = running.sent[kind.name_member]
        if kind.facts.lookup.by_arn:
            if self.plan.account is None:
                return False
            partition = self.provider.client.meta.partition
            name = kind.arn(name, partition, self.plan.region, self.plan.account)
        call = partial(self.provider.describe, kind.name, (name,))
        self.caller.submit(_Look(running.step.id), kind.facts.lookup.describe, call)
        return True

    def page(self, running: _Running, key: _Look, token: str | None, at: float | None = None) -> None:
        """One page of the revisions among which a registration may be found."""
        kind = self.kind(running.step)
        call = partial(self.provider.revisions, kind.name, running.sent[kind.name_member], token)
        self.caller.submit(key, kind.facts.lookup.listing, call, at=at)

    def looked(self, running: _Running, key: _Look, done: Done) -> None:
        step, kind = running.step, self.kind(running.step)
        if done.error is not None:
            self.journal.end(self.run, step.id, "unknown", self.caller.clock.now(), error=str(done.error))
            self.fail(running, done.error)
            return
        if isinstance(done.result, Page):
            running.seen += done.result.lives
            if done.result.token is not None:
                self.page(running, attrs.evolve(key, number=key.number + 1), done.result.token)
                return
            self.searched(running)
            return
        own = next((live for live in done.result if self.is_own(running, live, kind)), None)
        if own is not None:
            self.called(running, {}, own.arn)
            return
        error = AlreadyExists(
            f"{running.sent[kind.name_member]} exists already and is not what this plan makes",
            hint="somebody made it meanwhile: plan again",
            operation=step.call or "",
        )
        self.journal.end(self.run, step.id, "failed", self.caller.clock.now(), error=str(error))
        self.fail(running, error)

    def is_own(self, running: _Running, live: Live, kind: Kind) -> bool:
        """Whether a live object is what this step makes: our tags, and the content that was sent."""
        sent = running.sent
        tags = sent["tags"]
        if any(live.tags.get(key) != tags[key] for key in (STACK_TAG, ADDRESS_TAG)):
            return False
        if live.status == "DELETING":
            return False
        return not unmet({member: sent[member] for member in kind.spec.members if member in sent}, live, kind)

    def searched(self, running: _Running) -> None:
        """All revisions are read: the registration is among them, or it is made once more."""
        tags = running.sent["tags"]
        for live in running.seen:
            if all(live.tags.get(key) == tags[key] for key in (STACK_TAG, ADDRESS_TAG, DIGEST_TAG, REGISTERED_TAG)):
                self.called(running, {}, live.arn)
                return
        if running.registrations < REGISTRATIONS:
            self.send(running)
            return
        error = AnswerLost(
            f"{running.registrations} registrations went out and none was answered",
            hint="run the same command again",
            operation=running.step.call or "",
        )
        self.journal.end(self.run, running.step.id, "unknown", self.caller.clock.now(), error=str(error))
        self.fail(running, error)

    def counted(self, running: _Running, page: JobPage, done: Done) -> None:
        if isinstance(done.error, NotFound):
            done = attrs.evolve(done, result=(0, None), error=None)
        if done.error is not None:
            if not running.ended:
                self.fail(running, done.error)
            return
        count: JobCount | None = self.counting.feed(done, page)
        if count is None:
            return
        if not count.total:
            self.end(running, "done")
            return
        goal = running.step.goal
        name = goal.name if goal else ""
        self.fail(
            running,
            JobsFound(
                f"{name} holds {count}, and deleting a queue ends its jobs",
                hint="the queue takes jobs again; wait for them, or cancel them, and run the same command again",
            ),
        )

    def polled(self, poll: Poll, done: Done) -> None:
        now = self.caller.clock.now()
        if done.error is None:
            for live in done.result:
                self.tell("polled", name=live.name, kind=live.kind, status=live.status, state=live.state)
            settled = self.waiter.answer(poll, done.result, now)
        elif done.error.retryable:
            settled = self.waiter.failed(poll, now, done.error)
        else:
            asked = [name for name in self.waiter.waiting if self.asks(name, poll)]
            self.waiter.failed(poll, now, done.error)
            for name in asked:
                self.waiter.cancel(name)
                self.fail(self.steps[name], done.error)
            settled = []
        for wait in settled:
            self.settled(wait, now)

    def asks(self, name: str, poll: Poll) -> bool:
        goal = self.steps[name].step.goal
        return goal is not None and goal.kind == poll.kind

    def settled(self, wait: Settled, now: float) -> None:
        running = self.steps[wait.step_id]
        if wait.error is None:
            self.end(running, "done")
        elif self.role_lags(running, wait, now):
            kind = self.kind(running.step)
            assert wait.live is not None
            assert kind.facts.update is not None
            arguments = {kind.update_key: wait.live.arn, "serviceRole": wait.live.spec["serviceRole"]}
            call = partial(self.provider.call, kind.facts.update, arguments)
            self.caller.submit(_Roles(wait.step_id), kind.facts.update, call)
        else:
            self.fail(running, wait.error)

    def role_lags(self, running: _Running, wait: Settled, now: float) -> bool:
        return (
            isinstance(wait.error, BecameInvalid)
            and "sts:AssumeRole" in wait.error.message
            and running.step.call == "CreateComputeEnvironment"
            and wait.live is not None
            and "serviceRole" in wait.live.spec
            and now - running.began < ROLE_LAG
        )

    def fail(self, running: _Running, error: BatchwrightError) -> None:
        self.end(running, "failed", error=error)

    def end(
        self,
        running: _Running,
        status: Literal["done", "failed", "skipped", "dropped", "interrupted"],
        *,
        error: BatchwrightError | None = None,
        because: str | None = None,
    ) -> None:
        """A step has ended; what comes after it is considered."""
        if running.ended:
            return
        step, began = running.step, running.began or self.caller.clock.now()
        running.status = status
        if status != "dropped":
            told: Status = status
            self.outcomes.append(
                Outcome(
                    step=step.id,
                    address=step.address,
                    call=step.call,
                    status=told,
                    seconds=self.caller.clock.now() - began,
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

    def tell(self, event: EventName, running: _Running | None = None, **detail: Any) -> None:
        step = running.step if running else None
        said = {key: value for key, value in detail.items() if value is not None}
        at = self.caller.clock.now()
        self.on_event(Event(event, at, step.id if step else "", step.address if step else "", said))


def retried(on_event: OnEvent, now: Callable[[], float]) -> Callable[[Hashable, BatchwrightError, float], None]:
    """A listener for a `Caller` that tells each repeat as an event."""

    def tell(key: Hashable, error: BatchwrightError, seconds: float) -> None:
        step = getattr(key, "step", "")
        detail = {"error": str(error), "seconds": round(seconds, 1)}
        if isinstance(error, CallError):
            detail["operation"] = error.operation
        on_event(Event("retried", now(), step, step.partition(":")[2], detail))

    return tell
