"""Compute environments.

Sources: the CreateComputeEnvironment, UpdateComputeEnvironment and ComputeResourceUpdate pages of the AWS Batch API
reference; "Updating compute environments" in the AWS Batch user guide, for the three regimes of an update; issues
hashicorp/terraform-provider-aws#4788 (desiredvCpus moves with the load), aws/aws-cdk#27054 (what Fargate refuses),
aws/aws-cdk#20727 (the path of the service-linked role).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from providers.kinds.facts import Default, Facts, Lookup, Reset, Rule
from providers.resources import Document

SERVICE_LINKED_ROLE_PATH = "aws-service-role/batch.amazonaws.com/"
SERVICE_LINKED_ROLE = "AWSServiceRoleForBatch"


def _resources(document: Document) -> Mapping[str, Any]:
    resources = document.get("computeResources")
    return resources if isinstance(resources, Mapping) else {}


def _type(document: Document) -> str:
    return str(_resources(document).get("type", "")).upper()


def fargate(document: Document) -> bool:
    return _type(document).startswith("FARGATE")


def ec2(document: Document) -> bool:
    return _type(document) in ("EC2", "SPOT")


def _on_eks(document: Document) -> bool:
    return bool(document.get("eksConfiguration"))


def _not_fargate(document: Document) -> bool:
    return not fargate(document)


def _ordinary_role(document: Document) -> bool:
    role = document.get("serviceRole")
    linked = (None, "", SERVICE_LINKED_ROLE)
    return role not in linked and SERVICE_LINKED_ROLE_PATH not in str(role)


def _same_role(wanted: Any, shown: Any) -> bool:
    """No role is the service-linked one, whose ARN is shown; a bare name is that of the ARN which ends in it."""
    if not isinstance(shown, str):
        return False
    if wanted is None:
        return SERVICE_LINKED_ROLE_PATH in shown
    return shown.startswith("arn:") and shown.rpartition("/")[2] == wanted


def _fixed_strategy(document: Document) -> bool:
    return _resources(document).get("allocationStrategy") in (None, "BEST_FIT")


def _crosses_fargate(desired: Document, live: Document) -> bool:
    return fargate(desired) or fargate(live) or not (ec2(desired) and ec2(live))


def _role_class_changes(desired: Document, live: Document) -> bool:
    return _ordinary_role(desired) != _ordinary_role(live)


_DEFAULT_UPDATE_POLICY: Mapping[str, Any] = MappingProxyType(
    {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30}
)

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
    sets=frozenset(
        {
            "ComputeResource.instanceTypes",
            "ComputeResource.subnets",
            "ComputeResource.securityGroupIds",
            "LaunchTemplateSpecificationOverride.targetInstanceTypes",
            "LaunchTemplateSpecification.overrides",
            "ManagedInstancesNetworkConfiguration.subnets",
            "ManagedInstancesNetworkConfiguration.securityGroups",
            "InstanceRequirementsRequest.allowedInstanceTypes",
        }
    ),
    defaults=(
        Default("compute_environment.state", "ENABLED"),
        Default("compute_environment.unmanagedvCpus", 0),
        Default("ComputeResource.minvCpus", 0),
        Default("ComputeResource.allocationStrategy", "BEST_FIT", ec2),
        Default("ComputeResource.bidPercentage", 100),
        Default("ComputeResource.imageId", ""),
        Default("ComputeResource.ec2KeyPair", ""),
        Default("ComputeResource.placementGroup", ""),
        Default("LaunchTemplateSpecification.launchTemplateId", ""),
        Default("LaunchTemplateSpecification.version", "$Default"),
        Default("LaunchTemplateSpecification.version", ""),
        Default("LaunchTemplateSpecificationOverride.version", "$Default"),
        Default("LaunchTemplateSpecificationOverride.version", ""),
        Default("ComputeScalingPolicy.minScaleDownDelayMinutes", 0),
        Default("UpdatePolicy.terminateJobsOnUpdate", False),
        Default("UpdatePolicy.jobExecutionTimeoutMinutes", 30),
    ),
    always_sent=(
        Default("compute_environment.state", "ENABLED"),
        Default("ComputeResource.minvCpus", 0, ec2),
    ),
    owned=frozenset(
        {
            "compute_environment.serviceRole",
            "compute_environment.ecsSettings",
            "ComputeResource.desiredvCpus",
            "ComputeResource.ec2Configuration",
            "EksConfiguration.accessEntry",
        }
    ),
    read_only=frozenset({"Ec2Configuration.batchImageStatus", "EksAccessEntry.status"}),
    refined=frozenset({"computeResources"}),
    rules=(
        Rule(
            "role-class",
            ("serviceRole",),
            "replace",
            "the service role cannot change between the service-linked role and an ordinary one",
            _role_class_changes,
        ),
        Rule("role", ("serviceRole",), "update", "another role of the same class is taken in place"),
        Rule("switch", ("state", "unmanagedvCpus", "updatePolicy"), "update", "changed in place, nothing recycles"),
        Rule(
            "fargate-boundary",
            ("computeResources.type",),
            "replace",
            "the type cannot change to, from or within Fargate",
            _crosses_fargate,
        ),
        Rule(
            "scaling",
            (
                "computeResources.minvCpus",
                "computeResources.maxvCpus",
                "computeResources.desiredvCpus",
                "computeResources.scalingPolicy",
            ),
            "scaling",
            "a scaling update: running jobs are not touched",
        ),
        Rule(
            "fargate-network",
            ("computeResources.subnets", "computeResources.securityGroupIds"),
            "scaling",
            "Fargate takes other subnets and security groups in place",
            lambda _desired, live: fargate(live),
        ),
        Rule(
            "fargate-fixed",
            ("computeResources",),
            "replace",
            "Fargate takes no update of this field",
            lambda _desired, live: fargate(live),
        ),
        Rule(
            "spot-fleet-role",
            ("computeResources.spotIamFleetRole",),
            "replace",
            "the API has no update for the Spot fleet role",
        ),
        Rule(
            "needs-service-linked-role",
            ("computeResources",),
            "replace",
            "in place only under the service-linked role, and the service role is an ordinary one",
            lambda _desired, live: ec2(live) and _ordinary_role(live),
        ),
        Rule(
            "needs-allocation-strategy",
            ("computeResources",),
            "replace",
            "in place only from and to an allocation strategy other than BEST_FIT",
            lambda desired, live: ec2(live) and (_fixed_strategy(live) or _fixed_strategy(desired)),
        ),
        Rule(
            "infrastructure",
            ("computeResources",),
            "infrastructure",
            "an infrastructure update: instances recycle, running jobs are handled as updatePolicy says",
            lambda _desired, live: ec2(live),
        ),
    ),
    barred=(
        Rule(
            "not-on-fargate",
            (
                "updatePolicy",
                *(
                    f"computeResources.{member}"
                    for member in (
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
                ),
            ),
            "refuse",
            "Fargate has no such field",
            lambda desired, _live: fargate(desired),
        ),
    ),
    resets=(
        Reset("unmanagedvCpus", 0),
        Reset("computeResources.imageId", ""),
        Reset("computeResources.ec2KeyPair", ""),
        Reset("computeResources.placementGroup", ""),
        Reset("computeResources.launchTemplate", MappingProxyType({"launchTemplateId": ""})),
        Reset("computeResources.bidPercentage", 100),
        Reset("computeResources.scalingPolicy", MappingProxyType({"minScaleDownDelayMinutes": 0})),
        Reset("computeResources.ec2Configuration", ({"imageType": "EKS_AL2023"},), _on_eks),
        Reset("computeResources.ec2Configuration", ({"imageType": "ECS_AL2023"},), ec2),
        Reset("computeResources.subnets", (), _not_fargate),
        Reset("computeResources.securityGroupIds", (), _not_fargate),
        Reset("computeResources.tags", MappingProxyType({})),
        Reset("updatePolicy", _DEFAULT_UPDATE_POLICY),
    ),
    filled=MappingProxyType(
        {
            "updatePolicy": _DEFAULT_UPDATE_POLICY,
            "computeResources.launchTemplate": MappingProxyType({"version": "$Default"}),
        }
    ),
    floors=frozenset({"computeResources.desiredvCpus"}),
    alike=MappingProxyType({"serviceRole": _same_role}),
    settles=True,
    switched=True,
    quota=50,
)
