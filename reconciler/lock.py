"""One run at a time for each account, region and stack.

A flock belongs to the open file, not to its contents: the system drops it when the process ends, however it ends, so
that a killed run leaves none behind. What the file says is told to whoever finds it taken, and trusted for nothing.
"""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import attrs

from providers.errors import LockHeld
from reconciler.journal import told


@attrs.frozen
class Holder:
    """Who holds a lock: a process of a host, since when (seconds since the epoch), and what it is doing."""

    host: str
    pid: int
    since: float
    doing: str = ""

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        doing = f" ({self.doing})" if self.doing else ""
        return f"process {self.pid} on {self.host}{doing}, since {since}"


@attrs.define(eq=False)
class FileLock:
    """A lock for the time of a `with` block; takes it at once or raises LockHeld, and waits for nobody."""

    path: Path
    holder: Holder
    _descriptor: int = attrs.field(default=-1, init=False)

    def __enter__(self) -> None:
        with told("lock", self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._take(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(
                f"another run holds the lock: {_read(descriptor) or 'it has not said who it is'}",
                hint=f"wait until it has ended; the lock is {self.path}",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(attrs.asdict(self.holder)).encode(), 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            os.ftruncate(self._descriptor, 0)
        finally:
            os.close(self._descriptor)


@attrs.frozen
class NoLock:
    """Locks nothing: for those who see to it themselves that one run goes at a time."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


def _read(descriptor: int) -> str:
    try:
        return str(Holder(**json.loads(os.pread(descriptor, 4096, 0))))
    except (ValueError, TypeError, OverflowError):
        return ""
