"""Life of a quota share within its queue."""

from typing import Any

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, refusal

_SHARE: dict[str, Any] = {
    "capacityLimits": [{"capacityUnit": "ml.m5.large", "maxCapacity": 2}],
    "resourceSharingConfiguration": {"strategy": "RESERVE"},
    "preemptionConfiguration": {"inSharePreemption": "DISABLED"},
}


def _see(lab: Lab, arn: str) -> dict[str, Any]:
    answer: dict[str, Any] = lab.batch.describe_quota_share(quotaShareArn=arn)
    del answer["ResponseMetadata"]
    return answer


def _names(lab: Lab, queue: str) -> list[str]:
    return [it["quotaShareName"] for it in lab.batch.list_quota_shares(jobQueue=queue)["quotaShares"]]


def test_a_quota_share_is_created_and_shown_with_its_defaults(lab: Lab) -> None:
    """It is CREATING, then VALID; ENABLED; its ARN lies within that of its queue, which it shows."""
    queue = lab.quota_queue("q")
    arn = lab.quota_share("s", "q", wait=2)
    assert arn == f"{queue}/quota-share/s"
    assert _see(lab, arn)["status"] == "CREATING"
    lab.clock.sleep(1)
    assert _see(lab, arn) == {
        "quotaShareName": "s",
        "quotaShareArn": arn,
        "jobQueueArn": queue,
        "state": "ENABLED",
        "status": "VALID",
        "tags": {},
        **_SHARE,
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"capacityLimits": []}, "Capacitylimits are required."),
        (
            {"capacityLimits": [{"capacityUnit": f"ml.m{n}.large", "maxCapacity": 1} for n in range(6)]},
            "Number of capacity limits exceeds 5.",
        ),
        ({"capacityLimits": [{"capacityUnit": "ml.m5.large", "maxCapacity": 0}]}, "more than 0"),
        ({"capacityLimits": [{"capacityUnit": "m5.large", "maxCapacity": 1}]}, "unknown capacity unit"),
        ({"capacityLimits": [{"capacityUnit": "NUM_INSTANCES", "maxCapacity": 1}]}, "must be an instance type"),
        ({"resourceSharingConfiguration": {"strategy": "LEND", "borrowLimit": 10}}, "LEND_AND_BORROW"),
        ({"resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW", "borrowLimit": -2}}, "-1 or more"),
        ({"resourceSharingConfiguration": {"strategy": "STEAL"}}, "strategy must be one of"),
        ({"preemptionConfiguration": {"inSharePreemption": "MAYBE"}}, "inSharePreemption must be one of"),
        ({"state": "OFF"}, "state must be one of"),
    ],
)
def test_a_bad_quota_share_is_refused(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """Each broken rule is a ClientException, HTTP 400, at creation and at update, and nothing comes of it."""
    lab.quota_queue("q")
    create = {"quotaShareName": "x", "jobQueue": "q", **_SHARE, **changes}
    status, code, message = refusal(lab.batch.create_quota_share, **create)
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert _names(lab, "q") == []
    arn = lab.quota_share("s", "q")
    before = _see(lab, arn)
    assert words in refusal(lab.batch.update_quota_share, quotaShareArn=arn, **changes)[2]
    assert _see(lab, arn) == before


def test_what_belongs_to_creation_is_judged_there(lab: Lab) -> None:
    """The name is well-formed, tags are the account's own, the queue is there."""
    lab.quota_queue("q")
    create = lab.batch.create_quota_share
    assert "quotaShareName" in refusal(create, quotaShareName="a/b", jobQueue="q", **_SHARE)[2]
    assert "aws:" in refusal(create, quotaShareName="a", jobQueue="q", tags={"aws:x": ""}, **_SHARE)[2]
    assert "none does not exist" in refusal(create, quotaShareName="a", jobQueue="none", **_SHARE)[2]


def test_a_quota_share_needs_a_queue_of_quota_shares(lab: Lab) -> None:
    """Neither a queue of compute environments has them, nor a service queue without a policy or of fair shares."""
    lab.environment("a")
    lab.queue("compute", "a")
    lab.service_environment("s")
    lab.training_queue("fifo", "s")
    fair = lab.batch.create_scheduling_policy(name="fair")["arn"]
    lab.training_queue("fair", "s", schedulingPolicyArn=fair)
    for queue in ("compute", "fifo", "fair"):
        text = refusal(lab.batch.create_quota_share, quotaShareName="s", jobQueue=queue, **_SHARE)[2]
        assert "does not have quota management enabled" in text


def test_a_quota_share_needs_a_valid_queue(lab: Lab) -> None:
    """A queue that is UPDATING takes no new share; one that is DISABLED and VALID does."""
    lab.quota_queue("q")
    lab.disable_queue("q", wait=5)
    refused = refusal(lab.batch.create_quota_share, quotaShareName="s", jobQueue="q", **_SHARE)
    assert "must be in the VALID state" in refused[2]
    lab.clock.sleep(5)
    lab.quota_share("s", "q")
    assert _names(lab, "q") == ["s"]


def test_a_taken_name_is_refused_with_409(lab: Lab) -> None:
    """A queue has one share of a name; another queue has its own."""
    lab.quota_queue("p")
    queue = lab.quota_queue("q")
    lab.quota_share("s", "p")
    lab.quota_share("s", "q")
    taken = refusal(lab.batch.create_quota_share, quotaShareName="s", jobQueue=queue, **_SHARE)
    assert taken == (409, "ClientException", "Object already exists")


def test_a_queue_holds_so_many_shares() -> None:
    """Beyond the quota of a queue creation is refused there, and not in another queue."""
    lab = Lab.new(settings=Settings(quotas=Quotas(quota_shares_a_queue=2)))
    lab.quota_queue("p")
    lab.quota_queue("q")
    lab.quota_share("a", "q")
    lab.quota_share("b", "q")
    assert "Limit of 2" in refusal(lab.batch.create_quota_share, quotaShareName="c", jobQueue="q", **_SHARE)[2]
    lab.quota_share("c", "p")


def test_the_quota_of_shares_is_twenty() -> None:
    """A queue holds up to 20 quota shares, with up to 5 limits each, as AWS documents it."""
    assert (Quotas().quota_shares_a_queue, Quotas().capacity_limits) == (20, 5)


def test_a_share_that_borrows_without_limit_shows_minus_one(lab: Lab) -> None:
    """The borrow limit is -1 where nothing is said, at creation and at update, and what was said otherwise."""
    lab.quota_queue("q")
    borrows = {"strategy": "LEND_AND_BORROW"}
    arn = lab.quota_share("s", "q", resourceSharingConfiguration=borrows)
    assert _see(lab, arn)["resourceSharingConfiguration"] == {**borrows, "borrowLimit": -1}
    limited = {**borrows, "borrowLimit": 200}
    lab.batch.update_quota_share(quotaShareArn=arn, resourceSharingConfiguration=limited)
    lab.clock.sleep(60)
    assert _see(lab, arn)["resourceSharingConfiguration"] == limited
    lab.batch.update_quota_share(quotaShareArn=arn, resourceSharingConfiguration=borrows)
    assert _see(lab, arn)["resourceSharingConfiguration"] == {**borrows, "borrowLimit": -1}
    lab.clock.sleep(60)
    lab.batch.update_quota_share(quotaShareArn=arn, resourceSharingConfiguration={"strategy": "LEND"})
    assert _see(lab, arn)["resourceSharingConfiguration"] == {"strategy": "LEND"}


def test_an_update_changes_what_it_names(lab: Lab) -> None:
    """Each member is replaced whole, the rest stays; meanwhile the share is UPDATING and refuses."""
    lab.quota_queue("q")
    arn = lab.quota_share("s", "q", state="DISABLED")
    update = lab.batch.update_quota_share
    limits = [{"capacityUnit": "ml.p4d.24xlarge", "maxCapacity": 1}]
    answer = update(quotaShareArn=arn, capacityLimits=limits, preemptionConfiguration={"inSharePreemption": "ENABLED"})
    assert (answer["quotaShareName"], answer["quotaShareArn"]) == ("s", arn)
    assert _see(lab, arn)["status"] == "UPDATING"
    assert "being modified" in refusal(update, quotaShareArn=arn, state="ENABLED")[2]
    assert "being modified" in refusal(lab.batch.delete_quota_share, quotaShareArn=arn)[2]
    lab.clock.sleep(1)
    seen = _see(lab, arn)
    assert (seen["status"], seen["state"], seen["capacityLimits"]) == ("VALID", "DISABLED", limits)
    assert seen["preemptionConfiguration"] == {"inSharePreemption": "ENABLED"}
    assert seen["resourceSharingConfiguration"] == {"strategy": "RESERVE"}


def test_shares_are_listed_by_queue_without_tags(lab: Lab) -> None:
    """A list is of one queue, page by page, as describe shows them but for tags."""
    queue = lab.quota_queue("q")
    lab.quota_queue("p")
    arns = [lab.quota_share(name, "q", tags={"a": "b"}) for name in ("x", "y", "z")]
    lab.quota_share("other", "p")
    pages = lab.batch.get_paginator("list_quota_shares").paginate(jobQueue=queue, PaginationConfig={"PageSize": 2})
    listed = [page["quotaShares"] for page in pages]
    assert [len(page) for page in listed] == [2, 1]
    for arn, share in zip(arns, [share for page in listed for share in page], strict=True):
        assert {**share, "tags": {"a": "b"}} == _see(lab, arn)
    assert b"tags" not in lab.post("ListQuotaShares", {"jobQueue": "q"}).body
    assert "does not exist" in refusal(lab.batch.list_quota_shares, jobQueue="none")[2]


def test_shares_are_named_by_arn(lab: Lab) -> None:
    """Neither a name nor the end of an ARN stands for a share; an unknown ARN is refused by every call."""
    queue = lab.quota_queue("q")
    lab.quota_share("s", "q")
    calls = (lab.batch.describe_quota_share, lab.batch.update_quota_share, lab.batch.delete_quota_share)
    for call in calls:
        for reference in ("s", "q/quota-share/s", f"{queue}/quota-share/none", queue):
            refused = refusal(call, quotaShareArn=reference)
            assert refused == (400, "ClientException", f"{reference} does not exist")


def test_deletion_needs_disabled_and_has_no_status_deleted() -> None:
    """A share is deleted when DISABLED and settled; it is DELETING, its name taken, and then gone without DELETED."""
    lab = Lab.new(settings=Settings())
    lab.quota_queue("q")
    arn = lab.quota_share("s", "q")
    delete = lab.batch.delete_quota_share
    assert "DISABLED" in refusal(delete, quotaShareArn=arn)[2]
    lab.batch.update_quota_share(quotaShareArn=arn, state="DISABLED")
    lab.clock.sleep(1)
    delete(quotaShareArn=arn)
    assert _see(lab, arn)["status"] == "DELETING"
    assert refusal(lab.batch.create_quota_share, quotaShareName="s", jobQueue="q", **_SHARE)[0] == 409
    lab.clock.sleep(5)
    assert refusal(lab.batch.describe_quota_share, quotaShareArn=arn)[2] == f"{arn} does not exist"
    assert _names(lab, "q") == []
    lab.quota_share("s", "q")


def test_an_invalid_share_tells_no_reason(lab: Lab) -> None:
    """INVALID comes without a reason, from describe and from list, even on the wire."""
    lab.quota_queue("q")
    arn = lab.quota_share("s", "q")
    lab.simulator.set_status("quota_share", "q/quota-share/s", "INVALID", "a reason", region="eu-west-1")
    for operation, body in (("DescribeQuotaShare", {"quotaShareArn": arn}), ("ListQuotaShares", {"jobQueue": "q"})):
        answer = lab.post(operation, body).body
        assert b'"INVALID"' in answer
        assert b"statusReason" not in answer


def test_a_quota_share_is_tagged_by_its_arn(lab: Lab) -> None:
    """Tags of a share are its own, not those of its queue."""
    queue = lab.quota_queue("q")
    arn = lab.quota_share("s", "q", tags={"a": "1"})
    lab.batch.tag_resource(resourceArn=arn, tags={"b": "2"})
    lab.batch.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    assert _see(lab, arn)["tags"] == {"b": "2"}
    assert lab.batch.list_tags_for_resource(resourceArn=queue)["tags"] == {}
    unknown = f"{queue}/quota-share/none"
    assert refusal(lab.batch.list_tags_for_resource, resourceArn=unknown)[2] == f"{unknown} does not exist"


def test_deletion_ends_the_jobs_of_the_share(lab: Lab) -> None:
    """The jobs of a share fail with it; those of another share of the queue go on."""
    lab.quota_queue("q")
    arns = [lab.quota_share(name, "q") for name in ("gone", "stays")]
    gone, stays = (lab.service_job("q", quotaShareName=name) for name in ("gone", "stays"))
    lab.batch.update_quota_share(quotaShareArn=arns[0], state="DISABLED")
    lab.clock.sleep(1)
    lab.batch.delete_quota_share(quotaShareArn=arns[0])
    assert lab.batch.describe_service_job(jobId=gone)["status"] == "FAILED"
    assert lab.batch.describe_service_job(jobId=stays)["status"] != "FAILED"
