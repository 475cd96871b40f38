"""Runs every benchmark and prints a table, and with `--json FILE` the figures."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from benchmarks.account import manifest

BATCHWRIGHT = str(Path(sys.executable).with_name("batchwright"))


@attrs.frozen
class Figure:
    """One ratio: the median time of ours over that of what it is held against, both in seconds."""

    name: str
    ours: float
    theirs: float
    against: str

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def in_turns(rounds: int, *runs: Callable[[], object]) -> list[float]:
    """The median seconds of each, measured in turns so that a noisy neighbour disturbs all alike."""
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for place, run in enumerate(runs):
            began = time.perf_counter()
            run()
            seconds[place].append(time.perf_counter() - began)
    return [statistics.median(row) for row in seconds]


def process(*arguments: str, environ: dict[str, str] | None = None) -> Callable[[], object]:
    return lambda: subprocess.run(
        arguments,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    )


def start(rounds: int) -> Iterator[Figure]:
    ours, theirs = in_turns(rounds, process(BATCHWRIGHT, "--help"), process(sys.executable, "-c", "import click"))
    yield Figure("batchwright --help", ours, theirs, "python -c 'import click'")


def reading(rounds: int, folder: Path) -> Iterator[Figure]:
    import yaml

    from plans.manifest import Source, parse
    from providers import model
    from providers.kinds import bind

    kinds = bind(model.load())
    text = yaml.safe_dump(json.loads(manifest())).encode()
    (folder / "full.yaml").write_bytes(text)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    ours, theirs = in_turns(
        rounds,
        lambda: parse([Source("full.yaml", text)], variables={}, kinds=kinds),
        lambda: yaml.load(text, Loader=loader),
    )
    yield Figure("read and check 600 resources", ours, theirs, "yaml.load with libyaml")


def no_change(rounds: int, folder: Path) -> Iterator[Figure]:
    """A plan of a full account that holds what it should, over HTTP, against boto3 that only reads the same pages."""
    import boto3
    from botocore.config import Config

    from providers.resources import Target
    from reconciler import Reconciler, Settings, load

    path = folder / "full.json"
    path.write_text(manifest())
    file = str(folder / "simulator.db")
    wanted = load([path])
    filling = Target(provider="simulator", region="eu-west-1", simulator_file=file, speed=1e6)
    settings = Settings(parallelism=16, max_api_rate=1e6)
    Reconciler.connect(filling, settings=settings).apply(wanted)
    credentials = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    os.environ.update(credentials)
    with serving(file) as endpoint:
        target = Target(region="eu-west-1", endpoint_url=endpoint)
        reconciler = Reconciler.connect(target, settings=settings)
        client: Any = boto3.client(
            "batch", region_name="eu-west-1", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1})
        )

        def plan() -> None:
            made = reconciler.plan(wanted)
            assert made.empty, made.summary

        def read() -> None:
            listings: tuple[tuple[str, dict[str, str]], ...] = (
                ("describe_compute_environments", {}),
                ("describe_job_queues", {}),
                ("describe_job_definitions", {"status": "ACTIVE"}),
            )
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(lambda row: list(client.get_paginator(row[0]).paginate(**row[1])), listings))

        plan()
        ours, theirs = in_turns(rounds, plan, read)
        yield Figure("no-change plan of 50 + 50 + 500, HTTP", ours, theirs, "boto3 paging the same, concurrently")


def simulator() -> tuple[list[Figure], dict[str, float]]:
    """What the simulator takes, empty and full, and its absolute figures."""
    run = [sys.executable, "-m", "benchmarks.control_plane"]
    took: dict[str, float] = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    rows = (
        ("simulated call under boto3", "describe through boto3", "boto3 alone"),
        ("simulated call, full store", "describe, full store", "describe"),
        ("simulated submission, full store", "submit, full store", "submit"),
        ("simulated call over HTTP, full store", "describe, HTTP, full store", "describe, HTTP"),
        ("simulated page of jobs, full store", "a page of waiting jobs, full store", "a page of waiting jobs"),
        ("simulated revision, 5,000 INACTIVE before", "the ACTIVE revision, after many", "the ACTIVE revision"),
        ("simulated call, store in a file", "describe, file", "describe"),
        ("simulated submission, store in a file", "submit, file", "submit"),
    )
    figures = [Figure(name, took[ours], took[theirs], theirs) for name, ours, theirs in rows]
    return figures, {
        "simulated calls a second over HTTP, full store": 1 / took["describe, HTTP, full store"],
        "peak memory of the full store, MiB": took["peak_mib"],
    }


def emptying() -> dict[str, float]:
    """What it takes to end the jobs of a full queue."""
    run = [sys.executable, "-m", "benchmarks.emptying"]
    took: dict[str, float] = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    return {
        "calls to end 50,000 jobs": took["calls"],
        "peak memory of that, MiB": took["peak_mib"],
    }


@contextmanager
def serving(file: str) -> Iterator[str]:
    server = subprocess.Popen(
        [BATCHWRIGHT, "simulator", "serve", "--port", "0", "--simulator-file", file],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = [*start(options.rounds), *reading(options.rounds, folder), *no_change(options.rounds, folder)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    simulated, absolute = simulator()
    figures += simulated
    absolute |= emptying()
    for figure in figures:
        print(
            f"{figure.name:<48} {figure.ours * 1000:8.2f} ms  {figure.ratio:5.2f} x  {figure.against}"
            f" ({figure.theirs * 1000:.2f} ms)"
        )
    for name, value in {"peak memory of planning, MiB": memory, **absolute}.items():
        print(f"{name:<48} {value:8.0f}")
    if options.json:
        rows = [attrs.asdict(figure) | {"ratio": figure.ratio} for figure in figures]
        options.json.write_text(json.dumps({"figures": rows, "peak_mib": memory, **absolute}, indent=1) + "\n")


if __name__ == "__main__":
    main()
