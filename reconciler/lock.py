"""One run at a time for each account, region and stack.

A flock belongs to the open file, not to its contents: the system drops it when the process ends, however it ends, so
that a killed run leaves none behind. What the file says is told to whoever finds it taken, and trusted for nothing.
It keeps out the runs of one machine; those of several are kept out by `leases`.
"""

import fcntl
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import attrs

from providers.errors import InputError, LockHeld, LockLost
from reconciler.journal import told

FORMS = "file, s3://BUCKET/KEY, dynamodb://TABLE/KEY or none"

_BUCKET, _TABLE = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "[A-Za-z0-9_.-]{3,255}"
_FORM = re.compile(
    rf"s3://(?P<bucket>{_BUCKET})/(?P<object>[^\x00-\x20\x7f]{{1,512}})"
    rf"|dynamodb://(?P<table>{_TABLE})/(?P<item>[^\x00-\x20\x7f]{{1,512}})"
)
_NAMES = {
    "s3": (
        _BUCKET,
        "the name of a bucket has 3 to 63 lower-case letters, digits, dots and hyphens, and begins and ends with a "
        "letter or digit",
    ),
    "dynamodb": (_TABLE, "the name of a table has 3 to 255 letters, digits, dots, hyphens and underscores"),
}
"""What containers are called, by service (bucketnamingrules.html of the S3 user guide, API_CreateTable.html)."""


@attrs.frozen
class Place:
    """Where locks are: in files of this machine, in a bucket, in a table (`container`), or nowhere.

    `key` stands before the account, the region and the stack, so that one place serves many stacks.
    """

    service: Literal["file", "s3", "dynamodb", "none"] = "file"
    container: str = ""
    key: str = ""

    @property
    def shared(self) -> bool:
        """Whether it is a service's, and so for many machines."""
        return self.service in ("s3", "dynamodb")

    def __str__(self) -> str:
        return f"{self.service}://{self.container}/{self.key}" if self.shared else self.service


def place(text: str | Place) -> Place:
    """The place that one of `FORMS` names; raises InputError."""
    if isinstance(text, Place):
        return text
    if text in ("file", "none"):
        return Place("none" if text == "none" else "file")
    found = _FORM.fullmatch(text)
    key = (found["object"] or found["item"]).strip("/") if found else ""
    if found is None or not key:
        why = _why(text)
        raise InputError(f"{text!r} is no lock{why and f': {why}'}", hint=f"a lock is {FORMS}")
    return Place("s3", found["bucket"], key) if found["bucket"] else Place("dynamodb", found["table"], key)


def _why(text: str) -> str:
    """What keeps a text that names a service from being a lock; nothing where it names none."""
    service, _, rest = text.partition("://")
    container, _, key = rest.partition("/")
    if service not in _NAMES or not container:
        return ""
    named, rule = _NAMES[service]
    if not re.fullmatch(named, container):
        return rule
    return "KEY has 1 to 512 characters, none of them a blank" if key.strip("/") else "it names no KEY"


@attrs.frozen
class Holder:
    """Who holds a lock: a process of a host, since when (seconds since the epoch), and what it is doing.

    `machine` tells apart the systems in which one process can see another; empty where that is not known.
    """

    host: str
    pid: int
    since: float
    doing: str = ""
    machine: str = ""

    def __str__(self) -> str:
        doing = f" ({self.doing})" if self.doing else ""
        return f"process {self.pid} on {self.host}{doing}, since {moment(self.since)}"


@attrs.frozen
class Freed:
    """Where the lock of a stack was looked for, and the dead run that held it; None where nobody did."""

    account: str | None
    region: str
    holder: Holder | None


def moment(at: float) -> str:
    """A time in words."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class Lock(Protocol):
    """A lock for the time of a `with` block; takes it at once or raises LockHeld, and waits for nobody.

    `looks`: since it keeps nobody out, what is to be changed is looked at again right before.
    """

    @property
    def looks(self) -> bool: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def rest(self) -> float | None:
        """Seconds of real time until it wants to be tended; None where it never does."""

    def tend(self) -> None:
        """Renew it where that is due. Whether that was done is told by `lost`."""

    def lost(self) -> LockLost | None:
        """Why nothing may be changed any more, None where it is ours for sure for longer than a call takes.

        To be asked before each call that changes something; what is not sure is made sure, which may take a while.
        """

    def free(self) -> Holder | None:
        """Remove what a holder left that is dead; who that was, None where nobody holds it.

        Raises LockHeld where it is not known to be dead.
        """


@attrs.define(eq=False)
class FileLock:
    """A lock in a file, held as long as the process lives."""

    path: Path
    holder: Holder
    looks: bool = attrs.field(default=False, init=False)
    _descriptor: int = attrs.field(default=-1, init=False)

    def __enter__(self) -> Self:
        with told("lock", self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._take(descriptor)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(attrs.asdict(self.holder)).encode(), 0)
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        return self

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(
                f"another run holds the lock: {_read(descriptor) or 'it has not said who it is'}",
                hint=f"wait until it has ended; the lock is {self.path}",
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            os.ftruncate(self._descriptor, 0)
        finally:
            os.close(self._descriptor)

    def rest(self) -> float | None:
        return None

    def tend(self) -> None:
        pass

    def lost(self) -> LockLost | None:
        return None

    def free(self) -> Holder | None:
        with told("lock", self.path):
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                self._take(descriptor)
                holder = _read(descriptor)
                os.ftruncate(descriptor, 0)
            finally:
                os.close(descriptor)
        return holder


@attrs.frozen
class NoLock:
    """Locks nothing: for those who see to it themselves that one run goes at a time."""

    looks: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def rest(self) -> float | None:
        return None

    def tend(self) -> None:
        pass

    def lost(self) -> LockLost | None:
        return None

    def free(self) -> Holder | None:
        return None


@attrs.frozen(eq=False)
class Fenced:
    """A lock, and somebody else's word beside it: without either nothing may be changed.

    `fence` is asked last, right before the call, and has to answer within five seconds, which a lease has to spare.
    """

    lock: Lock
    fence: Callable[[], LockLost | None]

    @property
    def looks(self) -> bool:
        return self.lock.looks

    def __enter__(self) -> Self:
        self.lock.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.lock.__exit__(kind, error, traceback)

    def rest(self) -> float | None:
        return self.lock.rest()

    def tend(self) -> None:
        self.lock.tend()

    def lost(self) -> LockLost | None:
        return self.lock.lost() or self.fence()

    def free(self) -> Holder | None:
        return self.lock.free()


def _read(descriptor: int) -> Holder | None:
    try:
        holder = Holder(**json.loads(os.pread(descriptor, 4096, 0)))
        str(holder)
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        return None
    return holder
