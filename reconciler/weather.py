"""Faults that a rehearsal meets, drawn by a seed: what accounts and networks do on an ordinary day, or on a bad one."""

import random
from collections.abc import Callable, Mapping, Sequence

from plans.plan import Plan
from plans.rehearsal import Faults
from providers.kinds import Kinds
from providers.simulator import Fault

_LIGHT: tuple[str, ...] = ("throttle", "throttle", "server", "stale", "slow", "refused")
_HEAVY: tuple[str, ...] = (*_LIGHT, "lost", "lost", "server", "invalid", "denied", "expired")
_KINDS: Mapping[Faults, tuple[str, ...]] = {"none": (), "light": _LIGHT, "heavy": _HEAVY}
_COUNTS: Mapping[Faults, tuple[int, int]] = {"none": (0, 0), "light": (2, 4), "heavy": (4, 8)}
_REASON = "CLIENT_ERROR - You are not authorized to use launch template: lt-rehearsed"

_READS = ("stale",)
_WRITES = ("lost", "slow", "invalid")


def script(plan: Plan, kinds: Kinds, faults: Faults, dice: random.Random) -> tuple[Fault, ...]:
    """Faults for the calls that a plan makes, and for those that look at what it waits for."""
    writes = sorted({step.call for step in plan.steps if step.call is not None})
    reads = sorted({kinds[step.address.partition(".")[0]].facts.lookup.describe for step in plan.steps})
    least, most = _COUNTS[faults]
    drawn = [dice.choice(_KINDS[faults]) for _ in range(dice.randint(least, most))]
    return tuple(_fault(kind, writes, reads, dice) for kind in drawn if writes or kind not in _WRITES)


def _fault(kind: str, writes: Sequence[str], reads: Sequence[str], dice: random.Random) -> Fault:
    among = reads if kind in _READS else writes if kind in _WRITES else [*writes, *reads]
    made: Mapping[str, Callable[[], Fault]] = {
        "invalid": lambda: Fault(dice.choice(among), "invalid", after=dice.randint(0, 1), reason=_REASON),
        "slow": lambda: Fault(dice.choice(among), "slow", after=dice.randint(0, 1), seconds=dice.uniform(30, 300)),
        "stale": lambda: Fault(
            dice.choice(among), "stale", after=dice.randint(0, 3), times=dice.randint(1, 3), seconds=30
        ),
        "throttle": lambda: Fault(dice.choice(among), "throttle", after=dice.randint(0, 3), times=dice.randint(1, 5)),
        "server": lambda: Fault(dice.choice(among), "server", after=dice.randint(0, 3), times=dice.randint(1, 3)),
        "refused": lambda: Fault(dice.choice(among), "refused", after=dice.randint(0, 3), times=dice.randint(1, 2)),
        "lost": lambda: Fault(dice.choice(among), "lost", after=dice.randint(0, 1)),
        "denied": lambda: Fault(dice.choice(among), "denied", after=dice.randint(0, 3)),
        "expired": lambda: Fault(dice.choice(among), "expired", after=dice.randint(0, 3)),
    }
    return made[kind]()
