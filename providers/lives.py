"""What is live, found by kind, by name, by ARN, by owner and by what it refers to."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar

import attrs

from providers.kinds import Kind, Kinds
from providers.resources import Address, Live

K = TypeVar("K")


@attrs.frozen
class Lives:
    """What one look found; each index is made when somebody first asks for it, and serves all plans on that look.

    What is DELETED already is among `all` and in no index. But for `by_kind`, which keeps the order of `all`, objects
    of a kind stand by name, and revisions from old to new.
    """

    all: tuple[Live, ...]
    kinds: Kinds = attrs.field(eq=False, repr=False)

    def __iter__(self) -> Iterator[Live]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[Live, ...]]:
        found: dict[str, list[Live]] = {}
        for live in self.all:
            if live.status != "DELETED":
                found.setdefault(live.kind, []).append(live)
        return _tuples(found)

    @cached_property
    def by_arn(self) -> Mapping[str, Live]:
        found = (self.by_kind.get(kind.name, ()) for kind in self.kinds)
        return {live.arn: live for lives in found for live in in_order(lives)}

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], tuple[Live, ...]]:
        """By kind and name; of a definition its ACTIVE revisions."""
        found: dict[tuple[str, str], list[Live]] = {}
        for live in self.by_arn.values():
            found.setdefault((live.kind, live.name), []).append(live)
        return _tuples(found)

    @cached_property
    def by_owner(self) -> Mapping[str, Mapping[Address, tuple[Live, ...]]]:
        """By the stack and the address of their tags; of a definition every such revision of every family."""
        found: dict[str, dict[Address, list[Live]]] = {}
        for live in self.by_arn.values():
            if live.owner is not None and (address := address_of(live)) is not None:
                found.setdefault(live.owner, {}).setdefault(address, []).append(live)
        return {owner: _tuples(lives) for owner, lives in found.items()}

    @cached_property
    def strays(self) -> Mapping[str, tuple[Live, ...]]:
        """By the stack of their tags, what has no address of its kind there: somebody copied or took away a tag."""
        found: dict[str, list[Live]] = {}
        for live in self.by_arn.values():
            if live.owner is not None and address_of(live) is None:
                found.setdefault(live.owner, []).append(live)
        return _tuples(found)

    @cached_property
    def users(self) -> Mapping[str, tuple[Live, ...]]:
        """By the ARN of what is used, who refers to it, by name or ARN.

        A revision that a newer one took the place of refers to nothing.
        """
        used: dict[str, dict[str, Live]] = {}
        for (name, _), lives in self.by_name.items():
            kind = self.kinds[name]
            for target in kind.targets:
                for user in lives[-1:] if kind.facts.revisions else lives:
                    for reference in referred(user.spec, kind, target):
                        named = self.by_arn.get(reference)
                        for live in (named,) if named else self.by_name.get((target, str(reference)), ()):
                            used.setdefault(live.arn, {})[user.arn] = user
        return {arn: tuple(users.values()) for arn, users in used.items()}


def in_order(lives: Iterable[Live]) -> list[Live]:
    """Objects by name, and revisions from old to new."""
    return sorted(lives, key=lambda live: (live.name, live.revision or 0, live.arn))


def address_of(live: Live) -> Address | None:
    """The address that an object's tag gives it; None where there is none, or one of another kind."""
    try:
        address = Address.parse(live.address or "")
    except ValueError:
        return None
    return address if address.kind == live.kind else None


def referred(document: Any, kind: Kind, target: str) -> Iterable[Any]:
    """Every reference to a kind inside a document of another."""
    for path, name in kind.references.items():
        if name == target:
            yield from values(document, path)


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


def _tuples(found: Mapping[K, list[Live]]) -> Mapping[K, tuple[Live, ...]]:
    return {key: tuple(lives) for key, lives in found.items()}
