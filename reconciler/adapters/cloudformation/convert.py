"""From a template to a manifest, and all that is to be known of the two."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import attrs

from plans.nodes import Node
from providers.errors import Fault
from providers.kinds import Kind, Kinds
from providers.resources import EMPTY
from reconciler.adapters.cloudformation.asks import Ask, Asks, passed
from reconciler.adapters.cloudformation.blocks import Spot, Writer
from reconciler.adapters.cloudformation.functions import leaves_in
from reconciler.adapters.cloudformation.known import Known
from reconciler.adapters.cloudformation.leaves import Reference, Unresolved, needs_of
from reconciler.adapters.cloudformation.naming import Named, kinds_by_type, name_of_arn, named
from reconciler.adapters.cloudformation.resolve import Resolver
from reconciler.adapters.cloudformation.sections import PROCESSED, Declared, Template
from reconciler.adapters.conversion import Conversion

_RETAINED = ("Retain", "RetainExceptOnCreate")
_SUFFIXES = (".json", ".yaml", ".yml", ".template")
_EVER = 1_000_000
"""So many revisions that none is deregistered."""


@attrs.frozen
class Converted:
    """A manifest in the making: the document and all that a verb needs which reads it at once.

    `resources` are those of the template that have a block, by logical id. `asks` are what is not known; `places` say
    where in the template a path of the manifest came from; `secrets` are values of variables, never to be shown, and
    `hidden` are the names of all variables whose values are not, whoever gives them.
    """

    document: Mapping[str, Any]
    template: Template = attrs.field(repr=False)
    resources: Mapping[str, Named]
    asks: tuple[Ask, ...]
    lacking: tuple[Fault, ...]
    left_alone: tuple[str, ...]
    notes: tuple[str, ...]
    places: Mapping[str, Node] = attrs.field(repr=False)
    secrets: Mapping[str, Any] = attrs.field(repr=False)
    hidden: frozenset[str]

    def conversion(self, steps: str = "") -> Conversion:
        stack, file = self.document["stack"], self.template.file
        return Conversion(
            document=self.document,
            head=f"Stack {stack}, written by batchwright convert cloudformation of {file}.",
            count=len(self.resources),
            unknowns=tuple(ask.unknown for ask in self.asks),
            lacking=tuple(map(str, self.lacking)),
            left_alone=self.left_alone,
            notes=self.notes,
            steps=steps,
        )


def stack_of(file: str) -> str:
    """The name of a stack by that of its template's file: `X` of `X.template.json`, as the CDK writes it."""
    name = PurePath(file).name
    while name.lower().endswith(_SUFFIXES):
        name = name.rpartition(".")[0]
    return name


def convert(
    template: Template, known: Known, kinds: Kinds, stack: str | None = None, tags: Mapping[str, str] = EMPTY
) -> Converted:
    """The manifest of a template with what is known beside it; `tags` are those that every resource has.

    The stack is called `stack`, or as the live one is, or as the file. Raises ManifestError for what is wrong with the
    template or with what was given to it.
    """
    resolver = Resolver(template, known)
    said = known.values.get("AWS::StackName")
    name = stack or (str(said.value) if said is not None else stack_of(template.file))
    made = _Made(template, known, resolver, kinds_by_type(kinds))
    document = made.document(name, kinds, tags)
    resolver.faults.end(template.file)
    return Converted(
        document,
        template,
        made.writer.resources,
        tuple(made.writer.asks.found),
        tuple(made.writer.lacking.found),
        tuple(made.left_alone()),
        tuple(made.notes),
        made.writer.places,
        made.secrets(),
        frozenset(made.writer.asks.secrets),
    )


@attrs.define
class _Made:
    template: Template
    known: Known
    resolver: Resolver
    types: Mapping[str, Kind]
    writer: Writer = attrs.field(init=False)
    notes: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.writer = Writer({}, Asks(self._spoken))

    def document(self, stack: str, kinds: Kinds, tags: Mapping[str, str]) -> dict[str, Any]:
        resolved = {one.logical_id: self._resolved(one) for one in self._kept()}
        self.writer.resources = named(
            (self._named(one, resolved[one.logical_id]) for one in map(self.template.resources.__getitem__, resolved)),
            self.resolver.faults,
        )
        sections: dict[str, dict[str, Any]] = {kind.section: {} for kind in kinds}
        for logical_id, one in self.writer.resources.items():
            sections[one.kind.section][one.block] = self._block(one, resolved[logical_id])
        self._told_of_names()
        self._told_of_the_rest()
        document: dict[str, Any] = {"stack": stack}
        if target := self._target():
            document["target"] = target
        if tags:
            document["tags"] = dict(tags)
        if declared := self.writer.asks.declared:
            document["variables"] = declared
        return document | {section: blocks for section, blocks in sections.items() if blocks}

    def left_alone(self) -> Iterator[str]:
        for one in self.template.resources.values():
            if not one.batch:
                nested = ", whose own template is not looked into" if one.type == "AWS::CloudFormation::Stack" else ""
                yield f"{one.logical_id} ({one.type}){nested}"

    def secrets(self) -> dict[str, Any]:
        """The values of those secret variables that were given, by the names of the variables."""
        expressions = self.writer.asks.secrets.items()
        parameters = {name: self.template.parameters.get(said.removeprefix("Ref ")) for name, said in expressions}
        found = {name: self.resolver.names.clear(one) for name, one in parameters.items() if one is not None}
        return {name: value for name, value in found.items() if value is not None}

    def _kept(self) -> Iterator[Declared]:
        """The resources of AWS Batch that the manifest is to have."""
        for one in self.template.resources.values():
            if not one.batch:
                continue
            if one.type not in self.types:
                self.writer.lacking.add(one.at, one.path, f"a manifest has no blocks for {one.type}")
                continue
            holds = self.resolver.holds(one.condition)
            if holds is False:
                self.notes.append(f"left out: {one.logical_id}, since the condition {one.condition} does not hold")
                continue
            yield one

    def _resolved(self, one: Declared) -> dict[str, Any]:
        value = self.resolver.value(one.properties, f"{one.path}.Properties")
        if isinstance(value, Mapping):
            return dict(value)
        if value is not None:
            self.writer.lacking.add(one.at, one.path, "the properties are not known")
        return {}

    def _named(self, one: Declared, properties: dict[str, Any]) -> Named:
        kind = self.types[one.type]
        said = properties.pop(_name_key(kind), None)
        told = self.known.values.get(one.logical_id)
        live = name_of_arn(told.value) if told is not None and isinstance(told.value, str) else None
        return Named(one, kind, "", said, live)

    def _spoken(self, reference: Reference) -> str | None:
        """The text of a resource where it is known: what `Ref` gives is the ARN, as the attributes of these types are
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Batch.html)."""
        attribute = reference.attribute
        keys = [f"{reference.logical_id}.{attribute}"] if attribute else []
        if attribute is None or attribute.endswith("Arn"):
            keys.append(reference.logical_id)
        told = next((self.known.values[key].value for key in keys if key in self.known.values), None)
        if told is None and reference.logical_id in keys:
            told = self._arn(self.writer.resources.get(reference.logical_id))
        return told if isinstance(told, str) else None

    def _arn(self, one: Named | None) -> str | None:
        """The ARN of what the template itself names, where it is known where the stack stands."""
        if one is None or not isinstance(one.said, str) or one.kind.facts.revisions or one.kind.name == "quota_share":
            return None
        place = [self.resolver.names.pseudo(f"AWS::{name}") for name in ("Partition", "Region", "AccountId")]
        return one.kind.arn(one.said, *place) if all(isinstance(part, str) for part in place) else None

    def _block(self, one: Named, properties: dict[str, Any]) -> dict[str, Any]:
        declared, path = one.declared, one.path
        self.writer.places[path] = declared.at
        holds = self.resolver.holds(declared.condition)
        if isinstance(holds, Unresolved):
            self.writer.asks.condition(str(declared.condition), holds, path, declared.at)
        head: dict[str, Any] = {}
        if one.said is not None and one.said != one.block:
            at = declared.properties.entries.get(_name_key(one.kind))
            spot = Spot(f"{path}.physicalName", at.node if at is not None else declared.at)
            head["physicalName"] = self.writer.name(one.said, spot)
        elif one.said is None and one.live is not None and one.live != one.block:
            head["physicalName"] = one.live
        tail = self._house(one, properties, "physicalName" in head)
        body = self.writer.members(one.kind, properties, Spot(path, declared.properties))
        if needed := self._needed(declared):
            tail["dependsOn"] = needed
        return head | {name: body[name] for name in (*one.kind.create_spec.members, *body) if name in body} | tail

    def _house(self, one: Named, properties: dict[str, Any], fixed: bool) -> dict[str, Any]:
        """The keys of the house that stand for what is CloudFormation's own, taken out of the properties."""
        lifecycle: dict[str, Any] = {}
        tail: dict[str, Any] = {}
        match one.kind.name:
            case "compute_environment":
                if manner := self._manner(one, properties, fixed):
                    lifecycle["replace"] = manner
                self._image(one, properties)
                if "DesiredvCpus" in _resources(properties):
                    # CloudFormation sends it when it makes the environment, and AWS Batch moves it from there on.
                    lifecycle["ignore"] = ["computeResources.desiredvCpus"]
            case "job_definition":
                tail |= self._retention(one, properties)
        kept = [
            name
            for name, policy in (
                ("DeletionPolicy", one.declared.deletion_policy),
                ("UpdateReplacePolicy", one.declared.update_replace_policy),
            )
            if policy is not None
            and self._sure(one, name, self.resolver.value(policy, f"{one.declared.path}.{name}")) in _RETAINED
        ]
        if kept:
            lifecycle["protect"] = True
            self.notes.append(
                f"{one.path} is protected by its {' and '.join(kept)}: neither deleted nor replaced until an apply says"
                " lifecycle.protect: false"
            )
        return ({"lifecycle": lifecycle} if lifecycle else {}) | tail

    def _sure(self, one: Named, name: str, value: Any) -> str | None:
        """A text that decides how a manifest is made, for which no variable can stand; None where there is none."""
        if isinstance(value, str | None):
            return value
        give = passed(needs_of(leaves_in(value)))
        self.writer.lacking.add(one.declared.at, one.path, f"{name} is not known", give)
        return None

    def _manner(self, one: Named, properties: dict[str, Any], fixed: bool) -> str | None:
        """What `ReplaceComputeEnvironment` says, which is true where it is unsaid: CloudFormation makes a new
        environment where an update asks for one, or else refuses the update
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-batch-computeenvironment.html).
        A name that is fixed can be kept by a third environment alone."""
        said = self._sure(one, "ReplaceComputeEnvironment", properties.pop("ReplaceComputeEnvironment", None))
        if said is not None and said.lower() == "false":
            return "refuse"
        if fixed:
            return "twoHop"
        return "createFirst" if said is not None else None

    def _image(self, one: Named, properties: dict[str, Any]) -> None:
        """What is of an update alone, and nothing that an environment has."""
        resources = _resources(properties)
        if "UpdateToLatestImageVersion" in resources:
            properties["ComputeResources"] = {
                key: value for key, value in resources.items() if key != "UpdateToLatestImageVersion"
            }
            said = resources["UpdateToLatestImageVersion"]
            if not (isinstance(said, str) and said.lower() == "false"):
                self.notes.append(
                    f"{one.path}: UpdateToLatestImageVersion is no state of an environment; ask for the newest image by"
                    f" --update-image {one.address}"
                )
        if properties.pop("Context", None) is not None:
            self.notes.append(f"{one.path}: Context is left out, since AWS reserves it")

    def _retention(self, one: Named, properties: dict[str, Any]) -> dict[str, Any]:
        """CloudFormation deregisters the revision before with every update, unless it is told to skip that."""
        said = properties.pop("ResourceRetentionPolicy", None)
        told = said.get("SkipDeregisterOnUpdate") if isinstance(said, Mapping) else said
        skip = self._sure(one, "SkipDeregisterOnUpdate", told)
        return {} if skip is None else {"rollout": {"keep": _EVER if skip.lower() == "true" else 1}}

    def _needed(self, one: Declared) -> list[str]:
        found = [self.writer.resources.get(name) for name in one.depends_on]
        return [needed.address for needed in found if needed is not None]

    def _target(self) -> dict[str, str]:
        keys = (("region", "AWS::Region"), ("accountId", "AWS::AccountId"))
        told = {key: self.known.values.get(name) for key, name in keys}
        return {key: str(given.value) for key, given in told.items() if given is not None}

    def _told_of_names(self) -> None:
        unnamed = [one for one in self.writer.resources.values() if one.said is None and one.live is None]
        if unnamed:
            self.notes.append(
                f"the template gives no name to {', '.join(one.path for one in unnamed)}: if it was deployed,"
                " CloudFormation has given names of its own, which --live or --context tell, and a plan makes new ones"
            )
        for one in self.writer.resources.values():
            if isinstance(one.said, str) and one.live is not None and one.said != one.live:
                self.notes.append(
                    f"{one.path}: {one.declared.logical_id} is {one.live} in the live stack, and {one.said} by the"
                    " template: another name is another object"
                )

    def _told_of_the_rest(self) -> None:
        taken = [
            name
            for name, parameter in self.template.parameters.items()
            if parameter.default is not None
            and not parameter.ssm
            and name not in self.known.parameters
            and name not in self.known.values
        ]
        if taken:
            self.notes.append(f"these parameters have the defaults of the template: {', '.join(taken)}")
        resources = self.writer.resources.values()
        if any(
            one.kind.name == "job_definition" and "ResourceRetentionPolicy" not in one.declared.properties.entries
            for one in resources
        ):
            self.notes.append(
                "CloudFormation deregisters the revision before when a definition changes; here three stay unless"
                " rollout.keep says otherwise"
            )
        for one in resources:
            if one.declared.update_policy is not None:
                self.notes.append(f"{one.path}: the attribute UpdatePolicy says nothing of AWS Batch, and is left out")
        if self.template.macros:
            what = ", ".join(self.template.transforms) or ", ".join(self.template.unprocessed)
            self.writer.lacking.add(
                Node(None, self.template.file, 0, 0),
                "Transform",
                f"CloudFormation makes another template of this one first ({what}), and may add or change resources",
                PROCESSED,
            )


def _resources(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    said = properties.get("ComputeResources")
    return said if isinstance(said, Mapping) else EMPTY


def _name_key(kind: Kind) -> str:
    return f"{kind.name_member[:1].upper()}{kind.name_member[1:]}"
