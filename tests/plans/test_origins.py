"""Where differences come from, as pure data: what is compared with what was applied, and how it is written."""

import attrs
import pytest

from plans.change import Change, Origin
from plans.normalise import DIGEST_RULES
from plans.origins import applied
from plans.past import Applied, Past
from plans.plan import Plan
from plans.planfile import from_json, to_json
from plans.report import Outcome, Report
from tests.plans.core import KINDS, change, definition, environment, environments, plan, policy, queue, queues, revision

QUEUE = environments() + queues()
OF_QUEUE = "job_queue.high"
SALT = "5a17"


def past(made: Plan, *, residue: bool = True) -> Past:
    """What a run knows after this plan, with nothing left to do or without a look at the world."""
    report = Report(made.id, tuple(Outcome(step.id, step.address, step.call, "done") for step in made.steps))
    report = attrs.evolve(report, residue=made) if residue else report
    digests = applied(made, report, KINDS, SALT)
    return Past({address: Applied(DIGEST_RULES, SALT, found) for address, found in digests.items()}, True)


def origins(made: Change) -> dict[str, Origin | None]:
    return {row.path: row.origin for row in made.differences}


def test_a_look_at_the_world_and_the_plan_itself_tell_the_same_of_a_queue() -> None:
    """A reference that was not made yet counts as the ARN that it became."""
    before = past(plan(QUEUE), residue=False).applied[OF_QUEUE]
    after = past(plan(QUEUE, environment(), queue())).applied[OF_QUEUE]
    assert before is not None
    assert after is not None
    said = {path: digest for path, digest in after.digests.items() if path in before.digests}
    assert said == before.digests
    assert "computeEnvironmentOrder[compute-environment/one].order" in said


@pytest.mark.parametrize(
    ("shown", "wanted", "origin"),
    [(5, 1, "drift"), (1, 2, "edit"), (5, 2, "both")],
)
def test_a_value_is_held_against_what_was_applied(shown: int, wanted: int, origin: Origin) -> None:
    """Wanted as applied is drift, live as applied is an edit, neither is both."""
    known = past(plan(QUEUE, environment(), queue()))
    text = QUEUE.replace("priority: 1", f"priority: {wanted}")
    made = plan(text, environment(), queue(priority=shown), past=known)
    assert origins(change(made, OF_QUEUE)) == {"priority": origin}


def test_what_is_at_its_default_was_applied_so() -> None:
    """A default that is now said, or was changed by somebody, is told from one that never was."""
    fair = "\nschedulingPolicies:\n  fair: {fairsharePolicy: {computeReservation: 0}}\n"
    known = past(plan(fair, policy()))
    drifted = change(plan(fair, policy(computeReservation=5), past=known), "scheduling_policy.fair")
    assert set(origins(drifted).values()) == {"drift"}
    edited = change(plan(fair.replace("0", "7"), policy(), past=known), "scheduling_policy.fair")
    assert set(origins(edited).values()) == {"edit"}


def test_what_was_not_applied_is_unknown_where_others_were() -> None:
    """An address in doubt, and one of a run about others only."""
    known = past(plan(QUEUE, environment(), queue()))
    for doubt in (Past({OF_QUEUE: None}, True), attrs.evolve(known, applied={}, whole=False)):
        made = plan(QUEUE, environment(), queue(priority=5), past=doubt)
        assert origins(change(made, OF_QUEUE)) == {"priority": "unknown"}
        assert change(plan(QUEUE, environment(), past=doubt), OF_QUEUE).origin == "unknown"


def test_a_failed_step_leaves_its_address_out() -> None:
    """Of the others it is known what was applied."""
    made = plan(QUEUE)
    outcomes = [Outcome(step.id, step.address, step.call, "done") for step in made.steps if step.address != OF_QUEUE]
    assert set(applied(made, Report(made.id, tuple(outcomes)), KINDS, SALT)) == {"compute_environment.one"}


def test_origins_go_through_json_and_stand_there_only_where_somebody_asked() -> None:
    """What was written without them is read as before."""
    made = plan(QUEUE, environment(), queue(priority=5), past=Past())
    assert from_json(to_json(made)) == made
    silent = plan(QUEUE, environment(), queue(priority=5))
    (told,) = (each for each in to_json(silent)["changes"] if each["address"] == OF_QUEUE)
    assert "origin" not in told
    assert "origin" not in told["differences"][0]


def test_what_a_plan_wants_is_neither_shown_nor_compared() -> None:
    """It holds values in the clear."""
    made = plan(QUEUE, environment(), queue())
    assert made.wanted
    assert "wanted" not in repr(made)
    assert attrs.evolve(made, wanted={}) == made


def test_a_renamed_object_was_edited() -> None:
    """Its name was applied as well."""
    known = past(plan(environments(), environment()))
    renamed = environments().replace("  one:\n", "  one:\n    physicalName: two\n")
    made = change(plan(renamed, environment(), past=known), "compute_environment.one")
    assert [(row.path, row.origin) for row in made.differences] == [("name", "edit")]


def test_nobody_knows_of_what_has_no_path_in_a_document() -> None:
    """A revision that goes may be one too many since somebody registered others, or since fewer are kept."""
    text = definition(more="rollout: {keep: 1}")
    known = past(plan(text, revision(1)))
    made = change(plan(text, revision(1), revision(2), past=known), "job_definition.align")
    assert origins(made) == {"revisions[1]": "unknown"}
