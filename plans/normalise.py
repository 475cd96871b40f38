"""The normal form: two documents that mean the same to AWS become equal.

Both sides go through the same function, so a default that only one side spells out is no difference. In the normal
form there are no members that a manifest cannot say, nothing empty, nothing at its default; enums are spelt as the
model spells them; lists without order are sorted, or are mappings by the member that tells their entries apart;
numbers in strings are written in one way; references are ARNs, or `Ref`s to what is not made yet.

What the service may answer beyond what was sent is told by the kinds' tables, whose rows cite their sources.
"""

import hashlib
import json
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
                return {str(key): str(item) for key, item in value.items() if item is not None} or None
            case "string":
                return self.text(field, str(value), label)
            case "float":
                return struct.unpack("f", struct.pack("f", float(value)))[0]
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
            return next((known for known in field.enum if known.lower() == value.lower()), value)
        if label in self.facts.numeric:
            return _number(value)
        return value


def _number(text: str) -> str:
    try:
        return format(Decimal(text).normalize(), "f")
    except InvalidOperation:
        return text


def _order(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=str)


def _unique(items: Iterable[Any]) -> list[Any]:
    return [item for _, item in sorted({_order(item): item for item in items}.items())]


def effective(desired: Document, live: Live, kind: Kind, ignore: Iterable[str], resolve: Resolve) -> Document:
    """What is wanted of an object that exists: the desired document, with the live value wherever the manifest leaves
    it to the service or to others.

    An ignored path has its live value, so it is neither compared nor, where a whole list or document is sent, changed.
    A member that the service owns has it when unsaid; an explicit null asks for the reset value, where there is one.
    A floor has it when it is higher. A role given by its bare name has it when the live ARN ends in that name.
    """
    keyed, spec = kind.facts.keyed, kind.spec
    wanted = desired

    def take(path: Sequence[str]) -> Document:
        return paths.put(wanted, path, paths.get(live.spec, path, keyed, spec), keyed, spec)

    for path in _owned_paths(kind):
        segments = paths.split(path)
        said, null = _said(wanted, segments)
        shown = paths.get(live.spec, segments, keyed, spec)
        if not said or (null and path not in kind.facts.resets):
            wanted = take(segments)
        elif null:
            wanted = paths.put(wanted, segments, kind.facts.resets[path], keyed, spec)
        elif _same_role(paths.get(wanted, segments, keyed, spec), shown):
            wanted = take(segments)
    for path in kind.facts.floors:
        segments = paths.split(path)
        floor, shown = paths.get(wanted, segments, keyed, spec), paths.get(live.spec, segments, keyed, spec)
        if floor is not None and shown is not None and shown > floor:
            wanted = take(segments)
    for path in ignore:
        segments = paths.split(path)
        if spec.at(segments) is not None:
            wanted = take(segments)
    return resolved(wanted, kind, resolve)


def _owned_paths(kind: Kind) -> Iterable[str]:
    """The paths, through structures, of members that the service owns."""
    owned = kind.facts.owned
    for path, field in kind.spec.paths():
        if "[]" in path:
            continue
        parent, _, member = path.rpartition(".")
        shape = (kind.spec.at(parent.split(".")) or field).shape if parent else kind.name
        if f"{shape}.{member}" in owned:
            yield path


def _said(document: Document, segments: Sequence[str]) -> tuple[bool, bool]:
    """Whether a document has a member at all, and whether it is an explicit null there."""
    here: Any = document
    for segment in segments:
        if not isinstance(here, Mapping) or segment not in here:
            return False, False
        here = here[segment]
    return True, here is None


def _same_role(wanted: Any, shown: Any) -> bool:
    return (
        isinstance(wanted, str)
        and isinstance(shown, str)
        and not wanted.startswith("arn:")
        and shown.startswith("arn:")
        and shown.rpartition("/")[2] == wanted
    )


def resolved(document: Document, kind: Kind, resolve: Resolve) -> Document:
    """The document with every reference replaced by its ARN, or by a `Ref` to what is not made yet."""

    def walk(field: Field, value: Any) -> Any:
        if value is None or (isinstance(value, Ref) and field.reference is None):
            return value
        if field.reference is not None:
            return resolve(field.reference, value)
        if field.type == "structure" and isinstance(value, Mapping):
            return {
                name: walk(field.members[name], item) if name in field.members else item for name, item in value.items()
            }
        if field.type == "list" and field.element is not None and field.element.type == "structure":
            return [walk(field.element, item) for item in value]
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
        segments = paths.split(path)
        if segments[0] == "tags":
            met = live.tags.get(segments[1]) == value
        else:
            wanted = normalise(paths.put(live.spec, segments, value, keyed, spec), kind)
            met = paths.get(wanted, segments, keyed, spec) == paths.get(seen, segments, keyed, spec)
        if not met:
            missing.append(path)
    return tuple(missing)
