"""What must be in the end, once nothing goes wrong any more: the same command, and all is as the manifest says."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

from plans.asked import NOTHING, Asked
from plans.plan import Plan
from plans.planfile import dumps, loads
from plans.report import Report
from providers.clock import Clock
from providers.errors import BatchwrightError, PlanRefused
from providers.resources import ADDRESS_TAG, DIGEST_TAG, STACK_TAG, Address
from providers.simulator import Store
from tests.exploration.breach import Breach
from tests.exploration.history import Document, History
from tests.exploration.never import Key, Look, drain

RUNS = 8
CONVERGES = "it converges"
"""The name of a property; where the plan is refused, it is followed by the codes of that."""

_HOUR = 3600.0
_KINDS = {
    "computeEnvironments": "compute_environment",
    "serviceEnvironments": "service_environment",
    "jobQueues": "job_queue",
    "quotaShares": "quota_share",
    "jobDefinitions": "job_definition",
    "schedulingPolicies": "scheduling_policy",
    "consumableResources": "consumable_resource",
}


class Account(Protocol):
    """An account in which a command can be run, and looked at."""

    history: History
    store: Store
    met: Counter[str]
    plans: dict[str, Plan]
    scope: str

    @property
    def clock(self) -> Clock: ...

    @property
    def wish(self) -> Document: ...

    def apply(self, asked: Asked = NOTHING) -> Report | BatchwrightError | None: ...


def in_the_end(account: Account) -> None:
    """Run the command until it says that all is done; raise Breach where it does not, or where that is not so."""
    asked, ended = NOTHING, None
    for _ in range(RUNS):
        ended = account.apply(asked)
        if isinstance(ended, Report) and ended.exit_code == 0:
            break
        codes = _codes(ended)
        asked = _as_hinted(ended, asked)
        account.clock.sleep(_HOUR)
    else:
        codes = _codes(ended)
        excuse = next((code for code in codes if code in EXCUSES and EXCUSES[code](account)), None)
        if excuse is None and _held_by_jobs(account):
            excuse = "jobs"
        if excuse is None:
            raise Breach(
                ": ".join([CONVERGES, *filter(None, [", ".join(sorted({*codes}))])]),
                f"after {RUNS} runs: {_told(ended)}",
            )
        account.met[f"refused: {excuse}"] += 1
        return
    for name, wrong in wrongs(Look.at(account.store, account.scope), account):
        raise Breach(name, wrong)


def wrongs(look: Look, account: Account) -> Iterator[tuple[str, str]]:
    """What is not as it has to be, in an account in which all is done."""
    stack = str(account.wish["stack"])
    own = {key: shown for key in look.objects if (shown := look.shown(key)).get("tags", {}).get(STACK_TAG) == stack}
    wanted = {f"{kind}.{name}" for block, kind in _KINDS.items() for name in account.wish.get(block, ())}
    held: Counter[str] = Counter()
    for (kind, name), shown in own.items():
        address = shown["tags"].get(ADDRESS_TAG)
        if address is None:
            continue  # Somebody took that tag away: nobody's, until it is adopted.
        if kind != "definition":
            held[address] += 1
        if address not in wanted and shown.get("status") not in ("DELETED", "INACTIVE"):
            yield "nothing is left over", f"{kind} {name} of {address}"
    for address in wanted:
        if not address.startswith("job_definition.") and held[address] != 1:
            yield "one object for one wish", f"{address} has {held[address]}"
    yield from _temporary(own, account.wish)
    if account.history.locked and not account.history.overtaken:
        yield from _doubled(look)
    for plan in account.plans.values():
        if loads(dumps(plan, {}))[0] != plan:
            yield "a plan file holds the plan", plan.id


def _temporary(own: Mapping[Key, Document], wish: Document) -> Iterator[tuple[str, str]]:
    """What stands in for an object that was to keep its name."""
    kept = [
        name
        for name, block in wish.get("computeEnvironments", {}).items()
        if block.get("lifecycle", {}).get("replace") in ("twoHop", "deleteFirst") and not wish.get("moved")
    ]
    for (kind, name), shown in own.items():
        address = shown["tags"].get(ADDRESS_TAG, "")
        if kind == "environment" and address.rpartition(".")[2] in kept and not address.endswith(f".{name}"):
            yield "nothing temporary stays", f"{name} of {address}"


def _doubled(look: Look) -> Iterator[tuple[str, str]]:
    """Revisions of which the one before says the same, and is as much ours."""
    last: dict[str, str | None] = {}
    for name, shown in look.of("definition").items():
        digest = shown.get("tags", {}).get(DIGEST_TAG)
        family = name.rpartition(":")[0]
        if digest is not None and last.get(family) == digest and shown["status"] == "ACTIVE":
            yield "one revision for one wish", name
        last[family] = digest


def _codes(ended: object) -> Collection[str]:
    if isinstance(ended, PlanRefused) and isinstance(ended.plan, Plan):
        return [row.code for row in ended.plan.refusals]
    if isinstance(ended, Report) and ended.residue is not None:
        return [row.code for row in ended.residue.refusals]
    return []


def _as_hinted(ended: object, asked: Asked) -> Asked:
    """What the hint of a refusal says is to be asked for: what is INVALID is repaired, or else replaced."""
    if not isinstance(ended, PlanRefused) or not isinstance(ended.plan, Plan):
        return asked
    invalid = [
        Address.parse(row.address) for row in ended.plan.refusals if row.code in ("invalid", "invalid-environment")
    ]
    if not invalid:
        return asked
    if not asked.repair:
        return Asked(repair=True)
    return Asked(
        repair=True, replace=frozenset(address for address in invalid if address.kind == "compute_environment")
    )


def _writes(*operations: str) -> Callable[[Account], bool]:
    """Whether somebody else made such a call."""
    return lambda account: any(event.operation in operations for event in account.history.events)


EXCUSES: Mapping[str, Callable[[Account], bool]] = {
    "foreign-revision": _writes("RegisterJobDefinition"),
    "name-taken": _writes("CreateComputeEnvironment", "CreateJobQueue", "RegisterJobDefinition", "UntagResource"),
    "in-use": _writes("CreateJobQueue", "UpdateJobQueue", "UntagResource"),
    "nothing-left": lambda account: (
        any(trouble.kind == "invalid" for trouble in account.history.troubles) or _goes_first_alone(account)
    ),
    "canary-circle": _writes("UntagResource"),
    "canary-queue": lambda account: _tried_in_vain(account.wish),
    "quota": lambda account: any(
        len(block.get("computeEnvironmentOrder", ())) > _ENVIRONMENTS for block in account.wish["jobQueues"].values()
    ),
}
"""Refusals that last, and what must have happened for them to be right.

Some manifests ask for what cannot be, whatever happens: then it is the manifest that must say so. That the history is
refused alike with nothing going wrong does not tell of these, since it may be refused for something else by then: what
others write is due at a call, and a run that dies takes more of them.
"""

_ENVIRONMENTS = 3
"""So many compute environments AWS takes for a queue ("AWS Batch service quotas")."""


def _goes_first_alone(account: Account) -> bool:
    """Whether an environment is to be deleted before it is made anew (`lifecycle.replace`), while a queue names it and
    nothing else, and the manifest gives it nothing else, be it by its block or by its name: AWS takes no empty list, so
    there is no way to do that."""
    moved = {row["from"]: row["to"] for row in account.wish.get("moved", ())}
    look = Look.at(account.store, account.scope)
    environments = {shown["computeEnvironmentArn"]: shown for shown in look.of("environment").values()}
    for name, queue in look.of("queue").items():
        order = [entry["computeEnvironment"] for entry in queue.get("computeEnvironmentOrder", ())]
        tags = environments.get(order[0], {}).get("tags", {}) if len(order) == 1 else {}
        address = tags.get(ADDRESS_TAG, "")
        own = moved.get(address, address).rpartition(".")[2]
        block = account.wish.get("computeEnvironments", {}).get(own, {})
        wanted = account.wish.get("jobQueues", {}).get(name, {}).get("computeEnvironmentOrder", [own])
        known = {own, order[0].rpartition("/")[2]} if order else {own}
        if block.get("lifecycle", {}).get("replace") == "deleteFirst" and known.issuperset(wanted):
            return True
    return False


def _tried_in_vain(wish: Document) -> bool:
    """Whether a definition is to be tried in a queue that is to be DISABLED, or all of whose environments are: no job
    of it would ever run."""
    tried = (block.get("rollout", {}).get("canary", {}) for block in wish.get("jobDefinitions", {}).values())
    for queue in [canary["queue"] for canary in tried if canary]:
        said = wish["jobQueues"].get(queue, {})
        order = said.get("computeEnvironmentOrder", ())
        states = [wish["computeEnvironments"].get(name, {}).get("state") for name in order]
        if said.get("state") == "DISABLED" or (states and {*states} == {"DISABLED"}):
            return True
    return False


def _held_by_jobs(account: Account) -> bool:
    """Whether jobs that have not ended are in queues that may not go with them."""
    look = Look.at(account.store, account.scope)
    return any(drain(account.wish, job.queue) in ("refuse", "wait", "cancel") for job in look.jobs.values())


def _told(ended: object) -> str:
    if isinstance(ended, Report):
        left = ended.residue
        told: list[Any] = [ended.exit_code, *(outcome for outcome in ended.failures)]
        if left is not None:
            told += [*((step.id, step.why) for step in left.steps), *left.refusals]
        return json.dumps(told, default=str)
    return f"{type(ended).__name__}: {ended}"
