"""The kinds of object that the model knows, one row each."""

from providers.simulator.lifecycle import Kind

ENVIRONMENT = Kind("environment", "compute-environment", "compute environment", "computeEnvironmentArn")
QUEUE = Kind("queue", "job-queue", "job queue", "jobQueueArn")
DEFINITION = Kind("definition", "job-definition", "job definition", "jobDefinitionArn")
POLICY = Kind("policy", "scheduling-policy", "scheduling policy", "arn")
JOB = Kind("job", "job", "job", "jobArn")

KINDS = (ENVIRONMENT, QUEUE, DEFINITION, POLICY, JOB)
