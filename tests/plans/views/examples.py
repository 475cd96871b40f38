"""Plans and reports that the views are shown with, and that the golden files hold."""

from collections.abc import Mapping

from plans.change import Action, Change, Difference, Impact, Refusal
from plans.plan import NOW, Estimate, Goal, Plan, Step
from plans.report import Outcome, Report
from providers.resources import STACK_TAG, Address, JobCount, Ref

SPOT = Address("compute_environment", "spot")
BIG = Address("compute_environment", "big")
HIGH = Address("job_queue", "high")
OLD = Address("job_queue", "old")
ALIGN = Address("job_definition", "align")
FAIR = Address("scheduling_policy", "fair")

HOSTILE = '\x1b[31m</pre></code><script>alert(1)</script>```\r\n@team | [x](http://e) ![i](u) <b> & "q" \u202etxt\\'


def plan_of(
    changes: tuple[Change, ...] = (),
    steps: tuple[Step, ...] = (),
    refusals: tuple[Refusal, ...] = (),
    warnings: tuple[str, ...] = (),
    unobserved: Mapping[str, str] | None = None,
    estimate: Estimate | None = None,
) -> Plan:
    return Plan(
        id="9f2c41d07be3a865",
        stack="genomics",
        target={"provider": "aws", "regionSource": "the manifest"},
        account="111122223333",
        region="eu-west-1",
        versions={"batchwright": "0.1.0", "botocore": "1.44.5"},
        made_at="2026-11-22T06:40:00Z",
        changes=changes,
        steps=steps,
        refusals=refusals,
        warnings=warnings,
        unobserved=unobserved or {},
        estimate=estimate,
    )


NO_CHANGES = plan_of(
    changes=(
        Change(FAIR, "fair", Action.NOOP),
        Change(SPOT, "dev-spot", Action.NOOP),
        Change(HIGH, "dev-high", Action.NOOP),
    ),
    unobserved={"service_environment": "AccessDenied: not authorized to perform batch:DescribeServiceEnvironments"},
)

FIRST = plan_of(
    changes=(
        Change(SPOT, "dev-spot", Action.CREATE),
        Change(HIGH, "dev-high", Action.CREATE),
        Change(ALIGN, "dev-align", Action.CREATE),
    ),
    steps=(
        Step(
            "compute_environment.spot/create",
            "compute_environment.spot",
            "CreateComputeEnvironment",
            arguments={
                "computeEnvironmentName": "dev-spot",
                "type": "MANAGED",
                "computeResources": {
                    "type": "SPOT",
                    "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
                    "minvCpus": 0,
                    "maxvCpus": 256,
                    "instanceTypes": ["c6i", "m6i"],
                    "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718", "subnet-2a1b2c3d4e5f60718"],
                    "securityGroupIds": ["sg-0123456789abcdef0"],
                    "instanceRole": "ecsInstanceRole",
                },
                "tags": {STACK_TAG: "genomics", "batchwright:address": "compute_environment.spot", "team": "genomics"},
            },
            goal=Goal("compute_environment", "dev-spot", "settled"),
        ),
        Step(
            "job_queue.high/create",
            "job_queue.high",
            "CreateJobQueue",
            arguments={
                "jobQueueName": "dev-high",
                "priority": 10,
                "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": Ref(SPOT)}],
                "tags": {STACK_TAG: "genomics"},
            },
            goal=Goal("job_queue", "dev-high", "settled"),
            after=("compute_environment.spot/create",),
        ),
        Step(
            "job_definition.align/register",
            "job_definition.align",
            "RegisterJobDefinition",
            arguments={
                "jobDefinitionName": "dev-align",
                "type": "container",
                "containerProperties": {
                    "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/align@sha256:" + "0123456789abcdef" * 4,
                    "command": ["sh", "-c", "set -eu\naws s3 cp Ref::input in.fastq\nalign in.fastq\n"],
                    "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}],
                    "environment": [{"name": "DB_PASSWORD", "value": "(secret 1f2e3d4c)"}],
                },
                "tags": {"batchwright:registered": NOW, "batchwright:digest": "c0ffee"},
            },
            goal=Goal("job_definition", "dev-align", "seen"),
        ),
    ),
    estimate=Estimate(11, 95.0),
)

_NOT_IN_PLACE = "computeResources.type cannot be changed in place"

MIXED = plan_of(
    changes=(
        Change(FAIR, "dev-fair", Action.NOOP),
        Change(
            SPOT,
            "dev-spot",
            Action.UPDATE,
            Impact.INFRASTRUCTURE,
            "instances are recycled",
            differences=(
                Difference(
                    "computeResources.instanceTypes",
                    ["c5.large", "c5.xlarge", "c5.2xlarge", "c5.4xlarge", "m5.large", "m5.xlarge", "m5.2xlarge"],
                    ["c6i.large", "c5.xlarge", "c5.2xlarge", "c5.4xlarge", "m5.large", "m5.xlarge", "m5.2xlarge"],
                    "compute_environment.instances",
                    "instances are recycled",
                ),
                Difference("computeResources.maxvCpus", 128, 256, "compute_environment.scaling", "scales, no more"),
                Difference("tags[team]", None, "genomics", "tags"),
            ),
        ),
        Change(
            BIG,
            "dev-big",
            Action.REPLACE,
            Impact.REPLACEMENT,
            _NOT_IN_PLACE,
            differences=(
                Difference("computeResources.type", "EC2", "SPOT", "compute_environment.type", _NOT_IN_PLACE),
            ),
        ),
        Change(
            HIGH,
            "dev-high",
            Action.UPDATE,
            Impact.NONE,
            differences=(
                Difference(
                    "computeEnvironmentOrder[1].computeEnvironment",
                    "arn:aws:batch:eu-west-1:111122223333:compute-environment/dev-big",
                    Ref(BIG),
                    "job_queue.order",
                    "a queue is updated in place",
                ),
                Difference("priority", 10, 20, "job_queue.priority", "a queue is updated in place"),
            ),
        ),
        Change(
            ALIGN,
            "dev-align",
            Action.REGISTER,
            Impact.REVISION,
            "a definition is never changed, a new revision is registered",
            differences=(
                Difference(
                    "containerProperties.command",
                    ["sh", "-c", "set -eu\naws s3 cp Ref::input in.fastq\nalign in.fastq\n"],
                    ["sh", "-c", "set -eu\naws s3 cp Ref::input in.fastq\nalign --threads 2 in.fastq\n"],
                    "job_definition.revision",
                ),
                Difference(
                    "containerProperties.environment[DB_PASSWORD].value",
                    "(secret 1f2e3d4c)",
                    "(secret 55aa0911)",
                    "job_definition.revision",
                ),
                Difference("timeout.attemptDurationSeconds", 3600, None, "job_definition.revision"),
            ),
        ),
        Change(
            OLD,
            "dev-old",
            Action.DELETE,
            Impact.OUTAGE,
            "left the manifest",
            jobs=JobCount(
                {"RUNNABLE": 12, "RUNNING": 2}, longest=4000.0, fate="they would end with it, so the plan is refused"
            ),
        ),
    ),
    steps=(
        Step("compute_environment.spot/update", "compute_environment.spot", "UpdateComputeEnvironment"),
        Step("compute_environment.big/create", "compute_environment.big", "CreateComputeEnvironment"),
        Step(
            "job_queue.high/update",
            "job_queue.high",
            "UpdateJobQueue",
            after=("compute_environment.spot/update", "compute_environment.big/create"),
            why="the queue moves to the new environment",
        ),
        Step(
            "compute_environment.big/unreferenced",
            "compute_environment.big",
            None,
            goal=Goal("compute_environment", "dev-big", "unreferenced"),
            after=("job_queue.high/update",),
        ),
        Step(
            "compute_environment.big/delete",
            "compute_environment.big",
            "DeleteComputeEnvironment",
            after=("compute_environment.big/unreferenced",),
        ),
        Step("job_definition.align/register", "job_definition.align", "RegisterJobDefinition"),
        Step("job_queue.old/disable", "job_queue.old", "UpdateJobQueue"),
        Step(
            "job_queue.old/enable", "job_queue.old", "UpdateJobQueue", after=("job_queue.old/disable",), when="failed"
        ),
        Step("job_queue.old/delete", "job_queue.old", "DeleteJobQueue", after=("job_queue.old/disable",)),
    ),
    refusals=(
        Refusal(
            "job_queue.old",
            "jobs",
            "the queue holds 14 unfinished jobs (12 RUNNABLE, 2 RUNNING) and its drain mode is refuse",
            "give --drain wait, or --drain terminate if the jobs may be lost",
        ),
    ),
    warnings=("computeResources.newField is known to the installed botocore, and no rule is known for it",),
    unobserved={"quota_share": "the endpoint does not know ListQuotaShares"},
    estimate=Estimate(40, 750.0),
)

IN_PART = Report(
    plan_id=MIXED.id,
    outcomes=(
        Outcome(
            "compute_environment.spot/update", "compute_environment.spot", "UpdateComputeEnvironment", "done", 241.0
        ),
        Outcome(
            "compute_environment.big/create",
            "compute_environment.big",
            "CreateComputeEnvironment",
            "failed",
            0.42,
            error="CreateComputeEnvironment: User: arn:aws:iam::111122223333:user/ci is not authorized to perform: "
            "batch:CreateComputeEnvironment (AccessDeniedException) [request 7a1f]",
            hint="`batchwright iam` prints the policy that this plan needs",
        ),
        Outcome(
            "job_queue.high/update",
            "job_queue.high",
            "UpdateJobQueue",
            "skipped",
            because="compute_environment.big/create",
        ),
        Outcome(
            "compute_environment.big/unreferenced",
            "compute_environment.big",
            None,
            "skipped",
            because="compute_environment.big/create",
        ),
        Outcome("job_definition.align/register", "job_definition.align", "RegisterJobDefinition", "done", 1.3),
    ),
    calls={
        "UpdateComputeEnvironment": 1,
        "CreateComputeEnvironment": 1,
        "DescribeComputeEnvironments": 14,
        "RegisterJobDefinition": 1,
    },
    throttles=3,
    seconds=262.3,
)

NOT_CONVERGED = Report(
    plan_id=MIXED.id,
    outcomes=(Outcome("job_queue.high/update", "job_queue.high", "UpdateJobQueue", "done", 3.0),),
    calls={"UpdateJobQueue": 1, "DescribeJobQueues": 3},
    seconds=64.0,
    residue=plan_of(
        changes=(
            Change(
                HIGH, "dev-high", Action.UPDATE, differences=(Difference("priority", 15, 20, "job_queue.priority"),)
            ),
        ),
        steps=(Step("job_queue.high/update", "job_queue.high", "UpdateJobQueue"),),
    ),
)

_SPOT_OLD = "arn:aws:batch:eu-west-1:111122223333:compute-environment/dev-spot"
_ROLE = "the API has no update for the service role"
_MOVED = "it was said to be moved along"

REPLACED = plan_of(
    changes=(
        Change(
            SPOT,
            "dev-spot-1a2b3c4d",
            Action.REPLACE,
            Impact.REPLACEMENT,
            _ROLE,
            differences=(
                Difference("name", "dev-spot", "dev-spot-1a2b3c4d", "replace", "a new object has a name of its own"),
                Difference("serviceRole", "old", "new", "role", _ROLE),
                Difference("computeResources.subnets", ["subnet-1"], ["subnet-1"], "network", "it is sent once more"),
            ),
        ),
        Change(
            HIGH,
            "dev-high",
            Action.UPDATE,
            differences=(
                Difference(
                    f"computeEnvironmentOrder[{_SPOT_OLD}]",
                    {"order": 1, "computeEnvironment": _SPOT_OLD},
                    None,
                    "in-place",
                ),
                Difference(
                    f"computeEnvironmentOrder[{SPOT}#arn]",
                    None,
                    {"order": 1, "computeEnvironment": Ref(SPOT)},
                    "in-place",
                ),
            ),
        ),
        Change(
            Address("job_queue", "theirs"),
            "theirs",
            Action.UPDATE,
            reason=_MOVED,
            differences=(
                Difference(
                    "computeEnvironmentOrder", ["dev-spot", "big"], ["dev-spot-1a2b3c4d", "big"], "move", _MOVED
                ),
            ),
            owner="other",
        ),
    ),
    steps=(
        Step(
            f"create:{SPOT}",
            str(SPOT),
            "CreateComputeEnvironment",
            goal=Goal("compute_environment", "dev-spot-1a2b3c4d", "settled"),
        ),
        Step(
            "create:job_queue.spot.canary",
            "job_queue.spot.canary",
            "CreateJobQueue",
            goal=Goal("job_queue", "dev-spot-1a2b3c4d-canary", "settled"),
            after=(f"create:{SPOT}",),
        ),
        Step(
            f"canary:{SPOT}",
            str(SPOT),
            "SubmitJob",
            {"jobDefinition": Ref(ALIGN)},
            goal=Goal("job", "dev-spot-1a2b3c4d-canary", "succeeded"),
            after=("create:job_queue.spot.canary",),
        ),
        Step(
            f"update:{HIGH}",
            str(HIGH),
            "UpdateJobQueue",
            goal=Goal(
                "job_queue",
                "dev-high",
                "settled",
                {"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": Ref(SPOT)}]},
            ),
            after=(f"canary:{SPOT}",),
        ),
        Step(
            f"move:{SPOT}:theirs",
            str(SPOT),
            "UpdateJobQueue",
            goal=Goal(
                "job_queue",
                "theirs",
                "settled",
                {"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": Ref(SPOT)}]},
            ),
            after=(f"canary:{SPOT}",),
        ),
        Step(
            f"unreferenced:{SPOT}:dev-spot",
            str(SPOT),
            None,
            goal=Goal("job_queue", _SPOT_OLD, "unreferenced"),
            after=(f"update:{HIGH}", f"move:{SPOT}:theirs"),
        ),
        Step(
            f"disable:{SPOT}:dev-spot",
            str(SPOT),
            "UpdateComputeEnvironment",
            goal=Goal("compute_environment", "dev-spot", "disabled"),
            after=(f"unreferenced:{SPOT}:dev-spot",),
        ),
        Step(
            f"drain:{SPOT}:dev-spot",
            str(SPOT),
            None,
            goal=Goal("compute_environment", "dev-spot", "drained"),
            after=(f"disable:{SPOT}:dev-spot",),
        ),
        Step(
            f"delete:{SPOT}:dev-spot",
            str(SPOT),
            "DeleteComputeEnvironment",
            goal=Goal("compute_environment", "dev-spot", "gone"),
            after=(f"drain:{SPOT}:dev-spot",),
        ),
    ),
)

DONE = Report(
    plan_id=FIRST.id,
    outcomes=tuple(Outcome(step.id, step.address, step.call, "done", 12.0) for step in FIRST.steps),
    calls={"CreateComputeEnvironment": 1, "CreateJobQueue": 1, "RegisterJobDefinition": 1, "DescribeJobQueues": 4},
    seconds=31.0,
    residue=NO_CHANGES,
)

HOSTILE_PLAN = plan_of(
    changes=(
        Change(
            Address("job_definition", HOSTILE),
            HOSTILE,
            Action.REGISTER,
            Impact.REVISION,
            HOSTILE,
            differences=(
                Difference(HOSTILE, HOSTILE, [HOSTILE, {HOSTILE: HOSTILE}], HOSTILE, HOSTILE),
                Difference("parameters", {"a": HOSTILE * 4}, {"a": "b" * 500}, "r"),
            ),
        ),
    ),
    steps=(Step(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, after=(HOSTILE,), why=HOSTILE),),
    refusals=(Refusal(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
    warnings=(HOSTILE,),
    unobserved={HOSTILE: HOSTILE},
)

HOSTILE_REPORT = Report(
    plan_id=HOSTILE,
    outcomes=(Outcome(HOSTILE, HOSTILE, HOSTILE, "failed", 1.0, HOSTILE, HOSTILE, HOSTILE),),
    calls={HOSTILE: 1},
    residue=HOSTILE_PLAN,
)

REPLACED_DONE = Report(
    plan_id=REPLACED.id,
    outcomes=tuple(Outcome(step.id, step.address, step.call, "done", 12.0) for step in REPLACED.steps),
    seconds=108.0,
)

PLANS: Mapping[str, tuple[Plan, Report | None]] = {
    "no_changes": (NO_CHANGES, None),
    "first": (FIRST, None),
    "mixed": (MIXED, None),
    "done": (FIRST, DONE),
    "in_part": (MIXED, IN_PART),
    "not_converged": (MIXED, NOT_CONVERGED),
    "replaced": (REPLACED, None),
    "replaced_done": (REPLACED, REPLACED_DONE),
    "hostile": (HOSTILE_PLAN, HOSTILE_REPORT),
}
