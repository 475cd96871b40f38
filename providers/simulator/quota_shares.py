"""Quota shares: the parts of a queue of SageMaker Training jobs, each with capacity of its own.

A share is kept under QUEUE/quota-share/NAME, the end of its ARN, and the queue is its parent.
"""

from providers.simulator import tags
from providers.simulator.catalogue import QUEUE, QUOTA_SHARE
from providers.simulator.jobs import training
from providers.simulator.lifecycle import (
    API,
    Handler,
    Json,
    Thing,
    World,
    begin,
    must_be_disabled,
    must_exist,
    must_have_settled,
    name_is_free,
    name_is_well_formed,
    page,
)
from providers.simulator.queues import has_quota_shares
from providers.simulator.rules import Refused, assumed, documented
from providers.simulator.service_environments import check_limits, counts_instances

_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
_VALID: Json = {"status": "VALID"}
_CHANGEABLE = ("capacityLimits", "resourceSharingConfiguration", "preemptionConfiguration", "state")


def create(world: World, request: Json) -> Json:
    name = request["quotaShareName"]
    name_is_well_formed(name, "quotaShareName")
    _check(world, request)
    tags.check(world, request.get("tags", {}), request.get("tags", {}))
    queue = world.find(QUEUE, request["jobQueue"])
    _queue_is_valid(queue)
    _queue_is_quota_managed(world, queue)
    key = f"{queue.name}/quota-share/{name}"
    name_is_free(world, QUOTA_SHARE, key)
    _shares_are_few(world, queue)
    shown = {
        "quotaShareName": name,
        "quotaShareArn": world.arn(QUOTA_SHARE, key),
        "jobQueueArn": queue.arn,
        "state": "ENABLED",
        "tags": request.get("tags", {}),
        **_changes(request),
    }
    thing = Thing(QUOTA_SHARE, key, shown, parent=queue.name)
    begin(world, thing, "CREATING", (world.settings.durations.create_quota_share, _VALID))
    return _names(thing)


@documented(API + "API_DescribeQuotaShare.html")
def show(world: World, request: Json) -> Json:
    """A quota share is described by its ARN, one at a time, and refused where it is not there."""
    arn = request["quotaShareArn"]
    thing = must_exist(arn, world.look(QUOTA_SHARE, arn) if arn.startswith("arn:") else None)
    return _without(thing, "statusReason")


@documented(API + "API_QuotaShareDetail.html")
def list_of_queue(world: World, request: Json) -> Json:
    """Quota shares are listed by queue, without their tags."""
    queue = world.find(QUEUE, request["jobQueue"])
    return page(
        world,
        request,
        "quotaShares",
        lambda after: world.view(QUOTA_SHARE, parent=queue.name, after=after),
        lambda it: _without(it, "statusReason", "tags"),
    )


def update(world: World, request: Json) -> Json:
    thing = _named_by_arn(world, request["quotaShareArn"])
    must_have_settled(thing, "update")
    _check(world, request)
    thing.change(_changes(request))
    begin(world, thing, "UPDATING", (world.settings.durations.update_quota_share, _VALID))
    return _names(thing)


@documented(API + "API_QuotaShareDetail.html")
def delete(world: World, request: Json) -> Json:
    """A quota share that is deleted is DELETING and then gone: it has no status DELETED."""
    thing = _named_by_arn(world, request["quotaShareArn"])
    must_have_settled(thing, "delete")
    must_be_disabled(thing)
    begin(world, thing, "DELETING", (world.settings.durations.delete_quota_share, None))
    training.end_share(world, thing)
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateQuotaShare": create,
    "DescribeQuotaShare": show,
    "ListQuotaShares": list_of_queue,
    "UpdateQuotaShare": update,
    "DeleteQuotaShare": delete,
}


def _names(thing: Thing) -> Json:
    return {"quotaShareName": thing.shown["quotaShareName"], "quotaShareArn": thing.arn}


def _without(thing: Thing, *keys: str) -> Json:
    return {key: value for key, value in thing.shown.items() if key not in keys}


def _check(world: World, request: Json) -> None:
    if "capacityLimits" in request:
        check_limits(world, request["capacityLimits"])
        _counts_instance_types(request["capacityLimits"])
    if "resourceSharingConfiguration" in request:
        _only_borrowers_have_a_limit(request["resourceSharingConfiguration"])
        _borrow_limit_is_in_range(request["resourceSharingConfiguration"])


def _changes(request: Json) -> Json:
    changes = {key: request[key] for key in _CHANGEABLE if key in request}
    if "resourceSharingConfiguration" in changes:
        changes["resourceSharingConfiguration"] = _with_borrow_limit(changes["resourceSharingConfiguration"])
    return changes


@documented(API + "API_UpdateQuotaShare.html")
def _named_by_arn(world: World, arn: str) -> Thing:
    """A quota share is updated and deleted by ARN; a name stands for none."""
    return must_exist(arn, world.read(QUOTA_SHARE, arn) if arn.startswith("arn:") else None)


@documented(API + "API_CreateQuotaShare.html")
def _queue_is_valid(queue: Thing) -> None:
    """A queue is VALID when a quota share is made in it."""
    if queue.shown["status"] != "VALID":
        raise Refused(f"Job queue {queue.arn} must be in the VALID state")


@documented(_GUIDE + "create-quota-shares.html")
def _queue_is_quota_managed(world: World, queue: Thing) -> None:
    """Quota shares are made in queues whose scheduling policy is of quota shares."""
    if not has_quota_shares(world, queue.shown):
        raise Refused(f"Job queue {queue.arn} does not have quota management enabled")


@documented(_GUIDE + "service_limits.html")
def _shares_are_few(world: World, queue: Thing) -> None:
    """A queue holds up to 20 quota shares."""
    most = world.settings.quotas.quota_shares_a_queue
    if sum(1 for _ in world.walk(QUOTA_SHARE, parent=queue.name)) >= most:
        raise Refused(f"Limit of {most} quota shares of a job queue exceeded")


@documented(_GUIDE + "quota-shares.html")
def _counts_instance_types(limits: list[Json]) -> None:
    """The capacity of a quota share is told by instance type, not as a number of instances."""
    if counts_instances(limits):
        raise Refused("capacityUnit of a quota share must be an instance type")


@documented(API + "API_QuotaShareResourceSharingConfiguration.html")
def _only_borrowers_have_a_limit(given: Json) -> None:
    """A borrow limit comes with the strategy LEND_AND_BORROW only."""
    if "borrowLimit" in given and given["strategy"] != "LEND_AND_BORROW":
        raise Refused("borrowLimit can only be specified for strategy LEND_AND_BORROW")


@documented(API + "API_QuotaShareResourceSharingConfiguration.html")
def _borrow_limit_is_in_range(given: Json) -> None:
    """A borrow limit is a percentage, or -1 for none."""
    if given.get("borrowLimit", -1) < -1:
        raise Refused("borrowLimit must be -1 or more")


@assumed("the default is documented to be -1; that a describe tells it is not")
def _with_borrow_limit(given: Json) -> Json:
    """A share that borrows shows the borrow limit -1 where nothing was said."""
    return {"borrowLimit": -1, **given} if given["strategy"] == "LEND_AND_BORROW" else given
