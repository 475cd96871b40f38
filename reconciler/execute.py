"""Carrying out a plan: the only place from which anything is changed.

One coordinator owns all state. A step begins when everything it comes after has ended; its call goes through the
`Caller`, its goal to the `Waiter`, and whoever waits holds no worker. Downstream of a failure a step is skipped, and
says because of what. Every call that changes something stands in the journal before it goes out.

What each answer means is settled here: a delete of what is gone has succeeded; of a call that may have been done
without saying so `inquiry` finds out; an environment that cannot assume a role made seconds ago is told its role
again; credentials that end take everything with them that has not begun. What is waited for is looked at by
`looking`, a job is tried by `trial`, and the jobs of a queue that goes are `emptying`'s.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import cast

import attrs

from plans.jobs import HINT, emptying
from plans.meanwhile import Sent
from plans.plan import Goal, Plan, Step
from plans.report import Report
from providers.errors import (
    AlreadyExists,
    BatchwrightError,
    BecameInvalid,
    ChangedMeanwhile,
    CredentialsExpired,
    CredentialsMissing,
    JobsFound,
    LockLost,
    NotFound,
)
from providers.kinds import Kind
from providers.provider import Provider, produced
from providers.resources import EMPTY, Live
from reconciler.arguments import fillable, filled, with_token
from reconciler.draining import Draining, DrainLook, Seen
from reconciler.durations import rows, still_to_go
from reconciler.emptying import EmptyingCall, Emptyings
from reconciler.inquiry import Inquiries, Look, Made, Undone
from reconciler.journal import Journal
from reconciler.lock import Lock, NoLock
from reconciler.looking import Looks
from reconciler.rechecking import Call, Rechecks
from reconciler.retry import NOT_NEEDED, Caller, Done
from reconciler.telling import Ended, OnEvent, Running, Teller
from reconciler.trial import TrialCall, TrialLook, Trials, Tried
from reconciler.waiter import Poll, Settled, Waiter

ROLE_LAG = 120.0
"""Seconds after a create during which a role may not be visible to Batch yet; hashicorp/terraform-provider-aws allows
two minutes for the propagation of IAM."""


_UNLOCKED = NoLock()


@attrs.frozen
class _Call:
    """The call of a step."""

    step: str


@attrs.frozen
class _Role:
    """The role of an environment, sent again."""

    step: str


def execute(
    plan: Plan,
    provider: Provider,
    *,
    waiter: Waiter,
    journal: Journal,
    caller: Caller,
    run: str,
    on_event: OnEvent,
    tokens: Mapping[tuple[str, str], str] = MappingProxyType({}),
    lock: Lock = _UNLOCKED,
    seen: Iterable[Live] = (),
) -> Report:
    """Carry out every step of a plan that can be; failures are outcomes in the report, not exceptions.

    `run` names this run in the journal. `tokens` are the client tokens of calls of earlier runs that may have been
    done, by step and digest of the arguments: the same call goes out with the same token again. `lock` is tended
    meanwhile, and once it is lost nothing is changed any more; where it keeps nobody out, what is to be changed is
    looked at again and must be as it was `seen` when the plan was made. The report lacks the residue, which a look at
    the world afterwards tells.
    """
    steps = {step.id: Running(step) for step in plan.steps}
    teller = Teller(journal, run, steps, caller.clock.now, on_event, rows(plan))
    rechecks = Rechecks(provider, plan.stack, seen) if lock.looks else None
    return _Walk(plan, provider, waiter, caller, teller, steps, tokens, lock, rechecks).go()


@attrs.define
class _Walk:
    plan: Plan
    provider: Provider
    waiter: Waiter
    caller: Caller
    teller: Teller
    steps: Mapping[str, Running]
    tokens: Mapping[tuple[str, str], str]
    lock: Lock
    rechecks: Rechecks | None
    inquiries: Inquiries = attrs.field(init=False)
    draining: Draining = attrs.field(init=False)
    emptyings: Emptyings = attrs.field(init=False)
    looks: Looks = attrs.field(init=False)
    trials: Trials = attrs.field(init=False)
    followers: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    urgency: Mapping[str, float] = attrs.field(init=False)
    known: dict[str, str] = attrs.field(factory=dict, init=False)
    futile: str | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.looks = Looks(self.provider, self.caller, self.waiter, self.teller, self.steps)
        self.inquiries = Inquiries(self.provider, self.caller, self.plan.region, self.plan.account)
        self.trials = Trials(self.provider, self.caller, self.teller, self.waiter.spacing)
        self.draining = Draining(self.provider, self.caller, self.waiter.rng, self.waiter.spacing)
        self.emptyings = Emptyings(self.provider, self.caller, self.teller, self.waiter.rng, self.waiter.spacing)
        for step in self.plan.steps:
            for before in step.after:
                self.followers.setdefault(before, []).append(step.id)
        self.urgency = still_to_go(self.plan)

    def go(self) -> Report:
        began = self.now()
        self.caller.on_retry, self.caller.fence = self.teller.retried, self.lock.lost
        for running in self.steps.values():
            self.consider(running)
        while self.caller.stopped is None and (self.caller.busy or self.waiter.waiting or self.trials.waiting):
            self.lock.tend()
            self.looks.take()
            self.trials.look()
            for done in self.caller.wait(self.next_due()):
                self.take(done)
        self.stop()
        self.caller.fence = None
        return Report(
            plan_id=self.plan.id,
            outcomes=tuple(self.teller.outcomes),
            calls=dict(self.caller.calls),
            throttles=self.caller.throttles,
            seconds=self.now() - began,
            interrupted_by=self.caller.stopped,
            produced={address: arn for address, arn in self.known.items() if "#" not in address},
        )

    def now(self) -> float:
        return self.caller.clock.now()

    def next_due(self) -> float | None:
        """When there is next something to look at."""
        rest = self.lock.rest()
        tending = None if rest is None else self.now() + rest * self.caller.clock.speed
        times = (self.waiter.next_due(), self.trials.next_due(), tending)
        return min((time for time in times if time is not None), default=None)

    def stop(self) -> None:
        """After a signal: calls in flight finish and are told, nothing new begins."""
        if self.caller.stopped is None:
            return
        self.teller.event("interrupted", signal=self.caller.stopped)
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
            self.unsent(key)
        return dropped

    def unsent(self, key: Hashable) -> None:
        """Nothing went out of a call that stands in the journal, if it does."""
        if isinstance(key, _Call | _Role) or (isinstance(key, TrialCall | EmptyingCall) and key.changes):
            self.steps[key.step].sent_out = False

    # A step from its turn to its call.

    def consider(self, running: Running) -> None:
        """Begin, skip or drop a step, if everything it comes after has ended and no signal has come.

        What cleans up is dropped where nothing was made that it could clean up.
        """
        if running.status != "waiting" or self.caller.stopped is not None:
            return
        before = [self.steps[name] for name in running.step.after]
        if not all(other.ended for other in before):
            return
        broken = next((other for other in before if other.status != "done"), None)
        match running.step.when:
            case _ if self.futile is not None:
                self.end(running, "skipped", because=self.futile)
            case "ok" if broken is not None:
                self.end(running, "skipped", because=self.teller.root(broken))
            case "always" if not fillable(running.step.arguments, self.known):
                self.end(running, "dropped")
            case "failed" if not any(other.status == "failed" for other in before):
                self.end(running, "dropped")
            case _:
                self.begin(running)

    def begin(self, running: Running) -> None:
        running.status, running.began = "running", self.now()
        step = running.step
        self.teller.event("started", running, why=step.why)
        if step.call is None:
            running.sent = filled(step.arguments, self.known, self.now())
            self.wait_for(running, None)
        elif emptying(step) is not None:
            self.emptyings.start(running)
        elif step.call in ("SubmitJob", "TerminateJob"):
            running.sent = filled(step.arguments, self.known, self.now())
            self.trials.start(running)
        else:
            said = filled(step.arguments, self.known, self.now())
            running.sent, running.token = with_token(said, step.id, self.tokens, self.caller.rng)
            unwritten = self.teller.call_begins(running, step.call, running.sent)
            if unwritten is not None:
                self.fail(running, unwritten)
            else:
                self.send(running)

    def send(self, running: Running) -> None:
        step, facts = running.step, self.kind(running.step).facts
        assert step.call is not None
        registers = facts.revisions and step.call == facts.create
        before: Sequence[str] = ()
        call = cast(Call, partial(self.provider.call, step.call, running.sent))
        if self.rechecks is not None:
            before, call = self.rechecks.guarded(step, self.kind(step), self.sent(running), call)
        urgency = self.urgency.get(step.id, 0.0)
        self.caller.submit(_Call(step.id), step.call, call, blind=not registers, before=before, urgency=urgency)

    def sent(self, running: Running) -> Sent:
        """What the call of a step says, and is to bring about."""
        step = running.step
        assert step.call is not None
        own = step.goal is not None and step.goal.kind == self.kind(step).name
        expect = filled(step.goal.expect, self.known, self.now()) if own and step.goal is not None else EMPTY
        return Sent(step.call, running.sent, expect)

    def kind(self, step: Step) -> Kind:
        return self.provider.kinds[step.address.partition(".")[0]]

    # Answers.

    def take(self, done: Done) -> None:
        """One answer, whatever it answers."""
        if (isinstance(done.error, LockLost) and not done.attempts) or (
            isinstance(done.error, ChangedMeanwhile) and done.attempts == 1
        ):
            self.unsent(done.key)
        match done.key, done.error:
            case _Call(step=name), None:
                running = self.steps[name]
                if done.result is NOT_NEEDED and done.attempts == 1:
                    self.unsent(done.key)
                self.called(running, produced(self.kind(running.step), done.result))
            case _Call(step=name), BatchwrightError() as error:
                self.refused(self.steps[name], error)
            case _Role(step=name), None:
                self.go_on(self.steps[name], None)
            case _Role(step=name), BatchwrightError() as error:
                self.fail(self.steps[name], error)
            case Look(step=name) as look, _:
                self.looked(self.steps[name], look, done)
            case TrialCall() | TrialLook() as call, _:
                self.tried(self.trials.feed(done, call))
            case DrainLook() as look, _:
                self.drained(self.draining.feed(done, look))
            case EmptyingCall() as call, _:
                self.drained(self.emptyings.feed(done, call))
            case Poll() as poll, _:
                self.polled(poll, done)

    def called(self, running: Running, arn: str | None) -> None:
        """A call of a step was done; what it brings about is waited for."""
        step = running.step
        if arn is not None and (step.call == self.kind(step).facts.create or step.address not in self.known):
            self.known[step.address] = arn
        if step.call == self.kind(step).facts.delete and self.known.get(step.address) in running.sent.values():
            del self.known[step.address]
        if self.rechecks is not None and step.call is not None:
            self.rechecks.did(self.sent(running), arn)
        self.teller.event("called", running, call=step.call)
        self.go_on(running, arn)

    def go_on(self, running: Running, arn: str | None) -> None:
        """What was called is written down, and waited for."""
        unwritten = self.teller.call_ended(running, "done" if running.sent_out else "unsent", arn=arn)
        if unwritten is not None:
            self.fail(running, unwritten)
        else:
            self.wait_for(running, arn)

    def refused(self, running: Running, error: BatchwrightError) -> None:
        """The call of a step failed for good, or may have been done all the same."""
        step, kind = running.step, self.kind(running.step)
        assert step.call is not None
        if isinstance(error, NotFound) and step.call == kind.facts.delete:
            self.called(running, None)
        elif isinstance(error, NotFound) and step.when == "always":
            self.end(running, "done", self.teller.call_ended(running, "done"))
        elif not self.inquiries.start(step.id, step.call, kind, running.sent, error):
            self.fail(running, error)

    def looked(self, running: Running, look: Look, done: Done) -> None:
        match self.inquiries.feed(done, look):
            case None:
                pass
            case Made(arn=arn):
                self.called(running, arn)
            case Undone():
                self.send(running)
            case AlreadyExists() as error:
                self.fail(running, error)
            case error:
                self.fail(running, self.teller.call_ended(running, "unknown", error) or error)

    def tried(self, trials: Iterable[Tried]) -> None:
        """Trials that are over: nothing goes on after one that failed."""
        for trial in trials:
            running = self.steps[trial.step]
            if trial.error is None:
                self.end(running, "done")
            else:
                self.fail(running, trial.error)

    # Waits.

    def wait_for(self, running: Running, arn: str | None) -> None:
        step = running.step
        if step.goal is None:
            self.end(running, "done")
            return
        if step.goal.kind == "compute_environment" and step.goal.until == "drained":
            self.draining.start(step.id, step.goal.name, step.goal.deadline)
            return
        goal = attrs.evolve(step.goal, expect=filled(step.goal.expect, self.known, self.now()))
        running.key = self.key(running, goal, arn)
        self.waiter.add(step.id, goal, running.key, self.now())

    def key(self, running: Running, goal: Goal, arn: str | None) -> str:
        """What the kind of a goal is asked by: what the step names, which may be an old one beside a new one."""
        if not self.provider.kinds[goal.kind].facts.lookup.by_arn:
            return goal.name
        named = (value for value in running.sent.values() if isinstance(value, str) and value.startswith("arn:"))
        return arn or next(named, None) or self.known.get(running.step.address) or goal.name

    def polled(self, poll: Poll, done: Done) -> None:
        for running, seen in self.looks.feed(poll, done):
            if isinstance(seen, Settled):
                self.settled(running, seen)
            else:
                self.fail(running, seen)

    def drained(self, shown: Iterable[Seen]) -> None:
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
                self.fail(running, attrs.evolve(seen.error, hint=f"{then}; {HINT}"))
            elif seen.error is not None:
                self.fail(running, seen.error)
            elif seen.over:
                self.end(running, "done")

    def settled(self, running: Running, wait: Settled) -> None:
        if wait.live is not None and self.rechecks is not None:
            if running.step.call == self.kind(running.step).facts.create:
                self.rechecks.made(wait.live, self.sent(running))
            else:
                self.rechecks.saw(wait.live)
        if wait.error is None:
            if wait.live is not None and running.step.call == self.kind(running.step).facts.create:
                self.known[f"{running.step.address}#uuid"] = wait.live.uuid
            self.end(running, "done")
        elif self.role_lags(running, wait):
            self.send_role(running, wait)
        else:
            self.fail(running, wait.error)

    def role_lags(self, running: Running, wait: Settled) -> bool:
        return (
            isinstance(wait.error, BecameInvalid)
            and "sts:AssumeRole" in wait.error.message
            and running.step.call == "CreateComputeEnvironment"
            and wait.live is not None
            and "serviceRole" in wait.live.spec
            and self.now() - running.began < ROLE_LAG
        )

    def send_role(self, running: Running, wait: Settled) -> None:
        kind, live = self.kind(running.step), wait.live
        assert live is not None
        assert kind.facts.update is not None
        arguments = {kind.update_key: live.arn, "serviceRole": live.spec["serviceRole"]}
        unwritten = self.teller.call_begins(running, kind.facts.update, arguments)
        if unwritten is not None:
            self.fail(running, unwritten)
            return
        self.teller.event(
            "retried", running, error=str(wait.error), seconds=0.0, operation=kind.facts.update, resent=True
        )
        call = partial(self.provider.call, kind.facts.update, arguments)
        self.caller.submit(_Role(running.step.id), kind.facts.update, call)

    # Ends.

    def fail(self, running: Running, error: BatchwrightError) -> None:
        """A step has failed. Without credentials or lock nothing else will do: what has not gone out fails alike."""
        first = isinstance(error, CredentialsExpired | CredentialsMissing | LockLost) and self.futile is None
        if first:
            self.futile = running.step.id
        self.end(running, "failed", error)
        if first:
            for key in self.drop_unsent():
                self.take(Done(key, None, error, 0))

    def end(
        self, running: Running, status: Ended, error: BatchwrightError | None = None, because: str | None = None
    ) -> None:
        """A step has ended; what comes after it is considered."""
        if running.ended:
            return
        self.teller.step_ended(running, status, error, because)
        for name in self.followers.get(running.step.id, ()):
            self.consider(self.steps[name])
