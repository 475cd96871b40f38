"""A database and how it is spoken to: SQLite in a file, or PostgreSQL.

What is done is done in one transaction. It is done again where the connection, or the server, went away meanwhile, or
somebody kept a file for long: whether such a transaction was committed nobody knows, so that each must be one that may
be done twice.
Errors are StoreError with the database's own words, and never with a password.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import attrs
import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, exc, text

from providers.clock import Clock, SystemClock
from providers.errors import StoreError
from reconciler import migrations

T = TypeVar("T")

FORMS = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts: a restart takes one or two. A dead network adds what it takes to notice, ten at most."""

_PASSES = ("08", "40", "57P", "53300")
"""How the states begin after which the same is done again: connections lost, conflicts, a server that stops or starts,
too many connections. https://www.postgresql.org/docs/current/errcodes-appendix.html"""

_NOTICED: Mapping[str, str] = {
    "connect_timeout": "3",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "10000",
    "application_name": "batchwright",
}
"""What libpq is told unless the URL tells it otherwise, so that a dead network is noticed within seconds.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS"""

_STATEMENT = "SET statement_timeout = '30s'"
_MIGRATING = "SET LOCAL statement_timeout = '300s'"
_MIGRATION_LOCK = 0x62_61_74_63_68  # "batch": of the database, since there are no tables yet
_BUSY = 5.0
"""Seconds for which SQLite waits for whoever writes, at each attempt."""


@attrs.frozen(eq=False)
class Database:
    """An open database; `place` is its name in messages, `file` where it is one."""

    engine: Engine
    place: str
    file: Path | None
    clock: Clock
    _secrets: tuple[str, ...] = attrs.field(repr=False)

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> "Database":
        """Raises StoreError where it is none of `FORMS`, cannot be reached, or its tables are newer than ours."""
        parsed = _parsed(url)
        file = Path(parsed.database or "").absolute() if parsed.get_backend_name() == "sqlite" else None
        place = f"the store {file}" if file is not None else _place(parsed)
        said = [parsed.query.get(key) for key in ("password", "sslpassword")]
        secrets = [str(secret) for secret in (parsed.password, *said) if secret]
        if file is not None:
            _touch(file, place)
        made = cls(_engine(parsed), place, file, clock or SystemClock(), tuple(secrets))
        try:
            made._prepare()
        except BaseException:
            made.close()
            raise
        return made

    @property
    def postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    def parameters(self) -> tuple[list[Any], dict[str, Any]]:
        """What the driver's `connect` takes, with what is secret, for a connection of one's own."""
        arguments, parameters = self.engine.dialect.create_connect_args(self.engine.url)
        return list(arguments), dict(parameters)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Look, without keeping out who writes."""
        return self._insist(lambda: self._once(work, writes=False))

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do it in one transaction. It may come to be done twice, so that twice has to be as once."""
        return self._insist(lambda: self._once(work, writes=True))

    def _insist(self, attempt: Callable[[], T]) -> T:
        pauses = iter(_PAUSES)
        while True:
            try:
                return attempt()
            except exc.DBAPIError as error:
                pause = next(pauses, None) if self._passes(error) else None
                if pause is None:
                    self.fail(error.orig or error)
            except exc.TimeoutError as error:
                self.fail(error)
            self.clock.sleep(pause)

    def _once(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        with self.engine.connect() as connection:
            connection.execution_options(writes=writes)
            with connection.begin():
                return work(connection)

    def _passes(self, error: exc.DBAPIError) -> bool:
        """Whether it may go better in a moment. A failure to connect has no state."""
        if not isinstance(error, exc.OperationalError | exc.InterfaceError):
            return False
        if not self.postgresql:
            return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        state: str | None = getattr(error.orig, "sqlstate", None)
        return state is None or state.startswith(_PASSES)

    def fail(self, error: BaseException) -> NoReturn:
        """Raise what a database or its driver said as a StoreError.

        What it is raised from is left out: nobody vouches for what a driver puts into its errors.
        """
        raise StoreError(f"{self.place}: {self.words(error)}", hint=self._hint) from None

    def words(self, error: BaseException) -> str:
        """What an error says, in one line and without what is secret."""
        said = " ".join(str(error).split())
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return said

    @property
    def _hint(self) -> str:
        if self.postgresql:
            return "see that the server runs, and that the user of the URL may use the database"
        return "see that the file, and its folder, can be written to"

    def _prepare(self) -> None:
        try:
            if not self.postgresql:
                self._insist(self._let_read)
            self._once(self._migrate, writes=True)
        except exc.DBAPIError as error:
            self.fail(error.orig or error)

    def _let_read(self) -> None:
        """Have readers keep out no writer. Of several that say so at once SQLite refuses some outright."""
        with self.engine.connect() as connection:
            connection.execution_options(begins=False)
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def _migrate(self, connection: Connection) -> None:
        """Bring the tables up to date. Of several that open it at once one does, and the others find it done."""
        from alembic import command
        from alembic.config import Config
        from alembic.migration import MigrationContext
        from alembic.script import ScriptDirectory

        if self.postgresql:
            connection.execute(text(_MIGRATING))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
        steps = ScriptDirectory.from_config(config)
        there = set(MigrationContext.configure(connection).get_current_heads())
        unknown = there - {step.revision for step in steps.walk_revisions()}
        if unknown:
            raise StoreError(
                f"{self.place} is of schema {', '.join(sorted(unknown))}, which this version does not know",
                hint="a newer version made it: take that one, or a database that is the controller's own",
            )
        if there != set(steps.get_heads()):
            command.upgrade(config, "head")

    def close(self) -> None:
        self.engine.dispose()


def _parsed(url: str) -> URL:
    """What a URL says; messages do not repeat it, since it may hold a password."""
    try:
        parsed = sqlalchemy.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise StoreError("the URL of the store cannot be read", hint=f"a store is {FORMS}") from None
    driver = _DRIVERS.get(parsed.drivername, parsed.drivername)
    if driver not in _DRIVERS.values() or "@" in (parsed.host or ""):
        message = "the URL of the store has an `@` too many" if "@" in (parsed.host or "") else "unknown kind of store"
        raise StoreError(message, hint=f"a store is {FORMS}; what is special in a password is written as %40 is for @")
    in_file = bool(parsed.database) and parsed.database != ":memory:" and not parsed.query
    if driver == "sqlite+pysqlite" and not in_file:
        raise StoreError("a store of SQLite is a file, and takes no options", hint="a store is sqlite:///FILE")
    return parsed.set(drivername=driver)


def _place(url: URL) -> str:
    host = url.host or url.query.get("host") or "the local socket"
    port = f":{url.port}" if url.port else ""
    return f"the store {url.database or ''} of PostgreSQL at {host if isinstance(host, str) else ','.join(host)}{port}"


def _touch(file: Path, place: str) -> None:
    """What lies in a store is for its owner's eyes; a file that is there stays as it is."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"{place} cannot be opened: {error.strerror}") from error


def _engine(url: URL) -> Engine:
    said: dict[str, Any] = {
        "json_serializer": partial(json.dumps, allow_nan=False, separators=(",", ":")),
        "hide_parameters": True,
    }
    try:
        if url.get_backend_name() == "sqlite":
            engine = sqlalchemy.create_engine(url, connect_args={"timeout": _BUSY}, **said)
            event.listen(engine, "begin", _begun_in_sqlite)
        else:
            unsaid = {key: value for key, value in _NOTICED.items() if key not in url.query}
            engine = sqlalchemy.create_engine(url.update_query_dict(unsaid), pool_pre_ping=True, **said)
            event.listen(engine, "connect", _connected_to_postgresql)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"PostgreSQL takes {error.name}, which is not installed", hint="pip install 'batchwright[postgresql]'"
        ) from error
    return engine


def _begun_in_sqlite(connection: Connection) -> None:
    """Python's driver begins nothing for a look; and whoever looks first and writes later could not write any more if
    somebody else wrote meanwhile.

    https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
    """
    options = connection.get_execution_options()
    if options.get("begins", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _connected_to_postgresql(connection: Any, _record: object) -> None:
    before, connection.autocommit = connection.autocommit, True
    connection.execute(_STATEMENT)
    connection.autocommit = before
