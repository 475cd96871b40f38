"""The order of a queue: which environments its jobs are tried in, and what type the queue has of them."""

from providers.simulator import managed
from providers.simulator.catalogue import ENVIRONMENT, SERVICE_ENVIRONMENT
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.resources import architectures, is_fargate
from providers.simulator.rules import Refused, documented, observed

TRAINING = "SAGEMAKER_TRAINING"
_COMPUTE = "computeEnvironmentOrder"
_SERVICE = "serviceEnvironmentOrder"


def created(world: World, request: Json) -> Json:
    """Return the orders and the type of a new queue, as describe shows them."""
    _has_one_sort_of_environment(request)
    if request.get(_SERVICE):
        return _of_service(world, request[_SERVICE], request.get("jobQueueType"))
    _training_needs_a_service_environment(request)
    return _of_compute(world, request.get(_COMPUTE, []), request.get("jobQueueType"))


def updated(world: World, shown: Json, request: Json) -> Json:
    """Return the orders and the type of a queue after an update, {} where the update is silent about them."""
    serves = is_service(shown)
    _keeps_its_sort_of_environment(serves, request)
    if serves and _SERVICE in request:
        return _of_service(world, request[_SERVICE], shown.get("jobQueueType"))
    if not serves and _COMPUTE in request:
        return _of_compute(world, request[_COMPUTE], shown.get("jobQueueType"))
    return {}


def is_service(shown: Json) -> bool:
    """Tell whether a queue has a service environment."""
    return bool(shown.get(_SERVICE))


def members(shown: Json) -> set[str]:
    """Return the ARNs of the environments that a queue names."""
    compute = {entry["computeEnvironment"] for entry in shown.get(_COMPUTE, [])}
    return compute | {entry["serviceEnvironment"] for entry in shown.get(_SERVICE, [])}


@documented(API + "API_CreateJobQueue.html")
def _has_one_sort_of_environment(request: Json) -> None:
    """A queue has compute environments or service environments, never both; an empty list is as good as none."""
    if request.get(_COMPUTE) and request.get(_SERVICE):
        raise Refused(f"{_COMPUTE} and {_SERVICE} cannot both be specified")


@documented(API + "API_CreateJobQueue.html")
def _keeps_its_sort_of_environment(serves: bool, request: Json) -> None:
    """A queue of compute environments does not become one of service environments, nor the other way round."""
    other, sort = (_COMPUTE, "service") if serves else (_SERVICE, "compute")
    if request.get(other):
        raise Refused(f"{other} cannot be specified for a job queue of {sort} environments")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-sagemaker-requires-service-env")
def _training_needs_a_service_environment(request: Json) -> None:
    """A queue of type SAGEMAKER_TRAINING has a service environment."""
    if request.get("jobQueueType") == TRAINING:
        raise Refused(f"Job queues of type {TRAINING} must have {_SERVICE}.")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-service-env-requires-sagemaker-type")
def _type_is_that_of_the_environments(told: str | None, derived: str, order: str) -> None:
    """The type of a queue is that of its environments, and stays."""
    if told not in (None, derived):
        raise Refused(f"The jobQueueType provided is {told}, which is incompatible with the provided {order}.")


def _of_service(world: World, given: list[Json], told: str | None) -> Json:
    _there_is_one_service_environment(given)
    _type_is_that_of_the_environments(told, TRAINING, _SERVICE)
    found = [world.read(SERVICE_ENVIRONMENT, entry["serviceEnvironment"]) for entry in given]
    return {_COMPUTE: [], _SERVICE: _as_arns(given, _valid_services(found)), "jobQueueType": TRAINING}


@observed("badmintoncryer/cdk-preflight pf-batch-jq-service-env-order-single")
def _there_is_one_service_environment(given: list[Json]) -> None:
    """A queue of service environments has exactly one."""
    if len(given) != 1:
        raise Refused("Job queue can only have 1 service environment.")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-service-env-arn-region")
def _valid_services(found: list[Thing | None]) -> list[Thing]:
    """A service environment is there and VALID when it is associated with a queue."""
    valid = _those_valid(found)
    if len(valid) < len(found):
        raise Refused("Service environments must be created and valid before attaching them to a job queue.")
    return valid


def _of_compute(world: World, given: list[Json], told: str | None) -> Json:
    _there_are_environments(given)
    _environments_are_few(world, given)
    _numbers_differ(given)
    found = _valid_environments([world.read(ENVIRONMENT, entry["computeEnvironment"]) for entry in given])
    _environments_differ(found)
    derived = _one_type(found)
    _one_architecture(found)
    _type_is_that_of_the_environments(told, derived, _COMPUTE)
    return {_COMPUTE: _as_arns(given, found), "jobQueueType": derived}


@observed("badmintoncryer/cdk-preflight pf-batch-queue-order-required")
def _there_are_environments(given: list[Json]) -> None:
    """An order of compute environments is not empty."""
    if not given:
        raise Refused(f"{_COMPUTE} is required.")


@documented("https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html")
def _environments_are_few(world: World, given: list[Json]) -> None:
    """A queue has up to three compute environments."""
    most = world.settings.quotas.environments_a_queue
    if len(given) > most:
        raise Refused(f"Only {most} environments are allowed in job queue request.")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-ce-order-duplicate-order")
def _numbers_differ(given: list[Json]) -> None:
    """A number stands once in an order; the numbers need not be in a row."""
    if len({entry["order"] for entry in given}) < len(given):
        raise Refused("Duplicate ComputeEnvironment order values.")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-ce-order-duplicate-ce")
def _environments_differ(found: list[Thing]) -> None:
    """An environment stands once in an order, by whatever it was named."""
    if len({thing.name for thing in found}) < len(found):
        raise Refused("Duplicate ComputeEnvironments within order list.")


@documented(API + "API_CreateJobQueue.html")
def _valid_environments(found: list[Thing | None]) -> list[Thing]:
    """A compute environment is there and VALID when it is associated with a queue."""
    valid = _those_valid(found)
    if len(valid) < len(found):
        raise Refused("Compute Environments must be created and valid before attaching them to a job queue")
    return valid


def _those_valid(found: list[Thing | None]) -> list[Thing]:
    return [thing for thing in found if thing and thing.shown["status"] == "VALID"]


@observed("go-to-k/cdk-real-drift#1501")
def _as_arns(given: list[Json], found: list[Thing]) -> list[Json]:
    """A queue shows its environments by ARN, though names were sent."""
    (field,) = given[0].keys() - {"order"}
    return [{"order": entry["order"], field: thing.arn} for entry, thing in zip(given, found, strict=True)]


@documented(API + "API_CreateJobQueue.html")
def _one_type(found: list[Thing]) -> str:
    """All environments of a queue run on the same: EC2, SPOT and UNMANAGED, or Fargate, or managed ones, or EKS."""
    types = {_type_of(thing) for thing in found}
    if types == {"ECS", "ECS_FARGATE"}:
        raise Refused("Fargate and EC2 compute environments can not be mixed.")
    if len(types) > 1:
        raise Refused(f"{' and '.join(sorted(types))} compute environments can not be mixed.")
    return types.pop()


@documented(API + "API_CreateJobQueue.html")
def _one_architecture(found: list[Thing]) -> None:
    """All environments of a queue have one CPU architecture, as far as their instance types tell."""
    if len({name for thing in found for name in architectures(thing.shown.get("computeResources", {}))}) > 1:
        raise Refused("All compute environments of a job queue must share the same CPU architecture")


def _type_of(environment: Thing) -> str:
    resources = environment.shown.get("computeResources")
    if environment.shown["containerOrchestrationType"] == "EKS":
        return "EKS"
    if resources and managed.is_managed(resources):
        return managed.TYPE
    return "ECS_FARGATE" if resources and is_fargate(resources) else "ECS"
