"""The world as a plan looks at it: a snapshot, indexed for one stack."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from plans.manifest import Manifest
from plans.normalise import matches_digest
from providers.kinds import Kind, Kinds
from providers.resources import Address, Elsewhere, Live, Ref, Resource, Snapshot


@attrs.frozen
class Unresolved:
    """A reference that names nothing."""

    reference: str
    message: str


@attrs.frozen
class World:
    """What is live, by name, by ARN and by owner; of a definition, its ACTIVE revisions from old to new."""

    stack: str
    kinds: Kinds
    snapshot: Snapshot
    desired: Mapping[Address, Resource]
    named: Mapping[tuple[str, str], tuple[Live, ...]]
    owned: Mapping[tuple[str, str], tuple[Live, ...]]
    by_arn: Mapping[str, Live]
    tagged: Mapping[tuple[str, str], Live]
    names: Mapping[Address, str]

    @classmethod
    def of(cls, manifest: Manifest, snapshot: Snapshot, kinds: Kinds) -> "World":
        named: dict[tuple[str, str], list[Live]] = {}
        owned: dict[tuple[str, str], list[Live]] = {}
        by_arn: dict[str, Live] = {}
        tagged: dict[tuple[str, str], Live] = {}
        for kind in kinds:
            for live in sorted(snapshot.of(kind.name), key=lambda live: (live.name, live.revision or 0)):
                named.setdefault((kind.name, live.name), []).append(live)
                by_arn[live.arn] = live
                if live.owner == manifest.stack and live.address is not None:
                    owned.setdefault((kind.name, live.address), []).append(live)
                if live.owner is not None and live.address is not None:
                    tagged[(live.owner, live.address)] = live
        return cls(
            manifest.stack,
            kinds,
            snapshot,
            manifest.resources,
            {key: tuple(lives) for key, lives in named.items()},
            {key: tuple(lives) for key, lives in owned.items()},
            by_arn,
            tagged,
            {address: resource.physical_name for address, resource in manifest.resources.items()},
        )

    def holders(self, address: Address) -> tuple[Live, ...]:
        """Objects that carry our stack and this address; of definitions, revisions whose content is theirs still."""
        return self.owned.get((address.kind, str(address)), ())

    def at_name(self, kind: str, name: str) -> tuple[Live, ...]:
        return self.named.get((kind, name), ())

    def orphans(self) -> Iterable[tuple[str, str, tuple[Live, ...]]]:
        """What carries our stack tag and left the manifest, as (kind, address tag, objects), last made first."""
        wanted = {(address.kind, str(address)) for address in self.desired}
        for kind in reversed(tuple(self.kinds)):
            for (name, address), lives in sorted(self.owned.items()):
                if name == kind.name and (name, address) not in wanted:
                    yield name, address, lives

    def resolve(self, kind: str, reference: Any) -> Any:
        """The ARN of a reference, a `Ref` to what is not made yet, or `Unresolved`.

        A name may be that of something live outside every stack.
        """
        match reference:
            case Ref(address=address):
                resource = self.desired.get(address)
                holders = self.holders(address) or (self.at_name(kind, resource.physical_name) if resource else ())
                usable = [live for live in holders if live.status != "DELETING"]
                return usable[-1].arn if usable else reference
            case Elsewhere(stack=stack, name=name):
                live = self.tagged.get((stack, f"{kind}.{name}"))
                if live is None:
                    return Unresolved(f"{stack}/{name}", f"the stack {stack} has no {kind} {name}")
                return live.arn
            case str() if reference.startswith("arn:"):
                return reference
            case _:
                found = self.at_name(kind, str(reference))
                if not found:
                    return Unresolved(str(reference), f"{reference} names no {kind} of this stack and nothing live")
                return found[-1].arn

    def users(self, live: Live) -> tuple[Live, ...]:
        """Live objects that refer to this one, by name or ARN."""
        found = []
        for kind in self.kinds:
            paths = [path for path, target in kind.references.items() if target == live.kind]
            if paths:
                found += [
                    user
                    for user in self.snapshot.of(kind.name)
                    if any(value in (live.arn, live.name) for value in referred(user.spec, kind, live.kind))
                ]
        return tuple(found)

    def genuine(self, live: Live) -> bool:
        """Whether a revision that carries our tags still holds the content that it was registered with."""
        kind = self.kinds[live.kind]
        return not kind.facts.revisions or matches_digest(live, kind)


def referred(document: Any, kind: Kind, target: str) -> Iterable[Any]:
    """Every reference to a kind inside a document of another."""
    for path, name in kind.references.items():
        if name == target:
            yield from _values(document, path.split("."))


def _values(here: Any, segments: list[str]) -> Iterable[Any]:
    if not segments:
        if here is not None:
            yield here
        return
    name, listed = segments[0].removesuffix("[]"), segments[0].endswith("[]")
    inner = here.get(name) if isinstance(here, Mapping) else None
    for item in (inner or ()) if listed else (inner,):
        yield from _values(item, segments[1:])
