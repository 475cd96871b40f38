"""What is had of sources and stacks, and which of them is due: the books of the coordinator. No I/O.

A stack does one thing at a time: it is idle, looked at, waits for its run, or runs. What is asked of it meanwhile
stands in `due`, and counts when it is idle again; so nothing is lost, and nothing done twice at once.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, get_args

import attrs

from reconciler.controller.configuration import Stack
from reconciler.controller.rounds import Seen, Wish
from reconciler.controller.sources import Fetcher, Revision
from reconciler.controller.status import Status
from reconciler.controller.workqueue import WorkQueue
from reconciler.controller.yielding import Yielding
from reconciler.store import Override

Sort = Literal["source", "target", "stack"]
"""What work is about: a fetch of a source, a look at a target, a run of a stack."""
Key = tuple[Sort, str]

EARLY = 0.2
"""By how much of its interval a stack is looked at early, rather than alone later."""
NEVER = float("inf")


@attrs.define(eq=False)
class Source:
    """What is had of one source: its last good revision, how often in a row it could not be had, and why."""

    name: str
    fetcher: Fetcher
    interval: float
    timeout: float = 0.0
    revision: Revision | None = None
    failures: int = 0
    failing: BaseException | None = None


@attrs.define(eq=False)
class Running:
    """A run under way, which is asked to end at `deadline`."""

    id: str
    seen: Seen
    yielding: Yielding
    deadline: float


@attrs.define(eq=False)
class Held:
    """What is had of one stack.

    `digest` is that of what it is to be, `wish` what was read of it last, `approved` the plans that people approved,
    `override` somebody's word that one may begin outside the windows, `suspended` by whom it was. `due` is when it is
    looked at next. `seen` is what is to be carried out while it waits for its run.
    """

    stack: Stack
    status: Status
    due: float = NEVER
    doing: Literal["nothing", "look", "wait", "run"] = "nothing"
    digest: str = ""
    wish: Wish | None = None
    approved: frozenset[str] = frozenset()
    override: Override | None = None
    suspended: str | None = None
    seen: Seen | None = None
    run: Running | None = None

    @property
    def idle(self) -> bool:
        return self.doing == "nothing"

    @property
    def resting(self) -> bool:
        return self.stack.suspend or self.suspended is not None

    def overridden(self, now: float) -> str | None:
        """The plan that may begin now whatever the windows say."""
        return self.override.plan if self.override is not None and now < self.override.until else None

    @property
    def current(self) -> bool:
        """Whether the world was last made like what it is to be now, and nothing is wrong with it."""
        return self.status.ready and self.status.digest == self.digest


@attrs.define(eq=False)
class Agenda:
    """Of each sort of work so much is done at once as there are `workers`: a fetch that hangs holds up no look, and a
    run that waits for hours holds up neither."""

    workers: int
    rng: random.Random
    sources: dict[str, Source]
    held: dict[str, Held]
    _targets: dict[str, list[Held]] = attrs.field(factory=dict, init=False)
    _queues: dict[Sort, WorkQueue[str]] = attrs.field(factory=dict, init=False)
    _at_work: Counter[Sort] = attrs.field(factory=Counter, init=False)

    def __attrs_post_init__(self) -> None:
        for held in self.held.values():
            self._targets.setdefault(held.stack.target, []).append(held)
        self.forget()

    def forget(self) -> None:
        """Begin anew, with nothing in work: what another did meanwhile is not known here."""
        self._queues = {sort: WorkQueue() for sort in get_args(Sort)}
        self._at_work.clear()
        for source in self.sources.values():
            source.revision, source.failures, source.failing = None, 0, None
        for held in self.held.values():
            held.due, held.doing, held.digest, held.override = NEVER, "nothing", "", None
            held.seen, held.run = None, None

    def of(self, target: str) -> Sequence[Held]:
        return self._targets.get(target, ())

    def within(self, source: str) -> Iterator[Held]:
        return (held for held in self.held.values() if held.stack.source == source)

    def running(self) -> Iterator[Running]:
        return (held.run for held in self.held.values() if held.run is not None)

    # What is due.

    def fetch(self, source: str, at: float) -> None:
        self._queues["source"].ask(source, at)

    def ask(self, held: Held, at: float) -> None:
        """Have a stack looked at by then, or as soon as it is idle after that; not while it rests."""
        if not held.resting:
            held.due = min(held.due, at)
            self._announce(held)

    def rest(self, held: Held) -> None:
        """Nothing is asked of a stack any more."""
        held.due = NEVER

    def wait(self, held: Held, seen: Seen, now: float) -> None:
        """Have a plan carried out as soon as there is a worker."""
        held.doing, held.seen = "wait", seen
        self._queues["stack"].ask(held.stack.name, now)

    def free(self, held: Held) -> None:
        """A stack is idle again; what was asked meanwhile counts from now on."""
        held.doing, held.seen, held.run = "nothing", None, None
        self._announce(held)

    def soon(self, target: str, now: float) -> Sequence[Held]:
        """The idle stacks of a target that are due, or will be soon."""
        return [held for held in self.of(target) if held.idle and held.due <= now + EARLY * held.stack.interval]

    def missing(self, held: Held) -> str | None:
        """Which of those that a stack depends on is not as that is to be, and why; None where all are."""
        for name in held.stack.depends_on:
            other = self.held[name]
            if not other.current:
                ready = other.status.conditions.get("Ready")
                if other.resting:
                    why = "is suspended"
                elif ready is None or ready.status == "True":
                    why = "has a revision that is not applied yet"
                else:
                    why = f"is not ready: {ready.reason}"
                return f"{name} {why}"
        return None

    def dependents(self, held: Held) -> Iterable[Held]:
        """The stacks that wait for this one."""
        for other in self.held.values():
            ready = other.status.conditions.get("Ready")
            if held.stack.name in other.stack.depends_on and ready and ready.reason == "DependencyNotReady":
                yield other

    # What is in work.

    def take(self, now: float) -> Key | None:
        """What is to be begun; it is in work until it is `done`."""
        for sort, queue in self._queues.items():
            if self._at_work[sort] < self.workers and (name := queue.take(now)) is not None:
                self._at_work[sort] += 1
                return sort, name
        return None

    def done(self, key: Key) -> None:
        """What is done may be begun again; a target is, when the next of its stacks is due."""
        sort, name = key
        self._at_work[sort] -= 1
        self._queues[sort].done(name)
        if sort == "target":
            due = min((held.due for held in self.of(name) if held.idle), default=NEVER)
            if due < NEVER:
                self._queues[sort].ask(name, due)

    def again(self, key: Key, at: float) -> None:
        """Have work that went wrong in no known way begun once more."""
        sort, name = key
        match sort:
            case "source":
                self.fetch(name, at)
            case "target":
                for held in self.of(name):
                    if held.idle:
                        self.ask(held, at)
            case "stack":
                self.free(self.held[name])
                self.ask(self.held[name], at)

    def next_due(self) -> float:
        """When the next work is due for which there is a worker."""
        free = [queue for sort, queue in self._queues.items() if self._at_work[sort] < self.workers]
        times = [due for queue in free if (due := queue.next_due()) is not None]
        return min(times, default=NEVER)

    def _announce(self, held: Held) -> None:
        if held.idle and held.due < NEVER:
            self._queues["target"].ask(held.stack.target, held.due)
