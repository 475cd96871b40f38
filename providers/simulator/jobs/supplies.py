"""Consumable resources in the hands of jobs: taken when a job starts, given back or used up when it has ended."""

from providers.simulator.catalogue import CONSUMABLE
from providers.simulator.jobs import nodes
from providers.simulator.jobs.records import USER_GUIDE
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import assumed, documented

_HOW = USER_GUIDE + "resource-aware-scheduling-how-to-for-jobs.html"


def asked(shown: Json) -> dict[str, int]:
    """Return what a job needs, by what it shows: quantities by name or ARN."""
    wanted: dict[str, int] = {}
    for given, count in _lists(shown):
        for it in given.get("consumableResourceList", []):
            reference = it.get("consumableResource", "")
            wanted[reference] = wanted.get(reference, 0) + it.get("quantity", 1) * count
    return wanted


def needed(world: World, shown: Json) -> dict[str, int]:
    """Return what a job needs, by what it shows: quantities by name, however it names them."""
    wanted: dict[str, int] = {}
    for reference, quantity in asked(shown).items():
        name = world.name(CONSUMABLE, reference)
        wanted[name] = wanted.get(name, 0) + quantity
    return wanted


@documented(API + "API_NodeRangeProperty.html")
def _lists(shown: Json) -> list[tuple[Json, int]]:
    """A job needs what stands at it or at its definition, and each node what stands at its range."""
    own = (shown.get("consumableResourceProperties", {}), 1)
    ranges = nodes.each(shown["nodeProperties"]) if "nodeProperties" in shown else ()
    return [own, *((it.get("consumableResourceProperties", {}), count) for it, count in ranges)]


@documented(_HOW)
def are_there(world: World, job: Thing) -> bool:
    """A job starts only when there is enough of every consumable resource that it needs."""
    return "holds" in job.kept or all(
        thing is not None and thing.shown["totalQuantity"] - thing.shown["inUseQuantity"] >= quantity
        for thing, quantity in _found(world, job)
    )


@documented(_HOW)
def take(world: World, job: Thing) -> None:
    """A job holds what it needs from its first STARTING until it has ended, whatever attempts lie between."""
    if job.kept.get("supplies") and "holds" not in job.kept:
        job.kept["holds"] = []
        for thing, quantity in _found(world, job):
            if thing is not None:
                job.kept["holds"].append([thing.name, thing.seq, quantity])
                thing.shown["inUseQuantity"] += quantity
                world.save(thing)


def give_back(world: World, job: Thing) -> bool:
    """Let go of what a job that ends has held; tell whether it has held anything."""
    held: list[tuple[str, int, int]] = job.kept.pop("holds", [])
    for name, seq, quantity in held:
        thing = world.read(CONSUMABLE, name)
        if thing and _is_the_same(thing, seq):
            thing.shown["inUseQuantity"] -= quantity
            _is_used_up(thing, quantity)
            world.save(thing)
    return bool(held)


@assumed("its name is free for another as soon as it is gone")
def _is_the_same(thing: Thing, seq: int) -> bool:
    """A resource that was deleted and made again is another one: no job gives back to it what it never took of it."""
    return thing.seq == seq


@documented(API + "API_CreateConsumableResource.html")
def _is_used_up(thing: Thing, quantity: int) -> None:
    """A REPLENISHABLE resource is there again when a job has ended, a NON_REPLENISHABLE one is used up."""
    if thing.shown["resourceType"] == "NON_REPLENISHABLE":
        thing.shown["totalQuantity"] = max(0, thing.shown["totalQuantity"] - quantity)


def _found(world: World, job: Thing) -> list[tuple[Thing | None, int]]:
    return [(world.read(CONSUMABLE, name), quantity) for name, quantity in job.kept.get("supplies", {}).items()]
