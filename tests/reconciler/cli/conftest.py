"""Command lines in this process, in a folder of their own, with no settings but those that a test makes."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from botocore.client import BaseClient

from reconciler.cli import run
from tests import machine
from tests.tracing import unmeasured

FAST = ("--provider", "simulator", "--speed", "1000")
"""Thousand simulated seconds in a real one: an apply takes a tenth of a second, and no deadline passes by accident."""

SMALL = """\
stack: small
computeEnvironments:
  fast: {type: UNMANAGED, serviceRole: batch}
jobQueues:
  high: {priority: 5, computeEnvironmentOrder: [fast]}
jobDefinitions:
  job:
    type: container
    containerProperties:
      {image: busybox, vcpus: 1, memory: 512, environment: [{name: DB_PASSWORD, value: hunter2-in-the-clear}]}
"""
SECRET = "hunter2-in-the-clear"


@attrs.frozen
class Said:
    """How one command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """stdout as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Cli = Callable[..., Said]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which a test works; it holds everything that a user's settings could say."""
    for name in [*os.environ]:
        if name.upper().endswith("_PROXY") or name.startswith(("AWS_", "BATCHWRIGHT_")) or name == "NO_COLOR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _calls_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What botocore and the simulator do with one is measured where they are tested."""
    call: Any = vars(BaseClient)["_make_api_call"]
    monkeypatch.setattr(BaseClient, "_make_api_call", unmeasured(call))


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run one command line; what it prints under `--json` keeps to its schema."""

    def call(*words: str | Path) -> Said:
        capsys.readouterr()
        given = [str(word) for word in words]
        said = Said(run(given), *capsys.readouterr())
        machine.check(given, said.out)
        return said

    return call


@pytest.fixture
def small(home: Path) -> Path:
    """A manifest of three resources, one with a secret in its environment."""
    path = home / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def applied(cli: Cli, small: Path) -> Path:
    """The small manifest, after it was applied."""
    said = cli("apply", small, "--auto-approve", *FAST)
    assert said.code == 0, said.err
    return small


def journal(home: Path) -> Path:
    """The one journal that there is."""
    (found,) = (home / "state" / "batchwright").glob("*.jsonl")
    return found
