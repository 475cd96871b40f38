"""The simulator's memory: one SQLite file, or none, that several processes may use at once.

Objects are JSON documents keyed by scope (account and region), kind and name; a second index finds the children of a
parent (revisions of a family, jobs of a queue) in the order they came. Writes begin with BEGIN IMMEDIATE: a deferred
transaction that turns into a write fails at once when another process holds the lock, whatever its timeout.
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
_FORMAT = 1
_PATIENCE = 30.0
_CHUNK = 200
_SCHEMA = """
CREATE TABLE clock (real REAL NOT NULL, simulated REAL NOT NULL, speed REAL NOT NULL);
CREATE TABLE objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL,
    document TEXT NOT NULL, before TEXT, stale_until REAL NOT NULL,
    UNIQUE (scope, kind, name));
CREATE INDEX objects_of_a_parent ON objects (scope, kind, parent, seq);
CREATE TABLE counters (scope TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (scope, name));
"""

Document = dict[str, Any]


@attrs.frozen
class Row:
    """One stored object. `document` is what it is, `before` what a stale read shows until `stale_until`."""

    seq: int
    name: str
    parent: str
    document: Document
    before: Document | None
    stale_until: float


def _row(record: tuple[int, str, str, str, str | None, float]) -> Row:
    seq, name, parent, document, before, stale_until = record
    return Row(seq, name, parent, json.loads(document), json.loads(before) if before else None, stale_until)


_COLUMNS = "SELECT seq, name, parent, document, before, stale_until FROM objects WHERE scope = ? AND kind = ?"


@attrs.frozen
class Transaction:
    """Reads and writes of one call, in one scope ("ACCOUNT/REGION")."""

    _connection: sqlite3.Connection
    scope: str

    def get(self, kind: str, name: str) -> Row | None:
        record = self._connection.execute(f"{_COLUMNS} AND name = ?", (self.scope, kind, name)).fetchone()
        return _row(record) if record else None

    def walk(self, kind: str, parent: str | None = None, after: int = 0) -> Iterator[Row]:
        """Yield the objects of `kind`, or of one parent, in the order they came, those after `after` only."""
        clause = " AND parent = ?" if parent is not None else ""
        query = f"{_COLUMNS}{clause} AND seq > ? ORDER BY seq LIMIT {_CHUNK}"
        keys = (self.scope, kind, parent) if parent is not None else (self.scope, kind)
        # Chunk by chunk: a cursor left open would hold the file's lock for as long as somebody holds the generator.
        while records := self._connection.execute(query, (*keys, after)).fetchall():
            yield from map(_row, records)
            after = records[-1][0]

    def put(self, kind: str, name: str, document: Document, parent: str, stale_until: float) -> None:
        """Write an object; what it was before is kept for stale reads when `stale_until` is not 0."""
        body = json.dumps(document)
        if stale_until:
            before = self.get(kind, name)
            old = json.dumps(before.document if before else None)
        else:
            old = None
        self._connection.execute(
            "INSERT INTO objects (scope, kind, name, parent, document, before, stale_until)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (scope, kind, name) DO UPDATE SET document = excluded.document, before = excluded.before,"
            " stale_until = excluded.stale_until",
            (self.scope, kind, name, parent, body, old, stale_until),
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
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

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
