"""Finding out whether a call was done that did not say so.

A create that meets "already exists" may have met its own object, made by an attempt whose answer was lost: that is
taken when it carries our tags and holds what was sent. A registration is never repeated blindly, since each makes a
revision: one whose answer was lost is looked for among the family's revisions first, once they have had time to show.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from plans.normalise import as_written, normalise
from plans.wanted import effective
from providers.errors import AlreadyExists, AnswerLost, BatchwrightError, ServerFault
from providers.kinds import Kind
from providers.provider import Page, Provider
from providers.resources import ADDRESS_TAG, DIGEST_TAG, REGISTERED_TAG, STACK_TAG, Document, Live
from reconciler.retry import Caller, Done

STALENESS = 10.0
"""Seconds for which a describe may lag behind what was made: a registration is looked for after so many, and what a
create met, but describe does not show, for three times as many."""

REGISTRATIONS = 3

_LOOK_AGAIN = 5.0


@attrs.frozen
class Look:
    """One look for what the call of a step may have made; `number` keeps the looks of a step apart."""

    step: str
    number: int = 0


@attrs.frozen
class Made:
    """The call was done, and made the object of this ARN."""

    arn: str


@attrs.frozen
class Undone:
    """The call was not done: it may be made once more."""


Finding = Made | Undone | BatchwrightError


@attrs.define
class _Open:
    kind: Kind
    call: str
    sent: Document
    key: str
    error: BatchwrightError
    until: float
    seen: list[Live] = attrs.field(factory=list)


@attrs.define
class Inquiries:
    """The inquiries under way, by the step whose call is in doubt. `account` is None where nothing told it."""

    provider: Provider
    caller: Caller
    region: str
    account: str | None
    _open: dict[str, _Open] = attrs.field(factory=dict, init=False)
    _registrations: dict[str, int] = attrs.field(factory=dict, init=False)

    def start(self, step: str, call: str, kind: Kind, sent: Document, error: BatchwrightError) -> bool:
        """Look into a call that failed; False where there is nothing to find out, and it simply failed."""
        if call != kind.facts.create:
            return False
        now = self.caller.clock.now()
        match error:
            case AnswerLost() | ServerFault() if kind.facts.revisions:
                self._registrations[step] = self._registrations.get(step, 0) + 1
                self._open[step] = _Open(kind, call, sent, sent[kind.name_member], error, now)
                self._page(Look(step), None, now + STALENESS)
                return True
            case AlreadyExists() if (key := self._key(kind, sent)) is not None:
                self._open[step] = _Open(kind, call, sent, key, error, now + 3 * STALENESS)
                self._describe(Look(step))
                return True
        return False

    def feed(self, done: Done, look: Look) -> Finding | None:
        """Take one answer; what was found, once that is certain."""
        if done.error is not None:
            return done.error
        if not isinstance(done.result, Page):
            return self._met(look, done.result)
        asked = self._open[look.step]
        asked.seen += done.result.lives
        if done.result.token is not None:
            self._page(_next(look), done.result.token)
            return None
        return self._searched(look.step, asked)

    def _met(self, look: Look, lives: tuple[Live, ...]) -> Finding | None:
        """What holds the name: our own object, somebody else's, or something that describe does not show yet."""
        asked, now = self._open[look.step], self.caller.clock.now()
        own = next((live for live in lives if _is_own(live, asked.sent, asked.kind)), None)
        if own is not None:
            return Made(own.arn)
        if not lives and now < asked.until:
            self._describe(_next(look), now + _LOOK_AGAIN)
            return None
        return AlreadyExists(
            f"{asked.sent[asked.kind.name_member]} exists already and is not what this plan makes",
            hint="somebody made it meanwhile: plan again",
            operation=asked.call,
        )

    def _searched(self, step: str, asked: _Open) -> Finding:
        """All revisions are read: the registration is among them, or it was not done."""
        tags = asked.sent["tags"]
        for live in asked.seen:
            if _same(live.tags, tags, STACK_TAG, ADDRESS_TAG, DIGEST_TAG, REGISTERED_TAG):
                return Made(live.arn)
        if self._registrations[step] < REGISTRATIONS:
            return Undone()
        return AnswerLost(
            f"{self._registrations[step]} registrations went out and none was done; of the last: {asked.error}",
            hint="run the same command again",
            operation=asked.call,
        )

    def _key(self, kind: Kind, sent: Document) -> str | None:
        """What the kind is asked by: the name, or the ARN where it can be told."""
        name = str(sent[kind.name_member])
        if not kind.facts.lookup.by_arn:
            return name
        if self.account is None:
            return None
        queue = str(sent.get("jobQueue", "")).rpartition("/")[2]
        return kind.arn(name, self.provider.client.meta.partition, self.region, self.account, queue)

    def _describe(self, look: Look, at: float | None = None) -> None:
        asked = self._open[look.step]
        call = partial(self.provider.describe, asked.kind.name, (asked.key,))
        self.caller.submit(look, asked.kind.facts.lookup.describe, call, at=at)

    def _page(self, look: Look, token: str | None, at: float | None = None) -> None:
        asked = self._open[look.step]
        call = partial(self.provider.revisions, asked.kind.name, asked.key, token)
        self.caller.submit(look, asked.kind.facts.lookup.listing, call, at=at)


def _next(look: Look) -> Look:
    return attrs.evolve(look, number=look.number + 1)


def _is_own(live: Live, sent: Document, kind: Kind) -> bool:
    """Whether a live object is what was sent: our tags, and the same content where the service has no say."""
    if live.status == "DELETING" or not _same(live.tags, sent["tags"], STACK_TAG, ADDRESS_TAG):
        return False
    content = {member: value for member, value in sent.items() if member in kind.spec.members}
    return normalise(effective(content, live, kind, (), as_written), kind) == normalise(live.spec, kind)


def _same(shown: Mapping[str, Any], sent: Mapping[str, Any], *keys: str) -> bool:
    return all(shown.get(key) == sent[key] for key in keys)
