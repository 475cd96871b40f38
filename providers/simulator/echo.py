"""What describe shows of a registered job definition: what was sent, with AWS's additions and omissions."""

from collections.abc import Iterable

from providers.simulator.lifecycle import Json
from providers.simulator.registration import runs_on_kubernetes
from providers.simulator.rules import observed

_CONTAINER_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets")
_TASK_LISTS = ("command", "dependsOn", "environment", "mountPoints", "secrets", "ulimits")
_POD_LISTS = ("initContainers", "volumes", "imagePullSecrets")
_POD_CONTAINER_LISTS = ("args", "command", "env", "volumeMounts")


def as_shown(request: Json) -> Json:
    """Return the members of a definition as describe shows them. The request stays as it is."""
    shown = {**request, "parameters": request.get("parameters", {}), "tags": request.get("tags", {})}
    shown["containerOrchestrationType"] = "EKS" if runs_on_kubernetes(request) else "ECS"
    shown["type"] = request["type"].lower()
    _empty_is_not_shown(shown)
    _tags_are_not_propagated(shown)
    fargate = "FARGATE" in request.get("platformCapabilities", [])
    if "retryStrategy" in shown:
        shown["retryStrategy"] = _retry(shown["retryStrategy"])
    shown.update(_properties(request, fargate))
    if "nodeProperties" in request:
        nodes = request["nodeProperties"]
        shown["nodeProperties"] = {
            **nodes,
            "nodeRangeProperties": [_node(node) for node in nodes["nodeRangeProperties"]],
        }
    return shown


def _properties(given: Json, fargate: bool) -> Json:
    shown: Json = {}
    if "containerProperties" in given:
        shown["containerProperties"] = _container(given["containerProperties"], fargate)
    if "ecsProperties" in given:
        tasks = given["ecsProperties"]["taskProperties"]
        shown["ecsProperties"] = {**given["ecsProperties"], "taskProperties": [_task(task) for task in tasks]}
    if "eksProperties" in given:
        shown["eksProperties"] = {**given["eksProperties"]}
        if "podProperties" in given["eksProperties"]:
            shown["eksProperties"]["podProperties"] = _pod(given["eksProperties"]["podProperties"])
    return shown


def _with_lists(given: Json, keys: Iterable[str]) -> Json:
    return {**given, **{key: given.get(key, []) for key in keys}}


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _empty_is_not_shown(shown: Json) -> None:
    """A timeout that is sent empty is not returned."""
    if shown.get("timeout") == {}:
        del shown["timeout"]


@observed("go-to-k/cdk-real-drift#1501")
def _tags_are_not_propagated(shown: Json) -> None:
    """`propagateTags` is shown as false where it was not sent, except on EKS."""
    if shown["containerOrchestrationType"] == "ECS":
        shown.setdefault("propagateTags", False)


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _retry(given: Json) -> Json:
    """The action of a condition of retry comes back in lower case."""
    if "evaluateOnExit" not in given:
        return given
    return {**given, "evaluateOnExit": [{**rule, "action": rule["action"].lower()} for rule in given["evaluateOnExit"]]}


@observed("hashicorp/terraform-provider-aws#19624")
def _container(given: Json, fargate: bool) -> Json:
    """A container shows its lists, empty where nothing was sent; on Fargate also platform version and system."""
    shown = _with_lists(_linux(_log(given)), _CONTAINER_LISTS)
    shown["environment"] = _environment(shown["environment"])
    if fargate:
        shown["fargatePlatformConfiguration"] = {
            "platformVersion": "LATEST",
            **given.get("fargatePlatformConfiguration", {}),
        }
        if "runtimePlatform" in given:
            defaults = {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"}
            shown["runtimePlatform"] = {**defaults, **given["runtimePlatform"]}
    return shown


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _environment(given: list[Json]) -> list[Json]:
    """Variables with an empty value, or with none, are dropped."""
    return [variable for variable in given if variable.get("value")]


@observed("hashicorp/terraform-provider-aws#19624")
def _log(given: Json) -> Json:
    """A log configuration shows options and secret options, empty where nothing was sent."""
    if "logConfiguration" not in given:
        return given
    return {**given, "logConfiguration": {"options": {}, "secretOptions": [], **given["logConfiguration"]}}


@observed("hashicorp/terraform-provider-aws#19624")
def _linux(given: Json) -> Json:
    """Linux parameters show devices and temporary file systems, empty where nothing was sent."""
    if "linuxParameters" not in given:
        return given
    linux = _with_lists(given["linuxParameters"], ("devices", "tmpfs"))
    linux["devices"] = [_with_lists(device, ("permissions",)) for device in linux["devices"]]
    linux["tmpfs"] = [_with_lists(mount, ("mountOptions",)) for mount in linux["tmpfs"]]
    return {**given, "linuxParameters": linux}


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _task(given: Json) -> Json:
    """A task shows platform version LATEST and empty lists; its containers are essential where nothing was sent."""
    shown = {"platformVersion": "LATEST", **_with_lists(given, ("volumes",))}
    return {**shown, "containers": [_task_container(container) for container in given["containers"]]}


def _task_container(given: Json) -> Json:
    shown = {"essential": True, **_with_lists(given, _TASK_LISTS)}
    shown["environment"] = _environment(shown["environment"])
    if "logConfiguration" in given:
        shown["logConfiguration"] = {"secretOptions": [], **given["logConfiguration"]}
    return shown


@observed("hashicorp/terraform-provider-aws acceptance tests")
def _pod(given: Json) -> Json:
    """A pod and its containers show empty lists; a container without a name is called Default."""
    shown = _with_lists(given, _POD_LISTS)
    for key in ("containers", "initContainers"):
        shown[key] = [{"name": "Default", **_with_lists(it, _POD_CONTAINER_LISTS)} for it in given.get(key, [])]
    return shown


@observed("go-to-k/cdk-real-drift#1501")
def _node(given: Json) -> Json:
    """A range of nodes shows its instance types, empty where nothing was sent."""
    shown = {**given, "instanceTypes": given.get("instanceTypes", []), **_properties(given, fargate=False)}
    if "container" in given:
        shown["container"] = _container(given["container"], fargate=False)
    return shown
