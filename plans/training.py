"""Queues of service environments with their scheduling policies and quota shares: what AWS refuses of them together.

Sources: "Create quota management resources" and "Quota shares" in the AWS Batch user guide; the pages CapacityLimit and
UpdateJobQueue of the API reference; https://github.com/badmintoncryer/cdk-preflight for the words of AWS.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from plans.change import Refusal
from plans.decision import Decision
from plans.demands.job_queue import of_service
from plans.demands.service_environment import INSTANCES, units
from plans.queues import Queues, Thing, sends
from providers.lives import referred
from providers.resources import Live, Ref

_QUEUE, _SHARE, _POLICY, _SERVICE = "job_queue", "quota_share", "scheduling_policy", "service_environment"


def refusals(decision: Decision, queues: Queues) -> Iterable[Refusal]:
    """What AWS refuses of one change, all others considered."""
    match decision.change.kind:
        case "job_queue" if sends(decision, "serviceEnvironmentOrder", "schedulingPolicyArn"):
            yield from _of_policy(decision, queues)
            yield from _of_services(decision, queues)
        case "quota_share" if sends(decision):
            yield from _of_share(decision, queues)
        case "service_environment" if sends(decision, "capacityLimits"):
            yield from _of_service(decision, queues)


def _policy(queue: Mapping[str, Any], queues: Queues) -> Thing | None:
    """The scheduling policy of a queue; None where it has none, or nothing is known of it."""
    found = next(iter(queues.referred(queue, _QUEUE, _POLICY)), None)
    return found if found and (found.live or found.decision) else None


def _shared(policy: Thing | None) -> bool:
    return policy is not None and "quotaSharePolicy" in policy.spec


def _of_policy(decision: Decision, queues: Queues) -> Iterable[Refusal]:
    address, policy = str(decision.change.address), _policy(decision.spec, queues)
    if _shared(policy) and not of_service(decision.spec):
        told = "schedulingPolicyArn: a policy of quota shares is for queues of service environments"
        yield Refusal(address, "quota-policy", told, "name a policy of fair share")
    if decision.live is None or policy is None or "schedulingPolicyArn" not in decision.units:
        return
    before = _policy(decision.live.spec, queues)
    if before is not None and _shared(before) != _shared(policy):
        told = "schedulingPolicyArn: a policy of quota shares and one of fair share do not take each other's place"
        yield Refusal(address, "sort-of-policy-stays", told, "make another queue")


def _of_services(decision: Decision, queues: Queues) -> Iterable[Refusal]:
    address, policy = str(decision.change.address), _policy(decision.spec, queues)
    shared, known = _shared(policy), policy is not None or "schedulingPolicyArn" not in decision.spec
    for reference in referred(decision.spec, queues.world.kinds[_QUEUE], _SERVICE):
        service = queues.thing(_SERVICE, reference)
        if service.live is not None and not service.usable:
            told = f"{service.live.name} is {service.live.status}; AWS takes only VALID service environments"
            yield Refusal(address, "invalid-environment", told, "repair it, or name another")
        if known and service.spec and (INSTANCES in units(service.spec)) == shared:
            told, hint = (
                ("with quota shares its capacity is told by instance type", "name capacityUnit: ml.m5.large and such")
                if shared
                else (f"without quota shares its capacity is told in {INSTANCES}", f"name capacityUnit: {INSTANCES}")
            )
            yield Refusal(address, "units-of-queue", f"serviceEnvironmentOrder: {told}", hint)
        if shared and (other := _other_queue(reference, decision, queues)):
            told = f"serviceEnvironmentOrder: with quota shares it serves one queue, and {other} has it"
            yield Refusal(address, "service-shared", told, "make a service environment for each queue")


def _other_queue(reference: Any, decision: Decision, queues: Queues) -> str | None:
    """The name of another queue that has a service environment now, or is to have it."""
    kind, own = queues.world.kinds[_QUEUE], decision.live.arn if decision.live is not None else None
    for live in _users(reference, queues):
        if live.arn != own:
            return live.name
    for other in queues.by_address.values():
        if other.change.kind == _QUEUE and other is not decision and reference in referred(other.spec, kind, _SERVICE):
            return other.change.name
    return None


def _users(reference: Any, queues: Queues) -> list[Live]:
    """The live queues that name a service environment."""
    live = None if isinstance(reference, Ref) else queues.world.by_arn.get(str(reference))
    return [user for user in queues.world.users(live) if user.kind == _QUEUE] if live is not None else []


def _of_share(decision: Decision, queues: Queues) -> Iterable[Refusal]:
    address = str(decision.change.address)
    for queue in queues.referred(decision.spec, _SHARE, _QUEUE):
        if queue.live is not None and not queue.usable:
            told = f"jobQueue: {queue.live.name} is {queue.live.status}; AWS takes only VALID queues"
            yield Refusal(address, "invalid-queue", told, "repair it, or name another")
        policy = _policy(queue.spec, queues)
        if queue.spec and not _shared(policy) and (policy is not None or "schedulingPolicyArn" not in queue.spec):
            told = "jobQueue: its scheduling policy is not one of quota shares"
            yield Refusal(address, "queue-without-shares", told, "name a queue with a policy of quota shares")


def _of_service(decision: Decision, queues: Queues) -> Iterable[Refusal]:
    if decision.live is None:
        return
    before, after = units(decision.live.spec), units(decision.spec)
    users = _users(decision.live.arn, queues)
    if users and (INSTANCES in before) != (INSTANCES in after):
        told = f"capacityLimits: the queue {users[0].name} has it, and asks for the units that it has"
        hint = "make another service environment"
        yield Refusal(str(decision.change.address), "units-stay", told, hint)
