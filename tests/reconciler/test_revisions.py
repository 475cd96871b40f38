"""Reading what jobs use, and the plans that deregister."""

from typing import Any

import attrs
import pytest

from plans.manifest import Manifest
from plans.retention import Retention
from providers.errors import AccessDenied, Interrupted, StoreError
from providers.provider import Provider
from providers.simulator import Fault
from reconciler.carrying import deregister
from reconciler.journal import Journal
from reconciler.lock import NoLock
from reconciler.retry import Caller, InlinePool
from reconciler.revisions import Pruning, in_use
from reconciler.settings import Settings
from reconciler.task import Task
from tests.kit import TRAINING, Stage, kinds
from tests.lifecycle.test_retention import approved, grown, prune, submit


def used(stage: Stage) -> set[str]:
    stage.simulator.calls.clear()
    caller = Caller(pool=InlinePool(), clock=stage.clock, rng=stage.reconciler.rng)
    return in_use(Provider(stage.batch, kinds()), caller)


def test_every_page_of_jobs_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are."""
    monkeypatch.setattr("reconciler.revisions._PAGE", 2)
    stage = Stage.new()
    grown(stage, 2)
    for definition in ("lab-align:1", "lab-align:1", "lab-align:1", "lab-align:2", "lab-sort"):
        submit(stage, definition)
    assert used(stage) == {"lab-align:1", "lab-align:2", "lab-sort:1"}
    assert stage.calls["ListJobs"] == 2 * 5 + 2
    assert stage.mutations == []


def test_jobs_that_do_not_tell_are_described() -> None:
    """A summary need not name the definition; the job does."""
    stage = Stage.new()
    grown(stage, 2)
    submit(stage, "lab-align:1")

    def silent(parsed: dict[str, Any], **_: Any) -> None:
        for job in parsed["jobSummaryList"]:
            del job["jobDefinition"]

    stage.batch.meta.events.register("after-call.batch.ListJobs", silent)
    assert used(stage) == {"lab-align:1"}
    assert stage.calls["DescribeJobs"] == 1


def test_queues_of_training_jobs_have_none() -> None:
    """They are not asked."""
    stage = Stage.new()
    stage.apply(TRAINING)
    assert used(stage) == set()
    assert stage.calls["ListJobs"] == 5


def test_a_queue_that_goes_meanwhile_has_none() -> None:
    """It was listed, and is no more when it is asked."""
    stage = Stage.new()
    grown(stage, 1)
    queues: list[str] = [one["jobQueueName"] for one in stage.world.describe_job_queues()["jobQueues"]]

    def vanish(**_: Any) -> None:
        while queues:
            name = queues.pop()
            stage.world.update_job_queue(jobQueue=name, state="DISABLED")
            stage.settle()
            stage.world.delete_job_queue(jobQueue=name)
            stage.settle()

    stage.batch.meta.events.register("after-call.batch.DescribeJobQueues", vanish)
    assert used(stage) == set()


def test_a_signal_while_reading_changes_nothing() -> None:
    """It ends the run before anything is deregistered."""
    stage = Stage.new()
    wanted = grown(stage, 3)
    stage.stopper().set_result(15)
    with pytest.raises(Interrupted):
        prune(stage, wanted, Retention(1))
    assert stage.revisions("lab-align") == [1, 2, 3]


@pytest.mark.parametrize("operation", ["DescribeJobDefinitions", "DescribeJobQueues", "ListJobs"])
def test_what_cannot_be_read_ends_the_run(operation: str) -> None:
    """What jobs use is known whole or not at all, and then nothing is deregistered."""
    stage = Stage.new()
    wanted = grown(stage, 3)
    stage.simulator.inject(Fault(operation, "denied"))
    with pytest.raises(AccessDenied):
        prune(stage, wanted, Retention(unused=True))
    assert stage.revisions("lab-align") == [1, 2, 3]


@pytest.mark.parametrize(("lines", "done"), [(0, None), (6, 2), (7, 2)])
def test_a_journal_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, lines: int, done: int | None) -> None:
    """Before anything was done it is an error; afterwards it is told in the report of what was done."""
    monkeypatch.setattr("reconciler.revisions.BATCH", 2)
    stage = Stage.new(settings=Settings(parallelism=1))
    wanted = grown(stage, 6)
    del wanted
    manifest = Manifest("lab", {})
    written: list[str] = []

    def append(line: str) -> None:
        if len(written) == lines:
            raise StoreError("the disk is full")
        written.append(line)

    made: Pruning = stage.reconciler.prunable(manifest, Retention(1))
    reconciler = stage.reconciler
    caller = Caller(pool=InlinePool(), clock=stage.clock, rng=reconciler.rng, parallelism=1)
    task = Task(manifest, reconciler.target, reconciler.connection, kinds(), manifest.policy, caller)
    plans = made.plans(kinds(), stage.clock.now())
    if done is None:
        with pytest.raises(StoreError):
            deregister(task, plans, Journal(append), lock=NoLock(), rng=reconciler.rng, on_event=lambda _event: None)
        assert stage.revisions("lab-align") == [1, 2, 3, 4, 5, 6]
        return
    report = deregister(task, plans, Journal(append), lock=NoLock(), rng=reconciler.rng, on_event=lambda _event: None)
    assert report.counts["done"] == done
    assert report.exit_code == 4
    assert any("the disk is full" in str(row.error) for row in report.failures)
    assert len(stage.revisions("lab-align")) == 6 - done


def test_the_journal_knows_what_was_applied_all_the_same(tmp_path: Any) -> None:
    """To deregister old revisions puts no doubt on what the newest says."""
    stage = Stage.new(settings=Settings(state=tmp_path))
    wanted = grown(stage, 3)
    before = stage.reconciler.history("lab").past
    assert prune(stage, wanted, Retention(1), approve=approved).exit_code == 0
    history = stage.reconciler.history("lab")
    assert {**before.applied}.items() <= {**history.past.applied}.items()
    assert history.past.whole
    last = history.runs[-1]
    assert [call.step for call in last.calls] == ["deregister:lab-align:1", "deregister:lab-align:2"]
    assert (last.exit_code, last.open) == (0, ())
    assert attrs.evolve(last, calls=()).stack == "lab"
