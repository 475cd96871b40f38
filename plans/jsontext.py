"""From the bytes of a JSON file to nodes, by Python's own parser, which takes a tenth of the time.

It knows no places but those of the blocks. So nothing is told of a file that was read so: where there is a fault, the
manifest is read again by `yamltext`, and that alone is what a manifest is. What is not JSON, or would not come out of
`yamltext` in the same way, is left to it.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from plans.nodes import Entry, Node, Source, Value
from plans.yamltext import DEEPEST, MOST_NODES, Unreadable, text_of

_Span = tuple[Node, int]
_SPACE = re.compile(r"[ \r\n]*")
_UNLIKE = re.compile(r"""[\t\x85\u2028\u2029]|\r(?!\n)|\\u[dD][89a-fA-F]|"\s*\n\s*:|"[^"]{1000}""")
"""What YAML reads in another way: tabs; line breaks of its own; halves of a pair; a key that is long, or that a line
break parts from its colon. Any text of that length takes the longer way. Escaped quotes are taken out before."""


@attrs.frozen
class _Unlike(Exception):
    """This is not JSON, or not read in the same way as YAML."""


def read(source: Source) -> Node | None:
    """The root of a JSON document; None where it is for `yamltext` to read, or to say what is wrong."""
    try:
        text = text_of(source)
        if not text.lstrip().startswith("{") or _UNLIKE.search(_unescaped(text)):
            return None
        # No value stands without one of these, but the root.
        if sum(text.count(mark) for mark in ",:[{") >= MOST_NODES:
            return None
        return _Reader(source.name, text).document()
    except (Unreadable, _Unlike, ValueError, IndexError, RecursionError):
        return None


def _unescaped(text: str) -> str:
    """As long as before, and all quotes that are left begin or end a text."""
    return text.replace("\\\\", "..").replace('\\"', "..")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Unlike
    return made


def _refused(_constant: str) -> Any:
    raise _Unlike


_VALUE = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=_refused).raw_decode
_WORDS = {True: "true", False: "false", None: None}


@attrs.define
class _Reader:
    """Reads the document and its sections itself, and has each block read at once; `scalars` are nodes by their text,
    since they have no place of their own. `line` is that of the character at `counted`."""

    file: str
    text: str
    scalars: dict[str | None, Node] = attrs.field(factory=dict)
    line: int = 1
    counted: int = 0

    def document(self) -> Node:
        root, end = self.map(self.after(0), self.section)
        if self.after(end) < len(self.text):
            raise _Unlike
        return root

    def section(self, at: int) -> _Span:
        return self.map(at, self.block) if self.text[at] == "{" else self.block(at)

    def block(self, at: int) -> _Span:
        value, end = _VALUE(self.text, at)
        return self.node(value, 2), end

    def map(self, at: int, value: Callable[[int], _Span]) -> _Span:
        """The map that begins here, its keys with their places, and where it ends."""
        text, entries = self.text, dict[str, Entry]()
        root = self.placed(entries, at)
        at = self.after(at + 1)
        if text[at] == "}":
            return root, at + 1
        while text[at] == '"':
            key, end = _VALUE(text, at)
            place = self.placed(key, at)
            at = self.after(end)
            if text[at] != ":" or key in entries:
                break
            node, end = value(self.after(at + 1))
            entries[key] = Entry(place, node)
            at = self.after(end)
            if text[at] == "}":
                return root, at + 1
            if text[at] != ",":
                break
            at = self.after(at + 1)
        raise _Unlike

    def after(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        assert found is not None
        return found.end()

    def placed(self, value: Value, at: int) -> Node:
        self.line += self.text.count("\n", self.counted, at)
        self.counted = at
        return Node(value, self.file, self.line, at - self.text.rfind("\n", 0, at))

    def node(self, value: Any, depth: int) -> Node:
        if depth > DEEPEST:
            raise _Unlike
        if isinstance(value, Mapping):
            entries = {key: Entry(self.scalar(key), self.node(inner, depth + 1)) for key, inner in value.items()}
            return Node(entries, self.file, 0, 0)
        if isinstance(value, list):
            return Node(tuple(self.node(inner, depth + 1) for inner in value), self.file, 0, 0)
        return self.scalar(value if isinstance(value, str) else _WORDS[value])

    def scalar(self, text: str | None) -> Node:
        made = self.scalars.get(text)
        if made is None:
            made = self.scalars[text] = Node(text, self.file, 0, 0)
        return made
