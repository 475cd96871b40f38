"""Pods of job definitions that run on EKS."""

import re
from collections.abc import Iterator

from providers.simulator.containers import WHOLE, variables_are_not_batchs
from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, documented, must_be_one_of

_POD = API + "API_EksPodProperties.html"
_CONTAINER = API + "API_EksContainer.html"
_RESOURCES = API + "API_EksContainerResourceRequirements.html"
_MEBIBYTES = re.compile(r"([0-9]{1,9})Mi")
_CPU = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|[0-9]{1,9}m")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def check(given: Json) -> None:
    """Refuse `podProperties` as RegisterJobDefinition does."""
    _containers_are_few(given)
    _first_containers_are_few(given)
    _names_are_unique(given)
    _dns_is_known(given)
    _space_is_allowed(given)
    _volumes_are_named(given)
    for container in _containers(given):
        _image_is_told(container)
        _pulling_is_known(container)
        variables_are_not_batchs(container.get("env", []))
        _mounts_are_volumes(container, given)
        resources = container.get("resources", {})
        _memory_is_whole(resources)
        _cpus_are_quarters(resources)
        _gpus_are_whole(resources)
        _limits_fit_requests(resources)


def _containers(given: Json) -> list[Json]:
    return [*given.get("containers", []), *given.get("initContainers", [])]


@documented(_POD)
def _containers_are_few(given: Json) -> None:
    """A pod has 1 to 10 containers."""
    if not 1 <= len(given.get("containers", [])) <= 10:
        raise Refused("podProperties must have between 1 and 10 containers")


@documented(_POD)
def _first_containers_are_few(given: Json) -> None:
    """A pod has up to 10 containers that run before the others."""
    if len(given.get("initContainers", [])) > 10:
        raise Refused("podProperties can have up to 10 initContainers")


@documented(_CONTAINER)
def _names_are_unique(given: Json) -> None:
    """The containers of a pod have names of their own; one may go without, and is called Default."""
    names = [container.get("name", "Default") for container in _containers(given)]
    if len(set(names)) < len(names):
        raise Refused("Container names must be unique within a pod")


@documented(_POD)
def _dns_is_known(given: Json) -> None:
    """The DNS policy is Default, ClusterFirst or ClusterFirstWithHostNet."""
    must_be_one_of(
        "dnsPolicy", given.get("dnsPolicy", "Default"), ("Default", "ClusterFirst", "ClusterFirstWithHostNet")
    )


@documented(API + "API_EksMetadata.html")
def _space_is_allowed(given: Json) -> None:
    """The namespace of a pod is not `default`, does not begin with `kube`, and has 1 to 63 characters."""
    space = given.get("metadata", {}).get("namespace", "a")
    if space == "default" or space.startswith("kube") or not NAMESPACE.fullmatch(space):
        raise Refused("metadata.namespace is not valid")


@documented(API + "API_EksVolume.html")
def _volumes_are_named(given: Json) -> None:
    """The name of a volume is allowed as a DNS subdomain name."""
    if not all(_SUBDOMAIN.fullmatch(volume["name"]) for volume in given.get("volumes", [])):
        raise Refused("Volume name must be a DNS subdomain name")


@documented(_CONTAINER)
def _image_is_told(container: Json) -> None:
    """A container has an image."""
    if not container["image"]:
        raise Refused("Container image must be provided")


@documented(_CONTAINER)
def _pulling_is_known(container: Json) -> None:
    """An image is pulled Always, IfNotPresent or Never."""
    must_be_one_of("imagePullPolicy", container.get("imagePullPolicy", "Always"), ("Always", "IfNotPresent", "Never"))


@documented(API + "API_EksContainerVolumeMount.html")
def _mounts_are_volumes(container: Json, given: Json) -> None:
    """What a container mounts is the name of one of the volumes of its pod."""
    volumes = {volume["name"] for volume in given.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        if mount.get("name") not in volumes:
            raise Refused(f"volumeMounts: {mount.get('name')} is not a volume of the pod")


def _told(resources: Json, name: str) -> Iterator[str]:
    return (resources[place][name] for place in ("limits", "requests") if name in resources.get(place, {}))


@documented(_RESOURCES)
def _memory_is_whole(resources: Json) -> None:
    """Memory of a pod's container is a whole number of MiB, 4 or more, with the suffix Mi."""
    for value in _told(resources, "memory"):
        found = _MEBIBYTES.fullmatch(value)
        if not found or int(found[1]) < 4:
            raise Refused(f"memory {value} is not valid: a whole number of at least 4 with the suffix Mi")


@documented(_RESOURCES)
def _cpus_are_quarters(resources: Json) -> None:
    """CPUs of a pod's container are a multiple of 0.25."""
    for value in _told(resources, "cpu"):
        if not _CPU.fullmatch(value) or _cpus(value) <= 0 or _cpus(value) % 0.25:
            raise Refused(f"cpu {value} is not valid: a multiple of 0.25")


@documented(_RESOURCES)
def _gpus_are_whole(resources: Json) -> None:
    """GPUs of a pod's container are whole numbers."""
    for value in _told(resources, "nvidia.com/gpu"):
        if not WHOLE.fullmatch(value):
            raise Refused(f"nvidia.com/gpu {value} is not valid: a whole number")


@documented(_RESOURCES)
def _limits_fit_requests(resources: Json) -> None:
    """Told twice, memory and GPUs are the same in limits and requests, and CPUs are not below in limits."""
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for name in ("memory", "nvidia.com/gpu"):
        if limits.get(name, requests.get(name)) != requests.get(name, limits.get(name)):
            raise Refused(f"{name} in limits must be equal to {name} in requests")
    if "cpu" in limits and "cpu" in requests and _cpus(limits["cpu"]) < _cpus(requests["cpu"]):
        raise Refused("cpu in limits must be at least as large as cpu in requests")


def _cpus(value: str) -> float:
    return float(value[:-1]) / 1000 if value.endswith("m") else float(value)
