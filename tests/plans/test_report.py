"""How an apply ended: as an exit code, and as lines of JSON."""

import json

from hypothesis import given
from jsonschema import Draft202012Validator

from plans.planfile import from_json
from plans.report import Event, Outcome, Report, event_json, report_json
from plans.schema import event_schema
from providers.resources import Address, Ref
from tests.plans.strategies import reports
from tests.plans.views.examples import DONE, IN_PART, NOT_CONVERGED

_LINES = Draft202012Validator(event_schema())


def test_an_event_is_one_flat_object() -> None:
    """What an event tells beside its four own members stands beside them, and cannot take their place."""
    event = Event(
        "retried", 12.5, "q/update", "job_queue.high", {"error": "Too Many Requests", "seconds": 0.4, "step": "other"}
    )
    assert event_json(event) == {
        "format": 1,
        "event": "retried",
        "at": 12.5,
        "step": "q/update",
        "address": "job_queue.high",
        "error": "Too Many Requests",
        "seconds": 0.4,
    }
    _LINES.validate(event_json(event))
    made = event_json(Event("called", 1.0, detail={"of": Ref(Address("job_queue", "high"))}))
    assert made["of"] == {"$ref": "job_queue.high#arn"}


def test_the_report_is_the_last_object() -> None:
    """The report is told from events by its name and holds outcomes, costs, residue and exit code."""
    document = report_json(IN_PART)
    assert document["event"] == "report"
    assert document["exit_code"] == 4
    assert document["counts"] == {"done": 2, "failed": 1, "skipped": 2}
    assert document["throttles"] == 3
    assert document["residue"] is None
    assert document["outcomes"][2] == {
        "step": "job_queue.high/update",
        "address": "job_queue.high",
        "call": "UpdateJobQueue",
        "status": "skipped",
        "seconds": 0.0,
        "error": None,
        "hint": None,
        "because": "compute_environment.big/create",
        "exit_code": 0,
    }


@given(reports)
def test_every_report_is_json(report: Report) -> None:
    """A report is what the published schema says, and its residue is a plan."""
    document = json.loads(json.dumps(report_json(report)))
    _LINES.validate(document)
    if report.residue is not None:
        assert from_json(document["residue"]) == report.residue


def test_exit_codes() -> None:
    """0 done, 4 in part or not converged, the error's own where nothing was done, 128 and the signal if interrupted."""
    failed = Outcome("s", "job_queue.high", "CreateJobQueue", "failed", exit_code=4)
    waited = Outcome("w", "job_queue.high", None, "done")
    assert DONE.exit_code == 0
    assert IN_PART.exit_code == 4
    assert NOT_CONVERGED.exit_code == 4
    assert Report("p", (failed, waited)).exit_code == 4
    assert Report("p", (Outcome("s", "job_queue.high", "CreateJobQueue", "failed", exit_code=1), waited)).exit_code == 1
    assert Report("p", interrupted_by=15).exit_code == 143
