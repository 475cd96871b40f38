"""A private cluster of PostgreSQL, on a free port of this machine and a socket in a folder of its own."""

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest

from tests.programs import path

NEEDS = pytest.mark.needs("postgres", "initdb", "pg_ctl")
PASSWORD = "open sesame"
_NOBODY = 65534


@attrs.frozen
class Cluster:
    """It holds nothing dear: nothing is forced to the disk, and everybody of this machine is let in."""

    folder: Path
    port: int
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1), repr=False)

    def fresh(self) -> str:
        """The URL of an empty schema, which costs less than a database."""
        schema = f"s{next(self._numbers)}"
        self.ask(f"CREATE SCHEMA {schema}")
        return self.url(f"options=-csearch_path%3D{schema}")

    def url(self, query: str = "") -> str:
        user = f"batchwright:{PASSWORD.replace(' ', '%20')}"
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/postgres?{query}"

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """What the server answers to a stranger."""
        with psycopg.connect(host=str(self.folder), port=self.port, user="batchwright", dbname="postgres") as link:
            cursor = link.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        self._control("start")

    def stop(self) -> None:
        self._control("stop")

    def restart(self) -> None:
        """As after a crash: what is under way is cut off."""
        self._control("restart")

    def _control(self, what: str) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=8MB"
        mode = ("-m", "immediate") if what != "start" else ()
        data, log = str(self.folder / "data"), str(self.folder / "log")
        _run("pg_ctl", what, "--wait", "-D", data, "-l", log, "-o", options, *mode, folder=self.folder)


def _run(program: str, *arguments: str, folder: Path) -> None:
    """PostgreSQL does not run as root; the tests may."""
    root = os.geteuid() == 0
    nobody: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if root else {}
    # What a server inherits stays open as long as it runs, so that nobody waits for the end of a pipe.
    with (folder / "said").open("a+") as said:
        command = [path(program), *arguments]
        ran = subprocess.run(command, cwd=folder, stdout=said, stderr=said, timeout=60, check=False, **nobody)
        said.seek(0)
        assert ran.returncode == 0, said.read()


@contextmanager
def running() -> Iterator[Cluster]:
    """A cluster that runs as long as the block does."""
    # Not below pytest's own folder, which is for its user alone; and a socket's path has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="bw-postgres-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        data = str(folder / "data")
        locale = ("--encoding=UTF8", "--no-locale")
        _run("initdb", "-D", data, "--no-sync", "--auth=trust", "-U", "batchwright", *locale, folder=folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            cluster = Cluster(folder, free.getsockname()[1])
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)
