"""What somebody else did to an object, told apart from what we did and what AWS does by itself."""

from typing import Any

import attrs
import pytest

from plans.meanwhile import OBJECT, Expectation, Sent, moved, there, told
from providers.resources import Live
from tests.plans.core import KINDS

ARN = "arn:aws:batch:eu-west-1:123456789012"
TAGS = {"batchwright:stack": "lab", "batchwright:address": "job_queue.high", "team": "blue"}
QUEUE = Live(
    "job_queue",
    "high",
    f"{ARN}:job-queue/high",
    {"state": "ENABLED", "priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": f"{ARN}:a"}]},
    TAGS,
    "VALID",
)
ENVIRONMENT = Live(
    "compute_environment",
    "spot",
    f"{ARN}:compute-environment/spot",
    {
        "type": "MANAGED",
        "state": "ENABLED",
        "serviceRole": f"{ARN}:role/batch",
        "computeResources": {
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 64,
            "desiredvCpus": 4,
            "instanceTypes": ["c6i"],
            "imageId": "ami-1",
            "instanceRole": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
        },
    },
    TAGS,
    "VALID",
    uuid="one",
)
LICENCES = Live(
    "consumable_resource",
    "licences",
    f"{ARN}:consumable-resource/licences",
    {"totalQuantity": 5, "resourceType": "REPLENISHABLE"},
    TAGS,
)


def with_spec(live: Live, **spec: Any) -> Live:
    return attrs.evolve(live, spec={**live.spec, **spec})


def with_resources(live: Live, **resources: Any) -> Live:
    return with_spec(live, computeResources={**live.spec["computeResources"], **resources})


def update(live: Live, expect: dict[str, Any] | None = None, /, **arguments: Any) -> Sent:
    kind = KINDS[live.kind]
    assert kind.facts.update is not None
    return Sent(kind.facts.update, {kind.update_key: live.arn, **arguments}, expect or {})


def delete(live: Live) -> Sent:
    kind = KINDS[live.kind]
    return Sent(kind.facts.delete, {kind.delete_key: live.arn})


def found(before: Live, now: Live | None, pending: Sent, *done: Sent) -> dict[str, tuple[Any, Any]]:
    return dict(moved(Expectation(before, done), now, KINDS[before.kind], pending))


def test_nothing_has_changed() -> None:
    """As it was seen, whatever its status, and though defaults be said or not."""
    for now in (
        QUEUE,
        attrs.evolve(QUEUE, status="UPDATING"),
        with_spec(QUEUE, jobStateTimeLimitActions=[]),
        attrs.evolve(QUEUE, tags={**TAGS, "cost": "high"}),
    ):
        assert found(QUEUE, now, update(QUEUE, priority=2)) == {}
        assert found(QUEUE, now, delete(QUEUE)) == {}


def test_what_differs_is_told_by_path() -> None:
    """Before and after, whether the call would write it or not."""
    now = with_spec(QUEUE, priority=7, state="DISABLED")
    differences = {"priority": (1, 7), "state": (None, "DISABLED")}
    assert found(QUEUE, now, update(QUEUE, priority=2)) == differences
    assert found(QUEUE, now, delete(QUEUE)) == differences
    assert told(differences) == "priority was 1 and is 7; state was unsaid and is DISABLED"
    assert len(told({"x": ("a" * 1000, 1)})) < 300


def test_what_a_call_would_write_is_no_difference() -> None:
    """An attempt whose answer was lost may have done it; or part of it, while it takes effect."""
    pending = update(QUEUE, priority=2, state="DISABLED")
    for now in (with_spec(QUEUE, priority=2, state="DISABLED"), with_spec(QUEUE, priority=2)):
        assert found(QUEUE, now, pending) == {}
    assert found(QUEUE, with_spec(QUEUE, priority=3), pending) == {"priority": (1, 3)}


def test_what_is_there_already_need_not_be_sent() -> None:
    """All of it, and seen to be another than before: what is never described is sent, and so is what is only said once
    more."""

    def done(before: Live, now: Live | None, pending: Sent) -> bool:
        return there(Expectation(before), now, KINDS[before.kind], pending)

    pending = update(QUEUE, priority=2, state="DISABLED")
    assert done(QUEUE, with_spec(QUEUE, priority=2, state="DISABLED"), pending)
    for now in (QUEUE, None, with_spec(QUEUE, priority=2), with_spec(QUEUE, priority=3, state="DISABLED")):
        assert not done(QUEUE, now, pending)
    both = with_spec(QUEUE, priority=2, state="DISABLED")
    assert not done(QUEUE, attrs.evolve(both, status="INVALID"), pending)
    assert not done(QUEUE, both, delete(QUEUE))
    same = update(QUEUE, priority=1)
    assert not done(QUEUE, QUEUE, same)
    assert not done(QUEUE, both, update(QUEUE, priority=2, state="DISABLED", schedulingPolicyArn=""))
    wider = with_resources(ENVIRONMENT, maxvCpus=65)
    assert done(ENVIRONMENT, wider, update(ENVIRONMENT, computeResources={"maxvCpus": 65}))
    renewed = update(ENVIRONMENT, computeResources={"maxvCpus": 65, "updateToLatestImageVersion": True})
    assert not done(ENVIRONMENT, wider, renewed)
    tagged = Sent("TagResource", {"resourceArn": QUEUE.arn, "tags": {"cost": "high"}})
    assert done(QUEUE, attrs.evolve(QUEUE, tags={**TAGS, "cost": "high"}), tagged)
    assert not done(QUEUE, QUEUE, tagged)
    some = next(iter(TAGS))
    untagged = Sent("UntagResource", {"resourceArn": QUEUE.arn, "tagKeys": [some]})
    less = {key: value for key, value in TAGS.items() if key != some}
    assert done(QUEUE, attrs.evolve(QUEUE, tags=less), untagged)
    assert not done(QUEUE, QUEUE, untagged)


def test_what_was_there_before_we_changed_it_may_be_a_late_look() -> None:
    """What a call takes back that this run did is sent: a describe that lags shows it as it was before."""
    off, on = update(QUEUE, state="DISABLED"), update(QUEUE, state="ENABLED")
    kind = KINDS[QUEUE.kind]
    assert there(Expectation(with_spec(QUEUE, state="DISABLED")), QUEUE, kind, on)
    assert not there(Expectation(QUEUE, (off,)), QUEUE, kind, on)
    tagged = Sent("TagResource", {"resourceArn": QUEUE.arn, "tags": {"cost": "high"}})
    untagged = Sent("UntagResource", {"resourceArn": QUEUE.arn, "tagKeys": ["cost"]})
    assert not there(Expectation(QUEUE, (tagged,)), QUEUE, kind, untagged)


def test_what_we_did_before_is_no_difference_shown_or_not() -> None:
    """A describe may lag; what another wrote since is one, told from our own value."""
    done = update(QUEUE, state="DISABLED")
    for now in (QUEUE, with_spec(QUEUE, state="DISABLED")):
        assert found(QUEUE, now, delete(QUEUE), done) == {}
    now = with_spec(QUEUE, state="DISABLED", priority=7)
    assert found(QUEUE, now, delete(QUEUE), done) == {"priority": (1, 7)}
    done = update(QUEUE, priority=2)
    assert found(QUEUE, with_spec(QUEUE, priority=7), delete(QUEUE), done) == {"priority": (2, 7)}


def test_of_a_refined_structure_only_what_was_sent_is_ours() -> None:
    """An update of an environment takes single members of its resources."""
    pending = update(ENVIRONMENT, computeResources={"maxvCpus": 65})
    assert found(ENVIRONMENT, with_resources(ENVIRONMENT, maxvCpus=65), pending) == {}
    now = with_resources(ENVIRONMENT, maxvCpus=65, minvCpus=2)
    assert found(ENVIRONMENT, now, pending) == {"computeResources.minvCpus": (None, 2)}


def test_what_the_service_moves_is_no_difference() -> None:
    """The desired vCpus follow the load."""
    assert found(ENVIRONMENT, with_resources(ENVIRONMENT, desiredvCpus=48), delete(ENVIRONMENT)) == {}


def test_what_the_service_fills_in_after_an_update_is_no_difference() -> None:
    """Of its own accord it does not: then somebody else did."""
    now = with_spec(ENVIRONMENT, serviceRole=f"{ARN}:role/other")
    assert found(ENVIRONMENT, now, delete(ENVIRONMENT)) != {}
    assert found(ENVIRONMENT, now, delete(ENVIRONMENT), update(ENVIRONMENT, computeResources={"maxvCpus": 64})) == {}


def test_what_was_reset_may_show_as_nothing() -> None:
    """An empty text is sent to unset an image."""
    done = update(ENVIRONMENT, computeResources={"imageId": ""})
    resources = {**ENVIRONMENT.spec["computeResources"]}
    del resources["imageId"]
    assert found(ENVIRONMENT, with_spec(ENVIRONMENT, computeResources=resources), delete(ENVIRONMENT), done) == {}


def test_what_is_spelt_otherwise_is_the_same() -> None:
    """The name of an instance role is sent, and its ARN is shown."""
    done = update(ENVIRONMENT, computeResources={"instanceRole": "otherRole"})
    now = with_resources(ENVIRONMENT, instanceRole="arn:aws:iam::123456789012:instance-profile/otherRole")
    assert found(ENVIRONMENT, now, delete(ENVIRONMENT), done) == {}
    now = with_resources(ENVIRONMENT, instanceRole="arn:aws:iam::123456789012:instance-profile/third")
    assert found(ENVIRONMENT, now, delete(ENVIRONMENT), done) != {}


def test_what_an_update_calls_by_another_name_is_known_by_its_goal() -> None:
    """A quantity is set, a total is shown."""
    pending = update(LICENCES, {"totalQuantity": 9}, operation="SET", quantity=9)
    assert found(LICENCES, with_spec(LICENCES, totalQuantity=9), pending) == {}
    assert found(LICENCES, with_spec(LICENCES, totalQuantity=8), pending) == {"totalQuantity": (5, 8)}


@pytest.mark.parametrize("status", ["DELETED", None])
def test_one_that_is_gone_may_be_deleted_and_nothing_else(status: str | None) -> None:
    """Deleted environments are shown for a while."""
    now = None if status is None else attrs.evolve(ENVIRONMENT, status=status)
    assert found(ENVIRONMENT, now, delete(ENVIRONMENT)) == {}
    assert found(ENVIRONMENT, now, update(ENVIRONMENT, state="DISABLED")) == {OBJECT: ("there", "gone")}


def test_another_one_of_the_name_is_another_one() -> None:
    """Somebody deleted it and made it anew; that is neither changed nor deleted."""
    now = attrs.evolve(ENVIRONMENT, uuid="two")
    for pending in (delete(ENVIRONMENT), update(ENVIRONMENT, state="DISABLED")):
        assert found(ENVIRONMENT, now, pending) == {OBJECT: ("one", "another one of its name, two")}


def test_tags_of_the_house_always_count() -> None:
    """Whose it is, and whether it is protected; told also where the call is about other tags."""
    protect = attrs.evolve(QUEUE, tags={**TAGS, "batchwright:protect": "true"})
    nobody = attrs.evolve(QUEUE, tags={"team": "blue"})
    tag = Sent("TagResource", {"resourceArn": QUEUE.arn, "tags": {"team": "red"}})
    for pending in (delete(QUEUE), update(QUEUE, priority=2), tag):
        assert found(QUEUE, protect, pending) == {"tags[batchwright:protect]": (None, "true")}
        assert found(QUEUE, nobody, pending)["tags[batchwright:stack]"] == ("lab", None)


def test_other_tags_count_where_they_are_about_to_change() -> None:
    """And their document does not; our own tagging before is known."""
    green = attrs.evolve(QUEUE, tags={**TAGS, "team": "green"})
    tag = Sent("TagResource", {"resourceArn": QUEUE.arn, "tags": {"team": "red"}})
    untag = Sent("UntagResource", {"resourceArn": QUEUE.arn, "tagKeys": ["team"]})
    assert found(QUEUE, green, tag) == found(QUEUE, green, untag) == {"tags[team]": ("blue", "green")}
    assert found(QUEUE, green, update(QUEUE, priority=2)) == {}
    assert found(QUEUE, with_spec(QUEUE, priority=7), tag) == {}
    red = attrs.evolve(QUEUE, tags={**TAGS, "team": "red"})
    assert found(QUEUE, red, tag) == found(QUEUE, red, untag, tag) == {}
    assert found(QUEUE, attrs.evolve(QUEUE, tags={**TAGS, "team": "green"}), untag, tag)["tags[team]"][0] == "red"


def test_of_a_revision_only_tags_can_change() -> None:
    """And whether it is ACTIVE: one that somebody deregistered is gone."""
    revision = Live("job_definition", "align", f"{ARN}:job-definition/align:1", {}, TAGS, "ACTIVE", revision=1)
    assert found(revision, with_spec(revision, type="container"), delete(revision)) == {}
    assert found(revision, attrs.evolve(revision, status="INACTIVE"), delete(revision)) == {}
    assert found(revision, attrs.evolve(revision, tags={}), delete(revision)) != {}
