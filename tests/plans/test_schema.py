"""The published schemas are schemas, and agree with what is checked and written."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from plans.manifest_schema import documented, manifest_schema
from plans.plan import Plan
from plans.planfile import to_json
from plans.report import Event, Report, event_json, report_json
from plans.schema import doctor_schema, event_schema, plan_schema, rehearsal_schema
from providers.resources import Field
from tests.plans.manifests import KINDS
from tests.plans.strategies import plans, reports

MANIFEST = manifest_schema(KINDS)
VALID = Draft202012Validator(MANIFEST)


def accepted(document: Any) -> bool:
    return not list(VALID.iter_errors({"stack": "s", **document}))


@pytest.mark.parametrize("schema", [MANIFEST, plan_schema(), event_schema(), doctor_schema(), rehearsal_schema()])
def test_schemas(schema: dict[str, Any]) -> None:
    """Each schema keeps to its dialect, and can be written as JSON."""
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def environment(**members: Any) -> dict[str, Any]:
    return {"computeEnvironments": {"x": {"type": "MANAGED", **members}}}


def resources(**members: Any) -> dict[str, Any]:
    return environment(computeResources={"type": "SPOT", "maxvCpus": 4, **members})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"jobQueues": None},
        {"consumableResources": {"gpu": None}},
        {"tags": {"a": "b", "c": 17}},
        {"variables": {"a": {"default": [1]}, "b": None}},
        environment(state=None),
        resources(minvCpus="${var.min}"),
        resources(minvCpus="4", subnets="${var.subnets}"),
        resources(launchTemplate={"version": 3}),
        environment(computeResources="${var.resources}"),
        environment(state="${var.state}"),
        environment(lifecycle={"replace": "twoHop", "protect": "${var.protect}"}),
        {"policy": {"drain": {"mode": "wait", "timeout": "1.5h"}}},
        {"jobQueues": {"q": {"priority": 1, "computeEnvironmentOrder": ["a", {"stack": "s", "name": "b"}]}}},
        {"jobQueues": {"q": {"priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "a"}]}}},
    ],
)
def test_accepted(document: Any) -> None:
    """Variables stand anywhere, null where something may be unset, and the short forms are known."""
    assert accepted(document)


@pytest.mark.parametrize(
    "document",
    [
        {"stack": None},
        {"jobQueue": {}},
        {"consumableResources": {"gpu": {"quantity": 1}}},
        {"jobQueues": {"q": None}},
        {"jobQueues": {"q": {"computeEnvironmentOrder": ["a"]}}},
        environment(type=None),
        environment(state="ON"),
        resources(minvCpus=1.5),
        resources(minvCpus="four"),
        resources(minvCpus="${min}"),
        resources(subnets="subnet-1"),
        environment(updatePolicy={"jobExecutionTimeoutMinutes": 0}),
        {"policy": {"drain": {"timeout": 30}}},
        {"policy": {"maxDeletes": -1}},
        {"jobQueues": {"q": {"priority": 1, "schedulingPolicyArn": {"stack": "s"}}}},
    ],
)
def test_refused(document: Any) -> None:
    """What the check would refuse in the shape of a document is refused here."""
    assert not accepted(document)


def test_documentation() -> None:
    """Every member that AWS documents is documented, without markup."""
    described = MANIFEST["$defs"]["ComputeResource"]["properties"]["maxvCpus"]["description"]
    assert described.startswith("The maximum number of vCPUs")
    text = json.dumps(MANIFEST)
    assert "<p>" not in text
    assert "<code>" not in text
    assert "&lt;" not in text
    assert documented("<p>Use <code>a</code>.</p><p>Or  &lt;b&gt;</p>") == "Use a. Or <b>"


def test_one_name_two_structures() -> None:
    """A structure whose name another one has taken is written in place."""
    one = Field("structure", "Same", {"a": Field("string")})
    two = Field("structure", "Same", {"b": Field("string")})
    kinds = type(KINDS)({}, Field("structure", members={"one": one, "two": two}))
    schema = manifest_schema(kinds)
    assert not list(Draft202012Validator(schema).iter_errors({"one": {"a": "x"}, "two": {"b": "x"}}))
    assert list(Draft202012Validator(schema).iter_errors({"two": {"a": "x"}}))


@pytest.mark.unmeasured
@settings(max_examples=50)
@given(plans)
def test_plans(plan: Plan) -> None:
    """Every plan as written keeps to the schema of plans."""
    Draft202012Validator(plan_schema()).validate(to_json(plan))


def test_plan_schema_is_closed() -> None:
    """What is no plan does not."""
    plan = to_json(Plan("i", "s", {}, None, "r", {}, ""))
    valid = Draft202012Validator(plan_schema()).is_valid
    assert valid(plan)
    assert not valid({**plan, "more": 1})
    assert not valid({key: value for key, value in plan.items() if key != "steps"})


@pytest.mark.unmeasured
@settings(max_examples=50)
@given(reports)
def test_reports(report: Report) -> None:
    """Every report as written keeps to the schema of events."""
    Draft202012Validator(event_schema()).validate(report_json(report))


def test_events() -> None:
    """Every event as written keeps to the schema of events, and nothing else does."""
    valid = Draft202012Validator(event_schema()).is_valid
    assert valid(event_json(Event("retried", 1.5, "s", "a.b", {"error": "x", "seconds": 2.0})))
    assert not valid(event_json(Event("retried", 1.5, "s", "a.b", {"mood": "bad"})))
    assert not valid({"event": "other", "at": 1, "step": "", "address": ""})
    assert not valid({"event": "started"})
