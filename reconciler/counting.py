"""Counting the unfinished jobs that a plan disturbs, stopped at a bound.

One page of all jobs, whatever their status, tells of a queue that had few of late. Where that is not all, there is one
listing a status, all of them at once. What is counted so is for a plan to show. Before anything is deleted `emptying`
looks again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from providers.errors import AccessDenied, NotFound, UnknownOperation
from providers.provider import Provider
from providers.resources import JobCount, JobList, Unread
from reconciler.observe import answers
from reconciler.retry import Caller

BOUND = 1000
"""Of one status so many jobs are counted at most."""


@attrs.frozen
class _Page:
    """One page of a listing, and how many jobs the pages before it held; of all statuses where it names none."""

    whose: str
    status: str | None
    before: int = 0


@attrs.define
class _Tally:
    jobs: JobList
    by_status: dict[str, int]
    more: bool = False
    children: int = 0
    began: float | None = None
    unread: Unread | None = None

    def take(self, page: _Page, items: Sequence[Mapping[str, Any]], following: str | None) -> bool:
        """Count one page; whether the next is needed."""
        total = page.before + len(items)
        if page.status is None:
            self.by_status |= Counter(status_of(item) for item in items)
        else:
            self.by_status[page.status] = min(total, BOUND)
        self.more |= total > BOUND
        self.children += children_of(items[: max(0, BOUND - page.before)])
        running = [item for item in items if (page.status or status_of(item)) == "RUNNING"]
        times = [item["startedAt"] / 1000 for item in running if item.get("startedAt")]
        self.began = min([*times, *([] if self.began is None else [self.began])], default=None)
        return following is not None and total <= BOUND


def status_of(item: Mapping[str, Any]) -> str:
    """The status that a summary shows."""
    return str(item.get("status"))


def children_of(items: Sequence[Mapping[str, Any]]) -> int:
    """How many jobs the arrays among these summaries hold (API_ArrayPropertiesSummary.html)."""
    return sum((item.get("arrayProperties") or {}).get("size") or 0 for item in items)


def count(
    provider: Provider, caller: Caller, needed: Iterable[JobList], told: Iterable[JobList] = ()
) -> dict[str, JobCount | Unread]:
    """The unfinished jobs of each list, by the ARN of what holds them; what is gone holds none.

    Of those that are only `told` it may be that they cannot be read; any other failure is raised, and Interrupted where
    a signal comes.
    """
    others = {jobs.whose: jobs for jobs in told}
    wanted = others | {jobs.whose: jobs for jobs in needed}
    tallies = {whose: _Tally(jobs, dict.fromkeys(jobs.statuses, 0)) for whose, jobs in wanted.items()}

    def ask(tally: _Tally, page: _Page, token: str | None = None) -> None:
        caller.submit(page, tally.jobs.operation, partial(provider.jobs, tally.jobs, page.status, token))

    def ask_each(whose: str, tally: _Tally) -> None:
        for status in tally.jobs.statuses:
            ask(tally, _Page(whose, status))

    for whose, tally in tallies.items():
        if tally.jobs.wholly:
            ask(tally, _Page(whose, None))
        else:
            ask_each(whose, tally)
    for done in answers(caller):
        page: Any = done.key
        tally = tallies[page.whose]
        match done.error:
            case None:
                items, following = done.result
                if page.status is None and following is not None:
                    ask_each(page.whose, tally)
                elif tally.take(page, items, following):
                    ask(tally, attrs.evolve(page, before=page.before + len(items)), following)
            case NotFound():
                pass
            case AccessDenied() | UnknownOperation() as error if page.whose in others:
                tally.unread = Unread(str(error))
            case error:
                raise error
    now = caller.clock.now()
    return {whose: tally.unread or _counted(tally, now) for whose, tally in tallies.items()}


def _counted(tally: _Tally, now: float) -> JobCount:
    longest = None if tally.began is None else max(0.0, round(now - tally.began))
    return JobCount(tally.by_status, tally.more, longest, children=tally.children)
