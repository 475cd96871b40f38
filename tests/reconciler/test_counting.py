"""Counting the jobs that a plan disturbs."""

from collections.abc import Mapping
from typing import Any

import pytest

from providers.errors import Interrupted, Rejected
from providers.provider import Provider
from providers.resources import JobCount, JobList, Unread
from providers.simulator import Fault
from reconciler.counting import count
from reconciler.retry import Caller, InlinePool
from tests.kit import LAB, TRAINING, Stage, kinds

QUEUE = JobList("ListJobs", {"jobQueue": "lab-low"})


class Pages:
    """A service that answers each listing as it is told; more jobs than one page holds have ended."""

    def __init__(self, jobs: Mapping[str, list[list[dict[str, Any]]]]) -> None:
        self.jobs = jobs
        self.asked: list[str] = []

    def list_jobs(self, **asked: Any) -> dict[str, Any]:
        if "filters" in asked:
            return {"jobSummaryList": [{"jobId": "0", "status": "FAILED"}], "nextToken": "1"}
        self.asked.append(asked["jobStatus"])
        pages, number = self.jobs.get(asked["jobStatus"], [[]]), int(asked.get("nextToken", "0"))
        following = {"nextToken": str(number + 1)} if number + 1 < len(pages) else {}
        return {"jobSummaryList": pages[number], **following}


def caller(stage: Stage) -> Caller:
    return Caller(pool=InlinePool(), clock=stage.clock, rng=stage.reconciler.rng)


def counted(stage: Stage, client: Any = None, told: bool = False) -> Any:
    provider = Provider(client or stage.batch, kinds())
    found = count(provider, caller(stage), [] if told else [QUEUE], [QUEUE] if told else [])
    return found["lab-low"]


def test_jobs_are_counted_by_status_over_all_pages() -> None:
    """An empty page with a token is not the last; the longest that runs is told in seconds."""
    stage = Stage.new()
    stage.clock.sleep(1000)
    running = {"jobId": "1", "startedAt": int((stage.clock.now() - 90) * 1000)}
    found = counted(stage, Pages({"RUNNING": [[running], [{"jobId": "2"}]], "PENDING": [[], [{"jobId": "3"}]]}))
    assert found == JobCount(
        {"SUBMITTED": 0, "PENDING": 1, "RUNNABLE": 0, "STARTING": 0, "RUNNING": 2}, more=False, longest=90
    )


def test_one_page_of_all_statuses_is_a_count() -> None:
    """A status that is not known yet is one of a job that has not ended; nothing else is listed."""

    class Few:
        def list_jobs(self, **asked: Any) -> dict[str, Any]:
            assert asked["filters"] == [{"name": "AFTER_CREATED_AT", "values": ["0"]}]
            running = {"status": "RUNNING", "startedAt": int((stage.clock.now() - 90) * 1000)}
            others = [{"status": status} for status in ("SUCCEEDED", "PENDING", "FAILED", "HELD")]
            return {"jobSummaryList": [running, {**others[1], "arrayProperties": {"size": 7}}, *others]}

    stage = Stage.new()
    stage.clock.sleep(1000)
    found = counted(stage, Few())
    assert {status: number for status, number in found.by_status.items() if number} == {
        "RUNNING": 1,
        "PENDING": 2,
        "HELD": 1,
    }
    assert (found.total, found.more, found.longest, found.children) == (4, False, 90, 7)


@pytest.mark.parametrize(
    ("pages", "more"), [([1000], False), ([999, 1], False), ([1000, 0], False), ([600, 600], True), ([1000, 1], True)]
)
def test_counting_stops_at_a_bound(pages: list[int], more: bool) -> None:
    """A thousand of one status are enough; that there are more is said, and no further page is asked for."""
    client = Pages({"RUNNABLE": [[{"jobId": "1"}] * size for size in pages]})
    found = counted(Stage.new(), client)
    assert (found.by_status["RUNNABLE"], found.more) == (1000, more)
    assert client.asked.count("RUNNABLE") <= 2
    assert str(found).startswith("more than 1000" if more else "1000 unfinished")


def test_that_there_are_more_of_one_status_is_not_forgotten() -> None:
    """Though the statuses that are listed after it have few."""
    found = counted(Stage.new(), Pages({"SUBMITTED": [[{"jobId": "1"}] * 1001], "RUNNING": [[{"jobId": "2"}]]}))
    assert (found.total, found.more) == (1001, True)


def test_what_is_gone_holds_no_jobs() -> None:
    """A queue may leave between the look at it and the count."""
    assert counted(Stage.new()).total == 0


def test_jobs_that_need_not_be_known_may_stay_unread() -> None:
    """Where a deletion hangs on the count it fails; where it is only told, why it could not be read is."""
    stage = Stage.new()
    stage.apply(LAB)
    stage.simulator.inject(Fault("ListJobs", "denied", times=None))
    found = counted(stage, told=True)
    assert isinstance(found, Unread)
    assert "AccessDenied" in found.reason
    with pytest.raises(Exception, match="not authorized"):
        counted(stage)


def test_what_is_refused_for_another_reason_is_raised() -> None:
    """A count that fails half-way is no count, even where it is only told."""
    stage = Stage.new()
    stage.apply(LAB)
    listing = JobList("ListServiceJobs", {"jobQueue": "lab-low", "filters": [{"name": "NONE", "values": ["x"]}]})
    with pytest.raises(Rejected):
        count(Provider(stage.batch, kinds()), caller(stage), [], [listing])


def test_service_jobs_are_counted_by_their_own_listing() -> None:
    """They have a status more, and a listing by quota share."""
    stage = Stage.new()
    stage.apply(TRAINING)
    queue = stage.queue("lab-teams")["jobQueueArn"]
    stage.world.submit_service_job(
        jobName="t",
        jobQueue=queue,
        quotaShareName="lab-red",
        serviceJobType="SAGEMAKER_TRAINING",
        serviceRequestPayload='{"ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"}}',
    )
    lists = [
        JobList("ListServiceJobs", {"jobQueue": queue, "filters": [{"name": "QUOTA_SHARE_NAME", "values": [name]}]})
        for name in ("lab-red", "lab-blue")
    ]
    found = count(Provider(stage.batch, kinds()), caller(stage), lists)
    totals = {whose.rpartition("/")[2]: one.total for whose, one in found.items() if isinstance(one, JobCount)}
    assert totals == {"lab-red": 1, "lab-blue": 0}
    assert all("SCHEDULED" in one.by_status for one in found.values() if isinstance(one, JobCount))


def test_a_signal_ends_the_count() -> None:
    """Nothing was changed, and that is said."""
    stage = Stage.new()
    stop = stage.stopper()
    stop.set_result(15)
    calls = caller(stage)
    calls.stop = stop
    with pytest.raises(Interrupted):
        count(Provider(stage.batch, kinds()), calls, [QUEUE])
