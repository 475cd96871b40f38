"""Small templates around one value."""

from typing import Any

from plans.nodes import Source
from reconciler.adapters.cloudformation.context import read_context
from reconciler.adapters.cloudformation.known import NOTHING, Known, given, merged, whereabouts
from reconciler.adapters.cloudformation.resolve import Resolver
from reconciler.adapters.cloudformation.template import Template, read

AROUND = """
Transform: AWS::LanguageExtensions
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Image: {Type: String}
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
  Subnet: {Type: AWS::EC2::Subnet::Id}
  Names: {Type: CommaDelimitedList, Default: "a, b,c"}
  Password: {Type: String, NoEcho: true, Default: hunter2}
  Ami: {Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", Default: /images/latest}
Mappings:
  Sizes:
    us-east-1: {small: "4", kinds: [c5, m5]}
    eu-west-1: {small: "2"}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
  NotProd: !Not [!Condition Prod]
  Custom: !Equals [!Ref Image, custom]
  ProdOrCustom: !Or [!Condition Prod, !Condition Custom]
  ProdAndCustom: !And [!Condition Prod, !Condition Custom]
  HasPassword: !Not [!Equals [!Ref Password, ""]]
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {Path: /batch/}}
  Named: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub "${Stage}-role"}}
  Group: {Type: AWS::EC2::SecurityGroup}
  OnlyProd: {Type: AWS::SNS::Topic, Condition: Prod}
  Queue: {Type: AWS::Batch::JobQueue}
  Asked:
    Type: AWS::Batch::JobDefinition
    Properties:
      Value: """


def template(text: str, name: str = "stack.yaml") -> Template:
    return read(Source(name, text.encode()))


def asked(value: str, known: Known = NOTHING) -> Resolver:
    """The resolver of a template in which one value stands; faults are in it."""
    return Resolver(template(AROUND + value), known)


def resolved(value: str, known: Known = NOTHING) -> Any:
    """What a value comes to; raises ManifestError where that is wrong."""
    resolver = asked(value, known)
    properties = resolver.value(resolver.template.resources["Asked"].properties, "Resources.Asked.Properties")
    resolver.faults.end("the template")
    return properties["Value"]


def context(text: str, name: str = "context.json") -> Known:
    return read_context(Source(name, text.encode()))


def at_home(**parameters: str) -> Known:
    """A stack in us-east-1, with parameters."""
    return merged([whereabouts(region="us-east-1", account_id="123456789012"), given(parameters)])
