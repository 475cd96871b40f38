"""From changes to steps: each change to its calls and waits, and the edges between them.

What is made waits for what it needs to have settled. What goes waits for all that used it to have let go or gone. A
queue is disabled before its jobs are counted, so that none arrives in between; if there are any it is enabled again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from plans import paths
from plans.change import Action, Refusal
from plans.decide import Decision, unit_value
from plans.graph import dependencies
from plans.plan import NOW, Goal, Step
from plans.world import World, referred
from providers.kinds import Kind
from providers.resources import (
    HOUSE_TAG_PREFIX,
    REGISTERED_TAG,
    Document,
    Live,
    Ref,
)

# Seconds after which a goal counts as missed. The longest that public sources report, doubled: environments with
# instances take up to 8 minutes, queues 1 (hashicorp/terraform-provider-aws waits 10 minutes for either).
SETTLED, DISABLED, GONE, SEEN = 1200.0, 600.0, 1200.0, 60.0
UPDATE_MARGIN, UPDATE_MINUTES = 1800.0, 30


@attrs.frozen
class Lowered:
    """The steps of one change; `last` is the one that others wait for."""

    steps: tuple[Step, ...] = ()
    last: str | None = None


def lower(decisions: Sequence[Decision], world: World, *, now: float) -> tuple[tuple[Step, ...], tuple[Refusal, ...]]:
    """The steps of all changes, in an order in which they could be carried out one by one, and what forbids them."""
    doomed = {live.arn for decision in decisions if decision.resource is None for live in decision.ours}
    lowered = {
        _key(decision): _removal(decision, world) if decision.resource is None else _arrival(decision, world, now)
        for decision in decisions
    }
    by_arn = {
        live.arn: decision
        for decision in decisions
        for live in (*decision.ours, *([decision.live] if decision.live else ()))
    }
    steps: list[Step] = []
    refused: list[Refusal] = []
    for decision in decisions:
        own = lowered[_key(decision)]
        if not own.steps:
            continue
        if decision.resource is not None:
            before = [
                lowered[str(address)].last
                for address in dependencies(decision.resource, world.kinds)
                if str(address) in lowered
            ]
        else:
            before = []
            for user in (user for live in decision.ours for user in world.users(live)):
                after, refusal = _letting_go(decision, user, by_arn, lowered, doomed, world)
                before.append(after)
                refused += refusal
        edges = tuple(dict.fromkeys(step for step in before if step is not None))
        first = own.steps[0]
        steps += [attrs.evolve(first, after=(*edges, *first.after)), *own.steps[1:]]
    return _sorted(steps), tuple(refused)


def _key(decision: Decision) -> str:
    return str(decision.change.address)


def _letting_go(
    decision: Decision,
    user: Live,
    by_arn: Mapping[str, Decision],
    lowered: Mapping[str, Lowered],
    doomed: set[str],
    world: World,
) -> tuple[str | None, tuple[Refusal, ...]]:
    """The step after which a user no longer refers to what is to go, or why there is none."""
    own = by_arn.get(user.arn)
    if own is not None and user.arn in doomed:
        return lowered[_key(own)].last, ()
    if own is not None and own.resource is not None and own.units:
        kind = world.kinds[user.kind]
        kept = {str(value) for value in referred(own.spec, kind, decision.change.kind)}
        if not kept & {live.arn for live in decision.ours}:
            return lowered[_key(own)].last, ()
    owner = f"of stack {user.owner}" if user.owner else "of no stack"
    message = f"{decision.change.name} is used by the {world.kinds[user.kind].title} {user.name} {owner}"
    return None, (
        Refusal(_key(decision), "in-use", message, "let its user go first, or put it back into the manifest"),
    )


def _sorted(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps in the order given, each moved behind what it comes after."""
    by_id = {step.id: step for step in steps}
    done: dict[str, Step] = {}

    def visit(step: Step) -> None:
        stack = [(step, iter(step.after))]
        while stack:
            here, rest = stack[-1]
            following = next((by_id[name] for name in rest if name in by_id and name not in done), None)
            if following is not None:
                stack.append((following, iter(following.after)))
            else:
                done[here.id] = here
                stack.pop()

    for step in steps:
        if step.id not in done:
            visit(step)
    return tuple(done.values())


def _arrival(decision: Decision, world: World, now: float) -> Lowered:
    kind = world.kinds[decision.change.kind]
    match decision.change.action:
        case _ if decision.refusals or decision.change.action is Action.REPLACE:
            return Lowered()
        case Action.CREATE if kind.facts.revisions:
            return _chain(_register(decision, kind))
        case Action.CREATE:
            return _chain([*_wait_gone(decision, kind), *_create(decision, kind)])
        case Action.REGISTER:
            return _chain([*_register(decision, kind), *_deregister(decision, now, arriving=1)])
        case Action.NOOP if decision.live is None or decision.resource is None or not decision.tags:
            return Lowered()
        case _:
            steps = [*_settle(decision, kind), *_update(decision, kind), *_tags(decision, kind)]
            return _chain([*steps, *(_deregister(decision, now, arriving=0) if kind.facts.revisions else ())])


def _chain(steps: Sequence[Step]) -> Lowered:
    """Steps one after the other."""
    if not steps:
        return Lowered()
    linked = [steps[0]]
    for step in steps[1:]:
        linked.append(attrs.evolve(step, after=step.after or (linked[-1].id,)))
    return Lowered(tuple(linked), linked[-1].id)


def _step(
    verb: str,
    decision: Decision,
    call: str | None,
    arguments: Document,
    goal: Goal | None,
    why: str,
    *,
    after: tuple[str, ...] = (),
    when: Literal["ok", "failed", "always"] = "ok",
    suffix: str = "",
) -> Step:
    address = _key(decision)
    return Step(f"{verb}:{address}{suffix}", address, call, arguments, goal, after, when, why)


def _wait_gone(decision: Decision, kind: Kind) -> list[Step]:
    if decision.live is None:
        return []
    goal = Goal(kind.name, decision.live.name, "gone", deadline=GONE)
    return [_step("wait", decision, None, {}, goal, "its name is taken until the old one is gone")]


def _settle(decision: Decision, kind: Kind) -> list[Step]:
    live = decision.live
    if live is None or live.status not in ("CREATING", "UPDATING"):
        return []
    goal = Goal(kind.name, live.name, "settled", deadline=SETTLED)
    return [_step("wait", decision, None, {}, goal, f"it is still {live.status}")]


def _create(decision: Decision, kind: Kind) -> list[Step]:
    name, spec = decision.change.name, decision.spec
    goal = Goal(kind.name, name, "settled" if kind.facts.settles else "seen", deadline=SETTLED)
    later = {
        member: spec[member] for member in spec if member not in kind.create_spec.members and spec[member] is not None
    }
    arguments = creation(kind, {key: value for key, value in spec.items() if key not in later}, name, decision.tags)
    steps = [_step("create", decision, kind.facts.create, arguments, goal, "it is not there yet")]
    if later and kind.facts.update:
        expect = Goal(kind.name, name, "settled", later, SETTLED)
        arguments = {kind.update_key: Ref(decision.change.address), **later}
        why = "only an update takes these fields"
        steps.append(_step("update", decision, kind.facts.update, arguments, expect, why))
    return steps


def creation(kind: Kind, spec: Document, name: str, tags: Mapping[str, Any]) -> Document:
    """The arguments of a create or register: what is wanted, what is always said, name and tags."""
    made = _bare(spec)
    for row in kind.facts.always_sent:
        if row.when(spec):
            shape, _, member = row.member.partition(".")
            path = next(
                (
                    f"{at}.{member}" if at else member
                    for at, field in (("", kind.spec), *kind.spec.paths())
                    if field.shape == shape and "[]" not in at
                ),
                member,
            )
            segments = paths.split(path)
            if paths.get(made, segments, kind.facts.keyed, kind.spec) is None:
                made = paths.put(made, segments, row.value, kind.facts.keyed, kind.spec)
    return {kind.name_member: name, **made, "tags": dict(tags)}


def _bare(value: Any) -> Any:
    """Without explicit nulls, which mean "unset" and cannot be sent."""
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_bare(item) for item in value if item is not None]
    return value


def _register(decision: Decision, kind: Kind) -> list[Step]:
    tags = {**decision.tags, REGISTERED_TAG: NOW}
    arguments = creation(kind, decision.spec, decision.change.name, tags)
    goal = Goal(kind.name, decision.change.name, "seen", deadline=SEEN)
    why = "it is not there yet" if decision.change.action is Action.CREATE else "a definition changes by a new revision"
    return [_step("register", decision, kind.facts.create, arguments, goal, why)]


def _deregister(decision: Decision, now: float, *, arriving: int) -> list[Step]:
    """Our revisions beyond `keep`, oldest first, those younger than `keepFor` or of unknown age spared."""
    assert decision.resource is not None
    rollout = decision.resource.rollout
    beyond = decision.ours[: max(0, len(decision.ours) + arriving - rollout.keep)]
    return [
        _step(
            "deregister",
            decision,
            "DeregisterJobDefinition",
            {"jobDefinition": live.arn},
            None,
            f"keep: {rollout.keep} revisions stay",
            suffix=f":{live.revision}",
        )
        for live in beyond
        if rollout.keep_for is None or _older(live, now - rollout.keep_for)
    ]


def _older(live: Live, than: float) -> bool:
    try:
        return datetime.fromisoformat(live.tags.get(REGISTERED_TAG, "")).timestamp() <= than
    except ValueError:
        return False


def _update(decision: Decision, kind: Kind) -> list[Step]:
    """One update with only the changed keys; a role goes apart from what recycles instances, as AWS demands."""
    if not decision.units or kind.facts.update is None or decision.live is None:
        return []
    groups = [decision.units]
    if "serviceRole" in decision.units and str(decision.change.impact) == "infrastructure":
        groups = [("serviceRole",), tuple(unit for unit in decision.units if unit != "serviceRole")]
    steps = []
    for place, units in enumerate(groups):
        sent: Document = {}
        expect: dict[str, Any] = {}
        for unit in units:
            value = _bare(unit_value(kind, decision.spec, unit))
            segments = paths.split(unit)
            sent = _nested(sent, segments, value)
            expect[unit] = paths.get(decision.spec, segments, kind.facts.keyed, kind.spec)
        if kind.facts.renamed_in_update is not None:
            sent = kind.facts.renamed_in_update(sent)
        until: Literal["settled", "seen"] = "settled" if kind.facts.settles else "seen"
        goal = Goal(kind.name, decision.live.name, until, expect, _patience(decision, kind))
        arguments = {kind.update_key: decision.live.arn, **sent}
        why = "; ".join(dict.fromkeys(d.why for d in decision.change.differences if d.rule != "tags"))
        steps.append(
            _step("update", decision, kind.facts.update, arguments, goal, why, suffix=f":{place}" if place else "")
        )
    return steps


def _nested(document: Document, segments: Sequence[str], value: Any) -> dict[str, Any]:
    head, rest = segments[0], segments[1:]
    inner = _nested(document.get(head) or {}, rest, value) if rest else value
    return {**document, head: inner}


def _patience(decision: Decision, kind: Kind) -> float:
    if not kind.facts.settles:
        return SEEN
    if str(decision.change.impact) != "infrastructure":
        return SETTLED
    policy = decision.spec.get("updatePolicy") or {}
    return float(policy.get("jobExecutionTimeoutMinutes") or UPDATE_MINUTES) * 60 + UPDATE_MARGIN


def _tags(decision: Decision, kind: Kind) -> list[Step]:
    live = decision.live
    tagged = [difference for difference in decision.change.differences if difference.rule == "tags"]
    if live is None or not tagged:
        return []
    keys = {paths.split(difference.path)[1]: difference.after for difference in tagged}
    added = {key: value for key, value in keys.items() if value is not None}
    removed = [key for key, value in keys.items() if value is None]
    steps = []
    if added:
        goal = Goal(kind.name, live.name, "seen", {f"tags[{key}]": value for key, value in added.items()}, SEEN)
        ours = all(key.startswith(HOUSE_TAG_PREFIX) for key in added)
        why = "our tags say whose it is" if ours else "tags are edited in place"
        steps.append(_step("tag", decision, "TagResource", {"resourceArn": live.arn, "tags": added}, goal, why))
    if removed:
        goal = Goal(kind.name, live.name, "seen", {f"tags[{key}]": None for key in removed}, SEEN)
        arguments = {"resourceArn": live.arn, "tagKeys": removed}
        steps.append(_step("untag", decision, "UntagResource", arguments, goal, "tags are edited in place"))
    return steps


def _removal(decision: Decision, world: World) -> Lowered:
    kind = world.kinds[decision.change.kind]
    if decision.refusals or not decision.ours:
        return Lowered()
    if kind.facts.revisions:
        return _chain(
            [
                _step(
                    "deregister",
                    decision,
                    kind.facts.delete,
                    {kind.delete_key: live.arn},
                    None,
                    "it left the manifest",
                    suffix=f":{live.revision}",
                )
                for live in decision.ours
            ]
        )
    several = len(decision.ours) > 1
    chains = [_delete(decision, kind, live, f"@{live.name}" if several else "") for live in decision.ours]
    steps = [step for chain in chains for step in chain]
    last = next(step.id for step in reversed(steps) if step.when == "ok")
    return Lowered(tuple(steps), last)


def _delete(decision: Decision, kind: Kind, live: Live, suffix: str) -> list[Step]:
    key = live.arn
    gone = Goal(kind.name, live.name, "gone", deadline=GONE)
    if live.status == "DELETING":
        return [_step("wait", decision, None, {}, gone, "it is being deleted already", suffix=suffix)]
    steps: list[Step] = []
    enabled = kind.facts.switched and live.state != "DISABLED"
    if enabled and kind.facts.update:
        goal = Goal(kind.name, live.name, "disabled", deadline=DISABLED)
        arguments = {kind.update_key: key, "state": "DISABLED"}
        why = f"a {kind.title} must be disabled before it is deleted"
        steps.append(_step("disable", decision, kind.facts.update, arguments, goal, why, suffix=suffix))
    if kind.name == "job_queue":
        goal = Goal(kind.name, live.name, "drained", deadline=0)
        why = "deleting a queue ends its jobs, so there must be none"
        jobs = _step("jobs", decision, "ListJobs", {"jobQueue": key}, goal, why, after=_last(steps), suffix=suffix)
        steps.append(jobs)
        if enabled and kind.facts.update:
            goal = Goal(kind.name, live.name, "settled", {"state": "ENABLED"}, SETTLED)
            arguments = {kind.update_key: key, "state": "ENABLED"}
            why = "the queue stays, so it takes jobs again"
            steps.append(
                _step(
                    "enable",
                    decision,
                    kind.facts.update,
                    arguments,
                    goal,
                    why,
                    after=(jobs.id,),
                    when="failed",
                    suffix=suffix,
                )
            )
    arguments = {kind.delete_key: key}
    after = _last([step for step in steps if step.when == "ok"])
    steps.append(
        _step(
            "delete", decision, kind.facts.delete, arguments, gone, "it left the manifest", after=after, suffix=suffix
        )
    )
    return steps


def _last(steps: Sequence[Step]) -> tuple[str, ...]:
    return (steps[-1].id,) if steps else ()
