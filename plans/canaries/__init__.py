"""Canaries: jobs that must succeed before what they try is used by anybody else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from plans.canaries import definitions, environments
from plans.chains import Lowered
from plans.change import Refusal
from plans.decision import Decision
from plans.graph import dependencies
from plans.world import World
from providers.resources import CANARY, Address, Live, Ref


@attrs.frozen
class Canaries:
    """The canaries of a plan: of environments that take the place of others, and of definitions to be registered."""

    of_environments: Sequence[environments.Trial] = ()
    of_definitions: Sequence[definitions.Trial] = ()

    @classmethod
    def of(cls, decisions: Sequence[Decision], world: World) -> "Canaries":
        return cls(environments.trials(decisions, world), definitions.trials(decisions, world))

    def told(self, decisions: Iterable[Decision]) -> list[Decision]:
        """The decisions; where a definition is tried first its change says so."""
        told = ((one.decision.change.address, definitions.reason(one)) for one in self.of_definitions)
        reasons = {address: reason for address, reason in told if reason is not None}
        return [
            attrs.evolve(decision, change=attrs.evolve(decision.change, reason=reasons[decision.change.address]))
            if decision.change.address in reasons
            else decision
            for decision in decisions
        ]

    @property
    def in_use(self) -> Sequence[Live]:
        """The definitions that an earlier run left and this one goes on with."""
        return definitions.in_use(self.of_definitions)

    def left_over(self, decisions: Sequence[Decision], world: World) -> list[Decision]:
        """The deletions of queues that canaries of environments left, whatever else is pruned."""
        return [*environments.left_over(self.of_environments, tuple(decisions), world)]

    def refusals(self, decisions: Sequence[Decision], world: World) -> Iterator[Refusal]:
        """What keeps a canary from being tried."""
        yield from environments.refusals(self.of_environments, world)
        yield from definitions.refusals(self.of_definitions, decisions, world)

    def tried(self, lowered: Mapping[Address, Lowered], decisions: Sequence[Decision], world: World) -> "Tried":
        """The steps of all changes with those of their canaries; refused is a canary that would wait for itself."""
        made, before = dict(lowered), dict[Address, Sequence[str]]()
        for trial in self.of_environments:
            made[trial.decision.change.address] = environments.steps(trial, made, world)
        for decision in decisions:
            address = decision.change.address
            if decision.resource is None and is_canary(address) and not is_queue_of_one(address):
                made[address] = definitions.cleared(decision, lowered[address])
        refused: list[Refusal] = []
        for one in self.of_definitions:
            address = one.decision.change.address
            if one.through is not None and self._waits(one.through, address, lowered, decisions, world):
                refused.append(definitions.circle(one))
            elif isinstance(one.queue, str | Ref):
                made[address] = definitions.steps(one, one.queue, lowered[address], world)
                left = made.get(one.address, Lowered()).steps
                before[address] = (
                    *(lowered[one.through].last if one.through is not None else ()),
                    *(step.id for step in left if step.call == "TerminateJob"),
                )
        return Tried(made, before, refused)

    def _waits(
        self,
        start: Address,
        end: Address,
        lowered: Mapping[Address, Lowered],
        decisions: Sequence[Decision],
        world: World,
    ) -> bool:
        """Whether the steps of one change come after those of another."""
        by_address = {decision.change.address: decision for decision in decisions}
        waiting, seen = [start], set[Address]()
        while waiting:
            here = waiting.pop()
            own = by_address.get(here)
            if here in seen or own is None or own.resource is None or not lowered[here].last:
                continue
            seen.add(here)
            waiting += [*dependencies(own.resource, world.kinds), *self._needs(here)]
        return end in seen

    def _needs(self, address: Address) -> Iterable[Address]:
        """What the canary of a change needs."""
        for trial in self.of_environments:
            if trial.decision.change.address == address and isinstance(trial.definition, Ref):
                yield trial.definition.address
        for one in self.of_definitions:
            if one.decision.change.address == address and one.through is not None:
                yield one.through


@attrs.frozen
class Tried:
    """The steps of all changes with those of canaries; `before` has what a canary waits for, by what it tries."""

    lowered: Mapping[Address, Lowered]
    before: Mapping[Address, Sequence[str]]
    refusals: Sequence[Refusal]


def litter(decisions: Iterable[Decision]) -> frozenset[Address]:
    """The addresses of the canaries of definitions at hand: what carries them was left by a run that was cut short."""
    return frozenset(
        definitions.shadow_of(decision.change.address)
        for decision in decisions
        if decision.resource is not None and decision.resource.rollout.canary is not None
    )


def is_queue_of_one(address: Address) -> bool:
    """Whether an address is that of a queue made for the canary of an environment."""
    return environments.is_queue_of_one(address)


def is_canary(address: Address) -> bool:
    """Whether an address is that of something made for a canary."""
    return address.name.endswith(CANARY)
