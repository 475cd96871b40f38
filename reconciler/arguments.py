"""What a call says: the arguments of a step with what is only known when its turn comes."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from plans.plan import Now, Token
from providers.resources import Document, Ref
from reconciler.journal import digest


def filled(value: Any, known: Mapping[str, str], now: float) -> Any:
    """The value with what is `known` in place of references, and the time (seconds of the epoch) in place of `NOW`.

    ARNs are known by address, whatever else of an object as ADDRESS#ATTRIBUTE.
    """
    match value:
        case Ref():
            return known[_name(value)]
        case Now():
            return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        case Mapping():
            return {key: filled(item, known, now) for key, item in value.items()}
        case list() | tuple():
            return [filled(item, known, now) for item in value]
        case _:
            return value


def fillable(value: Any, known: Mapping[str, str]) -> bool:
    """Whether all is known that the value refers to."""
    match value:
        case Ref():
            return _name(value) in known
        case Mapping():
            return all(fillable(item, known) for item in value.values())
        case list() | tuple():
            return all(fillable(item, known) for item in value)
        case _:
            return True


def _name(reference: Ref) -> str:
    return str(reference.address) if reference.attribute == "arn" else str(reference)


def with_token(
    said: Document, step: str, tokens: Mapping[tuple[str, str], str], rng: random.Random
) -> tuple[Document, str | None]:
    """The arguments with a client token where one is to stand, and that token; None where none is.

    It is the one that an earlier run sent with the same step and arguments (`tokens`), else drawn by `rng`.
    """
    members = [name for name, value in said.items() if isinstance(value, Token)]
    if not members:
        return said, None
    rest = {name: value for name, value in said.items() if name not in members}
    token = tokens.get((step, digest(rest))) or f"{rng.getrandbits(128):032x}"
    return rest | dict.fromkeys(members, token), token
