"""Dynamic references in texts, such as `{{resolve:ssm:/image}}`: CloudFormation puts values there, AWS Batch does not.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.cloudformation.functions import GONE, Partial
from reconciler.adapters.cloudformation.leaves import Composed, Part, Reference, Unresolved, composed, parts_of

_REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]*)\}\}")
_HOLE = re.compile("\0(\\d+)\0")


def finished(value: Any, ssm: Mapping[str, str]) -> Any:
    """The value with a leaf for each dynamic reference, but for those whose parameters are known."""
    match value:
        case str() | Composed():
            return _text(value, ssm)
        case Partial():
            return value.rest
        case list():
            return [finished(inner, ssm) for inner in value]
        case Mapping():
            return {key: finished(inner, ssm) for key, inner in value.items()}
    return None if value is GONE else value


def _text(text: str | Composed, ssm: Mapping[str, str]) -> str | Unresolved | Reference | Composed:
    """Parts that are not known are holes, which no file can hold, while the references are looked for."""
    parts = parts_of(text)
    if not any(isinstance(part, str) and "{{resolve:" in part for part in parts):
        return text
    line = "".join(part if isinstance(part, str) else f"\0{index}\0" for index, part in enumerate(parts))
    found: list[str | Unresolved | Reference | Composed] = []
    end = 0
    for match in _REFERENCE.finditer(line):
        found.append(_refilled(line[end : match.start()], parts))
        end = match.end()
        found.append(_leaf(match[1], match[2], match[0], parts, ssm))
    found.append(_refilled(line[end:], parts))
    return composed(found)


def _refilled(line: str, parts: tuple[Part, ...]) -> str | Unresolved | Reference | Composed:
    pieces = _HOLE.split(line)
    return composed(parts[int(piece)] if index % 2 else piece for index, piece in enumerate(pieces))


def _leaf(service: str, name: str, said: str, parts: tuple[Part, ...], ssm: Mapping[str, str]) -> str | Unresolved:
    if service == "ssm" and name in ssm:
        return ssm[name]
    whole = _refilled(said, parts)
    expression = whole if isinstance(whole, str) else whole.expression
    if service == "ssm":
        return Unresolved(expression, (f"the parameter {name} of SSM in --context",) if "\0" not in name else ())
    return Unresolved(expression, secret=True)
