"""Whole runs to die in: each example, and each kind of change that a plan can make of a world."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import attrs

from plans.asked import NOTHING, Asked
from plans.manifest import Manifest
from plans.plan import Plan
from plans.planfile import dumps, loads
from plans.retention import Retention
from providers.errors import BatchwrightError
from providers.simulator import Durations, Fault
from providers.simulator import Settings as Simulated
from tests.kit import EXAMPLES, LAB, REGION, TRAINING, Stage, address, edit, example, manifest
from tests.lifecycle import test_busy_farm as farm
from tests.lifecycle import test_owning as owning
from tests.lifecycle.test_canaries import HELD_BACK
from tests.lifecycle.test_crash import CHANGED
from tests.lifecycle.test_definition_canary import FAILING, FARM, LASTS, NEXT, STUCK
from tests.lifecycle.test_delete_first import ANEW, BEFORE, BOTH, BOTH_ANEW, NAMED
from tests.lifecycle.test_kinds import CHANGED as TRAINED
from tests.lifecycle.test_launching import BARE, SPOT
from tests.lifecycle.test_quantities import COINS, LICENCES, MORE, TOPPED_UP, USED_UP
from tests.lifecycle.test_queue_drain import LOW, NEVER, OUTAGE, UNSHARED, UNTRAINED, WITHOUT, draining, service, submit
from tests.lifecycle.test_regimes import EDITS, REPLACED, UNASKED, written
from tests.lifecycle.test_replacement import A, B, C, fixed, tried
from tests.lifecycle.test_replacement_on_demand import ASKED
from tests.lifecycle.test_retention import approved
from tests.lifecycle.test_rollback import ALIGN, STACK, grown, version
from tests.lifecycle.test_trouble import FARGATE as WITH_A_BAD_ROLE
from tests.lifecycle.test_trouble import MENDED, lose
from tests.lifecycle.watching import Watcher

Wanted = Manifest | str
Run = Callable[[Stage], Any]

BUSY = attrs.evolve(NEVER, durations=Durations(job_running=90))
"""Jobs take a minute and a half, but for those that never run."""
ONE_BY_ONE = tuple(Fault(name, "unknown", times=None) for name in ("CancelJobs", "TerminateJobs"))
"""A service that ends one job in a call."""


@attrs.frozen
class Scenario:
    """A world as `before` leaves it, and the command `run` in it, which gives a report, or raises an error of ours.

    Nothing is left to do for `wanted` afterwards, unless the command itself came to no good end. The service is
    `simulated` so, and has these `faults` while the command runs. `watched` attends to what must never be
    meanwhile. Where there is an `edit`, whoever comes after a death wants something else by then, and runs that: names
    that we make up, and numbers of revisions, may be others than without the death.
    """

    before: Run
    run: Run
    wanted: Wanted | None = None
    simulated: Simulated = Simulated()
    faults: tuple[Fault, ...] = ()
    watched: Run | None = None
    region: str = REGION
    edit: Run | None = None

    def ended(self, stage: Stage) -> int:
        """Run the command; its exit code."""
        return _exit_code(self.run, stage)

    def edited(self, stage: Stage) -> int:
        """Run what is run after a death; its exit code."""
        return _exit_code(self.edit or self.run, stage)


def _exit_code(run: Run, stage: Stage) -> int:
    try:
        return int(run(stage).exit_code)
    except BatchwrightError as error:
        return error.exit_code


def watch(stage: Stage) -> None:
    """No queue may be without an environment."""
    Watcher(stage).attend()


def _applying(*all_of: Wanted) -> Run:
    def run(stage: Stage) -> Any:
        return [stage.apply(wanted) for wanted in all_of][-1] if all_of else None

    return run


def _change(before: Wanted | Run, wanted: Wanted, **given: Any) -> Scenario:
    """From one manifest, or whatever else there was, to another."""
    more = {name: given.pop(name) for name in ("simulated", "faults", "watched", "region") if name in given}
    begun = before if callable(before) else _applying(before)
    return Scenario(begun, lambda stage: stage.apply(wanted, **given), wanted, **more)


def _edited(before: Wanted | Run, meant: Wanted, wanted: Wanted, **given: Any) -> Scenario:
    """On the way from one manifest to another it is edited to a third."""
    more = {name: given.pop(name) for name in ("simulated", "watched") if name in given}
    change = _change(before, meant, **more, **given)
    return attrs.evolve(change, wanted=wanted, edit=lambda stage: stage.apply(wanted, **given))


def _gone(wanted: Wanted, region: str = REGION) -> Scenario:
    return Scenario(_applying(wanted), lambda stage: stage.destroy(wanted), region=region)


def _of_example(name: str) -> Mapping[str, Scenario]:
    wanted = example(name)
    region = wanted.target.region or REGION
    return {
        f"example {name}, made": _change(_NOTHING, wanted, region=region),
        f"example {name}, destroyed": _gone(wanted, region),
    }


def _drained(mode: str, *, text: str = WITHOUT, faults: tuple[Fault, ...] = (), count: int = 55) -> Scenario:
    """A queue goes that holds jobs which run and, unless they are waited for, jobs that never will."""

    def busy(stage: Stage) -> None:
        stage.apply(LAB)
        submit(stage, 3)
        stage.settle(30)
        if mode != "wait":
            submit(stage, count, name="stuck")

    return _change(busy, draining(mode, text=text), simulated=BUSY, faults=faults)


def _trained(text: str, queue: str, mode: str, faults: tuple[Fault, ...] = (), **given: str) -> Scenario:
    """What service jobs run in goes."""

    def busy(stage: Stage) -> None:
        stage.apply(TRAINING)
        for _ in range(2):
            service(stage, queue, **given)

    return _change(busy, draining(mode, text=text), simulated=BUSY, faults=faults)


def _as(made: Callable[[], Stage]) -> Run:
    """What was there is made anew for each run, and taken over by the stage as it is."""

    def before(stage: Stage) -> None:
        ready = made()
        stage.clock.instant = ready.clock.now()
        ready.simulator.store._connection.backup(stage.simulator.store._connection)

    return before


def _handed_over(name: str) -> Scenario:
    """Tags change hands."""
    made, run = owning.RUNS[name]
    return Scenario(_as(made), run)


def _held(before: str, wanted: str, asked: Asked = NOTHING) -> Scenario:
    """What was planned once, read back from its file: to ask for a replacement again is to ask for another one."""

    @cache
    def held() -> Plan:
        stage = Stage.new()
        stage.apply(before)
        return loads(dumps(stage.plan(wanted, asked=asked), {}))[0]

    def run(stage: Stage) -> Any:
        return stage.apply(wanted, asked=asked, held=held())

    return Scenario(_applying(before), run, wanted, watched=watch)


def _at_work(last: Wanted) -> Scenario:
    """Jobs run and come all the while."""
    return _edited(_as(farm.busy), farm.TO, last, simulated=farm.BUSY, asked=farm.REPAIR, watched=farm.watched)


def _rolled_back(stage: Stage) -> Any:
    return stage._run(stage.reconciler.rollback, STACK, {"address": ALIGN, "revision": 1})


def _pruned(stage: Stage) -> Any:
    wanted = manifest(edit(version(3), ("  align:\n", "  align:\n    rollout: {keep: 3}\n")))
    return stage._run(stage.reconciler.prune_revisions, wanted, {"retention": Retention(keep=1), "approve": approved})


def _lost(stage: Stage) -> None:
    """An environment that is INVALID because of its role, and that an update can mend."""
    stage.apply(A)
    lose(stage, "shared")


_RENEWED = edit(LAB, (LOW, LOW.replace("}", ", lifecycle: {replace: deleteFirst}, drain: {mode: wait}}"))) + OUTAGE
_TURNED_OFF = edit(LAB, ("low: {priority: 1,", "low: {priority: 1, state: DISABLED,")) + OUTAGE
_IN_PLACE = written({(name, path): value for name, path, value, _ in EDITS})
_IN_PLACE_OR_NOT = written(
    {(name, path): value for name, path, value in REPLACED}
    | {(name, "lifecycle"): {"replace": "deleteFirst"} for name in UNASKED}
)
_NOTHING = _applying()
_MANNERS: Mapping[str, Callable[[str], str]] = {"create first": str, "two hop": fixed, "create first, tried": tried}
_EXAMPLES = sorted(path.parent.name for path in EXAMPLES.glob("*/batchwright.yaml"))

SCENARIOS: Mapping[str, Scenario] = {
    **{key: scenario for name in _EXAMPLES for key, scenario in _of_example(name).items()},
    "lab, changed": _change(LAB, CHANGED),
    "lab, destroyed": _gone(LAB),
    "training, made": _change(_NOTHING, TRAINING),
    "training, changed": _change(TRAINING, TRAINED),
    "training, destroyed": _gone(TRAINED),
    "infrastructure": _change(LAB, edit(LAB, ("[subnet-1]", "[subnet-2]")), watched=watch),
    "a queue turned off": _change(LAB, _TURNED_OFF),
    "the newest image": _change(BARE, BARE, asked=Asked(update_image=[SPOT])),
    "sixty resources, in place": _change(written({}), _IN_PLACE),
    "sixty resources, some anew": _change(written({}), _IN_PLACE_OR_NOT),
    "create first": _change(A, B, watched=watch),
    "two hop": _change(fixed(A), fixed(B), watched=watch),
    "delete first": _change(BEFORE, ANEW, watched=watch),
    "delete first, two at once": _change(BOTH, BOTH_ANEW, watched=watch),
    "another name": _change(BEFORE, NAMED, watched=watch),
    "create first, tried": _change(tried(A), tried(B), watched=watch),
    "two hop, asked for": _change(fixed(A), fixed(A), asked=ASKED, watched=watch),
    **{f"{name}, held": _held(manner(A), manner(B)) for name, manner in _MANNERS.items()},
    **{f"{name}, asked for and held": _held(manner(A), manner(A), ASKED) for name, manner in _MANNERS.items()},
    **{
        f"{name}, edited{how}": _edited(manner(A), manner(B), manner(last), watched=watch)
        for name, manner in _MANNERS.items()
        for how, last in (("", C), (" back", A))
    },
    **{f"a farm at work{how}": _at_work(last) for how, last in farm.LASTS.items()},
    **{
        f"a canary, {name}{how}": _edited(
            said + tried(A), said + tried(B), said + tried(last), asked=asked, watched=watch
        )
        for name, (said, asked) in HELD_BACK.items()
        for how, last in (("", B), (", edited", C), (", edited back", A))
    },
    "a definition, tried": _change(FARM, NEXT, watched=watch),
    "a definition, tried in vain": _change(FARM, NEXT, simulated=FAILING),
    **{f"a definition, edited{how}": _edited(FARM, NEXT, last, simulated=STUCK) for how, last in LASTS.items()},
    "a queue made anew": _change(LAB, _RENEWED, asked=Asked(replace=[address("job_queue.low")]), simulated=BUSY),
    **{f"drain {mode}": _drained(mode) for mode in ("refuse", "wait", "cancel", "terminate")},
    **{f"drain {mode}, one by one": _drained(mode, faults=ONE_BY_ONE, count=3) for mode in ("cancel", "terminate")},
    "service jobs, waited for": _trained(UNTRAINED, "lab-train", "wait"),
    "service jobs, ended": _trained(UNTRAINED, "lab-train", "terminate"),
    "service jobs, ended one by one": _trained(
        UNTRAINED, "lab-train", "terminate", (Fault("TerminateServiceJobs", "unknown", times=None),)
    ),
    "a quota share, ended": _trained(UNSHARED, "lab-teams", "terminate", quotaShareName="lab-red"),
    "a role mended": _change(WITH_A_BAD_ROLE, MENDED),
    "a repair": _change(_lost, A, asked=farm.REPAIR),
    "a quantity": _change(LICENCES, MORE),
    "a quantity that jobs use up": _change(USED_UP, TOPPED_UP, asked=Asked(set_quantity=COINS)),
    **{f"hands: {name}": _handed_over(name) for name in owning.RUNS},
    "rollback": Scenario(lambda stage: grown(stage, 3), _rolled_back),
    "prune revisions": Scenario(lambda stage: grown(stage, 3), _pruned),
}
