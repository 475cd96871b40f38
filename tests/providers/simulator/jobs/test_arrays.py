"""Arrays and their children."""

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab, refusal

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


def test_children_are_known_as_long_as_their_array() -> None:
    """Those that have ended weeks ago too; all are forgotten together."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(index=1, seconds=20 * 86400),)))
    lab.ground()
    array = lab.submit(arrayProperties={"size": 2}, wait=19 * 86400)
    assert lab.statuses(array, f"{array}:0", f"{array}:1") == ["PENDING", "SUCCEEDED", "RUNNING"]
    lab.clock.sleep(7 * 86400)
    assert lab.see_job(array)["arrayProperties"]["statusSummary"] == {**_NONE, "SUCCEEDED": 2}
    lab.clock.sleep(86400 + 100)
    assert [lab.see_job(job) for job in (array, f"{array}:0", f"{array}:1")] == [{}, {}, {}]
    held = lab.store.dump()["123456789012/eu-west-1"]
    assert not {"job", "child"} & held.keys()


@pytest.mark.parametrize(("verb", "flag"), [("cancel_job", "isCancelled"), ("terminate_job", "isTerminated")])
def test_a_child_may_be_ended_before_it_is_there(lab: Lab, verb: str, flag: str) -> None:
    """It fails for the reason given first as soon as its array spreads, and so does who waits for it; others run."""
    lab.ground()
    first = lab.submit()
    array = lab.submit(arrayProperties={"size": 3}, dependsOn=[{"jobId": first}])
    getattr(lab.batch, verb)(jobId=f"{array}:1", reason="not this one")
    lab.batch.cancel_job(jobId=f"{array}:1", reason="again")
    lab.batch.cancel_job(jobId=f"{array}:3", reason="there is none")
    waiting = [lab.submit(dependsOn=[{"jobId": f"{array}:{index}"}]) for index in (0, 1)]
    assert "does not exist" in refusal(lab.submit, dependsOn=[{"jobId": f"{array}:3"}])[2]
    lab.clock.sleep(75)
    assert lab.statuses(array, f"{array}:0", f"{array}:1", *waiting) == [
        "PENDING",
        "STARTING",
        "FAILED",
        "PENDING",
        "FAILED",
    ]
    shown = lab.see_job(f"{array}:1")
    assert (shown["statusReason"], shown[flag]) == ("not this one", True)
    lab.clock.sleep(200)
    assert lab.statuses(array, *waiting) == ["FAILED", "SUCCEEDED", "FAILED"]


def test_who_waits_for_a_child_that_never_comes_fails(lab: Lab) -> None:
    """An array that ends before it has spread takes along who waits for one of its children."""
    lab.ground()
    array = lab.submit(arrayProperties={"size": 2})
    waiting = lab.submit(dependsOn=[{"jobId": f"{array}:1"}])
    lab.batch.terminate_job(jobId=array, reason="enough")
    lab.clock.sleep(5)
    assert lab.statuses(array, waiting) == ["FAILED", "FAILED"]
    late = refusal(lab.submit, dependsOn=[{"jobId": f"{array}:1"}])[2]
    assert late == f"Dependent job {array}:1 does not exist"


def test_a_child_withdrawn_early_waits_for_its_turn(lab: Lab) -> None:
    """In a SEQUENTIAL array one that was cancelled before it was there ends when the one before it has."""
    lab.ground()
    array = lab.submit(arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
    lab.batch.cancel_job(jobId=f"{array}:1", reason="not this one")
    lab.clock.sleep(5)
    assert lab.statuses(f"{array}:0", f"{array}:1", f"{array}:2") == ["STARTING", "PENDING", "PENDING"]
    lab.clock.sleep(100)
    assert lab.statuses(f"{array}:0", f"{array}:1", f"{array}:2") == ["SUCCEEDED", "FAILED", "FAILED"]


@pytest.mark.parametrize(("verb", "flag"), [("cancel_job", "isCancelled"), ("terminate_job", "isTerminated")])
def test_an_array_that_is_ended_tells_for_which_reason(lab: Lab, verb: str, flag: str) -> None:
    """The parent and the children that it takes along, and all of them are flagged."""
    lab.ground(maxvCpus=1)
    lab.submit()
    array = lab.submit(arrayProperties={"size": 2}, wait=5)
    getattr(lab.batch, verb)(jobId=array, reason="enough")
    for job in (array, f"{array}:0", f"{array}:1"):
        shown = lab.see_job(job)
        assert (shown["status"], shown["statusReason"], shown[flag]) == ("FAILED", "enough", True)
