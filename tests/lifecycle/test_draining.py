"""An environment that was replaced: let go by its queues, disabled, drained and deleted, with a stack around it."""

from typing import Any

import pytest

from plans.plan import Goal, Plan, Step
from plans.report import Report
from plans.views import markdown, page, terminal
from providers.simulator import Durations, Fault, Outcome
from providers.simulator import Settings as Simulated
from tests.kit import ACCOUNT, LAB, REGION, Stage, edit
from tests.reconciler.test_execute import Run, statuses

SPOT = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/lab-spot"
ONDEMAND = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/lab-ondemand"
ADDRESS = "compute_environment.spot"
MOVED = edit(LAB, ("[spot, ondemand]", "[ondemand]"))


def retirement(*, seconds: float = 1800) -> list[Step]:
    """The queue moves away; then unreferenced, disabled, drained, gone."""
    environment = {"computeEnvironment": SPOT}

    def goal(until: Any, **given: Any) -> Goal:
        return Goal("compute_environment", "lab-spot", until, **given)

    def step(name: str, call: str | None, arguments: dict[str, Any], goal: Goal, after: str) -> Step:
        return Step(f"{name}:{ADDRESS}", ADDRESS, call, arguments, goal, (after,))

    order = [{"order": 1, "computeEnvironment": ONDEMAND}]
    return [
        Step(
            "update:job_queue.high",
            "job_queue.high",
            "UpdateJobQueue",
            {"jobQueue": "lab-high", "computeEnvironmentOrder": order},
            Goal("job_queue", "lab-high", "settled", {"computeEnvironmentOrder": order}),
        ),
        step(
            "unreferenced",
            None,
            {"arn": SPOT},
            Goal("job_queue", SPOT, "unreferenced", deadline=600),
            "update:job_queue.high",
        ),
        step(
            "disable",
            "UpdateComputeEnvironment",
            {**environment, "state": "DISABLED"},
            goal("disabled"),
            f"unreferenced:{ADDRESS}",
        ),
        step("drain", None, environment, goal("drained", deadline=seconds), f"disable:{ADDRESS}"),
        step("delete", "DeleteComputeEnvironment", environment, goal("gone"), f"drain:{ADDRESS}"),
    ]


def staged(jobs: int = 0, **simulated: Any) -> Run:
    """The lab, with so many jobs on its spot environment, each of ten minutes."""
    outcomes = (Outcome(name="work", seconds=600),)
    run = Run(Stage.new(simulated=Simulated(outcomes=outcomes, **simulated)))
    run.stage.apply(LAB)
    for _ in range(jobs):
        run.stage.world.submit_job(jobName="work", jobQueue="lab-high", jobDefinition="lab-align")
    run.stage.settle(30)
    run.stage.simulator.calls.clear()
    return run


def rendered(steps: list[Step], report: Report) -> list[str]:
    plan = Plan("id", "lab", {}, ACCOUNT, REGION, {}, "", steps=tuple(steps))
    return [terminal.render(plan, report), markdown.render(plan, report), page.render(plan, report)]


def test_no_job_is_lost_when_an_environment_retires() -> None:
    """What ran there ends as it would have; the environment goes after that, and the stack is as it is to be."""
    run = staged(3)
    report = run(*retirement())
    assert set(statuses(report).values()) == {"done"}
    assert run.stage.environment("lab-spot") == {}
    jobs = run.stage.world.list_jobs(jobQueue="lab-high", jobStatus="SUCCEEDED")["jobSummaryList"]
    assert len(jobs) == 3
    told = [event.detail["jobs"] for event in run.events if event.event == "polled" and "jobs" in event.detail]
    assert (told[0], told[-1]) == (3, 0)


def test_what_still_runs_is_told_as_retiring_and_the_same_command_goes_on() -> None:
    """Exit code 4 and the word in every view; the environment stays DISABLED; run again, it goes."""
    run = staged(2)
    steps = retirement(seconds=60)
    report = run(*steps)
    assert report.exit_code == 4
    assert list(statuses(report).values()) == ["done", "done", "done", "retiring", "skipped"]
    assert report.failures[0].error == "lab-spot still runs 2 jobs after 60 s; it stays disabled"
    for text in rendered(steps, report):
        assert "Still retiring: 3 done, 1 retiring, 1 skipped" in text
        assert "goes on where this stopped" in text
    shown = rendered(steps, report)[0]
    assert "wait until drained lab-spot  retiring" in shown
    assert f"because drain:{ADDRESS} has not ended yet" in shown
    assert "failed" not in shown.lower()
    environment = run.stage.environment("lab-spot")
    assert (environment["state"], environment["status"]) == ("DISABLED", "VALID")
    assert set(statuses(run(*retirement())).values()) == {"done"}
    assert run.stage.environment("lab-spot") == {}


def test_a_failure_beside_it_is_a_failure() -> None:
    """Retiring is only what an apply ends with when nothing else went wrong."""
    run = staged(1)
    run.stage.simulator.inject(Fault("CreateSchedulingPolicy", "denied"))
    steps = [
        *retirement(seconds=60),
        Step("create", "scheduling_policy.x", "CreateSchedulingPolicy", {"name": "x", "tags": {}}),
    ]
    report = run(*steps)
    assert report.exit_code == 4
    assert "Applied in part: 3 done, 1 failed, 1 retiring, 1 skipped" in rendered(steps, report)[0]


def test_a_queue_that_begins_to_refer_to_it_keeps_it() -> None:
    """Another's queue, made after the plan: nothing is disabled, and the queue is named."""
    run = staged()
    order = [{"order": 1, "computeEnvironment": SPOT}]
    run.stage.world.create_job_queue(jobQueueName="late", priority=1, computeEnvironmentOrder=order)
    report = run(*retirement())
    assert list(statuses(report).values()) == ["done", "failed", "skipped", "skipped", "skipped"]
    assert "lab-spot is still referred to by the job queues late" in str(report.failures[0].error)
    assert run.stage.environment("lab-spot")["state"] == "ENABLED"


@pytest.mark.parametrize("lag", [60, 180, 600])
def test_the_relation_that_lags_is_outlived(lag: float) -> None:
    """Minutes after the queue let go AWS may still see its relation: the deletion is repeated until it does not."""
    run = staged(relation_lag=lag, durations=Durations(disable_environment=1))
    report = run(*retirement())
    assert set(statuses(report).values()) == {"done"}
    assert run.stage.environment("lab-spot") == {}
    told = [event for event in run.events if event.event == "retried"]
    assert {event.step for event in told} == {f"delete:{ADDRESS}"}
    assert all("found existing JobQueue relationship" in event.detail["error"] for event in told)
    assert report.calls["DeleteComputeEnvironment"] == len(told) + 1 <= lag / 5


def test_a_relation_that_never_ends_ends_the_wait() -> None:
    """After a quarter of an hour, in AWS's words, with what to do."""
    run = staged(relation_lag=1e6)
    report = run(*retirement())
    (failure,) = report.failures
    assert failure.step == f"delete:{ADDRESS}"
    assert "Cannot delete, found existing JobQueue relationship" in str(failure.error)
    assert failure.hint == "once no queue names it, run the same command again"
    assert 900 <= failure.seconds < 960
    assert report.exit_code == 4
    assert run.stage.environment("lab-spot")["state"] == "DISABLED"


@pytest.mark.parametrize("busy", [60, 180])
def test_an_environment_in_transition_is_deleted_once_it_has_settled(busy: float) -> None:
    """Somebody else's update is on its way as the deletion comes: `being modified` is waited out."""
    run = staged(durations=Durations(scaling_update=busy))

    def update(operation: str, _: int) -> None:
        if operation == "DeleteComputeEnvironment" and not begun:
            begun.append(operation)
            run.stage.world.update_compute_environment(computeEnvironment=SPOT, computeResources={"maxvCpus": 63})

    begun: list[str] = []
    run.stage.simulator.before_call = update
    report = run(*retirement())
    assert set(statuses(report).values()) == {"done"}
    assert run.stage.environment("lab-spot") == {}
    told = [event.detail["error"] for event in run.events if event.event == "retried"]
    assert any("being modified" in error for error in told)


def test_a_signal_while_it_drains_leaves_it_disabled_and_the_next_run_ends_it() -> None:
    """What is done is done, the rest is interrupted, and no call goes out after the signal."""
    run = staged(1)
    run.stop = run.stage.stopper()
    made: list[str] = []

    def signal(operation: str, _: int) -> None:
        made.append(operation)
        if operation == "DescribeJobs" and made.count(operation) == 3:
            assert run.stop is not None
            run.stop.set_result(15)

    run.stage.simulator.before_call = signal
    report = run(*retirement())
    assert report.exit_code == 143
    assert list(statuses(report).values()) == ["done", "done", "done", "interrupted", "interrupted"]
    assert made[-1] == "DescribeJobs"
    run.stage.simulator.before_call, run.stop = None, None
    assert set(statuses(run(*retirement())).values()) == {"done"}
