"""What is INVALID: repaired by an update, refused, or left as it is with a word about it."""

from typing import Any

import attrs
import pytest

from plans.plan import Plan
from providers.resources import Live
from tests.plans.core import (
    ORDINARY,
    actions,
    codes,
    environment,
    environments,
    fargate,
    ids,
    live,
    plan,
    queue,
    queues,
    step,
    tags,
)
from tests.plans.test_environments import ON_FARGATE

ADDRESS, REASON = "compute_environment.one", "CLIENT_ERROR - Clusters can not be blank"
OFF = "    state: DISABLED\n"
ROLE = f"    serviceRole: {ORDINARY}"


def broken(**given: Any) -> Live:
    fields = {"status": "INVALID", "status_reason": REASON, **given.pop("fields", {})}
    return environment(fields=fields, **given)


def disabled(**given: Any) -> Live:
    return broken(fields={"spec": {"state": "DISABLED"}}, **given)


def goal(made: Plan) -> tuple[str, dict[str, Any]]:
    found = step(made, f"update:{ADDRESS}").goal
    assert found is not None
    return found.until, dict(found.expect)


REPAIRS = [
    environments().replace("[sg-1]", "[sg-2]"),
    environments().replace("minvCpus: 0", "minvCpus: 4").replace("[m6i.large]", "[m6i]"),
    environments() + f"{ROLE}2\n",
]


@pytest.mark.parametrize("text", REPAIRS)
def test_another_role_or_other_machines_may_repair_it(text: str) -> None:
    """So it is sent, and waited for until it is VALID."""
    made = plan(text, broken(role=ORDINARY) if ROLE in text else broken())
    assert (codes(made), ids(made), made.warnings) == ([], [f"update:{ADDRESS}"], ())
    assert goal(made)[0] == "settled"


def test_other_networks_may_repair_it_on_fargate() -> None:
    """They are more than scale, though nothing recycles."""
    shown = attrs.evolve(fargate(), status="INVALID")
    assert codes(plan(ON_FARGATE.replace("[subnet-1]", "[subnet-2]"), shown)) == []
    assert codes(plan(ON_FARGATE.replace("maxvCpus: 16", "maxvCpus: 8"), shown)) == [(ADDRESS, "invalid")]


NO_REPAIR = [
    (environments(), {}, ""),
    (environments().replace("maxvCpus: 16", "maxvCpus: 17"), {}, "; computeResources.maxvCpus does not repair it"),
    (
        environments().replace("maxvCpus: 16", "maxvCpus: 17, scalingPolicy: {minScaleDownDelayMinutes: 20}"),
        {},
        "; computeResources.maxvCpus and computeResources.scalingPolicy do not repair it",
    ),
    (
        environments() + "    updatePolicy: {terminateJobsOnUpdate: true}\n",
        {},
        "; updatePolicy does not repair it",
    ),
    (environments(), {"fields": {"spec": {"state": "DISABLED"}}}, "; state does not repair it"),
]


@pytest.mark.parametrize(("text", "shown", "more"), NO_REPAIR)
def test_state_and_scale_repair_nothing(text: str, shown: dict[str, Any], more: str) -> None:
    """AWS does not look again at what is wrong, so the plan says AWS's reason and what would help."""
    made = plan(text, broken(**shown))
    assert codes(made) == [(ADDRESS, "invalid")]
    assert made.refusals[0].message == f"it is INVALID: {REASON}{more}"
    assert f"--replace {ADDRESS}" in made.refusals[0].hint


@pytest.mark.parametrize(
    ("reason", "path"),
    [
        ("INTERNAL_ERROR - The subnet ID 'subnet-1' does not exist", "computeResources.subnets"),
        ("CLIENT_ERROR - User is not authorized to perform: sts:AssumeRole", "serviceRole"),
        ("CLIENT_ERROR - something that no row knows", None),
    ],
)
def test_what_helps_hangs_on_the_reason(reason: str, path: str | None) -> None:
    """A role is named only where the reason is about it, --repair only where the reason tells what to send."""
    hint = plan(environments(), attrs.evolve(environment(), status="INVALID", status_reason=reason)).refusals[0].hint
    assert ("serviceRole" in hint) == (path == "serviceRole")
    assert "another service role" not in hint
    assert (f"--repair, which sends {path} once more" in hint) == (path is not None)
    assert ("--repair" in hint) == (path is not None)
    assert f"--replace {ADDRESS}" in hint


def test_no_new_one_is_offered_where_none_can_be_made() -> None:
    """Under a fixed name a new object needs more than to be asked for."""
    text = environments().replace("    type: MANAGED\n", "    type: MANAGED\n    physicalName: one\n", 1)
    assert "--replace" not in plan(text, broken()).refusals[0].hint


def test_it_can_be_switched_off() -> None:
    """AWS disables it and leaves it INVALID; what else changes is seen before the wait ends."""
    made = plan(environments() + OFF, broken())
    assert (codes(made), goal(made)) == ([], ("disabled", {"state": "DISABLED"}))
    assert made.warnings == (f"{ADDRESS}: one is INVALID, and stays so while it is DISABLED: {REASON}",)
    more = plan(environments().replace("maxvCpus: 16", "maxvCpus: 17") + OFF, broken())
    assert (codes(more), goal(more)[0]) == ([], "disabled")
    assert goal(more)[1]["computeResources.maxvCpus"] == 17
    later = plan(environments().replace("maxvCpus: 16", "maxvCpus: 17") + OFF, disabled())
    assert (codes(later), goal(later)[0]) == ([], "disabled")


def test_a_repair_that_also_switches_it_off_is_waited_for() -> None:
    """What is to be repaired is to be VALID."""
    made = plan(environments().replace("[sg-1]", "[sg-2]") + OFF, broken())
    assert (codes(made), goal(made)[0], made.warnings) == ([], "settled", ())


def test_one_that_is_parked_blocks_nothing() -> None:
    """It is INVALID and DISABLED, as wanted: a warning tells so, and other changes are carried out."""
    text = environments() + OFF + queues(order="[two]", more=", tags: {a: b}")
    made = plan(text, disabled(), environment("two", fields={"tags": {}}), queue("high", "two"))
    assert (codes(made), ids(made)) == ([], ["tag:job_queue.high"])
    assert made.warnings == (f"{ADDRESS}: one is INVALID, and stays so while it is DISABLED: {REASON}",)


def test_its_tags_can_be_edited() -> None:
    """A tag does no harm, and repairs nothing."""
    text = environments() + "    tags: {a: b}\n"
    made = plan(text, broken())
    assert (codes(made), ids(made)) == ([], [f"tag:{ADDRESS}"])
    assert made.warnings == (f"{ADDRESS}: one is INVALID, and tags do not repair it: {REASON}",)
    assert codes(plan(text.replace("maxvCpus: 16", "maxvCpus: 17"), broken())) == [(ADDRESS, "invalid")]


def test_a_queue_takes_only_what_is_repaired() -> None:
    """A change of scale beside it leaves the environment INVALID."""
    text = queues(order="[one, two]")
    lives = (broken(), environment("two"), queue("high", "two"))
    scaled = plan(environments("one", "two").replace("maxvCpus: 16", "maxvCpus: 17", 1) + text, *lives)
    assert ("job_queue.high", "invalid-environment") in codes(scaled)
    parked = environments("one", "two").replace("type: MANAGED", "state: DISABLED\n    type: MANAGED", 1)
    assert codes(plan(parked + text, *lives)) == [("job_queue.high", "invalid-environment")]
    repaired = plan(environments("one", "two").replace("[sg-1]", "[sg-2]", 1) + text, *lives)
    assert codes(repaired) == []


HINTS = [
    (queue(fields={"status": "INVALID"}), environments() + queues(), "computeEnvironmentOrder"),
    (
        live(
            "service_environment",
            "train",
            {
                "serviceEnvironmentType": "SAGEMAKER_TRAINING",
                "state": "ENABLED",
                "capacityLimits": [{"maxCapacity": 1, "capacityUnit": "NUM_INSTANCES"}],
            },
            status="INVALID",
            tags=tags("service_environment.train"),
        ),
        "serviceEnvironments: {train: {serviceEnvironmentType: SAGEMAKER_TRAINING,"
        " capacityLimits: [{maxCapacity: 1, capacityUnit: NUM_INSTANCES}]}}",
        "under another name",
    ),
]


@pytest.mark.parametrize(("shown", "text", "hint"), HINTS)
def test_each_kind_has_a_hint_of_its_own(shown: Live, text: str, hint: str) -> None:
    """A queue has neither service role nor vCPUs."""
    made = plan(text, shown, environment())
    assert [code for _, code in codes(made)] == ["invalid"]
    assert made.refusals[0].message == "it is INVALID: AWS gives no reason"
    assert hint in made.refusals[0].hint
    assert "role" not in made.refusals[0].hint
    assert "vCPUs" not in made.refusals[0].hint


def test_a_queue_that_is_invalid_is_changed() -> None:
    """Any change of a queue may repair it, as far as anybody has said."""
    made = plan(
        environments() + queues().replace("priority: 1", "priority: 2"),
        environment(),
        queue(fields={"status": "INVALID"}),
    )
    assert (codes(made), actions(made)["job_queue.high"]) == ([], "update")
