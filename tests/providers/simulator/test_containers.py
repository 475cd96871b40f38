"""Containers of definitions that run on ECS, EC2 and Fargate."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, container

_LINUX = {"swappiness": 60, "maxSwap": 0}
_EFS = {"fileSystemId": "fs-1"}


def _needs(**amounts: str) -> dict[str, Any]:
    return {"resourceRequirements": [{"type": kind, "value": value} for kind, value in amounts.items()]}


def _fargate(vcpus: str = "1", memory: str = "2048", **changes: Any) -> dict[str, Any]:
    return {"image": "i", "executionRoleArn": "r", **_needs(VCPU=vcpus, MEMORY=memory), **changes}


def _member(name: str = "m", **changes: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", **changes}


def _volume(**efs: Any) -> dict[str, Any]:
    return {"name": "v", "efsVolumeConfiguration": {**_EFS, **efs}}


def _register(lab: Lab, given: dict[str, Any], *platforms: str) -> tuple[int, str]:
    """Register a container, or a task where there are `containers`; return status and body of the answer."""
    sort = {"ecsProperties": {"taskProperties": [given]}} if "containers" in given else {"containerProperties": given}
    request = {"jobDefinitionName": "d", "type": "container", "platformCapabilities": list(platforms), **sort}
    answer = lab.post("RegisterJobDefinition", request)
    return answer.status, answer.body.decode()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (container(image=None), "image"),
        (container(image=""), "image"),
        (container(image="i" * 256), "255 characters"),
        ({"image": "i", "memory": 4}, "vCPU is not provided."),
        ({"image": "i", "vcpus": 1}, "MEMORY must be provided"),
        ({"image": "i", "vcpus": 1, "memory": 3}, "Memory must be at least 4 Mib, got 3 Mib."),
        ({"image": "i", "vcpus": 0, "memory": 4}, "VCPU 0 is not valid"),
        *(
            (container(**_needs(VCPU=bad, MEMORY="512")), f"VCPU {bad} is not valid")
            for bad in ("two", "nan", "inf", "-1", "0", "0.5", "1e3", "", " 1", "9" * 5000)
        ),
        *(
            (container(**_needs(VCPU="1", MEMORY=bad)), f"got {bad} Mib")
            for bad in ("much", "nan", "inf", "-4", "3", "4.5", "1e3", "9" * 5000)
        ),
        *(
            (container(**_needs(VCPU="1", MEMORY="4", GPU=bad)), f"GPU {bad} is not valid")
            for bad in ("0", "1.5", "nan", "-1")
        ),
        (container(**_needs(VCPU="1", MEMORY="4", TPU="1")), "type must be one of"),
        (container(instanceType="c6i.large"), "instanceType is only applicable for multinode"),
        (container(networkConfiguration={"assignPublicIp": "ENABLED"}), "networkConfiguration not applicable for EC2."),
        (
            container(fargatePlatformConfiguration={"platformVersion": "LATEST"}),
            "fargatePlatformConfiguration not applicable for EC2.",
        ),
        (container(environment=[{"name": "AWS_BATCH_X", "value": "x"}]), "cannot start with AWS_BATCH"),
        (container(ephemeralStorage={"sizeInGiB": 20}), "between 21 and 200"),
        (container(ephemeralStorage={"sizeInGiB": 201}), "between 21 and 200"),
        (container(volumes=[{"name": "a b"}]), "Volume name"),
        (container(volumes=[{}]), "Volume name"),
        (container(volumes=[_volume(authorizationConfig={"iam": "ENABLED"})]), "transitEncryption must be ENABLED"),
        (
            container(volumes=[_volume(authorizationConfig={"accessPointId": "p"})]),
            "transitEncryption must be ENABLED",
        ),
        (
            container(
                volumes=[
                    _volume(authorizationConfig={"accessPointId": "p"}, transitEncryption="ENABLED", rootDirectory="/x")
                ]
            ),
            "rootDirectory",
        ),
        (container(volumes=[_volume(transitEncryptionPort=65536)]), "transitEncryptionPort"),
        (container(linuxParameters={"maxSwap": -1}), "maxSwap"),
        (container(linuxParameters={"swappiness": 101}), "swappiness"),
    ],
)
def test_a_bad_container_is_refused(lab: Lab, given: dict[str, Any], words: str) -> None:
    """Each broken rule of containers on EC2 is refused."""
    status, body = _register(lab, given)
    assert status == 400
    assert words in body


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (_fargate(executionRoleArn=None), "executionRoleArn must be provided"),
        (_fargate(vcpus="1.5"), "Fargate resource requirements (1.50 vCPU, 2048 MiB) not valid."),
        (_fargate(vcpus="0.1"), "VCPU 0.1 is not valid"),
        (_fargate(memory="512"), "Fargate resource requirements (1.00 vCPU, 512 MiB) not valid."),
        (_fargate(memory="2049"), "not valid"),
        (_fargate(vcpus="8", memory="17408"), "not valid"),
        (_fargate(vcpus="32", memory="65536"), "not valid"),
        (_fargate(resourceRequirements=[]), "vCPU is not provided"),
        (_fargate(**_needs(VCPU="1", MEMORY="2048", GPU="1")), "GPU is not applicable for Fargate."),
        (_fargate(privileged=True), "privileged is not applicable for Fargate."),
        (_fargate(ulimits=[{"name": "nofile", "hardLimit": 1, "softLimit": 1}]), "ulimits is not applicable"),
        (_fargate(linuxParameters={"sharedMemorySize": 1}), "linuxParameters.sharedMemorySize is not applicable"),
        (_fargate(linuxParameters={"devices": []}), "linuxParameters.devices is not applicable"),
        (_fargate(linuxParameters={"tmpfs": []}), "linuxParameters.tmpfs is not applicable"),
        (_fargate(linuxParameters={"maxSwap": 0}), "linuxParameters.maxSwap is not applicable"),
        (_fargate(linuxParameters={"swappiness": 0}), "linuxParameters.swappiness is not applicable"),
        (_fargate(volumes=[{"name": "v", "host": {}}]), "host is not applicable for Fargate."),
        (_fargate(logConfiguration={"logDriver": "syslog"}), "logDriver syslog is not applicable for Fargate."),
        (_fargate(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, user="u"), "user"),
        (
            _fargate(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE", "cpuArchitecture": "ARM64"}),
            "cpuArchitecture must be X86_64",
        ),
        (
            _fargate(
                runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
                volumes=[{"name": "v", "efsVolumeConfiguration": _EFS}],
            ),
            "efsVolumeConfiguration is not applicable for Windows",
        ),
    ],
)
def test_a_bad_container_on_fargate_is_refused(lab: Lab, given: dict[str, Any], words: str) -> None:
    """On Fargate there is an execution role, a size that is offered, and nothing of a machine."""
    status, body = _register(lab, {key: value for key, value in given.items() if value is not None}, "FARGATE")
    assert status == 400
    assert words in body


@pytest.mark.parametrize("key", ["vcpus", "memory"])
def test_the_old_keys_are_not_for_fargate(lab: Lab, key: str) -> None:
    """What a container needs is told as resource requirements, not beside them."""
    status, body = _register(lab, {**_fargate(), key: 4}, "FARGATE")
    assert status == 400
    assert f"{key} is not applicable for Fargate." in body


@pytest.mark.parametrize(
    ("vcpus", "memory"),
    [
        ("0.25", "512"),
        ("0.25", "2048"),
        ("0.50", "4096"),
        ("1", "8192"),
        ("2", "16384"),
        ("4", "30720"),
        ("8", "61440"),
        ("16", "122880"),
        ("32", "249856"),
    ],
)
def test_sizes_that_fargate_offers(lab: Lab, vcpus: str, memory: str) -> None:
    """The numbers of vCPUs with their memory are taken, and shown as they were sent."""
    given = _fargate(vcpus, memory, networkConfiguration={"assignPublicIp": "ENABLED"}, linuxParameters={})
    assert _register(lab, given, "FARGATE")[0] == 200
    needs = lab.see_definition("d:1")["containerProperties"]["resourceRequirements"]
    assert [need["value"] for need in needs] == [vcpus, memory]


def test_what_a_container_may_say(lab: Lab) -> None:
    """Values at the bounds are taken."""
    guarded = _volume(
        authorizationConfig={"accessPointId": "p", "iam": "ENABLED"},
        transitEncryption="ENABLED",
        transitEncryptionPort=65535,
    )
    given = container(
        image="i" * 255,
        **_needs(VCPU="1.5", MEMORY="4", GPU="1"),
        linuxParameters=_LINUX,
        volumes=[guarded],
        ephemeralStorage={"sizeInGiB": 21},
        environment=[{"name": "MY_AWS_BATCH", "value": "x"}],
    )
    assert _register(lab, given)[0] == 200


@pytest.mark.parametrize(
    ("task", "platforms", "words"),
    [
        ({"containers": []}, (), "between 1 and 10 containers"),
        ({"containers": [_member(str(number)) for number in range(11)]}, (), "between 1 and 10 containers"),
        ({"containers": [_member(), _member()]}, (), "names must be unique"),
        ({"containers": [_member(essential=False)]}, (), "At least one container must be essential"),
        ({"containers": [_member(image="")]}, (), "image"),
        ({"containers": [_member(environment=[{"name": "AWS_BATCH"}])]}, (), "AWS_BATCH"),
        ({"containers": [_member(**_needs(VCPU="nan", MEMORY="4"))]}, (), "VCPU nan"),
        ({"containers": [_member(**_needs(VCPU="1", MEMORY="nan"))]}, (), "got nan Mib"),
        ({"containers": [_member(**_needs(VCPU="1"))]}, (), "MEMORY must be provided"),
        ({"containers": [_member(**_needs(MEMORY="4"))]}, (), "vCPU is not provided"),
        ({"containers": [_member(startTimeout=1)]}, (), "startTimeout must be at least 2"),
        ({"containers": [_member(stopTimeout=1)]}, (), "stopTimeout must be at least 2"),
        ({"containers": [_member(stopTimeout=121)], "executionRoleArn": "r"}, ("FARGATE",), "at most 120 for Fargate"),
        ({"containers": [_member()]}, ("FARGATE",), "executionRoleArn"),
        ({"containers": [_member(**_needs(VCPU="1", MEMORY="512"))], "executionRoleArn": "r"}, ("FARGATE",), "512 MiB"),
        (
            {"containers": [_member(**_needs(GPU="1", VCPU="1", MEMORY="2048"))], "executionRoleArn": "r"},
            ("FARGATE",),
            "GPU is not applicable",
        ),
        ({"containers": [_member()], "ipcMode": "all"}, (), "ipcMode must be one of"),
        ({"containers": [_member()], "ipcMode": "task", "executionRoleArn": "r"}, ("FARGATE",), "ipcMode"),
        ({"containers": [_member()], "pidMode": "none"}, (), "pidMode must be one of"),
        ({"containers": [_member()], "networkConfiguration": {}}, (), "networkConfiguration not applicable for EC2."),
        ({"containers": [_member()], "networkConfiguration": {}}, ("MANAGED_INSTANCES",), "networkConfiguration"),
        ({"containers": [_member()], "networkMode": "host"}, (), "networkMode must be host"),
        ({"containers": [_member()], "networkMode": "bridge"}, ("MANAGED_INSTANCES",), "networkMode must be host"),
        ({"containers": [_member()], "ephemeralStorage": {"sizeInGiB": 20}}, (), "between 21 and 200"),
        ({"containers": [_member()], "volumes": [{"name": ""}]}, (), "Volume name"),
    ],
)
def test_a_bad_task_is_refused(lab: Lab, task: dict[str, Any], platforms: tuple[str, ...], words: str) -> None:
    """Each broken rule of a task is refused."""
    status, body = _register(lab, task, *platforms)
    assert status == 400
    assert words in body


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        ({"containerName": "s", "condition": "HEALTHY"}, "condition must be one of"),
        ({"containerName": "s"}, "condition must be one of"),
        ({"containerName": "x", "condition": "START"}, "x is not another container"),
        ({"containerName": "m", "condition": "START"}, "m is not another container"),
        ({"containerName": "e", "condition": "COMPLETE"}, "essential container e"),
        ({"containerName": "e", "condition": "SUCCESS"}, "essential container e"),
    ],
)
def test_containers_wait_for_each_other(lab: Lab, wait: dict[str, str], words: str) -> None:
    """What a container waits for is another container of its task, and what it waits for can come."""
    others = [_member("s", essential=False), _member("e")]
    status, body = _register(lab, {"containers": [_member(dependsOn=[wait]), *others]})
    assert status == 400
    assert words in body
    good = [
        {"containerName": "s", "condition": "SUCCESS"},
        {"containerName": "s", "condition": "COMPLETE"},
        {"containerName": "e", "condition": "START"},
    ]
    assert _register(lab, {"containers": [_member(dependsOn=good), *others]})[0] == 200


def test_containers_of_a_fargate_task_add_up(lab: Lab) -> None:
    """Two halves of an offered size are taken."""
    half = _needs(VCPU="0.5", MEMORY="1024")
    task: dict[str, Any] = {"containers": [_member("a", **half), _member("b", **half)], "executionRoleArn": "r"}
    assert _register(lab, task, "FARGATE")[0] == 200
    assert _register(lab, {"containers": [_member()], "executionRoleArn": "r"}, "FARGATE")[0] == 200
    task["containers"].append(_member("c", **half))
    assert "(1.50 vCPU, 3072 MiB) not valid" in _register(lab, task, "FARGATE")[1]


def test_a_task_on_managed_instances(lab: Lab) -> None:
    """The network mode is the host's."""
    assert _register(lab, {"containers": [_member()], "networkMode": "host"}, "MANAGED_INSTANCES")[0] == 200


def test_nodes_name_an_instance_type(lab: Lab) -> None:
    """In a container of a node the instance type is allowed."""
    node = {"targetNodes": "0:", "container": container(instanceType="c6i.large")}
    nodes = {"numNodes": 1, "mainNode": 0, "nodeRangeProperties": [node]}
    lab.batch.register_job_definition(jobDefinitionName="d", type="multinode", nodeProperties=nodes)
    assert lab.see_definition("d:1")["revision"] == 1
