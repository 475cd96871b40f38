"""Why jobs do not run: in each prepared situation the first hypothesis is the one that was prepared."""

import json
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from plans.diagnosis import Diagnosis, to_json
from plans.schema import doctor_schema
from plans.views.doctor import lines
from providers.errors import InputError
from providers.resources import Target
from providers.simulator import Fault, Outcome
from providers.simulator import Settings as Simulated
from tests.kit import ACCOUNT, REGION, TRAINING, Stage, edit

FARM = """
stack: lab
namePrefix: lab-
computeEnvironments:
  one: &environment
    type: MANAGED
    computeResources: &machines
      type: EC2
      allocationStrategy: BEST_FIT_PROGRESSIVE
      minvCpus: 0
      maxvCpus: 16
      instanceTypes: [c6i.2xlarge]
      subnets: [subnet-1]
      securityGroupIds: [sg-1]
      instanceRole: ecsInstanceRole
  two:
    <<: *environment
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
consumableResources:
  licences: {totalQuantity: 5}
schedulingPolicies:
  fair: {fairsharePolicy: {shareDistribution: [{shareIdentifier: a}, {shareIdentifier: b}]}}
jobQueues:
  work: {priority: 10, computeEnvironmentOrder: [one]}
  side: {priority: 1, computeEnvironmentOrder: [one]}
  small: {priority: 1, computeEnvironmentOrder: [two]}
  shared: {priority: 1, computeEnvironmentOrder: [one], schedulingPolicyArn: fair}
"""
FOREVER = Outcome(name="long", seconds=10**7)


@attrs.define
class Ward:
    """A farm with jobs, and what the doctor says of its queue `lab-work`."""

    stage: Stage

    @classmethod
    def new(cls, *outcomes: Outcome, manifest: str = FARM) -> "Ward":
        stage = Stage.new(simulated=Simulated(outcomes=(*outcomes, FOREVER)))
        stage.apply(manifest)
        return cls(stage)

    def submit(
        self,
        name: str = "work",
        vcpus: str = "1",
        memory: str = "512",
        *,
        queue: str = "lab-work",
        gpus: str = "",
        wait: float = 30,
        definition: Any = None,
        container: Any = None,
        **more: Any,
    ) -> str:
        """Register a definition of this need and submit a job of it."""
        needs = {"VCPU": vcpus, "MEMORY": memory, **({"GPU": gpus} if gpus else {})}
        told = [{"type": kind, "value": value} for kind, value in needs.items()]
        self.stage.world.register_job_definition(
            jobDefinitionName=name,
            type="container",
            containerProperties={"image": "work:1", "resourceRequirements": told, **(container or {})},
            **(definition or {}),
        )
        job: str = self.stage.world.submit_job(jobName=name, jobQueue=queue, jobDefinition=name, **more)["jobId"]
        self.stage.settle(wait)
        return job

    def occupy(self, *vcpus: str) -> str:
        """Let jobs that never end take these vCPUs; the last of them."""
        return [self.submit("long", vcpus=each, memory="1024", wait=60) for each in vcpus][-1]

    def look(self, queue: str | None = "lab-work") -> Diagnosis:
        (told,) = self.stage.reconciler.doctor(queue)
        Draft202012Validator(doctor_schema()).validate(
            json.loads(json.dumps(to_json((told,), ACCOUNT, REGION, Target().told)))
        )
        return told

    def first(self, queue: str = "lab-work") -> str:
        return self.look(queue).findings[0].code


def evidence(told: Diagnosis, place: int = 0) -> str:
    return " | ".join(told.findings[place].found.evidence)


def test_1_a_request_that_is_larger_than_the_maximum() -> None:
    """No environment of the queue may ever have the vCPUs that the first job needs; AWS's words are quoted with it."""
    ward = Ward.new()
    job = ward.submit(vcpus="17")
    told = ward.look()
    assert told.findings[0].code == "max-vcpus"
    assert told.findings[0].found.jobs == (job,)
    assert "environment lab-one: maxvCpus is 16" in evidence(told)
    assert "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE" in evidence(told)
    assert [it.code for it in told.findings] == ["max-vcpus"]


def test_2_no_instance_type_has_the_memory() -> None:
    """A c6i.2xlarge has 16 GiB, and the system takes some: a job of 16 GiB never fits, though now all is full too."""
    ward = Ward.new()
    ward.occupy("8", "8")
    ward.submit(memory="16384")
    told = ward.look()
    assert [it.code for it in told.findings] == ["memory"]
    assert "c6i.2xlarge has most: 16,384 MiB" in evidence(told)


def test_2_no_instance_type_has_the_vcpus() -> None:
    """A job that needs more vCPUs than its largest instance has, though the environment may have as many."""
    ward = Ward.new()
    ward.submit(vcpus="12")
    told = ward.look()
    assert [it.code for it in told.findings] == ["host-vcpus"]
    assert "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" in evidence(told)


def test_3_gpus_are_asked_for_and_there_are_none() -> None:
    """No instance type of the queue has GPUs."""
    ward = Ward.new()
    ward.submit(gpus="1")
    told = ward.look()
    assert [it.code for it in told.findings] == ["gpu"]
    assert "computeResources.instanceTypes" in told.findings[0].found.mend


def test_4_the_environment_is_disabled() -> None:
    """A DISABLED environment takes no jobs."""
    ward = Ward.new()
    ward.stage.world.update_compute_environment(computeEnvironment="lab-one", state="DISABLED")
    ward.stage.settle(60)
    ward.submit()
    told = ward.look()
    assert [it.code for it in told.findings] == ["environments-disabled"]
    assert told.findings[0].found.mend == "set state: ENABLED of lab-one"


def test_5_the_environment_is_invalid_for_its_role() -> None:
    """An INVALID environment takes no jobs, and AWS says what it wants of the role."""
    ward = Ward.new()
    words = "CLIENT_ERROR - Not authorized to perform sts:AssumeRole on resource: arn:aws:iam::123456789012:role/r"
    ward.stage.simulator.set_status("environment", "lab-one", "INVALID", words, region="eu-west-1")
    ward.submit()
    told = ward.look()
    assert [it.code for it in told.findings] == ["environments-invalid"]
    assert words in evidence(told)
    assert "ACTION_REQUIRED" in evidence(told)
    assert "--repair" in told.findings[0].found.mend


def test_5_the_only_environment_that_fits_is_closed() -> None:
    """That another one takes jobs does not help a job that does not fit there."""
    small = edit(
        FARM,
        (
            "work: {priority: 10, computeEnvironmentOrder: [one]}",
            "work: {priority: 10, computeEnvironmentOrder: [one, three]}",
        ),
        (
            "consumableResources:",
            "  three: {<<: *environment, computeResources: {<<: *machines, maxvCpus: 2}}\nconsumableResources:",
        ),
    )
    for state, status in (("DISABLED", "VALID"), ("ENABLED", "INVALID")):
        ward = Ward.new(manifest=small)
        if state == "DISABLED":
            ward.stage.world.update_compute_environment(computeEnvironment="lab-one", state=state)
        else:
            ward.stage.simulator.set_status("environment", "lab-one", status, "no role", region="eu-west-1")
        ward.stage.settle(60)
        job = ward.submit(vcpus="4")
        told = ward.look()
        (found,) = told.findings
        assert found.code == f"environments-{'disabled' if state == 'DISABLED' else 'invalid'}"
        assert (found.found.likelihood, found.found.jobs) == ("likely", (job,))
        assert "environment lab-three takes jobs, but not work" in evidence(told)
        assert "UNDETERMINED" in evidence(told)
        ward.submit("small")
        assert job in ward.look().findings[0].found.jobs


def test_6_the_queue_is_disabled() -> None:
    """A DISABLED queue takes no new jobs, and one that is asked for is told of without any."""
    ward = Ward.new()
    ward.stage.world.update_job_queue(jobQueue="lab-work", state="DISABLED")
    ward.stage.settle(60)
    assert ward.first() == "queue-disabled"
    assert ward.stage.reconciler.doctor() == ()


def test_7_there_is_no_capacity() -> None:
    """AWS says itself that it has no such instances."""
    ward = Ward.new(Outcome(name="never", runs=False))
    ward.submit("never")
    told = ward.look()
    assert [it.code for it in told.findings] == ["capacity"]
    assert "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY" in evidence(told)


def test_8_the_environment_is_full() -> None:
    """Jobs that were placed before take all vCPUs, those of another queue on the same environment too."""
    ward = Ward.new()
    ward.submit("long", vcpus="8", memory="1024", queue="lab-side", wait=60)
    ward.occupy("8")
    ward.submit()
    told = ward.look()
    assert [it.code for it in told.findings] == ["environment-full"]
    assert "take 16 of 16 vCPU" in evidence(told)
    assert "lab-side" in evidence(told)


def test_9_the_architecture_is_another() -> None:
    """What is built for ARM64 finds machines of X86_64 only."""
    ward = Ward.new()
    ward.occupy("8", "8")
    ward.submit(container={"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}})
    told = ward.look()
    assert [it.code for it in told.findings] == ["architecture"]
    assert "ARM64" in evidence(told)


def test_10_a_consumable_resource_is_used_up() -> None:
    """Who needs what others hold waits for it, with room enough."""
    ward = Ward.new()
    needs = {
        "consumableResourceProperties": {
            "consumableResourceList": [{"consumableResource": "lab-licences", "quantity": 4}]
        }
    }
    ward.submit("long", definition=needs, wait=60)
    ward.submit(definition=needs)
    told = ward.look()
    assert [it.code for it in told.findings] == ["consumable-resource"]
    assert "needs 4 of lab-licences: 4 of 5 are in use" in evidence(told)


def test_11_a_dependency_does_not_end() -> None:
    """A PENDING job waits for one that runs on and on."""
    ward = Ward.new()
    other = ward.occupy("1")
    job = ward.submit(dependsOn=[{"jobId": other}])
    told = ward.look()
    assert [it.code for it in told.findings] == ["dependency"]
    assert told.findings[0].found.jobs == (job,)
    assert f"it depends on long ({other}): RUNNING" in evidence(told)


def test_12_a_big_job_is_first_in_line() -> None:
    """The first in line waits for more room than there is, and those behind it would find some."""
    ward = Ward.new()
    ward.occupy("8", "4")
    big = ward.submit("big", vcpus="8")
    ward.submit()
    told = ward.look()
    assert [it.code for it in told.findings] == ["head-of-line"]
    assert f"big ({big}) needs 8 vCPU, 512 MiB, and 4 vCPU are free" in evidence(told)


def test_behind_another_share() -> None:
    """In a fair-share queue, who waits behind the jobs of another share is told so, after what holds those up."""
    ward = Ward.new()
    priority = {"schedulingPriority": 1}
    shared: dict[str, Any] = {"queue": "lab-shared", "definition": priority}
    for _ in range(2):
        ward.submit("long", "8", "1024", shareIdentifier="a", wait=60, **shared)
    ward.submit("one", "8", shareIdentifier="a", schedulingPriorityOverride=9, **shared)
    job = ward.submit("two", "8", shareIdentifier="b", **shared)
    told = ward.look("lab-shared")
    assert [it.code for it in told.findings] == ["environment-full", "share-order"]
    assert told.findings[1].found.jobs == (job,)
    assert "share a takes 16" in evidence(told, 1)


def test_a_part_is_kept_for_other_shares() -> None:
    """Where room is left, and the policy keeps it, that is a possible reason."""
    text = edit(FARM, ("fairsharePolicy: {share", "fairsharePolicy: {computeReservation: 60, share"))
    ward = Ward.new(Outcome(name="never", runs=False), manifest=text)
    shared: dict[str, Any] = {"queue": "lab-shared", "definition": {"schedulingPriority": 1}}
    ward.submit("long", "4", "1024", shareIdentifier="a", wait=60, **shared)
    ward.submit("never", "4", shareIdentifier="b", **shared)
    told = ward.look("lab-shared")
    assert [(it.code, it.found.likelihood) for it in told.findings] == [
        ("capacity", "likely"),
        ("share-order", "possible"),
    ]
    assert "computeReservation of policy lab-fair is 60 %" in evidence(told, 1)


def test_children_of_an_array_stand_in_line() -> None:
    """An array is PENDING while its children wait; they are looked at, and the array itself is no finding."""
    ward = Ward.new()
    array = ward.submit(vcpus="17", arrayProperties={"size": 3})
    told = ward.look()
    assert [it.code for it in told.findings] == ["max-vcpus"]
    assert told.findings[0].found.jobs == tuple(f"{array}:{index}" for index in range(3))
    assert told.oldest == 30 or (told.oldest or 0) > 20


def test_children_that_run_are_not_counted_in_the_queue() -> None:
    """ListJobs of a queue knows arrays alone: that it shows nothing RUNNING is said to be without their children."""
    ward = Ward.new()
    ward.submit("long", vcpus="8", memory="1024", arrayProperties={"size": 3}, wait=60)
    told = ward.look()
    assert [it.code for it in told.findings] == ["environment-full"]
    assert "take 16 of 16 vCPU (0 RUNNING, 0 STARTING in this queue, children of arrays not counted)" in evidence(told)
    ward = Ward.new()
    ward.occupy("8", "8")
    ward.submit()
    assert "(2 RUNNING, 0 STARTING in this queue)" in evidence(ward.look())


def test_children_of_an_array_are_found_without_a_snapshot() -> None:
    """Where no snapshot can be had, arrays are asked for their children, and that is said."""
    ward = Ward.new()
    array = ward.submit(vcpus="17", arrayProperties={"size": 2})
    ward.stage.simulator.inject(Fault("GetJobQueueSnapshot", "denied", times=None))
    told = ward.look()
    assert [it.code for it in told.findings] == ["max-vcpus"]
    assert set(told.findings[0].found.jobs) == {f"{array}:0", f"{array}:1"}
    assert "the IAM policy must allow batch:GetJobQueueSnapshot" in told.unread["snapshot"]


def test_a_dependency_in_another_queue_leads_there() -> None:
    """What waits for a job that waits itself is told which queue to look at next."""
    ward = Ward.new()
    other = ward.submit("big", vcpus="17", queue="lab-side")
    ward.submit(dependsOn=[{"jobId": other}])
    told = ward.look()
    assert [it.code for it in told.findings] == ["dependency"]
    assert "`batchwright doctor lab-side`" in told.findings[0].found.mend
    assert "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE" in evidence(told)


def test_a_job_that_has_only_come_is_no_finding() -> None:
    """What runs, or has run, leaves nothing to say."""
    ward = Ward.new()
    ward.submit(wait=600)
    assert ward.look().findings == ()
    ward.occupy("8")
    assert ward.look().findings == ()
    assert ward.stage.reconciler.doctor() == ()


def test_multi_node_jobs_on_spot() -> None:
    """Multi-node jobs do not run on Spot instances."""
    spot = edit(
        FARM, ("type: EC2\n      allocationStrategy: BEST_FIT", "type: SPOT\n      allocationStrategy: BEST_FIT")
    )
    ward = Ward.new(manifest=spot)
    container = {
        "image": "x",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
    }
    nodes = [{"targetNodes": "0:", "container": container}]
    ward.stage.world.register_job_definition(
        jobDefinitionName="nodes",
        type="multinode",
        nodeProperties={"numNodes": 2, "mainNode": 0, "nodeRangeProperties": nodes},
    )
    ward.stage.world.submit_job(jobName="nodes", jobQueue="lab-work", jobDefinition="nodes")
    ward.stage.settle(30)
    told = ward.look()
    assert [it.code for it in told.findings] == ["multi-node"]
    assert "UNDETERMINED" in evidence(told)


def training(stage: Stage, count: int, queue: str = "lab-train", **more: Any) -> str:
    config = {"InstanceType": "ml.m5.large", "InstanceCount": count}
    job: str = stage.world.submit_service_job(
        jobName="train",
        jobQueue=queue,
        serviceJobType="SAGEMAKER_TRAINING",
        serviceRequestPayload=json.dumps({"TrainingJobName": "t", "ResourceConfig": config}),
        **more,
    )["jobId"]
    stage.settle(10)
    return job


def test_a_service_job_larger_than_its_environment() -> None:
    """More instances than the service environment holds."""
    ward = Ward.new(manifest=TRAINING)
    training(ward.stage, 11)
    told = ward.look("lab-train")
    assert [it.code for it in told.findings] == ["capacity-limit"]
    assert "service environment lab-small holds 10 NUM_INSTANCES" in evidence(told)
    assert "SERVICE_ENVIRONMENT_MAX_RESOURCE" in evidence(told)


def test_a_service_environment_that_is_full() -> None:
    """Jobs that were placed before take its instances."""
    ward = Ward.new(manifest=TRAINING)
    training(ward.stage, 8)
    training(ward.stage, 4)
    told = ward.look("lab-train")
    assert [it.code for it in told.findings] == ["environment-full"]
    assert "take 8 of 10 NUM_INSTANCES in lab-small" in evidence(told)


def test_a_service_job_larger_than_its_quota_share() -> None:
    """More than a share has where it borrows nothing."""
    ward = Ward.new(manifest=edit(TRAINING, ("strategy: LEND_AND_BORROW", "strategy: LEND")))
    training(ward.stage, 5, "lab-teams", quotaShareName="lab-red")
    told = ward.look("lab-teams")
    assert [it.code for it in told.findings] == ["quota-share"]
    assert "QUOTA_MANAGEMENT_LIMIT_EXCEEDED" in evidence(told)


def test_a_service_environment_that_is_disabled() -> None:
    """It takes no jobs."""
    ward = Ward.new(manifest=TRAINING)
    ward.stage.world.update_service_environment(serviceEnvironment="lab-small", state="DISABLED")
    ward.stage.settle(10)
    training(ward.stage, 1)
    assert ward.look("lab-train").findings[0].code == "environments-disabled"


def test_all_queues_in_which_jobs_wait() -> None:
    """Without a queue, each in which jobs wait is told of, and no other; a stack may confine it."""
    ward = Ward.new()
    ward.submit(vcpus="17")
    ward.submit(vcpus="17", queue="lab-side")
    told = ward.stage.reconciler.doctor()
    assert [it.queue for it in told] == ["lab-side", "lab-work"]
    with pytest.raises(InputError, match="stack another has no job queue in region eu-west-1"):
        ward.stage.reconciler.doctor(stack="another")
    assert [it.queue for it in ward.stage.reconciler.doctor("job_queue.work", stack="lab")] == ["lab-work"]
    assert [it.queue for it in ward.stage.reconciler.doctor(told[0].arn)] == ["lab-side"]


def test_it_changes_nothing_and_asks_little() -> None:
    """Reads only, and no more of them than there are things to ask for."""
    ward = Ward.new()
    ward.occupy("8", "8")
    for _ in range(30):
        ward.submit(wait=0)
    ward.stage.settle(30)
    ward.stage.simulator.calls.clear()
    told = ward.look()
    assert (told.counts["RUNNABLE"], told.looked_at) == (30, 20)
    assert any("(20 of the 20 jobs looked at)" in line for line in lines((told,)))
    assert ward.stage.mutations == []
    assert ward.stage.calls == {
        "DescribeJobQueues": 1,
        "ListJobs": 5,
        "DescribeComputeEnvironments": 1,
        "GetJobQueueSnapshot": 3,
        "DescribeJobs": 1,
    }
