"""A lock for many machines: a lease in S3 or DynamoDB that is renewed while its holder lives.

A record says who holds it, until when, and a random token of the run. It is only ever written over where it still is
what was seen, so that of two who would take it one does. A holder who dies renews it no more, and once its term is over
the next one takes it over.

The end of a term is written, and judged, by the clock of the service, as the answer to the look just before tells it:
it does not matter what the clocks of the holders read. What the holder itself goes by is how long ago, by its own
clock, it began the look after which it wrote last: the term began no earlier, so that the holder thinks it over before
anybody else does.

AWS Batch takes no number of a lock with its calls. So a call that changes something goes out only where the lease
lasts for sure until the call has been answered or given up; a process that is halted between the two, for longer than
that, is the one thing that nobody can see to. The `number` grows with every taking, and tells runs apart in order.
"""

import json
import os
import random
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import attrs

from providers.clock import Clock
from providers.errors import BatchwrightError, CallError, LockHeld, LockLost, Rejected, StoreError, Throttled
from providers.shelves import Kept, Shelf
from reconciler.lock import Holder, moment

TERM = 120.0
"""Seconds for which a lease lasts after it was renewed."""

_RENEWED = TERM / 3
_CALL = 40.0
"""Seconds within which a call has been answered or given up: five to connect, thirty to be answered, and some."""

_PATIENCE = 20.0
_AGAIN = 5.0
_TURNS = 3

T = TypeVar("T")


@attrs.frozen
class Record:
    """What is kept: times are the service's, in seconds since the epoch; `released` once nobody holds it any more."""

    holder: Holder
    token: str
    number: int
    renewed: float
    expires: float
    released: bool = False

    @property
    def text(self) -> str:
        said = attrs.asdict(self, filter=lambda field, _value: field.name != "holder")
        return json.dumps({**attrs.asdict(self.holder), **said})

    @classmethod
    def read(cls, kept: Kept, place: str) -> Self | None:
        """The record that a look showed, None where there is none; StoreError where there is something else."""
        if kept.text is None:
            return None
        try:
            said: dict[str, Any] = json.loads(kept.text)
            who = {name: str(said[name]) for name in ("host", "doing", "machine")}
            holder = Holder(pid=int(said["pid"]), since=float(said["since"]), **who)
            renewed, expires = float(said["renewed"]), float(said["expires"])
            record = cls(holder, str(said["token"]), int(said["number"]), renewed, expires, bool(said["released"]))
            str(record)
        except (ValueError, TypeError, LookupError, OverflowError, OSError, RecursionError):
            message = f"{place} holds something that is no lock of ours"
            raise StoreError(message, hint="look what that is, or give --lock another key") from None
        return record

    def held(self, at: float) -> bool:
        return not self.released and at < self.expires

    def __str__(self) -> str:
        return f"{self.holder}, until {moment(self.expires)} if it is not renewed"


@attrs.define(eq=False)
class Lease:
    """A lock on a shelf; `place` is its name in messages.

    `clock` is real time, by which nothing but durations is told. `token` is this run's alone. What happens to the lock
    is told to `tell` in words.
    """

    shelf: Shelf
    place: str
    holder: Holder
    token: str
    clock: Clock
    rng: random.Random
    tell: Callable[[str], None]
    looks: bool = attrs.field(default=False, init=False)
    _from: Record | None = attrs.field(default=None, init=False)
    _began: float = attrs.field(default=0.0, init=False)
    _due: float = attrs.field(default=0.0, init=False)
    _lost: LockLost | None = attrs.field(default=None, init=False)

    # Taking.

    def __enter__(self) -> Self:
        self._insist(self._take, self.clock.now() + _PATIENCE)
        if self._from is not None:
            self.tell(f"taken over from {self._from.holder}, whose term was over at {moment(self._from.expires)}")
        return self

    def _take(self) -> None:
        """Take it. Of a write whose answer was lost the token tells that it was done."""
        for _ in range(_TURNS):
            began, kept = self._looked()
            there = Record.read(kept, self.place)
            own = there is not None and there.token == self.token and not there.released
            if there is not None and not own:
                if there.held(kept.at):
                    raise self._held(there)
                self._from = None if there.released else there
            number = (0 if there is None else there.number) + (not own)
            holder = attrs.evolve(self.holder, since=kept.at)
            record = Record(holder, self.token, number, kept.at, kept.at + TERM)
            if self.shelf.write(record.text, kept.version):
                self._ours(began)
                self._probe(record)
                return
        raise LockHeld(f"others are taking the lock {self.place} at this moment", hint="try again")

    def _probe(self, record: Record) -> None:
        try:
            self.shelf.probe(record.text)
        except Rejected:
            self._rewrite(released=True)
            raise

    def _held(self, there: Record) -> LockHeld:
        return LockHeld(
            f"another run holds the lock: {there}",
            hint="its process is no more: batchwright unlock removes what it left"
            if self._gone(there.holder)
            else f"wait until it has ended; of one that has died the lock {self.place} is free at that time",
        )

    # Keeping.

    def rest(self) -> float | None:
        return None if self._lost else max(0.0, self._due - self.clock.now())

    def tend(self) -> None:
        if self.rest() != 0.0:
            return
        try:
            self._renew()
        except BatchwrightError as error:
            self._due = self.clock.now() + _AGAIN
            self.tell(f"could not be renewed, and will be tried again: {error}")

    def lost(self) -> LockLost | None:
        """A clock that was set back makes it unsure, as time that has passed does, also while it was renewed.

        Once the term is over, as after a long approval, it is tried for as long as it was to be taken: who else took it
        meanwhile is found out all the same. A clock that was set back makes that no longer.
        """
        while self._lost is None and not 0.0 <= (passed := self.clock.now() - self._began) <= TERM - _CALL:
            try:
                self._insist(self._renew, self.clock.now() + min(_CALL, max(_PATIENCE, TERM - passed)))
            except BatchwrightError as error:
                self._lose(f"the lock could not be renewed in time: {error}")
        return self._lost

    def _renew(self) -> None:
        """Write it anew where it is ours still, though its term be over."""
        self._rewrite(released=False)

    def _rewrite(self, *, released: bool) -> None:
        for _ in range(_TURNS):
            began, kept = self._looked()
            there = Record.read(kept, self.place)
            if there is None or there.released or there.token != self.token:
                break
            record = attrs.evolve(there, renewed=kept.at, expires=kept.at + TERM, released=released)
            if self.shelf.write(record.text, kept.version):
                self._ours(began)
                return
        else:
            raise Throttled(f"others write to the lock {self.place} at this moment")
        if there is None:
            self._lose(f"somebody removed the lock {self.place}")
        elif there.token == self.token:
            self._lose("somebody freed the lock with `batchwright unlock`")
        else:
            self._lose(f"the lock was taken over by {there.holder}")

    def _lose(self, message: str) -> None:
        self._lost = LockLost(message, hint="see what the other run did, and run the same command again")
        self.tell(f"lost: {message}")

    # Letting go.

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release it, so that the number stays; what cannot be released ends by itself, and that is told."""
        if self._lost is not None:
            return
        try:
            self._insist(lambda: self._rewrite(released=True), self.clock.now() + _AGAIN)
        except BatchwrightError as failure:
            self.tell(f"could not be released, and ends by itself within {TERM:.0f} s: {failure}")

    def free(self) -> Holder | None:
        return self._insist(self._free, self.clock.now() + _PATIENCE)

    def _free(self) -> Holder | None:
        for _ in range(_TURNS):
            _, kept = self._looked()
            there = Record.read(kept, self.place)
            if there is None or there.released:
                return None
            if there.held(kept.at) and not self._gone(there.holder):
                raise LockHeld(
                    f"the lock {self.place} is held: {there}",
                    hint="wait until it has ended; of one that has died it is free at that time",
                )
            if self.shelf.write(attrs.evolve(there, released=True).text, kept.version):
                return there.holder
        raise LockHeld(f"others are taking the lock {self.place} at this moment", hint="look again")

    def _gone(self, other: Holder) -> bool:
        """Whether a holder is a process of this very system that is no more."""
        if not self.holder.machine or other.machine != self.holder.machine:
            return False
        try:
            os.kill(other.pid, 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        return False

    # How it is done.

    def _looked(self) -> tuple[float, Kept]:
        """When a look began, and what it showed."""
        began = self.clock.now()
        return began, self.shelf.read()

    def _ours(self, began: float) -> None:
        self._began, self._due = began, began + _RENEWED

    def _insist(self, do: Callable[[], T], until: float) -> T:
        """Do it, and again while it fails in a way that passes, once more at `until`, and no longer."""
        pause = 1.0
        while True:
            try:
                return do()
            except CallError as error:
                now = self.clock.now()
                if not error.retryable or now >= until:
                    raise
                self.clock.sleep(min(self.rng.uniform(pause / 2, pause), until - now))
                pause = min(2 * pause, _AGAIN)
