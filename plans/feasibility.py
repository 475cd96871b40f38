"""What is refused before any call: what AWS, the policy or good sense forbids.

Quotas are those of the page "AWS Batch service quotas" of the user guide, which calls them not adjustable; issue
hashicorp/terraform-provider-aws#21737 claims that three environments a queue can be raised, so that one only warns.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from plans import paths
from plans.change import Action, Change, Impact, Refusal
from plans.decide import Decision
from plans.manifest import Manifest
from plans.policy import Policy
from plans.queues import Queues
from plans.world import World, referred
from providers.resources import PROTECT_TAG, REGISTERED_TAG, Address, Ref

ENVIRONMENTS_A_QUEUE = 3
TAGS = 50


def refusals(
    decisions: Sequence[Decision], manifest: Manifest, world: World, policy: Policy, *, destroying: bool
) -> Iterable[Refusal]:
    """Everything that keeps this plan from being carried out, whole account and stack considered."""
    for decision in decisions:
        yield from decision.refusals
        yield from _replacement(decision)
        yield from _allowed(decision.change, policy)
        yield from _barred(decision, world)
        yield from _running(decision)
        yield from _room_for_tags(decision)
    if not destroying:
        yield from _whole(decisions, manifest, world, policy)
    yield from _quotas(decisions, world)
    queues = Queues.of(decisions, world)
    for decision in decisions:
        yield from queues.refusals(decision)


def warnings(decisions: Sequence[Decision], world: World) -> Iterable[str]:
    """What a reader of the plan should know, though it forbids nothing."""
    for decision in decisions:
        yield from decision.warnings
        entries = decision.spec.get("computeEnvironmentOrder") or ()
        if decision.resource is not None and len(entries) > ENVIRONMENTS_A_QUEUE:
            yield (
                f"{decision.change.address}: {len(entries)} compute environments;"
                f" AWS documents {ENVIRONMENTS_A_QUEUE} as the most a queue takes"
            )
        yield from _undrained(decision)
        yield from _emptied(decision, world)
    for live in world.strays:
        title = world.kinds[live.kind].title
        yield f"the {title} {live.name} carries this stack's tag and no {live.kind} address; it is left alone"


def left_out(decisions: Sequence[Decision], chosen: frozenset[Address], world: World) -> Iterable[Refusal]:
    """Under `--only`: what a chosen resource needs must be live already, or chosen too."""
    for decision in decisions:
        kind, depends_on = world.kinds[decision.change.kind], decision.resource.depends_on if decision.resource else ()
        found = [
            *(
                found
                for target in dict.fromkeys(kind.references.values())
                for found in referred(decision.spec, kind, target)
            ),
            *(world.resolve(address.kind, Ref(address)) for address in depends_on),
        ]
        for needed in dict.fromkeys(found.address for found in found if isinstance(found, Ref)):
            if needed not in chosen:
                message = f"it needs {needed}, which is not there yet and was left out"
                yield Refusal(str(decision.change.address), "left-out", message, f"add --only {needed}")


def _replacement(decision: Decision) -> Iterable[Refusal]:
    if decision.change.action is not Action.REPLACE:
        return
    address = str(decision.change.address)
    if decision.live is not None and decision.live.tags.get(PROTECT_TAG) == "true":
        yield Refusal(address, "protected", "it is protected", "apply with lifecycle.protect: false first")
    yield Refusal(
        address,
        "replacement",
        f"this needs a new object in place of the old, which this version does not do: {decision.change.reason}",
        "give the new one another name in the manifest, move its users over, and then remove the old one",
    )


def _allowed(change: Change, policy: Policy) -> Iterable[Refusal]:
    """What the policy says of one change; of the outage that jobs would suffer only that they bar the way."""
    most = Impact.parse(policy.max_impact)
    if change.jobs is not None and change.jobs.total:
        message = f"{change.name} holds {change.jobs}, and deleting a queue ends its jobs"
        if policy.drain.mode != "refuse":
            message += f"; the policy says drain ({policy.drain.mode}), which this version cannot do"
        yield Refusal(str(change.address), "jobs", message, "wait for them, or cancel them, and plan again")
    elif change.impact > most:
        yield Refusal(
            str(change.address),
            "max-impact",
            f"its impact is {change.impact}, and the policy allows {most}",
            "raise policy.maxImpact where this is meant",
        )


def _whole(decisions: Sequence[Decision], manifest: Manifest, world: World, policy: Policy) -> Iterable[Refusal]:
    """What the policy and good sense say of all changes together."""
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


def _barred(decision: Decision, world: World) -> Iterable[Refusal]:
    """What a kind may not say at all, such as machines on Fargate."""
    if decision.resource is None:
        return
    kind, said = world.kinds[decision.change.kind], decision.resource.spec
    for rule in kind.facts.barred:
        if not rule.when(said, {}):
            continue
        for path in rule.paths:
            if paths.get(said, paths.split(path), kind.facts.keyed, kind.spec) not in (None, [], {}):
                yield Refusal(str(decision.change.address), rule.name, f"{path}: {rule.why}", "leave it out")


def _running(decision: Decision) -> Iterable[Refusal]:
    """AWS lowers maxvCpus below the vCPUs that are desired now only once they are gone (ASFHyP3/hyp3#2965)."""
    if "computeResources.maxvCpus" not in decision.units or decision.live is None:
        return
    most = decision.spec["computeResources"].get("maxvCpus")
    desired = (decision.live.spec.get("computeResources") or {}).get("desiredvCpus") or 0
    if most is not None and most < desired:
        yield Refusal(
            str(decision.change.address),
            "running-vcpus",
            f"maxvCpus would be {most} while {desired} vCPUs are desired, and AWS does not scale down by hand",
            "wait until it has scaled down, and plan again",
        )


def _quotas(decisions: Sequence[Decision], world: World) -> Iterable[Refusal]:
    made = Counter(decision.change.kind for decision in decisions if decision.change.action is Action.CREATE)
    leaving = Counter(
        decision.change.kind
        for decision in decisions
        if decision.change.action is Action.CREATE and decision.live is not None
    )
    for kind in world.kinds:
        if kind.facts.quota is None or not made[kind.name]:
            continue
        there = sum(1 for _ in world.snapshot.of(kind.name)) - leaving[kind.name]
        if there + made[kind.name] > kind.facts.quota:
            yield Refusal(
                "",
                "quota",
                f"{there} {kind.title}s are there and {made[kind.name]} would be made; AWS allows {kind.facts.quota}",
                "delete what is not used first",
            )


def _room_for_tags(decision: Decision) -> Iterable[Refusal]:
    """Tags are added before others are removed, and what stands in the way of that is told."""
    address = str(decision.change.address)
    if decision.change.action is Action.REGISTER and len({*decision.tags, REGISTERED_TAG}) > TAGS:
        told = f"the new revision would carry more than {TAGS} tags, those of the policy's ignoreTags included"
        yield Refusal(address, "tags", told, "take some out of the manifest")
    if decision.live is None or decision.change.action in (Action.CREATE, Action.REGISTER):
        return
    kept = {key for key in decision.live.tags if not key.lower().startswith("aws:")}
    added = {
        key
        for difference in decision.change.differences
        if difference.after is not None and (key := paths.tag_of(difference.path)) is not None
    }
    if added - kept and len(kept | added) > TAGS:
        yield Refusal(
            address,
            "tags",
            f"it would carry more than {TAGS} tags for a moment",
            "remove a tag in an apply of its own first",
        )


def _undrained(decision: Decision) -> Iterable[str]:
    """A queue takes its own `drain` along when it leaves the manifest, so that it is told while it is there."""
    drain = decision.resource.drain if decision.resource else None
    if drain is not None and drain.mode != "refuse":
        yield (
            f"{decision.change.address}: drain ({drain.mode}) cannot be done by this version;"
            " a queue with unfinished jobs is not deleted"
        )


def _emptied(decision: Decision, world: World) -> Iterable[str]:
    """AWS drops environment variables with an empty value (hashicorp/terraform-provider-aws warns of it too)."""
    kind = world.kinds[decision.change.kind]
    if decision.resource is None or not kind.facts.vanishing:
        return
    for environment in _environments(decision.resource.spec):
        for entry in environment:
            if isinstance(entry, Mapping) and entry.get("value") in (None, ""):
                yield f"{decision.change.address}: AWS drops environment {entry.get('name')}, whose value is empty"


def _environments(value: object) -> Iterable[Sequence[object]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "environment" and isinstance(item, list | tuple):
                yield item
            else:
                yield from _environments(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _environments(item)
