"""How a job gets on: SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, and then SUCCEEDED or FAILED.

`went_on`, `environment_changed` and `queue_changed` are what the clock calls (`lifecycle.advance`), `supplies_changed`
is for who changes a consumable resource; a step of a job is nothing but an alarm, and what it means depends on where
the job stands. Whoever ends a job from outside calls `end` or, where the job may try again, `stop_attempt`; whoever
takes the host of jobs away, `recycle` or `strand`.
"""

import math
from collections.abc import Iterable

from providers.simulator.catalogue import CHILD, ENVIRONMENT, JOB
from providers.simulator.jobs import arrays, attempts, blocking, dependencies, lines, placing, supplies
from providers.simulator.jobs.records import ENDED as ENDED
from providers.simulator.jobs.records import UNFINISHED as UNFINISHED
from providers.simulator.jobs.records import USER_GUIDE, job_of, milliseconds, queue_of, wake
from providers.simulator.jobs.records import find as find
from providers.simulator.lifecycle import API, Thing, World
from providers.simulator.rules import assumed, documented, observed

_KEPT = 7 * 86400


def went_on(world: World, job: Thing) -> None:
    """Do what is next for a job whose alarm has rung."""
    status = job.shown["status"]
    evicted = job.kept.get("evicted")
    if evicted and evicted["due"] <= world.now and status in ("STARTING", "RUNNING"):
        stop_attempt(world, job, evicted["reason"])
        return
    match status:
        case "SUBMITTED" | "PENDING":
            _get_ready(world, job)
        case "RUNNABLE":
            reason = blocking.limit_reached(world, job)
            if reason:
                end(world, job, reason)
        case "STARTING":
            _run(world, job)
        case "RUNNING":
            came = job.kept["outcome"]
            stop_attempt(world, job, came["status_reason"], came["reason"], came["exit_code"])
        case _:
            arrays.forget(world, job)
            world.drop(job)


def environment_changes(environment: Thing) -> None:
    """Keep, before an environment is updated, what it offers to jobs until the update has ended. Does not save it."""
    environment.kept["before"] = placing.offer(environment.shown)


def environment_changed(world: World, environment: Thing) -> None:
    """Let jobs in that wait for an environment."""
    _place_all(world, placing.lines_of(world, environment))


def queue_changed(world: World, queue: Thing) -> None:
    place(world, queue)


def supplies_changed(world: World) -> None:
    """Let jobs start that have waited for a consumable resource of which there is more now."""
    _place_all(world, placing.lines(world))


@documented(USER_GUIDE + "job_states.html")
def _get_ready(world: World, job: Thing) -> None:
    """A job waits as PENDING for what it depends on, and is RUNNABLE once all of that has succeeded."""
    if job.kept.get("doomed"):
        finish(world, job, "FAILED", job.kept["doomed"])
    elif job.kept.get("waits"):
        job.shown["status"] = "PENDING"
        world.save(job)
    elif not job.kept.get("size"):
        wait_in_line(world, job)
    elif not job.kept.get("spread"):
        arrays.spread(world, job)
        queue = queue_of(world, job)
        if queue:
            place(world, queue)


def wait_in_line(world: World, job: Thing) -> None:
    """Make a job RUNNABLE, and start it if there is room."""
    lines.join(world, job.shown["jobQueue"].rpartition("/")[2], [job])
    queue = queue_of(world, job)
    if queue:
        place(world, queue)


def _place_all(world: World, queues: Iterable[Thing]) -> None:
    for queue in queues:
        place(world, queue)


def place(world: World, queue: Thing) -> None:
    """Start the jobs that wait in a queue, the first in line first, as far as there is room."""
    environments = placing.in_order(world, queue)
    changed: dict[str, Thing] = {}
    while not queue.kept.get("closed") and (row := world.transaction.first_in_line(queue.name)):
        job = job_of(row)
        environment = placing.room_for(world, environments, job)
        if environment is None:
            blocking.note(world, queue, environments, job)
            break
        _start(world, job, environment)
        changed[environment.name] = environment
    for environment in changed.values():
        world.save(environment)


def _start(world: World, job: Thing, environment: Thing) -> None:
    placing.occupy(environment, job.kept["vcpus"])
    supplies.take(world, job)
    lines.leave(job)
    job.kept["place"] = environment.name
    job.change({"status": "STARTING", "statusReason": None})
    attempts.begin(world, job, environment)
    _goes_on_until(job, world.now + world.settings.durations.job_starting)
    world.save(job)


def _run(world: World, job: Thing) -> None:
    job.shown.update(status="RUNNING", startedAt=milliseconds(world.now))
    attempts.run(job)
    outcome = attempts.outcome(world, job)
    job.kept["outcome"] = outcome
    _goes_on_until(job, world.now + outcome["seconds"])
    world.save(job)


def _goes_on_until(job: Thing, instant: float) -> None:
    job.kept["until"] = instant
    wake(job, instant)


def stop_attempt(world: World, job: Thing, status_reason: str, reason: str = "", exit_code: int | None = None) -> None:
    """End what a job does just now; it tries again where its retry strategy says so.

    `reason` is what the container tells, `status_reason` what the job tells.
    """
    attempts.end(job, world.now, status_reason, reason, exit_code)
    if exit_code == 0:
        finish(world, job, "SUCCEEDED", status_reason)
    elif attempts.tries_again(job, status_reason, reason, exit_code):
        _try_again(world, job)
    else:
        finish(world, job, "FAILED", status_reason)


@documented(USER_GUIDE + "job_retries.html")
def _try_again(world: World, job: Thing) -> None:
    """A job that is tried again is RUNNABLE, and may run elsewhere."""
    environment = _leave(world, job)
    attempts.forget(job)
    job.change({"statusReason": None, "startedAt": None})
    job.steps = []
    lines.join(world, job.shown["jobQueue"].rpartition("/")[2], [job])
    if environment:
        _place_all(world, placing.lines_of(world, environment))
    queue = queue_of(world, job)
    if queue:
        place(world, queue)


def finish(world: World, job: Thing, status: str, reason: str) -> None:
    """End a job for good, wherever it stands: its room is free for others, and who waits for it is told."""
    line = job.kept.get("line")
    environment = _leave(world, job)
    gave_back = supplies.give_back(world, job)
    waiters = [*job.kept.pop("dependents", []), *job.kept.pop("followers", [])]
    waiters += [name for names in job.kept.pop("awaited", {}).values() for name in names]
    lines.leave(job)
    job.kept["waits"] = []
    _is_kept_for_a_week(world, job)
    job.change({"status": status, "statusReason": reason or None, "stoppedAt": milliseconds(world.now)})
    world.save(job)
    dependencies.tell(world, job, waiters)
    ended = arrays.count_off(world, job) if job.kind is CHILD else None
    if ended:
        parent, came_to = ended
        finish(world, parent, came_to, "" if came_to == "SUCCEEDED" else _of_the_array(parent))
    if gave_back:
        supplies_changed(world)
    elif environment:
        _place_all(world, placing.lines_of(world, environment))
    elif line and (queue := queue_of(world, job)):
        place(world, queue)


@observed("array parents that failed, in public logs of DescribeJobs")
def _of_the_array(parent: Thing) -> str:
    """An array of which a child has failed says so, or for which reason it was ended."""
    return str(parent.kept.get("ended", "Array Child Job failed"))


@documented(USER_GUIDE + "job_states.html")
def _is_kept_for_a_week(world: World, job: Thing) -> None:
    """A job that has ended is known for seven days; Batch says, at least so long."""
    wake(job, *([] if job.kind is CHILD else [world.now + _KEPT]))


def _leave(world: World, job: Thing) -> Thing | None:
    """Give back the room that a job has; return the environment."""
    job.kept.pop("evicted", None)
    name = job.kept.pop("place", "")
    environment = world.read(ENVIRONMENT, name) if name else None
    if environment:
        placing.occupy(environment, -job.kept["vcpus"])
        world.save(environment)
    return environment


def unfinished(world: World, queue: Thing) -> list[Thing]:
    """Return the jobs of a queue that have not ended; of an array the parent."""
    return [job for status in UNFINISHED for job in world.walk(JOB, parent=queue.name, status=status)]


@documented(API + "API_DeleteJobQueue.html")
def end_all(world: World, queue: Thing) -> None:
    """Deleting a queue ends all jobs that are in it."""
    queue.kept["closed"] = True
    world.save(queue)
    for job in unfinished(world, queue):
        end(world, job, "Job queue deleted")


def end(world: World, job: Thing, reason: str, *flags: str) -> None:
    """Fail a job, and the children of an array, without another attempt; each shows these flags."""
    if job.kept.get("spread"):
        job.kept["ended"] = reason
        job.shown.update(dict.fromkeys(flags, True))
        world.save(job)
        for status in UNFINISHED:
            for child in list(world.walk(CHILD, parent=job.name, status=status)):
                end(world, child, reason, *flags)
    current = find(world, job.name)
    if current and current.shown["status"] in UNFINISHED:
        current.shown.update(dict.fromkeys(flags, True))
        if current.shown["status"] in ("STARTING", "RUNNING"):
            attempts.end(current, world.now, reason, exit_code=attempts.killed(current))
        finish(world, current, "FAILED", reason)


@documented(API + "API_UpdatePolicy.html")
def recycle(world: World, environment: Thing, terminate: bool, minutes: int) -> float:
    """In an infrastructure update running jobs are stopped at once, or else after so many minutes.

    Returns the seconds after which no job runs any more that was there when the update began.
    """
    grace = 0 if terminate else minutes * 60
    return max((min(_left(world, job), _evict(world, job, grace)) for job in _jobs_in(world, environment)), default=0)


@assumed("Batch terminates the instances of an environment that is deleted")
def strand(world: World, environment: Thing) -> None:
    """Jobs on instances of an environment that is deleted lose their host."""
    for job in _jobs_in(world, environment):
        _evict(world, job, 0)


def _jobs_in(world: World, environment: Thing) -> list[Thing]:
    rows = world.transaction.in_place(environment.name)
    return [job_of(row) for row in rows if row.kind in (JOB.key, CHILD.key)]


@observed("saebyn/glowing-telegram#564")
def _evict(world: World, job: Thing, seconds: float) -> float:
    """A job whose instance is taken away ends with `Host EC2 (instance ID) terminated.`, and may be tried again."""
    reason = f"Host EC2 (instance {job.kept.get('instance')}) terminated."
    due = min(world.now + seconds, job.kept.get("evicted", {}).get("due", math.inf))
    job.kept["evicted"] = {"due": due, "reason": reason}
    wake(job, job.kept["until"])
    world.save(job)
    return float(due - world.now)


def _left(world: World, job: Thing) -> float:
    """Return the seconds for which an attempt goes on if nobody stops it."""
    left = float(job.kept["until"] - world.now)
    return left if job.shown["status"] == "RUNNING" else left + float(attempts.outcome(world, job)["seconds"])
