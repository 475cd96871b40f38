"""When a run may be ended by what is newer: never between two calls of which the first alone leaves things worse.

A run that is cut short is gone on with by the next one, but till then the world is as it was left. So it goes on where
a queue is without what ran its jobs, and where something was disabled that is to be enabled again or to go.
"""

import threading
from collections.abc import Collection
from concurrent.futures import Future

import attrs

from plans.change import Impact
from plans.plan import Plan, Step
from plans.report import Event
from reconciler.controller.conditions import Reason

NEWER = 15
"""What a run is told that gives way: SIGTERM, as a service is ended that may end in its own time."""


@attrs.define(eq=False)
class Yielding:
    """One run, and whether it may give way. `stop` is the future that ends it, `why` the words of who asked first, and
    `reason` what the stack is told to have come to by that.

    `take` is called by the run with each of its events, and so between two calls; `ask` and `end` by anybody.
    """

    plan: Plan
    stop: Future[int] = attrs.field(factory=Future)
    why: str = attrs.field(default="", init=False)
    reason: Reason = attrs.field(default="Interrupted", init=False)
    _begun: set[str] = attrs.field(factory=set, init=False)
    _ended: set[str] = attrs.field(factory=set, init=False)
    _guard: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def ask(self, why: str, reason: Reason = "Interrupted") -> None:
        """Let the run end at the next moment at which it may."""
        with self._guard:
            if not self.why:
                self.why, self.reason = why, reason
            self._end_if_safe()

    def end(self, why: str) -> None:
        """Let the run end now, since it may do nothing any more."""
        with self._guard:
            self.why = self.why or why
            if not self.stop.done():
                self.stop.set_result(NEWER)

    def take(self, event: Event) -> None:
        with self._guard:
            match event.event:
                case "started":
                    self._begun.add(event.step)
                case "finished" | "failed" | "retiring" | "skipped":
                    self._ended.add(event.step)
            if self.why:
                self._end_if_safe()

    def _end_if_safe(self) -> None:
        if not self.stop.done() and safe(self.plan, self._begun, self._ended):
            self.stop.set_result(NEWER)


def safe(plan: Plan, begun: Collection[str], ended: Collection[str]) -> bool:
    """Whether a run may end that has begun these steps, of which these have ended.

    It may not while a change that takes from a queue what it runs on is half done, nor while a step may come yet that
    puts right what others leave behind; but for a wait that may last, which the next run takes up where it was.
    """
    own: dict[str, list[Step]] = {}
    for step in plan.steps:
        own.setdefault(step.address, []).append(step)
    outages = {str(change.address) for change in plan.changes if change.impact is Impact.OUTAGE}
    for address, steps in own.items():
        called = any(step.id in begun for step in steps if step.call)
        going_on = any(step.id not in ended for step in steps)
        if address in outages and called and going_on:
            return False
        waits = any(_lasts(step) and step.id in begun and step.id not in ended for step in steps)
        if called and not waits and any(_may_come(step, begun, ended) for step in steps):
            return False
    return True


def _may_come(step: Step, begun: Collection[str], ended: Collection[str]) -> bool:
    """Whether a step that cleans up is under way, or will be told whether it is needed."""
    if step.when == "ok":
        return False
    return step.id not in ended if step.id in begun else any(before not in ended for before in step.after)


def _lasts(step: Step) -> bool:
    return step.goal is not None and step.goal.until in ("drained", "succeeded") and step.goal.deadline > 0
