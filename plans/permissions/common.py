"""What plans and stacks take alike: reads, roles, a lock; and the words that both use."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from plans.launching import named
from plans.manifest import Manifest
from plans.permissions.grants import Conditions, Grant, literal
from plans.reach import partition
from providers.kinds import Kind, Kinds
from providers.kinds.regimes import SERVICE_LINKED_ROLE, ordinary_role
from providers.lives import values
from providers.resources import STACK_TAG, Document

READING, MAKING, CHANGING, USING = "Read", "MakeAndTakeOver", "Change", "Name"
JOBS, PASSING, CONTINGENT, LOCKING = "Jobs", "PassRoles", "OnlyIfItGoesWrong", "Lock"
LINKED, ROLES, TEMPLATES, FINDING = (
    "OptionalFirstUseOfBatch",
    "OptionalAreRolesThere",
    "OptionalWhatTemplatesAre",
    "OptionalFindInLargeAccounts",
)
"""The ids of statements; what is optional is asked, and a plan does without where it is denied."""

ENVIRONMENT, QUEUE, DEFINITION = "compute_environment", "job_queue", "job_definition"
_MACHINES = ("ec2.amazonaws.com",)
_ENVIRONMENT_ROLES: Mapping[str, tuple[str, ...]] = {
    "serviceRole": ("batch.amazonaws.com",),
    "computeResources.instanceRole": _MACHINES,
    "computeResources.spotIamFleetRole": ("spotfleet.amazonaws.com",),
    "computeResources.managedInstancesProvider.infrastructureRoleArn": ("ecs.amazonaws.com",),
    "computeResources.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn": _MACHINES,
}
_TASK_ROLES = ("executionRoleArn", "jobRoleArn", "taskRoleArn")
_TASKS = ("ecs-tasks.amazonaws.com",)
LISTED = ("batch:DescribeJobs", "batch:ListJobs", "batch:ListServiceJobs")


@attrs.frozen
class Where:
    """A region and an account, `*` where they are not known."""

    region: str = "*"
    account: str = "*"

    @property
    def partition(self) -> str:
        return partition(self.region)

    def arn(self, resource: str) -> str:
        """The ARN of something of AWS Batch."""
        return f"arn:{self.partition}:batch:{self.region}:{self.account}:{resource}"

    def of(self, kind: Kind, name: str, queue: str = "*") -> str:
        """The ARN of an object; of a quota share, in any queue if none is told."""
        return kind.arn(name, self.partition, self.region, self.account, queue)

    def role(self, said: str) -> str:
        """The ARN of a role that is said by name, with or without its path, or by ARN; or that of an instance profile,
        whose role is taken to be called as it is."""
        if said.startswith("arn:"):
            return said.replace(":instance-profile/", ":role/")
        return f"arn:{self.partition}:iam::{self.account}:role/{said.lstrip('/')}"


def of_lock(service: str, container: str, key: str, stack: str, where: Where) -> Iterator[Grant]:
    """What a lock in a bucket or a table takes, with the key of this stack; it is freed by a write, and not deleted.

    `s3:ListBucket`, since S3 tells nobody else that there is no such object (GetObject, Amazon S3 API reference);
    `dynamodb:LeadingKeys` is the partition key ("Using IAM policy conditions", Amazon DynamoDB developer guide).
    """
    own = f"{literal(key)}/{where.account}/{where.region}/{stack}"
    if service == "s3":
        bucket = f"arn:{where.partition}:s3:::{container}"
        yield from each(LOCKING, ("s3:GetObject", "s3:PutObject"), f"{bucket}/{own}")
        yield Grant(LOCKING, "s3:ListBucket", bucket)
    elif service == "dynamodb":
        table = f"arn:{where.partition}:dynamodb:{where.region}:{where.account}:table/{container}"
        conditions = (("ForAllValues:StringLike", "dynamodb:LeadingKeys", (own,)),)
        yield from each(LOCKING, ("dynamodb:GetItem", "dynamodb:PutItem"), table, conditions=conditions)


def assumed(made: Mapping[str, Any], manifest: Manifest) -> Iterator[str]:
    """What a policy takes to be so, in sentences: that the role in an instance profile is called as that is."""
    told = json.dumps(made)
    profiles = {
        str(value)
        for _, spec in environments(manifest)
        for path, services in _ENVIRONMENT_ROLES.items()
        for value in values(spec, path)
        if services == _MACHINES
    }
    for profile in sorted(profiles):
        name = profile.partition(":instance-profile/")[2] or profile.lstrip("/")
        if f':role/{name}"' in told:
            yield f"the role in the instance profile {name} is taken to be called so too; if not, put its ARN there"


def reading(kinds: Kinds) -> Iterator[Grant]:
    """All kinds are read, since what is left over of a stack may be of any."""
    for kind in kinds:
        yield from each(READING, (f"batch:{kind.facts.lookup.describe}", f"batch:{kind.facts.lookup.listing}"), "*")


def environments(manifest: Manifest) -> list[tuple[Any, Document]]:
    return [(address, each.spec) for address, each in manifest.resources.items() if address.kind == ENVIRONMENT]


def templates(specs: Iterable[Document], *, images: bool) -> Iterator[Grant]:
    """DescribeLaunchTemplates and DescribeLaunchTemplateVersions take no resource (Service Authorization Reference of
    Amazon EC2)."""
    found = [template for spec in specs for template in named(spec)]
    if any(template.moving for template in found):
        yield Grant(TEMPLATES, "ec2:DescribeLaunchTemplates", "*")
    if found and images:
        yield Grant(TEMPLATES, "ec2:DescribeLaunchTemplateVersions", "*")


def each(sid: str, actions: Iterable[str], *resources: str, conditions: Conditions = ()) -> Iterator[Grant]:
    for action in actions:
        for resource in resources:
            yield Grant(sid, action, resource, conditions)


def passing(kind: Kind, said: Document, where: Where, sid: str = PASSING) -> Iterator[Grant]:
    """The roles that a document of a kind names, each for its service."""
    for path, services in _roles(kind).items():
        if where.partition == "aws-cn":
            services = tuple(name for each in services for name in _in_china(each))
        for value in values(said, path):
            # Nothing is passed where the service-linked role is named.
            if value and SERVICE_LINKED_ROLE not in str(value):
                conditions = (("StringEquals", "iam:PassedToService", services),)
                yield Grant(sid, "iam:PassRole", where.role(literal(str(value))), conditions)


def _roles(kind: Kind) -> Mapping[str, tuple[str, ...]]:
    if kind.name == ENVIRONMENT:
        return _ENVIRONMENT_ROLES
    if not kind.facts.revisions:
        return {}
    return {path: _TASKS for path, _ in kind.spec.paths() if path.rpartition(".")[2] in _TASK_ROLES}


def _in_china(service: str) -> tuple[str, ...]:
    """EC2 has another name there beside the usual one."""
    return (service, f"{service}.cn") if service == "ec2.amazonaws.com" else (service,)


def linked(kind: Kind, said: Document, where: Where) -> Iterator[Grant]:
    """AWS Batch makes its service-linked role with the first environment ("Using service-linked roles for AWS Batch",
    AWS Batch user guide; CreateServiceEnvironment, Service Authorization Reference)."""
    names = {ENVIRONMENT: "batch.amazonaws.com", "service_environment": "*.batch.amazonaws.com"}
    if kind.name in names and not (kind.name == ENVIRONMENT and ordinary_role(said)):
        name = names[kind.name]
        role = where.role(f"aws-service-role/{name}/*")
        conditions = (("StringLike", "iam:AWSServiceName", (name,)),)
        yield Grant(LINKED, "iam:CreateServiceLinkedRole", role, conditions)


def owned(stacks: Iterable[str]) -> Conditions:
    return (("StringEquals", f"aws:ResourceTag/{STACK_TAG}", tuple(stacks)),)


def making(stack: str) -> Conditions:
    return (("StringEquals", f"aws:RequestTag/{STACK_TAG}", (stack,)),)


def revisions(kind: Kind, arn: str) -> str:
    """The ARN of revisions of a family, where it is that of a family."""
    family = kind.facts.revisions and ":" not in arn.rpartition("/")[2] and not arn.endswith("*")
    return f"{arn}:*" if family else arn


def families(kind: Kind, arn: str) -> tuple[str, ...]:
    """The ARN of revisions, and that of their family where it is all that is named: SubmitJob takes either."""
    return tuple(dict.fromkeys((arn, revisions(kind, arn))))
