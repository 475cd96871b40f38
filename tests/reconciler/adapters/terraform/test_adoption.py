"""What Terraform has made is taken over by tags alone, whichever way it told of it."""

import attrs
import pytest

from plans.policy import Policy
from tests.kit import Stage, kinds, manifest
from tests.reconciler.adapters.terraform.recorded import converted, made_by_terraform


@pytest.fixture(scope="module")
def world() -> Stage:
    return made_by_terraform()


@pytest.mark.parametrize("file", ["state", "show", "plan"])
def test_it_is_taken_over_by_tags_alone(world: Stage, file: str) -> None:
    """The plan of the manifest is adoption and nothing else, adopt makes tag calls alone, and then nothing is to do."""
    stage, made = world.twin(), converted(file)
    assert made.count == len(stage.all)
    assert (made.lacking, made.unknowns) == ((), ())
    planned = stage.plan(attrs.evolve(manifest(made.yaml), policy=Policy(adopt=True)))
    assert planned.summary == {"adopt": made.count}
    assert (planned.refusals, {step.call for step in planned.steps}) == ((), {"TagResource"})
    stage.simulator.calls.clear()
    assert stage.reconciler.adopt(manifest(made.yaml)).exit_code == 0
    assert stage.mutations == ["TagResource"] * made.count
    assert stage.plan(made.yaml).empty
    assert stage.plan(made.json).empty


def test_all_three_files_say_the_same() -> None:
    """A state, `show -json` of it and a plan of changes give one manifest, which is of what is live."""
    state, show, plan = (converted(file).document for file in ("state", "show", "plan"))
    assert state == show == plan
    assert {kind.section for kind in kinds()} >= state.keys() - {"stack", "target", "tags"}
