"""Life of a job queue, and its relation to environments and policies."""

from typing import Any

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, ec2, fargate, refusal


def _order(*names: str) -> list[dict[str, Any]]:
    return [{"order": place, "computeEnvironment": name} for place, name in enumerate(names, 1)]


def test_a_queue_is_created_and_shown_with_its_defaults(lab: Lab) -> None:
    """A queue is CREATING, then VALID and healthy; ENABLED; its environments are shown by ARN; its type is derived."""
    environment = lab.environment("a")
    arn = lab.queue("q", "a", wait=9)
    assert lab.see_queue("q")["status"] == "CREATING"
    lab.clock.sleep(1)
    assert lab.see_queue(arn) == {
        "jobQueueName": "q",
        "jobQueueArn": "arn:aws:batch:eu-west-1:123456789012:job-queue/q",
        "state": "ENABLED",
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": 1,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": environment}],
        "jobQueueType": "ECS",
        "tags": {},
    }


def test_the_type_of_a_queue_is_that_of_its_environments(lab: Lab) -> None:
    """Fargate, EKS and ECS environments make queues of their type; a declared type must be the same."""
    eks = {"eksClusterArn": "arn:aws:eks:eu-west-1:1:cluster/c", "kubernetesNamespace": "batch"}
    lab.environment("f", computeResources=fargate())
    lab.environment("k", eksConfiguration=eks)
    lab.queue("qf", "f")
    lab.queue("qk", "k", jobQueueType="EKS")
    assert (lab.see_queue("qf")["jobQueueType"], lab.see_queue("qk")["jobQueueType"]) == ("ECS_FARGATE", "EKS")
    wrong = {"jobQueueName": "x", "priority": 1, "computeEnvironmentOrder": _order("f"), "jobQueueType": "ECS"}
    assert "jobQueueType" in refusal(lab.batch.create_job_queue, **wrong)[2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"priority": 1001}, "priority must be between"),
        ({"priority": -1}, "priority must be between"),
        ({"computeEnvironmentOrder": []}, "computeEnvironmentOrder must be provided"),
        ({"computeEnvironmentOrder": _order("none")}, "none does not exist"),
        ({"computeEnvironmentOrder": _order("a", "a")}, "duplicates"),
        ({"computeEnvironmentOrder": _order("a", "b", "c", "d")}, "up to 3"),
        ({"computeEnvironmentOrder": _order("a", "f")}, "same type"),
        ({"computeEnvironmentOrder": _order("a", "arm")}, "architecture"),
        ({"computeEnvironmentOrder": _order("invalid")}, "VALID"),
        ({"schedulingPolicyArn": "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/none"}, "does not exist"),
        ({"schedulingPolicyArn": "fair"}, "does not exist"),
        ({"jobStateTimeLimitActions": [{"maxTimeSeconds": 599, "action": "CANCEL"}]}, "maxTimeSeconds"),
        ({"jobStateTimeLimitActions": [{"maxTimeSeconds": 600, "action": "TERMINATE"}]}, "CANCEL"),
        ({"serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": "s"}]}, "cannot both"),
        (
            {"computeEnvironmentOrder": None, "serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": "s"}]},
            "s does not exist",
        ),
        ({"tags": {"aws:x": "y"}}, "aws:"),
    ],
)
def test_a_bad_creation_is_refused_and_leaves_nothing(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """Each broken rule of creation is a ClientException, HTTP 400, and nothing is made."""
    for name in "abcd":
        lab.environment(name)
    lab.environment("f", computeResources=fargate())
    lab.environment("arm", computeResources=ec2(instanceTypes=["c7g.large", "t4g"]))
    lab.environment("invalid", serviceRole="missing")
    lab.batch.create_scheduling_policy(name="fair")
    request = {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": _order("a"), **changes}
    for action in request.get("jobStateTimeLimitActions", []):
        action.update(state="RUNNABLE", reason="r")
    given = {key: value for key, value in request.items() if value is not None}
    status, code, message = refusal(lab.batch.create_job_queue, **given)
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert lab.see_queue("q") == {}


def test_a_queue_needs_a_priority(lab: Lab) -> None:
    """Without a priority there is no queue."""
    answer = lab.post("CreateJobQueue", {"jobQueueName": "q", "computeEnvironmentOrder": _order("a")})
    assert (answer.status, answer.body) == (400, b'{"message": "priority must be provided"}')


def test_a_taken_name_is_refused_with_409(lab: Lab) -> None:
    """Two queues of one name cannot be."""
    lab.environment("a")
    lab.queue("q", "a")
    again = {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": _order("a")}
    assert refusal(lab.batch.create_job_queue, **again) == (409, "ClientException", "Object already exists")


def test_an_account_holds_so_many_queues() -> None:
    """Beyond the quota of queues creation is refused."""
    lab = Lab.new(settings=Settings(quotas=Quotas(queues=1, environments_a_queue=4)))
    for name in "abcd":
        lab.environment(name)
    lab.queue("q", *"abcd")
    second = {"jobQueueName": "r", "priority": 1, "computeEnvironmentOrder": _order("a")}
    assert "Limit of 1 job queues" in refusal(lab.batch.create_job_queue, **second)[2]


def test_an_update_changes_what_it_names(lab: Lab) -> None:
    """State, priority 0, order and limits change; the rest stays; meanwhile the queue is UPDATING."""
    first, second = lab.environment("a"), lab.environment("b")
    lab.queue("q", "a")
    limits = [{"reason": "MISCONFIGURATION", "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}]
    lab.batch.update_job_queue(jobQueue="q", priority=0, jobStateTimeLimitActions=limits)
    assert lab.see_queue("q")["status"] == "UPDATING"
    assert "statusReason" not in lab.see_queue("q")
    update = lab.batch.update_job_queue
    assert refusal(update, jobQueue="q", priority=2)[2] == "Cannot update, resource is being modified"
    lab.clock.sleep(10)
    seen = lab.see_queue("q")
    assert (seen["priority"], seen["jobStateTimeLimitActions"], seen["state"]) == (0, limits, "ENABLED")
    update(jobQueue="q", computeEnvironmentOrder=[{"order": 5, "computeEnvironment": "b"}, *_order("a")])
    assert lab.see_queue("q")["computeEnvironmentOrder"] == [
        {"order": 5, "computeEnvironment": second},
        {"order": 1, "computeEnvironment": first},
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"priority": 1001}, "priority"),
        ({"computeEnvironmentOrder": []}, "computeEnvironmentOrder must be provided"),
        ({"computeEnvironmentOrder": _order("f")}, "jobQueueType"),
        ({"computeEnvironmentOrder": _order("invalid")}, "VALID"),
        ({"serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": "s"}]}, "serviceEnvironmentOrder"),
    ],
)
def test_a_bad_update_is_refused_and_changes_nothing(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """A refused update leaves the queue VALID and as it was."""
    lab.environment("a")
    lab.environment("f", computeResources=fargate())
    lab.environment("invalid", serviceRole="missing")
    lab.queue("q", "a")
    before = lab.see_queue("q")
    assert words in refusal(lab.batch.update_job_queue, jobQueue="q", **changes)[2]
    assert lab.see_queue("q") == before


def test_a_policy_is_exchanged_but_neither_added_nor_taken(lab: Lab) -> None:
    """A fair-share queue changes its policy; a FIFO queue never gets one; an empty ARN is refused."""
    lab.environment("a")
    fair = [lab.batch.create_scheduling_policy(name=name)["arn"] for name in ("p1", "p2")]
    lab.queue("shared", "a", schedulingPolicyArn=fair[0])
    lab.queue("fifo", "a")
    update = lab.batch.update_job_queue
    assert "does not exist" in refusal(update, jobQueue="shared", schedulingPolicyArn="")[2]
    update(jobQueue="shared", schedulingPolicyArn=fair[1])
    assert lab.see_queue("shared")["schedulingPolicyArn"] == fair[1]
    assert "cannot be added" in refusal(update, jobQueue="fifo", schedulingPolicyArn=fair[0])[2]
    lab.clock.sleep(60)
    update(jobQueue="shared", priority=3)
    assert lab.see_queue("shared")["schedulingPolicyArn"] == fair[1]


def test_an_environment_in_a_queue_is_not_deleted(lab: Lab) -> None:
    """The relation holds while the queue lists the environment, is disabled, or is being deleted."""
    lab.environment("a")
    lab.queue("q", "a")
    lab.disable_environment("a")
    text = "Cannot delete, found existing JobQueue relationship"
    delete = lab.batch.delete_compute_environment
    assert refusal(delete, computeEnvironment="a") == (400, "ClientException", text)
    lab.disable_queue("q")
    assert refusal(delete, computeEnvironment="a")[2] == text
    lab.batch.delete_job_queue(jobQueue="q")
    assert refusal(delete, computeEnvironment="a")[2] == text
    lab.clock.sleep(20)
    delete(computeEnvironment="a")
    assert lab.see_environment("a")["status"] == "DELETING"


def test_the_relation_outlives_the_update_of_the_queue(lab: Lab) -> None:
    """For a while after the queue is VALID again its old environment still counts as related."""
    lab.environment("a")
    lab.environment("b")
    lab.queue("q", "a")
    lab.disable_environment("a")
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=_order("b"))
    lab.clock.sleep(10)
    assert lab.see_queue("q")["status"] == "VALID"
    delete = lab.batch.delete_compute_environment
    assert "existing JobQueue relationship" in refusal(delete, computeEnvironment="a")[2]
    lab.clock.sleep(14)
    assert "existing JobQueue relationship" in refusal(delete, computeEnvironment="a")[2]
    lab.clock.sleep(1)
    delete(computeEnvironment="a")
    assert lab.see_environment("a")["status"] == "DELETING"


def test_the_lag_starts_anew_only_for_who_leaves(lab: Lab) -> None:
    """An environment that comes back to the queue and leaves again is related anew."""
    lab.environment("a")
    lab.environment("b")
    lab.queue("q", "a", "b")
    for order in (_order("b"), _order("a", "b"), _order("b")):
        lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
        lab.clock.sleep(10)
    lab.disable_environment("a", wait=30)
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(60)
    assert lab.see_environment("a") == {}


def test_deletion_of_a_queue_needs_disabled_and_settled(lab: Lab) -> None:
    """A queue is deleted when DISABLED and settled, its environments still attached; then it is gone."""
    lab.environment("a")
    lab.queue("q", "a", wait=5)
    delete = lab.batch.delete_job_queue
    assert refusal(delete, jobQueue="q")[2] == "Cannot delete, resource is being modified"
    lab.clock.sleep(5)
    assert "DISABLED" in refusal(delete, jobQueue="q")[2]
    lab.disable_queue("q", wait=9)
    assert "being modified" in refusal(delete, jobQueue="q")[2]
    lab.clock.sleep(1)
    delete(jobQueue="q")
    assert lab.see_queue("q")["status"] == "DELETING"
    assert "being modified" in refusal(delete, jobQueue="q")[2]
    lab.clock.sleep(20)
    assert lab.see_queue("q") == {}
    assert "does not exist" in refusal(delete, jobQueue="q")[2]
