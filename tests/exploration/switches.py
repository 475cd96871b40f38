"""Rules of the simulator switched off, one at a time.

What a rule is without itself follows from what it answers. One that answers nothing can only refuse, or change what it
is given: off, it does neither. A question is off in two ways, always yes and always no, and both must be missed. What
makes a document or list of another gives that back as it is; what finds words, numbers or objects finds none. For the
few of which nothing of this is true, `WITHOUT` says what they are when they are off.
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from providers.simulator import operations
from providers.simulator.jobs.needs import Need
from providers.simulator.lifecycle import Thing
from providers.simulator.rules import Rule

Off = Callable[..., Any]

WITHOUT: Mapping[str, Mapping[str, Off]] = {
    "needs.of-nodes": {"off": lambda *_: Need()},
    "reading.unknown": {"off": lambda *_: lambda _: True},
}
"""By the name of a rule, the ways in which it is off, by what they are called.

The functions run with the names of the rule's own module.
"""

_EMPTY: Mapping[object, Mapping[str, Off]] = {
    type(None): {"off": lambda *_, **__: None},
    bool: {"yes": lambda *_, **__: True, "no": lambda *_, **__: False},
    str: {"off": lambda *_, **__: ""},
    int: {"off": lambda *_, **__: 0},
    float: {"off": lambda *_, **__: 0.0},
    dict: {"off": lambda *_, **__: {}},
    list: {"off": lambda *_, **__: []},
    tuple: {"off": lambda *_, **__: ()},
    Thing: {"off": lambda *_, **__: None},
}


def functions() -> dict[str, tuple[Rule, FunctionType]]:
    """The rules by name, each with its function."""
    found: dict[str, tuple[Rule, FunctionType]] = {}
    for module in operations.MODULES:
        for item in vars(module).values():
            rule = vars(item).get("rule") if isinstance(item, FunctionType) else None
            if isinstance(rule, Rule):
                found[rule.name] = (rule, item)
    return found


def ways(name: str, function: FunctionType) -> Mapping[str, Off]:
    """The ways in which a rule is off; raises LookupError where nothing tells."""
    if name in WITHOUT:
        return WITHOUT[name]
    hints = typing.get_type_hints(function)
    answer = hints.pop("return")
    if isinstance(answer, types.UnionType) and type(None) in typing.get_args(answer):
        answer = type(None)
    same = next((place for place, hint in enumerate(hints.values()) if hint == answer), None)
    kind = typing.get_origin(answer) or answer
    if same is not None and kind in (dict, list):
        # Made of text: code that is exchanged may not close over anything.
        return {"off": eval(f"lambda *given, **_: given[{same}]")}
    if kind not in _EMPTY:
        raise LookupError(f"{name} answers {answer}: say in WITHOUT what it is when it is off")
    return _EMPTY[kind]


@contextmanager
def off(function: FunctionType, way: Off) -> Iterator[None]:
    """The simulator without one rule.

    The code of its function is exchanged, not its name: a rule is in force wherever it was imported to.
    """
    held = function.__code__, function.__defaults__, function.__kwdefaults__
    assert isinstance(way, FunctionType)
    assert not inspect.isgeneratorfunction(function)
    function.__code__, function.__defaults__, function.__kwdefaults__ = way.__code__, way.__defaults__, None
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = held
