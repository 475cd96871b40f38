"""Die at each call of each scenario, before it goes out and after it was done, and run the same command again.

It has to end as the run that nobody disturbed: with its exit code, the same world, and as little left to do. Where the
manifest is edited meanwhile, as the run that nobody disturbed and the edited one after it.
"""

import argparse
import fnmatch
import itertools
import multiprocessing
import resource
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import attrs

from providers.resources import ADDRESS_TAG
from reconciler.engine import Settings
from tests.exploration.scenarios import SCENARIOS, Scenario
from tests.kit import Stage

When = Literal["before", "after"]
WHENS: tuple[When, When] = ("before", "after")

_ENDING = 86_400.0
"""Seconds in which everything that was begun comes to its end."""
_OF_ONE_LIFE = frozenset({"uuid", "ecsClusterArn", "createdAt", "batchwright:registered"})
"""What differs between two objects that are otherwise the same."""
_OF_ONE_WAY = frozenset({*_OF_ONE_LIFE, "revision"})
"""What differs too where one object was made in the place of another more or less often."""
_JOBS = ("job", "service_job")
_DICE, _OTHER_DICE = 7, 8
"""Seeds: the next process has dice of its own."""


@attrs.frozen
class Ending:
    """How a command ended: its exit code, the world afterwards, and what is left to do in it."""

    exit_code: int
    world: Any
    left: Any


@attrs.frozen
class Swept:
    """What became of a scenario: its calls, its deaths, and a line for each that was not made good."""

    name: str
    exit_code: int
    calls: int
    before: int
    after: int
    failures: tuple[str, ...] = ()


@attrs.frozen
class Moment:
    """What a process leaves behind that dies now: the world, the time, and what it keeps on disk."""

    when: When
    number: int
    call: str
    world: bytes
    instant: float
    kept: Mapping[str, bytes]


@attrs.frozen
class _Ground:
    """Stages of one scenario, each with a state folder of its own below `folder`."""

    scenario: Scenario
    folder: Path
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def stage(self, state: Path, seed: int) -> Stage:
        scenario = self.scenario
        return Stage.new(
            region=scenario.region, simulated=scenario.simulated, settings=Settings(state=state), seed=seed
        )

    def begun(self) -> Stage:
        """The world as it is when the command begins."""
        stage = self.stage(self._place(), _DICE)
        self.scenario.before(stage)
        return stage

    def moment(self, stage: Stage, when: When, number: int, call: str) -> Moment:
        state = stage.reconciler.settings.state
        kept = (
            {file.name: file.read_bytes() for file in state.iterdir()}
            if isinstance(state, Path) and state.exists()
            else {}
        )
        world = stage.simulator.store._connection.serialize()
        return Moment(when, number, call, world, stage.clock.now(), kept)

    def after(self, moment: Moment) -> Stage:
        """The stage of the next process."""
        state = self._place()
        state.mkdir()
        for name, content in moment.kept.items():
            (state / name).write_bytes(content)
        stage = self.stage(state, _OTHER_DICE)
        stage.clock.instant = moment.instant
        stage.simulator.store._connection.deserialize(moment.world)
        return stage

    def _place(self) -> Path:
        return self.folder / str(next(self._numbers))

    def run(self, stage: Stage) -> int:
        """Let the command run; its exit code."""
        stage.simulator.inject(*self.scenario.faults)
        return self.scenario.ended(stage)

    def edited(self, stage: Stage) -> int:
        """Let what is run after a death run; its exit code."""
        stage.simulator.inject(*self.scenario.faults)
        return self.scenario.edited(stage)

    def ended(self, stage: Stage, code: int, jobs: frozenset[str]) -> Ending:
        """How the command ended with this code; what it left behind comes to its end first."""
        wanted = self.scenario.wanted
        left = () if wanted is None else tuple(step.id for step in stage.plan(wanted).steps)
        stage.settle(_ENDING)
        return Ending(code, _world(stage, jobs, by_address=self.scenario.edit is not None), left)


def _all(moments: Sequence[Moment]) -> Sequence[Moment]:
    return moments


def sweep(name: str, choose: Callable[[Sequence[Moment]], Sequence[Moment]] = _all) -> Swept:
    """Die at the moments of a scenario that are chosen, and go on."""
    with TemporaryDirectory() as folder:
        ground = _Ground(SCENARIOS[name], Path(folder))
        stage = ground.begun()
        jobs = frozenset(_jobs(stage))
        moments: list[Moment] = []
        _attend(stage, lambda when, number, call: moments.append(ground.moment(stage, when, number, call)))
        code = ground.run(stage)
        _leave(stage)
        if ground.scenario.edit is not None:
            code = ground.edited(stage)
        expected = ground.ended(stage, code, jobs)
        failures = [f"{name}: nobody died, and {expected.left} is left"] if expected.left and not code else []
        deaths = choose(moments)
        for death in deaths:
            fork = ground.after(death)
            if ground.scenario.watched is not None:
                ground.scenario.watched(fork)
            found = ground.ended(fork, ground.edited(fork), jobs)
            if found != expected:
                told = "; ".join(itertools.islice(_differences(attrs.asdict(expected), attrs.asdict(found)), 5))
                failures.append(f"{name}: died {death.when} call {death.number}, {death.call}: {told}")
    whens = [death.when for death in deaths]
    return Swept(name, code, len(moments) // 2, whens.count("before"), whens.count("after"), tuple(failures))


def _attend(stage: Stage, hear: Callable[[When, int, str], object]) -> None:
    """Hear of each call of a stage's reconciler, with its number, before it goes out and after it was done."""
    for when in WHENS:
        numbers = itertools.count(1)

        def told(model: Any, when: When = when, numbers: Iterator[int] = numbers, **_: Any) -> None:
            hear(when, next(numbers), model.name)

        stage.batch.meta.events.register(f"{when}-call", told, unique_id=f"sweep-{when}")


def _leave(stage: Stage) -> None:
    for when in WHENS:
        stage.batch.meta.events.unregister(f"{when}-call", unique_id=f"sweep-{when}")


def _jobs(stage: Stage) -> Iterator[str]:
    for kinds in stage.simulator.show().values():
        for kind in _JOBS:
            yield from kinds[kind]


def _world(stage: Stage, jobs: frozenset[str], *, by_address: bool) -> Any:
    """Every object as it is described, and what became of these jobs; INACTIVE revisions are no part of it.

    `by_address`: objects of ours are called by their addresses, of several of one address the newest.
    """
    shown = {
        (scope, kind, name): described
        for scope, kinds in stage.simulator.show().items()
        for kind, objects in kinds.items()
        for name, described in sorted(objects.items(), key=lambda each: each[1].get("revision", 0))
        if (name in jobs if kind in _JOBS else kind != "child" and described.get("status") != "INACTIVE")
    }
    called = {
        name: described["tags"].get(ADDRESS_TAG, name)
        for (_, kind, name), described in shown.items()
        if by_address and kind not in _JOBS
    }
    without = _OF_ONE_WAY if by_address else _OF_ONE_LIFE
    return {
        f"{scope}/{kind}/{called.get(name, name)}": described["status"]
        if kind in _JOBS
        else _lasting(described, without, called)
        for (scope, kind, name), described in shown.items()
    }


def _lasting(shown: Any, without: Collection[str], called: Mapping[str, str]) -> Any:
    match shown:
        case dict():
            return {name: _lasting(value, without, called) for name, value in shown.items() if name not in without}
        case list():
            return [_lasting(value, without, called) for value in shown]
        case str():
            place, slash, name = shown.rpartition("/")
            return place + slash + called.get(name, name)
    return shown


def _differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted({*expected, *found}):
            yield from _differences(expected.get(name), found.get(name), f"{path}.{name}".removeprefix("."))
    elif expected != found:
        yield f"{path} is {found!s:.60}, not {expected!s:.60}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exploration.sweep", description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=["*"], help="patterns of their names; all where none is given")
    patterns = parser.parse_args(arguments).scenarios
    names = [name for name in SCENARIOS if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    width = max(map(len, names), default=0)
    print(f"{'scenario':{width}} {'exit':>5} {'calls':>6} {'before':>7} {'after':>6}")
    swept: list[Swept] = []
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as processes:
        for one in processes.map(sweep, names):
            swept.append(one)
            print(f"{one.name:{width}} {one.exit_code:>5} {one.calls:>6} {one.before:>7} {one.after:>6}", flush=True)
    total = [sum(column) for column in zip(*((one.calls, one.before, one.after) for one in swept), strict=True)]
    failures = [line for one in swept for line in one.failures]
    print("{:{width}} {:>5} {:>6} {:>7} {:>6}".format(f"{len(swept)} scenarios", "", *total, width=width))
    print("\n".join(failures) or "Each came to the same end as without a death.")
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"{sum(one.ru_utime + one.ru_stime for one in used):.0f} s of CPU")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
