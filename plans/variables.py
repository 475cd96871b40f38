"""Variables: what a manifest takes from outside, and `${var.NAME}` replaced by it before anything is typed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from plans.fromvalues import node_of
from plans.nodes import BROKEN, Entry, Faults, Node, Source, plain
from plans.yamltext import LARGEST, MOST_NODES, read

_USE = re.compile(r"\$\$\{|\$\{var\.([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHORTEST = 4
_OUTPUT = frozenset({"value", "type", "sensitive"})


def parse_variables(source: Source) -> Mapping[str, Any]:
    """Read a file of variables: YAML, JSON, or what `terraform output -json` prints.

    Scalars keep the text that was written, as `--var` gives them, since the API model says their type; null is None.
    Raises ManifestError.
    """
    faults = Faults()
    root = read(source, faults)
    if root is not None and not isinstance(root.value, Mapping):
        faults.add(root, "", f"a file of variables is a map of names to values, not {root.told()}")
    faults.end(source.name)
    assert root is not None
    values: dict[str, Any] = plain(root)
    if all(isinstance(value, dict) and value.keys() == _OUTPUT for value in values.values()):
        return {name: value["value"] for name, value in values.items()}
    return values


@attrs.define
class Variables:
    """The values of one manifest's variables, and how much they may still write."""

    values: Mapping[str, Node]
    faults: Faults
    missing: str = "declare it under `variables`"
    nodes_left: int = MOST_NODES
    characters_left: int = LARGEST

    def expand(self, node: Node, path: str = "") -> Node:
        """The node with every `${var.NAME}` replaced, itself where it holds none."""
        match node.value:
            case str(text):
                return self._scalar(node, text, path) if "${" in text else node
            case tuple(items):
                expanded = tuple(self.expand(item, f"{path}[{index}]") for index, item in enumerate(items))
                same = all(new is old for new, old in zip(expanded, items, strict=True))
                return node if same else node.with_value(expanded)
            case Mapping() as entries:
                return self._map(node, entries, path)
        return node

    def _map(self, node: Node, entries: Mapping[str, Entry], path: str) -> Node:
        same = True
        expanded: dict[str, Entry] = {}
        for text, entry in entries.items():
            key = self._key(entry.key, text, path) if "${" in text else text
            inner = self.expand(entry.node, f"{path}.{text}" if path else text)
            changed = key != text or inner is not entry.node
            same = same and not changed
            if key in expanded:
                first = expanded[key].key.place
                self.faults.add(entry.key, path, f"the key {key!r} stands twice in one map", f"first at {first}")
            elif key is not None:
                expanded[key] = Entry(entry.key.with_value(key), inner) if changed else entry
        return node if same else node.with_value(expanded)

    def _key(self, key: Node, text: str, path: str) -> str | None:
        value = self._scalar(key, text, path).value
        if isinstance(value, str):
            return value
        if value is not BROKEN:
            self.faults.add(key, path, f"a key is text, and {text} is {key.with_value(value).told()}")
        return None

    def _scalar(self, node: Node, text: str, path: str) -> Node:
        if (whole := _USE.fullmatch(text)) and whole[2]:
            value = self._value(node, whole[1], path)
            return node.with_value(BROKEN) if value is None else self._placed(value, node)
        parts: list[str] = []
        end = 0
        for use in _USE.finditer(text):
            parts.append(text[end : use.start()])
            end = use.end()
            part = "${" if use[1] is None else self._part(node, use, path)
            if part is None:
                return node.with_value(BROKEN)
            parts.append(part)
        parts.append(text[end:])
        return node.with_value("".join(parts))

    def _part(self, node: Node, use: re.Match[str], path: str) -> str | None:
        if not use[2]:
            self.faults.add(node, path, f"{use[0][:60]} is not closed", "write ${var.NAME}, or $${ for a plain ${")
            return None
        value = self._value(node, use[1], path)
        if value is None or value.value is BROKEN:
            return None
        if not isinstance(value.value, str):
            self.faults.add(node, path, f"the variable {use[1]} is {value.told()}, which cannot be part of a text")
            return None
        self.characters_left -= len(value.value)
        if self.characters_left < 0:
            if self.characters_left + len(value.value) >= 0:
                self.faults.add(node, path, "variables write more than 10 MiB of text")
            return None
        return value.value

    def _value(self, node: Node, name: str, path: str) -> Node | None:
        value = self.values.get(name)
        if value is None:
            near = self.faults.nearest(name, self.values)
            hint = f"did you mean {near}?" if near else self.missing
            self.faults.add(node, path, f"there is no variable {name!r}", hint)
        return value

    def _placed(self, value: Node, at: Node) -> Node:
        """The value as if it stood where it is used."""
        self.nodes_left -= 1
        if self.nodes_left < 0:
            if self.nodes_left == -1:
                self.faults.add(at, "", f"variables write more than {MOST_NODES:,} values")
            return at.with_value(BROKEN)
        match value.value:
            case tuple(items):
                return at.with_value(tuple(self._placed(item, at) for item in items))
            case Mapping() as entries:
                return at.with_value(
                    {key: Entry(at.with_value(key), self._placed(entry.node, at)) for key, entry in entries.items()}
                )
        return at.with_value(value.value)


def settle(
    declared: Mapping[str, Entry], given: Mapping[str, Any], ambient: Mapping[str, Any], faults: Faults
) -> Mapping[str, Node]:
    """The value of every declared variable: given, else ambient, else its default.

    A value given under a name that nothing declares is a fault, an ambient one is not. What has no value, or one that
    is not allowed, is a fault, and broken from there on.
    """
    outside = Node(None, "variables", 0, 0)
    for name in given.keys() - declared.keys():
        near = faults.nearest(name, declared)
        hint = f"did you mean {near}?" if near else "the manifest declares variables under `variables`"
        faults.add(outside, name, f"there is no variable {name!r}", hint)
    values = {**ambient, **given}
    return {name: _settled(name, entry, values, faults) for name, entry in declared.items()}


def secrets(declared: Mapping[str, Entry], given: Mapping[str, Any], ambient: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of the variables that say `secret`, and of what is in them, the longest first.

    Those of less than four letters are left out: they stand everywhere.
    """
    found: dict[str, None] = {}
    for name, entry in declared.items():
        block = entry.node.entries
        if "secret" not in block or block["secret"].node.value in ("false", None):
            continue
        value: Any = {**ambient, **given}.get(name)
        if name not in given and name not in ambient and "default" in block:
            value = plain(block["default"].node)
        found |= dict.fromkeys(_texts(value))
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST), key=len, reverse=True))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case None | bool():
            return
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)
        case _:
            yield str(value)


def _settled(name: str, entry: Entry, values: Mapping[str, Any], faults: Faults) -> Node:
    path = f"variables.{name}"
    if not _NAME.fullmatch(name):
        faults.add(entry.key, path, f"{name!r} is not a name for a variable", "letters, digits, - and _")
    block = entry.node.entries
    if name in values:
        value = node_of(values[name], entry.key, path, faults)
        if value.value is BROKEN:
            return value
    elif "default" in block:
        value = Variables({}, faults, "a default uses no other variables").expand(block["default"].node, path)
    else:
        faults.add(entry.key, path, f"the variable {name} has no value and no default", f"give it: --var {name}=VALUE")
        return entry.key.with_value(BROKEN)
    allowed = plain(block["allowed"].node) if "allowed" in block else None
    if isinstance(allowed, list) and plain(value) not in allowed:
        choice = ", ".join(str(one) for one in allowed)
        faults.add(value, path, f"{value.told()} is not allowed for the variable {name}", f"allowed: {choice}")
        return value.with_value(BROKEN)
    return value
