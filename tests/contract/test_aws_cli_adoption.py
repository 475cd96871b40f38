"""What the AWS CLI has made is exported, taken over by tags alone, and then as the export says."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from plans.export import Selection
from providers.resources import Document
from tests import servers
from tests.contract.cli import Cli, driver
from tests.kit import Stage, manifest
from tests.lifecycle.test_examples import EXAMPLES
from tests.lifecycle.test_export import Call, by_hand


@pytest.fixture(scope="module")
def program() -> Iterator[Any]:
    with driver() as made:
        yield made


def by_command(cli: Cli) -> Call:
    """Operations as commands of the AWS CLI."""

    def call(operation: str, arguments: Document) -> Mapping[str, Any]:
        words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("-")
        return cli.aws(f"{words} --cli-input-json {shlex.quote(json.dumps(arguments))}")

    return call


@pytest.mark.parametrize(("name", "region"), EXAMPLES.items())
def test_what_the_aws_cli_made_is_taken_over_by_tags_alone(name: str, region: str, program: Any) -> None:
    """The adoption of an export makes tag calls and no others, and after it there is nothing to do."""
    stage = Stage.new(region=region)
    with servers.simulator(stage.simulator) as (url, _):
        count = by_hand(stage, name, by_command(Cli(program, url, stage.clock, region)))
    exported = stage.reconciler.export(Selection("exported", ""))
    assert exported.count == count
    stage.simulator.calls.clear()
    assert stage.reconciler.adopt(manifest(exported.yaml)).exit_code == 0
    assert stage.mutations == ["TagResource"] * count
    assert stage.plan(exported.yaml).empty
