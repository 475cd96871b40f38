"""Job queues.

Sources: the CreateJobQueue and UpdateJobQueue pages of the AWS Batch API reference; issues
hashicorp/terraform-provider-aws#8083 (the order integers count, not the positions), #33376 (names come back as ARNs),
#18638 (another name is another queue).
"""

from types import MappingProxyType

from providers.kinds.facts import Default, Facts, Lookup, Reset, Rule, accepted, cited, page
from providers.resources import Document


def _policy_added_or_removed(desired: Document, live: Document) -> bool:
    return ("schedulingPolicyArn" in desired) != ("schedulingPolicyArn" in live)


def _other_sort_of_environment(desired: Document, live: Document) -> bool:
    return ("serviceEnvironmentOrder" in desired) != ("serviceEnvironmentOrder" in live)


def _given_or_taken(desired: Document, _live: Document) -> str:
    lack = "this queue was made without one" if "schedulingPolicyArn" in desired else "this queue was made with one"
    return f"a scheduling policy can be exchanged for another, but neither given to a queue nor taken from it; {lack}"


_CREATE = page("CreateJobQueue")
_UPDATE = page("UpdateJobQueue")

FACTS = Facts(
    name="job_queue",
    entity="jobQueue",
    plural="jobQueues",
    title="job queue",
    rank=3,
    arn="job-queue/{name}",
    create="CreateJobQueue",
    update="UpdateJobQueue",
    delete="DeleteJobQueue",
    lookup=Lookup(
        describe="DescribeJobQueues",
        keys="jobQueues",
        result="jobQueues",
        batch=100,
        listing="DescribeJobQueues",
        items="jobQueues",
    ),
    keyed=MappingProxyType(
        {"ComputeEnvironmentOrders": "computeEnvironment", "ServiceEnvironmentOrders": "serviceEnvironment"}
    ),
    orderless=MappingProxyType(
        {
            "ComputeEnvironmentOrders": cited("hashicorp/terraform-provider-aws#8083", page("ComputeEnvironmentOrder")),
            "ServiceEnvironmentOrders": page("ServiceEnvironmentOrder"),
        }
    ),
    defaults=(Default("job_queue.state", "ENABLED", source=cited(_CREATE, "go-to-k/cdk-real-drift#1501")),),
    always_sent=(Default("job_queue.state", "ENABLED", source=_CREATE),),
    owned=MappingProxyType({"job_queue.jobQueueType": page("JobQueueDetail")}),
    shorthands=MappingProxyType(
        {
            "ComputeEnvironmentOrders": ("computeEnvironment", "order"),
            "ServiceEnvironmentOrders": ("serviceEnvironment", "order"),
        }
    ),
    rules=(
        Rule(
            "policy-added-or-removed",
            ("schedulingPolicyArn",),
            "replace",
            "a scheduling policy can be exchanged for another, but neither given to a queue nor taken from it",
            _policy_added_or_removed,
            "where one side has a policy and the other has none",
            source=_UPDATE,
            detail=_given_or_taken,
        ),
        Rule(
            "sort-of-queue",
            ("computeEnvironmentOrder", "serviceEnvironmentOrder"),
            "replace",
            "a queue is either of compute environments or of service environments, for life",
            _other_sort_of_environment,
            "where the sort of environments changes",
            source=cited(_CREATE, _UPDATE),
            whole=True,
        ),
        Rule(
            "in-place",
            (
                "state",
                "priority",
                "schedulingPolicyArn",
                "computeEnvironmentOrder",
                "serviceEnvironmentOrder",
                "jobStateTimeLimitActions",
            ),
            "update",
            "queues take it in place; jobs in the queue stay",
            source=cited(_UPDATE, accepted("job_queue")),
        ),
        Rule("for-life", ("jobQueueType",), "replace", "the API has no update for this field", source=_UPDATE),
    ),
    resets=(Reset("jobStateTimeLimitActions", (), source=accepted("job_queue")),),
    repair="see whether its environments are there and VALID; computeEnvironmentOrder can name others",
    settles=True,
    switched=True,
    quota=50,
)
