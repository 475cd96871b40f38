"""The watcher sees what it says that it sees."""

from collections.abc import Callable

import pytest

from providers.simulator import Outcome
from providers.simulator import Settings as Simulated
from tests.kit import TRAINING, Stage, edit
from tests.lifecycle.watching import Watcher

OURS = edit(TRAINING, (", schedulingPolicyArn: fair}", "}")) + "policy: {maxImpact: outage}\n"
ROLE = "arn:aws:iam::123456789012:role/service-role/Batch"
JOB = {"type": "container", "containerProperties": {"image": "work:1", "vcpus": 1, "memory": 512}}
THEIRS = {"batchwright:stack": "theirs", "batchwright:address": "some.thing"}


def stage_of(seconds: float = 600, exit_code: int = 0) -> Stage:
    """A stack with all kinds, and an object of somebody else of each."""
    stage = Stage.new(simulated=Simulated(outcomes=(Outcome(seconds=seconds, exit_code=exit_code),)))
    assert stage.apply(OURS).exit_code == 0
    world = stage.world
    world.create_compute_environment(
        computeEnvironmentName="machines", type="UNMANAGED", serviceRole=ROLE, unmanagedvCpus=4, tags=THEIRS
    )
    world.create_scheduling_policy(name="fair")
    world.create_service_environment(
        serviceEnvironmentName="training",
        serviceEnvironmentType="SAGEMAKER_TRAINING",
        capacityLimits=[{"maxCapacity": 1, "capacityUnit": "NUM_INSTANCES"}],
    )
    world.create_consumable_resource(consumableResourceName="seats", totalQuantity=3)
    world.register_job_definition(jobDefinitionName="work", **JOB)
    stage.settle()
    world.create_job_queue(
        jobQueueName="line", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "machines"}]
    )
    stage.settle()
    return stage


def arn(stage: Stage, end: str) -> str:
    return next(each for each in stage.all if each.endswith(end))


ACTS: dict[str, Callable[[Stage], object]] = {
    "a queue without": lambda stage: stage.batch.update_compute_environment(
        computeEnvironment="lab-fargate", state="DISABLED"
    ),
    "an environment": lambda stage: stage.batch.update_compute_environment(
        computeEnvironment="machines", unmanagedvCpus=5
    ),
    "a queue": lambda stage: stage.batch.update_job_queue(jobQueue="line", priority=2),
    "a policy": lambda stage: stage.batch.delete_scheduling_policy(arn=arn(stage, "scheduling-policy/fair")),
    "a service environment": lambda stage: stage.batch.update_service_environment(
        serviceEnvironment="training", state="DISABLED"
    ),
    "a consumable": lambda stage: stage.batch.update_consumable_resource(
        consumableResource="seats", operation="SET", quantity=4
    ),
    "a definition": lambda stage: stage.batch.deregister_job_definition(jobDefinition="work:1"),
    "a revision of theirs": lambda stage: stage.batch.register_job_definition(jobDefinitionName="work", **JOB),
    "tags": lambda stage: stage.batch.tag_resource(resourceArn=arn(stage, "job-queue/line"), tags={"a": "b"}),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_call_that_touches_others_is_seen(act: Callable[[Stage], object]) -> None:
    """Whatever kind it is of, and whoever it belongs to; after the watcher has left nobody looks."""
    stage = stage_of()
    watcher = Watcher(stage, own="training")
    watcher.attend()
    stage.batch.update_job_queue(jobQueue="lab-work", priority=3)
    assert watcher.looks == 1
    with pytest.raises(AssertionError):
        act(stage)
    watcher.leave()
    stage.settle()
    stage.batch.update_job_queue(jobQueue="line", priority=7)


def test_what_may_be_moved_is_named() -> None:
    """A queue of somebody else that was given away, and an outage that was foreseen."""
    stage = stage_of()
    Watcher(stage, own="training", allowed=("line",), outage=True).attend()
    ACTS["a queue"](stage)
    ACTS["a queue without"](stage)


@pytest.mark.parametrize(
    ("exit_code", "ends", "seen"), [(0, True, True), (0, False, False), (1, False, False)], ids=str
)
def test_a_job_that_is_ended_is_seen(exit_code: int, ends: bool, seen: bool) -> None:
    """One that somebody ends, and none that ends by itself, be it in failure."""
    stage = stage_of(600, exit_code)
    watcher = Watcher(stage, own="training", queues=("lab-work",), definition="lab-align")
    watcher.attend()
    watcher.submit(1)
    stage.settle(300)
    if ends:
        stage.world.terminate_job(jobId=watcher.jobs[0], reason="in the way")
    stage.settle()
    assert watcher.statuses() == {"FAILED" if ends or exit_code else "SUCCEEDED": 1}
    if seen:
        with pytest.raises(AssertionError, match="in the way"):
            watcher.leave()
    else:
        watcher.leave()


def test_what_is_seen_ends_a_run() -> None:
    """A run of ours that does what must never be does not go on."""
    stage = stage_of()
    Watcher(stage, own="training").attend()
    with pytest.raises(AssertionError, match="UpdateComputeEnvironment"):
        stage.apply(edit(OURS, ("    type: MANAGED\n", "    type: MANAGED\n    state: DISABLED\n")))
