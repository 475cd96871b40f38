"""Playing a history: one process, one thread, a manual clock, and everything from the history."""

import hashlib
import itertools
import json
import os
import random
import tempfile
import traceback
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import attrs
from botocore.exceptions import ClientError

from plans.asked import NOTHING, Asked
from plans.manifest import Manifest, Source, parse
from plans.plan import Plan
from plans.report import Report
from providers.clients import Connection, only_batch
from providers.clock import ManualClock
from providers.errors import BatchwrightError
from providers.resources import Target
from providers.simulator import Settings as Simulated
from providers.simulator import Simulator, Store
from providers.simulator.faults import NoAnswer
from providers.simulator.settings import Outcome
from providers.simulator.wire import Request, Response
from reconciler.engine import Reconciler
from reconciler.settings import Settings
from tests.exploration.breach import Breach
from tests.exploration.end import CONVERGES, in_the_end
from tests.exploration.history import Event, History
from tests.exploration.lines import Who, line
from tests.exploration.never import READS, Call, Look, breaches, closed
from tests.kit import ACCOUNT, REGION, Died, inline, kinds

SCOPE = f"{ACCOUNT}/{REGION}"
OUTCOMES = (
    Outcome(name="long*", seconds=4000),
    Outcome(name="fails*", exit_code=1),
    Outcome(image="*:bad", exit_code=3, reason="no such tool"),
)


@attrs.define(eq=False)
class Run:
    """One run of the command: what it was approved to do, what it called, and what that did to the account."""

    wish: Mapping[str, Any]
    dies: int = 0
    plan: Plan | None = None
    past: list[Call] = attrs.field(factory=list)
    operations: list[str] = attrs.field(factory=list)
    looked: float = 0.0
    """When it looked at the queues last."""

    def approve(self, plan: Plan) -> bool:
        self.plan = plan
        return True


@attrs.define(eq=False)
class Account:
    """The account of a history, and everybody who calls it.

    `folder` keeps locks and journals. `trace` has a line for whatever happened, `met` counts it, and `plans` are those
    that were approved, by id.
    """

    history: History
    folder: Path
    clock: ManualClock = attrs.field(factory=ManualClock)
    store: Store = attrs.field(factory=lambda: Store.open(None, now=0.0))
    trace: list[str] = attrs.field(factory=list)
    met: Counter[str] = attrs.field(factory=Counter)
    plans: dict[str, Plan] = attrs.field(factory=dict)
    phase: int = 0
    scope: str = SCOPE
    simulator: Simulator = attrs.field(init=False)
    strangers: Simulator = attrs.field(init=False)
    _manifests: list[Manifest] = attrs.field(init=False)
    _waiting: list[Event] = attrs.field(factory=list, init=False)
    _called: int = attrs.field(default=0, init=False)
    _changes: int = attrs.field(default=0, init=False)
    _attempts: int = attrs.field(default=0, init=False)
    _runs: list[Run] = attrs.field(factory=list, init=False)
    _stop: Future[int] = attrs.field(factory=Future, init=False)
    _written: dict[str, float] = attrs.field(factory=dict, init=False)
    """When somebody else wrote a queue last, by its name."""

    def __attrs_post_init__(self) -> None:
        numbers = itertools.count(1)
        told = Simulated(relation_lag=self.history.lag, stale_reads=self.history.stale, outcomes=OUTCOMES)
        self.simulator, self.strangers = (
            Simulator(self.store, self.clock, settings=told, ids=lambda: f"request-{next(numbers)}") for _ in range(2)
        )
        self._manifests = [
            parse([Source("batchwright.json", json.dumps(each).encode())], variables={}, kinds=kinds())
            for each in self.history.manifests
        ]

    @property
    def wish(self) -> Mapping[str, Any]:
        """The manifest of this phase, as a document."""
        return self.history.manifests[self.phase]

    # The command.

    def begin(self, phase: int) -> None:
        """From here on the command is that of the manifest of this phase, and its troubles and events are due."""
        self.phase, self._called = phase, 0
        self.simulator.inject(*(trouble.fault for trouble in self.history.troubles if trouble.phase == phase))
        self._waiting = [event for event in self.history.events if event.phase == phase]
        for event in [event for event in self._waiting if event.call == 0]:
            self._waiting.remove(event)
            self.write(event)

    def quiet(self) -> None:
        """From here on nothing goes wrong any more."""
        for one in self.simulator._faults._all:
            struck = min(one.met - one.fault.after, one.fault.times or 0)
            if struck > 0:
                self.met[one.fault.kind] += struck
        self.simulator.heal()
        self.simulator.settings = attrs.evolve(self.simulator.settings, stale_reads=0)
        self._waiting = []

    def apply(self, asked: Asked = NOTHING, dies: int = 0) -> Report | BatchwrightError | None:
        """One run of the command: its report, the error that ended it, or None where its process died, as it does at
        its call `dies` if that is not 0."""
        self._attempts += 1
        run = Run(self.wish, dies)
        self._runs.append(run)
        before, self._stop = self._stop, Future()
        made = Reconciler(
            Target(provider="simulator", region=REGION),
            Connection(line().batch, self.clock, REGION, "the test", line().identity, other=only_batch),
            kinds(),
            Settings(state=self.folder, lock="file" if self.history.locked else "none"),
            rng=random.Random(f"{self.history.seed}/{self._attempts}"),
            pool=inline,
            stop=self._stop,
            wall=self.clock,
        )
        ended: Report | BatchwrightError | None = None
        try:
            ended = made.apply(self._manifests[self.phase], asked=asked, approve=run.approve)
        except BatchwrightError as error:
            ended = error
        except Died:
            self._tell("died")
        finally:
            self._stop = before
            self._runs.pop()
            if run.plan is not None:
                self.plans[run.plan.id] = run.plan
        self.met["runs"] += 1
        if isinstance(ended, Report) and ended.interrupted_by is None:
            for name in closed(ended, run.plan, Look.at(self.store, SCOPE)):
                raise Breach("what stays is open again", f"{name} holds jobs and takes none any more")
        self._tell(f"exit {ended.exit_code}" if isinstance(ended, Report) else type(ended).__name__)
        return ended

    def write(self, event: Event) -> None:
        """Somebody makes a call; if he is refused, nothing has happened."""
        for member in ("jobQueue", "jobQueueName"):
            if member in event.members:
                self._written[event.members[member]] = self.clock.now()
        method = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in event.operation).lstrip("_")
        with line().speaking("stranger"):
            try:
                getattr(line().batch, method)(**event.members)
                told = "done"
            except ClientError as error:
                told = str(error)
        self._tell(f"{event.operation} {told}", "stranger")

    # The calls.

    def answer(self, who: Who, operation: str, arguments: Mapping[str, Any], request: Request) -> Response:
        """What `Simulator.handle` answers, and all that happens around it. Raises NoAnswer, Died and Breach."""
        if who == "stranger":
            return self.strangers.handle(request)
        run = self._runs[-1]
        run.operations.append(operation)
        dies = "die-before" if run.dies and len(run.operations) == run.dies else ""
        if who == "first":
            self._called += 1
            dies = self._meanwhile(run)
        if dies == "die-before":
            raise Died
        response = (self._told if operation.startswith(READS) else self._judged)(run, operation, arguments, request)
        if dies == "die-after":
            raise Died
        return response

    def _told(self, run: Run, operation: str, arguments: Mapping[str, Any], request: Request) -> Response:
        said = hashlib.sha256(json.dumps(arguments, sort_keys=True, default=str).encode()).hexdigest()[:8]
        about = next((value.rpartition("/")[2] for value in arguments.values() if isinstance(value, str)), "")
        status: int | str = "no answer"
        self.met["calls"] += 1
        if operation == "DescribeJobQueues":
            run.looked = self.clock.now()
        try:
            response = self.simulator.handle(request)
            status = response.status
        finally:
            self._tell(f"{operation} {about} {said} {status}")
        return response

    def _judged(self, run: Run, operation: str, arguments: Mapping[str, Any], request: Request) -> Response:
        self._changes += 1
        with self.simulator._hooked(ACCOUNT, REGION):
            # What is due by now happens before, and not for this call.
            pass
        before = Look.at(self.store, SCOPE)
        acted = answered = False
        try:
            response = self._told(run, operation, arguments, request)
            acted = answered = response.status == 200
        except NoAnswer as silence:
            acted = silence.acted
            raise
        finally:
            after = Look.at(self.store, SCOPE)
            past, unseen = tuple(run.past), self._unseen(run)
            call = Call(operation, {**arguments}, before, after, run.plan, run.wish, acted, answered, past, unseen)
            run.past.append(call)
            for name, what in breaches(call):
                raise Breach(name, what)
        return response

    def _unseen(self, run: Run) -> frozenset[str]:
        """The queues that somebody else wrote after what the last look of a run can have shown."""
        lags = [trouble.seconds for trouble in self.history.troubles if trouble.kind == "stale"]
        shown = run.looked - max([self.history.stale, *lags])
        return frozenset(name for name, at in self._written.items() if at >= shown)

    # What happens meanwhile.

    def _meanwhile(self, run: Run) -> str:
        """Let happen what is due before a call of the first; how its process dies, if it does."""
        dies = ""
        for event in [event for event in self._waiting if event.call <= self._called]:
            self._waiting.remove(event)
            self.met[event.does] += 1
            match event.does:
                case "stop" if not self._stop.done():
                    self._stop.set_result(2)
                case "second":
                    self._second(event, held=self.history.locked and run.operations[-1] != "GetCallerIdentity")
                case "write":
                    self.write(event)
                case "die-before" | "die-after":
                    dies = event.does
        return dies

    def _second(self, event: Event, *, held: bool) -> None:
        """Somebody else runs the command, between two calls of the first, which may have the lock."""
        count = self._changes
        with line().speaking("second"):
            ended = self.apply(dies=event.dies)
        if held and (self._changes > count or isinstance(ended, Report)):
            raise Breach("one at a time", f"a second run went on while the first had the lock: {ended!r}")

    def _tell(self, what: str, who: str = "") -> None:
        self.trace.append(f"{self.clock.now():.3f} {who or line().who} {what}")


@attrs.frozen
class Result:
    """How a history ended: the `breach`, if there was one, the digest of all that was called, and figures."""

    breach: Breach | None
    digest: str
    days: float
    met: Counter[str]
    trace: tuple[str, ...] = attrs.field(repr=False)


def play(history: History) -> Result:
    """Play a history to its end, or to the first breach of a property.

    That it ends otherwise than well is no breach where it does so without anything going wrong. A journal is flushed to
    the disk before each call; here it is in memory, where there is a file system for that.
    """
    result = _play(history)
    name = result.breach.name if result.breach is not None else ""
    if name.startswith(CONVERGES) and (name != CONVERGES or history != history.calm):
        calm = _play(history.calm)
        if calm.breach is not None and calm.breach.name == name:
            return attrs.evolve(result, breach=None, met=result.met + Counter(["alike without faults"]))
    return result


def _play(history: History) -> Result:
    memory = "/dev/shm"
    began, breach = ManualClock().now(), None
    with tempfile.TemporaryDirectory(dir=memory if os.path.isdir(memory) else None) as folder:
        account = Account(history, Path(folder))
        line().account = account
        try:
            for phase in range(len(history.manifests)):
                account.clock.sleep(PAUSE)
                account.begin(phase)
                _try(account)
            account.quiet()
            in_the_end(account)
        except Breach as found:
            breach = found
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            breach = Breach("it says what is wrong", f"{error!r} at {where.filename}:{where.lineno}")
        finally:
            account.store.close()
    digest = hashlib.sha256("\n".join(account.trace).encode()).hexdigest()
    days = (account.clock.now() - began) / 86400
    return Result(breach, digest, days, account.met, tuple(account.trace))


PAUSE = 15.0
"""Seconds from one command to the next. Reads lag by less: what they do not show yet, no second process can know of."""

TRIES = 4
"""So often somebody runs a command that does not end well, before he edits the manifest or things get better."""


def _try(account: Account) -> None:
    for _ in range(TRIES):
        ended = account.apply()
        if isinstance(ended, Report) and ended.exit_code == 0:
            return
        account.clock.sleep(60)
