"""Containers of definitions that run on ECS: those of container jobs and of nodes, and those of tasks."""

import re
from collections.abc import Callable, Iterable, Mapping

from plans.demands.demand import Demand, Fails, of, outside, says, unknown
from plans.demands.job_definition import on_fargate, platforms
from providers.kinds.facts import page
from providers.resources import Document

_CONTAINER = page("ContainerProperties")
_NEED = page("ResourceRequirement")
_EFS = page("EFSVolumeConfiguration")
_LINUX = page("LinuxParameters")
_CONTAINERS = ("ContainerProperties", "TaskContainerProperties")
_TASKS = ("ContainerProperties", "EcsTaskProperties")
_WHOLE = re.compile(r"[0-9]{1,9}")
_PART = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_VOLUME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def _steps(first: int, last: int, by: int = 1024) -> frozenset[int]:
    return frozenset(range(first, last + 1, by))


_MEMORY_OF: Mapping[float, frozenset[int]] = {
    0.25: frozenset({512, 1024, 2048}),
    0.5: _steps(1024, 4096),
    1: _steps(2048, 8192),
    2: _steps(4096, 16384),
    4: _steps(8192, 30720),
    8: _steps(16384, 61440, 4096),
    16: _steps(32768, 122880, 8192),
    32: frozenset({61440, 122880, 249856}),
}
"""On Fargate the MiB of memory that go with a number of vCPUs."""
_LINUX_NOT_ON_FARGATE = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")
_NOT_ON_WINDOWS = ("linuxParameters", "privileged", "user", "ulimits", "readonlyRootFilesystem")


def needs_of(container: Document) -> dict[str, str]:
    """What a container needs, by type, from wherever it is said."""
    old = {"VCPU": container.get("vcpus"), "MEMORY": container.get("memory")}
    said = {name: str(value) for name, value in old.items() if value is not None}
    return said | {need["type"]: need.get("value", "") for need in container.get("resourceRequirements") or ()}


def has_vcpus(needs: Mapping[str, str], whole: Document) -> bool:
    least = 1 if platforms(whole) == {"EC2"} else 0.25
    value = needs.get("VCPU", "")
    return bool(_PART.fullmatch(value)) and float(value) >= least


def has_memory(needs: Mapping[str, str]) -> bool:
    value = needs.get("MEMORY", "")
    return bool(_WHOLE.fullmatch(value)) and int(value) >= 4


def sized(needs: Iterable[Mapping[str, str]], whole: Document) -> bool:
    """Whether Fargate offers what these containers need together; what is wrong by itself is told elsewhere."""
    told = [need for need in needs if need]
    if not told or not all(has_vcpus(need, whole) and has_memory(need) for need in told):
        return True
    vcpus = sum(float(need["VCPU"]) for need in told)
    return sum(int(need["MEMORY"]) for need in told) in _MEMORY_OF.get(vcpus, ())


def _windows(part: Document) -> bool:
    return str((part.get("runtimePlatform") or {}).get("operatingSystemFamily", "")).startswith("WINDOWS")


def _guarded(efs: Document) -> bool:
    access = efs.get("authorizationConfig") or {}
    return access.get("iam") == "ENABLED" or "accessPointId" in access


def _own_root(efs: Document) -> bool:
    return "accessPointId" in (efs.get("authorizationConfig") or {}) and efs.get("rootDirectory", "/") != "/"


def of_needs(shape: str, asked: Callable[[Document], bool]) -> tuple[Demand, ...]:
    """What AWS asks of the vCPUs and the memory of a container, where it has to say them."""

    def unsaid(name: str) -> Fails:
        return of(name, lambda part, _, name: asked(part) and name not in needs_of(part))

    member = f"{shape}.resourceRequirements"
    vcpus, memory = "1 or more on EC2, 0.25 or more elsewhere", "a whole number of MiB, 4 or more"
    return (
        Demand(
            "vcpus",
            member,
            unsaid("VCPU"),
            f"a container needs vCPUs: {vcpus}",
            "add {type: VCPU, value: NUMBER}",
            _NEED,
        ),
        Demand(
            "vcpus",
            member,
            lambda part, whole: "VCPU" in needs_of(part) and not has_vcpus(needs_of(part), whole),
            f"vCPUs are {vcpus}",
            "name a number within, such as 1",
            _NEED,
        ),
        Demand(
            "memory",
            member,
            unsaid("MEMORY"),
            f"a container needs memory: {memory}",
            "add {type: MEMORY, value: NUMBER}",
            _NEED,
        ),
        Demand(
            "memory",
            member,
            lambda part, _: "MEMORY" in needs_of(part) and not has_memory(needs_of(part)),
            f"memory is {memory}",
            "write the number alone, such as 512",
            _NEED,
            spelling=True,
        ),
    )


_OF_A_CONTAINER = (
    *of_needs("ContainerProperties", lambda _: True),
    Demand(
        "fargate-size",
        "ContainerProperties.resourceRequirements",
        lambda part, whole: on_fargate(whole) and not sized([needs_of(part)], whole),
        "Fargate does not offer this memory with these vCPUs",
        "see the pairs on the page of ResourceRequirement",
        _NEED,
    ),
    Demand(
        "instance-type-of-container",
        "ContainerProperties.instanceType",
        lambda part, whole: bool(part.get("instanceType")) and whole.get("type") != "multinode",
        "only multi-node parallel jobs take it",
        "leave it out",
        _CONTAINER,
    ),
    *(
        Demand(
            "not-on-ec2",
            f"ContainerProperties.{member}",
            of(member, lambda part, whole, member: says(part, member) and not on_fargate(whole)),
            "only Fargate takes it",
            "leave it out, or say platformCapabilities: [FARGATE]",
            _CONTAINER,
        )
        for member in ("networkConfiguration", "fargatePlatformConfiguration")
    ),
    *(
        Demand(
            "container-on-fargate",
            f"ContainerProperties.{member}",
            of(member, lambda part, whole, member: on_fargate(whole) and bool(part.get(member))),
            "Fargate does not take it",
            "leave it out, and say resourceRequirements",
            _CONTAINER,
        )
        for member in ("vcpus", "memory", "instanceType")
    ),
    *(
        Demand(
            "not-on-windows",
            f"ContainerProperties.{member}",
            of(member, lambda part, _, member: _windows(part) and says(part, member)),
            "Windows containers do not take it",
            "leave it out",
            page("RuntimePlatform"),
        )
        for member in _NOT_ON_WINDOWS
    ),
)


def _of_each_container(shape: str) -> tuple[Demand, ...]:
    """What AWS asks of a container, whether it stands alone or in a task."""
    return (
        Demand(
            "image",
            f"{shape}.image",
            lambda part, _: not 1 <= len(part.get("image", "")) <= 255,
            "a container has an image, of up to 255 characters",
            "name one",
            _CONTAINER,
        ),
        Demand(
            "gpus",
            f"{shape}.resourceRequirements",
            lambda part, _: (
                not (_WHOLE.fullmatch(needs_of(part).get("GPU", "1")) and int(needs_of(part).get("GPU", "1")) >= 1)
            ),
            "GPUs are counted in whole numbers, from 1",
            "leave GPU out where none is needed",
            _NEED,
            spelling=True,
        ),
        Demand(
            "gpus-on-fargate",
            f"{shape}.resourceRequirements",
            lambda part, whole: on_fargate(whole) and "GPU" in needs_of(part),
            "Fargate has no GPUs",
            "leave GPU out, or run it on EC2",
            _NEED,
        ),
        *(
            Demand(
                "container-on-fargate",
                f"{shape}.{member}",
                of(member, lambda part, whole, member: on_fargate(whole) and bool(part.get(member))),
                "Fargate does not take it",
                "leave it out",
                _CONTAINER,
            )
            for member in ("privileged", "ulimits")
        ),
        Demand(
            "log-driver-on-fargate",
            f"{shape}.logConfiguration",
            lambda part, whole: (
                on_fargate(whole)
                and unknown(part.get("logConfiguration") or {}, "logDriver", "awslogs", "splunk", "awsfirelens")
            ),
            "Fargate does not have this log driver",
            "awslogs or splunk",
            page("LogConfiguration"),
        ),
    )


def _of_each_task(shape: str) -> tuple[Demand, ...]:
    """What AWS asks of a task, or of the container that stands for one."""
    return (
        Demand(
            "execution-role",
            f"{shape}.executionRoleArn",
            lambda part, whole: on_fargate(whole) and not part.get("executionRoleArn"),
            "Fargate needs an execution role",
            "name a role that ECS may assume",
            _CONTAINER,
        ),
        Demand(
            "host-on-fargate",
            f"{shape}.volumes",
            lambda part, whole: on_fargate(whole) and any("host" in volume for volume in part.get("volumes") or ()),
            "Fargate has no volumes of a host",
            "leave host out",
            page("Host"),
        ),
    )


DEMANDS = (
    *_OF_A_CONTAINER,
    *(row for shape in _CONTAINERS for row in _of_each_container(shape)),
    *(row for shape in _TASKS for row in _of_each_task(shape)),
    Demand(
        "architecture-of-windows",
        "RuntimePlatform.cpuArchitecture",
        lambda part, _: _windows({"runtimePlatform": part}) and unknown(part, "cpuArchitecture", "X86_64"),
        "Windows containers are of X86_64",
        "leave it out",
        page("RuntimePlatform"),
    ),
    Demand(
        "files-on-windows",
        "ContainerProperties.volumes",
        lambda part, _: (
            _windows(part) and any("efsVolumeConfiguration" in volume for volume in part.get("volumes") or ())
        ),
        "Windows containers have no volumes of EFS",
        "leave efsVolumeConfiguration out",
        page("RuntimePlatform"),
    ),
    *(
        Demand(
            "linux-on-fargate",
            f"LinuxParameters.{member}",
            of(member, lambda part, whole, member: on_fargate(whole) and says(part, member)),
            "Fargate does not take it",
            "leave it out",
            _LINUX,
        )
        for member in _LINUX_NOT_ON_FARGATE
    ),
    Demand(
        "swap",
        "LinuxParameters.maxSwap",
        lambda part, _: outside(part, "maxSwap", 0),
        "it is 0 MiB or more",
        "say 0 for none",
        _LINUX,
    ),
    Demand(
        "swappiness",
        "LinuxParameters.swappiness",
        lambda part, _: outside(part, "swappiness", 0, 100),
        "it is 0 to 100",
        "name a number within",
        _LINUX,
    ),
    Demand(
        "variable",
        "KeyValuePair.name",
        lambda part, _: part.get("name", "").startswith("AWS_BATCH"),
        "names that begin with AWS_BATCH are Batch's own",
        "give it another name",
        _CONTAINER,
    ),
    Demand(
        "ephemeral-storage",
        "EphemeralStorage.sizeInGiB",
        lambda part, _: outside(part, "sizeInGiB", 21, 200),
        "it is 21 to 200 GiB",
        "leave it out for the 20 GiB that there are anyway",
        page("EphemeralStorage"),
    ),
    Demand(
        "volume-name",
        "Volume.name",
        lambda part, _: not _VOLUME.fullmatch(part.get("name", "")),
        "is no name of a volume",
        "1 to 255 letters, digits, - and _",
        page("Volume"),
    ),
    Demand(
        "files-in-the-clear",
        "EFSVolumeConfiguration.transitEncryption",
        lambda part, _: _guarded(part) and part.get("transitEncryption") != "ENABLED",
        "with IAM or an access point EFS is encrypted in transit",
        "say ENABLED",
        _EFS,
    ),
    Demand(
        "files-beside-the-access-point",
        "EFSVolumeConfiguration.rootDirectory",
        lambda part, _: _own_root(part),
        "an access point of EFS has its own root",
        "leave it out, or say /",
        _EFS,
    ),
    Demand(
        "port",
        "EFSVolumeConfiguration.transitEncryptionPort",
        lambda part, _: outside(part, "transitEncryptionPort", 0, 65535),
        "it is 0 to 65535",
        "leave it out for the one that EFS chooses",
        _EFS,
    ),
)
