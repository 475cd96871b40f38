"""The API as a table, and the OpenAPI document that is written from it.

`web` takes its routes, its roles and what it refuses from the same table, so that the two cannot differ.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

import attrs

from plans.schema import DIALECT, plan_schema
from providers.resources import EMPTY
from reconciler.controller.conditions import ALLOWED, KINDS, Answer, Reason
from reconciler.controller.configuration import Role
from reconciler.store import Ending

STACK: Final = r"[A-Za-z0-9._-]{1,64}"
"""The name of a stack or of a hook; anything else is the name of none."""
PLAN: Final = r"[0-9A-Za-z_-]{1,128}"
LARGEST = 64 * 1024
"""Bytes of a body."""

Sends = Literal["nothing", "plan", "anything"]
"""What a request has for a body: none · `{"plan": ID}` · whatever a webhook sends."""


@attrs.frozen
class Number:
    """A parameter of the query."""

    least: int
    most: int
    default: int
    says: str


@attrs.frozen
class Operation:
    """One method of one path. `role` is None where no token is asked for; `answers` is the status where it is done.

    `schema` names the body of that answer. `largest` are the bytes that a request may have for a body.
    """

    id: str
    method: Literal["GET", "POST"]
    path: str
    says: str
    schema: str
    role: Role | None = None
    answers: int = 200
    query: Mapping[str, Number] = EMPTY
    sends: Sends = "nothing"
    fails: tuple[int, ...] = ()
    largest: int = LARGEST


_LIMIT = Number(1, 1000, 20, "how many at most")

OPERATIONS: tuple[Operation, ...] = (
    Operation("healthz", "GET", "/healthz", "Whether the controller is alive.", "Well", fails=(503,)),
    Operation("readyz", "GET", "/readyz", "Whether it leads, and has fetched what it keeps.", "Well", fails=(503,)),
    Operation("openapi", "GET", "/openapi.json", "This document.", "Document"),
    Operation("stacks", "GET", "/api/v1/stacks", "The status of every stack.", "Stacks", "view"),
    Operation("stack", "GET", "/api/v1/stacks/{name}", "The status of a stack.", "Status", "view"),
    Operation(
        "runs",
        "GET",
        "/api/v1/stacks/{name}/runs",
        "The last runs of a stack, the newest first.",
        "Runs",
        "view",
        query={"limit": _LIMIT},
    ),
    Operation("plan", "GET", "/api/v1/stacks/{name}/plan", "The plan at hand, masked.", "Plan", "view"),
    Operation(
        "reconcile", "POST", "/api/v1/stacks/{name}/reconcile", "Look as soon as may be.", "Accepted", "plan", 202
    ),
    Operation(
        "approve",
        "POST",
        "/api/v1/stacks/{name}/approve",
        "Let the plan at hand be carried out.",
        "Accepted",
        "approve",
        202,
        sends="plan",
        fails=(409,),
    ),
    Operation("suspend", "POST", "/api/v1/stacks/{name}/suspend", "Leave the stack alone.", "Accepted", "apply", 202),
    Operation("resume", "POST", "/api/v1/stacks/{name}/resume", "Take it up again.", "Accepted", "apply", 202),
    Operation(
        "override",
        "POST",
        "/api/v1/stacks/{name}/override",
        "Let the plan at hand begin outside the windows.",
        "Accepted",
        "override",
        202,
        sends="plan",
        fails=(409,),
    ),
    Operation(
        "hook",
        "POST",
        "/hooks/{name}",
        "Fetch soon: what the sender signed is heeded, whatever it says.",
        "Heard",
        answers=202,
        sends="anything",
        fails=(401,),
        largest=256 * 1024,
    ),
)

FAILURES: Mapping[int, str] = {
    401: "There is no token, or not one that is known; of a webhook: it is not signed as it should be.",
    403: "The token's role is too low.",
    404: "There is no such thing.",
    405: "The path has no such method.",
    408: "The body did not come in time.",
    409: "The plan is not the one at hand.",
    413: "The body is too large.",
    415: "The body is of another type.",
    421: "The request is for another host.",
    422: "The request is not as it should be.",
    429: "That was too often.",
    431: "The headers are too large.",
    500: "The controller is at fault.",
    503: "Not now.",
}
_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    405: {"Allow": {"required": True, "schema": {"type": "string"}}},
    429: {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}},
}


def failures(operation: Operation) -> tuple[int, ...]:
    """All statuses with which this one may fail."""
    found = {405, 408, 413, 421, 422, 431, 500, *operation.fails}
    if operation.role is not None:
        found |= {401, 403, 429, 503}
    if "{name}" in operation.path:
        found.add(404)
    if operation.sends == "plan":
        found.add(415)
    if operation.sends == "anything":
        found.add(429)
    return tuple(sorted(found))


def document(version: str) -> dict[str, Any]:
    """The API as OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "Batchwright controller",
            "version": version,
            "description": 'Every failure is `{"error": {code, message, hint}}`. What is not named here is refused.',
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {str(status): _failure(status) for status in FAILURES},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.says,
        "security": [] if operation.role is None else [{"token": []}],
        "responses": {
            str(operation.answers): _answer(operation.says, operation.schema),
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in failures(operation)},
        },
    }
    if operation.role is not None:
        made["description"] = f"Takes the role `{operation.role}` or one above it."
    parameters = [_query(name, number) for name, number in operation.query.items()]
    if "{name}" in operation.path:
        name = {"type": "string", "pattern": f"^{STACK}$"}
        parameters.insert(0, {"name": "name", "in": "path", "required": True, "schema": name})
    if parameters:
        made["parameters"] = parameters
    match operation.sends:
        case "plan":
            made["requestBody"] = {"required": True, "content": _json("PlanNamed")}
        case "anything":
            made["requestBody"] = {"required": False, "content": {"application/octet-stream": {}}}
    return made


def _query(name: str, number: Number) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": number.least, "maximum": number.most, "default": number.default}
    return {"name": name, "in": "query", "required": False, "description": number.says, "schema": schema}


def _answer(says: str, schema: str) -> dict[str, Any]:
    return {"description": says, "content": _json(schema)}


def _failure(status: int) -> dict[str, Any]:
    made = _answer(FAILURES[status], "Error")
    return {**made, "headers": _HEADERS[status]} if status in _HEADERS else made


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


_TEXT: Mapping[str, Any] = {"type": "string"}
_TIME: Mapping[str, Any] = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    "description": "RFC 3339, in UTC and whole seconds.",
}


def _condition() -> dict[str, Any]:
    """One condition, which is one of the table."""
    members = {
        "type": {"enum": list(KINDS)},
        "status": {"enum": list(get_args(Answer))},
        "reason": {"enum": list(get_args(Reason))},
        "message": _TEXT,
        "since": {**_TIME, "description": "Since when it has this status: RFC 3339, in UTC and whole seconds."},
    }
    rows = [
        {"properties": {"type": {"const": kind}, "status": {"const": answer}, "reason": {"enum": list(reasons)}}}
        for kind, answers in ALLOWED.items()
        for answer, reasons in answers.items()
    ]
    return {**_object(members), "oneOf": rows}


def _schemas() -> dict[str, Any]:
    conditions = _each({"$ref": "#/components/schemas/Condition"})
    status = {
        "stack": _TEXT,
        "conditions": {**conditions, "minItems": len(KINDS), "maxItems": len(KINDS)},
        "observed": _TEXT,
        "applied": _TEXT,
        "digest": _TEXT,
        "plan": _or_null(_TEXT),
        "inventory": {"type": "object", "additionalProperties": _TEXT},
        "failures": {"type": "integer", "minimum": 0},
        "lookedAt": _or_null(_TIME),
        "nextAt": _or_null(_TIME),
    }
    run = {
        "id": _TEXT,
        "stack": _TEXT,
        "revision": _TEXT,
        "plan": _or_null(_TEXT),
        "began": _TIME,
        "ended": _or_null(_TIME),
        "outcome": {"enum": [*get_args(Ending), None]},
        "document": _or_null({"type": "object"}),
        "fence": _or_null({"type": "integer"}),
        "why": _or_null(_TEXT),
    }
    return {
        "Well": _object({"status": {"const": "ok"}}),
        "Document": {"type": "object", "required": ["openapi", "paths"]},
        "Stacks": _object({"stacks": _each({"$ref": "#/components/schemas/Status"})}),
        "Status": _object(status),
        "Condition": _condition(),
        "Runs": _object({"runs": _each({"$ref": "#/components/schemas/Run"})}),
        "Run": _object(run),
        "Plan": {key: value for key, value in plan_schema().items() if key != "$schema"},
        "PlanNamed": _object({"plan": {"type": "string", "pattern": f"^{PLAN}$"}}),
        "Accepted": _object({"stack": _TEXT, "asked": _TEXT}),
        "Heard": _object({"hook": _TEXT}),
        "Error": _object({"error": _object({"code": _TEXT, "message": _TEXT, "hint": _or_null(_TEXT)})}),
    }


def _object(members: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": sorted(members), "additionalProperties": False}


def _each(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}
