"""What the controller tells."""

import json
import logging
from typing import Any

import pytest

from providers.clock import ManualClock
from reconciler.controller.logs import HIDDEN, Bridge, Log, clean, lines, silent


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def log(told: list[str]) -> Log:
    return lines(told.append, ManualClock(), "process-1")


def test_each_line_is_one_object_with_its_run(log: Log, told: list[str]) -> None:
    """A run of its own where one is bound, that of the process elsewhere; whatever is in a text, the line is one."""
    log.info("begun")
    log.bind(run="run-7", stack="genomics").warning("odd", says="two\nlines \u2028 \ud800", number=3, flag=True)
    log.debug("not told")
    first, second = (json.loads(line) for line in told)
    assert first == {"at": "2027-01-15T08:00:00.000+00:00", "level": "info", "run": "process-1", "event": "begun"}
    assert (second["run"], second["stack"], second["level"]) == ("run-7", "genomics", "warning")
    assert (second["says"], second["number"], second["flag"]) == ("two\nlines \u2028 \ud800", 3, True)
    assert all(line.isascii() and "\n" not in line for line in told)


@pytest.mark.parametrize(
    "says",
    [
        "Authorization: Bearer hunter2hunter2",
        "cannot fetch https://me:hunter2hunter2@git.example.com/a.git",
        "postgresql+psycopg://batch:hunter2hunter2@db/x",
        "the token is glpat-hunter2hunter2",
        "ghp_hunter2hunter2",
        "whsec_hunter2hunter2==",
        "AKIAHUNTER2HUNTER2AA",
        "password=hunter2hunter2",
        'client_secret: "hunter2hunter2"',
        {"DB_PASSWORD": "hunter2hunter2", "inner": [{"token": "hunter2hunter2"}]},
    ],
)
def test_what_looks_secret_is_hidden(log: Log, told: list[str], says: Any) -> None:
    """By the name of its key, or by how it looks, wherever it stands, in a traceback too."""
    log.error("failed", says=says, exc_info=ValueError(str(says)))
    assert "hunter2" not in told[0].lower()
    assert HIDDEN in told[0]
    assert "ValueError" in json.loads(told[0])["traceback"]


@pytest.mark.parametrize(
    "value",
    ["arn:aws:batch:eu-west-1:123456789012:job-queue/a", "https://git.example.com/a.git", "basic", 5, None, ["a", "b"]],
)
def test_what_is_no_secret_is_told(value: Any) -> None:
    """Numbers under any name, and texts that only sound like it."""
    assert clean(value, "value") == value
    assert clean(3, "tokens") == 3
    assert clean({"a": (1, "b")}) == {"a": [1, "b"]}
    assert len(clean("x" * 50_000)) == 20_000


def test_what_libraries_tell_is_told_while_it_is_bridged(log: Log, told: list[str]) -> None:
    """From warnings on, with the library's name; afterwards the process is as it was."""
    before = list(logging.getLogger().handlers)
    bridge = Bridge(log)
    bridge.begin()
    library = logging.getLogger("some.library")
    library.info("not told")
    library.warning("password=%s", "hunter2")
    try:
        raise RuntimeError("gone")
    except RuntimeError:
        library.exception("it failed")
    bridge.end()
    assert logging.getLogger().handlers == before
    first, second = (json.loads(line) for line in told)
    assert (first["level"], first["library"], first["says"]) == ("warning", "some.library", f"password={HIDDEN}")
    assert (second["level"], "RuntimeError: gone" in second["traceback"]) == ("error", True)


def test_a_silent_log_is_a_log() -> None:
    """It takes what any takes."""
    silent().bind(run="x").error("nothing", exc_info=ValueError())
