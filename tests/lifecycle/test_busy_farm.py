"""The replacement of an environment under load: jobs come and run all the while, AWS's index of relations lags by a
minute, a queue stands at three environments and another has an INVALID second entry."""

import pytest

from plans.asked import Asked
from providers.simulator import Outcome
from providers.simulator import Settings as Simulated
from tests.kit import Stage, edit
from tests.lifecycle.test_replacement import A, B, C, holders
from tests.lifecycle.watching import Watcher

pytestmark = pytest.mark.unmeasured

BUSY = Simulated(relation_lag=60, outcomes=(Outcome(seconds=20),))
QUEUES = ("one", "two", "three")
PER_SECOND = 5


def with_a_bad_one(text: str) -> str:
    return edit(
        text,
        ("jobQueues:\n", "  bad: {<<: *environment}\njobQueues:\n"),
        (
            "  one: {priority: 1, computeEnvironmentOrder: [shared]}",
            "  one: {priority: 1, computeEnvironmentOrder: [shared, bad]}",
        ),
    )


FROM, TO, OTHER = with_a_bad_one(A), with_a_bad_one(B), with_a_bad_one(C)
LASTS = {"": TO, ", edited": OTHER, ", edited back": FROM}
"""What is wanted after a death half way to `TO`."""
REPAIR = Asked(repair=True)


def busy() -> Stage:
    """A farm at work: jobs come at a steady rate and a hundred run; one environment has become INVALID."""
    stage = Stage.new(simulated=BUSY)
    assert stage.apply(FROM).exit_code == 0
    stage.simulator.set_status(
        "environment", "bad", "INVALID", "CLIENT_ERROR - Not authorized to perform sts:AssumeRole", region=stage.region
    )
    for second in range(30):
        for place in range(PER_SECOND):
            number = second * PER_SECOND + place
            stage.world.submit_job(jobName=f"early-{number}", jobQueue=QUEUES[number % 3], jobDefinition="work")
        stage.clock.sleep(1)
    return stage


def watched(stage: Stage) -> Watcher:
    watcher = Watcher(stage, rate=PER_SECOND, queues=QUEUES, definition="work")
    watcher.attend()
    return watcher


def all_jobs(stage: Stage) -> dict[str, int]:
    """How many jobs of all queues have each status, once nothing more comes and all have had time to run."""
    stage.settle(7200)
    found: dict[str, int] = {}
    for queue in QUEUES:
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"):
            pages = stage.world.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status)
            count = sum(len(page["jobSummaryList"]) for page in pages)
            found[status] = found.get(status, 0) + count
    return {status: count for status, count in found.items() if count}


def orders(stage: Stage) -> dict[str, list[str]]:
    return {
        queue: [
            entry["computeEnvironment"].rpartition("/")[2] for entry in stage.queue(queue)["computeEnvironmentOrder"]
        ]
        for queue in QUEUES
    }


def test_every_job_succeeds_and_no_queue_is_ever_without() -> None:
    """While the environment is replaced under them, jobs go on to be taken, to run and to succeed, every one."""
    stage = busy()
    running = stage.world.list_jobs(jobQueue="one", jobStatus="RUNNING")["jobSummaryList"]
    assert len(running) >= 100 / 3 - 1
    watcher = watched(stage)
    report = stage.apply(TO, asked=REPAIR)
    assert report.exit_code == 0
    (name,) = holders(stage)
    assert orders(stage) == {"one": [name, "bad"], "two": [name, "third"], "three": ["second", name, "third"]}
    assert stage.environment("bad")["status"] == "VALID"
    assert stage.environment("shared") == {}
    watcher.leave()
    counted = all_jobs(stage)
    assert counted == {"SUCCEEDED": len(watcher.jobs) + 150}
    assert len(watcher.jobs) > 500


@pytest.mark.parametrize("last", LASTS.values(), ids=["the same again", "to a third", "back"])
def test_killed_and_gone_on_with_or_edited_meanwhile(last: str) -> None:
    """Whatever is wanted then: one environment, every job SUCCEEDED, never a gap."""
    whole = busy()
    watcher = watched(whole)
    forks = whole.forks(lambda stage: stage.apply(TO, asked=REPAIR), reads=1000)
    watcher.leave()
    assert len(forks) > 7
    at, stage = forks[3]
    watcher = watched(stage)
    assert stage.apply(last, asked=REPAIR).exit_code == 0, at
    watcher.leave()
    (name,) = holders(stage)
    assert orders(stage)["one"] == [name, "bad"]
    assert stage.plan(last).empty
    assert all_jobs(stage).keys() == {"SUCCEEDED"}
