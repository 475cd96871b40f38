"""What the loop tells those who come in by HTTP, and takes from them: a `Desk`.

What is read is what the loop said last; what is asked for is posted to it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from providers.clock import Clock
from providers.errors import StalePlan
from reconciler.controller.loop import GRACE, Held, Loop
from reconciler.controller.status import Status
from reconciler.store import Approval, Store


@attrs.frozen
class Front:
    """A `Desk` at a loop."""

    loop: Loop
    store: Store
    clock: Clock

    def statuses(self) -> Sequence[Status]:
        return [self.loop.held[name].status for name in sorted(self.loop.held)]

    def status(self, stack: str) -> Status | None:
        held = self.loop.held.get(stack)
        return held.status if held is not None else None

    def runs(self, stack: str, limit: int) -> Sequence[Mapping[str, Any]]:
        return [attrs.asdict(run) for run in self.store.runs(stack, limit=limit)]

    def plan(self, stack: str) -> Mapping[str, Any] | None:
        told = self._held(stack).status.plan
        return None if told is None else self.store.plan(told)

    def approve(self, stack: str, plan: str, who: str) -> None:
        self._is_at_hand(stack, plan)
        self.store.approve(Approval(stack, plan, who, self.clock.now()))
        self.look(stack, who)

    def look(self, stack: str, who: str) -> None:
        held = self._held(stack)
        self.loop.post(lambda: self.loop.ask(held, self.clock.now()))

    def suspend(self, stack: str, suspended: bool, who: str) -> None:
        held = self._held(stack)
        self.store.suspend(stack, who if suspended else None, self.clock.now())
        self.loop.post(partial(self.loop.suspended, held, who if suspended else None))

    def override(self, stack: str, plan: str, who: str) -> None:
        self._is_at_hand(stack, plan)
        held = self._held(stack)

        def let() -> None:
            held.override = plan
            self.loop.ask(held, self.clock.now())

        self.loop.post(let)

    def hint(self, source: str) -> None:
        self.loop.post(partial(self.loop.hinted, source))
