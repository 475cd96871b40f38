"""Without a lock: what is to be changed is looked at again right before its call, so that a second writer is noticed.

A look and its call are one attempt, one right after the other in one thread, and so is each repeat. What is looked for
is what was seen when the plan was made, or when this run made the object, and what this run did to it since. Creations
are not looked at: AWS refuses a name that is taken. A registration is, since it takes any name: a newer revision that
somebody else registered is what it would supersede.

Between a look and its call there is still a moment, which only a lock closes.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import attrs

from plans.meanwhile import TAGGING, Expectation, Sent, moved, told
from plans.plan import Step
from providers.errors import ChangedMeanwhile
from providers.kinds import Kind
from providers.provider import Provider
from providers.resources import Live

HINT = "run the same command again: it plans anew from what is there; a --lock keeps other runs out"

_GOING = ("DELETING", "DELETED", "INACTIVE")


Call = Callable[[], Any]


@attrs.define
class Rechecks:
    """What a run has seen, and done since; `seen` is the world at the time of the plan, of which `stack` is the one."""

    provider: Provider
    stack: str
    seen: Iterable[Live]
    _expected: dict[str, Expectation] = attrs.field(factory=dict, init=False)
    _newest: dict[str, int] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        for live in self.seen:
            self.saw(live)

    def saw(self, live: Live) -> None:
        """An object was looked at; what was known of it before counts."""
        if live.status not in _GOING:
            self._expected.setdefault(live.arn, Expectation(live))
        if live.revision is not None:
            self._newest[live.name] = max(live.revision, self._newest.get(live.name, 0))

    def did(self, sent: Sent, arn: str | None) -> None:
        """A call of ours was done, and answered this ARN; what is made in the place of what it deleted is another."""
        found = self._known(sent)
        if found is not None:
            known, kind = found
            self._expected[known.live.arn] = known.and_sent(sent)
            if sent.call == kind.facts.delete:
                del self._expected[known.live.arn]
        name, _, revision = (arn or "").rpartition("/")[2].rpartition(":")
        if revision.isdigit():
            self._newest[name] = max(int(revision), self._newest.get(name, 0))

    def guarded(self, step: Step, kind: Kind, sent: Sent, call: Call) -> tuple[str | None, Call]:
        """The operation of the look before the call of a step, and both as one call; no look where none is needed."""
        if kind.facts.revisions and sent.call == kind.facts.create:
            name = str(sent.arguments[kind.name_member])
            newest = partial(self._unregistered, step, kind, name, self._newest.get(name, 0))
            return kind.facts.lookup.listing, partial(_both, newest, call)
        found = self._known(sent)
        if found is None:
            return None, call
        known, own = found
        look = partial(self._as_seen, step, own, known, sent)
        return own.facts.lookup.describe, partial(_both, look, call)

    def _known(self, sent: Sent) -> tuple[Expectation, Kind] | None:
        """What is expected of the object that a call is about, and its kind; None where it is about none that was
        seen."""
        if sent.call in TAGGING:
            known = self._expected.get(sent.arguments["resourceArn"])
            return None if known is None else (known, self.provider.kinds[known.live.kind])
        for kind in self.provider.kinds:
            key = {kind.facts.update: kind.update_key, kind.facts.delete: kind.delete_key}.get(sent.call)
            if key is not None:
                told = sent.arguments[key]
                own = (known for known in self._expected.values() if known.live.kind == kind.name)
                return next(((known, kind) for known in own if told in (known.live.arn, known.live.name)), None)
        return None

    def _as_seen(self, step: Step, kind: Kind, known: Expectation, sent: Sent) -> None:
        """Raise ChangedMeanwhile where an object is not as expected."""
        live = known.live
        lives = self.provider.describe(kind.name, (live.arn if kind.facts.lookup.by_arn else live.name,))
        now = lives[0] if lives else None
        found = moved(known, now, kind, sent)
        if found:
            raise self._changed(step, f"{kind.title} {live.name}", found, now)

    def _unregistered(self, step: Step, kind: Kind, name: str, newest: int) -> None:
        """Raise ChangedMeanwhile where a family has a revision that nobody of ours has seen."""
        page = self.provider.revisions(kind.name, name)
        lives = [*page.lives]
        while page.token is not None:
            page = self.provider.revisions(kind.name, name, page.token)
            lives += page.lives
        last = max(lives, key=lambda live: live.revision or 0, default=None)
        if last is not None and (last.revision or 0) > newest:
            raise self._changed(step, f"{kind.title} {name}", {"revision": (newest or None, last.revision)}, last)

    def _changed(
        self, step: Step, what: str, found: Mapping[str, tuple[Any, Any]], now: Live | None
    ) -> ChangedMeanwhile:
        owner = now.owner if now is not None else None
        who = f"stack {owner}" if owner not in (None, self.stack) else "somebody else"
        return ChangedMeanwhile(
            f"{who} has changed {what} since it was looked at: {told(found)}; it was left as it is",
            address=step.address,
            hint=HINT,
            before={path: before for path, (before, _) in found.items()},
            now={path: after for path, (_, after) in found.items()},
        )


def _both(look: Callable[[], None], call: Call) -> Any:
    look()
    return call()
