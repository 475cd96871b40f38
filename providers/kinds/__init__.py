"""What AWS Batch is: seven kinds, each the API model plus the few facts that the model cannot say.

`bind(model)` derives, by one rule for all kinds, what needs no hand: the name is the required member of create called
`name` or `<entity>Name`; the ARN is the member of describe called `arn` or `<entity>Arn`; update and delete name their
object by their one required member; a manifest may say what create or update takes and describe shows, less name, ARN,
tags and the reserved `context`; references are string members called `<entity>` or `<entity>Arn` of another kind.
What only create takes is replaced, path by path through structures, stopping at lists and maps; what only update takes
is sent in a second call.

This room may import `providers.resources` and nothing else of ours. Call `bind` once, at the edge; `Kinds` is an
argument of everything that needs to know a kind.
"""

import functools
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from providers.kinds import (
    compute_environment,
    consumable_resource,
    house,
    job_definition,
    job_queue,
    quota_share,
    scheduling_policy,
    service_environment,
)
from providers.kinds.facts import Beside, Default, Facts, Lookup, Reset, Rule, Verdict
from providers.kinds.job_definition import REVISION
from providers.model import Model, Operation
from providers.resources import EMPTY, Document, Field, Shorthand

__all__ = [
    "CREATE_ONLY",
    "REVISION",
    "UNRULED",
    "Beside",
    "Default",
    "Facts",
    "Kind",
    "Kinds",
    "Lookup",
    "Reset",
    "Rule",
    "Verdict",
    "bind",
]

_MODEL = "https://github.com/boto/botocore/tree/master/botocore/data/batch"
CREATE_ONLY = Rule("create-only", (), "replace", "the API has no update for this field", source=_MODEL)
UNRULED = Rule("no-rule", (), "update", "the API's update takes this field; no rule is known for it", source=_MODEL)

_FACTS = (
    scheduling_policy.FACTS,
    compute_environment.FACTS,
    service_environment.FACTS,
    consumable_resource.FACTS,
    job_queue.FACTS,
    quota_share.FACTS,
    job_definition.FACTS,
)
_HOUSE_KEYS: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {"compute_environment": house.ENVIRONMENT, "job_queue": house.QUEUE}
)
_NEVER_SAID = frozenset({"tags", "context"})


@attrs.frozen(eq=False)
class Kind:
    """One kind of object.

    `spec` is the tree of API members that a manifest may say; `block` that of a whole block in a manifest, tags and
    house keys included. `create_only` and `update_only` are paths; `create_spec` and `update_spec` are the trees of
    the operations' requests. `references` maps paths to the kinds that they name; `owned` are the paths of what the
    service owns; `always_sent` are paths and what a create says there, where the row's condition holds.
    """

    facts: Facts
    spec: Field
    block: Field
    name_member: str
    arn_member: str
    update_key: str
    delete_key: str
    create_spec: Field
    update_spec: Field
    create_only: frozenset[str]
    update_only: frozenset[str]
    references: Mapping[str, str]
    owned: tuple[str, ...]
    always_sent: tuple[tuple[str, Default], ...]

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def title(self) -> str:
        return self.facts.title

    @functools.cached_property
    def targets(self) -> tuple[str, ...]:
        """The kinds that it refers to, each once."""
        return tuple(dict.fromkeys(self.references.values()))

    @property
    def section(self) -> str:
        """The key of a manifest under which objects of this kind stand."""
        return self.facts.plural

    @property
    def rank(self) -> int:
        """Kinds of a lower rank are made first and deleted last."""
        return self.facts.rank

    def rule(self, path: str, desired: Document, live: Document) -> Rule:
        """The row that decides a difference at a path, given both documents in normal form.

        A row that covers more than it names does not decide about what only a creation takes: no update would send it.
        """
        rows = (row for row in self.facts.rules if row.covers(path) and row.when(desired, live))
        row = next(rows, None)
        if row is None:
            return self.unruled(path)
        named = any(path in each.paths for each in self.facts.rules)
        if row.verdict in ("replace", "revision") or named or not self._for_life(path, desired, live):
            return row
        return CREATE_ONLY

    def _for_life(self, path: str, desired: Document, live: Document) -> bool:
        """Whether only a creation takes what differs at a path, or part of it."""
        leaf = path.partition("[]")[0]
        return any(
            own == leaf
            or leaf.startswith(f"{own}.")
            or (own.startswith(f"{leaf}.") and _at(desired, own) != _at(live, own))
            for own in self.create_only
        )

    def foresees(self, path: str) -> bool:
        """Whether a row was written for a path, and does not merely cover it."""
        leaf = path.partition("[]")[0]
        known = {*self.facts.foreseen, *(own for row in self.facts.rules for own in row.paths)}
        return self.facts.revisions or leaf in known or any(own.startswith(f"{leaf}.") for own in known)

    def unruled(self, path: str) -> Rule:
        """What decides where no row does, as of a member that botocore has gained since: what the API model allows."""
        if self.facts.revisions:
            return REVISION
        leaf = path.partition("[]")[0]
        created = any(
            own == leaf or own.startswith(f"{leaf}.") or leaf.startswith(f"{own}.") for own in self.create_only
        )
        return CREATE_ONLY if created else UNRULED

    def reset(self, path: str, document: Document) -> Any:
        """What an update of this wanted document sends to unset a path; None where the API has nothing for that."""
        return next((row.value for row in self.facts.resets if row.path == path and row.when(document)), None)

    def arn(self, name: str, partition: str, region: str, account: str, queue: str = "") -> str:
        """The ARN of an object of this name; of a definition, that of the family; of a quota share, in a queue."""
        return f"arn:{partition}:batch:{region}:{account}:" + self.facts.arn.format(name=name, jobQueue=queue)


@attrs.frozen
class Kinds:
    """All kinds by name, in the order of their rank; `document` is the tree of fields of a whole manifest."""

    by_name: Mapping[str, Kind]
    document: Field

    def __getitem__(self, name: str) -> Kind:
        return self.by_name[name]

    def __iter__(self) -> Iterator[Kind]:
        return iter(self.by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def section(self, key: str) -> Kind | None:
        """The kind whose blocks stand under this key of a manifest."""
        return next((kind for kind in self if kind.section == key), None)


def bind(model: Model) -> Kinds:
    """Join the facts with the model. Takes some milliseconds: once a process."""
    entities = {facts.entity: facts.name for facts in _FACTS}
    by_name = {facts.name: _kind(facts, model, entities) for facts in _FACTS}
    sections = {
        kind.section: house.of(kind.block, f"{kind.title.capitalize()}s by name.", kind="map")
        for kind in by_name.values()
    }
    document = Field("structure", members=MappingProxyType({**house.TOP, **sections}), required=frozenset({"stack"}))
    return Kinds(MappingProxyType(by_name), document)


def _kind(facts: Facts, model: Model, entities: Mapping[str, str]) -> Kind:
    create = model.operations[facts.create].input
    update = model.operations[facts.update].input if facts.update else Field("structure")
    delete = model.operations[facts.delete].input
    shown = _shown(facts, model.operations[facts.lookup.describe])
    name_member = _first(create, "name", f"{facts.entity}Name")
    arn_member = _first(shown, "arn", f"{facts.entity}Arn")
    hidden = _NEVER_SAID | {name_member, arn_member}

    def said(tree: Field) -> dict[str, Field]:
        return {
            name: member
            for name, member in tree.members.items()
            if name not in hidden and facts.described_as.get(name, name) in shown.members
        }

    others = {entity: name for entity, name in entities.items() if name != facts.name}
    members = {name: _told(member, name, facts, others) for name, member in (said(update) | said(create)).items()}
    required = frozenset(create.required - hidden)
    spec = Field("structure", facts.name, MappingProxyType(members), required, documentation=create.documentation)
    block = attrs.evolve(
        spec,
        members=MappingProxyType(
            {
                **members,
                "tags": house.of(Field("string", maximum=256), "Tags of the object itself.", kind="map"),
                **house.RESOURCE,
                **_house_keys(facts, model),
            }
        ),
    )
    leaves = set(_leaves(spec))
    created = leaves & set(_leaves(create))
    updated = leaves & set(_leaves(update))
    return Kind(
        facts=facts,
        spec=spec,
        block=block,
        name_member=name_member,
        arn_member=arn_member,
        update_key=next(iter(update.required), ""),
        delete_key=next(iter(delete.required)),
        create_spec=create,
        update_spec=update,
        create_only=frozenset(created - updated),
        update_only=frozenset(updated - created),
        references=MappingProxyType(
            {path: field.reference for path, field in spec.paths() if field.reference is not None}
        ),
        owned=tuple(_places(spec, facts.owned)),
        always_sent=tuple((path, row) for row in facts.always_sent for path in _places(spec, {row.member})),
    )


def _house_keys(facts: Facts, model: Model) -> Mapping[str, Field]:
    if facts.revisions:
        return house.of_definition(model.operations["SubmitJob"].input)
    return _HOUSE_KEYS.get(facts.name, EMPTY)


def _shown(facts: Facts, describe: Operation) -> Field:
    if not facts.lookup.result:
        return describe.output
    listed = describe.output.members[facts.lookup.result].element
    assert listed is not None
    return listed


def _first(tree: Field, *names: str) -> str:
    return next(name for name in names if name in tree.members)


def _told(field: Field, name: str, facts: Facts, entities: Mapping[str, str]) -> Field:
    """The field with its references, shorthands, read-only members and unnamed entries marked, all the way down."""
    if field.type == "string":
        kind = next((kind for entity, kind in entities.items() if name in (entity, f"{entity}Arn")), None)
        return attrs.evolve(field, reference=kind) if kind else field
    if field.type == "structure":
        members = {
            member: _told(inner, member, facts, entities)
            for member, inner in field.members.items()
            if f"{field.shape}.{member}" not in facts.read_only
        }
        return attrs.evolve(field, members=MappingProxyType(members))
    if field.element is not None and field.element.type == "structure":
        short = facts.shorthands.get(field.shape)
        name = f"{field.element.shape}.{facts.keyed.get(field.shape)}"
        return attrs.evolve(
            field,
            element=_told(field.element, "", facts, entities),
            shorthand=Shorthand(*short) if short else None,
            unnamed=next((row.value for row in facts.defaults if row.member == name), ""),
        )
    return field


def _at(document: Document, path: str) -> Any:
    """What stands at a path through structures, or None."""
    here: Any = document
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def _leaves(tree: Field, prefix: str = "") -> Iterator[str]:
    """The paths through structures, down to the first list, map or scalar."""
    for name, member in tree.members.items():
        path = f"{prefix}.{name}" if prefix else name
        if member.type == "structure":
            yield from _leaves(member, path)
        else:
            yield path


def _places(tree: Field, labels: Collection[str], prefix: str = "") -> Iterator[str]:
    """The paths through structures at which members stand that are named by shape."""
    for name, member in tree.members.items():
        path = f"{prefix}.{name}" if prefix else name
        if f"{tree.shape}.{name}" in labels:
            yield path
        if member.type == "structure":
            yield from _places(member, labels, path)
