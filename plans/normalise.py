"""The normal form: two documents that mean the same to AWS become equal.

Both sides go through the same function, so a default that only one side spells out is no difference. In the normal
form there are no members that a manifest cannot say, nothing empty, nothing at its default; enums are spelt as the
model spells them; lists without order are sorted, or are mappings by the member that tells their entries apart;
numbers in strings are written in one way; references are ARNs, or `Ref`s to what is not made yet.

What the service may answer beyond what was sent is told by the kinds' tables, whose rows cite their sources.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from plans import paths
from plans.spelling import indices, number, quantity, single, spelt
from providers.kinds import Beside, Default, Kind
from providers.kinds.facts import anyhow
from providers.resources import DIGEST_TAG, Address, Document, Field, Live, Ref

Resolve = Callable[[str, Any], Any]
"""Given the kind that a reference names and the reference as written, its ARN or a `Ref`."""


def as_written(_kind: str, reference: Any) -> Any:
    return reference


def normalise(document: Document, kind: Kind, resolve: Resolve = as_written) -> dict[str, Any]:
    """The normal form of a desired or live document of this kind."""
    forms = _forms(kind)
    return forms.root(document, forms.aside(document, resolve)) or {}


@attrs.frozen
class _Aside:
    """What the form of a part hangs on beside the part: what its whole document is taken to say, and who is meant.

    `defaults` are those that hold for this document alone, `counts` how many indices there are, both by label.
    """

    resolve: Resolve
    defaults: Mapping[str, Sequence[Any]]
    counts: Mapping[str, Any]


_Form = Callable[[Any, _Aside], Any]
"""The normal form of a value; None where it says nothing."""


@attrs.frozen(eq=False)
class _Forms:
    """The forms of a kind: its tree of fields made into functions once, since each plan goes through it thousands of
    times. A member has the label SHAPE.MEMBER, and so have the entries of a list."""

    kind: Kind
    lasting: Mapping[str, Sequence[Any]]
    passing: Sequence[Default]
    root: _Form = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "root", self.structure(self.kind.spec, self.kind.name))

    def aside(self, document: Document, resolve: Resolve) -> _Aside:
        facts = self.kind.facts
        defaults: dict[str, list[Any]] = {}
        for row in self.passing:
            if row.when(document):
                defaults.setdefault(row.member, []).append(row.value)
        counts = {
            row.member: paths.get(document, paths.split(row.count), facts.keyed, self.kind.spec)
            for row in facts.indices
        }
        return _Aside(resolve, defaults, counts)

    def structure(self, field: Field, shape: str) -> _Form:
        members = {
            name: (self.value(member, label), self.unsaid(label))
            for name, member in field.members.items()
            for label in [f"{shape}.{name}"]
        }

        def form(value: Any, aside: _Aside) -> dict[str, Any] | None:
            if not isinstance(value, Mapping):
                return None
            made = {}
            for name, said in value.items():
                if said is None or name not in members:
                    continue
                inner, unsaid = members[name]
                told = inner(said, aside)
                if told is not None and (unsaid is None or not unsaid(told, value, aside)):
                    made[name] = told
            return made or None

        return form

    def unsaid(self, label: str) -> Callable[[Any, Document, _Aside], bool] | None:
        """Whether a value is what the service takes where the structure around it leaves it unsaid; None where it
        takes nothing."""
        lasting = self.lasting.get(label, ())
        if not lasting and all(row.member != label for row in self.passing):
            return None

        def told(value: Any, beside: Document, aside: _Aside) -> bool:
            rows = (*lasting, *aside.defaults.get(label, ()))
            return any(value == (row.within(beside) if isinstance(row, Beside) else row) for row in rows)

        return told

    def value(self, field: Field, label: str) -> _Form:
        if field.reference is not None:
            reference = field.reference
            return lambda value, aside: aside.resolve(reference, value)
        match field.type:
            case "structure":
                return self.structure(field, field.shape)
            case "list":
                return self.list(field, label)
            case "map":
                text = self.text(field, label)
                return lambda value, aside: (
                    {str(key): text(item, aside) for key, item in value.items() if item is not None} or None
                )
            case "string":
                return self.text(field, label)
            case "float":
                return lambda value, _: single(value)
            case _:
                return lambda value, _: value

    def list(self, field: Field, label: str) -> _Form:
        assert field.element is not None
        key = self.kind.facts.keyed.get(field.shape)
        entry = self.value(field.element, label) if key is None else self.named(field, key)
        vanishing = [
            member for member in field.element.members if f"{field.element.shape}.{member}" in self.kind.facts.vanishing
        ]
        unordered = label in self.kind.facts.sets

        def form(value: Any, aside: _Aside) -> Any:
            kept = [raw for raw in value if raw is not None]
            for member in vanishing:
                kept = [raw for raw in kept if raw.get(member) not in (None, "")]
            made = [item for raw in kept if (item := entry(raw, aside)) is not None]
            if not made:
                return None
            if key is None:
                return _unique(made) if unordered else made
            names = [str(item[key]) for item in made]
            if len(set(names)) == len(names):
                return dict(sorted(zip(names, made, strict=True)))
            return sorted(made, key=_order)

        return form

    def named(self, entries: Field, key: str) -> _Form:
        """An entry of a list whose entries are told apart by a member: it stands in them, default or not."""
        field = entries.element
        assert field is not None
        whole, own = self.structure(field, field.shape), self.value(field.members[key], f"{field.shape}.{key}")

        def form(value: Any, aside: _Aside) -> dict[str, Any]:
            said = value.get(key)
            name = None if said is None else own(said, aside)
            return {**(whole(value, aside) or {}), key: entries.unnamed if name is None else name}

        return form

    def text(self, field: Field, label: str) -> _Form:
        facts = self.kind.facts
        if field.enum:
            return lambda value, _: spelt(field, str(value))
        if label in facts.numeric:
            return lambda value, _: number(str(value))
        if label in facts.quantities:
            return lambda value, _: quantity(str(value))
        if any(label == row.member for row in facts.indices):
            return lambda value, aside: indices(str(value), aside.counts[label])
        return lambda value, _: str(value)


@functools.cache
def _forms(kind: Kind) -> _Forms:
    lasting: dict[str, list[Any]] = {}
    for row in kind.facts.defaults:
        if row.when is anyhow:
            lasting.setdefault(row.member, []).append(row.value)
    return _Forms(kind, lasting, [row for row in kind.facts.defaults if row.when is not anyhow])


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
                return spelt(field, str(value))
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


def digest(
    document: Document, kind: Kind, names: Mapping[Address, str] | None = None, form: Document | None = None
) -> str:
    """A digest of what a document means, the same for everything that normalises to the same.

    References count by name (`names` tells that of a `Ref`), since an ARN may not be known yet. The prefix names the
    rules of the normal form: a digest made under other rules is not compared. `form` is the normal form of a document
    that refers to nothing, where it is known.
    """

    def named(_kind: str, reference: Any) -> str:
        if isinstance(reference, Ref):
            return (names or {})[reference.address]
        return str(reference).rpartition("/")[2]

    told = normalise(document, kind, named) if form is None else form
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    return f"{DIGEST_RULES}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def matches_digest(live: Live, kind: Kind, form: Document | None = None) -> bool:
    """Whether a revision still holds what its digest tag says; True where the tag was made under other rules.

    `form` is its normal form, where that is known and it refers to nothing.
    """
    tag = live.tags.get(DIGEST_TAG, "")
    return bool(tag) and (not tag.startswith(f"{DIGEST_RULES}-") or tag == digest(live.spec, kind, form=form))


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
