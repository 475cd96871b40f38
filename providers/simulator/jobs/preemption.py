"""Who makes room: the service jobs that are stopped for the sake of another."""

from providers.simulator.jobs.capacity import Room, fits, own_limit, place_of, quota_share_of
from providers.simulator.jobs.records import USER_GUIDE, job_of
from providers.simulator.jobs.turns import priority
from providers.simulator.lifecycle import Thing, World
from providers.simulator.rules import assumed, documented


def victims(world: World, environment: Thing, room: Room, job: Thing) -> list[Thing]:
    """Return the jobs to stop so that a job of a quota share finds room, [] where that would not do."""
    if quota_share_of(room, job) is None:
        return []
    busy = {row.name: job_of(row) for row in world.transaction.in_place(place_of(environment))}
    chosen: list[Thing] = []
    while left := [it for it in busy.values() if _owes(room, job, it) or _yields(room, job, it)]:
        chosen.append(busy.pop(_least(left).name))
        room = room.without(chosen[-1])
        if fits(room, job):
            return chosen
    return []


@documented(USER_GUIDE + "preemption.html")
def _owes(room: Room, job: Thing, other: Thing) -> bool:
    """A job within its share's own capacity preempts jobs of shares that take more than theirs."""
    if other.kept["unit"] != job.kept["unit"]:
        return False
    within = room.used(job.kept["unit"], job.shown["quotaShareName"]) + job.kept["quantity"] <= own_limit(room, job)
    return within and room.used(other.kept["unit"], other.shown["quotaShareName"]) > own_limit(room, other)


@documented(USER_GUIDE + "preemption.html")
def _yields(room: Room, job: Thing, other: Thing) -> bool:
    """A job preempts those of lower priority in its own share, where the share enables that."""
    share = quota_share_of(room, job)
    if share is None or share["preemptionConfiguration"]["inSharePreemption"] != "ENABLED":
        return False
    ours = other.shown["quotaShareName"] == job.shown["quotaShareName"] and other.kept["unit"] == job.kept["unit"]
    return ours and priority(other) < priority(job)


@assumed("Batch weighs borrowed instances, priorities and durations by a heuristic that it does not tell")
def _least(jobs: list[Thing]) -> Thing:
    """Of the jobs that could be preempted it is the one of the least priority, of those the one scheduled last."""
    return min(jobs, key=lambda job: (priority(job), -job.shown["scheduledAt"], -job.seq))
