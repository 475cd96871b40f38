"""Attempts: where they run, how they come out, and whether there is another."""

import re
from typing import Any

import attrs
import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab, connect, container, fargate

_SPACE = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "jobs"}
_NEEDS = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]


def _lab(*outcomes: Outcome) -> Lab:
    lab = Lab.new(settings=Settings(outcomes=outcomes))
    lab.ground()
    return lab


def _ended(lab: Lab, **changes: Any) -> tuple[str, int]:
    shown = lab.see_job(lab.submit(wait=2000, **changes))
    return shown["status"], len(shown["attempts"])


def test_a_job_shows_its_task_and_its_log(lab: Lab) -> None:
    """Task and container instance are told at the start, the log stream when it runs; all name the environment."""
    lab.ground()
    job = lab.submit(wait=2)
    starting = lab.see_job(job)["container"]
    lab.clock.sleep(10)
    running = lab.see_job(job)["container"]
    cluster = lab.see_environment("a")["ecsClusterArn"].rpartition("/")[2]
    task = running["taskArn"].rpartition("/")[2]
    assert running["taskArn"] == f"arn:aws:ecs:eu-west-1:123456789012:task/{cluster}/{task}"
    assert running["containerInstanceArn"].split("/")[:2] == [
        "arn:aws:ecs:eu-west-1:123456789012:container-instance",
        cluster,
    ]
    assert running["logStreamName"] == f"d/default/{task}"
    assert starting == {key: value for key, value in running.items() if key != "logStreamName"}
    lab.clock.sleep(100)
    shown = lab.see_job(job)
    keys = ("taskArn", "containerInstanceArn", "logStreamName")
    assert shown["attempts"] == [
        {
            "container": {**{key: running[key] for key in keys}, "exitCode": 0, "networkInterfaces": []},
            "startedAt": shown["startedAt"],
            "stoppedAt": shown["stoppedAt"],
            "statusReason": "Essential container in task exited",
        }
    ]
    assert shown["container"]["exitCode"] == 0


def test_fargate_has_no_container_instance(lab: Lab) -> None:
    """On Fargate a task is told alone."""
    lab.environment("f", computeResources=fargate())
    lab.queue("q", "f")
    given = container(resourceRequirements=_NEEDS, executionRoleArn="arn:aws:iam::123456789012:role/r")
    lab.definition("d", containerProperties=given, platformCapabilities=["FARGATE"])
    shown = lab.see_job(lab.submit(wait=100))["attempts"][0]["container"]
    assert ("taskArn" in shown, "containerInstanceArn" in shown) == (True, False)


def test_the_containers_of_a_task_are_told_one_by_one() -> None:
    """A job of several containers shows its task with them, in the job and in its attempts."""
    lab = _lab(Outcome(exit_code=2, reason="why"))
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    tasks = [{"containers": [{"name": name, "image": "i", "resourceRequirements": needs} for name in ("a", "b")]}]
    lab.batch.register_job_definition(jobDefinitionName="t", type="container", ecsProperties={"taskProperties": tasks})
    shown = lab.see_job(lab.submit(jobDefinition="t", wait=100))
    (task,) = shown["ecsProperties"]["taskProperties"]
    number = task["taskArn"].rpartition("/")[2]
    told = {"exitCode": 2, "reason": "why"}
    logs = {name: f"t/{name}/{number}" for name in "ab"}
    assert [{**it} for it in shown["attempts"][0]["taskProperties"][0]["containers"]] == [
        {"name": name, "logStreamName": logs[name], **told} for name in "ab"
    ]
    assert shown["attempts"][0]["taskProperties"][0]["taskArn"] == task["taskArn"]
    assert [(it["exitCode"], it["logStreamName"]) for it in task["containers"]] == [(2, logs["a"]), (2, logs["b"])]
    assert (shown["container"], shown["attempts"][0]["container"]) == ({}, {})


def test_a_pod_is_told_with_its_cluster() -> None:
    """A job on EKS has no attempts but `eksAttempts`, which name cluster, namespace, pod and node."""
    lab = _lab(Outcome(attempts=1, exit_code=2, reason="why"))
    lab.environment("k", eksConfiguration=_SPACE)
    lab.queue("eks", "k")
    pod = {"containers": [{"image": "i", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}}]}
    lab.batch.register_job_definition(jobDefinitionName="p", type="container", eksProperties={"podProperties": pod})
    job = lab.submit(jobQueue="eks", jobDefinition="p", wait=80, retryStrategy={"attempts": 2})
    shown = lab.see_job(job)
    (attempt,) = shown["eksAttempts"]
    assert attempt["containers"] == [{"name": "Default", "exitCode": 2, "reason": "why"}]
    assert (attempt["eksClusterArn"], attempt["podNamespace"]) == (_SPACE["eksClusterArn"], "jobs")
    properties = shown["eksProperties"]["podProperties"]
    assert properties["podName"].startswith("aws-batch.")
    assert properties["podName"] != attempt["podName"]
    assert "exitCode" not in properties["containers"][0]
    lab.clock.sleep(100)
    shown = lab.see_job(job)
    assert (shown["status"], len(shown["eksAttempts"]), shown["attempts"]) == ("SUCCEEDED", 2, [])
    assert shown["eksProperties"]["podProperties"]["containers"][0]["exitCode"] == 0


def test_a_failed_job_is_tried_again() -> None:
    """Up to its number of attempts, one where nothing is said; in between it shows nothing of the last."""
    lab = _lab(Outcome(attempts=2, exit_code=1, reason="OutOfMemory"), Outcome(name="bad", exit_code=1))
    assert _ended(lab) == ("FAILED", 1)
    assert _ended(lab, retryStrategy={"attempts": 2}) == ("FAILED", 2)
    assert _ended(lab, retryStrategy={"attempts": 3}) == ("SUCCEEDED", 3)
    assert _ended(lab, jobName="bad", retryStrategy={"attempts": 10}) == ("FAILED", 10)
    job = lab.submit(wait=75, retryStrategy={"attempts": 2})
    shown = lab.see_job(job)
    assert (shown["status"], len(shown["attempts"])) == ("STARTING", 1)
    assert not {"startedAt", "statusReason"} & shown.keys()
    assert not {"exitCode", "reason", "logStreamName"} & shown["container"].keys()
    assert shown["container"]["taskArn"] != shown["attempts"][0]["container"]["taskArn"]


@pytest.mark.parametrize(
    ("conditions", "attempts"),
    [
        ([], 3),
        ([{"onExitCode": "13", "action": "EXIT"}], 1),
        ([{"onExitCode": "1*", "action": "exit"}], 1),
        ([{"onExitCode": "1", "action": "EXIT"}], 3),
        ([{"onExitCode": "3*", "action": "EXIT"}], 3),
        ([{"onExitCode": "13", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}], 3),
        ([{"onReason": "*", "action": "EXIT"}, {"onExitCode": "13", "action": "RETRY"}], 1),
        ([{"onReason": "Out*", "onExitCode": "13", "action": "EXIT"}], 1),
        ([{"onReason": "Out*", "onExitCode": "14", "action": "EXIT"}], 3),
        ([{"onReason": "out*", "action": "EXIT"}], 3),
        ([{"onReason": "Out of memory", "action": "EXIT"}], 1),
        ([{"onReason": "Out of", "action": "EXIT"}], 3),
        ([{"onStatusReason": "Essential container*", "action": "EXIT"}], 1),
        ([{"onStatusReason": "Host EC2*", "action": "EXIT"}], 3),
    ],
)
def test_conditions_say_whether_to_try_again(conditions: list[dict[str, Any]], attempts: int) -> None:
    """The first condition of which all patterns fit decides; where none does, there is another attempt."""
    lab = _lab(Outcome(exit_code=13, reason="Out of memory"))
    lab.definition("e", retryStrategy={"attempts": 3, "evaluateOnExit": conditions})
    for changes in ({"retryStrategy": {"attempts": 3, "evaluateOnExit": conditions}}, {"jobDefinition": "e"}):
        assert _ended(lab, **changes) == ("FAILED", attempts)


def test_a_scenario_may_tell_a_status_reason() -> None:
    """What the job tells of an attempt is the scenario's, and conditions see it."""
    lab = _lab(Outcome(exit_code=1, status_reason="Task failed to start"))
    exits = [{"onStatusReason": "Task failed to start", "action": "EXIT"}]
    job = lab.submit(wait=1000, retryStrategy={"attempts": 5, "evaluateOnExit": exits})
    shown = lab.see_job(job)
    assert (shown["statusReason"], len(shown["attempts"])) == ("Task failed to start", 1)


def test_an_attempt_is_stopped_after_its_time() -> None:
    """The timeout counts from RUNNING, fails the job with exit code 137, and is final; in time is in time."""
    lab = _lab(Outcome(name="long", seconds=200))
    job = lab.submit(jobName="long", timeout={"attemptDurationSeconds": 100}, retryStrategy={"attempts": 3}, wait=110)
    assert lab.statuses(job) == ["RUNNING"]
    lab.clock.sleep(1)
    shown = lab.see_job(job)
    assert (shown["status"], shown["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert (shown["container"]["exitCode"], len(shown["attempts"])) == (137, 1)
    assert _ended(lab, jobName="long", timeout={"attemptDurationSeconds": 200}) == ("SUCCEEDED", 1)


@pytest.mark.parametrize(
    ("outcome", "fits"),
    [
        (Outcome(image="busy*", exit_code=1), True),
        (Outcome(image="other", exit_code=1), False),
        (Outcome(command="run --fast", exit_code=1), True),
        (Outcome(command="run", exit_code=1), False),
        (Outcome(definition="e", exit_code=1), True),
        (Outcome(definition="d", exit_code=1), False),
        (Outcome(queue="q", name="j", exit_code=1), True),
        (Outcome(queue="p", name="j", exit_code=1), False),
        (Outcome(index=0, exit_code=1), False),
    ],
)
def test_a_scenario_says_how_jobs_come_out(outcome: Outcome, fits: bool) -> None:
    """The first row that fits image, command, definition, queue and name decides; a job without one succeeds."""
    lab = _lab(outcome)
    lab.definition("e", containerProperties=container(command=["run", "--fast"]))
    assert _ended(lab, jobDefinition="e") == ("FAILED" if fits else "SUCCEEDED", 1)


def test_everything_happens_again_the_same() -> None:
    """The same calls at the same times show the same, tasks and instances included."""

    def shown() -> dict[str, Any]:
        lab = _lab(Outcome(attempts=1, exit_code=1))
        return lab.see_job(lab.submit(wait=1000, retryStrategy={"attempts": 2}))

    assert shown() == shown()


@pytest.mark.parametrize(("seconds", "code"), [(5, None), (20, 137)])
def test_a_container_that_is_killed_leaves_137(lab: Lab, seconds: float, code: int | None) -> None:
    """A job that is terminated while it runs shows the exit code that a timeout leaves; before that there is none."""
    lab.ground()
    job = lab.submit(wait=seconds)
    lab.batch.terminate_job(jobId=job, reason="enough")
    shown = lab.see_job(job)
    assert shown["container"].get("exitCode") == code
    assert shown["attempts"][0]["container"].get("exitCode") == code
    assert shown["statusReason"] == "enough"


@pytest.mark.parametrize(("region", "domain"), [("eu-west-1", "eu-west-1.compute"), ("us-east-1", "ec2")])
def test_a_node_is_named_by_its_address_and_its_region(region: str, domain: str) -> None:
    """A job on EKS names its node as its instance is named in the private DNS, and tells of a pod, not of a task."""
    lab = Lab.new()
    lab = attrs.evolve(lab, batch=connect(lab.simulator, region=region))
    lab.environment("k", eksConfiguration=_SPACE)
    lab.queue("eks", "k")
    pod = {"containers": [{"image": "i", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}}]}
    lab.batch.register_job_definition(jobDefinitionName="p", type="container", eksProperties={"podProperties": pod})
    job = lab.submit(jobQueue="eks", jobDefinition="p", wait=80)
    shown = lab.see_job(job)
    name = shown["eksProperties"]["podProperties"]["nodeName"]
    assert re.fullmatch(rf"ip-10-0-\d+-\d+\.{domain}\.internal", name)
    assert (shown["eksAttempts"][0]["nodeName"], shown["statusReason"]) == (name, "Essential container in pod exited")
