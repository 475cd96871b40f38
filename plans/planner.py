"""From a manifest and a snapshot to a plan."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from plans import feasibility
from plans.change import Action, Change, Difference
from plans.decide import Decision, decide, orphan
from plans.lower import lower
from plans.manifest import Manifest
from plans.masking import mask_plan
from plans.origins import form_of, with_origins
from plans.past import Past
from plans.plan import Plan, Step
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
    past: Past | None = None,
    insisted: frozenset[Address] = frozenset(),
) -> Plan:
    """The plan that makes the world as the manifest says.

    `only` keeps it to these addresses, and deletes nothing. `destroying` is the plan of a manifest emptied on
    purpose: it prunes whatever the policy says, and the guards against an emptied manifest are off. With `past` every
    difference has its origin. Of `insisted` even those values are set that jobs move.
    """
    chosen = [address for address in _ordered(graph, kinds) if only is None or address in only]
    world = World.of(manifest, snapshot, kinds, frozenset(chosen) if policy.adopt else frozenset())
    world = attrs.evolve(world, insisted=insisted)
    decisions = [decide(manifest.resources[address], world, policy) for address in chosen]
    if destroying or (policy.prune and only is None):
        reason = "the stack is destroyed" if destroying else "it left the manifest"
        decisions += [orphan(address, lives, world, reason) for address, lives in world.orphans()]
    decisions = with_outages(decisions, world)
    steps, refusals = lower(decisions, world, now=now)
    refusals += tuple(feasibility.refusals(decisions, manifest, world, policy, now=now, destroying=destroying))
    if only is not None:
        refusals += tuple(feasibility.left_out(decisions, only, world))
    leaving = _leaving(steps, kinds)
    changes = tuple(_told(decision.change, leaving.get(str(decision.change.address), ())) for decision in decisions)
    if past is not None:
        changes = with_origins(changes, decisions, world, past)
    plan = Plan(
        id="",
        stack=manifest.stack,
        target=_target(snapshot.target),
        account=snapshot.account,
        region=snapshot.region,
        versions=dict(versions),
        made_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        changes=changes,
        steps=steps,
        refusals=refusals,
        warnings=(*feasibility.warnings(decisions, world), *_unknown(decisions, kinds)),
        unobserved=dict(snapshot.unobserved),
        wanted={
            decision.change.address: form_of(decision)
            for decision in decisions
            if decision.resource is not None and not decision.refusals
        },
    )
    return attrs.evolve(plan, id=_id(plan))


def emptied(manifest: Manifest) -> Manifest:
    """The manifest without its resources: what `destroy` plans for."""
    return attrs.evolve(manifest, resources={})


def _ordered(graph: "Graph", kinds: Kinds) -> list[Address]:
    """Every address behind what it needs; else by rank of kind and name, so that plans read alike."""
    import networkx as nx

    return list(nx.lexicographical_topological_sort(graph, key=lambda address: (kinds[address.kind].rank, address)))


def _leaving(steps: Iterable[Step], kinds: Kinds) -> Mapping[str, Sequence[Difference]]:
    """The revisions that go, by address: part of what a plan must show, though no field differs."""
    found: dict[str, list[Difference]] = {}
    for step in steps:
        kind = kinds[step.address.partition(".")[0]]
        if kind.facts.revisions and step.call == kind.facts.delete:
            revision = str(step.arguments[kind.delete_key]).rpartition(":")[2]
            difference = Difference(f"revisions[{revision}]", "ACTIVE", "INACTIVE", "deregister", step.why)
            found.setdefault(step.address, []).append(difference)
    return found


def _told(change: Change, leaving: Sequence[Difference]) -> Change:
    """The change with the revisions that go; where nothing else differs it is an update."""
    if not leaving:
        return change
    action = Action.UPDATE if change.action is Action.NOOP else change.action
    return attrs.evolve(change, action=action, differences=(*change.differences, *leaving))


def _unknown(decisions: Iterable[Decision], kinds: Kinds) -> Iterable[str]:
    """What AWS says of these objects and the installed botocore drops, once for each kind and path."""
    found = {
        (decision.change.kind, re.sub(r"\[[^\]]*\]", "[]", path))
        for decision in decisions
        if decision.live is not None
        for path in decision.live.unknown
    }
    for name, path in sorted(found):
        kind = kinds[name]
        loss = ", and a new revision would lose it" if kind.facts.revisions else ""
        yield f"the installed botocore does not know {path} of {kind.title}s{loss}: update boto3"


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
    """A digest of where, whose and what, so that the same wish against the same world has the same id.

    Values that look secret are left out of it, else they could be guessed from an id that everybody may see.
    """
    told = to_json(mask_plan(plan, None))
    where = {key: told["target"].get(key) for key in ("provider", "endpointUrl")}
    what = [where, plan.account, plan.region, plan.stack, told["steps"]]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
