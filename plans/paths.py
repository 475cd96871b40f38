"""Paths into documents: `computeResources.maxvCpus`, `containerProperties.environment[FOO].value`, `tags[team]`.

In a document as the API has it a list that is told apart by a member is entered by the value of that member; in the
normal form such a list is a mapping already, so the same path leads to the same place in both.
"""

import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from providers.resources import Document, Field, Ref

_SEGMENT = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")

Segments = tuple[str, ...]


@functools.lru_cache(maxsize=4096)
def split(path: str) -> Segments:
    """The segments of a path; raises ValueError where it is none."""
    segments: list[str] = []
    position = 0
    for match in _SEGMENT.finditer(path):
        if match.start() != position:
            break
        position = match.end()
        segments.append(match[1] if match[1] is not None else match[2])
    if position != len(path) or not segments:
        raise ValueError(f"{path!r} is not a path; a path is written as in computeResources.maxvCpus")
    return tuple(segments)


def render(field: Field, segments: Sequence[str | int]) -> str:
    """The path as text: members after dots, entries of lists and maps in brackets."""
    return _render(field, segments, lambda segment: f"[{segment}]")


def pattern(field: Field, segments: Sequence[str | int]) -> str:
    """The path as rules name it: every entry of a list or map is `[]`."""
    return _render(field, segments, lambda _segment: "[]")


def _render(field: Field, segments: Sequence[str | int], entry: Callable[[str | int], str]) -> str:
    text = ""
    here: Field | None = field
    for segment in segments:
        if here is not None and here.type in ("list", "map"):
            text += entry(segment)
        else:
            text += f".{segment}" if text else str(segment)
        here = here.at([segment]) if here is not None else None
    return text


def tag(key: str) -> str:
    """The path of a tag."""
    return f"tags[{key}]"


def tag_of(path: str) -> str | None:
    """The key of the tag that a path leads to, None where it leads to no tag."""
    return path[len("tags[") : -1] if path.startswith("tags[") and path.endswith("]") else None


def reachable(segments: Segments, keyed: Mapping[str, str], field: Field) -> Segments:
    """The path as far as documents can be changed there: it ends at a list whose entries no member tells apart.

    Empty where it leads to nothing that a document of this kind has.
    """
    here: Field | None = field
    for depth, segment in enumerate(segments):
        if here is None or (here.type == "list" and here.shape not in keyed):
            return segments[:depth] if here is not None else ()
        here = here.at([segment])
    return segments if here is not None else ()


def get(document: Any, segments: Sequence[str], keyed: Mapping[str, str], field: Field) -> Any:
    """What stands at a path, or None."""
    here: Any = document
    shape: Field | None = field
    for segment in segments:
        if here is None or shape is None:
            return None
        here, shape = _step(here, segment, keyed, shape), shape.at([segment])
    return here if shape is not None else None


def put(document: Document, segments: Sequence[str], value: Any, keyed: Mapping[str, str], field: Field) -> Document:
    """A copy in which `value` stands at a path; None takes it away. A path through what is not there makes it.

    A path through a list is one that `reachable` gave.
    """
    changed = _put(document, tuple(segments), value, keyed, field)
    return changed if isinstance(changed, Mapping) else {}


def _step(here: Any, segment: str, keyed: Mapping[str, str], field: Field) -> Any:
    if isinstance(here, Mapping):
        return here.get(segment)
    if isinstance(here, Sequence) and not isinstance(here, str):
        return next((item for item in here if _named(item, keyed, field) == segment), None)
    return None


def _named(item: Any, keyed: Mapping[str, str], field: Field) -> str | None:
    """The name by which an entry is told apart in a list; None where entries have none."""
    if not isinstance(item, Mapping) or field.shape not in keyed:
        return None
    name = item.get(keyed[field.shape])
    return field.unnamed if name is None else str(name)


def _put(here: Any, segments: Segments, value: Any, keyed: Mapping[str, str], field: Field) -> Any:
    if not segments:
        return value
    first, rest = segments[0], segments[1:]
    inner = field.at([first]) or Field("any")
    changed = _put(_step(here, first, keyed, field), rest, value, keyed, inner)
    if field.type == "list":
        items = list(here or ())
        if isinstance(changed, Mapping) and _named(changed, keyed, field) != first:
            changed = {keyed[field.shape]: first, **changed}
        place = next((at for at, item in enumerate(items) if _named(item, keyed, field) == first), len(items))
        items[place : place + 1] = [] if changed is None else [changed]
        return items or None
    kept = {name: item for name, item in (here or {}).items() if name != first}
    if changed is not None:
        kept[first] = changed
    return kept or None


def mentions(value: Any, names: Collection[str]) -> bool:
    """Whether a document holds one of these strings, or a reference that is written so, anywhere."""
    match value:
        case str() | Ref():
            return str(value) in names
        case Mapping():
            return any(mentions(item, names) for item in value.values())
        case list() | tuple():
            return any(mentions(item, names) for item in value)
        case _:
            return False
