"""A template where a manifest is asked for: converted, and refused as a whole where anything of it is not known."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from plans.manifest import Manifest, Source, parse
from plans.nodes import Faults, Node
from providers.errors import Fault, ManifestError
from providers.kinds import Kinds
from providers.resources import Resource
from reconciler.adapters.cloudformation.convert import Converted


@attrs.frozen
class Reader:
    """What is given beside a template. `variables` are those of `--var`, `ambient` those that count where declared."""

    kinds: Kinds
    variables: Mapping[str, Any]
    ambient: Mapping[str, Any]

    def manifest(self, made: Converted) -> Manifest:
        """The manifest of a converted template.

        Raises ManifestError with all that is missing at once, each at its place in the template: what cannot be said in
        a manifest, what is not known, and what AWS Batch would not take.
        """
        faults = Faults([*made.lacking])
        for ask in made.asks:
            lacking = not ask.variables or any(name not in self._values(made) for name in ask.variables)
            if lacking:
                faults.add(ask.at, ask.unknown.path, f"is not known: {ask.unknown.said}", ask.unknown.give)
        faults.end(made.template.file)
        try:
            found = parse(
                [Source(made.template.file, made.conversion().json.encode())],
                variables={**made.secrets, **self.variables},
                kinds=self.kinds,
                ambient=self.ambient,
            )
        except ManifestError as error:
            hidden = [value for value in made.secrets.values() if isinstance(value, str) and value]
            told = tuple(_placed(fault, made, hidden) for fault in error.faults)
            raise attrs.evolve(error, faults=told) from None
        return attrs.evolve(
            found, resources={address: _marked(one, made, self.kinds) for address, one in found.resources.items()}
        )

    def _values(self, made: Converted) -> Mapping[str, Any]:
        return {**self.ambient, **made.secrets, **self.variables}


def _placed(fault: Fault, made: Converted, hidden: Iterable[str]) -> Fault:
    """A fault of the manifest as one of the template, with no secret in it."""
    at = _place(fault.path, made.places) or Node(None, made.template.file, 0, 0)
    message, hint = fault.message, fault.hint
    for text in hidden:
        message, hint = message.replace(text, "(secret)"), hint and hint.replace(text, "(secret)")
    return Fault(at.file, at.line, at.column, fault.path, message, hint)


def _place(path: str, places: Mapping[str, Node]) -> Node | None:
    """Where the template says what stands at a path, or what it stands in."""
    while path and path not in places:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return places.get(path)


def _marked(resource: Resource, made: Converted, kinds: Kinds) -> Resource:
    at = made.places.get(f"{kinds[resource.address.kind].section}.{resource.address.name}")
    return resource if at is None else attrs.evolve(resource, mark=at.mark)


