"""What is known of a stack: conditions that change when their answer does, and statuses as JSON."""

import json
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import StoreError
from reconciler.controller.status import (
    KINDS,
    REASONS,
    STANDS,
    Answer,
    Condition,
    Kind,
    Reason,
    Status,
    from_json,
    stood,
    to_json,
)

TEXTS = st.text(max_size=8)
TIMES = st.floats(0, 2e9)
CONDITIONS = st.lists(
    st.builds(
        Condition, st.sampled_from(KINDS), st.sampled_from(get_args(Answer)), st.sampled_from(REASONS), TEXTS, TIMES
    ),
    unique_by=lambda told: told.kind,
).map(lambda found: {told.kind: told for told in found})
STATUSES = st.builds(
    Status,
    TEXTS,
    CONDITIONS,
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


@pytest.mark.parametrize("reason", REASONS)
def test_sums(reason: Reason) -> None:
    """Who is at it or goes on by itself is not stalled, and only who is as it is to be needs neither to be ready."""
    told = sums(stood(NEW, reason, "", revision="2", now=1.0))
    assert told == {"done": "R", "going": "C", "stuck": "S", "resting": ""}[STANDS[reason]]


@pytest.mark.parametrize(
    ("reason", "told"),
    [("Drifted", "R"), ("Progressing", "RC"), ("WaitsForApproval", "RS"), ("WaitsForWindow", "RC"), ("PlanMade", "R"),
     ("CallFailed", "C"), ("Refused", "S"), ("NewRevision", "C")],
)  # fmt: skip
def test_ready_beside(reason: Reason, told: str) -> None:
    """A stack of which the applied revision stands is ready while drift is told or about to be healed."""
    applied = attrs.evolve(NEW, applied="2")
    assert sums(stood(applied, reason, "", revision="2", now=1.0)) == told
    assert "R" not in sums(stood(applied, reason, "", revision="3", now=1.0))


def test_failures_of_a_revision() -> None:
    """A new revision begins with no failures; one that could not be had leaves them, and what was observed."""
    failing = attrs.evolve(NEW, observed="1", failures=3)
    assert stood(failing, "CallFailed", "", revision="1", now=1.0).failures == 3
    assert stood(failing, "CallFailed", "", revision="2", now=1.0).failures == 0
    none = stood(failing, "SourceFailed", "", now=1.0)
    assert (none.failures, none.observed, none.looked_at) == (3, "1", 1.0)


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
        {"conditions": [{**GOOD["conditions"][0], "type": "Happy"}]},
        {"conditions": [{**GOOD["conditions"][0], "type": []}]},
        {"conditions": [{**GOOD["conditions"][0], "status": "true"}]},
        {"conditions": [{**GOOD["conditions"][0], "reason": "Because"}]},
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
