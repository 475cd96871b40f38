"""What is known beside a template is read from what the AWS CLI prints and the CDK keeps."""

import json
from typing import Any

import pytest

from providers.errors import ManifestError
from reconciler.adapters.cloudformation.known import Given, Known, given, merged, whereabouts
from tests.reconciler.adapters.cloudformation.kit import context

_STACK_ID = "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/batch/0a1b"
_STACK: dict[str, Any] = {
    "StackId": _STACK_ID,
    "StackName": "batch",
    "NotificationARNs": [],
    "Parameters": [
        {"ParameterKey": "Stage", "ParameterValue": "prod"},
        {"ParameterKey": "Password", "ParameterValue": "****"},
        {"ParameterKey": "Ami", "ParameterValue": "/images", "ResolvedValue": "ami-1"},
    ],
    "Outputs": [
        {"OutputKey": "Queue", "OutputValue": "arn:q", "ExportName": "queue"},
        {"OutputKey": "Role", "OutputValue": "arn:r"},
    ],
}


def plain(section: Any) -> dict[str, Any]:
    return {name: one.value for name, one in section.items()}


def told(document: Any) -> dict[str, dict[str, Any]]:
    """What a file says, by section, without those that say nothing."""
    return {name: plain(section) for name, section in context(json.dumps(document)).sections if section}


_PSEUDO = {
    "AWS::StackId": _STACK_ID,
    "AWS::Partition": "aws-cn",
    "AWS::Region": "cn-north-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "batch",
}


def test_a_stack() -> None:
    """A stack tells its parameters but those that are hidden, what it gives and exports, and where it stands."""
    assert told({"Stacks": [_STACK]}) == {
        "values": {**_PSEUDO, "Ami": "ami-1", "AWS::NotificationARNs": []},
        "parameters": {"Stage": "prod", "Ami": "/images"},
        "outputs": {"Queue": "arn:q", "Role": "arn:r"},
        "exports": {"queue": "arn:q"},
    }


def test_several_stacks() -> None:
    """Of several stacks it is not told which one the template is, so that only their exports are known."""
    assert told({"Stacks": [_STACK, {**_STACK, "Outputs": []}]}) == {"exports": {"queue": "arn:q"}}


@pytest.mark.parametrize(
    ("document", "known"),
    [
        (
            {
                "StackResources": [
                    {"LogicalResourceId": "Role", "PhysicalResourceId": "batch-role", "StackId": _STACK_ID},
                    {"LogicalResourceId": "Gone", "PhysicalResourceId": "x", "ResourceStatus": "DELETE_COMPLETE"},
                    {"LogicalResourceId": "Coming", "ResourceStatus": "CREATE_IN_PROGRESS"},
                ]
            },
            {"values": {**_PSEUDO, "Role": "batch-role"}},
        ),
        (
            {"StackResourceSummaries": [{"LogicalResourceId": "Role", "PhysicalResourceId": "batch-role"}]},
            {"values": {"Role": "batch-role"}},
        ),
        ({"Exports": [{"Name": "net", "Value": "vpc-1"}]}, {"exports": {"net": "vpc-1"}}),
        (
            {
                "AvailabilityZones": [
                    {"RegionName": "us-east-1", "ZoneName": "us-east-1b", "State": "available"},
                    {"RegionName": "us-east-1", "ZoneName": "us-east-1a", "ZoneType": "availability-zone"},
                    {"RegionName": "us-east-1", "ZoneName": "us-east-1-bos-1a", "ZoneType": "local-zone"},
                ]
            },
            {"zones": {"us-east-1": ["us-east-1a", "us-east-1b"]}},
        ),
        (
            {
                "availability-zones:account=1:region=us-east-1": ["us-east-1a"],
                "availability-zones:account=1:region=eu-west-1": ["eu-west-1a"],
                "availability-zones:account=2:region=eu-west-1": ["eu-west-1b"],
                "ssm:account=1:parameterName=/a/b:region=us-east-1": "ami-1",
                "ssm:account=1:parameterName=/c:region=us-east-1": "one",
                "ssm:account=1:parameterName=/c:region=us-east-2": "two",
                "@aws-cdk/core:newStyle": True,
                "vpc-provider:account=1": {"vpcId": "vpc-1"},
            },
            {"zones": {"us-east-1": ["us-east-1a"]}, "ssm": {"/a/b": "ami-1"}},
        ),
        (
            [{"ParameterKey": "Stage", "ParameterValue": "dev"}, {"ParameterKey": "A", "UsePreviousValue": True}],
            {"parameters": {"Stage": "dev"}},
        ),
        (
            {"Parameters": {"Stage": "dev", "Role": {"Fn::GetParam": ["a", "b", "c"]}}, "Tags": {}},
            {"parameters": {"Stage": "dev"}},
        ),
        (
            {
                "Parameters": [
                    {"Name": "/a", "Type": "StringList", "Value": "x,y"},
                    {"Name": "/b", "Type": "SecureString", "Value": "secret"},
                ]
            },
            {"ssm": {"/a": ["x", "y"]}},
        ),
        ({"Parameter": {"Name": "/a", "Type": "String", "Value": "x"}}, {"ssm": {"/a": "x"}}),
        (
            {"Subnet": "subnet-1", "Role.Arn": "arn:r", "Subnets": ["a", "b"], "Later": None, "exports": {"e": "f"}},
            {"values": {"Subnet": "subnet-1", "Role.Arn": "arn:r", "Subnets": ["a", "b"]}, "exports": {"e": "f"}},
        ),
    ],
)
def test_files(document: Any, known: dict[str, dict[str, Any]]) -> None:
    """Each kind of file tells what it is made to tell, and nothing else."""
    assert told(document) == known


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a", "context.json:1:1: a file of context is a map or a list, not 'a'"),
        ("[{}]", "[0]: a parameter is a map with a ParameterKey"),
        ('{"Outputs": {"a": "b"}}', "Outputs: a file of context of a kind that is not known"),
        ('{"a": [[]]}', "a: a list of texts is needed here"),
        ('{"exports": {"a": {}}}', "a: a text or a list of texts is needed here, not a map"),
        ('{"a": ', "not JSON"),
    ],
)
def test_files_that_say_nothing(text: str, fault: str) -> None:
    """A file that is none of these is told from one that is."""
    with pytest.raises(ManifestError) as caught:
        context(text)
    assert fault in str(caught.value.faults[0])


def test_what_agrees_is_merged() -> None:
    """Several files are one, and what is given by hand stays strict."""
    known = merged([given({"Stage": "prod", "AWS::StackName": "batch"}), context(json.dumps({"Stacks": [_STACK]}))])
    assert plain(known.parameters) == {"Stage": "prod", "Ami": "/images"}
    assert known.parameters["Stage"].strict
    assert known.values["AWS::StackName"].value == "batch"


def test_two_that_disagree() -> None:
    """Two values for one thing are a fault that names both places and neither value."""
    with pytest.raises(ManifestError) as caught:
        merged([context('{"A": "opensesame"}'), context('{"A": "sesame"}', "b.json")])
    (fault,) = caught.value.faults
    assert str(fault) == "b.json:1:7: A: A has another value here (the other one: context.json:1)"
    with pytest.raises(ManifestError, match="has another value here"):
        merged([whereabouts(region="us-east-1"), given({"AWS::Region": "us-east-2"})])


def test_values_are_not_shown() -> None:
    """What is known may be secret."""
    assert "opensesame" not in repr(Known(values={"A": Given("opensesame")}))
