"""Which conditions hold, and the order in which they are decided, each after those that it names."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import attrs

from plans.nodes import Faults, Node
from reconciler.adapters.cloudformation.functions import leaves_in, unresolved
from reconciler.adapters.cloudformation.leaves import Reference, Unresolved

if TYPE_CHECKING:
    from reconciler.adapters.cloudformation.resolve import Resolver

DECIDING = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
"""The functions that a condition is made of."""


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


@attrs.define
class Decisions:
    """`found` are the conditions that are decided, once it is `begun`. `asking`: a side of a condition is resolved;
    `clear`: what is not to be shown may be looked at for it."""

    resolver: "Resolver"
    found: dict[str, bool | Unresolved] = attrs.field(factory=dict)
    begun: bool = False
    asking: bool = False
    clear: bool = False

    def held(self, name: str) -> bool | Unresolved:
        if not self.begun:
            self.begun = True
            template = self.resolver.template
            for each in template.in_order:
                self.found[each] = self._decided(template.conditions[each], f"Conditions.{each}")
        return self.found.get(name, Unresolved(f"Condition {name}"))

    def _decided(self, node: Node, path: str) -> bool | Unresolved:
        """What a condition comes to; one side alone decides where it can."""
        entries = node.entries
        name, argument = next(((key, entry.node) for key, entry in entries.items()), ("", node))
        path = f"{path}.{name}"
        if name == "Condition" and isinstance(argument.value, str):
            return self.held(argument.value)
        if name not in DECIDING:
            # Told once, when the template was read.
            return unresolved(node)
        if name == "Fn::Equals":
            return self._equal(argument, node, path)
        sides = [self._decided(item, f"{path}[{index}]") for index, item in enumerate(argument.items)]
        unknown = [side for side in sides if isinstance(side, Unresolved)]
        if name == "Fn::Not":
            return sides[0] is False if sides and not unknown else self.resolver.unknown(node, unknown)
        decides = name == "Fn::Or"
        if any(side is decides for side in sides):
            return decides
        return self.resolver.unknown(node, unknown) if unknown else not decides

    def _equal(self, argument: Node, node: Node, path: str) -> bool | Unresolved:
        """Looks at what is not to be shown only to decide: what is told of the sides is told without it."""
        sides = self._sides(argument, path)
        unknown = [leaf for side in sides for leaf in leaves_in(side)]
        if any(not isinstance(leaf, Reference) and leaf.secret for leaf in unknown):
            self.clear = True
            looked_at, wrong = self.resolver.tried(lambda: self._sides(argument, path))
            self.clear = False
            if not wrong and not any(leaves_in(looked_at)):
                return bool(looked_at[0] == looked_at[1])
        if unknown or len(sides) < 2:
            return self.resolver.unknown(node, unknown)
        return bool(sides[0] == sides[1])

    def _sides(self, argument: Node, path: str) -> list[Any]:
        self.asking = True
        items = self.resolver.arguments(argument, path, 2, 2)
        sides = [self.resolver.raw(item, f"{path}[{index}]") for index, item in enumerate(items)]
        self.asking = False
        return sides
