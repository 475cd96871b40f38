"""What an answer means for the step that it answers: whether that is over, and what it waits for where it is not.

A delete of what is gone has succeeded; of a call that may have been done without saying so `inquiry` finds out; an
environment that cannot assume a role made seconds ago is told its role again. What is waited for is looked at by
`looking`, a job is tried by `trial`, and the jobs of a queue that goes are `emptying`'s.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Literal

import attrs

from plans.jobs import HINT
from plans.meanwhile import Sent
from plans.plan import Goal, Plan, Step
from providers.errors import AlreadyExists, BatchwrightError, BecameInvalid, JobsFound, NotFound
from providers.kinds import Kind
from providers.provider import Provider, produced
from providers.resources import EMPTY
from reconciler.arguments import filled
from reconciler.draining import Draining, DrainLook, Seen
from reconciler.emptying import EmptyingCall, Emptyings
from reconciler.inquiry import Inquiries, Look, Made, Undone
from reconciler.looking import Looks
from reconciler.rechecking import Rechecks
from reconciler.retry import Caller, Done
from reconciler.telling import Running, Teller
from reconciler.trial import TrialCall, TrialLook, Trials, Tried
from reconciler.waiter import Poll, Settled, Waiter

ROLE_LAG = 120.0
"""Seconds after a create during which a role may not be visible to Batch yet; hashicorp/terraform-provider-aws allows
two minutes for the propagation of IAM."""


@attrs.frozen
class StepCall:
    """The call of a step."""

    step: str


@attrs.frozen
class RoleCall:
    """The role of an environment, sent again."""

    step: str


@attrs.frozen
class Over:
    """A step is over; one that is done may have an `error` too, where that could not be written down."""

    running: Running
    status: Literal["done", "failed"]
    error: BatchwrightError | None = None


@attrs.frozen
class Again:
    """The call of a step was not done, and is to go out again."""

    running: Running


Meaning = Over | Again


@attrs.define
class Answers:
    """Reads the answers of one run. `followers` are the steps that come after a step, and `known` is what steps have
    produced by now: ARNs by address, and under `ADDRESS#uuid` that of an environment.

    Every meaning is to be acted on before the next is taken.
    """

    plan: Plan
    provider: Provider
    waiter: Waiter
    caller: Caller
    teller: Teller
    steps: Mapping[str, Running]
    followers: Mapping[str, list[str]]
    rechecks: Rechecks
    known: dict[str, str] = attrs.field(factory=dict, init=False)
    trials: Trials = attrs.field(init=False)
    emptyings: Emptyings = attrs.field(init=False)
    _inquiries: Inquiries = attrs.field(init=False)
    _draining: Draining = attrs.field(init=False)
    _looks: Looks = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._looks = Looks(self.provider, self.caller, self.waiter, self.teller, self.steps)
        self._inquiries = Inquiries(self.provider, self.caller, self.plan.region, self.plan.account)
        self.trials = Trials(self.provider, self.caller, self.teller, self.waiter.spacing)
        self._draining = Draining(self.provider, self.caller, self.waiter.rng, self.waiter.spacing)
        self.emptyings = Emptyings(self.provider, self.caller, self.teller, self.waiter.rng, self.waiter.spacing)

    @property
    def waiting(self) -> bool:
        """Whether there will be something to look at."""
        return bool(self.waiter.waiting or self.trials.waiting)

    def next_due(self) -> float | None:
        """When there is next something to look at."""
        times = (self.waiter.next_due(), self.trials.next_due())
        return min((time for time in times if time is not None), default=None)

    def look(self) -> None:
        """Look at all that is due."""
        self._looks.take()
        self.trials.look()

    def kind(self, step: Step) -> Kind:
        return self.provider.kinds[step.address.partition(".")[0]]

    def sent(self, running: Running) -> Sent:
        """What the call of a step says, and is to bring about."""
        step = running.step
        assert step.call is not None
        own = step.goal is not None and step.goal.kind == self.kind(step).name
        expect = filled(step.goal.expect, self.known, self._now()) if own and step.goal is not None else EMPTY
        return Sent(step.call, running.sent, expect)

    def read(self, done: Done) -> Iterator[Meaning]:
        """What one answer means, whatever it answers; nothing where there is more to wait for."""
        match done.key, done.error:
            case StepCall(step=name), None:
                running = self.steps[name]
                yield from self._called(running, produced(self.kind(running.step), done.result))
            case StepCall(step=name), BatchwrightError() as error:
                yield from self._refused(self.steps[name], error)
            case RoleCall(step=name), None:
                yield from self._go_on(self.steps[name], None)
            case RoleCall(step=name), BatchwrightError() as error:
                yield Over(self.steps[name], "failed", error)
            case Look(step=name) as look, _:
                yield from self._looked(self.steps[name], look, done)
            case TrialCall() | TrialLook() as call, _:
                yield from self._tried(self.trials.feed(done, call))
            case DrainLook() as look, _:
                yield from self._drained(self._draining.feed(done, look))
            case EmptyingCall() as call, _:
                yield from self._drained(self.emptyings.feed(done, call))
            case Poll() as poll, _:
                yield from self._polled(poll, done)

    # The call of a step.

    def _called(self, running: Running, arn: str | None) -> Iterator[Meaning]:
        """A call of a step was done; what it brings about is waited for."""
        step = running.step
        if arn is not None and (step.call == self.kind(step).facts.create or step.address not in self.known):
            self.known[step.address] = arn
        if step.call == self.kind(step).facts.delete and self.known.get(step.address) in running.sent.values():
            del self.known[step.address]
        if step.call is not None:
            self.rechecks.did(self.sent(running), arn)
        self.teller.event("called", running, call=step.call)
        yield from self._go_on(running, arn)

    def _go_on(self, running: Running, arn: str | None) -> Iterator[Meaning]:
        """What was called is written down, and waited for."""
        unwritten = self.teller.call_ended(running, "done" if running.sent_out else "unsent", arn=arn)
        if unwritten is not None:
            yield Over(running, "failed", unwritten)
        else:
            yield from self.wait_for(running, arn)

    def _refused(self, running: Running, error: BatchwrightError) -> Iterator[Meaning]:
        """The call of a step failed for good, or may have been done all the same."""
        step, kind = running.step, self.kind(running.step)
        assert step.call is not None
        if isinstance(error, NotFound) and step.call == kind.facts.delete:
            yield from self._called(running, None)
        elif isinstance(error, NotFound) and step.when == "always":
            yield Over(running, "done", self.teller.call_ended(running, "done"))
        elif not self._inquiries.start(step.id, step.call, kind, running.sent, error):
            yield Over(running, "failed", error)

    def _looked(self, running: Running, look: Look, done: Done) -> Iterator[Meaning]:
        match self._inquiries.feed(done, look):
            case None:
                pass
            case Made(arn=arn):
                yield from self._called(running, arn)
            case Undone():
                yield Again(running)
            case AlreadyExists() as error:
                yield Over(running, "failed", error)
            case error:
                yield Over(running, "failed", self.teller.call_ended(running, "unknown", error) or error)

    def _tried(self, trials: Iterable[Tried]) -> Iterator[Meaning]:
        """Trials that are over: nothing goes on after one that failed."""
        for trial in trials:
            yield Over(self.steps[trial.step], "done" if trial.error is None else "failed", trial.error)

    # What is waited for.

    def wait_for(self, running: Running, arn: str | None) -> Iterator[Meaning]:
        """Begin to wait for the goal of a step, which is over where it has none."""
        step = running.step
        if step.goal is None:
            yield Over(running, "done")
            return
        if step.goal.kind == "compute_environment" and step.goal.until == "drained":
            self._draining.start(step.id, step.goal.name, step.goal.deadline)
            return
        goal = attrs.evolve(step.goal, expect=filled(step.goal.expect, self.known, self._now()))
        running.key = self._key(running, goal, arn)
        self.waiter.add(step.id, goal, running.key, self._now())

    def _key(self, running: Running, goal: Goal, arn: str | None) -> str:
        """What the kind of a goal is asked by: what the step names, which may be an old one beside a new one."""
        if not self.provider.kinds[goal.kind].facts.lookup.by_arn:
            return goal.name
        named = (value for value in running.sent.values() if isinstance(value, str) and value.startswith("arn:"))
        return arn or next(named, None) or self.known.get(running.step.address) or goal.name

    def _polled(self, poll: Poll, done: Done) -> Iterator[Meaning]:
        for running, seen in self._looks.feed(poll, done):
            if isinstance(seen, Settled):
                yield from self._settled(running, seen)
            else:
                yield Over(running, "failed", seen)

    def _drained(self, shown: Iterable[Seen]) -> Iterator[Meaning]:
        """What was seen of environments that drain, and of queues and quota shares that are emptied."""
        for seen in shown:
            running = self.steps[seen.step]
            goal = running.step.goal
            assert goal is not None
            if seen.jobs is not None:
                self.teller.event("polled", running, kind=goal.kind, name=goal.name, jobs=seen.jobs)
            if isinstance(seen.error, JobsFound):
                opens = any(self.steps[name].step.when == "failed" for name in self.followers.get(seen.step, ()))
                then = "it is enabled again" if opens else "it stays disabled"
                yield Over(running, "failed", attrs.evolve(seen.error, hint=f"{then}; {HINT}"))
            elif seen.error is not None:
                yield Over(running, "failed", seen.error)
            elif seen.over:
                yield Over(running, "done")

    def _settled(self, running: Running, wait: Settled) -> Iterator[Meaning]:
        if wait.live is not None:
            if running.step.call == self.kind(running.step).facts.create:
                self.rechecks.made(wait.live, self.sent(running))
            else:
                self.rechecks.saw(wait.live)
        if wait.error is None:
            if wait.live is not None and running.step.call == self.kind(running.step).facts.create:
                self.known[f"{running.step.address}#uuid"] = wait.live.uuid
            yield Over(running, "done")
        elif self._role_lags(running, wait):
            yield from self._send_role(running, wait)
        else:
            yield Over(running, "failed", wait.error)

    def _role_lags(self, running: Running, wait: Settled) -> bool:
        return (
            isinstance(wait.error, BecameInvalid)
            and "sts:AssumeRole" in wait.error.message
            and running.step.call == "CreateComputeEnvironment"
            and wait.live is not None
            and "serviceRole" in wait.live.spec
            and self._now() - running.began < ROLE_LAG
        )

    def _send_role(self, running: Running, wait: Settled) -> Iterator[Meaning]:
        kind, live = self.kind(running.step), wait.live
        assert live is not None
        assert kind.facts.update is not None
        arguments = {kind.update_key: live.arn, "serviceRole": live.spec["serviceRole"]}
        unwritten = self.teller.call_begins(running, kind.facts.update, arguments)
        if unwritten is not None:
            yield Over(running, "failed", unwritten)
            return
        self.teller.event(
            "retried", running, error=str(wait.error), seconds=0.0, operation=kind.facts.update, resent=True
        )
        call = partial(self.provider.call, kind.facts.update, arguments)
        self.caller.submit(RoleCall(running.step.id), kind.facts.update, call)

    def _now(self) -> float:
        return self.caller.clock.now()
