"""Reading the world: one batched, paged look at every kind, and nothing else before a plan.

A full listing, since orphans and the names of replacements cannot be computed. Its floor in calls: the pages of
environments, queues, service environments and ACTIVE definitions; for policies the pages of ARNs and one describe a
hundred; for consumable resources the pages of names and one describe each; for quota shares the same, for each
SageMaker queue. Jobs are counted only in queues that are about to leave.
"""

from collections.abc import Callable, Collection, Hashable
from functools import partial

import attrs

from providers.errors import AccessDenied, BatchwrightError, CallError, Interrupted, UnknownOperation
from providers.kinds import Kind
from providers.provider import Page, Provider
from providers.resources import Address, JobCount, Live, Snapshot, Target
from reconciler.counting import Counting, JobPage
from reconciler.retry import Caller, Done


@attrs.frozen
class _Listing:
    kind: str
    number: int = 0
    per: str | None = None


@attrs.frozen
class _Described:
    kind: str
    keys: tuple[str, ...]


def observe(
    provider: Provider,
    wanted: Collection[Address],
    *,
    owner: str,
    caller: Caller,
    target: Target,
    region: str,
    account: Callable[[], str | None],
) -> Snapshot:
    """A snapshot of everything that a plan of the stack `owner` can need.

    `wanted` are the addresses that stay (a graph's nodes will do); `account` is asked only when no ARN tells it. A
    kind that may not be read, or that the endpoint does not know, is unobserved; any other failure is raised.
    """
    look = _Look(provider, caller, Counting(provider, caller))
    for kind in provider.kinds:
        if not kind.facts.lookup.per:
            look.list(kind, _Listing(kind.name))
    look.drain()
    staying = {str(address) for address in wanted}
    for live in look.lives:
        if live.kind == "job_queue" and live.owner == owner and live.address not in staying:
            look.counting.start(live.arn, live.arn)
    look.drain()
    ranks = {kind.name: kind.rank for kind in provider.kinds}
    lives = sorted(look.lives, key=lambda live: (ranks[live.kind], live.name, live.revision or 0))
    told = next((live.arn.split(":")[4] for live in lives), None)
    return Snapshot(target, region, told or account(), tuple(lives), look.unobserved, look.jobs)


@attrs.define
class _Look:
    provider: Provider
    caller: Caller
    counting: Counting
    lives: list[Live] = attrs.field(factory=list)
    unobserved: dict[str, str] = attrs.field(factory=dict)
    jobs: dict[str, JobCount] = attrs.field(factory=dict)

    def list(self, kind: Kind, key: _Listing, token: str | None = None) -> None:
        self.caller.submit(key, kind.facts.lookup.listing, partial(self.provider.list, kind.name, token, key.per))

    def describe(self, kind: Kind, keys: tuple[str, ...]) -> None:
        lookup = kind.facts.lookup
        for start in range(0, len(keys), lookup.batch):
            batch = keys[start : start + lookup.batch]
            key = _Described(kind.name, batch)
            self.caller.submit(key, lookup.describe, partial(self.provider.describe, kind.name, batch))

    def drain(self) -> None:
        """Take answers until every call is answered."""
        while self.caller.busy:
            for done in self.caller.wait():
                self.take(done.key, done)
            if self.caller.stopped is not None:
                self.caller.abandon()
                raise Interrupted("interrupted while reading; nothing was changed", signal=self.caller.stopped)

    def take(self, key: Hashable, done: Done) -> None:
        if done.error is not None:
            self.failed(key, done.error)
            return
        match key:
            case _Listing():
                self.listed(key, done.result)
            case _Described():
                self.found(done.result)
            case JobPage():
                count = self.counting.feed(done, key)
                if count is not None:
                    self.jobs[key.queue] = count

    def listed(self, key: _Listing, page: Page) -> None:
        kind = self.provider.kinds[key.kind]
        self.found(page.lives)
        self.describe(kind, page.keys)
        if page.token is not None:
            self.list(kind, attrs.evolve(key, number=key.number + 1), page.token)

    def found(self, lives: tuple[Live, ...]) -> None:
        self.lives += lives
        for live in lives:
            for kind in self.provider.kinds:
                if kind.facts.lookup.per == live.kind and live.spec.get("jobQueueType") == "SAGEMAKER_TRAINING":
                    self.list(kind, _Listing(kind.name, per=live.arn))

    def failed(self, key: Hashable, error: BatchwrightError) -> None:
        match key, error:
            case (_Listing() | _Described(), AccessDenied() | UnknownOperation()):
                self.unobserved[key.kind] = _why(error)
            case _:
                self.caller.abandon()
                raise error


def _why(error: CallError) -> str:
    return f"{error.operation}: {error.message}" if isinstance(error, AccessDenied) else error.message
