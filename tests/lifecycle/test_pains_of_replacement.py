"""What people reported of environments and queues that are replaced, renamed or deleted, each as a test of a whole
run."""

import pytest

from providers.errors import PlanRefused
from providers.simulator import Durations, Outcome
from providers.simulator import Settings as Simulated
from tests.kit import LAB, Stage, edit, manifest, on_stage
from tests.lifecycle.watching import Watcher

FLEET = """
stack: lab
computeEnvironments:
  spot:
    type: MANAGED
    computeResources:
      type: SPOT
      allocationStrategy: SPOT_PRICE_CAPACITY_OPTIMIZED
      minvCpus: 0
      maxvCpus: 64
      instanceTypes: [c6i]
      subnets: [subnet-1]
      securityGroupIds: [sg-1]
      instanceRole: ecsInstanceRole
      spotIamFleetRole: arn:aws:iam::123456789012:role/fleet-1
jobQueues:
  high: {priority: 10, computeEnvironmentOrder: [spot]}
jobDefinitions:
  work:
    type: container
    containerProperties:
      image: "work:1"
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]
"""
"""A queue on one environment whose Spot fleet role only a new environment can change."""

OTHER = edit(FLEET, ("fleet-1", "fleet-2"))
ROLE = "arn:aws:iam::123456789012:role/service-role/Batch"


def environments(stage: Stage) -> list[str]:
    return [one["computeEnvironmentName"] for one in stage._environments()]


def order(stage: Stage, queue: str = "high") -> list[str]:
    return [entry["computeEnvironment"].rpartition("/")[2] for entry in stage.queue(queue)["computeEnvironmentOrder"]]


@on_stage(simulated=Simulated(relation_lag=180))
def test_a_replacement_outlives_the_relation_that_lags(stage: Stage) -> None:
    """The deletion is repeated while AWS still sees the queue on it (hashicorp/terraform-provider-aws#46925)."""
    stage.apply(FLEET)
    Watcher(stage).attend()
    assert stage.apply(OTHER).exit_code == 0
    assert stage.calls["DeleteComputeEnvironment"] > 1
    assert all("found existing JobQueue relationship" in event.detail["error"] for event in stage.told("retried"))
    assert environments(stage) == order(stage) != ["spot"]
    assert stage.plan(OTHER).empty


@on_stage(simulated=Simulated(relation_lag=1200))
def test_the_same_command_ends_a_replacement_that_was_cut_short(stage: Stage) -> None:
    """However long the relation lags: nothing is made or moved twice (pulumi/pulumi-aws#6233)."""
    stage.apply(FLEET)
    first = stage.apply(OTHER)
    assert [outcome.step for outcome in first.failures] == ["delete:compute_environment.spot:spot"]
    assert stage.environment("spot")["state"] == "DISABLED"
    (name,) = order(stage)
    assert stage.apply(OTHER).exit_code == 0
    assert set(stage.mutations) == {"DeleteComputeEnvironment"}
    assert environments(stage) == order(stage) == [name] != ["spot"]
    assert stage.plan(OTHER).empty


@on_stage(simulated=Simulated(outcomes=(Outcome(seconds=300),)))
def test_an_environment_at_work_is_replaced_and_loses_no_job(stage: Stage) -> None:
    """Jobs are submitted all the while, and all of them succeed (hashicorp/terraform-provider-aws#2044, #11077,
    #11777)."""
    stage.apply(FLEET)
    watcher = Watcher(stage, rate=0.02, queues=("high",), definition="work")
    watcher.submit(3)
    stage.settle(60)
    watcher.attend()
    assert stage.apply(OTHER).exit_code == 0
    watcher.leave()
    assert environments(stage) == order(stage) != ["spot"]
    assert len(watcher.jobs) > 3
    stage.settle()
    assert watcher.statuses() == {"SUCCEEDED": len(watcher.jobs)}


@on_stage()
def test_nobody_has_to_think_of_names_and_order(stage: Stage) -> None:
    """One replacement after the other, there and back, from a manifest that says nothing of how
    (terraform-aws-modules/terraform-aws-batch#5, #9)."""
    stage.apply(FLEET)
    for role in ("fleet-2", "fleet-3", "fleet-1"):
        text = edit(FLEET, ("fleet-1", role))
        assert stage.apply(text).exit_code == 0
        (name,) = environments(stage)
        assert name.startswith("spot-")
        assert order(stage) == [name]
        assert stage.environment(name)["computeResources"]["spotIamFleetRole"].endswith(role)
        assert stage.reconciler.output(manifest(text))["compute_environment.spot"]["name"] == name
        assert stage.plan(text).empty


@on_stage()
def test_a_name_of_ones_own_is_in_the_way_of_nothing(stage: Stage) -> None:
    """The plan says what to say, and with that the new environment has the old name, and at no moment the queue none
    (aws-samples/aws-genomics-workflows#105, awslabs/LISA#1007)."""
    stage.apply(edit(FLEET, ("  spot:\n", "  spot:\n    physicalName: production\n")))
    named = edit(OTHER, ("  spot:\n", "  spot:\n    physicalName: production\n"))
    (refusal,) = stage.plan(named).refusals
    assert (refusal.code, "twoHop" in refusal.hint) == ("replacement", True)
    before = stage.environment("production")["uuid"]
    Watcher(stage).attend()
    told = edit(named, ("  spot:\n", "  spot:\n    lifecycle: {replace: twoHop}\n"))
    assert stage.apply(told).exit_code == 0
    assert environments(stage) == order(stage) == ["production"]
    after = stage.environment("production")
    assert after["uuid"] != before
    assert after["computeResources"]["spotIamFleetRole"].endswith("fleet-2")
    assert stage.plan(told).empty


@on_stage()
def test_a_name_that_is_taken_is_told_by_the_plan(stage: Stage) -> None:
    """And not by AWS half way (hashicorp/terraform-provider-aws#44644)."""
    stage.world.create_compute_environment(computeEnvironmentName="lab-spot", type="UNMANAGED", serviceRole=ROLE)
    before = stage.all
    (refusal,) = stage.plan(LAB).refusals
    assert (refusal.address, refusal.code) == ("compute_environment.spot", "name-taken")
    with pytest.raises(PlanRefused, match="lab-spot exists already"):
        stage.apply(LAB)
    assert stage.mutations == []
    assert stage.all == before


@on_stage()
def test_another_name_is_another_queue(stage: Stage) -> None:
    """It is no update: refused with the ways there are, and done where one of them is said
    (hashicorp/terraform-provider-aws#18638)."""
    stage.apply(LAB)
    (refusal,) = stage.plan(edit(LAB, ("high: {", "high: {physicalName: production, "))).refusals
    assert (refusal.code, "deleteFirst" in refusal.hint) == ("replacement", True)
    told = edit(LAB, ("high: {", "high: {physicalName: production, lifecycle: {replace: deleteFirst}, "))
    told += "policy: {maxImpact: outage}\n"
    assert stage.apply(told).exit_code == 0
    assert stage.mutations == ["UpdateJobQueue", "DeleteJobQueue", "CreateJobQueue"]
    assert stage.queue("lab-high") == {}
    assert stage.queue("production")["priority"] == 10
    assert stage.plan(told).empty


SLOW = Durations(disable_environment=120, delete_environment=900, update_queue=60, delete_queue=90)


@on_stage(simulated=Simulated(durations=SLOW, relation_lag=0))
def test_what_is_slow_is_waited_for(stage: Stage) -> None:
    """Until it has happened, and no call goes out too early (pegasus-isi/pegasus#2088)."""
    stage.apply(LAB)
    assert stage.destroy(LAB).exit_code == 0
    assert stage.told("retried") == []
    assert stage.calls["DeleteComputeEnvironment"] == stage.calls["DeleteJobQueue"] == 2
    assert stage.all == []
