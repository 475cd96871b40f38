"""The world as a plan looks at it: a snapshot, indexed for one stack."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from plans.asked import NOTHING, Asked
from plans.manifest import Manifest
from plans.naming import alike
from plans.normalise import matches_digest
from providers.kinds import Kind, Kinds
from providers.resources import CANARY, Address, Document, Drain, Elsewhere, Live, Ref, Resource, Snapshot


@attrs.frozen
class Unresolved:
    """A reference that names nothing."""

    message: str


@attrs.frozen
class World:
    """What is live, by name, by ARN and by owner; of a definition, its ACTIVE revisions from old to new.

    `tagged` has the objects by stack and address. `strays` carry this stack's tag and no address of their kind:
    somebody copied or took away a tag, so they are nobody's. `used` has the objects that refer to one, by its ARN.
    `names` has the physical names of what is desired. `adoptable` are the addresses that may take over what has their
    name and is nobody's. `asked` is what somebody asks for beside the manifest. `heirs` tells what stands for an
    address from now on: the object that is kept of several, or a `Ref` to one that is to be made. `drains` is what
    becomes of the jobs of queues whose blocks say so, `drain` of all others that go.
    """

    stack: str
    kinds: Kinds
    snapshot: Snapshot
    desired: Mapping[Address, Resource]
    named: Mapping[tuple[str, str], tuple[Live, ...]]
    tagged: Mapping[tuple[str, str], tuple[Live, ...]]
    strays: tuple[Live, ...]
    by_arn: Mapping[str, Live]
    used: Mapping[str, tuple[Live, ...]]
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
        named: dict[tuple[str, str], list[Live]] = {}
        tagged: dict[tuple[str, str], list[Live]] = {}
        strays: list[Live] = []
        by_arn: dict[str, Live] = {}
        for kind in kinds:
            for live in sorted(snapshot.of(kind.name), key=lambda live: (live.name, live.revision or 0, live.arn)):
                named.setdefault((kind.name, live.name), []).append(live)
                by_arn[live.arn] = live
                address = address_of(live)
                if live.owner is not None and address is not None:
                    owner, now = manifest.ownership.held_as(live.owner, address, manifest.stack, manifest.resources)
                    tagged.setdefault((owner, str(now)), []).append(live)
                elif live.owner == manifest.stack:
                    strays.append(live)
        desired = {
            address: _under_its_name(resource, manifest, tagged.get((manifest.stack, str(address)), ()))
            for address, resource in manifest.resources.items()
        }
        return cls(
            manifest.stack,
            kinds,
            snapshot,
            desired,
            {key: tuple(lives) for key, lives in named.items()},
            {key: tuple(lives) for key, lives in tagged.items()},
            tuple(strays),
            by_arn,
            _used(named, by_arn, kinds),
            {address: resource.physical_name for address, resource in desired.items()},
            adoptable,
        )

    def holders(self, address: Address) -> tuple[Live, ...]:
        """Objects that carry our stack and this address; of definitions, every such revision of every family."""
        return self.tagged.get((self.stack, str(address)), ())

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
        return self.named.get((kind, name), ())

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
        left = [
            (Address.parse(address), lives)
            for (stack, address), lives in self.tagged.items()
            if stack == self.stack and Address.parse(address) not in self.desired
        ]
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
                usable = self.working(self.tagged.get((stack, f"{kind}.{name}"), ()))
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
        return self.used.get(live.arn, ())

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


def address_of(live: Live) -> Address | None:
    """The address that an object's tag gives it; None where there is none, or one of another kind."""
    try:
        address = Address.parse(live.address or "")
    except ValueError:
        return None
    return address if address.kind == live.kind else None


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


def referred(document: Any, kind: Kind, target: str) -> Iterable[Any]:
    """Every reference to a kind inside a document of another."""
    for path, name in kind.references.items():
        if name == target:
            yield from values(document, path)


def _told(reference: Any) -> str:
    return f"{reference.name} of stack {reference.stack}" if isinstance(reference, Elsewhere) else str(reference)


def _used(
    named: Mapping[tuple[str, str], list[Live]], by_arn: Mapping[str, Live], kinds: Kinds
) -> Mapping[str, tuple[Live, ...]]:
    """Who refers to each object, by name or ARN. A revision that a newer one took the place of refers to nothing."""
    used: dict[str, dict[str, Live]] = {}
    for (name, _), lives in named.items():
        kind = kinds[name]
        for target in kind.targets:
            for user in lives[-1:] if kind.facts.revisions else lives:
                for reference in referred(user.spec, kind, target):
                    found = [by_arn[reference]] if reference in by_arn else named.get((target, str(reference)), ())
                    for live in found:
                        used.setdefault(live.arn, {})[user.arn] = user
    return {arn: tuple(users.values()) for arn, users in used.items()}


def values(document: Any, path: str) -> Iterable[Any]:
    """Everything that stands in a document at a path, `[]` being every entry of a list."""
    return _values(document, path.split("."))


def _values(here: Any, segments: list[str]) -> Iterable[Any]:
    if not segments:
        if here is not None:
            yield here
        return
    name, listed = segments[0].removesuffix("[]"), segments[0].endswith("[]")
    inner = here.get(name) if isinstance(here, Mapping) else None
    for item in (inner or ()) if listed else (inner,):
        yield from _values(item, segments[1:])
