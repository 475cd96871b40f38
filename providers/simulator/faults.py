"""Faults: what a network, an account or a tired service may do to a call, on demand.

A fault says which calls it hits (`operation`, `after`, `times`) and what becomes of them (`kind`).
"""

from collections.abc import Iterable
from typing import Literal

import attrs

from providers.simulator.rules import Refused

Kind = Literal["throttle", "server", "lost", "refused", "denied", "unknown", "expired"]


@attrs.frozen
class Fault:
    """Calls of `operation` ("*": of any), after `after` that pass, `times` times (None: for ever), end in `kind`.

    throttle: HTTP 429, not acted upon. server: HTTP 500, not acted upon. lost: acted upon, and no answer.
    refused: no connection, not acted upon. denied: HTTP 403 AccessDeniedException. expired: HTTP 403
    ExpiredTokenException. unknown: as if the service did not know the operation.

    A call counts for the first fault that it meets, in order: throttle twice and then lost once hits calls 1, 2 and
    3. The retries of botocore are calls like any other.
    """

    operation: str
    kind: Kind
    after: int = 0
    times: int | None = 1


@attrs.frozen
class NoAnswer(Exception):
    """The caller gets no answer; `acted` tells whether the service did what was asked."""

    acted: bool


@attrs.define
class Faults:
    """The faults in force and how many calls each has seen. Not thread-safe: the caller holds a lock."""

    _seen: list[tuple[Fault, int]] = attrs.field(factory=list)

    def add(self, faults: Iterable[Fault]) -> None:
        self._seen += [(fault, 0) for fault in faults]

    def clear(self) -> None:
        self._seen.clear()

    def strike(self, operation: str) -> Fault | None:
        """Count a call of `operation`; return the first fault that hits it. Faults after that one do not count it."""
        hit: Fault | None = None
        for place, (fault, seen) in enumerate(self._seen):
            if hit or fault.operation not in ("*", operation):
                continue
            self._seen[place] = (fault, seen + 1)
            if seen >= fault.after and (fault.times is None or seen < fault.after + fault.times):
                hit = fault
        return hit


def unknown_operation(operation: str) -> Refused:
    """What an endpoint answers that does not know `operation`."""
    return Refused(f"Unknown operation {operation}", code="UnknownOperationException", status=404)


def throttled() -> Refused:
    """What Batch answers when calls come too fast: an error that its model does not declare."""
    return Refused("Too Many Requests", code="TooManyRequestsException", status=429)


def raise_before(fault: Fault, operation: str, user: str) -> None:
    """Raise what `fault` does to a call before the service acts; return if it lets the service act."""
    match fault.kind:
        case "throttle":
            raise throttled()
        case "server":
            raise Refused("Internal server error", code="ServerException", status=500)
        case "refused":
            raise NoAnswer(acted=False)
        case "denied":
            message = f"User: {user} is not authorized to perform: batch:{operation}"
            raise Refused(message, code="AccessDeniedException", status=403)
        case "expired":
            message = "The security token included in the request is expired"
            raise Refused(message, code="ExpiredTokenException", status=403)
        case "unknown":
            raise unknown_operation(operation)
