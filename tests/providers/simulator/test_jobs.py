"""Jobs, as far as changes of queues are judged by them."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, fargate, refusal


def _ready(lab: Lab) -> None:
    lab.environment("a")
    lab.environment("b")
    lab.queue("q", "a")
    lab.definition("d")


def _submit(lab: Lab, **changes: Any) -> str:
    job: str = lab.batch.submit_job(**{"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **changes})["jobId"]
    return job


def _status(lab: Lab, job: str) -> str:
    status: str = lab.batch.describe_jobs(jobs=[job])["jobs"][0]["status"]
    return status


def test_a_job_runs_on_the_clock(lab: Lab) -> None:
    """SUBMITTED for 1 s, STARTING for 10 s, RUNNING for 60 s, then SUCCEEDED; looking changes nothing."""
    _ready(lab)
    job = _submit(lab)
    seen = []
    for _ in range(72):
        seen.append(_status(lab, job))
        lab.clock.sleep(1)
    assert seen == ["SUBMITTED"] + ["STARTING"] * 10 + ["RUNNING"] * 60 + ["SUCCEEDED"]
    (detail,) = lab.batch.describe_jobs(jobs=[job])["jobs"]
    assert detail["stoppedAt"] - detail["startedAt"] == 60_000
    assert detail["jobQueue"].endswith("job-queue/q")
    assert detail["jobDefinition"].endswith("job-definition/d:1")


def test_a_job_waits_for_an_environment(lab: Lab) -> None:
    """Without an ENABLED and VALID environment a job stays RUNNABLE, and goes on once there is one."""
    _ready(lab)
    lab.disable_environment("a")
    job = _submit(lab)
    lab.clock.sleep(3600)
    assert _status(lab, job) == "RUNNABLE"
    lab.batch.update_compute_environment(computeEnvironment="a", state="ENABLED")
    lab.clock.sleep(19)
    assert _status(lab, job) == "RUNNABLE"
    lab.clock.sleep(1)
    assert _status(lab, job) == "STARTING"


def test_an_environment_that_is_updated_takes_jobs(lab: Lab) -> None:
    """UPDATING from VALID does not stop a queue; INVALID does."""
    _ready(lab)
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources={"maxvCpus": 8})
    job = _submit(lab)
    lab.clock.sleep(1)
    assert _status(lab, job) == "STARTING"
    lab.simulator.set_status("environment", "a", "INVALID", "CLIENT_ERROR - broken", region="eu-west-1")
    other = _submit(lab)
    lab.clock.sleep(3600)
    assert (_status(lab, job), _status(lab, other)) == ("SUCCEEDED", "RUNNABLE")


def test_nobody_needs_to_look(lab: Lab) -> None:
    """A job that found an environment open while nobody looked has run, whatever became of the environment since."""
    _ready(lab)
    job = _submit(lab)
    lab.clock.sleep(100)
    lab.disable_environment("a")
    assert _status(lab, job) == "SUCCEEDED"
    other = _submit(lab)
    lab.clock.sleep(100)
    lab.batch.update_compute_environment(computeEnvironment="a", state="ENABLED")
    lab.clock.sleep(21)
    lab.disable_environment("a")
    assert _status(lab, other) == "SUCCEEDED"


def test_a_change_of_the_order_does_not_undo_what_ran(lab: Lab) -> None:
    """Jobs that were placed stay so when their environment leaves the queue; later ones take the new one."""
    _ready(lab)
    lab.disable_environment("b")
    placed = _submit(lab)
    lab.clock.sleep(5)
    order = [{"order": 1, "computeEnvironment": "b"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    late = _submit(lab)
    lab.clock.sleep(3600)
    assert (_status(lab, placed), _status(lab, late)) == ("SUCCEEDED", "RUNNABLE")


def test_jobs_end_with_their_queue(lab: Lab) -> None:
    """Deleting a queue fails what is in it and leaves what had ended."""
    _ready(lab)
    done = _submit(lab)
    lab.clock.sleep(3600)
    lab.disable_environment("a")
    waiting = _submit(lab)
    lab.clock.sleep(10)
    lab.disable_queue("q")
    lab.batch.delete_job_queue(jobQueue="q")
    assert (_status(lab, done), _status(lab, waiting)) == ("SUCCEEDED", "FAILED")
    lab.clock.sleep(60)
    assert _status(lab, waiting) == "FAILED"
    assert "does not exist" in refusal(lab.batch.list_jobs, jobQueue="q")[2]


def test_jobs_are_listed_by_queue_and_status(lab: Lab) -> None:
    """One status at a time, RUNNING where none is asked, page by page."""
    _ready(lab)
    jobs = [_submit(lab, jobName=f"j{number}") for number in range(3)]
    lab.clock.sleep(15)
    late = _submit(lab)
    listed = lab.batch.list_jobs(jobQueue="q", maxResults=2)
    rest = lab.batch.list_jobs(jobQueue="q", maxResults=2, nextToken=listed["nextToken"])
    assert [it["jobId"] for it in listed["jobSummaryList"] + rest["jobSummaryList"]] == jobs
    submitted = lab.batch.list_jobs(jobQueue="q", jobStatus="SUBMITTED")["jobSummaryList"]
    assert [it["jobId"] for it in submitted] == [late]
    assert lab.batch.list_jobs(jobQueue="q", jobStatus="FAILED")["jobSummaryList"] == []
    for question in ({}, {"jobQueue": "q", "filters": [{"name": "JOB_NAME", "values": ["j"]}]}):
        assert refusal(lab.batch.list_jobs, **question)[0] == 400


def test_cancel_ends_what_waits_and_terminate_ends_all(lab: Lab) -> None:
    """Cancel leaves a running job; terminate fails it with the reason given; an ended one stays as it is."""
    _ready(lab)
    job = _submit(lab)
    lab.clock.sleep(15)
    lab.batch.cancel_job(jobId=job, reason="no")
    assert _status(lab, job) == "RUNNING"
    lab.batch.terminate_job(jobId=job, reason="enough")
    (detail,) = lab.batch.describe_jobs(jobs=[job])["jobs"]
    assert (detail["status"], detail["statusReason"], detail["isTerminated"]) == ("FAILED", "enough", True)
    lab.batch.terminate_job(jobId=job, reason="again")
    assert lab.batch.describe_jobs(jobs=[job])["jobs"] == [detail]
    waiting = _submit(lab)
    lab.batch.cancel_job(jobId=waiting, reason="no")
    assert _status(lab, waiting) == "FAILED"
    for call in (lab.batch.cancel_job, lab.batch.terminate_job):
        assert "not found" in refusal(call, jobId="none", reason="r")[2]


def test_a_disabled_queue_takes_no_jobs_but_finishes_those_it_has(lab: Lab) -> None:
    """DISABLED closes the door of a queue only."""
    _ready(lab)
    job = _submit(lab)
    lab.disable_queue("q")
    assert _status(lab, job) == "SUCCEEDED"
    assert "ENABLED" in refusal(lab.batch.submit_job, jobName="j", jobQueue="q", jobDefinition="d")[2]


@pytest.mark.parametrize("reference", ["none", "d:9", "d:1"])
def test_a_job_names_an_active_definition(lab: Lab, reference: str) -> None:
    """A family means its newest ACTIVE revision; an INACTIVE or unknown one is refused."""
    _ready(lab)
    lab.definition("d")
    lab.definition("d")
    lab.batch.deregister_job_definition(jobDefinition="d:1")
    lab.batch.deregister_job_definition(jobDefinition="d:3")
    job = lab.batch.describe_jobs(jobs=[_submit(lab)])["jobs"][0]
    assert job["jobDefinition"].endswith("d:2")
    assert "ACTIVE" in refusal(lab.batch.submit_job, jobName="j", jobQueue="q", jobDefinition=reference)[2]


def test_fair_share_queues_ask_for_share_and_priority(lab: Lab) -> None:
    """A share goes with a fair-share queue only; a priority comes from the job or its definition, 0 included."""
    _ready(lab)
    policy = lab.batch.create_scheduling_policy(name="p")["arn"]
    lab.queue("fair", "a", schedulingPolicyArn=policy)
    lab.definition("ranked", schedulingPriority=0)
    submit = lab.batch.submit_job
    job = {"jobName": "j", "jobQueue": "fair", "jobDefinition": "d"}
    assert "shareIdentifier" in refusal(submit, **job)[2]
    assert "shareIdentifier" in refusal(submit, **{**job, "jobQueue": "q"}, shareIdentifier="s")[2]
    assert "schedulingPriority" in refusal(submit, **job, shareIdentifier="s")[2]
    submit(**job, shareIdentifier="s", schedulingPriorityOverride=0)
    submit(**{**job, "jobDefinition": "ranked"}, shareIdentifier="s")
    assert len(lab.batch.list_jobs(jobQueue="fair", jobStatus="SUBMITTED")["jobSummaryList"]) == 2


def test_a_fargate_environment_is_not_deleted_under_its_jobs(lab: Lab) -> None:
    """Deleted while jobs run in it, a Fargate environment becomes INVALID; once they have ended it goes."""
    for name in ("f", "g"):
        lab.environment(name, computeResources=fargate())
    lab.queue("q", "f")
    lab.definition("d")
    job = _submit(lab)
    lab.clock.sleep(5)
    order = [{"order": 1, "computeEnvironment": "g"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lab.disable_environment("f", wait=30)
    assert _status(lab, job) == "RUNNING"
    lab.batch.delete_compute_environment(computeEnvironment="f")
    lab.clock.sleep(45)
    assert lab.see_environment("f")["status"] == "INVALID"
    assert "active jobs" in lab.see_environment("f")["statusReason"]
    lab.batch.delete_compute_environment(computeEnvironment="f")
    lab.clock.sleep(45)
    assert (lab.see_environment("f"), _status(lab, job)) == ({}, "SUCCEEDED")


def test_the_first_environment_of_the_order_takes_the_job(lab: Lab) -> None:
    """Of several environments that take jobs it is the one with the lowest number, wherever it stands in the list."""
    _ready(lab)
    order = [{"order": 7, "computeEnvironment": "a"}, {"order": 3, "computeEnvironment": "b"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lab.clock.sleep(60)
    _submit(lab)
    lab.clock.sleep(5)
    lab.batch.update_job_queue(jobQueue="q", priority=5)
    (held,) = lab.store.dump()["123456789012/eu-west-1"]["job"].values()
    assert held["kept"]["environment"].endswith("compute-environment/b")
