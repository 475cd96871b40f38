"""The quotas of an account, of a cluster and of a queue: the page "AWS Batch service quotas" of the user guide.

That page calls them not adjustable. Of three environments a queue, issues hashicorp/terraform-provider-aws#20764 and
#21737 tell that AWS raised it for some accounts: where a live queue has more, that is evident, and the plan only warns.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plans.change import Action, Refusal
from plans.decision import Decision
from plans.queues import sends
from plans.succession import carries
from plans.world import World
from providers.resources import Document, Live

ENVIRONMENTS_A_CLUSTER = 5
ENVIRONMENTS_A_QUEUE = 3
SHARES_A_QUEUE = 20
_USED = "delete what is not used first"
_CHOICES = ", or replace fewer at a time with --only, or say lifecycle.replace: deleteFirst"
_HALF_WAY = ", or first end the replacement that was cut short: apply the manifest that it was for once more"


def refusals(decisions: Sequence[Decision], world: World) -> Iterable[Refusal]:
    """What would be one too many."""
    yield from _of_account(decisions, world)
    yield from _crowded(decisions, world)
    yield from _long_orders(decisions, world)


def warnings(decision: Decision) -> Iterable[str]:
    """What may be too many."""
    count = _environments(decision.spec)
    if decision.resource is not None and count > ENVIRONMENTS_A_QUEUE:
        yield (
            f"{decision.change.address}: {count} compute environments;"
            f" AWS documents {ENVIRONMENTS_A_QUEUE} as the most a queue takes"
        )


def _environments(queue: Document) -> int:
    return len(queue.get("computeEnvironmentOrder") or ())


def _long_orders(decisions: Sequence[Decision], world: World) -> Iterable[Refusal]:
    if any(_environments(live.spec) > ENVIRONMENTS_A_QUEUE for live in world.snapshot.of("job_queue")):
        return
    for decision in decisions:
        count = _environments(decision.spec)
        if count > ENVIRONMENTS_A_QUEUE and sends(decision, "computeEnvironmentOrder"):
            message = f"computeEnvironmentOrder: {count} compute environments; AWS takes {ENVIRONMENTS_A_QUEUE}"
            hint = "take some out, or make another queue; where a queue of this account has more, it only warns"
            yield Refusal(str(decision.change.address), "quota", message, hint)


def _of_account(decisions: Sequence[Decision], world: World) -> Iterable[Refusal]:
    made = Counter(decision.change.kind for decision in decisions if decision.change.action is Action.CREATE)
    beside = Counter(decision.change.kind for decision in decisions if _beside(decision))
    leaving = Counter(
        decision.change.kind
        for decision in decisions
        if decision.change.action is Action.CREATE and decision.live is not None
    )
    for kind in world.kinds:
        wanted = made[kind.name] + beside[kind.name]
        if kind.facts.quota is None or not wanted:
            continue
        there = sum(1 for _ in world.snapshot.of(kind.name)) - leaving[kind.name]
        if there + wanted > kind.facts.quota:
            yield Refusal(
                "",
                "quota",
                f"{there} {kind.title}s are there and {wanted} would be made; AWS allows {kind.facts.quota}",
                _hint(decision for decision in decisions if _beside(decision) and decision.change.kind == kind.name),
            )


def _crowded(decisions: Sequence[Decision], world: World) -> Iterable[Refusal]:
    """The quotas within a cluster and within a queue."""
    for name, member, most, told in _CROWDS:
        there = Counter(_within(live.spec, member) for live in world.snapshot.of(name))
        of_kind = [each for each in decisions if each.change.kind == name]
        made = [each for each in of_kind if each.change.action is Action.CREATE]
        beside = [each for each in of_kind if _beside(each)]
        there.subtract(_within(each.live.spec, member) for each in made if each.live is not None)
        wanted = Counter(_within(each.spec, member) for each in (*made, *beside))
        replaced = {_within(each.spec, member) for each in beside}
        for holder, count in wanted.items():
            if holder is not None and there[holder] + count > most:
                message = f"{there[holder]} {told} {holder} are there and {count} would be made; AWS allows {most}"
                yield Refusal("", "quota", message, _hint(beside if holder in replaced else ()))


def _hint(beside: Iterable[Decision]) -> str:
    """What makes room, where these replacements need some."""
    replaced = [*beside]
    half_way = any(len(decision.superseded) > 1 for decision in replaced)
    return _USED + (_CHOICES if replaced else "") + (_HALF_WAY if half_way else "")


def _beside(decision: Decision) -> bool:
    """Whether a replacement makes one more than there is, until the old one has gone."""
    match decision.manner, decision.namesake:
        case "createFirst", _:
            return True
        case "twoHop", Live(status="DELETING"):
            return False
        case "twoHop", old:
            return old is None or not any(carries(live) for live in decision.superseded if live is not old)
        case _:
            return False


_CROWDS = (
    (
        "compute_environment",
        "eksConfiguration.eksClusterArn",
        ENVIRONMENTS_A_CLUSTER,
        "compute environments of cluster",
    ),
    ("quota_share", "jobQueue", SHARES_A_QUEUE, "quota shares of job queue"),
)


def _within(document: Document, path: str) -> str | None:
    here: Any = document
    for segment in path.split("."):
        here = here.get(segment) if isinstance(here, Mapping) else None
    return None if here is None else str(here)
