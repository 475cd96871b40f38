"""Jobs at risk: whose, how many, and what becomes of them."""

import json
from typing import Any

import pytest

from plans.asked import Asked
from plans.change import Impact
from plans.jobs import asked, emptying, mode
from plans.plan import Goal, Step
from plans.policy import Policy
from providers.resources import Address, Drain, JobCount, Unread
from tests.plans.core import arn, change, environment, environments, plan, queue, queues, snapshot

HIGH, OLD = arn("job_queue", "high"), arn("job_queue", "old")
SOME = JobCount({"RUNNABLE": 3, "RUNNING": 1}, longest=60.0)


def fate(made: Any, address: str) -> str:
    jobs = change(made, address).jobs
    assert jobs is not None
    return str(jobs.fate)


@pytest.mark.parametrize(
    ("call", "deadline", "found"),
    [
        ("ListJobs", 0, "refuse"),
        ("ListServiceJobs", 0, "refuse"),
        ("ListJobs", 60, "wait"),
        ("CancelJob", 60, "cancel"),
        ("TerminateJob", 60, "terminate"),
        ("TerminateServiceJob", 60, "terminate"),
    ],
)
def test_a_step_says_what_it_does_with_jobs(call: str, deadline: float, found: str) -> None:
    """Its call and its patience tell the mode, and its arguments the listing."""
    goal = Goal("job_queue", "old", "drained", deadline=deadline)
    step = Step("s", "job_queue.old", call, {"jobQueue": OLD, "reason": "r"}, goal)
    jobs = emptying(step)
    assert jobs is not None
    assert (jobs.operation, jobs.arguments, jobs.whose) == (
        "ListServiceJobs" if "Service" in call else "ListJobs",
        {"jobQueue": OLD},
        OLD,
    )
    assert mode(step) == found


def test_other_steps_empty_nothing() -> None:
    """An environment drains without a call."""
    assert emptying(Step("s", "a.b", None, {}, Goal("compute_environment", "b", "drained"))) is None
    assert emptying(Step("s", "a.b", "DeleteJobQueue", {}, Goal("job_queue", "b", "gone"))) is None


@pytest.mark.parametrize(
    ("drain", "told", "impact"),
    [
        (Drain(), "they would end with it, so the plan is refused", Impact.OUTAGE),
        (Drain("wait"), "no others are taken, and these have time to finish, 60 minutes at most", Impact.NONE),
        (
            Drain("cancel", 90),
            "those that are not STARTING yet are cancelled, the others have time to finish, 90 seconds at most",
            Impact.OUTAGE,
        ),
        (Drain("terminate"), "they are ended by terminate", Impact.OUTAGE),
    ],
)
def test_what_becomes_of_the_jobs_of_a_queue_that_goes(drain: Drain, told: str, impact: Impact) -> None:
    """As its drain says."""
    made = plan(environments(), environment(), queue("old"), jobs={OLD: SOME}, policy=Policy(drain=drain))
    assert fate(made, "job_queue.old") == told
    assert change(made, "job_queue.old").impact is impact
    counted = change(made, "job_queue.old").jobs
    assert counted is not None
    assert counted.total == 4


@pytest.mark.parametrize("mode", ["refuse", "terminate"])
def test_a_queue_without_jobs_goes_without_harm(mode: Any) -> None:
    """Nothing is refused, and nothing is an outage, where none are lost."""
    made = plan(
        environments(),
        environment(),
        queue("old"),
        jobs={OLD: JobCount({"RUNNING": 0})},
        policy=Policy(drain=Drain(mode)),
    )
    assert made.refusals == ()
    assert change(made, "job_queue.old").impact is Impact.NONE


def test_jobs_of_several_queues_are_told_together() -> None:
    """That one holds more than was counted is said of all, and the longest is that of all."""
    off = environments().replace("type: MANAGED", "type: MANAGED\n    state: DISABLED")
    lives = (environment(), queue("high"), queue("low"))
    counts = {HIGH: JobCount({"RUNNING": 1000}, more=True, longest=9.0), arn("job_queue", "low"): SOME}
    made = plan(off + queues("high", "low"), *lives, jobs=counts, policy=Policy(max_impact="outage"))
    found = change(made, "compute_environment.one").jobs
    assert found is not None
    assert (found.total, found.more, found.longest) == (1004, True, 60.0)
    assert found.fate.startswith("in the queues high, low: ")


@pytest.mark.parametrize(("state", "more"), [("ENABLED", ""), ("DISABLED", "; it is DISABLED, and stays so")])
def test_a_refusal_says_that_the_queue_is_disabled(state: str, more: str) -> None:
    """As a run that died leaves it: otherwise nobody would hear of it."""
    made = plan(environments(), environment(), queue("old", state=state), jobs={OLD: SOME})
    message = f"old holds 4 unfinished jobs (3 RUNNABLE, 1 RUNNING), and deleting a queue ends its jobs{more}"
    assert [(row.code, row.message) for row in made.refusals] == [("jobs", message)]


def test_a_deletion_hangs_on_the_count_and_other_plans_do_not() -> None:
    """A queue that goes must be counted; one that is disabled, or whose environment goes, may be."""
    lives = (environment(), queue("high"), queue("old"))
    made = plan(environments() + queues(more=", state: DISABLED"), *lives)
    needed, told = asked(made.changes, made.steps, snapshot(*lives))
    assert ([jobs.whose for jobs in needed], [jobs.whose for jobs in told]) == ([OLD], [HIGH])
    same = plan(environments() + queues(), environment(), queue())
    assert asked(same.changes, same.steps, snapshot(environment(), queue())) == ([], [])


def test_a_queue_that_is_disabled_keeps_its_jobs() -> None:
    """And an environment that is disabled those that run on it."""
    text = environments() + queues(more=", state: DISABLED")
    made = plan(text, environment(), queue(), jobs={HIGH: SOME})
    assert fate(made, "job_queue.high") == "no others are taken, and these can finish"
    off = environments().replace("type: MANAGED", "type: MANAGED\n    state: DISABLED")
    made = plan(off + queues(), environment(), queue(), jobs={HIGH: SOME}, policy=Policy(max_impact="outage"))
    assert fate(made, "compute_environment.one").endswith(
        "those that run on it are left to finish; the others wait, or run on what else their queue has"
    )


@pytest.mark.parametrize(
    ("update", "told"),
    [
        ({}, "those that run on it have time to finish, 30 minutes at most"),
        ({"jobExecutionTimeoutMinutes": 45}, "those that run on it have time to finish, 45 minutes at most"),
        (
            {"terminateJobsOnUpdate": True},
            "those that run on it are ended, since updatePolicy says terminateJobsOnUpdate",
        ),
    ],
)
def test_what_becomes_of_jobs_when_instances_are_renewed(update: dict[str, Any], told: str) -> None:
    """As the environment's update policy says."""
    live = environment(fields={"spec": {"updatePolicy": update}} if update else None)
    said = f"type: MANAGED\n    updatePolicy: {json.dumps(update)}" if update else "type: MANAGED"
    text = environments().replace("[sg-1]", "[sg-2]").replace("type: MANAGED", said)
    made = plan(text + queues(), live, queue("high", "one"), jobs={HIGH: SOME})
    assert fate(made, "compute_environment.one") == f"in the queue high: {told}"


def test_what_becomes_of_jobs_when_an_environment_goes() -> None:
    """Those that run there are left to finish; what waits runs elsewhere, unless its queue goes as well."""
    both = (environment(), environment("two"))
    text = environments() + queues()
    made = plan(text, *both, queue("high", "one", "two"), jobs={HIGH: SOME}, policy=Policy(max_impact="outage"))
    time = "those that run on it are left to finish, 30 minutes before the apply ends without deleting it"
    assert (
        fate(made, "compute_environment.two")
        == f"in the queue high: {time}; the others run on what else their queue has"
    )
    made = plan(text, *both, queue("high", "one", "two"), jobs={HIGH: SOME}, destroying=True)
    assert change(made, "compute_environment.two").jobs is None
    anew = environments().replace("type: MANAGED", "type: MANAGED\n    lifecycle: {replace: createFirst}")
    replacing = Asked(replace=[Address.parse("compute_environment.one")])
    made = plan(anew + queues(), environment(), queue("high", "one"), jobs={HIGH: SOME}, asked=replacing)
    assert fate(made, "compute_environment.one").endswith("the others run on what takes its place")


def test_what_was_not_counted_is_told_as_such() -> None:
    """And is no jobs at risk."""
    text = environments() + queues(more=", state: DISABLED")
    made = plan(text, environment(), queue(), jobs={HIGH: Unread("no")})
    assert change(made, "job_queue.high").jobs is None
    assert "the jobs of high could not be counted: no" in made.warnings


REFUSE = Policy(drain=Drain("refuse"), said=frozenset({"drain"}))
IN_POLICY = "wait for them, or say what becomes of them: policy.drain.mode, or --drain, takes wait, cancel or terminate"
IN_BLOCK = "wait for them, or say what becomes of them: drain of its block takes wait, cancel or terminate"
BOUND = "wait for them: the policy of --policy, or of BATCHWRIGHT_POLICY, says drain refuse, and binds"


@pytest.mark.parametrize(
    ("own", "drain", "bound", "hint"),
    [
        ("refuse", "terminate", Policy(), IN_BLOCK),
        ("terminate", "refuse", Policy(), None),
        ("", "refuse", Policy(), IN_POLICY),
        ("", "terminate", Policy(), None),
        ("terminate", "terminate", REFUSE, BOUND),
        ("refuse", "terminate", REFUSE, BOUND),
        ("", "terminate", REFUSE, BOUND),
    ],
)
@pytest.mark.parametrize("anew", [False, True])
def test_the_drain_of_a_block_counts(own: str, drain: Any, bound: Policy, hint: str | None, anew: bool) -> None:
    """Made anew or destroyed, before the policy's, and never beyond one that binds; the hint names what would help."""
    more = f", lifecycle: {{replace: deleteFirst}}{f', drain: {{mode: {own}}}' if own else ''}"
    made = plan(
        environments() + queues(more=more),
        environment(),
        queue(),
        jobs={HIGH: SOME},
        policy=Policy(drain=Drain(drain), max_impact="outage", said=frozenset({"drain"})),
        bound=bound,
        destroying=not anew,
        asked=Asked(replace=[Address.parse("job_queue.high")] if anew else ()),
    )
    assert [row.hint for row in made.refusals if row.code == "jobs"] == ([hint] if hint else [])
    refused = fate(made, "job_queue.high") == "they would end with it, so the plan is refused"
    assert refused is (hint is not None)


@pytest.mark.parametrize(("bound", "hint"), [(Policy(), IN_POLICY), (REFUSE, BOUND)])
def test_what_would_help_a_queue_that_left(bound: Policy, hint: str) -> None:
    """Its block is gone, and so is what that said."""
    made = plan(environments(), environment(), queue("old"), jobs={OLD: SOME}, bound=bound)
    assert [row.hint for row in made.refusals] == [hint]
