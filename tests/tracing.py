"""Coverage's tracer is taken away from what other tests measure: without it that takes half as long."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def unmeasured(function: Callable[P, T]) -> Callable[P, T]:
    """The function, of whose lines none is counted, nor of those that it calls.

    pytest-cov has `no_cover` for a test, which does nothing in a worker of pytest-xdist.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(tracer)
            _noticed()

    return call


def _noticed() -> None:
    """A tracer that was put back hears of nothing, the end of its caller included, before the next call."""
