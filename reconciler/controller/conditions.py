"""Which conditions there are, and with which reason each may be true, false or unknown: a fixed list, and a table.

The words are those of Kubernetes (API conventions, "Typical status properties"). What nobody has looked at is unknown.
There is no condition that is not in the table, `ALLOWED`. Three of them sum up the rest, as in kstatus: Ready, the
newest revision is as the mode has it; Reconciling, it is at it, or goes on by itself; Stalled, it cannot go on without
somebody. The last two are never both true.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import attrs

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
    "NotLookedYet",
    "NeverApplied",
    "NotTried",
    "NotHeld",
    "NotAwaited",
    "NotSuspended",
    "NothingDrains",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

Stand = Literal["done", "going", "stuck", "resting", "apart"]
"""done: as it is to be · going: at it, or again by itself · stuck: not without somebody · resting: no more is asked ·
apart: of one condition alone, which sums up nothing."""

STANDS: Mapping[Reason, Stand] = {
    "Succeeded": "done",
    "NothingToDo": "done",
    "AsApplied": "done",
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
    "AllValid": "apart",
    "NotLookedYet": "apart",
    "NeverApplied": "apart",
    "NotTried": "apart",
    "NotHeld": "apart",
    "NotAwaited": "apart",
    "NotSuspended": "apart",
    "NothingDrains": "apart",
}
FAILURES: tuple[Reason, ...] = (
    "SourceFailed", "ManifestInvalid", "Refused", "AccessDenied", "TargetUnusable", "CallFailed",
    "StalePlan", "NotConverged", "Retiring", "TimedOut", "Interrupted", "HeldByAnother", "JobsFound", "Invalid",
    "TrialFailed", "StoreFailed", "Unexpected",
)  # fmt: skip
"""Why a look or a run may come to nothing."""

_KEPT: tuple[Reason, ...] = ("Succeeded", "NothingToDo", "AsApplied", "Drifted", "PlanMade", "ObservesOnly")
_UNPLANNED: tuple[Reason, ...] = ("NewRevision", "NotLookedYet", *FAILURES, "DependencyNotReady", "SaidSo")
_UNSEEN: tuple[Reason, ...] = ("NotLookedYet", *FAILURES, "DependencyNotReady", "SaidSo")
_GOES_ON: tuple[Reason, ...] = (
    "Progressing", "NewRevision", "DependencyNotReady", "WaitsForWindow", "SourceFailed", "AccessDenied",
    "CallFailed", "StalePlan", "NotConverged", "Retiring", "TimedOut", "Interrupted",
    "HeldByAnother", "JobsFound", "StoreFailed", "Unexpected",
)  # fmt: skip
_STUCK: tuple[Reason, ...] = (
    "WaitsForApproval",
    "ManifestInvalid",
    "Refused",
    "AccessDenied",
    "TargetUnusable",
    "CallFailed",
    "Invalid",
    "TrialFailed",
)
ALLOWED: Mapping[Kind, Mapping[Answer, tuple[Reason, ...]]] = {
    "Ready": {
        "True": _KEPT,
        "False": (
            "Progressing",
            "NewRevision",
            "WaitsForApproval",
            "WaitsForWindow",
            "DependencyNotReady",
            "SaidSo",
            *FAILURES,
        ),
        "Unknown": ("NotLookedYet",),
    },
    "Reconciling": {
        "True": _GOES_ON,
        # A stack that is stuck is not brought on by a source that comes back, but its source is missed all the same.
        "False": (*_KEPT, "SaidSo", *_STUCK, "SourceFailed"),
        "Unknown": ("NotLookedYet",),
    },
    "Stalled": {"True": _STUCK, "False": (*_KEPT, "SaidSo", *_GOES_ON), "Unknown": ("NotLookedYet",)},
    "Planned": {"True": ("PlanMade",), "False": ("NothingToDo", "Refused"), "Unknown": _UNPLANNED},
    "DriftDetected": {"True": ("Drifted",), "False": ("AsApplied",), "Unknown": ("NeverApplied", *_UNSEEN)},
    "Healthy": {"True": ("AllValid",), "False": ("Invalid",), "Unknown": ("NeverApplied", *_UNSEEN)},
    "Draining": {"True": ("Retiring",), "False": ("NothingDrains",), "Unknown": ("NotLookedYet", "NotTried")},
    "AwaitingApproval": {"True": ("WaitsForApproval",), "False": ("NotAwaited",), "Unknown": _UNPLANNED},
    "Locked": {"True": ("HeldByAnother",), "False": ("NotHeld",), "Unknown": ("NotLookedYet", "NotTried")},
    "Suspended": {"True": ("SaidSo",), "False": ("NotSuspended",), "Unknown": ("NotLookedYet",)},
}
"""Of each condition the reasons that may stand with each answer."""
PAIRS = frozenset(
    (kind, answer, reason)
    for kind, answers in ALLOWED.items()
    for answer, reasons in answers.items()
    for reason in reasons
)
SEEN: tuple[Kind, ...] = ("Planned", "DriftDetected", "Healthy", "AwaitingApproval")
"""What only a look can tell."""


@attrs.frozen
class Condition:
    """One answer: `since` is in seconds of the epoch, `message` has AWS's words and request id where there are any.

    Raises ValueError for what is not in the table.
    """

    kind: Kind
    status: Answer
    reason: Reason
    message: str = ""
    since: float = 0.0

    def __attrs_post_init__(self) -> None:
        if (self.kind, self.status, self.reason) not in PAIRS:
            raise ValueError(f"{self.kind} is never {self.status} for {self.reason}")


def unknown(now: float = 0.0) -> Mapping[Kind, Condition]:
    """All conditions of what nobody has looked at."""
    return {kind: Condition(kind, "Unknown", "NotLookedYet", "", now) for kind in KINDS}


def answer(true: bool) -> Answer:
    """Yes or no as Kubernetes spells it."""
    return "True" if true else "False"
