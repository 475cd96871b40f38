"""The outside: what AWS Batch is, how it is reached, and time itself.

`kinds` tells what Batch is, made from botocore's model; `provider` turns its API into our nouns over a client that
`clients` makes, real or of the embedded `simulator`; `clock` is the only source of time. Nothing here decides
anything: verbs take data and give data, never wait, and are safe to repeat where AWS makes them so.

May import neither `plans` nor `reconciler`. `simulator` imports nothing of `kinds`: the judge must not read the notes
of those it judges, else every test of a verdict would be a tautology.

The names of `__all__` are for other tools, and are imported when they are first used; the rest is private.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.clients import Connection, connect
    from providers.clock import Clock, ManualClock, ScaledClock, SystemClock
    from providers.errors import (
        AccessDenied,
        AlreadyExists,
        AnswerLost,
        BatchwrightError,
        BecameInvalid,
        CallError,
        ChangedMeanwhile,
        CredentialsExpired,
        CredentialsMissing,
        DeadlinePassed,
        Fault,
        InputError,
        Interrupted,
        InTransition,
        JobsFound,
        LockHeld,
        LockLost,
        ManifestError,
        NotConfirmed,
        NotConverged,
        NotFound,
        PlanFileError,
        PlanRefused,
        RefusedError,
        Rejected,
        Retiring,
        ServerFault,
        StalePlan,
        StillReferenced,
        StoreError,
        Throttled,
        TrialFailed,
        UnknownOperation,
        Unreachable,
        WaitError,
    )
    from providers.kinds import Kinds
    from providers.resources import Address, Drain, Elsewhere, JobCount, Live, Ref, Resource, Snapshot, Target

__all__ = [
    "AccessDenied",
    "Address",
    "AlreadyExists",
    "AnswerLost",
    "BatchwrightError",
    "BecameInvalid",
    "CallError",
    "ChangedMeanwhile",
    "Clock",
    "Connection",
    "CredentialsExpired",
    "CredentialsMissing",
    "DeadlinePassed",
    "Drain",
    "Elsewhere",
    "Fault",
    "InTransition",
    "InputError",
    "Interrupted",
    "JobCount",
    "JobsFound",
    "Kinds",
    "Live",
    "LockHeld",
    "LockLost",
    "ManifestError",
    "ManualClock",
    "NotConfirmed",
    "NotConverged",
    "NotFound",
    "PlanFileError",
    "PlanRefused",
    "Ref",
    "RefusedError",
    "Rejected",
    "Resource",
    "Retiring",
    "ScaledClock",
    "ServerFault",
    "Snapshot",
    "StalePlan",
    "StillReferenced",
    "StoreError",
    "SystemClock",
    "Target",
    "Throttled",
    "TrialFailed",
    "UnknownOperation",
    "Unreachable",
    "WaitError",
    "connect",
]

_HOMES = {
    "clients": ("Connection", "connect"),
    "clock": ("Clock", "ManualClock", "ScaledClock", "SystemClock"),
    "kinds": ("Kinds",),
    "resources": ("Address", "Drain", "Elsewhere", "JobCount", "Live", "Ref", "Resource", "Snapshot", "Target"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "errors")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
