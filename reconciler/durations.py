"""How long what AWS does takes: one table, in seconds, with the source of each row.

A row is as wide as what was seen in public is; AWS promises none of it. A rehearsal draws what a simulated service is
set to from here, and `calibrated` puts in what the journal of a stack on this machine saw.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Literal

import attrs

from plans.change import Impact
from plans.plan import Plan, Step
from plans.rehearsal import Span, middle
from providers.kinds.environment_changes import SCALE
from providers.resources import Ref, Snapshot
from reconciler.journal import Run

if TYPE_CHECKING:
    from providers.simulator import Settings

_TESTS = "acceptance tests of hashicorp/terraform-provider-aws, internal/service/batch"
_PEGASUS = "https://github.com/pegasus-isi/pegasus/issues/2088"
_RELATION = "https://github.com/hashicorp/terraform-provider-aws/issues/46925"
_RENEWING = "https://docs.aws.amazon.com/batch/latest/userguide/infrastructure-updates.html"
_SERVICE = "https://docs.aws.amazon.com/batch/latest/userguide/service-environment-state-definitions.html"
_SHARES = "https://docs.aws.amazon.com/batch/latest/userguide/quota-shares.html"
_NUKE = "https://github.com/ekristen/aws-nuke/issues/674"
_OWN = "assumed: nobody but you knows your jobs"
_RUNS = f"{_OWN}; one that a plan tries ends within three quarters of its timeout"

Table = tuple[Span, ...]

TABLE: Table = (
    Span("create_environment", 10, 40, 120, _TESTS),
    Span("scaling_update", 5, 30, 300, _TESTS),
    Span("infrastructure_update", 600, 1200, 1800, _RENEWING),
    Span("disable_environment", 5, 45, 120, _PEGASUS),
    Span("delete_environment", 10, 60, 300, _TESTS),
    Span("hindered_deletion", 1800, 3600, 14400, _NUKE),
    Span("create_queue", 3, 15, 60, _TESTS),
    Span("update_queue", 3, 15, 60, _TESTS),
    Span("delete_queue", 10, 30, 120, _TESTS),
    Span("create_service_environment", 1, 3, 30, _SERVICE),
    Span("update_service_environment", 0.5, 1, 10, _SERVICE),
    Span("delete_service_environment", 1, 5, 60, _SERVICE),
    Span("create_quota_share", 1, 3, 30, _SHARES),
    Span("update_quota_share", 0.5, 1, 10, _SHARES),
    Span("delete_quota_share", 1, 5, 60, _SHARES),
    Span("deleted", 0, 0, 0, "assumed: nobody tells how long an object is described as DELETED"),
    Span("relation_lag", 0, 15, 120, _RELATION),
    Span("stale_reads", 0, 1, 10, "assumed: no page promises that a read shows the call before it"),
    Span("job_submitted", 0.5, 1, 30, _OWN),
    Span("job_starting", 5, 60, 300, _OWN),
    Span("job_running", 60, 600, 3600, _RUNS),
    Span("job_scheduled", 10, 60, 600, _OWN),
    Span("job_without_capacity", 300, 900, 1800, _OWN),
    Span("job_tried_again", 60, 300, 600, _OWN),
)

ENOUGH = 5
"""With so many observations a row is what was seen; with fewer it stays as wide as the table has it."""

_STRETCH = 0.25
"""By how much of itself what was seen is stretched at both ends, since next time is not one of the last times."""

_CALLS: Mapping[str, str] = {
    "CreateComputeEnvironment": "create_environment",
    "UpdateComputeEnvironment": "scaling_update",
    "DeleteComputeEnvironment": "delete_environment",
    "CreateJobQueue": "create_queue",
    "UpdateJobQueue": "update_queue",
    "DeleteJobQueue": "delete_queue",
    "CreateServiceEnvironment": "create_service_environment",
    "UpdateServiceEnvironment": "update_service_environment",
    "DeleteServiceEnvironment": "delete_service_environment",
    "CreateQuotaShare": "create_quota_share",
    "UpdateQuotaShare": "update_quota_share",
    "DeleteQuotaShare": "delete_quota_share",
}


def rows(plan: Plan) -> Mapping[str, str]:
    """The row of the table that tells how long a step waits, by step; nothing of those of which none does."""
    renewed = {str(change.address) for change in plan.changes if change.impact is Impact.INFRASTRUCTURE}
    return {step.id: row for step in plan.steps if (row := _row(step, step.address in renewed)) is not None}


def still_to_go(plan: Plan) -> Mapping[str, float]:
    """How many seconds each step and the longest way behind it usually take: what has the longest way goes first."""
    usual = {span.name: span.usual for span in TABLE}
    own = {step: usual[row] for step, row in rows(plan).items()}
    order = TopologicalSorter({step.id: step.after for step in plan.steps}).static_order()
    after = {step.id: step.after for step in plan.steps}
    found: dict[str, float] = {}
    for step in reversed([*order]):
        found[step] = found.get(step, 0.0) + own.get(step, 0.0)
        for before in after.get(step, ()):
            found[before] = max(found.get(before, 0.0), found[step])
    return found


def _row(step: Step, renews: bool) -> str | None:
    if step.call != "UpdateComputeEnvironment" or step.goal is None:
        return _CALLS.get(step.call or "") if step.goal is not None else None
    if step.goal.until == "disabled":
        return "disable_environment"
    sent = {f"computeResources.{member}" for member in step.arguments.get("computeResources") or ()}
    return "infrastructure_update" if renews and sent - set(SCALE) else "scaling_update"


def calibrated(table: Table, runs: Iterable[Run]) -> Table:
    """The table with what these runs saw in place of what the public saw; each row says on how many waits it rests."""
    seen: dict[str, list[float]] = {}
    for run in runs:
        for call in run.calls:
            if call.waited is not None and call.row is not None:
                seen.setdefault(call.row, []).append(call.waited)
    return tuple(_calibrated(span, seen[span.name]) if span.name in seen else span for span in table)


def _calibrated(span: Span, seen: list[float]) -> Span:
    low, usual, high = min(seen), middle(seen), max(seen)
    if len(seen) < ENOUGH:
        low, high = min(span.low, low), max(span.high, high)
    else:
        low, high = low * (1 - _STRETCH), high * (1 + _STRETCH)
    return attrs.evolve(span, low=low, usual=usual, high=high, source="your journal", observations=len(seen))


Manner = Literal["usual", "shortest", "longest", "drawn"]
"""Which value of each row holds: the usual, the low, the high, or one drawn between these two."""


def simulated(table: Table, manner: Manner, dice: random.Random) -> "Settings":
    """What a simulated service is set to."""
    from providers.simulator import Durations, Settings

    choose: Mapping[Manner, Callable[[Span], float]] = {
        "usual": lambda span: span.usual,
        "shortest": lambda span: span.low,
        "longest": lambda span: span.high,
        "drawn": lambda span: _drawn(span, dice),
    }
    drawn = {span.name: choose[manner](span) for span in table}
    lag, stale = drawn.pop("relation_lag"), drawn.pop("stale_reads")
    return Settings(durations=Durations(**drawn), relation_lag=lag, stale_reads=stale)


def trying(settings: "Settings", plan: Plan, snapshot: Snapshot) -> "Settings":
    """The settings with which every job succeeds that the plan itself tries: all begin within a quarter of the shortest
    of their timeouts, and each runs for up to half of its own, or for as long as its definition lets it."""
    from providers.simulator import Outcome

    tried = [(step, step.goal) for step in plan.steps if step.goal is not None and step.goal.until == "succeeded"]
    if not tried:
        return settings
    durations = settings.durations
    begun = durations.job_submitted + durations.job_starting
    share = min(1.0, min(goal.deadline for _, goal in tried) / 4 / begun)
    outcomes = (
        Outcome(name=goal.name, seconds=min(durations.job_running, goal.deadline / 2, *_own(step, plan, snapshot)))
        for step, goal in tried
    )
    return attrs.evolve(
        settings,
        durations=attrs.evolve(
            durations, job_submitted=durations.job_submitted * share, job_starting=durations.job_starting * share
        ),
        outcomes=(*outcomes, *settings.outcomes),
    )


def _own(step: Step, plan: Plan, snapshot: Snapshot) -> Iterator[float]:
    """After how many seconds AWS would stop the job of a step: as that says, or as its definition does."""
    named = step.arguments["jobDefinition"]
    made = [each.arguments for each in plan.steps if isinstance(named, Ref) and each.address == str(named.address)]
    there = [live.spec for live in snapshot.live if live.arn == named]
    for said in (step.arguments, *made, *there):
        if seconds := (said.get("timeout") or {}).get("attemptDurationSeconds"):
            yield float(seconds)
            return


def _drawn(span: Span, dice: random.Random) -> float:
    """As often below what is usual as above it, and near it more often than far from it."""
    far = span.low if dice.random() < 0.5 else span.high
    return span.usual + (far - span.usual) * (1 - math.sqrt(1 - dice.random()))
