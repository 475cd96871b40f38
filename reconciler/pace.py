"""How fast calls may go to one account and region: one pace for all who call there.

A token bucket of one second's worth, `max_rate` calls a second at most. A throttle halves the rate, which then climbs
back in a straight line (additive increase, multiplicative decrease, as in RFC 5681).
"""

import threading

import attrs

_SLOWEST = 0.5
_RECOVERY = 30.0


@attrs.define(eq=False)
class Pace:
    """When the next call may start, as the theoretical arrival time of a token bucket; all in clock seconds.

    Several coordinators may share one, each in a thread of its own.
    """

    max_rate: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    arrival: float = attrs.field(default=0.0, init=False)
    cut_at: float | None = attrs.field(default=None, init=False)
    cut_to: float = attrs.field(default=0.0, init=False)
    _guard: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def rate(self, now: float) -> float:
        if self.cut_at is None:
            return self.max_rate
        return min(self.max_rate, self.cut_to + (now - self.cut_at) * self.max_rate / _RECOVERY)

    def free_at(self) -> float:
        return self.arrival - max(0.0, 1.0 - 1.0 / self.max_rate)

    def spend(self, now: float) -> None:
        with self._guard:
            self.arrival = max(self.arrival, now) + 1.0 / self.rate(now)

    def cut(self, started: float, now: float) -> None:
        """Halve the rate and empty the bucket, unless the throttled attempt started before the last cut."""
        with self._guard:
            if self.cut_at is not None and started <= self.cut_at:
                return
            self.cut_at, self.cut_to = now, min(self.max_rate, max(_SLOWEST, self.rate(now) / 2))
            self.arrival = max(self.arrival, now + 1.0)
