"""The values of a template, as CloudFormation would see them, as far as they are known.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from plans.nodes import Entry, Faults, Node
from reconciler.adapters.cloudformation import functions
from reconciler.adapters.cloudformation.conditions import Decisions
from reconciler.adapters.cloudformation.dynamic import finished
from reconciler.adapters.cloudformation.functions import GONE, Gone, Partial, leaves_in, unresolved
from reconciler.adapters.cloudformation.known import NOTHING, Known
from reconciler.adapters.cloudformation.leaves import (
    Composed,
    Reference,
    Text,
    Unresolved,
    composed,
    needs_of,
    parts_of,
)
from reconciler.adapters.cloudformation.names import Names
from reconciler.adapters.cloudformation.sections import LARGEST, PROCESSED, Template
from reconciler.adapters.cloudformation.tags import VARIABLE, attribute_parts, function_of, has_function

Made = TypeVar("Made")

_MOST_PARTS = 10_000
"""Parts of a text that are not known."""
_LONGEST_INDEX = 9
_DEEPEST = 120
"""Levels of a value, with those of the names that it is made of: more than a file may have."""


@attrs.define
class Resolver:
    """What is wrong with what was asked for is in `faults`: end it after the last question."""

    template: Template
    known: Known = NOTHING
    faults: Faults = attrs.field(factory=Faults)
    names: Names = attrs.field(init=False, repr=False)
    decisions: Decisions = attrs.field(init=False, repr=False)
    _depth: int = attrs.field(init=False, default=0, repr=False)

    def __attrs_post_init__(self) -> None:
        self.names = Names(self.template, self.known, self)
        self.decisions = Decisions(self)
        self.names.check()

    def value(self, node: Node, path: str = "") -> Any:
        """Plain values: dicts, lists, texts, and `Unresolved`, `Reference` or `Composed` where something is not known.

        A scalar is the text that was written. What `AWS::NoValue` takes away is not there; None where it is all.
        """
        return finished(self.raw(node, path), self.names.ssm)

    def holds(self, name: str | None) -> bool | Unresolved:
        """Whether a condition holds; that of no name does."""
        return True if name is None else self.decisions.held(name)

    def raw(self, node: Node, path: str) -> Any:
        """The value before dynamic references are looked for, `GONE` where it is not there."""
        if isinstance(node.value, str | None):
            return node.value
        if self._depth >= _DEEPEST:
            return self.broken(node, path, f"names that are made of names, more than {_DEEPEST} levels deep")
        self._depth += 1
        made = self._inner(node, path)
        self._depth -= 1
        return made

    def _inner(self, node: Node, path: str) -> Any:
        match node.value:
            case tuple(items):
                made = [self.raw(item, f"{path}[{index}]") for index, item in enumerate(items)]
                return [item for item in made if item is not GONE]
            case Mapping() as entries:
                function = function_of(node)
                return self._map(entries, node, path) if function is None else self._called(*function, node, path)

    def broken(self, node: Node, path: str, message: str, hint: str | None = None) -> Unresolved:
        """A fault, and what stands for the value that there is none of."""
        self.faults.add(node, path, message, hint)
        return unresolved(node)

    def tried(self, ask: Callable[[], Made]) -> tuple[Made, bool]:
        """What is made, and whether anything is wrong with it, which is not told."""
        told, self.faults = self.faults, Faults()
        made = ask()
        wrong, self.faults = bool(self.faults.found), told
        return made, wrong

    def _map(self, entries: Mapping[str, Entry], node: Node, path: str) -> Any:
        made: dict[str, Any] = {}
        for key, entry in entries.items():
            if key == "Fn::Transform":
                return unresolved(node.with_value({key: entry}), (PROCESSED,), optional=True)
            if key.startswith("Fn::"):
                return self.broken(entry.key, f"{path}.{key}", f"{key} stands beside other keys in a map")
            inner = self.raw(entry.node, f"{path}.{key}" if path else key)
            if inner is not GONE:
                made[key] = inner
        return made

    def _called(self, name: str, argument: Node, node: Node, path: str) -> Any:
        path = f"{path}.{name}" if path else name
        match name:
            case "Ref":
                return self._ref(argument, path)
            case "Fn::GetAtt":
                return self._attribute(argument, node, path)
            case "Fn::Sub":
                return self._sub(argument, path)
            case "Fn::If":
                return self._if(argument, node, path)
            case "Fn::Join":
                return self._join(argument, node, path)
            case "Fn::Split":
                return self._split(argument, node, path)
            case "Fn::Select":
                return self._select(argument, node, path)
            case "Fn::FindInMap":
                return self._in_map(argument, node, path)
            case "Fn::Base64":
                text = self.text(argument, path)
                if not isinstance(text, str):
                    return self.unknown(node, [text])
                return self._within(functions.encoded(text), node, path)
            case "Fn::GetAZs":
                return self.names.zones(self.text(argument, path), node)
            case "Fn::ImportValue":
                return self.names.export(self.text(argument, path), node)
            case "Fn::Cidr":
                return self._cidr(argument, node, path)
            case "Fn::Length" | "Fn::ToJsonString":
                return self._extension(name, argument, node, path)
            case "Fn::Transform":
                return unresolved(node, (PROCESSED,))
        if self.template.macros:
            return unresolved(node, (PROCESSED,))
        # Told once, when the template was read.
        return unresolved(node)

    def unknown(self, node: Node, values: Iterable[Any], **more: Any) -> Unresolved:
        """What stands for a function of values of which some are not known."""
        leaves = [leaf for value in values for leaf in leaves_in(value)]
        secret = any(not isinstance(leaf, Reference) and leaf.secret for leaf in leaves)
        return unresolved(node, needs_of(leaves), secret=secret, **more)

    def text(self, node: Node, path: str) -> Text:
        """A value that is a text, or is broken."""
        return self._as_text(self.raw(node, path), node, path)

    def _as_text(self, value: Any, node: Node, path: str) -> Text:
        match value:
            case str() | Composed():
                return value
            case Reference():
                return self.names.physical(value)
            case Unresolved(many=True):
                return self.broken(node, path, "a list stands where a text should")
            case Unresolved():
                return value
            case Gone():
                return self.broken(node, path, "AWS::NoValue stands where a text should")
        what = "null" if value is None else "a map" if isinstance(value, Mapping) else "a list"
        return self.broken(node, path, f"{what} stands where a text should")

    def listed(self, node: Node, path: str) -> list[Any] | Partial | Unresolved:
        """A value that is a list, or is broken."""
        value = self.raw(node, path)
        if isinstance(value, list | Partial | Unresolved):
            return value
        return self.broken(node, path, "a list is needed here")

    def arguments(self, argument: Node, path: str, least: int, most: int) -> tuple[Node, ...]:
        """The items of a function's list; none where there are not as many, which was told when it was read."""
        items = argument.items
        if least <= len(items) <= most:
            return items
        between = f"{least}" if least == most else f"{least} to {most}"
        self.broken(argument, path, f"a list of {between} items, not {argument.told()}")
        return ()

    def _within(self, text: Text, node: Node, path: str) -> Text:
        parts = parts_of(text)
        if sum(len(part) for part in parts if isinstance(part, str)) > LARGEST or len(parts) > _MOST_PARTS:
            return self.broken(node, path, "the text becomes longer than 1 MiB")
        return text

    def _ref(self, argument: Node, path: str) -> Any:
        name = self.text(argument, path)
        if not isinstance(name, str):
            return self.unknown(argument, [name])
        return self.names.ref(name, argument, path)

    def _attribute(self, argument: Node, node: Node, path: str) -> Any:
        items = attribute_parts(argument).items
        if len(items) != 2:
            return self.broken(argument, path, "a logical id and an attribute, such as Role.Arn")
        logical_id, attribute = (self.text(item, path) for item in items)
        if not isinstance(logical_id, str) or not isinstance(attribute, str):
            return self.unknown(node, [logical_id, attribute])
        return self.names.of_resource(logical_id, attribute, argument, path)

    def _sub(self, argument: Node, path: str) -> Text:
        own: Mapping[str, Entry] = {}
        written = argument
        if isinstance(argument.value, tuple):
            items = self.arguments(argument, path, 2, 2)
            if not items:
                return unresolved(argument)
            written, own = items[0], items[1].entries
        if not isinstance(written.value, str):
            return self.broken(written, path, f"a text, not {written.told()}")
        values: dict[str, Text] = {}
        texts: list[Text] = []
        end = 0
        for use in VARIABLE.finditer(written.value):
            texts.append(written.value[end : use.start()])
            end = use.end()
            if use[1]:
                texts.append(f"${{{use[2]}}}")
                continue
            name = use[2].strip()
            if name not in values:
                values[name] = self._variable(name, own, written, path)
            texts.append(values[name])
        texts.append(written.value[end:])
        return self._within(composed(texts), argument, path)

    def _variable(self, name: str, own: Mapping[str, Entry], written: Node, path: str) -> Text:
        if name in own:
            return self.text(own[name].node, f"{path}[1].{name}")
        if "." in name:
            logical_id, attribute = name.split(".", 1)
            value = self.names.of_resource(logical_id, attribute, written, path)
        else:
            value = self.names.ref(name, written, path)
        return self._as_text(value, written, path)

    def _if(self, argument: Node, node: Node, path: str) -> Any:
        items = self.arguments(argument, path, 3, 3)
        if not items or not isinstance(items[0].value, str):
            return unresolved(node)
        held = self.holds(items[0].value)
        if isinstance(held, bool):
            return self.raw(items[1], f"{path}[1]") if held else self.raw(items[2], f"{path}[2]")
        # What is wrong on a side that may not be taken is not wrong yet.
        sides, doubtful = self.tried(lambda: [self.raw(items[index], f"{path}[{index}]") for index in (1, 2)])
        if sides[0] == sides[1] and not doubtful:
            return sides[0]
        leaves = [leaf for side in sides for leaf in leaves_in(side)]
        return unresolved(
            node,
            held.needs,
            secret=held.secret or any(not isinstance(leaf, Reference) and leaf.secret for leaf in leaves),
            many=any(
                isinstance(side, list | Partial) or (isinstance(side, Unresolved) and side.many) for side in sides
            ),
            optional=any(side is GONE or (isinstance(side, Unresolved) and side.optional) for side in sides),
        )

    def _join(self, argument: Node, node: Node, path: str) -> Text:
        parsed = self.arguments(argument, path, 2, 2)
        if not parsed:
            return unresolved(node)
        delimiter = self.text(parsed[0], f"{path}[0]")
        items = self.listed(parsed[1], f"{path}[1]")
        if not isinstance(items, list) or functions.sure_items(items) < len(items):
            return self.unknown(node, [delimiter, items])
        texts = [self._as_text(item, parsed[1], f"{path}[1]") for item in items]
        if sum(len(part) for part in parts_of(delimiter) if isinstance(part, str)) * len(texts) > LARGEST:
            return self.broken(node, path, "the text becomes longer than 1 MiB")
        between = [piece for text in texts for piece in (delimiter, text)][1:]
        return self._within(composed(between), node, path)

    def _split(self, argument: Node, node: Node, path: str) -> list[Text] | Partial | Unresolved:
        parsed = self.arguments(argument, path, 2, 2)
        if not parsed:
            return unresolved(node, many=True)
        delimiter, text = self.text(parsed[0], f"{path}[0]"), self.text(parsed[1], f"{path}[1]")
        if delimiter == "":
            return self.broken(parsed[0], f"{path}[0]", "the delimiter is empty")
        whole = self.unknown(node, [delimiter, text], many=True)
        return functions.split(delimiter, text, whole) if isinstance(delimiter, str) else whole

    def _select(self, argument: Node, node: Node, path: str) -> Any:
        parsed = self.arguments(argument, path, 2, 2)
        if not parsed:
            return unresolved(node)
        index, items = self.text(parsed[0], f"{path}[0]"), self.listed(parsed[1], f"{path}[1]")
        if isinstance(index, str) and not (index.isdecimal() and len(index) <= _LONGEST_INDEX):
            told = f"the index of an item is a number from 0, not {index[:_LONGEST_INDEX]!r}"
            return self.broken(parsed[0], f"{path}[0]", told)
        if not isinstance(index, str) or isinstance(items, Unresolved):
            return self.unknown(node, [index, items])
        sure = items.sure if isinstance(items, Partial) else tuple(items[: functions.sure_items(items)])
        if int(index) < len(sure):
            return sure[int(index)]
        if isinstance(items, Partial) or len(sure) < len(items):
            return self.unknown(node, [items])
        return self.broken(node, path, f"there is no item {index} in a list of {len(items)}")

    def _in_map(self, argument: Node, node: Node, path: str) -> Any:
        parsed = self.arguments(argument, path, 3, 4)
        if not parsed:
            return unresolved(node)
        keys = [self.text(item, f"{path}[{index}]") for index, item in enumerate(parsed[:3])]
        default = parsed[3].entries.get("DefaultValue") if len(parsed) == 4 else None
        if not all(isinstance(key, str) for key in keys):
            return self.unknown(node, keys)
        found = self.names.in_map(
            [str(key) for key in keys], parsed, path, may_lack=default is not None or self.template.macros
        )
        if found is not None:
            # A macro may know what to make of a function there; CloudFormation knows none in a mapping.
            return unresolved(node, (PROCESSED,)) if has_function(found) else self.raw(found, path)
        # What an include adds to a mapping is not told.
        if default is None or self.template.unprocessed:
            return unresolved(node)
        return self.raw(default.node, f"{path}[3].DefaultValue")

    def _cidr(self, argument: Node, node: Node, path: str) -> list[str] | Unresolved:
        parsed = self.arguments(argument, path, 2, 3)
        texts = [self.text(item, f"{path}[{index}]") for index, item in enumerate(parsed)]
        known = [text for text in texts if isinstance(text, str)]
        if len(known) < 3:
            return self.unknown(node, texts, many=True)
        try:
            return functions.cidr(*known)
        except ValueError as error:
            return self.broken(argument, path, f"no blocks of addresses: {error}")

    def _extension(self, name: str, argument: Node, node: Node, path: str) -> Text:
        if name == "Fn::Length":
            items = self.listed(argument, path)
            if isinstance(items, list) and functions.sure_items(items) == len(items):
                return str(len(items))
            return self.unknown(node, [items])
        value = self.raw(argument, path)
        if value is GONE:
            return self.broken(argument, path, "AWS::NoValue stands where a value should")
        if any(leaves_in(value)):
            return self.unknown(node, [value])
        made = functions.json_text(value)
        return unresolved(node) if made is None else self._within(made, node, path)
