"""The way out of CloudFormation: what is retained, what still refers, and what a live stack tells of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from plans.manifest import Source
from providers.errors import CallError, InputError
from providers.resources import EMPTY
from reconciler.adapters.cloudformation.convert import Converted, convert
from reconciler.adapters.cloudformation.known import Known
from reconciler.adapters.cloudformation.live import look
from reconciler.adapters.cloudformation.takeover import steps, unretained, uses
from reconciler.adapters.cloudformation.template import Template, read
from tests import servers
from tests.kit import kinds

RETAINED = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
SHARES = {"FairsharePolicy": {"ShareDecaySeconds": 3600}}
RESOURCES: dict[str, Any] = {
    "Bare": {"Type": "AWS::Batch::SchedulingPolicy", "Properties": SHARES},
    "Half": {"Type": "AWS::Batch::SchedulingPolicy", "Properties": SHARES, "DeletionPolicy": "Retain"},
    "Kept": {"Type": "AWS::Batch::SchedulingPolicy", "Properties": SHARES, **RETAINED},
}


def template(resources: Any, outputs: Any = EMPTY) -> Template:
    return read(Source("lab.json", json.dumps({"Resources": resources, "Outputs": dict(outputs)}).encode()))


def converted(resources: Any, outputs: Any = EMPTY, known: Known | None = None) -> Converted:
    return convert(template(resources, outputs), known or Known(), kinds())


def test_both_policies_retain() -> None:
    """One of the two leaves a way to be deleted."""
    assert unretained(template(RESOURCES), list(RESOURCES)) == ["Bare", "Half"]


@pytest.mark.parametrize(
    "said",
    [
        {"Ref": "Kept"},
        {"Fn::GetAtt": ["Kept", "Arn"]},
        {"Fn::GetAtt": "Kept.Arn"},
        {"Fn::Sub": "x${Kept.Arn}"},
        {"Fn::Sub": ["${A}${Kept}", {"A": "a"}]},
        {"Fn::Sub": ["${A}", {"A": {"Ref": "Kept"}}]},
        {"Fn::Join": ["", ["a", {"Ref": "Kept"}]]},
        {"deep": [{"er": {"Ref": "Kept"}}]},
    ],
)
def test_whatever_refers_is_found(said: Any) -> None:
    """In every form that a template knows; what only looks so is none."""
    resources = {**RESOURCES, "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": said}}}
    innocent = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "Kept ${Kept}"}}
    found = uses(template({**resources, "Other": innocent}), list(RESOURCES))
    assert [str(use) for use in found] == ["Topic (AWS::SNS::Topic) refers to Kept"]


def test_who_waits_for_a_resource_refers_to_it() -> None:
    """A DependsOn cannot stay either; outputs are told with whether they are exported."""
    resources = {**RESOURCES, "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Bare"}}
    outputs = {"A": {"Value": {"Ref": "Half"}, "Export": {"Name": "x"}}, "B": {"Value": {"Ref": "Half"}}}
    found = [str(use) for use in uses(template(resources, outputs), list(RESOURCES))]
    assert found == [
        "Topic (AWS::SNS::Topic) refers to Bare",
        "the output A, which is exported, refers to Half",
        "the output B refers to Half",
    ]


def test_the_steps_say_that_nothing_was_looked_up() -> None:
    """Without a live stack all is from the template."""
    told = steps(converted(RESOURCES), None, "lab.yaml").splitlines()
    assert told[1].startswith("1. Add DeletionPolicy: Retain and UpdateReplacePolicy: Retain to Bare, Half in")
    assert told[2].startswith("2. Remove Bare, Half, Kept from the template")
    assert told[3:5] == ["3. batchwright adopt lab.yaml", "   batchwright plan lab.yaml   is then empty."]
    assert told[5].startswith("Nothing of this was looked up")
    assert steps(converted({"Kept": RESOURCES["Kept"]}), None, "x").splitlines()[1].startswith("1. Deploy the template")
    assert steps(converted({"Topic": {"Type": "AWS::SNS::Topic"}}), None, "x") == ""


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of CloudFormation of a server on a free port."""
    with servers.moto() as moto:
        yield moto.client("cloudformation")


@pytest.fixture
def stack(client: Any) -> Iterator[str]:
    """A live stack that exports something of its own."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Called"}}}
    body = {
        "Parameters": {"Called": {"Type": "String"}, "Hidden": {"Type": "String", "NoEcho": True}},
        "Resources": {"Line": {**topic, **RETAINED}, "Bare": topic | {"Properties": {"TopicName": "bare"}}},
        "Outputs": {"Out": {"Value": {"Ref": "Line"}, "Export": {"Name": "lab-line"}}},
    }
    client.create_stack(
        StackName="lab",
        TemplateBody=json.dumps(body),
        Parameters=[
            {"ParameterKey": "Called", "ParameterValue": "line"},
            # Moto looks for the value among the names of what it hides.
            {"ParameterKey": "Hidden", "ParameterValue": "Hidden"},
        ],
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    yield "lab"
    client.delete_stack(StackName="lab")


def test_a_live_stack_tells_what_it_has(client: Any, stack: str) -> None:
    """Physical ids, parameters but hidden ones, exports, tags, where it is, its template, and who imports from it."""
    live = look(client, stack)
    assert (live.name, live.status, live.tags) == ("lab", "CREATE_COMPLETE", {"team": "blue"})
    assert live.known.values["AWS::Region"].value == servers.REGION
    assert live.known.values["Line"].value == live.resources["Line"]
    assert live.known.parameters["Called"].value == "line"
    assert "Hidden" not in live.known.parameters
    assert live.known.exports["lab-line"].value == live.resources["Line"]
    assert live.template is not None
    assert unretained(live.template, ["Line", "Bare"]) == ["Bare"]
    assert live.imported == {"lab-line": None}


@contextmanager
def imports(client: Any, status: int, **answer: Any) -> Iterator[None]:
    """ListImports, which the server does not know, answered with this."""

    def answered(**_: Any) -> Any:
        return AWSResponse("", status, HTTPHeaders(), None), {
            "ResponseMetadata": {"HTTPStatusCode": status},
            **answer,
        }

    client.meta.events.register("before-call.cloudformation.ListImports", answered, unique_id="imports")
    yield
    client.meta.events.unregister("before-call.cloudformation.ListImports", unique_id="imports")


def test_who_imports_is_told(client: Any, stack: str) -> None:
    """CloudFormation names the stacks; that there are none it says by an error."""
    error = {"Code": "ValidationError", "Message": "Export 'lab-line' is not imported by any stack."}
    for status, answer, found in ((200, {"Imports": ["user"]}, ("user",)), (400, {"Error": error}, ())):
        with imports(client, status, **answer):
            assert look(client, stack).imported == {"lab-line": found}


def test_what_is_verified_is_told_apart(client: Any, stack: str) -> None:
    """Of each resource whether the live template retains it; what others import; and what nobody looked at."""
    policy = {"Type": "AWS::Batch::SchedulingPolicy", "Properties": SHARES}
    outputs = {"Out": {"Value": {"Ref": "Line"}, "Export": {"Name": "lab-line"}}}
    with imports(client, 200, Imports=["user"]):
        live = look(client, stack)
    made = converted({"Line": policy, "Bare": policy, "New": policy}, outputs, live.known)
    told = steps(made, live, "lab.yaml")
    assert "Verified in the live stack lab:" in told
    assert "   it is CREATE_COMPLETE\n" in told
    assert "   it has no New: what it never made cannot be taken over" in told
    assert "   its template does not retain Bare: step 1 is to be done" in told
    assert "   its template retains Line" in told
    assert "   the output Out, which is exported, refers to Line there" in told
    assert "   lab-line is imported by user, and cannot go before they let go of it" in told
    assert "Not verified: who else uses the names or ARNs" in told
    assert "Nothing of this was looked up" not in told
    unasked = steps(made, attrs.evolve(live, imported={"lab-line": None}, template=None), "lab.yaml")
    assert "Not verified: which stacks import lab-line" in unasked
    assert "Not verified: what of it is retained" in unasked
    mended = steps(made, attrs.evolve(live, status="UPDATE_ROLLBACK_COMPLETE"), "lab.yaml")
    assert "it is UPDATE_ROLLBACK_COMPLETE, which" not in mended
    failed = steps(made, attrs.evolve(live, status="UPDATE_ROLLBACK_FAILED"), "lab.yaml")
    assert "it is UPDATE_ROLLBACK_FAILED, which is to be mended first" in failed


def test_a_stack_that_is_not_there_is_an_error_of_the_user(client: Any) -> None:
    """With what CloudFormation said."""
    with pytest.raises(InputError, match="does not exist"):
        look(client, "nowhere")


def test_an_answer_that_does_not_come_is_told() -> None:
    """As of any other call."""
    keys: Any = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    make: Any = boto3.client
    dead = make("cloudformation", region_name="eu-west-1", endpoint_url="http://127.0.0.1:9", **keys)
    with pytest.raises(CallError, match="DescribeStacks"):
        look(dead, "lab")
