"""A small stack in an account with many revisions of others: what it costs, what is seen, what is said of the rest."""

import json
from typing import Any

import attrs
import boto3
import pytest

from plans.change import Action
from providers.resources import STACK_TAG
from providers.simulator import Request, Response
from providers.simulator import Settings as Simulated
from providers.simulator.wire import answer_botocore
from reconciler.observe import PAGES
from tests.kit import LAB, REGION, Stage, cut, on_stage

OTHERS = PAGES * 2
REST = cut(LAB, "  sort:")


CONTAINER: Any = {
    "image": "x",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
}


def crowded(stage: Stage) -> None:
    """Apply the stack where somebody registered so many definitions before that pages of one item run out."""
    for number in range(OTHERS):
        stage.world.register_job_definition(
            jobDefinitionName=f"another-{number}", type="container", containerProperties=CONTAINER
        )
    assert stage.apply(LAB).exit_code == 0


def tagging(stage: Stage) -> Any:
    """A client of the Resource Groups Tagging API that tells of the stage's revisions."""

    def handle(request: Request) -> Response:
        (asked,) = json.loads(request.body)["TagFilters"]
        found = [
            {"ResourceARN": each["jobDefinitionArn"], "Tags": []}
            for each in stage._pages("describe_job_definitions", "jobDefinitions", status="ACTIVE")
            if asked["Key"] == STACK_TAG and each.get("tags", {}).get(STACK_TAG) in asked["Values"]
        ]
        return Response(200, {}, json.dumps({"ResourceTagMappingList": found, "PaginationToken": ""}).encode())

    make: Any = boto3.client
    made = make("resourcegroupstaggingapi", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="y")
    made.meta.events.register("before-send", lambda request, **_: answer_botocore(handle, request))
    return made


@on_stage(simulated=Simulated(page_size=1))
def test_the_families_at_hand_are_enough(stage: Stage) -> None:
    """Nothing is to be done, and the revisions of others are not all read to find that out."""
    crowded(stage)
    made = stage.plan(LAB)
    assert made.empty
    assert stage.calls["DescribeJobDefinitions"] == PAGES + 2 * 2
    (told,) = [warning for warning in made.warnings if warning.startswith("job definitions")]
    assert told.startswith(
        f"job definitions that left the manifest were not looked for: there are more than {PAGES} revisions"
    )


@on_stage(simulated=Simulated(page_size=1))
def test_a_change_needs_no_more(stage: Stage) -> None:
    """A new revision is registered, and old ones go, as in a small account."""
    crowded(stage)
    for image in range(2, 5):
        assert stage.apply(LAB.replace("sort:1", f"sort:{image}")).exit_code == 0
    assert stage.revisions("lab-sort") == [2, 3, 4]


@on_stage(simulated=Simulated(page_size=1))
def test_what_is_found_by_its_tag_is_pruned(stage: Stage) -> None:
    """A definition that left the manifest is deregistered where the Tagging API may be asked, and else it stays."""
    crowded(stage)
    names = {change.name: change.action for change in stage.plan(REST).changes}
    assert "lab-sort" not in names
    connection = attrs.evolve(stage.reconciler.connection, other=lambda _service: tagging(stage))
    stage.reconciler = attrs.evolve(stage.reconciler, connection=connection)
    made = stage.plan(REST)
    assert {change.name: change.action for change in made.changes}["lab-sort"] is Action.DELETE
    assert not [warning for warning in made.warnings if "looked for" in warning]
    assert stage.apply(REST).exit_code == 0
    assert stage.revisions("lab-sort") == []
    assert len(stage.revisions("another-1")) == 1


@on_stage(simulated=Simulated(page_size=1))
def test_a_destroy_looks_at_all(stage: Stage) -> None:
    """Nothing of the stack stays, whatever there is beside it."""
    crowded(stage)
    assert stage.destroy(LAB).exit_code == 0
    assert len([arn for arn in stage.all if "another-" not in arn]) == 0


@pytest.mark.parametrize("name", ["another-39", "lab-nobody"])
def test_a_name_that_is_taken_is_seen(name: str) -> None:
    """What the manifest wants is looked up by name, so that nobody else's family is added to."""
    stage = Stage.new(simulated=Simulated(page_size=1))
    crowded(stage)
    text = LAB.replace("  sort:\n", f"  sort:\n    physicalName: {name}\n", 1)
    codes = [refusal.code for refusal in stage.plan(text).refusals]
    assert ("name-taken" in codes) == (name == "another-39")
