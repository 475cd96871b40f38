"""Looking at what is waited for: the waiter says when and at what, and every look is a call like any other.

A look names what it asks for, or lists a whole kind page by page; what each waiting step sees of it is told.
"""

from collections.abc import Mapping
from functools import partial

import attrs

from providers.errors import BatchwrightError
from providers.provider import Page, Provider
from providers.resources import Live
from reconciler.retry import Caller, Done
from reconciler.telling import Running, Teller
from reconciler.waiter import Poll, Settled, Waiter


@attrs.define
class Looks:
    """The looks of a run; `steps` are its steps by id."""

    provider: Provider
    caller: Caller
    waiter: Waiter
    teller: Teller
    steps: Mapping[str, Running]
    _listed: dict[Poll, tuple[Live, ...]] = attrs.field(factory=dict, init=False)

    def take(self) -> None:
        """Take all looks that are due."""
        for poll in self.waiter.due(self.caller.clock.now()):
            if poll.keys is None:
                self._listed[poll] = ()
                self._list(poll, None)
            else:
                lookup = self.provider.kinds[poll.kind].facts.lookup
                self.caller.submit(poll, lookup.describe, partial(self.provider.describe, poll.kind, poll.keys))

    def feed(self, poll: Poll, done: Done) -> list[tuple[Running, Settled | BatchwrightError]]:
        """Take one answer: the steps whose wait is over, each with how it ended or with what made looking futile."""
        now = self.caller.clock.now()
        if isinstance(done.result, Page):
            self._listed[poll] += done.result.lives
            if done.result.token is not None:
                self._list(poll, done.result.token)
                return []
            done = attrs.evolve(done, result=self._listed.pop(poll))
        asked = [running for name in self.waiter.waiting if _asks(running := self.steps[name], poll)]
        if done.error is None:
            for running in asked:
                self._tell(running, done.result)
            settled = self.waiter.answer(poll, done.result, now)
        else:
            settled = self.waiter.failed(poll, now, done.error)
            if not done.error.retryable:
                for running in asked:
                    self.waiter.cancel(running.step.id)
                return [(running, done.error) for running in asked]
        return [(self.steps[wait.step_id], wait) for wait in settled]

    def _list(self, poll: Poll, token: str | None) -> None:
        lookup = self.provider.kinds[poll.kind].facts.lookup
        self.caller.submit(poll, lookup.listing, partial(self.provider.list, poll.kind, token))

    def _tell(self, running: Running, lives: tuple[Live, ...]) -> None:
        """What a look showed of what a step waits for; neither status nor state where it is not there."""
        goal = running.step.goal
        assert goal is not None
        live = next((live for live in lives if running.key in (live.name, live.arn)), None)
        seen = {"status": live.status, "state": live.state} if live else {}
        self.teller.event("polled", running, kind=goal.kind, name=goal.name, **seen)


def _asks(running: Running, poll: Poll) -> bool:
    goal = running.step.goal
    return goal is not None and goal.kind == poll.kind and (poll.keys is None or running.key in poll.keys)
