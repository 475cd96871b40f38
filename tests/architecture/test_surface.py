"""What other tools may import: which names there are, what they take, and what importing them costs."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from providers.clock import Clock
from tests.architecture.surface import FILE, PACKAGES, surface

CHANGED = """\
The public names changed. If that is meant: python -m tests.architecture.surface > tests/architecture/surface.txt,
and a line in CHANGELOG.md that says what a user of the library has to do."""
HEAVY = ("boto3", "botocore", "networkx", "deepdiff", "rich", "attrs")
KNOWN = {"Any", "Callable", "Collection", "Exception", "Executor", "Future", "Iterable", "Iterator", "Literal", "None"}
KNOWN |= {"Mapping", "Optional", "P", "Path", "Random", "Self", "Sequence", "T", "False", "True", "Union", "NoneType"}
REACHED = {
    "Choice": "Pruning.choice",
    "Deed": "Rehearsal.trace",
    "Finding": "Diagnosis.findings",
    "Form": "Plan.wanted, which is for the journal",
    "Holder": "Freed.holder",
    "Lifecycle": "Resource.lifecycle",
    "Lives": "Snapshot.live",
    "Mark": "Resource.mark",
    "Ownership": "Manifest.ownership",
    "OwnSession": "boto3.Session",
    "Pace": "Reconciler.pace, which the controller shares",
    "Past": "History.past",
    "Picture": "Rehearsal.worst",
    "Place": "Settings.lock, which takes its text",
    "Queue": "Rehearsal.queues",
    "Rollout": "Resource.rollout",
    "Run": "History.runs, Rehearsal.runs",
    "Span": "Rehearsal.table",
    "Surroundings": "Snapshot.surroundings",
    "Trouble": "Rehearsal.troubles",
    "Unread": "Snapshot.jobs",
}
"""Types that nobody has to make or to name: where one meets them."""


def names() -> list[tuple[str, str]]:
    return [(package, name) for package in PACKAGES for name in import_module(package).__all__]


def test_the_public_names_and_what_they_take_are_these() -> None:
    """As they are written down; a change of them is made on purpose, with a line in the changelog."""
    assert surface() == FILE.read_text(encoding="utf-8"), CHANGED


def test_what_public_names_take_and_give_is_public() -> None:
    """Whoever calls one can make what it takes, and name what it gives."""
    text = re.sub(r"^enum .*$| = [A-Z]+\b", "", surface(), flags=re.MULTILINE)
    told = {*re.findall(r"\b[A-Z]\w*", text)}
    public = {name for _, name in names()}
    assert told - public - KNOWN == {*REACHED}


@pytest.mark.parametrize(("package", "name"), names())
def test_every_public_name_says_what_it_is(package: str, name: str) -> None:
    """It has words of its own, and so has every public method, those of clocks by what all clocks are."""
    thing = getattr(import_module(package), name)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return
    assert thing.__doc__, name
    for told, member in inspect.getmembers(thing):
        if not told.startswith("_") and inspect.isfunction(member) and inspect.isclass(thing):
            assert inspect.getdoc(member) or inspect.getdoc(getattr(Clock, told, None)), f"{name}.{told}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_listed(package: str) -> None:
    """`dir` of a package has all of them, and each can be asked for."""
    module = import_module(package)
    assert {*module.__all__} <= {*dir(module)}
    assert sorted(module.__all__) == sorted({*module.__all__})


@pytest.mark.parametrize("package", PACKAGES)
def test_any_other_name_is_an_attribute_error(package: str) -> None:
    """As of any module."""
    module: Any = import_module(package)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Reconsiler'"):
        _ = module.Reconsiler


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_imported_without_what_takes_time(package: str) -> None:
    """The command line lives there too, and must start at once."""
    script = f"import sys, {package}; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
