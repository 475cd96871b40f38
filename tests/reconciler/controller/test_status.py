"""What is known of a stack: a table of conditions that change when their answer does, and statuses as JSON."""

import json
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import StoreError
from reconciler.controller.conditions import (
    ALLOWED,
    FAILURES,
    KINDS,
    REASONS,
    SEEN,
    STANDS,
    Answer,
    Condition,
    Kind,
    Reason,
    unknown,
)
from reconciler.controller.status import Status, from_json, stood, to_json, unseen

TEXTS = st.text(max_size=8)
TIMES = st.floats(0, 2e9)
PAIRS = {
    kind: [(answer, reason) for answer, reasons in answers.items() for reason in reasons]
    for kind, answers in ALLOWED.items()
}


@st.composite
def conditions(draw: st.DrawFn) -> dict[Kind, Condition]:
    """One of each kind, as the table has it."""
    return {kind: Condition(kind, *draw(st.sampled_from(PAIRS[kind])), draw(TEXTS), draw(TIMES)) for kind in KINDS}


STATUSES = st.builds(
    Status,
    TEXTS,
    conditions(),
    TEXTS,
    TEXTS,
    TEXTS,
    st.none() | TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.integers(0, 99),
    st.none() | TIMES,
    st.none() | TIMES,
)
NEW = Status("genomics")


def sums(status: Status) -> str:
    """Ready, Reconciling and Stalled in letters: R, C and S."""
    kinds: tuple[Kind, ...] = ("Ready", "Reconciling", "Stalled")
    return "".join(
        letter for letter, kind in zip("RCS", kinds, strict=True) if status.conditions[kind].status == "True"
    )


def test_since() -> None:
    """The moment of a condition is that of its answer; reason and message change beside it."""
    first = stood(NEW, "CallFailed", "one", now=1.0)
    second = stood(first, "StalePlan", "two", now=2.0)
    third = stood(second, "Succeeded", "", now=3.0)
    assert second.conditions["Ready"] == Condition("Ready", "False", "StalePlan", "two", 1.0)
    assert third.conditions["Ready"].since == 3.0
    assert third.conditions["Stalled"].since == 1.0


def test_every_reason_stands() -> None:
    """Of every reason it is known how a stack stands with it."""
    assert set(STANDS) == set(REASONS)


def test_the_table_is_whole() -> None:
    """It has every kind, every answer of each and every reason somewhere; who was never looked at is in it for all."""
    assert tuple(ALLOWED) == KINDS
    for answers in ALLOWED.values():
        assert tuple(answers) == get_args(Answer)
        assert all(reasons and len(set(reasons)) == len(reasons) for reasons in answers.values())
        assert "NotLookedYet" in answers["Unknown"]
    assert {reason for pairs in PAIRS.values() for _, reason in pairs} == set(REASONS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_in_the_table_is_no_condition(kind: Kind) -> None:
    """Of each kind the pairs of the table can be made, and no others."""
    for answer in get_args(Answer):
        for reason in REASONS:
            if (answer, reason) in PAIRS[kind]:
                assert Condition(kind, answer, reason).reason == reason
            else:
                with pytest.raises(ValueError, match=f"{kind} is never {answer} for {reason}"):
                    Condition(kind, answer, reason)


def test_who_was_never_looked_at() -> None:
    """All ten conditions are there, and unknown since then."""
    told = unknown(7.0)
    assert tuple(told) == KINDS == tuple(NEW.conditions)
    assert {(each.status, each.reason, each.since) for each in told.values()} == {("Unknown", "NotLookedYet", 7.0)}


@pytest.mark.parametrize("reason", [reason for reason in REASONS if STANDS[reason] != "apart"])
def test_sums(reason: Reason) -> None:
    """Who is at it or goes on by itself is not stalled, and who is as its mode has it needs neither to be ready."""
    told = sums(stood(NEW, reason, "", revision="2", now=1.0))
    resting = "" if reason == "SaidSo" else "R"
    assert told == {"done": "R", "going": "C", "stuck": "S", "resting": resting}[STANDS[reason]]


def test_what_is_apart_sums_up_nothing() -> None:
    """A reason of one condition alone is none of those that sum up."""
    for reason in REASONS:
        if STANDS[reason] == "apart":
            with pytest.raises(ValueError, match="Ready is never"):
                stood(NEW, reason, "", now=1.0)


def test_ready_for_another_reason() -> None:
    """What moved away is about to be brought back to a stack that is ready."""
    told = stood(NEW, "Progressing", "1 to update", now=1.0, revision="2", ready=("Drifted", "a queue"))
    assert sums(told) == "RC"
    assert told.conditions["Ready"] == Condition("Ready", "True", "Drifted", "a queue", 1.0)
    assert told.conditions["Reconciling"].message == "1 to update"


@pytest.mark.parametrize("reason", [*FAILURES, "DependencyNotReady", "SaidSo"])
def test_unseen(reason: Reason) -> None:
    """Of what could not be looked at it is unknown what only a look tells, for that reason; no more changes."""
    before = stood(NEW, "Succeeded", "", revision="1", now=1.0)
    told = unseen(before, reason, "why", 2.0)
    for kind in KINDS:
        if kind in SEEN:
            assert told.conditions[kind] == Condition(kind, "Unknown", reason, "why", 0.0)
        else:
            assert told.conditions[kind] == before.conditions[kind]


def test_failures_of_a_revision() -> None:
    """A new revision begins with no failures; one that could not be had leaves them, and what was observed."""
    failing = attrs.evolve(NEW, observed="1", failures=3)
    assert stood(failing, "CallFailed", "", revision="1", now=1.0).failures == 3
    assert stood(failing, "CallFailed", "", revision="2", now=1.0).failures == 0
    none = stood(failing, "SourceFailed", "", now=1.0)
    assert (none.failures, none.observed, none.looked_at) == (3, "1", None)


def test_messages_are_fit_to_be_shown() -> None:
    """A message moves no cursor, keeps its lines, and has an end."""
    told = stood(NEW, "Refused", "a\x1b[2J\nb\r\n" + "x" * 9000, now=1.0).conditions["Ready"].message
    assert told.startswith("a\\x1b[2J\nb\nxxx")
    assert len(told) == 4096
    assert told.endswith("…")


@given(STATUSES)
def test_json(status: Status) -> None:
    """A status comes back from JSON as it was."""
    assert from_json(json.loads(json.dumps(to_json(status)))) == status


GOOD = to_json(attrs.evolve(stood(NEW, "Succeeded", "", revision="1", now=1.0), inventory={"a": "b"}))


@pytest.mark.parametrize(
    "damage",
    [
        {"conditions": None},
        {"conditions": [None]},
        {"conditions": [{}]},
        {"conditions": [{**GOOD["conditions"][0], "type": []}]},
        {"conditions": [{**GOOD["conditions"][0], "since": "now"}]},
        {"stack": None},
        {"observed": 1},
        {"plan": 1},
        {"inventory": {"a": 1}},
        {"inventory": []},
        {"failures": True},
        {"failures": 1.0},
        {"lookedAt": "x"},
        {"nextAt": False},
    ],
)
def test_damage(damage: dict[str, Any]) -> None:
    """What is no status is told as a store that is damaged."""
    assert from_json(GOOD)
    documents: list[Any] = [{**GOOD, **damage}, {key: GOOD[key] for key in GOOD if key not in damage}, None, []]
    for document in documents:
        with pytest.raises(StoreError, match="damaged"):
            from_json(document)


@pytest.mark.parametrize("other", [{"type": "Happy"}, {"status": "true"}, {"reason": "Because"}, {"status": "False"}])
def test_a_condition_that_the_table_has_not(other: dict[str, str]) -> None:
    """As another version may have told it: it is unknown until a look, and the rest of the status is kept."""
    first, *rest = GOOD["conditions"]
    read = from_json({**GOOD, "conditions": [{**first, **other}, *rest]})
    assert read.conditions["Ready"] == Condition("Ready", "Unknown", "NotLookedYet")
    assert to_json(read)["conditions"][1:] == rest
    assert (read.observed, read.inventory) == ("1", {"a": "b"})


def test_a_status_with_conditions_missing() -> None:
    """All ten are there after it was read."""
    read = from_json({**GOOD, "conditions": GOOD["conditions"][:1]})
    assert tuple(read.conditions) == KINDS
    assert read.ready
    assert read.conditions["Locked"].reason == "NotLookedYet"
