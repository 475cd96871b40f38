"""What the loop tells those who come in by HTTP, and takes from them: a `Desk`.

What is read is what the loop said last; what is asked for is posted to it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from providers.clock import Clock
from providers.errors import LockHeld, StalePlan, UnknownStack
from reconciler.controller.agenda import Held
from reconciler.controller.flight import GRACE
from reconciler.controller.logs import Log
from reconciler.controller.loop import Loop
from reconciler.controller.status import Status
from reconciler.store import Approval, Override, Store

OVERRIDDEN = 86400.0
"""Seconds for which a plan may begin outside the windows once somebody said so."""


@attrs.frozen
class Front:
    """A `Desk` at a loop. Whoever does not lead takes nothing in."""

    loop: Loop
    store: Store
    clock: Clock
    log: Log

    def statuses(self) -> Sequence[Status]:
        return [self.loop.agenda.held[name].status for name in sorted(self.loop.agenda.held)]

    def status(self, stack: str) -> Status | None:
        held = self.loop.agenda.held.get(stack)
        return None if held is None else held.status

    def runs(self, stack: str, limit: int) -> Sequence[Mapping[str, Any]]:
        self._held(stack)
        return [attrs.asdict(run) for run in self.store.runs(stack, limit=limit)]

    def plan(self, stack: str) -> Mapping[str, Any] | None:
        told = self._held(stack).status.plan
        return None if told is None else self.store.plan(told)

    def approve(self, stack: str, plan: str, who: str) -> None:
        held = self._to_be_changed(stack, plan)
        self.store.approve(Approval(stack, plan, who, self.clock.now()))
        self.log.info("approved", stack=stack, plan=plan, who=who)
        self.loop.post(partial(self.loop.outcomes.approve, held, plan))

    def look(self, stack: str, who: str) -> None:
        held = self._to_be_changed(stack)
        self.log.info("asked for a look", stack=stack, who=who)
        self.loop.post(partial(self.loop.outcomes.look_soon, held))

    def suspend(self, stack: str, suspended: bool, who: str) -> None:
        held, by = self._to_be_changed(stack), who if suspended else None
        self.store.suspend(stack, by, self.clock.now())
        self.log.info("suspended" if suspended else "resumed", stack=stack, who=who)
        self.loop.post(partial(self.loop.outcomes.suspend, held, by))

    def override(self, stack: str, plan: str, who: str) -> None:
        held, now = self._to_be_changed(stack, plan), self.clock.now()
        given = Override(stack, plan, who, now, now + OVERRIDDEN)
        self.store.override(given)
        self.log.info("windows overridden", stack=stack, plan=plan, who=who)
        self.loop.post(partial(self.loop.outcomes.override, held, given))

    def hint(self, source: str) -> None:
        self.loop.post(partial(self.loop.outcomes.fetch_soon, source))

    def alive(self) -> str | None:
        """Why a restart may help: the loop stands still, or a worker has been at one thing for too long.

        A store or a source that is away is no reason: a restart brings neither back.
        """
        still = self.clock.now() - self.loop.turned_at
        return f"the loop has stood still for {still:.0f} s" if still > GRACE else self.loop.late

    def ready(self) -> str | None:
        if self.loop.leading is None:
            return "another controller leads, or the store does not answer"
        # One that cannot be had is told by the status of its stacks; it keeps nobody from asking for that.
        sources = self.loop.agenda.sources.values()
        missing = sorted(source.name for source in sources if source.revision is None and source.failing is None)
        return f"not fetched yet: {', '.join(missing)}" if missing else None

    def _held(self, stack: str) -> Held:
        held = self.loop.agenda.held.get(stack)
        if held is None:
            raise UnknownStack(f"there is no stack {stack}")
        return held

    def _to_be_changed(self, stack: str, plan: str | None = None) -> Held:
        """A stack about which something is asked here; `plan` is what is taken for the one at hand.

        Raises LockHeld where another controller leads, which would not hear of it.
        """
        held = self._held(stack)
        if self.loop.leading is None:
            raise LockHeld("this controller does not lead", hint="ask the one that does: its /readyz answers 200")
        if plan is not None and held.status.plan != plan:
            raise StalePlan(
                f"plan {plan} of {stack} is not the one at hand, which is {held.status.plan or 'none'}",
                hint="look at the plan again",
            )
        return held
