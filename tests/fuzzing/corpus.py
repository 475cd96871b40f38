"""What the targets begin with: the examples, and what the house itself writes of them."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

from plans.wish import dumps
from reconciler.journal import Journal
from tests.contract.bodies import WHOLE
from tests.fuzzing import worlds
from tests.kit import EXAMPLES, LAB, TRAINING, Stage, manifest
from tests.reconciler.adapters.cloudformation.kit import AROUND

FOUND = Path(__file__).parent / "found"
"""Inputs that were once too much for a target, by target."""

_VARIABLES = """
stack: s
variables:
  image: {description: What runs., default: busybox}
  size: {default: 4, allowed: [2, 4]}
  team: {default: {a: [b]}, sensitive: true}
target: {region: eu-west-1}
policy: {prune: false, maxImpact: scaling, ignore: [computeResources.maxvCpus], drain: {mode: cancel, timeout: 1h30m}}
tags: {who: "${var.image}-$${x}", "${var.image}": all}
moved: [{from: job_queue.old, to: job_queue.new}]
computeEnvironments:
  a: &a
    type: UNMANAGED
    serviceRole: arn:aws:iam::123456789012:role/r
    lifecycle: {protect: true, replace: createFirst, canary: {jobDefinition: d, timeout: 90s}}
  b: {<<: *a, physicalName: bee, drain: {mode: wait, timeout: 2d}}
jobQueues:
  new: {priority: "${var.size}", computeEnvironmentOrder: [a, b]}
jobDefinitions:
  d:
    type: container
    rollout: {keep: 3, keepFor: 1h, canary: {queue: new}}
    containerProperties: {image: "${var.image}", vcpus: 1, memory: 512, command: !!str [a, |
      b]}
"""
_POLICY = """
{prune: false, adopt: true, maxImpact: none, maxDeletes: 0, ignore: [tags], ignoreTags: ['x*'], drain: {mode: wait}}
"""
_TERRAFORM = {"image": {"value": ["a"], "type": ["list", "string"], "sensitive": False}}
_SCENARIO = """
jobs:
  - {image: "*/align:*", attempts: 1, exitCode: 137, reason: OutOfMemoryError, seconds: 5m}
  - {name: "stuck-*", runs: false}
faults:
  - {operation: "*JobQueue*", kind: throttle, after: 3, times: 2}
  - {operation: "Describe*", kind: server, times: null, chance: 0.05, seed: 7}
  - {operation: CreateComputeEnvironment, kind: invalid, reason: CLIENT_ERROR - No instance profile}
  - {operation: UpdateJobQueue, kind: foreign, writes: {operation: DeleteJobQueue, arguments: {jobQueue: q}}}
  - {operation: "List*", kind: stale, seconds: 9, lasts: 1h, begins: 5}
durations: {createEnvironment: 2m, jobRunning: 90}
quotas: {queues: 10}
relationLag: 1m
staleReads: 5s
rate: 50
pageSize: 10
accounts: {AKIAOTHER: "222222222222"}
"""
_REQUEST = b"""POST /v1/describejobqueues
Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/batch/aws4_request, SignedHeaders=host
Content-Type: application/json

{"jobQueues": ["lab-low"]}"""
_STS = b"""POST /
Content-Type: application/x-www-form-urlencoded
Authorization: Credential=AKIA/20260101/eu-west-1/sts/aws4_request

Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fr&RoleSessionName=me"""

_ASKED = """
        - !If [Custom, !Select [1, !Split [",", !Sub "a,${Image}-${Named.Arn}"]], !Ref AWS::NoValue]
        - !Join ["/", [!FindInMap [Sizes, !Ref AWS::Region, small], !ImportValue x, !Select [0, {Fn::GetAZs: ""}]]]
        - Fn::ToJsonString: {a: !Base64 x, b: !Cidr [10.0.0.0/16, 2, 8], c: "{{resolve:ssm:/images/latest}}"}
  Fn::ForEach::Each: [Name, [a, b], {"Line${Name}": {Type: AWS::Batch::JobQueue, Condition: Prod, DependsOn: Role}}]
Outputs: {Out: {Value: !GetAtt Queue.JobQueueArn, Export: {Name: out}}}
"""
_STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/genomics/0a1b"
_CONTEXTS = (
    {
        "Stacks": [
            {
                "StackId": _STACK_ID,
                "Parameters": [
                    {"ParameterKey": "SubnetIds", "ParameterValue": "subnet-1,subnet-2", "ResolvedValue": "subnet-1"},
                    {"ParameterKey": "DbPassword", "ParameterValue": "****"},
                ],
                "Outputs": [{"OutputKey": "Queue", "OutputValue": "arn:q", "ExportName": "queue"}],
                "NotificationARNs": [],
            }
        ]
    },
    {"StackResources": [{"LogicalResourceId": "Group", "PhysicalResourceId": "sg-1", "StackId": _STACK_ID}]},
    {"Exports": [{"Name": "net", "Value": "vpc-1"}]},
    {"AvailabilityZones": [{"RegionName": "eu-west-1", "ZoneName": "eu-west-1b", "State": "available"}]},
    {"Parameters": [{"Name": "/a", "Type": "StringList", "Value": "x,y"}]},
    {"Parameters": {"VpcId": "vpc-1", "DbPassword": "x", "Reserve": "yes"}},
    [{"ParameterKey": "VpcId", "ParameterValue": "vpc-1"}],
    {"AWS::Region": "eu-west-1", "SecurityGroup": "sg-1", "SubnetIds": ["a"], "Role.Arn": None, "exports": {"e": "f"}},
)


def seeds(target: str) -> Sequence[bytes]:
    """Inputs to begin with; each means something to its target."""
    return _SEEDS[target]()


def found(target: str) -> Mapping[str, bytes]:
    """The inputs that a target once failed under, by the names of their files."""
    folder = FOUND / target
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def _manifests() -> Sequence[bytes]:
    texts = [*(path.read_text() for path in sorted(EXAMPLES.glob("*/*.yaml"))), LAB, TRAINING, worlds.CHANGED]
    trees = [yaml.safe_load(text) for text in texts]
    return [text.encode() for text in (*texts, _VARIABLES, *map(json.dumps, trees))]


def _plan_files() -> Sequence[bytes]:
    stage = Stage.new()
    first = stage.plan(LAB)
    stage.apply(LAB)
    second = stage.plan(worlds.CHANGED)
    wishes = ((first, LAB), (second, worlds.CHANGED), (Stage.new().plan(TRAINING), TRAINING))
    return [dumps(plan, manifest(text)).encode() for plan, text in wishes]


def _journals() -> Sequence[bytes]:
    lines: list[str] = []
    journal = Journal(lines.append)
    journal.run_started("1", "lab", "9f2c41d07be3a865", "host", 7, 0.0)
    journal.begin("1", "1:job_queue.low:create", "CreateJobQueue", "digest", 1.0, "token")
    journal.end("1", "1:job_queue.low:create", "done", 2.0, arn="arn:aws:batch:q")
    journal.begin("1", "2:job_queue.high:create", "CreateJobQueue", "digest", 3.0)
    journal.end("1", "2:job_queue.high:create", "failed", 4.0, error="AWS said no")
    journal.applied("1", "rules", "salt", {"job_queue.low": {"priority": "digest"}}, whole=True, at=5.0)
    journal.run_ended("1", 0, 6.0)
    journal.run_started("2", "lab", "9f2c41d07be3a865", "host", 8, 7.0)
    journal.begin("2", "1:job_queue.low:delete", "DeleteJobQueue", "digest", 8.0, "token")
    return ["\n".join(lines).encode(), *(line.encode() for line in lines)]


def _wires() -> Sequence[bytes]:
    creates = [
        {"path": f"/v1/{path}", "body": {name: f"whole-{number}", **body}, "after": 60}
        for kind, path, name in (
            ("compute_environment", "createcomputeenvironment", "computeEnvironmentName"),
            ("job_definition", "registerjobdefinition", "jobDefinitionName"),
        )
        for number, body in enumerate(WHOLE[kind].values())
    ]
    single = [json.dumps([call]).encode() for call in (*creates, *worlds.LOOKS, *worlds.CALLS)]
    return [*single, json.dumps(worlds.CALLS).encode(), json.dumps(worlds.SOME_CALLS).encode(), _REQUEST, _STS]


def _damages() -> Sequence[bytes]:
    dice, size = random.Random(7), len(worlds.simulator_file())
    return [json.dumps([[dice.randrange(size), dice.choice(("00", "ff", "227d", None))]]).encode() for _ in range(40)]


def _templates() -> Sequence[bytes]:
    folder = worlds.DATA / "cloudformation"
    files = [
        (folder / name).read_bytes() for name in ("training.yaml", "Spot.template.json", "Definitions.template.json")
    ]
    return [worlds.template(), *files, f"{AROUND}{_ASKED}".encode()]


def _contexts() -> Sequence[bytes]:
    return [json.dumps(said).encode() for said in _CONTEXTS] + [
        (worlds.DATA / "cloudformation" / "cdk.context.json").read_bytes()
    ]


def _states() -> Sequence[bytes]:
    return [(worlds.DATA / "terraform" / f"{name}.json").read_bytes() for name in ("state", "show", "plan", "fresh")]


_SEEDS: Mapping[str, Callable[[], Sequence[bytes]]] = {
    name: cache(made)
    for name, made in {
        "manifest": _manifests,
        "planned": _manifests,
        "variables": lambda: [b"{a: b, c: [1, ~], d: {e: f}}", json.dumps(_TERRAFORM).encode()],
        "policy": lambda: [_POLICY.encode(), json.dumps(yaml.safe_load(_POLICY)).encode()],
        "plan_file": _plan_files,
        "journal": _journals,
        "lock": lambda: [b'{"host": "h", "pid": 1, "since": 1800000000.0, "doing": "apply"}', b""],
        "scenario": lambda: [_SCENARIO.encode(), json.dumps(yaml.safe_load(_SCENARIO)).encode()],
        "simulator_file": _damages,
        "simulator_rows": lambda: [json.dumps(worlds.rows()).encode()],
        "wire": _wires,
        "template": _templates,
        "template_context": _contexts,
        "terraform": _states,
    }.items()
}
