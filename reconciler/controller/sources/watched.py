"""Programs that are run under watch: for so long, and writing so much."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import attrs

from providers.clock import Clock, SystemClock
from providers.errors import SourceAway, SourceRefused
from reconciler.controller.sources.revision import go_on

_BETWEEN_LOOKS = 0.05
_MEMORY = 2 * 1024**3


@attrs.frozen
class Done:
    """A program that ended with this code.

    What it wrote lies in `output` until the next is run; `told` is the end of what it said of it.
    """

    code: int
    output: Path
    told: str

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")


class Runner(Protocol):
    """Runs programs."""

    def __call__(
        self, words: Sequence[str], *, environ: Mapping[str, str], folder: Path, until: float, room: int, given: Path
    ) -> Done:
        """Run one in `folder`, with no environment but `environ`, and `given` to read.

        Raises SourceAway where it has not ended `until` then, in seconds of the epoch; SourceRefused where the folder
        has grown by more than `room` bytes, or the program is absent; Interrupted where it is to end.
        """


@attrs.frozen
class Watched:
    """Programs of this machine. They and all that they start have at most `memory` bytes each, where Linux says so.

    Once `stop` is done they are ended, and none begins.
    """

    clock: Clock = attrs.field(factory=SystemClock)
    memory: int = _MEMORY
    stop: Future[int] | None = None

    def __call__(
        self, words: Sequence[str], *, environ: Mapping[str, str], folder: Path, until: float, room: int, given: Path
    ) -> Done:
        go_on(self.stop)
        output, told = folder / "output", folder / "told"
        with open(output, "wb") as out, open(told, "wb") as err, open(given, "rb") as source:
            most = _size(folder) + room
            try:
                process = subprocess.Popen(
                    words, stdin=source, stdout=out, stderr=err, cwd=folder, env=dict(environ), start_new_session=True
                )
            except OSError as error:
                raise SourceRefused(
                    f"{words[0]} cannot be run: {error.strerror}", hint=f"install {words[0]} on this machine"
                ) from error
            self._bound(process.pid)
            try:
                self._watch(process, folder, until, most)
            except BaseException:
                # What it started goes with it.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if _size(folder) > most:
            raise _too_much(words)
        return Done(process.returncode, output, _end(told))

    def _bound(self, pid: int) -> None:
        if sys.platform == "linux":
            import resource

            try:
                _, most = resource.prlimit(pid, resource.RLIMIT_AS)
                memory = self.memory if most == resource.RLIM_INFINITY else min(self.memory, most)
                resource.prlimit(pid, resource.RLIMIT_AS, (memory, memory))
            except ProcessLookupError:
                return

    def _watch(self, process: "subprocess.Popen[bytes]", folder: Path, until: float, most: int) -> None:
        while True:
            left = until - self.clock.now()
            go_on(self.stop)
            if left <= 0:
                raise SourceAway(f"{_name(process.args)} did not end in time", hint="is the network up?")
            try:
                process.wait(min(left, _BETWEEN_LOOKS))
            except subprocess.TimeoutExpired:
                if _size(folder) > most:
                    raise _too_much(process.args) from None
            else:
                return


def _too_much(words: object) -> SourceRefused:
    return SourceRefused(
        f"{_name(words)} was sent more than the source may hold", hint="say maxBytes, maxFiles, or hold less"
    )


def _name(words: object) -> str:
    return " ".join(map(str, words[:2])) if isinstance(words, list | tuple) else str(words)


def _size(folder: Path) -> int:
    """Bytes of all files below a folder in which a program is at work."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                inner = entry.is_dir(follow_symlinks=False)
                total += _size(Path(entry.path)) if inner else entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return total
    return total


def _end(path: Path, size: int = 4096) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read().decode(errors="replace")
