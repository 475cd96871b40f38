"""Whole requests: by kind, bodies that together say every member that a create of it takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.kit import ACCOUNT, REGION

Json = dict[str, Any]
IAM = f"arn:aws:iam::{ACCOUNT}"
LINKED_ROLE = f"{IAM}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
_SECRET = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/secret"

_NODES = "nodeProperties.nodeRangeProperties[]"
_ON_EC2 = "for Fargate or managed instances, and nodes run on EC2"
NEVER_SAID: Mapping[str, Mapping[str, str]] = {
    "compute_environment": {
        "context": "reserved by AWS",
        "computeResources.ec2Configuration[].batchImageStatus": "told by Batch, never to it",
        "eksConfiguration.accessEntry.status": "told by Batch, never to it",
    },
    "job_definition": {
        "containerProperties.instanceType": "for nodes only",
        f"{_NODES}.container.networkConfiguration": _ON_EC2,
        f"{_NODES}.container.fargatePlatformConfiguration": _ON_EC2,
        f"{_NODES}.ecsProperties.taskProperties[].networkConfiguration": _ON_EC2,
        f"{_NODES}.ecsProperties.taskProperties[].platformVersion": _ON_EC2,
        f"{_NODES}.ecsProperties.taskProperties[].networkMode": _ON_EC2,
    },
}
"""By kind: members that stand in the shape of a create and that nobody says, with all below them, and why."""

_LINUX: Json = {
    "devices": [{"hostPath": "/dev/fuse", "containerPath": "/dev/fuse", "permissions": ["READ", "MKNOD"]}],
    "initProcessEnabled": True,
    "sharedMemorySize": 64,
    "tmpfs": [{"containerPath": "/scratch", "size": 32, "mountOptions": ["noexec"]}],
    "maxSwap": 128,
    "swappiness": 60,
}
_LOG: Json = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/jobs"},
    "secretOptions": [{"name": "token", "valueFrom": _SECRET}],
}
_VOLUMES: Sequence[Json] = [
    {"name": "data", "host": {"sourcePath": "/mnt/data"}},
    {
        "name": "shared",
        "efsVolumeConfiguration": {
            "fileSystemId": "fs-1",
            "rootDirectory": "/",
            "transitEncryption": "ENABLED",
            "transitEncryptionPort": 2049,
            "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"},
        },
    },
    {
        "name": "bucket",
        "s3filesVolumeConfiguration": {
            "fileSystemArn": f"arn:aws:s3files:{REGION}:{ACCOUNT}:file-system/fs-2",
            "rootDirectory": "/in",
            "transitEncryptionPort": 2050,
            "accessPointArn": f"arn:aws:s3files:{REGION}:{ACCOUNT}:file-system/fs-2/access-point/fsap-2",
        },
    },
]
_COMMON: Json = {
    "image": "busybox:1",
    "command": ["run", "Ref::sample"],
    "environment": [{"name": "MODE", "value": "fast"}],
    "mountPoints": [{"containerPath": "/data", "readOnly": True, "sourceVolume": "data"}],
    "privileged": False,
    "readonlyRootFilesystem": True,
    "repositoryCredentials": {"credentialsParameter": _SECRET},
    "resourceRequirements": [
        {"type": "VCPU", "value": "2"},
        {"type": "MEMORY", "value": "2048"},
        {"type": "GPU", "value": "1"},
    ],
    "secrets": [{"name": "KEY", "valueFrom": _SECRET}],
    "ulimits": [{"name": "nofile", "hardLimit": 2048, "softLimit": 1024}],
    "user": "nobody",
    "linuxParameters": _LINUX,
    "logConfiguration": _LOG,
}
CONTAINER: Json = {
    **_COMMON,
    "jobRoleArn": f"{IAM}:role/job",
    "executionRoleArn": f"{IAM}:role/execution",
    "volumes": _VOLUMES,
    "enableExecuteCommand": True,
    "ephemeralStorage": {"sizeInGiB": 100},
    "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
}
_OLD_CONTAINER: Json = {"image": "busybox:1", "vcpus": 2, "memory": 2048}
_FARGATE: Json = {
    "image": "busybox:1",
    "executionRoleArn": f"{IAM}:role/execution",
    "networkConfiguration": {"assignPublicIp": "ENABLED"},
    "fargatePlatformConfiguration": {"platformVersion": "1.4.0"},
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
}
_TASK: Json = {
    "containers": [
        {
            **_COMMON,
            "name": "main",
            "essential": True,
            "dependsOn": [{"containerName": "before", "condition": "SUCCESS"}],
            "startTimeout": 60,
            "stopTimeout": 30,
        },
        {
            "name": "before",
            "image": "busybox:1",
            "essential": False,
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
            "firelensConfiguration": {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}},
        },
    ],
    "ephemeralStorage": {"sizeInGiB": 100},
    "executionRoleArn": f"{IAM}:role/execution",
    "taskRoleArn": f"{IAM}:role/job",
    "ipcMode": "task",
    "pidMode": "task",
    "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
    "volumes": _VOLUMES,
    "enableExecuteCommand": True,
}
_SMALL_TASK: Json = {
    "executionRoleArn": f"{IAM}:role/execution",
    "containers": [
        {
            "name": "main",
            "image": "busybox:1",
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        }
    ],
}
_POD_CONTAINER: Json = {
    "image": "busybox:1",
    "imagePullPolicy": "IfNotPresent",
    "command": ["run"],
    "args": ["--fast"],
    "env": [{"name": "MODE", "value": "fast"}],
    "resources": {"limits": {"cpu": "1", "memory": "1024Mi"}, "requests": {"cpu": "1", "memory": "1024Mi"}},
    "volumeMounts": [{"name": "data", "mountPath": "/data", "subPath": "in", "readOnly": True}],
    "securityContext": {
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
        "seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/one.json"},
    },
}
_POD: Json = {
    "serviceAccountName": "runner",
    "hostNetwork": False,
    "dnsPolicy": "ClusterFirst",
    "imagePullSecrets": [{"name": "registry"}],
    "containers": [{"name": "main", **_POD_CONTAINER}],
    "initContainers": [{"name": "before", **_POD_CONTAINER}],
    "volumes": [
        {"name": "data", "hostPath": {"path": "/mnt/data"}},
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": "secret", "secret": {"secretName": "keys", "optional": True}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "disk", "readOnly": True}},
    ],
    "metadata": {"labels": {"team": "blue"}, "annotations": {"note": "one"}, "namespace": "batch"},
    "shareProcessNamespace": True,
    "securityContext": {
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/one.json"},
        "fsGroup": 2000,
    },
}
_CONSUMABLES: Json = {"consumableResourceList": [{"consumableResource": "licences", "quantity": 2}]}


def _nodes(*ranges: Json) -> Json:
    targets = [f"{number}:{number}" for number in range(len(ranges))]
    nodes = [{"targetNodes": target, **one} for target, one in zip(targets, ranges, strict=True)]
    return {
        "type": "multinode",
        "nodeProperties": {"numNodes": len(nodes), "mainNode": 0, "nodeRangeProperties": nodes},
    }


_DEFINITIONS: Mapping[str, Json] = {
    "container": {
        "type": "container",
        "containerProperties": CONTAINER,
        "platformCapabilities": ["EC2"],
        "parameters": {"sample": "NA12878"},
        "propagateTags": True,
        "schedulingPriority": 7,
        "timeout": {"attemptDurationSeconds": 3600},
        "consumableResourceProperties": _CONSUMABLES,
        "retryStrategy": {
            "attempts": 3,
            "evaluateOnExit": [
                {"onStatusReason": "Host EC2*", "action": "RETRY"},
                {"onReason": "Cannot*", "onExitCode": "13*", "action": "EXIT"},
            ],
        },
    },
    "old": {"type": "container", "containerProperties": _OLD_CONTAINER},
    "fargate": {"type": "container", "platformCapabilities": ["FARGATE"], "containerProperties": _FARGATE},
    "tasks": {"type": "container", "ecsProperties": {"taskProperties": [_TASK]}},
    "tasks-on-fargate": {
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "ecsProperties": {
            "taskProperties": [
                {**_SMALL_TASK, "platformVersion": "1.4.0", "networkConfiguration": {"assignPublicIp": "ENABLED"}}
            ]
        },
    },
    "tasks-on-managed-instances": {
        "type": "container",
        "platformCapabilities": ["MANAGED_INSTANCES"],
        "ecsProperties": {"taskProperties": [{**_SMALL_TASK, "networkMode": "host"}]},
    },
    "pods": {"type": "container", "eksProperties": {"podProperties": _POD}},
    "nodes": _nodes(
        {
            "container": {**CONTAINER, "instanceType": "p3.8xlarge"},
            "consumableResourceProperties": _CONSUMABLES,
        },
        {"container": _OLD_CONTAINER, "instanceTypes": ["p3.8xlarge"]},
        {"ecsProperties": {"taskProperties": [_TASK]}},
    ),
    "nodes-of-pods": _nodes({"eksProperties": {"podProperties": _POD}}),
}
MACHINES: Json = {
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "minvCpus": 2,
    "maxvCpus": 256,
    "desiredvCpus": 4,
    "instanceTypes": ["c6i", "m6i.large"],
    "imageId": "ami-1",
    "subnets": ["subnet-1", "subnet-2"],
    "securityGroupIds": ["sg-1"],
    "ec2KeyPair": "key",
    "instanceRole": "ecsInstanceRole",
    "tags": {"Name": "worker"},
    "placementGroup": "near",
    "launchTemplate": {
        "launchTemplateId": "lt-1",
        "version": "3",
        "overrides": [
            {"launchTemplateId": "lt-2", "version": "$Latest", "targetInstanceTypes": ["c6i"]},
            {"launchTemplateName": "other", "targetInstanceTypes": ["m6i.large"]},
        ],
    },
    "ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": "ami-2"}],
    "scalingPolicy": {"minScaleDownDelayMinutes": 30},
}
_SPOT: Json = {
    "type": "SPOT",
    "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
    "bidPercentage": 60,
    "spotIamFleetRole": f"{IAM}:role/fleet",
    "minvCpus": 0,
    "maxvCpus": 256,
    "instanceTypes": ["c6i"],
    "subnets": ["subnet-1"],
    "securityGroupIds": ["sg-1"],
    "instanceRole": "ecsInstanceRole",
    "launchTemplate": {"launchTemplateName": "workers", "version": "$Default"},
}
_KUBERNETES: Json = {
    **{key: value for key, value in _SPOT.items() if key not in ("spotIamFleetRole", "bidPercentage")},
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "launchTemplate": {
        "launchTemplateName": "nodes",
        "userdataType": "EKS_NODEADM",
        "overrides": [
            {"launchTemplateName": "big", "targetInstanceTypes": ["c6i.large"], "userdataType": "EKS_NODEADM"}
        ],
    },
    "ec2Configuration": [{"imageType": "EKS_AL2023", "imageKubernetesVersion": "1.33"}],
}
_PROVIDER: Json = {
    "propagateTags": "CAPACITY_PROVIDER",
    "infrastructureRoleArn": f"{IAM}:role/infrastructure",
    "instanceLaunchTemplate": {
        "ec2InstanceProfileArn": f"{IAM}:instance-profile/instance",
        "networkConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]},
        "instanceRequirements": {"allowedInstanceTypes": ["c6i.large"]},
        "capacityOptionType": "ON_DEMAND",
        "storageConfiguration": {"storageSizeGiB": 100},
        "monitoring": "DETAILED",
        "fipsEnabled": True,
        "capacityReservations": {
            "reservationGroupArn": f"arn:aws:resource-groups:{REGION}:{ACCOUNT}:group/reserved",
            "reservationPreference": "RESERVATIONS_FIRST",
        },
        "instanceMetadataTagsPropagation": True,
        "localStorageConfiguration": {"useLocalStorage": True},
    },
    "infrastructureOptimization": {"scaleInAfter": 300},
}
_ENVIRONMENTS: Mapping[str, Json] = {
    "ec2": {
        "type": "MANAGED",
        "state": "ENABLED",
        "serviceRole": LINKED_ROLE,
        "computeResources": MACHINES,
        "ecsSettings": {"containerInsights": "ENHANCED"},
    },
    "spot": {"type": "MANAGED", "computeResources": _SPOT},
    "kubernetes": {
        "type": "MANAGED",
        "computeResources": _KUBERNETES,
        "eksConfiguration": {
            "eksClusterArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/one",
            "kubernetesNamespace": "batch",
            "accessEntry": {"desiredState": "ENABLED"},
        },
    },
    "managed-instances": {
        "type": "MANAGED",
        "computeResources": {
            "type": "ECS_MANAGED_INSTANCES",
            "maxvCpus": 64,
            "managedInstancesProvider": _PROVIDER,
            "capacityTags": {"Name": "worker"},
        },
    },
    "unmanaged": {"type": "UNMANAGED", "serviceRole": f"{IAM}:role/batch", "unmanagedvCpus": 16},
}

WHOLE: Mapping[str, Mapping[str, Json]] = {"compute_environment": _ENVIRONMENTS, "job_definition": _DEFINITIONS}
"""By kind and name of a variant."""
