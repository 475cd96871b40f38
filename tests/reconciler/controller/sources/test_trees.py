"""What a source may hold, whoever lists it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.errors import SourceAway, SourceRefused
from reconciler.controller.sources import Revision
from reconciler.controller.sources.trees import NEWEST, Entry, Limits, Trees, checked, followed, name_of, text


def entries(*paths: str) -> list[Entry]:
    return [Entry(path, 1, "d") for path in paths]


def links(**targets: str) -> list[Entry]:
    return [Entry(path.replace("_", "/"), len(target), "", target) for path, target in targets.items()]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "a/./b",
        "..",
        "a/../b",
        ".git",
        "a/.GiT/config",
        ".git.",
        ".git ::$INDEX_ALLOCATION",
        "GIT~1/config",
        "a\0b",
        "a\nb",
        "a\x1b[31m",
        "a\u2028b",
        "x" * 256,
        "/".join("x" * 600),
    ],
)
def test_a_path_that_may_not_be_is_refused(path: str) -> None:
    """One that leaves the tree, is git's own, cannot be shown, or is too long."""
    with pytest.raises(SourceRefused):
        checked(entries("a/ok", path), Limits())


@pytest.mark.parametrize("path", ["a", ".gitignore", ".github/x", "..data/x", "a b", "ü/é", "git~10", "-rf", "x.git"])
def test_a_path_that_may_be_is_taken(path: str) -> None:
    """However odd it looks."""
    assert checked(entries(path), Limits()) == tuple(entries(path))


def test_a_path_is_text() -> None:
    """What is no UTF-8 could be told to nobody."""
    assert text("ü".encode()) == "ü"
    with pytest.raises(SourceRefused, match="no UTF-8"):
        text(b"\xff")


@pytest.mark.parametrize("paths", [("a", "a"), ("a", "a/b"), ("a/b/c", "a/b")])
def test_two_things_of_one_name_are_refused(paths: tuple[str, ...]) -> None:
    """A file that is a folder too could be written through a link."""
    with pytest.raises(SourceRefused, match=r"twice|a file and a folder"):
        checked(entries(*paths), Limits())


def test_limits_are_met_at_the_first_entry_beyond_them() -> None:
    """A list without an end is read no further."""

    def endless(size: int) -> Iterator[Entry]:
        number = 0
        while True:
            yield Entry(f"{number}", size, "d")
            number += 1

    with pytest.raises(SourceRefused, match="more than 7 files"):
        checked(endless(0), Limits(max_files=7))
    with pytest.raises(SourceRefused, match=r"more than 70 bytes; with '7' there are 80"):
        checked(endless(10), Limits(max_bytes=70))
    exact = Limits(max_bytes=2, max_files=2)
    assert len(checked(entries("a", "b"), exact)) == 2
    with pytest.raises(SourceRefused, match="more than 2 files"):
        checked([*entries("a", "b"), Entry("c", 0, "d")], exact)


@pytest.mark.parametrize(
    "tree",
    [
        links(a="/etc"),
        links(a=".."),
        links(a_b="../../x"),
        # The folder that `..` leaves is the one where a link led.
        links(a_b_up="../..", a_b_out="up/../x"),
        links(a="b", b="a"),
        links(a="a"),
        links(a=""),
        links(a="x\0y"),
        links(a="x/" * 600),
        links(**{f"a{number}": f"a{number + 1}" for number in range(60)}),
    ],
)
def test_a_link_that_leaves_the_tree_is_refused(tree: list[Entry]) -> None:
    """So is one that nobody can follow."""
    with pytest.raises(SourceRefused, match="link"):
        followed(tree)


def test_many_links_do_not_take_forever() -> None:
    """What all links of a tree cost together is bounded."""
    tree = [Entry(f"a{number}", 1000, "", "x/../" * 190 + f"a{number + 1}") for number in range(38)]
    tree += [Entry(f"b{number}", 1000, "", "x/../" * 190 + "a0") for number in range(9000)]
    with pytest.raises(SourceRefused, match="cannot be followed"):
        followed(tree)


def test_a_link_has_the_digest_of_where_it_ends() -> None:
    """Of a file, through all links; of the whole tree, where it ends at a folder or nowhere."""
    tree = [Entry("d/x", 1, "one"), Entry("y", 1, "two"), *links(a="d/x", b="a", c="d", e="nowhere", d_up="../y")]
    found = followed(tree)
    whole = name_of(tree)
    assert found == {
        "d/x": "one",
        "y": "two",
        "a": "one -> d/x",
        "b": "one -> a",
        "c": f"{whole} -> d",
        "e": f"{whole} -> nowhere",
        "d/up": "two -> ../y",
    }


def test_a_name_is_of_all_that_is_there() -> None:
    """Paths, contents and targets; in whatever order they are listed."""
    names = {name_of(tree) for tree in (entries("a"), entries("b"), links(a="d"), [Entry("a", 1, "e")], [])}
    assert len(names) == 5
    assert name_of(entries("a", "b")) == name_of(entries("b", "a"))


def write(trees: Trees, name: str, content: bytes = b"1") -> Revision:
    with trees.work() as work:
        return trees.write(work, name, entries("a"), lambda _: [content])


def test_the_newest_and_the_needed_stay(tmp_path: Path) -> None:
    """All else goes, and a revision that was fetched twice has two folders."""
    trees = Trees(tmp_path / "cache")
    trees.tidy([])
    made = [write(trees, f"sha256:{number}") for number in (1, 2, 2, 3, 4, 5, 6)]
    assert len({revision.folder for revision in made}) == 7
    trees.tidy([made[1]])
    assert [revision.folder.is_dir() for revision in made] == [False, True, False, False, *[True] * NEWEST]
    trees.tidy([])
    assert [revision.folder.is_dir() for revision in made] == [False] * 4 + [True] * NEWEST


@pytest.mark.parametrize("content", [b"", b"22"])
def test_a_content_of_another_length_is_not_taken(tmp_path: Path, content: bytes) -> None:
    """It changed since it was listed; nothing of it is left."""
    trees = Trees(tmp_path / "cache")
    with pytest.raises(SourceAway, match="changed while it was read"):
        write(trees, "sha256:1", content)
    assert list(trees.folder.iterdir()) == []
