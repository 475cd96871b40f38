"""The nouns that every room shares."""

import pytest

from providers.resources import (
    ADDRESS_TAG,
    STACK_TAG,
    Address,
    Field,
    JobCount,
    Live,
    Mark,
    Ref,
    Resource,
)


def test_an_address_is_text_and_back() -> None:
    """The name may hold dots."""
    assert str(Address.parse("job_queue.high.er")) == "job_queue.high.er"
    assert Address.parse("job_queue.high.er").name == "high.er"
    assert str(Ref(Address("job_queue", "high"))) == "job_queue.high#arn"
    assert sorted([Address("b", "a"), Address("a", "b")]) == [Address("a", "b"), Address("b", "a")]


@pytest.mark.parametrize("text", ["", "high", "job_queue.", ".high"])
def test_what_is_no_address_is_told(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match=r"job_queue\.high"):
        Address.parse(text)


def test_a_field_is_entered_by_a_path() -> None:
    """Keys and positions lead to the element of a map or list, members to members, and all else nowhere."""
    text = Field("string")
    tree = Field("structure", members={"list": Field("list", element=Field("structure", members={"a": text}))})
    assert tree.at(["list", 0, "a"]) is text
    assert tree.at(["list", 0, "b"]) is None
    assert tree.at(["list", 0, "a", "b"]) is None
    assert tree.at([]) is tree
    assert [path for path, _ in tree.paths()] == ["list", "list[]", "list[].a"]


def test_a_live_object_tells_its_owner() -> None:
    """By its tags; what was never tagged has none."""
    live = Live("job_queue", "high", "arn", {"state": "ENABLED"}, {STACK_TAG: "lab", ADDRESS_TAG: "job_queue.high"})
    assert (live.owner, live.address, live.state) == ("lab", "job_queue.high", "ENABLED")
    bare = Live("scheduling_policy", "fair", "arn", {})
    assert (bare.owner, bare.address, bare.state) == (None, None, None)


def test_jobs_are_counted_in_words() -> None:
    """By status, those without any left out; `more` where counting stopped."""
    assert str(JobCount({"RUNNING": 2, "RUNNABLE": 0, "STARTING": 1})) == "3 unfinished jobs (2 RUNNING, 1 STARTING)"
    assert str(JobCount({"PENDING": 1})) == "1 unfinished job (1 PENDING)"
    assert str(JobCount({"PENDING": 1}, children=10000)) == "1 unfinished job, an array of 10,000 (1 PENDING)"
    several = JobCount({"PENDING": 2, "RUNNING": 1}, children=1200)
    assert str(several) == "3 unfinished jobs, with arrays of 1,200 in all (2 PENDING, 1 RUNNING)"
    assert str(JobCount({"RUNNING": 1000}, more=True)).startswith("more than 1000")


def test_a_wish_is_the_same_wherever_it_is_written() -> None:
    """The place in a file is no part of it."""
    address = Address("job_queue", "high")
    assert Resource(address, "high", {}, mark=Mark("a", 1, 1)) == Resource(address, "high", {}, mark=Mark("b", 2, 2))
