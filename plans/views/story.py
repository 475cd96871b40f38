"""What a plan does to one resource beyond its differences, in the order in which it does it: made from its steps.

That a resource is replaced does not say what becomes of those that use it, nor what goes when. So the steps of a
replacement are told as a few sentences, as are those of a deletion of several objects.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import attrs

from plans.change import Action, Change
from plans.plan import Plan, Step
from plans.printable import plain
from plans.views import wording
from providers.resources import Ref

_NOUNS: Mapping[str, str] = {"job_queue": "queue"}


def story(plan: Plan, change: Change) -> tuple[str, ...]:
    """The sentences, without a full stop; none of a change that is told by its differences."""
    if change.action not in (Action.REPLACE, Action.DELETE):
        return ()
    address = str(change.address)
    own = [step for step in plan.steps if step.address == address]
    gone = frozenset(step.goal.name for step in own if step.goal is not None and step.goal.until == "gone")
    if change.action is Action.DELETE:
        return tuple(_Story(change, gone, {}, {}).told(own)) if len(gone) > 1 else ()
    following = {str(other.address) for other in plan.changes if _follows(other, change, gone)}
    steps = [
        step for step in plan.steps if step.address == address or (step.address in following and _moving(step, change))
    ]
    others = {moved.name: wording.whose(moved) for moved in plan.changes if moved.owner is not None}
    return tuple(_Story(change, gone, others, wording.named(plan)).told(steps))


def _follows(other: Change, change: Change, gone: frozenset[str]) -> bool:
    """Whether a change of its own takes a user from what is to be gone to what takes its place."""
    rows = other.differences if other.action is Action.UPDATE and other.kind != change.kind else ()
    before = {_name(value) for row in rows for value in _references(row.before)}
    after = [value for row in rows for value in _references(row.after)]
    to = any(value == Ref(change.address) or _name(value) == change.name for value in after)
    return to and not gone.isdisjoint(before)


def _moving(step: Step, change: Change) -> bool:
    """Whether a step tells a user what it is to refer to."""
    return step.goal is not None and step.call is not None and step.goal.kind not in (change.kind, "job")


@attrs.define
class _Story:
    """`gone` are the objects that will be there no more, `others` the users that are not of this stack, `names` those
    of all addresses."""

    change: Change
    gone: frozenset[str]
    others: Mapping[str, str]
    names: Mapping[str, str]
    made: list[str] = attrs.field(factory=list, init=False)
    left: list[str] = attrs.field(factory=list, init=False)
    retiring: dict[str, list[str]] = attrs.field(factory=dict, init=False)

    def told(self, steps: Sequence[Step]) -> Iterator[str]:
        for moving, group in groupby(steps, lambda step: _moving(step, self.change)):
            if moving:
                yield from self.moved(list(group))
            else:
                for step in group:
                    yield from self.step(step)

    def creates(self, step: Step) -> bool:
        return step.call is not None and step.call.startswith("Create") and not _moving(step, self.change)

    def step(self, step: Step) -> Iterator[str]:
        if step.goal is None or step.when == "failed":
            return
        name = plain(step.goal.name)
        if self.creates(step):
            anew = " anew" if name in self.left else ""
            third = "" if name == plain(self.change.name) else ", which stands in for it meanwhile"
            self.made.append(name)
            yield f"makes {name}{anew}{third}"
        elif step.call == "SubmitJob":
            yield f"runs a canary of {_definition(step.arguments.get('jobDefinition'))} on {self.latest}"
        elif step.goal.until == "disabled":
            self.retiring.setdefault(name, []).append("disables it")
        elif step.goal.until == "drained":
            waits = "waits for its jobs" if step.call is None else "makes sure that it has no jobs"
            self.retiring.setdefault(name, []).append(waits)
        elif step.goal.until == "gone":
            yield self.retired(name, deleted=step.call is not None)

    def retired(self, name: str, *, deleted: bool) -> str:
        how = ", ".join([*self.retiring.pop(name, ()), "deletes it"])
        self.left.append(name)
        return f"retires {name}: {how}" if deleted else f"waits until {name} is gone, which is being deleted"

    @property
    def latest(self) -> str:
        return self.made[-1] if self.made else plain(self.change.name)

    def moved(self, steps: Iterable[Step]) -> Iterator[str]:
        """Where each user goes; of those that only let go, what they have left."""
        to: dict[tuple[str, str], list[str]] = {}
        for step in sorted(steps, key=lambda step: step.goal is not None and step.goal.name in self.others):
            assert step.goal is not None
            names = [self.named(value) for value in _references(step.goal.expect)]
            here = [*self.made, plain(self.change.name), *map(plain, self.gone)]
            there = next((name for name in names if name in here), "")
            users = to.setdefault((_NOUNS.get(step.goal.kind, step.goal.kind.replace("_", " ")), there), [])
            name = plain(step.goal.name)
            whose = f" ({self.others[step.goal.name]})" if step.goal.name in self.others else ""
            has = "" if there else f" (left with {_listed(names) or 'nothing'} meanwhile)"
            users.append(f"{name}{whose}{has}")
        for (noun, there), users in to.items():
            what = f"{noun}{'' if len(users) == 1 else 's'} {_listed(users)}"
            if not there:
                yield f"takes it out of the {what}"
            else:
                yield f"moves the {what} {'back ' if there in self.left else ''}to {there}"

    def named(self, value: Any) -> str:
        """The name of an object that a list refers to."""
        return plain(self.names.get(str(value.address), value.address.name) if isinstance(value, Ref) else _name(value))


def _references(value: Any) -> Iterator[Any]:
    match value:
        case Mapping():
            for item in value.values():
                yield from _references(item)
        case list() | tuple():
            for item in value:
                yield from _references(item)
        case str() | Ref():
            yield value


def _name(value: Any) -> str:
    """The name in an ARN."""
    return str(value).rpartition("/")[2]


def _definition(said: Any) -> str:
    return plain(said.address.name if isinstance(said, Ref) else _name(said))


def _listed(names: Sequence[str]) -> str:
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last
