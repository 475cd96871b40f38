"""A queue that goes while it holds jobs: refused, waited for, cancelled or ended, and no job ends otherwise."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs
import pytest

from plans.asked import Asked
from plans.change import Impact
from plans.plan import Plan
from plans.planfile import from_json, to_json
from plans.policy import Policy
from plans.report import Event
from providers.errors import PlanRefused
from providers.resources import Address, Drain
from providers.simulator import Durations, Fault, Outcome
from providers.simulator import Settings as Simulated
from reconciler.settings import Settings
from tests.kit import LAB, TRAINING, Stage, cut, edit, on_stage

LOW = "  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n"
OUTAGE = "policy: {maxImpact: outage}\n"
WITHOUT = edit(LAB, (LOW, ""))
SLOW = Simulated(durations=Durations(job_running=1800))
NEVER = Simulated(outcomes=(Outcome(name="stuck", runs=False),), durations=Durations(job_running=1800))
UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
QUICK = Simulated(durations=Durations(job_running=60))
PAYLOAD = '{"ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"}}'


def draining(mode: str, timeout: str = "", text: str = WITHOUT) -> str:
    more = f", timeout: {timeout}" if timeout else ""
    return f"{text}\npolicy: {{drain: {{mode: {mode}{more}}}}}\n"


def submit(stage: Stage, count: int = 1, *, name: str = "work", queue: str = "lab-low", **given: Any) -> list[str]:
    made = [
        stage.world.submit_job(jobName=name, jobQueue=queue, jobDefinition="lab-align", **given) for _ in range(count)
    ]
    return [str(one["jobId"]) for one in made]


def described(stage: Stage, jobs: Iterable[str]) -> Iterator[dict[str, Any]]:
    jobs = list(jobs)
    for start in range(0, len(jobs), 100):
        yield from stage.world.describe_jobs(jobs=jobs[start : start + 100])["jobs"]


def statuses(stage: Stage, jobs: Iterable[str]) -> Counter[str]:
    return Counter(job["status"] for job in described(stage, jobs))


def at(operation: str, do: Callable[[], object], stage: Stage) -> None:
    """Do something right before the first call of an operation of the reconciler."""

    def hook(called: str, _number: int) -> None:
        if called == operation:
            stage.simulator.before_call = None
            do()

    stage.simulator.before_call = hook


def of(made: Plan, address: str) -> Any:
    return next(change for change in made.changes if str(change.address) == address)


def falling(stage: Stage) -> list[int]:
    """What was seen of the jobs that are left."""
    return [event.detail["jobs"] for event in stage.told("polled") if "jobs" in event.detail]


# Refused.


def test_a_queue_with_many_jobs_is_refused_with_their_number() -> None:
    """1,240 jobs of several statuses are told, nothing is changed, and none of them ends."""
    stage = Stage.new(simulated=Simulated(durations=Durations(job_submitted=60, job_running=7200)))
    stage.apply(LAB)
    jobs = submit(stage, 1000)
    stage.settle(120)
    jobs += submit(stage, 240)
    assert len(statuses(stage, jobs)) == 3
    with pytest.raises(PlanRefused, match="lab-low holds 1240 unfinished jobs") as refused:
        stage.apply(WITHOUT)
    assert refused.value.exit_code == 3
    assert stage.mutations == []
    assert stage.queue("lab-low")["state"] == "ENABLED"
    assert statuses(stage, jobs).keys() <= set(UNFINISHED)
    made = stage.plan(WITHOUT)
    assert of(made, "job_queue.low").jobs.total == 1240


@pytest.mark.unmeasured
def test_jobs_at_the_worst_moment_save_the_queue() -> None:
    """1,240 jobs that come between plan and disable: counted, the queue takes jobs again, and none of them ends."""
    stage = Stage.new(simulated=Simulated(durations=Durations(job_submitted=60, job_running=7200)))
    stage.apply(LAB)
    jobs: list[str] = []

    def come() -> None:
        jobs.extend(submit(stage, 1000))
        stage.settle(120)
        jobs.extend(submit(stage, 240))

    at("UpdateJobQueue", come, stage)
    report = stage.apply(WITHOUT)
    assert report.exit_code == 4
    assert stage.mutations == ["UpdateJobQueue", "UpdateJobQueue"]
    assert (stage.queue("lab-low")["state"], stage.queue("lab-low")["status"]) == ("ENABLED", "VALID")
    assert "lab-low holds 1240 unfinished jobs" in str(report.failures[0].error)
    stage.settle(7200 * 25)
    assert statuses(stage, jobs) == {"SUCCEEDED": 1240}


def test_a_death_under_refuse_ends_no_job() -> None:
    """A queue that was left disabled stays so, since nobody can tell by whom it was; the refusal says it."""
    stage = Stage.new(simulated=SLOW)
    stage.apply(LAB)
    jobs: list[str] = []
    at("UpdateJobQueue", lambda: jobs.extend(submit(stage, 3)), stage)
    forks = [fork for _, fork in stage.forks(lambda whole: whole.apply(WITHOUT), reads=4) if statuses(fork, jobs)]
    left = 0
    for fork in forks:
        state = fork.queue("lab-low")["state"]
        said = str(next(iter(fork.plan(WITHOUT).refusals)).message)
        assert said.endswith("; it is DISABLED, and stays so") is (state == "DISABLED")
        with pytest.raises(PlanRefused):
            fork.apply(WITHOUT)
        assert fork.mutations == []
        left += state == "DISABLED"
        fork.settle(7200)
        assert statuses(fork, jobs) == {"SUCCEEDED": 3}
    assert 0 < left < len(forks)


@pytest.mark.unmeasured
@pytest.mark.parametrize("mode", ["refuse", "wait"])
def test_no_job_ends_whatever_call_it_comes_before(mode: str) -> None:
    """A job may come before any call of the run: it is refused, or it succeeds, and is never ended."""
    ready = Stage.new(simulated=QUICK)
    ready.apply(LAB)
    calls = len(_run(ready.twin(), mode).simulator.calls)
    for number in range(1, calls + 1):
        stage = ready.twin()
        jobs: list[str] = []

        def hook(_called: str, _made: int, number: int = number, stage: Stage = stage, jobs: list[str] = jobs) -> None:
            if len(stage.simulator.calls) + 1 >= number and not jobs:
                stage.simulator.before_call = None
                if stage.queue("lab-low").get("state") == "ENABLED" and stage.queue("lab-low")["status"] == "VALID":
                    jobs.extend(submit(stage))

        stage.simulator.before_call = hook
        _run(stage, mode)
        stage.simulator.before_call = None
        stage.settle()
        assert statuses(stage, jobs) in ({}, {"SUCCEEDED": 1}), number


def _run(stage: Stage, mode: str) -> Stage:
    try:
        stage.apply(draining(mode))
    except PlanRefused:
        assert mode == "refuse"
    return stage


_FLAKY = Simulated(outcomes=(Outcome(name="flaky", attempts=1, exit_code=1, seconds=300),), page_size=1)


@on_stage(simulated=_FLAKY)
def test_a_job_that_is_tried_again_does_not_slip_through(stage: Stage) -> None:
    """It goes back to RUNNABLE, which was listed already; so that is listed again before the queue goes."""
    stage.apply(LAB)
    submit(stage)
    stage.settle()
    jobs: list[str] = []
    listings = 0

    def until(running: bool) -> None:
        while (statuses(stage, jobs) == {"RUNNING": 1}) is not running:
            stage.clock.sleep(1)

    def hook(called: str, _number: int) -> None:
        nonlocal listings
        if called == "UpdateJobQueue" and not jobs:
            jobs.extend(submit(stage, name="flaky", retryStrategy={"attempts": 2}))
        if called == "ListJobs" and stage.queue("lab-low")["state"] == "DISABLED":
            listings += 1
            if listings in (2, 6):
                until(listings == 2)

    stage.simulator.before_call = hook
    report = stage.apply(WITHOUT)
    stage.simulator.before_call = None
    assert "lab-low holds 1 unfinished job (1 STARTING)" in str(report.failures[0].error)
    stage.settle()
    assert statuses(stage, jobs) == {"SUCCEEDED": 1}


@on_stage()
def test_an_empty_queue_is_listed_twice_before_it_goes(stage: Stage) -> None:
    """Once for the plan, and once when it is disabled; jobs that ended of late are no more than a page."""
    stage.apply(LAB)
    submit(stage, 100)
    stage.settle()
    assert stage.apply(WITHOUT).exit_code == 0
    assert stage.calls["ListJobs"] == 1 + 1


@on_stage()
def test_a_queue_of_many_ended_jobs_is_listed_by_status(stage: Stage) -> None:
    """One page is not all: five statuses for the plan, five once the queue is disabled, and three once more."""
    stage.apply(LAB)
    submit(stage, 101)
    stage.settle()
    assert stage.apply(WITHOUT).exit_code == 0
    assert stage.calls["ListJobs"] == 1 + 5 + 1 + 5 + 3


@on_stage(simulated=QUICK)
def test_a_few_jobs_are_waited_for_by_one_listing_a_look(stage: Stage) -> None:
    """All their statuses are in it."""
    stage.apply(LAB)
    jobs = submit(stage, 3)
    assert stage.apply(draining("wait")).exit_code == 0
    assert statuses(stage, jobs) == {"SUCCEEDED": 3}
    assert stage.calls["ListJobs"] == 1 + len(falling(stage))


# Waited for.


@on_stage(simulated=attrs.evolve(QUICK, page_size=40))
def test_wait_lets_every_job_finish(stage: Stage) -> None:
    """The queue takes no more, the count falls, and it is deleted when none is left."""
    stage.apply(LAB)
    jobs = submit(stage, 150)
    jobs += submit(stage, arrayProperties={"size": 10})
    jobs += submit(stage, dependsOn=[{"jobId": jobs[0]}])
    report = stage.apply(draining("wait"))
    assert report.exit_code == 0
    assert stage.queue("lab-low") == {}
    assert statuses(stage, jobs) == {"SUCCEEDED": 152}
    assert falling(stage)[0] > 40
    assert falling(stage)[-1] == 0
    assert falling(stage) == sorted(falling(stage), reverse=True)
    assert not {"CancelJob", "CancelJobs", "TerminateJob", "TerminateJobs"} & {*stage.mutations}


@on_stage(simulated=SLOW)
def test_a_wait_that_takes_too_long_goes_on_with_the_next_apply(stage: Stage) -> None:
    """The queue stays disabled, which is told as retiring; the same command again waits on, and then deletes it."""
    stage.apply(LAB)
    jobs = submit(stage, 3)
    report = stage.apply(draining("wait", "5m"))
    assert report.exit_code == 4
    assert report.retiring
    assert [outcome.step for outcome in report.failures] == ["drain:job_queue.low"]
    assert "lab-low still holds 3 unfinished jobs (3 RUNNING) after 300 s" in str(report.failures[0].error)
    assert "--drain terminate, or drain of its block" in str(report.failures[0].hint)
    assert stage.queue("lab-low")["state"] == "DISABLED"
    assert stage.apply(draining("wait", "5m")).exit_code == 4
    assert stage.mutations == []
    assert stage.apply(draining("wait")).exit_code == 0
    assert stage.queue("lab-low") == {}
    assert statuses(stage, jobs) == {"SUCCEEDED": 3}


@on_stage(simulated=SLOW, settings=Settings(timeout=60.0))
def test_a_timeout_caps_the_wait(stage: Stage) -> None:
    """As it does every other one."""
    stage.settings(timeout=None)
    stage.apply(LAB)
    submit(stage)
    stage.settings(timeout=60.0)
    assert "after 60 s" in str(stage.apply(draining("wait")).failures[0].error)


@on_stage(simulated=QUICK)
def test_a_queue_that_vanishes_while_it_is_drained_is_gone(stage: Stage) -> None:
    """Somebody else deleted it: nothing is left to do, and that is success."""
    stage.apply(LAB)
    submit(stage)

    def meddle(operation: str, _number: int) -> None:
        if operation == "ListJobs" and stage.queue("lab-low").get("state") == "DISABLED":
            stage.simulator.before_call = None
            stage.world.delete_job_queue(jobQueue="lab-low")
            stage.settle()

    stage.simulator.before_call = meddle
    assert stage.apply(draining("wait")).exit_code == 0
    assert stage.queue("lab-low") == {}


@on_stage(simulated=QUICK)
def test_throttled_listings_are_repeated(stage: Stage) -> None:
    """However often: nothing is deleted on a count that was not had."""
    stage.apply(LAB)
    jobs = submit(stage, 20)
    stage.simulator.inject(Fault("ListJobs", "throttle", after=1, times=40))
    assert stage.apply(draining("wait")).exit_code == 0
    assert statuses(stage, jobs) == {"SUCCEEDED": 20}


@on_stage(simulated=SLOW)
def test_listings_that_fail_for_long_end_as_retiring(stage: Stage) -> None:
    """What could not be found out is told, and the queue stays disabled."""
    stage.apply(LAB)
    submit(stage)
    stage.simulator.inject(Fault("ListJobs", "server", after=1, times=None))
    report = stage.apply(draining("wait", "5m"))
    assert report.retiring
    assert "whether lab-low still holds jobs could not be found out within 300 s" in str(report.failures[0].error)


@on_stage(simulated=SLOW)
def test_a_signal_ends_the_wait(stage: Stage) -> None:
    """Nothing new begins; the same command again goes on."""
    stage.apply(LAB)
    submit(stage, 2)
    stop = stage.stopper()

    def interrupt(event: Event) -> None:
        if "jobs" in event.detail and not stop.done():
            stop.set_result(2)

    report = stage.apply(draining("wait"), on_event=interrupt)
    assert report.exit_code == 130
    assert stage.queue("lab-low")["state"] == "DISABLED"
    stage.go_on()
    assert stage.apply(draining("wait")).exit_code == 0


# Cancelled and ended.


def test_cancel_ends_only_what_has_not_started() -> None:
    """What waits is cancelled, arrays included; what runs has time to finish."""
    stage = Stage.new(simulated=NEVER)
    stage.apply(LAB)
    running = submit(stage, 5)
    array = submit(stage, arrayProperties={"size": 4})
    stage.settle(60)
    waiting = submit(stage, 120, name="stuck")
    waiting += submit(stage, dependsOn=[{"jobId": waiting[0]}])
    big = submit(stage, name="stuck", arrayProperties={"size": 3})
    report = stage.apply(draining("cancel"))
    assert report.exit_code == 0
    assert stage.queue("lab-low") == {}
    assert statuses(stage, running) == {"SUCCEEDED": 5}
    assert statuses(stage, [f"{array[0]}:{index}" for index in range(4)]) == {"SUCCEEDED": 4}
    assert statuses(stage, waiting) == {"FAILED": 121}
    assert statuses(stage, [f"{big[0]}:{index}" for index in range(3)]) == {"FAILED": 3}
    reasons = {job["statusReason"] for job in described(stage, waiting)}
    assert reasons == {"batchwright: lab-low is deleted (job_queue.low of stack lab)"}
    assert not {"TerminateJob", "TerminateJobs"} & {*stage.mutations}
    assert stage.calls["CancelJobs"] <= 10


@on_stage(simulated=Simulated(durations=Durations(job_submitted=300)))
def test_what_was_only_submitted_is_cancelled(stage: Stage) -> None:
    """It has not started either."""
    stage.apply(LAB)
    jobs = submit(stage, 2)
    assert stage.apply(draining("cancel")).exit_code == 0
    assert statuses(stage, jobs) == {"FAILED": 2}


@pytest.mark.parametrize("together", [True, False])
def test_terminate_ends_all(together: bool) -> None:
    """Whatever runs and waits, arrays with their children; fifty in a call, or one by one where that is not known."""
    stage = Stage.new(simulated=NEVER)
    stage.apply(LAB)
    if not together:
        stage.simulator.inject(Fault("TerminateJobs", "unknown", times=None))
    jobs = submit(stage, 60)
    array = submit(stage, arrayProperties={"size": 4})
    stage.settle(60)
    jobs += submit(stage, 60, name="stuck")
    made = stage.plan(draining("terminate"))
    assert made.refusals == ()
    found = of(made, "job_queue.low")
    assert found.jobs.fate == "they are ended by terminate"
    assert found.impact is Impact.OUTAGE
    assert stage.apply(draining("terminate")).exit_code == 0
    assert stage.queue("lab-low") == {}
    children = [f"{array[0]}:{index}" for index in range(4)]
    assert statuses(stage, [*jobs, *array, *children]) == {"FAILED": 125}
    reasons = {job["statusReason"] for job in described(stage, jobs)}
    assert reasons == {"batchwright: lab-low is deleted (job_queue.low of stack lab)"}
    ended = sum(event.detail.get("ended", 0) for event in stage.told("called"))
    assert ended == 121
    assert stage.calls["TerminateJobs" if together else "TerminateJob"] == (5 if together else 121)


@on_stage(simulated=SLOW)
def test_jobs_of_a_bulk_call_that_may_not_be_ended_fail_the_step(stage: Stage) -> None:
    """The queue stays disabled, and nothing is deleted."""
    stage.apply(LAB)
    jobs = submit(stage, 2)
    stage.simulator.inject(Fault("TerminateJobs", "denied", times=None))
    report = stage.apply(draining("terminate"))
    assert report.exit_code == 4
    assert "AccessDenied" in str(report.failures[0].error)
    assert stage.queue("lab-low")["state"] == "DISABLED"
    assert set(statuses(stage, jobs)) <= set(UNFINISHED)


@pytest.mark.parametrize("mode", ["refuse", "wait", "cancel"])
def test_in_no_mode_but_terminate_a_running_job_ends(mode: str) -> None:
    """Nor a child of an array, nor a service job."""
    stage = Stage.new(simulated=SLOW)
    stage.apply(LAB)
    jobs = submit(stage, 3) + submit(stage, arrayProperties={"size": 3})
    stage.settle(60)
    assert set(statuses(stage, jobs)) == {"RUNNING", "PENDING"}
    _run(stage, mode)
    stage.settle(7200)
    children = [f"{jobs[-1]}:{index}" for index in range(3)]
    assert statuses(stage, [*jobs, *children]) == {"SUCCEEDED": 7}


@pytest.mark.unmeasured
@pytest.mark.parametrize("mode", ["wait", "cancel", "terminate"])
def test_every_crash_point_converges(mode: str) -> None:
    """A process that dies after any call: the same command again empties the queue and deletes it."""
    stage = Stage.new(simulated=attrs.evolve(NEVER, durations=Durations(job_running=90)))
    stage.apply(LAB)
    jobs = submit(stage, 55 if mode == "terminate" else 5)
    stage.settle(30)
    if mode != "wait":
        jobs += submit(stage, 55, name="stuck")
    text = draining(mode)
    forks = stage.forks(lambda whole: whole.apply(text), reads=20)
    assert stage.queue("lab-low") == {}
    told = statuses(stage, jobs)
    assert len(forks) >= 3
    for number, fork in forks:
        assert fork.apply(text).exit_code == 0, number
        assert fork.all == stage.all, number
        assert statuses(fork, jobs) == told, number


# Replacement, destroy, quota shares and service jobs.


@on_stage(simulated=QUICK)
def test_a_queue_that_is_made_anew_follows_its_own_drain(stage: Stage) -> None:
    """What the block says comes before the policy."""
    text = edit(LAB, (LOW, LOW.replace("}", ", lifecycle: {replace: deleteFirst}, drain: {mode: wait}}"))) + OUTAGE
    stage.apply(text)
    jobs = submit(stage, 5)
    made = stage.plan(text, asked=_replacing("job_queue.low"))
    assert made.refusals == ()
    assert of(made, "job_queue.low").jobs.total == 5
    assert stage.apply(text, asked=_replacing("job_queue.low")).exit_code == 0
    assert statuses(stage, jobs) == {"SUCCEEDED": 5}
    assert stage.queue("lab-low")["state"] == "ENABLED"


@on_stage(simulated=SLOW)
def test_a_queue_that_is_made_anew_is_refused_while_it_holds_jobs(stage: Stage) -> None:
    """Where neither block nor policy says otherwise."""
    text = edit(LAB, (LOW, LOW.replace("}", ", lifecycle: {replace: deleteFirst}}"))) + OUTAGE
    stage.apply(text)
    submit(stage)
    made = stage.plan(text, asked=_replacing("job_queue.low"))
    assert [(row.address, row.code) for row in made.refusals] == [("job_queue.low", "jobs")]


@on_stage(simulated=QUICK)
def test_jobs_that_come_late_save_a_queue_that_was_to_be_made_anew(stage: Stage) -> None:
    """It takes jobs again, under its own refusal too where the policy would end them."""
    text = edit(LAB, (LOW, LOW.replace("}", ", lifecycle: {replace: deleteFirst}, drain: {mode: refuse}}")))
    stage.apply(text)
    jobs: list[str] = []
    at("UpdateJobQueue", lambda: jobs.extend(submit(stage)), stage)
    told = draining("terminate", text=text).replace("policy: {", "policy: {maxImpact: outage, ")
    report = stage.apply(told, asked=_replacing("job_queue.low"))
    assert report.exit_code == 4
    assert stage.queue("lab-low")["state"] == "ENABLED"
    stage.settle()
    assert statuses(stage, jobs) == {"SUCCEEDED": 1}


def _replacing(address: str) -> Any:
    return Asked(replace=[Address.parse(address)])


@on_stage(simulated=SLOW)
def test_destroy_ends_jobs_only_where_that_is_said(stage: Stage) -> None:
    """It is refused else, and with terminate nothing is left."""
    stage.apply(LAB)
    jobs = submit(stage, 3)
    with pytest.raises(PlanRefused):
        stage.destroy(LAB)
    assert set(statuses(stage, jobs)) <= set(UNFINISHED)
    assert stage.destroy(draining("terminate", text=LAB)).exit_code == 0
    assert stage.all == []
    assert statuses(stage, jobs) == {"FAILED": 3}


@on_stage(simulated=SLOW)
def test_the_own_drain_of_a_queue_counts_under_destroy(stage: Stage) -> None:
    """A block that refuses keeps its jobs whatever the policy says, and one that ends them does, unless forbidden."""
    stage.apply(LAB)
    jobs = submit(stage, 2)
    stage.settle(120)
    kept = edit(LAB, (LOW, LOW.replace("}", ", drain: {mode: refuse}}")))
    with pytest.raises(PlanRefused):
        stage.destroy(draining("terminate", text=kept))
    assert stage.mutations == []
    assert set(statuses(stage, jobs)) <= set(UNFINISHED)
    ended = edit(LAB, (LOW, LOW.replace("}", ", drain: {mode: terminate}}")))
    bound = (Policy(drain=Drain("refuse"), said=frozenset({"drain"})),)
    stage.reconciler = attrs.evolve(stage.reconciler, policies=bound)
    with pytest.raises(PlanRefused, match="2 unfinished jobs") as refused:
        stage.destroy(ended)
    assert isinstance(refused.value.plan, Plan)
    assert "binds" in refused.value.plan.refusals[0].hint
    stage.reconciler = attrs.evolve(stage.reconciler, policies=())
    assert stage.destroy(ended).exit_code == 0
    assert stage.all == []
    assert statuses(stage, jobs) == {"FAILED": 2}


def service(stage: Stage, queue: str, **given: Any) -> str:
    made = stage.world.submit_service_job(
        jobName="t", jobQueue=queue, serviceJobType="SAGEMAKER_TRAINING", serviceRequestPayload=PAYLOAD, **given
    )
    return str(made["jobId"])


def service_status(stage: Stage, job: str) -> str:
    return str(stage.world.describe_service_job(jobId=job)["status"])


UNTRAINED = edit(TRAINING, ("  train: {priority: 1, serviceEnvironmentOrder: [small]}\n", ""))
UNSHARED = cut(edit(TRAINING, ("quotaShares:\n", "")), "  red:")


@pytest.mark.parametrize(("text", "queue", "share"), [(UNTRAINED, "lab-train", ""), (UNSHARED, "lab-teams", "lab-red")])
@pytest.mark.parametrize("mode", ["refuse", "wait", "cancel", "terminate"])
def test_service_jobs_end_only_under_terminate(text: str, queue: str, share: str, mode: str) -> None:
    """Neither with their queue nor with their quota share."""
    stage = Stage.new(simulated=QUICK)
    stage.apply(TRAINING)
    job = service(stage, queue, **({"quotaShareName": share} if share else {}))
    before = stage.all
    _run_with(stage, mode, text)
    if mode == "refuse":
        assert stage.mutations == []
        assert service_status(stage, job) in ("SUBMITTED", "RUNNABLE", "SCHEDULED")
        stage.settle()
        assert service_status(stage, job) == "SUCCEEDED"
    else:
        assert service_status(stage, job) == ("FAILED" if mode == "terminate" else "SUCCEEDED")
        assert share or stage.all != before
    assert stage.apply(draining(mode, text=text)).exit_code == 0
    assert stage.plan(text).empty


def _run_with(stage: Stage, mode: str, text: str) -> None:
    if mode == "refuse":
        with pytest.raises(PlanRefused, match="unfinished job"):
            stage.apply(draining(mode, text=text))
    else:
        assert stage.apply(draining(mode, text=text)).exit_code == 0


@on_stage(simulated=SLOW)
def test_a_quota_share_whose_jobs_come_late_takes_jobs_again(stage: Stage) -> None:
    """It is disabled, counted, and enabled again."""
    stage.apply(TRAINING)
    at("UpdateQuotaShare", lambda: service(stage, "lab-teams", quotaShareName="lab-red"), stage)
    report = stage.apply(UNSHARED)
    assert report.exit_code == 4
    assert "deleting a quota share ends its jobs" in str(report.failures[0].error)
    (share,) = stage.world.list_quota_shares(jobQueue="lab-teams")["quotaShares"]
    assert share["state"] == "ENABLED"


@pytest.mark.unmeasured
@pytest.mark.parametrize("mode", ["refuse", "wait", "cancel"])
def test_arrays_and_service_jobs_at_the_worst_moment_do_not_end(mode: str) -> None:
    """They come between plan and disable, into queues and a quota share that go."""
    stage = Stage.new(simulated=QUICK)
    stage.apply(TRAINING)
    work = "  work: {priority: 10, computeEnvironmentOrder: [fargate], schedulingPolicyArn: fair}\n"
    text = edit(UNTRAINED, (work, ""), ("quotaShares:\n", ""))
    text = cut(text, "  red:", "jobDefinitions:")
    jobs: list[str] = []
    trained: list[str] = []

    def come(operation: str, _number: int) -> None:
        if operation in ("UpdateJobQueue", "UpdateQuotaShare"):
            stage.simulator.before_call = None
            jobs.extend(submit(stage, queue="lab-work", shareIdentifier="a", arrayProperties={"size": 2}))
            stage.settle(30)
            trained.extend([service(stage, "lab-train"), service(stage, "lab-teams", quotaShareName="lab-red")])

    stage.simulator.before_call = come
    report = stage.apply(draining(mode, text=text))
    assert report.exit_code == (4 if mode == "refuse" else 0)
    assert len(report.failures) == (3 if mode == "refuse" else 0)
    stage.settle()
    assert statuses(stage, [*jobs, *(f"{jobs[0]}:{index}" for index in range(2))]) == {"SUCCEEDED": 3}
    assert [service_status(stage, job) for job in trained] == ["SUCCEEDED", "SUCCEEDED"]


# At risk.


@on_stage(simulated=SLOW)
def test_the_jobs_that_a_plan_disturbs_are_told(stage: Stage) -> None:
    """How many, since when, and what becomes of them; counted only where something is disturbed."""
    stage.apply(LAB)
    submit(stage, 2)
    submit(stage, 1, queue="lab-high")
    stage.settle(600)
    assert stage.plan(LAB).empty
    assert stage.calls["ListJobs"] == 0

    priority = stage.plan(edit(LAB, ("priority: 10", "priority: 11")))
    assert of(priority, "job_queue.high").jobs is None
    assert stage.calls["ListJobs"] == 0

    off = stage.plan(edit(LAB, ("low: {priority: 1,", "low: {priority: 1, state: DISABLED,")))
    found = of(off, "job_queue.low").jobs
    assert dict(found.by_status)["RUNNING"] == 2
    assert 500 < found.longest <= 600
    assert found.fate == "no others are taken, and these can finish"

    renewed = stage.plan(edit(LAB, ("subnets: [subnet-1]", "subnets: [subnet-2]")))
    found = of(renewed, "compute_environment.ondemand").jobs
    assert found.total == 3
    assert found.fate.startswith("in the queues lab-high, lab-low: those that run on it")
    assert stage.calls["ListJobs"] == 2


@on_stage(simulated=SLOW)
def test_an_array_is_told_with_its_children(stage: Stage) -> None:
    """It is one job of the queue, and thousands that end with it: by the plan, and by a run that meets it."""
    stage.apply(LAB)
    at("UpdateJobQueue", lambda: submit(stage, arrayProperties={"size": 2000}), stage)
    assert "lab-low holds 1 unfinished job, an array of 2,000 (1 " in str(stage.apply(WITHOUT).failures[0].error)
    stage.settle(120)
    submit(stage)
    made = stage.plan(WITHOUT)
    assert "lab-low holds 2 unfinished jobs, with arrays of 2,000 in all (" in made.refusals[0].message
    assert of(from_json(to_json(made)), "job_queue.low").jobs.children == 2000


@on_stage(simulated=SLOW)
def test_jobs_are_not_counted_where_nobody_wants_to_know(stage: Stage) -> None:
    """But where a deletion hangs on them."""
    stage.apply(LAB)
    submit(stage)
    stage.settings(counting=False)
    stage.plan(edit(LAB, ("low: {priority: 1,", "low: {priority: 1, state: DISABLED,")))
    assert stage.calls["ListJobs"] == 0
    assert [row.code for row in stage.plan(WITHOUT).refusals] == ["jobs"]
    assert stage.calls["ListJobs"] == 1


@on_stage(simulated=SLOW)
def test_jobs_that_may_not_be_listed_are_a_warning(stage: Stage) -> None:
    """Where no deletion hangs on them."""
    stage.apply(LAB)
    stage.simulator.inject(Fault("ListJobs", "denied", times=None))
    made = stage.plan(edit(LAB, ("low: {priority: 1,", "low: {priority: 1, state: DISABLED,")))
    assert of(made, "job_queue.low").jobs is None
    assert any(told.startswith("the jobs of lab-low could not be counted: ") for told in made.warnings)
