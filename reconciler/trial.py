"""Trial jobs: a job is submitted to show that jobs run, and must succeed before anything else is done.

SubmitJob takes no client token, so the same request sent twice is two jobs. Hence a job of the same name and with our
tags is looked for first: one of a run that was killed is taken, unless it failed; so is one that could not be ended
and goes on, though the revision that it tries was deregistered since. After an answer that was lost it is
looked for again, once it has had time to show.

A trial that is not done in time is ended before its step fails. What is told of it then is `verdict`'s; of a job that
waits for a host the line of its queue is looked at for that, if that may be. The jobs of a trial that nobody goes
on with are ended too: such a step looks for them in the same way, and submits none.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal, TypeVar

import attrs

from plans.plan import Goal
from providers.errors import (
    AccessDenied,
    AnswerLost,
    BatchwrightError,
    CredentialsExpired,
    CredentialsMissing,
    DeadlinePassed,
    NotFound,
    ServerFault,
)
from providers.provider import JOB, PAGE, Page, Provider
from providers.resources import DIGEST_TAG, Document, Live, Ref
from reconciler.inquiry import STALENESS
from reconciler.retry import Caller, Done
from reconciler.telling import Running, Teller
from reconciler.verdict import failure, first_before, late
from reconciler.waiter import Poll, Settled, Spacing, Waiter

_E = TypeVar("_E", bound=BatchwrightError)

SUBMISSIONS = 3
_LINE = "GetJobQueueSnapshot"
_OVER = ("SUCCEEDED", "FAILED")


@attrs.frozen
class TrialCall:
    """One call for the trial of a step: to `list` and `read` jobs like its own, submit one, see it in line, end it."""

    step: str
    does: Literal["list", "read", "submit", "line", "end"]

    @property
    def changes(self) -> bool:
        """Whether it is one that stands in the journal."""
        return self.does in ("submit", "end")


@attrs.frozen
class TrialLook:
    """One look at the jobs of several trials."""

    poll: Poll


@attrs.frozen
class Tried:
    """A trial that is over: its job has succeeded, or there is an error."""

    step: str
    error: BatchwrightError | None = None


@attrs.define(eq=False)
class _Trial:
    """`before` are jobs that were there before we submitted one; `lost` is what became of a submission in doubt.

    `seen` is the job at the last look, `unseen` the error of that, `verdict` is why the job is being ended; `left` are
    jobs of a trial that nobody goes on with, which are yet to be ended.
    """

    running: Running
    goal: Goal
    unread: list[str] = attrs.field(factory=list)
    read: list[Live] = attrs.field(factory=list)
    before: set[str] = attrs.field(factory=set)
    submissions: int = 0
    lost: BatchwrightError | None = None
    job: str = ""
    seen: Live | None = None
    unseen: BatchwrightError | None = None
    verdict: DeadlinePassed | None = None
    left: list[str] = attrs.field(factory=list)

    @property
    def step(self) -> str:
        return self.running.step.id

    @property
    def abandoned(self) -> bool:
        return self.goal.until == "gone"

    @property
    def told(self) -> str:
        """How the job is called in messages."""
        return f"the trial job {self.goal.name} ({self.job})"


@attrs.define
class Trials:
    """The trials of a run, by their steps. Jobs are looked at as `spacing` says, all of them in one call."""

    provider: Provider
    caller: Caller
    teller: Teller
    spacing: Spacing = Spacing()
    _trials: dict[str, _Trial] = attrs.field(factory=dict, init=False)
    _waiter: Waiter = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._waiter = Waiter(self.caller.rng, lambda _goal, _live: (), {JOB: PAGE}, self.spacing)

    @property
    def waiting(self) -> bool:
        """Whether the end of a job is waited for."""
        return bool(self._waiter.waiting)

    def next_due(self) -> float | None:
        """When `look` has something to look at."""
        return self._waiter.next_due()

    def start(self, running: Running) -> None:
        """Begin the trial of a step whose arguments are filled in.

        In a queue that was not made by this run there may be a job that does not show yet.
        """
        goal = running.step.goal
        assert goal is not None
        trial = self._trials[running.step.id] = _Trial(running, goal)
        made = isinstance(running.step.arguments["jobQueue"], Ref)
        self._list(trial, at=None if made else self._now() + STALENESS)

    def look(self) -> None:
        """Look at the jobs that are due."""
        for poll in self._waiter.due(self._now()):
            assert poll.keys is not None
            self.caller.submit(TrialLook(poll), "DescribeJobs", partial(self.provider.describe_jobs, poll.keys))

    def feed(self, done: Done, call: TrialCall | TrialLook) -> list[Tried]:
        """Take one answer; the trials that it ended."""
        if isinstance(call, TrialLook):
            return self._polled(call.poll, done)
        trial = self._trials[call.step]
        match call.does, done.error:
            case "end", error if trial.abandoned:
                return self._left_ended(trial, error)
            case "end", error:
                return self._job_ended(trial, error)
            case _, NotFound() if trial.abandoned:
                return [Tried(trial.step)]
            case "submit", None:
                return self._submitted(trial, done.result["jobId"], done.result.get("jobArn"))
            case "submit", AnswerLost() | ServerFault() as error:
                trial.lost = error
                self._list(trial, at=self._now() + STALENESS)
                return []
            case "line", error:
                return self._judge(trial, None if error else first_before(trial.job, done.result))
            case "list", None:
                return self._listed(trial, done.result)
            case "read", None:
                trial.read += done.result
                return self._read_on(trial)
        assert done.error is not None
        return [self._over(trial, _permitting(done.error))]

    # Is there such a job already?

    def _list(self, trial: _Trial, token: str | None = None, at: float | None = None) -> None:
        sent = trial.running.sent
        call = partial(self.provider.jobs_named, sent["jobQueue"], sent["jobName"], token)
        self.caller.submit(TrialCall(trial.step, "list"), "ListJobs", call, at=at)

    def _listed(self, trial: _Trial, page: Page) -> list[Tried]:
        trial.unread += page.keys
        if page.token is not None:
            self._list(trial, page.token)
            return []
        return self._read_on(trial)

    def _read_on(self, trial: _Trial) -> list[Tried]:
        """Read the jobs that were listed, a call's worth at a time: a listing shows no tags."""
        some, trial.unread = trial.unread[:PAGE], trial.unread[PAGE:]
        if some:
            call = partial(self.provider.describe_jobs, some)
            self.caller.submit(TrialCall(trial.step, "read"), "DescribeJobs", call)
            return []
        sent, fresh = trial.running.sent, [live for live in trial.read if live.name not in trial.before]
        own = [live for live in fresh if _is_one(live, sent)]
        if trial.abandoned:
            trial.left = [live.name for live in own if live.status not in _OVER]
            return self._end_left(trial)
        own += [live for live in fresh if live not in own and _goes_on(live, sent)]
        newest = max(own, key=lambda live: int(live.spec["createdAt"]), default=None)
        trial.before |= {live.name for live in trial.read}
        trial.read = []
        if newest is not None and (trial.lost is not None or newest.status != "FAILED"):
            return self._take(trial, newest)
        return self._submit(trial)

    def _take(self, trial: _Trial, live: Live) -> list[Tried]:
        """A job that is there is the one: of an earlier run, or of a submission whose answer was lost."""
        if trial.lost is not None and (over := self._submitted(trial, live.name, live.arn)):
            return over
        if trial.lost is None:
            self._wait_for(trial, live.name)
        return self._seen(trial, live)

    # Submission.

    def _submit(self, trial: _Trial) -> list[Tried]:
        running = trial.running
        if trial.submissions == SUBMISSIONS:
            message = f"{SUBMISSIONS} submissions went out and none was done; of the last: {trial.lost}"
            lost = AnswerLost(message, hint="run the same command again", operation="SubmitJob")
            return [self._over(trial, lost)]
        if trial.submissions == 0:
            unwritten = self.teller.call_begins(running, "SubmitJob", running.sent)
            if unwritten is not None:
                return [Tried(trial.step, unwritten)]
        trial.submissions, trial.lost = trial.submissions + 1, None
        call = partial(self.provider.call, "SubmitJob", running.sent)
        self.caller.submit(TrialCall(trial.step, "submit"), "SubmitJob", call, blind=False)
        return []

    def _submitted(self, trial: _Trial, job: str, arn: str | None) -> list[Tried]:
        self.teller.event("called", trial.running, call="SubmitJob", job=job)
        unwritten = self.teller.call_ended(trial.running, "done", arn=arn)
        if unwritten is not None:
            return [Tried(trial.step, unwritten)]
        self._wait_for(trial, job)
        return []

    # Its end.

    def _wait_for(self, trial: _Trial, job: str) -> None:
        trial.job = job
        self._waiter.add(trial.step, trial.goal, job, self._now())

    def _polled(self, poll: Poll, done: Done) -> list[Tried]:
        keys = poll.keys or ()
        asked = [trial for step in self._waiter.waiting if (trial := self._trials[step]).job in keys]
        for trial in asked:
            trial.unseen = done.error
        if done.error is not None:
            settled = self._waiter.failed(poll, self._now(), done.error)
            if not done.error.retryable:
                return [self._over(trial, _permitting(done.error)) for trial in asked]
            return self._settled(settled)
        found = {live.name: live for live in done.result}
        over = [tried for trial in asked for tried in self._seen(trial, found.get(trial.job))]
        return over + self._settled(self._waiter.answer(poll, done.result, self._now()))

    def _seen(self, trial: _Trial, live: Live | None) -> list[Tried]:
        """What a look at the job of a trial showed; it may show that this was the last one."""
        status = None if live is None else live.status
        self.teller.event("polled", trial.running, kind=JOB, name=trial.goal.name, job=trial.job, status=status)
        if live is None or status not in _OVER:
            return []
        return [self._over(trial, None if status == "SUCCEEDED" else failure(trial.told, live))]

    def _settled(self, settled: Sequence[Settled]) -> list[Tried]:
        """Trials whose time is up; what ended otherwise was seen to."""
        return [tried for wait in settled for tried in self._give_up(self._trials[wait.step_id], wait)]

    def _give_up(self, trial: _Trial, wait: Settled) -> list[Tried]:
        trial.seen = wait.live
        if wait.live is None or wait.live.status != "RUNNABLE" or not self.provider.knows(_LINE):
            return self._judge(trial)
        call = partial(self.provider.call, _LINE, {"jobQueue": trial.running.sent["jobQueue"]})
        self.caller.submit(TrialCall(trial.step, "line"), _LINE, call)
        return []

    def _judge(self, trial: _Trial, first: str | None = None) -> list[Tried]:
        trial.verdict = late(trial.told, trial.seen, trial.goal.deadline, trial.unseen, first)
        return self._terminate(trial, f"batchwright: no success within {trial.goal.deadline:.0f} s")

    def _terminate(self, trial: _Trial, reason: str) -> list[Tried]:
        arguments = {"jobId": trial.job, "reason": reason}
        unwritten = self.teller.call_begins(trial.running, "TerminateJob", arguments)
        if unwritten is not None:
            verdict = trial.verdict
            return [Tried(trial.step, unwritten if verdict is None else _with(unwritten, verdict.message))]
        call = partial(self.provider.call, "TerminateJob", arguments)
        self.caller.submit(TrialCall(trial.step, "end"), "TerminateJob", call)
        return []

    def _job_ended(self, trial: _Trial, error: BatchwrightError | None) -> list[Tried]:
        """The job of a trial that failed was ended, or goes on."""
        assert trial.verdict is not None
        if isinstance(error, CredentialsExpired | CredentialsMissing):
            return [Tried(trial.step, _with(error, trial.verdict.message))]
        verdict = _with(trial.verdict, "it was ended" if error is None else f"it could not be ended: {error}")
        if error is None:
            self.teller.event("called", trial.running, call="TerminateJob", job=trial.job)
            status = "done"
        else:
            status = _left_as(error)
        return [Tried(trial.step, self.teller.call_ended(trial.running, status, error) or verdict)]

    def _end_left(self, trial: _Trial) -> list[Tried]:
        """End the next of the jobs that nobody waits for."""
        if not trial.left:
            return [Tried(trial.step)]
        trial.job = trial.left.pop()
        return self._terminate(trial, trial.running.sent["reason"])

    def _left_ended(self, trial: _Trial, error: BatchwrightError | None) -> list[Tried]:
        """A job that nobody waits for was ended; else nothing that tells of it may go."""
        if error is None:
            self.teller.event("called", trial.running, call="TerminateJob", job=trial.job)
            unwritten = self.teller.call_ended(trial.running, "done")
            return self._end_left(trial) if unwritten is None else [Tried(trial.step, unwritten)]
        return [Tried(trial.step, self.teller.call_ended(trial.running, _left_as(error), error) or _permitting(error))]

    def _over(self, trial: _Trial, error: BatchwrightError | None = None) -> Tried:
        """Nothing of the trial is waited for any more; of a submission in doubt nothing was found out."""
        self._waiter.cancel(trial.step)
        status = "failed" if trial.lost is None else "unknown"
        return Tried(trial.step, self.teller.call_ended(trial.running, status, error) or error)

    def _now(self) -> float:
        return self.caller.clock.now()


def _is_one(live: Live, sent: Document) -> bool:
    """Whether a job is of this definition, and carries the tags that tell whose it is and what it tries.

    A definition is named by its ARN; one without a revision is whatever revision there is of it.
    """
    of_definition = f"{live.spec.get('jobDefinition')}:".startswith(f"{sent['jobDefinition']}:")
    return of_definition and sent["tags"].items() <= live.tags.items()


def _goes_on(live: Live, sent: Document) -> bool:
    """Whether an unfinished job tries the same content in another revision, as the digest among its tags tells."""
    family = f"{str(sent['jobDefinition']).rpartition(':')[0]}:"
    return (
        live.status not in _OVER
        and DIGEST_TAG in sent["tags"]
        and str(live.spec.get("jobDefinition")).startswith(family)
        and sent["tags"].items() <= live.tags.items()
    )


def _left_as(error: BatchwrightError) -> str:
    """What became of a call that failed, as the journal has it."""
    return "unknown" if isinstance(error, AnswerLost | ServerFault) else "failed"


def _permitting(error: BatchwrightError) -> BatchwrightError:
    """The error, which says what permission is missing if it is for want of one."""
    if not isinstance(error, AccessDenied):
        return error
    return attrs.evolve(error, hint=f"the IAM policy must allow batch:{error.operation}")


def _with(error: _E, more: str) -> _E:
    return attrs.evolve(error, message=f"{error.message}; {more}")
