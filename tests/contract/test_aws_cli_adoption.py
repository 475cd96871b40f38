"""What the AWS CLI has made is exported, taken over by tags alone, and then as the export says."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from plans.export import Selection
from plans.plan import NOW
from providers.resources import HOUSE_TAG_PREFIX, Ref
from tests import servers
from tests.contract.cli import Cli, driver
from tests.kit import Stage, example, kinds, manifest
from tests.lifecycle.test_examples import EXAMPLES


@pytest.fixture(scope="module")
def program() -> Iterator[Any]:
    with driver() as made:
        yield made


def made_by(cli: Cli, stage: Stage, name: str) -> int:
    """Make what an example wants by commands of the AWS CLI; how many objects that are."""
    made: dict[str, str] = {}

    def said(value: Any) -> Any:
        match value:
            case Ref(address=address):
                return made[str(address)]
            case dict():
                return {key: said(item) for key, item in value.items() if not key.startswith(HOUSE_TAG_PREFIX)}
            case list() | tuple():
                return [said(item) for item in value]
        assert value is not NOW
        return value

    for step in stage.plan(example(name)).steps:
        assert step.call is not None
        words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in step.call).lstrip("-")
        answer = cli.aws(f"{words} --cli-input-json {shlex.quote(json.dumps(said(dict(step.arguments))))}")
        if kind := next((kind for kind in kinds() if kind.facts.create == step.call), None):
            made[step.address] = answer[kind.arn_member]
    return len(made)


@pytest.mark.parametrize(("name", "region"), EXAMPLES.items())
def test_what_the_aws_cli_made_is_taken_over_by_tags_alone(name: str, region: str, program: Any) -> None:
    """The adoption of an export makes tag calls and no others, and after it there is nothing to do."""
    stage = Stage.new(region=region)
    with servers.simulator(stage.simulator) as (url, _):
        count = made_by(Cli(program, url, stage.clock, region), stage, name)
    exported = stage.reconciler.export(Selection("exported", ""))
    assert exported.count == count
    stage.simulator.calls.clear()
    assert stage.reconciler.adopt(manifest(exported.yaml)).exit_code == 0
    assert stage.mutations == ["TagResource"] * count
    assert stage.plan(exported.yaml).empty
