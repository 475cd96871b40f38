"""What is refused before any call: what AWS, the policy or good sense forbids.

Quotas are those of the page "AWS Batch service quotas" of the user guide, which calls them not adjustable; issue
hashicorp/terraform-provider-aws#21737 claims that three environments a queue can be raised, so that one only warns.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from plans.change import Action, Impact, Refusal
from plans.decide import Decision
from plans.manifest import Manifest
from plans.normalise import normalise
from plans.policy import Policy
from plans.world import World, referred
from providers.resources import PROTECT_TAG, Address, Live, Ref

ENVIRONMENTS_A_QUEUE = 3
TAGS = 50


def refusals(
    decisions: Sequence[Decision], manifest: Manifest, world: World, policy: Policy, *, destroying: bool
) -> Iterable[Refusal]:
    """Everything that keeps this plan from being carried out, whole account and stack considered."""
    yield from _replacements(decisions)
    yield from _policy(decisions, manifest, world, policy, destroying=destroying)
    yield from _quotas(decisions, world)
    for decision in decisions:
        if decision.change.kind == "job_queue" and decision.resource is not None:
            yield from _queue(decision, decisions, world)
        yield from _room_for_tags(decision)


def warnings(decisions: Sequence[Decision], world: World) -> Iterable[str]:
    for decision in decisions:
        entries = decision.spec.get("computeEnvironmentOrder") or ()
        if decision.resource is not None and len(entries) > ENVIRONMENTS_A_QUEUE:
            yield (
                f"{decision.change.address}: {len(entries)} compute environments;"
                f" AWS documents {ENVIRONMENTS_A_QUEUE} as the most a queue takes"
            )
        yield from _emptied(decision, world)


def _emptied(decision: Decision, world: World) -> Iterable[str]:
    """AWS drops environment variables with an empty value (hashicorp/terraform-provider-aws warns of it too)."""
    kind = world.kinds[decision.change.kind]
    if decision.resource is None or not kind.facts.vanishing:
        return
    for environment in _environments(decision.resource.spec):
        for entry in environment:
            if isinstance(entry, dict) and entry.get("value") in (None, ""):
                yield f"{decision.change.address}: AWS drops environment {entry.get('name')}, whose value is empty"


def _environments(value: object) -> Iterable[Sequence[object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "environment" and isinstance(item, list):
                yield item
            else:
                yield from _environments(item)
    elif isinstance(value, list):
        for item in value:
            yield from _environments(item)


def _replacements(decisions: Sequence[Decision]) -> Iterable[Refusal]:
    for decision in decisions:
        if decision.change.action is not Action.REPLACE:
            continue
        address = str(decision.change.address)
        protected = decision.live is not None and decision.live.tags.get(PROTECT_TAG) == "true"
        if protected:
            yield Refusal(address, "protected", "it is protected", "apply with lifecycle.protect: false first")
        yield Refusal(
            address,
            "replacement",
            f"this needs a new object in place of the old: {decision.change.reason}",
            "give the new one another name in the manifest, move its users over, and then remove the old one",
        )


def _policy(
    decisions: Sequence[Decision], manifest: Manifest, world: World, policy: Policy, *, destroying: bool
) -> Iterable[Refusal]:
    most = Impact.parse(policy.max_impact)
    for decision in decisions:
        change = decision.change
        if change.impact > most:
            yield Refusal(
                str(change.address),
                "max-impact",
                f"its impact is {change.impact}, and the policy allows {most}",
                "raise policy.maxImpact where this is meant",
            )
        if change.jobs is not None and change.jobs.total:
            yield Refusal(
                str(change.address),
                "jobs",
                f"{change.name} holds {change.jobs}, and deleting a queue ends its jobs",
                "wait for them, or cancel them, and plan again",
            )
    if destroying:
        return
    deleted = [decision.change for decision in decisions if decision.change.action is Action.DELETE]
    if not manifest.resources:
        yield Refusal("", "empty-manifest", "the manifest wants nothing", "to delete a whole stack use destroy")
    elif deleted and not any(world.holders(address) for address in manifest.resources):
        yield Refusal(
            "",
            "wrong-stack",
            f"stack {world.stack} owns objects here, and none of them is in this manifest",
            "is it the right folder, or is the stack's name in use elsewhere? to delete it all use destroy",
        )
    if len(deleted) > policy.max_deletes:
        yield Refusal(
            "",
            "max-deletes",
            f"{len(deleted)} objects would be deleted, and the policy allows {policy.max_deletes}",
            "raise policy.maxDeletes where this is meant",
        )


def _quotas(decisions: Sequence[Decision], world: World) -> Iterable[Refusal]:
    made = Counter(decision.change.kind for decision in decisions if decision.change.action is Action.CREATE)
    for kind in world.kinds:
        if kind.facts.quota is None or not made[kind.name]:
            continue
        there = sum(1 for _ in world.snapshot.of(kind.name))
        if there + made[kind.name] > kind.facts.quota:
            yield Refusal(
                "",
                "quota",
                f"{there} {kind.title}s are there and {made[kind.name]} would be made; AWS allows {kind.facts.quota}",
                "delete what is not used first",
            )


def _room_for_tags(decision: Decision) -> Iterable[Refusal]:
    if decision.live is None or decision.resource is None or decision.change.action is Action.REGISTER:
        return
    kept = {key for key in decision.live.tags if not key.lower().startswith("aws:")}
    if len(kept | set(decision.tags)) > TAGS and set(decision.tags) - kept:
        yield Refusal(
            str(decision.change.address),
            "tags",
            f"it would carry more than {TAGS} tags for a moment",
            "remove a tag in an apply of its own first",
        )


def _queue(decision: Decision, decisions: Sequence[Decision], world: World) -> Iterable[Refusal]:
    """A queue takes environments of one sort only, each VALID ("computeEnvironmentOrder" of CreateJobQueue)."""
    if decision.change.action not in (Action.CREATE, Action.UPDATE):
        return
    kind = world.kinds["job_queue"]
    environments = {
        str(reference): _environment(reference, decisions, world)
        for reference in referred(decision.spec, kind, "compute_environment")
    }
    address = str(decision.change.address)
    sorts = {
        "Fargate" if str((spec.get("computeResources") or {}).get("type", "")).startswith("FARGATE") else "EC2"
        for spec, _ in environments.values()
        if spec and spec.get("type") != "UNMANAGED"
    }
    if len(sorts) > 1:
        yield Refusal(
            address,
            "mixed-types",
            "its environments are of EC2 and of Fargate, and a queue takes only one sort",
            "make a queue for each",
        )
    for _, live in environments.values():
        if live is not None and live.status == "INVALID" and not _repaired(live, decisions):
            yield Refusal(
                address,
                "invalid-environment",
                f"{live.name} is INVALID ({live.status_reason}), and AWS takes only VALID environments",
                "repair it, or take it out of the queue's order",
            )


def _environment(reference: object, decisions: Sequence[Decision], world: World) -> tuple[dict[str, Any], Live | None]:
    kind = world.kinds["compute_environment"]
    live = world.by_arn.get(str(reference))
    for other in decisions:
        made = isinstance(reference, Ref) and other.change.address == reference.address
        if made or (live is not None and other.live == live and other.resource is not None):
            return normalise(other.spec, kind), live
    return (normalise(live.spec, kind), live) if live is not None else ({}, None)


def _repaired(live: Live, decisions: Sequence[Decision]) -> bool:
    return any(other.live == live and other.change.action is Action.UPDATE for other in decisions)


def left_out(decision: Decision, chosen: frozenset[Address], world: World) -> Iterable[Refusal]:
    """Under `--only`: what a chosen resource needs must be live already, or chosen too."""
    kind = world.kinds[decision.change.kind]
    for target in dict.fromkeys(kind.references.values()):
        for reference in referred(decision.spec, kind, target):
            if isinstance(reference, Ref) and reference.address not in chosen:
                yield Refusal(
                    str(decision.change.address),
                    "left-out",
                    f"it needs {reference.address}, which is not there yet and was left out",
                    f"add --only {reference.address}",
                )
