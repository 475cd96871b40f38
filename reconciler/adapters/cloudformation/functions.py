"""The functions of CloudFormation on values of which parts are not known: pure, and never saying more than is true.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import base64
import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import attrs

from plans.masking import texts_in
from plans.nodes import Node, plain
from reconciler.adapters.cloudformation.leaves import Composed, Part, Reference, Text, Unresolved, composed, parts_of
from reconciler.adapters.cloudformation.tags import function_of

Leaf = Unresolved | Reference | Composed


class Gone(Enum):
    """The type of `GONE`."""

    GONE = "gone"


GONE: Final = Gone.GONE
"""What `AWS::NoValue` is: the key or item is not there."""

_MOST_SPELLED = 6
_LITERALS = re.compile(r"true|false|-?\d+(\.\d+)?([eE][-+]?\d+)?", re.IGNORECASE)


@attrs.frozen
class Partial:
    """A list of which only the first items are sure; `rest` stands for the whole of it."""

    sure: tuple[Text, ...]
    rest: Unresolved


def leaves_in(value: Any) -> Iterator[Leaf]:
    """Everything in a value that is not known."""
    match value:
        case Unresolved() | Reference() | Composed():
            yield value
        case Partial():
            yield value.rest
        case Mapping():
            for inner in value.values():
                yield from leaves_in(inner)
        case list():
            for inner in value:
                yield from leaves_in(inner)


def sure_items(items: Sequence[Any]) -> int:
    """How many items come before the first one that may not be there."""
    for index, item in enumerate(items):
        if isinstance(item, Unresolved) and item.optional:
            return index
    return len(items)


def split(delimiter: str, text: Text, whole: Unresolved) -> list[Text] | Partial:
    """The items of a text; what comes after a part that may hold the delimiter is not sure."""
    done: list[Text] = []
    current: list[Part] = []
    for part in parts_of(text):
        if isinstance(part, str):
            first, *more = part.split(delimiter)
            current.append(first)
            for piece in more:
                done.append(composed(current))
                current = [piece]
        elif isinstance(part, Unresolved) and part.letters is not None and not set(delimiter) & set(part.letters):
            current.append(part)
        else:
            return Partial(tuple(done), whole)
    return [*done, composed(current)]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def cidr(block: str, count: str, bits: str) -> list[str]:
    """The first blocks of a network; raises ValueError where there are not as many, or an argument is none."""
    network = ipaddress.ip_network(block)
    wanted, prefix = int(count), network.max_prefixlen - int(bits)
    if not 1 <= wanted <= 256:
        raise ValueError(f"between 1 and 256 blocks, not {wanted}")
    made: list[str] = []
    for subnet in network.subnets(new_prefix=prefix):
        made.append(str(subnet))
        if len(made) == wanted:
            return made
    raise ValueError(f"{block} holds {len(made)} blocks of {bits} bits, not {wanted}")


def json_text(value: Any) -> str | None:
    """The value as JSON in one line; None where a text of it may have been written as a number, or a word of JSON.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ToJsonString.html
    """
    return None if any(map(_LITERALS.fullmatch, texts_in(value))) else json.dumps(value, separators=(",", ":"))


def unresolved(node: Node, needs: tuple[str, ...] = (), **more: Any) -> Unresolved:
    """What stands for the value of a node that is not known."""
    return Unresolved(spelled(node), needs, source=json.dumps(plain(node)), **more)


def spelled(node: Node, depth: int = 0) -> str:
    """What a node says, short enough for a line: `Select 0, (Split /, (Ref Arn))`."""
    if function := function_of(node):
        name, argument = function
        inner = "...".join(["", ""]) if depth >= _MOST_SPELLED else _argument(name, argument, depth)
        said = f"{name.removeprefix('Fn::')} {inner}".rstrip()
        return f"({said})" if depth else said
    match node.value:
        case str(text):
            return text
        case tuple(items):
            shown = [spelled(item, depth + 1) for item in items[:_MOST_SPELLED]]
            return (
                f"[{', '.join(shown)}{', ...' if len(items) > _MOST_SPELLED else ''}]"
                if depth < _MOST_SPELLED
                else "[...]"
            )
        case Mapping():
            return "{...}"
    return "null"


def _argument(name: str, argument: Node, depth: int) -> str:
    if name == "Fn::GetAtt":
        return ".".join(spelled(item, depth + 1) for item in argument.items) or spelled(argument, depth + 1)
    if name in ("Fn::Sub", "Fn::Transform") and argument.items:
        return spelled(argument.items[0], depth + 1)
    if argument.items:
        more = ", ..." if len(argument.items) > _MOST_SPELLED else ""
        return ", ".join(spelled(item, depth + 1) for item in argument.items[:_MOST_SPELLED]) + more
    if name == "Fn::Transform" and "Name" in argument.entries:
        return spelled(argument.entries["Name"].node, depth + 1)
    return spelled(argument, depth + 1)
