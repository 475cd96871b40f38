"""Two values of every field, and what becomes of an object that gains the first, has the second instead, or loses it.

A word is what a plan makes of a step: a verdict, `noop`, or the code of the refusal that stands in its way (`manifest`
where the manifest itself is none). It is marked `!` where what the step starts from cannot be made: then it tells what
stands in the way of that.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from providers.resources import EMPTY
from tests.properties.bases import NEEDS, POD, ROLE

OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
PROFILE = "arn:aws:iam::123456789012:instance-profile/"
GROUP = "arn:aws:resource-groups:eu-west-1:123456789012:group/"
CLUSTER = "arn:aws:eks:eu-west-1:123456789012:cluster/"


class Row(NamedTuple):
    """A field of a base: `words` are those of gaining, changing and losing it; one stands for all three.

    `beside` holds what must be said at other paths, None where something must not.
    """

    base: str
    path: str
    first: Any
    second: Any
    words: str
    beside: Mapping[str, Any] = EMPTY

    @property
    def three(self) -> list[str]:
        words = self.words.split()
        return words * 3 if len(words) == 1 else words


def resources(base: str, path: str, first: Any, second: Any, words: str, **beside: Any) -> Row:
    return Row(
        base, f"computeResources.{path}", first, second, words, {f"computeResources.{k}": v for k, v in beside.items()}
    )


def provider(path: str, first: Any, second: Any, words: str, **beside: Any) -> Row:
    given = {f"managedInstancesProvider.instanceLaunchTemplate.{key}": value for key, value in beside.items()}
    return resources("managed-instances", f"managedInstancesProvider.{path}", first, second, words, **given)


def machine(path: str, first: Any, second: Any, words: str, **beside: Any) -> Row:
    return provider(f"instanceLaunchTemplate.{path}", first, second, words, **beside)


def container(
    path: str, first: Any, second: Any, words: str = "revision", base: str = "container", **beside: Any
) -> Row:
    given = {f"containerProperties.{key}": value for key, value in beside.items()}
    return Row(base, f"containerProperties.{path}", first, second, words, given)


def pod(path: str, first: Any, second: Any, words: str = "revision", **beside: Any) -> Row:
    return Row(
        "pod",
        f"eksProperties.podProperties.{path}",
        first,
        second,
        words,
        {f"eksProperties.podProperties.{k}": v for k, v in beside.items()},
    )


LIMITS = [{"maxCapacity": 2, "capacityUnit": "ml.m5.large"}]
MORE_LIMITS = [{"maxCapacity": 3, "capacityUnit": "ml.m5.large"}]
INSTANCES = [{"maxCapacity": 2, "capacityUnit": "NUM_INSTANCES"}]
MORE_INSTANCES = [{"maxCapacity": 3, "capacityUnit": "NUM_INSTANCES"}]
ACTION = {"reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "state": "RUNNABLE", "action": "CANCEL"}
ORDER = [{"order": 1, "computeEnvironment": "spot"}]
TASK = {
    "executionRoleArn": ROLE,
    "containers": [{"name": "main", "image": "busybox", "resourceRequirements": NEEDS}],
}
NODE = {"image": "busybox", "resourceRequirements": NEEDS}

ENVIRONMENTS = (
    Row("ec2", "type", "MANAGED", "UNMANAGED", "!manifest manifest manifest"),
    Row("ec2", "state", "ENABLED", "DISABLED", "noop update update"),
    Row("unmanaged", "unmanagedvCpus", 8, 16, "update update update"),
    Row("unmanaged", "serviceRole", ROLE, OTHER_ROLE, "!manifest update manifest"),
    Row(
        "ec2",
        "updatePolicy",
        {"terminateJobsOnUpdate": True},
        {"jobExecutionTimeoutMinutes": 60},
        "update update update",
    ),
    Row("ec2", "updatePolicy.terminateJobsOnUpdate", False, True, "noop update update"),
    Row("ec2", "updatePolicy.jobExecutionTimeoutMinutes", 60, 90, "update update update"),
    Row("ec2", "ecsSettings.containerInsights", "ENABLED", "ENHANCED", "update update noop"),
    Row("eks", "eksConfiguration.eksClusterArn", f"{CLUSTER}it", f"{CLUSTER}other", "!manifest replacement manifest"),
    Row("eks", "eksConfiguration.kubernetesNamespace", "batch", "other", "!manifest replacement manifest"),
    Row("eks", "eksConfiguration.accessEntry.desiredState", "ENABLED", "DISABLED", "update update noop"),
    resources("ec2", "type", "EC2", "SPOT", "!manifest infrastructure manifest"),
    resources(
        "spot",
        "allocationStrategy",
        "SPOT_CAPACITY_OPTIMIZED",
        "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "replacement infrastructure replacement",
        spotIamFleetRole=ROLE,
    ),
    resources("ec2", "minvCpus", 0, 4, "noop scaling scaling"),
    resources("ec2", "maxvCpus", 16, 32, "!manifest scaling manifest"),
    resources("ec2", "desiredvCpus", 4, 8, "scaling scaling noop"),
    resources("spot", "instanceTypes", ["c6i"], ["m6i"], "!instance-types infrastructure instance-types"),
    resources("ec2", "imageId", "ami-1", "ami-2", "infrastructure"),
    resources("ec2", "subnets", ["subnet-1"], ["subnet-2"], "!subnets infrastructure infrastructure"),
    resources("ec2", "securityGroupIds", ["sg-1"], ["sg-2"], "infrastructure"),
    resources("ec2", "ec2KeyPair", "one", "two", "infrastructure"),
    resources("ec2", "instanceRole", "one", "two", "!instance-role infrastructure instance-role"),
    resources("ec2", "tags", {"a": "b"}, {"a": "c"}, "infrastructure"),
    resources("ec2", "placementGroup", "one", "two", "infrastructure"),
    resources("spot", "bidPercentage", 50, 60, "infrastructure"),
    resources("spot", "spotIamFleetRole", ROLE, OTHER_ROLE, "replacement"),
    resources("spot", "launchTemplate", {"launchTemplateName": "one"}, {"launchTemplateName": "two"}, "infrastructure"),
    resources("spot", "launchTemplate.launchTemplateId", "lt-1", "lt-2", "infrastructure"),
    resources("spot", "launchTemplate.launchTemplateName", "one", "two", "infrastructure"),
    resources("ec2", "launchTemplate.version", "1", "2", "infrastructure"),
    resources(
        "ec2",
        "launchTemplate.overrides",
        [{"launchTemplateName": "a", "targetInstanceTypes": ["m6i.large"]}],
        [{"launchTemplateName": "b", "targetInstanceTypes": ["m6i.large"]}],
        "infrastructure",
    ),
    resources(
        "eks",
        "launchTemplate.userdataType",
        "EKS_NODEADM",
        "EKS_BOOTSTRAP_SH",
        "infrastructure infrastructure noop",
        ec2Configuration=[{"imageType": "EKS_AL2023"}],
    ),
    resources(
        "ec2",
        "ec2Configuration",
        [{"imageType": "ECS_AL2023"}],
        [{"imageType": "ECS_AL2023_NVIDIA"}],
        "noop infrastructure noop",
    ),
    resources("ec2", "scalingPolicy.minScaleDownDelayMinutes", 30, 60, "scaling"),
    provider("propagateTags", "NONE", "CAPACITY_PROVIDER", "noop infrastructure infrastructure"),
    provider("infrastructureRoleArn", ROLE, OTHER_ROLE, "!manifest infrastructure manifest"),
    provider("infrastructureOptimization.scaleInAfter", 600, 900, "infrastructure infrastructure cannot-unset"),
    machine("ec2InstanceProfileArn", f"{PROFILE}it", f"{PROFILE}other", "!manifest infrastructure manifest"),
    machine("networkConfiguration.subnets", ["subnet-1"], ["subnet-2"], "!manifest infrastructure manifest"),
    machine("networkConfiguration.securityGroups", ["sg-1"], ["sg-2"], "!manifest infrastructure manifest"),
    machine(
        "instanceRequirements.allowedInstanceTypes", ["m6i.*"], ["c6i.*"], "infrastructure infrastructure cannot-unset"
    ),
    machine("capacityOptionType", "ON_DEMAND", "SPOT", "noop replacement replacement"),
    machine("storageConfiguration.storageSizeGiB", 50, 60, "infrastructure infrastructure cannot-unset"),
    machine("monitoring", "BASIC", "DETAILED", "infrastructure infrastructure cannot-unset"),
    machine("fipsEnabled", False, True, "replacement"),
    machine(
        "capacityReservations.reservationGroupArn",
        f"{GROUP}one",
        f"{GROUP}two",
        "infrastructure infrastructure cannot-unset",
    ),
    machine(
        "capacityReservations.reservationPreference",
        "RESERVATIONS_ONLY",
        "RESERVATIONS_FIRST",
        "infrastructure infrastructure cannot-unset",
    ),
    machine("instanceMetadataTagsPropagation", False, True, "infrastructure infrastructure cannot-unset"),
    machine("localStorageConfiguration.useLocalStorage", False, True, "infrastructure infrastructure cannot-unset"),
    resources(
        "managed-instances", "capacityTags", {"a": "b"}, {"a": "c"}, "infrastructure infrastructure cannot-unset"
    ),
    resources("fargate", "maxvCpus", 16, 32, "!manifest scaling manifest"),
    resources("fargate", "type", "FARGATE", "FARGATE_SPOT", "!manifest replacement manifest"),
    resources("fargate", "subnets", ["subnet-1"], ["subnet-2"], "!fargate-subnets scaling fargate-subnets"),
    resources(
        "fargate", "securityGroupIds", ["sg-1"], ["sg-2"], "!fargate-security-groups scaling fargate-security-groups"
    ),
)
OTHERS = (
    Row("queue", "state", "ENABLED", "DISABLED", "noop update update"),
    Row("queue", "priority", 0, 1, "!manifest update manifest"),
    Row("queue", "schedulingPolicyArn", "fair", "fair2", "replacement update replacement"),
    Row(
        "queue",
        "computeEnvironmentOrder",
        ORDER,
        [{"order": 1, "computeEnvironment": "other"}],
        "!manifest update manifest",
    ),
    Row("training", "serviceEnvironmentOrder", ["train"], ["train2"], "!manifest update manifest"),
    Row(
        "queue",
        "jobStateTimeLimitActions",
        [{**ACTION, "maxTimeSeconds": 600}],
        [{**ACTION, "maxTimeSeconds": 700}],
        "update",
    ),
    Row("queue", "jobQueueType", "ECS", "ECS_FARGATE", "noop queue-type+replacement !queue-type"),
    Row("quota", "quotaSharePolicy.idleResourceAssignmentStrategy", "FIFO", "FIFO", "replacement noop replacement"),
    Row("fair", "fairsharePolicy.shareDecaySeconds", 0, 600, "noop update update"),
    Row("fair", "fairsharePolicy.computeReservation", 1, 2, "update"),
    Row(
        "fair",
        "fairsharePolicy.shareDistribution",
        [{"shareIdentifier": "a"}],
        [{"shareIdentifier": "a", "weightFactor": 0.5}],
        "update",
    ),
    Row("fair", "fairsharePolicy", {"shareDecaySeconds": 60}, {"computeReservation": 5}, "update"),
    Row("instances", "state", "ENABLED", "DISABLED", "noop update update"),
    Row("instances", "capacityLimits", INSTANCES, MORE_INSTANCES, "!manifest update manifest"),
    Row("instances", "serviceEnvironmentType", "SAGEMAKER_TRAINING", "SAGEMAKER_TRAINING", "!manifest noop manifest"),
    Row("licences", "totalQuantity", 5, 0, "!quantity-unsaid update cannot-unset"),
    Row("licences", "resourceType", "REPLENISHABLE", "NON_REPLENISHABLE", "noop replacement replacement"),
    Row("share", "state", "ENABLED", "DISABLED", "noop update update"),
    Row("share", "capacityLimits", LIMITS, MORE_LIMITS, "!manifest update manifest"),
    Row(
        "share",
        "resourceSharingConfiguration.strategy",
        "LEND",
        "RESERVE",
        "!manifest update manifest",
        {"resourceSharingConfiguration.borrowLimit": None},
    ),
    Row("share", "resourceSharingConfiguration.borrowLimit", 50, 60, "update"),
    Row("share", "preemptionConfiguration.inSharePreemption", "ENABLED", "DISABLED", "!manifest update manifest"),
    Row("share", "jobQueue", "teams", "teams2", "!manifest replacement manifest"),
)
DEFINITIONS = (
    Row("container", "type", "container", "multinode", "!manifest manifest manifest"),
    Row("container", "parameters", {"a": "b"}, {"a": "c"}, "revision"),
    Row("container", "schedulingPriority", 0, 1, "revision"),
    Row("container", "retryStrategy.attempts", 2, 3, "revision", {"retryStrategy.evaluateOnExit": None}),
    Row(
        "container",
        "retryStrategy.evaluateOnExit",
        [{"onExitCode": "1*", "action": "RETRY"}],
        [{"onExitCode": "1*", "action": "EXIT"}],
        "revision",
    ),
    Row("container", "propagateTags", False, True, "noop revision revision"),
    Row("container", "timeout.attemptDurationSeconds", 60, 90, "revision"),
    Row(
        "fargate-container",
        "platformCapabilities",
        ["EC2"],
        ["FARGATE"],
        "noop revision revision",
        {
            f"containerProperties.{each}": None
            for each in ("networkConfiguration", "ephemeralStorage", "runtimePlatform")
        },
    ),
    Row(
        "container",
        "consumableResourceProperties.consumableResourceList",
        [{"consumableResource": "licences", "quantity": 1}],
        [{"consumableResource": "licences", "quantity": 2}],
        "revision",
    ),
    Row("nodes", "nodeProperties.numNodes", 3, 4, "!manifest revision manifest"),
    Row("nodes", "nodeProperties.mainNode", 0, 1, "!manifest revision manifest"),
    Row(
        "nodes",
        "nodeProperties.nodeRangeProperties",
        [{"targetNodes": "0:", "container": NODE}],
        [{"targetNodes": "0:1", "container": NODE}, {"targetNodes": "2", "container": NODE}],
        "!manifest revision manifest",
    ),
    Row(
        "task",
        "ecsProperties.taskProperties",
        [TASK],
        [{**TASK, "ephemeralStorage": {"sizeInGiB": 30}}],
        "!manifest revision manifest",
    ),
    container("image", "busybox", "alpine", "!image revision image"),
    container("vcpus", 1, 2, "!vcpus revision vcpus", "old-container"),
    container("memory", 512, 1024, "!memory revision memory", "old-container"),
    container("command", ["true"], ["false"]),
    container("jobRoleArn", ROLE, OTHER_ROLE),
    container("executionRoleArn", ROLE, OTHER_ROLE),
    container(
        "volumes",
        [{"name": "host", "host": {"sourcePath": "/data"}}],
        [{"name": "host", "host": {"sourcePath": "/other"}}],
        mountPoints=None,
    ),
    container("environment", [{"name": "A", "value": "b"}], [{"name": "A", "value": "c"}]),
    container(
        "mountPoints",
        [{"containerPath": "/files", "sourceVolume": "files"}],
        [{"containerPath": "/data", "sourceVolume": "files"}],
    ),
    container("readonlyRootFilesystem", False, True, "noop revision revision"),
    container("privileged", False, True, "noop revision revision"),
    container(
        "ulimits",
        [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
        [{"name": "nofile", "softLimit": 2, "hardLimit": 2}],
    ),
    container("user", "nobody", "root"),
    container(
        "resourceRequirements", NEEDS, [*NEEDS, {"type": "GPU", "value": "1"}], "!memory+vcpus revision memory+vcpus"
    ),
    container("linuxParameters.devices", [{"hostPath": "/dev/a"}], [{"hostPath": "/dev/b"}]),
    container("linuxParameters.initProcessEnabled", False, True, "revision"),
    container("linuxParameters.sharedMemorySize", 64, 128),
    container("linuxParameters.tmpfs", [{"containerPath": "/tmp", "size": 1}], [{"containerPath": "/tmp", "size": 2}]),
    container("linuxParameters.maxSwap", 0, 1),
    container("linuxParameters.swappiness", 60, 70, "noop revision revision"),
    container("logConfiguration.logDriver", "awslogs", "syslog", "revision"),
    container("logConfiguration.options", {"awslogs-group": "a"}, {"awslogs-group": "b"}),
    container(
        "logConfiguration.secretOptions",
        [{"name": "a", "valueFrom": "b"}],
        [{"name": "a", "valueFrom": "c"}],
        executionRoleArn=ROLE,
    ),
    container("secrets", [{"name": "S", "valueFrom": "b"}], [{"name": "S", "valueFrom": "c"}], executionRoleArn=ROLE),
    container(
        "networkConfiguration.assignPublicIp", "DISABLED", "ENABLED", "noop revision revision", "fargate-container"
    ),
    container(
        "fargatePlatformConfiguration.platformVersion", "LATEST", "1.4.0", "noop revision revision", "fargate-container"
    ),
    container("enableExecuteCommand", False, True, "noop revision revision", jobRoleArn=ROLE),
    container("ephemeralStorage.sizeInGiB", 21, 30, base="fargate-container"),
    container(
        "runtimePlatform.operatingSystemFamily",
        "LINUX",
        "WINDOWS_SERVER_2022_CORE",
        "noop revision revision",
        "fargate-container",
    ),
    container("runtimePlatform.cpuArchitecture", "X86_64", "ARM64", "noop revision revision", "fargate-container"),
    container(
        "repositoryCredentials.credentialsParameter",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:b",
        executionRoleArn=ROLE,
    ),
    pod("serviceAccountName", "a", "b"),
    pod("hostNetwork", True, False, "noop revision revision"),
    pod("dnsPolicy", "ClusterFirstWithHostNet", "Default", "noop revision revision"),
    pod("imagePullSecrets", [{"name": "a"}], [{"name": "b"}]),
    pod(
        "containers",
        POD["containers"],
        [{**POD["containers"][0], "image": "alpine"}],
        "!pod-containers revision pod-containers",
    ),
    pod("initContainers", POD["initContainers"], [{"name": "first", "image": "alpine"}]),
    pod("volumes", POD["volumes"], [{"name": "scratch", "emptyDir": {"sizeLimit": "2Gi"}}], "!mounts revision mounts"),
    pod("metadata.labels", {"a": "b"}, {"a": "c"}),
    pod("metadata.annotations", {"a": "b"}, {"a": "c"}),
    pod("metadata.namespace", "batch", "other", "revision"),
    pod("shareProcessNamespace", False, True, "revision"),
    pod("securityContext.runAsUser", 0, 1),
    pod("securityContext.runAsGroup", 0, 1),
    pod("securityContext.runAsNonRoot", False, True),
    pod("securityContext.seccompProfile.type", "RuntimeDefault", "Unconfined"),
    pod(
        "securityContext.seccompProfile.localhostProfile",
        "a",
        "b",
        **{"securityContext.seccompProfile.type": "Localhost"},
    ),
    pod("securityContext.fsGroup", 1, 2),
)
ROWS = (*ENVIRONMENTS, *OTHERS, *DEFINITIONS)

EXCUSED = {
    "job_definition.containerProperties.instanceType": "for nodes of a multi-node job only, where it stands in a list",
}
"""Fields without a row, and why."""
