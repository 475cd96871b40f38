"""Job queues."""

from providers.simulator import jobs, tags
from providers.simulator.catalogue import ENVIRONMENT, POLICY, QUEUE
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
)
from providers.simulator.resources import architectures, is_fargate
from providers.simulator.rules import Refused, assumed, documented, observed

_HEALTHY: Json = {"status": "VALID", "statusReason": "JobQueue Healthy"}


def create(world: World, request: Json) -> Json:
    name = request["jobQueueName"]
    name_is_well_formed(name, "jobQueueName")
    _priority_is_in_range(request)
    _has_environments(request)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    name_is_free(world, QUEUE, name)
    must_fit(world, QUEUE, world.settings.quotas.queues)
    order, queue_type = _order(world, request["computeEnvironmentOrder"])
    _type_is_that_of_the_environments(request, queue_type)
    _limits_are_in_range(request)
    if "schedulingPolicyArn" in request:
        _policy_exists(world, request["schedulingPolicyArn"])
    shown = {
        **request,
        "jobQueueArn": world.arn(QUEUE, name),
        "state": request.get("state", "ENABLED"),
        "status": "CREATING",
        "computeEnvironmentOrder": order,
        "jobQueueType": queue_type,
        "tags": request.get("tags", {}),
    }
    thing = Thing(QUEUE, name, shown)
    thing.steps = [(world.now + world.settings.durations.create_queue, _HEALTHY)]
    world.save(thing)
    return {"jobQueueName": name, "jobQueueArn": thing.arn}


def show(world: World, request: Json) -> Json:
    return describe(world, request, QUEUE, "jobQueues", "jobQueues")


def update(world: World, request: Json) -> Json:
    thing = world.find(QUEUE, request["jobQueue"])
    must_have_settled(thing, "update")
    _priority_is_in_range(request)
    _limits_are_in_range(request)
    _keeps_its_sort_of_environment(request)
    if "schedulingPolicyArn" in request:
        _stays_fair_or_first_in_first_out(thing)
        _policy_exists(world, request["schedulingPolicyArn"])
    jobs.persist(world, thing)
    due = world.now + world.settings.durations.update_queue
    if "computeEnvironmentOrder" in request:
        _names_an_environment(request)
        order, queue_type = _order(world, request["computeEnvironmentOrder"])
        _type_is_that_of_the_environments(thing.shown, queue_type)
        _remember_who_left(world, thing, order, due)
        thing.shown["computeEnvironmentOrder"] = order
    for key in ("state", "priority", "schedulingPolicyArn", "jobStateTimeLimitActions"):
        if key in request:
            thing.shown[key] = request[key]
    thing.change({"status": "UPDATING", "statusReason": None})
    thing.steps = [(due, _HEALTHY)]
    world.save(thing)
    return {"jobQueueName": thing.name, "jobQueueArn": thing.arn}


def delete(world: World, request: Json) -> Json:
    thing = world.find(QUEUE, request["jobQueue"])
    must_have_settled(thing, "delete")
    must_be_disabled(thing)
    jobs.end_all(world, thing)
    due = world.now + world.settings.durations.delete_queue
    thing.change({"status": "DELETING", "statusReason": None})
    thing.steps = [(due, {"status": "DELETED"}), (due + world.settings.durations.deleted, None)]
    world.save(thing)
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateJobQueue": create,
    "DescribeJobQueues": show,
    "UpdateJobQueue": update,
    "DeleteJobQueue": delete,
}


@documented(API + "API_CreateJobQueue.html")
def _priority_is_in_range(request: Json) -> None:
    """A priority is 0 to 1000."""
    if not 0 <= request.get("priority", 0) <= 1000:
        raise Refused("priority must be between 0 and 1000")


@documented(API + "API_CreateJobQueue.html")
def _has_environments(request: Json) -> None:
    """A queue has compute environments or service environments, never both."""
    if "computeEnvironmentOrder" in request and "serviceEnvironmentOrder" in request:
        raise Refused("computeEnvironmentOrder and serviceEnvironmentOrder cannot both be specified")
    if request.get("serviceEnvironmentOrder"):
        raise Refused(f"{request['serviceEnvironmentOrder'][0]['serviceEnvironment']} does not exist")
    _names_an_environment(request)


@assumed("the API has no words for a queue without environments")
def _names_an_environment(request: Json) -> None:
    """An order of environments is not empty."""
    if not request.get("computeEnvironmentOrder"):
        raise Refused("computeEnvironmentOrder must be provided")


@documented(API + "API_UpdateJobQueue.html")
def _keeps_its_sort_of_environment(request: Json) -> None:
    """A queue of compute environments does not become one of service environments."""
    if "serviceEnvironmentOrder" in request:
        raise Refused("serviceEnvironmentOrder cannot be specified for a job queue of compute environments")


def _order(world: World, given: list[Json]) -> tuple[list[Json], str]:
    """Return the order as describe shows it, and the queue type that follows from it."""
    found = [world.find(ENVIRONMENT, entry["computeEnvironment"]) for entry in given]
    _no_environment_comes_twice(given, found)
    _few_environments(world, found)
    for environment in found:
        _environment_is_valid(environment)
    return _as_arns(given, found), _one_type(found)


@assumed("the API has no words for an environment or an order number given twice")
def _no_environment_comes_twice(given: list[Json], found: list[Thing]) -> None:
    """An environment, and a number, stands once in the order."""
    if len({thing.name for thing in found}) < len(given) or len({entry["order"] for entry in given}) < len(given):
        raise Refused("computeEnvironmentOrder cannot contain duplicates")


@documented(API + "API_CreateJobQueue.html")
def _few_environments(world: World, found: list[Thing]) -> None:
    """A queue has up to three environments."""
    most = world.settings.quotas.environments_a_queue
    if len(found) > most:
        raise Refused(f"computeEnvironmentOrder can have up to {most} compute environments")


@documented(API + "API_CreateJobQueue.html")
def _environment_is_valid(environment: Thing) -> None:
    """An environment is VALID when it is associated with a queue."""
    if environment.shown["status"] != "VALID":
        raise Refused(f"{environment.arn} is not in a VALID state")


@observed("go-to-k/cdk-real-drift#1501")
def _as_arns(given: list[Json], found: list[Thing]) -> list[Json]:
    """A queue shows its environments by ARN, though names were sent."""
    return [{"order": e["order"], "computeEnvironment": it.arn} for e, it in zip(given, found, strict=True)]


@documented(API + "API_CreateJobQueue.html")
def _one_type(found: list[Thing]) -> str:
    """All environments of a queue run on the same: EC2 and SPOT, or Fargate, or EKS; and on one architecture."""
    types = {_type_of(thing) for thing in found}
    if len(types) > 1:
        raise Refused("All compute environments of a job queue must be of the same type")
    if len({name for thing in found for name in architectures(thing.shown.get("computeResources", {}))}) > 1:
        raise Refused("All compute environments of a job queue must share the same CPU architecture")
    return types.pop()


def _type_of(environment: Thing) -> str:
    resources = environment.shown.get("computeResources")
    if environment.shown["containerOrchestrationType"] == "EKS":
        return "EKS"
    if resources and resources["type"] == "ECS_MANAGED_INSTANCES":
        return "ECS_MANAGED_INSTANCES"
    return "ECS_FARGATE" if resources and is_fargate(resources) else "ECS"


@documented(API + "API_CreateJobQueue.html")
def _type_is_that_of_the_environments(shown: Json, derived: str) -> None:
    """The type of a queue is that of its environments, and stays."""
    if shown.get("jobQueueType", derived) != derived:
        raise Refused(f"jobQueueType {shown['jobQueueType']} does not match the compute environments ({derived})")


@documented(API + "API_JobStateTimeLimitAction.html")
def _limits_are_in_range(request: Json) -> None:
    """A time limit is 600 to 86400 seconds, and its action on a queue of compute environments is CANCEL."""
    for action in request.get("jobStateTimeLimitActions", []):
        if not 600 <= action["maxTimeSeconds"] <= 86400:
            raise Refused("maxTimeSeconds must be between 600 and 86400")
        if action["action"] != "CANCEL":
            raise Refused("action must be CANCEL")


@documented(API + "API_CreateJobQueue.html")
def _policy_exists(world: World, arn: str) -> None:
    """A scheduling policy is given by the ARN of one that is there."""
    if not arn.startswith("arn:") or world.read(POLICY, arn) is None:
        raise Refused(f"schedulingPolicyArn {arn} does not exist")


@documented(API + "API_UpdateJobQueue.html")
def _stays_fair_or_first_in_first_out(thing: Thing) -> None:
    """A queue made without a scheduling policy never gets one; one made with a policy may change it, not lose it."""
    if "schedulingPolicyArn" not in thing.shown:
        raise Refused("A scheduling policy cannot be added to a job queue that was created without one")


@observed("hashicorp/terraform-provider-aws#46925")
def _remember_who_left(world: World, thing: Thing, order: list[Json], due: float) -> None:
    """The relation of an environment to a queue outlives the queue's update for a while."""
    stay = {entry["computeEnvironment"] for entry in order}
    gone = {entry["computeEnvironment"] for entry in thing.shown["computeEnvironmentOrder"]} - stay
    left = {arn: until for arn, until in thing.kept.get("left", {}).items() if until > world.now and arn not in stay}
    thing.kept["left"] = {**left, **dict.fromkeys(sorted(gone), due + world.settings.relation_lag)}
