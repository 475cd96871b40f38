"""A plan, carried out on a model of the account: by the same code, on a clock that does not wait, in one thread.

The model is filled with what the plan saw of the account, which is only read. Each run draws how long things take
from the table of `durations`; the first three take the usual, the longest and the shortest of each row and meet no
faults, so that what comes between them holds what an apply can take.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import attrs

from plans.plan import Plan
from plans.rehearsal import LONG, RUNS, Deed, Faults, Picture, Queue, Rehearsal, Run, Trouble, worst
from plans.report import Event, Report
from providers.clients import rehearsed
from providers.clock import ManualClock
from providers.errors import InputError, Interrupted
from providers.resources import Snapshot
from providers.simulator import Fault, Quotas, Simulator, Store
from reconciler.carrying import play
from reconciler.durations import TABLE, Manner, Table, simulated, trying
from reconciler.overtime import OverTime
from reconciler.pace import Pace
from reconciler.retry import Caller, InlinePool
from reconciler.seeding import JOBS, seeds
from reconciler.task import Task
from reconciler.waiter import Spacing
from reconciler.weather import script

_MANNERS: tuple[Manner, ...] = ("usual", "longest", "shortest")
_BETWEEN_LOOKS = 0.2
"""By how much of itself the time of a whole apply moves with when its looks happen to come."""
_RAISED = 1_000_000
"""How many objects of a kind there may be: quotas that an account can have raised, which a plan was held against."""
RARELY = Spacing(long_share=Spacing().longest / LONG)
"""A wait of a month for jobs would else take a run 200,000 looks and a minute."""


@attrs.frozen
class Played:
    """One run as it went: `spans` has how long each step took, `hits` the faults that its calls met."""

    report: Report
    deeds: tuple[Deed, ...]
    calls: Counter[str]
    hits: Counter[str]
    queues: tuple[Queue, ...]
    jobs_ended: Mapping[str, int]

    @property
    def spans(self) -> Mapping[str, float]:
        return {outcome.step: outcome.seconds for outcome in self.report.outcomes}


class TooMany(Exception):
    """A run has made all the calls that it may."""


@attrs.frozen
class Stand:
    """What a rehearsal needs: a plan, the task that made it, and the world as that saw it.

    Of each queue up to `jobs` jobs of a status are there. A run makes `most` calls at most, if that is given, and looks
    at what it waits for as `spacing` says.
    """

    task: Task
    plan: Plan
    snapshot: Snapshot
    table: Table = TABLE
    timeout: float | None = None
    jobs: int = JOBS
    most: int | None = None
    spacing: Spacing = RARELY

    @classmethod
    def of(cls, task: Task, plan: Plan, timeout: float | None, table: Table = TABLE) -> "Stand":
        """Where a plan stands that a task has just made."""
        assert task.seen is not None
        return cls(task, plan, task.seen, table, timeout)

    def play(self, manner: Manner, seed: str, faults: tuple[Fault, ...] = ()) -> Played:
        """Carry the plan out once; the same seed and faults give the same run.

        Raises InputError where the model cannot hold what the account holds, TooMany, and Interrupted where a signal
        comes.
        """
        try:
            with closing(Store.open(None, now=0.0)) as store:
                return self._play(store, manner, random.Random(seed), faults)
        except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
            told = f"the model of the account cannot hold what is live there: {error!r}"
            raise InputError(told, hint="a bug: what is live, as export shows it, tells where") from error

    def _play(self, store: Store, manner: Manner, dice: random.Random, faults: tuple[Fault, ...]) -> Played:
        snapshot, before = self.snapshot, self.task.caller
        settings = attrs.evolve(
            trying(simulated(self.table, manner, dice), self.plan, snapshot),
            quotas=Quotas(environments=_RAISED, queues=_RAISED, service_environments=_RAISED, consumables=_RAISED),
            account=snapshot.account or "",
        )
        clock = ManualClock(before.clock.now())
        overtime = OverTime(clock.now(), {outcome.name for outcome in settings.outcomes})
        simulator = Simulator(store, clock, settings=settings, before_call=self._counted, on_change=overtime.take)
        simulator.fill(seeds(snapshot, self.task.kinds, self.jobs), region=snapshot.region)
        unread = {self.task.kinds[kind].facts.lookup.listing for kind in snapshot.unobserved}
        simulator.inject(*(Fault(listing, "denied", times=None) for listing in sorted(unread)), *faults)
        caller = Caller(
            pool=InlinePool(),
            clock=clock,
            rng=dice,
            pace=Pace(before.pace.max_rate),
            parallelism=before.parallelism,
            stop=before.stop,
        )
        task = self.task.elsewhere(rehearsed(simulator, self.task.connection, snapshot.account), caller)
        listener = Listener(clock.now())
        report = play(task, self.plan, rng=dice, timeout=self.timeout, on_event=listener.take, spacing=self.spacing)
        if report.interrupted_by is not None:
            raise Interrupted("interrupted while rehearsing; nothing was changed", signal=report.interrupted_by)
        hits = Counter(
            {f"{fault} {call}": count for (fault, call), count in simulator.struck.items() if call not in unread}
        )
        own = {change.name for change in self.plan.changes if change.kind == "job_queue"}
        queues = overtime.queues(max(listener.last, overtime.began + report.seconds), own)
        return Played(report, tuple(listener.deeds), caller.calls + before.calls, hits, queues, dict(overtime.ended))

    def _counted(self, _operation: str, number: int) -> None:
        if self.most is not None and number > self.most:
            raise TooMany


@attrs.define
class Listener:
    """Keeps the calls of a run that change something, as its events tell them."""

    began: float
    deeds: list[Deed] = attrs.field(factory=list, init=False)
    last: float = attrs.field(init=False, default=attrs.Factory(lambda self: self.began, takes_self=True))

    def take(self, event: Event) -> None:
        self.last = max(self.last, event.at)
        call = event.detail.get("call") or event.detail.get("operation") or ""
        again = event.event == "retried" and event.detail.get("resent")
        if event.address and (event.event == "called" or again):
            self.deeds.append(Deed(call, event.address, event.at - self.began, event.detail.get("ended", 0)))


def rehearse(
    stand: Stand, *, seed: int, faults: Faults = "none", runs: int = RUNS, stopped: Callable[[], int | None]
) -> Rehearsal:
    """Play a plan so many times. Raises Interrupted where a signal comes between two runs.

    The runs that meet no faults are the same under every seed: the first is the one that a plan is estimated by.
    """
    played: list[tuple[Manner, Played]] = []
    for number in range(runs):
        if (signal := stopped()) is not None:
            raise Interrupted("interrupted while rehearsing; nothing was changed", signal=signal)
        if number < len(_MANNERS):
            played.append((_MANNERS[number], stand.play(_MANNERS[number], f"0/{number}")))
        else:
            name = f"{seed}/{number}"
            drawn = script(stand.plan, stand.task.kinds, faults, random.Random(f"{name}/faults"))
            played.append(("drawn", stand.play("drawn", name, drawn)))
    if not played:
        return Rehearsal(stand.plan, seed, faults, table=stand.table)
    seconds = [run.report.seconds for _, run in played if run.report.exit_code == 0]
    first = played[0][1]
    return Rehearsal(
        plan=stand.plan,
        seed=seed,
        faults=faults,
        runs=tuple(_told_run(number, manner, run) for number, (manner, run) in enumerate(played, 1)),
        trace=first.deeds,
        calls=dict(first.calls),
        queues=first.queues,
        worst=worst(Picture(number, run.queues) for number, (_, run) in enumerate(played, 1)),
        troubles=tuple(trouble for number, (_, run) in enumerate(played, 1) for trouble in _troubles(number, run)),
        jobs_ended=first.jobs_ended,
        table=stand.table,
        low=min(seconds, default=0.0) * (1 - _BETWEEN_LOOKS),
        high=max(seconds, default=0.0) * (1 + _BETWEEN_LOOKS),
    )


def _told_run(number: int, manner: Manner, run: Played) -> Run:
    waiting = {queue.name: queue.seconds("waits") for queue in run.queues if queue.seconds("waits")}
    return Run(number, manner, run.report.seconds, run.report.exit_code, run.calls.total(), dict(run.hits), waiting)


def _troubles(number: int, run: Played) -> Iterator[Trouble]:
    for outcome in run.report.failures:
        yield Trouble(outcome.step, outcome.address, outcome.call, outcome.error or "", number, dict(run.hits))
