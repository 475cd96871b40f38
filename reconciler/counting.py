"""Counting the unfinished jobs of a queue: one listing a status, all statuses at once, stopped at a bound."""

from functools import partial

import attrs

from providers.errors import BatchwrightError, NotFound
from providers.provider import UNFINISHED, Provider
from providers.resources import JobCount
from reconciler.retry import Caller, Done

BOUND = 1000


@attrs.frozen
class JobPage:
    """Names one call of a count: which count, which status, and how many jobs the pages before it held."""

    count: str
    queue: str
    status: str
    before: int = 0


@attrs.define
class Counting:
    """The counts under way, by the name they were started under."""

    provider: Provider
    caller: Caller
    _open: dict[str, set[str]] = attrs.field(factory=dict, init=False)
    _found: dict[str, dict[str, int]] = attrs.field(factory=dict, init=False)
    _more: set[str] = attrs.field(factory=set, init=False)

    def start(self, count: str, queue: str) -> None:
        """Begin a count of the jobs in a queue, given by its ARN."""
        self._open[count] = set(UNFINISHED)
        self._found[count] = dict.fromkeys(UNFINISHED, 0)
        self._more.discard(count)
        for status in UNFINISHED:
            self._ask(JobPage(count, queue, status), None)

    def feed(self, done: Done, page: JobPage) -> JobCount | BatchwrightError | None:
        """Take one answer; the count once it is complete, or the first error, which ends it.

        A queue that is gone holds no jobs.
        """
        if page.count not in self._open:
            return None
        if done.error is not None and not isinstance(done.error, NotFound):
            del self._open[page.count]
            return done.error
        found, token = (0, None) if done.error else done.result
        total = page.before + found
        self._found[page.count][page.status] = min(total, BOUND)
        if token is not None and total < BOUND:
            self._ask(attrs.evolve(page, before=total), token)
            return None
        if token is not None or total > BOUND:
            self._more.add(page.count)
        self._open[page.count].discard(page.status)
        if self._open[page.count]:
            return None
        del self._open[page.count]
        return JobCount(self._found[page.count], page.count in self._more)

    def _ask(self, page: JobPage, token: str | None) -> None:
        self.caller.submit(page, "ListJobs", partial(self.provider.jobs, page.queue, page.status, token))
