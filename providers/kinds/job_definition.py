"""Job definitions: families of numbered revisions; every change but that of tags is a new revision.

Sources: the RegisterJobDefinition, DescribeJobDefinitions and DeregisterJobDefinition pages of the AWS Batch API
reference, whose documentation strings state the defaults; what describe adds and drops was recorded by
go-to-k/cdk-real-drift and by the acceptance tests of hashicorp/terraform-provider-aws (issues #19624, #36824).
"""

from collections.abc import Mapping
from types import MappingProxyType

from providers.kinds.facts import Default, Facts, Lookup
from providers.resources import Document


def _on_fargate(document: Document) -> bool:
    return "FARGATE" in [str(name).upper() for name in document.get("platformCapabilities") or ()]


def _on_eks(document: Document) -> bool:
    if "eksProperties" in document:
        return True
    node_properties = document.get("nodeProperties")
    ranges = node_properties.get("nodeRangeProperties") if isinstance(node_properties, Mapping) else None
    entries = list(ranges.values()) if isinstance(ranges, Mapping) else list(ranges or ())
    return any(isinstance(entry, Mapping) and "eksProperties" in entry for entry in entries)


FACTS = Facts(
    name="job_definition",
    entity="jobDefinition",
    plural="jobDefinitions",
    title="job definition",
    rank=5,
    arn="job-definition/{name}",
    create="RegisterJobDefinition",
    delete="DeregisterJobDefinition",
    lookup=Lookup(
        describe="DescribeJobDefinitions",
        keys="jobDefinitions",
        result="jobDefinitions",
        batch=100,
        listing="DescribeJobDefinitions",
        items="jobDefinitions",
        listing_arguments=MappingProxyType({"status": "ACTIVE"}),
        by_arn=True,
    ),
    keyed=MappingProxyType(
        {
            "EnvironmentVariables": "name",
            "SecretList": "name",
            "Ulimits": "name",
            "Volumes": "name",
            "MountPoints": "containerPath",
            "ResourceRequirements": "type",
            "DevicesList": "hostPath",
            "TmpfsList": "containerPath",
            "ListTaskContainerProperties": "name",
            "TaskContainerDependencyList": "containerName",
            "NodeRangeProperties": "targetNodes",
            "ConsumableResourceList": "consumableResource",
            "EksContainers": "name",
            "EksContainerEnvironmentVariables": "name",
            "EksContainerVolumeMounts": "mountPath",
            "EksVolumes": "name",
            "ImagePullSecrets": "name",
        }
    ),
    sets=frozenset(
        {
            "job_definition.platformCapabilities",
            "Device.permissions",
            "Tmpfs.mountOptions",
            "NodeRangeProperty.instanceTypes",
        }
    ),
    numeric=frozenset(
        {
            "ResourceRequirement.value",
            "EksContainerResourceRequirements.limits",
            "EksContainerResourceRequirements.requests",
        }
    ),
    vanishing=frozenset({"KeyValuePair.value"}),
    defaults=(
        Default("job_definition.propagateTags", False),
        Default("job_definition.platformCapabilities", ["EC2"], lambda document: not _on_eks(document)),
        Default("ContainerProperties.privileged", False),
        Default("ContainerProperties.readonlyRootFilesystem", False),
        Default("MountPoint.readOnly", False),
        Default("NetworkConfiguration.assignPublicIp", "DISABLED"),
        Default("FargatePlatformConfiguration.platformVersion", "LATEST", _on_fargate),
        Default("RuntimePlatform.operatingSystemFamily", "LINUX"),
        Default("RuntimePlatform.cpuArchitecture", "X86_64"),
        Default("EFSVolumeConfiguration.rootDirectory", "/"),
        Default("EFSVolumeConfiguration.transitEncryption", "DISABLED"),
        Default("EFSAuthorizationConfig.iam", "DISABLED"),
        Default("EcsTaskProperties.platformVersion", "LATEST"),
        Default("EcsTaskProperties.enableExecuteCommand", False),
        Default("ContainerProperties.enableExecuteCommand", False),
        Default("TaskContainerProperties.essential", True),
        Default("TaskContainerProperties.privileged", False),
        Default("TaskContainerProperties.readonlyRootFilesystem", False),
        Default("EksPodProperties.hostNetwork", True),
        Default("EksPodProperties.dnsPolicy", "ClusterFirst"),
        Default("EksContainer.name", "Default"),
        Default("EksContainerVolumeMount.readOnly", False),
    ),
    revisions=True,
)
