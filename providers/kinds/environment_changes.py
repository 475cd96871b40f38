"""How a compute environment may change: the rows of verdicts, and the members that they have in mind.

The three regimes are those of "Updating compute environments" in the AWS Batch user guide; their conditions are in
`regimes`.
"""

from providers.kinds.facts import GUIDE, Rule, accepted, cited, page
from providers.kinds.regimes import (
    bears_or_sheds_resources,
    class_of_roles,
    ec2,
    fargate,
    fixed_strategy,
    managed_instances,
    ordinary_role,
    other_sort_of_type,
    recycling,
    role_class_changes,
    which_role,
    which_strategy,
    which_types,
)

PROVIDER = "computeResources.managedInstancesProvider"

_UPDATE = page("UpdateComputeEnvironment")
_CHANGES = page("ComputeResourceUpdate")
_MANAGED = page("UpdateManagedInstancesProviderConfiguration")
_TESTS = accepted("compute_environment")
_RECYCLING = f"{GUIDE}infrastructure-updates.html"
_SCALING = f"{GUIDE}scaling-updates.html"
_REFUSED_FARGATE = "aws/aws-cdk#27054"
_REFUSED_STRATEGY = "https://repost.aws/knowledge-center/batch-update-ec2-environment"

OF_MACHINES = (
    "allocationStrategy",
    "bidPercentage",
    "desiredvCpus",
    "ec2Configuration",
    "ec2KeyPair",
    "imageId",
    "instanceRole",
    "instanceTypes",
    "launchTemplate",
    "minvCpus",
    "placementGroup",
    "scalingPolicy",
    "spotIamFleetRole",
    "tags",
)
"""Members of ComputeResource that describe machines, which Fargate has none of."""

SCALE = tuple(f"computeResources.{member}" for member in ("minvCpus", "maxvCpus", "desiredvCpus", "scalingPolicy"))
"""What only scales, whatever the role and the allocation strategy are."""

_OF_PROVIDER = (
    "propagateTags",
    "infrastructureRoleArn",
    "infrastructureOptimization.scaleInAfter",
    *(
        f"instanceLaunchTemplate.{member}"
        for member in (
            "ec2InstanceProfileArn",
            "networkConfiguration.subnets",
            "networkConfiguration.securityGroups",
            "instanceRequirements.allowedInstanceTypes",
            "storageConfiguration.storageSizeGiB",
            "monitoring",
            "capacityReservations.reservationGroupArn",
            "capacityReservations.reservationPreference",
            "instanceMetadataTagsPropagation",
            "localStorageConfiguration.useLocalStorage",
        )
    ),
)
_OF_TEMPLATE = ("launchTemplateId", "launchTemplateName", "version", "overrides", "userdataType")

RULES = (
    Rule(
        "role-class",
        ("serviceRole",),
        "replace",
        "the service role cannot change between the service-linked role and an ordinary one",
        role_class_changes,
        "between the service-linked role and an ordinary one",
        source=_UPDATE,
        detail=class_of_roles,
    ),
    Rule(
        "role",
        ("serviceRole",),
        "update",
        "another role of the same class is taken in place",
        source=cited(_UPDATE, _TESTS),
    ),
    Rule(
        "switch",
        ("state", "unmanagedvCpus", "updatePolicy", "ecsSettings"),
        "update",
        "changed in place, nothing recycles",
        source=_UPDATE,
    ),
    Rule(
        "access-entry",
        ("eksConfiguration.accessEntry",),
        "update",
        "the access entry is the only part of the EKS configuration that changes in place",
        source=page("EksConfigurationUpdate"),
    ),
    Rule(
        "for-life",
        ("type", "eksConfiguration"),
        "replace",
        "the API has no update for this field",
        source=cited(_UPDATE, page("EksConfigurationUpdate")),
    ),
    Rule(
        "unmanaged-for-life",
        ("computeResources",),
        "replace",
        "an environment is MANAGED with compute resources or UNMANAGED without, for life",
        bears_or_sheds_resources,
        "where one side has no compute resources",
        source=_UPDATE,
        whole=True,
    ),
    Rule(
        "type-boundary",
        ("computeResources",),
        "replace",
        "the type changes in place between EC2 and SPOT only",
        other_sort_of_type,
        "where the type changes other than between EC2 and SPOT",
        source=cited(_CHANGES, _REFUSED_FARGATE),
        detail=which_types,
    ),
    Rule(
        "scaling",
        SCALE,
        "scaling",
        "a scaling update: running jobs are not touched",
        source=cited(_SCALING, _TESTS),
    ),
    Rule(
        "fargate-network",
        ("computeResources.subnets", "computeResources.securityGroupIds"),
        "scaling",
        "Fargate takes other subnets and security groups in place",
        lambda _desired, live: fargate(live),
        "on Fargate",
        source=cited(_SCALING, _TESTS),
    ),
    Rule(
        "fargate-fixed",
        ("computeResources",),
        "replace",
        "Fargate takes no update of this field",
        lambda _desired, live: fargate(live),
        "on Fargate",
        source=_REFUSED_FARGATE,
    ),
    Rule(
        "spot-fleet-role",
        ("computeResources.spotIamFleetRole",),
        "replace",
        "the API has no update for the Spot fleet role",
        source=_CHANGES,
    ),
    Rule(
        "capacity-for-life",
        (
            f"{PROVIDER}.instanceLaunchTemplate.capacityOptionType",
            f"{PROVIDER}.instanceLaunchTemplate.fipsEnabled",
        ),
        "replace",
        "managed instances keep their capacity option and FIPS setting for life",
        source=_MANAGED,
    ),
    Rule(
        "needs-service-linked-role",
        ("computeResources",),
        "replace",
        "in place only under the service-linked role, and the service role is an ordinary one",
        lambda _desired, live: ec2(live) and ordinary_role(live),
        "on EC2 and SPOT, under an ordinary service role",
        source=cited(_RECYCLING, "ASFHyP3/hyp3#1051"),
        detail=which_role,
    ),
    Rule(
        "needs-allocation-strategy",
        ("computeResources",),
        "replace",
        "in place only from and to an allocation strategy other than BEST_FIT",
        lambda desired, live: ec2(live) and (fixed_strategy(live) or fixed_strategy(desired)),
        "on EC2 and SPOT, from or to BEST_FIT, which an unset strategy is",
        source=cited(_RECYCLING, _REFUSED_STRATEGY),
        detail=which_strategy,
    ),
    Rule(
        "infrastructure",
        ("computeResources",),
        "infrastructure",
        "an infrastructure update: instances recycle, running jobs are handled as updatePolicy says",
        lambda _desired, live: ec2(live) or managed_instances(live),
        "on EC2, SPOT and ECS_MANAGED_INSTANCES",
        source=cited(_RECYCLING, _MANAGED),
        detail=recycling,
    ),
)

FORESEEN = frozenset(
    {
        "updatePolicy.terminateJobsOnUpdate",
        "updatePolicy.jobExecutionTimeoutMinutes",
        "ecsSettings.containerInsights",
        "eksConfiguration.eksClusterArn",
        "eksConfiguration.kubernetesNamespace",
        "eksConfiguration.accessEntry.desiredState",
        "computeResources.type",
        "computeResources.capacityTags",
        "computeResources.scalingPolicy.minScaleDownDelayMinutes",
        *(f"computeResources.{member}" for member in OF_MACHINES if member not in ("launchTemplate", "scalingPolicy")),
        *(f"computeResources.launchTemplate.{member}" for member in _OF_TEMPLATE),
        *(f"{PROVIDER}.{member}" for member in _OF_PROVIDER),
    }
)
