"""How a reconciler works, as far as whoever makes one may say."""

from collections.abc import Callable
from pathlib import Path

import attrs

from providers.errors import LockLost
from reconciler.lock import Place, place


@attrs.frozen
class Settings:
    """How a reconciler works.

    `timeout` caps the wait for every goal but for a job, in seconds; `max_api_rate` is calls a second. `state` is
    the folder of journals and locks; None keeps neither on disk. `lock` is a place of locks, which may be written as on
    the command line; under `none` everything is looked at again right before it is changed. `counting`: jobs that a
    plan disturbs are counted even where no deletion hangs on it. `estimating`: a plan is played on a model of the
    account, which tells how long it will take, and an apply where it went another way. `fence` is asked beside the lock
    before each call that changes something; what it answers ends the run.
    """

    parallelism: int = 8
    max_api_rate: float = 10.0
    timeout: float | None = None
    lock: Place = attrs.field(default=Place(), converter=place)
    state: Path | None = None
    counting: bool = True
    estimating: bool = True
    fence: Callable[[], LockLost | None] | None = None
