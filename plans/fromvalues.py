"""From the values of a program to nodes: a manifest that is made in Python, and not read from a file.

It has no lines and columns, so a fault names its path alone. What is taken is what JSON can say; anything else is a
fault, since text made of a date or of a set is nobody's wish.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from plans.nodes import BROKEN, Entry, Faults, Node, Value
from plans.yamltext import DEEPEST, MOST_NODES

MOST_BITS = 1024
"""No number of AWS Batch has as many; and Python makes no text of one that has many more."""


def root_of(document: Any, name: str, faults: Faults) -> Node:
    """The node of a document that is called `name` in faults; what cannot stand in a manifest is BROKEN there."""
    return node_of(document, Node(None, name, 0, 0), "", faults)


def node_of(value: Any, at: Node, path: str, faults: Faults) -> Node:
    """The node of a value, every part of which stands where another node does."""
    return _Reader(at.with_value(None), faults).node(value, path, 0)


@attrs.define
class _Reader:
    """Makes nodes, counting them: what holds itself, or itself many times over, would never end."""

    at: Node
    faults: Faults
    count: int = 0

    def node(self, value: Any, path: str, depth: int) -> Node:
        self.count += 1
        if depth > DEEPEST:
            return self._broken(path, f"is nested deeper than {DEEPEST} levels", "does it hold itself?")
        if self.count == MOST_NODES + 1:
            return self._broken(path, f"comes after {MOST_NODES:,} values, which are the most", "split the stack")
        if self.count > MOST_NODES:
            return self.at.with_value(BROKEN)
        match value:
            case None:
                return self.at
            case bool():
                return self.at.with_value("true" if value else "false")
            case str():
                return self._text(value, path)
            case int() if value.bit_length() > MOST_BITS:
                return self._broken(path, f"a whole number of {value.bit_length():,} bits has no place in a manifest")
            case int():
                return self.at.with_value(str(int(value)))
            case float() if math.isfinite(value):
                return self.at.with_value(repr(float(value)))
            case float():
                return self._broken(path, f"{value} is no number that JSON can say")
            case Mapping():
                return self.at.with_value(self._entries(value, path, depth))
            case list() | tuple():
                return self.at.with_value(tuple(self._items(value, path, depth)))
        hint = "give text, a number, a truth value, None, a list or a mapping"
        return self._broken(path, f"a value of type {type(value).__name__} has no place in a manifest", hint)

    def _items(self, value: Iterable[Any], path: str, depth: int) -> Iterator[Node]:
        for index, item in enumerate(value):
            if self.count > MOST_NODES:
                return
            yield self.node(item, f"{path}[{index}]", depth + 1)

    def _entries(self, value: Mapping[Any, Any], path: str, depth: int) -> Value:
        entries: dict[str, Entry] = {}
        for key, inner in value.items():
            if self.count > MOST_NODES:
                return entries
            if not isinstance(key, str):
                self.faults.add(
                    self.at, path, f"a key of type {type(key).__name__} has no place in a manifest", "keys are text"
                )
                continue
            text = str.__str__(key)
            here = f"{path}.{text}" if path else text
            entries[text] = Entry(self._text(key, path), self.node(inner, here, depth + 1))
        return entries

    def _text(self, value: str, path: str) -> Node:
        # Of a text that is a member of an enumeration too, str() would give the name.
        text = str.__str__(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            return self._broken(path, "half a character (a lone surrogate) cannot be sent")
        return self.at.with_value(text)

    def _broken(self, path: str, message: str, hint: str | None = None) -> Node:
        self.faults.add(self.at, path, message, hint)
        return self.at.with_value(BROKEN)
