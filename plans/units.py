"""Units: the parts of a document that an update sends whole, and what it sends of them.

A unit is a top-level member, or a member of a structure, however deep, of which an update takes single members. So only
changed keys are sent, which Fargate insists on (aws/aws-cdk#27054).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plans import paths
from plans.diff import Pair
from providers.kinds import Beside, Kind
from providers.resources import Document, Field


def unit_of(pair: Pair, kind: Kind) -> str:
    """The unit in which a difference lies."""
    depth = 1
    while ".".join(pair.segments[:depth]) in kind.facts.refined and depth < len(pair.segments):
        depth += 1
    return ".".join(pair.segments[:depth])


def value_of(unit: str, spec: Document, kind: Kind) -> Any:
    """What an update sends for a unit: the wanted value, what unsets it, or None where the API has nothing for that."""
    tree = kind.update_spec if _ordered(unit, kind) else kind.spec
    value = paths.get(spec, paths.split(unit), kind.facts.keyed, tree)
    if value is not None and value not in ([], {}):
        return {**kind.facts.filled[unit], **value} if unit in kind.facts.filled else value
    reset = kind.reset(unit, spec)
    if reset is not None:
        return reset
    return default_of(paths.split(unit), spec, kind)


def _ordered(unit: str, kind: Kind) -> bool:
    """Whether a unit is something to do, not something to be, as updateToLatestImageVersion is: never described."""
    return kind.spec.at(paths.split(unit)) is None


def default_of(segments: Sequence[str], spec: Document, kind: Kind) -> Any:
    """What the service does where a document of this kind says nothing at a path; None where no row tells."""
    holder = kind.spec.at(segments[:-1])
    label = f"{holder.shape if holder else ''}.{segments[-1]}"
    value = next((row.value for row in kind.facts.defaults if row.member == label and row.when(spec)), None)
    if isinstance(value, Beside):
        return value.within(paths.get(spec, segments[:-1], kind.facts.keyed, kind.spec) or {})
    return value


def sent(units: Iterable[str], spec: Document, kind: Kind) -> Mapping[str, Any]:
    """What an update says for these units."""
    said: dict[str, Any] = {}
    for unit in units:
        *holders, member = paths.split(unit)
        holder = said
        for name in holders:
            holder = holder.setdefault(name, {})
        holder[member] = value_of(unit, spec, kind)
    if kind.facts.renamed_in_update is not None:
        return kind.facts.renamed_in_update(said)
    return {name: _taken(kind.update_spec.members[name], value) for name, value in said.items()}


def expected(units: Iterable[str], spec: Document, kind: Kind) -> Mapping[str, Any]:
    """What must be seen after an update; a floor is none of it, since what it raises moves on with the load, nor is
    what is only done."""
    return {
        unit: paths.get(spec, paths.split(unit), kind.facts.keyed, kind.spec)
        for unit in units
        if unit not in kind.facts.floors and not _ordered(unit, kind)
    }


def _taken(field: Field, value: Any) -> Any:
    """What an update takes of a value; of some structures that is not all that a create takes."""
    if field.type == "structure" and isinstance(value, Mapping):
        return {name: _taken(field.members[name], item) for name, item in value.items() if name in field.members}
    return value
