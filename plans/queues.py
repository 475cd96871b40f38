"""Queues and their environments, as they are and as a plan leaves them: what AWS refuses, and what is an outage.

Source: "computeEnvironmentOrder" of CreateJobQueue: environments are VALID, all of EC2 and Spot or all of Fargate, and
of one CPU architecture; the type of a queue stays.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from plans.change import Action, Impact, Refusal
from plans.decision import Decision
from plans.demands.compute_environment import architectures
from plans.repairs import repairs
from plans.world import World
from providers.kinds.regimes import ec2, fargate, managed_instances
from providers.lives import referred
from providers.resources import Address, Live, Ref

_QUEUE, _ENVIRONMENT = "job_queue", "compute_environment"
_BOTH = "of ARM64 and of X86_64, and a queue takes only one architecture"
_SORTS = ("ECS", "ECS_FARGATE", "ECS_MANAGED_INSTANCES", "EKS")


@attrs.frozen
class Thing:
    """What a queue, or a quota share, refers to: what it will be, what is live of it, and the change to it, if any.

    `repaired`: its change may make something VALID of what is INVALID.
    """

    spec: Mapping[str, Any]
    live: Live | None
    decision: Decision | None
    repaired: bool = False

    @property
    def sort(self) -> str:
        """Of an environment, the type of the queues that take it; empty where that is not known."""
        if self.spec.get("eksConfiguration"):
            return "EKS"
        if fargate(self.spec):
            return "ECS_FARGATE"
        if managed_instances(self.spec):
            return "ECS_MANAGED_INSTANCES"
        return "ECS" if ec2(self.spec) or self.spec.get("type") == "UNMANAGED" else ""

    @property
    def usable(self) -> bool:
        """Whether it will be VALID when something is made that refers to it."""
        if self.live is None or self.live.status in ("VALID", "CREATING", "UPDATING"):
            return True
        if self.decision is not None and self.decision.manner is not None:
            return True
        return self.live.status == "INVALID" and self.repaired

    @property
    def works(self) -> bool:
        return self.live is not None and self.live.state != "DISABLED" and self.live.status in ("VALID", "UPDATING")

    @property
    def will_work(self) -> bool:
        return self.usable and self.spec.get("state") != "DISABLED"


@attrs.frozen
class Queues:
    """All queues of the account with the changes to them and to their environments."""

    world: World
    by_address: Mapping[Address, Decision]
    by_arn: Mapping[str, Decision]

    @classmethod
    def of(cls, decisions: Sequence[Decision], world: World) -> "Queues":
        """Only changes to what is wanted count: what goes is told by `in-use`."""
        wanted = [decision for decision in decisions if decision.resource is not None]
        return cls(
            world,
            {decision.change.address: decision for decision in wanted},
            {
                live.arn: decision
                for decision in wanted
                for live in (*(decision.superseded if decision.manner else ()), decision.namesake)
                if live is not None
            },
        )

    def refusals(self, decision: Decision) -> Iterable[Refusal]:
        """What AWS refuses of a queue that is made or changed, and of an environment for the sake of its queues."""
        change = decision.change
        yield from self._astray(decision)
        if change.kind == _ENVIRONMENT and "computeResources.instanceTypes" in decision.units:
            yield from self._mixed_by(decision)
        if change.kind != _QUEUE or not sends(decision, "computeEnvironmentOrder"):
            return
        address = str(change.address)
        environments = self.environments(decision.spec)
        sorts = {environment.sort for environment in environments if environment.sort}
        made = makes(decision)
        kept = (decision.spec if made or decision.live is None else decision.live.spec).get("jobQueueType")
        if len(sorts) > 1:
            told = f"its environments are of {' and '.join(sorted(sorts))}, and a queue takes only one sort"
            yield Refusal(address, "mixed-types", told, "make a queue for each")
        elif kept in _SORTS and sorts and kept not in sorts:
            life = "" if made else " for life"
            told = f"it is a queue of {kept}{life}, and its environments would be of {sorts.pop()}"
            yield Refusal(address, "queue-type", told, "leave jobQueueType out" if made else "make another queue")
        if self._mixed(decision.spec):
            told = f"its environments are {_BOTH}"
            yield Refusal(address, "mixed-architectures", told, "make a queue for each")
        for environment in environments:
            if environment.live is not None and not environment.usable:
                reason = f" ({environment.live.status_reason})" if environment.live.status_reason else ""
                told = (
                    f"{environment.live.name} is {environment.live.status}{reason}; AWS takes only VALID environments"
                )
                hint = "repair it, or take it out of the queue's order"
                yield Refusal(address, "invalid-environment", told, hint)

    def _astray(self, decision: Decision) -> Iterable[Refusal]:
        """The queues that would have to follow a replacement to an environment of another sort, and cannot."""
        if decision.change.kind != _ENVIRONMENT or decision.manner in (None, "refuse"):
            return
        sort = Thing(decision.spec, None, decision).sort
        users = {user.arn: user for live in decision.superseded for user in self.world.users(live)}
        for user in users.values():
            own = self.by_arn.get(user.arn)
            kept = user.spec.get("jobQueueType")
            follows = own is None or not sends(own, "computeEnvironmentOrder") or self._names(own, decision)
            if follows and user.status != "DELETING" and kept in _SORTS and sort not in ("", kept):
                told = f"{user.name} is a queue of {kept} for life, and the new environment would be of {sort}"
                hint = "make an environment of that sort under another name, and a queue for it"
                yield Refusal(str(decision.change.address), "queue-type", told, hint)

    def _names(self, queue: Decision, environment: Decision) -> bool:
        """Whether a queue is to name what takes the place of its environment."""
        stands = self.world.heirs.get(environment.change.address, Ref(environment.change.address))
        return stands in referred(queue.spec, self.world.kinds[_QUEUE], _ENVIRONMENT)

    def _mixed_by(self, decision: Decision) -> Iterable[Refusal]:
        """What other instance types make of the queues that have an environment; of those that send it, they tell."""
        for live in self.world.users(decision.live) if decision.live is not None else ():
            own = self.by_arn.get(live.arn)
            told = own is not None and sends(own, "computeEnvironmentOrder")
            wanted = own.spec if own is not None and own.spec else live.spec
            if live.kind != _QUEUE or told or self._mixed(live.spec, now=True) or not self._mixed(wanted):
                continue
            message = f"computeResources.instanceTypes: the environments of its queue {live.name} would be {_BOTH}"
            hint = "take it out of the queue first, or make another environment"
            yield Refusal(str(decision.change.address), "mixed-architectures", message, hint)

    def _mixed(self, queue: Mapping[str, Any], *, now: bool = False) -> bool:
        """Whether the environments of a queue are, or are to be, of several architectures."""
        found = self.environments(queue)
        each = (thing.live.spec if now and thing.live is not None else thing.spec for thing in found)
        return len(frozenset().union(*(architectures(spec.get("computeResources") or {}) for spec in each))) > 1

    def outages(self) -> frozenset[Address]:
        """The changes after which a queue that can run jobs now has no environment left that works."""
        found: set[Address] = set()
        for live in self.world.snapshot.of(_QUEUE):
            own = self.by_arn.get(live.arn)
            wanted = live.spec if own is None or not own.units else own.spec
            if live.state == "DISABLED" or wanted.get("state", "ENABLED") != "ENABLED":
                continue
            after = self.environments(wanted)
            if any(each.will_work for each in after) or not any(each.works for each in self.environments(live.spec)):
                continue
            if own is not None and "computeEnvironmentOrder" in own.units:
                found.add(own.change.address)
            found |= {each.decision.change.address for each in after if each.decision and _switches_off(each.decision)}
        return frozenset(found)

    def environments(self, queue: Mapping[str, Any]) -> list[Thing]:
        """The compute environments that a queue's document names, as they will be."""
        return self.referred(queue, _QUEUE, _ENVIRONMENT)

    def referred(self, document: Mapping[str, Any], kind: str, target: str) -> list[Thing]:
        """Everything of kind `target` that a document names, as it will be."""
        return [self.thing(target, reference) for reference in referred(document, self.world.kinds[kind], target)]

    def thing(self, kind: str, reference: Any) -> Thing:
        if isinstance(reference, Ref):
            decision = self.by_address.get(reference.address)
            return Thing(decision.spec if decision else {}, None, decision)
        live = self.world.by_arn.get(str(self.world.shown(kind, reference)))
        decision = self.by_arn.get(live.arn) if live is not None else None
        if decision is not None and decision.spec:
            return Thing(decision.spec, live, decision, repairs(decision.units, self.world.kinds[kind]))
        return Thing(live.spec if live is not None else {}, live, decision)


def makes(decision: Decision) -> bool:
    """Whether a change makes an object, in place of an old one too."""
    return decision.change.action is Action.CREATE or decision.manner is not None


def sends(decision: Decision, *members: str) -> bool:
    """Whether a change makes its object, or sends one of these members in an update."""
    if decision.resource is None or decision.refusals:
        return False
    return makes(decision) or (
        decision.change.action is Action.UPDATE and any(member in decision.units for member in members)
    )


def _switches_off(decision: Decision) -> bool:
    """Whether after a change its object is DISABLED, though what was there may not have been."""
    return "state" in decision.units or (decision.manner is not None and decision.spec.get("state") == "DISABLED")


def with_outages(decisions: Sequence[Decision], world: World) -> list[Decision]:
    """The decisions, those that leave a queue without a working environment shown as an outage."""
    return as_outages(decisions, Queues.of(decisions, world).outages())


def as_outages(decisions: Sequence[Decision], addresses: Collection[Address]) -> list[Decision]:
    """The decisions, those on these addresses shown as an outage."""
    return [
        attrs.evolve(decision, change=attrs.evolve(decision.change, impact=Impact.OUTAGE))
        if decision.change.address in addresses
        else decision
        for decision in decisions
    ]
