"""Arrays: a parent that never runs, and its children, each a job of its own."""

from collections.abc import Iterator

from providers.simulator.catalogue import CHILD
from providers.simulator.jobs import attempts, dependencies, lines
from providers.simulator.jobs.records import ENDED, UNFINISHED, USER_GUIDE, find, milliseconds, wake
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import assumed, documented

_PAGE = USER_GUIDE + "array_jobs.html"
_OF_THE_PARENT = ("size", "each", "sequential", "dependents", "followers", "spread", "waits", "awaited", "withdrawn")


@documented(_PAGE)
def spread(world: World, parent: Thing) -> None:
    """An array waits as PENDING while its children, one for each index, are jobs of their own: ID:INDEX."""
    parent.shown["status"] = "PENDING"
    parent.kept["spread"] = True
    followers = parent.kept.pop("followers", [])
    parent.steps = []
    world.save(parent)
    lines.join(world, parent.shown["jobQueue"].rpartition("/")[2], _ready(world, parent))
    dependencies.tell(world, parent, followers)


def _ready(world: World, parent: Thing) -> Iterator[Thing]:
    """Make the children one by one; yield, unsaved, those that wait for nothing."""
    awaited: dict[str, list[str]] = parent.kept.pop("awaited", {})
    withdrawn: dict[str, list[str]] = parent.kept.pop("withdrawn", {})
    for index in range(parent.kept["size"]):
        child = _child(world, parent, index)
        if str(index) in awaited:
            child.kept.setdefault("dependents", []).extend(awaited[str(index)])
        if str(index) in withdrawn:
            _is_withdrawn(world, child, *withdrawn[str(index)])
        if child.kept.get("waits") or child.kept.get("doomed"):
            world.save(child)
        else:
            yield child


@assumed("the children of an array are described before it is told that they begin")
def _is_withdrawn(world: World, child: Thing, flag: str, reason: str) -> None:
    """A child of an array that was ended before the array had spread ends as soon as it is there."""
    child.shown[flag] = True
    child.kept["doomed"] = reason
    if not child.kept.get("waits"):
        wake(child, world.now)


def _child(world: World, parent: Thing, index: int) -> Thing:
    name = f"{parent.name}:{index}"
    kept = {key: value for key, value in parent.kept.items() if key not in _OF_THE_PARENT}
    kept["outcomes"] = attempts.of_child(kept["outcomes"], index)
    shown = {
        **parent.shown,
        "jobId": name,
        "jobArn": world.arn(CHILD, name),
        "arrayProperties": {"index": index},
        "createdAt": milliseconds(world.now),
        "status": "PENDING",
        "attempts": [],
    }
    child = Thing(CHILD, name, shown, kept, parent=parent.name)
    for other in parent.kept.get("each", []):
        dependencies.pair(world, child, other, index)
    if parent.kept.get("sequential"):
        _one_by_one(child, index, parent)
    return child


@documented(_PAGE)
def _one_by_one(child: Thing, index: int, parent: Thing) -> None:
    """In a SEQUENTIAL array each child waits for the one before it."""
    if index:
        child.kept.setdefault("waits", []).append(f"{parent.name}:{index - 1}")
    if index + 1 < parent.kept["size"]:
        child.kept["dependents"] = [f"{parent.name}:{index + 1}"]


@documented(_PAGE)
def count_off(world: World, child: Thing) -> tuple[Thing, str] | None:
    """An array succeeds when all its children have, and fails, once all have ended, if one of them has failed.

    Returns the parent with the status that it comes to, or None while children are left. What is asked for each of
    10,000 children is whether another is left, not how many.
    """
    if any(world.transaction.last(CHILD.key, child.parent, status) for status in UNFINISHED):
        return None
    counted = world.transaction.tally(CHILD.key, child.parent)
    parent = find(world, child.parent)
    return (parent, "FAILED" if counted.get("FAILED") else "SUCCEEDED") if parent else None


@documented(USER_GUIDE + "job_states.html")
def forget(world: World, parent: Thing) -> None:
    """The children of an array are known for as long as it is, however long ago they have ended."""
    for child in list(world.walk(CHILD, parent=parent.name)):
        world.drop(child)


@documented(API + "API_ArrayPropertiesDetail.html")
def summary(world: World, parent: Thing) -> Json:
    """An array shows how many of its children are in each status, and as of when."""
    counted = world.transaction.tally(CHILD.key, parent.name)
    statuses = {status: counted.get(status, 0) for status in (*UNFINISHED, *ENDED)}
    return {
        "size": parent.kept["size"],
        "statusSummary": statuses,
        "statusSummaryLastUpdatedAt": milliseconds(world.now),
    }
