"""Which environments a queue may have, and what type it has of them."""

from typing import Any

import pytest

from providers.simulator import Durations, Quotas, Settings
from tests.providers.simulator.lab import ORDINARY, Lab, ec2, fargate, refusal

_EKS = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "batch"}
_MANAGED = {
    "type": "ECS_MANAGED_INSTANCES",
    "maxvCpus": 4,
    "managedInstancesProvider": {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/r",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/i",
            "networkConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]},
        },
    },
}
_LIMIT = {"reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "state": "RUNNABLE", "maxTimeSeconds": 600}


def _order(*names: str) -> list[dict[str, Any]]:
    return [{"order": place, "computeEnvironment": name} for place, name in enumerate(names, 1)]


def _service(*names: str) -> list[dict[str, Any]]:
    return [{"order": place, "serviceEnvironment": name} for place, name in enumerate(names, 1)]


def _environments(lab: Lab) -> None:
    """Make environments: EC2 a to d, Fargate f, managed m, EKS k, UNMANAGED u, and others told by their names."""
    for name in "abcd":
        lab.environment(name)
    lab.environment("f", computeResources=fargate())
    lab.environment("m", computeResources=_MANAGED)
    lab.environment("k", eksConfiguration=_EKS)
    lab.environment("arm", computeResources=ec2(instanceTypes=["c7g.large", "t4g"]))
    unmanaged = {"computeEnvironmentName": "u", "type": "UNMANAGED", "serviceRole": ORDINARY}
    lab.batch.create_compute_environment(**unmanaged)
    lab.environment("invalid", serviceRole="missing")
    lab.service_environment("s")
    lab.service_environment("t")
    lab.service_environment("types", "ml.m5.large")
    lab.service_environment("young", wait=0)


@pytest.mark.parametrize(
    ("names", "queue_type"),
    [
        ("a", "ECS"),
        ("f", "ECS_FARGATE"),
        ("k", "EKS"),
        ("m", "ECS_MANAGED_INSTANCES"),
        ("au", "ECS"),
        (["arm", "u"], "ECS"),
    ],
)
def test_the_type_of_a_queue_is_that_of_its_environments(lab: Lab, names: list[str], queue_type: str) -> None:
    """The type is derived, may be told if it is the same, and UNMANAGED environments are ECS of any architecture."""
    _environments(lab)
    lab.queue("derived", *names)
    lab.queue("told", *names, jobQueueType=queue_type)
    assert lab.see_queue("derived")["jobQueueType"] == queue_type
    assert lab.see_queue("told")["jobQueueType"] == queue_type
    assert "serviceEnvironmentOrder" not in lab.see_queue("told")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"computeEnvironmentOrder": []}, "computeEnvironmentOrder is required."),
        ({}, "computeEnvironmentOrder is required."),
        ({"computeEnvironmentOrder": _order("none")}, "Compute Environments must be created and valid before"),
        ({"computeEnvironmentOrder": _order("invalid")}, "Compute Environments must be created and valid before"),
        (
            {"computeEnvironmentOrder": _order("a", "arn:aws:batch:eu-west-1:123456789012:compute-environment/a")},
            "Duplicate ComputeEnvironments within order list.",
        ),
        (
            {"computeEnvironmentOrder": [*_order("a"), *_order("b")]},
            "Duplicate ComputeEnvironment order values.",
        ),
        ({"computeEnvironmentOrder": _order("a", "b", "c", "d")}, "Only 3 environments are allowed"),
        ({"computeEnvironmentOrder": _order("a", "f")}, "Fargate and EC2 compute environments can not be mixed."),
        ({"computeEnvironmentOrder": _order("f", "u")}, "Fargate and EC2 compute environments can not be mixed."),
        ({"computeEnvironmentOrder": _order("a", "k")}, "ECS and EKS compute environments can not be mixed."),
        ({"computeEnvironmentOrder": _order("m", "u")}, "ECS and ECS_MANAGED_INSTANCES compute environments can not"),
        ({"computeEnvironmentOrder": _order("a", "arm")}, "architecture"),
        ({"computeEnvironmentOrder": _order("f"), "jobQueueType": "ECS"}, "The jobQueueType provided is ECS, which is"),
        (
            {"computeEnvironmentOrder": _order("a"), "jobQueueType": "SAGEMAKER_TRAINING"},
            "Job queues of type SAGEMAKER_TRAINING must have serviceEnvironmentOrder.",
        ),
        ({"computeEnvironmentOrder": _order("a"), "serviceEnvironmentOrder": _service("s")}, "cannot both"),
        ({"serviceEnvironmentOrder": _service("s", "t")}, "Job queue can only have 1 service environment."),
        ({"serviceEnvironmentOrder": _service("none")}, "Service environments must be created and valid before"),
        ({"serviceEnvironmentOrder": _service("young")}, "Service environments must be created and valid before"),
        (
            {"serviceEnvironmentOrder": _service("s"), "jobQueueType": "ECS"},
            "The jobQueueType provided is ECS, which is incompatible with the provided serviceEnvironmentOrder.",
        ),
        ({"serviceEnvironmentOrder": _service("types")}, "must be NUM_INSTANCES"),
        (
            {
                "serviceEnvironmentOrder": _service("s"),
                "schedulingPolicyArn": "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/shares",
            },
            "must be an instance type",
        ),
        (
            {"serviceEnvironmentOrder": _service("s"), "jobStateTimeLimitActions": [{**_LIMIT, "action": "CANCEL"}]},
            "Invalid job action. Valid job actions: [TERMINATE]",
        ),
    ],
)
def test_a_bad_order_is_refused_and_leaves_nothing(lab: Lab, request_: dict[str, Any], words: str) -> None:
    """Each broken rule of an order is a ClientException, HTTP 400, and no queue is made."""
    _environments(lab)
    lab.quota_policy("shares")
    status, code, message = refusal(lab.batch.create_job_queue, jobQueueName="q", priority=1, **request_)
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert lab.see_queue("q") == {}


def test_the_number_of_environments_is_a_quota() -> None:
    """An account that may have more environments in a queue has more."""
    lab = Lab.new(settings=Settings(quotas=Quotas(environments_a_queue=4)))
    _environments(lab)
    lab.queue("q", *"abcd")
    assert len(lab.see_queue("q")["computeEnvironmentOrder"]) == 4


def test_a_queue_of_a_service_environment(lab: Lab) -> None:
    """It is of type SAGEMAKER_TRAINING, shows its environment by ARN and no compute environments; TERMINATE is its."""
    arn = lab.service_environment("s")
    limits = [{**_LIMIT, "action": "TERMINATE"}]
    # The list of compute environments may be there, empty, as in the tests of aws/sagemaker-python-sdk.
    queue = lab.training_queue("q", "s", computeEnvironmentOrder=[], jobStateTimeLimitActions=limits)
    assert lab.see_queue(queue) == {
        "jobQueueName": "q",
        "jobQueueArn": queue,
        "state": "ENABLED",
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": 1,
        "computeEnvironmentOrder": [],
        "serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": arn}],
        "jobQueueType": "SAGEMAKER_TRAINING",
        "jobStateTimeLimitActions": limits,
        "tags": {},
    }


def test_an_empty_list_of_service_environments_says_nothing(lab: Lab) -> None:
    """A queue of compute environments may be sent an empty list of the others, and shows none."""
    lab.environment("a")
    lab.queue("q", "a", serviceEnvironmentOrder=[])
    lab.batch.update_job_queue(jobQueue="q", serviceEnvironmentOrder=[])
    assert "serviceEnvironmentOrder" not in lab.see_queue("q")


def test_a_service_queue_changes_its_environment_and_stays_one(lab: Lab) -> None:
    """Its environment is exchanged, by ARN or name; it is not left without one, nor given compute environments."""
    _environments(lab)
    lab.training_queue("q", "s")
    update = lab.batch.update_job_queue
    bad: list[tuple[dict[str, Any], str]] = [
        ({"serviceEnvironmentOrder": []}, "only have 1"),
        ({"serviceEnvironmentOrder": _service("s", "t")}, "only have 1"),
        ({"serviceEnvironmentOrder": _service("types")}, "must be NUM_INSTANCES"),
        ({"serviceEnvironmentOrder": _service("none")}, "created and valid"),
        ({"computeEnvironmentOrder": _order("a")}, "of service environments"),
        ({"jobStateTimeLimitActions": [{**_LIMIT, "action": "CANCEL"}]}, "[TERMINATE]"),
    ]
    for changes, words in bad:
        assert words in refusal(update, jobQueue="q", **changes)[2]
    update(jobQueue="q", serviceEnvironmentOrder=[{"order": 7, "serviceEnvironment": "t"}], computeEnvironmentOrder=[])
    seen = lab.see_queue("q")
    other = lab.see_service_environment("t")["serviceEnvironmentArn"]
    assert seen["serviceEnvironmentOrder"] == [{"order": 7, "serviceEnvironment": other}]
    assert (seen["computeEnvironmentOrder"], seen["jobQueueType"]) == ([], "SAGEMAKER_TRAINING")


def test_an_environment_of_quota_shares_serves_one_queue(lab: Lab) -> None:
    """A second queue of quota shares on it is refused, also by an update; the first may change as before."""
    lab.quota_queue("p")
    lab.quota_queue("q")
    policy = lab.see_queue("p")["schedulingPolicyArn"]
    second = {"jobQueueName": "r", "priority": 1, "serviceEnvironmentOrder": _service("p")}
    assert "already attached" in refusal(lab.batch.create_job_queue, **second, schedulingPolicyArn=policy)[2]
    update = lab.batch.update_job_queue
    assert "already attached" in refusal(update, jobQueue="q", serviceEnvironmentOrder=_service("p"))[2]
    update(jobQueue="p", serviceEnvironmentOrder=_service("p"), schedulingPolicyArn=lab.quota_policy("another"))
    assert lab.see_queue("p")["schedulingPolicyArn"] != policy


def test_other_environments_serve_many_queues(lab: Lab) -> None:
    """Without quota shares several queues share an environment, one of fair shares among them."""
    lab.service_environment("s")
    lab.training_queue("p", "s")
    fair = lab.batch.create_scheduling_policy(name="fair")["arn"]
    lab.training_queue("q", "s", schedulingPolicyArn=fair)
    assert lab.see_queue("q")["schedulingPolicyArn"] == fair


def test_a_queue_of_quota_shares_keeps_that_sort_of_policy(lab: Lab) -> None:
    """It takes another policy of quota shares, and none of fair shares."""
    lab.quota_queue("q")
    fair = lab.batch.create_scheduling_policy(name="fair")["arn"]
    lab.service_environment("s")
    both = {"schedulingPolicyArn": fair, "serviceEnvironmentOrder": _service("s")}
    assert "of the same type" in refusal(lab.batch.update_job_queue, jobQueue="q", **both)[2]


def test_a_queue_that_is_deleted_frees_its_environment() -> None:
    """A queue that is shown as DELETED no longer holds the environment of its quota shares."""
    lab = Lab.new(settings=Settings(durations=Durations(deleted=86400)))
    lab.quota_queue("q")
    policy = lab.see_queue("q")["schedulingPolicyArn"]
    lab.disable_queue("q")
    lab.batch.delete_job_queue(jobQueue="q")
    lab.clock.sleep(60)
    assert lab.see_queue("q")["status"] == "DELETED"
    lab.training_queue("r", "q", schedulingPolicyArn=policy)
    assert lab.see_queue("r")["status"] == "VALID"
