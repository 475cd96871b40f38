"""Waiting for goals: goals in, polls out, answers in, settled out. No I/O, no thread, no clock.

AWS Batch has no waiters in botocore. A kind's tick is due when its earliest goal is due and no look at that kind is
under way; it asks for all goals of the kind at once, so that hundreds of objects cost a few calls. What "reached"
means is a table by `Goal.until`.

Status and values may lag behind a call: right after an update, an environment may still read VALID with its old
values (AWS Batch user guide, "Updating compute environments": VALID, then UPDATING, then VALID). Hence a goal says
what must be seen, and VALID alone ends nothing. A disabled environment that is INVALID has ended too
(hashicorp/terraform-provider-aws#26930).

Whether anything refers to an object only a listing of all that may can tell, since there may be one that nobody knew
of. While a goal of a kind is `unreferenced`, every look at the kind is such a listing, and answers its other goals too.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import attrs

from plans import paths
from plans.plan import Goal
from providers.errors import BatchwrightError, BecameInvalid, DeadlinePassed, WaitError
from providers.resources import Live

Unmet = Callable[[Goal, Live], Sequence[str]]
"""The paths of `goal.expect` whose values the object does not show yet."""

Advise = Callable[[str, Live], str | None]
"""What helps the step of that id whose object became INVALID."""


@attrs.frozen
class Spacing:
    """Seconds between the looks at one goal: `first`, then a `share` of what was waited so far, but not below `least`
    and not above `longest`, so that what has come is noticed soon by the measure of how long it took.

    Each is stretched or shrunk by up to `jitter` of itself. With these figures nothing is noticed later than 5 s, or a
    tenth of the wait, after it came. Where `long_share` of what was waited is more than `longest`, that bounds the
    distance in its place: whoever only plays a wait of days need not look at every minute of it. For `stale` seconds
    after a call an INVALID that lacks the values sent may be what was before the call, so that an object under repair
    is not given up.
    """

    first: float = 1.0
    share: float = 0.09
    least: float = 4.5
    longest: float = 60.0
    long_share: float = 0.0
    jitter: float = 0.1
    stale: float = 30.0

    def after(self, waited: float, rng: random.Random) -> float:
        """The distance to the next look, so many seconds after the wait began."""
        space = min(max(self.longest, self.long_share * waited), max(self.least, self.share * waited))
        return space * (1.0 + rng.uniform(-self.jitter, self.jitter))


@attrs.frozen
class Poll:
    """One look that is due: ask for these keys of a kind, and hand the answer back with this poll.

    `keys` None: list the kind, and hand back the objects of all pages at once.
    """

    kind: str
    keys: tuple[str, ...] | None


@attrs.frozen
class Settled:
    """A wait that ended: `live` as last seen (None: absent), and the error if the goal was not reached."""

    step_id: str
    live: Live | None
    error: WaitError | None = None


@attrs.define(eq=False)
class _Watch:
    step_id: str
    goal: Goal
    key: str
    began: float
    due: float
    live: Live | None = None
    missing: tuple[str, ...] = ()
    failure: BatchwrightError | None = None

    @property
    def deadline(self) -> float:
        return self.began + self.goal.deadline


_ABSENT = ("DELETED", "INACTIVE")
_AT_REST = (None, "VALID", "ACTIVE")

_Judge = Callable[[Live | None, Sequence[str]], bool]
"""Whether a goal is reached, given the object (None: absent) and what is unmet."""

_JUDGES: Mapping[str, _Judge] = MappingProxyType(
    {
        "settled": lambda live, unmet: live is not None and live.status in _AT_REST and not unmet,
        "disabled": lambda live, unmet: (
            live is not None and live.state == "DISABLED" and live.status in ("VALID", "INVALID") and not unmet
        ),
        "gone": lambda live, _: live is None,
        "succeeded": lambda live, _: live is not None and live.status == "SUCCEEDED",
        "seen": lambda live, unmet: live is not None and not unmet,
        "unreferenced": lambda _, referring: not referring,
    }
)

_STUCK = MappingProxyType(
    {
        "compute_environment": "its service role is probably gone: make the role again (for the service-linked role: "
        "aws iam create-service-linked-role --aws-service-name batch.amazonaws.com), then run the same command again",
        "job_queue": "a queue goes once all of its jobs have ended: run the same command again later",
    }
)
_AGAIN = "run the same command again to go on waiting"


def _unadvised(_step: str, _live: Live) -> None:
    pass


@attrs.define(eq=False)
class Waiter:
    """The goals of a run that are waited for.

    `batch` tells for each kind how many keys one look takes, `advise` what helps where an object became INVALID. Times
    are clock seconds and come in as arguments.
    """

    rng: random.Random
    unmet: Unmet
    batch: Mapping[str, int]
    spacing: Spacing = Spacing()
    advise: Advise = _unadvised
    _watches: dict[str, _Watch] = attrs.field(factory=dict, init=False)
    _looks: dict[Poll, list[_Watch]] = attrs.field(factory=dict, init=False)

    def add(self, step_id: str, goal: Goal, key: str, now: float) -> None:
        """Wait for a goal from now on; `key` is what its kind is asked by: a name, or an ARN.

        A step waits for one goal at a time: a new one takes the place of the old.
        """
        due = now + min(self.spacing.first, goal.deadline)
        self._watches[step_id] = _Watch(step_id, goal, key, now, due)

    def cancel(self, step_id: str) -> None:
        """Stop waiting for this step, if anybody does."""
        self._watches.pop(step_id, None)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The steps that wait, in the order they were added."""
        return tuple(self._watches)

    def next_due(self) -> float | None:
        """When `due` will next have polls; None while every goal is being looked at, or there is none."""
        return min(self._ticks().values(), default=None)

    def due(self, now: float) -> list[Poll]:
        """The looks to take now; each must come back through `answer` or `failed`."""
        polls = []
        for kind in [kind for kind, at in self._ticks().items() if at <= now]:
            watches = [watch for watch in self._watches.values() if watch.goal.kind == kind]
            if any(watch.goal.until == "unreferenced" for watch in watches):
                self._looks[Poll(kind, None)] = watches
                polls.append(Poll(kind, None))
                continue
            by_key: dict[str, list[_Watch]] = {}
            for watch in watches:
                by_key.setdefault(watch.key, []).append(watch)
            keys, size = list(by_key), self.batch[kind]
            for start in range(0, len(keys), size):
                poll = Poll(kind, tuple(keys[start : start + size]))
                self._looks[poll] = [watch for key in keys[start : start + size] for watch in by_key[key]]
                polls.append(poll)
        return polls

    def answer(self, poll: Poll, lives: Iterable[Live], now: float) -> list[Settled]:
        """What a look found: the waits that it ended. A key that no object answers to is absent."""
        there = [live for live in lives if live.status not in _ABSENT]
        found = {key: live for live in there for key in (live.name, live.arn)}
        settled = []
        for watch in self._asked(poll):
            if watch.goal.until == "unreferenced":
                watch.missing = tuple(live.name for live in there if paths.mentions(live.spec, (watch.goal.name,)))
            else:
                watch.live = found.get(watch.key)
                watch.missing = tuple(self.unmet(watch.goal, watch.live)) if watch.live is not None else ()
            watch.failure = None
            if _JUDGES[watch.goal.until](watch.live, watch.missing):
                settled.append(self._end(watch))
            elif watch.live is not None and self._invalid(watch, watch.live, now):
                settled.append(self._end(watch, self._became_invalid(watch, watch.live)))
            else:
                settled += self._put_off(watch, now)
        return settled

    def failed(self, poll: Poll, now: float, error: BatchwrightError | None = None) -> list[Settled]:
        """A look that found nothing out: its goals are looked at again later, save those whose deadline passed."""
        settled = []
        for watch in self._asked(poll):
            watch.failure = error
            settled += self._put_off(watch, now)
        return settled

    def _ticks(self) -> dict[str, float]:
        """When each kind is due that no look is under way at."""
        under_way = {poll.kind for poll in self._looks}
        ticks: dict[str, float] = {}
        for watch in self._watches.values():
            if watch.goal.kind not in under_way:
                ticks[watch.goal.kind] = min(watch.due, ticks.get(watch.goal.kind, watch.due))
        return ticks

    def _asked(self, poll: Poll) -> list[_Watch]:
        """The goals of a look that are still waited for; one added since knows nothing of this answer."""
        return [watch for watch in self._looks.pop(poll) if self._watches.get(watch.step_id) is watch]

    def _invalid(self, watch: _Watch, live: Live, now: float) -> bool:
        if watch.goal.until != "settled" or live.status != "INVALID":
            return False
        return not watch.missing or now - watch.began >= self.spacing.stale

    def _became_invalid(self, watch: _Watch, live: Live) -> BecameInvalid:
        told = live.status_reason or f"{watch.goal.name} became INVALID, and AWS gives no reason"
        return BecameInvalid(told, hint=self.advise(watch.step_id, live))

    def _put_off(self, watch: _Watch, now: float) -> list[Settled]:
        if now >= watch.deadline:
            return [self._end(watch, _deadline_passed(watch))]
        watch.due = min(now + self.spacing.after(now - watch.began, self.rng), watch.deadline)
        return []

    def _end(self, watch: _Watch, error: WaitError | None = None) -> Settled:
        del self._watches[watch.step_id]
        return Settled(watch.step_id, watch.live, error)


def _deadline_passed(watch: _Watch) -> DeadlinePassed:
    goal, live = watch.goal, watch.live
    if goal.until == "unreferenced":
        return _still_referenced(watch)
    words = [f"{goal.name} was not {goal.until} within {goal.deadline:.0f} s"]
    if watch.failure is not None:
        words.append(f"the last look at it failed: {watch.failure}")
    elif live is None:
        words.append("it was not there")
    elif live.status is not None:
        state = f", {live.state}" if live.state else ""
        reason = f" ({live.status_reason})" if live.status_reason else ""
        words.append(f"its status is {live.status}{state}{reason}")
    if watch.missing:
        words.append(f"not seen yet: {', '.join(watch.missing)}")
    stuck = goal.until == "gone" and live is not None and live.status == "DELETING"
    return DeadlinePassed("; ".join(words), hint=_STUCK.get(goal.kind, _AGAIN) if stuck else _AGAIN)


def _still_referenced(watch: _Watch) -> DeadlinePassed:
    """Without anything that was seen to refer to it no look succeeded, or the goal would have been reached."""
    name, seconds = watch.goal.name.rpartition("/")[2], f"{watch.goal.deadline:.0f} s"
    referring = f"the {watch.goal.kind.replace('_', ' ')}s {', '.join(watch.missing)}"
    words = [
        f"after {seconds} {name} is still referred to by {referring}"
        if watch.missing
        else f"what refers to {name} could not be found out within {seconds}"
    ]
    if watch.failure is not None:
        words.append(f"the last look failed: {watch.failure}")
    hint = "once they refer to it no more, run the same command again" if watch.missing else _AGAIN
    return DeadlinePassed("; ".join(words), hint=hint)
