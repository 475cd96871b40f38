"""Job queues, as far as their own document tells."""

from collections.abc import Iterable
from typing import Any

from plans.demands.demand import Demand, of, outside, twice
from providers.kinds.facts import GUIDE, page
from providers.resources import Document

_CREATE = page("CreateJobQueue")
_ACTION = page("JobStateTimeLimitAction")
_ORDERS = (
    ("computeEnvironmentOrder", "computeEnvironment", page("ComputeEnvironmentOrder")),
    ("serviceEnvironmentOrder", "serviceEnvironment", page("ServiceEnvironmentOrder")),
)
TRAINING = "SAGEMAKER_TRAINING"


def of_service(whole: Document) -> bool:
    """Whether a queue is one of service environments."""
    return bool(whole.get("serviceEnvironmentOrder"))


def _each(part: Document, order: str, member: str) -> Iterable[Any]:
    return [entry.get(member) for entry in part.get(order) or ()]


DEMANDS = (
    Demand(
        "priority",
        "job_queue.priority",
        lambda part, _: outside(part, "priority", 0, 1000),
        "it is 0 to 1000",
        "name a number within",
        _CREATE,
    ),
    *(
        row
        for order, member, source in _ORDERS
        for row in (
            Demand(
                "order-twice",
                f"job_queue.{order}",
                of(order, lambda part, _, order: twice(_each(part, order, "order"))),
                "two entries have the same order",
                "number them apart; they need not be in a row",
                source,
            ),
            Demand(
                "environment-twice",
                f"job_queue.{order}",
                of((order, member), lambda part, _, its: twice(_each(part, *its))),
                "an environment stands in it twice",
                "take one of them out",
                source,
            ),
        )
    ),
    Demand(
        "both-orders",
        "job_queue.serviceEnvironmentOrder",
        lambda part, _: of_service(part) and bool(part.get("computeEnvironmentOrder")),
        "a queue is of compute environments or of service environments, one of them",
        "leave one of the orders out",
        _CREATE,
    ),
    Demand(
        "service-environments",
        "job_queue.serviceEnvironmentOrder",
        lambda part, _: len(part.get("serviceEnvironmentOrder") or ()) > 1,
        "a queue has exactly one service environment",
        "make a queue for each",
        GUIDE + "service_limits.html",
    ),
    Demand(
        "type-of-queue",
        "job_queue.jobQueueType",
        lambda part, _: "jobQueueType" in part and (part["jobQueueType"] == TRAINING) != of_service(part),
        f"queues of service environments, and no others, are of {TRAINING}",
        "leave it out: AWS tells it from the environments",
        _CREATE,
    ),
    Demand(
        "limits-of-states",
        "job_queue.jobStateTimeLimitActions",
        lambda part, _: twice(
            [(each.get("state"), each.get("reason")) for each in part.get("jobStateTimeLimitActions") or ()]
        ),
        "two entries are for the same state and reason",
        "take one of them out",
        _ACTION,
    ),
    Demand(
        "time-limit",
        "JobStateTimeLimitAction.maxTimeSeconds",
        lambda part, _: outside(part, "maxTimeSeconds", 600, 86400),
        "it is 600 to 86400 seconds",
        "from ten minutes to a day",
        _ACTION,
    ),
    Demand(
        "action-of-training",
        "JobStateTimeLimitAction.action",
        lambda part, whole: of_service(whole) and part.get("action") != "TERMINATE",
        "jobs of a service environment are ended with TERMINATE",
        "say TERMINATE",
        _ACTION,
    ),
    Demand(
        "action-of-queue",
        "JobStateTimeLimitAction.action",
        lambda part, whole: not of_service(whole) and part.get("action") != "CANCEL",
        "jobs of compute environments are ended with CANCEL",
        "say CANCEL",
        _ACTION,
    ),
)
