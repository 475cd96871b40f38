"""What a registration refuses of the definition as a whole, and of its nodes."""

from typing import Any

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, container, refusal

_TASK = {"containers": [{"name": "m", "image": "i"}]}
_ECS = {"taskProperties": [_TASK]}
_POD = {"podProperties": {"containers": [{"image": "i"}]}}
_ON_FARGATE = {"platformCapabilities": ["FARGATE"]}


def _nodes(*targets: str, number: int = 2, main: int = 0, **node: Any) -> dict[str, Any]:
    given = {"container": container(), **node}
    ranges = [{"targetNodes": target, **given} for target in targets]
    return {"type": "multinode", "nodeProperties": _of(number, main, ranges), "containerProperties": None}


def _of(number: int, main: int, ranges: list[dict[str, Any]]) -> dict[str, Any]:
    return {"numNodes": number, "mainNode": main, "nodeRangeProperties": ranges}


def _needing(quantity: int) -> dict[str, Any]:
    return {"consumableResourceList": [{"consumableResource": "c", "quantity": quantity}]}


def _alone(**changes: Any) -> dict[str, Any]:
    return {"containerProperties": None, **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"jobDefinitionName": "d:1"}, "jobDefinitionName"),
        ({"type": "array"}, "type must be one of"),
        ({"containerProperties": container(command=["x" * 25_000])}, "size"),
        ({"containerProperties": None}, "Exactly one"),
        ({"ecsProperties": _ECS}, "Exactly one"),
        ({"nodeProperties": _of(1, 0, [{"targetNodes": "0:", "container": container()}])}, "Exactly one"),
        ({"type": "multinode"}, "nodeProperties must be provided, alone"),
        ({"type": "multinode", "containerProperties": None, "ecsProperties": _ECS}, "nodeProperties must be provided"),
        (_alone(eksProperties=_POD, propagateTags=True), "propagateTags is not supported for EKS"),
        (_alone(eksProperties=_POD, platformCapabilities=["EC2"]), "platformCapabilities is not supported for EKS"),
        ({"retryStrategy": {}}, "RetryAttempts must be provided with retry strategy"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT"}]}}, "RetryAttempts must be provided"),
        ({"retryStrategy": {"attempts": 0}}, "attempts must be between 1 and 10"),
        ({"retryStrategy": {"attempts": 11}}, "attempts must be between 1 and 10"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"action": "EXIT"}] * 6}}, "evaluateOnExit"),
        ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"action": "STOP"}]}}, "action must be one of"),
        *(
            ({"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"action": "EXIT", **bad}]}}, next(iter(bad)))
            for bad in (
                {"onExitCode": "x"},
                {"onExitCode": "1*1"},
                {"onReason": "a-b"},
                {"onReason": "x" * 512 + "*"},
                {"onStatusReason": "*x"},
            )
        ),
        ({"timeout": {"attemptDurationSeconds": 59}}, "attemptDurationSeconds must be at least 60"),
        ({"schedulingPriority": 10000}, "schedulingPriority"),
        ({"schedulingPriority": -1}, "schedulingPriority"),
        ({"platformCapabilities": ["MOON"]}, "platformCapabilities"),
        ({"platformCapabilities": ["MANAGED_INSTANCES"]}, "ecsProperties must be provided"),
        (_alone(ecsProperties={"taskProperties": []}), "taskProperties must have exactly 1"),
        (_alone(ecsProperties={"taskProperties": [_TASK, _TASK]}), "taskProperties must have exactly 1"),
        ({"tags": {"AWS:x": ""}}, "aws:"),
        (_nodes("0:1") | _ON_FARGATE, "nodeProperties is not applicable for Fargate"),
        (_nodes("0:1") | {"platformCapabilities": ["MANAGED_INSTANCES"]}, "ecsProperties must be provided"),
        (_nodes("0:1", main=2), "mainNode"),
        (_nodes("0:1", main=-1), "mainNode"),
        (_nodes("0:", number=0), "mainNode"),
        (_nodes("0:0"), "account for all nodes (0:1)"),
        (_nodes("1:"), "account for all nodes (0:1)"),
        (_nodes("0:0", "2:", number=3), "account for all nodes (0:2)"),
        (_nodes("0:2"), "targetNodes 0:2 is not a range of 2 nodes"),
        (_nodes("1:0"), "targetNodes 1:0 is not a range of 2 nodes"),
        (_nodes("0:", number=1001), "numNodes must be at most 1000"),
        (_nodes("0:", number=100_000_000), "numNodes must be at most 1000"),
        *(({"consumableResourceProperties": _needing(bad)}, "at least 1") for bad in (0, -3)),
        (_nodes("0:1", consumableResourceProperties=_needing(0)), "at least 1"),
        (_nodes("0"), "account for all nodes"),
        (_nodes("-1"), "FIRST:LAST"),
        (_nodes("a:b"), "FIRST:LAST"),
        (_nodes("0:", number=2_000_000_000, main=0) | {"type": "container"}, "Exactly one"),
        (_nodes("0:1", ecsProperties=_ECS), "Exactly one of container, ecsProperties, eksProperties"),
        (_nodes("0:1", container=None), "Exactly one of container, ecsProperties, eksProperties"),
        (_nodes("0:1", instanceTypes=["c6i.large", "m6i.large"]), "up to 1 element"),
        (_nodes("0:1", container=container(image="")), "image"),
        (_nodes("0:1", container=None, ecsProperties={"taskProperties": []}), "taskProperties"),
        (_nodes("0:1", container=None, eksProperties={"podProperties": {}}), "podProperties"),
        (
            {
                "type": "multinode",
                "containerProperties": None,
                "nodeProperties": _of(
                    2,
                    0,
                    [{"targetNodes": "0:0", "container": container()}, {"targetNodes": "1:1", "eksProperties": _POD}],
                ),
            },
            "same orchestration",
        ),
        (_nodes("0:1", container=None, eksProperties=_POD) | {"propagateTags": True}, "not supported for EKS"),
    ],
)
def test_a_bad_registration_is_refused_and_takes_no_number(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """Each broken rule is a ClientException, HTTP 400; no revision is made, none is skipped."""
    request = {"jobDefinitionName": "d", "type": "container", "containerProperties": container(), **changes}
    answer = lab.post("RegisterJobDefinition", request)
    assert answer.status == 400
    assert words in answer.body.decode()
    assert lab.batch.describe_job_definitions()["jobDefinitions"] == []
    assert lab.definition("d")["revision"] == 1


@pytest.mark.parametrize(
    "targets", [("0:",), (":",), (":4",), ("0:1", "2:4"), ("2:", ":1"), ("0:4", "1:2"), ("0:2", "1:")]
)
def test_ranges_may_be_open_and_nested(lab: Lab, targets: tuple[str, ...]) -> None:
    """Either end of a range may be left out, ranges come in any order, and one may lie within another."""
    given = _nodes(*targets, number=5, main=4, instanceTypes=["c6i.large"])
    request = {"jobDefinitionName": "d", **{key: value for key, value in given.items() if value is not None}}
    lab.batch.register_job_definition(**request)
    seen = lab.see_definition("d:1")["nodeProperties"]["nodeRangeProperties"]
    assert [node["targetNodes"] for node in seen] == list(targets)


def test_many_nodes_are_no_trouble() -> None:
    """Ranges are judged without counting their nodes."""
    lab = Lab.new(settings=Settings(quotas=Quotas(nodes=2**31)))
    request = {"jobDefinitionName": "d", **_nodes("0:", number=2**31 - 1)}
    assert lab.post("RegisterJobDefinition", request).status == 200


def test_a_thousand_nodes_are_enough(lab: Lab) -> None:
    """As many nodes as the quota has can be registered."""
    request = {"jobDefinitionName": "d", **_nodes("0:", number=1000)}
    assert lab.post("RegisterJobDefinition", request).status == 200


def test_one_of_a_consumable_resource_is_enough(lab: Lab) -> None:
    """A quantity may be 1, or unsaid."""
    given = {"consumableResourceList": [{"consumableResource": "c"}, *_needing(1)["consumableResourceList"]]}
    assert lab.definition("d", consumableResourceProperties=given)["consumableResourceProperties"] == given


def test_multinode_may_be_said_in_any_case(lab: Lab) -> None:
    """The type is taken in any case and shown in lower case."""
    request = {"jobDefinitionName": "d", **_nodes("0:"), "type": "MultiNode"}
    assert lab.post("RegisterJobDefinition", request).status == 200
    assert lab.see_definition("d:1")["type"] == "multinode"


@pytest.mark.parametrize(
    "condition",
    [
        {"onExitCode": "1*"},
        {"onExitCode": "*"},
        {"onReason": "CannotPullContainerError:*"},
        {"onStatusReason": "Host EC2*"},
        {"onReason": "x" * 511 + "*"},
    ],
)
def test_conditions_that_batch_takes(lab: Lab, condition: dict[str, str]) -> None:
    """A pattern may end with an asterisk, and be nothing else."""
    retry = {"attempts": 1, "evaluateOnExit": [{"action": "RETRY", **condition}]}
    assert lab.definition("d", retryStrategy=retry)["retryStrategy"]["evaluateOnExit"] == [
        {"action": "retry", **condition}
    ]


def test_24_kib_are_enough_and_not_more(lab: Lab) -> None:
    """A definition may be as large as the quota."""
    lab.definition("d", containerProperties=container(command=["x" * 24_000]))
    request = {
        "jobDefinitionName": "d",
        "type": "container",
        "containerProperties": container(command=["x" * 24_576]),
    }
    assert "24576 bytes" in refusal(lab.batch.register_job_definition, **request)[2]
