"""From the bytes of a template to its sections, whatever its form: JSON, or YAML with short forms.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from collections.abc import Iterable, Mapping

import attrs

from plans.nodes import Faults, Node, Source
from plans.yamltext import collector_off
from plans.yamltext import read as nodes_of
from providers.resources import EMPTY
from reconciler.adapters.cloudformation import checking, loops
from reconciler.adapters.cloudformation.conditions import in_order
from reconciler.adapters.cloudformation.sections import EXTENSIONS, LARGEST, Declared, Output, Parameter, Template
from reconciler.adapters.cloudformation.tags import long_form

__all__ = ["Declared", "Output", "Parameter", "Template", "holds_template", "is_template", "read", "read_root"]

_SECTIONS = frozenset(
    {
        *("AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata"),
        *("Outputs", "Parameters", "Resources", "Rules", "Transform"),
    }
)
_ATTRIBUTES = frozenset(
    {
        *("Condition", "Connectors", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "Properties"),
        *("Type", "UpdatePolicy", "UpdateReplacePolicy", "Version"),
    }
)
_FALSE = frozenset({"false", "0", "no", "off"})


def read_root(source: Source, faults: Faults) -> Node | None:
    """The root of a file, short forms made long, and what `get-template` prints taken out of its wrapping."""
    if len(source.content) > LARGEST:
        at = Node(None, source.name, 0, 0)
        faults.add(at, "", f"the template has {len(source.content)} bytes, more than 1 MiB, which CloudFormation takes")
        return None
    root = nodes_of(source, faults, long_form)
    if root is not None and "TemplateBody" in root.entries and "Resources" not in root.entries:
        body = root.entries["TemplateBody"].node
        if isinstance(body.value, str):
            faults.add(
                body, "TemplateBody", "the template stands in a text", "write it: --query TemplateBody --output text"
            )
            return None
        return body
    return root


def is_template(root: Node) -> bool:
    """Whether the root of a file is that of a template, not of a manifest."""
    if "AWSTemplateFormatVersion" in root.entries or "TemplateBody" in root.entries:
        return True
    resources = root.entries.get("Resources")
    return resources is not None and any(
        key.startswith("Fn::") or ("Type" in inner.node.entries and "::" in _text(inner.node.entries["Type"].node))
        for key, inner in resources.node.entries.items()
    )


def holds_template(source: Source) -> bool:
    """Whether a file is a template; a file that cannot be read is none if it is not as good as one by its words."""
    if b"Resources" not in source.content and b"TemplateBody" not in source.content:
        return False
    faults = Faults()
    root = read_root(source, faults)
    if root is None:
        return b"AWS::" in source.content or b"AWSTemplateFormatVersion" in source.content
    return is_template(root)


@collector_off()
def read(source: Source) -> Template:
    """Read a template; raises ManifestError with all faults at once."""
    faults = Faults()
    root = read_root(source, faults)
    if root is None:
        faults.end(source.name)
    assert root is not None
    template = _Reading(source.name, root, faults).template()
    if template is not None:
        checking.check(template, faults)
    faults.end(source.name)
    assert template is not None
    return template


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""


@attrs.define
class _Reading:
    file: str
    root: Node
    faults: Faults
    transforms: tuple[str, ...] = ()
    unprocessed: list[str] = attrs.field(factory=list)

    def template(self) -> Template | None:
        top = self.root.entries
        if not isinstance(self.root.value, Mapping) or not (is_template(self.root) or "Resources" in top):
            self.faults.add(self.root, "", "not a template of CloudFormation", "a template has a map of `Resources`")
            return None
        self.transforms = tuple(self.transform_names())
        self.known_keys(self.root, "", _SECTIONS)
        resources = self.section("Resources")
        if not resources and not self.unprocessed:
            self.faults.add(self.root, "Resources", "the template has no resources")
        outputs = {name: self.output(name, node) for name, (_, node) in self.section("Outputs").items()}
        conditions = {name: node for name, (_, node) in self.section("Conditions").items()}
        return Template(
            file=self.file,
            resources={name: made for name, (key, node) in resources.items() if (made := self.resource(key, node))},
            parameters={name: self.parameter(name, node) for name, (_, node) in self.section("Parameters").items()},
            mappings={name: node for name, (_, node) in self.section("Mappings").items()},
            conditions=conditions,
            in_order=in_order(conditions, self.faults),
            outputs={name: made for name, made in outputs.items() if made},
            transforms=self.transforms,
            unprocessed=tuple(self.unprocessed),
            description=_text(top["Description"].node) if "Description" in top else "",
        )

    def transform_names(self) -> Iterable[str]:
        entry = self.root.entries.get("Transform")
        for node in (entry.node.items or (entry.node,)) if entry else ():
            name = _text(node) or _text(node.entries["Name"].node if "Name" in node.entries else None)
            if not name:
                self.faults.add(node, "Transform", f"the name of a macro is a text, not {node.told()}")
            yield name

    def known_keys(self, node: Node, path: str, known: frozenset[str]) -> None:
        """What CloudFormation does not know is a fault, unless a macro may know it."""
        for key, entry in node.entries.items():
            inner = f"{path}.{key}" if path else key
            if key == "Fn::Transform":
                self.unprocessed.append(inner)
            elif key not in known and all(name == EXTENSIONS for name in self.transforms):
                near = self.faults.nearest(key, known)
                hint = f"did you mean {near}?" if near else "one of " + ", ".join(sorted(known))
                self.faults.add(entry.key, inner, f"a template has no {key!r} here", hint)

    def section(self, name: str) -> Mapping[str, tuple[Node, Node]]:
        """The entries of a section, loops unrolled: by name, the key and what it stands for."""
        entry = self.root.entries.get(name)
        if entry is None:
            return {}
        if not isinstance(entry.node.value, Mapping):
            self.faults.add(entry.node, name, f"a map, not {entry.node.told()}")
            return {}
        found: dict[str, tuple[Node, Node]] = {}
        for key, inner in loops.unrolled(entry.node, name, self.faults).entries.items():
            if key == "Fn::Transform":
                self.unprocessed.append(f"{name}.{key}")
            elif isinstance(inner.node.value, Mapping):
                if name == "Mappings" and "Fn::Transform" in inner.node.entries:
                    self.unprocessed.append(f"{name}.{key}.Fn::Transform")
                found[key] = (inner.key, inner.node)
            else:
                self.faults.add(inner.node, f"{name}.{key}", f"a map, not {inner.node.told()}")
        return found

    def text(self, node: Node, key: str, path: str) -> str | None:
        entry = node.entries.get(key)
        if entry is None:
            return None
        if not isinstance(entry.node.value, str):
            self.faults.add(entry.node, f"{path}.{key}", f"a text, not {entry.node.told()}")
            return None
        return entry.node.value

    def parameter(self, name: str, node: Node) -> Parameter:
        path = f"Parameters.{name}"
        allowed = node.entries.get("AllowedValues")
        kind = self.text(node, "Type", path)
        if kind is None and "Type" not in node.entries:
            self.faults.add(node, path, "the parameter has no Type")
        return Parameter(
            name=name,
            type=kind or "String",
            default=node.entries["Default"].node if "Default" in node.entries else None,
            no_echo="NoEcho" in node.entries and _text(node.entries["NoEcho"].node).lower() not in _FALSE,
            allowed=tuple(_text(one) for one in allowed.node.items) if allowed else (),
            at=node,
        )

    def resource(self, key: Node, node: Node) -> Declared | None:
        logical_id = _text(key)
        path = f"Resources.{logical_id}"
        entries = node.entries
        self.known_keys(node, path, _ATTRIBUTES)
        kind = self.text(node, "Type", path)
        if kind is None:
            if "Type" not in entries and "Fn::Transform" not in entries:
                self.faults.add(key, path, "the resource has no Type", "such as AWS::Batch::JobQueue")
            return None
        properties = entries["Properties"].node if "Properties" in entries else node.with_value({})
        if not isinstance(properties.value, Mapping):
            self.faults.add(properties, f"{path}.Properties", f"a map, not {properties.told()}")
            return None
        metadata = entries["Metadata"].node.entries if "Metadata" in entries else EMPTY
        return Declared(
            logical_id=logical_id,
            type=kind,
            properties=properties,
            at=key,
            condition=self.text(node, "Condition", path),
            depends_on=self.depends_on(node, path),
            deletion_policy=entries["DeletionPolicy"].node if "DeletionPolicy" in entries else None,
            update_replace_policy=entries["UpdateReplacePolicy"].node if "UpdateReplacePolicy" in entries else None,
            update_policy=entries["UpdatePolicy"].node if "UpdatePolicy" in entries else None,
            cdk_path=_text(metadata["aws:cdk:path"].node) or None if "aws:cdk:path" in metadata else None,
        )

    def depends_on(self, node: Node, path: str) -> tuple[str, ...]:
        entry = node.entries.get("DependsOn")
        if entry is None:
            return ()
        names = entry.node.items if isinstance(entry.node.value, tuple) else (entry.node,)
        for name in names:
            if not isinstance(name.value, str):
                self.faults.add(name, f"{path}.DependsOn", f"a logical id, not {name.told()}")
        return tuple(_text(name) for name in names if _text(name))

    def output(self, name: str, node: Node) -> Output | None:
        path = f"Outputs.{name}"
        if "Value" not in node.entries:
            self.faults.add(node, path, "the output has no Value")
            return None
        export = node.entries["Export"].node.entries.get("Name") if "Export" in node.entries else None
        return Output(node.entries["Value"].node, export.node if export else None, self.text(node, "Condition", path))
