"""Whose things are, as far as the manifest says it: what was called otherwise before, and what it lets go of.

`moved` and `removed` are promises about tags alone: what is moved is held under its new address and retagged in place,
what is removed loses our tags and is not deleted.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from plans.check import Checker
from plans.nodes import BROKEN, Entry, Node
from providers.resources import EMPTY, Address, Resource

STACK = re.compile(r"[A-Za-z0-9._-]{1,64}")
STACK_HINT = "1 to 64 letters, digits, . _ and -"


@attrs.frozen
class Ownership:
    """What changes hands.

    `moved` leads from each former address to the address of a block. `stacks` are those whose objects are held as ours
    where this manifest has their block. `removed` are the addresses that are forgotten.
    """

    moved: Mapping[Address, Address] = attrs.field(factory=dict)
    stacks: tuple[str, ...] = ()
    removed: tuple[Address, ...] = ()

    def held_as(
        self, owner: str, address: Address, stack: str, blocks: Mapping[Address, Resource]
    ) -> tuple[str, Address]:
        """The stack and the address as which an object is held that carries these two in its tags."""
        now = self.moved.get(address, address)
        if owner == stack or (owner in self.stacks and now in blocks):
            return stack, now
        return owner, address

    def former(self, address: Address) -> Iterator[Address]:
        """What an address was before."""
        return (old for old, now in self.moved.items() if now == address)


def watched(ownership: Ownership, blocks: Mapping[Address, Resource], prefix: str) -> Mapping[Address, Resource]:
    """The blocks, and what stays though it has none, under the name that its address gave it."""
    staying = (*ownership.moved, *ownership.removed) if blocks else ()
    return {**blocks, **{address: Resource(address, prefix + address.name, EMPTY) for address in staying}}


def ownership_of(said: Mapping[str, Any], top: Mapping[str, Entry], stack: str, checker: Checker) -> Ownership:
    """What the checked values of `moved` and `removed` say; every fault is told with its place."""
    reader = _Reader(checker, stack)
    for index, row in enumerate(said.get("moved", ())):
        if row is not BROKEN:
            reader.move(row, top["moved"].node.items[index], f"moved[{index}]")
    reader.lead_somewhere()
    for index, text in enumerate(said.get("removed", ())):
        if text is not BROKEN:
            reader.remove(top["removed"].node.items[index], f"removed[{index}]")
    return Ownership(
        {address: reader.end_of(address) for address in reader.moves},
        tuple(reader.stacks),
        tuple(reader.removed),
    )


@attrs.frozen
class _Move:
    source: Address
    target: Address
    at: Node
    path: str


_ROW = frozenset({"from", "to", "stack"})


@attrs.frozen
class _Reader:
    """Reads the rows of one manifest; what is wrong in one does not hide what is wrong in the next."""

    checker: Checker
    stack: str
    moves: dict[Address, _Move] = attrs.field(factory=dict)
    targets: dict[Address, Node] = attrs.field(factory=dict)
    stacks: dict[str, Node] = attrs.field(factory=dict)
    removed: dict[Address, Node] = attrs.field(factory=dict)

    def fault(self, at: Node, path: str, message: str, hint: str | None = None) -> None:
        self.checker.faults.add(at, path, message, hint)

    def move(self, row: Mapping[str, Any], node: Node, path: str) -> None:
        told = {key for key, value in row.items() if value is not None}
        if node.entries.keys() - _ROW or BROKEN in row.values():
            return
        if told == {"stack"}:
            self.take_stack(node.entries["stack"].node, f"{path}.stack")
        elif told == {"from", "to"}:
            self.take_move(node.entries["from"].node, node.entries["to"].node, path)
        else:
            self.fault(node, path, "takes either `from` and `to`, or `stack`", "such as {from: KIND.OLD, to: KIND.NEW}")

    def take_stack(self, at: Node, path: str) -> None:
        name = at.value
        if not (isinstance(name, str) and STACK.fullmatch(name)):
            self.fault(at, path, f"{at.told()} is not a name of a stack", STACK_HINT)
        elif name == self.stack:
            self.fault(at, path, f"{name!r} is this stack itself", "name the stack whose objects become this one's")
        elif name in self.stacks:
            self.fault(at, path, f"{name!r} moves here already", f"first at {self.stacks[name].place}")
        else:
            self.stacks[name] = at

    def take_move(self, before: Node, after: Node, path: str) -> None:
        source, target = self.address(before, f"{path}.from"), self.address(after, f"{path}.to")
        if source is not None and self.is_block(source):
            hint = "take its block out, or take this row out"
            self.fault(before, f"{path}.from", f"{source} is still a block of this manifest", hint)
        if source is None or target is None:
            return
        if source == target:
            self.fault(after, f"{path}.to", f"{target} cannot move to itself")
        elif source.kind != target.kind:
            told = f"a {self.title(source)} cannot become a {self.title(target)}"
            self.fault(after, f"{path}.to", told, f"name a {self.title(source)}")
        elif source in self.moves:
            self.fault(before, f"{path}.from", f"{source} moves already", f"first at {self.moves[source].at.place}")
        elif target in self.targets:
            told = f"something moves to {target} already"
            self.fault(after, f"{path}.to", told, f"first at {self.targets[target].place}")
        else:
            self.moves[source] = _Move(source, target, after, f"{path}.to")
            self.targets[target] = after

    def lead_somewhere(self) -> None:
        """Tell of moves that end at no block: at nothing, or in a circle."""
        told: set[Address] = set()
        for move in self.moves.values():
            if move.target in self.moves:
                way = self.way(move.source)
                if way[-1] in way[:-1] and not told.intersection(way):
                    told.update(way)
                    self.fault(move.at, move.path, f"these moves lead in a circle: {' -> '.join(map(str, way))}")
            elif not self.is_block(move.target):
                near = self.checker.faults.nearest(move.target.name, self.checker.names[move.target.kind])
                hint = f"did you mean {move.target.kind}.{near}?" if near else "what moves needs a block to move to"
                self.fault(move.at, move.path, f"there is no block {move.target} in this manifest", hint)

    def way(self, source: Address) -> list[Address]:
        """The addresses that follow one another, up to the first that does not move on, or comes again."""
        way = [source]
        while way[-1] in self.moves and way[-1] not in way[:-1]:
            way.append(self.moves[way[-1]].target)
        return way

    def end_of(self, source: Address) -> Address:
        return self.way(source)[-1]

    def remove(self, at: Node, path: str) -> None:
        address = self.address(at, path)
        if address is None:
            return
        if self.is_block(address):
            self.fault(at, path, f"{address} is still a block of this manifest", "take its block out")
        elif address in self.moves:
            told = f"{address} is moved too, at {self.moves[address].at.place}"
            self.fault(at, path, told, "what is moved stays ours; leave one of the two out")
        elif address in self.removed:
            self.fault(at, path, f"{address} is removed already", f"first at {self.removed[address].place}")
        else:
            self.removed[address] = at

    def address(self, at: Node, path: str) -> Address | None:
        kinds = self.checker.names
        try:
            address = Address.parse(str(at.value))
        except ValueError:
            self.fault(at, path, f"{at.told()} is not an address", "an address is KIND.NAME, such as job_queue.high")
            return None
        if address.kind in kinds:
            return address
        near = self.checker.faults.nearest(address.kind, kinds)
        hint = f"did you mean {near}.{address.name}?" if near else f"one of {', '.join(kinds)}"
        self.fault(at, path, f"there is no kind {address.kind!r}", hint)
        return None

    def is_block(self, address: Address) -> bool:
        return address.name in self.checker.names[address.kind]

    def title(self, address: Address) -> str:
        return self.checker.kinds[address.kind].title
