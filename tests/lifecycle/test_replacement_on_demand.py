"""What `--replace` asks for, cut short anywhere: the same command brings it about, and nothing is undone."""

from collections.abc import Callable

import pytest

from plans.asked import Asked
from providers.errors import PlanRefused
from tests.kit import Stage, address, edit
from tests.lifecycle.test_replacement import A, fixed, holders, tried
from tests.lifecycle.watching import Watcher

pytestmark = pytest.mark.unmeasured

ASKED = Asked(replace=[address("compute_environment.shared")])
CONSUMABLE = """
stack: lab
consumableResources:
  seats: {totalQuantity: 5, resourceType: REPLENISHABLE, lifecycle: {replace: createFirst}}
jobDefinitions:
  work:
    type: container
    consumableResourceProperties: {consumableResourceList: [{consumableResource: seats, quantity: 1}]}
    containerProperties:
      image: "work:1"
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]
"""


@pytest.mark.parametrize("manner", [str, fixed, tried], ids=["create first", "two hop", "with a canary"])
def test_the_old_one_goes_whenever_it_was_cut_short(manner: Callable[[str], str]) -> None:
    """The object that was there before is gone at the end, whatever had been done by then."""
    whole = Stage.new()
    whole.apply(manner(A))
    old = whole.environment("shared")["uuid"]
    for at, stage in whole.forks(lambda stage: stage.apply(manner(A), asked=ASKED), reads=1000)[::3]:
        Watcher(stage).attend()
        assert stage.apply(manner(A), asked=ASKED).exit_code == 0, at
        (name,) = holders(stage)
        assert stage.environment(name)["uuid"] != old, at
        assert stage.plan(manner(A)).empty, at


def test_what_refers_to_a_consumable_follows_it() -> None:
    """A definition is registered again with the new one, under a digest that the next plan finds right."""
    stage = Stage.new()
    stage.apply(CONSUMABLE)
    changed = edit(CONSUMABLE, ("REPLENISHABLE", "NON_REPLENISHABLE"))
    assert stage.apply(changed).exit_code == 0
    assert stage.plan(changed).empty


def test_an_ignored_path_has_the_value_of_the_old_one() -> None:
    """What nobody is to change is not changed by a replacement."""
    stage, ignoring = (
        Stage.new(),
        edit(A, ("  shared:\n", "  shared:\n    lifecycle: {ignore: [computeResources.maxvCpus]}\n")),
    )
    stage.apply(A)
    stage.world.update_compute_environment(computeEnvironment="shared", computeResources={"maxvCpus": 900})
    stage.settle()
    assert stage.apply(ignoring, asked=ASKED).exit_code == 0
    (name,) = holders(stage)
    assert stage.environment(name)["computeResources"]["maxvCpus"] == 900


def test_what_is_nobodys_is_not_replaced() -> None:
    """It would have to be deleted, and carries no tag of ours: it is taken over first."""
    stage = Stage.new()
    stage.apply(A)
    for name in ("shared",):
        arn = stage.environment(name)["computeEnvironmentArn"]
        stage.world.untag_resource(resourceArn=arn, tagKeys=["batchwright:stack", "batchwright:address"])
    other = A.replace("fleet-1", "fleet-2", 1) + "policy: {adopt: true}\n"
    with pytest.raises(PlanRefused, match="not managed yet"):
        stage.apply(other)
    assert stage.mutations == []


def test_a_new_name_in_the_middle_is_told_as_what_it_is() -> None:
    """Two sides of one replacement are no copied tags."""
    whole = Stage.new()
    whole.apply(fixed(A))
    forks = whole.forks(lambda stage: stage.apply(fixed(A), asked=ASKED), reads=1000)
    stage = forks[1][1]
    (refusal,) = [
        row
        for row in stage.plan(fixed(A).replace("physicalName: shared", "physicalName: other")).refusals
        if row.address == "compute_environment.shared"
    ]
    assert refusal.code == "under-way"


SWAPPED = """
stack: farm
policy: {maxImpact: outage}
computeEnvironments:
  x:
    type: MANAGED
    lifecycle: {replace: twoHop}
    computeResources: {type: FARGATE, maxvCpus: 4, subnets: [subnet-1], securityGroupIds: [sg-1]}
  y:
    type: MANAGED
    lifecycle: {replace: twoHop}
    computeResources: {type: FARGATE, maxvCpus: 4, subnets: [subnet-1], securityGroupIds: [sg-1]}
jobQueues:
  p: {priority: 1, computeEnvironmentOrder: [x]}
  r: {priority: 1, computeEnvironmentOrder: [y]}
"""


def test_what_would_wait_for_itself_is_refused_and_done_in_two() -> None:
    """Two that keep their names, while queues change places between them: each queue would wait for both."""
    stage = Stage.new()
    stage.apply(SWAPPED)
    anew = SWAPPED.replace("type: FARGATE,", "type: FARGATE_SPOT,")
    swapped = edit(anew, ("Order: [x]", "Order: [z]"), ("Order: [y]", "Order: [x]"), ("Order: [z]", "Order: [y]"))
    made = stage.plan(swapped)
    assert [row.code for row in made.refusals] == ["circle"]
    assert made.steps == ()
    assert stage.apply(anew).exit_code == 0
    assert stage.apply(swapped).exit_code == 0
    assert stage.plan(swapped).empty
