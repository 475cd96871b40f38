"""What is known of a stack: its conditions, each with a reason out of a fixed list, and what was seen and done.

The words are those of Kubernetes: a condition is true, false or unknown since a moment, and that moment changes only
when the answer does. Three of them sum up the rest, as in kstatus: Ready, what was looked at last is what was applied;
Reconciling, it is at it, or goes on by itself; Stalled, it cannot go on without somebody.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import attrs

from plans.printable import plain
from providers.errors import StoreError
from providers.resources import EMPTY

Kind = Literal[
    "Ready",
    "Reconciling",
    "Stalled",
    "Planned",
    "DriftDetected",
    "Healthy",
    "Draining",
    "AwaitingApproval",
    "Locked",
    "Suspended",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Answer = Literal["True", "False", "Unknown"]
"""As Kubernetes spells it."""

Reason = Literal[
    "Succeeded",
    "NothingToDo",
    "Progressing",
    "NewRevision",
    "DependencyNotReady",
    "SourceFailed",
    "ManifestInvalid",
    "Refused",
    "StalePlan",
    "AccessDenied",
    "CallFailed",
    "NotConverged",
    "Retiring",
    "TimedOut",
    "Interrupted",
    "Drifted",
    "AsApplied",
    "PlanMade",
    "WaitsForApproval",
    "WaitsForWindow",
    "ObservesOnly",
    "HeldByAnother",
    "Invalid",
    "AllValid",
    "SaidSo",
    "Unexpected",
    "TrialFailed",
    "JobsFound",
    "StoreFailed",
    "TargetUnusable",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

Stand = Literal["done", "going", "stuck", "resting"]
"""done: as it is to be · going: at it, or again by itself · stuck: not without somebody · resting: no more is asked."""

STANDS: Mapping[Reason, Stand] = {
    "Succeeded": "done",
    "NothingToDo": "done",
    "AsApplied": "done",
    "AllValid": "done",
    "Progressing": "going",
    "NewRevision": "going",
    "DependencyNotReady": "going",
    "SourceFailed": "going",
    "StalePlan": "going",
    "CallFailed": "going",
    "NotConverged": "going",
    "Retiring": "going",
    "TimedOut": "going",
    "Interrupted": "going",
    "WaitsForWindow": "going",
    "HeldByAnother": "going",
    "JobsFound": "going",
    "StoreFailed": "going",
    "Unexpected": "going",
    "ManifestInvalid": "stuck",
    "Refused": "stuck",
    "AccessDenied": "stuck",
    "TargetUnusable": "stuck",
    "WaitsForApproval": "stuck",
    "Invalid": "stuck",
    "TrialFailed": "stuck",
    "Drifted": "resting",
    "PlanMade": "resting",
    "ObservesOnly": "resting",
    "SaidSo": "resting",
}
_BESIDE: frozenset[Reason] = frozenset(
    ("Drifted", "PlanMade", "ObservesOnly", "SaidSo", "Progressing", "WaitsForApproval", "WaitsForWindow")
)
"""Beside which a stack is ready all the same, where what was looked at is what was applied."""

_LONGEST = 4096
"""Characters of a message."""


@attrs.frozen
class Condition:
    """One answer: `since` is in seconds of the epoch, `message` has AWS's words and request id where there are any."""

    kind: Kind
    status: Answer
    reason: Reason
    message: str = ""
    since: float = 0.0


@attrs.frozen
class Status:
    """All that is known of a stack.

    `observed` is the revision that was looked at last, `applied` the one that the world was last made like, and
    `digest` tells what of that was the stack's. `plan` is the id of the plan at hand. `inventory` maps addresses to
    ARNs. `failures` counts those in a row; `next_at` is when it is looked at again unless something calls for it
    before.
    """

    stack: str
    conditions: Mapping[Kind, Condition] = attrs.field(factory=dict)
    observed: str = ""
    applied: str = ""
    digest: str = ""
    plan: str | None = None
    inventory: Mapping[str, str] = EMPTY
    failures: int = 0
    looked_at: float | None = None
    next_at: float | None = None

    @property
    def ready(self) -> bool:
        found = self.conditions.get("Ready")
        return found is not None and found.status == "True"

    def told(self, kind: Kind, answer: Answer, reason: Reason, message: str, now: float) -> "Status":
        """With this condition; where it had the same answer, since when it had it."""
        before = self.conditions.get(kind)
        since = before.since if before is not None and before.status == answer else now
        made = Condition(kind, answer, reason, message, since)
        return attrs.evolve(self, conditions={**self.conditions, kind: made})


def stood(
    status: Status,
    reason: Reason,
    message: str,
    *,
    now: float,
    revision: str | None = None,
    stand: Stand | None = None,
) -> Status:
    """With its three summing conditions; `revision` is the one that was looked at, None where none could be had.

    `stand` is how it stands with the reason, unless that is how it always does. With a new revision failures are
    counted anew.
    """
    seen = status.observed if revision is None else revision
    failures = status.failures if seen == status.observed else 0
    status = attrs.evolve(status, observed=seen, failures=failures, looked_at=now)
    stand = stand or STANDS[reason]
    as_applied = reason in _BESIDE and bool(seen) and status.applied == seen
    message = shown(message)
    status = status.told("Ready", answer(stand == "done" or as_applied), reason, message, now)
    status = status.told("Reconciling", answer(stand == "going"), reason, message, now)
    return status.told("Stalled", answer(stand == "stuck"), reason, message, now)


def answer(true: bool) -> Answer:
    """Yes or no as Kubernetes spells it."""
    return "True" if true else "False"


def shown(message: str) -> str:
    """A message fit to be shown, line by line, and no longer than is read."""
    told = "\n".join(map(plain, message.splitlines()))
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def to_json(status: Status) -> dict[str, Any]:
    """A status as JSON, its keys the attributes in camel case and its conditions a list in their own order."""
    return {
        "stack": status.stack,
        "conditions": [
            {
                "type": told.kind,
                "status": told.status,
                "reason": told.reason,
                "message": told.message,
                "since": told.since,
            }
            for kind in KINDS
            if (told := status.conditions.get(kind)) is not None
        ],
        "observed": status.observed,
        "applied": status.applied,
        "digest": status.digest,
        "plan": status.plan,
        "inventory": dict(sorted(status.inventory.items())),
        "failures": status.failures,
        "lookedAt": status.looked_at,
        "nextAt": status.next_at,
    }


def from_json(document: Any) -> Status:
    """Read what `to_json` wrote; raises StoreError where it did not."""
    try:
        found = [_condition(row) for row in _of(document["conditions"], list)]
        return Status(
            _of(document["stack"], str),
            {told.kind: told for told in found},
            _of(document["observed"], str),
            _of(document["applied"], str),
            _of(document["digest"], str),
            _of(document["plan"], str, type(None)),
            {_of(address, str): _of(arn, str) for address, arn in _of(document["inventory"], dict).items()},
            _of(document["failures"], int),
            _of(document["lookedAt"], float, int, type(None)),
            _of(document["nextAt"], float, int, type(None)),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise StoreError(f"the status of a stack is damaged: {error!r}", hint="it is made anew by a look") from error


def _condition(row: Any) -> Condition:
    kind, status, reason = row["type"], row["status"], row["reason"]
    if kind not in KINDS or status not in get_args(Answer) or reason not in REASONS:
        raise ValueError(f"{kind} {status} {reason} is no condition")
    return Condition(kind, status, reason, _of(row["message"], str), _of(row["since"], float, int))


def _of(value: Any, *types: type) -> Any:
    """The value, of one of these types; true and false are no numbers."""
    if type(value) not in types:
        raise TypeError(f"{value!r} is not what is to stand there")
    return value
