"""An environment is replaced under its own name, or has another: taken out of its queues, made anew, put back."""

import pytest

from plans.change import Action
from tests.kit import Stage, edit
from tests.lifecycle.watching import Watcher

pytestmark = pytest.mark.unmeasured

BEFORE = """
stack: kept
computeEnvironments:
  one:
    type: MANAGED
    lifecycle: {replace: deleteFirst}
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
  two:
    type: MANAGED
    computeResources: {type: FARGATE_SPOT, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
jobQueues:
  first: {priority: 1, computeEnvironmentOrder: [one, two]}
  second: {priority: 1, computeEnvironmentOrder: [two, one]}
"""
ANEW = edit(BEFORE, ("type: FARGATE,", "type: FARGATE_SPOT,"))
NAMED = edit(BEFORE, ("deleteFirst}", "deleteFirst}\n    physicalName: other"))


def orders(stage: Stage) -> list[list[str]]:
    return [
        [entry["computeEnvironment"].rpartition("/")[2] for entry in stage.queue(queue)["computeEnvironmentOrder"]]
        for queue in ("first", "second")
    ]


@pytest.mark.parametrize(("wanted", "name"), [(ANEW, "one"), (NAMED, "other")], ids=["anew", "renamed"])
def test_it_leaves_its_queues_and_comes_back(wanted: str, name: str) -> None:
    """At its old place; cut short anywhere, the same command ends as if nothing had happened, and no queue was ever
    without an environment."""
    whole = Stage.new()
    whole.apply(BEFORE)
    assert whole.plan(wanted).changes[0].action is Action.REPLACE
    for at, stage in whole.forks(lambda stage: stage.apply(wanted), reads=1000)[::3]:
        Watcher(stage).attend()
        assert stage.apply(wanted).exit_code == 0, at
        assert stage.all == whole.all, at
        assert orders(stage) == [[name, "two"], ["two", name]], at
        assert stage.plan(wanted).empty, at
    changed = [call for call in whole.mutations if call != "UpdateJobQueue"]
    assert changed == ["UpdateComputeEnvironment", "DeleteComputeEnvironment", "CreateComputeEnvironment"]
    assert whole.mutations.count("UpdateJobQueue") == 4
    kept = whole.environment(name)["computeResources"]["type"]
    assert kept == ("FARGATE_SPOT" if wanted is ANEW else "FARGATE")


BOTH = edit(
    BEFORE,
    ("  two:\n    type: MANAGED\n", "  two:\n    type: MANAGED\n    lifecycle: {replace: deleteFirst}\n"),
)
BOTH_ANEW = edit(
    BOTH,
    ("type: FARGATE_SPOT", "type: FARGATE_X"),
    ("type: FARGATE,", "type: FARGATE_SPOT,"),
    ("type: FARGATE_X", "type: FARGATE"),
)


def test_two_of_the_same_queues_go_one_after_the_other() -> None:
    """A run that is cut short leaves queues with one of them, which goes when the other is there again: no outage, as
    the policy allows none, before and after."""
    whole = Stage.new()
    whole.apply(BOTH)
    for at, stage in whole.forks(lambda stage: stage.apply(BOTH_ANEW), reads=1000)[::3]:
        Watcher(stage).attend()
        assert stage.apply(BOTH_ANEW).exit_code == 0, at
        assert stage.all == whole.all, at
        assert orders(stage) == [["one", "two"], ["two", "one"]], at
        assert stage.plan(BOTH_ANEW).empty, at
