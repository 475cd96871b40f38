"""What the store is yet to be told. It is told again until it was: a store that is away holds up nobody."""

from collections.abc import Callable, Hashable

import attrs

from providers.errors import StoreError, UnknownRun
from reconciler.controller.logs import Log

_PAUSE = 3.0


@attrs.define(eq=False)
class Notes:
    """Writes by their key: of two with the same the later counts, since it says all that the earlier did."""

    log: Log
    _left: dict[Hashable, Callable[[], object]] = attrs.field(factory=dict, init=False)
    _own: set[Hashable] = attrs.field(factory=set, init=False)
    _again_at: float = attrs.field(default=0.0, init=False)

    def __len__(self) -> int:
        return len(self._left)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._left

    def put(self, key: Hashable, write: Callable[[], object], *, own: bool = False) -> None:
        """Have something written; `write` may be called several times, and raises StoreError.

        `own`: nobody else knows, whoever leads.
        """
        self._left.pop(key, None)
        self._left[key] = write
        if own:
            self._own.add(key)

    def drop(self) -> None:
        """Another one tells the store from now on, save what is our own."""
        self._left = {key: write for key, write in self._left.items() if key in self._own}

    def tell(self, now: float, *, at_once: bool = False) -> None:
        """Write what is left, up to the first that fails, which is the last one next time; not right after a failure,
        unless it is to be `at_once`.

        What is of a run that the store has no more is given up.
        """
        if now < self._again_at and not at_once:
            return
        while self._left:
            key = next(iter(self._left))
            write = self._left.pop(key)
            try:
                write()
            except UnknownRun as error:
                # It ended long ago, as somebody else told, and went with what is old.
                self.log.warning("given up", error=str(error))
            except StoreError as error:
                self._left[key], self._again_at = write, now + _PAUSE
                self.log.error("store failed", error=str(error), left=len(self._left))
                return
            except Exception as error:
                self.log.error("unexpected", exc_info=error)
            self._own.discard(key)
