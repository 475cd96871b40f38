"""What AWS refuses for what is live, or for all of a stack together, is refused by a plan, with a hint."""

import re
from typing import Any

import attrs
import pytest

from plans.plan import Plan
from providers.resources import Live
from tests.plans.core import (
    ACCOUNT,
    LINKED,
    REGION,
    actions,
    arn,
    codes,
    definition,
    environment,
    environments,
    fargate,
    live,
    plan,
    queue,
    queues,
    revision,
    tags,
)
from tests.plans.core import policy as fair_policy

QUEUE, SHARE, SERVICE = "job_queue.high", "quota_share.red", "service_environment.train"
CLUSTER = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/it"
NUMBER, TYPES = "NUM_INSTANCES", "ml.m5.large"
AL2_ENDS = 1_782_777_600.0


def quota_policy(name: str = "quota") -> Live:
    return live("scheduling_policy", name, {"quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"}}, tags={})


def fair(name: str = "fair") -> Live:
    return attrs.evolve(fair_policy(name), tags={})


def service(unit: str = NUMBER, name: str = "train", **fields: Any) -> Live:
    spec = {
        "serviceEnvironmentType": "SAGEMAKER_TRAINING",
        "state": "ENABLED",
        "capacityLimits": [{"maxCapacity": 1, "capacityUnit": unit}],
    }
    return live("service_environment", name, spec, **{"status": "VALID", "tags": {}, **fields})


def training(name: str = "high", policy: str | None = None, *, ours: bool = True, **fields: Any) -> Live:
    """A live queue of the service environment `train`."""
    spec = {
        "state": "ENABLED",
        "priority": 1,
        "serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": arn("service_environment", "train")}],
        "computeEnvironmentOrder": [],
        "jobQueueType": "SAGEMAKER_TRAINING",
        **({"schedulingPolicyArn": arn("scheduling_policy", policy)} if policy else {}),
    }
    return live(
        "job_queue", name, spec, **{"status": "VALID", "tags": tags(f"job_queue.{name}") if ours else {}, **fields}
    )


def wanted_queue(policy: str | None = None, more: str = "") -> str:
    said = f", schedulingPolicyArn: {policy}" if policy else ""
    return f"jobQueues: {{high: {{priority: 1, serviceEnvironmentOrder: [train]{said}{more}}}}}"


def wanted_share(name: str = "red") -> str:
    return (
        f"  {name}: {{jobQueue: high, capacityLimits: [{{maxCapacity: 1, capacityUnit: {TYPES}}}],"
        " resourceSharingConfiguration: {strategy: RESERVE}, preemptionConfiguration: {inSharePreemption: ENABLED}}\n"
    )


def test_all_demands_are_told_at_once_with_path_and_hint() -> None:
    """Not the first one alone, and beside what is wrong with other resources."""
    text = environments().replace("minvCpus: 0", "minvCpus: 20, bidPercentage: 101") + definition(
        container="environment: [{name: AWS_BATCH_X, value: a}]", more="schedulingPriority: 10000"
    )
    made = plan(text)
    assert codes(made) == [
        ("compute_environment.one", "vcpus-in-order"),
        ("compute_environment.one", "bid"),
        ("job_definition.align", "scheduling-priority"),
        ("job_definition.align", "variable"),
    ]
    assert made.refusals[0].message == "computeResources.minvCpus: it is from 0 to maxvCpus"
    assert made.refusals[3].message.startswith("containerProperties.environment[AWS_BATCH_X].name: ")
    assert all(refusal.hint for refusal in made.refusals)


def test_what_is_refused_for_another_reason_is_asked_all_the_same() -> None:
    """A name that is taken and a priority that is too high are told together."""
    theirs = attrs.evolve(queue(), tags={})
    made = plan(environments() + queues().replace("priority: 1", "priority: 1001"), environment(), theirs)
    assert codes(made) == [(QUEUE, "name-taken"), (QUEUE, "priority")]


def test_what_stands_so_in_the_live_object_aws_has_taken() -> None:
    """It does not keep another change from being made; what is new does."""
    shown = environment(bidPercentage=101)
    text = (
        environments().replace("minvCpus: 0", "minvCpus: 0, bidPercentage: 101").replace("maxvCpus: 16", "maxvCpus: 32")
    )
    assert codes(plan(text, shown)) == []
    assert actions(plan(text, shown)) == {"compute_environment.one": "update"}
    assert codes(plan(text.replace("101", "102"), environment(bidPercentage=50))) == [
        ("compute_environment.one", "bid")
    ]


def test_what_moves_with_the_load_is_not_asked_of_an_update() -> None:
    """A minimum above the vCPUs that happen to be desired is raised."""
    text = environments().replace("minvCpus: 0", "minvCpus: 4")
    assert codes(plan(text, environment(desiredvCpus=2))) == []
    pinned = text.replace("minvCpus: 4", "minvCpus: 4, desiredvCpus: 3")
    assert codes(plan(pinned, environment())) == [("compute_environment.one", "desired-in-bounds")]


def test_what_only_a_creation_asks_is_not_asked_of_an_update() -> None:
    """AWS takes subnets away from machines that have a launch template."""
    text = environments().replace("subnets: [subnet-1], ", "launchTemplate: {launchTemplateName: it}, ")
    assert codes(plan(text)) == [("compute_environment.one", "subnets")]
    assert codes(plan(text, environment())) == []


def test_a_demand_holds_from_its_day_on() -> None:
    """Images of Amazon Linux 2 are AWS's until 30 June 2026."""
    text = environments().replace("minvCpus: 0", "minvCpus: 0, ec2Configuration: [{imageType: ECS_AL2}]")
    assert codes(plan(text, now=AL2_ENDS - 1)) == []
    assert codes(plan(text, now=AL2_ENDS)) == [("compute_environment.one", "image-of-amazon-linux-2")]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (arn("job_queue", "one"), "is not the ARN of a compute environment"),
        (arn("compute_environment", "one").replace(REGION, "us-east-1"), "is of region us-east-1"),
        (arn("compute_environment", "one").replace(ACCOUNT, "210987654321"), "is of account 210987654321"),
        (arn("compute_environment", "two"), "is not there"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(reference: str, told: str) -> None:
    """An ARN of something else, of elsewhere, or of nothing."""
    made = plan(environments() + queues(order=f"[{reference}]"), environment())
    assert codes(made) == [(QUEUE, "out-of-reach")]
    assert told in made.refusals[0].message


def test_what_cannot_be_read_may_be_there() -> None:
    """Then an ARN is taken on trust."""
    text = environments() + queues(more=f", schedulingPolicyArn: {arn('scheduling_policy', 'x')}")
    assert codes(plan(text, unobserved={"scheduling_policy": "denied"})) == []


def test_a_registration_has_a_size() -> None:
    """24 KiB, tags and name included."""
    assert codes(plan(definition(container=f"command: ['{'x' * 24000}']"))) == []
    assert codes(plan(definition(container=f"command: ['{'x' * 24576}']"))) == [("job_definition.align", "size")]
    grown = plan(definition(container=f"command: ['{'x' * 24576}']"), revision())
    assert codes(grown) == [("job_definition.align", "size")]


def test_many_tags_to_propagate_are_told() -> None:
    """Jobs have tags of their own, and fail above 50."""
    many = ", ".join(f"k{n}: v" for n in range(41))
    made = plan(definition(more=f"propagateTags: true\n    tags: {{{many}}}"))
    assert "a job fails that has more than 50" in made.warnings[0]
    assert plan(definition(more=f"tags: {{{many}}}")).warnings == ()


def test_five_environments_a_cluster() -> None:
    """Those of other clusters do not count."""

    def on(cluster: str) -> str:
        return f"    eksConfiguration: {{eksClusterArn: {cluster}, kubernetesNamespace: batch}}\n"

    config = {"eksConfiguration": {"eksClusterArn": CLUSTER, "kubernetesNamespace": "batch"}}
    lives = [environment(f"e{n}", fields={"spec": config, "tags": {}}) for n in range(5)]
    assert codes(plan(environments() + on(CLUSTER), *lives[:4])) == []
    assert codes(plan(environments() + on(CLUSTER), *lives)) == [("", "quota")]
    assert codes(plan(environments() + on(f"{CLUSTER}-2"), *lives)) == []


@pytest.mark.parametrize(("there", "refused"), [(19, []), (20, [("", "quota")])])
def test_twenty_shares_a_queue(there: int, refused: list[Any]) -> None:
    """Live ones and new ones together."""
    shown = training(policy="quota", ours=False)
    lives = [
        live(
            "quota_share",
            f"s{n}",
            {"jobQueue": shown.arn},
            arn=f"{shown.arn}/quota-share/s{n}",
            status="VALID",
            tags={},
        )
        for n in range(there)
    ]
    made = plan("quotaShares:\n" + wanted_share(), shown, quota_policy(), service(TYPES), *lives)
    assert codes(made) == refused


def test_unmanaged_and_machines_share_a_queue_and_managed_instances_do_not() -> None:
    """UNMANAGED environments are of machines; those of managed instances make queues of their own."""
    unmanaged = environment("two", fields={"spec": {"type": "UNMANAGED", "computeResources": None}, "tags": {}})
    provided = environment("three", type="ECS_MANAGED_INSTANCES", instanceTypes=None, fields={"tags": {}})
    text = environments()
    assert codes(plan(text + queues(order="[one, two]"), unmanaged)) == []
    assert codes(plan(text + queues(order="[one, three]"), provided)) == [(QUEUE, "mixed-types")]
    assert codes(plan(text + queues(order="[three]"), provided)) == []


def test_a_said_type_of_queue_is_that_of_its_environments() -> None:
    """AWS tells it from them."""
    text = environments() + queues(more=", jobQueueType: ECS_FARGATE")
    assert codes(plan(text)) == [(QUEUE, "queue-type")]
    assert codes(plan(text.replace("ECS_FARGATE", "ECS"))) == []


def test_environments_are_looked_at_where_they_are_sent() -> None:
    """Another priority does not name them."""
    broken = environment(fields={"status": "INVALID", "tags": {}})
    assert codes(plan(queues().replace("priority: 1", "priority: 2"), broken, queue())) == []
    assert codes(plan(queues(), broken)) == [(QUEUE, "invalid-environment")]


def test_quota_shares_are_for_queues_of_service_environments() -> None:
    """Their policy is not for others."""
    text = environments() + queues(more=", schedulingPolicyArn: quota")
    assert codes(plan(text, quota_policy())) == [(QUEUE, "quota-policy")]
    assert codes(plan(text.replace("quota", "fair"), fair())) == []


@pytest.mark.parametrize(
    ("unit", "policy", "refused"),
    [
        (TYPES, "quota", []),
        (NUMBER, "quota", ["units-of-queue"]),
        (NUMBER, "fair", []),
        (TYPES, "fair", ["units-of-queue"]),
        (NUMBER, None, []),
        (TYPES, None, ["units-of-queue"]),
    ],
)
def test_the_units_of_a_service_environment_fit_the_policy(unit: str, policy: str | None, refused: list[str]) -> None:
    """Instance types with quota shares, a number of instances without."""
    made = plan(wanted_queue(policy), service(unit), quota_policy(), fair())
    assert [code for _, code in codes(made)] == refused


def test_a_service_environment_with_quota_shares_serves_one_queue() -> None:
    """Whether the other queue is live or to be made."""
    lives = (service(TYPES), quota_policy())
    other = training("other", "quota", ours=False)
    assert codes(plan(wanted_queue("quota"), *lives, other)) == [(QUEUE, "service-shared")]
    both = wanted_queue("quota").replace("high:", "low: &it").replace("}}", "}, high: *it}")
    assert codes(plan(both, *lives)) == [(QUEUE, "service-shared"), ("job_queue.low", "service-shared")]


def test_a_service_environment_is_valid_when_a_queue_is_given_it() -> None:
    """As compute environments are."""
    assert codes(plan(wanted_queue(), service(status="INVALID"))) == [(QUEUE, "invalid-environment")]


def test_a_policy_keeps_its_sort_in_a_queue() -> None:
    """Fair share does not take the place of quota shares."""
    lives = (service(TYPES), quota_policy(), quota_policy("other"), fair(), training(policy="quota"))
    assert (QUEUE, "sort-of-policy-stays") in codes(plan(wanted_queue("fair"), *lives))
    assert codes(plan(wanted_queue("other"), *lives)) == []


def test_units_stay_while_a_queue_has_the_service_environment() -> None:
    """A number of instances does not become instance types."""
    ours = service(tags=tags(SERVICE))
    text = f"""
serviceEnvironments:
  train: {{serviceEnvironmentType: SAGEMAKER_TRAINING, capacityLimits: [{{maxCapacity: 1, capacityUnit: {TYPES}}}]}}
"""
    assert codes(plan(text, ours)) == []
    assert codes(plan(text, ours, training(ours=False))) == [(SERVICE, "units-stay")]
    assert codes(plan(text.replace(TYPES, NUMBER).replace(": 1", ": 2"), ours, training(ours=False))) == []


def test_a_quota_share_is_in_a_queue_of_quota_shares() -> None:
    """The queue's policy tells, and it is VALID."""
    text = "quotaShares:\n" + wanted_share()
    lives = (service(TYPES), quota_policy(), fair())
    assert codes(plan(text, training(policy="quota", ours=False), *lives)) == []
    assert codes(plan(text, training(policy="fair", ours=False), *lives)) == [(SHARE, "queue-without-shares")]
    assert codes(plan(text, training(ours=False), *lives)) == [(SHARE, "queue-without-shares")]
    broken = training(policy="quota", ours=False, status="INVALID")
    assert codes(plan(text, broken, *lives)) == [(SHARE, "invalid-queue")]


def test_what_fargate_may_not_have_is_told_once() -> None:
    """By the row of the kind, or where it is empty by the demand."""
    block = """
computeEnvironments:
  one:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 4, subnets: [a], securityGroupIds: [b], instanceTypes: %s}
"""
    assert codes(plan(block % "[c6i]")) == [("compute_environment.one", "not-on-fargate")]
    assert codes(plan(block % "[]")) == [("compute_environment.one", "machines-on-fargate")]
    assert (
        codes(
            plan((block % "[]").replace("maxvCpus: 4", "maxvCpus: 8"), fargate(subnets=["a"], securityGroupIds=["b"]))
        )
        == []
    )


def test_the_service_linked_role_stands_under_its_own_path() -> None:
    """AWS would make an environment that is INVALID and cannot be deleted (aws/aws-cdk#20727)."""
    astray = LINKED.replace("aws-service-role/batch.amazonaws.com/", "service-role/")
    assert codes(plan(environments() + f"    serviceRole: {astray}\n")) == [
        ("compute_environment.one", "linked-role-path")
    ]
    assert codes(plan(environments() + f"    serviceRole: {LINKED}\n")) == []


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("eusc-de-east-1", "aws-eusc"), ("us-west-2", "aws")],
)
def test_a_registration_counts_the_arns_of_its_own_partition(region: str, partition: str) -> None:
    """Those of GovCloud are longer, and may be too long."""
    text = "consumableResources: {x: {totalQuantity: 1}}" + definition(
        container=f"command: ['{'x' * 24576}']",
        more="consumableResourceProperties: {consumableResourceList: [{consumableResource: x, quantity: 1}]}",
    )

    def size(made: Plan) -> int:
        found = re.search("([0-9]+) bytes, and AWS takes 24576", made.refusals[0].message)
        assert found is not None
        return int(found[1])

    longer = len(f"{partition}{region}") - len(f"aws{REGION}")
    assert size(plan(text, region=region)) - size(plan(text)) == longer


def test_a_replacement_has_room_for_its_tags() -> None:
    """The new object begins without any."""
    crowded = tags("compute_environment.one", **{f"k{n}": "v" for n in range(47)})
    text = environments() + "    tags: {a: b, c: d}\n"
    lives = environment(allocationStrategy="BEST_FIT", fields={"tags": crowded})
    assert ("compute_environment.one", "tags") not in codes(plan(text, lives))
    assert codes(plan(text, environment(fields={"tags": crowded}))) == [("compute_environment.one", "tags")]


@pytest.mark.parametrize(("before", "after", "refused"), [(4, 6, False), (16, 6, True), (16, 8, False), (8, 6, True)])
def test_a_maximum_is_not_lowered_below_what_is_desired(before: int, after: int, refused: bool) -> None:
    """Raising it is fine, even to less than that: by one instance the service goes over the maximum."""
    text = environments().replace("maxvCpus: 16", f"maxvCpus: {after}")
    made = plan(text, environment(maxvCpus=before, desiredvCpus=8))
    assert codes(made) == ([("compute_environment.one", "running-vcpus")] if refused else [])


def test_desired_vcpus_are_asked_to_be_within_bounds_even_where_the_load_is_above_them() -> None:
    """As a creation is, when something else is updated; without an update nothing is asked of AWS."""
    pinned = environments().replace("minvCpus: 0", "minvCpus: 4, desiredvCpus: 3")
    assert codes(plan(pinned)) == [("compute_environment.one", "desired-in-bounds")]
    assert codes(plan(pinned, environment(desiredvCpus=8))) == [("compute_environment.one", "desired-in-bounds")]
    assert codes(plan(pinned, environment(minvCpus=4, desiredvCpus=8))) == []


def test_desired_vcpus_that_are_not_lowered_are_told() -> None:
    """Only Batch lowers them."""
    pinned = environments().replace("minvCpus: 0", "minvCpus: 0, desiredvCpus: 3")
    told = "computeResources.desiredvCpus stays 8, though the manifest says 3: AWS lowers it itself"
    made = plan(pinned, environment(desiredvCpus=8))
    assert (made.empty, made.warnings) == (True, (f"compute_environment.one: {told}",))
    assert plan(pinned, environment(desiredvCpus=3)).warnings == ()
    assert plan(environments(), environment(desiredvCpus=3)).warnings == ()


@pytest.mark.parametrize(("value", "refused"), [("512.0", True), ("0512", False), ("512", False)])
def test_a_definition_is_spelt_as_aws_takes_it(value: str, refused: bool) -> None:
    """Though it means what is live, and nothing would be sent: the next registration would fail."""
    text = definition().replace('value: "512"', f'value: "{value}"')
    told = [("job_definition.align", "memory")] if refused else []
    assert codes(plan(text, revision())) == told
    assert codes(plan(text)) == told


def test_an_arn_of_what_the_same_plan_makes_is_no_reference_to_it() -> None:
    """It would not be made first; its name is."""
    made = plan(environments("new") + queues(order=f"[{arn('compute_environment', 'new')}]"))
    assert codes(made) == [(QUEUE, "out-of-reach")]
    assert made.refusals[0].hint == "this plan makes it: say its name in the manifest, new, so that it is made first"
    prefixed = "namePrefix: my-" + environments("new") + queues(order=f"[{arn('compute_environment', 'my-new')}]")
    assert "the manifest, new," in plan(prefixed).refusals[0].hint
    share = "quotaShares:\n" + wanted_share().replace("high", arn("job_queue", "high"))
    told = plan(wanted_queue("quota") + "\n" + share, service(TYPES), quota_policy())
    assert "the manifest, high," in told.refusals[0].hint


def test_the_only_block_renamed_is_told_so() -> None:
    """It looks like another stack of the same name."""
    made = plan(environments("two"), environment("one"))
    assert ("", "wrong-stack") in codes(made)
    (hint,) = (refusal.hint for refusal in made.refusals if refusal.code == "wrong-stack")
    assert "if a block was renamed, give it its old name back" in hint


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ('{type: VCPU, value: "1"}', [("a container needs memory", "add {type: MEMORY")]),
        ('{type: VCPU, value: "1"}, {type: MEMORY, value: 1Gi}', [("memory is a whole number", "such as 512")]),
        ('{type: VCPU, value: "0.5"}, {type: MEMORY, value: "512"}', [("vCPUs are 1 or more", "such as 1")]),
    ],
)
def test_what_a_container_needs_is_told_as_it_is_said(needs: str, told: list[tuple[str, str]]) -> None:
    """What is there and wrong is not to be added."""
    text = definition().replace('{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}', needs)
    found = [(refusal.message.partition(": ")[2], refusal.hint) for refusal in plan(text).refusals]
    assert len(found) == len(told)
    assert all(message in row[0] and hint in row[1] for row, (message, hint) in zip(found, told, strict=True))
