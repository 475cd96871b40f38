"""Job queues. Which environments a queue may have is in `orders`."""

from providers.simulator import orders, tags
from providers.simulator.catalogue import POLICY, QUEUE, QUOTA_SHARE, SERVICE_ENVIRONMENT
from providers.simulator.jobs import running, training
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    begin,
    describe,
    must_be_disabled,
    must_fit,
    must_have_settled,
    name_is_free,
    name_is_well_formed,
)
from providers.simulator.rules import Refused, assumed, documented, observed
from providers.simulator.service_environments import counts_instances, queues_of

_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
_HEALTHY: Json = {"status": "VALID", "statusReason": "JobQueue Healthy"}


def create(world: World, request: Json) -> Json:
    name = request["jobQueueName"]
    name_is_well_formed(name, "jobQueueName")
    _priority_is_in_range(request)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    name_is_free(world, QUEUE, name)
    must_fit(world, QUEUE, world.settings.quotas.queues)
    shown = {
        "state": "ENABLED",
        "tags": {},
        **request,
        "jobQueueArn": world.arn(QUEUE, name),
        **orders.created(world, request),
    }
    if not orders.is_service(shown):
        shown.pop("serviceEnvironmentOrder", None)
    _check_actions(shown)
    if "schedulingPolicyArn" in request:
        _policy_is_there(world, request["schedulingPolicyArn"])
    _check_scheduling(world, shown)
    thing = Thing(QUEUE, name, shown)
    begin(world, thing, "CREATING", (world.settings.durations.create_queue, _HEALTHY))
    return {"jobQueueName": name, "jobQueueArn": thing.arn}


def show(world: World, request: Json) -> Json:
    return describe(world, request, QUEUE, "jobQueues", "jobQueues")


def update(world: World, request: Json) -> Json:
    thing = world.find(QUEUE, request["jobQueue"])
    must_have_settled(thing, "update")
    _priority_is_in_range(request)
    if "schedulingPolicyArn" in request:
        _stays_with_or_without_a_policy(thing)
        _policy_is_there(world, request["schedulingPolicyArn"])
        _policy_keeps_its_sort(world, thing, request["schedulingPolicyArn"])
    changes = orders.updated(world, thing.shown, request)
    for key in ("state", "priority", "schedulingPolicyArn", "jobStateTimeLimitActions"):
        if key in request:
            changes[key] = request[key]
    after = {**thing.shown, **changes}
    if "jobStateTimeLimitActions" in changes:
        _check_actions(after)
    if changes.keys() & {"serviceEnvironmentOrder", "schedulingPolicyArn"}:
        _check_scheduling(world, after)
    due = world.now + world.settings.durations.update_queue
    _remember_who_left(world, thing, orders.members(after), due)
    thing.change(changes)
    begin(world, thing, "UPDATING", (world.settings.durations.update_queue, _HEALTHY))
    return {"jobQueueName": thing.name, "jobQueueArn": thing.arn}


def delete(world: World, request: Json) -> Json:
    thing = world.find(QUEUE, request["jobQueue"])
    must_have_settled(thing, "delete")
    must_be_disabled(thing)
    _must_have_no_quota_shares(world, thing)
    durations = world.settings.durations
    seconds = durations.delete_queue
    begin(world, thing, "DELETING", (seconds, {"status": "DELETED"}), (seconds + durations.deleted, None))
    running.end_all(world, thing)
    training.end_all(world, thing)
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateJobQueue": create,
    "DescribeJobQueues": show,
    "UpdateJobQueue": update,
    "DeleteJobQueue": delete,
}


def has_quota_shares(world: World, shown: Json) -> bool:
    """Tell whether the scheduling policy of a queue is one of quota shares."""
    return "schedulingPolicyArn" in shown and _is_of_quota_shares(world, shown["schedulingPolicyArn"])


def _is_of_quota_shares(world: World, arn: str) -> bool:
    policy = world.read(POLICY, arn)
    return policy is not None and "quotaSharePolicy" in policy.shown


@documented(API + "API_CreateJobQueue.html")
def _priority_is_in_range(request: Json) -> None:
    """A priority is 0 to 1000."""
    if not 0 <= request.get("priority", 0) <= 1000:
        raise Refused("priority must be between 0 and 1000")


def _check_actions(shown: Json) -> None:
    actions = shown.get("jobStateTimeLimitActions", [])
    for action in actions:
        _reason_is_told(action)
        _time_is_in_range(action)
        _action_fits_the_queue(action, shown)
    _actions_differ(actions)


@assumed("a time limit is for the reason that it names")
def _reason_is_told(action: Json) -> None:
    """The reason of a time limit is not empty."""
    if not action["reason"]:
        raise Refused("reason must not be empty")


@documented(API + "API_JobStateTimeLimitAction.html")
def _time_is_in_range(action: Json) -> None:
    """A time limit is 600 to 86400 seconds."""
    if not 600 <= action["maxTimeSeconds"] <= 86400:
        raise Refused("maxTimeSeconds must be between 600 and 86400")


@documented(API + "API_JobStateTimeLimitAction.html")
def _action_fits_the_queue(action: Json, shown: Json) -> None:
    """At a time limit jobs of a service environment are ended with TERMINATE, all others with CANCEL."""
    right = "TERMINATE" if orders.is_service(shown) else "CANCEL"
    if action["action"] != right:
        raise Refused(f"Invalid job action. Valid job actions: [{right}]")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-jstla-duplicate")
def _actions_differ(actions: list[Json]) -> None:
    """There is one time limit for a state and a reason."""
    if len({(action["state"], action["reason"]) for action in actions}) < len(actions):
        raise Refused("Duplicate job state limit actions are not allowed.")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-scheduling-policy-arn-type")
def _is_arn_of_a_policy(arn: str) -> None:
    """A scheduling policy is given by ARN; a name, or the ARN of something else, is refused."""
    if not arn.startswith("arn:") or f":{POLICY.resource}/" not in arn:
        raise Refused("Only scheduling policy Arn can be allowed.")


@observed("badmintoncryer/cdk-preflight pf-batch-jq-scheduling-policy-arn-region")
def _policy_is_there(world: World, arn: str) -> None:
    """The scheduling policy of a queue is there, in the same account and region."""
    _is_arn_of_a_policy(arn)
    if world.read(POLICY, arn) is None:
        raise Refused(f"SchedulingPolicy {arn} not found.")


@documented(API + "API_UpdateJobQueue.html")
def _stays_with_or_without_a_policy(thing: Thing) -> None:
    """A queue made without a scheduling policy never gets one; one made with a policy may change it, not lose it."""
    if "schedulingPolicyArn" not in thing.shown:
        raise Refused("A scheduling policy cannot be added to a job queue that was created without one")


@assumed("a policy keeps its sort, says UpdateSchedulingPolicy, and quota shares would be left without theirs")
def _policy_keeps_its_sort(world: World, thing: Thing, arn: str) -> None:
    """A queue of quota shares does not become one of fair shares, nor the other way round."""
    if has_quota_shares(world, thing.shown) != _is_of_quota_shares(world, arn):
        raise Refused("A scheduling policy can only be replaced by one of the same type")


def _check_scheduling(world: World, shown: Json) -> None:
    shares = has_quota_shares(world, shown)
    if shares:
        _quota_shares_are_for_training(shown)
    for entry in shown.get("serviceEnvironmentOrder", []):
        environment = world.find(SERVICE_ENVIRONMENT, entry["serviceEnvironment"])
        _units_fit_the_scheduling(environment, shares)
        if shares:
            _environment_serves_one_queue(world, environment, shown)


@observed("badmintoncryer/cdk-preflight pf-batch-jq-quota-share-policy-requires-sagemaker")
def _quota_shares_are_for_training(shown: Json) -> None:
    """A scheduling policy of quota shares is for queues of a service environment."""
    if not orders.is_service(shown):
        raise Refused("Quota Management feature is only supported for SageMaker Training job queues.")


@documented(API + "API_CapacityLimit.html")
def _units_fit_the_scheduling(environment: Thing, shares: bool) -> None:
    """The environment of a queue with quota shares counts instance types, that of any other NUM_INSTANCES."""
    if counts_instances(environment.shown["capacityLimits"]) == shares:
        unit = "an instance type" if shares else "NUM_INSTANCES"
        raise Refused(f"capacityUnit of service environment {environment.arn} must be {unit} for this job queue")


@documented(_GUIDE + "create-quota-management-resources.html")
def _environment_serves_one_queue(world: World, environment: Thing, shown: Json) -> None:
    """The service environment of a queue with quota shares is in no other queue."""
    if any(queue.arn != shown["jobQueueArn"] for queue in queues_of(world, environment)):
        raise Refused(f"Service environment {environment.arn} is already attached to a job queue")


@assumed("aws/sagemaker-python-sdk deletes the quota shares before their queue; the API does not say that it must")
def _must_have_no_quota_shares(world: World, thing: Thing) -> None:
    """A queue that has quota shares is not deleted."""
    if any(world.walk(QUOTA_SHARE, parent=thing.name)):
        raise Refused("Cannot delete, found existing QuotaShare relationship")


@observed("hashicorp/terraform-provider-aws#46925")
def _remember_who_left(world: World, thing: Thing, stay: set[str], due: float) -> None:
    """The relation of an environment to a queue outlives the queue's update for a while."""
    gone = orders.members(thing.shown) - stay
    thing.kept["left"] = {
        **thing.kept.get("left", {}),
        **dict.fromkeys(sorted(gone), due + world.settings.relation_lag),
    }
