"""What a template becomes: blocks in the case of the API, names, references, keys of the house."""

from typing import Any

import pytest

from providers.errors import ManifestError
from providers.resources import Address, Ref
from reconciler.adapters.cloudformation.convert import stack_of
from tests.reconciler.adapters.cloudformation.conversions import (
    PLACE,
    RESOURCES,
    converted,
    definition,
    environment,
    parsed,
    queue,
)


def test_properties_are_named_as_the_api_names_them() -> None:
    """The model says the case, not the first letter; words of an enum and numbers are as it types them; keys of maps
    stay."""
    volumes = [
        {"Name": "files", "EfsVolumeConfiguration": {"FileSystemId": "fs-1", "TransitEncryptionPort": "2049"}},
        {"Name": "bucket", "S3FilesVolumeConfiguration": {"FileSystemArn": "arn:aws:s3files:::x"}},
    ]
    log = {"LogDriver": "awslogs", "Options": {"awslogs-group": "/g", "Mode": "non-blocking"}}
    made = converted(
        {
            "Fast": environment(ComputeEnvironmentName="fast", State="enabled", UnmanagedvCpus=4),
            "Job": definition(
                {"Volumes": volumes, "LogConfiguration": log, "Privileged": "true"},
                JobDefinitionName="job",
                Parameters={"Sample": "s1"},
                Tags={"Team": "blue"},
            ),
        }
    )
    block = made.document["computeEnvironments"]["fast"]
    assert (block["type"], block["state"], block["unmanagedvCpus"]) == ("MANAGED", "ENABLED", 4)
    assert block["computeResources"]["maxvCpus"] == 16
    job = made.document["jobDefinitions"]["job"]
    assert job["parameters"] == {"Sample": "s1"}
    assert job["tags"] == {"Team": "blue"}
    container = job["containerProperties"]
    assert container["privileged"] is True
    assert container["volumes"][0]["efsVolumeConfiguration"] == {"fileSystemId": "fs-1", "transitEncryptionPort": 2049}
    assert container["volumes"][1]["s3filesVolumeConfiguration"] == {"fileSystemArn": "arn:aws:s3files:::x"}
    assert container["logConfiguration"]["options"] == {"awslogs-group": "/g", "Mode": "non-blocking"}
    assert container["resourceRequirements"][0] == {"type": "VCPU", "value": "1"}
    assert not made.lacking


def test_what_is_empty_is_left_out_but_where_it_is_what_an_entry_is() -> None:
    """The CDK writes empty structures; an empty volume of a pod is a volume."""
    pod = {"Containers": [{"Image": "busybox", "Env": []}], "Volumes": [{"Name": "tmp", "EmptyDir": {}}]}
    job = {
        "Type": "AWS::Batch::JobDefinition",
        "Properties": {
            "Type": "container",
            "JobDefinitionName": "pod",
            "EksProperties": {"PodProperties": pod},
            "Timeout": {},
            "RetryStrategy": {},
        },
    }
    block = converted({"Pod": job}).document["jobDefinitions"]["pod"]
    assert block.keys() == {"type", "eksProperties"}
    assert block["eksProperties"]["podProperties"] == {
        "containers": [{"image": "busybox"}],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def test_names_are_those_of_the_template_and_then_those_of_the_live_stack() -> None:
    """A name that the template says is the block's; else the live one is its physical name; else it goes by its
    logical id, without the CDK's hash."""
    made = converted(
        {
            "NamedA1B2C3D4": environment(ComputeEnvironmentName="fast"),
            "LiveA1B2C3D4": environment(),
            "PlainA1B2C3D4": environment(),
            "JobA1B2C3D4": definition(),
        },
        values=PLACE
        | {
            "LiveA1B2C3D4": "arn:aws:batch:eu-west-1:123456789012:compute-environment/Live-x7",
            "JobA1B2C3D4": "arn:aws:batch:eu-west-1:123456789012:job-definition/Job-x7:3",
        },
    )
    blocks = made.document["computeEnvironments"]
    assert list(blocks) == ["fast", "Live", "Plain"]
    assert [block.get("physicalName") for block in blocks.values()] == [None, "Live-x7", None]
    assert made.document["jobDefinitions"]["Job"]["physicalName"] == "Job-x7"
    assert [note for note in made.notes if "gives no name to computeEnvironments.Plain:" in note]


def test_a_hash_stays_where_the_rest_is_not_unique() -> None:
    """Two resources of one kind never share a block, nor does one take the name that another says."""
    made = converted(
        {
            "LineA1B2C3D4": environment(),
            "LineA1B2C3D5": environment(),
            "WestA1B2C3D4": environment(),
            "Other": environment(ComputeEnvironmentName="West"),
            "South": environment(),
            "Odd": environment(ComputeEnvironmentName="South"),
        }
    )
    assert sorted(made.document["computeEnvironments"]) == sorted(
        ["LineA1B2C3D4", "LineA1B2C3D5", "WestA1B2C3D4", "West", "South-block", "South"]
    )


def test_two_resources_of_one_name_are_a_fault() -> None:
    """Both are told, and where the first stands."""
    with pytest.raises(ManifestError, match="B and A are both called fast"):
        converted({name: environment(ComputeEnvironmentName="fast") for name in "AB"})


def test_references_become_names_of_blocks() -> None:
    """`Ref` and `GetAtt` alike; what needs an ARN as text gets it where it can be told."""
    made = converted(
        {
            "FastA1B2C3D4": environment(),
            "Line": queue(
                {"Fn::GetAtt": ["FastA1B2C3D4", "ComputeEnvironmentArn"]}, {"Ref": "Spare"}, JobQueueName="line"
            ),
            "Spare": environment(ComputeEnvironmentName="spare"),
            "Job": definition({"Environment": [{"Name": "QUEUE", "Value": {"Fn::Sub": "${Line}?"}}]}),
        }
    )
    assert made.document["jobQueues"]["line"]["computeEnvironmentOrder"] == ["Fast", "spare"]
    order = parsed(made).resources[Address("job_queue", "line")].spec["computeEnvironmentOrder"]
    assert [one["computeEnvironment"] for one in order] == [
        Ref(Address("compute_environment", "Fast")),
        Ref(Address("compute_environment", "spare")),
    ]
    (entry,) = made.document["jobDefinitions"]["Job"]["containerProperties"]["environment"]
    assert entry["value"] == "arn:aws:batch:eu-west-1:123456789012:job-queue/line?"


def test_a_reference_to_what_is_left_out_is_lacking() -> None:
    """Where the template's own checks let it pass."""
    made = converted(
        {"Policy": definition(), "Line": queue({"Ref": "Policy"})},
    )
    assert ["refers to Policy, which is a job definition" in str(fault) for fault in made.lacking] == [True]


def test_orders_that_are_not_a_count_stay() -> None:
    """Names alone are written only for the orders from 1 on."""
    said = [{"Order": 20, "ComputeEnvironment": "b"}, {"Order": 10, "ComputeEnvironment": "a"}]
    block = converted({"Line": queue(ComputeEnvironmentOrder=said)}).document["jobQueues"]["Line"]
    assert block["computeEnvironmentOrder"] == [
        {"order": 10, "computeEnvironment": "a"},
        {"order": 20, "computeEnvironment": "b"},
    ]


@pytest.mark.parametrize(
    ("said", "live", "manner"),
    [
        ({}, False, None),
        ({"ReplaceComputeEnvironment": True}, False, "createFirst"),
        ({"ReplaceComputeEnvironment": "false"}, False, "refuse"),
        ({"ReplaceComputeEnvironment": "false"}, True, "refuse"),
        ({}, True, "twoHop"),
        ({"ReplaceComputeEnvironment": True}, True, "twoHop"),
    ],
)
def test_how_an_environment_is_replaced(said: dict[str, Any], live: bool, manner: str | None) -> None:
    """As CloudFormation is told; under a name that is fixed a third environment keeps it. The manifest is valid."""
    arn = "arn:aws:batch:eu-west-1:123456789012:compute-environment/Fast-x7"
    made = converted({"Fast": environment(**said)}, values=PLACE | ({"Fast": arn} if live else {}))
    resource = parsed(made).resources[Address("compute_environment", "Fast")]
    assert resource.lifecycle.replace == manner
    assert resource.fixed_name == live


@pytest.mark.parametrize(("skip", "keep"), [(True, 1_000_000), (False, 1), (None, 3)])
def test_how_many_revisions_stay(skip: bool | None, keep: int) -> None:
    """All where CloudFormation is to skip the deregistration, the newest where it is not, ours where it is unsaid."""
    said = {} if skip is None else {"ResourceRetentionPolicy": {"SkipDeregisterOnUpdate": skip}}
    made = converted({"Job": definition(**said)})
    assert parsed(made).resources[Address("job_definition", "Job")].rollout.keep == keep
    assert any("three stay" in note for note in made.notes) == (skip is None)


def test_what_is_retained_is_protected() -> None:
    """Either policy does that, and a note tells; Delete does not."""
    made = converted(
        {
            "A": environment() | {"DeletionPolicy": "Retain"},
            "B": environment() | {"UpdateReplacePolicy": "Retain"},
            "C": environment() | {"DeletionPolicy": "Delete"},
        }
    )
    protected = {str(address): one.lifecycle.protect for address, one in parsed(made).resources.items()}
    assert protected == {"compute_environment.A": True, "compute_environment.B": True, "compute_environment.C": None}
    assert sum("is protected" in note for note in made.notes) == 2


def test_what_comes_first_comes_first() -> None:
    """DependsOn on resources of AWS Batch; on others there is nothing to wait for."""
    made = converted(
        {
            "Fast": environment(),
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Line": queue("x") | {"DependsOn": ["Fast", "Topic"]},
        }
    )
    assert parsed(made).resources[Address("job_queue", "Line")].depends_on == (Address("compute_environment", "Fast"),)


def test_what_is_of_an_update_alone_is_no_state() -> None:
    """It is left out with a note, and not lacking."""
    resources = {**RESOURCES, "UpdateToLatestImageVersion": True}
    made = converted({"Fast": environment(ComputeResources=resources, Context="x", UpdatePolicy={})})
    assert not made.lacking
    assert made.document["computeEnvironments"]["Fast"].keys() == {"type", "computeResources"}
    assert any("--update-image compute_environment.Fast" in note for note in made.notes)
    assert any("Context" in note for note in made.notes)


def test_the_target_is_claimed_where_it_is_known() -> None:
    """Region and account; a manifest of a template that says neither claims none."""
    assert converted({"Fast": environment()}).document["target"] == {
        "region": "eu-west-1",
        "accountId": "123456789012",
    }
    assert "target" not in converted({"Fast": environment()}, values={}).document


def test_the_stack_is_called_as_told_or_live_or_as_the_file() -> None:
    """In that order."""
    resources = {"Fast": environment()}
    assert converted(resources, stack="told").document["stack"] == "told"
    assert converted(resources, values={"AWS::StackName": "live"}).document["stack"] == "live"
    assert converted(resources).document["stack"] == "lab"
    assert [stack_of(file) for file in ("a/X.template.json", "X.yaml", "X.template", "X")] == ["X"] * 4


def test_other_services_are_left_alone_by_name() -> None:
    """Custom resources too; of a nested stack it is said that nobody looked into it."""
    made = converted(
        {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Own": {"Type": "Custom::Own", "Properties": {"ServiceToken": "x"}},
            "Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x"}},
        }
    )
    assert made.left_alone == (
        "Bucket (AWS::S3::Bucket)",
        "Own (Custom::Own)",
        "Inner (AWS::CloudFormation::Stack), whose own template is not looked into",
    )


def test_what_aws_scales_is_not_scaled_back() -> None:
    """DesiredvCpus counts when an environment is made, as under CloudFormation, and no plan resets it."""
    made = converted({"Fast": environment(ComputeResources={**RESOURCES, "Type": "EC2", "DesiredvCpus": 4})})
    resource = parsed(made).resources[Address("compute_environment", "Fast")]
    assert resource.spec["computeResources"]["desiredvCpus"] == 4
    assert resource.lifecycle.ignore == ("computeResources.desiredvCpus",)
