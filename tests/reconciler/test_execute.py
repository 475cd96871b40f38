"""The walk: what begins when, what is skipped, and what becomes of a step whose call, journal or look fails."""

import json
import random
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import attrs
import pytest

from plans.normalise import unmet
from plans.plan import Goal, Plan, Step
from plans.report import Event, Report
from providers.errors import StoreError
from providers.provider import Provider
from providers.resources import Address, Ref
from providers.simulator import Fault, Settings
from reconciler.execute import execute
from reconciler.journal import Journal
from reconciler.retry import Caller, InlinePool
from reconciler.waiter import Waiter
from tests.kit import ACCOUNT, REGION, Stage, kinds

POLICY = "scheduling_policy"


def policy(name: str, *after: str, **given: Any) -> Step:
    """A step that makes a scheduling policy."""
    tags = {"batchwright:stack": "lab", "batchwright:address": f"{POLICY}.{name}"}
    goal = Goal(POLICY, name, "seen")
    return Step(name, f"{POLICY}.{name}", "CreateSchedulingPolicy", {"name": name, "tags": tags}, goal, after, **given)


def waiting(name: str, kind: str, *after: str, deadline: float = 60) -> Step:
    return Step(f"wait {name}", f"{kind}.{name}", None, {}, Goal(kind, name, "settled", deadline=deadline), after)


@attrs.define
class Run:
    stage: Stage
    events: list[Event] = attrs.field(factory=list)
    lines: list[str] = attrs.field(factory=list)
    full_at: int | None = None
    stop: Future[int] | None = None

    def append(self, line: str) -> None:
        if self.full_at is not None and len(self.lines) >= self.full_at:
            raise StoreError("the disk is full", hint="make room")
        self.lines.append(line)

    def __call__(self, *steps: Step) -> Report:
        clock = self.stage.clock
        plan = Plan("id", "lab", {}, ACCOUNT, REGION, {}, "", steps=steps)
        caller = Caller(pool=InlinePool(), clock=clock, rng=random.Random(1), stop=self.stop)
        waiter = Waiter(
            random.Random(2),
            lambda goal, live: unmet(goal.expect, live, kinds()[goal.kind]),
            {kind.name: kind.facts.lookup.batch for kind in kinds()},
        )
        provider = Provider(self.stage.batch, kinds())
        journal = Journal(self.append)
        return execute(
            plan, provider, waiter=waiter, journal=journal, caller=caller, run="r", on_event=self.events.append
        )

    @property
    def journal(self) -> list[Mapping[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def run() -> Run:
    return Run(Stage.new())


def statuses(report: Report) -> dict[str, str]:
    return {outcome.step: outcome.status for outcome in report.outcomes}


def refuse(run: Run, count: int = 1) -> None:
    """Let the next policies be refused."""
    run.stage.simulator.inject(Fault("CreateSchedulingPolicy", "denied", times=count))


def test_an_empty_plan_is_done(run: Run) -> None:
    """No step, no call, no event."""
    report = run()
    assert (report.outcomes, report.calls, run.events, run.lines) == ((), {}, [], [])
    assert report.exit_code == 0


def test_a_step_begins_when_all_before_it_have_ended(run: Run) -> None:
    """A diamond: the last comes after both in the middle, whichever is slower."""
    report = run(policy("d", "b", "c"), policy("b", "a"), policy("c", "a"), policy("a"))
    assert statuses(report) == dict.fromkeys("abcd", "done")
    told = [(event.event, event.step) for event in run.events if event.event in ("started", "finished")]
    assert told.index(("finished", "a")) < told.index(("started", "b")) < told.index(("started", "c"))
    assert told.index(("started", "d")) > max(told.index(("finished", "b")), told.index(("finished", "c")))


def test_downstream_of_a_failure_everything_is_skipped_because_of_it(run: Run) -> None:
    """Through every step between; what does not hang on it is done."""
    refuse(run)
    report = run(policy("a"), policy("b", "a"), policy("c", "b"), policy("other"))
    assert statuses(report) == {"a": "failed", "b": "skipped", "c": "skipped", "other": "done"}
    assert {outcome.because for outcome in report.outcomes if outcome.status == "skipped"} == {"a"}
    assert run.stage.policies() == ["other"]


def test_what_runs_always_runs_after_a_failure_and_after_success(run: Run) -> None:
    """Clean-up does not depend on how it went, but comes last."""
    refuse(run)
    report = run(policy("a"), policy("clean", "a", when="always"), policy("b"), policy("tidy", "b", when="always"))
    assert statuses(report) == {"a": "failed", "clean": "done", "b": "done", "tidy": "done"}


def test_what_cleans_up_what_was_never_made_is_no_part_of_the_run(run: Run) -> None:
    """It refers to what a create was to make; whatever has that name is somebody else's."""
    refuse(run)
    made = Ref(Address(POLICY, "a"))
    clean = Step("clean", f"{POLICY}.a", "DeleteSchedulingPolicy", {"arn": made}, None, ("a",), "always")
    assert statuses(run(policy("a"), policy("b"), clean)) == {"a": "failed", "b": "done"}
    assert statuses(run(policy("a"), policy("c"), clean)) == {"a": "done", "c": "done", "clean": "done"}
    assert run.stage.policies() == ["b", "c"]


def test_what_a_create_is_told_apart_by_can_be_said_later(run: Run) -> None:
    """The uuid of an environment, seen as it settled, beside its ARN; the report has the ARN alone."""
    address = Address("compute_environment", "a")
    resources = {"type": "FARGATE", "maxvCpus": 16, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    said = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": resources, "tags": {}}
    create = Step("create", str(address), "CreateComputeEnvironment", said, Goal("compute_environment", "a", "settled"))
    tags = {"name": "p", "tags": {"of": Ref(address, "uuid"), "on": Ref(address)}}
    told = Step("p", f"{POLICY}.p", "CreateSchedulingPolicy", tags, Goal(POLICY, "p", "seen"), ("create",))
    report = run(create, told)
    assert report.exit_code == 0
    shown = run.stage.environment("a")
    arn = report.produced[f"{POLICY}.p"]
    (policy,) = run.stage.world.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    assert policy["tags"] == {"of": shown["uuid"], "on": shown["computeEnvironmentArn"]}
    assert report.produced == {str(address): shown["computeEnvironmentArn"], f"{POLICY}.p": arn}


def test_what_undoes_a_failure_runs_after_one_only(run: Run) -> None:
    """Without a failure it is no part of the run: neither done nor skipped, and nothing is told of it."""
    undo = policy("undo", "a", when="failed")
    assert statuses(run(policy("a"), undo)) == {"a": "done"}
    assert not [event for event in run.events if event.step == "undo"]
    refuse(run)
    assert statuses(run(policy("x"), policy("undo", "x", when="failed"))) == {"x": "failed", "undo": "done"}


def test_a_skipped_step_needs_no_undoing(run: Run) -> None:
    """What never began left nothing behind."""
    refuse(run)
    report = run(policy("a"), policy("b", "a"), policy("undo", "b", when="failed"))
    assert statuses(report) == {"a": "failed", "b": "skipped"}


def test_references_are_filled_with_what_was_made(run: Run) -> None:
    """Anywhere in the arguments, and in what is waited for."""
    made = policy("fair")
    spec = {"type": "UNMANAGED", "serviceRole": "arn:aws:iam::123456789012:role/r"}
    environment = Step(
        "ce",
        "compute_environment.ce",
        "CreateComputeEnvironment",
        {"computeEnvironmentName": "ce", **spec, "tags": {}},
        Goal("compute_environment", "ce", "settled"),
    )
    reference = Ref(Address("compute_environment", "ce"))
    order = [{"order": 1, "computeEnvironment": reference}]
    policy_reference = Ref(Address(POLICY, "fair"))
    queue = Step(
        "q",
        "job_queue.q",
        "CreateJobQueue",
        {
            "jobQueueName": "q",
            "priority": 1,
            "computeEnvironmentOrder": order,
            "schedulingPolicyArn": policy_reference,
            "tags": {},
        },
        Goal("job_queue", "q", "settled", {"schedulingPolicyArn": policy_reference}),
        ("ce", "fair"),
    )
    report = run(queue, made, environment)
    assert report.exit_code == 0
    live = run.stage.queue("q")
    assert live["schedulingPolicyArn"] == report.produced["scheduling_policy.fair"]
    assert live["computeEnvironmentOrder"][0]["computeEnvironment"] == report.produced["compute_environment.ce"]


def test_a_call_that_cannot_be_journalled_is_not_made(run: Run) -> None:
    """A full disk: the step fails with that, what hangs on it is skipped, and nothing was changed."""
    run.full_at = 0
    report = run(policy("a"), policy("b", "a"))
    assert statuses(report) == {"a": "failed", "b": "skipped"}
    assert (report.failures[0].error, report.failures[0].hint) == ("the disk is full", "make room")
    assert report.exit_code == 1
    assert run.stage.policies() == []


def test_a_call_whose_end_cannot_be_journalled_is_told(run: Run) -> None:
    """It was done, and the report says what went wrong after it."""
    run.full_at = 1
    report = run(policy("a"), policy("b", "a"))
    assert statuses(report) == {"a": "failed", "b": "skipped"}
    assert report.failures[0].error == "the disk is full"
    assert run.stage.policies() == ["a"]


def test_a_failure_whose_end_cannot_be_journalled_is_told(run: Run) -> None:
    """Both went wrong; the step has failed either way."""
    refuse(run)
    run.full_at = 1
    report = run(policy("a"))
    assert statuses(report) == {"a": "failed"}
    assert report.failures[0].error == "the disk is full"


def test_arguments_stand_in_the_journal_as_digests(run: Run) -> None:
    """The same arguments make the same digest, and none of their words is written."""
    run(policy("a"), policy("b"))
    begun = {row["step"]: row["arguments"] for row in run.journal if row["record"] == "begin"}
    assert begun["a"] != begun["b"]
    assert not any("batchwright:stack" in line for line in run.lines)
    assert all(len(digest) == 16 for digest in begun.values())


def test_a_look_that_is_denied_fails_those_who_asked(run: Run) -> None:
    """Nobody can wait for what may not be described; waits of another kind go on."""
    run.stage.world.create_scheduling_policy(name="there")
    run.stage.simulator.inject(Fault("DescribeComputeEnvironments", "denied", times=None))
    report = run(waiting("x", "compute_environment"), waiting("y", "compute_environment"), policy("a"))
    assert statuses(report) == {"wait x": "failed", "wait y": "failed", "a": "done"}
    assert report.calls["DescribeComputeEnvironments"] == 1
    assert report.failures[0].hint == "the IAM policy must allow the call"


def test_a_look_that_goes_wrong_is_taken_again_until_the_deadline(run: Run) -> None:
    """A service that is down for longer than a wait lasts: the wait ends, with the last error in its words."""
    run.stage.simulator.inject(Fault("DescribeComputeEnvironments", "server", times=None))
    report = run(waiting("x", "compute_environment", deadline=300))
    assert "was not settled within 300 s; the last look at it failed" in str(report.failures[0].error)
    assert report.failures[0].seconds >= 300


def test_what_is_not_there_is_polled_all_the_same(run: Run) -> None:
    """A look at nothing is an event too, without status or state."""
    run(waiting("x", "compute_environment", deadline=2))
    polled = [event for event in run.events if event.event == "polled"]
    assert polled
    assert {(event.step, event.address) for event in polled} == {("wait x", "compute_environment.x")}
    assert all(event.detail == {"kind": "compute_environment", "name": "x"} for event in polled)


def test_several_steps_may_wait_for_one_object(run: Run) -> None:
    """One look serves both, and each is told of it."""
    run.stage.world.create_compute_environment(
        computeEnvironmentName="x", type="UNMANAGED", serviceRole="arn:aws:iam::123456789012:role/r"
    )
    report = run(waiting("x", "compute_environment"), attrs.evolve(waiting("x", "compute_environment"), id="too"))
    assert statuses(report) == {"wait x": "done", "too": "done"}
    polled = [event for event in run.events if event.event == "polled"]
    assert len(polled) == 2 * report.calls["DescribeComputeEnvironments"]


def test_a_hundred_waits_are_one_call_a_look(run: Run) -> None:
    """Names are asked for a hundred at a time."""
    report = run(*(waiting(f"x{number}", "compute_environment", deadline=1) for number in range(150)))
    assert len(report.failures) == 150
    assert report.calls["DescribeComputeEnvironments"] == 2


def test_a_create_that_cannot_be_looked_for_says_so(run: Run) -> None:
    """A policy is asked by its ARN; where the account is not known, its clash ends the step with a hint."""
    run.stage.world.create_scheduling_policy(name="a")
    clock = run.stage.clock
    plan = Plan("id", "lab", {}, None, REGION, {}, "", steps=(policy("a"),))
    report = execute(
        plan,
        Provider(run.stage.batch, kinds()),
        waiter=Waiter(random.Random(2), lambda _goal, _live: (), {POLICY: 100}),
        journal=Journal(run.append),
        caller=Caller(pool=InlinePool(), clock=clock, rng=random.Random(1)),
        run="r",
        on_event=run.events.append,
    )
    (failure,) = report.failures
    assert "Object already exists" in str(failure.error)
    assert failure.hint == "run the same command again"


def test_a_look_for_a_lost_create_that_fails_ends_the_step(run: Run) -> None:
    """Whether it was done is not known then, and stands so in report and journal."""
    run.stage.simulator.inject(Fault("CreateSchedulingPolicy", "lost"), Fault("DescribeSchedulingPolicies", "denied"))
    report = run(policy("a"))
    assert statuses(report) == {"a": "failed"}
    assert [row["status"] for row in run.journal if row["record"] == "end"] == ["unknown"]
    assert run.stage.policies() == ["a"]


def test_a_definition_is_tagged_again_when_the_answer_is_lost(run: Run) -> None:
    """Only a registration must not be repeated: tags of a revision may be."""
    answer = run.stage.world.register_job_definition(
        jobDefinitionName="d",
        type="container",
        containerProperties={
            "image": "i",
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        },
    )
    arn = answer["jobDefinitionArn"]
    run.stage.simulator.inject(Fault("TagResource", "lost"), Fault("UntagResource", "server"))
    tag = Step(
        "tag",
        "job_definition.d",
        "TagResource",
        {"resourceArn": arn, "tags": {"a": "b"}},
        Goal("job_definition", "d", "seen", {"tags[a]": "b"}),
    )
    untag = Step(
        "untag",
        "job_definition.d",
        "UntagResource",
        {"resourceArn": arn, "tagKeys": ["a"]},
        Goal("job_definition", "d", "seen", {"tags[a]": None}),
        ("tag",),
    )
    report = run(tag, untag)
    assert statuses(report) == {"tag": "done", "untag": "done"}
    assert report.calls["TagResource"] == report.calls["UntagResource"] == 2


def test_a_repeated_count_of_jobs_is_told_under_its_step(run: Run) -> None:
    """A throttled page of a count belongs to the step that counts."""
    run.stage.world.create_compute_environment(
        computeEnvironmentName="x", type="UNMANAGED", serviceRole="arn:aws:iam::123456789012:role/r"
    )
    run.stage.settle()
    order = [{"order": 1, "computeEnvironment": "x"}]
    arn = run.stage.world.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)["jobQueueArn"]
    run.stage.simulator.inject(Fault("ListJobs", "throttle"))
    count = Step("jobs", "job_queue.q", "ListJobs", {"jobQueue": arn}, Goal("job_queue", "q", "drained"))
    assert statuses(run(count)) == {"jobs": "done"}
    (retried,) = [event for event in run.events if event.event == "retried"]
    assert (retried.step, retried.address, retried.detail["operation"]) == ("jobs", "job_queue.q", "ListJobs")
    assert run.lines == []


def test_a_role_that_cannot_be_journalled_is_not_sent(run: Run) -> None:
    """The environment was made and is INVALID; to send its role again is a call like any other."""
    create = Step(
        "ce",
        "compute_environment.ce",
        "CreateComputeEnvironment",
        {
            "computeEnvironmentName": "ce",
            "type": "UNMANAGED",
            "serviceRole": "arn:aws:iam::123456789012:role/missing",
            "tags": {},
        },
        Goal("compute_environment", "ce", "settled"),
    )
    run.full_at = 2
    report = run(create)
    assert report.failures[0].error == "the disk is full"
    assert "UpdateComputeEnvironment" not in report.calls
    assert run.stage.environment("ce")["status"] == "INVALID"


def _queues(run: Run, count: int) -> str:
    """Make an environment and so many queues on it; its ARN."""
    made = run.stage.world.create_compute_environment(
        computeEnvironmentName="x", type="UNMANAGED", serviceRole="arn:aws:iam::123456789012:role/r"
    )
    run.stage.settle()
    order = [{"order": 1, "computeEnvironment": "x"}]
    for number in range(count):
        run.stage.world.create_job_queue(jobQueueName=f"q{number}", priority=1, computeEnvironmentOrder=order)
    run.stage.settle()
    return str(made["computeEnvironmentArn"])


def unreferenced(arn: str, *after: str, deadline: float = 60) -> Step:
    goal = Goal("job_queue", arn, "unreferenced", deadline=deadline)
    return Step(f"unreferenced:{arn}", "compute_environment.x", None, {"arn": arn}, goal, after)


def test_who_refers_to_it_is_found_on_any_page() -> None:
    """All pages are read before anything is said, with no list of names, and one listing serves all."""
    run = Run(Stage.new(simulated=Settings(page_size=2)))
    arn = _queues(run, 5)
    run.stage.simulator.calls.clear()
    asked: list[Mapping[str, Any]] = []
    run.stage.batch.meta.events.register(
        "provide-client-params.batch.DescribeJobQueues", lambda params, **_: asked.append(params)
    )
    report = run(unreferenced(arn, deadline=1), unreferenced("arn:other"), waiting("q4", "job_queue"))
    assert statuses(report) == {f"unreferenced:{arn}": "failed", "unreferenced:arn:other": "done", "wait q4": "done"}
    assert report.failures[0].error == "after 1 s x is still referred to by the job queues q0, q1, q2, q3, q4"
    assert report.calls == {"DescribeJobQueues": 3}
    assert asked
    assert not any("jobQueues" in params for params in asked)


def test_a_queue_lets_go_while_it_is_waited_for(run: Run) -> None:
    """The wait ends once no queue names it, though nobody of this plan moved that queue."""
    arn = _queues(run, 1)
    looks: list[str] = []

    def let_go(operation: str, _: int) -> None:
        looks.append(operation)
        if len(looks) == 3:
            run.stage.world.update_job_queue(jobQueue="q0", state="DISABLED")
            run.stage.settle(20)
            run.stage.world.delete_job_queue(jobQueue="q0")

    run.stage.simulator.before_call = let_go
    report = run(unreferenced(arn, deadline=600))
    assert statuses(report) == {f"unreferenced:{arn}": "done"}
    assert report.calls["DescribeJobQueues"] > 3


def test_a_listing_that_is_denied_on_its_second_page_fails_those_who_asked() -> None:
    """Half a listing answers nothing."""
    run = Run(Stage.new(simulated=Settings(page_size=2)))
    arn = _queues(run, 3)
    run.stage.simulator.inject(Fault("DescribeJobQueues", "denied", after=1))
    report = run(unreferenced("arn:other"), waiting("q0", "job_queue"))
    assert statuses(report) == {"unreferenced:arn:other": "failed", "wait q0": "failed"}
    assert statuses(run(unreferenced("arn:other"))) == {"unreferenced:arn:other": "done"}
    assert arn


def test_a_page_that_fails_for_long_is_no_answer() -> None:
    """The listing begins anew, and nothing of the first half is taken for the whole."""
    run = Run(Stage.new(simulated=Settings(page_size=2)))
    arn = _queues(run, 3)
    run.stage.simulator.inject(Fault("DescribeJobQueues", "server", after=1, times=None, lasts=200))
    report = run(unreferenced(arn, deadline=400), unreferenced("arn:other", deadline=400))
    assert statuses(report) == {f"unreferenced:{arn}": "failed", "unreferenced:arn:other": "done"}
    assert report.failures[0].error == "after 400 s x is still referred to by the job queues q0, q1, q2"
