"""Emptying: seeing to it that a queue, or a quota share, holds no unfinished job when it is deleted.

It was disabled before, so that no job arrives. Then its jobs are listed whatever their status: where they are one page,
that page is all there is (API_ListJobs.html). Where there are more, since those that ended in the last days are among
them, they are listed status after status in the order that jobs go through, so that none slips from one to the next in
between; where none is found, those statuses are listed once more between which a job that is tried again goes back
(API_RetryStrategy.html).

What is found bars the way, is waited for, or is ended first, as the step says. Jobs are ended as they are listed, page
by page, so that no more than a page is held, and as many in a call as the service takes. An array ends with all its
children, a multi-node job with all its nodes (API_CancelJob.html, API_TerminateJob.html). The children of an array are
not listed: as long as one has not ended, the array has not (https://docs.aws.amazon.com/batch/latest/userguide/
array_jobs.html).
"""

import random
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from plans.jobs import emptying, held, mode
from plans.plan import Goal
from providers.errors import (
    AccessDenied,
    AnswerLost,
    BatchwrightError,
    JobsFound,
    NotFound,
    Retiring,
    ServerFault,
    UnknownOperation,
)
from providers.provider import Provider
from providers.resources import DrainMode, JobCount, JobList
from reconciler.counting import BOUND, children_of, status_of
from reconciler.draining import Seen
from reconciler.retry import Caller, Done
from reconciler.telling import Running, Teller
from reconciler.waiter import Spacing

TOGETHER = 50
"""How many jobs one call ends at most (API_CancelJobs.html, API_TerminateJobs.html, API_TerminateServiceJobs.html)."""

_NOT_STARTED = ("SUBMITTED", "PENDING", "RUNNABLE")
_A_PAGE = 1.0
"""A listing of many pages is not begun again before so many seconds for each have passed."""


@attrs.frozen
class EmptyingCall:
    """Names one call: for which step, in which of its rounds, and which jobs it ends; none where it lists."""

    step: str
    round: int
    ends: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it is one that stands in the journal."""
        return bool(self.ends)


@attrs.define(eq=False)
class _Emptying:
    """One queue, or quota share.

    `wholly` is whether a round begins with all jobs whatever their status. Of a round: `statuses` are those still to be
    listed, None being all of them, `found`, `children` and `more` what was found, `pages` how many there were, `sure`
    that nothing found is nothing there. Of a page: `token` leads to the next one, `unended` are its jobs that are
    still to be ended, `ended` is how many of them were.
    """

    running: Running
    goal: Goal
    jobs: JobList
    mode: DrainMode
    deadline: float
    together: bool
    wholly: bool
    round: int = 0
    statuses: list[str | None] = attrs.field(factory=list)
    found: dict[str, int] = attrs.field(factory=dict)
    children: int = 0
    more: bool = False
    pages: int = 0
    sure: bool = False
    token: str | None = None
    unended: list[str] = attrs.field(factory=list)
    ended: int = 0
    failure: str = ""

    @property
    def step(self) -> str:
        return self.running.step.id

    @property
    def count(self) -> JobCount:
        return JobCount(self.found, self.more, children=self.children)

    @property
    def ending(self) -> str:
        """The call that ends jobs: for several, or for each."""
        assert self.running.step.call is not None
        return f"{self.running.step.call}s" if self.together else self.running.step.call

    def to_be_ended(self, items: Sequence[Mapping[str, Any]]) -> list[str]:
        """The jobs of a page that this step ends and that were not told to end before."""
        if self.mode == "terminate":
            return [item["jobId"] for item in items if not item.get("isTerminated")]
        if self.mode == "cancel":
            waiting = [item for item in items if (self.statuses[0] or status_of(item)) in _NOT_STARTED]
            return [item["jobId"] for item in waiting if not (item.get("isCancelled") or item.get("isTerminated"))]
        return []


@attrs.define
class Emptyings:
    """What is being emptied, by the step that does so. Each of them always has a call queued."""

    provider: Provider
    caller: Caller
    teller: Teller
    rng: random.Random
    spacing: Spacing = Spacing()
    _open: dict[str, _Emptying] = attrs.field(factory=dict, init=False)

    def start(self, running: Running) -> None:
        """Begin with a step of `plans.jobs.emptying`."""
        step, jobs = running.step, emptying(running.step)
        assert jobs is not None
        assert step.goal is not None
        assert step.call is not None
        made = _Emptying(
            running=running,
            goal=step.goal,
            jobs=jobs,
            mode=mode(step),
            deadline=self.caller.clock.now() + step.goal.deadline,
            together=self.provider.knows(f"{step.call}s"),
            wholly=jobs.wholly,
        )
        self._open[step.id] = made
        self._begin_round(made)

    def feed(self, done: Done, call: EmptyingCall) -> list[Seen]:
        """Take one answer; what it showed: how many jobs are left, and whether that was the end.

        The end is an error where jobs bar the way (JobsFound), or have not ended in time (Retiring).
        """
        own = self._open.get(call.step)
        if own is None or call.round != own.round:
            return []
        match done.error:
            case None if call.changes:
                return self._told_to_end(own, call, done.result)
            case None:
                return self._listed(own, *done.result)
            case NotFound() if not call.changes:
                return [self._over(own, jobs=0)]
            case error if call.changes:
                return self._not_told(own, call, error)
            case error:
                return self._failed(own, error)

    # Listing.

    def _begin_round(self, own: _Emptying, at: float | None = None) -> None:
        own.round += 1
        own.statuses, own.found = [None] if own.wholly else [*own.jobs.statuses], {}
        own.children, own.more, own.sure, own.pages = 0, False, False, 0
        self._list(own, at=at)

    def _list(self, own: _Emptying, token: str | None = None, at: float | None = None) -> None:
        call = partial(self.provider.jobs, own.jobs, own.statuses[0], token)
        self.caller.submit(EmptyingCall(own.step, own.round), own.jobs.operation, call, at=at)

    def _listed(self, own: _Emptying, items: Sequence[Mapping[str, Any]], token: str | None) -> list[Seen]:
        status = own.statuses[0]
        own.pages += 1
        if status is None and token is not None:
            own.wholly, own.statuses = False, [*own.jobs.statuses]
            self._list(own)
            return []
        own.sure |= status is None
        for each in items:
            name = status or status_of(each)
            own.found[name] = own.found.get(name, 0) + 1
        own.children += children_of(items)
        own.token, own.unended, own.ended = token, own.to_be_ended(items), 0
        if own.mode == "refuse" and status is not None and own.found.get(status, 0) > BOUND:
            own.found[status], own.more, own.token = BOUND, True, None
        return self._go_on(own)

    def _go_on(self, own: _Emptying) -> list[Seen]:
        """End the jobs of this page, list the next one, or the next status, or see what was found."""
        if own.unended:
            return self._end_some(own)
        if own.ended:
            self.teller.event("called", own.running, call=own.ending, ended=own.ended)
        if own.token is not None:
            self._list(own, own.token)
            return []
        own.statuses.pop(0)
        if not own.statuses and not own.count.total and not own.sure:
            own.sure, own.statuses = True, list(own.jobs.statuses[own.jobs.statuses.index("RUNNABLE") :])
        if own.statuses:
            self._list(own)
            return []
        if not own.count.total:
            return [self._over(own, jobs=0)]
        if own.mode == "refuse":
            return [self._over(own, JobsFound(held(own.goal.kind, own.goal.name, own.count)), own.count.total)]
        own.failure = ""
        return self._put_off(own)

    def _put_off(self, own: _Emptying) -> list[Seen]:
        """Look again later, or give up once the deadline has passed."""
        now, left = self.caller.clock.now(), own.count.total if not own.failure else None
        if now >= own.deadline:
            return [self._over(own, _retiring(own), left)]
        waited = now - (own.deadline - own.goal.deadline)
        space = max(self.spacing.after(waited, self.rng), own.pages * _A_PAGE if own.pages > 10 else 0.0)
        self._begin_round(own, min(now + space, own.deadline))
        return [] if left is None else [Seen(own.step, left)]

    def _failed(self, own: _Emptying, error: BatchwrightError) -> list[Seen]:
        """A failure that passes is outlived until the deadline."""
        if not error.retryable or own.mode == "refuse":
            return [self._over(own, error)]
        own.failure = str(error)
        return self._put_off(own)

    def _over(self, own: _Emptying, error: BatchwrightError | None = None, jobs: int | None = None) -> Seen:
        del self._open[own.step]
        return Seen(own.step, jobs, over=True, error=error)

    # Ending.

    def _end_some(self, own: _Emptying) -> list[Seen]:
        size = TOGETHER if own.together else 1
        some, own.unended = tuple(own.unended[:size]), own.unended[size:]
        reason = own.running.step.arguments["reason"]
        operation = own.ending
        arguments = {"jobs": list(some)} if own.together else {"jobId": some[0]}
        arguments["reason"] = reason
        unwritten = self.teller.call_begins(own.running, operation, arguments)
        if unwritten is not None:
            return [self._over(own, unwritten)]
        call = partial(self.provider.call, operation, arguments)
        self.caller.submit(EmptyingCall(own.step, own.round, some), operation, call)
        return []

    def _told_to_end(self, own: _Emptying, call: EmptyingCall, answer: Mapping[str, Any]) -> list[Seen]:
        """Some jobs were told to end, of which a call for several may have left out some; they are met again."""
        errors = answer.get("errors") or ()
        denied = next((error for error in errors if error.get("code") == "AccessDenied"), None)
        if denied is not None:
            message = f"{denied.get('job')}: {denied.get('message')}"
            return [self._over(own, AccessDenied(message, hint=_PERMIT, operation=own.running.step.call or ""))]
        own.ended += len(call.ends) - len(errors)
        unwritten = self.teller.call_ended(own.running, "done")
        return [self._over(own, unwritten)] if unwritten is not None else self._go_on(own)

    def _not_told(self, own: _Emptying, call: EmptyingCall, error: BatchwrightError) -> list[Seen]:
        """A job that is gone has ended. An endpoint that does not know the call for several is asked for each."""
        if isinstance(error, UnknownOperation) and own.together:
            own.together, own.unended = False, [*call.ends, *own.unended]
        elif not (error.retryable or isinstance(error, NotFound)):
            return [self._over(own, error)]
        unwritten = self.teller.call_ended(own.running, _left_as(error), error)
        if unwritten is not None:
            return [self._over(own, unwritten)]
        return self._failed(own, error) if error.retryable else self._go_on(own)


def _left_as(error: BatchwrightError) -> str:
    """What became of a call that told jobs to end, as the journal has it."""
    if isinstance(error, NotFound):
        return "done"
    return "unknown" if isinstance(error, AnswerLost | ServerFault) else "failed"


_PERMIT = "the IAM policy must allow the call for these jobs"


def _retiring(own: _Emptying) -> Retiring:
    seconds = f"{own.goal.deadline:.0f} s"
    if own.failure:
        words = f"whether {own.goal.name} still holds jobs could not be found out within {seconds} ({own.failure})"
    else:
        words = f"{own.goal.name} still holds {own.count} after {seconds}"
    hint = "run the same command again: it goes on where this stopped"
    if own.mode != "terminate":
        hint += "; --drain terminate, or drain of its block where that says any, ends what is left"
    return Retiring(f"{words}; it stays disabled", hint=hint)
