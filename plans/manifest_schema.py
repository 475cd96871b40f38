"""The JSON Schema of a manifest, written from the same tree of fields by which a manifest is checked, so that the two
cannot differ in their names. It is for editors and says less than the check: what a variable will be, which names refer
to what, and what AWS asks of a whole block, are found by `batchwright validate`.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from providers.kinds import Kinds
from providers.resources import Field

_VARIABLE = {"$ref": "#/$defs/variable"}
_DEFINITIONS: Mapping[str, Any] = {
    "variable": {
        "type": "string",
        "pattern": r"\$\{var\.[A-Za-z_][A-Za-z0-9_-]*\}",
        "description": "A value taken from outside.",
    },
    "elsewhere": {
        "type": "object",
        "description": "An object of another stack, found by its tags.",
        "properties": {"stack": {"type": "string"}, "name": {"type": "string"}},
        "required": ["stack", "name"],
        "additionalProperties": False,
    },
}
_NUMBERS: Mapping[str, tuple[str, str]] = {
    "integer": ("integer", r"^[+-]?[0-9]+(\.0*)?$"),
    "long": ("integer", r"^[+-]?[0-9]+(\.0*)?$"),
    "float": ("number", r"^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$"),
    "double": ("number", r"^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$"),
}
_BLOCK = re.compile(r"</?(?:p|ul|ol|li|dl|dt|dd|div|br|note|important|table|tr|td|th)\b[^>]*>")
_MARKUP = re.compile(r"<[^>]*>")


def manifest_schema(kinds: Kinds) -> dict[str, Any]:
    """The schema of a stack written in one file, with the documentation of every key."""
    definitions = dict(_DEFINITIONS)
    root = _structure(kinds.document, definitions)
    return {**root, "$defs": definitions}


def documented(text: str) -> str:
    """AWS's documentation without its markup."""
    return " ".join(html.unescape(_MARKUP.sub("", _BLOCK.sub(" ", text))).split())


def _of(field: Field, definitions: dict[str, Any], *, nullable: bool = False) -> dict[str, Any]:
    if field.type == "any":
        written: dict[str, Any] = {}
    else:
        choices = [*_choices(field, definitions), _VARIABLE, *([{"type": "null"}] if nullable else [])]
        written = {"anyOf": choices}
    return {**written, "description": documented(field.documentation)} if field.documentation else written


def _choices(field: Field, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    match field.type:
        case "structure":
            return [_defined(field, definitions)]
        case "list":
            return [_list(field, definitions)]
        case "map":
            assert field.element is not None
            bounds = _bounds(field, "minProperties", "maxProperties")
            empty_block = field.element.type == "structure" and not field.element.required
            values = _of(field.element, definitions, nullable=empty_block)
            return [{"type": "object", "additionalProperties": values, **bounds}]
        case "boolean":
            return [{"type": "boolean"}, {"enum": ["true", "false"]}]
        case "duration":
            return [{"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[smhd]$"}]
        case number if number in _NUMBERS:
            type_, pattern = _NUMBERS[number]
            return [{"type": type_, **_bounds(field, "minimum", "maximum")}, {"type": "string", "pattern": pattern}]
    return _texts(field)


def _texts(field: Field) -> list[dict[str, Any]]:
    """Texts may stand without quotes, so that a reader of YAML takes some of them for numbers or truth values."""
    if field.enum:
        return [{"enum": list(field.enum)}]
    text = {"type": ["string", "number", "boolean"], **_bounds(field, "minLength", "maxLength")}
    return [text, {"$ref": "#/$defs/elsewhere"}] if field.reference else [text]


def _defined(field: Field, definitions: dict[str, Any]) -> dict[str, Any]:
    """The structure under the name of its shape, or in place where it has none, or another has taken it."""
    written = _structure(field, definitions)
    if field.shape and definitions.setdefault(field.shape, written) == written:
        return {"$ref": f"#/$defs/{field.shape}"}
    return written


def _structure(field: Field, definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: _of(member, definitions, nullable=name not in field.required)
            for name, member in field.members.items()
        },
        "required": sorted(field.required),
        "additionalProperties": False,
    }


def _list(field: Field, definitions: dict[str, Any]) -> dict[str, Any]:
    assert field.element is not None
    whole = {"type": "array", "items": _of(field.element, definitions), **_bounds(field, "minItems", "maxItems")}
    if field.shorthand is None:
        return whole
    short = _of(field.element.members[field.shorthand.member], definitions)
    return {"anyOf": [whole, {**whole, "items": short}]}


def _bounds(field: Field, least: str, most: str) -> dict[str, float]:
    bounds = {least: field.minimum, most: field.maximum}
    return {name: bound for name, bound in bounds.items() if bound is not None}
