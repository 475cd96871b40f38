"""`needs`: a test whose program is absent is told, and is a failure where nothing may go untested."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = """
import pytest

@pytest.mark.needs("python3", "no-such-program")
def test_absent():
    raise AssertionError

@pytest.mark.needs("python3")
def test_present():
    pass
"""


def _run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugins = ("-p", "tests.conftest", "-p", "no:cacheprovider", "--strict-markers")
    command = [sys.executable, "-m", "pytest", *plugins, *options, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("option", "code", "ended"), [("", 0, "1 passed, 1 skipped"), ("--strict-programs", 1, "error")]
)
def test_an_absent_program_is_told(tmp_path: Path, option: str, code: int, ended: str) -> None:
    """What needs an absent program is not run and listed at the end; under --strict-programs the run fails."""
    done = _run(tmp_path, *filter(None, [option]))
    assert done.returncode == code
    assert "no-such-program is absent: 1 test\n" in done.stdout
    assert ended in done.stdout.splitlines()[-1]
    assert "python3 is absent" not in done.stdout
