"""Objects change hands by their tags alone: moved, removed, adopted and forgotten on a simulated account."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from plans.manifest import Manifest
from plans.plan import Plan
from plans.report import Report
from providers.errors import InputError, PlanRefused
from tests.kit import LAB, READS, TRAINING, Died, Stage, address, cut, edit, manifest

MOVED = edit(
    LAB,
    ("  spot: &", "  quick: &"),
    ("[spot, ondemand]", "[quick, ondemand]"),
    ("  align:\n", "  match:\n"),
    ("  low:", "  slow:"),
    ("  fair:", "  even:"),
)
MOVES = """moved:
- {from: compute_environment.spot, to: compute_environment.quick}
- {from: job_definition.align, to: job_definition.match}
- {from: job_queue.low, to: job_queue.slow}
- {from: scheduling_policy.fair, to: scheduling_policy.even}
"""
TAKING = f"{edit(cut(LAB, '  sort:'), ('stack: lab', 'stack: heir'))}moved: [{{stack: lab}}]\n"
"""A stack that takes over all of `lab` but one definition, which its manifest has not."""

LETTING_GO = (
    cut(edit(LAB, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", "")), "  align:", "  sort:")
    + "removed: [job_queue.low, job_definition.align, job_queue.never]\n"
)
FORGOTTEN = ("job_queue.low", "job_definition.align", "compute_environment.spot")
OURS = ("batchwright:stack", "batchwright:address", "batchwright:digest", "batchwright:registered")


@cache
def made() -> Stage:
    stage = Stage.new()
    for image in ("align:1", "align:2", "align:3"):
        stage.apply(edit(LAB, ("align:1", image)))
    return stage


def lab() -> Stage:
    """The stack `lab`, with three revisions of one definition."""
    return made().twin()


def disowned() -> Stage:
    """What the manifest names, nobody's."""
    stage = lab()
    for arn in stage.all:
        stage.world.untag_resource(resourceArn=arn, tagKeys=[*OURS])
    return stage


def held(stage: Stage, wanted: Manifest, **given: Any) -> Report:
    return stage._run(stage.reconciler.adopt, wanted, given)


def let_go(stage: Stage, stack: str, *addresses: str) -> Report:
    stage.past[:] = stage.trace
    stage.events.clear()
    stage.simulator.calls.clear()
    return stage.reconciler.forget(stack, [address(text) for text in addresses], on_event=stage.events.append)


def newest(text: str) -> str:
    return edit(text, ("align:1", "align:3"))


def owners(stage: Stage) -> dict[str, tuple[str | None, str | None]]:
    """Whose each object is, and under which address, by the end of its ARN."""
    found = {}
    for arn in stage.all:
        tags = stage.world.list_tags_for_resource(resourceArn=arn)["tags"]
        found[arn.rpartition(":batch:")[2].split(":", 2)[2]] = (
            tags.get("batchwright:stack"),
            tags.get("batchwright:address"),
        )
    return found


def test_what_moved_is_retagged_and_nothing_else() -> None:
    """Every revision, in place, under the names that there were; the next plan is empty while the row stands."""
    stage = lab()
    before = stage.all
    assert stage.plan(newest(MOVED) + MOVES).summary == {"noop": 3, "tag": 4}
    assert stage.apply(newest(MOVED) + MOVES).exit_code == 0
    assert stage.mutations == ["TagResource"] * 6
    assert stage.all == before
    found = owners(stage)
    assert {found[f"job-definition/lab-align:{number}"] for number in (1, 2, 3)} == {("lab", "job_definition.match")}
    assert found["compute-environment/lab-spot"] == ("lab", "compute_environment.quick")
    assert found["job-queue/lab-low"] == ("lab", "job_queue.slow")
    assert stage.plan(newest(MOVED) + MOVES).empty


def test_what_moved_lives_on_under_its_new_address() -> None:
    """It is updated, gets revisions, and is deleted when its new block goes."""
    stage = lab()
    moved = newest(MOVED) + MOVES
    stage.apply(moved)
    assert stage.apply(edit(moved, ("maxvCpus: 64", "maxvCpus: 65"), ("align:3", "align:4"))).exit_code == 0
    assert stage.environment("lab-spot")["computeResources"]["maxvCpus"] == 65
    assert stage.revisions("lab-align") == [2, 3, 4]
    assert stage.destroy(moved).exit_code == 0
    assert stage.all == []


def test_an_address_of_every_kind_moves() -> None:
    """Quota shares, service environments and consumables as well."""
    stage = Stage.new()
    stage.apply(TRAINING)
    names = {
        "quotaShares": ("quota_share", "red"),
        "serviceEnvironments": ("service_environment", "small"),
        "consumableResources": ("consumable_resource", "licences"),
    }
    text = TRAINING
    rows = ""
    for kind, name in names.values():
        text = edit(text, (f"  {name}:", f"  {name}-2:"))
        rows += f"- {{from: {kind}.{name}, to: {kind}.{name}-2}}\n"
    text = edit(text, ("[small]", "[small-2]"), ("consumableResource: licences", "consumableResource: licences-2"))
    before = stage.all
    assert stage.apply(f"{text}moved:\n{rows}").exit_code == 0
    assert stage.mutations == ["TagResource"] * 3
    assert stage.all == before
    assert stage.plan(f"{text}moved:\n{rows}").empty


def test_a_stack_takes_over_another() -> None:
    """What it has a block for becomes its own, all revisions included; the rest stays the other's."""
    stage = lab()
    before = stage.all
    assert stage.apply(newest(TAKING)).exit_code == 0
    assert set(stage.mutations) == {"TagResource"}
    assert stage.all == before
    assert stage.plan(newest(TAKING)).empty
    found = owners(stage)
    assert found.pop("job-definition/lab-sort:1") == ("lab", "job_definition.sort")
    assert {owner for owner, _ in found.values()} == {"heir"}
    assert {refusal.code for refusal in stage.plan(newest(LAB)).refusals} >= {"owned-by-another"}


def test_what_is_removed_stays_and_is_nobodys() -> None:
    """Its block may be gone, and nothing is deleted; once it is done the row asks nothing more."""
    stage = lab()
    before = stage.all
    planned = stage.plan(LETTING_GO)
    assert planned.summary == {"noop": 5, "untag": 2}
    assert stage.apply(LETTING_GO).exit_code == 0
    assert stage.mutations == ["UntagResource"] * 4
    assert stage.all == before
    found = owners(stage)
    assert found["job-queue/lab-low"] == (None, None)
    assert {found[f"job-definition/lab-align:{number}"] for number in (1, 2, 3)} == {(None, None)}
    assert stage.plan(LETTING_GO).empty
    assert stage.plan(cut(LETTING_GO, "removed: [job_queue.low, job_definition.align, job_queue.never]")).empty
    assert stage.queue("lab-low")["tags"] == {"team": "blue"}


@pytest.mark.parametrize("manner", ["createFirst", "twoHop"])
def test_what_is_removed_is_moved_first(manner: str) -> None:
    """A queue whose environment is replaced is let go of behind its last update: after that it is not ours."""
    stage = lab()
    letting_go = edit(
        LETTING_GO,
        ("  ondemand:\n", f"  ondemand:\n    serviceRole: Batch\n    lifecycle: {{replace: {manner}}}\n"),
    )
    assert stage.apply(letting_go).exit_code == 0
    last = [operation for operation in stage.mutations if operation in ("UpdateJobQueue", "UntagResource")]
    assert (last[-1], last.count("UpdateJobQueue") >= 2) == ("UntagResource", True)
    assert stage.plan(letting_go).empty
    (entry,) = stage.queue("lab-low")["computeEnvironmentOrder"]
    assert entry["computeEnvironment"] in stage.all
    assert owners(stage)["job-queue/lab-low"] == (None, None)


def test_adopt_makes_only_tag_calls() -> None:
    """What is there becomes ours as it is; what differs, and what is not there, the next plan brings about."""
    stage = disowned()
    stage.world.update_job_queue(jobQueue="lab-high", priority=99)
    stage.settle()
    before = stage.all
    wanted = manifest(edit(newest(LAB), ("  sort:\n", "  merge:\n")))
    warnings: list[str] = []

    def approve(shown: Plan) -> bool:
        warnings.extend(shown.warnings)
        return True

    assert held(stage, wanted, approve=approve).exit_code == 0
    assert stage.mutations == ["TagResource"] * 6
    assert stage.all == before
    assert stage.queue("lab-high")["priority"] == 99
    assert "job_queue.high: lab-high differs in priority; the next plan shows it" in warnings
    assert "job_definition.merge: nothing called lab-merge is live, and adopt creates nothing" in warnings
    assert stage.plan(wanted).summary == {"noop": 5, "update": 1, "create": 1}
    assert held(stage, wanted).exit_code == 0
    assert stage.mutations == []


def test_adopt_takes_nothing_of_another_stack() -> None:
    """It is refused as a whole."""
    stage = lab()
    with pytest.raises(PlanRefused, match="belongs to stack lab"):
        held(stage, manifest(edit(newest(LAB), ("stack: lab", "stack: thief"))))
    assert stage.mutations == []


def test_forget_makes_only_untag_calls() -> None:
    """Without a manifest; what is protected may be forgotten, and what is left is not touched."""
    stage = lab()
    stage.apply(newest(edit(LAB, ("  low: {", "  low: {lifecycle: {protect: true}, "))))
    before = stage.all
    report = let_go(stage, "lab", *FORGOTTEN)
    assert report.exit_code == 0
    assert stage.mutations == ["UntagResource"] * 5
    assert stage.all == before
    assert stage.queue("lab-low")["tags"] == {"team": "blue"}
    assert stage.environment("lab-spot")["tags"] == {"team": "blue"}
    assert {refusal.code for refusal in stage.plan(newest(LAB)).refusals} == {"name-taken"}
    assert let_go(stage, "lab", *FORGOTTEN).exit_code == 0
    assert stage.mutations == []


def test_forget_knows_its_addresses() -> None:
    """One that the stack has not is an error before anything is changed."""
    stage = lab()
    for text, hint in (("job_queue.lwo", "did you mean job_queue.low?"), ("queue.low", "one of")):
        with pytest.raises(InputError) as caught:
            let_go(stage, "lab", "job_queue.high", text)
        assert hint in str(caught.value.hint)
        assert stage.mutations == []


def test_what_changed_hands_was_not_applied() -> None:
    """Adoption tells nothing of what was applied, so that a difference is of unknown origin afterwards."""
    stage = disowned()
    wanted = manifest(edit(newest(LAB), ("priority: 10", "priority: 11")))
    held(stage, wanted)
    found = stage.reconciler.drift(wanted)
    assert {change.action.value for change in found.changes} == {"noop", "update"}


def test_the_journal_tells_of_no_adoption_as_applied(tmp_path: Path) -> None:
    """With a journal the origin of what differs after an adoption is unknown."""
    stage = disowned()
    stage.settings(state=tmp_path)
    wanted = manifest(edit(newest(LAB), ("priority: 10", "priority: 11")))
    held(stage, wanted)
    (change,) = [change for change in stage.reconciler.drift(wanted).changes if change.differences]
    assert [row.origin for row in change.differences] == ["unknown"]


Run = Callable[[Stage], Report]
RUNS: Mapping[str, tuple[Callable[[], Stage], Run]] = {
    "moved addresses": (lab, lambda stage: stage.apply(newest(MOVED) + MOVES)),
    "a moved stack": (lab, lambda stage: stage.apply(newest(TAKING))),
    "removed": (lab, lambda stage: stage.apply(LETTING_GO)),
    "adopt": (disowned, lambda stage: held(stage, manifest(newest(LAB)))),
    "forget": (lab, lambda stage: let_go(stage, "lab", *FORGOTTEN)),
}


def points(calls: Iterable[Any]) -> list[int]:
    """The numbers of the calls that change something, counted as the calls of the API proper are."""
    operations = [call.operation for call in calls if call.operation != "GetCallerIdentity"]
    return [number for number, operation in enumerate(operations, 1) if not operation.startswith(READS)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", RUNS)
def test_every_crash_point_converges(name: str, when: str) -> None:
    """Whatever was tagged by then, the same command again ends as if nothing had happened."""
    before, run = RUNS[name]
    ready = before()
    whole = ready.twin()
    assert run(whole).exit_code == 0
    assert points(whole.simulator.calls)
    for at in points(whole.simulator.calls):
        stage = ready.twin()
        stage.kill(at, when)
        with pytest.raises(Died):
            run(stage)
        stage.revive()
        assert run(stage).exit_code == 0, at
        assert owners(stage) == owners(whole), at
