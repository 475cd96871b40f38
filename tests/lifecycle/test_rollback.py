"""Going back to an older revision of a definition: it is registered once more, and nothing else changes."""

from typing import Any

import attrs
import pytest

from plans.manifest import Manifest
from plans.normalise import DIGEST_RULES
from plans.plan import Plan
from plans.policy import Policy
from plans.report import Report
from providers.errors import InputError, NotConfirmed, PlanRefused
from providers.resources import ADDRESS_TAG, DIGEST_TAG, REGISTERED_TAG, STACK_TAG
from providers.simulator import Fault
from tests.kit import LAB, Stage, address, edit, on_stage

ALIGN = address("job_definition.align")
STACK = Manifest("lab", {})
FAMILY = "lab-align"

FORGED = f"{DIGEST_RULES}-0"


def version(number: int) -> str:
    """The lab in which `align` has an image and a tag of its own."""
    return edit(LAB, ('"align:1"', f'"align:{number}"'), ("  align:\n", f"  align:\n    tags: {{v: v{number}}}\n"))


def grown(stage: Stage, count: int) -> None:
    """Apply that many revisions of `align`."""
    for number in range(1, count + 1):
        assert stage.apply(version(number)).exit_code == 0


def back(stage: Stage, revision: int | None = None, **given: Any) -> Report:
    stage.simulator.calls.clear()
    stage.events.clear()
    return stage.reconciler.rollback(STACK, ALIGN, revision, on_event=stage.events.append, **given)


def newest(stage: Stage, family: str = FAMILY) -> dict[str, Any]:
    found = stage.world.describe_job_definitions(jobDefinitionName=family, status="ACTIVE")["jobDefinitions"]
    whole: dict[str, Any] = max(found, key=lambda one: one["revision"])
    return whole


def image(stage: Stage) -> str:
    return str(newest(stage)["containerProperties"]["image"])


@on_stage()
def test_what_was_before_the_newest_is_the_newest_again(stage: Stage) -> None:
    """Its content and its own tags, with ours; all other revisions stay, and nothing but one call changes anything."""
    grown(stage, 3)
    others = [arn for arn in stage.all if FAMILY not in arn]
    report = back(stage)
    assert report.exit_code == 0
    assert stage.mutations == ["RegisterJobDefinition"]
    assert stage.revisions(FAMILY) == [1, 2, 3, 4]
    assert image(stage) == "align:2"
    tags = newest(stage)["tags"]
    assert {key: tags[key] for key in ("team", "v", STACK_TAG, ADDRESS_TAG)} == {
        "team": "blue",
        "v": "v2",
        STACK_TAG: "lab",
        ADDRESS_TAG: "job_definition.align",
    }
    assert {DIGEST_TAG, REGISTERED_TAG} <= tags.keys()
    assert [arn for arn in stage.all if FAMILY not in arn] == others
    assert [step.id for step in stage.plan(version(2)).steps] == ["deregister:job_definition.align:1"]


@on_stage()
def test_the_plan_shows_what_differs(stage: Stage) -> None:
    """From the newest on the left to the old content on the right, for approval; unapproved, nothing is changed."""
    grown(stage, 2)
    shown: list[Plan] = []

    def refuse(made: Plan) -> bool:
        shown.append(made)
        return False

    with pytest.raises(NotConfirmed):
        back(stage, approve=refuse)
    (change,) = shown[0].changes
    assert shown[0].summary == {"register": 1}
    rows = {row.path: (row.before, row.after) for row in change.differences}
    assert rows == {"containerProperties.image": ("align:2", "align:1"), "tags[v]": ("v2", "v1")}
    assert stage.mutations == []


@on_stage()
def test_the_next_apply_says_what_the_manifest_says(stage: Stage) -> None:
    """Going back is not an edit of the manifest."""
    grown(stage, 2)
    back(stage)
    made = stage.plan(version(2))
    assert made.summary["register"] == 1
    stage.apply(version(2))
    assert image(stage) == "align:2"


@on_stage()
def test_back_to_what_is_there_already_is_nothing(stage: Stage) -> None:
    """A revision that says what the newest says, or is it, is not registered again."""
    grown(stage, 2)
    back(stage, 1)
    for number in (1, 3):
        report = back(stage, number)
        assert (report.exit_code, report.outcomes) == (0, ())
        assert stage.mutations == []
    assert stage.revisions(FAMILY) == [1, 2, 3]


@on_stage()
def test_without_a_number_it_goes_back_and_forth(stage: Stage) -> None:
    """The last revision that says something else than the newest is, after going back, the one that was left."""
    grown(stage, 2)
    back(stage)
    assert image(stage) == "align:1"
    back(stage)
    assert image(stage) == "align:2"
    assert stage.revisions(FAMILY) == [1, 2, 3, 4]


@on_stage()
def test_back_to_an_inactive_revision(stage: Stage) -> None:
    """AWS keeps what was deregistered; it stays INACTIVE, and its content is the newest."""
    grown(stage, 5)
    assert stage.revisions(FAMILY) == [3, 4, 5]
    assert back(stage, 1).exit_code == 0
    assert image(stage) == "align:1"
    assert newest(stage)["tags"]["v"] == "v1"
    assert stage.revisions(FAMILY) == [3, 4, 5, 6]


@on_stage()
def test_a_revision_that_is_not_there(stage: Stage) -> None:
    """It is told, as are an address without revisions, one of another kind, and a family with nothing older."""
    stage.apply(version(1))
    for revision, told in ((7, "lab-align has no revision 7"), (None, "no ACTIVE revision before 1 of this stack")):
        with pytest.raises(InputError, match=told):
            back(stage, revision)
    for other in ("job_definition.aling", "job_queue.high"):
        with pytest.raises(InputError, match=other):
            stage.reconciler.rollback(STACK, address(other))
    with pytest.raises(InputError, match="stack other has no ACTIVE revision"):
        stage.reconciler.rollback(Manifest("other", {}), ALIGN)
    assert stage.revisions(FAMILY) == [1]


def registered(stage: Stage, name: str, **tags: str) -> None:
    """Somebody else's revision of `align`."""
    stage.world.register_job_definition(
        jobDefinitionName=FAMILY,
        type="container",
        containerProperties={"image": name, "vcpus": 1, "memory": 128},
        tags=tags,
    )


@on_stage()
def test_what_others_registered_is_not_gone_back_to_unasked(stage: Stage) -> None:
    """Neither a revision without our tags, nor one with copied tags, is the one before the newest."""
    stage.apply(version(1))
    registered(stage, "theirs")
    registered(stage, "copied", **{STACK_TAG: "lab", ADDRESS_TAG: str(ALIGN), DIGEST_TAG: FORGED})
    foreign = edit(version(2), ("  align:\n", "  align:\n    rollout: {foreign: supersede}\n"))
    assert stage.apply(foreign).exit_code == 0
    assert stage.revisions(FAMILY) == [1, 2, 3, 4]
    back(stage)
    assert image(stage) == "align:1"
    back(stage, 2)
    assert image(stage) == "theirs"
    assert newest(stage)["tags"][STACK_TAG] == "lab"


@on_stage()
def test_somebody_elses_newest_revision_is_gone_back_behind(stage: Stage) -> None:
    """Whoever goes back has said which one it is to be."""
    stage.apply(version(1))
    registered(stage, "theirs")
    assert back(stage).exit_code == 0
    assert image(stage) == "align:1"
    assert stage.revisions(FAMILY) == [1, 2, 3]
    assert stage.plan(version(1)).empty


@on_stage()
def test_older_members_come_back_as_they_were(stage: Stage) -> None:
    """A revision that says the same in deprecated members is registered with those."""
    old = edit(
        LAB,
        (
            'image: "align:1"\n      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]',
            'image: "align:1"\n      vcpus: 1\n      memory: 512',
        ),
    )
    stage.apply(old)
    stage.apply(edit(LAB, ("  align:\n", "  align:\n    rollout: {migrate: true}\n")))
    assert stage.revisions(FAMILY) == [1, 2]
    back(stage)
    assert newest(stage)["containerProperties"]["vcpus"] == 1
    assert stage.revisions(FAMILY) == [1, 2, 3]


@on_stage()
def test_policies_bind(stage: Stage) -> None:
    """Where the operator allows no new revision there is none."""
    grown(stage, 2)
    stage.reconciler = attrs.evolve(stage.reconciler, policies=(Policy(max_impact="scaling"),))
    with pytest.raises(PlanRefused, match="revision"):
        back(stage)
    assert stage.mutations == []


@on_stage()
def test_ignored_paths_come_back_too(stage: Stage) -> None:
    """What a policy ignores in a manifest is a part of what an older revision says."""
    grown(stage, 2)
    stage.reconciler = attrs.evolve(stage.reconciler, policies=(Policy(ignore=("containerProperties.image",)),))
    assert back(stage).exit_code == 0
    assert image(stage) == "align:1"


@pytest.mark.parametrize("times", [1, 2])
@on_stage()
def test_a_lost_answer_makes_one_revision(stage: Stage, times: int) -> None:
    """What was registered is found among revisions that say the same."""
    grown(stage, 3)
    stage.simulator.inject(Fault("RegisterJobDefinition", "lost", times=times))
    assert back(stage).exit_code == 0
    assert stage.revisions(FAMILY) == [1, 2, 3, 4]
    assert image(stage) == "align:2"


def test_a_crash_at_any_call_and_the_same_command_again() -> None:
    """With a number the same command again comes to the same end, with one more revision."""
    stage = Stage.new()
    grown(stage, 2)
    died = stage.forks(lambda here: back(here, 1), reads=2)
    assert len(died) > 5
    for _, here in died:
        assert back(here, 1).exit_code == 0
        assert here.revisions(FAMILY) == [1, 2, 3]
        assert image(here) == "align:1"
