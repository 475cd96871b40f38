"""What a network, an account or a tired service does to a run: how it ends, what it says, and what it leaves."""

from typing import Any, Literal, NoReturn

import pytest
from botocore.exceptions import NoCredentialsError

from plans.report import Event
from providers.errors import (
    CallError,
    CredentialsExpired,
    CredentialsMissing,
    ServerFault,
    Throttled,
    Unreachable,
)
from providers.simulator import Fault
from providers.simulator import Settings as Simulated
from tests.kit import LAB, Stage, edit, on_stage

CHANGED = edit(LAB, ("priority: 10", "priority: 11"), ("vCpus: 64", "vCpus: 65"), ("align:1", "align:2"))


@on_stage()
def test_bursts_of_throttles_cost_time_and_nothing_else(stage: Stage) -> None:
    """Every call throttled five times in a row: slower, counted, told, and done once each."""
    stage.simulator.inject(*(Fault("*", "throttle", after=after, times=5) for after in (0, 10, 20, 30)))
    report = stage.apply(LAB)
    assert report.exit_code == 0
    assert report.throttles == 20
    assert report.calls == stage.calls
    assert len(stage.told("retried")) == 20
    stage.simulator.heal()
    assert len(stage.all) == 7
    assert stage.plan(LAB).empty


@on_stage(simulated=Simulated(rate=2))
def test_a_slow_account_is_not_overrun(stage: Stage) -> None:
    """Two calls a second are all that is taken: the pace finds that, and the apply converges."""
    assert stage.apply(LAB).exit_code == 0
    assert stage.apply(CHANGED).exit_code == 0
    assert stage.destroy(LAB).exit_code == 0
    assert stage.all == []


@on_stage()
def test_server_faults_are_outlived(stage: Stage) -> None:
    """A 500 here and there, on reads and writes, changes nothing."""
    stage.simulator.inject(*(Fault("*", "server", after=after, times=1) for after in (0, 3, 9, 12, 15, 40)))
    assert stage.apply(LAB).exit_code == 0
    stage.simulator.heal()
    assert len(stage.all) == 7
    assert stage.revisions("lab-align") == stage.revisions("lab-sort") == [1]
    assert stage.plan(LAB).empty


RAISED: dict[str, tuple[Fault, type[CallError], int]] = {
    "an endpoint that refuses connections": (Fault("*", "refused", times=None), Unreachable, 1),
    "an account that only throttles": (Fault("*", "throttle", times=None), Throttled, 1),
    "a service that is down": (Fault("*", "server", times=None), ServerFault, 1),
    "credentials that have ended": (Fault("*", "expired", times=None), CredentialsExpired, 4),
}


@pytest.mark.parametrize("name", RAISED)
@on_stage()
def test_what_cannot_be_read_cannot_be_planned(stage: Stage, name: str) -> None:
    """Nothing is changed, the error ends the run with its own code, names the call, and says what to do."""
    fault, kind, code = RAISED[name]
    stage.simulator.inject(fault)
    for run in (stage.plan, stage.apply, stage.destroy):
        with pytest.raises(kind) as caught:
            run(LAB)
        assert caught.value.exit_code == code
        assert caught.value.operation
        assert caught.value.hint
        assert stage.mutations == []


@on_stage()
def test_missing_credentials_are_told(stage: Stage) -> None:
    """A client without credentials cannot sign: nothing goes out."""
    stage.batch.meta.events.register("before-sign", _without_credentials)
    with pytest.raises(CredentialsMissing) as caught:
        stage.apply(LAB)
    assert "Unable to locate credentials" in str(caught.value)
    assert caught.value.hint
    assert stage.calls == {}


@on_stage()
def test_a_kind_that_may_not_be_read_is_unobserved(stage: Stage) -> None:
    """In the manifest it is refused; else the plan says so, goes on, and prunes none of its objects."""
    stage.apply(LAB)
    stage.simulator.inject(Fault("ListSchedulingPolicies", "denied", times=None))
    planned = stage.plan(LAB)
    assert "not authorized to perform: batch:ListSchedulingPolicies" in planned.unobserved["scheduling_policy"]
    assert [(refusal.address, refusal.code) for refusal in planned.refusals] == [
        ("scheduling_policy.fair", "unobserved")
    ]
    without = LAB[: LAB.index("schedulingPolicies:")] + LAB[LAB.index("computeEnvironments:") :]
    assert stage.plan(without).empty
    assert stage.apply(without).exit_code == 0
    assert stage.mutations == []
    stage.simulator.heal()
    assert stage.apply(without).exit_code == 0
    assert stage.mutations == ["DeleteSchedulingPolicy"]


@on_stage()
def test_a_kind_that_the_endpoint_does_not_know_is_unobserved(stage: Stage) -> None:
    """An older endpoint: the kinds it lacks are told, and those it has are reconciled."""
    stage.simulator.inject(Fault("DescribeServiceEnvironments", "unknown", times=None))
    planned = stage.plan(LAB)
    assert planned.unobserved["service_environment"] == "the endpoint does not know DescribeServiceEnvironments"
    assert planned.refusals == ()
    assert stage.apply(LAB).exit_code == 0
    text = f"{LAB}\nserviceEnvironments:\n  sage:\n    serviceEnvironmentType: SAGEMAKER_TRAINING\n" + (
        "    capacityLimits: [{maxCapacity: 1, capacityUnit: NUM_INSTANCES}]\n"
    )
    refused = stage.plan(text)
    assert [(refusal.address, refusal.code) for refusal in refused.refusals] == [
        ("service_environment.sage", "unobserved")
    ]


@on_stage()
def test_a_call_that_is_denied_fails_its_step_alone(stage: Stage) -> None:
    """What does not need it goes on; the failure has AWS's words and the request id, and the exit code is 4."""
    stage.simulator.inject(Fault("CreateJobQueue", "denied", times=None))
    report = stage.apply(LAB)
    assert report.exit_code == 4
    assert {failure.address for failure in report.failures} == {"job_queue.high", "job_queue.low"}
    for failure in report.failures:
        assert "is not authorized to perform: batch:CreateJobQueue (AccessDeniedException) [request " in str(
            failure.error
        )
        assert failure.hint == "the IAM policy must allow the call"
    assert len(stage.all) == 5


@on_stage()
def test_nothing_done_and_something_denied_is_an_error(stage: Stage) -> None:
    """Where no call at all was done the run failed, rather than half succeeded."""
    stage.apply(LAB)
    stage.simulator.inject(Fault("UpdateJobQueue", "denied"))
    assert stage.apply(edit(LAB, ("priority: 10", "priority: 11"))).exit_code == 1


@pytest.mark.parametrize("operation", ["CreateComputeEnvironment", "CreateJobQueue", "DescribeComputeEnvironments"])
@on_stage()
def test_credentials_that_end_on_the_way_stop_the_run_cleanly(stage: Stage, operation: str) -> None:
    """No further call is begun, everything is told, exit 4, and the same command again finishes the work."""
    skip = 1 if operation == "DescribeComputeEnvironments" else 0
    stage.simulator.inject(Fault(operation, "expired", after=skip), Fault("*", "expired", after=9 + skip, times=None))
    report = stage.apply(LAB)
    assert report.exit_code == 4
    assert report.failures
    for failure in report.failures:
        assert "ExpiredToken" in str(failure.error)
        assert failure.hint == "renew them and run the same command again"
    assert {outcome.status for outcome in report.outcomes} <= {"done", "failed", "skipped"}
    first = report.failures[0].step
    assert {outcome.because for outcome in report.outcomes if outcome.status == "skipped"} <= {first}
    assert report.residue is None
    stage.simulator.heal()
    assert stage.apply(LAB).exit_code == 0
    assert len(stage.all) == 7
    assert stage.revisions("lab-align") == [1]
    assert stage.plan(LAB).empty


@on_stage()
def test_without_credentials_nothing_more_is_tried(stage: Stage) -> None:
    """A hundred registrations wait for their turn when the credentials end: none of them goes out."""
    block = LAB[LAB.index("  sort:\n") :]
    text = LAB + "".join(edit(block, ("  sort:\n", f"  sort-{number}:\n")) for number in range(100))
    stage.simulator.inject(Fault("RegisterJobDefinition", "expired", after=5, times=None))
    report = stage.apply(text)
    assert report.exit_code == 4
    assert stage.calls["RegisterJobDefinition"] <= 5 + stage.reconciler.settings.parallelism
    assert sum(report.counts.values()) == 107


@pytest.mark.parametrize("kind", ["expired", "server", "refused", "throttle"])
@on_stage()
def test_a_failure_of_the_last_look_keeps_the_report(stage: Stage, kind: Literal["expired", "server"]) -> None:
    """Everything is done, and the look afterwards fails: the report says both, exit 4."""
    steps = {step.id for step in stage.plan(LAB).steps}

    def listen(_event: Event) -> None:
        if len(stage.told("finished")) == len(steps):
            stage.simulator.inject(Fault("*", kind, times=None))

    report = stage.apply(LAB, on_event=listen)
    assert report.counts["done"] == len(steps)
    (failure,) = report.failures
    assert (failure.step, failure.call) == ("look", None)
    assert str(failure.error).startswith("after the last step: ")
    assert failure.hint
    assert report.exit_code == 4
    assert stage.events[-1].detail == {"exit_code": 4}
    assert report.calls == stage.calls


def _without_credentials(**_: Any) -> NoReturn:
    raise NoCredentialsError
