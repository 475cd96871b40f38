"""What the simulator holds as readers see it."""

from collections.abc import Mapping

from reconciler.cli.holdings import Documents, lines

_QUEUE = "arn:aws:batch:eu-west-1:123456789012:job-queue/high"


def test_objects_and_jobs() -> None:
    """Columns are as wide as their cells; state, job name, queue, children and a reason follow the status."""
    job = {"jobName": "align", "jobQueue": _QUEUE}
    held: dict[str, Mapping[str, Documents]] = {
        "123456789012/eu-west-1": {
            "environment": {
                "fast": {"status": "VALID", "state": "ENABLED", "statusReason": "ComputeEnvironment Healthy"},
                "poor": {"status": "INVALID", "state": "DISABLED", "statusReason": "CLIENT_ERROR - no role"},
            },
            "definition": {"align:1": {"status": "ACTIVE", "jobDefinitionName": "align"}},
            "policy": {"fair": {}},
            "job": {
                "j-1": job | {"status": "FAILED", "statusReason": "Host EC2 terminated"},
                "j-2": job | {"status": "PENDING"},
                "j-3": job | {"status": "RUNNING"},
            },
            "child": {
                "j-2:0": job | {"status": "SUCCEEDED"},
                "j-2:1": job | {"status": "RUNNING"},
                "j-2:2": job | {"status": "SUCCEEDED"},
            },
        },
        "222222222222/us-east-1": {"queue": {"low": {"status": "VALID", "state": "DISABLED"}}},
        "222222222222/us-west-2": {"queue": {}, "job": {}},
    }
    assert [*lines(held)] == [
        "123456789012/eu-west-1",
        "  environment  fast     VALID    ENABLED",
        "  environment  poor     INVALID  DISABLED; CLIENT_ERROR - no role",
        "  definition   align:1  ACTIVE",
        "  policy       fair",
        "  job          j-1      FAILED   align in high; Host EC2 terminated",
        "  job          j-2      PENDING  align in high; children: 2 SUCCEEDED, 1 RUNNING",
        "  job          j-3      RUNNING  align in high",
        "222222222222/us-east-1",
        "  queue  low  VALID  DISABLED",
        "222222222222/us-west-2",
    ]
