"""From the properties of a resource to a block of a manifest: names in the case of the API, values as it types them.

CloudFormation writes the members of the API with a capital, yet not all of them alike: it says `EfsVolumeConfiguration`
and `S3FilesVolumeConfiguration` where the API says `efsVolumeConfiguration` and `s3filesVolumeConfiguration`. So the
API model says what a property is called here. The keys of maps, such as the options of a log driver, are nobody's
names, and stay.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import attrs

from plans.nodes import Faults, Node
from plans.spelling import spelt
from providers.kinds import Kind
from providers.resources import Field
from reconciler.adapters.cloudformation.asks import Asks
from reconciler.adapters.cloudformation.leaves import Composed, Reference, Unresolved
from reconciler.adapters.cloudformation.naming import Named

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,6}")
_TRUTH = {"true": True, "false": False}


@attrs.frozen
class Spot:
    """Where a value goes and where it came from: the path in the manifest, and the nearest node of the template."""

    path: str
    at: Node

    def member(self, name: str, said: str) -> "Spot":
        return self._inside(f"{self.path}.{name}", said)

    def key(self, name: str) -> "Spot":
        return self._inside(f"{self.path}[{name}]", name)

    def item(self, index: int, count: int) -> "Spot":
        # Functions may have put other items into the list.
        items = self.at.items if len(self.at.items) == count else ()
        return Spot(f"{self.path}[{index}]", items[index] if items else self.at)

    def _inside(self, path: str, key: str) -> "Spot":
        entry = self.at.entries.get(key)
        return Spot(path, entry.node if entry is not None else self.at)


@attrs.define
class Writer:
    """Writes blocks, and keeps what is to be known of them. `places` are where the values of the manifest came from."""

    resources: Mapping[str, Named]
    asks: Asks
    lacking: Faults = attrs.field(factory=Faults)
    places: dict[str, Node] = attrs.field(factory=dict)

    def members(self, kind: Kind, properties: Mapping[str, Any], spot: Spot) -> dict[str, Any]:
        """The members of a kind that the resolved properties of a resource say."""
        borne = frozenset(f"{kind.name}.{path}" for rule in kind.facts.rules if rule.whole for path in rule.paths)
        block = attrs.evolve(kind.spec, members={**kind.spec.members, "tags": kind.block.members["tags"]})
        return _Body(self, borne).structure(block, properties, spot)

    def name(self, said: Any, spot: Spot) -> Any:
        """The name in AWS."""
        known = not isinstance(said, Unresolved | Reference | Composed)
        return unfit(said) if known else self.asks.text(said, spot.path, spot.at)


@attrs.frozen
class _Body:
    """`borne` are structures whose presence alone means something."""

    writer: Writer
    borne: frozenset[str]

    def structure(self, field: Field, value: Mapping[str, Any], spot: Spot, *, listed: bool = False) -> dict[str, Any]:
        known = {name.lower(): name for name in field.members}
        made: dict[str, Any] = {}
        for said, inner in value.items():
            name = known.get(said.lower())
            inside = spot.member(name or said, said)
            if name is None:
                near = get_close_matches(said.lower(), known, 1)
                hint = f"did you mean {_pascal(known[near[0]])}?" if near else None
                self.writer.lacking.add(inside.at, inside.path, f"AWS Batch knows no property {said} here", hint)
                continue
            if name in made:
                self.writer.lacking.add(inside.at, inside.path, f"is said twice, once as {said}")
            self.writer.places[inside.path] = inside.at
            member = field.members[name]
            written = self.value(member, inner, inside, listed=listed)
            # What is empty says nothing, but for an entry of a list that is what it is by it: `emptyDir: {}`.
            empty = written == [] or (written == {} and not listed)
            if empty and member.type in ("structure", "list") and f"{field.shape}.{name}" not in self.borne:
                continue
            made[name] = written
        return made

    def value(self, field: Field, value: Any, spot: Spot, *, listed: bool = False) -> Any:
        match value:
            case Reference() if field.reference is not None:
                return self.reference(field.reference, value, spot)
            case Unresolved() | Reference() | Composed():
                return self.writer.asks.text(value, spot.path, spot.at)
            case Mapping() if field.type == "structure":
                return self.structure(field, value, spot, listed=listed)
            case Mapping() if field.type == "map" and field.element is not None:
                return {key: self.value(field.element, inner, spot.key(key)) for key, inner in value.items()}
            case list() if field.type == "list" and field.element is not None:
                return self.list(field, value, spot)
            case str():
                return _SCALARS.get(field.type, spelt)(field, value)
        return unfit(value)

    def list(self, field: Field, value: list[Any], spot: Spot) -> Any:
        element, short = field.element, field.shorthand
        assert element is not None
        spots = [spot.item(index, len(value)) for index in range(len(value))]
        made = [self.value(element, item, at, listed=True) for item, at in zip(value, spots, strict=True)]
        if short is None or not all(
            isinstance(one, dict) and one.keys() == {short.member, short.position} for one in made
        ):
            return made
        if all(isinstance(one[short.position], int) for one in made):
            made.sort(key=lambda one: one[short.position])
        if [one[short.position] for one in made] == [*range(1, len(made) + 1)]:
            return [one[short.member] for one in made]
        return made

    def reference(self, kind: str, leaf: Reference, spot: Spot) -> Any:
        """The name of the block that stands for a resource of the template."""
        found = self.writer.resources.get(leaf.logical_id)
        if found is not None and found.kind.name == kind:
            return found.block
        what = "is not in the manifest" if found is None else f"is a {found.kind.title}"
        self.writer.lacking.add(spot.at, spot.path, f"refers to {leaf.logical_id}, which {what}")
        return leaf.logical_id


def unfit(value: Any) -> Any:
    """What stands where something else should, with what is not known in it as text: it is refused where the manifest
    is read."""
    match value:
        case Unresolved() | Reference() | Composed():
            return value.expression
        case Mapping():
            return {key: unfit(inner) for key, inner in value.items()}
        case list():
            return [*map(unfit, value)]
    return value


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _whole(_field: Field, text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number(field: Field, text: str) -> Any:
    return float(text) if _DECIMAL.fullmatch(text) else _whole(field, text)


def _truth(_field: Field, text: str) -> Any:
    return _TRUTH.get(text.lower(), text)


_SCALARS: Mapping[str, Callable[[Field, str], Any]] = {
    "integer": _whole,
    "long": _whole,
    "float": _number,
    "double": _number,
    "boolean": _truth,
}
"""How a text is written as what the model says it is; what it cannot be is refused where the manifest is read."""
