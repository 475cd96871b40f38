"""What is to be done with each resource: pairs what is wanted with what is live, and classes every difference.

Verdicts are taken on live values. Of the rows of a kind the first that matches decides; a member that no row names, as
one that botocore has gained since, is updated in place where the update operation has it, with a warning that no rule
is known, and else replaced.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from plans import paths
from plans.change import ABSENT, Action, Change, Difference, Impact, Refusal
from plans.decision import Decision
from plans.diff import Pair, compare
from plans.naming import alike, of_one_base
from plans.normalise import digest, normalise, resolved
from plans.policy import Policy
from plans.repairs import borne_with, repairs, stays
from plans.replacement import DELETED, kept, manner_of
from plans.resending import remedy, resent, unknown
from plans.revisions import held_back, not_pinned, spellings
from plans.tagging import differences_of_tags, ignored_tags, tags_of
from plans.units import default_of, unit_of, value_of
from plans.wanted import effective, not_live, not_reset
from plans.world import Unresolved, World
from providers.kinds import CREATE_ONLY, REVISION, UNRULED, Kind, Rule
from providers.lives import address_of, referred
from providers.resources import (
    ADDRESS_TAG,
    DIGEST_TAG,
    EMPTY,
    PROTECT_TAG,
    STACK_TAG,
    Address,
    Document,
    Live,
    Manner,
    Resource,
)

_DONE_BY: Mapping[str, tuple[Action, Impact]] = {
    "update": (Action.UPDATE, Impact.NONE),
    "scaling": (Action.UPDATE, Impact.SCALING),
    "infrastructure": (Action.UPDATE, Impact.INFRASTRUCTURE),
    "replace": (Action.REPLACE, Impact.REPLACEMENT),
}

CANNOT_UNSET = "the API cannot unset {}"
"""The message of a refusal, of a path."""


def decide(resource: Resource, world: World, policy: Policy) -> Decision:
    """What is to be done with one desired resource."""
    address, kind = resource.address, world.kinds[resource.address.kind]
    unread = world.snapshot.unobserved.get(kind.name)
    if unread is not None:
        message = f"{kind.title}s cannot be read here: {unread}"
        return _refused(resource, _refusal(address, "unobserved", message, "take it out of the manifest"))
    lost = [
        _refusal(address, "reference", found.message, "name something of this stack, an ARN, or something live")
        for target in kind.targets
        for reference in referred(resource.spec, kind, target)
        if isinstance(found := world.resolve(target, reference), Unresolved)
    ]
    if lost:
        return _refused(resource, *lost)
    made = (_definition if kind.facts.revisions else _object)(resource, kind, world, policy)
    pins: Iterable[str] = ()
    if resource.lifecycle.pinned and kind.facts.revisions and not made.refusals:
        pins = not_pinned(resource, {live.revision for live in _registered(made, world)})
    return attrs.evolve(made, warnings=(*made.warnings, *pins, *_unborn(made, kind, world, policy)))


def _object(resource: Resource, kind: Kind, world: World, policy: Policy) -> Decision:
    namesakes = world.namesakes(resource)
    claimants = world.holders(resource.address)
    holders = [live for live in claimants if live.status != "DELETING"]
    if not holders:
        live = next(iter(namesakes), None)
        if live is None or live.status == "DELETING":
            return _creation(resource, kind, world, live)
        if not (policy.adopt and nobodys(live, world)):
            return name_taken(resource, live, world)
        taken_over = _comparison(resource, kind, live, policy, world, adopted=True)
        if taken_over.change.action is not Action.REPLACE:
            return taken_over
        message = f"{live.name} is not managed yet and needs a new object in its place: {taken_over.change.reason}"
        hint = "take it over with batchwright adopt first, and then apply"
        return _refused(resource, _refusal(resource.address, "adopt-first", message, hint), live=live)
    strangers = [live for live in holders if not alike(live.name, resource.physical_name)]
    if strangers and len(holders) > 1 and of_one_base(live.name for live in holders):
        message = f"{' and '.join(live.name for live in holders)} are the two sides of a replacement that was cut short"
        hint = "give the block its former name, apply, and then the new one"
        return _refused(resource, _refusal(resource.address, "under-way", message, hint), live=holders[0])
    if strangers and len(holders) > 1:
        return _claimed_twice(resource, tuple(live.name for live in holders), holders[0])
    if strangers:
        candidates = [_renaming(resource, holders[0], manner_of(resource, kind))]
        if candidates[0].manner == "refuse":
            return candidates[0]
    else:
        candidates = [_comparison(resource, kind, live, policy, world, adopted=False) for live in holders]
        if world.asked.repair:
            candidates = [unknown(resent(candidate, kind), kind) for candidate in candidates]
    going = [live for live in claimants if live.status == "DELETING"]
    return kept(resource, kind, candidates, going, world, policy)


def _comparison(resource: Resource, kind: Kind, live: Live, policy: Policy, world: World, *, adopted: bool) -> Decision:
    spec = _wanted(resource, kind, live, world, policy)
    wanted, seen = normalise(spec, kind), normalise(live.spec, kind, world.shown)
    classed = [(pair, _rule(pair, kind, wanted, seen)) for pair in compare(seen, wanted)]
    if resource.address in world.asked.set_quantity:
        classed = [(pair, _insisted(rule)) for pair, rule in classed]
    left = [(pair, rule) for pair, rule in classed if rule.verdict == "leave"]
    classed = [(pair, rule) for pair, rule in classed if rule.verdict != "leave"]
    differences = tuple(_difference(pair, rule, kind, live.spec, spec) for pair, rule in classed)
    tags = tags_of(resource, world.stack, live)
    tagged = differences_of_tags(tags, live, policy)
    actions = [_DONE_BY[rule.verdict] for _, rule in classed]
    if tagged:
        actions.append((_tag_action(tagged, adopted), Impact.NONE))
    action, impact = max(actions, key=lambda done: (_ORDER[done[0]], done[1]), default=(Action.NOOP, Impact.NONE))
    units = tuple(dict.fromkeys(unit_of(pair, kind) for pair, _ in classed))
    forcing = [rule.told(spec, live.spec) for _, rule in classed if rule.verdict == "replace"]
    refusals: list[Refusal] = []
    borne = borne_with(live, spec, units, kind, tagged=bool(tagged)) if action is not Action.REPLACE else ()
    if action is not Action.REPLACE:
        refusals += [
            _refusal(resource.address, "cannot-unset", CANNOT_UNSET.format(unit), "say the value that it has")
            for unit in units
            if value_of(unit, spec, kind) is None
        ]
        refusals += [
            _refusal(resource.address, "cannot-unset", f"the API cannot reset {path}", "leave it out, or say a value")
            for path in not_reset(resource.spec, live, kind)
        ]
        if live.status == "INVALID" and not borne and not repairs(units, kind):
            replaceable = manner_of(resource, kind) != "refuse"
            hint = remedy(live, spec, kind, resource.address, replaceable=replaceable)
            refusals.append(_refusal(resource.address, "invalid", stays(live, units), hint))
    change = _change(resource, action, impact, _reason(live, forcing, adopted), (*differences, *tagged))
    change = attrs.evolve(change, name=live.name)
    alone = [(paths.render(kind.spec, pair.segments), rule.told(spec, live.spec)) for pair, rule in left]
    warnings = (*_doubts(resource, kind, live, differences, alone), *(f"{resource.address}: {each}" for each in borne))
    return Decision(change, resource, live, spec, tags, (), units, tuple(refusals), warnings)


def _difference(pair: Pair, rule: Rule, kind: Kind, live: Document, desired: Document) -> Difference:
    """The difference as it is told: what the service does where a side says nothing stands for that side."""

    def told(value: Any, document: Document) -> Any:
        return default_of(pair.segments, document, kind) if value is None else value

    path = paths.render(kind.spec, pair.segments)
    return Difference(path, told(pair.before, live), told(pair.after, desired), rule.name, rule.told(desired, live))


def _doubts(
    resource: Resource, kind: Kind, live: Live, differences: Sequence[Difference], left: Sequence[tuple[str, str]]
) -> Iterable[str]:
    """What a reader of the plan should know of a comparison."""
    for difference in differences:
        path = paths.pattern(kind.spec, paths.split(difference.path))
        if difference.rule == UNRULED.name:
            yield f"{resource.address}: no rule is known for {difference.path}; it is updated as the API model allows"
        elif difference.rule != CREATE_ONLY.name and not kind.foresees(path):
            yield f"{resource.address}: no rule is known for {difference.path}; it counts as what stands beside it"
    for path, why in left:
        told = why.replace("ADDRESS", str(resource.address))
        yield f"{resource.address}: {path} differs and is left alone: {told}"
    if differences and live.status == "UPDATING":
        yield f"{resource.address}: {live.name} is still UPDATING, to values that are not certain: plan again after it"


def _definition(resource: Resource, kind: Kind, world: World, policy: Policy) -> Decision:
    revisions = world.at_name(kind.name, resource.physical_name)
    marked = [live for live in world.holders(resource.address) if live.name == resource.physical_name]
    elsewhere = [
        live for live in world.holders(resource.address) if live.name != resource.physical_name and world.genuine(live)
    ]
    if elsewhere and marked:
        names = (resource.physical_name, *(live.name for live in elsewhere))
        return _claimed_twice(resource, tuple(dict.fromkeys(names)), elsewhere[-1])
    if not marked:
        taken = next((live for live in reversed(revisions) if not (policy.adopt and nobodys(live, world))), None)
        if taken is not None:
            return name_taken(resource, taken, world)
        if elsewhere:
            return _renaming(resource, elsewhere[-1])
        if not revisions:
            return _creation(resource, kind, world, None)
    newest = revisions[-1]
    spec = _wanted(resource, kind, newest, world, policy)
    wanted, seen = normalise(spec, kind), normalise(newest.spec, kind, world.shown)
    pairs = compare(seen, wanted)
    genuine = world.genuine(newest, seen)
    theirs = bool(marked) and (newest not in marked or (bool(pairs) and not genuine))
    if theirs and resource.rollout.foreign != "supersede":
        foreign = f"revision {newest.revision} of {newest.name} was registered by somebody else"
        if resource.rollout.foreign == "keep":
            held = held_back(resource.address, newest, [paths.render(kind.spec, pair.segments) for pair in pairs])
            return Decision(_change(resource, Action.NOOP, Impact.NONE, foreign), resource, newest, spec, warnings=held)
        hint = "say rollout.foreign: supersede to register over it, or keep to leave it"
        return _refused(resource, _refusal(resource.address, "foreign-revision", foreign, hint), live=newest)
    askable = bool(pairs) and not theirs and not resource.rollout.migrate
    spelt = spellings(seen, wanted, kind) if askable else ()
    if spelt:
        pairs, spec = (), resolved(newest.spec, kind, world.shown)
    arriving = bool(pairs) or (bool(marked) and newest not in marked)
    # Where all of them stay in any case, nothing hangs on what the older ones hold.
    looked_at = (
        marked if len(marked) + arriving > resource.rollout.keep else [live for live in marked if live is newest]
    )
    ours = tuple(live for live in looked_at if (genuine or not pairs if live is newest else world.genuine(live)))
    tags = tags_of(resource, world.stack, marked[-1] if marked else newest)
    if arriving:
        differences = tuple(
            _difference(pair, _rule(pair, kind, wanted, seen), kind, newest.spec, spec) for pair in pairs
        )
        differences += differences_of_tags(tags, newest, policy)
        tags |= {**ignored_tags(newest, policy), DIGEST_TAG: digest(spec, kind, world.names)}
        change = _change(resource, Action.REGISTER, Impact.REVISION, REVISION.why, differences)
        return Decision(change, resource, newest, spec, tags, ours)
    adopted = not marked
    if not genuine:
        tags |= {DIGEST_TAG: digest(newest.spec, kind)}
    tagged = differences_of_tags(tags, newest, policy)
    action = _tag_action(tagged, adopted) if tagged else Action.NOOP
    change = _change(resource, action, Impact.NONE, _reason(newest, (), adopted), tagged)
    warnings = tuple(f"{resource.address}: {each}" for each in spelt)
    return Decision(change, resource, newest, spec, tags, ours, warnings=warnings)


def _registered(decision: Decision, world: World) -> list[Live]:
    """The revisions of a definition that this stack registered, even where nothing is to be done with them."""
    address = decision.change.address
    return [
        live
        for live in world.holders(address)
        if live.name == decision.change.name and (live in decision.ours or world.genuine(live))
    ]


def orphan(address: Address, lives: tuple[Live, ...], world: World, reason: str) -> Decision:
    """The deletion, for a reason, of what carries our stack tag and is not in the manifest."""
    kind = world.kinds[address.kind]
    genuine = tuple(live for live in lives if world.genuine(live))
    newest = (genuine or lives)[-1]
    impact = DELETED.get(kind.name, Impact.NONE)
    change = Change(address, newest.name, Action.DELETE if genuine else Action.NOOP, impact, reason)
    hint = "apply with lifecycle.protect: false in its block, which is put back where it is gone, and then try again"
    refusals = tuple(
        _refusal(address, "protected", f"{live.name} is protected", hint)
        for live in (genuine[-1:] if kind.facts.revisions else genuine)
        if live.tags.get(PROTECT_TAG) == "true"
    )
    names = tuple(dict.fromkeys(live.name for live in genuine))
    if len(names) > 1 and not of_one_base(names):
        refusals += (_copied(address, names),)
    warnings = tuple(
        f"{address}: revision {live.revision} of {live.name} does not hold what was registered; it is left alone"
        for live in lives
        if live not in genuine
    )
    return Decision(change, None, newest, newest.spec, EMPTY, genuine, (), refusals, warnings)


def _creation(resource: Resource, kind: Kind, world: World, leaving: Live | None) -> Decision:
    spec = resolved(resource.spec, kind, world.resolve)
    tags = tags_of(resource, world.stack)
    if kind.facts.revisions:
        tags |= {DIGEST_TAG: digest(spec, kind, world.names)}
    reason = ABSENT if leaving is None else f"the old {leaving.name} is still being deleted"
    return Decision(_change(resource, Action.CREATE, Impact.NONE, reason), resource, leaving, spec, tags)


def _wanted(resource: Resource, kind: Kind, live: Live, world: World, policy: Policy) -> Document:
    return effective(resource.spec, live, kind, _ignored(resource, policy), world.shown)


def _unborn(decision: Decision, kind: Kind, world: World, policy: Policy) -> Iterable[str]:
    """What the manifest says in vain, since a part of it is ignored and nothing of it is live."""
    resource, live = decision.resource, decision.live
    if resource is None or live is None or not decision.spec or decision.change.action is Action.CREATE:
        return
    for entry in not_live(resource.spec, live, kind, _ignored(resource, policy), world.shown):
        path = paths.render(kind.spec, entry)
        yield f"{resource.address}: {path} is left out: it is not live, and a part of it is ignored"


def _ignored(resource: Resource, policy: Policy) -> tuple[str, ...]:
    return (*resource.lifecycle.ignore, *policy.ignore)


def _rule(pair: Pair, kind: Kind, desired: Document, live: Document) -> Rule:
    return kind.rule(paths.pattern(kind.spec, pair.segments), desired, live)


def _insisted(rule: Rule) -> Rule:
    """A row where somebody says to set what it would leave alone."""
    if rule.verdict != "leave":
        return rule
    return attrs.evolve(rule, verdict="update", why="it was said to be set", detail=None)


_ORDER: Mapping[Action, int] = {action: place for place, action in enumerate(Action)}


def _tag_action(differences: Iterable[Difference], adopted: bool) -> Action:
    if adopted:
        return Action.ADOPT
    return Action.UNTAG if all(difference.after is None for difference in differences) else Action.TAG


def _reason(live: Live, forcing: Sequence[str], adopted: bool) -> str:
    """Why a change is more than its differences say: what forces a replacement, whose it was, what it still does."""
    if forcing:
        return "; ".join(dict.fromkeys(forcing))
    if adopted:
        return "nobody owns it, and the policy says adopt"
    return f"it is still {live.status}" if live.status in ("CREATING", "UPDATING") else ""


def _change(
    resource: Resource, action: Action, impact: Impact, reason: str, differences: tuple[Difference, ...] = ()
) -> Change:
    return Change(resource.address, resource.physical_name, action, impact, reason, differences)


def _refusal(address: Address, code: str, message: str, hint: str) -> Refusal:
    return Refusal(str(address), code, message, hint)


def _refused(resource: Resource, *refusals: Refusal, live: Live | None = None) -> Decision:
    return Decision(_change(resource, Action.NOOP, Impact.NONE, "refused"), resource, live, refusals=refusals)


def _renaming(resource: Resource, live: Live, manner: Manner = "refuse") -> Decision:
    """A name can only be had by a new object, and not beside an old one whose name tells nobody that it is ours."""
    why = f"it is called {live.name} and a name cannot change"
    difference = Difference("name", live.name, resource.physical_name, "name", why)
    change = _change(resource, Action.REPLACE, Impact.REPLACEMENT, why, (difference,))
    return Decision(change, resource, live, manner=manner if manner == "deleteFirst" else "refuse")


_ADOPTING = "to take it over run `batchwright adopt` with this manifest, or say policy.adopt: true"


def nobodys(live: Live, world: World) -> bool:
    """Whether an object may be adopted: no stack's, or ours by a tag that names no address."""
    return live.owner is None or (live.owner == world.stack and address_of(live) is None)


def name_taken(resource: Resource, live: Live, world: World) -> Decision:
    name = f"{live.name} exists already"
    owned = "owned-by-another"
    if nobodys(live, world):
        refusal = ("name-taken", f"{name} and is not managed", _ADOPTING)
    elif live.owner == world.stack:
        hint = (
            f"if its block was renamed, say moved: [{{from: {live.address}, to: {resource.address}}}];"
            " else set another physicalName"
        )
        refusal = (owned, f"{name} and is {live.address} of this stack", hint)
    else:
        refusal = (owned, f"{name} and belongs to stack {live.owner}", "give this one another name")
    return _refused(resource, _refusal(resource.address, *refusal), live=live)


def _claimed_twice(resource: Resource, names: Sequence[str], live: Live) -> Decision:
    return _refused(resource, _copied(resource.address, names), live=live)


def _copied(address: Address, names: Sequence[str]) -> Refusal:
    message = f"{', '.join(names)} all carry the address {address} of this stack: somebody copied tags"
    hint = f"take the tags {STACK_TAG} and {ADDRESS_TAG} from those that are not meant"
    return _refusal(address, "claimed-twice", message, hint)
