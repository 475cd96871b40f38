"""Whose objects these are: adoption, choosing a few, claims of account and region."""

import attrs
import pytest

from plans.asked import Asked
from providers.errors import InputError, ManifestError, RefusedError
from providers.resources import Target
from providers.simulator import Fault
from tests.kit import LAB, Stage, address, cut, edit, manifest, on_stage

UNTAGGED = ("batchwright:stack", "batchwright:address")
ADOPTING = f"{LAB}policy: {{adopt: true}}\n"
SPOT = address("compute_environment.spot")


def _disown(stage: Stage) -> None:
    """Take our tags from everything."""
    for arn in stage.all:
        stage.world.untag_resource(resourceArn=arn, tagKeys=[*UNTAGGED, "batchwright:digest", "batchwright:registered"])


@on_stage()
def test_what_exists_is_taken_over_when_the_policy_says_so(stage: Stage) -> None:
    """Adoption is one TagResource an object, and nothing is made or changed beside."""
    stage.apply(LAB)
    _disown(stage)
    before = stage.all
    assert {refusal.code for refusal in stage.plan(LAB).refusals} == {"name-taken"}
    assert stage.plan(ADOPTING).summary == {"adopt": 7}
    assert stage.apply(ADOPTING).exit_code == 0
    assert stage.mutations == ["TagResource"] * 7
    assert stage.all == before
    assert stage.plan(LAB).empty


@on_stage()
def test_an_adopted_object_that_differs_is_updated_too(stage: Stage) -> None:
    """Taken over and brought to what the manifest says, in one apply."""
    stage.apply(LAB)
    _disown(stage)
    stage.world.update_job_queue(jobQueue="lab-high", priority=99)
    stage.settle()
    assert stage.apply(ADOPTING).exit_code == 0
    assert sorted(stage.mutations) == ["TagResource"] * 7 + ["UpdateJobQueue"]
    assert stage.queue("lab-high")["priority"] == 10
    assert stage.plan(LAB).empty


@on_stage()
def test_another_stacks_objects_are_never_taken(stage: Stage) -> None:
    """Not even by a policy that adopts."""
    stage.apply(LAB)
    other = edit(ADOPTING, ("stack: lab", "stack: thief"))
    assert {refusal.code for refusal in stage.plan(other).refusals} == {"owned-by-another"}


@on_stage()
def test_only_what_was_chosen_and_what_depends_on_it(stage: Stage) -> None:
    """`choose` is closed over dependents, and deletes nothing."""
    stage.apply(LAB)
    text = cut(
        edit(LAB, ("vCpus: 64", "vCpus: 65"), ("priority: 1,", "priority: 2,"), ("priority: 10", "priority: 11")),
        "  sort:",
    )
    report = stage.apply(text, asked=Asked(only=[address("compute_environment.spot")]))
    assert report.exit_code == 0
    assert {outcome.address for outcome in report.outcomes} == {"compute_environment.spot", "job_queue.high"}
    assert stage.environment("lab-ondemand")["computeResources"]["maxvCpus"] == 64
    assert stage.queue("lab-low")["priority"] == 1
    assert stage.revisions("lab-sort") == [1]


@on_stage()
def test_a_chosen_address_must_be_in_the_manifest(stage: Stage) -> None:
    """A word that names nothing is an error, not an empty plan."""
    with pytest.raises(InputError, match=r"the manifest has no job_queue\.hihg"):
        stage.plan(LAB, asked=Asked(only=[address("job_queue.hihg")]))
    assert stage.calls == {}


@pytest.mark.parametrize(
    "asked", [Asked(replace=[SPOT]), Asked(update_image=[SPOT])], ids=["--replace", "--update-image"]
)
@on_stage()
def test_what_is_asked_for_must_be_chosen(stage: Stage, asked: Asked) -> None:
    """What is left out is not replaced, and to ask for it is an error, not an empty plan; what needs it is chosen."""
    stage.apply(LAB)
    with pytest.raises(InputError, match=r"of compute_environment\.spot, which --only leaves out") as error:
        stage.plan(LAB, asked=attrs.evolve(asked, only=[address("job_queue.low")]))
    assert error.value.hint is not None
    assert "--only compute_environment.spot" in error.value.hint
    assert stage.calls == {}
    chosen = stage.plan(LAB, asked=attrs.evolve(asked, only=[SPOT]))
    assert {change.address for change in chosen.changes} == {SPOT, address("job_queue.high")}
    assert not chosen.empty


@on_stage()
def test_what_a_chosen_one_needs_must_be_there(stage: Stage) -> None:
    """In an empty account a queue alone cannot be made."""
    planned = stage.plan(LAB, asked=Asked(only=[address("job_queue.low")]))
    assert [refusal.code for refusal in planned.refusals] == ["left-out"]


@on_stage()
def test_the_region_is_a_claim(stage: Stage) -> None:
    """A manifest for another region is refused before anything is read."""
    text = f"{LAB}target: {{region: us-east-1}}\n"
    for run in (stage.plan, stage.apply, stage.destroy):
        with pytest.raises(RefusedError, match=r"for us-east-1, and this is eu-west-1 \(from the test\)"):
            run(text)
    assert stage.calls == {}


@on_stage()
def test_the_account_is_a_claim(stage: Stage) -> None:
    """Of the manifest or of the target: another account is refused, and so is one that cannot be told."""
    text = f"{LAB}target: {{accountId: '999999999999'}}\n"
    for run in (stage.plan, stage.apply, stage.destroy):
        with pytest.raises(RefusedError, match="account 999999999999, and the credentials are for 123456789012"):
            run(text)
        assert stage.mutations == []
    assert stage.apply(f"{LAB}target: {{accountId: '123456789012'}}\n").exit_code == 0
    claimed = Target(provider="simulator", region=stage.region, account_id="999999999999")
    stage.reconciler = attrs.evolve(stage.reconciler, target=claimed)
    with pytest.raises(RefusedError, match="account 999999999999"):
        stage.plan(LAB)


@on_stage()
def test_an_account_that_cannot_be_told_is_no_claims(stage: Stage) -> None:
    """Where STS is denied and no ARN tells it, a claim is refused; without a claim the plan goes on."""
    stage.simulator.inject(Fault("GetCallerIdentity", "denied", times=None))
    with pytest.raises(RefusedError, match="an account that cannot be told"):
        stage.plan(f"{LAB}target: {{accountId: '123456789012'}}\n")
    assert stage.plan(LAB).account is None
    assert stage.apply(LAB).exit_code == 0
    assert stage.plan(LAB).account == "123456789012"


@on_stage()
def test_a_circle_is_told_before_anything_is_read(stage: Stage) -> None:
    """Resources that wait for each other are a fault of the manifest."""
    with pytest.raises(ManifestError):
        manifest(
            edit(
                LAB,
                ("  align:\n", "  align:\n    dependsOn: [job_definition.sort]\n"),
                ("  sort:\n", "  sort:\n    dependsOn: [job_definition.align]\n"),
            )
        )
    assert stage.calls == {}


@on_stage()
def test_the_output_names_what_is_live(stage: Stage) -> None:
    """Name and ARN by address, of a definition the newest revision; what is not there is left out."""
    wanted = manifest(edit(LAB, ("align:1", "align:2")))
    assert stage.reconciler.output(wanted) == {}
    stage.apply(LAB)
    stage.apply(wanted)
    found = stage.reconciler.output(wanted)
    assert found.keys() == {str(one) for one in wanted.resources}
    assert found["job_definition.align"]["revision"] == "2"
    assert found["job_definition.align"]["arn"].endswith(":job-definition/lab-align:2")
    assert found["job_queue.high"] == {
        "name": "lab-high",
        "arn": "arn:aws:batch:eu-west-1:123456789012:job-queue/lab-high",
    }
