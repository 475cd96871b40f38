variable "name" {
  type = string
}

variable "policy" {
  type = string
}

resource "aws_batch_compute_environment" "this" {
  compute_environment_name = var.name
  type                     = "MANAGED"

  compute_resources {
    type                = "SPOT"
    allocation_strategy = "SPOT_CAPACITY_OPTIMIZED"
    bid_percentage      = 60
    instance_type       = ["optimal"]
    instance_role       = "arn:aws:iam::123456789012:instance-profile/ecs"
    spot_iam_fleet_role = "arn:aws:iam::123456789012:role/fleet"
    min_vcpus           = 0
    max_vcpus           = 256
    subnets             = ["subnet-0a000000000000000"]
    security_group_ids  = ["sg-0a000000000000000"]
  }

  lifecycle {
    ignore_changes = [compute_resources[0].desired_vcpus]
  }
}

resource "aws_batch_job_queue" "this" {
  name                  = var.name
  state                 = "ENABLED"
  priority              = 10
  scheduling_policy_arn = var.policy

  compute_environment_order {
    order               = 3
    compute_environment = aws_batch_compute_environment.this.arn
  }
}
