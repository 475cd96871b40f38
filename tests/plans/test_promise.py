"""A plan that was made before is a promise: what it holds, and what of it somebody half way still needs."""

from typing import Any

import attrs
import pytest
from hypothesis import given

from plans.change import Action, Change, Difference
from plans.plan import NOW, Goal, Plan, Step
from plans.planfile import dumps, loads
from plans.promise import compare, replaced_by
from providers.resources import Address, Ref
from tests.plans.strategies import plans
from tests.plans.views.examples import HOSTILE, HOSTILE_PLAN, MIXED, NO_CHANGES, plan_of


@pytest.mark.unmeasured
@given(plans)
def test_a_plan_keeps_its_own_promise(plan: Plan) -> None:
    """A plan compared with itself, or with itself from a file, holds; ids tell steps apart."""
    steps = tuple({step.id: step for step in plan.steps}.values())
    once = attrs.evolve(plan, steps=steps)
    assert compare(loads(dumps(once, {}))[0], once) == []


def test_a_plan_half_carried_out_is_still_the_plan() -> None:
    """Steps that are done are missing from the fresh plan, and that breaks no promise."""
    assert compare(MIXED, attrs.evolve(MIXED, steps=MIXED.steps[4:])) == []
    assert compare(MIXED, NO_CHANGES) == []


def test_a_step_that_was_not_promised_is_told() -> None:
    """A call that only the fresh plan holds is named by call, address and id; a wait changes nothing."""
    assert compare(NO_CHANGES, attrs.evolve(MIXED, steps=MIXED.steps[2:4])) == [
        "UpdateJobQueue of job_queue.high (step job_queue.high/update) is needed now and is not in the plan",
    ]


STEP = Step(
    "q/update",
    "job_queue.high",
    "UpdateJobQueue",
    {"priority": 10, "tags": {"at": NOW}},
    Goal("job_queue", "high", "settled", {"priority": 10}),
    after=("x",),
    why="because",
)


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"call": "DeleteJobQueue"}, 'call was "UpdateJobQueue" and is now "DeleteJobQueue"'),
        ({"call": None}, 'call was "UpdateJobQueue" and is now null'),
        ({"when": "always"}, 'when was "ok" and is now "always"'),
        ({"arguments": {"priority": 20, "tags": {"at": NOW}}}, "arguments.priority was 10 and is now 20"),
        ({"arguments": {"priority": True, "tags": {"at": NOW}}}, "arguments.priority was 10 and is now true"),
        ({"arguments": {"priority": 10}}, "arguments.tags.at.$now was true and is now unset"),
        ({"arguments": {"priority": [10], "tags": {"at": NOW}}}, "arguments.priority[0] was unset and is now 10"),
        ({"goal": None}, 'goal.until was "settled" and is now unset'),
        ({"goal": Goal("job_queue", "high", "gone", {"priority": 10})}, 'goal.until was "settled" and is now "gone"'),
        ({"goal": Goal("job_queue", "high", "settled", {"priority": 10}, 9.0)}, "goal.deadline was 600.0 and is now 9"),
        ({"goal": Goal("job_queue", "high", "settled")}, "goal.expect was unset and is now {}"),
    ],
    ids=str,
)
def test_a_step_that_changed_is_told_by_its_paths(moved: dict[str, Any], words: str) -> None:
    """A step of the same id that would do something else is named with what differs."""
    (sentence,) = compare(plan_of(steps=(STEP,)), plan_of(steps=(attrs.evolve(STEP, **moved),)))
    assert words in sentence
    assert "(step q/update) is not as in the plan" in sentence


def test_order_and_reasons_are_no_part_of_the_promise() -> None:
    """A fresh plan may give other reasons, and another order where done steps have left."""
    fresh = attrs.evolve(STEP, after=(), why="another reason")
    assert compare(plan_of(steps=(STEP,)), plan_of(steps=(fresh,))) == []


def test_many_differences_are_counted() -> None:
    """Of a step that differs in many paths five are shown and the rest is counted."""
    old, new = ({f"a{number}": value for number in range(9)} for value in (1, 2))
    held, fresh = (plan_of(steps=(attrs.evolve(STEP, arguments=arguments),)) for arguments in (old, new))
    (sentence,) = compare(held, fresh)
    assert sentence.count(" was 1 and is now 2") == 5
    assert sentence.endswith("; 4 more differ")


def test_a_difference_that_paths_do_not_show_is_still_one() -> None:
    """Arguments whose paths read alike but that are not the same break the promise."""
    held = attrs.evolve(STEP, arguments={"a": {"b": 1}})
    fresh = attrs.evolve(STEP, arguments={"a.b": 1})
    (sentence,) = compare(plan_of(steps=(held,)), plan_of(steps=(fresh,)))
    assert "is not as in the plan" in sentence


ARN = "arn:aws:batch:eu-west-1:123456789012:compute-environment/lab-spot"


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        (ARN, True),
        (ARN.replace("lab-spot", "lab-other"), False),
        (ARN.replace("compute-environment", "job-queue"), False),
        ("lab-spot", False),
    ],
)
def test_a_reference_is_kept_by_the_arn_of_what_was_made_since(now: str, kept: bool) -> None:
    """A plan that was half carried out goes on: where it held a reference there is now that object's ARN, no other."""
    spot = Address("compute_environment", "spot")
    promised = {"order": [{"order": 1, "computeEnvironment": Ref(spot)}]}
    held = plan_of((Change(spot, "lab-spot", Action.CREATE),), (attrs.evolve(STEP, arguments=promised),))
    fresh = {"order": [{"order": 1, "computeEnvironment": now}]}
    sentences = compare(held, plan_of(steps=(attrs.evolve(STEP, arguments=fresh),)))
    assert bool(sentences) is not kept


def test_a_secret_is_not_told() -> None:
    """A sentence names the path of a secret that changed, and no secret."""
    steps = [
        attrs.evolve(STEP, arguments={"environment": [{"name": "DB_PASSWORD", "value": value}]})
        for value in ("hunter2", "correct horse")
    ]
    (sentence,) = compare(plan_of(steps=(steps[0],)), plan_of(steps=(steps[1],)))
    assert 'arguments.environment[0].value was "(secret)" and is now "(secret)"' in sentence


def test_sentences_hold_no_control_characters() -> None:
    """Names from outside cannot write on the reader's terminal."""
    moved = attrs.evolve(HOSTILE_PLAN, steps=(attrs.evolve(HOSTILE_PLAN.steps[0], arguments={HOSTILE: "\x1b"}),))
    sentences = compare(HOSTILE_PLAN, moved) + compare(NO_CHANGES, moved)
    assert len(sentences) == 2
    assert all(sentence.isprintable() for sentence in sentences)


# Half way.

SHARED = Address("compute_environment", "shared")
HIGH = Address("job_queue", "high")
OLD, THIRD, OTHER = (ARN.replace("lab-spot", name) for name in ("shared", "shared-00000003", "other"))


def order(*environments: Any) -> list[dict[str, Any]]:
    return [{"order": place, "computeEnvironment": each} for place, each in enumerate(environments, 1)]


def moved(name: str, *environments: Any, when: Any = "ok", **more: Any) -> Step:
    """An update of the queue `high`: its list, and more."""
    goal = Goal("job_queue", "high", "settled", {"computeEnvironmentOrder": order(*environments)})
    arguments = {
        "jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/high",
        "computeEnvironmentOrder": order(*environments),
        **more,
    }
    return Step(name, "job_queue.high", "UpdateJobQueue", arguments, goal, when=when)


def called(call: str, kind: str, thing: str, **arguments: Any) -> Step:
    address = SHARED if kind == "compute_environment" else Address("job_queue", "shared@canary")
    verb = call.removesuffix("ComputeEnvironment").removesuffix("JobQueue").lower()
    return Step(f"{verb}:{address}:{thing}", str(address), call, arguments, Goal(kind, thing, "settled"))


PRIORITY = Difference("priority", 1, 7, "priority")
HOP = plan_of(
    (
        Change(SHARED, "shared", Action.REPLACE),
        Change(HIGH, "high", Action.UPDATE, differences=(PRIORITY,)),
    ),
    (
        called("CreateComputeEnvironment", "compute_environment", "shared-00000003", name="shared-00000003"),
        moved("move:away", THIRD, OTHER),
        called("DeleteComputeEnvironment", "compute_environment", "shared", computeEnvironment=OLD),
        called("CreateComputeEnvironment", "compute_environment", "shared", name="shared"),
        moved("move:back", OLD, OTHER, priority=7),
    ),
)
"""The queue goes to a third environment and comes back, and has another priority then."""


def half_way(step: Step, *differences: tuple[str, Any, Any], name: str = "high") -> Plan:
    """What is left of a hop: one update of the queue, for these differences."""
    rows = tuple(Difference(path, before, after, "") for path, before, after in differences)
    return plan_of((Change(HIGH, name, Action.UPDATE, differences=rows),), (step,))


def entry(arn: str, place: int = 1) -> dict[str, Any]:
    return {"computeEnvironment": arn, "order": place}


AWAY = (f"computeEnvironmentOrder[{THIRD}]", entry(THIRD), None)
BACK = (f"computeEnvironmentOrder[{OLD}]", None, entry(OLD))


@pytest.mark.parametrize(
    "fresh",
    [
        half_way(moved("update:high", OLD, OTHER, priority=7), AWAY, BACK, ("priority", 1, 7)),
        half_way(moved("update:high", OLD, OTHER), AWAY, BACK),
        half_way(
            moved("update:high", Ref(SHARED), OTHER),
            AWAY,
            (f"computeEnvironmentOrder[{SHARED}#arn]", None, {"computeEnvironment": Ref(SHARED), "order": 1}),
        ),
        half_way(moved("move:away", OLD, OTHER), AWAY, BACK),
    ],
    ids=["all of it", "a part of it", "by reference", "under the id of another"],
)
def test_what_does_the_same_under_another_id_is_held(fresh: Plan) -> None:
    """A user stands where a step of the plan brought it, and goes where another was to bring it."""
    assert compare(HOP, fresh) == []


@pytest.mark.parametrize(
    ("fresh", "words"),
    [
        (half_way(moved("update:high", OLD, "another"), AWAY, BACK), "needed now"),
        (half_way(moved("update:high", OLD, OTHER, priority=8), AWAY, BACK), "needed now"),
        (half_way(moved("update:high", OLD, OTHER, state="DISABLED"), AWAY, BACK), "needed now"),
        (half_way(moved("update:high", OLD, OTHER, when="failed"), AWAY, BACK), "needed now"),
        (
            half_way(
                moved("update:high", OLD, OTHER), AWAY, BACK, (f"computeEnvironmentOrder[{ARN}]", entry(ARN), None)
            ),
            "did not show",
        ),
        (
            half_way(
                moved("update:high", OLD, OTHER),
                AWAY,
                BACK,
                (f"computeEnvironmentOrder[{OTHER}]", None, entry(OTHER, 2)),
            ),
            "did not show",
        ),
        (half_way(moved("update:high", OLD, OTHER, priority=7), AWAY, BACK, ("priority", 5, 7)), "did not show"),
        (half_way(moved("update:high", OLD, OTHER), AWAY, BACK, ("tags[team]", "a", "b")), "did not show"),
        (half_way(moved("update:high", OLD, OTHER), AWAY, BACK, name="other"), "did not show"),
        (
            plan_of(
                steps=(called("DeleteComputeEnvironment", "compute_environment", "other", computeEnvironment=OTHER),)
            ),
            "needed now",
        ),
    ],
    ids=["list", "value", "member", "when", "added", "removed", "moved", "tag", "object", "deletion"],
)
def test_what_is_not_held_is_told_half_way_too(fresh: Plan, words: str) -> None:
    """Another value, another object, or what somebody else changed meanwhile."""
    assert any(words in sentence for sentence in compare(HOP, fresh))


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [("shared-00000003", "shared", True), ("shared-00000004", "shared", False), ("shared-00000003", "other", False)],
)
def test_a_third_one_that_the_plan_makes_stands_in(before: str, after: str, held: bool) -> None:
    """The name that a replacement starts from half way is no news where the plan made it."""
    rows = (Difference("name", before, after, "replace"),)
    fresh = plan_of((Change(SHARED, after, Action.REPLACE, differences=rows),), HOP.steps[3:4])
    assert (compare(HOP, fresh) == []) is held


TRIED = plan_of(
    (Change(SHARED, "shared", Action.REPLACE),),
    (called("CreateJobQueue", "job_queue", "try", jobQueueName="try", state="ENABLED", priority=1),),
)


@pytest.mark.parametrize(
    ("sent", "changes", "held"),
    [
        ({"state": "ENABLED"}, (), True),
        ({"state": "DISABLED"}, (), False),
        ({"priority": 1}, (Change(HIGH, "try", Action.UPDATE),), False),
    ],
)
def test_what_is_there_for_a_while_is_set_as_it_was_made(
    sent: dict[str, Any], changes: tuple[Change, ...], held: bool
) -> None:
    """The queue of a canary is enabled again; of what the manifest wants that would undo what somebody else did."""
    step = called("UpdateJobQueue", "job_queue", "try", jobQueue="try", **sent)
    assert (compare(TRIED, plan_of(changes, (step,))) == []) is held


def test_a_registration_of_the_plan_has_whatever_number() -> None:
    """A reference to a definition is kept by the ARN of a revision of it."""
    work = Address("job_definition", "work")
    arn = "arn:aws:batch:eu-west-1:123456789012:job-definition/work:3"
    held, fresh = (
        Step("canary", "compute_environment.shared", "SubmitJob", {"jobDefinition": said}) for said in (Ref(work), arn)
    )
    for name, kept in (("work", True), ("other", False)):
        assert (
            compare(plan_of((Change(work, name, Action.REGISTER),), (held,)), plan_of(steps=(fresh,))) == []
        ) is kept


def test_what_was_replaced_is_told() -> None:
    """Where a fresh plan would take away what the held one made to stay; a third one was not to stay."""
    assert replaced_by(HOP, HOP) == frozenset()
    new = called("CreateComputeEnvironment", "compute_environment", "shared-00000001")
    held = plan_of((Change(SHARED, "shared-00000001", Action.REPLACE),), (new, HOP.steps[2]))
    again = called("DeleteComputeEnvironment", "compute_environment", "shared-00000001")
    assert replaced_by(held, held) == frozenset()
    assert replaced_by(held, plan_of(steps=(again,))) == {SHARED}
