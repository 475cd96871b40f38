"""Every verb on every kind, through `Provider`: what describe shows afterwards, in each world that can be asked.

`--aws` asks the account at hand as well: it makes and removes objects there whose names begin `batchwright-contract-`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from providers.errors import AlreadyExists, CallError, Rejected, StillReferenced
from providers.provider import Provider
from providers.resources import Live
from tests.contract import worlds
from tests.contract.worlds import UNFAITHFUL, World, fair_share

KINDS = ("compute_environment", "job_queue", "job_definition", "scheduling_policy")
MEMBERS: dict[str, Any] = {
    "job_queue.jobStateTimeLimitActions": [
        {
            "state": "RUNNABLE",
            "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
            "maxTimeSeconds": 900,
            "action": "CANCEL",
        }
    ],
    "job_definition.schedulingPriority": 7,
    "job_definition.propagateTags": True,
    "job_definition.retryStrategy": {"attempts": 3},
    "job_definition.timeout": {"attemptDurationSeconds": 90},
}
UPDATES: dict[str, Any] = {
    "compute_environment.state": "DISABLED",
    "compute_environment.computeResources": {"maxvCpus": 8},
    "job_queue.state": "DISABLED",
    "job_queue.priority": 6,
    "scheduling_policy.fairsharePolicy": fair_share(1200),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:
        names = [name for name in UNFAITHFUL if name != "aws" or metafunc.config.getoption("--aws")]
        metafunc.parametrize("world", names, indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    known = UNFAITHFUL[request.param].get((_verb(request.function), request.node.callspec.params.get("row", "")))
    if known is not None:
        wrong = (AssertionError, pytest.fail.Exception)
        request.applymarker(pytest.mark.xfail(reason=f"{request.param}: {known}", strict=True, raises=wrong))
    opened: dict[str, Callable[[], AbstractContextManager[World]]] = {
        "simulator": worlds.simulated,
        "moto": lambda: worlds.in_moto(request.getfixturevalue("account")),
        "aws": worlds.in_aws,
    }
    with opened[request.param]() as world:
        yield world


def _verb(function: Callable[..., Any]) -> str:
    return function.__name__.removeprefix("test_")


def _shows(live: Any, said: Any) -> bool:
    """Whether a document shows everything that was said; it may show more."""
    match said:
        case dict():
            return isinstance(live, dict) and all(_shows(live.get(key), value) for key, value in said.items())
        case list():
            return isinstance(live, list) and len(live) == len(said) and all(map(_shows, live, said))
        case _:
            return bool(live == said)


def _split(row: str) -> tuple[str, str]:
    kind, _, member = row.partition(".")
    return kind, member


def _all(provider: Provider, kind: str) -> Iterator[tuple[str, ...]]:
    """The ARNs of each page of a listing."""
    token = None
    while True:
        page = provider.list(kind, token)
        yield (*(live.arn for live in page.lives), *page.keys)
        if page.token is None:
            return
        token = page.token


def _same_but(before: Live, after: Live, member: str) -> bool:
    """Whether nothing but one member differs."""
    left, right = ({key: value for key, value in live.spec.items() if key != member} for live in (before, after))
    return left == right and (before.arn, before.tags) == (after.arn, after.tags)


@pytest.mark.parametrize("row", KINDS)
def test_create(world: World, row: str) -> None:
    """What was created is described with its name, its tags and all that was said of it, and is VALID if it can be."""
    said = world.arguments(row)
    live = world.create(row, "one", said, team="blue")
    assert live.name == world.name("one")
    assert live.tags == {"team": "blue"}
    assert _shows(dict(live.spec), said)
    expected = {"job_definition": "ACTIVE", "scheduling_policy": None}
    assert live.status == expected.get(row, "VALID")
    assert live.revision == (1 if row == "job_definition" else None)


@pytest.mark.parametrize("row", MEMBERS)
def test_keep_member(world: World, row: str) -> None:
    """A member that need not be said is described when it was."""
    kind, member = _split(row)
    live = world.create(kind, "one", {**world.arguments(kind), member: MEMBERS[row]})
    assert _shows(live.spec.get(member), MEMBERS[row])


@pytest.mark.parametrize("row", ["compute_environment", "job_queue", "scheduling_policy"])
def test_create_twice(world: World, row: str) -> None:
    """A name is taken once: the second create is refused, and the first object stays as it was."""
    said = world.arguments(row)
    first = world.create(row, "one", said, team="blue")
    with pytest.raises(AlreadyExists):
        world.create(row, "one", said, team="red")
    assert world.see(row, first.arn) == first


def test_register_again(world: World) -> None:
    """Registering under the same name makes the next revision, and leaves the one before as it was."""
    first = world.create("job_definition", "one", team="blue")
    said = world.arguments("job_definition")
    second = world.create("job_definition", "one", {**said, "parameters": {"sample": "b"}}, team="red")
    assert (first.name, first.revision) == (second.name, 1)
    assert (second.revision, second.spec["parameters"]) == (2, {"sample": "b"})
    assert world.see("job_definition", first.arn) == first
    found = world.provider.revisions("job_definition", first.name).lives
    assert {live.arn for live in found} == {first.arn, second.arn}


@pytest.mark.parametrize("row", KINDS)
def test_read_one(world: World, row: str) -> None:
    """An object is found by its ARN, by its name where the house asks so, and one that there is not is not found."""
    said = world.arguments(row)
    live, other = (world.create(row, name, said) for name in ("one", "other"))
    by_arn = world.provider.kinds[row].facts.lookup.by_arn
    for key in (live.arn,) if by_arn else (live.arn, live.name):
        assert world.provider.describe(row, (key,)) == (live,)
    assert {found.name for found in world.provider.describe(row, (live.arn, other.arn))} == {live.name, other.name}
    assert world.provider.describe(row, (live.arn.replace(live.name, world.name("absent")),)) == ()


@pytest.mark.parametrize("row", KINDS)
def test_read_all(world: World, row: str) -> None:
    """A listing holds every object once."""
    said = world.arguments(row)
    made = {world.create(row, name, said).arn for name in ("one", "two", "three")}
    found = [arn for page in _all(world.provider, row) for arn in page]
    assert made <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("row", KINDS)
def test_read_all_in_pages(world: World, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing in pages of two holds two on each page but the last, and every object once."""
    monkeypatch.setattr("providers.provider.PAGE", 2)
    said = world.arguments(row)
    made = {world.create(row, name, said).arn for name in ("one", "two", "three")}
    pages = [*_all(world.provider, row)]
    found = [arn for page in pages for arn in page]
    assert made <= set(found)
    assert len(found) == len(set(found))
    assert len(pages) > 1
    assert all(len(page) <= 2 for page in pages)


@pytest.mark.parametrize("row", UPDATES)
def test_update(world: World, row: str) -> None:
    """An update changes what it says and nothing else."""
    kind, member = _split(row)
    before = world.create(kind, "one", team="blue")
    after = world.update(kind, before.arn, {member: UPDATES[row]})
    assert _shows(after.spec[member], UPDATES[row])
    assert _same_but(before, after, member)
    if member == "computeResources":
        assert after.spec[member] == {**before.spec[member], **UPDATES[row]}


@pytest.mark.parametrize("row", KINDS)
def test_tag(world: World, row: str) -> None:
    """Tagging adds a tag and changes another, and leaves the rest of the object alone."""
    before = world.create(row, "one", team="blue", purpose="backfill")
    world.provider.call("TagResource", {"resourceArn": before.arn, "tags": {"team": "red", "cost": "017"}})
    after = world.see(row, before.arn)
    assert after.tags == {"team": "red", "purpose": "backfill", "cost": "017"}
    assert after.spec == before.spec


@pytest.mark.parametrize("row", KINDS)
def test_untag(world: World, row: str) -> None:
    """Untagging takes the tags named, and no harm in one that there is not."""
    before = world.create(row, "one", team="blue", purpose="backfill")
    world.provider.call("UntagResource", {"resourceArn": before.arn, "tagKeys": ["purpose", "absent"]})
    after = world.see(row, before.arn)
    assert after.tags == {"team": "blue"}
    assert after.spec == before.spec


@pytest.mark.parametrize("row", KINDS)
def test_delete(world: World, row: str) -> None:
    """What was deleted is neither found nor listed; another object of the kind stays."""
    said = world.arguments(row)
    goes, stays = (world.create(row, name, said) for name in ("one", "two"))
    world.remove(row, goes.arn)
    assert world.find(row, goes.arn) is None
    listed = {arn for page in _all(world.provider, row) for arn in page}
    assert goes.arn not in listed
    assert stays.arn in listed
    assert world.see(row, stays.arn) == stays


@pytest.mark.parametrize("row", ["compute_environment", "job_queue"])
def test_delete_enabled(world: World, row: str) -> None:
    """What is ENABLED is not deleted."""
    live = world.create(row, "one")
    with pytest.raises(CallError):
        world.delete(row, live.arn)
    assert world.see(row, live.arn) == live


@pytest.mark.parametrize("row", ["compute_environment", "scheduling_policy"])
def test_delete_used(world: World, row: str) -> None:
    """What a queue uses is not deleted, disabled or not."""
    said = world.arguments("job_queue")
    if row == "scheduling_policy":
        used = world.create(row, "one").arn
        said["schedulingPolicyArn"] = used
    else:
        used = said["computeEnvironmentOrder"][0]["computeEnvironment"]
    world.create("job_queue", "one", said)
    if row == "compute_environment":
        world.update(row, used, {"state": "DISABLED"})
    with pytest.raises((StillReferenced, Rejected)):
        world.delete(row, used)
    assert world.find(row, used) is not None


def test_every_departure_is_of_a_test() -> None:
    """What a world says it is not faithful about names a test and a row that there are."""
    rows = {
        (_verb(value), row)
        for name, value in globals().items()
        if name.startswith("test_")
        for mark in getattr(value, "pytestmark", ())
        for row in mark.args[1]
    }
    assert {key for world in UNFAITHFUL.values() for key in world} <= rows
