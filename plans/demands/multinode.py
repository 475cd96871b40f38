"""Multi-node parallel jobs: ranges of nodes."""

import re
from collections.abc import Iterable

from plans.demands.demand import Demand
from plans.demands.job_definition import on_fargate
from providers.kinds.facts import page
from providers.resources import Document

_NODES = page("NodeProperties")
_RANGE = page("NodeRangeProperty")
_SORTS = ("container", "ecsProperties", "eksProperties")
_TARGET = re.compile(r"(?P<one>[0-9]{1,9})|(?P<first>[0-9]{0,9}):(?P<last>[0-9]{0,9})")


def _ranges(nodes: Document) -> Iterable[Document]:
    return nodes.get("nodeRangeProperties") or ()


def _count(whole: Document) -> int:
    return int((whole.get("nodeProperties") or {}).get("numNodes", 0))


def _bounds(target: str, count: int) -> tuple[int, int] | None:
    """The first and last node of a range such as `0:3`, `2:`, `:4` or `0`; None where it is not one of so many nodes.

    A single number is a node by itself: insitro/redun registers definitions so.
    """
    found = _TARGET.fullmatch(target)
    if found is None:
        return None
    first, last = int(found["one"] or found["first"] or 0), int(found["one"] or found["last"] or count - 1)
    return (first, last) if first <= last < count else None


def _uncovered(nodes: Document, count: int) -> bool:
    """Whether ranges that are all right leave a node out."""
    bounds = [_bounds(entry.get("targetNodes", ""), count) for entry in _ranges(nodes)]
    said = sorted(each for each in bounds if each is not None)
    if len(said) < len(bounds):
        return False
    following = 0
    for first, last in said:
        if first <= following:
            following = max(following, last + 1)
    return following < count


DEMANDS = (
    Demand(
        "nodes-on-fargate",
        "job_definition.nodeProperties",
        lambda part, _: bool(part.get("nodeProperties")) and on_fargate(part),
        "Fargate runs no multi-node parallel jobs",
        "say platformCapabilities: [EC2]",
        _NODES,
    ),
    Demand(
        "main-node",
        "NodeProperties.mainNode",
        lambda part, _: not 0 <= part.get("mainNode", 0) < part.get("numNodes", 0),
        "the main node is one of the nodes, which count from 0",
        "say an index below numNodes",
        _NODES,
    ),
    Demand(
        "nodes-left-out",
        "NodeProperties.nodeRangeProperties",
        lambda part, _: _uncovered(part, part.get("numNodes", 0)),
        "a node is in no range",
        "let the ranges cover 0 to numNodes - 1",
        _RANGE,
    ),
    Demand(
        "mixed-nodes",
        "NodeProperties.nodeRangeProperties",
        lambda part, _: len({"eksProperties" in entry for entry in _ranges(part)}) > 1,
        "the nodes of a job run all on ECS or all on EKS",
        "say eksProperties of all ranges, or of none",
        _NODES,
    ),
    Demand(
        "target-nodes",
        "NodeRangeProperty.targetNodes",
        lambda part, whole: _bounds(part.get("targetNodes", ""), _count(whole)) is None,
        "is no range of the nodes that there are",
        "FIRST:LAST, such as 0:3, 2: or :4, with LAST below numNodes",
        _RANGE,
    ),
    Demand(
        "sort-of-node",
        "NodeRangeProperty.container",
        lambda part, _: sum(member in part for member in _SORTS) != 1,
        f"a range has one of {', '.join(_SORTS)}",
        "say one of them",
        _RANGE,
    ),
    Demand(
        "instance-types-of-range",
        "NodeRangeProperty.instanceTypes",
        lambda part, _: len(part.get("instanceTypes") or ()) > 1,
        "a range has up to one instance type",
        "take some out",
        _RANGE,
    ),
)
