"""What only processes show: a signal in the middle of an apply, and a death, with another one to go on."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import pytest

from providers.clock import ManualClock
from providers.simulator import Settings as Simulated
from providers.simulator import Simulator
from providers.simulator import Store as Accounts
from reconciler.store import Store
from tests import kit, servers
from tests.commands import Shell
from tests.kit import LAB
from tests.postgres import NEEDS, Cluster
from tests.reconciler.controller.stages import of_one_apply
from tests.servers import READS, Wire

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-c", "from reconciler.cli import main; main()", "controller", "run", "--config")
PATIENCE = 120.0
"""Seconds in which what is to come has come, however busy the machine is."""
ENDED = 25.0
"""Seconds in which a controller has ended on a machine that is busy: it takes one or two on another, and
less than a call that is not answered, which it does not wait for."""
FOLLOWED = 15.0
"""Seconds within which a leader that is gone is followed."""
CONFIGURED = """
store: {store}
listen: 127.0.0.1:0
sources:
  here: {{folder: stacks, interval: 1m}}
targets:
  lab: {{region: eu-west-1, endpointUrl: "{address}", speed: 20}}
stacks:
  lab: {{source: here, target: lab, mode: apply-and-heal}}
"""


@attrs.frozen
class World:
    """An account behind a server, whose time goes on when it is told to."""

    address: str
    wire: Wire
    clock: ManualClock
    simulator: Simulator

    @property
    def mutations(self) -> "Counter[str]":
        return Counter(name for name in self.wire.operations if not name.startswith(READS))

    def until(self, there: Callable[[], bool], step: float = 0.0) -> float:
        """Wait until something is so, while time goes on in so large steps; how long that took."""
        began = time.monotonic()
        while not there():
            assert time.monotonic() - began < PATIENCE, self.wire.operations
            self.clock.sleep(step)
            time.sleep(0.05)
        return time.monotonic() - began

    @property
    def made(self) -> bool:
        queues = kit.client(self.simulator).describe_job_queues()["jobQueues"]
        return sorted(queue["jobQueueName"] for queue in queues if queue["status"] == "VALID") == [
            "lab-high",
            "lab-low",
        ]


@pytest.fixture
def world() -> Iterator[World]:
    clock = ManualClock()
    simulated = Simulator(Accounts.open(None, now=0.0), clock, settings=Simulated(rate=None))
    with servers.simulator(simulated) as (address, wire):
        yield World(address, wire, clock, simulated)


@contextmanager
def controlled(world: World, home: Path, store: str, configured: str = CONFIGURED) -> Iterator["subprocess.Popen[str]"]:
    """A controller at home in a folder, which serves."""
    (home / "stacks").mkdir(parents=True, exist_ok=True)
    (home / "stacks" / "lab.yaml").write_text(LAB)
    (home / "controller.yaml").write_text(configured.format(store=store, address=world.address))
    with (home / "log").open("a") as log:
        process = subprocess.Popen(
            [*COMMAND, "controller.yaml"],
            cwd=home,
            env={**Shell(home).environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("http://127.0.0.1:"), (home / "log").read_text()
            yield process
        finally:
            process.kill()


def told(home: Path, event: str) -> bool:
    """Whether a controller has said so."""
    whole, _, _ = (home / "log").read_text().rpartition("\n")
    return any(json.loads(line)["event"] == event for line in whole.splitlines() if line)


def ended(process: "subprocess.Popen[str]") -> None:
    """It ends within seconds, and well."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(ENDED) == 0


def test_a_signal_in_the_middle_of_an_apply(world: World, tmp_path: Path) -> None:
    """SIGTERM ends a controller within seconds and well, its run is on record, and the next one goes on with it."""
    with controlled(world, tmp_path, "sqlite:///controller.db") as process:
        world.until(lambda: "CreateComputeEnvironment" in world.mutations)
        ended(process)
    with closing(Store.open(f"sqlite:///{tmp_path / 'controller.db'}")) as store:
        assert store.unended() == ()
        (run,) = store.runs("lab")
        assert (run.outcome, run.why) == ("interrupted", "the controller was stopped by SIGTERM")
    assert "CreateJobQueue" not in world.mutations
    with controlled(world, tmp_path, "sqlite:///controller.db") as process:
        world.until(lambda: world.made, 5.0)
        ended(process)
    assert world.mutations == of_one_apply()


@pytest.mark.needs("git")
def test_a_signal_in_the_middle_of_a_fetch(world: World, tmp_path: Path) -> None:
    """SIGTERM ends a controller within seconds though a server of its source never answers, and git with it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        address = f"git://127.0.0.1:{silent.getsockname()[1]}/x"
        configured = CONFIGURED.replace("{{folder: stacks, interval: 1m}}", f'{{{{git: "{address}", timeout: 1h}}}}')
        with controlled(world, tmp_path, "sqlite:///controller.db", configured) as process:
            asking, _ = silent.accept()
            with asking:
                asking.settimeout(PATIENCE)
                ended(process)
                while asking.recv(1024):
                    pass
    assert told(tmp_path, "stopped")
    assert not told(tmp_path, "source failed")


@NEEDS
@pytest.mark.parametrize(("goes", "outcome"), [("stopped", "interrupted"), ("killed", "lost")])
def test_a_leader_that_is_gone_is_followed(
    world: World, cluster: Cluster, tmp_path: Path, goes: str, outcome: str
) -> None:
    """Within 15 seconds another goes on in the middle of its apply, and nothing is done twice."""
    url = cluster.fresh()
    one, two = tmp_path / "one", tmp_path / "two"
    with controlled(world, one, url) as first, controlled(world, two, url) as second:
        world.until(lambda: "CreateComputeEnvironment" in world.mutations)
        assert not told(two, "leading")
        if goes == "killed":
            os.kill(first.pid, signal.SIGKILL)
        else:
            ended(first)
        assert world.until(lambda: told(two, "leading")) < FOLLOWED
        with closing(Store.open(url)) as store:
            world.until(lambda: [run.outcome for run in store.runs("lab")] == ["done", outcome], 5.0)
        ended(second)
    assert world.made
    assert world.mutations == of_one_apply()


def test_a_configuration_that_is_read_anew(world: World, tmp_path: Path) -> None:
    """On SIGHUP one with faults is not taken, and told; one without takes the place of the old in the same process."""
    with controlled(world, tmp_path, "sqlite:///controller.db") as process:
        world.until(lambda: world.made, 5.0)
        path = tmp_path / "controller.yaml"
        text = path.read_text()
        path.write_text(text.replace("source: here, target: lab", "source: her, target: lob"))
        process.send_signal(signal.SIGHUP)
        world.until(lambda: told(tmp_path, "configuration not taken"))
        assert all(words in (tmp_path / "log").read_text() for words in ("there is no source", "there is no target"))
        path.write_text(text.replace("stacks:", "stacks:\n  more: {source: here, target: lab, paths: [more]}"))
        (tmp_path / "stacks/more").mkdir()
        (tmp_path / "stacks/more/more.yaml").write_text("stack: more\nschedulingPolicies: {more: {}}\n")
        process.send_signal(signal.SIGHUP)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        world.until(lambda: '"stack": "more", "ready": "True", "reason": "PlanMade"' in (tmp_path / "log").read_text())
        ended(process)
    assert world.mutations == of_one_apply()
