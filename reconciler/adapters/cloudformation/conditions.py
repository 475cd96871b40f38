"""The order in which conditions are decided, each after those that it names."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from plans.nodes import Faults, Node


def named_in(node: Node) -> Iterator[Node]:
    """The names of conditions in a condition."""
    for key, entry in node.entries.items():
        if key == "Condition" and isinstance(entry.node.value, str):
            yield entry.node
        elif key == "Fn::If" and entry.node.items and isinstance(entry.node.items[0].value, str):
            yield entry.node.items[0]
        yield from named_in(entry.node)
    for item in node.items:
        yield from named_in(item)


def in_order(conditions: Mapping[str, Node], faults: Faults) -> tuple[str, ...]:
    """The names of all conditions; none where they name each other in a circle, which is a fault."""
    graph = {
        name: [str(other.value) for other in named_in(node) if other.value in conditions]
        for name, node in conditions.items()
    }
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle: list[str] = error.args[1][::-1]
        message = f"conditions that name each other in a circle: {' → '.join(circle)}"
        faults.add(conditions[circle[0]], f"Conditions.{circle[0]}", message)
        return ()
