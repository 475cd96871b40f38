"""Rules switched off: that they are off meanwhile, everywhere, and on again afterwards."""

import pytest

from tests.exploration import switches
from tests.exploration.rules import missing
from tests.providers.simulator.lab import Lab, refusal

RULES = switches.functions()


@pytest.fixture
def lab() -> Lab:
    return Lab.new()


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_way_to_be_off(name: str) -> None:
    """A rule of a new sort is not left out of the exploration: it must say what it is without itself."""
    assert switches.ways(name, RULES[name][1])


def test_a_rule_is_off_wherever_it_was_imported_to(lab: Lab) -> None:
    """An environment that is ENABLED is not deleted, but for as long as that rule is off."""
    lab.environment("e")
    delete = lab.batch.delete_compute_environment
    function = RULES["lifecycle.must-be-disabled"][1]
    with switches.off(function, switches.ways("lifecycle.must-be-disabled", function)["off"]):
        delete(computeEnvironment="e")
    lab.environment("f")
    assert "DISABLED" in refusal(delete, computeEnvironment="f")[2]


def test_the_test_that_misses_a_rule_is_named() -> None:
    """Of the tests given, the first that fails without the rule; none where all pass."""
    function = RULES["lifecycle.must-be-disabled"][1]
    off = switches.ways("lifecycle.must-be-disabled", function)["off"]
    file = "tests/providers/simulator/test_environments.py"
    tests = [f"{file}::test_creation_takes_time_and_ends_valid", f"{file}::test_deletion_needs_disabled_and_settled"]
    assert missing(function, off, tests) == tests[1]
    assert missing(function, off, tests[:1]) == ""
