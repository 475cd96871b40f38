"""What a plan may do, as the manifest, a file of the operator or a controller says it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from plans.check import Checker
from plans.nodes import Faults, Source
from plans.yamltext import read
from providers.kinds import Kinds
from providers.kinds.house import POLICY
from providers.resources import EMPTY, Drain, Field

IMPACTS = POLICY.members["maxImpact"].enum
_DRAINS = POLICY.members["drain"].members["mode"].enum
_MEMBERS = {
    "prune": "prune",
    "adopt": "adopt",
    "maxImpact": "max_impact",
    "maxDeletes": "max_deletes",
    "ignore": "ignore",
    "ignoreTags": "ignore_tags",
    "drain": "drain",
}


@attrs.frozen
class Policy:
    """What a plan may do. `max_impact` is one of the words of `plans.change.Impact`.

    `said` names the fields that somebody chose; of the others the value is the default, which gives way to any choice.
    A value that is not the default counts as chosen.
    """

    prune: bool = True
    adopt: bool = False
    max_impact: str = "replacement"
    max_deletes: int = 5
    ignore: tuple[str, ...] = ()
    ignore_tags: tuple[str, ...] = ()
    drain: Drain = Drain()
    said: frozenset[str] = attrs.field(default=frozenset(), kw_only=True, eq=False)

    def says(self, name: str) -> bool:
        """Whether a field was chosen, rather than left to its default."""
        return name in self.said or getattr(self, name) != getattr(_DEFAULTS, name)


_DEFAULTS = Policy()


def parse_policy(sources: Iterable[Source]) -> Policy:
    """Read files that hold the keys of a manifest's `policy`; of several the strictest wins. Raises ManifestError."""
    faults = Faults()
    checker = Checker(Kinds(EMPTY, Field("structure", members=MappingProxyType({"policy": POLICY}))), None, {}, faults)
    roots = [root for source in sources if (root := read(source, faults))]
    found = [checker.check(root, POLICY, "") for root in roots]
    faults.end("the policy")
    return strictest(*map(policy_of, found))


def policy_of(block: Mapping[str, Any]) -> Policy:
    """The policy that a checked `policy` block says; null is unsaid."""
    said = {_MEMBERS[key]: value for key, value in block.items() if value is not None}
    for name in ("ignore", "ignore_tags"):
        if name in said:
            said[name] = tuple(said[name])
    if "drain" in said:
        said["drain"] = drain_of(said["drain"])
    return Policy(**said, said=frozenset(said))


def drain_of(block: Mapping[str, Any]) -> Drain:
    """The drain that a checked `drain` block says; null is unsaid."""
    return Drain(**{key: value for key, value in block.items() if value is not None})


def strictest(*policies: Policy) -> Policy:
    """What all of them allow, field by field, among those that say the field; the default where none does.

    No prune and no adopt before yes; the lowest impact and the fewest deletes; the drain that ends the fewest jobs
    (refuse, wait, cancel, terminate) and, of equals, the one that gives up soonest. Of ignored paths and tags only
    those that every one of them ignores: to ignore is to leave a difference unseen, so a longer list is a laxer one.
    """
    values: dict[str, Any] = {}
    for field in _STRICTER:
        said = [getattr(policy, field) for policy in policies if policy.says(field)]
        if said:
            values[field] = _STRICTER[field](said)
    return Policy(**values, said=frozenset(values))


def _in_all(lists: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(entry for entry in lists[0] if all(entry in other for other in lists))


def _leniency(drain: Drain) -> tuple[int, float]:
    return _DRAINS.index(drain.mode), float("inf") if drain.timeout is None else drain.timeout


_STRICTER: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "prune": all,
    "adopt": all,
    "max_impact": lambda impacts: min(impacts, key=IMPACTS.index),
    "max_deletes": min,
    "ignore": _in_all,
    "ignore_tags": _in_all,
    "drain": lambda drains: min(drains, key=_leniency),
}
