"""Golden files: what the views make of the example plans is held in `tests/data/views/`.

After a wanted change of a view, run `BATCHWRIGHT_RENEW_VIEWS=1 pytest tests/plans/views` and read the diff.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data" / "views"

Golden = Callable[[str, str], None]


@pytest.fixture
def golden() -> Golden:
    """Holds a text against the golden file of that name, or writes that file where renewal is asked for."""

    def check(name: str, text: str) -> None:
        path = DATA / name
        if os.environ.get("BATCHWRIGHT_RENEW_VIEWS"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{name} changed; see tests/plans/views/conftest.py"

    return check
