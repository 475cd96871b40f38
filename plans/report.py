"""What an apply did: events as they happen, outcomes of steps, and the report that ends it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from plans.jsonform import encode_members
from plans.plan import Plan
from plans.planfile import to_json
from providers.errors import BatchwrightError
from providers.resources import EMPTY

EventName = Literal[
    "started",
    "called",
    "retried",
    "polled",
    "finished",
    "failed",
    "retiring",
    "skipped",
    "interrupted",
    "ended",
    "lock",
]


@attrs.frozen
class Event:
    """One thing that happened. `at` is in seconds since the epoch; `detail` holds what its name calls for.

    started: a step may begin · called: its call was sent and answered (`job`, if it was about one; `ended`, how many
    jobs it ended) · retried: an attempt failed and will be repeated (`error`, `seconds`) · polled: a look at what
    it waits for (`status`, `state`; of an environment that drains `jobs`, how many still run there; of a queue, how
    many it still holds) · finished, failed and retiring (`error`, `hint`), skipped (`because`, `retiring` where that
    is) · interrupted (`signal`) · ended: the report follows · lock: something happened to it (`message`).
    """

    event: EventName
    at: float
    step: str = ""
    address: str = ""
    detail: Mapping[str, Any] = EMPTY


FORMAT = 1

_TOLD = attrs.filters.exclude("cause")

Status = Literal["done", "failed", "retiring", "skipped", "interrupted"]
"""`retiring` is a failure to which nothing is wrong but the time: jobs have not ended in what is to go."""


@attrs.frozen
class Outcome:
    """How one step ended.

    `error` is None unless it failed or is retiring; `because` names the step behind a skip, which did either. `cause`
    is what kind of error it was; it stands in no file.
    """

    step: str
    address: str
    call: str | None
    status: Status
    seconds: float = 0.0
    error: str | None = None
    hint: str | None = None
    because: str | None = None
    exit_code: int = 0
    cause: type[BatchwrightError] | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen
class Departure:
    """Where an apply went another way than its rehearsal: it took longer, called what was not rehearsed, or failed."""

    step: str
    address: str
    what: Literal["slower", "call", "failure"]
    says: str


@attrs.frozen
class Report:
    """How an apply ended.

    `calls` counts API calls by operation, `throttles` those that were refused as too many. `residue` is the plan made
    afterwards, None where the apply did not get that far; a residue that is not empty is *not converged*.
    `produced` maps addresses to the ARNs that were made or seen. `departures` is empty also where nothing was
    rehearsed.
    """

    plan_id: str
    outcomes: tuple[Outcome, ...] = ()
    calls: Mapping[str, int] = EMPTY
    throttles: int = 0
    seconds: float = 0.0
    residue: Plan | None = None
    interrupted_by: int | None = None
    produced: Mapping[str, str] = EMPTY
    departures: tuple[Departure, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status in ("failed", "retiring"))

    @property
    def retiring(self) -> bool:
        """Whether all that is not done yet waits for jobs to end."""
        return bool(self.failures) and all(outcome.status == "retiring" for outcome in self.failures)

    @property
    def exit_code(self) -> int:
        """How a command ends for it.

        0 done · 4 in part, retiring, or not converged · 1 nothing was done and something failed · 130, 143 interrupted
        """
        if self.interrupted_by is not None:
            return 128 + self.interrupted_by
        if self.failures:
            done = any(outcome.status == "done" and outcome.call for outcome in self.outcomes)
            return 4 if done else max(outcome.exit_code for outcome in self.failures)
        if self.residue is not None and not self.residue.empty:
            return 4
        return 0


def event_json(event: Event) -> dict[str, Any]:
    """One line of `apply --json`: `format`, `event`, `at`, `step`, `address`, and what the detail holds beside."""
    own = {"format": FORMAT, "event": event.event, "at": event.at, "step": event.step, "address": event.address}
    return own | {key: value for key, value in encode_members(event.detail).items() if key not in own}


def report_json(report: Report) -> dict[str, Any]:
    """The last line of `apply --json`, told by `"event": "report"`; `residue` is a plan or null."""
    return {
        "format": FORMAT,
        "event": "report",
        "plan": report.plan_id,
        "exit_code": report.exit_code,
        "counts": dict(report.counts),
        "outcomes": [attrs.asdict(outcome, filter=_TOLD) for outcome in report.outcomes],
        "calls": dict(report.calls),
        "throttles": report.throttles,
        "seconds": report.seconds,
        "residue": None if report.residue is None else to_json(report.residue),
        "interrupted_by": report.interrupted_by,
        "produced": dict(report.produced),
        "departures": [attrs.asdict(departure) for departure in report.departures],
    }
