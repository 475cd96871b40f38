"""Targets are connected when a stack needs them, and what is wrong with one is told by its stacks."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest

from plans.nodes import Source
from providers.errors import CredentialsMissing, TargetUnusable
from providers.simulator import Fault
from reconciler.controller.reading import read
from reconciler.controller.targets import Targets
from reconciler.engine import Reconciler
from tests.kit import LAB, kinds
from tests.reconciler.controller.stages import room

SEVERAL = """
sources:
  here: {folder: stacks, interval: 1m}
targets:
  lab: {region: eu-west-1}
  bare: {region: eu-west-1}
  nowhere: {}
  unused: {region: eu-west-1, profile: nonesuch}
  file: {provider: simulator, simulatorFile: damaged.db}
stacks:
  lab: {source: here, target: lab, paths: [lab], mode: apply}
  one: {source: here, target: bare, paths: [one], mode: apply}
  two: {source: here, target: bare, paths: [two], mode: apply}
  three: {source: here, target: nowhere, paths: [three], mode: apply}
  four: {source: here, target: file, paths: [four], mode: apply}
"""
NOT_ALLOWED = "User: me is not authorized to perform: sts:AssumeRole on resource: batch"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process with no AWS settings, and no way to the instance metadata."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    return tmp_path


def targets(folder: Path, configured: str = SEVERAL) -> Targets:
    said = read(Source("controller.yaml", configured.encode()), folder=folder, kinds=kinds())
    return Targets(said.targets, os.environ)


def test_a_target_that_cannot_be_had_is_told_by_its_stacks_and_stops_no_other(tmp_path: Path) -> None:
    """Its stacks stall with its name in words, and are tried again later each time; once it can be had they go on."""
    (tmp_path / "damaged.db").write_text("this is no simulator's")
    made = targets(tmp_path)
    with room(tmp_path, SEVERAL) as it:
        tried: list[str] = []
        mended: list[str] = []

        def reach(name: str) -> Reconciler:
            tried.append(name)
            return it.stage.reconciler if name in ("lab", *mended) else made(name)

        it.loop.reconcilers = reach
        for name in ("lab", "one", "two", "three", "four"):
            it.write(LAB.replace("stack: lab", f"stack: {name}"), f"{name}/{name}.yaml")
        it.until(lambda: it.answer("Ready") == ("True", "Succeeded"))
        told = {
            "one": ("AccessDenied", "the target bare: there are no credentials"),
            "two": ("AccessDenied", "the target bare: there are no credentials"),
            "three": ("AccessDenied", "the target nowhere: there are no credentials"),
            "four": ("TargetUnusable", "the target file: "),
        }
        for name, (reason, words) in told.items():
            assert it.answer("Ready", name) == ("False", reason)
            assert it.answer("Stalled", name) == ("True", reason)
            status = it.status(name)
            assert status.conditions["Ready"].message.startswith(words)
            assert status.observed
        failures = it.status("one").failures
        it.pass_time(3600)
        assert failures < it.status("one").failures < 30
        assert "unused" not in tried
        assert tried.count("bare") < 60
        mended.append("bare")
        it.until(lambda: it.status("two").conditions["Ready"].reason not in ("AccessDenied", "Unexpected"), 1200)


class Refusing(BaseHTTPRequestHandler):
    """An STS that lets nobody have a role."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{NOT_ALLOWED}</Message></Error>"
            "<RequestId>r-1</RequestId></ErrorResponse>"
        ).encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def refusing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_role_that_cannot_be_assumed_is_told_with_the_target(
    tmp_path: Path, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's own words and the request id, beside the name of the target, at the stack of that target alone."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": refusing}.items():
        monkeypatch.setenv(name, value)
    role = "bare: {roleArn: 'arn:aws:iam::123456789012:role/batch', "
    configured = SEVERAL.partition("  two:")[0].replace("bare: {", role)
    made = targets(tmp_path, configured)
    with room(tmp_path, configured) as it:
        it.loop.reconcilers = lambda name: it.stage.reconciler if name == "lab" else made(name)
        for name in ("lab", "one"):
            it.write(LAB.replace("stack: lab", f"stack: {name}"), f"{name}/{name}.yaml")
        it.until(lambda: it.answer("Stalled", "one") == ("True", "AccessDenied"))
        message = it.status("one").conditions["Stalled"].message
        assert message.startswith(f"the target bare: AssumeRole: {NOT_ALLOWED}")
        assert "[request r-1]" in message
        it.until(lambda: it.answer("Ready") == ("True", "Succeeded"))


def test_another_account_than_is_claimed_is_told_with_the_target(tmp_path: Path) -> None:
    """The credentials are for another account than the target says."""
    configured = SEVERAL.partition("  one: {")[0].replace("lab: {region", 'lab: {accountId: "999999999999", region')
    with room(tmp_path, configured) as it:
        it.write(LAB, "lab/lab.yaml")
        it.loop.reconcilers = lambda _name: _claiming(it.stage.reconciler)
        it.until(lambda: it.answer("Stalled") == ("True", "Refused"))
        assert it.status().conditions["Ready"].message.startswith("the target lab: the target is account 999999999999")


def _claiming(reconciler: Reconciler) -> Reconciler:
    return attrs.evolve(reconciler, target=attrs.evolve(reconciler.target, account_id="999999999999"))


def test_a_connection_is_made_once_and_a_failure_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reconciler for all stacks of a target, with a pace that they share, as soon as it can be had."""
    made = targets(tmp_path, "targets: {bare: {region: eu-west-1, maxApiRate: 3, parallelism: 2}}")
    for _ in range(2):
        with pytest.raises(CredentialsMissing, match="the target bare: there are no credentials"):
            made("bare")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    found = made("bare")
    assert made("bare") is found
    assert (found.settings.parallelism, found.settings.max_api_rate) == (2, 3.0)
    assert found.pace is not None


def test_credentials_that_ended_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack whose target has new ones goes on with them by itself."""
    made = targets(tmp_path)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with room(tmp_path, SEVERAL) as it:
        ended: list[str] = []

        def expired(name: str) -> None:
            old = made("bare")
            ended.append(name)
            made.forget("bare")
            assert made("bare") is not old
            it.stage.simulator.heal()

        it.loop.expired = expired
        it.stage.simulator.inject(Fault("List*", "expired", times=None))
        it.write(LAB, "lab/lab.yaml")
        it.until(lambda: it.answer("Ready") == ("True", "Succeeded"))
        assert ended == ["lab"]


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ("{}", CredentialsMissing, "there is no region to work in"),
        ("{region: eu-west-1, profile: nonesuch}", CredentialsMissing, "nonesuch"),
        ("{region: eu-west-1, endpointUrl: not-a-url}", TargetUnusable, "no client can be made"),
        ("{region: eu-west-1, speed: 2}", TargetUnusable, "AWS has no speed"),
    ],
)
def test_what_is_wrong_with_a_target_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, error: type[Exception], words: str
) -> None:
    """By its name in the configuration, whatever it is; and without asking anybody, before it is needed."""
    made = targets(tmp_path, f"targets: {{prod: {said}}}")
    with pytest.raises(error, match=f"the target prod: .*{words}"):
        made.examine("prod")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(error, match=f"the target prod: .*{words}"):
        made("prod")


def test_a_target_with_nothing_wrong_is_examined_in_silence(tmp_path: Path) -> None:
    """Where its credentials come from is not looked for, and no simulator's file is made."""
    made = targets(tmp_path, "targets: {prod: {region: eu-west-1}, play: {provider: simulator, simulatorFile: s.db}}")
    made.examine("prod")
    made.examine("play")
    assert not (tmp_path / "s.db").exists()
