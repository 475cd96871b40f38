"""Members of the two kinds that have many of them, said all at once; in the simulator, where nothing else is needed.

The worlds of `test_verbs` would need clusters, key pairs and launch templates for them.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract import worlds
from tests.contract.bodies import MACHINES, NEVER_SAID, WHOLE
from tests.contract.shown import missing
from tests.contract.worlds import World
from tests.kit import kinds

VARIANTS = [f"{kind}.{name}" for kind, bodies in WHOLE.items() for name in bodies]
LOWERED = {"RETRY": "retry", "EXIT": "exit"}
UPDATES: dict[str, Any] = {
    "minvCpus": 4,
    "maxvCpus": 512,
    "desiredvCpus": 6,
    "subnets": ["subnet-3"],
    "securityGroupIds": ["sg-2"],
    "allocationStrategy": "BEST_FIT_PROGRESSIVE_ORDERED",
    "instanceTypes": ["c6i", "m6i.large", "r6i"],
    "ec2KeyPair": "other",
    "instanceRole": "other",
    "tags": {"Name": "other"},
    "placementGroup": "far",
    "launchTemplate": {"launchTemplateId": "lt-1", "version": "4"},
    "ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": "ami-3"}],
    "imageId": "ami-3",
    "scalingPolicy": {"minScaleDownDelayMinutes": 60},
}
ELSEWHERE = {
    "bidPercentage": "for SPOT: test_from_spot_and_back",
    "type": "with the strategy: test_from_spot_and_back",
    "managedInstancesProvider": "for managed instances: test_managed_instances",
    "capacityTags": "for managed instances: test_managed_instances",
    "updateToLatestImageVersion": "an order to Batch that leaves nothing behind",
}


@pytest.fixture
def world() -> Iterator[World]:
    with worlds.simulated() as world:
        yield world


def _said(value: Any, path: str = "") -> Iterator[str]:
    """Every path that a document says, as `Field.paths` writes them."""
    match value:
        case dict():
            for key, inner in value.items():
                where = f"{path}.{key}" if path else key
                yield where
                yield from _said(inner, where)
        case list():
            yield f"{path}[]"
            for inner in value:
                yield from _said(inner, f"{path}[]")


@pytest.mark.parametrize("kind", WHOLE)
def test_every_member_is_said(kind: str) -> None:
    """The bodies together say every member that botocore's model gives a create, but those that tell why not."""
    fields = dict(kinds()[kind].create_spec.paths())
    within_maps = {path for path in fields if path.endswith("[]") and fields[path.removesuffix("[]")].type == "map"}
    said = {path for body in WHOLE[kind].values() for path in _said(body)}
    never = tuple(NEVER_SAID[kind])
    assert not [path for path in said if path.startswith(never)]
    unsaid = fields.keys() - within_maps - said - {kinds()[kind].name_member, "tags"}
    assert [path for path in unsaid if not path.startswith(never)] == []


def _shown(value: Any, key: str = "") -> Any:
    """What a describe shows of a body: actions of retry come in lower case."""
    match value:
        case dict():
            return {name: _shown(inner, name) for name, inner in value.items()}
        case list():
            return [_shown(inner) for inner in value]
        case _:
            return LOWERED.get(value, value) if key == "action" else value


@pytest.mark.parametrize("row", VARIANTS)
def test_keep_all(world: World, row: str) -> None:
    """All that was said of an object is described."""
    kind, _, variant = row.partition(".")
    said = WHOLE[kind][variant]
    live = world.create(kind, variant, said)
    assert live.status in ("VALID", "ACTIVE")
    assert [*missing(_shown(said), dict(live.spec))] == []


def test_every_update_is_made() -> None:
    """Every member of `computeResources` that an update takes has a row, or a test of its own."""
    resources = kinds()["compute_environment"].update_spec.members["computeResources"]
    assert {*UPDATES, *ELSEWHERE} == {*resources.members}


@pytest.mark.parametrize("member", UPDATES)
def test_update_resources(world: World, member: str) -> None:
    """An update of one member of the compute resources of machines changes that one only."""
    kind = "compute_environment"
    before = world.create(kind, "one", WHOLE[kind]["ec2"])
    after = world.update(kind, before.arn, {"computeResources": {member: UPDATES[member]}})
    assert after.status == "VALID"
    assert after.spec["computeResources"] == {**before.spec["computeResources"], member: UPDATES[member]}
    assert MACHINES[member] != UPDATES[member]


def test_from_spot_and_back(world: World) -> None:
    """An environment of SPOT becomes one of EC2 and goes back, with another bid."""
    kind = "compute_environment"
    arn = world.create(kind, "one", WHOLE[kind]["spot"]).arn
    for change in (
        {"type": "EC2", "allocationStrategy": "BEST_FIT_PROGRESSIVE"},
        {"type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED", "bidPercentage": 80},
    ):
        shown = world.update(kind, arn, {"computeResources": change}).spec["computeResources"]
        assert {key: shown[key] for key in change} == change


def test_managed_instances(world: World) -> None:
    """A provider of managed instances changes in what an update says of it, and so do the tags of the capacity."""
    kind = "compute_environment"
    before = world.create(kind, "one", WHOLE[kind]["managed-instances"]).spec["computeResources"]
    arn = world.made[-1][1]
    change = {"managedInstancesProvider": {"propagateTags": "NONE"}, "capacityTags": {"Name": "other"}}
    after = world.update(kind, arn, {"computeResources": change}).spec["computeResources"]
    provider = {**before["managedInstancesProvider"], "propagateTags": "NONE"}
    assert after == {**before, "managedInstancesProvider": provider, "capacityTags": {"Name": "other"}}


@pytest.mark.parametrize(
    ("variant", "change"),
    [
        ("ec2", {"updatePolicy": {"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 60}}),
        ("ec2", {"ecsSettings": {"containerInsights": "DISABLED"}}),
        ("ec2", {"state": "DISABLED"}),
        ("unmanaged", {"unmanagedvCpus": 32}),
        ("unmanaged", {"serviceRole": "arn:aws:iam::123456789012:role/other"}),
    ],
)
def test_update(world: World, variant: str, change: dict[str, Any]) -> None:
    """Beside its resources an environment changes in what an update says."""
    kind = "compute_environment"
    before = world.create(kind, "one", WHOLE[kind][variant])
    after = world.update(kind, before.arn, change)
    assert after.spec == {**before.spec, **change}


def test_update_access_entry(world: World) -> None:
    """The access entry of an environment on EKS changes, and its cluster stays."""
    kind = "compute_environment"
    before = world.create(kind, "one", WHOLE[kind]["kubernetes"])
    change = {"eksConfiguration": {"accessEntry": {"desiredState": "DISABLED"}}}
    after = world.update(kind, before.arn, change).spec["eksConfiguration"]
    assert after["accessEntry"]["desiredState"] == "DISABLED"
    assert after["eksClusterArn"] == before.spec["eksConfiguration"]["eksClusterArn"]
