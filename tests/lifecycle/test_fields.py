"""Every field of every kind gained, changed and lost: what a plan says of it, and what becomes of it in the account.

All objects of a table live in one account, so that each direction is one plan and one apply.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import pytest

from plans.change import Action, Impact
from plans.manifest import Manifest
from plans.normalise import normalise
from providers.errors import ManifestError, PlanRefused
from providers.kinds import Kind
from providers.resources import Field, Ref
from tests.kit import ACCOUNT, REGION, Stage, address, kinds, manifest
from tests.lifecycle.fieldvalues import DEFINITIONS, ENVIRONMENTS, EXCUSED, OTHERS, ROWS, Row
from tests.properties.bases import BASES, FAIR, QUOTA, ROLE, SHARED, TEAMS, TRAINING

pytestmark = pytest.mark.unmeasured

BY_NAME = {base.name: base for base in BASES}
GROUND: Mapping[str, Mapping[str, Any]] = {
    "schedulingPolicies": {"fair2": FAIR, "quota": QUOTA},
    "serviceEnvironments": {"shared2": SHARED, "train2": TRAINING},
    "jobQueues": {"teams2": {**TEAMS, "serviceEnvironmentOrder": ["shared2"]}},
}
"""What the fields name beside the ground of their bases."""
VERDICTS = {
    (Action.NOOP, Impact.NONE): "noop",
    (Action.UPDATE, Impact.NONE): "update",
    (Action.UPDATE, Impact.SCALING): "scaling",
    (Action.UPDATE, Impact.INFRASTRUCTURE): "infrastructure",
    (Action.REGISTER, Impact.REVISION): "revision",
    (Action.REPLACE, Impact.REPLACEMENT): "replacement",
    (Action.REPLACE, Impact.OUTAGE): "replacement",
}
DONE = set(VERDICTS.values())
DIRECTIONS = ("gained", "changed", "lost")
TABLES = {
    "most of environments": ENVIRONMENTS[:28],
    "other environments": ENVIRONMENTS[28:],
    "other kinds": OTHERS,
    "definitions": DEFINITIONS,
}


@attrs.frozen
class Turn:
    """One direction of one row: the block as it is, as it is to be, and the word for that."""

    name: str
    row: Row
    before: dict[str, Any]
    after: dict[str, Any]
    word: str

    @property
    def kind(self) -> Kind:
        return kinds()[BY_NAME[self.row.base].kind]

    @property
    def address(self) -> str:
        return f"{self.kind.name}.{self.name}"

    @property
    def unasked(self) -> bool:
        """Whether it is replaced only where the manifest says how."""
        return self.word == "replacement" and self.kind.facts.replaced == "refuse"

    @property
    def told(self) -> dict[str, Any]:
        """The block as it is to be, with how it is replaced where that must be said."""
        return {**self.after, "lifecycle": {"replace": "deleteFirst"}} if self.unasked else self.after


def turns(rows: Iterable[Row], direction: str) -> list[Turn]:
    made = []
    for place, row in enumerate(rows):
        without, first, second = documents(row)
        before, after = {"gained": (without, first), "changed": (first, second), "lost": (second, without)}[direction]
        made.append(Turn(f"x{place}", row, before, after, row.three[DIRECTIONS.index(direction)]))
    return made


def written(blocks: Iterable[tuple[Turn, dict[str, Any]]]) -> Manifest:
    """The manifest of these blocks on the ground that they need."""
    sections: dict[str, dict[str, Any]] = {section: dict(there) for section, there in GROUND.items()}
    for turn, block in blocks:
        for section, there in BY_NAME[turn.row.base].ground.items():
            sections.setdefault(section, {}).update(there)
        sections.setdefault(turn.kind.section, {})[turn.name] = block
    return manifest(json.dumps({"stack": "lab", "policy": {"maxImpact": "outage"}, **sections}))


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Say a value at a path, or nothing where it is None; a structure that holds nothing goes with it."""
    head, _, rest = path.partition(".")
    if rest:
        put(document.setdefault(head, {}), rest, value)
        value = document[head] or None
    document.pop(head, None)
    if value is not None:
        document[head] = value


def at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def documents(row: Row) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The block without the field, with its first value and with its second."""
    made = []
    for value in (None, row.first, row.second):
        block = copy.deepcopy(BY_NAME[row.base].block)
        for path, beside in row.beside.items():
            put(block, path, beside)
        put(block, row.path, value)
        made.append(block)
    return made[0], made[1], made[2]


def snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def shown(stage: Stage, turn: Turn, name: str) -> dict[str, Any]:
    """What the account shows of the object of this name; of a definition, its newest revision."""
    lookup = turn.kind.facts.lookup
    if turn.kind.facts.revisions:
        found = stage.world.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
        return dict(max(found, key=lambda each: int(each["revision"])))
    key = turn.kind.arn(name, "aws", REGION, ACCOUNT, turn.after.get("jobQueue", "")) if lookup.by_arn else name
    describe = getattr(stage.world, snake(lookup.describe))
    if lookup.batch == 1:
        return dict(describe(**{lookup.keys: key}))
    return dict(describe(**{lookup.keys: [key]})[lookup.result][0])


def meaning(kind: Kind, document: dict[str, Any]) -> dict[str, Any]:
    """The normal form, with names for ARNs."""
    renamed = {member: document[told] for member, told in kind.facts.described_as.items() if told in document}
    return normalise(
        {**document, **renamed}, kind, lambda _, it: it.address.name if isinstance(it, Ref) else it.rpartition("/")[2]
    )


def refusals(stage: Stage, wanted: Manifest) -> dict[str, str]:
    """The codes of the refusals of each address; where there are some, nothing is done."""
    found: dict[str, set[str]] = {}
    for refusal in stage.plan(wanted).refusals:
        found.setdefault(refusal.address, set()).add(refusal.code)
    if found:
        with pytest.raises(PlanRefused):
            stage.apply(wanted)
        assert stage.mutations == []
    return {address: "+".join(sorted(codes)) for address, codes in found.items()}


def by_path(turns: Iterable[Turn], words: Mapping[str, str]) -> dict[str, str]:
    return {f"{turn.row.base} {turn.row.path}": words.get(turn.address, "noop") for turn in turns}


def expected(turns: Iterable[Turn]) -> dict[str, str]:
    return {f"{turn.row.base} {turn.row.path}": turn.word for turn in turns}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("table", TABLES)
def test_a_field_is_gained_changed_and_lost(table: str, direction: str) -> None:
    """A plan says of each what its rule says. What may be done is done, seen, and leaves nothing to do; nothing is done
    of what may not, nor is anything replaced that is to be only where the manifest says how."""
    rows = [turn for turn in turns(TABLES[table], direction) if turn.word[0] != "!" and turn.word != "manifest"]
    barred = [turn for turn in rows if turn.word not in DONE]
    done = [turn for turn in rows if turn.word in DONE]
    stage = Stage.new()
    assert stage.apply(written((turn, turn.before) for turn in rows)).exit_code == 0
    refusing = [turn for turn in rows if turn in barred or turn.unasked]
    refused = refusals(stage, written((turn, turn.after if turn in refusing else turn.before) for turn in rows))
    assert by_path(refusing, refused) == expected(refusing)

    wanted = written((turn, turn.before if turn in barred else turn.told) for turn in rows)
    planned = stage.plan(wanted)
    words = {str(each.address): VERDICTS[each.action, each.impact] for each in planned.changes}
    assert by_path(done, words) == expected(done)
    assert stage.apply(wanted).exit_code == 0
    assert stage.plan(wanted).empty
    names = {str(each.address): each.name for each in planned.changes}
    for turn in done:
        spec, name = dict(wanted.resources[address(turn.address)].spec), names[turn.address]
        live, said = (at(meaning(turn.kind, it), turn.row.path) for it in (shown(stage, turn, name), spec))
        assert said == live or (said is None and turn.word in ("noop", "replacement")), turn.row.path
        assert (name != turn.name) is (turn.word == "replacement" and not turn.unasked), turn.row.path
    alive = {arn.rpartition("/")[2] for arn in stage.all}
    assert not alive & {turn.name for turn in done if names[turn.address] != turn.name}


@pytest.mark.parametrize("table", TABLES)
def test_what_nothing_can_be_made_without_is_asked_for(table: str) -> None:
    """By the manifest's own form, or else by the plan."""
    asked, stage = [], Stage.new()
    for direction in DIRECTIONS:
        for turn in turns(TABLES[table], direction):
            document = turn.before if direction == "gained" else turn.after
            if turn.word.endswith("manifest"):
                with pytest.raises(ManifestError):
                    written([(turn, document)])
            elif turn.word.startswith("!"):
                asked.append(turn)
    refused = refusals(stage, written((turn, turn.before) for turn in asked))
    assert {path: f"!{code}" for path, code in by_path(asked, refused).items()} == expected(asked)


def leaves(tree: Field, prefix: str = "") -> Iterator[str]:
    for name, member in tree.members.items():
        if member.type == "structure":
            yield from leaves(member, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_field_has_a_row() -> None:
    """Down to lists and maps; what has none is excused for a reason."""
    told = {f"{BY_NAME[row.base].kind}.{row.path}" for row in ROWS}
    known = {f"{kind.name}.{path}" for kind in kinds() for path in leaves(kind.spec)}
    assert known - told == EXCUSED.keys()
    assert EXCUSED.keys() <= known


RECYCLING = [
    turn
    for turn in turns(ENVIRONMENTS, "changed")
    if turn.word == "infrastructure" and turn.row.base in ("ec2", "spot") and "allocationS" not in turn.row.path
]


@pytest.mark.parametrize(
    "beside",
    [
        {"serviceRole": ROLE},
        {
            "computeResources.allocationStrategy": None,
            "computeResources.spotIamFleetRole": ROLE,
            "updatePolicy": None,
        },
    ],
    ids=["an ordinary role", "BEST_FIT"],
)
def test_off_its_regime_what_recycles_is_replaced(beside: dict[str, Any]) -> None:
    """In place only under the service-linked role and another strategy than BEST_FIT; else a new one is there, as it
    was said, and the old one is gone."""

    def there(block: dict[str, Any]) -> dict[str, Any]:
        made = copy.deepcopy(block)
        for path, value in beside.items():
            if block["computeResources"]["type"] == "SPOT" or not path.endswith("FleetRole"):
                put(made, path, value)
        return made

    rows = [turn for turn in RECYCLING if turn.row.path != "computeResources.type"]
    stage = Stage.new()
    assert stage.apply(written((turn, there(turn.before)) for turn in rows)).exit_code == 0
    wanted = written((turn, there(turn.after)) for turn in rows)
    planned = stage.plan(wanted)
    words = {str(each.address): VERDICTS[each.action, each.impact] for each in planned.changes}
    assert {name: word for name, word in words.items() if word != "noop"} == {
        turn.address: "replacement" for turn in rows
    }
    assert stage.apply(wanted).exit_code == 0
    assert stage.plan(wanted).empty
    names = {str(each.address): each.name for each in planned.changes}
    assert {arn.rpartition("/")[2] for arn in stage.all} == set(names.values())
    assert not {turn.name for turn in rows} & set(names.values())
    for turn in rows:
        live = at(meaning(turn.kind, shown(stage, turn, names[turn.address])), turn.row.path)
        assert live == at(meaning(turn.kind, turn.after), turn.row.path), turn.row.path
