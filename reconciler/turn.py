"""A run's turn at a stack: under its lock look, ask, look again where that took long, and write down what is done."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, Protocol, TypeVar

import attrs

from providers.clock import Clock
from providers.errors import LockHeld, NotConfirmed
from reconciler.journal import Journal
from reconciler.keeping import Keeping
from reconciler.lock import Lock
from reconciler.task import Task

_MOMENT = 10.0
"""Seconds for which a plan that was shown counts as fresh; whoever thinks longer about it has the world read again."""


class Told(Protocol):
    """What was looked at tells the account, None where nothing did."""

    @property
    def account(self) -> str | None: ...


Seen = TypeVar("Seen", bound=Told)


@attrs.frozen
class Turn(Generic[Seen]):
    """The lock is held, and this was `seen` under it. `account` is what STS told; `wall` is the time of whoever
    approves."""

    seen: Seen
    lock: Lock
    account: str | None
    stack: str
    _keeping: Keeping
    _wall: Clock

    def approved(
        self, shown: Seen, approve: Callable[[Seen], bool], again: Callable[[Seen], Seen], *, called: str
    ) -> Seen:
        """What was shown, or what `again` makes of it where approval took longer than a moment; raises NotConfirmed."""
        began = self._wall.now()
        if not approve(shown):
            raise NotConfirmed(f"{called} was not approved; nothing was changed")
        return again(shown) if self._wall.now() - began > _MOMENT else shown

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal, to be written from now on; raises LockHeld where the lock was lost by now."""
        _still_ours(self.lock)
        with self._keeping.journal(self.account, self.stack) as journal:
            yield journal


@contextmanager
def taken(
    task: Task, keeping: Keeping, lock_of: Callable[[str | None], Lock], wall: Clock, look: Callable[[], Seen]
) -> Iterator[Turn[Seen]]:
    """Take the lock of a task's stack in its account, and `look`.

    Whoever was told the account holds the lock of it, where what is there told it and STS did not; in place of the one
    that was held till then. It is held until no call is in flight. Raises LockHeld, and what `look` raises.
    """
    account = task.account() if keeping.by_account else None
    with ExitStack() as locks:
        lock = locks.enter_context(lock_of(account))
        seen = look()
        if account is None and seen.account is not None and keeping.by_account:
            with locks.pop_all():
                lock = locks.enter_context(lock_of(seen.account))
            seen = look()
        try:
            yield Turn(seen, lock, account, task.manifest.stack, keeping, wall)
        finally:
            task.caller.settle()


def _still_ours(lock: Lock) -> None:
    """Raise LockHeld where a lock was lost while somebody was asked."""
    lost = lock.lost()
    if lost is not None:
        raise LockHeld(f"{lost.message}; nothing was changed", hint=lost.hint)
