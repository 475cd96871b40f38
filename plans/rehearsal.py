"""What a rehearsal of a plan showed: what is called, how long it takes, what becomes of queues, what went wrong."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs

from plans.plan import Estimate, Plan
from providers.resources import EMPTY

FORMAT = 1
RUNS = 10
"""How often a plan is rehearsed unless told otherwise."""
CALM = 3
"""How many of the runs, the first ones, meet no faults: the usual, the longest and the shortest."""
LONG = 6000.0
"""Seconds up to which a wait is looked at as often as an apply looks at it; beyond that at each hundredth of it."""

Faults = Literal["none", "light", "heavy"]
State = Literal["runs", "waits", "closed", "absent"]
"""Of a queue: it takes jobs and has an environment for them; it takes jobs for which there is none; it takes none; it
is not there."""


@attrs.frozen
class Span:
    """How long something takes, in seconds, and who says so; `observations` counts those of the user's own."""

    name: str
    low: float
    usual: float
    high: float
    source: str
    observations: int = 0


@attrs.frozen
class Deed:
    """A call that changes something, and how many seconds after the start it was answered.

    `jobs` is how many jobs it ended.
    """

    call: str
    address: str
    at: float
    jobs: int = 0


@attrs.frozen
class Interval:
    """A time, in seconds since the start, in which a queue was so; `working` counts environments that take jobs."""

    begins: float
    ends: float
    state: State
    working: int = 0


@attrs.frozen
class Queue:
    """A queue over time, by its name; its intervals follow each other without a gap."""

    name: str
    intervals: tuple[Interval, ...]

    def seconds(self, state: State) -> float:
        return sum(interval.ends - interval.begins for interval in self.intervals if interval.state == state)


@attrs.frozen
class Trouble:
    """A step that failed, in the run of that number, and the faults that the calls of that met: how many by kind and
    operation."""

    step: str
    address: str
    call: str | None
    error: str
    run: int
    faults: Mapping[str, int] = EMPTY


@attrs.frozen
class Run:
    """One run of the plan; `number` counts from 1, `manner` tells where its durations come from, `faults` how many its
    calls met, by kind and operation, and `waiting` for how many seconds a queue took jobs for which there was no
    environment, by its name."""

    number: int
    manner: str
    seconds: float
    exit_code: int
    calls: int
    faults: Mapping[str, int] = EMPTY
    waiting: Mapping[str, float] = EMPTY


@attrs.frozen
class Picture:
    """What queues could do in the run of that number."""

    run: int
    queues: tuple[Queue, ...]


@attrs.frozen
class Rehearsal:
    """What became of a plan on a model of the account.

    `trace`, `calls` (by operation, with those that only look) and `queues` are those of the first run, which meets no
    faults and takes the usual time; `jobs_ended` has, by queue, how many jobs ended in it because of a call. `worst` is
    the run in which queues wait for longest that do not wait in the first, if there is one. `low` and `high` are the
    seconds between which an apply can be expected to take, 0 where no run did all.
    """

    plan: Plan
    seed: int
    faults: Faults
    runs: tuple[Run, ...] = ()
    trace: tuple[Deed, ...] = ()
    calls: Mapping[str, int] = EMPTY
    queues: tuple[Queue, ...] = ()
    worst: Picture | None = None
    troubles: tuple[Trouble, ...] = ()
    jobs_ended: Mapping[str, int] = EMPTY
    table: tuple[Span, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def whole(self) -> tuple[Run, ...]:
        """The runs that did all that is planned."""
        return tuple(run for run in self.runs if run.exit_code == 0)

    @property
    def median(self) -> float:
        """The seconds that such a run took, half of them more and half of them less; 0 where there is none."""
        return middle(run.seconds for run in self.whole) if self.whole else 0.0

    @property
    def usual(self) -> Estimate | None:
        """What the first run took, if that did all that is planned."""
        return next((Estimate(run.calls, run.seconds) for run in self.whole if run.number == 1), None)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The first run, and the worst where that went another way; none without queues."""
        drawn = (Picture(1, self.queues), *filter(None, [self.worst]))
        return tuple(picture for picture in drawn if any(queue.intervals for queue in picture.queues))

    @property
    def sound(self) -> bool:
        """Whether every run that met no faults did all that was planned."""
        return all(run.exit_code == 0 for run in self.runs if not run.faults)

    @property
    def observations(self) -> int:
        return sum(span.observations for span in self.table)


def middle(numbers: Iterable[float]) -> float:
    """The median of at least one number."""
    row = sorted(numbers)
    return (row[(len(row) - 1) // 2] + row[len(row) // 2]) / 2


def worst(pictures: Iterable[Picture]) -> Picture | None:
    """The run in which queues wait for longest that do not wait in the first; None where there is none."""
    first, *others = pictures
    waiting = {queue.name for queue in first.queues if queue.seconds("waits")}

    def more(picture: Picture) -> float:
        return sum(queue.seconds("waits") for queue in picture.queues if queue.name not in waiting)

    found = max(others, key=more, default=None)
    return found if found is not None and more(found) else None


def by_address(trace: Iterable[Deed]) -> Mapping[str, tuple[str, ...]]:
    """The calls of each address, in order; in what order those of two addresses come hangs on chance."""
    found: dict[str, tuple[str, ...]] = {}
    for deed in trace:
        found[deed.address] = (*found.get(deed.address, ()), deed.call)
    return found


def to_json(rehearsal: Rehearsal) -> dict[str, Any]:
    """The rehearsal as JSON; its schema is published by `batchwright schema rehearsal`.

    There are no seconds of what no run did.
    """
    return {
        "format": FORMAT,
        "plan": rehearsal.plan.id,
        "stack": rehearsal.plan.stack,
        "account": rehearsal.plan.account,
        "region": rehearsal.plan.region,
        "seed": rehearsal.seed,
        "faults": rehearsal.faults,
        "sound": rehearsal.sound,
        "seconds": _seconds(rehearsal),
        "trace": [attrs.asdict(deed) for deed in rehearsal.trace],
        "calls": dict(rehearsal.calls),
        "queues": [attrs.asdict(queue) for queue in rehearsal.queues],
        "worst": rehearsal.worst and attrs.asdict(rehearsal.worst),
        "jobs_ended": dict(rehearsal.jobs_ended),
        "runs": [_plain(run) for run in rehearsal.runs],
        "troubles": [_plain(trouble) for trouble in rehearsal.troubles],
        "durations": [attrs.asdict(span) for span in rehearsal.table],
    }


def _seconds(rehearsal: Rehearsal) -> dict[str, float | None]:
    done, usual = bool(rehearsal.whole) or not rehearsal.runs, rehearsal.usual
    told = {"median": rehearsal.median, "low": rehearsal.low, "high": rehearsal.high}
    first = usual.seconds if usual else None if rehearsal.runs else 0.0
    return {"usual": first, **{name: value if done else None for name, value in told.items()}}


def _plain(row: Run | Trouble) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in attrs.asdict(row).items()}
