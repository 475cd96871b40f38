"""An error as JSON: what every verb prints under `--json` in place of a result that did not come about."""

from typing import Any

import attrs

from providers.errors import BatchwrightError, ManifestError, PlanRefused

FORMAT = 1


def error_json(error: BatchwrightError) -> dict[str, Any]:
    """The error as JSON; its schema is published by `batchwright schema error`.

    `error` is the name of its class. A manifest's has `faults`, that of a plan that is refused its `refusals`.
    """
    said = told(type(error).__name__, str(error), error.hint, error.exit_code)
    match error:
        case ManifestError(faults=faults):
            return said | {"faults": [attrs.asdict(fault) for fault in faults]}
        case PlanRefused(plan=plan) if plan is not None:
            return said | {"refusals": [attrs.asdict(refusal) for refusal in getattr(plan, "refusals", ())]}
    return said


def told(name: str, message: str, hint: str | None, exit_code: int) -> dict[str, Any]:
    """An error of that name as JSON."""
    return {"format": FORMAT, "error": name, "message": message, "hint": hint, "exit_code": exit_code}
