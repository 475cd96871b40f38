"""From a manifest and a snapshot to a plan."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from plans import feasibility, handover, jobs, launching, roles
from plans.asked import NOTHING, Asked
from plans.canaries import Canaries, is_canary, is_queue_of_one, litter
from plans.change import Action, Change, Difference
from plans.decide import decide, orphan
from plans.decision import Decision
from plans.lower import lower
from plans.manifest import Manifest
from plans.masking import mask_plan
from plans.moving import moved_along, unknown
from plans.origins import form_of, with_origins
from plans.past import Past
from plans.plan import Plan, Step
from plans.planfile import to_json
from plans.policy import Policy, strictest
from plans.queues import as_outages, with_outages
from plans.replacement import heir
from plans.world import World
from providers.kinds import Kinds
from providers.resources import Address, Drain, Snapshot

if TYPE_CHECKING:
    from plans.graph import Graph

_UNBOUND = Policy()


def make_plan(
    manifest: Manifest,
    graph: "Graph",
    snapshot: Snapshot,
    *,
    policy: Policy,
    bound: Policy = _UNBOUND,
    kinds: Kinds,
    now: float,
    versions: Mapping[str, str],
    asked: Asked = NOTHING,
    destroying: bool = False,
    handing_over: bool = False,
    past: Past | None = None,
) -> Plan:
    """The plan that makes the world as the manifest says, and does what is `asked` for this once.

    `policy` is the manifest's own and all that bind beside it, `bound` the latter alone. `destroying` is the plan of
    the manifest emptied, of which `graph` is then: it prunes whatever the policy says, the guards against an emptied
    manifest are off, and of its blocks nothing counts but their drain. `handing_over` is the plan that only tags: it
    takes over what has the names of blocks, and lets go of what is removed. With `past` every difference has its
    origin.
    """
    drains = _drains(manifest, bound)
    manifest = emptied(manifest) if destroying else manifest
    chosen = [address for address in _ordered(graph, kinds) if not asked.only or address in asked.only]
    adoptable = frozenset(chosen) if policy.adopt or handing_over else frozenset[Address]()
    world = attrs.evolve(World.of(manifest, snapshot, kinds, adoptable), asked=asked, drain=policy.drain, drains=drains)
    decisions, world = ([], world) if handing_over else _wanted(chosen, world, policy)
    canaries = Canaries.of(decisions, world)
    decisions = canaries.told(decisions)
    if not handing_over:
        decisions += canaries.left_over(decisions, world)
    pruning = destroying or (policy.prune and not asked.only and not handing_over)
    reason = "the stack is destroyed" if destroying else "it left the manifest"
    used, left_behind = canaries.in_use, litter(decisions)
    for address, lives in world.orphans():
        left = tuple(live for live in lives if live not in used)
        if not left or is_queue_of_one(address) or address in manifest.ownership.removed:
            continue
        if pruning or address in left_behind:
            decisions.append(orphan(address, left, world, "its canary is over" if is_canary(address) else reason))
    decisions = with_outages(launching.looked_at(decisions, world), world)
    steps, refusals, outages = lower(decisions, world, canaries, now=now)
    decisions = as_outages(decisions, outages)
    guarded = not (destroying or handing_over)
    refusals += tuple(feasibility.refusals(decisions, manifest, world, policy, now=now, destroying=not guarded))
    environments = tuple(snapshot.of("compute_environment"))
    refusals += tuple(roles.refusals(steps, environments, kinds["compute_environment"], snapshot.surroundings))
    refusals += tuple(canaries.refusals(decisions, world))
    refusals += tuple(jobs.refusals(steps, snapshot, drains, bound))
    refusals += tuple(unknown(world))
    if asked.only:
        refusals += tuple(feasibility.left_out(decisions, asked.only, world))
    handed = [] if asked.only else handover.releases(manifest, world)
    if handing_over:
        handed += [handover.adoption(world.desired[address], world, policy) for address in chosen]
    refusals += tuple(feasibility.of_tags(handed))
    retagged, moved = handover.retagged(decisions, steps, world)
    steps += (*retagged, *handover.steps(handed, steps))
    leaving = _leaving(steps, kinds)
    everything = [*decisions, *handed]
    changes = tuple(
        handover.with_retagged(
            _told(decision.change, leaving.get(str(decision.change.address), ())),
            moved.get(decision.change.address, ()),
        )
        for decision in everything
    )
    changes = jobs.at_risk(changes, steps, snapshot)
    if past is not None:
        changes = with_origins(changes, everything, world, past)
    changes += tuple(moved_along(decisions, steps, world))
    plan = Plan(
        id="",
        stack=manifest.stack,
        target=snapshot.target.told,
        account=snapshot.account,
        region=snapshot.region,
        versions=dict(versions),
        made_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        changes=changes,
        steps=steps,
        refusals=refusals,
        warnings=(
            *feasibility.warnings(decisions, world),
            *(told for each in handed for told in each.warnings),
            *(handover.let_go(manifest, world) if handing_over else ()),
            *roles.warnings(environments, manifest.stack, snapshot.surroundings),
            *launching.unread(snapshot),
            *jobs.uncounted(snapshot),
            *(_unseen(snapshot, kinds) if pruning else ()),
            *_unknown(everything, kinds),
        ),
        unobserved=dict(snapshot.unobserved),
        wanted={
            decision.change.address: form_of(decision)
            for decision in decisions
            if decision.resource is not None and not decision.refusals
        },
        secrets=manifest.secrets,
    )
    return attrs.evolve(plan, id=_id(plan))


def _wanted(chosen: Iterable[Address], world: World, policy: Policy) -> tuple[list[Decision], World]:
    """The decisions on what is wanted, each knowing what has come of those that it refers to; and the world then."""
    decisions = []
    for address in chosen:
        decisions.append(decide(world.desired[address], world, policy))
        if (stands := heir(decisions[-1])) is not None:
            names = {**world.names, address: decisions[-1].change.name}
            world = attrs.evolve(world, heirs={**world.heirs, address: stands}, names=names)
    return decisions, world


def emptied(manifest: Manifest) -> Manifest:
    """The manifest without its resources: what `destroy` plans for."""
    return attrs.evolve(manifest, resources={})


def _drains(manifest: Manifest, bound: Policy) -> Mapping[Address, Drain]:
    """What the blocks say of the jobs of their queues, as far as what binds allows it."""
    return {
        address: strictest(bound, Policy(drain=resource.drain, said=frozenset({"drain"}))).drain
        for address, resource in manifest.resources.items()
        if resource.drain is not None
    }


def _ordered(graph: "Graph", kinds: Kinds) -> list[Address]:
    """Every address behind what it needs; else by rank of kind and name, so that plans read alike."""
    import networkx as nx

    # Tuples of plain values are compared much faster than addresses are.
    ranked = {address: (kinds[address.kind].rank, address.kind, address.name) for address in graph}
    return list(nx.lexicographical_topological_sort(graph, key=ranked.__getitem__))


def _leaving(steps: Iterable[Step], kinds: Kinds) -> Mapping[str, Sequence[Difference]]:
    """The revisions that go, by address: part of what a plan must show, though no field differs."""
    found: dict[str, list[Difference]] = {}
    for step in steps:
        kind = kinds[step.address.partition(".")[0]]
        gone = step.arguments.get(kind.delete_key) if step.call == kind.facts.delete else None
        if kind.facts.revisions and isinstance(gone, str):
            revision = gone.rpartition(":")[2]
            difference = Difference(f"revisions[{revision}]", "ACTIVE", "INACTIVE", "deregister", step.why)
            found.setdefault(step.address, []).append(difference)
    return found


def _told(change: Change, leaving: Sequence[Difference]) -> Change:
    """The change with the revisions that go; where nothing else differs it is an update."""
    if not leaving:
        return change
    action = Action.UPDATE if change.action is Action.NOOP else change.action
    return attrs.evolve(change, action=action, differences=(*change.differences, *leaving))


def _unseen(snapshot: Snapshot, kinds: Kinds) -> Iterable[str]:
    """What may be left of the stack without anybody having looked."""
    for name, why in sorted(snapshot.unseen.items()):
        yield f"{kinds[name].title}s that left the manifest were not looked for: {why}"


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


def _id(plan: Plan) -> str:
    """A digest of where, whose and what, so that the same wish against the same world has the same id.

    Values that look secret are left out of it, else they could be guessed from an id that everybody may see.
    """
    told = to_json(mask_plan(plan, None))
    where = {key: told["target"].get(key) for key in ("provider", "endpointUrl")}
    what = [where, plan.account, plan.region, plan.stack, told["steps"]]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
