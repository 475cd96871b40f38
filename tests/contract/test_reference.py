"""Twelve operations held against what AWS published of them, member by member.

`tests/data/batch-2020-10-02.json` was extracted once from AWS's announcement of the API change of AWS Batch of
2 October 2020 ("3 new, 9 updated API methods", which brought tags): of the request syntax and the response syntax of
each of its operations every path that holds a value, with its type or the words that may stand there. `[]` is an
element of a list, `{}` a value of a map. That document is not botocore's model of today: a simulator that follows the
model alone may still lose what was promised then.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from providers.clock import ManualClock
from providers.simulator import Outcome, Settings, Simulator, Store
from tests.contract.shown import missing
from tests.kit import ACCOUNT, REGION, client

Json = dict[str, Any]
Types = Mapping[str, str | list[str]]
DOCUMENT: Mapping[str, Mapping[str, Types]] = json.loads(
    (Path(__file__).parent.parent / "data" / "batch-2020-10-02.json").read_text()
)
ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
TAGS = {"team": "blue", "empty": ""}

REFUSED: Mapping[tuple[str, str], str] = {
    ("RegisterJobDefinition", "containerProperties.instanceType"): "instanceType is only applicable for multinode",
    ("SubmitJob", "containerOverrides.instanceType"): "instanceType",
}
"""Members of which the document itself says "not valid for single-node container jobs": what their refusal says."""

_ALONE = "it is not valid for single-node container jobs, says the document"
_IPV4 = "the subnets have IPv4 addresses"
UNSEEN: Mapping[tuple[str, str], str] = {
    ("DescribeJobDefinitions", "jobDefinitions[].containerProperties.instanceType"): _ALONE,
    ("DescribeJobs", "jobs[].container.networkInterfaces[].ipv6Address"): _IPV4,
    ("DescribeJobs", "jobs[].attempts[].container.networkInterfaces[].ipv6Address"): _IPV4,
}
"""Members of answers that are never seen, and why not."""

RENAMED: Mapping[str, Mapping[str, str]] = {
    "SubmitJob": {
        "containerOverrides": "container",
        "nodeOverrides": "nodeProperties",
        "nodePropertyOverrides": "nodeRangeProperties",
    }
}
"""By operation: members of a request that a describe shows under another name."""

TRANSFORMED: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("CreateJobQueue", "computeEnvironmentOrder[].computeEnvironment"): lambda it: f"{ARN}:compute-environment/{it}",
    ("SubmitJob", "jobQueue"): lambda it: f"{ARN}:job-queue/{it}",
    ("SubmitJob", "jobDefinition"): lambda it: f"{ARN}:job-definition/{it}",
    ("RegisterJobDefinition", "containerProperties.environment"): lambda it: [each for each in it if each["value"]],
}
"""Values that a describe shows otherwise than they were sent: names as ARNs, and no variable without a value."""


def container(**more: Any) -> Json:
    """A container with every member that the document gives it, but its instance type."""
    return {
        "image": "busybox:1",
        "vcpus": 2,
        "memory": 512,
        "command": ["run", "Ref::sample"],
        "jobRoleArn": f"{ROLE}/job",
        "executionRoleArn": f"{ROLE}/execution",
        "volumes": [{"host": {"sourcePath": "/mnt/data"}, "name": "data"}],
        "environment": [{"name": "MODE", "value": "fast"}],
        "mountPoints": [{"containerPath": "/data", "readOnly": True, "sourceVolume": "data"}],
        "readonlyRootFilesystem": True,
        "privileged": True,
        "ulimits": [{"hardLimit": 2048, "name": "nofile", "softLimit": 1024}],
        "user": "nobody",
        "resourceRequirements": [{"value": "1", "type": "GPU"}],
        "linuxParameters": {
            "devices": [
                {"hostPath": "/dev/fuse", "containerPath": "/dev/fuse", "permissions": ["READ", "WRITE", "MKNOD"]}
            ],
            "initProcessEnabled": True,
            "sharedMemorySize": 64,
            "tmpfs": [{"containerPath": "/scratch", "size": 32, "mountOptions": ["noexec"]}],
            "maxSwap": 128,
            "swappiness": 60,
        },
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/jobs"},
            "secretOptions": [{"name": "token", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/token"}],
        },
        "secrets": [{"name": "KEY", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/key"}],
        **more,
    }


def overrides(**more: Any) -> Json:
    return {
        "vcpus": 4,
        "memory": 1024,
        "command": ["walk"],
        "environment": [{"name": "MODE", "value": "slow"}],
        "resourceRequirements": [{"value": "2", "type": "GPU"}],
        **more,
    }


RESOURCES: Json = {
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "minvCpus": 2,
    "maxvCpus": 256,
    "desiredvCpus": 4,
    "instanceTypes": ["p3.8xlarge"],
    "imageId": "ami-0123456789abcdef0",
    "subnets": ["subnet-1", "subnet-2"],
    "securityGroupIds": ["sg-1"],
    "ec2KeyPair": "key",
    "instanceRole": "ecsInstanceRole",
    "tags": {"Name": "worker"},
    "placementGroup": "near",
    "launchTemplate": {"launchTemplateId": "lt-0123456789abcdef0", "version": "3"},
}
SPOT: Json = {
    **{key: RESOURCES[key] for key in ("minvCpus", "maxvCpus", "instanceTypes", "subnets", "instanceRole")},
    "securityGroupIds": ["sg-1"],
    "type": "SPOT",
    "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED",
    "bidPercentage": 60,
    "spotIamFleetRole": f"{ROLE}/fleet",
    "launchTemplate": {"launchTemplateName": "workers", "version": "$Latest"},
}
ENVIRONMENTS: Sequence[Json] = (
    {
        "computeEnvironmentName": "ec2",
        "type": "MANAGED",
        "state": "ENABLED",
        "computeResources": RESOURCES,
        "serviceRole": f"{ROLE}/batch",
        "tags": TAGS,
    },
    {"computeEnvironmentName": "spot", "type": "MANAGED", "computeResources": SPOT},
    {
        "computeEnvironmentName": "plain",
        "type": "MANAGED",
        "computeResources": {**RESOURCES, "allocationStrategy": "BEST_FIT"},
    },
    {
        "computeEnvironmentName": "own",
        "type": "UNMANAGED",
        "state": "DISABLED",
        "serviceRole": f"{ROLE}/batch",
    },
)
QUEUES: Sequence[Json] = (
    {
        "jobQueueName": "high",
        "state": "ENABLED",
        "priority": 10,
        "computeEnvironmentOrder": [
            {"order": 1, "computeEnvironment": "ec2"},
            {"order": 2, "computeEnvironment": "spot"},
        ],
        "tags": TAGS,
    },
    {
        "jobQueueName": "closed",
        "state": "DISABLED",
        "priority": 0,
        "computeEnvironmentOrder": [{"order": 7, "computeEnvironment": "spot"}],
    },
)
_SMALL: Json = {"image": "busybox:1", "vcpus": 1, "memory": 128}
_OTHER_DRIVERS = ("json-file", "syslog", "journald", "gelf", "fluentd", "splunk")
DEFINITIONS: Sequence[Json] = (
    {
        "jobDefinitionName": "alone",
        "type": "container",
        "parameters": {"sample": "NA12878"},
        "containerProperties": container(
            environment=[{"name": "MODE", "value": "fast"}, {"name": "EMPTY", "value": ""}]
        ),
        "retryStrategy": {"attempts": 2},
        "timeout": {"attemptDurationSeconds": 3600},
        "tags": TAGS,
    },
    {
        "jobDefinitionName": "together",
        "type": "multinode",
        "nodeProperties": {
            "numNodes": 2,
            "mainNode": 0,
            "nodeRangeProperties": [
                {"targetNodes": target, "container": container(instanceType="p3.8xlarge")} for target in ("0:0", "1:")
            ],
        },
    },
    *(
        {
            "jobDefinitionName": f"logs-to-{driver}",
            "type": "container",
            "containerProperties": {**_SMALL, "logConfiguration": {"logDriver": driver}},
        }
        for driver in _OTHER_DRIVERS
    ),
    *(
        {
            "jobDefinitionName": f"nodes-log-to-{driver}",
            "type": "multinode",
            "nodeProperties": {
                "numNodes": 1,
                "mainNode": 0,
                "nodeRangeProperties": [
                    {"targetNodes": "0:", "container": {**_SMALL, "logConfiguration": {"logDriver": driver}}}
                ],
            },
        }
        for driver in _OTHER_DRIVERS
    ),
)
STATES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
SETTINGS = Settings(outcomes=(Outcome(name="fails", exit_code=137, reason="OutOfMemoryError: killed"),))


def jobs(ids: Mapping[str, str]) -> Iterator[Json]:
    """The jobs to submit, one after the other; `ids` grows by each of them."""
    yield {"jobName": "first", "jobQueue": "high", "jobDefinition": "alone:1"}
    yield {
        "jobName": "all",
        "jobQueue": "high",
        "jobDefinition": "alone:1",
        "dependsOn": [{"jobId": ids["first"]}],
        "parameters": {"sample": "HG002"},
        "containerOverrides": overrides(),
        "retryStrategy": {"attempts": 3},
        "timeout": {"attemptDurationSeconds": 120},
        "tags": TAGS,
    }
    yield {"jobName": "fails", "jobQueue": "high", "jobDefinition": "alone:1"}
    yield {
        "jobName": "array",
        "jobQueue": "high",
        "jobDefinition": "alone:1",
        "arrayProperties": {"size": 3},
        "dependsOn": [{"type": "SEQUENTIAL"}],
    }
    yield {
        "jobName": "each",
        "jobQueue": "high",
        "jobDefinition": "alone:1",
        "arrayProperties": {"size": 3},
        "dependsOn": [{"jobId": ids["array"], "type": "N_TO_N"}],
    }
    yield {
        "jobName": "nodes",
        "jobQueue": "high",
        "jobDefinition": "together:1",
        "nodeOverrides": {
            "numNodes": 3,
            "nodePropertyOverrides": [
                {"targetNodes": target, "containerOverrides": overrides(instanceType="p3.16xlarge")}
                for target in ("0:0", "1:")
            ],
        },
    }


@attrs.frozen
class Said:
    """A request that made something, and what a describe showed of that afterwards."""

    operation: str
    request: Json
    shown: Json


@attrs.frozen
class Account:
    """A simulated account, and every request and answer that went to and fro."""

    client: Any
    clock: ManualClock
    calls: list[tuple[str, Json, Json]] = attrs.field(factory=list)
    said: list[Said] = attrs.field(factory=list)
    ended: list[Json] = attrs.field(factory=list)

    def call(self, operation: str, **request: Any) -> Json:
        answer: Json = getattr(self.client, xform_name(operation))(**request)
        del answer["ResponseMetadata"]
        self.calls.append((operation, request, answer))
        return answer

    def paged(self, operation: str, items: str, **request: Any) -> list[Json]:
        """Everything that a listing in pages of two holds."""
        answer = self.call(operation, **request, maxResults=2)
        found = list(answer[items])
        while "nextToken" in answer:
            answer = self.call(operation, **request, maxResults=2, nextToken=answer["nextToken"])
            found += answer[items]
        return found

    def settle(self) -> None:
        self.clock.sleep(120)

    def sent(self, operation: str) -> list[Json]:
        return [request for name, request, _ in self.calls if name == operation]

    def answered(self, operation: str) -> list[Json]:
        return [answer for name, _, answer in self.calls if name == operation]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """An account in which everything was said and everything was asked."""
    clock, store = ManualClock(), Store.open(None, now=0.0)
    account = Account(client(Simulator(store, clock, settings=SETTINGS)), clock)
    _environments(account)
    _queues(account)
    _definitions(account)
    _jobs(account)
    _tags(account)
    yield account
    store.close()


def _environments(account: Account) -> None:
    operation = "DescribeComputeEnvironments"
    for request in ENVIRONMENTS:
        name = account.call("CreateComputeEnvironment", **request)["computeEnvironmentName"]
        account.settle()
        (shown,) = account.call(operation, computeEnvironments=[name])["computeEnvironments"]
        account.said.append(Said("CreateComputeEnvironment", request, shown))
    found = account.paged(operation, "computeEnvironments")
    assert [it["computeEnvironmentName"] for it in found] == [it["computeEnvironmentName"] for it in ENVIRONMENTS]


def _queues(account: Account) -> None:
    for request in QUEUES:
        arn = account.call("CreateJobQueue", **request)["jobQueueArn"]
        account.settle()
        (shown,) = account.call("DescribeJobQueues", jobQueues=[arn])["jobQueues"]
        account.said.append(Said("CreateJobQueue", request, shown))
    account.call("DescribeJobQueues", maxResults=1)
    account.paged("DescribeJobQueues", "jobQueues")
    token = account.call("DescribeJobQueues", maxResults=1)["nextToken"]
    assert len(account.call("DescribeJobQueues", maxResults=1, nextToken=token)["jobQueues"]) == 1


def _definitions(account: Account) -> None:
    for request in DEFINITIONS:
        arn = account.call("RegisterJobDefinition", **request)["jobDefinitionArn"]
        (shown,) = account.call("DescribeJobDefinitions", jobDefinitions=[arn])["jobDefinitions"]
        account.said.append(Said("RegisterJobDefinition", request, shown))
    account.call("DescribeJobDefinitions", jobDefinitionName="alone", status="ACTIVE")
    found = account.paged("DescribeJobDefinitions", "jobDefinitions", status="ACTIVE")
    assert len(found) == len(DEFINITIONS)


def _jobs(account: Account) -> None:
    ids: dict[str, str] = {}
    for request in jobs(ids):
        ids[request["jobName"]] = account.call("SubmitJob", **request)["jobId"]
        (shown,) = account.call("DescribeJobs", jobs=[ids[request["jobName"]]])["jobs"]
        account.said.append(Said("SubmitJob", request, shown))
    parents = {"array": (":", "arrayJobId"), "each": (":", "arrayJobId"), "nodes": ("#", "multiNodeJobId")}
    children = [f"{ids[name]}{mark}{index}" for name, (mark, _) in parents.items() for index in range(3)]
    for _ in range(200):
        listed = [account.paged("ListJobs", "jobSummaryList", jobQueue="high", jobStatus=state) for state in STATES]
        assert {it["jobId"] for page in listed for it in page} == {*ids.values()}
        for state in STATES:
            for name, (_, key) in parents.items():
                account.call("ListJobs", **{key: ids[name], "jobStatus": state})
        found = account.call("DescribeJobs", jobs=[*ids.values(), *children])["jobs"]
        if {it["status"] for it in found} <= {"SUCCEEDED", "FAILED"}:
            account.ended.extend(found)
            return
        account.clock.sleep(5)
    raise AssertionError("jobs go on for ever")


def _tags(account: Account) -> None:
    made = {
        "CreateComputeEnvironment": "computeEnvironmentArn",
        "CreateJobQueue": "jobQueueArn",
        "RegisterJobDefinition": "jobDefinitionArn",
        "SubmitJob": "jobArn",
    }
    for arn in [answer[key] for operation, key in made.items() for answer in account.answered(operation)]:
        before = account.call("ListTagsForResource", resourceArn=arn)["tags"]
        account.call("TagResource", resourceArn=arn, tags={"stage": "alpha", "team": "red"})
        account.call("UntagResource", resourceArn=arn, tagKeys=["team"])
        after = account.call("ListTagsForResource", resourceArn=arn)["tags"]
        assert after == {**{key: value for key, value in before.items() if key != "team"}, "stage": "alpha"}


def leaves(value: Any, path: str, types: Types) -> Iterator[tuple[str, Any]]:
    """Every value of a request or an answer with its path, as the document writes paths."""
    match value:
        case dict() if f"{path}{{}}" in types:
            for inner in value.values():
                yield f"{path}{{}}", inner
        case dict():
            for key, inner in value.items():
                yield from leaves(inner, f"{path}.{key}" if path else key, types)
        case list():
            for inner in value:
                yield from leaves(inner, f"{path}[]", types)
        case _:
            yield path, value


def paths(documents: Sequence[Json], types: Types) -> set[str]:
    return {path for document in documents for path, _ in leaves(document, "", types)}


def expected(operation: str, value: Any, path: str = "") -> Any:
    """What a describe shows of a value of a request."""
    match value:
        case dict():
            names = RENAMED.get(operation, {})
            return {
                names.get(key, key): expected(operation, it, f"{path}.{key}" if path else key)
                for key, it in value.items()
            }
        case list():
            kept = TRANSFORMED.get((operation, path), list)(value)
            return [expected(operation, it, f"{path}[]") for it in kept]
        case _:
            return TRANSFORMED.get((operation, path), lambda it: it)(value)


def is_of(kind: str | list[str], value: Any) -> bool:
    """Whether a value is of the documented type, and one of its words where words are listed."""
    match kind:
        case list():
            return value in kind
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case _:
            return isinstance(value, str)


OPERATIONS = sorted(DOCUMENT)


def test_the_document_is_whole() -> None:
    """It tells of twelve operations, of which three were new."""
    assert len(OPERATIONS) == 12
    assert {"ListTagsForResource", "TagResource", "UntagResource"} < {*OPERATIONS}
    assert sum(len(types) for sides in DOCUMENT.values() for types in sides.values()) == 438


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_member_of_a_request_is_taken(account: Account, operation: str) -> None:
    """What was sent, and accepted, says every member of the document's requests, and nothing beside them."""
    types = DOCUMENT[operation]["request"]
    refused = {path for name, path in REFUSED if name == operation}
    assert paths(account.sent(operation), types) == types.keys() - refused


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_word_of_a_request_is_taken(account: Account, operation: str) -> None:
    """Where the document lists the words of a member, each of them was sent, and accepted."""
    words = {path: {*kind} for path, kind in DOCUMENT[operation]["request"].items() if isinstance(kind, list)}
    told: dict[str, set[str]] = {path: set() for path in words}
    for request in account.sent(operation):
        for path, value in leaves(request, "", DOCUMENT[operation]["request"]):
            if path in words:
                told[path].add(value)
    assert told == words


@pytest.mark.parametrize(
    "operation", ["CreateComputeEnvironment", "CreateJobQueue", "RegisterJobDefinition", "SubmitJob"]
)
def test_what_was_said_is_shown(account: Account, operation: str) -> None:
    """Every member that was sent comes back where the document's answers have it, with the value sent."""
    said = [it for it in account.said if it.operation == operation]
    assert [it.request for it in said] == account.sent(operation)
    assert [[*missing(expected(operation, it.request), it.shown)] for it in said] == [[]] * len(said)


def test_what_was_said_is_shown_to_the_end(account: Account) -> None:
    """A job that has ended still shows what was asked of it, and so do the children of an array, each with its index.

    A node shows the container that was asked for it, beside what was said of the whole job.
    """
    said = {it.shown["jobId"]: expected("SubmitJob", it.request) for it in account.said if it.operation == "SubmitJob"}
    assert len(account.ended) == len(said) + 9
    for shown in account.ended:
        whole = re.split("[:#]", shown["jobId"])[0]
        wanted = dict(said[whole])
        if ":" in shown["jobId"]:
            wanted["arrayProperties"] = {"index": int(shown["jobId"].rpartition(":")[2])}
        if "#" in shown["jobId"]:
            (container,) = {json.dumps(it["container"]) for it in wanted.pop("nodeProperties")["nodeRangeProperties"]}
            wanted["container"] = json.loads(container)
        assert [*missing(wanted, shown)] == [], shown["jobId"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_member_of_an_answer_is_seen(account: Account, operation: str) -> None:
    """Every member of the document's answers was in some answer, but those that the table excuses, which never are."""
    types = DOCUMENT[operation]["response"]
    seen = paths(account.answered(operation), types)
    assert types.keys() - seen == {path for name, path in UNSEEN if name == operation}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_of_its_types(account: Account, operation: str) -> None:
    """Members of answers, and values in maps, have the types of the document, or are words that it lists."""
    types = DOCUMENT[operation]["response"]
    for answer in account.answered(operation):
        for path, value in leaves(answer, "", types):
            if path in types:
                assert is_of(types[path], value), (path, value)


@pytest.mark.parametrize(("operation", "path"), REFUSED)
def test_what_the_document_rules_out_is_refused(account: Account, operation: str, path: str) -> None:
    """An instance type is told for the nodes of a multi-node parallel job only."""
    outer, inner = path.split(".")
    base = {"RegisterJobDefinition": DEFINITIONS[0], "SubmitJob": account.sent("SubmitJob")[1]}[operation]
    request = {**base, outer: {**base[outer], inner: "p3.8xlarge"}}
    with pytest.raises(ClientError, match=REFUSED[operation, path]):
        getattr(account.client, xform_name(operation))(**request)
