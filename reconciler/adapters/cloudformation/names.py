"""What the names in a template stand for: parameters, resources and their attributes, exports, zones, mappings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from plans.nodes import Node
from providers.errors import Fault
from reconciler.adapters.cloudformation.derived import SAME, derived
from reconciler.adapters.cloudformation.functions import GONE, unresolved
from reconciler.adapters.cloudformation.known import Known
from reconciler.adapters.cloudformation.leaves import Reference, Text, Unresolved
from reconciler.adapters.cloudformation.pseudo import LETTERS, of_region
from reconciler.adapters.cloudformation.sections import Parameter, Template
from reconciler.adapters.cloudformation.tags import attribute_parts, function_of

if TYPE_CHECKING:
    from reconciler.adapters.cloudformation.resolve import Resolver

_MOST_DERIVING = 10
"""Names that are made of one another: more are asked for."""
_IDENTIFIER = "abcdefghijklmnopqrstuvwxyz0123456789-"


@attrs.define
class Names:
    """`deriving` are the values that are being made of other ones, so that none is made of itself; `derived` are those
    that were made, by what they are of and whether what is not to be shown was looked at for them."""

    template: Template
    known: Known
    resolver: "Resolver"
    deriving: set[str] = attrs.field(factory=set)
    derived: dict[tuple[str, bool], Text | None] = attrs.field(factory=dict, repr=False)
    outside: dict[str, Any] = attrs.field(init=False, factory=dict, repr=False)
    ssm: Mapping[str, str] = attrs.field(init=False, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        self.ssm = {name: one.value for name, one in self.known.ssm.items() if isinstance(one.value, str)}
        for name, output in self.template.outputs.items():
            if name in self.known.outputs and (told := _named(output.value)):
                self.outside[told] = self.known.outputs[name].value
        self.outside |= {name: one.value for name, one in self.known.values.items()}

    def check(self) -> None:
        """Add what is wrong with what is given."""
        found = self.resolver.faults.found
        declared = self.template.parameters
        for name, one in self.known.parameters.items():
            if name not in declared:
                if one.strict:
                    near = self.resolver.faults.nearest(name, declared)
                    hint = f"did you mean {near}?" if near else None
                    found.append(Fault(one.mark.file, one.mark.line, one.mark.column, name, "no such parameter", hint))
                continue
            parameter = declared[name]
            said = items(one.value) if parameter.many else [one.value]
            if parameter.allowed and not parameter.ssm and any(item not in parameter.allowed for item in said):
                told = "the value" if parameter.no_echo else repr(one.value)
                found.append(
                    Fault(
                        *(one.mark.file, one.mark.line, one.mark.column, name),
                        f"{told} is not allowed for the parameter {name}",
                        None if parameter.no_echo else f"allowed: {', '.join(parameter.allowed)}",
                    )
                )

    def ref(self, name: str, node: Node, path: str) -> Any:
        if name.startswith("AWS::"):
            return self.pseudo(name)
        if name in self.template.parameters:
            return self.parameter(self.template.parameters[name])
        return self.of_resource(name, None, node, path)

    def physical(self, reference: Reference) -> Text:
        """The text that a reference stands for, where that is known: for a part of a text."""
        value = self.outside.get(_key(reference.logical_id, reference.attribute))
        return value if isinstance(value, str) else reference

    def pseudo(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return GONE
        value = self.outside.get(name)
        if value is None and name in ("AWS::Partition", "AWS::URLSuffix") and "AWS::Region" in self.outside:
            value = of_region(str(self.outside["AWS::Region"]))[name]
        if value is not None:
            return value
        short = name.removeprefix("AWS::")
        return Unresolved(
            f"Ref {name}",
            (f"{name} in --context",),
            name=short,
            many=short == "NotificationARNs",
            letters=LETTERS.get(name),
        )

    def parameter(self, parameter: Parameter) -> Any:
        name = parameter.name
        value = self._of_ssm(parameter) if parameter.ssm else self._given(parameter)
        decisions = self.resolver.decisions
        helps = not parameter.no_echo or (decisions.asking and value is None)
        unknown = Unresolved(
            f"Ref {name}",
            (f"{name} in --context" if parameter.ssm else f"--parameter {name}=VALUE",) if helps else (),
            secret=parameter.no_echo,
            name=name,
            many=parameter.many,
            letters=_IDENTIFIER
            if parameter.type.startswith("AWS::EC2::") and parameter.type.endswith("::Id")
            else None,
        )
        if value is None or (parameter.no_echo and not decisions.clear):
            return unknown
        if parameter.many:
            return items(value)
        return ",".join(value) if isinstance(value, list) else value

    def clear(self, parameter: Parameter) -> Any:
        """The value of a parameter that is not to be shown; None where it is not known."""
        decisions = self.resolver.decisions
        decisions.clear = True
        value = self.parameter(parameter)
        decisions.clear = False
        return None if isinstance(value, Unresolved) else value

    def _given(self, parameter: Parameter) -> Any:
        if parameter.name in self.known.parameters:
            return self.known.parameters[parameter.name].value
        default = parameter.default
        return self.outside.get(parameter.name, default.value if default else None)

    def _of_ssm(self, parameter: Parameter) -> Any:
        """The value that SSM holds under the name that the parameter is given."""
        if parameter.name in self.outside:
            return self.outside[parameter.name]
        called = self._given(parameter)
        return self.ssm.get(called) if isinstance(called, str) else None

    def of_resource(self, logical_id: str, attribute: str | None, node: Node, path: str) -> Any:
        declared = self.template.resources.get(logical_id)
        told = f"Ref {logical_id}" if attribute is None else f"GetAtt {logical_id}.{attribute}"
        if declared is not None and declared.batch:
            value: Any = Reference(logical_id, attribute)
        else:
            key = _key(logical_id, attribute)
            value = self.outside.get(key)
            if value is None and declared is not None:
                value = self._derived(key, declared.logical_id, attribute)
        if declared is not None and self.resolver.holds(declared.condition) is False:
            message = f"{told}, but its condition {declared.condition} does not hold"
            return self.resolver.broken(node, path, message)
        if value is not None:
            return value
        if declared is None and not self.template.macros:
            return self.resolver.broken(node, path, f"there is no resource {logical_id!r}")
        name = f"{logical_id}{(attribute or '').replace('.', '')}"
        same = declared is not None and (declared.type, attribute) in SAME
        wanted = logical_id if same else _key(logical_id, attribute)
        return Unresolved(told, (f"{wanted} in --context",), name=name)

    def _derived(self, key: str, logical_id: str, attribute: str | None) -> Text | None:
        if key in self.deriving or len(self.deriving) >= _MOST_DERIVING:
            return None
        known = (key, self.resolver.decisions.clear)
        if known not in self.derived:
            self.deriving.add(key)
            self.derived[known] = derived(self.template.resources[logical_id], attribute, self.resolver)
            self.deriving.discard(key)
        return self.derived[known]

    def export(self, name: Text, node: Node) -> Any:
        if isinstance(name, str):
            if name in self.known.exports:
                return self.known.exports[name].value
            return Unresolved(f"ImportValue {name}", (f"exports: {{{name}: VALUE}} in --context",), name=name)
        return self.resolver.unknown(node, [name])

    def zones(self, region: Text, node: Node) -> Any:
        if region == "":
            region = self.pseudo("AWS::Region")
        if isinstance(region, str):
            if region in self.known.zones:
                return items(self.known.zones[region].value)
            return unresolved(node, (f"describe-availability-zones of {region} in --context",), many=True)
        return self.resolver.unknown(node, [region], many=True)

    def in_map(self, keys: Sequence[str], nodes: Sequence[Node], path: str, *, may_lack: bool) -> Node | None:
        """What a mapping says under two keys; None where it does not, which is a fault unless it may lack it."""
        known: Iterable[str] = self.template.mappings
        found: Node | None = None
        for index, key in enumerate(keys):
            entry = self.template.mappings.get(key) if found is None else None
            if found is not None:
                known, inner = found.entries, found.entries.get(key)
                entry = inner.node if inner else None
            if entry is None:
                if not may_lack:
                    near = self.resolver.faults.nearest(key, known)
                    what = (
                        f"no mapping {key!r}"
                        if index == 0
                        else f"no key {key!r} in the mapping {'.'.join(keys[:index])}"
                    )
                    hint = f"did you mean {near}?" if near else None
                    self.resolver.broken(nodes[index], path, f"there is {what}", hint)
                return None
            found = entry
        return found


def _key(logical_id: str, attribute: str | None) -> str:
    return logical_id if attribute is None else f"{logical_id}.{attribute}"


def items(value: Any) -> list[str]:
    """The items of a parameter that is a list."""
    if isinstance(value, list):
        return value
    return [item.strip() for item in str(value).split(",")]


def _named(node: Node) -> str | None:
    """The key of what an output says, where it says one thing alone."""
    match function_of(node):
        case ("Ref", Node(value=str(name))):
            return name
        case ("Fn::GetAtt", argument):
            items = attribute_parts(argument).items
            if len(items) == 2 and all(isinstance(item.value, str) for item in items):
                return f"{items[0].value}.{items[1].value}"
    return None
