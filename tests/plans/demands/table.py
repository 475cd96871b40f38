"""Rows of demands: a document that fails and one that passes, each a base of `tests.properties.bases` with an edit."""

from typing import Any

import attrs

from plans.demands import DEMANDS, breaches
from tests.plans.core import KINDS
from tests.properties.bases import BASES

GONE = object()
_BASES = {base.name: base for base in BASES}


@attrs.frozen
class Row:
    """`demand` fails where `bad` stands at `path` of a base, and holds where `good` does. `also` stands in both."""

    demand: str
    base: str
    path: str
    bad: Any = attrs.field(repr=False)
    good: Any = attrs.field(default=GONE, repr=False)
    also: tuple[tuple[str, Any], ...] = ()
    at: str = ""

    @property
    def kind(self) -> str:
        return _BASES[self.base].kind

    def document(self, value: Any) -> Any:
        document: Any = _BASES[self.base].block
        for path, item in (*self.also, (self.path, value)):
            document = put(document, path.split("."), item)
        return document

    def told(self, value: Any) -> list[tuple[str, str]]:
        """The demands that a document with this value does not keep to, and where."""
        found = breaches(self.document(value), KINDS[self.kind])
        return [(breach.demand.name, breach.path) for breach in found]


def put(here: Any, segments: list[str], value: Any) -> Any:
    """A copy in which `value` stands at a path, or nothing where it is GONE."""
    if not segments:
        return value
    first, rest = segments[0], segments[1:]
    if isinstance(here, list):
        place = int(first)
        return [*here[:place], put(here[place], rest, value), *here[place + 1 :]]
    kept = {name: item for name, item in here.items() if name != first}
    changed = put(here.get(first, {}), rest, value)
    return kept if changed is GONE else {**kept, first: changed}


def check(row: Row) -> None:
    """Assert that a row holds: the demand is told at its place for the bad document, and nothing for the good one."""
    at = row.at or row.path
    assert (row.demand, at) in row.told(row.bad)
    assert row.told(row.good) == []


def untested(kind: str, rows: list[Row]) -> set[str]:
    """The demands of a kind that no row is about."""
    return {demand.name for demand in DEMANDS[kind]} - {row.demand for row in rows}
