"""What workers are at, and until when each is believed to live."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import attrs

from reconciler.controller.agenda import Held, Key
from reconciler.controller.sources import Revision

GRACE = 600.0
"""Seconds beyond its own time after which a worker is taken for dead that has told nothing for as long."""


@attrs.define(eq=False)
class Work:
    """What a worker does, and until when it is believed to live; what it tells puts that off, from its own thread."""

    key: Key
    until: float
    held: tuple[Held, ...] = ()
    uses: tuple[Revision, ...] = ()

    def __str__(self) -> str:
        return " ".join(self.key)

    def lives(self, now: float) -> None:
        self.until = max(self.until, now + GRACE)


@attrs.define(eq=False)
class Flight:
    """All that workers are at; for the coordinator's thread."""

    pool: Executor
    works: dict[Future[Any], Work] = attrs.field(factory=dict, init=False)

    def begin(self, work: Work, call: Callable[[], object]) -> None:
        self.works[self.pool.submit(call)] = work

    def ended(self) -> Iterator[tuple[Work, Future[Any]]]:
        """What is no longer in flight, each taken out when it is had."""
        for future in [future for future in self.works if future.done()]:
            yield self.works.pop(future), future

    def uses(self) -> list[Revision]:
        """The revisions of which somebody reads the files."""
        return [revision for work in self.works.values() for revision in work.uses]

    def late(self, now: float) -> str | None:
        """What has been worked at for too long, in words."""
        late = next((work for work in self.works.values() if work.until < now), None)
        return None if late is None else f"{late} has been worked at for too long"
