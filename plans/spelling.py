"""How values of the API are written in one way: numbers, quantities, words of an enum, ranges of indices."""

import re
import struct
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.resources import Field


def single(value: float) -> float:
    """The shortest number that is the same in single precision, as which the service keeps it."""
    kept = struct.pack("f", value)
    single = float(struct.unpack("f", kept)[0])
    shortest = (float(f"{single:.{digits}g}") for digits in range(1, 9))
    return next((short for short in shortest if struct.pack("f", short) == kept), single)


def spelt(field: Field, text: str) -> str:
    """A word of an enum as the model spells it; a word that the model does not know stays as it is."""
    return text if text in field.enum else next((known for known in field.enum if known.lower() == text.lower()), text)


_NUMBER = re.compile(r"[+-]?[0-9.]+")
_QUANTITY = re.compile(rf"(?P<number>{_NUMBER.pattern})(?P<suffix>[A-Za-z]*)")
_SCALES: Mapping[str, Decimal] = {
    "": Decimal(1),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("n", "u", "m"), -3)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}
"""What a suffix of a Kubernetes quantity stands for."""


def number(text: str) -> str:
    """A number written in one way; anything else as it is."""
    try:
        return format(Decimal(text).normalize(), "f") if _NUMBER.fullmatch(text) else text
    except InvalidOperation:
        return text


def quantity(text: str) -> str:
    """A quantity of Kubernetes such as 1Gi or 500m written in one way, in Mi where it is so many; else as it is."""
    found = _QUANTITY.fullmatch(text)
    if found is None or found["suffix"] not in _SCALES:
        return text
    try:
        value = Decimal(found["number"]) * _SCALES[found["suffix"]]
        mebibytes = value / _SCALES["Mi"] if value and not value % _SCALES["Mi"] else None
    except InvalidOperation:
        return text
    return number(format(value, "f")) if mebibytes is None else f"{number(format(mebibytes, 'f'))}Mi"


_INDICES = re.compile(r"(?P<one>[0-9]{1,9})|(?P<first>[0-9]{0,9}):(?P<last>[0-9]{0,9})")


def indices(text: str, count: Any) -> str:
    """A range of indices with its first, and with its last unless that is the last of all; anything else as it is."""
    found = _INDICES.fullmatch(text)
    if found is None or not isinstance(count, int):
        return text
    first, last = int(found["one"] or found["first"] or 0), int(found["one"] or found["last"] or count - 1)
    return f"{first}:" if last == count - 1 else f"{first}:{last}"
