"""From changes to steps: the edges between them, and what stands in their way.

What is made waits for what it needs to have settled. What goes, or is switched off, waits for all that used it to have
let go or gone.
"""

from collections.abc import Iterable, Sequence

from plans.arrivals import arrive
from plans.canaries import Canaries
from plans.change import Action, Refusal
from plans.decision import Decision
from plans.graph import dependencies
from plans.plan import Step
from plans.removals import leave
from plans.succession import Succession
from plans.users import Users
from plans.world import World
from providers.resources import Address

_NONE = Canaries()


def lower(
    decisions: Sequence[Decision], world: World, canaries: Canaries = _NONE, *, now: float
) -> tuple[tuple[Step, ...], tuple[Refusal, ...], frozenset[Address]]:
    """The steps of all changes, in an order in which they could be carried out one by one, what forbids them, and
    the addresses whose steps leave somebody without what works for a while.

    Nothing is used by others before its canary has succeeded.
    """
    alone = {
        decision.change.address: leave(decision, world)
        if decision.resource is None
        else arrive(decision, world.kinds[decision.change.kind], now=now)
        for decision in decisions
    }
    tried = canaries.tried(alone, decisions, world)
    lowered = tried.lowered
    users = Users.of(decisions, lowered, world)
    succession = Succession(world, users)
    steps: list[Step] = []
    refusals: list[Refusal] = [*tried.refusals]
    for decision in decisions:
        if decision.resource is None:
            before, refused = users.gone(decision)
            steps += lowered[decision.change.address].behind(before)
            refusals += refused
        else:
            before = [*_after_needs(decision, users), *tried.before.get(decision.change.address, ())]
            steps += succession.carried_out(decision, before)
    ordered, circle = _sorted(steps)
    if circle:
        message = f"these steps would wait for each other: {', '.join(circle)}"
        refusals.append(Refusal("", "circle", message, "make the changes one after the other, with --only"))
    return ordered, (*refusals, *succession.refusals), frozenset(succession.outages)


def _after_needs(decision: Decision, users: Users) -> list[str]:
    """The last steps of what a resource needs; and where it switches off, of those that let go of it."""
    assert decision.resource is not None
    needed = [
        address
        for address in dependencies(decision.resource, users.world.kinds)
        if address in users.decisions and not _closing(users.decisions[address])
    ]
    before = [name for address in needed for name in users.lowered[address].last]
    if _closing(decision) and decision.live is not None:
        for user in users.world.users(decision.live):
            own = users.by_arn.get(user.arn)
            before += users.lowered[own.change.address].last if own is not None else ()
    return before


def _closing(decision: Decision) -> bool:
    """Whether a change switches off something that works; whoever uses it is changed before."""
    return (
        decision.change.action in (Action.UPDATE, Action.REPLACE)
        and decision.manner is None
        and "state" in decision.units
        and decision.spec.get("state") == "DISABLED"
        and decision.live is not None
        and decision.live.status == "VALID"
    )


def _sorted(steps: Iterable[Step]) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps in the order given, each moved behind what it comes after; or those that come after themselves."""
    by_id: dict[str, Step] = {}
    for step in steps:
        assert step.id not in by_id, step.id
        by_id[step.id] = step
    done: dict[str, Step] = {}
    for step in by_id.values():
        trail = {step.id: step} if step.id not in done else {}
        while trail:
            here = next(reversed(trail.values()))
            waiting = next((by_id[name] for name in here.after if name not in done), None)
            if waiting is None:
                done[here.id] = trail.pop(here.id)
            elif waiting.id in trail:
                passed = [*trail]
                return (), tuple(passed[passed.index(waiting.id) :])
            else:
                trail[waiting.id] = waiting
    return tuple(done.values()), ()
