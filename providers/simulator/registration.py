"""What RegisterJobDefinition refuses. Containers are judged in `containers`, pods in `pods`."""

import json
import re
from collections.abc import Iterable, Set

from providers.simulator import containers, pods, tags
from providers.simulator.jobs.nodes import bounds
from providers.simulator.lifecycle import API, Json, World, name_is_well_formed
from providers.simulator.rules import Refused, assumed, documented, observed

_REGISTER = API + "API_RegisterJobDefinition.html"
_NODES = API + "API_NodeProperties.html"
_RANGE = API + "API_NodeRangeProperty.html"
_PROPERTIES = ("containerProperties", "ecsProperties", "eksProperties")
_OF_A_RANGE = ("container", "ecsProperties", "eksProperties")
_TARGET = re.compile(r"[0-9]{1,9}|[0-9]{0,9}:[0-9]{0,9}")
_PATTERNS = {
    "onExitCode": re.compile(r"[0-9]{0,512}\*?"),
    "onReason": re.compile(r"[A-Za-z0-9.:\s]{0,512}\*?"),
    "onStatusReason": re.compile(r"[A-Za-z0-9.:\s]{0,512}\*?"),
}


def check(world: World, request: Json) -> None:
    """Refuse a registration that Batch refuses."""
    name_is_well_formed(request["jobDefinitionName"], "jobDefinitionName")
    _is_small(world, request)
    _has_one_sort_of_properties(request)
    _kubernetes_has_its_own(request)
    check_attempts(request)
    priority_is_in_range("schedulingPriority", request)
    quantities_are_positive(request.get("consumableResourceProperties", {}))
    nodes_are_few(world, request.get("nodeProperties", {}))
    check_properties(request)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))


def check_attempts(request: Json) -> None:
    """Refuse what a registration, or a submission, says of retries and timeouts."""
    _attempts_are_told(request.get("retryStrategy"))
    _attempts_are_in_range(request.get("retryStrategy", {}))
    _conditions_are_few(request.get("retryStrategy", {}))
    _conditions_are_patterns(request.get("retryStrategy", {}))
    _timeout_is_long(request)


def check_properties(request: Json) -> None:
    """Refuse containers, tasks, pods and nodes, as they are registered or as a submission overrides them."""
    platforms = frozenset(request.get("platformCapabilities", [])) or frozenset({"EC2"})
    _managed_instances_run_tasks(request, platforms)
    if "nodeProperties" in request:
        _check_nodes(request["nodeProperties"], platforms)
    else:
        _check_part(request, platforms, nodes=False)


def _check_nodes(nodes: Json, platforms: Set[str]) -> None:
    _nodes_run_on_machines(platforms)
    _main_node_is_there(nodes)
    targets = [node["targetNodes"] for node in nodes["nodeRangeProperties"]]
    for target in targets:
        _target_is_a_range(target)
        _range_is_of_the_nodes(target, nodes["numNodes"])
    _ranges_cover_all_nodes(targets, nodes["numNodes"])
    for node in nodes["nodeRangeProperties"]:
        _range_has_one_sort_of_properties(node)
        _range_has_one_instance_type(node)
        quantities_are_positive(node.get("consumableResourceProperties", {}))
        _check_part(node, platforms, nodes=True)
    _ranges_share_an_orchestration(nodes)


def _check_part(given: Json, platforms: Set[str], nodes: bool) -> None:
    container = given.get("container", given.get("containerProperties"))
    if container is not None:
        containers.check_container(container, platforms, nodes)
    if "ecsProperties" in given:
        _there_is_one_task(given["ecsProperties"])
        for task in given["ecsProperties"]["taskProperties"]:
            containers.check_task(task, platforms)
    if "podProperties" in given.get("eksProperties", {}):
        pods.check(given["eksProperties"]["podProperties"])


@documented("https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html")
def _is_small(world: World, request: Json) -> None:
    """A request to register a definition has up to 24 KiB."""
    if len(json.dumps(request, separators=(",", ":")).encode()) > world.settings.quotas.definition_bytes:
        raise Refused(f"Job definition size exceeds {world.settings.quotas.definition_bytes} bytes")


@documented(_REGISTER)
def _has_one_sort_of_properties(request: Json) -> None:
    """A container definition has container, ECS or EKS properties, one of them; a multinode one has nodes."""
    given = [key for key in _PROPERTIES if key in request]
    nodes = "nodeProperties" in request
    if request["type"] == "multinode" and (not nodes or given):
        raise Refused("nodeProperties must be provided, alone, for a multinode job definition")
    if request["type"] == "container" and (nodes or len(given) != 1):
        raise Refused("Exactly one of containerProperties, ecsProperties, eksProperties must be provided")


@documented(_REGISTER)
def _kubernetes_has_its_own(request: Json) -> None:
    """Platform capabilities and the propagation of tags are not for definitions that run on EKS."""
    for key in ("platformCapabilities", "propagateTags"):
        if runs_on_kubernetes(request) and request.get(key):
            raise Refused(f"{key} is not supported for EKS job definitions")


def runs_on_kubernetes(request: Json) -> bool:
    """Tell whether a definition, or a range of its nodes, has EKS properties."""
    ranges = request.get("nodeProperties", {}).get("nodeRangeProperties", [])
    return "eksProperties" in request or any("eksProperties" in node for node in ranges)


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _attempts_are_told(retry: Json | None) -> None:
    """A retry strategy says how many attempts there are; an empty one is refused."""
    if retry is not None and "attempts" not in retry:
        raise Refused("RetryAttempts must be provided with retry strategy")


@documented(API + "API_RetryStrategy.html")
def _attempts_are_in_range(retry: Json) -> None:
    """There are 1 to 10 attempts."""
    if not 1 <= retry.get("attempts", 1) <= 10:
        raise Refused("attempts must be between 1 and 10")


@documented(API + "API_RetryStrategy.html")
def _conditions_are_few(retry: Json) -> None:
    """There are up to 5 conditions of retry."""
    if len(retry.get("evaluateOnExit", [])) > 5:
        raise Refused("evaluateOnExit can have up to 5 entries")


@documented(API + "API_EvaluateOnExit.html")
def _conditions_are_patterns(retry: Json) -> None:
    """A condition is of up to 512 letters, digits, periods, colons, blanks (of digits for exit codes), and a last *."""
    for condition in retry.get("evaluateOnExit", []):
        for key, pattern in _PATTERNS.items():
            value = condition.get(key, "")
            if len(value) > 512 or not pattern.fullmatch(value):
                raise Refused(f"{key} is not a valid pattern: {value[:60]}")


@documented(API + "API_JobTimeout.html")
def _timeout_is_long(request: Json) -> None:
    """A timeout is 60 s or more."""
    if request.get("timeout", {}).get("attemptDurationSeconds", 60) < 60:
        raise Refused("attemptDurationSeconds must be at least 60")


@documented(_REGISTER)
def priority_is_in_range(key: str, request: Json) -> None:
    """A scheduling priority, of a definition or of a job, is 0 to 9999."""
    if not 0 <= request.get(key, 0) <= 9999:
        raise Refused(f"{key} must be between 0 and 9999")


@assumed("less than one of a resource is no need of it")
def quantities_are_positive(given: Json) -> None:
    """A job, or a node, needs at least 1 of each consumable resource that it names."""
    if any(need.get("quantity", 1) < 1 for need in given.get("consumableResourceList", [])):
        raise Refused("quantity of a consumable resource must be at least 1")


@assumed("AWS names no most; each node takes an instance or a share of one")
def nodes_are_few(world: World, nodes: Json) -> None:
    """A multi-node parallel job has up to 1000 nodes."""
    if nodes.get("numNodes", 1) > world.settings.quotas.nodes:
        raise Refused(f"numNodes must be at most {world.settings.quotas.nodes}")


@documented(_REGISTER)
def _managed_instances_run_tasks(request: Json, platforms: Set[str]) -> None:
    """A definition for managed instances has ECS properties, and no nodes."""
    if "MANAGED_INSTANCES" in platforms and "ecsProperties" not in request:
        raise Refused("ecsProperties must be provided for job definitions with MANAGED_INSTANCES")


@documented(API + "API_EcsProperties.html")
def _there_is_one_task(given: Json) -> None:
    """ECS properties have one task."""
    if len(given["taskProperties"]) != 1:
        raise Refused("taskProperties must have exactly 1 element")


@documented(_REGISTER)
def _nodes_run_on_machines(platforms: Set[str]) -> None:
    """Multi-node parallel jobs do not run on Fargate."""
    if "FARGATE" in platforms:
        raise Refused("nodeProperties is not applicable for Fargate.")


@documented(_NODES)
def _main_node_is_there(nodes: Json) -> None:
    """There is a node, and the main one has an index below the number of nodes."""
    if not 0 <= nodes["mainNode"] < nodes["numNodes"]:
        raise Refused("mainNode must be the index of one of numNodes nodes")


@documented(f"{_RANGE}; insitro/redun for a single number")
def _target_is_a_range(target: str) -> None:
    """A range of nodes is FIRST:LAST, of which either may be left out, or the number of one node."""
    if not _TARGET.fullmatch(target):
        raise Refused(f"targetNodes {target[:60]} must be of the form FIRST:LAST")


@documented(_RANGE)
def _range_is_of_the_nodes(target: str, most: int) -> None:
    """A range does not end before it begins, nor beyond the last node."""
    first, last = bounds(target, most)
    if not first <= last < most:
        raise Refused(f"targetNodes {target} is not a range of {most} nodes")


@documented(_RANGE)
def _ranges_cover_all_nodes(targets: Iterable[str], most: int) -> None:
    """The ranges together are all nodes; one may lie within another."""
    following = 0
    for first, last in sorted(bounds(target, most) for target in targets):
        if first <= following:
            following = max(following, last + 1)
    if following < most:
        raise Refused(f"nodeRangeProperties must account for all nodes (0:{most - 1})")


@documented(_RANGE)
def _range_has_one_sort_of_properties(node: Json) -> None:
    """A range of nodes has a container, ECS or EKS properties, one of them."""
    if sum(key in node for key in _OF_A_RANGE) != 1:
        raise Refused("Exactly one of container, ecsProperties, eksProperties must be provided for a node range")


@documented(_RANGE)
def _range_has_one_instance_type(node: Json) -> None:
    """A range of nodes names up to one instance type."""
    if len(node.get("instanceTypes", [])) > 1:
        raise Refused("instanceTypes of a node range can have up to 1 element")


@documented(_NODES)
def _ranges_share_an_orchestration(nodes: Json) -> None:
    """The ranges of nodes run all on ECS or all on EKS."""
    if len({"eksProperties" in node for node in nodes["nodeRangeProperties"]}) > 1:
        raise Refused("Node ranges must use the same orchestration type")
