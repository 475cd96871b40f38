"""Scheduling policies. They have no status: what a call changes is changed."""

import re
import struct

from providers.simulator import tags
from providers.simulator.catalogue import POLICY, QUEUE
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    at_most_a_hundred,
    must_exist,
    name_is_free,
    name_is_well_formed,
    page,
)
from providers.simulator.rules import Refused, assumed, documented

_IDENTIFIER = re.compile(r"[A-Za-z0-9]{1,255}\*?")
_FAIR: Json = {"shareDecaySeconds": 0, "computeReservation": 0, "shareDistribution": []}


def create(world: World, request: Json) -> Json:
    name = request["name"]
    name_is_well_formed(name, "name")
    _is_of_one_sort(request)
    _check_fair_share(request.get("fairsharePolicy", {}))
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    name_is_free(world, POLICY, name)
    shown = {**request, "arn": world.arn(POLICY, name), "tags": request.get("tags", {})}
    if "quotaSharePolicy" not in request:
        shown["fairsharePolicy"] = _whole(request.get("fairsharePolicy", {}))
    thing = Thing(POLICY, name, shown)
    world.save(thing)
    return {"name": name, "arn": thing.arn}


@documented(API + "API_DescribeSchedulingPolicies.html")
def show(world: World, request: Json) -> Json:
    """Policies are described by ARN; names find nothing."""
    at_most_a_hundred(request["arns"], "arns")
    arns = dict.fromkeys(arn for arn in request["arns"] if arn.startswith("arn:"))
    found = [thing.shown for arn in arns if (thing := world.look(POLICY, arn))]
    return {"schedulingPolicies": found}


def list_arns(world: World, request: Json) -> Json:
    return page(
        world, request, "schedulingPolicies", lambda after: world.view(POLICY, after=after), lambda it: {"arn": it.arn}
    )


def update(world: World, request: Json) -> Json:
    thing = _named_by_arn(world, request["arn"])
    _keeps_its_sort(thing, request)
    if "fairsharePolicy" in request:
        _check_fair_share(request["fairsharePolicy"])
        thing.shown["fairsharePolicy"] = _whole(request["fairsharePolicy"])
    if "quotaSharePolicy" in request:
        thing.shown["quotaSharePolicy"] = request["quotaSharePolicy"]
    world.save(thing)
    return {}


def delete(world: World, request: Json) -> Json:
    thing = _named_by_arn(world, request["arn"])
    _is_in_no_queue(world, thing)
    world.drop(thing)
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateSchedulingPolicy": create,
    "DescribeSchedulingPolicies": show,
    "ListSchedulingPolicies": list_arns,
    "UpdateSchedulingPolicy": update,
    "DeleteSchedulingPolicy": delete,
}


@documented(API + "API_UpdateSchedulingPolicy.html")
def _named_by_arn(world: World, arn: str) -> Thing:
    """A policy is updated and deleted by ARN; a name stands for none."""
    return must_exist(arn, world.read(POLICY, arn) if arn.startswith("arn:") else None)


@documented(API + "API_CreateSchedulingPolicy.html")
def _is_of_one_sort(request: Json) -> None:
    """A policy is of fair shares or of quota shares."""
    if "fairsharePolicy" in request and "quotaSharePolicy" in request:
        raise Refused("fairsharePolicy and quotaSharePolicy cannot both be specified")


@documented(API + "API_UpdateSchedulingPolicy.html")
def _keeps_its_sort(thing: Thing, request: Json) -> None:
    """A policy of fair shares does not become one of quota shares, nor the other way round."""
    for key in ("fairsharePolicy", "quotaSharePolicy"):
        if key in request and key not in thing.shown:
            raise Refused(f"{key} cannot be specified: the type of a scheduling policy cannot be changed")


def _check_fair_share(given: Json) -> None:
    shares = given.get("shareDistribution", [])
    _decay_is_in_range(given)
    _reservation_is_in_range(given)
    _weights_are_in_range(shares)
    _identifiers_are_spelt(shares)
    _identifiers_do_not_overlap(shares)


@documented(API + "API_FairsharePolicy.html")
def _decay_is_in_range(given: Json) -> None:
    """Shares decay over 0 to 604800 s."""
    if not 0 <= given.get("shareDecaySeconds", 0) <= 604800:
        raise Refused("shareDecaySeconds must be between 0 and 604800")


@documented(API + "API_FairsharePolicy.html")
def _reservation_is_in_range(given: Json) -> None:
    """The compute reservation is 0 to 99."""
    if not 0 <= given.get("computeReservation", 0) <= 99:
        raise Refused("computeReservation must be between 0 and 99")


@documented(API + "API_ShareAttributes.html")
def _weights_are_in_range(shares: list[Json]) -> None:
    """A weight is 0.0001 to 999.9999."""
    if any(not 0.0001 <= share.get("weightFactor", 1.0) <= 999.9999 for share in shares):
        raise Refused("weightFactor must be between 0.0001 and 999.9999")


@documented(API + "API_ShareAttributes.html")
def _identifiers_are_spelt(shares: list[Json]) -> None:
    """A share identifier has up to 255 letters and digits, and may end with an asterisk."""
    if not all(_IDENTIFIER.fullmatch(share["shareIdentifier"]) for share in shares):
        raise Refused("shareIdentifier must be up to 255 alphanumeric characters, optionally followed by an asterisk")


@documented(API + "API_ShareAttributes.html")
def _identifiers_do_not_overlap(shares: list[Json]) -> None:
    """No share identifier of a policy is named twice, or begins with the prefix that another stands for."""
    names = [share["shareIdentifier"] for share in shares]
    prefixes = [name[:-1] for name in names if name.endswith("*")]
    if len(set(names)) < len(names) or any(
        name.startswith(prefix) and name != f"{prefix}*" for prefix in prefixes for name in names
    ):
        raise Refused("shareIdentifier values cannot overlap")


@assumed("whether omitted members keep their value is not documented; hashicorp/terraform-provider-aws sends all")
def _whole(given: Json) -> Json:
    """A fair-share policy is stored whole: what is not sent has its default, and a weight is a 32-bit float."""
    shares = [
        {**share, "weightFactor": _single(share.get("weightFactor", 1.0))}
        for share in given.get("shareDistribution", [])
    ]
    return {**_FAIR, **given, "shareDistribution": shares}


def _single(value: float) -> float:
    (rounded,) = struct.unpack("f", struct.pack("f", value))
    return float(rounded)


@documented(API + "API_DeleteSchedulingPolicy.html")
def _is_in_no_queue(world: World, thing: Thing) -> None:
    """A policy that a queue uses is not deleted."""
    for queue in world.walk(QUEUE):
        if queue.shown.get("schedulingPolicyArn") == thing.arn and queue.shown["status"] != "DELETED":
            raise Refused(f"Cannot delete, scheduling policy is used by job queue {queue.name}")
