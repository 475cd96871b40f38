"""One wish against one world: observe and plan. What comes of the plan is for `reconciler.carrying`.

A task is what a run has in hand: the manifest, what of it is chosen, and the `Caller` through which everything goes,
so that one pace and one count of calls hold from the first look to the last. The lock and the journal are its user's.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from importlib import metadata
from types import MappingProxyType

import attrs

from plans import jobs, roles
from plans.asked import Asked
from plans.canaries.definitions import families
from plans.graph import build, only
from plans.handover import check_held
from plans.manifest import Manifest
from plans.ownership import watched
from plans.past import Past
from plans.plan import Plan
from plans.planner import emptied, make_plan
from plans.policy import Policy
from plans.promise import compare, replaced_by
from providers.clients import Connection
from providers.errors import InputError, PlanRefused, RefusedError, StalePlan
from providers.kinds import Kinds
from providers.provider import Provider
from providers.resources import Resource, Snapshot, Surroundings, Target, Unread
from providers.surroundings import account
from reconciler.counting import count
from reconciler.observe import answers, observe
from reconciler.retry import Caller
from reconciler.surroundings import ask_roles, ask_tagged, before


def ask_account(connection: Connection, caller: Caller) -> str | Unread:
    """The account as STS tells it: a call like any other, paced, repeated and counted."""
    caller.submit("account", "GetCallerIdentity", partial(account, connection))
    (done,) = answers(caller)
    if done.error is not None:
        if done.error.retryable:
            return Unread(str(done.error))
        raise done.error
    told: str | Unread = done.result
    return told


@attrs.define
class Task:
    """What a run has in hand. `policy` is the manifest's and what is `bound` beside it. `handing_over`: only tags
    change, where the blocks are taken over and what is removed is let go of. `counting`: jobs that a plan disturbs are
    counted even where no deletion hangs on it. `world` is what a plan is made on in place of a look of its own.
    `seen` is the world as the last plan found it."""

    manifest: Manifest
    target: Target
    connection: Connection
    kinds: Kinds
    policy: Policy
    caller: Caller
    asked: Asked = Asked()
    destroying: bool = False
    handing_over: bool = False
    counting: bool = True
    bound: Policy = Policy()
    world: Snapshot | None = None
    seen: Snapshot | None = attrs.field(default=None, init=False)
    _account: str | Unread | None = attrs.field(default=None, init=False)
    _surroundings: Surroundings = attrs.field(factory=Surroundings, init=False)

    @property
    def provider(self) -> Provider:
        return Provider(self.connection.batch, self.kinds)

    def account(self) -> str | None:
        """The account as STS tells it, asked once; None where STS cannot be asked."""
        if self._account is None:
            self._account = ask_account(self.connection, self.caller)
        return None if isinstance(self._account, Unread) else self._account

    def check_region(self) -> None:
        """Raise RefusedError where the manifest is for another region."""
        claimed, here = self.manifest.target.region, self.connection.region
        if claimed is not None and claimed != here:
            raise RefusedError(
                f"the manifest is for {claimed}, and this is {here} (from {self.connection.region_source})",
                hint="leave one of the two out, or make them agree",
            )

    def observe(self) -> Snapshot:
        """The world as this task needs it; raises RefusedError where it is another account's."""
        snapshot = self.world or self.look((self.manifest,))
        self.check_account(snapshot.account)
        return snapshot

    def look(self, manifests: Collection[Manifest]) -> Snapshot:
        """The world as plans of all these manifests need it."""
        wanted: list[Resource] = []
        for each in () if self.destroying else manifests:
            wanted += watched(each.ownership, each.resources, each.name_prefix).values()
        stacks = [name for each in manifests for name in (each.stack, *each.ownership.stacks)]
        return observe(
            self.provider,
            wanted,
            caller=self.caller,
            target=self.target,
            region=self.connection.region,
            account=self.account,
            families=families(wanted) if wanted else None,
            tagged=partial(ask_tagged, self.connection, self.caller, stacks) if wanted or self.destroying else None,
        )

    def check_account(self, account: str | None) -> None:
        """Raise RefusedError where the target is another account; None is one that nothing told."""
        for claimed in (self.manifest.target.account_id, self.target.account_id):
            if claimed is not None and claimed != account:
                there = account or "an account that cannot be told"
                raise RefusedError(
                    f"the target is account {claimed}, and the credentials are for {there}",
                    hint="use the credentials or the role of that account",
                )

    def plan(self, past: Callable[[], Past] | None = None, *, afterwards: bool = False) -> Plan:
        """What is to be done now; with `past`, which is asked where there is something, differences have origins.

        `afterwards` what was asked for once is done; the services around Batch are not asked again.
        """
        self.check_region()
        wanted = emptied(self.manifest) if self.destroying else self.manifest
        graph = build(wanted, kinds=self.kinds)
        try:
            asked = attrs.evolve(self.asked, only=only(graph, self.asked.only))
        except KeyError as error:
            raise InputError(f"the manifest has no {error.args[0]}", hint="an address is KIND.NAME") from None
        asked.check(self.manifest.resources, self.kinds)
        snapshot = self.observe()
        if self.handing_over and not afterwards:
            check_held(self.manifest, snapshot, self.kinds)
        if not (self.handing_over or afterwards):
            environments = {
                address: resource.spec
                for address, resource in wanted.resources.items()
                if address.kind == "compute_environment" and (not asked.only or address in asked.only)
            }
            self._surroundings = before(self.connection, self.caller, environments, asked.update_image)
        planned = partial(
            make_plan,
            self.manifest,
            graph,
            policy=self.policy,
            bound=self.bound,
            kinds=self.kinds,
            now=self.connection.clock.now(),
            versions=_versions(),
            asked=asked.afterwards() if afterwards else asked,
            destroying=self.destroying,
            handing_over=self.handing_over,
        )
        made = planned(self._in_place(snapshot))
        if not afterwards:
            names = roles.asked(
                made.steps,
                snapshot.of("compute_environment"),
                self.kinds["compute_environment"],
                self.manifest.stack,
            )
            if names:
                found = ask_roles(self.connection, self.caller, names)
                self._surroundings = attrs.evolve(self._surroundings, roles=found)
            needed, told = jobs.asked(made.changes, made.steps, snapshot)
            counted = count(self.provider, self.caller, needed, told if self.counting else ())
            snapshot = attrs.evolve(snapshot, jobs=counted)
            if names or counted:
                made = planned(self._in_place(snapshot))
        self.seen = self._in_place(snapshot)
        return made if past is None or made.empty else planned(self._in_place(snapshot), past=past())

    def promised(self, held: Plan | None) -> Plan:
        """What is to be done now, which has to be what `held` promises, where a plan was made before.

        What that has replaced already is not replaced once more. Raises StalePlan; what is refused stands in the plan.
        """
        plan = self.plan()
        if held is not None and self.asked.replace & (done := replaced_by(held, plan)):
            self.asked = attrs.evolve(self.asked, replace=self.asked.replace - done)
            plan = self.plan()
        if held is not None:
            keep_to(held, plan)
        return plan

    def elsewhere(self, connection: Connection, caller: Caller) -> "Task":
        """The same task in another world; what is around Batch is as it is known here, and not asked for again."""
        made = attrs.evolve(self, connection=connection, caller=caller, world=None)
        made._surroundings = self._surroundings
        return made

    @property
    def whole(self) -> bool:
        """Whether the plan is about all that the stack owns."""
        return self.destroying or (self.policy.prune and not self.asked.only and not self.handing_over)

    def _in_place(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what is known of the services around Batch."""
        return attrs.evolve(snapshot, surroundings=self._surroundings)


def keep_to(held: Plan, plan: Plan) -> None:
    """Raise StalePlan where a plan is not what was promised (`held`)."""
    moved = [
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
    if moved := [*moved, *compare(held, plan)]:
        raise StalePlan("\n".join(moved), hint="plan again")


def refuse(plan: Plan) -> None:
    """Raise PlanRefused where a plan holds refusals."""
    if plan.refusals:
        told = "\n".join(f"{row.address or plan.stack}: {row.message}" for row in plan.refusals)
        raise PlanRefused(told, hint="mend what is refused and plan again", plan=plan)


@cache
def _versions() -> Mapping[str, str]:
    return MappingProxyType({name: metadata.version(name) for name in ("batchwright", "botocore")})
