"""The doing: observe, wait, retry, journal, lock, execute; the engine that other tools call; the command line.

One coordinator owns all state of a run; a pool only makes calls; whoever waits holds no worker. With an inline pool
and a manual clock the same code runs in one thread, in a fixed order, in no time: that is how it is tested.

The names of `__all__` are for other tools, and are imported when they are first used, since the command line, which
lives in this package too, must start without boto3; the rest is private.
"""

from typing import TYPE_CHECKING

from plans.lazily import lazily

if TYPE_CHECKING:
    from reconciler.engine import Reconciler
    from reconciler.files import build, load
    from reconciler.hooks import OnPlan
    from reconciler.journal import History
    from reconciler.lock import Freed
    from reconciler.retry import InlinePool
    from reconciler.revisions import Pruning
    from reconciler.settings import Settings
    from reconciler.telling import OnEvent

__all__ = [
    "Freed",
    "History",
    "InlinePool",
    "OnEvent",
    "OnPlan",
    "Pruning",
    "Reconciler",
    "Settings",
    "build",
    "load",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "engine": ("Reconciler",),
        "files": ("build", "load"),
        "hooks": ("OnPlan",),
        "journal": ("History",),
        "lock": ("Freed",),
        "retry": ("InlinePool",),
        "revisions": ("Pruning",),
        "settings": ("Settings",),
        "telling": ("OnEvent",),
    },
)
