"""From nodes to typed documents, by the tree of fields of the API model and of our own keys.

Scalars get the type that the field has: a string keeps the text as written, so that `on`, `017` and an account id are
what they look like. Every fault is told with its place, and checking goes on behind it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from plans.nodes import BROKEN, Entry, Faults, Node, plain
from providers.kinds import Kinds
from providers.resources import Address, Elsewhere, Field, Ref

_LARGEST: Mapping[str, int] = {"integer": 2**31 - 1, "long": 2**63 - 1}
_EXACT = 2.0**53
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,39})")
_NUMBER = re.compile(r"[+-]?((0|[1-9][0-9]{0,40})(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,3})?")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_ELSEWHERE = frozenset({"stack", "name"})


@attrs.define
class Checker:
    """Checks the parts of one manifest. `names` holds the names of this stack's resources by kind.

    `references` collects what was found to refer to a resource of this stack.
    """

    kinds: Kinds
    stack: str | None
    names: Mapping[str, Mapping[str, object]]
    faults: Faults
    references: list[Address] = attrs.field(factory=list)
    _places: Mapping[str, tuple[str, ...]] | None = None

    def check(self, node: Node, field: Field, path: str) -> Any:
        """The typed value, or BROKEN where a fault was told."""
        value = node.value
        if value is BROKEN:
            return BROKEN
        if value is None:
            return self._wrong(node, path, "may not be null")
        match field.type:
            case "string" | "timestamp":
                return self._string(node, field, path)
            case "structure":
                return self._structure(node, field, path)
            case "list":
                return self._list(node, field, path)
            case "map":
                return self._map(node, field, path)
            case "any":
                return plain(node)
        if not isinstance(value, str):
            return self._wrong(node, path, f"takes {_WORDS[field.type]}, not {node.told()}")
        return self._bounded(_SCALARS[field.type](value), node, field, path)

    def unknown(self, key: Node, name: str, field: Field, path: str) -> None:
        """Tell that a structure has no such member, and which was perhaps meant."""
        known = [own for own in field.members if own != name]
        near = self.faults.nearest(name, known, 0.8)
        hint = f"did you mean {near}?" if near else self._elsewhere(name, field, path)
        if hint is None and (near := self.faults.nearest(name, known)):
            hint = f"did you mean {near}?"
        self.faults.add(key, f"{path}.{name}" if path else name, f"there is no key {name!r} here", hint)

    def _elsewhere(self, name: str, field: Field, path: str) -> str | None:
        kind = self.kinds.by_name.get(field.shape)
        if kind and name == kind.name_member:
            return "the name is the key of the block; physicalName sets another name in AWS"
        if self._places is None:
            places: dict[str, tuple[str, ...]] = {}
            for place, _ in self.kinds.document.paths():
                parent, _, last = place.rpartition(".")
                places[last] = (*places.get(last, ()), parent)
            self._places = places
        section = path.partition(".")[0]
        found = self._places.get(name, ())
        same = [place for place in found if place.partition("[")[0] == section]
        if same:
            within = min(same, key=len).partition("[].")[2]
            return f"{name} stands in {within}" if within else f"{name} stands directly in the block, not deeper"
        blocks = [place.removesuffix("[]") for place in found if place.endswith("[]") and "." not in place]
        if "" in found:
            return f"{name} stands at the top of the file"
        return f"{name} is a key of {', '.join(blocks)}" if blocks else None

    def _wrong(self, node: Node, path: str, message: str, hint: str | None = None) -> Any:
        self.faults.add(node, path, message, hint)
        return BROKEN

    def _bounded(self, value: Any, node: Node, field: Field, path: str) -> Any:
        if value is None:
            word = _WORDS[field.type]
            return self._wrong(node, path, f"takes {word}, not {node.told()}", _HINTS.get(field.type))
        largest = _LARGEST.get(field.type)
        least = field.minimum if field.minimum is not None or largest is None else -largest - 1
        most = field.maximum if field.maximum is not None else largest
        if least is not None and value < least:
            return self._wrong(node, path, f"is {node.value}, and must be at least {_told(least, field)}")
        if most is not None and value > most:
            return self._wrong(node, path, f"is {node.value}, and must be at most {_told(most, field)}")
        return value

    def _sized(self, count: int, node: Node, field: Field, path: str, unit: str) -> bool:
        least = 0 if field.minimum is None else field.minimum
        if count < least:
            self.faults.add(node, path, f"has {count} {unit}, and must have at least {least:g}")
        elif field.maximum is not None and count > field.maximum:
            self.faults.add(node, path, f"has {count} {unit}, and may have at most {field.maximum:g}")
        else:
            return True
        return False

    def _string(self, node: Node, field: Field, path: str) -> Any:
        text = node.value
        if field.reference is not None:
            return self._reference(node, field.reference, path)
        if not isinstance(text, str):
            return self._wrong(node, path, f"takes a text, not {node.told()}")
        if field.enum and text not in field.enum:
            folded = text.lower()
            for word in field.enum:
                if word.lower() == folded:
                    return word
            near = self.faults.nearest(text, field.enum)
            hint = f"did you mean {near}?" if near else f"one of {', '.join(field.enum)}"
            return self._wrong(node, path, f"{node.told()} is none of the values that this takes", hint)
        if field.minimum is None and field.maximum is None:
            return text
        return text if self._sized(len(text), node, field, path, "characters") else BROKEN

    def _reference(self, node: Node, kind: str, path: str) -> Any:
        """An ARN, and a name that is none of this stack's, stay as they are: the latter may be live."""
        match node.value:
            case str(text):
                if not text:
                    return self._wrong(node, path, f"names no {self.kinds[kind].title}")
                return self._own(kind, text) if text in self.names.get(kind, ()) else text
            case Mapping() as entries if entries.keys() == _ELSEWHERE:
                return self._foreign(node, entries, kind, path)
        return self._wrong(
            node, path, f"takes the name of a {self.kinds[kind].title}, not {node.told()}", _REFERENCE_HINT
        )

    def _foreign(self, node: Node, entries: Mapping[str, Entry], kind: str, path: str) -> Any:
        stack, name = entries["stack"].node.value, entries["name"].node.value
        if BROKEN in (stack, name):
            return BROKEN
        if not (isinstance(stack, str) and stack and isinstance(name, str) and name):
            return self._wrong(node, path, "the stack and the name of a reference are texts", _REFERENCE_HINT)
        if stack != self.stack:
            return Elsewhere(kind, stack, name)
        if name in self.names.get(kind, ()):
            return self._own(kind, name)
        return self._wrong(node, path, f"this stack has no {self.kinds[kind].title} {name!r}")

    def _own(self, kind: str, name: str) -> Ref:
        address = Address(kind, name)
        self.references.append(address)
        return Ref(address)

    def _structure(self, node: Node, field: Field, path: str) -> Any:
        entries = node.value
        if not isinstance(entries, Mapping):
            return self._wrong(node, path, f"takes a map, not {node.told()}", _keys(field))
        members, required = field.members, field.required
        document: dict[str, Any] = {}
        for name, entry in entries.items():
            member = members.get(name)
            if member is None:
                self.unknown(entry.key, name, field, path)
            elif entry.node.value is None and name not in required:
                document[name] = None
            else:
                document[name] = self.check(entry.node, member, f"{path}.{name}" if path else name)
        for name in required - entries.keys():
            self.faults.add(node, f"{path}.{name}", f"{name} is missing")
        return document

    def _list(self, node: Node, field: Field, path: str) -> Any:
        items = node.value
        if not isinstance(items, tuple):
            return self._wrong(node, path, f"takes a list, not {node.told()}", _entries(node, field))
        element, short = field.element, field.shorthand
        assert element is not None
        if not self._sized(len(items), node, field, path, "entries"):
            return BROKEN
        written = set() if short is None else {_short(item) for item in items if item.value is not BROKEN}
        if short is None or True not in written:
            return [self.check(item, element, f"{path}[{index}]") for index, item in enumerate(items)]
        if False in written:
            return self._wrong(
                node, path, f"mixes names with maps of {short.position} and {short.member}", "write all of them one way"
            )
        member = element.members[short.member]
        return [
            {short.position: index + 1, short.member: self.check(item, member, f"{path}[{index}]")}
            for index, item in enumerate(items)
        ]

    def _map(self, node: Node, field: Field, path: str) -> Any:
        entries = node.value
        if not isinstance(entries, Mapping):
            return self._wrong(node, path, f"takes a map, not {node.told()}")
        element = field.element
        assert element is not None
        if not self._sized(len(entries), node, field, path, "entries"):
            return BROKEN
        return {name: self.check(entry.node, element, f"{path}[{name}]") for name, entry in entries.items()}


_REFERENCE_HINT = "a name in this stack, {stack: STACK, name: NAME}, an ARN, or the name of something live"
_WORDS = {
    "integer": "a whole number",
    "long": "a whole number",
    "float": "a number",
    "double": "a number",
    "boolean": "true or false",
    "duration": "a duration",
}
_MOST_KEYS, _FEW_KEYS = 8, 3
_HINTS = {"duration": "such as 30s, 10m, 2h or 7d"}


def _told(bound: float, field: Field) -> str:
    told = str(bound) if isinstance(bound, int) else f"{bound:g}"
    return f"{told}s" if field.type == "duration" else told


def _entries(node: Node, field: Field) -> str:
    """How a list is written, for a hint to what was written in its place."""
    keys = [*field.element.members] if field.element is not None else []
    said = node.value.keys() if isinstance(node.value, Mapping) else ()
    if not keys or not said or not set(keys).isdisjoint(said):
        return "write [VALUE] for a list of one"
    told = [f"{key}: …" for key in keys[:_FEW_KEYS]] + ["…"] * (len(keys) > _FEW_KEYS)
    return f"write a list of maps, such as [{{{', '.join(told)}}}]"


def _keys(field: Field) -> str | None:
    """The keys of a structure, of many the first, for a hint."""
    keys = [*field.members]
    if len(keys) < 2:
        return f"its key is {keys[0]}" if keys else None
    told, last = (keys[:_MOST_KEYS], "more") if len(keys) > _MOST_KEYS else (keys[:-1], keys[-1])
    return f"its keys are {', '.join(told)} and {last}"


def _short(item: Node) -> bool:
    """Whether an entry of a list is a reference, not a structure that holds one."""
    value = item.value
    return isinstance(value, str) or (isinstance(value, Mapping) and value.keys() == _ELSEWHERE)


def _whole(text: str) -> int | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    number = _number(text)
    if number is None or not number.is_integer():
        return None
    # Between these a float is not what was written.
    return None if _EXACT < abs(number) < _LARGEST["long"] else int(number)


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) != float("inf") else None


def duration(text: str) -> float | None:
    found = _DURATION.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2]] if found else None


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "integer": _whole,
    "long": _whole,
    "float": _number,
    "double": _number,
    "boolean": _TRUTH.get,
    "duration": duration,
}
