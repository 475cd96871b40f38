"""SubmitJob: what is asked of a job that comes in, and how it is written down."""

import json
import re
from typing import Any

from providers.simulator import orders, registration, tags
from providers.simulator.catalogue import DEFINITION, JOB, QUEUE
from providers.simulator.jobs import attempts, dependencies, needs, nodes, overrides, supplies
from providers.simulator.jobs.records import USER_GUIDE, milliseconds
from providers.simulator.lifecycle import API, NAME, Handler, Json, Thing, World
from providers.simulator.rules import Refused, assumed, documented, observed

_SUBMIT = API + "API_SubmitJob.html"
_SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")
_CAPABILITIES = {"ECS": "EC2", "ECS_FARGATE": "FARGATE", "ECS_MANAGED_INSTANCES": "MANAGED_INSTANCES"}
_AS_SENT = ("shareIdentifier", "dependsOn", "timeout", "consumableResourceProperties", "arrayProperties")


def submit(world: World, request: Json) -> Json:
    request = _without_empty_parts(request)
    name = request["jobName"]
    _name_is_well_formed(name)
    _is_small(world, request)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    _array_is_of_a_size(request)
    registration.check_attempts(request)
    registration.priority_is_in_range("schedulingPriorityOverride", request)
    registration.quantities_are_positive(request.get("consumableResourcePropertiesOverride", {}))
    registration.nodes_are_few(world, request.get("nodeOverrides", {}))
    dependencies.check(world, request)
    queue = _queue_is_there(world, request["jobQueue"])
    _queue_takes_jobs(queue)
    _queue_has_compute_environments(queue)
    definition = _active_definition(world, request["jobDefinition"])
    _array_is_not_of_nodes(request, definition.shown)
    _queue_runs_such_jobs(queue, definition.shown)
    _share_is_told(queue, request)
    shares_are_few(world, queue, request)
    _priority_is_told(queue, definition, request)
    shown = {**_described(request, queue, definition), **overrides.applied(definition.shown, request)}
    job_id = world.unique(name)
    shown.update(jobId=job_id, jobArn=world.arn(JOB, job_id), createdAt=milliseconds(world.now))
    job = Thing(JOB, job_id, shown, _kept(world, queue, definition, shown), parent=queue.name)
    job.kept["doomed"] = _tags_do_not_fit(world, shown, definition) or _overrides_do_not_fit(request)
    job.kept["size"] = shown.get("arrayProperties", {}).get("size", 0)
    dependencies.begin(world, job)
    job.steps = [(world.now + world.settings.durations.job_submitted, {})]
    world.save(job)
    return {"jobArn": shown["jobArn"], "jobName": name, "jobId": job_id}


OPERATIONS: dict[str, Handler] = {"SubmitJob": submit}


def _described(request: Json, queue: Thing, definition: Thing) -> Json:
    of_definition = definition.shown
    asked = {"consumableResourceProperties": request.get("consumableResourcePropertiesOverride")}
    chosen = {**of_definition, **request, **{key: value for key, value in asked.items() if value is not None}}
    shown: Json = {
        "jobName": request["jobName"],
        "jobQueue": queue.arn,
        "jobDefinition": definition.arn,
        "status": "SUBMITTED",
        "attempts": [],
        "dependsOn": [],
        "isCancelled": False,
        "isTerminated": False,
        "platformCapabilities": of_definition.get("platformCapabilities", []),
        "parameters": {**of_definition.get("parameters", {}), **request.get("parameters", {})},
        "propagateTags": chosen.get("propagateTags", False),
        "retryStrategy": _strategy(chosen.get("retryStrategy", {})),
        "tags": request.get("tags", {}),
        **{key: chosen[key] for key in _AS_SENT if key in chosen},
    }
    priority = request.get("schedulingPriorityOverride", of_definition.get("schedulingPriority"))
    return shown if priority is None else {**shown, "schedulingPriority": priority}


@documented(USER_GUIDE + "batch_cwe_events.html")
def _strategy(given: Json) -> Json:
    """A job shows a retry strategy, of one attempt where nothing was said."""
    return {"attempts": 1, "evaluateOnExit": [], **given}


def _kept(world: World, queue: Thing, definition: Thing, shown: Json) -> dict[str, Any]:
    facts = {**worker(shown), "definition": definition.parent, "queue": queue.name, "name": shown["jobName"]}
    outcomes = attempts.outcomes_of(world, facts, array="arrayProperties" in shown)
    return {**derived(world, shown), "rank": rank(queue, shown), "outcomes": outcomes}


def derived(world: World, shown: Json) -> dict[str, Any]:
    """Return what is kept of a job because of what it shows."""
    need = needs.of(shown)
    return {
        "vcpus": need.vcpus,
        "host_vcpus": need.host_vcpus,
        "gpus": need.gpus,
        "supplies": supplies.needed(world, shown),
        "share": shown.get("shareIdentifier", ""),
        "retry": shown.get("retryStrategy", {}),
        "timeout": shown.get("timeout", {}).get("attemptDurationSeconds"),
    }


def worker(shown: Json) -> dict[str, str]:
    """Return image and command of a job: of its container, the first of several, or that of its main node."""
    if "nodeProperties" in shown:
        return worker(nodes.main(shown["nodeProperties"]))
    if "ecsProperties" in shown:
        containers = [it for task in shown["ecsProperties"]["taskProperties"] for it in task["containers"]]
    elif "eksProperties" in shown:
        containers = shown["eksProperties"].get("podProperties", {}).get("containers", [])
    else:
        containers = [shown.get("container", {})]
    first = containers[0] if containers else {}
    return {"image": first.get("image", ""), "command": " ".join([*first.get("command", []), *first.get("args", [])])}


@documented(_SUBMIT)
def rank(queue: Thing, shown: Json) -> int:
    """In a fair-share queue the job with the higher priority goes first; elsewhere, and among equals, the older one."""
    return -int(shown.get("schedulingPriority", 0)) if "schedulingPolicyArn" in queue.shown else 0


@observed("apache/airflow BatchOperator, which sends them with every job")
def _without_empty_parts(request: Json) -> Json:
    """Array properties, parameters and tags without anything in them are as if they had not been sent."""
    return {key: it for key, it in request.items() if it or key not in ("arrayProperties", "parameters", "tags")}


@observed("fluidattacks/makes#697")
def _name_is_well_formed(name: str) -> None:
    """The name of a job has up to 128 letters, digits, hyphens and underscores, and begins with a letter or digit."""
    if not NAME.fullmatch(name):
        raise Refused("Job name should match valid pattern")


@documented(USER_GUIDE + "service_limits.html")
def _is_small(world: World, request: Json) -> None:
    """A request to submit a job has up to 30 KiB."""
    most = world.settings.quotas.job_bytes
    if len(json.dumps(request, separators=(",", ":")).encode()) > most:
        raise Refused(f"Job payload size exceeds {most} bytes")


@documented(USER_GUIDE + "array_jobs.html")
def _array_is_of_a_size(request: Json) -> None:
    """An array has 2 to 10,000 children."""
    if not 2 <= request.get("arrayProperties", {"size": 2}).get("size", 0) <= 10_000:
        raise Refused("Array size must be between 2 and 10000")


@observed("base2genomics/batchit#13")
def _queue_is_there(world: World, reference: str) -> Thing:
    """A job is submitted to a queue that is there."""
    queue = world.read(QUEUE, reference)
    if queue is None or queue.shown["status"] == "DELETED":
        raise Refused(f"JobQueue {reference} not found.")
    return queue


@assumed("an array is of jobs with a container or a task each")
def _array_is_not_of_nodes(request: Json, definition: Json) -> None:
    """An array of multi-node parallel jobs is refused."""
    if "arrayProperties" in request and "nodeProperties" in definition:
        raise Refused("arrayProperties should not be set for multi-node parallel jobs.")


@documented(API + "API_CreateJobQueue.html")
def _queue_takes_jobs(queue: Thing) -> None:
    """A DISABLED queue takes no jobs, nor does one that is not yet made or is going; those in it go on."""
    if queue.shown["state"] != "ENABLED" or queue.shown["status"] not in ("VALID", "UPDATING"):
        raise Refused(f"Job queue {queue.arn} is not in ENABLED state")


@documented(USER_GUIDE + "service-jobs.html")
def _queue_has_compute_environments(queue: Thing) -> None:
    """Jobs for a queue of service environments are submitted with SubmitServiceJob."""
    if orders.is_service(queue.shown):
        raise Refused(f"Job queue {queue.arn} is for service jobs; use SubmitServiceJob")


@documented(_SUBMIT)
def _active_definition(world: World, reference: str) -> Thing:
    """A job names an ACTIVE revision, or a family, whose newest ACTIVE revision it gets."""
    name = world.name(DEFINITION, reference)
    thing = world.read(DEFINITION, name)
    if thing is None:
        thing = world.newest(DEFINITION, name, "ACTIVE")
    if thing is None:
        raise Refused(_nowhere(reference))
    if thing.shown["status"] != "ACTIVE":
        raise Refused(f"JobDefinition {reference} is not in ACTIVE status")
    return thing


@observed("aws-samples/aws-genomics-workflows#84, azavea/raster-vision-aws#17")
def _nowhere(reference: str) -> str:
    """A definition that is not there is told by the ARN, or by the name, by which it was asked for."""
    if reference.startswith("arn:"):
        return f"JobDefinition {reference} not found."
    return f"JobDefinition name {reference} does not exist or is not in ACTIVE status"


@observed("AWS's own message in public logs of SubmitJob")
def _queue_runs_such_jobs(queue: Thing, definition: Json) -> None:
    """A queue takes jobs that can run in its environments: on EC2, on Fargate, on managed instances, or on EKS."""
    capability = _CAPABILITIES.get(queue.shown.get("jobQueueType", "ECS"), "EKS")
    told = definition.get("platformCapabilities") or ["EC2"]
    can: list[str] = ["EKS"] if _is_of_pods(definition) else told
    if capability not in can or (capability == "FARGATE" and "nodeProperties" in definition):
        raise Refused(
            f"Job Queue is attached to Compute Environment that can not run Jobs with capability {', '.join(can)}."
        )


def _is_of_pods(definition: Json) -> bool:
    ranges = definition.get("nodeProperties", {}).get("nodeRangeProperties", [])
    return "eksProperties" in definition or any("eksProperties" in it for it in ranges)


def _share_is_told(queue: Thing, request: Json) -> None:
    if "schedulingPolicyArn" in queue.shown:
        _share_is_named(request)
    else:
        _share_is_for_fair_share(request)


@documented(_SUBMIT)
def _share_is_named(request: Json) -> None:
    """Jobs of a fair-share queue name a share: up to 255 letters and digits, and an asterisk behind them."""
    if not _SHARE.fullmatch(request.get("shareIdentifier", "")):
        raise Refused("shareIdentifier must be specified for a job queue with a fair share scheduling policy.")


@observed("AWS's own message in public logs of SubmitJob")
def _share_is_for_fair_share(request: Json) -> None:
    """Jobs of another queue name neither a share nor a priority."""
    if {"shareIdentifier", "schedulingPriorityOverride"} & request.keys():
        raise Refused(
            "Job with shareIdentifier or schedulingPriority can onlybe submitted to job queue with fair share "
            "scheduling policy."
        )


@documented(API + "API_CreateJobQueue.html")
def shares_are_few(world: World, queue: Thing, request: Json) -> None:
    """A queue has up to 500 share identifiers of jobs that have not ended; a job that would add one is refused."""
    most, share = world.settings.quotas.shares_a_queue, request.get("shareIdentifier")
    active = world.transaction.shares(queue.name) if share else []
    if share and share not in active and len(active) >= most:
        raise Refused(f"Limit of {most} active share identifiers exceeded for job queue {queue.arn}")


def _priority_is_told(queue: Thing, definition: Thing, request: Json) -> None:
    if "schedulingPolicyArn" in queue.shown:
        _fair_share_has_a_priority(definition, request)


@observed("hashicorp/terraform-provider-aws#31226")
def _fair_share_has_a_priority(definition: Thing, request: Json) -> None:
    """A job of a fair-share queue has a priority, of its own or of its definition, 0 included."""
    if "schedulingPriorityOverride" not in request and "schedulingPriority" not in definition.shown:
        raise Refused("Either schedulingPriority in job definition or schedulingPriorityOverride is required")


@documented(_SUBMIT)
def _tags_do_not_fit(world: World, shown: Json, definition: Thing) -> str:
    """A job fails that propagates its tags where there are more than 50, together with those of its definition."""
    combined = {**definition.shown.get("tags", {}), **shown["tags"]}
    if shown["propagateTags"] and len(combined) > world.settings.quotas.tags:
        return f"Number of tags must be less than or equal to {world.settings.quotas.tags}."
    return ""


@observed("Netflix/metaflow#1482")
def _overrides_do_not_fit(request: Json) -> str:
    """A job fails whose container overrides have more than 8192 characters, for ECS takes no more."""
    given = request.get("containerOverrides", {})
    told = json.dumps({key: given[key] for key in ("command", "environment") if key in given}, separators=(",", ":"))
    return "Container Overrides length must be at most 8192" if len(told) > 8192 else ""
