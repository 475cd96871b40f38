"""What runs did, as append-only JSON lines: a bracket around every call, on the disk before the call goes out.

A run that was killed shows which calls it was in the middle of. Arguments stand as digests only: a journal holds no
secret. Nothing is ever read back in order to be correct, since the world itself says what is left to do; what was
applied is read back to tell drift from edits.

Records: `run` and `ended` around a run, `begin` and `end` around a call, `waited` once what a call brought about has
settled, `applied` before the end of a run: a digest by
path of each address that ended well, and whether the run was about the whole stack. `at` is in seconds since the epoch.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import attrs

from plans.past import Applied, Digests, Past
from providers.errors import Fault, StoreError


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where journals and locks live: `batchwright` in the XDG state folder.

    Raises StoreError where neither XDG_STATE_HOME (absolute, as the XDG base directory specification wants) nor HOME
    tells it.
    """
    if not has_state_folder(environ):
        raise StoreError("there is no folder for journals and locks", hint="set XDG_STATE_HOME, or HOME")
    state = Path(environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else Path(environ["HOME"], ".local", "state")) / "batchwright"


def has_state_folder(environ: Mapping[str, str]) -> bool:
    """Whether the environment tells where journals and locks live."""
    return Path(environ.get("XDG_STATE_HOME", "")).is_absolute() or bool(environ.get("HOME"))


def key(account: str | None, endpoint: str | None, region: str, stack: str) -> str:
    """The file name, without suffix, of one stack in one account and region behind one endpoint.

    Readable, and different for different arguments: what a file name cannot hold is told apart by a digest.
    """
    digest = hashlib.sha256(json.dumps([account, endpoint, region, stack]).encode()).hexdigest()
    words = (account or "unknown", region, stack)
    return "-".join([*(re.sub(r"[^A-Za-z0-9_-]+", "_", word)[:64] for word in words), digest[:12]])


def digest(arguments: Mapping[str, Any]) -> str:
    """How the arguments of a call stand in a journal."""
    return hashlib.sha256(json.dumps(arguments, sort_keys=True, default=str).encode()).hexdigest()[:16]


@attrs.frozen
class Journal:
    """Writes records through `append`, which takes one line and returns once it is safe.

    `Journal.open(path)` appends to a file; `Journal([].append)` keeps everything in memory, or forgets it.
    """

    append: Callable[[str], object]

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """A journal in a file, made if it is not there. Raises StoreError where it cannot be written."""
        with told("journal", path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield cls(lambda line: _append(path, descriptor, line))
        finally:
            os.close(descriptor)

    def run_started(self, run: str, stack: str, plan_id: str, host: str, pid: int, at: float) -> None:
        self._write(record="run", run=run, stack=stack, plan=plan_id, host=host, pid=pid, at=at)

    def run_ended(self, run: str, exit_code: int, at: float) -> None:
        self._write(record="ended", run=run, exit_code=exit_code, at=at)

    def begin(self, run: str, step: str, call: str, arguments_digest: str, at: float, token: str | None = None) -> None:
        """To be written before the call goes out; `token` is its client token, which is not among what is digested."""
        said = {} if token is None else {"token": token}
        self._write(record="begin", run=run, step=step, call=call, arguments=arguments_digest, at=at, **said)

    def end(
        self, run: str, step: str, status: str, at: float, error: str | None = None, arn: str | None = None
    ) -> None:
        """To be written once the call has ended for good; closes the step's bracket."""
        said = {name: value for name, value in (("error", error), ("arn", arn)) if value is not None}
        self._write(record="end", run=run, step=step, status=status, at=at, **said)

    def waited(self, run: str, step: str, row: str, at: float) -> None:
        """To be written once what a call brought about has settled; `row` names what took that time."""
        self._write(record="waited", run=run, step=step, row=row, at=at)

    def applied(
        self, run: str, rules: str, salt: str, addresses: Mapping[str, Digests], *, whole: bool, at: float
    ) -> None:
        """To be written once a run knows what it brought about, digested by these rules and with this salt."""
        self._write(record="applied", run=run, rules=rules, salt=salt, whole=whole, addresses=addresses, at=at)

    def _write(self, **record: object) -> None:
        self.append(json.dumps(record, separators=(",", ":")))


@attrs.frozen
class Bracket:
    """One call of a run; `ended` and `status` are None while it is open.

    `settled` is when what it brought about had settled, `row` what took the time from its end until then.
    """

    step: str
    call: str
    arguments_digest: str
    began: float
    ended: float | None = None
    status: str | None = None
    error: str | None = None
    arn: str | None = None
    token: str | None = None
    row: str | None = None
    settled: float | None = None

    @property
    def waited(self) -> float | None:
        """For how many seconds what was called took to settle."""
        return None if self.settled is None or self.ended is None else max(0.0, self.settled - self.ended)


@attrs.frozen
class Run:
    """One run as its journal tells it; `exit_code` and `ended` are None where it never said that it ended."""

    id: str
    stack: str = ""
    plan_id: str = ""
    host: str = ""
    pid: int = 0
    started: float = 0.0
    calls: tuple[Bracket, ...] = ()
    ended: float | None = None
    exit_code: int | None = None

    @property
    def open(self) -> tuple[Bracket, ...]:
        """The calls that began and never ended: each may have been done, or not."""
        return tuple(bracket for bracket in self.calls if bracket.ended is None)

    @property
    def interrupted(self) -> bool:
        """Whether it broke off, or is still going on."""
        return self.ended is None or bool(self.open)


@attrs.frozen
class History:
    """The runs of a journal in the order they began, the lines that could not be read, and what was applied last."""

    runs: tuple[Run, ...] = ()
    faults: tuple[Fault, ...] = ()
    past: Past = Past()

    @property
    def tokens(self) -> Mapping[tuple[str, str], str]:
        """The client tokens of calls that may have been done without anybody knowing, by step and arguments."""
        last = {call.step: call for run in self.runs for call in run.calls if call.token is not None}
        return {
            (call.step, call.arguments_digest): call.token
            for call in last.values()
            if call.token is not None and (call.ended is None or call.status == "unknown")
        }


def read(path: Path) -> History:
    """Read a journal; one that was never written is empty. Raises StoreError where it cannot be read."""
    with told("journal", path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return History()
    return history(data.split(b"\n"), str(path))


def history(lines: Iterable[str | bytes], file: str = "journal") -> History:
    """Make runs of a journal's lines. A damaged line is a fault; the others are read all the same."""
    runs: dict[str, Run] = {}
    faults = []
    past = Past()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            run = runs.get(record["run"], Run(record["run"]))
            if record["record"] == "applied":
                past = _applied(past, record)
                continue
            runs[run.id] = _RECORDS[record["record"]](run, record)
            if record["record"] == "begin":
                past = _in_doubt(past, record["step"])
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            OverflowError,
            OSError,
            RecursionError,
        ) as error:
            faults.append(Fault(file, number, 1, "", f"damaged line: {error!r}", "the other lines were read"))
            # It may have told of a call, or of what was applied: what stood before it is no longer certain.
            past = Past()
    return History(tuple(runs.values()), tuple(faults), past)


def _at(record: Mapping[str, Any]) -> float:
    """When a record was written; raises for what no calendar holds."""
    at = float(record["at"])
    datetime.fromtimestamp(at, UTC)
    return at


def _started(run: Run, record: Mapping[str, Any]) -> Run:
    return attrs.evolve(
        run,
        stack=str(record["stack"]),
        plan_id=str(record["plan"]),
        host=str(record["host"]),
        pid=int(record["pid"]),
        started=_at(record),
    )


def _ended(run: Run, record: Mapping[str, Any]) -> Run:
    return attrs.evolve(run, ended=_at(record), exit_code=int(record["exit_code"]))


def _began(run: Run, record: Mapping[str, Any]) -> Run:
    token = record.get("token")
    bracket = Bracket(
        str(record["step"]),
        str(record["call"]),
        str(record["arguments"]),
        _at(record),
        token=None if token is None else str(token),
    )
    return attrs.evolve(run, calls=(*run.calls, bracket))


def _closed(run: Run, record: Mapping[str, Any]) -> Run:
    place = next(
        (at for at, bracket in enumerate(run.calls) if bracket.step == record["step"] and bracket.ended is None), None
    )
    if place is None:
        raise ValueError(f"step {record['step']} ends and never began")
    closed = attrs.evolve(
        run.calls[place],
        ended=_at(record),
        status=str(record["status"]),
        error=record.get("error"),
        arn=record.get("arn"),
    )
    return attrs.evolve(run, calls=(*run.calls[:place], closed, *run.calls[place + 1 :]))


def _waited(run: Run, record: Mapping[str, Any]) -> Run:
    place = next((at for at, bracket in enumerate(run.calls) if _settles(bracket, record["step"])), None)
    if place is None:
        raise ValueError(f"step {record['step']} settles and never ended")
    settled = attrs.evolve(run.calls[place], row=str(record["row"]), settled=_at(record))
    return attrs.evolve(run, calls=(*run.calls[:place], settled, *run.calls[place + 1 :]))


def _settles(bracket: Bracket, step: str) -> bool:
    return bracket.step == step and bracket.status == "done" and bracket.settled is None


def _applied(past: Past, record: Mapping[str, Any]) -> Past:
    """What is known after a run that told what it applied."""
    rules, salt, whole, addresses = (record[member] for member in ("rules", "salt", "whole", "addresses"))
    texts = [rules, salt, *(digest for digests in addresses.values() for digest in digests.values())]
    if not (isinstance(whole, bool) and all(isinstance(text, str) and text.isascii() for text in texts)):
        raise TypeError("digests are texts of ASCII")
    told = {address: Applied(rules, salt, digests) for address, digests in addresses.items()}
    return Past(told, True) if whole else attrs.evolve(past, applied={**past.applied, **told})


def _in_doubt(past: Past, step: str) -> Past:
    """From a call on, and until a run tells what it applied, nobody knows of the address of a step."""
    _, colon, address = step.partition(":")
    return attrs.evolve(past, applied={**past.applied, address.partition(":")[0]: None}) if colon else past


_RECORDS: Mapping[str, Callable[[Run, Mapping[str, Any]], Run]] = {
    "run": _started,
    "ended": _ended,
    "begin": _began,
    "end": _closed,
    "waited": _waited,
}


def _append(path: Path, descriptor: int, line: str) -> None:
    """Write one line and wait until it is on the disk; a line that a crash tore is not glued to it."""
    with told("journal", path):
        end = os.fstat(descriptor).st_size
        torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
        data = (b"\n" if torn else b"") + line.encode() + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)


@contextlib.contextmanager
def told(what: str, path: Path) -> Iterator[None]:
    """Tell an OSError about a file of the state folder as a StoreError; `what` is the journal or the lock."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the {what} {path} cannot be read or written: {error.strerror}",
            hint="set XDG_STATE_HOME to a folder that can be written to",
        ) from error
