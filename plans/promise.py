"""Whether a plan that was made before holds one that is made now, be it half carried out meanwhile.

A plan that was half carried out leaves marks: what it made is there and named by its ARN, a user stands where one of
several moves took it, and what two updates were to do is left to one. So steps are told apart by what they do,
whatever they are called, and what a plan itself brings about on its way is nobody else's change.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from plans import paths
from plans.change import Action, Change, Difference
from plans.jsonform import encode, encode_members, taken_on_trust
from plans.masking import mask_plan
from plans.plan import Plan, Step
from plans.printable import plain
from providers.resources import Address

_TOLD = 5
_MEMBER = re.compile(r"[^.\[]+")

Thing = tuple[str, str]
"""An object by kind and name."""
Made = Mapping[str, Thing]
"""What each reference of a plan names."""


@taken_on_trust()
def compare(held: Plan, fresh: Plan) -> list[str]:
    """One sentence for each step and each difference of `fresh` that `held` does not hold; empty where it stands.

    A difference that was not shown, or that starts from another value, means that somebody else moved the world, unless
    a step of `held` brings that value about.

    Steps are the same where call, object, arguments, goal and when are; a reference of `held` is kept by the ARN of
    what it names, made since, and the other way round. Of an update it is enough that other updates of the same object
    send all of it. Steps of `held` that `fresh` lacks are done already, and a wait that only `fresh` holds, for what
    was called since, changes nothing. Sentences hold no control characters, and no secrets of the environment.
    """
    made = {
        f"{step.address}#arn": (step.goal.kind, step.goal.name) for step in held.steps if step.goal and _creates(step)
    }
    made |= {f"{change.address}#arn": (change.kind, change.name) for change in held.changes if change.owner is None}
    promised, deeds = _by_id(held), [_deed(step, made) for step in held.steps]
    wanted = {(change.kind, change.name) for change in fresh.changes}
    kept, moved, broken = list[Step](), list[Step](), list[Step]()
    for step in fresh.steps:
        if step.id in promised and _equal(_promise(promised[step.id]), _promise(step), made):
            kept.append(step)
        else:
            (moved if _done(_deed(step, made), deeds, wanted, made) else broken).append(step)
    created = {str(change.address) for change in held.changes if change.action is Action.CREATE}
    # Of what was to be created no difference could be shown; what a create leaves to an update is one then.
    addresses = {step.address for step in kept if step.call is not None} - created
    addresses |= {step.address for step in moved if step.call is not None}
    return [*_unseen(held, fresh, addresses, deeds, made), *_told(broken, held, fresh, made)]


@taken_on_trust()
def replaced_by(held: Plan, fresh: Plan) -> frozenset[Address]:
    """Where `fresh` would take away what `held` was to make in place of something, and has made."""

    def things(plan: Plan, verb: str) -> set[Thing]:
        called = [step for step in plan.steps if (step.call or "").startswith(verb)]
        return {(step.goal.kind, step.goal.name) for step in called if step.goal is not None}

    made = things(held, "Create") - things(held, "Delete")
    again = made & things(fresh, "Delete")
    return frozenset(change.address for change in held.changes if (change.kind, change.name) in again)


@attrs.frozen
class _Deed:
    """What a step does to an object: `sent` is all that its call says but for whose it is, as JSON.

    `target` is None where that cannot be told.
    """

    step: Step
    target: Thing | None
    sent: Mapping[str, Any]


def _deed(step: Step, made: Made) -> _Deed:
    sent = encode_members(step.arguments)
    thing = None if step.goal is None else (step.goal.kind, step.goal.name)
    key = next((name for name, value in sent.items() if thing is not None and _names(value, thing, made)), None)
    if key is None:
        return _Deed(step, None, sent)
    return _Deed(step, thing, {name: value for name, value in sent.items() if name != key})


def _names(value: Any, thing: Thing, made: Made) -> bool:
    match value:
        case {"$ref": str() as reference}:
            return made.get(reference) == thing
        case str():
            return value == thing[1] or _is_arn_of(value, thing)
        case _:
            return False


def _done(deed: _Deed, deeds: Iterable[_Deed], wanted: set[Thing], made: Made) -> bool:
    """Whether steps under other ids do the same.

    What is there for the time of a plan only, a canary's queue, is made as it is by its create: an update that sends
    the same of it again is held too.
    """
    step = deed.step
    alike = [
        other
        for other in deeds
        if other.target == deed.target and other.step.when in (step.when, "always") and _as_late(other.step, step)
    ]
    whole = [other for other in alike if other.step.call == step.call and _equal(other.sent, deed.sent, made)]
    if whole or deed.target is None or not (step.call or "").startswith("Update"):
        return any(_equal(_goal(other.step), _goal(step), made) for other in whole)
    parts = [
        other for other in alike if other.step.call == step.call or (deed.target not in wanted and _creates(other.step))
    ]
    return bool(parts) and all(
        any(name in other.sent and _equal(other.sent[name], value, made) for other in parts)
        for name, value in deed.sent.items()
    )


def _as_late(old: Step, new: Step) -> bool:
    """Whether both wait for the same, and as long."""
    return old.goal is new.goal or (
        old.goal is not None
        and new.goal is not None
        and (old.goal.until, old.goal.deadline) == (new.goal.until, new.goal.deadline)
    )


def _unseen(held: Plan, fresh: Plan, addresses: set[str], deeds: Sequence[_Deed], made: Made) -> Iterator[str]:
    """The differences at these addresses that nobody was shown, and that no step of the plan explains."""
    shown: dict[tuple[str, str], list[Difference]] = {}
    for change in held.changes:
        for difference in change.differences:
            shown.setdefault((str(change.address), difference.path), []).append(difference)
    for change, masked in zip(fresh.changes, mask_plan(fresh, None).changes, strict=True):
        if str(change.address) not in addresses:
            continue
        new = [
            (difference, told)
            for difference, told in zip(change.differences, masked.differences, strict=True)
            if not any(
                _equal(encode(candidate.before), encode(difference.before), made)
                and _equal(encode(candidate.after), encode(difference.after), made)
                for candidate in shown.get((str(change.address), _named(difference.path, made)), ())
            )
        ]
        for difference, told in new:
            together = [other for other, _ in new if _member(other.path) == _member(difference.path)]
            if not _brought_about(change, together, deeds, made):
                values = f"{json.dumps(encode(told.before))} → {json.dumps(encode(told.after))}"
                yield f"{plain(f'{change.address}: {difference.path}')} is now {values}, which the plan did not show"


def _brought_about(change: Change, differences: Sequence[Difference], deeds: Iterable[_Deed], made: Made) -> bool:
    """Whether one step leaves a member of an object as these differences, all that there are of it, say that it is."""
    (member,) = {_member(difference.path) for difference in differences}
    if member == "name":
        reference = f"{change.address}#arn"
        return all(
            made.get(reference) == (change.kind, difference.after)
            and any(deed.target == (change.kind, difference.before) and _creates(deed.step) for deed in deeds)
            for difference in differences
        )
    return any(
        deed.target == (change.kind, change.name)
        and member in deed.sent
        and all(_stands(deed.sent, difference, made) for difference in differences)
        for deed in deeds
    )


def _creates(step: Step) -> bool:
    return step.call is not None and step.call.startswith("Create")


def _stands(sent: Mapping[str, Any], difference: Difference, made: Made) -> bool:
    """Whether what was sent has at the path of a difference what that starts from."""
    here: Any = sent
    tag = paths.tag_of(difference.path)
    for segment in ("tags", tag) if tag is not None else paths.split(difference.path):
        match here:
            case dict():
                here = here.get(segment)
            case list():
                here = next((entry for entry in here if _tells(entry, segment, made)), None)
            case _:
                return False
    return _equal(here, encode(difference.before), made)


def _tells(entry: Any, name: str, made: Made) -> bool:
    """Whether an entry of a list is the one of this name: an ARN, or a reference as text."""
    values = entry.values() if isinstance(entry, dict) else ()
    return any(_equal(value, name, made) or _equal(value, {"$ref": name}, made) for value in values)


def _told(broken: Iterable[Step], held: Plan, fresh: Plan, made: Made) -> Iterator[str]:
    promised, held_shown, fresh_shown = _by_id(held), _by_id(mask_plan(held, None)), _by_id(mask_plan(fresh, None))
    for step in broken:
        what = plain(f"{f'{step.call} of' if step.call else 'the wait for'} {step.address} (step {step.id})")
        if step.id in promised:
            differing = _moved(_made_since(_promise(promised[step.id]), _promise(step), made), _promise(step))
            old, new = (dict(_leaves("", _promise(shown[step.id]))) for shown in (held_shown, fresh_shown))
            told = [f"{plain(path)} was {_word(old, path)} and is now {_word(new, path)}" for path in differing[:_TOLD]]
            more = [f"{len(differing) - _TOLD} more differ"] if len(differing) > _TOLD else []
            yield f"{what} is not as in the plan: {'; '.join(told + more)}"
        elif step.call is not None:
            yield f"{what} is needed now and is not in the plan"


def _member(path: str) -> str:
    """The member of a document in which a path begins."""
    found = _MEMBER.match(path)
    return found[0] if found else path


def _named(path: str, made: Made) -> str:
    """The path as it was promised, with the reference that stood where an ARN made since stands now."""
    for reference, thing in made.items() if "[arn:" in path else ():
        found = next((part for part in path.split("[")[1:] if _is_arn_of(part.partition("]")[0], thing)), None)
        if found is not None:
            path = path.replace(f"[{found.partition(']')[0]}]", f"[{reference}]")
    return path


def _by_id(plan: Plan) -> Mapping[str, Step]:
    return {step.id: step for step in plan.steps}


def _promise(step: Step) -> Mapping[str, Any]:
    """What is promised of a step, as JSON."""
    return {
        "call": step.call,
        "when": step.when,
        "arguments": encode_members(step.arguments),
        "goal": _goal(step),
    }


def _goal(step: Step) -> Mapping[str, Any] | None:
    if step.goal is None:
        return None
    return {**attrs.asdict(step.goal, recurse=False), "expect": encode_members(step.goal.expect)}


def _moved(old: Any, new: Any) -> list[str]:
    """The paths at which two promises differ."""
    before, after = dict(_leaves("", old)), dict(_leaves("", new))
    return [path for path in {**before, **after} if _word(before, path) != _word(after, path)]


def _equal(old: Any, new: Any, made: Made) -> bool:
    return _canonical(_made_since(old, new, made)) == _canonical(new)


def _made_since(old: Any, new: Any, made: Made) -> Any:
    """What was promised, in the words of now: an ARN in place of a reference to its object, and the other way round."""
    match old, new:
        case {"$ref": str() as reference}, str() as arn if _is_arn_of(arn, made.get(reference), of_any_revision=True):
            return arn
        case {"$ref": str() as reference}, str() if reference.endswith("#uuid"):
            return new
        case str() as arn, {"$ref": str() as reference} if _is_arn_of(arn, made.get(reference)):
            return new
        case dict(), dict():
            return {key: _made_since(value, new.get(key), made) for key, value in old.items()}
        case list(), list() if len(old) == len(new):
            return [_made_since(*pair, made) for pair in zip(old, new, strict=True)]
        case _:
            return old


def _is_arn_of(arn: str, thing: Thing | None, *, of_any_revision: bool = False) -> bool:
    """Whether this is the ARN of an object. Which revision a registration makes is known only after it."""
    if thing is None or arn.count(":") < 5:
        return False
    kind, name = thing
    told = arn.split(":", 5)[5]
    if of_any_revision and kind == "job_definition":
        told = told.rpartition(":")[0]
    return told == f"{kind.replace('_', '-')}/{name}"


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case dict() if value:
            for key, member in value.items():
                yield from _leaves(f"{path}.{key}" if path else key, member)
        case list() if value:
            for position, element in enumerate(value):
                yield from _leaves(f"{path}[{position}]", element)
        case _:
            yield path, value


def _word(leaves: Mapping[str, Any], path: str) -> str:
    return json.dumps(leaves[path]) if path in leaves else "unset"


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
