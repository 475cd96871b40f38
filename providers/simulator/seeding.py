"""Putting objects in as a describe shows them, as if they had always been there: no rule is asked."""

from collections.abc import Iterable

import attrs

from providers.simulator.catalogue import CHILD, DEFINITION, JOB, KINDS, QUOTA_SHARE, SERVICE_JOB
from providers.simulator.jobs import seeding
from providers.simulator.lifecycle import Json, Kind, Thing, World

_KINDS = {kind.key: kind for kind in KINDS}
_LONG_AGO = 0.0


@attrs.frozen
class Seed:
    """An object to be put in: the `key` of its kind in the catalogue, its name there, and what describe shows.

    `name` of a revision is NAME:REVISION, that of a quota share QUEUE/quota-share/NAME.
    """

    kind: str
    name: str
    shown: Json


def put(world: World, seed: Seed) -> None:
    """Put one object in. What is in transition comes to the end of it in the time of a scaling update; a job that has
    begun was placed just now. Raises LookupError where there is no such kind."""
    row, shown = _KINDS[seed.kind], dict(seed.shown)
    if row in (JOB, CHILD):
        seeding.adopt(world, row, seed.name, shown)
    elif row is SERVICE_JOB:
        seeding.adopt_service(world, seed.name, shown)
    else:
        _put(world, Thing(row, seed.name, shown), row)


def fill(world: World, seeds: Iterable[Seed]) -> None:
    """Put all of these into an account and region, so that a stale read shows them too.

    Jobs come after what they are in, and those that run before those that wait.
    """
    for seed in seeds:
        put(world, seed)
    world.transaction.backdate(_LONG_AGO)


def _put(world: World, thing: Thing, row: Kind) -> None:
    if row is DEFINITION:
        thing.parent, _, revision = thing.name.rpartition(":")
        world.transaction.count_to(f"revision/{thing.parent}", int(revision))
    if row is QUOTA_SHARE:
        thing.parent = thing.name.partition("/")[0]
    thing.steps = _rest_of_the_way(thing.shown, world.now + world.settings.durations.scaling_update)
    world.save(thing)


def _rest_of_the_way(shown: Json, due: float) -> list[tuple[float, Json | None]]:
    match shown.get("status"):
        case "CREATING" | "UPDATING":
            return [(due, {"status": "VALID"})]
        case "DELETING":
            return [(due, None)]
        case _:
            return []
