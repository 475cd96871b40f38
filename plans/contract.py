"""The contract with machines: which JSON the verbs print, by which schema, and in which format.

Within a format JSON may gain members, and nothing else changes; so a published schema lets members pass that it does
not know, and whoever reads JSON has to. The schemas of `plans.schema` are closed, since what we print is all said.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from plans import diagnosis, failure, outputs, plan, rehearsal, report
from plans.manifest_schema import manifest_schema
from plans.schema import (
    DIALECT,
    OPEN,
    doctor_schema,
    error_schema,
    event_schema,
    output_schema,
    plan_schema,
    rehearsal_schema,
)
from providers.kinds import Kinds


@attrs.frozen
class Published:
    """One schema: its format, the verbs that print JSON of it under `--json`, and what makes it."""

    format: int
    title: str
    verbs: tuple[str, ...]
    make: Callable[[], dict[str, Any]] | None = None


SCHEMAS: Mapping[str, Published] = {
    "manifest": Published(1, "Batchwright manifest", ("export", "convert cloudformation", "convert terraform")),
    "plan": Published(plan.FORMAT, "Batchwright plan", ("plan", "drift", "show", "rollback --dry-run"), plan_schema),
    "events": Published(
        report.FORMAT,
        "A line of a Batchwright run",
        ("apply", "destroy", "adopt", "forget", "rollback"),
        event_schema,
    ),
    "output": Published(outputs.FORMAT, "Batchwright outputs", ("output",), output_schema),
    "error": Published(failure.FORMAT, "Batchwright error", ("all verbs",), error_schema),
    "rehearsal": Published(rehearsal.FORMAT, "Batchwright rehearsal", ("rehearse",), rehearsal_schema),
    "doctor": Published(diagnosis.FORMAT, "Batchwright diagnosis", ("doctor",), doctor_schema),
}
"""All schemas that are published, by name."""


def schema(name: str, kinds: Kinds) -> dict[str, Any]:
    """The published schema of that name; raises KeyError where there is none. `kinds` are what a manifest may say."""
    published = SCHEMAS[name]
    made = manifest_schema(kinds) if published.make is None else opened(published.make())
    head = {"$schema": DIALECT, "$id": f"urn:batchwright:{name}:{published.format}", "title": published.title}
    return {**head, **made}


def file_name(name: str) -> str:
    """The file in which a schema is published."""
    return f"{name}-{SCHEMAS[name].format}.json"


def opened(closed: Any) -> Any:
    """A schema that lets members pass that it does not name, and words where more of them may come."""
    match closed:
        case {"enum": words, "$comment": comment} if comment == OPEN:
            return {"type": "string", "examples": words}
        case dict():
            return {
                key: opened(value) for key, value in closed.items() if (key, value) != ("additionalProperties", False)
            }
        case list():
            return [opened(value) for value in closed]
    return closed
