"""Every verb on every kind, through `Provider`: what describe shows afterwards, in each world that can be asked.

`--aws` asks the account at hand as well: it makes and removes objects there whose names begin `batchwright-contract-`.
With `--record FILE` that is recorded, see `transcripts`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from providers.errors import AlreadyExists, CallError, Rejected, StillReferenced
from providers.resources import Document, Live
from tests.contract import worlds
from tests.contract.bodies import WHOLE
from tests.contract.shown import missing
from tests.contract.worlds import ABSENT, UNFAITHFUL, World, fair_share, time_limit
from tests.kit import kinds

KINDS = (
    "compute_environment",
    "job_queue",
    "job_definition",
    "scheduling_policy",
    "service_environment",
    "quota_share",
    "consumable_resource",
)
SWITCHED = ("compute_environment", "job_queue", "service_environment", "quota_share")
MEMBERS: dict[str, Any] = {
    "job_queue.jobStateTimeLimitActions": [time_limit(900)],
    "job_definition.schedulingPriority": 7,
    "job_definition.propagateTags": True,
    "job_definition.retryStrategy": {"attempts": 3},
    "job_definition.timeout": {"attemptDurationSeconds": 90},
    "job_definition.platformCapabilities": ["EC2"],
    "scheduling_policy.quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"},
    "consumable_resource.resourceType": "NON_REPLENISHABLE",
    "quota_share.resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW", "borrowLimit": 50},
}
INSTEAD = {"scheduling_policy.quotaSharePolicy": "fairsharePolicy"}
"""Members that stand in the place of another one."""
UPDATES: dict[str, Any] = {
    "compute_environment.state": "DISABLED",
    "compute_environment.computeResources": {"maxvCpus": 8},
    "job_queue.state": "DISABLED",
    "job_queue.priority": 6,
    "job_queue.jobStateTimeLimitActions": [time_limit(600)],
    "scheduling_policy.fairsharePolicy": fair_share(1200),
    "service_environment.state": "DISABLED",
    "service_environment.capacityLimits": [{"maxCapacity": 20, "capacityUnit": "NUM_INSTANCES"}],
    "quota_share.state": "DISABLED",
    "quota_share.capacityLimits": [
        {"maxCapacity": 6, "capacityUnit": "ml.m5.large"},
        {"maxCapacity": 2, "capacityUnit": "ml.m5.xlarge"},
    ],
    "quota_share.resourceSharingConfiguration": {"strategy": "RESERVE"},
    "quota_share.preemptionConfiguration": {"inSharePreemption": "ENABLED"},
    "consumable_resource.totalQuantity": 12,
}

REFERENCES = (
    "job_queue.computeEnvironmentOrder",
    "job_queue.serviceEnvironmentOrder",
    "job_queue.schedulingPolicyArn",
)
ELSEWHERE = {
    "job_queue.jobQueueType": "said of the queue of training jobs",
    "scheduling_policy.quotaSharePolicy": "kept; no other strategy than FIFO is known that it could be updated to",
    "consumable_resource.operation": "says how the total quantity is updated",
    "consumable_resource.quantity": "says how the total quantity is updated",
    "consumable_resource.clientToken": "tells one update from another: test_add_and_remove",
}
"""Members without a row of their own, and why; those of environments and definitions are tried in `test_members`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of a world runs in each that can be asked; for those of its rows whose kind that world has."""
    if "world" not in metafunc.fixturenames:
        return
    names = [name for name in UNFAITHFUL if name != "aws" or metafunc.config.getoption("--aws")]
    rows = [
        (name, row)
        for name in names
        for row in _rows(metafunc.function) or ("",)
        if not {row, _split(row)[0]} & {*ABSENT.get(name, ())}
    ]
    if "row" in metafunc.fixturenames:
        metafunc.parametrize(("world", "row"), rows, indirect=["world"])
    else:
        metafunc.parametrize("world", [name for name, _ in rows], indirect=True)


def _rows(function: Callable[..., Any]) -> tuple[str, ...]:
    return next((mark.args for mark in getattr(function, "pytestmark", ()) if mark.name == "rows"), ())


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    known = UNFAITHFUL[request.param].get((_verb(request.function), request.node.callspec.params.get("row", "")))
    if known is not None:
        wrong = (AssertionError, pytest.fail.Exception)
        request.applymarker(pytest.mark.xfail(reason=f"{request.param}: {known}", strict=True, raises=wrong))
    opened: dict[str, Callable[[], AbstractContextManager[World]]] = {
        "simulator": worlds.simulated,
        "moto": lambda: worlds.in_moto(request.getfixturevalue("account")),
        "aws": lambda: worlds.in_aws(request.node.name, _record(request.config)),
    }
    with opened[request.param]() as world:
        yield world


def _record(config: pytest.Config) -> Path | None:
    file = config.getoption("--record")
    return Path(file) if file else None


def _verb(function: Callable[..., Any]) -> str:
    return function.__name__.removeprefix("test_")


def _split(row: str) -> tuple[str, str]:
    kind, _, member = row.partition(".")
    return kind, member


def _all(world: World, kind: str, said: Document) -> Iterator[tuple[str, ...]]:
    """What each page of a listing holds, as `_key` names it; of shares, a listing of the queue that was said."""
    token = None
    while True:
        page = world.provider.list(kind, token, said.get("jobQueue"))
        yield (*(live.arn for live in page.lives), *page.keys)
        if page.token is None:
            return
        token = page.token


def _key(live: Live) -> str:
    """By what a listing names an object."""
    own = kinds()[live.kind]
    return live.name if own.facts.lookup.item_key == own.name_member else live.arn


def _same_but(before: Live, after: Live, member: str) -> bool:
    """Whether nothing but one member differs."""
    left, right = ({key: value for key, value in live.spec.items() if key != member} for live in (before, after))
    return left == right and (before.arn, before.tags) == (after.arn, after.tags)


@pytest.mark.rows(*KINDS)
def test_create(world: World, row: str) -> None:
    """What was created is described with its name, its tags and all that was said of it, and is VALID if it can be."""
    said = world.arguments(row)
    live = world.create(row, "one", said, team="blue")
    assert live.name == world.name("one")
    assert live.tags == {"team": "blue"}
    assert [*missing(said, dict(live.spec))] == []
    expected = {"job_definition": "ACTIVE", "scheduling_policy": None, "consumable_resource": None}
    assert live.status == expected.get(row, "VALID")
    assert live.revision == (1 if row == "job_definition" else None)


@pytest.mark.rows(*MEMBERS)
def test_keep_member(world: World, row: str) -> None:
    """A member that need not be said is described when it was."""
    kind, member = _split(row)
    said = {**world.arguments(kind), member: MEMBERS[row]}
    said.pop(INSTEAD.get(row, ""), None)
    live = world.create(kind, "one", said)
    assert [*missing(MEMBERS[row], live.spec.get(member))] == []


@pytest.mark.rows(*(kind for kind in KINDS if kind != "job_definition"))
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


@pytest.mark.rows(*KINDS)
def test_read_one(world: World, row: str) -> None:
    """An object is found by its ARN, by its name where the house asks so, and one that there is not is not found."""
    said = world.arguments(row)
    live, other = (world.create(row, name, said) for name in ("one", "other"))
    by_arn = world.provider.kinds[row].facts.lookup.by_arn
    for key in (live.arn,) if by_arn else (live.arn, live.name):
        assert world.provider.describe(row, (key,)) == (live,)
    if world.provider.kinds[row].facts.lookup.batch > 1:
        assert {found.name for found in world.provider.describe(row, (live.arn, other.arn))} == {live.name, other.name}
    assert world.provider.describe(row, (live.arn.replace(live.name, world.name("absent")),)) == ()


@pytest.mark.rows(*KINDS)
def test_read_all(world: World, row: str) -> None:
    """A listing holds every object once."""
    said = world.arguments(row)
    made = {_key(world.create(row, name, said)) for name in ("one", "two", "three")}
    found = [key for page in _all(world, row, said) for key in page]
    assert made <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.rows(*KINDS)
def test_read_all_in_pages(world: World, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing in pages of two holds two on each page but the last, and every object once."""
    monkeypatch.setattr("providers.provider.PAGE", 2)
    said = world.arguments(row)
    made = {_key(world.create(row, name, said)) for name in ("one", "two", "three")}
    pages = [*_all(world, row, said)]
    found = [key for page in pages for key in page]
    assert made <= set(found)
    assert len(found) == len(set(found))
    assert len(pages) > 1
    assert all(len(page) <= 2 for page in pages)


@pytest.mark.rows(*UPDATES)
def test_update(world: World, row: str) -> None:
    """An update changes what it says and nothing else."""
    kind, member = _split(row)
    before = world.create(kind, "one", team="blue")
    after = world.update(kind, before.arn, {member: UPDATES[row]})
    assert [*missing(UPDATES[row], after.spec.get(member))] == []
    assert _same_but(before, after, member)
    if member == "computeResources":
        assert after.spec[member] == {**before.spec[member], **UPDATES[row]}


@pytest.mark.rows(*REFERENCES)
def test_update_reference(world: World, row: str) -> None:
    """A queue goes over to another environment, or another policy, and shows its ARN."""
    kind, member = _split(row)
    wanted: Any
    if member == "serviceEnvironmentOrder":
        wanted = [{"order": 3, "serviceEnvironment": world.training_environment("other").arn}]
        before = world.training_queue()
    else:
        said = world.arguments(kind)
        if member == "schedulingPolicyArn":
            said[member], wanted = (world.create("scheduling_policy", name).arn for name in ("one", "two"))
        else:
            wanted = [{"order": 3, "computeEnvironment": world.create("compute_environment", "other").arn}]
        before = world.create(kind, "one", said)
    after = world.update(kind, before.arn, {member: wanted})
    assert after.spec[member] == wanted
    assert _same_but(before, after, member)


@pytest.mark.rows(*KINDS)
def test_tag(world: World, row: str) -> None:
    """Tagging adds a tag and changes another, and leaves the rest of the object alone."""
    before = world.create(row, "one", team="blue", purpose="backfill")
    world.provider.call("TagResource", {"resourceArn": before.arn, "tags": {"team": "red", "cost": "017"}})
    after = world.see(row, before.arn)
    assert after.tags == {"team": "red", "purpose": "backfill", "cost": "017"}
    assert after.spec == before.spec


@pytest.mark.rows(*KINDS)
def test_untag(world: World, row: str) -> None:
    """Untagging takes the tags named, and no harm in one that there is not."""
    before = world.create(row, "one", team="blue", purpose="backfill")
    world.provider.call("UntagResource", {"resourceArn": before.arn, "tagKeys": ["purpose", "absent"]})
    after = world.see(row, before.arn)
    assert after.tags == {"team": "blue"}
    assert after.spec == before.spec


@pytest.mark.rows(*KINDS)
def test_delete(world: World, row: str) -> None:
    """What was deleted is neither found nor listed; another object of the kind stays."""
    said = world.arguments(row)
    goes, stays = (world.create(row, name, said) for name in ("one", "two"))
    world.remove(row, goes.arn)
    assert world.find(row, goes.arn) is None
    listed = {key for page in _all(world, row, said) for key in page}
    assert _key(goes) not in listed
    assert _key(stays) in listed
    assert world.see(row, stays.arn) == stays


@pytest.mark.rows(*SWITCHED)
def test_delete_enabled(world: World, row: str) -> None:
    """What is ENABLED is not deleted."""
    live = world.create(row, "one")
    with pytest.raises(CallError):
        world.delete(row, live.arn)
    assert world.see(row, live.arn) == live


@pytest.mark.rows("compute_environment", "scheduling_policy", "service_environment")
def test_delete_used(world: World, row: str) -> None:
    """What a queue uses is not deleted, disabled or not."""
    if row == "service_environment":
        (entry,) = world.training_queue().spec["serviceEnvironmentOrder"]
        used = entry["serviceEnvironment"]
    else:
        said = world.arguments("job_queue")
        used = said["computeEnvironmentOrder"][0]["computeEnvironment"]
        if row == "scheduling_policy":
            said["schedulingPolicyArn"] = used = world.create(row, "one").arn
        world.create("job_queue", "one", said)
    if row in SWITCHED:
        world.update(row, used, {"state": "DISABLED"})
    with pytest.raises((StillReferenced, Rejected)):
        world.delete(row, used)
    assert world.find(row, used) is not None


@pytest.mark.rows("consumable_resource")
def test_add_and_remove(world: World, row: str) -> None:
    """A quantity is added to, and taken from, once for each token."""
    arn = world.create(row, "one").arn
    ask = {"consumableResource": arn, "quantity": 4}
    for _ in range(2):
        world.provider.call("UpdateConsumableResource", {**ask, "operation": "ADD", "clientToken": "a" * 32})
    assert world.see(row, arn).spec["totalQuantity"] == 14
    world.provider.call("UpdateConsumableResource", {**ask, "operation": "REMOVE"})
    assert world.see(row, arn).spec["totalQuantity"] == 10


@pytest.mark.rows("job")
def test_submit(world: World) -> None:
    """A job that nothing can run waits as RUNNABLE, with what was said of it, and is listed so."""
    said = world.waiting_job()
    answer = world.provider.call("SubmitJob", {**said, "parameters": {"sample": "b"}, "tags": {"team": "blue"}})
    job = world.job(answer["jobId"], "RUNNABLE")
    assert (job["jobArn"], job["jobName"]) == (answer["jobArn"], answer["jobName"])
    assert (job["jobQueue"], job["jobDefinition"]) == (said["jobQueue"], said["jobDefinition"])
    assert (job["parameters"], job["tags"]) == ({"sample": "b"}, {"team": "blue"})
    listed = world.provider.call("ListJobs", {"jobQueue": said["jobQueue"], "jobStatus": "RUNNABLE"})["jobSummaryList"]
    assert [(it["jobId"], it["jobName"], it["status"]) for it in listed] == [(job["jobId"], job["jobName"], "RUNNABLE")]
    assert world.provider.call("ListJobs", {"jobQueue": said["jobQueue"]})["jobSummaryList"] == []


@pytest.mark.rows("job.CancelJob", "job.TerminateJob")
def test_end(world: World, row: str) -> None:
    """A job that is cancelled, or terminated, before it runs has failed for the reason told; another one goes on."""
    _, operation = _split(row)
    said = world.waiting_job()
    goes, stays = (world.provider.call("SubmitJob", said)["jobId"] for _ in range(2))
    world.job(goes, "RUNNABLE")
    world.provider.call(operation, {"jobId": goes, "reason": "not wanted"})
    job = world.job(goes, "FAILED")
    assert (job["status"], job["statusReason"]) == ("FAILED", "not wanted")
    assert world.job(stays, "RUNNABLE")["status"] == "RUNNABLE"


@pytest.mark.rows("job")
def test_list_in_pages(world: World) -> None:
    """Jobs are listed in pages, each once."""
    said = world.waiting_job()
    made = {world.provider.call("SubmitJob", said)["jobId"] for _ in range(3)}
    for job in made:
        world.job(job, "RUNNABLE")
    asked = {"jobQueue": said["jobQueue"], "jobStatus": "RUNNABLE", "maxResults": 2}
    first = world.provider.call("ListJobs", asked)
    second = world.provider.call("ListJobs", {**asked, "nextToken": first["nextToken"]})
    pages = [[it["jobId"] for it in page["jobSummaryList"]] for page in (first, second)]
    assert [len(page) for page in pages] == [2, 1]
    assert {*pages[0], *pages[1]} == made
    assert "nextToken" not in second


@pytest.mark.rows("job")
def test_tag_job(world: World) -> None:
    """A job's tags change like those of everything else."""
    arn = world.provider.call("SubmitJob", {**world.waiting_job(), "tags": {"team": "blue"}})["jobArn"]
    world.provider.call("TagResource", {"resourceArn": arn, "tags": {"cost": "017"}})
    world.provider.call("UntagResource", {"resourceArn": arn, "tagKeys": ["team"]})
    assert world.provider.call("ListTagsForResource", {"resourceArn": arn})["tags"] == {"cost": "017"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WHOLE])
def test_every_member_has_a_row(kind: str) -> None:
    """What a create or an update of a kind takes is said in a row, or in what every object of the kind is made with."""
    own = kinds()[kind]
    with worlds.simulated() as world:
        said = {f"{kind}.{member}" for member in world.arguments(kind)}
    known = {f"{kind}.{member}" for member in (own.name_member, own.update_key, "tags")}
    created = {f"{kind}.{member}" for member in own.create_spec.members}
    updated = {f"{kind}.{member}" for member in own.update_spec.members}
    assert created - known <= {*said, *MEMBERS, *REFERENCES, *ELSEWHERE}
    assert updated - known <= {*UPDATES, *REFERENCES, *ELSEWHERE}


def test_every_departure_is_of_a_test() -> None:
    """What a world says it is not faithful about names a test and a row that there are."""
    rows = {
        (_verb(value), row) for name, value in globals().items() if name.startswith("test_") for row in _rows(value)
    }
    assert {key for world in UNFAITHFUL.values() for key in world} <= rows
