"""From CloudFormation's care to ours: what it made is adopted as it is, and then nothing is left to do."""

from pathlib import Path
from typing import Any

from plans.change import Action
from plans.handover import adopting
from plans.manifest import Manifest, Source
from reconciler.adapters.cloudformation.context import read_context
from reconciler.adapters.cloudformation.convert import convert
from reconciler.adapters.cloudformation.known import merged
from reconciler.adapters.cloudformation.manifests import manifest
from reconciler.adapters.cloudformation.template import read
from tests.kit import Stage, kinds, on_stage

DATA = Path(__file__).parents[3] / "data" / "cloudformation"
BATCH = "arn:aws:batch:eu-west-1:123456789012"
LIVE = f"""
{{"AWS::Region": eu-west-1, "AWS::AccountId": "123456789012", "AWS::StackName": instances,
 Template576A9730: lt-1, LargeSecurityGroup0955AF8F: sg-1, LargeInstanceProfile6EAE5AD1: profile,
 Large042670E0: "{BATCH}:compute-environment/Large042670E0-a1b2c3",
 Shares685AF19C: "{BATCH}:scheduling-policy/Shares685AF19C-d4e5f6",
 Line6A92B2B2: "{BATCH}:job-queue/instances-line"}}
"""


def instances(live: str = LIVE) -> Manifest:
    """The manifest of the stack `Instances`, with what CloudFormation made of it."""
    path = DATA / "Instances.template.json"
    known = merged([read_context(Source("live.yaml", live.encode()))])
    made = convert(read(Source(path.name, path.read_bytes())), known, kinds())
    return manifest(made, variables={}, kinds=kinds())


def deployed(stage: Stage) -> None:
    """Make what CloudFormation would have made of that template."""
    world: Any = stage.world
    policy = world.create_scheduling_policy(
        name="Shares685AF19C-d4e5f6",
        fairsharePolicy={
            "shareDecaySeconds": 3600,
            "shareDistribution": [
                {"shareIdentifier": "blue", "weightFactor": 1.0},
                {"shareIdentifier": "red*", "weightFactor": 0.5},
            ],
        },
    )
    large = world.create_compute_environment(
        computeEnvironmentName="Large042670E0-a1b2c3",
        type="MANAGED",
        state="ENABLED",
        computeResources={
            "type": "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "ec2Configuration": [{"imageType": "ECS_AL2023"}],
            "instanceRole": "arn:aws:iam::123456789012:instance-profile/profile",
            "instanceTypes": ["c6i.xlarge"],
            "launchTemplate": {"launchTemplateId": "lt-1"},
            "maxvCpus": 256,
            "minvCpus": 0,
            "securityGroupIds": ["sg-1"],
            "subnets": ["subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2"],
        },
    )
    stage.settle()
    world.update_compute_environment(
        computeEnvironment="Large042670E0-a1b2c3",
        updatePolicy={"jobExecutionTimeoutMinutes": 60, "terminateJobsOnUpdate": True},
    )
    stage.settle()
    world.create_job_queue(
        jobQueueName="instances-line",
        priority=1,
        state="ENABLED",
        schedulingPolicyArn=policy["arn"],
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": large["computeEnvironmentArn"]}],
    )
    stage.settle()


@on_stage()
def test_what_cloudformation_made_is_adopted_as_it_is(stage: Stage) -> None:
    """Under the names that it gave: tags alone are set, no object is made, and the plan is empty afterwards."""
    deployed(stage)
    before = stage.all
    wanted = instances()
    report = stage.apply(adopting(wanted), handing_over=True)
    assert report.exit_code == 0
    assert set(stage.mutations) == {"TagResource"}
    assert stage.all == before
    assert stage.plan(wanted).empty


@on_stage()
def test_without_the_live_names_others_would_be_made(stage: Stage) -> None:
    """So that the note on names that nobody knows is no idle one."""
    deployed(stage)
    bare = "\n".join(line for line in LIVE.splitlines() if "BATCH" not in line and "arn:" not in line)
    plan = stage.plan(instances(f"{bare.rstrip(', ')}}}"))
    assert [str(change.address) for change in plan.changes if change.action is Action.CREATE] == [
        "scheduling_policy.Shares",
        "compute_environment.Large",
    ]
