"""Why the first in line waits, and what its queue does about it."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import LINKED, Lab, container, refusal

_TOO_LARGE = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
_NO_HOST = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
_NO_CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"


def _needing(lab: Lab, **needs: str) -> str:
    told = [{"type": kind, "value": value} for kind, value in {"VCPU": "1", "MEMORY": "512", **needs}.items()]
    lab.definition("e", containerProperties=container(resourceRequirements=told))
    return lab.submit(jobDefinition="e", wait=2)


def _limit(reason: str, seconds: int = 600) -> list[dict[str, Any]]:
    return [{"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": seconds, "action": "CANCEL"}]


@pytest.mark.parametrize(
    ("types", "needs", "reason"),
    [
        (["optimal"], {"VCPU": "17"}, _TOO_LARGE),
        (["m6i.large"], {"VCPU": "3"}, _NO_HOST),
        (["m6i.large", "m6i.xlarge"], {"VCPU": "4"}, ""),
        (["m6i.2xlarge"], {"VCPU": "8"}, ""),
        (["m6i.2xlarge"], {"VCPU": "9"}, _NO_HOST),
        (["m6i"], {"VCPU": "16"}, ""),
        (["m6i.metal"], {"VCPU": "16"}, ""),
        (["m6i.large"], {"GPU": "1"}, _NO_HOST),
        (["optimal"], {"GPU": "1"}, _NO_HOST),
        (["g4dn.xlarge"], {"GPU": "1"}, ""),
        (["p3"], {"GPU": "1"}, ""),
    ],
)
def test_a_job_that_never_fits_is_told_so(lab: Lab, types: list[str], needs: dict[str, str], reason: str) -> None:
    """The maximum of vCPUs is too small, or no instance type has what a container needs."""
    lab.ground(instanceTypes=types)
    shown = lab.see_job(_needing(lab, **needs))
    assert shown["status"] == ("RUNNABLE" if reason else "STARTING")
    assert shown.get("statusReason", "").startswith(reason)


def test_reasons_are_aws_own_words(lab: Lab) -> None:
    """Each reason is told as the user guide has it."""
    lab.ground(instanceTypes=["optimal"])
    assert lab.see_job(_needing(lab, VCPU="17"))["statusReason"] == (
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot meet the CPU "
        "requirement of the job."
    )


def test_environments_that_do_not_work_are_told(lab: Lab) -> None:
    """All INVALID asks for action, DISABLED ones leave the cause open; a crowd is no reason."""
    lab.ground(maxvCpus=1)
    first, second = lab.submit(), lab.submit()
    lab.clock.sleep(5)
    assert "statusReason" not in lab.see_job(second)
    lab.disable_environment("a")
    assert lab.see_job(second)["statusReason"].startswith("UNDETERMINED - ")
    lab.simulator.set_status("environment", "a", "INVALID", "broken", region="eu-west-1")
    shown = lab.see_job(second)
    assert shown["statusReason"] == "ACTION_REQUIRED - CE(s) associated with the job queue are invalid."
    lab.batch.update_compute_environment(computeEnvironment="a", state="ENABLED", serviceRole=LINKED)
    lab.clock.sleep(30)
    assert lab.statuses(first, second) == ["SUCCEEDED", "RUNNING"]
    assert "statusReason" not in lab.see_job(second)


def test_only_the_first_in_line_is_told() -> None:
    """Jobs behind a blocked one wait without a reason; a scenario may say that there is no capacity."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(name="never", runs=False),)))
    lab.ground()
    blocked, behind = lab.submit(jobName="never"), lab.submit()
    lab.clock.sleep(10)
    assert lab.statuses(blocked, behind) == ["RUNNABLE", "RUNNABLE"]
    assert lab.see_job(blocked)["statusReason"] == (
        f"{_NO_CAPACITY} - Service cannot fulfill the capacity requested for instance type [m6i.large]"
    )
    assert "statusReason" not in lab.see_job(behind)
    lab.batch.terminate_job(jobId=blocked, reason="enough")
    assert lab.statuses(blocked, behind) == ["FAILED", "STARTING"]


def test_a_queue_loses_patience(lab: Lab) -> None:
    """A job blocked for the reason of a time limit is cancelled after its time, and the next one goes on."""
    lab.ground()
    lab.queue("p", "a", jobStateTimeLimitActions=_limit(_TOO_LARGE) + _limit(_NO_HOST, 700))
    large = [{"type": "VCPU", "value": "17"}, {"type": "MEMORY", "value": "512"}]
    lab.definition("e", containerProperties=container(resourceRequirements=large))
    jobs = [lab.submit(jobQueue="p", jobDefinition="e"), lab.submit(jobQueue="p"), lab.submit(jobDefinition="e")]
    lab.clock.sleep(600)
    assert lab.statuses(*jobs) == ["RUNNABLE", "RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(1)
    shown = lab.see_job(jobs[0])
    assert shown["statusReason"] == f"Canceled by JobStateTimeLimit action due to reason: {_TOO_LARGE}"
    assert (shown["status"], shown["attempts"]) == ("FAILED", [])
    lab.clock.sleep(3600)
    assert lab.statuses(*jobs) == ["FAILED", "SUCCEEDED", "RUNNABLE"]


def test_a_limit_is_for_its_reason_only(lab: Lab) -> None:
    """Another reason starts the time anew, and a limit for another reason does nothing."""
    lab.ground()
    lab.queue("p", "a", jobStateTimeLimitActions=_limit(_TOO_LARGE))
    needs = [{"type": "VCPU", "value": "3"}, {"type": "MEMORY", "value": "512"}]
    lab.definition("e", containerProperties=container(resourceRequirements=needs))
    job = lab.submit(jobQueue="p", jobDefinition="e", wait=3600)
    assert lab.see_job(job)["statusReason"].startswith(_NO_HOST)
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources={"maxvCpus": 2})
    lab.clock.sleep(619)
    assert lab.statuses(job) == ["RUNNABLE"]
    lab.clock.sleep(1)
    assert lab.statuses(job) == ["FAILED"]


def test_a_limit_that_comes_later_counts_from_the_beginning(lab: Lab) -> None:
    """A queue that is given a limit applies it to the job that has waited already."""
    lab.ground()
    large = [{"type": "VCPU", "value": "17"}, {"type": "MEMORY", "value": "512"}]
    lab.definition("e", containerProperties=container(resourceRequirements=large))
    job = lab.submit(jobDefinition="e", wait=501)
    lab.batch.update_job_queue(jobQueue="q", jobStateTimeLimitActions=_limit(_TOO_LARGE))
    lab.clock.sleep(99)
    assert lab.statuses(job) == ["RUNNABLE"]
    lab.clock.sleep(1)
    assert lab.statuses(job) == ["FAILED"]


def test_a_limit_that_is_raised_in_time_does_nothing_yet(lab: Lab) -> None:
    """What counts is the limit of the queue when the time has come."""
    lab.ground()
    lab.queue("p", "a", jobStateTimeLimitActions=_limit(_TOO_LARGE))
    large = [{"type": "VCPU", "value": "17"}, {"type": "MEMORY", "value": "512"}]
    lab.definition("e", containerProperties=container(resourceRequirements=large))
    job = lab.submit(jobQueue="p", jobDefinition="e", wait=598)
    lab.batch.update_job_queue(jobQueue="p", jobStateTimeLimitActions=_limit(_TOO_LARGE, 700))
    lab.clock.sleep(102)
    assert lab.statuses(job) == ["RUNNABLE"]
    lab.clock.sleep(1)
    assert lab.statuses(job) == ["FAILED"]


def _blocking(lab: Lab, **resources: Any) -> None:
    lab.ground(**resources)
    large = [{"type": "VCPU", "value": "17"}, {"type": "MEMORY", "value": "512"}]
    lab.definition("e", containerProperties=container(resourceRequirements=large))


def test_a_limit_that_is_over_when_it_comes_ends_a_job_at_once(lab: Lab) -> None:
    """Not before that: time does not go backwards for the job, nor for the next in line."""
    _blocking(lab)
    job, behind = lab.submit(jobDefinition="e"), lab.submit(wait=5000)
    lab.batch.update_job_queue(jobQueue="q", jobStateTimeLimitActions=_limit(_TOO_LARGE))
    lab.clock.sleep(10)
    now = round(lab.clock.now() * 1000)
    assert (lab.statuses(job, behind), lab.see_job(job)["stoppedAt"]) == (["FAILED", "STARTING"], now)
    lab.clock.sleep(10)
    assert lab.see_job(behind)["startedAt"] == now + 10_000


def test_a_job_without_a_reason_is_not_ended_for_one() -> None:
    """A limit names a reason; where one was put in that names none, a job in a crowd waits on."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(seconds=5000),)))
    lab.ground(maxvCpus=1)
    update = lab.batch.update_job_queue
    assert refusal(update, jobQueue="q", jobStateTimeLimitActions=_limit(""))[2] == "reason must not be empty"
    shown = {**lab.see_queue("q"), "jobStateTimeLimitActions": _limit("")}
    lab.simulator.seed("queue", "q", shown, region="eu-west-1")
    first, second = lab.submit(), lab.submit()
    lab.clock.sleep(2000)
    assert lab.statuses(first, second) == ["RUNNING", "RUNNABLE"]


def test_a_limit_is_for_the_first_in_line(lab: Lab) -> None:
    """A job that was overtaken has neither a reason nor a limit until it is first again, and then from that time on."""
    _blocking(lab)
    policy = lab.batch.create_scheduling_policy(name="p")["arn"]
    lab.queue("p", "a", schedulingPolicyArn=policy, jobStateTimeLimitActions=_limit(_TOO_LARGE))
    fair = {"jobQueue": "p", "jobDefinition": "e", "shareIdentifier": "s"}
    low = lab.submit(**fair, schedulingPriorityOverride=1, wait=301)
    assert lab.see_job(low)["statusReason"].startswith(_TOO_LARGE)
    high = lab.submit(**fair, schedulingPriorityOverride=9, wait=400)
    assert lab.statuses(low, high) == ["RUNNABLE", "RUNNABLE"]
    assert "statusReason" not in lab.see_job(low)
    line = lab.batch.get_job_queue_snapshot(jobQueue="p")["frontOfQueue"]["jobs"]
    assert [it["earliestTimeAtPosition"] for it in line] == [round((lab.clock.now() - 399) * 1000)] * 2
    lab.clock.sleep(201)
    assert lab.statuses(low, high) == ["RUNNABLE", "FAILED"]
    assert lab.see_job(low)["statusReason"].startswith(_TOO_LARGE)
    lab.clock.sleep(599)
    assert lab.statuses(low) == ["RUNNABLE"]
    lab.clock.sleep(1)
    assert lab.statuses(low) == ["FAILED"]


def test_an_array_overtakes_as_its_children_join_the_line(lab: Lab) -> None:
    """Whoever comes to stand before the first, by ones or by thousands, takes its reason from it."""
    _blocking(lab)
    lab.queue("p", "a", schedulingPolicyArn=lab.batch.create_scheduling_policy(name="p")["arn"])
    fair = {"jobQueue": "p", "jobDefinition": "e", "shareIdentifier": "s"}
    low = lab.submit(**fair, schedulingPriorityOverride=1, wait=5)
    array = lab.submit(**fair, schedulingPriorityOverride=2, arrayProperties={"size": 3}, wait=5)
    assert "statusReason" not in lab.see_job(low)
    assert lab.see_job(f"{array}:0")["statusReason"].startswith(_TOO_LARGE)


def test_a_job_that_is_told_already_is_not_told_again() -> None:
    """Another that joins the line behind it is no change of it, which a stale read would show."""
    lab = Lab.new(settings=Settings(stale_reads=30))
    _blocking(lab)
    lab.queue("p", "a", jobStateTimeLimitActions=_limit(_TOO_LARGE))
    job = lab.submit(jobQueue="p", jobDefinition="e", wait=100)
    lab.batch.tag_resource(resourceArn=lab.see_job(job)["jobArn"], tags={"team": "blue"})
    lab.submit(jobQueue="p", wait=10)
    assert lab.see_job(job)["tags"] == {}
    lab.clock.sleep(30)
    assert lab.see_job(job)["tags"] == {"team": "blue"}
