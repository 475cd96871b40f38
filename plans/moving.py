"""What is not of this stack and changes along with it: queues of others that are moved since somebody named them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import attrs

from plans.change import Action, Change, Difference, Refusal
from plans.decision import Decision
from plans.plan import Step
from plans.world import World
from providers.resources import Address, Ref

_QUEUE = "job_queue"
_WHY = "it was said to be moved along"


def moved_along(decisions: Iterable[Decision], steps: Iterable[Step], world: World) -> Iterable[Change]:
    """One change for each object of others that steps of ours move: what it names before and after every move."""
    decided = [*decisions]
    names = {decision.change.address: decision.change.name for decision in decided}
    known = {decision.live.arn for decision in decided if decision.live is not None}
    shown: dict[str, Change] = {}
    before: dict[tuple[str, str], Any] = {}
    for step in steps:
        goal = step.goal
        if goal is None or goal.kind == step.address.partition(".")[0] or goal.kind not in world.kinds.by_name:
            continue
        kind = world.kinds[goal.kind]
        user = world.by_arn.get(str(step.arguments.get(kind.update_key)))
        if step.call != kind.facts.update or user is None or user.owner == world.stack or user.arn in known:
            continue
        change = shown.get(user.arn) or Change(
            Address(kind.name, user.name), user.name, Action.UPDATE, reason=_WHY, owner=user.owner or ""
        )
        for member, value in goal.expect.items():
            old = before.get((user.arn, member), user.spec.get(member))
            row = Difference(member, _told(old, names), _told(value, names), "move", _WHY)
            change = attrs.evolve(change, differences=(*change.differences, row))
            before[user.arn, member] = value
        shown[user.arn] = change
    return shown.values()


def unknown(world: World) -> Iterator[Refusal]:
    """The names of queues that were said to be moved along and are no queue's."""
    if _QUEUE in world.snapshot.unobserved:
        return
    there = sorted({live.name for live in world.snapshot.of(_QUEUE)})
    for name in sorted(world.asked.move_references):
        if name not in there:
            near = get_close_matches(name, there, 1)
            hint = f"did you mean {near[0]}?" if near else "give the name of a queue that is there, or leave it out"
            yield Refusal(
                "", "unknown-queue", f"--move-foreign-references names {name}, and no queue is called so", hint
            )


def _told(value: Any, names: Mapping[Address, str]) -> Any:
    """The names of what a member refers to, in order: of a list all, else the one."""
    if isinstance(value, list | tuple):
        return [_told(item, names) for item in _ordered(value)]
    if isinstance(value, Mapping):
        return next((_told(item, names) for item in value.values() if isinstance(item, str | Ref)), None)
    if isinstance(value, Ref):
        return names.get(value.address, value.address.name)
    return str(value).rpartition("/")[2] if value is not None else None


def _ordered(entries: Sequence[Any]) -> Sequence[Any]:
    """The entries of a list that says its order itself in that order."""
    if all(isinstance(entry, Mapping) and "order" in entry for entry in entries):
        return sorted(entries, key=lambda entry: entry["order"])
    return entries
