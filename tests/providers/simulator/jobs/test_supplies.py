"""Consumable resources in the hands of jobs."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab, container


@pytest.fixture
def lab() -> Lab:
    lab = Lab.new()
    lab.ground()
    return lab


def _resource(lab: Lab, name: str = "licence", total: int = 3, kind: str = "REPLENISHABLE") -> str:
    create = lab.batch.create_consumable_resource
    arn: str = create(consumableResourceName=name, totalQuantity=total, resourceType=kind)["consumableResourceArn"]
    return arn


def _asking(quantity: int, name: str = "licence") -> dict[str, Any]:
    return {"consumableResourceList": [{"consumableResource": name, "quantity": quantity}]}


def _job(lab: Lab, quantity: int, name: str = "licence", **changes: Any) -> str:
    return lab.submit(consumableResourcePropertiesOverride=_asking(quantity, name), **changes)


def _amounts(lab: Lab, name: str = "licence") -> tuple[int, int, int]:
    shown = lab.batch.describe_consumable_resource(consumableResource=name)
    return shown["totalQuantity"], shown["inUseQuantity"], shown["availableQuantity"]


def test_a_job_holds_what_it_needs_until_it_has_ended(lab: Lab) -> None:
    """From STARTING on, by name or ARN; others wait RUNNABLE meanwhile, and without a reason."""
    arn = _resource(lab)
    first, second = _job(lab, 2), _job(lab, 2, arn)
    assert lab.see_job(first)["consumableResourceProperties"] == _asking(2)
    lab.clock.sleep(2)
    assert (lab.statuses(first, second), _amounts(lab)) == (["STARTING", "RUNNABLE"], (3, 2, 1))
    assert "statusReason" not in lab.see_job(second)
    lab.clock.sleep(70)
    assert (lab.statuses(first, second), _amounts(lab)) == (["SUCCEEDED", "STARTING"], (3, 2, 1))
    lab.clock.sleep(70)
    assert _amounts(lab) == (3, 0, 3)


def test_what_is_not_replenishable_is_used_up(lab: Lab) -> None:
    """A job that has ended leaves less of it, also where it failed."""
    _resource(lab, kind="NON_REPLENISHABLE")
    job = _job(lab, 2, wait=20)
    assert _amounts(lab) == (3, 2, 1)
    lab.batch.terminate_job(jobId=job, reason="enough")
    assert _amounts(lab) == (1, 0, 1)
    late = _job(lab, 2, wait=3600)
    assert lab.statuses(late) == ["RUNNABLE"]


def test_jobs_start_when_there_is_more(lab: Lab) -> None:
    """Whether its total is raised or the resource made only then, whoever waits for it goes on."""
    early = _job(lab, 1, wait=3600)
    assert lab.statuses(early) == ["RUNNABLE"]
    _resource(lab, total=1)
    lab.clock.sleep(1)
    assert lab.statuses(early) == ["STARTING"]
    late = _job(lab, 1, wait=2)
    assert lab.statuses(late) == ["RUNNABLE"]
    lab.batch.update_consumable_resource(consumableResource="licence", operation="ADD", quantity=1)
    assert lab.statuses(late) == ["STARTING"]


def test_attempts_share_what_a_job_holds(lab: Lab) -> None:
    """A job that is tried again keeps what it has, and takes it once."""
    _resource(lab)
    job = _job(lab, 2, wait=20, retryStrategy={"attempts": 2})
    lab.batch.update_compute_environment(computeEnvironment="a", state="DISABLED")
    lab.simulator.set_status("environment", "a", "INVALID", "broken", region="eu-west-1")
    lab.clock.sleep(100)
    assert (lab.statuses(job), _amounts(lab)) == (["SUCCEEDED"], (3, 0, 3))


def test_a_definition_says_what_its_jobs_need(lab: Lab) -> None:
    """Unless the submission says otherwise, whose list takes the place of the other."""
    _resource(lab)
    _resource(lab, "other")
    lab.definition("e", consumableResourceProperties=_asking(3))
    lab.submit(jobDefinition="e", wait=2)
    assert (_amounts(lab), _amounts(lab, "other")) == ((3, 3, 0), (3, 0, 3))
    _job(lab, 1, "other", jobDefinition="e", wait=2)
    assert _amounts(lab, "other") == (3, 1, 2)


def test_children_and_nodes_need_each_their_own(lab: Lab) -> None:
    """An array takes as much as its children that run, a multi-node job for each of its nodes."""
    _resource(lab)
    array = lab.submit(arrayProperties={"size": 2}, consumableResourcePropertiesOverride=_asking(2), wait=2)
    assert (lab.statuses(f"{array}:0", f"{array}:1"), _amounts(lab)) == (["STARTING", "RUNNABLE"], (3, 2, 1))
    _resource(lab, "seat", total=4)
    ranges = [{"targetNodes": "0:", "container": container(), "consumableResourceProperties": _asking(2, "seat")}]
    nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges}
    lab.batch.register_job_definition(jobDefinitionName="n", type="multinode", nodeProperties=nodes)
    lab.clock.sleep(200)
    lab.submit(jobDefinition="n", wait=2)
    assert _amounts(lab, "seat") == (4, 4, 0)


def test_a_resource_may_go_while_jobs_hold_it(lab: Lab) -> None:
    """They end as if nothing had happened; those that wait for it wait on."""
    _resource(lab)
    holding, waiting = _job(lab, 3), _job(lab, 3)
    lab.clock.sleep(2)
    lab.batch.delete_consumable_resource(consumableResource="licence")
    lab.clock.sleep(3600)
    assert lab.statuses(holding, waiting) == ["SUCCEEDED", "RUNNABLE"]


def test_a_resource_is_one_however_often_it_is_named(lab: Lab) -> None:
    """What is asked for by name and by ARN adds up."""
    arn = _resource(lab)
    both = {"consumableResourceList": [{"consumableResource": it, "quantity": 2} for it in ("licence", arn)]}
    job = lab.submit(consumableResourcePropertiesOverride=both, wait=2)
    assert (lab.statuses(job), _amounts(lab)) == (["RUNNABLE"], (3, 0, 3))
    lab.batch.update_consumable_resource(consumableResource="licence", operation="ADD", quantity=1)
    assert (lab.statuses(job), _amounts(lab)) == (["STARTING"], (4, 4, 0))
    lab.clock.sleep(100)
    assert _amounts(lab) == (4, 0, 4)


@pytest.mark.parametrize("kind", ["REPLENISHABLE", "NON_REPLENISHABLE"])
def test_what_was_taken_of_a_resource_is_not_given_back_to_another_of_its_name(lab: Lab, kind: str) -> None:
    """A resource that is made again while a job holds some of the old one owes that job nothing."""
    _resource(lab, kind=kind)
    old = _job(lab, 2, wait=5)
    lab.batch.delete_consumable_resource(consumableResource="licence")
    _resource(lab, kind=kind)
    new = _job(lab, 2, wait=40)
    assert (lab.statuses(old, new), _amounts(lab)) == (["RUNNING", "RUNNING"], (3, 2, 1))
    lab.clock.sleep(30)
    assert (lab.statuses(old, new), _amounts(lab)) == (["SUCCEEDED", "RUNNING"], (3, 2, 1))


def test_a_job_that_is_tried_again_needs_no_more_than_it_holds() -> None:
    """Its next attempt begins though nothing is left, for it has its own."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(attempts=1, exit_code=1),)))
    lab.ground()
    _resource(lab)
    job = _job(lab, 3, wait=80, retryStrategy={"attempts": 2})
    assert (lab.statuses(job), len(lab.see_job(job)["attempts"]), _amounts(lab)) == (["STARTING"], 1, (3, 3, 0))
    lab.clock.sleep(100)
    assert (lab.statuses(job), _amounts(lab)) == (["SUCCEEDED"], (3, 0, 3))


def test_what_is_given_back_is_there_for_jobs_of_any_queue(lab: Lab) -> None:
    """A job that ends lets one in that waited for its licence, elsewhere."""
    _resource(lab, total=1)
    lab.environment("b")
    lab.queue("r", "b")
    first, second = _job(lab, 1, wait=5), _job(lab, 1, jobQueue="r", wait=60)
    assert lab.statuses(first, second) == ["RUNNING", "RUNNABLE"]
    lab.clock.sleep(10)
    assert lab.statuses(first, second) == ["SUCCEEDED", "STARTING"]
