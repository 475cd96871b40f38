"""The loop of a controller, over a simulated account: what is in the source comes to be, and stays."""

from pathlib import Path

import pytest

from providers.errors import LockHeld, StalePlan
from reconciler.controller.leader import leader
from tests.kit import LAB, cut, edit
from tests.reconciler.controller.stages import USUAL, Room, room, room_of

WIDER = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"))


def test_what_lies_in_the_source_comes_to_be(tmp_path: Path) -> None:
    """And the stack is ready, with its revision and what there is of it."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        status = made.status()
        assert made.stage.plan(LAB).empty
        assert status.applied == status.observed != ""
        assert status.inventory["job_queue.high"].endswith(":job-queue/lab-high")
        assert [run["outcome"] for run in made.front.runs("lab", 10)] == ["done"]


def test_what_moves_away_is_brought_back(tmp_path: Path) -> None:
    """A change behind its back is drift at the next look, and healed."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
        made.until(lambda: made.stage.queue("lab-high")["priority"] != 77, 400)
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        assert made.stage.plan(LAB).empty


def test_drift_is_told_where_it_is_not_to_be_healed(tmp_path: Path) -> None:
    """In the mode apply what was applied is not touched again before there is a new revision."""
    with room(tmp_path, edit(USUAL, ("apply-and-heal", "apply"))) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
        made.until(lambda: made.answer("DriftDetected") == ("True", "Drifted"), 400)
        assert made.stage.queue("lab-high")["priority"] == 77
        assert made.answer("Ready") == ("True", "Drifted")
        made.write(WIDER)
        made.until(lambda: made.stage.plan(WIDER).empty)


def test_who_only_plans_changes_nothing(tmp_path: Path) -> None:
    """The plan is there to be read, by its id, with secrets masked."""
    with room(tmp_path, edit(USUAL, ("apply-and-heal", "plan"))) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Planned") == ("True", "PlanMade"))
        made.pass_time(1000)
        assert made.stage.mutations == []
        shown = made.front.plan("lab")
        assert shown is not None
        assert shown["id"] == made.status().plan
        assert shown["summary"]["create"] > 0


def test_nothing_is_pruned_until_somebody_asks(tmp_path: Path) -> None:
    """A block that leaves the manifest leaves its object alone; with `prune` it goes."""
    less = cut(LAB, "jobDefinitions:")
    for prune, gone in (("false", False), ("true", True)):
        folder = tmp_path / prune
        folder.mkdir()
        with room(folder, edit(USUAL, ("mode: apply-and-heal", f"mode: apply-and-heal, prune: {prune}"))) as made:
            made.write(LAB)
            made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
            made.write(less)
            made.pass_time(900)
            active = made.stage.world.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
            assert (not active) is gone


def test_a_plan_waits_for_its_approval_which_is_for_that_plan_only(tmp_path: Path) -> None:
    """By the API: with another revision it takes another word."""
    configured = edit(USUAL, ("mode: apply-and-heal", "mode: apply-and-heal, approval: {by: api}"))
    with room(tmp_path, configured) as made:
        made.write(LAB)
        made.until(lambda: made.answer("AwaitingApproval") == ("True", "WaitsForApproval"))
        made.pass_time(1000)
        assert made.stage.mutations == []
        first = made.status().plan
        assert first is not None
        made.write(WIDER)
        made.until(lambda: made.status().plan != first)
        with pytest.raises(StalePlan, match="is not the one at hand"):
            made.front.approve("lab", first, "ann")
        made.pass_time(400)
        assert made.stage.mutations == []
        second = made.status().plan
        assert second is not None
        made.front.approve("lab", second, "ann")
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        assert made.stage.plan(WIDER).empty


def test_a_plan_is_approved_by_a_file_of_the_source(tmp_path: Path) -> None:
    """A line with its id, which is for that plan only."""
    configured = edit(
        USUAL, ("mode: apply-and-heal", "paths: [lab.yaml], mode: apply, approval: {by: file, file: yes.txt}")
    )
    with room(tmp_path, configured) as made:
        made.write(LAB)
        made.until(lambda: made.answer("AwaitingApproval") == ("True", "WaitsForApproval"))
        made.write("0123456789abcdef\n", "yes.txt")
        made.pass_time(700)
        assert made.stage.mutations == []
        made.write(f"# by ann\n{made.status().plan}  # the first one\n", "yes.txt")
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"), 700)
        assert made.stage.plan(LAB).empty


def test_outside_its_windows_nothing_begins(tmp_path: Path) -> None:
    """Unless somebody lets that very plan."""
    configured = edit(USUAL, ("mode: apply-and-heal", 'mode: apply, windows: [{allow: "0 3 1 1 *", for: 1h}]'))
    with room(tmp_path, configured) as made:
        made.write(LAB)
        made.until(lambda: (made.answer("Ready") or ("", ""))[1] == "WaitsForWindow")
        made.pass_time(1000)
        assert made.stage.mutations == []
        plan = made.status().plan
        assert plan is not None
        made.front.override("lab", plan, "ann")
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))


def test_a_stack_rests_while_it_is_suspended(tmp_path: Path) -> None:
    """And goes on where it was; the word outlives the process."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.loop.turn()
        made.front.suspend("lab", True, "ann")
        made.pass_time(1000)
        assert made.stage.mutations == []
        assert made.answer("Suspended") == ("True", "SaidSo")
        made.loop.leader.release()
        again = room_of(
            made.loop.configuration, tmp_path, made.stage, made.store, leader(made.store, clock=made.stage.clock), 8
        )
        with pytest.raises(LockHeld, match="does not lead"):
            again.front.suspend("lab", False, "ann")
        again.pass_time(1000)
        assert made.stage.mutations == []
        again.front.suspend("lab", False, "ann")
        again.until(lambda: again.answer("Ready") == ("True", "Succeeded"))
        again.loop.leader.release()


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        ("[]", "the manifest has 1 fault, in the source here at REVISION\nlab.yaml:2:1: jobQueus: there is no key"),
        ("[teams/lab]", "the manifest has 1 fault, in the source here at REVISION\nteams/lab/b.yaml:2:1: jobQueus"),
        ("[teams/gone.yaml]", "teams/gone.yaml cannot be read: No such file or directory, in the source here at"),
        ("[teams]", "teams holds no manifest, in the source here at REVISION"),
    ],
)
def test_faults_are_told_by_their_place_in_the_source(tmp_path: Path, paths: str, told: str) -> None:
    """Not by where the controller keeps what it fetched; beside the name of the source and the revision."""
    with room(tmp_path, USUAL.replace("target: lab,", f"target: lab, paths: {paths},")) as made:
        for name in ("lab.yaml", "teams/lab/b.yaml"):
            made.write("stack: lab\njobQueus: {}\n", name)
        made.until(lambda: made.answer("Stalled") == ("True", "ManifestInvalid"))
        status = made.status()
        message = status.conditions["Ready"].message
        assert message.startswith(told.replace("REVISION", status.observed))
        assert not any(str(tmp_path) in text for text in (message, str(made.lines)))


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("stack: lab\njobQueus: {}\n", "ManifestInvalid", "jobQueus"),
        (edit(LAB, ("stack: lab", "stack: theirs")), "Refused", "is of the stack 'theirs'"),
        (
            f"{LAB}\ntarget: {{roleArn: 'arn:aws:iam::123456789012:role/admin'}}\n",
            "Refused",
            "and the configuration says none",
        ),
        (f"{LAB}\ntarget: {{region: us-east-1}}\n", "Refused", "claims region"),
    ],
    ids=["faults", "stack", "role", "region"],
)
def test_what_is_refused_is_told_and_tried_again_later_each_time(
    tmp_path: Path, text: str, reason: str, words: str
) -> None:
    """A manifest with faults, one of another stack, one that claims another role: in words, with the place."""
    with room(tmp_path) as made:
        made.write(text)
        made.until(lambda: made.answer("Stalled") == ("True", reason))
        assert words in made.status().conditions["Stalled"].message
        failures = made.status().failures
        made.pass_time(3600)
        assert failures < made.status().failures < 30
        assert made.stage.mutations == []
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"), 700)
        assert made.status().failures == 0


def test_the_last_good_revision_stays_where_a_fetch_fails(tmp_path: Path) -> None:
    """Its stacks are kept as it says, drift is healed, and the failure is told."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        (tmp_path / "stacks").rename(tmp_path / "away")
        made.until(lambda: made.answer("Reconciling") == ("True", "SourceFailed"), 700)
        assert made.answer("Ready") == ("True", "Succeeded")
        made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
        made.until(lambda: made.stage.queue("lab-high")["priority"] != 77, 700)
        (tmp_path / "away").rename(tmp_path / "stacks")
        made.write(WIDER)
        made.until(lambda: made.stage.plan(WIDER).empty, 3600)


MANY = """
sources:
  here: {folder: stacks, interval: 1m}
targets:
  lab: {region: eu-west-1}
stacks:
  shared: {source: here, target: lab, paths: [shared.yaml], mode: apply-and-heal}
  second: {source: here, target: lab, paths: [second.yaml], mode: apply-and-heal, dependsOn: [shared]}
  third: {source: here, target: lab, paths: [third.yaml], mode: apply-and-heal, dependsOn: [second]}
"""


def named(stack: str) -> str:
    return edit(LAB, ("stack: lab", f"stack: {stack}"), ("namePrefix: lab-", f"namePrefix: {stack}-"))


def held_up(made: Room) -> None:
    """Stacks behind one whose manifest is wrong."""
    made.write(named("shared") + "\nnonsense: 1\n", "shared.yaml")
    for stack in ("second", "third"):
        made.write(named(stack), f"{stack}.yaml")


def test_a_stack_waits_for_what_it_depends_on(tmp_path: Path) -> None:
    """In order, and without a look of its own till then; one that fails holds up those behind it, and no others."""
    with room(tmp_path, MANY) as made:
        held_up(made)
        made.pass_time(1200)
        assert made.answer("Ready", "second") == ("False", "DependencyNotReady")
        assert made.stage.mutations == []
        made.write(named("shared"), "shared.yaml")
        made.until(lambda: made.answer("Ready", "third") == ("True", "Succeeded"))
        began = [made.front.runs(name, 10)[-1]["began"] for name in ("shared", "second", "third")]
        assert began == sorted(began)
        assert began[0] < began[1] < began[2]


def test_stacks_of_one_target_share_one_observation(tmp_path: Path) -> None:
    """Three of them cost the calls of one, look after look."""
    configured = MANY.replace(", dependsOn: [shared]", "").replace(", dependsOn: [second]", "")
    with room(tmp_path, configured) as made:
        for stack in ("shared", "second", "third"):
            made.write(named(stack), f"{stack}.yaml")
        made.until(lambda: all(made.answer("Ready", name) == ("True", "Succeeded") for name in made.loop.agenda.held))
        made.pass_time(600)
        made.stage.simulator.calls.clear()
        made.pass_time(3000)
        listed = [call for call in made.stage.simulator.calls if call.operation == "DescribeComputeEnvironments"]
        assert 9 <= len(listed) <= 14


def test_an_unrelated_change_reconciles_nothing(tmp_path: Path) -> None:
    """What lies outside the paths of a stack makes no look at it."""
    with room(tmp_path, edit(USUAL, ("target: lab", "target: lab, paths: [lab.yaml], interval: 1d"))) as made:
        made.write(LAB)
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        made.pass_time(100)
        made.stage.simulator.calls.clear()
        made.write("hello", "README.txt")
        made.pass_time(3000)
        assert not made.stage.simulator.calls


def test_who_leads_no_more_changes_nothing(tmp_path: Path) -> None:
    """A run under way is ended by the fence, and the next leader goes on from what is there."""
    with room(tmp_path) as made:
        made.write(LAB)

        def lose(operation: str, _number: int) -> None:
            if operation == "CreateJobQueue":
                made.store.raise_fence("another", made.now)

        made.stage.simulator.before_call = lose
        made.pass_time(600)
        assert made.stage.mutations.count("CreateJobQueue") == 2
        made.stage.simulator.before_call = None
        made.until(lambda: made.status().ready, 3600)
        assert made.stage.plan(LAB).empty


def test_a_new_revision_lets_the_run_of_an_old_one_give_way(tmp_path: Path) -> None:
    """It ends where it may, and what is newest is made next."""
    with room(tmp_path) as made:
        made.write(LAB)
        held = made.loop.agenda.held["lab"]

        def newer(operation: str, _number: int) -> None:
            if operation == "CreateComputeEnvironment" and held.run is not None:
                made.write(WIDER)
                held.run.yielding.ask("a newer one")

        made.stage.simulator.before_call = newer
        made.until(lambda: bool(made.front.runs("lab", 10)) and made.front.runs("lab", 10)[0]["outcome"] is not None)
        assert made.answer("Ready") == ("False", "Interrupted")
        made.stage.simulator.before_call = None
        made.until(lambda: made.stage.plan(WIDER).empty, 700)
