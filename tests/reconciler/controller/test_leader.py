"""Who leads: one at a time, followed when it is gone, and refused when it comes back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from providers.clock import ManualClock
from providers.errors import LockHeld, LockLost, StoreError
from reconciler import Settings
from reconciler.controller.leader import BEAT, TERM, Leader, SessionLeader, leader
from reconciler.lock import Fenced, Holder, NoLock
from reconciler.retry import READS
from reconciler.store import Store
from tests.kit import LAB, Stage
from tests.postgres import NEEDS, Cluster

_LEAD = """
import sys
from reconciler.controller.leader import leader
from reconciler.store import Store
who = leader(Store.open(sys.argv[1]), "the other one")
print(who.lead(), flush=True)
sys.stdin.read()
print(who.lost(), flush=True)
"""


PATIENCE = 60.0
"""Seconds in which what is to come has come, however busy the machine is."""


@attrs.define
class Geared:
    """A clock so slow that nothing comes too late on a machine that is busy, until it is told to hurry."""

    speed: float = 0.1

    def now(self) -> float:
        return time.time() * self.speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> None:
        raise NotImplementedError

    @contextmanager
    def hurried(self) -> Iterator[None]:
        self.speed = 20.0
        try:
            yield
        finally:
            self.speed = 0.1


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def shared(cluster: Cluster) -> Iterator[Store]:
    """A store on PostgreSQL."""
    opened = Store.open(cluster.fresh())
    yield opened
    opened.close()


def _session(cluster: Cluster) -> int:
    """The process of the server that holds the only lock of a leader."""
    ((pid,),) = cluster.ask("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2")
    return int(pid)


def _led(who: Leader) -> int:
    """Its number, once it comes to lead: a server notices a moment later that somebody is gone."""
    until = time.monotonic() + PATIENCE
    while (token := who.lead()) is None:
        assert time.monotonic() < until
    return token


def _why(who: Leader, token: int | None = None) -> str:
    """Why it does not lead; nothing where it does."""
    lost = who.lost(token)
    return "" if lost is None else lost.message


def _other(url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _LEAD, url]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_whoever_leads_does_until_it_lets_go(store: Store) -> None:
    """Under one number, however often it is asked; it is told in the store; the next number is greater."""
    clock = ManualClock()
    who = leader(store, "controller", clock)
    assert _why(who) == "this controller does not lead"
    assert [who.lead(), who.lead()] == [1, 1]
    assert who.lost() is None
    assert who.lost(1) is None
    told = store.leading()
    assert told is not None
    assert (told.token, told.at) == (1, clock.now())
    assert told.holder.startswith(f"process {os.getpid()} on ")
    assert told.holder.endswith("(controller), since 2027-01-15 08:00:00 UTC")
    for _ in range(2):
        who.release()
        assert isinstance(who.lost(1), LockLost)
    assert who.lead() == 2
    who.release()


def test_what_began_under_an_old_number_is_refused(store: Store) -> None:
    """Also where the one who had it leads again: somebody else may have led in between."""
    who, next_one = leader(store), leader(store)
    assert who.lead() == 1
    who.release()
    assert next_one.lead() == 2
    next_one.release()
    assert who.lead() == 3
    assert _why(who, 1) == "another controller led since"
    assert who.lost(3) is None
    who.release()


def test_whoever_lost_sight_of_the_number_does_not_lead(store: Store) -> None:
    """Whatever lock it holds: the number in the store is what counts."""
    who = leader(store)
    assert who.lead() == 1
    store.raise_fence("process 7 on two", 0.0)
    assert _why(who) == "another controller led since: process 7 on two"
    assert who.lead() == 3
    assert who.lost() is None
    who.release()


def test_a_second_process_on_a_file_is_refused(tmp_path: Path) -> None:
    """It is told who leads; once that is killed, nothing of it is in the way."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store.open(url)
    who = leader(store)
    with _other(url) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        with pytest.raises(LockHeld) as caught:
            who.lead()
        told = f"another controller holds the lock: process {other.pid} on "
        assert caught.value.message.startswith(told)
        assert "(the other one)" in caught.value.message
        assert "PostgreSQL" in (caught.value.hint or "")
        other.kill()
    assert who.lead() == 2
    who.release()
    store.close()


def test_a_lock_that_was_removed_is_noticed(tmp_path: Path) -> None:
    """Where somebody removes the file, a second one can lead; then the first does no more."""
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    first, second = leader(store), leader(store)
    assert first.lead() == 1
    (tmp_path / "store.db.leader").unlink()
    assert second.lead() == 2
    assert isinstance(first.lost(), LockLost)
    with pytest.raises(LockHeld):
        first.lead()
    assert second.lost() is None
    second.release()
    store.close()


def test_a_number_that_cannot_be_had_leaves_the_lock(tmp_path: Path) -> None:
    """And one that cannot be read is none."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store.open(url)
    who = leader(store)
    assert who.lead() == 1
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE leader")
    assert "no such table: leader" in _why(who)
    for _ in range(2):
        with pytest.raises(StoreError, match="no such table"):
            who.lead()
    store.close()


# On PostgreSQL.


@NEEDS
def test_another_waits_while_somebody_leads(shared: Store) -> None:
    """It is told nothing but that; when the leader lets go it leads at once."""
    first, second = leader(shared), leader(shared)
    assert (first.lead(), second.lead(), second.lead()) == (1, None, None)
    assert isinstance(second.lost(), LockLost)
    first.release()
    assert _led(second) == 2
    assert first.lead() is None
    second.release()


@NEEDS
def test_stores_in_two_schemas_have_a_leader_each(cluster: Cluster, shared: Store) -> None:
    """The lock is the table's, not the database's."""
    other = Store.open(cluster.fresh())
    first, second = leader(shared), leader(other)
    assert (first.lead(), second.lead()) == (1, 1)
    assert (first.lost(), second.lost()) == (None, None)
    first.release()
    second.release()
    other.close()


@NEEDS
def test_a_killed_leader_is_followed_at_once(cluster: Cluster) -> None:
    """The server drops the lock with the session, which ends with the process."""
    url = cluster.fresh()
    store = Store.open(url)
    who = leader(store)
    with _other(url) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        assert who.lead() is None
        other.kill()
    assert _led(who) == 2
    assert who.lost(2) is None
    who.release()
    store.close()


@NEEDS
def test_a_leader_whose_session_was_ended_is_refused_once_another_leads(cluster: Cluster, shared: Store) -> None:
    """The fence holds whatever the old one believes, for good, until it comes to lead anew."""
    old, new = leader(shared), leader(shared)
    assert old.lead() == 1
    cluster.ask(f"SELECT pg_terminate_backend({_session(cluster)}, 60000)")
    assert _led(new) == 2
    for _ in range(2):
        assert _why(old).startswith("another controller led since: process ")
    assert old.lead() is None
    new.release()
    assert _led(old) == 3
    assert isinstance(old.lost(1), LockLost)
    old.release()


@NEEDS
def test_a_session_is_replaced_where_nobody_led_in_between(cluster: Cluster, shared: Store) -> None:
    """What began goes on under the same number, through a restart of the server as well."""
    who, another = leader(shared, clock=Geared()), leader(shared)
    assert who.lead() == 1
    cluster.ask(f"SELECT pg_terminate_backend({_session(cluster)}, 60000)")
    assert who.lost(1) is None
    cluster.restart()
    assert who.lost(1) is None
    assert who.lead() == 1
    assert another.lead() is None
    assert who.lost(1) is None
    who.release()


@NEEDS
def test_a_crash_of_the_server_is_lived_through(cluster: Cluster, shared: Store) -> None:
    """Its session dies without a word, and all others with it; the number is on the disk."""
    who = leader(shared, clock=Geared())
    assert who.lead() == 1
    os.kill(_session(cluster), signal.SIGKILL)
    assert who.lost(1) is None
    assert shared.raise_fence("somebody", 0.0) == 2
    assert _why(who) == "another controller led since: somebody"


@NEEDS
@pytest.mark.parametrize("close", [True, False])
def test_a_lock_that_went_is_taken_again(cluster: Cluster, shared: Store, close: bool) -> None:
    """Where nobody led in between: with the session, or out of it, as behind a pooler."""
    who = leader(shared, clock=Geared())
    assert who.lead() == 1
    assert isinstance(who, SessionLeader)
    assert who._session is not None
    who._session.connection.execute("SELECT pg_advisory_unlock_all()")
    if close:
        who._session.connection.close()
    assert who.lost(1) is None
    assert _session(cluster)
    who.release()


@NEEDS
def test_a_silent_leader_is_followed_and_told(cluster: Cluster, shared: Store) -> None:
    """The server ends the session of whoever asks nothing for a term, such as one that is frozen; it finds out when it
    asks again."""
    frozen = SessionLeader(shared, Holder("one", 1, 0.0), Geared(), term=0.3)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        # On a machine that is busy it may be silent for so long before it leads.
        with suppress(StoreError):
            assert frozen.lead() == 1
            break
    new = leader(shared)
    assert _led(new) == 2
    assert isinstance(frozen.lost(1), LockLost)
    assert new.lost(2) is None
    new.release()
    assert TERM + BEAT < 15
    assert cluster.ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2") == []


@NEEDS
def test_a_halted_server_is_not_waited_for(cluster: Cluster, shared: Store) -> None:
    """Neither an answer nor an end of the connection: after five seconds it is unsure, and so lost."""
    clock = Geared()
    who = leader(shared, clock=clock)
    assert who.lead() == 1
    session = _session(cluster)
    os.kill(session, signal.SIGSTOP)
    try:
        with clock.hurried():
            began = clock.now()
            assert "did not answer in time" in _why(who)
            assert 5 <= clock.now() - began < 20 * PATIENCE
        assert who.lead() is None
    finally:
        os.kill(session, signal.SIGCONT)
    assert _led(who) == 2
    who.release()


@NEEDS
def test_a_server_that_is_gone_is_told(cluster: Cluster, shared: Store) -> None:
    """A leader is one no more, and nobody comes to be one."""
    who = leader(shared, clock=ManualClock())
    assert who.lead() == 1
    cluster.stop()
    try:
        refused = _why(who)
        assert refused.startswith("whether this controller leads could not be made sure in time: ")
        assert "refused" in refused
        with pytest.raises(StoreError, match="the store postgres of PostgreSQL at"):
            who.lead()
    finally:
        cluster.start()
    assert who.lead() == 2
    who.release()


@NEEDS
def test_a_session_without_the_lock_does_not_lead(cluster: Cluster, shared: Store) -> None:
    """As behind a pooler that gives the session to others: the lock is looked for, not believed in."""
    who, other = leader(shared), leader(shared)
    assert who.lead() == 1
    assert isinstance(who, SessionLeader)
    assert who._session is not None
    who._session.connection.execute("SELECT pg_advisory_unlock_all()")
    assert other.lead() == 2
    assert isinstance(who.lost(), LockLost)
    other.release()
    assert cluster.ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2") == []


@NEEDS
@pytest.mark.parametrize(
    ("done", "told"),
    [("DELETE FROM leader", "somebody emptied the table"), ("DROP TABLE leader", 'relation "leader" does not exist')],
)
def test_a_number_that_is_gone_is_nobodys(shared: Store, done: str, told: str) -> None:
    """Somebody restored the store, say: the number is not known, so nobody leads for sure."""
    who = leader(shared, clock=ManualClock())
    assert who.lead() == 1
    with shared.database.engine.begin() as connection:
        connection.exec_driver_sql(done)
    assert told in _why(who)
    who.release()


@NEEDS
def test_of_many_one_leads(shared: Store) -> None:
    """However many try at once, and threads of one may ask at once."""
    all_of_them = [leader(shared) for _ in range(4)]
    together, told = threading.Barrier(4), dict[int, int | None]()

    def work(one: int) -> None:
        together.wait()
        told[one] = all_of_them[one].lead()

    threads = [threading.Thread(target=work, args=(one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, told.values())) == ["1", "None", "None", "None"]
    who = next(each for one, each in enumerate(all_of_them) if told[one])
    answers: list[LockLost | None] = []
    threads = [threading.Thread(target=lambda: answers.append(who.lost(1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [None] * 4
    for each in all_of_them:
        each.release()


# Beside the lock of a run.


def test_a_run_changes_nothing_more_once_another_leads(store: Store) -> None:
    """The leader is asked right before each call: what is out stays, what is not does not go out."""
    who = leader(store)
    token = who.lead()
    stage = Stage.new(settings=Settings(fence=partial(who.lost, token)))
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if not model.name.startswith(READS):
            made.append(model.name)
            if len(made) == 2:
                store.raise_fence("process 7 on two", 0.0)

    stage.batch.meta.events.register("before-call", note)
    report = stage.apply(LAB)
    assert len(made) == 2
    assert report.exit_code == 4
    assert {outcome.error for outcome in report.failures} == {"another controller led since: process 7 on two"}
    who.release()


@NEEDS
def test_a_run_goes_on_through_a_restart_of_the_server(cluster: Cluster, shared: Store) -> None:
    """Nobody led in between, so that every call goes out, once."""
    who = leader(shared, clock=Geared())
    token = who.lead()
    stage = Stage.new(settings=Settings(fence=partial(who.lost, token)))
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if not model.name.startswith(READS):
            made.append(model.name)
            if len(made) == 2:
                cluster.restart()

    stage.batch.meta.events.register("before-call", note)
    undisturbed = Stage.new().apply(LAB)
    report = stage.apply(LAB)
    assert (report.exit_code, report.calls) == (0, undisturbed.calls)
    assert len(made) > 2
    assert who.lost(token) is None
    who.release()


def test_who_does_not_lead_changes_nothing(store: Store) -> None:
    """It is refused before the first call."""
    who = leader(store)
    stage = Stage.new(settings=Settings(fence=who.lost))
    with pytest.raises(LockHeld, match="does not lead; nothing was changed"):
        stage.apply(LAB)
    assert stage.plan(LAB).steps


def test_a_fence_adds_to_a_lock_and_takes_nothing_from_it() -> None:
    """Without the lock's word it is not even asked."""
    asked: list[None] = []

    def fence() -> LockLost | None:
        asked.append(None)
        return gone

    @attrs.frozen
    class Gone(NoLock):
        def lost(self) -> LockLost | None:
            return own

    own, gone = LockLost("the lock's own"), None
    with Fenced(NoLock(looks=True), fence) as lock:
        assert (lock.looks, lock.rest(), lock.free(), lock.lost()) == (True, None, None, None)
        lock.tend()
        gone = LockLost("the fence's")
        assert lock.lost() is gone
    assert len(asked) == 2
    assert Fenced(Gone(), fence).lost() is own
    assert len(asked) == 2
