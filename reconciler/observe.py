"""Reading the world: one batched, paged look at every kind, and nothing else before a plan.

A full listing, since orphans and the names of replacements cannot be computed. Its floor in calls: the pages of
environments, queues, service environments and ACTIVE definitions; for policies the pages of ARNs and one describe a
hundred; for consumable resources the pages of names and one describe each; for quota shares the same, for each
SageMaker queue.

A small stack must not wait for the tens of thousands of revisions that others have in its account: once the pages of
definitions that were read are as many as a look at each family at hand takes, and `PAGES` at least, the families are
asked for by name, which takes at most twice the calls of the cheaper way, whichever that is. What the stack has beside
them is then looked for by its tags (Resource Groups Tagging API), which may lag: it finds, and proves no absence. Where
that cannot be asked, the snapshot says what went unseen. So it is with consumable resources, described one by one.
"""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from functools import partial

import attrs

from providers.errors import AccessDenied, BatchwrightError, CallError, Interrupted, NotFound, UnknownOperation
from providers.kinds import Kind
from providers.lives import Lives
from providers.provider import Page, Provider
from providers.resources import Live, Resource, Snapshot, Target, Unread
from reconciler.retry import Caller, Done

ONE_BY_ONE = 500
"""How many objects of a kind that is described one at a time are read; beyond it only those that are wanted."""
PAGES = 20
"""How many pages of revisions are read before asking for families by name is thought of: 2,000 ACTIVE revisions."""

Tagged = Callable[[], Sequence[str] | Unread]
"""The ARNs of what carries the stack's tag, as far as the Resource Groups Tagging API tells."""


@attrs.frozen
class _Listing:
    kind: str
    number: int = 0
    per: str | None = None


@attrs.frozen
class _Family:
    kind: str
    name: str
    number: int = 0


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
    wanted: Collection[Resource],
    *,
    caller: Caller,
    target: Target,
    region: str,
    account: Callable[[], str | None],
    families: Collection[str] | None = None,
    tagged: Tagged | None = None,
) -> Snapshot:
    """A snapshot of everything that a plan can need but jobs.

    `wanted` are the resources that stay. `account` is asked only when no ARN tells it. `families` are the names of
    definitions that matter where there are too many to list; None: all matter. `tagged` is asked only for what was not
    listed; None: nobody is, and the snapshot says what went unseen. A kind that may not be read, or that the endpoint
    does not know, is unobserved; any other failure is raised, and Interrupted where a signal comes.
    """
    look = _Look(provider, wanted, caller, families)
    for kind in provider.kinds:
        if not kind.facts.lookup.per:
            look.list(kind, _Listing(kind.name))
    look.drain()
    if look.unseen and tagged is not None:
        look.by_tag(tagged())
    ranks = {kind.name: kind.rank for kind in provider.kinds}
    lives = sorted(look.lives.values(), key=lambda live: (ranks[live.kind], live.name, live.revision or 0))
    told = next((live.arn.split(":")[4] for live in lives), None)
    return Snapshot(
        target, region, told or account(), Lives(tuple(lives), provider.kinds), look.unobserved, look.unseen
    )


@attrs.define
class _Look:
    provider: Provider
    wanted: Collection[Resource]
    caller: Caller
    families: Collection[str] | None
    lives: dict[str, Live] = attrs.field(factory=dict)
    unobserved: dict[str, str] = attrs.field(factory=dict)
    unseen: dict[str, str] = attrs.field(factory=dict)
    one_by_one: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    asked: set[tuple[str, str]] = attrs.field(factory=set)

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
            case _Family():
                self.found(done.result.lives)
                if done.result.token is not None:
                    self.family(attrs.evolve(key, number=key.number + 1), done.result.token)
            case _Described():
                self.found(done.result)

    def listed(self, key: _Listing, page: Page) -> None:
        kind = self.provider.kinds[key.kind]
        self.found(page.lives)
        if kind.facts.lookup.batch > 1 or kind.facts.lookup.per:
            self.describe(kind, page.keys)
        else:
            self.one_by_one[kind.name] = (*self.one_by_one.get(kind.name, ()), *page.keys)
        if page.token is not None and self.by_name_instead(kind, key.number + 1):
            seen = sum(live.kind == kind.name for live in self.lives.values())
            self.unseen[kind.name] = f"there are more than {seen} revisions"
            for name in self.families or ():
                self.family(_Family(kind.name, name))
        elif page.token is not None:
            self.list(kind, attrs.evolve(key, number=key.number + 1), page.token)
        elif kind.name in self.one_by_one:
            self.describe(kind, self.chosen(kind, self.one_by_one[kind.name]))

    def by_name_instead(self, kind: Kind, pages: int) -> bool:
        """Whether to ask for the rest of a kind by name, so many pages having been read."""
        return kind.facts.revisions and self.families is not None and pages >= max(PAGES, len(self.families))

    def family(self, key: _Family, token: str | None = None) -> None:
        lookup = self.provider.kinds[key.kind].facts.lookup
        self.asked.add((key.kind, key.name))
        self.caller.submit(key, lookup.listing, partial(self.provider.revisions, key.kind, key.name, token))

    def by_tag(self, told: Sequence[str] | Unread) -> None:
        """Look at what carries the stack's tag and was neither listed nor asked for by name."""
        if isinstance(told, Unread):
            for name in self.unseen:
                reason = f": {told.reason}" if told.reason else ""
                self.unseen[name] += f", and the Resource Groups Tagging API does not tell which are ours{reason}"
            return
        for name in self.unseen:
            kind = self.provider.kinds[name]
            prefix = kind.facts.arn.partition("{")[0]
            for arn in told:
                resource = arn.split(":", 5)[5]
                if not resource.startswith(prefix) or arn in self.lives:
                    continue
                if kind.facts.revisions:
                    family = resource.removeprefix(prefix).rpartition(":")[0]
                    if (name, family) not in self.asked:
                        self.family(_Family(name, family))
                else:
                    self.describe(kind, (resource.removeprefix(prefix),))
        self.unseen.clear()
        self.drain()

    def chosen(self, kind: Kind, keys: tuple[str, ...]) -> tuple[str, ...]:
        """All of these keys, or, where they are too many to ask for each, those that are wanted."""
        if len(keys) <= ONE_BY_ONE:
            return keys
        self.unseen[kind.name] = f"there are {len(keys)}, and each takes a call to read"
        names = {resource.physical_name for resource in self.wanted if resource.address.kind == kind.name}
        return tuple(key for key in keys if key in names)

    def found(self, lives: tuple[Live, ...]) -> None:
        for live in lives:
            self.lives[live.arn] = live
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
