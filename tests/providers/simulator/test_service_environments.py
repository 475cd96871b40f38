"""Life of a service environment, and its capacity."""

from typing import Any

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, refusal


def _limit(unit: str = "NUM_INSTANCES", most: int = 1) -> dict[str, Any]:
    return {"capacityUnit": unit, "maxCapacity": most}


def test_a_service_environment_is_created_and_shown_with_its_defaults(lab: Lab) -> None:
    """It is CREATING for seconds, then VALID; ENABLED; found by name and ARN; no reason is shown."""
    arn = lab.service_environment("s", wait=2)
    assert lab.see_service_environment("s")["status"] == "CREATING"
    lab.clock.sleep(1)
    assert lab.see_service_environment("s") == lab.see_service_environment(arn)
    assert lab.see_service_environment("s") == {
        "serviceEnvironmentName": "s",
        "serviceEnvironmentArn": "arn:aws:batch:eu-west-1:123456789012:service-environment/s",
        "serviceEnvironmentType": "SAGEMAKER_TRAINING",
        "state": "ENABLED",
        "status": "VALID",
        "capacityLimits": [{"capacityUnit": "NUM_INSTANCES", "maxCapacity": 10}],
        "tags": {},
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"serviceEnvironmentName": "a b"}, "serviceEnvironmentName"),
        ({"serviceEnvironmentType": "OTHER"}, "serviceEnvironmentType must be one of SAGEMAKER_TRAINING"),
        ({"state": "OFF"}, "state must be one of"),
        ({"capacityLimits": []}, "Capacitylimits are required."),
        ({"capacityLimits": [_limit(f"ml.m{n}.large") for n in range(6)]}, "Number of capacity limits exceeds 5."),
        ({"capacityLimits": [{"capacityUnit": "NUM_INSTANCES"}]}, "maxCapacity must be provided"),
        ({"capacityLimits": [{"maxCapacity": 1}]}, "capacityUnit must be provided"),
        ({"capacityLimits": [_limit(most=0)]}, "Max capacity must be more than 0."),
        ({"capacityLimits": [_limit("m5.large")]}, "m5.large is unknown capacity unit"),
        ({"capacityLimits": [_limit(), _limit("ml.m5.large")]}, "either number of instances OR instance type"),
        ({"capacityLimits": [_limit(), _limit(most=2)]}, "Duplicate capacity units"),
        ({"tags": {"aws:x": "y"}}, "aws:"),
    ],
)
def test_a_bad_service_environment_is_refused(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """Each broken rule is a ClientException, HTTP 400, at creation and, of limits, at update; nothing comes of it."""
    base = {"serviceEnvironmentName": "x", "serviceEnvironmentType": "SAGEMAKER_TRAINING", "capacityLimits": [_limit()]}
    status, code, message = refusal(lab.batch.create_service_environment, **{**base, **changes})
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert lab.batch.describe_service_environments()["serviceEnvironments"] == []
    if "capacityLimits" in changes:
        lab.service_environment("s")
        before = lab.see_service_environment("s")
        assert words in refusal(lab.batch.update_service_environment, serviceEnvironment="s", **changes)[2]
        assert lab.see_service_environment("s") == before


def test_a_taken_name_is_refused_with_409(lab: Lab) -> None:
    """Two service environments of one name cannot be; a compute environment of the name can."""
    lab.service_environment("s")
    lab.environment("s")
    again = {
        "serviceEnvironmentName": "s",
        "serviceEnvironmentType": "SAGEMAKER_TRAINING",
        "capacityLimits": [_limit()],
    }
    taken = refusal(lab.batch.create_service_environment, **again)
    assert taken == (409, "ClientException", "Object already exists")


def test_an_account_holds_so_many_service_environments() -> None:
    """Beyond the quota creation is refused."""
    lab = Lab.new(settings=Settings(quotas=Quotas(service_environments=1)))
    lab.service_environment("s")
    second = {"serviceEnvironmentType": "SAGEMAKER_TRAINING", "capacityLimits": [_limit()]}
    text = refusal(lab.batch.create_service_environment, serviceEnvironmentName="t", **second)[2]
    assert "Limit of 1 service environments" in text


def test_an_update_changes_what_it_names(lab: Lab) -> None:
    """State and limits change, each for itself; the environment is UPDATING for a moment, and refuses meanwhile."""
    arn = lab.service_environment("s", tags={"a": "b"})
    update = lab.batch.update_service_environment
    answer = update(serviceEnvironment=arn, capacityLimits=[_limit("ml.m5.large", 3), _limit("ml.p4d.24xlarge")])
    assert (answer["serviceEnvironmentName"], answer["serviceEnvironmentArn"]) == ("s", arn)
    assert lab.see_service_environment("s")["status"] == "UPDATING"
    assert "being modified" in refusal(update, serviceEnvironment="s", state="DISABLED")[2]
    lab.clock.sleep(1)
    seen = lab.see_service_environment("s")
    assert (seen["status"], seen["state"], seen["tags"]) == ("VALID", "ENABLED", {"a": "b"})
    assert seen["capacityLimits"] == [_limit("ml.m5.large", 3), _limit("ml.p4d.24xlarge")]
    lab.disable_service_environment("s")
    assert lab.see_service_environment("s") == {**seen, "state": "DISABLED"}
    assert "none does not exist" in refusal(update, serviceEnvironment="none")[2]


def test_the_units_stay_while_a_queue_has_the_environment(lab: Lab) -> None:
    """In a queue the limits change within their sort of unit; out of it they change sort."""
    lab.service_environment("s")
    lab.training_queue("q", "s")
    update = lab.batch.update_service_environment
    assert "Capacity units" in refusal(update, serviceEnvironment="s", capacityLimits=[_limit("ml.m5.large")])[2]
    update(serviceEnvironment="s", capacityLimits=[_limit(most=50)])
    lab.clock.sleep(60)
    assert lab.see_service_environment("s")["capacityLimits"] == [_limit(most=50)]
    lab.disable_queue("q")
    lab.batch.delete_job_queue(jobQueue="q")
    lab.clock.sleep(60)
    update(serviceEnvironment="s", capacityLimits=[_limit("ml.m5.large")])
    assert lab.see_service_environment("s")["capacityLimits"] == [_limit("ml.m5.large")]


def test_deletion_needs_disabled_and_settled(lab: Lab) -> None:
    """An environment is deleted when DISABLED and settled; it is DELETING, its name still taken, and then gone."""
    lab.service_environment("s", wait=1)
    delete = lab.batch.delete_service_environment
    assert "being modified" in refusal(delete, serviceEnvironment="s")[2]
    lab.clock.sleep(2)
    assert "DISABLED" in refusal(delete, serviceEnvironment="s")[2]
    lab.disable_service_environment("s")
    delete(serviceEnvironment="s")
    assert lab.see_service_environment("s")["status"] == "DELETING"
    assert "being modified" in refusal(delete, serviceEnvironment="s")[2]
    again = {"serviceEnvironmentType": "SAGEMAKER_TRAINING", "capacityLimits": [_limit()]}
    assert refusal(lab.batch.create_service_environment, serviceEnvironmentName="s", **again)[0] == 409
    lab.clock.sleep(5)
    assert lab.see_service_environment("s") == {}
    assert "does not exist" in refusal(delete, serviceEnvironment="s")[2]


def test_deletion_waits_for_the_queue(lab: Lab) -> None:
    """While a queue names it, and for a while after it has let go, an environment is not deleted."""
    lab.service_environment("s")
    lab.service_environment("t")
    lab.training_queue("q", "s")
    lab.disable_service_environment("s")
    delete = lab.batch.delete_service_environment
    text = "Cannot delete, found existing JobQueue relationship"
    assert refusal(delete, serviceEnvironment="s") == (400, "ClientException", text)
    other = [{"order": 1, "serviceEnvironment": "t"}]
    lab.batch.update_job_queue(jobQueue="q", serviceEnvironmentOrder=other)
    lab.clock.sleep(24)
    assert refusal(delete, serviceEnvironment="s")[2] == text
    lab.clock.sleep(1)
    delete(serviceEnvironment="s")
    lab.disable_queue("q")
    lab.disable_service_environment("t")
    lab.batch.delete_job_queue(jobQueue="q")
    assert refusal(delete, serviceEnvironment="t")[2] == text
    lab.clock.sleep(20)
    delete(serviceEnvironment="t")
    assert lab.see_service_environment("t")["status"] == "DELETING"


def test_an_invalid_environment_tells_no_reason_and_is_repaired(lab: Lab) -> None:
    """INVALID comes without a reason, even on the wire, and ends with the next update."""
    lab.service_environment("s")
    lab.simulator.set_status("service_environment", "s", "INVALID", "a reason", region="eu-west-1")
    answer = lab.post("DescribeServiceEnvironments", {})
    assert b'"INVALID"' in answer.body
    assert b"statusReason" not in answer.body
    lab.batch.update_service_environment(serviceEnvironment="s")
    lab.clock.sleep(1)
    assert lab.see_service_environment("s")["status"] == "VALID"


def test_all_are_listed_page_by_page(lab: Lab) -> None:
    """Without names a describe answers all, in the order they came; with names those that are there."""
    for name in "abc":
        lab.service_environment(name)
    pages = lab.batch.get_paginator("describe_service_environments").paginate(PaginationConfig={"PageSize": 2})
    assert [[it["serviceEnvironmentName"] for it in page["serviceEnvironments"]] for page in pages] == [
        ["a", "b"],
        ["c"],
    ]
    named = lab.batch.describe_service_environments(serviceEnvironments=["c", "none"])["serviceEnvironments"]
    assert [it["serviceEnvironmentName"] for it in named] == ["c"]


def test_a_service_environment_is_tagged_by_its_arn(lab: Lab) -> None:
    """Tags given later join those of the creation."""
    arn = lab.service_environment("s", tags={"a": "1"})
    lab.batch.tag_resource(resourceArn=arn, tags={"b": "2"})
    lab.batch.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert lab.see_service_environment("s")["tags"] == {"b": "2"}
