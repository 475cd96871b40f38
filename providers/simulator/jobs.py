"""Jobs: enough of them to judge what a change of queues does to running work.

A job goes SUBMITTED, RUNNABLE, STARTING, RUNNING, SUCCEEDED on the clock; it waits in RUNNABLE for as long as its
queue has no environment that takes jobs. Where it stands is computed when somebody looks. Arrays, dependencies,
retries and what a job needs are not looked at.
"""

from collections.abc import Iterator

from providers.simulator import tags
from providers.simulator.catalogue import DEFINITION, ENVIRONMENT, JOB, QUEUE
from providers.simulator.lifecycle import API, Handler, Json, Thing, World, at_most_a_hundred, name_is_well_formed, page
from providers.simulator.rules import Refused, assumed, documented

_ENDED = ("SUCCEEDED", "FAILED")


def submit(world: World, request: Json) -> Json:
    name = request["jobName"]
    name_is_well_formed(name, "jobName")
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    queue = world.find(QUEUE, request["jobQueue"])
    _queue_takes_jobs(queue)
    definition = _active_definition(world, request["jobDefinition"])
    _share_is_told(queue, definition, request)
    job_id = world.unique(name)
    shown: Json = {
        "jobArn": world.arn(JOB, job_id),
        "jobName": name,
        "jobId": job_id,
        "jobQueue": queue.arn,
        "jobDefinition": definition.arn,
        "status": "SUBMITTED",
        "createdAt": _milliseconds(world.now),
        "tags": request.get("tags", {}),
        **{key: request[key] for key in ("shareIdentifier", "parameters", "dependsOn") if key in request},
    }
    world.save(Thing(JOB, job_id, shown, parent=queue.name))
    return {"jobArn": shown["jobArn"], "jobName": name, "jobId": job_id}


def show(world: World, request: Json) -> Json:
    at_most_a_hundred(request["jobs"], "jobs")
    things = [thing for key in dict.fromkeys(request["jobs"]) if (thing := world.look(JOB, key))]
    return {"jobs": [_detail(advanced(world, thing).shown) for thing in things]}


@documented(API + "API_ListJobs.html")
def list_jobs(world: World, request: Json) -> Json:
    """Jobs are listed by queue, those of one status: RUNNING where none is named."""
    _is_asked_by_queue(request)
    queue = world.find(QUEUE, request["jobQueue"])
    status = request.get("jobStatus", "RUNNING")

    def things(after: int) -> Iterator[Thing]:
        for thing in world.view(JOB, parent=queue.name, after=after):
            if advanced(world, thing).shown["status"] == status:
                yield thing

    return page(world, request, "jobSummaryList", things, lambda it: _summary(it.shown))


@documented(API + "API_CancelJob.html")
def cancel(world: World, request: Json) -> Json:
    """Cancel ends a job that has not started; one that has goes on."""
    return _end_one(world, request, ("SUBMITTED", "PENDING", "RUNNABLE"), "isCancelled")


@documented(API + "API_TerminateJob.html")
def terminate(world: World, request: Json) -> Json:
    """Terminate ends a job wherever it stands; ended jobs stay as they are."""
    return _end_one(world, request, ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"), "isTerminated")


OPERATIONS: dict[str, Handler] = {
    "SubmitJob": submit,
    "DescribeJobs": show,
    "ListJobs": list_jobs,
    "CancelJob": cancel,
    "TerminateJob": terminate,
}


@assumed("a bound of this simulator")
def _is_asked_by_queue(request: Json) -> None:
    """Jobs are listed of one queue; lists of an array, of a node's jobs, and by filter are not modelled."""
    if "jobQueue" not in request or {"arrayJobId", "multiNodeJobId", "filters"} & set(request):
        raise Refused("jobQueue must be provided; arrayJobId, multiNodeJobId and filters are not simulated")


@documented(API + "API_DeleteJobQueue.html")
def end_all(world: World, queue: Thing) -> None:
    """Deleting a queue ends all jobs that are in it."""
    for thing in list(world.walk(JOB, parent=queue.name)):
        _fail(world, advanced(world, thing), "Job queue deleted")


def persist(world: World, queue: Thing) -> None:
    """Write down where the jobs of `queue` stand, before a change makes the past unreadable."""
    for thing in list(world.walk(JOB, parent=queue.name)):
        before = thing.shown["status"]
        if before not in _ENDED and advanced(world, thing).shown["status"] != before:
            world.save(thing)


def are_active(world: World, environment: Thing) -> bool:
    """Tell whether jobs that were placed in `environment` are STARTING or RUNNING."""
    return any(
        thing.kept.get("environment") == environment.arn and advanced(world, thing).shown["status"] not in _ENDED
        for thing in world.walk(JOB)
    )


@documented(API + "API_CreateJobQueue.html")
def _queue_takes_jobs(queue: Thing) -> None:
    """A DISABLED queue takes no jobs; those in it go on."""
    if queue.shown["state"] != "ENABLED" or queue.shown["status"] not in ("VALID", "UPDATING"):
        raise Refused(f"Job queue {queue.arn} is not in ENABLED state")


@documented(API + "API_SubmitJob.html")
def _active_definition(world: World, reference: str) -> Thing:
    """A job names an ACTIVE revision, or a family, whose newest ACTIVE revision it gets."""
    name = world.name(DEFINITION, reference)
    thing = world.read(DEFINITION, name)
    if thing is None:
        family = world.walk(DEFINITION, parent=name)
        thing = max((it for it in family if it.shown["status"] == "ACTIVE"), key=lambda it: it.seq, default=None)
    if thing is None or thing.shown["status"] != "ACTIVE":
        raise Refused(f"JobDefinition {reference} is not in ACTIVE status")
    return thing


@documented(API + "API_SubmitJob.html")
def _share_is_told(queue: Thing, definition: Thing, request: Json) -> None:
    """Jobs of a fair-share queue name their share and a priority; jobs of another queue name no share."""
    fair = "schedulingPolicyArn" in queue.shown
    if fair != ("shareIdentifier" in request):
        raise Refused("shareIdentifier must be specified for a fair-share job queue, and for no other")
    if fair and "schedulingPriorityOverride" not in request and "schedulingPriority" not in definition.shown:
        raise Refused("Either schedulingPriority in job definition or schedulingPriorityOverride is required")


@assumed("a small table of durations stands for the work")
def advanced(world: World, thing: Thing) -> Thing:
    """A job moves on with the clock; from RUNNABLE only when an environment of its queue can place it."""
    durations, shown = world.settings.durations, thing.shown
    due = shown["createdAt"] / 1000 + durations.job_submitted
    if shown["status"] == "SUBMITTED" and due <= world.now:
        shown["status"] = "RUNNABLE"
    if shown["status"] == "RUNNABLE":
        placed = _placed(world, thing.parent, due)
        if placed is not None:
            shown["status"] = "STARTING"
            thing.kept["placed"], thing.kept["environment"] = placed
    started = thing.kept.get("placed", world.now) + durations.job_starting
    if shown["status"] == "STARTING" and started <= world.now:
        shown.update(status="RUNNING", startedAt=_milliseconds(started))
    stopped = started + durations.job_running
    if shown["status"] == "RUNNING" and stopped <= world.now:
        shown.update(status="SUCCEEDED", stoppedAt=_milliseconds(stopped))
    return thing


def _placed(world: World, queue_name: str, due: float) -> tuple[float, str] | None:
    """Return when, from `due` until now, an environment of the queue first took jobs, and its ARN; None if none did.

    Of several at once it is the first of the order.
    """
    queue = world.read(QUEUE, queue_name)
    order = sorted(queue.shown["computeEnvironmentOrder"], key=lambda entry: entry["order"]) if queue else []
    found = [thing for entry in order if (thing := world.read(ENVIRONMENT, entry["computeEnvironment"]))]
    spans = [(begin, end, thing.arn) for thing in found for begin, end in thing.kept["open"]]
    starts = [(max(begin, due), arn) for begin, end, arn in spans if end is None or end >= due]
    return min((start for start in starts if start[0] <= world.now), key=lambda start: start[0], default=None)


@assumed("moto")
def _job(world: World, reference: str) -> Thing:
    """A job that is not there is neither cancelled nor terminated."""
    thing = world.read(JOB, reference)
    if thing is None:
        raise Refused(f"Job {reference} not found")
    return thing


def _end_one(world: World, request: Json, while_in: tuple[str, ...], flag: str) -> Json:
    thing = _job(world, request["jobId"])
    if advanced(world, thing).shown["status"] in while_in:
        thing.shown[flag] = True
        _fail(world, thing, request["reason"])
    return {}


def _fail(world: World, thing: Thing, reason: str) -> None:
    if thing.shown["status"] in _ENDED:
        return
    thing.shown.update(status="FAILED", statusReason=reason, stoppedAt=_milliseconds(world.now))
    world.save(thing)


def _milliseconds(instant: float) -> int:
    return round(instant * 1000)


def _summary(shown: Json) -> Json:
    keys = ("jobArn", "jobId", "jobName", "createdAt", "shareIdentifier", "status", "statusReason", "startedAt")
    return {key: shown[key] for key in (*keys, "stoppedAt", "jobDefinition") if key in shown}


def _detail(shown: Json) -> Json:
    return {"startedAt": 0, **shown}
