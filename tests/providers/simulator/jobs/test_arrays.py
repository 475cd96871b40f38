"""Arrays and their children."""

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab

_NONE = dict.fromkeys(("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"), 0)


def test_an_array_spreads_into_children(lab: Lab) -> None:
    """The parent is SUBMITTED, then PENDING while children run, and tells how many are in which status."""
    lab.ground(maxvCpus=2)
    array = lab.submit(arrayProperties={"size": 3})
    assert lab.statuses(array) == ["SUBMITTED"]
    assert lab.see_job(array)["arrayProperties"]["statusSummary"] == _NONE
    lab.clock.sleep(2)
    shown = lab.see_job(array)
    assert shown["status"] == "PENDING"
    assert shown["arrayProperties"] == {
        "size": 3,
        "statusSummary": {**_NONE, "STARTING": 2, "RUNNABLE": 1},
        "statusSummaryLastUpdatedAt": round(lab.clock.now() * 1000),
    }
    child = lab.see_job(f"{array}:2")
    assert (child["jobId"], child["arrayProperties"], child["status"]) == (f"{array}:2", {"index": 2}, "RUNNABLE")
    assert child["jobArn"] == f"{shown['jobArn']}:2"
    assert child["createdAt"] == shown["createdAt"] + 1000
    lab.clock.sleep(200)
    assert lab.statuses(array, f"{array}:0", f"{array}:1", f"{array}:2") == ["SUCCEEDED"] * 4
    shown = lab.see_job(array)
    assert shown["arrayProperties"]["statusSummary"] == {**_NONE, "SUCCEEDED": 3}
    assert (shown["attempts"], "startedAt" in shown, "statusReason" in shown) == ([], False, False)
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == 0


def test_an_array_fails_when_all_have_ended_and_one_has_failed() -> None:
    """A failure does not stop the others, and is told in AWS's words."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(index=1, exit_code=1), Outcome(index=0, seconds=500))))
    lab.ground()
    array = lab.submit(arrayProperties={"size": 3}, wait=100)
    assert lab.statuses(array, f"{array}:0", f"{array}:1", f"{array}:2") == [
        "PENDING",
        "RUNNING",
        "FAILED",
        "SUCCEEDED",
    ]
    lab.clock.sleep(500)
    shown = lab.see_job(array)
    assert (shown["status"], shown["statusReason"]) == ("FAILED", "Array Child Job failed")


@pytest.mark.parametrize("attempts", [1, 2])
def test_timeouts_and_retries_are_of_the_children(attempts: int) -> None:
    """Each child has its own attempts and its own time."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(index=1, attempts=1, exit_code=1), Outcome(index=0, seconds=90))))
    lab.ground()
    retry = {"attempts": attempts}
    array = lab.submit(arrayProperties={"size": 2}, retryStrategy=retry, timeout={"attemptDurationSeconds": 61})
    lab.clock.sleep(300)
    first, second = lab.see_job(f"{array}:0"), lab.see_job(f"{array}:1")
    assert (first["status"], len(first["attempts"])) == ("FAILED", 1)
    assert (second["status"], len(second["attempts"])) == (["FAILED", "SUCCEEDED"][attempts - 1], attempts)


def test_an_array_of_thousands_comes_to_its_end(lab: Lab) -> None:
    """Thousands of children, four at a time for a while, then all at once."""
    lab.ground(maxvCpus=4)
    array = lab.submit(arrayProperties={"size": 2000}, wait=72)
    summary = lab.see_job(array)["arrayProperties"]["statusSummary"]
    assert summary == {**_NONE, "SUCCEEDED": 4, "STARTING": 4, "RUNNABLE": 1992}
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources={"maxvCpus": 10_000})
    lab.clock.sleep(3600)
    assert lab.statuses(array) == ["SUCCEEDED"]
