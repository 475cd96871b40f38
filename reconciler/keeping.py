"""What runs keep on this machine: a lock and a journal for each account, region and stack, or nothing at all."""

import os
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import attrs

from plans.plan import TOKEN, Plan
from reconciler.journal import History, Journal, key, read
from reconciler.lock import FileLock, Holder, NoLock


@attrs.frozen
class Keeping:
    """Where the runs of one endpoint and region keep what they keep; None as `folder`: nowhere.

    `locking` says whether other runs on this machine are kept out.
    """

    folder: Path | None
    endpoint: str | None
    region: str
    locking: bool = True

    def lock(self, account: str | None, stack: str, now: float) -> FileLock | NoLock:
        """The lock of a stack, held from `now`, in seconds of the epoch."""
        if self.folder is None or not self.locking:
            return NoLock()
        return FileLock(
            self._file(self.folder, account, stack, "lock"), Holder(socket.gethostname(), os.getpid(), now, "apply")
        )

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
