"""Nodes of multi-node parallel jobs: one stored job, of which every node can be described and listed by itself."""

import uuid
from collections import Counter
from collections.abc import Iterator

from providers.simulator.jobs.records import number_in
from providers.simulator.lifecycle import Json, Thing
from providers.simulator.rules import assumed, documented

_PAGE = "https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html"
_LIFE = "https://docs.aws.amazon.com/batch/latest/userguide/job-lifecycle.html"


def bounds(target: str, count: int) -> tuple[int, int]:
    """Return the first and the last node of a range such as `0:3`, `:3`, `2:` or `2`, among `count` nodes."""
    first, colon, last = target.partition(":")
    return int(first or 0), int(last or (count - 1 if colon else first))


@documented("https://docs.aws.amazon.com/batch/latest/APIReference/API_NodeRangeProperty.html")
def properties(nodes: Json, index: int) -> Json:
    """Of the ranges that hold a node the one that begins last speaks for it: nested ranges go before wider ones."""
    place = _speaker(_ranges(nodes), index)
    return {} if place is None else dict(nodes["nodeRangeProperties"][place])


def _ranges(nodes: Json) -> list[tuple[int, int]]:
    return [bounds(it["targetNodes"], nodes["numNodes"]) for it in nodes["nodeRangeProperties"]]


def _speaker(ranges: list[tuple[int, int]], index: int) -> int | None:
    fitting = [place for place, (first, last) in enumerate(ranges) if first <= index <= last]
    return max(fitting, key=lambda place: ranges[place][0], default=None)


def each(nodes: Json) -> Iterator[tuple[Json, int]]:
    """Yield the properties of ranges of nodes, each with the number of nodes for which it speaks."""
    ranges = _ranges(nodes)
    counted = Counter(_speaker(ranges, index) for index in range(nodes["numNodes"]))
    for place, it in enumerate(nodes["nodeRangeProperties"]):
        if counted[place]:
            yield it, counted[place]


def main(nodes: Json) -> Json:
    return properties(nodes, nodes["mainNode"])


def index_of(job_id: str) -> tuple[str, int] | None:
    """Return the job and the node that an id such as `ID#1` names, or None."""
    name, _, number = job_id.partition("#")
    index = number_in(number)
    return None if index is None else (name, index)


@documented(_LIFE)
def _status(job: Thing, index: int) -> str:
    """The main node starts first, and the other nodes once it runs; until then they are RUNNABLE."""
    status = str(job.shown["status"])
    behind = status == "STARTING" and index != job.shown["nodeProperties"]["mainNode"]
    return "RUNNABLE" if behind else status


@documented(_PAGE)
def view(job: Thing, index: int) -> Json | None:
    """A node is described as ID#INDEX, with its own container; None where the job has no such node."""
    nodes = job.shown.get("nodeProperties")
    if nodes is None or not 0 <= index < nodes["numNodes"]:
        return None
    shown = {key: value for key, value in job.shown.items() if key != "nodeProperties"}
    container = properties(nodes, index).get("container")
    if container is not None:
        interfaces = _interfaces(job.kept.get("task", {}), index)
        shown["container"] = {**container, **_task(job, index), **_told(job, index), "networkInterfaces": interfaces}
    shown["attempts"] = [_attempt(it, index) for it in job.shown["attempts"]]
    return {
        **shown,
        "jobId": f"{job.name}#{index}",
        "jobArn": f"{job.arn}#{index}",
        "status": _status(job, index),
        "nodeDetails": {"nodeIndex": index, "isMainNode": index == nodes["mainNode"]},
    }


def _attempt(attempt: Json, index: int) -> Json:
    container = attempt.get("container", {})
    return {**attempt, "container": {**container, "networkInterfaces": _interfaces(container, index)}}


@documented("https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html")
def _interfaces(task: Json, index: int) -> list[Json]:
    """A node has a network interface of its own, with a private IPv4 address, from the time that it is placed."""
    if "taskArn" not in task:
        return []
    unique = uuid.uuid5(uuid.NAMESPACE_OID, f"{task['taskArn']}#{index}")
    return [{"attachmentId": str(unique), "privateIpv4Address": f"10.0.{unique.bytes[0]}.{unique.bytes[1]}"}]


def _task(job: Thing, index: int) -> Json:
    task: Json = job.kept.get("task", {})
    if index == job.shown["nodeProperties"]["mainNode"]:
        return task
    return {key: _another(value, index) for key, value in task.items()}


def _another(name: str, index: int) -> str:
    prefix, _, last = name.rpartition("/")
    return f"{prefix}/{uuid.uuid5(uuid.NAMESPACE_OID, f'{last}#{index}').hex}"


@assumed("a scenario tells how a job comes out, which is how its main node does")
def _told(job: Thing, index: int) -> Json:
    """The exit code and the reason of a job are those of its main node; other nodes show none."""
    if index != job.shown["nodeProperties"]["mainNode"] or not job.shown["attempts"]:
        return {}
    last = job.shown["attempts"][-1]["container"]
    return {key: last[key] for key in ("exitCode", "reason") if key in last}
