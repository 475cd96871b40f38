"""A template where a manifest is asked for: converted, and refused as a whole where anything of it is not known."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from plans.manifest import Manifest, Source, parse
from plans.masking import texts_in
from plans.nodes import Faults, Node
from providers.errors import Fault, ManifestError
from providers.kinds import Kinds
from providers.resources import EMPTY, Resource
from reconciler.adapters.cloudformation.convert import Converted

_NAMING = "--parameter AWS::StackName=NAME says how it is deployed; or convert it, and write another one under stack"


def manifest(
    made: Converted, *, variables: Mapping[str, Any], kinds: Kinds, ambient: Mapping[str, Any] = EMPTY
) -> Manifest:
    """The manifest of a converted template; `variables` and `ambient` are as `plans.manifest.parse` takes them.

    Raises ManifestError with all that is missing at once, each at its place in the template: what cannot be said in a
    manifest, what is not known, and what AWS Batch would not take.
    """
    given = {**ambient, **made.secrets, **variables}
    faults, secrets = Faults([*made.lacking]), [given[name] for name in made.hidden & given.keys()]
    for ask in made.asks:
        if not ask.variables or any(name not in given for name in ask.variables):
            faults.add(ask.at, ask.unknown.path, f"is not known: {ask.unknown.said}", ask.unknown.give)
    try:
        found = _parsed(made, variables={**made.secrets, **variables}, kinds=kinds, ambient=ambient)
    except ManifestError as error:
        faults.found.extend(_told(error, made, secrets))
        faults.end(made.template.file)
        raise
    faults.end(made.template.file)
    marked = {address: _marked(one, made, kinds) for address, one in found.resources.items()}
    return attrs.evolve(found, resources=marked)


def checked(made: Converted, kinds: Kinds) -> Converted:
    """The same, in which all is lacking too that no manifest could say, whatever the variables are."""
    try:
        _parsed(made, variables={}, kinds=kinds)
    except ManifestError as error:
        return attrs.evolve(made, lacking=(*made.lacking, *_told(error, made, ())))
    return made


def _parsed(made: Converted, **given: Any) -> Manifest:
    return parse([Source(made.template.file, made.conversion().json.encode())], **given)


def _told(error: ManifestError, made: Converted, secrets: Iterable[Any]) -> Iterator[Fault]:
    """The faults but those of variables that have no value, which are asked for in other words."""
    hidden = [text for text in texts_in([*secrets]) if text]
    return (_placed(fault, made, hidden) for fault in error.faults if not fault.path.startswith("variables."))


def _placed(fault: Fault, made: Converted, hidden: Iterable[str]) -> Fault:
    """A fault of the manifest as one of the template, with no secret in it."""
    at = _place(fault.path, made.places) or Node(None, fault.file, 0, 0)
    message, hint = fault.message, _NAMING if fault.path == "stack" else fault.hint
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
