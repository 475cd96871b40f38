"""Compute environments: which update AWS takes in place, and what is sent for it.

Source: "Updating compute environments" of the AWS Batch user guide and ComputeResourceUpdate of the API reference.
"""

from typing import Any

import pytest

from plans.change import Impact
from plans.jsonform import encode_members
from plans.normalise import unmet
from providers.resources import Live
from tests.plans.core import (
    KINDS,
    LINKED,
    ORDINARY,
    actions,
    change,
    codes,
    differing,
    environment,
    environments,
    fargate,
    ids,
    plan,
    queue,
    queues,
    step,
)

ADDRESS = "compute_environment.one"
ON_FARGATE = """
computeEnvironments:
  one:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""


def wanting(old: str = "", new: str = "", text: str = "") -> str:
    base = text or environments("one")
    assert old in base
    return base.replace(old, new) if old else base


def sent(made: Any) -> Any:
    arguments = encode_members(step(made, f"update:{ADDRESS}").arguments)
    assert arguments.pop("computeEnvironment").startswith("arn:aws:batch:")
    return arguments


def test_what_the_service_fills_in_is_no_difference() -> None:
    """State, service-linked role, images and desired vCPUs that nobody said are the service's own."""
    made = plan(environments("one"), environment(desiredvCpus=12))
    assert made.empty
    assert actions(made) == {ADDRESS: "noop"}


SCALING = [
    ("minvCpus: 0", "minvCpus: 4", {"computeResources": {"minvCpus": 4}}),
    ("maxvCpus: 16", "maxvCpus: 32", {"computeResources": {"maxvCpus": 32}}),
    ("minvCpus: 0", "minvCpus: 0, desiredvCpus: 8", {"computeResources": {"desiredvCpus": 8}}),
    (
        "minvCpus: 0",
        "minvCpus: 0, scalingPolicy: {minScaleDownDelayMinutes: 20}",
        {"computeResources": {"scalingPolicy": {"minScaleDownDelayMinutes": 20}}},
    ),
]


@pytest.mark.parametrize(("old", "new", "arguments"), SCALING)
@pytest.mark.parametrize("role", [LINKED, ORDINARY])
@pytest.mark.parametrize("strategy", ["BEST_FIT_PROGRESSIVE", "BEST_FIT", None])
def test_a_scaling_update_takes_any_role_and_any_strategy(
    old: str, new: str, arguments: Any, role: str, strategy: str | None
) -> None:
    """Minimum, maximum, desired vCPUs and the scaling policy change in place everywhere; only they are sent."""
    text = wanting(old, new)
    text = text.replace(
        "allocationStrategy: BEST_FIT_PROGRESSIVE, ", f"allocationStrategy: {strategy}, " if strategy else ""
    )
    made = plan(text, environment(role=role, allocationStrategy=strategy))
    assert made.refusals == ()
    assert change(made, ADDRESS).impact is Impact.SCALING
    assert sent(made) == arguments


INFRASTRUCTURE = [
    ("instanceTypes: [m6i.large]", "instanceTypes: [m6i, c6i]", "instanceTypes", ["m6i", "c6i"]),
    ("type: EC2", "type: SPOT", "type", "SPOT"),
    ("BEST_FIT_PROGRESSIVE", "BEST_FIT_PROGRESSIVE_ORDERED", "allocationStrategy", "BEST_FIT_PROGRESSIVE_ORDERED"),
    ("[subnet-1]", "[subnet-1, subnet-2]", "subnets", ["subnet-1", "subnet-2"]),
    ("[sg-1]", "[sg-2]", "securityGroupIds", ["sg-2"]),
    ("instanceRole: ecsInstanceRole", "instanceRole: other", "instanceRole", "other"),
    ("minvCpus: 0", "minvCpus: 0, imageId: ami-1", "imageId", "ami-1"),
    ("minvCpus: 0", "minvCpus: 0, ec2KeyPair: key", "ec2KeyPair", "key"),
    ("minvCpus: 0", "minvCpus: 0, placementGroup: group", "placementGroup", "group"),
    ("minvCpus: 0", "minvCpus: 0, bidPercentage: 50", "bidPercentage", 50),
    ("minvCpus: 0", "minvCpus: 0, tags: {Name: it}", "tags", {"Name": "it"}),
    (
        "minvCpus: 0",
        "minvCpus: 0, ec2Configuration: [{imageType: ECS_AL2023_NVIDIA}]",
        "ec2Configuration",
        [{"imageType": "ECS_AL2023_NVIDIA"}],
    ),
    (
        "minvCpus: 0",
        "minvCpus: 0, launchTemplate: {launchTemplateName: it}",
        "launchTemplate",
        {"launchTemplateName": "it", "version": "$Default"},
    ),
]


@pytest.mark.parametrize(("old", "new", "member", "value"), INFRASTRUCTURE)
def test_an_infrastructure_update_sends_only_what_changed(old: str, new: str, member: str, value: Any) -> None:
    """Under the service-linked role and off BEST_FIT, what recycles instances changes in place."""
    made = plan(wanting(old, new), environment())
    assert made.refusals == ()
    assert change(made, ADDRESS).impact is Impact.INFRASTRUCTURE
    assert sent(made) == {"computeResources": {member: value}}


REPLACED = [f"create:{ADDRESS}", *(f"{verb}:{ADDRESS}:one" for verb in ("unreferenced", "disable", "drain", "delete"))]


@pytest.mark.parametrize(("old", "new", "member", "value"), INFRASTRUCTURE)
@pytest.mark.parametrize(
    ("shown", "text", "rule"),
    [
        ({"role": ORDINARY}, "", "needs-service-linked-role"),
        ({"allocationStrategy": None}, "allocationStrategy: BEST_FIT_PROGRESSIVE, ", "needs-allocation-strategy"),
        ({"allocationStrategy": "BEST_FIT"}, "", "needs-allocation-strategy"),
    ],
)
def test_off_that_regime_it_is_a_replacement(
    old: str, new: str, member: str, value: Any, shown: dict[str, Any], text: str, rule: str
) -> None:
    """Under an ordinary role, or from or to BEST_FIT, the same is a new object with it, and the old one goes; Spot
    machines under BEST_FIT need a role besides."""
    made = plan(wanting(old, new).replace(text, "") if text else wanting(old, new), environment(**shown))
    assert actions(made) == {ADDRESS: "replace"}
    assert codes(made) == ([(ADDRESS, "spot-fleet-role")] if text and value == "SPOT" else [])
    assert ids(made) == REPLACED
    given = encode_members(step(made, f"create:{ADDRESS}").arguments["computeResources"])[member]
    assert given == value or (member == "launchTemplate" and given == {"launchTemplateName": "it"})
    path = f"computeResources.{member}"
    forcing = [row for row in differing(made, ADDRESS) if row.path.startswith(path)]
    assert rule in {row.rule for row in forcing}
    assert {row.why for row in forcing if row.rule == rule} <= set(change(made, ADDRESS).reason.split("; "))
    assert change(made, ADDRESS).impact is Impact.REPLACEMENT


@pytest.mark.parametrize("new", ["", "allocationStrategy: BEST_FIT, "])
def test_nothing_goes_back_to_best_fit(new: str) -> None:
    """BEST_FIT, said or unsaid, cannot be had by an update."""
    made = plan(wanting("allocationStrategy: BEST_FIT_PROGRESSIVE, ", new), environment())
    assert [row.rule for row in differing(made, ADDRESS)] == ["needs-allocation-strategy"]
    assert (codes(made), ids(made)) == ([], REPLACED)
    assert step(made, f"create:{ADDRESS}").arguments["computeResources"].get("allocationStrategy") in (None, "BEST_FIT")


def test_an_unset_strategy_is_best_fit() -> None:
    """Describe shows no strategy where none was said, and to say BEST_FIT is the same."""
    shown = environment(allocationStrategy=None)
    assert plan(wanting("allocationStrategy: BEST_FIT_PROGRESSIVE, ", ""), shown).empty
    assert plan(wanting("BEST_FIT_PROGRESSIVE", "BEST_FIT"), shown).empty


def test_the_spot_fleet_role_is_for_life() -> None:
    """ComputeResourceUpdate has no spotIamFleetRole."""
    text = wanting("type: EC2, allocation", "type: SPOT, spotIamFleetRole: new, allocation")
    made = plan(text, environment(type="SPOT", spotIamFleetRole="old"))
    assert [row.rule for row in differing(made, ADDRESS)] == ["spot-fleet-role"]
    assert (codes(made), ids(made)) == ([], REPLACED)
    assert step(made, f"create:{ADDRESS}").arguments["computeResources"]["spotIamFleetRole"] == "new"


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (environment(), ON_FARGATE),
        (fargate(), environments("one")),
        (fargate(type="FARGATE_SPOT"), ON_FARGATE),
        (fargate(type="ECS_MANAGED_INSTANCES"), environments("one")),
        (environment(type="SPOT"), ON_FARGATE.replace("FARGATE", "ECS_MANAGED_INSTANCES")),
        (environment(role=ORDINARY), ON_FARGATE),
        (environment(allocationStrategy=None), ON_FARGATE),
    ],
)
def test_the_type_changes_between_ec2_and_spot_only(shown: Live, text: str) -> None:
    """To, from and within Fargate and managed instances it is fixed, and that is the one reason for all that differs
    with it."""
    made = plan(text, shown)
    assert actions(made) == {ADDRESS: "replace"}
    told = change(made, ADDRESS)
    assert {(row.rule, row.why) for row in differing(made, ADDRESS)} == {("type-boundary", told.reason)}
    assert told.reason.startswith("the type changes in place between EC2 and SPOT only, not from ")


def test_fargate_scales_and_moves_in_place() -> None:
    """Maximum, subnets and security groups change, and no other key rides along (aws/aws-cdk#27054)."""
    assert plan(ON_FARGATE, fargate()).empty
    text = wanting("maxvCpus: 16, subnets: [subnet-1]", "maxvCpus: 8, subnets: [subnet-2]", ON_FARGATE)
    made = plan(text, fargate())
    assert change(made, ADDRESS).impact is Impact.SCALING
    assert sent(made) == {"computeResources": {"maxvCpus": 8, "subnets": ["subnet-2"]}}


def test_fargate_never_loses_its_security_groups() -> None:
    """AWS takes an empty list on Fargate for no change, so that none can be unset."""
    made = plan(wanting(", securityGroupIds: [sg-1]", "", ON_FARGATE), fargate())
    assert codes(made) == [(ADDRESS, "fargate-security-groups")]
    assert made.steps == ()


@pytest.mark.parametrize(
    "extra",
    [
        "allocationStrategy: BEST_FIT_PROGRESSIVE",
        "bidPercentage: 50",
        "desiredvCpus: 4",
        "ec2Configuration: [{imageType: ECS_AL2023}]",
        "ec2KeyPair: key",
        "imageId: ami-1",
        "instanceRole: role",
        "instanceTypes: [m6i]",
        "launchTemplate: {launchTemplateName: it}",
        "minvCpus: 0",
        "placementGroup: group",
        "scalingPolicy: {minScaleDownDelayMinutes: 20}",
        "spotIamFleetRole: role",
        "tags: {a: b}",
    ],
)
def test_machines_are_refused_on_fargate(extra: str) -> None:
    """What describes machines is refused before AWS does, for what is new and for what is there."""
    text = wanting("type: FARGATE,", f"type: FARGATE, {extra},", ON_FARGATE)
    assert (ADDRESS, "not-on-fargate") in codes(plan(text))
    assert (ADDRESS, "not-on-fargate") in codes(plan(text, fargate()))


def test_an_update_policy_is_refused_on_fargate() -> None:
    """UpdateComputeEnvironment takes no updatePolicy for Fargate."""
    made = plan(ON_FARGATE + "    updatePolicy: {terminateJobsOnUpdate: true}\n")
    assert codes(made) == [(ADDRESS, "not-on-fargate")]


def test_unsaid_and_empty_is_fine_on_fargate() -> None:
    """Describe shows empty lists there; who writes them, or nulls, says nothing."""
    text = wanting("type: FARGATE,", "type: FARGATE, instanceTypes: [], imageId: null,", ON_FARGATE)
    assert plan(text, fargate()).empty


ROLES = [
    (LINKED, ORDINARY, "replace", "role-class"),
    (ORDINARY, LINKED, "replace", "role-class"),
    (ORDINARY, "AWSServiceRoleForBatch", "replace", "role-class"),
    (ORDINARY, f"{ORDINARY}2", "update", "role"),
]


@pytest.mark.parametrize(("shown", "wanted", "action", "rule"), ROLES)
def test_a_role_changes_within_its_class(shown: str, wanted: str, action: str, rule: str) -> None:
    """The service-linked role and ordinary ones do not replace each other."""
    made = plan(environments("one") + f"    serviceRole: {wanted}\n", environment(role=shown))
    assert actions(made) == {ADDRESS: action}
    assert [row.rule for row in differing(made, ADDRESS)] == [rule]
    assert made.steps[0].arguments["serviceRole"] == wanted


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("", ORDINARY),
        ("    serviceRole: AWSBatchServiceRole\n", ORDINARY),
        ("    serviceRole: null\n", LINKED),
        (f"    serviceRole: {LINKED}\n", LINKED),
        ("    serviceRole: AWSServiceRoleForBatch\n", LINKED),
        ("    serviceRole: /service-role/AWSBatchServiceRole\n", ORDINARY),
    ],
)
def test_a_role_that_means_the_same_is_no_difference(said: str, shown: str) -> None:
    """Unsaid it is left alone, null is the service-linked one, and a bare name is that of an ARN."""
    assert plan(environments("one") + said, environment(role=shown)).empty


def test_null_asks_for_the_service_linked_role() -> None:
    """From an ordinary role that is a replacement, not silence."""
    made = plan(environments("one") + "    serviceRole: null\n", environment(role=ORDINARY))
    assert actions(made) == {ADDRESS: "replace"}


def test_a_role_and_machines_change_in_two_calls() -> None:
    """UpdateComputeEnvironment refuses a role beside an infrastructure update."""
    other = f"{LINKED}2"
    text = wanting("[sg-1]", "[sg-2]") + f"    serviceRole: {other}\n"
    made = plan(text, environment())
    assert ids(made) == [f"update:{ADDRESS}", f"update:{ADDRESS}:1"]
    assert sent(made) == {"serviceRole": other}
    second = step(made, f"update:{ADDRESS}:1")
    assert second.arguments["computeResources"] == {"securityGroupIds": ["sg-2"]}
    assert second.after == (f"update:{ADDRESS}",)


RESETS = [
    ({"imageId": "ami-1"}, {"imageId": ""}),
    ({"ec2KeyPair": "key"}, {"ec2KeyPair": ""}),
    ({"placementGroup": "group"}, {"placementGroup": ""}),
    ({"launchTemplate": {"launchTemplateName": "it", "version": "3"}}, {"launchTemplate": {"launchTemplateId": ""}}),
    ({"bidPercentage": 50}, {"bidPercentage": 100}),
    ({"scalingPolicy": {"minScaleDownDelayMinutes": 20}}, {"scalingPolicy": {"minScaleDownDelayMinutes": 0}}),
    ({"tags": {"a": "b"}}, {"tags": {}}),
]


@pytest.mark.parametrize(("shown", "reset"), RESETS)
def test_what_left_the_manifest_is_reset(shown: dict[str, Any], reset: dict[str, Any]) -> None:
    """Unsaid means the default, and the API has a value for that."""
    assert sent(plan(environments("one"), environment(**shown))) == {"computeResources": reset}


@pytest.mark.parametrize("member", ["subnets", "securityGroupIds"])
def test_the_network_of_machines_can_be_emptied(member: str) -> None:
    """An empty list removes it, other than on Fargate, where a launch template can say it in its place."""
    said = {"subnets": "subnets: [subnet-1], ", "securityGroupIds": "securityGroupIds: [sg-1], "}[member]
    text = wanting(said, "launchTemplate: {launchTemplateName: it}, ")
    shown = environment(launchTemplate={"launchTemplateName": "it"})
    assert sent(plan(text, shown)) == {"computeResources": {member: []}}
    code = {"subnets": "subnets", "securityGroupIds": "security-groups"}[member]
    assert codes(plan(wanting(said, ""), environment())) == [(ADDRESS, code)]
    assert codes(plan(wanting(said, ""), shown)) == [(ADDRESS, code)]


@pytest.mark.parametrize("member", ["instanceTypes", "instanceRole"])
def test_what_machines_cannot_be_without_is_refused(member: str) -> None:
    """That EC2 must name it is told, not that the API has nothing to say for "none"."""
    texts = {
        "instanceTypes": "instanceTypes: [m6i.large], ",
        "instanceRole": ", instanceRole: ecsInstanceRole",
    }
    made = plan(wanting(texts[member], ""), environment())
    assert codes(made) == [(ADDRESS, {"instanceTypes": "instance-types", "instanceRole": "instance-role"}[member])]
    assert made.refusals[0].message.startswith(f"computeResources.{member}: EC2 and SPOT name")
    assert made.steps == ()


@pytest.mark.parametrize(
    ("extra", "image"),
    [({}, "ECS_AL2023"), ({"eksConfiguration": {"eksClusterArn": "arn", "kubernetesNamespace": "n"}}, "EKS_AL2023")],
)
def test_null_resets_what_the_service_owns(extra: dict[str, Any], image: str) -> None:
    """Unsaid images are left alone; an explicit null asks for those that AWS takes by default."""
    text = wanting("minvCpus: 0", "minvCpus: 0, ec2Configuration: null")
    if extra:
        text += "    eksConfiguration: {eksClusterArn: arn, kubernetesNamespace: n}\n"
    shown = environment(ec2Configuration=[{"imageType": "CUSTOM"}], fields={"spec": extra})
    assert sent(plan(text, shown)) == {"computeResources": {"ec2Configuration": [{"imageType": image}]}}
    assert plan(text, environment(ec2Configuration=[{"imageType": image}], fields={"spec": extra})).empty


def test_what_is_empty_is_unsaid() -> None:
    """An empty list of images leaves those that AWS took by default, as if it were not there."""
    text = wanting("minvCpus: 0", "minvCpus: 0, ec2Configuration: []")
    assert plan(text, environment()).empty


def test_read_only_members_are_never_compared() -> None:
    """AWS adds `batchImageStatus` to what was said."""
    text = wanting("minvCpus: 0", "minvCpus: 0, ec2Configuration: [{imageType: ECS_AL2023}]")
    shown = environment(ec2Configuration=[{"imageType": "ECS_AL2023", "batchImageStatus": "LATEST"}])
    assert plan(text, shown).empty


@pytest.mark.parametrize(("shown", "empty"), [(4, False), (8, True), (12, True)])
def test_pinned_vcpus_are_a_floor(shown: int, empty: bool) -> None:
    """A desired number is only raised, never lowered, and not waited for, since it moves with the load."""
    made = plan(wanting("minvCpus: 0", "minvCpus: 0, desiredvCpus: 8"), environment(desiredvCpus=shown))
    assert made.empty is empty
    for each in made.steps:
        assert each.goal is not None
        assert each.goal.expect == {}


def test_a_maximum_below_what_is_desired_is_refused() -> None:
    """AWS does not scale down by hand (ASFHyP3/hyp3#2965)."""
    text = wanting("maxvCpus: 16", "maxvCpus: 8")
    assert codes(plan(text, environment(desiredvCpus=9))) == [(ADDRESS, "running-vcpus")]
    assert codes(plan(text, environment(desiredvCpus=8))) == []


def test_an_update_policy_comes_after_the_creation() -> None:
    """Create does not take it; the second call is made once the first has settled, and says the whole policy."""
    made = plan(environments("one") + "    updatePolicy: {terminateJobsOnUpdate: true}\n")
    create, update = made.steps
    assert "updatePolicy" not in create.arguments
    assert create.goal is not None
    assert create.goal.until == "settled"
    assert update.arguments["updatePolicy"] == {"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 30}
    assert update.after == (create.id,)


def test_an_update_policy_of_defaults_needs_no_call() -> None:
    """To say what AWS does anyway is to say nothing."""
    policy = "    updatePolicy: {terminateJobsOnUpdate: false, jobExecutionTimeoutMinutes: 30}\n"
    assert ids(plan(environments("one") + policy)) == [f"create:{ADDRESS}"]
    assert plan(environments("one") + policy, environment()).empty


def test_an_update_policy_is_changed_and_reset() -> None:
    """It is sent whole, and unsaid it is what AWS does by default."""
    shown = environment(fields={"spec": {"updatePolicy": {"jobExecutionTimeoutMinutes": 60}}})
    default = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30}
    assert sent(plan(environments("one"), shown)) == {"updatePolicy": default}
    text = environments("one") + "    updatePolicy: {terminateJobsOnUpdate: true}\n"
    assert sent(plan(text, shown)) == {"updatePolicy": {**default, "terminateJobsOnUpdate": True}}


def test_an_infrastructure_update_may_take_as_long_as_its_jobs() -> None:
    """The wait is as long as `jobExecutionTimeoutMinutes`, and half an hour."""
    policy = "    updatePolicy: {jobExecutionTimeoutMinutes: 360}\n"
    shown = environment(fields={"spec": {"updatePolicy": {"jobExecutionTimeoutMinutes": 360}}})
    goal = step(plan(wanting("[sg-1]", "[sg-2]") + policy, shown), f"update:{ADDRESS}").goal
    assert goal is not None
    assert goal.deadline == 360 * 60 + 1800


def test_a_creation_says_state_and_minimum() -> None:
    """moto wants both, and AWS a minimum for machines; Fargate takes none."""
    text = environments("one").replace("minvCpus: 0, ", "")
    arguments = step(plan(text), f"create:{ADDRESS}").arguments
    assert (arguments["state"], arguments["computeResources"]["minvCpus"]) == ("ENABLED", 0)
    arguments = step(plan(ON_FARGATE), f"create:{ADDRESS}").arguments
    assert arguments["computeResources"] == {
        "type": "FARGATE",
        "maxvCpus": 16,
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
    }


UNMANAGED = "\ncomputeEnvironments:\n  one: {{type: UNMANAGED, serviceRole: {role}{more}}}\n"


def test_unmanaged_vcpus_change_in_place() -> None:
    """And are reset to none."""
    spec = {"type": "UNMANAGED", "state": "ENABLED", "serviceRole": ORDINARY, "computeResources": None}
    shown = environment(fields={"spec": {**spec, "unmanagedvCpus": 4}})
    text = UNMANAGED.format(role=ORDINARY, more=", unmanagedvCpus: 8")
    assert sent(plan(text, shown)) == {"unmanagedvCpus": 8}
    assert sent(plan(UNMANAGED.format(role=ORDINARY, more=""), shown)) == {"unmanagedvCpus": 0}


CLUSTER = (
    "    eksConfiguration: {{eksClusterArn: arn:aws:eks:eu-west-1:123456789012:cluster/{}, kubernetesNamespace: {}}}\n"
)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        (CLUSTER.format("b", "n"), "eksConfiguration.eksClusterArn"),
        (CLUSTER.format("a", "m"), "eksConfiguration.kubernetesNamespace"),
        ("", "eksConfiguration"),
    ],
)
def test_cluster_and_namespace_are_for_life(said: str, path: str) -> None:
    """Update takes neither, though it takes the structure that holds them."""
    shown = {
        "eksConfiguration": {
            "eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/a",
            "kubernetesNamespace": "n",
        }
    }
    made = plan(environments("one") + said, environment(fields={"spec": shown}))
    assert [(row.path, row.rule) for row in differing(made, ADDRESS)] == [(path, "for-life")]
    assert (codes(made), ids(made)) == ([], REPLACED)


def test_an_update_leaves_out_what_only_a_creation_takes() -> None:
    """Of eksConfiguration the update takes the access entry alone; its status is AWS's."""
    shown = {
        "eksConfiguration": {
            "eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/a",
            "kubernetesNamespace": "n",
            "accessEntry": {"desiredState": "DISABLED", "status": "INACTIVE"},
        }
    }
    said = environments("one") + CLUSTER.format("a", "n, accessEntry: {desiredState: ENABLED}")
    made = plan(said, environment(fields={"spec": shown}))
    assert sent(made) == {"eksConfiguration": {"accessEntry": {"desiredState": "ENABLED"}}}
    assert [row.rule for row in change(made, ADDRESS).differences] == ["access-entry"]
    assert plan(environments("one") + CLUSTER.format("a", "n"), environment(fields={"spec": shown})).empty


def test_switching_off_the_last_environment_of_a_queue_is_an_outage() -> None:
    """It is shown as one, and the policy refuses it unless it allows that much."""
    text = environments("one", "two").replace("type: MANAGED", "state: DISABLED\n    type: MANAGED", 1)
    alone = (environment("one"), environment("two"), queue("high", "one"))
    made = plan(text + queues("high"), *alone)
    assert change(made, ADDRESS).impact is Impact.OUTAGE
    assert codes(made) == [(ADDRESS, "max-impact")]
    both = plan(text + queues("high", order="[one, two]"), *alone[:2], queue("high", "one", "two"))
    assert change(both, ADDRESS).impact is Impact.NONE
    assert codes(both) == []


def test_a_queue_is_moved_before_its_environment_is_switched_off() -> None:
    """No moment passes in which it has none."""
    text = environments("one", "two").replace("type: MANAGED", "state: DISABLED\n    type: MANAGED", 1)
    for order in ("[two]", "[two, one]"):
        made = plan(text + queues("high", order=order), environment("one"), environment("two"), queue("high", "one"))
        assert codes(made) == []
        assert ids(made) == ["update:job_queue.high", f"update:{ADDRESS}"]
        assert step(made, f"update:{ADDRESS}").after == ("update:job_queue.high",)


def test_one_that_is_to_be_disabled_is_made_and_then_disabled() -> None:
    """AWS creates only ENABLED ones (CreateComputeEnvironment, `state`); one update says what only updates take."""
    text = environments() + "    state: DISABLED\n"
    made = plan(text + "    updatePolicy: {terminateJobsOnUpdate: true}\n")
    assert ids(made) == [f"create:{ADDRESS}", f"update:{ADDRESS}"]
    assert step(made, f"create:{ADDRESS}").arguments["state"] == "ENABLED"
    update = step(made, f"update:{ADDRESS}")
    assert update.arguments["state"] == "DISABLED"
    assert update.arguments["updatePolicy"]["terminateJobsOnUpdate"] is True
    assert update.goal is not None
    assert (update.goal.until, update.goal.expect["state"]) == ("settled", "DISABLED")
    assert update.after == (f"create:{ADDRESS}",)
    assert ids(plan(environments() + "    state: ENABLED\n")) == [f"create:{ADDRESS}"]


@pytest.mark.parametrize(("said", "shown"), [("0", None), ("0", 100), ("100", None), ("100", 0)])
def test_a_bid_of_nothing_is_none(said: str, shown: int | None) -> None:
    """0 is as good as unsaid, which is all of the price on demand; AWS does not show it again."""
    assert plan(wanting("minvCpus: 0", f"minvCpus: 0, bidPercentage: {said}"), environment(bidPercentage=shown)).empty


def test_a_bid_is_taken_back_with_nothing() -> None:
    """0 is sent, as Terraform does, and that it is gone ends the wait."""
    made = plan(wanting("minvCpus: 0", "minvCpus: 0, bidPercentage: 0"), environment(bidPercentage=50))
    assert sent(made) == {"computeResources": {"bidPercentage": 0}}
    goal = step(made, f"update:{ADDRESS}").goal
    assert goal is not None
    assert unmet(goal.expect, environment(), KINDS["compute_environment"]) == ()
