"""Consumable resources. They have no status: what a call changes is changed.

`shown["inUseQuantity"]` is kept by those who run jobs; what is available follows from it when somebody asks.
"""

from collections.abc import Iterator

from providers.simulator import tags, tokens
from providers.simulator.catalogue import CONSUMABLE
from providers.simulator.jobs import running
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    is_named,
    must_exist,
    must_fit,
    name_is_free,
    name_is_well_formed,
    page,
)
from providers.simulator.rules import Refused, assumed, documented, observed

_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
_TYPES = ("REPLENISHABLE", "NON_REPLENISHABLE")
_SUMMARY = ("consumableResourceArn", "consumableResourceName", "totalQuantity", "inUseQuantity", "resourceType")
_LONG = 2**63 - 1


def create(world: World, request: Json) -> Json:
    name = request["consumableResourceName"]
    name_is_well_formed(name, "consumableResourceName")
    _is_not_negative("totalQuantity", _total(request))
    _type_is_known(request.get("resourceType", "REPLENISHABLE"))
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    name_is_free(world, CONSUMABLE, name)
    must_fit(world, CONSUMABLE, world.settings.quotas.consumables)
    shown = {
        "consumableResourceName": name,
        "consumableResourceArn": world.arn(CONSUMABLE, name),
        "totalQuantity": _total(request),
        "inUseQuantity": 0,
        "resourceType": request.get("resourceType", "REPLENISHABLE"),
        "createdAt": round(world.now * 1000),
        "tags": request.get("tags", {}),
    }
    thing = Thing(CONSUMABLE, name, shown)
    world.save(thing)
    running.supplies_changed(world)
    return {"consumableResourceName": name, "consumableResourceArn": thing.arn}


@assumed("DescribeQuotaShare, which also names one object, refuses so")
def show(world: World, request: Json) -> Json:
    """A consumable resource is described one at a time, and refused where it is not there."""
    name = request["consumableResource"]
    shown = must_exist(name, world.look(CONSUMABLE, name)).shown
    return {**shown, "availableQuantity": _available(shown)}


@documented(API + "API_ConsumableResourceSummary.html")
def list_all(world: World, request: Json) -> Json:
    """A list tells name, ARN, type, total and what is in use, and neither tags nor what is available."""
    filters = request.get("filters", [])
    for it in filters:
        _filter_is_known(it)

    def things(after: int) -> Iterator[Thing]:
        for thing in world.view(CONSUMABLE, after=after):
            if all(any(is_named(thing.name, value) for value in it.get("values", [])) for it in filters):
                yield thing

    return page(world, request, "consumableResources", things, lambda it: {key: it.shown[key] for key in _SUMMARY})


def update(world: World, request: Json) -> Json:
    thing = world.find(CONSUMABLE, request["consumableResource"])
    token = f"consumable/{thing.seq}/{request['clientToken']}" if "clientToken" in request else None
    asked = [request.get("operation"), request.get("quantity")]
    answered = _answered(world, token, asked)
    if answered:
        return answered
    _says_how_and_how_much(request)
    _is_not_negative("quantity", request["quantity"])
    total = _changed(thing.shown["totalQuantity"], request["operation"], request["quantity"])
    thing.shown["totalQuantity"] = total
    answer = {"consumableResourceName": thing.name, "consumableResourceArn": thing.arn, "totalQuantity": total}
    if token:
        tokens.keep(world, token, {"asked": asked, "answer": answer})
    world.save(thing)
    running.supplies_changed(world)
    return answer


@documented(_GUIDE + "resource-aware-scheduling-how-to-delete.html")
def delete(world: World, request: Json) -> Json:
    """A consumable resource is deleted at any time, also while jobs use it, and is gone at once."""
    world.drop(world.find(CONSUMABLE, request["consumableResource"]))
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateConsumableResource": create,
    "DescribeConsumableResource": show,
    "ListConsumableResources": list_all,
    "UpdateConsumableResource": update,
    "DeleteConsumableResource": delete,
}


@assumed("the API does not say what a resource without a quantity has; AWS::Batch::ConsumableResource asks for one")
def _total(request: Json) -> int:
    """A consumable resource that is created without a quantity has none."""
    return int(request.get("totalQuantity", 0))


@observed("badmintoncryer/cdk-preflight pf-batch-cr-total-quantity-negative")
def _is_not_negative(field: str, quantity: int) -> None:
    """A quantity is 0 or more."""
    if quantity < 0:
        raise Refused(f"{field} cannot be a negative number.")


@documented(API + "API_CreateConsumableResource.html")
def _type_is_known(given: str) -> None:
    """A consumable resource is REPLENISHABLE, which it is where nothing is said, or NON_REPLENISHABLE."""
    if given not in _TYPES:
        raise Refused(f"resourceType must be one of {', '.join(_TYPES)}")


@documented(_GUIDE + "resource-aware-scheduling-how-to-update-quantity.html")
def _available(shown: Json) -> int:
    """Available is what is not in use; nothing, where the total was set below what is in use."""
    return int(max(0, shown["totalQuantity"] - shown["inUseQuantity"]))


@documented(API + "API_ListConsumableResources.html")
def _filter_is_known(given: Json) -> None:
    """The one filter of consumable resources is CONSUMABLE_RESOURCE_NAME, in capital letters."""
    if given.get("name") != "CONSUMABLE_RESOURCE_NAME":
        raise Refused(f"Invalid filter name: {given.get('name')}")


@documented(API + "API_UpdateConsumableResource.html")
def _answered(world: World, token: str | None, asked: list[object]) -> Json | None:
    """An update that comes again with its token is answered as before, and done once."""
    kept = tokens.kept(world, token) if token else None
    if kept is None:
        return None
    _is_the_same_update(kept["asked"], asked)
    found: Json = kept["answer"]
    return found


@assumed("other services of AWS refuse a token that comes with another request")
def _is_the_same_update(before: list[object], asked: list[object]) -> None:
    """A token that was used for another update is refused."""
    if before != asked:
        raise Refused("clientToken was already used with different parameters")


@assumed("the model asks for neither, and an update without one of them says nothing")
def _says_how_and_how_much(request: Json) -> None:
    """An update names an operation and a quantity."""
    for key in ("operation", "quantity"):
        if key not in request:
            raise Refused(f"{key} must be provided")


@documented(API + "API_UpdateConsumableResource.html")
def _changed(total: int, operation: str, quantity: int) -> int:
    """SET makes the quantity the total, ADD adds it, REMOVE takes it away; there is no other operation."""
    match operation:
        case "SET":
            return quantity
        case "ADD":
            _is_a_long(total + quantity)
            return total + quantity
        case "REMOVE":
            _covers(total, quantity)
            return total - quantity
        case _:
            raise Refused("operation must be one of SET, ADD, REMOVE")


@documented(API + "API_UpdateConsumableResource.html")
def _is_a_long(total: int) -> None:
    """A total is a number of 64 bits with a sign."""
    if total > _LONG:
        raise Refused(f"totalQuantity must be at most {_LONG}")


@assumed("a total is 0 or more, and nobody says that REMOVE stops there")
def _covers(total: int, quantity: int) -> None:
    """No more is taken away than there is."""
    if quantity > total:
        raise Refused("totalQuantity cannot be a negative number.")
