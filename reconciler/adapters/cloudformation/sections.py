"""The sections of a template, read: what it declares, with the places where it does.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from collections.abc import Mapping

import attrs

from plans.nodes import Node
from providers.resources import EMPTY

LARGEST = 1024 * 1024
"""Bytes of a template. Source: 1 MB by
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
EXTENSIONS = "AWS::LanguageExtensions"
PROCESSED = "give the template as CloudFormation processed it: get-template --template-stage Processed"
_BATCH = "AWS::Batch::"


@attrs.frozen
class Parameter:
    """A declared parameter. `ssm`: what it is given is the name of a parameter of SSM, not its value."""

    name: str
    type: str
    default: Node | None = attrs.field(repr=False)
    no_echo: bool
    allowed: tuple[str, ...]
    at: Node = attrs.field(repr=False)

    @property
    def ssm(self) -> bool:
        return self.type.startswith("AWS::SSM::Parameter::Value<")

    @property
    def many(self) -> bool:
        """Whether its value is a list."""
        inner = self.type.removeprefix("AWS::SSM::Parameter::Value<")
        return inner.startswith(("List<", "CommaDelimitedList"))


@attrs.frozen
class Declared:
    """A resource as it is declared; `properties` is a map, empty where there are none. `at` is its key."""

    logical_id: str
    type: str
    properties: Node = attrs.field(repr=False)
    at: Node = attrs.field(repr=False)
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: Node | None = attrs.field(default=None, repr=False)
    update_replace_policy: Node | None = attrs.field(default=None, repr=False)
    update_policy: Node | None = attrs.field(default=None, repr=False)
    cdk_path: str | None = None

    @property
    def path(self) -> str:
        return f"Resources.{self.logical_id}"

    @property
    def batch(self) -> bool:
        return self.type.startswith(_BATCH)


@attrs.frozen
class Output:
    """An output: what it says, and the name under which it is exported."""

    value: Node = attrs.field(repr=False)
    export: Node | None = attrs.field(default=None, repr=False)
    condition: str | None = None


@attrs.frozen
class Template:
    """`unprocessed` are the paths where a macro or an include would add what is not in the file; `in_order` are the
    names of the conditions, each after those that it names."""

    file: str
    resources: Mapping[str, Declared]
    parameters: Mapping[str, Parameter] = EMPTY
    mappings: Mapping[str, Node] = attrs.field(default=EMPTY, repr=False)
    conditions: Mapping[str, Node] = attrs.field(default=EMPTY, repr=False)
    outputs: Mapping[str, Output] = EMPTY
    transforms: tuple[str, ...] = ()
    unprocessed: tuple[str, ...] = ()
    description: str = ""
    in_order: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def macros(self) -> bool:
        """Whether CloudFormation makes another template of this one before it reads it."""
        return bool(self.unprocessed) or any(name != EXTENSIONS for name in self.transforms)

    @property
    def extended(self) -> bool:
        return EXTENSIONS in self.transforms
