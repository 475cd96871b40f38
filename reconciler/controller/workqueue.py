"""Which key is due, and which is in work: the queue of client-go, with times in place of delays. Pure.

A key is in work once at a time. Of what is asked for it the earliest counts, and what is asked while it is in work
counts when that is done. Who has been due for longest is first, so that one that comes back again and again is behind
all that waited meanwhile.
"""

import heapq
import random
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

import attrs

K = TypeVar("K", bound=Hashable)

LONGEST_BACK_OFF = 900.0
_MOST_DOUBLINGS = 30


@attrs.define(eq=False)
class WorkQueue(Generic[K]):
    """Every action takes a time that grows with the logarithm of the keys, on the whole.

    Entries of the heap that are no longer true stay until they come to its top, or outnumber those that are.
    """

    _due: dict[K, tuple[float, int]] = attrs.field(factory=dict, init=False)
    _heap: list[tuple[float, int, K]] = attrs.field(factory=list, init=False)
    _numbers: "count[int]" = attrs.field(factory=count, init=False)
    _at_work: set[K] = attrs.field(factory=set, init=False)
    _asked: dict[K, float] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        """How many keys wait, in work or not."""
        return len(self._due) + len(self._asked)

    def ask(self, key: K, at: float) -> None:
        """Have a key taken from `at` on; an earlier time that it was asked for stands."""
        if key in self._at_work:
            self._asked[key] = min(at, self._asked.get(key, at))
        elif key not in self._due or at < self._due[key][0]:
            self._due[key] = at, next(self._numbers)
            heapq.heappush(self._heap, (*self._due[key], key))
            self._tidy()

    def take(self, now: float) -> K | None:
        """The key that has been due for longest, which is in work from then on; None where none is due."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        self._at_work.add(key)
        return key

    def done(self, key: K) -> None:
        """A key is no longer in work; what was asked for it meanwhile counts from now on."""
        self._at_work.discard(key)
        asked = self._asked.pop(key, None)
        if asked is not None:
            self.ask(key, asked)

    def drop(self, key: K) -> None:
        """Forget what was asked for a key; where it is in work it stays so until it is done."""
        self._due.pop(key, None)
        self._asked.pop(key, None)
        self._tidy()

    def at_work(self, key: K) -> bool:
        return key in self._at_work

    def next_due(self) -> float | None:
        """When the next key is due that is not in work; None where none waits."""
        while self._heap and not self._true(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _true(self, entry: tuple[float, int, K]) -> bool:
        at, number, key = entry
        return self._due.get(key) == (at, number)

    def _tidy(self) -> None:
        """Keep the heap within twice its keys: each sweep is paid for by what made it needed."""
        if len(self._heap) > 2 * len(self._due) + 16:
            self._heap = [entry for entry in self._heap if self._true(entry)]
            heapq.heapify(self._heap)


def back_off(failures: int, base: float, rng: random.Random, cap: float = LONGEST_BACK_OFF) -> float:
    """Seconds to wait after so many failures in a row: twice as long each time up to a cap, of which half is diced.

    A base that is longer than the cap is the cap.
    """
    whole = min(max(cap, base), base * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS))
    return whole * rng.uniform(0.5, 1.0)


def jittered(interval: float, rng: random.Random) -> float:
    """An interval give or take a tenth, so that what began together spreads out."""
    return interval * rng.uniform(0.9, 1.1)
