"""What a run of a reconciler sets out with: its caller, its task, its lock, and its turn at a stack."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from plans.asked import NOTHING, Asked
from plans.manifest import Manifest
from plans.policy import strictest
from plans.report import Event
from providers.errors import BatchwrightError, CallError
from reconciler.keeping import Keeping
from reconciler.lock import Fenced, Lock
from reconciler.pace import Pace
from reconciler.retry import Caller
from reconciler.task import Task
from reconciler.telling import OnEvent
from reconciler.turn import Seen, Turn, taken

if TYPE_CHECKING:
    from reconciler.engine import Reconciler


@contextmanager
def calling(own: "Reconciler", on_event: OnEvent) -> Iterator[Caller]:
    """A caller on an executor of this run; no call of it is in flight afterwards, whosever executor that is."""
    clock = own.connection.clock

    def retried(_key: object, error: BatchwrightError, seconds: float) -> None:
        operation = {"operation": error.operation} if isinstance(error, CallError) else {}
        detail = {"error": str(error), "seconds": round(seconds, 1), **operation}
        on_event(Event("retried", clock.now(), detail=detail))

    with own.pool(own.settings.parallelism) as pool:
        caller = Caller(
            pool=pool,
            clock=clock,
            rng=own.rng,
            pace=own.pace or Pace(own.settings.max_api_rate),
            parallelism=own.settings.parallelism,
            stop=own.stop,
            on_retry=retried,
            on_answer=own.on_answer,
        )
        try:
            yield caller
        finally:
            caller.settle()


@contextmanager
def task_of(
    own: "Reconciler",
    manifest: Manifest,
    on_event: OnEvent,
    *,
    asked: Asked = NOTHING,
    destroying: bool = False,
    handing_over: bool = False,
) -> Iterator[Task]:
    """One wish against the world of the reconciler's target."""
    with calling(own, on_event) as caller:
        yield Task(
            manifest,
            own.target,
            own.connection,
            own.kinds,
            strictest(manifest.policy, *own.policies),
            caller,
            asked,
            destroying,
            handing_over,
            own.settings.counting,
            strictest(*own.policies),
        )


def keeping_of(own: "Reconciler") -> Keeping:
    """Where its journals and locks lie."""
    return Keeping(
        own.settings.folder,
        own.target.endpoint_url or own.target.simulator_file,
        own.connection.region,
        own.settings.lock,
        own.connection.other,
        own.wall,
        own.rng,
    )


def lock_of(own: "Reconciler", account: str | None, stack: str, doing: str, on_event: OnEvent) -> Lock:
    """The lock of a stack, with the fence of the settings beside it."""

    def tell(message: str) -> None:
        on_event(Event("lock", own.connection.clock.now(), detail={"message": message}))

    lock = keeping_of(own).lock(account, stack, own.wall.now(), doing, tell)
    return lock if own.settings.fence is None else Fenced(lock, own.settings.fence)


def turn_of(
    own: "Reconciler", task: Task, doing: str, on_event: OnEvent, look: Callable[[], Seen]
) -> AbstractContextManager[Turn[Seen]]:
    """The turn of a task at its stack."""

    def lock(account: str | None) -> Lock:
        return lock_of(own, account, task.manifest.stack, doing, on_event)

    return taken(task, keeping_of(own), lock, own.wall, look)
