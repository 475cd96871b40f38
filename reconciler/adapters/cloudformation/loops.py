"""`Fn::ForEach`, unrolled where the file tells what it goes through.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-foreach.html
"""

import re
from collections.abc import Mapping

import attrs

from plans.nodes import Entry, Faults, Node
from reconciler.adapters.cloudformation.sections import PROCESSED

_LOOP = "Fn::ForEach::"
MOST = 200_000
"""Values that loops write: more than a processed template can hold."""


def unrolled(node: Node, path: str, faults: Faults, most: int = MOST) -> Node:
    """The node with each loop in its maps replaced by what it makes; a loop over what is not told is a fault."""
    return _Unrolling(faults, most, most).node(node, path)


@attrs.define
class _Unrolling:
    """`left` is how many values may still be written, of the `most`."""

    faults: Faults
    most: int
    left: int

    def node(self, node: Node, path: str) -> Node:
        match node.value:
            case tuple(items):
                made = tuple(self.node(item, f"{path}[{index}]") for index, item in enumerate(items))
                same = all(new is old for new, old in zip(made, items, strict=True))
                return node if same else node.with_value(made)
            case Mapping() as entries:
                return self.map(node, entries, path)
        return node

    def map(self, node: Node, entries: Mapping[str, Entry], path: str) -> Node:
        made: dict[str, Entry] = {}
        same = True
        for key, entry in entries.items():
            inner = f"{path}.{key}"
            if key.startswith(_LOOP):
                same = False
                for name, one in self.loop(entry, inner).items():
                    if name in made or name in entries:
                        self.faults.add(entry.key, inner, f"the loop makes {name!r}, which stands there already")
                    made[name] = one
                continue
            changed = self.node(entry.node, inner)
            same = same and changed is entry.node
            made[key] = Entry(entry.key, changed)
        return node if same else node.with_value(made)

    def loop(self, entry: Entry, path: str) -> Mapping[str, Entry]:
        """What the body makes for each item of the collection."""
        items = entry.node.items
        if self.left <= 0:
            return {}
        if len(items) != 3 or not isinstance(items[0].value, str) or not isinstance(items[2].value, Mapping):
            self.faults.add(entry.key, path, "Fn::ForEach takes a list of a name, a list of texts and a map")
            return {}
        name, collection, body = items
        values = [item.value for item in collection.items if isinstance(item.value, str)]
        if not isinstance(collection.value, tuple) or len(values) < len(collection.items):
            self.faults.add(
                collection, f"{path}[1]", "only a loop over texts that the file tells is unrolled", PROCESSED
            )
            return {}
        made: dict[str, Entry] = {}
        for value in values:
            one = self.node(self.placed(body, str(name.value), value), f"{path}[2]")
            for key, inner in one.entries.items():
                if key in made:
                    self.faults.add(inner.key, f"{path}[2]", f"the loop makes {key!r} twice", "name ${...} in the key")
                made[key] = inner
        return made

    def placed(self, node: Node, name: str, value: str) -> Node:
        """The node with the loop's name replaced by a value."""
        self.left -= 1
        if self.left <= 0:
            if self.left == 0:
                self.faults.add(node, "", f"loops write more than {self.most:,} values")
            return node.with_value(None)
        match node.value:
            case str(text):
                return node.with_value(_replaced(text, name, value)) if "{" in text else node
            case tuple(items):
                return node.with_value(tuple(self.placed(item, name, value) for item in items))
            case Mapping() as entries:
                if len(entries) == 1 and "Ref" in entries and entries["Ref"].node.value == name:
                    return node.with_value(value)
                return node.with_value(
                    {
                        _replaced(key, name, value): Entry(
                            entry.key.with_value(_replaced(key, name, value)), self.placed(entry.node, name, value)
                        )
                        for key, entry in entries.items()
                    }
                )
        return node


def _replaced(text: str, name: str, value: str) -> str:
    """`&{name}` writes the value without what is no letter nor digit."""
    plain = re.sub(r"[^A-Za-z0-9]", "", value)
    return text.replace(f"${{{name}}}", value).replace(f"&{{{name}}}", plain)
