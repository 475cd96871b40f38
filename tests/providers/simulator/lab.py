"""A simulated account to try things in: one store in memory, a manual clock, real boto3 clients."""

import json
from collections.abc import Callable
from typing import Any

import attrs
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from providers.clock import ManualClock
from providers.simulator import Request, Response, Simulator, Store

LINKED = "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
ORDINARY = "arn:aws:iam::123456789012:role/service-role/AWSBatchServiceRole"
_SESSION = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")


def ec2(**changes: Any) -> dict[str, Any]:
    """Compute resources of an EC2 environment that an infrastructure update can change; None takes a key away."""
    base = {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "minvCpus": 0,
        "maxvCpus": 16,
        "instanceTypes": ["m6i.large"],
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
        "instanceRole": "ecsInstanceRole",
    }
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def fargate(**changes: Any) -> dict[str, Any]:
    base = {"type": "FARGATE", "maxvCpus": 16, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    return {**base, **changes}


def container(**changes: Any) -> dict[str, Any]:
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    return {"image": "busybox", "resourceRequirements": needs, **changes}


def connect(simulator: Simulator, service: str = "batch", region: str = "eu-west-1", key: str = "test") -> Any:
    """Return a boto3 client that never tries twice, answered by `simulator`."""
    once = Config(retries={"total_max_attempts": 1})
    make: Any = _SESSION.client
    client = make(service, region_name=region, aws_access_key_id=key, aws_secret_access_key="x", config=once)
    simulator.attach(client)
    return client


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[int, str, str]:
    """Make a call that must be refused; return HTTP status, code and message."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


@attrs.frozen
class Lab:
    """One simulated account, with shorthands for what most tests need first."""

    store: Store
    clock: ManualClock
    simulator: Simulator
    batch: Any

    @classmethod
    def new(cls, **arguments: Any) -> "Lab":
        """Return a lab of its own; `arguments` are the simulator's."""
        store, clock = Store.open(None, now=0.0), ManualClock()
        simulator = Simulator(store, clock, **arguments)
        return cls(store, clock, simulator, connect(simulator))

    def post(self, operation: str, body: Any) -> Response:
        """Send a request past botocore's own checks; `body` is bytes, or is made JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"host": "batch.eu-west-1.amazonaws.com", "content-type": "application/json"}
        return self.simulator.handle(Request("POST", f"/v1/{operation.lower()}", {}, headers, sent))

    def environment(self, name: str, wait: float = 3600, **arguments: Any) -> str:
        """Create a MANAGED environment (EC2 where nothing is said), wait, and return its ARN."""
        request = {"type": "MANAGED", "computeResources": ec2(), **arguments}
        arn: str = self.batch.create_compute_environment(computeEnvironmentName=name, **request)[
            "computeEnvironmentArn"
        ]
        self.clock.sleep(wait)
        return arn

    def queue(self, name: str, *environments: str, wait: float = 3600, **arguments: Any) -> str:
        order = [{"order": place, "computeEnvironment": it} for place, it in enumerate(environments, 1)]
        request = {"priority": 1, "computeEnvironmentOrder": order, **arguments}
        arn: str = self.batch.create_job_queue(jobQueueName=name, **request)["jobQueueArn"]
        self.clock.sleep(wait)
        return arn

    def definition(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Register a container definition and return it as describe shows it."""
        request = {"type": "container", "containerProperties": container(), **arguments}
        answer = self.batch.register_job_definition(jobDefinitionName=name, **request)
        return self.see_definition(answer["jobDefinitionArn"])

    def see_environment(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.batch.describe_compute_environments(computeEnvironments=[name])[
            "computeEnvironments"
        ]
        return found[0] if found else {}

    def see_queue(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.batch.describe_job_queues(jobQueues=[name])["jobQueues"]
        return found[0] if found else {}

    def see_definition(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.batch.describe_job_definitions(jobDefinitions=[name])["jobDefinitions"]
        return found[0] if found else {}

    def disable_environment(self, name: str, wait: float = 3600) -> None:
        self.batch.update_compute_environment(computeEnvironment=name, state="DISABLED")
        self.clock.sleep(wait)

    def disable_queue(self, name: str, wait: float = 3600) -> None:
        self.batch.update_job_queue(jobQueue=name, state="DISABLED")
        self.clock.sleep(wait)
