"""What a plan of nothing to do costs as definitions and stacks grow: it should be no more than twice for twice as many.

The cost is processor time of reading the manifest, reading the account over HTTP, and planning, within a process in
which all is imported. The slope is that of the logarithm of the cost over that of the number, over the last tenfold,
where what every plan costs hides least. Of stacks, which have ten definitions each, one is planned: the others are
read, since an account cannot be read in part.
"""

import math
import time
from collections.abc import Callable, Sequence

from benchmarks.account import as_yaml
from benchmarks.frame import PYTHON, Row, Rows, Setting, alone, held_against, in_turns, spend
from benchmarks.nochange import FAST
from benchmarks.serving import Holding, serving

SLOPE = 1.05
REGIONS = ("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "us-east-1", "us-east-2", "us-west-2")


def measure(setting: Setting) -> Rows:
    sizes = (10, 100, 1000) if setting.quick else (10, 100, 1000, 10_000)
    counts = tuple(size // 10 for size in sizes)
    definitions = [
        Holding(region, definitions=size, revisions=1) for size, region in zip(sizes, REGIONS[:4], strict=False)
    ]
    stacks = [
        Holding(region, definitions=10, revisions=1, stacks=count)
        for count, region in zip(counts, REGIONS[4:], strict=False)
    ]
    with serving(setting.folder, *definitions, *stacks, frozen=True) as endpoint:
        yield _slope("definitions", sizes, [_cost(setting, endpoint, holding) for holding in definitions])
        yield _slope("stacks", counts, [_cost(setting, endpoint, holding) for holding in stacks])
        yield from largest(setting, endpoint, definitions[-1])


def _cost(setting: Setting, endpoint: str, holding: Holding) -> float:
    """The least processor time of a few plans."""
    from providers.resources import Target
    from reconciler import Reconciler, Settings, load

    path = setting.folder / "grown.yaml"
    path.write_text(as_yaml(holding.manifest()))
    settings = Settings(parallelism=16, max_api_rate=1e6)
    reconciler = Reconciler.connect(Target(region=holding.region, endpoint_url=endpoint), settings=settings)

    def run() -> None:
        made = reconciler.plan(load([path], kinds=reconciler.kinds))
        assert made.empty, made.summary

    large = holding.definitions * holding.stacks > 1000
    return min(_processor(run) for _ in range(1 if large else 5))


def _processor(run: Callable[[], None]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def _slope(what: str, numbers: Sequence[int], costs: Sequence[float]) -> Row:
    slopes = [
        math.log(costs[place + 1] / costs[place]) / math.log(numbers[place + 1] / numbers[place])
        for place in range(len(costs) - 1)
    ]
    note = "; ".join(f"{number}: {cost * 1000:.0f} ms" for number, cost in zip(numbers, costs, strict=True))
    return Row(f"slope of cost, {numbers[0]} to {numbers[-1]} {what}", slopes[-1], unit="", target=SLOPE, note=note)


def largest(setting: Setting, endpoint: str, holding: Holding) -> Rows:
    """The largest of them by the command line, against the least that reads the account and the manifest."""
    folder, path = setting.folder, setting.folder / "largest.yaml"
    path.write_text(as_yaml(holding.manifest()))
    memory: list[float] = []
    command = [
        PYTHON,
        "-m",
        "benchmarks.peak",
        "plan",
        str(path),
        "--endpoint-url",
        endpoint,
        "--region",
        holding.region,
        *FAST,
    ]
    least = [PYTHON, "-c", _LEAST, endpoint, holding.region, str(path)]

    def ours() -> float:
        spent = spend(folder, *command)
        memory.append(float(spent.printed.splitlines()[-1]))
        return spent.wall

    taken = in_turns(setting.turns(2), ours, lambda: spend(folder, *least).wall, warm=False)
    name = f"plan of {holding.definitions} definitions"
    yield held_against(name, taken[0], taken[1], "boto3 reading, and libyaml composing", target=1.5)
    yield alone(f"{name}, peak memory", memory, unit="MiB", target=400)


_LEAST = """
import os, sys
os.environ["AWS_DEFAULT_REGION"] = sys.argv.pop(2)
from benchmarks.bare import main
main()
"""
