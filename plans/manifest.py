"""The manifest: what the user wrote, read into desired resources.

bytes ─yamltext or jsontext─▶ nodes ─variables─▶ nodes ─check─▶ typed documents ─desired─▶ resources
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from plans import jsontext
from plans.check import Checker
from plans.desired import Common, counted, counted_told, path_exists, path_hint, resource, tags_fit
from plans.fromvalues import root_of
from plans.nodes import BROKEN, Entry, Faults, Node, Source, plain
from plans.ownership import STACK, STACK_HINT, Ownership, ownership_of
from plans.policy import Policy, parse_policy, policy_of, strictest
from plans.together import names_differ, nothing_waits_for_itself
from plans.variables import Variables, parse_variables, secrets, settle
from plans.yamltext import collector_off, read
from providers.errors import ManifestError
from providers.kinds import Kinds
from providers.resources import EMPTY, Address, Ref, Resource, Target

__all__ = ["Manifest", "Policy", "Source", "parse", "parse_policy", "parse_variables", "strictest"]

_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,126}|")
TARGET = {
    "region": "region",
    "accountId": "account_id",
    "profile": "profile",
    "roleArn": "role_arn",
    "externalId": "external_id",
}
"""What a manifest may say of where it goes, by its key."""


@attrs.frozen
class Manifest:
    """One stack: its resources by address, in the order of kinds' ranks and then as written.

    `secrets` are the texts that its secret variables brought in: no view shows them.
    """

    stack: str
    resources: Mapping[Address, Resource]
    name_prefix: str = ""
    target: Target = Target()
    tags: Mapping[str, str] = EMPTY
    policy: Policy = Policy()
    ownership: Ownership = Ownership()
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)


@collector_off()
def parse(
    sources: Iterable[Source],
    *,
    variables: Mapping[str, Any],
    kinds: Kinds,
    ambient: Mapping[str, Any] = EMPTY,
) -> Manifest:
    """Read the files of one stack.

    `variables` are values that must be declared, `ambient` values that count only where they are (the environment, the
    outputs of another tool). Raises ManifestError with all faults at once, by file, line and column.
    """
    files = list(sources)
    quick = [jsontext.read(source) for source in files]
    if any(quick):
        try:
            return _parse(files, quick, variables=variables, kinds=kinds, ambient=ambient)
        except ManifestError:
            # Read again for the places of the faults.
            pass
    return _parse(files, [None] * len(files), variables=variables, kinds=kinds, ambient=ambient)


@collector_off()
def build(
    document: Mapping[str, Any],
    *,
    variables: Mapping[str, Any],
    kinds: Kinds,
    ambient: Mapping[str, Any] = EMPTY,
    name: str = "the document",
) -> Manifest:
    """The manifest that a document of Python's own values says, which means what the same document means in JSON.

    Raises ManifestError with all faults at once; each names the document, by this `name`, and a path.
    """
    faults = Faults()
    root = root_of(document, name, faults)
    return _parse([Source(name, b"")], [root], variables=variables, kinds=kinds, ambient=ambient, faults=faults)


def _parse(
    sources: Sequence[Source],
    quick: Sequence[Node | None],
    *,
    variables: Mapping[str, Any],
    kinds: Kinds,
    ambient: Mapping[str, Any],
    faults: Faults | None = None,
) -> Manifest:
    """Read the files, but those that were read quickly."""
    faults = faults or Faults()
    roots = [known or read(source, faults) for source, known in zip(sources, quick, strict=True)]
    if not roots:
        raise ManifestError("there is no file to read a manifest from")
    maps = [root for root in roots if root is not None and isinstance(root.value, Mapping)]
    for root in roots:
        if root is not None and not isinstance(root.value, Mapping):
            faults.add(root, "", f"a manifest is a map of keys such as `stack`, not {root.told()}")
    if len(maps) < len(roots):
        faults.end("the manifest")
    declared = _declared(maps, kinds, faults)
    hidden = secrets(declared, variables, ambient)
    faults.hidden.extend(hidden)
    expand = Variables(settle(declared, variables, ambient, faults), faults).expand
    top, sections = _joined([expand(_without_variables(root)) for root in maps], kinds, faults)
    names = {kind.name: sections[kind.section] for kind in kinds}
    stack = _stack(top.get("stack"), maps[0], faults)
    checker = Checker(kinds, stack, names, faults)
    said = _settings(top, checker)
    ownership = ownership_of(said, top, stack, checker)
    common = Common(said.get("namePrefix", ""), said.get("tags", EMPTY))
    resources: dict[Address, Resource] = {}
    edges: dict[Address, tuple[Address, ...]] = {}
    for kind in kinds:
        for name, entry in names[kind.name].items():
            checker.references.clear()
            if made := resource(kind, name, entry, common, checker):
                resources[made.address] = made
                canary = made.rollout.canary
                # The queue of a canary comes first only where something is tried.
                needed = (found for found in checker.references if canary is None or canary.queue != Ref(found))
                edges[made.address] = (*made.depends_on, *needed)
    entries = {address: names[address.kind][address.name] for address in resources}
    names_differ(resources, entries, kinds, faults)
    nothing_waits_for_itself(edges, entries, kinds, faults)
    faults.end("the manifest")
    return Manifest(
        stack=stack,
        resources=resources,
        name_prefix=common.prefix,
        target=_target(said.get("target", EMPTY)),
        tags=common.tags,
        policy=policy_of(said.get("policy", EMPTY)),
        ownership=ownership,
        secrets=hidden,
    )


def _declared(roots: Iterable[Node], kinds: Kinds, faults: Faults) -> Mapping[str, Entry]:
    """The variables of all files. One that two files declare must be declared alike."""
    section = kinds.document.members["variables"]
    assert section.element is not None
    checker = Checker(kinds, None, EMPTY, faults)
    declared: dict[str, Entry] = {}
    for root in roots:
        entry = root.entries.get("variables")
        if entry is None or entry.node.value is None:
            continue
        if not isinstance(entry.node.value, Mapping):
            checker.check(entry.node, section, "variables")
        for name, block in entry.node.entries.items():
            first = declared.setdefault(name, block)
            if first is block and block.node.value is not None:
                checker.check(block.node, section.element, f"variables.{name}")
            elif plain(first.node) != plain(block.node):
                place = first.key.place
                faults.add(block.key, f"variables.{name}", "is declared in another way already", f"first at {place}")
    return declared


def _without_variables(root: Node) -> Node:
    return root.with_value({key: entry for key, entry in root.entries.items() if key != "variables"})


def _joined(
    roots: Iterable[Node], kinds: Kinds, faults: Faults
) -> tuple[Mapping[str, Entry], Mapping[str, Mapping[str, Entry]]]:
    """What stands on top of all files, and the blocks of all files by section."""
    top: dict[str, Entry] = {}
    sections: dict[str, dict[str, Entry]] = {kind.section: {} for kind in kinds}
    for root in roots:
        for key, entry in root.entries.items():
            if key in sections:
                _join(sections[key], key, entry.node, faults)
            elif plain(top.setdefault(key, entry).node) != plain(entry.node):
                faults.add(entry.key, key, "is said in another way already", f"first at {top[key].key.place}")
    return top, sections


def _join(section: dict[str, Entry], key: str, node: Node, faults: Faults) -> None:
    if not isinstance(node.value, Mapping) and node.value not in (None, BROKEN):
        faults.add(node, key, f"takes a map of names to blocks, not {node.told()}")
    for name, entry in node.entries.items():
        first = section.setdefault(name, entry)
        if first is not entry:
            path = f"{key}.{name}"
            faults.add(entry.key, path, f"{path} stands here and at {first.key.place}", "one address, one block")


def _stack(entry: Entry | None, root: Node, faults: Faults) -> str:
    name = entry.node.value if entry else None
    if entry is None:
        faults.add(root, "stack", "the stack has no name", "write `stack: NAME`")
    elif name is not BROKEN and not (isinstance(name, str) and STACK.fullmatch(name)):
        faults.add(entry.node, "stack", f"{entry.node.told()} is not a name of a stack", STACK_HINT)
    return name if isinstance(name, str) else ""


def _settings(top: Mapping[str, Entry], checker: Checker) -> Mapping[str, Any]:
    """The checked values on top of the manifest; what is null or broken is left out."""
    faults, document = checker.faults, checker.kinds.document
    said = {}
    for key, entry in top.items():
        field = document.members.get(key)
        if field is None:
            checker.unknown(entry.key, key, document, "")
        elif key != "stack" and entry.node.value is not None:
            value = checker.check(entry.node, field, key)
            if value is not BROKEN:
                said[key] = value
    if (prefix := said.get("namePrefix")) is not None and not _PREFIX.fullmatch(prefix):
        faults.add(top["namePrefix"].node, "namePrefix", f"{prefix!r} cannot begin a name", "letters, digits, - and _")
        del said["namePrefix"]
    if "tags" in said:
        tags_fit(said["tags"], top["tags"].node, "tags", faults)
    account = said.get("target", {}).get("accountId")
    if isinstance(account, str) and not re.fullmatch("[0-9]{12}", account):
        at = top["target"].node.entries["accountId"].node
        faults.add(at, "target.accountId", f"{account!r} is not an account", "twelve digits")
    ignored = said.get("policy", {}).get("ignore")
    for index, text in enumerate(ignored if isinstance(ignored, list) else ()):
        if not isinstance(text, str):
            continue
        place, path = top["policy"].node.entries["ignore"].node.items[index], f"policy.ignore[{index}]"
        having = [kind for kind in checker.kinds if path_exists(kind, text)]
        keys = [counted(kind, text) for kind in having]
        if not having:
            faults.add(place, path, f"{text!r} is no path of any kind", path_hint(text, faults, *checker.kinds))
        elif keys[0] is not None and None not in keys:
            faults.add(place, path, *counted_told(text, keys[0]))
    return said


def _target(block: Mapping[str, Any]) -> Target:
    said = {TARGET[key]: value for key, value in block.items() if value is not None}
    return Target(**said, region_source="manifest" if "region" in said else "")
