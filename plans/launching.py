"""Launch templates and images: what AWS Batch has settled on, what it would be now, and the update that makes it look.

AWS Batch finds out which version `$Latest` or `$Default` is when it makes an environment, and again in every
infrastructure update, whether that names the launch template or not; it does not tell the number, and an image that
comes from the launch template changes only with `updateToLatestImageVersion` (LaunchTemplateSpecification,
ComputeResourceUpdate). So what an environment was made or updated with is kept in a tag of ours, where that is asked
for, and the update that follows says both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from plans import paths
from plans.change import Action, Difference, Impact, Refusal
from plans.decision import Decision
from plans.normalise import normalise
from plans.world import World
from providers.kinds.regimes import ec2, recycling
from providers.resources import LAUNCH_TAG, Document, Snapshot, Template, Unread, Versions

_KIND = "compute_environment"
_TEMPLATE = "computeResources.launchTemplate"
_IMAGE = "computeResources.updateToLatestImageVersion"
_RECYCLES = "infrastructure"
_TAG_VALUE = 256
"""The longest value of a tag ("Tag naming limits and requirements", AWS General Reference)."""


def named(spec: Document) -> tuple[Template, ...]:
    """The launch templates that the document of an environment names, its own first."""
    own = (spec.get("computeResources") or {}).get("launchTemplate") or {}
    return tuple(
        Template(member, str(each[member]), str(each.get("version") or "$Default"))
        for each in (own, *(own.get("overrides") or ()))
        for member in ("launchTemplateId", "launchTemplateName")
        if each.get(member)
    )


def looked_at(decisions: Sequence[Decision], world: World) -> list[Decision]:
    """The decisions, with the updates that follow a launch template or, where it is asked, take the newest image."""
    return [
        decision
        if decision.change.kind != _KIND or decision.resource is None or decision.refusals or not decision.spec
        else _followed(_imaged(decision, world), world)
        for decision in decisions
    ]


def unread(snapshot: Snapshot) -> Iterator[str]:
    """What was not learnt of the services around Batch, in one sentence: each reason with what it kept away.

    What there is not is not told.
    """
    surroundings = snapshot.surroundings
    found: dict[str, list[str]] = {}
    for what, answers in (
        ("launch templates", surroundings.templates),
        ("images", surroundings.images),
        ("service roles", surroundings.roles),
    ):
        for reason in dict.fromkeys(answer.reason for answer in answers.values() if isinstance(answer, Unread)):
            if reason:
                found.setdefault(reason, []).append(what)
    if found:
        yield "not looked at: " + "; ".join(f"{' and '.join(whats)} ({reason})" for reason, whats in found.items())


def _imaged(decision: Decision, world: World) -> Decision:
    address, live = decision.change.address, decision.live
    if address not in world.asked.update_image:
        return decision
    if live is None or _anew(decision):
        return _warned(decision, f"{address}: it is made with the newest image, and needs no update for that")
    barred = _barred(decision, world)
    if barred:
        message = f"the image cannot be updated: {barred}"
        return _refused(decision, "update-image", message, f"a new one has it: --replace {address}")
    why = f"it was said to be updated; {recycling(decision.spec, live.spec)}"
    ordered = _ordered(decision, world, (_IMAGE,), (Difference(_IMAGE, None, True, _RECYCLES, why),))
    return _warned(ordered, *(f"{address}: {told}" for told in _imaged_elsewhere(decision.spec, world)))


def _anew(decision: Decision) -> bool:
    """Whether an object is made, which has the newest of everything; one that is kept in place of others has not."""
    return decision.change.action is Action.CREATE or decision.manner is not None


def _imaged_elsewhere(spec: Document, world: World) -> Iterator[str]:
    """What names an image, beside which AWS does not heed the order to take the newest (ComputeResourceUpdate)."""
    resources = spec.get("computeResources") or {}
    own = [("imageId", resources.get("imageId"))]
    own += [("imageIdOverride", each.get("imageIdOverride")) for each in resources.get("ec2Configuration") or ()]
    for member, image in own:
        if image:
            yield f"{member} says {image}, so that AWS does not take the newest image"
    for template in named(spec):
        image = world.snapshot.surroundings.images.get(template)
        if isinstance(image, str) and image:
            yield (
                f"version {template.version} of launch template {template.value} says {image}, so that AWS does not"
                " take the newest image"
            )


def _followed(decision: Decision, world: World) -> Decision:
    address, live, resource = decision.change.address, decision.live, decision.resource
    assert resource is not None
    moving = [template for template in named(decision.spec) if template.moving]
    asked = world.snapshot.surroundings.templates
    answers = {template: asked.get((template.member, template.value), Unread("")) for template in moving}
    gone = [template.value for template, found in answers.items() if found is None]
    decision = _warned(decision, *(f"{address}: there is no launch template {value}" for value in dict.fromkeys(gone)))
    known = {template: found for template, found in answers.items() if isinstance(found, Versions)}
    if not resource.lifecycle.follow_launch_template:
        return _warned(decision, *(f"{address}: {told}" for told in _notes(known, made=live is None)))
    if not moving:
        told = f"{address}: lifecycle.followLaunchTemplate has nothing to follow: no launch template is named by"
        return _warned(decision, f"{told} $Latest or $Default")
    if any(isinstance(found, Unread) and not found.reason for found in answers.values()):
        return _warned(
            decision, f"{address}: lifecycle.followLaunchTemplate is not looked at: EC2 cannot be asked here"
        )
    if len(known) < len(moving):
        return decision
    settled = dict.fromkeys(f"{found.id}@{found.of(template.version)}" for template, found in known.items())
    value = " ".join(settled)
    if len(value) > _TAG_VALUE:
        message = "it names more launch templates by $Latest or $Default than a tag can remember the versions of"
        return _refused(decision, "launch-templates", message, "name some of them by the numbers of versions")
    if live is None or _anew(decision):
        return attrs.evolve(decision, tags={**decision.tags, LAUNCH_TAG: value})
    return _caught_up(decision, world, known, value)


def _notes(known: Mapping[Template, Versions], *, made: bool) -> Iterator[str]:
    for template, found in known.items():
        told = f"{template.version} of launch template {template.value} is version {found.of(template.version)} now"
        yield told if made else f"{told}, which an infrastructure update takes up"


def _caught_up(decision: Decision, world: World, known: Mapping[Template, Versions], value: str) -> Decision:
    """The decision with an update where a launch template has another version than the tag remembers."""
    live = decision.live
    assert live is not None
    before = live.tags.get(LAUNCH_TAG, "")
    if value == before:
        return decision
    was = dict(token.partition("@")[::2] for token in before.split())
    moved = {
        template: (was.get(found.id, "unknown"), found.of(template.version))
        for template, found in known.items()
        if f"{found.id}@{found.of(template.version)}" not in before.split()
    }
    if moved:
        barred = _barred(decision, world)
        if barred:
            told = ", ".join(f"{template.value} from {old} to {new}" for template, (old, new) in moved.items())
            address = decision.change.address
            message = f"its launch template went to another version ({told}), and that is not taken up: {barred}"
            return _refused(
                decision,
                "launch-template-version",
                message,
                f"a new one takes it up: --replace {address}; or leave lifecycle.followLaunchTemplate out",
            )
        decision = _ordered(decision, world, (_TEMPLATE, _IMAGE), tuple(_moves(decision, live.spec, moved)))
    change = decision.change
    difference = Difference(paths.tag(LAUNCH_TAG), live.tags.get(LAUNCH_TAG), value, "tags", "what it was updated with")
    action = Action.TAG if change.action in (Action.NOOP, Action.UNTAG) else change.action
    change = attrs.evolve(change, action=action, differences=(*change.differences, difference))
    return attrs.evolve(decision, change=change, tags={**decision.tags, LAUNCH_TAG: value})


def _moves(decision: Decision, live: Document, moved: Mapping[Template, tuple[str, str]]) -> Iterator[Difference]:
    """What differs, unless the document names another launch template, which is told already."""
    if any(difference.path.startswith(_TEMPLATE) for difference in decision.change.differences):
        return
    update = recycling(decision.spec, live)
    for template, (old, new) in moved.items():
        why = f"{template.version} of launch template {template.value} is version {new} now; {update}"
        yield Difference(f"{_TEMPLATE}.version", old, new, _RECYCLES, why)


def _ordered(decision: Decision, world: World, units: Sequence[str], differences: Iterable[Difference]) -> Decision:
    """The decision with an infrastructure update in which AWS looks again, at launch template and image."""
    kind, change = world.kinds[_KIND], decision.change
    spec = paths.put(decision.spec, paths.split(_IMAGE), True, kind.facts.keyed, kind.spec)
    change = attrs.evolve(
        change,
        action=Action.REPLACE if change.action is Action.REPLACE else Action.UPDATE,
        impact=max(change.impact, Impact.INFRASTRUCTURE),
        differences=(*differences, *change.differences),
    )
    return attrs.evolve(decision, change=change, spec=spec, units=tuple(dict.fromkeys((*decision.units, *units))))


def _barred(decision: Decision, world: World) -> str:
    """Why this environment knows no infrastructure update; empty where it does."""
    assert decision.live is not None
    kind, live = world.kinds[_KIND], decision.live.spec
    if not ec2(live):
        return "only environments of EC2 and SPOT have instances that AWS Batch renews"
    rule = kind.rule(_TEMPLATE, normalise(decision.spec, kind), normalise(live, kind, world.shown))
    return "" if rule.verdict == _RECYCLES else rule.told(decision.spec, live)


def _warned(decision: Decision, *warnings: str) -> Decision:
    return attrs.evolve(decision, warnings=(*decision.warnings, *warnings))


def _refused(decision: Decision, code: str, message: str, hint: str) -> Decision:
    refusal = Refusal(str(decision.change.address), code, message, hint)
    return attrs.evolve(decision, refusals=(*decision.refusals, refusal))
