"""The simulator's memory: a file that two processes may use, that says so when it is damaged, and that keeps time."""

import gc
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from providers.clock import ManualClock, ScaledClock
from providers.errors import StoreError
from providers.simulator import Simulator, Store
from providers.simulator import store as sqlite_store
from providers.simulator.store import Labels, Row, Transaction
from tests.providers.simulator.lab import connect, container

_SCOPE = "123456789012/eu-west-1"


def _register(path: Path, times: int) -> str:
    """Return a program that registers one family `times` times in the file `path`."""
    return f"""
from providers.clock import ManualClock
from providers.simulator import Simulator, Store
from tests.providers.simulator.lab import Lab, connect, container
store = Store.open({str(path)!r}, now=0.0)
batch = connect(Simulator(store, ManualClock()))
request = dict(jobDefinitionName="d", type="container", containerProperties=container())
for _ in range({times}):
    print(batch.register_job_definition(**request)["revision"])
"""


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    """Registrations of two processes at once get distinct numbers, none lost, none refused."""
    path = tmp_path / "folder" / "sim.db"
    program = [sys.executable, "-W", "error", "-c", _register(path, 100)]
    running = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    numbers = [int(line) for process in running for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in running] == [0, 0]
    assert sorted(numbers) == list(range(1, 201))
    held = Store.open(path, now=0.0).dump()
    assert len(held[_SCOPE]["definition"]) == 200


def test_threads_share_a_store() -> None:
    """Calls of many threads on one object do not mix."""
    simulator = Simulator(Store.open(None, now=0.0), ManualClock())
    clients = [connect(simulator) for _ in range(4)]
    numbers: list[int] = []

    def register(batch: Any) -> None:
        for _ in range(25):
            answer = batch.register_job_definition(
                jobDefinitionName="d", type="container", containerProperties=container()
            )
            numbers.append(answer["revision"])

    threads = [threading.Thread(target=register, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 101))


def test_what_is_written_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    """Objects, counts and tokens outlive the process; reset forgets all of them, and what is gone."""
    path = tmp_path / "sim.db"
    store = Store.open(path, now=0.0)
    with store.transaction(_SCOPE, write=True) as transaction:
        transaction.put("policy", "p", {"shown": {}}, Labels(), 0)
        transaction.keep_token("t", {"a": 1}, now=0, until=9)
        transaction.put("policy", "gone", {"shown": {}}, Labels(), 0)
        transaction.drop("policy", "gone", now=1, until=9)
        assert transaction.count("n") == 1
    store.close()
    again = Store.open(path, now=0.0)
    assert again.dump() == {_SCOPE: {"policy": {"p": {"shown": {}}}}}
    with again.transaction(_SCOPE, write=True) as transaction:
        assert transaction.count("n") == 2
        assert [transaction.token("t", now) for now in (8, 9)] == [{"a": 1}, None]
        assert _names(transaction.gone("policy", "gone")) == ["gone"]
    again.reset()
    assert again.dump() == {}
    with again.transaction(_SCOPE, write=True) as transaction:
        assert transaction.token("t", 0) is None
        assert transaction.gone("policy", "gone") is None
        assert transaction.count("n") == 1


def test_a_transaction_that_raises_leaves_nothing() -> None:
    """All writes of a call are one: an error undoes them."""
    store = Store.open(None, now=0.0)

    def fail() -> None:
        with store.transaction(_SCOPE, write=True) as transaction:
            transaction.put("policy", "p", {}, Labels(), 0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.dump() == {}


def _put(transaction: Transaction, **labelled: Labels) -> None:
    for name, labels in labelled.items():
        transaction.put("job", name, {"name": name}, labels, 0)


def _names(*rows: Row | None) -> list[str]:
    return [row.name for row in rows if row]


def test_objects_are_found_by_their_labels() -> None:
    """By parent and status, in the order they came; by place; and none of another kind or scope."""
    store = Store.open(None, now=0.0)
    with store.transaction("elsewhere", write=True) as other:
        _put(other, x=Labels("q", "RUNNING", "e"))
    with store.transaction(_SCOPE, write=True) as transaction:
        _put(
            transaction,
            c=Labels("q", "RUNNING", "e"),
            a=Labels("q", "ENDED"),
            b=Labels("r", "RUNNING", "e"),
            d=Labels("q", "RUNNING", "f"),
        )
        transaction.put("queue", "q", {}, Labels("", "RUNNING"), 0)
        first = transaction.get("job", "c")
        assert first
        assert _names(*transaction.walk("job")) == ["c", "a", "b", "d"]
        assert _names(*transaction.walk("job", "q")) == ["c", "a", "d"]
        assert _names(*transaction.walk("job", "q", "RUNNING")) == ["c", "d"]
        assert _names(*transaction.walk("job", status="RUNNING", after=first.seq)) == ["b", "d"]
        assert _names(transaction.last("job", "q", "RUNNING"), transaction.last("job", "q", "LOST")) == ["d"]
        assert _names(*transaction.in_place("e")) == ["c", "b"]
        assert transaction.in_place("") == []
        assert transaction.tally("job", "q") == {"RUNNING": 2, "ENDED": 1}
        assert (transaction.number("job"), transaction.number("queue")) == (4, 1)


def test_the_first_in_a_line_has_the_least_rank() -> None:
    """Of equal ranks the one that came first; what is in no line is never found."""
    with Store.open(None, now=0.0).transaction(_SCOPE, write=True) as transaction:
        _put(
            transaction,
            a=Labels(line="q"),
            b=Labels(line="q", rank=-5),
            c=Labels(line="q", rank=-5),
            d=Labels(rank=-9),
            e=Labels(line="p"),
        )
        assert transaction.lines() == ["p", "q"]
        assert _names(transaction.first_in_line("q")) == ["b"]
        assert transaction.first_in_line("") is None
        _put(transaction, b=Labels())
        assert _names(transaction.first_in_line("q")) == ["c"]


def test_shares_count_until_the_end() -> None:
    """The shares of one parent, each once, without those all of whose objects have ended."""
    with Store.open(None, now=0.0).transaction(_SCOPE, write=True) as transaction:
        _put(
            transaction,
            a=Labels("q", "RUNNING", share="t"),
            b=Labels("q", "RUNNABLE", share="s"),
            c=Labels("q", "FAILED", share="s"),
            d=Labels("q", "SUCCEEDED", share="u"),
            e=Labels("r", "RUNNING", share="v"),
            f=Labels("q", "RUNNING"),
        )
        assert transaction.shares("q") == ["s", "t"]
        _put(transaction, a=Labels("q", "FAILED", share="t"))
        assert transaction.shares("q") == ["s"]


def test_what_is_due_first_comes_first() -> None:
    """The object with the earliest alarm that has rung, and of equal ones the older."""
    with Store.open(None, now=0.0).transaction(_SCOPE, write=True) as transaction:
        _put(transaction, a=Labels(due=20), b=Labels(due=10), c=Labels(due=10), d=Labels())
        assert [_names(transaction.due(now)) for now in (9, 10, 30)] == [[], ["b"], ["b"]]
        _put(transaction, b=Labels(), c=Labels(due=21))
        assert _names(transaction.due(30)) == ["a"]


def test_a_row_knows_what_it_was() -> None:
    """`before` is the document of the last instant but one that it was written in, None before the first."""
    with Store.open(None, now=0.0).transaction(_SCOPE, write=True) as transaction:
        seen = []
        for number in range(3):
            transaction.put("policy", "p", {"number": -1}, Labels(), number * 10)
            transaction.put("policy", "p", {"number": number}, Labels(), number * 10)
            row = transaction.get("policy", "p")
            assert row
            seen.append((row.document, row.before, row.changed))
        assert seen == [
            ({"number": 0}, None, 0),
            ({"number": 1}, {"number": 0}, 10),
            ({"number": 2}, {"number": 1}, 20),
        ]


def test_a_commit_that_fails_is_not_in_the_way_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who stays too long makes a write fail, and once he has gone writes go on."""
    monkeypatch.setattr(sqlite_store, "_PATIENCE", 0.0)
    path = tmp_path / "sim.db"
    store = Store.open(path, now=0.0)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM objects").fetchone()

    def write() -> None:
        with store.transaction(_SCOPE, write=True) as transaction:
            transaction.put("policy", "p", {}, Labels(), 0)

    with pytest.raises(StoreError, match="locked"):
        write()
    reader.close()
    write()
    assert set(store.dump()[_SCOPE]["policy"]) == {"p"}


def test_a_store_keeps_the_scale_of_its_clock(tmp_path: Path) -> None:
    """A new store runs 60 times as fast; the speed is kept; a new one takes over where time stood."""
    path = tmp_path / "sim.db"
    assert Store.open(path, now=1000.0).clock() == ScaledClock(1000.0, 1000.0, 60.0)
    assert Store.open(path, now=1010.0).clock() == ScaledClock(1000.0, 1000.0, 60.0)
    assert Store.open(path, now=1010.0, speed=60).clock() == ScaledClock(1000.0, 1000.0, 60.0)
    assert Store.open(path, now=1010.0, speed=2.0).clock() == ScaledClock(1010.0, 1600.0, 2.0)
    assert Store.open(path, now=1020.0).clock() == ScaledClock(1010.0, 1600.0, 2.0)


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    """A file without content becomes a store."""
    path = tmp_path / "sim.db"
    path.touch()
    assert Store.open(path, now=0.0).dump() == {}


@pytest.mark.parametrize("content", [b"not a database at all, and long enough to be looked at" * 40, b"stack: x\n"])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """What is no database is a StoreError with a hint, and is not touched."""
    path = tmp_path / "sim.db"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Store.open(path, now=0.0)
    assert str(path) in caught.value.message
    assert "--simulator-file" in str(caught.value.hint)
    assert path.read_bytes() == content


def test_a_database_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A SQLite file with tables of its own is not ours, nor is one of another format."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    content = path.read_bytes()
    with pytest.raises(StoreError, match="not a simulator file"):
        Store.open(path, now=0.0)
    assert path.read_bytes() == content
    ours = tmp_path / "newer.db"
    Store.open(ours, now=0.0).close()
    connection = sqlite3.connect(ours)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="of this version"):
        Store.open(ours, now=0.0)


def test_a_damaged_file_is_told_when_it_is_met(tmp_path: Path) -> None:
    """Damage beyond the first page shows at the first read, as a StoreError."""
    path = tmp_path / "sim.db"
    store = Store.open(path, now=0.0)
    with store.transaction(_SCOPE, write=True) as transaction:
        for number in range(200):
            transaction.put("policy", str(number), {"shown": "x" * 200}, Labels(), 0)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="malformed"):
        Store.open(path, now=0.0).dump()


def test_a_document_that_is_no_json_is_told(tmp_path: Path) -> None:
    """A document that somebody edited to nonsense is a StoreError."""
    path = tmp_path / "sim.db"
    store = Store.open(path, now=0.0)
    with store.transaction(_SCOPE, write=True) as transaction:
        transaction.put("policy", "p", {}, Labels(), 0)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE objects SET document = 'nonsense'")
    connection.close()
    with pytest.raises(StoreError):
        Store.open(path, now=0.0).dump()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE objects SET document = '[]'",
        "UPDATE objects SET due = 1, document = replace(document, '\"steps\": []', '\"steps\": [[1, []]]')",
    ],
)
def test_a_document_that_no_simulator_wrote_is_told(tmp_path: Path, damage: str) -> None:
    """JSON that is no object of ours is a StoreError when it is met, not an error of Python's."""
    path = _simulated(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(StoreError, match="makes no sense"):
        Simulator(Store.open(path, now=0.0), ManualClock()).show()


def test_a_damaged_index_is_told(tmp_path: Path) -> None:
    """An object that cannot be found by its name, and so not be changed, does not come due again for ever."""
    path = _simulated(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE objects SET due = 1, document = replace(document, '[]}', '[[1, {}]]}')")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name LIKE '%auto%gone_1')"
            " WHERE name LIKE '%auto%objects_1'"
        )
    connection.close()
    with pytest.raises(StoreError, match="policy p"):
        Simulator(Store.open(path, now=0.0), ManualClock()).show()


@pytest.mark.parametrize("said", ["real = 'x'", "speed = 0", "simulated = 9e999"])
def test_a_clock_that_cannot_run_is_told(tmp_path: Path, said: str) -> None:
    """A file whose clock stands still, or says no time, is a StoreError before anybody waits by it."""
    path = _simulated(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE clock SET {said}")
    connection.close()
    with pytest.raises(StoreError, match="makes no sense"):
        Store.open(path, now=0.0).clock()


def _simulated(folder: Path) -> Path:
    """A simulator file with a scheduling policy."""
    path = folder / "sim.db"
    store = Store.open(path, now=0.0)
    connect(Simulator(store, ManualClock())).create_scheduling_policy(name="p")
    store.close()
    return path


def test_a_path_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A folder in place of the file, and a file in place of a folder, are StoreErrors."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "sim.db"):
        with pytest.raises(StoreError):
            Store.open(path, now=0.0)


def test_a_store_that_nobody_holds_is_closed(tmp_path: Path) -> None:
    """Whoever made a client over a store need not close it; Python 3.13 warns of connections that are left open."""
    store = Store.open(tmp_path / "sim.db", now=0.0)
    connection = store._connection
    del store
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
