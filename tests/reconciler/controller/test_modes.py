"""What is done about a plan: by mode, by drift, by approval and by window, on a simulated account."""

from typing import Any

import attrs
import pytest

from plans.asked import NOTHING, Asked
from plans.change import Action, Change, Difference, Refusal
from plans.plan import Plan, Step
from plans.policy import Policy, strictest
from providers.resources import Address
from reconciler.controller.configuration import Approving, Drifting, Mode, OnDrift, Stack
from reconciler.controller.modes import (
    Verdict,
    bound,
    do_about,
    healing,
    ignoring,
    judge,
    moved_away,
)
from tests.kit import LAB, Stage, kinds, manifest

SPOT, HIGH, FAIR = Address.parse("compute_environment.spot"), Address.parse("job_queue.high"), "lab-fair"
STACK = Stack("lab", "here", "prod", mode="apply-and-heal")
MOST, PRIORITY = "computeResources.maxvCpus", "priority"


def row(do: OnDrift, kind: str = "*", path: str = "*") -> Drifting:
    return Drifting(kind, path, do)


def look(
    stage: Stage, stack: Stack, text: str = LAB, *, applied: str = "1", revision: str = "1", **given: Any
) -> Verdict:
    """One look as the controller takes it: plan, judge, plan again where there is something to leave alone, apply."""
    stage.reconciler = attrs.evolve(stage.reconciler, policies=(bound(stack),))
    own = manifest(text)
    wanted = ignoring(own, stack, kinds()) if applied == revision else own
    told: dict[str, Any] = {
        "applied": applied,
        "revision": revision,
        "approved": None,
        "open": True,
        "opens_at": None,
        **given,
    }
    plan, asked = stage.plan(wanted), NOTHING
    verdict = judge(stack, plan, **told)
    if verdict.narrow is not None:
        wanted, asked = ignoring(own, stack, kinds(), healing=True), verdict.narrow
        plan = stage.plan(wanted, asked=asked)
        narrowed = judge(stack, plan, narrowed=True, **told)
        verdict = attrs.evolve(narrowed, moved=verdict.moved)
    if verdict.do == "apply":
        assert stage.apply(wanted, held=plan, asked=asked).exit_code == 0
    return verdict


def moved_stage() -> Stage:
    """A stage on which the size of an environment and the priority of a queue moved away after an apply."""
    stage = Stage.new()
    assert stage.apply(LAB).exit_code == 0
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 32})
    stage.settle()
    stage.world.update_job_queue(jobQueue="lab-high", priority=3)
    stage.settle()
    return stage


def stands(stage: Stage) -> tuple[int, int]:
    """The size of the environment and the priority of the queue, 64 and 10 where they are as they were applied."""
    return stage.environment("lab-spot")["computeResources"]["maxvCpus"], stage.queue("lab-high")["priority"]


@pytest.mark.parametrize(
    ("mode", "do", "reason", "after"),
    [
        ("observe", "tell", "Drifted", (32, 3)),
        ("plan", "tell", "PlanMade", (32, 3)),
        ("apply", "tell", "Drifted", (32, 3)),
        ("apply-and-heal", "apply", "Progressing", (64, 10)),
    ],
)
def test_modes_and_drift(mode: Mode, do: str, reason: str, after: tuple[int, int]) -> None:
    """What moved away from the applied revision is told by every mode, and brought back by one."""
    stage = moved_stage()
    verdict = look(stage, attrs.evolve(STACK, mode=mode))
    assert (verdict.do, verdict.reason) == (do, reason)
    assert [str(each) for each in verdict.moved] == [f"{SPOT} {MOST}", f"{HIGH} {PRIORITY}"]
    assert stands(stage) == after


@pytest.mark.parametrize(
    ("mode", "do", "reason"),
    [
        ("observe", "tell", "ObservesOnly"),
        ("plan", "tell", "PlanMade"),
        ("apply", "apply", "NewRevision"),
        ("apply-and-heal", "apply", "NewRevision"),
    ],
)
def test_modes_and_revisions(mode: Mode, do: str, reason: str) -> None:
    """A new revision is applied by the modes that apply; what never was has moved away in none."""
    stage = Stage.new()
    verdict = look(stage, attrs.evolve(STACK, mode=mode), applied="")
    assert (verdict.do, verdict.reason, verdict.moved) == (do, reason, ())
    assert bool(stage.all) == (do == "apply")


@pytest.mark.parametrize(
    ("rows", "do", "shown", "after"),
    [
        ([row("ignore", "compute_environment", MOST)], "apply", [PRIORITY], (32, 10)),
        ([row("report", "compute_environment", MOST)], "apply", [MOST, PRIORITY], (32, 10)),
        ([row("report", "compute_environment", "computeResources")], "apply", [MOST, PRIORITY], (32, 10)),
        ([row("heal", "job_queue"), row("ignore")], "apply", [PRIORITY], (32, 10)),
        ([row("heal", "job_queue"), row("report")], "apply", [MOST, PRIORITY], (32, 10)),
        ([row("report", path=PRIORITY)], "apply", [MOST, PRIORITY], (64, 3)),
        ([row("heal", path=MOST), row("ignore", path="computeResources"), row("ignore", "job_queue")], "apply", [MOST],
         (64, 3)),
        ([row("heal", path=MOST), row("report")], "apply", [MOST, PRIORITY], (64, 3)),
        ([row("report")], "tell", [MOST, PRIORITY], (32, 3)),
        ([row("report", "job_queue"), row("ignore")], "tell", [PRIORITY], (32, 3)),
        ([row("ignore")], "nothing", [], (32, 3)),
        ([row("ignore", "compute_environment"), row("ignore", "job_queue")], "nothing", [], (32, 3)),
        ([row("heal"), row("ignore")], "apply", [MOST, PRIORITY], (64, 10)),
    ],
)  # fmt: skip
def test_drift(rows: list[Drifting], do: str, shown: list[str], after: tuple[int, int]) -> None:
    """What is ignored is neither shown nor healed, what is reported is shown and not healed, by the first row."""
    stage = moved_stage()
    verdict = look(stage, attrs.evolve(STACK, drift=tuple(rows)))
    assert (verdict.do, [each.path for each in verdict.moved]) == (do, shown)
    assert stands(stage) == after


def test_a_new_revision_applies_everything() -> None:
    """What is ignored or reported while a revision stands is brought to what the next one says."""
    stage = moved_stage()
    stack = attrs.evolve(STACK, drift=(row("ignore", "compute_environment"), row("report")), mode="apply")
    verdict = look(stage, stack, LAB.replace("priority: 10", "priority: 20"), revision="2")
    assert (verdict.do, verdict.reason) == ("apply", "NewRevision")
    assert stands(stage) == (64, 20)


def test_healed_by_half_is_not_planned_for_again() -> None:
    """After what is to be healed was healed, what is reported is told, and nothing more is done about it."""
    stage = moved_stage()
    stack = attrs.evolve(STACK, drift=(row("report", "compute_environment"),))
    assert look(stage, stack).do == "apply"
    again = look(stage, stack)
    assert (again.do, again.reason) == ("tell", "Drifted")
    assert again.message == f"{SPOT} {MOST}"


def gone_stage() -> Stage:
    """A stage on which somebody deleted the queue, and moved the size of an environment."""
    stage = Stage.new()
    assert stage.apply(LAB).exit_code == 0
    stage.world.update_job_queue(jobQueue="lab-high", state="DISABLED")
    stage.settle()
    stage.world.delete_job_queue(jobQueue="lab-high")
    stage.settle()
    return stage


def test_objects_that_are_gone() -> None:
    """An object that somebody deleted is made again where that is not said otherwise."""
    stage = gone_stage()
    verdict = look(stage, STACK)
    assert [str(each) for each in verdict.moved] == [f"{HIGH} is gone"]
    assert stage.queue("lab-high")


def test_objects_that_are_only_reported() -> None:
    """An object of which it is reported that it is gone stays gone while another is healed."""
    stage = gone_stage()
    stage.world.delete_scheduling_policy(arn=next(arn for arn in stage.all if arn.endswith(FAIR)))
    verdict = look(stage, attrs.evolve(STACK, drift=(row("report", "job_queue"),)))
    assert verdict.do == "apply"
    assert {str(each) for each in verdict.moved} == {f"{HIGH} is gone", "scheduling_policy.fair is gone"}
    assert FAIR in stage.policies()
    assert not stage.queue("lab-high")


def test_what_cannot_be_healed_alone() -> None:
    """Where healing would make what is to stay gone, nothing is done, and that is told."""
    stage = gone_stage()
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 32})
    stage.settle()
    verdict = look(stage, attrs.evolve(STACK, drift=(row("report", "job_queue"),)))
    assert (verdict.do, verdict.reason) == ("tell", "Drifted")
    assert f"without touching {HIGH}, which is only reported" in verdict.message
    assert not stage.queue("lab-high")
    assert stage.environment("lab-spot")["computeResources"]["maxvCpus"] == 32


@pytest.mark.parametrize(
    ("rows", "shown", "healed"),
    [
        ([], ["tags[by]", "tags[team]"], True),
        ([row("ignore", path="tags")], [], False),
        ([row("ignore")], [], False),
        ([row("ignore", "job_queue")], [], False),
        ([row("report", path="tags")], ["tags[by]", "tags[team]"], False),
        ([row("heal", path="tags[team]"), row("report", path="tags")], ["tags[by]", "tags[team]"], False),
    ],
)
def test_tags(rows: list[Drifting], shown: list[str], healed: bool) -> None:
    """Tags are ignored by key; where tags of one object are to be healed and reported it is left as it is."""
    stage = Stage.new()
    assert stage.apply(LAB).exit_code == 0
    arn = stage.queue("lab-high")["jobQueueArn"]
    stage.world.tag_resource(resourceArn=arn, tags={"team": "red", "by": "hand"})
    stage.settle()
    verdict = look(stage, attrs.evolve(STACK, drift=tuple(rows)))
    assert [each.path for each in verdict.moved] == shown
    assert (stage.queue("lab-high")["tags"]["team"] == "blue") == healed


def test_one_tag_is_ignored() -> None:
    """A key is ignored as it is written, whatever it stands for elsewhere."""
    stack = attrs.evolve(STACK, drift=(row("ignore", path="tags[a*]"),))
    assert ignoring(manifest(LAB), stack, kinds()).policy.ignore_tags == ("a[*]",)
    own = manifest(LAB.replace("stack: lab", "stack: lab\npolicy: {ignoreTags: [x]}"))
    assert ignoring(own, stack, kinds()).policy.ignore_tags == ("x", "a[*]")
    earlier = attrs.evolve(stack, drift=(row("heal", path="tags"), *stack.drift))
    assert ignoring(own, earlier, kinds()).policy.ignore_tags == ("x",)


def test_pruning() -> None:
    """What left the manifest stays until the stack says to prune; a manifest that prunes nothing has its way."""
    without = LAB[: LAB.index("jobQueues:")] + "jobQueues: {}\n"
    for prune, left in ((False, True), (True, False)):
        stage = Stage.new()
        assert stage.apply(LAB).exit_code == 0
        stage.settle()
        look(stage, attrs.evolve(STACK, prune=prune), without, revision="2")
        assert bool(stage.queue("lab-high")) == left
    off = Policy(prune=False, said=frozenset({"prune"}))
    assert not strictest(off, bound(attrs.evolve(STACK, prune=True))).prune


def test_nothing_to_do() -> None:
    """Where the world is as it is to be there is nothing to do, whatever the revision was called before."""
    stage = Stage.new()
    assert look(stage, STACK, applied="").do == "apply"
    assert look(stage, STACK).reason == "AsApplied"
    assert look(stage, STACK, revision="2").reason == "NothingToDo"


def plan(*changes: Change, id: str = "p", **given: Any) -> Plan:
    steps = (Step("s", str(HIGH), "UpdateJobQueue"),)
    return Plan(id, "lab", {}, None, "eu-west-1", {}, "", changes=changes, **{"steps": steps, **given})


def change(*differences: Difference, action: Action = Action.UPDATE, **given: Any) -> Change:
    return Change(HIGH, "lab-high", action, differences=differences, **given)


def verdict(stack: Stack, made: Plan, **given: Any) -> Verdict:
    told: dict[str, Any] = {"applied": "1", "revision": "2", "approved": None, "open": True, "opens_at": None}
    return judge(stack, made, **{**told, **given})


EDIT = Difference(PRIORITY, 1, 2, "update", origin="edit")
DRIFT = Difference(PRIORITY, 1, 2, "update", origin="drift")


@pytest.mark.parametrize("revision", ["1", "2"])
@pytest.mark.parametrize("by", ["api", "file"])
def test_approval(by: Any, revision: str) -> None:
    """A plan is carried out once that very plan was approved; healing is no exception."""
    stack, made = attrs.evolve(STACK, approval=Approving(by, "f")), plan(change(DRIFT))
    waiting = verdict(stack, made, revision=revision)
    assert (waiting.do, waiting.reason) == ("approve", "WaitsForApproval")
    assert "plan p waits for approval: 1 to update in 1 step" in waiting.message
    assert verdict(stack, made, revision=revision, approved="q").do == "approve"
    assert verdict(stack, made, revision=revision, approved="p").do == "apply"
    assert verdict(STACK, made, revision=revision).do == "apply"


@pytest.mark.parametrize("revision", ["1", "2"])
def test_windows(revision: str) -> None:
    """An apply begins where it may; approval comes first."""
    made = plan(change(DRIFT))
    closed = verdict(STACK, made, revision=revision, open=False, opens_at=1_800_000_000.0)
    assert (closed.do, closed.reason) == ("window", "WaitsForWindow")
    assert closed.message == "the next window opens at 2027-01-15 08:00:00 UTC: 1 to update in 1 step"
    never = verdict(STACK, made, revision=revision, open=False)
    assert never.message.startswith("no window opens within a year")
    assert verdict(STACK, made, revision=revision).do == "apply"
    stack = attrs.evolve(STACK, approval=Approving("api"))
    assert verdict(stack, made, revision=revision).do == "approve"
    assert verdict(stack, made, revision=revision, open=False, approved="p").do == "window"


@pytest.mark.parametrize("mode", ["observe", "plan", "apply", "apply-and-heal"])
def test_refusals_and_suspension(mode: Mode) -> None:
    """A plan that is refused is told in its own words by every mode; a suspended stack does nothing."""
    refusals = tuple(Refusal(f"job_queue.{n}", "name-taken", f"it is\x1b taken {n}") for n in range(10))
    stack = attrs.evolve(STACK, mode=mode)
    found = verdict(stack, plan(change(DRIFT), refusals=refusals), approved="p")
    assert (found.do, found.reason) == ("tell", "Refused")
    assert found.message.splitlines()[0] == r"job_queue.0: it is\x1b taken 0"
    assert found.message.splitlines()[-1] == "and 2 more"
    suspended = attrs.evolve(stack, suspend=True)
    assert verdict(suspended, plan(change(DRIFT), refusals=refusals)).do == "nothing"
    assert verdict(suspended, plan(change(DRIFT))).reason == "SaidSo"


@pytest.mark.parametrize(
    ("mode", "origin", "told"),
    [
        *((mode, "drift", True) for mode in ("observe", "plan", "apply")),
        *((mode, "both", True) for mode in ("observe", "plan", "apply")),
        *((mode, "edit", False) for mode in ("observe", "plan", "apply")),
        *((mode, origin, False) for mode in ("plan", "apply") for origin in ("unknown", None)),
        *(("observe", origin, True) for origin in ("unknown", None)),
    ],
)
def test_origins(mode: Mode, origin: Any, told: bool) -> None:
    """Of another revision only what is known to come from outside is drift; to who only observes all but edits is."""
    stack, difference = attrs.evolve(STACK, mode=mode), attrs.evolve(EDIT, origin=origin)
    for made in (plan(change(difference)), plan(change(action=Action.CREATE, origin=origin))):
        assert bool(verdict(stack, made).moved) == told
        assert verdict(stack, made, revision="1").moved


def test_of_many_the_first_are_told() -> None:
    """Of drift without end the first eight are told, and how many more there are."""
    made = plan(change(*(attrs.evolve(DRIFT, path=f"tags[{n}]") for n in range(10))))
    message = verdict(attrs.evolve(STACK, mode="apply"), made, revision="1").message
    assert message.startswith("job_queue.high tags[0], ")
    assert message.endswith("job_queue.high tags[7] and 2 more")


def test_observing_edits() -> None:
    """Who only observes an edit is told that it is not applied, and what it would do."""
    found = verdict(attrs.evolve(STACK, mode="observe"), plan(change(EDIT)))
    assert (found.do, found.reason, found.message) == ("tell", "ObservesOnly", "1 to update in 1 step")


def test_changes_of_others() -> None:
    """What is moved along for others, or not changed, is no drift."""
    made = plan(change(DRIFT, owner=""), change(action=Action.NOOP))
    assert [*moved_away(STACK, made, same=True)] == []
    assert verdict(STACK, made, revision="1").do == "nothing"


def test_nothing_is_asked_where_nothing_is_left_to_heal() -> None:
    """What only deletes beside what is reported is not healed, since what is chosen deletes nothing."""
    gone = attrs.evolve(change(action=Action.DELETE), address=Address.parse("compute_environment.old"))
    made = plan(gone, change(action=Action.CREATE))
    stack = attrs.evolve(STACK, drift=(row("report", "job_queue"),))
    assert healing(stack, made) is None
    assert verdict(stack, made, revision="1").do == "tell"
    assert healing(STACK, made) == NOTHING
    assert healing(attrs.evolve(STACK, drift=(row("report", "compute_environment"),)), made) == Asked(only=[HIGH])
    assert healing(attrs.evolve(STACK, drift=(row("report"),)), made) is None


@pytest.mark.parametrize(
    ("path", "do"),
    [
        ("containerProperties.environment[A].value", "report"),
        ("containerProperties.environment[B].value", "ignore"),
        ("containerProperties.image", "heal"),
        ("containerPropertiesOfAnother", "heal"),
        ("revisions[3]", "heal"),
        ("tags[team]", "report"),
        ("", "heal"),
        ("a]b", "heal"),
    ],
)
def test_first_row_that_fits(path: str, do: str) -> None:
    """A row fits its path and what lies below it; only one for all fits whole objects and paths that are none."""
    environment = "containerProperties.environment"
    rows = (
        row("heal", "job_queue"),
        row("report", "job_definition", f"{environment}[A]"),
        row("ignore", path=environment),
        row("report", path="tags"),
    )
    assert do_about(rows, "job_definition", path) == do
    assert do_about((*rows, row("ignore")), "job_definition", path) == ("ignore" if do == "heal" else do)


def ignored(*rows: Drifting, healing: bool = False) -> set[str]:
    """What the queue ignores."""
    made = ignoring(manifest(LAB), attrs.evolve(STACK, drift=rows), kinds(), healing=healing)
    return set(made.resources[HIGH].lifecycle.ignore)


def test_ignored_paths() -> None:
    """A block ignores what its kind is said to ignore, less what an earlier row takes out of it."""
    everything = set(kinds()["job_queue"].spec.members)
    assert ignored() == set()
    assert ignored(row("ignore", "compute_environment")) == set()
    assert ignored(row("ignore")) == everything
    assert ignored(row("heal", path=PRIORITY), row("ignore")) == everything - {PRIORITY}
    assert ignored(row("ignore", path=PRIORITY), row("heal"), row("ignore")) == {PRIORITY}
    assert ignored(row("report", path=PRIORITY), row("ignore", path="state")) == {"state"}
    assert ignored(row("report", path=PRIORITY), row("ignore", path="state"), healing=True) == {"state", PRIORITY}
    entry = "computeEnvironmentOrder[spot]"
    assert ignored(row("ignore", path=entry)) == {entry}
    assert ignored(row("heal", path=entry), row("ignore", path="computeEnvironmentOrder")) == {
        "computeEnvironmentOrder"
    }


def test_a_block_keeps_what_it_ignores_itself() -> None:
    """What the manifest ignores is ignored first, and nothing twice."""
    text = LAB.replace("{priority: 10,", "{lifecycle: {ignore: [state, priority]}, priority: 10,")
    made = ignoring(manifest(text), attrs.evolve(STACK, drift=(row("ignore", path=PRIORITY),)), kinds())
    assert made.resources[HIGH].lifecycle.ignore == ("state", PRIORITY)
