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
  type    = bool
  default = false
}

variable "token" {
  type      = string
  sensitive = true
  default   = "example"
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
      owner = "research"
    }
  }
}

data "aws_region" "here" {}

resource "aws_batch_scheduling_policy" "fair" {
  name = "shop-fair"

  fair_share_policy {
    compute_reservation = 1
    share_decay_seconds = 3600

    share_distribution {
      share_identifier = "clinical*"
      weight_factor    = 0.5
    }
    share_distribution {
      share_identifier = "research"
      weight_factor    = 1
    }
  }
}

resource "aws_batch_compute_environment" "fargate" {
  for_each = toset(["first", "second"])

  compute_environment_name = "shop-${each.key}"
  type                     = "MANAGED"

  compute_resources {
    type               = "FARGATE"
    max_vcpus          = var.later ? 32 : 16
    subnets            = ["subnet-0a000000000000000", "subnet-0b000000000000000"]
    security_group_ids = ["sg-0a000000000000000"]
  }

  tags = {
    place = each.key
  }
}

resource "aws_batch_compute_environment" "spare" {
  count = 2

  compute_environment_name_prefix = "shop-spare-"
  type                            = "managed"
  state                           = "disabled"

  compute_resources {
    type               = "fargate_spot"
    max_vcpus          = 4
    subnets            = ["subnet-0a000000000000000"]
    security_group_ids = ["sg-0a000000000000000"]
  }
}

resource "aws_batch_compute_environment" "ec2" {
  compute_environment_name = "shop-ec2"
  type                     = "MANAGED"

  compute_resources {
    type                = "EC2"
    allocation_strategy = "BEST_FIT_PROGRESSIVE"
    ec2_key_pair        = "operators"
    instance_type       = ["m5.large", "c5"]
    instance_role       = "arn:aws:iam::123456789012:instance-profile/ecs"
    max_vcpus           = 64
    subnets             = ["subnet-0a000000000000000"]
    security_group_ids  = ["sg-0a000000000000000"]
    tags                = { Name = "shop" }

    launch_template {
      launch_template_id = "lt-0a000000000000000"
      version            = "$Latest"
    }

    ec2_configuration {
      image_type = "ECS_AL2023"
    }
  }

  update_policy {
    job_execution_timeout_minutes = 60
    terminate_jobs_on_update      = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_batch_compute_environment" "outside" {
  compute_environment_name = "shop-outside"
  type                     = "UNMANAGED"
  service_role             = "arn:aws:iam::123456789012:role/batch"
}

module "spot" {
  source   = "./pool"
  for_each = toset(["a"])

  name   = "shop-pool-${each.key}"
  policy = aws_batch_scheduling_policy.fair.arn
}

resource "aws_batch_job_queue" "ordered" {
  name     = "shop-ordered"
  state    = "ENABLED"
  priority = 0

  dynamic "compute_environment_order" {
    for_each = ["second", "first"]
    content {
      order               = compute_environment_order.key + 1
      compute_environment = aws_batch_compute_environment.fargate[compute_environment_order.value].arn
    }
  }

  job_state_time_limit_action {
    action           = "CANCEL"
    max_time_seconds = 600
    reason           = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    state            = "RUNNABLE"
  }
}

resource "aws_batch_job_queue" "listed" {
  name                 = "shop-listed"
  state                = "DISABLED"
  priority             = 7
  compute_environments = [aws_batch_compute_environment.ec2.arn]
}

resource "aws_batch_job_definition" "container" {
  name                  = "shop-container"
  type                  = "container"
  platform_capabilities = ["FARGATE"]
  propagate_tags        = true
  scheduling_priority   = 5
  parameters            = { input = "s3://nowhere/a" }

  container_properties = jsonencode({
    Image            = "public.ecr.aws/docker/library/busybox:${var.later ? "1.37" : "1.36"}"
    command          = ["echo", "Ref::input", "$${HOME}"]
    executionRoleArn = "arn:aws:iam::123456789012:role/task"
    resourceRequirements = [
      { type = "VCPU", value = "0.25" },
      { type = "MEMORY", value = "512" },
    ]
    environment = [
      { name = "ZULU", value = "last" },
      { name = "API_TOKEN", value = var.token },
      { name = "NONE", value = "" },
    ]
    networkConfiguration         = { assignPublicIp = "ENABLED" }
    fargatePlatformConfiguration = { platformVersion = "LATEST" }
    mountPoints                  = []
    secrets                      = []
    ulimits                      = []
    volumes                      = []
  })

  retry_strategy {
    attempts = 3
    evaluate_on_exit {
      action           = "RETRY"
      on_status_reason = "Host EC2*"
    }
    evaluate_on_exit {
      action    = "exit"
      on_reason = "*"
    }
  }

  timeout {
    attempt_duration_seconds = 600
  }
}

resource "aws_batch_job_definition" "kept" {
  name                       = "shop-kept"
  type                       = "container"
  deregister_on_new_revision = false

  container_properties = jsonencode({
    image   = "public.ecr.aws/docker/library/busybox:1.36"
    command = ["true"]
    vcpus   = 1
    memory  = 128
    volumes = [{ name = "scratch", host = {} }]
    mountPoints = [{ containerPath = "/scratch", sourceVolume = "scratch", readOnly = false }]
    logConfiguration = {
      logDriver = "awslogs"
      options   = { "awslogs-group" = "shop" }
    }
  })
}

resource "aws_batch_job_definition" "tasks" {
  name = "shop-tasks"
  type = "container"

  ecs_properties = jsonencode({
    taskProperties = [{
      executionRoleArn = "arn:aws:iam::123456789012:role/task"
      containers = [
        {
          name      = "main"
          image     = "public.ecr.aws/docker/library/busybox:1.36"
          dependsOn = [{ containerName = "side", condition = "START" }]
          resourceRequirements = [
            { type = "VCPU", value = "1" },
            { type = "MEMORY", value = "512" },
          ]
        },
        {
          name      = "side"
          image     = "public.ecr.aws/docker/library/busybox:1.36"
          essential = false
          resourceRequirements = [
            { type = "VCPU", value = "1" },
            { type = "MEMORY", value = "512" },
          ]
        },
      ]
    }]
  })
}

resource "aws_batch_job_definition" "nodes" {
  name = "shop-nodes"
  type = "multinode"

  node_properties = jsonencode({
    mainNode = 0
    numNodes = 3
    nodeRangeProperties = [
      {
        targetNodes = "0:0"
        container = {
          image   = "public.ecr.aws/docker/library/busybox:1.36"
          command = ["hostname"]
          vcpus   = 1
          memory  = 128
        }
      },
      {
        targetNodes = "1:"
        container = {
          image   = "public.ecr.aws/docker/library/busybox:1.36"
          command = ["date"]
          resourceRequirements = [
            { type = "VCPU", value = "2" },
            { type = "MEMORY", value = "256" },
          ]
        }
      },
    ]
  })
}

resource "aws_batch_job_definition" "pods" {
  name = "shop-pods"
  type = "container"

  eks_properties {
    pod_properties {
      host_network         = false
      service_account_name = "jobs"

      containers {
        name    = "main"
        image   = "public.ecr.aws/docker/library/busybox:1.36"
        command = ["sleep", "60"]

        env {
          name  = "STAGE"
          value = "test"
        }

        resources {
          limits = {
            cpu    = "1"
            memory = "1024Mi"
          }
        }

        security_context {
          run_as_user = 0
          privileged  = true
        }

        volume_mounts {
          name       = "scratch"
          mount_path = "/scratch"
        }
      }

      image_pull_secret {
        name = "registry"
      }

      metadata {
        labels = {
          team = "research"
        }
      }

      volumes {
        name = "scratch"
        empty_dir {
          size_limit = "1Gi"
        }
      }
    }
  }
}

resource "terraform_data" "told" {
  input = aws_batch_job_queue.ordered.arn
}
