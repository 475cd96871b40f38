"""Requests against the API's own description: what is required, of which type, and among which words.

The description is botocore's Batch service model. A member that the model does not know is dropped, as services of
the rest-json protocol do; words of an enumeration are taken in any case and kept as the model spells them.
"""

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from providers.simulator.rules import Refused, documented, observed

if TYPE_CHECKING:
    from botocore.model import OperationModel

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}
_WIDTHS = {"integer": 32, "long": 64}


@functools.cache
def _routes() -> "dict[tuple[str, str], OperationModel]":
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    model = ServiceModel(Loader().load_service_model("batch", "service-2"), "batch")
    operations = [model.operation_model(name) for name in model.operation_names]
    return {(operation.http["method"], operation.http["requestUri"]): operation for operation in operations}


def route(method: str, path: str) -> "tuple[OperationModel, dict[str, str]] | None":
    """Return the operation that a request calls, with the members that stand in its path; None if there is none."""
    fixed = _routes().get((method, path))
    if fixed:
        return fixed, {}
    tagging = _routes().get((method, "/v1/tags/{resourceArn}"))
    prefix, _, arn = path.partition("/v1/tags/")
    return (tagging, {"resourceArn": unquote(arn)}) if tagging and arn and not prefix else None


def members(operation: "OperationModel", body: bytes, query: Mapping[str, list[str]], in_path: dict[str, str]) -> Any:
    """Return the members of a request, from its body, its query and its path, as the service takes them."""
    try:
        sent = json.loads(body or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused("The request is not valid JSON", code="SerializationException") from error
    shape: Any = operation.input_shape
    _is(sent, dict, "", "structure")
    places = {name: member.serialization for name, member in shape.members.items()}
    asked = {name: query.get(place["name"]) for name, place in places.items() if place.get("location") == "querystring"}
    return read(shape, {**sent, **asked, **in_path})


def read(shape: Any, value: Any, path: str = "") -> Any:
    """Return `value` as the service takes it; refuse what the model does not allow.

    `shape` is one of botocore's shapes; `path` is for messages.
    """
    match shape.type_name:
        case "structure":
            return _structure(shape, value, path)
        case "list":
            _is(value, list, path, "list")
            _bounds(shape, len(value), path)
            return [read(shape.member, item, f"{path}[{place}]") for place, item in enumerate(value)]
        case "map":
            _is(value, dict, path, "map")
            return {read(shape.key, key, path): read(shape.value, item, f"{path}.{key}") for key, item in value.items()}
        case _:
            return _scalar(shape, value, path)


@documented("https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html")
def _structure(shape: Any, value: Any, path: str) -> dict[str, Any]:
    """Members without a value, and members that the service does not know, are as if they had not been sent."""
    _is(value, dict, path, "structure")
    members = {name: member for name, member in shape.members.items() if value.get(name) is not None}
    for name in shape.required_members:
        if name not in members:
            raise Refused(f"{_join(path, name)} must be provided")
    return {name: read(member, value[name], _join(path, name)) for name, member in members.items()}


def _scalar(shape: Any, value: Any, path: str) -> Any:
    _is(value, _SCALARS.get(shape.type_name, (object,)), path, shape.type_name)
    if isinstance(value, bool) and shape.type_name != "boolean":
        raise Refused(f"{path} must be of type {shape.type_name}")
    if shape.type_name in _WIDTHS:
        _fits_its_width(value, _WIDTHS[shape.type_name], path)
    if isinstance(value, str):
        _text_is_unicode(value, path)
        _bounds(shape, len(value), path)
        return _word(shape, value, path)
    _bounds(shape, value, path)
    return value


@documented("https://smithy.io/2.0/spec/simple-types.html")
def _fits_its_width(value: int, width: int, path: str) -> None:
    """An integer fits into 32 bits with its sign, a long into 64."""
    if not -(2 ** (width - 1)) <= value < 2 ** (width - 1):
        raise Refused(f"{path} does not fit into {width} bits", code="SerializationException")


@documented("https://smithy.io/2.0/spec/simple-types.html")
def _text_is_unicode(value: str, path: str) -> None:
    """A string is text that can be written in UTF-8: half of a surrogate pair is refused."""
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        raise Refused(f"{path} is not valid Unicode text", code="SerializationException")


@documented("https://www.rfc-editor.org/rfc/rfc8259#section-6")
def _no_number(word: str) -> float:
    """NaN and Infinity are no JSON."""
    raise ValueError(word)


@observed("aws/aws-cdk#31621")
def _word(shape: Any, value: str, path: str) -> str:
    """A word of an enumeration may come in any case; another word is refused."""
    known: list[str] = shape.enum
    if not known or value in known:
        return value
    for word in known:
        if word.upper() == value.upper():
            return word
    raise Refused(f"{path} must be one of {', '.join(known)}")


def _is(value: Any, types: type | tuple[type, ...], path: str, words: str) -> None:
    if not isinstance(value, types):
        raise Refused(f"{path or 'request'} must be of type {words}")


def _bounds(shape: Any, size: float, path: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        raise Refused(f"{path} must be between {least} and {most}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
