"""Tasks of definitions with `ecsProperties`: their containers together. What holds of each one is in `containers`."""

from plans.demands.containers import needs_of, of_needs, sized
from plans.demands.demand import Demand, of, outside, says, twice, unknown
from plans.demands.job_definition import on_fargate, platforms
from providers.kinds.facts import page
from providers.resources import Document

_TASK = page("EcsTaskProperties")
_OF_TASK = page("TaskContainerProperties")
_NEED = page("ResourceRequirement")
_WAIT = page("TaskContainerDependency")


def _containers(task: Document) -> list[Document]:
    return list(task.get("containers") or ())


def _waits_for_none(task: Document) -> bool:
    names = [each.get("name") for each in _containers(task)]
    return any(
        wait.get("containerName") not in names or wait.get("containerName") == each.get("name")
        for each in _containers(task)
        for wait in each.get("dependsOn") or ()
    )


def _waits_for_ever(task: Document) -> bool:
    """Whether a container waits for the end of one that is essential: when that one ends, all end."""
    essential = {each.get("name") for each in _containers(task) if each.get("essential", True)}
    return any(
        wait.get("condition") in ("COMPLETE", "SUCCESS") and wait.get("containerName") in essential
        for each in _containers(task)
        for wait in each.get("dependsOn") or ()
    )


DEMANDS = (
    Demand(
        "tasks",
        "EcsProperties.taskProperties",
        lambda part, _: len(part.get("taskProperties") or ()) != 1,
        "there is exactly one task",
        "name one",
        page("EcsProperties"),
    ),
    Demand(
        "containers",
        "EcsTaskProperties.containers",
        lambda part, _: not 1 <= len(_containers(part)) <= 10,
        "a task has 1 to 10 containers",
        "name 1 to 10",
        page("EcsProperties"),
    ),
    Demand(
        "containers-twice",
        "EcsTaskProperties.containers",
        lambda part, _: twice(each["name"] for each in _containers(part) if "name" in each),
        "two containers have the same name",
        "name them apart",
        _OF_TASK,
    ),
    Demand(
        "nothing-essential",
        "EcsTaskProperties.containers",
        lambda part, _: bool(_containers(part)) and not any(each.get("essential", True) for each in _containers(part)),
        "no container is essential",
        "say essential: true of one",
        _OF_TASK,
    ),
    Demand(
        "waits-for-none",
        "EcsTaskProperties.containers",
        lambda part, _: _waits_for_none(part),
        "a container waits for itself, or for one that the task does not have",
        "name another container of the task under dependsOn",
        _WAIT,
    ),
    Demand(
        "waits-for-essential",
        "EcsTaskProperties.containers",
        lambda part, _: _waits_for_ever(part),
        "a container waits for the end of one that is essential",
        "say condition: START, or essential: false of the other",
        _WAIT,
    ),
    Demand(
        "condition-of-start",
        "TaskContainerDependency.condition",
        lambda part, _: part.get("condition") not in ("START", "COMPLETE", "SUCCESS"),
        "it is none of the words that this takes",
        "START, COMPLETE or SUCCESS",
        _WAIT,
    ),
    Demand(
        "ipc-mode",
        "EcsTaskProperties.ipcMode",
        lambda part, whole: (
            unknown(part, "ipcMode", "host", "task", "none") or ("ipcMode" in part and on_fargate(whole))
        ),
        "it is host, task or none, and Fargate does not take it",
        "leave it out on Fargate",
        _TASK,
    ),
    Demand(
        "pid-mode",
        "EcsTaskProperties.pidMode",
        lambda part, _: unknown(part, "pidMode", "host", "task"),
        "it is none of the words that this takes",
        "host or task",
        _TASK,
    ),
    Demand(
        "not-on-ec2",
        "EcsTaskProperties.networkConfiguration",
        lambda part, whole: says(part, "networkConfiguration") and not on_fargate(whole),
        "only Fargate takes it",
        "leave it out, or say platformCapabilities: [FARGATE]",
        _TASK,
    ),
    Demand(
        "network-mode",
        "EcsTaskProperties.networkMode",
        lambda part, whole: (
            "networkMode" in part and (part["networkMode"] != "host" or platforms(whole) != {"MANAGED_INSTANCES"})
        ),
        "it is host, and only for managed instances",
        "leave it out elsewhere",
        _TASK,
    ),
    Demand(
        "fargate-size",
        "EcsTaskProperties.containers",
        lambda part, whole: on_fargate(whole) and not sized(map(needs_of, _containers(part)), whole),
        "Fargate does not offer the memory with the vCPUs that the containers need together",
        "see the pairs on the page of ResourceRequirement",
        _NEED,
    ),
    *of_needs("TaskContainerProperties", lambda part: bool(needs_of(part))),
    *(
        Demand(
            "patience",
            f"TaskContainerProperties.{member}",
            of(
                member,
                lambda part, whole, member: outside(part, member, 2, 120 if on_fargate(whole) else float("inf")),
            ),
            "it is 2 seconds or more, and on Fargate up to 120",
            "name a time within",
            _OF_TASK,
        )
        for member in ("startTimeout", "stopTimeout")
    ),
)
