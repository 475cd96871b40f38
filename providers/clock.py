"""Time as an argument: the only module that reads the system's clock or waits on it.

Seconds since the Unix epoch, as floats, everywhere. Three clocks with one contract: `SystemClock` for AWS,
`ScaledClock` for simulated time that runs `speed` times as fast as real time, and `ManualClock`, which moves only
when somebody waits: hours pass in no time, in one thread, in a fixed order.
"""

import concurrent.futures
import time
from collections.abc import Collection
from concurrent.futures import Future
from typing import Any, ClassVar, Protocol

import attrs


class Clock(Protocol):
    """What the house knows of time; `speed` is how many seconds of it pass in a real one."""

    @property
    def speed(self) -> float: ...

    def now(self) -> float:
        """Seconds since the epoch, in this clock's time."""

    def sleep(self, seconds: float) -> None:
        """Return `seconds` of this clock's time later."""

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        """Return as soon as one of `futures` is done, or `seconds` of this clock's time later.

        `None` waits for the futures alone; there must be one then.
        """


def _await(futures: Collection[Future[Any]], seconds: float | None) -> None:
    if futures:
        concurrent.futures.wait(futures, seconds, concurrent.futures.FIRST_COMPLETED)
    elif seconds is not None and seconds > 0:
        time.sleep(seconds)


@attrs.frozen
class SystemClock:
    """Real time."""

    speed: ClassVar[float] = 1.0

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        _await(futures, None if seconds is None else max(0.0, seconds))


@attrs.frozen
class ScaledClock:
    """Time that stood at `simulated` when the system's clock showed `real`, and runs `speed` times as fast since."""

    real: float
    simulated: float
    speed: float

    def now(self) -> float:
        return self.simulated + (time.time() - self.real) * self.speed

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds / self.speed))

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        _await(futures, None if seconds is None else max(0.0, seconds / self.speed))


@attrs.define
class ManualClock:
    """Time that moves only when somebody waits."""

    instant: float = 1_800_000_000.0
    speed: ClassVar[float] = 1.0

    def now(self) -> float:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.instant += max(0.0, seconds)

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        if seconds is not None and not any(future.done() for future in futures):
            self.sleep(seconds)
