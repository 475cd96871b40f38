"""The simulator by itself: what a call costs, and what becomes of it when the store is full.

Full means 10,000 definitions of three revisions and 50,000 jobs that wait for an environment that is DISABLED. Run as a
process of its own, so that its memory is nobody else's; prints one JSON object: seconds by name, and `peak_mib`.
"""

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from benchmarks.peak import peak_mib
from providers.clock import ManualClock
from providers.simulator import Request, Simulator, Store, serve

FAMILIES, REVISIONS, JOBS = 10_000, 3, 50_000
OUTDATED = 5_000
CALLS, CLIENTS = 400, 4
HEADERS = {"host": "batch.eu-west-1.amazonaws.com", "content-type": "application/json"}
ONE = {"computeEnvironments": ["e"]}


def call(simulator: Simulator, operation: str, **members: Any) -> Any:
    """One call without boto3 and without HTTP."""
    answer = simulator.handle(Request("POST", f"/v1/{operation}", {}, HEADERS, json.dumps(members).encode()))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def furnish(simulator: Simulator, clock: ManualClock) -> None:
    resources = {"type": "FARGATE", "maxvCpus": 16, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    call(
        simulator,
        "createcomputeenvironment",
        computeEnvironmentName="e",
        type="MANAGED",
        state="DISABLED",
        computeResources=resources,
    )
    clock.sleep(600)
    order = [{"order": 1, "computeEnvironment": "e"}]
    call(simulator, "createjobqueue", jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    clock.sleep(600)


def register(simulator: Simulator, name: str) -> None:
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    call(
        simulator,
        "registerjobdefinition",
        jobDefinitionName=name,
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={
            "image": "busybox",
            "executionRoleArn": "arn:aws:iam::123456789012:role/r",
            "resourceRequirements": needs,
        },
    )


def submit(simulator: Simulator, name: str) -> None:
    call(simulator, "submitjob", jobName="j", jobQueue="q", jobDefinition=name)


def outdate(simulator: Simulator, name: str, revisions: int) -> None:
    """Register so many revisions of a family and deregister them, and then register one more."""
    for revision in range(1, revisions + 1):
        register(simulator, name)
        call(simulator, "deregisterjobdefinition", jobDefinition=f"{name}:{revision}")
    register(simulator, name)


def waiting(simulator: Simulator) -> None:
    """A page of jobs that wait."""
    page = call(simulator, "listjobs", jobQueue="q", jobStatus="RUNNABLE", maxResults=100)
    assert len(page["jobSummaryList"]) == 100


def active(simulator: Simulator, name: str) -> None:
    """The one ACTIVE revision of a family."""
    found = call(simulator, "describejobdefinitions", jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
    assert len(found) == 1


def in_a_file() -> dict[str, float]:
    """What a call takes when the store is a file."""
    with tempfile.TemporaryDirectory() as folder:
        clock, store = ManualClock(), Store.open(Path(folder) / "simulator.db", now=0.0)
        simulator = Simulator(store, clock)
        furnish(simulator, clock)
        register(simulator, "d")
        took = {
            "describe, file": median(lambda: call(simulator, "describecomputeenvironments", **ONE)),
            "submit, file": median(lambda: submit(simulator, "d")),
        }
        store.close()
    return took


def median(run: Callable[[], object], calls: int = CALLS) -> float:
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def canned(client: Any) -> None:
    """Let a client's calls be answered with nothing at all: what is left is boto3."""

    class Raw:
        def stream(self, *_: Any, **__: Any) -> Any:
            yield b'{"computeEnvironments": []}'

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders.from_dict({}), Raw())

    client.meta.events.register("before-send", answer)


def client() -> Any:
    make: Any = boto3.Session(aws_access_key_id="bench", aws_secret_access_key="bench").client
    return make("batch", region_name="eu-west-1", config=Config(retries={"total_max_attempts": 1}))


def a_second(port: int) -> float:
    """Seconds a Describe of one item takes over HTTP when several clients ask at once."""

    def ask() -> None:
        body = json.dumps(ONE)
        for _ in range(CALLS):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("POST", "/v1/describecomputeenvironments", body, {"content-type": "application/json"})
            assert connection.getresponse().read()
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - began) / (CALLS * CLIENTS)


def main() -> None:
    clock = ManualClock()
    simulator = Simulator(Store.open(None, now=0.0), clock)
    furnish(simulator, clock)
    attached, alone = client(), client()
    simulator.attach(attached)
    canned(alone)
    server = serve(simulator)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    register(simulator, "d")
    taken = {
        "boto3 alone": median(lambda: alone.describe_compute_environments(computeEnvironments=["e"])),
        "describe through boto3": median(lambda: attached.describe_compute_environments(computeEnvironments=["e"])),
        "describe": median(lambda: call(simulator, "describecomputeenvironments", **ONE)),
        "submit": median(lambda: submit(simulator, "d")),
        "describe, HTTP": a_second(server.server_port),
        **in_a_file(),
    }
    # Few jobs, but more than a page.
    clock.sleep(60)
    taken["a page of waiting jobs"] = median(lambda: waiting(simulator), 20)
    register(simulator, "new")
    taken["the ACTIVE revision"] = median(lambda: active(simulator, "new"))
    outdate(simulator, "old", OUTDATED)
    taken["the ACTIVE revision, after many"] = median(lambda: active(simulator, "old"))
    for number in range(FAMILIES * REVISIONS):
        register(simulator, f"d{number % FAMILIES}")
    for number in range(JOBS):
        submit(simulator, f"d{number % FAMILIES}")
    clock.sleep(60)
    full = {
        "describe": median(lambda: call(simulator, "describecomputeenvironments", **ONE)),
        "submit": median(lambda: submit(simulator, "d")),
        "describe, HTTP": a_second(server.server_port),
        "a page of waiting jobs": median(lambda: waiting(simulator), 20),
    }
    taken.update({f"{name}, full store": seconds for name, seconds in full.items()})
    print(json.dumps({**taken, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
