"""Job definitions: families of numbered revisions; every change but that of tags is a new revision.

Sources: the RegisterJobDefinition, DescribeJobDefinitions and DeregisterJobDefinition pages of the AWS Batch API
reference, whose documentation strings state the defaults; what describe adds and drops was recorded by
go-to-k/cdk-real-drift and by the acceptance tests of hashicorp/terraform-provider-aws (issues #19624, #36824).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from providers.kinds.facts import Beside, Default, Facts, Indices, Lookup, Older, Rule, accepted, cited, page
from providers.resources import Document


def _on_fargate(document: Document) -> bool:
    return "FARGATE" in [str(name).upper() for name in document.get("platformCapabilities") or ()]


def _on_managed_instances(document: Document) -> bool:
    return "MANAGED_INSTANCES" in [str(name).upper() for name in document.get("platformCapabilities") or ()]


def _not_on_eks(document: Document) -> bool:
    return not _on_eks(document)


def _on_eks(document: Document) -> bool:
    if "eksProperties" in document:
        return True
    node_properties = document.get("nodeProperties")
    ranges = node_properties.get("nodeRangeProperties") if isinstance(node_properties, Mapping) else None
    entries = list(ranges.values()) if isinstance(ranges, Mapping) else list(ranges or ())
    return any(isinstance(entry, Mapping) and "eksProperties" in entry for entry in entries)


_REGISTER = page("RegisterJobDefinition")
_TESTS = accepted("job_definition")
_QUANTITIES = "https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"
_OVERRIDES = cited("aws/aws-cdk#16328", "nextstrain/cli#144")
_KEYED: Mapping[str, str] = MappingProxyType(
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
)

_DNS: Mapping[Any, str] = MappingProxyType(
    {None: "ClusterFirstWithHostNet", True: "ClusterFirstWithHostNet", False: "ClusterFirst"}
)
"""By what a pod says of `hostNetwork`, which is true where it says nothing."""

REVISION = Rule(
    "revision",
    (
        "type",
        "parameters",
        "schedulingPriority",
        "containerProperties",
        "nodeProperties",
        "retryStrategy",
        "propagateTags",
        "timeout",
        "platformCapabilities",
        "eksProperties",
        "ecsProperties",
        "consumableResourceProperties",
    ),
    "revision",
    "every change of a definition is a new revision",
    source=cited(_REGISTER, _TESTS),
)

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
    keyed=_KEYED,
    orderless=MappingProxyType(dict.fromkeys(_KEYED, cited("hashicorp/terraform-provider-aws#19624", _TESTS))),
    sets=MappingProxyType(
        {
            "job_definition.platformCapabilities": _TESTS,
            "Device.permissions": page("Device"),
            "Tmpfs.mountOptions": page("Tmpfs"),
            "NodeRangeProperty.instanceTypes": page("NodeRangeProperty"),
        }
    ),
    numeric=MappingProxyType(
        {
            "ResourceRequirement.value": page("ResourceRequirement"),
        }
    ),
    quantities=MappingProxyType(
        {
            "EksContainerResourceRequirements.limits": _QUANTITIES,
            "EksContainerResourceRequirements.requests": _QUANTITIES,
            "EksEmptyDir.sizeLimit": _QUANTITIES,
        }
    ),
    telling=MappingProxyType({"Volume.host": page("Host"), "EksVolume.emptyDir": page("EksVolume")}),
    vanishing=MappingProxyType({"KeyValuePair.value": _TESTS}),
    defaults=(
        Default("job_definition.propagateTags", False, source=cited(_REGISTER, _TESTS)),
        Default(
            "job_definition.platformCapabilities",
            ["EC2"],
            _not_on_eks,
            "unless it is for Amazon EKS",
            source=cited(_REGISTER, _TESTS),
        ),
        Default("ContainerProperties.privileged", False, source=page("ContainerProperties")),
        Default("ContainerProperties.readonlyRootFilesystem", False, source=page("ContainerProperties")),
        Default("MountPoint.readOnly", False, source=page("MountPoint")),
        Default("Device.containerPath", Beside("hostPath"), source=page("Device")),
        Default("Device.permissions", ["MKNOD", "READ", "WRITE"], source=page("Device")),
        Default("LinuxParameters.swappiness", 60, source=page("LinuxParameters")),
        Default("NetworkConfiguration.assignPublicIp", "DISABLED", source=cited(page("NetworkConfiguration"), _TESTS)),
        Default(
            "FargatePlatformConfiguration.platformVersion",
            "LATEST",
            _on_fargate,
            "on Fargate",
            source=cited(page("FargatePlatformConfiguration"), _TESTS),
        ),
        Default("RuntimePlatform.operatingSystemFamily", "LINUX", source=page("RuntimePlatform")),
        Default("RuntimePlatform.cpuArchitecture", "X86_64", source=page("RuntimePlatform")),
        Default("EFSVolumeConfiguration.rootDirectory", "/", source=page("EFSVolumeConfiguration")),
        Default("EFSVolumeConfiguration.transitEncryption", "DISABLED", source=page("EFSVolumeConfiguration")),
        Default("EFSAuthorizationConfig.iam", "DISABLED", source=page("EFSAuthorizationConfig")),
        Default("EcsTaskProperties.platformVersion", "LATEST", source=cited(page("EcsTaskProperties"), _TESTS)),
        Default("EcsTaskProperties.enableExecuteCommand", False, source=cited(page("EcsTaskProperties"), _TESTS)),
        Default(
            "EcsTaskProperties.networkMode",
            "host",
            _on_managed_instances,
            "on managed instances",
            source=page("EcsTaskProperties"),
        ),
        Default("ContainerProperties.enableExecuteCommand", False, source=page("ContainerProperties")),
        Default("TaskContainerProperties.essential", True, source=cited(page("TaskContainerProperties"), _TESTS)),
        Default("TaskContainerProperties.privileged", False, source=cited(page("TaskContainerProperties"), _TESTS)),
        Default(
            "TaskContainerProperties.readonlyRootFilesystem",
            False,
            source=cited(page("TaskContainerProperties"), _TESTS),
        ),
        Default(
            "TaskContainerProperties.stopTimeout",
            30,
            _on_fargate,
            "on Fargate",
            source=page("TaskContainerProperties"),
        ),
        Default("EksPodProperties.hostNetwork", True, source=cited(page("EksPodProperties"), _TESTS)),
        Default("EksPodProperties.dnsPolicy", Beside("hostNetwork", _DNS), source=page("EksPodPropertiesDetail")),
        Default("EksContainer.name", "Default", source=page("EksContainer")),
        Default("EksContainerVolumeMount.readOnly", False, source=page("EksContainerVolumeMount")),
        *(
            Default(f"EksContainerSecurityContext.{member}", False, source=page("EksContainerSecurityContext"))
            for member in ("privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem")
        ),
        Default("EksPersistentVolumeClaim.readOnly", False, source=page("EksPersistentVolumeClaim")),
        Default("EksEmptyDir.medium", "", source=page("EksEmptyDir")),
    ),
    rules=(REVISION,),
    older=(
        Older("ContainerProperties.vcpus", "resourceRequirements", "VCPU", source=_OVERRIDES),
        Older("ContainerProperties.memory", "resourceRequirements", "MEMORY", source=_OVERRIDES),
    ),
    indices=(Indices("NodeRangeProperty.targetNodes", "nodeProperties.numNodes", source=page("NodeRangeProperty")),),
    revisions=True,
)
