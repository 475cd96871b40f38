"""Ctrl-C and SIGTERM: while a run goes on they ask it to end; while it asks its user they end it at once."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from providers.errors import Interrupted
from reconciler.cli.terminal import is_terminal

if TYPE_CHECKING:
    from concurrent.futures import Future

_MOMENT = 0.1
_SHOW_CURSOR = b"\x1b[?25h\n"


@contextmanager
def interruptible() -> "Iterator[Future[int]]":
    """A future that the first SIGINT or SIGTERM completes with its number; a second one ends the process at once."""
    from concurrent.futures import Future

    stop: Future[int] = Future()
    asked: list[int] = []

    def ask(number: int, _frame: Any) -> None:
        if asked:
            if is_terminal(sys.stderr):
                # The live table has hidden it.
                os.write(2, _SHOW_CURSOR)
            os._exit(128 + number)
        asked.append(number)
        # In a thread of its own, since the main thread may hold the very lock that completing a future takes; where it
        # does not, the future is complete when the handler returns.
        completing = threading.Thread(target=stop.set_result, args=(number,), daemon=True)
        completing.start()
        completing.join(_MOMENT)

    with _handled(ask):
        yield stop


@contextmanager
def breaking(stop: "Future[int]") -> Iterator[None]:
    """Within this a signal raises Interrupted, as one that completed `stop` before does: for waiting on the user,
    where nothing is under way."""

    def end(number: int, _frame: Any) -> None:
        raise Interrupted("interrupted; nothing was changed", signal=number)

    with _handled(end):
        if stop.done():
            raise Interrupted("interrupted; nothing was changed", signal=stop.result())
        yield


@contextmanager
def _handled(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
