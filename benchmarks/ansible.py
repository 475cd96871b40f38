"""Ansible's community.aws on the same endpoint, where `ansible-playbook` and the collection are installed.

Its modules do one resource at a time. A check is held against our plan, a play against our apply. Where Ansible is in
an environment of its own, BATCHWRIGHT_BENCH_ANSIBLE names its `ansible-playbook`.
"""

import json
import os
import shutil
import subprocess
from typing import Any

from benchmarks.frame import BATCHWRIGHT, REGION, Rows, Setting, Skipped, environ, held_against, spend
from benchmarks.serving import Holding, serving

ANSIBLE = "BATCHWRIGHT_BENCH_ANSIBLE"
NAME = "Ansible's community.aws"
_LISTS = {"command": "command", "environment": "environment", "volumes": "volumes", "mount_points": "mountPoints"}


def measure(setting: Setting) -> Rows:
    program = os.environ.get(ANSIBLE) or shutil.which("ansible-playbook")
    if program is None:
        yield Skipped(NAME, "there is no ansible-playbook on the PATH")
    elif not _has_collection(setting, program):
        yield Skipped(NAME, "its collection community.aws is not installed")
    else:
        yield from lives(setting, program)


def _has_collection(setting: Setting, program: str) -> bool:
    galaxy = os.path.join(os.path.dirname(program), "ansible-galaxy")
    listed = subprocess.run(
        [galaxy, "collection", "list", "community.aws"],
        env=environ(setting.folder),
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.returncode == 0 and "community.aws" in listed.stdout


def lives(setting: Setting, program: str) -> Rows:
    size = (
        Holding(environments=1, queues=1, definitions=3)
        if setting.quick
        else Holding(environments=3, queues=2, definitions=10)
    )
    # Its modules take no hyphen in the name of an environment.
    text = size.manifest(1).replace("environment-", "environment_")
    folder = setting.folder
    (folder / "ansible.json").write_text(text)
    with serving(folder, Holding()) as theirs, serving(folder, Holding()) as ours:
        (folder / "play.json").write_text(json.dumps(playbook(json.loads(text), theirs, program)))
        play = (program, "-i", "localhost,", "-c", "local", "play.json")
        what = f"{size.environments} + {size.queues} + {size.definitions}"
        for name, options, command in (
            ("create", (), ("apply", "ansible.json", "--auto-approve")),
            ("no-change plan", ("--check",), ("plan", "ansible.json")),
        ):
            took = spend(folder, *play, *options).wall
            mine = spend(folder, BATCHWRIGHT, *command, "--endpoint-url", ours).wall
            yield held_against(f"{NAME}, {name} of {what}", [mine], [took], "ansible-playbook")


def playbook(document: dict[str, Any], endpoint: str, program: str) -> list[dict[str, Any]]:
    """The same objects as tasks of its modules, run by the Python that Ansible runs in."""
    sections = (("computeEnvironments", _environment), ("jobQueues", _queue), ("jobDefinitions", _definition))
    tasks = [task(name, block) for section, task in sections for name, block in document[section].items()]
    common = {"region": REGION, "endpoint_url": endpoint, "access_key": "bench", "secret_key": "bench"}
    python = os.path.join(os.path.dirname(os.path.realpath(os.path.dirname(program))), "bin", "python")
    here = {"ansible_python_interpreter": python} if os.path.exists(python) else {}
    groups = {f"community.aws.{module}": common for task in tasks for module in [next(iter(task)).rpartition(".")[2]]}
    return [{"hosts": "localhost", "gather_facts": False, "vars": here, "module_defaults": groups, "tasks": tasks}]


def _environment(name: str, block: dict[str, Any]) -> dict[str, Any]:
    said = block["computeResources"]
    told = {
        "compute_environment_name": name,
        "type": block["type"],
        "service_role": "arn:aws:iam::123456789012:role/batch",
        "compute_resource_type": said["type"],
        "minv_cpus": said["minvCpus"],
        "maxv_cpus": said["maxvCpus"],
        "instance_types": said["instanceTypes"],
        "subnets": said["subnets"],
        "security_group_ids": said["securityGroupIds"],
        "instance_role": said["instanceRole"],
    }
    if said["type"] == "SPOT":
        told["spot_iam_fleet_role"] = "arn:aws:iam::123456789012:role/fleet"
    return {"community.aws.batch_compute_environment": told}


def _queue(name: str, block: dict[str, Any]) -> dict[str, Any]:
    order = [
        {"order": place, "compute_environment": environment}
        for place, environment in enumerate(block["computeEnvironmentOrder"], 1)
    ]
    told = {"job_queue_name": name, "priority": block["priority"], "compute_environment_order": order}
    return {"community.aws.batch_job_queue": told}


def _definition(name: str, block: dict[str, Any]) -> dict[str, Any]:
    said = block["containerProperties"]
    needs = {each["type"]: int(each["value"]) for each in said["resourceRequirements"]}
    told = {
        "job_definition_name": name,
        "type": block["type"],
        "parameters": block["parameters"],
        "image": said["image"],
        "vcpus": needs["VCPU"],
        "memory": needs["MEMORY"],
        "attempts": block["retryStrategy"]["attempts"],
        **{own: said[theirs] for own, theirs in _LISTS.items()},
    }
    return {"community.aws.batch_job_definition": told}
