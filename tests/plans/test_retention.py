"""Which revisions go, by what is asked for, pinned, used and owned."""

from itertools import product

import attrs
import pytest

from plans.retention import Choice, Retention, Revision, choose, pins_of, ranges, registered
from providers.resources import REGISTERED_TAG, Live
from tests.kit import manifest

NOW = 1_000_000.0


def made(number: int, owner: str | None = "lab", *, name: str = "align", genuine: bool = True) -> Revision:
    """A revision of an age of a hundred seconds less its number."""
    address = None if owner is None else f"job_definition.{name}"
    return Revision(
        name, number, f"arn:{name}:{number}", owner, address, genuine and owner is not None, NOW - 100 + number
    )


def chosen(
    revisions: list[Revision],
    retention: Retention,
    *,
    stack: str = "lab",
    pins: dict[str, frozenset[int]] | None = None,
    used: frozenset[str] = frozenset(),
) -> Choice:
    return choose(revisions, retention, stack=stack, pins=pins or {}, used=used, now=NOW)


def numbers(choice: Choice) -> list[int]:
    return [revision.number for revision in choice.going]


def test_every_rule_must_let_it_go() -> None:
    """Together they let go what each of them lets go."""
    revisions = [made(number) for number in (6, 3, 1, 2, 5, 4)]
    used = frozenset({"align:2"})
    rules = (Retention(keep=3), Retention(older_than=98.0), Retention(unused=True))
    alone = [set(numbers(chosen(revisions, rule, used=used))) for rule in rules]
    assert alone == [{1, 2, 3}, {1, 2}, {1, 3, 4, 5}]
    assert numbers(chosen(revisions, Retention(3, 98.0, True), used=used)) == [1]


def test_a_job_that_does_not_tell_its_revision_uses_them_all() -> None:
    """Only the name of the family is known then."""
    revisions = [made(number) for number in (1, 2, 3)]
    assert numbers(chosen(revisions, Retention(unused=True), used=frozenset({"align"}))) == []
    assert numbers(chosen(revisions, Retention(unused=True), used=frozenset({"alig", "align:10"}))) == [1, 2]


def test_pinned_ones_are_not_counted() -> None:
    """`keep` others stay beside them, as in a rollout; they hold by name and by address."""
    revisions = [made(number) for number in range(1, 7)]
    for key in ("align", "job_definition.align"):
        choice = chosen(revisions, Retention(keep=2), pins={key: frozenset({2, 5, 9})})
        assert numbers(choice) == [1, 3]
        assert [(family.stay, family.pinned) for family in choice.families] == [(4, 2)]


@pytest.mark.parametrize(
    "retention", [Retention(), Retention(foreign=True), Retention(foreign=True, names=("align",), unused=True)]
)
def test_what_never_goes(retention: Retention) -> None:
    """The newest, the newest of ours, what is pinned, anything beside a revision of another stack."""
    all_pins = (frozenset[int](), frozenset({1}), frozenset({1, 2, 3, 4}))
    some = 0
    for pinned, owners in product(all_pins, product(("lab", None, "other"), repeat=4)):
        revisions = [made(number, owner) for number, owner in enumerate(owners, 1)]
        going = set(numbers(chosen(revisions, retention, pins={"align": pinned})))
        ours = [revision.number for revision in revisions if revision.owner == "lab"]
        some += bool(going)
        assert not going & {*pinned, 4, *ours[-1:]}
        assert not (going and "other" in owners)
        assert retention.foreign or going <= {*ours}
        assert ours or retention.names or not going
    assert some


def test_copied_tags_make_nothing_ours() -> None:
    """A revision that does not say what its digest says is nobody's."""
    revisions = [made(1), made(2, genuine=False), made(3)]
    assert numbers(chosen(revisions, Retention())) == [1]
    assert numbers(chosen(revisions, Retention(foreign=True))) == [1, 2]
    false = [made(number, genuine=False) for number in (1, 2, 3)]
    assert numbers(chosen(false, Retention())) == []


def test_named_families_tell_why_they_are_left_alone() -> None:
    """Others are left alone in silence."""
    revisions = [made(1), made(2), made(1, "other", name="theirs"), made(1, None, name="loose")]
    choice = chosen(revisions, Retention(names=("theirs", "loose")))
    assert choice.spared == {"theirs": "it belongs to stack other", "loose": "it is nobody's: --foreign clears it too"}
    assert (choice.count, choice.looked_at) == (0, 0)
    assert chosen(revisions, Retention()).spared == {}


def test_without_a_stack_nothing_is_ours() -> None:
    """A tag with an empty stack makes nothing ours either."""
    revisions = [made(1, ""), made(2, ""), made(3, None)]
    assert numbers(chosen(revisions, Retention(names=("align",)), stack="")) == []


def test_of_two_choices_stays_what_either_spares() -> None:
    """What is left goes; a family of which nothing goes is none."""
    revisions = [*(made(number) for number in (1, 2, 3)), made(1, name="sort"), made(2, name="sort")]
    first = chosen(revisions, Retention())
    later = chosen(revisions, Retention(unused=True), used=frozenset({"align:2", "sort"}))
    both = first.both(later)
    assert [(family.name, [each.number for each in family.going], family.stay) for family in both.families] == [
        ("align", [1], 2)
    ]


def test_pins_have_every_name() -> None:
    """The physical name, the address, and what both were before a move; a manifest without pins has none."""
    text = """
stack: lab
namePrefix: lab-
moved: [{from: job_definition.old, to: job_definition.align}]
jobDefinitions:
  align: {type: container, containerProperties: {image: x, vcpus: 1, memory: 4}, lifecycle: {pinned: [2, 1]}}
  sort: {type: container, containerProperties: {image: x, vcpus: 1, memory: 4}}
"""
    keys = ("lab-align", "lab-old", "job_definition.align", "job_definition.old")
    assert pins_of(manifest(text)) == dict.fromkeys(keys, frozenset({1, 2}))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("2026-01-01T00:00:00+00:00", 1767225600.0), ("2026-01-01T00:00:00", None), ("soon", None), ("", None)],
)
def test_when_it_was_registered(told: str, seconds: float | None) -> None:
    """Only a time with its zone is one."""
    assert registered(Live("job_definition", "a", "arn", {}, {REGISTERED_TAG: told})) == seconds


def test_ranges_are_short() -> None:
    """Rows of numbers are told by their ends."""
    assert ranges(made(number) for number in (1, 2, 3, 7, 9, 10)) == "1-3, 7, 9-10"
    assert ranges([]) == ""


def test_at_least_one_stays() -> None:
    """To keep none is no retention."""
    with pytest.raises(ValueError, match="keep"):
        attrs.evolve(Retention(), keep=0)
