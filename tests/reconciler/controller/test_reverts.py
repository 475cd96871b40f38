"""A revision that was carried out in part, and is taken back: what the world was last made like is neither."""

from contextlib import closing
from pathlib import Path

import pytest

from reconciler.controller.leader import leader
from reconciler.store import Store
from tests.kit import LAB, edit
from tests.reconciler.controller.stages import USUAL, HandPool, room, room_of

APPLY = edit(USUAL, ("mode: apply-and-heal", "mode: apply"))
WIDER = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"), ("priority: 10", "priority: 20"))
READY = ("True", "Succeeded")


@pytest.mark.parametrize("outcome", ["interrupted", "failed"])
def test_what_was_applied_in_part_is_taken_back_with_its_revision(tmp_path: Path, outcome: str) -> None:
    """The older revision is applied, and not taken for the one that the world is like, with drift that is only told."""
    with room(tmp_path, APPLY) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == READY)
        held = made.loop.agenda.held["lab"]

        def happens(_operation: str, _number: int) -> None:
            if held.run is not None and "UpdateComputeEnvironment" in made.stage.mutations:
                if outcome == "failed":
                    raise ValueError("a fault")
                held.run.yielding.ask("somebody says so")

        made.stage.simulator.before_call = happens
        made.write(WIDER)
        made.until(lambda: (made.run_of() or {}).get("outcome") == outcome)
        made.stage.simulator.before_call = None
        made.write(LAB)
        made.front.hint("here")
        made.pass_time(600)
        assert made.stage.plan(LAB).empty
        assert made.status().ready


def test_whoever_leads_next_takes_back_what_another_applied_in_part(tmp_path: Path) -> None:
    """The run was lost, and nobody had written down that it had begun but its row."""
    pool = HandPool()
    with room(tmp_path, APPLY, pool=pool) as made:
        held = made.loop.agenda.held["lab"]

        def until_run() -> None:
            while held.run is None:
                made.pass_time(20)
                if held.run is None:
                    pool.let()

        made.write(LAB)
        until_run()
        while not held.idle or pool.left:
            pool.let()
            made.loop.turn()
        assert made.answer("Ready") == READY
        made.write(WIDER)
        made.shaky.away = {"put_status"}
        until_run()
        pool.let(-1)
        made.loop.leader.release()
        made.write(LAB)
        with closing(Store.open(made.loop.configuration.store, made.stage.clock)) as store:
            leading = leader(store, clock=made.stage.clock)
            again = room_of(made.loop.configuration, made.folder, made.stage, store, leading, 8)
            assert not made.stage.plan(LAB).empty
            again.pass_time(600)
            assert again.stage.plan(LAB).empty
            assert again.status().ready
            assert not again.witness.faults
            leading.release()
