"""Rules and refusals: what the model of Batch holds to be true, and on whose word.

Every check and every habit of the simulated service is one small function marked `documented` (AWS's own pages or
botocore's model say so), `observed` (somebody saw the real service do it, in public) or `assumed` (nobody has said;
the guess is marked so that a test which leans on it can be doubted). `collect` lists them.
"""

from collections.abc import Callable, Collection, Iterable
from types import ModuleType
from typing import Any, Literal, TypeVar

import attrs

Basis = Literal["documented", "observed", "assumed"]
_Function = TypeVar("_Function", bound=Callable[..., Any])


@attrs.frozen
class Rule:
    """One rule: `name` is MODULE.FUNCTION, `says` a sentence, `source` a public page or thread.

    The source is "" for an assumption without a trace.
    """

    name: str
    basis: Basis
    says: str
    source: str


@attrs.frozen
class Refused(Exception):
    """The service's no: a Batch error code, its message, and the HTTP status it travels with."""

    message: str
    code: str = "ClientException"
    status: int = 400


def _mark(basis: Basis, source: str) -> Callable[[_Function], _Function]:
    def mark(function: _Function) -> _Function:
        says = (function.__doc__ or "").strip().partition("\n\n")[0]
        module = function.__module__.rpartition(".")[2]
        name = function.__name__.strip("_").replace("_", "-")
        function.__dict__["rule"] = Rule(f"{module}.{name}", basis, " ".join(says.split()), source)
        return function

    return mark


def documented(source: str) -> Callable[[_Function], _Function]:
    """Mark a function as a rule that AWS documents on the page `source`."""
    return _mark("documented", source)


def observed(source: str) -> Callable[[_Function], _Function]:
    """Mark a function as a rule that the public thread or test `source` saw at work on AWS."""
    return _mark("observed", source)


def assumed(source: str = "") -> Callable[[_Function], _Function]:
    """Mark a function as a guess; `source` names what it was guessed from, if anything."""
    return _mark("assumed", source)


def must_be_one_of(field: str, value: object, known: Collection[str]) -> None:
    """Refuse what is none of the words that a rule knows for a field."""
    if value not in known:
        raise Refused(f"{field} must be one of {', '.join(known)}")


def collect(modules: Iterable[ModuleType]) -> list[Rule]:
    """Return the rules that stand in `modules`, each once, in the order of modules and lines."""
    found = [
        vars(item).get("rule")
        for module in modules
        for item in vars(module).values()
        if callable(item) and hasattr(item, "__dict__")
    ]
    return list(dict.fromkeys(rule for rule in found if isinstance(rule, Rule)))
