"""controller: its configuration checked, and who may run it."""

import hashlib
import signal
import threading
from contextlib import closing
from pathlib import Path

import pytest

from providers.clock import SystemClock
from reconciler.cli.interrupts import hearing
from reconciler.controller.leader import leader
from reconciler.controller.tokens import holder, parse
from reconciler.store import Store
from tests.reconciler.cli.conftest import Cli

USUAL = """
listen: 127.0.0.1:0
tokens: tokens.yaml
targets: {play: {provider: simulator, simulatorFile: play.db, region: eu-west-1}}
sources:
  here: {folder: stacks}
  there: {git: "git@example.org:acme/batch.git", knownHosts: known_hosts, sshKey: key}
  shelf: {s3: s3://bucket}
stacks: {small: {source: here, target: play}}
hooks: {pushed: {kind: generic, source: there, secrets: webhook.secret}}
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a configuration, where everything is that it names."""
    folder = tmp_path / "controller"
    (folder / "stacks").mkdir(parents=True)
    digest = hashlib.sha256(b"token").hexdigest()
    (folder / "tokens.yaml").write_text(f"tokens:\n  - {{name: me, sha256: {digest}, role: view}}\n")
    (folder / "controller.yaml").write_text(USUAL)
    for name in ("known_hosts", "key", "webhook.secret"):
        (folder / name).write_text("something\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.usefixtures("configured")
def test_a_configuration_that_is_right(cli: Cli) -> None:
    """It is told how much is kept, and nothing beside where nothing is missing."""
    said = cli("controller", "check", "--config", "controller.yaml")
    assert (said.code, said.err) == (0, "")
    assert said.out == "controller.yaml is right: 1 stack, 3 sources, 1 target.\n"


def test_all_faults_of_a_configuration_are_told(cli: Cli, configured: Path) -> None:
    """A faulty file ends both verbs with 1 and all its faults, by line and column."""
    (configured / "controller.yaml").write_text("stack: {}\nstacks: {small: {source: here}}\n")
    for verb in ("check", "run"):
        said = cli("controller", verb, "--config", "controller.yaml")
        assert said.code == 1
        assert "controller.yaml:1:1" in said.err
        assert "controller.yaml:2:" in said.err


def test_what_this_machine_lacks_is_told_beside(cli: Cli, configured: Path) -> None:
    """A file that is missing or damaged is no fault of the configuration; what goes without it is told, each once, and
    no secret with it."""
    (configured / "tokens.yaml").write_text("tokens: [{name: me, sha256: hunter2, role: view}]\n")
    (configured / "webhook.secret").write_text("\n")
    (configured / "key").unlink()
    (configured / "stacks").rmdir()
    said = cli("controller", "check", "--config", "controller.yaml")
    assert said.code == 0
    told = said.err.splitlines()
    assert [line.partition(":")[0] for line in told if not line.startswith("/")] == [
        "tokens",
        "hooks[pushed]",
        "sources[here]",
        "sources[there]",
    ]
    assert any("tokens.yaml:1:29: tokens[0].sha256" in line for line in told)
    assert "hunter2" not in said.err
    assert told[-1] == f"sources[there]: {configured / 'key'} is not there"


@pytest.mark.usefixtures("configured")
def test_what_is_wrong_with_a_target_is_told_beside(
    cli: Cli, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, as far as nobody need be asked: this machine may lack what the one has that runs it."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BATCH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(configured / "none"))
    more = "a: {}, b: {region: eu-west-1, profile: nonesuch}, c: {region: eu-west-1, endpointUrl: there}"
    (configured / "controller.yaml").write_text(USUAL.replace("targets: {", f"targets: {{{more}, "))
    said = cli("controller", "check", "--config", "controller.yaml")
    assert said.code == 0
    told = said.err.splitlines()
    assert [line.partition(": ")[0] for line in told] == ["targets[a]", "targets[b]", "targets[c]"]
    assert "there is no region" in told[0]
    assert "nonesuch" in told[1]
    assert "there" in told[2]


def test_without_tokens_it_is_told_that_nobody_may_ask(cli: Cli, configured: Path) -> None:
    """A configuration without tokens is right, and told to keep everybody out."""
    (configured / "controller.yaml").write_text(USUAL.replace("tokens: tokens.yaml\n", ""))
    said = cli("controller", "check", "--config", "controller.yaml")
    assert (said.code, said.err) == (0, "tokens: there are none, so nobody may ask the API for anything\n")


def test_a_second_controller_on_sqlite_is_refused(cli: Cli, configured: Path) -> None:
    """Where another controller has the store, `run` ends with 3 and says so, and serves nothing."""
    with closing(Store.open(f"sqlite:///{configured}/controller.db", SystemClock())) as store:
        first = leader(store)
        assert first.lead() is not None
        said = cli("controller", "run", "--config", "controller.yaml")
        first.release()
    assert said.code == 3
    assert "another controller" in said.err
    assert said.out == ""


@pytest.mark.parametrize("name", ["ann@example.com", "null", "1e5", "y"])
def test_a_token_is_made_and_kept_nowhere(cli: Cli, tmp_path: Path, name: str) -> None:
    """stdout has the token alone and stderr the line for the file, which lets in whoever bears it; no two are alike."""
    made = [cli("controller", "token", "--name", name, "--role", "approve") for _ in range(2)]
    assert [said.code for said in made] == [0, 0]
    assert len({said.out for said in made}) == 2
    token = made[0].out.removesuffix("\n")
    assert len(token) >= 43
    assert token not in made[0].err
    (row,) = parse(tmp_path / "tokens.yaml", f"tokens:\n{made[0].err}".encode())
    assert (row.name, row.role) == (name, "approve")
    assert holder((row,), f"Bearer {token}") is row
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--name", "a b", "--role", "view"), "letters, digits"),
        (("--name", "", "--role", "view"), "letters, digits"),
        (("--name", "ann", "--role", "admin"), "override"),
        (("--name", "ann"), "--role"),
    ],
)
def test_a_token_for_nobody_is_not_made(cli: Cli, words: tuple[str, ...], told: str) -> None:
    """A name that the file would not take, and a role that there is not, are refused with those that there are."""
    said = cli("controller", "token", *words)
    assert (said.code, said.out) == (1, "")
    assert told in said.err


def test_a_hangup_is_heard_in_a_thread_of_its_own() -> None:
    """However many come at once, what is asked for is done after the last; afterwards all is as it was."""
    before, main = signal.getsignal(signal.SIGHUP), threading.get_ident()
    times: list[int] = []
    first, again, second = (threading.Event() for _ in range(3))

    def ask() -> None:
        times.append(threading.get_ident())
        if first.is_set():
            second.set()
        first.set()
        again.wait(10)

    with hearing(ask):
        signal.raise_signal(signal.SIGHUP)
        assert first.wait(10)
        for _ in range(50):
            signal.raise_signal(signal.SIGHUP)
        again.set()
        assert second.wait(10)
    assert len(times) == 2
    assert main not in times
    assert signal.getsignal(signal.SIGHUP) is before
