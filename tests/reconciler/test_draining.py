"""Draining: which jobs run on an environment, how few calls tell it, and what comes between."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from plans.plan import Goal, Step
from plans.report import Report
from providers.simulator import Fault, Outcome, Settings
from reconciler.whereabouts import Job, described
from tests.kit import ACCOUNT, REGION, Stage
from tests.providers.simulator.lab import container, ec2
from tests.reconciler.test_execute import Run, policy, statuses

OUTCOMES = (
    Outcome(name="short", seconds=100),
    Outcome(name="long", seconds=900),
    Outcome(name="again", seconds=100, exit_code=1, attempts=1),
    Outcome(name="again", seconds=900),
)
EKS = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "jobs"}
POD = {"containers": [{"name": "x", "image": "i", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}}]}
RANGES = [{"targetNodes": "0:", "container": container()}]


def drain(name: str = "old", *after: str, seconds: float = 1800) -> Step:
    """A step that waits until no job runs on an environment."""
    goal = Goal("compute_environment", name, "drained", deadline=seconds)
    address = f"compute_environment.{name}"
    return Step(f"drain:{name}", address, None, {"computeEnvironment": f"arn:{name}"}, goal, after)


@attrs.define
class Ground:
    """Environments, a queue `q` on the first of them, definitions `d`, `n` (nodes) and `p` (a pod)."""

    stage: Stage
    run: Run

    @classmethod
    def new(cls, *environments: str, eks: bool = False, **simulated: Any) -> "Ground":
        stage = Stage.new(simulated=Settings(outcomes=OUTCOMES, **simulated))
        more = {"eksConfiguration": EKS} if eks else {}
        for name in environments or ("old", "new"):
            stage.world.create_compute_environment(
                computeEnvironmentName=name, type="MANAGED", computeResources=ec2(maxvCpus=256), **more
            )
        stage.settle()
        stage.world.register_job_definition(jobDefinitionName="d", type="container", containerProperties=container())
        nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": RANGES}
        stage.world.register_job_definition(jobDefinitionName="n", type="multinode", nodeProperties=nodes)
        stage.world.register_job_definition(
            jobDefinitionName="p", type="container", eksProperties={"podProperties": POD}
        )
        ground = cls(stage, Run(stage))
        ground.queue("q", (environments or ("old",))[0])
        return ground

    def queue(self, name: str, *environments: str) -> None:
        order = [{"order": place, "computeEnvironment": it} for place, it in enumerate(environments)]
        self.stage.world.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
        self.stage.settle(60)

    def submit(self, name: str, definition: str = "d", queue: str = "q", **more: Any) -> str:
        job = self.stage.world.submit_job(jobName=name, jobQueue=queue, jobDefinition=definition, **more)
        return str(job["jobId"])

    def retire(self, old: str = "old", new: str = "new", queue: str = "q", running: float = 30) -> None:
        """Let jobs begin, then move the queue, and disable what it leaves."""
        self.stage.settle(running)
        order = [{"order": 1, "computeEnvironment": new}]
        self.stage.world.update_job_queue(jobQueue=queue, computeEnvironmentOrder=order)
        self.stage.world.update_compute_environment(computeEnvironment=old, state="DISABLED")
        self.stage.settle(35)

    def __call__(self, *steps: Step) -> Report:
        self.stage.simulator.calls.clear()
        self.run.events.clear()
        return self.run(*(steps or (drain(),)))

    def on(self, name: str) -> int:
        """How many jobs run on an environment, as the simulator itself keeps it."""
        self.stage.world.list_jobs(jobQueue="q")
        with self.stage.simulator.store.transaction(f"{ACCOUNT}/{REGION}", write=False) as transaction:
            return len(transaction.in_place(name))

    def counts(self, step: str = "drain:old") -> list[int]:
        """The counts that were told, each change once."""
        told = [it.detail["jobs"] for it in self.run.events if it.event == "polled" and it.step == step]
        return [count for place, count in enumerate(told) if place == 0 or told[place - 1] != count]


def answers(stage: Stage, operation: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the reconciler see answers otherwise than they were given."""

    def changed(parsed: dict[str, Any], **_: Any) -> None:
        change(parsed)

    stage.batch.meta.events.register(f"after-call.batch.{operation}", changed)


def without_tasks(seen: dict[str, Any]) -> None:
    for job in seen["jobs"]:
        job.get("container", {}).pop("taskArn", None)


def test_nothing_runs_there() -> None:
    """One look at the environment, one listing of queues, three of jobs each, and it is over; the count 0 is told."""
    ground = Ground.new()
    ground.retire()
    report = ground()
    assert statuses(report) == {"drain:old": "done"}
    assert report.calls == {"DescribeComputeEnvironments": 1, "DescribeJobQueues": 1, "ListJobs": 3}
    assert ground.counts() == [0]
    assert ground.run.lines == []


def test_the_wait_ends_when_the_last_job_has_left() -> None:
    """The count falls as jobs end; what runs elsewhere in the same queue is not counted and runs on."""
    ground = Ground.new()
    for _ in range(3):
        ground.submit("short")
    ground.stage.settle(20)
    ground.submit("short")
    ground.retire(running=15)
    elsewhere = ground.submit("long")
    assert ground.on("old") == 4
    report = ground()
    assert statuses(report) == {"drain:old": "done"}
    assert ground.counts() == [4, 1, 0]
    assert ground.on("old") == 0
    (job,) = ground.stage.world.describe_jobs(jobs=[elsewhere])["jobs"]
    assert job["status"] == "RUNNING"


def test_after_the_first_scan_only_what_was_found_is_looked_at() -> None:
    """A wait of half an hour: two scans, and between them one call a look."""
    ground = Ground.new()
    ground.submit("long")
    ground.retire()
    report = ground(drain(seconds=7200))
    assert statuses(report) == {"drain:old": "done"}
    assert report.calls["ListJobs"] == 2 * 3
    assert report.calls["DescribeJobQueues"] == 2
    assert report.calls["DescribeJobs"] < 900 / 12 + 10


def test_a_last_scan_finds_what_the_first_one_missed() -> None:
    """A listing may lack a job: it is found before the environment goes, and waited for."""
    ground = Ground.new()
    ground.submit("short")
    ground.submit("long")
    ground.retire()
    missed: list[str] = []

    def hide(seen: dict[str, Any]) -> None:
        if len(missed) < 3:
            missed.append("page")
            seen["jobSummaryList"] = [it for it in seen["jobSummaryList"] if it["jobName"] != "long"]

    answers(ground.stage, "ListJobs", hide)
    assert statuses(ground(drain(seconds=7200))) == {"drain:old": "done"}
    assert ground.counts() == [1, 0, 1, 0]
    assert ground.on("old") == 0


def test_children_and_nodes_are_jobs_that_run() -> None:
    """Each child of an array is one, a multi-node job is one, however many nodes it has; what waits is none."""
    ground = Ground.new()
    ground.submit("short", arrayProperties={"size": 5})
    nodes = ground.submit("long", "n")
    ground.submit("short", dependsOn=[{"jobId": nodes}])
    ground.retire()
    report = ground(drain(seconds=7200))
    assert statuses(report) == {"drain:old": "done"}
    assert ground.counts() == [6, 1, 0]
    assert ground.on("old") == 0


def test_many_jobs_come_in_pages_and_are_described_a_hundred_at_a_time() -> None:
    """None is lost between pages; 115 jobs are two descriptions."""
    ground = Ground.new(page_size=7)
    for number in range(8):
        ground.queue(f"q{number}", "new")
    ground.submit("long", queue="q")
    for _ in range(19):
        ground.submit("short", arrayProperties={"size": 6})
    ground.retire()
    sizes: list[int] = []
    answers(ground.stage, "DescribeJobs", lambda seen: sizes.append(len(seen["jobs"])))
    assert statuses(ground(drain(seconds=7200))) == {"drain:old": "done"}
    assert sizes[:4] == [100, 15, 100, 15]
    assert ground.counts() == [115, 1, 0]
    assert ground.on("old") == 0


def test_a_job_that_tries_again_elsewhere_has_left() -> None:
    """Its next attempt runs on the successor, for long; nobody waits for it."""
    ground = Ground.new()
    job = ground.submit("again", retryStrategy={"attempts": 2})
    ground.retire()
    report = ground()
    assert statuses(report) == {"drain:old": "done"}
    assert ground.counts() == [1, 0]
    assert report.seconds < 200
    assert ground.on("new") == 1
    assert ground.stage.world.describe_jobs(jobs=[job])["jobs"][0]["status"] in ("STARTING", "RUNNING")


def test_at_the_deadline_it_goes_on_retiring_and_the_next_run_ends_it() -> None:
    """Not a plain failure: exit code 4, how many jobs, what to do; what comes after is skipped; then again, done."""
    ground = Ground.new()
    ground.submit("long")
    ground.submit("long")
    ground.retire()
    report = ground(drain(seconds=600), policy("after", "drain:old"), policy("other"))
    assert statuses(report) == {"drain:old": "retiring", "after": "skipped", "other": "done"}
    (outcome,) = report.failures
    assert outcome.error == "old still runs 2 jobs after 600 s; it stays disabled"
    assert outcome.hint == "run the same command again: it goes on where this stopped"
    assert outcome.exit_code == report.exit_code == 4
    assert 600 <= outcome.seconds < 630
    assert [event.event for event in ground.run.events if event.step == "drain:old"][-1] == "retiring"
    (skipped,) = [event for event in ground.run.events if event.event == "skipped"]
    assert skipped.detail == {"because": "drain:old", "retiring": True}
    assert ground.on("old") == 2
    assert statuses(ground(drain(seconds=3600))) == {"drain:old": "done"}
    assert ground.on("old") == 0


def test_nothing_done_and_one_retiring_is_exit_code_4() -> None:
    """A run that only waits, in vain."""
    ground = Ground.new()
    ground.submit("long")
    ground.retire()
    report = ground(drain(seconds=5))
    assert (report.exit_code, report.retiring) == (4, True)
    assert report.failures[0].error == "old still runs 1 job after 5 s; it stays disabled"


def test_where_it_cannot_be_told_every_pod_counts_until_its_attempt_has_ended() -> None:
    """On EKS: what runs when the wait begins is waited for, wherever it runs; what begins later is not."""
    ground = Ground.new(eks=True)
    ground.queue("other", "new")
    ground.submit("short", "p")
    ground.submit("short", "p", queue="other")
    ground.submit("again", "p", retryStrategy={"attempts": 2})
    ground.retire()
    report = ground()
    assert statuses(report) == {"drain:old": "done"}
    assert ground.counts() == [3, 0]
    assert ground.on("old") == 0
    assert ground.on("new") == 1
    assert report.calls["ListJobs"] == 2 * 3


def test_an_environment_on_eks_may_still_run_jobs() -> None:
    """The words do not claim what is not known."""
    ground = Ground.new(eks=True)
    ground.submit("long", "p")
    ground.retire()
    assert ground(drain(seconds=60)).failures[0].error == "old may still run 1 job after 60 s; it stays disabled"


def test_pods_do_not_run_on_ecs() -> None:
    """A job in a pod runs elsewhere for certain."""
    ground = Ground.new()
    ground.stage.world.create_compute_environment(
        computeEnvironmentName="k", type="MANAGED", computeResources=ec2(), eksConfiguration=EKS
    )
    ground.stage.settle()
    ground.queue("pods", "k")
    ground.submit("long", "p", queue="pods")
    ground.retire()
    assert statuses(ground()) == {"drain:old": "done"}
    assert ground.counts() == [0]


def test_a_job_that_shows_no_cluster_counts_until_its_attempt_has_ended() -> None:
    """Of those that the first scan finds: what begins later runs elsewhere."""
    ground = Ground.new()
    ground.submit("short")
    ground.retire()
    ground.submit("long")
    ground.stage.settle(1)
    answers(ground.stage, "DescribeJobs", without_tasks)
    looks: list[str] = []

    def submit(operation: str, _: int) -> None:
        looks.append(operation)
        if operation == "DescribeJobs" and looks.count(operation) == 30:
            ground.submit("long")

    ground.stage.simulator.before_call = submit
    assert statuses(ground(drain(seconds=7200))) == {"drain:old": "done"}
    assert ground.counts() == [2, 1, 0]
    assert ground.on("new") == 1


def test_where_an_earlier_attempt_ran_says_nothing_of_this_one() -> None:
    """A job that shows no task yet shows no cluster, though it has been somewhere before."""
    before = {"container": {"taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/old/1"}, "stoppedAt": 1}
    shown = {"jobId": "j", "status": "STARTING", "container": {}, "attempts": [before]}
    assert described(shown) == Job("j", runs=True, cluster=None, in_pod=False, ended=1)


def test_an_arn_of_the_old_form_tells_no_cluster() -> None:
    """Tasks of accounts without long ARNs are named by their id alone."""
    shown = {"jobId": "j", "status": "RUNNING", "container": {"taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/1"}}
    assert described(shown).cluster is None


SHOWN: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "a task of several containers": lambda task: {"ecsProperties": {"taskProperties": [{"taskArn": task}]}},
    "an attempt that goes on": lambda task: {"attempts": [{"container": {"taskArn": task}, "startedAt": 1}]},
    "a task of an attempt that goes on": lambda task: {
        "attempts": [{"container": {}, "taskProperties": [{"taskArn": task}], "startedAt": 1}]
    },
}


@pytest.mark.parametrize("name", SHOWN)
def test_wherever_a_job_shows_its_task(name: str) -> None:
    """The cluster is told by the container, by a task of several, or by the attempt under way."""
    ground = Ground.new()
    ground.submit("short")
    ground.retire()
    ground.submit("long")
    ground.stage.settle(20)

    def move(seen: dict[str, Any]) -> None:
        for job in seen["jobs"]:
            task = job["container"].pop("taskArn", None)
            if task:
                job.update(SHOWN[name](task))

    answers(ground.stage, "DescribeJobs", move)
    report = ground()
    assert statuses(report) == {"drain:old": "done"}
    assert ground.counts() == [1, 0]


def test_environments_that_drain_at_once_share_a_scan() -> None:
    """Two that begin together cost the listings of one; the one that ends last is made sure of alone."""
    ground = Ground.new("old", "older", "new")
    ground.queue("r", "older")
    ground.submit("short")
    ground.submit("long", queue="r")
    ground.retire()
    ground.retire("older", queue="r", running=0)
    report = ground(drain(seconds=7200), drain("older", seconds=7200))
    assert statuses(report) == {"drain:old": "done", "drain:older": "done"}
    assert report.calls["ListJobs"] == 3 * 3 * 2
    assert ground.counts("drain:older") == [1, 0]


def test_who_begins_during_a_scan_waits_for_the_next() -> None:
    """What was asked before it began says nothing of it."""
    ground = Ground.new("old", "older", "new")
    ground.queue("r", "older")
    ground.submit("long", queue="r")
    ground.retire()
    ground.retire("older", queue="r", running=0)
    seen = Goal("job_queue", "q", "seen")
    wait = Step("wait", "job_queue.q", None, {}, seen)
    # Throttled for a while, the first scan is under way when the second environment begins.
    ground.stage.simulator.inject(Fault("ListJobs", "throttle", after=1, times=8))
    began: list[str] = []
    ground.stage.simulator.before_call = lambda operation, _: began.append(operation)
    scans: list[int] = []

    def count(params: Mapping[str, Any], **_: Any) -> None:
        if "jobQueues" not in params:
            scans.append(len(scans))

    ground.stage.batch.meta.events.register("provide-client-params.batch.DescribeJobQueues", count)
    report = ground(drain(), wait, drain("older", "wait", seconds=7200))
    first, last = began.index("ListJobs"), began.index("DescribeJobs")
    assert "DescribeComputeEnvironments" in began[first:last]
    assert len(scans) == 3
    assert statuses(report) == {"drain:old": "done", "wait": "done", "drain:older": "done"}
    assert ground.counts("drain:older") == [1, 0]


def test_what_is_gone_runs_nothing() -> None:
    """An environment that is not there, or never got a cluster, is drained without a scan."""
    ground = Ground.new()
    report = ground(drain("never"))
    assert statuses(report) == {"drain:never": "done"}
    assert report.calls == {"DescribeComputeEnvironments": 1}

    def broken(seen: dict[str, Any]) -> None:
        for environment in seen["computeEnvironments"]:
            del environment["ecsClusterArn"]

    answers(ground.stage, "DescribeComputeEnvironments", broken)
    assert ground().calls == {"DescribeComputeEnvironments": 1}


def test_queues_of_sagemaker_hold_no_such_jobs() -> None:
    """They are not asked."""
    ground = Ground.new()
    ground.stage.world.create_service_environment(
        serviceEnvironmentName="s",
        serviceEnvironmentType="SAGEMAKER_TRAINING",
        capacityLimits=[{"maxCapacity": 1, "capacityUnit": "NUM_INSTANCES"}],
    )
    ground.stage.settle()
    order = [{"order": 1, "serviceEnvironment": "s"}]
    ground.stage.world.create_job_queue(
        jobQueueName="t", priority=1, jobQueueType="SAGEMAKER_TRAINING", serviceEnvironmentOrder=order
    )
    ground.retire()
    assert ground().calls["ListJobs"] == 3


def test_a_queue_that_goes_during_the_scan_is_no_error() -> None:
    """Its jobs have gone with it."""
    ground = Ground.new()
    ground.queue("leaving", "new")
    ground.retire()
    world = ground.stage.world

    def leave(operation: str, _: int) -> None:
        if operation == "ListJobs" and ground.stage.queue("leaving"):
            world.update_job_queue(jobQueue="leaving", state="DISABLED")
            ground.stage.settle(60)
            world.delete_job_queue(jobQueue="leaving")
            ground.stage.settle(60)

    ground.stage.simulator.before_call = leave
    report = ground()
    assert statuses(report) == {"drain:old": "done"}
    assert ground.stage.queue("leaving") == {}


def test_an_array_that_goes_during_the_scan_is_no_error() -> None:
    """A parent that was listed and is forgotten has no children that run."""
    ground = Ground.new()
    ground.submit("short", arrayProperties={"size": 2})
    ground.retire()
    # The second page of the scan that answers is about the parent: time passes before its children are listed.
    asked: list[str] = []

    def forget(operation: str, _: int) -> None:
        asked.append(operation)
        if asked.count("ListJobs") == 4:
            ground.stage.settle(10 * 86400)

    ground.stage.simulator.before_call = forget
    assert statuses(ground()) == {"drain:old": "done"}
    assert ground.counts() == [0]


def test_a_job_that_vanishes_has_left() -> None:
    """What is described no more does not run."""
    ground = Ground.new()
    ground.submit("long")
    ground.retire()
    looks: list[int] = []

    def vanish(seen: dict[str, Any]) -> None:
        looks.append(1)
        if len(looks) == 3:
            seen["jobs"] = []

    answers(ground.stage, "DescribeJobs", vanish)
    report = ground(drain(seconds=7200))
    assert statuses(report) == {"drain:old": "done"}
    assert ground.counts() == [1, 0, 1, 0]


@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_a_throttled_listing_is_taken_again(after: int) -> None:
    """And told under the step that it was asked for."""
    ground = Ground.new()
    ground.submit("short")
    ground.retire()
    ground.stage.simulator.inject(Fault("ListJobs", "throttle", after=after))
    report = ground()
    assert statuses(report) == {"drain:old": "done"}
    (retried,) = [event for event in ground.run.events if event.event == "retried"]
    assert (retried.step, retried.detail["operation"]) == ("drain:old", "ListJobs")
    assert report.throttles == 1


@pytest.mark.parametrize("operation", ["DescribeComputeEnvironments", "DescribeJobQueues", "ListJobs", "DescribeJobs"])
def test_a_failure_that_lasts_is_outlived_until_the_deadline(operation: str) -> None:
    """A service that is down for longer than a call is repeated: the wait goes on, and begins its scan anew."""
    ground = Ground.new()
    ground.submit("short")
    ground.retire()
    ground.stage.simulator.inject(Fault(operation, "server", times=None, lasts=300))
    assert statuses(ground()) == {"drain:old": "done"}
    assert ground.on("old") == 0


@pytest.mark.parametrize("operation", ["DescribeComputeEnvironments", "DescribeJobQueues", "ListJobs", "DescribeJobs"])
def test_what_could_not_be_found_out_is_said(operation: str) -> None:
    """Down for good: at the deadline the words are of the last failure, and it counts as retiring."""
    ground = Ground.new()
    ground.submit("long")
    ground.retire()
    ground.stage.simulator.inject(Fault(operation, "server", times=None))
    report = ground(drain(seconds=300))
    assert report.exit_code == 4
    (outcome,) = report.failures
    assert outcome.status == "retiring"
    assert "whether jobs still run on old could not be found out within 300 s" in str(outcome.error)
    assert f"(the last look failed: {operation}: Internal server error" in str(outcome.error)
    assert ground.counts() == []


def test_the_last_count_stands_where_looks_fail_at_the_end() -> None:
    """What was seen is told, and why it is not newer."""
    ground = Ground.new()
    ground.submit("long")
    ground.retire()
    ground.stage.simulator.inject(Fault("DescribeJobs", "server", after=2, times=None))
    (outcome,) = ground(drain(seconds=300)).failures
    assert str(outcome.error).startswith("old still runs 1 job after 300 s (the last look failed: DescribeJobs: ")


@pytest.mark.parametrize("after", [0, 1, 4])
def test_what_may_not_be_listed_fails_all_whom_it_was_for(after: int) -> None:
    """Both environments, with a hint, and nothing is asked for them any more."""
    ground = Ground.new("old", "older", "new")
    ground.queue("r", "older")
    ground.retire()
    ground.stage.simulator.inject(Fault("ListJobs", "denied", after=after, times=None))
    report = ground(drain(), drain("older"), policy("a"))
    assert statuses(report) == {"drain:old": "failed", "drain:older": "failed", "a": "done"}
    assert {outcome.hint for outcome in report.failures} == {"the IAM policy must allow the call"}
    assert report.exit_code == 4


@pytest.mark.parametrize("operation", ["DescribeComputeEnvironments", "DescribeJobQueues", "ListJobs", "DescribeJobs"])
@pytest.mark.parametrize("after", [0, 1])
def test_credentials_that_end_end_the_wait(operation: str, after: int) -> None:
    """At whatever call: exit code 4, no drain is left waiting, and the same command goes on."""
    ground = Ground.new("old", "older", "new")
    ground.queue("r", "older")
    ground.submit("long")
    ground.submit("long", queue="r")
    ground.retire()
    ground.retire("older", queue="r", running=0)
    ground.stage.simulator.inject(Fault(operation, "expired", after=after, times=None))
    report = ground(drain(seconds=7200), drain("older", seconds=7200))
    assert statuses(report) == {"drain:old": "failed", "drain:older": "failed"}
    assert report.exit_code == 4
    assert all("expired" in str(outcome.error) for outcome in report.failures)
    ground.stage.simulator.heal()
    again = ground(drain(seconds=7200), drain("older", seconds=7200))
    assert statuses(again) == {"drain:old": "done", "drain:older": "done"}


@pytest.mark.parametrize("number", [1, 2, 4, 6, 7, 9])
def test_a_signal_ends_the_wait(number: int) -> None:
    """At whatever call it comes: that one is finished, no other begins, and the step is interrupted."""
    ground = Ground.new()
    ground.submit("long")
    ground.retire()
    stop = ground.stage.stopper()
    made: list[str] = []

    def signal(operation: str, _: int) -> None:
        made.append(operation)
        if len(made) == number:
            stop.set_result(2)

    ground.stage.simulator.before_call = signal
    ground.run.stop = stop
    report = ground()
    assert statuses(report) == {"drain:old": "interrupted"}
    assert report.exit_code == 130
    assert len(made) == number
