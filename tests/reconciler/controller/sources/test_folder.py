"""A folder of this machine: a copy of it comes, which what happens there later does not change."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path

import attrs
import pytest

from providers.errors import Interrupted, SourceAway, SourceRefused
from reconciler.controller.configuration import Folder
from reconciler.controller.sources import Fetcher, Revision, fetcher
from reconciler.controller.sources.folder import Local
from reconciler.controller.sources.trees import Entry, Limits, Trees
from tests.reconciler.controller.sources.repositories import content, no_s3


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "there/more").mkdir(parents=True)
    (tmp_path / "there/a").write_text("1")
    (tmp_path / "there/more/b").write_text("2")
    return tmp_path / "there"


def source(there: Path, cache: Path) -> Fetcher:
    return fetcher(Folder(there), cache, s3=no_s3)


def test_a_folder_is_copied_when_it_changed(there: Path, tmp_path: Path) -> None:
    """What did not change is the last revision itself, whenever it was written; another path, another digest."""
    fetch = source(there, tmp_path / "cache")
    first = fetch.fetch(None)
    (there / "a").write_text("1")
    assert fetch.fetch(first) is first
    (there / "a").write_text("3")
    second = fetch.fetch(first)
    assert [content(revision.folder) for revision in (first, second)] == [
        {"a": "1", "more/b": "2"},
        {"a": "3", "more/b": "2"},
    ]
    assert first.id.startswith("sha256:")
    assert first.id != second.id
    assert first.digest(["more"]) == second.digest(["more"])
    (there / "a").write_text("1")
    again = fetch.fetch(second)
    assert (again.id, again.digest()) == (first.id, first.digest())
    fetch.tidy([])
    assert again.folder.is_dir()


def test_a_folder_that_is_swapped_as_a_whole_comes(there: Path, tmp_path: Path) -> None:
    """As a volume of Kubernetes is: its files are links into a folder that another link names."""
    (there / "..data").symlink_to("more")
    (there / "c").symlink_to("..data/b")
    fetch = source(there, tmp_path / "cache")
    first = fetch.fetch(None)
    assert (first.folder / "c").read_text() == "2"
    (there / "next").mkdir()
    (there / "next/b").write_text("4")
    (there / "new").symlink_to("next")
    (there / "new").rename(there / "..data")
    second = fetch.fetch(first)
    assert (second.folder / "c").read_text() == "4"
    assert first.digest(["c"]) != second.digest(["c"])


def test_the_folder_of_git_is_left_out(there: Path, tmp_path: Path) -> None:
    """At the top, where a checkout has it; deeper it is refused."""
    (there / ".git").mkdir()
    (there / ".git/config").touch()
    assert content(source(there, tmp_path / "cache").fetch(None).folder) == {"a": "1", "more/b": "2"}
    (there / "more/.git").touch()
    with pytest.raises(SourceRefused):
        source(there, tmp_path / "cache").fetch(None)


def test_what_leaves_the_folder_is_refused(there: Path, tmp_path: Path) -> None:
    """A link to elsewhere; and what is no file, which would be read forever."""
    (there / "out").symlink_to("../cache")
    with pytest.raises(SourceRefused, match="leaves the tree"):
        source(there, tmp_path / "cache").fetch(None)
    (there / "out").unlink()
    os.mkfifo(there / "pipe")
    with pytest.raises(SourceRefused, match="neither a file"):
        source(there, tmp_path / "cache").fetch(None)


def test_limits_hold_for_a_folder(there: Path, tmp_path: Path) -> None:
    """Before anything is copied."""
    for limits in (Limits(max_bytes=1), Limits(max_files=1)):
        with pytest.raises(SourceRefused, match="more than 1 "):
            Local(Folder(there), Trees(tmp_path / "cache"), limits).fetch(None)
    assert not (tmp_path / "cache").exists()


def test_a_fetch_of_a_folder_ends_with_who_fetches(there: Path, tmp_path: Path) -> None:
    """At the next file, and leaves nothing behind."""
    stop: Future[int] = Future()
    fetch = fetcher(Folder(there), tmp_path / "cache", s3=no_s3, stop=stop)
    first = fetch.fetch(None)
    (there / "c").write_text("3")
    stop.set_result(15)
    with pytest.raises(Interrupted):
        fetch.fetch(None)
    assert [*(tmp_path / "cache").iterdir()] == [first.folder]


def test_a_folder_that_is_away_is_told(there: Path, tmp_path: Path) -> None:
    """It may come again; so may a file that nobody may read."""
    with pytest.raises(SourceAway, match="cannot be read: No such file"):
        source(tmp_path / "nowhere", tmp_path / "cache").fetch(None)
    with pytest.raises(SourceAway, match="cannot be read: Not a directory"):
        source(there / "a", tmp_path / "cache").fetch(None)


@attrs.frozen
class Meddling(Trees):
    """Trees below which somebody changes what is being copied, once it was looked at."""

    change: Path = Path()
    how: str = ""

    def write(
        self,
        work: Path,
        name: str,
        entries: Sequence[Entry],
        read: Callable[[Entry], Iterable[bytes]],
        said: str = "",
    ) -> Revision:
        match self.how:
            case "other":
                self.change.write_text("9")
            case "longer":
                self.change.write_text("55")
            case "gone":
                self.change.unlink()
            case "link":
                self.change.unlink()
                self.change.symlink_to("b")
            case "folder":
                self.change.parent.rename(self.change.parent.with_name("elsewhere"))
                self.change.parent.symlink_to("elsewhere")
        return Trees.write(self, work, name, entries, read, said)


@pytest.mark.parametrize("how", ["other", "longer", "gone", "link", "folder"])
def test_what_changes_while_it_is_read_is_not_taken(there: Path, tmp_path: Path, how: str) -> None:
    """It is tried again later; nothing half old and half new is left, and no link is followed."""
    (there / "more/c").write_text("5")
    trees = Meddling(tmp_path / "cache", there / "more/c", how)
    with pytest.raises(SourceAway, match="more/"):
        Local(Folder(there), trees).fetch(None)
    assert list(trees.folder.iterdir()) == []


def test_a_deep_folder_is_refused(there: Path, tmp_path: Path) -> None:
    """At the length of a path that may be."""
    here = os.open(there, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("ab", dir_fd=here)
        inner = os.open("ab", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    with pytest.raises(SourceRefused, match="too long"):
        source(there, tmp_path / "cache").fetch(None)
