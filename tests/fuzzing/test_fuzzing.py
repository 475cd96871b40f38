"""Whatever the bytes are, what reads them comes back with an answer or with an error of the house."""

import random

import pytest

from tests.fuzzing.corpus import found, seeds
from tests.fuzzing.mutations import mutated
from tests.fuzzing.targets import TARGETS

pytestmark = pytest.mark.unmeasured

_KEPT = [(target, name) for target in TARGETS for name in found(target)]
_TIMES = {
    "planned": 40,
    "plan_file": 100,
    "simulator_rows": 20,
    "simulator_file": 40,
    "wire": 100,
    "template": 60,
    "template_context": 60,
    "terraform": 20,
}
"""How many inputs are made of those that a target begins with, where that is not 200: these take longer."""


@pytest.mark.parametrize(("target", "name"), _KEPT)
def test_what_was_once_too_much_is_not_any_more(target: str, name: str) -> None:
    """An input that a target once failed under is read, or refused in our own words."""
    TARGETS[target](found(target)[name])


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_like_those_that_there_are(target: str) -> None:
    """What the house writes is read, and what dice make of it is read or refused in our own words."""
    dice, begun = random.Random(7), [*seeds(target), *found(target).values()]
    for data in begun:
        TARGETS[target](data)
    for _ in range(_TIMES.get(target, 200)):
        data = mutated(dice.choice(begun), dice, begun)
        try:
            TARGETS[target](data)
        except Exception as error:
            error.add_note(f"under {data[:2000]!r}")
            raise
