"""Old revisions are cleared away: only those that every rule lets go, and never what others or a manifest hold."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from plans.manifest import Manifest
from plans.normalise import DIGEST_RULES
from plans.report import Event
from plans.retention import Retention
from providers.clock import ManualClock
from providers.errors import InputError, NotConfirmed, RefusedError
from providers.resources import ADDRESS_TAG, DIGEST_TAG, STACK_TAG, Target
from providers.simulator import Fault
from reconciler import revisions
from reconciler.revisions import Pruning
from reconciler.settings import Settings
from tests.kit import ACCOUNT, LAB, Stage, edit, manifest, on_stage

DAY = 86400.0
KEEPING = ("  align:\n", "  align:\n    rollout: {keep: 100}\n")

FORGED = f"{DIGEST_RULES}-0"


def version(number: int, *changes: tuple[str, str]) -> str:
    return edit(LAB, KEEPING, ('"align:1"', f'"align:{number}"'), *changes)


def grown(stage: Stage, count: int, *changes: tuple[str, str]) -> str:
    """Apply that many revisions of `align`, a day apart; the manifest of the last."""
    for number in range(1, count + 1):
        if number > 1:
            stage.settle(DAY)
        assert stage.apply(version(number, *changes)).exit_code == 0
    return version(count, *changes)


def approved(_made: Pruning) -> bool:
    return True


def prune(
    stage: Stage,
    wanted: Manifest | str,
    retention: Retention,
    *,
    approve: Callable[[Pruning], bool] = approved,
    on_event: Callable[[Event], None] = lambda _event: None,
) -> Pruning:
    stage.simulator.calls.clear()
    told = manifest(wanted) if isinstance(wanted, str) else wanted
    return stage.reconciler.prune_revisions(told, retention, approve=approve, on_event=on_event)


def theirs(stage: Stage, name: str, *, image: str = "theirs", **tags: str) -> None:
    """A revision that somebody registered elsewhere."""
    stage.world.register_job_definition(
        jobDefinitionName=name,
        type="container",
        containerProperties={"image": image, "vcpus": 1, "memory": 128},
        tags=tags,
    )


def submit(stage: Stage, definition: str, queue: str = "lab-high", **more: Any) -> None:
    stage.world.submit_job(jobName="job", jobQueue=queue, jobDefinition=definition, **more)


@on_stage()
def test_so_many_stay(stage: Stage) -> None:
    """The newest ones; nothing but deregistrations of the others changes anything, and again there is nothing."""
    wanted = grown(stage, 5)
    others = [arn for arn in stage.all if "lab-align" not in arn]
    made = prune(stage, wanted, Retention(keep=2))
    assert made.exit_code == 0
    assert stage.mutations == ["DeregisterJobDefinition"] * 3
    assert stage.revisions("lab-align") == [4, 5]
    assert [arn for arn in stage.all if "lab-align" not in arn] == others
    assert stage.plan(wanted).empty
    again = prune(stage, wanted, Retention(keep=2))
    assert (again.report, again.exit_code, stage.mutations) == (None, 0, [])


@on_stage()
def test_only_what_is_older(stage: Stage) -> None:
    """By the tag that says when; what does not say it, or not in UTC, counts as young."""
    wanted = grown(stage, 5)
    for revision, told in ((1, "2001-01-01T00:00:00"), (2, "long ago")):
        arn = f"arn:aws:batch:{stage.region}:{ACCOUNT}:job-definition/lab-align:{revision}"
        stage.world.tag_resource(resourceArn=arn, tags={"batchwright:registered": told})
    prune(stage, wanted, Retention(1, older_than=1.5 * DAY))
    assert stage.revisions("lab-align") == [1, 2, 4, 5]
    stage.settle(DAY)
    prune(stage, wanted, Retention(1, older_than=1.5 * DAY))
    assert stage.revisions("lab-align") == [1, 2, 5]


@on_stage()
def test_what_the_block_keeps_stays(stage: Stage) -> None:
    """Its own keep and keepFor hold unless a number is given; what is nobody's is none of what it keeps."""
    wanted = edit(grown(stage, 6), ("keep: 100", "keep: 3"))
    theirs(stage, "lab-align")
    theirs(stage, "lab-align")
    stage.settle(DAY)
    made = prune(stage, edit(wanted, ("keep: 3", "keep: 1, keepFor: 4d")), Retention(unused=True))
    assert stage.revisions("lab-align") == [4, 5, 6, 7, 8]
    assert made.choice.count == 3
    assert prune(stage, wanted, Retention(older_than=1.0)).choice.count == 0
    prune(stage, wanted, Retention(foreign=True))
    assert stage.revisions("lab-align") == [4, 5, 6, 8]
    prune(stage, wanted, Retention(1, unused=True))
    assert stage.revisions("lab-align") == [6, 8]


@on_stage()
def test_a_pin_that_holds_nothing_is_told(stage: Stage) -> None:
    """As the plan tells it; of a family that was not asked for nothing is said."""
    wanted = edit(grown(stage, 3), ("keep: 100}\n", "keep: 100}\n    lifecycle: {pinned: [2, 9]}\n"))
    told = ("job_definition.align: lifecycle.pinned says 9, which is no ACTIVE revision of ours",)
    assert prune(stage, wanted, Retention(3)).choice.warnings == told == stage.plan(wanted).warnings
    assert prune(stage, wanted, Retention(3, names=("lab-sort",))).choice.warnings == ()


@on_stage()
def test_what_is_pinned_stays(stage: Stage) -> None:
    """Whatever is asked for; pins are none of those that are kept, and hold under a former name too."""
    pinned = ("rollout: {keep: 100}\n", "rollout: {keep: 100}\n    lifecycle: {pinned: [1, 3]}\n")
    wanted = grown(stage, 6, pinned)
    moved = edit(wanted, ("  align:\n", "  match:\n"))
    moved += "moved: [{from: job_definition.align, to: job_definition.match}]\n"
    stage.settle(100 * DAY)
    for text in (moved, wanted):
        prune(stage, text, Retention(keep=1, older_than=DAY, unused=True, foreign=True))
        assert stage.revisions("lab-align") == [1, 3, 6]


@on_stage()
def test_what_unfinished_jobs_use_stays(stage: Stage) -> None:
    """In any queue and status, arrays included; what finished jobs used goes."""
    wanted = grown(stage, 6)
    stage.world.update_job_queue(jobQueue="lab-low", state="ENABLED")
    submit(stage, "lab-align:1")
    stage.settle()
    assert stage.world.list_jobs(jobQueue="lab-high", jobStatus="SUCCEEDED")["jobSummaryList"]
    submit(stage, "lab-align:2", arrayProperties={"size": 2})
    submit(stage, "lab-align:4", queue="lab-low")
    made = prune(stage, wanted, Retention(1, unused=True))
    assert stage.revisions("lab-align") == [2, 4, 6]
    assert [family.used for family in made.choice.families] == [2]
    stage.settle()
    prune(stage, wanted, Retention(1, unused=True))
    assert stage.revisions("lab-align") == [6]


@on_stage()
def test_too_many_jobs_are_not_looked_at(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody knows which revisions are unused, nothing goes."""
    wanted = grown(stage, 3)
    for _ in range(4):
        submit(stage, "lab-align:1")
    monkeypatch.setattr(revisions, "JOBS", 3)
    with pytest.raises(RefusedError, match="more than 3 unfinished jobs"):
        prune(stage, wanted, Retention(1, unused=True))
    assert stage.mutations == []
    monkeypatch.setattr(revisions, "JOBS", 4)
    prune(stage, wanted, Retention(1, unused=True))
    assert stage.revisions("lab-align") == [1, 3]


@on_stage()
def test_what_is_nobodys_stays_unless_asked_for(stage: Stage) -> None:
    """Revisions without our tags, and those whose content is not what their tags say; families only by name."""
    wanted = grown(stage, 3)
    theirs(stage, "lab-align")
    theirs(stage, "lab-align", **{STACK_TAG: "lab", ADDRESS_TAG: "job_definition.align", DIGEST_TAG: FORGED})
    theirs(stage, "lab-align")
    for _ in range(3):
        theirs(stage, "loose")
    prune(stage, wanted, Retention(keep=1))
    assert stage.revisions("lab-align") == [3, 4, 5, 6]
    prune(stage, wanted, Retention(keep=1, foreign=True))
    assert stage.revisions("lab-align") == [3, 6]
    assert stage.revisions("loose") == [1, 2, 3]
    nobody = Manifest("", {})
    made = prune(stage, nobody, Retention(keep=1, names=("loose",)))
    assert made.choice.spared == {"loose": "it is nobody's: --foreign clears it too"}
    prune(stage, nobody, Retention(keep=1, foreign=True, names=("loose",)))
    assert stage.revisions("loose") == [3]
    assert stage.revisions("lab-align") == [3, 6]


@on_stage()
def test_the_last_of_ours_stays_under_others(stage: Stage) -> None:
    """Else the family would not be the stack's any more."""
    wanted = grown(stage, 2)
    for _ in range(3):
        theirs(stage, "lab-align")
    prune(stage, wanted, Retention(keep=1, foreign=True))
    assert stage.revisions("lab-align") == [2, 5]


@pytest.mark.parametrize("foreign", [False, True])
@on_stage()
def test_families_of_another_stack_are_never_touched(stage: Stage, foreign: bool) -> None:
    """Not by name, not as foreign, not where one revision of ours stands among theirs."""
    wanted = grown(stage, 3)
    theirs(stage, "lab-align", **{STACK_TAG: "other", ADDRESS_TAG: "job_definition.x", DIGEST_TAG: FORGED})
    theirs(stage, "lab-align")
    before = stage.all
    for whose in (manifest(wanted), Manifest("thief", {}), Manifest("", {})):
        made = prune(stage, whose, Retention(keep=1, foreign=foreign, names=("lab-align",)))
        assert made.choice.count == 0
        assert made.choice.spared["lab-align"].startswith("it belongs to stack ")
        prune(stage, whose, Retention(keep=1, foreign=foreign))
    assert stage.all == before


@on_stage()
def test_named_families_alone(stage: Stage) -> None:
    """Others are not even read; one that is not there is told."""
    wanted = grown(stage, 3)
    stage.apply(edit(wanted, ('"sort:1"', '"sort:2"')))
    prune(stage, wanted, Retention(keep=1, names=("lab-sort",)))
    assert stage.revisions("lab-sort") == [2]
    assert stage.revisions("lab-align") == [1, 2, 3]
    with pytest.raises(InputError, match="lab-srot"):
        prune(stage, wanted, Retention(keep=1, names=("lab-srot",)))


@on_stage()
def test_nothing_goes_unapproved(stage: Stage) -> None:
    """And what came to be in use while somebody thought about it stays."""
    wanted = grown(stage, 4)
    with pytest.raises(NotConfirmed):
        prune(stage, wanted, Retention(keep=1), approve=lambda _made: False)
    assert stage.mutations == []
    wall = ManualClock()
    stage.reconciler = attrs.evolve(stage.reconciler, wall=wall)

    def think(_made: Pruning) -> bool:
        wall.sleep(60)
        submit(stage, "lab-align:2")
        return True

    made = prune(stage, wanted, Retention(1, unused=True), approve=think)
    assert stage.revisions("lab-align") == [2, 4]
    assert made.choice.count == 2


@on_stage()
def test_another_account_is_refused(stage: Stage) -> None:
    """As every other run refuses it."""
    wanted = attrs.evolve(manifest(grown(stage, 3)), target=Target(account_id="999999999999"))
    with pytest.raises(RefusedError, match="the target is account 999999999999"):
        prune(stage, wanted, Retention(1))
    elsewhere = attrs.evolve(wanted, target=Target(region="us-west-2"))
    with pytest.raises(RefusedError, match="us-west-2"):
        prune(stage, elsewhere, Retention(1))
    assert stage.revisions("lab-align") == [1, 2, 3]


@on_stage()
def test_a_lost_answer_is_no_failure(stage: Stage) -> None:
    """What is INACTIVE already may be deregistered again."""
    wanted = grown(stage, 4)
    stage.simulator.inject(Fault("DeregisterJobDefinition", "lost", times=3))
    assert prune(stage, wanted, Retention(1)).exit_code == 0
    assert stage.revisions("lab-align") == [4]


@on_stage()
def test_a_refusal_is_told_and_the_rest_goes_on(stage: Stage) -> None:
    """Exit code 4 where something was done, 1 where nothing was; the same again finishes."""
    wanted = grown(stage, 4)
    stage.simulator.inject(Fault("DeregisterJobDefinition", "denied", times=1))
    made = prune(stage, wanted, Retention(1))
    assert made.exit_code == 4
    assert len(stage.revisions("lab-align")) == 2
    stage.simulator.inject(Fault("DeregisterJobDefinition", "denied", times=9))
    assert prune(stage, wanted, Retention(1)).exit_code == 1
    stage.simulator.heal()
    assert prune(stage, wanted, Retention(1)).exit_code == 0
    assert stage.revisions("lab-align") == [4]


@on_stage()
def test_an_interrupt_stops_and_the_same_again_finishes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done is told, no batch begins after the signal."""
    monkeypatch.setattr(revisions, "BATCH", 2)
    wanted = grown(stage, 8)
    stage.settings(parallelism=1)
    stop = stage.stopper()

    def listen(event: Event) -> None:
        if event.event == "finished" and not stop.done() and len(stage.mutations) == 3:
            stop.set_result(2)

    made = prune(stage, wanted, Retention(1), on_event=listen)
    assert made.exit_code == 130
    assert made.report is not None
    done = made.report.counts["done"]
    assert 3 <= done < 7
    assert len(stage.revisions("lab-align")) == 8 - done
    stage.go_on()
    assert prune(stage, wanted, Retention(1)).exit_code == 0
    assert stage.revisions("lab-align") == [8]


@pytest.mark.unmeasured
def test_thousands_of_revisions_are_paged_and_paced() -> None:
    """They are read by the page and go no faster than is allowed; the newest of each family is left."""
    stage = Stage.new(settings=Settings(max_api_rate=20.0))
    tags = {STACK_TAG: "lab", ADDRESS_TAG: "job_definition.align", DIGEST_TAG: "n0-of-other-rules"}
    for number in range(2000):
        theirs(stage, f"family-{number % 4}", image=f"image:{number}", **tags)
    began = stage.clock.now()
    made = prune(stage, Manifest("lab", {}), Retention(keep=1))
    assert made.exit_code == 0
    assert made.report is not None
    assert made.report.counts == {"done": 1996}
    assert made.report.calls == {"DescribeJobDefinitions": 20, "DeregisterJobDefinition": 1996}
    assert stage.clock.now() - began >= 2016 / 20 - 2
    assert [stage.revisions(f"family-{number}") for number in range(4)] == [[500]] * 4
