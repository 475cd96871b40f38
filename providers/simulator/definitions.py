"""Job definitions: families of revisions. What describe makes of what was registered is in `echo`."""

import json
from collections.abc import Iterator

from providers.simulator import echo, tags
from providers.simulator.catalogue import DEFINITION
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    at_most_a_hundred,
    name_is_well_formed,
    page,
)
from providers.simulator.rules import Refused, assumed, documented, observed

_KEPT_INACTIVE = 180 * 86400
_PROPERTIES = ("containerProperties", "ecsProperties", "eksProperties")


def register(world: World, request: Json) -> Json:
    name = request["jobDefinitionName"]
    name_is_well_formed(name, "jobDefinitionName")
    _is_small(world, request)
    _has_one_sort_of_properties(request)
    _kubernetes_has_its_own(request)
    _numbers_are_in_range(request)
    for container in _containers(request):
        _container_is_complete(container)
    _fargate_is_complete(request)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    revision = _next_revision(world, name)
    key = f"{name}:{revision}"
    shown = {
        **echo.as_shown(request),
        "jobDefinitionArn": world.arn(DEFINITION, key),
        "revision": revision,
        "status": "ACTIVE",
    }
    thing = Thing(DEFINITION, key, shown, parent=name)
    world.save(thing)
    return {"jobDefinitionName": name, "jobDefinitionArn": thing.arn, "revision": revision}


def show(world: World, request: Json) -> Json:
    keys: list[str] = request.get("jobDefinitions", [])
    if keys:
        _keys_stand_alone(request)
        at_most_a_hundred(keys, "jobDefinitions")
        found = {thing.name: thing.shown for key in keys if (thing := world.look(DEFINITION, key))}
        return {"jobDefinitions": list(found.values())}
    family, status = request.get("jobDefinitionName"), request.get("status")

    def things(after: int) -> Iterator[Thing]:
        for thing in world.view(DEFINITION, parent=family and world.name(DEFINITION, family), after=after):
            if status in (None, thing.shown["status"]):
                yield thing

    return page(world, request, "jobDefinitions", things, lambda it: it.shown)


@documented(API + "API_DeregisterJobDefinition.html")
def deregister(world: World, request: Json) -> Json:
    """A revision, named NAME:REVISION or by ARN, becomes INACTIVE, is kept 180 days, and may be deregistered again."""
    reference = request["jobDefinition"]
    _revision_is_told(world.name(DEFINITION, reference))
    thing = world.find(DEFINITION, reference)
    if thing.shown["status"] == "ACTIVE":
        thing.shown["status"] = "INACTIVE"
        thing.steps = [(world.now + _KEPT_INACTIVE, None)]
        world.save(thing)
    return {}


OPERATIONS: dict[str, Handler] = {
    "RegisterJobDefinition": register,
    "DescribeJobDefinitions": show,
    "DeregisterJobDefinition": deregister,
}


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _next_revision(world: World, name: str) -> int:
    """Revisions of a family count on from 1; a number is never used again, whatever was deregistered."""
    return world.count(f"revision/{name}")


@documented("https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html")
def _is_small(world: World, request: Json) -> None:
    """A request to register a definition has up to 24 KiB."""
    if len(json.dumps(request, separators=(",", ":")).encode()) > world.settings.quotas.definition_bytes:
        raise Refused(f"Job definition size exceeds {world.settings.quotas.definition_bytes} bytes")


@documented(API + "API_RegisterJobDefinition.html")
def _has_one_sort_of_properties(request: Json) -> None:
    """A container definition has container, ECS or EKS properties, one of them; a multinode one has nodes."""
    given = [key for key in _PROPERTIES if key in request]
    nodes = "nodeProperties" in request
    if request["type"] == "multinode" and (not nodes or given):
        raise Refused("nodeProperties must be provided, alone, for a multinode job definition")
    if request["type"] == "container" and (nodes or len(given) != 1):
        raise Refused("Exactly one of containerProperties, ecsProperties, eksProperties must be provided")
    if len(request.get("ecsProperties", {}).get("taskProperties", [None])) != 1:
        raise Refused("taskProperties must have exactly 1 element")


@documented(API + "API_RegisterJobDefinition.html")
def _kubernetes_has_its_own(request: Json) -> None:
    """Platform capabilities and the propagation of tags are not for definitions that run on EKS."""
    for key in ("platformCapabilities", "propagateTags"):
        if "eksProperties" in request and request.get(key):
            raise Refused(f"{key} is not supported for EKS job definitions")


@documented(API + "API_RegisterJobDefinition.html")
def _numbers_are_in_range(request: Json) -> None:
    """Attempts are 1 to 10, conditions of retry up to 5, a timeout 60 s or more, a priority 0 to 9999."""
    retry = request.get("retryStrategy", {})
    if not 1 <= retry.get("attempts", 1) <= 10:
        raise Refused("attempts must be between 1 and 10")
    if len(retry.get("evaluateOnExit", [])) > 5:
        raise Refused("evaluateOnExit can have up to 5 entries")
    if request.get("timeout", {}).get("attemptDurationSeconds", 60) < 60:
        raise Refused("attemptDurationSeconds must be at least 60")
    if not 0 <= request.get("schedulingPriority", 0) <= 9999:
        raise Refused("schedulingPriority must be between 0 and 9999")


def _containers(request: Json) -> list[Json]:
    ranges = request.get("nodeProperties", {}).get("nodeRangeProperties", [])
    found = [node["container"] for node in ranges if "container" in node]
    return [*found, *([request["containerProperties"]] if "containerProperties" in request else [])]


@documented(API + "API_ContainerProperties.html")
def _container_is_complete(container: Json) -> None:
    """A container has an image, at least one vCPU or a part of it, and at least 4 MiB of memory."""
    if not container.get("image"):
        raise Refused("Container image must be provided")
    needs = {need["type"]: need["value"] for need in container.get("resourceRequirements", [])}
    vcpus, memory = needs.get("VCPU", container.get("vcpus")), needs.get("MEMORY", container.get("memory"))
    if vcpus is None or not _number(vcpus) > 0:
        raise Refused("VCPU must be provided and greater than 0")
    if memory is None or _number(memory) < 4:
        raise Refused("MEMORY must be provided and at least 4")


def _number(value: str | int) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise Refused(f"resourceRequirements: {value} is not a number") from error


@documented(API + "API_ContainerProperties.html")
def _fargate_is_complete(request: Json) -> None:
    """On Fargate a container has an execution role, tells what it needs as resource requirements, and no privileges."""
    container = request.get("containerProperties", {})
    if "FARGATE" not in request.get("platformCapabilities", []) or not container:
        return
    if not container.get("executionRoleArn"):
        raise Refused("executionRoleArn must be provided for Fargate job definitions")
    for key in ("vcpus", "memory", "privileged", "instanceType"):
        if container.get(key):
            raise Refused(f"{key} is not applicable to Fargate job definitions")


@documented(API + "API_DescribeJobDefinitions.html")
def _keys_stand_alone(request: Json) -> None:
    """A list of definitions is given without any other parameter."""
    if len(request) > 1:
        raise Refused("jobDefinitions cannot be combined with other parameters")


@assumed("hashicorp/terraform-provider-aws deregisters by ARN; pegasus-isi/pegasus#2088 asks for NAME:REVISION")
def _revision_is_told(name: str) -> None:
    """A deregistration names one revision, not a family."""
    if not name.rpartition(":")[2].isdigit() or ":" not in name:
        raise Refused("jobDefinition must be of the form NAME:REVISION or an ARN")
