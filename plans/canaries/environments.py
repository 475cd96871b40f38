"""The canary of an environment: a job that must succeed on a new one before anything is moved to it.

VALID says that AWS could make an environment, not that it can run a job: images, networks and roles show only then.
The job goes through a queue of its own, made for it and deleted after it, whatever came of it; where it fails nothing
has moved, and the next plan tries again. A run that was cut short leaves the queue, which its tags tell from others:
it is used again where it leads to the environment that is tried, and else it goes, whatever else may not.

A name may be that of another environment tomorrow. So a job carries what AWS tells its environment from all others by
(`uuid` of ComputeEnvironmentDetail, AWS Batch API reference).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from plans.chains import SETTLED, Lowered, step, wait
from plans.change import Action, Change, Impact, Refusal
from plans.decision import Decision
from plans.naming import passage
from plans.plan import Goal, Step
from plans.removals import retire
from plans.world import World
from providers.lives import address_of, referred
from providers.resources import (
    ADDRESS_TAG,
    CANARY,
    ENVIRONMENT_TAG,
    STACK_TAG,
    Address,
    Canary,
    Elsewhere,
    Live,
    Ref,
)

_QUEUE = "job_queue"
_DEFINITION = "job_definition"
_OVER = "the canary is over"
_HINT = "name a job definition of this stack, or one that is there"


@attrs.frozen
class Trial:
    """The canary of one replacement: the environment to try, its job, and a queue that an earlier run left for it.

    `environment` and `definition` are ARNs, or references to what is to be made; `definition` is None where there is
    none. `unique` tells the environment from others that had its name. `namesake` is what has the name of the queue and
    cannot be used.
    """

    decision: Decision
    canary: Canary
    environment: str | Ref
    unique: str | Ref
    definition: str | Ref | None
    queue: Live | None
    namesake: Live | None

    @property
    def address(self) -> Address:
        """The address of its queue."""
        return _address(self.decision)

    @property
    def name(self) -> str:
        """The name of its queue, and of its job."""
        return passage(self.decision.change.name)


def is_queue_of_one(address: Address) -> bool:
    """Whether an address is that of a queue that was made for a canary."""
    return address.kind == _QUEUE and address.name.endswith(CANARY)


def trials(decisions: Sequence[Decision], world: World) -> list[Trial]:
    """The canaries of all replacements after which something moves, and of which nothing has moved yet."""
    by_address = {decision.change.address: decision for decision in decisions}
    return [
        _trial(decision, decision.resource.lifecycle.canary, by_address, world)
        for decision in decisions
        if decision.resource is not None and decision.resource.lifecycle.canary is not None and _moves(decision, world)
    ]


def left_over(found: Sequence[Trial], decisions: Sequence[Decision], world: World) -> Iterator[Decision]:
    """The deletion of the queues that earlier runs left and that are of no use.

    They are halves of replacements, so that no policy keeps them; where only some addresses are chosen, theirs go.
    """
    used = [trial.queue for trial in found]
    chosen = {_address(decision) for decision in decisions}
    lives = [live for decision in decisions for live in (decision.live, *decision.superseded) if live is not None]
    near = {user.arn for live in lives for user in world.users(live)}
    for address, queues in world.orphans():
        over = tuple(
            live
            for live in queues
            if live not in used and (not world.asked.only or address in chosen or live.arn in near)
        )
        if over and is_queue_of_one(address):
            yield Decision(_deletion(address, over[-1].name), live=over[-1], spec=over[-1].spec, ours=over)


def refusals(found: Iterable[Trial], world: World) -> Iterable[Refusal]:
    """What keeps a canary from being tried."""
    for trial in found:
        address, namesake = str(trial.decision.change.address), trial.namesake
        if trial.definition is None:
            message = f"there is no job definition {trial.canary.job_definition} for its canary"
            yield Refusal(address, "canary-definition", message, _HINT)
        if namesake is not None and not _ours(namesake, world):
            message = f"the queue of its canary would be {trial.name}, which exists already"
            yield Refusal(address, "name-taken", message, "remove that queue")


def steps(trial: Trial, lowered: Mapping[Address, Lowered], world: World) -> Lowered:
    """The steps that make an environment, and try it; what uses it waits for the job to have succeeded.

    `lowered` has the steps of all changes: the queue is made once those are gone that earlier runs left.
    """
    kind, name, decision = world.kinds[_QUEUE], trial.name, trial.decision
    own = lowered[decision.change.address]
    made = Decision(_deletion(trial.address, name))
    suffix = f":{decision.change.name}"
    settled = Goal(_QUEUE, name, "settled", {"state": "ENABLED"}, SETTLED)
    queue: str | Ref = Ref(trial.address) if trial.queue is None else trial.queue.arn
    first: list[Step] = []
    if trial.queue is None:
        arguments = {
            "jobQueueName": name,
            "state": "ENABLED",
            "priority": 1,
            "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": trial.environment}],
            "tags": {STACK_TAG: world.stack, ADDRESS_TAG: str(trial.address)},
        }
        leaving = {trial.address, (address_of(trial.namesake) if trial.namesake else None) or trial.address}
        gone = [last for address in sorted(leaving & lowered.keys()) for last in lowered[address].last]
        after = (*own.last, *gone)
        why = "the canary has a queue of its own"
        create = kind.facts.create
        first = [step("create", made, create, arguments=arguments, goal=settled, why=why, after=after, suffix=suffix)]
    elif trial.queue.state == "DISABLED":
        arguments = {kind.update_key: queue, "state": "ENABLED"}
        why = "the canary goes through it"
        update = kind.facts.update
        first = [
            step("enable", made, update, arguments=arguments, goal=settled, why=why, after=own.last, suffix=suffix)
        ]
    elif trial.queue.status != "VALID":
        why = f"it is still {trial.queue.status}"
        first = [attrs.evolve(wait(made, trial.queue, kind, settled, why, suffix), after=own.last)]
    said = trial.definition
    defined = lowered[said.address].last if isinstance(said, Ref) and said.address in lowered else ()
    job = step(
        "canary",
        decision,
        "SubmitJob",
        arguments={
            "jobName": name,
            "jobQueue": queue,
            "jobDefinition": said,
            "tags": {
                STACK_TAG: world.stack,
                ADDRESS_TAG: str(decision.change.address),
                ENVIRONMENT_TAG: trial.unique,
            },
        },
        goal=Goal("job", name, "succeeded", deadline=trial.canary.timeout),
        why="VALID does not say that it can run a job",
        after=tuple(sorted({*([each.id for each in first] or own.last), *defined})),
        suffix=suffix,
    )
    live = Live(_QUEUE, name, "", {"state": "ENABLED"}, {ADDRESS_TAG: str(trial.address)}, "VALID")
    over = [
        attrs.evolve(
            each, arguments={**each.arguments, kind.delete_key: queue}, after=each.after or (job.id,), when="always"
        )
        for each in retire(made, live, world, suffix).steps
    ]
    return Lowered((*own.steps, *first, job, *over), (job.id,))


def _deletion(address: Address, name: str) -> Change:
    return Change(address, name, Action.DELETE, Impact.NONE, _OVER)


def _address(decision: Decision) -> Address:
    return Address(_QUEUE, f"{decision.change.address.name}{CANARY}")


def _moves(decision: Decision, world: World) -> bool:
    """Whether something is to move to a new environment that nothing has moved to yet, and that takes jobs."""
    if decision.refusals or decision.manner not in (None, "createFirst") or decision.spec.get("state") == "DISABLED":
        return False
    moved = decision.manner is None and decision.live is not None and world.in_use(decision.live)
    return not moved and any(world.in_use(live) for live in decision.superseded)


def _ours(queue: Live, world: World) -> bool:
    """Whether a queue says that it was made for a canary of this stack."""
    return queue.owner == world.stack and str(queue.address).endswith(CANARY)


def _trial(decision: Decision, canary: Canary, by_address: Mapping[Address, Decision], world: World) -> Trial:
    address = decision.change.address
    kept = decision.live if decision.manner is None else None
    queue = next(iter(world.at_name(_QUEUE, passage(decision.change.name))), None)
    usable = queue is not None and kept is not None and _leads_to(queue, kept, _address(decision), world)
    return Trial(
        decision,
        canary,
        Ref(address) if kept is None else kept.arn,
        Ref(address, "uuid") if kept is None else kept.uuid,
        _definition(canary.job_definition, by_address, world),
        queue if usable else None,
        None if usable else queue,
    )


def _leads_to(queue: Live, environment: Live, address: Address, world: World) -> bool:
    """Whether what runs through a queue of ours runs on this environment."""
    order = referred(queue.spec, world.kinds[_QUEUE], environment.kind)
    return (
        (queue.owner, queue.address) == (world.stack, str(address))
        and queue.status in ("VALID", "CREATING", "UPDATING")
        and [world.shown(environment.kind, each) for each in order] == [environment.arn]
    )


def _definition(said: str | Ref | Elsewhere, by_address: Mapping[Address, Decision], world: World) -> str | Ref | None:
    """The ARN of the revision to run, or a reference to one that is to be made; an ARN that is not seen here stays."""
    if isinstance(said, Ref):
        own = by_address.get(said.address)
        if own is not None and own.change.action in (Action.CREATE, Action.REGISTER):
            return said
        return _newest(world.holders(said.address))
    if isinstance(said, Elsewhere):
        return _newest(world.holders(Address(said.kind, said.name), said.stack))
    whole = said.startswith("arn:")
    family = said.rpartition("/")[2].partition(":")[0]
    revisions = [
        live
        for live in world.at_name(_DEFINITION, family)
        if f"{live.arn if whole else live.arn.rpartition('/')[2]}:".startswith(f"{said}:")
    ]
    return _newest(revisions) or (said if whole else None)


def _newest(revisions: Sequence[Live]) -> str | None:
    return max(revisions, key=lambda live: live.revision or 0).arn if revisions else None
