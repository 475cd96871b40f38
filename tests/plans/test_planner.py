"""The plan as a whole: what the policy and good sense say of it, its id, its speed."""

import sys
from typing import Any

import attrs
import pytest

from plans.graph import build, only
from plans.plan import TOKEN, Plan
from plans.planfile import dumps, loads
from plans.policy import Policy
from providers.errors import ManifestError
from providers.resources import Address, Live, Ref, Resource
from tests.plans.core import (
    KINDS,
    NOW,
    actions,
    arn,
    change,
    codes,
    definition,
    differing,
    environment,
    environments,
    fargate,
    ids,
    live,
    manifest,
    plan,
    policy,
    queue,
    queues,
    revision,
    step,
    tags,
)


def test_no_difference_is_an_empty_plan() -> None:
    """Every address is told, with no step and no refusal."""
    made = plan(environments() + queues() + definition(), environment(), queue(), revision())
    assert made.empty
    assert made.summary == {"noop": 3}
    assert [str(each.address) for each in made.changes] == [
        "compute_environment.one",
        "job_queue.high",
        "job_definition.align",
    ]


def test_an_empty_manifest_deletes_nothing() -> None:
    """A wrong folder is likelier than the wish to lose all; `destroy` is that wish."""
    made = plan(manifest(), environment())
    assert ("", "empty-manifest") in codes(made)
    assert codes(plan(manifest(), environment(), destroying=True)) == []


def test_a_manifest_of_strangers_deletes_nothing() -> None:
    """The stack owns objects and none of them is in the manifest: a name used twice, or a wrong folder."""
    made = plan(environments("new"), environment("old"))
    assert ("", "wrong-stack") in codes(made)
    assert ("", "wrong-stack") not in codes(plan(environments("new"), environment("old"), policy=Policy(prune=False)))
    assert ("", "wrong-stack") not in codes(plan(environments(), environment(), environment("old")))


@pytest.mark.parametrize(("most", "refused"), [(2, True), (3, False)])
def test_a_plan_deletes_so_many_at_most(most: int, refused: bool) -> None:
    """Addresses count, not revisions; destroying is exempt."""
    old = [environment("a"), environment("b"), revision(1, "old"), revision(2, "old")]
    made = plan(environments(), environment(), *old, policy=Policy(max_deletes=most))
    assert codes(made) == ([("", "max-deletes")] if refused else [])
    assert codes(plan(environments(), environment(), *old, policy=Policy(max_deletes=0), destroying=True)) == []


@pytest.mark.parametrize(
    ("text", "shown", "impact"),
    [
        (environments().replace("maxvCpus: 16", "maxvCpus: 8"), environment(), "scaling"),
        (definition().replace("busybox", "b"), revision(), "revision"),
        (environments().replace("[sg-1]", "[sg-2]"), environment(), "infrastructure"),
        (environments().replace("BEST_FIT_PROGRESSIVE", "BEST_FIT"), environment(), "replacement"),
    ],
)
def test_a_plan_disturbs_so_much_at_most(text: str, shown: Live, impact: str) -> None:
    """What is above `maxImpact` is refused; what is at it is not."""
    order = ["none", "scaling", "revision", "infrastructure", "replacement", "outage"]
    (made,) = plan(text, shown).changes
    assert str(made.impact) == impact
    for most in order:
        refused = "max-impact" in [code for _, code in codes(plan(text, shown, policy=Policy(max_impact=most)))]
        assert refused is (order.index(most) < order.index(impact))


def test_the_deletion_of_an_environment_ends_its_instances() -> None:
    """So that a policy can forbid it."""
    made = plan(environments(), environment(), environment("old"), policy=Policy(max_impact="scaling"))
    assert codes(made) == [("compute_environment.old", "max-impact")]


@pytest.mark.parametrize(("there", "refused"), [(49, False), (50, True)])
def test_quotas_are_foreseen(there: int, refused: bool) -> None:
    """Fifty environments a region, whosever they are; one whose name is being freed counts once."""
    others = [environment(f"e{number}", fields={"tags": {}}) for number in range(there)]
    assert codes(plan(environments(), *others)) == ([("", "quota")] if refused else [])
    leaving = environment(fields={"status": "DELETING", "tags": {}})
    assert codes(plan(environments(), *others[1:], leaving)) == []


def test_an_unobserved_kind_is_refused_where_it_is_wanted() -> None:
    """Its own resources, and references that only it could tell; the rest of the plan goes on."""
    reason = {"consumable_resource": "the endpoint does not know ListConsumableResources"}
    made = plan(environments(), environment(), unobserved=reason)
    assert made.empty
    assert made.unobserved == reason
    made = plan("\nconsumableResources:\n  licence: {totalQuantity: 1}\n", unobserved=reason)
    assert codes(made) == [("consumable_resource.licence", "unobserved")]
    using = "consumableResourceProperties: {consumableResourceList: [{consumableResource: %s, quantity: 1}]}"
    made = plan(definition(more=using % "licence"), unobserved=reason)
    assert codes(made) == [("job_definition.align", "reference")]
    assert "cannot be looked up" in made.refusals[0].message
    known = arn("consumable_resource", "licence")
    assert codes(plan(definition(more=using % known), unobserved=reason)) == []


def test_a_live_revision_may_name_what_cannot_be_read() -> None:
    """Without a difference there is nothing to look up, and with one nothing breaks."""
    reason = {"consumable_resource": "denied"}
    known = arn("consumable_resource", "licence")
    entry = {"consumableResource": known, "quantity": 1}
    shown = revision(top={"consumableResourceProperties": {"consumableResourceList": [entry]}})
    using = "consumableResourceProperties: {consumableResourceList: [{consumableResource: %s, quantity: 1}]}"
    assert plan(definition(more=using % known), shown, unobserved=reason).empty
    named = revision(
        top={"consumableResourceProperties": {"consumableResourceList": [{**entry, "consumableResource": "x"}]}}
    )
    made = plan(definition(), named, unobserved=reason)
    assert actions(made) == {"job_definition.align": "register"}
    assert loads(dumps(made, {}))[0] == made


REFERENCES = [
    ("one", "lab", True),
    ("{stack: shared, name: theirs}", "shared", True),
    ("{stack: shared, name: missing}", "shared", False),
    (arn("compute_environment", "nobodys"), "", True),
    (arn("compute_environment", "anything"), "", False),
    (arn("job_queue", "nobodys"), "", False),
    (arn("compute_environment", "nobodys").replace("eu-west-1", "eu-west-2"), "", False),
    (arn("compute_environment", "nobodys").replace("123456789012", "210987654321"), "", False),
    ("nobodys", "", True),
    ("nothing", "", False),
]


@pytest.mark.parametrize(("said", "stack", "found"), REFERENCES)
def test_references(said: str, stack: str, found: bool) -> None:
    """To this stack, another stack, something live here by name or ARN; what is none of these is refused."""
    lives = [
        environment(),
        environment("named-otherwise", fields={"tags": tags("compute_environment.theirs", "shared")}),
        environment("nobodys", fields={"tags": {}}),
    ]
    made = plan(environments() + queues(order=f"[{said}]"), *lives)
    missing = "out-of-reach" if said.startswith("arn:") else "reference"
    assert codes(made) == ([] if found else [("job_queue.high", missing)])
    if not found:
        assert said in made.refusals[0].message or stack in made.refusals[0].message
        return
    names = {"one": "one", "nobodys": "nobodys"}
    wanted = said if said.startswith("arn:") else arn("compute_environment", names.get(said, "named-otherwise"))
    (entry,) = step(made, "create:job_queue.high").arguments["computeEnvironmentOrder"]
    assert entry == {"order": 1, "computeEnvironment": wanted}


def test_what_is_being_deleted_is_no_reference() -> None:
    """A name that is about to be free names nothing."""
    leaving = environment("theirs", fields={"status": "DELETING", "tags": {}})
    assert codes(plan(queues(order="[theirs]"), leaving)) == [("job_queue.high", "reference")]
    leaving = attrs.evolve(leaving, tags=tags("compute_environment.theirs", "shared"))
    text = queues(order="[{stack: shared, name: theirs}]")
    assert codes(plan(text, leaving)) == [("job_queue.high", "reference")]


def test_a_reference_to_what_no_manifest_has_is_refused() -> None:
    """A plan file may hold anything."""
    given = manifest(environments() + queues())
    resources = {address: each for address, each in given.resources.items() if address.kind == "job_queue"}
    made = plan(attrs.evolve(given, resources=resources))
    assert codes(made) == [("job_queue.high", "reference")]


IGNORING = environments() + "    lifecycle: {ignore: ['PATH']}\n"


@pytest.mark.parametrize("by_policy", [False, True])
@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("computeResources.maxvCpus", {"maxvCpus": 99}),
        ("computeResources.imageId", {"imageId": "ami-1"}),
        ("computeResources.instanceTypes", {"instanceTypes": ["x1"]}),
        ("computeResources.instanceTypes[m6i.large]", {"instanceTypes": ["x1"]}),
        ("computeResources.launchTemplate.version", {"launchTemplate": {"launchTemplateName": "a", "version": "3"}}),
        ("computeResources", {"maxvCpus": 99, "imageId": "ami-1", "type": "SPOT"}),
    ],
)
def test_what_is_ignored_is_not_compared(path: str, given: dict[str, Any], by_policy: bool) -> None:
    """By the block or by the policy; an entry that nothing names stands for its whole list."""
    text = environments() if by_policy else IGNORING.replace("PATH", path)
    if "launchTemplate" in given:
        text = text.replace("minvCpus: 0", "minvCpus: 0, launchTemplate: {launchTemplateName: a}")
    rules = Policy(ignore=(path,)) if by_policy else None
    assert plan(text, environment(**given), policy=rules).empty
    assert not plan(text, environment(**given, ec2KeyPair="k"), policy=rules).empty or path == "computeResources"


def test_what_is_ignored_is_not_changed_either() -> None:
    """Where a whole document is sent, it keeps its live value (argoproj/argo-cd#26588)."""
    kept = "lifecycle: {ignore: ['containerProperties.environment[KEEP]', 'containerProperties.environment[ADDED]']}"
    variables = "environment: [{name: KEEP, value: manifest}, {name: OTHER, value: new}]"
    shown = [
        {"name": "ADDED", "value": "by hand"},
        {"name": "KEEP", "value": "live"},
        {"name": "OTHER", "value": "old"},
    ]
    made = plan(definition(container=variables, more=kept), revision(environment=shown))
    assert [row.path for row in change(made, "job_definition.align").differences] == [
        "containerProperties.environment[OTHER].value"
    ]
    sent = step(made, "register:job_definition.align").arguments["containerProperties"]["environment"]
    assert {entry["name"]: entry["value"] for entry in sent} == {"ADDED": "by hand", "KEEP": "live", "OTHER": "new"}


def test_an_ignored_path_of_another_kind_does_nothing() -> None:
    """A policy names paths of all kinds."""
    made = plan(environments() + queues(), environment(maxvCpus=4), queue(), policy=Policy(ignore=("priority",)))
    assert actions(made)["compute_environment.one"] == "update"


def test_what_is_sent_is_spelt_as_the_model_spells_it() -> None:
    """A live value that goes back, such as `retry`, and nothing that the model does not know."""
    retry = {"attempts": 2, "evaluateOnExit": [{"onReason": "x", "action": "retry", "unheardOf": 1}]}
    text = definition(container="command: [x]", more="lifecycle: {ignore: [retryStrategy]}")
    made = plan(text, revision(top={"retryStrategy": retry}))
    sent = step(made, "register:job_definition.align").arguments["retryStrategy"]
    assert sent == {"attempts": 2, "evaluateOnExit": [{"onReason": "x", "action": "RETRY"}]}


SHARE = """
schedulingPolicies:
  fair:
    fairsharePolicy:
      shareDecaySeconds: 60
      shareDistribution: [{shareIdentifier: a}, {shareIdentifier: b, weightFactor: 0.1}]
"""


def test_a_policy_is_sent_whole() -> None:
    """By ARN, with what is unsaid at its default; weights are single floats, and shares have no order."""
    shares = [
        {"shareIdentifier": "b", "weightFactor": 0.10000000149011612},
        {"shareIdentifier": "a", "weightFactor": 1.0},
    ]
    assert plan(SHARE, policy(shareDecaySeconds=60, shareDistribution=shares)).empty
    made = plan(SHARE, policy(shareDecaySeconds=30, computeReservation=5, shareDistribution=shares))
    arguments = step(made, "update:scheduling_policy.fair").arguments
    assert arguments["arn"] == arn("scheduling_policy", "fair")
    assert arguments["fairsharePolicy"] == {
        "shareDecaySeconds": 60,
        "computeReservation": 0,
        "shareDistribution": [{"shareIdentifier": "a"}, {"shareIdentifier": "b", "weightFactor": 0.1}],
    }
    goal = step(made, "update:scheduling_policy.fair").goal
    assert goal is not None
    assert goal.until == "seen"


def test_a_policy_is_reset_whole() -> None:
    """A block that says nothing wants what AWS does by default."""
    empty = "\nschedulingPolicies:\n  fair: {}\n"
    assert plan(empty, policy()).empty
    made = plan(empty, policy(shareDecaySeconds=30))
    assert step(made, "update:scheduling_policy.fair").arguments["fairsharePolicy"] == {
        "shareDecaySeconds": 0,
        "computeReservation": 0,
        "shareDistribution": (),
    }


def test_the_kind_of_a_policy_is_for_life() -> None:
    """Fair share and quota shares do not become each other."""
    text = "\nschedulingPolicies:\n  fair: {quotaSharePolicy: {idleResourceAssignmentStrategy: FIFO}}\n"
    made = plan(text, policy(shareDecaySeconds=30))
    fair = "scheduling_policy.fair"
    assert {row.rule for row in differing(made, fair)} == {"kind-of-policy"}
    assert (actions(made), codes(made)) == ({fair: "replace"}, [])
    assert ids(made) == [f"create:{fair}", f"delete:{fair}:fair"]
    assert "quotaSharePolicy" in made.steps[0].arguments
    assert "fairsharePolicy" not in made.steps[0].arguments
    held = plan(text.replace("{quota", "{physicalName: fair, quota"), policy(shareDecaySeconds=30))
    assert (codes(held), held.steps) == ([(fair, "replacement")], ())


def consumable(kind: str, total: int) -> Live:
    return live("consumable_resource", "licence", {"resourceType": kind, "totalQuantity": total})


LICENCE = "\nconsumableResources:\n  licence: {totalQuantity: 4%s}\n"


def test_a_total_is_set() -> None:
    """Never added to, which would be unsafe to repeat; its type is for life."""
    assert plan(LICENCE % "", consumable("REPLENISHABLE", 4)).empty
    made = plan(LICENCE % "", consumable("REPLENISHABLE", 3))
    (update,) = made.steps
    known = arn("consumable_resource", "licence")
    said = {"consumableResource": known, "operation": "SET", "quantity": 4, "clientToken": TOKEN}
    assert update.arguments == said
    assert update.goal is not None
    assert update.goal.expect == {"totalQuantity": 4}
    made = plan(LICENCE % ", resourceType: NON_REPLENISHABLE", consumable("REPLENISHABLE", 4))
    assert actions(made) == {"consumable_resource.licence": "replace"}


def test_what_jobs_use_up_is_not_given_back() -> None:
    """The total of what is not replenished is left alone, and told."""
    made = plan(LICENCE % ", resourceType: NON_REPLENISHABLE", consumable("NON_REPLENISHABLE", 1))
    assert made.empty
    assert "totalQuantity differs and is left alone" in made.warnings[0]
    assert made.warnings[0].endswith("; --set-quantity consumable_resource.licence sets it")


@pytest.mark.parametrize(
    "said", ["{resourceType: NON_REPLENISHABLE}", "{resourceType: NON_REPLENISHABLE, totalQuantity: null}"]
)
def test_what_jobs_use_up_cannot_be_unset(said: str) -> None:
    """So nobody is told how it is set."""
    made = plan(f"consumableResources: {{licence: {said}}}", consumable("NON_REPLENISHABLE", 1))
    assert made.empty
    assert "totalQuantity differs and is left alone" in made.warnings[0]
    assert "--set-quantity" not in made.warnings[0]


SERVICE = """
serviceEnvironments:
  train:
    serviceEnvironmentType: SAGEMAKER_TRAINING
    capacityLimits: [{maxCapacity: %s, capacityUnit: NUM_INSTANCES}, {maxCapacity: 2, capacityUnit: ml.m5.large}]
jobQueues:
  work: {priority: 1, serviceEnvironmentOrder: [train]}
quotaShares:
  half:
    jobQueue: work
    capacityLimits: [{maxCapacity: 1, capacityUnit: NUM_INSTANCES}]
    resourceSharingConfiguration: {strategy: LEND}
    preemptionConfiguration: {inSharePreemption: ENABLED}
"""
TRAIN = live(
    "service_environment",
    "train",
    {
        "serviceEnvironmentType": "SAGEMAKER_TRAINING",
        "state": "ENABLED",
        "capacityLimits": [
            {"maxCapacity": 2, "capacityUnit": "ml.m5.large"},
            {"maxCapacity": 1, "capacityUnit": "NUM_INSTANCES"},
        ],
    },
    status="VALID",
)
WORK = live(
    "job_queue",
    "work",
    {
        "priority": 1,
        "state": "ENABLED",
        "jobQueueType": "SAGEMAKER_TRAINING",
        "serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": TRAIN.arn}],
    },
    status="VALID",
)


def share(name: str = "half", queue_arn: str = WORK.arn, **fields: Any) -> Live:
    spec = {
        "jobQueue": queue_arn,
        "state": "ENABLED",
        "capacityLimits": [{"maxCapacity": 1, "capacityUnit": "NUM_INSTANCES"}],
        "resourceSharingConfiguration": {"strategy": "LEND", "borrowLimit": -1},
        "preemptionConfiguration": {"inSharePreemption": "ENABLED"},
    }
    return live("quota_share", name, spec, **{"status": "VALID", "arn": f"{queue_arn}/quota-share/{name}", **fields})


def test_service_environments_queues_and_shares() -> None:
    """Limits are told apart by unit, borrowing is unlimited where unsaid, and a queue is its ARN."""
    assert plan(SERVICE % 1, TRAIN, WORK, share()).empty
    made = plan(SERVICE % 1)
    assert ids(made) == ["create:service_environment.train", "create:job_queue.work", "create:quota_share.half"]
    made = plan(SERVICE % 5, TRAIN, WORK, share())
    (update,) = made.steps
    assert update.arguments == {
        "serviceEnvironment": TRAIN.arn,
        "capacityLimits": [
            {"maxCapacity": 5, "capacityUnit": "NUM_INSTANCES"},
            {"maxCapacity": 2, "capacityUnit": "ml.m5.large"},
        ],
    }


def test_a_share_of_another_queue_is_no_namesake() -> None:
    """The names of quota shares are those of one queue."""
    other = share(queue_arn=arn("job_queue", "other"), tags={})
    assert ids(plan(SERVICE % 1, TRAIN, WORK, other)) == ["create:quota_share.half"]
    theirs = share(tags={})
    assert codes(plan(SERVICE % 1, TRAIN, WORK, other, theirs)) == [("quota_share.half", "name-taken")]
    assert ids(plan(SERVICE % 1, other)) == [
        "create:service_environment.train",
        "create:job_queue.work",
        "create:quota_share.half",
    ]


WISH = (environments("one", "two"), queues("high", "low"), definition(), SHARE)
WORLD = (environment("one", maxvCpus=4), environment("old"), queue("high", "one", priority=7), revision(image="x"))


def test_the_same_wish_against_the_same_world_has_the_same_id() -> None:
    """Whenever it is planned, and in whatever order files and listings come."""
    made = plan(manifest(*WISH), *WORLD)
    again = plan(manifest(*reversed(WISH)), *reversed(WORLD), now=NOW + 1_000_000)
    assert made.id == again.id
    assert made.steps == again.steps
    assert made.made_at == "2027-01-15T08:00:00+00:00"


@pytest.mark.parametrize(
    "other",
    [
        {"wish": (*WISH[1:],)},
        {"world": WORLD[1:]},
        {"wish": (WISH[0].replace("maxvCpus: 16", "maxvCpus: 8"), *WISH[1:])},
    ],
)
def test_another_wish_or_another_world_has_another_id(other: dict[str, Any]) -> None:
    """So that an id stands for what is done."""
    made = plan(manifest(*WISH), *WORLD)
    assert plan(manifest(*other.get("wish", WISH)), *other.get("world", WORLD)).id != made.id


def test_a_plan_survives_its_file() -> None:
    """Every value that the core puts into a plan has a place in JSON."""
    made = plan(manifest(*WISH, "\nserviceEnvironments: {}\n"), *WORLD, fargate("strange", fields={"tags": {}}))
    assert loads(dumps(made, {}))[0] == made


def test_a_graph_has_no_circle() -> None:
    """The manifest tells one with its place; a plan file could still hold one."""
    one, two = Address("compute_environment", "one"), Address("compute_environment", "two")
    given = manifest(environments("one", "two"))
    resources = {
        one: attrs.evolve(given.resources[one], depends_on=(two,)),
        two: attrs.evolve(given.resources[two], depends_on=(one,), mark=None),
    }
    with pytest.raises(ManifestError, match=r"environment\.one → compute_environment\.two → compute_environment\.one"):
        build(attrs.evolve(given, resources=resources), kinds=KINDS)


def test_only_names_what_is_there() -> None:
    """An address that the manifest does not have is an error, not nothing."""
    graph = build(manifest(environments()), kinds=KINDS)
    with pytest.raises(KeyError, match=r"job_queue\.absent"):
        only(graph, [Address("job_queue", "absent")])


def many(count: int) -> tuple[dict[Address, Resource], list[Live]]:
    """A third each of environments, queues of one of them, and definitions of three revisions."""
    given = manifest(environments() + queues() + definition())
    resources: dict[Address, Resource] = {}
    lives: list[Live] = []
    for number in range(count // 3):
        for address, resource in given.resources.items():
            own = Address(address.kind, f"{address.name}-{number}")
            spec = dict(resource.spec)
            if address.kind == "job_queue":
                needed = Ref(Address("compute_environment", f"one-{number}"))
                spec["computeEnvironmentOrder"] = [{"order": 1, "computeEnvironment": needed}]
            resources[own] = attrs.evolve(resource, address=own, physical_name=own.name, spec=spec)
        lives += [environment(f"one-{number}"), queue(f"high-{number}", f"one-{number}")]
        lives += [revision(revision_number, f"align-{number}") for revision_number in (1, 2, 3)]
    return resources, lives


def counted(wanted: Any, lives: list[Live], **given: Any) -> tuple[Plan, int]:
    """A plan, and how many functions were called for it: work, told without a clock."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        made = plan(wanted, *lives, **given)
    finally:
        sys.setprofile(None)
    return made, calls


@pytest.mark.unmeasured
def test_a_large_account_is_no_more_work_than_its_resources() -> None:
    """Four times the resources are less than ten times the work: nothing grows with the square of their number."""
    resources, lives = many(600)
    wanted = attrs.evolve(manifest(environments()), resources=resources)
    made, _ = counted(wanted, lives)
    assert made.summary == {"noop": 600}
    small = attrs.evolve(wanted, resources=dict(list(resources.items())[:150]))
    moved = [
        attrs.evolve(each, spec={**each.spec, "priority": 9}) if each.kind == "job_queue" else each for each in lives
    ]
    for destroying in (False, True):
        _, quarter = counted(small, moved[:250], destroying=destroying)
        _, whole = counted(wanted, moved, destroying=destroying)
        assert whole < 10 * quarter
