"""The reconciler: plan, apply, drift, destroy. What the command line and other tools call; it prints nothing.

from reconciler import Reconciler, load
manifest = load(["examples/genomics"])
reconciler = Reconciler.connect(Target(provider="simulator"))
print(reconciler.plan(manifest).summary)
report = reconciler.apply(manifest)
"""

import os
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Self, get_args

import attrs

from plans.asked import NOTHING, Asked
from plans.handover import adopting, forgetting
from plans.manifest import Manifest
from plans.outputs import outputs_of
from plans.past import Past
from plans.plan import Plan
from plans.policy import Policy
from plans.rehearsal import RUNS, Faults, Rehearsal
from plans.report import Event, Report
from plans.world import World
from providers import model
from providers.clients import Connection, connect
from providers.clock import Clock, SystemClock
from providers.errors import CallError, InputError, StoreError
from providers.kinds import Kinds, bind
from providers.provider import Provider
from providers.resources import Address, Snapshot, Target, Unread
from reconciler.hooks import OnPlan, judged
from reconciler.journal import History, state_folder
from reconciler.lock import Freed, Place
from reconciler.outset import calling, keeping_of, lock_of, task_of, turn_of
from reconciler.pace import Pace
from reconciler.pools import Pool, pool_of
from reconciler.settings import Settings
from reconciler.task import Task, ask_account, refuse
from reconciler.telling import OnEvent

if TYPE_CHECKING:
    from plans.diagnosis import Diagnosis
    from plans.export import Export, Selection
    from plans.retention import Retention
    from plans.rollback import Rollback
    from providers.clients import OwnSession
    from reconciler.foresight import Foresight
    from reconciler.revisions import Pruning


def _ignore(_event: Event) -> None:
    pass


def _approve(_plan: Plan) -> bool:
    return True


@attrs.frozen
class Reconciler:
    """One target, ready to be reconciled.

    `policies` bind every plan beside the manifest's own; the strictest wins. `pool` makes the executor of a run, of a
    size; one that is given itself is left open.
    `stop` is completed, with a signal's number, to end a run: what is in flight finishes, nothing new begins. Without
    one, or cancelled, it counts as SIGINT; that it was cancelled is seen when the wait of that moment is over. `wall`
    is the time of whoever approves, which simulated time is not. `pace` is shared with others who call; None is one
    of each run's own. `on_answer` is told of each answer of AWS, by the thread that calls: the run goes on. Each of
    `on_plan` sees every plan before it is shown, approved or carried out, and refuses what it gives back; what is
    looked at after an apply it does not see.
    """

    target: Target
    connection: Connection = attrs.field(repr=False)
    kinds: Kinds = attrs.field(repr=False)
    settings: Settings = Settings()
    policies: tuple[Policy, ...] = ()
    rng: random.Random = attrs.field(factory=random.Random, repr=False)
    pool: Pool = attrs.field(default=ThreadPoolExecutor, converter=pool_of)
    stop: Future[int] | None = None
    wall: Clock = attrs.field(factory=SystemClock, repr=False)
    pace: Pace | None = None
    on_answer: Callable[[], None] | None = None
    on_plan: tuple[OnPlan, ...] = ()

    @classmethod
    def connect(
        cls,
        target: Target,
        *,
        settings: Settings | None = None,
        policies: tuple[Policy, ...] = (),
        kinds: Kinds | None = None,
        environ: Mapping[str, str] | None = None,
        stop: Future[int] | None = None,
        on_plan: Iterable[OnPlan] = (),
        session: "OwnSession | None" = None,
        pool: Pool | Executor = ThreadPoolExecutor,
    ) -> Self:
        """A reconciler of a target with this process's settings; makes no call yet.

        `environ` tells regions, folders and what else is ours, and is that of the process unless it is given; where
        boto3 looks for credentials it does not change. With `session` its credentials and settings
        count, and its region where the target names none; of a target's role, it is what assumes that. The rest is told
        of a Reconciler.
        Raises CredentialsMissing, InputError or StoreError as `providers.clients.connect` does.
        """
        environ = os.environ if environ is None else environ
        settings = settings or Settings()
        if settings.state == "usual":
            settings = attrs.evolve(settings, state=state_folder(environ))
        connection = connect(target, environ=environ, now=SystemClock().now(), session=session)
        told = attrs.evolve(
            target,
            region=connection.region,
            region_source=connection.region_source,
            endpoint_url=connection.endpoint_url,
        )
        return cls(
            told,
            connection,
            kinds or bind(model.load()),
            settings,
            policies,
            pool=pool,
            stop=stop,
            on_plan=tuple(on_plan),
        )

    def look(self, manifests: Collection[Manifest], *, on_event: OnEvent = _ignore) -> Snapshot:
        """The world as plans of all these manifests need it, read once for all of them. Writes nothing."""
        with task_of(self, Manifest("", {}), on_event) as task:
            return task.look(manifests)

    def plan(
        self,
        manifest: Manifest,
        *,
        asked: Asked = NOTHING,
        destroying: bool = False,
        world: Snapshot | None = None,
        on_event: OnEvent = _ignore,
    ) -> Plan:
        """What an apply would do now. Writes nothing.

        `world` is what a `look` at it and others saw a moment ago, in place of one at it alone. `asked` is what is to
        be done beside the manifest, for this once. Raises ManifestError for a circle, a CallError where the world
        cannot be read, RefusedError where the target is not the manifest's, InputError where something is asked for
        that is not there.
        """
        with task_of(self, manifest, on_event, asked=asked, destroying=destroying) as task:
            task.world = world
            made = judged(task.plan(), self.on_plan)
            foresight = self._foresight(task, made)
            return made if foresight is None else foresight.plan

    def drift(self, manifest: Manifest, *, on_event: OnEvent = _ignore) -> Plan:
        """The plan that would bring back what moved away; empty where nothing did.

        Every difference has its origin, as far as the journal on this machine knows what was applied.
        """
        doubts: list[str] = []
        with task_of(self, manifest, on_event) as task:
            task.counting = False

            def past() -> Past:
                try:
                    told = keeping_of(self).history(task.account(), manifest.stack)
                    doubts.extend(f"the journal is damaged: {fault}" for fault in told.faults)
                    return told.past
                except (StoreError, CallError) as error:
                    doubts.append(f"where differences come from is not known: {error}")
                    return Past()

            made = judged(task.plan(Past if self.settings.folder is None else past), self.on_plan)
        return attrs.evolve(made, warnings=(*made.warnings, *doubts))

    def apply(
        self,
        manifest: Manifest,
        *,
        held: Plan | None = None,
        asked: Asked = NOTHING,
        destroying: bool = False,
        handing_over: bool = False,
        approve: Callable[[Plan], bool] = _approve,
        on_event: OnEvent = _ignore,
    ) -> Report:
        """Make the world as the manifest says, then look whether it is.

        Under the lock: observe, plan, ask `approve`, carry out, observe and plan again. Of a plan that was made before
        (`held`) every step that comes out now must be in it; so it is with the plan that was approved, if approval
        took longer than a moment. Raises StalePlan, PlanRefused, NotConfirmed or LockHeld
        before anything is changed; what happens after that is in the report.
        """
        from reconciler.carrying import carry_out

        modes = {"destroying": destroying, "handing_over": handing_over}
        with task_of(self, manifest, on_event, asked=asked, **modes) as task:
            task.check_region()
            doing = "destroy" if destroying else "change of tags" if handing_over else "apply"
            again = partial(self._promised, task)
            with turn_of(self, task, doing, on_event, partial(again, held)) as turn:
                foresight = self._foresight(task, turn.seen)
                plan = foresight.plan if foresight is not None else turn.seen
                if plan.empty:
                    calls, throttles = dict(task.caller.calls), task.caller.throttles
                    report = Report(plan.id, calls=calls, throttles=throttles, residue=plan)
                else:
                    plan = turn.approved(plan, approve, again, called="the plan")
                    with turn.journal() as journal:
                        report = carry_out(
                            task,
                            plan,
                            journal,
                            lock=turn.lock,
                            rng=self.rng,
                            timeout=self.settings.timeout,
                            on_event=on_event if foresight is None else foresight.hearing(on_event),
                            tokens=keeping_of(self).tokens(plan, turn.account),
                        )
                    report = report if foresight is None else foresight.compared(report)
        on_event(Event("ended", self.connection.clock.now(), detail={"exit_code": report.exit_code}))
        return report

    def rehearse(
        self,
        manifest: Manifest,
        *,
        held: Plan | None = None,
        asked: Asked = NOTHING,
        seed: int = 0,
        faults: Faults = "none",
        runs: int = RUNS,
        calibrate: bool = False,
        on_event: OnEvent = _ignore,
    ) -> Rehearsal:
        """Carry the plan out `runs` times on a model of the account, which is only read; `seed` tells all dice.

        `calibrate`: durations are those that the journal on this machine saw, as far as it saw any. Raises as `apply`
        does before anything is changed, but needs no lock; InputError where the model cannot hold the account. Nothing
        is rehearsed of a plan that is empty. Raises InputError for less than one run too.
        """
        from reconciler import rehearsal
        from reconciler.durations import TABLE, calibrated

        if runs < 1:
            raise InputError(f"`runs` is {runs}, and is at least 1")
        if faults not in get_args(Faults):
            raise InputError(f"`faults` is {faults!r}", hint=f"it is one of {', '.join(get_args(Faults))}")
        with task_of(self, manifest, on_event, asked=asked) as task:
            plan = self._promised(task, held)
            table = TABLE
            if calibrate:
                table = calibrated(TABLE, keeping_of(self).history(task.account(), manifest.stack).runs)
            stand = rehearsal.Stand.of(task, plan, self.settings.timeout, table)
            played = 0 if plan.empty else runs
            return rehearsal.rehearse(stand, seed=seed, faults=faults, runs=played, stopped=lambda: task.caller.stopped)

    def destroy(
        self,
        manifest: Manifest,
        *,
        asked: Asked = NOTHING,
        approve: Callable[[Plan], bool] = _approve,
        on_event: OnEvent = _ignore,
    ) -> Report:
        """Delete everything that the manifest's stack owns: the plan of the emptied manifest."""
        return self.apply(manifest, asked=asked, destroying=True, approve=approve, on_event=on_event)

    def adopt(
        self, manifest: Manifest, *, approve: Callable[[Plan], bool] = _approve, on_event: OnEvent = _ignore
    ) -> Report:
        """Put our tags on all that has the name of a block and is nobody's, and leave it otherwise as it is."""
        return self.apply(adopting(manifest), handing_over=True, approve=approve, on_event=on_event)

    def forget(
        self,
        stack: str,
        addresses: Collection[Address],
        *,
        approve: Callable[[Plan], bool] = _approve,
        on_event: OnEvent = _ignore,
    ) -> Report:
        """Take our tags from all that a stack has at these addresses, all revisions included; nothing is deleted.

        Raises InputError for an address at which the stack has nothing.
        """
        return self.apply(forgetting(stack, addresses), handing_over=True, approve=approve, on_event=on_event)

    def earlier(
        self, manifest: Manifest, address: Address, revision: int | None = None, *, on_event: OnEvent = _ignore
    ) -> "Rollback":
        """What it takes to go back to an older revision of a job definition; writes nothing.

        `manifest` says which stack, where, and under which policy: its blocks do not matter. `revision` is any of the
        family, ACTIVE or not; None is the last one of the stack before the newest that says something else.
        Raises InputError where there is none, RefusedError where something of it would be lost.
        """
        from reconciler import revisions

        with task_of(self, manifest, on_event) as task:
            task.check_region()
            return revisions.step_back(task.provider, task.caller, manifest, address, revision, self.connection.place)

    def rollback(
        self,
        manifest: Manifest,
        address: Address,
        revision: int | None = None,
        *,
        approve: Callable[[Plan], bool] = _approve,
        on_event: OnEvent = _ignore,
    ) -> Report:
        """Register what an older revision of a job definition says as the newest; nothing is deregistered.

        Raises as `earlier` and `apply` do. The report is empty where the newest says the same already.
        """
        back = self.earlier(manifest, address, revision, on_event=on_event)
        if back.manifest is None:
            return Report("")
        return self.apply(back.manifest, approve=approve, on_event=on_event)

    def prunable(self, manifest: Manifest, retention: "Retention", *, on_event: OnEvent = _ignore) -> "Pruning":
        """What `prune_revisions` would deregister now; writes nothing."""
        from reconciler.pruning import prunable

        with task_of(self, manifest, on_event) as task:
            return prunable(task, retention)

    def prune_revisions(
        self,
        manifest: Manifest,
        retention: "Retention",
        *,
        approve: Callable[["Pruning"], bool],
        on_event: OnEvent = _ignore,
    ) -> "Pruning":
        """Deregister old revisions of job definitions, under the lock of the stack and in its journal.

        `manifest` says which stack, where, and what is pinned; a stack of no name has nothing. What came to be spared
        while `approve` took its time is spared. Raises InputError, RefusedError, NotConfirmed or LockHeld before
        anything is changed; what happens after that is in the report.
        """
        from reconciler.pruning import prune

        with task_of(self, manifest, on_event) as task:
            turn = partial(turn_of, self, task, "prune-revisions", on_event)
            return prune(task, retention, turn, approve=approve, on_plan=self.on_plan, rng=self.rng, on_event=on_event)

    def unlock(self, stack: str) -> Freed:
        """Remove the lock of a stack that a dead run left; who that was, and where.

        Raises LockHeld where the holder is not known to be dead, InputError where there is no lock to remove.
        """
        if self.settings.lock == Place("none"):
            raise InputError("with --lock none there is no lock", hint="say which it is, as the runs do")
        account = self.account() if keeping_of(self).by_account else None
        if account is None and keeping_of(self).by_account:
            with task_of(self, Manifest(stack, {}), _ignore) as task:
                account = task.observe().account
        return Freed(account, self.connection.region, lock_of(self, account, stack, "unlock", _ignore).free())

    def history(self, stack: str) -> History:
        """What earlier runs of a stack did here; raises StoreError where the journal cannot be read."""
        return History() if self.settings.folder is None else keeping_of(self).history(self.account(), stack)

    def account(self, *, on_event: OnEvent = _ignore) -> str | None:
        """The account as STS tells it; None where STS cannot be asked."""
        with calling(self, on_event) as caller:
            told = ask_account(self.connection, caller)
        return None if isinstance(told, Unread) else told

    def output(self, manifest: Manifest, *, on_event: OnEvent = _ignore) -> Mapping[str, Mapping[str, str]]:
        """Name and ARN of every object of the manifest that is live, by address.

        Of a definition that is its newest revision, of several objects of one address the one that works.
        """
        with task_of(self, manifest, on_event) as task:
            return outputs_of(World.of(manifest, task.observe(), self.kinds))

    def export(self, selection: "Selection", *, on_event: OnEvent = _ignore) -> "Export":
        """A manifest of what is live and selected; raises InputError where that is nothing, RefusedError where
        something of it is being replaced."""
        from plans.export import export

        with task_of(self, Manifest(selection.stack, {}), on_event) as task:
            return export(task.observe(), self.kinds, selection)

    def doctor(
        self, queue: str | None = None, *, stack: str | None = None, on_event: OnEvent = _ignore
    ) -> tuple["Diagnosis", ...]:
        """Why the jobs of a queue, by name, ARN or address, do not run; without one, of all in which jobs wait.

        `stack` confines it to the queues of one. Raises InputError where there is no such queue, and where a stack
        has none.
        """
        from reconciler.doctor import Doctor

        with calling(self, on_event) as caller:
            provider = Provider(self.connection.batch, self.kinds)
            return Doctor(provider, self.connection, caller).diagnose(queue, stack)

    def _promised(self, task: Task, held: Plan | None) -> Plan:
        """The plan that a task promises, with nothing in it that is refused; raises StalePlan or PlanRefused."""
        plan = judged(task.promised(held), self.on_plan)
        refuse(plan)
        return plan

    def _foresight(self, task: Task, plan: Plan) -> "Foresight | None":
        """What is expected of a plan, where that is wanted and there is something to expect."""
        if not self.settings.estimating or plan.empty:
            return None
        from reconciler.foresight import Foresight

        return Foresight.of(task, plan, self.settings.timeout)
