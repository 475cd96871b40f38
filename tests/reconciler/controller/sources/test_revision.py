"""A revision tells what lies under its paths, and gives nothing that lies outside."""

from pathlib import Path

import pytest

from providers.errors import SourceRefused
from reconciler.controller.sources import Revision

FILES = {"a/x": "1", "a/y": "2", "ab/z": "3", "link": "4 -> a", "top": "5"}


def revision(folder: Path, **changed: str) -> Revision:
    return Revision("main@sha1:0", folder, FILES | {name.replace("_", "/"): digest for name, digest in changed.items()})


@pytest.mark.parametrize(
    ("paths", "of"),
    [
        ([], "a_x top"),
        (["."], "a_x top"),
        (["a"], "a_x a_y"),
        (["a/"], "a_x a_y"),
        (["./a/x"], "a_x"),
        (["top", "a/y"], "a_y top"),
        (["link/x"], "link"),
    ],
)
def test_a_digest_is_of_what_lies_under_the_paths(tmp_path: Path, paths: list[str], of: str) -> None:
    """It moves with each of these files, and with no other; what is looked at through a link, with the link."""
    before = revision(tmp_path).digest(paths)
    moving = {
        name
        for name in ("a_x", "a_y", "ab_z", "link", "top")
        if revision(tmp_path, **{name: "9"}).digest(paths) != before
    }
    assert set(of.split()) <= moving
    assert not paths or paths == ["."] or moving == set(of.split())
    assert revision(tmp_path).digest([*paths, *paths]) == before


def test_what_comes_and_goes_moves_the_digest(tmp_path: Path) -> None:
    """A path of which nothing is left has a digest too."""
    assert len({revision(tmp_path).digest(["new"]), revision(tmp_path, new_x="1").digest(["new"])}) == 2
    assert revision(tmp_path, new_x="1").digest(["a"]) == revision(tmp_path).digest(["a"])


@pytest.mark.parametrize("path", ["/etc", "..", "a/../../b", "out", "out/more", "\0"])
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, path: str) -> None:
    """Whether they say so, or a link does."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "out").symlink_to("..")
    with pytest.raises(SourceRefused, match="leaves the tree"):
        revision(tree).paths([path])


def test_paths_lie_in_the_folder(tmp_path: Path) -> None:
    """In their order; none are the folder itself."""
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    made = revision(tmp_path)
    assert made.paths(["a", "link", "new"]) == (tmp_path / "a", tmp_path / "link", tmp_path / "new")
    assert made.paths() == (tmp_path,)
