"""The world as a plan looks at it: a snapshot, and what of it is one stack's."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from plans.asked import NOTHING, Asked
from plans.manifest import Manifest
from plans.naming import alike
from plans.normalise import matches_digest
from providers.kinds import Kinds
from providers.lives import in_order, referred
from providers.resources import CANARY, Address, Document, Drain, Elsewhere, Live, Ref, Resource, Snapshot


@attrs.frozen
class Unresolved:
    """A reference that names nothing."""

    message: str


@attrs.frozen
class World:
    """What is live, what of it is whose, and what is wanted.

    `tagged` has the objects by stack and address, of a definition its ACTIVE revisions from old to new. `names` has the
    physical names of what is desired. `adoptable` are the addresses that may take over what has their
    name and is nobody's. `asked` is what somebody asks for beside the manifest. `heirs` tells what stands for an
    address from now on: the object that is kept of several, or a `Ref` to one that is to be made. `drains` is what
    becomes of the jobs of queues whose blocks say so, `drain` of all others that go.
    """

    stack: str
    kinds: Kinds
    snapshot: Snapshot
    desired: Mapping[Address, Resource]
    tagged: Mapping[str, Mapping[Address, tuple[Live, ...]]]
    names: Mapping[Address, str]
    adoptable: frozenset[Address] = frozenset()
    asked: Asked = NOTHING
    heirs: Mapping[Address, str | Ref] = attrs.field(factory=dict)
    drain: Drain = Drain()
    drains: Mapping[Address, Drain] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls, manifest: Manifest, snapshot: Snapshot, kinds: Kinds, adoptable: frozenset[Address] = frozenset()
    ) -> "World":
        tagged = _held(manifest, snapshot.live.by_owner)
        desired = {
            address: _under_its_name(resource, manifest, tagged[manifest.stack].get(address, ()))
            for address, resource in manifest.resources.items()
        }
        names = {address: resource.physical_name for address, resource in desired.items()}
        return cls(manifest.stack, kinds, snapshot, desired, tagged, names, adoptable)

    @property
    def by_arn(self) -> Mapping[str, Live]:
        return self.snapshot.live.by_arn

    @property
    def strays(self) -> tuple[Live, ...]:
        """What carries this stack's tag and no address of its kind: somebody copied or took away a tag, so it is
        nobody's."""
        return self.snapshot.live.strays.get(self.stack, ())

    def holders(self, address: Address, stack: str | None = None) -> tuple[Live, ...]:
        """Objects that carry our stack, or that one, and this address; of definitions, every such revision of every
        family."""
        return self.tagged.get(self.stack if stack is None else stack, {}).get(address, ())

    def working(self, lives: Iterable[Live]) -> Live | None:
        """Of several objects of one address the one that works now: VALID and ENABLED, with most users."""
        return min(
            (live for live in lives if live.status != "DELETING"),
            key=lambda live: (
                live.status == "INVALID",
                live.state == "DISABLED",
                -len(self.users(live)),
                live.name,
                -(live.revision or 0),
            ),
            default=None,
        )

    def at_name(self, kind: str, name: str) -> tuple[Live, ...]:
        return self.snapshot.live.by_name.get((kind, name), ())

    def namesakes(self, resource: Resource) -> tuple[Live, ...]:
        """What has the name that a resource is to have; quota shares of other queues are no namesakes."""
        found = self.at_name(resource.address.kind, resource.physical_name)
        lookup = self.kinds[resource.address.kind].facts.lookup
        if not lookup.per:
            return found
        within = self.resolve(lookup.per, resource.spec.get(lookup.per_key))
        return tuple(live for live in found if live.spec.get(lookup.per_key) == within)

    def orphans(self) -> Iterable[tuple[Address, tuple[Live, ...]]]:
        """What carries our stack tag and left the manifest, by address; what is made last comes first."""
        left = [(address, lives) for address, lives in self.tagged[self.stack].items() if address not in self.desired]
        return sorted(left, key=lambda row: (-self.kinds[row[0].kind].rank, row[0]))

    def resolve(self, kind: str, reference: Any) -> Any:
        """The ARN of a reference, a `Ref` to what is not made yet, or `Unresolved`.

        A name may be that of something live outside every stack.
        """
        title = self.kinds[kind].title
        unread = self.snapshot.unobserved.get(kind)
        match reference:
            case Ref(address=address):
                resource = self.desired.get(address)
                adopted = self.namesakes(resource) if resource and address in self.adoptable else ()
                if address in self.heirs:
                    return self.heirs[address]
                usable = self.working(self.holders(address) or adopted)
                if usable is not None:
                    return usable.arn
                return reference if resource else Unresolved(f"this stack has no {address}")
            case str() if reference.startswith("arn:"):
                return reference
            case _ if unread is not None:
                return Unresolved(
                    f"{_told(reference)} cannot be looked up, since {title}s cannot be read here: {unread}"
                )
            case Elsewhere(stack=stack, name=name):
                usable = self.working(self.holders(Address(kind, name), stack))
                return usable.arn if usable else Unresolved(f"the stack {stack} has no {title} {name}")
            case _:
                usable = self.working(self.at_name(kind, str(reference)))
                unseen = self.snapshot.unseen.get(kind)
                nowhere = "nor live" if unseen is None else f"and others were not looked at ({unseen}): name its ARN"
                return usable.arn if usable else Unresolved(f"{reference} is no {title} of this stack, {nowhere}")

    def shown(self, kind: str, reference: Any) -> Any:
        """The ARN of a reference in a live document; one that names nothing any more as it is shown."""
        found = self.resolve(kind, reference)
        return reference if isinstance(found, Unresolved) else found

    def users(self, live: Live) -> tuple[Live, ...]:
        """Live objects that refer to this one; of definitions, the newest revisions that do."""
        return self.snapshot.live.users.get(live.arn, ())

    def in_use(self, live: Live) -> bool:
        """Whether anything but the queue of a canary refers to this object."""
        return any(not str(user.address).endswith(CANARY) for user in self.users(live))

    def genuine(self, live: Live, form: Document | None = None) -> bool:
        """Whether a revision that carries our tags still holds the content that it was registered with.

        `form` is its normal form, references as `shown`, where that is known.
        """
        kind = self.kinds[live.kind]
        if form is not None and any(True for target in kind.targets for _ in referred(live.spec, kind, target)):
            form = None
        return not kind.facts.revisions or matches_digest(live, kind, form)


def _held(
    manifest: Manifest, owned: Mapping[str, Mapping[Address, tuple[Live, ...]]]
) -> Mapping[str, Mapping[Address, tuple[Live, ...]]]:
    """What every stack owns, as this manifest has it: what it moves, or takes over, is held at its new place."""
    held: dict[str, dict[Address, tuple[Live, ...]]] = {}
    for owner in (manifest.stack, *manifest.ownership.stacks):
        held.setdefault(owner, {})
        for address, lives in owned.get(owner, {}).items():
            stack, now = manifest.ownership.held_as(owner, address, manifest.stack, manifest.resources)
            of_stack = held.setdefault(stack, {})
            of_stack[now] = tuple(in_order((*of_stack.get(now, ()), *lives)))
    return {**owned, **held}


def _under_its_name(resource: Resource, manifest: Manifest, holders: Iterable[Live]) -> Resource:
    """A resource that was moved, under the name that its former address gave to what is live of it.

    AWS keeps a name for as long as its object lives; so the object goes on under the old one while the move is told.
    """
    names = [live.name for live in holders if live.status != "DELETING"]
    if resource.fixed_name or any(alike(name, resource.physical_name) for name in names):
        return resource
    bases = (manifest.name_prefix + former.name for former in manifest.ownership.former(resource.address))
    base = next((base for base in bases if any(alike(name, base) for name in names)), resource.physical_name)
    return attrs.evolve(resource, physical_name=base)


def _told(reference: Any) -> str:
    return f"{reference.name} of stack {reference.stack}" if isinstance(reference, Elsewhere) else str(reference)
