"""Values that look secret, replaced before anything is shown.

Looked at are the environment, the parameters of a definition and the options of its log driver, each by name; a secret
belongs in `secrets` with `valueFrom`, which names a place and no value. What a plan knows to be secret,
since a variable says so, is looked for everywhere.
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
_MASKED = re.compile(r"\(secret [0-9a-f]{8}\)")
_ENTRY = frozenset({"name", "value"})


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
    blur = _Blur((*plan.secrets, *secrets), salt)
    return attrs.evolve(
        plan,
        changes=tuple(_mask_change(change, blur) for change in plan.changes),
        steps=tuple(_mask_step(step, blur) for step in plan.steps),
        wanted={},
        secrets=(),
    )


def without(value: Any, secrets: Sequence[str]) -> Any:
    """A text, or all texts and numbers of a document, in which `(secret)` stands for each of these."""
    return _replaced(value, lambda text: _bare(text, secrets))


def _bare(text: str, secrets: Sequence[str]) -> str:
    """A text in which `(secret)` stands for each of these."""
    for one in secrets:
        text = text.replace(one, "(secret)")
    return text


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


@attrs.frozen
class _Blur:
    """Masks what is secret by its name, and these secrets wherever they stand."""

    secrets: tuple[str, ...] = attrs.field(repr=False)
    salt: str | None

    def at(self, path: str, value: Any) -> Any:
        return self._without(_at(path, value, self.salt))

    def arguments(self, document: Any) -> Any:
        return self._without(mask(document, self.salt))

    def difference(self, difference: Difference) -> Difference:
        """Where a secret is to stand, another one stood before: of that nothing is shown but what stays."""
        path, before, after = difference.path, difference.before, difference.after
        shown = self.at(path, before)
        texts = {*_scalars(after)} if self.secrets else set()
        if any(secret in text for secret in self.secrets for text in texts):
            shown = _replaced(
                shown, lambda text: text if text in texts or _MASKED.fullmatch(text) else self._digest(text)
            )
        return attrs.evolve(difference, before=shown, after=self.at(path, after))

    def _without(self, value: Any) -> Any:
        return _replaced(value, self._cleared) if self.secrets else value

    def _digest(self, text: str) -> str:
        return str(_masked(text, self.salt))

    def _cleared(self, text: str) -> str:
        """The text without secrets; one that is nothing else is told from others."""
        if text in self.secrets:
            return self._digest(text)
        return _bare(text, self.secrets)


def _scalars(value: Any) -> Iterator[str]:
    """The texts in a value, and its numbers as texts."""
    match value:
        case Mapping():
            for inner in value.values():
                yield from _scalars(inner)
        case list() | tuple():
            for inner in value:
                yield from _scalars(inner)
        case bool():
            return
        case str() | int() | float():
            yield str(value)


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    """A copy with every text changed, and every number whose text would be."""
    match value:
        case Mapping():
            return {key: _replaced(inner, change) for key, inner in value.items()}
        case list() | tuple():
            return [_replaced(inner, change) for inner in value]
        case bool():
            return value
        case str() | int() | float() if (made := change(str(value))) != str(value):
            return made
    return value


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


def _mask_change(change: Change, blur: _Blur) -> Change:
    return attrs.evolve(change, differences=tuple(map(blur.difference, change.differences)))


def _mask_step(step: Step, blur: _Blur) -> Step:
    goal = step.goal and attrs.evolve(
        step.goal, expect={path: blur.at(path, value) for path, value in step.goal.expect.items()}
    )
    return attrs.evolve(step, arguments=blur.arguments(step.arguments), goal=goal)
