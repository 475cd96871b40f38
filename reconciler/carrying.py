"""Carrying out what a task plans: execute, write down, look again. Whatever happens is in the report."""

import os
import random
import socket
from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType

import attrs

from plans.normalise import DIGEST_RULES, unmet
from plans.origins import applied
from plans.plan import Goal, Plan
from plans.replacement import manner_of
from plans.report import Outcome, Report
from plans.resending import remedy
from providers.errors import BatchwrightError, Interrupted, StoreError
from providers.resources import Address, Live
from reconciler.execute import execute
from reconciler.journal import Journal
from reconciler.lock import Lock, NoLock
from reconciler.task import Task
from reconciler.telling import OnEvent
from reconciler.waiter import Spacing, Waiter

LAG = 60.0
"""Seconds for which tags and revisions may lag behind the calls that changed them, before a residue is an error."""

_LOOK_AGAIN = 5.0
_SPACING = Spacing()


def carry_out(
    task: Task,
    plan: Plan,
    journal: Journal,
    *,
    lock: Lock,
    rng: random.Random,
    timeout: float | None,
    on_event: OnEvent,
    tokens: Mapping[tuple[str, str], str],
) -> Report:
    """Execute the plan of a task and look at the world again."""
    run, report = _executed(task, _capped(plan, timeout), journal, lock=lock, rng=rng, on_event=on_event, tokens=tokens)
    if not report.failures and report.interrupted_by is None:
        report = _looked_at(task, report)
    salt = f"{rng.getrandbits(64):016x}"
    brought_about = applied(plan, report, task.kinds, salt)
    whole = task.whole and report.residue is not None and report.residue.empty
    now = task.connection.clock.now()
    try:
        journal.applied(run, DIGEST_RULES, salt, brought_about, whole=whole, at=now)
        journal.run_ended(run, report.exit_code, now)
    except StoreError as error:
        report = _marred(report, "journal", error)
    return attrs.evolve(report, calls=dict(task.caller.calls), throttles=task.caller.throttles)


def play(
    task: Task, plan: Plan, *, rng: random.Random, timeout: float | None, on_event: OnEvent, spacing: Spacing
) -> Report:
    """Execute a plan and look at the world again as `carry_out` does, in a world of which nothing is kept."""
    forget = Journal(lambda _line: None)
    _, report = _executed(
        task, _capped(plan, timeout), forget, lock=NoLock(), rng=rng, on_event=on_event, spacing=spacing
    )
    return report if report.failures else _looked_at(task, report)


def deregister(
    task: Task, plans: Iterable[Plan], journal: Journal, *, lock: Lock, rng: random.Random, on_event: OnEvent
) -> Report:
    """Execute plans one after the other, up to one of which nothing could be done; the report is that of all."""
    whole = Report("")
    for plan in plans:
        try:
            run, report = _executed(task, plan, journal, lock=lock, rng=rng, on_event=on_event)
            whole = attrs.evolve(
                report,
                outcomes=(*whole.outcomes, *report.outcomes),
                seconds=whole.seconds + report.seconds,
                calls=dict(task.caller.calls),
                throttles=task.caller.throttles,
            )
            journal.run_ended(run, report.exit_code, task.connection.clock.now())
        except StoreError as error:
            if not whole.outcomes:
                raise
            return _marred(whole, "journal", error)
        if report.interrupted_by is not None or not report.counts.get("done"):
            break
    return whole


def _executed(
    task: Task,
    plan: Plan,
    journal: Journal,
    *,
    lock: Lock,
    rng: random.Random,
    on_event: OnEvent,
    tokens: Mapping[tuple[str, str], str] = MappingProxyType({}),
    spacing: Spacing = _SPACING,
) -> tuple[str, Report]:
    """The name of a run in the journal, and its report."""
    addresses = {step.id: step.address for step in plan.steps}

    def advise(step: str, live: Live) -> str:
        return _remedy(task, Address.parse(addresses[step]), live)

    run = f"{rng.getrandbits(48):012x}"
    journal.run_started(run, plan.stack, plan.id, socket.gethostname(), os.getpid(), task.connection.clock.now())
    batches = {kind.name: kind.facts.lookup.batch for kind in task.kinds}
    report = execute(
        plan,
        task.provider,
        waiter=Waiter(rng, partial(_unmet, task), batches, spacing, advise),
        journal=journal,
        caller=task.caller,
        run=run,
        on_event=on_event,
        tokens=tokens,
        lock=lock,
        seen=() if task.seen is None else task.seen.live.all,
    )
    return run, report


def _looked_at(task: Task, report: Report) -> Report:
    """The report with what is left to do; every step is done by now, so no failure may lose it."""
    try:
        return attrs.evolve(report, residue=_residue(task))
    except Interrupted as interrupted:
        return attrs.evolve(report, interrupted_by=interrupted.signal)
    except BatchwrightError as error:
        return _marred(report, "look", error)


def _residue(task: Task) -> Plan:
    """The plan afterwards, looked at again for a while, since tags and revisions may lag."""
    clock = task.connection.clock
    until = clock.now() + LAG
    while True:
        plan = task.plan(afterwards=True)
        if plan.empty or clock.now() + _LOOK_AGAIN > until:
            return plan
        task.caller.wait(clock.now() + _LOOK_AGAIN)


def _remedy(task: Task, address: Address, live: Live) -> str:
    """What the next plan would advise of an object that became INVALID under this one.

    A queue that is moved is none of its step's address.
    """
    kind, resource = task.kinds[live.kind], task.manifest.resources.get(address)
    replaceable = resource is not None and address.kind == live.kind and manner_of(resource, kind) != "refuse"
    return remedy(live, live.spec, kind, address, replaceable=replaceable)


def _unmet(task: Task, goal: Goal, live: Live) -> tuple[str, ...]:
    return unmet(goal.expect, live, task.kinds[goal.kind])


def _marred(report: Report, what: str, error: BatchwrightError) -> Report:
    """A report of work that was done, and of something after it that was not."""
    told = f"after the last step: {error}"
    outcome = Outcome(
        what, "", None, "failed", error=told, hint=error.hint, exit_code=error.exit_code, cause=type(error)
    )
    return attrs.evolve(report, outcomes=(*report.outcomes, outcome))


def _capped(plan: Plan, timeout: float | None) -> Plan:
    """The plan with no wait longer than this, but for those for jobs, whose time the manifest says."""
    if timeout is None:
        return plan
    steps = [
        step
        if step.goal is None or step.goal.until == "succeeded"
        else attrs.evolve(step, goal=attrs.evolve(step.goal, deadline=min(step.goal.deadline, timeout)))
        for step in plan.steps
    ]
    return attrs.evolve(plan, steps=tuple(steps))
