"""A server of simulated accounts in which everything is done at once; run as a process of its own.

`python -m benchmarks.serving HOLDINGS` fills memory, prints its address and serves. HOLDINGS is a JSON list of what
each region holds. Definitions have three ACTIVE revisions each unless it says otherwise.

A server that is `frozen` answers what was asked before from memory, since nothing changes there: what is left of its
own cost is next to nothing, so that a ratio of two of its clients is one of the clients.
"""

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.account import manifest
from benchmarks.frame import PYTHON, REGION, ROOT, environ

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


@attrs.frozen
class Holding:
    """What a region holds: one stack of these sizes and, where `stacks` is more than one, as many of the same."""

    region: str = REGION
    environments: int = 0
    queues: int = 0
    definitions: int = 0
    revisions: int = 3
    stacks: int = 1

    def manifest(self, revision: int | None = None) -> str:
        """The manifest of its first stack as of a revision, the last one unless it is said."""
        last = self.revisions if revision is None else revision
        return manifest(self.environments, self.queues, self.definitions, release=last)


FULL = Holding(environments=50, queues=50, definitions=500)
SMALL = Holding(environments=5, queues=5, definitions=50)


@contextmanager
def serving(folder: Path, *holdings: Holding, frozen: bool = False) -> Iterator[str]:
    """The address of a server that holds this, while the block runs."""
    told = json.dumps([attrs.asdict(holding) for holding in holdings])
    with started([PYTHON, "-m", "benchmarks.serving", told, *(["frozen"] if frozen else [])], folder) as address:
        yield address


@contextmanager
def started(command: Sequence[str], folder: Path) -> Iterator[str]:
    """What a server says first, its address, while the block runs."""
    server = subprocess.Popen(command, cwd=ROOT, env=environ(folder), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        address = server.stdout.readline().strip()
        assert address, "the server did not start"
        yield address
    finally:
        server.terminate()
        server.wait()


def at_once() -> Any:
    """The settings of a service in which nothing takes time."""
    from providers.simulator import Durations, Settings

    none = Durations(**{field.name: 0 for field in attrs.fields(Durations)})
    return Settings(durations=none, relation_lag=0)


def fill(simulator: Any, holding: Holding) -> None:
    """Carry out the calls of the plans for an empty account, one for each revision, without waits."""
    from reconciler.arguments import filled
    from tests import kit

    batch = kit.client(simulator, region=holding.region)
    empty = kit.Stage.new(region=holding.region)
    known: dict[str, str] = {}
    for revision in range(1, holding.revisions + 1):
        for step in empty.plan(holding.manifest(revision)).steps:
            assert step.call is not None
            if revision > 1 and step.call != "RegisterJobDefinition":
                continue
            said = filled(step.arguments, known, simulator.clock.now())
            known[step.address] = _arn(getattr(batch, _snake(step.call))(**said))
            if step.call == "RegisterJobDefinition":
                for number in range(1, holding.stacks):
                    batch.register_job_definition(**_of_another_stack(said, number))


def _arn(answer: dict[str, Any]) -> str:
    return str(next(value for key, value in answer.items() if key.endswith("Arn")))


def _snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def _of_another_stack(said: dict[str, Any], number: int) -> dict[str, Any]:
    tags = said["tags"] | {"batchwright:stack": f"other-{number}"}
    return said | {"jobDefinitionName": f"other-{number}-{said['jobDefinitionName']}", "tags": tags}


@attrs.define
class Frozen:
    """A WSGI application in front of another whose answers never change."""

    application: "WSGIApplication"
    _known: dict[tuple[str, str, bytes], tuple[str, list[tuple[str, str]], bytes]] = attrs.field(factory=dict)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        # The region is the fourth part of the scope that a request is signed for.
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0]
        key = (environ["PATH_INFO"], scope.rpartition("/batch")[0].rpartition("/")[2], body)
        if key not in self._known:
            self._known[key] = self._asked({**environ, "wsgi.input": io.BytesIO(body)})
        status, headers, answer = self._known[key]
        start_response(status, headers)
        return [answer]

    def _asked(self, environ: "WSGIEnvironment") -> tuple[str, list[tuple[str, str]], bytes]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Any:
            begun.append((status, headers))

        answer = b"".join(self.application(environ, start))
        return *begun[0], answer


def main() -> None:
    from providers.clock import ManualClock
    from providers.simulator import Simulator, Store, wire

    simulator = Simulator(Store.open(None, now=0.0), ManualClock(), settings=at_once())
    for told in json.loads(sys.argv[1]):
        fill(simulator, Holding(**told))
    frozen = sys.argv[2:] == ["frozen"]
    server = wire.listen(Frozen(simulator.wsgi) if frozen else simulator.wsgi, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
