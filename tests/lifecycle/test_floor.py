"""How many calls it takes to see that there is nothing to do."""

from collections import Counter

import pytest

from providers.simulator import Settings as Simulated
from tests.kit import LAB, REGION, Stage, example, on_stage

NOTHING_THERE = {
    "DescribeComputeEnvironments": 1,
    "DescribeJobQueues": 1,
    "DescribeServiceEnvironments": 1,
    "DescribeJobDefinitions": 1,
    "ListSchedulingPolicies": 1,
    "ListConsumableResources": 1,
}


@on_stage()
def test_an_empty_account_is_one_page_of_everything(stage: Stage) -> None:
    """Six listings, and STS, since no ARN tells the account."""
    stage.plan(LAB)
    assert stage.calls == Counter({**NOTHING_THERE, "GetCallerIdentity": 1})


@on_stage()
def test_a_plan_of_no_change_makes_the_calls_of_the_floor(stage: Stage) -> None:
    """A page of each kind and one describe of all policies; STS is not asked, since ARNs tell the account."""
    stage.apply(LAB)
    assert stage.plan(LAB).empty
    assert stage.calls == Counter({**NOTHING_THERE, "DescribeSchedulingPolicies": 1})
    report = stage.apply(LAB)
    assert stage.calls == Counter({**NOTHING_THERE, "DescribeSchedulingPolicies": 1})
    assert report.calls == stage.calls


@pytest.mark.parametrize("name", ["genomics"])
def test_the_floor_of_an_example(name: str) -> None:
    """Thirteen objects cost no more calls than three."""
    stage = Stage.new(region=REGION)
    stage.apply(example(name))
    stage.plan(example(name))
    assert stage.calls == Counter({**NOTHING_THERE, "DescribeSchedulingPolicies": 1})


@on_stage()
def test_more_than_a_hundred_objects_are_read_in_pages(stage: Stage) -> None:
    """A hundred definitions a page, a hundred policies a describe: pages, and no call an object."""
    for number in range(250):
        stage.world.register_job_definition(
            jobDefinitionName=f"other-{number}",
            type="container",
            containerProperties={
                "image": "i",
                "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
            },
        )
    for number in range(150):
        stage.world.create_scheduling_policy(name=f"other-{number}")
    stage.apply(LAB)
    assert stage.plan(LAB).empty
    pages = {"DescribeJobDefinitions": 3, "ListSchedulingPolicies": 2, "DescribeSchedulingPolicies": 2}
    assert stage.calls == Counter({**NOTHING_THERE, **pages})


@on_stage(simulated=Simulated(page_size=1))
def test_short_pages_lose_nothing(stage: Stage) -> None:
    """AWS may answer fewer than asked for: the token decides, not the count."""
    stage.apply(LAB)
    assert stage.plan(LAB).empty
    assert stage.calls["DescribeComputeEnvironments"] == 2
    assert stage.calls["DescribeJobDefinitions"] == 2
    assert stage.destroy(LAB).exit_code == 0
    assert stage.all == []


@on_stage()
def test_jobs_are_counted_only_in_queues_that_leave(stage: Stage) -> None:
    """One listing for each queue that is about to go; none where nothing may be deleted."""
    stage.apply(LAB)
    without = LAB.replace("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", "")
    assert stage.plan(without).summary["delete"] == 1
    assert stage.calls["ListJobs"] == 1
    assert stage.plan(f"{without}\npolicy: {{prune: false}}\n").empty
    assert stage.calls["ListJobs"] == 0
    stage.reconciler.output(example("genomics"))
    assert stage.calls["ListJobs"] == 0
