"""What other tools may import, as text that a reader can compare: `python -m tests.architecture.surface` prints it."""

import enum
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

PACKAGES = ("plans", "providers", "reconciler")
FILE = Path(__file__).parent / "surface.txt"
OPAQUE = ("Kinds", "Connection")
"""Made by one name and given to another; what is in them is nobody's else."""

_MODULES = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])")


def surface() -> str:
    """All public names of the three packages with their signatures, members and values."""
    return "".join(f"{line}\n" for package in PACKAGES for line in (f"# {package}", "", *_package(package), ""))


def _package(name: str) -> Iterator[str]:
    package = import_module(name)
    for public in sorted(package.__all__, key=str.lower):
        yield from _told(public, getattr(package, public))


def _told(name: str, thing: Any) -> Iterator[str]:
    if name in OPAQUE:
        yield f"class {name}"
    elif inspect.isclass(thing) and issubclass(thing, enum.Enum):
        yield f"enum {name}: {', '.join(member.name for member in thing)}"
        yield from _members(thing)
    elif inspect.isclass(thing) and issubclass(thing, BaseException):
        yield _error(name, thing)
    elif inspect.isclass(thing):
        yield f"class {name}{'' if getattr(thing, '_is_protocol', False) else _signature(thing)}"
        yield from _members(thing)
    elif inspect.isfunction(thing):
        yield f"def {name}{_signature(thing)}"
    else:
        yield f"{name} = {_plain(inspect.formatannotation(thing))}"


def _error(name: str, error: Any) -> str:
    base = error.__mro__[1]
    known = {field.name for field in attrs.fields(base)} if attrs.has(base) else set()
    own = [f"{field.name}: {_annotation(field.type)}" for field in attrs.fields(error) if field.name not in known]
    told = [*own, f"exit {error('').exit_code}", *(["again"] if error.retryable else [])]
    return f"error {name} < {base.__name__}: {', '.join(told)}"


def _members(made: type) -> Iterator[str]:
    """The public properties and methods that a class of ours has beyond its fields, in the order of their names."""
    fields = {field.name for field in attrs.fields(made)} if attrs.has(made) else set()
    ours = {name for base in made.__mro__ if base.__module__.partition(".")[0] in PACKAGES for name in vars(base)}
    for name in sorted(ours - fields):
        member = inspect.getattr_static(made, name)
        if name.startswith("_") or isinstance(member, enum.Enum):
            continue
        if isinstance(member, property):
            assert member.fget is not None
            yield f"    .{name}: {_annotation(inspect.signature(member.fget).return_annotation)}"
        elif isinstance(member, staticmethod | classmethod) or inspect.isfunction(member):
            yield f"    .{name}{_signature(getattr(made, name))}"
        else:
            yield f"    .{name} = {member!r}"


def _signature(thing: Any) -> str:
    given = inspect.signature(thing)
    parts, star = [], False
    for parameter in given.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        said = "" if parameter.annotation is parameter.empty else f": {_annotation(parameter.annotation)}"
        parts.append(f"{parameter.name}{said}{_default(parameter.default)}")
    returns = "" if given.return_annotation in (given.empty, None) else f" -> {_annotation(given.return_annotation)}"
    return f"({', '.join(parts)}){returns}"


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    if isinstance(value, enum.Enum):
        return f" = {value.name}"
    plain = value is None or value == () or isinstance(value, str | int | float)
    return f" = {value!r}" if plain else " = ..."


def _annotation(said: Any) -> str:
    return _plain(said if isinstance(said, str) else inspect.formatannotation(said))


def _plain(text: str) -> str:
    return _MODULES.sub("", text).replace("'", "").replace('"', "")


if __name__ == "__main__":
    print(surface(), end="")
