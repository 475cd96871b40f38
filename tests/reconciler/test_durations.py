"""How long things take: one table, drawn from by a seed, overridden by what the journal saw."""

import random
from pathlib import Path

import attrs
import pytest

from plans.rehearsal import Span
from providers.simulator import Durations
from providers.simulator import Settings as Simulated
from reconciler.durations import TABLE, Manner, calibrated, simulated, still_to_go
from reconciler.journal import Bracket, Run, history
from reconciler.settings import Settings
from tests.kit import LAB, TRAINING, Stage, edit, manifest

ROWS = {row.name: row for row in TABLE}


def test_the_table_is_whole_and_every_row_has_a_source() -> None:
    """Each thing that takes time has one row, in order of size, and somebody who says so or that nobody does."""
    assert [*ROWS] == list(dict.fromkeys(row.name for row in TABLE))
    assert ROWS.keys() == {field.name for field in attrs.fields(Durations)} | {"relation_lag", "stale_reads"}
    for row in TABLE:
        assert 0 <= row.low <= row.usual <= row.high
        assert row.source
        assert row.observations == 0


def test_the_simulator_is_set_within_the_table() -> None:
    """What a simulated service is set to by default is what the public saw."""
    preset = attrs.asdict(Durations())
    for name in (
        "create_environment",
        "scaling_update",
        "disable_environment",
        "create_queue",
        "infrastructure_update",
    ):
        assert ROWS[name].low <= preset[name] <= ROWS[name].high


def test_what_is_drawn() -> None:
    """The usual, the low or the high of each row, or something between by a seed, as often below the usual as above."""
    rows: tuple[tuple[Manner, str], ...] = (("usual", "usual"), ("shortest", "low"), ("longest", "high"))
    for manner, value in rows:
        made = simulated(TABLE, manner, random.Random(1))
        told = {**attrs.asdict(made.durations), "relation_lag": made.relation_lag, "stale_reads": made.stale_reads}
        assert told == {row.name: getattr(row, value) for row in TABLE}
    assert simulated(TABLE, "drawn", random.Random(1)) == simulated(TABLE, "drawn", random.Random(1))
    dice, row = random.Random(1), ROWS["create_environment"]
    drawn = [simulated(TABLE, "drawn", dice).durations.create_environment for _ in range(400)]
    assert row.low <= min(drawn) < max(drawn) <= row.high
    assert 150 < sum(seconds < row.usual for seconds in drawn) < 250


def waits(*seconds: float, row: str = "create_queue") -> list[Run]:
    calls = (Bracket("s", "CreateJobQueue", "", 0, 1, "done", row=row, settled=1 + it) for it in seconds)
    return [Run("r", calls=tuple(calls))]


@pytest.mark.parametrize(
    ("seconds", "row"),
    [
        ((20.0,), Span("create_queue", 3, 20, 60, "your journal", 1)),
        ((1.0, 100.0), Span("create_queue", 1, 50.5, 100, "your journal", 2)),
        ((4.0, 8.0, 8.0, 8.0, 16.0), Span("create_queue", 3, 8, 20, "your journal", 5)),
    ],
)
def test_calibration(seconds: tuple[float, ...], row: Span) -> None:
    """A few waits move what is usual and widen the row; five or more make it; the other rows stay."""
    made = calibrated(TABLE, waits(*seconds))
    assert {one.name: one for one in made} == {**ROWS, "create_queue": row}


def test_unknown_rows_and_open_waits_do_not_count() -> None:
    """A journal of another version may name what this one has no row for; what never settled tells no time."""
    assert calibrated(TABLE, waits(1, 2, row="of_tomorrow")) == TABLE
    assert calibrated(TABLE, [Run("r", calls=(Bracket("s", "CreateJobQueue", "", 0, 1, "done"),))]) == TABLE


def test_the_journal_tells_how_long_waits_took(tmp_path: Path) -> None:
    """Each wait stands in the journal under what took that time, as long as the service was set to take, and a look
    more; a rehearsal that is calibrated by it comes closer to the next apply."""
    slow = Durations(create_environment=100, scaling_update=200, disable_environment=110, create_queue=50)
    stage = Stage.new(simulated=Simulated(durations=slow), settings=Settings(state=tmp_path))
    for text in (LAB, edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"), ("priority: 10", "priority: 20"))):
        assert stage.apply(text).exit_code == 0
    seen: dict[str, list[float]] = {}
    for run in stage.reconciler.history("lab").runs:
        for call in run.calls:
            if call.waited is not None and call.row is not None:
                seen.setdefault(call.row, []).append(call.waited)
    assert {row: len(times) for row, times in seen.items()} == {
        "create_environment": 2,
        "create_queue": 2,
        "scaling_update": 2,
        "update_queue": 1,
    }
    for row, times in seen.items():
        assert all(getattr(slow, row) <= time < getattr(slow, row) + 18 for time in times)
    wanted = manifest(edit(LAB, ("maxvCpus: 64", "maxvCpus: 256"), ("priority: 10", "priority: 20")))
    plain = stage.reconciler.rehearse(wanted, runs=3)
    told = stage.reconciler.rehearse(wanted, runs=3, calibrate=True)
    report = stage.apply(wanted)
    assert abs(told.runs[0].seconds - report.seconds) < abs(plain.runs[0].seconds - report.seconds)
    assert (plain.observations, told.observations) == (0, 7)


def test_every_kind_of_wait_has_a_row(tmp_path: Path) -> None:
    """Making, changing and deleting objects of all seven kinds tells a time for each row that a call has."""
    stage = Stage.new(settings=Settings(state=tmp_path))
    smaller = ("maxCapacity: 10, capacityUnit: NUM", "maxCapacity: 9, capacityUnit: NUM")
    changed = edit(TRAINING, ("maxCapacity: 4", "maxCapacity: 5"), smaller)
    lab = LAB.replace("namePrefix: lab-", "namePrefix: two-")
    renewed = edit(lab, ("[c6i]", "[c6i, m6i]"))
    for text in (TRAINING, changed, lab, renewed, edit(renewed, ("maxvCpus: 64", "maxvCpus: 66"))):
        assert stage.apply(text).exit_code == 0
    assert stage.destroy(changed).exit_code == 0
    runs = [*stage.reconciler.history("training").runs, *stage.reconciler.history("lab").runs]
    seen = {call.row for run in runs for call in run.calls if call.row}
    first = ("create", "update", "delete", "disable", "scaling", "infrastructure")
    assert seen == {name for name in ROWS if name.partition("_")[0] in first}


def test_a_wait_that_never_began_is_a_damaged_line() -> None:
    """A record that closes nothing is told as a fault, and the rest is read."""
    told = history(['{"record":"waited","run":"r","step":"s","row":"x","at":1}'])
    assert told.runs == ()
    assert len(told.faults) == 1


def test_what_has_the_longest_way_before_it_goes_first() -> None:
    """The seconds of a step are its own and those of the longest way behind it: an environment before a definition."""
    stage = Stage.new()
    ways = still_to_go(stage.plan(LAB))
    environment, queue = ROWS["create_environment"].usual, ROWS["create_queue"].usual
    assert ways["create:compute_environment.spot"] == environment + queue
    assert ways["create:job_queue.high"] == queue
    assert ways["register:job_definition.sort"] == 0
