"""The files of `--context`: what the AWS CLI prints of a stack, and what the CDK keeps."""

import re
from collections.abc import Callable, Iterator, Mapping

import attrs

from plans.nodes import Faults, Node, Source
from plans.yamltext import collector_off
from plans.yamltext import read as nodes_of
from reconciler.adapters.cloudformation.known import Gathering, Given, Known

_HIDDEN = "****"
"""What stands for the value of a parameter that is not shown."""
_GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
_STACK_ID = re.compile(r"arn:([a-z-]+):cloudformation:([a-z0-9-]+):(\d{12}):stack/([^/]+)/.+")
_ZONES = re.compile(r"availability-zones:account=\d+:region=([a-z0-9-]+)")
_SSM = re.compile(r"ssm:account=\d+:parameterName=(.+):region=[a-z0-9-]+")


@collector_off()
def read_context(source: Source) -> Known:
    """What a file says, whatever of these it is; raises ManifestError with all faults.

    What `aws cloudformation` prints for describe-stacks, describe-stack-resources, list-stack-resources and
    list-exports, `aws ec2` for describe-availability-zones and `aws ssm` for get-parameter and get-parameters; a file
    of parameters for the AWS CLI or CodePipeline; `cdk.context.json`; or a map of names, `LogicalId.Attribute` among
    them, to values, and of `exports` to a map of such.
    """
    faults = Faults()
    root = nodes_of(source, faults)
    if root is not None:
        context = _Context(Gathering(faults))
        context.read(root)
        faults.end(source.name)
        return context.gathering.known
    faults.end(source.name)
    raise AssertionError(source.name)


def _text(node: Node, key: str) -> str:
    entry = node.entries.get(key)
    return entry.node.value if entry is not None and isinstance(entry.node.value, str) else ""


def _inside(node: Node, key: str) -> Node:
    entry = node.entries.get(key)
    return entry.node if entry is not None else node.with_value(None)


@attrs.frozen
class _Context:
    gathering: Gathering

    def read(self, root: Node) -> None:
        readers: Mapping[str, Callable[[Node], None]] = {
            "Stacks": self.stacks,
            "StackResources": self.resources,
            "StackResourceSummaries": self.resources,
            "Exports": self.exports,
            "AvailabilityZones": self.zones,
            "Parameters": self.parameters,
            "Parameter": self.parameter_of_ssm,
        }
        if isinstance(root.value, tuple):
            self.parameter_list(root, strict=True)
            return
        if not isinstance(root.value, Mapping):
            self.fault(root, "", f"a file of context is a map or a list, not {root.told()}")
            return
        reader = next((key for key in readers if isinstance(_inside(root, key).value, tuple | Mapping)), None)
        if reader is not None:
            readers[reader](_inside(root, reader))
        elif any(
            _ZONES.fullmatch(key) or ":account=" in key or key.startswith(("@aws-cdk/", "aws:cdk:"))
            for key in root.entries
        ):
            self.cdk(root)
        else:
            self.names(root)

    def fault(self, node: Node, path: str, message: str, hint: str | None = None) -> None:
        self.gathering.faults.add(node, path, message, hint)

    def add(self, section: str, name: str, node: Node, *, strict: bool = False) -> None:
        """A text or a list of texts that is known; what is null is not."""
        value: object = node.value
        if isinstance(node.value, tuple):
            value = [item.value for item in node.value if isinstance(item.value, str)]
            if len(value) < len(node.value):
                self.fault(node, name, "a list of texts is needed here")
                return
        elif isinstance(node.value, Mapping):
            self.fault(node, name, "a text or a list of texts is needed here, not a map")
            return
        if name and value is not None:
            self.gathering.add(section, name, Given(value, node.mark, strict))

    def stacks(self, stacks: Node) -> None:
        """Of several stacks only what they export is known: which of them the template is, is not told."""
        for stack in stacks.items:
            outputs = _inside(stack, "Outputs").items
            for output in outputs:
                if _text(output, "ExportName"):
                    self.add("exports", _text(output, "ExportName"), _inside(output, "OutputValue"))
            if len(stacks.items) > 1:
                continue
            for output in outputs:
                self.add("outputs", _text(output, "OutputKey"), _inside(output, "OutputValue"))
            self.parameter_list(_inside(stack, "Parameters"))
            self.of_stack_id(_inside(stack, "StackId"))
            if isinstance(_inside(stack, "NotificationARNs").value, tuple):
                self.add("values", "AWS::NotificationARNs", _inside(stack, "NotificationARNs"))

    def of_stack_id(self, node: Node) -> None:
        told = _STACK_ID.fullmatch(node.value) if isinstance(node.value, str) else None
        if told is None:
            return
        self.add("values", "AWS::StackId", node)
        for index, name in enumerate(("Partition", "Region", "AccountId", "StackName"), 1):
            self.add("values", f"AWS::{name}", node.with_value(told[index]))

    def parameter_list(self, parameters: Node, *, strict: bool = False) -> None:
        for index, one in enumerate(parameters.items):
            name = _text(one, "ParameterKey")
            if not name:
                if strict:
                    self.fault(one, f"[{index}]", "a parameter is a map with a ParameterKey")
                continue
            if _inside(one, "ParameterValue").value != _HIDDEN:
                self.add("parameters", name, _inside(one, "ParameterValue"), strict=strict)
            if _inside(one, "ResolvedValue").value != _HIDDEN:
                self.add("values", name, _inside(one, "ResolvedValue"))

    def resources(self, resources: Node) -> None:
        for one in resources.items:
            if _text(one, "ResourceStatus") not in _GONE and _text(one, "PhysicalResourceId"):
                self.add("values", _text(one, "LogicalResourceId"), _inside(one, "PhysicalResourceId"))
            self.of_stack_id(_inside(one, "StackId"))

    def exports(self, exports: Node) -> None:
        for one in exports.items:
            self.add("exports", _text(one, "Name"), _inside(one, "Value"))

    def zones(self, zones: Node) -> None:
        """The zones of regions, by name, but no local ones."""
        found: dict[str, list[Node]] = {}
        for one in zones.items:
            if _text(one, "ZoneType") in ("", "availability-zone") and _text(one, "State") in ("", "available"):
                found.setdefault(_text(one, "RegionName"), []).append(_inside(one, "ZoneName"))
        for region, names in found.items():
            names.sort(key=lambda node: str(node.value))
            self.add("zones", region, zones.with_value(tuple(names)))

    def parameters(self, parameters: Node) -> None:
        """Those that CodePipeline gives a stack, a map; or those of SSM, a list."""
        for one in parameters.items:
            self.parameter_of_ssm(one)
        for name, entry in parameters.entries.items():
            if not isinstance(entry.node.value, Mapping):
                self.add("parameters", name, entry.node, strict=True)

    def parameter_of_ssm(self, parameter: Node) -> None:
        if _text(parameter, "Type") == "SecureString":
            return
        value = _inside(parameter, "Value")
        if _text(parameter, "Type") == "StringList" and isinstance(value.value, str):
            value = value.with_value(tuple(value.with_value(item) for item in value.value.split(",")))
        self.add("ssm", _text(parameter, "Name"), value)

    def cdk(self, root: Node) -> None:
        """What the CDK looked up; where it differs between accounts or regions, it is not known."""
        for section, pattern in (("zones", _ZONES), ("ssm", _SSM)):
            found = list(_matching(root, pattern))
            for name, node in found:
                if all(_said(other) == _said(node) for called, other in found if called == name):
                    self.add(section, name, node)

    def names(self, root: Node) -> None:
        for name, entry in root.entries.items():
            if name == "exports" and isinstance(entry.node.value, Mapping):
                for export, one in entry.node.entries.items():
                    self.add("exports", export, one.node)
            elif isinstance(entry.node.value, Mapping):
                self.fault(
                    entry.key, name, "a file of context of a kind that is not known", "see `batchwright convert --help`"
                )
            else:
                self.add("values", name, entry.node)


def _matching(root: Node, pattern: re.Pattern[str]) -> Iterator[tuple[str, Node]]:
    for key, entry in root.entries.items():
        if found := pattern.fullmatch(key):
            yield found[1], entry.node


def _said(node: Node) -> object:
    return [item.value for item in node.items] if isinstance(node.value, tuple) else node.value
