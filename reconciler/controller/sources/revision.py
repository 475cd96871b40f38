"""What a fetch gives: a source as it was at one moment."""

import hashlib
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from pathlib import Path, PurePosixPath
from typing import Protocol

import attrs

from providers.errors import Interrupted, SourceRefused


@attrs.frozen
class Revision:
    """A source as it was at one moment: a folder that no longer changes.

    `id` is `BRANCH@sha1:HEX` or `BRANCH@sha256:HEX` of a repository, by the format of its objects, and `sha256:HEX` of
    what is there of a folder or a bucket. `files` has by POSIX path the digest of what is there: a blob's id, an ETag,
    a SHA-256; a link has that of the file where it ends. `said` is the subject and the author
    of the commit, which nobody vouches for.
    """

    id: str
    folder: Path
    files: Mapping[str, str] = attrs.field(eq=False, repr=False)
    said: str = ""

    @property
    def top(self) -> Path:
        """The folder without links on the way to it."""
        return self.folder.resolve()

    def digest(self, paths: Collection[str] = ()) -> str:
        """A digest of what lies under these paths, all for none: what changes elsewhere leaves it as it is."""
        wanted = {_inside(path) for path in paths}
        if not wanted or _ROOT in wanted:
            return digest(self.files)
        # Below a link nothing is listed: who looks through it depends on the link.
        themselves = {str(path) for top in wanted for path in (top, *top.parents)}
        below = tuple(f"{top}/" for top in wanted)
        found = (path for path in self.files if path in themselves or path.startswith(below))
        return digest({path: self.files[path] for path in found})

    def paths(self, paths: Collection[str] = ()) -> tuple[Path, ...]:
        """These paths in the folder, the folder itself for none; raises SourceRefused for one that leaves it."""
        folder = self.top
        found = tuple(folder / _inside(path) for path in paths) or (folder,)
        for path in found:
            if not path.resolve().is_relative_to(folder):
                raise SourceRefused(f"{path.relative_to(folder)} leaves the tree of {self.id}")
        return found


def go_on(stop: "Future[int] | None") -> None:
    """Raise Interrupted where a fetch is to end; `stop` is done then, with a signal's number."""
    if stop is not None and stop.done():
        raise Interrupted("interrupted while fetching", signal=stop.result())


class Fetcher(Protocol):
    """One source. It is fetched by one caller at a time."""

    def fetch(self, last: Revision | None) -> Revision:
        """The source as it is now; `last` itself, which this fetcher gave, where nothing is new.

        Raises SourceAway where it cannot be reached, SourceRefused where it breaks a rule, Interrupted where it is to
        end.
        """

    def tidy(self, kept: Collection[Revision]) -> None:
        """Remove what was fetched before, save the newest few and `kept`."""


_ROOT = PurePosixPath()


def digest(files: Mapping[str, str]) -> str:
    """The SHA-256, in hex, of paths and the digests of what is there."""
    return hashlib.sha256("".join(f"{path}\0{files[path]}\n" for path in sorted(files)).encode()).hexdigest()


def _inside(path: str) -> PurePosixPath:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path:
        raise SourceRefused(f"{path!r} leaves the tree", hint="paths are relative to the top of the source")
    return pure
