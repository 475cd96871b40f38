"""Switch off each rule of the simulator and see which test fails without it.

First the tests of the simulator, of the contract, and the scenarios are run once, to learn which of them meet which
rule. Then those that meet a rule are run without it, until one fails: the table says which. A rule that no test misses
ends the run with 1.
"""

import argparse
import contextlib
import fnmatch
import io
import os
import selectors
import signal
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import CodeType, FrameType, FunctionType
from typing import Any, NoReturn, TextIO, cast

import pytest

from tests.exploration import switches

TESTS = ("tests/contract", "tests/lifecycle/test_kinds.py", "tests/lifecycle/test_changes.py")
MORE = ("tests/providers/simulator",)
QUIET = ("-q", "-x", "-p", "no:cacheprovider", "--no-header", "-m", "not needs")
FEW = 5
"""So many tests are tried first: a rule is most likely missed by one that meets few others."""


PATIENCE = 60
"""Seconds for one test: without some rules the world never comes to rest."""


class Meetings:
    """A plugin of pytest that notes which tests call which rules."""

    def __init__(self, rules: dict[CodeType, str]) -> None:
        self.rules = rules
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.met: set[str] = set()

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in self.rules:
            self.met.add(self.rules[frame.f_code])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self.met = set()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            threading.setprofile(lambda *_: None)
            for name in self.met:
                self.tests[name].append(item.nodeid)


def _too_long(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError


class Verdict:
    """A plugin of pytest that notes the first test that fails, or has not ended after `PATIENCE`."""

    def __init__(self) -> None:
        self.failed = ""
        signal.signal(signal.SIGALRM, _too_long)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[Any]:
        signal.alarm(PATIENCE)
        try:
            return (yield)
        finally:
            signal.alarm(0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def meetings(rules: dict[str, FunctionType]) -> dict[str, list[str]]:
    """The tests that meet each rule, first those that meet few others; exits if one of them fails as things are."""
    plugin = Meetings({function.__code__: name for name, function in rules.items()})
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main([*QUIET, *TESTS, *MORE], plugins=[plugin])
    if code != 0:
        sys.exit(f"the tests must pass first:\n{said.getvalue()}")
    met = Counter(test for tests in plugin.tests.values() for test in tests)
    return {name: sorted(tests, key=lambda test: (met[test], test)) for name, tests in plugin.tests.items()}


def _child(work: Callable[[TextIO], None]) -> TextIO:
    """Do `work` in a child process, which writes to what is returned."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            with open(writer, "w") as answer:
                work(answer)
        finally:
            os._exit(0)
    os.close(writer)
    return open(reader)


def _failing(function: FunctionType, way: switches.Off, tests: Sequence[str]) -> str:
    """The first of `tests` that fails without a rule; in a child process, since fixtures outlive a run."""

    def run(answer: TextIO) -> None:
        verdict = Verdict()
        with (
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
            switches.off(function, way),
        ):
            pytest.main([*QUIET, *tests], plugins=[verdict])
        answer.write(verdict.failed)

    with _child(run) as answer:
        failed = answer.read()
    os.wait()
    return failed


def missing(function: FunctionType, way: switches.Off, tests: Sequence[str]) -> str:
    """A test that fails without a rule; empty where there is none."""
    parts = (tests[:FEW], tests[FEW:])
    return next((failed for part in parts if part and (failed := _failing(function, way, part))), "")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exploration.rules", description=__doc__)
    parser.add_argument("rules", nargs="*", default=["*"], help="patterns of rules' names; all where none is given")
    patterns = parser.parse_args(arguments).rules
    rules = switches.functions()
    chosen = [name for name in rules if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    ways = {name: switches.ways(name, rules[name][1]) for name in chosen}
    tests = meetings({name: rules[name][1] for name in chosen})
    trials = [(name, way, off) for name in chosen for way, off in ways[name].items()]

    def work(part: Sequence[tuple[str, str, switches.Off]], answer: TextIO) -> None:
        for name, way, off in part:
            answer.write(f"{name}\t{way}\t{missing(rules[name][1], off, tests.get(name, []))}\n")
            answer.flush()

    cores = os.cpu_count() or 1
    untried, unmissed = {(name, way) for name, way, _ in trials}, set()
    with selectors.DefaultSelector() as answers:
        for core in range(cores):
            answers.register(_child(partial(work, trials[core::cores])), selectors.EVENT_READ)
        while answers.get_map():
            for key, _ in answers.select():
                line = cast("TextIO", key.fileobj).readline()
                if not line:
                    answers.unregister(key.fileobj)
                    continue
                name, way, failed = line.rstrip("\n").split("\t")
                untried.discard((name, way))
                print(f"{name:50} {rules[name][0].basis:10} {way:4} {failed or 'NO TEST FAILS WITHOUT IT'}", flush=True)
                if not failed:
                    unmissed.add(name)
    if untried:
        sys.exit(f"not tried, for a process died: {sorted(untried)}")
    print(f"{len(chosen) - len(unmissed)} of {len(chosen)} rules are missed by a test when they are switched off.")
    return 1 if unmissed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
