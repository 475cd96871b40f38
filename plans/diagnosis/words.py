"""What AWS says of a job that waits: the reasons that the user guide lists, and what each comes to.

A reason is told at the first job in line alone (AWS Batch user guide, "Jobs stuck in a RUNNABLE status"). It begins
with a word of this table; AWS may have others, which are quoted as they are.
"""

from collections.abc import Iterator

import attrs

from plans.diagnosis.scene import Found, Likelihood, Scene, told
from providers.kinds.facts import GUIDE

_MISFIT = frozenset({"platform", "multi-node", "fargate-pair", "gpu", "host-vcpus", "memory", "no-instance-type"})


@attrs.frozen
class Words:
    """How a reason begins, the codes of the checks that explain it better, and what is said where none of them does."""

    prefix: str
    explained_by: frozenset[str]
    code: str
    says: str
    mend: str
    source: str
    likelihood: Likelihood = "likely"


_CAPACITY = f"{GUIDE}job_stuck_in_runnable_capacity.html"
_MISCONFIGURED = f"{GUIDE}job_stuck_in_runnable_misconfiguration.html"
_TRAINING = f"{GUIDE}sm_job_stuck_in_runnable_misconfiguration.html"

WORDS = (
    Words(
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
        frozenset(),
        "capacity",
        "the instances that the first job in line needs cannot be had just now",
        "add instance types, subnets in more zones, or an on-demand environment to the queue's order; or wait",
        _CAPACITY,
    ),
    Words(
        "CAPACITY:",
        frozenset(),
        "capacity",
        "AWS has not the capacity that the first job in line needs just now",
        "see what AWS says; other instance types or zones may help, or waiting",
        _CAPACITY,
    ),
    Words(
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
        frozenset({"max-vcpus"}),
        "max-vcpus",
        "the first job in line needs more vCPUs than any environment of this queue may have",
        "raise computeResources.maxvCpus of an environment, or lower VCPU in the job's resourceRequirements",
        _MISCONFIGURED,
    ),
    Words(
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
        _MISFIT,
        "no-instance-type",
        "no instance type of this queue's environments has what the first job in line needs",
        "add a larger type to computeResources.instanceTypes, or lower the job's resourceRequirements",
        _MISCONFIGURED,
    ),
    Words(
        "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS",
        frozenset({"service-role", "environments-invalid"}),
        "service-role",
        "the service role of the environments lacks a permission",
        "attach the managed policy AWSBatchServiceRole to the role, or use the service-linked role",
        _MISCONFIGURED,
    ),
    Words(
        "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
        frozenset(),
        "instance-configuration",
        "the environments ask EC2 for a configuration that it does not support",
        "look at instanceTypes, imageId, launchTemplate and subnets of computeResources",
        _MISCONFIGURED,
    ),
    Words(
        "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE",
        frozenset({"capacity-limit"}),
        "capacity-limit",
        "the first service job asks for more instances than its service environment holds",
        "raise capacityLimits of the service environment, or lower InstanceCount of the job",
        _TRAINING,
    ),
    Words(
        "MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED",
        frozenset({"quota-share"}),
        "quota-share",
        "the first service job asks for more than its quota share has and may borrow",
        "raise capacityLimits or borrowLimit of the quota share, or lower InstanceCount of the job",
        _TRAINING,
    ),
    Words(
        "MISCONFIGURATION:",
        frozenset(),
        "misconfiguration",
        "AWS names a fault of configuration at the first job in line",
        "mend what AWS names",
        _MISCONFIGURED,
    ),
    Words(
        "ACTION_REQUIRED",
        frozenset({"environments-invalid", "environments-closed"}),
        "environments-invalid",
        "AWS asks for action before jobs of this queue can run",
        "mend what AWS names",
        f"{GUIDE}invalid_compute_environment.html",
    ),
    Words(
        "UNDETERMINED",
        frozenset(
            {
                "environments-disabled",
                "environments-invalid",
                "environments-closed",
                "multi-node",
                "no-environment-fits",
            }
        ),
        "undetermined",
        "AWS sees that the first job in line is blocked, and does not know why",
        "look at instance role, subnets, security groups, image and user data of the environments",
        f"{GUIDE}job_stuck_in_runnable_undetermined.html",
        "possible",
    ),
)
"""The first row whose prefix fits speaks."""


def words_of(reason: str) -> Words | None:
    return next((row for row in WORDS if reason.startswith(row.prefix)), None)


def quoted(scene: Scene) -> Iterator[tuple[Words, Found]]:
    """What AWS says at the jobs in line, each row once; the first in line first."""
    seen: set[str] = set()
    for job in scene.in_line:
        row = words_of(job.get("statusReason") or "")
        if row is not None and row.prefix not in seen:
            seen.add(row.prefix)
            evidence = (f'AWS says of {told(job)}: "{job["statusReason"]}"',)
            first = job is scene.first
            says = row.says if first else row.says.replace("the first job in line", "a job in line")
            yield row, Found(says, evidence, row.mend, row.likelihood, (job["jobId"],), first)
