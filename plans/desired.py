"""From one block of a manifest to one desired resource: its name, its tags, and what AWS asks of the whole block."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from plans.check import Checker
from plans.nodes import BROKEN, Entry, Faults, Node
from plans.paths import split
from plans.policy import drain_of
from providers.kinds import Kind
from providers.resources import (
    HOUSE_TAG_PREFIX,
    Address,
    Canary,
    DefinitionCanary,
    Lifecycle,
    Resource,
    Rollout,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_TAG = re.compile(r"[\w +\-=.:/@]*")
_MOST_TAGS = 50
_LONGEST_KEY = 128
_LONGEST_VALUE = 256


@attrs.frozen
class Common:
    """What every resource of a stack takes from the top of the manifest."""

    prefix: str
    tags: Mapping[str, str]


def resource(kind: Kind, name: str, entry: Entry, common: Common, checker: Checker) -> Resource | None:
    """The resource that a block says, or None where it is not even a map."""
    path, faults = f"{kind.section}.{name}", checker.faults
    node = entry.node.with_value({}) if entry.node.value is None else entry.node
    if not _NAME.fullmatch(name):
        faults.add(entry.key, path, f"{name!r} is not a name", _NAME_HINT)
    document = checker.check(node, kind.block, path)
    if not isinstance(node.value, Mapping):
        return None
    said: Mapping[str, Any] = {key: value for key, value in document.items() if value is not BROKEN}
    spec = {key: value for key, value in said.items() if key in kind.spec.members}
    house = {key: value for key, value in said.items() if key not in spec and value is not None}
    for member, message, hint in _DEMANDS.get(kind.name, _nothing)(spec):
        if document.get(member) is not BROKEN:
            faults.add(_at(node, member, entry.key), f"{path}.{member}", message, hint)
    lifecycle = _lifecycle(kind, house.get("lifecycle", {}), node, path, faults)
    physical_name = _physical_name(name, house.get("physicalName"), lifecycle, entry, common, path, faults)
    own_tags = house.get("tags", {})
    if "tags" in house:
        tags_fit(own_tags, node.entries["tags"].node, f"{path}.tags", faults)
    tags = {**common.tags, **own_tags}
    ours = 2 + 2 * kind.facts.revisions + bool(lifecycle.protect) + lifecycle.follow_launch_template
    if len(tags) + ours > _MOST_TAGS:
        faults.add(
            _at(node, "tags", entry.key),
            f"{path}.tags",
            f"has {len(tags)} tags and {ours} of Batchwright's own, and AWS takes at most {_MOST_TAGS}",
        )
    return Resource(
        address=Address(kind.name, name),
        physical_name=physical_name,
        spec=spec,
        tags=tags,
        lifecycle=lifecycle,
        drain=drain_of(house["drain"]) if "drain" in house else None,
        rollout=_rollout(house.get("rollout", {}), spec, node, path, faults),
        depends_on=tuple(_depends_on(house.get("dependsOn", ()), node, path, checker)),
        fixed_name="physicalName" in house,
        mark=entry.key.mark,
    )


def tags_fit(tags: Mapping[str, Any], node: Node, path: str, faults: Faults) -> None:
    """Tell which tags break the rules of AWS ("Tag naming limits and requirements", AWS General Reference) or ours."""
    for key, value in tags.items():
        at = node.entries[key]
        reserved = next((word for word in ("aws:", HOUSE_TAG_PREFIX) if key.lower().startswith(word)), None)
        if reserved:
            faults.add(at.key, f"{path}[{key}]", f"tags that begin with {reserved} are not for a manifest to say")
        elif not (1 <= len(key) <= _LONGEST_KEY and _TAG.fullmatch(key)):
            faults.add(at.key, f"{path}[{key}]", f"{key!r} is not a key of a tag", f"1 to 128 {_TAG_HINT}")
        if isinstance(value, str) and not (len(value) <= _LONGEST_VALUE and _TAG.fullmatch(value)):
            faults.add(at.node, f"{path}[{key}]", f"{at.node.told()} is not a value of a tag", f"up to 256 {_TAG_HINT}")


def path_exists(kind: Kind, text: str) -> bool:
    """Whether a path such as `computeResources.imageId` leads to something in documents of a kind."""
    try:
        return kind.spec.at(split(text)) is not None
    except ValueError:
        return False


def counted(kind: Kind, text: str) -> str | None:
    """The member whose value a path should say where it counts an entry, as `environment[0]` does; None where it does
    not. The nodes of a job have numbers for names."""
    segments = split(text)
    for depth, segment in enumerate(segments):
        entries = kind.spec.at(segments[:depth])
        key = kind.facts.keyed.get(entries.shape) if entries is not None and entries.type == "list" else None
        if key is not None and (not segment or (segment.isdigit() and key != "targetNodes")):
            return key
    return None


def counted_told(text: str, key: str) -> tuple[str, str]:
    """Message and hint about a path that counts an entry."""
    return f"{text!r} leads to no entry: they are told apart by {key}", f"write in the brackets the {key} that is meant"


def path_hint(text: str, faults: Faults, *kinds: Kind) -> str | None:
    """What may have been meant by a path that leads nowhere."""
    if re.match(r"tags\b", text):
        return "tags are ignored by their keys, under policy.ignoreTags"
    near = faults.nearest(text, (known for kind in kinds for known, _ in kind.spec.paths()))
    return f"did you mean {near}?" if near else None


def _at(node: Node, member: str, otherwise: Node) -> Node:
    return node.entries[member].key if member in node.entries else otherwise


def _lifecycle(kind: Kind, block: Mapping[str, Any], node: Node, path: str, faults: Faults) -> Lifecycle:
    said = {key: value for key, value in block.items() if value is not None and value is not BROKEN}
    for index, text in enumerate(said.get("ignore", ())):
        if text is BROKEN:
            continue
        place = node.entries["lifecycle"].node.entries["ignore"].node.items[index]
        at = f"{path}.lifecycle.ignore[{index}]"
        if not path_exists(kind, text):
            faults.add(place, at, f"{text!r} is no path of a {kind.title}", path_hint(text, faults, kind))
        elif key := counted(kind, text):
            faults.add(place, at, *counted_told(text, key))
    return Lifecycle(
        said.get("replace"),
        said.get("protect"),
        tuple(said.get("ignore", ())),
        tuple(said.get("pinned", ())),
        said.get("followLaunchTemplate", False),
        _canary(said, node, path, faults),
    )


def _canary(said: Mapping[str, Any], node: Node, path: str, faults: Faults) -> Canary | None:
    block = {key: value for key, value in said.get("canary", {}).items() if value is not None and value is not BROKEN}
    if "jobDefinition" not in block:
        return None
    if said.get("replace") in ("deleteFirst", "twoHop", "refuse"):
        faults.add(
            node.entries["lifecycle"].node.entries["canary"].key,
            f"{path}.lifecycle.canary",
            f"a canary runs before queues move to a new environment, which replace: {said['replace']} does not do",
            "say replace: createFirst, or leave it out",
        )
    return Canary(block["jobDefinition"], block.get("timeout", 600.0))


def _physical_name(
    name: str, fixed: str | None, lifecycle: Lifecycle, entry: Entry, common: Common, path: str, faults: Faults
) -> str:
    if fixed is None:
        whole = common.prefix + name
        if _NAME.fullmatch(name) and not _NAME.fullmatch(whole):
            faults.add(entry.key, path, f"{whole!r}, with the name prefix, is not a name", _NAME_HINT)
        return whole
    at = entry.node.entries["physicalName"].node
    if not _NAME.fullmatch(fixed):
        faults.add(at, f"{path}.physicalName", f"{fixed!r} is not a name", _NAME_HINT)
    if lifecycle.replace == "createFirst":
        faults.add(
            at,
            f"{path}.physicalName",
            "createFirst makes the new object beside the old, which one fixed name does not allow",
            "leave physicalName out, or replace with deleteFirst or twoHop",
        )
    return fixed


def _rollout(block: Mapping[str, Any], spec: Mapping[str, Any], node: Node, path: str, faults: Faults) -> Rollout:
    names = {"keep": "keep", "keepFor": "keep_for", "foreign": "foreign", "migrate": "migrate"}
    said = {names[key]: value for key, value in block.items() if key in names and value is not None}
    canary = block.get("canary")
    if isinstance(canary, Mapping):
        entries = node.entries["rollout"].node.entries["canary"].node.entries
        said["canary"] = _definition_canary(canary, spec, entries, f"{path}.rollout.canary", faults)
    return Rollout(**said)


_OVERRIDES: Mapping[str, str] = {
    "containerOverrides": "containerProperties",
    "ecsPropertiesOverride": "ecsProperties",
    "eksPropertiesOverride": "eksProperties",
    "nodeOverrides": "nodeProperties",
}
"""What of a definition the members of SubmitJob override (API_SubmitJob)."""


def _definition_canary(
    block: Mapping[str, Any], spec: Mapping[str, Any], entries: Mapping[str, Entry], path: str, faults: Faults
) -> DefinitionCanary | None:
    said = {key: value for key, value in block.items() if value is not None and value is not BROKEN}
    fitting = [member for member, properties in _OVERRIDES.items() if _has(spec, properties)]
    for member in _OVERRIDES:
        if member in said and member not in fitting:
            hint = f"such a definition takes {fitting[0]}" if fitting else None
            message = f"{member} overrides {_OVERRIDES[member]}, which this definition does not have"
            faults.add(entries[member].key, f"{path}.{member}", message, hint)
    if "queue" not in said:
        return None
    queue, timeout = said.pop("queue"), said.pop("timeout", 600.0)
    return DefinitionCanary(queue, timeout, said)


def _depends_on(texts: Any, node: Node, path: str, checker: Checker) -> Iterator[Address]:
    for index, text in enumerate(texts):
        if text is BROKEN:
            continue
        kind, _, name = text.partition(".")
        if name in checker.names.get(kind, ()):
            yield Address(kind, name)
            continue
        near = checker.faults.nearest(
            text, (f"{kind}.{name}" for kind, names in checker.names.items() for name in names)
        )
        checker.faults.add(
            node.entries["dependsOn"].node.items[index],
            f"{path}.dependsOn[{index}]",
            f"there is no {text!r} in this stack",
            f"did you mean {near}?" if near else "an address is KIND.NAME, such as job_queue.high",
        )


Demand = tuple[str, str, str | None]


def _nothing(_spec: Mapping[str, Any]) -> Iterator[Demand]:
    return iter(())


def _has(spec: Mapping[str, Any], member: str) -> bool:
    return spec.get(member) is not None and spec[member] != []


def _one_of(spec: Mapping[str, Any], members: tuple[str, ...], who: str) -> Iterator[Demand]:
    said = [member for member in members if _has(spec, member)]
    if not said:
        yield members[0], f"{who} needs {_either(members)}", None
    for member in said[1:]:
        yield member, f"{who} takes exactly one of {_either(members)}, and {said[0]} is there already", None


def _either(members: tuple[str, ...]) -> str:
    *most, last = members
    return f"{', '.join(most)} or {last}"


def _of_environment(spec: Mapping[str, Any]) -> Iterator[Demand]:
    """CreateComputeEnvironment: resources are required when managed; a role must be given when unmanaged."""
    if spec.get("type") == "MANAGED" and not _has(spec, "computeResources"):
        yield "computeResources", "a MANAGED compute environment needs computeResources", None
    if spec.get("type") == "UNMANAGED" and not _has(spec, "serviceRole"):
        yield "serviceRole", "an UNMANAGED compute environment needs a serviceRole", None


def _of_queue(spec: Mapping[str, Any]) -> Iterator[Demand]:
    """CreateJobQueue: "can't have both a serviceEnvironmentOrder and a computeEnvironmentOrder"."""
    return _one_of(spec, ("computeEnvironmentOrder", "serviceEnvironmentOrder"), "a job queue")


def _of_definition(spec: Mapping[str, Any]) -> Iterator[Demand]:
    """RegisterJobDefinition: the documentation of `type` says which properties go with it."""
    single = ("containerProperties", "ecsProperties", "eksProperties")
    match spec.get("type"):
        case "container":
            yield from _one_of(spec, single, "a container job")
            if _has(spec, "nodeProperties"):
                yield "nodeProperties", "a container job has no nodes", "set type: multinode"
        case "multinode":
            if not _has(spec, "nodeProperties"):
                yield "nodeProperties", "a multinode job needs nodeProperties", None
            for member in single:
                if _has(spec, member):
                    yield member, f"a multinode job says {member} within nodeProperties.nodeRangeProperties", None


_DEMANDS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Demand]]] = {
    "compute_environment": _of_environment,
    "job_queue": _of_queue,
    "job_definition": _of_definition,
}
_NAME_HINT = "1 to 128 letters, digits, - and _, the first a letter or digit"
_TAG_HINT = "letters, digits, spaces and + - = . _ : / @"
