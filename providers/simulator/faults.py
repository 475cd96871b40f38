"""Faults: what a network, an account, a tired service or a stranger may do to a call, on demand.

A fault says which calls it hits and what becomes of them. `Kind` lists what may become of them.
"""

import fnmatch
import random
from collections.abc import Iterable
from typing import Any, Literal, get_args

import attrs

from providers.simulator.rules import Refused

Kind = Literal[
    "throttle", "server", "lost", "refused", "denied", "unknown", "expired", "stale", "slow", "invalid", "foreign"
]
KINDS: tuple[str, ...] = get_args(Kind)


@attrs.frozen
class Fault:
    """Calls of `operation` end in `kind`.

    Which calls: those whose operation fits the pattern ("*": any, "*JobQueue*": a kind of object), that come
    `begins` seconds of simulated time after the fault was put in force and within `lasts` seconds of that (None: for
    ever), after `after` such calls that pass, `times` times (None: for ever), each with the `chance` that a dice
    seeded by `seed` gives it.

    throttle: HTTP 429, not acted upon. server: HTTP 500, not acted upon. lost: acted upon, and no answer.
    refused: no connection, not acted upon. denied: HTTP 403 AccessDeniedException. expired: HTTP 403
    ExpiredTokenException. unknown: as if the service did not know the operation. stale: a read shows what was before
    the last change, if that is less than `seconds` ago; other calls do not meet it. slow: the transition that the call
    begins takes `seconds` more. invalid: it ends in INVALID for `reason`. foreign: just before, somebody else makes the
    call `writes` (operation and members) in the same account and region; if he is refused, nothing has happened.

    A call counts for the first fault that it meets, in order: throttle twice and then lost once hits calls 1, 2 and
    3. The retries of botocore are calls like any other.
    """

    operation: str
    kind: Kind = attrs.field(validator=attrs.validators.in_(KINDS))
    after: int = 0
    times: int | None = 1
    begins: float = 0
    lasts: float | None = None
    chance: float = 1
    seed: int = 0
    seconds: float = 60
    reason: str = "CLIENT_ERROR - Not authorized to perform sts:AssumeRole (Service: null; Status Code: 403)"
    writes: tuple[str, dict[str, Any]] | None = None

    def __attrs_post_init__(self) -> None:
        if (self.kind == "foreign") != (self.writes is not None):
            raise ValueError("a foreign fault, and no other, says what somebody else writes")


@attrs.frozen
class NoAnswer(Exception):
    """The caller gets no answer; `acted` tells whether the service did what was asked."""

    acted: bool


def is_read(operation: str) -> bool:
    """Tell whether an operation only looks."""
    return operation.startswith(("Describe", "List", "Get"))


@attrs.define
class _InForce:
    """A fault, since when it holds, and of how many calls it has known."""

    fault: Fault
    since: float
    dice: random.Random
    met: int = 0

    def hits(self, operation: str, now: float) -> bool:
        """Count a call that fits; tell whether the fault hits it."""
        fault, age = self.fault, now - self.since - self.fault.begins
        if not fnmatch.fnmatchcase(operation, fault.operation) or age < 0:
            return False
        if fault.kind == "stale" and not is_read(operation):
            return False
        if fault.lasts is not None and age >= fault.lasts:
            return False
        if self.dice.random() >= fault.chance:
            return False
        self.met += 1
        return self.met > fault.after and (fault.times is None or self.met <= fault.after + fault.times)


@attrs.define
class Faults:
    """The faults in force and how many calls each has met. Not thread-safe: the caller holds a lock."""

    _all: list[_InForce] = attrs.field(factory=list)

    def add(self, faults: Iterable[Fault], now: float) -> None:
        self._all += [_InForce(fault, now, random.Random(fault.seed)) for fault in faults]

    def clear(self) -> None:
        self._all.clear()

    def strike(self, operation: str, now: float) -> Fault | None:
        """Count a call of `operation`; return the first fault that hits it. Faults after that one do not count it."""
        return next((one.fault for one in self._all if one.hits(operation, now)), None)


def unknown_operation(operation: str) -> Refused:
    """What an endpoint answers that does not know `operation`."""
    return Refused(f"Unknown operation {operation}", code="UnknownOperationException", status=404)


def throttled() -> Refused:
    """What Batch answers when calls come too fast: an error that its model does not declare."""
    return Refused("Too Many Requests", code="TooManyRequestsException", status=429)


def raise_before(fault: Fault, service: str, operation: str, user: str) -> None:
    """Raise what `fault` does to a call instead of letting the service act; return if the service acts."""
    match fault.kind:
        case "throttle":
            raise throttled()
        case "server":
            raise Refused("Internal server error", code="ServerException", status=500)
        case "refused":
            raise NoAnswer(acted=False)
        case "denied":
            message = f"User: {user} is not authorized to perform: {service}:{operation}"
            raise Refused(message, code="AccessDeniedException", status=403)
        case "expired":
            message = "The security token included in the request is expired"
            raise Refused(message, code="ExpiredTokenException", status=403)
        case "unknown":
            raise unknown_operation(operation)
