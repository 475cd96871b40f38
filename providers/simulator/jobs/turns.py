"""Whose turn it is: the order in which the service jobs of a queue are served."""

import functools

from providers.simulator.catalogue import SERVICE_ENVIRONMENT, SERVICE_JOB
from providers.simulator.jobs.capacity import Room, line_of, own_limit, policy_of, room_of, share_of
from providers.simulator.jobs.records import job_of
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import assumed, documented


@documented(API + "API_UpdateServiceJob.html")
def rank(queue: Thing, job: Thing) -> int:
    """Under a policy jobs of a higher priority go first in their share; elsewhere, and among equals, the older one."""
    return -priority(job) if "schedulingPolicyArn" in queue.shown else 0


def fronts(world: World, queue: Thing, environment: Thing) -> list[Thing]:
    """Return the jobs that may be served next, the first to be tried first."""
    heads = [*first_of_each_share(world, queue).values()]
    policy = policy_of(world, queue)
    if "quotaSharePolicy" in policy:
        return sorted(heads, key=functools.partial(_borrows, room_of(world, queue, environment)))
    return _ordered(world, queue, policy, heads)[:1]


@documented(API + "API_QuotaSharePolicy.html")
def _borrows(room: Room, job: Thing) -> tuple[bool, int]:
    """Shares that stay within their own capacity are served first; those that borrow, in the order that jobs came."""
    unit, share = job.kept["unit"], job.shown["quotaShareName"]
    return room.used(unit, share) + job.kept["quantity"] > own_limit(room, job), job.seq


def first_of_each_share(world: World, queue: Thing) -> dict[str, Thing]:
    """Return the RUNNABLE job that is first in each share, by the name of the share."""
    lines = [line for line in world.transaction.lines() if line.startswith(f"{queue.name}/")]
    return {share_of(line): job_of(row) for line in lines if (row := world.transaction.first_in_line(line))}


def is_first(world: World, job: Thing) -> bool:
    """Tell whether a job is the first in its line."""
    row = world.transaction.first_in_line(line_of(job))
    return row is not None and row.name == job.name


def in_order(world: World, queue: Thing) -> list[Thing]:
    """Return the RUNNABLE service jobs of a queue in the order in which they are dispatched."""
    jobs = [job for job in world.walk(SERVICE_JOB, parent=queue.name, status="RUNNABLE") if job.kept.get("line")]
    return _ordered(world, queue, policy_of(world, queue), jobs)


def _ordered(world: World, queue: Thing, policy: Json, jobs: list[Thing]) -> list[Thing]:
    ranked = sorted(jobs, key=lambda job: (job.kept["rank"], job.seq))
    if "quotaSharePolicy" in policy:
        return _share_by_share(ranked)
    if "fairsharePolicy" in policy:
        return _by_least_use(policy["fairsharePolicy"], ranked, _use_of_shares(world, queue))
    return ranked


@assumed("a priority need not be told, and its range begins at 0")
def priority(job: Thing) -> int:
    """A service job without a priority has priority 0."""
    return int(job.shown.get("schedulingPriority", 0))


@assumed("Batch iterates through the quota shares of a queue; in which steps is not told")
def _share_by_share(jobs: list[Thing]) -> list[Thing]:
    """Quota shares are served in turn, one job each."""
    turns: dict[str, int] = {}
    ranked = []
    for job in jobs:
        share = job.shown["quotaShareName"]
        turns[share] = turns.get(share, 0) + 1
        ranked.append((turns[share], job.seq, job))
    return [job for *_, job in sorted(ranked, key=lambda entry: entry[:2])]


def _use_of_shares(world: World, queue: Thing) -> dict[str, float]:
    """Return what the shares of a queue use, in whatever environment their jobs are."""
    used: dict[str, float] = {}
    for environment in world.walk(SERVICE_ENVIRONMENT):
        for line, units in environment.kept.get("used", {}).items():
            if line.startswith(f"{queue.name}/"):
                used[share_of(line)] = used.get(share_of(line), 0) + sum(units.values())
    return used


@documented(API + "API_ShareAttributes.html")
def _by_least_use(policy: Json, jobs: list[Thing], used: dict[str, float]) -> list[Thing]:
    """Fair shares are served by what they use just now, times their weight: the least first."""
    lines: dict[str, list[Thing]] = {}
    for job in jobs:
        lines.setdefault(job.shown["shareIdentifier"], []).append(job)
    found: list[Thing] = []
    use = {share: used.get(share, 0.0) for share in lines}
    while lines:
        share = min(lines, key=lambda it: (use[it] * _weight(policy, it), lines[it][0].seq))
        job = lines[share].pop(0)
        use[share] += job.kept["quantity"]
        found.append(job)
        if not lines[share]:
            del lines[share]
    return found


@documented(API + "API_ShareAttributes.html")
def _weight(policy: Json, share: str) -> float:
    """The weight of a share is that of its identifier, or of the prefix that it begins with; else 1."""
    for entry in policy["shareDistribution"]:
        name = entry["shareIdentifier"]
        if name == share or (name.endswith("*") and share.startswith(name[:-1])):
            return float(entry["weightFactor"])
    return 1.0
