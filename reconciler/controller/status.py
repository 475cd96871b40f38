"""What is known of a stack: its conditions, and what was seen and done.

A condition is true, false or unknown since a moment, and that moment changes only when the answer does. All conditions
are always there.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from plans.printable import plain
from providers.errors import StoreError
from providers.resources import EMPTY
from reconciler.controller.conditions import (
    ALLOWED,
    KINDS,
    PAIRS,
    SEEN,
    STANDS,
    Answer,
    Condition,
    Kind,
    Reason,
    Stand,
    answer,
    unknown,
)

_LONGEST = 4096
"""Characters of a message."""


@attrs.frozen
class Status:
    """All that is known of a stack; of every kind it has a condition.

    `observed` is the revision that was looked at last, `applied` the one that the world was last made like, and
    `digest` tells what of that was the stack's. `plan` is the id of the plan at hand. `inventory` maps addresses to
    ARNs. `failures` counts those in a row; `next_at` is when it is looked at again unless something calls for it
    before.
    """

    stack: str
    conditions: Mapping[Kind, Condition] = attrs.field(factory=unknown)
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
        return self.conditions["Ready"].status == "True"

    def told(self, kind: Kind, answer: Answer, reason: Reason, message: str, now: float) -> "Status":
        """With this condition; where it had the same answer, since when it had it."""
        before = self.conditions[kind]
        since = before.since if before.status == answer else now
        made = Condition(kind, answer, reason, message, since)
        return attrs.evolve(self, conditions={**self.conditions, kind: made})

    def following(self, before: "Status") -> "Status":
        """With the moments of the one that was told before, however often answers changed on the way here."""
        conditions = {
            kind: attrs.evolve(each, since=earlier.since)
            if (earlier := before.conditions[kind]).status == each.status
            else each
            for kind, each in self.conditions.items()
        }
        return attrs.evolve(self, conditions=conditions)


def stood(
    status: Status,
    reason: Reason,
    message: str,
    *,
    now: float,
    revision: str | None = None,
    stand: Stand | None = None,
    ready: tuple[Reason, str] | None = None,
) -> Status:
    """With its three summing conditions; `revision` is the one that was looked at, None where none was.

    `stand` is how it stands with the reason, unless that is how it always does; `ready` is what is said of Ready
    instead. With a new revision failures are counted anew.
    """
    seen = status.observed if revision is None else revision
    failures = status.failures if seen == status.observed else 0
    looked_at = status.looked_at if revision is None else now
    status = attrs.evolve(status, observed=seen, failures=failures, looked_at=looked_at)
    stand, message = stand or STANDS[reason], shown(message)
    why, words = ready or (reason, message)
    status = status.told("Ready", answer(why in ALLOWED["Ready"]["True"]), why, shown(words), now)
    status = status.told("Reconciling", answer(stand == "going"), reason, message, now)
    return status.told("Stalled", answer(stand == "stuck"), reason, message, now)


def unseen(status: Status, reason: Reason, message: str, now: float) -> Status:
    """Of a stack that could not be looked at, or is not: what it is like is not known."""
    for kind in SEEN:
        status = status.told(kind, "Unknown", reason, shown(message), now)
    return status


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
            for told in [status.conditions[kind]]
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
    """Read what `to_json` wrote; raises StoreError where it did not.

    A condition that is not in the table, as another version may have had it, is one of which nothing is known.
    """
    try:
        found = [_condition(row) for row in _of(document["conditions"], list)]
        return Status(
            _of(document["stack"], str),
            {**unknown(), **{told.kind: told for told in found if told is not None}},
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


def _condition(row: Any) -> Condition | None:
    kind, status, reason, message = (_of(row[key], str) for key in ("type", "status", "reason", "message"))
    since = _of(row["since"], float, int)
    return Condition(kind, status, reason, message, since) if (kind, status, reason) in PAIRS else None


def _of(value: Any, *types: type) -> Any:
    """The value, of one of these types; true and false are no numbers."""
    if type(value) not in types:
        raise TypeError(f"{value!r} is not what is to stand there")
    return value
