"""What becomes of each resource of a state, and what is told beside the manifest."""

from collections.abc import Callable
from typing import Any

import pytest

from plans.handover import adopting
from providers.errors import InputError, ManifestError
from reconciler.adapters.terraform import Asked
from tests.kit import manifest
from tests.reconciler.adapters.terraform.recorded import SHOP, converted, document, edited, made_by_terraform


def resources(made: Any, kind: str, name: str) -> Any:
    return next(row for row in made["resources"] if (row["type"], row["name"]) == (f"aws_batch_{kind}", name))


def attributes(made: Any, kind: str, name: str) -> Any:
    return resources(made, kind, name)["instances"][0]["attributes"]


def changed(kind: str, name: str, /, **values: Any) -> Any:
    """The state in which a resource has these attributes."""
    return edited("state", lambda made: attributes(made, kind, name).update(values))


def told(kind: str, name: str, /, **values: Any) -> str:
    """The fault of a state in which a resource has these attributes."""
    with pytest.raises(ManifestError) as caught:
        converted(changed(kind, name, **values))
    (fault,) = caught.value.faults
    return str(fault)


def test_blocks_are_called_as_in_terraform() -> None:
    """By modules, name and key, with the name in AWS beside it where that is another one."""
    made = converted("state").document
    assert list(made["jobQueues"]) == ["listed", "ordered", "spot-a-this"]
    assert list(made["computeEnvironments"])[1:3] == ["fargate-first", "fargate-second"]
    assert made["jobQueues"]["spot-a-this"]["physicalName"] == "shop-pool-a"
    same = converted(changed("job_queue", "listed", name="listed")).document
    assert "physicalName" not in same["jobQueues"]["listed"]


def test_names_that_would_be_alike_are_told_apart() -> None:
    """Keys that differ in what no name may have give names with a number, and no name begins or ends badly."""

    def edit(made: Any) -> None:
        first, second = resources(made, "compute_environment", "fargate")["instances"]
        first["index_key"], second["index_key"] = "a/b", "a b"
        resources(made, "job_queue", "listed")["name"] = "_"
        resources(made, "job_queue", "ordered")["name"] = "ö" + "x" * 200

    made = converted(edited("state", edit)).document
    assert list(made["computeEnvironments"])[1:3] == ["fargate-a-b", "fargate-a-b-2"]
    order = made["jobQueues"]["x" * 128]["computeEnvironmentOrder"]
    assert order == ["fargate-a-b-2", "fargate-a-b"] or order == ["fargate-a-b", "fargate-a-b-2"]
    assert "x_" in made["jobQueues"]


def test_tags_are_those_that_are_live() -> None:
    """Those that the provider gives to all count too; what all have stands on top; ours and AWS's are left out."""
    tags = {"owner": "research", "aws:cloudformation:stack-name": "x", "batchwright:stack": "y"}
    made = converted(changed("job_queue", "listed", tags_all=tags, tags=None))
    assert made.document["tags"] == {"owner": "research"}
    assert "tags" not in made.document["jobQueues"]["listed"]
    assert made.document["computeEnvironments"]["fargate-first"]["tags"] == {"place": "first"}
    assert "job_queue.listed has the tag batchwright:stack, which no manifest may say" in made.notes
    older = edited("state", lambda made: attributes(made, "job_queue", "listed").pop("tags_all"))
    attributes(older, "job_queue", "listed")["tags"] = {"own": "1"}
    assert converted(older).document["jobQueues"]["listed"]["tags"] == {"own": "1"}


def test_revisions_are_kept_as_terraform_keeps_them() -> None:
    """The provider deregisters the former revision unless told otherwise; then the default of a manifest holds."""
    made = converted("state").document["jobDefinitions"]
    assert made["container"]["rollout"] == {"keep": 1}
    assert "rollout" not in made["kept"]


def test_attributes_of_version_6_of_the_provider() -> None:
    """What it renamed is read as what it was before."""

    def edit(made: Any) -> None:
        for row in made["resources"]:
            for one in row["instances"]:
                found = one["attributes"]
                for key in [*found]:
                    if key.startswith("compute_environment_name"):
                        found[key.removeprefix("compute_environment_")] = found.pop(key)
                if row["type"].startswith("aws_batch"):
                    found["region"] = "eu-west-1"
        listed = attributes(made, "job_queue", "listed")
        (arn,) = listed.pop("compute_environments")
        listed["compute_environment_order"] = [{"order": 0, "compute_environment": arn}]

    assert converted(edited("state", edit)).document == converted("state").document


def test_a_reference_to_what_is_elsewhere_stays() -> None:
    """An ARN of what the state does not hold is written as it is; a name of what it holds is that block."""
    arn = "arn:aws:batch:eu-west-1:123456789012:compute-environment/other"
    order = [{"order": 1, "compute_environment": arn}, {"order": 2, "compute_environment": "shop-ec2"}]
    made = converted(changed("job_queue", "ordered", compute_environment_order=order))
    assert made.document["jobQueues"]["ordered"]["computeEnvironmentOrder"] == [arn, "ec2"]


def test_what_terraform_fills_is_left_out() -> None:
    """Nothing, in each of the forms that Terraform writes it in, is nothing; a zero that was meant stays."""
    made = converted("state").document
    assert made["jobQueues"]["ordered"]["priority"] == 0
    assert made["computeEnvironments"]["fargate-first"]["computeResources"].keys() == {
        "type",
        "maxvCpus",
        "subnets",
        "securityGroupIds",
    }
    assert "schedulingPriority" not in made["jobDefinitions"]["kept"]
    (container,) = made["jobDefinitions"]["pods"]["eksProperties"]["podProperties"]["containers"]
    assert container["securityContext"]["runAsUser"] == 0
    assert "imagePullPolicy" not in container


def test_a_block_without_anything_is_a_structure() -> None:
    """Terraform writes null for a block in which nothing is said."""
    pods = document("state")
    found = attributes(pods, "job_definition", "pods")["eks_properties"][0]["pod_properties"][0]
    found["volumes"][0]["empty_dir"] = [None]
    found["containers"][0]["env"].append({"name": "EMPTY", "value": ""})
    made = converted(pods).document["jobDefinitions"]["pods"]["eksProperties"]["podProperties"]
    assert made["volumes"] == [{"name": "scratch", "emptyDir": {}}]
    assert made["containers"][0]["env"] == [{"name": "EMPTY", "value": ""}, {"name": "STAGE", "value": "test"}] or made[
        "containers"
    ][0]["env"] == [{"name": "STAGE", "value": "test"}, {"name": "EMPTY", "value": ""}]


def test_written_json_is_read_as_the_provider_reads_it() -> None:
    """Keys in any case, null as nothing, a number for a text; what has no member is told to be lacking."""
    said = (
        '{"IMAGE": "x", "command": null, "Environment": [{"name": "N", "value": 5}], "vcpus": 1, "memory": 4, "odd": 1}'
    )
    made = converted(changed("job_definition", "kept", container_properties=said))
    properties = made.document["jobDefinitions"]["kept"]["containerProperties"]
    assert properties == {"image": "x", "vcpus": 1, "memory": 4, "environment": [{"name": "N", "value": "5"}]}
    (lack,) = made.lacking
    assert lack.startswith("job_definition.kept: container_properties.odd of aws_batch_job_definition.kept is not of")


def test_an_attribute_that_is_not_known_here_is_lacking() -> None:
    """A newer provider may say more than this; an attribute without a value says nothing."""
    made = converted(changed("job_queue", "listed", fresh={"a": [1]}, other=None, more=[], less=""))
    assert [line.partition(" is not ")[0] for line in made.lacking] == [
        "job_queue.listed: fresh of aws_batch_job_queue.listed"
    ]


@pytest.mark.parametrize(
    ("kind", "name", "values", "message"),
    [
        ("compute_environment", "ec2", {"compute_resources": [{}, {}]}, "compute_resources of aws_batch_"),
        ("compute_environment", "ec2", {"compute_resources": [7]}, "compute_resources[0] of"),
        ("compute_environment", "ec2", {"compute_resources": 7}, "compute_resources of"),
        ("compute_environment", "ec2", {"state": ["x"]}, "state of"),
        ("compute_environment", "ec2", {"compute_resources": [{"subnets": "a"}]}, "compute_resources[0].subnets of"),
        ("compute_environment", "ec2", {"compute_resources": [{"tags": "a"}]}, "compute_resources[0].tags of"),
        ("compute_environment", "ec2", {"compute_resources": [{"max_vcpus": "a"}]}, "[0].max_vcpus of"),
        ("job_definition", "kept", {"propagate_tags": 1}, "propagate_tags of"),
        ("job_definition", "kept", {"container_properties": "{"}, "container_properties of"),
        ("job_definition", "kept", {"container_properties": "[" * 99_999}, "container_properties of"),
        ("job_definition", "kept", {"container_properties": "[1]"}, "container_properties of"),
        ("job_definition", "kept", {"container_properties": '{"volumes": {}}'}, "container_properties.volumes of"),
        ("job_queue", "listed", {"compute_environments": "x"}, "compute_environments of"),
        ("job_queue", "ordered", {"compute_environment_order": [{"order": 1}]}, "compute_environment_order of"),
        ("job_queue", "listed", {"name": None}, "aws_batch_job_queue.listed has no name"),
    ],
)
def test_what_the_provider_would_not_write_is_a_fault(kind: str, name: str, values: Any, message: str) -> None:
    """An attribute of another form is a fault that names it, and where it stands."""
    said = told(kind, name, **values)
    assert message in said
    assert said.startswith("given.json:1:")
    assert "resources[" in said


def test_what_a_manifest_cannot_say_is_lacking() -> None:
    """A value that the model of botocore does not know is told, since a plan would refuse it."""
    made = converted(changed("compute_environment", "outside", type="FEDERATED"))
    assert any(line.startswith("computeEnvironments.outside.type ") for line in made.lacking)


def test_a_sensitive_value_that_a_manifest_cannot_say_is_not_told() -> None:
    """Its path is, without the value that is at fault."""
    (lack,) = converted(changed("job_definition", "container", type="hunter2")).lacking
    assert lack == "jobDefinitions.container.type is not as the API takes it; its value is sensitive in Terraform"


def test_several_regions_or_accounts_are_refused_unless_one_is_chosen() -> None:
    """A manifest is for one region of one account; the others are told as left alone."""

    def edit(made: Any) -> None:
        listed = attributes(made, "job_queue", "listed")
        listed["arn"] = listed["arn"].replace("eu-west-1", "us-east-1")

    state = edited("state", edit)
    with pytest.raises(InputError) as caught:
        converted(state)
    message = "15 in account 123456789012, eu-west-1, 1 in account 123456789012, us-east-1"
    assert message in str(caught.value)
    assert "--region" in str(caught.value.hint)
    made = converted(state, Asked("shop", region="us-east-1"))
    assert made.document["target"] == {"region": "us-east-1", "accountId": "123456789012"}
    assert made.count == 1
    assert len([line for line in made.left_alone if "eu-west-1" in line]) == 15
    with pytest.raises(InputError, match="no resource of AWS Batch is there"):
        converted(state, Asked("shop", region="eu-north-1"))
    attributes(state, "job_queue", "listed")["arn"] = "arn:aws:batch:eu-west-1:111122223333:job-queue/shop-listed"
    with pytest.raises(InputError) as caught:
        converted(state)
    assert "--account" in str(caught.value.hint)
    assert converted(state, Asked("shop", account="111122223333")).count == 1


def test_what_is_planned_in_another_region_is_no_less_of_several() -> None:
    """It has a region, and no account yet."""
    plan = edited("plan", lambda made: made["prior_state"]["values"]["root_module"].pop("child_modules", None))
    fresh = next(row for row in document("fresh")["resource_changes"] if row["type"] == "aws_batch_scheduling_policy")
    fresh["change"]["after"]["region"], fresh["address"] = "us-east-1", "aws_batch_scheduling_policy.far"
    plan["resource_changes"].append(fresh | {"name": "far"})
    with pytest.raises(InputError, match="1 in account unknown, us-east-1"):
        converted(plan)
    assert converted(plan, Asked("shop", region="us-east-1")).count == 1


def test_the_region_of_what_is_planned() -> None:
    """It is that of the provider's own attribute, or the one that is given."""
    assert converted("fresh", Asked("shop", region="eu-west-1")).document["target"] == {"region": "eu-west-1"}

    def edit(made: Any) -> None:
        for row in made["resource_changes"]:
            if row["type"].startswith("aws_batch"):
                row["change"]["after"]["region"] = "eu-north-1"

    assert converted(edited("fresh", edit)).document["target"] == {"region": "eu-north-1"}


def test_nothing_of_aws_batch() -> None:
    """A file without anything of AWS Batch is refused, as most likely the wrong one."""
    with pytest.raises(InputError, match=r"is a state of Terraform 1\.11\.4, and no resource of AWS Batch is in it"):
        converted(edited("state", lambda made: made["resources"].clear()))


def test_other_resources_are_left_alone() -> None:
    """They are named, and counted by type where they are many; those of AWS Batch that are not known are lacking."""

    def edit(made: Any) -> None:
        rows = made["resources"]
        rows += [
            {"type": kind, "name": f"n{at:02}", "instances": [{}]}
            for kind in ("aws_s3_bucket", "aws_sqs_queue")
            for at in range(8)
        ]
        rows += [
            {"type": "aws_batch_quota_share", "name": "q", "instances": [{}]},
            {"type": "awscc_batch_job_queue", "name": "c", "instances": [{}]},
        ]

    made = converted(edited("state", edit))
    assert made.left_alone[:2] == ("terraform_data.told", "aws_s3_bucket.n00")
    assert made.left_alone[-1] == "7 more: 7 aws_sqs_queue"
    assert [line.partition(" ")[0] for line in made.lacking] == ["aws_batch_quota_share.q", "awscc_batch_job_queue.c"]


def test_what_is_tainted_deposed_or_sensitive_is_told_without_its_value() -> None:
    """Notes name resources, attributes and variables; a value stands in the manifest alone."""

    def edit(made: Any) -> None:
        resources(made, "job_queue", "listed")["instances"][0]["status"] = "tainted"
        other = resources(made, "job_queue", "ordered")["instances"]
        other.append({**other[0], "deposed": "0badcafe"})
        attributes(made, "job_definition", "container")["container_properties"] = (
            '{"image": "x", "environment": [{"name": "API_TOKEN", "value": "hunter2-in-the-clear"}]}'
        )

    made = converted(edited("state", edit))
    beside = "\n".join([*made.notes, *made.lacking, *made.left_alone, made.steps, made.head])
    assert "job_queue.listed is tainted" in beside
    assert "left out: a former object of aws_batch_job_queue.ordered" in beside
    assert "job_definition.container is sensitive in Terraform (container_properties)" in beside
    assert "job_definition.container seems to say a secret, API_TOKEN" in beside
    assert "hunter2" not in beside
    assert "hunter2" in made.yaml
    assert made.count == 16


def test_what_a_plan_would_do_is_told() -> None:
    """The manifest is of what is live, and what is planned for it is told with the attributes that differ."""
    notes = converted("plan").notes
    assert (
        "compute_environment.fargate-first is written as it is live; Terraform plans to update "
        'aws_batch_compute_environment.fargate["first"] (compute_resources)'
    ) in notes


def test_two_resources_of_one_family() -> None:
    """Of two that register revisions under one name the newest counts, and the other is told to be lacking."""

    def edit(made: Any) -> None:
        attributes(made, "job_definition", "nodes").update(name="shop-pods", revision=7)

    made = converted(edited("state", edit))
    assert made.lacking == (
        "aws_batch_job_definition.pods has the name of aws_batch_job_definition.nodes, which is converted in its place",
    )
    assert "pods" not in made.document["jobDefinitions"]


def test_what_stays_in_terraform_and_uses_what_leaves_is_told() -> None:
    """Its reference has to be written in another way, since the resource that it names goes."""

    def edit(made: Any) -> None:
        (row,) = (row for row in made["resources"] if row["type"] == "terraform_data")
        made["resources"] += [{**row, "name": f"n{at}"} for at in range(10)]

    notes = converted(edited("state", edit)).notes
    assert any(note.startswith("terraform_data.told stays in Terraform and uses aws_batch_comp") for note in notes)
    assert "1 more resources stay in Terraform and use what leaves it" in notes


def test_the_steps_name_each_resource_once() -> None:
    """`removed` has no keys, `state rm` has them, and what a shell would read otherwise is quoted."""
    steps = converted("state", Asked("shop", manifest="my file.yaml")).steps
    assert steps.count("removed {") == 14
    assert steps.count("from = aws_batch_compute_environment.fargate\n") == 1
    assert "from = module.spot.aws_batch_job_queue.this\n" in steps
    assert "  'aws_batch_compute_environment.fargate[\"first\"]' \\\n" in steps
    assert "batchwright adopt 'my file.yaml'" in steps


def _nothing(_made: Any) -> None:
    return


def _shuffled(made: Any) -> None:
    made["resources"].reverse()


@pytest.mark.parametrize("edit", [_nothing, _shuffled])
def test_the_same_state_gives_the_same_manifest(edit: Callable[[Any], None]) -> None:
    """Whatever the order of its resources."""
    assert converted(edited("state", edit)).yaml == converted("state", SHOP).yaml


def test_what_is_gone_meanwhile_is_not_made_by_adopt() -> None:
    """A resource of the state that is no longer live is left out by adopt, which makes nothing."""
    stage = made_by_terraform(but=lambda _operation, said: said.get("jobQueueName") == "shop-listed")
    made = converted("state")
    stage.simulator.calls.clear()
    report = stage.reconciler.adopt(manifest(made.yaml))
    assert set(stage.mutations) == {"TagResource"}
    assert len(stage.mutations) == made.count - 1
    assert report.exit_code in (0, 4)
    assert adopting(manifest(made.yaml)).stack == "shop"
