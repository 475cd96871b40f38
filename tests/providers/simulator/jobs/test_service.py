"""Service jobs: how they are submitted, get room, come out, and are ended."""

import json
from typing import Any

import pytest

from providers.simulator import Durations, Outcome, Quotas, Settings
from tests.providers.simulator.lab import Lab, refusal

_UNKNOWN = "00000000-0000-0000-0000-000000000000"
_TOO_LARGE = (
    "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE - Service environment(s) associated with the job queue cannot "
    "meet the capacity requirement of the job."
)
_NO_CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
_BORROWER = {"strategy": "LEND_AND_BORROW"}
_PREEMPTIVE = {"inSharePreemption": "ENABLED"}


def _payload(count: int = 1, of: str = "ml.m5.large", **more: Any) -> str:
    config = {"InstanceType": of, "InstanceCount": count, "VolumeSizeInGB": 1}
    return json.dumps({"TrainingJobName": "t", "ResourceConfig": config, **more})


def _submit(lab: Lab, count: int = 1, queue: str = "q", **changes: Any) -> str:
    request: dict[str, Any] = {
        "jobName": "j",
        "jobQueue": queue,
        "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": _payload(count),
        **changes,
    }
    job: str = lab.batch.submit_service_job(**request)["jobId"]
    return job


def _see(lab: Lab, job: str) -> dict[str, Any]:
    answer: dict[str, Any] = lab.batch.describe_service_job(jobId=job)
    del answer["ResponseMetadata"]
    return answer


def _statuses(lab: Lab, *jobs: str) -> list[str]:
    return [_see(lab, job)["status"] for job in jobs]


def _listed(lab: Lab, **question: Any) -> list[str]:
    return [it["jobId"] for it in lab.batch.list_service_jobs(**{"jobQueue": "q", **question})["jobSummaryList"]]


def _ready(lab: Lab, **queue: Any) -> None:
    """A queue q whose service environment e holds ten instances."""
    lab.service_environment("e")
    lab.training_queue("q", "e", **queue)


def _fair(lab: Lab, *weights: tuple[str, float]) -> str:
    shares = [{"shareIdentifier": name, "weightFactor": weight} for name, weight in weights]
    policy = {"shareDistribution": shares}
    arn: str = lab.batch.create_scheduling_policy(name="fair", fairsharePolicy=policy)["arn"]
    return arn


def _limit(lab: Lab, unit: str, most: int, environment: str = "e") -> None:
    limits = [{"capacityUnit": unit, "maxCapacity": most}]
    lab.batch.update_service_environment(serviceEnvironment=environment, capacityLimits=limits)
    lab.clock.sleep(10)


def _outcomes(*rows: Outcome, **durations: float) -> Lab:
    lab = Lab.new(settings=Settings(outcomes=rows, durations=Durations(**durations)))
    _ready(lab)
    return lab


def test_a_service_job_runs_on_the_clock(lab: Lab) -> None:
    """SUBMITTED for 1 s, SCHEDULED for 30 s, STARTING for 10 s, RUNNING for 60 s, then SUCCEEDED."""
    _ready(lab)
    job = _submit(lab)
    seen = []
    for _ in range(102):
        seen += _statuses(lab, job)
        lab.clock.sleep(1)
    assert seen == [*["SUBMITTED"], *["SCHEDULED"] * 30, *["STARTING"] * 10, *["RUNNING"] * 60, "SUCCEEDED"]


def test_a_service_job_shows_all_about_itself(lab: Lab) -> None:
    """A describe tells what was asked, what the job takes, and each attempt with its training job."""
    _ready(lab)
    began = lab.clock.now()
    asked: dict[str, Any] = {
        "schedulingPriority": 3,
        "timeoutConfig": {"attemptDurationSeconds": 600},
        "tags": {"k": "v"},
    }
    job = _submit(lab, 2, **asked)
    shown = _see(lab, job)
    assert (shown["startedAt"], shown["attempts"], "latestAttempt" in shown) == (0, [], False)
    lab.clock.sleep(200)
    shown = _see(lab, job)
    name = shown["latestAttempt"]["serviceResourceId"]["value"]
    prefix = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/AWSBatcht"
    assert name.startswith(prefix)
    assert len(name) == len(prefix) + 32
    created, reason = round(began * 1000), "Received status from SageMaker: Training job completed"
    resource = {"name": "TrainingJobArn", "value": name}
    assert shown == {
        "attempts": [
            {
                "serviceResourceId": resource,
                "startedAt": created + 41_000,
                "stoppedAt": created + 101_000,
                "statusReason": reason,
            }
        ],
        "capacityUsage": [{"capacityUnit": "ml.m5.large", "quantity": 2.0}],
        "createdAt": created,
        "jobArn": f"arn:aws:batch:eu-west-1:123456789012:service-job/{job}",
        "jobId": job,
        "jobName": "j",
        "jobQueue": lab.see_queue("q")["jobQueueArn"],
        "latestAttempt": {"serviceResourceId": resource},
        "retryStrategy": {"attempts": 1, "evaluateOnExit": []},
        "scheduledAt": created + 1_000,
        "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": _payload(2),
        "startedAt": created + 41_000,
        "status": "SUCCEEDED",
        "statusReason": reason,
        "stoppedAt": created + 101_000,
        **asked,
    }
    assert _see(lab, shown["jobArn"])["jobId"] == job
    assert lab.batch.list_tags_for_resource(resourceArn=shown["jobArn"])["tags"] == {"k": "v"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"jobName": "not a name"}, "jobName must be"),
        ({"jobQueue": "none"}, "does not exist"),
        ({"serviceRequestPayload": "{"}, "valid JSON"),
        ({"serviceRequestPayload": "[]"}, "valid JSON"),
        ({"serviceRequestPayload": json.dumps({"a": "b" * 10 * 1024})}, "serviceRequestPayload must be at most 10240"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"onStatusReason": "x" * 30 * 1024}]}}, "30720 bytes"),
        ({"serviceJobType": "OTHER"}, "serviceJobType must be one of"),
        ({"schedulingPriority": 10_000}, "between 0 and 9999"),
        ({"schedulingPriority": -1}, "between 0 and 9999"),
        ({"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
        ({"retryStrategy": {"attempts": 0}}, "between 1 and 10"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"action": "RETRY"}] * 6}}, "at most 5"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"onStatusReason": "x" * 513}]}}, "512 characters"),
        ({"timeoutConfig": {"attemptDurationSeconds": 0}}, "at least 1"),
        ({"preemptionConfiguration": {"preemptionRetriesBeforeTermination": -1}}, "at least 0"),
        ({"tags": {"aws:k": "v"}}, "aws: prefixed"),
        ({"shareIdentifier": "s"}, "shareIdentifier must be"),
        ({"quotaShareName": "s"}, "quotaShareName must be"),
    ],
)
def test_a_service_job_is_refused(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """What a service job may not ask for is refused, with HTTP 400, and nothing is submitted."""
    _ready(lab)
    request = {
        "jobName": "j",
        "jobQueue": "q",
        "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": _payload(),
        **changes,
    }
    status, code, message = refusal(lab.batch.submit_service_job, **request)
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert _listed(lab, jobStatus="SUBMITTED") == []


def test_service_jobs_go_to_queues_for_training_that_are_enabled(lab: Lab) -> None:
    """A queue of compute environments, and one that is DISABLED, take none; those in it go on."""
    _ready(lab)
    lab.environment("c")
    lab.queue("other", "c")
    assert "SAGEMAKER_TRAINING" in refusal(_submit, lab=lab, queue="other")[2]
    job = _submit(lab)
    lab.disable_queue("q")
    assert "not in ENABLED state" in refusal(_submit, lab=lab)[2]
    assert _statuses(lab, job) == ["SUCCEEDED"]


def test_a_request_with_the_same_token_is_taken_once(lab: Lab) -> None:
    """The same request with the same client token is rejected for eight hours; another with it is another request."""
    _ready(lab)
    _submit(lab, clientToken="token")
    assert "already been received" in refusal(_submit, lab=lab, clientToken="token")[2]
    _submit(lab, clientToken="other")
    _submit(lab, 2, clientToken="token")
    assert len(_listed(lab, jobStatus="SUBMITTED")) == 3
    lab.clock.sleep(8 * 3600 - 1)
    assert "already been received" in refusal(_submit, lab=lab, clientToken="token")[2]
    lab.clock.sleep(1)
    _submit(lab, clientToken="token")
    assert len(_listed(lab, jobStatus="SUBMITTED")) == 1


def test_a_request_without_a_token_is_taken_each_time(lab: Lab) -> None:
    """Who sends no token at all, which boto3 never does, is answered each time."""
    _ready(lab)
    body = {
        "jobName": "j",
        "jobQueue": "q",
        "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": _payload(),
    }
    assert [lab.post("SubmitServiceJob", body).status for _ in range(2)] == [200, 200]


def test_jobs_take_instances_of_their_environment(lab: Lab) -> None:
    """The jobs in an environment take at most its capacity, over all queues; the first in line holds up the rest."""
    _ready(lab)
    lab.training_queue("urgent", "e", priority=9)
    first, second, third = _submit(lab, 6), _submit(lab, 6), _submit(lab, 1)
    other = _submit(lab, 4, queue="urgent")
    lab.clock.sleep(2)
    assert _statuses(lab, first, second, third, other) == ["SCHEDULED", "RUNNABLE", "RUNNABLE", "SCHEDULED"]
    late = _submit(lab, 5, queue="urgent")
    lab.clock.sleep(100)
    assert _statuses(lab, first, second, third, late) == ["SUCCEEDED", "RUNNABLE", "RUNNABLE", "SCHEDULED"]
    lab.clock.sleep(3600)
    assert set(_statuses(lab, second, third, late)) == {"SUCCEEDED"}


@pytest.mark.parametrize(
    ("config", "usage"),
    [
        ({"InstanceGroups": [{"InstanceType": "a", "InstanceCount": 2}, {"InstanceCount": 3}]}, ("a", 5.0)),
        ({"InstanceType": "a"}, ("a", 1.0)),
        (None, ("NUM_INSTANCES", 1.0)),
        ("nonsense", ("NUM_INSTANCES", 1.0)),
    ],
)
def test_a_job_takes_what_its_resource_configuration_asks_for(lab: Lab, config: Any, usage: tuple[str, float]) -> None:
    """All instance groups count; where nothing is told, it is one instance."""
    _ready(lab)
    job = _submit(lab, serviceRequestPayload=json.dumps({"ResourceConfig": config}))
    (found,) = _see(lab, job)["capacityUsage"]
    assert (found["capacityUnit"], found["quantity"]) == usage


def test_a_disabled_environment_takes_no_jobs(lab: Lab) -> None:
    """Jobs wait as RUNNABLE until their environment is ENABLED again."""
    _ready(lab)
    lab.disable_service_environment("e")
    job = _submit(lab)
    lab.clock.sleep(3600)
    assert _statuses(lab, job) == ["RUNNABLE"]
    lab.batch.update_service_environment(serviceEnvironment="e", state="ENABLED")
    lab.clock.sleep(1)
    assert _statuses(lab, job) == ["SCHEDULED"]


def test_a_queue_may_move_to_another_environment(lab: Lab) -> None:
    """Jobs that wait take the environment that their queue has; those that run stay where they are."""
    _ready(lab)
    lab.service_environment("other")
    first, second = _submit(lab, 10), _submit(lab, 10)
    lab.clock.sleep(5)
    order = [{"order": 1, "serviceEnvironment": "other"}]
    lab.batch.update_job_queue(jobQueue="q", serviceEnvironmentOrder=order)
    lab.clock.sleep(10)
    assert _statuses(lab, first, second) == ["SCHEDULED", "SCHEDULED"]


def test_a_job_that_is_too_large_is_told_so_and_terminated_in_time(lab: Lab) -> None:
    """The first in line that asks for more than the environment holds shows why, until the queue loses patience."""
    reason = "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE"
    _ready(lab)
    job, behind = _submit(lab, 11), _submit(lab)
    lab.clock.sleep(1000)
    assert (_see(lab, job)["status"], _see(lab, job)["statusReason"]) == ("RUNNABLE", _TOO_LARGE)
    assert "statusReason" not in _see(lab, behind)
    actions = [
        {"reason": "CAPACITY", "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "TERMINATE"},
        {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 1200, "action": "TERMINATE"},
    ]
    lab.batch.update_job_queue(jobQueue="q", jobStateTimeLimitActions=actions)
    lab.clock.sleep(199)
    assert _statuses(lab, job, behind) == ["RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(2)
    assert _statuses(lab, job, behind) == ["FAILED", "SCHEDULED"]
    shown = _see(lab, job)
    assert shown["statusReason"] == f"Terminated by JobStateTimeLimit action due to reason: {reason}"
    assert shown["attempts"] == []


def test_a_job_is_no_longer_stuck_when_there_is_room(lab: Lab) -> None:
    """With higher limits the job goes on, and the time limit no longer applies."""
    reason = "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE"
    action = {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "TERMINATE"}
    _ready(lab, jobStateTimeLimitActions=[action])
    job = _submit(lab, 11)
    lab.clock.sleep(500)
    _limit(lab, "NUM_INSTANCES", 11)
    assert _statuses(lab, job) == ["SCHEDULED"]
    assert "statusReason" not in _see(lab, job)
    lab.clock.sleep(3600)
    assert _statuses(lab, job) == ["SUCCEEDED"]


def test_without_instances_a_job_goes_back_and_forth() -> None:
    """SCHEDULED in vain it is RUNNABLE again with the reason, without an attempt, and is scheduled anew."""
    lab = _outcomes(Outcome(name="j", runs=False))
    job = _submit(lab)
    lab.clock.sleep(900)
    assert _statuses(lab, job) == ["SCHEDULED"]
    first = _see(lab, job)["latestAttempt"]
    lab.clock.sleep(1)
    shown = _see(lab, job)
    assert shown["statusReason"] == f"{_NO_CAPACITY} - Unable to provision requested compute resources"
    assert (shown["status"], shown["attempts"], shown["latestAttempt"]) == ("RUNNABLE", [], first)
    behind = _submit(lab, jobName="behind")
    lab.clock.sleep(299)
    assert _statuses(lab, job, behind) == ["RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(1)
    assert _statuses(lab, job, behind) == ["SCHEDULED", "SCHEDULED"]
    assert _see(lab, job)["latestAttempt"] != first


def test_time_scheduled_in_vain_adds_up() -> None:
    """A time limit for want of capacity counts the time that the job was SCHEDULED, not the time between."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(runs=False),)))
    action = {"reason": _NO_CAPACITY, "state": "RUNNABLE", "maxTimeSeconds": 1800, "action": "TERMINATE"}
    _ready(lab, jobStateTimeLimitActions=[action])
    job = _submit(lab)
    lab.clock.sleep(1 + 900 + 300 + 899)
    assert _statuses(lab, job) == ["SCHEDULED"]
    lab.clock.sleep(1)
    shown = _see(lab, job)
    assert shown["status"] == "FAILED"
    assert shown["statusReason"] == f"Terminated by JobStateTimeLimit action due to reason: {_NO_CAPACITY}"


def test_a_job_without_instances_leaves_its_room_to_other_queues() -> None:
    """While a job waits to be scheduled again, its room is free."""
    lab = _outcomes(Outcome(name="j", runs=False))
    lab.training_queue("other", "e")
    _submit(lab, 10)
    lab.clock.sleep(2)
    other = _submit(lab, 10, queue="other", jobName="o")
    lab.clock.sleep(898)
    assert _statuses(lab, other) == ["RUNNABLE"]
    lab.clock.sleep(1)
    assert _statuses(lab, other) == ["SCHEDULED"]


def test_a_scenario_tells_how_service_jobs_come_out() -> None:
    """Rows of a scenario fit by queue and name; those for an image, a command or a definition do not."""
    lab = _outcomes(
        Outcome(image="i*", exit_code=3),
        Outcome(name="bad*", exit_code=1, reason="InternalServerError: oops", seconds=5),
        Outcome(queue="q", name="odd", exit_code=2),
    )
    good, bad, odd = (_submit(lab, jobName=name) for name in ("good", "bad-1", "odd"))
    lab.clock.sleep(46)
    assert _statuses(lab, good, bad, odd) == ["RUNNING", "FAILED", "RUNNING"]
    assert _see(lab, bad)["statusReason"] == "Received status from SageMaker: InternalServerError: oops"
    lab.clock.sleep(60)
    assert _statuses(lab, good, bad, odd) == ["SUCCEEDED", "FAILED", "FAILED"]
    assert _see(lab, odd)["statusReason"] == "Received status from SageMaker: AlgorithmError: , exit code: 2"


def test_a_failed_job_is_tried_again() -> None:
    """Up to its attempts a job is RUNNABLE again; each attempt is a training job of its own."""
    lab = _outcomes(Outcome(attempts=2, exit_code=1))
    job, once = _submit(lab, retryStrategy={"attempts": 3}), _submit(lab)
    lab.clock.sleep(3600)
    assert _statuses(lab, job, once) == ["SUCCEEDED", "FAILED"]
    attempts = _see(lab, job)["attempts"]
    assert len({it["serviceResourceId"]["value"] for it in attempts}) == 3
    assert [it["stoppedAt"] - it["startedAt"] for it in attempts] == [60_000] * 3
    assert len(_see(lab, once)["attempts"]) == 1


@pytest.mark.parametrize(
    ("conditions", "attempts"),
    [
        ([{"action": "EXIT", "onStatusReason": "Received status from SageMaker: AlgorithmError*"}], 1),
        ([{"action": "EXIT", "onStatusReason": "*code: 7"}], 1),
        ([{"action": "EXIT", "onStatusReason": "*code: 8"}], 2),
        ([{"action": "EXIT", "onStatusReason": "Received"}], 2),
        ([{"action": "RETRY", "onStatusReason": "*Algorithm*"}, {"action": "EXIT", "onStatusReason": "*"}], 2),
        ([{"action": "EXIT"}], 1),
    ],
)
def test_conditions_decide_whether_a_job_is_tried_again(conditions: list[dict[str, str]], attempts: int) -> None:
    """The first condition that fits the reason decides; where none fits, the job is tried again."""
    lab = _outcomes(Outcome(exit_code=7))
    job = _submit(lab, retryStrategy={"attempts": 2, "evaluateOnExit": conditions})
    lab.clock.sleep(3600)
    assert len(_see(lab, job)["attempts"]) == attempts


def test_an_attempt_ends_at_its_timeout() -> None:
    """What runs longer than its timeout fails; what ends just then does not."""
    lab = _outcomes()
    late = _submit(lab, timeoutConfig={"attemptDurationSeconds": 59})
    just = _submit(lab, timeoutConfig={"attemptDurationSeconds": 60})
    lab.clock.sleep(100)
    assert _statuses(lab, late, just) == ["FAILED", "RUNNING"]
    assert _see(lab, late)["statusReason"] == "Job attempt duration exceeded timeout"
    lab.clock.sleep(1)
    assert _statuses(lab, just) == ["SUCCEEDED"]


def test_terminate_ends_a_service_job_wherever_it_stands(lab: Lab) -> None:
    """It is FAILED with the reason given, shows that it was terminated, and its room is free."""
    _ready(lab)
    running, waiting = _submit(lab, 10), _submit(lab, 10)
    lab.clock.sleep(60)
    lab.batch.terminate_service_job(jobId=running, reason="enough")
    shown = _see(lab, running)
    assert (shown["status"], shown["statusReason"], shown["isTerminated"]) == ("FAILED", "enough", True)
    assert [it["statusReason"] for it in shown["attempts"]] == ["enough"]
    assert _statuses(lab, waiting) == ["SCHEDULED"]
    lab.batch.terminate_service_job(jobId=running, reason="again")
    assert _see(lab, running) == shown
    fresh = _submit(lab)
    lab.batch.terminate_service_job(jobId=fresh, reason="early")
    assert (_see(lab, fresh)["status"], _see(lab, fresh)["attempts"]) == ("FAILED", [])
    lab.clock.sleep(3600)
    assert _statuses(lab, fresh, waiting) == ["FAILED", "SUCCEEDED"]


def test_service_jobs_end_with_their_queue(lab: Lab) -> None:
    """Deleting a queue fails what is in it, starts nothing of it, and leaves what had ended."""
    _ready(lab)
    done = _submit(lab)
    lab.clock.sleep(200)
    running, waiting = _submit(lab, 10), _submit(lab)
    lab.clock.sleep(10)
    lab.disable_queue("q", wait=10)
    fresh = _submit_to_closed(lab)
    lab.disable_queue("q", wait=10)
    lab.batch.delete_job_queue(jobQueue="q")
    assert _statuses(lab, done, running, waiting, fresh) == ["SUCCEEDED", "FAILED", "FAILED", "FAILED"]
    assert [len(_see(lab, job)["attempts"]) for job in (running, waiting, fresh)] == [1, 0, 0]


def _submit_to_closed(lab: Lab) -> str:
    """Open the queue for the moment that it takes to submit a job."""
    lab.batch.update_job_queue(jobQueue="q", state="ENABLED")
    lab.clock.sleep(10)
    return _submit(lab)


def test_service_jobs_end_with_their_quota_share(lab: Lab) -> None:
    """Deleting a quota share fails what is in it, and nothing of other shares."""
    _shares(lab, a={}, b={})
    jobs = _run(lab, ("a", 4), ("a", 1), ("b", 1))
    _update_share(lab, "a", state="DISABLED")
    lab.batch.delete_quota_share(quotaShareArn=f"{lab.see_queue('q')['jobQueueArn']}/quota-share/a")
    assert _statuses(lab, *jobs) == ["FAILED", "FAILED", "SCHEDULED"]
    assert [len(_see(lab, job)["attempts"]) for job in jobs] == [1, 0, 0]


def test_service_jobs_are_known_for_a_week(lab: Lab) -> None:
    """Seven days after its end a service job is gone, however it ended."""
    _shares(lab, a={"preemptionConfiguration": _PREEMPTIVE})
    failed = _run(lab, ("a", 4), preemptionConfiguration={"preemptionRetriesBeforeTermination": 0})[0]
    done = _run(lab, ("a", 4), schedulingPriority=1)[0]
    lab.clock.sleep(7 * 86400 - 4)
    assert _statuses(lab, failed, done) == ["FAILED", "SUCCEEDED"]
    lab.clock.sleep(3)
    assert "does not exist" in refusal(lab.batch.describe_service_job, jobId=failed)[2]
    lab.clock.sleep(100)
    assert "does not exist" in refusal(lab.batch.describe_service_job, jobId=done)[2]


def test_service_jobs_are_terminated_in_bulk(lab: Lab) -> None:
    """Each is reported on; one that cannot be found is as good as terminated, what is no identifier is an error."""
    _ready(lab)
    jobs = [_submit(lab), _UNKNOWN, "none"]
    answer = lab.batch.terminate_service_jobs(jobs=jobs, reason="enough")
    assert answer["successful"] == jobs[:2]
    (error,) = answer["errors"]
    assert (error["job"], error["code"]) == ("none", "ValidationException")
    assert _statuses(lab, jobs[0]) == ["FAILED"]
    assert "at most 50" in refusal(lab.batch.terminate_service_jobs, jobs=["x"] * 51, reason="r")[2]


def test_what_is_not_there_is_not_described_nor_updated(lab: Lab) -> None:
    """A describe or an update of an unknown service job is refused; an end of it is not."""
    assert "does not exist" in refusal(lab.batch.describe_service_job, jobId=_UNKNOWN)[2]
    assert "does not exist" in refusal(lab.batch.update_service_job, jobId=_UNKNOWN, schedulingPriority=1)[2]
    lab.batch.terminate_service_job(jobId=_UNKNOWN, reason="r")


def test_priorities_are_updated_until_the_end(lab: Lab) -> None:
    """An update answers names and is shown; it is in range, and not for a job that has ended."""
    _ready(lab)
    job = _submit(lab)
    answer = lab.batch.update_service_job(jobId=job, schedulingPriority=5)
    assert (answer["jobId"], answer["jobName"], answer["jobArn"]) == (job, "j", _see(lab, job)["jobArn"])
    assert _see(lab, job)["schedulingPriority"] == 5
    assert "9999" in refusal(lab.batch.update_service_job, jobId=job, schedulingPriority=10_000)[2]
    lab.clock.sleep(3600)
    assert "SUCCEEDED" in refusal(lab.batch.update_service_job, jobId=job, schedulingPriority=1)[2]


def test_without_a_policy_priorities_change_nothing(lab: Lab) -> None:
    """Jobs of a queue without a scheduling policy are served as they came."""
    _ready(lab)
    _submit(lab, 10)
    first, second = _submit(lab, 10), _submit(lab, 10, schedulingPriority=9)
    lab.clock.sleep(105)
    assert _statuses(lab, first, second) == ["SCHEDULED", "RUNNABLE"]


def test_within_a_fair_share_the_higher_priority_goes_first(lab: Lab) -> None:
    """Of one share the most urgent job is served, also when that was said later; then who came first."""
    _ready(lab, schedulingPolicyArn=_fair(lab))
    assert "shareIdentifier must be" in refusal(_submit, lab=lab)[2]
    _submit(lab, 10, shareIdentifier="s")
    priorities = (1, 9, 0)
    jobs = [_submit(lab, 10, shareIdentifier="s", schedulingPriority=it) for it in priorities]
    unsaid = _submit(lab, 10, shareIdentifier="s")
    lab.batch.update_service_job(jobId=jobs[0], schedulingPriority=10)
    turns = []
    for _ in range(4):
        lab.clock.sleep(102)
        turns += [number for number, job in enumerate([*jobs, unsaid]) if _statuses(lab, job) == ["SCHEDULED"]]
    assert turns == [0, 1, 2, 3]


def test_the_fair_share_that_uses_least_goes_first(lab: Lab) -> None:
    """What counts is use times weight, of an identifier or of its prefix."""
    _ready(lab, schedulingPolicyArn=_fair(lab, ("light*", 0.25), ("heavy", 2)))
    for share, count in (("light1", 4), ("heavy", 1), ("plain", 5)):
        _submit(lab, count, shareIdentifier=share)
    lab.clock.sleep(10)
    jobs = [_submit(lab, shareIdentifier=share) for share in ("plain", "heavy", "light1")]
    lab.clock.sleep(2)
    snapshot = lab.batch.get_job_queue_snapshot(jobQueue="q")["frontOfQueue"]["jobs"]
    places = [it["jobArn"].rpartition("/")[2] for it in snapshot]
    assert places == [jobs[2], jobs[1], jobs[0]]


def _shares(lab: Lab, **configurations: dict[str, Any]) -> None:
    """A queue q whose environment holds ten ml.m5.large, with quota shares of four each."""
    lab.quota_queue("q")
    for name, changes in configurations.items():
        limits = [{"capacityUnit": "ml.m5.large", "maxCapacity": 4}]
        lab.quota_share(name, "q", **{"capacityLimits": limits, **changes})


def _run(lab: Lab, *jobs: tuple[str, int], **changes: Any) -> list[str]:
    found = [_submit(lab, count, quotaShareName=share, **changes) for share, count in jobs]
    lab.clock.sleep(2)
    return found


def _update_share(lab: Lab, name: str, **changes: Any) -> None:
    lab.batch.update_quota_share(quotaShareArn=f"{lab.see_queue('q')['jobQueueArn']}/quota-share/{name}", **changes)
    lab.clock.sleep(2)


def test_service_jobs_of_a_quota_queue_name_a_share_that_takes_jobs(lab: Lab) -> None:
    """The share is named, is there and is ENABLED; jobs in one that is DISABLED go on."""
    _shares(lab, a={})
    assert "quotaShareName must be" in refusal(_submit, lab=lab)[2]
    assert "does not exist" in refusal(_submit, lab=lab, quotaShareName="none")[2]
    (job,) = _run(lab, ("a", 1))
    assert _see(lab, job)["quotaShareName"] == "a"
    _update_share(lab, "a", state="DISABLED")
    assert "not in ENABLED state" in refusal(_submit, lab=lab, quotaShareName="a")[2]
    lab.clock.sleep(3600)
    assert _statuses(lab, job) == ["SUCCEEDED"]


def test_a_quota_share_that_reserves_stays_within_its_own(lab: Lab) -> None:
    """Its jobs take at most its capacity, though the environment has more; other shares are not held up."""
    _shares(lab, a={}, b={})
    jobs = _run(lab, ("a", 3), ("a", 2), ("b", 4))
    assert _statuses(lab, *jobs) == ["SCHEDULED", "RUNNABLE", "SCHEDULED"]


def test_a_quota_share_borrows_what_others_lend(lab: Lab) -> None:
    """LEND_AND_BORROW takes idle capacity of shares that lend, as long as it is idle, and none of RESERVE."""
    _shares(
        lab, a={"resourceSharingConfiguration": _BORROWER}, b={"resourceSharingConfiguration": {"strategy": "LEND"}}
    )
    jobs = _run(lab, ("a", 4), ("b", 1), ("a", 3), ("a", 1))
    assert _statuses(lab, *jobs) == ["SCHEDULED", "SCHEDULED", "SCHEDULED", "RUNNABLE"]
    _update_share(lab, "b", resourceSharingConfiguration={"strategy": "RESERVE"})
    lab.clock.sleep(3600)
    jobs = _run(lab, ("a", 4), ("a", 1))
    assert _statuses(lab, *jobs) == ["SCHEDULED", "RUNNABLE"]


def test_what_one_share_has_borrowed_another_cannot(lab: Lab) -> None:
    """Idle capacity is lent once."""
    lending = {"resourceSharingConfiguration": {"strategy": "LEND"}}
    own = {
        "capacityLimits": [{"capacityUnit": "ml.m5.large", "maxCapacity": 1}],
        "resourceSharingConfiguration": _BORROWER,
    }
    _shares(lab, a=own, b=own, c=lending)
    jobs = _run(lab, ("a", 4), ("b", 3), ("b", 2))
    assert _statuses(lab, *jobs) == ["SCHEDULED", "RUNNABLE", "RUNNABLE"]


def test_borrowing_has_a_limit(lab: Lab) -> None:
    """A limit of 50 percent of four lets a share borrow two."""
    borrower = {"strategy": "LEND_AND_BORROW", "borrowLimit": 50}
    _shares(lab, a={"resourceSharingConfiguration": borrower}, b={"resourceSharingConfiguration": {"strategy": "LEND"}})
    jobs = _run(lab, ("a", 6), ("a", 1))
    assert _statuses(lab, *jobs) == ["SCHEDULED", "RUNNABLE"]


def test_shares_within_their_own_go_before_those_that_borrow(lab: Lab) -> None:
    """When room comes free, who stays within its own is served first, though it came later."""
    lending = {"resourceSharingConfiguration": _BORROWER}
    _shares(lab, a=lending, b=lending)
    lab.disable_service_environment("q")
    borrows = _submit(lab, 6, quotaShareName="a")
    own = _submit(lab, 4, quotaShareName="b")
    lab.clock.sleep(2)
    lab.batch.update_service_environment(serviceEnvironment="q", state="ENABLED")
    lab.clock.sleep(2)
    assert _statuses(lab, borrows, own) == ["RUNNABLE", "SCHEDULED"]


@pytest.mark.parametrize(
    ("count", "sharing", "words"),
    [
        (5, {"strategy": "RESERVE"}, "Job requirements exceed quota share capacity limits."),
        (5, {"strategy": "LEND"}, "Job requirements exceed quota share capacity limits."),
        (
            7,
            {"strategy": "LEND_AND_BORROW", "borrowLimit": 50},
            "Job requirements exceed quota share capacity limits and borrow limits.",
        ),
        (9, _BORROWER, "Job requires borrowing that exceeds all configured borrowable capacity."),
    ],
)
def test_a_job_that_exceeds_its_quota_share_is_told_so(
    lab: Lab, count: int, sharing: dict[str, Any], words: str
) -> None:
    """It shows which limit it exceeds, for ever, and can be ended for that by its queue."""
    _shares(lab, a={"resourceSharingConfiguration": sharing}, b={"resourceSharingConfiguration": _BORROWER}, c={})
    (job,) = _run(lab, ("a", count))
    reason = "MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED"
    assert (_see(lab, job)["status"], _see(lab, job)["statusReason"]) == ("RUNNABLE", f"{reason} - {words}")
    actions = [{"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "TERMINATE"}]
    lab.batch.update_job_queue(jobQueue="q", jobStateTimeLimitActions=actions)
    lab.clock.sleep(700)
    assert _see(lab, job)["statusReason"] == f"Terminated by JobStateTimeLimit action due to reason: {reason}"


def test_a_type_that_the_environment_does_not_hold_is_too_much(lab: Lab) -> None:
    """In a queue of quota shares instances are counted by type."""
    _shares(lab, a={})
    job = _submit(lab, quotaShareName="a", serviceRequestPayload=_payload(1, "ml.p5.48xlarge"))
    lab.clock.sleep(2)
    assert _see(lab, job)["statusReason"] == _TOO_LARGE


def test_a_share_takes_back_what_others_have_borrowed(lab: Lab) -> None:
    """A job within its share's own capacity preempts the least and latest of those that borrow, as many as it needs."""
    sharing = {"resourceSharingConfiguration": _BORROWER}
    _shares(lab, a=sharing, b=sharing)
    _limit(lab, "ml.m5.large", 8, "q")
    urgent = _run(lab, ("a", 4), schedulingPriority=5)[0]
    early, late = _run(lab, ("a", 2))[0], _run(lab, ("a", 2))[0]
    lab.clock.sleep(45)
    (back,) = _run(lab, ("b", 1))
    assert _statuses(lab, urgent, early, late, back) == ["RUNNING", "RUNNING", "RUNNABLE", "SCHEDULED"]
    shown = _see(lab, late)
    summary = shown["preemptionSummary"]
    assert (summary["preemptedAttemptCount"], shown["attempts"], shown["startedAt"]) == (1, [], 0)
    (attempt,) = summary["recentPreemptedAttempts"]
    assert attempt["serviceResourceId"] == shown["latestAttempt"]["serviceResourceId"]
    assert attempt["stoppedAt"] > attempt["startedAt"]
    lab.clock.sleep(3600)
    assert set(_statuses(lab, urgent, early, late, back)) == {"SUCCEEDED"}
    assert len(_see(lab, late)["attempts"]) == 1


def test_who_borrows_preempts_nobody(lab: Lab) -> None:
    """A job for which its share would have to borrow waits for what is idle."""
    sharing = {"resourceSharingConfiguration": _BORROWER}
    _shares(lab, a=sharing, b=sharing)
    _limit(lab, "ml.m5.large", 8, "q")
    borrows, waits = _run(lab, ("a", 8))[0], _run(lab, ("b", 5), schedulingPriority=9)[0]
    assert _statuses(lab, borrows, waits) == ["SCHEDULED", "RUNNABLE"]


def test_lower_limits_make_jobs_of_a_share_borrowed(lab: Lab) -> None:
    """A share that takes more than its lowered capacity gives way to one within its own."""
    _shares(lab, a={}, b={})
    _limit(lab, "ml.m5.large", 4, "q")
    first, second = _run(lab, ("a", 2), ("a", 2))
    (other,) = _run(lab, ("b", 2))
    assert _statuses(lab, first, second, other) == ["SCHEDULED", "SCHEDULED", "RUNNABLE"]
    _update_share(lab, "a", capacityLimits=[{"capacityUnit": "ml.m5.large", "maxCapacity": 2}])
    assert _statuses(lab, first, second, other) == ["SCHEDULED", "RUNNABLE", "SCHEDULED"]


@pytest.mark.parametrize(("preemption", "status"), [(_PREEMPTIVE, "RUNNABLE"), (None, "SCHEDULED")])
def test_within_a_share_the_higher_priority_may_preempt(lab: Lab, preemption: Any, status: str) -> None:
    """Where the share enables it, a job preempts one of lower priority; one of the same priority never."""
    changes = {"preemptionConfiguration": preemption} if preemption else {}
    _shares(lab, a=changes)
    low = _run(lab, ("a", 4), schedulingPriority=1)[0]
    same = _run(lab, ("a", 4), schedulingPriority=1)[0]
    assert _statuses(lab, low, same) == ["SCHEDULED", "RUNNABLE"]
    lab.batch.update_service_job(jobId=same, schedulingPriority=2)
    assert _statuses(lab, low) == [status]


def test_other_shares_are_not_preempted_by_priority(lab: Lab) -> None:
    """Priorities count within a share only."""
    _shares(lab, a={"preemptionConfiguration": _PREEMPTIVE}, b={"preemptionConfiguration": _PREEMPTIVE})
    _limit(lab, "ml.m5.large", 4, "q")
    low = _run(lab, ("a", 4))[0]
    high = _run(lab, ("b", 4), schedulingPriority=9)[0]
    assert _statuses(lab, low, high) == ["SCHEDULED", "RUNNABLE"]


def test_nobody_is_preempted_where_that_would_not_do(lab: Lab) -> None:
    """A job that finds no room even without those of lower priority leaves them alone."""
    _shares(lab, a={"preemptionConfiguration": _PREEMPTIVE})
    jobs = [_run(lab, ("a", count), schedulingPriority=priority)[0] for count, priority in ((3, 5), (1, 1), (2, 5))]
    assert _statuses(lab, *jobs) == ["SCHEDULED", "SCHEDULED", "RUNNABLE"]


def test_a_job_may_fail_of_being_preempted(lab: Lab) -> None:
    """Preempted more often than it allows, a job is FAILED; it shows the last preempted attempts, the newest first."""
    _shares(lab, a={"preemptionConfiguration": _PREEMPTIVE})
    allowed = {"preemptionConfiguration": {"preemptionRetriesBeforeTermination": 11}}
    job = _run(lab, ("a", 4), **allowed)[0]
    for _ in range(12):
        other = _run(lab, ("a", 4), schedulingPriority=1)[0]
        lab.batch.terminate_service_job(jobId=other, reason="make room")
        lab.clock.sleep(1)
    shown = _see(lab, job)
    assert shown["status"] == "FAILED"
    summary = shown["preemptionSummary"]
    stops = [it["stoppedAt"] for it in summary["recentPreemptedAttempts"]]
    assert (summary["preemptedAttemptCount"], len(stops)) == (12, 10)
    assert stops == sorted(stops, reverse=True)
    assert shown["stoppedAt"] == stops[0]


def test_a_preempted_job_may_allow_no_retry(lab: Lab) -> None:
    """Where preemption is not retried at all, the first ends the job."""
    _shares(lab, a={"preemptionConfiguration": _PREEMPTIVE})
    job = _run(lab, ("a", 4), preemptionConfiguration={"preemptionRetriesBeforeTermination": 0})[0]
    _run(lab, ("a", 4), schedulingPriority=1)
    assert _statuses(lab, job) == ["FAILED"]


def test_service_jobs_are_listed_by_queue_and_status(lab: Lab) -> None:
    """One status at a time, RUNNING where none is asked, as they came, page by page."""
    _ready(lab)
    jobs = [_submit(lab) for _ in range(3)]
    lab.clock.sleep(50)
    late = _submit(lab)
    first = lab.batch.list_service_jobs(jobQueue="q", maxResults=2)
    rest = lab.batch.list_service_jobs(jobQueue="q", maxResults=2, nextToken=first["nextToken"])
    assert [it["jobId"] for it in first["jobSummaryList"] + rest["jobSummaryList"]] == jobs
    assert "nextToken" not in rest
    assert _listed(lab, jobStatus="SUBMITTED") == [late]
    assert _listed(lab, jobStatus="FAILED") == []
    assert "jobQueue must be provided" in refusal(lab.batch.list_service_jobs)[2]
    assert "does not exist" in refusal(lab.batch.list_service_jobs, jobQueue="none")[2]


def test_a_list_tells_the_main_things(lab: Lab) -> None:
    """A summary has no queue, payload, strategy, attempts and tags."""
    _ready(lab)
    job = _submit(lab, schedulingPriority=1, tags={"k": "v"})
    lab.clock.sleep(60)
    (summary,) = lab.batch.list_service_jobs(jobQueue="q")["jobSummaryList"]
    names = {"capacityUsage", "createdAt", "jobArn", "jobId", "jobName", "latestAttempt", "scheduledAt", "startedAt"}
    assert set(summary) == {*names, "serviceJobType", "status"}
    assert summary == {key: value for key, value in _see(lab, job).items() if key in summary}


def test_a_filter_finds_service_jobs_of_any_status_the_newest_first(lab: Lab) -> None:
    """By name or beginning of a name in any case, or by time of creation, which excludes the very instant."""
    _ready(lab)
    times, jobs = [], []
    for name in ("Test1", "test2", "other", "test1"):
        times.append(round(lab.clock.now() * 1000))
        jobs.append(_submit(lab, jobName=name))
        lab.clock.sleep(50)

    def found(name: str, *values: str, **more: Any) -> list[int]:
        filters = [{"name": name, "values": list(values)}]
        return [jobs.index(job) for job in _listed(lab, filters=filters, **more)]

    assert found("JOB_NAME", "TEST1") == [3, 0]
    assert found("JOB_NAME", "test*") == [3, 1, 0]
    assert found("JOB_NAME", "test*", jobStatus="FAILED") == [3, 1, 0]
    assert found("JOB_NAME", "test") == []
    assert found("JOB_NAME", "test2", "other") == [2, 1]
    assert found("BEFORE_CREATED_AT", str(times[2])) == [1, 0]
    assert found("AFTER_CREATED_AT", str(times[2])) == [3]
    filters = [{"name": "JOB_NAME", "values": ["test*"]}]
    first = lab.batch.list_service_jobs(jobQueue="q", filters=filters, maxResults=2)
    rest = lab.batch.list_service_jobs(jobQueue="q", filters=filters, maxResults=2, nextToken=first["nextToken"])
    assert [jobs.index(it["jobId"]) for it in first["jobSummaryList"] + rest["jobSummaryList"]] == [3, 1, 0]


def test_a_filter_by_share_heeds_the_status(lab: Lab) -> None:
    """Filters by share identifier and by quota share go with a status; without one they find all."""
    _ready(lab, schedulingPolicyArn=_fair(lab))
    done = _submit(lab, shareIdentifier="s")
    lab.clock.sleep(200)
    fresh = _submit(lab, shareIdentifier="s")
    _submit(lab, shareIdentifier="t")
    filters = [{"name": "SHARE_IDENTIFIER", "values": ["s"]}]
    assert _listed(lab, filters=filters) == [fresh, done]
    assert _listed(lab, filters=filters, jobStatus="SUBMITTED") == [fresh]
    assert _listed(lab, filters=[{"name": "QUOTA_SHARE_NAME", "values": ["s"]}]) == []


def test_a_filter_by_quota_share(lab: Lab) -> None:
    """Jobs are found by the name of their quota share."""
    _shares(lab, a={}, b={})
    jobs = _run(lab, ("a", 1), ("b", 1))
    filters = [{"name": "QUOTA_SHARE_NAME", "values": ["b"]}]
    assert _listed(lab, filters=filters, jobStatus="SCHEDULED") == jobs[1:]
    assert _listed(lab, filters=filters, jobStatus="RUNNING") == []


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ([{"name": "JOB_NAME", "values": ["a"]}, {"name": "JOB_NAME", "values": ["b"]}], "Only one filter"),
        ([{"name": "job_name", "values": ["a"]}], "Invalid filter name: job_name"),
        ([{"name": "BEFORE_CREATED_AT", "values": ["yesterday"]}], "Invalid filter value: yesterday"),
    ],
)
def test_filters_that_mean_nothing_are_refused(lab: Lab, filters: list[dict[str, Any]], words: str) -> None:
    """One filter at a time, of a known name, with a number for a time."""
    _ready(lab)
    _submit(lab)
    assert words in refusal(lab.batch.list_service_jobs, jobQueue="q", filters=filters)[2]


def test_quotas_may_be_set() -> None:
    """The sizes of request and payload, and the number of attempts, are quotas."""
    lab = Lab.new(settings=Settings(quotas=Quotas(service_payload_bytes=9, service_attempts=1)))
    _ready(lab)
    assert "at most 9 bytes" in refusal(_submit, lab=lab)[2]
    strategy = {"attempts": 2}
    assert "between 1 and 1" in refusal(_submit, lab=lab, serviceRequestPayload="{}", retryStrategy=strategy)[2]


def test_a_fair_share_queue_has_so_many_active_shares() -> None:
    """A service job that would add a share is refused until those of another share have ended."""
    lab = Lab.new(settings=Settings(quotas=Quotas(shares_a_queue=1)))
    _ready(lab, schedulingPolicyArn=_fair(lab))
    _submit(lab, shareIdentifier="s")
    assert "Limit of 1 active share identifiers" in refusal(_submit, lab=lab, shareIdentifier="t")[2]
    lab.clock.sleep(3600)
    _submit(lab, shareIdentifier="t")


@pytest.mark.parametrize(
    ("config", "unit", "quantity"),
    [
        ({"InstanceType": "ml.x", "InstanceCount": -3}, "ml.x", 1),
        ({"InstanceType": "ml.x", "InstanceCount": 0}, "ml.x", 1),
        ({"InstanceType": "ml.x", "InstanceCount": True}, "ml.x", 1),
        ({"InstanceType": "ml.x", "InstanceCount": 10**400}, "ml.x", 1),
        ({"InstanceType": "ml.x", "InstanceCount": 1.5}, "ml.x", 1),
        ({"InstanceType": {}, "InstanceCount": 2}, "NUM_INSTANCES", 2),
        ({"InstanceGroups": [5, {"InstanceType": "ml.x", "InstanceCount": 2}]}, "ml.x", 2),
        ({"InstanceGroups": {"a": 1}, "InstanceCount": 2}, "NUM_INSTANCES", 2),
        ({"InstanceGroups": [5]}, "NUM_INSTANCES", 1),
    ],
)
def test_a_payload_that_makes_no_sense_takes_an_instance(
    lab: Lab, config: dict[str, Any], unit: str, quantity: int
) -> None:
    """No job makes room by taking less than one; what is no number, or no name of a type, is as if it were not told."""
    _ready(lab)
    job = _submit(lab, serviceRequestPayload=json.dumps({"ResourceConfig": config}))
    assert _see(lab, job)["capacityUsage"] == [{"capacityUnit": unit, "quantity": float(quantity)}]


@pytest.mark.unmeasured
def test_thousands_of_service_jobs_wait_in_line() -> None:
    """One that comes to stand behind another is not a reason to look at all of them."""
    lab = Lab.new()
    _ready(lab)
    jobs = [_submit(lab) for _ in range(1000)]
    reads = 0

    def count(statement: str) -> None:
        nonlocal reads
        reads += statement.startswith("SELECT")

    lab.clock.sleep(2)
    lab.store._connection.set_trace_callback(count)
    assert _statuses(lab, jobs[9], jobs[10], jobs[-1]) == ["SCHEDULED", "RUNNABLE", "RUNNABLE"]
    lab.store._connection.set_trace_callback(None)
    assert reads < 8 * len(jobs)


def test_an_overtaken_service_job_is_no_longer_stuck(lab: Lab) -> None:
    """The time limit runs for the first in line only, from when it is first, and so does the reason that is shown."""
    reason = "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE"
    action = {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "TERMINATE"}
    _ready(lab, schedulingPolicyArn=_fair(lab), jobStateTimeLimitActions=[action])
    low = _submit(lab, 11, shareIdentifier="s", schedulingPriority=1)
    lab.clock.sleep(300)
    assert _see(lab, low)["statusReason"].startswith(reason)
    high = _submit(lab, 11, shareIdentifier="s", schedulingPriority=2)
    lab.clock.sleep(400)
    assert _statuses(lab, low, high) == ["RUNNABLE", "RUNNABLE"]
    assert ("statusReason" in _see(lab, low), "statusReason" in _see(lab, high)) == (False, True)
    lab.batch.update_service_job(jobId=low, schedulingPriority=3)
    assert ("statusReason" in _see(lab, low), "statusReason" in _see(lab, high)) == (True, False)
    lab.clock.sleep(599)
    assert _statuses(lab, low, high) == ["RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(1)
    assert _statuses(lab, low, high) == ["FAILED", "RUNNABLE"]
    lab.clock.sleep(600)
    assert _statuses(lab, low, high) == ["FAILED", "FAILED"]


def test_a_service_job_leaves_no_trace_in_an_environment_made_anew(lab: Lab) -> None:
    """What it took of the one that is gone is not given back to another of the same name."""
    _ready(lab)
    lab.service_environment("other")
    job = _submit(lab, 10, timeoutConfig={"attemptDurationSeconds": 10_000})
    lab.clock.sleep(5)
    order = [{"order": 1, "serviceEnvironment": "other"}]
    lab.batch.update_job_queue(jobQueue="q", serviceEnvironmentOrder=order)
    lab.clock.sleep(30)
    lab.disable_service_environment("e", wait=5)
    lab.batch.delete_service_environment(serviceEnvironment="e")
    lab.clock.sleep(10)
    lab.service_environment("e", wait=5)
    lab.training_queue("r", "e", wait=10)
    lab.batch.terminate_service_job(jobId=job, reason="enough")
    first, second = _submit(lab, 6, "r"), _submit(lab, 6, "r")
    lab.clock.sleep(5)
    assert _statuses(lab, job, first, second) == ["FAILED", "SCHEDULED", "RUNNABLE"]
