"""Manifests that AWS takes, one or more of every kind, to be damaged in one place."""

from typing import Any

import attrs

ROLE = "arn:aws:iam::123456789012:role/it"
MACHINES = {
    "minvCpus": 0,
    "maxvCpus": 16,
    "instanceTypes": ["c6i", "m6i.large"],
    "subnets": ["subnet-1"],
    "securityGroupIds": ["sg-1"],
    "instanceRole": "ecsInstanceRole",
}
NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
FARGATE = {"type": "FARGATE", "maxvCpus": 16, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
CLUSTER = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/it", "kubernetesNamespace": "batch"}
TRAINING = {
    "serviceEnvironmentType": "SAGEMAKER_TRAINING",
    "capacityLimits": [{"maxCapacity": 10, "capacityUnit": "NUM_INSTANCES"}],
}
SHARED = {**TRAINING, "capacityLimits": [{"maxCapacity": 10, "capacityUnit": "ml.m5.large"}]}
SPOT: dict[str, Any] = {
    "type": "MANAGED",
    "computeResources": {**MACHINES, "type": "SPOT", "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED"},
}
POD: dict[str, Any] = {
    "containers": [
        {
            "name": "main",
            "image": "busybox",
            "env": [{"name": "A", "value": "b"}],
            "resources": {"limits": {"memory": "512Mi", "cpu": "1"}, "requests": {"memory": "512Mi", "cpu": "0.5"}},
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        }
    ],
    "initContainers": [{"name": "first", "image": "busybox"}],
    "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}],
    "metadata": {"namespace": "batch"},
}
QUOTA = {"quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"}}
FAIR = {
    "fairsharePolicy": {
        "shareDecaySeconds": 600,
        "computeReservation": 1,
        "shareDistribution": [{"shareIdentifier": "UserA*", "weightFactor": 0.5}, {"shareIdentifier": "UserB"}],
    }
}
TEAMS = {"priority": 1, "serviceEnvironmentOrder": ["shared"], "schedulingPolicyArn": "quota"}


@attrs.frozen
class Base:
    """A resource that is damaged, and the sections of a manifest that it needs."""

    name: str
    kind: str
    block: dict[str, Any]
    ground: dict[str, dict[str, Any]] = attrs.field(factory=dict)


BASES = (
    Base(
        "ec2",
        "compute_environment",
        {
            "type": "MANAGED",
            "computeResources": {
                **MACHINES,
                "type": "EC2",
                "allocationStrategy": "BEST_FIT_PROGRESSIVE",
                "launchTemplate": {
                    "launchTemplateName": "it",
                    "overrides": [{"launchTemplateName": "other", "targetInstanceTypes": ["m6i.large"]}],
                },
                "ec2Configuration": [{"imageType": "ECS_AL2023"}],
                "scalingPolicy": {"minScaleDownDelayMinutes": 30},
                "tags": {"Name": "it"},
            },
            "updatePolicy": {"terminateJobsOnUpdate": True},
        },
    ),
    Base(
        "best-fit",
        "compute_environment",
        {
            "type": "MANAGED",
            "serviceRole": ROLE,
            "computeResources": {**MACHINES, "type": "SPOT", "spotIamFleetRole": ROLE, "bidPercentage": 50},
        },
    ),
    Base("spot", "compute_environment", SPOT),
    Base("fargate", "compute_environment", {"type": "MANAGED", "computeResources": FARGATE}),
    Base(
        "eks",
        "compute_environment",
        {
            "type": "MANAGED",
            "eksConfiguration": CLUSTER,
            "computeResources": {
                **MACHINES,
                "type": "EC2",
                "allocationStrategy": "BEST_FIT_PROGRESSIVE",
                "launchTemplate": {"launchTemplateId": "lt-1", "userdataType": "EKS_NODEADM"},
                "ec2Configuration": [{"imageType": "EKS_AL2023", "imageIdOverride": "ami-1"}],
            },
        },
    ),
    Base("unmanaged", "compute_environment", {"type": "UNMANAGED", "serviceRole": ROLE, "unmanagedvCpus": 8}),
    Base(
        "managed-instances",
        "compute_environment",
        {
            "type": "MANAGED",
            "computeResources": {
                "type": "ECS_MANAGED_INSTANCES",
                "maxvCpus": 16,
                "managedInstancesProvider": {
                    "infrastructureRoleArn": ROLE,
                    "propagateTags": "CAPACITY_PROVIDER",
                    "infrastructureOptimization": {"scaleInAfter": 600},
                    "instanceLaunchTemplate": {
                        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/it",
                        "networkConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]},
                        "capacityOptionType": "SPOT",
                        "monitoring": "BASIC",
                    },
                },
                "capacityTags": {"team": "blue"},
            },
        },
    ),
    Base(
        "queue",
        "job_queue",
        {
            "priority": 10,
            "computeEnvironmentOrder": [
                {"order": 1, "computeEnvironment": "spot"},
                {"order": 2, "computeEnvironment": "other"},
            ],
            "schedulingPolicyArn": "fair",
            "jobStateTimeLimitActions": [
                {
                    "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
                    "state": "RUNNABLE",
                    "maxTimeSeconds": 600,
                    "action": "CANCEL",
                }
            ],
        },
        {
            "computeEnvironments": {
                "spot": SPOT,
                "other": SPOT,
                "fargate": {"type": "MANAGED", "computeResources": FARGATE},
                "arm": {**SPOT, "computeResources": {**SPOT["computeResources"], "instanceTypes": ["c6g"]}},
            },
            "schedulingPolicies": {"fair": FAIR, "quota": QUOTA},
            "serviceEnvironments": {"train": TRAINING},
        },
    ),
    Base(
        "training",
        "job_queue",
        {"priority": 1, "serviceEnvironmentOrder": ["train"]},
        {
            "serviceEnvironments": {"train": TRAINING, "shared": SHARED},
            "schedulingPolicies": {"fair": FAIR, "quota": QUOTA},
            "computeEnvironments": {"spot": SPOT},
        },
    ),
    Base(
        "teams",
        "job_queue",
        TEAMS,
        {
            "serviceEnvironments": {"train": TRAINING, "shared": SHARED},
            "schedulingPolicies": {"fair": FAIR, "quota": QUOTA},
        },
    ),
    Base("fair", "scheduling_policy", FAIR),
    Base("quota", "scheduling_policy", QUOTA),
    Base("instances", "service_environment", TRAINING),
    Base(
        "instance-types",
        "service_environment",
        {**SHARED, "capacityLimits": [{"maxCapacity": 1, "capacityUnit": f"ml.m{size}.large"} for size in (5, 6, 7)]},
    ),
    Base("licences", "consumable_resource", {"totalQuantity": 5, "resourceType": "REPLENISHABLE"}),
    Base(
        "share",
        "quota_share",
        {
            "jobQueue": "teams",
            "capacityLimits": [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}],
            "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW", "borrowLimit": 50},
            "preemptionConfiguration": {"inSharePreemption": "ENABLED"},
        },
        {
            "serviceEnvironments": {"train": TRAINING, "shared": SHARED},
            "schedulingPolicies": {"quota": QUOTA},
            "jobQueues": {"teams": TEAMS, "plain": {"priority": 1, "serviceEnvironmentOrder": ["train"]}},
        },
    ),
    Base(
        "container",
        "job_definition",
        {
            "type": "container",
            "schedulingPriority": 1,
            "propagateTags": True,
            "retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onExitCode": "1*", "action": "RETRY"}]},
            "timeout": {"attemptDurationSeconds": 60},
            "parameters": {"a": "b"},
            "consumableResourceProperties": {
                "consumableResourceList": [{"consumableResource": "licences", "quantity": 1}]
            },
            "containerProperties": {
                "image": "busybox",
                "command": ["true"],
                "resourceRequirements": NEEDS,
                "environment": [{"name": "A", "value": "b"}],
                "volumes": [
                    {"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}},
                    {"name": "host", "host": {"sourcePath": "/data"}},
                ],
                "mountPoints": [{"containerPath": "/files", "sourceVolume": "files"}],
                "linuxParameters": {"maxSwap": 0, "swappiness": 60},
                "logConfiguration": {"logDriver": "awslogs"},
                "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
            },
        },
        {"consumableResources": {"licences": {"totalQuantity": 5}}},
    ),
    Base(
        "old-container",
        "job_definition",
        {"type": "container", "containerProperties": {"image": "busybox", "vcpus": 1, "memory": 512}},
    ),
    Base(
        "fargate-container",
        "job_definition",
        {
            "type": "container",
            "platformCapabilities": ["FARGATE"],
            "containerProperties": {
                "image": "busybox",
                "executionRoleArn": ROLE,
                "resourceRequirements": NEEDS,
                "networkConfiguration": {"assignPublicIp": "ENABLED"},
                "ephemeralStorage": {"sizeInGiB": 21},
                "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
            },
        },
    ),
    Base(
        "task",
        "job_definition",
        {
            "type": "container",
            "platformCapabilities": ["FARGATE"],
            "ecsProperties": {
                "taskProperties": [
                    {
                        "executionRoleArn": ROLE,
                        "containers": [
                            {
                                "name": "main",
                                "image": "busybox",
                                "resourceRequirements": NEEDS,
                                "dependsOn": [{"containerName": "side", "condition": "START"}],
                            },
                            {
                                "name": "side",
                                "image": "busybox",
                                "essential": False,
                                "stopTimeout": 30,
                                "resourceRequirements": NEEDS,
                            },
                        ],
                    }
                ]
            },
        },
    ),
    Base("pod", "job_definition", {"type": "container", "eksProperties": {"podProperties": POD}}),
    Base(
        "nodes",
        "job_definition",
        {
            "type": "multinode",
            "nodeProperties": {
                "numNodes": 3,
                "mainNode": 0,
                "nodeRangeProperties": [
                    {"targetNodes": "0:0", "container": {"image": "busybox", "resourceRequirements": NEEDS}},
                    {"targetNodes": "1:", "container": {"image": "busybox", "resourceRequirements": NEEDS}},
                ],
            },
        },
    ),
    Base(
        "pod-nodes",
        "job_definition",
        {
            "type": "multinode",
            "nodeProperties": {
                "numNodes": 2,
                "mainNode": 1,
                "nodeRangeProperties": [{"targetNodes": "0:1", "eksProperties": {"podProperties": POD}}],
            },
        },
    ),
)
