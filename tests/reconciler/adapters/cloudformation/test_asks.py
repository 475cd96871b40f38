"""What a template does not tell, may not show, or says wrongly: variables, secrets, faults."""

from typing import Any

import pytest

from plans.written import Expression
from providers.errors import ManifestError
from providers.resources import Address
from reconciler.adapters.cloudformation.manifests import checked
from tests.kit import kinds
from tests.reconciler.adapters.cloudformation.conversions import (
    RESOURCES,
    converted,
    definition,
    environment,
    faults,
    parsed,
    queue,
)


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


def test_a_property_in_two_cases_is_lacking() -> None:
    """Neither is taken for the other in silence."""
    (fault,) = converted({"Job": definition({"image": "other"})}).lacking
    assert "containerProperties.image: is said twice, once as image" in str(fault)


def test_a_name_that_is_not_known_is_a_variable() -> None:
    """The block goes by the logical id, and its physical name is put together of what is known and what is not."""
    made = converted(
        {"Fast": environment(ComputeEnvironmentName={"Fn::Sub": "${Stage}-fast"})},
        Parameters={"Stage": {"Type": "String"}},
    )
    assert made.document["computeEnvironments"]["Fast"]["physicalName"] == Expression("${var.Stage}-fast")
    assert parsed(made, Stage="prod").resources[Address("compute_environment", "Fast")].physical_name == "prod-fast"


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


@pytest.mark.parametrize("said", [True, "TRUE", "Yes", "1", {"Fn::If": ["Is", True, False]}])
def test_whatever_is_not_false_hides(said: Any) -> None:
    """A word that may mean that a parameter is secret is taken for it."""
    parameters = {"Token": {"Type": "String", "NoEcho": said, "Default": "unseen"}, "Open": {"Type": "String"}}
    parameters["Open"] |= {"NoEcho": "False", "Default": "seen"}
    made = converted({"Job": definition({"Command": [{"Ref": "Token"}, {"Ref": "Open"}]})}, Parameters=parameters)
    assert made.document["jobDefinitions"]["Job"]["containerProperties"]["command"] == [
        Expression("${var.Token}"),
        "seen",
    ]


def test_a_secret_list_is_a_list() -> None:
    """As the template means it, and in a fault none of its items is shown."""
    parameters = {"Keys": {"Type": "CommaDelimitedList", "NoEcho": True}}
    made = converted(
        {"Job": definition({"Command": {"Ref": "Keys"}})},
        parameters={"Keys": "one-key, two-key"},
        Parameters=parameters,
    )
    job = parsed(made).resources[Address("job_definition", "Job")]
    assert job.spec["containerProperties"]["command"] == ["one-key", "two-key"]
    wrong = converted(
        {
            "Fast": environment(
                ComputeResources={**RESOURCES, "AllocationStrategy": {"Fn::Select": [0, {"Ref": "Keys"}]}}
            )
        },
        Parameters=parameters,
    )
    (variable,) = wrong.hidden
    with pytest.raises(ManifestError) as raised:
        parsed(wrong, **{variable: "one-key"})
    assert "one-key" not in str(raised.value.faults)


def test_the_name_of_a_secret_in_ssm_is_not_the_secret() -> None:
    """What a parameter of such a type is given says where its value is; only --context may tell it."""
    kind = "AWS::SSM::Parameter::Value<String>"
    sections: dict[str, Any] = {"Parameters": {"Token": {"Type": kind, "NoEcho": True, "Default": "/db/token"}}}
    job = {"Job": definition({"Command": [{"Ref": "Token"}]})}
    assert converted(job, **sections).secrets == {}
    assert converted(job, values={"Token": "hunter2"}, **sections).secrets == {"Token": "hunter2"}


def test_a_list_that_may_not_be_shown_is_known_too() -> None:
    """A parameter with NoEcho of several values is a list to a plan, by default or as it was given."""
    sections: dict[str, Any] = {
        "Parameters": {"Words": {"Type": "CommaDelimitedList", "NoEcho": True, "Default": "first,second"}}
    }
    for given, words in (({}, ["first", "second"]), ({"Words": "third, fourth"}, ["third", "fourth"])):
        made = converted({"Job": definition({"Command": {"Ref": "Words"}})}, parameters=given, **sections)
        found = parsed(made)
        job = found.resources[Address("job_definition", "Job")]
        assert job.spec["containerProperties"]["command"] == words
        assert sorted(found.secrets) == sorted(words)


def test_what_is_wrong_is_told_where_the_template_says_it() -> None:
    """A value that AWS Batch would not take is lacking in a conversion, and a fault of a plan, at its own line."""
    made = converted({"Fast": environment(State="ON"), "Line": queue("x", Priority="high")})
    told = faults(made)
    assert [line.partition(" ")[0] for line in told] == ["lab.template.json:17:14:", "lab.template.json:23:17:"]
    assert [str(fault) for fault in checked(made, kinds()).lacking] == told


def test_a_name_of_a_stack_that_is_none_is_told() -> None:
    """The file's stem is only a guess at it."""
    made = converted({"Fast": environment()}, stack="not a name")
    (told,) = faults(made)
    assert "'not a name' is not a name of a stack" in told
    assert "--parameter AWS::StackName=NAME says how it is deployed" in told


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


@pytest.mark.parametrize("same", [False, True])
def test_one_condition_is_not_one_value(same: bool) -> None:
    """What is chosen by a condition is known by all that it is chosen from, though no more of that is told."""
    sections: dict[str, Any] = {
        "Conditions": {"Is": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        "Parameters": {"Stage": {"Type": "String"}},
    }
    pairs = [("a", "b"), ("a", "b" if same else "c")]
    texts = [{"Fn::If": ["Is", *({"Fn::Sub": ["${x}", {"x": side}]} for side in pair)]} for pair in pairs]
    made = converted({"Job": definition({"Command": texts})}, **sections)
    assert len(made.document["variables"]) == (1 if same else 2)
    text, other = made.document["jobDefinitions"]["Job"]["containerProperties"]["command"]
    assert (text == other) is same


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


def test_what_decides_how_a_manifest_is_made_must_be_known() -> None:
    """No variable can stand for the retention of revisions, nor for all properties at once."""
    sections: dict[str, Any] = {"Parameters": {"Skip": {"Type": "String"}}}
    policy = {"SkipDeregisterOnUpdate": {"Ref": "Skip"}}
    made = converted({"Job": definition(ResourceRetentionPolicy=policy)}, **sections)
    assert ["SkipDeregisterOnUpdate is not known" in str(fault) for fault in made.lacking] == [True]
    sections["Conditions"] = {"Is": {"Fn::Equals": [{"Ref": "Skip"}, "x"]}}
    perhaps = {"Fn::If": ["Is", {"SkipDeregisterOnUpdate": True}, {"Ref": "AWS::NoValue"}]}
    retained: dict[str, Any] = {**definition(), "DeletionPolicy": {"Fn::If": ["Is", "Retain", "Delete"]}}
    for name, resource in (
        ("SkipDeregisterOnUpdate", definition(ResourceRetentionPolicy=perhaps)),
        ("ReplaceComputeEnvironment", environment(ReplaceComputeEnvironment={"Ref": "Skip"})),
        ("DeletionPolicy", retained),
    ):
        (fault,) = converted({"One": resource}, Transform="AWS::LanguageExtensions", **sections).lacking
        assert (f"{name} is not known" in str(fault), fault.hint) == (True, "pass --parameter Skip=VALUE")
    whole = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://x"}}}
    included = converted({"Job": {"Type": "AWS::Batch::JobDefinition", "Properties": whole}})
    assert any("the properties are not known" in str(fault) for fault in included.lacking)


def test_what_is_no_text_is_refused_where_it_stands() -> None:
    """Also with something in it that is not known, and where a name should be."""
    unfit = {"Arn": {"Ref": "Fast"}, "Unknown": [{"Ref": "Stage"}]}
    made = converted(
        {
            "Fast": environment(ComputeEnvironmentName=[{"Ref": "Stage"}]),
            "Slow": environment(ComputeEnvironmentName={"a": "b"}),
            "Line": queue("x", SchedulingPolicyArn=unfit),
        },
        Parameters={"Stage": {"Type": "String"}},
    )
    assert not made.asks
    told = "\n".join(faults(made))
    assert "computeEnvironments.Fast.physicalName: takes a text, not a list" in told
    assert "computeEnvironments.Slow.physicalName: takes a text, not a map" in told
    assert "jobQueues.Line.schedulingPolicyArn: takes " in told


def test_a_name_that_aws_would_not_take_is_told() -> None:
    """At its place, as the name in AWS."""
    made = converted({"Fast": environment(ComputeEnvironmentName="not a name")})
    (told,) = faults(made)
    assert "computeEnvironments.Fast.physicalName" in told
    assert "'not a name' is not a name" in told


def test_what_the_live_stack_has_otherwise_is_told() -> None:
    """Another name is another object; a parameter that nobody gave may be another one there."""
    arn = "arn:aws:batch:eu-west-1:123456789012:compute-environment/slow"
    made = converted({"Fast": environment(ComputeEnvironmentName="fast")}, values={"Fast": arn})
    assert [note for note in made.notes if "Fast is slow in the live stack, and fast by the template" in note]


def test_an_attribute_that_says_nothing_of_batch_is_told() -> None:
    """The attribute UpdatePolicy is not the property of that name."""
    made = converted({"Fast": environment() | {"UpdatePolicy": {"AutoScalingRollingUpdate": {}}}})
    assert [note for note in made.notes if "the attribute UpdatePolicy says nothing of AWS Batch" in note]
