"""Job queues.

Sources: the CreateJobQueue and UpdateJobQueue pages of the AWS Batch API reference; issues
hashicorp/terraform-provider-aws#8083 (the order integers count, not the positions), #33376 (names come back as ARNs),
#18638 (another name is another queue).
"""

from types import MappingProxyType

from providers.kinds.facts import Default, Facts, Lookup, Reset, Rule
from providers.resources import Document


def _policy_added_or_removed(desired: Document, live: Document) -> bool:
    return ("schedulingPolicyArn" in desired) != ("schedulingPolicyArn" in live)


def _other_sort_of_environment(desired: Document, live: Document) -> bool:
    return ("serviceEnvironmentOrder" in desired) != ("serviceEnvironmentOrder" in live)


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
    defaults=(Default("job_queue.state", "ENABLED"),),
    always_sent=(Default("job_queue.state", "ENABLED"),),
    owned=frozenset({"job_queue.jobQueueType"}),
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
        ),
        Rule(
            "sort-of-queue",
            ("computeEnvironmentOrder", "serviceEnvironmentOrder"),
            "replace",
            "a queue is either of compute environments or of service environments, for life",
            _other_sort_of_environment,
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
        ),
    ),
    resets=(Reset("jobStateTimeLimitActions", ()),),
    settles=True,
    switched=True,
    quota=50,
)
