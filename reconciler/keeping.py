"""What runs keep: a lock and a journal for each account, region and stack, or nothing at all.

Journals lie on this machine; so do locks, unless they are a bucket's or a table's.
"""

import os
import random
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import attrs

from plans.plan import TOKEN, Plan
from providers.clock import Clock, SystemClock
from providers.errors import InputError, Unreachable
from providers.shelves import Bucket, Shelf, Table
from reconciler.journal import History, Journal, key, read
from reconciler.leases import Lease
from reconciler.lock import FileLock, Holder, Lock, NoLock, Place


def _no_client(service: str) -> Any:
    raise InputError(f"there is no client of {service}")


def _in_silence(_message: str) -> None:
    pass


def _machine() -> str:
    """What tells apart the systems in which one process can see another; empty where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


@attrs.frozen
class Keeping:
    """Where the runs of one endpoint and region keep what they keep; None as `folder`: nowhere.

    `place` says where locks are. `client` gives the client of a service, for the locks that are kept in one; `clock` is
    real time, and `rng` draws the token of a run.
    """

    folder: Path | None
    endpoint: str | None
    region: str
    place: Place = Place()
    client: Callable[[str], Any] = _no_client
    clock: Clock = attrs.field(factory=SystemClock)
    rng: random.Random = attrs.field(factory=random.Random, repr=False)

    @property
    def by_account(self) -> bool:
        """Whether it takes the account to tell apart what is kept."""
        return self.folder is not None or self.place.shared

    def lock(
        self,
        account: str | None,
        stack: str,
        now: float,
        doing: str = "apply",
        tell: Callable[[str], None] = _in_silence,
    ) -> Lock:
        """The lock of a stack, held from `now`, in seconds of the epoch, by who is `doing` something.

        What happens to it is told to `tell`. Raises a CallError where its service cannot be reached from here.
        """
        holder = Holder(socket.gethostname(), os.getpid(), now, doing, _machine())
        match self.place.service:
            case "none":
                return NoLock(looks=True)
            case "file" if self.folder is not None:
                return FileLock(self._file(self.folder, account, stack, "lock"), holder)
            case "file":
                return NoLock()
        key = f"{self.place.key}/{account or 'unknown-account'}/{self.region}/{stack or 'no-stack'}"
        place = f"{self.place.service}://{self.place.container}/{key}"
        token = f"{self.rng.getrandbits(128):032x}"
        return Lease(self._shelf(key), place, holder, token, self.clock, self.rng, tell)

    def _shelf(self, key: str) -> Shelf:
        service = self.place.service
        try:
            client = self.client(service)
        except Unreachable as error:
            name = "S3" if service == "s3" else "DynamoDB"
            raise InputError(
                f"the lock {self.place} cannot be reached: {error.message or 'the simulator has AWS Batch only'}",
                hint=f"set AWS_ENDPOINT_URL_{service.upper()} to the {name} that is to keep it, or take --lock file",
            ) from error
        return (Bucket if service == "s3" else Table)(client, self.place.container, key)

    def journal(self, account: str | None, stack: str) -> AbstractContextManager[Journal]:
        """The journal of a stack, to be written."""
        if self.folder is None:
            return nullcontext(Journal(lambda _line: None))
        return Journal.open(self._file(self.folder, account, stack, "journal.jsonl"))

    def history(self, account: str | None, stack: str) -> History:
        """What the journal of a stack holds; raises StoreError where it cannot be read."""
        if self.folder is None:
            return History()
        return read(self._file(self.folder, account, stack, "journal.jsonl"))

    def tokens(self, plan: Plan, account: str | None) -> Mapping[tuple[str, str], str]:
        """The client tokens that earlier runs sent and do not know the end of, if this plan sends any."""
        sends = any(TOKEN in step.arguments.values() for step in plan.steps)
        return self.history(account, plan.stack).tokens if sends else {}

    def _file(self, folder: Path, account: str | None, stack: str, suffix: str) -> Path:
        return folder / f"{key(account, self.endpoint, self.region, stack)}.{suffix}"
