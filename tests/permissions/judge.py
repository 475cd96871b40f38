"""IAM as far as the policies here need it: what a call asks for, and whether a policy document allows that.

Written from the "Actions, resources, and condition keys for AWS Batch" of the Service Authorization Reference and the
"IAM JSON policy elements reference", and from nothing that makes the policies.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from typing import Any

import attrs

OWN: Mapping[str, tuple[str, str]] = {
    "CreateComputeEnvironment": ("compute-environment", "computeEnvironmentName"),
    "CreateConsumableResource": ("consumable-resource", "consumableResourceName"),
    "CreateJobQueue": ("job-queue", "jobQueueName"),
    "CreateSchedulingPolicy": ("scheduling-policy", "name"),
    "CreateServiceEnvironment": ("service-environment", "serviceEnvironmentName"),
    "RegisterJobDefinition": ("job-definition", "jobDefinitionName"),
    "UpdateComputeEnvironment": ("compute-environment", "computeEnvironment"),
    "UpdateConsumableResource": ("consumable-resource", "consumableResource"),
    "UpdateJobQueue": ("job-queue", "jobQueue"),
    "UpdateQuotaShare": ("quota-share", "quotaShareArn"),
    "UpdateSchedulingPolicy": ("scheduling-policy", "arn"),
    "UpdateServiceEnvironment": ("service-environment", "serviceEnvironment"),
    "DeleteComputeEnvironment": ("compute-environment", "computeEnvironment"),
    "DeleteConsumableResource": ("consumable-resource", "consumableResource"),
    "DeleteJobQueue": ("job-queue", "jobQueue"),
    "DeleteQuotaShare": ("quota-share", "quotaShareArn"),
    "DeleteSchedulingPolicy": ("scheduling-policy", "arn"),
    "DeleteServiceEnvironment": ("service-environment", "serviceEnvironment"),
    "DeregisterJobDefinition": ("job-definition", "jobDefinition"),
    "TagResource": ("", "resourceArn"),
    "UntagResource": ("", "resourceArn"),
}
"""The type and the member of the resource that each operation is about."""

OTHERS: Mapping[str, Mapping[str, str]] = {
    "CreateJobQueue": {
        "computeEnvironment": "compute-environment",
        "serviceEnvironment": "service-environment",
        "schedulingPolicyArn": "scheduling-policy",
    },
    "UpdateJobQueue": {"computeEnvironment": "compute-environment", "schedulingPolicyArn": "scheduling-policy"},
    "CreateQuotaShare": {"jobQueue": "job-queue"},
    "RegisterJobDefinition": {"consumableResource": "consumable-resource"},
    "SubmitJob": {"jobQueue": "job-queue", "jobDefinition": "job-definition"},
}
"""The types of what else a call names, by member, wherever it stands."""

PASSED: Mapping[str, str] = {
    "serviceRole": "batch.amazonaws.com",
    "instanceRole": "ec2.amazonaws.com",
    "spotIamFleetRole": "spotfleet.amazonaws.com",
    "infrastructureRoleArn": "ecs.amazonaws.com",
    "ec2InstanceProfileArn": "ec2.amazonaws.com",
    "executionRoleArn": "ecs-tasks.amazonaws.com",
    "jobRoleArn": "ecs-tasks.amazonaws.com",
    "taskRoleArn": "ecs-tasks.amazonaws.com",
}
_ENDING = re.compile(r"(CancelJob|TerminateJob|TerminateServiceJob)s?")
Tags = Mapping[str, str]


@attrs.frozen
class Ask:
    """What IAM is asked: an action on a resource, with the keys that conditions may be on."""

    action: str
    resource: str
    keys: Mapping[str, str] = attrs.field(factory=dict, eq=False)


@attrs.frozen
class Account:
    """The account that is called; `tags` tells those that something there carries."""

    region: str
    number: str
    tags: Callable[[str], Tags]

    def asks(self, operation: str, said: Mapping[str, Any]) -> Iterator[Ask]:
        """All that IAM is asked for one call; each must be allowed."""
        if operation == "GetJobQueueSnapshot":
            yield self.ask(operation, self.arn("job-queue", said["jobQueue"]))
        elif operation.startswith(("Describe", "List")):
            yield Ask(f"batch:{operation}", "*")
        elif ending := _ENDING.fullmatch(operation):
            kind = "service-job" if "Service" in operation else "job"
            for job in said.get("jobs") or [said["jobId"]]:
                yield self.ask(ending[1], self.arn(kind, job))
        else:
            yield from self.changes(operation, said)

    def changes(self, operation: str, said: Mapping[str, Any]) -> Iterator[Ask]:
        own = self.own(operation, said)
        sent = said.get("tags") or {}
        yield self.ask(operation, own, sent)
        for member, value in found({key: each for key, each in said.items() if key != "tags"}):
            if kind := OTHERS.get(operation, {}).get(member):
                yield self.ask(operation, self.arn(kind, value), sent)
            if member in PASSED and value and "AWSServiceRoleForBatch" not in value:
                yield Ask("iam:PassRole", self.role(value), {"iam:PassedToService": PASSED[member]})
        if sent and operation != "TagResource":
            revision = ":1" if operation == "RegisterJobDefinition" else ""
            yield self.ask("TagResource", own + revision, sent)
        if operation == "CreateComputeEnvironment" and not said.get("serviceRole"):
            name = "batch.amazonaws.com"
            role = self.role(f"aws-service-role/{name}/AWSServiceRoleForBatch")
            yield Ask("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": name})

    def ask(self, operation: str, resource: str, sent: Tags = {}) -> Ask:  # noqa: B006
        keys = {f"aws:RequestTag/{key}": value for key, value in sent.items()}
        keys |= {f"aws:ResourceTag/{key}": value for key, value in self.tags(resource).items()}
        return Ask(f"batch:{operation}", resource, keys)

    def own(self, operation: str, said: Mapping[str, Any]) -> str:
        if operation == "SubmitJob":
            return self.arn("job", "00000000-0000-0000-0000-000000000000")
        if operation == "CreateQuotaShare":
            return f"{self.arn('job-queue', said['jobQueue'])}/quota-share/{said['quotaShareName']}"
        kind, member = OWN[operation]
        return self.arn(kind, said[member])

    def arn(self, kind: str, named: str) -> str:
        return named if named.startswith("arn:") else f"arn:aws:batch:{self.region}:{self.number}:{kind}/{named}"

    def role(self, named: str) -> str:
        if named.startswith("arn:"):
            return named.replace(":instance-profile/", ":role/")
        return f"arn:aws:iam::{self.number}:role/{named.lstrip('/')}"


def found(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a document, with the member that has it."""
    match value:
        case Mapping():
            for key, item in value.items():
                if isinstance(item, str):
                    yield key, item
                yield from found(item)
        case list() | tuple():
            for item in value:
                yield from found(item)


def granting(policy: Mapping[str, Any], ask: Ask) -> list[tuple[str, str]]:
    """The ids of the statements that allow something, each with the resource that does; none where it is denied."""
    return [
        (statement["Sid"], resource)
        for statement in policy["Statement"]
        if ask.action in statement["Action"] and _hold(statement.get("Condition", {}), ask.keys)
        for resource in statement["Resource"]
        if matches(resource, ask.resource)
    ]


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of IAM, in which only `*` and `?` stand for something, is that of a text."""
    return re.fullmatch(translate(pattern.replace("[", "[[]")), text) is not None


def _hold(conditions: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str]) -> bool:
    return all(
        _holds(operator, keys.get(key), [wanted] if isinstance(wanted, str) else wanted)
        for operator, by_key in conditions.items()
        for key, wanted in by_key.items()
    )


def _holds(operator: str, value: str | None, wanted: Sequence[str]) -> bool:
    match operator:
        case "StringEquals":
            return value in wanted
        case "StringEqualsIfExists":
            return value is None or value in wanted
        case "StringLike":
            return value is not None and any(matches(each, value) for each in wanted)
        case "ForAllValues:StringLike":
            return value is None or any(matches(each, value) for each in wanted)
    raise AssertionError(operator)


def without(policy: Mapping[str, Any], action: str) -> dict[str, Any]:
    """A policy that has everything but one action."""
    statements: Iterable[Mapping[str, Any]] = policy["Statement"]
    left = [{**each, "Action": [own for own in each["Action"] if own != action]} for each in statements]
    return {**policy, "Statement": left}
