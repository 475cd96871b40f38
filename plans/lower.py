"""From changes to steps: the edges between them, and what stands in their way.

What is made waits for what it needs to have settled. What goes, or is switched off, waits for all that used it to have
let go or gone.
"""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from plans.arrivals import arrive
from plans.chains import Lowered
from plans.change import Action, Refusal
from plans.decide import Decision
from plans.graph import dependencies
from plans.plan import Step
from plans.removals import leave
from plans.world import World, referred
from providers.resources import Address, Live


def lower(decisions: Sequence[Decision], world: World, *, now: float) -> tuple[tuple[Step, ...], tuple[Refusal, ...]]:
    """The steps of all changes, in an order in which they could be carried out one by one, and what forbids them."""
    walk = _Lowering(
        world,
        {
            decision.change.address: leave(decision, world.kinds[decision.change.kind])
            if decision.resource is None
            else arrive(decision, world.kinds[decision.change.kind], now=now)
            for decision in decisions
        },
        {decision.change.address: decision for decision in decisions},
        {
            live.arn: decision
            for decision in decisions
            for live in (*decision.ours, *([decision.live] if decision.live else ()))
        },
    )
    steps: list[Step] = []
    refusals: list[Refusal] = []
    for decision in decisions:
        own = walk.lowered[decision.change.address]
        if decision.resource is None:
            before, refused = walk.after_users(decision)
            refusals += refused
        else:
            before = walk.after_needs(decision)
        steps += own.behind(before)
    return _sorted(steps), tuple(refusals)


@attrs.frozen
class _Lowering:
    """All changes with their steps, by address; `by_arn` finds the change of a live object."""

    world: World
    lowered: Mapping[Address, Lowered]
    decisions: Mapping[Address, Decision]
    by_arn: Mapping[str, Decision]

    def after_needs(self, decision: Decision) -> list[str]:
        """The last steps of what a resource needs; and where it switches off, of those that let go of it."""
        assert decision.resource is not None
        needed = [
            address
            for address in dependencies(decision.resource, self.world.kinds)
            if address in self.decisions and not _closing(self.decisions[address])
        ]
        before = [name for address in needed for name in self.lowered[address].last]
        if _closing(decision) and decision.live is not None:
            for user in self.world.users(decision.live):
                own = self.by_arn.get(user.arn)
                before += self.lowered[own.change.address].last if own is not None else ()
        return before

    def after_users(self, decision: Decision) -> tuple[list[str], list[Refusal]]:
        """The steps after which nothing refers any more to what is to go, and what stands in their way."""
        before: list[str] = []
        refused = list(self.unseen_users(decision))
        users = {user.arn: user for live in decision.ours for user in self.world.users(live)}
        for user in users.values():
            own = self.by_arn.get(user.arn)
            if own is not None and self.lets_go(user, own, decision):
                before += self.lowered[own.change.address].last
            elif user.status != "DELETING":
                refused.append(self.in_use(decision, user))
        return before, refused

    def unseen_users(self, decision: Decision) -> Iterable[Refusal]:
        """What cannot be read here may use what is to go."""
        for kind in self.world.kinds:
            reason = self.world.snapshot.unobserved.get(kind.name)
            if reason is not None and decision.ours and decision.change.kind in kind.references.values():
                message = f"whether a {kind.title} uses {decision.change.name} cannot be told: {reason}"
                hint = "allow the reading, or keep it with policy.prune: false"
                yield Refusal(str(decision.change.address), "in-use-unknown", message, hint)

    def lets_go(self, user: Live, own: Decision, decision: Decision) -> bool:
        """Whether a user is gone after its change, or no longer refers to what another change takes away."""
        if own.resource is None:
            return user in own.ours
        kept = {str(arn) for arn in referred(own.spec, self.world.kinds[own.change.kind], decision.change.kind)}
        changed = own.units or own.change.action in (Action.CREATE, Action.REGISTER)
        return bool(changed) and not kept & {live.arn for live in decision.ours}

    def in_use(self, decision: Decision, user: Live) -> Refusal:
        owner = f"of stack {user.owner}" if user.owner else "of no stack"
        message = f"{decision.change.name} is used by the {self.world.kinds[user.kind].title} {user.name} {owner}"
        hint = "let its user go first, or put it back into the manifest"
        return Refusal(str(decision.change.address), "in-use", message, hint)


def _closing(decision: Decision) -> bool:
    """Whether a change switches off something that works; whoever uses it is changed before."""
    return (
        decision.change.action is Action.UPDATE
        and "state" in decision.units
        and decision.spec.get("state") == "DISABLED"
        and decision.live is not None
        and decision.live.status == "VALID"
    )


def _sorted(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps in the order given, each moved behind what it comes after."""
    by_id = {step.id: step for step in steps}
    done: dict[str, Step] = {}
    for step in by_id.values():
        trail = [step] if step.id not in done else []
        while trail:
            waiting = next((by_id[name] for name in trail[-1].after if name not in done), None)
            if waiting is not None:
                trail.append(waiting)
            else:
                here = trail.pop()
                done[here.id] = here
    return tuple(done.values())
