"""A branch of a repository: what is new comes, what is not costs one look, and no fetch harms the one before."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from providers.clock import SystemClock
from providers.errors import SourceAway, SourceError, SourceRefused
from reconciler.controller.configuration import Git
from reconciler.controller.sources.git import Repository
from reconciler.controller.sources.trees import Trees
from reconciler.controller.sources.watched import Done
from tests.reconciler.controller.sources.repositories import (
    FILE,
    LINK,
    Repo,
    Told,
    content,
    source,
    telling,
)

pytestmark = pytest.mark.needs("git")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.new(tmp_path / "repo")


def test_a_branch_comes_as_it_is(repo: Repo, tmp_path: Path) -> None:
    """A revision has the files of the tip, their blobs' ids, and what the commit says."""
    files = {"stack.yaml": "stack: a\n", "more/queue.yaml": "b", "more/deep/empty": ""}
    commit = repo.put(files, "Two queues\n\nand more")
    got = source(repo, tmp_path / "cache").fetch(None)
    assert (got.id, got.said) == (f"main@sha1:{commit}", "Two queues (Ann)")
    assert content(got.folder) == files
    assert got.files == {path: repo.blob(text) for path, text in files.items()}


def test_a_repository_of_sha256_comes_as_well(tmp_path: Path) -> None:
    """Its ids are longer, and said to be of SHA-256; what is new comes, and nothing new is the last."""
    repo = Repo.new(tmp_path / "repo", "sha256")
    commit = repo.put({"stack.yaml": "stack: a\n", "more/queue.yaml": "b"}, "Two queues")
    fetch = source(repo, tmp_path / "cache")
    first = fetch.fetch(None)
    assert (first.id, first.said) == (f"main@sha256:{commit}", "Two queues (Ann)")
    assert content(first.folder) == {"stack.yaml": "stack: a\n", "more/queue.yaml": "b"}
    assert first.files["more/queue.yaml"] == repo.blob("b")
    assert len(commit) == 64
    assert fetch.fetch(first) is first
    second = repo.put({"stack.yaml": "stack: a\n", "link": "x"})
    assert fetch.fetch(first).id == f"main@sha256:{second}"
    repo.put_rows([(LINK, "out", repo.blob("../../etc/passwd"))])
    with pytest.raises(SourceRefused, match="out"):
        fetch.fetch(first)


def test_a_repository_that_was_made_anew_comes(tmp_path: Path) -> None:
    """It may be of another format than what was fetched last."""
    fetch, last = source(str(tmp_path / "repo"), tmp_path / "cache"), None
    for format in ("sha1", "sha256", "sha1"):
        repo = Repo.new(tmp_path / "repo", format)
        commit = repo.put({"a": format})
        last = fetch.fetch(last)
        assert last.id == f"main@{format}:{commit}"
        shutil.rmtree(repo.folder)


def test_nothing_new_is_the_last(repo: Repo, tmp_path: Path) -> None:
    """Where the tip is as it was, the last revision itself comes back, and git asked the other side once."""
    repo.put({"a": "1"})
    told = Told()
    fetch = telling(source(repo, tmp_path / "cache"), told)
    last = fetch.fetch(None)
    assert "fetch" in told.ran
    told.ran.clear()
    assert fetch.fetch(last) is last
    assert told.ran == ["ls-remote"]


def test_what_is_new_leaves_the_last_as_it_was(repo: Repo, tmp_path: Path) -> None:
    """Each revision has a folder of its own; only the paths that changed have another digest."""
    repo.put({"a/x": "1", "b/y": "1"})
    fetch = source(repo, tmp_path / "cache")
    first = fetch.fetch(None)
    repo.put({"a/x": "2", "b/y": "1"})
    second = fetch.fetch(first)
    assert (content(first.folder)["a/x"], content(second.folder)["a/x"]) == ("1", "2")
    assert first.digest(["a"]) != second.digest(["a"])
    assert first.digest(["b"]) == second.digest(["b"])


def test_a_branch_that_was_pushed_by_force_comes(repo: Repo, tmp_path: Path) -> None:
    """The newest is what the branch says, whether or not it follows from the last."""
    first = repo.put({"a": "1"})
    fetch = source(repo, tmp_path / "cache")
    fetch.fetch(None)
    last = (repo.put({"a": "2"}), fetch.fetch(None))[1]
    repo.git("update-ref", "refs/heads/main", first)
    assert content(fetch.fetch(last).folder) == {"a": "1"}


def test_another_branch_is_another_source(repo: Repo, tmp_path: Path) -> None:
    """A branch is found by its whole name."""
    repo.put({"a": "1"})
    repo.commit(repo.files({"a": "other"}), branch="x/refs/heads/release/1")
    wanted = repo.commit(repo.files({"a": "2"}), branch="release/1")
    assert source(repo, tmp_path / "cache", branch="release/1").fetch(None).id == f"release/1@sha1:{wanted}"


@pytest.mark.parametrize(
    "branch", ["-u", "--upload-pack=touch owned", "a..b", "a b", "@{-1}", "*", "", "a\0b", "a.lock"]
)
def test_a_branch_that_is_none_is_refused(repo: Repo, tmp_path: Path, branch: str) -> None:
    """A name that git would not take, or would take for an option, goes nowhere."""
    repo.put({"a": "1"})
    with pytest.raises(SourceRefused, match="is no name of a branch"):
        source(repo, tmp_path / "cache", branch=branch).fetch(None)


def test_a_branch_that_is_away_is_told(repo: Repo, tmp_path: Path) -> None:
    """It is refused by name, and so is a repository that is not there."""
    repo.put({"a": "1"})
    fetch = source(repo, tmp_path / "cache")
    last = fetch.fetch(None)
    repo.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(SourceRefused, match="has no branch main"):
        fetch.fetch(last)
    with pytest.raises(SourceRefused, match="has no branch main"):
        fetch.fetch(None)
    with pytest.raises(SourceRefused, match="does not"):
        source(str(tmp_path / "nowhere"), tmp_path / "cache").fetch(None)


def test_a_dead_fetch_is_in_nobodys_way(repo: Repo, tmp_path: Path) -> None:
    """What a killed fetch left is not met again, and nothing half done is left by one that failed."""
    repo.put({"a": "1"})
    cache = tmp_path / "cache"
    half = cache / ".work/git"
    half.mkdir(parents=True)
    (half / "shallow.lock").touch()
    (half.parent / "tree").mkdir()
    fetch = source(repo, cache)
    got = fetch.fetch(None)
    assert content(got.folder) == {"a": "1"}
    repo.put_rows([(FILE, "a", repo.blob("2")), (LINK, "out", repo.blob("../../out"))])
    with pytest.raises(SourceRefused):
        fetch.fetch(got)
    assert list(cache.iterdir()) == [got.folder]


@pytest.mark.parametrize("command", ["init", "rev-parse", "ls-tree", "cat-file", "log"])
def test_a_git_that_breaks_is_told(repo: Repo, tmp_path: Path, command: str) -> None:
    """Wherever it does, nothing comes and nothing is left."""
    repo.put({"a": "1"})
    with pytest.raises(SourceRefused):
        telling(source(repo, tmp_path / "cache"), Told(codes={command: -11})).fetch(None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_content_that_is_not_there_is_told(repo: Repo, tmp_path: Path) -> None:
    """What the tree lists must come with it."""
    repo.put({"a": "1"})

    def forget() -> None:
        (tmp_path / "cache/.work/names").write_text("0" * 40)

    with pytest.raises(SourceRefused, match="the content of 'a' is not there"):
        telling(source(repo, tmp_path / "cache"), Told(before={"cat-file": forget})).fetch(None)


def test_a_branch_that_goes_back_meanwhile_is_the_last(repo: Repo, tmp_path: Path) -> None:
    """What is fetched counts, and not what was seen before; old revisions go when they are tidied."""
    first = repo.put({"a": "1"})
    fetch = source(repo, tmp_path / "cache")
    made = [fetch.fetch(None) for _ in range(4)]
    repo.put({"a": "2"})
    back = Told(before={"fetch": lambda: repo.git("update-ref", "refs/heads/main", first)})
    assert telling(fetch, back).fetch(made[3]) is made[3]
    fetch.tidy([made[3]])
    assert [revision.folder.is_dir() for revision in made] == [False, True, True, True]


def test_what_cannot_be_kept_is_told(repo: Repo, tmp_path: Path) -> None:
    """A cache that is a file, or a full disk, is not the source's fault: it may come again."""
    repo.put({"a": "1"})
    (tmp_path / "cache").touch()
    with pytest.raises(SourceAway, match="cannot be kept"):
        source(repo, tmp_path / "cache").fetch(None)


def test_a_git_that_is_too_old_is_told(repo: Repo, tmp_path: Path) -> None:
    """One that does not read its settings where they are given would obey none of them: it fetches nothing."""
    repo.put({"a": "1"})
    told = Told(unset="GIT_CONFIG_COUNT")
    with pytest.raises(SourceRefused, match="does not take its settings"):
        telling(source(repo, tmp_path / "cache"), told).fetch(None)
    assert told.ran == ["config"]


def test_a_machine_without_git_is_told(repo: Repo, tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(SourceRefused, match="git cannot be run") as caught:
        source(repo, tmp_path / "cache", {"PATH": str(tmp_path)}).fetch(None)
    assert caught.value.hint == "install git on this machine"


ANSWERS = {"config": "/dev/null", "ls-remote": f"{'0' * 40}\trefs/heads/main\n"}
HOST = "https://ssl.example.com/certificate/redirect"


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        (f"fatal: unable to access '{HOST}/': Could not resolve host: ssl.example.com", SourceAway, "network"),
        (f"fatal: unable to access '{HOST}/': OpenSSL SSL_connect: Connection reset by peer", SourceAway, "network"),
        ("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", SourceAway, "network"),
        ("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output", SourceAway, "network"),
        ("fatal: the remote end hung up unexpectedly", SourceAway, "network"),
        ("", SourceAway, "network"),
        ("Host key verification failed.\r\nfatal: Could not read from remote repository.", SourceRefused, "knownHosts"),
        ("git@h: Permission denied (publickey).", SourceRefused, "credentials"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", SourceRefused, "credentials"),
        ("fatal: unable to access 'x': The requested URL returned error: 403", SourceRefused, "credentials"),
        ("remote: Repository not found.", SourceRefused, "URL"),
        ("fatal: unable to update url base from redirection:\n  asked for: x", SourceRefused, "redirects"),
        ("fatal: x: SSL certificate problem: self-signed certificate", SourceRefused, "GIT_SSL_CAINFO"),
        ("fatal: fsck error in packed object", SourceRefused, "fsck"),
        ("fatal: Out of memory, malloc failed (tried to allocate 4294967296 bytes)", SourceRefused, "memory"),
        ("fatal: detected dubious ownership in repository at '/r'", SourceRefused, "belong"),
    ],
)
@pytest.mark.parametrize("failing", ["ls-remote", "fetch"])
def test_what_git_says_is_told_for_what_it_is(
    tmp_path: Path, failing: str, said: str, kind: type[SourceError], hint: str
) -> None:
    """What may pass is tried again, what would end the same is not; in git's words, on one line, with what to do."""

    def run(words: Sequence[str], **_: object) -> Done:
        output = tmp_path / "output"
        output.write_text(ANSWERS.get(words[1], ""))
        return Done(128 if words[1] == failing else 0, output, f"{said}\n\x1b[31m\u202e" + "x" * 4000)

    fetch = Repository(Git(HOST), Trees(tmp_path / "cache"), run, SystemClock())
    with pytest.raises(SourceError) as caught:
        fetch.fetch(None)
    assert type(caught.value) is kind
    assert hint in str(caught.value.hint)
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 600
    assert " ".join(said.split()) in told


@pytest.mark.parametrize("failing", ["ls-remote", "fetch"])
def test_credentials_are_not_told(tmp_path: Path, failing: str) -> None:
    """Not even where the other side says them."""
    (tmp_path / "credentials").write_text("ann:T0KEN")

    def run(words: Sequence[str], *, environ: Mapping[str, str], **_: object) -> Done:
        assert "T0KEN" not in str(words)
        (tmp_path / "output").write_text(ANSWERS.get(words[1], ""))
        header = next(value for value in environ.values() if value.startswith("Authorization"))
        return Done(int(words[1] == failing), tmp_path / "output", f"remote: {header}, T0KEN")

    origin = Git(HOST, credentials=tmp_path / "credentials")
    with pytest.raises(SourceAway, match=r"remote: Authorization: Basic \*\*\*, \*\*\*$"):
        Repository(origin, Trees(tmp_path / "cache"), run, SystemClock()).fetch(None)
