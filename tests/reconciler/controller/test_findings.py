"""What plans, reports and errors make of the status of a stack."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from plans.change import Action, Change, Refusal
from plans.plan import Plan, Step
from plans.report import Outcome, Report
from providers import errors
from providers.errors import BatchwrightError, Fault
from providers.resources import Address
from providers.simulator import Fault as Planted
from reconciler.controller.findings import (
    _ERRORS,
    begun,
    checked,
    failed,
    planned,
    reason_of,
    reported,
    suspended,
    words,
)
from reconciler.controller.status import REASONS, STANDS, Kind, Reason, Status, stood
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
    assert {reason for reason, _ in _ERRORS.values()} <= set(REASONS)
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
    assert ("Locked" in status.conditions) == (reason == "HeldByAnother")
    assert ("Draining" in status.conditions) == (reason == "Retiring")


def test_an_error_of_a_kind_that_nobody_told() -> None:
    """An error that is not in the table means what the one above it means."""

    @attrs.frozen
    class Elsewhere(errors.StalePlan):
        """A new kind."""

    assert reason_of(Elsewhere) == ("StalePlan", "going")


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
    assert told(waiting, "Suspended")[0] == "False"
    assert (waiting.plan, waiting.observed, waiting.applied, sums(waiting)) == ("p", "2", "", "S")
    nothing = planned(waiting, EMPTY, "NothingToDo", revision="2", now=2.0)
    assert (nothing.plan, nothing.applied, sums(nothing)) == (None, "2", "R")
    kinds: tuple[Kind, ...] = ("Planned", "AwaitingApproval", "DriftDetected", "Locked", "Draining")
    for kind in kinds:
        assert nothing.conditions[kind].status == "False"
    assert told(planned(NEW, PLAN, "SaidSo", revision="2", now=1.0), "Suspended") == ("True", "SaidSo", "")


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
    assert ("Planned" in status.conditions) == well


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
    assert told(checked(ready, {}, 2.0), "Healthy") == ("True", "AllValid", "")
    ill = checked(ready, {"b": "no subnet", "a": "no role"}, 2.0)
    assert told(ill, "Healthy") == ("False", "Invalid", "a: no role\nb: no subnet")


def test_stands_of_errors_are_those_of_their_reasons() -> None:
    """An error stands another way than its reason does only where it is told apart on purpose."""
    apart = {kind.__name__ for kind, (reason, stand) in _ERRORS.items() if STANDS[reason] != stand}
    assert apart == {"CredentialsExpired", "Rejected", "UnknownOperation"}
