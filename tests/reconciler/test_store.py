"""The store: what goes in comes out, on either database, and what nobody needs any more goes."""

import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from providers.errors import StoreError
from reconciler.store import Approval, Leading, Override, Run, Store

NOON = 1_800_000_000.0
DAY = 86400.0


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


def _run(number: int, began: float = NOON, stack: str = "genomics", **said: Any) -> Run:
    run = Run(f"run-{number}", stack, "abc123", None, began)
    return attrs.evolve(run, **said)


def _ended(store: Store, run: Run, at: float | None = None) -> None:
    store.begin(run)
    store.end(run.id, "done", None, run.began + 1 if at is None else at)


def _ids(runs: tuple[Run, ...]) -> list[str]:
    return [run.id for run in runs]


def test_the_last_status_of_a_stack_is_kept(store: Store) -> None:
    """Each stack has one, which is as it was put last; a document comes back as it went in."""
    document = {"plan": "p1", "failures": 2, "next_at": None, "at": 1.5, "words": ["ü\u2028\U0001f600\x00", {"": []}]}
    store.put_status("genomics", {"plan": None}, NOON)
    store.put_status("genomics", document, NOON + 1)
    store.put_status("training", {}, NOON)
    assert store.statuses() == {"genomics": document, "training": {}}
    assert list(store.statuses()["genomics"]) == list(document)


def test_a_stack_is_forgotten_but_for_its_runs(store: Store) -> None:
    """Status, approvals, suspension and override go, those of others and its runs stay."""
    for stack in ("genomics", "training"):
        store.put_status(stack, {}, NOON)
        store.suspend(stack, "ada", NOON)
        store.approve(Approval(stack, "p", "ada", NOON))
        store.override(Override(stack, "p", "ada", NOON, NOON + 60))
    store.begin(_run(1))
    for _ in range(2):
        store.forget_stack("genomics")
    assert (list(store.statuses()), list(store.suspended())) == (["training"], ["training"])
    assert (store.approvals("genomics"), len(store.approvals("training"))) == ((), 1)
    assert list(store.overrides()) == ["training"]
    assert _ids(store.runs("genomics")) == ["run-1"]


def test_a_suspension_lasts_until_it_is_lifted(store: Store) -> None:
    """Who said it last is who is named; lifting what nobody suspended is nothing."""
    store.suspend("genomics", "ada", NOON)
    store.suspend("genomics", "grace", NOON + 1)
    assert store.suspended() == {"genomics": "grace"}
    for _ in range(2):
        store.suspend("genomics", None, NOON + 2)
    assert store.suspended() == {}


def test_a_run_begins_and_ends(store: Store) -> None:
    """What is known of it at the end is added to what was at the beginning, the plan only where that is said."""
    run = _run(1, fence=2**40)
    store.begin(run)
    assert store.run("run-1") == run
    assert store.unended() == (run,)
    store.end("run-1", "done", {"calls": 3}, NOON + 60, plan="p1")
    ended = attrs.evolve(run, plan="p1", ended=NOON + 60, outcome="done", document={"calls": 3})
    assert store.run("run-1") == ended
    assert store.unended() == ()
    store.end("run-1", "interrupted", None, NOON + 61, why="SIGTERM")
    assert store.run("run-1") == attrs.evolve(
        ended, ended=NOON + 61, outcome="interrupted", document=None, why="SIGTERM"
    )
    assert store.run("run-2") is None


def test_what_is_done_twice_is_as_if_done_once(store: Store) -> None:
    """So that a write whose answer was lost may be repeated."""
    run = _run(1, plan="p1", document={"a": 1})
    for _ in range(2):
        store.begin(run)
        store.keep_plan("p1", "genomics", {"steps": []}, NOON)
        store.approve(Approval("genomics", "p1", "ada", NOON))
    assert store.runs("genomics") == (run,)
    assert store.approvals("genomics") == (Approval("genomics", "p1", "ada", NOON),)
    assert store.plan("p1") == {"steps": []}


def test_no_run_ends_that_never_began(store: Store) -> None:
    """It is told, rather than lost."""
    with pytest.raises(StoreError, match="has no run run-9"):
        store.end("run-9", "done", None, NOON)


def test_runs_are_told_page_by_page(store: Store) -> None:
    """The newest first, and each once, though several began in the same moment; of other stacks none."""
    for number in range(7):
        store.begin(_run(number, NOON + number // 3))
        store.begin(_run(number + 10, NOON + number, "training"))
    told: list[str] = []
    while page := store.runs("genomics", limit=2, before=told[-1] if told else None):
        told += _ids(page)
    assert told == [f"run-{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert store.runs("genomics", before="run-10") == ()
    assert store.runs("genomics", before="gone") == ()


def test_unended_runs_are_those_of_all_stacks(store: Store) -> None:
    """The oldest first."""
    store.begin(_run(1, NOON + 2))
    store.begin(_run(2, NOON, "training"))
    _ended(store, _run(3))
    assert _ids(store.unended()) == ["run-2", "run-1"]


def test_an_approval_is_of_one_plan_and_can_be_withdrawn(store: Store) -> None:
    """Several may approve; what is withdrawn is all of that stack."""
    given = [Approval("genomics", plan, who, NOON + at) for at, (plan, who) in enumerate([("p1", "b"), ("p1", "a")])]
    for approval in reversed(given):
        store.approve(approval)
    store.approve(Approval("training", "p1", "a", NOON))
    assert store.approvals("genomics") == tuple(given)
    store.withdraw("genomics")
    assert store.approvals("genomics") == ()
    assert len(store.approvals("training")) == 1


def test_an_override_is_of_one_plan_and_has_an_end(store: Store) -> None:
    """The last one of a stack counts; it ends with its plan, with what approvals do, and in time, each for itself."""
    first, second = (Override("genomics", plan, "ada", NOON, NOON + DAY) for plan in ("p1", "p2"))
    other = Override("training", "p1", "grace", NOON, NOON + 2 * DAY)
    for given in (first, second, other):
        store.override(given)
    assert store.overrides() == {"genomics": second, "training": other}
    store.end_override("genomics", "p1")
    assert len(store.overrides()) == 2
    store.end_override("genomics", "p2")
    assert store.overrides() == {"training": other}
    store.override(first)
    store.withdraw("genomics")
    assert store.overrides() == {"training": other}
    store.override(first)
    store.retain(NOON + DAY, keep=1, keep_for=0)
    assert store.overrides() == {"training": other}


def test_what_is_young_or_among_the_newest_stays(store: Store) -> None:
    """Of each stack as many as are to be kept, and whatever is younger; what has not ended stays whatever its age."""
    for number in range(6):
        _ended(store, _run(number, NOON - (10 - number) * DAY))
    _ended(store, _run(20, NOON - 50 * DAY, "training"))
    store.begin(_run(30, NOON - 60 * DAY))
    store.retain(NOON, keep=2, keep_for=7.5 * DAY)
    assert _ids(store.runs("genomics")) == ["run-5", "run-4", "run-3", "run-30"]
    assert _ids(store.runs("training")) == ["run-20"]
    store.retain(NOON, keep=0, keep_for=0)
    assert _ids(store.runs("genomics")) == ["run-30"]
    assert store.runs("training") == ()


def test_many_old_runs_go_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are: they go in portions, to the last."""
    monkeypatch.setattr("reconciler.store._PORTION", 2)
    for number in range(7):
        _ended(store, _run(number, NOON + number))
    store.retain(NOON + DAY, keep=1, keep_for=0)
    assert _ids(store.runs("genomics")) == ["run-6"]


def test_a_plan_stays_as_long_as_something_names_it(store: Store) -> None:
    """A run that is kept, a status, or its own youth, since a run in work names it only at its end."""
    for name, at in {"of-run": 0.0, "of-status": 0.0, "of-old-run": 0.0, "of-nobody": 0.0, "young": DAY - 60}.items():
        store.keep_plan(name, "genomics", {"id": name}, NOON + at)
    _ended(store, _run(1, plan="of-old-run"))
    _ended(store, _run(2, NOON + 1, plan="of-run"))
    store.put_status("genomics", {"plan": "of-status"}, NOON)
    store.retain(NOON + DAY, keep=1, keep_for=0)
    kept = [name for name in ("of-run", "of-status", "of-old-run", "of-nobody", "young") if store.plan(name)]
    assert kept == ["of-run", "of-status", "young"]


def test_the_number_of_who_leads_only_grows(url: str, store: Store) -> None:
    """Also by way of several stores; who raised it last is named."""
    assert store.leading() is None
    other = Store.open(url)
    told = [each.raise_fence(f"controller {at}", NOON + at) for at, each in enumerate((store, other, store))]
    assert told == [1, 2, 3]
    assert other.leading() == Leading(3, "controller 2", NOON + 2)
    other.close()


def test_two_writers_lose_nothing(url: str) -> None:
    """Several threads of two processes' worth of stores, writing and reading: all comes in, no number twice."""
    stores = [Store.open(url), Store.open(url)]
    numbers: list[int] = []

    def work(one: int) -> None:
        store = stores[one % 2]
        for turn in range(8):
            run = _run(one * 100 + turn, NOON + turn, f"stack-{one}")
            store.put_status("shared", {"by": one, "plan": run.id}, NOON)
            _ended(store, run)
            assert run.id in _ids(store.runs(run.stack))
            numbers.append(store.raise_fence(str(one), NOON))

    threads = [threading.Thread(target=work, args=(one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 33))
    assert [len(stores[0].runs(f"stack-{one}")) for one in range(4)] == [8] * 4
    assert stores[0].unended() == ()
    for store in stores:
        store.close()
