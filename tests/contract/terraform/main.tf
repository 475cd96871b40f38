terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "later" {
  type        = bool
  description = "Whether all is to stand as it does after the update."
}

provider "aws" {
  region                      = "eu-west-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 1

  endpoints {
    batch = var.endpoint
    sts   = var.endpoint
  }

  default_tags {
    tags = {
      owner = var.later ? "platform" : "research"
    }
  }
}

resource "aws_batch_scheduling_policy" "fair" {
  name = "tf-fair"

  fair_share_policy {
    compute_reservation = 1
    share_decay_seconds = var.later ? 7200 : 3600

    share_distribution {
      share_identifier = "clinical*"
      weight_factor    = 0.5
    }
    share_distribution {
      share_identifier = "research"
      weight_factor    = var.later ? 2 : 1
    }
  }

  tags = {
    purpose = "sharing"
  }
}

resource "aws_batch_compute_environment" "fargate" {
  for_each = toset(["first", "second"])

  compute_environment_name = "tf-${each.key}"
  type                     = "MANAGED"

  compute_resources {
    type               = "FARGATE"
    max_vcpus          = var.later ? 32 : 16
    subnets            = var.later ? ["subnet-0b000000000000000", "subnet-0a000000000000000"] : ["subnet-0a000000000000000"]
    security_group_ids = [var.later ? "sg-0b000000000000000" : "sg-0a000000000000000"]
  }

  tags = {
    place = each.key
  }
}

resource "aws_batch_compute_environment" "ec2" {
  compute_environment_name = "tf-ec2"
  type                     = "MANAGED"

  compute_resources {
    type                = "EC2"
    allocation_strategy = "BEST_FIT_PROGRESSIVE"
    instance_type       = var.later ? ["m5.large", "c5"] : ["c5"]
    instance_role       = "arn:aws:iam::123456789012:instance-profile/ecs"
    min_vcpus           = 0
    max_vcpus           = 64
    subnets             = ["subnet-0a000000000000000"]
    security_group_ids  = ["sg-0a000000000000000"]
  }

  update_policy {
    job_execution_timeout_minutes = 60
    terminate_jobs_on_update      = false
  }

  lifecycle {
    ignore_changes = [compute_resources[0].desired_vcpus]
  }
}

resource "aws_batch_job_queue" "fargate" {
  name                  = "tf-queue"
  state                 = "ENABLED"
  priority              = var.later ? 0 : 10
  scheduling_policy_arn = aws_batch_scheduling_policy.fair.arn

  dynamic "compute_environment_order" {
    for_each = var.later ? ["second", "first"] : ["first", "second"]
    content {
      order               = compute_environment_order.key + 1
      compute_environment = aws_batch_compute_environment.fargate[compute_environment_order.value].arn
    }
  }

  job_state_time_limit_action {
    action           = "CANCEL"
    max_time_seconds = var.later ? 1200 : 600
    reason           = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    state            = "RUNNABLE"
  }

  tags = var.later ? { place = "second" } : { place = "first", trial = "yes" }
}

resource "aws_batch_job_definition" "container" {
  name                  = "tf-container"
  type                  = "container"
  platform_capabilities = ["FARGATE"]
  propagate_tags        = true
  scheduling_priority   = 5
  parameters            = { input = "s3://nowhere/a" }

  container_properties = jsonencode({
    image            = "public.ecr.aws/docker/library/busybox:${var.later ? "1.37" : "1.36"}"
    command          = ["echo", "Ref::input"]
    executionRoleArn = "arn:aws:iam::123456789012:role/task"
    resourceRequirements = [
      { type = "VCPU", value = "0.25" },
      { type = "MEMORY", value = "512" },
    ]
    environment = [
      { name = "ZULU", value = "last" },
      { name = "ALFA", value = "first" },
      { name = "NONE", value = "" },
    ]
    networkConfiguration = { assignPublicIp = "ENABLED" }
    mountPoints          = []
    secrets              = []
    ulimits              = []
    volumes              = []
  })

  retry_strategy {
    attempts = 3
    evaluate_on_exit {
      action           = "RETRY"
      on_status_reason = "Host EC2*"
    }
    evaluate_on_exit {
      action    = "EXIT"
      on_reason = "*"
    }
  }

  timeout {
    attempt_duration_seconds = var.later ? 1200 : 600
  }

  tags = {
    stage = "test"
  }
}

# What changes here is the same to AWS Batch, and no new revision.
resource "aws_batch_job_definition" "same" {
  name = "tf-same"
  type = "container"

  container_properties = jsonencode(merge(
    {
      image   = "public.ecr.aws/docker/library/busybox:1.36"
      command = ["true"]
      resourceRequirements = [
        { type = "VCPU", value = "1" },
        { type = "MEMORY", value = "128" },
      ]
      environment = var.later ? [
        { name = "ALFA", value = "first" },
        { name = "ZULU", value = "last" },
        ] : [
        { name = "ZULU", value = "last" },
        { name = "ALFA", value = "first" },
      ]
    },
    var.later ? {} : { mountPoints = [], secrets = [], ulimits = [], volumes = [] },
  ))
}
