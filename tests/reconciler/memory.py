"""A service that keeps one text and tells its own time, in memory: what leases are tried on by the second."""

from collections.abc import Callable

import attrs

from providers.clock import ManualClock
from providers.errors import AnswerLost, CallError
from providers.shelves import Kept

Before = Callable[[], object]


@attrs.define(eq=False)
class Memory:
    """A shelf whose clock is `clock` and `skew`.

    `failures` are raised by the next calls, one each, None being a call that works; where a write is lost (AnswerLost)
    it was done. `meanwhile` happens right before the next write, `written` right after the next that was done.
    """

    clock: ManualClock
    skew: float = 0.0
    text: str | None = None
    version: int = 0
    failures: list[CallError | None] = attrs.field(factory=list)
    meanwhile: list[Before] = attrs.field(factory=list)
    written: list[Before] = attrs.field(factory=list)
    calls: int = 0
    probes: int = 0

    def read(self) -> Kept:
        self._called()
        version = None if self.text is None else str(self.version)
        return Kept(self.text, version, float(int(self.clock.now() + self.skew)))

    def write(self, text: str, seen: str | None) -> bool:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        lost = None
        try:
            self._called()
        except AnswerLost as error:
            lost = error
        if seen != (None if self.text is None else str(self.version)):
            return False
        self.text, self.version = text, self.version + 1
        if self.written:
            self.written.pop(0)()
        if lost is not None:
            raise lost
        return True

    def probe(self, text: str) -> None:
        assert text == self.text
        self.probes += 1

    def _called(self) -> None:
        self.calls += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
