"""How a reconciler works, as far as whoever makes one may say."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import attrs

from providers.errors import InputError, LockLost
from reconciler.lock import Place, place


@attrs.frozen
class Settings:
    """How a reconciler works.

    `timeout` caps the wait for every goal but for a job, in seconds; `max_api_rate` is calls a second. `state` is
    the folder of journals and locks: `usual`, for which `Reconciler.connect` takes that of the command line; None keeps
    neither on disk, so that no other run is kept out. `lock` is a place of locks, which may be written as on
    the command line; under `none` everything is looked at again right before it is changed. `counting`: jobs that a
    plan disturbs are counted even where no deletion hangs on it. `estimating`: a plan is played on a model of the
    account, which tells how long it will take, and an apply where it went another way. `fence` is asked beside the lock
    before each call that changes something; what it answers ends the run. Raises InputError for a number with which
    nothing would ever be called.
    """

    parallelism: int = 8
    max_api_rate: float = 10.0
    timeout: float | None = None
    lock: Place = attrs.field(default=Place(), converter=place)
    state: Path | Literal["usual"] | None = "usual"
    counting: bool = True
    estimating: bool = True
    fence: Callable[[], LockLost | None] | None = None

    def __attrs_post_init__(self) -> None:
        if self.parallelism < 1:
            raise InputError(f"`parallelism` is {self.parallelism}, and is at least 1")
        for name, value in (("max_api_rate", self.max_api_rate), ("timeout", self.timeout)):
            if value is not None and not value > 0:
                raise InputError(f"`{name}` is {value}, and is more than 0")
        if isinstance(self.state, str) and self.state != "usual":
            raise InputError(f"`state` is {self.state!r}, and is a Path, None or 'usual'")

    @property
    def folder(self) -> Path | None:
        """Where journals and locks lie; None where nowhere, as long as nobody said what is usual."""
        return self.state if isinstance(self.state, Path) else None
