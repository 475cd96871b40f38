"""Attempts of a job: where they run, how they come out, what they leave behind, and whether there is another."""

import fnmatch
import uuid
from typing import Any

from providers.simulator.jobs.records import USER_GUIDE, milliseconds
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.resources import is_fargate
from providers.simulator.rules import assumed, documented, observed
from providers.simulator.settings import Outcome

_TIMED_OUT = "Job attempt duration exceeded timeout"
_TASK = ("containerInstanceArn", "taskArn")


def begin(world: World, job: Thing, environment: Thing) -> None:
    """Note where an attempt runs; `run` and `end` tell the rest of it."""
    forget(job)
    unique = world.unique(job.name)
    job.kept["instance"] = instance(unique)
    if environment.shown.get("containerOrchestrationType") == "EKS":
        _begin_pod(world, job, environment, unique)
    else:
        _begin_task(world, job, environment, unique.replace("-", ""))


def instance(unique: str) -> str:
    """Return an id of an EC2 instance."""
    return f"i-{uuid.uuid5(uuid.NAMESPACE_OID, unique).hex[:17]}"


@observed("saebyn/glowing-telegram#564")
def _begin_task(world: World, job: Thing, environment: Thing, task: str) -> None:
    """A job shows its ECS task, and where it has one its container instance, both in the cluster that it runs in."""
    cluster = environment.shown.get("ecsClusterArn", "").rpartition("/")[2]
    prefix = f"arn:{world.partition}:ecs:{world.region}:{world.account}"
    shown = {"taskArn": f"{prefix}:task/{cluster}/{task}"}
    if not is_fargate(environment.shown.get("computeResources", {"type": "UNMANAGED"})):
        host = uuid.uuid5(uuid.NAMESPACE_OID, job.kept["instance"]).hex
        shown["containerInstanceArn"] = f"{prefix}:container-instance/{cluster}/{host}"
    job.kept["task"] = shown
    for holder in _holders(job):
        holder.update(shown)


@documented(API + "API_EksAttemptDetail.html")
def _begin_pod(world: World, job: Thing, environment: Thing, unique: str) -> None:
    """A job on EKS shows its pod and its node, and an attempt also cluster and namespace."""
    where = environment.shown["eksConfiguration"]
    job.kept["pod"] = {
        "eksClusterArn": where["eksClusterArn"],
        "podName": f"aws-batch.{unique}",
        "podNamespace": where["kubernetesNamespace"],
        "nodeName": _node(world.region, unique),
    }
    pod = job.shown.get("eksProperties", {}).get("podProperties", {})
    pod.update({key: job.kept["pod"][key] for key in ("podName", "nodeName")})


@documented("https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html")
def _node(region: str, unique: str) -> str:
    """A node is named as its instance is in the private DNS: by its IPv4 address and its region."""
    *_, third, last = uuid.uuid5(uuid.NAMESPACE_OID, unique).bytes
    return f"ip-10-0-{third}-{last}.{'ec2' if region == 'us-east-1' else f'{region}.compute'}.internal"


@documented(API + "API_ContainerDetail.html")
def run(job: Thing) -> None:
    """A container gets a log stream when it is RUNNING: FAMILY/default/TASK, or FAMILY/CONTAINER/TASK in a task."""
    if not job.kept.get("task"):
        return
    family = job.shown["jobDefinition"].rpartition("/")[2].partition(":")[0]
    task = job.kept["task"]["taskArn"].rpartition("/")[2]
    for container in _containers(job):
        container["logStreamName"] = f"{family}/{container.get('name', 'default')}/{task}"
    if "nodeProperties" in job.shown:
        job.kept["task"]["logStreamName"] = f"{family}/default/{task}"


def _holders(job: Thing) -> list[Json]:
    """Return what shows the task of a job: its container, or its ECS task."""
    if "ecsProperties" in job.shown:
        return list(job.shown["ecsProperties"]["taskProperties"])
    return [job.shown["container"]] if "container" in job.shown else []


def _containers(job: Thing) -> list[Json]:
    if "ecsProperties" in job.shown:
        return [it for task in job.shown["ecsProperties"]["taskProperties"] for it in task["containers"]]
    if "eksProperties" in job.shown:
        return list(job.shown["eksProperties"].get("podProperties", {}).get("containers", []))
    return [job.shown["container"]] if "container" in job.shown else []


@assumed("what an earlier attempt has left would be taken for that of the one that waits")
def forget(job: Thing) -> None:
    """A job that is tried again shows task, log and exit code of its earlier attempts among these only."""
    job.kept.pop("task", None)
    job.kept.pop("pod", None)
    for holder in _holders(job):
        for key in _TASK:
            holder.pop(key, None)
    for container in _containers(job):
        for key in ("exitCode", "reason", "logStreamName"):
            container.pop(key, None)
    pod = job.shown.get("eksProperties", {}).get("podProperties", {})
    for key in ("podName", "nodeName"):
        pod.pop(key, None)


def outcome(world: World, job: Thing) -> Json:
    """Return how the attempt that begins now comes out, and after how many `seconds`."""
    number = job.kept.get("tries", 0) + 1
    found: Json = next((row for row in job.kept["outcomes"] if number <= (row["attempts"] or number)), {})
    seconds = found.get("seconds")
    came = {
        "exit_code": found.get("exit_code", 0),
        "reason": found.get("reason", ""),
        "status_reason": _words(job, found.get("status_reason", Outcome().status_reason)),
        "seconds": world.settings.durations.job_running if seconds is None else seconds,
    }
    return _within_time(job, came)


@assumed("there are no tasks on EKS")
def _words(job: Thing, told: str) -> str:
    """Where a scenario says nothing else, a job on EKS tells of a container in its pod, not in a task."""
    return "Essential container in pod exited" if "pod" in job.kept and told == Outcome().status_reason else told


@documented(USER_GUIDE + "job_timeouts.html")
def _within_time(job: Thing, came: Json) -> Json:
    """An attempt that takes longer than the timeout is stopped, and fails with exit code 137."""
    limit = job.kept.get("timeout")
    if limit is None or came["seconds"] <= limit:
        return came
    return {"exit_code": 137, "reason": "", "status_reason": _TIMED_OUT, "seconds": limit}


@assumed("that is what a container leaves that is stopped for its timeout")
def killed(job: Thing) -> int | None:
    """The container of a job that is terminated while it runs leaves exit code 137; before that there is none."""
    return 137 if job.shown["status"] == "RUNNING" else None


def end(job: Thing, now: float, status_reason: str, reason: str = "", exit_code: int | None = None) -> None:
    """Add an attempt that ends now to those that a job shows."""
    told: Json = {} if exit_code is None else {"exitCode": exit_code}
    if reason:
        told["reason"] = reason
    for container in _containers(job):
        container.update(told)
    times: Json = {"stoppedAt": milliseconds(now), "statusReason": status_reason}
    if "startedAt" in job.shown:
        times["startedAt"] = job.shown["startedAt"]
    job.kept["tries"] = job.kept.get("tries", 0) + 1
    if "pod" in job.kept:
        job.shown.setdefault("eksAttempts", []).append({**_of_pod(job, told), **times})
    else:
        job.shown["attempts"].append({**_of_task(job, told), **times})


def _of_task(job: Thing, told: Json) -> Json:
    task = job.kept.get("task", {})
    if "ecsProperties" not in job.shown:
        log = next(iter(_containers(job)), task)
        logged = {"logStreamName": log["logStreamName"]} if "logStreamName" in log else {}
        return {"container": {**task, **logged, **told, "networkInterfaces": []}}
    keys = ("name", "exitCode", "reason", "logStreamName")
    containers = [{key: it[key] for key in keys if key in it} for it in _containers(job)]
    return {"container": {}, "taskProperties": [{**task, "containers": containers}]}


def _of_pod(job: Thing, told: Json) -> Json:
    names = [it.get("name", "Default") for it in _containers(job)]
    return {**job.kept["pod"], "containers": [{"name": name, **told} for name in names], "initContainers": []}


def tries_again(job: Thing, status_reason: str, reason: str, exit_code: int | None) -> bool:
    """Tell whether an attempt that failed so is followed by another."""
    strategy = job.kept["retry"]
    if _timeout_is_final(status_reason) or _attempts_are_used_up(job, strategy):
        return False
    code = "" if exit_code is None else str(exit_code)
    return _evaluated(strategy, {"onStatusReason": status_reason, "onReason": reason, "onExitCode": code})


@documented(API + "API_SubmitJob.html")
def _timeout_is_final(status_reason: str) -> bool:
    """A job that was stopped for its timeout is not tried again."""
    return status_reason == _TIMED_OUT


@documented(API + "API_RetryStrategy.html")
def _attempts_are_used_up(job: Thing, strategy: Json) -> bool:
    """A failed job is tried again up to its number of attempts, which is one where nothing is said."""
    return bool(job.kept["tries"] >= strategy.get("attempts", 1))


@documented(API + "API_EvaluateOnExit.html")
def _evaluated(strategy: Json, told: dict[str, str]) -> bool:
    """The first condition that fits says whether to retry or to exit; where none fits, the job is tried again."""
    action = next((it["action"] for it in strategy.get("evaluateOnExit", []) if _fits(it, told)), "RETRY")
    return bool(action.upper() == "RETRY")


@documented(API + "API_EvaluateOnExit.html")
def _fits(condition: Json, told: dict[str, str]) -> bool:
    """All patterns of a condition must fit; one that ends with an asterisk needs to fit only before it."""
    return all(
        told[key].startswith(pattern[:-1]) if pattern.endswith("*") else told[key] == pattern
        for key, pattern in condition.items()
        if key in told
    )


@assumed("a scenario stands for the work")
def outcomes_of(world: World, facts: dict[str, str], array: bool = False) -> list[dict[str, Any]]:
    """How a job comes out is decided when it is submitted, by the rows of the scenario that fit it."""
    rows = [_row(row) for row in world.settings.outcomes if _is_meant(row, facts)]
    return rows if array else of_child(rows, None)


def of_child(outcomes: list[dict[str, Any]], index: int | None) -> list[dict[str, Any]]:
    """Return the rows that speak of one child of an array, or of a job that is in none."""
    return [row for row in outcomes if row["index"] in (None, index)]


def _is_meant(row: Outcome, facts: dict[str, str]) -> bool:
    return all(fnmatch.fnmatchcase(fact, getattr(row, key)) for key, fact in facts.items())


def _row(row: Outcome) -> dict[str, Any]:
    keys = ("attempts", "index", "exit_code", "reason", "status_reason", "seconds", "runs")
    return {key: getattr(row, key) for key in keys}
