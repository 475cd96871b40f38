"""The simulator's memory: one SQLite file, or none, that several processes may use at once.

Objects are JSON documents keyed by scope (account and region), kind and name. What is looked for among many has a
column and an index: the parent (of revisions the family, of jobs the queue), the status, the place (of a job, the
environment that it runs in), the line that it waits in with its rank there, and the time at which something is due.
Writes begin with BEGIN IMMEDIATE: a deferred transaction that turns into a write fails at once when another process
holds the lock, whatever its timeout.
"""

import contextlib
import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from providers.clock import ScaledClock
from providers.errors import StoreError

_APPLICATION = 0x42775369
_FORMAT = 2
_PATIENCE = 30.0
_CHUNK = 200
_LAST = 2**63 - 1
_SCHEMA = """
CREATE TABLE clock (real REAL NOT NULL, simulated REAL NOT NULL, speed REAL NOT NULL);
CREATE TABLE objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL,
    status TEXT NOT NULL, place TEXT NOT NULL, line TEXT NOT NULL, rank REAL NOT NULL, due REAL,
    document TEXT NOT NULL, before TEXT NOT NULL, changed REAL NOT NULL,
    UNIQUE (scope, kind, name));
CREATE INDEX of_kind ON objects (scope, kind);
CREATE INDEX of_kind_in_status ON objects (scope, kind, status);
CREATE INDEX of_parent ON objects (scope, kind, parent);
CREATE INDEX of_parent_in_status ON objects (scope, kind, parent, status);
CREATE INDEX in_a_place ON objects (scope, place) WHERE place <> '';
CREATE INDEX in_line ON objects (scope, line, rank) WHERE line <> '';
CREATE INDEX due_next ON objects (scope, due) WHERE due IS NOT NULL;
CREATE TABLE counters (scope TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (scope, name));
"""

Document = dict[str, Any]


@attrs.frozen
class Row:
    """One stored object. `document` is what it is, `before` what it was until `changed`, None where it was not."""

    seq: int
    kind: str
    name: str
    parent: str
    document: Document
    _before: str
    changed: float

    @property
    def before(self) -> Document | None:
        found: Document | None = json.loads(self._before)
        return found


@attrs.frozen
class Labels:
    """What an object can be found by; `due` is when something happens to it by itself, None for never."""

    parent: str = ""
    status: str = ""
    place: str = ""
    line: str = ""
    rank: float = 0
    due: float | None = None


def _row(record: tuple[int, str, str, str, str, str, float]) -> Row:
    seq, kind, name, parent, document, before, changed = record
    return Row(seq, kind, name, parent, json.loads(document), before, changed)


_SELECT = "SELECT seq, kind, name, parent, document, before, changed FROM objects WHERE scope = ?"


@attrs.frozen
class Transaction:
    """Reads and writes of one call, in one scope ("ACCOUNT/REGION")."""

    _connection: sqlite3.Connection
    scope: str

    def get(self, kind: str, name: str) -> Row | None:
        return self._first(f"{_SELECT} AND kind = ? AND name = ?", kind, name)

    def walk(
        self, kind: str, parent: str | None = None, status: str | None = None, after: int = 0, backwards: bool = False
    ) -> Iterator[Row]:
        """Yield the objects of `kind`, of one parent and in one status if told, in the order they came, or backwards.

        Only those beyond the one whose `seq` is `after`; 0 for all.
        """
        wanted = {"kind": kind, "parent": parent, "status": status}
        told = {column: value for column, value in wanted.items() if value is not None}
        clauses = "".join(f" AND {column} = ?" for column in told)
        query = f"{_SELECT}{clauses} AND seq {'<' if backwards else '>'} ? ORDER BY seq {'DESC' if backwards else ''}"
        query += f" LIMIT {_CHUNK}"
        after = after or (_LAST if backwards else 0)
        # Chunk by chunk: a cursor left open would hold the file's lock for as long as somebody holds the generator.
        while records := self._connection.execute(query, (self.scope, *told.values(), after)).fetchall():
            yield from map(_row, records)
            after = records[-1][0]

    def last(self, kind: str, parent: str, status: str) -> Row | None:
        """Return the child of `parent` in this status that came last."""
        line = " AND kind = ? AND parent = ? AND status = ? ORDER BY seq DESC LIMIT 1"
        return self._first(_SELECT + line, kind, parent, status)

    def first_in_line(self, line: str) -> Row | None:
        """Return what has the least rank in a line; of several, the one that came first."""
        return self._first(f"{_SELECT} AND line = ? AND line <> '' ORDER BY rank, seq LIMIT 1", line)

    def lines(self) -> list[str]:
        """Return the lines in which something waits."""
        # From line to line along the index: DISTINCT would read every entry of it.
        query = "SELECT min(line) FROM objects WHERE scope = ? AND line > ? AND line <> ''"
        found = [""]
        while line := self._connection.execute(query, (self.scope, found[-1])).fetchone()[0]:
            found.append(line)
        return found[1:]

    def in_place(self, place: str) -> list[Row]:
        """Return what has this place, in the order it came."""
        found = self._connection.execute(f"{_SELECT} AND place = ? AND place <> '' ORDER BY seq", (self.scope, place))
        return [_row(record) for record in found.fetchall()]

    def due(self, now: float) -> Row | None:
        """Return the object to which something happens first, if that is not after `now`."""
        return self._first(f"{_SELECT} AND due <= ? ORDER BY due, seq LIMIT 1", now)

    def tally(self, kind: str, parent: str) -> dict[str, int]:
        """Return how many children of `parent` there are, by status."""
        query = "SELECT status, count(*) FROM objects WHERE scope = ? AND kind = ? AND parent = ? GROUP BY status"
        return dict(self._connection.execute(query, (self.scope, kind, parent)).fetchall())

    def number(self, kind: str) -> int:
        """Return how many objects of `kind` there are."""
        query = "SELECT count(*) FROM objects WHERE scope = ? AND kind = ?"
        return int(self._connection.execute(query, (self.scope, kind)).fetchone()[0])

    def _first(self, query: str, *values: object) -> Row | None:
        record = self._connection.execute(query, (self.scope, *values)).fetchone()
        return _row(record) if record else None

    def put(self, kind: str, name: str, document: Document, labels: Labels, now: float) -> None:
        """Write an object; what it was before stays known."""
        self._connection.execute(
            "INSERT INTO objects (scope, kind, name, parent, status, place, line, rank, due, document, before, changed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'null', ?)"
            " ON CONFLICT (scope, kind, name) DO UPDATE SET before = document, document = excluded.document,"
            " changed = excluded.changed, status = excluded.status, place = excluded.place, line = excluded.line,"
            " rank = excluded.rank, due = excluded.due",
            (self.scope, kind, name, *attrs.astuple(labels), json.dumps(document), now),
        )

    def drop(self, kind: str, name: str) -> None:
        key = (self.scope, kind, name)
        self._connection.execute("DELETE FROM objects WHERE scope = ? AND kind = ? AND name = ?", key)

    def count(self, name: str) -> int:
        """Return the next number of the counter `name`, from 1; no number is given twice."""
        record = self._connection.execute(
            "INSERT INTO counters VALUES (?, ?, 1) ON CONFLICT (scope, name) DO UPDATE SET value = value + 1"
            " RETURNING value",
            (self.scope, name),
        ).fetchone()
        return int(record[0])

    def count_to(self, name: str, value: int) -> None:
        """Let the counter `name` stand at `value` at least."""
        self._connection.execute(
            "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT (scope, name) DO UPDATE SET value = max(value, ?)",
            (self.scope, name, value, value),
        )


@attrs.frozen
class Store:
    """An open store. Safe to share among threads; the file is safe to share among processes.

    It is closed by `close`, or when nobody holds it any more.
    """

    path: Path | None
    _connection: sqlite3.Connection
    _lock: threading.RLock = attrs.field(factory=threading.RLock)

    @classmethod
    def open(cls, path: Path | str | None, now: float, speed: float | None = None) -> "Store":
        """Open the file `path` (None: memory), made if it is not there.

        `now` is the system's time. `speed` sets how fast the store's time runs from now on; a new store runs 60
        times as fast as real time. Raises StoreError for a file that is damaged or is not a simulator's.
        """
        place = None if path is None else Path(path)
        with _told(place):
            if place:
                _make_folder(place.parent)
            connection = sqlite3.connect(
                place or ":memory:", timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            store = cls(place, connection)
            try:
                store._prepare(now, speed)
            except BaseException:
                connection.close()
                raise
        weakref.finalize(store, connection.close)
        return store

    def close(self) -> None:
        self._connection.close()

    def clock(self) -> ScaledClock:
        """Return the clock that runs as the file says."""
        with self._lock, _told(self.path):
            return ScaledClock(*self._connection.execute("SELECT real, simulated, speed FROM clock").fetchone())

    @contextlib.contextmanager
    def transaction(self, scope: str, write: bool) -> Iterator[Transaction]:
        """Run one call: all of its writes are kept, or, if it raises, none."""
        with self._lock, _told(self.path):
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield Transaction(self._connection, scope)
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself; a commit that failed would bar the way of all that follow.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def reset(self) -> None:
        """Forget every object and every count; the clock runs on."""
        with self.transaction("", write=True):
            self._connection.execute("DELETE FROM objects")
            self._connection.execute("DELETE FROM counters")

    def dump(self) -> dict[str, dict[str, dict[str, Document]]]:
        """Return all documents: scope, then kind, then name."""
        held: dict[str, dict[str, dict[str, Document]]] = {}
        with self._lock, _told(self.path):
            records = self._connection.execute("SELECT scope, kind, name, document FROM objects ORDER BY seq")
            for scope, kind, name, document in records:
                held.setdefault(scope, {}).setdefault(kind, {})[name] = json.loads(document)
        return held

    def _prepare(self, now: float, speed: float | None) -> None:
        # A simulator need not outlive a power cut, and its tests pay for every flush to the disk.
        self._connection.execute("PRAGMA synchronous = OFF")
        with self.transaction("", write=True):
            application, version = self._pragma("application_id"), self._pragma("user_version")
            if application == 0 and not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in _SCHEMA.strip().split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO clock VALUES (?, ?, 60.0)", (now, now))
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version = {_FORMAT}")
            elif (application, version) != (_APPLICATION, _FORMAT):
                raise StoreError(f"{self.path} is not a simulator file of this version", hint=_hint(self.path))
            real, simulated, old = self._connection.execute("SELECT real, simulated, speed FROM clock").fetchone()
            if speed is not None and speed != old:
                moved = (now, simulated + (now - real) * old, speed)
                self._connection.execute("UPDATE clock SET real = ?, simulated = ?, speed = ?", moved)

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"folder {folder}: {error.strerror}", hint=_hint(folder)) from error


def _hint(path: Path | None) -> str:
    return f"name another file with --simulator-file, or move {path} away: a new one is made"


@contextlib.contextmanager
def _told(path: Path | None) -> Iterator[None]:
    """Turn what SQLite and the file system say into a StoreError."""
    try:
        yield
    except (sqlite3.Error, json.JSONDecodeError) as error:
        raise StoreError(f"simulator file {path}: {error}", hint=_hint(path)) from error
