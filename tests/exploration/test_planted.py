"""Bugs put back into our own code: what exploration kept of each holds without it, and finds it."""

import subprocess
import sys

import pytest

from tests.exploration.planted import BUGS, KEPT, Bug, Change

pytestmark = pytest.mark.unmeasured


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_can_be_planted(name: str) -> None:
    """Each old text is in its file, once."""
    for change in BUGS[name].changes:
        assert change.new in BUGS[name].source(change.module)


def test_a_text_that_moved_is_told() -> None:
    """A bug whose text is not there any more is none."""
    with pytest.raises(LookupError, match="holds 0 times: never"):
        Bug("", (Change("plans/plan.py", "never was", ""),)).source("plans.plan")


def test_each_bug_is_found_by_what_was_kept() -> None:
    """With the bug put back the history breaks a property, and without it none; all in processes of their own."""
    assert {file.stem for file in KEPT.glob("*.json")} == {*BUGS}
    command = [sys.executable, "-m", "tests.exploration.planted", "--kept"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert f"{len(BUGS)} of {len(BUGS)} bugs are found." in ended.stdout
