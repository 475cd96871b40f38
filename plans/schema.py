"""The JSON Schemas that are published: of the manifest, of the plan, of the lines of `apply --json`, of
`doctor --json` and of `rehearse --json`.

That of the manifest is written from the same tree of fields by which a manifest is checked, so the two cannot differ
in their names. It is for editors and says less than the check: what a variable will be, which names refer to what, and
what AWS asks of a whole block, are found by `batchwright validate`.
"""

import html
import re
from collections.abc import Mapping
from typing import Any, get_args

from plans import rehearsal
from plans.change import Action, Impact, Origin
from plans.diagnosis.scene import Likelihood
from plans.plan import FORMAT, Step, Until
from plans.report import Departure, EventName, Status
from providers.kinds import Kinds
from providers.resources import EMPTY, Field

DIALECT = "https://json-schema.org/draft/2020-12/schema"

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
    return {"$schema": DIALECT, "title": "Batchwright manifest", **root, "$defs": definitions}


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


def plan_schema() -> dict[str, Any]:
    """The schema of a plan as JSON."""
    return {"$schema": DIALECT, "title": "Batchwright plan", **_plan()}


def event_schema() -> dict[str, Any]:
    """The schema of one line of `apply --json`: an event, or the report that is the last of them."""
    event = _object(
        {"event": _word(*get_args(EventName)), "at": _NUMBER, "step": _TEXT, "address": _TEXT},
        open_=True,
    )
    return {"$schema": DIALECT, "title": "Batchwright event", "anyOf": [event, _report()]}


def doctor_schema() -> dict[str, Any]:
    """The schema of what `doctor --json` prints."""
    finding = {
        "code": _TEXT,
        "likelihood": _word(*get_args(Likelihood)),
        "says": _TEXT,
        "evidence": _each(_TEXT),
        "mend": _TEXT,
        "source": _TEXT,
        "jobs": _each(_TEXT),
    }
    queue = {
        "queue": _TEXT,
        "arn": _TEXT,
        "jobs": _object({"by_status": _map(_COUNT), "more": _each(_TEXT), "looked_at": _COUNT}),
        "oldest_runnable_seconds": _or_null(_NUMBER),
        "findings": _each(_object(finding)),
        "unread": _map(_TEXT),
    }
    whole = {
        "account": _or_null(_TEXT),
        "region": _TEXT,
        "target": _map(_TEXT),
        "queues": _each(_object(queue)),
    }
    return {"$schema": DIALECT, "title": "Batchwright diagnosis", **_object(whole)}


def rehearsal_schema() -> dict[str, Any]:
    """The schema of what `rehearse --json` prints."""
    interval = {"begins": _NUMBER, "ends": _NUMBER, "state": _word(*get_args(rehearsal.State)), "working": _COUNT}
    queues = _each(_object({"name": _TEXT, "intervals": _each(_object(interval))}))
    run = {
        "number": _COUNT,
        "manner": _word("usual", "longest", "shortest", "drawn"),
        "seconds": _NUMBER,
        "exit_code": _COUNT,
        "calls": _COUNT,
        "faults": _map(_COUNT),
        "waiting": _map(_NUMBER),
    }
    trouble = {
        "step": _TEXT,
        "address": _TEXT,
        "call": _or_null(_TEXT),
        "error": _TEXT,
        "run": _COUNT,
        "faults": _map(_COUNT),
    }
    span = {
        "name": _TEXT,
        "low": _NUMBER,
        "usual": _NUMBER,
        "high": _NUMBER,
        "source": _TEXT,
        "observations": _COUNT,
    }
    members = {
        "format": {"const": rehearsal.FORMAT},
        "plan": _TEXT,
        "stack": _TEXT,
        "account": _or_null(_TEXT),
        "region": _TEXT,
        "seed": {"type": "integer"},
        "faults": _word(*get_args(rehearsal.Faults)),
        "sound": _FLAG,
        "seconds": _object({name: _or_null(_NUMBER) for name in ("usual", "median", "low", "high")}),
        "trace": _each(_object({"call": _TEXT, "address": _TEXT, "at": _NUMBER, "jobs": _COUNT})),
        "calls": _map(_COUNT),
        "queues": queues,
        "worst": _or_null(_object({"run": _COUNT, "queues": queues})),
        "jobs_ended": _map(_COUNT),
        "runs": _each(_object(run)),
        "troubles": _each(_object(trouble)),
        "durations": _each(_object(span)),
    }
    return {"$schema": DIALECT, "title": "Batchwright rehearsal", **_object(members)}


_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer", "minimum": 0}
_FLAG = {"type": "boolean"}
_ANY: Mapping[str, Any] = {}
_DOCUMENT = {"type": "object"}


def _word(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _each(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _map(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


def _object(members: Mapping[str, Any], *, open_: bool = False, sometimes: Mapping[str, Any] = EMPTY) -> dict[str, Any]:
    """All members are there always, those of `sometimes` not; `open_` where there may be more."""
    properties = {**members, **sometimes}
    return {"type": "object", "properties": properties, "required": sorted(members), "additionalProperties": open_}


def _plan() -> dict[str, Any]:
    origin = {"origin": _word(*get_args(Origin))}
    difference = {"path": _TEXT, "before": _ANY, "after": _ANY, "rule": _TEXT, "why": _TEXT}
    change = {
        "address": _TEXT,
        "kind": _TEXT,
        "name": _TEXT,
        "action": _word(*(action.value for action in Action)),
        "impact": _word(*map(str, Impact)),
        "reason": _TEXT,
        "jobs": _or_null(
            _object(
                {"by_status": _map(_COUNT), "more": _FLAG, "longest": _or_null(_NUMBER), "fate": _TEXT},
                sometimes={"children": _COUNT},
            )
        ),
        "differences": _each(_object(difference, sometimes=origin)),
    }
    goal = {
        "kind": _TEXT,
        "name": _TEXT,
        "until": _word(*get_args(Until)),
        "expect": _DOCUMENT,
        "deadline": _NUMBER,
    }
    step = {
        "id": _TEXT,
        "address": _TEXT,
        "call": _or_null(_TEXT),
        "arguments": _DOCUMENT,
        "goal": _or_null(_object(goal)),
        "after": _each(_TEXT),
        "when": _word(*get_args(Step.__annotations__["when"])),
        "why": _TEXT,
    }
    return _object(
        {
            "format": {"const": FORMAT},
            "id": _TEXT,
            "stack": _TEXT,
            "target": _map(_TEXT),
            "account": _or_null(_TEXT),
            "region": _TEXT,
            "versions": _map(_TEXT),
            "made_at": _TEXT,
            "summary": {
                "type": "object",
                "properties": {action.value: _COUNT for action in Action},
                "additionalProperties": False,
            },
            "changes": _each(_object(change, sometimes={**origin, "owner": _TEXT})),
            "steps": _each(_object(step)),
            "refusals": _each(_object({"address": _TEXT, "code": _TEXT, "message": _TEXT, "hint": _TEXT})),
            "warnings": _each(_TEXT),
            "unobserved": _map(_TEXT),
            "estimate": _or_null(_object({"api_calls": _COUNT, "seconds": _NUMBER})),
        }
    )


def _report() -> dict[str, Any]:
    outcome = {
        "step": _TEXT,
        "address": _TEXT,
        "call": _or_null(_TEXT),
        "status": _word(*get_args(Status)),
        "seconds": _NUMBER,
        "error": _or_null(_TEXT),
        "hint": _or_null(_TEXT),
        "because": _or_null(_TEXT),
        "exit_code": _COUNT,
    }
    return _object(
        {
            "event": {"const": "report"},
            "plan": _TEXT,
            "exit_code": _COUNT,
            "counts": _map(_COUNT),
            "outcomes": _each(_object(outcome)),
            "calls": _map(_COUNT),
            "throttles": _COUNT,
            "seconds": _NUMBER,
            "residue": _or_null(_plan()),
            "interrupted_by": _or_null(_COUNT),
            "produced": _map(_TEXT),
            "departures": _each(
                _object(
                    {
                        "step": _TEXT,
                        "address": _TEXT,
                        "what": _word(*get_args(Departure.__annotations__["what"])),
                        "says": _TEXT,
                    }
                )
            ),
        }
    )
