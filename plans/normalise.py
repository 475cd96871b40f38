"""The normal form: two documents that mean the same to AWS become equal.

Both sides go through the same function, so a default that only one side spells out is no difference. In the normal
form there are no members that a manifest cannot say, nothing empty, nothing at its default; enums are spelt as the
model spells them; lists without order are sorted, or are mappings by the member that tells their entries apart;
numbers in strings are written in one way; references are ARNs, or `Ref`s to what is not made yet.

What the service may answer beyond what was sent is told by the kinds' tables, whose rows cite their sources.
"""

import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from plans import paths
from providers.kinds import Kind
from providers.resources import DIGEST_TAG, Address, Document, Field, Live, Ref

Resolve = Callable[[str, Any], Any]
"""Given the kind that a reference names and the reference as written, its ARN or a `Ref`."""


def as_written(_kind: str, reference: Any) -> Any:
    return reference


def normalise(document: Document, kind: Kind, resolve: Resolve = as_written) -> dict[str, Any]:
    """The normal form of a desired or live document of this kind."""
    form = _Form(document, kind, resolve)
    return form.structure(kind.spec, document, kind.name) or {}


class _Form:
    """One document on its way to normal form."""

    def __init__(self, document: Document, kind: Kind, resolve: Resolve) -> None:
        self.facts = kind.facts
        self.resolve = resolve
        self.defaults: dict[str, list[Any]] = {}
        for row in kind.facts.defaults:
            if row.when(document):
                self.defaults.setdefault(row.member, []).append(row.value)

    def structure(self, field: Field, value: Any, shape: str) -> dict[str, Any] | None:
        if not isinstance(value, Mapping):
            return None
        made = {}
        for name, member in field.members.items():
            if name not in value:
                continue
            label = f"{shape}.{name}"
            inner = self.value(member, value[name], label)
            if inner is None or inner in self.defaults.get(label, ()):
                continue
            made[name] = inner
        return made or None

    def value(self, field: Field, value: Any, label: str) -> Any:
        if value is None:
            return None
        if field.reference is not None:
            return self.resolve(field.reference, value)
        match field.type:
            case "structure":
                return self.structure(field, value, field.shape)
            case "list":
                return self.list(field, value, label)
            case "map":
                read = _number if label in self.facts.numeric else str
                return {str(key): read(str(item)) for key, item in value.items() if item is not None} or None
            case "string":
                return self.text(field, str(value), label)
            case "float":
                return struct.unpack("f", struct.pack("f", value))[0]
            case _:
                return value

    def list(self, field: Field, value: Sequence[Any], label: str) -> Any:
        assert field.element is not None
        key = self.facts.keyed.get(field.shape)
        made = [
            item
            for raw in value
            if not self.vanishes(field.element, raw)
            and (item := self.entry(field.element, raw, label, key)) is not None
        ]
        if not made:
            return None
        if key is not None:
            names = [str(item[key]) for item in made]
            if len(set(names)) == len(names):
                return dict(sorted(zip(names, made, strict=True)))
            return sorted(made, key=_order)
        return _unique(made) if label in self.facts.sets else made

    def entry(self, field: Field, raw: Any, label: str, key: str | None) -> Any:
        """One entry of a list; where entries are told apart by a member, it stands in them, default or not."""
        if key is None:
            return self.value(field, raw, label)
        made = self.structure(field, raw, field.shape) or {}
        fallback = next(iter(self.defaults.get(f"{field.shape}.{key}", ())), "")
        named = self.value(field.members[key], raw.get(key), f"{field.shape}.{key}")
        return {**made, key: fallback if named is None else named}

    def vanishes(self, field: Field, raw: Any) -> bool:
        return isinstance(raw, Mapping) and any(
            f"{field.shape}.{member}" in self.facts.vanishing and raw.get(member) in (None, "")
            for member in field.members
        )

    def text(self, field: Field, value: str, label: str) -> str:
        if field.enum:
            return _spelt(field, value)
        if label in self.facts.numeric:
            return _number(value)
        return value


def _spelt(field: Field, text: str) -> str:
    """A word of an enum as the model spells it; a word that the model does not know stays as it is."""
    return next((known for known in field.enum if known.lower() == text.lower()), text)


_QUANTITY = re.compile(r"([+-]?[0-9.]+)([A-Za-z]*)")


def _number(text: str) -> str:
    """A number, or a Kubernetes quantity such as 512Mi, written in one way; anything else as it is."""
    found = _QUANTITY.fullmatch(text)
    try:
        return text if found is None else format(Decimal(found[1]).normalize(), "f") + found[2]
    except InvalidOperation:
        return text


def _order(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=str)


def _unique(items: Iterable[Any]) -> list[Any]:
    return [item for _, item in sorted({_order(item): item for item in items}.items())]


def effective(desired: Document, live: Live, kind: Kind, ignore: Iterable[str], resolve: Resolve) -> Document:
    """What is wanted of an object that exists: the desired document, with the live value wherever the manifest leaves
    it to the service or to others.

    An ignored path has its live value, so it is neither compared nor, where a whole list or document is sent, changed;
    an entry of a list that no member tells apart stands for the whole list. A member that the service owns has it when
    unsaid; an explicit null asks for the reset value, where there is one. A floor has it when it is higher, and a value
    that means the same as the live one is spelt like it.
    """
    keyed, spec = kind.facts.keyed, kind.spec
    wanted = desired

    def take(segments: Sequence[str]) -> None:
        nonlocal wanted
        wanted = paths.put(wanted, segments, paths.get(live.spec, segments, keyed, spec), keyed, spec)

    for path in kind.owned:
        segments = paths.split(path)
        said, null = _said(wanted, segments)
        reset = kind.reset(path, desired)
        if not said or (null and reset is None and path not in kind.facts.alike):
            take(segments)
        elif null:
            wanted = paths.put(wanted, segments, reset, keyed, spec)
    for path, same in kind.facts.alike.items():
        segments = paths.split(path)
        if same(paths.get(wanted, segments, keyed, spec), paths.get(live.spec, segments, keyed, spec)):
            take(segments)
    for path in kind.facts.floors:
        segments = paths.split(path)
        floor, shown = paths.get(wanted, segments, keyed, spec), paths.get(live.spec, segments, keyed, spec)
        if floor is not None and shown is not None and shown > floor:
            take(segments)
    for path in ignore:
        segments = paths.reachable(paths.split(path), keyed, spec)
        if segments:
            take(segments)
    return resolved(wanted, kind, resolve)


def _said(document: Document, segments: Sequence[str]) -> tuple[bool, bool]:
    """Whether a document says something at a member, and whether that is an explicit null; what is empty is unsaid."""
    here: Any = document
    for segment in segments:
        if not isinstance(here, Mapping) or segment not in here:
            return False, False
        here = here[segment]
    return here not in ([], {}), here is None


def resolved(document: Document, kind: Kind, resolve: Resolve) -> Document:
    """The document as it can be sent: every reference an ARN, or a `Ref` to what is not made yet; enums as the model
    spells them; without nulls, and without members that a live value has and a manifest cannot say."""

    def walk(field: Field, value: Any) -> Any:
        if field.reference is not None:
            return resolve(field.reference, value)
        match field.type:
            case "structure" if isinstance(value, Mapping):
                return {
                    name: walk(field.members[name], item)
                    for name, item in value.items()
                    if name in field.members and item is not None
                }
            case "list" if field.element is not None:
                return [walk(field.element, item) for item in value if item is not None]
            case "map":
                return {name: item for name, item in value.items() if item is not None}
            case "string" if field.enum:
                return _spelt(field, str(value))
            case _:
                return value

    made: Document = walk(kind.spec, document)
    return made


DIGEST_RULES = "n1"


def digest(document: Document, kind: Kind, names: Mapping[Address, str] | None = None) -> str:
    """A digest of what a document means, the same for everything that normalises to the same.

    References count by name (`names` tells that of a `Ref`), since an ARN may not be known yet. The prefix names the
    rules of the normal form: a digest made under other rules is not compared.
    """

    def named(_kind: str, reference: Any) -> str:
        if isinstance(reference, Ref):
            return (names or {})[reference.address]
        return str(reference).rpartition("/")[2]

    text = json.dumps(normalise(document, kind, named), sort_keys=True, separators=(",", ":"), default=str)
    return f"{DIGEST_RULES}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def matches_digest(live: Live, kind: Kind) -> bool:
    """Whether a revision still holds what its digest tag says; True where the tag was made under other rules."""
    tag = live.tags.get(DIGEST_TAG, "")
    return bool(tag) and (not tag.startswith(f"{DIGEST_RULES}-") or tag == digest(live.spec, kind))


def unmet(expect: Mapping[str, Any], live: Live, kind: Kind) -> tuple[str, ...]:
    """The paths of an expectation that a live object does not show yet."""
    missing = []
    seen = normalise(live.spec, kind)
    keyed, spec = kind.facts.keyed, kind.spec
    for path, value in expect.items():
        tag = paths.tag_of(path)
        if tag is not None:
            met = live.tags.get(tag) == value
        else:
            segments = paths.split(path)
            wanted = normalise(paths.put(live.spec, segments, value, keyed, spec), kind)
            met = paths.get(wanted, segments, keyed, spec) == paths.get(seen, segments, keyed, spec)
        if not met:
            missing.append(path)
    return tuple(missing)
