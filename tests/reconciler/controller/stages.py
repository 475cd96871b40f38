"""A controller over a simulated account: a folder as its source, SQLite as its store, no threads, no real time.

Whatever it tells of a stack on the way has to be true (`truths`).
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import attrs

from plans.nodes import Source
from providers.errors import StoreError
from reconciler.controller.conditions import Kind
from reconciler.controller.configuration import Configuration
from reconciler.controller.flight import Flight
from reconciler.controller.front import Front
from reconciler.controller.leader import Leader, leader
from reconciler.controller.logs import silent
from reconciler.controller.loop import Loop
from reconciler.controller.notes import Notes
from reconciler.controller.reading import read
from reconciler.controller.sources import fetcher
from reconciler.controller.status import Status
from reconciler.retry import InlinePool
from reconciler.store import Store
from tests.kit import LAB, Stage, kinds
from tests.reconciler.controller.truths import Witness

USUAL = """
sources:
  here: {folder: stacks, interval: 1m}
targets:
  lab: {region: eu-west-1}
stacks:
  lab: {source: here, target: lab, mode: apply-and-heal}
"""

P = ParamSpec("P")
T = TypeVar("T")


class HandPool(Executor):
    """Workers that begin at once and end when they are let: what they do is done then."""

    def __init__(self) -> None:
        self.left: list[Callable[[], None]] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def do() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)

        self.left.append(do)
        return future

    def let(self, number: int = 0) -> None:
        """Let one end, if any is at work."""
        if self.left:
            self.left.pop(number % len(self.left))()


class Shaky:
    """A store whose methods fail that are in `away`; `*` is all of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away: Collection[str] = ()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if not callable(real):
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            if name in self.away or "*" in self.away:
                raise StoreError("the store is away")
            return real(*args, **kwargs)

        return call


@attrs.define(eq=False)
class Room:
    """A controller and the account that it keeps."""

    folder: Path
    stage: Stage
    store: Store
    loop: Loop
    front: Front
    shaky: Shaky
    lines: list[tuple[str, Mapping[str, Any]]]
    witness: Witness

    @property
    def now(self) -> float:
        return self.stage.clock.now()

    def write(self, text: str, name: str = "lab.yaml") -> None:
        path = self.folder / "stacks" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)

    def pass_time(self, seconds: float) -> None:
        """Let the controller go on for so long."""
        until = self.now + seconds
        while self.now < until:
            self.loop.turn()
            pause = min(self.loop.next_due(), until) - self.now
            if not any(future.done() for future in self.loop.flight.works):
                self.stage.clock.sleep(max(0.001, pause))

    def until(self, there: Callable[[], bool], seconds: float = 3600.0) -> None:
        """Let it go on until something is so, which it has to be within so many seconds."""
        until = self.now + seconds
        while not there():
            assert self.now < until, self.told()
            self.pass_time(1.0)

    def status(self, stack: str = "lab") -> Status:
        found = self.front.status(stack)
        assert found is not None
        return found

    def answer(self, kind: Kind, stack: str = "lab") -> tuple[str, str] | None:
        found = self.status(stack).conditions.get(kind)
        return None if found is None else (found.status, found.reason)

    def run_of(self, stack: str = "lab") -> Any:
        """The last run of a stack, as the API shows it; None where there is none."""
        return next(iter(self.front.runs(stack, 1)), None)

    def told(self) -> Mapping[str, Any]:
        return {status.stack: status for status in self.front.statuses()}


@contextmanager
def room(
    folder: Path,
    configured: str = USUAL,
    *,
    stage: Stage | None = None,
    seed: int = 7,
    pool: Executor | None = None,
) -> Iterator[Room]:
    """A controller of this configuration, whose paths lie in `folder`."""
    stage = stage or Stage.new()
    said = read(Source("controller.yaml", configured.encode()), folder=folder, kinds=kinds())
    (folder / "stacks").mkdir(exist_ok=True)
    store = Store.open(said.store, stage.clock)
    made = room_of(said, folder, stage, store, leader(store, clock=stage.clock), seed, pool)
    try:
        yield made
        assert not made.witness.faults, "\n".join(made.witness.faults[:5])
    finally:
        made.loop.leader.release()
        store.close()


def room_of(
    said: Configuration,
    folder: Path,
    stage: Stage,
    store: Store,
    leading: Leader,
    seed: int,
    pool: Executor | None = None,
) -> Room:
    shaky, lines = Shaky(store), list[tuple[str, Mapping[str, Any]]]()
    loop = Loop(
        configuration=said,
        store=cast(Store, shaky),
        leader=leading,
        fetchers={
            name: fetcher(origin, said.cache / name, s3=lambda _region: None, clock=stage.clock)
            for name, origin in said.sources.items()
        },
        reconcilers=lambda _target: stage.reconciler,
        expired=lambda _target: None,
        flight=Flight(pool or InlinePool()),
        clock=stage.clock,
        rng=random.Random(seed),
        log=Heard(lines),
    )
    witness = Witness(loop.notes, loop, stage.clock.now)
    loop.outcomes = attrs.evolve(loop.outcomes, notes=cast(Notes, witness))
    return Room(folder, stage, store, loop, Front(loop, loop.store, stage.clock, silent()), shaky, lines, witness)


@attrs.frozen
class Heard:
    """A log that is kept: each event with what belongs to it."""

    lines: list[tuple[str, Mapping[str, Any]]]
    bound: Mapping[str, Any] = attrs.field(factory=dict)

    def bind(self, **values: Any) -> "Heard":
        return Heard(self.lines, {**self.bound, **values})

    def debug(self, event: str, **values: Any) -> None:
        self.lines.append((event, {**self.bound, **values}))

    info = warning = error = debug


def mutations(made: Room) -> Counter[str]:
    return Counter(made.stage.mutations)


def of_one_apply() -> Counter[str]:
    """The calls that make the laboratory from nothing."""
    stage = Stage.new()
    stage.apply(LAB)
    return Counter(stage.mutations)
