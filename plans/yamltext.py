"""From the bytes of a file to nodes.

PyYAML's parser gives events, not its composer nodes: a composer recurses without a bound, so that a file of brackets
ends the process, loses the place of an alias and resolves types that nobody wants here. JSON is read as the YAML that
it nearly is, if `jsontext` has not read it.
"""

import gc
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import yaml

from plans.nodes import BROKEN, Entry, Faults, Node, Source, Value

LARGEST = 10 * 1024 * 1024
"""Bytes in a file."""
MOST_NODES = 1_000_000
"""Nodes of a file, those behind an alias counted at each use."""
DEEPEST = 100
"""Levels of nesting."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset({f"{_CORE}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")} | {"!"})
_FORBIDDEN = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDE_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


Tagged = Callable[[str, Node], Node | None]


def untagged(_tag: str, _node: Node) -> Node | None:
    """A manifest has no tags."""
    return None


@contextmanager
def collector_off() -> Iterator[None]:
    """While many objects are made and none dies, the cyclic collector would look at all of them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@collector_off()
def read(source: Source, faults: Faults, tagged: Tagged = untagged) -> Node | None:
    """The root of the one document of a file, or None where the file cannot be read at all, its fault added.

    `tagged` says what a node with a tag of its own means; None is nothing, which is a fault.
    """
    try:
        text = text_of(source)
        return _Reader(source.name, faults, yaml.parse(text, Loader=_loader()), tagged).document()
    except Unreadable as error:
        faults.add(Node(None, source.name, error.line, error.column), "", error.message, error.hint)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        told = _not_json(source) or _not_yaml(error)
        faults.add(Node(None, source.name, told.line, told.column), "", told.message, told.hint)
    return None


def _not_yaml(error: Exception) -> "Unreadable":
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        hint = "indent with spaces, not with tabs" if "cannot start any token" in problem else None
        return Unreadable(f"not YAML: {problem}", line, column, hint)
    return Unreadable(f"not YAML: {error}")


def _not_json(source: Source) -> "Unreadable | None":
    """What Python's parser has against a file whose name says that it is JSON; None where it says nothing."""
    if not source.name.lower().endswith(".json"):
        return None
    try:
        json.loads(source.content.decode("utf-8-sig"), parse_int=str)
    except json.JSONDecodeError as error:
        return Unreadable(f"not JSON: {error.msg}", error.lineno, error.colno)
    except (ValueError, RecursionError):
        return None
    return None


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@attrs.frozen
class Unreadable(Exception):
    """Why a file cannot be read at all."""

    message: str
    line: int = 0
    column: int = 0
    hint: str | None = None


def text_of(source: Source) -> str:
    """The text of a file; raises Unreadable."""
    content = source.content
    if len(content) > LARGEST:
        raise Unreadable(f"the file has {len(content)} bytes, more than 10 MiB", hint="split the stack")
    for mark, name in _WIDE_ENCODINGS.items():
        if content.startswith(mark):
            raise Unreadable(f"the file is {name}, not UTF-8", 1, 1, "save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        raise Unreadable("the file is not UTF-8", *_place(before), "save it as UTF-8") from None
    if forbidden := _FORBIDDEN.search(text):
        raise Unreadable(
            f"the character U+{ord(forbidden.group()):04X} may not stand in a file", *_place(text[: forbidden.start()])
        )
    # JSON writes characters beyond U+FFFF as two escapes, which YAML does not know.
    return _SURROGATES.sub(_joined, text) if "\\u" in text and text.lstrip().startswith("{") else text


def _joined(pair: re.Match[str]) -> str:
    both = bytes.fromhex(pair[2]) + bytes.fromhex(pair[3])
    return pair[1] + both.decode("utf-16-be")


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@attrs.frozen
class _Anchored:
    node: Node
    size: int
    height: int


@attrs.define
class _Reader:
    """Builds nodes from events, counting what it builds. `anchors` holds None for one that is not complete yet."""

    file: str
    faults: Faults
    events: Iterator[Any]
    tagged: Tagged
    anchors: dict[str, _Anchored | None] = attrs.field(factory=dict)
    trail: list[str] = attrs.field(factory=list)
    count: int = 0
    deepest: int = 0

    def document(self) -> Node:
        next(self.events)
        started = next(self.events)
        if isinstance(started, yaml.StreamEndEvent):
            raise Unreadable("the file is empty")
        root = self.node(next(self.events), 0)
        next(self.events)
        more = next(self.events)
        if isinstance(more, yaml.DocumentStartEvent):
            at = self.at(more)
            raise Unreadable("a second document begins here", at.line, at.column, "one document a file: split it")
        if root.value is None:
            raise Unreadable("the file is empty")
        return root

    @property
    def path(self) -> str:
        return "".join(self.trail).removeprefix(".")

    def at(self, event: Any, value: Value = None) -> Node:
        mark = event.start_mark
        return Node(value, self.file, mark.line + 1, mark.column + 1)

    def node(self, event: Any, depth: int) -> Node:
        self.tally(event, 1, depth)
        anchor: str | None = event.anchor
        if anchor is None:
            return self.content(event, depth)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, anchor, depth)
        count, deepest, self.deepest = self.count, self.deepest, depth
        self.anchors[anchor] = None
        node = self.content(event, depth)
        self.anchors[anchor] = _Anchored(node, self.count - count, self.deepest - depth)
        self.deepest = max(deepest, self.deepest)
        return node

    def tally(self, event: Any, more: int, depth: int) -> None:
        self.count += more
        if depth > self.deepest:
            self.deepest = depth
        if depth > DEEPEST:
            at = self.at(event)
            raise Unreadable(f"nested more than {DEEPEST} levels deep", at.line, at.column)
        if self.count > MOST_NODES:
            at = self.at(event)
            raise Unreadable(f"more than {MOST_NODES:,} values", at.line, at.column, "aliases of aliases grow fast")

    def alias(self, event: Any, anchor: str, depth: int) -> Node:
        anchored = self.anchors.get(anchor)
        if anchored is None:
            at = self.at(event)
            problem = "stands inside what it repeats" if anchor in self.anchors else "repeats nothing: no such anchor"
            raise Unreadable(f"the alias *{anchor} {problem}", at.line, at.column)
        self.tally(event, anchored.size, depth + anchored.height)
        return anchored.node

    def content(self, event: Any, depth: int) -> Node:
        tag: str | None = event.tag
        value: Value
        if isinstance(event, yaml.ScalarEvent):
            text = event.value
            null = text in _NULLS and event.implicit[0] if tag is None else tag == f"{_CORE}null"
            value = None if null else text
        elif isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                self.trail.append(f"[{len(items)}]")
                items.append(self.node(inner, depth + 1))
                self.trail.pop()
            value = tuple(items)
        else:
            value = self.entries(depth + 1)
        if tag is None or tag in _TAGS:
            return self.at(event, value)
        if (meant := self.tagged(tag, self.at(event, value))) is not None:
            return meant
        name = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
        self.faults.add(
            self.at(event), self.path, f"the tag {name} means nothing here", "write the value without a tag"
        )
        return self.at(event, BROKEN)

    def entries(self, depth: int) -> Mapping[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth)
            scalar = isinstance(event, yaml.ScalarEvent)
            text = event.value if scalar else key.value
            self.trail.append(f".{text}" if isinstance(text, str) else ".?")
            node = self.node(next(self.events), depth)
            if text == "<<" and scalar and event.implicit[0]:
                merged.append(node)
            elif not isinstance(text, str):
                self.faults.add(key, self.path, "a key is a text, neither a list nor a map")
            elif text in entries:
                first = entries[text].key.place
                self.faults.add(key, self.path, f"the key {text!r} stands twice in one map", f"first at {first}")
            else:
                entries[text] = Entry(key, node)
            self.trail.pop()
        for node in merged:
            self.merge(entries, node)
        return entries

    def merge(self, entries: dict[str, Entry], node: Node) -> None:
        """Add what `<<` brings, where the map does not say it itself; of several maps the earlier one wins."""
        for part in node.value if isinstance(node.value, tuple) else (node,):
            if isinstance(part.value, Mapping):
                for text, entry in part.value.items():
                    entries.setdefault(text, entry)
            elif part.value is not BROKEN:
                self.faults.add(part, self.path, f"<< takes a map, or a list of maps, not {part.told()}")
