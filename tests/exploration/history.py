"""A history: two manifests that are applied one after the other, and all that happens meanwhile, as data.

Everything that a run depends on is here, so that a history is the same run wherever it is played. It is drawn from a
number (`draw`), kept as JSON, and made smaller by leaving things out (`shrink`).
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

import attrs

from providers.simulator import Fault

Document = Mapping[str, Any]
Does = Literal["die-before", "die-after", "stop", "second", "write"]
DOES: tuple[str, ...] = get_args(Does)


Wrong = Literal["throttle", "server", "lost", "refused", "denied", "expired", "stale", "slow", "invalid"]


@attrs.frozen
class Trouble:
    """A fault that is in force from the beginning of a phase on; the fields are those of `Fault`."""

    phase: int
    operation: str
    kind: Wrong
    after: int = 0
    times: int = 1
    seconds: float = 60.0

    @property
    def fault(self) -> Fault:
        return Fault(self.operation, self.kind, after=self.after, times=self.times, seconds=self.seconds)


@attrs.frozen
class Event:
    """What happens at a call of a phase; at call 0, before the first one.

    die-before, die-after: the process dies, before the call goes out or after it was done. stop: a signal comes.
    second: somebody else runs the same command, and at his call `dies`, if that is not 0, his process dies. write:
    somebody makes the call `operation` with `members`; if he is refused, nothing has happened.
    """

    phase: int
    call: int
    does: Does
    dies: int = 0
    operation: str = ""
    members: Document = attrs.field(factory=dict)


@attrs.frozen
class History:
    """Manifests by phase, troubles and events, and what the service and the two processes are like.

    `lag` and `stale` are the simulator's seconds of relations and reads that lag; `locked` says whether there is a
    lock. `seed` is that of the dice of the reconciler, and the number that the history was drawn from.
    """

    seed: int
    manifests: tuple[Document, ...]
    troubles: tuple[Trouble, ...] = ()
    events: tuple[Event, ...] = ()
    lag: float = 15.0
    stale: float = 0.0
    locked: bool = True

    @property
    def calm(self) -> "History":
        """The same, with nothing going wrong; what others write, they write as before."""
        writes = tuple(event for event in self.events if event.does == "write")
        return attrs.evolve(self, troubles=(), events=writes, lag=15.0, stale=0.0)

    @property
    def overtaken(self) -> bool:
        """Whether somebody may begin on what reads do not show yet of another's work."""
        lags = self.stale > 0 or any(trouble.kind == "stale" for trouble in self.troubles)
        return lags and any(event.does == "second" for event in self.events)

    def to_json(self, indent: int | None = 1, **more: str) -> str:
        return json.dumps({**more, **attrs.asdict(self)}, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """The history of a text that `to_json` made; what it does not say is as in a new one, and `found`, which says
        what it once found, is none of it."""
        said = {key: value for key, value in json.loads(text).items() if key != "found"}
        made = {
            "manifests": tuple(said["manifests"]),
            "troubles": tuple(Trouble(**each) for each in said.get("troubles", ())),
            "events": tuple(Event(**each) for each in said.get("events", ())),
        }
        return cls(**{**said, **made})
