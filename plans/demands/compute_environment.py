"""Compute environments: the environment itself, its resources, its EKS cluster.

Launch templates and images are in `launch`, managed instances in `managed_instances`.
"""

import re
from collections.abc import Mapping

from plans.demands.demand import Demand, of, outside
from plans.demands.tags import tags_of
from providers.kinds.environment_changes import OF_MACHINES
from providers.kinds.facts import GUIDE, page
from providers.kinds.regimes import SERVICE_LINKED_ROLE, SERVICE_LINKED_ROLE_PATH, ec2, fargate, on_eks
from providers.resources import Document

_CREATE = page("CreateComputeEnvironment")
_RESOURCE = page("ComputeResource")
_EKS = page("EksConfiguration")
_ARM = re.compile(r"(a1|[a-z]+[0-9]+g[a-z]*)(\..*)?|default_arm64")
_CLUSTER = re.compile(r"arn:[\w-]+:eks:[^:]+:[^:]+:cluster/.+")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_STRATEGY_OF: Mapping[str, str] = {
    "BEST_FIT_PROGRESSIVE_ORDERED": "EC2",
    "SPOT_CAPACITY_OPTIMIZED": "SPOT",
    "SPOT_PRICE_CAPACITY_OPTIMIZED": "SPOT",
    "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED": "SPOT",
}


def architectures(resources: Document) -> frozenset[str]:
    """The CPU architectures of the instance types, as far as their names tell."""
    names = resources.get("instanceTypes") or ()
    return frozenset("ARM64" if _ARM.fullmatch(name) else "X86_64" for name in names)


def _best_fit(resources: Document) -> bool:
    return resources.get("allocationStrategy") in (None, "BEST_FIT")


def _says_policy(whole: Document) -> bool:
    """Whether an update policy is one that has to be sent: nothing is sent where it is the default."""
    policy = whole.get("updatePolicy") or {}
    return bool(policy.get("terminateJobsOnUpdate")) or policy.get("jobExecutionTimeoutMinutes", 30) != 30


def _astray(role: object) -> bool:
    """A name without a path is that of a role at `/`, as CreateComputeEnvironment says."""
    return str(role).rpartition("/")[2] == SERVICE_LINKED_ROLE and SERVICE_LINKED_ROLE_PATH not in str(role)


def _namespace_fits(name: str) -> bool:
    return name != "default" and not name.startswith("kube-") and bool(_NAMESPACE.fullmatch(name))


def _minimum(resources: Document) -> int:
    return int(resources.get("minvCpus") or 0)


DEMANDS = (
    Demand(
        "unmanaged-resources",
        "compute_environment.computeResources",
        lambda part, _: part.get("type") == "UNMANAGED" and "computeResources" in part,
        "an UNMANAGED environment has no compute resources of Batch's",
        "leave it out, or say type: MANAGED",
        _CREATE,
    ),
    Demand(
        "unmanaged-role",
        "compute_environment.serviceRole",
        lambda part, _: part.get("type") == "UNMANAGED" and not part.get("serviceRole"),
        "an UNMANAGED environment names its service role",
        "name a role that Batch may assume",
        _CREATE,
    ),
    Demand(
        "empty-role",
        "compute_environment.serviceRole",
        lambda part, _: part.get("type") != "UNMANAGED" and part.get("serviceRole") == "",
        "an empty text is no role",
        "leave it out for the service-linked role",
        _CREATE,
    ),
    Demand(
        "unmanaged-on-eks",
        "compute_environment.eksConfiguration",
        lambda part, _: part.get("type") == "UNMANAGED" and on_eks(part),
        "an environment on EKS is MANAGED",
        "leave it out, or say type: MANAGED",
        _CREATE,
    ),
    Demand(
        "managed-vcpus",
        "compute_environment.unmanagedvCpus",
        lambda part, _: part.get("type") != "UNMANAGED" and "unmanagedvCpus" in part,
        "only an UNMANAGED environment takes it",
        "leave it out; computeResources.maxvCpus bounds a MANAGED environment",
        _CREATE,
    ),
    Demand(
        "unmanaged-vcpus",
        "compute_environment.unmanagedvCpus",
        lambda part, _: outside(part, "unmanagedvCpus", 0),
        "it is 0 or more",
        "leave it out where no vCPUs are reserved",
        _CREATE,
    ),
    Demand(
        "linked-role-path",
        "compute_environment.serviceRole",
        lambda part, _: _astray(part.get("serviceRole")),
        "the service-linked role stands under another path, and AWS would make an environment that cannot be deleted",
        f"write role/{SERVICE_LINKED_ROLE_PATH}{SERVICE_LINKED_ROLE}, or leave the role out",
        "https://github.com/aws/aws-cdk/issues/20727",
    ),
    Demand(
        "settings-on-eks",
        "compute_environment.ecsSettings",
        lambda part, _: "ecsSettings" in part and on_eks(part),
        "only environments on ECS take it",
        "leave it out",
        page("EcsSettings"),
    ),
    Demand(
        "update-policy",
        "compute_environment.updatePolicy",
        lambda part, _: _says_policy(part) and not ec2(part) and not fargate(part),
        "only environments of EC2 and SPOT take it",
        "leave it out",
        page("UpdatePolicy"),
    ),
    Demand(
        "update-policy-under-best-fit",
        "compute_environment.updatePolicy",
        lambda part, _: _says_policy(part) and ec2(part) and _best_fit(part["computeResources"]),
        "environments with the allocation strategy BEST_FIT, which is the default, do not take it",
        "name another allocation strategy, or leave the policy out",
        "https://repost.aws/knowledge-center/batch-update-ec2-environment",
    ),
    Demand(
        "cluster-arn",
        "EksConfiguration.eksClusterArn",
        lambda part, _: not _CLUSTER.fullmatch(part.get("eksClusterArn", "")),
        "is not the ARN of an EKS cluster",
        "such as arn:aws:eks:REGION:ACCOUNT:cluster/NAME",
        _EKS,
    ),
    Demand(
        "namespace",
        "EksConfiguration.kubernetesNamespace",
        lambda part, _: not _namespace_fits(part.get("kubernetesNamespace", "")),
        "Batch takes no such namespace",
        "up to 63 lower case letters, digits and hyphens; neither default nor one that begins with kube-",
        _EKS,
    ),
    Demand(
        "eks-type",
        "ComputeResource.type",
        lambda _, whole: on_eks(whole) and not ec2(whole),
        "an environment on EKS is of EC2 or SPOT",
        "say EC2 or SPOT, or leave eksConfiguration out",
        GUIDE + "eks.html",
    ),
    Demand(
        "eks-strategy",
        "ComputeResource.allocationStrategy",
        lambda part, whole: on_eks(whole) and ec2(whole) and "allocationStrategy" not in part,
        "an environment on EKS names its allocation strategy",
        "such as BEST_FIT_PROGRESSIVE, or SPOT_PRICE_CAPACITY_OPTIMIZED for SPOT",
        _RESOURCE,
        creation=True,
    ),
    Demand(
        "strategy-of-type",
        "ComputeResource.allocationStrategy",
        lambda part, whole: (
            ec2(whole) and _STRATEGY_OF.get(part.get("allocationStrategy", ""), part["type"]) != part["type"]
        ),
        "it is not a strategy for this type of resources",
        "SPOT_ strategies are for SPOT, BEST_FIT_PROGRESSIVE_ORDERED is for EC2",
        _RESOURCE,
    ),
    Demand(
        "spot-fleet-role",
        "ComputeResource.spotIamFleetRole",
        lambda part, whole: (
            part.get("type") == "SPOT" and _best_fit(part) and not on_eks(whole) and not part.get("spotIamFleetRole")
        ),
        "SPOT with the allocation strategy BEST_FIT, which is the default, needs a Spot fleet role",
        "name an allocation strategy such as SPOT_PRICE_CAPACITY_OPTIMIZED, or a Spot fleet role",
        _RESOURCE,
        creation=True,
    ),
    Demand(
        "vcpus-in-order",
        "ComputeResource.minvCpus",
        lambda part, whole: not fargate(whole) and not 0 <= _minimum(part) <= part.get("maxvCpus", 0),
        "it is from 0 to maxvCpus",
        "lower it, or raise maxvCpus",
        _RESOURCE,
    ),
    Demand(
        "maximum",
        "ComputeResource.maxvCpus",
        lambda part, whole: fargate(whole) and outside(part, "maxvCpus", 0),
        "it is 0 or more",
        "raise it",
        _RESOURCE,
    ),
    Demand(
        "desired-in-bounds",
        "ComputeResource.desiredvCpus",
        lambda part, _: outside(part, "desiredvCpus", _minimum(part), part.get("maxvCpus", 0)),
        "it is from minvCpus to maxvCpus",
        "leave it out: Batch moves it with the load",
        _RESOURCE,
    ),
    Demand(
        "desired-on-eks",
        "ComputeResource.desiredvCpus",
        lambda part, whole: on_eks(whole) and "desiredvCpus" in part,
        "environments on EKS do not take it",
        "leave it out",
        page("ComputeResourceUpdate"),
    ),
    Demand(
        "instance-types",
        "ComputeResource.instanceTypes",
        lambda part, whole: ec2(whole) and not part.get("instanceTypes"),
        "EC2 and SPOT name their instance types",
        "such as [optimal], or families and types",
        _RESOURCE,
    ),
    Demand(
        "mixed-instance-types",
        "ComputeResource.instanceTypes",
        lambda part, whole: ec2(whole) and len(architectures(part)) > 1,
        "instance types of ARM64 and of X86_64 do not mix",
        "make an environment for each",
        _RESOURCE,
    ),
    Demand(
        "instance-role",
        "ComputeResource.instanceRole",
        lambda part, whole: ec2(whole) and not part.get("instanceRole"),
        "EC2 and SPOT name the instance profile of their machines",
        "such as ecsInstanceRole",
        _RESOURCE,
    ),
    Demand(
        "subnets",
        "ComputeResource.subnets",
        lambda part, whole: ec2(whole) and not part.get("subnets") and not part.get("launchTemplate"),
        "EC2 and SPOT name their subnets",
        "name one or more",
        _RESOURCE,
    ),
    Demand(
        "subnets",
        "ComputeResource.subnets",
        lambda part, whole: ec2(whole) and not part.get("subnets") and bool(part.get("launchTemplate")),
        "EC2 and SPOT name their subnets when they are created, whatever a launch template says",
        "name one or more",
        _RESOURCE,
        creation=True,
    ),
    Demand(
        "security-groups",
        "ComputeResource.securityGroupIds",
        lambda part, whole: ec2(whole) and not part.get("securityGroupIds") and not part.get("launchTemplate"),
        "there are security groups here, or in a launch template",
        "name one or more",
        _RESOURCE,
    ),
    Demand(
        "fargate-subnets",
        "ComputeResource.subnets",
        lambda part, whole: fargate(whole) and not 1 <= len(part.get("subnets") or ()) <= 16,
        "Fargate takes 1 to 16 subnets",
        "name 1 to 16",
        _RESOURCE,
    ),
    Demand(
        "fargate-security-groups",
        "ComputeResource.securityGroupIds",
        lambda part, whole: fargate(whole) and not 1 <= len(part.get("securityGroupIds") or ()) <= 5,
        "Fargate takes 1 to 5 security groups",
        "name 1 to 5",
        _RESOURCE,
    ),
    *(
        Demand(
            "machines-on-fargate",
            f"ComputeResource.{member}",
            of(member, lambda part, whole, member: fargate(whole) and member in part),
            "Fargate has no such field, not even an empty one",
            "leave it out",
            _RESOURCE,
            creation=True,
        )
        for member in OF_MACHINES
    ),
    *tags_of("machine-tags", "tags", ec2),
    Demand(
        "bid",
        "ComputeResource.bidPercentage",
        lambda part, whole: ec2(whole) and outside(part, "bidPercentage", 0, 100),
        "it is a percentage of the price on demand",
        "0 to 100",
        _RESOURCE,
    ),
    Demand(
        "scale-down-delay",
        "ComputeScalingPolicy.minScaleDownDelayMinutes",
        lambda part, whole: (
            ec2(whole)
            and part.get("minScaleDownDelayMinutes") != 0
            and outside(part, "minScaleDownDelayMinutes", 20, 10080)
        ),
        "it is 20 to 10080 minutes, or 0 for none",
        "name a delay within a week",
        page("ComputeScalingPolicy"),
    ),
)
