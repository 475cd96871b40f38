"""A branch of a repository: what is new comes, what is not costs one look, and no fetch harms the one before."""

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
    FOLDER,
    LINK,
    MODULE,
    RUN,
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
    with pytest.raises(SourceRefused, match="couldn't find remote ref refs/heads/main"):
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


def test_settings_of_the_machine_and_of_the_repository_do_nothing(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither hooks, nor filters, nor replaced URLs: what would be run leaves no trace."""
    files = {".gitattributes": "* filter=lfs text eol=crlf ident\n", "a": "$Id$\n1\n"}
    repo.put(files)
    owned = tmp_path / "owned"
    home = tmp_path / "home"
    home.mkdir()
    settings = f"""
[core]
    hooksPath = {home}
    fsmonitor = touch {owned}
[filter "lfs"]
    smudge = touch {owned}
    process = touch {owned}
    required = true
[uploadpack]
    packObjectsHook = touch {owned}
[url "file:///nowhere"]
    insteadOf = {repo.folder}
"""
    (home / ".gitconfig").write_text(settings)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    with open(repo.folder / "config", "a") as file:
        file.write(settings.partition("[url")[0])
    for hook in ("post-checkout", "post-merge", "reference-transaction", "pre-receive"):
        (repo.folder / "hooks").mkdir(exist_ok=True)
        for path in (home / hook, repo.folder / "hooks" / hook):
            path.write_text(f"#!/bin/sh\ntouch {owned}\n")
            path.chmod(0o755)
    got = source(repo, tmp_path / "cache").fetch(None)
    assert content(got.folder) == files
    assert not owned.exists()


def test_nothing_that_came_can_be_run(repo: Repo, tmp_path: Path) -> None:
    """Files are written without the bit, whatever the tree says."""
    repo.put_rows([(RUN, "run.sh", repo.blob("#!/bin/sh\n"))])
    got = source(repo, tmp_path / "cache").fetch(None)
    assert (got.folder / "run.sh").stat().st_mode & 0o777 == 0o400


def test_submodules_stay_away(repo: Repo, tmp_path: Path) -> None:
    """What a submodule names is neither fetched nor made."""
    there = repo.put({"a": "1"})
    modules = f'[submodule "b"]\n\tpath = b\n\turl = {repo.folder}\n'
    repo.put_rows([(FILE, ".gitmodules", repo.blob(modules)), (FILE, "a", repo.blob("1")), (MODULE, "b", there)])
    got = source(repo, tmp_path / "cache").fetch(None)
    assert content(got.folder) == {".gitmodules": modules, "a": "1"}


def test_links_within_the_tree_are_links(repo: Repo, tmp_path: Path) -> None:
    """A link is one, and what it leads to counts for it."""
    rows = [(FOLDER, "common", repo.files({"x": "1"})), (LINK, "here", repo.blob("common/x"))]
    repo.put_rows(rows)
    fetch = source(repo, tmp_path / "cache")
    first = fetch.fetch(None)
    assert content(first.folder) == {"common/x": "1", "here": "-> common/x"}
    repo.put_rows([(FOLDER, "common", repo.files({"x": "2"})), rows[1]])
    second = fetch.fetch(first)
    assert (second.folder / "here").read_text() == "2"
    assert first.digest(["here"]) != second.digest(["here"])


@pytest.mark.parametrize("target", ["/etc/passwd", "b/../out", "loop", "x\0y"])
def test_links_that_leave_the_tree_are_refused(repo: Repo, tmp_path: Path, target: str) -> None:
    """Directly, or through another link, or nowhere at all."""
    rows = [
        (FOLDER, "a", repo.files({"x": "1"})),
        (LINK, "b", repo.blob(".")),
        (LINK, "loop", repo.blob(target)),
    ]
    repo.put_rows(rows)
    with pytest.raises(SourceRefused, match=r"link|fsck"):
        source(repo, tmp_path / "cache").fetch(None)


@pytest.mark.parametrize("name", ["..", ".GIT", ".g\u200cit", "a/../../x", "a\nb"])
def test_names_that_leave_the_tree_are_refused(repo: Repo, tmp_path: Path, name: str) -> None:
    """Whatever a tree calls a file or a folder, nothing is written but below the revision's own folder."""
    for rows in ([(FILE, name, repo.blob("1"))], [(FOLDER, name, repo.files({"config": "1"}))]):
        repo.put_rows(rows)
        with pytest.raises(SourceRefused):
            source(repo, tmp_path / "cache").fetch(None)
    assert {path.name for path in tmp_path.iterdir()} == {"repo", "cache"}
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_link_and_a_folder_of_one_name_are_refused(repo: Repo, tmp_path: Path) -> None:
    """Else a file of the folder would be written through the link."""
    rows = [(LINK, "a", repo.blob("b")), (FOLDER, "a", repo.files({"x": "1"})), (FOLDER, "b", repo.files({"y": "1"}))]
    repo.put_rows(rows)
    with pytest.raises(SourceRefused):
        source(repo, tmp_path / "cache").fetch(None)


def test_what_is_too_large_is_refused_before_it_is_written(repo: Repo, tmp_path: Path) -> None:
    """A file that packs to little is known by its size; nothing of it is left."""
    repo.put({"a": b"\0" * 3_000_000})
    cache = tmp_path / "cache"
    with pytest.raises(SourceRefused, match="more than 2000000 bytes"):
        source(repo, cache, max_bytes=2_000_000).fetch(None)
    assert list(cache.iterdir()) == []
    assert source(repo, cache, max_bytes=3_000_000).fetch(None).folder.is_dir()


def test_one_blob_many_times_counts_each_time(repo: Repo, tmp_path: Path) -> None:
    """A million files cost a few objects, and are refused at the limit; folders of nothing too."""
    blob, none = repo.blob("1"), repo.tree([])
    cache = tmp_path / "cache"
    for deepest in ((FILE, blob), (FOLDER, none)):
        mode, there = deepest
        for _ in range(9):
            there = repo.tree([(mode, f"{number:03}", there) for number in range(100)])
            mode = FOLDER
        repo.commit(there)
        with pytest.raises(SourceRefused, match="more than"):
            source(repo, cache, max_files=500).fetch(None)


def test_a_pack_that_does_not_end_is_cut_off(repo: Repo, tmp_path: Path) -> None:
    """What comes is measured while it comes."""
    import random

    repo.put({"a": random.Random(1).randbytes(6_000_000)})
    with pytest.raises(SourceRefused, match="more than the source may hold"):
        source(repo, tmp_path / "cache", max_bytes=10_000, max_files=10).fetch(None)


def test_folders_count(repo: Repo, tmp_path: Path) -> None:
    """A tree of folders alone has a limit too."""
    none = repo.tree([])
    repo.put_rows([(FOLDER, f"{number}", none) for number in range(5)])
    assert content(source(repo, tmp_path / "cache", max_files=5).fetch(None).folder) == {}
    with pytest.raises(SourceRefused, match="more than 4 folders"):
        source(repo, tmp_path / "cache", max_files=4).fetch(None)


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
    assert "fetch" not in told.ran


def test_a_machine_without_git_is_told(repo: Repo, tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(SourceRefused, match="git cannot be run") as caught:
        source(repo, tmp_path / "cache", {"PATH": str(tmp_path)}).fetch(None)
    assert caught.value.hint == "install git on this machine"


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
def test_what_git_says_is_told_for_what_it_is(tmp_path: Path, said: str, kind: type[SourceError], hint: str) -> None:
    """What may pass is tried again, what would end the same is not; in git's words, on one line, with what to do."""

    def run(words: Sequence[str], **_: object) -> Done:
        output = tmp_path / "output"
        output.write_text("/dev/null")
        return Done(128 if words[1] == "fetch" else 0, output, f"{said}\n\x1b[31m\u202e" + "x" * 4000)

    fetch = Repository(Git(HOST), Trees(tmp_path / "cache"), run, SystemClock())
    with pytest.raises(SourceError) as caught:
        fetch.fetch(None)
    assert type(caught.value) is kind
    assert hint in str(caught.value.hint)
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 600
    assert " ".join(said.split()) in told


def test_credentials_are_not_told(tmp_path: Path) -> None:
    """Not even where the other side says them."""
    (tmp_path / "credentials").write_text("ann:T0KEN")

    def run(words: Sequence[str], *, environ: Mapping[str, str], **_: object) -> Done:
        assert "T0KEN" not in str(words)
        (tmp_path / "output").write_text("/dev/null")
        header = next(value for value in environ.values() if value.startswith("Authorization"))
        return Done(int(words[1] == "fetch"), tmp_path / "output", f"remote: {header}, T0KEN")

    origin = Git(HOST, credentials=tmp_path / "credentials")
    with pytest.raises(SourceAway, match=r"remote: Authorization: Basic \*\*\*, \*\*\*$"):
        Repository(origin, Trees(tmp_path / "cache"), run, SystemClock()).fetch(None)
