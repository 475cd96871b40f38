"""Policies: whom they keep out, where they are for, and in how few words they say it."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import pytest

from plans.asked import NOTHING, Asked
from plans.manifest import Manifest
from plans.naming import passage, successors
from plans.permissions import Grant, Where, assumed, document, of_lock, of_plan, of_stack, size
from plans.permissions.grants import literal
from providers import model
from tests.kit import ACCOUNT, LAB, REGION, TRAINING, Stage, address, cut, edit, kinds, manifest
from tests.permissions.judge import Account, Ask, granting

HERE = Where(REGION, ACCOUNT)
STACK = "batchwright:stack"
OURS, OTHERS, NOBODYS = {STACK: "lab"}, {STACK: "other"}, dict[str, str]()
MANAGED = """
stack: roles
computeEnvironments:
  own:
    type: MANAGED
    serviceRole: service-role/batch
    computeResources:
      type: SPOT
      maxvCpus: 4
      subnets: [subnet-1]
      instanceRole: arn:aws:iam::123456789012:instance-profile/machines/hosts
      spotIamFleetRole: arn:aws:iam::123456789012:role/fleet
  linked:
    type: MANAGED
    serviceRole: arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch
    computeResources: {type: FARGATE, maxvCpus: 4, subnets: [subnet-1], securityGroupIds: [sg-1]}
jobDefinitions:
  task:
    type: container
    parameters: {jobRoleArn: no-role}
    ecsProperties:
      taskProperties:
        - executionRoleArn: runner
          taskRoleArn: arn:aws:iam::123456789012:role/worker
          containers: [{image: busybox, resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]}]
"""


def stack(text: str | Manifest, where: Where = HERE) -> dict[str, Any]:
    return document(of_stack(manifest(text) if isinstance(text, str) else text, kinds(), where))


def planned(text: str, asked: Asked = NOTHING) -> dict[str, Any]:
    """The policy of the plan of a manifest for an empty account."""
    wanted = manifest(text)
    return document(of_plan(Stage.new().plan(wanted, asked=asked), wanted, asked, kinds(), HERE))


def allowed(policy: Mapping[str, Any], operation: str, carried: Mapping[str, str] = OURS, /, **said: Any) -> bool:
    """Whether a call is allowed, all that it names carrying these tags."""
    account = Account(REGION, ACCOUNT, lambda _arn: carried)
    return all(granting(policy, ask) for ask in account.asks(operation, said))


def passed(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The services to which each role may be passed."""
    return {
        role: statement["Condition"]["StringEquals"]["iam:PassedToService"]
        for statement in policy["Statement"]
        if "iam:PassRole" in statement["Action"]
        for role in statement["Resource"]
    }


def granted(policy: Mapping[str, Any]) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


CHANGES: Iterable[tuple[str, dict[str, Any]]] = (
    ("UpdateComputeEnvironment", {"computeEnvironment": "lab-spot", "state": "DISABLED"}),
    ("DeleteComputeEnvironment", {"computeEnvironment": "lab-spot"}),
    ("UpdateJobQueue", {"jobQueue": "lab-high", "priority": 1}),
    ("DeleteJobQueue", {"jobQueue": "lab-gone"}),
    ("DeleteSchedulingPolicy", {"arn": f"arn:aws:batch:{REGION}:{ACCOUNT}:scheduling-policy/lab-fair"}),
    ("DeregisterJobDefinition", {"jobDefinition": "lab-align:3"}),
    ("TagResource", {"resourceArn": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/lab-high", "tags": {"team": "red"}}),
    ("UntagResource", {"resourceArn": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/lab-high", "tagKeys": ["team"]}),
    ("UpdateQuotaShare", {"quotaShareArn": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/lab-x/quota-share/lab-y"}),
)


@pytest.mark.parametrize(("operation", "said"), CHANGES)
def test_only_what_is_the_stacks_may_be_changed(operation: str, said: dict[str, Any]) -> None:
    """What carries the stack's tag and a name of its own may be changed; what is another's, or nobody's, may not, nor
    what is called otherwise."""
    policy = stack(LAB)
    assert allowed(policy, operation, OURS, **said)
    assert not allowed(policy, operation, OTHERS, **said)
    assert not allowed(policy, operation, NOBODYS, **said)
    renamed = json.loads(json.dumps(said).replace("lab-", "other-"))
    assert not allowed(policy, operation, OURS, **renamed)


def test_what_is_made_must_be_the_stacks() -> None:
    """A creation must carry the stack's tag, and a name of the stack."""
    policy = stack(LAB)
    for operation, member in (
        ("CreateSchedulingPolicy", "name"),
        ("CreateJobQueue", "jobQueueName"),
        ("RegisterJobDefinition", "jobDefinitionName"),
    ):
        assert allowed(policy, operation, NOBODYS, **{member: "lab-new", "tags": OURS})
        assert not allowed(policy, operation, NOBODYS, **{member: "lab-new"})
        assert not allowed(policy, operation, NOBODYS, **{member: "lab-new", "tags": OTHERS})
        assert not allowed(policy, operation, NOBODYS, **{member: "new", "tags": OURS})
    assert not allowed(policy, "CreateConsumableResource", NOBODYS, consumableResourceName="lab-new", tags=OURS)


def test_what_is_nobodys_may_be_taken_over_and_no_others() -> None:
    """Our tag may be put on what has none, and on nothing of another stack but one that the manifest takes over."""
    arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/lab-spot"
    policy = stack(LAB)
    assert allowed(policy, "TagResource", NOBODYS, resourceArn=arn, tags=OURS)
    assert not allowed(policy, "TagResource", NOBODYS, resourceArn=arn, tags={"team": "red"})
    assert not allowed(policy, "TagResource", OTHERS, resourceArn=arn, tags=OURS)
    moved = stack(LAB + "moved: [{stack: other}]\n")
    assert allowed(moved, "TagResource", OTHERS, resourceArn=arn, tags=OURS)
    assert not allowed(moved, "TagResource", {STACK: "third"}, resourceArn=arn, tags=OURS)


def test_a_queue_may_name_what_is_not_the_stacks() -> None:
    """An environment of another stack may be named by a queue of this one, and not be changed."""
    policy = stack(edit(LAB, ("computeEnvironmentOrder: [ondemand]", "computeEnvironmentOrder: [foreign]")))
    arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/foreign"
    assert granting(policy, Ask("batch:UpdateJobQueue", arn))
    assert not allowed(policy, "UpdateComputeEnvironment", OURS, computeEnvironment="foreign")


def test_without_a_prefix_each_name_and_its_successors() -> None:
    """Of a stack without a prefix the names stand in the policy, with those that replacements have."""
    policy = stack(edit(LAB, ("namePrefix: lab-\n", "policy: {prune: false}\n")))
    for name, fits in (("spot", True), ("spot-0123abcd", True), ("spotty", False), ("spot-0123abcde", False)):
        assert allowed(policy, "CreateComputeEnvironment", NOBODYS, computeEnvironmentName=name, tags=OURS) is fits
        assert allowed(policy, "DeleteComputeEnvironment", OURS, computeEnvironment=name) is fits
    assert "batch:DeleteConsumableResource" not in granted(policy)
    pruning = stack(edit(LAB, ("namePrefix: lab-\n", "")))
    assert allowed(pruning, "DeleteComputeEnvironment", OURS, computeEnvironment="left-over")
    assert not allowed(pruning, "DeleteComputeEnvironment", OTHERS, computeEnvironment="left-over")


def test_jobs_of_others_are_ended_only_where_the_manifest_says_so() -> None:
    """Without `drain` only jobs that carry the stack's tag may be ended, as trials do."""
    account = Account(REGION, ACCOUNT, lambda _arn: NOBODYS)
    for mode, ends in (("refuse", ()), ("wait", ()), ("cancel", ("CancelJob",)), ("terminate", ("TerminateJob",))):
        policy = stack(LAB + f"policy: {{drain: {{mode: {mode}}}}}\n")
        for call in ("CancelJobs", "TerminateJob"):
            (ask,) = account.asks(call, {"jobs": ["1"]} if call.endswith("s") else {"jobId": "1"})
            assert bool(granting(policy, ask)) is (call.removesuffix("s") in ends)
        assert allowed(policy, "TerminateJob", OURS, jobId="1")
        assert not allowed(policy, "SubmitJob", OURS, jobQueue="lab-high", jobDefinition="lab-align:1", tags=OURS)


def test_a_plan_is_allowed_its_own_objects_alone() -> None:
    """What a plan does not name is denied, be it called alike; so is what it does not do."""
    policy = planned(LAB)
    assert allowed(policy, "CreateComputeEnvironment", NOBODYS, computeEnvironmentName="lab-spot", tags=OURS)
    assert not allowed(policy, "CreateComputeEnvironment", NOBODYS, computeEnvironmentName="lab-spot2", tags=OURS)
    assert not allowed(policy, "DeleteComputeEnvironment", OURS, computeEnvironment="lab-spot")
    assert not any("Delete" in action or "Deregister" in action for action in granted(policy))


def test_roles_are_passed_to_those_who_take_them() -> None:
    """Exactly the roles that blocks name may be passed, each to its service; the service-linked one is never passed."""
    role = f"arn:aws:iam::{ACCOUNT}:role/"
    told = {
        f"{role}service-role/batch": "batch.amazonaws.com",
        f"{role}machines/hosts": "ec2.amazonaws.com",
        f"{role}fleet": "spotfleet.amazonaws.com",
        f"{role}runner": "ecs-tasks.amazonaws.com",
        f"{role}worker": "ecs-tasks.amazonaws.com",
    }
    assert passed(stack(MANAGED)) == told
    assert passed(planned(MANAGED)) == told
    assert [*assumed(stack(MANAGED), manifest(MANAGED))] == [
        "the role in the instance profile machines/hosts is taken to be called so too; if not, put its ARN there"
    ]


def test_the_service_linked_role_is_that_of_the_first_use() -> None:
    """Where an environment takes the service-linked role, Batch may make it, and no other role is made."""
    own = cut(MANAGED, "  linked:", "jobDefinitions:")
    assert "iam:CreateServiceLinkedRole" in granted(planned(MANAGED)) & granted(stack(TRAINING))
    assert "iam:CreateServiceLinkedRole" not in granted(planned(own)) | granted(stack(own))
    assert "batch:UpdateComputeEnvironment" in granted(planned(own))


def test_where() -> None:
    """ARNs are those of the partition of the region; what is not known is `*`, and EC2 has two names in China."""
    china = json.dumps(stack(MANAGED, Where("cn-north-1", ACCOUNT)))
    assert "arn:aws-cn:batch:cn-north-1:" in china
    assert "ec2.amazonaws.com.cn" in china
    assert "arn:aws-us-gov:batch:us-gov-west-1:" in json.dumps(stack(LAB, Where("us-gov-west-1", ACCOUNT)))
    assert "arn:aws:batch:*:*:job-queue/lab-*" in json.dumps(stack(LAB, Where()))


def test_launch_templates_and_roles_are_looked_at_where_a_plan_asks_them() -> None:
    """What is asked of EC2 and IAM is allowed apart, under an id that says that it is optional."""
    templated = edit(LAB, ("      instanceRole:", "      launchTemplate: {launchTemplateName: t}\n      instanceRole:"))
    policy = stack(templated)
    asked = {"ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions"}
    assert asked <= granted(policy)
    optional = {action for each in policy["Statement"] if "Optional" in each["Sid"] for action in each["Action"]}
    assert optional == asked | {"iam:GetRole", "tag:GetResources", "iam:CreateServiceLinkedRole"}
    assert not asked & granted(stack(LAB))
    assert asked & granted(planned(templated)) == {"ec2:DescribeLaunchTemplates"}
    spot = address("compute_environment.spot")
    assert asked <= granted(planned(templated, Asked(update_image=frozenset({spot}))))


def test_tags_of_capacity_have_an_action_of_their_own() -> None:
    """Where an environment says capacityTags, `batch:SetCapacityTags` is allowed on it, and nowhere else."""
    wanted = manifest(LAB)
    spot = address("compute_environment.spot")
    block = wanted.resources[spot]
    spec = {**block.spec, "computeResources": {**block.spec["computeResources"], "capacityTags": {"a": "b"}}}
    tagged = attrs.evolve(wanted, resources={**wanted.resources, spot: attrs.evolve(block, spec=spec)})
    assert "batch:SetCapacityTags" in granted(stack(tagged))
    assert "batch:SetCapacityTags" not in granted(stack(wanted))
    made = Stage.new().plan(wanted)
    steps = tuple(
        attrs.evolve(step, arguments={**step.arguments, "computeResources": spec["computeResources"]})
        if step.id == f"create:{spot}"
        else step
        for step in made.steps
    )
    policy = document(of_plan(attrs.evolve(made, steps=steps), wanted, NOTHING, kinds(), HERE))
    (statement,) = (each for each in policy["Statement"] if "batch:SetCapacityTags" in each["Action"])
    assert [arn.rpartition("/")[2] for arn in statement["Resource"]] == ["lab-spot"]


def test_a_lock_takes_its_own_key() -> None:
    """In a bucket and in a table what runs of this stack read and write, and nothing of other stacks."""
    in_bucket = document(of_lock("s3", "bucket", "a*b", "lab", HERE))
    own = f"a*b/{ACCOUNT}/{REGION}"
    for operation, fits in (("GetObject", True), ("PutObject", True), ("DeleteObject", False)):
        text = json.dumps(in_bucket).replace("${*}", "[*]")
        assert (f"s3:{operation}" in text) is fits
    assert f'"arn:aws:s3:::bucket/a${{*}}b/{ACCOUNT}/{REGION}/lab"' in json.dumps(in_bucket)
    in_table = document(of_lock("dynamodb", "table", "a", "lab", HERE))
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/table"
    key = "dynamodb:LeadingKeys"
    assert granting(in_table, Ask("dynamodb:PutItem", table, {key: f"a/{ACCOUNT}/{REGION}/lab"}))
    assert not granting(in_table, Ask("dynamodb:PutItem", table, {key: f"{own}/other"}))
    assert not granting(in_table, Ask("dynamodb:DeleteItem", table, {key: f"a/{ACCOUNT}/{REGION}/lab"}))
    assert document(of_lock("file", "", "", "lab", HERE))["Statement"] == []


def test_a_document_says_it_in_few_words() -> None:
    """Actions of the same resources stand together, what a wider resource covers is left out, and ids are unique."""
    conditions = (("StringEquals", "aws:ResourceTag/a", ("b", "c")), ("StringLike", "aws:RequestTag/a", ("d",)))
    made = document(
        [
            Grant("Two", "s:B", "x/*"),
            Grant("Two", "s:A", "x/y"),
            Grant("Two", "s:A", "x/*"),
            Grant("Two", "s:C", "x/y"),
            Grant("One", "s:A", "z", conditions),
        ]
    )
    assert made["Statement"] == [
        {"Sid": "Two", "Effect": "Allow", "Action": ["s:A", "s:B"], "Resource": ["x/*"]},
        {"Sid": "Two2", "Effect": "Allow", "Action": ["s:C"], "Resource": ["x/y"]},
        {
            "Sid": "One",
            "Effect": "Allow",
            "Action": ["s:A"],
            "Resource": ["z"],
            "Condition": {"StringEquals": {"aws:ResourceTag/a": ["b", "c"]}, "StringLike": {"aws:RequestTag/a": "d"}},
        },
    ]
    assert size({"a": "b c"}) == len('{"a":"bc"}')
    assert literal("a*b?c$d") == "a${*}b${?}c${$}d"


@pytest.mark.parametrize("text", [LAB, TRAINING, MANAGED])
def test_every_action_is_one_of_the_service(text: str) -> None:
    """Each action of Batch is the name of an operation, and ids are of letters and digits and no two alike."""
    for policy in (stack(text), planned(text)):
        batch = {action.partition(":")[2] for action in granted(policy) if action.startswith("batch:")}
        assert batch <= {*model.load().operations}
        sids = [statement["Sid"] for statement in policy["Statement"]]
        assert len({*sids}) == len(sids)
        assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


def test_what_a_manifest_says_stands_for_nothing_else() -> None:
    """A name or an ARN in which there is a `*` is that name, and no pattern."""
    wild = edit(MANAGED, ("executionRoleArn: runner", 'executionRoleArn: "*"'))
    assert f"arn:aws:iam::{ACCOUNT}:role/${{*}}" in passed(stack(wild))
    assert f"arn:aws:iam::{ACCOUNT}:role/*" not in passed(stack(wild))


def test_a_trial_of_a_definition_that_is_not_seen() -> None:
    """A definition may be named by the ARN of its family or by that of a revision: jobs of both may be submitted."""
    arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/smoke"
    policy = stack(
        edit(LAB, ("  ondemand:\n", f"  ondemand:\n    lifecycle: {{canary: {{jobDefinition: '{arn}'}}}}\n"))
    )
    for said in (arn, f"{arn}:3"):
        assert allowed(policy, "SubmitJob", NOBODYS, jobQueue="lab-ondemand-canary", jobDefinition=said, tags=OURS)
        assert not allowed(policy, "SubmitJob", NOBODYS, jobQueue="lab-ondemand-canary", jobDefinition=said)
    made = {"jobQueueName": "lab-ondemand-canary", "computeEnvironmentOrder": [{"computeEnvironment": "lab-ondemand"}]}
    assert allowed(policy, "CreateJobQueue", NOBODYS, **made, tags=OURS)


@pytest.mark.parametrize("length", [4, 112, 115, 119, 121, 122, 128])
def test_the_queues_of_trials_have_names_that_are_known(length: int) -> None:
    """The queue of the trial of an environment, or of what takes its place, may be made, and no other of such names."""
    name = "x" * length
    text = edit(LAB, ("namePrefix: lab-\n", ""), ("  ondemand:\n", f"  ondemand:\n    physicalName: {name}\n"))
    canary = "    lifecycle: {canary: {jobDefinition: align}}\n"
    policy = stack(edit(text, (f"{name}\n", f"{name}\n{canary}")))
    for environment in (name, successors(name).replace("?", "0")):
        made = {"jobQueueName": passage(environment), "tags": OURS}
        assert allowed(policy, "CreateJobQueue", NOBODYS, **made)
    assert not allowed(policy, "CreateJobQueue", NOBODYS, jobQueueName=f"{name[:100]}y-canary", tags=OURS)
