"""Controllers on one PostgreSQL: what they live through of its restarts, and of each other's deaths."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.controller.leader import leader
from reconciler.controller.status import to_json
from reconciler.store import Store
from tests.kit import LAB, READS
from tests.postgres import NEEDS, Cluster
from tests.reconciler.controller.stages import USUAL, Room, mutations, of_one_apply, room, room_of

pytestmark = NEEDS


@pytest.fixture
def shared(cluster: Cluster, tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path, f"store: {cluster.fresh()}\n{USUAL}") as made:
        made.write(LAB)
        yield made


@contextmanager
def around(made: Room, when: str, at: int, happens: Callable[[], object]) -> Iterator[None]:
    """Let something happen before call number `at` that changes something goes out, or after it was answered."""
    count = 0

    def note(model: Any, **_: Any) -> None:
        nonlocal count
        if not model.name.startswith(READS):
            count += 1
            if count == at:
                happens()

    made.stage.batch.meta.events.register(f"{when}-call", note, unique_id="around")
    yield
    made.stage.batch.meta.events.unregister(f"{when}-call", unique_id="around")
    assert count >= at


def another(made: Room, seed: int = 8) -> Room:
    """A second controller with connections of its own."""
    store = Store.open(made.loop.configuration.store, made.stage.clock)
    leading = leader(store, clock=made.stage.clock)
    return room_of(made.loop.configuration, made.folder, made.stage, store, leading, seed)


def end(made: Room) -> None:
    made.loop.leader.release()
    made.store.close()


def test_a_restart_of_the_store_in_the_middle_of_an_apply(cluster: Cluster, shared: Room) -> None:
    """Nobody led in between, so that the run goes on to its end, and its record is right."""
    with around(shared, "before", 3, cluster.restart):
        shared.until(lambda: shared.status().ready)
    assert mutations(shared) == of_one_apply()
    (run,) = shared.front.runs("lab", 10)
    assert run["outcome"] == "done"
    assert shared.store.unended() == ()
    assert shared.stage.plan(LAB).empty


def test_a_store_that_is_away_for_a_while(cluster: Cluster, shared: Room) -> None:
    """What cannot be made sure is not done; the controller lives on, and makes the rest once the store is back."""
    with around(shared, "before", 3, cluster.stop):
        try:
            shared.pass_time(60)
        finally:
            cluster.start()
    assert mutations(shared).total() < of_one_apply().total()
    shared.until(lambda: shared.status().ready)
    assert mutations(shared) == of_one_apply()
    assert shared.store.unended() == ()
    assert shared.stage.plan(LAB).empty


@pytest.mark.parametrize("at", [1, 3, 6])
def test_a_leader_whose_session_ends_is_followed(cluster: Cluster, shared: Room, at: int) -> None:
    """In the middle of its first apply: the next one makes the rest, and what is left of the first changes nothing."""
    second = another(shared)

    def cut_off() -> None:
        cluster.ask(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
        )
        began = second.now
        second.until(lambda: second.loop.leading is not None, 15)
        assert second.now - began <= 15
        second.until(lambda: second.status().ready)

    with around(shared, "after", at, cut_off):
        shared.pass_time(60)
        second.pass_time(60)
        shared.pass_time(60)
    assert shared.loop.leading is None
    assert mutations(shared) == of_one_apply()
    outcomes = {run["outcome"] for run in second.front.runs("lab", 10)}
    assert outcomes <= {"lost", "failed", "done"}
    assert second.store.unended() == ()
    assert second.status().ready
    assert second.store.statuses()["lab"] == to_json(second.loop.agenda.held["lab"].status)
    assert shared.stage.plan(LAB).empty
    end(second)
