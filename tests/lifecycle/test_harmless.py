"""Other ways to say what is there already: none of them is a change."""

import copy
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
import yaml

from plans.manifest import Manifest, Source, parse
from providers.resources import Field
from tests.kit import ACCOUNT, EXAMPLES, LAB, REGION, TRAINING, Stage, kinds
from tests.lifecycle.test_fields import put
from tests.plans.core import environment, environments, plan, tags

Document = dict[str, Any]
Edit = Callable[[Document], Document]
ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}"
RICH = """
stack: rich
schedulingPolicies:
  fair:
    fairsharePolicy:
      shareDistribution: [{shareIdentifier: a, weightFactor: 0.1}, {shareIdentifier: b}]
computeEnvironments:
  ec2:
    type: MANAGED
    computeResources:
      type: EC2
      allocationStrategy: BEST_FIT_PROGRESSIVE
      maxvCpus: 64
      instanceTypes: [c6i, m6i]
      subnets: [subnet-1, subnet-2]
      securityGroupIds: [sg-1, sg-2]
      instanceRole: ecsInstanceRole
      launchTemplate: {launchTemplateName: it}
  spot:
    type: MANAGED
    computeResources: {type: SPOT, allocationStrategy: SPOT_CAPACITY_OPTIMIZED, minvCpus: 0, maxvCpus: 8,
      instanceTypes: [c6i], subnets: [subnet-1], securityGroupIds: [sg-1], instanceRole: ecsInstanceRole}
  fargate:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1, subnet-2], securityGroupIds: [sg-1]}
consumableResources:
  licences: {totalQuantity: 5}
jobQueues:
  high:
    priority: 0
    computeEnvironmentOrder: [{order: 3, computeEnvironment: ec2}, {order: 7, computeEnvironment: spot}]
    schedulingPolicyArn: fair
  serverless: {priority: 1, computeEnvironmentOrder: [fargate]}
jobDefinitions:
  machine:
    type: container
    schedulingPriority: 0
    consumableResourceProperties: {consumableResourceList: [{consumableResource: licences, quantity: 1}]}
    containerProperties:
      image: busybox
      command: [a, b]
      environment: [{name: A, value: b}, {name: C, value: d}]
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]
  task:
    type: container
    platformCapabilities: [FARGATE]
    containerProperties:
      image: busybox
      executionRoleArn: arn:aws:iam::123456789012:role/it
      resourceRequirements: [{type: VCPU, value: "0.25"}, {type: MEMORY, value: "512"}]
  pod:
    type: container
    eksProperties:
      podProperties:
        containers: [{name: main, image: busybox, resources: {limits: {cpu: "0.5", memory: 512Mi}}}]
"""


def example(name: str) -> str:
    return (EXAMPLES / name / "batchwright.yaml").read_text()


STACKS = {
    "lab": (LAB, REGION),
    "training": (TRAINING, REGION),
    "rich": (RICH, REGION),
    "genomics": (example("genomics"), "eu-west-1"),
    "fargate": (example("fargate"), "eu-central-1"),
    "training example": (example("training"), "us-east-1"),
}


def read(document: Document) -> Manifest:
    return parse([Source("batchwright.yaml", json.dumps(document).encode())], variables={}, kinds=kinds())


@cache
def made(name: str) -> tuple[Stage, Document]:
    """The account in which a stack was applied, and its manifest; nothing changes it any more."""
    text, region = STACKS[name]
    stage, document = Stage.new(region=region), yaml.safe_load(text)
    assert stage.apply(read(document)).exit_code == 0
    return stage, document


def everywhere(edit: Callable[[Field, Any, str], Any]) -> Edit:
    """An edit of every value of every block, told by its field and label, from the inside out."""

    def walk(field: Field, value: Any, label: str) -> Any:
        if field.type == "structure" and isinstance(value, dict):
            inner = {name: walk(field.members[name], it, f"{field.shape}.{name}") for name, it in value.items()}
            return edit(field, inner, label)
        if field.type == "list" and field.element is not None and isinstance(value, list):
            return edit(field, [walk(field.element, item, "") for item in value], label)
        return edit(field, value, label)

    def whole(document: Document) -> Document:
        for kind in kinds():
            for block in document.get(kind.section, {}).values():
                for name, field in kind.spec.members.items():
                    if name in block:
                        block[name] = walk(field, block[name], f"{kind.name}.{name}")
        return document

    return whole


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def order_of_sets(field: Field, value: Any, label: str) -> Any:
    """Lists of plain words are sets where a kind says so; entries that are told apart by a member have no order,
    written out with their numbers."""
    facts = [kind.facts for kind in kinds()]
    unordered = any(label in it.sets or field.shape in it.keyed for it in facts)
    shorthand = field.shorthand is not None and any(isinstance(item, str) for item in value)
    return value[::-1] if field.type == "list" and unordered and not shorthand else value


def case_of_enums(field: Field, value: Any, _label: str) -> Any:
    return str(value).swapcase() if field.enum and isinstance(value, str) and "${" not in value else value


def empty_lists_and_maps(field: Field, value: Any, _label: str) -> Any:
    """Of every structure that is there, the lists and maps that are not and may be empty."""
    if field.type != "structure" or not isinstance(value, dict):
        return value
    unsaid: dict[str, Any] = {
        name: [] if member.type == "list" else {}
        for name, member in field.members.items()
        if member.type in ("list", "map") and name not in value and not member.minimum
    }
    return {**unsaid, **value}


def numbers(_field: Field, value: Any, label: str) -> Any:
    """`0.25` as `0.250`, and `512` as `0512`: of memory AWS takes no `512.0`."""
    facts = [kind.facts for kind in kinds()]
    if any(label in it.numeric for it in facts) and isinstance(value, str) and value.replace(".", "").isdigit():
        return f"{value}0" if "." in value else f"0{value}"
    return value


def unset_as_null(field: Field, value: Any, _label: str) -> Any:
    """Nothing, spelled out; what the service fills in would be reset by it."""
    owned = {label.rpartition(".")[2] for kind in kinds() for label in kind.facts.owned}
    if field.type != "structure" or not isinstance(value, dict):
        return value
    return {**{name: None for name in field.members if name not in value and name not in owned}, **value}


GENERAL: Mapping[str, Edit] = {
    "the order of keys": lambda document: reversed_keys(document),
    "the order of sets": everywhere(order_of_sets),
    "the case of enums": everywhere(case_of_enums),
    "what is empty": everywhere(empty_lists_and_maps),
    "numbers as text": everywhere(numbers),
    "null for nothing": everywhere(unset_as_null),
}


@pytest.mark.parametrize("edit", GENERAL)
@pytest.mark.parametrize("name", STACKS)
def test_the_same_in_other_words_is_no_change(name: str, edit: str) -> None:
    """Wherever it stands in a manifest."""
    stage, document = made(name)
    planned = stage.plan(read(GENERAL[edit](copy.deepcopy(document))))
    assert planned.refusals == ()
    assert [(row.path, row.before, row.after) for change in planned.changes for row in change.differences] == []
    assert planned.empty


@pytest.mark.parametrize("name", STACKS)
def test_a_manifest_in_several_files_is_the_same(name: str) -> None:
    """One file for each section."""
    stage, document = made(name)
    files = [Source(f"{key}.yaml", json.dumps({key: value}).encode()) for key, value in document.items()]
    assert stage.plan(parse(files, variables={}, kinds=kinds())).empty


ENVIRONMENT = "computeEnvironments.ec2"
MACHINE, TASK = "jobDefinitions.machine", "jobDefinitions.task"
SPELLINGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "states": (
        "rich",
        {
            f"{ENVIRONMENT}.state": "ENABLED",
            "computeEnvironments.fargate.state": "ENABLED",
            "jobQueues.high.state": "ENABLED",
        },
    ),
    "states of training": (
        "training",
        {
            "serviceEnvironments.small.state": "ENABLED",
            "quotaShares.red.state": "ENABLED",
            "quotaShares.red.resourceSharingConfiguration.borrowLimit": -1,
        },
    ),
    "numbers of an environment": (
        "rich",
        {f"{ENVIRONMENT}.computeResources.minvCpus": 0, "computeEnvironments.spot.computeResources.bidPercentage": 100},
    ),
    "the version of a template": ("rich", {f"{ENVIRONMENT}.computeResources.launchTemplate.version": "$Default"}),
    "an empty version of a template": ("rich", {f"{ENVIRONMENT}.computeResources.launchTemplate.version": ""}),
    "an update policy": (
        "rich",
        {f"{ENVIRONMENT}.updatePolicy": {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30}},
    ),
    "the service-linked role": (
        "rich",
        {
            f"{ENVIRONMENT}.serviceRole": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/batch.amazonaws.com/"
            "AWSServiceRoleForBatch"
        },
    ),
    "the image that AWS chose": (
        "rich",
        {f"{ENVIRONMENT}.computeResources.ec2Configuration": [{"imageType": "ECS_AL2023"}]},
    ),
    "nothing started yet": ("rich", {f"{ENVIRONMENT}.computeResources.desiredvCpus": 0}),
    "the type of a queue": ("rich", {"jobQueues.serverless.jobQueueType": "ECS_FARGATE"}),
    "an ARN of a policy": ("rich", {"jobQueues.high.schedulingPolicyArn": f"{ARN}:scheduling-policy/fair"}),
    "ARNs in an order": (
        "rich",
        {
            "jobQueues.high.computeEnvironmentOrder": [
                {"order": 7, "computeEnvironment": f"{ARN}:compute-environment/spot"},
                {"order": 3, "computeEnvironment": f"{ARN}:compute-environment/ec2"},
            ]
        },
    ),
    "an order written out": (
        "lab",
        {
            "jobQueues.high.computeEnvironmentOrder": [
                {"order": 2, "computeEnvironment": "ondemand"},
                {"order": 1, "computeEnvironment": "spot"},
            ]
        },
    ),
    "an ARN of a consumable": (
        "rich",
        {
            f"{MACHINE}.consumableResourceProperties.consumableResourceList": [
                {"consumableResource": f"{ARN}:consumable-resource/licences", "quantity": 1}
            ]
        },
    ),
    "ARNs of training": (
        "training",
        {
            "quotaShares.red.jobQueue": f"{ARN}:job-queue/lab-teams",
            "jobQueues.train.serviceEnvironmentOrder": [f"{ARN}:service-environment/lab-small"],
        },
    ),
    "what is replenished": ("rich", {"consumableResources.licences.resourceType": "REPLENISHABLE"}),
    "shares": (
        "rich",
        {
            "schedulingPolicies.fair.fairsharePolicy": {
                "shareDecaySeconds": 0,
                "computeReservation": 0,
                "shareDistribution": [
                    {"shareIdentifier": "b", "weightFactor": 1},
                    {"shareIdentifier": "a", "weightFactor": 0.1000000001},
                ],
            }
        },
    ),
    "a variable without a value": (
        "rich",
        {
            f"{MACHINE}.containerProperties.environment": [
                {"name": "C", "value": "d"},
                {"name": "EMPTY", "value": ""},
                {"name": "A", "value": "b"},
            ]
        },
    ),
    "empty structures": (
        "rich",
        {
            f"{MACHINE}.retryStrategy": {},
            f"{MACHINE}.timeout": {},
            f"{MACHINE}.containerProperties.linuxParameters": {},
        },
    ),
    "what containers do unsaid": (
        "rich",
        {
            f"{MACHINE}.propagateTags": False,
            f"{MACHINE}.platformCapabilities": ["EC2"],
            f"{MACHINE}.containerProperties.privileged": False,
            f"{MACHINE}.containerProperties.readonlyRootFilesystem": False,
        },
    ),
    "the platform of a task": (
        "rich",
        {
            f"{TASK}.containerProperties.fargatePlatformConfiguration": {"platformVersion": "LATEST"},
            f"{TASK}.containerProperties.runtimePlatform": {
                "operatingSystemFamily": "LINUX",
                "cpuArchitecture": "X86_64",
            },
            f"{TASK}.containerProperties.networkConfiguration": {"assignPublicIp": "DISABLED"},
        },
    ),
    "what pods do unsaid": (
        "rich",
        {
            "jobDefinitions.pod.eksProperties.podProperties.hostNetwork": True,
            "jobDefinitions.pod.eksProperties.podProperties.dnsPolicy": "ClusterFirstWithHostNet",
        },
    ),
    "quantities of pods": (
        "rich",
        {
            "jobDefinitions.pod.eksProperties.podProperties.containers": [
                {
                    "name": "main",
                    "image": "busybox",
                    "resources": {"limits": {"cpu": "500m", "memory": "0.5Gi"}},
                    "securityContext": {"privileged": False, "readOnlyRootFilesystem": False},
                }
            ],
        },
    ),
    "a stack's tag on a block": ("lab", {"jobQueues.high.tags": {"team": "blue"}}),
}


@pytest.mark.parametrize("told", SPELLINGS)
def test_what_is_so_anyhow_may_be_said(told: str) -> None:
    """Defaults, ARNs for names, empty structures: said or not, it is the same."""
    name, edits = SPELLINGS[told]
    stage, document = made(name)
    said = copy.deepcopy(document)
    for path, value in edits.items():
        put(said, path, value)
    assert said != document
    planned = stage.plan(read(said))
    assert planned.refusals == ()
    assert [(row.path, row.before, row.after) for change in planned.changes for row in change.differences] == []
    assert planned.empty


def test_tags_of_aws_itself_are_nobodys_business() -> None:
    """As those of a CloudFormation stack that made the object once; they cannot be removed."""
    shown = environment(fields={"tags": tags("compute_environment.one", **{"aws:cloudformation:stack-name": "old"})})
    assert plan(environments(), shown).empty
