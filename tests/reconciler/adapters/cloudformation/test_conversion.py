"""What a template becomes: blocks in the API's case, names, keys of the house, variables for what it does not tell."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from plans.manifest import Manifest, Source
from plans.written import Expression
from providers.errors import ManifestError
from providers.resources import Address, Ref
from reconciler.adapters.cloudformation.convert import Converted, convert, stack_of
from reconciler.adapters.cloudformation.known import Given, Known
from reconciler.adapters.cloudformation.manifests import checked, manifest
from reconciler.adapters.cloudformation.template import read
from tests.kit import kinds

PLACE = {"AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012"}
RESOURCES = {
    "Type": "FARGATE",
    "MaxvCpus": "16",
    "Subnets": ["subnet-1"],
    "SecurityGroupIds": ["sg-1"],
}


def environment(**said: Any) -> dict[str, Any]:
    properties = {"Type": "managed", "ComputeResources": RESOURCES, **said}
    return {"Type": "AWS::Batch::ComputeEnvironment", "Properties": properties}


def queue(*environments: Any, **said: Any) -> dict[str, Any]:
    order = [{"Order": index, "ComputeEnvironment": one} for index, one in enumerate(environments, 1)]
    return {
        "Type": "AWS::Batch::JobQueue",
        "Properties": {"Priority": 1, "ComputeEnvironmentOrder": order, **said},
    }


def definition(container: Mapping[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    requirements = [{"Type": "VCPU", "Value": 1}, {"Type": "MEMORY", "Value": 512}]
    properties = {"Image": "busybox", "ResourceRequirements": requirements, **(container or {})}
    return {
        "Type": "AWS::Batch::JobDefinition",
        "Properties": {"Type": "container", "ContainerProperties": properties, **said},
    }


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections}, indent=1)


def converted(
    resources: Mapping[str, Any],
    *,
    values: Mapping[str, Any] = PLACE,
    parameters: Mapping[str, str] | None = None,
    stack: str | None = None,
    **sections: Any,
) -> Converted:
    """A template of these resources, converted with what is known."""
    known = Known(
        values={name: Given(value) for name, value in values.items()},
        parameters={name: Given(value) for name, value in (parameters or {}).items()},
    )
    text = template(resources, **sections)
    return convert(read(Source("lab.template.json", text.encode())), known, kinds(), stack)


def parsed(made: Converted, **variables: Any) -> Manifest:
    return manifest(made, variables=variables, kinds=kinds())


def faults(made: Converted) -> list[str]:
    with pytest.raises(ManifestError) as raised:
        parsed(made)
    return [str(fault) for fault in raised.value.faults]


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


def test_a_property_that_nobody_knows_is_lacking_with_its_place() -> None:
    """It is named with file, line and column and with the nearest that there is, and a plan refuses it."""
    made = converted({"Fast": environment(ComputeResources={**RESOURCES, "MaxVcpu": 8}, Drian={"a": 1})})
    told = [str(fault) for fault in made.lacking]
    assert len(told) == 2
    assert "did you mean MaxvCpus?" in told[0]
    assert "computeEnvironments.Fast.Drian" in told[1]
    assert all(line.startswith("lab.template.json:") for line in told)
    assert {line.split(":")[1] for line in told} == {"16", "18"}
    assert faults(made) == told


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


def test_a_name_that_is_not_known_is_a_variable() -> None:
    """The block goes by the logical id, and its physical name is put together of what is known and what is not."""
    made = converted(
        {"Fast": environment(ComputeEnvironmentName={"Fn::Sub": "${Stage}-fast"})},
        Parameters={"Stage": {"Type": "String"}},
    )
    assert made.document["computeEnvironments"]["Fast"]["physicalName"] == Expression("${var.Stage}-fast")
    assert parsed(made, Stage="prod").resources[Address("compute_environment", "Fast")].physical_name == "prod-fast"


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


def test_conditions_keep_leave_out_or_ask() -> None:
    """One that holds keeps a resource; one that does not leaves it out, and that is told; one that is not known keeps
    it, and a plan is refused whatever variables are given."""
    conditions = {
        "Yes": {"Fn::Equals": ["a", "a"]},
        "No": {"Fn::Equals": ["a", "b"]},
        "Maybe": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    }
    resources = {f"In{name}": environment() | {"Condition": name} for name in conditions}
    made = converted(resources, Conditions=conditions, Parameters={"Stage": {"Type": "String"}})
    assert list(made.document["computeEnvironments"]) == ["InYes", "InMaybe"]
    assert "left out: InNo, since the condition No does not hold" in made.notes
    (told,) = faults(made)
    assert "computeEnvironments.InMaybe" in told
    assert "--parameter Stage=VALUE" in told
    known = converted(
        resources, Conditions=conditions, Parameters={"Stage": {"Type": "String"}}, parameters={"Stage": "test"}
    )
    assert [str(address) for address in parsed(known).resources] == ["compute_environment.InYes"]


def test_what_is_not_known_is_a_variable_once() -> None:
    """The same expression twice is one variable, and each use is listed with what to pass."""
    subnets = [{"Ref": "SubnetA"}, {"Ref": "SubnetA"}]
    made = converted(
        {"Fast": environment(ComputeResources={**RESOURCES, "Subnets": subnets})},
        Parameters={"SubnetA": {"Type": "AWS::EC2::Subnet::Id"}},
    )
    assert list(made.document["variables"]) == ["SubnetA"]
    block = made.document["computeEnvironments"]["Fast"]
    assert block["computeResources"]["subnets"] == [Expression("${var.SubnetA}")] * 2
    first, second = (ask.unknown for ask in made.asks)
    assert first.path == "computeEnvironments.Fast.computeResources.subnets[0]"
    assert first.give == "pass --parameter SubnetA=VALUE or --var SubnetA=VALUE where the manifest is read"
    assert second.path.endswith("[1]")
    assert len(faults(made)) == 2
    resource = parsed(made, SubnetA="subnet-9").resources[Address("compute_environment", "Fast")]
    assert resource.spec["computeResources"]["subnets"] == ["subnet-9", "subnet-9"]


def test_a_list_that_is_not_known_is_one_variable() -> None:
    """It stands for the whole list, and is given as one."""
    made = converted(
        {"Fast": environment(ComputeResources={**RESOURCES, "Subnets": {"Ref": "Subnets"}})},
        Parameters={"Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"}},
    )
    assert "--var-file with the list Subnets" in made.asks[0].unknown.give
    resource = parsed(made, Subnets=["subnet-1", "subnet-2"]).resources[Address("compute_environment", "Fast")]
    assert resource.spec["computeResources"]["subnets"] == ["subnet-1", "subnet-2"]


def test_two_expressions_that_would_be_called_alike_are_two_variables() -> None:
    """`A.B` and `AB` differ."""
    names = [{"Fn::ImportValue": "a b"}, {"Fn::ImportValue": "a_b"}, {"Fn::ImportValue": "9"}]
    made = converted({"Fast": environment(ComputeResources={**RESOURCES, "Subnets": names})})
    assert list(made.document["variables"]) == ["a_b", "a_b_2", "_9"]


def test_text_that_looks_like_a_variable_stays_text() -> None:
    """Also beside a part that is not known, and right before it."""
    made = converted(
        {
            "Job": definition(
                {
                    "Command": [
                        "${var.x}",
                        {"Fn::Join": ["", ["${HOME}/", {"Ref": "Name"}]]},
                        {"Fn::Join": ["", ["cost$", {"Ref": "Name"}]]},
                    ]
                }
            )
        },
        Parameters={"Name": {"Type": "String"}},
    )
    whole = next(name for name in made.document["variables"] if name != "Name")
    job = parsed(made, Name="n", **{whole: "cost$n"}).resources[Address("job_definition", "Job")]
    assert job.spec["containerProperties"]["command"] == ["${var.x}", "${HOME}/n", "cost$n"]


def test_what_may_not_be_shown_is_a_variable_though_it_is_known() -> None:
    """A parameter with NoEcho is in no document, and still known to a plan; a fault with its value does not show it."""
    sections: dict[str, Any] = {
        "Parameters": {"Token": {"Type": "String", "NoEcho": True, "Default": "by-default-unseen"}}
    }
    resources = {"Job": definition({"Environment": [{"Name": "TOKEN", "Value": {"Ref": "Token"}}]})}
    for given, value in (({"Token": "hunter2"}, "hunter2"), ({}, "by-default-unseen")):
        made = converted(resources, parameters=given, **sections)
        assert value not in repr(made)
        assert value not in made.conversion().yaml + made.conversion().json
        job = parsed(made).resources[Address("job_definition", "Job")]
        assert job.spec["containerProperties"]["environment"] == [{"name": "TOKEN", "value": value}]
    wrong = converted({"Fast": environment(State={"Ref": "Token"})}, parameters={"Token": "hunter2"}, **sections)
    (told,) = faults(wrong)
    assert "hunter2" not in told
    assert "(secret)" in told


def test_what_is_wrong_is_told_where_the_template_says_it() -> None:
    """A value that AWS Batch would not take is lacking in a conversion, and a fault of a plan, at its own line."""
    made = converted({"Fast": environment(State="ON"), "Line": queue("x", Priority="high")})
    told = faults(made)
    assert [line.partition(" ")[0] for line in told] == ["lab.template.json:17:14:", "lab.template.json:23:17:"]
    assert [str(fault) for fault in checked(made, kinds()).lacking] == told


def test_a_name_of_a_stack_that_is_none_is_told() -> None:
    """The file's stem is only a guess at it."""
    made = converted({"Fast": environment()}, stack="not a name")
    assert any("not a name" in line for line in faults(made))


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


def test_a_type_of_batch_that_is_not_known_is_lacking() -> None:
    """A plan of the rest would be one of a part."""
    made = converted({"New": {"Type": "AWS::Batch::Wonder"}})
    assert ["no blocks for AWS::Batch::Wonder" in str(fault) for fault in made.lacking] == [True]


def test_macros_make_a_template_one_in_part() -> None:
    """What they would add is not in the file."""
    made = converted({"Fast": environment()}, Transform=["MyMacro"])
    assert any("MyMacro" in line for line in faults(made))


def test_defaults_that_were_taken_are_told() -> None:
    """A live stack may have been given other values."""
    sections: dict[str, Any] = {
        "Parameters": {"Most": {"Type": "Number", "Default": 8}, "Given": {"Type": "String", "Default": "x"}}
    }
    made = converted(
        {"Fast": environment(ComputeResources={**RESOURCES, "MaxvCpus": {"Ref": "Most"}})},
        parameters={"Given": "y"},
        **sections,
    )
    assert made.document["computeEnvironments"]["Fast"]["computeResources"]["maxvCpus"] == 8
    assert "these parameters have the defaults of the template: Most" in made.notes


def test_long_expressions_are_not_taken_for_one_another() -> None:
    """Their beginnings are the same, and no more of them is told."""
    texts = [{"Fn::Select": ["0", {"Fn::Split": [",", {"Fn::ImportValue": "x" * 250 + end}]}]} for end in "ab"]
    made = converted({"Fast": environment(ComputeResources={**RESOURCES, "Subnets": texts})})
    assert len(made.document["variables"]) == 2


def test_what_may_be_nothing_is_told_to_be_so() -> None:
    """A key that a condition may take away is null where it does."""
    image = {"Fn::If": ["Maybe", "ami-1", {"Ref": "AWS::NoValue"}]}
    sections: dict[str, Any] = {
        "Conditions": {"Maybe": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        "Parameters": {"Stage": {"Type": "String"}},
    }
    made = converted({"Job": definition({"ExecutionRoleArn": image})}, **sections)
    (ask,) = made.asks
    assert "it may be nothing, which is null" in ask.unknown.give
    job = parsed(made, **{ask.variables[0]: None}).resources[Address("job_definition", "Job")]
    assert job.spec["containerProperties"]["executionRoleArn"] is None


def test_what_aws_scales_is_not_scaled_back() -> None:
    """DesiredvCpus counts when an environment is made, as under CloudFormation, and no plan resets it."""
    made = converted({"Fast": environment(ComputeResources={**RESOURCES, "Type": "EC2", "DesiredvCpus": 4})})
    resource = parsed(made).resources[Address("compute_environment", "Fast")]
    assert resource.spec["computeResources"]["desiredvCpus"] == 4
    assert resource.lifecycle.ignore == ("computeResources.desiredvCpus",)
