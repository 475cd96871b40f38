"""convert terraform: where its result goes, what it says beside it, and how it ends."""

import stat
from pathlib import Path

import pytest
import yaml

from tests import machine
from tests.reconciler.adapters.terraform.recorded import DATA, kept_in
from tests.reconciler.cli.conftest import FAST, Cli

STATE = DATA / "state.json"


def test_a_manifest_on_stdout_and_all_else_beside_it(cli: Cli) -> None:
    """The manifest stands on stdout, what is to be known and done on stderr; exit 0 where all is converted."""
    said = cli("convert", "terraform", STATE, "--stack", "shop")
    assert said.code == 0
    assert yaml.safe_load(said.out)["stack"] == "shop"
    assert "left alone: terraform_data.told\n" in said.err
    assert "removed {\n  from = aws_batch_job_queue.listed\n\n  lifecycle {\n    destroy = false\n" in said.err
    assert said.err.endswith("batchwright adopt FILE\nbatchwright plan FILE\n")
    assert yaml.safe_load(cli("convert", "terraform", STATE).out)["stack"] == "terraform"


def test_json_is_a_manifest_too(cli: Cli) -> None:
    """The same document."""
    said = cli("convert", "terraform", STATE, "--json")
    assert said.json == yaml.safe_load(cli("convert", "terraform", STATE).out)
    machine.published("manifest").validate(said.json)


def test_what_is_converted_is_adopted(cli: Cli, home: Path) -> None:
    """The file is new and its owner's alone, adopt takes all of it over, and then a plan is empty."""
    kept_in(home / ".batchwright" / "simulator.db")
    said = cli("convert", "terraform", STATE, "--stack", "shop", "--out", "shop.yaml")
    assert (said.code, said.out) == (0, "")
    assert said.err.endswith(
        "batchwright adopt shop.yaml\nbatchwright plan shop.yaml\n16 resources are in shop.yaml.\n"
    )
    assert stat.S_IMODE((home / "shop.yaml").stat().st_mode) == 0o600
    assert cli("convert", "terraform", STATE, "--out", "shop.yaml").code == 1
    assert cli("adopt", "shop.yaml", "--auto-approve", *FAST).code == 0
    assert cli("plan", "shop.yaml", "--detailed-exitcode", *FAST).code == 0


def test_a_part_is_exit_4(cli: Cli) -> None:
    """Where something is not known the manifest is one in part."""
    said = cli("convert", "terraform", DATA / "fresh.json", "--region", "eu-west-1")
    assert said.code == 4
    assert "pass `--var ordered_compute_environment_order=VALUE`" in said.err
    assert yaml.safe_load(said.out)["target"] == {"region": "eu-west-1"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere.json",), "nowhere.json cannot be read"),
        ((STATE, "--stack", "a b"), "the name of the stack"),
        ((STATE, "--account", "111122223333"), "no resource of AWS Batch is there"),
        ((DATA / "main.tf",), "is a configuration (HCL), which does not say what is live"),
        ((), "Missing argument 'FILE'"),
    ],
)
def test_what_cannot_be_converted(cli: Cli, words: tuple[str | Path, ...], told: str) -> None:
    """The reason stands on stderr, and nothing on stdout."""
    said = cli("convert", "terraform", *words)
    assert (said.code, said.out) == (1, "")
    assert told in said.err
