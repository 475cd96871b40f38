"""Terraform and its provider for AWS against the simulator over HTTP, as they are against AWS.

They are the most demanding callers that AWS Batch has: they read back whatever they wrote, and want it just so. See
`tests.contract.terraform.life` for when and how they run.
"""

import platform
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import programs
from tests.contract.terraform.life import Json

needs = pytest.mark.needs(*programs.TERRAFORM)
ARN = "arn:aws:batch:eu-west-1:123456789012"
# Without those that the provider adds to each.
TAGS = {
    "tf-fair": {"purpose": "sharing"},
    "tf-first": {"place": "first"},
    "tf-second": {"place": "second"},
    "tf-ec2": {},
    "tf-queue": {"place": "first", "trial": "yes"},
    "tf-container": {"stage": "test"},
    "tf-same": {},
}


def _after(record: Json, name: str) -> Json:
    """What is described after a step, which must have succeeded."""
    steps = record["steps"]
    told = "\n".join(f"=== {step}: {done['code']}\n{done['output']}" for step, done in steps.items())
    told += f"=== answered with an error: {record['failures']}"
    assert name in steps, told
    assert steps[name]["code"] == 0, told
    world: Json = steps[name]["world"]
    return world


def _part(whole: Any, pattern: Any) -> Any:
    """`whole` with nothing but what `pattern` tells of."""
    if isinstance(whole, dict) and isinstance(pattern, dict):
        return {key: _part(whole[key], pattern[key]) for key in pattern if key in whole}
    return whole


def _holds(world: Json, kind: str, name: str, told: Json) -> None:
    assert _part(world[kind][name], told) == told


@needs
def test_what_is_created(terraform: Json) -> None:
    """Terraform creates an object of each kind, and the simulator describes each as it was configured."""
    world = _after(terraform, "create")
    assert {kind: set(named) for kind, named in world.items()} == {
        "policies": {"tf-fair"},
        "environments": {"tf-first", "tf-second", "tf-ec2"},
        "queues": {"tf-queue"},
        "definitions": {"tf-container", "tf-same"},
    }
    policy = {"computeReservation": 1, "shareDecaySeconds": 3600}
    _holds(world, "policies", "tf-fair", {"fairsharePolicy": policy})
    assert _shares(world) == {"clinical*": 0.5, "research": 1.0}
    assert _tags(world) == {name: {**tags, "owner": "research"} for name, tags in TAGS.items()}
    for name in ("first", "second"):
        resources = {
            "type": "FARGATE",
            "maxvCpus": 16,
            "subnets": ["subnet-0a000000000000000"],
            "securityGroupIds": ["sg-0a000000000000000"],
        }
        told = {"status": "VALID", "computeResources": resources}
        _holds(world, "environments", f"tf-{name}", told)
    resources = {"type": "EC2", "allocationStrategy": "BEST_FIT_PROGRESSIVE", "instanceTypes": ["c5"], "maxvCpus": 64}
    policy = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 60}
    _holds(world, "environments", "tf-ec2", {"computeResources": resources, "updatePolicy": policy})
    _holds(world, "queues", "tf-queue", _queue(10, ("first", "second"), 600))
    _holds(world, "definitions", "tf-container", _definition(1, "1.36", 600))
    _holds(world, "definitions", "tf-same", {"revision": 1})


@needs
def test_what_is_updated(terraform: Json) -> None:
    """Terraform updates every object in place, and registers a revision only where something really changed."""
    before, world = _after(terraform, "create"), _after(terraform, "update")
    assert "0 added, 7 changed, 0 destroyed" in terraform["steps"]["update"]["output"]
    for name, environment in world["environments"].items():
        assert environment["uuid"] == before["environments"][name]["uuid"]
    policy = {"computeReservation": 1, "shareDecaySeconds": 7200}
    _holds(world, "policies", "tf-fair", {"fairsharePolicy": policy})
    assert _shares(world) == {"clinical*": 0.5, "research": 2.0}
    tags = {name: {**tags, "owner": "platform"} for name, tags in TAGS.items()}
    assert _tags(world) == tags | {"tf-queue": {"place": "second", "owner": "platform"}}
    for name in ("first", "second"):
        environment = world["environments"][f"tf-{name}"]
        resources = {"maxvCpus": 32, "securityGroupIds": ["sg-0b000000000000000"]}
        told = {"status": "VALID", "computeResources": resources}
        assert _part(environment, told) == told
        assert set(environment["computeResources"]["subnets"]) == {
            "subnet-0a000000000000000",
            "subnet-0b000000000000000",
        }
    ec2 = world["environments"]["tf-ec2"]
    assert set(ec2["computeResources"]["instanceTypes"]) == {"c5", "m5.large"}
    assert ec2["status"] == "VALID"
    _holds(world, "queues", "tf-queue", _queue(0, ("second", "first"), 1200))
    _holds(world, "definitions", "tf-container", _definition(2, "1.37", 1200))
    _holds(world, "definitions", "tf-same", {"revision": 1})


@needs
@pytest.mark.parametrize("step", ["create", "update"])
def test_nothing_is_left_to_do(terraform: Json, step: str) -> None:
    """After an apply, Terraform reads nothing back that it would change: its plan is empty."""
    assert _after(terraform, f"plan after {step}") == _after(terraform, step)


@needs
def test_it_is_taken_over(terraform: Json) -> None:
    """What `convert` prints lets Terraform forget all and destroy nothing; adopt changes tags alone, and a plan
    is empty then."""
    before = _after(terraform, "convert")
    assert before == _after(terraform, "plan after update")
    assert _after(terraform, "let go") == before
    forgotten = re.findall(r"# (\S+) will no longer be managed", terraform["steps"]["let go"]["output"])
    assert len(forgotten) == len(set(forgotten)) == 7
    adopted = _after(terraform, "adopt")
    assert _untagged(adopted) == _untagged(before)
    for name, tags in _tags(before).items():
        house = {"batchwright:stack", "batchwright:address"}
        assert _tags(adopted)[name].items() > tags.items()
        assert house <= _tags(adopted)[name].keys()
    assert _after(terraform, "plan") == adopted
    assert "No changes." in terraform["steps"]["plan"]["output"]


@needs
def test_nothing_is_left_over(terraform: Json) -> None:
    """Terraform destroys all that it created, in an order that AWS Batch takes."""
    assert not any(_after(terraform, "destroy").values())


@needs
def test_nothing_is_refused(terraform: Json) -> None:
    """From creation to destruction the simulator knows whatever it is asked, refuses nothing and breaks at nothing."""
    _after(terraform, "destroy")
    assert terraform["failures"] == []


def _tags(world: Json) -> Json:
    return {name: each["tags"] for named in world.values() for name, each in named.items()}


def _untagged(world: Json) -> Json:
    return {
        kind: {name: {key: value for key, value in each.items() if key != "tags"} for name, each in named.items()}
        for kind, named in world.items()
    }


def _shares(world: Json) -> dict[str, float]:
    shares = world["policies"]["tf-fair"]["fairsharePolicy"]["shareDistribution"]
    return {each["shareIdentifier"]: each["weightFactor"] for each in shares}


def _queue(priority: int, order: tuple[str, ...], seconds: int) -> Json:
    return {
        "status": "VALID",
        "state": "ENABLED",
        "priority": priority,
        "schedulingPolicyArn": f"{ARN}:scheduling-policy/tf-fair",
        "computeEnvironmentOrder": [
            {"order": number, "computeEnvironment": f"{ARN}:compute-environment/tf-{name}"}
            for number, name in enumerate(order, start=1)
        ],
        "jobStateTimeLimitActions": [
            {
                "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
                "state": "RUNNABLE",
                "maxTimeSeconds": seconds,
                "action": "CANCEL",
            }
        ],
    }


def _definition(revision: int, image: str, seconds: int) -> Json:
    return {
        "type": "container",
        "revision": revision,
        "schedulingPriority": 5,
        "propagateTags": True,
        "parameters": {"input": "s3://nowhere/a"},
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {
            "image": f"public.ecr.aws/docker/library/busybox:{image}",
            "command": ["echo", "Ref::input"],
            "mountPoints": [],
            "secrets": [],
            "ulimits": [],
            "volumes": [],
        },
        "retryStrategy": {
            "attempts": 3,
            "evaluateOnExit": [
                {"onStatusReason": "Host EC2*", "action": "retry"},
                {"onReason": "*", "action": "exit"},
            ],
        },
        "timeout": {"attemptDurationSeconds": seconds},
    }


@pytest.mark.parametrize("layout", ["unpacked", "packed"])
def test_a_mirror_is_found_where_terraform_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    """A mirror that the settings of Terraform name is found, if it holds the provider for this machine."""
    settings, folder = tmp_path / "settings", tmp_path / "mirror"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}"\n  }}\n}}\n')
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(settings))
    assert programs.mirror() != folder
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    file = {
        "unpacked": f"5.100.0/{sys.platform}_{machine}/terraform-provider-aws_v5.100.0_x5",
        "packed": f"terraform-provider-aws_5.100.0_{sys.platform}_{machine}.zip",
    }[layout]
    path = folder / "registry.terraform.io/hashicorp/aws" / file
    path.parent.mkdir(parents=True)
    path.touch()
    assert programs.mirror() == folder
    assert programs.find("terraform-provider-aws") == str(folder)
