"""Leases: who holds one, for how long, and what becomes of one whose holder dies, hangs, or hears no answer."""

import json
import os
import random
import subprocess
import sys

import attrs
import pytest

from providers.clock import ManualClock
from providers.errors import AccessDenied, AnswerLost, LockHeld, Rejected, ServerFault, StoreError, Throttled
from reconciler.leases import TERM, Lease
from reconciler.lock import Holder
from tests.reconciler.memory import Memory

PLACE = "s3://locks/batch/1/eu-west-1/lab"
LOST = AnswerLost("read timeout")


@attrs.define
class Fleet:
    """Machines that want one lock; `said` is what was told."""

    clock: ManualClock = attrs.field(factory=ManualClock)
    shelf: Memory = attrs.field(init=False)
    said: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.shelf = Memory(self.clock)

    def lease(self, host: str = "one", *, clock: ManualClock | None = None, machine: str = "", pid: int = 1) -> Lease:
        holder = Holder(host, pid, 0.0, "apply", machine)
        return Lease(
            self.shelf, PLACE, holder, f"token of {host}", clock or self.clock, random.Random(1), self.said.append
        )

    @property
    def record(self) -> dict[str, object]:
        made: dict[str, object] = json.loads(self.shelf.text or "{}")
        return made


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def test_whoever_is_refused_is_told_who_holds_it(fleet: Fleet) -> None:
    """Who, on which host, doing what, since when and until when; at once, by one look."""
    with fleet.lease("one"):
        calls = fleet.shelf.calls
        with pytest.raises(LockHeld) as caught, fleet.lease("two"):
            pass
        assert fleet.shelf.calls == calls + 1
    assert caught.value.message == (
        "another run holds the lock: process 1 on one (apply), since 2027-01-15 08:00:00 UTC, "
        "until 2027-01-15 08:02:00 UTC if it is not renewed"
    )
    assert PLACE in (caught.value.hint or "")


def test_it_is_free_after_the_block_and_the_number_grows(fleet: Fleet) -> None:
    """Released at once, however the block ends; the record stays for its number."""
    for number, host in enumerate(("one", "two", "one"), start=1):
        with pytest.raises(RuntimeError, match="inside"), fleet.lease(host):
            raise RuntimeError("inside")
        assert (fleet.record["host"], fleet.record["number"], fleet.record["released"]) == (host, number, True)
    assert fleet.said == []


def test_one_lease_can_be_taken_again(fleet: Fleet) -> None:
    """The same object, after its block; that is another taking."""
    lease = fleet.lease()
    for number in (1, 2):
        with lease:
            assert fleet.record["number"] == number
            assert lease.lost() is None


@pytest.mark.parametrize("skew", [-7200.0, 0.0, 7200.0])
def test_an_expired_one_is_taken_over_by_the_clock_of_the_service(fleet: Fleet, skew: float) -> None:
    """Whatever the clocks of the machines read; it is told whose it was."""
    fleet.shelf.skew = skew
    fleet.lease("one").__enter__()
    fleet.clock.sleep(TERM - 1)
    with pytest.raises(LockHeld):
        fleet.lease("two").__enter__()
    fleet.clock.sleep(1)
    ahead = ManualClock(5.0)
    with fleet.lease("two", clock=ahead) as second:
        assert second.lost() is None
        assert (fleet.record["host"], fleet.record["number"]) == ("two", 2)
    (told,) = fleet.said
    assert told.startswith("taken over from process 1 on one (apply), since ")


def test_of_two_who_take_it_over_at_once_one_does(fleet: Fleet) -> None:
    """The other one's condition does not hold, and it is told who was quicker."""
    fleet.lease("one").__enter__()
    fleet.clock.sleep(TERM)
    quicker = fleet.lease("two")
    fleet.shelf.meanwhile.append(lambda: quicker.__enter__())
    with pytest.raises(LockHeld, match="on two"):
        fleet.lease("three").__enter__()
    assert fleet.record["host"] == "two"


def test_who_always_comes_second_gives_up(fleet: Fleet) -> None:
    """Others that come and go between each look and write: it says so and asks to try again."""

    def come_and_go() -> None:
        with fleet.lease("other"):
            pass

    fleet.shelf.meanwhile += [come_and_go, lambda: None, lambda: None] * 3
    with pytest.raises(LockHeld, match="at this moment"):
        fleet.lease("two").__enter__()


def test_it_is_renewed_at_a_third_of_its_term(fleet: Fleet) -> None:
    """Tended when it rests no longer, it is held through the night; in between nothing is called."""
    with fleet.lease() as lease:
        for _ in range(100):
            rest = lease.rest()
            assert rest == TERM / 3
            fleet.clock.sleep(rest - 1)
            calls = fleet.shelf.calls
            lease.tend()
            assert fleet.shelf.calls == calls
            fleet.clock.sleep(1)
            lease.tend()
            with pytest.raises(LockHeld):
                fleet.lease("two").__enter__()
            assert lease.lost() is None
    assert fleet.said == []


def test_a_renewal_that_fails_is_tried_again_and_told(fleet: Fleet) -> None:
    """Five seconds later, as often as it takes; the lease is ours for sure meanwhile."""
    with fleet.lease() as lease:
        fleet.clock.sleep(TERM / 3)
        fleet.shelf.failures += [Throttled("slow down"), AccessDenied("no")]
        for _ in range(2):
            lease.tend()
            assert lease.rest() == 5.0
            assert lease.lost() is None
            fleet.clock.sleep(5.0)
        lease.tend()
        assert lease.rest() == TERM / 3
    assert [told.partition(":")[0] for told in fleet.said] == ["could not be renewed, and will be tried again"] * 2


def test_before_a_change_what_is_not_sure_is_made_sure(fleet: Fleet) -> None:
    """Where the term may end before a call has, it is renewed right then; while it is sure nothing is called."""
    with fleet.lease() as lease:
        calls = fleet.shelf.calls
        fleet.clock.sleep(TERM - 40)
        assert lease.lost() is None
        assert fleet.shelf.calls == calls
        fleet.clock.sleep(1)
        assert lease.lost() is None
        assert fleet.shelf.calls > calls
        fleet.clock.sleep(TERM - 40)
        with pytest.raises(LockHeld):
            fleet.lease("two").__enter__()


def test_one_that_nobody_took_meanwhile_is_still_ours(fleet: Fleet) -> None:
    """Hanging for an hour is no harm in itself: the write is on condition."""
    with fleet.lease() as lease:
        fleet.clock.sleep(3600)
        assert lease.lost() is None
        with pytest.raises(LockHeld):
            fleet.lease("two").__enter__()


def test_after_its_term_it_is_tried_as_patiently_as_at_first(fleet: Fleet) -> None:
    """Whoever took long to approve does not lose all for one answer of a service that was busy; where the service
    stays away the lock is lost, and soon."""
    with fleet.lease() as lease:
        fleet.clock.sleep(3600)
        fleet.shelf.failures += [ServerFault("503"), Throttled("slow")]
        assert lease.lost() is None
        fleet.clock.sleep(3600)
        began = fleet.clock.now()
        fleet.shelf.failures += [ServerFault("503")] * 100
        assert lease.lost() is not None
        assert fleet.clock.now() == began + 20


def test_one_that_another_took_over_is_lost_for_good(fleet: Fleet) -> None:
    """It says to whom; it is neither renewed nor released any more, even after the other is done."""
    with fleet.lease("one") as lease:
        fleet.clock.sleep(TERM)
        with fleet.lease("two"):
            lost = lease.lost()
            assert lost is not None
            assert "taken over by process 1 on two (apply)" in lost.message
            assert lost.exit_code == 4
            assert lease.rest() is None
            lease.tend()
        assert lease.lost() is lost
    assert (fleet.record["host"], fleet.record["number"], fleet.record["released"]) == ("two", 2, True)


def test_writes_that_meet_others_are_tried_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 may answer a conflict where nobody has taken anything: the lock is not given up for it."""
    write, refused = Memory.write, iter([True] * 4)

    def conflict(self: Memory, text: str, seen: str | None) -> bool:
        return False if next(refused, False) else write(self, text, seen)

    with fleet.lease() as lease:
        fleet.clock.sleep(TERM - 10)
        monkeypatch.setattr(Memory, "write", conflict)
        assert lease.lost() is None
    assert fleet.record["released"] is True


def test_a_clock_that_was_set_back_makes_it_unsure(fleet: Fleet) -> None:
    """Else a lease would seem to last for as long as the clock was set back."""
    own = ManualClock()
    with fleet.lease("one", clock=own) as lease:
        own.instant -= 3600
        fleet.clock.sleep(TERM)
        with fleet.lease("two"):
            assert lease.lost() is not None


def test_after_a_clock_was_set_back_it_is_not_tried_for_as_long(fleet: Fleet) -> None:
    """Where the lock cannot be read either, the run does not stand still for an hour."""
    own = ManualClock()
    with fleet.lease("one", clock=own) as lease:
        own.instant -= 3600
        began = own.now()
        fleet.shelf.failures += [ServerFault("down")] * 2000
        assert lease.lost() is not None
        assert own.now() - began < 60
        fleet.shelf.failures.clear()


def test_one_that_cannot_be_renewed_before_its_end_is_lost(fleet: Fleet) -> None:
    """It is tried until the term is over, and no longer; nothing is changed from then on."""
    with fleet.lease() as lease:
        began = fleet.clock.now()
        fleet.clock.sleep(TERM - 30)
        fleet.shelf.failures += [ServerFault("down")] * 100
        lost = lease.lost()
        assert lost is not None
        assert "could not be renewed in time: down" in lost.message
        assert fleet.clock.now() == began + TERM
        fleet.shelf.failures.clear()
        assert lease.lost() is lost


@pytest.mark.parametrize("failures", [[None, LOST], [None, LOST, ServerFault("500")], [Throttled("slow"), None, LOST]])
def test_a_lost_answer_does_not_lock_its_sender_out(
    fleet: Fleet, failures: list[ServerFault | Throttled | AnswerLost | None]
) -> None:
    """The token in the record tells that the write was done; that is one taking, not two."""
    fleet.shelf.failures += failures
    with fleet.lease() as lease:
        assert fleet.record["number"] == 1
        assert lease.lost() is None
    assert fleet.record["released"] is True


def test_a_lost_answer_of_a_takeover_still_tells_whose_it_was(fleet: Fleet) -> None:
    """The record that tells it is written over by then."""
    fleet.lease("one").__enter__()
    fleet.clock.sleep(TERM)
    fleet.shelf.failures += [None, LOST]
    with fleet.lease("two"):
        assert fleet.record["number"] == 2
    assert fleet.said[0].startswith("taken over from process 1 on one")


def test_taking_gives_up_after_a_while(fleet: Fleet) -> None:
    """A service that is down ends the run, before anything is done, within half a minute."""
    began = fleet.clock.now()
    fleet.shelf.failures += [ServerFault("down")] * 100
    with pytest.raises(ServerFault):
        fleet.lease().__enter__()
    assert 20 <= fleet.clock.now() - began < 30


def test_what_will_not_pass_ends_taking_at_once(fleet: Fleet) -> None:
    """A denial is not asked for twice."""
    fleet.shelf.failures += [AccessDenied("no")]
    with pytest.raises(AccessDenied):
        fleet.lease().__enter__()
    assert fleet.shelf.calls == 1


def test_one_that_cannot_be_released_ends_by_itself(fleet: Fleet) -> None:
    """That is told, and loses nothing of what was done."""
    with fleet.lease():
        fleet.shelf.failures += [ServerFault("down")] * 100
    assert fleet.said == [f"could not be released, and ends by itself within {TERM:.0f} s: down"]


def test_an_endpoint_without_conditions_is_refused(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found out by the first taking, which lets go again."""

    def probe(_self: Memory, _text: str) -> None:
        raise Rejected("heeds no conditions")

    monkeypatch.setattr(Memory, "probe", probe)
    with pytest.raises(Rejected):
        fleet.lease().__enter__()
    assert fleet.record["released"] is True


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "Hello", '{"host": "x", "pid": "y"}', '{"ID": "terraform", "Operation": "apply"}']
)
def test_what_is_no_lock_is_left_alone(fleet: Fleet, text: str) -> None:
    """Somebody's file under the key is not written over."""
    fleet.shelf.text = text
    for do in (fleet.lease().__enter__, fleet.lease().free):
        with pytest.raises(StoreError, match="no lock of ours"):
            do()
    assert fleet.shelf.text == text


def test_a_time_that_no_calendar_holds_is_no_lock(fleet: Fleet) -> None:
    """Whoever wrote that is not told to wait until then."""
    with fleet.lease():
        fleet.shelf.text = json.dumps({**fleet.record, "expires": 1e300})
        with pytest.raises(StoreError):
            fleet.lease("two").__enter__()


@pytest.mark.parametrize("release", [True, False])
def test_a_lock_that_was_removed_is_lost(fleet: Fleet, release: bool) -> None:
    """By hand, or by whoever held it for dead: others may have had it since."""
    with fleet.lease("one", machine="m", pid=_dead()) as lease:
        if release:
            assert fleet.lease("two", machine="m").free() is not None
        else:
            fleet.shelf.text = None
        fleet.clock.sleep(100)
        lost = lease.lost()
        assert lost is not None
        assert ("unlock" in lost.message) is release


# Unlock.


def test_nobody_is_told_of_a_lock_that_nobody_holds(fleet: Fleet) -> None:
    """Where there was never one, and where it was released."""
    assert fleet.lease().free() is None
    with fleet.lease():
        pass
    assert fleet.lease().free() is None


def test_unlock_refuses_while_the_holder_may_be_alive(fleet: Fleet) -> None:
    """Until its term is over; then it is removed, and it is told whose it was."""
    fleet.lease("one").__enter__()
    with pytest.raises(LockHeld, match=r"is held: process 1 on one \(apply\)") as caught:
        fleet.lease("two").free()
    assert caught.value.exit_code == 3
    fleet.clock.sleep(TERM)
    holder = fleet.lease("two").free()
    assert holder is not None
    assert holder.host == "one"
    with fleet.lease("three"):
        assert fleet.record["number"] == 2
    assert fleet.said == []


@pytest.mark.parametrize(
    ("machine", "own", "gone"), [("m", "m", True), ("m", "n", False), ("m", "", False), ("", "", False)]
)
def test_a_process_that_is_gone_from_this_machine_is_dead_at_once(
    fleet: Fleet, machine: str, own: str, gone: bool
) -> None:
    """Only where it is the very system whose processes we see: names of hosts may be alike."""
    fleet.lease("one", machine=machine, pid=_dead()).__enter__()
    if gone:
        assert fleet.lease("one", machine=own).free() is not None
    else:
        with pytest.raises(LockHeld):
            fleet.lease("one", machine=own).free()
    assert fleet.record["released"] is gone


def test_a_process_that_lives_on_this_machine_is_not_dead(fleet: Fleet) -> None:
    """Not even where it is another user's, which may not be signalled."""
    for pid in (os.getpid(), 1):
        fleet.shelf.text = None
        fleet.lease("one", machine="m", pid=pid).__enter__()
        with pytest.raises(LockHeld):
            fleet.lease("two", machine="m").free()


def test_unlock_does_not_remove_what_was_renewed_meanwhile(fleet: Fleet) -> None:
    """Between its look and its write the holder came back: it is alive."""
    lease = fleet.lease("one")
    lease.__enter__()
    fleet.clock.sleep(TERM)
    fleet.shelf.meanwhile += [lambda: lease.lost()]
    with pytest.raises(LockHeld, match="on one"):
        fleet.lease("two").free()
    assert lease.lost() is None


def _dead() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def test_a_renewal_that_took_too_long_is_no_renewal(fleet: Fleet) -> None:
    """A machine that sleeps while it renews wakes up to a term that is over, and makes sure once more."""
    with fleet.lease() as lease:
        fleet.clock.sleep(TERM)
        fleet.shelf.meanwhile.append(lambda: fleet.clock.sleep(2 * TERM))
        assert lease.lost() is None
        assert fleet.record["expires"] == fleet.clock.now() + TERM


def test_who_took_the_lock_while_a_renewal_slept_is_seen(fleet: Fleet) -> None:
    """By then the term that was written was over too."""
    with fleet.lease("one") as lease:
        fleet.clock.sleep(TERM - 1)

        def taken() -> None:
            fleet.clock.sleep(TERM)
            fleet.lease("two").__enter__()

        fleet.shelf.written.append(taken)
        lost = lease.lost()
        assert lost is not None
        assert "taken over by process 1 on two" in lost.message


def test_what_is_nested_too_deep_is_no_lock(fleet: Fleet) -> None:
    """Whatever lies there, it is told as a thing that is not ours."""
    fleet.shelf.text = "[" * 200_000
    with pytest.raises(StoreError, match="no lock of ours"):
        fleet.lease().__enter__()
