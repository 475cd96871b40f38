"""What the service says and the installed botocore would drop: found, kept, and told once."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.model import ShapeResolver

from plans.plan import Plan
from providers.provider import Provider
from providers.unknown import UNKNOWN, below, watch
from tests.kit import ACCOUNT, LAB, Stage, client, kinds


class Raw:
    """The body of an answer, for botocore to read."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.body


def answering(body: Any, status: int = 200) -> Any:
    """A watched client to which everything answers with this body."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = client(Stage.new().simulator)
    made.meta.events.register_first(
        "before-send.batch", lambda request, **_: AWSResponse(request.url, status, HTTPHeaders(), Raw(text))
    )
    return watch(made)


def provider(body: Any) -> Provider:
    return Provider(answering(body), kinds())


ENVIRONMENT = {"computeEnvironmentName": "one", "computeEnvironmentArn": "arn:one"}


def of(**members: Any) -> Mapping[str, Any]:
    """What is unknown in an environment, and in the one before it, which says nothing new."""
    described = {"computeEnvironments": [ENVIRONMENT, {**ENVIRONMENT, **members}]}
    first, second = provider(described).describe("compute_environment", ["one", "two"])
    assert not first.unknown
    return second.unknown


@pytest.mark.parametrize(
    ("members", "unknown"),
    [
        ({"newThing": 1}, {"newThing": 1}),
        ({"computeResources": {"newThing": {"a": 1}}}, {"computeResources.newThing": {"a": 1}}),
        (
            {"computeResources": {"ec2Configuration": [{"imageType": "x"}, {"newThing": [1]}]}},
            {"computeResources.ec2Configuration[1].newThing": [1]},
        ),
        ({"newThing": None}, {}),
        ({"tags": {"newThing": "a"}}, {}),
        ({"computeResources": {"tags": {"newThing": "a"}, "instanceTypes": ["newThing"]}}, {}),
        ({"computeResources": None}, {}),
        ({"computeResources": {"ec2Configuration": None}}, {}),
    ],
)
def test_a_member_that_no_shape_has_is_unknown(members: dict[str, Any], unknown: dict[str, Any]) -> None:
    """At any depth, with its value; keys of maps are no members, and null says nothing."""
    assert of(**members) == unknown


def test_an_object_that_is_described_alone_has_what_is_unknown_as_well() -> None:
    """There the answer itself is the object."""
    shown = {"consumableResourceName": "c", "consumableResourceArn": "arn:c", "newThing": 1}
    (live,) = provider(shown).describe("consumable_resource", ["c"])
    assert live.unknown == {"newThing": 1}


def test_a_page_of_revisions_has_what_is_unknown_as_well() -> None:
    """Revisions come from a listing."""
    shown = {"jobDefinitionName": "d", "jobDefinitionArn": "arn:d", "containerProperties": {"newThing": 1}}
    found = provider({"jobDefinitions": [shown]})
    assert found.revisions("job_definition", "d").lives[0].unknown == {"containerProperties.newThing": 1}
    assert found.list("job_definition").lives[0].unknown == {"containerProperties.newThing": 1}


def test_an_answer_in_which_all_is_known_stays_as_it_is() -> None:
    """Nothing is added to it."""
    answer = answering({"computeEnvironments": [ENVIRONMENT]}).describe_compute_environments()
    assert UNKNOWN not in answer
    assert below(answer) == {}


@pytest.mark.parametrize("body", [b"no json", b"[]", b'"text"', b""])
def test_an_answer_that_is_none_is_botocores_to_tell(body: bytes) -> None:
    """The look at the raw answer raises nothing of its own, and changes nothing."""
    plain = answering(body)
    plain.meta.events.unregister("before-parse.batch", unique_id="batchwright-unknown")
    assert _outcome(answering(body)) == _outcome(plain)


def _outcome(asked: Any) -> Any:
    try:
        answer = asked.describe_compute_environments()
    except Exception as error:
        return type(error), str(error)
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_an_error_is_not_looked_at() -> None:
    """What a refusal says beside its message is no member of an object."""
    asked = answering({"message": "no", "newThing": 1}, status=400)
    assert "An error occurred" in str(_outcome(asked))


def seeded(stage: Stage, kind: str, name: str, **members: Any) -> None:
    """Let an object be shown with more than the model knows, from now on."""
    shown = held(stage)[kind][name]
    inner = {key: {**shown[key], **value} if isinstance(value, dict) else value for key, value in members.items()}
    stage.simulator.seed(kind, name, {**shown, **inner}, region=stage.region)


def held(stage: Stage) -> dict[str, dict[str, Any]]:
    """What the simulator holds, by kind and name."""
    return stage.simulator.show()[f"{ACCOUNT}/{stage.region}"]


def kind_of(stage: Stage, name: str) -> str:
    return next(kind for kind, things in held(stage).items() if name in things)


def told(made: Plan) -> list[str]:
    return [row for row in made.warnings if "botocore" in row]


def test_a_plan_warns_once_a_kind_and_path() -> None:
    """However many objects show it; of a definition it says what would be lost."""
    stage = Stage.new()
    stage.apply(LAB)
    for name in ("lab-spot", "lab-ondemand"):
        seeded(stage, kind_of(stage, name), name, computeResources={"newThing": 1})
    seeded(stage, kind_of(stage, "lab-align:1"), "lab-align:1", containerProperties={"newThing": 1})
    made = stage.plan(LAB)
    assert made.empty
    assert told(made) == [
        "the installed botocore does not know computeResources.newThing of compute environments: update boto3",
        "the installed botocore does not know containerProperties.newThing of job definitions, "
        "and a new revision would lose it: update boto3",
    ]


def test_what_is_not_of_this_plan_is_not_told() -> None:
    """Somebody else's objects are somebody else's concern."""
    stage = Stage.new()
    stage.apply(LAB)
    stage.world.create_scheduling_policy(name="theirs")
    seeded(stage, kind_of(stage, "theirs"), "theirs", newThing=1)
    assert told(stage.plan(LAB)) == []


def test_the_values_of_a_map_are_looked_into_and_circles_end() -> None:
    """Today's model of AWS Batch has neither; a newer one may."""
    shapes: Any = {
        "Out": {"type": "structure", "members": {"things": {"shape": "Things"}, "names": {"shape": "Names"}}},
        "Things": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Thing"}},
        "Thing": {"type": "structure", "members": {"name": {"shape": "Text"}, "inner": {"shape": "Thing"}}},
        "Names": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        "Text": {"type": "string"},
    }
    operation = SimpleNamespace(name="DescribeThings", output_shape=ShapeResolver(shapes).get_shape_by_name("Out"))

    def look(body: Any) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        watch(client(Stage.new().simulator)).meta.events.emit(
            "before-parse.batch.DescribeThings",
            operation_model=operation,
            response_dict={"status_code": 200, "body": json.dumps(body)},
            customized_response_dict=found,
        )
        return below(found)

    assert look({"things": {"a": {"inner": {"inner": {"newThing": 1}}}}}) == {"things.a.inner.inner.newThing": 1}
    assert look({"things": {"a": {"name": "b", "inner": {}}}, "names": {"newThing": "a"}}) == {}
