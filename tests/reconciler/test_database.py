"""The database behind the store: opened and brought up to date, and what is told where it fails."""

import sqlite3
import stat
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from providers.clock import ManualClock, SystemClock
from providers.errors import StoreError
from reconciler import migrations
from reconciler.database import Database
from reconciler.store import Run, Store
from reconciler.tables import METADATA
from tests.postgres import NEEDS, PASSWORD, Cluster

NOON = 1_800_000_000.0


def _schema(database: Database) -> tuple[str, ...]:
    return database.read(lambda connection: MigrationContext.configure(connection).get_current_heads())


def _written(database: Database, statement: str) -> None:
    database.write(lambda connection: connection.execute(sqlalchemy.text(statement)))


def test_the_steps_make_the_tables_that_the_store_knows(url: str) -> None:
    """From nothing to the newest: what a comparison would still change is nothing."""
    database = Database.open(url)
    differences = database.read(
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), METADATA
        )
    )
    assert differences == []
    assert _schema(database) == ("0002",)
    database.close()


def test_what_is_up_to_date_stays_as_it_is(url: str) -> None:
    """A store is opened again and again, and holds what it held."""
    for turn in range(3):
        store = Store.open(url)
        assert len(store.statuses()) == turn
        store.put_status(f"stack-{turn}", {}, NOON)
        store.close()


def test_several_that_open_it_at_once_make_it_once(url: str) -> None:
    """One makes the tables, and the others find them made."""
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        try:
            store = Store.open(url)
            store.raise_fence("somebody", NOON)
            store.close()
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = Store.open(url)
    assert store.raise_fence("me", NOON) == 5
    store.close()


def test_a_store_of_a_newer_version_is_refused(url: str) -> None:
    """Before anything of it is read or changed."""
    database = Database.open(url)
    _written(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="is of schema 9999, which this version does not know"):
        Store.open(url)
    assert _schema(database) == ("9999",)
    database.close()


def test_a_step_that_fails_leaves_nothing_half_done(url: str) -> None:
    """All steps are one transaction, so that the next attempt begins where the last one did."""
    database = Database.open(url)
    tables = (*METADATA.tables, "alembic_version")
    for table in tables:
        _written(database, f"DROP TABLE {table}")
    _written(database, "CREATE TABLE plan (id int)")
    with pytest.raises(StoreError, match=r"plan.*already exists"):
        Store.open(url)
    there = database.read(lambda connection: sqlalchemy.inspect(connection).get_table_names())
    assert there == ["plan"]
    _written(database, "DROP TABLE plan")
    database.close()
    Store.open(url).close()


def test_what_the_steps_are_is_packaged() -> None:
    """A wheel holds modules of packages; what is none would be there only where the source lies."""
    files = [file for file in Path(migrations.__file__).parent.rglob("*") if "__pycache__" not in file.parts]
    assert {file.suffix for file in files if file.is_file()} == {".py"}
    assert all((folder / "__init__.py").is_file() for folder in files if folder.is_dir())


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    """It and its folder are made if they are not there, for nobody else's eyes; `%` in a path is a letter as any."""
    path = tmp_path / "100%" / "store.db"
    store = Store.open(f"sqlite:///{path}")
    store.put_status("genomics", {}, NOON)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    store.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/var/lib/store.db", "the URL of the store cannot be read"),
        ("postgresql+psycopg://ada:open sesame@h:port/db", "the URL of the store cannot be read"),
        ("mysql://ada:open sesame@h/db", "unknown kind of store"),
        ("postgresql+pg8000://ada:open sesame@h/db", "unknown kind of store"),
        ("postgresql+psycopg://ada:open sesame@x@h/db", "the URL of the store has an `@` too many"),
        ("sqlite://", "a store of SQLite is a file, and takes no options"),
        ("sqlite:///:memory:", "a store of SQLite is a file, and takes no options"),
        ("sqlite:///x.db?mode=ro", "a store of SQLite is a file, and takes no options"),
        ("sqlite:////proc/no/x.db", "the store /proc/no/x.db cannot be opened: No such file or directory"),
    ],
)
def test_what_is_no_store_is_told(url: str, told: str) -> None:
    """Without the URL, since it may hold a password."""
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    assert caught.value.message == told
    assert "sesame" not in f"{caught.value!r} {caught.value.hint}"


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """In the words of SQLite, and left as it is."""
    path = tmp_path / "store.db"
    path.write_text("a letter to grandmother, and rather a long one, of more than a hundred bytes in all" * 2)
    with pytest.raises(StoreError, match=r"store\.db: file is not a database"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("a letter")


def test_a_file_that_somebody_keeps_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts; who reads is not kept out."""
    monkeypatch.setattr("reconciler.database._BUSY", 0.01)
    clock = ManualClock()
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", clock)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="database is locked"):
        store.put_status("genomics", {}, NOON)
    assert 5 < clock.now() - NOON < 30
    assert store.statuses() == {}
    other.close()
    store.put_status("genomics", {}, NOON)
    store.close()


def test_what_sqlite_refuses_is_told_at_once(tmp_path: Path) -> None:
    """It does not pass by waiting, and Python's own words of it say nothing of what was to be written."""
    clock = ManualClock()
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", clock)
    with sqlite3.connect(tmp_path / "store.db") as other:
        other.execute("DROP TABLE status")
    other.close()
    with pytest.raises(StoreError) as caught:
        store.put_status("genomics", {"private": "matter"}, NOON)
    assert caught.value.message == f"the store {tmp_path / 'store.db'}: no such table: status"
    assert clock.now() == NOON
    store.close()


def test_a_server_that_is_not_there_is_told() -> None:
    """Where it was looked for and what was said, but not with what password, wherever that stood."""
    for url in ("ada:open%20sesame@127.0.0.1:1/db", "127.0.0.1:1/db?user=ada&password=open%20sesame"):
        with pytest.raises(StoreError) as caught:
            Store.open(f"postgresql+psycopg://{url}")
        told = str(caught.value)
        assert told.startswith("the store db of PostgreSQL at 127.0.0.1:1: connection failed")
        assert "sesame" not in f"{caught.value!r} {caught.value.hint}"
        assert caught.value.__cause__ is None


def test_no_word_of_a_driver_holds_a_password(tmp_path: Path) -> None:
    """Whatever it says."""
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}")
    database = Database(opened.engine, opened.place, opened.file, opened.clock, ("sesame", "s%65same"))
    assert database.words(ValueError("bad: sesame,\n  s%65same")) == "bad: ***, ***"
    assert "sesame" not in repr(database)
    opened.close()


def test_more_users_than_connections_are_told(tmp_path: Path) -> None:
    """Rather than kept waiting for ever."""
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}")
    engine = sqlalchemy.create_engine(opened.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    narrow = Database(engine, opened.place, opened.file, opened.clock, ())
    with pytest.raises(StoreError, match="QueuePool limit"):
        narrow.read(lambda _connection: narrow.read(lambda _other: None))
    narrow.close()
    opened.close()


def test_a_driver_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what installs it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="PostgreSQL takes psycopg, which is not installed") as caught:
        Store.open("postgresql://ada@127.0.0.1:1/db")
    assert caught.value.hint == "pip install 'batchwright[postgresql]'"


class Patient(SystemClock):
    """Real time, of which the last pauses are long enough for a restart on a machine that is busy."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds if seconds < 2 else 10 * seconds)


@NEEDS
def test_a_restart_of_the_server_is_lived_through(cluster: Cluster) -> None:
    """Connections that died are replaced, also in the middle of writing, and nothing that was written is lost."""
    store = Store.open(cluster.fresh(), Patient())
    written: list[str] = []
    enough, another = threading.Event(), threading.Semaphore(0)

    def work() -> None:
        while not enough.is_set():
            run = Run(f"run-{len(written):05}", "genomics", "abc", None, NOON + len(written))
            store.begin(run)
            store.end(run.id, "done", None, NOON)
            written.append(run.id)
            another.release()

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(2):
        assert all(another.acquire(timeout=120) for _ in range(20))
        cluster.restart()
    enough.set()
    thread.join()
    assert [run.id for run in reversed(store.runs("genomics", limit=100_000))] == written
    assert store.unended() == ()
    store.close()


@NEEDS
def test_a_server_that_stays_away_is_told_in_the_end(cluster: Cluster) -> None:
    """After some attempts, in the server's words; once it is back the same store works again."""
    clock = ManualClock()
    store = Store.open(cluster.fresh(), clock)
    cluster.stop()
    try:
        with pytest.raises(StoreError, match="the store postgres of PostgreSQL at") as caught:
            store.put_status("genomics", {}, NOON)
        assert PASSWORD not in str(caught.value)
        assert 5 < clock.now() - NOON < 30
    finally:
        cluster.start()
    store.put_status("genomics", {}, NOON)
    assert store.statuses() == {"genomics": {}}
    store.close()


@NEEDS
def test_what_the_server_refuses_is_told_at_once(cluster: Cluster) -> None:
    """It does not pass by waiting."""
    clock = ManualClock()
    store = Store.open(cluster.fresh(), clock)
    with pytest.raises(StoreError, match="NUL"):
        store.put_status("\x00", {}, NOON)
    assert clock.now() == NOON
    store.close()
