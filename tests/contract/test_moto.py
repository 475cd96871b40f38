"""Whole runs against moto's server: what goes over the wire, counted there, and what stands in moto afterwards.

Moto is no judge of waiting, refusals or updates of compute resources, since it has none of them; it is one of
requests: whether they are such as others than us understand, and how many there are.
"""

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from plans.change import Action
from plans.manifest import Manifest
from plans.plan import Plan
from providers.clients import Connection
from providers.clock import ManualClock
from providers.resources import ADDRESS_TAG, STACK_TAG, Target
from reconciler.engine import Reconciler
from reconciler.settings import Settings
from tests.commands import Shell
from tests.contract.account import Account
from tests.kit import edit, inline, kinds, manifest
from tests.servers import REGION

STACK = """
stack: lab
namePrefix: lab-
tags: {team: blue}
variables: {serviceRole: {}, instanceRole: {}, jobRole: {}, near: {}, far: {}, group: {}}
computeEnvironments:
  spot: &environment
    type: MANAGED
    serviceRole: "${var.serviceRole}"
    computeResources: &resources
      type: SPOT
      allocationStrategy: SPOT_PRICE_CAPACITY_OPTIMIZED
      minvCpus: 0
      maxvCpus: 64
      instanceTypes: [c6i, m6i]
      subnets: ["${var.near}", "${var.far}"]
      securityGroupIds: ["${var.group}"]
      instanceRole: "${var.instanceRole}"
  ondemand:
    <<: *environment
    computeResources: {<<: *resources, type: EC2, allocationStrategy: BEST_FIT_PROGRESSIVE}
jobQueues:
  high: {priority: 10, computeEnvironmentOrder: [ondemand, spot]}
  low: {priority: 1, computeEnvironmentOrder: [spot]}
jobDefinitions:
  align: &definition
    type: container
    parameters: {sample: NA12878}
    containerProperties: &container
      image: "align:1"
      command: [run, "Ref::sample"]
      jobRoleArn: "${var.jobRole}"
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]
    retryStrategy: {attempts: 2, evaluateOnExit: [{onStatusReason: "Host EC2*", action: RETRY}]}
    timeout: {attemptDurationSeconds: 3600}
  sort: {<<: *definition, containerProperties: {<<: *container, image: "sort:1"}}
  call: {<<: *definition, containerProperties: {<<: *container, image: "call:1"}}
  annotate: {<<: *definition, containerProperties: {<<: *container, image: "annotate:1"}}
  report: {<<: *definition, containerProperties: {<<: *container, image: "report:1"}}
"""
REPORT = '  report: {<<: *definition, containerProperties: {<<: *container, image: "report:1"}}\n'
CREATION = {"CreateComputeEnvironment": 2, "CreateJobQueue": 2, "RegisterJobDefinition": 5}
TAGGED = {
    "compute_environment.ondemand": ("  ondemand:\n", "  ondemand:\n    tags: {purpose: backfill}\n"),
    "job_queue.high": ("high: {", "high: {tags: {purpose: backfill}, "),
    "job_definition.report": ("report: {", "report: {tags: {purpose: backfill}, "),
}


@attrs.frozen
class Lab:
    """The stack in moto's account, and a reconciler whose time moves only when it waits."""

    account: Account
    reconciler: Reconciler

    @classmethod
    def new(cls, account: Account) -> "Lab":
        connection = Connection(account.moto.client(), ManualClock(), REGION, "the test", lambda: "123456789012")
        target = Target(region=REGION, endpoint_url=account.moto.url)
        return cls(account, Reconciler(target, connection, kinds(), Settings(), (), random.Random(7), inline))

    def plan(self, text: str = STACK) -> Plan:
        with self.account.moto.wire.mutations() as sent:
            plan = self.reconciler.plan(self.manifest(text))
        assert sent == []
        return plan

    def apply(self, text: str = STACK, *, destroying: bool = False) -> Mapping[str, int]:
        """Apply, which must converge; the operations that changed something, as they came in on the wire."""
        with self.account.moto.wire.mutations() as sent:
            report = self.reconciler.apply(self.manifest(text), destroying=destroying)
        assert (report.exit_code, report.failures) == (0, ())
        return Counter(sent)

    def manifest(self, text: str) -> Manifest:
        return manifest(text, **values(self.account))

    def environments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.account.batch.describe_compute_environments()["computeEnvironments"]
        return found

    def queues(self) -> dict[str, dict[str, Any]]:
        return {queue["jobQueueName"]: queue for queue in self.account.batch.describe_job_queues()["jobQueues"]}

    def revisions(self) -> dict[str, list[dict[str, Any]]]:
        """The ACTIVE revisions of each family, oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for revision in self.account.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]:
            found.setdefault(revision["jobDefinitionName"], []).append(revision)
        return found

    def tags(self, address: str) -> Mapping[str, str]:
        kind, _, name = address.partition(".")
        listed: dict[str, list[dict[str, Any]]] = {
            "compute_environment": self.environments(),
            "job_queue": [*self.queues().values()],
            "job_definition": [revision for family in self.revisions().values() for revision in family],
        }
        tags: list[Mapping[str, str]] = [
            live["tags"] for live in listed[kind] if live.get("tags", {}).get(ADDRESS_TAG) == f"{kind}.{name}"
        ]
        return tags[-1]


def values(account: Account) -> dict[str, str]:
    near, far = account.subnets
    return {
        "serviceRole": account.service_role,
        "instanceRole": account.instance_role,
        "jobRole": account.job_role,
        "near": near,
        "far": far,
        "group": account.group,
    }


@pytest.fixture
def lab(account: Account) -> Lab:
    """The stack, applied."""
    lab = Lab.new(account)
    lab.apply()
    return lab


def test_a_stack_is_made_with_one_call_an_object(account: Account) -> None:
    """Nine objects take nine mutating calls, carry their tags, and stand as the manifest says."""
    lab = Lab.new(account)
    assert lab.apply() == CREATION
    spot = next(each for each in lab.environments() if each["computeEnvironmentName"] == "lab-spot")
    assert spot["serviceRole"] == account.service_role
    assert spot["computeResources"]["subnets"] == [*account.subnets]
    assert spot["computeResources"]["type"] == "SPOT"
    arns = {each["computeEnvironmentName"]: each["computeEnvironmentArn"] for each in lab.environments()}
    high = lab.queues()["lab-high"]
    assert high["priority"] == 10
    assert [entry["computeEnvironment"] for entry in high["computeEnvironmentOrder"]] == [
        arns["lab-ondemand"],
        arns["lab-spot"],
    ]
    assert high["tags"] == {"team": "blue", STACK_TAG: "lab", ADDRESS_TAG: "job_queue.high"}
    assert {name: len(family) for name, family in lab.revisions().items()} == dict.fromkeys(
        ("lab-align", "lab-annotate", "lab-call", "lab-report", "lab-sort"), 1
    )
    (align,) = lab.revisions()["lab-align"]
    assert align["containerProperties"]["image"] == "align:1"
    assert align["retryStrategy"]["attempts"] == 2


def test_what_was_applied_is_planned_empty(lab: Lab) -> None:
    """A plan after an apply has no steps, and applying again sends nothing that changes anything."""
    plan = lab.plan()
    assert plan.empty
    assert {change.action for change in plan.changes} == {Action.NOOP}
    assert lab.apply() == {}


def test_kinds_that_moto_lacks_are_unobserved(lab: Lab) -> None:
    """A kind that the endpoint does not know is told as such, and stops nothing."""
    unobserved = lab.plan().unobserved
    assert set(unobserved) == {"consumable_resource", "service_environment"}
    assert all("does not know" in reason for reason in unobserved.values())


def test_a_new_image_is_one_registration(lab: Lab) -> None:
    """A new image makes one RegisterJobDefinition, and the revision before it stays."""
    assert lab.apply(edit(STACK, ("align:1", "align:2"))) == {"RegisterJobDefinition": 1}
    images = [revision["containerProperties"]["image"] for revision in lab.revisions()["lab-align"]]
    assert images == ["align:1", "align:2"]


def test_a_new_priority_is_one_update(lab: Lab) -> None:
    """Another priority makes one UpdateJobQueue, which leaves the rest of the queue alone."""
    before = lab.queues()["lab-high"]
    assert lab.apply(edit(STACK, ("priority: 10", "priority: 11"))) == {"UpdateJobQueue": 1}
    assert lab.queues()["lab-high"] == {**before, "priority": 11}


@pytest.mark.parametrize("address", TAGGED)
def test_a_tag_is_one_call_and_so_is_its_removal(lab: Lab, address: str) -> None:
    """A tag makes one TagResource, a tag taken away one UntagResource; the others stay."""
    before = lab.tags(address)
    assert lab.apply(edit(STACK, TAGGED[address])) == {"TagResource": 1}
    assert lab.tags(address) == {**before, "purpose": "backfill"}
    assert lab.apply() == {"UntagResource": 1}
    assert lab.tags(address) == before


def test_a_definition_that_left_is_deregistered(lab: Lab) -> None:
    """A definition that left the manifest makes one DeregisterJobDefinition for each revision, and nothing else."""
    lab.apply(edit(STACK, ("report:1", "report:2")))
    assert lab.apply(edit(STACK, (REPORT, ""))) == {"DeregisterJobDefinition": 2}
    assert set(lab.revisions()) == {"lab-align", "lab-annotate", "lab-call", "lab-sort"}


@pytest.mark.parametrize("moved", [{"priority": 3}, {"state": "DISABLED"}], ids=["priority", "state"])
def test_a_change_behind_our_back_is_healed_by_one_call(lab: Lab, moved: Mapping[str, Any]) -> None:
    """What somebody else changed is drift, with the value that is there; one call brings it back."""
    before = lab.queues()["lab-high"]
    lab.account.batch.update_job_queue(jobQueue="lab-high", **moved)
    drift = lab.reconciler.drift(lab.manifest(STACK))
    (change,) = (change for change in drift.changes if change.action is not Action.NOOP)
    assert str(change.address) == "job_queue.high"
    assert {difference.path: difference.before for difference in change.differences} == moved
    assert lab.apply() == {"UpdateJobQueue": 1}
    assert lab.queues()["lab-high"] == before


def test_destroy_leaves_what_is_not_ours(lab: Lab) -> None:
    """Destroy takes all of the stack, and leaves a stranger's environment, queue and definition as they were."""
    batch, ours = lab.account.batch, lab.environments()[0]
    environment = batch.create_compute_environment(
        computeEnvironmentName="foreign",
        type="MANAGED",
        state="ENABLED",
        serviceRole=lab.account.service_role,
        computeResources=ours["computeResources"],
    )["computeEnvironmentArn"]
    batch.create_job_queue(
        jobQueueName="foreign",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    batch.register_job_definition(
        jobDefinitionName="foreign", type="container", containerProperties={"image": "x", "vcpus": 1, "memory": 64}
    )

    def foreign() -> list[Any]:
        environments = [each for each in lab.environments() if each["computeEnvironmentName"] == "foreign"]
        return [environments, lab.queues()["foreign"], lab.revisions()["foreign"]]

    before = foreign()
    sent = lab.apply(destroying=True)
    assert sent == {
        "UpdateJobQueue": 2,
        "DeleteJobQueue": 2,
        "DeregisterJobDefinition": 5,
        "UpdateComputeEnvironment": 2,
        "DeleteComputeEnvironment": 2,
    }
    assert [each["computeEnvironmentName"] for each in lab.environments()] == ["foreign"]
    assert [*lab.queues()] == ["foreign"]
    assert [*lab.revisions()] == ["foreign"]
    assert foreign() == before


def test_the_command_line_works_at_an_endpoint(account: Account, tmp_path: Path) -> None:
    """With --endpoint-url: apply makes the stack, drift tells what moved with exit 2, and apply brings it back."""
    shell, lab = Shell(tmp_path), Lab.new(account)
    (tmp_path / "stack.yaml").write_text(STACK)
    variables = [argument for name, value in values(account).items() for argument in ("--var", f"{name}={value}")]
    options = ("stack.yaml", *variables, "--endpoint-url", account.moto.url, "--speed", "50")

    with account.moto.wire.mutations() as sent:
        made = shell.run("batchwright", "apply", *options, "--auto-approve")
    assert (made.returncode, Counter(sent)) == (0, CREATION), made.stderr
    assert lab.plan().empty

    account.batch.update_job_queue(jobQueue="lab-low", priority=7)
    told = shell.run("batchwright", "drift", *options)
    assert told.returncode == 2, told.stderr
    assert "job_queue.low" in told.stdout
    assert "job_queue.high" not in told.stdout

    with account.moto.wire.mutations() as sent:
        healed = shell.run("batchwright", "apply", *options, "--auto-approve")
    assert (healed.returncode, sent) == (0, ["UpdateJobQueue"]), healed.stderr
    assert lab.queues()["lab-low"]["priority"] == 1
    assert shell.run("batchwright", "drift", *options).returncode == 0
