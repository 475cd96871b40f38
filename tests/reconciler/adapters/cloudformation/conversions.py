"""Small templates, converted."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from plans.manifest import Manifest, Source
from providers.errors import ManifestError
from reconciler.adapters.cloudformation.convert import Converted, convert
from reconciler.adapters.cloudformation.known import Given, Known
from reconciler.adapters.cloudformation.manifests import manifest
from reconciler.adapters.cloudformation.template import read
from tests.kit import kinds

PLACE = {"AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012"}
RESOURCES = {
    "Type": "FARGATE",
    "MaxvCpus": "16",
    "Subnets": ["subnet-1"],
    "SecurityGroupIds": ["sg-1"],
}


def environment(**said: Any) -> dict[str, Any]:
    properties = {"Type": "managed", "ComputeResources": RESOURCES, **said}
    return {"Type": "AWS::Batch::ComputeEnvironment", "Properties": properties}


def queue(*environments: Any, **said: Any) -> dict[str, Any]:
    order = [{"Order": index, "ComputeEnvironment": one} for index, one in enumerate(environments, 1)]
    return {
        "Type": "AWS::Batch::JobQueue",
        "Properties": {"Priority": 1, "ComputeEnvironmentOrder": order, **said},
    }


def definition(container: Mapping[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    requirements = [{"Type": "VCPU", "Value": 1}, {"Type": "MEMORY", "Value": 512}]
    properties = {"Image": "busybox", "ResourceRequirements": requirements, **(container or {})}
    return {
        "Type": "AWS::Batch::JobDefinition",
        "Properties": {"Type": "container", "ContainerProperties": properties, **said},
    }


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections}, indent=1)


def converted(
    resources: Mapping[str, Any],
    *,
    values: Mapping[str, Any] = PLACE,
    parameters: Mapping[str, str] | None = None,
    stack: str | None = None,
    **sections: Any,
) -> Converted:
    """A template of these resources, converted with what is known."""
    known = Known(
        values={name: Given(value) for name, value in values.items()},
        parameters={name: Given(value) for name, value in (parameters or {}).items()},
    )
    text = template(resources, **sections)
    return convert(read(Source("lab.template.json", text.encode())), known, kinds(), stack)


def parsed(made: Converted, **variables: Any) -> Manifest:
    return manifest(made, variables=variables, kinds=kinds())


def faults(made: Converted) -> list[str]:
    with pytest.raises(ManifestError) as raised:
        parsed(made)
    return [str(fault) for fault in raised.value.faults]
