"""Executors of other tools, in which the calls of a run may be made."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

import attrs

P = ParamSpec("P")
T = TypeVar("T")

Pool = Callable[[int], Executor]
"""Makes the executor of a run, for so many calls at once; it is shut down when the run is over."""


@attrs.frozen
class Lent(Executor):
    """An executor that belongs to somebody else: a run that is over leaves it open."""

    owner: Executor

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self.owner.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing: whoever calls sees to it that all its calls have ended."""
        del wait, cancel_futures


def pool_of(given: Pool | Executor) -> Pool:
    """What makes the executor of a run; one that is given is lent to each, however many calls it takes at once."""
    return (lambda _size: Lent(given)) if isinstance(given, Executor) else given
