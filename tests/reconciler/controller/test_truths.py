"""Whatever happens to stacks of whatever mode, what is told of them is true (`truths`)."""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import LockHeld, StalePlan
from providers.simulator import Fault
from reconciler.controller.conditions import ALLOWED
from reconciler.outset import lock_of
from reconciler.settings import Settings
from tests.kit import ACCOUNT, Stage
from tests.reconciler.controller.stages import HandPool, Room, room
from tests.reconciler.controller.test_calm import text

MODES: Mapping[str, str] = {
    "observes": "mode: observe",
    "plans": "mode: plan",
    "applies": "mode: apply, prune: true",
    "heals": "mode: apply-and-heal, drift: [{path: fairsharePolicy.computeReservation, do: report}]",
    "asks": "mode: apply-and-heal, approval: {by: api}",
    "waits": 'mode: apply-and-heal, windows: [{allow: "0 * * * *", for: 10m}]',
    "follows": "mode: apply, dependsOn: [applies]",
}
CONFIGURED = """
sources:
  here: {folder: stacks, interval: 1m}
targets:
  lab: {region: eu-west-1}
stacks:
""" + "".join(
    f"  {name}: {{source: here, target: lab, paths: [{name}.yaml], {said}}}\n" for name, said in MODES.items()
)
FAULTS = [
    Fault("*SchedulingPolicy", "denied", times=2),
    Fault("List*", "refused", times=20),
    Fault("*", "throttle", times=3),
    Fault("*SchedulingPolicy", "lost"),
    Fault("CreateSchedulingPolicy", "expired"),
]


@attrs.define(eq=False)
class Walk:
    """A room in which things happen, one after the other."""

    made: Room
    pool: HandPool
    locks: ExitStack

    def step(self, action: str, stack: str, number: int) -> None:
        made = self.made
        doings: Mapping[str, Callable[[], object]] = {
            "write": lambda: made.write(text(stack, number), f"{stack}.yaml"),
            "break": lambda: made.write("nonsense: [", f"{stack}.yaml"),
            "claim": lambda: made.write(text("heals", number), f"{stack}.yaml"),
            "drift": lambda: self.drift(stack, number),
            "suspend": lambda: made.front.suspend(stack, number % 3 == 0, "ann"),
            "approve": lambda: made.front.approve(stack, str(made.status(stack).plan), "ann"),
            "override": lambda: made.front.override(stack, str(made.status(stack).plan), "ann"),
            "look": lambda: made.front.look(stack, "ann"),
            "fault": lambda: made.stage.simulator.inject(FAULTS[number % len(FAULTS)]),
            "lock": lambda: self.lock(stack),
            "unlock": self.locks.close,
            "away": self.away,
            "lead": lambda: made.store.raise_fence("another", made.now),
            "work": lambda: self.pool.let(number),
            "time": lambda: made.pass_time(number * 20.0),
        }
        try:
            doings[action]()
        except LockHeld:
            assert made.loop.leading is None or action == "lock"
        except StalePlan:
            assert action in ("approve", "override")
        made.loop.turn()

    def drift(self, stack: str, number: int) -> None:
        world = self.made.stage.world
        for found in world.list_scheduling_policies()["schedulingPolicies"]:
            if found["arn"].endswith(f"/{stack}"):
                policy = {"shareDecaySeconds": 7 + number, "computeReservation": number}
                world.update_scheduling_policy(arn=found["arn"], fairsharePolicy=policy)

    def lock(self, stack: str) -> None:
        self.locks.enter_context(lock_of(self.made.stage.reconciler, ACCOUNT, stack, "apply", lambda _event: None))

    def away(self) -> None:
        here, gone = self.made.folder / "stacks", self.made.folder / "gone"
        if gone.exists():
            for each in here.glob("*") if here.exists() else ():
                each.replace(gone / each.name)
            if here.exists():
                here.rmdir()
            gone.rename(here)
        else:
            here.rename(gone)


ACTIONS = (
    "write", "break", "claim", "drift", "suspend", "approve", "override", "look", "fault", "lock", "unlock", "away",
    "lead", "work", "time",
)  # fmt: skip
EVENTS = st.tuples(
    st.sampled_from(
        [*ACTIONS, "write", "drift", "suspend", "work", "time", "time"],
    ),
    st.sampled_from(list(MODES)),
    st.integers(0, 9),
)


@settings(max_examples=12)
@given(st.lists(EVENTS, max_size=40), st.booleans())
def test_what_is_told_is_true(events: list[tuple[str, str, int]], slow: bool) -> None:
    """Every status that is told on the way has all conditions as the table has them, and none denies another."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as locks:
        folder, pool = Path(name), HandPool()
        stage = Stage.new(settings=Settings(state=folder / "state"))
        with room(folder, CONFIGURED, stage=stage, pool=pool if slow else None) as made:
            walk = Walk(made, pool, locks)
            for stack in MODES:
                made.write(text(stack, 0), f"{stack}.yaml")
            for event in events:
                walk.step(*event)
            assert made.witness.seen <= {
                (kind, answer, reason)
                for kind, answers in ALLOWED.items()
                for answer, reasons in answers.items()
                for reason in reasons
            }
            assert not [about for said, about in made.lines if said == "unexpected"]
