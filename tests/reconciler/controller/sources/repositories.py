"""Repositories made by git itself, good and hostile ones, and sources that fetch from them."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from providers.resources import EMPTY
from reconciler.controller.configuration import Git
from reconciler.controller.sources import Fetcher, fetcher
from reconciler.controller.sources.git import Repository
from reconciler.controller.sources.watched import Done, Watched
from tests import programs

FILE, RUN, LINK, FOLDER, MODULE = "100644", "100755", "120000", "40000", "160000"

Row = tuple[str, str, str]
"""Of a tree: mode, name, and id."""


def no_s3(_region: str | None) -> Any:
    raise AssertionError


@attrs.frozen
class Repo:
    """A bare repository in a folder."""

    folder: Path

    @classmethod
    def new(cls, folder: Path, format: str = "sha1") -> "Repo":
        made = cls(folder)
        folder.mkdir(parents=True)
        made.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", f"--object-format={format}", ".")
        return made

    def git(self, *words: str, given: bytes = b"", environ: Mapping[str, str] = EMPTY) -> str:
        done = subprocess.run(
            [programs.path("git"), *words],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "GIT_CONFIG_NOSYSTEM": "1",
                **{
                    f"GIT_{who}_{what}": value
                    for who in ("AUTHOR", "COMMITTER")
                    for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.com"), ("DATE", "1800000000 +0000"))
                },
                **environ,
            },
            input=given,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def blob(self, content: str | bytes) -> str:
        raw = content.encode() if isinstance(content, str) else content
        return self.git("hash-object", "-w", "--stdin", given=raw)

    def tree(self, rows: Sequence[Row]) -> str:
        """A tree as it is said, however wrong."""
        raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(there) for mode, name, there in rows)
        return self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)

    def commit(
        self,
        tree: str,
        said: str = "as it is to be",
        *options: str,
        branch: str = "main",
        environ: Mapping[str, str] = EMPTY,
    ) -> str:
        made = self.git(*options, "commit-tree", *(["-S"] if options else []), "-m", said, tree, environ=environ)
        self.git("update-ref", f"refs/heads/{branch}", made)
        return made

    def files(self, files: Mapping[str, str | bytes]) -> str:
        """A tree of files."""
        rows: list[Row] = []
        for name in sorted({path.partition("/")[0] for path in files}):
            below = {path.removeprefix(f"{name}/"): files[path] for path in files if path.startswith(f"{name}/")}
            rows.append((FOLDER, name, self.files(below)) if below else (FILE, name, self.blob(files[name])))
        return self.tree(rows)

    def put(self, files: Mapping[str, str | bytes], said: str = "as it is to be") -> str:
        """A commit of these files, and no others."""
        return self.commit(self.files(files), said)

    def put_rows(self, rows: Sequence[Row]) -> str:
        return self.commit(self.tree(rows))


def source(repo: Repo | str, cache: Path, environ: Mapping[str, str] = EMPTY, **more: Any) -> Fetcher:
    """The fetcher of a repository, which sees the PATH of the tests."""
    url = str(repo.folder) if isinstance(repo, Repo) else repo
    here = {"PATH": os.environ["PATH"], **environ}
    return fetcher(attrs.evolve(Git(url, timeout=30.0), **more), cache, s3=no_s3, environ=here)


@attrs.frozen
class Told:
    """Runs programs, and remembers what was asked of git.

    `before` a command something else happens, and by `codes` it ends otherwise than it did; `unset` names what is
    taken from its environment.
    """

    ran: list[str] = attrs.field(factory=list)
    before: Mapping[str, Callable[[], object]] = EMPTY
    codes: Mapping[str, int] = EMPTY
    unset: str = ""
    watched: Watched = Watched()

    def __call__(
        self, words: Sequence[str], *, environ: Mapping[str, str], folder: Path, until: float, room: int, given: Path
    ) -> Done:
        self.ran.append(words[1])
        self.before.get(words[1], lambda: None)()
        environ = {name: value for name, value in environ.items() if name != self.unset}
        done = self.watched(words, environ=environ, folder=folder, until=until, room=room, given=given)
        return attrs.evolve(done, code=self.codes.get(words[1], done.code))


def telling(fetch: Fetcher, told: Told) -> Fetcher:
    assert isinstance(fetch, Repository)
    return attrs.evolve(fetch, run=told)


def content(folder: Path) -> dict[str, str]:
    """What lies in a folder, links as they are."""
    return {
        str(path.relative_to(folder)): f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
