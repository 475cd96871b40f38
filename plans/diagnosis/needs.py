"""What a job needs, by what DescribeJobs shows of it, its overrides included."""

from collections.abc import Iterator, Mapping

import attrs

from plans.demands.containers import needs_of
from providers.resources import EMPTY, Document

_UNITS: Mapping[str, float] = {"Ki": 2**-10, "Mi": 1, "Gi": 2**10, "Ti": 2**20, "k": 1e3 / 2**20, "M": 1e6 / 2**20}


@attrs.frozen
class Need:
    """`total` are the vCPUs of the whole job; `vcpus`, `memory` (MiB) and `gpus` are of what must be on one host.

    `architecture` is what its containers are built for, where the definition says so.
    """

    total: float
    vcpus: float
    memory: float
    gpus: float
    architecture: str | None = None
    nodes: int = 1

    @property
    def told(self) -> str:
        gpus = f", {self.gpus:g} GPU" if self.gpus else ""
        nodes = f" a node, on {self.nodes} nodes" if self.nodes > 1 else ""
        return f"{self.vcpus:g} vCPU, {self.memory:g} MiB{gpus}{nodes}"


def need(job: Document) -> Need:
    """What a job needs; what it does not say, or says in a way that is not known, counts as nothing."""
    nodes = job.get("nodeProperties") or {}
    if not nodes:
        return _of_host(job)
    count = int(nodes.get("numNodes") or 1)
    parts = [(_of_host(entry), _nodes(str(entry.get("targetNodes", "")), count)) for entry in _ranges(nodes)]
    return Need(
        sum(part.total * times for part, times in parts),
        max((part.vcpus for part, _ in parts), default=0),
        max((part.memory for part, _ in parts), default=0),
        max((part.gpus for part, _ in parts), default=0),
        next((part.architecture for part, _ in parts if part.architecture), None),
        count,
    )


def supplies(job: Document) -> Mapping[str, int]:
    """The consumable resources that a job needs, by name; each node needs what stands at its range."""
    nodes = job.get("nodeProperties") or {}
    count = int(nodes.get("numNodes") or 1)
    lists = [(job, 1), *((entry, _nodes(str(entry.get("targetNodes", "")), count)) for entry in _ranges(nodes))]
    wanted: dict[str, int] = {}
    for holder, times in lists:
        for entry in (holder.get("consumableResourceProperties") or {}).get("consumableResourceList") or ():
            name = str(entry.get("consumableResource", "")).rpartition("/")[2]
            wanted[name] = wanted.get(name, 0) + int(entry.get("quantity", 1)) * times
    return wanted


def _ranges(nodes: Document) -> Iterator[Document]:
    yield from nodes.get("nodeRangeProperties") or ()


def _nodes(target: str, count: int) -> int:
    """How many nodes a range such as `0:`, `:3`, `1:4` or `2` names."""
    first, colon, last = target.partition(":")
    low = int(first) if first.isdigit() else 0
    if not colon:
        return 1
    return max(0, (int(last) if last.isdigit() else count - 1) - low + 1)


def _of_host(holder: Document) -> Need:
    """What one host must have; the containers of a task and of a pod run side by side."""
    pod = (holder.get("eksProperties") or {}).get("podProperties") or {}
    if pod:
        wanted = [_of_pod(it.get("resources") or {}) for it in pod.get("containers") or ()]
        cpu, memory, gpus = (sum(it[place] for it in wanted) for place in range(3))
        return Need(cpu, cpu, memory, gpus)
    tasks = (holder.get("ecsProperties") or {}).get("taskProperties") or ()
    boxes = [box for task in tasks for box in task.get("containers") or ()] or [holder.get("container") or EMPTY]
    platforms = [it.get("runtimePlatform") or {} for it in (*tasks, *boxes)]
    said = [needs_of(box) for box in boxes]
    vcpus, memory, gpus = (sum(_number(it.get(of, 0)) for it in said) for of in ("VCPU", "MEMORY", "GPU"))
    architecture = next((it["cpuArchitecture"] for it in platforms if it.get("cpuArchitecture")), None)
    return Need(vcpus, vcpus, memory, gpus, architecture)


def _of_pod(resources: Document) -> tuple[float, float, float]:
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return _number(asked.get("cpu", 0)), _number(asked.get("memory", 0)), _number(asked.get("nvidia.com/gpu", 0))


def _number(value: object) -> float:
    """A quantity, of Kubernetes too: `2`, `250m`, `512Mi` (in MiB)."""
    text = str(value)
    for unit, times in _UNITS.items():
        if text.endswith(unit):
            return _number(text.removesuffix(unit)) * times
    try:
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        return 0
