"""The AWS CLI's own examples of AWS Batch (`awscli/examples/batch/*.rst`), typed as they stand there.

They are older than those of botocore, which `test_examples` replays.
"""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from providers.clock import ManualClock
from providers.simulator import Settings, Simulator, Store
from tests import servers
from tests.contract.cli import Cli
from tests.contract.published import NUMBER, OUTDATED, PRESUPPOSED, Account, differences
from tests.kit import client

REGION = "us-east-1"
_COMMAND = re.compile(r"(?ms)^ +aws batch (.*?[^\\])\n\s*\n")
_JSON = r"(?ms)^{}::\n\s*\n(\s+\{{.*?\n\s*\}})\n(?=\s*\n|\Z)"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

OTHER_STATE: Mapping[str, tuple[tuple[str, ...], float]] = {
    "describe-jobs": (("C4OnDemand", "HighPriority", "sleep60 of old", "a job"), 0),
    "describe-job-definitions": (("sleep60 of old",), 0),
}
"""Commands that show something else than botocore's example of the same operation: what they presuppose."""

MISPRINTED: Mapping[str, str] = {
    "describe-job-definitions": "it has an environment that is no list, and parameters inside the container",
}
"""Commands whose published output no version of the API can have answered, by botocore's model."""


@attrs.frozen
class Example:
    """A command without `aws batch`, the JSON of the file that it names, and the output."""

    command: str
    file: str
    output: Any

    @property
    def name(self) -> str:
        return self.command.split()[0]

    @property
    def operation(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("-"))


def _examples() -> Iterator[Example]:
    folder = Path(importlib.import_module("awscli").__path__[0]) / "examples" / "batch"
    for path in sorted(folder.glob("*.rst")):
        for text in re.split(r"(?m)^\*\*(?=To )", path.read_text())[1:]:
            text += "\n\n"
            command = _COMMAND.search(text)
            assert command is not None, path
            file, output = (re.search(_JSON.format(title), text) for title in ("JSON file format", "Output"))
            answer = json.loads(output[1]) if output else {}
            yield Example(command[1].replace("\\\n", " "), file[1] if file else "", answer)


EXAMPLES = {f"{example.name}-{number}": example for number, example in enumerate(_examples())}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_answered_as_published(driver: Any, tmp_path: Path, name: str) -> None:
    """A command of the examples is answered with the members, and the values, that are printed under it."""
    example = EXAMPLES[name]
    clock, store = ManualClock(), Store.open(None, now=0.0)
    simulator = Simulator(store, clock, settings=Settings(account=NUMBER))
    account = Account(client(simulator, region=REGION), clock)
    state = re.search(r"--job-status (\w+)", example.command)
    asked = f"list-jobs-in-{state[1] if state else None}"
    account.prepare(*OTHER_STATE.get(example.name, PRESUPPOSED.get(asked, PRESUPPOSED[example.operation])))
    (tmp_path / "request.json").write_text(example.file)
    command = re.sub(r"file://\S+", f"file://{tmp_path}/request.json", _ID.sub(account.job, example.command))
    with servers.simulator(simulator) as (url, _):
        cli = Cli(driver, url, clock, REGION)
        if example.operation in OUTDATED:
            assert "(ClientException)" in cli.refused(command)
        else:
            answer = cli.aws(command)
            found = [*differences(example.output, answer)]
            assert bool(found) == (example.name in MISPRINTED), found
    store.close()


def test_there_is_an_example_of_each_command() -> None:
    """The pages were found, and read."""
    assert len(EXAMPLES) == 19
    assert sum(bool(example.file) for example in EXAMPLES.values()) == 4
    assert sum(bool(example.output) for example in EXAMPLES.values()) == 14
