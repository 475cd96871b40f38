"""What queues could do while a plan ran, as the changes of a simulated account tell it."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from plans.rehearsal import Interval, Queue, State
from providers.simulator import Change

_ARNS = {"environment": "computeEnvironmentArn", "service_environment": "serviceEnvironmentArn"}
_ORDERS = (("computeEnvironmentOrder", "computeEnvironment"), ("serviceEnvironmentOrder", "serviceEnvironment"))
_AT_WORK = ("VALID", "UPDATING")
_JOBS = ("job", "service_job")

_Stand = tuple[State, int]


@attrs.define
class OverTime:
    """Takes the changes of an account in order, from the time when it was filled.

    `ended` counts, by queue, the jobs that a call ended: in a rehearsal none fails by itself. Those whose names are
    `tried` are the plan's own, and count for nothing.
    """

    began: float
    tried: Collection[str] = ()
    ended: Counter[str] = attrs.field(factory=Counter, init=False)
    _environments: dict[str, Mapping[str, Any]] = attrs.field(factory=dict, init=False)
    _queues: dict[str, Mapping[str, Any]] = attrs.field(factory=dict, init=False)
    _stands: dict[str, list[tuple[float, _Stand]]] = attrs.field(factory=dict, init=False)
    _failed: set[str] = attrs.field(factory=set, init=False)

    def take(self, change: Change) -> None:
        """Note what a change means to the queues that it touches."""
        if change.kind in _JOBS:
            self._job(change)
        elif change.kind == "queue":
            _keep(self._queues, change)
            self._note(change.name, change.at)
        elif change.kind in _ARNS:
            before = self._environments.get(change.name)
            _keep(self._environments, change)
            arn = (change.shown or before or {}).get(_ARNS[change.kind])
            for name, queue in self._queues.items():
                if arn in _members(queue):
                    self._note(name, change.at)

    def queues(self, end: float, own: Collection[str]) -> tuple[Queue, ...]:
        """The queues of these names, and all others whose state has changed."""
        found = []
        for name, stands in sorted(self._stands.items()):
            if name in own or len({stand for _, stand in stands}) > 1:
                found.append(Queue(name, tuple(self._intervals(stands, end))))
        return tuple(found)

    def _intervals(self, stands: list[tuple[float, _Stand]], end: float) -> list[Interval]:
        first = [(self.began, ("absent", 0))] if stands[0][0] > self.began else []
        told: list[tuple[float, Any]] = [*first, *stands]
        ends = [at for at, _ in told[1:]] + [end]
        return [
            Interval(begins - self.began, until - self.began, state, working)
            for (begins, (state, working)), until in zip(told, ends, strict=True)
            if until > begins
        ]

    def _note(self, name: str, at: float) -> None:
        stands = self._stands.setdefault(name, [])
        stand = self._stand(self._queues.get(name))
        if not stands or stands[-1][1] != stand:
            stands.append((at, stand))

    def _stand(self, queue: Mapping[str, Any] | None) -> _Stand:
        if queue is None:
            return "absent", 0
        working = sum(arn in _members(queue) and _works(shown) for arn, shown in self._by_arn().items())
        if not _works(queue):
            return "closed", working
        return ("runs" if working else "waits"), working

    def _by_arn(self) -> Mapping[str, Mapping[str, Any]]:
        return {shown[arn]: shown for shown in self._environments.values() for arn in _ARNS.values() if arn in shown}

    def _job(self, change: Change) -> None:
        shown = change.shown or {}
        own = shown.get("jobName") in self.tried
        if shown.get("status") == "FAILED" and not own and change.name not in self._failed:
            self._failed.add(change.name)
            self.ended[shown["jobQueue"].rpartition("/")[2]] += 1


def _keep(held: dict[str, Mapping[str, Any]], change: Change) -> None:
    if change.shown is None or change.shown.get("status") == "DELETED":
        held.pop(change.name, None)
    else:
        held[change.name] = change.shown


def _works(shown: Mapping[str, Any]) -> bool:
    """Whether it takes jobs: also while it is updated (updating-compute-environments.html of the user guide)."""
    return shown.get("state") == "ENABLED" and shown.get("status") in _AT_WORK


def _members(queue: Mapping[str, Any]) -> set[str]:
    return {entry[member] for order, member in _ORDERS for entry in queue.get(order) or ()}
