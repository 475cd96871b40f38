"""What AWS asks of job queues, told by a plan without a world."""

import pytest

from tests.plans.demands.table import Row, check, untested

ORDER, SERVICE, ACTIONS = "computeEnvironmentOrder", "serviceEnvironmentOrder", "jobStateTimeLimitActions"
ONE, TWO = {"order": 1, "computeEnvironment": "one"}, {"order": 2, "computeEnvironment": "two"}
TRAIN = {"order": 1, "serviceEnvironment": "train"}
BOTH = ((SERVICE, [TRAIN]),)


def action(**given: object) -> dict[str, object]:
    return {"reason": "R", "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL", **given}


def place(member: str) -> str:
    return f"{ACTIONS}[0].{member}"


ROWS = [
    Row("priority", "queue", "priority", 1001, 1000),
    Row("priority", "queue", "priority", -1, 0),
    Row("order-twice", "queue", ORDER, [ONE, {**TWO, "order": 1}], [ONE, {**TWO, "order": 7}]),
    Row("environment-twice", "queue", ORDER, [ONE, {**ONE, "order": 2}], [ONE, TWO]),
    Row("both-orders", "queue", SERVICE, [TRAIN], []),
    Row("service-environments", "training", SERVICE, [TRAIN, {"order": 2, "serviceEnvironment": "two"}], [TRAIN], BOTH),
    Row("type-of-queue", "queue", "jobQueueType", "SAGEMAKER_TRAINING", "ECS"),
    Row("type-of-queue", "training", "jobQueueType", "ECS", "SAGEMAKER_TRAINING", BOTH),
    Row("limits-of-states", "queue", ACTIONS, [action(), action()], [action(), action(reason="S")]),
    Row("time-limit", "queue", ACTIONS, [action(maxTimeSeconds=599)], [action()], at=place("maxTimeSeconds")),
    Row("time-limit", "queue", ACTIONS, [action(maxTimeSeconds=86401)], [action()], at=place("maxTimeSeconds")),
    Row("action-of-queue", "queue", ACTIONS, [action(action="TERMINATE")], [action()], at=place("action")),
    Row("action-of-training", "training", ACTIONS, [action()], [action(action="TERMINATE")], BOTH, at=place("action")),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_demand(row: Row) -> None:
    """The bad document is told at its place, and the good one is not."""
    check(row)


def test_every_demand_has_a_row() -> None:
    """None is left untried."""
    assert untested("job_queue", ROWS) == set()
