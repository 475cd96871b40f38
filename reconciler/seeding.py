"""From a snapshot of an account to what a simulator is filled with.

What a snapshot does not tell is taken to be well: roles can be assumed, networks are there, definitions that jobs came
from run anywhere. Of jobs it tells how many there are, so they are all alike.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from providers.kinds import Kind, Kinds
from providers.resources import JobCount, Live, Snapshot
from providers.simulator import Seed

JOBS = 1000
"""How many jobs of a status are counted, and put into a queue, at most."""

_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "compute_environment": "environment",
        "service_environment": "service_environment",
        "job_queue": "queue",
        "quota_share": "quota_share",
        "job_definition": "definition",
        "scheduling_policy": "policy",
        "consumable_resource": "consumable",
    }
)
"""The kinds as the simulator calls them."""

_LINKED = "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
_RUNS_FIRST = ("RUNNING", "STARTING", "SCHEDULED", "RUNNABLE", "PENDING", "SUBMITTED")


def seeds(snapshot: Snapshot, kinds: Kinds, jobs: int = JOBS) -> Iterator[Seed]:
    """Everything of a snapshot, each after what it refers to; then of each queue up to `jobs` jobs of a status."""
    ranks = {kind.name: kind.rank for kind in kinds}
    for live in sorted(snapshot.live, key=lambda live: ranks[live.kind]):
        yield Seed(_KEYS[live.kind], _name(live), _shown(live, kinds[live.kind]))
    yield from _jobs(snapshot, jobs)


def _name(live: Live) -> str:
    """What the simulator keeps it under: the end of its ARN, which of a revision is NAME:REVISION."""
    if live.kind == "quota_share":
        return live.arn.partition("job-queue/")[2]
    return live.name if live.revision is None else f"{live.name}:{live.revision}"


def _shown(live: Live, kind: Kind) -> dict[str, Any]:
    """The object as a describe shows it."""
    named = kind.facts.described_as
    shown: dict[str, Any] = {named.get(member, member): value for member, value in live.spec.items()}
    shown |= {kind.name_member: live.name, kind.arn_member: live.arn, "tags": dict(live.tags)}
    told = {"status": live.status, "statusReason": live.status_reason or None, "revision": live.revision}
    shown |= {member: value for member, value in told.items() if value is not None}
    match live.kind:
        case "compute_environment":
            shown |= _of_an_environment(live)
        case "consumable_resource":
            shown |= {"inUseQuantity": 0, "createdAt": 0}
    return shown


def _of_an_environment(live: Live) -> dict[str, Any]:
    _, partition, _, region, account, *_ = live.arn.split(":")
    own: dict[str, Any] = {
        "containerOrchestrationType": "EKS" if "eksConfiguration" in live.spec else "ECS",
        "serviceRole": live.spec.get("serviceRole") or f"arn:{partition}:iam::{account}:{_LINKED}",
        "uuid": live.uuid,
    }
    if live.cluster is not None:
        own["ecsClusterArn"] = f"arn:{partition}:ecs:{region}:{account}:cluster/{live.cluster}"
    return own


def _jobs(snapshot: Snapshot, most: int) -> Iterator[Seed]:
    """The jobs that were counted; those of a quota share are among those of its queue."""
    lives = {live.arn: live for live in snapshot.live}
    counts = {arn: dict(count.by_status) for arn, count in snapshot.jobs.items() if isinstance(count, JobCount)}
    shares = [arn for arn in counts if arn in lives and lives[arn].kind == "quota_share"]
    for arn in shares:
        whole = counts.get(str(lives[arn].spec.get("jobQueue")), {})
        for status, count in counts[arn].items():
            whole[status] = max(0, whole.get(status, 0) - count)
    number = 0
    for status in _RUNS_FIRST:
        for arn, by_status in counts.items():
            live = lives.get(arn)
            if live is None or live.status == "DELETED":
                continue
            for _ in range(min(most, by_status.get(status, 0))):
                number += 1
                yield _job(live, status, f"00000000-0000-4000-8000-{number:012d}", lives)


def _job(live: Live, status: str, job_id: str, lives: Mapping[str, Live]) -> Seed:
    prefix = ":".join(live.arn.split(":")[:5])
    share = live.kind == "quota_share"
    queue = str(live.spec["jobQueue"]) if share else live.arn
    shown: dict[str, Any] = {"jobId": job_id, "jobName": "job", "jobQueue": queue, "status": status}
    if share or live.spec.get("jobQueueType") == "SAGEMAKER_TRAINING":
        shown |= {"jobArn": f"{prefix}:service-job/{job_id}", "serviceJobType": "SAGEMAKER_TRAINING"}
        shown |= _of_a_share(live) if share else {}
        return Seed("service_job", job_id, shown)
    shown |= {"jobArn": f"{prefix}:job/{job_id}", "jobDefinition": f"{prefix}:job-definition/job:1"}
    if status in ("STARTING", "RUNNING"):
        shown |= _running(prefix, job_id, _environments(live, lives))
    return Seed("job", job_id, shown)


def _of_a_share(share: Live) -> dict[str, Any]:
    """What a job says that runs in a quota share: one instance, of a type that the share has."""
    types = [limit.get("capacityUnit") for limit in share.spec.get("capacityLimits") or ()]
    config = {"InstanceType": types[0] if types else "", "InstanceCount": 1}
    return {"quotaShareName": share.name, "serviceRequestPayload": json.dumps({"ResourceConfig": config})}


def _running(prefix: str, job_id: str, environments: Iterable[Live]) -> dict[str, Any]:
    """Where a job runs: in the first environment of its queue that can have begun it."""
    cluster = next((live.cluster for live in environments if live.cluster and live.status == "VALID"), None)
    task = f"{prefix.replace(':batch:', ':ecs:')}:task/{cluster}/{job_id}"
    return {"startedAt": 0, **({} if cluster is None else {"container": {"taskArn": task}})}


def _environments(queue: Live, lives: Mapping[str, Live]) -> list[Live]:
    order = sorted(queue.spec.get("computeEnvironmentOrder") or (), key=lambda entry: int(entry["order"]))
    return [lives[entry["computeEnvironment"]] for entry in order if entry["computeEnvironment"] in lives]
