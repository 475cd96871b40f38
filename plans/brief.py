"""The shortest document that says what a live one does: without defaults, and without what the service fills itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from plans import paths
from plans.normalise import normalise
from providers.kinds import Kind
from providers.resources import Document, Field

Refer = Callable[[str, Any], Any]
"""Given the kind that a reference names and the reference as it is shown, the reference as a manifest says it."""

_DERIVED: Mapping[str, str] = {"job_queue": "jobQueueType"}
"""What the service tells from the rest of a document (API_JobQueueDetail)."""


def brief(document: Document, kind: Kind, refer: Refer) -> dict[str, Any]:
    """The members that a manifest must say of a live document of this kind, in the order of the API's creation.

    What the service owns is left out where it moves by itself, or has the value that it gets where nobody says it; in
    any other case somebody may have chosen it, so it stays. Lists keep their order.
    """
    kept, keyed = document, kind.facts.keyed
    for path in kind.owned:
        if _left_to_service(path, document, kind):
            kept = paths.put(kept, paths.split(path), None, keyed, kind.spec)
    defaults: dict[str, list[Any]] = {}
    for row in kind.facts.defaults:
        if row.when(document):
            defaults.setdefault(row.member, []).append(row.value)
    borne = frozenset(f"{kind.name}.{path}" for rule in kind.facts.rules if rule.whole for path in rule.paths)
    made = _Brief(kind, refer, defaults, borne).structure(kind.spec, kept, kind.name)
    return {name: made[name] for name in (*kind.create_spec.members, *made) if name in made}


def _left_to_service(path: str, document: Document, kind: Kind) -> bool:
    """Whether what the service owns at a path needs not be said."""
    keyed, spec = kind.facts.keyed, kind.spec
    if path in kind.facts.floors or path == _DERIVED.get(kind.name):
        return True
    segments = paths.split(path)
    shown = paths.get(document, segments, keyed, spec)
    if path in kind.facts.alike and kind.facts.alike[path](None, shown):
        # An UNMANAGED environment must say its role, whichever it is (CreateComputeEnvironment).
        return document.get("type") != "UNMANAGED"
    unset = kind.reset(path, document)
    if unset is None:
        return False
    return normalise(paths.put(document, segments, unset, keyed, spec), kind) == normalise(document, kind)


@attrs.frozen
class _Brief:
    """`borne` are structures whose presence alone means something."""

    kind: Kind
    refer: Refer
    defaults: Mapping[str, Sequence[Any]]
    borne: frozenset[str]

    def structure(self, field: Field, value: Document, shape: str, *, telling: str = "", listed: bool = False) -> Any:
        """The members that must be said, first `telling`, by which an entry of a list is told apart."""
        made = {}
        for name in sorted(field.members, key=telling.__ne__):
            member = field.members[name]
            raw, label = value.get(name), f"{shape}.{name}"
            if raw is None:
                continue
            said = self.value(member, raw, label, listed=listed)
            if name not in field.required and name != telling and self.unsaid(said, raw, label, listed=listed):
                continue
            made[name] = said
        return made

    def unsaid(self, said: Any, raw: Any, label: str, *, listed: bool) -> bool:
        """Whether leaving a member out says the same. An entry of a list may be what it is by an empty structure."""
        if said == {}:
            return not (label in self.borne or (listed and raw == {}))
        return said == [] or said in self.defaults.get(label, ())

    def value(self, field: Field, value: Any, label: str, *, listed: bool = False) -> Any:
        if field.reference is not None:
            return self.refer(field.reference, value)
        match field.type:
            case "structure":
                return self.structure(field, value, field.shape, listed=listed)
            case "list":
                return self.list(field, value, label)
            case "map":
                return {key: item for key, item in value.items() if item is not None}
            case "string" if field.enum:
                return next((word for word in field.enum if word.lower() == value.lower()), value)
            case _:
                return value

    def list(self, field: Field, value: Sequence[Any], label: str) -> list[Any]:
        element = field.element
        assert element is not None
        if element.type != "structure" or element.reference is not None:
            return [self.value(element, item, label) for item in value if item is not None]
        telling = self.kind.facts.keyed.get(field.shape, "")
        made = [
            self.structure(element, item, element.shape, telling=telling, listed=True)
            for item in value
            if item is not None
        ]
        short = field.shorthand
        if short is None:
            return made
        made.sort(key=lambda item: item[short.position])
        plain = all(item.keys() == {short.member, short.position} for item in made)
        if plain and [item[short.position] for item in made] == [*range(1, len(made) + 1)]:
            return [item[short.member] for item in made]
        return made
