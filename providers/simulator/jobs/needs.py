"""What a job needs of an environment: vCPUs in all, and vCPUs and GPUs of one host."""

import attrs

from providers.simulator.jobs import nodes
from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import documented


@attrs.frozen
class Need:
    """`vcpus` of the whole job; `host_vcpus` and `gpus` of what must be on one host."""

    vcpus: float = 1
    host_vcpus: float = 1
    gpus: float = 0


def of(shown: Json) -> Need:
    """Return what a job needs, by what it shows."""
    if "nodeProperties" in shown:
        return _of_nodes(shown["nodeProperties"])
    vcpus, gpus = _of_host(shown)
    return Need(vcpus, vcpus, gpus)


@documented(API + "API_NodeProperties.html")
def _of_nodes(given: Json) -> Need:
    """A multi-node job needs what its nodes need, all at once."""
    found = [(*_of_host({**it, "container": it.get("container", {})}), count) for it, count in nodes.each(given)]
    total = sum(vcpus * count for vcpus, _, count in found)
    return Need(total, max((it[0] for it in found), default=0), max((it[1] for it in found), default=0))


def _of_host(shown: Json) -> tuple[float, float]:
    if "ecsProperties" in shown:
        return _of_tasks(shown["ecsProperties"])
    if "eksProperties" in shown:
        return _of_pod(shown["eksProperties"].get("podProperties", {}))
    return _of_container(shown.get("container", {}))


@documented(API + "API_ContainerProperties.html")
def _of_container(container: Json) -> tuple[float, float]:
    """The vCPUs of a container stand in its resource requirements, or in the older `vcpus`."""
    told = required(container)
    return number(told.get("VCPU") or container.get("vcpus") or 1), number(told.get("GPU", 0))


@documented(API + "API_TaskContainerProperties.html")
def _of_tasks(given: Json) -> tuple[float, float]:
    """The containers of a task run beside each other, and need the sum of what they need."""
    told = [required(it) for task in given["taskProperties"] for it in task["containers"]]
    return sum(number(it.get("VCPU", 0)) for it in told), sum(number(it.get("GPU", 0)) for it in told)


@documented(API + "API_EksContainerResourceRequirements.html")
def _of_pod(pod: Json) -> tuple[float, float]:
    """The containers of a pod need the sum of their requests, or of their limits where nothing is requested."""
    told = [_asked(it.get("resources", {})) for it in pod.get("containers", [])]
    return sum(number(it.get("cpu", 0)) for it in told), sum(number(it.get("nvidia.com/gpu", 0)) for it in told)


def _asked(given: Json) -> Json:
    return {**given.get("limits", {}), **given.get("requests", {})}


def required(container: Json) -> Json:
    return {it["type"]: it["value"] for it in container.get("resourceRequirements", [])}


def number(value: str | float) -> float:
    """Return a quantity as a number: `"2"`, `"0.25"`, or Kubernetes' `"250m"`."""
    text = str(value)
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
