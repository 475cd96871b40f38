"""The process dies at a call; the same command again finishes the work, and nothing is left over.

Any call: `tests/exploration/sweep.py`, where death is a copy of what it leaves. Here it ends the run in this process.
"""

from collections.abc import Callable, Mapping

import pytest

from plans.manifest import Manifest
from tests.kit import LAB, READS, TRAINING, Died, Stage, cut, edit, example, manifest
from tests.lifecycle.test_kinds import CHANGED as TRAINED

pytestmark = pytest.mark.unmeasured

CHANGED = cut(
    edit(
        LAB,
        ("align:1", "align:2"),
        ("team: blue", "crew: red"),
        ("priority: 10", "priority: 11"),
        ("maxvCpus: 64", "maxvCpus: 65"),
        ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", ""),
        ("  align:\n", "  align:\n    rollout: {keep: 1}\n"),
    ),
    "  sort:",
)

Run = Callable[[Stage], None]


def _made(stage: Stage) -> None:
    stage.apply(example("genomics"))


def _changed(stage: Stage) -> None:
    stage.apply(CHANGED)


def _gone(stage: Stage) -> None:
    stage.destroy(LAB)


def _nothing(_stage: Stage) -> None:
    pass


def _lab(stage: Stage) -> None:
    stage.apply(LAB)


def _training(stage: Stage) -> None:
    stage.apply(TRAINING)


def _trained(stage: Stage) -> None:
    stage.apply(TRAINED)


def _untrained(stage: Stage) -> None:
    stage.destroy(TRAINED)


RUNS: Mapping[str, tuple[Run, Run, Manifest | None]] = {
    "an apply": (_nothing, _made, example("genomics")),
    "a change": (_lab, _changed, manifest(CHANGED)),
    "a destroy": (_lab, _gone, None),
    "an apply of all kinds": (_nothing, _training, manifest(TRAINING)),
    "a change of all kinds": (_training, _trained, manifest(TRAINED)),
    "a destroy of all kinds": (_training, _untrained, None),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", RUNS)
def test_some_crash_points_converge(name: str, when: str) -> None:
    """Whatever was under way, the same command again ends as if nothing had happened."""
    before, run, wanted = RUNS[name]
    ready = Stage.new()
    before(ready)
    whole = ready.twin()
    run(whole)
    operations = [call.operation for call in whole.simulator.calls if call.operation != "GetCallerIdentity"]
    points = [at for at, name in enumerate(operations, 1) if not name.startswith(READS)]
    for at in points[1::9] if when == "before" else points[::9]:
        stage = ready.twin()
        stage.kill(at, when)
        with pytest.raises(Died):
            run(stage)
        stage.revive()
        run(stage)
        assert stage.events[-1].detail == {"exit_code": 0}, at
        assert stage.all == whole.all, at
        if wanted is not None:
            assert stage.plan(wanted).empty, at
