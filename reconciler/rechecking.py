"""Without a lock: what is to be changed is looked at again right before its call, so that a second writer is noticed.

A look and its call are one attempt, one right after the other in one thread, and so is each repeat. What is looked for
is what was seen when the plan was made, or when this run made the object, and what this run did to it since. Creations
are not looked at: AWS refuses a name that is taken. A registration is, since it takes any name: a newer revision that
somebody else registered is what it would supersede.

An object can look as it did though another run has been through meanwhile, as a queue does that was moved and moved
back. So what an update has its object refer to is looked at too: it must be there, the same, and not switched off. And
before something that is retired is switched off, all that could refer to it is listed: nobody may have come back to it.

Under a lock nothing of this is looked at, but for one thing that runs without one look for too: before something is
switched off by wish, all that could refer to it is listed. Nobody may have come to it since the plan said who would be
left without; whom a lock does not keep out is as likely to as another run of ours.

Where another run has made the very same change meanwhile, so that all that a call would bring about is there, nothing
is sent and the step goes on as if it had been: what is there is what was promised, and it is waited for as our own. So
of two runs that do the same at once both end well. A registration is no such call: a newer revision is somebody else's.

Between a look and its call there is still a moment, which only a lock closes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from plans import paths
from plans.meanwhile import OBJECT, TAGGING, Expectation, Sent, lost, moved, there, told
from plans.plan import Step
from providers.errors import ChangedMeanwhile
from providers.kinds import Kind
from providers.provider import Page, Provider
from providers.resources import Live
from reconciler.retry import Look

HINT = "run the same command again: it plans anew from what is there; a --lock keeps other runs out"

_GOING = ("DELETING", "DELETED", "INACTIVE")


@attrs.define
class Rechecks:
    """What a run has seen, and done since; `seen` is the world at the time of the plan, of which `stack` is the one.

    Only where it is `thorough`, as without a lock, is there more than the look before something is switched off by
    wish.
    """

    provider: Provider
    stack: str
    seen: Iterable[Live]
    thorough: bool
    _expected: dict[str, Expectation] = attrs.field(factory=dict, init=False)
    _newest: dict[str, int] = attrs.field(factory=dict, init=False)
    _created: set[str] = attrs.field(factory=set, init=False)

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
        if arn is not None:
            self._created.add(arn)
        name, _, revision = (arn or "").rpartition("/")[2].rpartition(":")
        if revision.isdigit():
            self._newest[name] = max(int(revision), self._newest.get(name, 0))

    def made(self, live: Live, sent: Sent) -> None:
        """An object that this run made has settled; what somebody else switched meanwhile counts as changed."""
        if live.state == "DISABLED" and sent.arguments.get("state", "ENABLED") == "ENABLED":
            live = attrs.evolve(live, spec={**live.spec, "state": "ENABLED"})
        self.saw(live)

    def looks(self, step: Step, kind: Kind, sent: Sent) -> Sequence[Look]:
        """What is to be looked at before the call of a step, each time that it is made."""
        return [*(self._as_planned(step, kind, sent) if self.thorough else ()), *self._nobody_new(step, sent)]

    def _as_planned(self, step: Step, kind: Kind, sent: Sent) -> Sequence[Look]:
        """The looks of a run that nothing keeps others from."""
        if kind.facts.revisions and sent.call == kind.facts.create:
            name = str(sent.arguments[kind.name_member])
            newest = partial(self._unregistered, step, kind, name, self._newest.get(name, 0))
            return [(kind.facts.lookup.listing, newest)]
        found = self._known(sent)
        if found is None:
            return []
        known, own = found
        looks: list[Look] = [(own.facts.lookup.describe, partial(self._as_seen, step, own, known, sent))]
        for target, named in self._to_refer_to(own, sent).items():
            described = self.provider.kinds[target].facts.lookup.describe
            looks.append((described, partial(self._still_there, step, target, named)))
        if _retires(step, own, sent):
            for user in self._users(own):
                looks.append((user.facts.lookup.listing, partial(self._unreferenced, step, user, known.live)))
        return looks

    def _nobody_new(self, step: Step, sent: Sent) -> Sequence[Look]:
        """The looks before something that was on is switched off, but not to be deleted: that has steps of its own."""
        found = self._known(sent) if sent.arguments.get("state") == "DISABLED" else None
        if found is None:
            return []
        known, kind = found
        switches = sent.call == kind.facts.update and kind.facts.switched and known.live.state != "DISABLED"
        if not switches or _retires(step, kind, sent):
            return []
        return [
            (user.facts.lookup.listing, partial(self._no_newcomer, step, user, known.live))
            for user in self._users(kind)
        ]

    def _users(self, kind: Kind) -> Sequence[Kind]:
        """The kinds that may refer to one, and are listed all at once."""
        return [
            user
            for user in self.provider.kinds
            if kind.name in user.references.values() and not user.facts.revisions and not user.facts.lookup.per
        ]

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

    def _as_seen(self, step: Step, kind: Kind, known: Expectation, sent: Sent) -> bool:
        """Whether all that a call would do is done; raises ChangedMeanwhile where an object is not as expected."""
        live = known.live
        lives = self.provider.describe(kind.name, (live.arn if kind.facts.lookup.by_arn else live.name,))
        now = lives[0] if lives else None
        found = moved(known, now, kind, sent)
        if found:
            raise self._changed(step, f"{kind.title} {live.name}", found, now)
        return there(known, now, kind, sent)

    def _to_refer_to(self, kind: Kind, sent: Sent) -> Mapping[str, Sequence[Expectation]]:
        """What an update names of what was seen and is switched on and off, by kind."""
        named: dict[str, list[Expectation]] = {}
        for known in self._expected.values() if sent.call == kind.facts.update else ():
            target = known.live.kind
            switched = self.provider.kinds[target].facts.switched and target in kind.references.values()
            if switched and paths.mentions([*sent.arguments.values()], (known.live.arn,)):
                named.setdefault(target, []).append(known)
        return named

    def _still_there(self, step: Step, target: str, named: Sequence[Expectation]) -> None:
        """Raise ChangedMeanwhile where something cannot carry what is to refer to it."""
        kind = self.provider.kinds[target]
        size = kind.facts.lookup.batch
        keys = [known.live.arn for known in named]
        shown = [
            live
            for start in range(0, len(keys), size)
            for live in self.provider.describe(target, keys[start : start + size])
        ]
        found = {live.arn: live for live in shown}
        for known in named:
            now = found.get(known.live.arn)
            wrong = lost(known, now, kind)
            if wrong:
                raise self._changed(step, f"{kind.title} {known.live.name}", wrong, now)

    def _unreferenced(self, step: Step, user: Kind, live: Live) -> None:
        """Raise ChangedMeanwhile where something refers to an object that nothing referred to any more."""
        for other in _everything(partial(self.provider.list, user.name)):
            if other.status not in _GOING and paths.mentions(other.spec, (live.arn,)):
                raise self._changed(step, f"{user.title} {other.name}", {OBJECT: ("let go", f"at {live.name}")}, other)

    def _no_newcomer(self, step: Step, user: Kind, live: Live) -> None:
        """Raise ChangedMeanwhile where something that is on refers to an object that the plan did not know to."""
        for other in _everything(partial(self.provider.list, user.name)):
            on = other.status not in _GOING and other.state != "DISABLED"
            if on and paths.mentions(other.spec, (live.arn,)) and not self._refers(other.arn, live.arn):
                raise self._changed(
                    step, f"{user.title} {other.name}", {OBJECT: ("elsewhere", f"at {live.name}")}, other
                )

    def _refers(self, arn: str, to: str) -> bool:
        """Whether an object was seen to refer to another, or has been told to by this run, or made."""
        known = self._expected.get(arn)
        if known is None:
            return arn in self._created
        return paths.mentions([known.live.spec, *(sent.arguments for sent in known.sent)], (to,))

    def _unregistered(self, step: Step, kind: Kind, name: str, newest: int) -> None:
        """Raise ChangedMeanwhile where a family has a revision that nobody of ours has seen."""
        lives = _everything(partial(self.provider.revisions, kind.name, name))
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


def _everything(page: Callable[[str | None], Page]) -> Iterator[Live]:
    """The objects of all pages."""
    token = None
    while True:
        shown = page(token)
        yield from shown.lives
        token = shown.token
        if token is None:
            return


def _retires(step: Step, kind: Kind, sent: Sent) -> bool:
    """Whether a call switches something off so that it can be deleted."""
    return step.id.startswith("disable:") and sent.call == kind.facts.update
