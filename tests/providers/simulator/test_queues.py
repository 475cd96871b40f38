"""Life of a job queue, and its relation to environments and policies."""

from typing import Any

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, fargate, refusal


def _order(*names: str) -> list[dict[str, Any]]:
    return [{"order": place, "computeEnvironment": name} for place, name in enumerate(names, 1)]


_LIMIT = {
    "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "state": "RUNNABLE",
    "maxTimeSeconds": 600,
    "action": "CANCEL",
}


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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"jobQueueName": "q q"}, "jobQueueName"),
        ({"priority": 1001}, "priority must be between"),
        ({"priority": -1}, "priority must be between"),
        ({"schedulingPolicyArn": "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/none"}, "not found"),
        ({"schedulingPolicyArn": "fair"}, "Only scheduling policy Arn can be allowed."),
        ({"schedulingPolicyArn": "arn:aws:batch:eu-west-1:123456789012:job-queue/q"}, "Only scheduling policy Arn"),
        ({"schedulingPolicyArn": "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/shares"}, "only supported"),
        ({"jobStateTimeLimitActions": [{"maxTimeSeconds": 599}]}, "maxTimeSeconds"),
        ({"jobStateTimeLimitActions": [{"maxTimeSeconds": 86401}]}, "maxTimeSeconds"),
        ({"jobStateTimeLimitActions": [{"action": "TERMINATE"}]}, "Invalid job action. Valid job actions: [CANCEL]"),
        ({"jobStateTimeLimitActions": [{"state": "RUNNING"}]}, "state must be one of RUNNABLE"),
        ({"jobStateTimeLimitActions": [{}, {"maxTimeSeconds": 700}]}, "Duplicate job state limit actions"),
        ({"tags": {"aws:x": "y"}}, "aws:"),
    ],
)
def test_a_bad_creation_is_refused_and_leaves_nothing(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """Each broken rule of creation is a ClientException, HTTP 400, and nothing is made."""
    lab.environment("a")
    lab.batch.create_scheduling_policy(name="fair")
    lab.quota_policy("shares")
    request = {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": _order("a"), **changes}
    if "jobStateTimeLimitActions" in changes:
        request["jobStateTimeLimitActions"] = [{**_LIMIT, **it} for it in changes["jobStateTimeLimitActions"]]
    status, code, message = refusal(lab.batch.create_job_queue, **request)
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert lab.batch.describe_job_queues()["jobQueues"] == []


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
    limits = [_LIMIT, {**_LIMIT, "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "maxTimeSeconds": 86400}]
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
    lab.clock.sleep(10)
    update(jobQueue="q", jobStateTimeLimitActions=[])
    assert lab.see_queue("q")["jobStateTimeLimitActions"] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"priority": 1001}, "priority"),
        ({"jobStateTimeLimitActions": [{**_LIMIT, "action": "TERMINATE"}]}, "[CANCEL]"),
        ({"computeEnvironmentOrder": []}, "computeEnvironmentOrder is required."),
        ({"computeEnvironmentOrder": _order("f")}, "jobQueueType"),
        ({"computeEnvironmentOrder": _order("invalid")}, "created and valid"),
        ({"serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": "s"}]}, "of compute environments"),
    ],
)
def test_a_bad_update_is_refused_and_changes_nothing(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """A refused update leaves the queue VALID and as it was."""
    lab.environment("a")
    lab.environment("f", computeResources=fargate())
    lab.environment("invalid", serviceRole="missing")
    lab.service_environment("s")
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
    assert "Only scheduling policy Arn" in refusal(update, jobQueue="shared", schedulingPolicyArn="")[2]
    other = lab.quota_policy("shares")
    assert "of the same type" in refusal(update, jobQueue="shared", schedulingPolicyArn=other)[2]
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


def test_deletion_of_a_queue_waits_for_its_quota_shares(lab: Lab) -> None:
    """While a queue has a quota share, one in deletion too, it is not deleted; those of another do not matter."""
    arn = lab.quota_queue("q")
    lab.quota_queue("other")
    lab.quota_share("s", "other")
    share = lab.quota_share("s", "q")
    lab.disable_queue("q")
    delete = lab.batch.delete_job_queue
    assert refusal(delete, jobQueue="q")[2] == "Cannot delete, found existing QuotaShare relationship"
    lab.batch.update_quota_share(quotaShareArn=share, state="DISABLED")
    lab.clock.sleep(60)
    lab.batch.delete_quota_share(quotaShareArn=share)
    assert "QuotaShare" in refusal(delete, jobQueue="q")[2]
    lab.clock.sleep(60)
    delete(jobQueue=arn)
    lab.clock.sleep(60)
    assert lab.see_queue("q") == {}


def test_an_environment_that_fails_stays_in_its_queue(lab: Lab) -> None:
    """A queue outlives the health of its environment: it stays VALID and changes, but cannot name it anew."""
    lab.environment("a")
    lab.queue("q", "a")
    lab.simulator.set_status("environment", "a", "INVALID", "CLIENT_ERROR - broken", region="eu-west-1")
    assert lab.see_queue("q")["status"] == "VALID"
    again = {"jobQueue": "q", "computeEnvironmentOrder": _order("a")}
    assert "created and valid" in refusal(lab.batch.update_job_queue, **again)[2]
    lab.disable_queue("q")
    assert (lab.see_queue("q")["state"], lab.see_queue("q")["status"]) == ("DISABLED", "VALID")


def test_deletion_ends_the_jobs_of_the_queue(lab: Lab) -> None:
    """The jobs and the service jobs of a queue fail with it."""
    lab.environment("a")
    lab.service_environment("s")
    lab.definition("d")
    lab.queue("q", "a")
    lab.training_queue("t", "s")
    job = lab.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")["jobId"]
    service_job = lab.service_job("t")
    for name in ("q", "t"):
        lab.disable_queue(name, wait=10)
        lab.batch.delete_job_queue(jobQueue=name)
    assert lab.batch.describe_jobs(jobs=[job])["jobs"][0]["status"] == "FAILED"
    assert lab.batch.describe_service_job(jobId=service_job)["status"] == "FAILED"
