"""What a round found, as conditions with their reasons: a plan, the report of an apply, or an error. Pure."""

from collections.abc import Mapping

import attrs

from plans.change import Action
from plans.plan import Plan
from plans.report import Outcome, Report
from providers import errors
from providers.errors import BatchwrightError
from reconciler.controller.conditions import FAILURES, Answer, Reason, Stand, answer
from reconciler.controller.status import Status, shown, stood, unseen

_ERRORS: Mapping[type[BatchwrightError], tuple[Reason, Stand]] = {
    errors.BatchwrightError: ("Unexpected", "going"),
    errors.InputError: ("ManifestInvalid", "stuck"),
    errors.ManifestError: ("ManifestInvalid", "stuck"),
    errors.PlanFileError: ("StalePlan", "going"),
    errors.StoreError: ("StoreFailed", "going"),
    errors.UnknownRun: ("StoreFailed", "going"),
    errors.UnknownStack: ("ManifestInvalid", "stuck"),
    errors.TargetUnusable: ("TargetUnusable", "stuck"),
    errors.SourceError: ("SourceFailed", "going"),
    errors.SourceAway: ("SourceFailed", "going"),
    errors.SourceRefused: ("Refused", "stuck"),
    errors.RefusedError: ("Refused", "stuck"),
    errors.PlanRefused: ("Refused", "stuck"),
    errors.StalePlan: ("StalePlan", "going"),
    errors.LockHeld: ("HeldByAnother", "going"),
    errors.NotConfirmed: ("Refused", "stuck"),
    errors.CallError: ("CallFailed", "going"),
    errors.Throttled: ("CallFailed", "going"),
    errors.ServerFault: ("CallFailed", "going"),
    errors.Unreachable: ("CallFailed", "going"),
    errors.AnswerLost: ("CallFailed", "going"),
    errors.InTransition: ("CallFailed", "going"),
    errors.StillReferenced: ("CallFailed", "going"),
    errors.AlreadyExists: ("CallFailed", "going"),
    errors.NotFound: ("CallFailed", "going"),
    errors.AccessDenied: ("AccessDenied", "stuck"),
    errors.CredentialsMissing: ("AccessDenied", "stuck"),
    errors.CredentialsExpired: ("AccessDenied", "going"),
    errors.UnknownOperation: ("CallFailed", "stuck"),
    errors.Rejected: ("CallFailed", "stuck"),
    errors.WaitError: ("TimedOut", "going"),
    errors.BecameInvalid: ("Invalid", "stuck"),
    errors.DeadlinePassed: ("TimedOut", "going"),
    errors.JobsFound: ("JobsFound", "going"),
    errors.TrialFailed: ("TrialFailed", "stuck"),
    errors.Retiring: ("Retiring", "going"),
    errors.LockLost: ("HeldByAnother", "going"),
    errors.ChangedMeanwhile: ("StalePlan", "going"),
    errors.NotConverged: ("NotConverged", "going"),
    errors.Interrupted: ("Interrupted", "going"),
}
"""What an error means to a stack; of a kind that is not named, what the kind above it means."""


def reason_of(kind: type[BaseException]) -> tuple[Reason, Stand]:
    """What an error of a kind means to a stack, and how the stack stands with it."""
    return next((_ERRORS[each] for each in kind.__mro__ if each in _ERRORS), ("Unexpected", "going"))


def begun(status: Status, message: str, now: float) -> Status:
    """Of a stack that is being looked at: whether it is ready is not asked again before that is over."""
    return status.told("Reconciling", "True", "Progressing", shown(message), now)


def outdated(status: Status, revision: str, *, resting: bool, now: float) -> Status:
    """Of a stack that is to be something else, as a revision says that was not looked at yet."""
    if resting:
        return status.told("Ready", "False", "SaidSo", f"revision {revision} is not looked at", now)
    message = f"revision {revision} is to be looked at"
    status = stood(status, "NewRevision", message, now=now)
    status = status.told("Planned", "Unknown", "NewRevision", message, now)
    return status.told("AwaitingApproval", "Unknown", "NewRevision", message, now)


def suspended(status: Status, now: float) -> Status:
    """Of a stack that is not looked at since somebody said so; it is ready as it was, and goes on to be no other."""
    ready = status.conditions["Ready"]
    if ready.status == "False" and ready.reason not in FAILURES:
        status = status.told("Ready", "False", "SaidSo", ready.message, now)
    status = status.told("Suspended", "True", "SaidSo", "", now)
    status = status.told("Reconciling", "False", "SaidSo", "", now)
    status = status.told("Stalled", "False", "SaidSo", "", now)
    return unseen(status, "SaidSo", "", now)


def resumed(status: Status, now: float) -> Status:
    """Of a stack that is looked at, as far as people say."""
    if status.conditions["Suspended"].status == "True":
        status = begun(status, "it is taken up again", now)
    return status.told("Suspended", "False", "NotSuspended", "", now)


def blocked(status: Status, why: str, now: float) -> Status:
    """Of a stack that is not looked at while one that it depends on is not as that is to be."""
    status = stood(status, "DependencyNotReady", why, now=now)
    return unseen(status, "DependencyNotReady", why, now)


def planned(
    status: Status, plan: Plan, reason: Reason, message: str = "", *, drift: str = "", revision: str, now: float
) -> Status:
    """After a plan was made of a revision: `reason` and `message` say what is done about it, `drift` what moved away.

    Where nothing is to be done the revision is the applied one. Failures are forgotten, unless it is about to be
    carried out, which may fail again. What moved away is brought back to a stack that is ready.
    """
    if reason == "NothingToDo":
        status = attrs.evolve(status, applied=revision)
    healing = reason in ("Progressing", "WaitsForWindow") and status.applied == revision
    ready: tuple[Reason, str] | None = ("Drifted", drift) if healing else None
    status = stood(status, reason, message, revision=revision, ready=ready, now=now)
    starting = reason in ("NewRevision", "Progressing")
    status = attrs.evolve(status, plan=None if plan.empty else plan.id, failures=status.failures if starting else 0)
    if plan.refusals:
        status = status.told("Planned", "False", "Refused", shown(message), now)
    elif plan.empty:
        status = status.told("Planned", "False", "NothingToDo", "", now)
    else:
        status = status.told("Planned", "True", "PlanMade", f"plan {plan.id}", now)
    status = _moved(status, drift, now)
    awaited = reason == "WaitsForApproval"
    why: Reason = "WaitsForApproval" if awaited else "NotAwaited"
    status = status.told("AwaitingApproval", answer(awaited), why, shown(message) if awaited else "", now)
    if not starting and status.conditions["Locked"].status != "False":
        status = status.told("Locked", "Unknown", "NotTried", "", now)
    waits = any(step.goal is not None and step.goal.until == "drained" for step in plan.steps)
    if not plan.refusals and not waits:
        status = status.told("Draining", "False", "NothingDrains", "", now)
    elif status.conditions["Draining"].status == "Unknown":
        status = status.told("Draining", "Unknown", "NotTried", "", now)
    return status


def reported(
    status: Status,
    report: Report,
    *,
    revision: str,
    now: float,
    gave_way: str = "",
    gave_way_as: Reason = "Interrupted",
    drift: str = "",
) -> Status:
    """After an apply of a revision; `gave_way` says to what, where it did, and `gave_way_as` what that is; `drift` what
    it was to leave as it is."""
    well = report.exit_code == 0
    failures = 0 if well or revision != status.observed else status.failures
    status = attrs.evolve(
        status,
        applied=revision if well else status.applied,
        plan=None if well else status.plan,
        inventory=_inventory(status, report),
    )
    reason, stand, message = _of_report(report, gave_way, gave_way_as)
    status = stood(status, reason, message, revision=revision, stand=stand, now=now)
    status = attrs.evolve(status, failures=0 if well else failures + 1)
    leaving = [outcome for outcome in report.outcomes if outcome.status == "retiring"]
    if leaving:
        status = status.told("Draining", "True", "Retiring", shown("\n".join(map(_failure, leaving))), now)
    elif well:
        status = status.told("Draining", "False", "NothingDrains", "", now)
    if reason == "HeldByAnother":
        status = status.told("Locked", "True", reason, shown(message), now)
    else:
        status = status.told("Locked", "False", "NotHeld", "", now)
    if reason == "Invalid":
        status = status.told("Healthy", "False", reason, shown(message), now)
    if well:
        planned: tuple[Answer, Reason] = ("Unknown", "NotLookedYet") if drift else ("False", "NothingToDo")
        status = status.told("Planned", *planned, "", now)
        status = status.told("AwaitingApproval", "False", "NotAwaited", "", now)
        status = _moved(status, drift, now)
        # What a run makes it waits for until it is VALID; what it did not touch is as it was.
        if status.conditions["Healthy"].status == "False":
            status = status.told("Healthy", "Unknown", "NotLookedYet", "", now)
        else:
            status = status.told("Healthy", "True", "AllValid", "", now)
    return status


def failed(
    status: Status, error: BaseException, *, revision: str | None = None, now: float, run: bool = False
) -> Status:
    """After an error that ended a look, or a `run`; `revision` is None where it came before one was had."""
    reason, stand = reason_of(type(error))
    message = words(error)
    status = stood(status, reason, message, revision=revision, stand=stand, now=now)
    status = attrs.evolve(status, failures=status.failures + 1)
    if not run:
        return unseen(status, reason, message, now)
    if reason == "Retiring":
        status = status.told("Draining", "True", reason, message, now)
    return status.told("Locked", "True", reason, message, now) if reason == "HeldByAnother" else status


def source_failed(status: Status, error: BaseException, *, had: bool, now: float) -> Status:
    """After a fetch that failed: what was `had` stays what the stack is to be, and ready what is as that says."""
    if not had:
        return failed(status, error, now=now)
    stuck = status.conditions["Stalled"].status == "True"
    return status.told("Reconciling", answer(not stuck), "SourceFailed", words(error), now)


def checked(status: Status, invalid: Mapping[str, str], now: float) -> Status:
    """With what AWS calls INVALID of a stack, and why, by address; of what was never made nothing is known."""
    if not status.inventory and not status.applied:
        return status.told("Healthy", "Unknown", "NeverApplied", "", now)
    message = "\n".join(f"{address}: {why}" for address, why in sorted(invalid.items()))
    return status.told("Healthy", answer(not invalid), "Invalid" if invalid else "AllValid", shown(message), now)


def _moved(status: Status, drift: str, now: float) -> Status:
    """With what moved away; from what was never applied nothing can."""
    if drift:
        return status.told("DriftDetected", "True", "Drifted", shown(drift), now)
    if not status.applied:
        return status.told("DriftDetected", "Unknown", "NeverApplied", "", now)
    return status.told("DriftDetected", "False", "AsApplied", "", now)


def words(error: BaseException) -> str:
    """An error for a reader: its address, AWS's own words and the request id where it has them, and what to do."""
    if not isinstance(error, BatchwrightError):
        return shown(f"{type(error).__name__}: {error}")
    return shown(f"{error} ({error.hint})" if error.hint else str(error))


def _of_report(report: Report, gave_way: str, gave_way_as: Reason) -> tuple[Reason, Stand, str]:
    """Why an apply ended as it did: of several failures the one that needs somebody."""
    if report.interrupted_by is not None:
        return gave_way_as, "going", gave_way or f"interrupted by signal {report.interrupted_by}"
    if report.failures:
        found = [reason_of(outcome.cause or BaseException) for outcome in report.failures]
        reason, stand = next((each for each in found if each[1] == "stuck"), None) or next(
            (each for each in found if each[0] != "Retiring"), found[0]
        )
        return reason, stand, "\n".join(map(_failure, report.failures))
    if report.residue is not None and not report.residue.empty:
        left = [str(change.address) for change in report.residue.changes if change.action is not Action.NOOP]
        refused = [f"{row.address}: {row.message}" for row in report.residue.refusals]
        return "NotConverged", "going", "\n".join([f"still to be done: {', '.join(left)}"] * bool(left) + refused)
    return "Succeeded", "done", f"plan {report.plan_id}" if report.outcomes else ""


def _failure(outcome: Outcome) -> str:
    told = outcome.error or ""
    where = "" if told.startswith(outcome.address) else f"{outcome.address}: "
    return f"{where}{told} ({outcome.hint})" if outcome.hint else f"{where}{told}"


def _inventory(status: Status, report: Report) -> Mapping[str, str]:
    """What is there, by address: what was touched and is no longer planned for is gone."""
    there = {**status.inventory, **report.produced}
    if report.residue is None:
        return there
    known = {str(change.address) for change in report.residue.changes}
    gone = {outcome.address for outcome in report.outcomes} - known
    return {address: arn for address, arn in there.items() if address not in gone}
