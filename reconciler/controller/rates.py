"""How often something may happen. Pure: the time comes in."""

import attrs


@attrs.frozen
class Rate:
    """`often` a second in the long run, and `burst` at once."""

    often: float
    burst: float


@attrs.define
class Bucket:
    """A token bucket, full at first. For one thread."""

    rate: Rate
    _left: float = attrs.field(init=False)
    _at: float | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._left = self.rate.burst

    def take(self, now: float) -> float:
        """0 where it may happen now, which takes one; else in how many seconds it may. A clock set back gives none."""
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._left = min(self.rate.burst, self._left + passed * self.rate.often)
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self.rate.often
