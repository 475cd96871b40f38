"""A simulator that is filled from a snapshot shows the account of which that is one."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from plans.manifest import Manifest
from providers.clients import rehearsed
from providers.clock import ManualClock
from providers.provider import Provider
from providers.resources import JobCount, Live, Snapshot, Unread
from providers.simulator import Durations, Simulator, Store
from providers.simulator import Settings as Simulated
from reconciler.counting import count
from reconciler.outset import task_of
from reconciler.retry import Caller, InlinePool
from reconciler.seeding import seeds
from tests.kit import LAB, TRAINING, Died, Stage, edit, example, kinds, manifest

ROLE = ("type: SPOT\n", "type: SPOT\n      spotIamFleetRole: arn:aws:iam::123456789012:role/fleet\n")
REGIONS = {"genomics": "eu-west-1", "fargate": "eu-central-1", "training": "us-east-1"}


def seen(stage: Stage) -> Snapshot:
    with task_of(stage.reconciler, Manifest("none", {}), lambda _: None) as task:
        return task.observe()


def filled(snapshot: Snapshot, stage: Stage, settings: Simulated | None = None) -> Stage:
    """The stage with a reconciler over another simulator, filled from a snapshot; its time is that of the stage."""
    clock = ManualClock(stage.clock.now())
    told = settings or Simulated(stale_reads=600)
    simulator = Simulator(Store.open(None, now=0.0), clock, settings=told)
    simulator.fill(seeds(snapshot, kinds()), account=snapshot.account, region=snapshot.region)
    connection = rehearsed(simulator, stage.reconciler.connection, snapshot.account)
    other = attrs.evolve(stage.reconciler, connection=connection)
    return attrs.evolve(stage, clock=clock, simulator=simulator, reconciler=other)


def same(stage: Stage) -> Snapshot:
    """The snapshot of a stage, once it is held against that of a simulator filled from it; reads are never stale."""
    snapshot = seen(stage)
    assert snapshot.live
    assert seen(filled(snapshot, stage)) == snapshot
    return snapshot


@pytest.mark.parametrize(
    ("name", "region"), [("genomics", "eu-west-1"), ("fargate", "eu-central-1"), ("training", "us-east-1")]
)
def test_the_examples(name: str, region: str) -> None:
    """Every object, with its names, ARNs, status, tags and revision."""
    stage = Stage.new(region=region)
    stage.apply(example(name))
    assert len(same(stage).live) == len(example(name).resources)


def test_all_seven_kinds_and_what_is_nobodys() -> None:
    """All kinds, beside objects of no stack and of another account's id; revisions keep their numbers."""
    stage = Stage.new(simulated=Simulated(account="999988887777"))
    stage.apply(TRAINING)
    stage.world.create_scheduling_policy(name="theirs")
    stage.world.create_compute_environment(computeEnvironmentName="theirs", type="UNMANAGED", serviceRole="batch")
    stage.world.create_consumable_resource(consumableResourceName="theirs", totalQuantity=3)
    for image in ("a", "b", "c"):
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
        properties = {"image": image, "resourceRequirements": needs}
        stage.world.register_job_definition(
            jobDefinitionName="theirs", type="container", containerProperties=properties
        )
    stage.world.deregister_job_definition(jobDefinition="theirs:2")
    stage.settle()
    snapshot = same(stage)
    assert {live.kind for live in snapshot.live} == {kind.name for kind in kinds()}
    assert [live.revision for live in snapshot.of("job_definition") if live.name == "theirs"] == [1, 3]
    other = filled(snapshot, stage)
    assert snapshot.account == "999988887777"
    again = other.reconciler.rehearse(manifest(TRAINING), runs=1)
    assert again.plan.empty


def test_what_is_invalid() -> None:
    """An INVALID environment is INVALID for the same reason, and what repairs it repairs it there too."""
    stage = Stage.new()
    stage.apply(LAB)
    stage.simulator.set_status("environment", "lab-spot", "INVALID", "CLIENT_ERROR - gone", region=stage.region)
    snapshot = same(stage)
    (invalid,) = [live for live in snapshot.live if live.status == "INVALID"]
    assert invalid.status_reason == "CLIENT_ERROR - gone"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_a_replacement_half_done(share: float) -> None:
    """What a run that died left behind is there, and a rehearsal of going on ends as the account will."""
    whole = Stage.new()
    whole.apply(LAB)
    wanted = edit(LAB, ROLE)
    twin = whole.twin()
    twin.apply(wanted)
    last = len(twin.simulator.calls)
    whole.kill(round(last * share), "after")
    with pytest.raises(Died):
        whole.apply(wanted)
    whole.revive()
    whole.settle(300)
    same(whole)
    told = whole.reconciler.rehearse(manifest(wanted), runs=1)
    assert told.sound
    assert whole.apply(wanted).exit_code == 0


def test_what_is_in_transition_arrives() -> None:
    """What is being made or deleted goes on to its end."""
    stage = Stage.new()
    stage.apply(LAB)
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 80})
    stage.world.update_job_queue(jobQueue="lab-low", state="DISABLED")
    stage.settle(60)
    stage.world.delete_job_queue(jobQueue="lab-low")
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 90})
    snapshot = seen(stage)
    assert {live.status for live in snapshot.live} == {None, "VALID", "ACTIVE", "UPDATING", "DELETING"}
    other = filled(snapshot, stage, Simulated())
    assert seen(other) == snapshot
    other.clock.sleep(600)
    stage.settle(600)

    def at_last(where: Stage) -> list[Live]:
        return [attrs.evolve(live, status_reason="") for live in seen(where).live]

    assert at_last(other) == at_last(stage)


def counted(stage: Stage, snapshot: Snapshot) -> Callable[[], dict[str, JobCount | Unread]]:
    from plans.jobs import listed

    lives = [live for live in snapshot.live if live.kind in ("job_queue", "quota_share")]

    def counts() -> dict[str, JobCount | Unread]:
        provider = Provider(stage.reconciler.connection.batch, kinds())
        caller = Caller(pool=InlinePool(), clock=stage.clock, rng=stage.reconciler.rng)
        return count(provider, caller, map(listed, lives))

    return counts


def test_jobs_are_as_many_as_were_counted() -> None:
    """Of each status there are as many in a queue, and in a quota share, which are among those of its queue."""
    stage = Stage.new(simulated=Simulated(durations=Durations(job_running=36000)))
    stage.apply(TRAINING)
    work: dict[str, Any] = {"jobQueue": "lab-work", "jobDefinition": "lab-align", "shareIdentifier": "a"}
    for number in range(20):
        stage.world.submit_job(jobName=f"a{number}", **work)
    for number in range(7):
        payload = '{"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}'
        stage.world.submit_service_job(
            jobName=f"s{number}",
            jobQueue="lab-teams",
            serviceRequestPayload=payload,
            serviceJobType="SAGEMAKER_TRAINING",
            quotaShareName="lab-red",
        )
    stage.settle(300)
    stage.world.submit_job(jobName="last", **work)
    snapshot = seen(stage)
    jobs = counted(stage, snapshot)()
    assert sum(one.total for one in jobs.values() if isinstance(one, JobCount)) == 21 + 7 + 7
    other = filled(attrs.evolve(snapshot, jobs=jobs), stage, Simulated(durations=Durations(job_running=36000)))

    def told(counts: dict[str, JobCount | Unread]) -> dict[str, int]:
        return {arn: one.total for arn, one in counts.items() if isinstance(one, JobCount)}

    made = counted(other, snapshot)()
    assert told(made) == told(jobs)
    for arn, one in jobs.items():
        before, after = one, made[arn]
        assert isinstance(before, JobCount)
        assert isinstance(after, JobCount)
        running = ("RUNNING", "STARTING", "SCHEDULED")
        assert sum(after.by_status.get(it, 0) for it in running) >= sum(before.by_status.get(it, 0) for it in running)
    other.clock.sleep(200_000)
    assert not any(told(counted(other, snapshot)()).values())
