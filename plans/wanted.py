"""What is wanted of an object that exists: the manifest, with live values wherever it leaves them to the service or to
others."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from plans import paths
from plans.normalise import Resolve, resolved
from providers.kinds import Kind
from providers.resources import Address, Document, Field, Live, Ref


def effective(desired: Document, live: Live, kind: Kind, ignore: Iterable[str], resolve: Resolve) -> Document:
    """What is wanted of an object that exists, its references resolved.

    An ignored path has its live value, so it is neither compared nor, where a whole list or document is sent, changed;
    an entry of a list that no member tells apart stands for the whole list. A member that the service owns has it when
    unsaid, where what holds it is said; an explicit null asks for the reset value, where there is one. A floor has it
    when it is higher, and a value that means the same as the live one is spelt like it.
    """
    ignored = tuple(ignore)
    if not (ignored or kind.owned or kind.facts.alike or kind.facts.floors):
        return resolved(desired, kind, resolve)
    sides = _Sides.of(desired, live, kind, resolve)
    wanted, shown = sides.said, sides.shown
    for path in kind.owned:
        segments = paths.split(path)
        said, null = _said(desired, segments)
        reset = kind.reset(path, desired)
        if null and reset is not None:
            wanted = sides.put(wanted, segments, reset)
        elif sides.held(wanted, segments) and (not said or (null and path not in kind.facts.alike)):
            wanted = sides.put(wanted, segments, sides.at(shown, segments))
    for path, same in kind.facts.alike.items():
        segments = paths.split(path)
        if same(sides.at(wanted, segments), sides.at(shown, segments)):
            wanted = sides.put(wanted, segments, sides.at(shown, segments))
    for path in kind.facts.floors:
        segments = paths.split(path)
        floor, there = sides.at(wanted, segments), sides.at(shown, segments)
        if floor is not None and there is not None and there > floor:
            wanted = sides.put(wanted, segments, there)
    return sides.without_ignored(wanted, ignored)


def with_ignored(desired: Document, live: Live, kind: Kind, ignore: Iterable[str], resolve: Resolve) -> Document:
    """What is wanted of an object that takes the place of another, its references resolved: an ignored path has the
    value of the old one, and nothing else has."""
    ignored = tuple(ignore)
    if not ignored:
        return resolved(desired, kind, resolve)
    sides = _Sides.of(desired, live, kind, resolve)
    return sides.without_ignored(sides.said, ignored)


def not_reset(desired: Document, live: Live, kind: Kind) -> tuple[str, ...]:
    """The paths that an explicit null asks to reset, and for which an update has nothing.

    What only a creation takes, such as the type of a queue, is as the service made it.
    """
    return tuple(
        path
        for path in kind.owned
        if _said(desired, paths.split(path))[1]
        and path not in {*kind.facts.alike, *kind.create_only}
        and kind.reset(path, desired) is None
        and paths.get(live.spec, paths.split(path), kind.facts.keyed, kind.spec) not in (None, [], {})
    )


def not_live(
    desired: Document, live: Live, kind: Kind, ignore: Iterable[str], resolve: Resolve
) -> tuple[paths.Segments, ...]:
    """The entries of lists that the manifest says and that are not wanted: they are not live, and a part of them is
    ignored."""
    ignored = tuple(ignore)
    if not ignored:
        return ()
    sides = _Sides.of(desired, live, kind, resolve)
    entries = (sides.unborn(segments) for segments in sides.bound(ignored))
    return tuple(dict.fromkeys(entry for entry in entries if entry and sides.at(sides.said, entry) is not None))


@attrs.frozen
class _Sides:
    """What the manifest says and what is live, both with their references resolved."""

    said: Document
    shown: Document
    kind: Kind
    resolve: Resolve

    @classmethod
    def of(cls, desired: Document, live: Live, kind: Kind, resolve: Resolve) -> "_Sides":
        return cls(resolved(desired, kind, resolve), resolved(live.spec, kind, resolve), kind, resolve)

    def at(self, document: Document, segments: paths.Segments) -> Any:
        return paths.get(document, segments, self.kind.facts.keyed, self.kind.spec)

    def put(self, document: Document, segments: paths.Segments, value: Any) -> Document:
        return paths.put(document, segments, value, self.kind.facts.keyed, self.kind.spec)

    def held(self, document: Document, segments: paths.Segments) -> bool:
        """Whether the structure that holds a member is there; a document itself always is."""
        return len(segments) == 1 or bool(self.at(document, segments[:-1]))

    def without_ignored(self, wanted: Document, ignore: Iterable[str]) -> Document:
        """The document with the live values of all that is ignored.

        An entry that is not live is left out whole; so is a structure of which only one side has something, if what is
        ignored leaves too little of it to mean anything.
        """
        made, ignored = wanted, tuple(self.bound(ignore))
        for segments in ignored:
            made = self.put(made, self.unborn(segments) or segments, self.at(self.shown, segments))
        for segments in ignored:
            for depth in range(len(segments) - 1, 0, -1):
                holder = segments[:depth]
                both = self.at(wanted, holder) and self.at(self.shown, holder)
                if not both and self.lacking(self.at(made, holder), self.kind.spec.at(holder)):
                    made = self.put(made, holder, None)
        return made

    def bound(self, ignore: Iterable[str]) -> Iterator[paths.Segments]:
        """The ignored paths as far as documents of this kind have them, with entries named as the documents do."""
        for path in ignore:
            made: paths.Segments = ()
            for segment in paths.reachable(paths.split(path), self.kind.facts.keyed, self.kind.spec):
                made = (*made, self.entry(made, segment))
            if made:
                yield from ((*made[:-1], member) for member in self.alternatives(made))

    def alternatives(self, segments: paths.Segments) -> tuple[str, ...]:
        """The members that say the same thing as the last of a path, itself included."""
        *holder, member = segments
        field = self.kind.spec.at(holder)
        rows = (row.members for row in self.kind.facts.named if field is not None and row.shape == field.shape)
        return next((members for members in rows if member in members), (member,))

    def entry(self, holder: paths.Segments, segment: str) -> str:
        """A segment of a path; one that names an entry by a reference as the reference resolves.

        The reference may be the name of something in this stack, its address, its ARN, or the name of something live.
        """
        entries = self.kind.spec.at(holder)
        key = self.kind.facts.keyed.get(entries.shape) if entries is not None and entries.type == "list" else None
        if entries is None or entries.element is None or key is None:
            return segment
        target = entries.element.members[key].reference
        if target is None:
            return segment
        name = segment.removeprefix(f"{target}.").removesuffix("#arn")
        for reference in (Ref(Address(target, name)), segment):
            found = str(self.resolve(target, reference))
            if any(self.at(side, (*holder, found)) is not None for side in (self.said, self.shown)):
                return found
        return segment

    def unborn(self, segments: paths.Segments) -> paths.Segments:
        """The entry of a list that a path leads into and that is not live; empty where there is none such."""
        for depth in range(1, len(segments)):
            holder, entry = self.kind.spec.at(segments[: depth - 1]), segments[:depth]
            if holder is not None and holder.type == "list" and self.at(self.shown, entry) is None:
                return entry
        return ()

    def lacking(self, part: Any, field: Field | None) -> bool:
        """Whether a structure is there and lacks what AWS needs of it."""
        if field is None or field.type != "structure" or not isinstance(part, Mapping):
            return False
        named = (row.members for row in self.kind.facts.named if row.shape == field.shape)
        return not field.required <= part.keys() or any(part.keys().isdisjoint(members) for members in named)


def _said(document: Document, segments: paths.Segments) -> tuple[bool, bool]:
    """Whether a document says something at a member, and whether that is an explicit null; what is empty is unsaid."""
    here: Any = document
    for segment in segments:
        if not isinstance(here, Mapping) or segment not in here:
            return False, False
        here = here[segment]
    return here not in ([], {}), here is None
