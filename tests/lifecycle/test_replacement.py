"""An environment that queues use is replaced, and at no moment is a queue without one."""

from collections.abc import Callable

import pytest

from tests.kit import Stage, edit, on_stage
from tests.lifecycle.watching import Watcher

pytestmark = pytest.mark.unmeasured

_ENVIRONMENT = """
    type: MANAGED
    computeResources:
      type: SPOT
      allocationStrategy: SPOT_PRICE_CAPACITY_OPTIMIZED
      minvCpus: 0
      maxvCpus: 256
      instanceTypes: [c6i]
      subnets: [subnet-1]
      securityGroupIds: [sg-1]
      instanceRole: ecsInstanceRole
      spotIamFleetRole: arn:aws:iam::123456789012:role/fleet-1
"""
A = f"""
stack: farm
computeEnvironments:
  shared:{_ENVIRONMENT}
  second: &environment{_ENVIRONMENT}
  third: {{<<: *environment}}
jobQueues:
  one: {{priority: 1, computeEnvironmentOrder: [shared]}}
  three: {{priority: 2, computeEnvironmentOrder: [second, shared, third]}}
  two: {{priority: 3, computeEnvironmentOrder: [shared, third]}}
jobDefinitions:
  work:
    type: container
    containerProperties:
      image: "work:1"
      resourceRequirements: [{{type: VCPU, value: "1"}}, {{type: MEMORY, value: "512"}}]
"""
"""An environment shared by three queues, one of them at three environments."""
B = A.replace("fleet-1", "fleet-2", 1)
C = A.replace("fleet-1", "fleet-3", 1)
"""The same with another Spot fleet role of the shared environment, which only a new one can have."""
QUEUES = ("one", "two", "three")


def holders(stage: Stage, address: str = "compute_environment.shared") -> list[str]:
    return sorted(
        one["computeEnvironmentName"]
        for one in stage._environments()
        if one["tags"].get("batchwright:address") == address
    )


@on_stage()
def test_the_new_one_is_there_before_the_old_one_goes(stage: Stage) -> None:
    """Each queue is told once, its whole list, the new environment at the old one's place; then the old one goes."""
    stage.apply(A)
    watcher = Watcher(stage)
    watcher.attend()
    assert stage.apply(B).exit_code == 0
    (name,) = holders(stage)
    assert name != "shared"
    assert stage.environment("shared") == {}
    orders = {
        queue: [
            entry["computeEnvironment"].rpartition("/")[2] for entry in stage.queue(queue)["computeEnvironmentOrder"]
        ]
        for queue in ("one", "two", "three")
    }
    assert orders == {"one": [name], "three": ["second", name, "third"], "two": [name, "third"]}
    mutations = stage.mutations
    assert mutations == [
        "CreateComputeEnvironment",
        *["UpdateJobQueue"] * 3,
        "UpdateComputeEnvironment",
        "DeleteComputeEnvironment",
    ]
    assert stage.plan(B).empty
    assert watcher.looks == len(mutations)


def _order(stage: Stage, queue: str) -> list[str]:
    return [entry["computeEnvironment"].rpartition("/")[2] for entry in stage.queue(queue)["computeEnvironmentOrder"]]


def fixed(text: str) -> str:
    """A manifest in which the shared environment keeps its name, by way of a third."""
    return edit(text, ("  shared:\n", "  shared:\n    physicalName: shared\n    lifecycle: {replace: twoHop}\n"))


def tried(text: str) -> str:
    """A manifest in which a job has to succeed on a new environment first."""
    return edit(text, ("  shared:\n", "  shared:\n    lifecycle: {canary: {jobDefinition: work, timeout: 5m}}\n"))


MANNERS = pytest.mark.parametrize("manner", [str, fixed, tried], ids=["create first", "two hop", "with a canary"])


@MANNERS
def test_killed_at_some_call_the_same_command_goes_on(manner: Callable[[str], str]) -> None:
    """Whatever was under way, the same command ends as if nothing had happened, and no queue was ever without."""
    whole = Stage.new()
    whole.apply(manner(A))
    for at, stage in whole.forks(lambda stage: stage.apply(manner(B)), reads=1000)[::3]:
        Watcher(stage).attend()
        assert stage.apply(manner(B)).exit_code == 0, at
        assert stage.all == whole.all, at
        assert stage.plan(manner(B)).empty, at
        assert [_order(stage, queue) for queue in QUEUES] == [_order(whole, queue) for queue in QUEUES]


@pytest.mark.parametrize("last", [C, A], ids=["to a third", "back"])
@MANNERS
def test_the_manifest_is_edited_half_way(manner: Callable[[str], str], last: str) -> None:
    """From A to B, cut short anywhere, then to C or back to A: one environment is left, as wanted, and no gap."""
    whole = Stage.new()
    whole.apply(manner(A))
    for at, stage in whole.forks(lambda stage: stage.apply(manner(B)), reads=1000)[::4]:
        Watcher(stage).attend()
        assert stage.apply(manner(last)).exit_code == 0, at
        (name,) = holders(stage)
        assert manner is not fixed or name == "shared"
        role = "fleet-3" if last is C else "fleet-1"
        assert stage.environment(name)["computeResources"]["spotIamFleetRole"].endswith(role)
        assert _order(stage, "one") == [name]
        assert len(stage.world.describe_job_queues()["jobQueues"]) == len(QUEUES)
        assert stage.plan(manner(last)).empty, at


ROLE = "arn:aws:iam::123456789012:role/service-role/Batch"


@pytest.mark.parametrize("manner", [str, fixed], ids=["create first", "two hop"])
def test_the_last_room_of_an_account_is_enough(manner: Callable[[str], str]) -> None:
    """Of fifty environments 49 are there: cut short anywhere, the same command goes on; another one does so too, or is
    refused before any call, with the way on."""
    whole = Stage.new()
    whole.apply(manner(A))
    for number in range(46):
        whole.world.create_compute_environment(
            computeEnvironmentName=f"other-{number}", type="UNMANAGED", serviceRole=ROLE
        )
    whole.settle()
    refused = 0
    for at, stage in whole.forks(lambda stage: stage.apply(manner(B)), reads=1000):
        another = stage.twin()
        refusals = another.plan(manner(C)).refusals
        if refusals:
            refused += 1
            assert [row.code for row in refusals] == ["quota"], at
            assert "apply the manifest that it was for" in refusals[0].hint
        else:
            assert another.apply(manner(C)).exit_code == 0, at
        assert stage.apply(manner(B)).exit_code == 0, at
        assert stage.all == whole.all, at
        assert stage.plan(manner(C)).refusals == (), at
    assert refused
