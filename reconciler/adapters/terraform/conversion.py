"""From a state or a plan of Terraform to a manifest, and all that is to be known of it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import attrs

from plans.brief import brief
from plans.manifest import Source, parse
from plans.masking import secret
from plans.written import to_yaml
from providers.errors import InputError, ManifestError
from providers.kinds import Kind, Kinds
from providers.resources import HOUSE_TAG_PREFIX
from reconciler.adapters.conversion import Conversion, Unknown
from reconciler.adapters.terraform.blocks import References, Where, chosen, named, where
from reconciler.adapters.terraform.configured import Configuration
from reconciler.adapters.terraform.resources import OURS, TYPES, document, name_of, prefix_of, tags_of
from reconciler.adapters.terraform.state import Resource, State, read
from reconciler.adapters.terraform.takeover import dependents, steps
from reconciler.adapters.terraform.unknowns import Unknowns

_MOST_TOLD = 10


@attrs.frozen
class Asked:
    """What is asked of a conversion: the `stack` to write, of one `region` and `account` where a file has several.

    `manifest` is how the file of the manifest is called in the steps of a take-over.
    """

    stack: str
    region: str | None = None
    account: str | None = None
    manifest: str = "FILE"


def convert(source: Source, kinds: Kinds, asked: Asked) -> Conversion:
    """Convert a state file, or what `terraform show -json` prints of a state or of a plan.

    Raises ManifestError where the file is at fault, InputError where nothing of AWS Batch is in it, or things of
    several regions or accounts are.
    """
    state = read(source)
    configured = Configuration(state.configuration, state.variables)
    ours = [
        one if one.live else attrs.evolve(one, region=configured.region(one))
        for one in state.resources
        if one.managed and one.type in TYPES
    ]
    if not ours:
        raise InputError(f"{source.name} is {state.head}, and no resource of AWS Batch is in it", hint=_EMPTY)
    place = chosen((one for one in ours if not one.deposed), asked.region, asked.account)
    found = sorted(ours, key=lambda one: one.address)
    here = [one for one in found if where(one) in (place, Where(place.region), Where())]
    elsewhere = [one for one in found if where(one) not in (place, Where(place.region), Where())]
    made = _Conversion(state, kinds, asked, place, [one for one in here if not one.deposed])
    return made.made(elsewhere, [one for one in here if one.deposed])


_LIFECYCLE = (
    "no state says what stands in `lifecycle`: for prevent_destroy write lifecycle: {protect: true}, and for "
    "ignore_changes lifecycle: {ignore: [PATH]}"
)
_EMPTY = "is it the state of the right folder and workspace? `terraform state list` names its resources"


@attrs.define
class _Conversion:
    """What is told grows while blocks are made."""

    state: State
    kinds: Kinds
    asked: Asked
    place: Where
    resources: list[Resource]
    lacking: list[str] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    unknowns: list[Unknown] = attrs.field(factory=list)

    def made(self, elsewhere: Iterable[Resource], deposed: Iterable[Resource]) -> Conversion:
        self.resources = self._newest()
        names = named(self.resources)
        references = References.of(self.resources, names)
        held = Unknowns(references, Configuration(self.state.configuration))
        sections: dict[str, dict[str, Any]] = {kind.section: {} for kind in self.kinds}
        for resource in self.resources:
            kind, name = self.kinds[TYPES[resource.type]], names[resource.address]
            sections[kind.section][name] = self._block(resource, kind, name, references, held)
        result: dict[str, Any] = {"stack": self.asked.stack}
        target = {"region": self.place.region, "accountId": self.place.account}
        if target := {key: value for key, value in target.items() if value}:
            result["target"] = target
        if common := _common(sections):
            result["tags"] = common
        if held.variables:
            result["variables"] = {name: {"description": what} for name, what in held.variables.items()}
        result |= {section: blocks for section, blocks in sections.items() if blocks}
        hidden = [one for one in self.resources if one.sensitive]
        paths = {f"{self.kinds[TYPES[one.type]].section}.{names[one.address]}" for one in hidden}
        if any({"tags", "tags_all"} & one.sensitive for one in hidden):
            paths.add("tags")
        self.lacking += _faults(result, self.kinds, paths)
        for each in deposed:
            self.notes.append(f"left out: a former object of {each.address}, which Terraform was about to destroy")
        live = [resource for resource in self.resources if resource.live]
        self.notes += self._told_of_all()
        self.notes += dependents(self.state.resources, live)
        told = f"account {self.place.account}, {self.place.region}" if self.place.account else self.place.region
        return Conversion(
            document=result,
            head=f"Stack {self.asked.stack}, written by batchwright convert terraform from {self.state.head}"
            + (f", {told}." if told else "."),
            count=len(self.resources),
            unknowns=tuple(self.unknowns),
            lacking=(*self.lacking, *_unconverted(self.state.resources)),
            left_alone=tuple(_left_alone(self.state.resources, elsewhere)),
            notes=tuple(self.notes),
            steps=steps(live, self.asked.manifest),
        )

    def _told_of_all(self) -> Iterator[str]:
        if not self.place.region:
            yield "no ARN says the region yet: pass --region, or write it under target"
        late = [resource.address for resource in self.resources if not resource.live]
        if late:
            yield f"not live yet, and made by an apply of the manifest: {_counted(late)}"
        if len(late) < len(self.resources):
            yield _LIFECYCLE

    def _newest(self) -> list[Resource]:
        """The resources; of several that register revisions of one family the newest."""
        newest: dict[tuple[str, str], Resource] = {}
        for resource in self.resources:
            key = (resource.type, name_of(resource) or f"\0{resource.address}")
            other = newest.setdefault(key, resource)
            if other is resource:
                continue
            if _revision(other) < _revision(resource):
                newest[key], other = resource, other
            else:
                other = resource
            kept = newest[key]
            self.lacking.append(f"{other.address} has the name of {kept.address}, which is converted in its place")
        return list(newest.values())

    def _block(
        self, resource: Resource, kind: Kind, name: str, references: References, held: Unknowns
    ) -> dict[str, Any]:
        address, path = f"{kind.name}.{name}", f"{kind.section}.{name}"

        def lack(attribute: str) -> None:
            self.lacking.append(f"{address}: {attribute} of {resource.address} is not of the API as botocore knows it")

        try:
            said = document(resource, kind, lambda field, at: held.hold(resource, field, at), lack)
        except ValueError as error:
            attribute = str(error).partition(".")[0].partition("[")[0]
            at = (*resource.where, attribute)
            raise self.state.text.fault(at, f"{error} of {resource.address} is not what the provider writes") from None
        block: dict[str, Any]
        block, found = held.settle(brief(said, kind, references.refer), path)
        for attribute, variable in [(at, one) for (of, at), one in held.whole.items() if of == resource.address]:
            member = next((key for key in kind.spec.members if key.lower() == attribute.replace("_", "")), attribute)
            block[member] = held.expression(variable, f"{path}.{member}", found, listed=True)
        self.unknowns += found
        physical = name_of(resource)
        if physical is None and resource.live:
            raise self.state.text.fault(resource.where, f"{resource.address} has no name")
        if physical is not None and physical != name:
            block = {"physicalName": physical, **block}
        if tags := self._tags(resource, address):
            block["tags"] = tags
        if kind.facts.revisions and resource.values.get("deregister_on_new_revision", True) is not False:
            block["rollout"] = {"keep": 1}
        self.notes += _told_of(resource, address, block)
        return block

    def _tags(self, resource: Resource, address: str) -> dict[str, str]:
        found = tags_of(resource)
        kept = {key: value for key, value in found.items() if not key.lower().startswith(("aws:", HOUSE_TAG_PREFIX))}
        for key in sorted(found.keys() - kept.keys()):
            if not key.lower().startswith("aws:"):
                self.notes.append(f"{address} has the tag {key}, which no manifest may say")
        return dict(sorted(kept.items()))


def _common(sections: Mapping[str, Mapping[str, dict[str, Any]]]) -> dict[str, str]:
    """The tags that all blocks have, such as those of `default_tags`, taken out of them."""
    blocks = [block for section in sections.values() for block in section.values()]
    first = blocks[0].get("tags", {})
    common = {key: one for key, one in first.items() if all(block.get("tags", {}).get(key) == one for block in blocks)}
    for block in blocks if common else ():
        own = {key: one for key, one in block.pop("tags").items() if key not in common}
        if own:
            block["tags"] = own
    return common


def _counted(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return ", ".join(names[:_MOST_TOLD]) + more


def _revision(resource: Resource) -> int:
    revision = resource.values.get("revision")
    return revision if isinstance(revision, int) else 0


def _told_of(resource: Resource, address: str, block: Mapping[str, Any]) -> Iterator[str]:
    if not resource.live:
        if name_of(resource) is None:
            yield f"{address}: Terraform makes up a name ({prefix_of(resource)}…); the manifest calls it as its block"
    elif resource.planned:
        what = " and ".join(resource.planned)
        differing = f" ({', '.join(resource.changes)})" if "update" in resource.planned else ""
        yield f"{address} is written as it is live; Terraform plans to {what} {resource.address}{differing}"
    if resource.tainted:
        yield f"{address} is tainted in Terraform, which would make {resource.address} anew"
    hidden = sorted(resource.sensitive - {"tags", "tags_all"})
    if hidden:
        yield f"{address} is sensitive in Terraform ({', '.join(hidden)}), and stands in the manifest as it is"
    for name in sorted(set(_secrets(block))):
        yield f"{address} seems to say a secret, {name}: it belongs in `secrets`, with valueFrom"


def _secrets(value: Any) -> Iterator[str]:
    """The names of environment variables whose value looks secret."""
    match value:
        case {"name": str(name), "value": str(said)} if said and secret(name):
            yield name
        case Mapping():
            for item in value.values():
                yield from _secrets(item)
        case list():
            for item in value:
                yield from _secrets(item)


def _unconverted(resources: Iterable[Resource]) -> Iterator[str]:
    for one in resources:
        if one.managed and OURS.match(one.type) and one.type not in TYPES:
            yield f"{one.address} is not converted: {one.type} is not known here"


def _left_alone(resources: Iterable[Resource], elsewhere: Iterable[Resource]) -> Iterator[str]:
    others = [one for one in resources if one.managed and not OURS.match(one.type)]
    for one in others[:_MOST_TOLD]:
        yield one.address
    if len(others) > _MOST_TOLD:
        rest = Counter(one.type for one in others[_MOST_TOLD:])
        yield f"{len(others) - _MOST_TOLD} more: " + ", ".join(
            f"{count} {kind}" for kind, count in sorted(rest.items())
        )
    for one in elsewhere:
        yield f"{one.address}, in {where(one)}"


def _faults(result: Mapping[str, Any], kinds: Kinds, hidden: AbstractSet[str]) -> Iterator[str]:
    """What keeps the manifest from being read, such as a value that is newer than the installed botocore, but for
    variables that are yet to be given.

    Of blocks that are `hidden`, since something in them is sensitive, no value is told.
    """
    try:
        parse([Source("convert", to_yaml(result).encode())], variables={}, kinds=kinds)
    except ManifestError as error:
        for fault in error.faults:
            if fault.path.startswith("variables."):
                continue
            if not hidden.isdisjoint({".".join(fault.path.split(".")[:2]), re.split(r"[.\[]", fault.path)[0]}):
                yield f"{fault.path} is not as the API takes it; its value is sensitive in Terraform"
            else:
                yield f"{fault.path} {fault.message}" + (f": {fault.hint}" if fault.hint else "")
