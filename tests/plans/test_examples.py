"""The examples hold."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from plans.document import from_document, to_document
from plans.manifest import Manifest, Source, parse
from plans.manifest_schema import manifest_schema
from tests.plans.manifests import KINDS

FOLDER = Path(__file__).parents[2] / "examples"
FARGATE_MEMORY = {"1": range(2048, 8193, 1024), "2": range(4096, 16385, 1024)}
"""MiB by vCPU, of the sizes in use here: "resourceRequirements" of the AWS Batch API reference."""


def example(name: str) -> Manifest:
    path = FOLDER / name / "batchwright.yaml"
    return parse([Source(str(path), path.read_bytes())], variables={}, kinds=KINDS)


@pytest.fixture(params=["fargate", "genomics", "training"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_parse(name: str) -> None:
    """An example parses as it is, and stays the same through a plan file."""
    manifest = example(name)
    assert from_document(to_document(manifest)) == manifest


def test_schema(name: str) -> None:
    """An example is valid to an editor that knows the schema."""
    document = yaml.safe_load((FOLDER / name / "batchwright.yaml").read_bytes())
    Draft202012Validator(manifest_schema(KINDS)).validate(document)


def of(manifest: Manifest, kind: str) -> dict[str, Any]:
    return {address.name: made.spec for address, made in manifest.resources.items() if address.kind == kind}


def test_service_linked_roles(name: str) -> None:
    """Environments use the service-linked role and a strategy that allow changes in place."""
    for spec in of(example(name), "compute_environment").values():
        assert "serviceRole" not in spec
        if not spec["computeResources"]["type"].startswith("FARGATE"):
            strategy = {"EC2": "BEST_FIT_PROGRESSIVE", "SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED"}
            resources = spec["computeResources"]
            assert resources["allocationStrategy"] == strategy[resources["type"]]
            assert {"minvCpus", "instanceTypes", "subnets", "instanceRole"} <= set(resources)


def test_genomics() -> None:
    """Genomics shares two environments between two queues in opposite order, for eight definitions."""
    manifest = example("genomics")
    assert manifest.target.region == "eu-west-1"
    orders = {
        name: [entry["computeEnvironment"].address.name for entry in spec["computeEnvironmentOrder"]]
        for name, spec in of(manifest, "job_queue").items()
    }
    assert orders == {"high": ["ondemand", "spot"], "low": ["spot", "ondemand"]}
    definitions = of(manifest, "job_definition")
    assert len(definitions) == 8
    for spec in definitions.values():
        assert "schedulingPriority" in spec
        assert len(spec["retryStrategy"].get("evaluateOnExit", ())) <= 5
        properties = spec["containerProperties"]
        volumes = {volume["name"] for volume in properties.get("volumes", ())}
        assert {mount["sourceVolume"] for mount in properties.get("mountPoints", ())} <= volumes
        assert "executionRoleArn" in properties or "secrets" not in properties


def test_training() -> None:
    """Jobs of many nodes have a queue without Spot, as AWS demands."""
    manifest = example("training")
    assert of(manifest, "job_definition")["distributed"]["nodeProperties"]["numNodes"] == 4
    queue = of(manifest, "job_queue")["multi-node"]
    names = [entry["computeEnvironment"].address.name for entry in queue["computeEnvironmentOrder"]]
    assert [of(manifest, "compute_environment")[name]["computeResources"]["type"] for name in names] == ["EC2"]
    assert "placementGroup" in of(manifest, "compute_environment")["cluster"]["computeResources"]


def sizes(containers: list[dict[str, Any]]) -> list[tuple[str, int]]:
    needs = [{need["type"]: need["value"] for need in one["resourceRequirements"]} for one in containers]
    return [(need["VCPU"], int(need["MEMORY"])) for need in needs]


def test_fargate() -> None:
    """On Fargate: four keys of resources, pairs of vCPU and memory that exist, an execution role, nothing of EC2."""
    manifest = example("fargate")
    for spec in of(manifest, "compute_environment").values():
        assert set(spec["computeResources"]) == {"type", "maxvCpus", "subnets", "securityGroupIds"}
    definitions = of(manifest, "job_definition")
    for spec in definitions.values():
        assert spec["platformCapabilities"] == ["FARGATE"]
    export = definitions["export"]["containerProperties"]
    (task,) = definitions["publish"]["ecsProperties"]["taskProperties"]
    pairs = [*sizes([export]), *sizes(task["containers"])]
    whole = (str(sum(int(cpu) for cpu, _ in pairs[1:])), sum(memory for _, memory in pairs[1:]))
    assert all(memory in FARGATE_MEMORY[cpu] for cpu, memory in [*pairs, whole])
    for place in (export, task):
        assert "executionRoleArn" in place
        assert 21 <= place["ephemeralStorage"]["sizeInGiB"] <= 200
    assert not {"privileged", "ulimits", "instanceType", "vcpus", "memory"} & set(export)
