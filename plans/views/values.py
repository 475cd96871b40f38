"""What the views share: values as text, in one line or in several, and what differs between two of them. No markup."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

from plans.change import Difference
from plans.plan import Now, Token
from plans.printable import plain
from providers.resources import Elsewhere, Ref

INLINE = 72
"""Up to this many characters a list or a mapping is written in one line."""

_COMPARED = 400
"""Beyond this many lines two values are shown one after the other, since finding what they share takes too long."""

Sign = Literal["+", "-", " ", "…"]


@attrs.frozen
class Line:
    """One line of a value or of two: added, removed, common to both, or a gap between such lines."""

    sign: Sign
    text: str


def inline(value: Any) -> str:
    """A value in one line; strings are quoted, so that "2" is not 2."""
    match value:
        case None:
            return "unset"
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + plain(value.replace("\\", "\\\\").replace('"', '\\"')) + '"'
        case Ref():
            return f"(the {plain(value.attribute)} of {plain(str(value.address))})"
        case Elsewhere():
            return f"({plain(value.kind)} {plain(value.name)} of stack {plain(value.stack)})"
        case Now():
            return "(the time of the call)"
        case Token():
            return "(a token of the call)"
        case Mapping():
            return "{" + ", ".join(f"{plain(str(key))}: {inline(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(inline(item) for item in value) + "]"
        case _:
            return plain(str(value))


def flat(value: Any) -> bool:
    """Whether a value reads well in one line: it holds no text of several lines."""
    match value:
        case str():
            return "\n" not in value.rstrip("\n")
        case Mapping():
            return all(flat(item) for item in value.values())
        case list() | tuple():
            return all(flat(item) for item in value)
        case _:
            return True


def outline(value: Any) -> Iterator[str]:
    """A value in as many lines as it takes to read it, indented as in YAML."""
    match value:
        case Mapping() if value:
            for key, item in value.items():
                yield from _labelled(f"{plain(str(key))}:", item)
        case list() | tuple() if value:
            for item in value:
                yield from _bulleted(item)
        case str() if not flat(value):
            yield from (plain(line) for line in value.split("\n"))
        case _:
            yield inline(value)


def lines(before: Any, after: Any) -> Iterator[Line]:
    """Two values line by line; None on one side: all of the other. Lines in common are left out but for neighbours."""
    old = [] if before is None else list(outline(before))
    new = [] if after is None else list(outline(after))
    if not (old and new) or max(len(old), len(new)) > _COMPARED:
        yield from (Line("-", text) for text in old)
        yield from (Line("+", text) for text in new)
        return
    matcher = difflib.SequenceMatcher(None, old, new)
    for number, group in enumerate(matcher.get_grouped_opcodes(1)):
        if number:
            yield Line("…", "")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from (Line(" ", text) for text in old[old_from:old_to])
            else:
                yield from (Line("-", text) for text in old[old_from:old_to])
                yield from (Line("+", text) for text in new[new_from:new_to])


def listing(difference: Difference) -> Iterator[Line]:
    """A difference with its path, line by line, for views that show removed above added."""
    path, before, after = plain(difference.path), difference.before, difference.after
    if before is not None and before == after:
        yield Line(" ", f"{path}: {inline(after)}")
        return
    if short(before) and short(after):
        if before is not None:
            yield Line("-", f"{path}: {inline(before)}")
        if after is not None:
            yield Line("+", f"{path}: {inline(after)}")
        return
    yield Line(" " if before is not None and after is not None else "+" if before is None else "-", f"{path}:")
    yield from (attrs.evolve(line, text=f"  {line.text}") for line in lines(before, after))


def short(value: Any, room: int = INLINE) -> bool:
    """Whether a value is shown in one line: text always, unless it has several lines itself; the rest where it fits."""
    return flat(value) and (isinstance(value, str) or len(inline(value)) <= room)


def _labelled(head: str, value: Any) -> Iterator[str]:
    if short(value, INLINE - len(head)):
        yield f"{head} {inline(value)}"
    else:
        yield f"{head} |" if isinstance(value, str) else head
        yield from (f"  {line}" for line in outline(value))


def _bulleted(value: Any) -> Iterator[str]:
    if isinstance(value, str) or short(value):
        yield from _labelled("•", value)
    else:
        yield from (f"{'  ' if number else '• '}{line}" for number, line in enumerate(outline(value)))
