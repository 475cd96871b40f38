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
from providers.kinds import Beside, Kind
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
        self.counts = {
            row.member: paths.get(document, paths.split(row.count), kind.facts.keyed, kind.spec)
            for row in kind.facts.indices
        }
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
            if inner is None or (label in self.defaults and self.unsaid(label, inner, value)):
                continue
            made[name] = inner
        return made or None

    def unsaid(self, label: str, value: Any, beside: Document) -> bool:
        """Whether a value is what the service takes where the structure leaves it unsaid."""
        return any(value == (row.within(beside) if isinstance(row, Beside) else row) for row in self.defaults[label])

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
                return {
                    str(key): self.text(field, str(item), label) for key, item in value.items() if item is not None
                } or None
            case "string":
                return self.text(field, str(value), label)
            case "float":
                return _single(value)
            case _:
                return value

    def list(self, field: Field, value: Sequence[Any], label: str) -> Any:
        assert field.element is not None
        key = self.facts.keyed.get(field.shape)
        made = [
            item
            for raw in value
            if not self.vanishes(field.element, raw) and (item := self.entry(field, raw, label)) is not None
        ]
        if not made:
            return None
        if key is not None:
            names = [str(item[key]) for item in made]
            if len(set(names)) == len(names):
                return dict(sorted(zip(names, made, strict=True)))
            return sorted(made, key=_order)
        return _unique(made) if label in self.facts.sets else made

    def entry(self, entries: Field, raw: Any, label: str) -> Any:
        """One entry of a list; where entries are told apart by a member, it stands in them, default or not."""
        field, key = entries.element, self.facts.keyed.get(entries.shape)
        assert field is not None
        if key is None:
            return self.value(field, raw, label)
        made = self.structure(field, raw, field.shape) or {}
        named = self.value(field.members[key], raw.get(key), f"{field.shape}.{key}")
        return {**made, key: entries.unnamed if named is None else named}

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
        if label in self.facts.quantities:
            return _quantity(value)
        if label in self.counts:
            return _indices(value, self.counts[label])
        return value


def _single(value: float) -> float:
    """The shortest number that is the same in single precision, as which the service keeps it."""
    kept = struct.pack("f", value)
    single = float(struct.unpack("f", kept)[0])
    shortest = (float(f"{single:.{digits}g}") for digits in range(1, 9))
    return next((short for short in shortest if struct.pack("f", short) == kept), single)


def _spelt(field: Field, text: str) -> str:
    """A word of an enum as the model spells it; a word that the model does not know stays as it is."""
    return next((known for known in field.enum if known.lower() == text.lower()), text)


_NUMBER = re.compile(r"[+-]?[0-9.]+")
_QUANTITY = re.compile(rf"(?P<number>{_NUMBER.pattern})(?P<suffix>[A-Za-z]*)")
_SCALES: Mapping[str, Decimal] = {
    "": Decimal(1),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("n", "u", "m"), -3)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}
"""What a suffix of a Kubernetes quantity stands for."""


def _number(text: str) -> str:
    """A number written in one way; anything else as it is."""
    try:
        return format(Decimal(text).normalize(), "f") if _NUMBER.fullmatch(text) else text
    except InvalidOperation:
        return text


def _quantity(text: str) -> str:
    """A quantity of Kubernetes such as 1Gi or 500m written in one way, in Mi where it is so many; else as it is."""
    found = _QUANTITY.fullmatch(text)
    if found is None or found["suffix"] not in _SCALES:
        return text
    try:
        value = Decimal(found["number"]) * _SCALES[found["suffix"]]
        mebibytes = value / _SCALES["Mi"] if value and not value % _SCALES["Mi"] else None
    except InvalidOperation:
        return text
    return _number(format(value, "f")) if mebibytes is None else f"{_number(format(mebibytes, 'f'))}Mi"


_INDICES = re.compile(r"(?P<one>[0-9]{1,9})|(?P<first>[0-9]{0,9}):(?P<last>[0-9]{0,9})")


def _indices(text: str, count: Any) -> str:
    """A range of indices with its first, and with its last unless that is the last of all; anything else as it is."""
    found = _INDICES.fullmatch(text)
    if found is None or not isinstance(count, int):
        return text
    first, last = int(found["one"] or found["first"] or 0), int(found["one"] or found["last"] or count - 1)
    return f"{first}:" if last == count - 1 else f"{first}:{last}"


def _order(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=str)


def _unique(items: Iterable[Any]) -> list[Any]:
    return [item for _, item in sorted({_order(item): item for item in items}.items())]


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


def saying(document: Document, kind: Kind) -> Document:
    """A document without what is empty in it, since that says nothing, and the service may refuse it all the same; but
    some structures say something by being there."""

    def walk(field: Field, value: Any) -> Any:
        if field.type == "structure" and isinstance(value, Mapping):
            inner = {name: walk(field.members[name], item) for name, item in value.items()}
            return {
                name: item
                for name, item in inner.items()
                if item not in ([], {}) or f"{field.shape}.{name}" in kind.facts.telling
            }
        if field.type == "list" and field.element is not None:
            return [walk(field.element, item) for item in value]
        return value

    made: Document = walk(kind.spec, document)
    return made


DIGEST_RULES = "n2"


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
            if not met and path in kind.facts.alike:
                met = kind.facts.alike[path](value, paths.get(live.spec, segments, keyed, spec))
        if not met:
            missing.append(path)
    return tuple(missing)
