"""The desired graph: resources as nodes, an edge from what must be there first to what needs it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import networkx as nx

from plans.manifest import Manifest
from providers.errors import Fault, ManifestError
from providers.kinds import Kinds
from providers.lives import referred
from providers.resources import Address, Ref, Resource

if TYPE_CHECKING:
    Graph = nx.DiGraph[Address]


def dependencies(resource: Resource, kinds: Kinds) -> tuple[Address, ...]:
    """The addresses that a resource refers to or says it depends on, each once, in the order of the manifest."""
    kind = kinds[resource.address.kind]
    found = [
        reference.address
        for target in kind.targets
        for reference in referred(resource.spec, kind, target)
        if isinstance(reference, Ref)
    ]
    return tuple(dict.fromkeys([*found, *resource.depends_on]))


def build(manifest: Manifest, *, kinds: Kinds) -> "Graph":
    """The graph of a manifest; raises ManifestError where resources wait for each other in a circle."""
    graph: Graph = nx.DiGraph()
    for address, resource in manifest.resources.items():
        graph.add_node(address, resource=resource)
    for address, resource in manifest.resources.items():
        known = (before for before in dependencies(resource, kinds) if before in manifest.resources)
        graph.add_edges_from((before, address) for before in known)
    try:
        circle = [before for before, _ in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return graph
    words = " → ".join(str(address) for address in [*circle, circle[0]])
    mark = manifest.resources[circle[0]].mark
    place = (mark.file, mark.line, mark.column) if mark else ("", 0, 0)
    fault = Fault(*place, str(circle[0]), f"these wait for each other: {words}", "take one dependsOn away")
    raise ManifestError("the manifest has a circle", faults=(fault,))


def only(graph: "Graph", addresses: Iterable[Address]) -> frozenset[Address]:
    """The addresses and everything that depends on them; raises KeyError for one that is not in the graph."""
    wanted = set(addresses)
    for address in tuple(wanted):
        if address not in graph:
            raise KeyError(str(address))
        wanted |= nx.descendants(graph, address)
    return frozenset(wanted)
