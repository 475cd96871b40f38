"""What AWS asks of compute environments, told by a plan without a world."""

import pytest

from tests.plans.demands.table import GONE, Row, check, untested
from tests.properties.bases import BASES, CLUSTER, FARGATE, ROLE

LINKED = "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
IN = "computeResources"
TEMPLATE = f"{IN}.launchTemplate"
OVERRIDE = f"{TEMPLATE}.overrides"
PROVIDER = f"{IN}.managedInstancesProvider"
SAID = next(base.block for base in BASES if base.name == "managed-instances")[IN]["managedInstancesProvider"]
START = f"{PROVIDER}.instanceLaunchTemplate"


def override(*types: str) -> dict[str, object]:
    return {"launchTemplateName": "other", "targetInstanceTypes": [*types]}


ROWS = [
    Row("unmanaged-resources", "unmanaged", IN, FARGATE),
    Row("unmanaged-role", "unmanaged", "serviceRole", "", ROLE),
    Row("empty-role", "fargate", "serviceRole", "", ROLE),
    Row("unmanaged-on-eks", "unmanaged", "eksConfiguration", CLUSTER),
    Row("managed-vcpus", "fargate", "unmanagedvCpus", 0),
    Row("unmanaged-vcpus", "unmanaged", "unmanagedvCpus", -1, 0),
    Row("linked-role-path", "fargate", "serviceRole", ROLE.replace("/it", "/AWSServiceRoleForBatch"), LINKED),
    Row("linked-role-path", "fargate", "serviceRole", "AWSServiceRoleForBatch", LINKED.partition(":role")[2]),
    Row("settings-on-eks", "eks", "ecsSettings", {"containerInsights": "ENABLED"}),
    Row(
        "update-policy", "unmanaged", "updatePolicy", {"terminateJobsOnUpdate": True}, {"terminateJobsOnUpdate": False}
    ),
    Row("update-policy", "managed-instances", "updatePolicy", {"jobExecutionTimeoutMinutes": 31}),
    Row(
        "update-policy-under-best-fit",
        "best-fit",
        "updatePolicy",
        {"jobExecutionTimeoutMinutes": 31},
        {"jobExecutionTimeoutMinutes": 30},
    ),
    Row("cluster-arn", "eks", "eksConfiguration.eksClusterArn", "it", CLUSTER["eksClusterArn"]),
    Row("namespace", "eks", "eksConfiguration.kubernetesNamespace", "default", "defaults"),
    Row("namespace", "eks", "eksConfiguration.kubernetesNamespace", "kube-x", "kube"),
    Row("namespace", "eks", "eksConfiguration.kubernetesNamespace", "a" * 64, "a" * 63),
    Row("eks-type", "fargate", "eksConfiguration", CLUSTER, at=f"{IN}.type"),
    Row("eks-strategy", "eks", f"{IN}.allocationStrategy", GONE, "BEST_FIT_PROGRESSIVE"),
    Row(
        "strategy-of-type", "ec2", f"{IN}.allocationStrategy", "SPOT_CAPACITY_OPTIMIZED", "BEST_FIT_PROGRESSIVE_ORDERED"
    ),
    Row("strategy-of-type", "spot", f"{IN}.allocationStrategy", "BEST_FIT_PROGRESSIVE_ORDERED", "BEST_FIT_PROGRESSIVE"),
    Row("spot-fleet-role", "best-fit", f"{IN}.spotIamFleetRole", GONE, ROLE),
    Row("spot-fleet-role", "best-fit", f"{IN}.spotIamFleetRole", "", ROLE),
    Row("vcpus-in-order", "spot", f"{IN}.minvCpus", 17, 16),
    Row("vcpus-in-order", "spot", f"{IN}.minvCpus", -1, 0),
    Row("maximum", "fargate", f"{IN}.maxvCpus", -1, 0),
    Row("desired-in-bounds", "spot", f"{IN}.desiredvCpus", 17, 16),
    Row("desired-in-bounds", "spot", f"{IN}.desiredvCpus", 3, 4, ((f"{IN}.minvCpus", 4),)),
    Row("desired-on-eks", "eks", f"{IN}.desiredvCpus", 0),
    Row("instance-types", "spot", f"{IN}.instanceTypes", [], ["optimal"]),
    Row("mixed-instance-types", "spot", f"{IN}.instanceTypes", ["c6i", "c6g.large"], ["g4dn", "optimal"]),
    Row(
        "mixed-instance-types",
        "spot",
        f"{IN}.instanceTypes",
        ["default_arm64", "m6i"],
        ["default_arm64", "im4gn", "a1"],
    ),
    Row("instance-role", "spot", f"{IN}.instanceRole", GONE, "role"),
    Row("subnets", "spot", f"{IN}.subnets", [], ["subnet-1"]),
    Row("subnets", "spot", f"{IN}.subnets", [], ["subnet-1"], ((TEMPLATE, {"launchTemplateId": "lt-1"}),)),
    Row("machine-tags", "spot", f"{IN}.tags", {"aws:it": "a"}, {"it": "a", "a b:c/d@e+f-g=h._i": ""}),
    Row("machine-tags", "spot", f"{IN}.tags", {"AWS:it": "a"}, {"awsome": "a"}),
    Row("machine-tags", "spot", f"{IN}.tags", {"a": "b;"}, {"ä": "ß"}),
    Row("machine-tags", "spot", f"{IN}.tags", {"a" * 129: "b"}, {"a" * 128: "b" * 256}),
    Row("machine-tags", "spot", f"{IN}.tags", {"": "b"}, {"a": ""}),
    Row("machine-tags", "spot", f"{IN}.tags", {"a": "b" * 257}),
    Row(
        "machine-tags-many",
        "spot",
        f"{IN}.tags",
        dict.fromkeys(map(str, range(51)), "a"),
        dict.fromkeys(map(str, range(50)), "a"),
    ),
    Row(
        "capacity-tags-many",
        "managed-instances",
        f"{IN}.capacityTags",
        dict.fromkeys(map(str, range(51)), "a"),
        dict.fromkeys(map(str, range(50)), "a"),
    ),
    Row("security-groups", "spot", f"{IN}.securityGroupIds", GONE, ["sg-1"]),
    Row(
        "security-groups",
        "spot",
        TEMPLATE,
        GONE,
        {"launchTemplateId": "lt-1"},
        ((f"{IN}.securityGroupIds", []),),
        at=f"{IN}.securityGroupIds",
    ),
    Row("fargate-subnets", "fargate", f"{IN}.subnets", ["a"] * 17, ["a"] * 16),
    Row("fargate-subnets", "fargate", f"{IN}.subnets", GONE, ["a"]),
    Row("fargate-security-groups", "fargate", f"{IN}.securityGroupIds", ["a"] * 6, ["a"] * 5),
    Row("machines-on-fargate", "fargate", f"{IN}.instanceTypes", []),
    Row("bid", "spot", f"{IN}.bidPercentage", 101, 100),
    Row("scale-down-delay", "spot", f"{IN}.scalingPolicy.minScaleDownDelayMinutes", 19, 0),
    Row("scale-down-delay", "spot", f"{IN}.scalingPolicy.minScaleDownDelayMinutes", 10081, 10080),
    Row("images", "spot", f"{IN}.ec2Configuration", [{"imageType": f"own-{n}"} for n in range(3)]),
    Row(
        "image-of-ecs",
        "eks",
        f"{IN}.ec2Configuration",
        [{"imageType": "ECS_AL2023"}],
        at=f"{IN}.ec2Configuration[ECS_AL2023].imageType",
    ),
    Row(
        "image-of-eks",
        "spot",
        f"{IN}.ec2Configuration",
        [{"imageType": "EKS_AL2023"}],
        at=f"{IN}.ec2Configuration[EKS_AL2023].imageType",
    ),
    Row(
        "image-of-amazon-linux-2",
        "spot",
        f"{IN}.ec2Configuration",
        [{"imageType": "ECS_AL2"}],
        [{"imageType": "ECS_AL2", "imageIdOverride": "ami-1"}],
        at=f"{IN}.ec2Configuration[ECS_AL2].imageType",
    ),
    Row(
        "kubernetes-version-on-ecs",
        "spot",
        f"{IN}.ec2Configuration",
        [{"imageType": "ECS_AL2023", "imageKubernetesVersion": "1.33"}],
        at=f"{IN}.ec2Configuration[ECS_AL2023].imageKubernetesVersion",
    ),
    Row(
        "overrides",
        "ec2",
        OVERRIDE,
        [override(f"c6i.{n}xlarge") for n in range(11)],
        [override(f"c6i.{n}xlarge") for n in range(10)],
    ),
    Row("overrides-overlap", "ec2", OVERRIDE, [override("c6i"), override("c6i.large")], [override("c6i")]),
    Row(
        "overrides-overlap", "ec2", OVERRIDE, [override("c6i"), override("c6i")], [override("c6i.large", "c6i.xlarge")]
    ),
    Row("override-targets", "ec2", OVERRIDE, [override()], [], at=f"{OVERRIDE}[0].targetInstanceTypes"),
    Row(
        "override-targets",
        "spot",
        TEMPLATE,
        {"launchTemplateName": "it", "overrides": [override("optimal")]},
        {"launchTemplateName": "it", "overrides": [override("m6i")]},
        ((f"{IN}.instanceTypes", ["optimal"]),),
        at=f"{OVERRIDE}[0].targetInstanceTypes",
    ),
    Row(
        "override-beside",
        "ec2",
        OVERRIDE,
        [override("r6i")],
        [override("c6i.large")],
        at=f"{OVERRIDE}[0].targetInstanceTypes",
    ),
    Row("launch-template-name", "ec2", f"{TEMPLATE}.launchTemplateId", "lt-1", at=f"{TEMPLATE}.launchTemplateName"),
    Row("launch-template-name", "ec2", f"{TEMPLATE}.launchTemplateName", GONE, "it"),
    Row("launch-template-version", "ec2", f"{TEMPLATE}.version", "$Newest", "$Latest"),
    Row("userdata-on-ecs", "ec2", f"{TEMPLATE}.userdataType", "EKS_NODEADM"),
    Row("userdata-of-own-image", "eks", f"{TEMPLATE}.userdataType", "EKS_BOOTSTRAP_SH", "EKS_NODEADM"),
    Row("provider-needed", "managed-instances", PROVIDER, GONE, SAID),
    Row("provider-elsewhere", "spot", PROVIDER, {"infrastructureRoleArn": ROLE}),
    Row("capacity-tags-elsewhere", "spot", f"{IN}.capacityTags", {"a": "b"}),
    Row("capacity-tags", "managed-instances", f"{IN}.capacityTags", {"aws:a": "b"}, {"a": "b"}),
    Row("capacity-tags", "managed-instances", f"{IN}.capacityTags", {"a": "!"}, {"a": ""}),
    Row("machines-of-provider", "managed-instances", f"{IN}.instanceTypes", ["c6i"]),
    Row("provider-tags", "managed-instances", f"{PROVIDER}.propagateTags", "ALL", "NONE"),
    Row("idle-time", "managed-instances", f"{PROVIDER}.infrastructureOptimization.scaleInAfter", 3601, -1),
    Row("provider-subnets", "managed-instances", f"{START}.networkConfiguration.subnets", [], ["subnet-1"]),
    Row("provider-security-groups", "managed-instances", f"{START}.networkConfiguration.securityGroups", [], ["sg-1"]),
    Row("capacity-option", "managed-instances", f"{START}.capacityOptionType", "RESERVED", "ON_DEMAND"),
    Row("monitoring", "managed-instances", f"{START}.monitoring", "NONE", "DETAILED"),
    Row(
        "reservation",
        "managed-instances",
        f"{START}.capacityReservations.reservationPreference",
        "NONE",
        "RESERVATIONS_ONLY",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_demand(row: Row) -> None:
    """The bad document is told at its place, and the good one is not."""
    check(row)


def test_every_demand_has_a_row() -> None:
    """None is left untried."""
    assert untested("compute_environment", ROWS) == set()
