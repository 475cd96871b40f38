"""Whether a job would fit into an environment: what it lacks, and what is not known."""

from typing import Any

import pytest

from plans.diagnosis.fitting import common, lacks, room, sort
from plans.diagnosis.needs import need, supplies


def environment(*types: str, name: str = "e", **more: Any) -> dict[str, Any]:
    resources = {"type": "EC2", "maxvCpus": 64, "instanceTypes": [*types], **more}
    return {"computeEnvironmentName": name, "computeResources": resources, "state": "ENABLED", "status": "VALID"}


def job(vcpus: str = "1", memory: str = "512", gpus: str = "", **more: Any) -> dict[str, Any]:
    needs = {"VCPU": vcpus, "MEMORY": memory, **({"GPU": gpus} if gpus else {})}
    told = [{"type": kind, "value": value} for kind, value in needs.items()]
    return {"jobId": "1", "status": "RUNNABLE", "container": {"resourceRequirements": told}, **more}


FARGATE = {"computeEnvironmentName": "f", "computeResources": {"type": "FARGATE", "maxvCpus": 16}}
PODS = {
    "eksProperties": {
        "podProperties": {
            "containers": [
                {"resources": {"requests": {"cpu": "250m", "memory": "1Gi"}}},
                {"resources": {"limits": {"cpu": "2", "memory": "512Mi", "nvidia.com/gpu": "1"}}},
            ]
        }
    }
}


@pytest.mark.parametrize(
    ("environment", "job", "codes"),
    [
        (environment("c6i.large"), job("2", "4000"), []),
        (environment("c6i.large"), job("2", "4096"), ["memory", "no-instance-type"]),
        (environment("c6i.large"), job("3"), ["host-vcpus", "no-instance-type"]),
        (environment("c6i.large", "r6i.large"), job("2", "12000"), []),
        (environment("c6i.4xlarge", "r6i.large"), job("8", "31000"), []),
        (environment("c6i.2xlarge", "r6i.large"), job("4", "15500"), []),
        (environment("c6i.2xlarge", "x2gd.large"), job("8", "20000"), ["no-instance-type"]),
        (environment("c6i.large", "z9.large"), job("60", "99999"), []),
        (environment("c6i"), job("65"), ["max-vcpus"]),
        (environment("c6i", maxvCpus=256), job("129"), ["host-vcpus", "no-instance-type"]),
        (environment("m6i"), job("1", "512", "1"), ["gpu", "no-instance-type"]),
        (environment("g5.xlarge"), job("1", "512", "1"), []),
        (environment("g5.xlarge"), job("1", "512", "2"), ["gpu", "no-instance-type"]),
        (environment("optimal"), job("1", "512", "1"), ["gpu", "no-instance-type"]),
        (environment(), job("64", "9999999"), []),
        (FARGATE, job("1", "2048", platformCapabilities=["FARGATE"]), []),
        (FARGATE, job("1", "512", platformCapabilities=["FARGATE"]), ["fargate-pair"]),
        (FARGATE, job("1", "2048", "1", platformCapabilities=["FARGATE"]), ["gpu"]),
        (FARGATE, job("1", "2048"), ["platform"]),
        (environment("c6i"), job(platformCapabilities=["FARGATE"]), ["platform"]),
        (environment("c6i"), PODS | {"jobId": "1"}, ["platform", "gpu", "no-instance-type"]),
        ({**environment("g5.2xlarge"), "eksConfiguration": {"x": "y"}}, PODS | {"jobId": "1"}, []),
        ({"computeEnvironmentName": "u"}, job("999"), []),
        ({"computeEnvironmentName": "u", "unmanagedvCpus": 4}, job("5"), ["max-vcpus"]),
    ],
)
def test_what_is_lacking(environment: Any, job: Any, codes: list[str]) -> None:
    """Each thing that an environment has not, by its code; sizes that are not known lack nothing."""
    assert list(lacks(environment, job)) == codes


@pytest.mark.parametrize(
    ("types", "wanted", "lacking"),
    [
        (["c6i"], "ARM64", True),
        (["c7g"], "ARM64", False),
        (["c7g.large", "m6i"], "ARM64", False),
        (["c7g"], "X86_64", True),
        (["optimal"], None, False),
        ([], "ARM64", False),
    ],
)
def test_architectures(types: list[str], wanted: str | None, lacking: bool) -> None:
    """Of what is built for an architecture, machines of another."""
    told = job()
    told["container"]["runtimePlatform"] = {} if wanted is None else {"cpuArchitecture": wanted}
    assert ("architecture" in lacks(environment(*types), told)) == lacking


def test_nodes_and_tasks() -> None:
    """Nodes need together what each does, times their number; containers of a task stand on one host."""
    nodes = {
        "numNodes": 5,
        "nodeRangeProperties": [
            {
                "targetNodes": "0",
                **job("4", "1000"),
                "consumableResourceProperties": {
                    "consumableResourceList": [
                        {"consumableResource": "arn:aws:batch:r:1:consumable-resource/x", "quantity": 2}
                    ]
                },
            },
            {
                "targetNodes": "1:",
                **job("2", "3000"),
                "consumableResourceProperties": {"consumableResourceList": [{"consumableResource": "x"}]},
            },
        ],
    }
    told = {"jobId": "1", "nodeProperties": nodes}
    wanted = need(told)
    assert (wanted.total, wanted.vcpus, wanted.memory, wanted.nodes) == (12, 4, 3000, 5)
    assert supplies(told) == {"x": 2 + 4}
    assert "multi-node" in lacks(environment("c6i", type="SPOT"), told)
    assert lacks(environment("c6i"), told) == {}
    task = {"taskProperties": [{"containers": [job("1", "100")["container"], job("2", "200")["container"]]}]}
    wanted = need({"jobId": "1", "ecsProperties": task})
    assert (wanted.total, wanted.vcpus, wanted.memory) == (3, 3, 300)
    pods = need(PODS)
    assert (pods.vcpus, pods.memory, pods.gpus) == (2.25, 1536, 1)


def test_what_several_environments_share() -> None:
    """The first thing that all of them lack is the reason; where they differ, each its own; one that fits is enough."""
    small, gpuless = environment("c6i.large", name="small"), environment("c6i.4xlarge", name="gpuless")
    row, evidence = common((small, gpuless), job("4", "512", "1"))
    assert row is not None
    assert row.code == "gpu"
    assert [text.partition(":")[0] for text in evidence] == ["environment small", "environment gpuless"]
    row, evidence = common((small, environment("c6i", name="low", maxvCpus=2)), job("4"))
    assert row is None
    assert evidence[1] == "environment low: maxvCpus is 2"
    assert common((small, gpuless), job("4")) == (None, ())
    assert common((), job("4")) == (None, ())


def test_what_is_said_in_strange_words_counts_as_nothing() -> None:
    """Quantities that are none, members that are null, documents that are empty."""
    for strange in ({}, {"container": None}, {"container": {"resourceRequirements": [{"type": "VCPU", "value": "x"}]}}):
        assert need({"jobId": "1", **strange}).vcpus == 0
    assert sort({}) == "EC2"
    assert sort({"computeResources": {"type": "ECS_MANAGED_INSTANCES"}}) == "MANAGED_INSTANCES"
    assert room({}) == float("inf")
