"""Programs that are not ours, and may be absent where the tests run."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path


def find(program: str) -> str | None:
    """Where a program is: beside the Python that runs the tests first, then on the PATH; None where it is absent."""
    return shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)


def path(program: str) -> str:
    """Where a program is that must be there; a test that calls this carries `needs`."""
    found = find(program)
    assert found is not None, f"{program} is absent"
    return found


def absent(programs: Iterable[str]) -> list[str]:
    return [program for program in programs if find(program) is None]
