"""What is refused before any call: what AWS, the policy or good sense forbids.

Quotas are those of the page "AWS Batch service quotas" of the user guide, which calls them not adjustable.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from plans import paths, quotas, reach, training
from plans.canaries import is_canary
from plans.change import Action, Change, Impact, Refusal
from plans.decide import CANNOT_UNSET
from plans.decision import Decision
from plans.demands import Breach, breaches
from plans.demands.demand import structures
from plans.manifest import Manifest
from plans.normalise import as_written, resolved
from plans.policy import Policy
from plans.queues import Queues
from plans.resending import complained_of
from plans.world import World
from providers.kinds import Kind, Rule
from providers.lives import referred
from providers.resources import PROTECT_TAG, REGISTERED_TAG, Address, Document, Ref

TAGS = 50
TAGS_TO_PROPAGATE = 40
DEFINITION_BYTES = 24 * 1024
_SENT = (Action.CREATE, Action.UPDATE, Action.REGISTER, Action.REPLACE)


def refusals(
    decisions: Sequence[Decision], manifest: Manifest, world: World, policy: Policy, *, now: float, destroying: bool
) -> Iterable[Refusal]:
    """Everything that keeps this plan from being carried out, whole account and stack considered.

    `now` is in seconds of the epoch: some demands hold from a day on.
    """
    for decision in decisions:
        demanded = list(_demanded(decision, world, now))
        yield from _of_itself(decision, demanded)
        yield from _replacement(decision)
        yield from _allowed(decision.change, policy)
        yield from _barred(decision, world)
        yield from (_breach(str(decision.change.address), breach) for breach in demanded)
        if decision.change.action in _SENT:
            yield from reach.refusals(decision, world)
        yield from _too_large(decision, world)
        yield from _running(decision)
        yield from _room_for_tags(decision)
    if not destroying:
        yield from _whole(decisions, manifest, world, policy)
    yield from quotas.refusals(decisions, world)
    queues = Queues.of(decisions, world)
    for decision in decisions:
        yield from queues.refusals(decision)
        yield from training.refusals(decision, queues)


def of_tags(decisions: Iterable[Decision]) -> Iterable[Refusal]:
    """What keeps changes from being carried out that touch nothing but tags."""
    for decision in decisions:
        yield from decision.refusals
        yield from _room_for_tags(decision)


def warnings(decisions: Sequence[Decision], world: World) -> Iterable[str]:
    """What a reader of the plan should know, though it forbids nothing."""
    for decision in decisions:
        yield from decision.warnings
        yield from quotas.warnings(decision)
        yield from _hanging(decision, world)
        yield from _above_its_floor(decision, world)
        yield from _emptied(decision, world)
        yield from _many_to_propagate(decision)
    for live in world.strays:
        title = world.kinds[live.kind].title
        yield f"the {title} {live.name} carries this stack's tag and no {live.kind} address; it is left alone"


def left_out(decisions: Sequence[Decision], chosen: frozenset[Address], world: World) -> Iterable[Refusal]:
    """Under `--only`: what a chosen resource needs must be live already, or chosen too."""
    for decision in decisions:
        kind, depends_on = world.kinds[decision.change.kind], decision.resource.depends_on if decision.resource else ()
        found = [
            *(found for target in kind.targets for found in referred(decision.spec, kind, target)),
            *(world.resolve(address.kind, Ref(address)) for address in depends_on),
        ]
        for needed in dict.fromkeys(found.address for found in found if isinstance(found, Ref)):
            if needed not in chosen:
                message = f"it needs {needed}, which is not there yet and was left out"
                yield Refusal(str(decision.change.address), "left-out", message, f"add --only {needed}")


def _replacement(decision: Decision) -> Iterable[Refusal]:
    """Whether what is replaced may be: it is not protected, and somebody asked for what the kind does not do alone."""
    if decision.change.action is not Action.REPLACE or decision.resource is None:
        return
    address, kept = str(decision.change.address), decision.resource.lifecycle.protect is None
    if kept and any(live.tags.get(PROTECT_TAG) == "true" for live in (*decision.superseded, decision.live) if live):
        yield Refusal(address, "protected", "it is protected", "say lifecycle.protect: false where this is meant")
    if decision.resource.lifecycle.protect:
        yield Refusal(address, "protected", "it is protected", "apply with lifecycle.protect: false first")
    told = f"this needs a new object in place of the old: {decision.change.reason}"
    said = decision.resource.lifecycle.replace
    if decision.manner == "twoHop" and decision.change.kind == "job_queue":
        told += "; twoHop has a third object carry what uses the old one, and jobs are not carried from queue to queue"
        yield Refusal(address, "replacement", told, _HOW["job_queue"])
    if decision.manner == "refuse":
        if said == "refuse":
            told += "; lifecycle.replace: refuse forbids it"
        renamed = next((row for row in decision.change.differences if row.path == "name"), None)
        hint = _HOW.get(decision.change.kind, _KEPT_NAME)
        if renamed is not None and decision.change.kind != "job_definition":
            alone = " without lifecycle.replace: createFirst" if said == "createFirst" else ""
            hint = (
                f"to keep the name say physicalName: {renamed.before}{alone}, or keep the row under moved that gave it;"
                " lifecycle.replace: deleteFirst makes another of the new name once the old one is gone"
            )
        elif said == "refuse":
            hint = "take lifecycle.replace: refuse out where a replacement is meant, or take the change back"
        yield Refusal(address, "replacement", told, hint)


_KEPT_NAME = (
    "say lifecycle.replace: createFirst, and no physicalName, for a new object under a name made from the old one, or"
    " deleteFirst for one under the same name once the old one is gone"
)
_HOW: Mapping[str, str] = {
    "compute_environment": (
        "leave physicalName out and say lifecycle.replace: createFirst, or say twoHop, which has a third one carry the"
        " queues meanwhile, or deleteFirst, which takes it out of them"
    ),
    "job_queue": (
        "whoever submits names the queue: add a queue under another name, move them over, then remove this one; or say"
        " lifecycle.replace: deleteFirst, which leaves a time without the queue, and drain for what becomes of its jobs"
    ),
    "job_definition": "a family keeps its name: add a block under the new name, move its users over, remove the old",
}


def _allowed(change: Change, policy: Policy) -> Iterable[Refusal]:
    """What the policy says of one change; what its jobs suffer is for the drain to say."""
    most = Impact.parse(policy.max_impact)
    if change.impact > most:
        yield Refusal(
            str(change.address),
            "max-impact",
            f"its impact is {change.impact}, and the policy allows {most}",
            "raise policy.maxImpact where this is meant",
        )


def _whole(decisions: Sequence[Decision], manifest: Manifest, world: World, policy: Policy) -> Iterable[Refusal]:
    """What the policy and good sense say of all changes together."""
    deleted = [
        decision.change
        for decision in decisions
        if decision.change.action is Action.DELETE and not is_canary(decision.change.address)
    ]
    if not manifest.resources:
        yield Refusal("", "empty-manifest", "the manifest wants nothing", "to delete a whole stack use destroy")
    elif deleted and not any(world.holders(address) for address in manifest.resources):
        yield Refusal(
            "",
            "wrong-stack",
            f"stack {world.stack} owns objects here, and none of them is in this manifest",
            "is it the right folder, or is the stack's name in use elsewhere? if a block was renamed, give it its old"
            " name back; to delete it all use destroy",
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
    for rule, path in _said_in_vain(decision, kind):
        yield Refusal(str(decision.change.address), rule.name, f"{path}: {rule.told(said, {})}", "leave it out")


def _said_in_vain(decision: Decision, kind: Kind) -> Iterator[tuple[Rule, str]]:
    """The paths at which a manifest says what its kind may not say."""
    said = decision.resource.spec if decision.resource is not None else {}
    for rule in kind.facts.barred:
        for path in rule.paths if rule.when(said, {}) else ():
            if paths.get(said, paths.split(path), kind.facts.keyed, kind.spec) not in (None, [], {}):
                yield rule, path


def _demanded(decision: Decision, world: World, now: float) -> Iterator[Breach]:
    """What AWS refuses for what a document says. What stands so in the live object AWS has taken already.

    Where nothing is sent, only how it is spelt is asked.
    """
    kind, live = world.kinds[decision.change.kind], decision.live
    if decision.resource is None:
        return
    sent = decision.change.action in _SENT or bool(decision.refusals)
    made = decision.change.action is Action.CREATE or decision.manner is not None or live is None
    found = [
        breach
        for breach in breaches(_asked(decision, kind), kind, spelling=not sent)
        if now >= breach.demand.since and (made or not breach.demand.creation)
    ]
    before = breaches(resolved(live.spec, kind, as_written), kind) if found and live is not None and not made else ()
    known = {(breach.demand.name, breach.path) for breach in before}
    told = {path for _, path in _said_in_vain(decision, kind)} if found else set()
    for breach in found:
        if (breach.demand.name, breach.path) not in known and breach.path not in told:
            yield breach


def _asked(decision: Decision, kind: Kind) -> Document:
    """The document that is asked of AWS, with what moves with the load as it is said; of a replacement, all as said."""
    if not decision.spec or decision.manner is not None:
        return resolved(decision.resource.spec, kind, as_written) if decision.resource else {}
    asked = decision.spec
    if decision.change.action is not Action.CREATE:
        for path in kind.facts.floors:
            if path not in decision.units:
                asked = paths.put(asked, paths.split(path), _said(decision, path, kind), kind.facts.keyed, kind.spec)
    return asked


def _said(decision: Decision, path: str, kind: Kind) -> Any:
    said = decision.resource.spec if decision.resource is not None else {}
    return paths.get(said, paths.split(path), kind.facts.keyed, kind.spec)


def _of_itself(decision: Decision, demanded: Iterable[Breach]) -> Iterable[Refusal]:
    """What a decision refuses by itself, but for what the API cannot unset where AWS asks for it anyhow."""
    asked = {CANNOT_UNSET.format(breach.path) for breach in demanded}
    return (refusal for refusal in decision.refusals if refusal.message not in asked)


def _breach(address: str, breach: Breach) -> Refusal:
    return Refusal(address, breach.demand.name, f"{breach.path}: {breach.demand.message}", breach.demand.hint)


def _too_large(decision: Decision, world: World) -> Iterator[Refusal]:
    """AWS takes up to 24 KiB for a registration ("AWS Batch service quotas"); references count as ARNs."""
    kind = world.kinds[decision.change.kind]
    if decision.resource is None or not kind.facts.revisions or decision.change.action not in _SENT:
        return
    tags = {**decision.tags, REGISTERED_TAG: _A_TIME}
    said = {**_asked(decision, kind), kind.name_member: decision.change.name, "tags": tags}
    arn_of, region = world.kinds["consumable_resource"].arn, world.snapshot.region

    def told(value: Any) -> str:
        name = world.names.get(value.address, "") if isinstance(value, Ref) else str(value)
        return arn_of(name, reach.partition(region), region, world.snapshot.account or "0" * 12)

    size = len(json.dumps(said, separators=(",", ":"), default=told).encode())
    if size > DEFINITION_BYTES:
        message = f"a registration would have {size} bytes, and AWS takes {DEFINITION_BYTES}"
        hint = "move what is large, such as scripts, to where the job can fetch it"
        yield Refusal(str(decision.change.address), "size", message, hint)


_A_TIME = "2000-01-01T00:00:00.000+00:00"
"""As long as the time of a registration in its tag."""


def _many_to_propagate(decision: Decision) -> Iterator[str]:
    """A job fails that would have more than 50 tags with those of its definition (RegisterJobDefinition)."""
    if (
        decision.change.action in _SENT
        and decision.spec.get("propagateTags")
        and len(decision.tags) > TAGS_TO_PROPAGATE
    ):
        yield (
            f"{decision.change.address}: it propagates {len(decision.tags)} tags;"
            f" a job fails that has more than {TAGS} with its own"
        )


def _running(decision: Decision) -> Iterable[Refusal]:
    """AWS lowers maxvCpus below the vCPUs that are desired now only once they are gone (ASFHyP3/hyp3#2965)."""
    if "computeResources.maxvCpus" not in decision.units or decision.live is None:
        return
    live = decision.live.spec.get("computeResources") or {}
    most, desired = decision.spec["computeResources"].get("maxvCpus"), live.get("desiredvCpus") or 0
    if most is not None and most < min(desired, live.get("maxvCpus", 0)):
        yield Refusal(
            str(decision.change.address),
            "running-vcpus",
            f"maxvCpus would be {most} while {desired} vCPUs are desired, and AWS does not scale down by hand",
            "wait until it has scaled down, and plan again",
        )


def _room_for_tags(decision: Decision) -> Iterable[Refusal]:
    """Tags are added before others are removed, and what stands in the way of that is told."""
    address = str(decision.change.address)
    if decision.change.action is Action.REGISTER and len({*decision.tags, REGISTERED_TAG}) > TAGS:
        told = f"the new revision would carry more than {TAGS} tags, those of the policy's ignoreTags included"
        yield Refusal(address, "tags", told, "take some out of the manifest")
    if decision.live is None or decision.manner or decision.change.action in (Action.CREATE, Action.REGISTER):
        return
    kept = {key for key in decision.live.tags if not key.lower().startswith("aws:")}
    added = {
        key
        for difference in decision.change.differences
        if difference.after is not None and (key := paths.tag_of(difference.path)) is not None
    }
    if added - kept and len(kept | added) > TAGS:
        hint = "remove a tag in an apply of its own first"
        if decision.change.action is Action.ADOPT:
            hint = "take one from it first, since ours are added"
        yield Refusal(address, "tags", f"it would carry more than {TAGS} tags for a moment", hint)


def _hanging(decision: Decision, world: World) -> Iterable[str]:
    """AWS never finishes deleting an environment whose role it cannot assume (ekristen/aws-nuke#674)."""
    for live in decision.leaving:
        if complained_of(live, world.kinds[live.kind]) == "serviceRole" and not world.asked.repair:
            yield (
                f"{decision.change.address}: AWS complains of the role of {live.name} ({live.status_reason}), and would"
                " hang in its deletion: make the role good again, and give --repair"
            )


def _above_its_floor(decision: Decision, world: World) -> Iterable[str]:
    """A value that the service moves is raised by hand, never lowered (ComputeResourceUpdate, desiredvCpus)."""
    kind, live = world.kinds[decision.change.kind], decision.live
    for path in kind.facts.floors if decision.resource is not None and live is not None else ():
        shown = paths.get(live.spec, paths.split(path), kind.facts.keyed, kind.spec) if live is not None else None
        said = _said(decision, path, kind)
        if said is not None and shown is not None and said < shown:
            told = f"{path} stays {shown}, though the manifest says {said}: AWS lowers it itself"
            yield f"{decision.change.address}: {told}"


def _emptied(decision: Decision, world: World) -> Iterable[str]:
    """AWS drops environment variables with an empty value (hashicorp/terraform-provider-aws warns of it too)."""
    kind = world.kinds[decision.change.kind]
    if decision.resource is None or not kind.facts.vanishing:
        return
    members = [label.partition(".") for label in kind.facts.vanishing]
    for segments, field, part in structures(kind, decision.resource.spec):
        for shape, _, member in members:
            if field.shape == shape and part.get(member) in (None, ""):
                path = paths.render(kind.spec, segments)
                yield f"{decision.change.address}: AWS drops {path}, whose {member} is empty"
