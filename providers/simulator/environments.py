"""Compute environments: create, describe, update, delete. What stands inside `computeResources` is in `resources`."""

from typing import Any

from providers.simulator import jobs, resources, tags
from providers.simulator.catalogue import ENVIRONMENT, QUEUE
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    describe,
    must_be_disabled,
    must_fit,
    must_have_settled,
    name_is_free,
    name_is_well_formed,
    note_open,
)
from providers.simulator.rules import Refused, assumed, documented, observed

HEALTHY = "ComputeEnvironment Healthy"
USER_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"


def create(world: World, request: Json) -> Json:
    name = request["computeEnvironmentName"]
    name_is_well_formed(name, "computeEnvironmentName")
    _managed_has_resources(request)
    _unmanaged_has_a_role(request)
    _vcpus_are_told_for_unmanaged_only(request)
    _namespace_is_allowed(request)
    orchestration = "EKS" if "eksConfiguration" in request else "ECS"
    given = request.get("computeResources")
    if given is not None:
        resources.check_created(given, orchestration, world.now)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    name_is_free(world, ENVIRONMENT, name)
    must_fit(world, ENVIRONMENT, world.settings.quotas.environments)
    unique = world.unique(name)
    shown: Json = {
        **request,
        "computeEnvironmentArn": world.arn(ENVIRONMENT, name),
        "state": request.get("state", "ENABLED"),
        "status": "CREATING",
        "serviceRole": _role(world, request),
        "containerOrchestrationType": orchestration,
        "uuid": unique,
        "tags": request.get("tags", {}),
    }
    if orchestration == "ECS":
        cluster = f"cluster/AWSBatch-{name[:40]}-{unique}"
        shown["ecsClusterArn"] = f"arn:{world.partition}:ecs:{world.region}:{world.account}:{cluster}"
    if given is not None:
        shown["computeResources"] = resources.as_created(given, orchestration)
    thing = Thing(ENVIRONMENT, name, shown)
    thing.steps = [(world.now + world.settings.durations.create_environment, _outcome(shown))]
    world.save(thing)
    return {"computeEnvironmentName": name, "computeEnvironmentArn": thing.arn}


def show(world: World, request: Json) -> Json:
    return describe(world, request, ENVIRONMENT, "computeEnvironments", "computeEnvironments")


def update(world: World, request: Json) -> Json:
    thing = world.find(ENVIRONMENT, request["computeEnvironment"])
    must_have_settled(thing, "update")
    shown, sent = thing.shown, request.get("computeResources")
    _unmanaged_has_no_resources(shown, sent)
    _vcpus_are_told_for_unmanaged_only({**request, "type": shown["type"]})
    _role_stays_in_its_class(shown, request.get("serviceRole"))
    regime = resources.check_updated(shown, request)
    if sent is not None:
        shown["computeResources"] = resources.as_updated(shown, sent)
    if "updatePolicy" in request:
        shown["updatePolicy"] = {**_POLICY, **shown.get("updatePolicy", {}), **request["updatePolicy"]}
    closes = request.get("state") == "DISABLED" and shown["state"] == "ENABLED"
    for key in ("state", "serviceRole", "unmanagedvCpus", "context", "ecsSettings", "eksConfiguration"):
        if key in request:
            shown[key] = request[key]
    durations = world.settings.durations
    seconds = durations.disable_environment if closes else durations.scaling_update
    if regime == "infrastructure":
        seconds = durations.infrastructure_update
    thing.change({"status": "UPDATING", "statusReason": None})
    note_open(thing, world.now)
    thing.steps = [(world.now + seconds, _outcome(shown))]
    world.save(thing)
    return {"computeEnvironmentName": thing.name, "computeEnvironmentArn": thing.arn}


def delete(world: World, request: Json) -> Json:
    thing = world.find(ENVIRONMENT, request["computeEnvironment"])
    must_have_settled(thing, "delete")
    must_be_disabled(thing)
    _must_be_in_no_queue(world, thing)
    thing.steps = _end(world, thing)
    thing.change({"status": "DELETING", "statusReason": None})
    world.save(thing)
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateComputeEnvironment": create,
    "DescribeComputeEnvironments": show,
    "UpdateComputeEnvironment": update,
    "DeleteComputeEnvironment": delete,
}

_POLICY = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30}


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


@documented(API + "API_CreateComputeEnvironment.html")
def _unmanaged_has_a_role(request: Json) -> None:
    """An UNMANAGED environment names its service role, and has no compute resources."""
    _unmanaged_has_no_resources(request, request.get("computeResources"))
    if request["type"] == "UNMANAGED" and not request.get("serviceRole"):
        raise Refused("ServiceRole is required.")


@documented(API + "API_CreateComputeEnvironment.html")
def _vcpus_are_told_for_unmanaged_only(request: Json) -> None:
    """`unmanagedvCpus` is for UNMANAGED environments."""
    if "unmanagedvCpus" in request and request["type"] != "UNMANAGED":
        raise Refused("unmanagedvCpus can only be specified for an UNMANAGED compute environment")


@documented(API + "API_EksConfiguration.html")
def _namespace_is_allowed(request: Json) -> None:
    """A Kubernetes namespace is not `default`, does not begin with `kube-`, and has fewer than 64 characters."""
    space = request.get("eksConfiguration", {}).get("kubernetesNamespace")
    if space is not None and (space == "default" or space.startswith("kube-") or not resources.SPACE.fullmatch(space)):
        raise Refused("kubernetesNamespace is not valid")


@documented(API + "API_UpdateComputeEnvironment.html")
def _role_stays_in_its_class(shown: Json, role: str | None) -> None:
    """The service-linked role is not exchanged for an ordinary one, nor an ordinary one for the service-linked."""
    if role and resources.is_linked(role) != resources.is_linked(shown["serviceRole"]):
        raise Refused("A service-linked role and another IAM role cannot replace each other")


@observed("go-to-k/cdk-real-drift#1501")
def _role(world: World, request: Json) -> str:
    """An environment without a service role has the service-linked one, and shows its ARN."""
    linked = "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    return str(request.get("serviceRole") or f"arn:{world.partition}:iam::{world.account}:{linked}")


@observed("hashicorp/terraform-provider-aws#8549")
def _role_trouble(shown: Json) -> str | None:
    """A service role that Batch cannot assume makes the environment INVALID.

    Here that is a role whose name contains `missing`, a convention of this simulator, or a service-linked role with a
    wrong path, as in aws/aws-cdk#20727.
    """
    role = shown["serviceRole"]
    astray = role.startswith("arn:") and "AWSServiceRoleForBatch" in role and not resources.is_linked(role)
    if "missing" in role.rpartition("/")[2] or astray:
        return f"CLIENT_ERROR - Not authorized to perform sts:AssumeRole on {role} (Service: null; Status Code: 403)"
    return None


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _fleet_trouble(shown: Json) -> str | None:
    """A spot fleet role that cannot be used (here: whose name contains `missing`) makes the environment INVALID."""
    if "missing" in shown.get("computeResources", {}).get("spotIamFleetRole", "").rpartition("/")[2]:
        return "CLIENT_ERROR - Parameter: SpotFleetRequestConfig.IamFleetRole is invalid (Status Code: 400)"
    return None


@documented(API + "API_DeleteComputeEnvironment.html")
def _jobs_trouble(world: World, thing: Thing) -> str | None:
    """A Fargate environment that is deleted while jobs run in it becomes INVALID."""
    if resources.is_fargate(thing.shown.get("computeResources", {"type": ""})) and jobs.are_active(world, thing):
        return "CLIENT_ERROR - Compute environment has active jobs"
    return None


def _trouble(shown: Json) -> str | None:
    return _role_trouble(shown) or _fleet_trouble(shown)


@documented(USER_GUIDE + "troubleshooting.html")
def _outcome(shown: Json) -> dict[str, Any]:
    """A transition ends in VALID, or in INVALID with the reason; an update that repairs the fault ends in VALID."""
    trouble = _trouble(shown)
    return {"status": "INVALID" if trouble else "VALID", "statusReason": trouble or HEALTHY}


@observed("hashicorp/terraform-provider-aws#26930")
def _end(world: World, thing: Thing) -> list[tuple[float, Json | None]]:
    """A deletion ends in DELETED and then nothing; hindered, it falls back to INVALID with the reason."""
    due = world.now + world.settings.durations.delete_environment
    trouble = _role_trouble(thing.shown) or _jobs_trouble(world, thing)
    if trouble:
        return [(due, {"status": "INVALID", "statusReason": trouble})]
    return [(due, {"status": "DELETED"}), (due + world.settings.durations.deleted, None)]


@observed("hashicorp/terraform-provider-aws#46925")
def _must_be_in_no_queue(world: World, thing: Thing) -> None:
    """An environment in a queue is not deleted, nor for a while after the queue has let go of it."""
    for queue in world.walk(QUEUE):
        listed = any(entry["computeEnvironment"] == thing.arn for entry in queue.shown["computeEnvironmentOrder"])
        if queue.shown["status"] != "DELETED" and (listed or queue.kept.get("left", {}).get(thing.arn, 0) > world.now):
            raise Refused("Cannot delete, found existing JobQueue relationship")
