"""What is told of a trial job, from all that AWS may show of one."""

from typing import Any

import pytest

from providers.resources import Live
from reconciler.verdict import failure, late


def job(status: str = "FAILED", reason: str = "", **shown: Any) -> Live:
    return Live("job", "id-1", "arn", shown, status=status, status_reason=reason)


def attempt(**shown: Any) -> dict[str, Any]:
    return {"container": {}, **shown}


PLAIN = job(
    reason="Task failed to start",
    container={"reason": "CannotPullContainerError"},
    attempts=[
        attempt(container={"exitCode": 7, "logStreamName": "d/default/0"}, statusReason="first"),
        attempt(container={"reason": "CannotPullContainerError"}, statusReason="Task failed to start"),
    ],
)
TASK = job(
    reason="Essential container in task exited",
    ecsProperties={"taskProperties": [{"containers": [{"logConfiguration": {"options": {"awslogs-group": "own"}}}]}]},
    attempts=[
        attempt(
            statusReason="Essential container in task exited",
            taskProperties=[
                {
                    "containers": [
                        {"name": "side", "exitCode": 0, "logStreamName": "d/side/1"},
                        {"name": "main", "exitCode": 1, "reason": "OutOfMemory", "logStreamName": "d/main/1"},
                    ]
                }
            ],
        )
    ],
)
POD = job(
    eksProperties={"podProperties": {}},
    attempts=[],
    eksAttempts=[
        {
            "initContainers": [{"name": "fetch", "exitCode": 0}],
            "containers": [{"name": "main", "exitCode": 137}, {"exitCode": 2}],
            "statusReason": "Essential container in pod exited",
        }
    ],
)


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (PLAIN, "failed in 2 attempts: CannotPullContainerError; Task failed to start"),
        (
            TASK,
            "failed in 1 attempt: main: exit code 1, OutOfMemory, log stream d/main/1; "
            "Essential container in task exited",
        ),
        (POD, "failed in 1 attempt: main: exit code 137; a container: exit code 2; Essential container in pod exited"),
        (job(reason="Dependent job failed", container={}), "failed without an attempt: Dependent job failed"),
        (job(), "failed without an attempt: AWS gives no reason"),
        (job(attempts=[attempt(container={"exitCode": 0})], reason="odd"), "failed in 1 attempt: exit code 0; odd"),
    ],
)
def test_the_last_attempt_is_told(live: Live, words: str) -> None:
    """Of a container, of those of a task or of a pod that ended badly, and of the job."""
    assert str(failure("the trial job x", live)) == f"the trial job x {words}"


@pytest.mark.parametrize(
    ("live", "command"),
    [
        (PLAIN, "aws batch describe-jobs --jobs id-1"),
        (POD, "aws batch describe-jobs --jobs id-1"),
        (TASK, "aws logs get-log-events --log-group-name own --log-stream-name d/main/1"),
    ],
)
def test_the_hint_shows_where_to_look(live: Live, command: str) -> None:
    """The log of what failed, in the group that the job itself names; else what AWS tells of the job."""
    assert str(failure("it", live).hint).startswith(f"`{command}` shows more")


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (job("PENDING"), "not scheduled: the job was PENDING for 60 s"),
        (job("RUNNABLE"), "no capacity: the job was RUNNABLE for 60 s"),
        (job("RUNNABLE", "MISCONFIGURATION:X - y"), "no place: the job was RUNNABLE for 60 s; MISCONFIGURATION:X - y"),
        (
            job("RUNNABLE", "ACTION_REQUIRED - CE(s) are invalid."),
            "no place: the job was RUNNABLE for 60 s; ACTION_REQUIRED - CE(s) are invalid.",
        ),
        (
            job("RUNNING", attempts=[attempt(container={"exitCode": 1}, statusReason="Host EC2 terminated")]),
            "still running after 60 s; attempt 1 failed: exit code 1, Host EC2 terminated",
        ),
        (None, "AWS showed no such job within 60 s"),
    ],
)
def test_what_came_too_late_is_told_by_how_far_it_got(live: Live | None, words: str) -> None:
    """AWS's reason where there is one, and what an earlier attempt ran into."""
    assert str(late("it", live, 60.0)) == f"it: {words}"
