"""Exports: what is selected, what it is called, how it is referred to, and what is said of it."""

from typing import Any

import attrs
import pytest
import yaml

from plans.export import Export, Selection, export
from plans.manifest import Source, parse
from plans.written import to_json, to_yaml
from providers.errors import InputError, RefusedError
from providers.resources import PROTECT_TAG, STACK_TAG, Live
from tests.plans.core import (
    KINDS,
    LINKED,
    ORDINARY,
    REGION,
    STACK,
    arn,
    codes,
    environment,
    fargate,
    live,
    plan,
    policy,
    queue,
    revision,
    snapshot,
    tags,
)

INSIGHTS = {"containerInsights": "ENABLED"}
OURS, ALL = Selection(STACK), Selection("exported", "")


def exported(selection: Selection, *lives: Live, **fields: Any) -> Export:
    return export(snapshot(*lives, **fields), KINDS, selection)


def document(selection: Selection, *lives: Live) -> Any:
    made = exported(selection, *lives)
    assert (made.lacking, made.notes) == ((), ())
    return made.document


def nobodys(one: Live, **own: str) -> Live:
    return attrs.evolve(one, tags=own)


def named(one: Live, address: str, stack: str = STACK) -> Live:
    return attrs.evolve(one, tags=tags(address, stack))


def test_an_environment_says_what_somebody_chose() -> None:
    """No default, nothing that the service fills or moves, and no tag of the house or of AWS."""
    one = environment(desiredvCpus=7)
    own = {**one.tags, "team": "blue", "aws:cloudformation:stack-name": "x"}
    made = document(OURS, attrs.evolve(one, tags=own))
    assert made == {
        "stack": STACK,
        "target": {"region": REGION},
        "computeEnvironments": {
            "one": {
                "type": "MANAGED",
                "computeResources": {
                    "type": "EC2",
                    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
                    "maxvCpus": 16,
                    "instanceTypes": ["m6i.large"],
                    "subnets": ["subnet-1"],
                    "securityGroupIds": ["sg-1"],
                    "instanceRole": "ecsInstanceRole",
                },
                "tags": {"team": "blue"},
            }
        },
    }


@pytest.mark.parametrize(
    ("one", "path", "said"),
    [
        (environment(), "serviceRole", None),
        (environment(role=ORDINARY), "serviceRole", ORDINARY),
        (environment(ec2Configuration=[{"imageType": "ECS_AL2"}]), "ec2Configuration", [{"imageType": "ECS_AL2"}]),
        (environment(fields={"spec": {"state": "DISABLED"}}), "state", "DISABLED"),
        (environment(fields={"spec": {"ecsSettings": INSIGHTS}}), "ecsSettings", INSIGHTS),
        (fargate(), "ec2Configuration", None),
    ],
)
def test_what_the_service_owns_stays_where_somebody_may_have_chosen_it(one: Live, path: str, said: Any) -> None:
    """The service-linked role and the image that AWS takes by itself are left out, others are not."""
    block = document(OURS, one)["computeEnvironments"]["one"]
    assert {**block["computeResources"], **block}.get(path) == said


def test_an_unmanaged_environment_says_its_role() -> None:
    """A manifest must say it, the service-linked one too."""
    one = live("compute_environment", "one", {"type": "UNMANAGED", "state": "ENABLED", "serviceRole": LINKED})
    made = document(OURS, attrs.evolve(one, status="VALID"))
    assert made["computeEnvironments"] == {"one": {"type": "UNMANAGED", "serviceRole": LINKED}}


def test_a_structure_whose_presence_counts_stays() -> None:
    """A policy of fair share at its defaults is one still, and a volume of a pod is an empty directory."""
    assert document(OURS, policy())["schedulingPolicies"] == {"fair": {"fairsharePolicy": {}}}
    pod = {
        "containers": [{"name": "a", "image": "b", "securityContext": None}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    }
    spec = {"type": "container", "eksProperties": {"podProperties": pod}}
    (block,) = document(OURS, live("job_definition", "pod", spec, revision=1))["jobDefinitions"].values()
    assert block["eksProperties"]["podProperties"]["volumes"] == [{"name": "v", "emptyDir": {}}]


@pytest.mark.parametrize("orders", [(1, 2), (2, 1), (0, 1), (1, 3), (10, 20)])
def test_the_order_of_a_queue_is_short_where_it_counts_from_one(orders: tuple[int, int]) -> None:
    """Other positions are written out, the preferred one first."""
    rows = [
        {"order": order, "computeEnvironment": arn("compute_environment", name)}
        for order, name in zip(orders, ("one", "two"), strict=True)
    ]
    lives = (environment("one"), environment("two"), queue(computeEnvironmentOrder=rows))
    made = document(OURS, *lives)["jobQueues"]["high"]["computeEnvironmentOrder"]
    first = sorted(zip(orders, ("one", "two"), strict=True))
    if sorted(orders) == [1, 2]:
        assert made == [name for _, name in first]
    else:
        assert made == [{"order": order, "computeEnvironment": name} for order, name in first]
    assert plan(exported(OURS, *lives).yaml.replace(f"stack: {STACK}\n", ""), *lives).steps == ()


def test_references_by_name_by_stack_and_by_arn() -> None:
    """Of what is exported by the name of its block, of another stack by both, else by the name of something live, or
    by its ARN where a block has that name, where it leaves, or where nothing is known of it."""
    lives = (
        environment("lab-one", fields={"tags": tags("compute_environment.one")}),
        named(environment("two"), "compute_environment.second", "shared"),
        nobodys(environment("three")),
        nobodys(environment("one")),
        named(environment("four", fields={"status": "DELETING"}), "compute_environment.four", "shared"),
        queue("lab-q", "lab-one", "two", "three", "one", "four", "far", fields={"tags": tags("job_queue.q")}),
    )
    made = document(OURS, *lives)
    assert made["namePrefix"] == "lab-"
    assert made["jobQueues"]["q"]["computeEnvironmentOrder"] == [
        "one",
        {"stack": "shared", "name": "second"},
        "three",
        *(arn("compute_environment", name) for name in ("one", "four", "far")),
    ]


def test_a_block_of_another_stack_that_two_claim_is_named_as_it_is_in_aws() -> None:
    """Which of the two the name of the block would mean is not known."""
    twins = [named(environment(name), "compute_environment.it", "shared") for name in ("two", "three")]
    made = document(OURS, *twins, queue("high", "two"))
    assert made["jobQueues"]["high"]["computeEnvironmentOrder"] == ["two"]


def test_a_reference_to_nothing_is_told() -> None:
    """It stays as it is, since nothing else is known."""
    said = {"consumableResourceList": [{"consumableResource": "gone", "quantity": 1}]}
    made = exported(OURS, revision(top={"consumableResourceProperties": said}))
    assert made.document["jobDefinitions"]["align"]["consumableResourceProperties"] == said
    assert ["job_definition.align refers to gone" in note for note in made.notes] == [True]


def test_everything_that_nobody_owns() -> None:
    """`--all` leaves out what stacks own, and tells whose."""
    lives = (nobodys(environment("one")), environment("two"), environment("three"), nobodys(queue("q", "one", "two")))
    made = exported(ALL, *lives)
    assert made.document["stack"] == "exported"
    assert [*made.document["computeEnvironments"]] == ["one"]
    assert made.document["jobQueues"]["q"]["computeEnvironmentOrder"] == ["one", {"stack": STACK, "name": "two"}]
    assert made.notes == ("left out: 2 objects of the stack lab, which --stack lab exports",)
    assert made.count == 2


def test_what_the_stack_of_the_manifest_owns_comes_along() -> None:
    """A manifest without it would delete it."""
    lives = (environment("one"), nobodys(environment("two")), nobodys(environment("other")))
    made = document(Selection(STACK, "t"), *lives)
    assert made["computeEnvironments"].keys() == {"one", "wo"}
    assert made["computeEnvironments"]["one"]["physicalName"] == "one"
    assert made["namePrefix"] == "t"


def test_names_less_the_prefix() -> None:
    """Where that leaves no name, or one that another block has, the whole name is the block's, and its own in AWS."""
    lives = [nobodys(environment(name)) for name in ("x", "x-", "x-y", "xx-y", "xy")]
    taken = named(environment("z"), "compute_environment.y")
    made = document(Selection(STACK, "x"), *lives, taken)["computeEnvironments"]
    assert {name: block.get("physicalName") for name, block in made.items()} == {
        "x": "x",
        "x-": "x-",
        "x-y": None,
        "x-y-2": "x-y",
        "xy": "xy",
        "y": "z",
    }
    assert plan_of(Selection(STACK, "x"), *lives, taken) == []


def plan_of(selection: Selection, *lives: Live) -> list[tuple[str, str]]:
    """What is refused of the export, adopted."""
    manifest = parse([Source("m", exported(selection, *lives).yaml.encode())], variables={}, kinds=KINDS)
    adopting = attrs.evolve(manifest.policy, adopt=True)
    return codes(plan(attrs.evolve(manifest, policy=adopting), *lives))


def share(name: str, of: str) -> Live:
    spec = {
        "jobQueue": arn("job_queue", of),
        "capacityLimits": [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}],
        "resourceSharingConfiguration": {"strategy": "RESERVE"},
        "preemptionConfiguration": {"inSharePreemption": "ENABLED"},
        "state": "ENABLED",
    }
    where = f"{arn('job_queue', of)}/quota-share/{name}"
    return Live("quota_share", name, where, spec, status="VALID")


def test_two_of_one_name_are_two_blocks() -> None:
    """Quota shares of two queues may have one name; neither is lost."""
    made = document(ALL, share("red", "a"), share("red", "b"), share("red-2", "b"))["quotaShares"]
    assert {(name, block.get("physicalName"), block["jobQueue"]) for name, block in made.items()} == {
        ("red", None, arn("job_queue", "a")),
        ("red-3", "red", arn("job_queue", "b")),
        ("red-2", None, arn("job_queue", "b")),
    }


def test_one_address_of_two_objects_is_refused() -> None:
    """One of them replaces the other, and only the manifest of the stack says what shall be."""
    twin = named(environment("one-1a2b3c4d"), "compute_environment.one")
    with pytest.raises(RefusedError, match=r"one, one-1a2b3c4d all are compute_environment.one") as caught:
        exported(OURS, environment("one"), twin)
    assert "apply" in str(caught.value.hint)
    left = attrs.evolve(environment("one"), status="DELETING")
    made = exported(OURS, left, twin)
    assert [*made.document["computeEnvironments"]] == ["one"]
    assert made.notes == ("left out: the compute environment one, which is being deleted",)


def test_the_prefix_of_a_stack_is_what_most_names_have() -> None:
    """The others say their physical name; the eight digits of a replacement do not count as another name."""
    lives = (
        named(environment("p-a"), "compute_environment.a"),
        named(environment("p-b-1a2b3c4d"), "compute_environment.b"),
        named(environment("other"), "compute_environment.c"),
        named(environment("p-d-1a2b3c4x"), "compute_environment.d"),
        named(revision(name="p-e-1a2b3c4d"), "job_definition.e"),
    )
    made = document(OURS, *lives)
    assert made["namePrefix"] == "p-"
    found = {**made["computeEnvironments"], **made["jobDefinitions"]}
    assert {name: block.get("physicalName") for name, block in found.items()} == {
        "a": None,
        "b": None,
        "c": "other",
        "d": "p-d-1a2b3c4x",
        "e": "p-e-1a2b3c4d",
    }


def test_what_names_the_stack_and_no_address_is_told() -> None:
    """It is nobody's, so only an export of what nobody owns has it, for that stack."""
    stray = attrs.evolve(environment("two"), tags={STACK_TAG: STACK})
    made = exported(OURS, environment("one"), stray)
    assert [*made.document["computeEnvironments"]] == ["one"]
    assert ["two" in note for note in made.notes] == [True]
    assert [*document(Selection(STACK, ""), stray)["computeEnvironments"]] == ["two"]
    assert "1 object of the stack lab" in exported(ALL, nobodys(environment("one")), stray).notes[0]


def test_the_newest_revision_of_a_family_is_exported() -> None:
    """And of more revisions of ours than would be kept, as many are kept."""
    lives = [revision(number, command=[str(number)]) for number in (1, 2, 3)]
    block = document(OURS, *lives)["jobDefinitions"]["align"]
    assert block["containerProperties"]["command"] == ["3"]
    assert "rollout" not in block
    more = (revision(10, command=["10"]), revision(4, sealed=False), *lives, revision(9, command=["9"]))
    block = document(OURS, *more)["jobDefinitions"]["align"]
    assert block["containerProperties"]["command"] == ["10"]
    assert block["rollout"] == {"keep": 5}
    text = exported(OURS, *more).yaml.replace(f"stack: {STACK}\n", "")
    assert plan(text, *more).steps == ()


def test_a_revision_of_somebody_else_is_told() -> None:
    """What is live is exported; what to make of it is for the manifest to say."""
    made = exported(OURS, revision(1), revision(2, stack=None, command=["x"]))
    assert made.document["jobDefinitions"]["align"]["containerProperties"]["command"] == ["x"]
    assert made.notes == ("job_definition.align is revision 2, which somebody else registered: see rollout.foreign",)
    assert "rollout" not in exported(ALL, *(nobodys(revision(n)) for n in range(1, 9))).yaml


def test_protection_stays() -> None:
    """It is a tag of the house, and a key of a manifest."""
    one = environment()
    made = document(OURS, attrs.evolve(one, tags={**one.tags, PROTECT_TAG: "true"}))
    assert made["computeEnvironments"]["one"]["lifecycle"] == {"protect": True}


def test_trouble_is_told() -> None:
    """What is INVALID, what botocore drops, and a tag that no manifest may say."""
    one = environment(fields={"status": "INVALID", "status_reason": "the role\nis gone"})
    odd = {**one.tags, "Batchwright:x": "y"}
    made = exported(OURS, attrs.evolve(one, tags=odd, unknown={"computeResources.newThing": 1}))
    assert [word in note for word, note in zip(("Batchwright:x", "INVALID", "newThing"), made.notes, strict=True)] == [
        True,
        True,
        True,
    ]
    assert made.lacking == ()
    lines = made.yaml.split("\n\n")[0].splitlines()
    assert all(line.startswith("# ") for line in lines)
    assert len(lines) == 4


def test_what_is_not_whole_says_so() -> None:
    """A kind that was not read, and a value that the manifest cannot say, are lacking; the head of the file names
    them."""
    made = exported(OURS, environment(allocationStrategy="NEWER"), unobserved={"job_queue": "AccessDenied"})
    assert len(made.lacking) == 2
    assert made.lacking[0] == "job queues are missing here: AccessDenied"
    assert made.lacking[1].startswith("computeEnvironments.one.computeResources.allocationStrategy 'NEWER' is none of")
    assert [f"# {line}" in made.yaml.splitlines() for line in made.lacking] == [True, True]


@pytest.mark.parametrize("selection", [OURS, ALL, Selection("exported", "x-")])
def test_nothing_to_export_is_an_error(selection: Selection) -> None:
    """A stack that is not there was misspelt."""
    with pytest.raises(InputError, match="there is nothing to export in account 123456789012, eu-west-1"):
        exported(selection, named(environment("other"), "compute_environment.other", "shared"))
    with pytest.raises(InputError, match="job queues are missing here: denied"):
        exported(selection, unobserved={"job_queue": "denied"})


def test_yaml_is_laid_out_for_readers() -> None:
    """Sections apart, small maps on a line, scripts as they are."""
    script = "set -e\nrun --all\n"
    text = to_yaml({"stack": "s", "jobDefinitions": {"a": {"x": [{"name": "A", "value": "017"}], "y": script}}})
    assert text == (
        "stack: s\n\njobDefinitions:\n  a:\n    x:\n    - {name: A, value: '017'}\n"
        "    y: |\n      set -e\n      run --all\n"
    )
    assert yaml.safe_load(text)["jobDefinitions"]["a"]["y"] == script


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("${var.a}", "$${var.a}"),
        ("$${x", "$$${x"),
        ("$$${var.x}", "$$$${var.x}"),
        ("${x} $HOME", "${x} $HOME"),
        ("${${var.x}", "${$${var.x}"),
    ],
)
def test_what_looks_like_a_variable_is_escaped(plain: str, written: str) -> None:
    """And nothing else is."""
    assert yaml.safe_load(to_yaml({"tags": {"a": plain}})) == {"tags": {"a": written}}
    assert yaml.safe_load(to_json({plain: [plain]})) == {written: [written]}
