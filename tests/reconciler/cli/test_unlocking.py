"""unlock, and `--lock` on the command line."""

import json
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.clock import SystemClock
from providers.shelves import Bucket
from reconciler.keeping import _machine
from reconciler.leases import Lease
from reconciler.lock import FileLock, Holder
from tests import servers
from tests.reconciler.cli.conftest import FAST, Cli

LOCK = "s3://locks/batch"
KEY = "batch/123456789012/us-east-1/small"


@pytest.fixture(scope="module")
def moto() -> Iterator[servers.Moto]:
    with servers.moto() as moto:
        moto.make_locks()
        yield moto


@pytest.fixture
def there(moto: servers.Moto, monkeypatch: pytest.MonkeyPatch) -> servers.Moto:
    """A process that reaches S3 at moto's server."""
    for name, value in {**servers.KEYS, "AWS_ENDPOINT_URL_S3": moto.url}.items():
        monkeypatch.setenv(name, value)
    moto.client("s3").delete_object(Bucket="locks", Key=KEY)
    return moto


def held(moto: servers.Moto, holder: Holder) -> Lease:
    """The lock of the stack, taken by this holder."""
    shelf = Bucket(moto.client("s3"), "locks", KEY)
    lease = Lease(shelf, f"s3://locks/{KEY}", holder, "theirs", SystemClock(), random.Random(1), lambda _said: None)
    return lease.__enter__()


def dead() -> Holder:
    """A process of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return Holder(socket.gethostname(), process.pid, 0.0, "apply", _machine())


def test_a_lock_in_a_file_is_removed_where_its_process_is_dead(cli: Cli, applied: Path, home: Path) -> None:
    """A killed process leaves its name and no lock; one that lives is told, and left alone."""
    assert cli("unlock", applied, *FAST).out.endswith("\nNobody holds the lock of stack small (file).\n")
    (path,) = (home / "state" / "batchwright").glob("*.lock")
    with FileLock(path, Holder("elsewhere", 4321, 0.0, "apply")):
        left = path.read_bytes()
        said = cli("unlock", "--stack", "small", *FAST)
        assert said.code == 3
        assert "process 4321 on elsewhere (apply)" in said.err
        assert path.read_bytes() == left
    path.write_bytes(left)
    said = cli("unlock", "--stack", "small", *FAST)
    assert said.code == 0
    assert "\nRemoved: the lock of stack small was held by process 4321 on elsewhere (apply)" in said.out
    assert path.read_bytes() == b""


@pytest.mark.usefixtures("small", "home")
def test_unlock_says_where_it_looked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Account and region, and that it was one region alone where neither the options nor a manifest name one."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    said = cli("unlock", "--stack", "small", *FAST)
    assert "account 123456789012 · region eu-west-1 (from AWS_REGION) · stack small" in said.out
    assert "It was looked for in eu-west-1 alone; give --region REGION to look in another." in said.out
    named = cli("unlock", "--stack", "small", "--region", "us-west-2", *FAST)
    assert "region us-west-2 (from --region)" in named.out
    assert "alone" not in named.out
    told = cli("unlock", "--stack", "small", "--region", "us-west-2", "--json", *FAST).json
    assert (told["account"], told["region"]) == ("123456789012", "us-west-2")


def test_unlock_leaves_no_file_where_there_was_none(cli: Cli, small: Path, home: Path) -> None:
    """Looking makes nothing."""
    assert cli("unlock", small, *FAST).code == 0
    assert not [*home.glob("state/batchwright/*.lock")]


def test_a_lock_in_a_service(cli: Cli, small: Path, there: servers.Moto) -> None:
    """Refused while it is held, by a process of another machine; removed where the process was one of this machine and
    is gone; and taken by the next run."""
    options = ("--lock", LOCK, *FAST)
    assert cli("unlock", small, *options).out.endswith(f"\nNobody holds the lock of stack small ({LOCK}).\n")
    lease = held(there, Holder("elsewhere", 4321, 0.0, "destroy", "another"))
    for verb in (("unlock", small), ("apply", small, "--auto-approve"), ("destroy", "--stack", "small")):
        said = cli(*verb, *options)
        assert said.code == 3
        assert "process 4321 on elsewhere (destroy), since 20" in said.err
    lease.__exit__(None, None, None)
    held(there, dead())
    assert "its process is no more: batchwright unlock" in cli("apply", small, "--auto-approve", *options).err
    said = cli("unlock", small, *options, "--json")
    assert said.code == 0
    assert {name: said.json[name] for name in ("stack", "lock", "removed")} == {
        "stack": "small",
        "lock": LOCK,
        "removed": True,
    }
    assert said.json["holder"]["doing"] == "apply"
    assert cli("unlock", small, *options, "--json").json["holder"] is None
    assert cli("apply", small, "--auto-approve", *options).code == 0


def test_a_refusal_under_json_is_one_object(cli: Cli, small: Path, there: servers.Moto) -> None:
    """As every error is."""
    lease = held(there, Holder("elsewhere", 4321, 0.0, "apply"))
    said = cli("unlock", small, "--lock", LOCK, *FAST, "--json")
    assert (said.code, said.json["error"], said.json["exit_code"]) == (3, "LockHeld", 3)
    lease.__exit__(None, None, None)


def test_a_variable_says_which_lock(
    cli: Cli, small: Path, there: servers.Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that all who work on a stack can be told once; the option goes before it."""
    monkeypatch.setenv("BATCHWRIGHT_LOCK", LOCK)
    lease = held(there, Holder("elsewhere", 4321, 0.0, "apply"))
    assert cli("apply", small, "--auto-approve", *FAST).code == 3
    assert cli("apply", small, "--auto-approve", "--lock", "file", *FAST).code == 0
    lease.__exit__(None, None, None)
    monkeypatch.setenv("BATCHWRIGHT_LOCK", "iron")
    assert cli("apply", small, "--auto-approve", *FAST).code == 1


def test_what_was_taken_over_is_told(cli: Cli, small: Path, there: servers.Moto) -> None:
    """As a line of the run, whether a plan follows or not."""
    held(there, Holder("elsewhere", 4321, 0.0, "apply"))
    s3 = there.client("s3")
    record = json.loads(s3.get_object(Bucket="locks", Key=KEY)["Body"].read())
    s3.put_object(Bucket="locks", Key=KEY, Body=json.dumps({**record, "expires": 1.0}).encode())
    said = cli("apply", small, "--auto-approve", "--lock", LOCK, *FAST)
    assert said.code == 0
    assert "the lock taken over from process 4321 on elsewhere (apply)" in said.err


def test_without_a_service_beside_the_simulator_it_is_refused(cli: Cli, small: Path) -> None:
    """In words, with what to set; nothing is made."""
    said = cli("apply", small, "--auto-approve", "--lock", "dynamodb://locks/batch", *FAST)
    assert said.code == 1
    assert "the lock dynamodb://locks/batch cannot be reached: the simulator has AWS Batch only" in said.err
    assert "AWS_ENDPOINT_URL_DYNAMODB" in said.err


@pytest.mark.parametrize(
    "text", ["", "iron", "s3://", "s3://locks", "s3://locks/", "s3://LOCKS/x", "S3://locks/x", "dynamodb://t/x y"]
)
def test_what_is_no_lock_is_told_with_what_is(cli: Cli, small: Path, text: str) -> None:
    """A usage error, with all forms."""
    said = cli("apply", small, "--lock", text)
    assert said.code == 1
    words = " ".join(said.err.replace("│", " ").split())
    assert "a lock is file, s3://BUCKET/KEY, dynamodb://TABLE/KEY or none" in words


@pytest.mark.parametrize("words", [("unlock",), ("unlock", "small.yaml", "--stack", "small")])
def test_unlock_takes_one_stack(cli: Cli, small: Path, words: tuple[str, ...]) -> None:
    """By its manifest or by its name."""
    assert small.exists()
    said = cli(*words, *FAST)
    assert said.code == 1
    assert "--stack NAME" in said.err


def test_without_locks_there_is_nothing_to_unlock(cli: Cli, small: Path) -> None:
    """Whoever says so is told."""
    said = cli("unlock", small, "--lock", "none", *FAST)
    assert said.code == 1
    assert "there is no lock" in said.err
