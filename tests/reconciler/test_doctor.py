"""What the doctor reads: which queues are meant, what stays unread, and what EC2 tells of subnets."""

import json
from typing import Any

import attrs
import pytest

from plans.diagnosis import Diagnosis
from plans.views.doctor import lines
from providers.errors import AccessDenied, CredentialsExpired, InputError, Interrupted, Unreachable
from providers.simulator import Fault
from providers.simulator import Settings as Simulated
from tests.kit import LAB, TRAINING, Stage, edit
from tests.lifecycle.surrounded import surroundings

TOO_LARGE = edit(LAB, ('{type: VCPU, value: "1"}', '{type: VCPU, value: "65"}'))


def staged(text: str = TOO_LARGE, *, queue: str = "lab-low", jobs: int = 1, **simulated: Any) -> Stage:
    """The lab, with jobs in a queue that never fit."""
    stage = Stage.new(simulated=Simulated(**simulated))
    stage.apply(text)
    submit(stage, queue, jobs)
    return stage


def submit(stage: Stage, queue: str = "lab-low", jobs: int = 1) -> None:
    for _ in range(jobs):
        stage.world.submit_job(jobName="work", jobQueue=queue, jobDefinition="lab-align")
    stage.settle(30)
    stage.simulator.calls.clear()


def one(stage: Stage, queue: str = "lab-low") -> Diagnosis:
    (told,) = stage.reconciler.doctor(queue)
    return told


def codes(told: Diagnosis) -> list[str]:
    return [it.code for it in told.findings]


@pytest.mark.parametrize("asked", ["nothing", "job_queue.nothing", "arn:aws:batch:eu-west-1:1:job-queue/lab-low"])
def test_a_queue_that_is_not_there(asked: str) -> None:
    """It is told, with the queues that there are."""
    with pytest.raises(InputError, match=f"there is no queue {asked} in region eu-west-1") as caught:
        staged().reconciler.doctor(asked)
    assert caught.value.hint == "queues that there are: lab-high, lab-low"


def test_a_queue_of_another_region() -> None:
    """Its ARN says where it is to be looked for."""
    arn = "arn:aws:batch:us-west-2:123456789012:job-queue/lab-low"
    with pytest.raises(InputError, match=f"{arn} is in us-west-2, and this is region eu-west-1") as caught:
        staged().reconciler.doctor(arn)
    assert caught.value.hint == "give --region us-west-2"


@pytest.mark.parametrize("asked", ["lab-low", "arn:aws:batch:eu-west-1:123456789012:job-queue/lab-low"])
def test_a_queue_of_another_stack(asked: str) -> None:
    """Whoever names a stack means no queue of others, by whatever name."""
    stage = staged()
    stage.apply(edit(LAB, ("stack: lab", "stack: other"), ("namePrefix: lab-", "namePrefix: other-")))
    with pytest.raises(InputError, match=f"there is no queue {asked} of stack other") as caught:
        stage.reconciler.doctor(asked, stack="other")
    assert caught.value.hint == "queues that there are: other-high, other-low"
    (told,) = stage.reconciler.doctor(asked, stack="lab")
    assert told.queue == "lab-low"


def test_an_address_of_several_stacks() -> None:
    """It must be told which stack is meant."""
    stage = staged()
    stage.apply(edit(LAB, ("stack: lab", "stack: other"), ("namePrefix: lab-", "namePrefix: other-")))
    with pytest.raises(InputError, match=r"job_queue\.low is a queue of several stacks: lab, other") as caught:
        stage.reconciler.doctor("job_queue.low")
    assert caught.value.hint == "name one with --stack"
    (told,) = stage.reconciler.doctor("job_queue.low", stack="lab")
    assert told.queue == "lab-low"


def test_many_queues_and_many_jobs() -> None:
    """Listings of several pages: all queues are read, and of jobs it is said that there are more."""
    stage = staged(jobs=130, page_size=1)
    told = one(stage)
    assert told.counts["RUNNABLE"] == 1
    assert told.more == {"RUNNABLE"}
    assert codes(told) == ["max-vcpus"]
    assert stage.calls["DescribeJobQueues"] == 2


@pytest.mark.parametrize(
    ("operation", "unread", "found"),
    [
        ("GetJobQueueSnapshot", "snapshot", ["max-vcpus"]),
        ("DescribeComputeEnvironments", "environments", ["max-vcpus"]),
        ("ListJobs", "RUNNABLE jobs", ["max-vcpus"]),
        ("DescribeJobs", "jobs", []),
    ],
)
def test_what_may_not_be_read_is_said(operation: str, unread: str, found: list[str]) -> None:
    """The rest goes on: what AWS says itself is enough for a hypothesis."""
    stage = staged()
    stage.simulator.inject(Fault(operation, "denied", times=None))
    told = one(stage)
    assert codes(told) == found
    assert f"the IAM policy must allow batch:{operation}" in told.unread[unread]


def test_queues_whose_jobs_may_not_be_listed_are_told() -> None:
    """Without a queue, those are told of too of which it is not known whether jobs wait."""
    stage = staged()
    stage.simulator.inject(Fault("ListJobs", "denied", times=None))
    assert [it.queue for it in stage.reconciler.doctor()] == ["lab-high", "lab-low"]


def test_queues_must_be_read() -> None:
    """Without them there is nothing to say."""
    stage = staged()
    stage.simulator.inject(Fault("DescribeJobQueues", "denied", times=None))
    with pytest.raises(AccessDenied):
        stage.reconciler.doctor()


def test_credentials_that_end_on_the_way() -> None:
    """They end it all: nothing else could be read."""
    stage = staged()
    stage.simulator.inject(Fault("DescribeJobs", "expired", times=None))
    with pytest.raises(CredentialsExpired):
        one(stage)


def test_an_interrupt() -> None:
    """A signal ends it."""
    stage = staged()
    stage.stopper().set_result(2)
    with pytest.raises(Interrupted):
        stage.reconciler.doctor()


def test_neighbours_with_environments_of_their_own() -> None:
    """Jobs of a queue that shares an environment may be in another one, so that nothing is likely."""
    stage = staged(LAB, queue="lab-high", jobs=64)
    submit(stage, jobs=1)
    told = one(stage)
    assert (told.counts["RUNNABLE"], codes(told)) == (0, [])
    submit(stage, jobs=64)
    told = one(stage)
    assert [(it.code, it.found.likelihood) for it in told.findings] == [("environment-full", "possible")]


def test_service_jobs_are_described_one_by_one() -> None:
    """Ten of them at most."""
    stage = Stage.new()
    stage.apply(TRAINING)
    payload = {"TrainingJobName": "t", "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 11}}
    for number in range(15):
        stage.world.submit_service_job(
            jobName=f"train{number}",
            jobQueue="lab-train",
            serviceJobType="SAGEMAKER_TRAINING",
            serviceRequestPayload=json.dumps(payload),
        )
    stage.settle(10)
    stage.simulator.calls.clear()
    told = one(stage, "lab-train")
    assert codes(told) == ["capacity-limit"]
    assert told.counts["RUNNABLE"] == 15
    assert stage.calls["DescribeServiceJob"] == 10


def test_subnets() -> None:
    """EC2 tells how many addresses are free; where it knows no such subnet, that is unread."""
    with surroundings(500_000_000_001) as surround:
        around = surround()
        network = around.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = around.ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        around.stage.apply(edit(TOO_LARGE, ("subnets: [subnet-1]", f"subnets: [{subnet}]")))
        submit(around.stage)
        around.asked.clear()
        told = one(around.stage)
        assert (codes(told), dict(told.unread)) == (["max-vcpus"], {})
        assert around.asked == {"DescribeSubnets": 1}
        around.ec2.delete_subnet(SubnetId=subnet)
        assert "subnets" in one(around.stage).unread


def test_service_roles() -> None:
    """IAM tells whether a role is there and lets AWS Batch in, before AWS Batch has tried; denied, that is unread."""
    with surroundings(500_000_000_101) as surround:
        around = surround()
        around.role("lab-batch")
        around.stage.apply(edit(LAB, ("    type: MANAGED\n", "    type: MANAGED\n    serviceRole: lab-batch\n")))
        submit(around.stage, jobs=0)
        around.asked.clear()
        assert (codes(one(around.stage)), around.asked["GetRole"]) == ([], 1)
        around.iam.delete_role(RoleName="lab-batch")
        told = one(around.stage)
        assert [(it.code, it.found.likelihood) for it in told.findings] == [("service-role", "likely")]
        assert told.findings[0].found.evidence == ("role lab-batch is not there, as IAM tells",)
        around.role("lab-batch", {"Version": "2012-10-17", "Statement": []})
        assert "does not let AWS Batch in" in one(around.stage).findings[0].found.says
        around.alone()
        assert "there is no client of IAM" in one(around.stage).unread["role lab-batch"]


def test_jobs_that_cannot_be_listed_are_not_none() -> None:
    """What was not read counts nothing, and nobody is told that all is well."""
    stage = staged()
    stage.simulator.inject(Fault("ListJobs", "denied", times=None))
    stage.simulator.inject(Fault("GetJobQueueSnapshot", "denied", times=None))
    told = one(stage)
    assert (told.findings, dict(told.counts)) == ((), {})
    assert list(lines((told,)))[:2] == [
        f"Queue {told.queue}: its jobs could not be listed",
        "  Nothing was found in what could be read that would keep jobs from running.",
    ]


def test_without_ec2_that_is_said() -> None:
    """Who may use Batch alone is told that subnets are unread; of the simulator there is nothing to tell."""

    def nothing(service: str) -> Any:
        raise Unreachable(f"there is no client of {service.upper()}")

    stage = staged()
    assert one(stage).unread == {}
    connection = attrs.evolve(stage.reconciler.connection, other=nothing)
    stage.reconciler = attrs.evolve(stage.reconciler, connection=connection)
    assert one(stage).unread == {"subnets": "there is no client of EC2"}
