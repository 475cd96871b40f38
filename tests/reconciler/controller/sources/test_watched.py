"""A program is given so much time, room and memory; with it goes all that it started."""

import os
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import attrs
import pytest

from providers.clock import SystemClock
from providers.errors import Interrupted, SourceAway, SourceRefused
from reconciler.controller.sources.watched import Done, Watched

NOTHING = Path(os.devnull)


@attrs.frozen
class OnceThere(SystemClock):
    """Time that has run out once a file is there."""

    path: Path

    def now(self) -> float:
        return 1e12 if self.path.exists() and self.path.read_text() else 0.0


def run(folder: Path, code: str, seconds: float = 30.0, room: int = 100, watched: Watched | None = None) -> Done:
    words = [sys.executable, "-S", "-c", code]
    until = time.time() + seconds
    return (watched or Watched())(words, environ={"A": "1"}, folder=folder, until=until, room=room, given=NOTHING)


def test_a_program_is_told_as_it_ended(tmp_path: Path) -> None:
    """Its code, what it wrote, and what it said of it; it sees the environment that it is given."""
    done = run(tmp_path, "import os, sys; print(os.environ['A'], os.environ.get('PATH')); sys.exit('why')")
    assert (done.code, done.text, done.told) == (1, "1 None\n", "why\n")


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """In time, and with those that it started."""
    code = "import os, time; pid = os.fork(); open('pid', 'w').write(str(pid)) if pid else None; time.sleep(60)"
    with pytest.raises(SourceAway, match="in time"):
        run(tmp_path, code, watched=Watched(OnceThere(tmp_path / "pid")))
    gone(int((tmp_path / "pid").read_text()))
    with pytest.raises(SourceAway, match="in time"):
        run(tmp_path, "", seconds=0.0)


def gone(pid: int) -> None:
    """A program has ended, and is gone as soon as its new parent looked."""
    state, until = Path(f"/proc/{pid}/stat"), time.time() + 30
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.time() < until


@attrs.frozen
class Ended(SystemClock):
    """Time as it is; once a file is there, whoever runs the program is to end."""

    path: Path
    stop: "Future[int]" = attrs.field(factory=Future)

    def now(self) -> float:
        if self.path.exists() and self.path.read_text() and not self.stop.done():
            self.stop.set_result(15)
        return SystemClock.now(self)


def test_a_program_is_ended_with_who_runs_it(tmp_path: Path) -> None:
    """At once, with those that it started; and no other one begins."""
    code = "import os, time; pid = os.fork(); open('pid', 'w').write(str(pid)) if pid else None; time.sleep(60)"
    clock = Ended(tmp_path / "pid")
    with pytest.raises(Interrupted):
        run(tmp_path, code, watched=Watched(clock, stop=clock.stop))
    gone(int((tmp_path / "pid").read_text()))
    with pytest.raises(Interrupted):
        run(tmp_path, "open('begun', 'w')", watched=Watched(clock, stop=clock.stop))
    assert not (tmp_path / "begun").exists()


@pytest.mark.parametrize("written", ["print('x' * 1000)", "print('x' * 1000, file=__import__('sys').stderr)"])
def test_a_program_that_writes_too_much_is_refused(tmp_path: Path, written: str) -> None:
    """Whether it ends or not; what lay there before does not count."""
    (tmp_path / "before").write_bytes(b"\0" * 1000)
    assert run(tmp_path, written, room=2000).code == 0
    with pytest.raises(SourceRefused, match="more than the source may hold"):
        run(tmp_path, written)
    endless = "import os\nos.mkdir('deep')\nfile = open('deep/f', 'wb')\nwhile True: file.write(b'x' * 4096)"
    with pytest.raises(SourceRefused, match="more than the source may hold"):
        run(tmp_path, endless)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_a_program_that_takes_too_much_memory_fails(tmp_path: Path) -> None:
    """It is the program that runs out of it, and not the machine."""
    watched = Watched(memory=256 * 1024**2)
    done = run(
        tmp_path, "held = []\nfor _ in range(40): held.append(b'x' * 16 * 1024**2)", room=10_000, watched=watched
    )
    assert done.code == 1
    assert "MemoryError" in done.told
    assert run(tmp_path, "held = b'x' * 16 * 1024**2", watched=watched).code == 0


def test_a_program_that_is_absent_is_told(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(SourceRefused, match="no-such-program cannot be run: No such file"):
        Watched()(["no-such-program"], environ={}, folder=tmp_path, until=time.time() + 9, room=9, given=NOTHING)
