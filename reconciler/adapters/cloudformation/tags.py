"""The short forms of functions in YAML, such as `!GetAtt a.b`, in their long forms.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import re

from plans.nodes import Entry, Node

VARIABLE = re.compile(r"\$\{(!?)([^{}]*)\}")
"""What `Fn::Sub` replaces, or with a `!` writes without it."""
_BARE = frozenset({"Ref", "Condition"})


def long_form(tag: str, node: Node) -> Node | None:
    """The map of one function that a tagged node means; None for a tag that is not one of CloudFormation."""
    if not tag.startswith("!") or tag.startswith("!!"):
        return None
    name = tag.removeprefix("!")
    if name == "GetAtt" and isinstance(node.value, str):
        node = attribute_parts(node)
    key = name if name in _BARE or name.startswith("Fn::") else f"Fn::{name}"
    return node.with_value({key: Entry(node.with_value(key), node)})


def attribute_parts(node: Node) -> Node:
    """`a.b.c` as the list of `a` and `b.c`; itself where it has no dot."""
    text = node.value
    if not isinstance(text, str) or "." not in text:
        return node
    logical_id, attribute = text.split(".", 1)
    return node.with_value((node.with_value(logical_id), node.with_value(attribute)))


def has_function(node: Node) -> bool:
    """Whether a function is called anywhere in a node."""
    inside = [*node.items, *(entry.node for entry in node.entries.values())]
    return any(key == "Ref" or key.startswith("Fn::") for key in node.entries) or any(map(has_function, inside))


def function_of(node: Node) -> tuple[str, Node] | None:
    """The name of the function that a map is, and what it is given; None where it is not one."""
    entries = node.entries
    if len(entries) != 1:
        return None
    ((key, entry),) = entries.items()
    return (key, entry.node) if key == "Ref" or key.startswith("Fn::") else None
