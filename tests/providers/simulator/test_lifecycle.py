"""What all objects have in common: what is shown of those that are gone, and the partition that their ARNs tell."""

import pytest

from providers.simulator import Fault, Quotas, Settings
from tests.providers.simulator.lab import Lab, connect, refusal


def _lagging(seconds: float, **quotas: int) -> Lab:
    return Lab.new(settings=Settings(stale_reads=seconds, quotas=Quotas(**quotas)))


def _policy(lab: Lab, name: str, wait: float = 100) -> str:
    arn: str = lab.batch.create_scheduling_policy(name=name, tags={"of": name})["arn"]
    lab.clock.sleep(wait)
    return arn


def _seen(lab: Lab, arn: str) -> list[str]:
    """Return the names of policies that are told: of one described, of those listed, and of one by its tags."""
    described = lab.batch.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    return [*(it["name"] for it in described), *_listed(lab)]


def _listed(lab: Lab, size: int = 100) -> list[str]:
    pages = lab.batch.get_paginator("list_scheduling_policies").paginate(PaginationConfig={"PageSize": size})
    return [it["arn"].rpartition("/")[2] for page in pages for it in page["schedulingPolicies"]]


def test_a_stale_read_shows_what_was_deleted() -> None:
    """Describe, list and tags answer with what is gone for the lag, and no longer."""
    lab = _lagging(30)
    arn = _policy(lab, "p")
    lab.batch.delete_scheduling_policy(arn=arn)
    lab.clock.sleep(29)
    assert _seen(lab, arn) == ["p", "p"]
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"of": "p"}
    lab.clock.sleep(1)
    assert _seen(lab, arn) == []
    assert "does not exist" in refusal(lab.batch.list_tags_for_resource, resourceArn=arn)[2]


def test_a_stale_read_shows_what_time_took_away() -> None:
    """An environment whose deletion is over is still shown in DELETING for the lag."""
    lab = _lagging(30)
    lab.environment("e", state="DISABLED")
    lab.batch.delete_compute_environment(computeEnvironment="e")
    for wait, status in ((44, "DELETING"), (30, "DELETING"), (1, None)):
        lab.clock.sleep(wait)
        assert lab.see_environment("e").get("status") == status


def test_what_is_gone_is_shown_to_stale_reads_only() -> None:
    """Whoever changes something meets nothing: not the object, nor its name, nor its place in the quota."""
    lab = _lagging(30, consumables=1)
    arn = _policy(lab, "p")
    lab.batch.create_consumable_resource(consumableResourceName="c", totalQuantity=1)
    lab.clock.sleep(100)
    lab.batch.delete_scheduling_policy(arn=arn)
    lab.batch.delete_consumable_resource(consumableResource="c")
    assert "does not exist" in refusal(lab.batch.tag_resource, resourceArn=arn, tags={"a": "b"})[2]
    assert "does not exist" in refusal(lab.batch.delete_scheduling_policy, arn=arn)[2]
    lab.batch.create_consumable_resource(consumableResourceName="d")
    _policy(lab, "p", wait=0)
    assert lab.simulator.show()["123456789012/eu-west-1"]["policy"].keys() == {"p"}


def test_a_name_that_is_taken_again_comes_last() -> None:
    """What is made anew is another object: the old one is not shown besides, and the new one stands at the end."""
    lab = _lagging(30)
    arn = _policy(lab, "p")
    _policy(lab, "q")
    lab.batch.delete_scheduling_policy(arn=arn)
    assert _listed(lab) == ["p", "q"]
    lab.batch.create_scheduling_policy(name="p", tags={"new": "yes"})
    lab.clock.sleep(10)
    assert _listed(lab) == ["q"]
    lab.batch.tag_resource(resourceArn=arn, tags={"newer": "yes"})
    assert _seen(lab, arn) == ["p", "q", "p"]
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"new": "yes"}


def test_pages_go_on_across_what_is_gone() -> None:
    """What is gone stands where it stood, on whatever page that is."""
    lab = _lagging(30)
    arns = [_policy(lab, name) for name in "abcdef"]
    for arn in (arns[1], arns[2], arns[5]):
        lab.batch.delete_scheduling_policy(arn=arn)
    assert _listed(lab, size=2) == list("abcdef")
    lab.clock.sleep(30)
    assert _listed(lab, size=2) == list("ade")


def test_a_fault_may_show_what_was_deleted(lab: Lab) -> None:
    """A stale read finds what is gone without any lag of the settings; one that is not stale does not."""
    arn = _policy(lab, "p")
    lab.batch.delete_scheduling_policy(arn=arn)
    lab.clock.sleep(9)
    lab.simulator.inject(Fault("List*", "stale", times=2, seconds=10))
    assert _listed(lab) == ["p"]
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"of": "p"}
    assert _listed(lab) == []


def test_what_is_gone_is_forgotten(lab: Lab) -> None:
    """An hour later, or after the lag where that is longer, nothing is left of it but what is deleted next."""
    slow = _lagging(7200)
    for it in (lab, slow):
        it.batch.delete_scheduling_policy(arn=_policy(it, "p", wait=8000))
        it.clock.sleep(3599)
        it.batch.delete_scheduling_policy(arn=_policy(it, "q", wait=1))
    lab.simulator.inject(Fault("ListSchedulingPolicies", "stale", seconds=1e6))
    assert _listed(lab) == ["q"]
    assert _listed(slow) == ["p", "q"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_the_region_tells_the_partition(lab: Lab, region: str, partition: str) -> None:
    """ARNs of objects, of callers and of those who are denied something are of the partition of the region."""
    assert connect(lab.simulator, region=region).create_scheduling_policy(name="p")["arn"].split(":")[1] == partition
    sts = connect(lab.simulator, "sts", region=region)
    assert sts.get_caller_identity()["Arn"] == f"arn:{partition}:iam::123456789012:user/simulated"
    lab.simulator.inject(Fault("*", "denied"))
    denied = refusal(connect(lab.simulator, region=region).describe_job_queues)[2]
    assert denied.startswith(f"User: arn:{partition}:iam::123456789012:user/simulated is not authorized")
