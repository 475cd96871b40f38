"""simulator serve, reset and show."""

import signal
import socket
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.reconciler.cli.conftest import FAST, Cli
from tests.reconciler.cli.test_processes import PATIENCE, importable, started

__all__ = ["importable"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_for_others(number: signal.Signals) -> None:
    """`simulator serve` prints its address, answers boto3, and ends with 0 on Ctrl-C or SIGTERM."""
    with started("simulator", "serve", "--port", "0", "--speed", "1000") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
        client = session.client("batch", region_name="eu-west-1", endpoint_url=url)
        assert client.describe_job_queues()["jobQueues"] == []
        client.close()
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, "")
        assert err == "AWS Batch, simulated, from .batchwright/simulator.db; Ctrl-C ends it.\n"


def test_a_port_that_is_taken(cli: Cli) -> None:
    """An address that cannot be listened on is an error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = cli("simulator", "serve", "--port", str(port))
    assert said.code == 1
    assert f"127.0.0.1:{port} cannot be listened on: Address already in use" in said.err
    assert cli("simulator", "serve", "--host", "300.0.0.1").code == 1


def test_what_the_simulator_holds(cli: Cli, applied: Path) -> None:
    """`simulator show` tells each object with its status as it is now; after `reset` there is none."""
    said = cli("simulator", "show")
    assert said.out.splitlines()[0] == "123456789012/us-east-1"
    assert "  queue  high  VALID" in said.out.splitlines()
    assert cli("simulator", "show", "--json").json["123456789012/us-east-1"]["queue"]["high"]["priority"] == 5
    cli("destroy", applied, "--auto-approve", *FAST)
    assert "high" not in cli("simulator", "show").out
    assert cli("simulator", "reset").out == ".batchwright/simulator.db is empty.\n"
    assert cli("simulator", "show").out == ".batchwright/simulator.db is empty.\n"
    assert cli("simulator", "show", "--json").json == {}


def test_a_signal_while_a_request_is_taken_in() -> None:
    """A server ends at once also when the signal comes while it takes a request in."""
    code = (
        "import os, signal, socketserver\n"
        "from reconciler.cli import main\n"
        "taken = socketserver.ThreadingMixIn.process_request\n"
        "def taking(self, request, address):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    taken(self, request, address)\n"
        "socketserver.ThreadingMixIn.process_request = taking\n"
        "main()\n"
    )
    with started("simulator", "serve", "--port", "0", program=(sys.executable, "-c", code)) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in err
