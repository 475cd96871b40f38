"""The lock: one run at a time, and nothing left of one that was killed."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from providers.errors import InputError, LockHeld, StoreError
from reconciler.keeping import Keeping
from reconciler.lock import FileLock, Holder, NoLock, Place, place

ME = Holder("build-7", 4711, 1_800_000_000.0, "apply of genomics")
OTHER = Holder("laptop", 12, 1_800_000_100.0)

_HOLD = """
import sys
from pathlib import Path
from reconciler.lock import FileLock, Holder
with FileLock(Path(sys.argv[1]), Holder("elsewhere", 99, 1_800_000_000.0, "destroy of genomics")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_told_who_holds_it(tmp_path: Path) -> None:
    """The refusal names the process, its host, since when, and what it is doing."""
    path = tmp_path / "state" / "stack.lock"
    with FileLock(path, ME):
        with pytest.raises(LockHeld) as caught, FileLock(path, OTHER):
            pass
        told = "another run holds the lock: process 4711 on build-7 (apply of genomics), since 2027-01-15 08:00:00 UTC"
        assert caught.value.message == told
        assert caught.value.exit_code == 3


def test_a_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    """However the block ends, the next holder gets the lock, and the same object can take it again."""
    path = tmp_path / "stack.lock"
    lock = FileLock(path, ME)
    with pytest.raises(RuntimeError, match="inside"), lock:
        raise RuntimeError("inside")
    with FileLock(path, OTHER):
        pass
    with lock, pytest.raises(LockHeld):
        FileLock(path, OTHER).__enter__()


def test_a_refused_holder_frees_nothing(tmp_path: Path) -> None:
    """Whoever was refused leaves the lock with the one who holds it, with its name on it."""
    path = tmp_path / "stack.lock"
    with FileLock(path, ME):
        for _ in range(2):
            with pytest.raises(LockHeld, match="process 4711 on build-7"), FileLock(path, OTHER):
                pass


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    """Two threads of one process cannot hold it together."""
    path = tmp_path / "stack.lock"
    refused: list[LockHeld] = []

    def run() -> None:
        try:
            with FileLock(path, OTHER):
                pass
        except LockHeld as error:
            refused.append(error)

    with FileLock(path, ME):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_processes_exclude_each_other_and_a_killed_one_leaves_nothing(tmp_path: Path) -> None:
    """While another process holds it, it is refused; once that process is killed, it is free."""
    path = tmp_path / "stack.lock"
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld, match="process 99 on elsewhere"), FileLock(path, ME):
            pass
        process.kill()
        process.wait()
        with FileLock(path, ME), pytest.raises(LockHeld, match="process 4711"):
            FileLock(path, OTHER).__enter__()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": "x"}', '{"host": "x", "pid": 1, "since": 1e300}'])
def test_a_lock_that_says_nothing_useful_is_held_all_the_same(tmp_path: Path, text: str) -> None:
    """What the file says decides nothing: only the lock itself does."""
    path = tmp_path / "stack.lock"
    with FileLock(path, ME):
        path.write_text(text)
        with pytest.raises(LockHeld, match="it has not said who it is"), FileLock(path, OTHER):
            pass


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Where the file cannot be made, the error names it and what to set."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"stack\.lock") as caught, FileLock(tmp_path / "file" / "stack.lock", ME):
        pass
    assert caught.value.hint is not None


def test_no_lock_excludes_nobody() -> None:
    """Whoever asks for no lock gets none."""
    with NoLock(), NoLock():
        pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file", Place()),
        ("none", Place("none")),
        ("s3://locks/batch", Place("s3", "locks", "batch")),
        ("s3://my.locks-1/a/b/", Place("s3", "my.locks-1", "a/b")),
        ("dynamodb://Terraform_locks/batch/prod", Place("dynamodb", "Terraform_locks", "batch/prod")),
    ],
)
def test_a_place_is_read_as_it_is_written(text: str, said: Place) -> None:
    """A slash at the end of a key says nothing; what was read reads as itself."""
    assert place(text) == place(said) == said
    assert place(str(said)) == said


@pytest.mark.parametrize("text", ["File", "s3:/locks/x", "s3://locks//", "s3://lo/x", "s3://locks/\n", "dynamodb://t"])
def test_what_is_no_place_is_refused(text: str) -> None:
    """With what would be one."""
    with pytest.raises(InputError) as caught:
        place(text)
    assert "dynamodb://TABLE/KEY" in str(caught.value.hint)


def test_who_keeps_what(tmp_path: Path) -> None:
    """Without a folder a file locks nothing and looks at nothing; `none` looks; each stack has a lock of its own."""
    nowhere = Keeping(None, None, "eu-west-1")
    assert nowhere.lock("1", "lab", 0.0) == NoLock()
    assert not nowhere.by_account
    assert Keeping(tmp_path, None, "eu-west-1", Place("none")).lock("1", "lab", 0.0).looks
    here = Keeping(tmp_path, None, "eu-west-1")
    with here.lock("1", "lab", 0.0), here.lock("1", "other", 0.0), here.lock("2", "lab", 0.0):
        pass
    with here.lock("1", "lab", 0.0), pytest.raises(LockHeld), here.lock("1", "lab", 0.0):
        pass
    assert Keeping(None, None, "eu-west-1", place("s3://locks/x")).by_account
    with pytest.raises(InputError):
        Keeping(None, None, "eu-west-1", place("s3://locks/x")).lock("1", "lab", 0.0)


def test_a_lock_in_a_file_is_never_lost_and_never_rests(tmp_path: Path) -> None:
    """It needs no tending, and a dead holder's name is all that there is to free."""
    for lock in (FileLock(tmp_path / "lock", ME), NoLock()):
        assert lock.free() is None
        with lock:
            lock.tend()
            assert (lock.rest(), lock.lost(), lock.looks) == (None, None, False)
        assert lock.free() is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("s3://b/k", "the name of a bucket has 3 to 63 "),
        (f"s3://{'b' * 64}/k", "the name of a bucket has 3 to 63 "),
        ("dynamodb://t/k", "the name of a table has 3 to 255 "),
        ("s3://locks", "it names no KEY"),
        ("s3://locks/", "it names no KEY"),
        ("dynamodb://locks/x y", "KEY has 1 to 512 characters, none of them a blank"),
    ],
)
def test_why_a_text_is_no_lock(text: str, why: str) -> None:
    """What names a service is told what is wrong with it; what names none is told the forms alone."""
    with pytest.raises(InputError) as caught:
        place(text)
    assert caught.value.message.startswith(f"{text!r} is no lock: {why}")
    with pytest.raises(InputError, match=r"'iron' is no lock$"):
        place("iron")
