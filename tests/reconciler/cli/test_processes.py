"""What only a process shows: signals, terminals, pipes, what is imported."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.reconciler.cli.conftest import FAST, Cli
from tests.reconciler.cli.test_applying import live

MAIN = "from reconciler.cli import main; main()"
BATCHWRIGHT = (sys.executable, "-c", MAIN)
ROOT = Path(__file__).parents[3]
SLOW = ("--provider", "simulator", "--speed", "2")
"""Making an environment takes 40 simulated seconds, twenty real ones: time for a signal, also on a busy machine."""
PATIENCE = 20.0
HEAVY = ("boto3", "botocore", "networkx", "deepdiff", "rich")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes find this checkout, and write their output at once."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@contextmanager
def started(*words: str | Path, program: Sequence[str] = BATCHWRIGHT) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*program, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def waits_for(process: "subprocess.Popen[str]", words: str) -> None:
    """Read stderr up to a line that holds these words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"stderr ended without {words!r}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_an_apply_with_its_report(
    cli: Cli, small: Path, home: Path, number: signal.Signals, code: int
) -> None:
    """While an environment is waited for, the first signal ends the run soon and the report says what was cut short;
    the same command again goes on to the end."""
    with started("apply", small, "--auto-approve", *SLOW) as process:
        waits_for(process, "called CreateComputeEnvironment")
        process.send_signal(number)
        began = time.monotonic()
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == code
        assert time.monotonic() - began < PATIENCE / 2
    assert "interrupted: calls in flight finish" in err
    assert "Traceback" not in out + err
    assert "CreateComputeEnvironment  interrupted" in out
    assert "Interrupted: " in out
    assert "high" not in live(home)
    assert f"exit {code}" in cli("history", small, *FAST).out
    assert cli("apply", small, "--auto-approve", *FAST).code == 0
    assert cli("plan", small, "--detailed-exitcode", *FAST).code == 0


def test_an_interrupted_apply_is_a_report_under_json(small: Path) -> None:
    """Under `--json` an interrupted run ends with its report too."""
    with started("apply", small, "--auto-approve", "--json", *SLOW) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"CreateComputeEnvironment"' in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (130, "")
        assert '"event": "report"' in out.splitlines()[-1]
        assert '"interrupted_by": 2' in out.splitlines()[-1]


def test_a_second_signal_ends_at_once() -> None:
    """A second signal does not wait for calls in flight."""
    code = (
        "import os, signal, sys, time\n"
        "from reconciler.cli.interrupts import interruptible\n"
        "with interruptible() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    assert stop.result(5) == signal.SIGINT\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(20)\n"
    )
    began = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], timeout=PATIENCE).returncode == 143
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("words", [("schema",), ("--help",), ("plan", "small.yaml", *FAST)])
def test_a_reader_that_goes_is_no_error(words: Sequence[str]) -> None:
    """`| head -1` of anything ends without a complaint."""
    line = 'set -o pipefail; "$@" | { head -c 1; exec 0<&-; }'
    done = subprocess.run(
        ["bash", "-c", line, "bash", *BATCHWRIGHT, *words], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_manifest_through_a_pipe(small: Path, home: Path) -> None:
    """A manifest may come through a pipe, which can be read once only: `apply <(envsubst …)`."""
    line = 'cat small.yaml | "$@" apply /dev/stdin --auto-approve --provider simulator --speed 1000'
    done = subprocess.run(
        ["bash", "-c", line, "bash", *BATCHWRIGHT], capture_output=True, text=True, timeout=PATIENCE, cwd=small.parent
    )
    assert done.returncode == 0, done.stderr
    assert "high" in live(home)


def test_a_full_disk_is_an_error(small: Path) -> None:
    """A result that cannot be written ends with 1 and says why."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*BATCHWRIGHT, "validate", small], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE
        )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: stdout cannot be written: No space left on device\n")


_TAKES_THE_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
"""Makes stdin the terminal of a new session, whose keys then send signals."""


def on_a_terminal(
    words: Sequence[str | Path], answers: dict[bytes, bytes], rows: int = 24, code: str = MAIN
) -> tuple[int, str]:
    """Run a command on a terminal of its own and answer what it says; its exit code and all that it showed."""
    terminal, inner = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 120, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", _TAKES_THE_TERMINAL + code, *map(str, words)],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**os.environ, "TERM": "xterm", "LINES": str(rows)},
        start_new_session=True,
    ) as process:
        os.close(inner)
        seen, left = b"", dict(answers)
        ends = time.monotonic() + PATIENCE
        # A terminal whose process has ended fails on reading.
        with suppress(OSError):
            while time.monotonic() < ends and (select.select([terminal], [], [], ends - time.monotonic())[0]):
                seen += os.read(terminal, 65536)
                for words_seen in [words_seen for words_seen in left if words_seen in seen]:
                    os.write(terminal, left.pop(words_seen))
        os.close(terminal)
    return process.returncode, seen.decode(errors="replace")


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b"y\n", 0), (b"YES\n", 0), (b"n\n", 3), (b"\n", 3), (b"what\n", 3), (b"\xff\n", 3), (b"\x04", 3)],
)
def test_the_prompt(small: Path, home: Path, answer: bytes, code: int) -> None:
    """On a terminal apply asks; anything but yes is no, and changes nothing."""
    ended, shown = on_a_terminal(["apply", small, *FAST], {b"[y/N]": answer})
    assert ended == code, shown
    assert "Carry this out in account 123456789012, us-east-1? [y/N]" in shown
    assert ("high" in live(home)) is (code == 0)
    assert ("the plan was not approved; nothing was changed" in shown) is (code == 3)


def test_an_interrupt_at_the_prompt(small: Path, home: Path) -> None:
    """Ctrl-C at the prompt ends the command at once, with 130 and nothing changed."""
    ended, shown = on_a_terminal(["apply", small, *FAST], {b"[y/N]": b"\x03"})
    assert (ended, live(home)) == (130, set()), shown
    assert "interrupted; nothing was changed" in shown


@pytest.mark.parametrize("words", ["[y/N]", "Plan: "])
def test_an_interrupt_before_the_prompt_is_read(small: Path, home: Path, words: str) -> None:
    """A signal that comes as the prompt, or what stands before it, is shown is not lost: nobody is waited for."""
    code = (
        "import os, signal, time\n"
        "from reconciler.cli import main\n"
        "from reconciler.cli.terminal import Terminal\n"
        "for name in ('result', 'aside'):\n"
        "    def shown(self, text, tell=getattr(Terminal, name)):\n"
        "        tell(self, text)\n"
        f"        if {words!r} in text:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "    setattr(Terminal, name, shown)\n"
        "main()\n"
    )
    ended, shown = on_a_terminal(["apply", small, *FAST], {}, code=code)
    assert (ended, live(home)) == (130, set()), shown


def test_destroy_asks_by_the_name_of_the_stack(applied: Path) -> None:
    """Before a stack is destroyed its name is told."""
    ended, shown = on_a_terminal(["destroy", applied, *FAST], {b"[y/N]": b"n\n"})
    assert ended == 3
    assert "Delete all of stack small in account 123456789012, us-east-1?" in shown


def test_progress_on_a_terminal(small: Path) -> None:
    """On a terminal the steps are a table that shows CREATING, then VALID, and leaves the field to the report."""
    ended, shown = on_a_terminal(["apply", small, "--auto-approve", "--provider", "simulator", "--speed", "100"], {})
    assert ended == 0
    assert shown.index("CREATING") < shown.index("VALID")
    assert "create:compute_environment.fast" in shown
    assert "3 in all" in shown
    report = shown.rpartition("\x1b[?25h")[2]
    assert "create:" not in report
    assert "Applied and checked: 3 done" in report
    assert "\x1b[1mApplied" in shown


def test_no_colour_on_a_terminal(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--no-color` and NO_COLOR leave a terminal without colours, errors included."""
    assert "\x1b[31" in on_a_terminal(["validate", "nowhere"], {})[1]
    assert "\x1b[" not in on_a_terminal(["validate", "nowhere", "--no-color"], {})[1]
    assert "\x1b[" not in on_a_terminal(["plan", small, "--no-color", *FAST], {})[1]
    assert "\x1b[" in on_a_terminal(["plan", small, *FAST], {})[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in on_a_terminal(["plan", small, *FAST], {})[1]
    assert "\x1b[" not in on_a_terminal(["validate", "nowhere"], {})[1]


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("validate", "small.yaml"),
        ("show", "plan.json"),
        ("schema",),
        ("schema", "plan"),
        ("explain", "computeResources.type"),
        ("iam", "plan.json"),
        ("simulator", "--help"),
        ("simulator", "rules"),
    ],
)
def test_what_looks_only_starts_at_once(cli: Cli, small: Path, words: Sequence[str]) -> None:
    """Help, validate, show, schema, explain, iam and the simulator's rules import none of what takes long."""
    cli("plan", small, "--out", "plan.json", *FAST)
    code = (
        "import sys\nfrom reconciler.cli import run\n"
        f"code = run(sys.argv[1:])\nheavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(heavy, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_help_imports_next_to_nothing() -> None:
    """Click and the terminal are all that it takes: neither the classes of ours, nor what makes them."""
    code = (
        "import sys\nfrom reconciler.cli import run\nassert run(['--help']) == 0\n"
        "print([name for name in ('attr', 'yaml', 'providers', 'secrets') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_the_console_script() -> None:
    """The command `batchwright` is `reconciler.cli:main`."""
    from importlib.metadata import entry_points

    (found,) = entry_points(group="console_scripts", name="batchwright")
    assert found.value == "reconciler.cli:main"
