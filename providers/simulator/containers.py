"""Containers of job definitions that run on ECS: of `containerProperties`, and of the tasks of `ecsProperties`."""

import re
from collections.abc import Set
from typing import Any

from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, documented, must_be_one_of, observed

_CONTAINER = API + "API_ContainerProperties.html"
_TASK = API + "API_EcsTaskProperties.html"
_TASK_CONTAINER = API + "API_TaskContainerProperties.html"
_DEPENDENCY = API + "API_TaskContainerDependency.html"
_NEED = API + "API_ResourceRequirement.html"
_LINUX = API + "API_LinuxParameters.html"
WHOLE = re.compile(r"[0-9]{1,9}")
_PART = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_VOLUME = re.compile(r"[A-Za-z0-9_-]{1,255}")

# MiB of memory that go with a number of vCPUs on Fargate.
_FARGATE_SIZES: dict[float, Any] = {
    0.25: (512, 1024, 2048),
    0.5: range(1024, 4097, 1024),
    1: range(2048, 8193, 1024),
    2: range(4096, 16385, 1024),
    4: range(8192, 30721, 1024),
    8: range(16384, 61441, 4096),
    16: range(32768, 122881, 8192),
    32: (61440, 122880, 249856),
}
_NOT_ON_FARGATE = ("vcpus", "memory", "privileged", "ulimits", "instanceType")
_LINUX_NOT_ON_FARGATE = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")
_NOT_ON_EC2 = ("networkConfiguration", "fargatePlatformConfiguration")
_NOT_ON_WINDOWS = ("linuxParameters", "privileged", "user", "ulimits", "readonlyRootFilesystem")


def check_container(given: Json, platforms: Set[str], nodes: bool) -> None:
    """Refuse `containerProperties`, or the `container` of a range of `nodes`, as RegisterJobDefinition does."""
    needs = _needs(given)
    _vcpus_are_told(needs, platforms)
    _memory_is_told(needs)
    _instance_type_is_for_nodes(given, nodes)
    _network_is_for_fargate(given, platforms)
    _check_task(given, platforms)
    _check_one(given, platforms)
    if "FARGATE" in platforms:
        _fargate_sizes_go_together([needs])


def check_task(given: Json, platforms: Set[str]) -> None:
    """Refuse a task of `ecsProperties` as RegisterJobDefinition does."""
    containers = given["containers"]
    _containers_are_few(containers)
    _names_are_unique(containers)
    _something_is_essential(containers)
    for container in containers:
        for wait in container.get("dependsOn", []):
            _condition_is_known(wait)
            _dependency_is_another_container(wait, container, containers)
            _essential_containers_do_not_end(wait, containers)
    _ipc_mode_is_known(given)
    _pid_mode_is_known(given)
    _task_network_is_for_fargate(given, platforms)
    _network_mode_is_the_hosts(given, platforms)
    _check_task(given, platforms)
    for container in containers:
        _check_one(container, platforms)
        _timeouts_are_in_range(container, platforms)
    needs = [_needs(container) for container in containers]
    for need in needs:
        if need:
            _vcpus_are_told(need, platforms)
            _memory_is_told(need)
    if "FARGATE" in platforms:
        _fargate_sizes_go_together([need for need in needs if need])


def _check_task(given: Json, platforms: Set[str]) -> None:
    """What holds for a task as a whole: a container of its own stands for its task."""
    _storage_is_in_range(given)
    _volumes_are_named(given)
    for volume in given.get("volumes", []):
        efs = volume.get("efsVolumeConfiguration", {})
        _guarded_files_are_encrypted(efs)
        _access_point_has_its_own_root(efs)
        _port_is_in_range(efs)
    if "FARGATE" in platforms:
        _fargate_has_no_ipc_mode(given)
        _fargate_has_an_execution_role(given)
        _fargate_has_no_host(given)


def _check_one(given: Json, platforms: Set[str]) -> None:
    """What holds for each container."""
    _image_is_told(given)
    variables_are_not_batchs(given.get("environment", []))
    _gpus_are_whole(_needs(given))
    _memory_is_swapped_in_range(given)
    if "FARGATE" in platforms:
        _fargate_has_no_machine(given)
        _fargate_has_no_gpus(_needs(given))
        _fargate_logs_to_aws(given)
    if given.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX").startswith("WINDOWS"):
        _windows_takes_less(given)
        _windows_has_no_shared_files(given)
        _windows_runs_on_x86(given)


def _needs(given: Json) -> dict[str, str]:
    """Return what a container needs by type, from wherever it is told."""
    told = {need["type"]: need["value"] for need in given.get("resourceRequirements", [])}
    old = {"VCPU": given.get("vcpus"), "MEMORY": given.get("memory")}
    return {**{key: str(value) for key, value in old.items() if value is not None}, **told}


@documented(_CONTAINER)
def _image_is_told(given: Json) -> None:
    """A container has an image, of up to 255 characters."""
    if not 0 < len(given.get("image", "")) <= 255:
        raise Refused("Container image must be provided, with up to 255 characters")


@observed("ASFHyP3/hyp3#586")
def _vcpus_are_told(needs: dict[str, str], platforms: Set[str]) -> None:
    """A container has vCPUs; on EC2 at least one, on other platforms a part of one may do."""
    if "VCPU" not in needs:
        raise Refused("vCPU is not provided.")
    value = needs["VCPU"]
    if not _PART.fullmatch(value) or float(value) < (1 if platforms == {"EC2"} else 0.25):
        raise Refused(f"VCPU {value} is not valid: a number of at least {1 if platforms == {'EC2'} else 0.25}")


@documented(_NEED)
def _memory_is_told(needs: dict[str, str]) -> None:
    """A container has memory: a whole number of MiB, 4 or more."""
    value = needs.get("MEMORY", "0")
    if not WHOLE.fullmatch(value) or int(value) < 4:
        raise Refused(f"MEMORY must be provided: Memory must be at least 4 Mib, got {value} Mib.")


@documented(_NEED)
def _gpus_are_whole(needs: dict[str, str]) -> None:
    """GPUs are counted in whole numbers, from 1."""
    value = needs.get("GPU", "1")
    if not WHOLE.fullmatch(value) or int(value) < 1:
        raise Refused(f"GPU {value} is not valid: a whole number of at least 1")


@documented(_NEED)
def _fargate_has_no_gpus(needs: dict[str, str]) -> None:
    """On Fargate there are no GPUs."""
    if "GPU" in needs:
        raise Refused("GPU is not applicable for Fargate.")


@documented(_NEED)
def _fargate_sizes_go_together(needs: list[dict[str, str]]) -> None:
    """On Fargate a number of vCPUs is offered with some sizes of memory; the containers of a task add up."""
    if not needs:
        return
    vcpus = sum(float(need["VCPU"]) for need in needs)
    memory = sum(int(need["MEMORY"]) for need in needs)
    if memory not in _FARGATE_SIZES.get(vcpus, ()):
        raise Refused(f"Fargate resource requirements ({vcpus:.2f} vCPU, {memory} MiB) not valid.")


@documented(_CONTAINER)
def _instance_type_is_for_nodes(given: Json, nodes: bool) -> None:
    """An instance type is named for multi-node parallel jobs only."""
    if given.get("instanceType") and not nodes:
        raise Refused("instanceType is only applicable for multinode job definitions")


@documented(_CONTAINER)
def _network_is_for_fargate(given: Json, platforms: Set[str]) -> None:
    """A network configuration and a Fargate platform are for Fargate only."""
    for key in _NOT_ON_EC2:
        if key in given and "FARGATE" not in platforms:
            raise Refused(f"{key} not applicable for EC2.")


@documented(_TASK)
def _task_network_is_for_fargate(given: Json, platforms: Set[str]) -> None:
    """Of tasks, too, a network configuration is for Fargate only."""
    if "networkConfiguration" in given and "FARGATE" not in platforms:
        raise Refused("networkConfiguration not applicable for EC2.")


@documented(_TASK)
def _network_mode_is_the_hosts(given: Json, platforms: Set[str]) -> None:
    """A task has a network mode on managed instances only, that of the host."""
    if "networkMode" in given and (platforms != {"MANAGED_INSTANCES"} or given["networkMode"] != "host"):
        raise Refused("networkMode must be host, and is only applicable for MANAGED_INSTANCES")


@documented(_CONTAINER)
def variables_are_not_batchs(variables: list[Json]) -> None:
    """Environment variables of containers and pods do not begin with AWS_BATCH."""
    for variable in variables:
        if variable.get("name", "").startswith("AWS_BATCH"):
            raise Refused(f"Environment variable {variable['name']} cannot start with AWS_BATCH")


@documented(API + "API_EphemeralStorage.html")
def _storage_is_in_range(given: Json) -> None:
    """Ephemeral storage is 21 to 200 GiB."""
    if not 21 <= given.get("ephemeralStorage", {}).get("sizeInGiB", 21) <= 200:
        raise Refused("ephemeralStorage.sizeInGiB must be between 21 and 200")


@documented(API + "API_Volume.html")
def _volumes_are_named(given: Json) -> None:
    """The name of a volume has up to 255 letters, digits, hyphens and underscores."""
    for volume in given.get("volumes", []):
        if not _VOLUME.fullmatch(volume.get("name", "")):
            raise Refused("Volume name must be up to 255 letters, numbers, hyphens and underscores")


@documented(API + "API_EFSVolumeConfiguration.html")
def _guarded_files_are_encrypted(efs: Json) -> None:
    """An EFS volume with IAM or an access point is encrypted in transit."""
    access = efs.get("authorizationConfig", {})
    guarded = access.get("iam") == "ENABLED" or "accessPointId" in access
    if guarded and efs.get("transitEncryption") != "ENABLED":
        raise Refused("transitEncryption must be ENABLED with EFS IAM authorization or an access point")


@documented(API + "API_EFSAuthorizationConfig.html")
def _access_point_has_its_own_root(efs: Json) -> None:
    """With an access point no root directory is named but /."""
    if "accessPointId" in efs.get("authorizationConfig", {}) and efs.get("rootDirectory", "/") != "/":
        raise Refused("rootDirectory must be omitted or set to / with an EFS access point")


@documented(API + "API_EFSVolumeConfiguration.html")
def _port_is_in_range(efs: Json) -> None:
    """The port of an encrypted EFS volume is 0 to 65535."""
    if not 0 <= efs.get("transitEncryptionPort", 0) <= 65535:
        raise Refused("transitEncryptionPort must be between 0 and 65535")


@documented(_CONTAINER)
def _fargate_has_an_execution_role(given: Json) -> None:
    """On Fargate there is an execution role."""
    if not given.get("executionRoleArn"):
        raise Refused("executionRoleArn must be provided for Fargate job definitions")


@documented(API + "API_Host.html")
def _fargate_has_no_host(given: Json) -> None:
    """On Fargate a volume is not of the host."""
    if any("host" in volume for volume in given.get("volumes", [])):
        raise Refused("host is not applicable for Fargate.")


@documented(_CONTAINER)
def _fargate_has_no_machine(given: Json) -> None:
    """On Fargate there are no privileges, ulimits and devices, and what is needed is told as resource requirements."""
    linux = given.get("linuxParameters", {})
    found = [key for key in _NOT_ON_FARGATE if given.get(key)]
    found += [f"linuxParameters.{key}" for key in _LINUX_NOT_ON_FARGATE if key in linux]
    if found:
        raise Refused(f"{found[0]} is not applicable for Fargate.")


@documented(API + "API_LogConfiguration.html")
def _fargate_logs_to_aws(given: Json) -> None:
    """On Fargate logs go to awslogs or splunk, of a task also through FireLens."""
    if given.get("logConfiguration", {}).get("logDriver", "awslogs") not in ("awslogs", "splunk", "awsfirelens"):
        raise Refused(f"logDriver {given['logConfiguration']['logDriver']} is not applicable for Fargate.")


@documented(_LINUX)
def _memory_is_swapped_in_range(given: Json) -> None:
    """Swap is 0 MiB or more, and swappiness 0 to 100."""
    linux = given.get("linuxParameters", {})
    if linux.get("maxSwap", 0) < 0 or not 0 <= linux.get("swappiness", 0) <= 100:
        raise Refused("maxSwap must be 0 or more, swappiness between 0 and 100")


@documented(API + "API_RuntimePlatform.html")
def _windows_takes_less(given: Json) -> None:
    """Windows containers have no Linux parameters, privileges, user, ulimits and read-only root."""
    found = [key for key in _NOT_ON_WINDOWS if key in given]
    if found:
        raise Refused(f"{found[0]} is not applicable for Windows containers.")


@documented(API + "API_RuntimePlatform.html")
def _windows_has_no_shared_files(given: Json) -> None:
    """Windows containers have no EFS volumes."""
    if any("efsVolumeConfiguration" in volume for volume in given.get("volumes", [])):
        raise Refused("efsVolumeConfiguration is not applicable for Windows containers.")


@documented(API + "API_RuntimePlatform.html")
def _windows_runs_on_x86(given: Json) -> None:
    """Windows containers are of architecture X86_64."""
    if given["runtimePlatform"].get("cpuArchitecture", "X86_64") != "X86_64":
        raise Refused("cpuArchitecture must be X86_64 for Windows containers")


@documented(API + "API_EcsProperties.html")
def _containers_are_few(containers: list[Json]) -> None:
    """A task has 1 to 10 containers."""
    if not 1 <= len(containers) <= 10:
        raise Refused("A task must have between 1 and 10 containers")


@documented(_TASK_CONTAINER)
def _names_are_unique(containers: list[Json]) -> None:
    """The containers of a task have names of their own."""
    names = [container["name"] for container in containers if "name" in container]
    if len(set(names)) < len(names):
        raise Refused("Container names must be unique within a task")


@documented(_TASK_CONTAINER)
def _something_is_essential(containers: list[Json]) -> None:
    """At least one container of a task is essential."""
    if not any(container.get("essential", True) for container in containers):
        raise Refused("At least one container must be essential")


@documented(_DEPENDENCY)
def _condition_is_known(wait: Json) -> None:
    """A container waits for START, COMPLETE or SUCCESS of another one."""
    must_be_one_of("dependsOn.condition", wait.get("condition"), ("START", "COMPLETE", "SUCCESS"))


@documented(_DEPENDENCY)
def _dependency_is_another_container(wait: Json, container: Json, containers: list[Json]) -> None:
    """A container waits for another one of its task."""
    name = wait.get("containerName")
    if name == container.get("name") or name not in [it.get("name") for it in containers]:
        raise Refused(f"dependsOn.containerName {name} is not another container of the task")


@documented(_DEPENDENCY)
def _essential_containers_do_not_end(wait: Json, containers: list[Json]) -> None:
    """Nothing waits for COMPLETE or SUCCESS of an essential container."""
    name, condition = wait.get("containerName"), wait.get("condition")
    essential = any(it.get("name") == name and it.get("essential", True) for it in containers)
    if condition != "START" and essential:
        raise Refused(f"dependsOn.condition {condition} cannot be set on the essential container {name}")


@documented(_TASK)
def _ipc_mode_is_known(given: Json) -> None:
    """The IPC mode of a task is host, task or none."""
    must_be_one_of("ipcMode", given.get("ipcMode", "none"), ("host", "task", "none"))


@documented(_TASK)
def _fargate_has_no_ipc_mode(given: Json) -> None:
    """On Fargate a task has no IPC mode."""
    if "ipcMode" in given:
        raise Refused("ipcMode is not applicable for Fargate.")


@documented(_TASK)
def _pid_mode_is_known(given: Json) -> None:
    """The PID mode of a task is host or task."""
    must_be_one_of("pidMode", given.get("pidMode", "task"), ("host", "task"))


@documented(_TASK_CONTAINER)
def _timeouts_are_in_range(given: Json, platforms: Set[str]) -> None:
    """Waiting for a container's start or stop is 2 s or more, on Fargate up to 120 s."""
    for key in ("startTimeout", "stopTimeout"):
        seconds = given.get(key, 2)
        if seconds < 2 or (seconds > 120 and "FARGATE" in platforms):
            raise Refused(f"{key} must be at least 2, and at most 120 for Fargate")
