"""A plan that was made before is a promise: it is kept, or refused, and never quietly another one."""

from collections.abc import Callable

import attrs
import pytest

from plans.asked import Asked
from plans.planfile import dumps, loads
from plans.policy import Policy
from providers.errors import NotConfirmed, PlanRefused, StalePlan
from providers.simulator import Fault
from tests.kit import LAB, Stage, address, cut, edit, manifest, on_stage
from tests.lifecycle.test_replacement import MANNERS, A, B, holders

pytestmark = pytest.mark.unmeasured

CHANGED = edit(LAB, ("priority: 10", "priority: 11"), ("align:1", "align:2"))
UPDATED_LATER = edit(
    LAB, ("    type: MANAGED\n", "    type: MANAGED\n    updatePolicy: {jobExecutionTimeoutMinutes: 60}\n")
)


@on_stage()
def test_a_held_plan_is_carried_out_as_it_is(stage: Stage) -> None:
    """Read back from its file, the plan of a world that has not moved is applied, step for step."""
    held, _ = loads(dumps(stage.plan(LAB), {}))
    report = stage.apply(LAB, held=held)
    assert report.exit_code == 0
    assert report.plan_id == held.id
    assert sorted(outcome.step for outcome in report.outcomes) == sorted(step.id for step in held.steps)


@on_stage()
def test_a_moved_world_makes_a_plan_stale(stage: Stage) -> None:
    """What somebody changed since is named, exit 3, and nothing is changed."""
    stage.apply(LAB)
    held = stage.plan(CHANGED)
    stage.world.update_job_queue(jobQueue="lab-low", priority=99)
    stage.settle()
    with pytest.raises(
        StalePlan, match=r"UpdateJobQueue of job_queue\.low .* is needed now and is not in the plan"
    ) as stale:
        stage.apply(CHANGED, held=held)
    assert (stale.value.exit_code, stale.value.hint) == (3, "plan again")
    assert stage.mutations == []


@on_stage()
def test_a_value_that_moved_before_it_was_changed_makes_a_plan_stale(stage: Stage) -> None:
    """The step would be the same, but it would undo what somebody else did and nobody was shown."""
    stage.apply(LAB)
    held = stage.plan(CHANGED)
    stage.world.update_job_queue(jobQueue="lab-high", priority=50)
    stage.settle()
    with pytest.raises(StalePlan, match=r"job_queue\.high: priority is now 50 → 11, which the plan did not show"):
        stage.apply(CHANGED, held=held)
    assert stage.mutations == []


@on_stage()
def test_a_moved_value_makes_a_plan_stale(stage: Stage) -> None:
    """The same step with another argument is another step."""
    stage.apply(LAB)
    held = stage.plan(CHANGED)
    with pytest.raises(StalePlan, match=r"is not as in the plan: arguments\.priority was 11 and is now 12"):
        stage.apply(edit(CHANGED, ("priority: 11", "priority: 12")), held=held)
    assert stage.mutations == []


@on_stage()
def test_a_plan_that_was_half_carried_out_is_resumed(stage: Stage) -> None:
    """What is done drops out, what is left is what was promised, references resolved: the same file goes on."""
    held = stage.plan(LAB)
    stage.simulator.inject(Fault("CreateJobQueue", "denied"), Fault("RegisterJobDefinition", "denied"))
    assert stage.apply(LAB, held=held).exit_code == 4
    report = stage.apply(LAB, held=held)
    assert report.exit_code == 0
    assert sorted(stage.mutations) == ["CreateJobQueue", "RegisterJobDefinition"]
    assert stage.plan(LAB).empty


@on_stage()
def test_a_plan_that_was_carried_out_is_done(stage: Stage) -> None:
    """Applied once more, nothing is left of it."""
    held = stage.plan(LAB)
    stage.apply(LAB, held=held)
    assert stage.apply(LAB, held=held).exit_code == 0
    assert stage.mutations == []


@on_stage()
def test_a_stricter_policy_refuses_a_held_plan(stage: Stage) -> None:
    """Whoever made the plan had laxer rules: those of today count."""
    stage.apply(LAB)
    less = cut(LAB, "  sort:")
    held = stage.plan(less)
    stage.reconciler = attrs.evolve(stage.reconciler, policies=(Policy(max_deletes=0),))
    with pytest.raises(PlanRefused, match="1 objects would be deleted, and the policy allows 0"):
        stage.apply(less, held=held)
    assert stage.mutations == []
    stage.reconciler = attrs.evolve(stage.reconciler, policies=(Policy(prune=False),))
    assert stage.apply(less, held=held).exit_code == 0
    assert stage.mutations == []


@on_stage()
def test_a_plan_is_for_one_stack_account_region_and_endpoint(stage: Stage) -> None:
    """Each that differs is named."""
    held = stage.plan(LAB)
    elsewhere = attrs.evolve(
        held, stack="other", region="us-east-1", account="999999999999", target={"endpointUrl": "https://other"}
    )
    with pytest.raises(StalePlan) as stale:
        stage.apply(LAB, held=elsewhere)
    told = str(stale.value)
    for words in (
        "for stack other, and this is lab",
        "for region us-east-1, and this is eu-west-1",
        "for account 999999999999, and this is 123456789012",
        "for endpoint https://other, and this is",
    ):
        assert words in told
    assert stage.mutations == []


@on_stage()
def test_an_account_that_nothing_told_is_not_compared(stage: Stage) -> None:
    """Only two known accounts can differ."""
    held = attrs.evolve(stage.plan(LAB), account=None)
    assert stage.apply(LAB, held=held).exit_code == 0


@on_stage()
def test_a_plan_with_refusals_is_not_carried_out(stage: Stage) -> None:
    """Not even the part of it that could be."""
    stage.world.create_scheduling_policy(name="lab-fair")
    with pytest.raises(PlanRefused, match=r"scheduling_policy\.fair: lab-fair exists already") as refused:
        stage.apply(LAB)
    assert refused.value.exit_code == 3
    assert refused.value.plan is not None
    assert stage.mutations == []


@on_stage()
def test_a_plan_that_is_not_approved_changes_nothing(stage: Stage) -> None:
    """The approval sees the plan that would be carried out; an empty one needs none."""
    seen = []

    def decline(plan: object) -> bool:
        seen.append(plan)
        return False

    with pytest.raises(NotConfirmed, match="nothing was changed"):
        stage.apply(LAB, approve=decline)
    assert stage.mutations == []
    assert seen == [stage.reconciler.plan(manifest(LAB))]
    stage.apply(LAB)
    assert stage.apply(LAB, approve=decline).exit_code == 0
    assert len(seen) == 1


@pytest.mark.parametrize("fault", ["CreateComputeEnvironment", "UpdateComputeEnvironment", "CreateJobQueue"])
@on_stage()
def test_a_plan_is_resumed_wherever_it_broke_off(stage: Stage, fault: str) -> None:
    """A create without its update, or anything else half done, is what the plan said."""
    held = stage.plan(UPDATED_LATER)
    stage.simulator.inject(Fault(fault, "denied"))
    assert stage.apply(UPDATED_LATER, held=held).exit_code == 4
    assert stage.apply(UPDATED_LATER, held=held).exit_code == 0
    assert stage.plan(UPDATED_LATER).empty


@on_stage()
def test_a_plan_whose_wait_broke_off_is_resumed(stage: Stage) -> None:
    """To wait for what was called already changes nothing, so it needs no promise."""
    held = stage.plan(UPDATED_LATER)
    stage.settings(timeout=10.0)
    assert stage.apply(UPDATED_LATER, held=held).exit_code == 4
    stage.settings(timeout=None)
    assert stage.apply(UPDATED_LATER, held=held).exit_code == 0
    assert stage.plan(UPDATED_LATER).empty


@on_stage()
def test_a_deletion_that_broke_off_is_resumed(stage: Stage) -> None:
    """A queue disabled and not deleted yet, or being deleted, goes the rest of the way."""
    stage.apply(LAB)
    held = stage.plan(LAB, destroying=True)
    stage.simulator.inject(Fault("DeleteJobQueue", "denied"))
    assert stage.apply(LAB, destroying=True, held=held).exit_code == 4
    stage.settings(timeout=1.0)
    assert stage.apply(LAB, destroying=True, held=held).exit_code == 4
    stage.settings(timeout=None)
    assert stage.apply(LAB, destroying=True, held=held).exit_code == 0
    assert stage.all == []


ASKED = Asked(replace=[address("compute_environment.shared")])


@pytest.mark.parametrize(("wanted", "asked"), [(B, Asked()), (A, ASKED)], ids=["edited", "asked for"])
@MANNERS
def test_a_replacement_that_was_killed_is_resumed(manner: Callable[[str], str], wanted: str, asked: Asked) -> None:
    """Wherever the process died, even after all was done, the same file brings the replacement to its end."""
    whole = Stage.new()
    whole.apply(manner(A))
    old = whole.environment("shared")["uuid"]
    held, _ = loads(dumps(whole.plan(manner(wanted), asked=asked), {}))
    forks = whole.forks(lambda stage: stage.apply(manner(wanted), asked=asked, held=held), reads=1000)
    for at, stage in [*forks[::4], (len(forks), whole)]:
        assert stage.apply(manner(wanted), asked=asked, held=held).exit_code == 0, at
        (name,) = holders(stage)
        assert stage.environment(name)["uuid"] != old, at
        assert stage.plan(manner(wanted)).empty, at
        assert stage.all == whole.all, at


@MANNERS
def test_what_somebody_else_did_half_way_makes_a_plan_stale(manner: Callable[[str], str]) -> None:
    """Half way too nobody's change is undone that nobody was shown, wherever the process died."""
    whole = Stage.new()
    whole.apply(manner(A))
    held = whole.plan(manner(B))
    for at, stage in whole.forks(lambda stage: stage.apply(manner(B), held=held), reads=1000):
        stage.settle()
        stage.world.update_job_queue(jobQueue="one", priority=50)
        stage.settle()
        with pytest.raises(StalePlan, match=r"job_queue\.one"):
            stage.apply(manner(B), held=held)
        assert stage.mutations == [], at


@on_stage()
def test_a_role_that_goes_apart_is_resumed_between(stage: Stage) -> None:
    """Of two updates of one environment the second has the id of the first once that is done."""
    role = "arn:aws:iam::123456789012:role/service-role/"
    before = edit(LAB, ("  spot: &environment\n", f"  spot: &environment\n    serviceRole: {role}one\n"))
    stage.apply(before)
    after = edit(before, (f"{role}one", f"{role}two"), ("instanceTypes: [c6i]", "instanceTypes: [m6i]"))
    held = stage.plan(after)
    stage.simulator.inject(Fault("UpdateComputeEnvironment", "denied", after=1))
    assert stage.apply(after, held=held).exit_code == 4
    assert stage.apply(after, held=held).exit_code == 0
    assert stage.plan(after).empty
