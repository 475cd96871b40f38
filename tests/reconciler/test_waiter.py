"""Waiting: which looks are due, and what each ends."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from plans.plan import Goal, Until
from providers.errors import AccessDenied, BecameInvalid, DeadlinePassed
from providers.resources import Live
from reconciler.waiter import Poll, Settled, Spacing, Waiter

BATCH = {
    "compute_environment": 100,
    "job_queue": 100,
    "job_definition": 100,
    "scheduling_policy": 100,
    "quota_share": 1,
}
CE = "compute_environment"
NOW = 1_800_000_000.0


def unmet(goal: Goal, live: Live) -> Sequence[str]:
    return [path for path, value in goal.expect.items() if live.spec.get(path) != value]


def waiter(spacing: Spacing | None = None) -> Waiter:
    return Waiter(random.Random(3), unmet, BATCH, spacing or Spacing(), lambda step, _: f"mend {step}")


def goal(until: Until, name: str = "spot", kind: str = CE, **given: Any) -> Goal:
    return Goal(kind, name, until, **given)


def live(status: str | None = "VALID", name: str = "spot", kind: str = CE, reason: str = "", **spec: Any) -> Live:
    arn = f"arn:aws:batch:eu-west-1:123456789012:{kind.replace('_', '-')}/{name}"
    return Live(kind, name, arn, spec, status=status, status_reason=reason)


def look(waits: Waiter, lives: Sequence[Live], now: float) -> list[Settled]:
    """Take every look that is due and answer it with those of `lives` that it asks for."""
    return [
        ended
        for poll in waits.due(now)
        for ended in waits.answer(poll, [one for one in lives if _asked(poll, one)], now)
    ]


def _asked(poll: Poll, one: Live) -> bool:
    return poll.keys is None or one.name in poll.keys or one.arn in poll.keys


def judged(wanted: Goal, found: Live | None, after: float = 1.0) -> Settled | None:
    """What the first look, `after` seconds after the call, makes of a goal."""
    waits = waiter()
    waits.add("step", wanted, wanted.name, NOW)
    ended = look(waits, [found] if found else [], NOW + after)
    assert bool(ended) is not bool(waits.waiting)
    return ended[0] if ended else None


REACHED: Mapping[str, tuple[Goal, Live | None]] = {
    "valid": (goal("settled"), live("VALID")),
    "valid with what was sent": (goal("settled", expect={"priority": 2}), live("VALID", priority=2)),
    "a kind without status": (goal("settled", kind="scheduling_policy"), live(None, kind="scheduling_policy")),
    "disabled": (goal("disabled"), live("VALID", state="DISABLED")),
    "disabled and broken": (goal("disabled"), live("INVALID", state="DISABLED")),
    "absent": (goal("gone"), None),
    "deleted": (goal("gone"), live("DELETED")),
    "deregistered": (goal("gone", kind="job_definition"), live("INACTIVE", kind="job_definition")),
    "seen": (goal("seen"), live("UPDATING")),
    "seen with its tags": (goal("seen", expect={"tags[a]": "1"}), live("VALID", **{"tags[a]": "1"})),
    "revision seen": (goal("seen", kind="job_definition"), live("ACTIVE", kind="job_definition")),
}


@pytest.mark.parametrize("name", REACHED)
def test_a_goal_is_reached(name: str) -> None:
    """A goal that the look shows ends its wait, without an error."""
    wanted, found = REACHED[name]
    ended = judged(wanted, found)
    assert ended is not None
    assert ended.error is None
    assert ended.live == (None if wanted.until == "gone" else found)


NOT_YET: Mapping[str, tuple[Goal, Live | None]] = {
    "creating": (goal("settled"), live("CREATING")),
    "updating": (goal("settled"), live("UPDATING")),
    "reads lag: not there": (goal("settled"), None),
    "reads lag: still the old one": (goal("settled"), live("DELETED")),
    "valid with old values": (goal("settled", expect={"priority": 2}), live("VALID", priority=1)),
    "still enabled": (goal("disabled"), live("VALID", state="ENABLED")),
    "disabling": (goal("disabled"), live("UPDATING", state="DISABLED")),
    "disabled with old values": (goal("disabled", expect={"priority": 2}), live("INVALID", state="DISABLED")),
    "nothing to disable": (goal("disabled"), None),
    "deleting": (goal("gone"), live("DELETING")),
    "broken before it went": (goal("gone"), live("INVALID")),
    "not seen": (goal("seen"), None),
    "tags lag": (goal("seen", expect={"tags[a]": "1"}), live("VALID")),
}


@pytest.mark.parametrize("name", NOT_YET)
def test_a_goal_is_not_reached_yet(name: str) -> None:
    """A look that does not show the goal goes on waiting."""
    assert judged(*NOT_YET[name]) is None


def test_invalid_ends_a_wait_at_once() -> None:
    """INVALID ends `settled` with AWS's own reason, and with what helps."""
    ended = judged(goal("settled"), live("INVALID", reason="CLIENT_ERROR - Not authorized to perform sts:AssumeRole"))
    assert ended is not None
    assert isinstance(ended.error, BecameInvalid)
    assert ended.error.message == "CLIENT_ERROR - Not authorized to perform sts:AssumeRole"
    assert ended.error.hint == "mend step"
    assert ended.live is not None


def test_invalid_without_a_reason_says_so() -> None:
    """A service environment has no status reason; the error says that AWS gave none."""
    ended = judged(goal("settled"), live("INVALID"))
    assert ended is not None
    assert ended.error is not None
    assert ended.error.message == "spot became INVALID, and AWS gives no reason"


def test_a_repair_outlives_the_invalid_of_before() -> None:
    """Soon after an update, an INVALID that lacks what was sent is what was before; later it is the outcome."""
    repair = goal("settled", expect={"serviceRole": "good"})
    broken = live("INVALID", serviceRole="bad", reason="CLIENT_ERROR")
    assert judged(repair, broken, after=2.0) is None
    late = judged(repair, broken, after=31.0)
    assert late is not None
    assert isinstance(late.error, BecameInvalid)


def test_looks_grow_apart_up_to_a_bound() -> None:
    """The first look comes after a second, each further one 4.5 s later or 9 % of the wait, never more than 60 s."""
    waits = waiter(Spacing(jitter=0.0))
    waits.add("step", goal("settled", deadline=10_000), "spot", NOW)
    at, gaps = NOW, []
    for _ in range(60):
        due = waits.next_due()
        assert due is not None
        gaps.append(due - at)
        assert waits.due(due - 0.01) == []
        assert look(waits, [live("CREATING")], due) == []
        at = due
    assert gaps[:12] == pytest.approx([1, *[4.5] * 11])
    assert gaps[12:15] == pytest.approx([0.09 * sum(gaps[:many]) for many in (12, 13, 14)], abs=1e-4)
    assert gaps[-1] == 60


def test_looks_are_spread() -> None:
    """Jitter moves a look by up to a tenth of its distance, either way."""
    gaps = []
    waits = waiter(Spacing(first=10, least=10))
    for step in range(200):
        waits.add(str(step), goal("settled", kind="job_queue", name=str(step)), str(step), NOW)
        look(waits, [], NOW + 10)
        due = waits.next_due()
        assert due is not None
        gaps.append(due - NOW - 10)
        waits.cancel(str(step))
    assert 9 <= min(gaps) < 9.25
    assert 10.75 < max(gaps) <= 11


def test_what_has_come_is_noticed_soon() -> None:
    """Whenever it comes, it is noticed within 5 s, or within a tenth of the wait up to ten minutes."""
    for came in (0.5, 3, 40, 120, 600):
        waits = waiter()
        waits.add("step", goal("settled", deadline=10_000), "spot", NOW)
        at = NOW
        while not look(waits, [live("VALID" if at - NOW >= came else "CREATING")], at):
            due = waits.next_due()
            assert due is not None
            at = due
        assert at - NOW - came <= max(5, came / 10)


def test_one_look_asks_for_every_goal_of_its_kind() -> None:
    """When the earliest goal of a kind is due, all of its kind are asked for, and each of them grows apart."""
    waits = waiter(Spacing(jitter=0.0))
    waits.add("a", goal("settled", "a"), "a", NOW)
    waits.add("b", goal("gone", "b"), "b", NOW + 0.5)
    waits.add("q", goal("settled", "q", "job_queue"), "q", NOW + 0.9)
    assert waits.due(NOW + 1) == [Poll(CE, ("a", "b"))]
    assert waits.next_due() == NOW + 1.9
    waits.answer(Poll(CE, ("a", "b")), [live("CREATING", "a"), live("DELETING", "b")], NOW + 1)
    waits.cancel("q")
    assert waits.next_due() == NOW + 5.5
    assert waits.due(NOW + 5.5) == [Poll(CE, ("a", "b"))]


def test_goals_of_one_object_share_a_key() -> None:
    """Two steps that wait for one object ask for it once, and both hear the answer."""
    waits = waiter()
    waits.add("settle", goal("settled"), "spot", NOW)
    waits.add("look", goal("seen"), "spot", NOW)
    (poll,) = waits.due(NOW + 1)
    assert poll == Poll(CE, ("spot",))
    assert [ended.step_id for ended in waits.answer(poll, [live()], NOW + 1)] == ["settle", "look"]


def test_a_look_takes_as_many_keys_as_its_kind_allows() -> None:
    """Two hundred and fifty environments are three looks; two quota shares are two."""
    waits = waiter()
    for number in range(250):
        waits.add(f"ce{number}", goal("settled", f"ce{number}"), f"ce{number}", NOW)
    for number in range(2):
        waits.add(f"qs{number}", goal("settled", f"qs{number}", "quota_share"), f"arn:{number}", NOW)
    polls = waits.due(NOW + 1)
    assert [(poll.kind, len(poll.keys or ())) for poll in polls] == [
        (CE, 100),
        (CE, 100),
        (CE, 50),
        *[("quota_share", 1)] * 2,
    ]
    assert len({key for poll in polls for key in poll.keys or ()}) == 252


def test_a_kind_is_not_looked_at_twice_at_once() -> None:
    """While any look at a kind is under way no other of it is due, however late its goals are."""
    waits = waiter()
    for name in ("a", "b"):
        waits.add(name, goal("settled", name, "quota_share"), name, NOW)
    first, second = waits.due(NOW + 1)
    assert waits.due(NOW + 60) == []
    assert waits.next_due() is None
    waits.answer(first, [], NOW + 60)
    assert waits.next_due() is None
    waits.failed(second, NOW + 60)
    assert waits.next_due() is not None


def test_a_goal_added_during_a_look_is_not_judged_by_it() -> None:
    """An answer to a question asked before the call says nothing about the call."""
    waits = waiter()
    waits.add("first", goal("settled"), "spot", NOW)
    (poll,) = waits.due(NOW + 1)
    waits.add("update", goal("settled"), "spot", NOW + 1.5)
    waits.add("first", goal("settled"), "spot", NOW + 1.5)
    assert waits.answer(poll, [live("VALID")], NOW + 2) == []
    assert [ended.step_id for ended in look(waits, [live("VALID")], NOW + 2.5)] == ["first", "update"]


def test_a_cancelled_wait_ends_nothing() -> None:
    """A step that was cancelled is not heard of again, even if a look for it is under way."""
    waits = waiter()
    waits.add("step", goal("settled"), "spot", NOW)
    (poll,) = waits.due(NOW + 1)
    waits.cancel("step")
    waits.cancel("never added")
    assert waits.answer(poll, [live()], NOW + 1) == []
    assert waits.waiting == ()
    assert waits.next_due() is None


def test_objects_are_found_by_arn_too() -> None:
    """A kind that is looked up by ARN is asked and found by ARN."""
    found = live(kind="quota_share", name="share")
    waits = waiter()
    waits.add("step", goal("settled", "share", "quota_share"), found.arn, NOW)
    (ended,) = look(waits, [found], NOW + 1)
    assert ended == Settled("step", found, None)


def test_the_last_look_comes_at_the_deadline() -> None:
    """A goal is looked at once more when its deadline passes, and reached if it shows then."""
    waits = waiter(Spacing(first=8, jitter=0.0))
    waits.add("step", goal("settled", deadline=10), "spot", NOW)
    assert look(waits, [live("CREATING")], NOW + 8) == []
    assert waits.next_due() == NOW + 10
    assert look(waits, [live("VALID")], NOW + 10) == [Settled("step", live("VALID"))]


def test_a_deadline_before_the_first_look_is_kept() -> None:
    """A goal with half a second left is looked at after half a second."""
    waits = waiter()
    waits.add("step", goal("settled", deadline=0.5), "spot", NOW)
    assert waits.next_due() == NOW + 0.5


def _late(wanted: Goal, found: Live | None) -> DeadlinePassed:
    ended = judged(wanted, found, after=wanted.deadline)
    assert ended is not None
    assert isinstance(ended.error, DeadlinePassed)
    return ended.error


def test_a_deadline_tells_what_was_seen_last() -> None:
    """The error names status, state, AWS's reason, and the paths that were not seen."""
    error = _late(
        goal("settled", expect={"priority": 2, "tags[a]": "1"}, deadline=60),
        live("UPDATING", state="ENABLED", reason="being updated", priority=1),
    )
    assert error.message == (
        "spot was not settled within 60 s; its status is UPDATING, ENABLED (being updated); "
        "not seen yet: priority, tags[a]"
    )


def test_a_deadline_tells_of_what_is_not_there() -> None:
    """An object that never appeared is told as absent."""
    assert _late(goal("seen"), None).message == "spot was not seen within 600 s; it was not there"


def test_a_deadline_of_a_kind_without_status() -> None:
    """A kind without status has its unmet paths told, and no status made up."""
    error = _late(goal("seen", kind="scheduling_policy", expect={"x": 1}), live(None, kind="scheduling_policy"))
    assert error.message == "spot was not seen within 600 s; not seen yet: x"


def test_stuck_in_deleting_names_the_likely_cause() -> None:
    """An environment that never goes has most likely lost its service role, and the hint says so."""
    error = _late(goal("gone"), live("DELETING"))
    assert "its status is DELETING" in error.message
    assert error.hint is not None
    assert "service role is probably gone" in error.hint


def test_the_likely_cause_is_that_of_the_kind() -> None:
    """Queues and shares have no service role to lose."""
    for kind in ("job_queue", "quota_share"):
        hint = _late(goal("gone", kind=kind), live("DELETING", kind=kind)).hint
        assert hint is not None
        assert "role" not in hint


def test_looks_that_fail_are_taken_again_until_the_deadline() -> None:
    """A failed look ends nothing before the deadline; at the deadline the error tells why nobody could look."""
    waits = waiter()
    waits.add("step", goal("settled", deadline=100), "spot", NOW)
    denied = AccessDenied("not allowed", operation="DescribeComputeEnvironments")
    (poll,) = waits.due(NOW + 1)
    assert waits.failed(poll, NOW + 1, denied) == []
    assert waits.waiting == ("step",)
    due = waits.next_due()
    assert due is not None
    assert due > NOW + 1
    (poll,) = waits.due(NOW + 100)
    (ended,) = waits.failed(poll, NOW + 100, denied)
    assert isinstance(ended.error, DeadlinePassed)
    assert "the last look at it failed: DescribeComputeEnvironments: not allowed" in ended.error.message
    assert not waits.waiting


def test_a_look_that_fails_does_not_forget_what_was_seen() -> None:
    """After a good look and a failed one at the deadline, the last object seen is still told."""
    waits = waiter()
    waits.add("step", goal("settled", deadline=10), "spot", NOW)
    look(waits, [live("CREATING")], NOW + 1)
    (poll,) = waits.due(NOW + 10)
    (ended,) = waits.failed(poll, NOW + 10)
    assert ended.live == live("CREATING")
    assert ended.error is not None
    assert "CREATING" in ended.error.message


SPOT = "arn:aws:batch:eu-west-1:123456789012:compute-environment/spot"
QUEUE = "job_queue"


def queue(name: str, *environments: str, status: str = "VALID") -> Live:
    order = [{"order": place, "computeEnvironment": arn} for place, arn in enumerate(environments)]
    return live(status, name, QUEUE, computeEnvironmentOrder=order)


def unreferenced(**given: Any) -> Goal:
    return goal("unreferenced", SPOT, QUEUE, **given)


def test_nothing_refers_to_an_object_any_more() -> None:
    """All queues are looked at, those that are DELETED left out; then the goal is reached."""
    waits = waiter()
    waits.add("step", unreferenced(), SPOT, NOW)
    assert waits.due(NOW + 1) == [Poll(QUEUE, None)]
    lives = [queue("a", SPOT + "2"), queue("b", SPOT, status="DELETED"), queue("c")]
    assert waits.answer(Poll(QUEUE, None), lives, NOW + 1) == [Settled("step", None)]


@pytest.mark.parametrize("status", ["VALID", "UPDATING", "INVALID", "DELETING"])
def test_a_queue_that_refers_to_it_is_waited_for(status: str) -> None:
    """Whatever its status is, as long as it is there."""
    waits = waiter()
    waits.add("step", unreferenced(), SPOT, NOW)
    assert look(waits, [queue("a"), queue("b", SPOT, status=status)], NOW + 1) == []
    due = waits.next_due()
    assert due is not None
    assert [ended.error for ended in look(waits, [queue("b")], due)] == [None]


def test_one_listing_answers_every_goal_of_its_kind() -> None:
    """Those that ask for references and those that ask for an object; other kinds are asked for as ever."""
    waits = waiter()
    waits.add("settle", goal("settled", "b", QUEUE), "b", NOW)
    waits.add("spot", unreferenced(), SPOT, NOW)
    waits.add("other", goal("unreferenced", "arn:other", QUEUE), "arn:other", NOW)
    waits.add("gone", goal("gone", "c", QUEUE), "c", NOW)
    waits.add("ce", goal("settled"), "spot", NOW)
    assert waits.due(NOW + 1) == [Poll(QUEUE, None), Poll(CE, ("spot",))]
    ended = waits.answer(Poll(QUEUE, None), [queue("a", "arn:other"), queue("b")], NOW + 1)
    assert [(one.step_id, one.error) for one in ended] == [("settle", None), ("spot", None), ("gone", None)]
    assert waits.waiting == ("other", "ce")


def test_without_such_a_goal_a_kind_is_asked_by_keys_again() -> None:
    """A listing costs as many pages as there are objects."""
    waits = waiter(Spacing(jitter=0.0))
    waits.add("settle", goal("settled", "b", QUEUE), "b", NOW)
    waits.add("spot", unreferenced(), SPOT, NOW)
    assert [ended.step_id for ended in look(waits, [queue("b", status="UPDATING")], NOW + 1)] == ["spot"]
    assert waits.due(NOW + 5.5) == [Poll(QUEUE, ("b",))]


def test_the_deadline_names_who_still_refers_to_it() -> None:
    """Each of them, so that somebody can take it out there."""
    error = _late_listing([queue("a", SPOT), queue("b", "arn:other"), queue("c", "arn:other", SPOT)])
    assert error.message == "after 600 s spot is still referred to by the job queues a, c"
    assert error.hint == "once they refer to it no more, run the same command again"


def test_the_deadline_says_that_nobody_could_look() -> None:
    """Without one good look nothing is known."""
    waits = waiter()
    waits.add("step", unreferenced(), SPOT, NOW)
    (poll,) = waits.due(NOW + 600)
    (ended,) = waits.failed(poll, NOW + 600, AccessDenied("not allowed", operation="DescribeJobQueues"))
    assert isinstance(ended.error, DeadlinePassed)
    assert ended.error.message == (
        "what refers to spot could not be found out within 600 s; the last look failed: DescribeJobQueues: not allowed"
    )
    assert ended.error.hint == "run the same command again to go on waiting"


def _late_listing(lives: Sequence[Live]) -> DeadlinePassed:
    waits = waiter()
    waits.add("step", unreferenced(), SPOT, NOW)
    (ended,) = look(waits, lives, NOW + 600)
    assert isinstance(ended.error, DeadlinePassed)
    return ended.error


def test_looks_at_a_long_wait_grow_rarer_where_that_is_asked() -> None:
    """A rehearsal looks at a wait of days a few hundred times; up to an hour and more it looks as often as an apply."""
    rng = random.Random(1)
    dense, sparse = Spacing(jitter=0.0), Spacing(jitter=0.0, long_share=0.01)
    for waited in (0.0, 30.0, 600.0, 6000.0):
        assert sparse.after(waited, rng) == dense.after(waited, rng)
    assert (dense.after(864_000, rng), sparse.after(864_000, rng)) == (60.0, 8640.0)
