"""How a service job gets on: SUBMITTED, RUNNABLE, SCHEDULED, STARTING, RUNNING, and then SUCCEEDED or FAILED.

`went_on`, `environment_changed`, `share_changed` and `queue_changed` are what the clock calls (`lifecycle.advance`); a
step of a job is nothing but an alarm, and what it means depends on where the job stands. Whoever ends jobs from outside
calls `end`, or `end_all` for those of a queue, or `end_share` for those of a quota share.

In the `kept` of a service job are what `capacity` and `lines` need, its scenario (`outcomes`), since when it is first
in line and stuck (`blocked`), until when it is not scheduled again (`until`), and how long it was SCHEDULED in vain
(`vain`).
"""

import json
import re

from providers.simulator.catalogue import QUEUE, SERVICE_ENVIRONMENT, SERVICE_JOB
from providers.simulator.jobs import attempts, capacity, lines, preemption, turns
from providers.simulator.jobs.records import USER_GUIDE, milliseconds, wake
from providers.simulator.lifecycle import API, Json, Thing, World
from providers.simulator.rules import assumed, documented
from providers.simulator.service_environments import queues_of

UNFINISHED = ("SUBMITTED", "RUNNABLE", "SCHEDULED", "STARTING", "RUNNING")
_RECENT = 10
_KEPT = 7 * 86400
_NO_CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"


def new(world: World, queue: str, shown: Json, payload: Json) -> Thing:
    """Return a service job of a queue, not saved yet; what it takes, and how it comes out, is decided now."""
    facts = {"image": "", "command": "", "definition": "", "queue": queue, "name": shown["jobName"]}
    unit, quantity = capacity.need(payload)
    kept: Json = {"unit": unit, "quantity": quantity, "outcomes": attempts.outcomes_of(world, facts)}
    kept["share"] = shown.get("shareIdentifier", "")
    job = Thing(SERVICE_JOB, shown["jobId"], shown, kept, parent=queue)
    shown["capacityUsage"] = capacity.usage([job])
    return job


def went_on(world: World, job: Thing) -> None:
    """Do what is next for a job whose alarm has rung."""
    match job.shown["status"]:
        case "SUBMITTED":
            _wait_in_line(world, job)
        case "RUNNABLE":
            _look_again(world, job)
        case "SCHEDULED":
            _start(world, job)
        case "STARTING":
            _run(world, job)
        case "RUNNING":
            _come_out(world, job)


def environment_changed(world: World, environment: Thing) -> None:
    """Let jobs in that wait for a service environment."""
    for queue in sorted(queues_of(world, environment), key=_urgency):
        place(world, queue)


def share_changed(world: World, share: Thing) -> None:
    """Let jobs in that wait for room in a quota share, or for what it lends."""
    queue = world.read(QUEUE, share.parent)
    if queue:
        place(world, queue)


def queue_changed(world: World, queue: Thing) -> None:
    place(world, queue)


@documented(USER_GUIDE + "job_queue_parameters.html")
def _urgency(queue: Thing) -> int:
    """Of the queues that share a service environment the one with the higher priority is served first."""
    return -int(queue.shown["priority"])


def _wait_in_line(world: World, job: Thing) -> None:
    """Make a job RUNNABLE. One behind another changes nothing for anybody."""
    job.change({"status": "RUNNABLE", "statusReason": None})
    job.steps = []
    join(world, job)
    if turns.is_first(world, job):
        _serve(world, job)


def join(world: World, job: Thing) -> None:
    """Let a job wait in the line of its share, by its priority. Saves it."""
    job.kept["rank"] = turns.rank(world.find(QUEUE, job.parent), job)
    lines.join(world, capacity.line_of(job), [job])


def _serve(world: World, job: Thing, left: Thing | None = None) -> None:
    """Serve who waits where a job waited, or in the environment that it has left."""
    queue = world.read(QUEUE, job.parent)
    if left:
        environment_changed(world, left)
    if queue:
        place(world, queue)


def place(world: World, queue: Thing) -> None:
    """Schedule the service jobs that wait in a queue, as far as there is room."""
    while environment := capacity.environment_of(world, queue):
        if not capacity.takes_jobs(environment):
            return
        if not any(_try(world, queue, environment, job) for job in turns.fronts(world, queue, environment)):
            return


def _try(world: World, queue: Thing, environment: Thing, job: Thing) -> bool:
    """Schedule a job that is first in line, if there is room or room can be made; tell whether it was scheduled."""
    if job.kept.get("until", 0) > world.now:
        return False
    room = capacity.room_of(world, queue, environment)
    reason = capacity.misfit(room, job)
    if reason:
        _note(world, queue, job, reason)
        return False
    if not capacity.fits(room, job):
        victims = preemption.victims(world, environment, room, job)
        if not victims:
            return False
        for victim in victims:
            _preempt(world, victim)
    _schedule(world, world.find(SERVICE_ENVIRONMENT, environment.arn), job)
    return True


def _note(world: World, queue: Thing, job: Thing, reason: str) -> None:
    """Tell the first job in line why it is stuck, and set an alarm for when its queue loses patience."""
    before = (job.kept.get("blocked"), [instant for instant, _ in job.steps])
    if "blocked" not in job.kept:
        job.kept["since"] = world.now
    if "blocked" not in job.kept or job.shown.get("statusReason") != reason:
        job.shown["statusReason"] = reason
        job.kept["blocked"] = world.now
    limit = _limit(queue, job)
    wake(job, *([max(world.now, job.kept["blocked"] + limit["maxTimeSeconds"])] if limit else []))
    if before != (job.kept["blocked"], [instant for instant, _ in job.steps]):
        world.save(job)


@documented(USER_GUIDE + "sm_job_stuck_in_runnable_time_limit_actions.html")
def _limit(queue: Thing, job: Thing) -> Json:
    """A time limit is for the reason that it names, with which the reason that a service job shows begins."""
    shown = job.shown.get("statusReason", "")
    actions: list[Json] = queue.shown.get("jobStateTimeLimitActions", [])
    return next((action for action in actions if shown.partition(" - ")[0] == action["reason"]), {})


def _look_again(world: World, job: Thing) -> None:
    queue = world.read(QUEUE, job.parent)
    limit = _limit(queue, job) if queue else {}
    if limit and "blocked" in job.kept and world.now - job.kept["blocked"] >= limit["maxTimeSeconds"]:
        _terminate_at_limit(world, job, limit)
    elif queue:
        place(world, queue)


@documented(USER_GUIDE + "sm_job_stuck_in_runnable_misconfiguration.html")
def _terminate_at_limit(world: World, job: Thing, limit: Json) -> None:
    """A service job that was first in line and stuck for longer than its queue allows is terminated, and told why."""
    end(world, job, f"Terminated by JobStateTimeLimit action due to reason: {limit['reason']}")


@documented(USER_GUIDE + "service-job-submit.html")
def _schedule(world: World, environment: Thing, job: Thing) -> None:
    """A job for which there is room is passed to SageMaker AI, and is SCHEDULED until that has found instances."""
    durations = world.settings.durations
    capacity.take(world, environment, job)
    lines.leave(job)
    job.kept.pop("until", None)
    job.change({"status": "SCHEDULED", "statusReason": None, "startedAt": None, "scheduledAt": milliseconds(world.now)})
    job.shown["latestAttempt"] = {"serviceResourceId": {"name": "TrainingJobArn", "value": _training_job(world, job)}}
    seconds = durations.job_scheduled if _outcome(job).get("runs", True) else durations.job_without_capacity
    job.steps = [(world.now + seconds, {})]
    world.save(job)


@documented(USER_GUIDE + "service-job-events.html")
def _training_job(world: World, job: Thing) -> str:
    """Each attempt is a training job of its own: AWSBatch, the name from the payload, and an identifier."""
    name = json.loads(job.shown["serviceRequestPayload"]).get("TrainingJobName", job.shown["jobName"])
    identifier = world.unique(job.name).replace("-", "")
    prefix = f"arn:{world.partition}:sagemaker:{world.region}:{world.account}:training-job"
    return f"{prefix}/AWSBatch{str(name)[: 63 - len('AWSBatch') - len(identifier)]}{identifier}"


def _outcome(job: Thing) -> Json:
    """Return how the attempt that comes, or is on, comes out, {} where the scenario is silent."""
    number = len(job.shown["attempts"]) + 1
    rows: list[Json] = job.kept["outcomes"]
    return next((row for row in rows if number <= (row["attempts"] or number)), {})


def _start(world: World, job: Thing) -> None:
    if not _outcome(job).get("runs", True):
        _find_no_capacity(world, job)
        return
    job.kept.pop("vain", None)
    job.shown["status"] = "STARTING"
    job.steps = [(world.now + world.settings.durations.job_starting, {})]
    world.save(job)


@documented(USER_GUIDE + "sm_job_stuck_in_runnable_capacity.html")
def _find_no_capacity(world: World, job: Thing) -> None:
    """A job without instances is RUNNABLE again, which is no attempt; the time it was SCHEDULED for nothing adds up."""
    durations = world.settings.durations
    job.kept["vain"] = job.kept.get("vain", 0) + durations.job_without_capacity
    job.kept["until"] = world.now + durations.job_tried_again
    reason = f"{_NO_CAPACITY} - Unable to provision requested compute resources"
    job.change({"status": "RUNNABLE", "statusReason": reason})
    job.steps = [(job.kept["until"], {})]
    left = capacity.leave(world, job)
    join(world, job)
    queue = world.read(QUEUE, job.parent)
    limit = _limit(queue, job) if queue else {}
    if limit and job.kept["vain"] >= limit["maxTimeSeconds"]:
        _terminate_at_limit(world, job, limit)
    _serve(world, job, left)


def _run(world: World, job: Thing) -> None:
    outcome = _outcome(job)
    seconds = outcome.get("seconds")
    job.shown.update(status="RUNNING", startedAt=milliseconds(world.now))
    job.kept["seconds"] = world.settings.durations.job_running if seconds is None else seconds
    job.steps = [(world.now + min(job.kept["seconds"], _time_limit(job)), {})]
    world.save(job)


@documented(API + "API_ServiceJobTimeout.html")
def _time_limit(job: Thing) -> float:
    """An attempt that runs for longer than the timeout is terminated, and fails."""
    return float(job.shown.get("timeoutConfig", {}).get("attemptDurationSeconds", "inf"))


def _come_out(world: World, job: Thing) -> None:
    outcome = _outcome(job)
    code = outcome.get("exit_code", 0)
    if job.kept["seconds"] > _time_limit(job):
        _fail(world, job, "Job attempt duration exceeded timeout")
    elif code:
        _fail(world, job, _as_received(outcome["reason"] or f"AlgorithmError: , exit code: {code}"))
    else:
        reason = _as_received("Training job completed")
        _end_attempt(world, job, reason)
        _finish(world, job, "SUCCEEDED", reason)


@documented(USER_GUIDE + "service-job-retries.html")
def _as_received(told: str) -> str:
    """What SageMaker AI says is marked as such in the reason of a status."""
    return f"Received status from SageMaker: {told}"


def _fail(world: World, job: Thing, reason: str) -> None:
    _end_attempt(world, job, reason)
    if not _tries_again(job, reason):
        _finish(world, job, "FAILED", reason)
        return
    left = capacity.leave(world, job)
    _wait_in_line(world, job)
    _serve(world, job, left)


def _end_attempt(world: World, job: Thing, reason: str) -> None:
    job.shown["attempts"].append(_attempt(world, job, reason))


def _attempt(world: World, job: Thing, reason: str) -> Json:
    shown: Json = {**job.shown["latestAttempt"], "stoppedAt": milliseconds(world.now), "statusReason": reason}
    if "startedAt" in job.shown:
        shown["startedAt"] = job.shown["startedAt"]
    return shown


@documented(USER_GUIDE + "service-job-retries.html")
def _tries_again(job: Thing, reason: str) -> bool:
    """A failed service job is tried again up to its attempts, unless the first condition that fits says to exit."""
    strategy = job.shown["retryStrategy"]
    if len(job.shown["attempts"]) >= strategy["attempts"]:
        return False
    conditions: list[Json] = strategy["evaluateOnExit"]
    fitting = (it for it in conditions if _matches(it.get("onStatusReason", "*"), reason))
    first = next(fitting, {})
    return bool(first.get("action", "RETRY") == "RETRY")


@documented(USER_GUIDE + "service-job-retries.html")
def _matches(pattern: str, reason: str) -> bool:
    """In the pattern of a condition an asterisk stands for anything, wherever it is."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), reason, re.DOTALL) is not None


@documented(USER_GUIDE + "preemption.html")
def _preempt(world: World, job: Thing) -> None:
    """A preempted job is RUNNABLE again, or FAILED once it was preempted more often than it allows; it shows both."""
    attempt = _attempt(world, job, "Job preempted")
    before = job.shown.get("preemptionSummary", {"preemptedAttemptCount": 0, "recentPreemptedAttempts": []})
    count = before["preemptedAttemptCount"] + 1
    recent = _in_window([attempt, *before["recentPreemptedAttempts"]])
    job.shown["preemptionSummary"] = {"preemptedAttemptCount": count, "recentPreemptedAttempts": recent}
    capacity.leave(world, job)
    job.steps = []
    if count > job.shown.get("preemptionConfiguration", {}).get("preemptionRetriesBeforeTermination", count):
        job.change({"status": "FAILED", "statusReason": "Job preempted", "stoppedAt": milliseconds(world.now)})
        _is_kept_for_a_week(world, job)
        world.save(job)
    else:
        job.change({"status": "RUNNABLE", "statusReason": None, "startedAt": None})
        join(world, job)


@assumed("a sliding window is documented, its size is not; the samples of AWS read the newest first")
def _in_window(attempts: list[Json]) -> list[Json]:
    """The last ten preempted attempts are shown, the newest first."""
    return attempts[:_RECENT]


def _finish(world: World, job: Thing, status: str, reason: str) -> None:
    """End a job for good, wherever it stands: its room is free for others."""
    left = capacity.leave(world, job)
    lines.leave(job)
    _is_kept_for_a_week(world, job)
    job.shown.update(status=status, statusReason=reason, stoppedAt=milliseconds(world.now))
    world.save(job)
    _serve(world, job, left)


@documented(USER_GUIDE + "job_states.html")
def _is_kept_for_a_week(world: World, job: Thing) -> None:
    """A service job that has ended is known for seven days; Batch says, at least so long."""
    job.steps = [(world.now + _KEPT, None)]


@documented(USER_GUIDE + "terminate-service-jobs.html")
def end(world: World, job: Thing, reason: str) -> None:
    """A terminated service job fails, without another attempt, and so does the training job that it runs."""
    if "place" in job.kept:
        _end_attempt(world, job, reason)
    _finish(world, job, "FAILED", reason)


@documented(API + "API_DeleteJobQueue.html")
def end_all(world: World, queue: Thing) -> None:
    """Deleting a queue ends all service jobs that are in it."""
    _end_each(world, _unfinished(world, queue), "Job queue deleted")


@documented(API + "API_DeleteQuotaShare.html")
def end_share(world: World, share: Thing) -> None:
    """Deleting a quota share ends all service jobs that are in it."""
    queue = world.find(QUEUE, share.parent)
    ours = [
        job for job in _unfinished(world, queue) if job.shown.get("quotaShareName") == share.shown["quotaShareName"]
    ]
    _end_each(world, ours, "Quota share deleted")


def _unfinished(world: World, queue: Thing) -> list[Thing]:
    """Return the service jobs of a queue that have not ended, those first that take no room."""
    return [job for status in UNFINISHED for job in world.walk(SERVICE_JOB, parent=queue.name, status=status)]


def _end_each(world: World, jobs: list[Thing], reason: str) -> None:
    for job in jobs:
        current = world.read(SERVICE_JOB, job.name)
        if current and current.shown["status"] in UNFINISHED:
            end(world, current, reason)
