"""What a submission may override of its definition, and what becomes of it."""

import re
from collections.abc import Callable
from typing import Any

from providers.simulator import registration
from providers.simulator.jobs import nodes
from providers.simulator.jobs.needs import required
from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, assumed, documented, observed

_CONTAINER = API + "API_ContainerOverrides.html"
_NODES = API + "API_NodeOverrides.html"
_REFERENCE = re.compile(r"Ref::([\w.-]+)")
_GOES_WITH = {
    "containerOverrides": "containerProperties",
    "ecsPropertiesOverride": "ecsProperties",
    "eksPropertiesOverride": "eksProperties",
    "nodeOverrides": "nodeProperties",
}


def applied(definition: Json, request: Json) -> Json:
    """Return the members of a job that come from its definition and what the request overrides; refuse what may not."""
    _kubernetes_has_its_own(definition, request)
    _fit_the_definition(definition, request)
    parameters = {**definition.get("parameters", {}), **request.get("parameters", {})}
    override, properties = next(it for it in _GOES_WITH.items() if it[1] in definition)
    given = definition[properties]
    if override in request:
        if "FARGATE" in definition.get("platformCapabilities", []):
            _fargate_has_requirements(request[override])
        given = _APPLY[properties](given, request[override])
        _is_as_could_be_registered({**definition, properties: given})
    return _FILL[properties](given, parameters)


@assumed("a registration of the same is refused")
def _is_as_could_be_registered(definition: Json) -> None:
    """What overrides make of a definition is held against all that is asked of a registration."""
    registration.check_properties(definition)


@observed("nextflow-io/nextflow#5817")
def _kubernetes_has_its_own(definition: Json, request: Json) -> None:
    """Overrides of containers and of nodes are not for jobs on EKS."""
    if "eksProperties" in definition and {"containerOverrides", "nodeOverrides"} & request.keys():
        raise Refused("Container overrides or node overrides should not be set for Batch on EKS jobs.")


@documented(API + "API_SubmitJob.html")
def _fit_the_definition(definition: Json, request: Json) -> None:
    """Overrides are of the sort that the definition is: of a container, of ECS or EKS properties, or of nodes."""
    for override, properties in _GOES_WITH.items():
        if override in request and properties not in definition:
            raise Refused(f"{override} should not be set for job definitions without {properties}.")


@documented(_CONTAINER)
def _fargate_has_requirements(override: Json) -> None:
    """On Fargate vCPUs and memory are overridden as resource requirements."""
    for key in ("vcpus", "memory"):
        if key in override:
            raise Refused(f"{key} is not applicable to Fargate jobs; use resourceRequirements")


@observed("boto/boto3#3612")
def _words_are_not_empty(command: list[str]) -> None:
    """No word of an overridden command is empty."""
    if "" in command:
        raise Refused("Command cannot be empty")


def _container(given: Json, override: Json) -> Json:
    _words_are_not_empty(override.get("command", []))
    shown: Json = {**given}
    shown.update((key, override[key]) for key in ("command", "instanceType") if key in override)
    if "environment" in override:
        shown["environment"] = _merged(given.get("environment", []), override["environment"], "name")
    if "resourceRequirements" in override:
        shown.update(_requirements(given, override["resourceRequirements"]))
    _older_keys(shown, given, override)
    return shown


@documented("https://docs.aws.amazon.com/batch/latest/userguide/override-resource-requirements.html")
def _older_keys(shown: Json, given: Json, override: Json) -> None:
    """`vcpus` and `memory` override only what the definition tells with the same keys, not its requirements."""
    for key, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        if key in override and kind not in required(given):
            shown[key] = override[key]
        if kind in required(shown):
            shown.pop(key, None)


@documented(_CONTAINER)
def _requirements(given: Json, override: list[Json]) -> Json:
    """A requirement that is overridden takes the place of the one of its type; the others stay."""
    return {"resourceRequirements": _merged(given.get("resourceRequirements", []), override, "type")}


def _merged(given: list[Json], override: list[Json], key: str) -> list[Json]:
    """Put entries in the place of those of the same name, and new ones behind."""
    merged: dict[str, Json] = {it.get(key, ""): it for it in [*given, *override]}
    return list(merged.values())


def _tasks(given: Json, override: Json) -> Json:
    told = [it for task in override.get("taskProperties", []) for it in task.get("containers", [])]
    _containers_are_there(told, [it.get("name") for task in given["taskProperties"] for it in task["containers"]])
    return {
        **given,
        "taskProperties": [
            {**task, "containers": [_container(it, _of_name(told, it.get("name"))) for it in task["containers"]]}
            for task in given["taskProperties"]
        ],
    }


def _of_name(told: list[Json], name: str | None) -> Json:
    return next((it for it in told if it.get("name") == name), {})


@documented(API + "API_EksContainerOverride.html")
def _containers_are_there(told: list[Json], names: list[str | None]) -> None:
    """An override of one of several containers names one that the definition has."""
    for it in told:
        if it.get("name") not in names:
            raise Refused(f"Container {it.get('name')} is not in the job definition")


def _pod(given: Json, override: Json) -> Json:
    pod, told = given.get("podProperties", {}), override.get("podProperties", {})
    shown = {**pod}
    for key in ("containers", "initContainers"):
        if key in pod or key in told:
            shown[key] = _pod_containers(pod.get(key, []), told.get(key, []))
    if "metadata" in told:
        shown["metadata"] = _metadata(pod.get("metadata", {}), told["metadata"])
    return {**given, "podProperties": shown}


@assumed("labels and annotations are maps, and an override of one of them need not repeat the others")
def _metadata(given: Json, override: Json) -> Json:
    """Labels and annotations of a pod are overridden one by one."""
    maps = {key: {**given.get(key, {}), **value} for key, value in override.items() if isinstance(value, dict)}
    return {**given, **override, **maps}


def _pod_containers(given: list[Json], told: list[Json]) -> list[Json]:
    alone = given[0].get("name") if len(given) == 1 else None
    named = [{"name": alone, **it} for it in told]
    _containers_are_there(named, [it.get("name") for it in given])
    return [_pod_container(it, _of_name(named, it.get("name"))) for it in given]


def _pod_container(given: Json, override: Json) -> Json:
    shown = {**given, **override}
    if "env" in override:
        shown["env"] = _merged(given.get("env", []), override["env"], "name")
    if "resources" in override:
        mine, theirs = given.get("resources", {}), override["resources"]
        shown["resources"] = {key: {**mine.get(key, {}), **theirs.get(key, {})} for key in {**mine, **theirs}}
    return shown


def _nodes(given: Json, override: Json) -> Json:
    shown = {**given, "nodeRangeProperties": [{**it} for it in given["nodeRangeProperties"]]}
    if "numNodes" in override:
        _number_can_change(given, override["numNodes"])
        shown["numNodes"] = override["numNodes"]
    _targets_match(given, override)
    for told in override.get("nodePropertyOverrides", []):
        for it in shown["nodeRangeProperties"]:
            if it["targetNodes"] == told["targetNodes"]:
                it.update(_range(it, told))
    return shown


def _range(given: Json, told: Json) -> Json:
    shown: Json = {}
    if "containerOverrides" in told and "container" in given:
        shown["container"] = _container(given["container"], told["containerOverrides"])
    if "ecsPropertiesOverride" in told and "ecsProperties" in given:
        shown["ecsProperties"] = _tasks(given["ecsProperties"], told["ecsPropertiesOverride"])
    if "eksPropertiesOverride" in told and "eksProperties" in given:
        shown["eksProperties"] = _pod(given["eksProperties"], told["eksPropertiesOverride"])
    if "instanceTypes" in told:
        shown["instanceTypes"] = told["instanceTypes"]
    if "consumableResourcePropertiesOverride" in told:
        shown["consumableResourceProperties"] = told["consumableResourcePropertiesOverride"]
    return shown


@documented(_NODES)
def _number_can_change(given: Json, count: int) -> None:
    """The number of nodes is overridden where a range is open above, and stays beyond its lower bound and the main."""
    open_ranges = [it["targetNodes"] for it in given["nodeRangeProperties"] if it["targetNodes"].endswith(":")]
    if not open_ranges or given["mainNode"] >= count:
        raise Refused("numNodes can only be overridden for node ranges with an open upper boundary")
    if any(nodes.bounds(it["targetNodes"], count)[0] >= count for it in given["nodeRangeProperties"]):
        raise Refused("The lower boundary of a node range must be fewer than numNodes")


@observed("aws/aws-parallelcluster#964")
def _targets_match(given: Json, override: Json) -> None:
    """Overrides of nodes are for ranges that the definition has."""
    known = [it["targetNodes"] for it in given["nodeRangeProperties"]]
    strange = [it["targetNodes"] for it in override.get("nodePropertyOverrides", []) if it["targetNodes"] not in known]
    if strange:
        targets = ", ".join(strange)
        raise Refused(f"NodeOverride targets should match job definition. Non matching targets - {targets}")


def _with_command(given: Json, parameters: Json) -> Json:
    words: Json = {key: substituted(given[key], parameters) for key in ("command", "args") if key in given}
    return {**given, **words}


def _in_tasks(given: Json, parameters: Json) -> Json:
    tasks = [
        {**task, "containers": [_with_command(it, parameters) for it in task["containers"]]}
        for task in given["taskProperties"]
    ]
    return {**given, "taskProperties": tasks}


def _in_pod(given: Json, parameters: Json) -> Json:
    pod = dict(given["podProperties"])
    for key in ("containers", "initContainers"):
        if key in pod:
            pod[key] = [_with_command(it, parameters) for it in pod[key]]
    return {**given, "podProperties": pod}


def _in_nodes(given: Json, parameters: Json) -> Json:
    places: dict[str, Any] = {"container": _with_command, "ecsProperties": _in_tasks, "eksProperties": _in_pod}
    ranges = [
        {**it, **{key: put(it[key], parameters) for key, put in places.items() if key in it}}
        for it in given["nodeRangeProperties"]
    ]
    return {**given, "nodeRangeProperties": ranges}


@documented("https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html#parameters")
def substituted(command: list[str], parameters: Json) -> list[str]:
    """`Ref::NAME` in a command stands for the parameter NAME, of the submission or else of the definition."""

    def value(found: re.Match[str]) -> str:
        return str(_known(found[1], parameters))

    return [_REFERENCE.sub(value, word) for word in command]


@observed("AWS's own message in public logs of SubmitJob")
def _known(name: str, parameters: Json) -> str:
    """A command that refers to a parameter which nobody gave is refused."""
    if name not in parameters:
        raise Refused(f"Unable to substitute value. No parameter found for reference {name}")
    return str(parameters[name])


_APPLY: dict[str, Callable[[Json, Json], Json]] = {
    "containerProperties": _container,
    "ecsProperties": _tasks,
    "eksProperties": _pod,
    "nodeProperties": _nodes,
}
_FILL: dict[str, Callable[[Json, Json], Json]] = {
    "containerProperties": lambda given, parameters: {"container": _with_command(given, parameters)},
    "ecsProperties": lambda given, parameters: {"container": {}, "ecsProperties": _in_tasks(given, parameters)},
    "eksProperties": lambda given, parameters: {"eksProperties": _in_pod(given, parameters), "eksAttempts": []},
    "nodeProperties": lambda given, parameters: {"nodeProperties": _in_nodes(given, parameters)},
}
