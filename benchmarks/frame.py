"""What a measurement is made of: rows, rounds in turns, and processes whose cost is known."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

PYTHON = sys.executable
BATCHWRIGHT = str(Path(PYTHON).with_name("batchwright"))
REGION = "eu-west-1"
ROOT = Path(__file__).parent.parent
_SETTING = re.compile("AWS_|TF_|BATCHWRIGHT_(?!BENCH_)")


@attrs.frozen
class Setting:
    """How to measure: `rounds` at most, in `folder`; `quick` leaves out what takes long, `full` nothing at all."""

    folder: Path
    rounds: int = 7
    quick: bool = False
    full: bool = False

    def turns(self, most: int) -> int:
        """The rounds of what takes so long that more than these are too many."""
        return max(1, min(self.rounds, most, 2 if self.quick else most))


@attrs.frozen
class Row:
    """One figure: ours, and where there is something that it is held against, theirs and the ratio.

    `spread` is the median absolute deviation of the ratio (of ours, where there is none) as a share of it. `target` is
    the most that ratio or figure may be; None where there is no goal. `unit` is that of ours and theirs; times are in
    seconds.
    """

    name: str
    ours: float
    theirs: float | None = None
    against: str = ""
    unit: str = "s"
    ratio: float | None = None
    spread: float | None = None
    target: float | None = None
    note: str = ""

    @property
    def figure(self) -> float:
        """What the target speaks of."""
        return self.ours if self.ratio is None else self.ratio

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.figure <= self.target

    def to_json(self) -> dict[str, Any]:
        return attrs.asdict(self) | {"met": self.met}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "Row":
        return cls(**{name: value for name, value in told.items() if name != "met"})


@attrs.frozen
class Skipped:
    """What was not measured, and why."""

    name: str
    why: str


def held_against(name: str, ours: Sequence[float], theirs: Sequence[float], against: str, **more: Any) -> Row:
    """A row of two that were measured in turns: the ratio is the median of the ratios of each turn."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Row(
        name,
        statistics.median(ours),
        statistics.median(theirs),
        against,
        ratio=statistics.median(ratios),
        spread=deviation(ratios),
        **more,
    )


def alone(name: str, ours: Sequence[float], **more: Any) -> Row:
    """A row of something that is held against nothing."""
    return Row(name, statistics.median(ours), spread=deviation(ours), **more)


def deviation(values: Sequence[float]) -> float:
    """The median absolute deviation, as a share of the median."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values) / abs(middle) if middle else 0.0


def in_turns(rounds: int, *runs: Callable[[], float], warm: bool = True) -> list[list[float]]:
    """What each run tells, `rounds` times, in turns so that a noisy neighbour disturbs all alike.

    With `warm` there is a turn before the first that is not counted: it fills caches.
    """
    told = [[run() for run in runs] for _ in range(rounds + warm)][warm:]
    return [list(column) for column in zip(*told, strict=True)]


def timed(run: Callable[[], object]) -> Callable[[], float]:
    """A run that tells the seconds it took."""

    def measured() -> float:
        began = time.perf_counter()
        run()
        return time.perf_counter() - began

    return measured


@attrs.frozen
class Spent:
    """What a process cost: seconds on the wall and of the processor, its peak of memory, and what it printed.

    The peak is that of this process where that is more (see `benchmarks.peak`).
    """

    wall: float
    cpu: float
    mib: float
    printed: str


def environ(folder: Path) -> dict[str, str]:
    """An environment for measured processes: credentials good for any server of ours, compiled modules kept, and no
    settings of whoever runs this."""
    kept = {name: value for name, value in os.environ.items() if not _SETTING.match(name)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PAGER": "",
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(folder / "state"),
    }


def spend(folder: Path, *command: str) -> Spent:
    """Run a process to its end, which must be a good one."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environ(folder), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    assert process.returncode == 0, f"{' '.join(command)}\n{printed}"
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, printed)


def wall(folder: Path, *command: str) -> Callable[[], float]:
    """A run of a process that tells its seconds on the wall."""
    return lambda: spend(folder, *command).wall


Rows = Iterator[Row | Skipped]
