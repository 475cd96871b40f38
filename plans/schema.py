"""The JSON Schemas of what is printed for machines, closed: what is printed holds no member that is not named here.

`plans.contract` publishes them, and with them that of the manifest.
"""

from collections.abc import Mapping
from typing import Any, get_args

from plans import diagnosis, failure, outputs, rehearsal, report
from plans.change import Action, Impact, Origin
from plans.diagnosis.scene import Likelihood
from plans.plan import FORMAT, Step, Until
from plans.report import Departure, EventName, Status
from providers.resources import EMPTY

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OPEN = "more words may come within this format"


def plan_schema() -> dict[str, Any]:
    """The schema of a plan as JSON."""
    return _plan()


def event_schema() -> dict[str, Any]:
    """The schema of one line of `apply --json`: an event, or what is the last of them, a report or an error."""
    event = _object(
        {
            "format": {"const": report.FORMAT},
            "event": _word(*get_args(EventName), open_=True),
            "at": _NUMBER,
            "step": _TEXT,
            "address": _TEXT,
        },
        sometimes={
            **dict.fromkeys(("call", "job", "error", "hint", "operation", "kind", "name", "status", "state"), _TEXT),
            **dict.fromkeys(("because", "message", "why"), _TEXT),
            **dict.fromkeys(("ended", "jobs", "signal", "exit_code"), _COUNT),
            "seconds": _NUMBER,
            **dict.fromkeys(("resent", "retiring"), _FLAG),
        },
    )
    return {"anyOf": [event, _report(), error_schema()]}


def output_schema() -> dict[str, Any]:
    """The schema of what `output --json` prints."""
    of_object = _object({"name": _TEXT, "arn": _TEXT}, sometimes={"revision": _TEXT})
    return _object(
        {"format": {"const": outputs.FORMAT}, "stack": _TEXT, "region": _TEXT, "objects": _map(of_object)},
    )


def error_schema() -> dict[str, Any]:
    """The schema of an error under `--json`."""
    fault = {
        "file": _TEXT,
        "line": _COUNT,
        "column": _COUNT,
        "path": _TEXT,
        "message": _TEXT,
        "hint": _or_null(_TEXT),
    }
    members = {
        "format": {"const": failure.FORMAT},
        "error": _TEXT,
        "message": _TEXT,
        "hint": _or_null(_TEXT),
        "exit_code": _COUNT,
    }
    return _object(members, sometimes={"faults": _each(_object(fault)), "refusals": _each(_object(_REFUSAL))})


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
        "format": {"const": diagnosis.FORMAT},
        "account": _or_null(_TEXT),
        "region": _TEXT,
        "target": _map(_TEXT),
        "queues": _each(_object(queue)),
    }
    return _object(whole)


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
    return _object(members)


_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer", "minimum": 0}
_FLAG = {"type": "boolean"}
_ANY: Mapping[str, Any] = {}
_DOCUMENT = {"type": "object"}
_REFUSAL = {"address": _TEXT, "code": _TEXT, "message": _TEXT, "hint": _TEXT}


def _word(*words: str, open_: bool = False) -> dict[str, Any]:
    """One of these words; `open_` where another one is no other format."""
    return {"enum": list(words), **({"$comment": OPEN} if open_ else {})}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _each(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _map(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


def _object(members: Mapping[str, Any], *, sometimes: Mapping[str, Any] = EMPTY) -> dict[str, Any]:
    """All members are there always, those of `sometimes` not."""
    properties = {**members, **sometimes}
    return {"type": "object", "properties": properties, "required": sorted(members), "additionalProperties": False}


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
        "until": _word(*get_args(Until), open_=True),
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
            "refusals": _each(_object(_REFUSAL)),
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
            "format": {"const": report.FORMAT},
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
                        "what": _word(*get_args(Departure.__annotations__["what"]), open_=True),
                        "says": _TEXT,
                    }
                )
            ),
        }
    )
