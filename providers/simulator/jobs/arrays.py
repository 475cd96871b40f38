"""Arrays: a parent that never runs, and its children, each a job of its own."""

from providers.simulator.catalogue import CHILD
from providers.simulator.jobs import attempts, dependencies
from providers.simulator.jobs.records import ENDED, UNFINISHED, USER_GUIDE, find, milliseconds
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import documented

_PAGE = USER_GUIDE + "array_jobs.html"
_OF_THE_PARENT = ("size", "each", "sequential", "dependents", "followers", "spread", "waits")


@documented(_PAGE)
def spread(world: World, parent: Thing) -> None:
    """An array waits as PENDING while its children, one for each index, are jobs of their own: ID:INDEX."""
    parent.shown["status"] = "PENDING"
    parent.kept["spread"] = True
    followers = parent.kept.pop("followers", [])
    parent.steps = []
    world.save(parent)
    for index in range(parent.kept["size"]):
        world.save(_child(world, parent, index))
    dependencies.tell(world, parent, followers)


def _child(world: World, parent: Thing, index: int) -> Thing:
    name = f"{parent.name}:{index}"
    kept = {key: value for key, value in parent.kept.items() if key not in _OF_THE_PARENT}
    kept["of"] = parent.kept["size"]
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
    if not child.kept.get("waits") and not child.kept.get("doomed"):
        shown["status"] = "RUNNABLE"
        kept["line"] = shown["jobQueue"].rpartition("/")[2]
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

    Counters keep the count: to write the parent anew for each of 10,000 children would take longer than they do.
    Returns the parent with the status that it comes to, or None while children are left.
    """
    if child.shown["status"] == "FAILED":
        world.count(f"failed/{child.parent}")
    ended = world.count(f"ended/{child.parent}")
    parent = find(world, child.parent) if ended >= child.kept["of"] else None
    if parent is None or parent.shown["status"] in ENDED or ended < parent.kept["size"]:
        return None
    return parent, "SUCCEEDED" if world.count(f"failed/{child.parent}") == 1 else "FAILED"


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
