"""A manifest of what is live: its plan is empty where the stack owns all of it, and tags where nobody does."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from plans.brief import brief
from plans.manifest import Source, parse
from plans.naming import alike
from plans.normalise import matches_digest
from plans.written import commented, to_json, to_yaml
from providers.errors import InputError, ManifestError, RefusedError
from providers.kinds import Kind, Kinds
from providers.lives import address_of
from providers.resources import (
    HOUSE_TAG_PREFIX,
    PROTECT_TAG,
    Address,
    Live,
    Rollout,
    Snapshot,
)

_SUFFIX = len("-1a2b3c4d")


@attrs.frozen
class Selection:
    """What is exported, as a manifest of `stack`: all that this stack owns and, where there is a `prefix`, everything
    that nobody owns and whose name begins with it. An empty prefix begins every name."""

    stack: str
    prefix: str | None = None


@attrs.frozen
class Export:
    """A manifest of what is live, as a document and as text of YAML; `yaml` has the comments too.

    `count` is that of resources, `where` the account and the region. `lacking` tells what could not be written, so that
    the manifest is one in part; `notes` what a reader should know.
    """

    document: Mapping[str, Any]
    text: str
    count: int
    where: str
    notes: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def yaml(self) -> str:
        head = f"Stack {self.document['stack']} as it is live in {self.where}, written by batchwright export."
        return f"{commented([head, *self.lacking, *self.notes])}\n{self.text}"

    @property
    def json(self) -> str:
        return to_json(self.document)


@attrs.frozen
class _Found:
    """An object, or a family of definitions, to export; `lives` are its ACTIVE revisions from old to new.

    `address` is the one that the stack's own tag gives it.
    """

    kind: Kind
    lives: tuple[Live, ...]
    address: Address | None = None

    @property
    def live(self) -> Live:
        return self.lives[-1]


def export(snapshot: Snapshot, kinds: Kinds, selection: Selection) -> Export:
    """The manifest of what is selected.

    Raises InputError where nothing is, and RefusedError where several objects have one address, since one of them is
    being replaced.
    """
    where = f"account {snapshot.account or 'unknown'}, {snapshot.region}"
    lacking = [
        f"{kinds[name].title}s are missing here: {why}"
        for name, why in {**snapshot.unobserved, **snapshot.unseen}.items()
    ]
    notes: list[str] = []
    found = tuple(_selected(snapshot, kinds, selection, notes))
    if not found:
        told = "; ".join([f"there is nothing to export in {where}", *lacking, *notes])
        raise InputError(told, hint="is it the right account and region, and the name spelt right?")
    _refuse_doubles(found)
    prefix = _prefix(found) if selection.prefix is None else selection.prefix
    names = _names(found, prefix)
    references = _References.of(snapshot, kinds, selection.stack, names)
    document: dict[str, Any] = {"stack": selection.stack}
    if prefix:
        document["namePrefix"] = prefix
    document["target"] = {"region": snapshot.region}
    for kind in kinds:
        rows = sorted((names[one.live.arn], one) for one in found if one.kind is kind)
        if rows:
            document[kind.section] = {
                name: _block(name, one, selection.stack, prefix, references, notes) for name, one in rows
            }
    text = to_yaml(document)
    lacking += _faults(text, kinds)
    notes += _unknown(found)
    return Export(document, text, len(found), where, tuple(notes), tuple(lacking))


def _selected(snapshot: Snapshot, kinds: Kinds, selection: Selection, notes: list[str]) -> Iterator[_Found]:
    foreign: Counter[str] = Counter()
    for kind in kinds:
        for lives in _objects(snapshot, kind):
            name, owners = lives[-1].name, {live.owner for live in lives if live.owner is not None}
            addresses = [address_of(live) for live in lives if live.owner == selection.stack]
            address = next(filter(None, reversed(addresses)), None)
            begins = selection.prefix is not None and name.startswith(selection.prefix)
            if address is None and not begins:
                if selection.stack in owners:
                    notes.append(f"left out: the {kind.title} {name}, whose tags name this stack and no address")
            elif lives[-1].status == "DELETING":
                notes.append(f"left out: the {kind.title} {name}, which is being deleted")
            elif address is None and owners - {selection.stack}:
                foreign.update(owners - {selection.stack})
            else:
                yield _Found(kind, lives, address)
    for stack, count in sorted(foreign.items()):
        what = "1 object" if count == 1 else f"{count} objects"
        notes.append(f"left out: {what} of the stack {stack}, which --stack {stack} exports")


def _objects(snapshot: Snapshot, kind: Kind) -> Iterable[tuple[Live, ...]]:
    """Everything of a kind, one by one; of definitions the ACTIVE revisions of each family, from old to new."""
    groups: dict[str, list[Live]] = {}
    for live in sorted(snapshot.of(kind.name), key=lambda live: (live.name, live.revision or 0, live.arn)):
        groups.setdefault(live.name if kind.facts.revisions else live.arn, []).append(live)
    return map(tuple, groups.values())


def _refuse_doubles(found: Iterable[_Found]) -> None:
    claims: dict[Address, list[str]] = {}
    for one in found:
        if one.address is not None:
            claims.setdefault(one.address, []).append(one.live.name)
    doubles = [f"{', '.join(names)} all are {address}" for address, names in claims.items() if len(names) > 1]
    if doubles:
        raise RefusedError("\n".join(doubles), hint="one replaces the other: apply the manifest of the stack first")


def _prefix(found: Iterable[_Found]) -> str:
    """What most names of a stack begin with before the name in their address; of several, the shortest."""
    counts: Counter[str] = Counter()
    for one, own in [(one, one.address.name) for one in found if one.address is not None]:
        name = one.live.name
        base = name if name.endswith(own) else name[:-_SUFFIX]
        if base.endswith(own) and _goes_by(one, base):
            counts[base.removesuffix(own)] += 1
    return min(counts, key=lambda prefix: (-counts[prefix], len(prefix), prefix), default="")


def _goes_by(one: _Found, base: str) -> bool:
    """Whether an object is found under this name by the plan; what the stack replaced has another after it."""
    own = one.address is not None and not one.kind.facts.revisions
    return alike(one.live.name, base) if own else one.live.name == base


def _names(found: tuple[_Found, ...], prefix: str) -> Mapping[str, str]:
    """The names of the blocks by ARN: those of addresses first, then physical ones less the prefix.

    Where that is no name, or taken, the whole physical name serves, with a number where it is taken too.
    """
    taken = {(one.kind.name, one.address.name) for one in found if one.address is not None}
    names: dict[str, str] = {}
    late: list[_Found] = []
    for one in found:
        if one.address is not None:
            names[one.live.arn] = one.address.name
            continue
        short = one.live.name.removeprefix(prefix)
        key = (one.kind.name, short)
        if not short[:1].isalnum() or key in taken:
            late.append(one)
        else:
            taken.add(key)
            names[one.live.arn] = short
    for one in late:
        whole, number = one.live.name, 1
        while (one.kind.name, whole) in taken:
            number += 1
            whole = f"{one.live.name}-{number}"
        taken.add((one.kind.name, whole))
        names[one.live.arn] = whole
    return names


@attrs.frozen
class _References:
    """How an object is referred to: by name where it is exported, by stack and name where a stack owns it, else by the
    name or the ARN of something live."""

    stack: str
    names: Mapping[str, str]
    taken: frozenset[tuple[str, str]]
    live: Mapping[str, Live]
    named: Mapping[tuple[str, str], Live]
    claims: Mapping[tuple[str | None, Address | None], int]

    @classmethod
    def of(cls, snapshot: Snapshot, kinds: Kinds, stack: str, names: Mapping[str, str]) -> "_References":
        lives = [live for kind in kinds if not kind.facts.revisions for live in snapshot.of(kind.name)]
        live = {one.arn: one for one in lives}
        claims = Counter((one.owner, address_of(one)) for one in lives if one.status != "DELETING")
        taken = frozenset((live[arn].kind, name) for arn, name in names.items() if arn in live)
        return cls(stack, names, taken, live, {(one.kind, one.name): one for one in lives}, claims)

    def refer(self, kind: str, reference: Any) -> Any:
        live = self.live.get(reference) or self.named.get((kind, reference))
        if live is None:
            return reference
        if live.arn in self.names:
            return self.names[live.arn]
        address = address_of(live)
        if live.status == "DELETING":
            return live.arn
        if live.owner not in (None, self.stack) and address is not None and self.claims[live.owner, address] == 1:
            return {"stack": live.owner, "name": address.name}
        return live.arn if (kind, live.name) in self.taken else live.name

    def lost(self, kind: str, reference: Any) -> bool:
        """Whether a reference is a name of nothing that is live."""
        return reference not in self.live and (kind, reference) not in self.named and ":" not in str(reference)


def _block(
    name: str, one: _Found, stack: str, prefix: str, references: _References, notes: list[str]
) -> dict[str, Any]:
    kind, live, address = one.kind, one.live, f"{one.kind.name}.{name}"

    def refer(target: str, reference: Any) -> Any:
        if references.lost(target, reference):
            notes.append(f"{address} refers to {reference}, and no such object is live: a plan refuses that")
        return references.refer(target, reference)

    block = brief(live.spec, kind, refer)
    if not _goes_by(one, prefix + name):
        block = {"physicalName": live.name, **block}
    if tags := _tags(live, address, notes):
        block["tags"] = tags
    if live.tags.get(PROTECT_TAG) == "true":
        block["lifecycle"] = {"protect": True}
    if live.status == "INVALID":
        notes.append(f"{address} is INVALID, and a plan says so: {live.status_reason or 'AWS gives no reason'}")
    if kind.facts.revisions and one.address is not None:
        ours = [it for it in one.lives if (it.owner, address_of(it)) == (stack, one.address)]
        kept = sum(it is live or matches_digest(it, kind) for it in ours)
        if kept > Rollout().keep:
            block["rollout"] = {"keep": kept}
        if live not in ours:
            notes.append(f"{address} is revision {live.revision}, which somebody else registered: see rollout.foreign")
    return block


def _tags(live: Live, address: str, notes: list[str]) -> dict[str, str]:
    """The tags that a manifest may say; those of the house and of AWS itself are not for it to say."""
    tags = {key: value for key, value in live.tags.items() if not key.lower().startswith(("aws:", HOUSE_TAG_PREFIX))}
    for key in sorted(live.tags.keys() - tags.keys()):
        if not key.startswith(HOUSE_TAG_PREFIX) and not key.lower().startswith("aws:"):
            notes.append(f"{address} has the tag {key}, which no manifest may say")
    return dict(sorted(tags.items()))


def _unknown(found: Iterable[_Found]) -> Iterator[str]:
    """What AWS shows and the installed botocore drops, so that it cannot be exported."""
    for one in found:
        for path in one.live.unknown:
            of = f"{path} of the {one.kind.title} {one.live.name}"
            yield f"the installed botocore does not know {of}, and it is missing here: update boto3"


def _faults(text: str, kinds: Kinds) -> Iterator[str]:
    """What keeps a manifest from being read back, such as a value that is newer than the installed botocore."""
    try:
        parse([Source("export", text.encode())], variables={}, kinds=kinds)
    except ManifestError as error:
        for fault in error.faults:
            yield f"{fault.path} {fault.message}" + (f": {fault.hint}" if fault.hint else "")
