"""A controller over a simulated account: a folder as its source, SQLite as its store, no threads, no real time."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from plans.nodes import Source
from reconciler.controller.configuration import Configuration
from reconciler.controller.front import Front
from reconciler.controller.leader import Leader, leader
from reconciler.controller.logs import silent
from reconciler.controller.loop import Loop
from reconciler.controller.reading import read
from reconciler.controller.sources import fetcher
from reconciler.controller.status import Kind, Status
from reconciler.retry import InlinePool
from reconciler.store import Store
from tests.kit import Stage, kinds

USUAL = """
sources:
  here: {folder: stacks, interval: 1m}
targets:
  lab: {region: eu-west-1}
stacks:
  lab: {source: here, target: lab, mode: apply-and-heal}
"""


@attrs.define(eq=False)
class Room:
    """A controller and the account that it keeps."""

    folder: Path
    stage: Stage
    store: Store
    loop: Loop
    front: Front

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
            if not self.loop._flight:
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

    def told(self) -> Mapping[str, Any]:
        return {status.stack: status for status in self.front.statuses()}


@contextmanager
def room(folder: Path, configured: str = USUAL, *, stage: Stage | None = None, seed: int = 7) -> Iterator[Room]:
    """A controller of this configuration, whose paths lie in `folder`."""
    stage = stage or Stage.new()
    said = read(Source("controller.yaml", configured.encode()), folder=folder, kinds=kinds())
    (folder / "stacks").mkdir(exist_ok=True)
    store = Store.open(said.store, stage.clock)
    made = room_of(said, folder, stage, store, leader(store, clock=stage.clock), seed)
    try:
        yield made
    finally:
        made.loop.leader.release()
        store.close()


def room_of(said: Configuration, folder: Path, stage: Stage, store: Store, leading: Leader, seed: int) -> Room:
    loop = Loop(
        configuration=said,
        store=store,
        leader=leading,
        fetchers={
            name: fetcher(origin, said.cache / name, s3=lambda _region: None, clock=stage.clock)
            for name, origin in said.sources.items()
        },
        reconcilers=dict.fromkeys(said.targets, stage.reconciler),
        pool=InlinePool(),
        clock=stage.clock,
        rng=random.Random(seed),
        log=silent(),
    )
    return Room(folder, stage, store, loop, Front(loop, store, stage.clock, silent()))
