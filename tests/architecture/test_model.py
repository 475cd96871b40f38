"""The facts of the kinds against the model of the installed botocore, whichever that is.

The tables at the end are those of the botocore that the constraints pin; a newer one may add to them.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import pytest

from plans import paths
from plans.manifest_schema import documented
from providers import model
from providers.kinds import UNRULED, Beside, Kind, bind
from providers.kinds.facts import always, anyhow
from providers.resources import Document, Field

MODEL = model.load()
KINDS = bind(MODEL)
PINNED = "1.44.5"
ALL = [pytest.param(kind, id=kind.name) for kind in KINDS]

SINCE_1_44 = {
    "compute_environment.ecsSettings",
    "EksConfiguration.accessEntry",
    "EksAccessEntry.status",
    "ManagedInstancesNetworkConfiguration.subnets",
    "ManagedInstancesNetworkConfiguration.securityGroups",
    "InstanceRequirementsRequest.allowedInstanceTypes",
}
JOBS_AND_TAGS = {
    *("SubmitJob", "CancelJob", "CancelJobs", "TerminateJob", "TerminateJobs"),
    *("SubmitServiceJob", "TerminateServiceJob", "TerminateServiceJobs", "UpdateServiceJob"),
    *("TagResource", "UntagResource"),
}
READS = ("Describe", "List", "Get")


def fields(tree: Field) -> Iterator[Field]:
    yield tree
    yield from (field for _, field in tree.paths())


def members(kind: Kind) -> set[str]:
    """Every member that a manifest may say, by its shape; those that are read-only too."""
    trees = (kind.spec, kind.create_spec, kind.update_spec)
    found = {f"{field.shape}.{name}" for tree in trees for field in fields(tree) for name in field.members}
    return found | {f"{kind.name}.{name}" for name in kind.spec.members}


def lists(kind: Kind) -> dict[str, Field]:
    return {field.shape: field for field in fields(kind.spec) if field.type == "list"}


@pytest.mark.parametrize("kind", ALL)
def test_members_that_facts_name_are_in_the_model(kind: Kind) -> None:
    """A misspelt member would be a rule that never holds."""
    facts, known = kind.facts, members(kind)
    named = {
        *facts.sets,
        *facts.numeric,
        *(row.member for row in facts.indices),
        *facts.quantities,
        *facts.telling,
        *facts.vanishing,
        *facts.owned,
        *facts.read_only,
        *(row.member for row in (*facts.defaults, *facts.always_sent)),
    }
    assert named - known <= (set() if version("botocore") == PINNED else SINCE_1_44)


@pytest.mark.parametrize("kind", ALL)
def test_lists_that_facts_name_are_in_the_model(kind: Kind) -> None:
    """With the member that tells their entries apart."""
    known = lists(kind)
    for shape, member in (*kind.facts.keyed.items(), *((name, row[0]) for name, row in kind.facts.shorthands.items())):
        element = known[shape].element
        assert element is not None
        assert member in element.members
    for shape, (_, position) in kind.facts.shorthands.items():
        element = known[shape].element
        assert element is not None
        assert element.members[position].type == "integer"
    structures = {field.shape: field for field in fields(kind.spec) if field.type == "structure"}
    for row in kind.facts.named:
        assert set(row.members) <= structures[row.shape].members.keys()


@pytest.mark.parametrize("kind", ALL)
def test_paths_that_facts_name_are_in_the_model(kind: Kind) -> None:
    """Of rules, resets, floors, and of what an update sends whole or in part."""
    facts = kind.facts
    rules = (path for rule in (*facts.rules, *facts.barred) for path in rule.paths)
    alone = (*facts.filled, *facts.floors, *facts.alike, *facts.refined, *facts.inert, *facts.later)
    named = {*rules, *(row.path for row in facts.resets), *alone}
    assert [path for path in named if kind.spec.at(paths.split(path)) is None] == []
    for path, values in facts.filled.items():
        field = kind.spec.at(paths.split(path))
        assert field is not None
        assert set(values) <= set(field.members)
    for row in facts.resets:
        assert kind.update_spec.at(paths.split(row.path)) is not None


@pytest.mark.parametrize("kind", ALL)
def test_words_that_facts_say_are_those_of_the_model(kind: Kind) -> None:
    """A default of an enum is one of its values, one of a number a number, and one of a set is sorted; what is beside a
    member is of its type."""
    known = {f"{field.shape}.{name}": member for field in fields(kind.spec) for name, member in field.members.items()}
    known |= {f"{kind.name}.{name}": member for name, member in kind.spec.members.items()}
    for row in (*kind.facts.defaults, *kind.facts.always_sent):
        field = known.get(row.member)
        if field is None:
            continue
        if isinstance(row.value, Beside):
            other = known[f"{row.member.partition('.')[0]}.{row.value.same_as}"]
            means = (row.value.means or {}).values()
            assert (other.type, other.enum) == (field.type, field.enum) or all(isinstance(each, str) for each in means)
            continue
        assert row.member not in kind.facts.sets or row.value == sorted(row.value)
        values = row.value if field.type == "list" else [row.value]
        enum = (field.element or field).enum if field.type == "list" else field.enum
        assert not enum or set(values) <= set(enum)
        wanted = {"boolean": bool, "integer": int, "string": str, "float": float, "long": int}.get(field.type, object)
        assert all(isinstance(value, wanted) or field.type == "list" for value in values)


@pytest.mark.parametrize("kind", ALL)
def test_operations_and_lookups_are_in_the_model(kind: Kind) -> None:
    """With the parameters and the answers that a kind says they have."""
    facts, lookup = kind.facts, kind.facts.lookup
    assert {facts.create, facts.delete, lookup.describe, lookup.listing} <= set(MODEL.operations)
    describe, listing = MODEL.operations[lookup.describe], MODEL.operations[lookup.listing]
    assert lookup.keys in describe.input.members
    assert not lookup.result or lookup.result in describe.output.members
    assert {"maxResults", "nextToken", *lookup.listing_arguments} <= set(listing.input.members)
    items = listing.output.members[lookup.items].element
    assert items is not None
    assert not lookup.item_key or lookup.item_key in items.members
    assert not lookup.per_key or lookup.per_key in listing.input.members
    assert (describe.input.members[lookup.keys].type == "list") is bool(lookup.result)


@pytest.mark.parametrize("kind", ALL)
def test_an_object_is_named_by_one_member(kind: Kind) -> None:
    """Update and delete have one required member each, and create that of the name."""
    assert kind.name_member in kind.create_spec.required
    assert MODEL.operations[kind.facts.delete].input.required == {kind.delete_key}
    if kind.facts.update:
        assert kind.update_spec.required == {kind.update_key}
    assert not {kind.name_member, kind.arn_member, "tags", "context"} & set(kind.spec.members)


@pytest.mark.parametrize("kind", ALL)
def test_every_row_has_a_source(kind: Kind) -> None:
    """A public page or a public issue, so that a reader can doubt it; of sets of members, one for each member."""
    facts = kind.facts
    by_member = (facts.sets, facts.numeric, facts.vanishing, facts.owned, facts.floors, facts.read_only)
    sets = (*by_member, facts.quantities, facts.telling, facts.orderless, facts.inert, facts.later)
    sources = [
        *(row.source for row in (*facts.rules, *facts.barred)),
        *(row.source for row in (*facts.defaults, *facts.always_sent)),
        *(row.source for row in facts.resets),
        *(row.source for row in facts.older),
        *(row.source for row in facts.named),
        *(source for members in sets for source in members.values()),
    ]
    assert [part for source in sources for part in source.split("; ") if not PUBLIC.fullmatch(part)] == []
    assert facts.orderless.keys() == facts.keyed.keys()
    assert facts.filled.keys() <= {row.path for row in facts.resets}


@pytest.mark.parametrize("kind", ALL)
def test_a_condition_is_put_into_words(kind: Kind) -> None:
    """Of every row that does not always hold, and of no other."""
    facts = kind.facts
    assert [row.name for row in (*facts.rules, *facts.barred) if bool(row.condition) is (row.when is always)] == []
    assert [row for row in (*facts.defaults, *facts.always_sent) if bool(row.condition) is (row.when is anyhow)] == []
    assert [row for row in facts.resets if bool(row.condition) is (row.when is anyhow)] == []


@pytest.mark.parametrize("kind", ALL)
def test_every_member_has_a_verdict(kind: Kind) -> None:
    """A rule of its own decides every difference that the pinned model allows; the fall-back is for later members."""
    fields = [path for path, _ in kind.spec.paths()]
    unruled = {path for path in fields if not any(row.covers(path) for row in kind.facts.rules)}
    for live in WORLDS.get(kind.name, ({},)):
        arising = [path for path in fields if "computeResources" in live or not path.startswith("computeResources.")]
        unruled |= {
            path
            for path in arising
            for wanted in (MADE, {**MADE, **live})
            if kind.rule(path, wanted, live).name in FALL_BACKS
        }
    assert unruled == set() or version("botocore") != PINNED


@pytest.mark.parametrize("kind", ALL)
def test_every_member_of_a_structure_is_foreseen(kind: Kind) -> None:
    """A row that covers a structure was written for each member of it in the pinned model, and names no other."""
    known = {path for path, field in kind.spec.paths() if "[]" not in path and field.type != "structure"}
    assert {path for path in known if not kind.foresees(path)} == set() or version("botocore") != PINNED
    assert kind.facts.foreseen <= known or version("botocore") != PINNED


@pytest.mark.parametrize("kind", ALL)
def test_every_documented_default_has_a_row(kind: Kind) -> None:
    """What the model's documentation calls the default of a member is a row, or the service's to fill; else there is a
    reason why not."""
    told = {*kind.facts.owned, *(row.member for row in kind.facts.defaults)}
    defaults = {
        f"{tree.shape}.{name}"
        for tree in fields(kind.spec)
        for name, member in tree.members.items()
        if DEFAULT.search(documented(member.documentation))
    }
    assert defaults - told == NO_DEFAULT.get(kind.name, {}).keys() or version("botocore") != PINNED


@pytest.mark.parametrize("kind", ALL)
def test_what_a_manifest_cannot_say_is_excused(kind: Kind) -> None:
    """No member of create or update is lost by accident."""
    trees = (kind.create_spec, kind.update_spec)
    hidden = {path for tree in trees for path, _ in tree.paths() if kind.spec.at(paths.split(path)) is None}
    roots = {path for path in hidden if not any(path.startswith((f"{other}.", f"{other}[")) for other in hidden)}
    lost = roots - EXCUSED.keys() - {kind.name_member, kind.update_key}
    assert lost == set() or version("botocore") != PINNED


def test_every_operation_has_its_place() -> None:
    """What changes something belongs to a kind, to jobs or to tags; a new one of AWS is to be looked at."""
    kept = {
        operation
        for kind in KINDS
        for operation in (kind.facts.create, kind.facts.update, kind.facts.delete)
        if operation is not None
    }
    changing = {name for name in MODEL.operations if not name.startswith(READS)}
    assert kept <= changing
    assert changing - kept - JOBS_AND_TAGS == set()


PUBLIC = re.compile(r"(inferred from )?(https://\S+|[\w.-]+/[\w.-]+#[0-9]+)")
FALL_BACKS = {"create-only", UNRULED.name}
DEFAULT = re.compile(
    r"\bdefault (\S+ ){0,5}?(is|are)\b|\bdefaults to\b|\bby default\b|\(default\)|\bdefault value\b", re.IGNORECASE
)
NO_DEFAULT: Mapping[str, Mapping[str, str]] = {
    "compute_environment": {"InfrastructureOptimization.scaleInAfter": "AWS does not tell it"},
    "job_definition": {
        "ContainerProperties.image": "tells which registry there is, not which image",
        "TaskContainerProperties.image": "tells which registry there is, not which image",
        "ContainerProperties.logConfiguration": "is that of the daemon on each machine",
        "TaskContainerProperties.logConfiguration": "is that of the daemon on each machine",
        "LogConfiguration.logDriver": "tells which drivers there are",
        "TaskContainerProperties.ulimits": "is one of many limits, and only on Fargate",
        "EcsTaskProperties.pidMode": "is a namespace that no word stands for",
        "EcsTaskProperties.runtimePlatform": "is that of its member, which has a row",
        "EksContainer.imagePullPolicy": "hangs on the tag of the image",
        "EksContainerSecurityContext.runAsUser": "stands in the image",
        "EksContainerSecurityContext.runAsGroup": "stands in the image",
        "EksEmptyDir.sizeLimit": "is no size that could be said",
    },
}
"""What the documentation calls a default and no row can say, and why."""
EXCUSED = {
    "tags": "edited in place, by operations of their own",
    "context": "reserved by AWS",
    "computeResources.updateToLatestImageVersion": "an order, never described",
    "computeResources.ec2Configuration[].batchImageStatus": "read-only",
    "eksConfiguration.accessEntry.status": "read-only",
    "operation": "what is done with the quantity of an update",
    "quantity": "the name in the update of totalQuantity",
    "clientToken": "makes one request out of two",
}
MADE: Document = {"type": "MANAGED", "computeResources": {"type": "EC2", "allocationStrategy": "BEST_FIT_PROGRESSIVE"}}
ROLE = "arn:aws:iam::123456789012:role/batch"
WORLDS: Mapping[str, tuple[Document, ...]] = {
    "compute_environment": (
        MADE,
        {**MADE, "serviceRole": ROLE},
        {**MADE, "eksConfiguration": {"eksClusterArn": "a"}},
        {"computeResources": {"type": "SPOT"}},
        {"computeResources": {"type": "FARGATE"}},
        {"computeResources": {"type": "ECS_MANAGED_INSTANCES"}},
        {"type": "UNMANAGED", "serviceRole": ROLE},
    ),
    "consumable_resource": ({}, {"resourceType": "NON_REPLENISHABLE"}),
}
KEYS = {
    "compute_environment": ("computeEnvironment", "computeEnvironment"),
    "job_queue": ("jobQueue", "jobQueue"),
    "job_definition": ("", "jobDefinition"),
    "scheduling_policy": ("arn", "arn"),
    "service_environment": ("serviceEnvironment", "serviceEnvironment"),
    "consumable_resource": ("consumableResource", "consumableResource"),
    "quota_share": ("quotaShareArn", "quotaShareArn"),
}
CREATE_ONLY = {
    "compute_environment": {
        "type",
        "eksConfiguration.eksClusterArn",
        "eksConfiguration.kubernetesNamespace",
        "computeResources.spotIamFleetRole",
        "computeResources.managedInstancesProvider.instanceLaunchTemplate.capacityOptionType",
        "computeResources.managedInstancesProvider.instanceLaunchTemplate.fipsEnabled",
    },
    "job_queue": {"jobQueueType"},
    "scheduling_policy": set(),
    "service_environment": {"serviceEnvironmentType"},
    # Its total has another name in the update.
    "consumable_resource": {"resourceType", "totalQuantity"},
    "quota_share": {"jobQueue"},
}
UPDATE_ONLY = {"compute_environment": {"updatePolicy.jobExecutionTimeoutMinutes", "updatePolicy.terminateJobsOnUpdate"}}
REFERENCES = {
    "job_queue": {
        "schedulingPolicyArn": "scheduling_policy",
        "computeEnvironmentOrder[].computeEnvironment": "compute_environment",
        "serviceEnvironmentOrder[].serviceEnvironment": "service_environment",
    },
    "quota_share": {"jobQueue": "job_queue"},
    "job_definition": {
        "consumableResourceProperties.consumableResourceList[].consumableResource": "consumable_resource",
        "nodeProperties.nodeRangeProperties[].consumableResourceProperties.consumableResourceList[]"
        ".consumableResource": "consumable_resource",
    },
}


@pytest.mark.parametrize("kind", ALL)
def test_what_is_derived_is_what_is_known(kind: Kind) -> None:
    """One rule finds for every kind what a reader of the API would write down."""
    assert (kind.update_key, kind.delete_key) == KEYS[kind.name]
    assert kind.update_only == UPDATE_ONLY.get(kind.name, set())
    assert kind.references == REFERENCES.get(kind.name, {})
    if kind.facts.revisions:
        assert {"type", "containerProperties.image", "schedulingPriority"} <= kind.create_only
    elif version("botocore") == PINNED:
        assert kind.create_only == CREATE_ONLY[kind.name]
    else:
        common = {path for path in CREATE_ONLY[kind.name] if kind.spec.at(paths.split(path)) is not None}
        assert common <= kind.create_only
