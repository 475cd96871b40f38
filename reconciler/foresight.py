"""What an apply should come to, by one run of its plan on a model of the account; and where it went another way.

The run takes the usual time and meets no faults. How long a step may take at most is asked only once one has taken
longer than usual.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

import attrs

from plans.plan import Estimate, Plan, Step
from plans.rehearsal import Deed
from plans.report import Departure, Event, Outcome, Report
from plans.views.wording import span
from providers.clock import Clock, ScaledClock
from providers.errors import Interrupted
from reconciler.rehearsal import Listener, Played, Stand, TooMany
from reconciler.task import Task
from reconciler.telling import OnEvent
from reconciler.waiter import Spacing

MOST = 200
"""Steps of the largest plan that is estimated. To play one of so many takes 0.2 s, a quarter of what `batchwright plan`
takes with it from start to end, and more than that nobody asked for: `rehearse` plays a plan of any size."""

_JOBS = 20
"""Jobs of a status that an estimate puts into a queue at most: to look at thousands would take it seconds."""

_CALLS = 3000
"""Calls that an estimate makes at most, which take it half a second: a wait of days for jobs makes thousands a day."""

_WORK = 0.5
"""Seconds of its own that a process may spend beside one wait."""

_OF_JOBS = ("drained", "succeeded")
_ENDING = ("CancelJob", "TerminateJob", "TerminateServiceJob", "CancelJobs", "TerminateJobs", "SubmitJob")


T = TypeVar("T")


@attrs.define
class Foresight:
    """What is expected of a plan; without `usual` nothing is. `why` says why it has no estimate, where that is worth a
    word."""

    stand: Stand
    usual: Played | None = None
    why: str = ""
    _heard: Listener = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._heard = Listener(self.stand.task.caller.clock.now())

    @classmethod
    def of(cls, task: Task, plan: Plan, timeout: float | None) -> "Foresight":
        """Play a plan; an empty one, one that is refused, and a large one are not played."""
        stand = attrs.evolve(Stand.of(task, plan, timeout), jobs=_JOBS, most=_CALLS, spacing=Spacing())
        if not plan.steps or plan.refusals or len(plan.steps) > MOST:
            return cls(stand)
        usual = _tried(lambda: stand.play("usual", "0/0"))
        if isinstance(usual, _Failed):
            return cls(stand, why=f"how long this takes is not known: {usual.why}")
        return cls(stand, usual, _unfinished(usual.report) if usual.report.exit_code else "")

    @property
    def plan(self) -> Plan:
        """The plan with its estimate, or with a warning that says why there is none."""
        if self.usual is None or self.usual.report.exit_code:
            warnings = (*self.stand.plan.warnings, *filter(None, [self.why]))
            return attrs.evolve(self.stand.plan, warnings=warnings)
        estimate = Estimate(self.usual.calls.total(), round(self.usual.report.seconds, 1))
        return attrs.evolve(self.stand.plan, estimate=estimate)

    def hearing(self, on_event: OnEvent) -> OnEvent:
        """A listener that hears what is done, and tells it on."""

        def hear(event: Event) -> None:
            self._heard.take(event)
            on_event(event)

        return hear

    def compared(self, report: Report) -> Report:
        """The report with what departed from what was expected."""
        if self.usual is None:
            return report
        steps = {step.id: step for step in self.stand.plan.steps}
        told = [*_calls(self._heard.deeds, self.usual.deeds), *_failures(report, self.usual.report)]
        try:
            slow = _tried(lambda: [*self._slow(report, steps)])
        except Interrupted as interrupted:
            slow = _Failed(interrupted.message)
        if isinstance(slow, _Failed):
            slow = [Departure("", "", "slower", f"what took long was not rehearsed: {slow.why}")]
        told += slow
        return attrs.evolve(report, departures=tuple(told))

    def _slow(self, report: Report, steps: Mapping[str, Step]) -> Iterator[Departure]:
        """The waits that took longer than the table has it. Of jobs it knows nothing."""
        assert self.usual is not None
        own = _own_time(self.stand.task.connection.clock)
        waits = [outcome for outcome in report.outcomes if _waited(steps.get(outcome.step))]
        slow = _longer(waits, self.usual.spans, own)
        if not slow or report.interrupted_by is not None:
            return
        longest = self.stand.play("longest", "0/1").spans
        for outcome in _longer(slow, longest, own):
            says = f"it took {span(outcome.seconds)}, and {span(longest[outcome.step])} was the longest rehearsed"
            yield Departure(outcome.step, outcome.address, "slower", says)


@attrs.frozen
class _Failed:
    """Why nothing came of playing a plan."""

    why: str


def _tried(play: Callable[[], T]) -> T | _Failed:
    """What playing a plan gives, or why it failed; raises nothing but Interrupted.

    All that hangs on it is a figure. Whatever breaks in a model of a service that is not ours, no plan and no apply may
    fail for that, nor the report of one be lost: hence every exception is caught here, and told with its type.
    """
    try:
        return play()
    except Interrupted:
        raise
    except TooMany:
        return _Failed("a wait for jobs may take days; rehearse plays it")
    except Exception as error:
        return _Failed(f"{type(error).__name__}: {error}")


def _unfinished(report: Report) -> str:
    failed = "".join(f": {it.address}: {it.call or 'wait'}: {it.error}" for it in report.failures[:1])
    return f"a rehearsal of this does not do all of it, so how long it takes is not known{failed}"


def _waited(step: Step | None) -> bool:
    return step is not None and step.goal is not None and step.goal.until not in _OF_JOBS


def _own_time(clock: Clock) -> float:
    """What this process's own work may add to a wait: nothing to speak of, but where time runs fast."""
    return _WORK * clock.speed if isinstance(clock, ScaledClock) else 0.0


def _longer(outcomes: Iterable[Outcome], spans: Mapping[str, float], own: float) -> list[Outcome]:
    """Those that took longer than these, by more than what looks that come a little earlier or later make of it."""
    spacing = Spacing()
    return [
        outcome
        for outcome in outcomes
        if outcome.step in spans
        and outcome.seconds > spans[outcome.step] * (1 + 2 * spacing.share) + 2 * spacing.least + own
    ]


def _calls(made: Collection[Deed], rehearsed: Collection[Deed]) -> Iterator[Departure]:
    """The calls that changed something and were not rehearsed. How many jobs there are to end changes by the minute."""
    expected = Counter(map(_said, rehearsed))
    for (address, call), count in Counter(map(_said, made)).items():
        more = count - expected[address, call]
        if more > 0 and not (call in _ENDING and expected[address, call]):
            times = "" if more == 1 else f" {more} times more"
            yield Departure("", address, "call", f"{call} was called{times}, which was not rehearsed")


def _said(deed: Deed) -> tuple[str, str]:
    """An address and a call; an endpoint that does not know the call for several jobs has each ended by its own."""
    return deed.address, deed.call.removesuffix("s") if deed.call in _ENDING else deed.call


def _failures(report: Report, rehearsed: Report) -> Iterator[Departure]:
    known = {outcome.step for outcome in rehearsed.failures}
    for outcome in report.outcomes:
        if outcome.status == "failed" and outcome.step not in known:
            yield Departure(
                outcome.step, outcome.address, "failure", f"it failed, which was not rehearsed: {outcome.error}"
            )
