"""What AWS's published examples of AWS Batch presuppose, and how an answer is held against what was published."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from botocore import xform_name
from botocore.loaders import Loader

from providers.clock import ManualClock

Json = dict[str, Any]
EXAMPLES: Mapping[str, list[Json]] = Loader().load_service_model("batch", "examples-1")["examples"]
NUMBER = "012345678910"
SETTLED = 600.0
_SHOWN_ONLY = ("computeEnvironmentArn", "ecsClusterArn", "jobQueueArn", "jobDefinitionArn", "status", "statusReason")


def _input(operation: str, number: int = 0) -> Json:
    found: Json = EXAMPLES[operation][number]["input"]
    return found


def _as_described(operation: str, items: str) -> Json:
    """The request that leads to what an example describes."""
    (shown,) = EXAMPLES[operation][0]["output"][items]
    return {key: value for key, value in shown.items() if key not in (*_SHOWN_ONLY, "revision")}


MAKING: Mapping[str, tuple[str, Json]] = {
    "C4OnDemand": ("CreateComputeEnvironment", _input("CreateComputeEnvironment", 0)),
    "M4Spot": ("CreateComputeEnvironment", _input("CreateComputeEnvironment", 1)),
    "P2OnDemand": ("CreateComputeEnvironment", _as_described("DescribeComputeEnvironments", "computeEnvironments")),
    "P2OnDemand, disabled": ("UpdateComputeEnvironment", _input("UpdateComputeEnvironment")),
    "HighPriority": ("CreateJobQueue", _as_described("DescribeJobQueues", "jobQueues")),
    "GPGPU": (
        "CreateJobQueue",
        {
            "jobQueueName": "GPGPU",
            "priority": 1,
            "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "P2OnDemand"}],
        },
    ),
    "GPGPU, disabled": ("UpdateJobQueue", _input("UpdateJobQueue")),
    "sleep10": ("RegisterJobDefinition", _input("RegisterJobDefinition", 0)),
    "sleep30": ("RegisterJobDefinition", _input("RegisterJobDefinition", 1)),
    "sleep30, tagged": ("TagResource", _input("TagResource")),
    "sleep60": ("RegisterJobDefinition", _as_described("DescribeJobDefinitions", "jobDefinitions")),
    "sleep60 of old": (
        "RegisterJobDefinition",
        {
            "jobDefinitionName": "sleep60",
            "type": "container",
            "containerProperties": {"image": "busybox", "vcpus": 1, "memory": 128, "command": ["sleep", "60"]},
        },
    ),
    "a job": ("SubmitJob", _input("SubmitJob")),
}
"""What examples presuppose, and how it is made: from other examples, as far as there are any."""

_QUEUE = ("C4OnDemand", "HighPriority", "sleep60")
PRESUPPOSED: Mapping[str, tuple[Sequence[str], float]] = {
    "CancelJob": ((*_QUEUE, "a job"), 0),
    "CreateComputeEnvironment": ((), 0),
    "CreateJobQueue": (("C4OnDemand", "M4Spot"), 0),
    "DeleteComputeEnvironment": (("P2OnDemand", "P2OnDemand, disabled"), 0),
    "DeleteJobQueue": (("P2OnDemand", "GPGPU", "GPGPU, disabled"), 0),
    "DeregisterJobDefinition": (("sleep10",), 0),
    "DescribeComputeEnvironments": (("P2OnDemand",), 0),
    "DescribeJobDefinitions": (("sleep60",), 0),
    "DescribeJobQueues": (("C4OnDemand", "HighPriority"), 0),
    "DescribeJobs": (("C4OnDemand", "HighPriority", "sleep60 of old", "a job"), SETTLED),
    "ListJobs": ((*_QUEUE, "a job"), 30),
    "list-jobs-in-SUBMITTED": ((*_QUEUE, "a job"), 0),
    "ListTagsForResource": (("sleep30", "sleep30, tagged"), 0),
    "RegisterJobDefinition": ((), 0),
    "SubmitJob": (_QUEUE, 0),
    "TagResource": (("sleep30",), 0),
    "TerminateJob": ((*_QUEUE, "a job"), 0),
    "UntagResource": (("sleep30", "sleep30, tagged"), 0),
    "UpdateComputeEnvironment": (("P2OnDemand",), 0),
    "UpdateJobQueue": (("P2OnDemand", "GPGPU"), 0),
}
"""By operation, or by operation and status: what to make first, and how many seconds to wait then."""

IDS = ("jobId", "ecsClusterArn", "containerInstanceArn")
TIMES = ("createdAt", "startedAt", "stoppedAt")
CHANGED: Mapping[str, str] = {
    "jobs[0].jobDefinition": "an ARN since, as in the later example of describe-jobs of the AWS CLI",
}
"""Published values that are not those of today, and why."""

OUTDATED: Mapping[str, str] = {
    "DeregisterJobDefinition": "the API reference asks for NAME:REVISION or an ARN",
}
"""Operations whose published request is refused today, and why."""


@attrs.define
class Account:
    """A simulated account of the number that the examples have; `job` is the id of the last job submitted."""

    client: Any
    clock: ManualClock
    job: str = ""

    def call(self, operation: str, request: Json) -> Json:
        answer: Json = getattr(self.client, xform_name(operation))(**self._own(request))
        del answer["ResponseMetadata"]
        self.job = answer.get("jobId", self.job)
        return answer

    def prepare(self, what: Sequence[str], seconds: float) -> None:
        """Make what an example presupposes, and let so many seconds go by."""
        for one in what:
            self.call(*MAKING[one])
            self.clock.sleep(0 if one == "a job" else SETTLED)
        self.clock.sleep(seconds)

    def _own(self, value: Any, key: str = "") -> Any:
        """A value of a request with the job and the account that there are here."""
        match value:
            case dict():
                return {name: self._own(inner, name) for name, inner in value.items()}
            case list():
                return [self._own(inner, key) for inner in value]
            case str() if key in ("jobId", "jobs"):
                return self.job
            case str():
                return value.replace(":123456789012:", f":{NUMBER}:")
            case _:
                return value


def differences(published: Any, answer: Any, path: str = "") -> Iterator[str]:
    """Where an answer lacks a member that was published, or has another value for it."""
    match published:
        case dict() if isinstance(answer, dict):
            for key, value in published.items():
                where = f"{path}.{key}" if path else key
                if key not in answer:
                    yield f"{where} is not there"
                elif key in (*IDS, *TIMES) or where in CHANGED:
                    if type(value) is not type(answer[key]):
                        yield f"{where}: {value!r} was published, {answer[key]!r} came"
                else:
                    yield from differences(value, answer[key], where)
        case list() if isinstance(answer, list) and len(answer) == len(published):
            for number, (one, other) in enumerate(zip(published, answer, strict=True)):
                yield from differences(one, other, f"{path}[{number}]")
        case _ if published != answer:
            yield f"{path}: {published!r} was published, {answer!r} came"
