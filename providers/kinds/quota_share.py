"""Quota shares of SageMaker queues.

Source: the CreateQuotaShare, UpdateQuotaShare, DescribeQuotaShare and ListQuotaShares pages of the AWS Batch API
reference: listed per queue, looked up by ARN alone; the queue is given by name or ARN and described as an ARN.
"""

from types import MappingProxyType

from providers.kinds.facts import Default, Facts, Lookup, Rule, page

_CREATE = page("CreateQuotaShare")
_UPDATE = page("UpdateQuotaShare")

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
    orderless=MappingProxyType({"QuotaShareCapacityLimits": page("QuotaShareCapacityLimit")}),
    defaults=(
        Default("quota_share.state", "ENABLED", source=_CREATE),
        Default(
            "QuotaShareResourceSharingConfiguration.borrowLimit",
            -1,
            source=page("QuotaShareResourceSharingConfiguration"),
        ),
    ),
    always_sent=(Default("quota_share.state", "ENABLED", source=_CREATE),),
    rules=(
        Rule(
            "in-place",
            ("state", "capacityLimits", "resourceSharingConfiguration", "preemptionConfiguration"),
            "update",
            "taken in place; structures are sent in full",
            source=_UPDATE,
        ),
        Rule("for-life", ("jobQueue",), "replace", "a quota share belongs to its queue for life", source=_UPDATE),
    ),
    foreseen=frozenset(
        {
            "resourceSharingConfiguration.strategy",
            "resourceSharingConfiguration.borrowLimit",
            "preemptionConfiguration.inSharePreemption",
        }
    ),
    settles=True,
    switched=True,
)
