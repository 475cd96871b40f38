"""The names and ARNs of what is live, as JSON."""

from collections.abc import Mapping
from typing import Any

FORMAT = 1


def outputs_json(stack: str, region: str, found: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What `Reconciler.output` found, by address, as `batchwright output --json` prints it.

    Its schema is published by `batchwright schema output`.
    """
    objects = {address: dict(values) for address, values in found.items()}
    return {"format": FORMAT, "stack": stack, "region": region, "objects": objects}
