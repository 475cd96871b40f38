"""Job definitions: what makes a new revision and what does not, whose revisions are whose, and which ones go."""

from typing import Any

import attrs
import pytest

from plans.plan import NOW
from plans.policy import Policy
from providers.resources import ADDRESS_TAG, DIGEST_TAG, PROTECT_TAG, REGISTERED_TAG, STACK_TAG
from tests.plans.core import (
    actions,
    arn,
    change,
    codes,
    definition,
    ids,
    live,
    plan,
    revision,
    step,
    tags,
)

ADDRESS = "job_definition.align"
REGISTER = f"register:{ADDRESS}"
CHANGED = definition().replace("busybox", "busybox:2")


def deregistered(made: Any) -> list[str]:
    return [
        each.arguments["jobDefinition"].rpartition(":")[2]
        for each in made.steps
        if each.call == "DeregisterJobDefinition"
    ]


def test_the_first_revision_is_a_creation() -> None:
    """It carries our tags, a digest of what it means, and the time of the call."""
    made = plan(definition())
    assert actions(made) == {ADDRESS: "create"}
    assert ids(made) == [REGISTER]
    sent = step(made, REGISTER).arguments["tags"]
    assert {key: sent[key] for key in (STACK_TAG, ADDRESS_TAG, REGISTERED_TAG)} == {
        STACK_TAG: "lab",
        ADDRESS_TAG: ADDRESS,
        REGISTERED_TAG: NOW,
    }
    assert sent[DIGEST_TAG] == revision().tags[DIGEST_TAG]


def test_a_new_revision_shows_the_tags_that_come_with_it() -> None:
    """They are part of the change, and go with the registration, not in calls of their own."""
    made = plan(CHANGED + "    tags: {team: new}\n", revision())
    differences = [(row.path, row.before, row.after) for row in change(made, ADDRESS).differences]
    assert ("tags[team]", None, "new") in differences
    assert ids(made) == [REGISTER]
    assert step(made, REGISTER).arguments["tags"]["team"] == "new"


def test_a_plan_names_the_revisions_that_go() -> None:
    """Of a registration beyond `keep`, and of a definition that left the manifest."""
    made = plan(CHANGED + "    rollout: {keep: 1}\n", revision())
    assert change(made, ADDRESS).differences[-1].path == "revisions[1]"


@pytest.mark.parametrize(("keep", "gone"), [(1, ["1"]), (2, []), (3, [])])
def test_a_forged_revision_neither_goes_nor_counts(keep: int, gone: list[str]) -> None:
    """Of three revisions with our tags one does not say what its digest tells: two are ours."""
    forged = attrs.evolve(revision(2), spec=revision(2, command=["other"]).spec)
    made = plan(definition(more=f"rollout: {{keep: {keep}}}"), revision(1), forged, revision(3))
    assert deregistered(made) == gone


def test_a_change_is_a_new_revision() -> None:
    """Named by its paths, sent whole."""
    made = plan(CHANGED, revision())
    assert actions(made) == {ADDRESS: "register"}
    assert [row.path for row in change(made, ADDRESS).differences] == ["containerProperties.image"]
    assert step(made, REGISTER).arguments["containerProperties"]["image"] == "busybox:2"
    assert step(made, REGISTER).call == "RegisterJobDefinition"


@pytest.mark.parametrize(
    "text",
    [
        definition(more="propagateTags: false"),
        definition(more="platformCapabilities: [EC2]"),
        definition(more="retryStrategy: {}\n    timeout: {}\n    parameters: {}"),
        definition(container="privileged: false\n      readonlyRootFilesystem: false"),
        definition(container="command: []\n      environment: []\n      volumes: []\n      ulimits: []"),
        definition(container="linuxParameters: {devices: [], tmpfs: []}"),
        definition(container="networkConfiguration: {assignPublicIp: DISABLED}"),
        definition(container="runtimePlatform: {operatingSystemFamily: LINUX, cpuArchitecture: X86_64}"),
        definition().replace("type: container", "type: CONTAINER"),
        definition().replace('value: "1"', 'value: "1.0"').replace("512", "0512"),
        definition().replace(
            '[{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]',
            '[{type: MEMORY, value: "512"}, {type: VCPU, value: "1"}]',
        ),
        definition(container='environment: [{name: EMPTY, value: ""}]'),
    ],
)
def test_another_way_to_say_the_same_is_no_revision(text: str) -> None:
    """Order, defaults, empties, case, and numbers as text (hashicorp/terraform-provider-aws#19624)."""
    assert plan(text, revision()).empty


def test_sets_and_named_lists_have_no_order() -> None:
    """Environment, secrets, mounts, limits and volumes are told apart by name."""
    environment = [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]
    text = definition(container="environment: [{name: A, value: '1'}, {name: B, value: '2'}]")
    assert plan(text, revision(environment=environment)).empty
    assert not plan(text, revision(environment=environment, command=["x"])).empty


def test_a_command_has_an_order() -> None:
    """Its words are not a set."""
    assert actions(plan(definition(container="command: [a, b]"), revision(command=["b", "a"]))) == {ADDRESS: "register"}


def test_a_retry_comes_back_in_lower_case() -> None:
    """AWS answers `retry` where RETRY was sent, and keeps the order of conditions."""
    text = definition(more="retryStrategy: {attempts: 2, evaluateOnExit: [{onReason: 'x*', action: RETRY}]}")
    retry = {"attempts": 2, "evaluateOnExit": [{"onReason": "x*", "action": "retry"}]}
    assert plan(text, revision(top={"retryStrategy": retry})).empty


def test_priority_zero_is_not_the_lack_of_one() -> None:
    """A fair-share queue refuses jobs without a priority (hashicorp/terraform-provider-aws#31226)."""
    made = plan(definition(more="schedulingPriority: 0"), revision())
    assert actions(made) == {ADDRESS: "register"}


def test_what_aws_drops_is_told() -> None:
    """An environment variable without a value is warned of by name."""
    made = plan(definition(container='environment: [{name: EMPTY, value: ""}, {name: FULL, value: x}]'))
    assert [warning for warning in made.warnings if "EMPTY" in warning]
    assert not [warning for warning in made.warnings if "FULL" in warning]


OLD = definition().replace(
    'resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]', "vcpus: 1\n      memory: 512"
)
SHOWN_OLD: dict[str, Any] = {"resourceRequirements": [], "vcpus": 1, "memory": 512}
HALF: dict[str, Any] = {"resourceRequirements": [{"type": "MEMORY", "value": "512"}], "vcpus": 1}
BOTH: dict[str, Any] = {"vcpus": 1, "memory": 512}
MIGRATE = "    rollout: {migrate: true}\n"


@pytest.mark.parametrize(
    ("text", "shown", "live_says", "manifest_says"),
    [
        (definition(), SHOWN_OLD, "vcpus and memory", "resourceRequirements"),
        (OLD, {}, "resourceRequirements", "vcpus and memory"),
        (definition(), HALF, "vcpus and resourceRequirements", "resourceRequirements"),
        (definition(), BOTH, "vcpus and memory and resourceRequirements", "resourceRequirements"),
    ],
)
def test_vcpus_and_requirements_are_a_migration(
    text: str, shown: dict[str, Any], live_says: str, manifest_says: str
) -> None:
    """The same in effect, but not to overrides of jobs (aws/aws-cdk#16328, nextstrain/cli#144): told, and done only
    where that is asked for."""
    found = revision(**shown)
    made = plan(text, found)
    assert made.empty
    assert made.warnings == (
        f"{ADDRESS}: in containerProperties the live revision says {live_says} where the manifest says {manifest_says}:"
        " the same in effect, but overrides of jobs behave differently; rollout.migrate: true registers a revision",
    )
    made = plan(text + MIGRATE, found)
    assert (ids(made), made.warnings) == ([REGISTER], ())
    assert [row.path for row in change(made, ADDRESS).differences]


@pytest.mark.parametrize(
    "shown", [{**SHOWN_OLD, "memory": 1024}, {**SHOWN_OLD, "memory": None}, {"vcpus": 2}, {**SHOWN_OLD, "user": "x"}]
)
def test_with_another_difference_the_new_way_comes_along(shown: dict[str, Any]) -> None:
    """A revision that is registered anyway says what the manifest says, in its words."""
    made = plan(definition(), revision(**shown))
    assert (ids(made), made.warnings) == ([REGISTER], ())
    sent = step(made, REGISTER).arguments["containerProperties"]
    assert "vcpus" not in sent
    assert len(sent["resourceRequirements"]) == 2


def test_the_old_way_changes_nothing_about_whose_a_revision_is() -> None:
    """Its seal is of what it says: ours stays ours, one with a wrong seal is somebody else's, nobody's is adopted."""
    found = revision(**SHOWN_OLD)
    assert deregistered(plan(definition(more="rollout: {keep: 1}"), revision(1), revision(2, **SHOWN_OLD))) == ["1"]
    assert codes(plan(definition(), revision(sealed=False, **SHOWN_OLD))) == [(ADDRESS, "foreign-revision")]
    made = plan(definition(more="rollout: {foreign: supersede}"), revision(sealed=False, **SHOWN_OLD))
    assert ids(made) == [REGISTER]
    made = plan(definition(), revision(stack=None, **SHOWN_OLD), policy=Policy(adopt=True))
    assert ids(made) == [f"tag:{ADDRESS}"]
    assert step(made, f"tag:{ADDRESS}").arguments["tags"][DIGEST_TAG] == found.tags[DIGEST_TAG]


NODES = """
jobDefinitions:
  align:
    type: multinode
    nodeProperties:
      numNodes: 3
      mainNode: 0
      nodeRangeProperties:
      - {targetNodes: "0", container: {image: a, vcpus: 1, memory: 512}}
      - {targetNodes: "1:", container: {image: b, resourceRequirements: [{type: VCPU, value: "2"},
          {type: MEMORY, value: "512"}]}}
"""


def test_nodes_migrate_by_their_ranges() -> None:
    """Each range is told by itself, and only those that are spelt differently."""
    needs = [{"type": "MEMORY", "value": "512"}, {"type": "VCPU", "value": "2"}]
    first = {"targetNodes": "0", "container": {"image": "a", "vcpus": 1, "memory": 512, "resourceRequirements": []}}
    second = {"targetNodes": "1:", "container": {"image": "b", "vcpus": 2, "memory": 512, "resourceRequirements": []}}
    shown = {"type": "multinode", "containerProperties": None}

    def found(*ranges: Any) -> Any:
        nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": [*ranges]}
        return revision(top={**shown, "nodeProperties": nodes})

    made = plan(NODES, found(second, first))
    assert made.empty
    (warning,) = made.warnings
    assert "in nodeProperties.nodeRangeProperties[1:].container the live revision says vcpus and memory" in warning
    assert ids(plan(NODES + MIGRATE, found(second, first))) == [REGISTER]
    newer = {"targetNodes": "1:", "container": {"image": "b", "resourceRequirements": needs}}
    made = plan(NODES + MIGRATE, found(newer, first))
    assert (made.empty, made.warnings) == (True, ())


def test_the_highest_active_revision_is_compared() -> None:
    """Whatever order describe answers in."""
    family = [revision(9), revision(10, command=["newest"]), revision(1)]
    for shown in (family, family[::-1], sorted(family, key=lambda one: one.arn)):
        made = plan(definition(more="rollout: {keep: 9}"), *shown)
        (row,) = change(made, ADDRESS).differences
        assert (row.path, row.before, row.after) == ("containerProperties.command", ["newest"], None)


def test_the_order_of_keys_is_no_difference() -> None:
    """Neither in the manifest nor in what describe answers."""
    shown = revision()
    turned = {key: shown.spec[key] for key in reversed([*shown.spec])}
    turned["containerProperties"] = dict(reversed([*shown.spec["containerProperties"].items()]))
    assert plan(definition(), attrs.evolve(shown, spec=turned)).empty


def test_tags_are_edited_on_the_revision() -> None:
    """They are no reason for a new one, and none of ours about it is lost."""
    text = definition(more="tags: {team: b, new: c}")
    made = plan(text, revision(1), revision(2, registered="2026-01-01T00:00:00+00:00", more={"team": "a", "old": "x"}))
    assert actions(made) == {ADDRESS: "tag"}
    assert ids(made) == [f"tag:{ADDRESS}", f"untag:{ADDRESS}"]
    tag, untag = made.steps
    assert tag.arguments == {"resourceArn": arn("job_definition", "align:2"), "tags": {"new": "c", "team": "b"}}
    assert untag.arguments["tagKeys"] == ["old"]
    assert untag.after == (tag.id,)


def test_a_new_revision_takes_ignored_tags_along() -> None:
    """Those of others stay, those of AWS are AWS's, those that left the manifest go."""
    shown = revision(more={"map-1": "m", "aws:cloudformation:stack": "s", "old": "x"})
    made = plan(CHANGED, shown, policy=Policy(ignore_tags=("map-*",)))
    sent = step(made, REGISTER).arguments["tags"]
    assert sent["map-1"] == "m"
    assert not {"old", "aws:cloudformation:stack"} & set(sent)


FAMILY = [revision(number) for number in range(1, 6)]


def test_the_last_three_stay() -> None:
    """The new one counts; the oldest goes first, and only once the new one is seen."""
    made = plan(CHANGED, *FAMILY)
    assert deregistered(made) == ["1", "2", "3"]
    assert [each.after for each in made.steps] == [(), *((each.id,) for each in made.steps[:-1])]
    goal = step(made, REGISTER).goal
    assert goal is not None
    assert goal.until == "seen"


@pytest.mark.parametrize(("keep", "gone"), [(1, ["1", "2", "3", "4", "5"]), (2, ["1", "2", "3", "4"]), (9, [])])
def test_as_many_stay_as_are_to_be_kept(keep: int, gone: list[str]) -> None:
    """`keep` counts the revisions after the change."""
    made = plan(definition(more=f"rollout: {{keep: {keep}}}").replace("busybox", "busybox:2"), *FAMILY)
    assert deregistered(made) == gone


def test_pinned_revisions_stay_and_do_not_count() -> None:
    """Neither `keep` nor `keepFor` lets them go; without the pin they go like all others."""
    pinned = "    lifecycle: {pinned: [1, 3]}\n"
    assert deregistered(plan(CHANGED + pinned, *FAMILY)) == ["2"]
    assert deregistered(plan(definition(more="rollout: {keep: 1}") + pinned, *FAMILY)) == ["2", "4"]
    aged = [revision(number, registered=AGES[0]) for number in range(1, 6)]
    assert deregistered(plan(definition(more="rollout: {keep: 1, keepFor: 7d}") + pinned, *aged)) == ["2", "4"]
    assert deregistered(plan(definition(more="rollout: {keep: 1}"), *FAMILY)) == ["1", "2", "3", "4"]


def test_a_pin_that_holds_nothing_is_told() -> None:
    """It names no ACTIVE revision, or one of somebody else; a pin that holds is not."""
    text = definition(more="lifecycle: {pinned: [1, 2, 3, 7, 7]}")
    shown = [revision(1), revision(2, stack=None), revision(3, sealed=False), revision(4)]
    made = plan(text, *shown)
    assert made.empty
    assert made.warnings == tuple(
        f"{ADDRESS}: lifecycle.pinned says {number}, which is no ACTIVE revision of ours" for number in (2, 3, 7)
    )
    assert len(plan(text).warnings) == 4
    kept = plan(text + "    rollout: {foreign: keep}\n", *shown, revision(5, stack=None))
    assert kept.warnings == made.warnings


def test_pins_of_a_block_that_left_hold_nothing() -> None:
    """A definition that is pruned goes with all its revisions."""
    assert deregistered(plan(definition("other"), revision(1), revision(2))) == ["1", "2"]


def test_keep_works_without_a_change() -> None:
    """A lower number takes effect at once, as an update."""
    made = plan(definition(more="rollout: {keep: 4}"), *FAMILY)
    assert deregistered(made) == ["1"]
    assert actions(made) == {ADDRESS: "update"}
    (leaving,) = change(made, ADDRESS).differences
    assert (leaving.path, leaving.before, leaving.after) == ("revisions[1]", "ACTIVE", "INACTIVE")
    assert leaving.why == "rollout.keep: 4 revisions stay"
    (alone,) = change(plan(definition(more="rollout: {keep: 1}"), *FAMILY[-2:]), ADDRESS).differences
    assert alone.why == "rollout.keep: 1 revision stays"


def test_revisions_of_others_are_never_deregistered() -> None:
    """Nor do they count, nor those that are ours by tag alone."""
    others = [revision(2, stack=None), revision(3, stack="other"), revision(4, sealed=False)]
    text = definition(more="rollout: {keep: 2}").replace("busybox", "busybox:2")
    made = plan(text, revision(1), *others, *[revision(n) for n in (5, 6)])
    assert deregistered(made) == ["1", "5"]


AGES = ["2026-12-01T00:00:00+00:00", "2027-01-14T00:00:00+00:00", None, "no time", "2026-12-01T00:00:00"]


@pytest.mark.parametrize(("registered", "goes"), [*zip(AGES, [True, False, False, False, False], strict=True)])
def test_the_young_and_those_of_unknown_age_stay(registered: str | None, goes: bool) -> None:
    """Under `keepFor` a revision goes once it is that old; now is 2027-01-15 08:00 UTC."""
    text = definition(more="rollout: {keep: 1, keepFor: 7d}")
    made = plan(text, revision(1, registered=registered), revision(2))
    assert deregistered(made) == (["1"] if goes else [])


FOREIGN = [
    revision(2, stack=None, command=["theirs"]),
    revision(2, stack="other", command=["theirs"]),
    revision(2, stack=None),
    revision(2, sealed=False, command=["edited"]),
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_newer_revision_of_somebody_else_is_refused(foreign: Any) -> None:
    """By default; a copy of our tags on other content is somebody else's too."""
    made = plan(definition(), revision(1), foreign)
    assert codes(made) == [(ADDRESS, "foreign-revision")]
    assert made.steps == ()


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_newer_revision_of_somebody_else_is_kept(foreign: Any) -> None:
    """Under `keep` it is left, and so are ours."""
    made = plan(definition(more="rollout: {foreign: keep}"), revision(1), foreign)
    assert made.empty
    assert "somebody else" in change(made, ADDRESS).reason
    differs = "containerProperties.command" if foreign.spec["containerProperties"]["command"] else ""
    words = (
        f"{ADDRESS}: what the block says is held back by rollout.foreign: keep; revision 2 of align, which somebody"
        f" else registered, differs from it in {differs}"
    )
    assert made.warnings == ((words,) if differs else ())


def test_many_paths_that_are_held_back_are_counted() -> None:
    """Some are named; each plan says it again."""
    said = "command: [a], user: b, privileged: true, readonlyRootFilesystem: true, jobRoleArn: c, image: d, vcpus: 1"
    text = definition(container="", more="rollout: {foreign: keep}").replace(
        "image: busybox", said.replace(", ", "\n      ")
    )
    (warning,) = plan(text, revision(1), revision(2, stack=None)).warnings
    assert warning.endswith("containerProperties.readonlyRootFilesystem and 2 more")


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_newer_revision_of_somebody_else_is_superseded(foreign: Any) -> None:
    """Under `supersede` ours is registered over it; theirs is not deregistered."""
    made = plan(definition(more="rollout: {foreign: supersede, keep: 1}"), revision(1), foreign)
    assert ids(made) == [REGISTER, f"deregister:{ADDRESS}:1"]


def test_protection_outlives_a_revision_of_somebody_else() -> None:
    """The next revision of ours carries it on, though the newest one has none."""
    ours = revision(1, more={PROTECT_TAG: "true"})
    made = plan(definition(more="rollout: {foreign: supersede}"), ours, revision(2, stack=None, command=["theirs"]))
    assert step(made, REGISTER).arguments["tags"][PROTECT_TAG] == "true"


def test_a_revision_has_room_for_fifty_tags() -> None:
    """Ours and the ignored ones of the last revision count."""
    said = "    tags: {" + ", ".join(f"t{n}: x" for n in range(44)) + "}\n"
    ignored = {f"map-{n}": "x" for n in range(6)}
    made = plan(CHANGED + said, revision(more=ignored), policy=Policy(ignore_tags=("map-*",)))
    assert codes(made) == [(ADDRESS, "tags")]


def test_a_seal_that_is_lost_or_wrong_is_made_again() -> None:
    """A revision that carries our tags and holds what is wanted is ours, and is sealed so that it stays so."""
    for shown in (revision(sealed=False), attrs.evolve(revision(), tags=tags(ADDRESS))):
        made = plan(definition(), shown)
        assert ids(made) == [f"tag:{ADDRESS}"]
        assert step(made, f"tag:{ADDRESS}").arguments["tags"] == {DIGEST_TAG: revision().tags[DIGEST_TAG]}


def test_a_seal_of_other_rules_is_believed() -> None:
    """A later normal form must not make our own revisions somebody else's."""
    shown = revision(command=["x"])
    shown = attrs.evolve(shown, tags={**shown.tags, DIGEST_TAG: "n0-whatever"})
    assert actions(plan(definition(), shown)) == {ADDRESS: "register"}


def test_a_family_of_nobody_is_adopted() -> None:
    """Tagged and sealed where it holds what is wanted, registered over where not; older revisions stay theirs."""
    unowned = [revision(1, stack=None), revision(2, stack=None)]
    assert codes(plan(definition(), *unowned)) == [(ADDRESS, "name-taken")]
    made = plan(definition(), *unowned, policy=Policy(adopt=True))
    assert actions(made) == {ADDRESS: "adopt"}
    assert step(made, f"tag:{ADDRESS}").arguments == {
        "resourceArn": arn("job_definition", "align:2"),
        "tags": {STACK_TAG: "lab", ADDRESS_TAG: ADDRESS, DIGEST_TAG: revision().tags[DIGEST_TAG]},
    }
    made = plan(CHANGED, *unowned, policy=Policy(adopt=True))
    assert ids(made) == [REGISTER]


def test_a_family_of_another_stack_is_not_adopted() -> None:
    """One revision of theirs makes it theirs."""
    family = [revision(1, stack="other"), revision(2, stack=None)]
    assert codes(plan(definition(), *family, policy=Policy(adopt=True))) == [(ADDRESS, "owned-by-another")]


def test_another_name_is_a_replacement() -> None:
    """The old family would stay behind; it is not forgotten quietly."""
    made = plan(definition(more="physicalName: other"), revision(1), revision(2))
    assert actions(made) == {ADDRESS: "replace"}
    assert "it is called align" in change(made, ADDRESS).reason
    assert made.steps == ()


def test_an_address_on_two_families_is_refused() -> None:
    """Somebody copied tags; both names are told."""
    made = plan(definition(), revision(1), revision(1, "copied", address=ADDRESS))
    assert codes(made) == [(ADDRESS, "claimed-twice")]
    assert "align, copied" in made.refusals[0].message


def test_a_family_that_left_the_manifest_is_deregistered() -> None:
    """All our revisions of it, one after the other; what is not what we registered is left alone and told."""
    shown = [revision(1, "old"), revision(2, "old", sealed=False), revision(3, "old")]
    made = plan(definition(), revision(), *shown)
    assert ids(made) == ["deregister:job_definition.old:1", "deregister:job_definition.old:3"]
    assert "revision 2 of old" in made.warnings[0]
    assert actions(made)["job_definition.old"] == "delete"


def test_protection_is_that_of_the_newest_revision() -> None:
    """Older ones still carry the tag of their time."""
    old, new = revision(1, "old", more={PROTECT_TAG: "true"}), revision(2, "old")
    assert codes(plan(definition(), revision(), old, new)) == []
    new = revision(2, "old", more={PROTECT_TAG: "true"})
    assert codes(plan(definition(), revision(), old, new)) == [("job_definition.old", "protected")]


def test_a_default_that_is_another_member_is_told_as_it_is() -> None:
    """A device without a path in the container stands at that of its host."""
    text = definition(container="linuxParameters: {devices: [{hostPath: /dev/a, containerPath: /dev/b}]}")
    made = plan(text, revision(linuxParameters={"devices": [{"hostPath": "/dev/a"}]}))
    assert [(row.path, row.before, row.after) for row in change(made, ADDRESS).differences] == [
        ("containerProperties.linuxParameters.devices[/dev/a].containerPath", "/dev/a", "/dev/b")
    ]


CONSUMABLE = "\nconsumableResources:\n  licence: {totalQuantity: 4}\n"
USING = definition(
    more="consumableResourceProperties: {consumableResourceList: [{consumableResource: licence, quantity: 1}]}"
)


def test_a_consumable_is_the_same_by_name_and_by_arn() -> None:
    """Describe may show either."""
    licence = live("consumable_resource", "licence", {"resourceType": "REPLENISHABLE", "totalQuantity": 4})
    for shown in ("licence", licence.arn):
        entry = {"consumableResource": shown, "quantity": 1}
        assert plan(
            CONSUMABLE + USING,
            licence,
            revision(top={"consumableResourceProperties": {"consumableResourceList": [entry]}}),
        ).empty


def test_a_reference_that_names_nothing_any_more_is_shown_as_it_is() -> None:
    """A live revision may name what is gone, or what cannot be read here: that is a difference, not an accident."""
    entry = {"consumableResource": "gone", "quantity": 1}
    made = plan(definition(), revision(top={"consumableResourceProperties": {"consumableResourceList": [entry]}}))
    (row,) = change(made, ADDRESS).differences
    assert (row.path, row.after) == ("consumableResourceProperties", None)
    assert row.before["consumableResourceList"]["gone"]["consumableResource"] == "gone"


def test_fargate_shows_its_platform() -> None:
    """On Fargate LATEST and LINUX/X86_64 are what unsaid means."""
    shown = revision(
        top={"platformCapabilities": ["FARGATE"]},
        fargatePlatformConfiguration={"platformVersion": "LATEST"},
        runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
    )
    assert plan(definition(more="platformCapabilities: [fargate]"), shown).empty


def test_pods_have_their_defaults() -> None:
    """hostNetwork, dnsPolicy and the container's name are not echoed; quantities are numbers."""
    text = """
jobDefinitions:
  align:
    type: container
    eksProperties:
      podProperties:
        hostNetwork: true
        dnsPolicy: ClusterFirstWithHostNet
        containers: [{name: Default, image: busybox, resources: {limits: {cpu: "1.0", memory: 512Mi}}}]
"""
    pod = {
        "containers": [
            {"image": "busybox", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}, "args": [], "env": []}
        ],
        "initContainers": [],
        "volumes": [],
    }
    shown = live(
        "job_definition",
        "align",
        {"type": "container", "parameters": {}, "eksProperties": {"podProperties": pod}},
        arn=arn("job_definition", "align:1"),
        revision=1,
        status="ACTIVE",
    )
    made = plan(text, shown)
    assert ids(made) == [f"tag:{ADDRESS}"]
    assert [row.path for row in change(made, ADDRESS).differences] == [f"tags[{DIGEST_TAG}]"]
