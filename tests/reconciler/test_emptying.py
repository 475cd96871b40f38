"""One step that empties a queue: its calls, its journal, and what becomes of it where a call fails."""

import tracemalloc
from concurrent.futures import Future
from typing import Any

import attrs
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from benchmarks.emptying import drain
from plans.plan import Goal, Step
from plans.report import Event
from providers.simulator import Durations, Fault
from providers.simulator import Settings as Simulated
from tests.kit import ACCOUNT, LAB, REGION, Stage
from tests.reconciler.test_execute import Run, statuses

ADDRESS = "job_queue.low"
QUEUE = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/lab-low"
SLOW = Simulated(durations=Durations(job_running=1800))


def emptied(call: str = "TerminateJob", deadline: float = 600) -> Step:
    more = {} if call.startswith("List") else {"reason": "because"}
    goal = Goal("job_queue", "lab-low", "drained", deadline=deadline)
    return Step("drain", ADDRESS, call, {"jobQueue": QUEUE, **more}, goal)


def busy(jobs: int) -> tuple[Run, list[str]]:
    """The lab with so many jobs in a queue that takes no more."""
    stage = Stage.new(simulated=SLOW)
    stage.apply(LAB)
    ids = [
        str(stage.world.submit_job(jobName="j", jobQueue="lab-low", jobDefinition="lab-align")["jobId"])
        for _ in range(jobs)
    ]
    stage.world.update_job_queue(jobQueue="lab-low", state="DISABLED")
    stage.settle(60)
    stage.simulator.calls.clear()
    return Run(stage), ids


def test_each_call_that_ends_jobs_stands_in_the_journal() -> None:
    """Before it goes out, and with how it ended."""
    run, _ = busy(60)
    assert statuses(run(emptied())) == {"drain": "done"}
    told = [(record["record"], record.get("call"), record.get("status")) for record in run.journal]
    assert told == [("begin", "TerminateJobs", None), ("end", None, "done")] * 2


def test_nothing_is_ended_that_cannot_be_written_down() -> None:
    """The disk is full."""
    run, ids = busy(2)
    run.full_at = 0
    report = run(emptied())
    assert "the disk is full" in str(report.failures[0].error)
    assert run.stage.mutations == []
    run.full_at = 1
    assert "the disk is full" in str(run(emptied()).failures[0].error)
    assert len(ids) == 2


@pytest.mark.parametrize("kind", ["lost", "throttle", "server"])
def test_a_call_that_fails_for_a_while_is_repeated(kind: Any) -> None:
    """To end a job twice does no harm."""
    run, _ = busy(3)
    run.stage.simulator.inject(Fault("TerminateJobs", kind, times=3))
    assert statuses(run(emptied())) == {"drain": "done"}


def test_a_call_that_fails_for_long_is_made_again_in_the_next_round() -> None:
    """Until the time is up; the journal says how each ended."""
    run, _ = busy(1)
    run.stage.simulator.inject(Fault("TerminateJobs", "server", times=None))
    report = run(emptied(deadline=900))
    assert report.retiring
    assert "could not be found out within 900 s" in str(report.failures[0].error)
    assert {record["status"] for record in run.journal if record["record"] == "end"} == {"unknown"}


def test_a_count_that_fails_is_not_retiring() -> None:
    """Where jobs bar the way nothing is waited for: AWS's own words are told."""
    run, _ = busy(1)
    run.stage.simulator.inject(Fault("ListJobs", "server", times=None))
    report = run(emptied("ListJobs", 0))
    assert not report.retiring
    assert "ListJobs: " in str(report.failures[0].error)
    assert "could not be found out" not in str(report.failures[0].error)


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", "failed"), ("ServerException", "done")])
def test_what_a_bulk_call_leaves_out_is_met_again(code: str, status: str) -> None:
    """Unless it may not be ended at all."""
    run, ids = busy(2)
    answers = 0

    def spoil(parsed: dict[str, Any], **_: Any) -> None:
        nonlocal answers
        answers += 1
        if answers == 1:
            parsed["successful"] = []
            parsed["errors"] = [{"job": ids[0], "code": code, "message": "no"}]

    run.stage.batch.meta.events.register("after-call.batch.TerminateJobs", spoil)
    assert statuses(run(emptied())) == {"drain": status}
    told = [event.detail["ended"] for event in run.events if event.event == "called"]
    assert told == ([1] if status == "done" else [])


def test_one_call_a_job_where_the_model_has_none_for_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of an older botocore."""
    run, _ = busy(3)
    monkeypatch.delattr(type(run.stage.batch), "terminate_jobs")
    assert statuses(run(emptied())) == {"drain": "done"}
    assert run.stage.calls["TerminateJob"] == 3


def test_a_job_that_was_told_to_end_is_not_told_again() -> None:
    """It is listed as long as it has not ended."""
    run, ids = busy(2)
    listings = 0

    def show(parsed: dict[str, Any], **_: Any) -> None:
        nonlocal listings
        listings += 1
        if listings == 1:
            shown: list[dict[str, Any]] = [{"jobId": ids[0], "isTerminated": True}, {"jobId": ids[1]}]
            parsed["jobSummaryList"] = [{**each, "status": "RUNNING"} for each in shown]

    told: list[list[str]] = []
    events = run.stage.batch.meta.events
    events.register("after-call.batch.ListJobs", show)
    events.register("provide-client-params.batch.TerminateJobs", lambda params, **_: told.append(params["jobs"]))
    run(emptied())
    assert told[0] == [ids[1]]


def test_jobs_that_bar_the_way_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it no further page is asked for, and that there are more is said."""
    monkeypatch.setattr("reconciler.emptying.BOUND", 5)
    run, _ = busy(20)
    run.stage.simulator.settings = attrs.evolve(SLOW, page_size=4)
    report = run(emptied("ListJobs", 0))
    assert "lab-low holds more than 5 unfinished jobs (5 RUNNING)" in str(report.failures[0].error)
    assert run.stage.calls["ListJobs"] == 1 + 5 + 1
    run.events.clear()
    run(emptied("ListJobs", 60))
    assert next(event.detail["jobs"] for event in run.events if event.event == "polled") == 20


def test_a_job_that_is_gone_has_ended() -> None:
    """It need not be ended any more."""
    run, _ = busy(2)
    run.stage.simulator.inject(Fault("TerminateJobs", "unknown", times=1))
    answers = [
        (AWSResponse("", 400, HTTPHeaders(), None), {"Error": {"Code": "ClientException", "Message": "Job not found"}})
    ]

    def gone(**_: Any) -> Any:
        return answers.pop() if answers else None

    run.stage.batch.meta.events.register("before-call.batch.TerminateJob", gone)
    report = run(emptied())
    assert statuses(report) == {"drain": "done"}
    assert [record["status"] for record in run.journal if record["record"] == "end"][:3] == ["failed", "done", "done"]


@pytest.mark.parametrize("call", ["ListJobs", "TerminateJob"])
def test_a_failure_that_will_not_pass_ends_the_step(call: str) -> None:
    """AWS's own words are told."""
    run, _ = busy(1)
    run.stage.simulator.inject(Fault(call if call == "ListJobs" else "TerminateJobs", "denied", times=None))
    assert "AccessDenied" in str(run(emptied(call)).failures[0].error)


def test_after_a_signal_no_further_job_is_ended() -> None:
    """The call in flight finishes, and the journal holds no call that did not go out as one that may have been done."""
    run, _ = busy(120)
    stop: Future[int] = Future()
    run.stop = stop

    def interrupt(operation: str, _number: int) -> None:
        if operation == "TerminateJobs" and not stop.done():
            stop.set_result(15)

    run.stage.simulator.before_call = interrupt
    report = run(emptied())
    assert report.exit_code == 143
    assert run.stage.calls["TerminateJobs"] == 1
    assert {record.get("status") for record in run.journal} <= {None, "done", "unsent"}


def test_ending_many_jobs_holds_no_more_than_a_page() -> None:
    """Ten times as many jobs take about as much memory."""

    def peak(jobs: int) -> int:
        tracemalloc.start()
        try:
            service, _ = drain(jobs)
            assert service.ended == jobs
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1000)
    assert peak(5000) < peak(1000) * 1.3


def test_how_many_jobs_were_ended_is_told() -> None:
    """Once for each page."""
    run, _ = busy(3)
    run(emptied())
    told: list[Event] = [event for event in run.events if event.event == "called"]
    assert [(event.detail["call"], event.detail["ended"]) for event in told] == [("TerminateJobs", 3)]
