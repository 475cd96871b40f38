"""A definition is tried with a job before anybody else can start one with it."""

from collections.abc import Mapping
from typing import Any

import pytest

from plans.manifest import Manifest
from plans.report import Event, Report
from providers.simulator import Fault
from providers.simulator import Settings as Simulated
from providers.simulator.settings import Outcome
from tests.kit import EXAMPLES, Stage, cut, edit, manifest, on_stage
from tests.lifecycle.watching import Watcher

pytestmark = pytest.mark.unmeasured

GENOMICS = edit(
    (EXAMPLES / "genomics" / "batchwright.yaml").read_text(encoding="utf-8"),
    (
        "    timeout: {attemptDurationSeconds: 7200}\n\n  align:",
        """    timeout: {attemptDurationSeconds: 7200}
    rollout:
      keep: 2
      canary:
        queue: high
        timeout: 10m
        shareIdentifier: clinical
        containerOverrides: {command: [trim, --version]}

  align:""",
    ),
)
FAMILY, SHADOW = "genomics-trim", "genomics-trim--canary"
BAD = Simulated(outcomes=(Outcome(image="*trim:bad", exit_code=3, reason="no such tool"),))

FARM = """
stack: farm
computeEnvironments:
  one:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
jobQueues:
  high: {priority: 10, computeEnvironmentOrder: [one]}
jobDefinitions:
  work:
    type: container
    platformCapabilities: [FARGATE]
    containerProperties:
      image: "work:1"
      executionRoleArn: arn:aws:iam::123456789012:role/runs-tasks
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "2048"}]
    rollout: {keep: 2, canary: {queue: high, timeout: 5m}}
"""
NEXT = edit(FARM, ("work:1", "work:2"))
LASTS = {
    " to a third": edit(FARM, ("work:1", "work:3")),
    " back": FARM,
    ", not tried": edit(NEXT, (", canary: {queue: high, timeout: 5m}", "")),
    ", not there": cut(FARM, "jobDefinitions:"),
}
"""What is wanted after a death half way to `NEXT`."""
STUCK = Simulated(outcomes=(Outcome(image="work:2", runs=False),))
FAILING = Simulated(outcomes=(Outcome(image="work:2", exit_code=9),))


def released(image: str) -> Manifest:
    return manifest(GENOMICS, image=image)


def seen(stage: Stage) -> Mapping[str, Any]:
    """Everything that somebody who submits jobs can see: families, their newest revisions, queues, environments."""
    return {
        "definitions": list(stage._pages("describe_job_definitions", "jobDefinitions", status="ACTIVE")),
        "queues": list(stage._pages("describe_job_queues", "jobQueues")),
        "environments": list(stage._environments()),
    }


def jobs(stage: Stage, queue: str, name: str = "") -> list[dict[str, Any]]:
    """All jobs of a queue, whatever became of them, those whose names begin so."""
    found = []
    statuses = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
    for status in statuses:
        found += stage.world.list_jobs(jobQueue=queue, jobStatus=status)["jobSummaryList"]
    return [job for job in found if job["jobName"].startswith(name)]


def failure(report: Report) -> str:
    (failed,) = report.failures
    assert failed.step.startswith("canary:job_definition.")
    return f"{failed.error} {failed.hint}"


@on_stage(simulated=BAD)
def test_what_fails_is_seen_by_nobody(stage: Stage) -> None:
    """A bad image changes nothing that a submitter could see; exit 4 tells of exit code, reason and log stream."""
    assert stage.apply(released("2026.11")).exit_code == 0
    before = seen(stage)
    text = edit(GENOMICS, ("/trim:${var.image}", "/trim:bad"))
    report = stage.apply(text)
    assert report.exit_code == 4
    told = failure(report)
    for words in ("1 attempt", "exit code 3", "no such tool", "log stream", "--log-group-name /batch/genomics"):
        assert words in told
    assert seen(stage) == before
    assert stage.mutations == ["RegisterJobDefinition", "SubmitJob", "DeregisterJobDefinition"]
    skipped = [outcome for outcome in report.outcomes if outcome.status == "skipped"]
    assert {outcome.step for outcome in skipped} == {"register:job_definition.trim"}
    again = stage.plan(text)
    assert again.summary["register"] == 1
    assert "delete" not in again.summary
    assert stage.apply(text).exit_code == 4
    assert len(jobs(stage, "genomics-high", FAMILY)) == 3
    assert seen(stage) == before


@on_stage(simulated=BAD)
def test_what_succeeds_is_promoted(stage: Stage) -> None:
    """With a good image it is registered under its name; `keep` holds, and jobs that run go on."""
    stage.apply(released("1"))
    running = [
        stage.world.submit_job(
            jobName="reads", jobQueue="genomics-low", jobDefinition=FAMILY, shareIdentifier="clinical"
        )["jobId"]
        for _ in range(3)
    ]
    watcher = Watcher(stage)
    watcher.attend()
    for number, release in enumerate(("2", "3"), 2):
        report = stage.apply(released(release))
        assert (report.exit_code, [outcome.error for outcome in report.failures]) == (0, [])
        assert stage.revisions(FAMILY) == [number - 1, number]
        assert stage.revisions(SHADOW) == []
        assert stage.plan(released(release)).empty
    found = stage.world.describe_jobs(jobs=running)["jobs"]
    assert {job["status"] for job in found} <= {"STARTING", "RUNNING", "SUCCEEDED"}
    tried = jobs(stage, "genomics-high", FAMILY)
    assert [job["status"] for job in tried] == ["SUCCEEDED"] * 3
    assert len({job["jobName"] for job in tried}) == 3
    (shown,) = stage.world.describe_jobs(jobs=[tried[0]["jobId"]])["jobs"]
    assert shown["container"]["command"] == ["trim", "--version"]
    assert shown["tags"]["batchwright:address"] == "job_definition.trim@canary"


@on_stage()
def test_the_first_revision_is_tried_too(stage: Stage) -> None:
    """In a new stack the job waits for its queue, and the definition for the job; the shadow carries our tags."""
    stage.simulator.inject(Fault("DeregisterJobDefinition", "denied", times=None))
    report = stage.apply(FARM)
    assert report.exit_code != 0
    stage.simulator.heal()
    (shadow,) = stage.world.describe_job_definitions(jobDefinitionName="work--canary", status="ACTIVE")[
        "jobDefinitions"
    ]
    assert shadow["tags"]["batchwright:stack"] == "farm"
    assert shadow["tags"]["batchwright:address"] == "job_definition.work@canary"
    assert {"batchwright:digest", "batchwright:registered"} < shadow["tags"].keys()
    (job,) = jobs(stage, "high")
    assert shadow["tags"]["batchwright:job"] == job["jobName"]
    assert shadow["tags"]["batchwright:queue"] == stage.queue("high")["jobQueueArn"]
    # What a run left is cleared away by the next, though nothing else is to be done, and whatever it may delete.
    left = edit(FARM, ("stack: farm\n", "stack: farm\npolicy: {maxDeletes: 0}\n"))
    plan = stage.plan(left)
    assert plan.refusals == ()
    assert [str(step.call) for step in plan.steps] == ["TerminateJob", "DeregisterJobDefinition"]
    assert stage.apply(left).exit_code == 0
    assert (stage.revisions("work"), stage.revisions("work--canary")) == ([1], [])
    assert stage.mutations == ["DeregisterJobDefinition"]


@on_stage(simulated=STUCK)
def test_no_capacity_is_a_verdict_of_its_own(stage: Stage) -> None:
    """A job that stays RUNNABLE past its time is ended, the shadow goes, and the definition is as it was."""
    stage.apply(FARM)
    before = seen(stage)
    report = stage.apply(NEXT)
    assert report.exit_code == 4
    assert "no capacity: the job was RUNNABLE for 300 s" in failure(report)
    assert stage.mutations == ["RegisterJobDefinition", "SubmitJob", "TerminateJob", "DeregisterJobDefinition"]
    assert seen(stage) == before
    stage.settle(60)
    assert sorted(job["status"] for job in jobs(stage, "high")) == ["FAILED", "SUCCEEDED"]


@on_stage(simulated=STUCK)
def test_a_job_that_could_not_be_ended_is_gone_on_with(stage: Stage) -> None:
    """However often it is tried there is one job, which is ended as soon as it may be."""
    stage.apply(FARM)
    stage.simulator.inject(Fault("TerminateJob", "denied", times=None))
    for _ in range(2):
        assert "it could not be ended: TerminateJob" in failure(stage.apply(NEXT))
        assert stage.revisions("work--canary") == []
    stage.simulator.heal()
    assert "it was ended" in failure(stage.apply(NEXT))
    stage.settle(60)
    assert sorted(job["status"] for job in jobs(stage, "high")) == ["FAILED", "SUCCEEDED"]


@pytest.mark.parametrize("outcome", [Simulated(), FAILING], ids=["good", "bad"])
def test_killed_at_some_call_the_same_command_goes_on(outcome: Simulated) -> None:
    """Whatever was under way, the same command ends as if nothing had happened: no canary is left, none is doubled."""
    whole = Stage.new(simulated=outcome)
    whole.apply(FARM)
    good = outcome is not FAILING
    for at, stage in whole.forks(lambda stage: stage.apply(NEXT), reads=10):
        Watcher(stage).attend()
        report = stage.apply(NEXT)
        assert report.exit_code == (0 if good else 4), at
        assert stage.revisions("work") == ([1, 2] if good else [1]), at
        assert stage.revisions("work--canary") == [], at
        assert stage.all == whole.all, at
        assert stage.plan(NEXT).empty is good, at
        if good:
            assert [job["status"] for job in jobs(stage, "high")] == ["SUCCEEDED"] * 2, at
        numbers = [
            shown["revision"]
            for shown in stage.world.describe_job_definitions(jobDefinitionName="work--canary")["jobDefinitions"]
        ]
        assert len(numbers) == len(set(numbers)) <= (2 if good else 3), at


def test_the_manifest_is_edited_half_way() -> None:
    """What an earlier run tried and nobody wants any more is cleared away, whatever is wanted now; its job, which would
    wait for ever in front of all others, is ended before."""
    whole = Stage.new(simulated=STUCK)
    whole.apply(FARM)
    for at, stage in whole.forks(lambda stage: stage.apply(NEXT), reads=1000):
        for last in LASTS.values():
            fork = stage.twin()
            assert fork.apply(last).exit_code == 0, at
            assert fork.revisions("work--canary") == [], at
            assert fork.plan(last).empty, at
            assert len(fork.revisions("work")) <= 2, at
            fork.settle(60)
            assert {job["status"] for job in jobs(fork, "high")} <= {"SUCCEEDED", "FAILED"}, at


@pytest.mark.parametrize(
    "change", [("canary: {queue: high", "canary: {queue: low"), ("timeout: 5m", "parameters: {a: b}")]
)
@on_stage(simulated=STUCK)
def test_another_job_of_the_same_content_takes_the_place_of_the_first(stage: Stage, change: tuple[str, str]) -> None:
    """Through another queue, or said otherwise, it is another trial: the job that was submitted before is ended."""
    two = ("jobQueues:\n", "jobQueues:\n  low: {priority: 1, computeEnvironmentOrder: [one]}\n")
    stage.apply(edit(FARM, two))
    stop = stage.stopper()

    def listen(event: Event) -> None:
        if event.event == "polled" and event.step == "canary:job_definition.work" and not stop.done():
            stop.set_result(2)

    assert stage.apply(edit(NEXT, two), on_event=listen).exit_code == 130
    stage.go_on()
    failure(stage.apply(edit(NEXT, two, change)))
    assert stage.mutations[0] == "TerminateJob"
    assert stage.revisions("work--canary") == []
    stage.settle(60)
    found = [job["status"] for queue in ("high", "low") for job in jobs(stage, queue)]
    assert sorted(found) == ["FAILED", "FAILED", "SUCCEEDED"]


@pytest.mark.parametrize("trouble", ["lost", "denied", "over"])
@on_stage(simulated=STUCK)
def test_the_job_that_nobody_waits_for_cannot_be_ended(stage: Stage, trouble: str) -> None:
    """A lost answer is asked for again, and what has ended is left alone; where it may not be ended, nothing that tells
    of it goes, and the next run ends it."""
    stage.apply(FARM)
    stop = stage.stopper()
    stage.apply(
        NEXT, on_event=lambda it: stop.set_result(2) if it.event == "called" and it.step.startswith("canary") else None
    )
    stage.go_on()
    if trouble == "over":
        (job,) = [job["jobId"] for job in jobs(stage, "high") if job["status"] != "SUCCEEDED"]
        stage.world.terminate_job(jobId=job, reason="by hand")
    else:
        stage.simulator.inject(Fault("TerminateJob", "lost" if trouble == "lost" else "denied", times=1))
    report = stage.apply(FARM)
    if trouble == "denied":
        (failed,) = report.failures
        assert (failed.step, report.exit_code) == ("end:job_definition.work@canary:2", 1)
        assert failed.hint == "the IAM policy must allow batch:TerminateJob"
        assert stage.revisions("work--canary") == [2]
        report = stage.apply(FARM)
    assert report.exit_code == 0
    assert stage.revisions("work--canary") == []
    stage.settle(60)
    assert sorted(job["status"] for job in jobs(stage, "high")) == ["FAILED", "SUCCEEDED"]


@on_stage(simulated=STUCK)
def test_the_queue_of_the_job_that_nobody_waits_for_is_gone(stage: Stage) -> None:
    """Jobs end with their queue."""
    stage.apply(FARM)
    stage.simulator.inject(Fault("DeregisterJobDefinition", "denied", times=None))
    stage.apply(NEXT)
    stage.simulator.heal()
    for state in ("update_job_queue", "delete_job_queue"):
        getattr(stage.world, state)(jobQueue="high", **({"state": "DISABLED"} if "update" in state else {}))
        stage.settle(600)
    last = cut(FARM, "jobQueues:")
    assert stage.apply(last).exit_code == 0
    assert stage.mutations == ["DeregisterJobDefinition"] * 2


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("lost", ["SubmitJob", "RegisterJobDefinition", "DeregisterJobDefinition"])
@on_stage()
def test_a_lost_answer_doubles_nothing(stage: Stage, lost: str, times: int) -> None:
    """A call that was done without saying so is found: one job, one shadow, one revision."""
    stage.apply(FARM)
    stage.simulator.inject(Fault(lost, "lost", times=times))
    report = stage.apply(NEXT)
    assert (report.exit_code, [outcome.error for outcome in report.failures]) == (0, [])
    stage.simulator.heal()
    assert stage.revisions("work") == [1, 2]
    assert stage.revisions("work--canary") == []
    shadows = stage.world.describe_job_definitions(jobDefinitionName="work--canary")["jobDefinitions"]
    assert sorted(shown["revision"] for shown in shadows) == [1, 2]
    assert len(jobs(stage, "high")) == 2
    assert stage.plan(NEXT).empty


@on_stage()
def test_going_back_is_tried_again(stage: Stage) -> None:
    """A job of earlier says nothing of today: what an image's tag means may have changed."""
    stage.apply(FARM)
    stage.apply(NEXT)
    assert stage.apply(FARM).exit_code == 0
    assert len(jobs(stage, "high")) == 3
    assert stage.revisions("work") == [2, 3]


@on_stage()
def test_the_queue_of_the_same_plan_comes_first(stage: Stage) -> None:
    """Where a change of its queue fails, nothing is tried and nothing is registered, because of that."""
    stage.apply(FARM)
    stage.simulator.inject(Fault("UpdateJobQueue", "denied", times=None))
    report = stage.apply(edit(NEXT, ("priority: 10", "priority: 11")))
    (failed,) = report.failures
    assert failed.step == "update:job_queue.high"
    skipped = {outcome.step: outcome.because for outcome in report.outcomes if outcome.status == "skipped"}
    assert skipped == dict.fromkeys(
        ["register:job_definition.work@canary", "canary:job_definition.work", "register:job_definition.work"],
        "update:job_queue.high",
    )
    assert "RegisterJobDefinition" not in stage.mutations


@on_stage()
def test_pruning_is_not_needed_to_clear_away(stage: Stage) -> None:
    """A shadow is nobody's but its canary's: it goes though the policy keeps what leaves the manifest."""
    kept = edit(FARM, ("stack: farm\n", "stack: farm\npolicy: {prune: false}\n"))
    stage.simulator.inject(Fault("DeregisterJobDefinition", "denied", times=None))
    stage.apply(kept)
    stage.simulator.heal()
    assert stage.revisions("work--canary") == [1]
    assert stage.apply(kept).exit_code == 0
    assert stage.revisions("work--canary") == []


@on_stage(simulated=STUCK)
def test_going_back_by_hand_tries_nothing(stage: Stage) -> None:
    """`rollback` registers what was current before without a canary."""
    stage.apply(FARM)
    stage.apply(edit(NEXT, (", canary: {queue: high, timeout: 5m}", "")))
    wanted = manifest(NEXT)
    address = next(address for address in wanted.resources if address.kind == "job_definition")
    assert stage.reconciler.rollback(wanted, address).exit_code == 0
    assert stage.revisions("work") == [1, 2, 3]
    assert len(jobs(stage, "high")) == 1
