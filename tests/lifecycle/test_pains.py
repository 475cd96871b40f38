"""What people reported of other tools, each as a test of a whole run.

docs/known-pains.md says which test holds which report.
"""

import json

import pytest
from botocore.exceptions import ClientError

from providers.errors import PlanRefused
from providers.simulator import Fault
from providers.simulator import Settings as Simulated
from tests.kit import LAB, TRAINING, Stage, cut, edit, manifest, on_stage

MINE = [{"name": "JOB_NAME", "values": ["job*"]}]


def submit(stage: Stage, queue: str = "lab-high", definition: str = "lab-align", number: int = 1) -> None:
    for place in range(number):
        stage.world.submit_job(jobName=f"job{place}", jobQueue=queue, jobDefinition=definition)


@on_stage()
def test_vcpus_that_moved_with_the_load_are_left_alone(stage: Stage) -> None:
    """Neither reset to nothing nor in the way of another change (hashicorp/terraform-provider-aws#4788, #5097)."""
    stage.apply(LAB)
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"desiredvCpus": 8})
    stage.settle(120)
    assert stage.environment("lab-spot")["computeResources"]["desiredvCpus"] == 8
    assert stage.plan(LAB).empty
    assert stage.apply(edit(LAB, ("maxvCpus: 64", "maxvCpus: 32"))).exit_code == 0
    assert stage.environment("lab-spot")["computeResources"]["maxvCpus"] == 32


@on_stage()
def test_a_change_while_jobs_run_goes_through(stage: Stage) -> None:
    """Unless it is one that AWS refuses for as long as they run: then the plan says so, and calls nothing
    (opensupplyhub/open-apparel-registry#2043)."""
    stage.apply(LAB)
    submit(stage, number=6)
    stage.settle(60)
    desired = stage.environment("lab-spot")["computeResources"]["desiredvCpus"]
    assert desired >= 6
    with pytest.raises(PlanRefused, match=f"while {desired} vCPUs are desired"):
        stage.apply(edit(LAB, ("maxvCpus: 64", "maxvCpus: 4")))
    assert stage.mutations == []
    text = edit(LAB, ("maxvCpus: 64", "maxvCpus: 32"))
    assert stage.apply(text).exit_code == 0
    stage.settle()
    assert len(stage.world.list_jobs(jobQueue="lab-high", jobStatus="SUCCEEDED")["jobSummaryList"]) == 6
    assert stage.apply(edit(LAB, ("maxvCpus: 64", "maxvCpus: 4"))).exit_code == 0


@on_stage()
def test_machines_change_in_place(stage: Stage) -> None:
    """The environment stays the same object, under the same name (hashicorp/terraform-provider-aws#24374)."""
    stage.apply(LAB)
    before = stage.environment("lab-spot")
    assert stage.apply(edit(LAB, ("[c6i]", "[m6i]"))).exit_code == 0
    after = stage.environment("lab-spot")
    assert [after[key] for key in ("computeEnvironmentArn", "uuid")] == [
        before[key] for key in ("computeEnvironmentArn", "uuid")
    ]
    assert after["computeResources"]["instanceTypes"] == ["m6i"]


@on_stage()
def test_a_launch_template_is_added_in_place(stage: Stage) -> None:
    """No second environment of the same name is tried (hashicorp/terraform-provider-aws#44644)."""
    stage.apply(LAB)
    text = edit(LAB, ("      minvCpus: 0\n", "      minvCpus: 0\n      launchTemplate: {launchTemplateName: it}\n"))
    assert stage.apply(text).exit_code == 0
    assert set(stage.mutations) == {"UpdateComputeEnvironment"}
    assert stage.environment("lab-spot")["computeResources"]["launchTemplate"]["launchTemplateName"] == "it"
    assert stage.plan(text).empty


@on_stage()
def test_tags_of_a_queue_with_jobs_change_in_place(stage: Stage) -> None:
    """Jobs in it stay, and it is not updated (aws-cloudformation/cloudformation-coverage-roadmap#2463,
    aws/aws-cdk#21988)."""
    stage.apply(LAB)
    submit(stage, number=3)
    before = stage.world.list_jobs(jobQueue="lab-high", filters=MINE)
    assert stage.apply(edit(LAB, ("high: {", "high: {tags: {team: red}, "))).exit_code == 0
    assert stage.mutations == ["TagResource"]
    assert stage.queue("lab-high")["tags"]["team"] == "red"
    after = stage.world.list_jobs(jobQueue="lab-high", filters=MINE)
    assert [job["jobId"] for job in after["jobSummaryList"]] == [job["jobId"] for job in before["jobSummaryList"]]
    assert len(after["jobSummaryList"]) == 3


@on_stage()
def test_tags_of_an_environment_change_in_place_and_by_their_own_calls(stage: Stage) -> None:
    """It is neither replaced nor updated (aws-cloudformation/cloudformation-coverage-roadmap#2270, #1230;
    aws/aws-cdk#21988)."""
    stage.apply(LAB)
    uuid = stage.environment("lab-spot")["uuid"]
    assert stage.apply(edit(LAB, ("  spot: &environment\n", "  spot: &environment\n    tags: {a: b}\n"))).exit_code == 0
    assert set(stage.mutations) == {"TagResource"}
    assert stage.environment("lab-spot")["uuid"] == uuid
    assert stage.environment("lab-spot")["tags"]["a"] == "b"


@on_stage()
def test_an_apply_registers_nothing_that_is_there(stage: Stage) -> None:
    """However often it runs (hashicorp/terraform-provider-aws#19624, flatironinstitute/dendro-old#109)."""
    for _ in range(4):
        assert stage.apply(TRAINING).exit_code == 0
    assert stage.mutations == []
    assert stage.revisions("lab-align") == [1]


WORDY = """
stack: lab
jobDefinitions:
  step:
    type: container
    platformCapabilities: [FARGATE]
    timeout: {attemptDurationSeconds: 3600}
    retryStrategy: {attempts: 3, evaluateOnExit: [{action: RETRY, onExitCode: "3"}, {action: EXIT, onExitCode: "1"}]}
    containerProperties:
      image: step:1
      executionRoleArn: arn:aws:iam::123456789012:role/runs-tasks
      resourceRequirements: [{type: VCPU, value: "0.50"}, {type: MEMORY, value: "1024"}]
      environment: [{name: B, value: "2"}, {name: A, value: "1"}, {name: EMPTY, value: ""}]
      logConfiguration: {logDriver: awslogs, options: {}}
"""
"""What AWS shows in other words: other case and order, defaults, empty lists, and without what is empty."""


@on_stage()
def test_what_aws_says_in_other_words_is_registered_once(stage: Stage) -> None:
    """hashicorp/terraform-provider-aws#19624."""
    for _ in range(3):
        assert stage.apply(WORDY).exit_code == 0
    shown = stage.world.describe_job_definitions(jobDefinitionName="step")["jobDefinitions"]
    assert [one["revision"] for one in shown] == [1]
    assert shown[0]["retryStrategy"]["evaluateOnExit"][0]["action"] == "retry"
    assert "EMPTY" not in json.dumps(shown[0])


@on_stage()
def test_callers_of_the_last_revision_go_on(stage: Stage) -> None:
    """It stays ACTIVE beside the new one, and beyond that as many as are said
    (aws-cloudformation/cloudformation-coverage-roadmap#1761, aws/aws-cdk#9144)."""
    for number in (1, 2):
        stage.apply(edit(LAB, ("align:1", f"align:{number}")))
    submit(stage, definition="lab-align:1")
    stage.settle()
    assert len(stage.world.list_jobs(jobQueue="lab-high", jobStatus="SUCCEEDED")["jobSummaryList"]) == 1
    text = edit(LAB, ("  align:\n", "  align:\n    rollout: {keep: 2}\n"), ("align:1", "align:3"))
    assert stage.apply(text).exit_code == 0
    assert stage.revisions("lab-align") == [2, 3]


@on_stage()
def test_a_priority_of_jobs_is_registered_zero_included(stage: Stage) -> None:
    """A queue with a fair-share policy takes no job without one (hashicorp/terraform-provider-aws#31226)."""
    fair = edit(LAB, ("high: {", "high: {schedulingPolicyArn: fair, "))
    text = edit(fair, ("  align:\n", "  align:\n    schedulingPriority: 0\n"))
    assert stage.apply(text).exit_code == 0
    job = {"jobName": "job", "jobQueue": "lab-high", "shareIdentifier": "a"}
    stage.world.submit_job(jobDefinition="lab-align", **job)
    with pytest.raises(ClientError, match="schedulingPriority"):
        stage.world.submit_job(jobDefinition="lab-sort", **job)
    assert stage.plan(text).empty
    assert stage.apply(fair).exit_code == 0
    with pytest.raises(ClientError, match="schedulingPriority"):
        stage.world.submit_job(jobDefinition="lab-align", **job)


@on_stage()
def test_the_newest_revision_is_reported(stage: Stage) -> None:
    """The one just registered, not the one before (hashicorp/terraform-provider-aws#36824)."""
    for number in (1, 2, 3):
        text = edit(LAB, ("align:1", f"align:{number}"))
        produced = stage.apply(text).produced["job_definition.align"]
        assert produced.endswith(f"job-definition/lab-align:{number}")
        assert stage.reconciler.output(manifest(text))["job_definition.align"]["arn"] == produced


@on_stage()
def test_a_new_revision_has_all_tags(stage: Stage) -> None:
    """AWS carries none over from the revision before (pulumi/pulumi-aws#4656)."""
    stage.apply(edit(LAB, ("  align:\n", "  align:\n    tags: {step: first}\n")))
    stage.apply(edit(LAB, ("  align:\n", "  align:\n    tags: {step: first}\n"), ("align:1", "align:2")))
    shown = {
        each["revision"]: each["tags"]
        for each in stage.world.describe_job_definitions(jobDefinitionName="lab-align")["jobDefinitions"]
    }
    assert {key: shown[2][key] for key in ("team", "step")} == {"team": "blue", "step": "first"}
    assert shown[1].keys() <= shown[2].keys()


@on_stage()
def test_a_queue_named_its_environments_by_name_or_by_arn(stage: Stage) -> None:
    """Describe shows ARNs whatever was sent (hashicorp/terraform-provider-aws#33376)."""
    stage.apply(LAB)
    arns = [stage.environment(name)["computeEnvironmentArn"] for name in ("lab-spot", "lab-ondemand")]
    assert stage.plan(edit(LAB, ("[spot, ondemand]", json.dumps(arns)))).empty
    assert stage.plan(edit(LAB, ("[spot, ondemand]", json.dumps([arns[0], "ondemand"])))).empty


@on_stage()
def test_an_order_that_somebody_turned_round_is_drift_and_is_healed(stage: Stage) -> None:
    """hashicorp/terraform-provider-aws#8083."""
    stage.apply(LAB)
    order = stage.queue("lab-high")["computeEnvironmentOrder"]
    turned = [{**entry, "order": 3 - entry["order"]} for entry in order]
    stage.world.update_job_queue(jobQueue="lab-high", computeEnvironmentOrder=turned)
    stage.settle()
    assert [str(each.address) for each in stage.plan(LAB).changes if each.differences] == ["job_queue.high"]
    assert stage.apply(LAB).exit_code == 0
    assert stage.queue("lab-high")["computeEnvironmentOrder"] == order


LESS = edit(
    cut(LAB, "  ondemand:", "jobQueues:"),
    ("[spot, ondemand]", "[spot]"),
    ("computeEnvironmentOrder: [ondemand]", "computeEnvironmentOrder: [spot]"),
)


@on_stage(simulated=Simulated(relation_lag=120))
def test_an_environment_goes_after_its_queues_have_let_go_of_it(stage: Stage) -> None:
    """Also where AWS goes on for a while to say that there is a relationship (hashicorp/terraform-provider-aws#46925,
    #13221; pulumi/pulumi-aws#6233)."""
    stage.apply(LAB)
    assert stage.apply(LESS).exit_code == 0
    first = stage.mutations.index("DeleteComputeEnvironment")
    assert sorted(stage.mutations[:first]) == ["UpdateComputeEnvironment", "UpdateJobQueue", "UpdateJobQueue"]
    assert set(stage.mutations[first:]) == {"DeleteComputeEnvironment"}
    assert stage.calls["DeleteComputeEnvironment"] > 1
    assert stage.environment("lab-ondemand") == {}
    assert stage.plan(LESS).empty


@on_stage()
def test_a_queue_that_is_being_modified_is_deleted_when_it_may(stage: Stage) -> None:
    """astronomer/astronomer-providers#413."""
    stage.apply(LAB)
    text = cut(LAB, "  low: {priority: 1, computeEnvironmentOrder: [ondemand]}", "jobDefinitions:")
    writes = ("UpdateJobQueue", {"jobQueue": "lab-low", "priority": 5})
    stage.simulator.inject(Fault("DeleteJobQueue", "foreign", writes=writes))
    assert stage.apply(text).exit_code == 0
    assert stage.calls["DeleteJobQueue"] > 1
    assert stage.queue("lab-low") == {}


@on_stage()
def test_a_plan_is_made_without_a_change_whatever_differs(stage: Stage) -> None:
    """From nothing, of changes and of deletions (ansible-collections/community.aws#147)."""
    for applied, planned in (("", LAB), (LAB, LESS), (LAB, edit(LAB, ("[c6i]", "[m6i]"), ("align:1", "align:2")))):
        if applied:
            stage.apply(applied)
        before = stage.all
        assert not stage.plan(planned).empty
        assert stage.mutations == []
        assert stage.all == before


@on_stage()
def test_many_objects_are_read_in_few_calls(stage: Stage) -> None:
    """Batches of a hundred, not one call for each (Netflix/metaflow#138, AlexsLemonade/refinebio#3376)."""
    block = json.loads('{"fairsharePolicy": {"shareDecaySeconds": 60}}')
    text = json.dumps({"stack": "lab", "schedulingPolicies": {f"fair{number}": block for number in range(90)}})
    stage.apply(text)
    assert stage.plan(text).empty
    assert stage.calls["DescribeSchedulingPolicies"] == 1
    assert sum(stage.calls.values()) < 20


@on_stage()
def test_a_first_look_sees_no_drift(stage: Stage) -> None:
    """Not the state, the image type, the role or the vCPUs that AWS fills in (go-to-k/cdk-real-drift#1501)."""
    stage.apply(LAB)
    shown = stage.environment("lab-spot")
    assert {"state", "serviceRole"} <= shown.keys()
    assert {"ec2Configuration", "desiredvCpus"} <= shown["computeResources"].keys()
    assert stage.reconciler.drift(manifest(LAB)).empty


@on_stage()
def test_the_type_of_resources_is_told_in_any_case(stage: Stage) -> None:
    """aws/aws-cdk#31621."""
    lower = edit(
        LAB, ("type: MANAGED", "type: managed"), ("type: SPOT", "type: spot"), ("type: container", "type: CONTAINER")
    )
    assert stage.apply(lower).exit_code == 0
    assert stage.plan(lower).empty
    assert stage.plan(LAB).empty


@on_stage()
def test_fargate_is_told_what_changes_and_nothing_else(stage: Stage) -> None:
    """It refuses an update that names more, changed or not (aws/aws-cdk#27054)."""
    text = """
stack: lab
computeEnvironments:
  serverless:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 512, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""
    more = edit(text, ("512", "1024"))
    stage.apply(text)
    assert stage.apply(more).exit_code == 0
    assert stage.mutations == ["UpdateComputeEnvironment"]
    assert stage.environment("serverless")["computeResources"]["maxvCpus"] == 1024
    assert stage.plan(more).empty


@on_stage()
def test_a_minimum_of_nothing_is_a_minimum(stage: Stage) -> None:
    """It is neither dropped nor sent as null (aws/aws-cdk#25206); and so is a priority of nothing."""
    text = edit(LAB, ("minvCpus: 0", "minvCpus: 4"))
    stage.apply(text)
    assert stage.apply(edit(LAB, ("priority: 1,", "priority: 0,"))).exit_code == 0
    assert stage.environment("lab-spot")["computeResources"]["minvCpus"] == 0
    assert stage.queue("lab-low")["priority"] == 0


@on_stage()
def test_vcpus_of_an_unmanaged_environment(stage: Stage) -> None:
    """They are made, changed and taken back (hashicorp/terraform-provider-aws#49311)."""
    text = """
stack: lab
computeEnvironments:
  mine: {type: UNMANAGED, serviceRole: arn:aws:iam::123456789012:role/it, unmanagedvCpus: 8}
"""
    for wanted, told in ((text, 8), (edit(text, ("8}", "16}")), 16), (edit(text, (", unmanagedvCpus: 8", "")), 0)):
        assert stage.apply(wanted).exit_code == 0
        assert stage.environment("mine").get("unmanagedvCpus", 0) == told
        assert stage.plan(wanted).empty


@on_stage()
def test_time_limits_of_a_queue(stage: Stage) -> None:
    """They are made, changed and taken back (hashicorp/terraform-provider-aws#36384)."""
    limit = "{reason: 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT', state: RUNNABLE, action: CANCEL, maxTimeSeconds: %d}"
    for seconds in (600, 1200):
        text = edit(LAB, ("high: {", f"high: {{jobStateTimeLimitActions: [{limit % seconds}], "))
        assert stage.apply(text).exit_code == 0
        assert [row["maxTimeSeconds"] for row in stage.queue("lab-high")["jobStateTimeLimitActions"]] == [seconds]
        assert stage.plan(text).empty
    assert stage.apply(LAB).exit_code == 0
    assert not stage.queue("lab-high").get("jobStateTimeLimitActions")


@on_stage()
def test_an_environment_that_is_invalid_is_disabled_and_deleted(stage: Stage) -> None:
    """Nobody waits for it to be VALID first (hashicorp/terraform-provider-aws#26930)."""
    text = cut(LAB, "  ondemand:", "jobQueues:")
    alone = cut(edit(text, ("[spot, ondemand]", "[spot]"), ("[ondemand]", "[spot]")), "jobDefinitions:")
    more = edit(alone, ("jobQueues:\n", "  spare:\n    <<: *environment\njobQueues:\n"))
    stage.apply(more)
    stage.simulator.set_status(
        "environment", "lab-spare", "INVALID", "CLIENT_ERROR - Clusters can not be blank", region=stage.region
    )
    began = stage.clock.now()
    assert stage.apply(alone).exit_code == 0
    assert stage.mutations == ["UpdateComputeEnvironment", "DeleteComputeEnvironment"]
    assert stage.environment("lab-spare") == {}
    assert stage.clock.now() - began < 600
    assert stage.plan(alone).empty
