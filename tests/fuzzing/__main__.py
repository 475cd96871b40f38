"""Let atheris look for inputs that a target does not come back from (`make fuzz`).

Each target runs in a process of its own, since libFuzzer ends it. What is found is kept below tests/fuzzing/found,
where the test suite replays it from then on.
"""

import argparse
import importlib
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SLOWEST = 10
"""Seconds that one input may take."""
_LARGEST = 200_000
"""Bytes of an input."""


def _fuzz(name: str, seconds: int, runs: int) -> None:
    """Fuzz one target in this process, until it ends it."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["plans", "providers", "reconciler"]):
        corpus: Any = importlib.import_module("tests.fuzzing.corpus")
        targets: Any = importlib.import_module("tests.fuzzing.targets")
    mutations: Any = importlib.import_module("tests.fuzzing.mutations")
    seeds = corpus.seeds(name)

    def changed(data: bytes, most: int, seed: int) -> bytes:
        dice = random.Random(seed)
        made: bytes = mutations.mutated(data, dice, seeds) if dice.random() < 0.8 else atheris.Mutate(data, most)
        return made[:most]

    kept = corpus.FOUND / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate([*seeds, *corpus.found(name).values()]):
            Path(folder, str(number)).write_bytes(seed)
        limits = (f"-max_total_time={seconds}", f"-runs={runs}", f"-timeout={_SLOWEST}", f"-max_len={_LARGEST}")
        flags = (*limits, "-rss_limit_mb=3000", "-len_control=0", f"-artifact_prefix={kept}/", folder)
        atheris.Setup([sys.argv[0], *flags], targets.TARGETS[name], custom_mutator=changed)
        atheris.Fuzz()


def _told(name: str, said: str, code: int) -> str:
    """A line about a target, of what libFuzzer said of it."""
    lines = re.findall(r"^#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)", said, re.MULTILINE)
    runs, covered, features, kept = lines[-1] if lines else ("0",) * 4
    done = re.search(r"^Done (\d+) runs", said, re.MULTILINE)
    verdict = "no defect" if code == 0 else "A DEFECT"
    figures = f"{covered:>6} edges {features:>7} features {kept:>5} inputs kept"
    return f"{name:16} {done[1] if done else runs:>9} runs {figures}  {verdict}"


def main(arguments: Sequence[str]) -> int:
    from tests.fuzzing.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all, or some of {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long each target is fuzzed (1)")
    parser.add_argument("--runs", type=int, default=-1, help="how often each target is run at most; -1 for no limit")
    given = parser.parse_args(arguments)
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    failed = False
    for name in given.targets or TARGETS:
        words = [sys.executable, "-m", "tests.fuzzing", "--one", name, str(int(given.minutes * 60)), str(given.runs)]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = done.stdout.decode(errors="replace")
        print(_told(name, said, done.returncode), flush=True)
        if done.returncode:
            failed = True
            print("\n".join(said.splitlines()[-60:]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _fuzz(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    sys.exit(main(sys.argv[1:]))
