"""What jobs wait for."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab, refusal


@pytest.fixture
def lab() -> Lab:
    lab = Lab.new(
        settings=Settings(
            outcomes=(
                Outcome(name="bad", exit_code=1),
                Outcome(name="one-bad", index=1, exit_code=1),
                Outcome(name="slow", seconds=500),
                Outcome(name="slow-*", index=1, seconds=500),
            )
        )
    )
    lab.ground(maxvCpus=64)
    return lab


def _on(*jobs: str, **more: Any) -> list[dict[str, Any]]:
    return [{"jobId": job, **more} for job in jobs]


def test_a_job_waits_as_pending_until_all_have_succeeded(lab: Lab) -> None:
    """The last of those that it depends on lets it go on."""
    first, slow = lab.submit(), lab.submit(jobName="slow")
    job = lab.submit(dependsOn=_on(first, slow))
    assert lab.see_job(job)["dependsOn"] == [{"jobId": first}, {"jobId": slow}]
    lab.clock.sleep(510)
    assert lab.statuses(first, slow, job) == ["SUCCEEDED", "RUNNING", "PENDING"]
    lab.clock.sleep(1)
    assert lab.statuses(slow, job) == ["SUCCEEDED", "STARTING"]
    late = lab.submit(wait=1, dependsOn=_on(first))
    assert lab.statuses(late) == ["STARTING"]


def test_a_job_fails_with_what_it_depends_on(lab: Lab) -> None:
    """One failure is enough, before or after; it fails without an attempt, and so on down the chain."""
    bad, slow = lab.submit(jobName="bad"), lab.submit(jobName="slow")
    job = lab.submit(dependsOn=_on(slow, bad))
    then = lab.submit(dependsOn=_on(job))
    lab.clock.sleep(71)
    assert lab.statuses(bad, slow, job, then) == ["FAILED", "RUNNING", "FAILED", "FAILED"]
    assert lab.see_job(then)["statusReason"] == "Dependent Job failed"
    assert lab.see_job(then)["attempts"] == []
    late = lab.submit(wait=1, dependsOn=_on(bad))
    assert lab.statuses(late) == ["FAILED"]


@pytest.mark.parametrize("name", ["bad", "good"])
def test_a_chain_may_be_long(lab: Lab, name: str) -> None:
    """A thousand jobs, each after the one before it, all come to their end."""
    jobs = [lab.submit(jobName=name)]
    for _ in range(1100):
        jobs.append(lab.submit(dependsOn=_on(jobs[-1])))
    lab.clock.sleep(1102 * 71)
    by_name = [{"name": "JOB_NAME", "values": ["*"]}]
    pages = lab.batch.get_paginator("list_jobs").paginate(jobQueue="q", filters=by_name)
    seen = [it["status"] for page in pages for it in page["jobSummaryList"]]
    assert seen == ["FAILED" if name == "bad" else "SUCCEEDED"] * 1101


@pytest.mark.parametrize(
    ("depends", "array", "says"),
    [
        ([{}] * 21, False, "up to 20"),
        ([{"type": "SEQUENTIAL"}], False, "array jobs"),
        ([{"type": "N_TO_N", "jobId": "ARRAY"}], False, "array jobs"),
        ([{"type": "SEQUENTIAL", "jobId": "ARRAY"}], True, "SEQUENTIAL"),
        ([{"type": "N_TO_N"}], True, "jobId"),
        ([{}], False, "jobId"),
        ([{"jobId": "none"}], False, "none does not exist"),
        ([{"type": "N_TO_N", "jobId": "SINGLE"}], True, "same size"),
        ([{"type": "N_TO_N", "jobId": "LARGER"}], True, "same size"),
    ],
)
def test_a_dependency_is_refused(lab: Lab, depends: list[dict[str, Any]], array: bool, says: str) -> None:
    """Up to 20, on jobs that are there, with types that arrays have."""
    known = {
        "ARRAY": lab.submit(arrayProperties={"size": 2}),
        "LARGER": lab.submit(arrayProperties={"size": 3}),
        "SINGLE": lab.submit(),
    }
    named = [{**it, **({"jobId": known.get(it["jobId"], it["jobId"])} if "jobId" in it else {})} for it in depends]
    request: dict[str, Any] = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", "dependsOn": named}
    if array:
        request["arrayProperties"] = {"size": 2}
    assert says in refusal(lab.batch.submit_job, **request)[2]


def test_twenty_dependencies_are_taken(lab: Lab) -> None:
    """Twenty jobs, named by id or ARN, may be waited for."""
    jobs = [lab.submit() for _ in range(20)]
    arn = lab.see_job(jobs[0])["jobArn"]
    job = lab.submit(dependsOn=_on(arn, *jobs[1:]))
    lab.clock.sleep(70)
    assert lab.statuses(job) == ["PENDING"]
    lab.clock.sleep(1)
    assert lab.statuses(job) == ["STARTING"]


def test_children_of_a_sequence_go_one_by_one(lab: Lab) -> None:
    """Each waits for the one before it, and fails if that does."""
    array = lab.submit(arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
    children = [f"{array}:{index}" for index in range(3)]
    lab.clock.sleep(2)
    assert lab.statuses(*children) == ["STARTING", "PENDING", "PENDING"]
    lab.clock.sleep(70)
    assert lab.statuses(*children) == ["SUCCEEDED", "STARTING", "PENDING"]
    lab.clock.sleep(140)
    assert lab.statuses(array, *children) == ["SUCCEEDED"] * 4
    bad = lab.submit(jobName="one-bad", arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}], wait=200)
    assert lab.statuses(bad, *(f"{bad}:{index}" for index in range(4))) == ["FAILED", "SUCCEEDED"] + ["FAILED"] * 3


@pytest.mark.parametrize("wait", [0, 30])
def test_children_wait_for_their_like(lab: Lab, wait: float) -> None:
    """In N_TO_N a child goes on as soon as the one of its index in the other array has succeeded."""
    first = lab.submit(jobName="slow-one", arrayProperties={"size": 3}, wait=wait)
    second = lab.submit(arrayProperties={"size": 3}, dependsOn=_on(first, type="N_TO_N"))
    lab.clock.sleep(80)
    assert lab.statuses(*(f"{second}:{index}" for index in range(3))) == [
        "STARTING" if not wait else "RUNNING",
        "PENDING",
        "STARTING" if not wait else "RUNNING",
    ]
    lab.clock.sleep(700)
    assert lab.statuses(second) == ["SUCCEEDED"]


def test_a_child_fails_with_its_like_only(lab: Lab) -> None:
    """In N_TO_N a failed child takes the one of its index with it, also where it had failed before."""
    first = lab.submit(jobName="one-bad", arrayProperties={"size": 2})
    second = lab.submit(arrayProperties={"size": 2}, dependsOn=_on(first, type="N_TO_N"))
    lab.clock.sleep(200)
    third = lab.submit(arrayProperties={"size": 2}, dependsOn=_on(first, type="N_TO_N"), wait=200)
    for array in (second, third):
        assert lab.statuses(array, f"{array}:0", f"{array}:1") == ["FAILED", "SUCCEEDED", "FAILED"]


def test_an_array_waits_for_one_that_has_not_spread(lab: Lab) -> None:
    """An array whose own dependency is pending keeps those that pair with it waiting; its failure is theirs."""
    slow = lab.submit(jobName="slow")
    first = lab.submit(arrayProperties={"size": 2}, dependsOn=_on(slow))
    second = lab.submit(arrayProperties={"size": 2}, dependsOn=_on(first, type="N_TO_N"), wait=300)
    assert lab.statuses(first, second) == ["PENDING", "PENDING"]
    assert lab.batch.list_jobs(arrayJobId=second, jobStatus="PENDING")["jobSummaryList"] == []
    lab.clock.sleep(300)
    assert lab.statuses(second, f"{second}:1") == ["PENDING", "RUNNING"]
    lab.clock.sleep(200)
    assert lab.statuses(second) == ["SUCCEEDED"]
    bad = lab.submit(jobName="bad")
    first = lab.submit(arrayProperties={"size": 2}, dependsOn=_on(bad))
    second = lab.submit(arrayProperties={"size": 2}, dependsOn=_on(first, type="N_TO_N"), wait=100)
    assert lab.statuses(first, second) == ["FAILED", "FAILED"]
    assert lab.see_job(f"{second}:0") == {}
    third = lab.submit(arrayProperties={"size": 2}, dependsOn=_on(first, type="N_TO_N"), wait=100)
    assert lab.statuses(third, f"{third}:0") == ["FAILED", "FAILED"]


def test_a_job_may_wait_for_one_child(lab: Lab) -> None:
    """A child of an array is a job like another to those that depend on it."""
    array = lab.submit(jobName="slow-one", arrayProperties={"size": 2}, wait=2)
    job = lab.submit(dependsOn=_on(f"{array}:0"), wait=75)
    assert lab.statuses(array, job) == ["PENDING", "STARTING"]


def test_a_job_that_has_ended_waits_no_more(lab: Lab) -> None:
    """One that was terminated while it waited stays FAILED, with its reason, when the other succeeds."""
    first = lab.submit()
    job = lab.submit(dependsOn=_on(first))
    lab.batch.terminate_job(jobId=job, reason="enough")
    lab.clock.sleep(100)
    shown = lab.see_job(job)
    assert (shown["status"], shown["statusReason"], lab.statuses(first)) == ("FAILED", "enough", ["SUCCEEDED"])


def test_a_job_is_submitted_for_its_time_whatever_it_waited_for(lab: Lab) -> None:
    """One whose dependency succeeds in the meantime is not RUNNABLE sooner than others."""
    first = lab.submit(wait=70.5)
    second = lab.submit(dependsOn=[{"jobId": first}], wait=0.7)
    assert lab.statuses(first, second) == ["SUCCEEDED", "SUBMITTED"]
    lab.clock.sleep(0.4)
    assert lab.statuses(second) == ["STARTING"]
