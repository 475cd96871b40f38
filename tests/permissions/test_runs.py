"""Completeness: no run is denied a call by its policies, and a plan's grants nothing that its run does not need."""

import pytest

from plans.permissions import LIMIT, size
from tests.exploration.scenarios import SCENARIOS
from tests.kit import Stage
from tests.permissions.guard import Guard, guarded
from tests.permissions.judge import granting, without

PLAYED = [name for name, scenario in SCENARIOS.items() if scenario.edit is None and not name.startswith("sixty")]
"""Without a death, what is edited meanwhile runs as what is not."""


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", PLAYED)
def test_a_run_calls_what_it_may_and_needs_what_it_may(name: str) -> None:
    """Every call is allowed by the policy of the stack and by that of the plan; where the run comes to a good end,
    taking any one action that changes something away from the plan's would deny a call."""
    scenario = SCENARIOS[name]
    stage = Stage.new(region=scenario.region, simulated=scenario.simulated)
    scenario.before(stage)
    with guarded(stage) as guard:
        stage.simulator.inject(*scenario.faults)
        code = scenario.ended(stage)
    assert guard.stack
    assert guard.asked or guard.reads
    assert guard.denied == []
    assert size(guard.plan) < LIMIT
    if code == 0:
        assert guard.unused == set()
        assert _spared(guard) == []


def _spared(guard: Guard) -> list[str]:
    """The actions for changing without which all the same could be done."""
    return [
        action
        for action in sorted({action for _, action, _ in guard.granted})
        if all(granting(without(guard.plan, action), ask) for ask in guard.asked)
    ]


@pytest.mark.parametrize("name", ["lab, changed", "create first, tried", "drain cancel", "a quota share, ended"])
def test_a_guard_notices_what_is_denied(name: str) -> None:
    """Without one action of its policy a run is denied the calls of that action, and no others."""
    scenario = SCENARIOS[name]
    stage = Stage.new(simulated=scenario.simulated)
    scenario.before(stage)
    with guarded(stage) as guard:
        scenario.ended(stage)
    assert guard.granted
    for action in sorted({action for _, action, _ in guard.granted}):
        denied = [ask for ask in guard.asked if not granting(without(guard.plan, action), ask)]
        assert {ask.action for ask in denied} == {action}


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "name",
    ["create first, tried, held", "two hop, asked for and held", "a definition, edited back", "hands: a moved stack"],
)
def test_what_goes_on_after_a_death_is_allowed_too(name: str) -> None:
    """The next process needs no more: under a plan file its policy, and where the manifest was edited that of today."""
    scenario = SCENARIOS[name]
    stage = Stage.new(region=scenario.region, simulated=scenario.simulated)
    scenario.before(stage)
    left = stage.forks(scenario.run, reads=1_000_000)
    assert left
    for number, twin in left[::3]:
        with guarded(twin) as guard:
            scenario.edited(twin)
        assert guard.denied == [], number
