"""The form in which a kind states what AWS asks of one document, and the walk that finds what does not keep to it.

A demand is named by the shape of the API model that it looks at and the member that it tells of (`ComputeResource.
subnets`; the kind's own root shape is the kind's name), so that one row serves every place where a shape appears.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from plans import paths
from providers.kinds import Kind
from providers.kinds.facts import page
from providers.resources import Document, Field

T = TypeVar("T")
_Structure = tuple[tuple[str, ...], Field, Document]
Fails = Callable[[Document, Document], bool]
"""Whether a structure does not keep to a demand, given that structure and the whole document.

References are ARNs, or `Ref`s to what is not made yet; nothing is null.
"""


def of(told: T, fails: Callable[[Document, Document, T], bool]) -> Fails:
    """A question about one thing of several, such as one member of a list of them: rows made in a loop ask it."""
    return lambda part, whole: fails(part, whole, told)


@attrs.frozen
class Demand:
    """One thing that AWS asks of a document of its own, and the public page or issue that says so.

    `member` is SHAPE.MEMBER. `creation`: only a create asks it, an update does not. `since`: from this moment on, in
    seconds of the epoch. `spelling`: what does not keep to it may mean the same as what does, so that it is asked even
    where nothing is sent.
    """

    name: str
    member: str
    fails: Fails
    message: str
    hint: str
    source: str
    creation: bool = False
    since: float = 0
    spelling: bool = False

    @property
    def shape(self) -> str:
        return self.member.partition(".")[0]


@attrs.frozen
class Breach:
    """A demand that a document does not keep to, and where."""

    demand: Demand
    path: str


def by_shape(demands: Iterable[Demand]) -> Mapping[str, Sequence[Demand]]:
    """Demands by the shape that they look at."""
    made: dict[str, list[Demand]] = {}
    for demand in demands:
        made.setdefault(demand.shape, []).append(demand)
    return made


def breaches(document: Document, kind: Kind, demands: Mapping[str, Sequence[Demand]]) -> Iterator[Breach]:
    """Every demand, of those by shape, that a document does not keep to, in the order of its fields; that all is there
    which the API model requires is one of them."""
    for segments, field, part in structures(kind, document):
        for member in sorted(field.required - part.keys()):
            yield Breach(_required(field.shape, member), paths.render(kind.spec, (*segments, member)))
        for demand in demands.get(field.shape, ()):
            if demand.fails(part, document):
                yield Breach(demand, paths.render(kind.spec, (*segments, demand.member.partition(".")[2])))


def _required(shape: str, member: str) -> Demand:
    """A manifest that lacks it is none, but what is ignored may take it away."""
    hint = "say it; and if lifecycle.ignore or policy.ignore names it, take it out there"
    return Demand("required", f"{shape}.{member}", lambda *_: True, "it is missing, and required", hint, page(shape))


def structures(kind: Kind, document: Document) -> Sequence[_Structure]:
    """Every structure in a document, with the path and the field that it stands at."""
    found: list[_Structure] = []
    _find(kind.spec, document, (), kind.facts.keyed, found)
    return found


def _find(
    field: Field, value: Any, segments: tuple[str, ...], keyed: Mapping[str, str], found: list[_Structure]
) -> None:
    if field.type == "structure" and isinstance(value, Mapping):
        found.append((segments, field, value))
        for name, member in field.holders.items():
            if name in value:
                _find(member, value[name], (*segments, name), keyed, found)
    elif field.type == "list" and field.element is not None and isinstance(value, Sequence):
        for place, item in enumerate(value):
            named = item.get(keyed.get(field.shape)) if isinstance(item, Mapping) else None
            told = str(named) if named else field.unnamed or str(place)
            _find(field.element, item, (*segments, told), keyed, found)


def outside(part: Document, member: str, least: float, most: float = float("inf")) -> bool:
    """Whether a number is said, and not from `least` to `most`."""
    return part.get(member) is not None and not least <= part[member] <= most


def unknown(part: Document, member: str, *known: str) -> bool:
    """Whether a word is said, and none of those that are known."""
    return part.get(member) is not None and part[member] not in known


def says(part: Document, member: str) -> bool:
    """Whether a member says something: a list or structure that is empty says nothing."""
    return part.get(member) not in (None, [], (), {})


def twice(entries: Iterable[Any]) -> bool:
    """Whether something stands twice in a list."""
    said = [str(entry) for entry in entries]
    return len(set(said)) < len(said)
