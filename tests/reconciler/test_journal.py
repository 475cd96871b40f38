"""The journal: what is on the disk when, and what is read back after a crash."""

import json
import os
import stat
from pathlib import Path

import pytest

from plans.past import Applied, Past
from providers.errors import StoreError
from reconciler.journal import Bracket, History, Journal, Run, history, key, read, state_folder


def a_run(journal: Journal, run: str = "r1") -> None:
    journal.run_started(run, "genomics", "p1", "host", 4711, 100.0)
    journal.begin(run, "s1", "CreateJobQueue", "sha256:ab", 101.0)
    journal.end(run, "s1", "done", 102.0, arn="arn:aws:batch:eu-west-1:1:job-queue/high")
    journal.begin(run, "s2", "UpdateJobQueue", "sha256:cd", 103.0)


BRACKETS = (
    Bracket(
        "s1", "CreateJobQueue", "sha256:ab", 101.0, 102.0, "done", None, "arn:aws:batch:eu-west-1:1:job-queue/high"
    ),
    Bracket("s2", "UpdateJobQueue", "sha256:cd", 103.0),
)


def test_a_run_is_read_back(tmp_path: Path) -> None:
    """What was written is what is read: the run, its calls, and how each ended."""
    path = tmp_path / "j.jsonl"
    with Journal.open(path) as journal:
        a_run(journal)
        journal.end("r1", "s2", "failed", 104.0, error="UpdateJobQueue: no")
        journal.run_ended("r1", 4, 105.0)
    failed = Bracket("s2", "UpdateJobQueue", "sha256:cd", 103.0, 104.0, "failed", "UpdateJobQueue: no")
    run = Run("r1", "genomics", "p1", "host", 4711, 100.0, (BRACKETS[0], failed), 105.0, 4)
    assert read(path) == History((run,))
    assert not run.interrupted


def test_a_record_is_on_the_disk_before_the_call_goes_out(tmp_path: Path) -> None:
    """Another reader sees a bracket as soon as `begin` returns."""
    path = tmp_path / "j.jsonl"
    with Journal.open(path) as journal:
        a_run(journal)
        (run,) = read(path).runs
        assert run.open == (BRACKETS[1],)


def test_a_run_with_an_open_bracket_is_interrupted(tmp_path: Path) -> None:
    """A run that broke off shows the calls that it was in the middle of."""
    path = tmp_path / "j.jsonl"
    with Journal.open(path) as journal:
        a_run(journal)
    (run,) = read(path).runs
    assert run.interrupted
    assert run.calls == BRACKETS
    assert run.open == (BRACKETS[1],)


def test_a_run_that_never_ended_is_interrupted_even_between_calls() -> None:
    """A run that was killed between two calls is interrupted too, with no call in doubt."""
    lines: list[str] = []
    Journal(lines.append).run_started("r1", "genomics", "p1", "host", 1, 1.0)
    (run,) = history(lines).runs
    assert run.interrupted
    assert run.open == ()


def test_a_torn_line_is_not_glued_to_the_next(tmp_path: Path) -> None:
    """A crash in the middle of a write costs that line only."""
    path = tmp_path / "j.jsonl"
    with Journal.open(path) as journal:
        a_run(journal)
    torn = path.read_bytes()[:-20]
    path.write_bytes(torn)
    with Journal.open(path) as journal:
        journal.run_started("r2", "genomics", "p2", "host", 5, 200.0)
        journal.run_ended("r2", 0, 201.0)
    found = read(path)
    assert [(run.id, run.interrupted) for run in found.runs] == [("r1", True), ("r2", False)]
    assert [(fault.file, fault.line) for fault in found.faults] == [(str(path), 4)]


DAMAGE = {
    "no JSON": b"{nonsense",
    "no object": b"[1, 2]",
    "a scalar": b"7",
    "no text": b"\xff\xfe\x00",
    "no such record": b'{"record":"other","run":"r1"}',
    "a member missing": b'{"record":"begin","run":"r1","step":"s9"}',
    "a member of another type": b'{"record":"ended","run":"r1","exit_code":"four","at":1}',
    "a run of another type": b'{"record":"begin","run":[1]}',
    "an exit code without end": b'{"record":"ended","run":"r1","exit_code":1e999,"at":1}',
    "a time of no calendar": b'{"record":"ended","run":"r1","exit_code":0,"at":1e300}',
    "a time that is none": b'{"record":"ended","run":"r1","exit_code":0,"at":NaN}',
    "an end without a begin": b'{"record":"end","run":"r1","step":"s9","status":"done","at":1}',
    "too deep": b"[" * 200_000,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_line_is_told_and_the_rest_is_read(tmp_path: Path, damage: bytes) -> None:
    """Whatever a line holds, it is reported with its number, and the lines around it are read."""
    path = tmp_path / "j.jsonl"
    with Journal.open(path) as journal:
        a_run(journal)
    path.write_bytes(path.read_bytes() + damage + b"\n")
    with Journal.open(path) as journal:
        journal.end("r1", "s2", "done", 104.0)
        journal.run_ended("r1", 0, 105.0)
    found = read(path)
    assert [fault.line for fault in found.faults] == [5]
    assert [run.interrupted for run in found.runs] == [False]


def test_a_run_whose_first_line_is_damaged_is_still_told() -> None:
    """The calls of a run are read even where the line that began it is not."""
    lines: list[str] = []
    a_run(Journal(lines.append))
    found = history(["{", *lines[1:]])
    assert [run.open for run in found.runs] == [(BRACKETS[1],)]
    assert [fault.line for fault in found.faults] == [1]


def test_a_step_may_call_again() -> None:
    """Two calls of one step are two brackets; each end closes the one that is open."""
    lines: list[str] = []
    journal = Journal(lines.append)
    for at in (1.0, 3.0):
        journal.begin("r1", "s1", "UpdateComputeEnvironment", "d", at)
        journal.end("r1", "s1", "done", at + 1)
    (run,) = history(lines).runs
    assert [(bracket.began, bracket.ended) for bracket in run.calls] == [(1.0, 2.0), (3.0, 4.0)]


def test_a_journal_that_was_never_written_is_empty(tmp_path: Path) -> None:
    """No file means no runs, and reading makes none."""
    assert read(tmp_path / "none.jsonl") == History()
    assert list(tmp_path.iterdir()) == []


def test_every_line_is_one_json_object(tmp_path: Path) -> None:
    """Text with line breaks and any characters stays on one line."""
    path = tmp_path / "j.jsonl"
    with Journal.open(path) as journal:
        journal.begin("r1", "s1", "CreateJobQueue", "d", 1.0)
        journal.end("r1", "s1", "failed", 2.0, error="two\nlines \u2028 ünïcode")
    lines = path.read_text().splitlines()
    assert len(lines) == 2
    assert json.loads(lines[1])["error"] == "two\nlines \u2028 ünïcode"


def test_a_journal_is_for_its_user_only(tmp_path: Path) -> None:
    """Nobody else may read the file or its folder."""
    path = tmp_path / "state" / "j.jsonl"
    with Journal.open(path):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where no folder can be made, the error says which and what to set."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"j\.jsonl") as caught, Journal.open(tmp_path / "file" / "j.jsonl"):
        pass
    assert caught.value.hint == "set XDG_STATE_HOME to a folder that can be written to"


def test_a_folder_in_place_of_a_journal_is_told(tmp_path: Path) -> None:
    """A journal that cannot be read is an error, not an empty history."""
    with pytest.raises(StoreError, match="Is a directory"):
        read(tmp_path)


def test_a_full_disk_is_told() -> None:
    """A record that could not be kept raises before the call goes out."""
    if not os.path.exists("/dev/full"):
        pytest.fail("this system has no /dev/full")
    with Journal.open(Path("/dev/full")) as journal, pytest.raises(StoreError, match="No space left"):
        a_run(journal)


def test_the_state_folder_is_where_xdg_says() -> None:
    """XDG_STATE_HOME, if absolute; else below HOME; else an error that says what to set."""
    assert state_folder({"XDG_STATE_HOME": "/state", "HOME": "/home/me"}) == Path("/state/batchwright")
    below_home = Path("/home/me/.local/state/batchwright")
    assert state_folder({"XDG_STATE_HOME": "relative", "HOME": "/home/me"}) == below_home
    assert state_folder({"XDG_STATE_HOME": "", "HOME": "/home/me"}) == below_home
    with pytest.raises(StoreError, match="no folder"):
        state_folder({})


def test_keys_are_safe_file_names_and_differ() -> None:
    """Any account, endpoint, region and stack have a file name of their own, short and without a slash."""
    wanted = [
        ("123456789012", None, "eu-west-1", "genomics"),
        (None, None, "eu-west-1", "genomics"),
        ("123456789012", "http://localhost:5000", "eu-west-1", "genomics"),
        ("123456789012", None, "eu-west-2", "genomics"),
        ("123456789012", None, "eu-west-1", "Genomics"),
        ("123456789012", None, "eu-west-1", "../../etc/passwd"),
        ("123456789012", None, "eu-west-1", "__________etc_passwd"),
        ("123456789012", None, "eu-west-1", "ü" * 300),
        ("123456789012", None, "eu-west-1", "a" * 300),
        ("123456789012", None, "eu-west-1", "a" * 301),
    ]
    names = [key(*one) for one in wanted]
    assert len({name.lower() for name in names}) == len(wanted)
    assert all(name.isascii() and "/" not in name and "." not in name and len(name) < 240 for name in names)
    assert names[0].startswith("123456789012-eu-west-1-genomics-")
    assert names == [key(*one) for one in wanted]


def told(*runs: tuple[bool, dict[str, dict[str, str]]]) -> Past:
    """What is known after runs that told this, whole or not."""
    lines: list[str] = []
    for whole, addresses in runs:
        Journal(lines.append).applied("r1", "n1", "5a17", addresses, whole=whole, at=1.0)
    found = history(lines)
    assert not found.faults
    return found.past


def test_what_was_applied_is_read_back() -> None:
    """By address and path, with the rules and the salt; it makes no run by itself."""
    applied = Applied("n1", "5a17", {"priority": "ab"})
    assert told((False, {"job_queue.high": {"priority": "ab"}})) == Past({"job_queue.high": applied}, False)
    assert history([]).past == Past()


def test_a_run_about_everything_takes_the_place_of_what_was_known() -> None:
    """What it does not name was not there; a run about a part adds to what is known."""
    one, other = {"job_queue.a": {"priority": "ab"}}, {"job_queue.b": {"priority": "cd"}}
    assert set(told((True, one), (True, other)).applied) == {"job_queue.b"}
    assert set(told((True, one), (False, other)).applied) == {"job_queue.a", "job_queue.b"}
    assert told((True, one), (False, other)).whole


def test_what_is_called_is_in_doubt_until_the_run_tells() -> None:
    """A call may have been done; a step of a scheme without an address says nothing of any."""
    lines: list[str] = []
    journal = Journal(lines.append)
    journal.applied("r1", "n1", "5a17", {"job_queue.a": {"priority": "ab"}}, whole=True, at=1.0)
    journal.begin("r2", "update:job_queue.a:1", "UpdateJobQueue", "ab", 2.0)
    journal.begin("r2", "s1", "UpdateJobQueue", "ab", 2.0)
    assert history(lines).past == Past({"job_queue.a": None}, True)


@pytest.mark.parametrize(
    "damage", [{"addresses": 1}, {"addresses": {"a.b": 1}}, {"addresses": {"a.b": ["x"]}}, {"salt": None, "whole": 1}]
)
def test_a_damaged_record_of_what_was_applied_is_a_fault(damage: dict[str, object]) -> None:
    """It is told with its line, and nothing is known by it."""
    whole = {"record": "applied", "run": "r1", "rules": "n1", "salt": "5a17", "whole": True, "addresses": {}, "at": 1.0}
    found = history([json.dumps({**whole, **damage})])
    assert [fault.line for fault in found.faults] == [1]
    assert found.past == Past()
