"""Terraform, where there is one: its core alone, and its provider for AWS on the same endpoint.

The provider is run only where BATCHWRIGHT_BENCH_TERRAFORM_MIRROR names a folder that holds it, such as
`terraform providers mirror` makes: it waits in real time, half a minute before it looks at a queue that it made and a
minute before one that it deleted, so that a life of a small account takes four minutes, and one of a full account,
which `--full` asks for, a quarter of an hour.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from benchmarks.frame import BATCHWRIGHT, REGION, Rows, Setting, Skipped, environ, held_against, spend, timed, wall
from benchmarks.serving import FULL, Holding, serving

MIRROR = "BATCHWRIGHT_BENCH_TERRAFORM_MIRROR"
CORE = "terraform plan of as many terraform_data"
ABSENT = Skipped("no-change plan, Terraform's core", "there is no terraform on the PATH")
SMALL = Holding(environments=2, queues=2, definitions=10, revisions=1)
FAST = ("--max-api-rate", "200")
_MIRRORED = """disable_checkpoint = true
provider_installation {{
  filesystem_mirror {{
    path = {mirror}
  }}
}}
"""
_PROVIDER = {
    "region": REGION,
    "skip_credentials_validation": True,
    "skip_metadata_api_check": True,
    "skip_requesting_account_id": True,
    "max_retries": 1,
}


def core(setting: Setting) -> Callable[[], float] | None:
    """A no-change plan of 600 (`quick`: 60) resources that Terraform has built in; None without Terraform."""
    program = shutil.which("terraform")
    if program is None:
        return None
    folder = setting.folder / "core"
    folder.mkdir(exist_ok=True)
    blocks = {f"each_{number}": {"input": number} for number in range(60 if setting.quick else 600)}
    (folder / "main.tf.json").write_text(json.dumps({"resource": {"terraform_data": blocks}}))
    spend(folder, program, "init", "-input=false")
    spend(folder, program, "apply", "-input=false", "-auto-approve")
    return wall(folder, program, "plan", "-input=false", "-detailed-exitcode")


def measure(setting: Setting) -> Rows:
    program, mirror = shutil.which("terraform"), os.environ.get(MIRROR)
    name = "Terraform with hashicorp/aws"
    if program is None:
        yield Skipped(name, "there is no terraform on the PATH")
    elif mirror is None:
        yield Skipped(name, f"{MIRROR} names no folder that holds hashicorp/aws")
    elif setting.quick:
        yield Skipped(name, "it takes minutes, and this is the quick run")
    else:
        yield from lives(setting, program, mirror, FULL if setting.full else SMALL)


def lives(setting: Setting, program: str, mirror: str, size: Holding) -> Rows:
    """One life each, on a server of its own where all is VALID at once: create, plan, one change, destroy."""
    home = setting.folder / "aws"
    home.mkdir(exist_ok=True)
    (home / "settings.tfrc").write_text(_MIRRORED.format(mirror=json.dumps(mirror)))
    empty = Holding()
    with serving(setting.folder, empty) as theirs, serving(setting.folder, empty) as ours:
        terraform = _Terraform(program, home)
        what = f"{size.environments} + {size.queues} + {size.definitions}"
        for name, verb, release, fold in (
            ("create", "apply", 1, 20),
            ("no-change plan", "plan", 1, 15),
            ("one change", "apply", 2, None),
            ("destroy", "destroy", 2, 20),
        ):
            manifest = setting.folder / "aws.json"
            manifest.write_text(_changed(size, release))
            told = configuration(json.loads(manifest.read_text()), theirs)
            (home / "main.tf.json").write_text(json.dumps(told, indent=1))
            if name == "create":
                terraform.run("init")
            approved = "" if verb == "plan" else "-auto-approve"
            took = timed(partial(terraform.run, verb, *filter(None, [approved])))()
            approved = approved and f"-{approved}"
            command = (BATCHWRIGHT, verb, str(manifest), "--endpoint-url", ours, *FAST, *filter(None, [approved]))
            target = 1 / fold if fold and setting.full else None
            mine = wall(setting.folder, *command)()
            yield held_against(f"hashicorp/aws, {name} of {what}", [mine], [took], "terraform", target=target)


@attrs.frozen
class _Terraform:
    program: str
    home: Path

    def run(self, *arguments: str) -> None:
        settings = {"TF_CLI_CONFIG_FILE": str(self.home / "settings.tfrc"), "TF_IN_AUTOMATION": "true"}
        done = subprocess.run(
            [self.program, *arguments, "-no-color", "-input=false"],
            cwd=self.home,
            env=environ(self.home) | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def _changed(size: Holding, release: int) -> str:
    """The manifest, in whose later release one definition has another image."""
    document = json.loads(size.manifest(1))
    document["jobDefinitions"]["definition-0"]["containerProperties"]["image"] = f"repository/tool-0:{release}"
    return json.dumps(document)


def configuration(document: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """What Terraform is told of the same objects."""
    endpoints = dict.fromkeys(("batch", "sts", "iam"), endpoint)
    return {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": {**_PROVIDER, "endpoints": [endpoints]}},
        "resource": {
            "aws_batch_compute_environment": {
                name: _environment(name, block) for name, block in document["computeEnvironments"].items()
            },
            "aws_batch_job_queue": {name: _queue(name, block) for name, block in document["jobQueues"].items()},
            "aws_batch_job_definition": {
                name: _definition(name, block) for name, block in document["jobDefinitions"].items()
            },
        },
    }


def _environment(name: str, block: dict[str, Any]) -> dict[str, Any]:
    said = block["computeResources"]
    resources = {
        "type": said["type"],
        "allocation_strategy": said["allocationStrategy"],
        "min_vcpus": said["minvCpus"],
        "max_vcpus": said["maxvCpus"],
        "instance_type": said["instanceTypes"],
        "instance_role": said["instanceRole"],
        "subnets": said["subnets"],
        "security_group_ids": said["securityGroupIds"],
    }
    return {"compute_environment_name": name, "type": block["type"], "compute_resources": [resources]}


def _queue(name: str, block: dict[str, Any]) -> dict[str, Any]:
    order = [
        {"order": place, "compute_environment": f"${{aws_batch_compute_environment.{environment}.arn}}"}
        for place, environment in enumerate(block["computeEnvironmentOrder"], 1)
    ]
    return {
        "name": name,
        "state": "ENABLED",
        "priority": block["priority"],
        "compute_environment_order": order,
    }


def _definition(name: str, block: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "type": block["type"],
        "container_properties": json.dumps(block["containerProperties"]),
        "parameters": block["parameters"],
        "retry_strategy": [{"attempts": block["retryStrategy"]["attempts"]}],
        "timeout": [{"attempt_duration_seconds": block["timeout"]["attemptDurationSeconds"]}],
    }
