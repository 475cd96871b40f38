"""The house: who may import whom, what stays cheap to import, and how modules are named."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("plans", "providers", "reconciler")
HEAVY = ("boto3", "botocore", "networkx", "deepdiff", "rich")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(path: Path, *, only_top: bool = False) -> Iterator[str]:
    """The packages from outside that a module imports; at its top only, or anywhere."""
    tree = ast.parse(path.read_text())
    for node in tree.body if only_top else ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def importers(package: str, *, only_top: bool = False) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in MODULES if package in imported(path, only_top=only_top)}


def test_the_contracts_hold() -> None:
    """import-linter's, in setup.cfg; without its cache, which once told of another configuration."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_module_makes_clients_and_one_compares() -> None:
    """boto3 and deepdiff have one door each."""
    assert importers("boto3") == {"providers/clients.py"}
    assert importers("deepdiff") == {"plans/diff.py"}


def test_deepdiff_is_imported_where_two_documents_differ() -> None:
    """A plan without a change does not pay for it."""
    assert importers("deepdiff", only_top=True) == set()
    assert importers("boto3", only_top=True) == set()


LIGHT = [
    "plans.manifest",
    "plans.contract",
    "plans.manifest_schema",
    "plans.schema",
    "plans.planfile",
    "plans.document",
    "plans.fields",
    "plans.report",
    *(f"plans.views.{path.stem}" for path in sorted((ROOT / "plans/views").glob("*.py")) if path.stem != "__init__"),
]


@pytest.mark.parametrize("module", LIGHT)
def test_what_validates_and_shows_stays_light(module: str) -> None:
    """Importing it loads none of the packages that cost as much as the whole of `validate`."""
    code = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_is_called_as_one_of_the_standard_library(room: str) -> None:
    """A script run from its folder would import the wrong one."""
    names = {path.stem for path in MODULES if path.relative_to(ROOT).parts[0] == room} | {room}
    assert names & sys.stdlib_module_names == set()


def test_every_folder_of_modules_is_a_package() -> None:
    """Of the tests too, so that two modules may have one name."""
    folders = {path.parent for room in (*ROOMS, "tests") for path in (ROOT / room).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_every_room_tells_its_types() -> None:
    """A mark for type checkers of those who import it."""
    assert all((ROOT / room / "py.typed").is_file() for room in ROOMS)
