"""What ends before it is done: a controller that is stopped, and runs that give way, are suspended or take too long."""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

from providers.clock import Clock
from providers.errors import Interrupted
from reconciler.controller import rounds
from reconciler.controller.flight import GRACE
from reconciler.controller.leader import BEAT
from reconciler.controller.openapi import document
from reconciler.settings import Settings
from tests.kit import LAB, Stage, edit
from tests.reconciler.controller.stages import USUAL, HandPool, Room, room

WIDER = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"))
READS, CHANGES = "DescribeComputeEnvironments", "CreateComputeEnvironment"
STOPPED = "the controller was stopped by SIGTERM"
BOTH = pytest.mark.parametrize("operation", [READS, CHANGES])


def during(made: Room, operation: str, happens: Callable[[], object]) -> None:
    """Let something happen right before the first such call of a run."""
    left = [happens]

    def before(name: str, _number: int) -> None:
        if left and name == operation and made.loop.agenda.held["lab"].run is not None:
            left.pop()()

    made.stage.simulator.before_call = before


def ended(made: Room) -> Any:
    """The record of the first run, once it has ended."""
    made.until(lambda: made.run_of() is not None and made.run_of()["ended"] is not None)
    return made.front.runs("lab", 100)[-1]


@attrs.frozen
class Letting:
    """A clock under which something happens while somebody waits."""

    inner: Clock
    happens: Callable[[], object]

    @property
    def speed(self) -> float:
        return self.inner.speed

    def now(self) -> float:
        return self.inner.now()

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(seconds)

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        self.happens()
        self.inner.wait(futures, seconds)


def at_work(made: Room, pool: HandPool, doing: str) -> None:
    """Go on until `lab` is at something, which has not begun yet."""
    for _ in range(20):
        made.loop.turn()
        if made.loop.agenda.held["lab"].doing == doing:
            return
        pool.let()
    raise AssertionError(made.loop.agenda.held["lab"].doing)


def stopped(made: Room, pool: HandPool) -> None:
    """Stop the controller by SIGTERM, and let it come to its end."""
    stop: Future[int] = Future()
    stop.set_result(15)
    made.loop.clock = Letting(made.loop.clock, pool.let)
    made.loop.run(stop)


def test_a_run_that_the_end_of_the_controller_cut_short_was_interrupted(tmp_path: Path) -> None:
    """Its record and its stack say so, and by what."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        at_work(made, pool, "run")
        stopped(made, pool)
        (run,) = made.store.runs("lab")
        assert (run.outcome, run.why) == ("interrupted", STOPPED)
        ready = made.status().conditions["Ready"]
        assert (ready.status, ready.reason, ready.message) == ("False", "Interrupted", STOPPED)
        assert made.stage.mutations == []


def test_that_it_stops_is_told(tmp_path: Path) -> None:
    """Why, for which runs it waits, each under its id, how they ended, and, at the end, that it has."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        at_work(made, pool, "run")
        made.lines.clear()
        stopped(made, pool)
        (run,) = made.store.runs("lab")
        told = {"run": run.id, "stack": "lab"}
        assert [line for line in made.lines if line[0] not in ("stack", "interrupted")] == [
            ("stopping", {"why": STOPPED}),
            ("waiting for a run to end", told),
            ("run ended", {**told, "outcome": "interrupted", "why": STOPPED}),
            ("stopped", {"why": STOPPED}),
        ]


@BOTH
def test_a_run_that_gave_way_was_interrupted(tmp_path: Path, operation: str) -> None:
    """It says to which revision, which is made next."""
    with room(tmp_path) as made:
        made.write(LAB)
        held, source = made.loop.agenda.held["lab"], made.loop.agenda.sources["here"]

        def newer() -> None:
            made.write(WIDER)
            made.loop.outcomes.fetched(source, rounds.fetch(source.fetcher, source.revision, [held.stack], []))

        during(made, operation, newer)
        run = ended(made)
        assert source.revision is not None
        assert (run["outcome"], run["why"]) == ("interrupted", f"it gave way to revision {source.revision.id}")
        assert run["revision"] != source.revision.id
        made.until(lambda: made.stage.plan(WIDER).empty, 700)


@BOTH
def test_a_run_that_took_longer_than_it_may_timed_out(tmp_path: Path, operation: str) -> None:
    """Its record and its stack say so, and it is gone on with later."""
    with room(tmp_path, edit(USUAL, ("apply-and-heal", "apply-and-heal, timeout: 1m"))) as made:
        made.write(LAB)

        def late() -> None:
            made.stage.clock.sleep(70)
            made.loop._hurry()

        during(made, operation, late)
        run = ended(made)
        assert (run["outcome"], run["why"]) == ("timed-out", "it took longer than `timeout`")
        assert made.answer("Ready") == ("False", "TimedOut")
        assert made.status().conditions["Ready"].message == run["why"]
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        assert [run["outcome"] for run in made.front.runs("lab", 100)] == ["done", "timed-out"]


def test_who_asks_first_is_why(tmp_path: Path) -> None:
    """A run that takes too long and is then stopped too timed out."""
    with room(tmp_path) as made:
        made.write(LAB)

        def both() -> None:
            run = made.loop.agenda.held["lab"].run
            assert run is not None
            run.yielding.ask("it took longer than `timeout`", "TimedOut")
            run.yielding.ask("the controller was stopped by SIGTERM")

        during(made, CHANGES, both)
        assert ended(made)["outcome"] == "timed-out"


def test_what_the_document_says_of_a_run_is_so(tmp_path: Path) -> None:
    """Of each that is told it names every member, and every way to end."""
    said = document("1")["components"]["schemas"]["Run"]["properties"]
    with room(tmp_path) as made:
        made.write(LAB)
        run = ended(made)
    assert run.keys() == said.keys()
    assert said["outcome"]["enum"] == ["done", "failed", "interrupted", "timed-out", "lost", None]


def test_the_end_of_a_run_that_the_store_no_longer_has_is_given_up(tmp_path: Path) -> None:
    """It is told once, and what is to be told after it is told."""
    with room(tmp_path) as made:
        made.loop.turn()
        made.loop.notes.put("gone", partial(made.store.end, "0123456789ab", "done", None, made.now))
        made.loop.notes.put("status", partial(made.store.put_status, "other", {}, made.now))
        made.pass_time(300)
        assert len(made.loop.notes) == 0
        assert "other" in made.store.statuses()
        (said,) = [about for event, about in made.lines if event == "given up"]
        assert "has no run 0123456789ab" in said["error"]
        assert not [event for event, _ in made.lines if event == "store failed"]


def test_what_the_store_could_not_be_told_is_tried_once_more_at_the_end(tmp_path: Path) -> None:
    """Though it failed a moment ago: else the run would be taken for one whose controller died."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        at_work(made, pool, "run")
        made.loop.notes.put("fails", lambda: made.loop.store.end("x", "done", None, 0.0))
        made.shaky.away = ("end",)
        made.loop.notes.tell(made.now)
        made.shaky.away = ()
        stopped(made, pool)
        assert made.store.unended() == ()


def test_a_look_ends_with_the_controller(tmp_path: Path) -> None:
    """It asks no more, nothing is told of what it found, and nothing begins."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        at_work(made, pool, "look")
        before = made.status()
        stopped(made, pool)
        assert not made.stage.simulator.calls
        assert made.status() == before
        assert made.loop.flight.works == {}


def test_a_look_ends_at_its_next_call(tmp_path: Path) -> None:
    """Not at the last one of all its stacks."""
    stage, stop = Stage.new(settings=Settings(parallelism=1)), Future[int]()
    with room(tmp_path, stage=stage) as made:
        made.write(LAB)
        said, revision = made.loop.configuration, made.loop.agenda.sources["here"].fetcher.fetch(None)

        def second(_operation: str, _number: int) -> None:
            if len(stage.simulator.calls) == 2:
                stop.set_result(15)

        stage.simulator.before_call = second
        with pytest.raises(Interrupted):
            rounds.look(
                lambda: attrs.evolve(stage.reconciler, stop=stop),
                said.targets["lab"],
                [rounds.Question(said.stacks["lab"], revision)] * 3,
                made.now,
            )
        assert 2 <= len(stage.simulator.calls) <= 3


def test_who_is_at_a_look_or_a_fetch_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """The lead is given back within seconds: it takes none to look."""
    with room(tmp_path, pool=HandPool()) as made:
        made.write(LAB)
        at_work(made, cast(HandPool, made.loop.flight.pool), "look")
        stop: Future[int] = Future()
        stop.set_result(15)
        began = made.now
        made.loop.run(stop)
        assert made.now - began < 10
        assert made.loop.leader.lost() is not None
        assert [about for event, about in made.lines if event == "left behind"] == [{"work": ["target lab"]}]


def test_who_waits_for_a_run_that_may_not_end_yet_is_alive(tmp_path: Path) -> None:
    """However long: a restart would cut it short where it may not be. What is known meanwhile is told to the store."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        at_work(made, pool, "run")
        made.loop.notes.put("meanwhile", partial(made.store.put_status, "other", {}, made.now))
        began, said = made.now, set[str | None]()

        def waited() -> None:
            said.add(made.front.alive())
            if made.now - began > 2 * GRACE:
                assert "other" in made.store.statuses()
                pool.let()

        stop: Future[int] = Future()
        stop.set_result(1)
        made.loop.clock = Letting(made.loop.clock, waited)
        made.loop.run(stop)
        assert made.now - began > 2 * GRACE
        assert said == {None}
        assert made.front.ready() is not None


@pytest.mark.parametrize("away", [False, True])
def test_whoever_leads_again_knows_how_its_own_runs_ended(tmp_path: Path, away: bool) -> None:
    """Though the store was not told before the lead was lost, nor when it is had again."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        at_work(made, pool, "run")
        made.shaky.away = ("end",)
        if away:
            pool.let()
            made.loop.turn()
        made.store.raise_fence("another", made.now)
        pool.let()
        made.pass_time(60)
        assert made.loop.leading not in (None, 1)
        run = made.store.runs("lab")[-1]
        assert run.ended is None
        made.shaky.away = ()
        made.pass_time(10)
        run = made.store.runs("lab")[-1]
        assert (run.outcome, run.document is not None) == ("done" if away else "failed", True)


def test_what_somebody_says_to_who_leads_no_more_changes_nothing(tmp_path: Path) -> None:
    """Another one tells of the stack by then; who comes to lead finds it in the store."""
    pool = HandPool()
    with room(tmp_path, pool=pool) as made:
        made.write(LAB)
        at_work(made, pool, "look")
        made.front.suspend("lab", True, "ann")
        said = made.loop._inbox.get()
        made.store.raise_fence("another", made.now)
        made.stage.clock.sleep(BEAT)
        made.loop.turn()
        assert made.loop.leading is None
        made.store.put_status("lab", {"plan": None, "said": "by the other"}, made.now)
        made.loop.post(said)
        made.loop.turn()
        assert made.store.statuses()["lab"]["said"] == "by the other"
        pool.let()
        made.pass_time(10)
        assert made.loop.leading is not None
        assert made.answer("Suspended") == ("True", "SaidSo")
