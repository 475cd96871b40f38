"""Cancelling and terminating jobs, one by one and in bulk."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, ec2, refusal

_UNKNOWN = "00000000-0000-0000-0000-000000000000"


def _ready(lab: Lab, vcpus: int = 16) -> None:
    """A queue q, a definition d of one vCPU, and an environment that holds so many vCPUs."""
    lab.environment("e", computeResources=ec2(maxvCpus=vcpus))
    lab.queue("q", "e")
    lab.definition("d")


def _submit(lab: Lab, **changes: Any) -> str:
    job: str = lab.batch.submit_job(**{"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **changes})["jobId"]
    return job


def _see(lab: Lab, job: str) -> dict[str, Any]:
    (shown,) = lab.batch.describe_jobs(jobs=[job])["jobs"]
    found: dict[str, Any] = shown
    return found


def _statuses(lab: Lab, *jobs: str) -> list[str]:
    return [_see(lab, job)["status"] for job in jobs]


def _children(job: str, size: int) -> list[str]:
    return [f"{job}:{index}" for index in range(size)]


@pytest.mark.parametrize(("seconds", "status"), [(0, "SUBMITTED"), (5, "RUNNABLE")])
def test_cancel_ends_a_job_that_has_not_started(lab: Lab, seconds: float, status: str) -> None:
    """It is FAILED at once, with the reason given, shows that it was cancelled, and never starts."""
    _ready(lab, vcpus=1)
    before = _submit(lab)
    lab.clock.sleep(2)
    job = _submit(lab)
    lab.clock.sleep(seconds)
    assert _statuses(lab, job) == [status]
    lab.batch.cancel_job(jobId=job, reason="not now")
    shown = _see(lab, job)
    assert (shown["status"], shown["statusReason"], shown["isCancelled"]) == ("FAILED", "not now", True)
    assert (shown["attempts"], shown["isTerminated"]) == ([], False)
    lab.clock.sleep(3600)
    assert _statuses(lab, before, job) == ["SUCCEEDED", "FAILED"]


@pytest.mark.parametrize(("seconds", "status"), [(5, "STARTING"), (20, "RUNNING")])
def test_cancel_leaves_a_job_that_has_started(lab: Lab, seconds: float, status: str) -> None:
    """The call succeeds, and the job goes on as if nothing had been said."""
    _ready(lab)
    job = _submit(lab)
    lab.clock.sleep(seconds)
    before = _see(lab, job)
    lab.batch.cancel_job(jobId=job, reason="not now")
    assert _see(lab, job) == before
    assert before["status"] == status
    lab.clock.sleep(3600)
    assert _statuses(lab, job) == ["SUCCEEDED"]


@pytest.mark.parametrize(
    ("seconds", "status", "attempts"), [(0, "SUBMITTED", 0), (5, "STARTING", 1), (20, "RUNNING", 1)]
)
def test_terminate_ends_a_job_wherever_it_stands(lab: Lab, seconds: float, status: str, attempts: int) -> None:
    """It is FAILED at once with the reason given, without another attempt, and shows that it was terminated."""
    _ready(lab)
    job = _submit(lab, retryStrategy={"attempts": 3})
    lab.clock.sleep(seconds)
    assert _statuses(lab, job) == [status]
    lab.batch.terminate_job(jobId=job, reason="enough")
    shown = _see(lab, job)
    assert (shown["status"], shown["statusReason"], shown["isTerminated"]) == ("FAILED", "enough", True)
    assert (len(shown["attempts"]), shown["isCancelled"]) == (attempts, False)
    lab.clock.sleep(3600)
    assert _see(lab, job) == shown


def test_ended_jobs_stay_as_they_are(lab: Lab) -> None:
    """Neither cancel nor terminate changes a job that has ended, and neither is refused."""
    _ready(lab)
    job = _submit(lab)
    lab.clock.sleep(3600)
    before = _see(lab, job)
    lab.batch.cancel_job(jobId=job, reason="late")
    lab.batch.terminate_job(jobId=job, reason="late")
    assert _see(lab, job) == before
    assert before["status"] == "SUCCEEDED"


@pytest.mark.parametrize(("verb", "flag"), [("cancel_job", "isCancelled"), ("terminate_job", "isTerminated")])
def test_a_pending_job_ends_after_what_it_depends_on(lab: Lab, verb: str, flag: str) -> None:
    """Cancelled while it waits for others, a job is PENDING until they have ended, and then FAILED with the reason."""
    _ready(lab)
    other = _submit(lab)
    job = _submit(lab, dependsOn=[{"jobId": other}])
    lab.clock.sleep(5)
    assert _statuses(lab, other, job) == ["STARTING", "PENDING"]
    getattr(lab.batch, verb)(jobId=job, reason="not now")
    assert (_see(lab, job)["status"], _see(lab, job)[flag]) == ("PENDING", True)
    lab.clock.sleep(60)
    assert _statuses(lab, other, job) == ["RUNNING", "PENDING"]
    lab.clock.sleep(10)
    shown = _see(lab, job)
    assert (shown["status"], shown["statusReason"], shown["attempts"]) == ("FAILED", "not now", [])
    assert _statuses(lab, other) == ["SUCCEEDED"]


def test_cancel_of_an_array_cancels_its_children(lab: Lab) -> None:
    """Children that have not started are FAILED at once, the others go on, and the array ends with the last of them."""
    _ready(lab, vcpus=2)
    array = _submit(lab, arrayProperties={"size": 4})
    lab.clock.sleep(5)
    assert _statuses(lab, *_children(array, 4)) == ["STARTING", "STARTING", "RUNNABLE", "RUNNABLE"]
    lab.batch.cancel_job(jobId=array, reason="not now")
    assert (_see(lab, array)["status"], _see(lab, array)["isCancelled"]) == ("PENDING", True)
    assert _statuses(lab, *_children(array, 4)) == ["STARTING", "STARTING", "FAILED", "FAILED"]
    child = _see(lab, f"{array}:3")
    assert (child["statusReason"], child["isCancelled"]) == ("not now", True)
    lab.clock.sleep(100)
    assert _statuses(lab, array, *_children(array, 4)) == ["FAILED", "SUCCEEDED", "SUCCEEDED", "FAILED", "FAILED"]


def test_cancel_of_an_array_of_which_nothing_runs_ends_it(lab: Lab) -> None:
    """With all its children cancelled at once, the array is FAILED at once."""
    _ready(lab, vcpus=1)
    _submit(lab)
    lab.clock.sleep(5)
    array = _submit(lab, arrayProperties={"size": 3})
    lab.clock.sleep(5)
    lab.batch.cancel_job(jobId=array, reason="not now")
    assert _statuses(lab, array, *_children(array, 3)) == ["FAILED"] * 4


def test_one_child_of_an_array_can_be_ended(lab: Lab) -> None:
    """By its own id, or ARN; the others go on."""
    _ready(lab, vcpus=2)
    array = _submit(lab, arrayProperties={"size": 4})
    lab.clock.sleep(5)
    lab.batch.cancel_job(jobId=_see(lab, f"{array}:3")["jobArn"], reason="not now")
    lab.batch.terminate_job(jobId=f"{array}:0", reason="enough")
    assert _statuses(lab, *_children(array, 4)) == ["FAILED", "STARTING", "STARTING", "FAILED"]
    assert _statuses(lab, array) == ["PENDING"]
    lab.clock.sleep(200)
    assert _statuses(lab, array, *_children(array, 4)) == ["FAILED", "FAILED", "SUCCEEDED", "SUCCEEDED", "FAILED"]


def test_terminate_of_an_array_ends_all_of_it(lab: Lab) -> None:
    """Children that run and children that wait are FAILED, and so is the array."""
    _ready(lab, vcpus=2)
    array = _submit(lab, arrayProperties={"size": 4})
    lab.clock.sleep(5)
    lab.batch.terminate_job(jobId=array, reason="enough")
    assert _statuses(lab, array, *_children(array, 4)) == ["FAILED"] * 5
    assert _see(lab, array)["isTerminated"] is True


@pytest.mark.parametrize("verb", ["cancel_job", "terminate_job"])
def test_a_job_that_cannot_be_found_is_no_error(lab: Lab, verb: str) -> None:
    """An identifier that could be a job's is passed over; one that could not is refused."""
    end = getattr(lab.batch, verb)
    arn = f"arn:aws:batch:eu-west-1:123456789012:job/{_UNKNOWN}"
    for job in (_UNKNOWN, f"{_UNKNOWN}:3", f"{_UNKNOWN}#1", arn):
        end(jobId=job, reason="r")
    for job in ("none", "", f"{_UNKNOWN}:x", arn.replace("job/", "job-queue/")):
        assert refusal(end, jobId=job, reason="r")[:2] == (400, "ClientException")


@pytest.mark.parametrize("verb", ["cancel_job", "terminate_job"])
def test_a_reason_is_given_and_is_short(lab: Lab, verb: str) -> None:
    """A reason has up to 1024 characters, and cannot be left out."""
    _ready(lab)
    job = _submit(lab)
    end = getattr(lab.batch, verb)
    assert "1024" in refusal(end, jobId=job, reason="r" * 1025)[2]
    assert lab.post(verb.replace("_", ""), {"jobId": job}).status == 400
    assert _statuses(lab, job) == ["SUBMITTED"]
    end(jobId=job, reason="r" * 1024)
    assert _statuses(lab, job) == ["FAILED"]


def test_jobs_are_cancelled_in_bulk(lab: Lab) -> None:
    """Each is reported on: those that started are not cancelled, which is no error; what is no identifier is one."""
    _ready(lab, vcpus=1)
    running = _submit(lab)
    lab.clock.sleep(20)
    waiting = _submit(lab)
    lab.clock.sleep(5)
    answer = lab.batch.cancel_jobs(jobs=[running, "none", waiting, _UNKNOWN], reason="not now")
    assert answer["successful"] == [running, waiting, _UNKNOWN]
    assert [(it["job"], it["code"]) for it in answer["errors"]] == [("none", "ValidationException")]
    assert "none" in answer["errors"][0]["message"]
    assert _statuses(lab, running, waiting) == ["RUNNING", "FAILED"]
    assert _see(lab, waiting)["statusReason"] == "not now"


def test_jobs_are_terminated_in_bulk(lab: Lab) -> None:
    """Those that run and those that wait are ended, and reported on one by one."""
    _ready(lab, vcpus=1)
    jobs = [_submit(lab), _submit(lab)]
    lab.clock.sleep(20)
    answer = lab.batch.terminate_jobs(jobs=[*jobs, "none"], reason="enough")
    assert answer["successful"] == jobs
    assert [it["job"] for it in answer["errors"]] == ["none"]
    assert _statuses(lab, *jobs) == ["FAILED", "FAILED"]
    assert [_see(lab, job)["isTerminated"] for job in jobs] == [True, True]


@pytest.mark.parametrize("verb", ["cancel_jobs", "terminate_jobs"])
def test_a_bulk_request_is_for_up_to_fifty_jobs(lab: Lab, verb: str) -> None:
    """51 jobs are refused, and none of them is ended; so is a long reason."""
    _ready(lab)
    job = _submit(lab)
    end = getattr(lab.batch, verb)
    assert "at most 50" in refusal(end, jobs=[job] * 51, reason="r")[2]
    assert "1024" in refusal(end, jobs=[job], reason="r" * 1025)[2]
    assert _statuses(lab, job) == ["SUBMITTED"]
    assert end(jobs=[job] * 50, reason="r")["successful"] == [job] * 50
    assert _statuses(lab, job) == ["FAILED"]
