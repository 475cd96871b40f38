"""What of a template can be told to be wrong without knowing any value.

What CloudFormation tells of a resource of another service is left to it: only resources of AWS Batch, parameters,
conditions and mappings are looked into.
"""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from plans.nodes import Faults, Node
from reconciler.adapters.cloudformation.conditions import DECIDING
from reconciler.adapters.cloudformation.sections import PROCESSED, Declared, Template
from reconciler.adapters.cloudformation.tags import VARIABLE, attribute_parts, has_function

PSEUDO = frozenset(
    f"AWS::{name}"
    for name in ("AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)
ITEMS: Mapping[str, tuple[int, int]] = {
    "Fn::And": (2, 10),
    "Fn::Cidr": (2, 3),
    "Fn::Equals": (2, 2),
    "Fn::FindInMap": (3, 4),
    "Fn::GetAtt": (2, 2),
    "Fn::If": (3, 3),
    "Fn::Join": (2, 2),
    "Fn::Not": (1, 1),
    "Fn::Or": (2, 10),
    "Fn::Select": (2, 2),
    "Fn::Split": (2, 2),
}
"""How many items a function is given."""
OTHERS = frozenset({"Fn::Base64", "Fn::GetAZs", "Fn::ImportValue", "Fn::Sub", "Fn::Transform", "Ref"})
EXTENDED = frozenset({"Fn::Length", "Fn::ToJsonString"})


def check(template: Template, faults: Faults) -> None:
    """Add every fault."""
    checker = _Checker(template, faults)
    for parameter in template.parameters.values():
        default = parameter.default
        if default is not None and not isinstance(default.value, str):
            faults.add(default, f"Parameters.{parameter.name}.Default", f"a text, not {default.told()}")
        elif (
            default is not None and parameter.allowed and not parameter.many and default.value not in parameter.allowed
        ):
            message = "the default is none of the allowed values"
            faults.add(default, f"Parameters.{parameter.name}.Default", message)
    for name, mapping in template.mappings.items():
        for key, entry in mapping.entries.items():
            if not isinstance(entry.node.value, Mapping) and not key.startswith("Fn::"):
                faults.add(entry.node, f"Mappings.{name}.{key}", f"a map, not {entry.node.told()}")
            elif has_function(entry.node) and not template.macros:
                faults.add(entry.node, f"Mappings.{name}.{key}", "a mapping holds texts and lists, and no function")
    for name, condition in template.conditions.items():
        checker.condition(condition, f"Conditions.{name}")
    for declared in template.resources.values():
        checker.resource(declared)


@attrs.frozen
class _Checker:
    template: Template
    faults: Faults

    def resource(self, declared: Declared) -> None:
        if declared.condition is not None:
            self.named(declared.condition, declared.at, f"{declared.path}.Condition")
        for name in declared.depends_on:
            if name not in self.template.resources and not self.template.macros:
                self.unknown(name, self.template.resources, declared.at, f"{declared.path}.DependsOn", "resource")
        if not declared.batch:
            return
        self.walk(declared.properties, f"{declared.path}.Properties")
        for node, path in _nulls(declared.properties, f"{declared.path}.Properties"):
            self.faults.add(node, path, "a template holds no null", "write AWS::NoValue, or leave the key out")

    def unknown(self, name: str, known: Iterable[str], node: Node, path: str, what: str) -> None:
        near = self.faults.nearest(name, known)
        self.faults.add(node, path, f"there is no {what} {name!r}", f"did you mean {near}?" if near else None)

    def named(self, name: str, node: Node, path: str) -> None:
        if name not in self.template.conditions and not self.template.macros:
            self.unknown(name, self.template.conditions, node, path, "condition")

    def condition(self, node: Node, path: str) -> None:
        """A condition is one function that decides, or the name of another one."""
        entries = node.entries
        if len(entries) != 1:
            self.faults.add(node, path, f"a condition such as Fn::Equals, not {node.told()}")
            return
        ((key, entry),) = entries.items()
        inner = f"{path}.{key}"
        if key == "Condition":
            self.named(str(entry.node.value), entry.node, inner)
        elif key in DECIDING:
            self.counted(key, entry.node, inner)
            for index, item in enumerate(entry.node.items):
                if key == "Fn::Equals":
                    self.walk(item, f"{inner}[{index}]", deciding=True)
                else:
                    self.condition(item, f"{inner}[{index}]")
        elif not self.template.macros:
            self.unknown(key, DECIDING, entry.key, inner, "function of conditions")

    def counted(self, name: str, argument: Node, path: str) -> None:
        least, most = ITEMS[name]
        node = attribute_parts(argument) if name == "Fn::GetAtt" else argument
        if isinstance(node.value, Mapping) and any(key.startswith("Fn::") for key in node.entries):
            return
        if not least <= len(node.items) <= most:
            between = f"{least}" if least == most else f"{least} to {most}"
            given = f"{len(node.items)}" if isinstance(node.value, tuple) else node.told()
            self.faults.add(argument, path, f"{name} takes a list of {between} items, not {given}")

    def walk(self, node: Node, path: str, *, deciding: bool = False) -> None:
        for index, item in enumerate(node.items):
            self.walk(item, f"{path}[{index}]", deciding=deciding)
        alone = len(node.entries) == 1
        for key, entry in node.entries.items():
            inner = f"{path}.{key}"
            if key.startswith("Fn::") or (alone and key == "Ref"):
                self.function(key, entry.key, entry.node, inner, deciding=deciding)
            self.walk(entry.node, inner, deciding=deciding)

    def function(self, name: str, key: Node, argument: Node, path: str, *, deciding: bool) -> None:
        match name:
            case "Ref" if isinstance(argument.value, str):
                self.reference(argument.value, argument, path, deciding=deciding)
            case "Fn::GetAtt":
                self.counted(name, argument, path)
                items = attribute_parts(argument).items
                if items and isinstance(items[0].value, str):
                    self.resource_name(items[0].value, argument, path)
            case "Fn::If" if argument.items and isinstance(argument.items[0].value, str):
                self.counted(name, argument, path)
                self.named(argument.items[0].value, argument.items[0], f"{path}[0]")
            case "Fn::Sub":
                self.sub(argument, path, deciding=deciding)
            case _ if name in ITEMS:
                self.counted(name, argument, path)
            case _ if name in EXTENDED and not self.template.extended and not self.template.macros:
                self.faults.add(key, path, f"{name} takes Transform: AWS::LanguageExtensions")
            case _ if name not in OTHERS and name not in EXTENDED and not self.template.macros:
                near = self.faults.nearest(name, {*ITEMS, *OTHERS, *EXTENDED})
                self.faults.add(
                    key, path, f"there is no function {name}", f"did you mean {near}?" if near else PROCESSED
                )
        if name in DECIDING and not deciding:
            self.faults.add(key, path, f"{name} stands in a condition, not in a property", "name a condition: Fn::If")

    def sub(self, argument: Node, path: str, *, deciding: bool) -> None:
        written, own = argument, frozenset[str]()
        if isinstance(argument.value, tuple):
            if len(argument.items) != 2 or not isinstance(argument.items[1].value, Mapping):
                self.faults.add(argument, path, "Fn::Sub takes a text, or a list of a text and a map")
                return
            written, own = argument.items[0], frozenset(argument.items[1].entries)
        if not isinstance(written.value, str):
            self.faults.add(written, path, f"Fn::Sub takes a text, not {written.told()}")
            return
        for use in VARIABLE.finditer(written.value):
            name = use[2].strip()
            if use[1] or name in own:
                continue
            if "." in name:
                self.resource_name(name.split(".", 1)[0], written, path)
            else:
                self.reference(name, written, path, deciding=deciding)

    def reference(self, name: str, node: Node, path: str, *, deciding: bool) -> None:
        if name in self.template.parameters or name in PSEUDO or (self.template.macros and "::" not in name):
            return
        if deciding and name in self.template.resources:
            self.faults.add(node, path, f"a condition cannot know the resource {name}", "ask for a parameter")
        elif name not in self.template.resources:
            known = {*self.template.parameters, *self.template.resources, *PSEUDO}
            self.unknown(name, known, node, path, "parameter or resource")

    def resource_name(self, name: str, node: Node, path: str) -> None:
        if name not in self.template.resources and not self.template.macros:
            self.unknown(name, self.template.resources, node, path, "resource")


def _nulls(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    if node.value is None:
        yield node, path
    for key, entry in node.entries.items():
        yield from _nulls(entry.node, f"{path}.{key}")
    for index, item in enumerate(node.items):
        yield from _nulls(item, f"{path}[{index}]")
