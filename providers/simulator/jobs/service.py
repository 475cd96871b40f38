"""Service jobs, which run on SageMaker AI: SubmitServiceJob and what may be asked of and done to them."""

import hashlib
import json
from collections.abc import Callable, Iterator

from providers.simulator import tags, tokens
from providers.simulator.catalogue import QUEUE, QUOTA_SHARE, SERVICE_JOB
from providers.simulator.jobs import capacity, ending, submission, training
from providers.simulator.jobs.records import USER_GUIDE, milliseconds, number_in
from providers.simulator.lifecycle import API, Handler, Json, Thing, World, is_named, name_is_well_formed, page
from providers.simulator.rules import Refused, assumed, documented

_ASKED = (
    "jobName",
    "preemptionConfiguration",
    "quotaShareName",
    "schedulingPriority",
    "serviceJobType",
    "serviceRequestPayload",
    "shareIdentifier",
    "timeoutConfig",
)
_SUMMARY = (
    "latestAttempt",
    "capacityUsage",
    "createdAt",
    "jobArn",
    "jobId",
    "jobName",
    "scheduledAt",
    "serviceJobType",
    "shareIdentifier",
    "quotaShareName",
    "status",
    "statusReason",
    "startedAt",
    "stoppedAt",
    "isTerminated",
)


def submit(world: World, request: Json) -> Json:
    name = request["jobName"]
    name_is_well_formed(name, "jobName")
    _request_is_small(world, request)
    payload = _payload_is_json(world, request["serviceRequestPayload"])
    _priority_is_in_range(request)
    _check_retries(world, request.get("retryStrategy", {}))
    _times_are_positive(request)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    queue = world.find(QUEUE, request["jobQueue"])
    _queue_is_for_training(queue)
    _queue_takes_jobs(queue)
    _check_shares(world, queue, request)
    _is_no_repetition(world, request)
    job_id = world.unique(name)
    shown: Json = {
        "jobArn": world.arn(SERVICE_JOB, job_id),
        "jobId": job_id,
        "jobQueue": queue.arn,
        "status": "SUBMITTED",
        "createdAt": milliseconds(world.now),
        "attempts": [],
        "retryStrategy": _retries(request.get("retryStrategy", {})),
        "tags": request.get("tags", {}),
        **{key: request[key] for key in _ASKED if key in request},
    }
    job = training.new(world, queue.name, shown, payload)
    job.steps = [(world.now + world.settings.durations.job_submitted, {})]
    world.save(job)
    return _names(job)


@assumed("startedAt is a required member of the answer, as it is for DescribeJobs")
def show(world: World, request: Json) -> Json:
    """A service job is described one at a time, and is said to have started at 0 before it has."""
    thing = _is_there(request["jobId"], world.look(SERVICE_JOB, request["jobId"]))
    return {"startedAt": 0, **thing.shown}


def list_of_queue(world: World, request: Json) -> Json:
    _queue_is_named(request)
    queue = world.find(QUEUE, request["jobQueue"])
    filters = request.get("filters", [])
    _one_filter(filters)
    status = _status_listed(request, filters)
    matches = [_filter(it["name"], it.get("values", [])) for it in filters if _filter_is_known(it)]

    def things(after: int) -> Iterator[Thing]:
        found = world.view(SERVICE_JOB, queue.name, status, after, backwards=_newest_first(filters))
        return (job for job in found if all(fits(job.shown) for fits in matches))

    return page(world, request, "jobSummaryList", things, _summary)


def update(world: World, request: Json) -> Json:
    job = _is_there(request["jobId"], world.read(SERVICE_JOB, request["jobId"]))
    _priority_is_in_range(request)
    _has_not_ended(job)
    job.shown["schedulingPriority"] = request["schedulingPriority"]
    if job.shown["status"] == "RUNNABLE":
        training.join(world, job)
    else:
        world.save(job)
    queue = world.read(QUEUE, job.parent)
    if queue:
        training.place(world, queue)
    return _names(job)


def terminate(world: World, request: Json) -> Json:
    ending.one(world, request, _terminate)
    return {}


def terminate_each(world: World, request: Json) -> Json:
    return ending.each(world, request, _terminate)


OPERATIONS: dict[str, Handler] = {
    "SubmitServiceJob": submit,
    "DescribeServiceJob": show,
    "ListServiceJobs": list_of_queue,
    "UpdateServiceJob": update,
    "TerminateServiceJob": terminate,
    "TerminateServiceJobs": terminate_each,
}


def _names(job: Thing) -> Json:
    return {key: job.shown[key] for key in ("jobArn", "jobName", "jobId")}


def _terminate(world: World, job_id: str, reason: str) -> None:
    job = ending.found(job_id, world.read(SERVICE_JOB, job_id))
    if job and job.shown["status"] in training.UNFINISHED:
        job.shown["isTerminated"] = True
        training.end(world, job, reason)


@documented(USER_GUIDE + "service_limits.html")
def _request_is_small(world: World, request: Json) -> None:
    """A request to submit a service job has up to 30 KiB."""
    most = world.settings.quotas.service_job_bytes
    if len(json.dumps(request).encode()) > most:
        raise Refused(f"The request must be at most {most} bytes")


def _payload_is_json(world: World, text: str) -> Json:
    _payload_is_small(world, text)
    return _is_an_object(text)


@documented(USER_GUIDE + "service_limits.html")
def _payload_is_small(world: World, text: str) -> None:
    """The payload of a service job has up to 10 KiB."""
    most = world.settings.quotas.service_payload_bytes
    if len(text.encode()) > most:
        raise Refused(f"serviceRequestPayload must be at most {most} bytes")


@documented(API + "API_SubmitServiceJob.html")
def _is_an_object(text: str) -> Json:
    """The payload is a request in JSON; what stands in it is not looked at."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("serviceRequestPayload must be valid JSON")
    return found


@documented(API + "API_SubmitServiceJob.html")
def _priority_is_in_range(request: Json) -> None:
    """The priority of a service job is 0 to 9999."""
    if not 0 <= request.get("schedulingPriority", 0) <= 9999:
        raise Refused("schedulingPriority must be between 0 and 9999")


def _check_retries(world: World, strategy: Json) -> None:
    _attempts_are_in_range(world, strategy)
    conditions = strategy.get("evaluateOnExit", [])
    _conditions_are_few(conditions)
    for condition in conditions:
        _pattern_is_short(condition)


@documented(API + "API_ServiceJobRetryStrategy.html")
def _attempts_are_in_range(world: World, strategy: Json) -> None:
    """A service job has 1 to 10 attempts."""
    most = world.settings.quotas.service_attempts
    if not 1 <= strategy.get("attempts", 1) <= most:
        raise Refused(f"retryStrategy.attempts must be between 1 and {most}")


@documented(USER_GUIDE + "service-job-retries.html")
def _conditions_are_few(conditions: list[Json]) -> None:
    """A retry strategy of a service job has up to five conditions."""
    if len(conditions) > 5:
        raise Refused("retryStrategy.evaluateOnExit must have at most 5 items")


@documented(API + "API_ServiceJobEvaluateOnExit.html")
def _pattern_is_short(condition: Json) -> None:
    """The pattern of a condition has up to 512 characters."""
    if len(condition.get("onStatusReason", "")) > 512:
        raise Refused("onStatusReason must be at most 512 characters")


@documented(USER_GUIDE + "getting-started-sagemaker.html")
def _retries(strategy: Json) -> Json:
    """A service job shows its retry strategy, which is one attempt without conditions where nothing is said."""
    return {"attempts": 1, "evaluateOnExit": [], **strategy}


@assumed("neither a timeout of nothing nor retries below none mean anything")
def _times_are_positive(request: Json) -> None:
    """A timeout is 1 second or more, and preemption is retried 0 times or more."""
    if request.get("timeoutConfig", {}).get("attemptDurationSeconds", 1) < 1:
        raise Refused("timeoutConfig.attemptDurationSeconds must be at least 1")
    if request.get("preemptionConfiguration", {}).get("preemptionRetriesBeforeTermination", 0) < 0:
        raise Refused("preemptionConfiguration.preemptionRetriesBeforeTermination must be at least 0")


@documented(API + "API_SubmitServiceJob.html")
def _queue_is_for_training(queue: Thing) -> None:
    """Service jobs go to queues of type SAGEMAKER_TRAINING."""
    if queue.shown["jobQueueType"] != "SAGEMAKER_TRAINING":
        raise Refused(f"Job queue {queue.arn} must have the type SAGEMAKER_TRAINING")


@documented(API + "API_CreateJobQueue.html")
def _queue_takes_jobs(queue: Thing) -> None:
    """A DISABLED queue takes no service jobs; those in it go on."""
    if queue.shown["state"] != "ENABLED" or queue.shown["status"] not in ("VALID", "UPDATING"):
        raise Refused(f"Job queue {queue.arn} is not in ENABLED state")


def _check_shares(world: World, queue: Thing, request: Json) -> None:
    policy = capacity.policy_of(world, queue)
    _identifier_is_for_fair_shares(policy, request)
    _name_is_for_quota_shares(policy, request)
    submission.shares_are_few(world, queue, request)
    if "quotaShareName" in request:
        _share_takes_jobs(world, queue, request["quotaShareName"])


@documented(API + "API_SubmitServiceJob.html")
def _identifier_is_for_fair_shares(policy: Json, request: Json) -> None:
    """Service jobs of a fair-share queue name their share identifier; those of another queue name none."""
    if ("fairsharePolicy" in policy) != ("shareIdentifier" in request):
        raise Refused("shareIdentifier must be specified for a fair-share job queue, and for no other")


@documented(API + "API_SubmitServiceJob.html")
def _name_is_for_quota_shares(policy: Json, request: Json) -> None:
    """Service jobs of a queue of quota shares name their quota share; those of another queue name none."""
    if ("quotaSharePolicy" in policy) != ("quotaShareName" in request):
        raise Refused("quotaShareName must be specified for a job queue with quota shares, and for no other")


@documented(API + "API_CreateQuotaShare.html")
def _share_takes_jobs(world: World, queue: Thing, name: str) -> None:
    """A quota share takes jobs while it is ENABLED; those in one that is DISABLED go on."""
    share = world.find(QUOTA_SHARE, f"{queue.name}/quota-share/{name}")
    if share.shown["state"] != "ENABLED" or share.shown["status"] not in ("VALID", "UPDATING"):
        raise Refused(f"Quota share {share.arn} is not in ENABLED state")


@documented(API + "API_SubmitServiceJob.html")
def _is_no_repetition(world: World, request: Json) -> None:
    """The same request with the same client token is taken once; the second is rejected."""
    if "clientToken" not in request:
        return
    token = f"service job/{hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()}"
    if tokens.kept(world, token) is not None:
        raise Refused(f"A request with clientToken {request['clientToken']} has already been received")
    tokens.keep(world, token, {})


@assumed("DescribeQuotaShare, which also names one object, refuses so")
def _is_there(job_id: str, job: Thing | None) -> Thing:
    """A service job that is not there is neither described nor updated."""
    if job is None:
        raise Refused(f"Service job {job_id} does not exist")
    return job


@assumed("a priority has no meaning any more for a job that has ended")
def _has_not_ended(job: Thing) -> None:
    """A service job that has ended is not updated."""
    if job.shown["status"] not in training.UNFINISHED:
        raise Refused(f"Service job {job.name} is in {job.shown['status']} state and cannot be updated")


@assumed("the model does not ask for the queue, and names nothing else that service jobs could be listed by")
def _queue_is_named(request: Json) -> None:
    """Service jobs are listed by queue."""
    if "jobQueue" not in request:
        raise Refused("jobQueue must be provided")


@documented(API + "API_ListServiceJobs.html")
def _one_filter(filters: list[Json]) -> None:
    """A list of service jobs has one filter at a time."""
    if len(filters) > 1:
        raise Refused("Only one filter can be used at a time")


@documented(API + "API_ListServiceJobs.html")
def _status_listed(request: Json, filters: list[Json]) -> str | None:
    """Service jobs of one status are listed, RUNNING where none is named; a filter finds all, but one of shares heeds.

    Returns None for all.
    """
    if not filters:
        return str(request.get("jobStatus", "RUNNING"))
    by_share = filters[0].get("name") in ("SHARE_IDENTIFIER", "QUOTA_SHARE_NAME")
    return request.get("jobStatus") if by_share else None


@documented(API + "API_ListServiceJobs.html")
def _newest_first(filters: list[Json]) -> bool:
    """Service jobs that a filter has found are listed from the newest to the oldest."""
    return bool(filters)


@documented(API + "API_ListServiceJobs.html")
def _filter_is_known(given: Json) -> bool:
    """Service jobs are filtered by name, time of creation, share identifier or quota share, in capital letters."""
    if given.get("name") not in _FILTERS:
        raise Refused(f"Invalid filter name: {given.get('name')}")
    return True


def _filter(name: str, values: list[str]) -> Callable[[Json], bool]:
    return lambda shown: any(_FILTERS[name](shown, value) for value in values)


@documented(API + "API_ListServiceJobs.html")
def _created_after(shown: Json, value: str) -> int:
    """Times of creation are compared with a number of milliseconds since 1970; that very instant is not meant."""
    return int(shown["createdAt"]) - _instant(value)


@assumed("the value is documented to be a number, and refusals of another are not")
def _instant(value: str) -> int:
    """A filter by time whose value is no number is refused."""
    instant = number_in(value)
    if instant is None:
        raise Refused(f"Invalid filter value: {value}")
    return instant


_FILTERS: dict[str, Callable[[Json, str], bool]] = {
    "JOB_NAME": lambda shown, value: is_named(shown["jobName"], value),
    "BEFORE_CREATED_AT": lambda shown, value: _created_after(shown, value) < 0,
    "AFTER_CREATED_AT": lambda shown, value: _created_after(shown, value) > 0,
    "SHARE_IDENTIFIER": lambda shown, value: shown.get("shareIdentifier") == value,
    "QUOTA_SHARE_NAME": lambda shown, value: shown.get("quotaShareName") == value,
}


@documented(API + "API_ServiceJobSummary.html")
def _summary(job: Thing) -> Json:
    """A list of service jobs leaves out queue, payload, strategy, attempts and tags."""
    return {key: job.shown[key] for key in _SUMMARY if key in job.shown}
