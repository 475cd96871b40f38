"""The fence: what becomes of calls that may not go out any more, because the lock is lost."""

import json
import random
from types import TracebackType
from typing import Any

import attrs
import pytest

from plans.plan import Goal, Plan, Step
from plans.report import Event, Report
from providers.errors import LockLost
from providers.provider import Provider
from providers.simulator import Fault
from reconciler.execute import execute
from reconciler.journal import Journal
from reconciler.lock import Holder, Lock
from reconciler.retry import READS, Caller, InlinePool
from reconciler.waiter import Waiter
from tests.kit import ACCOUNT, LAB, REGION, Stage, kinds
from tests.reconciler.test_execute import policy, statuses

GONE = LockLost("the lock was taken over by process 1 on two", hint="see what it did")


@attrs.define
class Fragile:
    """A lock that is lost when it has been asked for so many times."""

    lasts: int
    tended: list[float] = attrs.field(factory=list)
    looks: bool = False
    pause: float | None = None
    stage: Stage | None = None

    def __enter__(self) -> Any: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def rest(self) -> float | None:
        if self.pause is None or self.stage is None:
            return None
        return max(0.0, (self.tended[-1] if self.tended else 0.0) + self.pause - self.stage.clock.now())

    def tend(self) -> None:
        if self.rest() == 0.0 and self.stage is not None:
            self.tended.append(self.stage.clock.now())

    def lost(self) -> LockLost | None:
        self.lasts -= 1
        return GONE if self.lasts < 0 else None

    def free(self) -> Holder | None: ...


@attrs.define
class Run:
    stage: Stage
    lines: list[str] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list)

    def __call__(self, lock: Lock, *steps: Step) -> Report:
        caller = Caller(pool=InlinePool(), clock=self.stage.clock, rng=random.Random(1))
        batches = {kind.name: kind.facts.lookup.batch for kind in kinds()}
        plan = Plan("id", "lab", {}, ACCOUNT, REGION, {}, "", steps=steps)
        report = execute(
            plan,
            Provider(self.stage.batch, kinds()),
            waiter=Waiter(random.Random(2), lambda _goal, _live: (), batches),
            journal=Journal(self.lines.append),
            caller=caller,
            run="r",
            on_event=self.events.append,
            lock=lock,
        )
        assert caller.fence is None
        return report

    @property
    def ends(self) -> list[tuple[str, str]]:
        """How calls ended in the journal: their step and status."""
        records = [json.loads(line) for line in self.lines]
        return [(record["step"], record["status"]) for record in records if record["record"] == "end"]

    @property
    def mutations(self) -> list[str]:
        return [call.operation for call in self.stage.simulator.calls if not call.operation.startswith(READS)]


@pytest.fixture
def run() -> Run:
    return Run(Stage.new())


def test_nothing_goes_out_once_the_lock_is_lost(run: Run) -> None:
    """What is in flight is done and waited for; one step says why, what comes after is skipped because of it."""
    report = run(Fragile(1), policy("a"), policy("b"), policy("c"), policy("d", "a"), policy("e", "b"))
    assert statuses(report) == {"a": "done", "b": "failed", "c": "failed", "d": "skipped", "e": "skipped"}
    assert {outcome.error for outcome in report.failures} == {GONE.message}
    assert {outcome.because for outcome in report.outcomes if outcome.status == "skipped"} == {"b"}
    assert (report.exit_code, run.stage.policies()) == (4, ["a"])
    assert dict(run.ends) == {"a": "done", "b": "unsent", "c": "unsent"}


def test_what_cleans_up_changes_something_too(run: Run) -> None:
    """It is left to the next run."""
    report = run(Fragile(0), policy("a"), policy("clean", "a", when="always"), policy("mend", "a", when="failed"))
    assert statuses(report) == {"a": "failed", "clean": "skipped", "mend": "skipped"}
    assert run.mutations == []


def test_reads_go_on(run: Run) -> None:
    """They are asked for no lock."""
    wait = Step("wait", "scheduling_policy.a", None, {}, Goal("scheduling_policy", "a", "gone"))
    assert statuses(run(Fragile(0), wait)) == {"wait": "done"}


def test_a_repeat_is_fenced_like_a_first_attempt(run: Run) -> None:
    """A call that was throttled may be due again long after the lock was lost."""
    run.stage.simulator.inject(Fault("CreateSchedulingPolicy", "throttle", times=1))
    report = run(Fragile(1), policy("a"))
    assert [outcome.error for outcome in report.failures] == [GONE.message]
    assert (run.stage.policies(), run.ends) == ([], [("a", "failed")])


def test_what_may_have_been_done_is_told_so(run: Run) -> None:
    """Its answer was lost before the lock was: the journal has it as unknown."""
    run.stage.simulator.inject(Fault("CreateSchedulingPolicy", "lost", times=1))
    report = run(Fragile(1), policy("a"))
    (error,) = [outcome.error for outcome in report.failures]
    assert "it was not sent again: the lock was taken over" in str(error)
    assert run.ends == [("a", "unknown")]


@pytest.mark.parametrize(("fault", "end"), [("lost", "done"), ("server", "failed")])
def test_a_registration_in_doubt_is_looked_for_without_a_lock(run: Run, fault: Any, end: str) -> None:
    """Looking changes nothing: if it was done the step is, else it does not go out again."""
    definition = {
        "jobDefinitionName": "align",
        "type": "container",
        "containerProperties": {"image": "x", "vcpus": 1, "memory": 4},
        "tags": {f"batchwright:{name}": "x" for name in ("stack", "address", "digest", "registered")},
    }
    step = Step("register", "job_definition.align", "RegisterJobDefinition", definition)
    run.stage.simulator.inject(Fault("RegisterJobDefinition", fault, times=1))
    report = run(Fragile(1), step)
    assert statuses(report) == {"register": end}
    assert len(run.stage.revisions("align")) == (end == "done")


def test_jobs_are_neither_submitted_nor_ended(run: Run) -> None:
    """A trial, and the emptying of a queue, change something too."""
    stage = run.stage
    stage.apply(LAB)
    stage.clock.sleep(600)
    queue = stage.queue("lab-low")["jobQueueArn"]
    job = {"jobName": "trial", "jobQueue": queue, "jobDefinition": "lab-align", "tags": {}}
    trial = Step("trial", "compute_environment.x", "SubmitJob", job, Goal("job", "trial", "succeeded"))
    stage.world.submit_job(jobName="work", jobQueue=queue, jobDefinition="lab-align")
    ends = {"jobQueue": queue, "reason": "it goes"}
    empty = Step("drain", "job_queue.low", "TerminateJob", ends, Goal("job_queue", "lab-low", "drained"))
    for step in (trial, empty):
        stage.simulator.calls.clear()
        report = run(Fragile(0), step)
        assert [outcome.error for outcome in report.failures] == [GONE.message]
        assert run.mutations == []
        assert run.ends[-1][1] in ("unsent", "failed")


def test_a_lock_is_tended_while_a_run_waits(run: Run) -> None:
    """When it wants to be, though no look is due then."""
    lock = Fragile(100, pause=7.0, stage=run.stage)
    began = run.stage.clock.now()
    wait = Step("wait", "scheduling_policy.a", None, {}, Goal("scheduling_policy", "a", "seen", deadline=100))
    assert statuses(run(lock, wait)) == {"wait": "failed"}
    spaces = [later - earlier for earlier, later in zip(lock.tended, lock.tended[1:], strict=False)]
    assert lock.tended[0] == began
    assert spaces
    assert {*spaces} == {7.0}
