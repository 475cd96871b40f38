"""Job definitions: families of revisions.

What a registration refuses is in `registration`, what describe makes of what was registered in `echo`.
"""

from providers.simulator import echo, registration
from providers.simulator.catalogue import DEFINITION
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    at_most_a_hundred,
    page,
)
from providers.simulator.rules import Refused, assumed, documented, observed

_KEPT_INACTIVE = 180 * 86400


def register(world: World, request: Json) -> Json:
    name = request["jobDefinitionName"]
    registration.check(world, request)
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
    parent = family and world.name(DEFINITION, family)
    return page(
        world,
        request,
        "jobDefinitions",
        lambda after: world.view(DEFINITION, parent, status, after),
        lambda it: it.shown,
    )


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
