"""Consumable resources and their quantities."""

from typing import Any

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, refusal

_ARN = "arn:aws:batch:eu-west-1:123456789012:consumable-resource/"


def _create(lab: Lab, name: str, **arguments: Any) -> str:
    arn: str = lab.batch.create_consumable_resource(consumableResourceName=name, **arguments)["consumableResourceArn"]
    return arn


def _see(lab: Lab, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = lab.batch.describe_consumable_resource(consumableResource=name)
    del answer["ResponseMetadata"]
    return answer


def _change(lab: Lab, operation: str, quantity: int, **arguments: Any) -> int:
    request = {"consumableResource": "c", "operation": operation, "quantity": quantity, **arguments}
    total: int = lab.batch.update_consumable_resource(**request)["totalQuantity"]
    return total


def test_a_consumable_resource_is_there_at_once(lab: Lab) -> None:
    """It is REPLENISHABLE where nothing is said, none of it is in use, and it is found by name and ARN."""
    lab.clock.sleep(0.5)
    arn = _create(lab, "c", totalQuantity=7, tags={"a": "b"})
    assert arn == _ARN + "c"
    assert _see(lab, "c") == _see(lab, arn)
    assert _see(lab, "c") == {
        "consumableResourceName": "c",
        "consumableResourceArn": arn,
        "totalQuantity": 7,
        "inUseQuantity": 0,
        "availableQuantity": 7,
        "resourceType": "REPLENISHABLE",
        "createdAt": round(lab.clock.now() * 1000),
        "tags": {"a": "b"},
    }


def test_without_a_quantity_there_is_none(lab: Lab) -> None:
    """A resource may be created without a quantity, and of the type that is used up."""
    _create(lab, "c", resourceType="NON_REPLENISHABLE")
    assert (_see(lab, "c")["totalQuantity"], _see(lab, "c")["resourceType"]) == (0, "NON_REPLENISHABLE")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"consumableResourceName": "a b"}, "consumableResourceName"),
        ({"totalQuantity": -1}, "totalQuantity cannot be a negative number."),
        ({"resourceType": "OTHER"}, "resourceType must be one of REPLENISHABLE, NON_REPLENISHABLE"),
        ({"tags": {"aws:x": "y"}}, "aws:"),
    ],
)
def test_a_bad_creation_is_refused(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """Each broken rule is a ClientException, HTTP 400, and nothing is made."""
    status, code, text = refusal(lab.batch.create_consumable_resource, **{"consumableResourceName": "c", **changes})
    assert (status, code) == (400, "ClientException")
    assert words in text
    assert lab.batch.list_consumable_resources()["consumableResources"] == []


def test_a_taken_name_is_refused_with_409(lab: Lab) -> None:
    """A second resource of one name does not overwrite the first."""
    _create(lab, "c", totalQuantity=7)
    taken = refusal(lab.batch.create_consumable_resource, consumableResourceName="c", totalQuantity=8)
    assert taken == (409, "ClientException", "Object already exists")
    assert _see(lab, "c")["totalQuantity"] == 7


def test_an_account_holds_so_many_consumable_resources() -> None:
    """Beyond the quota creation is refused; what is deleted makes room."""
    lab = Lab.new(settings=Settings(quotas=Quotas(consumables=1)))
    _create(lab, "c")
    text = refusal(lab.batch.create_consumable_resource, consumableResourceName="d")[2]
    assert "Limit of 1 consumable resources" in text
    lab.batch.delete_consumable_resource(consumableResource="c")
    _create(lab, "d")


def test_the_quantity_is_set_raised_and_reduced(lab: Lab) -> None:
    """SET is absolute, ADD and REMOVE are relative; the answer tells the new total."""
    _create(lab, "c", totalQuantity=7)
    assert _change(lab, "SET", 10) == 10
    assert _change(lab, "ADD", 5) == 15
    assert _change(lab, "REMOVE", 14, consumableResource=_ARN + "c") == 1
    assert _change(lab, "REMOVE", 1) == 0
    assert (_see(lab, "c")["totalQuantity"], _see(lab, "c")["availableQuantity"]) == (0, 0)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"operation": "SET", "quantity": -1}, "quantity cannot be a negative number."),
        ({"operation": "REMOVE", "quantity": 8}, "totalQuantity cannot be a negative number."),
        ({"operation": "DOUBLE", "quantity": 1}, "operation must be one of SET, ADD, REMOVE"),
        ({"operation": "SET"}, "quantity must be provided"),
        ({"quantity": 1}, "operation must be provided"),
        ({"consumableResource": "none", "operation": "SET", "quantity": 1}, "none does not exist"),
    ],
)
def test_a_bad_update_is_refused(lab: Lab, request_: dict[str, Any], words: str) -> None:
    """A refused update leaves the quantity, and its token for another try."""
    _create(lab, "c", totalQuantity=7)
    sent = {"consumableResource": "c", "clientToken": "t", **request_}
    status, code, text = refusal(lab.batch.update_consumable_resource, **sent)
    assert (status, code) == (400, "ClientException")
    assert words in text
    assert _see(lab, "c")["totalQuantity"] == 7
    assert _change(lab, "ADD", 1, clientToken="t") == 8


def test_the_same_token_acts_once(lab: Lab) -> None:
    """Within eight hours the same update with the same token is answered as before, whatever has come since."""
    _create(lab, "c", totalQuantity=7)
    assert _change(lab, "ADD", 1, clientToken="t") == 8
    assert _change(lab, "ADD", 1, clientToken="u") == 9
    lab.clock.sleep(8 * 3600 - 1)
    assert _change(lab, "ADD", 1, clientToken="t") == 8
    assert _see(lab, "c")["totalQuantity"] == 9
    lab.clock.sleep(1)
    assert _change(lab, "ADD", 1, clientToken="t") == 10


def test_calls_without_a_token_of_their_own_all_act(lab: Lab) -> None:
    """What boto3 sends twice as two calls has two tokens; on the wire there may be none."""
    _create(lab, "c", totalQuantity=7)
    _change(lab, "ADD", 1)
    assert _change(lab, "ADD", 1) == 9
    body = {"consumableResource": "c", "operation": "ADD", "quantity": 1}
    for _ in range(2):
        assert lab.post("UpdateConsumableResource", body).status == 200
    assert _see(lab, "c")["totalQuantity"] == 11


def test_a_token_is_not_used_for_something_else(lab: Lab) -> None:
    """Another update with the token of an earlier one is refused; a forgotten token is free."""
    _create(lab, "c", totalQuantity=7)
    _change(lab, "ADD", 1, clientToken="t")
    update = lab.batch.update_consumable_resource
    other = {"consumableResource": "c", "operation": "ADD", "quantity": 2, "clientToken": "t"}
    assert "different parameters" in refusal(update, **other)[2]
    assert "different parameters" in refusal(update, **{**other, "operation": "SET", "quantity": 1})[2]
    lab.clock.sleep(8 * 3600)
    assert _change(lab, "ADD", 2, clientToken="t") == 10


def test_old_tokens_are_forgotten(lab: Lab) -> None:
    """What is kept of tokens does not grow beyond eight hours, and is no part of the resource."""
    _create(lab, "c", totalQuantity=7)
    for _ in range(3):
        _change(lab, "ADD", 1)
        lab.clock.sleep(8 * 3600)
    assert lab.store._connection.execute("SELECT count(*) FROM tokens").fetchone() == (1,)
    (row,) = lab.store.dump()["123456789012/eu-west-1"]["consumable"].values()
    assert row["kept"] == {}


def test_a_token_is_of_one_resource(lab: Lab) -> None:
    """The same token changes another resource too, and one that was made anew under the old name."""
    _create(lab, "c", totalQuantity=7)
    _create(lab, "d", totalQuantity=7)
    assert _change(lab, "ADD", 1, clientToken="t") == 8
    assert _change(lab, "ADD", 2, clientToken="t", consumableResource="d") == 9
    lab.batch.delete_consumable_resource(consumableResource="c")
    _create(lab, "c", totalQuantity=1)
    assert _change(lab, "ADD", 3, clientToken="t") == 4


def test_a_total_is_a_long(lab: Lab) -> None:
    """What is added up to more than the API can tell is refused."""
    _create(lab, "c", totalQuantity=2**63 - 2)
    assert _change(lab, "ADD", 1) == 2**63 - 1
    update = lab.batch.update_consumable_resource
    text = refusal(update, consumableResource="c", operation="ADD", quantity=2**63 - 1)[2]
    assert text == "totalQuantity must be at most 9223372036854775807"
    assert _see(lab, "c")["totalQuantity"] == 2**63 - 1


def test_what_is_in_use_is_not_available(lab: Lab) -> None:
    """Available is the total without what is in use, and nothing when the total is set below that."""
    _create(lab, "c", totalQuantity=7)
    lab.simulator.seed("consumable", "c", {**_see(lab, "c"), "inUseQuantity": 5}, region="eu-west-1")
    assert _see(lab, "c")["availableQuantity"] == 2
    _change(lab, "SET", 3)
    assert (_see(lab, "c")["totalQuantity"], _see(lab, "c")["availableQuantity"]) == (3, 0)
    assert lab.batch.list_consumable_resources()["consumableResources"] == [
        {
            "consumableResourceName": "c",
            "consumableResourceArn": _ARN + "c",
            "totalQuantity": 3,
            "inUseQuantity": 5,
            "resourceType": "REPLENISHABLE",
        }
    ]


def test_a_list_tells_no_more_than_its_summary(lab: Lab) -> None:
    """Neither tags nor the time of creation stand in a list, on the wire either."""
    _create(lab, "c", tags={"a": "b"})
    body = lab.post("ListConsumableResources", {}).body
    assert b"consumable-resource/c" in body
    for word in (b"tags", b"createdAt", b"availableQuantity"):
        assert word not in body


def test_lists_are_paged_and_filtered_by_name(lab: Lab) -> None:
    """A value of the filter fits in any case, as a whole or, with an asterisk, as a beginning; any value will do."""
    for name in ("license-a", "License-B", "other", "licenses"):
        _create(lab, name)

    def listed(*values: str, size: int = 100) -> list[list[str]]:
        arguments: dict[str, Any] = {"filters": [{"name": "CONSUMABLE_RESOURCE_NAME", "values": list(values)}]}
        pages = lab.batch.get_paginator("list_consumable_resources").paginate(
            **(arguments if values else {}), PaginationConfig={"PageSize": size}
        )
        return [[it["consumableResourceName"] for it in page["consumableResources"]] for page in pages]

    assert listed(size=3) == [["license-a", "License-B", "other"], ["licenses"]]
    assert listed("LICENSE-*") == [["license-a", "License-B"]]
    assert listed("license*", size=2) == [["license-a", "License-B"], ["licenses"]]
    assert listed("OTHER", "license-b") == [["License-B", "other"]]
    assert listed("license") == [[]]


def test_another_filter_is_refused(lab: Lab) -> None:
    """Names of filters are case sensitive."""
    for name in ("consumable_resource_name", "JOB_NAME"):
        filters = [{"name": name, "values": ["x"]}]
        assert "Invalid filter" in refusal(lab.batch.list_consumable_resources, filters=filters)[2]


def test_a_consumable_resource_is_deleted_at_once(lab: Lab) -> None:
    """It goes by name or ARN, in use or not, and then is refused wherever it is named; its name is free."""
    arn = _create(lab, "c", totalQuantity=7, tags={"a": "b"})
    lab.simulator.seed("consumable", "c", {**_see(lab, "c"), "inUseQuantity": 5}, region="eu-west-1")
    lab.batch.delete_consumable_resource(consumableResource=arn)
    for call in (lab.batch.describe_consumable_resource, lab.batch.delete_consumable_resource):
        assert refusal(call, consumableResource="c") == (400, "ClientException", "c does not exist")
    _create(lab, "c")
    assert _see(lab, "c")["tags"] == {}


def test_a_consumable_resource_is_tagged_by_its_arn(lab: Lab) -> None:
    """Tags given later join those of the creation."""
    arn = _create(lab, "c", tags={"a": "1"})
    lab.batch.tag_resource(resourceArn=arn, tags={"b": "2"})
    lab.batch.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert _see(lab, "c")["tags"] == {"b": "2"}


def test_jobs_go_on_when_there_is_more(lab: Lab) -> None:
    """A job that waits for a resource starts once enough of it is added, or once it is made anew under its name."""
    lab.environment("a")
    lab.queue("q", "a")
    _create(lab, "c", totalQuantity=1)
    lab.definition(
        "d", consumableResourceProperties={"consumableResourceList": [{"consumableResource": "c", "quantity": 2}]}
    )

    def submit() -> str:
        job: str = lab.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")["jobId"]
        lab.clock.sleep(60)
        assert status(job) == "RUNNABLE"
        return job

    def status(job: str) -> str:
        (shown,) = lab.batch.describe_jobs(jobs=[job])["jobs"]
        return str(shown["status"])

    first = submit()
    _change(lab, "ADD", 1)
    assert status(first) == "STARTING"
    lab.batch.delete_consumable_resource(consumableResource="c")
    lab.clock.sleep(3600)
    second = submit()
    _create(lab, "c", totalQuantity=2)
    assert status(second) == "STARTING"
