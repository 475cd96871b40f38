"""The simulator's memory: one SQLite file, or none, that several processes may use at once.

Objects are JSON documents keyed by scope (account and region), kind and name. What is looked for among many has a
column and an index: the parent (of revisions the family, of jobs the queue), the status, the place (of a job, the
environment that it runs in), the line that it waits in with its rank there, the share that it counts for, and the time
at which something is due. What is gone, and the tokens of calls, are remembered for a while in tables of their own.
Writes begin with BEGIN IMMEDIATE: a deferred transaction that turns into a write fails at once when another process
holds the lock, whatever its timeout.
"""

import contextlib
import json
import math
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
_FORMAT = 3
_PATIENCE = 30.0
_CHUNK = 200
_LAST = 2**63 - 1
_NOT_OURS = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What may come of documents that are not as they were written."""
_SCHEMA = """
CREATE TABLE clock (real REAL NOT NULL, simulated REAL NOT NULL, speed REAL NOT NULL);
CREATE TABLE objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL,
    status TEXT NOT NULL, place TEXT NOT NULL, line TEXT NOT NULL, rank REAL NOT NULL, due REAL, share TEXT NOT NULL,
    document TEXT NOT NULL, before TEXT NOT NULL, changed REAL NOT NULL,
    UNIQUE (scope, kind, name));
CREATE INDEX of_kind ON objects (scope, kind);
CREATE INDEX of_kind_in_status ON objects (scope, kind, status);
CREATE INDEX of_parent ON objects (scope, kind, parent);
CREATE INDEX of_parent_in_status ON objects (scope, kind, parent, status);
CREATE INDEX in_a_place ON objects (scope, place) WHERE place <> '';
CREATE INDEX in_line ON objects (scope, line, rank) WHERE line <> '';
CREATE INDEX due_next ON objects (scope, due) WHERE due IS NOT NULL;
CREATE INDEX of_share ON objects (scope, parent, share) WHERE share <> '' AND status NOT IN ('SUCCEEDED', 'FAILED');
CREATE TABLE gone (
    scope TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL, seq INTEGER NOT NULL,
    before TEXT NOT NULL, changed REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (scope, kind, name));
CREATE INDEX gone_of_kind ON gone (scope, kind, seq);
CREATE INDEX gone_until ON gone (scope, until);
CREATE TABLE tokens (
    scope TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (scope, name));
CREATE INDEX tokens_until ON tokens (scope, until);
CREATE TABLE counters (scope TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (scope, name));
"""

Document = dict[str, Any]


@attrs.frozen
class Row:
    """One stored object. `document` is what it is, `before` what it was until `changed`, None where it was not.

    The document of one that is gone is empty.
    """

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
    """What an object can be found by; `due` is when something happens to it by itself, None for never.

    A `share` counts until the status is one of an end.
    """

    parent: str = ""
    status: str = ""
    place: str = ""
    line: str = ""
    rank: float = 0
    due: float | None = None
    share: str = ""


def _row(record: tuple[int, str, str, str, str, str, float]) -> Row:
    seq, kind, name, parent, document, before, changed = record
    return Row(seq, kind, name, parent, json.loads(document), before, changed)


_SELECT = "SELECT seq, kind, name, parent, document, before, changed FROM objects WHERE scope = ?"
_SELECT_GONE = "SELECT seq, kind, name, parent, '{}', before, changed FROM gone WHERE scope = ?"


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
        return self._walk(_SELECT, {"kind": kind, "parent": parent, "status": status}, after, backwards)

    def gone(self, kind: str, name: str) -> Row | None:
        """Return what is remembered of an object that is gone."""
        return self._first(f"{_SELECT_GONE} AND kind = ? AND name = ?", kind, name)

    def walk_gone(self, kind: str, parent: str | None = None, after: int = 0, backwards: bool = False) -> Iterator[Row]:
        """Yield what is remembered of objects that are gone, as `walk` does; none whose name is taken again."""
        again = "(SELECT name FROM objects WHERE scope = gone.scope AND kind = gone.kind AND name = gone.name)"
        return self._walk(f"{_SELECT_GONE} AND NOT EXISTS {again}", {"kind": kind, "parent": parent}, after, backwards)

    def _walk(self, select: str, wanted: dict[str, str | None], after: int, backwards: bool) -> Iterator[Row]:
        told = {column: value for column, value in wanted.items() if value is not None}
        clauses = "".join(f" AND {column} = ?" for column in told)
        query = f"{select}{clauses} AND seq {'<' if backwards else '>'} ? ORDER BY seq {'DESC' if backwards else ''}"
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
        return self._each("SELECT min(line) FROM objects WHERE scope = ? AND line > ? AND line <> ''")

    def shares(self, parent: str) -> list[str]:
        """Return the shares that children of `parent` count for which have not ended."""
        query = "SELECT min(share) FROM objects WHERE scope = ? AND parent = ? AND share > ? AND share <> ''"
        return self._each(f"{query} AND status NOT IN ('SUCCEEDED', 'FAILED')", parent)

    def _each(self, query: str, *values: str) -> list[str]:
        # From value to value along the index: DISTINCT would read every entry of it.
        found = [""]
        while value := self._connection.execute(query, (self.scope, *values, found[-1])).fetchone()[0]:
            found.append(value)
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
        """Write an object; what it was before this instant stays known."""
        self._connection.execute(
            "INSERT INTO objects (scope, kind, name, parent, status, place, line, rank, due, share,"
            " document, before, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'null', ?)"
            " ON CONFLICT (scope, kind, name) DO UPDATE SET"
            " before = CASE changed WHEN excluded.changed THEN before ELSE document END, document = excluded.document,"
            " changed = excluded.changed, status = excluded.status, place = excluded.place, line = excluded.line,"
            " rank = excluded.rank, due = excluded.due, share = excluded.share",
            (self.scope, kind, name, *attrs.astuple(labels), json.dumps(document), now),
        )

    def backdate(self, changed: float) -> None:
        """Let all objects be as they are since `changed`."""
        self._connection.execute("UPDATE objects SET changed = ? WHERE scope = ?", (changed, self.scope))

    def drop(self, kind: str, name: str, now: float, until: float) -> None:
        """Take an object away; that it was there until `now` is remembered until `until`."""
        key = (self.scope, kind, name)
        self._connection.execute("DELETE FROM gone WHERE scope = ? AND until <= ?", (self.scope, now))
        self._connection.execute(
            "INSERT OR REPLACE INTO gone SELECT scope, kind, name, parent, seq,"
            " CASE changed WHEN ? THEN before ELSE document END, ?, ? FROM objects"
            " WHERE scope = ? AND kind = ? AND name = ?",
            (now, now, until, *key),
        )
        self._connection.execute("DELETE FROM objects WHERE scope = ? AND kind = ? AND name = ?", key)

    def token(self, name: str, now: float) -> Document | None:
        """Return what was kept under a token that is valid at `now`."""
        query = "SELECT document FROM tokens WHERE scope = ? AND name = ? AND until > ?"
        record = self._connection.execute(query, (self.scope, name, now)).fetchone()
        found: Document | None = json.loads(record[0]) if record else None
        return found

    def keep_token(self, name: str, document: Document, now: float, until: float) -> None:
        """Keep something under a token until `until`; what is no longer valid at `now` is forgotten."""
        self._connection.execute("DELETE FROM tokens WHERE scope = ? AND until <= ?", (self.scope, now))
        values = (self.scope, name, json.dumps(document), until)
        self._connection.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)", values)

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
            found = self._connection.execute("SELECT real, simulated, speed FROM clock").fetchone()
            real, simulated, speed = map(float, found)
            if not (speed > 0 and all(map(math.isfinite, found))):
                raise ValueError(f"its clock says {found}")
            return ScaledClock(real, simulated, speed)

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
            for table in ("objects", "gone", "tokens", "counters"):
                self._connection.execute(f"DELETE FROM {table}")

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

    def told(self) -> contextlib.AbstractContextManager[None]:
        """While something is made of what the store holds: raises StoreError where that is not what was written."""
        return _told(self.path)

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
    """Turn what SQLite and the file system say into a StoreError, and what comes of a file that no simulator wrote."""
    try:
        yield
    except (sqlite3.Error, json.JSONDecodeError) as error:
        raise StoreError(f"simulator file {path}: {error}", hint=_hint(path)) from error
    except _NOT_OURS as error:
        if path is None:
            raise
        raise StoreError(f"simulator file {path} makes no sense: {error!r}", hint=_hint(path)) from error
