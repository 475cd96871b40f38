"""Hooks: other tools see every plan before anybody else does, and what they refuse is not carried out."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import attrs
import pytest

from plans.change import Refusal
from plans.plan import Plan
from plans.planfile import to_json
from plans.retention import Retention
from providers.clock import ManualClock
from providers.errors import PlanRefused, StalePlan
from providers.resources import Target
from reconciler import Reconciler, Settings
from reconciler.hooks import FAILED, OnPlan, judged
from reconciler.lock import Place
from reconciler.revisions import Pruning
from tests.kit import LAB, Stage, address, edit, manifest

NO = Refusal("job_queue.high", "friday", "nothing changes on a Friday", "come back on Monday")
FASTER = edit(LAB, ("priority: 10", "priority: 11"))


def version(number: int) -> str:
    return edit(LAB, ("  align:\n", "  align:\n    rollout: {keep: 100}\n"), ('"align:1"', f'"align:{number}"'))


def never(plan: Plan) -> Iterator[Refusal]:
    """Refuses whatever there is to do."""
    if plan.steps:
        yield NO


def broken(_plan: Plan) -> Iterable[Refusal]:
    raise KeyError("day")


def listed(_plan: Plan) -> Any:
    return ["Friday"]


def nothing(_plan: Plan) -> Any:
    return None


def untold(plan: Plan) -> Any:
    return [Refusal(str(change.address), "acme", "text") for change in plan.changes[:1]] + [
        Refusal(change.address, "acme", "an address is no text")  # type: ignore[arg-type]
        for change in plan.changes
    ]


class Rule:
    """A hook that is no function."""

    def __call__(self, plan: Plan) -> Iterable[Refusal]:
        raise RuntimeError(plan.stack)


def with_hooks(stage: Stage, *hooks: OnPlan) -> Stage:
    stage.reconciler = attrs.evolve(stage.reconciler, on_plan=hooks)
    return stage


@pytest.fixture
def stage() -> Stage:
    """A stage on which the lab stands, with a hook that lets nothing through."""
    made = Stage.new()
    assert made.apply(LAB).exit_code == 0
    return with_hooks(made, never)


VERBS: dict[str, Callable[[Stage], object]] = {
    "apply": lambda stage: stage.apply(FASTER),
    "destroy": lambda stage: stage.destroy(LAB),
    "forget": lambda stage: stage.reconciler.forget("lab", [address("job_queue.low")]),
    "adopt": lambda stage: stage.reconciler.adopt(manifest(LAB.replace("stack: lab", "stack: other"))),
    "rollback": lambda stage: stage.reconciler.rollback(manifest(LAB), address("job_definition.align"), 1),
    "rehearse": lambda stage: stage.reconciler.rehearse(manifest(FASTER), runs=1),
    "prune_revisions": lambda stage: stage.reconciler.prune_revisions(
        manifest(LAB), Retention(keep=1), approve=lambda _: True
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_hook_refuses_is_done_by_no_verb(stage: Stage, verb: str) -> None:
    """Each raises before anything is changed, with the refusal in its plan and in its words."""
    with_hooks(stage)
    stage.apply(edit(LAB, ("align:1", "align:2")))
    if verb == "adopt":
        stage.reconciler.forget("lab", [address("job_queue.low")])
    with_hooks(stage, never)
    stage.simulator.calls.clear()
    with pytest.raises(PlanRefused, match=r"job_queue\.high: nothing changes on a Friday") as caught:
        VERBS[verb](stage)
    assert stage.mutations == []
    assert caught.value.exit_code == 3
    assert isinstance(caught.value.plan, Plan)
    assert NO in caught.value.plan.refusals


def test_a_plan_shows_what_a_hook_refuses(stage: Stage) -> None:
    """As its own refusals, in `plan` and in `drift`; what is not refused is as without a hook."""
    assert stage.plan(FASTER).refusals == (NO,)
    assert stage.plan(LAB).empty
    stage.world.update_job_queue(jobQueue="lab-high", priority=50)
    drift = stage.reconciler.drift(manifest(LAB))
    assert drift.refusals == (NO,)
    assert [str(change.address) for change in drift.changes if change.differences] == ["job_queue.high"]


def test_a_hook_is_told_all_that_is_refused_already() -> None:
    """It sees the plan's own refusals, and what is raised has both."""
    seen: list[Plan] = []

    def see(plan: Plan) -> Iterable[Refusal]:
        seen.append(plan)
        return [NO]

    stage = with_hooks(Stage.new(), see)
    with pytest.raises(PlanRefused) as caught:
        stage.apply("stack: lab\npolicy: {maxImpact: none}\n" + LAB.replace("stack: lab", "", 1).replace("1.0", "0.0"))
    assert isinstance(caught.value.plan, Plan)
    own = [refusal for refusal in caught.value.plan.refusals if refusal != NO]
    assert [*seen[0].refusals] == own
    assert caught.value.plan.refusals[-1] == NO


def test_several_hooks_refuse_in_their_order() -> None:
    """None of them sees what another one refuses, and all of it stands in the plan."""
    counts: list[int] = []

    def first(plan: Plan) -> Iterable[Refusal]:
        counts.append(len(plan.refusals))
        return [NO]

    stage = with_hooks(Stage.new(), first, first, never)
    assert stage.plan(LAB).refusals == (NO, NO, NO)
    assert counts == [0, 0]


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        (broken, "the hook tests.reconciler.test_hooks.broken failed: KeyError: 'day'"),
        (partial(partial(broken)), "the hook tests.reconciler.test_hooks.broken failed: KeyError: 'day'"),
        (Rule(), "the hook tests.reconciler.test_hooks.Rule failed: RuntimeError: lab"),
        (listed, "the hook tests.reconciler.test_hooks.listed failed: it gave a str, which is no refusal"),
        (untold, "the hook tests.reconciler.test_hooks.untold failed: the address of a refusal is no text"),
        (nothing, "the hook tests.reconciler.test_hooks.nothing failed: TypeError: 'NoneType' object is not iterable"),
    ],
)
def test_a_hook_that_fails_refuses(hook: OnPlan, says: str) -> None:
    """By its name and in its own words: who cannot judge has not let it pass."""
    stage = with_hooks(Stage.new(), hook)
    (refusal,) = stage.plan(LAB).refusals
    assert (refusal.address, refusal.code, refusal.message) == ("", FAILED, says)
    with pytest.raises(PlanRefused, match="lab: the hook"):
        stage.apply(LAB)
    assert stage.mutations == []


def test_a_hook_changes_nothing() -> None:
    """What it is given is its own: a plan that it took to pieces is carried out as it was made."""
    before = Stage.new().plan(LAB)

    def meddle(plan: Plan) -> Iterable[Refusal]:
        for step in plan.steps:
            arguments: Any = step.arguments
            arguments.clear()
        for change in plan.changes:
            for difference in change.differences:
                if isinstance(difference.after, dict | list):
                    difference.after.clear()
        return ()

    stage = with_hooks(Stage.new(), meddle)
    assert to_json(stage.plan(LAB)) == to_json(before)
    assert stage.apply(LAB).exit_code == 0
    assert stage.queue("lab-high")["priority"] == 10


def test_a_hook_sees_the_plan_that_is_carried_out() -> None:
    """The same that `approve` is shown, with its values in the clear, but for how long it takes; once, and not what is
    looked at afterwards."""
    seen: list[Plan] = []
    shown: list[Plan] = []

    def see(plan: Plan) -> Iterable[Refusal]:
        seen.append(plan)
        return ()

    def approve(plan: Plan) -> bool:
        shown.append(plan)
        return True

    stage = with_hooks(Stage.new(estimating=True), see)
    assert stage.apply(LAB, approve=approve).exit_code == 0
    assert [attrs.evolve(plan, estimate=shown[0].estimate) for plan in seen] == shown
    assert seen[0].estimate is None


def test_a_residue_is_not_refused(stage: Stage) -> None:
    """What is left after an apply is told as it is: a hook is asked before something is done, not after."""
    days = iter(["thursday"])

    def only_thursday(plan: Plan) -> Iterable[Refusal]:
        return () if next(days, "friday") == "thursday" or plan.empty else [NO]

    with_hooks(stage, only_thursday)
    report = stage.apply(FASTER)
    assert report.exit_code == 0
    assert report.residue is not None
    assert report.residue.refusals == ()


def test_a_hook_is_asked_again_after_a_long_approval(stage: Stage) -> None:
    """It may have become Friday meanwhile."""
    day, wall = ["thursday"], ManualClock()

    def fridays(_plan: Plan) -> Iterable[Refusal]:
        return [NO] if day[0] == "friday" else ()

    def approve(_plan: Plan) -> bool:
        day[0] = "friday"
        wall.sleep(3600)
        return True

    stage.reconciler = attrs.evolve(stage.reconciler, on_plan=(fridays,), wall=wall)
    with pytest.raises(PlanRefused, match="Friday"):
        stage.apply(FASTER, approve=approve)
    assert stage.mutations == []


def test_a_hook_binds_what_a_plan_file_promised(stage: Stage) -> None:
    """A plan that was made without it is refused all the same; one of another world is stale before it is asked."""
    with_hooks(stage)
    held = stage.plan(FASTER)
    with_hooks(stage, never)
    with pytest.raises(PlanRefused, match="Friday"):
        stage.apply(FASTER, held=held)
    stage.world.update_job_queue(jobQueue="lab-high", priority=50)
    with pytest.raises(StalePlan):
        stage.apply(FASTER, held=held)


@pytest.mark.parametrize("hours", [0, 1], ids=["at once", "after an hour"])
def test_a_hook_judges_what_is_pruned_and_nothing_else(hours: int) -> None:
    """What came to be old while somebody was asked is not deregistered, so no rule can forbid it."""
    stage, wall = Stage.new(), ManualClock()
    seen: list[list[Any]] = []

    def keep_the_third(plan: Plan) -> Iterable[Refusal]:
        seen.append([step.id.rpartition(":")[2] for step in plan.steps])
        return [NO] if "3" in seen[-1] else ()

    def approve(_made: Pruning) -> bool:
        assert with_hooks(stage).apply(version(4)).exit_code == 0
        wall.sleep(hours * 3600)
        return True

    for number in (1, 2, 3):
        stage.apply(version(number))
    stage.reconciler = attrs.evolve(stage.reconciler, on_plan=(keep_the_third,), wall=wall)
    made = stage.reconciler.prune_revisions(manifest(version(3)), Retention(keep=1), approve=approve)
    assert made.exit_code == 0
    assert stage.revisions("lab-align") == [3, 4]
    assert seen == [["1", "2"]] * (1 + bool(hours))


def test_without_hooks_a_plan_is_what_it_was() -> None:
    """Nothing is read back from JSON for nobody."""
    plan = Stage.new().plan(LAB)
    assert judged(plan, ()) is plan


def test_hooks_are_given_where_one_connects(tmp_path: Any) -> None:
    """Beside the policies; any number of them."""
    target = Target(provider="simulator", simulator_file=str(tmp_path / "sim.db"))
    reconciler = Reconciler.connect(
        target, environ={}, settings=Settings(lock=Place("none"), state=None, estimating=False), on_plan=[never]
    )
    assert reconciler.plan(manifest(LAB)).refusals[-1] == NO
