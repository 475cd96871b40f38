"""How jobs get on by the clock, and what becomes of them when queue or host goes."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from providers.simulator.catalogue import ENVIRONMENT
from providers.simulator.jobs import running
from providers.simulator.lifecycle import Thing, World
from tests.providers.simulator.lab import LINKED, Lab, container, fargate, refusal

_DAY = 86400


def _two(lab: Lab) -> None:
    lab.ground(instanceTypes=["m6i.4xlarge"])
    lab.environment("b")


def _world(lab: Lab) -> Any:
    return lab.simulator._world("123456789012", "eu-west-1", write=True)


def _environment(world: World, name: str) -> Thing:
    return world.find(ENVIRONMENT, name)


def test_a_job_runs_on_the_clock(lab: Lab) -> None:
    """SUBMITTED for 1 s, STARTING for 10 s, RUNNING for 60 s, then SUCCEEDED; looking changes nothing."""
    lab.ground()
    job = lab.submit()
    seen = []
    for _ in range(72):
        seen += lab.statuses(job)
        lab.clock.sleep(1)
    assert seen == ["SUBMITTED"] + ["STARTING"] * 10 + ["RUNNING"] * 60 + ["SUCCEEDED"]
    shown = lab.see_job(job)
    assert shown["stoppedAt"] - shown["startedAt"] == 60_000
    assert shown["startedAt"] - shown["createdAt"] == 11_000
    assert shown["statusReason"] == "Essential container in task exited"
    unseen = lab.submit(wait=72)
    other = lab.see_job(unseen)
    assert other["stoppedAt"] - other["createdAt"] == shown["stoppedAt"] - shown["createdAt"]


def test_a_job_waits_for_an_environment(lab: Lab) -> None:
    """Without an ENABLED and VALID environment a job stays RUNNABLE, and goes on once there is one."""
    lab.ground()
    lab.disable_environment("a")
    job = lab.submit(wait=3600)
    assert lab.statuses(job) == ["RUNNABLE"]
    lab.batch.update_compute_environment(computeEnvironment="a", state="ENABLED")
    lab.clock.sleep(19)
    assert lab.statuses(job) == ["RUNNABLE"]
    lab.clock.sleep(1)
    assert lab.statuses(job) == ["STARTING"]


def test_an_environment_that_is_updated_takes_jobs(lab: Lab) -> None:
    """UPDATING from VALID does not stop a queue; INVALID does, and so does UPDATING from INVALID."""
    lab.ground()
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources={"maxvCpus": 8})
    job = lab.submit(wait=1)
    assert lab.statuses(job) == ["STARTING"]
    lab.simulator.set_status("environment", "a", "INVALID", "CLIENT_ERROR - broken", region="eu-west-1")
    other = lab.submit(wait=3600)
    assert lab.statuses(job, other) == ["SUCCEEDED", "RUNNABLE"]
    lab.batch.update_compute_environment(computeEnvironment="a", serviceRole=LINKED)
    third = lab.submit(wait=2)
    assert lab.statuses(other, third) == ["RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(18)
    assert lab.statuses(other, third) == ["STARTING", "STARTING"]


def test_nobody_needs_to_look(lab: Lab) -> None:
    """A job that found an environment open while nobody looked has run, whatever became of the environment since."""
    lab.ground()
    job = lab.submit(wait=100)
    lab.disable_environment("a")
    assert lab.statuses(job) == ["SUCCEEDED"]
    other = lab.submit(wait=100)
    lab.batch.update_compute_environment(computeEnvironment="a", state="ENABLED")
    lab.clock.sleep(21)
    lab.disable_environment("a")
    assert lab.statuses(other) == ["SUCCEEDED"]


def test_a_change_of_the_order_does_not_undo_what_ran(lab: Lab) -> None:
    """Jobs that were placed stay so when their environment leaves the queue; later ones take the new one."""
    _two(lab)
    lab.disable_environment("b")
    placed = lab.submit(wait=5)
    order = [{"order": 1, "computeEnvironment": "b"}]
    lab.batch.update_compute_environment(computeEnvironment="b", state="ENABLED")
    lab.clock.sleep(3600)
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lab.disable_environment("b")
    late = lab.submit(wait=3600)
    assert lab.statuses(placed, late) == ["SUCCEEDED", "RUNNABLE"]


def test_jobs_end_with_their_queue(lab: Lab) -> None:
    """Deleting a queue fails what is in it, starts nothing of it, and leaves what had ended."""
    lab.ground(maxvCpus=2)
    done = lab.submit(wait=3600)
    array = lab.submit(arrayProperties={"size": 2}, wait=2)
    jobs = [lab.submit() for _ in range(3)]
    lab.clock.sleep(30)
    assert lab.statuses(f"{array}:0", *jobs) == ["RUNNING", "RUNNABLE", "RUNNABLE", "RUNNABLE"]
    lab.disable_queue("q", wait=10)
    lab.batch.delete_job_queue(jobQueue="q")
    assert set(lab.statuses(array, f"{array}:0", f"{array}:1", *jobs)) == {"FAILED"}
    assert [lab.see_job(job)["attempts"] for job in jobs] == [[], [], []]
    assert len(lab.see_job(f"{array}:0")["attempts"]) == 1
    lab.clock.sleep(60)
    assert lab.statuses(done, *jobs) == ["SUCCEEDED", "FAILED", "FAILED", "FAILED"]
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == 0
    assert "does not exist" in refusal(lab.batch.list_jobs, jobQueue="q")[2]


def test_ended_jobs_are_known_for_a_week(lab: Lab) -> None:
    """Seven days after its end a job is gone, and with it an array's children."""
    lab.ground()
    job, array = lab.submit(), lab.submit(arrayProperties={"size": 2})
    lab.clock.sleep(7 * _DAY)
    assert lab.statuses(job, array, f"{array}:1") == ["SUCCEEDED"] * 3
    lab.clock.sleep(200)
    assert lab.batch.describe_jobs(jobs=[job, array, f"{array}:1"])["jobs"] == []


def test_a_fargate_environment_is_not_deleted_under_its_jobs(lab: Lab) -> None:
    """Deleted while jobs run in it, a Fargate environment becomes INVALID; once they have ended it goes."""
    for name in ("f", "g"):
        lab.environment(name, computeResources=fargate())
    lab.queue("q", "f")
    needs = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    given = container(resourceRequirements=needs, executionRoleArn="arn:aws:iam::123456789012:role/r")
    lab.definition("d", containerProperties=given, platformCapabilities=["FARGATE"])
    job = lab.submit(wait=5)
    order = [{"order": 1, "computeEnvironment": "g"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lab.disable_environment("f", wait=30)
    assert lab.statuses(job) == ["RUNNING"]
    lab.batch.delete_compute_environment(computeEnvironment="f")
    lab.clock.sleep(45)
    assert lab.see_environment("f")["status"] == "INVALID"
    lab.batch.delete_compute_environment(computeEnvironment="f")
    lab.clock.sleep(45)
    assert (lab.see_environment("f"), lab.statuses(job)) == ({}, ["SUCCEEDED"])


@pytest.mark.parametrize("attempts", [1, 2])
def test_an_infrastructure_update_may_end_jobs_at_once(lab: Lab, attempts: int) -> None:
    """A job whose host goes ends with AWS's words, and is tried again where its strategy allows."""
    _two(lab)
    job = lab.submit(wait=20, retryStrategy={"attempts": attempts})
    starting = lab.submit(wait=3)
    with _world(lab) as world:
        assert running.recycle(world, _environment(world, "a"), terminate=True, minutes=30) == 0
    shown = lab.see_job(job)
    (attempt,) = shown["attempts"]
    reason = attempt["statusReason"]
    assert reason.startswith("Host EC2 (instance i-")
    assert reason.endswith(") terminated.")
    assert len(reason) == len("Host EC2 (instance i-0123456789abcdef0) terminated.")
    assert lab.statuses(job, starting) == [["FAILED", "FAILED"], ["STARTING", "FAILED"]][attempts - 1]
    assert "startedAt" not in lab.see_job(starting)["attempts"][0]
    lab.clock.sleep(100)
    assert lab.statuses(job) == [["FAILED"], ["SUCCEEDED"]][attempts - 1]


def test_an_infrastructure_update_waits_for_jobs_so_long(lab: Lab) -> None:
    """Jobs that end within the time are left alone, others are stopped; later jobs are none of its business."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(name="long", seconds=4000), Outcome(name="later", seconds=4000))))
    _two(lab)
    short, long = lab.submit(wait=20), lab.submit(wait=20, jobName="long")
    with _world(lab) as world:
        assert running.recycle(world, _environment(world, "b"), terminate=False, minutes=30) == 0
        assert running.recycle(world, _environment(world, "a"), terminate=False, minutes=30) == 1800
        assert running.recycle(world, _environment(world, "a"), terminate=False, minutes=60) == 1800
    later = lab.submit(jobName="later")
    lab.clock.sleep(1799)
    assert lab.statuses(short, long, later) == ["SUCCEEDED", "RUNNING", "RUNNING"]
    lab.clock.sleep(1)
    assert lab.statuses(short, long, later) == ["SUCCEEDED", "FAILED", "RUNNING"]
    lab.clock.sleep(3000)
    assert lab.statuses(later) == ["SUCCEEDED"]


def test_an_update_is_as_short_as_its_jobs(lab: Lab) -> None:
    """The time that is told is that of the last job to end, whether it runs or only starts."""
    _two(lab)
    lab.submit(wait=31)
    with _world(lab) as world:
        assert running.recycle(world, _environment(world, "a"), terminate=False, minutes=30) == 40
    lab.submit(wait=1)
    with _world(lab) as world:
        assert running.recycle(world, _environment(world, "a"), terminate=False, minutes=30) == 70


def test_jobs_lose_their_host_with_their_environment(lab: Lab) -> None:
    """A job of a deleted environment fails, or goes to another one of its queue; who waits for it is told."""
    _two(lab)
    order = [{"order": 1, "computeEnvironment": "a"}, {"order": 2, "computeEnvironment": "b"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lost, moved = lab.submit(), lab.submit(retryStrategy={"attempts": 2})
    lab.clock.sleep(20)
    lab.batch.update_compute_environment(computeEnvironment="a", state="DISABLED")
    with _world(lab) as world:
        running.strand(world, _environment(world, "a"))
    assert lab.statuses(lost, moved) == ["FAILED", "STARTING"]
    task = lab.see_job(moved)["container"]["taskArn"]
    assert task.split("/")[1] == lab.see_environment("b")["ecsClusterArn"].rpartition("/")[2]


def test_desired_vcpus_follow_the_load(lab: Lab) -> None:
    """They are what jobs need, at least the minimum; Fargate has none."""
    lab.ground(minvCpus=1, maxvCpus=4)
    seen = []
    for _ in range(3):
        lab.submit(wait=2)
        seen.append(lab.see_environment("a")["computeResources"]["desiredvCpus"])
    lab.clock.sleep(3600)
    seen.append(lab.see_environment("a")["computeResources"]["desiredvCpus"])
    assert seen == [1, 2, 3, 1]


def test_a_job_that_is_tried_again_may_go_where_its_queue_has_gone() -> None:
    """Its queue has left the environment that it ran in, and has another in which there is room."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(attempts=1, exit_code=1),)))
    lab.ground()
    lab.environment("b")
    job = lab.submit(wait=20, retryStrategy={"attempts": 2})
    order = [{"order": 1, "computeEnvironment": "b"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lab.clock.sleep(55)
    assert lab.statuses(job) == ["STARTING"]
    assert lab.see_environment("b")["computeResources"]["desiredvCpus"] == 1
