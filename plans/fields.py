"""Every field of a manifest as one row: what it takes, what it is when unsaid, what a change of it does, and on whose
word.

The rows are made from the same facts that plans are made from, so what is explained is what is done.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

import attrs

from plans.demands import DEMANDS
from plans.manifest_schema import documented
from providers.kinds import CREATE_ONLY, Default, Facts, Kind, Kinds, Reset, Rule, Verdict
from providers.kinds.facts import page
from providers.resources import Field

Owner = Literal["user", "service", "read-only", "house"]
"""Who says a field: the manifest; the manifest or else the service, which fills or moves it; only the service; or the
manifest to this house, not to AWS."""

MANIFEST = "manifest"
BLOCK = "every block"
"""The kinds of rows that are of no kind: keys on top of a manifest, and keys of every block."""

_TAGS = Rule("tags", ("tags",), "update", "tags are edited in place", source=page("TagResource"))
_BRACKETS = re.compile(r"\[[^\]]*\]")
_END = re.compile(r"\.(?= [A-Z]|$)")


@attrs.frozen
class Ruling:
    """What a rule says of a change of a field; `condition` is empty where it holds for every object."""

    rule: str
    condition: str
    verdict: Verdict
    why: str
    source: str


@attrs.frozen
class Said:
    """A value that stands where nothing is said, and on what condition."""

    value: Any
    condition: str
    source: str


@attrs.frozen
class Note:
    """Something else that is true of a field."""

    says: str
    source: str


@attrs.frozen
class FieldRow:
    """All that is known of one field.

    `kind` is the name of a kind, MANIFEST or BLOCK, and `section` the key under which blocks of it stand. `path` is
    written with `[]` for an entry of a list or map. `label` is SHAPE.MEMBER in the API model, the same wherever the
    shape appears. `ordered` is None of what is no list. Of `rulings` the first whose condition holds decides.
    `resets` are what an update sends to unset it. `notes` are what else AWS does with it, or refuses. `says` is the
    first sentence of its documentation.
    """

    kind: str
    section: str
    path: str
    label: str
    type: str
    enum: tuple[str, ...]
    required: bool
    owner: Owner
    ordered: bool | None
    rulings: tuple[Ruling, ...]
    defaults: tuple[Said, ...]
    resets: tuple[Said, ...]
    notes: tuple[Note, ...]
    says: str

    @property
    def name(self) -> str:
        """The path with its kind, by which it is told from the same path of another kind."""
        return self.path if self.kind in (MANIFEST, BLOCK) else f"{self.kind}.{self.path}"


def rows(kinds: Kinds) -> tuple[FieldRow, ...]:
    """Every field: of the manifest itself, of every block, and of each kind, in the order of the model."""
    sections = {kind.section for kind in kinds}
    on_top = {name: field for name, field in kinds.document.members.items() if name not in sections}
    own = {kind.name: _house_keys(kind) for kind in kinds}
    common = set.intersection(*(set(keys) for keys in own.values()))
    everywhere = {name: field for name, field in next(iter(own.values())).items() if name in common}
    shared = tuple(_house(BLOCK, "", everywhere))
    told = {row.path for row in shared}
    made = [*_house(MANIFEST, "", on_top, kinds.document.required), *shared]
    for kind in kinds:
        made += _of_kind(kind)
        made += [row for row in _house(kind.name, kind.section, own[kind.name]) if row.path not in told]
    return tuple(made)


def find(path: str, among: Sequence[FieldRow]) -> tuple[FieldRow, ...]:
    """The rows that a path speaks of, as written by people: with or without its kind or section, the name of a block
    or what stands in brackets; a kind alone speaks of all its rows."""
    wanted = _folded(path)
    head, _, rest = wanted.partition(".")
    candidates = [(None, wanted), (head, rest), (head, rest.partition(".")[2])]
    for kind, inner in candidates:
        found = tuple(
            row for row in among if _folded(row.path) == inner and (kind is None or kind in (row.kind, row.section))
        )
        if found:
            return found
    if any(head in (row.kind, row.section) for row in among):
        common = tuple(
            row for row in among if row.kind == BLOCK and _folded(row.path) in (rest, rest.partition(".")[2])
        )
        if common:
            return common
    told = tuple(row for row in among if wanted in (row.kind, row.section) and wanted)
    return told or _alone(wanted, among)


def _alone(end: str, among: Sequence[FieldRow]) -> tuple[FieldRow, ...]:
    """The one member, of all kinds and shapes, at which a path ends so; the first of its shortest places."""
    rows = [row for row in among if _folded(row.path).endswith(f".{end}")]
    one = len({row.label or row.name for row in rows}) == 1
    return (min(rows, key=lambda row: len(row.path)),) if one else ()


def nearest(path: str, among: Iterable[FieldRow]) -> str | None:
    """The known path that is most like one that is not known: the same member elsewhere, or one spelt alike."""
    wanted = _folded(path).lower()
    names = {_folded(name).lower(): name for row in among for name in (row.name, row.path)}
    member = wanted.rpartition(".")[2]
    same = [name for folded, name in names.items() if folded.rpartition(".")[2] == member]
    if same:
        return min(same, key=len)
    near = get_close_matches(wanted, names, 1) or get_close_matches(member, names, 1)
    return names[near[0]] if near else None


def _folded(path: str) -> str:
    return _BRACKETS.sub("", path)


def _house_keys(kind: Kind) -> Mapping[str, Field]:
    theirs = {*kind.spec.members, "tags"}
    return {name: field for name, field in kind.block.members.items() if name not in theirs}


def _house(
    kind: str, section: str, members: Mapping[str, Field], required: frozenset[str] = frozenset()
) -> Iterator[FieldRow]:
    tree = Field("structure", members=members, required=required)
    for path, _, field, needed in _walk(tree, ""):
        yield _row(kind, section, path, "", field, required=needed, owner="house")


def _of_kind(kind: Kind) -> Iterator[FieldRow]:
    facts, demands = kind.facts, _demands(kind.name)
    for path, label, field, required in _walk(kind.spec, kind.name):
        yield _row(
            kind.name,
            kind.section,
            path,
            label,
            field,
            required=required,
            owner="service" if label in facts.owned else "user",
            ordered=_ordered(field, label, facts),
            rulings=_rulings(kind, path),
            defaults=tuple(_said(row) for row in facts.defaults if row.member == label),
            resets=tuple(_said(row) for row in facts.resets if row.path == path),
            notes=(*_notes(field, label, path, facts), *demands.get(label, ())),
        )
    for path, label, field, _ in _walk(kind.create_spec, kind.name):
        if label in facts.read_only:
            note = Note("shown by the service, never said", facts.read_only[label])
            yield _row(kind.name, kind.section, path, label, field, owner="read-only", notes=(note,))
    tags = kind.block.members["tags"]
    yield _row(kind.name, kind.section, "tags", "", tags, owner="user", rulings=(_ruling(_TAGS),))


def _row(kind: str, section: str, path: str, label: str, field: Field, **more: Any) -> FieldRow:
    enum = (field.element.enum if field.element is not None else ()) or field.enum
    unsaid = {"required": False, "ordered": None, "rulings": (), "defaults": (), "resets": (), "notes": ()}
    says = _END.split(documented(field.documentation), maxsplit=1)[0]
    return FieldRow(kind, section, path, label, _words(field), enum, says=says, **{**unsaid, **more})


def _walk(tree: Field, shape: str, prefix: str = "") -> Iterator[tuple[str, str, Field, bool]]:
    """Path, label, field and whether it is required, of every member below a structure."""
    for name, field in tree.members.items():
        path = f"{prefix}{name}"
        yield path, f"{shape}.{name}", field, name in tree.required
        inner = field.element if field.element is not None else field
        yield from _walk(inner, inner.shape, f"{path}[]." if field.element is not None else f"{path}.")


def _words(field: Field) -> str:
    if field.reference is not None:
        return f"name or ARN of a {field.reference.replace('_', ' ')}"
    if field.element is not None:
        return f"{field.type} of {_words(field.element)}{'' if field.element.type == 'any' else 's'}"
    return "anything" if field.type == "any" else field.type


def _ordered(field: Field, label: str, facts: Facts) -> bool | None:
    return None if field.type != "list" else field.shape not in facts.keyed and label not in facts.sets


def _rulings(kind: Kind, path: str) -> tuple[Ruling, ...]:
    """What may not be said first, then the rows that can decide: the first of each condition, none behind one that
    always holds."""
    deciding: dict[str, Rule] = {}
    for row in kind.facts.rules:
        if row.covers(path) and "" not in deciding:
            lost = row.verdict != "replace" and not kind.foresees(path) and kind.unruled(path) is CREATE_ONLY
            decided = CREATE_ONLY if lost else row
            deciding.setdefault(decided.condition, decided)
    barred = (row for row in kind.facts.barred if row.covers(path))
    return tuple(map(_ruling, (*barred, *(deciding.values() or [kind.unruled(path)]))))


def _ruling(rule: Rule) -> Ruling:
    return Ruling(rule.name, rule.condition, rule.verdict, rule.why, rule.source)


def _said(row: Default | Reset) -> Said:
    return Said(row.value, row.condition, row.source)


def _notes(field: Field, label: str, path: str, facts: Facts) -> Iterator[Note]:
    """What the sets of members say of a field."""
    if label in facts.owned:
        yield Note("left alone where it is unsaid, since the service fills or moves it", facts.owned[label])
    if path in facts.floors:
        yield Note("a value only raises it", facts.floors[path])
    if field.shape in facts.keyed:
        yield Note(f"its entries are told apart by {facts.keyed[field.shape]}", facts.orderless[field.shape])
    if label in facts.sets:
        yield Note("a set: its order does not count", facts.sets[label])
    if label in facts.numeric:
        yield Note("compared as a number", facts.numeric[label])
    if label in facts.quantities:
        yield Note("compared as a quantity, whatever its suffix", facts.quantities[label])
    if label in facts.telling:
        yield Note("says something though it is empty", facts.telling[label])
    if label in facts.vanishing:
        yield Note("the service drops an entry in which it is empty", facts.vanishing[label])
    for indices in facts.indices:
        if indices.member == label:
            yield Note(f"ranges are compared by their first and last, below {indices.count}", indices.source)
    for older in facts.older:
        if older.member == label:
            says = f"deprecated: {older.now} of type {older.entry} is the same in effect, but for overrides of jobs"
            yield Note(says, older.source)
    if path in facts.later:
        yield Note("a creation takes only the default, and an update sends any other value", facts.later[path])
    for row in facts.always_sent:
        if row.member == label:
            yield Note(f"said in every creation{f' {row.condition}' if row.condition else ''}", row.source)


def _demands(kind: str) -> Mapping[str, tuple[Note, ...]]:
    """What AWS refuses of a member, whatever is live."""
    found: dict[str, tuple[Note, ...]] = {}
    for demand in DEMANDS[kind]:
        found[demand.member] = (*found.get(demand.member, ()), Note(f"refused: {demand.message}", demand.source))
    return found
