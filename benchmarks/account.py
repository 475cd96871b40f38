"""A full account as a manifest: 50 environments, 50 queues, 500 definitions."""

import json
from typing import Any

import yaml


def manifest(environments: int = 50, queues: int = 50, definitions: int = 500, *, release: int = 1) -> str:
    """A stack of this size, as JSON, which YAML contains; `release` is the version of all images."""
    document: dict[str, Any] = {
        "stack": "full",
        "computeEnvironments": {f"environment-{n}": _environment(n) for n in range(environments)},
        "jobQueues": {f"queue-{n}": _queue(n, environments) for n in range(queues)},
        "jobDefinitions": {f"definition-{n}": _definition(n, release) for n in range(definitions)},
    }
    document = {name: section for name, section in document.items() if section}
    return json.dumps(document, indent=1)


def as_yaml(text: str) -> str:
    """The same manifest in YAML."""
    return str(yaml.dump(json.loads(text), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False))


def _queue(number: int, environments: int) -> dict[str, Any]:
    order = (place % environments for place in range(number, number + min(2, environments)))
    return {"priority": number, "computeEnvironmentOrder": [f"environment-{place}" for place in order]}


def _environment(number: int) -> dict[str, Any]:
    return {
        "type": "MANAGED",
        "computeResources": {
            "type": "SPOT" if number % 2 else "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "minvCpus": 0,
            "maxvCpus": 16 + number,
            "instanceTypes": ["m6i", "c6i"],
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroupIds": ["sg-1"],
            "instanceRole": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
        },
    }


def _definition(number: int, release: int) -> dict[str, Any]:
    return {
        "type": "container",
        "containerProperties": {
            "image": f"repository/tool-{number}:{release}",
            "command": ["run", "--sample", "Ref::sample"],
            "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}],
            "environment": [{"name": f"NAME_{n}", "value": str(n)} for n in range(5)],
            "mountPoints": [{"containerPath": "/scratch", "sourceVolume": "scratch"}],
            "volumes": [{"name": "scratch", "host": {"sourcePath": "/mnt"}}],
        },
        "parameters": {"sample": "none"},
        "retryStrategy": {"attempts": 3},
        "timeout": {"attemptDurationSeconds": 3600},
    }
