"""What plans, reports and errors make of the status of a stack."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from plans.change import Action, Change, Refusal
from plans.plan import Goal, Plan, Step
from plans.report import Outcome, Report
from providers import errors
from providers.errors import BatchwrightError, Fault
from providers.resources import Address
from providers.simulator import Fault as Planted
from reconciler.controller.conditions import FAILURES, SEEN, STANDS, Kind, Reason
from reconciler.controller.findings import (
    _ERRORS,
    begun,
    blocked,
    checked,
    failed,
    outdated,
    planned,
    reason_of,
    reported,
    resumed,
    source_failed,
    suspended,
    words,
)
from reconciler.controller.status import Status, stood
from tests.kit import LAB, Stage
from tests.reconciler.controller.test_status import sums

NEW = Status("lab")
HIGH = Address.parse("job_queue.high")
EMPTY = Plan("e", "lab", {}, None, "eu-west-1", {}, "")
PLAN = attrs.evolve(EMPTY, id="p", steps=(Step("s", str(HIGH), "UpdateJobQueue"),))


def told(status: Status, kind: Kind) -> tuple[str, Reason, str]:
    found = status.conditions[kind]
    return found.status, found.reason, found.message


def kinds_of(kind: type[BatchwrightError]) -> Iterator[type[BatchwrightError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds_of(each)


# A class with slots is made twice, and the first of the two is a subclass till it is collected.
TREE = sorted({each for each in kinds_of(BatchwrightError) if getattr(errors, each.__name__, None) is each}, key=str)


def test_every_error_has_a_reason() -> None:
    """The table is of all errors of the house, leaf or not, and each has a reason of its own choice."""
    assert set(_ERRORS) == set(TREE)
    assert {reason for reason, _ in _ERRORS.values()} <= set(FAILURES)
    assert [kind for kind in TREE if _ERRORS[kind][0] == "Unexpected"] == [BatchwrightError]


def test_every_error_of_the_drawing_is_in_the_tree() -> None:
    """The tree that is tested is the one that is drawn."""
    drawn = {word for word in (errors.__doc__ or "").split() if word.isidentifier() and hasattr(errors, word)}
    assert {kind.__name__ for kind in TREE} == drawn


@pytest.mark.parametrize("kind", [kind for kind in TREE if kind.retryable])
def test_what_may_be_tried_again_is_no_standstill(kind: type[BatchwrightError]) -> None:
    """An error that is gone when it is tried again leaves nobody stalled."""
    assert reason_of(kind)[1] == "going"


@pytest.mark.parametrize(
    ("error", "reason", "sum"),
    [
        (errors.ManifestError("the manifest has 1 fault"), "ManifestInvalid", "S"),
        (errors.PlanRefused("x"), "Refused", "S"),
        (errors.StalePlan("x"), "StalePlan", "C"),
        (errors.LockHeld("x"), "HeldByAnother", "C"),
        (errors.LockLost("x"), "HeldByAnother", "C"),
        (errors.Throttled("x"), "CallFailed", "C"),
        (errors.Rejected("x"), "CallFailed", "S"),
        (errors.AccessDenied("x"), "AccessDenied", "S"),
        (errors.CredentialsExpired("x"), "AccessDenied", "C"),
        (errors.BecameInvalid("x"), "Invalid", "S"),
        (errors.DeadlinePassed("x"), "TimedOut", "C"),
        (errors.JobsFound("x"), "JobsFound", "C"),
        (errors.TrialFailed("x"), "TrialFailed", "S"),
        (errors.Retiring("x"), "Retiring", "C"),
        (errors.NotConverged("x"), "NotConverged", "C"),
        (errors.Interrupted("x"), "Interrupted", "C"),
        (ValueError("x"), "Unexpected", "C"),
        (KeyboardInterrupt(), "Unexpected", "C"),
    ],
)
def test_errors(error: BaseException, reason: Reason, sum: str) -> None:
    """An error ends a look with its reason; stalled is who needs somebody, and the rest is tried again."""
    status = failed(attrs.evolve(NEW, applied="1", observed="1", failures=2), error, revision="1", now=5.0)
    assert told(status, "Ready")[1] == reason
    assert sums(status) == sum
    assert (status.failures, status.applied, status.observed) == (3, "1", "1")
    assert {status.conditions[kind].status for kind in SEEN} == {"Unknown"}
    assert {status.conditions[kind].reason for kind in SEEN} == {reason}
    assert {status.conditions[kind].reason for kind in ("Locked", "Draining")} == {"NotLookedYet"}
    ran = failed(attrs.evolve(NEW, applied="1", observed="1", failures=2), error, revision="1", now=5.0, run=True)
    assert sums(ran) == sum
    assert {ran.conditions[kind].reason for kind in SEEN} == {"NotLookedYet"}
    assert (ran.conditions["Locked"].status == "True") == (reason == "HeldByAnother")
    assert (ran.conditions["Draining"].status == "True") == (reason == "Retiring")


def test_an_error_of_a_kind_that_nobody_told() -> None:
    """An error that is not in the table means what the one above it means."""

    @attrs.frozen
    class Elsewhere(errors.StalePlan):
        """A new kind."""

    assert reason_of(Elsewhere) == ("StalePlan", "going")


@pytest.mark.parametrize("kind", TREE)
def test_every_error_can_be_told(kind: type[BatchwrightError]) -> None:
    """Whatever ends a look or a run has a place in the table, and leaves the reason why it is not ready."""
    for run in (False, True):
        status = failed(NEW, kind("x"), revision="1", now=1.0, run=run)
        assert status.conditions["Ready"].status == "False"
        assert len(sums(status)) == 1


def test_words() -> None:
    """A message has the address, AWS's own words and the request id, and what to do about it."""
    error = errors.AccessDenied(
        "User is not authorized",
        str(HIGH),
        "allow it",
        operation="UpdateJobQueue",
        code="AccessDeniedException",
        request_id="r-1",
    )
    assert words(error) == (
        "job_queue.high: UpdateJobQueue: User is not authorized (AccessDeniedException) [request r-1] (allow it)"
    )
    many = errors.ManifestError("the manifest has 1 fault", faults=(Fault("a.yaml", 1, 2, "stack", "is missing"),))
    assert words(many) == "the manifest has 1 fault\na.yaml:1:2: stack: is missing"
    assert words(KeyError("a\x1b")) == "KeyError: 'a\\x1b'"


def test_plans() -> None:
    """A plan is told with its id; what is awaited, what moved away, and what nobody did are conditions."""
    waiting = planned(
        NEW, PLAN, "WaitsForApproval", "plan p waits", drift="job_queue.high priority", revision="2", now=1.0
    )
    assert told(waiting, "Planned") == ("True", "PlanMade", "plan p")
    assert told(waiting, "AwaitingApproval") == ("True", "WaitsForApproval", "plan p waits")
    assert told(waiting, "DriftDetected") == ("True", "Drifted", "job_queue.high priority")
    assert told(waiting, "Locked") == ("Unknown", "NotTried", "")
    assert (waiting.plan, waiting.observed, waiting.applied, sums(waiting)) == ("p", "2", "", "S")
    nothing = planned(waiting, EMPTY, "NothingToDo", revision="2", now=2.0)
    assert (nothing.plan, nothing.applied, sums(nothing)) == (None, "2", "R")
    kinds: tuple[Kind, ...] = ("Planned", "AwaitingApproval", "DriftDetected", "Draining")
    assert [told(nothing, kind) for kind in kinds] == [
        ("False", "NothingToDo", ""),
        ("False", "NotAwaited", ""),
        ("False", "AsApplied", ""),
        ("False", "NothingDrains", ""),
    ]


def test_what_was_never_applied_neither_drifts_nor_is_healthy() -> None:
    """Where nothing is there and nothing was applied, both are unknown; what is there is looked at all the same."""
    new = checked(planned(NEW, PLAN, "PlanMade", revision="1", now=1.0), {}, 1.0)
    assert told(new, "DriftDetected") == ("Unknown", "NeverApplied", "")
    assert told(new, "Healthy") == ("Unknown", "NeverApplied", "")
    assert sums(new) == "R"
    there = attrs.evolve(new, inventory={str(HIGH): "arn"})
    assert told(checked(there, {}, 2.0), "Healthy") == ("True", "AllValid", "")
    assert told(checked(there, {str(HIGH): "no role"}, 2.0), "Healthy")[0] == "False"


@pytest.mark.parametrize("reason", ["Progressing", "WaitsForWindow"])
def test_who_is_healed_is_ready_meanwhile(reason: Reason) -> None:
    """The applied revision stands: it has drifted, and goes on by itself; a new one is not ready before it is made."""
    applied = attrs.evolve(NEW, applied="2", observed="2")
    healed = planned(applied, PLAN, reason, "1 to update", drift="a queue", revision="2", now=1.0)
    assert (sums(healed), told(healed, "Ready")) == ("RC", ("True", "Drifted", "a queue"))
    assert sums(planned(applied, PLAN, reason, drift="a queue", revision="3", now=1.0)) == "C"
    waiting = planned(applied, PLAN, "WaitsForApproval", drift="a queue", revision="2", now=1.0)
    assert sums(waiting) == "S"


def test_a_refused_plan_is_none_that_would_change_something() -> None:
    """It is at hand to be read, and nothing of it can be carried out."""
    status = planned(NEW, attrs.evolve(LEFT, id="r"), "Refused", "is taken", revision="1", now=1.0)
    assert told(status, "Planned") == ("False", "Refused", "is taken")
    assert (status.plan, sums(status)) == ("r", "S")
    assert told(status, "Draining") == ("Unknown", "NotTried", "")


def test_what_drains_does_so_until_no_plan_waits_for_it() -> None:
    """A run told of it; a look at a plan that still waits for jobs leaves it, one at another ends it."""
    drained = Goal("compute_environment", "old", "drained")
    waiting = attrs.evolve(PLAN, steps=(Step("d", "compute_environment.old", None, goal=drained),))
    assert told(planned(NEW, waiting, "NewRevision", revision="1", now=1.0), "Draining")[:2] == ("Unknown", "NotTried")
    left = reported(NEW, Report("p", (RETIRING,)), revision="1", now=2.0)
    assert told(left, "Draining") == ("True", "Retiring", "compute_environment.old: 2 jobs run")
    assert (
        planned(left, waiting, "NewRevision", revision="1", now=3.0).conditions["Draining"]
        == (left.conditions["Draining"])
    )
    assert told(planned(left, PLAN, "NewRevision", revision="1", now=3.0), "Draining")[0] == "False"
    assert told(reported(left, Report("p"), revision="1", now=3.0), "Draining")[0] == "False"
    assert told(reported(left, Report("p", (outcome(),)), revision="1", now=3.0), "Draining")[0] == "True"


def test_a_lock_is_known_by_who_tried_it() -> None:
    """Held by another till a run has it, unknown again where no run is to come."""
    held = failed(NEW, errors.LockHeld("run 5 has it"), revision="1", now=1.0, run=True)
    assert told(held, "Locked")[:2] == ("True", "HeldByAnother")
    assert told(planned(held, PLAN, "NewRevision", revision="1", now=2.0), "Locked")[0] == "True"
    assert told(planned(held, PLAN, "Drifted", revision="1", now=2.0), "Locked")[:2] == ("Unknown", "NotTried")
    free = reported(held, Report("p", (outcome(),)), revision="1", now=3.0)
    assert told(free, "Locked")[:2] == ("False", "NotHeld")
    assert told(planned(free, PLAN, "Drifted", revision="1", now=4.0), "Locked")[0] == "False"


def test_health_after_a_run() -> None:
    """What became INVALID is told at once; who was ill before a run that ended well is to be looked at anew."""
    ill = reported(NEW, Report("p", (outcome(errors.BecameInvalid),)), revision="1", now=1.0)
    assert told(ill, "Healthy") == ("False", "Invalid", "job_queue.high: no")
    assert told(reported(ill, Report("p"), revision="1", now=2.0), "Healthy")[:2] == ("Unknown", "NotLookedYet")
    assert told(reported(NEW, Report("p"), revision="1", now=2.0), "Healthy")[:2] == ("True", "AllValid")


def test_drift_that_a_run_was_to_leave_is_told_after_it() -> None:
    """What is only reported has not gone with what was healed."""
    left = reported(NEW, Report("p"), revision="1", drift="a queue", now=1.0)
    assert told(left, "DriftDetected") == ("True", "Drifted", "a queue")
    assert told(left, "Planned") == ("Unknown", "NotLookedYet", "")
    assert told(reported(left, Report("p"), revision="1", now=2.0), "DriftDetected")[:2] == ("False", "AsApplied")


def test_failures_grow_until_something_ends_well() -> None:
    """A plan that is carried out again and fails again waits longer each time, till nothing fails or it is another."""
    status = NEW
    for n in range(1, 4):
        status = planned(status, PLAN, "NewRevision", revision="1", now=1.0)
        status = failed(status, errors.Throttled("slow down"), revision="1", now=2.0)
        assert status.failures == n
    assert planned(status, PLAN, "Drifted", revision="1", now=3.0).failures == 0
    assert planned(status, PLAN, "NewRevision", revision="2", now=3.0).failures == 0
    assert failed(status, errors.Throttled("slow down"), revision="2", now=3.0).failures == 1
    assert reported(status, Report("p"), revision="1", now=3.0).failures == 0


def outcome(cause: type[BatchwrightError] | None = None, **given: Any) -> Outcome:
    row: dict[str, Any] = {"step": "s", "address": str(HIGH), "call": "UpdateJobQueue", "status": "failed"}
    return Outcome(**{**row, "error": "no", "exit_code": 1, "cause": cause, **given})


RETIRING = outcome(errors.Retiring, status="retiring", address="compute_environment.old", error="2 jobs run")
LEFT = attrs.evolve(
    PLAN, changes=(Change(HIGH, "h", Action.UPDATE),), refusals=(Refusal("job_queue.low", "x", "is taken"),)
)


@pytest.mark.parametrize(
    ("report", "reason", "sum", "message"),
    [
        (Report("p", (outcome(status="done", error=None, exit_code=0),), residue=EMPTY), "Succeeded", "R", "plan p"),
        (Report("p"), "Succeeded", "R", ""),
        (Report("p", (outcome(errors.AccessDenied),)), "AccessDenied", "S", "job_queue.high: no"),
        (Report("p", (outcome(errors.Throttled, hint="wait"),)), "CallFailed", "C", "job_queue.high: no (wait)"),
        (Report("p", (outcome(errors.Throttled), outcome(errors.TrialFailed))), "TrialFailed", "S",
         "job_queue.high: no\njob_queue.high: no"),
        (Report("p", (outcome(errors.Throttled, error="job_queue.high: no"),)), "CallFailed", "C",
         "job_queue.high: no"),
        (Report("p", (outcome(),)), "Unexpected", "C", "job_queue.high: no"),
        (Report("p", (RETIRING,)), "Retiring", "C", "compute_environment.old: 2 jobs run"),
        (Report("p", (RETIRING, outcome(errors.Throttled))), "CallFailed", "C",
         "compute_environment.old: 2 jobs run\njob_queue.high: no"),
        (Report("p", (outcome(errors.LockLost, address="", error="lost"),)), "HeldByAnother", "C", "lost"),
        (Report("p", (outcome(errors.AccessDenied),), interrupted_by=15), "Interrupted", "C",
         "interrupted by signal 15"),
        (Report("p", (outcome(status="done"),), residue=LEFT), "NotConverged", "C",
         "still to be done: job_queue.high\njob_queue.low: is taken"),
    ],
)  # fmt: skip
def test_reports(report: Report, reason: Reason, sum: str, message: str) -> None:
    """An apply ends with the reason of what needs somebody, else of what failed; it is applied if none did."""
    before = attrs.evolve(NEW, observed="2", applied="1", plan="p", failures=1)
    status = reported(before, report, revision="2", now=1.0)
    well = reason == "Succeeded"
    assert told(status, "Ready") == ("True" if well else "False", reason, message)
    assert sums(status) == sum
    assert (status.applied, status.plan, status.failures) == (("2", None, 0) if well else ("1", "p", 2))
    assert (status.conditions["Draining"].status == "True") == (RETIRING in report.outcomes)
    assert (status.conditions["Locked"].status == "True") == (reason == "HeldByAnother")
    assert told(status, "Planned")[:2] == (("False", "NothingToDo") if well else ("Unknown", "NotLookedYet"))


def test_a_real_apply_and_its_inventory() -> None:
    """After an apply every address has its ARN, and what was deleted has none."""
    stage = Stage.new()
    status = reported(NEW, stage.apply(LAB), revision="1", now=1.0)
    assert sorted(status.inventory.values()) == stage.all
    stage.settle()
    without = LAB[: LAB.index("jobQueues:")] + "jobQueues: {}\n"
    status = reported(status, stage.apply(without), revision="2", now=2.0)
    assert sums(status) == "R"
    assert sorted(status.inventory.values()) == stage.all
    assert str(HIGH) not in status.inventory


def test_a_real_failure() -> None:
    """A call that is refused is told with its address, AWS's words and the request id, and stalls the stack."""
    stage = Stage.new()
    stage.simulator.inject(Planted("CreateJobQueue", "denied"))
    status = reported(NEW, stage.apply(LAB), revision="1", now=1.0)
    answer, reason, message = told(status, "Stalled")
    assert (answer, reason, status.applied) == ("True", "AccessDenied", "")
    assert message.startswith("job_queue.")
    assert ": CreateJobQueue: User: arn:aws:iam::123456789012:user/simulated is not authorized" in message
    assert "[request request-" in message


def test_what_is_said_in_between() -> None:
    """Who is at it reconciles and is ready as before; a suspended stack does neither that nor stall."""
    ready = stood(NEW, "Succeeded", "", revision="1", now=1.0)
    assert sums(begun(ready, "apply", 2.0)) == "RC"
    stopped = suspended(begun(stood(ready, "Refused", "", now=2.0), "plan", 3.0), 4.0)
    assert sums(stopped) == ""
    assert told(stopped, "Suspended") == ("True", "SaidSo", "")
    assert {stopped.conditions[kind].reason for kind in SEEN} == {"SaidSo"}
    again = resumed(stopped, 5.0)
    assert (sums(again), told(again, "Suspended")) == ("C", ("False", "NotSuspended", ""))
    assert sums(resumed(ready, 5.0)) == "R"
    ready = attrs.evolve(ready, applied="1")
    assert told(checked(ready, {}, 2.0), "Healthy") == ("True", "AllValid", "")
    ill = checked(ready, {"b": "no subnet", "a": "no role"}, 2.0)
    assert told(ill, "Healthy") == ("False", "Invalid", "a: no role\nb: no subnet")


def test_a_revision_that_was_not_looked_at_yet() -> None:
    """Whatever was ready before is not any more; who is suspended stays as it is otherwise, and does not go on."""
    for before in (stood(NEW, "Succeeded", "", revision="1", now=1.0), stood(NEW, "Refused", "", now=1.0)):
        newer = outdated(before, "2", resting=False, now=2.0)
        assert told(newer, "Planned")[:2] == told(newer, "AwaitingApproval")[:2] == ("Unknown", "NewRevision")
        assert (sums(newer), newer.observed, newer.looked_at) == ("C", before.observed, before.looked_at)
        assert told(newer, "Ready") == ("False", "NewRevision", "revision 2 is to be looked at")
        resting = outdated(suspended(before, 2.0), "2", resting=True, now=3.0)
        assert (sums(resting), told(resting, "Ready")[1]) == ("", "SaidSo")


def test_a_dependency_that_is_not_ready() -> None:
    """It is not looked at, and says so of all that only a look tells."""
    status = blocked(stood(NEW, "Succeeded", "", revision="1", now=1.0), "one is not ready", 2.0)
    assert (sums(status), status.looked_at) == ("C", 1.0)
    assert {told(status, kind) for kind in SEEN} == {("Unknown", "DependencyNotReady", "one is not ready")}


def test_a_source_that_fails_moves_nobody_who_is_stuck() -> None:
    """It is told beside what is wrong; who is not stuck goes on by itself once it is back."""
    error = errors.SourceAway("no route")
    ready = stood(NEW, "Succeeded", "", revision="1", now=1.0)
    assert sums(source_failed(ready, error, had=True, now=2.0)) == "RC"
    stuck = source_failed(stood(NEW, "ManifestInvalid", "", revision="1", now=1.0), error, had=True, now=2.0)
    assert (sums(stuck), told(stuck, "Reconciling")) == ("S", ("False", "SourceFailed", "no route"))
    assert sums(source_failed(NEW, error, had=False, now=2.0)) == "C"


def test_stands_of_errors_are_those_of_their_reasons() -> None:
    """An error stands another way than its reason does only where it is told apart on purpose."""
    apart = {kind.__name__ for kind, (reason, stand) in _ERRORS.items() if STANDS[reason] != stand}
    assert apart == {"CredentialsExpired", "Rejected", "UnknownOperation"}
