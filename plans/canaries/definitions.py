"""The canary of a definition: a job that must succeed before what it runs is registered under the definition's name.

AWS starts jobs with the newest ACTIVE revision of a family, so a revision that does not work breaks whoever submits
next. What is wanted is registered under another family first, and a job of that is tried; after it, whatever came of
it, that revision is deregistered. A run that was cut short leaves it, which its tags tell from others: it is gone on
with where the same job of the same content is still wanted. Else it goes, and before it the job, which its tags name:
one that waits for its turn for ever would hold up whoever is behind it.

Sources: SubmitJob and RegisterJobDefinition of the AWS Batch API reference.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

import attrs

from plans.chains import SEEN, Lowered, chain
from plans.change import Action, Refusal
from plans.decision import Decision
from plans.naming import LONGEST, shadowing
from plans.plan import NOW, Goal, Step
from plans.queues import Queues
from plans.world import Unresolved, World
from providers.resources import (
    ADDRESS_TAG,
    CANARY,
    DIGEST_TAG,
    EMPTY,
    HOUSE_TAG_PREFIX,
    JOB_TAG,
    QUEUE_TAG,
    REGISTERED_TAG,
    STACK_TAG,
    Address,
    DefinitionCanary,
    Document,
    Elsewhere,
    Live,
    Ref,
    Resource,
)

_DEFINITION, _QUEUE = "job_definition", "job_queue"
_HINT = "name a job queue of this stack, or one that is there and ENABLED"
_ON = "leave one of them ENABLED, or name another job queue for rollout.canary"


@attrs.frozen
class Trial:
    """The canary of one definition: the queue its job goes to, and a revision that an earlier run left for it.

    `queue` is an ARN, or a reference to what is to be made; `through` is its address where this plan says what becomes
    of it.
    """

    decision: Decision
    canary: DefinitionCanary
    queue: str | Ref | Unresolved
    through: Address | None
    shadow: Live | None

    @property
    def address(self) -> Address:
        """The address of the revision that is tried."""
        return shadow_of(self.decision.change.address)

    @property
    def family(self) -> str:
        """The family of the revision that is tried."""
        return shadowing(self.decision.change.name)

    @property
    def job(self) -> str:
        """The name of the job, another one for everything that is tried."""
        name, digest = self.decision.change.name, self.decision.tags[DIGEST_TAG]
        told = json.dumps([name, digest, self.canary.request], sort_keys=True, default=str)
        end = f"-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
        return name[: LONGEST - len(end)] + end


def families(wanted: Iterable[Resource]) -> frozenset[str] | None:
    """The families that matter to a plan of these resources: theirs, those in which they are tried, and those that try
    environments; None where one is another stack's, so that its name is not known."""
    names: set[str] = set()
    for resource in wanted:
        if resource.address.kind == _DEFINITION:
            names |= {resource.physical_name, shadowing(resource.physical_name)}
        match resource.lifecycle.canary and resource.lifecycle.canary.job_definition:
            case Elsewhere():
                return None
            case str(told):
                names.add(told.rpartition("/")[2].partition(":")[0])
    return frozenset(names)


def shadow_of(address: Address) -> Address:
    """The address that is carried by what is registered for the canary of a definition."""
    return Address(address.kind, f"{address.name}{CANARY}")


def trials(decisions: Sequence[Decision], world: World) -> list[Trial]:
    """The canaries of all definitions of which something is to be registered."""
    return [
        _trial(decision, decision.resource.rollout.canary, decisions, world)
        for decision in decisions
        if decision.resource is not None
        and decision.resource.rollout.canary is not None
        and decision.change.action in (Action.CREATE, Action.REGISTER)
        and not decision.refusals
    ]


def in_use(found: Iterable[Trial]) -> Sequence[Live]:
    """The revisions that an earlier run left and that are of use."""
    return [trial.shadow for trial in found if trial.shadow is not None]


def reason(trial: Trial) -> str | None:
    """What a plan says of a definition that is tried; None where a refusal says that its queue is not found."""
    if isinstance(trial.queue, Unresolved):
        return None
    queue = trial.through.name if trial.through is not None else str(trial.queue).rpartition("/")[2]
    return f"a job in the queue {queue} has to succeed first"


def refusals(found: Iterable[Trial], decisions: Sequence[Decision], world: World) -> Iterator[Refusal]:
    """What keeps a canary from being tried."""
    taken = {name for address, name in world.names.items() if address.kind == _DEFINITION}
    for trial in found:
        address = str(trial.decision.change.address)
        others = [live for live in world.at_name(_DEFINITION, trial.family) if not str(live.address).endswith(CANARY)]
        if others or trial.family in taken:
            message = f"what is tried would be called {trial.family}, which is the name of something else"
            yield Refusal(address, "name-taken", message, "give that another name")
        queue = _queue_of(trial, decisions, world)
        trouble, hint = _trouble(trial, decisions, world), _near(trial, world) or _HINT
        if trouble is None:
            trouble, hint = _switched_off(queue, decisions, world), _ON
        if trouble is not None:
            yield Refusal(address, "canary-queue", f"its canary cannot run: {trouble}", hint)
        else:
            yield from _shares(trial, queue)


def circle(trial: Trial) -> Refusal:
    """The refusal of a canary whose queue waits for what it tries."""
    message = f"its canary goes through {trial.through}, which waits for it in turn"
    hint = "name another queue for rollout.canary, or apply one change after the other with --only"
    return Refusal(str(trial.decision.change.address), "canary-circle", message, hint)


def steps(trial: Trial, queue: str | Ref, own: Lowered, world: World) -> Lowered:
    """The steps of a registration, tried first; nothing of the definition changes before the job has succeeded."""
    kind, address = world.kinds[_DEFINITION], str(trial.decision.change.address)
    register = next(step for step in own.steps if step.call == kind.facts.create)
    digest = trial.decision.tags[DIGEST_TAG]
    tags = {STACK_TAG: world.stack, ADDRESS_TAG: str(trial.address), DIGEST_TAG: digest}
    first: list[Step] = []
    tried: str | Ref = trial.shadow.arn if trial.shadow is not None else Ref(trial.address)
    if trial.shadow is None:
        said = {key: value for key, value in trial.decision.tags.items() if not key.startswith(HOUSE_TAG_PREFIX)}
        first.append(
            Step(
                f"register:{trial.address}",
                str(trial.address),
                kind.facts.create,
                {
                    **register.arguments,
                    kind.name_member: trial.family,
                    "tags": {**said, **tags, REGISTERED_TAG: NOW, QUEUE_TAG: queue, JOB_TAG: trial.job},
                },
                Goal(kind.name, trial.family, "seen", deadline=SEEN),
                why="it is tried under another name first",
            )
        )
    job = Step(
        f"canary:{address}",
        address,
        "SubmitJob",
        {**trial.canary.request, "jobName": trial.job, "jobQueue": queue, "jobDefinition": tried, "tags": tags},
        Goal("job", trial.job, "succeeded", deadline=trial.canary.timeout),
        tuple(step.id for step in first),
        why="nobody is to start jobs with it before one has succeeded",
    )
    over = Step(
        f"deregister:{trial.address}",
        str(trial.address),
        kind.facts.delete,
        {kind.delete_key: tried},
        after=tuple(sorted((job.id, register.id))),
        when="always",
        why="the canary is over",
    )
    rest = [attrs.evolve(step, after=(job.id,)) if step is register else step for step in own.steps]
    return Lowered((*first, job, *rest, over), own.last)


def cleared(decision: Decision, own: Lowered) -> Lowered:
    """The steps that clear away what earlier runs left, behind those that end its jobs."""
    address = str(decision.change.address)
    ends = [
        Step(
            f"end:{address}:{live.revision}",
            address,
            "TerminateJob",
            {
                "jobName": live.tags[JOB_TAG],
                "jobQueue": live.tags[QUEUE_TAG],
                "jobDefinition": live.arn,
                "tags": {key: live.tags[key] for key in (STACK_TAG, ADDRESS_TAG, DIGEST_TAG) if key in live.tags},
                "reason": "batchwright: nobody waits for this canary any more",
            },
            Goal("job", live.tags[JOB_TAG], "gone"),
            why="nobody waits for its job any more",
        )
        for live in decision.ours
        if JOB_TAG in live.tags and QUEUE_TAG in live.tags
    ]
    return chain(ends, own.steps)


def _trial(decision: Decision, canary: DefinitionCanary, decisions: Sequence[Decision], world: World) -> Trial:
    queue = world.resolve(_QUEUE, canary.queue)
    own = next(
        (
            other.change.address
            for other in decisions
            if other.resource is not None
            and other.change.kind == _QUEUE
            and (canary.queue == Ref(other.change.address) or (other.live is not None and other.live.arn == queue))
        ),
        None,
    )
    digest = decision.tags[DIGEST_TAG]
    trial = Trial(decision, canary, queue, own, None)
    wanted = {DIGEST_TAG: digest, QUEUE_TAG: queue, JOB_TAG: trial.job}
    usable = [
        live
        for live in world.holders(shadow_of(decision.change.address))
        if wanted.items() <= live.tags.items() and world.genuine(live)
    ]
    newest = max(usable, key=lambda live: (live.name, live.revision or 0), default=None)
    return attrs.evolve(trial, shadow=newest)


def _trouble(trial: Trial, decisions: Sequence[Decision], world: World) -> str | None:
    """Why a job cannot go through the queue; None where it can, as far as can be told."""
    if isinstance(trial.queue, Unresolved):
        return trial.queue.message
    if trial.through is not None:
        state = _queue_of(trial, decisions, world).get("state")
        return f"the manifest says DISABLED of {trial.through}" if state == "DISABLED" else None
    if isinstance(trial.queue, Ref):
        return f"{trial.queue.address} is not there yet and was left out"
    live = world.by_arn.get(trial.queue)
    name = trial.queue.rpartition("/")[2]
    region = (*trial.queue.split(":", 5), "", "", "")[3]
    if region != world.snapshot.region:
        return f"the job queue {name} is one of {region}, and this plan is of {world.snapshot.region}"
    leaving = any(live in decision.ours for decision in decisions if decision.resource is None)
    match live:
        case None if _QUEUE in world.snapshot.unobserved:
            return None
        case None:
            return f"there is no job queue {name} here"
        case Live(state="DISABLED"):
            return f"the job queue {name} is DISABLED"
        case Live(status="INVALID" | "DELETING" as status):
            return f"the job queue {name} is {status}: {live.status_reason or 'AWS gives no reason'}"
        case _ if leaving:
            return f"the job queue {name} left the manifest and is deleted"
    return None


def _switched_off(queue: Document, decisions: Sequence[Decision], world: World) -> str | None:
    """Why a job would wait in a queue for ever: AWS places none in an environment that is DISABLED (`state` of
    CreateComputeEnvironment of the AWS Batch API reference). None where one is to be ENABLED, or cannot be told."""
    environments = Queues.of(decisions, world).environments(queue)
    if not environments or any(each.spec.get("state") != "DISABLED" for each in environments):
        return None
    now = all(each.live is not None and each.live.state == "DISABLED" for each in environments)
    return f"every compute environment of its queue is {'' if now else 'to be '}DISABLED"


def _near(trial: Trial, world: World) -> str | None:
    """The hint of a queue whose name was perhaps misspelt, or written as an address."""
    named = trial.canary.queue
    if not isinstance(trial.queue, Unresolved) or not isinstance(named, str):
        return None
    known = {address.name for address in world.desired if address.kind == _QUEUE}
    known |= {live.name for live in world.snapshot.of(_QUEUE)}
    near = get_close_matches(named.removeprefix(f"{_QUEUE}."), sorted(known), 1)
    return f"did you mean {near[0]}?" if near else None


def _queue_of(trial: Trial, decisions: Sequence[Decision], world: World) -> Document:
    """The queue as it will be; nothing where that cannot be told."""
    wanted: Mapping[Address, Decision] = {decision.change.address: decision for decision in decisions}
    if trial.through is not None:
        return wanted[trial.through].spec
    live = world.by_arn.get(str(trial.queue))
    return EMPTY if live is None else live.spec


def _shares(trial: Trial, queue: Document) -> Iterator[Refusal]:
    """SubmitJob takes a share just where the queue has a fair-share policy (`shareIdentifier` of its page)."""
    address, said = str(trial.decision.change.address), "shareIdentifier" in trial.canary.request
    if not queue or said == bool(queue.get("schedulingPolicyArn")):
        return
    if said:
        message, hint = "its queue has no scheduling policy, so jobs have no share in it", "leave shareIdentifier out"
    else:
        message, hint = "its queue has a scheduling policy, so jobs must name their share", "say shareIdentifier"
    yield Refusal(address, "canary-share", f"its canary cannot run: {message}", f"{hint} in rollout.canary")
