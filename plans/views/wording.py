"""What the views share: words for plans and reports, counts and times. No markup, no colour."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from plans.change import Action, Change, Difference, Origin
from plans.jobs import emptying, mode
from plans.plan import Estimate, Plan, Step
from plans.printable import plain
from plans.report import Outcome, Report
from providers.resources import CANARY, HOUSE_TAG_PREFIX, Ref

_TO_DO: Mapping[Action, str] = {
    Action.ADOPT: "to adopt",
    Action.TAG: "to tag",
    Action.UNTAG: "to untag",
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.REGISTER: "to register",
    Action.REPLACE: "to replace",
    Action.DELETE: "to delete",
}

_DRIFTED: Mapping[Action, str] = {
    Action.ADOPT: "not adopted",
    Action.TAG: "tags changed",
    Action.UNTAG: "tags changed",
    Action.CREATE: "missing",
    Action.UPDATE: "changed",
    Action.REGISTER: "changed",
    Action.REPLACE: "changed",
    Action.DELETE: "not in the manifest",
}

_WHEN: Mapping[str, str] = {"ok": "", "failed": "only if that failed", "always": "even if that failed"}


def many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def span(seconds: float) -> str:
    """A length of time: `0.4s`, `12s`, `4m 10s`, `2h 5m`."""
    if seconds < 10:
        return f"{seconds:.1f}s".replace(".0s", "s")
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes_left}m" if minutes_left else f"{hours}h"
    if minutes:
        return f"{minutes}m {rest}s" if rest else f"{minutes}m"
    return f"{rest}s"


def cut(text: str, width: int) -> str:
    """The text with its middle left out where it is longer than `width`."""
    if len(text) <= width:
        return text
    kept = max(width - 1, 2)
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def begun(text: str, width: int) -> str:
    """The text in at most `width` characters, its end left out."""
    return text if len(text) <= width else text[: max(width - 2, 0)] + " …"


def place(plan: Plan) -> list[str]:
    """Where the plan works, in parts."""
    return whereabouts(plan.account, plan.region, plan.target, plan.stack)


def whereabouts(account: str | None, region: str, told: Mapping[str, str], stack: str | None) -> list[str]:
    """Where something works, in parts: account, region and where that came from, stack, and how it is reached.

    `told` is that of a `Target`.
    """
    target = {key: plain(value) for key, value in told.items()}
    source = f" (from {target['regionSource']})" if target.get("regionSource") else ""
    parts = [
        f"account {plain(account)}" if account else "account unknown",
        f"region {plain(region)}{source}",
        *([f"stack {plain(stack)}"] if stack else []),
    ]
    if target.get("provider") == "simulator":
        parts.append("simulator")
    named = {"profile": "profile", "roleArn": "role", "endpointUrl": "endpoint"}
    return parts + [f"{word} {target[key]}" for key, word in named.items() if target.get(key)]


def first_time(plan: Plan) -> bool:
    """Whether the account holds nothing of this stack yet."""
    return bool(plan.changes) and all(change.action in (Action.CREATE, Action.ADOPT) for change in plan.changes)


def summary(plan: Plan) -> str:
    """The plan in one line."""
    resources = many(len(plan.changes), "resource")
    if plan.empty:
        if not plan.changes:
            return "No changes. There is nothing to do: nothing of this is live."
        return f"No changes. {resources} {'is' if len(plan.changes) == 1 else 'are'} as the manifest says."
    counts = ", ".join(f"{count} {_TO_DO[action]}" for action, count in _counted(plan)) or "nothing to change"
    calls = many(sum(step.call is not None for step in plan.steps), "call")
    time = f", {estimated(plan.estimate)}" if plan.estimate else ""
    told = f" {refused(plan)}" if plan.refusals else ""
    return f"Plan: {counts}; {calls}{time}.{told}"


def estimated(estimate: Estimate) -> str:
    """How long a plan takes, and with how many calls, those included that only look."""
    return f"about {span(estimate.seconds)} ({many(estimate.api_calls, 'call')} with all looks)"


def refused(plan: Plan) -> str:
    """That a plan with refusals is not carried out."""
    return f"Refused for {many(len(plan.refusals), 'reason')}: apply would do nothing."


def drift_summary(plan: Plan) -> str:
    """The plan in one line, read as a look at how far the world moved away from the manifest."""
    counted: dict[str, int] = {}
    for action, count in _counted(plan):
        counted[_DRIFTED[action]] = counted.get(_DRIFTED[action], 0) + count
    resources = many(len(plan.changes), "resource")
    if not counted and plan.refusals:
        return f"Refused for {many(len(plan.refusals), 'reason')}: what the manifest wants cannot be compared in full."
    if not counted:
        return f"No drift. {resources} {'is' if len(plan.changes) == 1 else 'are'} as the manifest says."
    words = ", ".join(f"{count} {word}" for word, count in counted.items())
    return f"Drift: {sum(counted.values())} of {resources} not as the manifest says: {words}."


def drifted(action: Action) -> str:
    """How a resource stands that would need this action."""
    return _DRIFTED.get(action, "no drift")


def origin(found: Origin | None) -> str:
    """Where a difference comes from; nothing where nobody asked."""
    return "" if found is None else _ORIGINS[found]


_ORIGINS: Mapping[Origin, str] = {
    "drift": "drift: it is not as it was applied",
    "edit": "edit: the manifest says something else than what was applied last",
    "both": "both: it is not as it was applied, and the manifest says something else too",
    "unknown": "unknown: no run from here tells what was applied",
}


def closing(report: Report) -> str:
    """How the apply ended, in one line."""
    counts = ", ".join(f"{count} {status}" for status, count in sorted(report.counts.items())) or "nothing to do"
    calls = many(sum(report.calls.values()), "API call")
    throttled = f" ({report.throttles} throttled)" if report.throttles else ""
    return f"{_ending(report)}: {counts}; {calls}{throttled} in {span(report.seconds)}."


def advice(report: Report) -> str:
    """What to do next, where the apply did not do all."""
    if _tried_only(report):
        return "Only a canary was tried: nothing that anybody uses was changed. Mend it and apply again."
    if report.interrupted_by is not None or report.retiring or (report.failures and report.counts.get("done")):
        return "What is done is done. Run the same command again to go on from there."
    if report.exit_code and not report.failures:
        return "Run the same command again; if this stays, somebody or something else changes these resources."
    return ""


def what(step: Step, names: Mapping[str, str]) -> str:
    """What a step does, and to which object, where that is not the one of its change; `names` as of `named`."""
    done = plain(step.call) if step.call else f"wait until {step.goal.until}" if step.goal else "wait"
    return " ".join(filter(None, (done, _object(step, names))))


def named(plan: Plan) -> Mapping[str, str]:
    """What the objects of the changes of a plan are called, by address."""
    return {str(change.address): change.name for change in plan.changes if change.owner is None}


def _object(step: Step, names: Mapping[str, str]) -> str:
    """The name of what a step acts on, where its address does not tell."""
    gone = step.arguments.get("jobDefinition")
    if step.call == "DeregisterJobDefinition" and isinstance(gone, str):
        return plain(gone.rpartition("/")[2])
    if step.goal is None or step.goal.until == "succeeded":
        return ""
    name = step.goal.name.rpartition("/")[2]
    own = step.goal.until == "unreferenced" or step.goal.kind == step.address.partition(".")[0]
    return "" if own and name == names.get(step.address) else plain(name)


def when(step: Step) -> str:
    """On what a step hangs beside its predecessors' success, or nothing."""
    return _WHEN[step.when]


def ended(outcome: Outcome, steps: Mapping[str, Step], names: Mapping[str, str]) -> str:
    """What a step did that ended so; its plan tells more of it than its outcome."""
    step = steps.get(outcome.step)
    if step is not None and emptying(step) is not None and mode(step) != "refuse":
        # Whether there was a job to end is not known here.
        return " ".join(filter(None, ("emptied" if outcome.status == "done" else "empty it", _object(step, names))))
    if step is not None:
        return what(attrs.evolve(step, call=outcome.call or step.call), names)
    return plain(outcome.call or "wait")


def behind(outcome: Outcome, report: Report) -> str:
    """Why a step was skipped; nothing of one that was not."""
    if outcome.because is None:
        return ""
    retiring = any(other.step == outcome.because and other.status == "retiring" for other in report.failures)
    return f"because {outcome.because} {'has not ended yet' if retiring else 'failed'}"


def title(change: Change) -> str:
    """The physical name, where it is not the name in the manifest."""
    return "" if change.name in ("", change.address.name) else plain(change.name)


def whose(change: Change) -> str:
    """Whose it is, where it is not this stack's."""
    if change.owner is None:
        return ""
    return f"of stack {plain(change.owner)}" if change.owner else "of no stack"


def jobs_at_risk(change: Change) -> str:
    """The unfinished jobs that a change disturbs, and what becomes of them; nothing where it disturbs none."""
    jobs = change.jobs
    if jobs is None or not jobs.total:
        return ""
    longest = "" if jobs.longest is None else f", the longest for {span(jobs.longest)}"
    return f"jobs at risk: {jobs}{longest}" + (f"; {plain(jobs.fate)}" if jobs.fate else "")


def because(change: Change, difference: Difference) -> tuple[str, str]:
    """Why a difference is classed as it is, unless the change says so already; and the rule's name."""
    return "" if difference.why == change.reason else difference.why, difference.rule


def differences(plan: Plan, change: Change) -> tuple[Difference, ...]:
    """What differs; of something new without differences, what its calls say but its name and our own tags."""
    if change.differences or change.action is not Action.CREATE:
        return change.differences
    said: dict[str, Any] = {}
    for step in plan.steps:
        if step.address == str(change.address) and step.call not in (None, "SubmitJob"):
            said |= {key: value for key, value in step.arguments.items() if value != Ref(change.address)}
    tags = said.get("tags") or {}
    own = {key: value for key, value in tags.items() if not key.startswith(HOUSE_TAG_PREFIX)}
    return tuple(
        Difference(key, None, value, "")
        for key, value in {**said, "tags": own}.items()
        if value not in (None, {}) and not (key.lower().endswith("name") and value == change.name)
    )


def _counted(plan: Plan) -> Iterator[tuple[Action, int]]:
    for action, count in plan.summary.items():
        if action != Action.NOOP.value:
            yield Action(action), count


def _tried_only(report: Report) -> bool:
    """Whether something failed, and all that was done is a canary's own, of which nothing is left in use."""
    done = [outcome for outcome in report.outcomes if outcome.status == "done"]
    return (
        report.interrupted_by is None
        and bool(report.failures and done)
        and all(outcome.address.endswith(CANARY) for outcome in done)
    )


def _ending(report: Report) -> str:
    if report.interrupted_by is not None:
        return "Interrupted"
    if report.retiring:
        return "Still retiring"
    if report.failures:
        return "Applied in part" if report.counts.get("done") and not _tried_only(report) else "Failed"
    if report.exit_code:
        return "Applied, but not converged"
    return "Applied" if report.residue is None else "Applied and checked"
