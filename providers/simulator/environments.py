"""Compute environments: create, describe, update, delete.

What stands inside `computeResources` is in `resources`, its changes in `updates`, why it is INVALID in `troubles`.
"""

import re
from typing import Any

from providers.simulator import resources, tags, troubles, updates
from providers.simulator.catalogue import ENVIRONMENT, QUEUE
from providers.simulator.jobs import running
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    begin,
    describe,
    must_be_disabled,
    must_fit,
    must_have_settled,
    name_is_free,
    name_is_well_formed,
)
from providers.simulator.pods import NAMESPACE
from providers.simulator.rules import Refused, assumed, documented, observed

HEALTHY = "ComputeEnvironment Healthy"
USER_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
_CLUSTER = re.compile(r"arn:[\w-]+:eks:[^:]+:[^:]+:cluster/.+")


def create(world: World, request: Json) -> Json:
    name = request["computeEnvironmentName"]
    name_is_well_formed(name, "computeEnvironmentName")
    _managed_has_resources(request)
    _unmanaged_has_no_resources(request, request.get("computeResources"))
    _unmanaged_has_a_role(request)
    _unmanaged_runs_on_ecs(request)
    _vcpus_are_told_for_unmanaged_only(request["type"], request)
    _vcpus_are_not_negative(request)
    orchestration = "EKS" if "eksConfiguration" in request else "ECS"
    _settings_are_for_ecs(orchestration, request)
    if orchestration == "EKS":
        _cluster_is_named(request["eksConfiguration"])
        _namespace_is_allowed(request["eksConfiguration"])
        _cluster_has_room(world, request["eksConfiguration"])
    given = request.get("computeResources")
    if given is not None:
        resources.check_created(given, orchestration, world.now)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    _machines_are_tagged_as_objects_are(world, given or {})
    name_is_free(world, ENVIRONMENT, name)
    must_fit(world, ENVIRONMENT, world.settings.quotas.environments)
    unique = world.unique(name)
    shown: Json = {
        **request,
        "computeEnvironmentArn": world.arn(ENVIRONMENT, name),
        "state": request.get("state", "ENABLED"),
        "serviceRole": _by_arn(world, _role(world, request)),
        "containerOrchestrationType": orchestration,
        "uuid": unique,
        "tags": request.get("tags", {}),
    }
    if orchestration == "ECS":
        shown["ecsClusterArn"] = _cluster(world, name, unique)
    else:
        shown["eksConfiguration"] = _entry_is_shown(request["eksConfiguration"])
    if given is not None:
        shown["computeResources"] = resources.as_created(given, orchestration)
    thing = Thing(ENVIRONMENT, name, shown)
    begin(world, thing, "CREATING", (world.settings.durations.create_environment, _outcome(shown, None)))
    return {"computeEnvironmentName": name, "computeEnvironmentArn": thing.arn}


def show(world: World, request: Json) -> Json:
    return describe(world, request, ENVIRONMENT, "computeEnvironments", "computeEnvironments")


def update(world: World, request: Json) -> Json:
    thing = world.find(ENVIRONMENT, request["computeEnvironment"])
    must_have_settled(thing, "update")
    if request.get("serviceRole"):
        request = {**request, "serviceRole": _by_arn(world, request["serviceRole"])}
    shown, sent = thing.shown, request.get("computeResources")
    _unmanaged_has_no_resources(shown, sent)
    _unmanaged_has_no_policy(shown, request)
    _vcpus_are_told_for_unmanaged_only(shown["type"], request)
    _vcpus_are_not_negative(request)
    _settings_are_for_ecs(shown["containerOrchestrationType"], request)
    _orchestration_stays(shown, request)
    _role_is_not_taken_away(request)
    _role_stays_in_its_class(shown, request.get("serviceRole"))
    regime = updates.check(shown, request) if shown["type"] == "MANAGED" else "scaling"
    seconds = _duration(world, shown, request, regime)
    _machines_are_tagged_as_objects_are(world, sent or {})
    reason = _reason_stays(shown, request)
    running.environment_changes(thing)
    if sent is not None:
        shown["computeResources"] = updates.as_updated(shown, sent)
    if "updatePolicy" in request:
        shown["updatePolicy"] = _policy(shown, request["updatePolicy"])
    if "eksConfiguration" in request:
        shown["eksConfiguration"] = _entry_is_shown({**shown["eksConfiguration"], **request["eksConfiguration"]})
    for key in ("state", "serviceRole", "unmanagedvCpus", "context", "ecsSettings"):
        if key in request:
            shown[key] = request[key]
    if regime == "infrastructure":
        seconds = max(seconds, _jobs_make_way(world, thing))
    begin(world, thing, "UPDATING", (seconds, _outcome(shown, reason)))
    return {"computeEnvironmentName": thing.name, "computeEnvironmentArn": thing.arn}


def delete(world: World, request: Json) -> Json:
    thing = world.find(ENVIRONMENT, request["computeEnvironment"])
    must_have_settled(thing, "delete")
    must_be_disabled(thing)
    _must_be_in_no_queue(world, thing)
    begin(world, thing, "DELETING", *_end(world, thing))
    if not _is_fargate(thing):
        running.strand(world, thing)
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateComputeEnvironment": create,
    "DescribeComputeEnvironments": show,
    "UpdateComputeEnvironment": update,
    "DeleteComputeEnvironment": delete,
}


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _managed_has_resources(request: Json) -> None:
    """A MANAGED environment says what its compute resources are."""
    if request["type"] == "MANAGED" and not request.get("computeResources"):
        raise Refused("computeResources must be provided for a MANAGED compute environment")


@assumed("hashicorp/terraform-provider-aws forbids it before the call")
def _unmanaged_has_no_resources(shown: Json, sent: Json | None) -> None:
    """An UNMANAGED environment has no compute resources of Batch's."""
    if shown["type"] == "UNMANAGED" and sent is not None:
        raise Refused("computeResources cannot be specified for an UNMANAGED compute environment")


@documented(API + "API_UpdatePolicy.html")
def _unmanaged_has_no_policy(shown: Json, request: Json) -> None:
    """An update policy is for MANAGED environments."""
    if shown["type"] == "UNMANAGED" and "updatePolicy" in request:
        raise Refused("updatePolicy cannot be specified for an UNMANAGED compute environment")


@documented(API + "API_CreateComputeEnvironment.html")
def _unmanaged_has_a_role(request: Json) -> None:
    """An UNMANAGED environment names its service role."""
    if request["type"] == "UNMANAGED" and not request.get("serviceRole"):
        raise Refused("ServiceRole is required.")


@documented(API + "API_CreateComputeEnvironment.html")
def _unmanaged_runs_on_ecs(request: Json) -> None:
    """An UNMANAGED environment is of EC2 instances that its owner puts into an ECS cluster, not on EKS."""
    if request["type"] == "UNMANAGED" and "eksConfiguration" in request:
        raise Refused("eksConfiguration cannot be specified for an UNMANAGED compute environment")


@documented(API + "API_CreateComputeEnvironment.html")
def _vcpus_are_told_for_unmanaged_only(sort: str, request: Json) -> None:
    """`unmanagedvCpus` is for UNMANAGED environments."""
    if "unmanagedvCpus" in request and sort != "UNMANAGED":
        raise Refused("unmanagedvCpus can only be specified for an UNMANAGED compute environment")


@assumed("they are the capacity that is reserved for new share identifiers")
def _vcpus_are_not_negative(request: Json) -> None:
    """There are 0 `unmanagedvCpus` or more."""
    if request.get("unmanagedvCpus", 0) < 0:
        raise Refused("unmanagedvCpus must be at least 0")


@assumed("they are checked when they are given, as the tags of the environment are")
def _machines_are_tagged_as_objects_are(world: World, given: Json) -> None:
    """Tags that an environment gives to its machines, or to their capacity, are such as an object of Batch may have."""
    for key in ("tags", "capacityTags"):
        tags.check(world, given.get(key, {}), given.get(key, {}))


@documented(API + "API_EcsSettings.html")
def _settings_are_for_ecs(orchestration: str, request: Json) -> None:
    """`ecsSettings` are for environments on ECS."""
    if "ecsSettings" in request and orchestration != "ECS":
        raise Refused("ecsSettings can only be specified for ECS compute environments")


@documented(API + "API_EksConfiguration.html")
def _cluster_is_named(given: Json) -> None:
    """An EKS cluster is named by its ARN."""
    if not _CLUSTER.fullmatch(given["eksClusterArn"]):
        raise Refused("eksClusterArn is not the ARN of an Amazon EKS cluster")


@documented(API + "API_EksConfiguration.html")
def _namespace_is_allowed(given: Json) -> None:
    """A Kubernetes namespace is not `default`, does not begin with `kube-`, and has fewer than 64 characters."""
    space = given["kubernetesNamespace"]
    if space == "default" or space.startswith("kube-") or not NAMESPACE.fullmatch(space):
        raise Refused("kubernetesNamespace is not valid")


@documented(USER_GUIDE + "service_limits.html")
def _cluster_has_room(world: World, given: Json) -> None:
    """An EKS cluster supports up to five environments."""
    most = world.settings.quotas.environments_a_cluster
    clusters = [thing.shown.get("eksConfiguration", {}).get("eksClusterArn") for thing in world.walk(ENVIRONMENT)]
    if clusters.count(given["eksClusterArn"]) >= most:
        raise Refused(f"Limit of {most} compute environments per EKS cluster exceeded")


@documented(API + "API_EksAccessEntry.html")
def _entry_is_shown(given: Json) -> Json:
    """An access entry shows what was wished and, as Batch sees it, whether it is there; unsaid, it is not shown."""
    if "accessEntry" not in given:
        return given
    wished = given["accessEntry"]["desiredState"]
    entry = {"desiredState": wished, "status": "ACTIVE" if wished == "ENABLED" else "INACTIVE"}
    return {**given, "accessEntry": entry}


@documented(API + "API_UpdateComputeEnvironment.html")
def _orchestration_stays(shown: Json, request: Json) -> None:
    """The configuration of EKS is updated only where there is one."""
    if "eksConfiguration" in request and shown["containerOrchestrationType"] != "EKS":
        raise Refused("eksConfiguration can only be specified for EKS compute environments")


@assumed("an UNMANAGED environment cannot be without one, and no update is known that gives the service-linked one")
def _role_is_not_taken_away(request: Json) -> None:
    """A service role that an update sends is one: it is not empty."""
    if request.get("serviceRole") == "":
        raise Refused("serviceRole must not be empty")


@documented(API + "API_UpdateComputeEnvironment.html")
def _role_stays_in_its_class(shown: Json, role: str | None) -> None:
    """The service-linked role is not exchanged for an ordinary one, nor an ordinary one for the service-linked."""
    if role is not None and troubles.is_linked(role) != troubles.is_linked(shown["serviceRole"]):
        raise Refused("A service-linked role and another IAM role cannot replace each other")


@observed("go-to-k/cdk-real-drift#1501")
def _role(world: World, request: Json) -> str:
    """An environment without a service role has the service-linked one, and shows its ARN."""
    linked = "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    return str(request.get("serviceRole") or f"arn:{world.partition}:iam::{world.account}:{linked}")


@assumed("CreateComputeEnvironment says which ARN is meant by a name, not that a describe shows it")
def _by_arn(world: World, role: str) -> str:
    """A service role that is given by its name, after its path where that is not `/`, is shown by its ARN."""
    return role if role.startswith("arn:") else f"arn:{world.partition}:iam::{world.account}:role/{role.lstrip('/')}"


@observed("go-to-k/cdk-real-drift#1501")
def _cluster(world: World, name: str, unique: str) -> str:
    """Each environment on ECS has a cluster of its own, and shows its ARN."""
    return f"arn:{world.partition}:ecs:{world.region}:{world.account}:cluster/AWSBatch-{name[:40]}-{unique}"


@documented(API + "API_UpdatePolicy.html")
def _policy(shown: Json, sent: Json) -> Json:
    """An update policy is shown once it was set: running jobs stay for 30 minutes where nothing else was said."""
    defaults = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30}
    return {**defaults, **shown.get("updatePolicy", {}), **sent}


@documented(USER_GUIDE + "updating-compute-environments.html")
def _jobs_make_way(world: World, thing: Thing) -> float:
    """An infrastructure update lasts at least until the jobs that run have ended, or were stopped by its policy."""
    policy = _policy(thing.shown, {})
    return running.recycle(world, thing, policy["terminateJobsOnUpdate"], policy["jobExecutionTimeoutMinutes"])


@observed("pegasus-isi/pegasus#2088")
def _duration(world: World, shown: Json, request: Json, regime: updates.Regime) -> float:
    """A scaling update takes seconds, to disable takes longer, and an infrastructure update takes minutes."""
    durations = world.settings.durations
    if regime == "infrastructure":
        return durations.infrastructure_update
    closes = request.get("state") == "DISABLED" and shown["state"] == "ENABLED"
    return durations.disable_environment if closes else durations.scaling_update


@documented(USER_GUIDE + "troubleshooting.html")
def _outcome(shown: Json, reason: str | None) -> dict[str, Any]:
    """A transition ends in VALID, or in INVALID with a reason: of what the environment names, or one that stays."""
    trouble = troubles.trouble(shown) or reason
    if trouble is None:
        return {"status": "VALID", "statusReason": HEALTHY}
    return {"status": "INVALID", "statusReason": trouble or None}


@documented(USER_GUIDE + "invalid_compute_environment.html")
def _reason_stays(shown: Json, request: Json) -> str | None:
    """An update of state or scale does not repair what is wrong elsewhere: only one of role or infrastructure does.

    `shown` is the environment before the update. A service role that is sent is looked at again, changed or not: it
    may have become visible.
    """
    repairs = "serviceRole" in request or set(request.get("computeResources", {})) - updates.SCALING
    return None if shown["status"] == "VALID" or repairs else str(shown.get("statusReason", ""))


def _end(world: World, thing: Thing) -> list[tuple[float, Json | None]]:
    durations = world.settings.durations
    return (
        _without_a_role(world, thing)
        or _with_jobs(world, thing)
        or [
            (durations.delete_environment, {"status": "DELETED"}),
            (durations.delete_environment + durations.deleted, None),
        ]
    )


@observed("ekristen/aws-nuke#674")
def _without_a_role(world: World, thing: Thing) -> list[tuple[float, Json | None]]:
    """Without a usable service role a deletion hangs in DELETING, and never ends: at last it is INVALID again.

    From there a new service role repairs it (hashicorp/terraform-provider-aws#11699 saw INVALID after DELETING).
    """
    trouble = troubles.role_trouble(thing.shown)
    if trouble is None:
        return []
    return [(world.settings.durations.hindered_deletion, {"status": "INVALID", "statusReason": trouble})]


@documented(API + "API_DeleteComputeEnvironment.html")
def _with_jobs(world: World, thing: Thing) -> list[tuple[float, Json | None]]:
    """A Fargate environment that is deleted while jobs run in it becomes INVALID."""
    if not _is_fargate(thing) or not world.transaction.in_place(thing.name):
        return []
    reason = "CLIENT_ERROR - Compute environment has active jobs"
    return [(world.settings.durations.delete_environment, {"status": "INVALID", "statusReason": reason})]


def _is_fargate(thing: Thing) -> bool:
    given = thing.shown.get("computeResources")
    return given is not None and resources.is_fargate(given)


@observed("hashicorp/terraform-provider-aws#46925")
def _must_be_in_no_queue(world: World, thing: Thing) -> None:
    """An environment in a queue is not deleted, nor for a while after the queue has let go of it."""
    for queue in world.walk(QUEUE):
        listed = any(
            entry["computeEnvironment"] == thing.arn for entry in queue.shown.get("computeEnvironmentOrder", [])
        )
        if queue.shown["status"] != "DELETED" and (listed or queue.kept.get("left", {}).get(thing.arn, 0) > world.now):
            raise Refused("Cannot delete, found existing JobQueue relationship")
