"""The AWS CLI against the simulator over HTTP: it reads what was applied, and what it makes is a stranger's to us.

The CLI is botocore's own idea of the protocol, paging included; each of its processes costs a second, so few are run.
"""

import json
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from providers.clients import Connection
from providers.clock import ManualClock
from providers.resources import ADDRESS_TAG, STACK_TAG, Target
from providers.simulator import Simulator, Store
from reconciler.engine import Reconciler
from reconciler.settings import Settings
from tests import programs, servers
from tests.commands import PATIENCE, Shell
from tests.kit import EXAMPLES, client, edit, example, inline, kinds, manifest
from tests.servers import REGION, Wire

pytestmark = pytest.mark.needs("aws")

# Long past, so that all is at rest for a server that tells the file's own time.
APPLIED = 1_700_000_000.0
DEFINITIONS = {
    f"genomics-{name}"
    for name in (
        "align",
        "annotate",
        "call-variants",
        "mark-duplicates",
        "quality-control",
        "report",
        "sort",
        "trim",
    )
}


@attrs.frozen
class Served:
    """The genomics example, applied to the simulator of a file and served from it."""

    url: str
    wire: Wire
    file: Path
    shell: Shell
    reconciler: Reconciler

    def aws(self, *arguments: str) -> dict[str, Any]:
        """What a command of `aws batch` answers."""
        done = self.shell.run("aws", "batch", *arguments, "--endpoint-url", self.url, "--output", "json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
        return answer


@contextmanager
def genomics(folder: Path) -> Iterator[Served]:
    file, clock = folder / "simulator.db", ManualClock(APPLIED)
    store = Store.open(file, now=APPLIED)
    simulated = Simulator(store, clock)
    connection = Connection(client(simulated), clock, REGION, "the test", lambda: "123456789012")
    target = Target(provider="simulator", region=REGION)
    reconciler = Reconciler(target, connection, kinds(), Settings(), (), random.Random(7), inline)
    assert reconciler.apply(example("genomics")).exit_code == 0
    with servers.simulator(simulated) as (url, wire):
        yield Served(url, wire, file, Shell(folder), reconciler)
    store.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """For tests that only read."""
    with genomics(tmp_path_factory.mktemp("read")) as served:
        yield served


def test_environments_are_listed_page_by_page(served: Served) -> None:
    """Both environments are described in pages of one, VALID, ENABLED, and with the tags of the manifest and ours."""
    before = len(served.wire.operations)
    found = served.aws("describe-compute-environments", "--page-size", "1")["computeEnvironments"]
    assert served.wire.operations[before:] == ["DescribeComputeEnvironments"] * 2
    environments = {each["computeEnvironmentName"]: each for each in found}
    assert set(environments) == {"genomics-spot", "genomics-ondemand"}
    assert {(each["status"], each["state"]) for each in found} == {("VALID", "ENABLED")}
    assert environments["genomics-spot"]["computeResources"]["maxvCpus"] == 1024
    assert environments["genomics-spot"]["tags"] == {
        "team": "genomics",
        "cost-center": "017",
        STACK_TAG: "genomics",
        ADDRESS_TAG: "compute_environment.spot",
    }


def test_a_queue_is_described_by_its_name(served: Served) -> None:
    """A queue named to the CLI is described alone, with its environments in order of preference."""
    (queue,) = served.aws("describe-job-queues", "--job-queues", "genomics-high")["jobQueues"]
    assert (queue["jobQueueName"], queue["priority"], queue["status"]) == ("genomics-high", 100, "VALID")
    order = [entry["computeEnvironment"].rpartition("/")[2] for entry in queue["computeEnvironmentOrder"]]
    assert order == ["genomics-ondemand", "genomics-spot"]
    assert queue["tags"][ADDRESS_TAG] == "job_queue.high"
    tags = served.aws("list-tags-for-resource", "--resource-arn", queue["jobQueueArn"])["tags"]
    assert tags == queue["tags"]


def test_definitions_are_listed_page_by_page(served: Served) -> None:
    """Eight definitions take four pages of two, and come once each with their images."""
    before = len(served.wire.operations)
    found = served.aws("describe-job-definitions", "--status", "ACTIVE", "--page-size", "2")["jobDefinitions"]
    assert served.wire.operations[before:] == ["DescribeJobDefinitions"] * 4
    assert len(found) == len(DEFINITIONS)
    assert {each["jobDefinitionName"] for each in found} == DEFINITIONS
    assert {each["revision"] for each in found} == {1}
    assert all(each["containerProperties"]["image"].endswith(":2026.11") for each in found)
    assert all(each["tags"][STACK_TAG] == "genomics" for each in found)


def test_a_listing_goes_on_where_it_stopped(served: Served) -> None:
    """What --max-items left out comes with --starting-token, and nothing comes twice."""
    listing = ("describe-job-definitions", "--status", "ACTIVE", "--page-size", "2")
    first = served.aws(*listing, "--max-items", "3")
    rest = served.aws(*listing, "--starting-token", first["NextToken"])
    names = [[each["jobDefinitionName"] for each in part["jobDefinitions"]] for part in (first, rest)]
    assert [len(part) for part in names] == [3, 5]
    assert {*names[0], *names[1]} == DEFINITIONS
    assert "NextToken" not in rest


def test_the_policy_is_listed_and_described(served: Served) -> None:
    """The scheduling policy is listed by its ARN, which describes its shares as the manifest has them."""
    (listed,) = served.aws("list-scheduling-policies")["schedulingPolicies"]
    (policy,) = served.aws("describe-scheduling-policies", "--arns", listed["arn"])["schedulingPolicies"]
    assert policy["name"] == "genomics-fair"
    assert policy["fairsharePolicy"]["shareDecaySeconds"] == 3600
    weights = {each["shareIdentifier"]: each["weightFactor"] for each in policy["fairsharePolicy"]["shareDistribution"]}
    assert weights == {"clinical": 0.5, "research*": 1.0}
    assert policy["tags"][ADDRESS_TAG] == "scheduling_policy.fair"


def test_what_the_cli_makes_is_foreign(tmp_path: Path) -> None:
    """A queue of the CLI is no business of the plan's, until the manifest wants its name; then that is refused."""
    with genomics(tmp_path) as served:
        order = "order=1,computeEnvironment=genomics-spot"
        made = served.aws(
            *("create-job-queue", "--job-queue-name", "genomics-urgent", "--priority", "1"),
            *("--compute-environment-order", order),
        )
        assert made["jobQueueName"] == "genomics-urgent"
        plan = served.reconciler.plan(example("genomics"))
        assert plan.empty
        assert "genomics-urgent" not in {change.name for change in plan.changes}
        text = (EXAMPLES / "genomics" / "batchwright.yaml").read_text()
        urgent = "jobQueues:\n  urgent: {priority: 200, computeEnvironmentOrder: [spot]}\n"
        (refusal,) = served.reconciler.plan(manifest(edit(text, ("jobQueues:\n", urgent)))).refusals
    assert refusal.address == "job_queue.urgent"
    assert "genomics-urgent" in refusal.message


def test_the_command_serves_the_file(served: Served) -> None:
    """`simulator serve --port 0` prints where it listens, serves what the file holds, and ends at Ctrl-C with 0."""
    command = [programs.path("batchwright"), "simulator", "serve", "--port", "0", "--simulator-file", str(served.file)]
    # A process that ignores the signal, as one in the background of a shell does, would hand that down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, env=served.shell.environ, stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    with process:
        try:
            assert process.stdout is not None
            elsewhere = attrs.evolve(served, url=process.stdout.readline().strip())
            queues = elsewhere.aws("describe-job-queues", "--page-size", "1")["jobQueues"]
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert {queue["jobQueueName"] for queue in queues} == {"genomics-high", "genomics-low"}
    assert {queue["status"] for queue in queues} == {"VALID"}
