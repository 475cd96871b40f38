"""Jobs as the service lists and describes them: whether one takes up an environment, and in which cluster."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

_DESCRIBED = 100
"""Jobs that one call describes at most (API_DescribeJobs.html)."""

_ON_AN_ENVIRONMENT = ("STARTING", "RUNNING")


@attrs.frozen
class Job:
    """A job as it is described. `cluster` is None where it shows none, `ended` counts its attempts that are over."""

    id: str
    runs: bool
    cluster: str | None
    in_pod: bool
    ended: int


def batches(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Ids in as few calls of DescribeJobs as they take."""
    wanted = tuple(ids)
    return (wanted[start : start + _DESCRIBED] for start in range(0, len(wanted), _DESCRIBED))


def parent_of(item: Mapping[str, Any]) -> str:
    """By what the jobs that one of a queue stands for are listed; nothing where it stands for itself."""
    if "size" in item.get("arrayProperties", {}):
        return "arrayJobId"
    return "multiNodeJobId" if "numNodes" in item.get("nodeProperties", {}) else ""


def described(shown: Mapping[str, Any]) -> Job:
    """A job of the answer of DescribeJobs."""
    in_pod = "eksProperties" in shown
    attempts = shown.get("eksAttempts" if in_pod else "attempts", ())
    tasks = [shown, *(attempt for attempt in attempts if "stoppedAt" not in attempt)]
    clusters = [cluster for task in tasks for cluster in _clusters(task)]
    return Job(
        id=shown["jobId"],
        runs=shown["status"] in _ON_AN_ENVIRONMENT,
        cluster=next(iter(clusters), None),
        in_pod=in_pod,
        ended=sum("stoppedAt" in attempt for attempt in attempts),
    )


def _clusters(shown: Mapping[str, Any]) -> Iterator[str]:
    """The clusters in the ARNs of the tasks that a job or an attempt shows."""
    several = shown.get("ecsProperties", shown).get("taskProperties", ())
    for holder in (shown.get("container", {}), *several):
        parts = holder.get("taskArn", "").split("/")
        if len(parts) == 3:
            yield parts[1]
