"""Scheduling policies."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, refusal


def _see(lab: Lab, arn: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = lab.batch.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    return found[0] if found else {}


def test_a_policy_is_stored_whole(lab: Lab) -> None:
    """What is not sent of a fair-share policy has its default, in creation and in update; weights are 32-bit floats."""
    arn = lab.batch.create_scheduling_policy(name="p", fairsharePolicy={"shareDecaySeconds": 60})["arn"]
    assert _see(lab, arn) == {
        "name": "p",
        "arn": "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/p",
        "fairsharePolicy": {"shareDecaySeconds": 60, "computeReservation": 0, "shareDistribution": []},
        "tags": {},
    }
    shares = [{"shareIdentifier": "a", "weightFactor": 0.1}, {"shareIdentifier": "b*"}]
    lab.batch.update_scheduling_policy(arn=arn, fairsharePolicy={"shareDistribution": shares})
    seen = _see(lab, arn)["fairsharePolicy"]
    assert seen["shareDecaySeconds"] == 0
    weights = [share["weightFactor"] for share in seen["shareDistribution"]]
    assert weights[0] != 0.1
    assert weights == [pytest.approx(0.1, rel=1e-6), 1.0]


def test_an_update_that_says_nothing_changes_nothing(lab: Lab) -> None:
    """A policy that is not sent stays."""
    arn = lab.batch.create_scheduling_policy(name="p", fairsharePolicy={"computeReservation": 5})["arn"]
    lab.batch.update_scheduling_policy(arn=arn)
    assert _see(lab, arn)["fairsharePolicy"]["computeReservation"] == 5


def test_a_policy_keeps_its_sort(lab: Lab) -> None:
    """Fair share does not become quota share, nor the other way round; a policy is one of them."""
    quota = {"idleResourceAssignmentStrategy": "FIFO"}
    fair = lab.batch.create_scheduling_policy(name="f")["arn"]
    quotas = lab.batch.create_scheduling_policy(name="q", quotaSharePolicy=quota)["arn"]
    update = lab.batch.update_scheduling_policy
    assert "type" in refusal(update, arn=fair, quotaSharePolicy=quota)[2]
    assert "type" in refusal(update, arn=quotas, fairsharePolicy={})[2]
    update(arn=quotas, quotaSharePolicy=quota)
    assert _see(lab, quotas)["quotaSharePolicy"] == quota
    assert "fairsharePolicy" not in _see(lab, quotas)
    both = {"name": "b", "fairsharePolicy": {}, "quotaSharePolicy": quota}
    assert "both" in refusal(lab.batch.create_scheduling_policy, **both)[2]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"shareDecaySeconds": 604801}, "shareDecaySeconds"),
        ({"shareDecaySeconds": -1}, "shareDecaySeconds"),
        ({"computeReservation": -1}, "computeReservation"),
        ({"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0}]}, "weightFactor"),
        ({"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 1e300}]}, "weightFactor"),
        ({"shareDistribution": [{"shareIdentifier": "a-b"}]}, "alphanumeric"),
        ({"shareDistribution": [{"shareIdentifier": "*"}]}, "alphanumeric"),
        ({"shareDistribution": [{"shareIdentifier": "a" * 256}]}, "alphanumeric"),
        ({"shareDistribution": [{"shareIdentifier": "a*"}, {"shareIdentifier": "ab*"}]}, "overlap"),
        ({"computeReservation": 100}, "computeReservation"),
        ({"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 1000}]}, "weightFactor"),
        ({"shareDistribution": [{"shareIdentifier": "UserA*"}, {"shareIdentifier": "UserA1"}]}, "overlap"),
        ({"shareDistribution": [{"shareIdentifier": "a"}, {"shareIdentifier": "a"}]}, "overlap"),
    ],
)
def test_a_bad_policy_is_refused(lab: Lab, policy: dict[str, Any], words: str) -> None:
    """Ranges and overlaps are judged at creation and at update."""
    arn = lab.batch.create_scheduling_policy(name="p")["arn"]
    assert words in refusal(lab.batch.create_scheduling_policy, name="x", fairsharePolicy=policy)[2]
    assert words in refusal(lab.batch.update_scheduling_policy, arn=arn, fairsharePolicy=policy)[2]


def test_policies_are_named_by_arn(lab: Lab) -> None:
    """Describe finds nothing by name; update and delete refuse a name; list gives ARNs, page by page."""
    arns = [lab.batch.create_scheduling_policy(name=name)["arn"] for name in ("a", "b", "c")]
    assert _see(lab, "a") == {}
    assert "does not exist" in refusal(lab.batch.update_scheduling_policy, arn="a")[2]
    assert "does not exist" in refusal(lab.batch.delete_scheduling_policy, arn="a")[2]
    pages = lab.batch.get_paginator("list_scheduling_policies").paginate(PaginationConfig={"PageSize": 2})
    assert [page["schedulingPolicies"] for page in pages] == [
        [{"arn": arns[0]}, {"arn": arns[1]}],
        [{"arn": arns[2]}],
    ]
    assert refusal(lab.batch.describe_scheduling_policies, arns=["x"] * 101)[0] == 400


def test_a_policy_in_use_is_not_deleted(lab: Lab) -> None:
    """While a queue has it, also one in deletion, a policy stays; then it goes, at once."""
    lab.environment("a")
    arn = lab.batch.create_scheduling_policy(name="p")["arn"]
    lab.queue("first-in-first-out", "a")
    lab.queue("q", "a", schedulingPolicyArn=arn)
    lab.disable_queue("q")
    delete = lab.batch.delete_scheduling_policy
    assert "job queue q" in refusal(delete, arn=arn)[2]
    lab.batch.delete_job_queue(jobQueue="q")
    assert "job queue q" in refusal(delete, arn=arn)[2]
    lab.clock.sleep(60)
    delete(arn=arn)
    assert _see(lab, arn) == {}
    assert "does not exist" in refusal(delete, arn=arn)[2]


def test_a_taken_name_is_refused_with_409(lab: Lab) -> None:
    """A second policy of one name does not overwrite the first."""
    arn = lab.batch.create_scheduling_policy(name="p", fairsharePolicy={"computeReservation": 5})["arn"]
    assert refusal(lab.batch.create_scheduling_policy, name="p")[0] == 409
    assert _see(lab, arn)["fairsharePolicy"]["computeReservation"] == 5


def test_values_at_the_bounds_are_taken(lab: Lab) -> None:
    """Decay of a week, a reservation of 99, the least and the largest weight, and identifiers that only look alike."""
    shares: list[dict[str, Any]] = [
        {"shareIdentifier": "a" * 255, "weightFactor": 0.0001},
        {"shareIdentifier": "UserA1", "weightFactor": 999.9999},
        {"shareIdentifier": "UserB*"},
        {"shareIdentifier": "User"},
    ]
    policy = {"shareDecaySeconds": 604800, "computeReservation": 99, "shareDistribution": shares}
    seen = _see(lab, lab.batch.create_scheduling_policy(name="p", fairsharePolicy=policy)["arn"])["fairsharePolicy"]
    assert [share["shareIdentifier"] for share in seen["shareDistribution"]] == [
        share["shareIdentifier"] for share in shares
    ]
    assert seen["shareDistribution"][0]["weightFactor"] == pytest.approx(0.0001, rel=1e-6)


def test_tags_and_names_of_policies_are_judged(lab: Lab) -> None:
    """A malformed name and a reserved tag are refused."""
    create = lab.batch.create_scheduling_policy
    assert "name must be" in refusal(create, name="a b")[2]
    assert "aws:" in refusal(create, name="a", tags={"aws:a": "b"})[2]


def test_a_policy_of_neither_sort_is_one_of_fair_shares(lab: Lab) -> None:
    """Where nothing is said a policy shows fair shares with their defaults."""
    arn = lab.batch.create_scheduling_policy(name="p")["arn"]
    assert _see(lab, arn)["fairsharePolicy"] == {
        "shareDecaySeconds": 0,
        "computeReservation": 0,
        "shareDistribution": [],
    }
    quota = {"idleResourceAssignmentStrategy": "lifo"}
    assert "must be one of FIFO" in refusal(lab.batch.create_scheduling_policy, name="q", quotaSharePolicy=quota)[2]
