"""A branch of a repository, fetched by the command `git`.

Nobody vouches for what comes from there, so that git never writes a working tree: that would run filters, and obey
attributes. It lists the tree, which is checked, and gives the contents, which are written by `Trees`. Every fetch has a
repository of its own, which is removed at its end: nothing that once came, and no lock that a dead process left, is
met again. What it costs is a whole tree, without its history, for each commit.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from providers.clock import Clock
from providers.errors import SourceAway, SourceError, SourceRefused
from providers.resources import EMPTY
from reconciler.controller.configuration import Git
from reconciler.controller.sources.remote import SETTINGS, Remote, plain, remote
from reconciler.controller.sources.revision import Revision
from reconciler.controller.sources.trees import Entry, Limits, Trees, checked, text
from reconciler.controller.sources.watched import Done, Runner

_FETCHED = "refs/fetched"
# Of a commit, its trees, an index of them all, and what git says of it.
_OVERHEAD = 1024 * 1024
_A_FILE = 1536
_TOLD = 400
_NOTHING = Path("/dev/null")
_PIECE = 1024 * 1024
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FORMATS: Mapping[int, str] = {40: "sha1", 64: "sha256"}
"""The format of objects by the length of their ids."""

_AGAIN_IN_VAIN: tuple[tuple[str, str], ...] = (
    (r"host key verification failed", "compare the key of the host, and write it into knownHosts"),
    (r"permission denied|authentication failed|could not read username|error: 40[13]", "look at the credentials"),
    (r"redirect|error: 3\d\d", "say the URL that it redirects to"),
    (r"certificate", "name the certificates to trust in GIT_SSL_CAINFO"),
    (r"couldn't find remote ref", "is the branch right?"),
    (r"not found|does not (exist|appear to be)|not exported|error: 404", "is the URL right?"),
    (r"dubious ownership", "let it belong to the user that the controller runs as"),
    (r"transport '.*' not allowed", "https, ssh, git, or the path of a folder"),
    (r"fsck error|mismatched algorithms", "have git fsck look at the repository"),
    (r"out of memory|malloc failed", "it takes more memory than a source may"),
)
"""What git says where another try would end the same, and what is to be done about it."""


@attrs.frozen
class Repository:
    """The fetcher of a branch; `inherited` is the environment of this machine, of which git gets next to nothing."""

    origin: Git
    trees: Trees
    run: Runner
    clock: Clock
    inherited: Mapping[str, str] = EMPTY

    def fetch(self, last: Revision | None) -> Revision:
        with self.trees.work() as work:
            at = remote(self.origin)
            git = _Command(work, at, self.run, self.clock.now() + self.origin.timeout, self.inherited)
            ref = f"refs/heads/{self.origin.branch}"
            if last is None or not last.id.startswith(f"{self.origin.branch}@"):
                _obeys(git)
                self._check(git, ref)
            tip = _tip(git, ref)
            if last is not None and last.id == self._name(tip):
                return last
            git("init", "--quiet", "--bare", "--template=", f"--object-format={_FORMATS[len(tip)]}", str(work / "git"))
            _obeys(git)
            git.remotely(*_FETCH, "--", at.url, f"+{ref}:{_FETCHED}", room=self._room)
            commit = git("rev-parse", "--verify", "--end-of-options", f"{_FETCHED}^{{commit}}").text.strip()
            if last is not None and last.id == self._name(commit):
                return last
            self._vouched(git, commit)
            entries = checked(_listed(git, commit, self.origin.max_files), self._limits)
            entries, places = _read(git, entries)
            said = git("log", "-1", "--no-patch", "--no-mailmap", "--format=%s (%an)", commit)
            return self.trees.write(
                work, self._name(commit), entries, _from(work / "contents", places), _fit(said.text)
            )

    def tidy(self, kept: Collection[Revision]) -> None:
        self.trees.tidy(kept)

    @property
    def _limits(self) -> Limits:
        return Limits(self.origin.max_bytes, self.origin.max_files)

    @property
    def _room(self) -> int:
        return self.origin.max_bytes + self.origin.max_files * _A_FILE + _OVERHEAD

    def _name(self, commit: str) -> str:
        return f"{self.origin.branch}@{_FORMATS[len(commit)]}:{commit}"

    def _check(self, git: "_Command", ref: str) -> None:
        if self.origin.branch.startswith("-") or "\0" in ref or git.ends("check-ref-format", ref).code:
            raise SourceRefused(f"{self.origin.branch!r} is no name of a branch")

    def _vouched(self, git: "_Command", commit: str) -> None:
        """Raise SourceRefused unless one of those configured signed the commit, where somebody must have."""
        signers, keyring = self.origin.signers, self.origin.keyring
        if signers is None and keyring is None:
            return
        # A program that is not configured is one that fails.
        settings = {"gpg.program": "false", "gpg.ssh.program": "false"}
        if signers is not None:
            del settings["gpg.ssh.program"]
            settings["gpg.ssh.allowedSignersFile"] = plain(signers)
        if keyring is not None:
            del settings["gpg.program"]
            git.imports(plain(keyring))
        git = git.set(settings)
        verdict = git.ends("log", "-1", "--no-patch", "--no-mailmap", "--format=%G?", commit)
        if verdict.text.strip() != "G" or git.ends("verify-commit", commit).code:
            raise SourceRefused(
                f"the commit {commit} is not signed by anybody who is to",
                hint="have it signed by one of signers or keyring",
            )


@attrs.frozen
class _Command:
    """Git at work in a folder, for one fetch that ends `until` then."""

    work: Path
    at: Remote
    runner: Runner
    until: float
    inherited: Mapping[str, str]

    def set(self, settings: Mapping[str, str]) -> "_Command":
        return attrs.evolve(self, at=attrs.evolve(self.at, settings={**self.at.settings, **settings}))

    def ends(self, *words: str, room: int = _OVERHEAD, given: Path = _NOTHING, program: str = "git") -> Done:
        """Run it to its end, however that is."""
        environ = self.at.environ(self.work, self.inherited)
        return self.runner(
            [program, *words], environ=environ, folder=self.work, until=self.until, room=room, given=given
        )

    def __call__(self, *words: str, room: int = _OVERHEAD, given: Path = _NOTHING) -> Done:
        """Run it to a good end; raises SourceRefused where it fails at what was fetched."""
        done = self.ends(*words, room=room, given=given)
        if done.code:
            raise SourceRefused(f"git {words[0]}: {self._why(done)}")
        return done

    def remotely(self, *words: str, room: int = _OVERHEAD) -> Done:
        """Run it to a good end, where it asks the other side, which may be at fault."""
        done = self.ends(*words, room=room)
        if done.code:
            raise self._fault(done)
        return done

    def imports(self, keyring: str) -> None:
        """Make a home for gpg in which all keys of this keyring count, and no others."""
        home = self.work / "gnupg"
        home.mkdir(mode=0o700)
        (home / "gpg.conf").write_text("trust-model always\nno-auto-key-retrieve\nno-autostart\n")
        done = self.ends("--batch", "--quiet", "--no-tty", "--import", keyring, program="gpg")
        if done.code:
            raise SourceRefused(f"the keyring {keyring} cannot be read: {self._why(done)}")

    def _fault(self, done: Done) -> SourceError:
        why = self._why(done)
        # The URL may hold any of these words.
        said = done.told.replace(self.at.url, "")
        for words, hint in _AGAIN_IN_VAIN:
            if re.search(words, said, re.IGNORECASE):
                return SourceRefused(f"{self.at.url}: {why}", hint=hint)
        return SourceAway(f"{self.at.url} cannot be reached: {why}", hint="is the network up?")

    def _why(self, done: Done) -> str:
        return _fit(self.at.told(done.told)) or f"it ended with {done.code}"


_FETCH = (
    "fetch",
    "--quiet",
    "--depth=1",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
)


def _obeys(git: _Command) -> None:
    """Raise SourceRefused where git does not read its settings where they are given: it would obey none of them."""
    if git.ends("config", "--get", "core.hooksPath").text.strip() != SETTINGS["core.hooksPath"]:
        raise SourceRefused("git does not take its settings from the environment", hint="git 2.34 or newer")


def _tip(git: _Command, ref: str) -> str:
    """The commit of a branch on the other side."""
    answer = git.remotely("ls-remote", "--quiet", "--refs", "--", git.at.url, ref)
    rows = (line.split("\t") for line in answer.text.splitlines())
    tip = next((row[0] for row in rows if row[1:] == [ref]), None)
    if tip is None or not _ID.fullmatch(tip):
        raise SourceRefused(
            f"{git.at.url} has no branch {ref.removeprefix('refs/heads/')}", hint="is the branch right?"
        )
    return tip


def _listed(git: _Command, commit: str, most: int) -> Iterator[Entry]:
    """What the tree of a commit holds, where that is `most` folders at most: some hold nothing but folders."""
    done = git.ends("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit, room=2 * most * _A_FILE + _OVERHEAD)
    if done.code:
        raise SourceRefused("the tree of the commit cannot be read")
    folders = 0
    for row in _rows(done.output):
        about, _, path = row.partition(b"\t")
        match about.split():
            case [b"100644" | b"100755" | b"100664", b"blob", name, size] if size.isdigit():
                yield Entry(text(path), int(size), name.decode())
            case [b"120000", b"blob", name, size] if size.isdigit():
                yield Entry(text(path), int(size), name.decode(), "")
            case [b"040000", b"tree", _, _]:
                folders += 1
            case [b"160000", b"commit", _, _]:
                continue
            case _:
                raise SourceRefused(f"the tree holds something strange: {about!r}")
        if folders > most:
            raise SourceRefused(f"there are more than {most} folders")


def _rows(path: Path) -> Iterator[bytes]:
    rest = b""
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            *rows, rest = (rest + piece).split(b"\0")
            yield from rows


def _read(git: _Command, entries: Sequence[Entry]) -> tuple[tuple[Entry, ...], Mapping[str, int]]:
    """The entries with the targets of links; and where in the file `contents` the content of each begins."""
    names, contents = git.work / "names", git.work / "contents"
    names.write_text("".join(f"{entry.digest}\n" for entry in entries))
    room = sum(entry.size for entry in entries) + len(entries) * _A_FILE + _OVERHEAD
    git("cat-file", "--batch", "--buffer", room=room, given=names).output.rename(contents)
    found: list[Entry] = []
    places: dict[str, int] = {}
    with open(contents, "rb") as file:
        for entry in entries:
            if file.readline(_A_FILE).split() != [entry.digest.encode(), b"blob", str(entry.size).encode()]:
                raise SourceRefused(f"the content of {entry.path!r} is not there")
            places[entry.path] = file.tell()
            link = entry.target is not None
            found.append(attrs.evolve(entry, target=text(file.read(entry.size))) if link else entry)
            file.seek(places[entry.path] + entry.size + 1)
    return tuple(found), places


def _from(contents: Path, places: Mapping[str, int]) -> Callable[[Entry], Iterable[bytes]]:
    def read(entry: Entry) -> Iterator[bytes]:
        left = entry.size
        with open(contents, "rb") as file:
            file.seek(places[entry.path])
            while left and (piece := file.read(min(left, _PIECE))):
                left -= len(piece)
                yield piece

    return read


def _fit(said: str) -> str:
    """What somebody else said, on one line that a terminal may show."""
    shown = "".join(letter if letter.isprintable() else " " for letter in said)
    return " ".join(shown.split())[:_TOLD]
