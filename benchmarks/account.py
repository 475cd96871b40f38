"""A full account as a manifest: 50 environments, 50 queues, 500 definitions."""

import json
from typing import Any


def manifest(environments: int = 50, queues: int = 50, definitions: int = 500) -> str:
    """A stack of this size, as JSON, which YAML contains."""
    document: dict[str, Any] = {
        "stack": "full",
        "computeEnvironments": {f"environment-{n}": _environment(n) for n in range(environments)},
        "jobQueues": {
            f"queue-{n}": {
                "priority": n,
                "computeEnvironmentOrder": [f"environment-{n}", f"environment-{(n + 1) % environments}"],
            }
            for n in range(queues)
        },
        "jobDefinitions": {f"definition-{n}": _definition(n) for n in range(definitions)},
    }
    return json.dumps(document, indent=1)


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
            "instanceRole": "ecsInstanceRole",
        },
    }


def _definition(number: int) -> dict[str, Any]:
    return {
        "type": "container",
        "containerProperties": {
            "image": f"repository/tool:{number}",
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
