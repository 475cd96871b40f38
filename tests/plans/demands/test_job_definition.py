"""What AWS asks of job definitions, told by a plan without a world."""

import pytest

from tests.plans.demands.table import GONE, Row, check, untested
from tests.properties.bases import NEEDS, POD, ROLE

ALONE, TASK = "containerProperties", "ecsProperties.taskProperties.0"
POD_AT, NODES = "eksProperties.podProperties", "nodeProperties"
AT_TASK, FIRST = "ecsProperties.taskProperties[0]", "ecsProperties.taskProperties[0].containers[main]"
CONTAINER = {"image": "busybox", "resourceRequirements": NEEDS}
RESOURCES = f"{POD_AT}.containers.0.resources"
AT_RESOURCES = f"{POD_AT}.containers[main].resources"
MANAGED = (("platformCapabilities", ["MANAGED_INSTANCES"]),)
USED = "consumableResourceProperties.consumableResourceList"
EFS = f"{ALONE}.volumes.0.efsVolumeConfiguration"
AT_EFS = f"{ALONE}.volumes[files].efsVolumeConfiguration"
WINDOWS = ((f"{ALONE}.runtimePlatform", {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),)


def needs(**of: str) -> list[dict[str, str]]:
    return [{"type": name, "value": value} for name, value in of.items()]


def task(**given: object) -> dict[str, object]:
    return {"name": "main", "image": "busybox", **given}


TOP = [
    Row("sort-of-definition", "container", "eksProperties", {"podProperties": POD}, at="type"),
    Row("sort-of-definition", "old-container", ALONE, GONE, CONTAINER, at="type"),
    Row("sort-of-definition", "nodes", ALONE, CONTAINER, at="type"),
    Row("platform-on-eks", "pod", "platformCapabilities", ["EC2"], []),
    Row("propagation-on-eks", "pod-nodes", "propagateTags", True, False),
    Row("managed-instances-without-tasks", "old-container", "platformCapabilities", ["MANAGED_INSTANCES"], ["EC2"]),
    Row("scheduling-priority", "container", "schedulingPriority", 10000, 9999),
    Row("attempts-unsaid", "container", "retryStrategy.attempts", GONE, 1),
    Row("attempts", "container", "retryStrategy.attempts", 11, 10),
    Row("attempts", "container", "retryStrategy.attempts", 0, 1),
    Row("conditions", "container", "retryStrategy.evaluateOnExit", [{"action": "EXIT"}] * 6, [{"action": "EXIT"}] * 5),
    Row(
        "condition",
        "container",
        "retryStrategy.evaluateOnExit.0.onExitCode",
        "1a",
        "1*",
        at="retryStrategy.evaluateOnExit[0].onExitCode",
    ),
    Row(
        "condition",
        "container",
        "retryStrategy.evaluateOnExit.0.onReason",
        "*a",
        "Host EC2.*",
        at="retryStrategy.evaluateOnExit[0].onReason",
    ),
    Row(
        "condition",
        "container",
        "retryStrategy.evaluateOnExit.0.onStatusReason",
        "a" * 513,
        "a" * 512,
        at="retryStrategy.evaluateOnExit[0].onStatusReason",
    ),
    Row("timeout", "container", "timeout.attemptDurationSeconds", 59, 60),
    Row("consumable-quantity", "container", f"{USED}.0.quantity", 0, 1, at=f"{USED}[licences].quantity"),
    Row("consumable-quantity", "container", f"{USED}.0.quantity", -1, 2, at=f"{USED}[licences].quantity"),
    Row(
        "consumable-twice",
        "container",
        USED,
        [{"consumableResource": "a", "quantity": 1}, {"consumableResource": "a", "quantity": 2}],
        [{"consumableResource": "a", "quantity": 1}, {"consumableResource": "b", "quantity": 2}],
    ),
    Row(
        "required",
        "nodes",
        f"{NODES}.nodeRangeProperties.0.targetNodes",
        GONE,
        "0:1",
        at=f"{NODES}.nodeRangeProperties[0].targetNodes",
    ),
    Row(
        "required",
        "container",
        f"{ALONE}.ulimits",
        [{"name": "nofile", "hardLimit": 1}],
        [{"name": "nofile", "hardLimit": 1, "softLimit": 1}],
        at=f"{ALONE}.ulimits[nofile].softLimit",
    ),
]
CONTAINERS = [
    Row("vcpus", "old-container", f"{ALONE}.vcpus", GONE, 1, at=f"{ALONE}.resourceRequirements"),
    Row("vcpus", "container", f"{ALONE}.resourceRequirements", needs(VCPU="0.5", MEMORY="4"), NEEDS),
    Row(
        "vcpus",
        "task",
        f"{TASK}.containers",
        [task(resourceRequirements=needs(MEMORY="4"))],
        [task()],
        MANAGED,
        at=f"{FIRST}.resourceRequirements",
    ),
    Row(
        "memory", "container", f"{ALONE}.resourceRequirements", needs(VCPU="1", MEMORY="3"), needs(VCPU="1", MEMORY="4")
    ),
    Row(
        "memory",
        "task",
        f"{TASK}.containers",
        [task(resourceRequirements=needs(VCPU="1"))],
        [task()],
        MANAGED,
        at=f"{FIRST}.resourceRequirements",
    ),
    *(
        Row(
            "fargate-size",
            "fargate-container",
            f"{ALONE}.resourceRequirements",
            needs(VCPU=vcpus, MEMORY=bad),
            needs(VCPU=vcpus, MEMORY=good),
        )
        for vcpus, bad, good in [
            ("0.25", "4096", "2048"),
            ("0.5", "512", "1024"),
            ("1", "9216", "8192"),
            ("2", "3072", "16384"),
            ("4", "31744", "30720"),
            ("8", "17408", "20480"),
            ("16", "36864", "40960"),
            ("32", "131072", "249856"),
        ]
    ),
    Row(
        "fargate-size",
        "task",
        f"{TASK}.containers.1.resourceRequirements",
        needs(VCPU="1", MEMORY="512"),
        NEEDS,
        at=f"{AT_TASK}.containers",
    ),
    Row("instance-type-of-container", "container", f"{ALONE}.instanceType", "c6i.large"),
    Row("not-on-ec2", "container", f"{ALONE}.networkConfiguration", {"assignPublicIp": "ENABLED"}),
    Row("not-on-ec2", "container", f"{ALONE}.fargatePlatformConfiguration", {"platformVersion": "LATEST"}),
    Row(
        "not-on-ec2",
        "task",
        f"{TASK}.networkConfiguration",
        {"assignPublicIp": "ENABLED"},
        GONE,
        MANAGED,
        at=f"{AT_TASK}.networkConfiguration",
    ),
    Row("containers", "task", f"{TASK}.containers", [], [task()], MANAGED, at=f"{AT_TASK}.containers"),
    Row(
        "containers",
        "task",
        f"{TASK}.containers",
        [task(name=str(n)) for n in range(11)],
        [task()],
        MANAGED,
        at=f"{AT_TASK}.containers",
    ),
    Row(
        "containers-twice",
        "task",
        f"{TASK}.containers",
        [task(), task()],
        [task()],
        MANAGED,
        at=f"{AT_TASK}.containers",
    ),
    Row(
        "nothing-essential",
        "task",
        f"{TASK}.containers",
        [task(essential=False)],
        [task()],
        MANAGED,
        at=f"{AT_TASK}.containers",
    ),
    Row(
        "waits-for-none",
        "task",
        f"{TASK}.containers.0.dependsOn.0.containerName",
        "main",
        "side",
        at=f"{AT_TASK}.containers",
    ),
    Row(
        "waits-for-essential",
        "task",
        f"{TASK}.containers.1.essential",
        True,
        False,
        ((f"{TASK}.containers.0.dependsOn.0.condition", "SUCCESS"),),
        at=f"{AT_TASK}.containers",
    ),
    Row(
        "condition-of-start",
        "task",
        f"{TASK}.containers.0.dependsOn.0.condition",
        "HEALTHY",
        "START",
        at=f"{FIRST}.dependsOn[side].condition",
    ),
    Row("ipc-mode", "task", f"{TASK}.ipcMode", "task", GONE, at=f"{AT_TASK}.ipcMode"),
    Row("ipc-mode", "task", f"{TASK}.ipcMode", "private", "host", MANAGED, at=f"{AT_TASK}.ipcMode"),
    Row("pid-mode", "task", f"{TASK}.pidMode", "none", "task", at=f"{AT_TASK}.pidMode"),
    Row("network-mode", "task", f"{TASK}.networkMode", "bridge", "host", MANAGED, at=f"{AT_TASK}.networkMode"),
    Row("network-mode", "task", f"{TASK}.networkMode", "host", GONE, at=f"{AT_TASK}.networkMode"),
    Row("patience", "task", f"{TASK}.containers.0.startTimeout", 121, 120, at=f"{FIRST}.startTimeout"),
    Row("patience", "task", f"{TASK}.containers.0.stopTimeout", 1, 2, at=f"{FIRST}.stopTimeout"),
    Row("tasks", "task", "ecsProperties.taskProperties", [], [{"containers": [task()]}], MANAGED),
    Row("image", "container", f"{ALONE}.image", "", "a" * 255),
    Row("image", "container", f"{ALONE}.image", "a" * 256, "a"),
    Row("gpus", "container", f"{ALONE}.resourceRequirements", [*NEEDS, *needs(GPU="0")], [*NEEDS, *needs(GPU="1")]),
    Row("gpus-on-fargate", "fargate-container", f"{ALONE}.resourceRequirements", [*NEEDS, *needs(GPU="1")], NEEDS),
    Row("container-on-fargate", "fargate-container", f"{ALONE}.vcpus", 1),
    Row("container-on-fargate", "fargate-container", f"{ALONE}.memory", 2048),
    Row("container-on-fargate", "fargate-container", f"{ALONE}.privileged", True, False),
    Row(
        "log-driver-on-fargate",
        "fargate-container",
        f"{ALONE}.logConfiguration",
        {"logDriver": "gelf"},
        {"logDriver": "splunk"},
    ),
    Row("execution-role", "fargate-container", f"{ALONE}.executionRoleArn", GONE, ROLE),
    Row("execution-role", "task", f"{TASK}.executionRoleArn", GONE, ROLE, at=f"{AT_TASK}.executionRoleArn"),
    Row("host-on-fargate", "fargate-container", f"{ALONE}.volumes", [{"name": "a", "host": {}}], [{"name": "a"}]),
    Row("not-on-windows", "old-container", f"{ALONE}.user", "root", GONE, WINDOWS),
    Row("not-on-windows", "old-container", f"{ALONE}.linuxParameters", {"initProcessEnabled": False}, GONE, WINDOWS),
    Row(
        "architecture-of-windows",
        "old-container",
        f"{ALONE}.runtimePlatform.cpuArchitecture",
        "ARM64",
        "X86_64",
        WINDOWS,
    ),
    Row(
        "files-on-windows",
        "old-container",
        f"{ALONE}.volumes",
        [{"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs"}}],
        [{"name": "a"}],
        WINDOWS,
    ),
    Row("linux-on-fargate", "fargate-container", f"{ALONE}.linuxParameters.maxSwap", 0, GONE),
    Row("linux-on-fargate", "fargate-container", f"{ALONE}.linuxParameters.devices", [{"hostPath": "/dev/a"}]),
    Row("swap", "container", f"{ALONE}.linuxParameters.maxSwap", -1, 0),
    Row("swappiness", "container", f"{ALONE}.linuxParameters.swappiness", 101, 100),
    Row(
        "variable",
        "container",
        f"{ALONE}.environment.0.name",
        "AWS_BATCH_A",
        "AWS_A",
        at=f"{ALONE}.environment[AWS_BATCH_A].name",
    ),
    Row("ephemeral-storage", "fargate-container", f"{ALONE}.ephemeralStorage.sizeInGiB", 20, 200),
    Row("volume-name", "container", f"{ALONE}.volumes.0.name", "a b", "a_b", at=f"{ALONE}.volumes[a b].name"),
    Row(
        "files-in-the-clear",
        "container",
        f"{EFS}.transitEncryption",
        GONE,
        "ENABLED",
        ((f"{EFS}.authorizationConfig", {"iam": "ENABLED"}),),
        at=f"{AT_EFS}.transitEncryption",
    ),
    Row(
        "files-beside-the-access-point",
        "container",
        f"{EFS}.rootDirectory",
        "/a",
        "/",
        ((f"{EFS}.authorizationConfig", {"accessPointId": "a"}), (f"{EFS}.transitEncryption", "ENABLED")),
        at=f"{AT_EFS}.rootDirectory",
    ),
    Row("port", "container", f"{EFS}.transitEncryptionPort", 65536, 65535, at=f"{AT_EFS}.transitEncryptionPort"),
]
PODS_AND_NODES = [
    Row("nodes-on-fargate", "nodes", "platformCapabilities", ["FARGATE"], ["EC2"], at=NODES),
    Row("main-node", "nodes", f"{NODES}.mainNode", 3, 2),
    Row(
        "nodes-left-out",
        "nodes",
        f"{NODES}.nodeRangeProperties.1.targetNodes",
        "2:",
        "0:",
        at=f"{NODES}.nodeRangeProperties",
    ),
    Row(
        "mixed-nodes",
        "nodes",
        f"{NODES}.nodeRangeProperties.1",
        {"targetNodes": "1:", "eksProperties": {"podProperties": POD}},
        {"targetNodes": "1:", "container": CONTAINER},
        at=f"{NODES}.nodeRangeProperties",
    ),
    Row(
        "target-nodes",
        "nodes",
        f"{NODES}.nodeRangeProperties.1.targetNodes",
        "1:3",
        "1:2",
        at=f"{NODES}.nodeRangeProperties[1:3].targetNodes",
    ),
    Row(
        "sort-of-node",
        "nodes",
        f"{NODES}.nodeRangeProperties.1",
        {"targetNodes": "1:"},
        {"targetNodes": "1:", "container": CONTAINER},
        at=f"{NODES}.nodeRangeProperties[1:].container",
    ),
    Row(
        "instance-types-of-range",
        "nodes",
        f"{NODES}.nodeRangeProperties.1.instanceTypes",
        ["a", "b"],
        ["a"],
        at=f"{NODES}.nodeRangeProperties[1:].instanceTypes",
    ),
    Row("pod-containers", "pod", f"{POD_AT}.containers", [], POD["containers"]),
    Row(
        "init-containers",
        "pod",
        f"{POD_AT}.initContainers",
        [task(name=f"i{n}") for n in range(11)],
        [task(name=f"i{n}") for n in range(10)],
    ),
    Row("pod-containers-twice", "pod", f"{POD_AT}.initContainers.0.name", "main", "first", at=f"{POD_AT}.containers"),
    Row("mounts", "pod", f"{POD_AT}.volumes", [], POD["volumes"]),
    Row("dns-policy", "pod", f"{POD_AT}.dnsPolicy", "None", "Default"),
    Row("pod-namespace", "pod", f"{POD_AT}.metadata.namespace", "default", "batch"),
    Row("pod-namespace", "pod", f"{POD_AT}.metadata.namespace", "kubes", GONE),
    Row(
        "pod-volume-name",
        "pod",
        f"{POD_AT}.volumes",
        [*POD["volumes"], {"name": "A"}],
        [*POD["volumes"], {"name": "a"}],
        at=f"{POD_AT}.volumes[A].name",
    ),
    Row("pod-image", "pod", f"{POD_AT}.containers.0.image", "", "a", at=f"{POD_AT}.containers[main].image"),
    Row(
        "image-pull-policy",
        "pod",
        f"{POD_AT}.containers.0.imagePullPolicy",
        "Often",
        "Always",
        at=f"{POD_AT}.containers[main].imagePullPolicy",
    ),
    Row(
        "pod-variable",
        "pod",
        f"{POD_AT}.containers.0.env.0.name",
        "AWS_BATCH_A",
        "A",
        at=f"{POD_AT}.containers[main].env[AWS_BATCH_A].name",
    ),
    Row(
        "pod-memory",
        "pod",
        RESOURCES,
        {"limits": {"memory": "512M"}},
        {"limits": {"memory": "4Mi"}},
        at=f"{AT_RESOURCES}.limits",
    ),
    Row(
        "pod-cpus",
        "pod",
        RESOURCES,
        {"limits": {"cpu": "0.3"}},
        {"limits": {"cpu": "250m"}},
        at=f"{AT_RESOURCES}.limits",
    ),
    Row(
        "pod-gpus",
        "pod",
        RESOURCES,
        {"limits": {"nvidia.com/gpu": "0.5"}},
        {"limits": {"nvidia.com/gpu": "1"}},
        at=f"{AT_RESOURCES}.limits",
    ),
    Row("limit-and-request", "pod", f"{RESOURCES}.requests.memory", "256Mi", "512Mi", at=f"{AT_RESOURCES}.requests"),
    Row("cpus-below-request", "pod", f"{RESOURCES}.requests.cpu", "2", "1", at=f"{AT_RESOURCES}.limits"),
]
ROWS = [*TOP, *CONTAINERS, *PODS_AND_NODES]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_demand(row: Row) -> None:
    """The bad document is told at its place, and the good one is not."""
    check(row)


@pytest.mark.parametrize(
    ("base", "path", "empty"),
    [
        ("container", f"{ALONE}.networkConfiguration", {}),
        ("container", f"{ALONE}.fargatePlatformConfiguration", {}),
        ("task", f"{TASK}.networkConfiguration", {}),
        ("fargate-container", f"{ALONE}.linuxParameters", {"initProcessEnabled": True, "devices": [], "tmpfs": []}),
    ],
)
def test_what_is_empty_is_nothing_that_could_be_refused(base: str, path: str, empty: object) -> None:
    """It is not sent."""
    assert Row("", base, path, empty, also=MANAGED if base == "task" else ()).told(empty) == []


def test_every_demand_has_a_row() -> None:
    """None is left untried."""
    assert untested("job_definition", ROWS) == set()
