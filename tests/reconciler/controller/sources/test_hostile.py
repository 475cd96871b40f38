"""What a hostile repository holds does nothing: it is refused, or left away, or lies there as a file."""

from pathlib import Path

import pytest

from providers.errors import SourceRefused
from tests.reconciler.controller.sources.repositories import (
    FILE,
    FOLDER,
    LINK,
    MODULE,
    RUN,
    Repo,
    content,
    source,
)

pytestmark = pytest.mark.needs("git")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.new(tmp_path / "repo")


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
