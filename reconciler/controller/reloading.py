"""A controller whose configuration is read anew while it runs: it ends where it may, and begins again with the new one.

Nothing of what it held in memory is needed for that: after a start all of it is seen again.
"""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future

import attrs

from providers.errors import BatchwrightError
from reconciler.controller.configuration import Configuration
from reconciler.controller.logs import Log

Begin = Callable[[Configuration, "Future[int]", Callable[[], None]], None]
"""Runs a controller until the future is done, with a signal's number; calls the last as soon as it serves."""


@attrs.define(eq=False)
class Reloading:
    """`read` gives the configuration as it is now, or raises what is wrong with it; `stop` ends it for good."""

    read: Callable[[], Configuration]
    begin: Begin
    stop: "Future[int]"
    log: Log
    _now: Configuration | None = attrs.field(init=False, default=None)
    _next: Configuration | None = attrs.field(init=False, default=None)
    _ending: "Future[int]" = attrs.field(init=False, factory=Future)
    _guard: threading.Lock = attrs.field(init=False, factory=threading.Lock)

    def ask(self) -> None:
        """Read the configuration anew, from any thread but that of `run`. One that has faults is not taken."""
        try:
            found = self.read()
        except BatchwrightError as error:
            self.log.error("configuration not taken", error=str(error))
            return
        except Exception as error:
            # Whoever hears the signal is to hear the next one too.
            self.log.error("configuration not taken", exc_info=error)
            return
        with self._guard:
            same = found == (self._next or self._now)
            if not same:
                self._next = found
        self.log.info("configuration unchanged" if same else "configuration read")
        if not same:
            self._end(signal.SIGHUP)

    def run(self, first: Configuration) -> None:
        """Run until `stop`. Raises what `begin` does, save where one that was read anew cannot be begun with: then it
        goes on with the one before."""
        self.stop.add_done_callback(lambda stop: self._end(stop.result()))
        now, before = first, list[Configuration]()
        while not self.stop.done():
            now, ending = self._turn(now)
            try:
                self.begin(now, ending, before.clear)
            except BatchwrightError as error:
                if not before or now == before[0]:
                    raise
                self.log.error("configuration not begun with", error=str(error))
                (now,) = before
            else:
                before = [now]

    def _turn(self, now: Configuration) -> "tuple[Configuration, Future[int]]":
        """What to begin with, the newest that was read, and what is done when that is to end."""
        with self._guard:
            now, self._next = self._next or now, None
            self._now, self._ending = now, Future()
            ending = self._ending
        if self.stop.done():
            self._end(self.stop.result())
        return now, ending

    def _end(self, number: int) -> None:
        with self._guard:
            if not self._ending.done():
                self._ending.set_result(number)
