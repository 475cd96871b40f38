"""What is true of every status that a controller ever tells, whatever goes on."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, get_args

import attrs

from reconciler.controller import rounds
from reconciler.controller.agenda import Held
from reconciler.controller.conditions import ALLOWED, KINDS, SEEN, Answer, Kind
from reconciler.controller.loop import Loop
from reconciler.controller.notes import Notes
from reconciler.controller.status import Status


def letters(status: Status) -> dict[Kind, str]:
    return {kind: status.conditions[kind].status for kind in KINDS}


def untrue(held: Held, loop: Loop, before: Status | None, now: float) -> Iterator[str]:
    """What does not hold of a status; `before` is the one that was told before it."""
    status, told = held.status, held.status.conditions
    if tuple(told) != KINDS:
        yield f"conditions are missing or in disorder: {[*told]}"
        return
    for kind, each in told.items():
        if each.kind != kind or each.status not in get_args(Answer) or each.reason not in ALLOWED[kind][each.status]:
            yield f"{kind} {each.status} {each.reason} is not in the table"
        if each.since > now:
            yield f"{kind} is so since a time that is to come"
        if before is not None:
            earlier = before.conditions[kind]
            if each.since != (earlier.since if earlier.status == each.status else now):
                yield f"{kind} is so since {each.since}, and was since {earlier.since}"
    yield from _sums(held, loop)
    is_ = letters(status)
    if status.looked_at is None and "Unknown" not in {is_[kind] for kind in SEEN}:
        yield "nobody looked, and something was seen"
    if is_["DriftDetected"] == "False" and not status.applied:
        yield "nothing was applied, and did not move away"
    if is_["Healthy"] == "True" and not status.inventory and not status.applied:
        yield "nothing is there, and healthy"
    if is_["Planned"] == "True" and (status.plan is None or status.plan not in told["Planned"].message):
        yield "there is a plan, and not"
    if is_["AwaitingApproval"] == "True" and status.plan not in told["AwaitingApproval"].message.split():
        yield "a plan is awaited that is not at hand"
    if is_["Suspended"] != ("True" if held.resting else "False"):
        yield "it is suspended, and not"


def _sums(held: Held, loop: Loop) -> Iterator[str]:
    status, told, is_ = held.status, held.status.conditions, letters(held.status)
    if is_["Reconciling"] == is_["Stalled"] == "True":
        yield "it goes on by itself, and does not"
    if is_["Ready"] == "False" and "True" not in (is_["Reconciling"], is_["Stalled"], is_["Suspended"]):
        yield "it is not ready, and nothing says why"
    if is_["AwaitingApproval"] == "True" and (is_["Ready"], is_["Stalled"]) != ("False", "True"):
        yield "an approval is awaited, and it goes on"
    if is_["Stalled"] == "True" and is_["Ready"] != "False":
        yield "it is stuck, and ready"
    if is_["Ready"] == "Unknown" and {is_[kind] for kind in SEEN} != {"Unknown"}:
        yield "something was seen, and nobody knows whether it is ready"
    newest = loop.agenda.sources[held.stack.source].revision
    if is_["Ready"] == "True" and newest is not None:
        wanted = rounds.digest(held.stack, newest)
        changing = held.stack.mode in ("apply", "apply-and-heal")
        had = status.digest if changing else held.wish.digest if held.wish else status.digest
        if had != wanted:
            yield f"it is ready, and not as revision {newest.id} says"
        if changing and not status.applied:
            yield "it is ready, and nothing was applied"
        if changing and told["Ready"].reason in ("PlanMade", "ObservesOnly"):
            yield "it is to be applied, and ready since it was not"


@attrs.define(eq=False)
class Witness:
    """Notes of which each status is looked at as it is told; `faults` is what was not true of one."""

    notes: Notes
    loop: Loop
    now: Callable[[], float]
    faults: list[str] = attrs.field(factory=list)
    seen: set[tuple[Kind, Answer, str]] = attrs.field(factory=set)
    _last: dict[str, tuple[int | None, Status]] = attrs.field(factory=dict)

    def put(self, key: Hashable, write: Callable[[], Any], *, own: bool = False) -> None:
        match key:
            case ("status", str(name)):
                self.look(self.loop.agenda.held[name])
        self.notes.put(key, write, own=own)

    def __contains__(self, key: Hashable) -> bool:
        return key in self.notes

    def look(self, held: Held) -> None:
        """Whoever comes to lead anew may have forgotten what was told before."""
        name, leading = held.stack.name, self.loop.leading
        by, before = self._last.get(name, (None, None))
        found = [*untrue(held, self.loop, before if by == leading is not None else None, self.now())]
        self.faults += [f"{fault}: {held.status}" for fault in found]
        self._last[name] = (leading, held.status)
        self.seen |= {(kind, each.status, each.reason) for kind, each in held.status.conditions.items()}
