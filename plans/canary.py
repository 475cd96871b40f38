"""Canaries: a job that must succeed on a new environment before anything is moved to it.

VALID says that AWS could make an environment, not that it can run a job: images, networks and roles show only then.
The job goes through a queue of its own, made for it and deleted after it, whatever came of it; where it fails nothing
has moved, and the next plan tries again. A run that was cut short leaves the queue, which its tags tell from others.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from plans.chains import DISABLED, GONE, SETTLED, Lowered
from plans.change import Action, Refusal
from plans.decision import Decision
from plans.plan import Goal, Step, When
from plans.world import World
from providers.resources import ADDRESS_TAG, CANARY, STACK_TAG, Address, Canary, Elsewhere, Live, Ref

_QUEUE = "job_queue"
_ROOM = 121
_HINT = "name a job definition of this stack, or one that is there"


@attrs.frozen
class Trial:
    """The canary of one replacement: the environment to try, its job, and a queue that an earlier run left for it.

    `environment` and `definition` are ARNs, or references to what is to be made; `definition` is None where there is
    none.
    """

    decision: Decision
    canary: Canary
    name: str
    environment: str | Ref
    definition: str | Ref | None
    queue: Live | None

    @property
    def address(self) -> Address:
        """The address of its queue."""
        return Address(_QUEUE, f"{self.decision.change.address.name}{CANARY}")


def trials(decisions: Sequence[Decision], world: World) -> list[Trial]:
    """The canaries of all replacements after which something moves, and of which nothing has moved yet."""
    by_address = {decision.change.address: decision for decision in decisions}
    return [
        _trial(decision, decision.resource.lifecycle.canary, by_address, world)
        for decision in decisions
        if decision.resource is not None and decision.resource.lifecycle.canary is not None and _moves(decision, world)
    ]


def in_use(found: Iterable[Trial]) -> Sequence[Live]:
    """The queues that an earlier run left and that are of use."""
    return [trial.queue for trial in found if trial.queue is not None]


def refusals(found: Iterable[Trial], world: World) -> Iterable[Refusal]:
    """What keeps a canary from being tried."""
    for trial in found:
        address = str(trial.decision.change.address)
        if trial.definition is None:
            message = f"there is no job definition {trial.canary.job_definition} for its canary"
            yield Refusal(address, "canary-definition", message, _HINT)
        if trial.queue is not None and trial.queue.owner != world.stack:
            message = f"the queue of its canary would be {trial.queue.name}, which exists already"
            yield Refusal(address, "name-taken", message, "remove that queue")


def steps(trial: Trial, own: Lowered, defined: Sequence[str], world: World) -> Lowered:
    """The steps that make an environment, and try it; what uses it waits for the job to have succeeded."""
    kind, name = world.kinds[_QUEUE], f"{trial.name[:_ROOM]}-canary"
    tags = {STACK_TAG: world.stack, ADDRESS_TAG: str(trial.address)}

    def step(verb: str, call: str | None, arguments: Mapping[str, Any], goal: Goal, why: str, *after: str) -> Step:
        when: When = "always" if verb in ("disable", "delete") else "ok"
        return Step(f"{verb}:{trial.address}:{trial.name}", str(trial.address), call, arguments, goal, after, when, why)

    first: list[Step] = []
    ready = own.last
    if trial.queue is not None and trial.queue.status == "DELETING":
        gone = Goal(_QUEUE, name, "gone", deadline=GONE)
        first.append(step("wait", None, {"jobQueue": name}, gone, "its name is taken until it is gone", *ready))
        ready = (first[-1].id,)
    if trial.queue is None or trial.queue.status == "DELETING":
        order = [{"order": 1, "computeEnvironment": trial.environment}]
        arguments = {
            "jobQueueName": name,
            "state": "ENABLED",
            "priority": 1,
            "computeEnvironmentOrder": order,
            "tags": tags,
        }
        goal = Goal(_QUEUE, name, "settled", deadline=SETTLED)
        first.append(step("create", kind.facts.create, arguments, goal, "the canary has a queue of its own", *ready))
    elif trial.queue.state == "DISABLED" or trial.queue.status != "VALID":
        goal = Goal(_QUEUE, name, "settled", {"state": "ENABLED"}, SETTLED)
        arguments = {"jobQueue": name, "state": "ENABLED"}
        first.append(step("enable", kind.facts.update, arguments, goal, "the canary goes through it", *ready))
    job = Step(
        f"canary:{trial.decision.change.address}:{trial.name}",
        str(trial.decision.change.address),
        "SubmitJob",
        {
            "jobName": name,
            "jobQueue": name,
            "jobDefinition": trial.definition,
            "tags": {STACK_TAG: world.stack, ADDRESS_TAG: str(trial.decision.change.address)},
        },
        Goal("job", name, "succeeded", deadline=trial.canary.timeout),
        tuple(sorted({*([first[-1].id] if first else ready), *defined})),
        why="VALID does not say that it can run a job",
    )
    disable = step(
        "disable",
        kind.facts.update,
        {"jobQueue": name, "state": "DISABLED"},
        Goal(_QUEUE, name, "disabled", deadline=DISABLED),
        "the canary is over",
        job.id,
    )
    delete = step(
        "delete",
        kind.facts.delete,
        {"jobQueue": name},
        Goal(_QUEUE, name, "gone", deadline=GONE),
        "the canary is over",
        disable.id,
    )
    return Lowered((*own.steps, *first, job, disable, delete), (job.id,))


def _moves(decision: Decision, world: World) -> bool:
    """Whether something is to move to a new environment that nothing has moved to yet."""
    if decision.refusals or decision.manner not in (None, "createFirst"):
        return False
    moved = decision.manner is None and decision.live is not None and _used(decision.live, world)
    return not moved and any(_used(live, world) for live in decision.superseded)


def _used(live: Live, world: World) -> bool:
    """Whether anything but a canary's queue uses it."""
    return any(not str(user.address).endswith(CANARY) for user in world.users(live))


def _trial(decision: Decision, canary: Canary, by_address: Mapping[Address, Decision], world: World) -> Trial:
    kept = decision.live if decision.manner is None else None
    name = decision.change.name
    queue = world.at_name(_QUEUE, f"{name[:_ROOM]}-canary")
    return Trial(
        decision,
        canary,
        name,
        kept.arn if kept is not None else Ref(decision.change.address),
        _definition(canary.job_definition, by_address, world),
        queue[0] if queue else None,
    )


def _definition(said: str | Ref | Elsewhere, by_address: Mapping[Address, Decision], world: World) -> str | Ref | None:
    if isinstance(said, Ref):
        own = by_address.get(said.address)
        if own is not None and own.change.action in (Action.CREATE, Action.REGISTER):
            return said
        revisions = world.holders(said.address)
        return max(revisions, key=lambda live: live.revision or 0).arn if revisions else None
    if isinstance(said, Elsewhere):
        elsewhere = world.tagged.get((said.stack, f"{said.kind}.{said.name}"), ())
        return max(elsewhere, key=lambda live: live.revision or 0).arn if elsewhere else None
    family, _, _ = said.partition(":")
    return said if said.startswith("arn:") or world.at_name("job_definition", family) else None
