"""What only definitions have: older ways to say the same, which AWS keeps as they were sent, and pinned revisions.

A definition that says `vcpus` and `memory` runs like one that says `resourceRequirements`, but AWS never rewrites the
one to the other, and overrides of a job behave differently on them. So the two are neither the same nor drift.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import attrs

from plans import paths
from providers.kinds import Kind
from providers.resources import Address, Document, Field, Live, Resource

_PATHS = 5
"""So many paths are named of those at which two documents differ."""


@attrs.frozen
class Spelling:
    """A place at which two documents say the same in different members."""

    place: str
    live: tuple[str, ...]
    wanted: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"in {self.place} the live revision says {' and '.join(self.live)} where the manifest says"
            f" {' and '.join(self.wanted)}: the same in effect, but overrides of jobs behave differently;"
            " rollout.migrate: true registers a revision"
        )


def spellings(seen: Document, wanted: Document, kind: Kind) -> tuple[Spelling, ...]:
    """Where two documents in normal form are spelt differently; nothing where they differ in anything else."""
    if not kind.facts.older or _renewed(seen, kind) != _renewed(wanted, kind):
        return ()
    asked = {place: structure for place, _, structure in _structures(kind.spec, wanted)}
    return tuple(
        Spelling(paths.render(kind.spec, place), _ways(field, structure, kind), _ways(field, asked[place], kind))
        for place, field, structure in _structures(kind.spec, seen)
        if _ways(field, structure, kind) and structure != asked[place]
    )


def held_back(address: Address, newest: Live, differing: Sequence[str]) -> tuple[str, ...]:
    """What a reader should know of a foreign revision that is kept, and differs from the manifest at these paths."""
    if not differing:
        return ()
    shown = ", ".join(differing[:_PATHS]) + (f" and {len(differing) - _PATHS} more" if len(differing) > _PATHS else "")
    return (
        f"{address}: what the block says is held back by rollout.foreign: keep; revision {newest.revision} of"
        f" {newest.name}, which somebody else registered, differs from it in {shown}",
    )


def not_pinned(resource: Resource, held: Collection[int | None]) -> Iterator[str]:
    """The pins of a definition that hold none of our ACTIVE revisions, which are those of these numbers."""
    for number in dict.fromkeys(resource.lifecycle.pinned):
        if number not in held:
            yield f"{resource.address}: lifecycle.pinned says {number}, which is no ACTIVE revision of ours"


def _renewed(form: Document, kind: Kind) -> Document:
    """The document with its older members said in the newer way, but for those that contradict it."""
    made = copy.deepcopy(form)
    for _, field, structure in _structures(kind.spec, made):
        for row in kind.facts.older:
            shape, _, member = row.member.partition(".")
            if field.shape != shape or member not in structure:
                continue
            said = {kind.facts.keyed[field.members[row.now].shape]: row.entry, "value": str(structure[member])}
            entries = structure.get(row.now, {})
            if isinstance(entries, Mapping) and entries.get(row.entry, said) == said:
                del structure[member]
                structure[row.now] = {**entries, row.entry: said}
    return made


def _ways(field: Field, structure: Mapping[str, Any], kind: Kind) -> tuple[str, ...]:
    """The members, older and newer, in which a structure says what can be said in both ways."""
    both = [
        (row.member.partition(".")[2], row.now) for row in kind.facts.older if row.member.startswith(f"{field.shape}.")
    ]
    members = dict.fromkeys([old for old, _ in both] + [now for _, now in both])
    return tuple(member for member in members if member in structure)


def _structures(field: Field, value: Any, place: paths.Segments = ()) -> Iterator[tuple[paths.Segments, Field, Any]]:
    """Every structure of a document in normal form, with where it stands."""
    if field.type == "structure":
        yield place, field, value
        for name, inner in list(value.items()):
            yield from _structures(field.members[name], inner, (*place, name))
    elif field.element is not None and field.element.type == "structure":
        entries = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, inner in entries:
            yield from _structures(field.element, inner, (*place, str(name)))
