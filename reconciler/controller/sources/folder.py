"""A folder of this machine, as it was at one moment: what lies there may change at any time, a copy does not."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

import attrs

from providers.errors import SourceAway, SourceRefused
from reconciler.controller.configuration import Folder
from reconciler.controller.sources.revision import Revision
from reconciler.controller.sources.trees import Entry, Limits, Trees, check, checked, name_of, text

_PIECE = 1024 * 1024
_BENEATH = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@attrs.frozen
class Local:
    """The fetcher of a folder.

    It is read twice where it changed, and taken where both times it was the same. `.git` at its top is left out.
    """

    origin: Folder
    trees: Trees
    limits: Limits = Limits()

    def fetch(self, last: Revision | None) -> Revision:
        try:
            top = os.open(self.origin.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceAway(f"{self.origin.path} cannot be read: {error.strerror}", hint="is it there?") from error
        try:
            entries = self._entries(top)
            name = name_of(entries)
            if last is not None and last.id == name:
                return last
            with self.trees.work() as work:
                return self.trees.write(work, name, entries, lambda entry: _content(top, entry))
        finally:
            os.close(top)

    def tidy(self, kept: Collection[Revision]) -> None:
        self.trees.tidy(kept)

    def _entries(self, top: int) -> tuple[Entry, ...]:
        return tuple(map(partial(self._read, top), checked(_listed(top, ""), self.limits)))

    def _read(self, top: int, entry: Entry) -> Entry:
        self.trees.go_on()
        return attrs.evolve(entry, digest=_digest(top, entry)) if entry.target is None else entry


def _listed(folder: int, above: str) -> Iterator[Entry]:
    """What lies in an open folder, by name, without a look through any link."""
    for found in sorted(os.scandir(folder), key=lambda found: found.name):
        path = above + text(os.fsencode(found.name))
        if path == ".git":
            continue
        with _gone(path):
            about = found.stat(follow_symlinks=False)
            if stat.S_ISLNK(about.st_mode):
                yield Entry(path, about.st_size, "", text(os.fsencode(os.readlink(found.name, dir_fd=folder))))
            elif stat.S_ISDIR(about.st_mode):
                check(path)
                inner = os.open(found.name, _BENEATH | os.O_DIRECTORY, dir_fd=folder)
                try:
                    yield from _listed(inner, f"{path}/")
                finally:
                    os.close(inner)
            elif stat.S_ISREG(about.st_mode):
                yield Entry(path, about.st_size, "")
            else:
                raise SourceRefused(f"{path!r} is neither a file, nor a folder, nor a link")


def _digest(top: int, entry: Entry) -> str:
    found = hashlib.sha256()
    for piece in _pieces(top, entry):
        found.update(piece)
    return found.hexdigest()


def _content(top: int, entry: Entry) -> Iterator[bytes]:
    """The content of a file, which is still what its digest says."""
    found = hashlib.sha256()
    for piece in _pieces(top, entry):
        found.update(piece)
        yield piece
    if found.hexdigest() != entry.digest:
        raise _changed(entry.path)


def _pieces(top: int, entry: Entry) -> Iterator[bytes]:
    """What a file holds, of as many bytes as were listed, and reached through no link."""
    *folders, name = entry.path.split("/")
    here = os.dup(top)
    with _gone(entry.path):
        try:
            for part, flags in [*((folder, _BENEATH | os.O_DIRECTORY) for folder in folders), (name, _BENEATH)]:
                inner = os.open(part, flags, dir_fd=here)
                os.close(here)
                here = inner
            if os.fstat(here).st_size != entry.size:
                raise _changed(entry.path)
            left = entry.size
            while left and (piece := os.read(here, min(left, _PIECE))):
                left -= len(piece)
                yield piece
        finally:
            os.close(here)


@contextmanager
def _gone(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceAway(f"{path!r} cannot be read: {error.strerror}", hint="did it change meanwhile?") from error


def _changed(path: str) -> SourceAway:
    return SourceAway(f"{path!r} changed while it was read", hint="replace files as a whole, by renaming them")
