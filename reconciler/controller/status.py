"""What is known of a stack: its conditions, each with a reason out of a fixed list, and what was seen and done.

The words are those of Kubernetes: a condition is true, false or unknown since a moment, and that moment changes only
when the answer does.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import attrs

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
]


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

    `observed` is the revision that was looked at last, `applied` the one that the world was last made like. `plan` is
    the id of the plan at hand. `inventory` maps addresses to ARNs. `failures` counts those in a row; `next_at` is when
    it is looked at again unless something calls for it before.
    """

    stack: str
    conditions: Mapping[Kind, Condition] = attrs.field(factory=dict)
    observed: str = ""
    applied: str = ""
    plan: str | None = None
    inventory: Mapping[str, str] = EMPTY
    failures: int = 0
    looked_at: float | None = None
    next_at: float | None = None

    def told(self, kind: Kind, answer: Answer, reason: Reason, message: str, now: float) -> "Status":
        """With this condition; where it had the same answer, since when it had it."""
        before = self.conditions.get(kind)
        since = before.since if before is not None and before.status == answer else now
        made = Condition(kind, answer, reason, message, since)
        return attrs.evolve(self, conditions={**self.conditions, kind: made})
