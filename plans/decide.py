"""What is to be done with each resource: pairs what is wanted with what is live, and classes every difference.

Verdicts are taken on live values. Of the rows of a kind the first that matches decides; a member that no row names is
updated in place where the update operation has it and else replaced, with a warning that no rule is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import attrs

from plans import paths
from plans.change import Action, Change, Difference, Impact, Refusal
from plans.diff import Pair, compare
from plans.normalise import digest, effective, normalise, resolved
from plans.policy import Policy
from plans.world import Unresolved, World, referred
from providers.kinds import Kind, Rule
from providers.resources import (
    ADDRESS_TAG,
    DIGEST_TAG,
    EMPTY,
    HOUSE_TAG_PREFIX,
    PROTECT_TAG,
    REGISTERED_TAG,
    STACK_TAG,
    Address,
    Document,
    Live,
    Resource,
)

_CREATE_ONLY = Rule("create-only", (), "replace", "the API has no update for this field")
_UNKNOWN = Rule("no-rule", (), "update", "the API's update takes this field; no rule is known for it")
_REVISION = Rule("revision", (), "update", "every change of a definition is a new revision")

_DONE_BY: Mapping[str, tuple[Action, Impact]] = {
    "update": (Action.UPDATE, Impact.NONE),
    "scaling": (Action.UPDATE, Impact.SCALING),
    "infrastructure": (Action.UPDATE, Impact.INFRASTRUCTURE),
    "replace": (Action.REPLACE, Impact.REPLACEMENT),
}


@attrs.frozen
class Decision:
    """A change, and what is needed to carry it out.

    `spec` is what is wanted, with live values where the manifest leaves them alone and references resolved. `live` is
    the object that the change starts from; of a definition, its newest revision. `ours` are the revisions of a
    definition that this stack registered, from old to new; of an orphan, the objects to delete. `units` are the paths
    that an update sends.
    """

    change: Change
    resource: Resource | None = None
    live: Live | None = None
    spec: Document = EMPTY
    tags: Mapping[str, str] = EMPTY
    ours: tuple[Live, ...] = ()
    units: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()


def decide(resource: Resource, world: World, policy: Policy) -> Decision:
    """What is to be done with one desired resource."""
    address, kind = resource.address, world.kinds[resource.address.kind]
    reason = world.snapshot.unobserved.get(kind.name)
    if reason is not None:
        return _refused(
            resource, "unobserved", f"{kind.title}s cannot be read here: {reason}", "take it out of the manifest"
        )
    lost = [
        _refusal(address, "reference", reference.message, "name something of this stack, an ARN, or something live")
        for target in dict.fromkeys(kind.references.values())
        for written in referred(resource.spec, kind, target)
        if isinstance(reference := world.resolve(target, written), Unresolved)
    ]
    if lost:
        return attrs.evolve(_refused(resource, "", "", ""), refusals=tuple(lost))
    return (
        _definition(resource, kind, world, policy) if kind.facts.revisions else _object(resource, kind, world, policy)
    )


def _object(resource: Resource, kind: Kind, world: World, policy: Policy) -> Decision:
    holders = world.holders(resource.address)
    if len(holders) > 1:
        return _claimed_twice(resource, holders)
    named = world.at_name(kind.name, resource.physical_name)
    live = next(iter(holders or named), None)
    if live is None:
        return _creation(resource, kind, world, None)
    if live.status == "DELETING":
        return _creation(resource, kind, world, live)
    if not holders and not (live.owner is None and policy.adopt):
        return _taken(resource, live)
    if live.name != resource.physical_name:
        why = f"it is called {live.name} and a name cannot change"
        difference = Difference("name", live.name, resource.physical_name, "name", why)
        change = _change(resource, Action.REPLACE, Impact.REPLACEMENT, why, (difference,))
        return Decision(change, resource, live, resource.spec)
    spec = _wanted(resource, kind, live, world, policy)
    pairs = _pairs(spec, live, kind, world)
    return _comparison(resource, kind, live, spec, pairs, policy, world, adopted=not holders)


def _comparison(
    resource: Resource,
    kind: Kind,
    live: Live,
    spec: Document,
    pairs: Sequence[Pair],
    policy: Policy,
    world: World,
    adopted: bool,
) -> Decision:
    wanted, seen = normalise(spec, kind, world.resolve), normalise(live.spec, kind, world.resolve)
    classed = [(pair, _rule(pair, kind, wanted, seen)) for pair in pairs]
    differences = tuple(
        Difference(paths.render(kind.spec, pair.segments), pair.before, pair.after, rule.name, rule.why)
        for pair, rule in classed
    )
    tags = desired_tags(resource, world.stack)
    tagged = _tag_differences(tags, live, policy)
    actions = [_DONE_BY[rule.verdict] for _, rule in classed]
    if tagged:
        actions.append((_tag_action(tagged, adopted), Impact.NONE))
    action, impact = max(actions, key=lambda done: (_ORDER[done[0]], done[1]), default=(Action.NOOP, Impact.NONE))
    units = tuple(dict.fromkeys(_unit(pair, kind) for pair, _ in classed))
    refusals: list[Refusal] = []
    if action is not Action.REPLACE:
        refusals += [
            _refusal(resource.address, "cannot-unset", f"the API cannot unset {unit}", "say the value that it has")
            for unit in units
            if unit_value(kind, spec, unit) is None
        ]
        if live.status == "INVALID" and not units:
            refusals.append(
                _refusal(
                    resource.address,
                    "invalid",
                    f"it is INVALID: {live.status_reason or 'AWS gives no reason'}",
                    "change the field that AWS complains about, or repair what it names",
                )
            )
    warnings = tuple(
        f"{resource.address}: no rule is known for {difference.path}; it is updated as the API model allows"
        for difference in differences
        if difference.rule == _UNKNOWN.name
    )
    change = _change(
        resource, action, impact, _reason(live, [rule for _, rule in classed], adopted), (*differences, *tagged)
    )
    return Decision(change, resource, live, spec, tags, (), units, tuple(refusals), warnings)


def _definition(resource: Resource, kind: Kind, world: World, policy: Policy) -> Decision:
    revisions = world.at_name(kind.name, resource.physical_name)
    if not revisions:
        return _creation(resource, kind, world, None)
    newest = revisions[-1]
    marked = [live for live in revisions if (live.owner, live.address) == (world.stack, str(resource.address))]
    spec = _wanted(resource, kind, newest, world, policy)
    pairs = _pairs(spec, newest, kind, world)
    if not marked:
        if newest.owner is not None or not policy.adopt:
            return _taken(resource, newest)
    elif newest not in marked or (pairs and not world.genuine(newest)):
        match resource.rollout.foreign:
            case "refuse":
                return _refused(
                    resource,
                    "foreign-revision",
                    f"revision {newest.revision} of {newest.name} was registered by somebody else",
                    "say rollout.foreign: supersede to register over it, or keep to leave it",
                    newest,
                )
            case "keep":
                change = _change(resource, Action.NOOP, Impact.NONE, f"revision {newest.revision} is somebody else's")
                return Decision(change, resource, newest, spec)
            case "supersede":
                pass
    ours = tuple(live for live in marked if world.genuine(live) or (live is newest and not pairs))
    tags = desired_tags(resource, world.stack)
    if pairs or (marked and newest not in marked):
        differences = tuple(
            Difference(paths.render(kind.spec, pair.segments), pair.before, pair.after, _REVISION.name, _REVISION.why)
            for pair in pairs
        )
        tags |= {DIGEST_TAG: digest(spec, kind, world.names)}
        change = _change(resource, Action.REGISTER, Impact.REVISION, _REVISION.why, differences)
        return Decision(change, resource, newest, spec, tags, ours)
    adopted = not marked
    if adopted or DIGEST_TAG not in newest.tags:
        tags |= {DIGEST_TAG: digest(newest.spec, kind)}
    tagged = _tag_differences(tags, newest, policy)
    action = _tag_action(tagged, adopted) if tagged else Action.NOOP
    change = _change(resource, action, Impact.NONE, _reason(newest, (), adopted), tagged)
    return Decision(change, resource, newest, spec, tags, ours)


def orphan(kind: Kind, address: str, lives: tuple[Live, ...], world: World) -> Decision:
    """The deletion of what carries our stack tag and left the manifest."""
    genuine = tuple(live for live in lives if world.genuine(live))
    foreign = [live for live in lives if live not in genuine]
    newest = lives[-1]
    jobs = world.snapshot.jobs.get(newest.arn)
    impact = Impact.OUTAGE if jobs is not None and jobs.total else Impact.NONE
    if kind.name == "compute_environment":
        impact = Impact.INFRASTRUCTURE
    place = Address(kind.name, address.removeprefix(f"{kind.name}."))
    action = Action.DELETE if genuine else Action.NOOP
    change = Change(place, newest.name, action, impact, "it left the manifest", (), jobs)
    refusals = tuple(
        _refusal(
            place,
            "protected",
            f"{live.name} is protected",
            "put its block back with lifecycle.protect: false, apply, then take it out",
        )
        for live in genuine
        if live.tags.get(PROTECT_TAG) == "true"
    )
    warnings = tuple(
        f"{place}: revision {live.revision} does not hold what was registered; it is left alone" for live in foreign
    )
    return Decision(change, None, newest, newest.spec, EMPTY, genuine, (), refusals, warnings)


def desired_tags(resource: Resource, stack: str) -> dict[str, str]:
    """The tags of an object: the manifest's and ours."""
    tags = {**resource.tags, STACK_TAG: stack, ADDRESS_TAG: str(resource.address)}
    return tags | ({PROTECT_TAG: "true"} if resource.lifecycle.protect else {})


def unit_value(kind: Kind, spec: Document, unit: str) -> Any:
    """What an update sends for a unit: the wanted value, what unsets it, or None where the API has nothing for that."""
    value = paths.get(spec, paths.split(unit), kind.facts.keyed, kind.spec)
    if value is None or value in ([], {}):
        if unit in kind.facts.resets:
            return kind.facts.resets[unit]
        parent, _, member = unit.rpartition(".")
        holder = kind.spec.at(parent.split(".")) if parent else kind.spec
        label = f"{holder.shape if holder else ''}.{member}"
        return next((row.value for row in kind.facts.defaults if row.member == label), None)
    return {**kind.facts.filled[unit], **value} if unit in kind.facts.filled else value


def _creation(resource: Resource, kind: Kind, world: World, leaving: Live | None) -> Decision:
    spec = resolved(resource.spec, kind, world.resolve)
    tags = desired_tags(resource, world.stack)
    if kind.facts.revisions:
        tags |= {DIGEST_TAG: digest(spec, kind, world.names)}
    reason = "nothing of that name is live" if leaving is None else f"the old {leaving.name} is still being deleted"
    return Decision(_change(resource, Action.CREATE, Impact.NONE, reason), resource, leaving, spec, tags)


def _wanted(resource: Resource, kind: Kind, live: Live, world: World, policy: Policy) -> Document:
    return effective(resource.spec, live, kind, (*resource.lifecycle.ignore, *policy.ignore), world.resolve)


def _pairs(spec: Document, live: Live, kind: Kind, world: World) -> tuple[Pair, ...]:
    return compare(normalise(live.spec, kind, world.resolve), normalise(spec, kind, world.resolve))


def _rule(pair: Pair, kind: Kind, desired: Document, live: Document) -> Rule:
    path = paths.pattern(kind.spec, pair.segments)
    for rule in kind.facts.rules:
        if rule.covers(path) and rule.when(desired, live):
            return rule
    leaf = path.partition("[]")[0]
    created = any(own == leaf or own.startswith(f"{leaf}.") or leaf.startswith(f"{own}.") for own in kind.create_only)
    return _CREATE_ONLY if created else _UNKNOWN


def _unit(pair: Pair, kind: Kind) -> str:
    depth = 2 if pair.segments[0] in kind.facts.refined else 1
    return ".".join(pair.segments[:depth])


def _tag_differences(tags: Mapping[str, str], live: Live, policy: Policy) -> tuple[Difference, ...]:
    """Where the tags differ; `aws:` tags and ignored ones are nobody's business, and ours about a revision are its own.

    Source: tags that start with `aws:` are reserved and cannot be edited ("Tag your AWS Batch resources").
    """

    def ours(key: str) -> bool:
        if key.lower().startswith("aws:") or (key in (REGISTERED_TAG, DIGEST_TAG) and key not in tags):
            return False
        return key.startswith(HOUSE_TAG_PREFIX) or not any(fnmatchcase(key, row) for row in policy.ignore_tags)

    return tuple(
        Difference(f"tags[{key}]", live.tags.get(key), tags.get(key), "tags", "tags are edited in place")
        for key in sorted({*tags, *live.tags})
        if ours(key) and live.tags.get(key) != tags.get(key)
    )


_ORDER: Mapping[Action, int] = {action: place for place, action in enumerate(Action)}


def _tag_action(differences: Iterable[Difference], adopted: bool) -> Action:
    if adopted:
        return Action.ADOPT
    return Action.UNTAG if all(difference.after is None for difference in differences) else Action.TAG


def _reason(live: Live, rules: Sequence[Rule], adopted: bool) -> str:
    """Why a change is more than its differences say: what forces a replacement, whose it was, what it still does."""
    forced = next((rule.why for rule in rules if rule.verdict == "replace"), None)
    if forced is not None:
        return forced
    if adopted:
        return "nobody owns it, and the policy says adopt"
    return f"it is still {live.status}" if live.status in ("CREATING", "UPDATING") else ""


def _change(
    resource: Resource, action: Action, impact: Impact, reason: str, differences: tuple[Difference, ...] = ()
) -> Change:
    return Change(resource.address, resource.physical_name, action, impact, reason, differences)


def _refusal(address: Address, code: str, message: str, hint: str) -> Refusal:
    return Refusal(str(address), code, message, hint)


def _refused(resource: Resource, code: str, message: str, hint: str, live: Live | None = None) -> Decision:
    change = _change(resource, Action.NOOP, Impact.NONE, "refused")
    return Decision(change, resource, live, refusals=(_refusal(resource.address, code, message, hint),))


def _taken(resource: Resource, live: Live) -> Decision:
    name = f"{live.name} exists already"
    if live.owner is None:
        return _refused(
            resource, "name-taken", f"{name} and carries no tag of ours", "say policy.adopt: true to take it over", live
        )
    if live.address is not None and live.address != str(resource.address):
        message = f"{name} and is {live.address} of stack {live.owner}"
    else:
        message = f"{name} and belongs to stack {live.owner}"
    return _refused(resource, "owned-by-another", message, "give this one another name", live)


def _claimed_twice(resource: Resource, holders: Sequence[Live]) -> Decision:
    names = ", ".join(live.name for live in holders)
    return _refused(
        resource,
        "claimed-twice",
        f"{names} all carry the address {resource.address} of this stack: somebody copied tags",
        f"take the tags {STACK_TAG} and {ADDRESS_TAG} from those that are not meant",
        holders[0],
    )
