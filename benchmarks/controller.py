"""What a controller costs: memory, processor and calls. `python -m benchmarks.controller --stacks 1000 --minutes 11`.

A server of simulated accounts in a process of its own holds the stacks, in targets of 50 that are regions of it, each
stack an environment, a queue and two definitions. A target of more stacks (`--in-one 1000`) has environments and queues
for the first 50 alone, which are as many as an account may have in a region; of definitions there may be older
revisions too (`--revisions 3`). The controller is a process of its own: what it runs is what
`batchwright controller run` does. It finds everything as it is to be (`--apply`: nothing there, and makes it), and is
measured from its first look at the last stack on: what it costs when there is nothing to do.

A shorter `--interval` costs as many times more; the share of a processor is told for the interval of 5 minutes too.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import yaml

from benchmarks.account import manifest
from benchmarks.frame import PYTHON, ROOT, environ
from benchmarks.peak import peak_mib
from benchmarks.serving import started

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

FULL = 50
"""Stacks of a target that have an environment and a queue: as many as an account may have in a region."""
USUAL = 300.0
"""Seconds between two looks at a stack unless it says otherwise."""
TARGET_MIB = 300
TARGET_SHARE = 0.30


@attrs.frozen
class Load:
    """What a controller is given to do, and for how long it is watched."""

    stacks: int
    interval: float
    seconds: float
    workers: int
    in_one: int
    revisions: int
    apply: bool

    def stacks_of(self, target: int) -> range:
        return range(target * self.in_one, min(self.stacks, (target + 1) * self.in_one))

    @property
    def targets(self) -> int:
        return -(-self.stacks // self.in_one)

    def stack(self, number: int, revision: int | None = None) -> str:
        """The manifest of one stack as of a revision, the last one unless it is said."""
        own = int(number % self.in_one < FULL)
        said = json.loads(manifest(own, own, 2, release=revision or self.revisions))
        document = {**said, "stack": f"stack-{number}", "namePrefix": f"s{number}-"}
        return str(yaml.safe_dump(document, sort_keys=False))


def region(target: int) -> str:
    return f"xx-lab-{target + 1}"


# The server.


@attrs.define
class Counting:
    """A WSGI application that counts what it is asked, and tells at `/asked`."""

    application: "WSGIApplication"
    asked: int = 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/asked":
            start_response("200 OK", [])
            return [str(self.asked).encode()]
        self.asked += 1
        return self.application(environ, start_response)


def serve(load: Load) -> None:
    from benchmarks.serving import _arn, _snake, at_once
    from providers.clock import SystemClock
    from providers.simulator import Simulator, Store, wire
    from reconciler.arguments import filled
    from tests import kit

    clock = SystemClock()
    simulator = Simulator(Store.open(None, now=clock.now()), clock, settings=at_once())
    for target in () if load.apply else range(load.targets):
        batch, empty = kit.client(simulator, region=region(target)), kit.Stage.new(region=region(target))
        for number in load.stacks_of(target):
            known: dict[str, str] = {}
            for revision in range(1, load.revisions + 1):
                for step in empty.plan(load.stack(number, revision)).steps:
                    assert step.call is not None
                    if step.call == "RegisterJobDefinition" or revision == 1:
                        said = filled(step.arguments, known, clock.now())
                        known[step.address] = _arn(getattr(batch, _snake(step.call))(**said))
    server = wire.listen(Counting(simulator.wsgi), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


# The controller.


def configured(load: Load, address: str) -> str:
    """Its configuration: a source of files for each target."""
    named = [(target, number) for target in range(load.targets) for number in load.stacks_of(target)]
    document = {
        "listen": "127.0.0.1:0",
        "workers": load.workers,
        "targets": {
            f"target-{target}": {"region": region(target), "endpointUrl": address} for target in range(load.targets)
        },
        "sources": {f"source-{target}": {"folder": f"stacks/{target}"} for target in range(load.targets)},
        "defaults": {"mode": "apply-and-heal", "interval": f"{load.interval:.0f}s"},
        "stacks": {
            f"stack-{number}": {
                "source": f"source-{target}",
                "target": f"target-{target}",
                "paths": [f"{number}.yaml"],
            }
            for target, number in named
        },
    }
    return str(yaml.safe_dump(document, sort_keys=False))


@attrs.define
class Looks:
    """How many stacks were looked at, and which."""

    count: int = 0
    names: set[str] = attrs.field(factory=set)

    def counting(self, look: Callable[..., Sequence[Any]]) -> Callable[..., Sequence[Any]]:
        def looked(*arguments: Any) -> Sequence[Any]:
            found = look(*arguments)
            self.count += len(found)
            self.names |= {seen.stack for seen in found if seen.plan is not None and seen.plan.empty}
            return found

        return looked


def control(load: Load, folder: Path, address: str) -> None:
    """Run it, and print what it cost as JSON."""
    from plans.nodes import Source
    from reconciler.controller import rounds
    from reconciler.controller.logs import silent
    from reconciler.controller.reading import read
    from reconciler.controller.running import run

    looks = Looks()
    rounds.look = looks.counting(rounds.look)
    stop: Future[int] = Future()
    told: dict[str, float] = {}

    def asked() -> int:
        with urllib.request.urlopen(f"{address}/asked") as answer:
            return int(answer.read())

    def watch() -> None:
        began = time.perf_counter()
        while len(looks.names) < load.stacks:
            time.sleep(0.5)
        first = time.perf_counter() - began, time.process_time()
        told.update(first_seconds=first[0], first_cpu=first[1], first_mib=peak_mib(), first_calls=asked())
        print(json.dumps(told), file=sys.stderr, flush=True)
        calls, cpu, count, at = asked(), time.process_time(), looks.count, time.perf_counter()
        time.sleep(load.seconds)
        seconds = time.perf_counter() - at
        told.update(
            seconds=seconds,
            cpu=time.process_time() - cpu,
            calls=asked() - calls,
            looks=looks.count - count,
            mib=peak_mib(),
        )
        stop.set_result(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    said = read(Source("controller.yaml", configured(load, address).encode()), folder=folder)
    run(said, environ=dict(os.environ), log=silent(), stop=stop, serving=lambda _port: None)
    print(json.dumps(told))


# The measurement.


def _command(load: Load, *more: str) -> list[str]:
    told = ["--stacks", load.stacks, "--interval", load.interval, "--minutes", load.seconds / 60]
    told += ["--workers", load.workers, "--in-one", load.in_one, "--revisions", load.revisions]
    return [PYTHON, "-m", "benchmarks.controller", *map(str, told), *(["--apply"] if load.apply else []), *more]


def measured(load: Load, folder: Path) -> dict[str, float]:
    for target in range(load.targets):
        for number in load.stacks_of(target):
            path = folder / "stacks" / str(target) / f"{number}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(load.stack(number))
    with ExitStack() as ended:
        address = ended.enter_context(started(_command(load, "--serve"), folder))
        done = subprocess.run(
            _command(load, "--control", str(folder), address),
            cwd=ROOT,
            env=environ(folder),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def told(load: Load, found: dict[str, float]) -> str:
    """The figures, in words."""
    share = found["cpu"] / found["seconds"]
    usual = share * load.interval / USUAL
    each = found["cpu"] / (found["looks"] or 1) * 1000
    return "\n".join(
        (
            f"{load.stacks} stacks of {load.targets} targets, {load.revisions} revisions of each definition, "
            f"every {load.interval:.0f} s, {load.workers} workers",
            f"until all was as it is to be: {found['first_seconds']:.0f} s, {found['first_cpu']:.0f} s of processor, "
            f"{found['first_calls']:.0f} calls, peak {found['first_mib']:.0f} MiB",
            f"from then on, for {found['seconds']:.0f} s:",
            f"  peak of memory    {found['mib']:.0f} MiB (at most {TARGET_MIB})",
            f"  share of a core   {share:.1%}, at {USUAL:.0f} s {usual:.1%} (at most {TARGET_SHARE:.0%})",
            f"  looks a minute    {found['looks'] / found['seconds'] * 60:.0f}, {each:.1f} ms each",
            f"  calls a second    {found['calls'] / found['seconds']:.2f}",
        )
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.controller", description=__doc__)
    parser.add_argument("--stacks", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=11.0, help="for how long it is watched when nothing is to do")
    parser.add_argument("--interval", type=float, default=USUAL, help="seconds between two looks at a stack (300)")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--in-one", type=int, default=FULL, help="stacks of a target")
    parser.add_argument("--revisions", type=int, default=1, help="ACTIVE revisions of each definition")
    parser.add_argument("--apply", action="store_true", help="begin with nothing there")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--control", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    load = Load(
        options.stacks,
        options.interval,
        options.minutes * 60,
        options.workers,
        options.in_one,
        options.revisions,
        options.apply,
    )
    if options.serve:
        serve(load)
    elif options.control:
        control(load, Path(options.control[0]), options.control[1])
    else:
        with tempfile.TemporaryDirectory() as name:
            print(told(load, measured(load, Path(name))))


if __name__ == "__main__":
    main()
