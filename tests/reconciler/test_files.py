"""Manifests on disk: files, folders, and paths that are neither."""

from pathlib import Path

import pytest

from plans.manifest import parse
from providers.errors import InputError, ManifestError
from reconciler.files import load, source, sources
from tests.kit import LAB, kinds


def test_a_folder_is_its_own_files_by_name(tmp_path: Path) -> None:
    """YAML and JSON make one stack; other files and folders below are none of its business."""
    for name, text in {"b.yml": "b", "a.yaml": "a", "c.json": "{}", "notes.md": "no"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "d.yaml").mkdir()
    assert [Path(one.name).name for one in sources([tmp_path])] == ["a.yaml", "b.yml", "c.json"]


def test_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    """Whatever they are called."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert [one.content for one in sources([tmp_path / "b", str(tmp_path / "a")])] == [b"b", b"a"]


def test_several_files_are_one_stack(tmp_path: Path) -> None:
    """What stands in one may refer to the other."""
    head, tail = LAB.split("jobDefinitions:")
    (tmp_path / "one.yaml").write_text(head)
    (tmp_path / "two.yaml").write_text(f"jobDefinitions:{tail}")
    assert len(load([tmp_path], kinds=kinds()).resources) == 7


def test_variables_reach_the_manifest(tmp_path: Path) -> None:
    """Values given by name."""
    path = tmp_path / "one.yaml"
    path.write_text("stack: ${var.name}\nvariables: {name: {}}\n")
    assert load([path], variables={"name": "mine"}).stack == "mine"
    with pytest.raises(ManifestError):
        load([path])


def test_a_folder_without_a_manifest_is_told(tmp_path: Path) -> None:
    """An empty folder is a wrong folder."""
    with pytest.raises(InputError, match="holds no manifest") as caught:
        sources([tmp_path])
    assert caught.value.hint == "a manifest ends in .yaml, .yml, .json"


def test_a_path_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """With the system's own word for it."""
    with pytest.raises(InputError, match=r"missing\.yaml cannot be read: No such file or directory"):
        source(tmp_path / "missing.yaml")


def test_what_lies_within_a_folder_is_told_by_its_path_there(tmp_path: Path) -> None:
    """Faults and paths that are none are told as seen from that folder; it itself is `the top`."""
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "mine.yaml").write_text("stack: mine\njobQueus: {}\n")
    with pytest.raises(ManifestError) as caught:
        parse(sources([tmp_path / "teams"], tmp_path), variables={}, kinds=kinds())
    assert [(fault.file, fault.line) for fault in caught.value.faults] == [("teams/mine.yaml", 2)]
    for path, told in (("", "the top holds no manifest"), ("gone.yaml", "gone.yaml cannot be read: No such file")):
        with pytest.raises(InputError) as refused:
            sources([tmp_path / path], tmp_path)
        assert str(refused.value).startswith(told)
