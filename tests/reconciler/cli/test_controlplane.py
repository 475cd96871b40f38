"""simulator serve, reset, show, job and rules."""

import signal
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from providers.resources import SIMULATOR_FILE
from providers.simulator import Rule, rules
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


def test_a_server_with_a_scenario(home: Path) -> None:
    """`simulator serve --scenario` behaves as the file says, and says that it does."""
    (home / "bad.yaml").write_text("faults: [{operation: ListJobs, kind: denied}]\naccounts: {other: '222222222222'}\n")
    with started("simulator", "serve", "--port", "0", "--scenario", "bad.yaml") as process:
        assert process.stdout is not None
        session: Any = boto3.Session(aws_access_key_id="other", aws_secret_access_key="test")
        url = process.stdout.readline().strip()
        batch, sts = (session.client(name, region_name="eu-west-1", endpoint_url=url) for name in ("batch", "sts"))
        with pytest.raises(ClientError, match="AccessDeniedException"):
            batch.list_jobs(jobQueue="q")
        assert sts.get_caller_identity()["Account"] == "222222222222"
        batch.close()
        sts.close()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    words = "AWS Batch, simulated as bad.yaml says, from .batchwright/simulator.db; Ctrl-C ends it.\n"
    assert (process.returncode, err) == (0, words)


def test_a_scenario_with_faults(cli: Cli, home: Path) -> None:
    """A scenario that is wrong is told as a manifest is, and nothing is served or made."""
    (home / "bad.yaml").write_text("rate: x\njob: []\n")
    said = cli("simulator", "serve", "--scenario", "bad.yaml")
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines() == [
        "Error: the scenario has 2 faults",
        "  bad.yaml:1:7: rate: takes a whole number, not 'x'",
        "  bad.yaml:2:1: job: there is no key 'job' here (did you mean jobs?)",
    ]
    said = cli("simulator", "serve", "--scenario", "missing.yaml")
    assert (said.code, said.err.splitlines()[0]) == (1, "Error: missing.yaml cannot be read: No such file or directory")
    assert not (home / ".batchwright").exists()


def test_a_port_that_is_taken(cli: Cli) -> None:
    """An address that cannot be listened on is an error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = cli("simulator", "serve", "--port", str(port))
    assert said.code == 1
    assert f"127.0.0.1:{port} cannot be listened on: Address already in use" in said.err
    assert said.err.splitlines()[1] == "  → give another --port"


@pytest.mark.parametrize("host", ["300.0.0.1", "192.0.2.1"])
def test_an_address_that_is_not_of_this_machine(cli: Cli, host: str) -> None:
    """Where the address is at fault another port would not help."""
    said = cli("simulator", "serve", "--host", host)
    assert said.code == 1
    first, hint = said.err.splitlines()
    assert first.startswith(f"Error: {host}:4567 cannot be listened on: ")
    assert hint == "  → give a --host of this machine, such as 127.0.0.1 or 0.0.0.0"


def test_what_the_simulator_holds(cli: Cli, applied: Path) -> None:
    """`simulator show` tells each object with its status as it is now; after `reset` there is none."""
    said = cli("simulator", "show")
    assert said.out.splitlines()[0] == "123456789012/us-east-1"
    assert "  queue        high   VALID   ENABLED" in said.out.splitlines()
    assert cli("simulator", "show", "--json").json["123456789012/us-east-1"]["queue"]["high"]["priority"] == 5
    cli("destroy", applied, "--auto-approve", *FAST)
    assert "high" not in cli("simulator", "show").out
    assert cli("simulator", "reset").out == ".batchwright/simulator.db is empty.\n"
    assert cli("simulator", "show").out == ".batchwright/simulator.db is empty.\n"
    assert cli("simulator", "show", "--json").json == {}


@pytest.mark.usefixtures("applied")
def test_a_simulator_file_that_was_edited(cli: Cli, home: Path) -> None:
    """What no simulator wrote is told with the file, and what to do."""
    with sqlite3.connect(home / ".batchwright" / "simulator.db") as connection:
        connection.execute("""UPDATE objects SET document = '{"shown": [], "kept": {}, "steps": []}'""")
    connection.close()
    said = cli("simulator", "show")
    assert said.code == 1
    assert "simulator.db makes no sense" in said.err
    assert "name another file with --simulator-file" in said.err


@pytest.mark.parametrize("words", [("show",), ("show", "--json"), ("job", "high", "job")])
def test_a_file_that_is_not_there(cli: Cli, home: Path, words: tuple[str, ...]) -> None:
    """A file that is looked into or given work, and is not there, was mistyped: none is made in silence."""
    said = cli("simulator", *words, "--simulator-file", "none/sim.db")
    assert said.code == 1
    told = [*said.json.values()] if "--json" in words else said.err.splitlines()
    assert any("there is no simulator file none/sim.db" in str(line) for line in told)
    assert any("`batchwright simulator serve`" in str(line) for line in told)
    assert not (home / "none").exists()


def test_a_reset_of_nothing(cli: Cli, home: Path) -> None:
    """Where there is no file there is nothing to forget."""
    said = cli("simulator", "reset", "--simulator-file", "none.db")
    assert (said.code, said.out) == (0, "There is no simulator file none.db, and nothing to forget.\n")
    assert not (home / "none.db").exists()


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


@pytest.mark.usefixtures("applied")
def test_jobs_for_a_queue(cli: Cli) -> None:
    """`simulator job` puts as many jobs into a queue as are asked for, and prints their ids, which `show` knows."""
    said = cli("simulator", "job", "high", "job", "--count", "3", "--speed", "0.001")
    ids = said.out.split()
    assert (said.code, len(set(ids))) == (0, 3)
    (one,) = cli("simulator", "job", "high", "job", "--name", "mine", "--json").json
    assert one["jobName"] == "mine"
    shown = cli("simulator", "show").out.splitlines()
    assert {f"  job          {job}  SUBMITTED  job in high" for job in ids} <= set(shown)
    assert f"  job          {one['jobId']}  SUBMITTED  mine in high" in shown


def jobs(cli: Cli, scope: str = "123456789012/us-east-1") -> Any:
    return cli("simulator", "show", "--json").json[scope]["job"]


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("words", "status"), [(("--seconds", "1"), "SUCCEEDED"), (("--exit-code", "3", "--seconds", "0"), "FAILED")]
)
def test_how_a_job_comes_out(cli: Cli, words: tuple[str, ...], status: str) -> None:
    """How long a job runs and how it ends is said when it is put in, and kept by whoever looks later."""
    job = cli("simulator", "job", "high", "job", *words, "--speed", "0.001").out.strip()
    pass_time(60)
    shown = jobs(cli)[job]
    assert shown["status"] == status
    assert shown["attempts"][0]["container"]["exitCode"] == (3 if status == "FAILED" else 0)


@pytest.mark.usefixtures("applied")
def test_a_job_runs_as_long_as_it_is_said_to(cli: Cli) -> None:
    """`--seconds` counts from RUNNING."""
    job = cli("simulator", "job", "high", "job", "--seconds", "600", "--speed", "0.001").out.strip()
    pass_time(500)
    assert jobs(cli)[job]["status"] == "RUNNING"
    pass_time(200)
    assert jobs(cli)[job]["status"] == "SUCCEEDED"


def pass_time(seconds: float) -> None:
    """Let simulated time pass in the file, as if the real clock had been set."""
    with sqlite3.connect(SIMULATOR_FILE) as connection:
        connection.execute("UPDATE clock SET simulated = simulated + ?", (seconds,))
    connection.close()


@pytest.mark.usefixtures("small")
def test_a_queue_with_jobs_is_not_deleted(cli: Cli) -> None:
    """With a job in its queue a stack is not destroyed, and says so, and nothing that would not help."""
    assert cli("apply", "small.yaml", "--auto-approve", *FAST).code == 0
    assert cli("simulator", "job", "high", "job", "--seconds", "31536000").code == 0
    said = cli("destroy", "small.yaml", "--auto-approve", *FAST)
    assert said.code == 3
    assert "high holds 1 unfinished job" in said.out + said.err
    assert "maxImpact" not in said.out + said.err


FAIR = """\
stack: fair
schedulingPolicies:
  p: {fairsharePolicy: {shareDecaySeconds: 600, shareDistribution: [{shareIdentifier: a, weightFactor: 1.0}]}}
computeEnvironments:
  fast: {type: UNMANAGED, serviceRole: batch}
jobQueues:
  fair: {priority: 5, computeEnvironmentOrder: [fast], schedulingPolicyArn: p}
jobDefinitions:
  job: {type: container, containerProperties: {image: busybox, vcpus: 1, memory: 512}}
"""


def test_jobs_of_a_share(cli: Cli, home: Path) -> None:
    """Share and priority reach a queue that asks for them, in the region and account where it is."""
    (home / "fair.yaml").write_text(
        FAIR + "target: {region: eu-west-1, roleArn: 'arn:aws:iam::222222222222:role/batch'}\n"
    )
    assert cli("apply", "fair.yaml", "--auto-approve", *FAST).code == 0
    place = ("--region", "eu-west-1", "--account", "222222222222")
    refused = cli("simulator", "job", "fair", "job", *place)
    assert refused.code == 1
    assert "shareIdentifier must be specified" in refused.err
    assert "schedulingPriority" in cli("simulator", "job", "fair", "job", *place, "--share", "a").err
    said = cli("simulator", "job", "fair", "job", *place, "--share", "a", "--priority", "7")
    assert said.code == 0, said.err
    assert jobs(cli, "222222222222/eu-west-1")[said.out.strip()]["shareIdentifier"] == "a"


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_of_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Jobs go to the region that the environment names, as every other command does; an option says otherwise."""
    monkeypatch.setenv(name, "eu-west-1")
    assert cli("simulator", "job", "high", "job").code == 1
    assert cli("simulator", "job", "high", "job", "--region", "us-east-1").code == 0


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    "words",
    [("low", "job"), ("high", "none"), ("high", "job", "--region", "eu-west-1"), ("high", "job", "--account", "1")],
)
def test_a_job_that_is_refused(cli: Cli, words: tuple[str, ...]) -> None:
    """A queue or definition that is not there is told in the service's words, and where to look."""
    said = cli("simulator", "job", *words)
    assert (said.code, said.out) == (1, "")
    first, hint = said.err.splitlines()
    assert first.startswith("Error: SubmitJob: ")
    assert first.endswith(" (ClientException)")
    assert hint.startswith("  → `batchwright simulator show` tells what there is and where")
    assert cli("simulator", "job", *words, "--json").json["error"] == "Rejected"


@pytest.mark.usefixtures("applied")
def test_a_job_that_says_what_its_queue_does_not_take(cli: Cli) -> None:
    """Where all that it names is there, no hint tells where to look for it."""
    said = cli("simulator", "job", "high", "job", "--share", "a")
    assert (said.code, said.out) == (1, "")
    (only,) = said.err.splitlines()
    assert only.startswith("Error: SubmitJob: Job with shareIdentifier")


@pytest.mark.usefixtures("applied")
def test_a_queue_that_is_disabled(cli: Cli, home: Path) -> None:
    """A job for a disabled queue is refused."""
    text = (home / "small.yaml").read_text()
    (home / "small.yaml").write_text(text.replace("{priority: 5,", "{priority: 5, state: DISABLED,"))
    assert cli("apply", "small.yaml", "--auto-approve", *FAST).code == 0
    said = cli("simulator", "job", "high", "job")
    assert said.code == 1
    assert "ENABLED" in said.err


def test_the_rules_as_a_table(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`simulator rules` tells every rule under its module, in lines that fit the terminal but for addresses."""
    monkeypatch.setenv("COLUMNS", "110")
    said = cli("simulator", "rules")
    words = " ".join(said.out.split())
    assert all(rule.name.partition(".")[2] in words and rule.source in words for rule in rules())
    assert {line for line in said.out.splitlines() if line[:1].strip()} == {
        rule.name.partition(".")[0] for rule in rules()
    }
    assert all(len(line) <= 110 for line in said.out.splitlines() if "https://" not in line)
    assert said.code == 0


def test_the_rules_as_json(cli: Cli) -> None:
    """`simulator rules --json` is a list of name, basis, sentence and source."""
    found = cli("simulator", "rules", "--json").json
    assert [Rule(**rule) for rule in found] == rules()
    assert cli("simulator", "rules", "--json", "--markdown").code == 1


def test_the_rules_as_a_page(cli: Cli) -> None:
    """`simulator rules --markdown` has a row for each rule."""
    out = cli("simulator", "rules", "--markdown").out
    assert sum(line.startswith("| `") for line in out.splitlines()) == len(rules())
