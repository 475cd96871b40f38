"""Drift told apart from edits, by what the journal knows was applied."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from plans.asked import Asked
from plans.change import Change
from plans.plan import Plan
from providers.errors import StoreError
from providers.simulator import Fault
from reconciler.settings import Settings
from tests.kit import LAB, TRAINING, Stage, cut, edit, manifest

EDITED = edit(LAB, ("priority: 10", "priority: 11"))
WITHOUT_LOW = edit(LAB, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", ""))
WITH_MORE = edit(LAB, ("  low: {", "  more: {priority: 2, computeEnvironmentOrder: [spot]}\n  low: {"))
SECRET = edit(LAB, ('image: "sort:1"', 'image: "sort:1"\n      environment: [{name: DB_PASSWORD, value: hunter2}]'))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage that keeps journals."""
    return Stage.new(settings=Settings(state=tmp_path))


def drift(stage: Stage, wanted: str) -> Plan:
    return stage.reconciler.drift(manifest(wanted))


def change(made: Plan, address: str) -> Change:
    return next(each for each in made.changes if str(each.address) == address)


def origins(made: Plan) -> dict[str, str | None]:
    """The origin of everything that differs, by address and path; of what came or went, by address."""
    whole = {str(each.address): each.origin for each in made.changes if each.origin is not None}
    return whole | {f"{each.address} {row.path}": row.origin for each in made.changes for row in each.differences}


def journal(folder: Path) -> str:
    (file,) = folder.glob("*.jsonl")
    return file.read_text()


def rewrite(folder: Path, **changes: Any) -> None:
    """Let the journal have told what it applied otherwise."""
    (file,) = folder.glob("*.jsonl")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    told = [{**row, **changes} if row["record"] == "applied" else row for row in records]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in told))


def test_what_moved_is_drift_and_what_was_edited_is_an_edit(stage: Stage) -> None:
    """Each path for itself: live moved, the manifest was changed, or both."""
    stage.apply(LAB)
    stage.world.update_job_queue(jobQueue="lab-low", priority=7)
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 128})
    stage.settle()
    stage.world.tag_resource(resourceArn=stage.queue("lab-high")["jobQueueArn"], tags={"team": "green"})
    wanted = edit(EDITED, ("  spot: &environment\n", "  spot: &environment\n    tags: {since: today}\n"))
    wanted = edit(wanted, ("maxvCpus: 64", "maxvCpus: 65"))
    assert origins(drift(stage, wanted)) == {
        "job_queue.low priority": "drift",
        "job_queue.high priority": "edit",
        "job_queue.high tags[team]": "drift",
        "compute_environment.spot computeResources.maxvCpus": "both",
        "compute_environment.spot tags[since]": "edit",
        "compute_environment.ondemand computeResources.maxvCpus": "edit",
        "compute_environment.ondemand tags[since]": "edit",
    }


def test_a_definition_that_somebody_changed_is_drift(stage: Stage) -> None:
    """Of a definition the newest revision counts, whoever registered it."""
    superseding = edit(LAB, ("  align:\n", "  align:\n    rollout: {foreign: supersede}\n"))
    stage.apply(superseding)
    (one,) = stage.world.describe_job_definitions(jobDefinitionName="lab-align", status="ACTIVE")["jobDefinitions"]
    container = {"image": "evil:1", "resourceRequirements": one["containerProperties"]["resourceRequirements"]}
    stage.world.register_job_definition(
        jobDefinitionName="lab-align", type="container", containerProperties=container, tags=one["tags"]
    )
    found = origins(drift(stage, superseding))
    assert found["job_definition.align containerProperties.image"] == "drift"
    found = origins(drift(stage, edit(superseding, ("align:1", "align:2"))))
    assert found["job_definition.align containerProperties.image"] == "both"


def test_a_reference_counts_by_what_it_names(stage: Stage) -> None:
    """A queue that is to use an environment which is yet to be made was edited, though no ARN is known."""
    stage.apply(LAB)
    wanted = edit(LAB, ("  ondemand:\n", "  other:\n    <<: *environment\n  ondemand:\n"), ("[ondemand]", "[other]"))
    found = origins(drift(stage, wanted))
    assert found.pop("compute_environment.other") == "edit"
    assert len(found) == 2
    assert set(found.values()) == {"edit"}


@pytest.mark.parametrize(
    ("wanted", "origin"), [(LAB, "drift"), (edit(LAB, ("shareDecaySeconds: 600", "shareDecaySeconds: 60")), "both")]
)
def test_an_object_that_vanished_is_drift(stage: Stage, wanted: str, origin: str) -> None:
    """Somebody deleted it; where its block was edited meanwhile it is both."""
    stage.apply(LAB)
    policy = next(arn for arn in stage.all if "scheduling-policy" in arn)
    stage.world.delete_scheduling_policy(arn=policy)
    assert origins(drift(stage, wanted)) == {"scheduling_policy.fair": origin}


def test_an_environment_that_vanished_is_drift_whatever_the_service_had_filled_in(stage: Stage) -> None:
    """What only the service said of it is nobody's edit."""
    alone = cut(LAB, "jobQueues:")
    stage.apply(alone)
    stage.world.update_compute_environment(computeEnvironment="lab-spot", state="DISABLED")
    stage.settle()
    stage.world.delete_compute_environment(computeEnvironment="lab-spot")
    stage.settle()
    assert origins(drift(stage, alone)) == {"compute_environment.spot": "drift"}


def test_a_block_that_came_or_went_is_an_edit(stage: Stage) -> None:
    """An object that nobody applied yet, and one whose block was taken out."""
    stage.apply(LAB)
    assert origins(drift(stage, WITH_MORE)) == {"job_queue.more": "edit"}
    assert origins(drift(stage, WITHOUT_LOW)) == {"job_queue.low": "edit"}
    stage.world.update_job_queue(jobQueue="lab-low", priority=7)
    assert origins(drift(stage, WITHOUT_LOW)) == {"job_queue.low": "both"}


def test_an_object_that_appeared_is_drift(stage: Stage) -> None:
    """It carries our tags and was not applied from here."""
    stage.apply(WITHOUT_LOW)
    stage.world.create_job_queue(
        jobQueueName="lab-low",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "lab-ondemand"}],
        tags={"batchwright:stack": "lab", "batchwright:address": "job_queue.low"},
    )
    assert origins(drift(stage, WITHOUT_LOW)) == {"job_queue.low": "drift"}


def test_after_a_destroy_everything_is_an_edit(stage: Stage) -> None:
    """What was deleted from here is missing because the manifest has it again."""
    stage.apply(LAB)
    stage.destroy(LAB)
    assert set(origins(drift(stage, LAB)).values()) == {"edit"}


def test_all_kinds_know_what_was_applied(stage: Stage) -> None:
    """No kind's own normal form hides what moved."""
    stage.apply(TRAINING)
    stage.world.update_consumable_resource(consumableResource="lab-licences", operation="SET", quantity=9)
    assert origins(drift(stage, TRAINING)) == {"consumable_resource.licences totalQuantity": "drift"}


def test_without_a_journal_nobody_knows(tmp_path: Path) -> None:
    """No folder, another machine, something adopted, or other rules of digests."""
    silent = Stage.new()
    silent.apply(LAB)
    assert origins(drift(silent, EDITED)) == {"job_queue.high priority": "unknown"}
    kept = attrs.evolve(silent.reconciler.settings, state=tmp_path)
    silent.reconciler = attrs.evolve(silent.reconciler, settings=kept)
    assert origins(drift(silent, EDITED)) == {"job_queue.high priority": "unknown"}
    assert origins(drift(silent, WITH_MORE)) == {"job_queue.more": "unknown"}
    assert origins(drift(silent, WITHOUT_LOW)) == {"job_queue.low": "unknown"}


def test_digests_of_other_rules_are_not_compared(stage: Stage, tmp_path: Path) -> None:
    """A Batchwright with another normal form wrote them."""
    stage.apply(LAB)
    assert origins(drift(stage, EDITED)) == {"job_queue.high priority": "edit"}
    rewrite(tmp_path, rules="n0")
    assert origins(drift(stage, EDITED)) == {"job_queue.high priority": "unknown"}


def test_a_run_of_one_address_leaves_the_others_known(stage: Stage) -> None:
    """It tells what it applied and nothing of what it did not look at."""
    stage.apply(LAB)
    stage.apply(EDITED, asked=Asked(only=[change(drift(stage, EDITED), "job_queue.high").address]))
    assert origins(drift(stage, LAB)) == {"job_queue.high priority": "edit"}
    stage.world.update_job_queue(jobQueue="lab-low", priority=7)
    assert origins(drift(stage, EDITED)) == {"job_queue.low priority": "drift"}


def test_what_a_failed_run_called_is_not_known_and_the_rest_is(stage: Stage) -> None:
    """The address that failed is in doubt; what ended well beside it is known as it was applied."""
    stage.apply(LAB)
    wanted = edit(EDITED, ("maxvCpus: 64", "maxvCpus: 65"))
    stage.simulator.inject(Fault("UpdateJobQueue", "denied", times=None))
    assert stage.apply(wanted).exit_code == 4
    stage.simulator.heal()
    stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 128})
    stage.settle()
    assert origins(drift(stage, wanted)) == {
        "job_queue.high priority": "unknown",
        "compute_environment.spot computeResources.maxvCpus": "drift",
    }


def test_a_journal_shows_no_secret(stage: Stage, tmp_path: Path) -> None:
    """Paths and digests only, and of what views mask not even a digest, from which a short value could be guessed."""
    stage.apply(SECRET)
    wanted = edit(SECRET, ("align:1", "align:2"))
    stage.apply(wanted)
    told = journal(tmp_path)
    assert "hunter2" not in told
    rows = [json.loads(line) for line in told.splitlines()]
    path = "containerProperties.environment[DB_PASSWORD].value"
    first, second = (row["addresses"]["job_definition.sort"] for row in rows if row["record"] == "applied")
    assert path not in first
    image = "containerProperties.image"
    assert first[image] != second[image]
    assert origins(drift(stage, edit(wanted, ("hunter2", "hunter3")))) == {f"job_definition.sort {path}": "unknown"}


def test_drift_asks_for_the_account_only_where_something_differs(stage: Stage) -> None:
    """No drift costs what a plan costs."""
    stage.apply(LAB)
    stage.simulator.calls.clear()
    assert drift(stage, LAB).empty
    assert stage.calls["GetCallerIdentity"] == 0
    assert drift(stage, EDITED).steps
    assert stage.calls["GetCallerIdentity"] == 1


def test_a_journal_that_cannot_be_read_is_told(stage: Stage, tmp_path: Path) -> None:
    """Drift is shown all the same, and that nobody knows where it comes from."""
    stage.apply(LAB)
    (file,) = tmp_path.glob("*.jsonl")
    file.unlink()
    file.mkdir()
    made = drift(stage, EDITED)
    assert origins(made) == {"job_queue.high priority": "unknown"}
    assert any("where differences come from is not known" in row for row in made.warnings)
    with pytest.raises(StoreError):
        stage.reconciler.history("lab")


def test_a_plan_has_no_origins(stage: Stage) -> None:
    """A plan is the same whoever makes it, wherever."""
    stage.apply(LAB)
    assert origins(stage.plan(EDITED)) == {"job_queue.high priority": None}


def test_a_damaged_journal_is_told_and_takes_no_origin_for_certain(stage: Stage, tmp_path: Path) -> None:
    """A line that cannot be read may have told of another apply: what came before it decides nothing."""
    stage.apply(LAB)
    (file,) = tmp_path.glob("*.jsonl")
    first = file.read_text()
    stage.apply(EDITED)
    second = file.read_text().removeprefix(first)
    file.write_text(first + "damaged\n" * second.count("\n"))
    stage.world.update_job_queue(jobQueue="lab-high", priority=50)
    stage.settle()
    made = drift(stage, EDITED)
    assert origins(made) == {"job_queue.high priority": "unknown"}
    assert any("the journal is damaged" in warning for warning in made.warnings)


def test_a_salt_that_is_no_text_of_ours_is_a_damaged_line(stage: Stage, tmp_path: Path) -> None:
    """A lone surrogate is told, not stumbled over."""
    stage.apply(LAB)
    rewrite(tmp_path, salt="\ud800")
    stage.world.update_job_queue(jobQueue="lab-high", priority=50)
    stage.settle()
    assert origins(drift(stage, LAB)) == {"job_queue.high priority": "unknown"}
