"""From a manifest and a snapshot to a plan."""

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from plans import feasibility
from plans.change import Action, Change
from plans.decide import decide, orphan
from plans.lower import lower
from plans.manifest import Manifest
from plans.plan import Plan
from plans.planfile import to_json
from plans.policy import Policy
from plans.queues import with_outages
from plans.world import World
from providers.kinds import Kinds
from providers.resources import Address, Snapshot, Target

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
        decisions += [orphan(address, lives, world) for address, lives in world.orphans()]
    decisions = with_outages(decisions, world)
    steps, refusals = lower(decisions, world, now=now)
    refusals += tuple(feasibility.refusals(decisions, manifest, world, policy, destroying=destroying))
    if only is not None:
        refusals += tuple(feasibility.left_out(decisions, only, world))
    calling = {step.address for step in steps if step.call is not None}
    plan = Plan(
        id="",
        stack=manifest.stack,
        target=_target(snapshot.target),
        account=snapshot.account,
        region=snapshot.region,
        versions=dict(versions),
        made_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        changes=tuple(_told(decision.change, calling) for decision in decisions),
        steps=steps,
        refusals=refusals,
        warnings=tuple(feasibility.warnings(decisions, world)),
        unobserved=dict(snapshot.unobserved),
    )
    return attrs.evolve(plan, id=_id(plan))


def emptied(manifest: Manifest) -> Manifest:
    """The manifest without its resources: what `destroy` plans for."""
    return attrs.evolve(manifest, resources={})


def _ordered(graph: "Graph", kinds: Kinds) -> list[Address]:
    """Every address behind what it needs; else by rank of kind and name, so that plans read alike."""
    import networkx as nx

    return list(
        nx.lexicographical_topological_sort(graph, key=lambda address: (kinds[address.kind].rank, address.name))
    )


def _told(change: Change, calling: Collection[str]) -> Change:
    """The change; where nothing differs but old revisions go, it is an update."""
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


def _id(plan: Plan) -> str:
    """A digest of where, whose and what, so that the same wish against the same world has the same id."""
    told = to_json(plan)
    where = {key: told["target"].get(key) for key in ("provider", "endpointUrl")}
    what = [where, plan.account, plan.region, plan.stack, told["steps"]]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
