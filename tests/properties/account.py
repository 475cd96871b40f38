"""An account with jobs that lives at random, and what must hold in it whatever happens."""

import contextlib
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from botocore.exceptions import ClientError

from providers.clock import ManualClock
from providers.simulator import Outcome, Settings, Simulator, Store
from tests.providers.simulator.lab import connect, container, ec2, fargate

Json = dict[str, Any]
Op = tuple[str, int, int]
OUTCOMES = (
    Outcome(name="fails", exit_code=1),
    Outcome(name="flaky", attempts=1, exit_code=3),
    Outcome(name="long", seconds=5000),
    Outcome(name="mixed", index=1, exit_code=2, seconds=500),
    Outcome(name="never", runs=False),
)
NAMES = ("quick", "quick", "fails", "flaky", "long", "mixed", "never")
SCOPE = "123456789012/eu-west-1"
ENDED = ("SUCCEEDED", "FAILED")
ORDER = {"SUBMITTED": 0, "PENDING": 1, "RUNNABLE": 2, "STARTING": 2, "RUNNING": 2, "SUCCEEDED": 3, "FAILED": 3}
ENVIRONMENTS, QUEUES, SUPPLIES = ("a", "b", "c"), ("p", "q", "r"), ("gold", "ink")
JUMPS = (0, 1, 1, 5, 9, 10, 30, 61, 200, 1000, 4000)
REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "UNDETERMINED",
)


SIZES = {"1": ("1", "512"), "2": ("1.6", "512"), "3": ("2.7", "512")}
FARGATE_SIZES = {"1": ("0.25", "512"), "2": ("0.5", "1024"), "3": ("2", "4096")}


def _container(size: tuple[str, str], **changes: Any) -> Json:
    vcpus, memory = size
    needs = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]
    return container(resourceRequirements=needs, **changes)


@attrs.define
class Life:
    """An account, its clock, one or more simulators on one file, and what was seen before the last call."""

    store: Store
    clock: ManualClock
    clients: Sequence[Any]
    fargate: bool = False
    step: int = 0
    ids: list[str] = attrs.field(factory=list)
    seen: dict[str, tuple[str, Json]] = attrs.field(factory=dict)
    filled: dict[str, float] = attrs.field(factory=dict)
    before: float = 0

    @classmethod
    def begin(cls, path: Path | None = None, processes: int = 1, fargate: bool = False) -> "Life":
        clock = ManualClock()
        stores = [Store.open(path, now=0.0) for _ in range(processes)]
        clients = [connect(Simulator(it, clock, settings=Settings(outcomes=OUTCOMES))) for it in stores]
        life = cls(stores[0], clock, clients, fargate)
        for name in ENVIRONMENTS:
            life.make_environment(name)
        clock.sleep(100)
        for number, name in enumerate(QUEUES):
            life.make_queue(name, number)
        for number, name in enumerate(SUPPLIES):
            kind = ("REPLENISHABLE", "NON_REPLENISHABLE")[number]
            life.batch.create_consumable_resource(consumableResourceName=name, totalQuantity=4, resourceType=kind)
        life.definitions()
        clock.sleep(100)
        life.before = clock.now()
        return life

    @property
    def batch(self) -> Any:
        self.step += 1
        return self.clients[self.step % len(self.clients)]

    def definitions(self) -> None:
        role: Json = {"executionRoleArn": "arn:aws:iam::123456789012:role/r"} if self.fargate else {}
        for name, size in (FARGATE_SIZES if self.fargate else SIZES).items():
            quantity = int(name)
            own: Json = {
                "type": "container",
                "containerProperties": _container(size, **role),
                "platformCapabilities": ["FARGATE" if self.fargate else "EC2"],
            }
            self.batch.register_job_definition(jobDefinitionName=f"d{name}", **own)
            wanted = {"consumableResourceList": [{"consumableResource": SUPPLIES[quantity % 2], "quantity": quantity}]}
            self.batch.register_job_definition(jobDefinitionName=f"s{name}", consumableResourceProperties=wanted, **own)
        ranges = [{"targetNodes": "0:", "container": _container(SIZES["1"])}]
        nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": ranges}
        self.batch.register_job_definition(jobDefinitionName="nodes", type="multinode", nodeProperties=nodes)

    def make_environment(self, name: str) -> None:
        resources = fargate(maxvCpus=4) if self.fargate else ec2(maxvCpus=4, instanceTypes=["optimal"])
        self.batch.create_compute_environment(computeEnvironmentName=name, type="MANAGED", computeResources=resources)

    def make_queue(self, name: str, number: int) -> None:
        order = self.order(number)
        self.batch.create_job_queue(jobQueueName=name, priority=number, computeEnvironmentOrder=order)

    def order(self, number: int) -> list[Json]:
        picks = random.Random(number).sample(ENVIRONMENTS, 1 + number % 3)
        return [{"order": place, "computeEnvironment": it} for place, it in enumerate(picks, 1)]

    def act(self, op: Op) -> None:
        verb, n, m = op
        with contextlib.suppress(ClientError):
            VERBS[verb](self, n, m)

    def job(self, n: int) -> str:
        return self.ids[-1 - n % min(len(self.ids), 12)] if self.ids else "none"

    def held(self) -> dict[str, dict[str, Json]]:
        self.clients[0].describe_job_queues()
        return self.store.dump()[SCOPE]


def _submit(life: Life, n: int, m: int) -> None:
    rng = random.Random(n * 1000 + m)
    request: Json = {"jobName": rng.choice(NAMES), "jobQueue": rng.choice(QUEUES)}
    request["jobDefinition"] = rng.choice(["d1", "d1", "d2", "d3", "s1", "s2", "s3", "nodes"])
    depends = []
    if rng.random() < 0.3:
        request["arrayProperties"] = {"size": rng.choice([2, 3])}
        if rng.random() < 0.4:
            depends.append({"type": "SEQUENTIAL"})
        elif rng.random() < 0.4:
            depends.append({"type": "N_TO_N", "jobId": life.job(m)})
    if rng.random() < 0.4:
        child = rng.choice(["", "", ":0", ":1"])
        depends.append({"jobId": life.job(n) + child})
    if rng.random() < 0.4:
        request["retryStrategy"] = {"attempts": rng.choice([2, 3])}
    if rng.random() < 0.2:
        request["timeout"] = {"attemptDurationSeconds": 60}
    life.ids.append(life.batch.submit_job(**request, dependsOn=depends)["jobId"])


def _close(life: Life, n: int, m: int) -> None:
    life.batch.update_job_queue(jobQueue=QUEUES[n % 3], state=("DISABLED", "ENABLED", "ENABLED")[m % 3])


def _queue_order(life: Life, n: int, m: int) -> None:
    life.batch.update_job_queue(jobQueue=QUEUES[n % 3], computeEnvironmentOrder=life.order(m), priority=m % 7)


def _limits(life: Life, n: int, m: int) -> None:
    action = {"reason": REASONS[m % 3], "state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600 + 100 * (m % 5)}
    life.batch.update_job_queue(jobQueue=QUEUES[n % 3], jobStateTimeLimitActions=[action] if m % 4 else [])


def _delete_queue(life: Life, n: int, m: int) -> None:
    if m % 2:
        life.batch.delete_job_queue(jobQueue=QUEUES[n % 3])
    else:
        life.make_queue(QUEUES[n % 3], m)


def _able(life: Life, n: int, m: int) -> None:
    state = ("DISABLED", "ENABLED", "ENABLED")[m % 3]
    life.batch.update_compute_environment(computeEnvironment=ENVIRONMENTS[n % 3], state=state)


def _resize(life: Life, n: int, m: int) -> None:
    life.batch.update_compute_environment(
        computeEnvironment=ENVIRONMENTS[n % 3], computeResources={"maxvCpus": (2, 3, 4, 8)[m % 4]}
    )


def _recycle(life: Life, n: int, m: int) -> None:
    request: Json = {"computeResources": {"ec2KeyPair": f"key-{m % 3}"}}
    policy = {"terminateJobsOnUpdate": bool(m % 2), "jobExecutionTimeoutMinutes": (1, 30)[m % 2]}
    life.batch.update_compute_environment(computeEnvironment=ENVIRONMENTS[n % 3], updatePolicy=policy, **request)


def _delete_environment(life: Life, n: int, m: int) -> None:
    name = ENVIRONMENTS[n % 3]
    if m % 2:
        life.batch.delete_compute_environment(computeEnvironment=name)
    else:
        life.make_environment(name)


def _supply(life: Life, n: int, m: int) -> None:
    operation = ("SET", "ADD", "REMOVE")[m % 3]
    life.batch.update_consumable_resource(
        consumableResource=SUPPLIES[n % 2], operation=operation, quantity=m % 5, clientToken=f"{n}-{m}"
    )


VERBS: dict[str, Callable[[Life, int, int], None]] = {
    "submit": _submit,
    "sleep": lambda life, n, _: life.clock.sleep(JUMPS[n % len(JUMPS)]),
    "cancel": lambda life, n, m: life.batch.cancel_job(jobId=life.job(n) + ("", "", ":0", ":1")[m % 4], reason="c"),
    "terminate": lambda life, n, m: life.batch.terminate_job(
        jobId=life.job(n) + ("", "", ":0", ":1")[m % 4], reason="t"
    ),
    "close": _close,
    "order": _queue_order,
    "limits": _limits,
    "delete-queue": _delete_queue,
    "able": _able,
    "resize": _resize,
    "recycle": _recycle,
    "delete-environment": _delete_environment,
    "supply": _supply,
}
WEIGHTS = (12, 12, 2, 2, 1, 1, 1, 1, 3, 1, 1, 2, 2)


def random_ops(seed: int, count: int) -> list[Op]:
    rng = random.Random(seed)
    verbs = rng.choices(list(VERBS), WEIGHTS, k=count)
    return [(verb, rng.randrange(1000), rng.randrange(1000)) for verb in verbs]


def wrong(life: Life) -> list[str]:
    """What does not hold in the account as it is now."""
    held, now, bad = life.held(), life.clock.now(), []
    environments, queues = held.get("environment", {}), held.get("queue", {})
    jobs = {**held.get("job", {}), **held.get("child", {})}
    status = {name: it["shown"]["status"] for name, it in jobs.items()}
    used: dict[str, float] = defaultdict(float)
    taken: Counter[str] = Counter()
    for name, it in jobs.items():
        kept, shown = it["kept"], it["shown"]
        if bool(kept.get("place")) != (shown["status"] in ("STARTING", "RUNNING")):
            bad.append(f"{name} {shown['status']} is in place {kept.get('place')!r}")
        if bool(kept.get("line")) != (shown["status"] == "RUNNABLE"):
            bad.append(f"{name} {shown['status']} is in line {kept.get('line')!r}")
        used[kept.get("place") or ""] += kept["vcpus"]
        for supply, _, quantity in kept.get("holds", ()):
            taken[supply] += quantity
        bad += _of_its_time(life, name, it, now)
        bad += _of_its_status(life, name, it, status)
    for name, it in environments.items():
        resources, mine = it["shown"]["computeResources"], round(used[name], 6)
        if abs(it["kept"].get("used", 0) - mine) > 1e-6:
            bad.append(f"{name} keeps {it['kept'].get('used')}, its jobs use {mine}")
        # On Fargate the maximum may be set below what runs; nothing more may come then.
        if mine > max(resources["maxvCpus"], life.filled.get(name, 0) if life.fargate else 0):
            bad.append(f"{name} is overfull")
        life.filled[name] = mine
        if not life.fargate and resources["desiredvCpus"] != max(resources["minvCpus"], math.ceil(mine)):
            bad.append(f"{name} desires {resources['desiredvCpus']}, its jobs use {mine}")
    for name, it in held.get("consumable", {}).items():
        if it["shown"]["inUseQuantity"] != taken[name]:
            bad.append(f"{name} shows {it['shown']['inUseQuantity']} in use, jobs hold {taken[name]}")
    bad += _idle(life, environments, queues, held, jobs)
    life.seen = {name: (it["shown"]["status"], it["shown"]) for name, it in jobs.items()}
    life.before = now
    return bad


def _of_its_time(life: Life, name: str, it: Json, now: float) -> list[str]:
    shown, bad = it["shown"], []
    _, old = life.seen.get(name, ("", {}))
    for key in ("createdAt", "startedAt", "stoppedAt"):
        at = shown.get(key)
        if at is not None and at != old.get(key) and not life.before <= at / 1000 <= now:
            bad.append(f"{name}.{key} is {at / 1000 - now} s from now, {at / 1000 - life.before} from the call before")
    if shown["status"] in ("SUBMITTED", "STARTING", "RUNNING") and not it["steps"]:
        bad.append(f"{name} {shown['status']} has no alarm")
    return bad


def _state(status: dict[str, str], name: str) -> str:
    """How a job stands; a child that is not there yet, as its array; one that is forgotten, as having succeeded."""
    return status.get(name) or status.get(name.partition(":")[0], "SUCCEEDED")


def _of_its_status(life: Life, name: str, it: Json, status: dict[str, str]) -> list[str]:
    shown, kept, bad = it["shown"], it["kept"], []
    now, (old, _) = shown["status"], life.seen.get(name, ("SUBMITTED", {}))
    if ORDER[now] < ORDER[old] or (old in ENDED and now != old):
        bad.append(f"{name} went from {old} to {now}")
    on = [d["jobId"] for d in shown["dependsOn"] if d.get("jobId") and not d.get("type")]
    if now in ("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"):
        bad += [
            f"{name} is {now}, {other} is {_state(status, other)}"
            for other in on
            if _state(status, other) != "SUCCEEDED"
        ]
    if (
        now == "PENDING"
        and not kept.get("spread")
        and kept.get("waits")
        and all(_state(status, other) in ENDED for other in kept["waits"])
    ):
        bad.append(f"{name} waits for what has ended")
    if kept.get("spread"):
        children = [status.get(f"{name}:{i}") for i in range(kept["size"])]
        if None not in children:
            over = all(child in ENDED for child in children)
            want = ("SUCCEEDED" if set(children) == {"SUCCEEDED"} else "FAILED") if over else "PENDING"
            if now != want:
                bad.append(f"array {name} is {now}, its children are {children}")
    tries = shown.get("retryStrategy", {}).get("attempts", 1)
    if len(shown["attempts"]) > tries:
        bad.append(f"{name} has {len(shown['attempts'])} attempts of {tries}")
    return bad


def _idle(
    life: Life,
    environments: dict[str, Json],
    queues: dict[str, Json],
    held: dict[str, dict[str, Json]],
    jobs: dict[str, Json],
) -> list[str]:
    """Who is first in line though there is room, in an environment and a queue in which nothing changes just now."""
    bad = []
    for queue, of in queues.items():
        with life.store.transaction(SCOPE, write=False) as transaction:
            row = transaction.first_in_line(queue)
        first = row.name if row else None
        if first is None or of["shown"]["status"] != "VALID" or jobs[first]["shown"]["jobName"] == "never":
            continue
        first_job = jobs[first]["kept"]
        stock = held["consumable"]
        lacking = "holds" not in first_job and any(
            stock[name]["shown"]["totalQuantity"] - stock[name]["shown"]["inUseQuantity"] < quantity
            for name, quantity in first_job["supplies"].items()
        )
        for entry in of["shown"]["computeEnvironmentOrder"]:
            it = environments.get(entry["computeEnvironment"].rpartition("/")[2])
            if it is None or (it["shown"]["state"], it["shown"]["status"]) != ("ENABLED", "VALID") or lacking:
                continue
            if round(it["kept"].get("used", 0) + first_job["vcpus"], 6) <= it["shown"]["computeResources"]["maxvCpus"]:
                bad.append(f"{first} waits in {queue}, though {entry['computeEnvironment']} has room")
    return bad


def lived(ops: Sequence[Op], look: bool = True, fargate: bool = False) -> Life:
    """Do it all, and look whether the world is right after every call."""
    life = Life.begin(fargate=fargate)
    for number, op in enumerate(ops):
        life.act(op)
        if look:
            found = wrong(life)
            assert not found, (number, op, found)
    return life


def finale(life: Life) -> None:
    """Open everything, wait, and look whether any job goes on for ever."""
    life.clock.sleep(10_000)
    for number in range(3):
        life.act(("delete-environment", number, 0))
    life.clock.sleep(10_000)
    for number in range(3):
        life.act(("able", number, 1))
        life.clock.sleep(5000)
        life.act(("resize", number, 3))
    life.clock.sleep(5000)
    for number in range(3):
        life.act(("close", number, 1))
    for name in SUPPLIES:
        life.batch.update_consumable_resource(consumableResource=name, operation="SET", quantity=10**6)
    for job in life.ids:
        (shown,) = life.batch.describe_jobs(jobs=[job])["jobs"] or [{"jobName": ""}]
        if shown["jobName"] == "never":
            life.batch.terminate_job(jobId=job, reason="never")
    life.clock.sleep(4 * 86400)
