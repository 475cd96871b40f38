"""Trees that were fetched, as files of ours: what a source lists is checked before a byte of it is written."""

import os
import re
import shutil
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path, PurePosixPath

import attrs

from providers.errors import SourceAway, SourceRefused
from reconciler.controller.sources.revision import Revision, digest, go_on

NEWEST = 3
"""So many revisions stay however little anybody needs them."""

_LONGEST_PATH = 1024
_LONGEST_NAME = 255
# What the kernel follows, path_resolution(7), and what all links of a tree may cost together.
_MOST_HOPS = 40
_MOST_STEPS = 1_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Names under which some file system finds `.git`: https://github.com/git/git/security/advisories/GHSA-j342-m5hw-rr3v
_GIT = re.compile(r"\.git[ .]*(:.*)?|git~1[ .]*(:.*)?", re.IGNORECASE)


@attrs.frozen
class Limits:
    """What a source may hold: bytes of all its files together, and files, links and folders."""

    max_bytes: int = 64 * 1024 * 1024
    max_files: int = 10_000


@attrs.frozen
class Entry:
    """A file of a source, or a link where `target` is said; `size` in bytes."""

    path: str
    size: int
    digest: str
    target: str | None = None


def checked(entries: Iterable[Entry], limits: Limits) -> tuple[Entry, ...]:
    """What a source lists; raises SourceRefused at the first that may not be, and reads no further."""
    found: list[Entry] = []
    total = 0
    for entry in entries:
        found.append(entry)
        total += entry.size
        if len(found) > limits.max_files:
            raise SourceRefused(f"there are more than {limits.max_files} files", hint="say maxFiles, or fewer files")
        if total > limits.max_bytes:
            raise SourceRefused(
                f"there are more than {limits.max_bytes} bytes; with {entry.path!r} there are {total}",
                hint="say maxBytes, or keep what is large elsewhere",
            )
        check(entry.path)
    names = {entry.path for entry in found}
    folders = {above for path in names for above in accumulate(path.split("/")[:-1], "{}/{}".format)}
    if len(names) < len(found):
        raise SourceRefused("a path is there twice")
    if names & folders:
        raise SourceRefused(f"{min(names & folders)!r} is a file and a folder")
    return tuple(found)


def text(raw: bytes) -> str:
    """A path or the target of a link, which must be text."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise SourceRefused(f"the path {raw!r} is no UTF-8") from error


def name_of(entries: Iterable[Entry]) -> str:
    """The id of what is there."""
    there = {entry.path: entry.digest if entry.target is None else f"-> {entry.target}" for entry in entries}
    return f"sha256:{digest(there)}"


def check(path: str) -> None:
    """Raise SourceRefused for a path, of a file or a folder, that may not be in a source."""
    parts = path.split("/")
    if _CONTROL.search(path):
        raise SourceRefused(f"the path {path!r} holds a control character")
    if len(path.encode()) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise SourceRefused(f"the path {path[:80]!r}... is too long")
    if any(part in ("", ".", "..") or _GIT.fullmatch(part) for part in parts):
        raise SourceRefused(f"the path {path!r} may not be in a source")


@attrs.frozen
class Trees:
    """The revisions of one source, each in a folder of its own below `folder`, which is nobody else's.

    Whatever is half done lies in a folder `.work`, which the next fetch begins anew. Once `stop` is done it ends there.
    """

    folder: Path
    stop: Future[int] | None = attrs.field(default=None, kw_only=True)

    def go_on(self) -> None:
        """Raise Interrupted where the fetch is to end."""
        go_on(self.stop)

    @contextmanager
    def work(self) -> Iterator[Path]:
        """An empty folder for the time of a fetch."""
        work = self.folder / ".work"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove(work)
            work.mkdir(mode=0o700)
            yield work
        except OSError as error:
            raise SourceAway(f"what is fetched cannot be kept: {error}", hint=f"look at {self.folder}") from error
        finally:
            _remove(work)

    def write(
        self,
        work: Path,
        name: str,
        entries: Sequence[Entry],
        read: Callable[[Entry], Iterable[bytes]],
        said: str = "",
    ) -> Revision:
        """A revision of `checked` entries; `read` gives the content of a file, in pieces.

        Raises SourceRefused for a link that leaves the tree, SourceAway where a content is not as long as was listed.
        """
        files = followed(entries)
        half = work / "tree"
        half.mkdir(mode=0o700)
        for entry in entries:
            self.go_on()
            path = half / entry.path
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if entry.target is None:
                _write(path, entry, read(entry))
        # Last, so that nothing can be written through one.
        for entry in entries:
            if entry.target is not None:
                (half / entry.path).symlink_to(entry.target)
        number = 1 + max(self._there(), default=0)
        place = self.folder / f"{number}-{name.rpartition(':')[2][:12]}"
        half.rename(place)
        return Revision(name, place, files, said)

    def tidy(self, kept: Collection[Revision]) -> None:
        """Remove all revisions save the newest few and `kept`."""
        held = {revision.folder for revision in kept}
        there = self._there()
        for number in sorted(there)[:-NEWEST]:
            if there[number] not in held:
                _remove(there[number])

    def _there(self) -> Mapping[int, Path]:
        """The revisions in the order in which they came."""
        return {int(path.name.partition("-")[0]): path for path in self.folder.glob("[0-9]*-*")}


def _write(path: Path, entry: Entry, content: Iterable[bytes]) -> None:
    room = entry.size
    # Nothing that came is ever run, so that nothing need be executable.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400), "wb") as file:
        for piece in content:
            room -= len(piece)
            if room < 0:
                break
            file.write(piece)
    if room:
        raise SourceAway(f"{entry.path!r} changed while it was read")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def followed(entries: Sequence[Entry]) -> Mapping[str, str]:
    """The digests by path; a link has that of the file where it ends, and of the whole tree where that is no file."""
    own = {entry.path: entry.digest for entry in entries if entry.target is None}
    targets = {entry.path: entry.target for entry in entries if entry.target is not None}
    if not targets:
        return own
    steps = _Steps(_MOST_STEPS)
    ends = {path: _end(path, targets, steps) for path in targets}
    whole = name_of(entries)
    links = {path: f"{own.get(end, whole)} -> {targets[path]}" for path, end in ends.items()}
    return own | links


@attrs.define
class _Steps:
    left: int


def _end(link: str, targets: Mapping[str, str], steps: _Steps) -> str:
    """Where a link ends, as path_resolution(7) has it; `..` goes up from where a link led, not from where it lies."""
    here: list[str] = []
    ahead = deque(link.split("/"))
    hops = 0
    while ahead:
        part = ahead.popleft()
        steps.left -= 1
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                raise SourceRefused(f"the link {link!r} to {targets[link]!r} leaves the tree")
            here.pop()
            continue
        here.append(part)
        target = targets.get("/".join(here))
        if target is None:
            continue
        hops += 1
        if PurePosixPath(target).is_absolute() or _CONTROL.search(target):
            raise SourceRefused(f"the link {link!r} to {target!r} leaves the tree", hint="links are relative")
        if not target or len(target) > _LONGEST_PATH or hops > _MOST_HOPS or steps.left < 0:
            raise SourceRefused(f"the link {link!r} cannot be followed")
        here.pop()
        ahead.extendleft(reversed(target.split("/")))
    return "/".join(here)
