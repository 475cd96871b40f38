"""Terraform's life on the simulator, from creation to destruction, lived in a thread beside the other tests.

Its provider for AWS waits in real time (half a minute before it looks at a queue that it made or changed, a minute
after a deletion), so a life takes three minutes in which next to nothing is computed. `Life.lived` starts it as early
as it can, its judges come last, and they read what was written down. Of several workers of pytest-xdist one lives it,
and all wait for it.
"""

import fcntl
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import attrs

from providers.clock import SystemClock
from providers.simulator import Simulator, Store
from tests import programs, servers
from tests.commands import Shell
from tests.kit import client

ROOT = Path(__file__).parent.parent.parent.parent
CONFIGURATION = Path(__file__).parent / "main.tf"
APPLY, PLAN, DESTROY = (
    ("apply", "-auto-approve"),
    ("plan", "-detailed-exitcode"),
    ("destroy", "-auto-approve"),
)
# Name of a step, what Terraform is asked, and whether the configuration is the later one.
STEPS = (
    ("init", ("init",), False),
    ("create", APPLY, False),
    ("plan after create", PLAN, False),
    ("update", APPLY, True),
    ("plan after update", PLAN, True),
    ("destroy", DESTROY, True),
)
_RESOURCE = re.compile(r'^resource "aws_batch_.*?^}\n', re.DOTALL | re.MULTILINE)
_REMOVED = re.compile(r"^removed \{\n.*?^}$", re.DOTALL | re.MULTILINE)
_OURS = "import sys; from reconciler.cli import main; main(sys.argv[1:])"
# Simulated seconds a second: an infrastructure update takes ten seconds, all else less than one.
SPEED = 60
PATIENCE = 300
_SETTINGS = """disable_checkpoint = true
provider_installation {{
  filesystem_mirror {{
    path = {mirror}
  }}
}}
"""

Json = dict[str, Any]


@attrs.define
class Life:
    """Lives once in `folder`, which workers share. `record` is what became of it; `stop` ends it early."""

    folder: Path
    _stopped: bool = attrs.field(default=False, init=False)
    _process: subprocess.Popen[str] | None = attrs.field(default=None, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def lived(self) -> Json:
        """Return the record, once there is one.

        `steps`: by name, each with `code` and `output` of Terraform and what then is described in `world`; none
        follows one that failed. `failures`: operations that were answered with an error, and its HTTP status.
        """
        self.folder.mkdir(exist_ok=True)
        record = self.folder / "record.json"
        # Who comes second waits here, and finds the record; the system opens the lock of a worker that dies.
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not record.exists():
                record.write_text(json.dumps(self._live()))
        answer: Json = json.loads(record.read_text())
        return answer

    def stop(self) -> None:
        """Ask Terraform to end, and begin no other step."""
        with self._lock:
            self._stopped = True
            if self._process:
                self._process.terminate()

    def _live(self) -> Json:
        home = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copy(CONFIGURATION, home)
        # Before another test has this process look for mirrors elsewhere.
        mirrored = settings(home)
        store = Store.open(None, SystemClock().now(), SPEED)
        simulated = Simulator(store, store.clock())
        steps: dict[str, Json] = {}
        with servers.simulator(simulated) as (url, _):
            environ = {
                **Shell(home).environ,
                "TF_CLI_CONFIG_FILE": str(mirrored),
                "TF_IN_AUTOMATION": "true",
                "TF_VAR_endpoint": url,
                # A fifth of what Terraform computes is to collect garbage, in processes that live for seconds.
                "GOGC": "400",
            }
            for name, command, later in STEPS:
                code, output = self._run(command, {**environ, "TF_VAR_later": json.dumps(later)}, home)
                steps[name] = {"code": code, "output": output, "world": _world(client(simulated))}
                if code:
                    break
                if name == "plan after update":
                    steps |= self._taken_over(environ, url, home, client(simulated))
        store.close()
        failures = [(call.operation, call.status) for call in simulated.calls if call.status != 200]
        return {"steps": steps, "failures": failures}

    def _taken_over(self, environ: dict[str, str], url: str, home: Path, batch: Any) -> dict[str, Json]:
        """How Terraform lets go of all in a copy of its folder, and a manifest takes it over, as `convert` tells."""
        steps: dict[str, Json] = {}
        after = {**environ, "TF_VAR_later": "true"}
        ours = {**environ, "PYTHONPATH": str(ROOT)}
        copy = home / "left"
        shutil.copytree(home, copy)

        def step(name: str, line: list[str], environ: dict[str, str]) -> str:
            code, output = self._spoken(line, environ, copy)
            steps[name] = {"code": code, "output": output, "world": _world(batch)}
            return output

        def batchwright(name: str, *words: str) -> str:
            return step(name, [sys.executable, "-c", _OURS, *words], ours)

        (copy / "state.json").write_text(step("state", [programs.path("terraform"), "state", "pull"], after))
        told = batchwright("convert", "convert", "terraform", "state.json", "--out", "manifest.yaml")
        kept = _RESOURCE.sub("", CONFIGURATION.read_text())
        (copy / "main.tf").write_text("\n\n".join([kept, *_REMOVED.findall(told)]))
        step("let go", [programs.path("terraform"), *APPLY, "-refresh=false", "-no-color", "-input=false"], after)
        for verb, *words in (("adopt", "--auto-approve"), ("plan", "--detailed-exitcode")):
            batchwright(verb, verb, "manifest.yaml", *words, "--endpoint-url", url)
        return steps

    def _run(self, command: tuple[str, ...], environ: dict[str, str], home: Path) -> tuple[int, str]:
        line = [programs.path("terraform"), *command, "-no-color", "-input=false"]
        return self._spoken(line, environ, home)

    def _spoken(self, line: list[str], environ: dict[str, str], home: Path) -> tuple[int, str]:
        with self._lock:
            if self._stopped:
                return 1, "stopped"
            self._process = process = subprocess.Popen(
                line, cwd=home, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            # Killed, it would leave its provider behind.
            process.terminate()
            output, _ = process.communicate()
        return process.returncode, output


def settings(home: Path) -> Path:
    """A new file of settings of Terraform, by which it takes providers from the mirror alone."""
    made = home / "settings.tfrc"
    made.write_text(_SETTINGS.format(mirror=json.dumps(str(programs.mirror()))))
    return made


def _world(batch: Any) -> Json:
    """What is described, by kind and name; of definitions the ACTIVE revisions."""
    arns = [each["arn"] for each in batch.list_scheduling_policies()["schedulingPolicies"]]
    policies = batch.describe_scheduling_policies(arns=arns)["schedulingPolicies"] if arns else []
    environments = batch.describe_compute_environments()["computeEnvironments"]
    queues = batch.describe_job_queues()["jobQueues"]
    definitions = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return {
        "policies": {each["name"]: each for each in policies},
        "environments": {each["computeEnvironmentName"]: each for each in environments},
        "queues": {each["jobQueueName"]: each for each in queues},
        "definitions": {each["jobDefinitionName"]: each for each in definitions},
    }
