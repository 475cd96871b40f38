"""The worlds that the verbs are held against: the simulator, moto's server, and, where it is asked for, AWS itself.

A world that is not faithful to AWS says so here, with the reason. What is said is expected to fail, strictly: should
moto mend one of them, the test tells, and the row goes.
"""

import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import boto3

from providers.clients import connect
from providers.clock import Clock, ManualClock
from providers.errors import StillReferenced
from providers.provider import Provider, produced
from providers.resources import Document, Live, Target
from providers.simulator import Simulator, Store
from tests.contract.account import Account
from tests.contract.transcripts import Recorder
from tests.kit import REGION, client, kinds

_NO_PAGES = "maxResults and nextToken are ignored"
_NO_REFUSAL = "nothing is refused for being enabled or in use"

UNFAITHFUL: Mapping[str, Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        "simulator": {},
        "moto": {
            ("read_all_in_pages", "compute_environment"): _NO_PAGES,
            ("read_all_in_pages", "job_queue"): _NO_PAGES,
            ("read_all_in_pages", "job_definition"): _NO_PAGES,
            ("read_all_in_pages", "scheduling_policy"): _NO_PAGES,
            ("keep_member", "job_queue.jobStateTimeLimitActions"): "the member is dropped",
            ("keep_member", "job_definition.schedulingPriority"): "the member is dropped",
            ("keep_member", "scheduling_policy.quotaSharePolicy"): "a fair-share policy is made of it",
            ("update", "job_queue.jobStateTimeLimitActions"): "the member is dropped",
            ("update", "compute_environment.computeResources"): "compute resources are accepted and ignored",
            ("create_twice", "scheduling_policy"): "the second overwrites the first",
            ("delete_enabled", "compute_environment"): _NO_REFUSAL,
            ("delete_enabled", "job_queue"): _NO_REFUSAL,
            ("delete_used", "compute_environment"): _NO_REFUSAL,
            ("delete_used", "scheduling_policy"): _NO_REFUSAL,
        },
        "aws": {},
    }
)
"""By world: which test does not hold for which of its rows, and why."""

ABSENT: Mapping[str, Collection[str]] = MappingProxyType(
    {"moto": ("service_environment", "quota_share", "consumable_resource", "job", "job_queue.serviceEnvironmentOrder")}
)
"""By world: what it does not have, so that no test of it runs there. Moto runs jobs, but only in Docker."""

_GONE = ("DELETED", "INACTIVE")
_MOVING = ("CREATING", "UPDATING", "DELETING")
_LOOKS, _PAUSE = 120, 10.0


@attrs.frozen
class World:
    """One account, and what a test made in it. Names begin with `prefix`; `around` is what every environment needs."""

    provider: Provider
    clock: Clock
    prefix: str
    around: Document
    made: list[tuple[str, str]] = attrs.field(factory=list)

    def name(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def arguments(self, kind: str) -> dict[str, Any]:
        """What a create of this kind says beside the name; it makes the environment that a queue needs."""
        match kind:
            case "compute_environment":
                around = dict(self.around)
                resources = {"type": "FARGATE", "maxvCpus": 4, **around.pop("computeResources")}
                return {"type": "MANAGED", "state": "ENABLED", "computeResources": resources, **around}
            case "job_queue":
                environment = self.create("compute_environment", "behind")
                order = [{"order": 1, "computeEnvironment": environment.arn}]
                return {"state": "ENABLED", "priority": 5, "computeEnvironmentOrder": order}
            case "job_definition":
                needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
                container = {"image": "busybox:1", "command": ["true"], "resourceRequirements": needs}
                return {"type": "container", "containerProperties": container, "parameters": {"sample": "a"}}
            case "scheduling_policy":
                return {"fairsharePolicy": fair_share(600)}
            case "service_environment":
                limits = [{"maxCapacity": 10, "capacityUnit": "NUM_INSTANCES"}]
                return {"serviceEnvironmentType": "SAGEMAKER_TRAINING", "state": "ENABLED", "capacityLimits": limits}
            case "consumable_resource":
                return {"totalQuantity": 10, "resourceType": "REPLENISHABLE"}
            case _:
                return {
                    "jobQueue": self.training_queue().arn,
                    "state": "ENABLED",
                    "capacityLimits": [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}],
                    "resourceSharingConfiguration": {"strategy": "LEND"},
                    "preemptionConfiguration": {"inSharePreemption": "DISABLED"},
                }

    def training_environment(self, name: str) -> Live:
        """Make a service environment that counts instance types, as quota shares ask for."""
        limits = [{"maxCapacity": 10, "capacityUnit": "ml.m5.large"}]
        given = {**self.arguments("service_environment"), "capacityLimits": limits}
        return self.create("service_environment", name, given)

    def training_queue(self) -> Live:
        """Make a queue of SageMaker Training jobs that has quota shares, and what it needs."""
        policy = self.create(
            "scheduling_policy", "shares", {"quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"}}
        )
        environment = self.training_environment("behind")
        order = [{"order": 1, "serviceEnvironment": environment.arn}]
        around = {"jobQueueType": "SAGEMAKER_TRAINING", "schedulingPolicyArn": policy.arn}
        return self.create("job_queue", "training", {"priority": 1, "serviceEnvironmentOrder": order, **around})

    def create(self, kind: str, name: str, given: Document | None = None, **tags: str) -> Live:
        """Make an object, wait until it stands, and return it as describe shows it."""
        own = kinds()[kind]
        arguments = {own.name_member: self.name(name), **(given or self.arguments(kind)), "tags": tags}
        arn = produced(own, self.provider.call(own.facts.create, arguments))
        assert arn is not None
        self.made.append((kind, arn))
        return self.see(kind, arn)

    def find(self, kind: str, key: str) -> Live | None:
        """The object, once it stands; None where there is none, or none any more."""
        for _ in range(_LOOKS):
            found = next(iter(self.provider.describe(kind, (key,))), None)
            if found is None or found.status not in _MOVING:
                return None if found is None or found.status in _GONE else found
            self.clock.sleep(_PAUSE)
        raise AssertionError(f"{key} is still on its way")

    def see(self, kind: str, key: str) -> Live:
        found = self.find(kind, key)
        assert found is not None, f"there is no {key}"
        return found

    def update(self, kind: str, arn: str, changes: Document) -> Live:
        """Change members and wait until that stands; a quantity is set, which is one of the ways to change it."""
        own = kinds()[kind]
        assert own.facts.update is not None
        if "totalQuantity" in changes:
            changes = {"operation": "SET", "quantity": changes["totalQuantity"]}
        self.provider.call(own.facts.update, {own.update_key: arn, **changes})
        return self.see(kind, arn)

    def waiting_job(self) -> Document:
        """What to submit for a job that waits as RUNNABLE, and costs nothing: its queue's environment is DISABLED."""
        queue = self.create("job_queue", "waiting")
        (entry,) = queue.spec["computeEnvironmentOrder"]
        self.update("compute_environment", entry["computeEnvironment"], {"state": "DISABLED"})
        given = self.arguments("job_definition")
        role = f"arn:aws:iam::{queue.arn.split(':')[4]}:role/ecsTaskExecutionRole"
        needs = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
        container = {**given["containerProperties"], "executionRoleArn": role, "resourceRequirements": needs}
        fargate = {**given, "platformCapabilities": ["FARGATE"], "containerProperties": container}
        definition = self.create("job_definition", "waiting", fargate)
        return {"jobName": self.name("job"), "jobQueue": queue.arn, "jobDefinition": definition.arn}

    def job(self, job_id: str, status: str) -> Mapping[str, Any]:
        """A job as it is described once it has this status."""
        for _ in range(_LOOKS):
            (job,) = self.provider.call("DescribeJobs", {"jobs": [job_id]})["jobs"]
            if job["status"] == status:
                found: Mapping[str, Any] = job
                return found
            self.clock.sleep(_PAUSE)
        raise AssertionError(f"{job_id} never is {status}")

    def delete(self, kind: str, arn: str) -> None:
        """The bare call."""
        own = kinds()[kind]
        self.provider.call(own.facts.delete, {own.delete_key: arn})

    def remove(self, kind: str, arn: str) -> None:
        """Take an object away as it must be done: disabled first, and while nothing uses it."""
        if self.find(kind, arn) is None:
            return
        if kinds()[kind].facts.switched:
            self.update(kind, arn, {"state": "DISABLED"})
        for _ in range(_LOOKS):
            try:
                self.delete(kind, arn)
                break
            except StillReferenced:
                self.clock.sleep(_PAUSE)
        assert self.find(kind, arn) is None

    def clear(self) -> None:
        for kind, arn in reversed(self.made):
            self.remove(kind, arn)


def time_limit(seconds: int) -> Document:
    reason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
    return {"state": "RUNNABLE", "reason": reason, "maxTimeSeconds": seconds, "action": "CANCEL"}


def fair_share(decay: int) -> Document:
    shares = [{"shareIdentifier": "a", "weightFactor": 1.0}]
    return {"shareDecaySeconds": decay, "computeReservation": 10, "shareDistribution": shares}


@contextmanager
def simulated(record: Path | None = None) -> Iterator[World]:
    """A simulated account; what is said and answered is added to the file `record`."""
    clock = ManualClock()
    store = Store.open(None, now=0.0)
    batch = client(Simulator(store, clock))
    if record is not None:
        Recorder.open(record, "simulated", REGION, clock).listen(batch)
    network = {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    world = World(Provider(batch, kinds()), clock, "contract", {"computeResources": network})
    yield world
    world.clear()
    store.close()


@contextmanager
def in_moto(account: Account) -> Iterator[World]:
    network = {"subnets": [*account.subnets], "securityGroupIds": [account.group]}
    around = {"serviceRole": account.service_role, "computeResources": network}
    world = World(Provider(account.batch, kinds()), ManualClock(), "contract", around)
    yield world
    world.clear()


@contextmanager
def in_aws(title: str, record: Path | None = None) -> Iterator[World]:
    """The account at hand, with the default network of its region; what a test makes is removed, and costs nothing.

    What is said and answered is added to the file `record` under `title`.
    """
    connection = connect(Target(), environ=os.environ, now=time.time())
    if record is not None:
        Recorder.open(record, title, connection.region, connection.clock).listen(connection.batch)
    ec2 = boto3.client("ec2", region_name=connection.region)
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    groups = ec2.describe_security_groups(
        Filters=[
            {"Name": "group-name", "Values": ["default"]},
            {"Name": "vpc-id", "Values": [subnets[0]["VpcId"]]},
        ]
    )["SecurityGroups"]
    network = {
        "subnets": [subnet["SubnetId"] for subnet in subnets],
        "securityGroupIds": [groups[0]["GroupId"]],
    }
    prefix = f"batchwright-contract-{secrets.token_hex(4)}"
    world = World(Provider(connection.batch, kinds()), connection.clock, prefix, {"computeResources": network})
    yield world
    world.clear()
