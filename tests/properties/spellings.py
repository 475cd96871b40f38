"""Other ways to say the same: what AWS may answer to what was sent, or a reader may write."""

import random
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, settings

from providers.kinds import Beside, Kind
from providers.resources import Document, Field

# The same examples every time, so that a failure in CI is a failure at home.
bounded = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Respelling:
    """Shuffles sets, spells defaults out, adds what is empty, changes the case of enums and the form of numbers."""

    def __init__(self, document: Document, kind: Kind, rng: random.Random) -> None:
        self.facts, self.rng = kind.facts, rng
        self.defaults = {row.member: row.value for row in kind.facts.defaults if row.when(document)}

    def structure(self, field: Field, value: Mapping[str, Any], shape: str) -> dict[str, Any]:
        made = {}
        for name, member in field.members.items():
            label = f"{shape}.{name}"
            if name in value:
                made[name] = self.value(member, value[name], label)
            elif label in self.defaults and self.rng.random() < 0.5:
                default = self.defaults[label]
                made[name] = default.within(value) if isinstance(default, Beside) else default
            elif member.type in ("list", "map") and self.rng.random() < 0.3:
                made[name] = [] if member.type == "list" else {}
        return made

    def value(self, field: Field, value: Any, label: str) -> Any:
        if field.reference is not None:
            return value
        if field.type == "structure":
            return self.structure(field, value, field.shape)
        if field.type == "list":
            return self.list(field, value, label)
        if field.type == "string" and field.enum:
            return self.rng.choice([value.lower(), value.upper(), value])
        if label in self.facts.numeric and isinstance(value, str) and value.isascii() and value.isdigit():
            return f"{value}.0"
        if label in self.facts.quantities:
            return {name: scaled(item) for name, item in value.items()} if field.type == "map" else scaled(value)
        return value

    def list(self, field: Field, value: list[Any], label: str) -> list[Any]:
        assert field.element is not None
        made = [self.value(field.element, item, label) for item in value]
        names = [str(item.get(self.facts.keyed.get(field.shape))) for item in value if isinstance(item, Mapping)]
        if label in self.facts.sets or (field.shape in self.facts.keyed and len(set(names)) == len(names)):
            self.rng.shuffle(made)
        return made


def scaled(quantity: str) -> str:
    """The same quantity of Kubernetes by another suffix, where it has a plain number or one that is easily scaled."""
    number, suffix = quantity.removesuffix("Mi"), "Ki" if quantity.endswith("Mi") else "m"
    if not (number.isascii() and number.isdigit()):
        return quantity
    return f"{int(number) * (1024 if suffix == 'Ki' else 1000)}{suffix}"


def respelt(document: Document, kind: Kind, rng: random.Random) -> dict[str, Any]:
    """Another document that means the same."""
    return Respelling(document, kind, rng).structure(kind.spec, document, kind.name)


def denormalised(field: Field, value: Any) -> Any:
    """A normal form as a document again: what is told apart by a member becomes a list."""
    if field.type == "structure":
        return {name: denormalised(field.members[name], item) for name, item in value.items()}
    if field.type == "list" and field.element is not None:
        items = value.values() if isinstance(value, Mapping) else value
        return [denormalised(field.element, item) for item in items]
    return value
