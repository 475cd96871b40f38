"""Reading the world: one batched, paged look at every kind, and nothing else before a plan.

A full listing, since orphans and the names of replacements cannot be computed. Its floor in calls: the pages of
environments, queues, service environments and ACTIVE definitions; for policies the pages of ARNs and one describe a
hundred; for consumable resources the pages of names and one describe each; for quota shares the same, for each
SageMaker queue.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial

import attrs

from providers.errors import AccessDenied, BatchwrightError, CallError, Interrupted, NotFound, UnknownOperation
from providers.kinds import Kind
from providers.provider import Page, Provider
from providers.resources import Address, Live, Resource, Snapshot, Target
from reconciler.retry import Caller, Done

ONE_BY_ONE = 500
"""How many objects of a kind that is described one at a time are read; beyond it only those that are wanted."""


@attrs.frozen
class _Listing:
    kind: str
    number: int = 0
    per: str | None = None


@attrs.frozen
class _Described:
    kind: str
    keys: tuple[str, ...]


def answers(caller: Caller) -> Iterator[Done]:
    """The answers to all calls of a `Caller`, and to those that come on meanwhile; Interrupted where a signal comes."""
    while caller.busy:
        yield from caller.wait()
        if caller.stopped is not None:
            caller.abandon()
            raise Interrupted("interrupted while reading; nothing was changed", signal=caller.stopped)


def observe(
    provider: Provider,
    wanted: Mapping[Address, Resource],
    *,
    caller: Caller,
    target: Target,
    region: str,
    account: Callable[[], str | None],
) -> Snapshot:
    """A snapshot of everything that a plan can need but jobs.

    `wanted` are the resources that stay. `account` is asked only when no ARN tells it. A kind that may not be read, or
    that the endpoint does not know, is unobserved; any other failure is raised, and Interrupted where a signal comes.
    """
    look = _Look(provider, wanted, caller)
    for kind in provider.kinds:
        if not kind.facts.lookup.per:
            look.list(kind, _Listing(kind.name))
    look.drain()
    ranks = {kind.name: kind.rank for kind in provider.kinds}
    lives = sorted(look.lives, key=lambda live: (ranks[live.kind], live.name, live.revision or 0))
    told = next((live.arn.split(":")[4] for live in lives), None)
    return Snapshot(target, region, told or account(), tuple(lives), look.unobserved)


@attrs.define
class _Look:
    provider: Provider
    wanted: Mapping[Address, Resource]
    caller: Caller
    lives: list[Live] = attrs.field(factory=list)
    unobserved: dict[str, str] = attrs.field(factory=dict)
    one_by_one: dict[str, tuple[str, ...]] = attrs.field(factory=dict)

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
        for done in answers(self.caller):
            self.take(done.key, done)

    def take(self, key: Hashable, done: Done) -> None:
        match key:
            case _ if done.error is not None:
                self.failed(key, done.error)
            case _Listing():
                self.listed(key, done.result)
            case _Described():
                self.found(done.result)

    def listed(self, key: _Listing, page: Page) -> None:
        kind = self.provider.kinds[key.kind]
        self.found(page.lives)
        if kind.facts.lookup.batch > 1 or kind.facts.lookup.per:
            self.describe(kind, page.keys)
        else:
            self.one_by_one[kind.name] = (*self.one_by_one.get(kind.name, ()), *page.keys)
        if page.token is not None:
            self.list(kind, attrs.evolve(key, number=key.number + 1), page.token)
        elif kind.name in self.one_by_one:
            self.describe(kind, self.chosen(kind, self.one_by_one[kind.name]))

    def chosen(self, kind: Kind, keys: tuple[str, ...]) -> tuple[str, ...]:
        """All of these keys, or, where they are too many to ask for each, those that are wanted."""
        if len(keys) <= ONE_BY_ONE:
            return keys
        names = {resource.physical_name for address, resource in self.wanted.items() if address.kind == kind.name}
        if not names:
            self.unobserved[kind.name] = f"too many: there are {len(keys)}, and each takes a call to read"
        return tuple(key for key in keys if key in names)

    def found(self, lives: tuple[Live, ...]) -> None:
        self.lives += lives
        for live in lives:
            for kind in self.provider.kinds:
                if kind.facts.lookup.per == live.kind and live.spec.get("jobQueueType") == "SAGEMAKER_TRAINING":
                    self.list(kind, _Listing(kind.name, per=live.arn))

    def failed(self, key: Hashable, error: BatchwrightError) -> None:
        """A kind that may not be read, or is not known, is unobserved; what is gone since it was listed is absent."""
        match key, error:
            case (_Listing() | _Described(), AccessDenied() | UnknownOperation()):
                self.unobserved[key.kind] = _why(error)
            case (_Listing(per=str()), NotFound()):
                pass
            case _:
                raise error


def _why(error: CallError) -> str:
    return f"{error.operation}: {error.message}" if isinstance(error, AccessDenied) else error.message
