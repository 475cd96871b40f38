"""Whether a job would fit into an environment in which nothing else runs: a table with a row for each thing to lack.

What is not known, such as the size of an instance type, counts as fitting.
"""

import math
from collections.abc import Callable, Mapping

import attrs

from plans.demands.compute_environment import architectures
from plans.demands.containers import sized
from plans.diagnosis.needs import Need, need
from plans.diagnosis.scene import figure, listed, named
from plans.diagnosis.sizes import SOURCE as TYPES
from plans.diagnosis.sizes import Size, sizes
from providers.kinds.facts import GUIDE, page
from providers.resources import EMPTY, Document

_FARGATE = ("FARGATE", "FARGATE_SPOT")
_MANAGED = "ECS_MANAGED_INSTANCES"


@attrs.frozen
class Lack:
    """One way in which an environment does not fit a job.

    `tell` says what is lacking, empty where nothing is; `says` completes "the job …", `mend` is what helps.
    """

    code: str
    tell: Callable[[Document, Document, Need], str]
    says: str
    mend: str
    source: str


def sort(environment: Document) -> str:
    """On what an environment runs jobs, in the words of platformCapabilities, and EKS."""
    if environment.get("eksConfiguration") or environment.get("containerOrchestrationType") == "EKS":
        return "EKS"
    resources = environment.get("computeResources") or EMPTY
    if resources.get("type") in _FARGATE:
        return "FARGATE"
    return "MANAGED_INSTANCES" if resources.get("type") == _MANAGED else "EC2"


def room(environment: Document) -> float:
    """The vCPUs that jobs in an environment may take, together; infinite where that is not said."""
    resources = environment.get("computeResources") or EMPTY
    most = resources.get("maxvCpus", environment.get("unmanagedvCpus"))
    return math.inf if most is None else float(most)


def _platform(environment: Document, job: Document, _: Need) -> str:
    wanted = {"EKS"} if job.get("eksProperties") else set(job.get("platformCapabilities") or ("EC2",))
    offered = sort(environment)
    if offered in wanted or (offered == "EKS" and "nodeProperties" in job):
        return ""
    return f"it runs jobs on {offered}, and the job says {', '.join(sorted(wanted))}"


def _nodes(environment: Document, job: Document, _: Need) -> str:
    if "nodeProperties" not in job:
        return ""
    kind = (environment.get("computeResources") or {}).get("type", "UNMANAGED")
    return "" if kind == "EC2" else f"it is {kind}, where multi-node jobs do not run"


def _pair(environment: Document, _: Document, wanted: Need) -> str:
    asked = {"VCPU": f"{wanted.vcpus:g}", "MEMORY": f"{wanted.memory:.0f}"}
    whole = {"platformCapabilities": ["FARGATE"]}
    if sort(environment) != "FARGATE" or not wanted.vcpus or sized([asked], whole):
        return ""
    return f"Fargate offers no {wanted.memory:g} MiB with {wanted.vcpus:g} vCPU"


def _maximum(environment: Document, _: Document, wanted: Need) -> str:
    most = room(environment)
    return "" if wanted.total <= most else f"maxvCpus is {figure(most)}"


def _architecture(environment: Document, _: Document, wanted: Need) -> str:
    resources = environment.get("computeResources") or EMPTY
    offered = architectures(resources)
    if sort(environment) != "EC2" or not offered or wanted.architecture in (None, *offered):
        return ""
    return f"its instance types ({_types(environment)}) are {', '.join(sorted(offered))}"


def _gpus(environment: Document, _: Document, wanted: Need) -> str:
    if not wanted.gpus:
        return ""
    if sort(environment) == "FARGATE":
        return "Fargate has no GPUs"
    return _no_type(environment, lambda size: size.gpus >= wanted.gpus, lambda size: f"{size.gpus} GPU", "gpus")


def _vcpus(environment: Document, _: Document, wanted: Need) -> str:
    def tell(size: Size) -> str:
        return f"{size.vcpus:g} vCPU"

    return _no_type(environment, lambda size: size.vcpus >= wanted.vcpus, tell, "vcpus")


def _memory(environment: Document, _: Document, wanted: Need) -> str:
    def tell(size: Size) -> str:
        return f"{figure(size.memory)} MiB less what the system takes"

    return _no_type(environment, lambda size: size.memory > wanted.memory, tell, "memory")


def _together(environment: Document, _: Document, wanted: Need) -> str:
    def fits(size: Size) -> bool:
        return size.vcpus >= wanted.vcpus and size.memory > wanted.memory and size.gpus >= wanted.gpus

    def tell(size: Size) -> str:
        return f"{size.vcpus:g} vCPU, {figure(size.memory)} MiB and {size.gpus} GPU"

    return _no_type(environment, fits, tell, "memory")


def _no_type(environment: Document, fits: Callable[[Size], bool], tell: Callable[[Size], str], by: str) -> str:
    """What the best of an environment's types has where none fits; nothing where one may."""
    names = (environment.get("computeResources") or EMPTY).get("instanceTypes") or ()
    offered = {name: sizes(name) for name in names}
    if not names or not all(offered.values()) or any(fits(size) for some in offered.values() for size in some):
        return ""
    best = max((size for some in offered.values() for size in some), key=lambda size: float(getattr(size, by)))
    return f"of its instance types ({_types(environment)}) {best.name} has most: {tell(best)}"


def _types(environment: Document) -> str:
    return listed([str(name) for name in environment["computeResources"]["instanceTypes"]])


_NEED = page("ResourceRequirement")
_STUCK = f"{GUIDE}job_stuck_in_runnable_misconfiguration.html"

LACKS = (
    Lack(
        "platform",
        _platform,
        "is made for another sort of environment than this queue has",
        "submit it to a queue whose environments are of that sort, or change platformCapabilities of its definition",
        page("RegisterJobDefinition"),
    ),
    Lack(
        "multi-node",
        _nodes,
        "is multi-node parallel, and no environment of this queue runs such jobs",
        "give the queue an environment of type EC2",
        f"{GUIDE}multi-node-parallel-jobs.html",
    ),
    Lack(
        "fargate-pair",
        _pair,
        "asks for vCPUs and memory that Fargate does not offer together",
        "change VCPU and MEMORY in resourceRequirements to a pair of Fargate's",
        _NEED,
    ),
    Lack(
        "max-vcpus",
        _maximum,
        "needs more vCPUs than any environment of this queue may have",
        "raise computeResources.maxvCpus of an environment, or lower VCPU in the job's resourceRequirements",
        _STUCK,
    ),
    Lack(
        "architecture",
        _architecture,
        "is built for another CPU architecture than the instance types have",
        "change computeResources.instanceTypes, or runtimePlatform.cpuArchitecture and image of the definition",
        page("RuntimePlatform"),
    ),
    Lack(
        "gpu",
        _gpus,
        "asks for GPUs that no instance type of this queue's environments has",
        "add an instance type with GPUs to computeResources.instanceTypes, or leave GPU out of resourceRequirements",
        TYPES,
    ),
    Lack(
        "host-vcpus",
        _vcpus,
        "needs more vCPUs on one instance than any instance type of this queue's environments has",
        "add a larger type to computeResources.instanceTypes, or lower VCPU in resourceRequirements",
        TYPES,
    ),
    Lack(
        "memory",
        _memory,
        "needs more memory on one instance than any instance type of this queue's environments can give",
        "add a type with more memory to computeResources.instanceTypes, or lower MEMORY in resourceRequirements",
        f"{GUIDE}memory-management.html",
    ),
    Lack(
        "no-instance-type",
        _together,
        "needs vCPUs, memory and GPUs that no one instance type of this queue's environments has together",
        "add a fitting type to computeResources.instanceTypes, or lower resourceRequirements",
        TYPES,
    ),
)
"""The ways in which an environment may not fit, in the order in which they are told."""


def lacks(environment: Document, job: Document) -> Mapping[str, str]:
    """What an environment lacks for a job, by the code of the row."""
    wanted = need(job)
    return {row.code: text for row in LACKS if (text := row.tell(environment, job, wanted))}


def common(environments: tuple[Document, ...], job: Document) -> tuple[Lack | None, tuple[str, ...]]:
    """Why a job fits into none of some environments: the first row that all of them share, and what each lacks.

    No row where they differ, nothing at all where one may fit.
    """
    found = [(named(it), lacks(it, job)) for it in environments]
    if not found or not all(missing for _, missing in found):
        return None, ()
    row = next((row for row in LACKS if all(row.code in missing for _, missing in found)), None)
    return row, tuple(
        f"environment {name}: {missing[row.code] if row else next(iter(missing.values()))}" for name, missing in found
    )
