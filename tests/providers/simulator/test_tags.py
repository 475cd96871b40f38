"""Tags of every kind."""

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, ec2, refusal


def _arns(lab: Lab) -> list[str]:
    """Return the ARN of one object of each kind that can be tagged."""
    environment = lab.environment("a")
    queue = lab.queue("q", "a")
    definition = lab.definition("d")["jobDefinitionArn"]
    policy = lab.batch.create_scheduling_policy(name="p")["arn"]
    job = lab.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")["jobArn"]
    return [environment, queue, definition, policy, job]


def test_every_kind_is_tagged_and_untagged_by_arn(lab: Lab) -> None:
    """Tags are merged, replaced by key, listed, and taken away; an unknown key is no error."""
    for arn in _arns(lab):
        lab.batch.tag_resource(resourceArn=arn, tags={"a": "1", "b": ""})
        lab.batch.tag_resource(resourceArn=arn, tags={"a": "2"})
        assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "2", "b": ""}
        lab.batch.untag_resource(resourceArn=arn, tagKeys=["b", "none"])
        assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "2"}


def test_tags_are_shown_by_describe(lab: Lab) -> None:
    """What is tagged at creation or later is described."""
    arn = lab.environment("a", tags={"made": "here"})
    lab.batch.tag_resource(resourceArn=arn, tags={"later": "there"})
    assert lab.see_environment("a")["tags"] == {"made": "here", "later": "there"}
    assert lab.see_environment("a")["status"] == "VALID"


def test_tagging_does_not_stop_a_transition(lab: Lab) -> None:
    """An object in transition can be tagged and still arrives."""
    arn = lab.environment("a", wait=0)
    lab.batch.tag_resource(resourceArn=arn, tags={"a": "b"})
    assert lab.see_environment("a")["status"] == "CREATING"
    lab.clock.sleep(40)
    assert lab.see_environment("a")["status"] == "VALID"


def test_tags_belong_to_one_revision(lab: Lab) -> None:
    """Another revision of the family has its own."""
    first = lab.definition("d")["jobDefinitionArn"]
    lab.definition("d")
    lab.batch.tag_resource(resourceArn=first, tags={"a": "b"})
    assert (lab.see_definition("d:1")["tags"], lab.see_definition("d:2")["tags"]) == ({"a": "b"}, {})


def test_tags_go_with_the_object(lab: Lab) -> None:
    """A new object of an old name has none of the old tags."""
    arn = lab.environment("a", state="DISABLED", tags={"a": "b"})
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(60)
    assert "does not exist" in refusal(lab.batch.list_tags_for_resource, resourceArn=arn)[2]
    lab.environment("a")
    assert lab.see_environment("a")["tags"] == {}


def test_the_number_of_tags_is_bounded(lab: Lab) -> None:
    """50 tags fit and 51 do not, at creation and together with those that are there; nothing is half done."""
    fifty = {str(number): "" for number in range(50)}
    arn = lab.environment("a", tags=fifty)
    assert "50" in refusal(lab.batch.tag_resource, resourceArn=arn, tags={"one": "more"})[2]
    assert lab.see_environment("a")["tags"] == fifty
    lab.batch.tag_resource(resourceArn=arn, tags={"0": "changed"})
    assert "50" in refusal(lab.batch.create_scheduling_policy, name="p", tags={**fifty, "x": ""})[2]


@pytest.mark.parametrize("key", ["aws:x", "AWS:x", "Aws:"])
def test_tags_of_aws_are_out_of_reach(lab: Lab, key: str) -> None:
    """Keys of AWS's own are neither set nor removed."""
    arn = lab.environment("a")
    assert "aws:" in refusal(lab.batch.tag_resource, resourceArn=arn, tags={key: "y"})[2]
    assert "aws:" in refusal(lab.batch.untag_resource, resourceArn=arn, tagKeys=[key])[2]


def test_tags_of_aws_do_not_count() -> None:
    """What CloudFormation put there leaves the room as it was."""
    lab = Lab.new(settings=Settings(quotas=Quotas(tags=1)))
    shown = {
        "name": "p",
        "arn": "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/p",
        "tags": {"aws:cloudformation:stack-name": "s"},
    }
    lab.simulator.seed("policy", "p", shown, region="eu-west-1")
    lab.batch.tag_resource(resourceArn=shown["arn"], tags={"a": "b"})
    assert len(lab.batch.list_tags_for_resource(resourceArn=shown["arn"])["tags"]) == 2


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:batch:eu-west-1:123456789012:compute-environment/none",
        "arn:aws:batch:us-east-1:123456789012:compute-environment/a",
        "arn:aws:batch:eu-west-1:123456789012:job-definition/d",
        "arn:aws:batch:eu-west-1:123456789012:moon/a",
        "arn:aws:ecs:eu-west-1:123456789012:cluster/a",
        "a",
    ],
)
def test_what_is_not_there_is_not_tagged(lab: Lab, arn: str) -> None:
    """An ARN of nothing, of elsewhere, of a whole family, or no ARN at all is refused."""
    lab.environment("a")
    lab.definition("d")
    for call, given in ((lab.batch.tag_resource, {"tags": {"a": "b"}}), (lab.batch.list_tags_for_resource, {})):
        assert refusal(call, resourceArn=arn, **given)[:2] == (400, "ClientException")


def test_keys_and_values_have_a_length(lab: Lab) -> None:
    """A key has 1 to 128 characters, a value up to 256."""
    lab.environment("a")
    for tags in ({"": "x"}, {"k" * 129: "x"}, {"k": "v" * 257}):
        body = {"name": "p", "tags": tags}
        assert lab.post("CreateSchedulingPolicy", body).status == 400
    assert lab.post("CreateSchedulingPolicy", {"name": "p", "tags": {"k" * 128: "v" * 256}}).status == 200


@pytest.mark.parametrize("given", [{"": "x"}, {"k" * 129: "x"}, {"k": "v" * 257}])
def test_tags_of_machines_are_no_longer_than_others(lab: Lab, given: dict[str, str]) -> None:
    """The model itself bounds only those of objects."""
    fields = {"computeEnvironmentName": "a", "type": "MANAGED"}
    create = lab.batch.create_compute_environment
    assert "1 to 128" in refusal(create, **fields, computeResources=ec2(tags=given))[2]
    create(**fields, computeResources=ec2(tags={"k" * 128: "v" * 256}))


@pytest.mark.parametrize("word", ["a*b", "a#", "{}", "a\nb", "a,b", "a;b", "\u00a7"])
def test_keys_and_values_are_spelt(lab: Lab, word: str) -> None:
    """What is no letter, digit, blank or one of a few signs is refused, as a key, as a value, and on creation."""
    arn = lab.environment("a")
    for tags in ({word: "x"}, {"x": word}):
        assert "can only have letters" in refusal(lab.batch.tag_resource, resourceArn=arn, tags=tags)[2]
        assert "can only have letters" in refusal(lab.batch.create_scheduling_policy, name="p", tags=tags)[2]


def test_letters_of_every_script_are_letters(lab: Lab) -> None:
    """Keys and values are Unicode, case counts, and the signs + - = . _ : / @ are allowed."""
    tags = {"K\u00fche 1": "\u6c34+-=._:/@", "k\u00fche 1": "", "laws:x": "y"}
    arn = lab.environment("a", tags=tags)
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == tags


def test_what_is_refused_changes_nothing(lab: Lab) -> None:
    """One bad key among good ones keeps all of them out."""
    arn = lab.environment("a", tags={"a": "b"})
    refusal(lab.batch.tag_resource, resourceArn=arn, tags={"c": "d", "aws:e": "f"})
    refusal(lab.batch.untag_resource, resourceArn=arn, tagKeys=["a", "aws:e"])
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}


def test_what_is_going_is_not_tagged(lab: Lab) -> None:
    """An object in DELETING keeps the tags that it has, and tells them, as long as it is there."""
    arn = lab.environment("a", state="DISABLED", tags={"a": "b"})
    lab.batch.delete_compute_environment(computeEnvironment="a")
    for call, more in ((lab.batch.tag_resource, {"tags": {"c": "d"}}), (lab.batch.untag_resource, {"tagKeys": ["a"]})):
        assert refusal(call, resourceArn=arn, **more)[1:] == (
            "ClientException",
            "Cannot tag or untag, resource is being deleted",
        )
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
