"""Inputs like others, made with dice: trees of JSON changed at a place, or texts and bytes cut and put together."""

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, -0.0, 1.5, 1e308, float("inf"), float("nan")),
    *("", " ", "x", "0", "1e3", "-1", "null", "~", "\ud800", "\x00", "\x1b[2J", "ü", "💥", "a" * 300, "1" * 5000),
    *("arn:aws:batch:eu-west-1:123456789012:job-queue/q", "arn:", "/", "%", "%2F", "..", "2026-01-01", "5m", "1h"),
    *("${var.image}", "${var.", "$${", "*", "VALID", "DELETING", "lab-low", "lab-align:1"),
    *([], {}, [[]], [{}], {"": None}, {"$ref": "x"}, {"$literal": {}}, {"$now": 1}, {"$token": 1}, {"$elsewhere": {}}),
)
_TOKENS = (
    *(b": ", b"- ", b"? ", b"\n", b"\n  ", b"[", b"]", b"{", b"}", b",", b"&a ", b"*a", b"<<: ", b"!!int ", b"|", b">"),
    *(b"'", b'"', b"\\", b"#", b"%", b"---\n", b"\t", b"~", b"${var.a}", b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xc3"),
    *(
        b"null",
        b"true",
        b"1e999",
        b"-1",
        b"0x1f",
        b"1_000",
        b"99999999999999999999",
        b"NaN",
        b"[" * 2000,
        b'{"a":' * 2000,
    ),
)

Slot = tuple[Any, Any]
"""A container of a tree, and the key or index of one of its values."""


def mutated(data: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    """An input like `data`, with parts of `others`; a tree of JSON mostly stays one."""
    tree = _tree(data)
    if isinstance(tree, dict | list) and dice.random() < 0.85:
        donors = [found for found in map(_tree, dice.sample(others, min(2, len(others)))) if found is not None]
        for _ in range(dice.choice((1, 1, 2, 4))):
            _change(tree, dice, donors)
        return json.dumps(tree).encode()
    for _ in range(dice.choice((1, 1, 2, 4))):
        data = dice.choice(_CUTS)(data, dice, others)
    return data


def _tree(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _slots(tree: Any) -> Iterator[Slot]:
    left = [tree]
    while left:
        inner = left.pop()
        for key in inner.keys() if isinstance(inner, dict) else range(len(inner)):
            yield inner, key
            if isinstance(inner[key], dict | list):
                left.append(inner[key])


def _change(tree: Any, dice: random.Random, donors: Sequence[Any]) -> None:
    slots = list(_slots(tree))
    if not slots:
        return
    holder, key = dice.choice(slots)
    match dice.randrange(7):
        case 0:
            del holder[key]
        case 1:
            holder[key] = copy.deepcopy(dice.choice(_SCALARS))
        case 2 | 3:
            other, place = dice.choice(list(_slots(dice.choice([tree, *donors]))) or slots)
            holder[key] = copy.deepcopy(other[place])
        case 4:
            added = copy.deepcopy(dice.choice([holder[key], dice.choice(_SCALARS)]))
            if isinstance(holder, dict):
                holder[str(dice.choice([key, dice.choice(_SCALARS), *holder]))[:200]] = added
            else:
                holder.insert(dice.randrange(len(holder) + 1), added)
        case 5:
            holder[key] = (
                [copy.deepcopy(holder[key])] if dice.random() < 0.5 else {str(key): copy.deepcopy(holder[key])}
            )
        case 6:
            holder[key] = _near(holder[key], dice)


def _near(value: Any, dice: random.Random) -> Any:
    """A value not far from another."""
    match value:
        case bool():
            return not value
        case int() | float():
            return dice.choice((value + 1, value - 1, -value, value * 1000, str(value), float(value) / 3))
        case str():
            at = dice.randrange(len(value) + 1)
            return dice.choice(
                (value[:at], value[at:], value[:at] + "\u202e" + value[at:], value * 2, value.swapcase())
            )
        case list() | dict():
            return type(value)()
    return dice.choice(_SCALARS)


def _bounds(data: bytes, dice: random.Random) -> tuple[int, int]:
    start = dice.randrange(len(data) + 1)
    return start, min(len(data), start + dice.choice((1, 1, 2, 8, 40)))


def _without(data: bytes, dice: random.Random, _others: Sequence[bytes]) -> bytes:
    start, end = _bounds(data, dice)
    return data[:start] + data[end:]


def _token(data: bytes, dice: random.Random, _others: Sequence[bytes]) -> bytes:
    start, end = _bounds(data, dice)
    return data[:start] + dice.choice(_TOKENS) + data[dice.choice((start, end)) :]


def _flipped(data: bytes, dice: random.Random, _others: Sequence[bytes]) -> bytes:
    start, _ = _bounds(data, dice)
    return data[:start] + bytes(sign ^ 1 << dice.randrange(8) for sign in data[start : start + 1]) + data[start + 1 :]


def _lines(data: bytes, dice: random.Random, _others: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(4):
        case 0:
            lines[one], lines[other] = lines[other], lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            del lines[one]
        case 3:
            lines[one] = b"  " + lines[one] if dice.random() < 0.5 else lines[one].removeprefix(b"  ")
    return b"\n".join(lines)


def _crossed(data: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    other = dice.choice(others) if others else data
    return data[: _bounds(data, dice)[0]] + other[_bounds(other, dice)[0] :]


_CUTS: Sequence[Callable[[bytes, random.Random, Sequence[bytes]], bytes]] = (
    _without,
    _token,
    _flipped,
    _lines,
    _crossed,
)
