"""Service environments: how many instances SageMaker Training jobs may take."""

from collections.abc import Iterator

from providers.simulator import tags
from providers.simulator.catalogue import QUEUE, SERVICE_ENVIRONMENT
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
from providers.simulator.rules import Refused, assumed, documented, observed

_INSTANCES = "NUM_INSTANCES"
_VALID: Json = {"status": "VALID"}


def create(world: World, request: Json) -> Json:
    name = request["serviceEnvironmentName"]
    name_is_well_formed(name, "serviceEnvironmentName")
    check_limits(world, request["capacityLimits"])
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    name_is_free(world, SERVICE_ENVIRONMENT, name)
    must_fit(world, SERVICE_ENVIRONMENT, world.settings.quotas.service_environments)
    shown = {
        **request,
        "serviceEnvironmentArn": world.arn(SERVICE_ENVIRONMENT, name),
        "state": request.get("state", "ENABLED"),
        "tags": request.get("tags", {}),
    }
    thing = Thing(SERVICE_ENVIRONMENT, name, shown)
    begin(world, thing, "CREATING", (world.settings.durations.create_service_environment, _VALID))
    return _names(thing)


@documented(API + "API_ServiceEnvironmentDetail.html")
def show(world: World, request: Json) -> Json:
    """A service environment is described without a reason for its status."""
    key = "serviceEnvironments"
    answer = describe(world, request, SERVICE_ENVIRONMENT, key, key)
    for shown in answer[key]:
        shown.pop("statusReason", None)
    return answer


def update(world: World, request: Json) -> Json:
    thing = world.find(SERVICE_ENVIRONMENT, request["serviceEnvironment"])
    must_have_settled(thing, "update")
    if "capacityLimits" in request:
        check_limits(world, request["capacityLimits"])
        _units_stay_while_in_a_queue(world, thing, request["capacityLimits"])
    thing.change({key: request[key] for key in ("state", "capacityLimits") if key in request})
    begin(world, thing, "UPDATING", (world.settings.durations.update_service_environment, _VALID))
    return _names(thing)


def delete(world: World, request: Json) -> Json:
    thing = world.find(SERVICE_ENVIRONMENT, request["serviceEnvironment"])
    must_have_settled(thing, "delete")
    must_be_disabled(thing)
    _must_be_in_no_queue(world, thing)
    durations = world.settings.durations
    seconds = durations.delete_service_environment
    begin(world, thing, "DELETING", (seconds, {"status": "DELETED"}), (seconds + durations.deleted, None))
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateServiceEnvironment": create,
    "DescribeServiceEnvironments": show,
    "UpdateServiceEnvironment": update,
    "DeleteServiceEnvironment": delete,
}


def _names(thing: Thing) -> Json:
    return {"serviceEnvironmentName": thing.name, "serviceEnvironmentArn": thing.arn}


def check_limits(world: World, limits: list[Json]) -> None:
    """Refuse capacity limits that neither a service environment nor a quota share may have."""
    _there_are_limits(limits)
    _limits_are_few(world, limits)
    for limit in limits:
        _limit_is_whole(limit)
        _limit_is_positive(limit)
        _unit_is_known(limit)
    _units_do_not_mix(limits)
    _unit_comes_once(limits)


def counts_instances(limits: list[Json]) -> bool:
    """Tell whether limits are a number of instances; those of quota management are numbers of instance types."""
    return any(limit["capacityUnit"] == _INSTANCES for limit in limits)


@observed("badmintoncryer/cdk-preflight pf-batch-se-capacity-limits-empty")
def _there_are_limits(limits: list[Json]) -> None:
    """There is at least one capacity limit."""
    if not limits:
        raise Refused("Capacitylimits are required.")


@observed("badmintoncryer/cdk-preflight pf-batch-se-capacity-limits-max")
def _limits_are_few(world: World, limits: list[Json]) -> None:
    """There are up to five capacity limits."""
    most = world.settings.quotas.capacity_limits
    if len(limits) > most:
        raise Refused(f"Number of capacity limits exceeds {most}.")


@assumed("the model asks for neither, and a limit without one of them limits nothing")
def _limit_is_whole(limit: Json) -> None:
    """A capacity limit has a unit and a maximum."""
    for key in ("capacityUnit", "maxCapacity"):
        if key not in limit:
            raise Refused(f"{key} must be provided")


@observed("badmintoncryer/cdk-preflight pf-batch-se-max-capacity-min")
def _limit_is_positive(limit: Json) -> None:
    """A capacity limit is 1 or more."""
    if limit["maxCapacity"] < 1:
        raise Refused("Max capacity must be more than 0.")


@observed("badmintoncryer/cdk-preflight pf-batch-se-capacity-unit-value")
def _unit_is_known(limit: Json) -> None:
    """The unit of a capacity limit is NUM_INSTANCES or an instance type of SageMaker."""
    unit = limit["capacityUnit"]
    if unit != _INSTANCES and not unit.startswith("ml."):
        raise Refused(f"{unit} is unknown capacity unit")


@observed("badmintoncryer/cdk-preflight pf-batch-se-capacity-unit-mix")
def _units_do_not_mix(limits: list[Json]) -> None:
    """A number of instances and instance types do not stand in one list."""
    if len({limit["capacityUnit"] == _INSTANCES for limit in limits}) > 1:
        raise Refused("Capacity units must specify either number of instances OR instance type")


@assumed("the API has no words for two limits of one unit")
def _unit_comes_once(limits: list[Json]) -> None:
    """There is one capacity limit a unit."""
    if len({limit["capacityUnit"] for limit in limits}) < len(limits):
        raise Refused("Duplicate capacity units are not allowed.")


@assumed(
    "a queue of quota management asks for instance types when the environment is attached, and nobody says when not"
)
def _units_stay_while_in_a_queue(world: World, thing: Thing, limits: list[Json]) -> None:
    """The limits of an environment in a queue do not change from a number of instances to types, nor back."""
    if counts_instances(limits) != counts_instances(thing.shown["capacityLimits"]) and any(queues_of(world, thing)):
        raise Refused("Capacity units cannot be changed while the service environment is attached to a job queue")


def queues_of(world: World, thing: Thing) -> list[Thing]:
    """Return the queues that name a service environment, those that are DELETED left out."""
    return [
        queue
        for queue in _standing_queues(world)
        if any(it["serviceEnvironment"] == thing.arn for it in queue.shown.get("serviceEnvironmentOrder", []))
    ]


def _standing_queues(world: World) -> Iterator[Thing]:
    return (queue for queue in world.walk(QUEUE) if queue.shown["status"] != "DELETED")


@documented(API + "API_DeleteServiceEnvironment.html")
def _must_be_in_no_queue(world: World, thing: Thing) -> None:
    """A service environment in a queue is not deleted, nor for a while after the queue has let go of it."""
    left = any(queue.kept.get("left", {}).get(thing.arn, 0) > world.now for queue in _standing_queues(world))
    if left or queues_of(world, thing):
        raise Refused("Cannot delete, found existing JobQueue relationship")
