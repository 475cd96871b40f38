"""Carrying out a plan: the only place from which anything is changed.

One coordinator owns all state. A step begins when everything it comes after has ended; its call goes through the
`Caller`, its goal to the `Waiter`, and whoever waits holds no worker. Downstream of a failure a step is skipped, and
says because of what. Every call that changes something stands in the journal before it goes out.

What each answer means for its step says `answers`; what becomes of the others is settled here: credentials that end
take everything with them that has not begun.
"""

from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

import attrs

from plans.jobs import emptying
from plans.plan import Plan
from plans.report import Report
from providers.errors import BatchwrightError, ChangedMeanwhile, CredentialsExpired, CredentialsMissing, LockLost
from providers.provider import Provider
from providers.resources import Live
from reconciler.answers import Again, Answers, Meaning, Over, RoleCall, StepCall
from reconciler.arguments import fillable, filled, with_token
from reconciler.durations import rows, still_to_go
from reconciler.emptying import EmptyingCall
from reconciler.journal import Journal
from reconciler.lock import Lock, NoLock
from reconciler.rechecking import Rechecks
from reconciler.retry import NOT_NEEDED, Caller, Done
from reconciler.telling import Ended, OnEvent, Running, Teller
from reconciler.trial import TrialCall
from reconciler.waiter import Waiter

_UNLOCKED = NoLock()


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
    looked at again and must be as it was `seen` when the plan was made; whoever refers to what is switched off must be
    known from then in any case. The report lacks the residue, which a look at the world afterwards tells.
    """
    steps = {step.id: Running(step) for step in plan.steps}
    teller = Teller(journal, run, steps, caller.clock.now, on_event, rows(plan))
    rechecks = Rechecks(provider, plan.stack, seen, thorough=lock.looks)
    followers: dict[str, list[str]] = {}
    for step in plan.steps:
        for before in step.after:
            followers.setdefault(before, []).append(step.id)
    answers = Answers(plan, provider, waiter, caller, teller, steps, followers, rechecks)
    return _Walk(plan, provider, caller, teller, steps, followers, answers, tokens, lock, rechecks).go()


@attrs.define
class _Walk:
    plan: Plan
    provider: Provider
    caller: Caller
    teller: Teller
    steps: Mapping[str, Running]
    followers: Mapping[str, list[str]]
    answers: Answers
    tokens: Mapping[tuple[str, str], str]
    lock: Lock
    rechecks: Rechecks
    urgency: Mapping[str, float] = attrs.field(init=False)
    futile: str | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.urgency = still_to_go(self.plan)

    def go(self) -> Report:
        began = self.now()
        self.caller.on_retry, self.caller.fence = self.teller.retried, self.lock.lost
        for running in self.steps.values():
            self.consider(running)
        while self.caller.stopped is None and (self.caller.busy or self.answers.waiting):
            self.lock.tend()
            self.answers.look()
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
            produced={address: arn for address, arn in self.answers.known.items() if "#" not in address},
        )

    def now(self) -> float:
        return self.caller.clock.now()

    def next_due(self) -> float | None:
        """When there is next something to look at, or the lock to be tended."""
        rest = self.lock.rest()
        tending = None if rest is None else self.now() + rest * self.caller.clock.speed
        times = (self.answers.next_due(), tending)
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
        if isinstance(key, StepCall | RoleCall) or (isinstance(key, TrialCall | EmptyingCall) and key.changes):
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
            case "always" if not fillable(running.step.arguments, self.answers.known):
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
            running.sent = filled(step.arguments, self.answers.known, self.now())
            self.act(self.answers.wait_for(running, None))
        elif emptying(step) is not None:
            self.answers.emptyings.start(running)
        elif step.call in ("SubmitJob", "TerminateJob"):
            running.sent = filled(step.arguments, self.answers.known, self.now())
            self.answers.trials.start(running)
        else:
            said = filled(step.arguments, self.answers.known, self.now())
            running.sent, running.token = with_token(said, step.id, self.tokens, self.caller.rng)
            unwritten = self.teller.call_begins(running, step.call, running.sent)
            if unwritten is not None:
                self.fail(running, unwritten)
            else:
                self.send(running)

    def send(self, running: Running) -> None:
        step, kind = running.step, self.answers.kind(running.step)
        assert step.call is not None
        registers = kind.facts.revisions and step.call == kind.facts.create
        call = partial(self.provider.call, step.call, running.sent)
        before = self.rechecks.looks(step, kind, self.answers.sent(running))
        urgency = self.urgency.get(step.id, 0.0)
        self.caller.submit(StepCall(step.id), step.call, call, blind=not registers, before=before, urgency=urgency)

    # A step from its answers to its end.

    def take(self, done: Done) -> None:
        """One answer, whatever it answers."""
        looked = isinstance(done.error, ChangedMeanwhile) or done.result is NOT_NEEDED
        if (isinstance(done.error, LockLost) and not done.attempts) or (looked and done.attempts == 1):
            self.unsent(done.key)
        self.act(self.answers.read(done))

    def act(self, meanings: Iterable[Meaning]) -> None:
        for meaning in meanings:
            match meaning:
                case Again(running):
                    self.send(running)
                case Over(running, "failed", error) if error is not None:
                    self.fail(running, error)
                case Over(running, status, error):
                    self.end(running, status, error)

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
