"""Requests against the model: types, required members, unknown members and operations."""

import json
from typing import Any

import pytest
from botocore.model import Shape, StringShape

from providers.simulator import Request
from providers.simulator.operations import OPERATIONS
from providers.simulator.rules import Refused
from providers.simulator.shapes import read
from tests.providers.simulator.lab import Lab, container, ec2


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("CreateSchedulingPolicy", {}, "name must be provided"),
        ("CreateSchedulingPolicy", {"name": None}, "name must be provided"),
        ("CreateSchedulingPolicy", {"name": 1}, "name must be of type string"),
        ("CreateSchedulingPolicy", [], "request must be of type structure"),
        ("CreateSchedulingPolicy", {"name": "p", "tags": []}, "tags must be of type map"),
        ("CreateSchedulingPolicy", {"name": "p", "tags": {"a": "b" * 257}}, "tags.a must be at most 256"),
        ("CreateSchedulingPolicy", {"name": "p", "tags": {"": "b"}}, "tags must be between 1 and 128"),
        ("CreateSchedulingPolicy", {"name": "p", "fairsharePolicy": 1}, "fairsharePolicy must be of type structure"),
        ("DescribeSchedulingPolicies", {"arns": "a"}, "arns must be of type list"),
        ("DescribeSchedulingPolicies", {"arns": [1]}, "arns[0] must be of type string"),
        ("CreateJobQueue", {"jobQueueName": "q", "priority": 1.0}, "priority must be of type integer"),
        ("CreateJobQueue", {"jobQueueName": "q", "priority": True}, "priority must be of type integer"),
        ("CreateJobQueue", {"jobQueueName": "q", "priority": "1"}, "priority must be of type integer"),
        (
            "CreateComputeEnvironment",
            {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": {"type": "EC2"}},
            "computeResources.maxvCpus must be provided",
        ),
        (
            "RegisterJobDefinition",
            {"jobDefinitionName": "d", "type": "container", "propagateTags": "yes"},
            "propagateTags must be of type boolean",
        ),
        (
            "CreateSchedulingPolicy",
            {"name": "p", "fairsharePolicy": {"shareDistribution": [{"shareIdentifier": "a", "weightFactor": "1"}]}},
            "fairsharePolicy.shareDistribution[0].weightFactor must be of type float",
        ),
        (
            "UpdateComputeEnvironment",
            {"computeEnvironment": "a", "updatePolicy": {"jobExecutionTimeoutMinutes": 0}},
            "updatePolicy.jobExecutionTimeoutMinutes must be between 1 and 7200",
        ),
    ],
)
def test_what_the_model_does_not_allow_is_refused(lab: Lab, operation: str, body: Any, message: str) -> None:
    """A missing member, a wrong type or a value out of bounds is a ClientException that names the place."""
    answer = lab.post(operation, body)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "ClientException")
    assert json.loads(answer.body)["message"].startswith(message)


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        (StringShape("Word", {"type": "string", "min": 2}), "a", "x must be at least 2"),
        (StringShape("Word", {"type": "string", "max": 2}), "abc", "x must be at most 2"),
        (Shape("Number", {"type": "long", "min": 2}), 1, "x must be at least 2"),
    ],
)
def test_a_bound_may_stand_alone(shape: Shape, value: Any, message: str) -> None:
    """Where the model has one bound, the refusal tells that one."""
    with pytest.raises(Refused) as caught:
        read(shape, value, "x")
    assert caught.value.message == message


def test_no_json_is_told(lab: Lab) -> None:
    """A body that is not JSON is refused as such."""
    answer = lab.post("DescribeJobQueues", b"{")
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "SerializationException")


def test_no_body_is_an_empty_request(lab: Lab) -> None:
    """An operation without required members takes an empty body."""
    assert json.loads(lab.post("DescribeJobQueues", b"").body) == {"jobQueues": []}


def test_unknown_members_are_as_if_not_sent(lab: Lab) -> None:
    """Members that the model does not know are dropped at every depth."""
    resources = {**ec2(), "moon": 1}
    body = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": resources, "moon": [1]}
    assert lab.post("CreateComputeEnvironment", body).status == 200
    (shown,) = json.loads(lab.post("DescribeComputeEnvironments", {}).body)["computeEnvironments"]
    assert "moon" not in shown
    assert "moon" not in shown["computeResources"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/moonwalk"),
        ("GET", "/v1/createjobqueue"),
        ("PUT", "/v1/tags/arn"),
        ("GET", "/v1/tags/"),
        ("GET", "/else/v1/tags/arn"),
        ("GET", "/"),
    ],
)
def test_an_unknown_operation_is_refused_by_name(lab: Lab, method: str, path: str) -> None:
    """What this endpoint does not know is HTTP 404 and UnknownOperationException, in JSON."""
    answer = lab.simulator.handle(Request(method, path, {}, {}, b""))
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")
    assert json.loads(answer.body)["message"].startswith("Unknown operation ")
    assert answer.headers["x-amzn-RequestId"]


def test_operations_to_come_are_named(lab: Lab) -> None:
    """An operation that the model knows and the simulator does not is refused by its name."""
    model = lab.batch.meta.service_model
    for name in set(model.operation_names) - set(OPERATIONS):
        http = model.operation_model(name).http
        answer = lab.simulator.handle(Request(http["method"], http["requestUri"], {}, {}, b""))
        assert answer.status == 404
        assert json.loads(answer.body)["message"] == f"Unknown operation {name}"


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("CreateJobQueue", {"jobQueueName": "q", "priority": 2**31}, "priority does not fit into 32 bits"),
        ("CreateJobQueue", {"jobQueueName": "q", "priority": -(2**31) - 1}, "priority does not fit into 32 bits"),
        (
            "UpdateComputeEnvironment",
            {"computeEnvironment": "a", "updatePolicy": {"jobExecutionTimeoutMinutes": 2**63}},
            "updatePolicy.jobExecutionTimeoutMinutes does not fit into 64 bits",
        ),
        ("CreateSchedulingPolicy", {"name": "a\ud800"}, "name is not valid Unicode text"),
        ("CreateSchedulingPolicy", {"name": "a", "tags": {"\udfff": "b"}}, "tags is not valid Unicode text"),
        ("DescribeJobQueues", {"jobQueues": ["\ud800"]}, "jobQueues[0] is not valid Unicode text"),
        ("DeregisterJobDefinition", {"jobDefinition": "\udc00:1"}, "jobDefinition is not valid Unicode text"),
    ],
)
def test_what_no_service_could_read_is_refused(lab: Lab, operation: str, body: Any, message: str) -> None:
    """Numbers beyond their width and halves of surrogate pairs are a SerializationException, HTTP 400."""
    answer = lab.post(operation, body)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "SerializationException")
    assert json.loads(answer.body)["message"] == message


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_json(lab: Lab, word: str) -> None:
    """Words that only some readers take for numbers are refused."""
    share = f'{{"shareIdentifier": "a", "weightFactor": {word}}}'
    body = f'{{"name": "p", "fairsharePolicy": {{"shareDistribution": [{share}]}}}}'
    answer = lab.post("CreateSchedulingPolicy", body.encode())
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "SerializationException")


def test_a_whole_pair_of_surrogates_is_a_letter(lab: Lab) -> None:
    """What JSON escapes as two halves is one sign."""
    lab.definition("d", parameters={"a": "\U0001f40d"})
    assert lab.see_definition("d:1")["parameters"] == {"a": "\U0001f40d"}


def test_every_answer_is_one_that_the_model_knows(lab: Lab) -> None:
    """Nothing is shown that botocore's parser would drop: describe shows only members of the API."""
    lab.environment("a", computeResources=ec2(tags={"a": "b"}), tags={"a": "b"})
    lab.queue("q", "a", tags={"a": "b"})
    lab.definition("d", containerProperties=container(command=["x"]))
    lab.batch.create_scheduling_policy(name="p")
    lab.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")
    lab.clock.sleep(15)
    job = lab.batch.list_jobs(jobQueue="q")["jobSummaryList"][0]["jobId"]
    arn = lab.batch.list_scheduling_policies()["schedulingPolicies"][0]["arn"]
    model = lab.batch.meta.service_model
    for operation, question in {
        "DescribeComputeEnvironments": {},
        "DescribeJobQueues": {},
        "DescribeJobDefinitions": {},
        "DescribeSchedulingPolicies": {"arns": [arn]},
        "DescribeJobs": {"jobs": [job]},
        "ListJobs": {"jobQueue": "q"},
    }.items():
        answer = json.loads(lab.post(operation, question).body)
        (shown,) = next(iter(answer.values()))
        (member,) = [it for name, it in model.operation_model(operation).output_shape.members.items() if name in answer]
        assert set(shown) <= set(member.member.members), operation
        assert set(member.member.required_members) <= set(shown), operation
