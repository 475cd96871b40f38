"""Trial jobs: never two where one will do, followed to their end, ended where they do not come to one."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import attrs
import pytest

from plans.plan import Goal, Plan, Step
from plans.report import Event, Report
from providers.errors import StoreError
from providers.provider import Provider
from providers.resources import Address, Ref
from providers.simulator import Fault, Outcome
from providers.simulator import Settings as Simulated
from reconciler.execute import execute
from reconciler.journal import Journal
from reconciler.retry import Caller, InlinePool
from reconciler.waiter import Waiter
from tests.kit import ACCOUNT, REGION, Died, Stage, kinds

ENVIRONMENT = "compute_environment.spot"
NAME = "canary-spot"
TAGS = {"batchwright:stack": "lab", "batchwright:address": ENVIRONMENT}
STEP = f"canary:{ENVIRONMENT}:spot"
OF_ONE = {**TAGS, "batchwright:environment": "one"}
DEFINITIONS = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition"


def trial(name: str = NAME, *after: str, step: str = STEP, deadline: float = 600.0, **arguments: Any) -> Step:
    said = {"jobName": name, "jobQueue": "q", "jobDefinition": f"{DEFINITIONS}/d:1", "tags": TAGS, **arguments}
    goal = Goal("job", name, "succeeded", deadline=deadline)
    return Step(step, ENVIRONMENT, "SubmitJob", said, goal, after)


def policy(name: str, *after: str) -> Step:
    goal = Goal("scheduling_policy", name, "seen")
    return Step(name, f"scheduling_policy.{name}", "CreateSchedulingPolicy", {"name": name, "tags": TAGS}, goal, after)


@attrs.define
class Run:
    """Runs plans on a stage that has a queue `q` of an environment `a`, and a definition `d` to be tried."""

    stage: Stage
    events: list[Event] = attrs.field(factory=list)
    lines: list[str] = attrs.field(factory=list)
    full_at: int | None = None
    stop: Future[int] = attrs.field(factory=Future)

    @classmethod
    def new(cls, *outcomes: Outcome, retries: int = 1, **simulated: Any) -> "Run":
        stage = Stage.new(simulated=Simulated(outcomes=outcomes, **simulated))
        world, clock = stage.world, stage.clock
        resources = {"type": "FARGATE", "maxvCpus": 16, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
        world.create_compute_environment(computeEnvironmentName="a", type="MANAGED", computeResources=resources)
        clock.sleep(3600)
        order = [{"order": 1, "computeEnvironment": "a"}]
        world.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
        world.register_job_definition(
            jobDefinitionName="d",
            type="container",
            platformCapabilities=["FARGATE"],
            retryStrategy={"attempts": retries},
            containerProperties={
                "image": "busybox",
                "executionRoleArn": "arn:aws:iam::123456789012:role/runs-tasks",
                "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
            },
        )
        clock.sleep(3600)
        return cls(stage)

    def append(self, line: str) -> None:
        if self.full_at is not None and len(self.lines) >= self.full_at:
            raise StoreError("the disk is full", hint="make room")
        self.lines.append(line)

    def __call__(self, *steps: Step) -> Report:
        plan = Plan("id", "lab", {}, ACCOUNT, REGION, {}, "", steps=steps)
        caller = Caller(pool=InlinePool(), clock=self.stage.clock, rng=random.Random(1), stop=self.stop)
        waiter = Waiter(
            random.Random(2), lambda _goal, _live: (), {kind.name: kind.facts.lookup.batch for kind in kinds()}
        )
        self.events.clear()
        self.lines.clear()
        return execute(
            plan,
            Provider(self.stage.batch, kinds()),
            waiter=waiter,
            journal=Journal(self.append),
            caller=caller,
            run="r",
            on_event=self.events.append,
        )

    def submit(self, **changes: Any) -> str:
        """A job that is there already, as an earlier run of ours would have submitted it."""
        request = {"jobName": NAME, "jobQueue": "q", "jobDefinition": "d", "tags": TAGS, **changes}
        job: str = self.stage.world.submit_job(**request)["jobId"]
        return job

    def register(self) -> None:
        """Another revision of `d`, which says the same."""
        (first,) = self.stage.world.describe_job_definitions(jobDefinitionName="d")["jobDefinitions"]
        keys = ("type", "platformCapabilities", "containerProperties")
        self.stage.world.register_job_definition(jobDefinitionName="d", **{key: first[key] for key in keys})

    @property
    def jobs(self) -> dict[str, str]:
        """Every job of the queue and its status, the newest first."""
        listed = self.stage.world.list_jobs(jobQueue="q", filters=[{"name": "JOB_NAME", "values": ["*"]}])
        return {it["jobId"]: it["status"] for it in listed["jobSummaryList"]}

    @property
    def statuses(self) -> list[str]:
        return list(self.jobs.values())

    def see(self, job: str) -> Mapping[str, Any]:
        (found,) = self.stage.world.describe_jobs(jobs=[job])["jobs"]
        return dict(found)

    @property
    def journal(self) -> list[tuple[str, ...]]:
        """Brackets: begin with its call, end with its status."""
        rows = [json.loads(line) for line in self.lines]
        return [(row["record"], row["call"] if row["record"] == "begin" else row["status"]) for row in rows]

    def told(self, name: str) -> list[Event]:
        return [event for event in self.events if event.event == name]


@pytest.fixture
def run() -> Run:
    return Run.new()


SUBMITTED = [("begin", "SubmitJob"), ("end", "done")]
ENDED = [*SUBMITTED, ("begin", "TerminateJob"), ("end", "done")]


def error(report: Report) -> str:
    (failure,) = report.failures
    return str(failure.error)


def test_what_comes_after_a_trial_waits_for_its_success(run: Run) -> None:
    """One job, submitted and followed from status to status; then the next step begins."""
    report = run(trial(), policy("p", STEP))
    assert report.exit_code == 0
    assert {outcome.step: outcome.status for outcome in report.outcomes} == {STEP: "done", "p": "done"}
    ((job, status),) = run.jobs.items()
    assert status == "SUCCEEDED"
    shown = run.see(job)
    assert (shown["jobName"], shown["tags"]) == (NAME, TAGS)
    assert run.journal == [*SUBMITTED, ("begin", "CreateSchedulingPolicy"), ("end", "done")]
    assert json.loads(run.lines[1])["arn"] == shown["jobArn"]
    assert ENVIRONMENT not in report.produced
    (called, _) = run.told("called")
    assert (called.step, called.detail) == (STEP, {"call": "SubmitJob", "job": job})
    polled = [event for event in run.told("polled") if event.step == STEP]
    assert {(event.detail["kind"], event.detail["name"], event.detail["job"]) for event in polled} == {
        ("job", NAME, job)
    }
    seen = list(dict.fromkeys(event.detail["status"] for event in polled))
    assert seen == ["STARTING", "RUNNING", "SUCCEEDED"]
    names = [event.event for event in run.events if event.step in (STEP, "p")]
    assert names.index("finished") < len(names) - 1 - names[::-1].index("started")


def test_the_queue_of_a_trial_may_be_one_that_is_made_before(run: Run) -> None:
    """References stand in its arguments as in all others."""
    order = [{"order": 1, "computeEnvironment": "a"}]
    said = {"jobQueueName": "new", "priority": 1, "computeEnvironmentOrder": order, "tags": {}}
    queue = Step("queue", "job_queue.new", "CreateJobQueue", said, Goal("job_queue", "new", "settled"))
    report = run(queue, trial(NAME, "queue", jobQueue=Ref(Address("job_queue", "new"))))
    assert report.exit_code == 0
    listed = run.stage.world.list_jobs(jobQueue="new", jobStatus="SUCCEEDED")["jobSummaryList"]
    assert [it["jobName"] for it in listed] == [NAME]


def test_several_trials_share_their_looks(run: Run) -> None:
    """Twenty jobs cost the looks of one."""
    steps = [trial(f"canary-{number}", step=f"canary:{ENVIRONMENT}:{number}") for number in range(20)]
    report = run(*steps)
    assert report.exit_code == 0
    assert run.statuses == ["SUCCEEDED"] * 20
    assert report.calls["SubmitJob"] == 20
    assert report.calls["DescribeJobs"] < 2 * 20


# A job that is there already.


@pytest.mark.parametrize("age", [0, 5, 30, 3600])
def test_the_job_of_an_earlier_run_is_taken(run: Run, age: float) -> None:
    """It may wait, run, or have succeeded: none is submitted beside it."""
    job = run.submit()
    run.stage.clock.sleep(age)
    report = run(trial())
    assert report.exit_code == 0
    assert run.jobs == {job: "SUCCEEDED"}
    assert "SubmitJob" not in report.calls
    assert run.journal == []
    assert {event.detail["job"] for event in run.told("polled")} == {job}


@pytest.mark.parametrize("said", ["d", "d:2"])
def test_a_definition_without_a_revision_is_any(run: Run, said: str) -> None:
    """AWS took the newest that there was."""
    run.register()
    job = run.submit()
    assert run(trial(jobDefinition=f"{DEFINITIONS}/{said}")).exit_code == 0
    assert run.jobs == {job: "SUCCEEDED"}


def test_a_job_that_does_not_show_yet_is_waited_for() -> None:
    """A queue that was there before may have a job that a run submitted a moment ago."""
    run = Run.new(stale_reads=8)
    job = run.submit()
    assert run(trial()).exit_code == 0
    assert run.jobs == {job: "SUCCEEDED"}


def test_a_trial_that_failed_is_tried_anew() -> None:
    """What failed then may have been mended since."""
    run = Run.new(Outcome(exit_code=1, command="false"))
    run.submit(containerOverrides={"command": ["false"]})
    run.stage.settle()
    assert run(trial()).exit_code == 0
    assert run.statuses == ["SUCCEEDED", "FAILED"]


def test_the_newest_job_counts() -> None:
    """An older success says nothing once a newer one has failed."""
    run = Run.new(Outcome(exit_code=1, command="false"))
    run.submit()
    run.stage.settle(60)
    run.submit(containerOverrides={"command": ["false"]})
    run.stage.settle()
    assert run.statuses == ["FAILED", "SUCCEEDED"]
    assert run(trial()).exit_code == 0
    assert run.statuses == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


@pytest.mark.parametrize(
    "changes",
    [
        {"jobName": NAME.upper()},
        {"jobName": f"{NAME}-2"},
        {"tags": {}},
        {"tags": {**TAGS, "batchwright:stack": "other"}},
        {"tags": {**TAGS, "batchwright:address": "compute_environment.other"}},
        {"tags": {**TAGS, "batchwright:environment": "other"}},
        {"jobDefinition": "d:2"},
    ],
)
def test_the_job_of_somebody_else_is_not_taken(run: Run, changes: dict[str, Any]) -> None:
    """It has another name, though the same without regard to case, tags that are not ours, or another definition."""
    run.register()
    other = run.submit(**{"jobDefinition": "d:1", "tags": OF_ONE, **changes})
    report = run(trial(tags=OF_ONE))
    assert report.calls["SubmitJob"] == 1
    assert len(run.jobs) == 2
    assert {event.detail["job"] for event in run.told("polled")}.isdisjoint({other})


def test_ours_is_found_among_very_many_of_others() -> None:
    """All pages are read, and described a hundred at a time."""
    run = Run.new(page_size=60)
    ours = run.submit()
    for _ in range(130):
        run.submit(tags={})
    report = run(trial(deadline=1e5))
    assert report.exit_code == 0
    assert "SubmitJob" not in report.calls
    assert report.calls["ListJobs"] == 3
    assert {event.detail["job"] for event in run.told("polled")} == {ours}


# Calls that go wrong.


@pytest.mark.parametrize("fault", ["throttle", "refused"])
def test_a_submission_that_was_not_done_is_repeated(run: Run, fault: Any) -> None:
    """At once, since nothing can have come of it."""
    run.stage.simulator.inject(Fault("SubmitJob", fault, times=2))
    report = run(trial())
    assert report.exit_code == 0
    assert (report.calls["SubmitJob"], report.calls["ListJobs"]) == (3, 1)
    assert run.statuses == ["SUCCEEDED"]
    assert run.journal == SUBMITTED


@pytest.mark.parametrize("lag", [0, 8])
def test_a_submission_whose_answer_was_lost_is_looked_for(lag: float) -> None:
    """Once a listing must show it; then it is followed like any other."""
    run = Run.new(stale_reads=lag)
    run.stage.simulator.inject(Fault("SubmitJob", "lost"))
    report = run(trial())
    assert report.exit_code == 0
    assert report.calls["SubmitJob"] == 1
    assert run.statuses == ["SUCCEEDED"]
    assert run.journal == SUBMITTED
    (called,) = run.told("called")
    assert [called.detail["job"]] == list(run.jobs)


def test_a_submission_that_was_lost_before_it_was_done_goes_out_again(run: Run) -> None:
    """A server's fault may hide either; the listing tells."""
    run.stage.simulator.inject(Fault("SubmitJob", "server", times=2))
    report = run(trial())
    assert report.exit_code == 0
    assert (report.calls["SubmitJob"], report.calls["ListJobs"]) == (3, 3)
    assert run.statuses == ["SUCCEEDED"]
    assert run.journal == SUBMITTED


def test_three_submissions_are_enough(run: Run) -> None:
    """A service that cannot take a job is not asked for ever, and the journal says that nobody knows."""
    run.stage.simulator.inject(Fault("SubmitJob", "server", times=None))
    report = run(trial(), policy("p", STEP))
    assert "3 submissions went out and none was done; of the last: SubmitJob: Internal server error" in error(report)
    assert report.calls["SubmitJob"] == 3
    assert run.jobs == {}
    assert run.journal == [("begin", "SubmitJob"), ("end", "unknown")]
    assert run.stage.policies() == []


def test_a_lost_submission_that_failed_meanwhile_is_not_repeated() -> None:
    """It is the trial; a job that had failed before it is none."""
    run = Run.new(Outcome(exit_code=3, seconds=0), durations=attrs.evolve(Simulated().durations, job_starting=1))
    run.submit()
    run.stage.settle()
    run.stage.simulator.inject(Fault("SubmitJob", "lost"))
    report = run(trial())
    assert "exit code 3" in error(report)
    assert run.statuses == ["FAILED", "FAILED"]
    assert run.journal == SUBMITTED


def test_a_lost_submission_that_may_not_be_looked_for_is_told(run: Run) -> None:
    """Whether it was done stays unknown."""
    run.stage.simulator.inject(Fault("SubmitJob", "lost"), Fault("ListJobs", "denied", after=1))
    report = run(trial())
    assert report.failures[0].hint == "the IAM policy must allow batch:ListJobs"
    assert run.journal == [("begin", "SubmitJob"), ("end", "unknown")]
    assert len(run.jobs) == 1


def test_a_submission_that_is_refused_after_one_that_was_lost_has_failed(run: Run) -> None:
    """The first was found not to be done, and of the second AWS says so."""
    run.stage.simulator.inject(Fault("SubmitJob", "server"), Fault("SubmitJob", "denied"))
    report = run(trial())
    assert report.failures[0].hint == "the IAM policy must allow batch:SubmitJob"
    assert run.journal == [("begin", "SubmitJob"), ("end", "failed")]


def test_a_submission_that_is_refused_fails_the_step(run: Run) -> None:
    """In AWS's own words, and nothing was done: the command ends with 1."""
    report = run(trial(jobDefinition="missing"))
    assert "missing" in error(report)
    assert report.exit_code == 1
    assert run.journal == [("begin", "SubmitJob"), ("end", "failed")]
    assert "no-queue" in error(run(trial(jobQueue="no-queue")))
    assert run.journal == []


@pytest.mark.parametrize(("operation", "jobs"), [("ListJobs", 0), ("DescribeJobs", 1), ("SubmitJob", 0)])
def test_what_is_not_permitted_is_named(run: Run, operation: str, jobs: int) -> None:
    """The hint names the permission; a job that may not be looked at is left to itself."""
    run.stage.simulator.inject(Fault(operation, "denied", times=None))
    report = run(trial(), policy("p", STEP))
    assert report.failures[0].hint == f"the IAM policy must allow batch:{operation}"
    assert report.calls[operation] == 1
    assert len(run.jobs) == jobs
    assert "TerminateJob" not in report.calls
    assert report.seconds < 60


def test_tags_that_may_not_be_read_end_the_step(run: Run) -> None:
    """Whose job it is that is there already cannot be told, so none is submitted."""
    run.submit()
    run.stage.simulator.inject(Fault("DescribeJobs", "denied"))
    assert run(trial()).failures[0].hint == "the IAM policy must allow batch:DescribeJobs"
    assert len(run.jobs) == 1


def test_looks_that_fail_for_a_while_are_taken_again(run: Run) -> None:
    """Ten minutes without an answer, within the deadline: the trial is followed all the same."""
    run.stage.simulator.inject(Fault("DescribeJobs", "server", lasts=600))
    assert run(trial(deadline=3600)).exit_code == 0


@pytest.mark.parametrize("operation", ["ListJobs", "SubmitJob", "DescribeJobs", "TerminateJob"])
def test_credentials_that_end_take_the_rest_with_them(operation: str) -> None:
    """Nothing that has not gone out goes out then, and the command ends with 4."""
    run = Run.new(Outcome(runs=False))
    run.stage.simulator.inject(Fault(operation, "expired", times=None))
    report = run(trial(), policy("p", STEP))
    (first, second) = report.outcomes
    assert (first.status, first.exit_code, second.status) == ("failed", 4, "skipped")
    assert first.hint == "renew them and run the same command again"
    assert report.calls[operation] == 1
    assert ("no capacity" in str(first.error)) is (operation == "TerminateJob")
    assert (
        run.journal[1:]
        == {
            "ListJobs": [],
            "SubmitJob": [("end", "failed")],
            "DescribeJobs": [("end", "done")],
            "TerminateJob": [("end", "done"), ("begin", "TerminateJob"), ("end", "failed")],
        }[operation]
    )


@pytest.mark.parametrize(("full_at", "jobs", "calls"), [(0, 0, 0), (1, 1, 1)])
def test_a_submission_that_cannot_be_journalled(run: Run, full_at: int, jobs: int, calls: int) -> None:
    """It does not go out without its beginning; without its end the step has failed."""
    run.full_at = full_at
    report = run(trial())
    assert error(report) == "the disk is full"
    assert (len(run.jobs), report.calls.get("SubmitJob", 0)) == (jobs, calls)


def test_a_lost_submission_whose_end_cannot_be_journalled(run: Run) -> None:
    """It was found, and the report says what went wrong after that."""
    run.full_at = 1
    run.stage.simulator.inject(Fault("SubmitJob", "lost"))
    assert error(run(trial())) == "the disk is full"
    assert len(run.jobs) == 1


# Jobs that fail.


def test_a_job_that_failed_says_how() -> None:
    """Exit code, reason of the container and of the job, attempts, and where its log is; nothing after it begins."""
    run = Run.new(Outcome(exit_code=2, reason="OutOfMemoryError"), retries=3)
    report = run(policy("first"), trial(NAME, "first"), policy("last", STEP))
    assert report.exit_code == 4
    assert run.stage.policies() == ["first"]
    ((job, status),) = run.jobs.items()
    assert status == "FAILED"
    stream = run.see(job)["attempts"][-1]["container"]["logStreamName"]
    assert error(report) == (
        f"the trial job {NAME} ({job}) failed in 3 attempts: exit code 2, OutOfMemoryError, log stream {stream}; "
        "Essential container in task exited"
    )
    assert report.failures[0].hint == (
        f"`aws logs get-log-events --log-group-name /aws/batch/job --log-stream-name {stream}` shows more; "
        "then run the same command again for another trial"
    )
    assert "TerminateJob" not in report.calls


def test_a_job_that_succeeds_at_last_has_succeeded() -> None:
    """Its attempts are its own affair."""
    run = Run.new(Outcome(exit_code=2, attempts=2), retries=3)
    assert run(trial()).exit_code == 0
    assert run.statuses == ["SUCCEEDED"]


def test_a_job_that_somebody_ends_says_why() -> None:
    """It never had an attempt, and there is nothing but the reason he gave."""
    run = Run.new(Outcome(runs=False))

    def cancel(operation: str, _number: int) -> None:
        if operation == "DescribeJobs":
            for job in run.jobs:
                run.stage.world.terminate_job(jobId=job, reason="not now")

    run.stage.simulator.before_call = cancel
    report = run(trial())
    (job,) = run.jobs
    assert error(report) == f"the trial job {NAME} ({job}) failed without an attempt: not now"
    assert f"`aws batch describe-jobs --jobs {job}`" in str(report.failures[0].hint)


# Jobs that take too long.


def test_a_job_without_a_host_is_ended() -> None:
    """No capacity is no fault of its image; the step fails once the job was ended."""
    run = Run.new(Outcome(runs=False))
    report = run(trial(), policy("p", STEP))
    ((job, status),) = run.jobs.items()
    assert status == "FAILED"
    assert run.see(job)["statusReason"] == "batchwright: no success within 600 s"
    assert error(report).startswith(
        f"the trial job {NAME} ({job}): no capacity: the job was RUNNABLE for 600 s; "
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - "
    )
    assert error(report).endswith("; it was ended")
    assert 610 <= report.outcomes[0].seconds < 612
    assert run.journal == ENDED
    assert [event.detail["call"] for event in run.told("called")] == ["SubmitJob", "TerminateJob"]
    assert run.stage.policies() == []


@pytest.mark.parametrize("before", [1, 120])
def test_a_job_behind_others_is_no_want_of_capacity(before: int) -> None:
    """It was not its turn; who stands first is told, though no more than a hundred are listed, and what helps."""
    run = Run.new(Outcome(name="stuck", runs=False), Outcome(runs=False))
    first = run.submit(jobName="stuck", tags={})
    run.stage.settle(60)
    for _ in range(before - 1):
        run.submit(jobName="stuck", tags={})
    run.stage.settle(60)
    report = run(trial())
    words = f"not its turn: the job was RUNNABLE for 600 s behind other jobs, the first in line being {first}"
    assert words in error(report)
    assert error(report).endswith("; it was ended")
    assert "raise canary.timeout" in str(report.failures[0].hint)
    assert "`batchwright doctor q`" in str(report.failures[0].hint)
    assert report.calls["GetJobQueueSnapshot"] == 1


@pytest.mark.parametrize("fault", ["denied", "server"])
def test_a_line_that_cannot_be_seen_changes_no_verdict(fault: Any) -> None:
    """It is told as if there were no such call, and the job is ended."""
    run = Run.new(Outcome(runs=False))
    run.submit(jobName="stuck", tags={})
    run.stage.settle(60)
    run.stage.simulator.inject(Fault("GetJobQueueSnapshot", fault, times=None))
    report = run(trial())
    assert "no capacity: the job was RUNNABLE for 600 s" in error(report)
    assert run.journal == ENDED


def test_a_model_without_the_line_changes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older botocore is not asked for what it does not know."""
    monkeypatch.setattr(Provider, "knows", lambda _self, operation: operation != "GetJobQueueSnapshot")
    run = Run.new(Outcome(runs=False))
    report = run(trial())
    assert "no capacity: the job was RUNNABLE for 600 s" in error(report)
    assert "GetJobQueueSnapshot" not in report.calls


def test_a_job_that_fits_nowhere_says_so(run: Run) -> None:
    """AWS names what is set wrong: that is no want of capacity."""
    large = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}]
    run.stage.world.update_compute_environment(computeEnvironment="a", computeResources={"maxvCpus": 1})
    run.stage.settle()
    report = run(trial(containerOverrides={"resourceRequirements": large}))
    assert "no place: the job was RUNNABLE for 600 s; MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE" in error(
        report
    )
    assert run.statuses == ["FAILED"]


def test_a_job_that_goes_on_running_is_ended() -> None:
    """Its log is where to look."""
    run = Run.new(Outcome(seconds=1e5))
    report = run(trial(deadline=120.0))
    (job,) = run.jobs
    stream = run.see(job)["attempts"][-1]["container"]["logStreamName"]
    assert error(report) == f"the trial job {NAME} ({job}): still running after 120 s; it was ended"
    assert stream in str(report.failures[0].hint)
    assert "canary.timeout" in str(report.failures[0].hint)
    assert run.statuses == ["FAILED"]
    assert run.journal == ENDED


def test_a_job_that_waits_for_another_attempt_tells_of_the_last() -> None:
    """What it ran into counts, and not that it waits for a host again."""
    run = Run.new(Outcome(exit_code=9, attempts=1, seconds=90), retries=2)

    def disable(_operation: str, _number: int) -> None:
        if run.statuses == ["RUNNING"]:
            run.stage.world.update_compute_environment(computeEnvironment="a", state="DISABLED")

    run.stage.simulator.before_call = disable
    report = run(trial())
    (job,) = run.jobs
    stream = run.see(job)["attempts"][0]["container"]["logStreamName"]
    assert error(report) == (
        f"the trial job {NAME} ({job}): to be tried again: the job was RUNNABLE after 600 s; "
        "UNDETERMINED - Batch job is blocked, root cause is undetermined.; "
        f"attempt 1 failed: exit code 9, log stream {stream}, Essential container in task exited; it was ended"
    )
    assert run.statuses == ["FAILED"]


@pytest.mark.parametrize(
    ("durations", "words", "hint"),
    [
        ({"job_submitted": 1e4}, "not scheduled: the job was SUBMITTED for 60 s", "run the same command again"),
        ({"job_starting": 1e4}, "not started: the job was STARTING after 60 s", "raise canary.timeout"),
    ],
)
def test_how_far_a_job_got_is_told(durations: dict[str, float], words: str, hint: str) -> None:
    """Each has other causes, and other help."""
    run = Run.new(durations=attrs.evolve(Simulated().durations, **durations))
    report = run(trial(deadline=60.0))
    assert words in error(report)
    assert hint in str(report.failures[0].hint)
    assert run.statuses == ["FAILED"]


def test_a_job_that_is_shown_no_more_is_ended_all_the_same() -> None:
    """Nobody knows where it is, and it must not go on unseen."""
    run = Run.new(Outcome(seconds=1e5))
    shows_none: dict[str, Any] = {"jobs": []}
    run.stage.batch.meta.events.register("after-call.batch.DescribeJobs", lambda parsed, **_: parsed.update(shows_none))
    report = run(trial(deadline=60.0))
    (job,) = run.jobs
    assert error(report) == f"the trial job {NAME} ({job}): AWS showed no such job within 60 s; it was ended"
    assert run.see(job)["status"] == "FAILED"
    assert all("status" not in event.detail for event in run.told("polled"))


def test_a_job_that_could_not_be_looked_at_is_ended(run: Run) -> None:
    """The error of the last look is what is told, and nothing is guessed."""
    run.stage.simulator.inject(Fault("DescribeJobs", "server", times=None))
    report = run(trial(deadline=60.0))
    assert "not seen to end within 60 s; the last look failed: DescribeJobs: Internal server error" in error(report)
    assert error(report).endswith("; it was ended")
    assert run.journal == ENDED


@pytest.mark.parametrize(("fault", "status"), [("denied", "failed"), ("lost", "unknown"), ("server", "unknown")])
def test_a_job_that_cannot_be_ended_is_told(fault: Any, status: str) -> None:
    """The verdict stands, and says that the job goes on."""
    run = Run.new(Outcome(runs=False))
    run.stage.simulator.inject(Fault("TerminateJob", fault, times=None))
    report = run(trial())
    assert "no capacity: the job was RUNNABLE for 600 s" in error(report)
    assert "it could not be ended: TerminateJob: " in error(report)
    assert run.journal == [*SUBMITTED, ("begin", "TerminateJob"), ("end", status)]


@pytest.mark.parametrize(("full_at", "status"), [(2, "RUNNABLE"), (3, "FAILED")])
def test_an_end_that_cannot_be_journalled(full_at: int, status: str) -> None:
    """A job is not ended where that cannot be written down."""
    run = Run.new(Outcome(runs=False))
    run.full_at = full_at
    assert "the disk is full" in error(run(trial()))
    assert run.statuses == [status]


# Runs that end early.


@pytest.mark.parametrize("operation", ["ListJobs", "SubmitJob", "DescribeJobs", "TerminateJob"])
def test_a_signal_leaves_the_job_to_the_next_run(operation: str) -> None:
    """The call in flight is answered, none follows; the next run takes what it finds."""
    run = Run.new(Outcome(runs=False))
    run.stage.simulator.before_call = lambda name, _number: None if name != operation else run.stop.set_result(15)
    report = run(trial(), policy("p", STEP))
    last = {"TerminateJob": "failed"}.get(operation, "interrupted")
    assert {outcome.step: outcome.status for outcome in report.outcomes} == {STEP: last, "p": "interrupted"}
    assert report.exit_code == 143
    assert [call.operation for call in run.stage.simulator.calls][-1] == operation
    assert len(run.jobs) == (operation != "ListJobs")
    run.stage.simulator.before_call = None
    run.stop = Future()
    before = len(run.jobs)
    again = run(trial())
    assert len(run.jobs) == {"TerminateJob": 2}.get(operation, 1)
    assert again.calls.get("SubmitJob", 0) == len(run.jobs) - before


def test_a_signal_after_a_lost_submission_leaves_it_unknown(run: Run) -> None:
    """It is not looked for any more; the next run finds it."""
    run.stage.simulator.inject(Fault("SubmitJob", "lost"))
    run.stage.simulator.before_call = lambda name, _number: None if name != "SubmitJob" else run.stop.set_result(2)
    report = run(trial())
    assert report.outcomes[0].status == "interrupted"
    assert run.journal == [("begin", "SubmitJob"), ("end", "unknown")]
    run.stage.simulator.before_call = None
    run.stop = Future()
    assert run(trial()).exit_code == 0
    assert run.statuses == ["SUCCEEDED"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 10))
def test_a_run_that_dies_leaves_one_job_at_most(run: Run, at: int, when: str) -> None:
    """At whatever call: the next run makes one succeed, and there is no second."""
    run.stage.kill(at, when)
    with pytest.raises(Died):
        run(trial())
    run.stage.revive()
    assert run(trial()).exit_code == 0
    assert run.statuses == ["SUCCEEDED"]


def test_calls_are_counted_as_they_are_made(run: Run) -> None:
    """The report's count is the simulator's own."""
    run.stage.simulator.calls.clear()
    report = run(trial())
    assert report.calls == Counter(call.operation for call in run.stage.simulator.calls)


def test_a_job_of_the_same_content_that_goes_on_is_taken() -> None:
    """Though it is of another revision; not where its tags tell of another stack, nor where it has failed."""
    run = Run.new(Outcome(runs=False))
    (shown,) = run.stage.world.describe_job_definitions(jobDefinitionName="d")["jobDefinitions"]
    said = {member: shown[member] for member in ("type", "platformCapabilities", "containerProperties")}
    second = run.stage.world.register_job_definition(jobDefinitionName="d", **said)["jobDefinitionArn"]
    digest = {**TAGS, "batchwright:digest": "n2-a"}
    run.submit(jobDefinition=shown["jobDefinitionArn"], tags={**digest, "batchwright:stack": "other"})
    for _ in range(2):
        assert run(trial(jobDefinition=second, tags=digest, deadline=60.0)).exit_code != 0
    assert len(run.jobs) == 3
    run.submit(jobDefinition=shown["jobDefinitionArn"], tags=digest)
    assert run(trial(jobDefinition=second, tags=digest, deadline=60.0)).exit_code != 0
    assert len(run.jobs) == 4


def test_a_job_of_another_revision_is_another_trial() -> None:
    """Where a revision is tried, a job of an earlier one says nothing of it, whatever its tags; one of it does."""
    run = Run.new()
    (shown,) = run.stage.world.describe_job_definitions(jobDefinitionName="d")["jobDefinitions"]
    said = {member: shown[member] for member in ("type", "platformCapabilities", "containerProperties")}
    second = run.stage.world.register_job_definition(jobDefinitionName="d", **said)["jobDefinitionArn"]
    run.submit(jobDefinition=shown["jobDefinitionArn"])
    assert run(trial(jobDefinition=second)).exit_code == 0
    assert len(run.jobs) == 2
    assert run(trial(jobDefinition=second)).exit_code == 0
    assert len(run.jobs) == 2
