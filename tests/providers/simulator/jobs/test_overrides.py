"""What a submission overrides of its definition."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, container, fargate, refusal

_NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
_MORE = [{"type": "MEMORY", "value": "1024"}, {"type": "GPU", "value": "1"}]
_SPACE = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "jobs"}
_POD = {
    "containers": [
        {
            "name": "main",
            "image": "i",
            "command": ["run", "Ref::what"],
            "args": ["-v"],
            "env": [{"name": "A", "value": "1"}],
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
        }
    ],
    "metadata": {"labels": {"a": "1", "b": "2"}},
}
_TASKS = [
    {
        "containers": [
            {"name": "one", "image": "i", "essential": True, "resourceRequirements": _NEEDS, "command": ["Ref::what"]},
            {"name": "two", "image": "i", "essential": False, "resourceRequirements": _NEEDS},
        ]
    }
]
_NOTHING_NEEDED = {
    "targetNodes": "0:0",
    "consumableResourcePropertiesOverride": {"consumableResourceList": [{"consumableResource": "c", "quantity": 0}]},
}
_NODES = {
    "numNodes": 4,
    "mainNode": 0,
    "nodeRangeProperties": [
        {"targetNodes": "0:0", "container": container(command=["main"])},
        {"targetNodes": "1:", "container": container(command=["Ref::what"])},
    ],
}


@pytest.fixture
def ready(lab: Lab) -> Lab:
    lab.ground()
    lab.environment("k", eksConfiguration=_SPACE)
    lab.queue("eks", "k")
    register = lab.batch.register_job_definition
    what = {"parameters": {"what": "this"}}
    lab.definition("c", containerProperties=container(command=["echo", "Ref::what"]), **what)
    lab.definition("old", containerProperties={"image": "i", "vcpus": 1, "memory": 512})
    register(jobDefinitionName="pod", type="container", eksProperties={"podProperties": _POD}, **what)
    register(jobDefinitionName="tasks", type="container", ecsProperties={"taskProperties": _TASKS}, **what)
    register(jobDefinitionName="nodes", type="multinode", nodeProperties=_NODES, **what)
    return lab


def _shown(lab: Lab, **changes: Any) -> dict[str, Any]:
    return lab.see_job(lab.submit(**changes))


def _container(lab: Lab, definition: str = "c", **override: Any) -> dict[str, Any]:
    found: dict[str, Any] = _shown(lab, jobDefinition=definition, containerOverrides=override)["container"]
    return found


def test_commands_refer_to_parameters(ready: Lab) -> None:
    """`Ref::NAME` is the parameter of the submission, or else of the definition; an unknown one is refused."""
    assert _container(ready)["command"] == ["echo", "this"]
    shown = _shown(ready, jobDefinition="c", parameters={"what": "that", "more": "x"})
    assert (shown["container"]["command"], shown["parameters"]) == (["echo", "that"], {"what": "that", "more": "x"})
    assert _container(ready, command=["Ref::what=Ref::what"])["command"] == ["this=this"]
    message = refusal(
        ready.batch.submit_job,
        jobName="j",
        jobQueue="q",
        jobDefinition="c",
        containerOverrides={"command": ["Ref::none"]},
    )[2]
    assert message == "Unable to substitute value. No parameter found for reference none"
    assert _shown(ready, jobDefinition="tasks")["ecsProperties"]["taskProperties"][0]["containers"][0]["command"] == [
        "this"
    ]
    pod = _shown(ready, jobQueue="eks", jobDefinition="pod")["eksProperties"]["podProperties"]
    assert pod["containers"][0]["command"] == ["run", "this"]
    ranges = _shown(ready, jobDefinition="nodes")["nodeProperties"]["nodeRangeProperties"]
    assert [it["container"]["command"] for it in ranges] == [["main"], ["this"]]


def test_requirements_are_replaced_by_type(ready: Lab) -> None:
    """A requirement takes the place of the one of its type; variables that of the one of their name."""
    shown = _container(ready, resourceRequirements=_MORE)
    assert {it["type"]: it["value"] for it in shown["resourceRequirements"]} == {
        "VCPU": "1",
        "MEMORY": "1024",
        "GPU": "1",
    }
    lab = ready
    lab.definition("e", containerProperties=container(environment=[{"name": "A", "value": "1"}]))
    shown = _container(lab, "e", environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "3"}])
    assert {it["name"]: it["value"] for it in shown["environment"]} == {"A": "3", "B": "2"}


def test_older_keys_override_older_keys_only(ready: Lab) -> None:
    """`vcpus` and `memory` do nothing where the definition has requirements, and requirements work on both."""
    shown = _container(ready, vcpus=2, memory=1024)
    assert (shown["resourceRequirements"], "vcpus" in shown, "memory" in shown) == (_NEEDS, False, False)
    shown = _container(ready, "old", vcpus=2, memory=1024)
    assert (shown["vcpus"], shown["memory"]) == (2, 1024)
    shown = _container(ready, "old", resourceRequirements=[{"type": "VCPU", "value": "2"}])
    assert ("vcpus" in shown, shown["memory"]) == (False, 512)


@pytest.mark.parametrize(
    ("definition", "changes", "says"),
    [
        ("c", {"containerOverrides": {"command": ["a", ""]}}, "Command cannot be empty"),
        ("c", {"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}}, "AWS_BATCH"),
        ("c", {"containerOverrides": {"instanceType": "m5.large"}}, "instanceType"),
        ("c", {"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "0"}]}}, "VCPU"),
        ("c", {"nodeOverrides": {"numNodes": 2}}, "nodeOverrides"),
        ("c", {"ecsPropertiesOverride": {}}, "ecsPropertiesOverride"),
        ("c", {"eksPropertiesOverride": {}}, "eksPropertiesOverride"),
        ("tasks", {"containerOverrides": {}}, "containerOverrides"),
        ("tasks", {"ecsPropertiesOverride": {"taskProperties": [{"containers": [{"name": "three"}]}]}}, "three"),
        ("nodes", {"containerOverrides": {}}, "containerOverrides"),
        ("nodes", {"nodeOverrides": {"nodePropertyOverrides": [{"targetNodes": "0:1"}]}}, "Non matching targets - 0:1"),
        ("nodes", {"nodeOverrides": {"numNodes": 1}}, "lower boundary"),
        ("nodes", {"nodeOverrides": {"numNodes": 0}}, "open upper boundary"),
        ("nodes", {"nodeOverrides": {"nodePropertyOverrides": [_NOTHING_NEEDED]}}, "at least 1"),
        ("pod", {"containerOverrides": {}}, "should not be set for Batch on EKS jobs."),
        ("pod", {"nodeOverrides": {}}, "should not be set for Batch on EKS jobs."),
        ("pod", {"eksPropertiesOverride": {"podProperties": {"containers": [{"name": "other"}]}}}, "other"),
    ],
)
def test_an_override_is_refused(ready: Lab, definition: str, changes: dict[str, Any], says: str) -> None:
    """Overrides fit the definition, and what comes of them could have been registered."""
    queue = "eks" if definition == "pod" else "q"
    refused = refusal(ready.batch.submit_job, jobName="j", jobQueue=queue, jobDefinition=definition, **changes)
    assert refused[:2] == (400, "ClientException")
    assert says in refused[2]


def test_fargate_has_sizes_and_no_older_keys(lab: Lab) -> None:
    """On Fargate requirements must be offered together, and vCPUs are overridden as requirements."""
    lab.environment("f", computeResources=fargate())
    lab.queue("q", "f")
    small = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    given = container(resourceRequirements=small, executionRoleArn="arn:aws:iam::123456789012:role/r")
    lab.definition("d", containerProperties=given, platformCapabilities=["FARGATE"])
    for override, says in (
        ({"resourceRequirements": [{"type": "MEMORY", "value": "4096"}]}, "(0.25 vCPU, 4096 MiB) not valid."),
        ({"vcpus": 1}, "vcpus"),
        ({"memory": 512}, "memory"),
    ):
        request: dict[str, Any] = {"jobQueue": "q", "jobDefinition": "d", "containerOverrides": override}
        assert says in refusal(lab.batch.submit_job, jobName="j", **request)[2]
    more = [{"type": "MEMORY", "value": "1024"}]
    shown = lab.see_job(lab.submit(containerOverrides={"resourceRequirements": more}))
    assert {it["value"] for it in shown["container"]["resourceRequirements"]} == {"0.25", "1024"}
    assert shown["platformCapabilities"] == ["FARGATE"]


def test_containers_of_tasks_and_pods_are_overridden_by_name(ready: Lab) -> None:
    """Each container takes what is meant for it; a pod of one container needs no name."""
    told: list[dict[str, Any]] = [{"name": "two", "command": ["b"], "environment": [{"name": "X", "value": "1"}]}]
    override = {"taskProperties": [{"containers": told}]}
    shown = _shown(ready, jobDefinition="tasks", ecsPropertiesOverride=override)
    containers = shown["ecsProperties"]["taskProperties"][0]["containers"]
    assert [it["command"] for it in containers] == [["this"], ["b"]]
    assert shown["container"] == {}
    for name in ({}, {"name": "main"}):
        resources = {"limits": {"cpu": "2", "memory": "512Mi"}}
        told = [{**name, "args": ["Ref::what"], "env": [{"name": "A", "value": "2"}], "resources": resources}]
        pod = {"containers": told, "metadata": {"labels": {"b": "3"}}}
        shown = _shown(ready, jobQueue="eks", jobDefinition="pod", eksPropertiesOverride={"podProperties": pod})
        (main,) = shown["eksProperties"]["podProperties"]["containers"]
        assert (main["command"], main["args"], main["env"]) == (
            ["run", "this"],
            ["this"],
            [{"name": "A", "value": "2"}],
        )
        assert main["resources"] == resources
        assert shown["eksProperties"]["podProperties"]["metadata"]["labels"] == {"a": "1", "b": "3"}


def test_ranges_of_nodes_are_overridden(ready: Lab) -> None:
    """A range of the definition takes its overrides, and the number of nodes may change where one is open."""
    told: list[dict[str, Any]] = [
        {"targetNodes": "1:", "containerOverrides": {"command": ["x"]}, "instanceTypes": ["m6i.large"]}
    ]
    nodes = _shown(ready, jobDefinition="nodes", nodeOverrides={"numNodes": 3, "nodePropertyOverrides": told})
    shown = nodes["nodeProperties"]
    assert shown["numNodes"] == 3
    assert [it["container"]["command"] for it in shown["nodeRangeProperties"]] == [["main"], ["x"]]
    assert shown["nodeRangeProperties"][1]["instanceTypes"] == ["m6i.large"]
