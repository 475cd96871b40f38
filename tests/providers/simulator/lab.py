"""A simulated account to try things in: one store in memory, a manual clock, real boto3 clients."""

import json
from collections.abc import Callable
from typing import Any

import attrs
import boto3
import pytest
from botocore import UNSIGNED
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


def connect(simulator: Simulator, service: str = "batch", region: str = "eu-west-1", key: str | None = None) -> Any:
    """Return a boto3 client that never tries twice, answered by `simulator`; without a key it signs nothing."""
    signs = {} if key else {"signature_version": UNSIGNED}
    once = Config(retries={"total_max_attempts": 1}, user_agent="tests", **signs)
    make: Any = _SESSION.client
    client = make(service, region_name=region, aws_access_key_id=key, aws_secret_access_key=key, config=once)
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

    def service_environment(self, name: str, *units: str, wait: float = 3600, **arguments: Any) -> str:
        """Create a service environment of 10 of each unit (NUM_INSTANCES if none is said), wait, return its ARN."""
        limits = [{"capacityUnit": unit, "maxCapacity": 10} for unit in units or ("NUM_INSTANCES",)]
        request = {"serviceEnvironmentType": "SAGEMAKER_TRAINING", "capacityLimits": limits, **arguments}
        arn: str = self.batch.create_service_environment(serviceEnvironmentName=name, **request)[
            "serviceEnvironmentArn"
        ]
        self.clock.sleep(wait)
        return arn

    def training_queue(self, name: str, environment: str, wait: float = 3600, **arguments: Any) -> str:
        """Create a queue of a service environment, wait, and return its ARN."""
        order = [{"order": 1, "serviceEnvironment": environment}]
        request = {"priority": 1, "serviceEnvironmentOrder": order, **arguments}
        arn: str = self.batch.create_job_queue(jobQueueName=name, **request)["jobQueueArn"]
        self.clock.sleep(wait)
        return arn

    def quota_policy(self, name: str) -> str:
        """Create a scheduling policy of quota shares and return its ARN."""
        policy = {"idleResourceAssignmentStrategy": "FIFO"}
        arn: str = self.batch.create_scheduling_policy(name=name, quotaSharePolicy=policy)["arn"]
        return arn

    def quota_queue(self, name: str) -> str:
        """Create a queue of quota shares, with a policy and a service environment of its name; return its ARN."""
        self.service_environment(name, "ml.m5.large")
        return self.training_queue(name, name, schedulingPolicyArn=self.quota_policy(name))

    def quota_share(self, name: str, queue: str, wait: float = 3600, **arguments: Any) -> str:
        """Create a quota share of two ml.m5.large that neither lends nor borrows, wait, and return its ARN."""
        request = {
            "capacityLimits": [{"capacityUnit": "ml.m5.large", "maxCapacity": 2}],
            "resourceSharingConfiguration": {"strategy": "RESERVE"},
            "preemptionConfiguration": {"inSharePreemption": "DISABLED"},
            **arguments,
        }
        arn: str = self.batch.create_quota_share(quotaShareName=name, jobQueue=queue, **request)["quotaShareArn"]
        self.clock.sleep(wait)
        return arn

    def queue(self, name: str, *environments: str, wait: float = 3600, **arguments: Any) -> str:
        order = [{"order": place, "computeEnvironment": it} for place, it in enumerate(environments, 1)]
        request = {"priority": 1, "computeEnvironmentOrder": order, **arguments}
        arn: str = self.batch.create_job_queue(jobQueueName=name, **request)["jobQueueArn"]
        self.clock.sleep(wait)
        return arn

    def service_job(self, queue: str, **arguments: Any) -> str:
        """Submit a service job of one ml.m5.large and return its id."""
        payload = {"TrainingJobName": "t", "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}
        request = {"serviceJobType": "SAGEMAKER_TRAINING", "serviceRequestPayload": json.dumps(payload), **arguments}
        job: str = self.batch.submit_service_job(jobName="j", jobQueue=queue, **request)["jobId"]
        return job

    def ground(self, **resources: Any) -> None:
        """Make what a job needs: environment `a` with these compute resources, queue `q`, definition `d` of 1 vCPU."""
        self.environment("a", computeResources=ec2(**resources))
        self.queue("q", "a")
        self.definition("d")

    def submit(self, wait: float = 0, **changes: Any) -> str:
        """Submit a job of `d` to `q`, wait, and return its id."""
        request = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **changes}
        job: str = self.batch.submit_job(**request)["jobId"]
        self.clock.sleep(wait)
        return job

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

    def see_job(self, job_id: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.batch.describe_jobs(jobs=[job_id])["jobs"]
        return found[0] if found else {}

    def statuses(self, *job_ids: str) -> list[str]:
        seen = [self.see_job(job_id) for job_id in job_ids]
        return [job["status"] for job in seen]

    def see_service_environment(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.batch.describe_service_environments(serviceEnvironments=[name])[
            "serviceEnvironments"
        ]
        return found[0] if found else {}

    def see_definition(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.batch.describe_job_definitions(jobDefinitions=[name])["jobDefinitions"]
        return found[0] if found else {}

    def disable_environment(self, name: str, wait: float = 3600) -> None:
        self.batch.update_compute_environment(computeEnvironment=name, state="DISABLED")
        self.clock.sleep(wait)

    def disable_service_environment(self, name: str, wait: float = 3600) -> None:
        self.batch.update_service_environment(serviceEnvironment=name, state="DISABLED")
        self.clock.sleep(wait)

    def disable_queue(self, name: str, wait: float = 3600) -> None:
        self.batch.update_job_queue(jobQueue=name, state="DISABLED")
        self.clock.sleep(wait)
