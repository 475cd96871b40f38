"""A stage to try whole runs on: a simulated account, a manual clock, an inline pool, and a reconciler over them.

The reconciler's calls go through `simulator`, where faults, hooks and the record of calls live. `world` is a boto3
client of another simulator over the same store: a stranger with an account of his own calls, no faults, no hooks.
"""

import inspect
import itertools
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, Future
from functools import cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import attrs
import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from plans.manifest import Manifest, Source, parse
from plans.plan import Plan
from plans.policy import Policy
from plans.report import Event, Report
from providers import model
from providers.clients import Connection, only_batch
from providers.clock import ManualClock
from providers.kinds import Kinds, bind
from providers.provider import translate
from providers.resources import Address, Target
from providers.simulator import Settings as Simulated
from providers.simulator import Simulator, Store
from providers.unknown import watch
from reconciler.engine import Reconciler
from reconciler.files import load
from reconciler.retry import InlinePool
from reconciler.settings import Settings
from tests.tracing import unmeasured

ACCOUNT = "123456789012"
REGION = "eu-west-1"
EXAMPLES = Path(__file__).parent.parent / "examples"
READS = ("Describe", "List", "Get")
P = ParamSpec("P")
T = TypeVar("T")
_SESSION: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")


class Died(BaseException):
    """The process is no more: nothing of ours may catch it."""


@cache
def kinds() -> Kinds:
    """All kinds, bound once for all tests."""
    return bind(model.load())


def inline(_size: int) -> Executor:
    return InlinePool()


def client(simulator: Simulator, service: str = "batch", region: str = REGION) -> Any:
    """A boto3 client that never tries twice, answered by `simulator`.

    It names itself in one word and signs nothing: else botocore puts its own name together anew for each call, and
    hashes what nobody reads, a third of the time of a scenario.
    """
    once = Config(retries={"total_max_attempts": 1}, user_agent="tests", signature_version=UNSIGNED)
    made = _SESSION.client(service, region_name=region, config=once)
    simulator.attach(made)
    return made


def example(name: str) -> Manifest:
    return load([EXAMPLES / name], kinds=kinds())


def manifest(text: str, **variables: Any) -> Manifest:
    return parse([Source("batchwright.yaml", text.encode())], variables=variables, kinds=kinds())


@attrs.define(eq=False)
class Stage:
    """One simulated account and what a run needs; `events` are those of the last run, `past` what came before it."""

    clock: ManualClock
    simulator: Simulator
    batch: Any
    world: Any
    region: str
    reconciler: Reconciler
    events: list[Event] = attrs.field(factory=list)
    past: list[Any] = attrs.field(factory=list)

    @classmethod
    def new(
        cls,
        *,
        region: str = REGION,
        simulated: Simulated | None = None,
        settings: Settings | None = None,
        target: Target | None = None,
        policies: tuple[Policy, ...] = (),
        pool: Callable[[int], Executor] = inline,
        seed: int = 7,
        estimating: bool = False,
    ) -> "Stage":
        clock, store = ManualClock(), Store.open(None, now=0.0)
        numbers = itertools.count(1)
        simulator = Simulator(store, clock, settings=simulated or Simulated(), ids=lambda: f"request-{next(numbers)}")
        stranger = Simulator(store, clock, settings=attrs.evolve(simulator.settings, rate=None))
        batch = watch(client(simulator, region=region))
        sts = cache(lambda: client(simulator, "sts", region))

        def identity() -> str:
            try:
                return str(sts().get_caller_identity()["Account"])
            except (BotoCoreError, ClientError) as error:
                raise translate("GetCallerIdentity", error) from error

        reconciler = Reconciler(
            target or Target(provider="simulator", region=region),
            Connection(batch, clock, region, "the test", identity, other=only_batch),
            kinds(),
            attrs.evolve(settings or Settings(), estimating=estimating),
            policies,
            random.Random(seed),
            pool,
        )
        world = client(stranger, region=region)
        for one in (batch, world):
            # Of a call, which is botocore's and the simulator's, nothing is measured here: two thirds of a run.
            one._make_api_call = unmeasured(one._make_api_call)
        return cls(clock, simulator, batch, world, region, reconciler)

    def twin(self) -> "Stage":
        """Another stage whose world and time are as they are here now, and go their own way from there."""
        made = Stage.new(region=self.region, simulated=self.simulator.settings)
        made.clock.instant = self.clock.now()
        self.simulator.store._connection.backup(made.simulator.store._connection)
        return made

    def forks(self, run: Callable[["Stage"], object], *, reads: int) -> "list[tuple[int, Stage]]":
        """The stages on which a process of this one's died: right after each call of a run that changes something, and
        after every so many of the others. Each has its number in the run."""
        made: list[tuple[int, Stage]] = []
        numbers = itertools.count(1)

        def fork(model: Any, **_: Any) -> None:
            number = next(numbers)
            if number % reads == 0 or not model.name.startswith(READS):
                made.append((number, self.twin()))

        self.batch.meta.events.register("after-call", fork, unique_id="fork")
        run(self)
        self.batch.meta.events.unregister("after-call", unique_id="fork")
        return made

    def plan(self, wanted: Manifest | str, **given: Any) -> Plan:
        return self._run(self.reconciler.plan, wanted, given)

    def apply(self, wanted: Manifest | str, **given: Any) -> Report:
        return self._run(self.reconciler.apply, wanted, given)

    def destroy(self, wanted: Manifest | str, **given: Any) -> Report:
        return self._run(self.reconciler.destroy, wanted, given)

    def _run(self, run: Callable[..., T], wanted: Manifest | str, given: dict[str, Any]) -> T:
        heard = given.pop("on_event", None)

        def note(event: Event) -> None:
            self.events.append(event)
            if heard is not None:
                heard(event)

        self.past[:] = self.trace
        self.events.clear()
        self.simulator.calls.clear()
        return run(manifest(wanted) if isinstance(wanted, str) else wanted, on_event=note, **given)

    def settings(self, **changes: Any) -> None:
        """Change how the reconciler works from the next run on."""
        told = attrs.evolve(self.reconciler.settings, **changes)
        self.reconciler = attrs.evolve(self.reconciler, settings=told)

    def stopper(self) -> Future[int]:
        """The future that ends the next run; it is completed with a signal's number."""
        stop: Future[int] = Future()
        self.reconciler = attrs.evolve(self.reconciler, stop=stop)
        return stop

    def go_on(self) -> None:
        """Forget the signal, as the next process does."""
        self.reconciler = attrs.evolve(self.reconciler, stop=None)

    def kill(self, at: int, when: str) -> None:
        """Let the process die at call number `at` of the next run: `before` it goes out, or `after` it was done."""
        made = 0

        def count(**_: Any) -> None:
            nonlocal made
            made += 1
            if made == at:
                raise Died(at)

        self.batch.meta.events.register("before-call" if when == "before" else "after-call", count, unique_id="kill")

    def revive(self) -> None:
        """Let calls go out again."""
        for event in ("before-call", "after-call"):
            self.batch.meta.events.unregister(event, unique_id="kill")

    @property
    def calls(self) -> Counter[str]:
        """The calls of the last run, by operation."""
        return Counter(call.operation for call in self.simulator.calls)

    @property
    def mutations(self) -> list[str]:
        """The operations of the last run that change something, in order."""
        return [call.operation for call in self.simulator.calls if not call.operation.startswith(READS)]

    @property
    def trace(self) -> tuple[Any, ...]:
        """Everything that can be told of all runs so far."""
        return (*self.past, *self.events, *self.simulator.calls, self.clock.now())

    def told(self, name: str) -> list[Event]:
        return [event for event in self.events if event.event == name]

    def environment(self, name: str) -> dict[str, Any]:
        """An environment as it is now; empty where there is none."""
        return _one(self.world.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"])

    def queue(self, name: str) -> dict[str, Any]:
        return _one(self.world.describe_job_queues(jobQueues=[name])["jobQueues"])

    def revisions(self, name: str) -> list[int]:
        """The ACTIVE revisions of a family."""
        return [
            found["revision"]
            for found in self._pages("describe_job_definitions", "jobDefinitions", status="ACTIVE")
            if found["jobDefinitionName"] == name
        ]

    def policies(self) -> list[str]:
        found = self._pages("list_scheduling_policies", "schedulingPolicies")
        return [one["arn"].rpartition("/")[2] for one in found]

    @property
    def all(self) -> list[str]:
        """The ARN of every object that lives in the account: what is not DELETED, and ACTIVE revisions."""
        return sorted(
            [
                *(one["computeEnvironmentArn"] for one in self._environments()),
                *(one["jobQueueArn"] for one in self._pages("describe_job_queues", "jobQueues")),
                *(
                    one["jobDefinitionArn"]
                    for one in self._pages("describe_job_definitions", "jobDefinitions", status="ACTIVE")
                ),
                *(one["arn"] for one in self._pages("list_scheduling_policies", "schedulingPolicies")),
                *(
                    one["serviceEnvironmentArn"]
                    for one in self._pages("describe_service_environments", "serviceEnvironments")
                ),
                *(
                    one["consumableResourceArn"]
                    for one in self._pages("list_consumable_resources", "consumableResources")
                ),
            ]
        )

    def _environments(self) -> Iterator[dict[str, Any]]:
        return self._pages("describe_compute_environments", "computeEnvironments")

    def _pages(self, operation: str, items: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        for page in self.world.get_paginator(operation).paginate(**arguments):
            yield from (item for item in page[items] if item.get("status") != "DELETED")

    def settle(self, seconds: float = 3600) -> None:
        """Let time pass in which nothing is called."""
        self.clock.sleep(seconds)


def _one(found: Collection[dict[str, Any]]) -> dict[str, Any]:
    return next((one for one in found if one.get("status") != "DELETED"), {})


def address(text: str) -> Address:
    return Address.parse(text)


def on_stage(**given: Any) -> Callable[[Callable[Concatenate[Stage, P], None]], Callable[P, None]]:
    """Make a test of a scenario: played twice, each time on a stage of its own, with the same events and calls."""

    def made(scenario: Callable[Concatenate[Stage, P], None]) -> Callable[P, None]:
        @wraps(scenario)
        def test(*args: P.args, **kwargs: P.kwargs) -> None:
            first, second = Stage.new(**given), Stage.new(**given)
            scenario(first, *args, **kwargs)
            unmeasured(scenario)(second, *args, **kwargs)
            assert first.trace == second.trace

        signature = inspect.signature(scenario)
        rest = list(signature.parameters.values())[1:]
        setattr(test, "__signature__", signature.replace(parameters=rest))  # noqa: B010 (mypy knows no such member)
        return test

    return made


LAB = """
stack: lab
namePrefix: lab-
tags: {team: blue}
schedulingPolicies:
  fair: {fairsharePolicy: {shareDecaySeconds: 600, shareDistribution: [{shareIdentifier: a, weightFactor: 1.0}]}}
computeEnvironments:
  spot: &environment
    type: MANAGED
    computeResources:
      type: SPOT
      allocationStrategy: SPOT_PRICE_CAPACITY_OPTIMIZED
      minvCpus: 0
      maxvCpus: 64
      instanceTypes: [c6i]
      subnets: [subnet-1]
      securityGroupIds: [sg-1]
      instanceRole: ecsInstanceRole
  ondemand:
    <<: *environment
jobQueues:
  high: {priority: 10, computeEnvironmentOrder: [spot, ondemand]}
  low: {priority: 1, computeEnvironmentOrder: [ondemand]}
jobDefinitions:
  align:
    type: container
    containerProperties:
      image: "align:1"
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]
  sort:
    type: container
    containerProperties:
      image: "sort:1"
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]
"""
"""A stack with two of most kinds, small enough to be read at a glance."""

TRAINING = """
stack: training
namePrefix: lab-
schedulingPolicies:
  fair: {fairsharePolicy: {shareDecaySeconds: 600, shareDistribution: [{shareIdentifier: a, weightFactor: 1.0}]}}
  shares: {quotaSharePolicy: {idleResourceAssignmentStrategy: FIFO}}
serviceEnvironments:
  small:
    serviceEnvironmentType: SAGEMAKER_TRAINING
    capacityLimits: [{maxCapacity: 10, capacityUnit: NUM_INSTANCES}]
  shared:
    serviceEnvironmentType: SAGEMAKER_TRAINING
    capacityLimits: [{maxCapacity: 10, capacityUnit: ml.m5.large}]
computeEnvironments:
  fargate:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
consumableResources:
  licences: {totalQuantity: 5}
jobQueues:
  train: {priority: 1, serviceEnvironmentOrder: [small]}
  teams: {priority: 1, serviceEnvironmentOrder: [shared], schedulingPolicyArn: shares}
  work: {priority: 10, computeEnvironmentOrder: [fargate], schedulingPolicyArn: fair}
quotaShares:
  red:
    jobQueue: teams
    capacityLimits: [{maxCapacity: 4, capacityUnit: ml.m5.large}]
    resourceSharingConfiguration: {strategy: LEND_AND_BORROW}
    preemptionConfiguration: {inSharePreemption: ENABLED}
jobDefinitions:
  align:
    type: container
    schedulingPriority: 1
    platformCapabilities: [FARGATE]
    consumableResourceProperties: {consumableResourceList: [{consumableResource: licences, quantity: 1}]}
    containerProperties:
      image: "align:1"
      executionRoleArn: arn:aws:iam::123456789012:role/runs-tasks
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "2048"}]
"""
"""A stack with all seven kinds."""


def edit(text: str, *changes: tuple[str, str]) -> str:
    """The text with each old part, which must be there, replaced by the new."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def cut(text: str, first: str, following: str = "") -> str:
    """The text without what stands from the line `first` up to the line `following` (to the end where empty)."""
    before, found, rest = text.partition(f"{first}\n")
    assert found, first
    if not following:
        return before
    _, found, after = rest.partition(f"{following}\n")
    assert found, following
    return f"{before}{following}\n{after}"
