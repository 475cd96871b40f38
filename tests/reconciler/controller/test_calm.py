"""Whatever happened in whatever order: when all is calm, every stack is as it is to be."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import LockHeld, StalePlan
from tests.reconciler.controller.stages import HandPool, Room, room

CONFIGURED = """
workers: 2
sources:
  here: {folder: stacks, interval: 1m}
  there: {folder: others, interval: 2m}
targets:
  lab: {region: eu-west-1}
  far: {region: eu-west-1}
stacks:
  one: {source: here, target: lab, paths: [one.yaml], mode: apply-and-heal}
  two: {source: here, target: lab, paths: [two.yaml], mode: apply-and-heal, dependsOn: [one], interval: 1h}
  three: {source: there, target: far, paths: [three.yaml], mode: apply-and-heal, dependsOn: [two], approval: {by: api}}
"""
STACKS = {"one": "stacks", "two": "stacks", "three": "others"}


def text(stack: str, share: int) -> str:
    policy = f"{{fairsharePolicy: {{shareDecaySeconds: {share + 60}, computeReservation: 5}}}}"
    return f"stack: {stack}\nschedulingPolicies:\n  {stack}: {policy}\n"


@attrs.define(eq=False)
class Play:
    """A room in which things happen; what runs at once is looked at on the way."""

    made: Room
    pool: HandPool
    wanted: dict[str, int] = attrs.field(factory=lambda: dict.fromkeys(STACKS, 0))

    def write(self, stack: str, number: int, broken: bool = False) -> None:
        self.wanted[stack] = number
        folder = self.made.folder / STACKS[stack]
        if not folder.exists():
            return
        (folder / f"{stack}.yaml").write_text("nonsense: [" if broken else text(stack, number))

    def drift(self, stack: str, number: int) -> None:
        world = self.made.stage.world
        for found in world.list_scheduling_policies()["schedulingPolicies"]:
            if found["arn"].endswith(f"/{stack}"):
                world.update_scheduling_policy(arn=found["arn"], fairsharePolicy={"shareDecaySeconds": number + 1000})

    def approve(self, stack: str, _number: int) -> None:
        plan = self.made.status(stack).plan
        if plan is not None and self.made.loop.leading is not None:
            self.made.front.approve(stack, plan, "ann")

    def away(self, stack: str, number: int) -> None:
        here, gone = self.made.folder / STACKS[stack], self.made.folder / f"{STACKS[stack]}.gone"
        if number % 2 and here.exists():
            here.rename(gone)
        elif gone.exists():
            gone.rename(here)

    def step(self, action: str, stack: str, number: int) -> None:
        made = self.made
        doings: Mapping[str, Callable[[], object]] = {
            "write": lambda: self.write(stack, number),
            "break": lambda: self.write(stack, number, broken=True),
            "drift": lambda: self.drift(stack, number),
            "suspend": lambda: made.front.suspend(stack, bool(number % 2), "ann"),
            "approve": lambda: self.approve(stack, number),
            "look": lambda: made.front.look(stack, "ann"),
            "hint": lambda: made.front.hint("here" if stack == "one" else "there"),
            "away": lambda: self.away(stack, number),
            "lead": lambda: made.store.raise_fence("another", made.now),
            "store": lambda: setattr(made.shaky, "away", [(), ("put_status",), ("begin", "end"), ("*",)][number % 4]),
            "work": lambda: self.pool.let(number),
            "turn": lambda: None,
            "time": lambda: made.pass_time(number * 20.0),
        }
        try:
            doings[action]()
        except LockHeld:
            assert made.loop.leading is None
        except StalePlan:
            assert action == "approve"
        except BaseException:
            # A word to a store that is away is refused, and that is all.
            if not made.shaky.away:
                raise
        made.loop.turn()
        running = [held.stack.name for held in made.loop.agenda.held.values() if held.run is not None]
        flying = [work.key for work in made.loop.flight.works.values()]
        assert len(flying) == len(set(flying)), "twice at once"
        assert sorted(running) == sorted(name for sort, name in flying if sort == "stack")

    def calm(self) -> None:
        """Mend all, let workers end, and approve what is to be approved."""
        made = self.made
        made.shaky.away = ()
        while made.loop.leading is None:
            while self.pool.left:
                self.pool.let()
            made.pass_time(5)
        for stack in STACKS:
            self.away(stack, 0)
            self.write(stack, self.wanted[stack])
            made.front.suspend(stack, False, "ann")
        for _ in range(300):
            made.pass_time(30)
            while self.pool.left:
                self.pool.let()
                made.loop.turn()
            if made.answer("AwaitingApproval", "three") == ("True", "WaitsForApproval"):
                self.approve("three", 0)
            if self.as_wanted():
                return
        raise AssertionError(made.told())

    def as_wanted(self) -> bool:
        return all(
            self.made.status(stack).ready and self.made.stage.plan(text(stack, self.wanted[stack])).empty
            for stack in STACKS
        )


ACTIONS = [
    "write",
    "break",
    "drift",
    "suspend",
    "approve",
    "look",
    "hint",
    "away",
    "lead",
    "store",
    "work",
    "turn",
    "time",
]
EVENTS = st.tuples(
    st.sampled_from([*ACTIONS, "work", "work", "work", "time", "write"]),
    st.sampled_from(list(STACKS)),
    st.integers(0, 9),
)


@settings(max_examples=20)
@given(st.lists(EVENTS, max_size=40))
def test_in_the_end_all_is_as_it_is_to_be(events: list[tuple[str, str, int]]) -> None:
    """Nothing that came in on the way is lost, whatever else went on, and nothing is done twice at once."""
    with tempfile.TemporaryDirectory() as name:
        folder, pool = Path(name), HandPool()
        for place in set(STACKS.values()):
            (folder / place).mkdir()
        with room(folder, CONFIGURED, pool=pool) as made:
            play = Play(made, pool)
            for stack in STACKS:
                play.write(stack, 0)
            for event in events:
                play.step(*event)
            play.calm()
            assert not [about for said, about in made.lines if said == "unexpected"]
