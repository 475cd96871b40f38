"""A manifest as text that reads back as it was: YAML with comments, or JSON."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import yaml

from plans.printable import plain

_EXPANDED = re.compile(r"(?<=\$)\$\{|\$\{(?=var\.)")
_TAGS: Mapping[type, str] = {bool: "bool", int: "int", float: "float", str: "str"}
_LINE = 90
_UNBROKEN = 2**31 - 1


@attrs.frozen
class Expression:
    """Text in a document that is to be written as it stands, since it names variables: `${var.subnet}`."""

    text: str


def commented(lines: Iterable[str]) -> str:
    """Lines as comments of YAML."""
    return "".join(f"# {plain(line)}\n" for line in lines)


def to_yaml(document: Mapping[str, Any]) -> str:
    """The document of a manifest as YAML; small lists and maps stand on one line each."""
    settings = {key: value for key, value in document.items() if not isinstance(value, Mapping)}
    sections = [settings, *({key: value} for key, value in document.items() if key not in settings)]
    return "\n".join(_dumped(section) for section in sections if section)


def to_json(document: Mapping[str, Any]) -> str:
    """The document of a manifest as JSON that a reader of YAML takes too, which DELETE may not stand in."""
    return json.dumps(_escaped(document), indent=1).replace("\x7f", "\\u007f") + "\n"


def _dumped(section: Mapping[str, Any]) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.serialize(_node(_escaped(section), 0), Dumper=dumper, allow_unicode=True, width=_UNBROKEN)
    return text


def _escaped(value: Any) -> Any:
    """The value with every text written so that no variable is looked for in it."""
    match value:
        case str():
            return _EXPANDED.sub("$${", value)
        case Expression(text):
            return text
        case Mapping():
            return {_escaped(key): _escaped(item) for key, item in value.items()}
        case list() | tuple():
            return [_escaped(item) for item in value]
    return value


def _node(value: Any, depth: int) -> yaml.Node:
    match value:
        case Mapping():
            pairs = [(_scalar(key), _node(item, depth + 1)) for key, item in value.items()]
            return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=depth > 0 and _fits(value))
        case list():
            items = [_node(item, depth + 1) for item in value]
            return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=_fits(value))
    return _scalar(value)


def _scalar(value: Any) -> yaml.ScalarNode:
    text = json.dumps(value) if not isinstance(value, str) else value
    lines = "\n" in text and not re.search(r"\A\s|[^\S\n]\n|\r", text)
    return yaml.ScalarNode(f"tag:yaml.org,2002:{_TAGS[type(value)]}", text, style="|" if lines else None)


def _fits(value: Any) -> bool:
    """Whether a collection of scalars is short enough for a line."""
    inside = [part for item in value.items() for part in item] if isinstance(value, Mapping) else value
    if any(isinstance(part, Mapping | list) or "\n" in str(part) for part in inside):
        return False
    return sum(len(str(part)) + 2 for part in inside) <= _LINE
