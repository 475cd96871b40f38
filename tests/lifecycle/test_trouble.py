"""Environments that are not well: INVALID, roles that lag behind, transitions under way."""

from collections.abc import Callable

import pytest

from providers.errors import PlanRefused
from providers.simulator import Fault
from tests.kit import LAB, Stage, edit, on_stage
from tests.lifecycle.test_busy_farm import REPAIR
from tests.lifecycle.test_replacement import A

FARGATE = """
stack: lab
computeEnvironments:
  bad:
    type: MANAGED
    serviceRole: arn:aws:iam::123456789012:role/service-role/missing
    computeResources: &resources {type: FARGATE, maxvCpus: 4, subnets: [subnet-1], securityGroupIds: [sg-1]}
  good:
    type: MANAGED
    computeResources: *resources
jobQueues:
  blocked: {priority: 1, computeEnvironmentOrder: [bad]}
  free: {priority: 1, computeEnvironmentOrder: [good]}
"""
MENDED = edit(FARGATE, ("service-role/missing", "service-role/Batch"))


@on_stage()
def test_a_role_that_is_not_visible_yet_is_sent_again(stage: Stage) -> None:
    """IAM lags behind: within two minutes of a create the role is sent again, each time in the journal and told."""
    stage.simulator.before_call = _heal_after(stage, 2)
    report = stage.apply(FARGATE)
    assert report.exit_code == 0
    assert stage.mutations.count("CreateComputeEnvironment") == 2
    assert stage.mutations.count("UpdateComputeEnvironment") == 2
    told = stage.told("retried")
    assert {(event.step, event.address) for event in told} == {
        ("create:compute_environment.bad", "compute_environment.bad")
    }
    assert all("sts:AssumeRole" in event.detail["error"] for event in told)
    assert stage.queue("blocked")["status"] == "VALID"


@on_stage()
def test_a_role_that_never_works_ends_in_awss_own_words(stage: Stage) -> None:
    """After two minutes INVALID is final: AWS's reason word for word, dependents skipped because of it, others done."""
    began = stage.clock.now()
    report = stage.apply(FARGATE)
    assert report.exit_code == 4
    (failure,) = report.failures
    assert failure.step == "create:compute_environment.bad"
    assert failure.error == (
        "CLIENT_ERROR - Not authorized to perform sts:AssumeRole on"
        " arn:aws:iam::123456789012:role/service-role/missing (Service: null; Status Code: 403)"
    )
    assert failure.hint
    assert 120 <= failure.seconds < 200
    skipped = [outcome for outcome in report.outcomes if outcome.status == "skipped"]
    assert [(outcome.step, outcome.because) for outcome in skipped] == [
        ("create:job_queue.blocked", "create:compute_environment.bad")
    ]
    assert stage.queue("free")["status"] == "VALID"
    assert stage.queue("blocked") == {}
    assert report.residue is None
    assert stage.clock.now() - began < 300


@on_stage()
def test_an_invalid_environment_is_repaired_by_the_next_apply(stage: Stage) -> None:
    """A role that can be assumed, of the same class, is taken in place; what was skipped is made."""
    stage.apply(FARGATE)
    assert stage.apply(MENDED).exit_code == 0
    assert stage.mutations == ["UpdateComputeEnvironment", "CreateJobQueue"]
    assert stage.environment("bad")["status"] == "VALID"
    assert stage.plan(MENDED).empty


LOST = "CLIENT_ERROR - Clusters can not be blank"


def lose(stage: Stage, name: str = "lab-spot") -> None:
    """Somebody deletes the cluster of an environment (aws-samples/aws-batch-genomics#9)."""
    stage.simulator.set_status("environment", name, "INVALID", LOST, region=stage.region)


@on_stage()
def test_more_vcpus_repair_nothing_and_other_machines_do(stage: Stage) -> None:
    """INVALID is refused with a hint, a change of scale too; one of infrastructure repairs."""
    stage.apply(LAB)
    lose(stage)
    scaled = edit(LAB, ("maxvCpus: 64", "maxvCpus: 65"))
    for text in (LAB, scaled):
        (refusal,) = stage.plan(text).refusals
        assert (refusal.code, LOST in refusal.message) == ("invalid", True)
        assert "change the field that the reason names" in str(refusal.hint)
    with pytest.raises(PlanRefused):
        stage.apply(scaled)
    assert stage.mutations == []
    rebuilt = edit(scaled, ("[c6i]", "[c6i, m6i]"))
    assert stage.apply(rebuilt).exit_code == 0
    assert stage.environment("lab-spot")["status"] == "VALID"
    assert stage.plan(rebuilt).empty


@pytest.mark.unmeasured
def test_what_is_invalid_is_replaced_wherever_that_was_cut_short() -> None:
    """That the old one is INVALID again once it is DISABLED is in nobody's way: it goes."""
    whole = Stage.new()
    whole.apply(A)
    lose(whole, "shared")
    forks = whole.forks(lambda stage: stage.apply(A, asked=REPAIR), reads=1000)
    assert whole.mutations[-2:] == ["UpdateComputeEnvironment", "DeleteComputeEnvironment"]
    for at, stage in forks:
        assert stage.apply(A, asked=REPAIR).exit_code == 0, at
        assert stage.all == whole.all, at


@on_stage()
def test_what_is_invalid_is_switched_off_and_then_blocks_nothing(stage: Stage) -> None:
    """It is DISABLED and INVALID, which the plan says, and the rest of the stack goes on."""
    stage.apply(LAB)
    lose(stage)
    parked = edit(LAB, ("  spot: &environment\n", "  spot: &environment\n    state: DISABLED\n"))
    parked = edit(parked, ("    <<: *environment\n", "    <<: *environment\n    state: ENABLED\n"))
    report = stage.apply(parked)
    assert (report.exit_code, stage.mutations) == (0, ["UpdateComputeEnvironment"])
    seen = stage.environment("lab-spot")
    assert (seen["state"], seen["status"]) == ("DISABLED", "INVALID")
    later = stage.plan(parked)
    assert (later.empty, any(LOST in warning for warning in later.warnings)) == (True, True)
    assert stage.apply(edit(parked, ("align:1", "align:2"))).exit_code == 0
    assert stage.mutations == ["RegisterJobDefinition"]


@on_stage()
def test_tags_of_what_is_invalid_are_edited(stage: Stage) -> None:
    """They are seen at once; that it is still INVALID is left to be told."""
    stage.apply(LAB)
    lose(stage)
    tagged = edit(LAB, ("  spot: &environment\n", "  spot: &environment\n    tags: {team: red}\n"))
    tagged = edit(tagged, ("    <<: *environment\n", "    <<: *environment\n    tags: {}\n"))
    report = stage.apply(tagged)
    assert (report.failures, stage.mutations) == ((), ["TagResource"])
    assert stage.environment("lab-spot")["tags"]["team"] == "red"
    assert report.residue is not None
    assert [refusal.code for refusal in report.residue.refusals] == ["invalid"]
    assert report.exit_code == 4


@on_stage()
def test_invalid_for_another_reason_ends_the_wait_at_once(stage: Stage) -> None:
    """What no repetition helps is told as soon as it is seen."""

    def spoil(operation: str, _number: int) -> None:
        if operation.startswith("Describe") and stage.environment("lab-spot").get("status") == "CREATING":
            reason = "CLIENT_ERROR - Launch Template UserData is not MIME multipart format"
            stage.simulator.set_status("environment", "lab-spot", "INVALID", reason, region=stage.region)

    stage.simulator.before_call = spoil
    report = stage.apply(LAB)
    (failure,) = report.failures
    assert failure.error == "CLIENT_ERROR - Launch Template UserData is not MIME multipart format"
    assert failure.seconds < 5
    assert report.exit_code == 4
    assert [outcome.step for outcome in report.outcomes if outcome.status == "skipped"] == ["create:job_queue.high"]
    assert stage.queue("lab-low")["status"] == "VALID"


@on_stage()
def test_a_chain_of_skipped_steps_names_the_first_cause(stage: Stage) -> None:
    """However far downstream, a skipped step says which failure it is because of."""
    text = edit(LAB, ("  sort:\n", "  sort:\n    dependsOn: [job_queue.high]\n"))

    def spoil(operation: str, _number: int) -> None:
        if operation.startswith("Describe") and stage.environment("lab-spot").get("status") == "CREATING":
            stage.simulator.set_status("environment", "lab-spot", "INVALID", "CLIENT_ERROR - no", region=stage.region)

    stage.simulator.before_call = spoil
    report = stage.apply(text)
    assert {outcome.step: outcome.because for outcome in report.outcomes if outcome.status == "skipped"} == {
        "create:job_queue.high": "create:compute_environment.spot",
        "register:job_definition.sort": "create:compute_environment.spot",
    }
    assert stage.revisions("lab-sort") == []


@on_stage()
def test_an_environment_that_is_updating_is_waited_for(stage: Stage) -> None:
    """Somebody's update is under way at plan time: a wait comes first, then ours, and no call is refused."""
    stage.apply(LAB)
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 32})
    assert stage.environment("lab-spot")["status"] == "UPDATING"
    planned = stage.plan(LAB)
    assert [(step.call, step.address) for step in planned.steps] == [
        (None, "compute_environment.spot"),
        ("UpdateComputeEnvironment", "compute_environment.spot"),
    ]
    report = stage.apply(LAB)
    assert report.exit_code == 0
    assert stage.mutations == ["UpdateComputeEnvironment"]
    assert stage.told("retried") == []
    assert stage.environment("lab-spot")["computeResources"]["maxvCpus"] == 64


@on_stage()
def test_an_update_that_meets_another_is_repeated(stage: Stage) -> None:
    """Somebody's update begins between plan and call: ours is refused as being modified, and goes out again."""
    stage.apply(LAB)

    def meddle(operation: str, _number: int) -> None:
        if operation == "UpdateComputeEnvironment":
            stage.simulator.before_call = None
            stage.world.update_compute_environment(computeEnvironment="lab-spot", state="ENABLED")

    stage.simulator.before_call = meddle
    report = stage.apply(edit(LAB, ("maxvCpus: 64", "maxvCpus: 65")))
    assert report.exit_code == 0
    assert all("being modified" in event.detail["error"] for event in stage.told("retried"))
    assert stage.told("retried")
    assert stage.environment("lab-spot")["computeResources"]["maxvCpus"] == 65


@on_stage()
def test_the_users_timeout_caps_every_wait(stage: Stage) -> None:
    """With --timeout a wait ends then, and says so; what was made stays, and the next apply goes on."""
    stage.settings(timeout=10.0)
    report = stage.apply(LAB)
    assert report.exit_code == 4
    assert all("within 10 s; its status is CREATING" in str(failure.error) for failure in report.failures)
    assert {failure.hint for failure in report.failures} == {"run the same command again to go on waiting"}
    assert max(outcome.seconds for outcome in report.outcomes) < 15
    stage.settings(timeout=None)
    assert stage.apply(LAB).exit_code == 0
    assert stage.mutations == ["CreateJobQueue", "CreateJobQueue"]
    assert stage.plan(LAB).empty


@on_stage()
def test_what_somebody_keeps_changing_is_told_as_not_converged(stage: Stage) -> None:
    """A stranger undoes every change of ours: after a minute of looking the residue is in the report, exit 4."""

    def undo(operation: str, _number: int) -> None:
        queue = stage.queue("lab-high")
        if operation == "DescribeJobQueues" and queue and queue["priority"] == 11 and queue["status"] == "VALID":
            seen.append(operation)
            if len(seen) > 1:
                stage.world.update_job_queue(jobQueue="lab-high", priority=99)

    seen: list[str] = []
    stage.apply(LAB)
    stage.simulator.before_call = undo
    report = stage.apply(edit(LAB, ("priority: 10", "priority: 11")))
    assert report.exit_code == 4
    assert report.failures == ()
    assert report.residue is not None
    assert [
        (str(change.address), row.path, row.before) for change in report.residue.changes for row in change.differences
    ] == [("job_queue.high", "priority", 99)]
    assert report.calls == stage.calls


def _heal_after(stage: Stage, times: int) -> Callable[[str, int], None]:
    """A hook that lets a role become visible once it was sent again so many times."""
    sent = 0

    def count(operation: str, _number: int) -> None:
        nonlocal sent
        sent += operation == "UpdateComputeEnvironment"
        environment = stage.environment("bad")
        if sent == times and environment.get("status") == "INVALID":
            stage.simulator.set_status("environment", "bad", "VALID", region=stage.region)

    return count


@on_stage()
def test_a_role_that_may_not_be_sent_again_ends_the_wait(stage: Stage) -> None:
    """Where updates are denied the create has failed, with the word of that denial."""
    stage.simulator.inject(Fault("UpdateComputeEnvironment", "denied", times=None))
    report = stage.apply(FARGATE)
    (failure,) = report.failures
    assert failure.step == "create:compute_environment.bad"
    assert "not authorized to perform: batch:UpdateComputeEnvironment" in str(failure.error)
    assert report.exit_code == 4
