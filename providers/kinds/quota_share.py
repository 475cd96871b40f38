"""Quota shares of SageMaker queues.

Source: the CreateQuotaShare, UpdateQuotaShare, DescribeQuotaShare and ListQuotaShares pages of the AWS Batch API
reference: listed per queue, looked up by ARN alone; the queue is given by name or ARN and described as an ARN.
"""

from types import MappingProxyType

from providers.kinds.facts import Default, Facts, Lookup, Rule

FACTS = Facts(
    name="quota_share",
    entity="quotaShare",
    plural="quotaShares",
    title="quota share",
    rank=4,
    arn="job-queue/{jobQueue}/quota-share/{name}",
    create="CreateQuotaShare",
    update="UpdateQuotaShare",
    delete="DeleteQuotaShare",
    lookup=Lookup(
        describe="DescribeQuotaShare",
        keys="quotaShareArn",
        result="",
        batch=1,
        listing="ListQuotaShares",
        items="quotaShares",
        item_key="quotaShareArn",
        per="job_queue",
        per_key="jobQueue",
        by_arn=True,
    ),
    described_as=MappingProxyType({"jobQueue": "jobQueueArn"}),
    keyed=MappingProxyType({"QuotaShareCapacityLimits": "capacityUnit"}),
    defaults=(
        Default("quota_share.state", "ENABLED"),
        Default("QuotaShareResourceSharingConfiguration.borrowLimit", -1),
    ),
    always_sent=(Default("quota_share.state", "ENABLED"),),
    rules=(
        Rule(
            "in-place",
            ("state", "capacityLimits", "resourceSharingConfiguration", "preemptionConfiguration"),
            "update",
            "taken in place; structures are sent in full",
        ),
    ),
    settles=True,
    switched=True,
)
