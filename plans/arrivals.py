"""What is made, changed and tagged: the steps of a change to something that the manifest wants."""

from collections.abc import Mapping, Sequence
from typing import Any

from plans import paths
from plans.chains import GONE, SEEN, SETTLED, Lowered, chain, infrastructure_patience, settle, step, wait
from plans.change import Action
from plans.decision import Decision
from plans.normalise import normalise, saying
from plans.plan import NOW, TOKEN, Goal, Step, Until
from plans.repairs import parked
from plans.retention import registered_before
from plans.units import expected, sent
from providers.kinds import Kind
from providers.resources import (
    ADDRESS_TAG,
    HOUSE_TAG_PREFIX,
    REGISTERED_TAG,
    STACK_TAG,
    Document,
    Live,
    Ref,
)


def arrive(decision: Decision, kind: Kind, *, now: float) -> Lowered:
    """The steps of a change to what is wanted, or of making it; none where it is refused."""
    match decision.change.action:
        case _ if decision.refusals or decision.manner == "refuse":
            return Lowered()
        case Action.REPLACE if decision.manner is not None:
            return make(decision, kind)
        case Action.CREATE if kind.facts.revisions:
            return chain(_register(decision, kind))
        case Action.CREATE:
            return chain(_wait_gone(decision, kind), _create(decision, kind))
        case Action.REGISTER:
            return chain(_register(decision, kind), _deregister(decision, kind, now, arriving=1))
        case _ if decision.live is None:
            return Lowered()
        case _:
            # What is nobody's yet is not changed before it carries our tags.
            edits = [_update(decision, decision.live, kind), _tags(decision, decision.live, kind)]
            if any(paths.tag_of(difference.path) in _OWNER for difference in decision.change.differences):
                edits.reverse()
            old = _deregister(decision, kind, now, arriving=0)
            return chain(settle(decision, decision.live, kind), *edits, old)


_OWNER = (STACK_TAG, ADDRESS_TAG)


def _wait_gone(decision: Decision, kind: Kind) -> list[Step]:
    if decision.live is None:
        return []
    goal = Goal(kind.name, decision.live.name, "gone", deadline=GONE)
    return [wait(decision, decision.live, kind, goal, "its name is taken until the old one is gone")]


def _until(kind: Kind) -> Until:
    return "settled" if kind.facts.settles else "seen"


def make(decision: Decision, kind: Kind, name: str = "") -> Lowered:
    """A new object in place of an old one; `name` where it is not the one that stays."""
    return chain(_create(decision, kind, name))


def _create(decision: Decision, kind: Kind, other: str = "") -> list[Step]:
    name, spec = other or decision.change.name, decision.spec
    suffix = f":{other}" if other else ""
    goal = Goal(kind.name, name, _until(kind), deadline=SETTLED)
    deferred = {*(path.partition(".")[0] for path in kind.update_only), *kind.facts.later}
    now = {member: value for member, value in spec.items() if member not in deferred}
    steps = [
        step(
            "create",
            decision,
            kind.facts.create,
            arguments=_creation(kind, now, name, decision.tags),
            goal=goal,
            why="it is not there yet" if decision.manner is None else decision.change.reason,
            suffix=suffix,
        )
    ]
    later = tuple(member for member in normalise(spec, kind) if member in deferred)
    if later and kind.facts.update is not None:
        arguments = {kind.update_key: Ref(decision.change.address), **sent(later, spec, kind)}
        goal = Goal(kind.name, name, _until(kind), expected(later, spec, kind), SETTLED)
        why = "only an update takes these fields"
        steps.append(
            step("update", decision, kind.facts.update, arguments=arguments, goal=goal, why=why, suffix=suffix)
        )
    return steps


def _creation(kind: Kind, spec: Document, name: str, tags: Mapping[str, Any]) -> Document:
    """The arguments of a create or register: what is wanted, what is always said, name and tags."""
    made, keyed = spec, kind.facts.keyed
    for path, row in kind.always_sent:
        segments = paths.split(path)
        if row.when(spec) and paths.get(made, segments, keyed, kind.spec) is None:
            made = paths.put(made, segments, row.value, keyed, kind.spec)
    return {kind.name_member: name, **made, "tags": dict(tags)}


def _register(decision: Decision, kind: Kind) -> list[Step]:
    new = decision.change.action is Action.CREATE
    tags = {**decision.tags, REGISTERED_TAG: NOW}
    return [
        step(
            "register",
            decision,
            kind.facts.create,
            arguments=_creation(kind, saying(decision.spec, kind), decision.change.name, tags),
            goal=Goal(kind.name, decision.change.name, "seen", deadline=SEEN),
            why="it is not there yet" if new else "a definition changes by a new revision",
        )
    ]


def _deregister(decision: Decision, kind: Kind, now: float, *, arriving: int) -> list[Step]:
    """Our revisions beyond `keep`, oldest first, those younger than `keepFor` or of unknown age spared.

    Pinned ones stay, and are none of those that `keep` counts.
    """
    if decision.resource is None or not kind.facts.revisions:
        return []
    rollout, pinned = decision.resource.rollout, decision.resource.lifecycle.pinned
    counted = [live for live in decision.ours if live.revision not in pinned]
    beyond = counted[: max(0, len(counted) + arriving - rollout.keep)]
    return [
        step(
            "deregister",
            decision,
            kind.facts.delete,
            arguments={kind.delete_key: live.arn},
            why=f"rollout.keep: {rollout.keep} {'revision stays' if rollout.keep == 1 else 'revisions stay'}",
            suffix=f":{live.revision}",
        )
        for live in beyond
        if rollout.keep_for is None or registered_before(live, now - rollout.keep_for)
    ]


def _update(decision: Decision, live: Live, kind: Kind) -> list[Step]:
    """One update with only the changed keys; a role goes apart from what recycles instances, as AWS demands
    (UpdateComputeEnvironment, `serviceRole`)."""
    if not decision.units or kind.facts.update is None:
        return []
    groups = [decision.units]
    if "serviceRole" in decision.units and _recycles(decision):
        groups = [("serviceRole",), tuple(unit for unit in decision.units if unit != "serviceRole")]
    why = "; ".join(dict.fromkeys(row.why for row in decision.change.differences if row.rule != "tags"))
    token = {"clientToken": TOKEN} if "clientToken" in kind.update_spec.members else {}
    return [
        step(
            "update",
            decision,
            kind.facts.update,
            arguments={kind.update_key: live.arn, **sent(units, decision.spec, kind), **token},
            goal=Goal(
                kind.name,
                live.name,
                "disabled" if parked(live, decision.spec, units, kind) else _until(kind),
                _expected(units, decision, kind),
                _patience(decision, kind),
            ),
            why=why,
            suffix=f":{place}" if place else "",
        )
        for place, units in enumerate(groups)
    ]


def _expected(units: Sequence[str], decision: Decision, kind: Kind) -> Mapping[str, Any]:
    """What must be seen; none of it is what the service moves on at once, and was set since somebody said so."""
    left = {row.name for row in kind.facts.rules if row.verdict == "leave"}
    moving = {difference.path for difference in decision.change.differences if difference.rule in left}
    return expected((unit for unit in units if unit not in moving), decision.spec, kind)


def _patience(decision: Decision, kind: Kind) -> float:
    if not kind.facts.settles:
        return SEEN
    return infrastructure_patience(decision.spec) if _recycles(decision) else SETTLED


def _recycles(decision: Decision) -> bool:
    """Whether the update replaces instances, whatever else it does."""
    return any(difference.rule == "infrastructure" for difference in decision.change.differences)


def _tags(decision: Decision, live: Live, kind: Kind) -> list[Step]:
    keys = {
        key: difference.after
        for difference in decision.change.differences
        if (key := paths.tag_of(difference.path)) is not None
    }
    added = {key: value for key, value in keys.items() if value is not None}
    removed = [key for key, value in keys.items() if value is None]
    steps = []
    if added:
        ours = all(key.startswith(HOUSE_TAG_PREFIX) for key in added)
        steps.append(
            step(
                "tag",
                decision,
                "TagResource",
                arguments={"resourceArn": live.arn, "tags": added},
                goal=_seen(kind, live, added),
                why="our tags say whose it is" if ours else "tags are edited in place",
            )
        )
    if removed:
        steps.append(
            step(
                "untag",
                decision,
                "UntagResource",
                arguments={"resourceArn": live.arn, "tagKeys": removed},
                goal=_seen(kind, live, dict.fromkeys(removed)),
                why="tags are edited in place",
            )
        )
    return steps


def _seen(kind: Kind, live: Live, tags: Mapping[str, str | None]) -> Goal:
    return Goal(kind.name, live.name, "seen", {paths.tag(key): value for key, value in tags.items()}, SEEN)
