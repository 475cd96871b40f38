"""Jobs that are put in as described."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab


@pytest.mark.parametrize(
    ("status", "seconds"),
    [("SUBMITTED", 71), ("PENDING", 71), ("RUNNABLE", 70), ("STARTING", 70), ("RUNNING", 60), ("FAILED", 0)],
)
def test_a_job_goes_on_from_any_state(lab: Lab, status: str, seconds: int) -> None:
    """It takes the time that is left of a job's life, in its queue's environment; one that has ended stays."""
    lab.ground()
    shown = {**lab.see_job(lab.submit()), "jobId": "s", "jobArn": "arn:s", "status": status}
    lab.clock.sleep(100)
    lab.simulator.seed("job", "s", shown, region="eu-west-1")
    lab.clock.sleep(max(0, seconds - 1))
    expected = "FAILED" if status == "FAILED" else "RUNNING"
    assert lab.statuses("s") == [expected]
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == (0 if status == "FAILED" else 1)
    lab.clock.sleep(1)
    assert lab.statuses("s") == ["FAILED" if status == "FAILED" else "SUCCEEDED"]
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == 0


def test_a_running_job_is_where_its_task_is(lab: Lab) -> None:
    """Of several environments it takes room in the one that its task names."""
    lab.ground()
    lab.environment("b")
    order = [{"order": 1, "computeEnvironment": "a"}, {"order": 2, "computeEnvironment": "b"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    cluster = lab.see_environment("b")["ecsClusterArn"].rpartition("/")[2]
    task = f"arn:aws:ecs:eu-west-1:123456789012:task/{cluster}/1"
    shown: dict[str, Any] = {**lab.see_job(lab.submit()), "status": "RUNNING", "container": {"taskArn": task}}
    lab.clock.sleep(100)
    lab.simulator.seed("job", "s", shown, region="eu-west-1")
    used = [lab.see_environment(name)["computeResources"]["desiredvCpus"] for name in "ab"]
    assert used == [0, 1]
    lab.clock.sleep(100)
    assert lab.see_job("s")["attempts"][0]["container"]["taskArn"] == task


def test_a_seeded_array_spreads() -> None:
    """The scenario speaks of seeded jobs too, and of their children."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(name="bad", index=1, exit_code=1),)))
    lab.ground()
    shown = {**lab.see_job(lab.submit(jobName="bad", arrayProperties={"size": 2})), "jobId": "s", "status": "PENDING"}
    lab.simulator.seed("job", "s", shown, region="eu-west-1")
    lab.clock.sleep(100)
    assert lab.statuses("s", "s:0", "s:1") == ["FAILED", "SUCCEEDED", "FAILED"]


@pytest.mark.parametrize("order", [("s", "s:0", "s:1"), ("s:0", "s:1", "s")])
def test_a_seeded_array_may_bring_its_children(lab: Lab, order: tuple[str, ...]) -> None:
    """They go on as they are, none is made anew, and the array ends with the last of them."""
    lab.ground()
    plain = {**lab.see_job(lab.submit()), "arrayProperties": {"index": 0}}
    lab.clock.sleep(100)
    statuses = {"s": "PENDING", "s:0": "FAILED", "s:1": "RUNNING"}
    for name in order:
        array = {"size": 2} if name == "s" else {"index": int(name[-1])}
        shown = {**plain, "jobId": name, "jobArn": f"arn:{name}", "status": statuses[name], "arrayProperties": array}
        lab.simulator.seed("job" if name == "s" else "child", name, shown, region="eu-west-1")
    lab.clock.sleep(59)
    assert lab.statuses("s", "s:0", "s:1") == ["PENDING", "FAILED", "RUNNING"]
    lab.clock.sleep(1)
    assert lab.statuses("s", "s:0", "s:1") == ["FAILED", "FAILED", "SUCCEEDED"]
