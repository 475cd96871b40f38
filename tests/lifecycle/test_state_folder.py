"""The lock and the journal: one run at a time, and what a run leaves behind of itself."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import attrs
import pytest

from plans.plan import Plan
from plans.retention import Retention
from providers.errors import CredentialsExpired, LockHeld, StoreError
from providers.simulator import Fault
from providers.simulator.faults import Kind
from reconciler.settings import Settings
from tests.kit import LAB, Died, Stage, edit, manifest

TALL = edit(LAB, ("    type: MANAGED\n", "    type: MANAGED\n    updatePolicy: {jobExecutionTimeoutMinutes: 60}\n"))
CHANGED = edit(LAB, ("align:1", "align:2"), ("priority: 10", "priority: 11"))


def staged(folder: Path) -> Stage:
    return Stage.new(settings=Settings(state=folder))


def test_two_applies_at_once_are_one(tmp_path: Path) -> None:
    """While one asks for approval under the lock, another is refused with its holder; the first goes on unharmed."""
    stage, refused = staged(tmp_path), []

    def meanwhile() -> None:
        try:
            stage.reconciler.apply(manifest(LAB))
        except LockHeld as error:
            refused.append(error)

    def approve(_plan: Plan) -> bool:
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()
        return True

    assert stage.apply(LAB, approve=approve).exit_code == 0
    (error,) = refused
    assert error.exit_code == 3
    assert "another run holds the lock: process" in str(error)
    assert stage.calls["CreateJobQueue"] == 2
    assert stage.apply(LAB).exit_code == 0


def test_the_lock_comes_before_the_look(tmp_path: Path) -> None:
    """Whoever is locked out reads nothing: a plan is made of a world that no other run of ours is changing."""
    stage = staged(tmp_path)

    def approve(_plan: Plan) -> bool:
        stage.simulator.calls.clear()
        with pytest.raises(LockHeld):
            stage.reconciler.apply(manifest(LAB))
        assert [call.operation for call in stage.simulator.calls] == ["GetCallerIdentity"]
        return True

    assert stage.apply(LAB, approve=approve).exit_code == 0


def test_stacks_do_not_lock_each_other_out(tmp_path: Path) -> None:
    """The lock is one stack's in one account and region."""
    stage = staged(tmp_path)
    other = edit(LAB, ("stack: lab", "stack: other"), ("namePrefix: lab-", "namePrefix: other-"))

    def approve(_plan: Plan) -> bool:
        return stage.reconciler.apply(manifest(other)).exit_code == 0

    assert stage.apply(LAB, approve=approve).exit_code == 0
    assert len(stage.all) == 14


def test_without_a_lock_nobody_is_kept_out(tmp_path: Path) -> None:
    """`lock: none` is for those who see to it themselves; the journal is written all the same."""
    stage = Stage.new(settings=Settings(state=tmp_path, lock="none"))
    assert stage.apply(LAB).exit_code == 0
    assert len(stage.reconciler.history("lab").runs) == 1
    assert not list(tmp_path.glob("*.lock"))


def test_every_call_stands_in_the_journal(tmp_path: Path) -> None:
    """One closed bracket a call of the plan, with what it made, and the exit code at the end of the run."""
    stage = staged(tmp_path)
    report = stage.apply(LAB)
    calls = stage.mutations
    (run,) = stage.reconciler.history("lab").runs
    assert (run.stack, run.plan_id, run.exit_code) == ("lab", report.plan_id, 0)
    assert not run.interrupted
    assert sorted(bracket.call for bracket in run.calls) == sorted(calls)
    assert {bracket.status for bracket in run.calls} == {"done"}
    assert sorted(bracket.arn or "" for bracket in run.calls) == stage.all


def test_a_run_without_changes_leaves_no_journal(tmp_path: Path) -> None:
    """Nothing was done, so there is nothing to tell."""
    stage = staged(tmp_path)
    stage.apply(LAB)
    stage.apply(LAB)
    assert len(stage.reconciler.history("lab").runs) == 1
    assert Stage.new().reconciler.history("lab").runs == ()


def test_a_failed_call_is_closed_with_its_error(tmp_path: Path) -> None:
    """Refused, or never answered: the journal tells one from the other."""
    stage = staged(tmp_path)
    stage.simulator.inject(
        Fault("CreateJobQueue", "denied", times=None), Fault("RegisterJobDefinition", "server", times=None)
    )
    stage.apply(LAB)
    (run,) = stage.reconciler.history("lab").runs
    assert run.open == ()
    told = {(bracket.call, bracket.status) for bracket in run.calls}
    assert {("CreateJobQueue", "failed"), ("RegisterJobDefinition", "unknown")} <= told
    assert all(bracket.error for bracket in run.calls if bracket.status != "done")
    assert run.exit_code == 4


def test_a_role_that_is_sent_again_stands_in_the_journal(tmp_path: Path) -> None:
    """It changes something, so it is written down before it goes out."""
    stage = staged(tmp_path)
    text = """
stack: lab
computeEnvironments:
  bad:
    type: MANAGED
    serviceRole: arn:aws:iam::123456789012:role/service-role/missing
    computeResources: {type: FARGATE, maxvCpus: 4, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""
    stage.apply(text)
    (run,) = stage.reconciler.history("lab").runs
    assert [bracket.call for bracket in run.calls] == stage.mutations
    assert {bracket.status for bracket in run.calls} == {"done"}


@pytest.mark.parametrize("event", ["started", "called", "polled"])
def test_an_interrupt_closes_every_bracket(tmp_path: Path, event: str) -> None:
    """What never went out is told from what may have been done; none is left open."""
    stage = staged(tmp_path)
    stop = stage.stopper()

    def listen(heard: object) -> None:
        if getattr(heard, "event", "") == event and not stop.done():
            stop.set_result(15)

    stage.apply(LAB, on_event=listen)
    stage.go_on()
    (run,) = stage.reconciler.history("lab").runs
    assert run.open == ()
    assert run.exit_code == 143
    unsent = [bracket for bracket in run.calls if bracket.status == "unsent"]
    assert len(run.calls) - len(unsent) == len(stage.mutations)


def test_a_registration_in_doubt_at_an_interrupt_is_unknown(tmp_path: Path) -> None:
    """Its answer was lost and the look for it never came: the journal says that nobody knows."""
    stage = staged(tmp_path)
    stage.apply(LAB)
    stop = stage.stopper()
    stage.simulator.inject(Fault("RegisterJobDefinition", "lost"))

    def signal(operation: str, _number: int) -> None:
        if operation == "RegisterJobDefinition":
            stop.set_result(2)

    stage.simulator.before_call = signal
    report = stage.apply(edit(LAB, ("align:1", "align:2")))
    assert report.counts == {"interrupted": 1}
    stage.go_on()
    run = stage.reconciler.history("lab").runs[-1]
    assert [bracket.status for bracket in run.calls] == ["unknown"]
    stage.simulator.before_call = None
    assert stage.apply(edit(LAB, ("align:1", "align:2"))).exit_code == 0
    assert stage.revisions("lab-align") == [1, 2]


def test_a_killed_run_shows_what_it_was_in_the_middle_of(tmp_path: Path) -> None:
    """The bracket of the call that it died in stays open, and the lock is gone with the process."""
    stage = staged(tmp_path)
    stage.apply(LAB)
    stage.simulator.before_call = _die_at("UpdateJobQueue")
    with pytest.raises(Died):
        stage.apply(CHANGED)
    stage.simulator.before_call = None
    killed = stage.reconciler.history("lab").runs[-1]
    assert killed.interrupted
    assert "UpdateJobQueue" in [bracket.call for bracket in killed.open]
    assert stage.apply(CHANGED).exit_code == 0
    assert [run.exit_code for run in stage.reconciler.history("lab").runs] == [0, None, 0]


def test_a_damaged_journal_is_appended_to(tmp_path: Path) -> None:
    """A journal is never read to be correct: the apply goes on, and history tells the line."""
    stage = staged(tmp_path)
    stage.apply(LAB)
    (journal,) = tmp_path.glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"\x00{]\n", *lines[1:], b'{"record": "be']))
    assert stage.apply(CHANGED).exit_code == 0
    history = stage.reconciler.history("lab")
    assert [run.exit_code for run in history.runs] == [0, 0]
    assert [fault.line for fault in history.faults] == [2, len(lines) + 2]
    assert journal.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lock", ["file", "none"])
def test_a_state_folder_that_cannot_be_made_changes_nothing(tmp_path: Path, lock: Literal["file", "none"]) -> None:
    """Without a place for lock and journal no call that changes something is made; the error says what to set."""
    (tmp_path / "state").write_text("a file, not a folder")
    stage = Stage.new(settings=attrs.evolve(Settings(state=tmp_path / "state"), lock=lock))
    with pytest.raises(StoreError, match="cannot be") as caught:
        stage.apply(LAB)
    assert caught.value.hint == "set XDG_STATE_HOME to a folder that can be written to"
    assert stage.mutations == []


def test_the_journal_is_found_whether_or_not_sts_can_be_asked(tmp_path: Path) -> None:
    """Where the account is unknown to STS, history looks where the runs wrote, ARNs or no ARNs."""
    stage = staged(tmp_path)
    stage.simulator.inject(Fault("GetCallerIdentity", "denied", times=None))
    stage.apply(LAB)
    stage.apply(CHANGED)
    assert [run.exit_code for run in stage.reconciler.history("lab").runs] == [0, 0]
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


def test_the_account_is_asked_for_once(tmp_path: Path) -> None:
    """STS tells whose lock it is, and is not asked again by the looks at the world; it counts as a call."""
    stage = staged(tmp_path)
    report = stage.apply(LAB)
    assert stage.calls["GetCallerIdentity"] == report.calls["GetCallerIdentity"] == 1


def _die_at(operation: str) -> Callable[[str, int], None]:
    def die(called: str, _number: int) -> None:
        if called == operation:
            raise Died

    return die


@pytest.mark.parametrize("after", [1, 7, 12, 19])
def test_a_disk_that_fills_up_on_the_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """From then on nothing is called, the report says why, exit 4 or 1; with room again the work is finished."""
    stage = staged(tmp_path)
    written = 0
    flush = os.fsync

    def full(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    report = stage.apply(TALL)
    assert report.exit_code == (4 if any(row.status == "done" and row.call for row in report.outcomes) else 1)
    assert all("No space left on device" in str(failure.error) for failure in report.failures)
    assert report.failures
    monkeypatch.setattr(os, "fsync", flush)
    assert stage.apply(TALL).exit_code == 0
    assert stage.plan(TALL).empty


def test_sts_that_says_expired_ends_the_run_before_the_lock(tmp_path: Path) -> None:
    """With credentials that have ended nothing else can be called either."""
    stage = staged(tmp_path)
    stage.simulator.inject(Fault("GetCallerIdentity", "expired"))
    with pytest.raises(CredentialsExpired) as caught:
        stage.apply(LAB)
    assert caught.value.exit_code == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["throttle", "server", "lost"])
def test_a_passing_fault_of_sts_changes_no_lock(tmp_path: Path, kind: Kind) -> None:
    """STS is asked again after a fault that passes: a run that did not know its account would lock another file."""
    stage, refused = staged(tmp_path), []

    def approve(_plan: Plan) -> bool:
        stage.simulator.inject(Fault("GetCallerIdentity", kind))
        with pytest.raises(LockHeld) as caught:
            stage.reconciler.apply(manifest(LAB))
        refused.append(caught.value)
        return True

    assert stage.apply(LAB, approve=approve).exit_code == 0
    assert refused
    assert len(list(tmp_path.glob("*.lock"))) == 1


@pytest.mark.parametrize("kind", ["throttle", "server", "lost"])
def test_an_sts_that_does_not_recover_stops_nothing(tmp_path: Path, kind: Kind) -> None:
    """An account that STS does not tell, however often it is asked, is unknown, and the run goes on."""
    stage = staged(tmp_path)
    stage.simulator.inject(Fault("GetCallerIdentity", kind, times=None))
    assert stage.apply(LAB).exit_code == 0
    assert stage.calls["GetCallerIdentity"] > 1


@pytest.mark.parametrize("first", [True, False], ids=["the one that waits", "the one that works"])
def test_whom_sts_told_nothing_locks_by_what_is_there(tmp_path: Path, first: bool) -> None:
    """Where STS cannot be reached the account is known by what is in it: one run keeps out the other all the same."""
    stage = staged(tmp_path)
    stage.apply(LAB)
    silent = Fault("GetCallerIdentity", "refused")
    if not first:
        stage.simulator.inject(silent)

    def approve(_plan: Plan) -> bool:
        if first:
            stage.simulator.inject(silent)
        stage.simulator.calls.clear()
        with pytest.raises(LockHeld):
            stage.reconciler.apply(manifest(CHANGED))
        assert stage.mutations == []
        return True

    assert stage.apply(CHANGED, approve=approve).exit_code == 0
    assert stage.plan(CHANGED).empty


def test_revisions_are_not_pruned_beside_a_run_that_sts_told_its_account(tmp_path: Path) -> None:
    """As an apply does, so does this: the account of the revisions that are to go tells whose lock it is."""
    stage = staged(tmp_path)
    for number in range(2, 5):
        stage.apply(edit(LAB, ("align:1", f"align:{number}")))
    newest = edit(LAB, ("align:1", "align:4"), ("priority: 10", "priority: 11"))
    before, refused = stage.revisions("lab-align"), []

    def approve(_plan: Plan) -> bool:
        stage.simulator.inject(Fault("GetCallerIdentity", "refused", times=None))
        with pytest.raises(LockHeld) as caught:
            stage.reconciler.prune_revisions(
                manifest(newest), Retention(names=("lab-align",), keep=1), approve=lambda _made: True
            )
        refused.append(caught.value)
        return True

    assert stage.apply(newest, approve=approve).exit_code == 0
    assert refused
    assert stage.revisions("lab-align") == before
