"""The reconciler: plan, apply, drift, destroy. What the command line and other tools call; it prints nothing.

from reconciler import Reconciler, load
manifest = load(["examples/genomics"])
reconciler = Reconciler.connect(Target(provider="simulator"))
print(reconciler.plan(manifest).summary)
report = reconciler.apply(manifest)
"""

import os
import random
import socket
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from importlib import metadata
from pathlib import Path
from typing import Literal, Self

import attrs

from plans.graph import build, only
from plans.manifest import Manifest
from plans.normalise import unmet
from plans.plan import Goal, Plan
from plans.planfile import compare
from plans.planner import emptied, make_plan
from plans.policy import Policy, strictest
from plans.report import Event, Report
from providers import model
from providers.clients import Connection, connect
from providers.errors import InputError, NotConfirmed, PlanRefused, RefusedError, StalePlan
from providers.kinds import Kinds, bind
from providers.provider import Provider
from providers.resources import Address, Live, Snapshot, Target
from providers.surroundings import Unread, account
from reconciler.execute import OnEvent, execute, retried
from reconciler.journal import History, Journal, key, read, state_folder
from reconciler.lock import FileLock, Holder, NoLock
from reconciler.observe import observe
from reconciler.retry import Caller
from reconciler.waiter import Waiter

LAG = 60.0
"""Seconds for which tags and revisions may lag behind the calls that changed them, before a residue is an error."""

_LOOK_AGAIN = 5.0


@attrs.frozen
class Settings:
    """How a reconciler works. `timeout` caps the wait for every goal, in seconds; `max_api_rate` is calls a second.

    `state` is the folder of journals and locks; None keeps neither on disk.
    """

    parallelism: int = 8
    max_api_rate: float = 10.0
    timeout: float | None = None
    lock: Literal["file", "none"] = "file"
    state: Path | None = None


def _ignore(_event: Event) -> None:
    pass


def _approve(_plan: Plan) -> bool:
    return True


@attrs.frozen
class Reconciler:
    """One target, ready to be reconciled.

    `policies` bind every plan beside the manifest's own; the strictest wins. `pool` makes the executor of a run.
    `stop` is completed, with a signal's number, to end a run: what is in flight finishes, nothing new begins.
    """

    target: Target
    connection: Connection
    kinds: Kinds
    settings: Settings = Settings()
    policies: tuple[Policy, ...] = ()
    rng: random.Random = attrs.field(factory=random.Random)
    pool: Callable[[int], Executor] = ThreadPoolExecutor
    stop: Future[int] | None = None

    @classmethod
    def connect(
        cls,
        target: Target,
        *,
        settings: Settings | None = None,
        policies: tuple[Policy, ...] = (),
        kinds: Kinds | None = None,
        environ: Mapping[str, str] = os.environ,
        stop: Future[int] | None = None,
    ) -> Self:
        """A reconciler of a target with this process's settings; makes no call yet.

        Raises CredentialsMissing, InputError or StoreError as `providers.clients.connect` does.
        """
        connection = connect(target, environ=environ, now=time.time())
        told = attrs.evolve(target, region=connection.region, region_source=connection.region_source)
        return cls(
            told,
            connection,
            kinds or bind(model.load()),
            settings or Settings(state=state_folder(environ)),
            policies,
            stop=stop,
        )

    def plan(
        self,
        manifest: Manifest,
        *,
        choose: Collection[Address] = (),
        destroying: bool = False,
        on_event: OnEvent = _ignore,
    ) -> Plan:
        """What an apply would do now. Writes nothing.

        `choose` keeps it to these addresses and what depends on them, and deletes nothing. Raises ManifestError for a
        circle, a CallError where the world cannot be read, RefusedError where the target is not the manifest's.
        """
        with self.pool(self.settings.parallelism) as pool:
            return self._plan(manifest, self._caller(pool, on_event), choose, destroying)

    def drift(self, manifest: Manifest, *, on_event: OnEvent = _ignore) -> Plan:
        """The plan that would bring back what moved away; empty where nothing did."""
        return self.plan(manifest, on_event=on_event)

    def apply(
        self,
        manifest: Manifest,
        *,
        held: Plan | None = None,
        choose: Collection[Address] = (),
        destroying: bool = False,
        approve: Callable[[Plan], bool] = _approve,
        on_event: OnEvent = _ignore,
    ) -> Report:
        """Make the world as the manifest says, then look whether it is.

        Under the lock: observe, plan, ask `approve`, carry out, observe and plan again. Of a plan that was made before
        (`held`) every step that comes out now must be in it. Raises StalePlan, PlanRefused, NotConfirmed or LockHeld
        before anything is changed; what happens after that is in the report.
        """
        with self.pool(self.settings.parallelism) as pool:
            caller = self._caller(pool, on_event)
            self._check_region(manifest)
            whose = self._account() if self.settings.lock == "file" and self.settings.state is not None else None
            with self._lock(whose, manifest.stack):
                plan = self._plan(manifest, caller, choose, destroying)
                self._refuse(plan, held)
                if plan.empty:
                    return Report(plan.id, calls=dict(caller.calls), throttles=caller.throttles, residue=plan)
                if not approve(plan):
                    raise NotConfirmed("the plan was not approved; nothing was changed")
                return self._carry_out(plan, manifest, caller, choose, destroying, on_event)

    def destroy(
        self, manifest: Manifest, *, approve: Callable[[Plan], bool] = _approve, on_event: OnEvent = _ignore
    ) -> Report:
        """Delete everything that the manifest's stack owns: the plan of the emptied manifest."""
        return self.apply(manifest, destroying=True, approve=approve, on_event=on_event)

    def history(self, stack: str) -> History:
        """What earlier runs of a stack did here; raises StoreError where the journal cannot be read."""
        if self.settings.state is None:
            return History()
        return read(self._state_file(self._account(), stack, "journal.jsonl"))

    def output(self, manifest: Manifest, *, on_event: OnEvent = _ignore) -> Mapping[str, Mapping[str, str]]:
        """Name and ARN of every object of the manifest that is live, by address."""
        with self.pool(self.settings.parallelism) as pool:
            snapshot = self._observe(manifest, self._caller(pool, on_event), manifest.resources)
        found: dict[str, Mapping[str, str]] = {}
        for live in snapshot.live:
            if live.owner == manifest.stack and live.address is not None:
                revision = {} if live.revision is None else {"revision": str(live.revision)}
                found[live.address] = {"name": live.name, "arn": live.arn, **revision}
        return {str(address): found[str(address)] for address in manifest.resources if str(address) in found}

    def _caller(self, pool: Executor, on_event: OnEvent) -> Caller:
        clock = self.connection.clock
        return Caller(
            pool=pool,
            clock=clock,
            rng=self.rng,
            max_rate=self.settings.max_api_rate,
            parallelism=self.settings.parallelism,
            stop=self.stop,
            on_retry=retried(on_event, clock.now),
        )

    def _provider(self) -> Provider:
        return Provider(self.connection.batch, self.kinds)

    def _account(self) -> str | None:
        told = account(self.connection)
        return None if isinstance(told, Unread) else told

    def _check_region(self, manifest: Manifest) -> None:
        claimed = manifest.target.region
        if claimed is not None and claimed != self.connection.region:
            raise RefusedError(
                f"the manifest is for {claimed}, and this is {self.connection.region}"
                f" (from {self.connection.region_source})",
                hint="leave one of the two out, or make them agree",
            )

    def _observe(self, manifest: Manifest, caller: Caller, wanted: Collection[Address]) -> Snapshot:
        snapshot = observe(
            self._provider(),
            wanted,
            owner=manifest.stack,
            caller=caller,
            target=self.target,
            region=self.connection.region,
            account=self._account,
        )
        for claimed in (manifest.target.account_id, self.target.account_id):
            if claimed is not None and claimed != snapshot.account:
                there = snapshot.account or "an account that cannot be told"
                raise RefusedError(
                    f"the target is account {claimed}, and the credentials are for {there}",
                    hint="use the credentials or the role of that account",
                )
        return snapshot

    def _plan(self, manifest: Manifest, caller: Caller, choose: Collection[Address], destroying: bool) -> Plan:
        self._check_region(manifest)
        wanted = emptied(manifest) if destroying else manifest
        graph = build(wanted, kinds=self.kinds)
        try:
            chosen = only(graph, choose) if choose else None
        except KeyError as error:
            raise InputError(f"the manifest has no {error.args[0]}", hint="an address is KIND.NAME") from None
        return make_plan(
            wanted,
            graph,
            self._observe(manifest, caller, wanted.resources),
            policy=strictest(manifest.policy, *self.policies),
            kinds=self.kinds,
            now=self.connection.clock.now(),
            versions=_versions(),
            only=chosen,
            destroying=destroying,
        )

    def _refuse(self, plan: Plan, held: Plan | None) -> None:
        if held is not None:
            moved = compare(held, plan)
            where = [
                f"the plan was made for {name} {before}, and this is {now}"
                for name, before, now in (
                    ("stack", held.stack, plan.stack),
                    ("region", held.region, plan.region),
                    ("account", held.account, plan.account),
                    ("endpoint", held.target.get("endpointUrl"), plan.target.get("endpointUrl")),
                    ("provider", held.target.get("provider"), plan.target.get("provider")),
                )
                if before != now and not (name == "account" and None in (before, now))
            ]
            if where or moved:
                raise StalePlan("\n".join([*where, *moved]), hint="plan again")
        if plan.refusals:
            told = "\n".join(f"{row.address or plan.stack}: {row.message}" for row in plan.refusals)
            raise PlanRefused(told, hint="mend what is refused and plan again", plan=plan)

    def _carry_out(
        self,
        plan: Plan,
        manifest: Manifest,
        caller: Caller,
        choose: Collection[Address],
        destroying: bool,
        on_event: OnEvent,
    ) -> Report:
        clock = caller.clock
        run = f"{self.rng.getrandbits(48):012x}"
        with self._journal(plan) as journal:
            journal.run_started(run, plan.stack, plan.id, socket.gethostname(), os.getpid(), clock.now())
            report = execute(
                _capped(plan, self.settings.timeout),
                self._provider(),
                waiter=Waiter(self.rng, self._unmet, {kind.name: kind.facts.lookup.batch for kind in self.kinds}),
                journal=journal,
                caller=caller,
                run=run,
                on_event=on_event,
            )
            if not report.failures and report.interrupted_by is None:
                residue = self._residue(manifest, caller, choose, destroying)
                report = attrs.evolve(report, residue=residue, calls=dict(caller.calls), throttles=caller.throttles)
            journal.run_ended(run, report.exit_code, clock.now())
        on_event(Event("ended", clock.now(), detail={"exit_code": report.exit_code}))
        return report

    def _residue(self, manifest: Manifest, caller: Caller, choose: Collection[Address], destroying: bool) -> Plan:
        """The plan afterwards, looked at again for a while, since tags and revisions may lag."""
        clock = caller.clock
        until = clock.now() + LAG
        while True:
            plan = self._plan(manifest, caller, choose, destroying)
            if plan.empty or clock.now() + _LOOK_AGAIN > until or caller.stopped is not None:
                return plan
            caller.wait(clock.now() + _LOOK_AGAIN)

    def _unmet(self, goal: Goal, live: Live) -> tuple[str, ...]:
        return unmet(goal.expect, live, self.kinds[goal.kind])

    def _state_file(self, whose: str | None, stack: str, suffix: str) -> Path:
        assert self.settings.state is not None
        endpoint = self.target.endpoint_url or self.target.simulator_file
        return self.settings.state / f"{key(whose, endpoint, self.connection.region, stack)}.{suffix}"

    def _lock(self, whose: str | None, stack: str) -> FileLock | NoLock:
        if self.settings.lock == "none" or self.settings.state is None:
            return NoLock()
        holder = Holder(socket.gethostname(), os.getpid(), time.time(), "apply")
        return FileLock(self._state_file(whose, stack, "lock"), holder)

    def _journal(self, plan: Plan) -> AbstractContextManager[Journal]:
        if self.settings.state is None:
            return nullcontext(Journal(lambda _line: None))
        return Journal.open(self._state_file(plan.account, plan.stack, "journal.jsonl"))


def _versions() -> Mapping[str, str]:
    return {name: metadata.version(name) for name in ("batchwright", "botocore")}


def _capped(plan: Plan, timeout: float | None) -> Plan:
    if timeout is None:
        return plan
    steps = [
        step
        if step.goal is None
        else attrs.evolve(step, goal=attrs.evolve(step.goal, deadline=min(step.goal.deadline, timeout)))
        for step in plan.steps
    ]
    return attrs.evolve(plan, steps=tuple(steps))
