"""What is live, and by what it is found."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from providers.kinds import bind
from providers.lives import Lives
from providers.model import load
from providers.resources import ADDRESS_TAG, STACK_TAG, Address, Live, Snapshot, Target

KINDS = bind(load())


def live(name: str, kind: str = "job_queue", owner: str | None = None, address: str | None = None, **more: Any) -> Live:
    tags = {key: value for key, value in ((STACK_TAG, owner), (ADDRESS_TAG, address)) if value is not None}
    spec = more.pop("spec", {})
    revision = more.get("revision")
    arn = f"arn:{kind}/{name}" + ("" if revision is None else f":{revision}")
    return Live(kind, name, arn, spec, tags, **more)


def lives(*found: Live) -> Lives:
    return Lives(found, KINDS)


def names(found: Sequence[Live]) -> list[str]:
    return [each.arn.partition("/")[2] for each in found]


def definition(revision: int, *consumables: str) -> Live:
    listed = {"consumableResourceList": [{"consumableResource": name, "quantity": 1} for name in consumables]}
    return live("align", "job_definition", revision=revision, spec={"consumableResourceProperties": listed})


def test_what_is_deleted_is_not_found() -> None:
    """AWS shows DELETED for a while; only who asks for all is told of it."""
    found = lives(live("b", owner="lab", address="job_queue.b", status="DELETED"), live("a", status="VALID"))
    assert (names(found.all), len(found), names([*found])) == (["b", "a"], 2, ["b", "a"])
    assert names(Snapshot(Target(), "eu-west-1", None, found).of("job_queue")) == ["a"]
    assert (list(found.by_name), list(found.by_owner)) == ([("job_queue", "a")], [])
    assert list(found.by_arn) == ["arn:job_queue/a"]


def test_revisions_of_a_name_stand_from_old_to_new() -> None:
    """As numbers, however they were read."""
    found = lives(*(definition(revision) for revision in (10, 9, 11)))
    assert names(found.by_name["job_definition", "align"]) == ["align:9", "align:10", "align:11"]
    assert names(found.by_kind["job_definition"]) == ["align:10", "align:9", "align:11"]


def test_objects_are_found_by_their_tags() -> None:
    """By stack and address; of a family under several names all."""
    found = lives(
        live("high", owner="lab", address="job_queue.high"),
        live("high-1", owner="lab", address="job_queue.high"),
        live("other", owner="theirs", address="job_queue.high"),
        live("bare"),
    )
    own = {owner: {str(address): names(held) for address, held in row.items()} for owner, row in found.by_owner.items()}
    assert own == {"lab": {"job_queue.high": ["high", "high-1"]}, "theirs": {"job_queue.high": ["other"]}}
    assert found.strays == {}


def test_a_stack_without_an_address_is_a_stray() -> None:
    """As is one whose address is no address, or one of another kind."""
    found = lives(
        live("none", owner="lab"),
        live("no-address", owner="lab", address="high"),
        live("other-kind", owner="lab", address="compute_environment.high"),
        live("nobodys", address="job_queue.high"),
    )
    assert {owner: names(held) for owner, held in found.strays.items()} == {"lab": ["no-address", "none", "other-kind"]}
    assert Address("compute_environment", "high") not in found.by_owner.get("lab", {})


def test_users_refer_by_name_or_arn() -> None:
    """Each once; a revision that a newer one took the place of uses nothing, and what is not there has no users."""
    tokens, seats = live("tokens", "consumable_resource"), live("seats", "consumable_resource")
    found = lives(tokens, seats, definition(1, "seats"), definition(2, "tokens", tokens.arn, "gone"))
    assert {arn: names(users) for arn, users in found.users.items()} == {tokens.arn: ["align:2"]}


def test_what_is_known_beside_it_leaves_the_indices_as_they_are() -> None:
    """A snapshot that is told more of is one of the same objects, and nothing is looked through again."""
    first = Snapshot(Target(), "eu-west-1", None, lives(live("a")))
    second = attrs.evolve(first, unobserved={"job_queue": "why"})
    assert second.live.by_arn is first.live.by_arn


def test_plans_of_several_threads_share_the_indices() -> None:
    """Whoever asks first makes one, and all are told the same."""
    queues = [live(f"q{number}", owner="lab", address=f"job_queue.q{number}") for number in range(300)]
    found, together = lives(*queues), threading.Barrier(8)

    def ask(_number: int) -> object:
        together.wait(10)
        return found.by_owner, found.by_name, found.users, found.strays

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ask, range(8)))
    assert all(each == told[0] for each in told)
    assert len(found.by_owner["lab"]) == 300
