"""Requests against the API's own description: what is required, of which type, and among which words.

The description is botocore's Batch service model. A member that the model does not know is dropped, as services of
the rest-json protocol do; words of an enumeration are taken in any case and kept as the model spells them.
"""

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from providers.simulator.rules import Refused, documented, must_be_one_of, observed

if TYPE_CHECKING:
    from botocore.model import OperationModel

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "structure": (dict,),
    "list": (list,),
    "map": (dict,),
}
_WIDTHS = {"integer": 32, "long": 64}
_JSON_PROTOCOL = "https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html"
_BOUNDS = {(True, True): "between {min} and {max}", (True, False): "at least {min}", (False, True): "at most {max}"}
_CONSTRAINTS = "https://smithy.io/2.0/spec/constraint-traits.html"
_SIMPLE_TYPES = "https://smithy.io/2.0/spec/simple-types.html"


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
    shape: Any = operation.input_shape
    sent = _document(body)
    _is_of_its_type(shape, sent, "")
    places = {name: member.serialization for name, member in shape.members.items()}
    asked = {name: query.get(place["name"]) for name, place in places.items() if place.get("location") == "querystring"}
    return read(shape, {**sent, **asked, **in_path})


def of(name: str, members: dict[str, Any]) -> Any:
    """Return the members of a call of an operation, by its name, as the service takes them."""
    operation = next(it for it in _routes().values() if it.name == name)
    return read(operation.input_shape, members)


@documented(_JSON_PROTOCOL)
def _document(body: bytes) -> dict[str, Any]:
    """A body is JSON, and none is an empty request."""
    try:
        sent: dict[str, Any] = json.loads(body or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused("The request is not valid JSON", code="SerializationException") from error
    return sent


def read(shape: Any, value: Any, path: str = "") -> Any:
    """Return `value` as the service takes it; refuse what the model does not allow.

    `shape` is one of botocore's shapes; `path` is for messages.
    """
    _is_of_its_type(shape, value, path)
    match shape.type_name:
        case "structure":
            given = _given(shape, value)
            _required_is_there(shape, given, path)
            return {name: read(shape.members[name], item, _join(path, name)) for name, item in given.items()}
        case "list":
            _is_within_bounds(shape, len(value), path)
            return [read(shape.member, item, f"{path}[{place}]") for place, item in enumerate(value)]
        case "map":
            return {read(shape.key, key, path): read(shape.value, item, f"{path}.{key}") for key, item in value.items()}
        case _:
            return _scalar(shape, value, path)


@documented(_JSON_PROTOCOL)
def _given(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    """Members without a value, and members that the service does not know, are as if they had not been sent."""
    return {name: value[name] for name in shape.members if value.get(name) is not None}


@documented(_CONSTRAINTS + "#required-trait")
def _required_is_there(shape: Any, given: dict[str, Any], path: str) -> None:
    """What the model requires is sent."""
    for name in shape.required_members:
        if name not in given:
            raise Refused(f"{_join(path, name)} must be provided")


def _scalar(shape: Any, value: Any, path: str) -> Any:
    if shape.type_name in _WIDTHS:
        _fits_its_width(value, _WIDTHS[shape.type_name], path)
    if isinstance(value, str):
        _text_is_unicode(value, path)
        _is_within_bounds(shape, len(value), path)
        return _word(shape, value, path)
    _is_within_bounds(shape, value, path)
    return value


@documented(_SIMPLE_TYPES)
def _fits_its_width(value: int, width: int, path: str) -> None:
    """An integer fits into 32 bits with its sign, a long into 64."""
    if not -(2 ** (width - 1)) <= value < 2 ** (width - 1):
        raise Refused(f"{path} does not fit into {width} bits", code="SerializationException")


@documented(_SIMPLE_TYPES)
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
    if not known:
        return value
    word = next((word for word in (value, *known) if word in known and word.upper() == value.upper()), value)
    must_be_one_of(path, word, known)
    return word


@documented(_SIMPLE_TYPES)
def _is_of_its_type(shape: Any, value: Any, path: str) -> None:
    """A value is of the type that the model gives it; a whole number is no boolean, and no text."""
    types = _TYPES.get(shape.type_name, (object,))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise Refused(f"{path or 'request'} must be of type {shape.type_name}")


@documented(_CONSTRAINTS + "#range-trait")
def _is_within_bounds(shape: Any, size: float, path: str) -> None:
    """A number, and the length of a text or list, is within the bounds that the model gives."""
    bounds = shape.metadata
    if not bounds.get("min", size) <= size <= bounds.get("max", size):
        told = _BOUNDS["min" in bounds, "max" in bounds].format(**bounds)
        raise Refused(f"{path} must be {told}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
