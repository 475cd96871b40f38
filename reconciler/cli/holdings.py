"""What the simulator holds, for readers: a line for each object, under its account and region."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

Documents = Mapping[str, Mapping[str, Any]]
"""What objects describe, by name."""

_CHILD = "child"
_WELL = frozenset({"VALID", "ACTIVE"})
"""Statuses whose reason tells nothing more."""


def lines(held: Mapping[str, Mapping[str, Documents]]) -> Iterator[str]:
    """The objects of each "ACCOUNT/REGION", by kind: the kind, the name, the status, and what else is to be known.

    The children of a job, of which there may be ten thousand, are counted in its line.
    """
    for scope, kinds in held.items():
        yield scope
        yield from _rows(kinds)


def _rows(kinds: Mapping[str, Documents]) -> Iterator[str]:
    children = _by_parent(kinds.get(_CHILD, {}))
    rows = [
        (kind, name, document.get("status", ""), _told(document, children[name]))
        for kind, documents in kinds.items()
        if kind != _CHILD
        for name, document in documents.items()
    ]
    kind, name, status = (max((len(row[place]) for row in rows), default=0) for place in range(3))
    for row in rows:
        yield f"  {row[0]:{kind}}  {row[1]:{name}}  {row[2]:{status}}  {row[3]}".rstrip()


def _by_parent(children: Documents) -> Mapping[str, Counter[str]]:
    """How many children of each job are in each status; a child is called PARENT:INDEX."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, document in children.items():
        found[name.rpartition(":")[0]][document["status"]] += 1
    return found


def _told(document: Mapping[str, Any], children: Mapping[str, int]) -> str:
    """Its state; of a job its name, queue and children; why it is as it is, unless all is well."""
    parts = [document.get("state", "")]
    if "jobName" in document:
        parts.append(f"{document['jobName']} in {document['jobQueue'].rpartition('/')[2]}")
    if children:
        parts.append(f"children: {', '.join(f'{count} {status}' for status, count in children.items())}")
    if document.get("status") not in _WELL:
        parts.append(document.get("statusReason", ""))
    return "; ".join(filter(None, parts))
