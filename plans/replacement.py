"""Which of the objects of an address is kept, and what takes the place of what.

Any number of objects may carry one address, as a replacement that was cut short leaves two of them. Kept is what is
not INVALID, then what takes least to become as desired, then what most others use, then by name; the others leave.
Where the kept one cannot become as desired, a new one takes its place, in the manner that the manifest or the kind
says: `createFirst` under a name of its own, `deleteFirst` under the old one once that is free, `twoHop` under the old
one while a third carries what uses it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from plans.change import Action, Difference, Impact, Refusal
from plans.decision import Decision
from plans.naming import succeeds, successor
from plans.normalise import normalise
from plans.policy import Policy
from plans.repairs import reason as why_invalid
from plans.tagging import ignored_tags, tags_of
from plans.wanted import with_ignored
from plans.world import World
from providers.kinds import Kind
from providers.resources import Document, Live, Manner, Ref, Resource

DELETED: Mapping[str, Impact] = {"compute_environment": Impact.INFRASTRUCTURE}
"""What the deletion of something that nothing uses counts as, where that is more than nothing."""

FIXED: Sequence[Manner] = ("deleteFirst", "twoHop")
"""The manners that keep the name."""


def manner_of(resource: Resource, kind: Kind) -> Manner:
    """How a new object would take the place of the old; one name cannot be had by two at a time."""
    return resource.lifecycle.replace or ("refuse" if resource.fixed_name else kind.facts.replaced)


def kept(
    resource: Resource,
    kind: Kind,
    candidates: Sequence[Decision],
    going: Sequence[Live],
    world: World,
    policy: Policy,
) -> Decision:
    """What is to be done with an address that these objects hold, each compared already.

    `going` are those that are being deleted. Of a replacement that was asked for, and cut short, the new object is told
    by its name.
    """
    manner = manner_of(resource, kind)
    fixed = resource.physical_name if manner in FIXED else None
    asked = resource.address in world.asked.replace
    lives = [live for candidate in candidates if (live := candidate.live) is not None]
    made = [each for each in candidates if asked and _is_new(each, resource, kind, (*lives, *going), world, policy)]
    best = min(made or candidates, key=lambda candidate: _rank(candidate, fixed, world))
    others = tuple(live for live in (*lives, *going) if live is not best.live)
    if best.change.action is Action.REPLACE or (asked and not made):
        reasons = [best.change.reason or "it was said to be replaced"]
        reasons += [
            f"{live.name} is INVALID ({why_invalid(live)}) and goes too" for live in others if live.status == "INVALID"
        ]
        return _replaced(best, "; ".join(reasons), (*lives, *going), resource, kind, manner, world, policy)
    if best.live is not None and manner == "twoHop" and best.live.name != fixed:
        reason = f"{best.live.name} stands in for {fixed}"
        return _replaced(best, reason, (*lives, *going), resource, kind, manner, world, policy)
    if not others:
        return best
    reason = "; ".join([f"{best.change.name} stays", *(_retiring(live, world) for live in others)])
    moving = any(world.in_use(live) for live in others)
    least = Impact.REPLACEMENT if moving else DELETED.get(kind.name, Impact.NONE)
    change = attrs.evolve(best.change, action=Action.REPLACE, impact=max(best.change.impact, least), reason=reason)
    return attrs.evolve(best, change=change, superseded=others)


def _retiring(live: Live, world: World) -> str:
    """What becomes of an object in favour of another, as far as it has not yet."""
    if live.status == "DELETING":
        return f"{live.name} is being deleted"
    if world.in_use(live):
        return f"{live.name} is retired"
    waits = live.kind == "compute_environment" and live.state == "DISABLED"
    return f"{live.name}, left of a replacement, {'goes once no job runs on it' if waits else 'is retired'}"


def _is_new(
    candidate: Decision, resource: Resource, kind: Kind, lives: Sequence[Live], world: World, policy: Policy
) -> bool:
    """Whether an object was made as wanted in place of another of these: under a name of its own, or under the one that
    stays, where the third one is on its way out again."""
    live, manner = candidate.live, manner_of(resource, kind)
    if live is None or live.status == "INVALID" or manner not in ("createFirst", "twoHop"):
        return False
    if manner == "twoHop":
        leaving = (old.state == "DISABLED" or old.status == "DELETING" for old in lives if old is not live)
        return live.name == resource.physical_name and works(live) and any(leaving)
    return any(
        succeeds(
            live.name,
            resource.physical_name,
            normalise(_spec(resource, old, kind, world, policy), kind, _as_text),
            old.name,
        )
        for old in lives
        if old is not live
    )


def _spec(resource: Resource, live: Live, kind: Kind, world: World, policy: Policy) -> Document:
    return with_ignored(resource.spec, live, kind, (*resource.lifecycle.ignore, *policy.ignore), world.resolve)


def _as_text(_kind: str, reference: Any) -> str:
    return str(reference)


def heir(decision: Decision) -> str | Ref | None:
    """What refers to the address of a decision from then on; None where that does not change."""
    match decision.manner:
        case None:
            return decision.live.arn if decision.superseded and decision.live is not None else None
        case "createFirst":
            return Ref(decision.change.address)
        case "refuse":
            return None
        case _:
            return decision.namesake.arn if decision.namesake is not None else Ref(decision.change.address)


def _rank(candidate: Decision, fixed: str | None, world: World) -> tuple[Any, ...]:
    live, change = candidate.live, candidate.change
    assert live is not None
    away = fixed is not None and live.name != fixed
    return (
        live.status == "INVALID",
        change.action is Action.REPLACE,
        away,
        change.impact,
        -len(world.users(live)),
        live.name,
    )


def _replaced(
    best: Decision,
    reason: str,
    lives: tuple[Live, ...],
    resource: Resource,
    kind: Kind,
    manner: Manner,
    world: World,
    policy: Policy,
) -> Decision:
    live = best.live
    assert live is not None
    spec = _spec(resource, live, kind, world, policy)
    tags = {**ignored_tags(live, policy), **tags_of(resource, world.stack)}
    name, differences = resource.physical_name, best.change.differences
    if manner == "createFirst":
        name = successor(
            name,
            normalise(spec, kind, _as_text),
            live.name,
            lambda made: bool(world.at_name(kind.name, made)),
        )
    if name != live.name and not any(row.path == "name" for row in differences):
        differences = (
            Difference("name", live.name, name, "replace", "a new object has a name of its own"),
            *differences,
        )
    change = attrs.evolve(
        best.change,
        name=name,
        action=Action.REPLACE,
        impact=Impact.OUTAGE if (manner, kind.name) == ("deleteFirst", "job_queue") else Impact.REPLACEMENT,
        reason=reason,
        differences=differences,
    )
    made = Decision(change, resource, live, spec, tags, superseded=lives, manner=manner, warnings=best.warnings)
    return attrs.evolve(made, refusals=tuple(_taken(made, resource, world)))


def works(live: Live) -> bool:
    """Whether an object serves those that refer to it; of some kinds there is no status."""
    return live.state != "DISABLED" and live.status in (None, "VALID", "UPDATING")


def _taken(decision: Decision, resource: Resource, world: World) -> Iterator[Refusal]:
    """A name that stays has to be free once the old one is gone."""
    for live in world.namesakes(resource) if decision.manner in FIXED else ():
        if live not in decision.superseded:
            told = f"{live.name} exists already and is not of this address"
            hint = "give this one another name, or remove that one first"
            yield Refusal(str(decision.change.address), "name-taken", told, hint)
