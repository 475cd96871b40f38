"""Every field as a row, and the reasons that a plan tells from the same rules."""

import json
import re
from typing import Any

import pytest

from plans import fields
from plans.fields import BLOCK, MANIFEST, FieldRow, Note, Said, find, nearest
from tests.plans.core import KINDS, LINKED, ORDINARY, change, differing, environment, environments, plan, queue, queues
from tests.plans.core import fargate as on_fargate

ROWS = fields.rows(KINDS)
PUBLIC = re.compile(r"(inferred from )?(https://\S+|[\w.-]+/[\w.-]+#[0-9]+)")
API = "https://docs.aws.amazon.com/batch/latest/APIReference/API_"
ADDRESS = "compute_environment.one"


def row(path: str) -> FieldRow:
    (found,) = find(path, ROWS)
    return found


def verdicts(path: str) -> list[tuple[str, str]]:
    return [(ruling.rule, ruling.verdict) for ruling in row(path).rulings]


def test_every_field_has_its_row() -> None:
    """Of each kind every member that a manifest may say, its tags, and what only AWS says; of ours every key."""
    for kind in KINDS:
        told = {row.path for row in ROWS if row.kind == kind.name}
        said = {path for path, _ in kind.block.paths() if not path.endswith("[]")}
        everywhere = {row.path for row in ROWS if row.kind == BLOCK}
        assert told | everywhere >= said
        assert told - said == {row.path for row in ROWS if row.kind == kind.name and row.owner == "read-only"}
    on_top = {row.path for row in ROWS if row.kind == MANIFEST}
    assert {"stack", "policy.drain.mode", "variables[].allowed"} <= on_top
    assert not on_top & {kind.section for kind in KINDS}


def test_every_verdict_and_every_value_has_a_source() -> None:
    """A public page or issue; and every field of AWS's that may differ has a verdict."""
    for each in ROWS:
        values = (it.source for it in (*each.defaults, *each.resets))
        sources = [*(it.source for it in each.rulings), *values, *(it.source for it in each.notes)]
        parts = (part for source in sources for part in source.split("; "))
        assert [part for part in parts if not PUBLIC.fullmatch(part)] == [], each.name
        assert bool(each.rulings) is (each.owner in ("user", "service")), each.name


def test_verdicts_stand_in_the_order_in_which_they_decide() -> None:
    """Refusals first; of rules with one condition the first; none behind one that always holds, nor one about a whole
    structure at its members."""
    assert verdicts("computeResources.maxvCpus") == [("type-boundary", "replace"), ("scaling", "scaling")]
    assert verdicts("compute_environment.computeResources.subnets") == [
        ("type-boundary", "replace"),
        ("fargate-network", "scaling"),
        ("needs-service-linked-role", "replace"),
        ("needs-allocation-strategy", "replace"),
        ("infrastructure", "infrastructure"),
    ]
    assert verdicts("updatePolicy") == [("not-on-fargate", "refuse"), ("switch", "update")]
    assert ("unmanaged-for-life", "replace") in verdicts("compute_environment.computeResources")
    assert verdicts("containerProperties.environment.name") == [("revision", "revision")]
    assert verdicts("job_queue.tags") == [("tags", "update")]
    assert verdicts("lifecycle.replace") == []


def test_a_member_without_a_rule_is_told_as_the_model_has_it() -> None:
    """As of one that botocore has gained since."""
    queues = KINDS["job_queue"]
    assert queues.unruled("jobQueueType").verdict == "replace"
    assert queues.unruled("priority").name == "no-rule"
    assert KINDS["job_definition"].unruled("newProperties.member").verdict == "revision"


@pytest.mark.parametrize(
    ("path", "owner", "ordered"),
    [
        ("computeResources.desiredvCpus", "service", None),
        ("computeResources.ec2Configuration", "service", False),
        ("computeResources.ec2Configuration[].batchImageStatus", "read-only", None),
        ("computeResources.instanceTypes", "user", False),
        ("containerProperties.command", "user", True),
        ("jobQueues.computeEnvironmentOrder", "user", False),
        ("drain", "house", None),
    ],
)
def test_whose_a_field_is_and_whether_its_order_counts(path: str, owner: str, ordered: bool | None) -> None:
    """Lists of ours that the kinds do not name keep their order."""
    assert (row(path).owner, row(path).ordered) == (owner, ordered)


def test_defaults_resets_and_notes_are_those_of_the_facts() -> None:
    """With their conditions in words."""
    assert row("computeResources.allocationStrategy").defaults == (
        Said("BEST_FIT", "on EC2 and SPOT", f"{API}ComputeResource.html"),
    )
    assert [said.condition for said in row("computeResources.ec2Configuration").resets] == [
        "on Amazon EKS",
        "on EC2 and SPOT",
    ]
    says = [note.says for note in row("computeResources.desiredvCpus").notes]
    assert {"left alone where it is unsaid, since the service fills or moves it", "a value only raises it"} <= {*says}
    assert (
        Note("compared as a number", f"{API}ResourceRequirement.html")
        in row("containerProperties.resourceRequirements[].value").notes
    )
    assert [note.says for note in row("eksProperties.podProperties.volumes.emptyDir.sizeLimit").notes] == [
        "compared as a quantity, whatever its suffix"
    ]
    kept = "the service drops an entry in which it is empty"
    assert kept in [note.says for note in row("containerProperties.environment.value").notes]
    assert [note.says for note in row("job_queue.state").notes] == ["said in every creation"]
    assert any(note.says.startswith("refused: ") for note in row("job_queue.priority").notes)


def test_what_a_field_takes() -> None:
    """In words: lists and maps of what, and which kind a reference names."""
    assert row("computeResources.type").enum[:2] == ("EC2", "SPOT")
    assert row("computeResources.type").required
    assert row("containerProperties.environment").type == "list of structures"
    assert row("variables.allowed").type == "list of anything"
    assert row("job_queue.computeEnvironmentOrder.computeEnvironment").type == "name or ARN of a compute environment"
    assert row("job_definition.platformCapabilities").enum[:2] == ("EC2", "FARGATE")


@pytest.mark.parametrize("path", ["lifecycle.replace", "policy.maxImpact", "drain.mode", "rollout.foreign"])
def test_every_word_of_ours_is_explained(path: str) -> None:
    """What it means, and which one holds where nothing is said; AWS knows none of them."""
    told = row(path)
    assert all(word in told.says for word in told.enum), told.says
    assert f"unsaid, it is {told.enum[0] if path == 'lifecycle.replace' else ''}" in told.says


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("jobQueues.priority", ["job_queue.priority"]),
        ("jobQueues.high.priority", ["job_queue.priority"]),
        ("jobQueues.lifecycle.replace", ["lifecycle.replace"]),
        ("jobQueues.high.lifecycle.replace", ["lifecycle.replace"]),
        ("compute_environment.physicalName", ["physicalName"]),
        ("containerProperties.environment[FOO].value", ["job_definition.containerProperties.environment[].value"]),
        ("capacityLimits", ["service_environment.capacityLimits", "quota_share.capacityLimits"]),
        ("policy.maxImpact", ["policy.maxImpact"]),
        ("nothing", []),
        ("", []),
    ],
)
def test_a_path_finds_its_rows(path: str, names: list[str]) -> None:
    """With or without kind, section, block and brackets; all rows where several kinds have it."""
    assert [row.name for row in find(path, ROWS)] == names


def test_a_kind_alone_finds_all_its_rows() -> None:
    """By its name as by its section."""
    found = find("scheduling_policy", ROWS)
    assert found == find("schedulingPolicies", ROWS)
    assert {row.kind for row in found} == {"scheduling_policy"}
    assert len(found) > 5


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("dnsPolicy", "eksProperties.podProperties.dnsPolicy"),
        ("weightFactor", "fairsharePolicy.shareDistribution[].weightFactor"),
        ("shareDistribution.weightFactor", "fairsharePolicy.shareDistribution[].weightFactor"),
        ("keepFor", "rollout.keepFor"),
        ("subnets", None),
        ("dnsPolicies", None),
    ],
)
def test_the_end_of_a_path_is_enough_where_it_is_one_field(path: str, found: str | None) -> None:
    """The same member of a shape that stands in several places is told once, at the first of them."""
    assert [row.path for row in find(path, ROWS)] == ([found] if found else [])


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("maxvCpus", "computeResources.maxvCpus"),
        ("computeResource.MAXVCPUS", "computeResources.maxvCpus"),
        ("jobQueues.prioritty", "job_queue.priority"),
        ("xyzzy", None),
    ],
)
def test_the_nearest_path(path: str, near: str | None) -> None:
    """The same member elsewhere, or one that is spelt alike."""
    assert nearest(path, ROWS) == near


def whys(text: str, *live: Any, address: str = ADDRESS) -> dict[str, str]:
    return {it.path: it.why for it in differing(plan(text, *live), address)}


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("", "running jobs are left to finish, 30 minutes at most, because updatePolicy is unset"),
        ("{terminateJobsOnUpdate: true}", "running jobs are stopped at once, as updatePolicy says"),
        (
            "{jobExecutionTimeoutMinutes: 60}",
            "running jobs are left to finish, 60 minutes at most, as updatePolicy says",
        ),
        ("{terminateJobsOnUpdate: false}", "running jobs are left to finish, 30 minutes at most, as updatePolicy says"),
    ],
)
def test_an_infrastructure_update_tells_what_becomes_of_jobs(policy: str, told: str) -> None:
    """By the policy that the update brings along, not the one that it finds."""
    shown = environment(fields={"spec": {"updatePolicy": {"jobExecutionTimeoutMinutes": 90}}})
    text = environments().replace("m6i.large", "m7i.large") + (f"    updatePolicy: {policy}\n" if policy else "")
    assert whys(text, shown)["computeResources.instanceTypes"] == f"an infrastructure update: instances recycle; {told}"


def test_a_replacement_tells_what_took_the_other_way() -> None:
    """The role, strategy or types as they are, in the differences and as the reason of the change."""
    text = environments().replace("m6i.large", "m7i.large")
    role = "in place only under the service-linked role, and the service role is AWSBatchServiceRole"
    made = plan(text + f"    serviceRole: {ORDINARY}\n", environment(role=ORDINARY))
    assert change(made, ADDRESS).reason == role
    assert whys(
        text.replace("allocationStrategy: BEST_FIT_PROGRESSIVE, ", ""), environment(allocationStrategy=None)
    ) == {
        "computeResources.instanceTypes": "in place only from and to an allocation strategy other than BEST_FIT,"
        " which is that of the live environment"
    }
    lost = environments().replace("allocationStrategy: BEST_FIT_PROGRESSIVE, ", "")
    assert whys(lost, environment())["computeResources.allocationStrategy"].endswith("which is the wanted one")
    assert whys(environments(), on_fargate())["computeResources.type"] == (
        "the type changes in place between EC2 and SPOT only, not from FARGATE to EC2"
    )
    other = environments() + f"    serviceRole: {ORDINARY}\n"
    assert whys(other, environment(role=LINKED))["serviceRole"].endswith(
        "from AWSServiceRoleForBatch to AWSBatchServiceRole"
    )


def test_a_queue_tells_whether_it_was_made_with_a_policy() -> None:
    """Since it is so for life."""
    fair = "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/fair"
    given = queues(more=f", schedulingPolicyArn: '{fair}'")
    high = "job_queue.high"
    assert whys(environments() + given, environment(), queue(), address=high)["schedulingPolicyArn"].endswith(
        "this queue was made without one"
    )
    taken = whys(environments() + queues(), environment(), queue(schedulingPolicyArn=fair), address=high)
    assert taken["schedulingPolicyArn"].endswith("this queue was made with one")


MANAGED = {
    "type": "ECS_MANAGED_INSTANCES",
    "maxvCpus": 16,
    "managedInstancesProvider": {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infra",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecs",
            "networkConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]},
        },
    },
}


@pytest.mark.parametrize(
    ("old", "new", "rule", "told"),
    [
        ('"maxvCpus": 16', '"maxvCpus": 32', "scaling", "a scaling update: running jobs are not touched"),
        ('"subnet-1"', '"subnet-2"', "infrastructure", "updatePolicy is for EC2 and SPOT"),
        ('"networkC', '"fipsEnabled": true, "networkC', "capacity-for-life", "for life"),
    ],
)
def test_managed_instances_have_rules_of_their_own(old: str, new: str, rule: str, told: str) -> None:
    """No role or strategy stands in the way of their infrastructure updates."""
    spec = {"type": "MANAGED", "state": "ENABLED", "serviceRole": ORDINARY, "computeResources": MANAGED}
    written = json.dumps(MANAGED).replace(old, new)
    text = f"\ncomputeEnvironments:\n  one: {{type: MANAGED, serviceRole: '{ORDINARY}', computeResources: {written}}}\n"
    made = plan(text, environment(fields={"spec": spec}))
    (difference,) = differing(made, ADDRESS)
    assert difference.rule == rule
    assert told in difference.why
