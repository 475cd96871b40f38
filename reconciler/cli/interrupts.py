"""Ctrl-C and SIGTERM: while a run goes on they ask it to end; while it asks its user they end it at once. SIGHUP asks a
controller to read its configuration anew."""

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
    from queue import SimpleQueue

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
def hearing(asked: Callable[[], None]) -> Iterator[None]:
    """Within this SIGHUP calls `asked`, in a thread of its own; signals that come meanwhile are one."""
    from queue import SimpleQueue

    # A handler runs in the middle of anything, even of another one: this is all that may be called there.
    heard: SimpleQueue[bool] = SimpleQueue()

    def listen() -> None:
        while _newest(heard):
            asked()

    listening = threading.Thread(target=listen, name="hearing", daemon=True)
    listening.start()
    try:
        with _handled(lambda _number, _frame: heard.put(True), signal.SIGHUP):
            yield
    finally:
        heard.put(False)
        listening.join(_MOMENT)


def _newest(heard: "SimpleQueue[bool]") -> bool:
    """Wait for what is heard; of several the last."""
    found = heard.get()
    while found and not heard.empty():
        found = heard.get()
    return found


@contextmanager
def _handled(handler: Callable[[int, Any], None], *numbers: signal.Signals) -> Iterator[None]:
    """Within this these signals, or those that end a process, call the handler."""
    before = {number: signal.signal(number, handler) for number in numbers or (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
