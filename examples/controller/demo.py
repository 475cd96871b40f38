"""The controller at work, in a minute: stacks in a repository, a commit, a webhook, and somebody who meddles.

    make demo-controller

Everything runs on this machine, on loopback: a Git server, the simulator in the place of AWS, and the controller on
`controller.yaml`, with free ports for those that stand there. It ends by itself: with 0, or with 1 if something did not
happen.
"""

import argparse
import hashlib
import hmac
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

EXAMPLES = Path(__file__).resolve().parent.parent
BATCHWRIGHT = str(Path(sys.executable).with_name("batchwright"))
STACKS = ("exports", "genomics", "training-dev")
GIT_AT, SIMULATOR_AT, API_AT = "git://127.0.0.1:9418/stacks.git", "http://127.0.0.1:4567", "127.0.0.1:8700"
"""What stands in `controller.yaml`, and is another port here."""
QUEUE, PRIORITY = "exports-urgent", 10
PATIENCE = 90.0

_PERSON = (("NAME", "You"), ("EMAIL", "you@example.org"))
_T = TypeVar("_T")


class NotSoError(Exception):
    """Something did not happen that should have."""


def say(text: str) -> None:
    print(text, flush=True)


def until(what: str, there: Callable[[], _T | None], seconds: float = PATIENCE) -> _T:
    """What is there, as soon as it is."""
    ends = time.monotonic() + seconds
    while (found := there()) is None:
        if time.monotonic() > ends:
            raise NotSoError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
    return found


def environment(folder: Path) -> dict[str, str]:
    """What the processes see: nothing of the settings of AWS, Git and Batchwright that this machine has."""
    own = ("AWS_", "BATCHWRIGHT_", "GIT_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(own)},
        "XDG_STATE_HOME": str(folder / "state"),
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",  # any are good for the simulator
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _PERSON},
    }


@contextmanager
def running(words: tuple[str, ...], folder: Path, log: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that lives as long as it is needed; what it tells on stderr goes to a file."""
    with (
        (folder / log).open("w") as told,
        subprocess.Popen(
            words, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, stderr=told, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def address(process: "subprocess.Popen[str]", what: str) -> str:
    """The address that a server says in its first line."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise NotSoError(f"{what} did not start")
    return line


class Repository:
    """A repository that is served, and a checkout of it."""

    def __init__(self, folder: Path, ended: ExitStack) -> None:
        self.folder, self.work = folder, folder / "checkout"
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(folder / "git/stacks.git"))
        self.git("init", "--quiet", "--initial-branch=main", str(self.work))
        self.git("remote", "add", "origin", str(folder / "git/stacks.git"), at=self.work)
        self.url = self.serve(ended) or str(folder / "git/stacks.git")

    def serve(self, ended: ExitStack) -> str | None:
        """Serve it by `git daemon`; None where this Git has none."""
        daemon = Path(self.git("--exec-path"), "git-daemon")
        if not daemon.exists():
            return None
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        where = ("--listen=127.0.0.1", f"--port={port}", f"--base-path={self.folder / 'git'}", "--export-all")
        ended.enter_context(running((str(daemon), "--reuseaddr", *where), self.folder, "git.log"))
        until("git daemon listens", lambda: listens(port), 20)
        return f"git://127.0.0.1:{port}/stacks.git"

    def push(self, message: str) -> str:
        """Commit all that is in the checkout, and push it."""
        self.git("add", "--all", at=self.work)
        self.git("commit", "--quiet", "-m", message, at=self.work)
        self.git("push", "--quiet", "origin", "main", at=self.work)
        return self.git("rev-parse", "HEAD", at=self.work)

    def git(self, *words: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=at or self.folder,
            env=environment(self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotSoError(f"git {words[0]}: {done.stderr.strip()}")
        return done.stdout.strip()


def listens(port: int) -> bool | None:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return None
    return True


class Controller:
    """The API of a controller, with a token."""

    def __init__(self, url: str, token: str, secret: str) -> None:
        self.url, self.token, self.secret = url, token, secret

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def conditions(self, stack: str) -> Mapping[str, Any]:
        status = self.get(f"/api/v1/stacks/{stack}")
        return {told["type"]: told for told in status["conditions"]}

    def pushed(self) -> None:
        """Send the webhook: signed, with the time that it was sent at."""
        body, now = b"{}", str(int(time.time()))
        signature = hmac.new(self.secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Batchwright-Signature": f"t={now},v1={signature}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/hooks/pushed", body, headers), timeout=10):
            pass


def configure(folder: Path, repository: str, simulator: str) -> tuple[str, str]:
    """Write the configuration with the ports of today, a token and a secret; gives these two."""
    text = (EXAMPLES / "controller/controller.yaml").read_text(encoding="utf-8")
    for said, today in ((GIT_AT, repository), (SIMULATOR_AT, simulator), (API_AT, "127.0.0.1:0")):
        assert said in text
        text = text.replace(said, today)
    (folder / "controller.yaml").write_text(text, encoding="utf-8")
    token, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    for name, content in (
        ("tokens.yaml", f"tokens:\n  - {{name: you, sha256: {digest}, role: apply}}\n"),
        ("webhook.secret", f"{secret}\n"),
    ):
        (folder / name).touch(0o600)
        (folder / name).write_text(content, encoding="utf-8")
    return token, secret


def batch(simulator: str) -> Any:
    """A client of the simulated AWS Batch in Frankfurt."""
    import boto3

    return boto3.client(
        "batch",
        endpoint_url=simulator,
        region_name="eu-central-1",
        aws_access_key_id="demo",
        aws_secret_access_key="demo",
    )


def meddle(folder: Path, simulator: str) -> str:
    """Change a priority behind the controller's back, as anybody might; gives the command."""
    said = ("--endpoint-url", simulator, "--region", "eu-central-1", "--job-queue", QUEUE, "--priority", "99")
    beside = Path(sys.executable).parent
    aws = shutil.which("aws", path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if aws is None:
        batch(simulator).update_job_queue(jobQueue=QUEUE, priority=99)
        return f"boto3: update_job_queue(jobQueue={QUEUE!r}, priority=99)"
    done = subprocess.run(
        [aws, "batch", "update-job-queue", *said],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotSoError(f"aws batch update-job-queue: {done.stderr.strip()}")
    return f"aws batch update-job-queue --job-queue {QUEUE} --priority 99"


def ready(controller: Controller) -> bool | None:
    """Whether all stacks are Ready."""
    try:
        found = controller.get("/api/v1/stacks")["stacks"]
    except urllib.error.URLError:
        return None
    told = {status["stack"]: {it["type"]: it["status"] for it in status["conditions"]} for status in found}
    return True if all(told.get(stack, {}).get("Ready") == "True" for stack in STACKS) else None


def commit(repository: Repository, controller: Controller, simulator: str) -> None:
    """A commit, and the webhook that tells of it."""
    manifest = repository.work / "fargate/batchwright.yaml"
    text = manifest.read_text(encoding="utf-8")
    assert "maxvCpus: 256" in text
    manifest.write_text(text.replace("maxvCpus: 256", "maxvCpus: 512"), encoding="utf-8")
    revision = repository.push("Exports may take 512 vCPUs of Fargate Spot")
    say(f"   git push: Exports may take 512 vCPUs of Fargate Spot ({revision[:10]})")
    began = time.monotonic()
    controller.pushed()

    def applied() -> float | None:
        status = controller.get("/api/v1/stacks/exports")
        done = any(told["type"] == "Ready" and told["status"] == "True" for told in status["conditions"])
        return time.monotonic() - began if done and status["applied"].endswith(revision) else None

    took = until("the commit is applied", applied)
    (there,) = batch(simulator).describe_compute_environments(computeEnvironments=["exports-fargate-spot"])[
        "computeEnvironments"
    ]
    if there["computeResources"]["maxvCpus"] != 512 or there["status"] != "VALID":
        raise NotSoError("the environment is not as the commit says")
    if took > 10.0:
        raise NotSoError(f"the commit was applied {took:.1f} s after the webhook, which is too late")
    say(f"   applied {took:.1f} s after the webhook: exports-fargate-spot has maxvCpus 512, and is VALID")


def drift(folder: Path, controller: Controller, simulator: str) -> None:
    """Somebody changes a queue by hand."""
    before = controller.conditions("exports")["DriftDetected"]["since"]
    began = time.monotonic()
    say(f"   {meddle(folder, simulator)}")

    def noticed() -> Mapping[str, Any] | None:
        found = controller.conditions("exports")["DriftDetected"]
        return found if found["status"] == "True" and found["since"] != before else None

    found = until("drift is reported", noticed)
    say(f"   {time.monotonic() - began:.1f} s  DriftDetected True   {found['reason']}: {found['message']}")

    def healed() -> Mapping[str, Any] | None:
        told = controller.conditions("exports")
        well = told["DriftDetected"]["status"] == "False" and told["Ready"]["status"] == "True"
        return told if well else None

    told = until("drift is healed", healed)
    say(f"   {time.monotonic() - began:.1f} s  DriftDetected False  {told['DriftDetected']['reason']}")
    (queue,) = batch(simulator).describe_job_queues(jobQueues=[QUEUE])["jobQueues"]
    if queue["priority"] != PRIORITY:
        raise NotSoError(f"the priority of {QUEUE} is {queue['priority']}")
    say(f"   {QUEUE} has priority {PRIORITY} again")


def show(folder: Path, speed: float) -> None:
    with ExitStack() as ended:
        say("1. A repository with three stacks, and AWS Batch, simulated")
        repository = Repository(folder, ended)
        for name in ("genomics", "fargate", "training"):
            shutil.copytree(EXAMPLES / name, repository.work / name)
        repository.push("Three stacks")
        serving = ("simulator", "serve", "--port", "0", "--simulator-file", "simulator.db", "--speed", str(speed))
        simulator = address(ended.enter_context(running((BATCHWRIGHT, *serving), folder, "simulator.log")), "simulator")
        say(f"   {repository.url}\n   {simulator}, {speed:g} times as fast as AWS")

        say("2. batchwright controller run --config controller.yaml")
        token, secret = configure(folder, repository.url, simulator)
        began = time.monotonic()
        process = ended.enter_context(
            running((BATCHWRIGHT, "controller", "run", "--config", "controller.yaml"), folder, "controller.log")
        )
        controller = Controller(address(process, "the controller"), token, secret)
        say(f"   {controller.url}")
        until("all stacks are Ready", lambda: ready(controller))
        stacks = controller.get("/api/v1/stacks")["stacks"]
        for status in stacks:
            say(f"   {status['stack']:12}  Ready  {len(status['inventory'])} objects")
        say(f"   from nothing in {time.monotonic() - began:.0f} s")

        say("3. A commit, and the webhook that tells of it")
        commit(repository, controller, simulator)

        say("4. Somebody changes a queue by hand")
        drift(folder, controller, simulator)

        process.terminate()
        if process.wait(30):
            raise NotSoError(f"the controller ended with {process.returncode}")
        say(f"Done. Its log, its store and its configuration are in {shown(folder)}.")


def shown(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def main() -> int:
    asked = argparse.ArgumentParser(description="The controller at work, in a minute.")
    asked.add_argument("--folder", type=Path, default=Path(".batchwright/demo-controller"), help="made anew each time")
    asked.add_argument("--speed", type=float, default=20.0, help="of the simulated AWS")
    said = asked.parse_args()
    folder = said.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        show(folder, said.speed)
    except (NotSoError, OSError) as error:
        say(f"This did not happen: {error}\nLook at the logs in {shown(folder)}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
