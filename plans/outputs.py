"""The names and ARNs of what is live."""

from collections.abc import Mapping
from typing import Any

from plans.world import World

FORMAT = 1


def outputs_of(world: World) -> Mapping[str, Mapping[str, str]]:
    """By address what is live of all that is wanted; of a definition its newest revision, of several objects of one
    address the one that works."""
    found: dict[str, Mapping[str, str]] = {}
    for address in world.desired:
        lives = world.holders(address)
        live = lives[-1] if lives and world.kinds[address.kind].facts.revisions else world.working(lives)
        if live is not None:
            revision = {} if live.revision is None else {"revision": str(live.revision)}
            found[str(address)] = {"name": live.name, "arn": live.arn, **revision}
    return found


def outputs_json(stack: str, region: str, found: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What `Reconciler.output` found, by address, as `batchwright output --json` prints it.

    Its schema is published by `batchwright schema output`.
    """
    objects = {address: dict(values) for address, values in found.items()}
    return {"format": FORMAT, "stack": stack, "region": region, "objects": objects}
