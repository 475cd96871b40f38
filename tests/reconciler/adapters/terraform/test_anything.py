"""A file is from outside, and may say anything."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from providers.errors import InputError
from tests.reconciler.adapters.terraform.recorded import converted, document


@pytest.mark.unmeasured
@pytest.mark.parametrize("file", ["state", "show", "plan", "fresh"])
def test_whatever_stands_in_a_file_it_is_converted_or_at_fault(file: str) -> None:
    """A file with anything in any place gives a manifest or an error of ours."""
    rng = random.Random(file)
    whole = document(file)
    places = [place for place in _places(whole) if place]
    for _ in range(8):
        made = document(file)
        *way, last = rng.choice(places)
        here = made
        for step in way:
            here = here[step]
        here[last] = rng.choice(_ODD)
        with contextlib.suppress(InputError):
            assert converted(made).yaml


_ODD: list[Any] = [None, True, -1, 1.5, "", "x", "\0", "${var.x}", [], {}, [None], [[]], {"a": 1}, "{}", "[]"]


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from _places(inner, (*place, key))
