"""Chains of steps: what one change is lowered to, before the edges between changes are drawn."""

from collections.abc import Iterable, Sequence
from typing import Literal

import attrs

from plans.decision import Decision
from plans.plan import Goal, Step, When
from providers.kinds import Kind
from providers.resources import EMPTY, Document, Live

# Seconds after which a goal counts as missed. The longest that public sources report, doubled: environments with
# instances take up to 8 minutes, queues 1 (hashicorp/terraform-provider-aws waits 10 minutes for either).
SETTLED, DISABLED, GONE, SEEN = 1200.0, 600.0, 1200.0, 60.0
# For as long as an infrastructure update leaves jobs alone by default (UpdatePolicy of the AWS Batch API reference);
# and for as long as AWS's index of relations may lag (hashicorp/terraform-provider-aws#46925).
DRAINED, LET_GO = 1800.0, 600.0
# How long the jobs of a queue that goes have to finish where its drain says nothing else.
EMPTIED = 3600.0
# What an infrastructure update takes beside its jobs, in seconds, and what these have by default, in minutes
# (UpdatePolicy of the AWS Batch API reference).
_MARGIN, _MINUTES = 1800.0, 30


@attrs.frozen
class Lowered:
    """The steps of one change; `last` are those that others wait for."""

    steps: tuple[Step, ...] = ()
    last: tuple[str, ...] = ()

    def behind(self, before: Iterable[str]) -> tuple[Step, ...]:
        """The steps, those that begin after these steps of other changes."""
        edges = tuple(sorted(set(before)))
        return tuple(step if step.after else attrs.evolve(step, after=edges) for step in self.steps)


def step(
    verb: str,
    decision: Decision,
    call: str | None,
    *,
    why: str,
    arguments: Document = EMPTY,
    goal: Goal | None = None,
    after: tuple[str, ...] = (),
    when: When = "ok",
    suffix: str = "",
) -> Step:
    """A step of a change; its id is made of verb, address and suffix."""
    address = str(decision.change.address)
    return Step(f"{verb}:{address}{suffix}", address, call, arguments, goal, after, when, why)


def infrastructure_patience(spec: Document, margin: float = _MARGIN) -> float:
    """How long an infrastructure update of this environment may take, in seconds; without margin, its jobs."""
    policy = spec.get("updatePolicy") or {}
    return float(policy.get("jobExecutionTimeoutMinutes") or _MINUTES) * 60 + margin


def settle(
    decision: Decision, live: Live, kind: Kind, suffix: str = "", until: Literal["settled", "disabled"] = "settled"
) -> list[Step]:
    """A wait for what is on its way already; AWS refuses changes to it meanwhile ("resource is being modified")."""
    if live.status not in ("CREATING", "UPDATING"):
        return []
    machines = live.status == "UPDATING" and "computeResources" in live.spec
    goal = Goal(kind.name, live.name, until, deadline=infrastructure_patience(live.spec) if machines else SETTLED)
    return [wait(decision, live, kind, goal, f"it is still {live.status}", suffix)]


def wait(decision: Decision, live: Live, kind: Kind, goal: Goal, why: str, suffix: str = "") -> Step:
    """A wait without a call. It names the object as a call would: some kinds can only be asked for by ARN."""
    return step("wait", decision, None, arguments={kind.delete_key: live.arn}, goal=goal, why=why, suffix=suffix)


def chain(*parts: Sequence[Step]) -> Lowered:
    """Steps one after the other. A step that names what it comes after keeps that; one that only mends a failure is
    nobody's predecessor."""
    linked: list[Step] = []
    last: tuple[str, ...] = ()
    for own in (own for part in parts for own in part):
        linked.append(attrs.evolve(own, after=own.after or last))
        if own.when == "ok":
            last = (own.id,)
    return Lowered(tuple(linked), last)
