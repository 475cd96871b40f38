"""What must hold between the resources of one stack: each has a name of its own, and none waits for itself."""

from collections.abc import Iterator, Mapping, Sequence

from plans.nodes import Entry, Faults, Node
from providers.kinds import Kinds
from providers.resources import Address, Resource


def names_differ(
    resources: Mapping[Address, Resource], entries: Mapping[Address, Entry], kinds: Kinds, faults: Faults
) -> None:
    """Tell of two resources of one kind, of one queue where they belong to one, that AWS would call the same."""
    taken: dict[tuple[str, str, str], Address] = {}
    for address, made in resources.items():
        per = kinds[address.kind].facts.lookup.per_key
        first = taken.setdefault((address.kind, str(made.spec.get(per)) if per else "", made.physical_name), address)
        if first != address:
            faults.add(
                entries[address].key,
                f"{kinds[address.kind].section}.{address.name}",
                f"its name in AWS, {made.physical_name!r}, is that of {first.name} too",
                f"{first.name} stands at {entries[first].key.place}",
            )


def nothing_waits_for_itself(
    edges: Mapping[Address, Sequence[Address]], entries: Mapping[Address, Entry], kinds: Kinds, faults: Faults
) -> None:
    """Tell every way in which `dependsOn` makes a resource come before itself, but for those that cross one told."""
    done: set[Address] = set()
    told: set[Address] = set()
    for start in edges:
        trail: dict[Address, Iterator[Address]] = {}
        if start not in done:
            trail[start] = iter(edges[start])
        while trail:
            address, rest = next(reversed(trail.items()))
            following = next(rest, None)
            if following is None:
                done.add(address)
                del trail[address]
            elif following in trail:
                if address not in told and following not in told:
                    passed = [*trail]
                    way = passed[passed.index(following) :]
                    told.update(way)
                    _tell_cycle(way, entries, kinds, faults)
            elif following not in done and following in edges:
                trail[following] = iter(edges[following])


def _tell_cycle(way: Sequence[Address], entries: Mapping[Address, Entry], kinds: Kinds, faults: Faults) -> None:
    after = dict(zip(way, (*way[1:], way[0]), strict=True))
    culprit, at = next(
        (address, item)
        for address in way
        for item in _depends_on(entries[address])
        if item.value == str(after[address])
    )
    path = f"{kinds[culprit.kind].section}.{culprit.name}.dependsOn"
    words = " -> ".join(str(address) for address in (*way, way[0]))
    faults.add(at, path, f"each of these waits for the next, and so for itself: {words}")


def _depends_on(entry: Entry) -> tuple[Node, ...]:
    said = entry.node.entries.get("dependsOn")
    return said.node.items if said else ()
