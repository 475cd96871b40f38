"""One change of a manifest, the calls that it takes, and the world that it leaves."""

from collections.abc import Mapping, Sequence

import pytest

from tests.kit import ACCOUNT, LAB, REGION, Stage, cut, edit, manifest, on_stage

ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}"
CHANGES: Mapping[str, tuple[str, Sequence[str], Mapping[str, int]]] = {
    "an image": (edit(LAB, ("align:1", "align:2")), ["RegisterJobDefinition"], {"register": 1}),
    "a priority": (edit(LAB, ("priority: 10", "priority: 11")), ["UpdateJobQueue"], {"update": 1}),
    "the order of a queue": (edit(LAB, ("[spot, ondemand]", "[ondemand, spot]")), ["UpdateJobQueue"], {"update": 1}),
    "a new tag": (edit(LAB, ("high: {", "high: {tags: {a: b}, ")), ["TagResource"], {"tag": 1}),
    "another value of a tag": (
        edit(LAB, ("high: {", "high: {tags: {team: red}, ")),
        ["TagResource"],
        {"tag": 1},
    ),
    "a tag of everything": (edit(LAB, ("team: blue", "team: red")), ["TagResource"] * 7, {"tag": 7}),
    "no tag any more": (edit(LAB, ("tags: {team: blue}", "tags: {}")), ["UntagResource"] * 7, {"untag": 7}),
    "a tag for another": (edit(LAB, ("team:", "squad:")), ["TagResource", "UntagResource"] * 7, {"tag": 7}),
    "a share": (
        edit(LAB, ("shareDecaySeconds: 600", "shareDecaySeconds: 60")),
        ["UpdateSchedulingPolicy"],
        {"update": 1},
    ),
    "the size of two environments": (
        edit(LAB, ("maxvCpus: 64", "maxvCpus: 128")),
        ["UpdateComputeEnvironment"] * 2,
        {"update": 2},
    ),
    "instance types": (
        edit(LAB, ("[c6i]", "[c6i, m6i]")),
        ["UpdateComputeEnvironment"] * 2,
        {"update": 2},
    ),
    "a definition less": (cut(LAB, "  sort:"), ["DeregisterJobDefinition"], {"delete": 1}),
    "a policy less": (
        cut(LAB, "schedulingPolicies:", "computeEnvironments:"),
        ["DeleteSchedulingPolicy"],
        {"delete": 1},
    ),
    "a queue less": (
        cut(LAB, "  low: {priority: 1, computeEnvironmentOrder: [ondemand]}", "jobDefinitions:"),
        ["UpdateJobQueue", "DeleteJobQueue"],
        {"delete": 1},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@on_stage()
def test_a_change_takes_its_calls_and_no_other(stage: Stage, change: str) -> None:
    """What changes is what is called for; the rest of the world stays, and the next plan is empty."""
    text, calls, summary = CHANGES[change]
    assert stage.apply(LAB).exit_code == 0
    before = stage.all
    planned = stage.plan(text)
    report = stage.apply(text)
    assert {action: count for action, count in planned.summary.items() if action != "noop"} == summary
    assert report.exit_code == 0
    assert sorted(stage.mutations) == sorted(calls)
    assert len(set(before) ^ set(stage.all)) == summary.get("delete", 0) + summary.get("register", 0)
    assert stage.plan(text).empty
    back = stage.apply(LAB)
    assert back.exit_code == 0
    assert stage.plan(LAB).empty


@on_stage()
def test_old_revisions_go_beyond_keep(stage: Stage) -> None:
    """A definition keeps three revisions of ours, the new one included; the oldest goes in the same apply."""
    stage.apply(LAB)
    for number in range(2, 6):
        report = stage.apply(edit(LAB, ("align:1", f"align:{number}")))
        assert report.exit_code == 0
        gone = ["DeregisterJobDefinition"] if number > 3 else []
        assert stage.mutations == ["RegisterJobDefinition", *gone]
    assert stage.revisions("lab-align") == [3, 4, 5]
    assert stage.revisions("lab-sort") == [1]


@on_stage()
def test_a_smaller_keep_deregisters_and_registers_nothing(stage: Stage) -> None:
    """Less to keep is deregistrations only, of the oldest."""
    for number in range(1, 4):
        stage.apply(edit(LAB, ("align:1", f"align:{number}")))
    text = edit(LAB, ("align:1", "align:3"), ("  align:\n", "  align:\n    rollout: {keep: 1}\n"))
    assert stage.apply(text).exit_code == 0
    assert stage.mutations == ["DeregisterJobDefinition"] * 2
    assert stage.revisions("lab-align") == [3]


@on_stage()
def test_drift_is_seen_and_healed_by_one_call(stage: Stage) -> None:
    """What somebody changes behind our back is a change of the plan, and one call brings it back."""
    stage.apply(LAB)
    stage.world.update_job_queue(jobQueue="lab-high", priority=99)
    stage.settle()
    seen = stage.reconciler.drift(manifest(LAB))
    assert [str(change.address) for change in seen.changes if change.differences] == ["job_queue.high"]
    assert [(row.path, row.before, row.after) for change in seen.changes for row in change.differences] == [
        ("priority", 99, 10)
    ]
    assert stage.apply(LAB).exit_code == 0
    assert stage.mutations == ["UpdateJobQueue"]
    assert stage.queue("lab-high")["priority"] == 10


@on_stage()
def test_what_was_deleted_behind_our_back_is_made_again(stage: Stage) -> None:
    """A queue that somebody deleted is created again, and nothing else is touched."""
    stage.apply(LAB)
    stage.world.update_job_queue(jobQueue="lab-low", state="DISABLED")
    stage.settle()
    stage.world.delete_job_queue(jobQueue="lab-low")
    stage.settle()
    assert stage.apply(LAB).exit_code == 0
    assert stage.mutations == ["CreateJobQueue"]
    assert stage.queue("lab-low")["status"] == "VALID"


@on_stage()
def test_a_queue_that_is_still_being_deleted_is_waited_for(stage: Stage) -> None:
    """A name is taken until its old holder is gone: the plan waits for that, then makes the new one."""
    stage.apply(LAB)
    stage.world.update_job_queue(jobQueue="lab-low", state="DISABLED")
    stage.settle()
    stage.world.delete_job_queue(jobQueue="lab-low")
    assert stage.queue("lab-low")["status"] == "DELETING"
    assert stage.apply(LAB).exit_code == 0
    assert stage.mutations == ["CreateJobQueue"]
    assert stage.queue("lab-low")["status"] == "VALID"


@on_stage()
def test_fields_that_only_an_update_takes_follow_the_create(stage: Stage) -> None:
    """A new environment with an update policy is created, waited for, and updated."""
    text = edit(LAB, ("    type: MANAGED\n", "    type: MANAGED\n    updatePolicy: {jobExecutionTimeoutMinutes: 60}\n"))
    assert stage.apply(text).exit_code == 0
    assert stage.calls["CreateComputeEnvironment"] == stage.calls["UpdateComputeEnvironment"] == 2
    assert stage.environment("lab-spot")["updatePolicy"]["jobExecutionTimeoutMinutes"] == 60


@on_stage()
def test_an_empty_member_of_a_definition_is_nobodys_business(stage: Stage) -> None:
    """Batch refuses `retryStrategy: {}` where it takes a definition without one: the two are one wish."""
    empty = edit(LAB, ("    type: container\n", "    type: container\n    retryStrategy: {}\n    timeout: {}\n"))
    assert stage.apply(empty).exit_code == 0
    assert stage.plan(LAB).empty


@on_stage()
def test_an_empty_member_within_a_definition_is_not_sent(stage: Stage) -> None:
    """Batch refuses networks of containers on EC2, and devices on Fargate: without an entry there are none."""
    empty = """
stack: lab
jobDefinitions:
  machine:
    type: container
    containerProperties: {image: busybox, vcpus: 1, memory: 512, networkConfiguration: {}}
  task:
    type: container
    platformCapabilities: [FARGATE]
    containerProperties:
      image: busybox
      executionRoleArn: arn:aws:iam::123456789012:role/runs-tasks
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "2048"}]
      linuxParameters: {initProcessEnabled: true, devices: [], tmpfs: []}
"""
    assert stage.apply(empty).exit_code == 0
    assert stage.plan(empty).empty
    assert stage.plan(edit(empty, (", networkConfiguration: {}", ""), (", devices: [], tmpfs: []", ""))).empty


@pytest.mark.parametrize("name", ["spot", "compute_environment.spot", f"{ARN}:compute-environment/lab-spot"])
@on_stage()
def test_an_ignored_place_in_a_queue_stays_where_others_put_it(stage: Stage, name: str) -> None:
    """By whichever name of the environment; the rest of the queue changes."""
    kept = f"lifecycle: {{ignore: ['computeEnvironmentOrder[{name}].order']}}, priority: 10"
    stage.apply(LAB)
    order = stage.queue("lab-high")["computeEnvironmentOrder"]
    moved = [{**entry, "order": 7} if entry["computeEnvironment"].endswith("spot") else entry for entry in order]
    stage.world.update_job_queue(jobQueue="lab-high", computeEnvironmentOrder=moved)
    stage.settle()
    assert stage.plan(edit(LAB, ("priority: 10", kept))).empty
    assert stage.apply(edit(LAB, ("priority: 10", kept.replace("10", "11")))).exit_code == 0
    assert stage.mutations == ["UpdateJobQueue"]
    assert stage.queue("lab-high")["computeEnvironmentOrder"] == moved


NEEDS = 'resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]'
ALIGN = f"""
stack: lab
policy: {{adopt: true}}
jobDefinitions:
  align:
    type: container
    containerProperties:
      image: "align:1"
      {NEEDS}
      environment: [{{name: A, value: a}}, {{name: B, value: b}}]
    retryStrategy: {{attempts: 2, evaluateOnExit: [{{onReason: "Host*", action: RETRY}}]}}
"""
SPELT: Mapping[str, Sequence[tuple[str, str]]] = {
    "the order of keys": [("    type: container\n", ""), ("action: RETRY}]}", "action: RETRY}]}\n    type: container")],
    "the order of lists": [
        (NEEDS, 'resourceRequirements: [{type: MEMORY, value: "512"}, {type: VCPU, value: "1"}]'),
        ("[{name: A, value: a}, {name: B, value: b}]", "[{name: B, value: b}, {name: A, value: a}]"),
    ],
    "defaults": [
        ("    type: container\n", "    type: container\n    platformCapabilities: [EC2]\n    propagateTags: false\n"),
        ('image: "align:1"', 'image: "align:1"\n      privileged: false\n      readonlyRootFilesystem: false'),
    ],
    "empty lists": [('image: "align:1"', 'image: "align:1"\n      command: []\n      secrets: []\n      ulimits: []')],
    "the case of enums": [("action: RETRY", "action: retry"), ("type: VCPU", "type: vcpu")],
    "an empty value of the environment": [("{name: A, value: a},", '{name: A, value: a}, {name: E, value: ""},')],
}


@pytest.mark.parametrize("how", SPELT)
@pytest.mark.parametrize("back", [False, True])
@on_stage()
def test_another_spelling_registers_nothing(stage: Stage, how: str, back: bool) -> None:
    """Whichever of two ways was registered, the other is no change of it."""
    ways = [ALIGN, edit(ALIGN, *SPELT[how])]
    first, second = reversed(ways) if back else ways
    assert stage.apply(first).exit_code == 0
    assert stage.plan(second).empty
    assert stage.apply(second).exit_code == 0
    assert stage.mutations == []
    assert stage.revisions("align") == [1]


@on_stage()
def test_tags_stay_with_the_current_revision(stage: Stage) -> None:
    """They are edited in place on the newest revision, and on no other."""
    stage.apply(ALIGN)
    second = edit(ALIGN, ("align:1", "align:2"))
    stage.apply(second)
    assert (
        stage.apply(edit(second, ("    type: container\n", "    type: container\n    tags: {a: b}\n"))).exit_code == 0
    )
    assert stage.mutations == ["TagResource"]
    found = stage.world.describe_job_definitions(jobDefinitionName="align")["jobDefinitions"]
    assert {one["revision"]: one["tags"].get("a") for one in found} == {1: None, 2: "b"}


@on_stage()
def test_pinned_revisions_outlive_the_others(stage: Stage) -> None:
    """Each apply lets the oldest go, past those that are pinned, until the pin goes too."""
    rollout = "    type: container\n    rollout: {keep: 1}\n"
    for number in range(1, 6):
        text = edit(ALIGN, ("align:1", f"align:{number}"), ("    type: container\n", rollout))
        pinned = text + "    lifecycle: {pinned: [1, 2]}\n"
        assert stage.apply(pinned).exit_code == 0
        assert stage.plan(pinned).empty
    assert stage.revisions("align") == [1, 2, 5]
    assert stage.apply(text).exit_code == 0
    assert stage.mutations == ["DeregisterJobDefinition"] * 2
    assert stage.revisions("align") == [5]


@on_stage()
def test_an_old_definition_is_taken_over_as_it_is(stage: Stage) -> None:
    """One with vcpus and memory is adopted, told about, and migrated with the next change or when that is said."""
    plain = cut(ALIGN, "      environment: [{name: A, value: a}, {name: B, value: b}]")
    container = {"image": "align:1", "vcpus": 1, "memory": 512}
    stage.world.register_job_definition(jobDefinitionName="align", type="container", containerProperties=container)
    assert stage.apply(plain).exit_code == 0
    assert stage.mutations == ["TagResource"]
    again = stage.plan(plain)
    assert again.empty
    assert [warning for warning in again.warnings if "rollout.migrate" in warning]
    assert not [change for change in stage.reconciler.drift(manifest(plain)).changes if change.differences]
    moved = plain + "    rollout: {migrate: true}\n"
    assert stage.apply(moved).exit_code == 0
    assert stage.mutations == ["RegisterJobDefinition"]
    for text in (plain, moved):
        done = stage.plan(text)
        assert (done.empty, done.warnings) == (True, ())


ROLE = """
stack: lab
computeEnvironments:
  fargate:
    type: MANAGED
    serviceRole: arn:aws:iam::123456789012:role/service-role/old
    computeResources: {type: FARGATE, maxvCpus: 4, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""


@pytest.mark.parametrize("name", ["new", "/service-role/new"])
@on_stage()
def test_a_role_may_be_named_without_its_arn(stage: Stage, name: str) -> None:
    """The ARN that AWS shows of the name that was sent ends the wait, and is no difference afterwards."""
    stage.apply(ROLE)
    wanted = edit(ROLE, ("arn:aws:iam::123456789012:role/service-role/old", name))
    report = stage.apply(wanted)
    assert (report.exit_code, stage.mutations) == (0, ["UpdateComputeEnvironment"])
    assert report.seconds < 60
    assert stage.environment("fargate")["serviceRole"].endswith(f":role/{name.lstrip('/')}")
    assert stage.plan(wanted).empty


@on_stage()
def test_a_disabled_environment_is_made_in_two_calls(stage: Stage) -> None:
    """It is ENABLED for a moment, since AWS creates no other."""
    text = edit(ROLE, ("    type: MANAGED\n", "    type: MANAGED\n    state: DISABLED\n"))
    assert stage.apply(text).exit_code == 0
    assert stage.mutations == ["CreateComputeEnvironment", "UpdateComputeEnvironment"]
    assert stage.environment("fargate")["state"] == "DISABLED"
    assert stage.plan(text).empty
