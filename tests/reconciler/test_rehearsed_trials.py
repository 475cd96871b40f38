"""The jobs that a plan tries itself succeed in its rehearsal, within the time that they are given."""

import pytest

from plans.rehearsal import to_json
from plans.views.rehearsal import result
from providers.simulator import Durations
from providers.simulator import Settings as Simulated
from tests.kit import LAB, Stage, edit, manifest
from tests.lifecycle.test_definition_canary import FARM

UNTIMED = edit(FARM, (", timeout: 5m", ""))
SHORT = ("canary: {queue: high}", "canary: {queue: high, timeout: 1m}")
OWN = ("    rollout:", "    timeout: {attemptDurationSeconds: 60}\n    rollout:")
ROLE = ("type: SPOT\n", "type: SPOT\n      spotIamFleetRole: arn:aws:iam::123456789012:role/fleet\n")
TRIED = edit(LAB, ("  ondemand:\n", "  ondemand:\n    lifecycle: {canary: {jobDefinition: align}}\n"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, UNTIMED),
        (None, edit(UNTIMED, SHORT)),
        (None, edit(UNTIMED, OWN)),
        (edit(UNTIMED, OWN), edit(UNTIMED, OWN, ("work:1", "work:2"))),
        (TRIED, edit(TRIED, ROLE)),
    ],
    ids=["definition", "a short timeout", "a timeout of its own", "another revision", "environment"],
)
def test_a_trial_succeeds_in_every_run(before: str | None, after: str) -> None:
    """Whatever its timeout, in the usual, longest and shortest run and in others; and no job is told to have ended."""
    stage = Stage.new(simulated=Simulated(durations=Durations(job_running=10)))
    if before is not None:
        assert stage.apply(before).exit_code == 0
        stage.settle()
    told = stage.reconciler.rehearse(manifest(after), seed=3, runs=8)
    assert "SubmitJob" in told.calls
    assert (told.sound, told.troubles, told.jobs_ended) == (True, (), {})
    stage.settings(estimating=True)
    report = stage.apply(after)
    assert (report.exit_code, report.departures) == (0, ())


def test_a_trial_that_is_ended_is_no_job_that_would_end() -> None:
    """Jobs of others are what is told of; where a trial cannot end in time that is a failure, and no more. No time is
    told then: not by the rehearsal, and not by the plan, which says what failed."""
    stage = Stage.new(estimating=True)
    wanted = manifest(edit(UNTIMED, ("canary: {queue: high}", "canary: {queue: high, timeout: 1s}")))
    told = stage.reconciler.rehearse(wanted, runs=1)
    assert (told.sound, told.jobs_ended, told.usual) == (False, {}, None)
    assert set(to_json(told)["seconds"].values()) == {None}
    assert result(told) == "Rehearsed: 1 of 1 run did not do all."
    plan = stage.plan(wanted)
    assert plan.estimate is None
    (warning,) = plan.warnings
    assert warning.startswith("a rehearsal of this does not do all of it, so how long it takes is not known: ")
    assert "job_definition.work: SubmitJob: " in warning
