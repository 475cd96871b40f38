"""The doing: observe, wait, retry, journal, lock, execute; the engine that other tools call; the command line.

One coordinator owns all state of a run; a pool only makes calls; whoever waits holds no worker. With an inline pool
and a manual clock the same code runs in one thread, in a fixed order, in no time: that is how it is tested.

The names below are for other tools. They are imported when they are first used, since the command line, which lives
in this package too, must start without boto3.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.engine import Reconciler, Settings
    from reconciler.files import load

__all__ = ["Reconciler", "Settings", "load"]

_HOMES = {"Reconciler": "reconciler.engine", "Settings": "reconciler.engine", "load": "reconciler.files"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
