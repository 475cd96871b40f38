"""The sweep of crashes: each scenario is whole, deaths in it are made good, and no kind of change is without one."""

import contextlib
import random
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytest

from plans.change import Action, Impact
from plans.jobs import emptying
from plans.plan import Plan
from plans.planner import make_plan
from providers import model
from tests.exploration.scenarios import SCENARIOS, Scenario
from tests.exploration.sweep import Moment, sweep
from tests.kit import READS, Died, Stage

pytestmark = pytest.mark.unmeasured

OTHERS = {
    "SubmitServiceJob": "no service job is ours",
    "UpdateServiceJob": "no service job is ours",
}
"""Operations that change something and that no plan calls, and why."""
LEFT = ("sixty *", "a farm *", "a canary, *", "*, edited*", "*, held")
"""Patterns of the names of scenarios that are left to the whole sweep: long ones, and those of which some deaths are in
tests/lifecycle."""
EXPECTED = {"a definition, tried in vain": 4, "drain refuse": 3}
"""How scenarios end that come to no good end."""


def _some(moments: Sequence[Moment]) -> Sequence[Moment]:
    """Three deaths, the same in every run."""
    return random.Random(len(moments)).sample(moments, min(3, len(moments)))


@pytest.mark.parametrize("name", [name for name in SCENARIOS if not any(fnmatchcase(name, left) for left in LEFT)])
def test_some_deaths_are_made_good(name: str) -> None:
    """Wherever it died, the same command again ends as it would have."""
    swept = sweep(name, _some)
    assert swept.failures == ()
    assert swept.exit_code == EXPECTED.get(name, 0)
    assert swept.before + swept.after == min(3, 2 * swept.calls) > 0


def test_a_death_that_is_not_made_good_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what differs, the scenario, and the number and name of the call."""
    lab = SCENARIOS["a quantity"]
    runs = []

    def run(stage: Stage) -> Any:
        runs.append(stage)
        if len(runs) > 1:
            stage.world.create_scheduling_policy(name=f"left-{len(runs)}")
        return lab.run(stage)

    monkeypatch.setattr("tests.exploration.sweep.SCENARIOS", {"spoilt": Scenario(lab.before, run, lab.wanted)})
    before, after = sweep("spoilt", lambda moments: moments[4:6]).failures
    assert before.startswith("spoilt: died before call 3, ")
    assert after.startswith("spoilt: died after call 3, ")
    assert "policy/left-2" in before


def test_every_kind_of_change_has_a_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each action, each impact, and each operation that changes something is in the plan of one, or in its run."""
    plans: list[Plan] = []

    def planned(*given: Any, **more: Any) -> Plan:
        plans.append(make_plan(*given, **more))
        if busy(plans[-1]):
            return plans[-1]
        raise Died

    def busy(plan: Plan) -> bool:
        return any(emptying(step) for step in plan.steps)

    called: set[str | None] = set()
    for scenario in SCENARIOS.values():
        stage = Stage.new(region=scenario.region, simulated=scenario.simulated)
        scenario.before(stage)
        stage.simulator.inject(*scenario.faults)
        stage.simulator.calls.clear()
        with monkeypatch.context() as patch, contextlib.suppress(Died):
            patch.setattr("reconciler.task.make_plan", planned)
            scenario.ended(stage)
        called |= {*stage.mutations}
    called |= {step.call for plan in plans for step in plan.steps}
    changes = [change for plan in plans for change in plan.changes]
    assert {change.action for change in changes} == set(Action)
    assert {change.impact for change in changes} == set(Impact)
    changing = {name for name in model.load().operations if not name.startswith(READS)}
    assert changing - called == OTHERS.keys()
