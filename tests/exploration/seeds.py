"""Play histories of many seeds, and print what was met; a seed that finds something is shrunk to a test.

A seed and a level of faults are a history, whatever the machine, so that `--first N --seeds 1` plays one again.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context

import attrs

from providers.errors import BatchwrightError
from tests.exploration.draw import LEVELS, Level, history
from tests.exploration.history import History
from tests.exploration.play import play
from tests.exploration.shrink import as_test, shrink

SHOWN = 3
"""So many of the seeds that find something are shrunk."""


@attrs.frozen
class Played:
    """What came of one seed; `breach` names the property that does not hold, `cpu` is in seconds."""

    seed: int
    breach: str
    told: str
    days: float
    met: Counter[str]
    cpu: float


def play_seed(seed: int, level: Level) -> Played:
    began = time.process_time()
    result = play(history(seed, level))
    name, told = (result.breach.name, str(result.breach)) if result.breach is not None else ("", "")
    return Played(seed, name, told, result.days, result.met, time.process_time() - began)


def breaks(property_: str, history: History) -> bool:
    """Whether a history breaks this property; one that cannot be played does not."""
    try:
        breach = play(history).breach
    except BatchwrightError:
        return False
    return breach is not None and breach.name == property_


def least(found: History, property_: str) -> History:
    """The history that breaks a property, shrunk; it goes on to need what goes wrong in it, if it does."""
    calm = found == found.calm or breaks(property_, found.calm)
    return shrink(found, lambda each: breaks(property_, each) and (calm or not breaks(property_, each.calm)))


def played(seeds: Iterable[int], level: Level, minutes: float, processes: int) -> Iterator[Played]:
    """What came of each seed, as they end, until the time is over."""
    until = time.monotonic() + minutes * 60
    with get_context("fork").Pool(processes) as pool:
        for each in pool.imap_unordered(partial(play_seed, level=level), seeds, chunksize=4):
            yield each
            if time.monotonic() > until:
                pool.terminate()
                return


def figures(all_of_them: Sequence[Played], level: Level, seconds: float) -> str:
    """The lines that say what was played."""
    met = sum((each.met for each in all_of_them), Counter[str]())
    cpu = sum(each.cpu for each in all_of_them)
    broken = Counter(each.breach for each in all_of_them if each.breach)
    rest = sorted(set(met) - {"calls", "runs", "die-before", "die-after"})
    lines = {
        "seeds": f"{len(all_of_them):,} with {level} faults",
        "simulated": f"{sum(each.days for each in all_of_them):,.0f} days",
        "runs": f"{met['runs']:,}",
        "calls": f"{met['calls']:,}",
        "deaths": f"{met['die-before'] + met['die-after']:,}",
        "met": ", ".join(f"{name} {met[name]:,}" for name in rest) or "nothing",
        "violations": ", ".join(f"{name} ({count})" for name, count in broken.items()) or "none",
        "time": f"{seconds:,.0f} s, {cpu:,.0f} s of CPU, {cpu / max(1, len(all_of_them)):.2f} s a seed",
    }
    return "\n".join(f"{name:11} {told}" for name, told in lines.items())


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exploration.seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--minutes", type=float, default=60.0, help="after so many it ends")
    parser.add_argument("--faults", choices=LEVELS, default="heavy")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    said = parser.parse_args(arguments)
    seeds, began = range(said.first, said.first + said.seeds), time.monotonic()
    found = []
    for each in played(seeds, said.faults, said.minutes, said.processes):
        found.append(each)
        if each.breach:
            print(f"seed {each.seed}: {each.told}", flush=True)
    print(figures(found, said.faults, time.monotonic() - began), flush=True)
    broken = sorted((each for each in found if each.breach), key=lambda each: each.seed)
    for each in broken[:SHOWN]:
        small = least(history(each.seed, said.faults), each.breach)
        print(f"\n# seed {each.seed}, shrunk\n{as_test(small, each.breach)}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
