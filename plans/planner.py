"""From a manifest and a snapshot to a plan."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from plans import feasibility
from plans.change import Action
from plans.decide import Decision, decide, orphan
from plans.lower import lower
from plans.manifest import Manifest
from plans.plan import Plan, Step
from plans.policy import Policy
from plans.world import World
from providers.kinds import Kinds
from providers.resources import Address, Ref, Snapshot, Target

if TYPE_CHECKING:
    from plans.graph import Graph


def make_plan(
    manifest: Manifest,
    graph: "Graph",
    snapshot: Snapshot,
    *,
    policy: Policy,
    kinds: Kinds,
    now: float,
    versions: Mapping[str, str],
    only: frozenset[Address] | None = None,
    destroying: bool = False,
) -> Plan:
    """The plan that makes the world as the manifest says.

    `only` keeps it to these addresses, and deletes nothing. `destroying` is the plan of a manifest emptied on
    purpose: it prunes whatever the policy says, and the guards against an emptied manifest are off.
    """
    world = World.of(manifest, snapshot, kinds)
    chosen = [address for address in _ordered(graph, kinds) if only is None or address in only]
    decisions = [decide(manifest.resources[address], world, policy) for address in chosen]
    if destroying or (policy.prune and only is None):
        decisions += [orphan(kinds[kind], address, lives, world) for kind, address, lives in world.orphans()]
    steps, in_use = lower(decisions, world, now=now)
    refusals = [refusal for decision in decisions for refusal in decision.refusals]
    refusals += in_use
    refusals += feasibility.refusals(decisions, manifest, world, policy, destroying=destroying)
    if only is not None:
        refusals += [row for decision in decisions for row in feasibility.left_out(decision, only, world)]
    calling = {step.address for step in steps if step.call is not None}
    target = _target(snapshot.target)
    return Plan(
        id=_id(target, manifest.stack, steps),
        stack=manifest.stack,
        target=target,
        account=snapshot.account,
        region=snapshot.region,
        versions=dict(versions),
        made_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        changes=tuple(_told(decision, calling) for decision in decisions),
        steps=steps,
        refusals=tuple(refusals),
        warnings=(
            *(warning for decision in decisions for warning in decision.warnings),
            *feasibility.warnings(decisions, world),
        ),
        unobserved=dict(snapshot.unobserved),
    )


def emptied(manifest: Manifest) -> Manifest:
    """The manifest without its resources: what `destroy` plans for."""
    return attrs.evolve(manifest, resources={})


def _ordered(graph: "Graph", kinds: Kinds) -> list[Address]:
    """Every address behind what it needs; else by rank of kind and name, so that plans read alike."""
    import networkx as nx

    return list(
        nx.lexicographical_topological_sort(graph, key=lambda address: (kinds[address.kind].rank, address.name))
    )


def _told(decision: Decision, calling: set[str]) -> Any:
    """The change; where nothing differs but old revisions go, it is an update."""
    change = decision.change
    if change.action is Action.NOOP and str(change.address) in calling:
        return attrs.evolve(change, action=Action.UPDATE, reason="revisions beyond rollout.keep are deregistered")
    return change


def _target(target: Target) -> Mapping[str, str]:
    rows = {
        "provider": target.provider,
        "endpointUrl": target.endpoint_url,
        "profile": target.profile,
        "roleArn": target.role_arn,
        "regionSource": target.region_source,
    }
    return {key: value for key, value in rows.items() if value}


def _id(target: Mapping[str, str], stack: str, steps: tuple[Step, ...]) -> str:
    """A digest of where, whose and what, so that the same wish against the same world has the same id."""
    where = {key: value for key, value in target.items() if key in ("provider", "endpointUrl")}
    text = json.dumps([where, stack, [_plain(attrs.asdict(step, recurse=False)) for step in steps]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    match value:
        case Ref():
            return {"$ref": str(value)}
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return repr(value)
