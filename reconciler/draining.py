"""Draining: waiting until no job runs on a disabled environment any more.

The service says neither which jobs run on an environment nor how many. A job shows the ECS task that it runs in, whose
ARN names the cluster (`arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID`), and an environment shows the cluster that it has
for itself (https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerDetail.html and
API_ComputeEnvironmentDetail.html). Hence a scan: of every queue the jobs that are STARTING, then those RUNNING, so that
none slips from one to the other between; the children of arrays, whose parents stay PENDING, and the nodes of
multi-node jobs; and a description of each. All environments that drain at that time share it. From then on only the
jobs that were found are looked at, and when none of them runs there any more one more scan makes sure.

A job that runs in a pod shows a node and, of past attempts only, an EKS cluster, which several environments may share
(API_EksPodPropertiesDetail.html, API_EksAttemptDetail.html): which environment it runs on cannot be told. Of an
environment on EKS every job in a pod that the first scan finds counts, until that attempt has ended; what begins later
cannot have begun on an environment that was disabled before, so that a second scan would tell nothing. An ECS job that
shows no cluster yet counts likewise. An environment that has neither cluster runs nothing.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import attrs

from providers.errors import BatchwrightError, NotFound, Retiring
from providers.provider import Page, Provider
from providers.resources import Live
from reconciler.retry import Caller, Done
from reconciler.waiter import Spacing
from reconciler.whereabouts import Job, batches, described, parent_of

_KIND = "compute_environment"
_LISTED = 1000
"""Jobs of one status that a page lists at most (API_ListJobs.html)."""


@attrs.frozen
class _Environment:
    """The environment that drains."""


@attrs.frozen
class _Queues:
    """A page of all queues."""

    page: int = 0


@attrs.frozen
class _Listing:
    """A page of the jobs with one status, `by` queue, array or multi-node job."""

    by: str
    of: str
    status: str
    page: int = 0


@attrs.frozen
class _Jobs:
    """Some jobs, described."""

    ids: tuple[str, ...]


@attrs.frozen
class DrainLook:
    """Names one call: the step that it is made for, though it may serve others, its scan or round, and what it asks."""

    step: str
    number: int
    asks: _Environment | _Queues | _Listing | _Jobs


@attrs.frozen
class Seen:
    """What a look showed of a step: how many jobs still run (None: nothing new), and whether the wait is over."""

    step: str
    jobs: int | None = None
    over: bool = False
    error: BatchwrightError | None = None


@attrs.define(eq=False)
class _Drain:
    """One environment. `jobs` are those that ran there when they were found, None before the first scan."""

    step: str
    name: str
    seconds: float
    deadline: float
    live: Live | None = None
    jobs: dict[str, Job] | None = None
    round: int = 0
    unanswered: int = 0
    found: dict[str, Job] = attrs.field(factory=dict)
    failure: BatchwrightError | None = None

    @property
    def on_eks(self) -> bool:
        return self.live is not None and "eksConfiguration" in self.live.spec

    @property
    def count(self) -> int:
        """How many jobs run there; the nodes of a multi-node job are one."""
        return len({name.partition("#")[0] for name in self.jobs or ()})

    def holds(self, job: Job) -> bool | None:
        """Whether a job runs there; None where that cannot be told."""
        if not job.runs or job.in_pod != self.on_eks:
            return False
        return None if job.cluster is None or self.live is None else job.cluster == self.live.cluster

    def keeps(self, before: Job, now: Job) -> bool:
        """Whether a job that was found there still runs there; another attempt runs elsewhere."""
        held = self.holds(now)
        return before.ended == now.ended if held is None else held


@attrs.define(eq=False)
class _Scan:
    """One scan. `joinable` until its first answer: what is asked then is asked for all whom it serves."""

    number: int
    steps: list[str]
    joinable: bool = True
    described: bool = False
    unanswered: int = 0
    parents: set[str] = attrs.field(factory=set)
    ids: dict[str, None] = attrs.field(factory=dict)
    jobs: list[Job] = attrs.field(factory=list)


@attrs.define
class Draining:
    """The environments that are waited for, by the step that waits. Each of them always has a call queued."""

    provider: Provider
    caller: Caller
    rng: random.Random
    spacing: Spacing = Spacing()
    _drains: dict[str, _Drain] = attrs.field(factory=dict, init=False)
    _scan: _Scan | None = attrs.field(default=None, init=False)
    _next: list[str] = attrs.field(factory=list, init=False)
    _scans: int = attrs.field(default=0, init=False)

    def start(self, step: str, name: str, seconds: float) -> None:
        """Wait, for so many seconds at most, until no job runs on the environment of this name."""
        deadline = self.caller.clock.now() + seconds
        drain = self._drains[step] = _Drain(step, name, seconds, deadline)
        self._look(drain)

    def feed(self, done: Done, look: DrainLook) -> list[Seen]:
        """Take one answer; what it showed of the steps that it serves, those first that began first.

        A failure that passes is outlived until the deadline. An error ends the wait; at the deadline it is Retiring.
        """
        match look.asks:
            case _Environment():
                return self._environment(done, look)
            case _Jobs() if (drain := self._drains.get(look.step)) is not None and look.number == drain.round:
                return self._followed(done, drain)
            case _ if self._scan is not None and look.number == self._scan.number:
                return self._scanned(done, look, self._scan)
            case _:
                return []

    # What is looked at next.

    def _look(self, drain: _Drain, at: float | None = None) -> None:
        """Ask for the environment, for the jobs that ran there, or for a scan, whichever comes next."""
        drain.round = self._numbered()
        if drain.live is None:
            call = partial(self.provider.describe, _KIND, (drain.name,))
            operation = self.provider.kinds[_KIND].facts.lookup.describe
            self.caller.submit(DrainLook(drain.step, drain.round, _Environment()), operation, call, at=at)
        elif drain.jobs:
            drain.found.clear()
            drain.unanswered = 0
            for batch in batches(drain.jobs):
                drain.unanswered += 1
                self._describe(DrainLook(drain.step, drain.round, _Jobs(batch)), at)
        elif self._scan is None:
            self._begin_scan([drain.step], at)
        elif self._scan.joinable:
            self._scan.steps.append(drain.step)
        else:
            self._next.append(drain.step)

    def _numbered(self) -> int:
        self._scans += 1
        return self._scans

    def _begin_scan(self, steps: list[str], at: float | None = None) -> None:
        self._scan = _Scan(self._numbered(), steps)
        self._ask_queues(self._scan, _Queues(), None, at)

    def _put_off(self, drain: _Drain, failure: BatchwrightError | None = None) -> list[Seen]:
        """Look again later, or give up once the deadline has passed."""
        now = self.caller.clock.now()
        drain.failure = failure
        jobs = drain.count if drain.jobs is not None and failure is None else None
        if now >= drain.deadline:
            return [self._end(drain, _retiring(drain), jobs)]
        waited = now - (drain.deadline - drain.seconds)
        at = min(now + self.spacing.after(waited, self.rng), drain.deadline)
        self._look(drain, at)
        return [] if jobs is None else [Seen(drain.step, jobs)]

    def _end(self, drain: _Drain, error: BatchwrightError | None = None, jobs: int | None = None) -> Seen:
        del self._drains[drain.step]
        return Seen(drain.step, jobs, over=True, error=error)

    def _failed(self, drain: _Drain, error: BatchwrightError) -> list[Seen]:
        return self._put_off(drain, error) if error.retryable else [self._end(drain, error)]

    # Answers about one environment.

    def _environment(self, done: Done, look: DrainLook) -> list[Seen]:
        drain = self._drains[look.step]
        if done.error is not None:
            return self._failed(drain, done.error)
        drain.live = next((live for live in done.result if live.status != "DELETED"), None)
        if drain.live is None or (drain.live.cluster is None and not drain.on_eks):
            return [self._end(drain, jobs=0)]
        self._look(drain)
        return []

    def _followed(self, done: Done, drain: _Drain) -> list[Seen]:
        if done.error is not None:
            return self._failed(drain, done.error)
        drain.unanswered -= 1
        drain.found |= {job.id: job for job in map(described, done.result["jobs"])}
        if drain.unanswered:
            return []
        before, found = drain.jobs or {}, drain.found
        drain.jobs = {name: job for name, job in before.items() if name in found and drain.keeps(job, found[name])}
        if drain.jobs:
            return self._put_off(drain)
        if drain.on_eks:
            return [self._end(drain, jobs=0)]
        self._look(drain)
        return [Seen(drain.step, 0)]

    # Answers to a scan.

    def _scanned(self, done: Done, look: DrainLook, scan: _Scan) -> list[Seen]:
        scan.joinable = False
        scan.unanswered -= 1
        match look.asks, done.error:
            case (_Listing(), NotFound()):
                # The queue, or the parent, is gone since it was listed; so are its jobs.
                self._listed(scan, look.asks, {})
            case _, BatchwrightError() as error:
                return self._scan_ended(scan, error)
            case _Queues() as asked, None:
                self._queues(scan, asked, done.result)
            case _Listing() as asked, None:
                self._listed(scan, asked, done.result)
            case _:
                scan.jobs += map(described, done.result["jobs"])
        if scan.unanswered:
            return []
        if not scan.described and scan.ids:
            scan.described = True
            for batch in batches(scan.ids):
                scan.unanswered += 1
                self._describe(DrainLook(scan.steps[0], scan.number, _Jobs(batch)))
            return []
        return self._scan_ended(scan)

    def _scan_ended(self, scan: _Scan, error: BatchwrightError | None = None) -> list[Seen]:
        self._scan = None
        if self._next:
            self._begin_scan(self._next)
            self._next = []
        seen = []
        for drain in [self._drains[step] for step in scan.steps]:
            seen += self._failed(drain, error) if error is not None else self._found(drain, scan.jobs)
        return seen

    def _found(self, drain: _Drain, jobs: Iterable[Job]) -> list[Seen]:
        """What cannot be told counts in the first scan; in a later one it began when the environment took no more."""
        first = drain.jobs is None
        drain.jobs = {job.id: job for job in jobs if (held := drain.holds(job)) or (held is None and first)}
        return self._put_off(drain) if drain.jobs else [self._end(drain, jobs=0)]

    def _queues(self, scan: _Scan, asked: _Queues, page: Page) -> None:
        for queue in page.lives:
            if queue.status != "DELETED" and queue.spec.get("jobQueueType") != "SAGEMAKER_TRAINING":
                for status in ("PENDING", "STARTING"):
                    self._list(scan, _Listing("jobQueue", queue.arn, status))
        if page.token is not None:
            self._ask_queues(scan, attrs.evolve(asked, page=asked.page + 1), page.token)

    def _listed(self, scan: _Scan, asked: _Listing, answer: Mapping[str, Any]) -> None:
        for item in answer.get("jobSummaryList", ()):
            parent = parent_of(item) if asked.by == "jobQueue" else ""
            if parent and item["jobId"] not in scan.parents:
                scan.parents.add(item["jobId"])
                self._list(scan, _Listing(parent, item["jobId"], "STARTING"))
            elif not parent and asked.status != "PENDING":
                scan.ids[item["jobId"]] = None
        if token := answer.get("nextToken"):
            self._list(scan, attrs.evolve(asked, page=asked.page + 1), token)
        elif asked.status == "STARTING":
            self._list(scan, _Listing(asked.by, asked.of, "RUNNING"))

    def _list(self, scan: _Scan, asked: _Listing, token: str | None = None) -> None:
        arguments = {asked.by: asked.of, "jobStatus": asked.status, "maxResults": _LISTED}
        call = partial(self.provider.call, "ListJobs", arguments | ({"nextToken": token} if token else {}))
        self._ask(scan, asked, "ListJobs", call)

    def _ask_queues(self, scan: _Scan, asked: _Queues, token: str | None, at: float | None = None) -> None:
        operation = self.provider.kinds["job_queue"].facts.lookup.listing
        self._ask(scan, asked, operation, partial(self.provider.list, "job_queue", token), at)

    def _ask(
        self, scan: _Scan, asks: _Queues | _Listing, operation: str, call: Callable[[], Any], at: float | None = None
    ) -> None:
        scan.unanswered += 1
        self.caller.submit(DrainLook(scan.steps[0], scan.number, asks), operation, call, at=at)

    def _describe(self, look: DrainLook, at: float | None = None) -> None:
        assert isinstance(look.asks, _Jobs)
        call = partial(self.provider.call, "DescribeJobs", {"jobs": list(look.asks.ids)})
        self.caller.submit(look, "DescribeJobs", call, at=at)


def _retiring(drain: _Drain) -> Retiring:
    seconds, count = f"{drain.seconds:.0f} s", drain.count
    if not drain.jobs:
        words = f"whether jobs still run on {drain.name} could not be found out within {seconds}"
    else:
        verb = "may still run" if drain.on_eks else "still runs"
        words = f"{drain.name} {verb} {count} job{'' if count == 1 else 's'} after {seconds}"
    why = "" if drain.failure is None else f" (the last look failed: {drain.failure})"
    hint = "run the same command again: it goes on where this stopped"
    return Retiring(f"{words}{why}; it stays disabled", hint=hint)
