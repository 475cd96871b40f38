"""What the objects of a replacement are called."""

import re

import pytest

from plans.naming import alike, of_one_base, successor

LONG = "n" * 128


def never(_name: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("name", "base", "same"),
    [
        ("farm", "farm", True),
        ("farm-0a1b2c3d", "farm", True),
        ("farm-0a1b2c3d", "farm-0a1b2c3d", True),
        ("farm-0A1B2C3D", "farm", False),
        ("farm-0a1b2c3", "farm", False),
        ("farm-0a1b2c3d4", "farm", False),
        ("farm-0a1b2c3d-0a1b2c3d", "farm", False),
        ("farm-2", "farm", False),
        ("farmer", "farm", False),
        ("farm", "farm-0a1b2c3d", False),
        (f"{LONG[:119]}-0a1b2c3d", LONG, True),
        (LONG, LONG, True),
        (LONG[:127], LONG, False),
        (f"{LONG[:118]}-0a1b2c3d", LONG, False),
    ],
)
def test_a_name_is_the_base_or_it_with_eight_digits(name: str, base: str, same: bool) -> None:
    """Of a base that leaves no room for them, what is left of it after the cut."""
    assert alike(name, base) is same


@pytest.mark.parametrize(
    ("names", "same"),
    [
        (["farm"], True),
        (["farm-0a1b2c3d"], True),
        (["farm", "farm-0a1b2c3d"], True),
        (["farm-0a1b2c3d", "farm-ffffffff"], True),
        (["farm-ffffffff", "farm", "farm-0a1b2c3d"], True),
        (["farm", "farm-2"], False),
        (["farm", "barn"], False),
        (["farm-0a1b2c3d", "barn-0a1b2c3d"], False),
        (["farm-0a1b2c3d", "barn"], False),
        ([f"{LONG[:119]}-0a1b2c3d", LONG], True),
    ],
)
def test_names_of_one_base_are_told_without_knowing_it(names: list[str], same: bool) -> None:
    """In whatever order, and whether or not the first of them is still there."""
    assert of_one_base(names) is same
    assert of_one_base(reversed(names)) is same


def test_a_successor_hangs_on_what_is_wanted_and_what_is_replaced() -> None:
    """And on nothing else, so that a run which begins again finds what it had made."""
    made = successor("farm", {"a": 1, "b": [2]}, "farm", never)
    assert re.fullmatch(r"farm-[0-9a-f]{8}", made)
    assert successor("farm", {"b": [2], "a": 1}, "farm", never) == made
    assert successor("farm", {"a": 1, "b": [3]}, "farm", never) != made
    assert successor("farm", {"a": 1, "b": [2]}, made, never) not in (made, "farm")


@pytest.mark.parametrize("base", [LONG, LONG[:120], LONG[:119]])
def test_a_successor_fits_into_what_aws_takes(base: str) -> None:
    """128 characters, of which the digits have nine."""
    made = successor(base, {}, base, never)
    assert len(made) == 128
    assert alike(made, base)
    assert alike(successor(base, {}, made, never), base)


def test_what_is_taken_is_passed_over() -> None:
    """As if it were replaced too: the same names in the same row, whoever has them."""
    first = successor("farm", {}, "farm", never)
    second = successor("farm", {}, first, never)
    third = successor("farm", {}, second, never)
    assert len({"farm", first, second, third}) == 4
    assert successor("farm", {}, "farm", {first}.__contains__) == second
    assert successor("farm", {}, "farm", {first, second}.__contains__) == third
