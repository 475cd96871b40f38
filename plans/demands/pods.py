"""Pods of definitions that run on EKS."""

import re
from collections.abc import Iterable
from decimal import Decimal

from plans.demands.demand import Demand, of, twice, unknown
from providers.kinds.facts import page
from providers.resources import Document

_POD = page("EksPodProperties")
_CONTAINER = page("EksContainer")
_RESOURCES = page("EksContainerResourceRequirements")
_METADATA = page("EksMetadata")
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_NAMESPACE = re.compile(rf"(?=.{{1,63}}\Z){_LABEL}")
_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_MEBIBYTES = re.compile(r"([0-9]{1,9})Mi")
_CPUS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|[0-9]{1,9}m")
_WHOLE = re.compile(r"[0-9]{1,9}")
_GPU = "nvidia.com/gpu"


def _containers(pod: Document) -> list[Document]:
    return [*(pod.get("containers") or ()), *(pod.get("initContainers") or ())]


def _said(part: Document, name: str) -> list[str]:
    """What limits and requests say of one resource."""
    return [part[place][name] for place in ("limits", "requests") if name in (part.get(place) or {})]


def _cpus(text: str) -> Decimal:
    return Decimal(text[:-1]) / 1000 if text.endswith("m") else Decimal(text)


def _memory_fits(text: str) -> bool:
    found = _MEBIBYTES.fullmatch(text)
    return found is not None and int(found[1]) >= 4


def _cpus_fit(text: str) -> bool:
    return bool(_CPUS.fullmatch(text)) and _cpus(text) > 0 and _cpus(text) % Decimal("0.25") == 0


def _differ(part: Document, name: str) -> bool:
    return len(set(_said(part, name))) > 1


def _cpus_fall(part: Document) -> bool:
    said = _said(part, "cpu")
    return len(said) > 1 and all(map(_cpus_fit, said)) and _cpus(said[0]) < _cpus(said[1])


def _space_fits(name: str) -> bool:
    return name != "default" and not name.startswith("kube") and bool(_NAMESPACE.fullmatch(name))


def _unmounted(pod: Document) -> Iterable[object]:
    """What containers mount and the pod does not have."""
    names = {volume.get("name") for volume in pod.get("volumes") or ()}
    return [
        mount.get("name")
        for each in _containers(pod)
        for mount in each.get("volumeMounts") or ()
        if mount.get("name") not in names
    ]


DEMANDS = (
    Demand(
        "pod-containers",
        "EksPodProperties.containers",
        lambda part, _: not 1 <= len(part.get("containers") or ()) <= 10,
        "a pod has 1 to 10 containers",
        "name 1 to 10",
        _POD,
    ),
    Demand(
        "init-containers",
        "EksPodProperties.initContainers",
        lambda part, _: len(part.get("initContainers") or ()) > 10,
        "a pod has up to 10 containers that run before the others",
        "take some out",
        _POD,
    ),
    Demand(
        "pod-containers-twice",
        "EksPodProperties.containers",
        lambda part, _: twice(each.get("name", "Default") for each in _containers(part)),
        "two containers have the same name; one without a name is called Default",
        "name them apart",
        _CONTAINER,
    ),
    Demand(
        "mounts",
        "EksPodProperties.volumes",
        lambda part, _: bool(_unmounted(part)),
        "a container mounts a volume that the pod does not have",
        "add the volume, or take the mount out",
        page("EksContainerVolumeMount"),
    ),
    Demand(
        "dns-policy",
        "EksPodProperties.dnsPolicy",
        lambda part, _: unknown(part, "dnsPolicy", "Default", "ClusterFirst", "ClusterFirstWithHostNet"),
        "it is none of the words that this takes",
        "Default, ClusterFirst or ClusterFirstWithHostNet",
        _POD,
    ),
    Demand(
        "pod-namespace",
        "EksMetadata.namespace",
        lambda part, _: "namespace" in part and not _space_fits(part["namespace"]),
        "Batch takes no such namespace",
        "up to 63 lower case letters, digits and hyphens; neither default nor one that begins with kube",
        _METADATA,
    ),
    Demand(
        "pod-volume-name",
        "EksVolume.name",
        lambda part, _: not _SUBDOMAIN.fullmatch(part.get("name", "")),
        "is no name of a volume",
        "up to 253 lower case letters, digits, hyphens and periods",
        page("EksVolume"),
    ),
    Demand(
        "pod-image",
        "EksContainer.image",
        lambda part, _: not part.get("image"),
        "a container has an image",
        "name one",
        _CONTAINER,
    ),
    Demand(
        "image-pull-policy",
        "EksContainer.imagePullPolicy",
        lambda part, _: unknown(part, "imagePullPolicy", "Always", "IfNotPresent", "Never"),
        "it is none of the words that this takes",
        "Always, IfNotPresent or Never",
        _CONTAINER,
    ),
    Demand(
        "pod-variable",
        "EksContainerEnvironmentVariable.name",
        lambda part, _: part.get("name", "").startswith("AWS_BATCH"),
        "names that begin with AWS_BATCH are Batch's own",
        "give it another name",
        page("EksContainerEnvironmentVariable"),
    ),
    Demand(
        "pod-memory",
        "EksContainerResourceRequirements.limits",
        lambda part, _: not all(map(_memory_fits, _said(part, "memory"))),
        "memory is a whole number of MiB, 4 or more",
        "such as 512Mi",
        _RESOURCES,
    ),
    Demand(
        "pod-cpus",
        "EksContainerResourceRequirements.limits",
        lambda part, _: not all(map(_cpus_fit, _said(part, "cpu"))),
        "CPUs are a multiple of 0.25",
        "such as 0.25 or 2",
        _RESOURCES,
    ),
    Demand(
        "pod-gpus",
        "EksContainerResourceRequirements.limits",
        lambda part, _: not all(map(_WHOLE.fullmatch, _said(part, _GPU))),
        "GPUs are a whole number",
        "such as 1",
        _RESOURCES,
    ),
    *(
        Demand(
            "limit-and-request",
            "EksContainerResourceRequirements.requests",
            of(name, lambda part, _, name: _differ(part, name)),
            f"{name} is the same in limits and in requests",
            "say it in one place only",
            _RESOURCES,
        )
        for name in ("memory", _GPU)
    ),
    Demand(
        "cpus-below-request",
        "EksContainerResourceRequirements.limits",
        lambda part, _: _cpus_fall(part),
        "CPUs in limits are not below those in requests",
        "raise the limit",
        _RESOURCES,
    ),
)
