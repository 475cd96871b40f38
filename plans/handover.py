"""Changes of hands: objects are taken over, moved to another address and let go of by their tags alone.

Nothing but TagResource and UntagResource is called here, and neither is refused to a protected object: protection is
against deletion and replacement.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from plans import paths
from plans.chains import SEEN, step
from plans.change import Action, Change, Difference, Impact, Refusal
from plans.decide import decide, name_taken, nobodys
from plans.decision import Decision
from plans.manifest import Manifest
from plans.normalise import digest
from plans.ownership import Ownership
from plans.plan import Goal, Step
from plans.policy import Policy
from plans.world import World
from providers.errors import InputError
from providers.kinds import Kinds
from providers.lives import address_of
from providers.resources import (
    ADDRESS_TAG,
    DIGEST_TAG,
    LAUNCH_TAG,
    PROTECT_TAG,
    REGISTERED_TAG,
    STACK_TAG,
    Address,
    Live,
    Resource,
    Snapshot,
)

_OURS = (STACK_TAG, ADDRESS_TAG, PROTECT_TAG, DIGEST_TAG, REGISTERED_TAG, LAUNCH_TAG)
_OWNER = (STACK_TAG, ADDRESS_TAG)
_EDITED = "tags are edited in place"
_RELEASED = "removed from the stack's care, not deleted"
_MOST = 5


def adopting(manifest: Manifest) -> Manifest:
    """What `adopt` plans for: the blocks, and nothing that is let go of."""
    return attrs.evolve(manifest, ownership=attrs.evolve(manifest.ownership, removed=()))


def forgetting(stack: str, addresses: Iterable[Address]) -> Manifest:
    """What `forget` plans for: a stack that lets go of these addresses."""
    return Manifest(stack, {}, ownership=Ownership(removed=tuple(dict.fromkeys(addresses))))


def check_held(manifest: Manifest, snapshot: Snapshot, kinds: Kinds) -> None:
    """Raise InputError where a stack that lets go of an address does not have it.

    What has the name of an address and is nobody's counts as let go of before, so that `forget` can be repeated.
    """
    owned = {
        str(address): address
        for live in snapshot.live
        if live.owner == manifest.stack and (address := address_of(live)) is not None
    }
    for address in manifest.ownership.removed:
        if address.kind not in kinds.by_name:
            raise InputError(f"there is no kind {address.kind!r}", hint=f"one of {', '.join(kinds.by_name)}")
        if str(address) in owned or address.kind in snapshot.unobserved:
            continue
        if not any(live.owner is None and live.name.endswith(address.name) for live in snapshot.of(address.kind)):
            near = _near(str(address), owned)
            hint = f"did you mean {near}?" if near else f"it owns {_list(sorted(owned)) or 'nothing here'}"
            raise InputError(f"stack {manifest.stack} owns nothing at {address}", hint=hint)


def _near(text: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(text, [*known], 1)), None)


def _list(words: Sequence[str]) -> str:
    more = [f"and {len(words) - _MOST} more"] if len(words) > _MOST else []
    return ", ".join([*words[:_MOST], *more])


def adoption(resource: Resource, world: World, policy: Policy) -> Decision:
    """What has the name of a block and is nobody's becomes ours as it is; in what else it differs is told."""
    address, kind = resource.address, world.kinds[resource.address.kind]
    unread = world.snapshot.unobserved.get(kind.name)
    if unread is not None:
        return _nothing(resource, Refusal(str(address), "unobserved", f"{kind.title}s cannot be read here: {unread}"))
    if any(live.status != "DELETING" for live in world.holders(address)):
        return _nothing(resource)
    found = [live for live in world.namesakes(resource) if live.status != "DELETING"]
    if not found:
        told = f"{address}: nothing called {resource.physical_name} is live, and adopt creates nothing"
        return attrs.evolve(_nothing(resource), warnings=(told,))
    others = next((live for live in reversed(found) if not nobodys(live, world)), None)
    if others is not None:
        return name_taken(resource, others, world)
    live = found[-1]
    tags = {STACK_TAG: world.stack, ADDRESS_TAG: str(address)}
    if kind.facts.revisions:
        tags[DIGEST_TAG] = digest(live.spec, kind)
    differences = tuple(
        Difference(paths.tag(key), live.tags.get(key), value, "tags", _EDITED)
        for key, value in tags.items()
        if live.tags.get(key) != value
    )
    change = Change(address, live.name, Action.ADOPT, Impact.NONE, "nobody owns it", differences)
    warnings = tuple(_left_alone(decide(resource, world, attrs.evolve(policy, adopt=True)), live))
    return Decision(change, resource, live, live.spec, tags, warnings=warnings)


def _nothing(resource: Resource, *refusals: Refusal) -> Decision:
    change = Change(resource.address, resource.physical_name, Action.NOOP, Impact.NONE)
    return Decision(change, resource, refusals=refusals)


def _left_alone(whole: Decision, live: Live) -> Iterator[str]:
    """What an apply would do beside taking an object over."""
    for refusal in whole.refusals:
        yield f"{refusal.address}: the next plan is refused: {refusal.message}"
    found = [row.path for row in whole.change.differences if paths.tag_of(row.path) not in (*_OWNER, DIGEST_TAG)]
    if found:
        yield f"{whole.change.address}: {live.name} differs in {_list(found)}; the next plan shows it"


def releases(manifest: Manifest, world: World) -> list[Decision]:
    """The letting go of every address that is removed, of all that carries it; nothing where nothing does."""
    found = []
    for address in manifest.ownership.removed:
        lives = tuple(live for live in world.holders(address) if live.status != "DELETING")
        unread = world.snapshot.unobserved.get(address.kind)
        if unread is not None:
            message = f"{world.kinds[address.kind].title}s cannot be read here: {unread}"
            refusal = Refusal(str(address), "unobserved", message, "allow the reading, or take it out of removed")
            change = Change(address, address.name, Action.NOOP, Impact.NONE, "refused")
            found.append(Decision(change, refusals=(refusal,)))
        elif lives:
            found.append(_release(address, lives))
    return found


def let_go(manifest: Manifest, world: World) -> Iterator[str]:
    """Of what was to be let go of, the addresses that nothing of the stack carries."""
    for address in manifest.ownership.removed:
        if address.kind not in world.snapshot.unobserved and not world.holders(address):
            yield f"{address}: nothing of stack {manifest.stack} is at this address, so there is nothing to let go of"


def _release(address: Address, lives: Sequence[Live]) -> Decision:
    newest = lives[-1]
    differences = [Difference(paths.tag(key), newest.tags[key], None, "tags", _RELEASED) for key in _ours(newest)]
    differences += [Difference(_told(live), str(address), None, "tags", _RELEASED) for live in lives[:-1]]
    change = Change(address, newest.name, Action.UNTAG, Impact.NONE, _RELEASED, tuple(differences))
    return Decision(change, None, newest, newest.spec, ours=tuple(lives))


def steps(decisions: Iterable[Decision], planned: Sequence[Step] = ()) -> Iterator[Step]:
    """The calls of adoptions and releases; none of what is refused. What other steps change, as a queue that is moved,
    is let go of behind them: after that it is not ours to change."""
    for decision in decisions:
        if decision.refusals or decision.live is None:
            continue
        if decision.change.action is Action.ADOPT:
            tags = {
                key: row.after for row in decision.change.differences if (key := paths.tag_of(row.path)) is not None
            }
            yield _tagging(decision, decision.live, tags)
        elif decision.change.action is Action.UNTAG:
            suffixes = _suffixes(decision.ours)
            for live in decision.ours:
                yield step(
                    "untag",
                    decision,
                    "UntagResource",
                    arguments={"resourceArn": live.arn, "tagKeys": _ours(live)},
                    goal=_seen(live, dict.fromkeys(_ours(live))),
                    why=_RELEASED,
                    after=tuple(
                        sorted(each.id for each in planned if each.call and live.arn in each.arguments.values())
                    ),
                    suffix=suffixes[live.arn],
                )


def retagged(
    decisions: Iterable[Decision], planned: Iterable[Step], world: World
) -> tuple[tuple[Step, ...], Mapping[Address, tuple[Difference, ...]]]:
    """Of definitions that were moved the revisions that no other step tags or takes away, and how that is told."""
    touched = {value for each in planned for value in each.arguments.values() if isinstance(value, str)}
    made: list[Step] = []
    shown: dict[Address, tuple[Difference, ...]] = {}
    for decision in decisions:
        address = decision.change.address
        if decision.resource is None or decision.refusals or not world.kinds[address.kind].facts.revisions:
            continue
        wanted = {STACK_TAG: world.stack, ADDRESS_TAG: str(address)}
        for live in world.holders(address):
            tags = {key: value for key, value in wanted.items() if live.tags.get(key) != value}
            if tags and live.arn not in touched:
                before = f"{live.address} of stack {live.owner}"
                row = Difference(_told(live), before, f"{address} of stack {world.stack}", "tags", _EDITED)
                shown[address] = (*shown.get(address, ()), row)
                made.append(_tagging(decision, live, tags, f":{live.revision}"))
    return tuple(made), shown


def with_retagged(change: Change, rows: Sequence[Difference]) -> Change:
    """The change with the revisions that are retagged."""
    if not rows:
        return change
    action = Action.TAG if change.action is Action.NOOP else change.action
    return attrs.evolve(change, action=action, differences=(*change.differences, *rows))


def _tagging(decision: Decision, live: Live, tags: Mapping[str, str], suffix: str = "") -> Step:
    return step(
        "tag",
        decision,
        "TagResource",
        arguments={"resourceArn": live.arn, "tags": tags},
        goal=_seen(live, tags),
        why="our tags say whose it is",
        suffix=suffix,
    )


def _seen(live: Live, tags: Mapping[str, str | None]) -> Goal:
    return Goal(live.kind, live.name, "seen", {paths.tag(key): value for key, value in tags.items()}, SEEN)


def _ours(live: Live) -> list[str]:
    return [key for key in _OURS if key in live.tags]


def _told(live: Live) -> str:
    return f"objects[{live.name}]" if live.revision is None else f"revisions[{live.revision}]"


def _suffixes(lives: Sequence[Live]) -> Mapping[str, str]:
    """What tells the objects of one address apart: the revision, or the name where that is not enough."""
    plain = ["" if live.revision is None else f":{live.revision}" for live in lives]
    alone = Counter(plain)
    return {
        live.arn: suffix if alone[suffix] == 1 else f":{live.arn.split(':', 5)[5]}"
        for live, suffix in zip(lives, plain, strict=True)
    }
