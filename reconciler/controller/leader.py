"""One controller at a time, and a number that tells its calls from those of the one before.

On PostgreSQL whoever leads holds an advisory lock of a session of its own, which the server drops the moment that the
session ends: a leader that is killed is followed at once. One that is frozen, cut off or without power is silent, and
after `TERM` seconds of that the server ends its session (`idle_session_timeout`, from version 14; before that a frozen
one keeps the lock while it is frozen, and one cut off until the server's keepalives end, within ten seconds). So
whoever leads asks `lost` every `BEAT` seconds, and whoever does not asks `lead` as often: within 15 s one that is dead
is followed.

The number (the fence) is raised in the transaction in which the lock was taken. A session that ended may be replaced as
long as the number is as it was: then nobody else led in between. With another number it is lost for good, and what
began under the old one is refused even where the same controller comes to lead again.

`lost` asks the server each time. An answer is not kept for the next second, since the lock is another's the moment that
the session ends, and nothing makes the next leader wait that second; asking costs one round trip. What remains is the
time between the answer and the call itself: AWS Batch takes no number with its calls. A call under way when its
controller was frozen may arrive late; the next leader goes by the world, not by what was planned, and sees it then.

An advisory lock is of one server: a replica that takes over may not know the last number, where it follows late. A
pooler that shares sessions among clients keeps no such lock, and `lost` tells.

On SQLite it is an exclusive lock of a file beside the store's, held as long as the process lives: a second is refused.
"""

import os
import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from providers.clock import Clock, SystemClock
from providers.errors import LockHeld, LockLost, StoreError
from reconciler.lock import FileLock, Holder
from reconciler.store import Store

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.pq.abc import PGconn

BEAT = 3.0
"""Seconds within which whoever leads is to ask `lost`, and whoever does not is to ask `lead`."""

TERM = 10.0
"""Seconds of silence after which the server ends the session of whoever leads."""

_SURE = 5.0
"""Seconds within which `lost` answers: with them a call has been answered or given up before a lease is another's."""

_CONNECTING = 2
_AGAIN = 0.2
_CLASS = 0x62_61_74_63  # "batc", so that numbers of other programs do not meet ours.
_LEASED = f"SELECT pg_try_advisory_lock({_CLASS}, 'leader'::regclass::oid::int)"
"""The lock has the number of the table, so that each schema of a database has its own."""

_RAISED = """
INSERT INTO leader (id, token, holder, at) VALUES (1, 1, $1, $2::float8)
ON CONFLICT (id) DO UPDATE SET token = leader.token + 1, holder = excluded.holder, at = excluded.at RETURNING token
"""
_OURS = f"""
SELECT token, holder, EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
    AND classid = {_CLASS} AND objid = 'leader'::regclass::oid AND objsubid = 2)
FROM leader
"""
_ENDS_SILENT = 14_00_00
_BOUNDS = {
    "statement_timeout": f"{_SURE:.0f}s",
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


class Leader(Protocol):
    """To be asked from any thread."""

    def lead(self) -> int | None:
        """Try to lead: the number under which we do, which only grows; None while another does.

        The same number again while we do. Raises StoreError where the store does not answer, LockHeld where nobody
        can follow whoever leads (SQLite).
        """

    def lost(self, token: int | None = None) -> LockLost | None:
        """Why nothing may be changed any more; None where we lead for sure, and did ever since we got `token`.

        To be asked before each call that changes something, with the number that we had when what calls began. Takes
        `_SURE` seconds at most, and raises nothing.
        """

    def release(self) -> None:
        """Lead no more; the next one may at once."""


def leader(store: Store, doing: str = "controller", clock: Clock | None = None) -> Leader:
    """Who leads on this store; `doing` says who we are to whoever is kept out."""
    clock = clock or SystemClock()
    holder = Holder(socket.gethostname(), os.getpid(), clock.now(), doing)
    if store.database.postgresql:
        return SessionLeader(store, holder, clock)
    file = store.database.file
    assert file is not None
    return FileLeader(store, FileLock(file.with_name(f"{file.name}.leader"), holder), clock)


def _lost(message: str) -> LockLost:
    return LockLost(message, hint="whoever leads now goes on from what is there; nothing is to be done")


def _not_led() -> LockLost:
    return _lost("this controller does not lead")


_LED_SINCE = "another controller led since"


@attrs.define(eq=False)
class FileLeader:
    """Leads as long as the process lives. The number tells where somebody removed the file under it."""

    store: Store
    lock: FileLock
    clock: Clock
    _token: int | None = attrs.field(default=None, init=False)
    _one: threading.RLock = attrs.field(factory=threading.RLock, init=False, repr=False)

    def lead(self) -> int | None:
        with self._one:
            if self._token is not None and self.lost() is None:
                return self._token
            self.release()
            try:
                self.lock.__enter__()
            except LockHeld as error:
                hint = "on SQLite there is one controller; for several take a store of PostgreSQL"
                raise LockHeld(error.message.replace("another run", "another controller"), hint=hint) from None
            try:
                self._token = self.store.raise_fence(str(self.lock.holder), self.clock.now())
            except BaseException:
                self.lock.__exit__(None, None, None)
                raise
            return self._token

    def lost(self, token: int | None = None) -> LockLost | None:
        with self._one:
            if self._token is None:
                return _not_led()
            if token not in (None, self._token):
                return _lost(_LED_SINCE)
            try:
                there = self.store.leading()
            except StoreError as error:
                return _lost(f"who leads cannot be told: {error}")
            if there is None or there.token != self._token:
                return _lost(f"{_LED_SINCE}: {'nobody knows which' if there is None else there.holder}")
            return None

    def release(self) -> None:
        with self._one:
            if self._token is not None:
                self._token = None
                self.lock.__exit__(None, None, None)


class _Failed(Exception):
    """The session did not answer, or answered with an error; as the server, or the driver, says."""


@attrs.frozen(eq=False)
class _Session:
    """A connection each answer of which is waited for until a moment, and no longer.

    libpq's own calls for that are used, since a server that is halted neither answers nor ends the connection.
    https://www.postgresql.org/docs/current/libpq-async.html
    """

    connection: "Connection[Any]"
    clock: Clock

    def ask(self, statement: str, *arguments: str, until: float) -> tuple[str, ...]:
        """The first row of the answer, as text; empty where there is none."""
        from psycopg import OperationalError
        from psycopg.pq import ExecStatus

        link, failure, row = self.connection.pgconn, "", tuple[str, ...]()
        try:
            link.send_query_params(statement.encode(), [argument.encode() for argument in arguments])
            while True:
                self._await(link, until)
                result = link.get_result()
                if result is None:
                    break
                if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
                    failure = failure or result.get_error_message() or "no reason was told"
                elif result.ntuples:
                    values = (result.get_value(0, column) for column in range(result.nfields))
                    row = tuple("" if value is None else value.decode() for value in values)
        except OperationalError as error:
            raise _Failed(str(error)) from None
        if failure:
            raise _Failed(failure)
        return row

    def _await(self, link: "PGconn", until: float) -> None:
        """Wait until an answer is there. A clock that was set back makes no longer wait than the whole bound."""
        began = self.clock.now()
        while link.is_busy():
            now = self.clock.now()
            rest = min(until - now, _SURE)
            if now < began or rest <= 0 or not select.select([link.socket], [], [], rest / self.clock.speed)[0]:
                raise _Failed("the server did not answer in time")
            link.consume_input()


@attrs.define(eq=False)
class SessionLeader:
    """Leads as long as its session with PostgreSQL lives, or can be replaced before anybody else led."""

    store: Store
    holder: Holder
    clock: Clock
    term: float = TERM
    _token: int | None = attrs.field(default=None, init=False)
    _session: _Session | None = attrs.field(default=None, init=False, repr=False)
    _why: LockLost = attrs.field(factory=_not_led, init=False)
    _one: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def lead(self) -> int | None:
        with self._one:
            until = self.clock.now() + _SURE
            if self._token is not None and self._sure(until) is None:
                return self._token
            try:
                self._token = self._taken(self.clock.now() + _SURE)
            except _Failed as error:
                self._end()
                self.store.database.fail(error)
            if self._token is None:
                self._end()
            return self._token

    def lost(self, token: int | None = None) -> LockLost | None:
        with self._one:
            if token is not None and self._token is not None and token != self._token:
                return _lost(_LED_SINCE)
            return self._why if self._token is None else self._sure(self.clock.now() + _SURE)

    def release(self) -> None:
        with self._one:
            self._token, self._why = None, _not_led()
            if self._session is not None:
                # The server drops the locks of a session that was closed, but in its own time.
                with suppress(_Failed):
                    self._session.ask("SELECT pg_advisory_unlock_all()", until=self.clock.now() + _SURE)
            self._end()

    def _taken(self, until: float) -> int | None:
        session = self._connected(until)
        session.ask("BEGIN", until=until)
        if session.ask(_LEASED, until=until) != ("t",):
            return None
        (token,) = session.ask(_RAISED, str(self.holder), repr(self.clock.now()), until=until)
        session.ask("COMMIT", until=until)
        return int(token)

    def _sure(self, until: float) -> LockLost | None:
        """Whether we lead still. Where the session ended it is replaced, if nobody led in between."""
        while True:
            try:
                other = self._other(until)
            except _Failed as error:
                self._end()
                if self.clock.now() + _AGAIN + _CONNECTING > until:
                    words = self.store.database.words(error)
                    return self._lose(f"whether this controller leads could not be made sure in time: {words}")
                self.clock.sleep(_AGAIN)
            else:
                return None if other is None else self._lose(f"{_LED_SINCE}: {other}")

    def _other(self, until: float) -> str | None:
        """Who led since, None where we do. A lock that is not to be had may be that of our own session still."""
        session = self._session
        if session is None:
            session = self._connected(until)
            session.ask(_LEASED, until=until)
        row = session.ask(_OURS, until=until)
        if not row:
            raise _Failed("somebody emptied the table of leaders")
        token, holder, ours = row
        if int(token) != self._token:
            return holder
        if ours != "t":
            raise _Failed("the lock is not this session's")
        return None

    def _connected(self, until: float) -> _Session:
        import psycopg

        self._end()
        arguments, parameters = self.store.database.parameters()
        bounds = {**parameters, "connect_timeout": _CONNECTING, "autocommit": True}
        try:
            connection: psycopg.Connection[Any] = psycopg.connect(*arguments, **bounds)
        except psycopg.Error as error:
            raise _Failed(str(error)) from None
        self._session = _Session(connection, self.clock)
        silence = (
            {"idle_session_timeout": f"{self.term * 1000:.0f}ms"}
            if connection.info.server_version >= _ENDS_SILENT
            else {}
        )
        said = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in {**_BOUNDS, **silence}.items())
        self._session.ask(f"SELECT {said}", until=until)
        return self._session

    def _lose(self, message: str) -> LockLost:
        self._token, self._why = None, _lost(message)
        self._end()
        return self._why

    def _end(self) -> None:
        if self._session is not None:
            self._session.connection.close()
            self._session = None
