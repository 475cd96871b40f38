"""Compute environments.

Sources: the CreateComputeEnvironment, UpdateComputeEnvironment and ComputeResourceUpdate pages of the AWS Batch API
reference; "Updating compute environments" in the AWS Batch user guide, for the three regimes of an update; issues
hashicorp/terraform-provider-aws#4788 (desiredvCpus moves with the load), aws/aws-cdk#27054 (what Fargate refuses),
aws/aws-cdk#20727 (the path of the service-linked role). Each row names its own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from providers.kinds.environment_changes import FORESEEN, OF_MACHINES, PROVIDER, RULES, SCALE
from providers.kinds.facts import (
    GUIDE,
    Complaint,
    Default,
    Facts,
    Lookup,
    Named,
    Reset,
    Rule,
    accepted,
    cited,
    inferred,
    page,
)
from providers.kinds.regimes import (
    MINUTES,
    ec2,
    fargate,
    not_fargate,
    not_on_eks,
    on_eks,
    same_profile,
    same_role,
)

_DEFAULT_UPDATE_POLICY: Mapping[str, Any] = MappingProxyType(
    {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": MINUTES}
)

_CREATE = page("CreateComputeEnvironment")
_UPDATE = page("UpdateComputeEnvironment")
_RESOURCES = page("ComputeResource")
_CHANGES = page("ComputeResourceUpdate")
_TESTS = accepted("compute_environment")
_SCALING = f"{GUIDE}scaling-updates.html"
_INVALID = f"{GUIDE}invalid_compute_environment.html"
_REFUSED_FARGATE = "aws/aws-cdk#27054"
_SEEN = "go-to-k/cdk-real-drift#1501"
_ERRORS = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
_TEMPLATE = "https://docs.aws.amazon.com/cdk/api/v1/docs/@aws-cdk_aws-batch.LaunchTemplateSpecification.html"

FACTS = Facts(
    name="compute_environment",
    entity="computeEnvironment",
    plural="computeEnvironments",
    title="compute environment",
    rank=1,
    arn="compute-environment/{name}",
    create="CreateComputeEnvironment",
    update="UpdateComputeEnvironment",
    delete="DeleteComputeEnvironment",
    lookup=Lookup(
        describe="DescribeComputeEnvironments",
        keys="computeEnvironments",
        result="computeEnvironments",
        batch=100,
        listing="DescribeComputeEnvironments",
        items="computeEnvironments",
    ),
    keyed=MappingProxyType({"Ec2ConfigurationList": "imageType"}),
    orderless=MappingProxyType({"Ec2ConfigurationList": cited(page("Ec2Configuration"), _SEEN)}),
    sets=MappingProxyType(
        {
            "ComputeResource.instanceTypes": _TESTS,
            "ComputeResource.subnets": _TESTS,
            "ComputeResource.securityGroupIds": _TESTS,
            "LaunchTemplateSpecificationOverride.targetInstanceTypes": page("LaunchTemplateSpecificationOverride"),
            "LaunchTemplateSpecification.overrides": page("LaunchTemplateSpecification"),
            "ManagedInstancesNetworkConfiguration.subnets": page("ManagedInstancesNetworkConfiguration"),
            "ManagedInstancesNetworkConfiguration.securityGroups": page("ManagedInstancesNetworkConfiguration"),
            "InstanceRequirementsRequest.allowedInstanceTypes": page("InstanceRequirementsRequest"),
        }
    ),
    defaults=(
        Default("compute_environment.state", "ENABLED", source=cited(_CREATE, _SEEN)),
        Default("compute_environment.unmanagedvCpus", 0, source=inferred(_CREATE)),
        Default("ComputeResource.minvCpus", 0, source=cited(_RESOURCES, _TESTS)),
        Default("ComputeResource.allocationStrategy", "BEST_FIT", ec2, "on EC2 and SPOT", source=_RESOURCES),
        Default("ComputeResource.bidPercentage", 100, source=_RESOURCES),
        Default("ComputeResource.bidPercentage", 0, source=_TESTS),
        Default("ComputeResource.imageId", "", source=_CHANGES),
        Default("ComputeResource.ec2KeyPair", "", source=_CHANGES),
        Default("ComputeResource.placementGroup", "", source=inferred(_CHANGES)),
        Default("LaunchTemplateSpecification.launchTemplateId", "", source=_CHANGES),
        *(
            row
            for shape, version in (
                ("LaunchTemplateSpecification", _TEMPLATE),
                ("LaunchTemplateSpecificationOverride", inferred(_TEMPLATE)),
            )
            for row in (
                Default(f"{shape}.version", "$Default", source=version),
                Default(f"{shape}.version", "", source=_TESTS),
                Default(f"{shape}.userdataType", "EKS_BOOTSTRAP_SH", on_eks, "on Amazon EKS", source=page(shape)),
            )
        ),
        Default("ManagedInstancesProvider.propagateTags", "NONE", source=page("ManagedInstancesProvider")),
        Default("InstanceLaunchTemplate.capacityOptionType", "ON_DEMAND", source=page("InstanceLaunchTemplate")),
        Default("EcsSettings.containerInsights", "DISABLED", source=page("EcsSettings")),
        Default("ComputeScalingPolicy.minScaleDownDelayMinutes", 0, source=page("ComputeScalingPolicy")),
        Default("UpdatePolicy.terminateJobsOnUpdate", False, source=page("UpdatePolicy")),
        Default("UpdatePolicy.jobExecutionTimeoutMinutes", MINUTES, source=page("UpdatePolicy")),
    ),
    always_sent=(
        Default("compute_environment.state", "ENABLED", source=_CREATE),
        Default("ComputeResource.minvCpus", 0, ec2, "on EC2 and SPOT", source=_RESOURCES),
    ),
    later=MappingProxyType({"state": _CREATE}),
    owned=MappingProxyType(
        {
            "compute_environment.serviceRole": cited(_CREATE, "aws/aws-cdk#20727"),
            "compute_environment.ecsSettings": page("EcsSettings"),
            "ComputeResource.desiredvCpus": "hashicorp/terraform-provider-aws#4788",
            "ComputeResource.ec2Configuration": cited(page("Ec2Configuration"), _SEEN),
            "EksConfiguration.accessEntry": page("EksAccessEntry"),
        }
    ),
    read_only=MappingProxyType(
        {
            "Ec2Configuration.batchImageStatus": page("Ec2Configuration"),
            "EksAccessEntry.status": page("EksAccessEntry"),
        }
    ),
    refined=frozenset({"computeResources", PROVIDER, f"{PROVIDER}.instanceLaunchTemplate"}),
    rules=RULES,
    foreseen=FORESEEN,
    barred=(
        Rule(
            "not-on-fargate",
            (
                "updatePolicy",
                *(f"computeResources.{member}" for member in OF_MACHINES),
            ),
            "refuse",
            "Fargate has no such field",
            lambda desired, _live: fargate(desired),
            "on Fargate",
            source=cited(_RESOURCES, _REFUSED_FARGATE),
        ),
    ),
    resets=(
        Reset("unmanagedvCpus", 0, source=inferred(_UPDATE)),
        Reset(
            "ecsSettings",
            MappingProxyType({"containerInsights": "DISABLED"}),
            not_on_eks,
            "unless on Amazon EKS",
            source=page("EcsSettings"),
        ),
        Reset("computeResources.imageId", "", source=_CHANGES),
        Reset("computeResources.ec2KeyPair", "", source=_CHANGES),
        Reset("computeResources.placementGroup", "", source=inferred(_CHANGES)),
        Reset("computeResources.launchTemplate", MappingProxyType({"launchTemplateId": ""}), source=_CHANGES),
        Reset("computeResources.bidPercentage", 100, source=_RESOURCES),
        Reset(
            "computeResources.scalingPolicy",
            MappingProxyType({"minScaleDownDelayMinutes": 0}),
            source=page("ComputeScalingPolicy"),
        ),
        Reset(
            "computeResources.ec2Configuration",
            ({"imageType": "EKS_AL2023"},),
            on_eks,
            "on Amazon EKS",
            source=cited(page("Ec2Configuration"), _TESTS),
        ),
        Reset(
            "computeResources.ec2Configuration",
            ({"imageType": "ECS_AL2023"},),
            ec2,
            "on EC2 and SPOT",
            source=cited(page("Ec2Configuration"), _TESTS),
        ),
        Reset("computeResources.subnets", (), not_fargate, "unless on Fargate", source=_CHANGES),
        Reset("computeResources.securityGroupIds", (), not_fargate, "unless on Fargate", source=_CHANGES),
        Reset("computeResources.tags", MappingProxyType({}), source=_TESTS),
        Reset("updatePolicy", _DEFAULT_UPDATE_POLICY, source=page("UpdatePolicy")),
    ),
    filled=MappingProxyType(
        {
            "updatePolicy": _DEFAULT_UPDATE_POLICY,
            "computeResources.launchTemplate": MappingProxyType({"version": "$Default"}),
        }
    ),
    floors=MappingProxyType(
        {"computeResources.desiredvCpus": cited(_CHANGES, "hashicorp/terraform-provider-aws#4788")}
    ),
    named=(
        Named(
            "LaunchTemplateSpecification",
            ("launchTemplateId", "launchTemplateName"),
            source=page("LaunchTemplateSpecification"),
        ),
    ),
    alike=MappingProxyType({"serviceRole": same_role, "computeResources.instanceRole": same_profile}),
    inert=MappingProxyType(
        {
            "state": _INVALID,
            "unmanagedvCpus": _INVALID,
            "updatePolicy": _INVALID,
            "ecsSettings": _INVALID,
            **dict.fromkeys(SCALE, cited(_INVALID, _SCALING)),
        }
    ),
    repair="change the field that the reason names: AWS does not look again at what is wrong when only state or vCPUs"
    " change",
    settles=True,
    switched=True,
    replaced="createFirst",
    complaints=(
        Complaint("IamFleetRole", "computeResources.spotIamFleetRole", source=_INVALID),
        Complaint("InstanceProfile", "computeResources.instanceRole", source="Netflix/metaflow-tools#9"),
        Complaint("launch template", "computeResources.launchTemplate", source=cited(_INVALID, "aws/aws-cdk#6427")),
        Complaint("image id", "computeResources.ec2Configuration", source=_ERRORS),
        Complaint("subnet", "computeResources.subnets", source=_ERRORS),
        Complaint("security group", "computeResources.securityGroupIds", source=_ERRORS),
        Complaint("key pair", "computeResources.ec2KeyPair", source=_ERRORS),
        Complaint("placement group", "computeResources.placementGroup", source=_ERRORS),
        Complaint("clusters can not be blank", "type", source="aws-samples/aws-batch-genomics#9"),
        Complaint("no cluster found", "eksConfiguration", source=_INVALID),
        Complaint("sts:AssumeRole", "serviceRole", source=cited(_INVALID, "hashicorp/terraform-provider-aws#8549")),
        Complaint("service role", "serviceRole", source=_INVALID),
    ),
    quota=50,
)
