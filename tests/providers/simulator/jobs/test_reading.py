"""DescribeJobs and ListJobs."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab, refusal


def _listed(lab: Lab, **question: Any) -> list[str]:
    pages = lab.batch.get_paginator("list_jobs").paginate(**{"jobQueue": "q", **question})
    return [it["jobId"] for page in pages for it in page["jobSummaryList"]]


def _filtered(lab: Lab, name: str, *values: str, **more: Any) -> list[str]:
    return _listed(lab, filters=[{"name": name, "values": list(values)}], **more)


def test_jobs_are_described_by_id(lab: Lab) -> None:
    """By id or ARN, up to a hundred, each once; unknown ones are left out."""
    lab.ground()
    first, second = lab.submit(), lab.submit()
    arn = lab.see_job(first)["jobArn"]
    described = lab.batch.describe_jobs(jobs=[second, "none", arn, first, second])["jobs"]
    assert described[0]["jobId"] == second
    assert {it["jobId"] for it in described} == {first, second}
    assert "100" in refusal(lab.batch.describe_jobs, jobs=["x"] * 101)[2]


@pytest.mark.parametrize(
    "question",
    [{}, {"jobQueue": "q", "arrayJobId": "x"}, {"arrayJobId": "x", "multiNodeJobId": "x"}],
)
def test_a_list_is_of_one_thing(lab: Lab, question: dict[str, Any]) -> None:
    """A queue, an array or a multi-node job is asked for, and only one of them."""
    lab.ground()
    assert "Exactly one" in refusal(lab.batch.list_jobs, **question)[2]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"jobQueue": "none"}, "does not exist"),
        ({"arrayJobId": "none"}, "not found"),
        ({"multiNodeJobId": "none"}, "not found"),
        ({"jobQueue": "q", "maxResults": 0}, "maxResults"),
        ({"jobQueue": "q", "nextToken": "x"}, "nextToken"),
        ({"jobQueue": "q", "filters": [{"name": "JOB_NAME", "values": []}]}, "values"),
        ({"jobQueue": "q", "filters": [{"name": "job_name", "values": ["j"]}]}, "Invalid filter name: job_name"),
        ({"jobQueue": "q", "filters": [{"name": "AFTER_CREATED_AT", "values": ["today"]}]}, "milliseconds"),
        ({"jobQueue": "q", "filters": [{"name": "JOB_NAME", "values": ["j"]}] * 2}, "one filter"),
    ],
)
def test_a_list_is_refused(lab: Lab, question: dict[str, Any], says: str) -> None:
    """What is asked for is there, and filters are known."""
    lab.ground()
    assert says in refusal(lab.batch.list_jobs, **question)[2]


def test_jobs_are_listed_by_queue_and_status(lab: Lab) -> None:
    """One status at a time, RUNNING where none is asked, page by page, in the order they came."""
    lab.ground()
    jobs = [lab.submit(jobName=f"j{number}") for number in range(3)]
    lab.clock.sleep(15)
    late = lab.submit()
    listed = lab.batch.list_jobs(jobQueue="q", maxResults=2)
    assert len(listed["jobSummaryList"]) == 2
    assert _listed(lab, PaginationConfig={"PageSize": 2}) == jobs
    assert _listed(lab, jobStatus="SUBMITTED") == [late]
    assert _listed(lab, jobStatus="FAILED") == []


def test_a_summary_tells_the_outcome() -> None:
    """Times, reason, exit code and definition; that a job was terminated only where it was."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(name="bad", exit_code=3, reason="why"),)))
    lab.ground()
    bad = lab.submit(jobName="bad", wait=100)
    gone = lab.submit()
    lab.batch.terminate_job(jobId=gone, reason="enough")
    listed = {it["jobId"]: it for it in lab.batch.list_jobs(jobQueue="q", jobStatus="FAILED")["jobSummaryList"]}
    shown = lab.see_job(bad)
    keys = ("jobArn", "jobId", "jobName", "createdAt", "startedAt", "stoppedAt", "status", "statusReason")
    assert listed[bad] == {
        **{key: shown[key] for key in (*keys, "jobDefinition")},
        "container": {"exitCode": 3, "reason": "why"},
    }
    assert (listed[gone]["isTerminated"], "isCancelled" in listed[gone]) == (True, False)


def test_a_page_has_up_to_a_thousand(lab: Lab) -> None:
    """A thousand by status, a hundred by filter, whatever was asked for."""
    lab.ground(maxvCpus=2000)
    array = lab.submit(arrayProperties={"size": 1100}, wait=20)
    for _ in range(101):
        lab.submit()
    for question, most in (
        ({"arrayJobId": array}, 1000),
        ({"arrayJobId": array, "maxResults": 1001}, 1000),
        ({"arrayJobId": array, "maxResults": 7}, 7),
        ({"jobQueue": "q", "filters": [{"name": "JOB_NAME", "values": ["j"]}]}, 100),
        ({"jobQueue": "q", "maxResults": 500, "filters": [{"name": "JOB_NAME", "values": ["j"]}]}, 100),
    ):
        page = lab.batch.list_jobs(**question)
        assert (len(page["jobSummaryList"]), "nextToken" in page) == (most, True)


def test_children_are_listed_by_their_array(lab: Lab) -> None:
    """By status as jobs are, each with its index; the queue's list has the parent, with size and summary."""
    lab.ground(maxvCpus=2)
    array = lab.submit(arrayProperties={"size": 3}, wait=20)
    listed = lab.batch.list_jobs(arrayJobId=array)["jobSummaryList"]
    assert [(it["jobId"], it["arrayProperties"]) for it in listed] == [(f"{array}:{n}", {"index": n}) for n in (0, 1)]
    waiting = lab.batch.list_jobs(arrayJobId=array, jobStatus="RUNNABLE")["jobSummaryList"]
    assert [it["jobId"] for it in waiting] == [f"{array}:2"]
    by_filter = [{"name": "JOB_NAME", "values": ["none"]}]
    assert lab.batch.list_jobs(arrayJobId=array, filters=by_filter)["jobSummaryList"] == listed
    (parent,) = lab.batch.list_jobs(jobQueue="q", jobStatus="PENDING")["jobSummaryList"]
    assert parent["arrayProperties"]["size"] == 3
    assert parent["arrayProperties"]["statusSummary"]["RUNNING"] == 2
    assert _listed(lab) == []


def test_filters_find_jobs_in_every_status(lab: Lab) -> None:
    """Names in any case, definitions in this one, both also by their beginning; the newest first."""
    lab.ground()
    lab.definition("d")
    lab.definition("dd")
    old = lab.submit(jobName="Test1", jobDefinition="d:1", wait=100)
    new = lab.submit(jobName="test1", wait=5)
    other = lab.submit(jobName="test10", jobDefinition="dd")
    assert _filtered(lab, "JOB_NAME", "TEST1") == [new, old]
    assert _filtered(lab, "JOB_NAME", "test1*") == [other, new, old]
    assert _filtered(lab, "JOB_NAME", "test1", jobStatus="FAILED") == [new, old]
    assert _filtered(lab, "JOB_NAME", "test1*", PaginationConfig={"PageSize": 1}) == [other, new, old]
    assert _filtered(lab, "JOB_DEFINITION", "d") == [new, old]
    assert _filtered(lab, "JOB_DEFINITION", "d*") == [other, new, old]
    assert _filtered(lab, "JOB_DEFINITION", "D") == []
    arn = lab.see_job(old)["jobDefinition"]
    assert _filtered(lab, "JOB_DEFINITION", arn) == [old]
    assert _filtered(lab, "JOB_DEFINITION", arn[:-1] + "*") == []


def test_filters_find_jobs_by_time(lab: Lab) -> None:
    """Before and after an instant in milliseconds, which itself is neither."""
    lab.ground()
    jobs = [lab.submit(wait=10) for _ in range(3)]
    instant = str(lab.see_job(jobs[1])["createdAt"])
    assert _filtered(lab, "BEFORE_CREATED_AT", instant) == [jobs[0]]
    assert _filtered(lab, "AFTER_CREATED_AT", instant) == [jobs[2]]


def test_shares_may_be_asked_for_by_status(lab: Lab) -> None:
    """SHARE_IDENTIFIER goes together with a status, and without one finds all."""
    lab.ground()
    lab.queue("fair", "a", schedulingPolicyArn=lab.batch.create_scheduling_policy(name="p")["arn"])
    fair = {"jobQueue": "fair", "schedulingPriorityOverride": 1}
    done = lab.submit(**fair, shareIdentifier="s", wait=100)
    running = lab.submit(**fair, shareIdentifier="s", wait=20)
    lab.submit(**fair, shareIdentifier="t", wait=20)
    assert _filtered(lab, "SHARE_IDENTIFIER", "s", jobQueue="fair") == [running, done]
    assert _filtered(lab, "SHARE_IDENTIFIER", "s", jobQueue="fair", jobStatus="SUCCEEDED") == [done]


def test_lists_may_lag_behind(lab: Lab) -> None:
    """Within the bound of stale reads a list and a describe show jobs as they were."""
    lab = Lab.new(settings=Settings(stale_reads=5))
    lab.ground()
    job = lab.submit()
    assert (lab.see_job(job), _filtered(lab, "JOB_NAME", "j")) == ({}, [])
    lab.clock.sleep(12)
    assert (lab.statuses(job), _listed(lab), _listed(lab, jobStatus="STARTING")) == (["STARTING"], [], [job])
    lab.clock.sleep(5)
    assert (lab.statuses(job), _listed(lab)) == (["RUNNING"], [job])


@pytest.mark.parametrize("value", ["\u00b2", "9" * 5000, "-1", "1_0", ""])
def test_a_time_is_a_plain_number(lab: Lab, value: str) -> None:
    """Up to 19 ASCII digits; whatever else is refused."""
    lab.ground()
    given = [{"name": "BEFORE_CREATED_AT", "values": [value]}]
    assert "is not a number of milliseconds" in refusal(lab.batch.list_jobs, jobQueue="q", filters=given)[2]
