"""What a file of a manifest says before anything gives it a type: text, lists and maps, each with its place.

A scalar stays the text that was written, since the API model, not YAML, says what type it has; only an unquoted `null`
(`~`, or nothing at all) is None. `BROKEN` stands where a fault is already told, so that it is told once.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final

import attrs

from providers.errors import Fault, ManifestError
from providers.resources import EMPTY, Mark


class Broken(Enum):
    """The type of `BROKEN`."""

    BROKEN = "broken"


BROKEN: Final = Broken.BROKEN
_MOST_HINTS = 100

Value = str | None | tuple["Node", ...] | Mapping[str, "Entry"] | Broken


@attrs.frozen
class Source:
    """One file of a manifest: the name to show in faults, and its bytes."""

    name: str
    content: bytes


@attrs.frozen(eq=False)
class Node:
    """A value and the place where it stands; line and column count from 1, and are 0 where it stands in no file."""

    value: Value
    file: str
    line: int
    column: int

    @property
    def mark(self) -> Mark:
        return Mark(self.file, self.line, self.column)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def entries(self) -> Mapping[str, "Entry"]:
        """The entries of a map; none of anything else."""
        return self.value if isinstance(self.value, Mapping) else EMPTY

    @property
    def items(self) -> tuple["Node", ...]:
        """The items of a list; none of anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    def with_value(self, value: Value) -> "Node":
        return Node(value, self.file, self.line, self.column)

    def told(self) -> str:
        """What it is, for a message: `'4x'`, `a list`, `a map`, `null`."""
        match self.value:
            case str(text):
                return repr(text if len(text) <= 60 else f"{text[:57]}...")
            case None:
                return "null"
            case tuple():
                return "a list"
        return "a map"


@attrs.frozen(eq=False)
class Entry:
    """One key of a map, with its own place, and its value."""

    key: Node
    node: Node


@attrs.frozen
class Faults:
    """All that is wrong so far."""

    found: list[Fault] = attrs.field(factory=list)
    hidden: list[str] = attrs.field(factory=list, repr=False)
    """Texts that no fault says from now on."""

    def add(self, node: Node, path: str, message: str, hint: str | None = None) -> None:
        for text in self.hidden:
            message, hint = message.replace(text, "(secret)"), hint and hint.replace(text, "(secret)")
        self.found.append(Fault(node.file, node.line, node.column, path, message, hint))

    def nearest(self, word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
        """The known word that is most like one that is wrong, whatever the case.

        None once there are a hundred faults: each look takes as long as there are words, and nobody reads so many.
        """
        if len(self.found) >= _MOST_HINTS:
            return None
        folded = {name.lower(): name for name in known}
        near = get_close_matches(word.lower(), folded, 1, cutoff)
        return folded[near[0]] if near else None

    def end(self, what: str) -> None:
        """Raise ManifestError with every fault by file, line and column, unless there is none."""
        if self.found:
            faults = sorted(self.found, key=lambda fault: (fault.file, fault.line, fault.column, fault.path))
            count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
            raise ManifestError(f"{what} has {count}", faults=tuple(faults))


def plain(node: Node) -> Any:
    """The value without its places: texts, None, lists and dicts."""
    match node.value:
        case tuple(items):
            return [plain(item) for item in items]
        case Mapping() as entries:
            return {key: plain(entry.node) for key, entry in entries.items()}
    return node.value
