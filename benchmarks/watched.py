"""One apply on the simulator, watched: how long it took, what it called, and when it noticed what.

Time is simulated, and moves only when somebody waits. A call is done when it goes out and is answered `LATENCY` later,
on a pool whose size is the parallelism, so that what is measured is the order of the work, its pace and its looks, and
the same run comes out the same everywhere.
"""

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any, ClassVar

import attrs

from plans.plan import Plan, Step
from plans.report import Event, Report
from providers.clock import ManualClock
from providers.simulator import Durations
from providers.simulator import Settings as Simulated
from reconciler.settings import Settings
from tests import kit

LATENCY = 0.1
BATCH = 100
READS = ("Describe", "List", "Get")
_DURATIONS = Durations()
# How long the simulator takes for what a step calls and waits for.
_SETTLES: Mapping[str, float] = {
    "CreateComputeEnvironment": _DURATIONS.create_environment,
    "CreateJobQueue": _DURATIONS.create_queue,
    "UpdateJobQueue": _DURATIONS.update_queue,
    "DeleteJobQueue": _DURATIONS.delete_queue,
    "DeleteComputeEnvironment": _DURATIONS.delete_environment,
}


def settles(step: Step) -> float:
    """Seconds from the call of a step until its goal is reached."""
    if step.call == "UpdateComputeEnvironment":
        disables = step.goal is not None and step.goal.until == "disabled"
        return _DURATIONS.disable_environment if disables else _DURATIONS.scaling_update
    return _SETTLES.get(step.call or "", 0.0)


@attrs.define(eq=False)
class Wire(Executor):
    """A pool and the clock of whoever waits for it: every call is answered `LATENCY` after it went out."""

    speed: ClassVar[float] = 1.0
    clock: ManualClock
    _flying: list[tuple[float, int, Future[Any], Any, BaseException | None]] = attrs.field(factory=list, init=False)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count, init=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        result, error = None, None
        try:
            result = fn(*args, **kwargs)
        except Exception as raised:
            error = raised
        heapq.heappush(self._flying, (self.now() + LATENCY, next(self._numbers), future, result, error))
        return future

    def now(self) -> float:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        until = math.inf if seconds is None else self.now() + max(0.0, seconds)
        if any(future.done() for future in futures):
            return
        if futures and self._flying and self._flying[0][0] <= until:
            at, _, future, result, error = heapq.heappop(self._flying)
            self.clock.sleep(at - self.now())
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        elif math.isfinite(until):
            self.clock.sleep(until - self.now())


@attrs.frozen
class Wait:
    """One wait for something that takes time: when the service had done it, and when that was noticed.

    `allowed` is how much later that may be: a tenth of the wait, or five seconds, whichever is more.
    """

    kind: str
    settled: float
    noticed: float
    allowed: float

    @property
    def late(self) -> float:
        """The delay as a share of what is allowed."""
        return max(0.0, self.noticed - self.settled - LATENCY) / self.allowed


@attrs.frozen
class Watched:
    """What was seen of one apply; `calls` are those of carrying it out, `all` those from first look to last."""

    plan: Plan
    report: Report
    waits: Sequence[Wait]
    calls: Mapping[str, int]
    all: Mapping[str, int]

    @property
    def looks(self) -> int:
        """The calls that looked at what is waited for."""
        return sum(count for name, count in self.calls.items() if name.startswith("Describe"))

    @property
    def oracle(self) -> int:
        """The looks of one who knows when everything settles, and notices it no later than is allowed."""
        kinds = {wait.kind for wait in self.waits}
        return sum(_fewest([wait for wait in self.waits if wait.kind == kind]) for kind in kinds)

    def bound(self, settings: Settings) -> float:
        """Seconds below which no order of these steps comes: the longest path, the rate, or the parallelism.

        On the path each step costs its call, what it waits for, and one look. A second's worth of calls may go out at
        once.
        """
        costs = {step.id: _cost(step) for step in self.plan.steps}
        ends: dict[str, float] = {}
        for step in self.plan.steps:
            ends[step.id] = costs[step.id] + max((ends[name] for name in step.after if name in ends), default=0.0)
        calls = sum(count for name, count in self.calls.items() if not name.startswith("Describe")) + self.oracle
        paced = (calls - settings.max_api_rate) / settings.max_api_rate
        return max(max(ends.values()), paced, calls * LATENCY / settings.parallelism)


def _cost(step: Step) -> float:
    call = LATENCY if step.call else 0.0
    return call + (settles(step) + LATENCY if step.goal else 0.0)


def _fewest(waits: Iterable[Wait]) -> int:
    """The fewest looks of which one falls into each interval from settled to the latest moment allowed."""
    looks, left = 0, sorted(waits, key=lambda wait: wait.settled + wait.allowed)
    while left:
        at = left[0].settled + left[0].allowed
        seen = [wait for wait in left if wait.settled <= at]
        left = [wait for wait in left if wait.settled > at]
        looks += math.ceil(len(seen) / BATCH)
    return looks


@attrs.define
class Scene:
    """An account on a clock of its own, over which applies are watched."""

    settings: Settings
    stage: kit.Stage = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.stage = stage = kit.Stage.new(simulated=Simulated(), settings=self.settings)
        wire = Wire(stage.clock)
        connection = attrs.evolve(stage.reconciler.connection, clock=wire)
        stage.reconciler = attrs.evolve(stage.reconciler, connection=connection, pool=lambda _size: wire)

    def apply(self, text: str, *, destroying: bool = False) -> Watched:
        stage, plans = self.stage, list[Plan]()

        def approve(plan: Plan) -> bool:
            plans.append(plan)
            return True

        run = stage.destroy if destroying else stage.apply
        report = run(text, approve=approve)
        assert report.exit_code == 0, report.failures
        times = [event.at for event in stage.events if event.event in ("started", "finished")]
        during = [call for call in stage.simulator.calls if times[0] <= call.time < times[-1]]
        calls = Counter(call.operation for call in during)
        return Watched(plans[-1], report, _waits(plans[-1], stage.events), calls, stage.calls)


def _waits(plan: Plan, events: Iterable[Event]) -> list[Wait]:
    at: dict[tuple[str, str], float] = {(event.step, event.event): event.at for event in events}
    waits = []
    for step in plan.steps:
        called, noticed = at.get((step.id, "called")), at.get((step.id, "finished"))
        if step.goal is None or called is None or noticed is None:
            continue
        began, seconds = called - LATENCY, settles(step)
        waits.append(Wait(step.goal.kind, began + seconds, noticed, max(0.1 * seconds, 5.0)))
    return waits
