"""The manifest: what the user wrote, read into desired resources."""

from collections.abc import Mapping

import attrs

from providers.resources import EMPTY, Address, Drain, Resource, Target


@attrs.frozen
class Source:
    """One file of a manifest: the name to show in faults, and its bytes."""

    name: str
    content: bytes


@attrs.frozen
class Policy:
    """What a plan may do. `max_impact` is one of the words of `plans.change.Impact`."""

    prune: bool = True
    adopt: bool = False
    max_impact: str = "replacement"
    max_deletes: int = 5
    ignore: tuple[str, ...] = ()
    ignore_tags: tuple[str, ...] = ()
    drain: Drain = Drain()


@attrs.frozen
class Manifest:
    """One stack: its resources by address, in the order of kinds' ranks and then as written."""

    stack: str
    resources: Mapping[Address, Resource]
    name_prefix: str = ""
    target: Target = Target()
    tags: Mapping[str, str] = EMPTY
    policy: Policy = Policy()
