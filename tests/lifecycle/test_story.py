"""What a replacement will do is told in the plan, without -v, in every view."""

from typing import Any

import pytest

from plans.asked import Asked
from plans.plan import Plan
from plans.planfile import from_json, to_json
from plans.views import markdown, page, terminal, wording
from plans.views.story import story
from tests.kit import Stage, edit, manifest, on_stage
from tests.lifecycle.test_replacement import A, B, fixed, tried

ADDRESS = "compute_environment.shared"
QUEUES = "the queues one, three and two"


def told(plan: Plan, address: str = ADDRESS) -> tuple[str, ...]:
    (change,) = [change for change in plan.changes if str(change.address) == address]
    return story(plan, change)


def made(plan: Plan) -> str:
    return next(change.name for change in plan.changes if str(change.address) == ADDRESS)


def delete_first(text: str) -> str:
    return edit(
        text,
        ("  shared:\n", "  shared:\n    lifecycle: {replace: deleteFirst}\n"),
        ("Order: [shared]}", "Order: [shared, second]}"),
    )


def a_queue_of(stage: Stage, name: str, **tags: str) -> None:
    """A queue that somebody else made over the shared environment."""
    shared = stage.environment("shared")["computeEnvironmentArn"]
    stage.world.create_job_queue(
        jobQueueName=name,
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": shared}],
        tags={key.replace("_", ":"): value for key, value in tags.items()},
    )
    stage.settle(60)


RETIRED = "disables it, waits for its jobs, deletes it"


@on_stage()
def test_a_new_one_beside_the_old(stage: Stage) -> None:
    """What is made, tried, moved and retired, by name and in order."""
    stage.apply(tried(A))
    plan = stage.plan(tried(B))
    name = made(plan)
    assert told(plan) == (
        f"makes {name}",
        f"runs a canary of work:1 on {name}",
        f"moves {QUEUES} to {name}",
        f"retires shared: {RETIRED}",
    )


@on_stage()
def test_under_a_name_that_stays(stage: Stage) -> None:
    """The third one has a name, and the queues move twice."""
    stage.apply(fixed(A))
    plan = stage.plan(fixed(B))
    third = told(plan)[0].split()[1].rstrip(",")
    assert third.startswith("shared-")
    assert told(plan) == (
        f"makes {third}, which stands in for it meanwhile",
        f"moves {QUEUES} to {third}",
        f"retires shared: {RETIRED}",
        "makes shared anew",
        f"moves {QUEUES} back to shared",
        f"retires {third}: {RETIRED}",
    )


@on_stage()
def test_the_old_one_first(stage: Stage) -> None:
    """Each queue that is without it meanwhile is named, with what it has left."""
    stage.apply(delete_first(A))
    assert told(stage.plan(delete_first(B))) == (
        "takes it out of the queues one (left with second meanwhile), three (left with second and third meanwhile)"
        " and two (left with third meanwhile)",
        f"retires shared: {RETIRED}",
        "makes shared anew",
        f"moves {QUEUES} back to shared",
    )


@pytest.mark.parametrize("manner", [str, tried, fixed], ids=["create first", "with a canary", "two hop"])
def test_one_that_goes_on_tells_what_is_left_of_it(manner: Any) -> None:
    """Wherever it was cut short: every object and every queue that a step is about is in a sentence."""
    whole = Stage.new()
    whole.apply(manner(A))
    for at, stage in whole.forks(lambda stage: stage.apply(manner(B)), reads=1000):
        plan = stage.plan(manner(B))
        (change,) = [change for change in plan.changes if str(change.address) == ADDRESS]
        steps = [step for step in plan.steps if step.address == ADDRESS and step.goal is not None]
        names = {step.goal.name for step in steps if step.goal and step.goal.until == "gone"}
        words = " ".join((*told(plan), change.reason))
        assert all(name in words for name in names), (at, words)
        if names and not any(step.call == "CreateComputeEnvironment" for step in steps):
            assert f"{change.name} stays" in words, (at, words)


@on_stage()
def test_what_only_waits_for_jobs_says_so(stage: Stage) -> None:
    """In the plan and as drift; and it counts as a deletion does."""
    stage.apply(A)
    left = stage.forks(lambda stage: stage.apply(B), reads=1000)
    (retiring,) = [one for _, one in left if one.environment("shared").get("state") == "DISABLED"][:1]
    plan = retiring.plan(B)
    name = made(plan)
    words = f"{name} stays; shared, left of a replacement, goes once no job runs on it"
    assert words in " ".join(terminal.render(plan).split())
    assert words in " ".join(terminal.render_drift(retiring.reconciler.drift(manifest(B))).split())
    assert "impact: infrastructure" in terminal.render(plan)


@on_stage()
def test_queues_of_others_have_a_row_of_their_own(stage: Stage) -> None:
    """With their owner and their list before and after, in every view and in a plan file."""
    stage.apply(fixed(A))
    a_queue_of(stage, "nobody")
    a_queue_of(stage, "theirs", batchwright_stack="other", batchwright_address="job_queue.theirs")
    plan = stage.plan(fixed(B), asked=Asked(move_references=["nobody", "theirs"]))
    third = next(step.goal.name for step in plan.steps if step.goal is not None)
    rows = {change.name: change for change in plan.changes if change.owner is not None}
    assert {name: change.owner for name, change in rows.items()} == {"nobody": "", "theirs": "other"}
    for change in rows.values():
        pairs = [(row.path, row.before, row.after) for row in change.differences]
        assert pairs == [
            ("computeEnvironmentOrder", ["shared"], [third]),
            ("computeEnvironmentOrder", [third], ["shared"]),
        ]
    assert from_json(to_json(plan)) == plan
    assert f"{QUEUES.replace(' and', ',')}, nobody (of no stack) and theirs (of stack other)" in told(plan)[1]
    for view in (terminal.render(plan), markdown.render(plan), page.render(plan)):
        assert "of no stack" in view
        assert "of stack other" in view
        assert view.count(third) >= 4
    report = stage.apply(fixed(B), asked=Asked(move_references=["nobody", "theirs"]))
    assert report.exit_code == 0
    assert terminal.render(plan, report).count("UpdateJobQueue nobody") == 2


@on_stage()
def test_a_name_that_no_queue_has_is_refused(stage: Stage) -> None:
    """A slip of the pen would leave the queue that was meant in the way."""
    stage.apply(A)
    a_queue_of(stage, "nobody")
    plan = stage.plan(B, asked=Asked(move_references=["nobodi"]))
    (refusal,) = [row for row in plan.refusals if row.code == "unknown-queue"]
    assert ("nobodi" in refusal.message, refusal.hint) == (True, "did you mean nobody?")


@on_stage()
def test_output_is_of_the_one_that_works(stage: Stage) -> None:
    """Of several objects of one address the one that the queues use, wherever a replacement was cut short."""
    stage.apply(A)
    for _, half in stage.forks(lambda stage: stage.apply(B), reads=1000):
        found = half.reconciler.output(manifest(B))[ADDRESS]
        there = half.environment(found["name"])
        assert (there["state"], there["status"]) in (("ENABLED", "VALID"), ("ENABLED", "CREATING"))
        used = {
            entry["computeEnvironment"]
            for name in ("one", "two", "three")
            for entry in half.queue(name)["computeEnvironmentOrder"]
        }
        assert found["arn"] in used


@on_stage()
def test_steps_name_what_they_act_on(stage: Stage) -> None:
    """Of two steps with one call no two read alike, in the plan and in the report."""
    stage.apply(fixed(A))
    plan = stage.plan(fixed(B))
    names = wording.named(plan)
    said = [wording.what(step, names) for step in plan.steps if step.call == "CreateComputeEnvironment"]
    assert len(set(said)) == 2
    report = stage.apply(fixed(B))
    steps = {step.id: step for step in plan.steps}
    rows = [wording.ended(outcome, steps, names) for outcome in report.outcomes if "Create" in (outcome.call or "")]
    assert set(rows) == set(said)


@on_stage()
def test_a_stack_with_two_of_an_address_is_destroyed_by_name(stage: Stage) -> None:
    """Whoever is asked sees both."""
    stage.apply(A)
    half = stage.forks(lambda stage: stage.apply(B), reads=1000)[1][1]
    plan = half.plan(B, destroying=True)
    (change,) = [change for change in plan.changes if str(change.address) == ADDRESS]
    assert told(plan) == (f"retires shared: {RETIRED}", f"retires {change.name}: {RETIRED}")
    assert told(plan, "compute_environment.second") == ()
    assert f"retires shared: {RETIRED}" in " ".join(terminal.render(plan).split())


@on_stage()
def test_what_is_invalid_of_the_last_try_is_named(stage: Stage) -> None:
    """The next plan makes another, and deletes that one and the old one: all three are told."""
    stage.apply(A)
    half = stage.forks(lambda stage: stage.apply(B), reads=1000)[0][1]
    (failed,) = [
        one["computeEnvironmentName"]
        for one in half._environments()
        if one["computeEnvironmentName"].startswith("shared-")
    ]
    half.settle(600)
    half.simulator.set_status("environment", failed, "INVALID", "CLIENT_ERROR - no", region=half.region)
    plan = half.plan(B)
    (change,) = [change for change in plan.changes if str(change.address) == ADDRESS]
    words = told(plan)
    assert change.name not in ("shared", failed)
    assert f"{failed} is INVALID" in change.reason
    assert words[0] == f"makes {change.name}"
    assert {word.split()[1].rstrip(":") for word in words if word.startswith("retires")} == {"shared", failed}
