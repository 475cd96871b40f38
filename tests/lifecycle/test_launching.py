"""Launch templates and images over whole runs: which version is noted, followed, or refused, and what is sent."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from plans.asked import Asked
from plans.change import Action, Impact
from plans.plan import Plan
from providers.errors import InputError
from providers.resources import LAUNCH_TAG
from tests.kit import Died, Stage, address, edit, manifest
from tests.lifecycle.surrounded import TEMPLATE, Surrounded, surroundings

SPOT = address("compute_environment.spot")
STACK = f"""
stack: lab
namePrefix: lab-
computeEnvironments:
  spot:
    type: MANAGED
    lifecycle: {{followLaunchTemplate: true}}
    computeResources:
      type: SPOT
      allocationStrategy: SPOT_PRICE_CAPACITY_OPTIMIZED
      minvCpus: 0
      maxvCpus: 64
      instanceTypes: [c6i]
      subnets: [subnet-1]
      securityGroupIds: [sg-1]
      instanceRole: ecsInstanceRole
      launchTemplate: {{launchTemplateName: {TEMPLATE}, version: $Latest}}
"""
FOLLOW = "    lifecycle: {followLaunchTemplate: true}\n"
PLAIN = edit(STACK, (FOLLOW, ""))
NAMED = f"launchTemplate: {{launchTemplateName: {TEMPLATE}, version: $Latest}}"
BARE = edit(PLAIN, (f"      {NAMED}\n", ""))
OLD = edit(STACK, ("SPOT_PRICE_CAPACITY_OPTIMIZED", "BEST_FIT"), ("type: SPOT", "type: EC2"))
FARGATE = """
stack: lab
computeEnvironments:
  spot:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""


def test_what_cannot_be_followed_is_told() -> None:
    """The simulator has no EC2 to ask; a block that asks for nothing is told nothing."""
    stage = Stage.new()
    assert stage.apply(STACK).exit_code == 0
    told = f"{SPOT}: lifecycle.followLaunchTemplate is not looked at: EC2 cannot be asked here"
    assert told in stage.plan(STACK).warnings
    assert stage.plan(PLAIN).warnings == ()


@pytest.fixture(scope="module")
def surround() -> Iterator[Callable[[], Surrounded]]:
    with surroundings(200_000_000_001) as made:
        yield made


@pytest.fixture
def around(surround: Callable[[], Surrounded]) -> Surrounded:
    return surround()


def tag(stage: Stage, name: str = "lab-spot") -> str | None:
    found: str | None = stage.environment(name)["tags"].get(LAUNCH_TAG)
    return found


def refused(made: Plan) -> str:
    (row,) = made.refusals
    assert made.steps == ()
    return f"{row.code}: {row.message} ({row.hint})"


def test_a_template_that_moves_is_followed(around: Surrounded) -> None:
    """The number is remembered in a tag, a newer one is an infrastructure update, and then there is nothing to do."""
    stage, lt = around.stage, around.template()
    assert stage.apply(STACK).exit_code == 0
    assert tag(stage) == f"{lt}@1"
    assert stage.plan(STACK).empty
    around.version()
    (change,) = stage.plan(STACK).changes
    assert (change.action, change.impact) == (Action.UPDATE, Impact.INFRASTRUCTURE)
    assert [(row.path, row.before, row.after) for row in change.differences] == [
        ("computeResources.launchTemplate.version", "1", "2"),
        (f"tags[{LAUNCH_TAG}]", f"{lt}@1", f"{lt}@2"),
    ]
    report = stage.apply(STACK)
    assert report.exit_code == 0
    assert stage.mutations == ["UpdateComputeEnvironment", "TagResource"]
    assert around.updates == [
        {
            "launchTemplate": {"launchTemplateName": TEMPLATE, "version": "$Latest"},
            "updateToLatestImageVersion": True,
        }
    ]
    assert tag(stage) == f"{lt}@2"
    assert stage.plan(STACK).empty


def test_the_default_moves_when_its_owner_says_so(around: Surrounded) -> None:
    """A new version that is not made the default is none to take up; a version unsaid is the default."""
    text = edit(STACK, (", version: $Latest", ""))
    stage, lt = around.stage, around.template()
    stage.apply(text)
    around.version()
    assert stage.plan(text).empty
    around.version(default=True)
    assert stage.apply(text).exit_code == 0
    assert tag(stage) == f"{lt}@3"


def test_a_number_that_nobody_remembers_is_taken_up_once(around: Surrounded) -> None:
    """AWS does not tell which version an environment was made with."""
    stage, lt = around.stage, around.template()
    stage.apply(PLAIN)
    made = stage.plan(STACK)
    assert [(row.before, row.after) for row in made.changes[0].differences] == [("unknown", "1"), (None, f"{lt}@1")]
    assert stage.apply(STACK).exit_code == 0
    assert stage.plan(STACK).empty


def test_who_stops_following_loses_the_tag_and_no_instance(around: Surrounded) -> None:
    """What the tag says would soon be wrong."""
    around.template()
    stage = around.stage
    stage.apply(STACK)
    assert stage.apply(PLAIN).exit_code == 0
    assert stage.mutations == ["UntagResource"]
    assert tag(stage) is None


def test_another_template_is_one_update(around: Surrounded) -> None:
    """What the manifest changes anyway is not told twice."""
    around.template()
    other = around.template("lab-others")
    stage = around.stage
    stage.apply(STACK)
    text = edit(STACK, (TEMPLATE, "lab-others"))
    assert [row.path for row in stage.plan(text).changes[0].differences] == [
        "computeResources.launchTemplate.launchTemplateName",
        f"tags[{LAUNCH_TAG}]",
    ]
    assert stage.apply(text).exit_code == 0
    assert stage.mutations == ["UpdateComputeEnvironment", "TagResource"]
    assert tag(stage) == f"{other}@1"


def test_overrides_are_followed_too(around: Surrounded) -> None:
    """Each by its own version; those named by a number stay where they are."""
    overrides = (
        "overrides: [{launchTemplateName: lab-others, targetInstanceTypes: [c6i.large]},"
        f" {{launchTemplateName: {TEMPLATE}, version: '1', targetInstanceTypes: [c6i.xlarge]}}]"
    )
    text = edit(STACK, (", version: $Latest", f", version: $Latest, {overrides}"))
    one, other = around.template(), around.template("lab-others")
    stage = around.stage
    stage.apply(text)
    assert tag(stage) == f"{one}@1 {other}@1"
    around.version("lab-others", default=True)
    made = stage.plan(text)
    assert next((row.before, row.after) for row in made.changes[0].differences) == ("1", "2")
    assert stage.apply(text).exit_code == 0
    assert tag(stage) == f"{one}@1 {other}@2"
    assert len(around.updates[-1]["launchTemplate"]["overrides"]) == 2


def test_what_is_remembered_beyond_need_is_forgotten(around: Surrounded) -> None:
    """The tag alone is mended where no launch template moved."""
    stage, lt = around.stage, around.template()
    stage.apply(STACK)
    arn = stage.environment("lab-spot")["computeEnvironmentArn"]
    stage.world.tag_resource(resourceArn=arn, tags={LAUNCH_TAG: f"{lt}@1 lt-0@4"})
    assert stage.apply(STACK).exit_code == 0
    assert (stage.mutations, tag(stage)) == (["TagResource"], f"{lt}@1")


def test_a_replacement_is_made_with_the_version_of_now(around: Surrounded) -> None:
    """So that its tag is right from the start, and no update follows."""
    stage, lt = around.stage, around.template()
    stage.apply(OLD)
    around.version()
    around.linked_role()
    made = stage.plan(edit(OLD, ("subnet-1", "subnet-2")))
    (creation,) = (step for step in made.steps if step.call == "CreateComputeEnvironment")
    assert creation.arguments["tags"][LAUNCH_TAG] == f"{lt}@2"


def test_what_is_kept_of_two_is_not_made_anew(around: Surrounded) -> None:
    """Of a replacement that was cut short the new one stays, and takes up what moved since as any other does."""
    stage, lt = around.stage, around.template()
    around.linked_role()
    stage.apply(STACK)
    asked = Asked(replace=[SPOT])
    forks = stage.forks(lambda whole: whole.apply(STACK, asked=asked), reads=1000)
    around.version()
    stage = forks[0][1]
    stage.reconciler = attrs.evolve(
        stage.reconciler,
        connection=attrs.evolve(stage.reconciler.connection, other=around.stage.reconciler.connection.other),
    )
    stage.settle()
    assert stage.plan(STACK, asked=attrs.evolve(asked, update_image=[SPOT])).warnings == ()
    assert stage.apply(STACK, asked=asked).exit_code == 0
    (name,) = (one["computeEnvironmentName"] for one in stage._environments())
    assert name != "lab-spot"
    assert tag(stage, name) == f"{lt}@2"
    assert "CreateComputeEnvironment" not in stage.mutations
    assert stage.plan(STACK).empty


def test_an_update_that_ended_before_its_tag_is_made_again(around: Surrounded) -> None:
    """The tag is written last: better an update twice than a version that was never taken up."""
    stage, lt = around.stage, around.template()
    stage.apply(STACK)
    around.version()

    def die(**_: Any) -> None:
        raise Died(1)

    stage.batch.meta.events.register("before-call.batch.TagResource", die, unique_id="die")
    with pytest.raises(Died):
        stage.apply(STACK)
    stage.batch.meta.events.unregister("before-call.batch.TagResource", unique_id="die")
    assert tag(stage) == f"{lt}@1"
    assert stage.apply(STACK).exit_code == 0
    assert stage.mutations == ["UpdateComputeEnvironment", "TagResource"]
    assert tag(stage) == f"{lt}@2"


def test_where_there_is_no_infrastructure_update_it_is_refused(around: Surrounded) -> None:
    """With the way out: a new environment."""
    around.template()
    stage = around.stage
    stage.apply(OLD)
    around.version()
    told = refused(stage.plan(OLD))
    assert told.startswith(f"launch-template-version: its launch template went to another version ({TEMPLATE} from 1")
    assert "BEST_FIT" in told
    assert f"--replace {SPOT}" in told


@pytest.mark.parametrize("text", [PLAIN, STACK])
def test_what_is_not_there_is_told(around: Surrounded, text: str) -> None:
    """A launch template that does not exist keeps no plan from being made."""
    made = around.stage.plan(text)
    assert f"{SPOT}: there is no launch template {TEMPLATE}" in made.warnings
    assert made.refusals == ()


def test_more_versions_than_a_tag_can_hold_are_refused(around: Surrounded) -> None:
    """A tag holds 256 characters, and what could not be remembered could not be followed."""
    names = [f"lab-{number}" for number in range(10)]
    overrides = ", ".join(
        f"{{launchTemplateName: {name}, targetInstanceTypes: [c6i.{size}xlarge]}}" for size, name in enumerate(names, 2)
    )
    for name in (TEMPLATE, *names):
        around.template(name)
        for _ in range(10):
            around.version(name, default=True)
    text = edit(STACK, (", version: $Latest", f", version: $Latest, overrides: [{overrides}]"))
    assert refused(around.stage.plan(text)).startswith("launch-templates: ")


def test_nothing_moving_is_nothing_to_follow(around: Surrounded) -> None:
    """A version by its number changes by the manifest alone, and EC2 is not asked."""
    text = edit(STACK, ("version: $Latest", "version: '1'"))
    assert any("nothing to follow" in row for row in around.stage.plan(text).warnings)
    assert around.asked == {}


def test_who_does_not_follow_is_told_the_number(around: Surrounded) -> None:
    """Before an environment is made, and while it stands; nothing is done about it."""
    around.template()
    stage = around.stage
    now = f"{SPOT}: $Latest of launch template {TEMPLATE} is version"
    assert stage.plan(PLAIN).warnings == (f"{now} 1 now",)
    stage.apply(PLAIN)
    around.version()
    made = stage.plan(PLAIN)
    assert made.empty
    assert made.warnings == (f"{now} 2 now, which an infrastructure update takes up",)


def test_all_templates_are_asked_for_at_once(around: Surrounded) -> None:
    """One call, and one more for each where one of them is not there."""
    environments = "".join(
        f"  e{number}: {{type: MANAGED, computeResources: {{<<: *resources,"
        f" launchTemplate: {{launchTemplateName: lab-{number}}}}}}}\n"
        for number in range(3)
    )
    text = edit(PLAIN, ("computeResources:", "computeResources: &resources")) + environments
    for name in (TEMPLATE, "lab-0", "lab-1"):
        around.template(name)
    made = around.stage.plan(text)
    assert around.asked == {"DescribeLaunchTemplates": 1 + 4}
    assert [row for row in made.warnings if "there is no" in row] == [
        "compute_environment.e2: there is no launch template lab-2"
    ]
    around.template("lab-2")
    around.asked.clear()
    around.stage.plan(text)
    assert around.asked == {"DescribeLaunchTemplates": 1}


def test_what_cannot_be_read_is_said_once_and_changes_nothing(around: Surrounded) -> None:
    """The tag stays as it is until the number can be read again."""
    stage, lt = around.stage, around.template()
    stage.apply(STACK)
    around.alone()
    made = stage.plan(STACK)
    assert made.empty
    assert made.warnings == ("not looked at: launch templates (there is no client of EC2)",)
    assert tag(stage) == f"{lt}@1"


def test_an_image_is_updated_once(around: Surrounded) -> None:
    """It is something to do, not something to be: seen nowhere, and neither waited for nor done again."""
    stage = around.stage
    stage.apply(BARE)
    report = stage.apply(BARE, asked=Asked(update_image=[SPOT]))
    assert (report.exit_code, around.updates) == (0, [{"updateToLatestImageVersion": True}])
    assert report.residue is not None
    assert report.residue.empty
    assert stage.plan(BARE).empty
    assert around.asked == {}


def test_an_image_update_goes_along_with_other_changes(around: Surrounded) -> None:
    """In one call, and the template that it takes up is remembered."""
    stage, lt = around.stage, around.template()
    stage.apply(STACK)
    around.version()
    text = edit(STACK, ("maxvCpus: 64", "maxvCpus: 32"))
    held = stage.plan(text, asked=Asked(update_image=[SPOT]))
    assert stage.apply(text, held=held, asked=Asked(update_image=[SPOT])).exit_code == 0
    (update,) = around.updates
    assert update["updateToLatestImageVersion"] is True
    assert update["maxvCpus"] == 32
    assert tag(stage) == f"{lt}@2"


def test_an_image_update_needs_its_regime(around: Surrounded) -> None:
    """Told in the words of the rule that stands in its way."""
    stage = around.stage
    around.template()
    stage.apply(OLD)
    assert "BEST_FIT" in refused(stage.plan(OLD, asked=Asked(update_image=[SPOT])))


def test_fargate_has_no_images() -> None:
    """AWS keeps them."""
    stage = Stage.new()
    stage.apply(FARGATE)
    assert "only environments of EC2 and SPOT" in refused(stage.plan(FARGATE, asked=Asked(update_image=[SPOT])))


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("imageId: ami-1", "imageId says ami-1"),
        (
            "ec2Configuration: [{imageType: ECS_AL2023, imageIdOverride: ami-2}]",
            "imageIdOverride says ami-2",
        ),
        (f"launchTemplate: {{launchTemplateName: {TEMPLATE}}}", f"version $Default of launch template {TEMPLATE} says"),
    ],
)
def test_an_image_that_is_named_keeps_the_newest_away(around: Surrounded, named: str, told: str) -> None:
    """AWS does not heed the order then, which is told and done all the same."""
    around.template(ImageId="ami-3")
    text = edit(PLAIN, (NAMED, named))
    around.stage.apply(text)
    made = around.stage.plan(text, asked=Asked(update_image=[SPOT]))
    assert [row for row in made.warnings if told in row and "does not take the newest image" in row]
    assert len(made.steps) == 1


def test_what_is_made_now_has_the_newest_image(around: Surrounded) -> None:
    """So there is nothing to update."""
    made = around.stage.plan(BARE, asked=Asked(update_image=[SPOT]))
    assert [step.call for step in made.steps] == ["CreateComputeEnvironment"]
    assert any("made with the newest image" in row for row in made.warnings)


@pytest.mark.parametrize("other", ["compute_environment.nobody", "job_queue.spot"])
def test_only_an_environment_of_the_manifest_has_an_image(other: str) -> None:
    """An address that is something else is told."""
    with pytest.raises(InputError, match=other):
        Stage.new().reconciler.plan(manifest(BARE), asked=Asked(update_image=[address(other)]))
