"""The kinds of object that the model knows, one row each."""

from providers.simulator.lifecycle import Kind

ENVIRONMENT = Kind("environment", "compute-environment", "compute environment", "computeEnvironmentArn")
SERVICE_ENVIRONMENT = Kind("service_environment", "service-environment", "service environment", "serviceEnvironmentArn")
QUEUE = Kind("queue", "job-queue", "job queue", "jobQueueArn")
QUOTA_SHARE = Kind("quota_share", "job-queue", "quota share", "quotaShareArn")
"""Its name is QUEUE/quota-share/NAME: its ARN lies within that of its queue."""
DEFINITION = Kind("definition", "job-definition", "job definition", "jobDefinitionArn")
POLICY = Kind("policy", "scheduling-policy", "scheduling policy", "arn")
CONSUMABLE = Kind("consumable", "consumable-resource", "consumable resource", "consumableResourceArn")
JOB = Kind("job", "job", "job", "jobArn")
CHILD = Kind("child", "job", "job", "jobArn")
SERVICE_JOB = Kind("service_job", "service-job", "service job", "jobArn")

KINDS = (ENVIRONMENT, SERVICE_ENVIRONMENT, QUEUE, QUOTA_SHARE, DEFINITION, POLICY, CONSUMABLE, JOB, CHILD, SERVICE_JOB)
