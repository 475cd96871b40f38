"""Values that look secret, replaced before anything is shown.

Looked at are the environment, the parameters of a definition and the options of its log driver, each by name; a secret
belongs in `secrets` with `valueFrom`, which names a place and no value.
What is kept as it is: the plan file, since it must be carried out.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from plans.change import Change, Difference
from plans.plan import Plan, Step

_ANYWHERE = re.compile(r"password|passwd|passphrase|secret(?!ar)|credential|apikey|privatekey|accesskey")
_WORD = re.compile(r"(?:auth|pass|pwd|creds?|keys?|tokens?)$")
_INNOCENT = frozenset({"bypass", "compass", "donkey", "hockey", "hotkey", "jockey", "monkey", "turkey", "whiskey"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ENTRY_PATH = re.compile(r"(?:^|\.)(?:environment|env|options|parameters)\[(?P<name>.*)\](?:\.value)?$", re.DOTALL)
_NAMED = ("options", "parameters")
_ENTRY = frozenset({"name", "value"})

_Shown = Callable[[str | None, Any], Any]
"""What is shown of a value that stands at a path, or of a whole document."""


def secret(name: str) -> bool:
    """Whether a variable's name says that its value is secret: DB_PASSWORD, apiKey, GITHUB_TOKEN, not KEYBOARD."""
    lower = name.lower()
    words = {*re.findall(r"[a-z]+", lower), *(word.lower() for word in _WORDS.findall(name))}
    return bool(_ANYWHERE.search(lower)) or any(_WORD.search(word) for word in words - _INNOCENT)


def mask(document: Any, salt: str | None) -> Any:
    """A copy in which the `value` of each `{"name", "value"}` entry with a secret name is `(secret 1f2e3d4c)`.

    The hexadecimal is a digest over salt and value, so that of two masked values one sees whether they are equal;
    the salt is new in each run, so that a value cannot be guessed from a digest. Without salt it is `(secret)`.
    """
    match document:
        case {"name": str(name), "value": value} if secret(name):
            others = {key: _member(key, other, salt) for key, other in document.items() if key != "value"}
            return others | {"value": _masked(value, salt)}
        case Mapping():
            return {key: _member(key, value, salt) for key, value in document.items()}
        case list() | tuple():
            return [mask(element, salt) for element in document]
        case _:
            return document


def mask_plan(plan: Plan, salt: str | None) -> Plan:
    """The plan with differences, arguments and goals masked, for a view; it can no longer be applied."""
    return mask_plan_without(plan, salt, ())


def mask_plan_without(plan: Plan, salt: str | None, secrets: Sequence[str]) -> Plan:
    """The same, and these texts are not shown wherever they stand; the longest come first."""

    def shown(path: str | None, value: Any) -> Any:
        masked = mask(value, salt) if path is None else _at(path, value, salt)
        return without(masked, secrets) if secrets else masked

    return attrs.evolve(
        plan,
        changes=tuple(_mask_change(change, shown) for change in plan.changes),
        steps=tuple(_mask_step(step, shown) for step in plan.steps),
        wanted={},
    )


def without(value: Any, secrets: Sequence[str]) -> Any:
    """A text, or all texts of a document, in which `(secret)` stands for each of these."""
    match value:
        case str():
            for text in secrets:
                value = value.replace(text, "(secret)")
            return value
        case Mapping():
            return {key: without(inner, secrets) for key, inner in value.items()}
        case list() | tuple():
            return [without(inner, secrets) for inner in value]
    return value


def texts_in(value: Any) -> Iterator[str]:
    """All texts of a document that are values."""
    match value:
        case str():
            yield value
        case list() | tuple():
            for inner in value:
                yield from texts_in(inner)
        case Mapping():
            for inner in value.values():
                yield from texts_in(inner)


def _masked(value: Any, salt: str | None) -> Any:
    """Only scalars are secret: a reference is an address, and None is no value."""
    if not isinstance(value, str | int | float):
        return mask(value, salt)
    if salt is None:
        return "(secret)"
    digest = hashlib.sha256(f"{salt}\0{value}".encode("utf-8", "surrogatepass"))
    return f"(secret {digest.hexdigest()[:8]})"


def _member(key: str, value: Any, salt: str | None) -> Any:
    """A member of a document; in the normal form an entry may stand under its name."""
    if isinstance(value, Mapping) and "value" in value and _ENTRY.issuperset(value) and secret(key):
        return {**value, "value": _masked(value["value"], salt)}
    if isinstance(value, Mapping) and key in _NAMED:
        return {name: _masked(item, salt) if secret(name) else mask(item, salt) for name, item in value.items()}
    return mask(value, salt)


def _at(path: str, value: Any, salt: str | None) -> Any:
    """A value found at a path such as `containerProperties.environment[DB_PASSWORD].value`.

    An entry that is told by its position alone is taken for secret, since its name is not known.
    """
    entry = _ENTRY_PATH.search(path)
    if entry is None or not (secret(entry["name"]) or entry["name"].isdigit()):
        return _member(path.rpartition(".")[2], value, salt)
    return _member(entry["name"], value, salt) if isinstance(value, Mapping) else _masked(value, salt)


def hides(path: str, value: Any) -> bool:
    """Whether a view would mask what stands at a path, or part of it."""
    return bool(_at(path, value, None) != value)


def _mask_difference(difference: Difference, shown: _Shown) -> Difference:
    before, after = (shown(difference.path, value) for value in (difference.before, difference.after))
    return attrs.evolve(difference, before=before, after=after)


def _mask_change(change: Change, shown: _Shown) -> Change:
    return attrs.evolve(change, differences=tuple(_mask_difference(each, shown) for each in change.differences))


def _mask_step(step: Step, shown: _Shown) -> Step:
    goal = step.goal and attrs.evolve(
        step.goal, expect={path: shown(path, value) for path, value in step.goal.expect.items()}
    )
    return attrs.evolve(step, arguments=shown(None, step.arguments), goal=goal)
