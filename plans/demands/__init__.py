"""What AWS asks of a document, kind by kind: refused by a plan before any call, each with its public source.

What can be told only from the live world stands in `plans.feasibility`, `plans.queues`, `plans.training` and
`plans.roles`; what cannot be known when a plan is made, such as an image that does not exist, is not refused.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from plans.demands import (
    compute_environment,
    consumable_resource,
    containers,
    job_definition,
    job_queue,
    launch,
    managed_instances,
    multinode,
    pods,
    quota_share,
    scheduling_policy,
    service_environment,
    tasks,
)
from plans.demands.demand import Breach, Demand, by_shape
from plans.demands.demand import breaches as found
from providers.kinds import Kind
from providers.resources import Document

__all__ = ["DEMANDS", "Breach", "Demand", "breaches"]

DEMANDS: Mapping[str, tuple[Demand, ...]] = MappingProxyType(
    {
        "scheduling_policy": scheduling_policy.DEMANDS,
        "compute_environment": (*compute_environment.DEMANDS, *launch.DEMANDS, *managed_instances.DEMANDS),
        "service_environment": service_environment.DEMANDS,
        "consumable_resource": consumable_resource.DEMANDS,
        "job_queue": job_queue.DEMANDS,
        "quota_share": quota_share.DEMANDS,
        "job_definition": (
            *job_definition.DEMANDS,
            *containers.DEMANDS,
            *tasks.DEMANDS,
            *multinode.DEMANDS,
            *pods.DEMANDS,
        ),
    }
)
"""All demands, by the name of their kind."""


_BY_SHAPE = {kind: by_shape(rows) for kind, rows in DEMANDS.items()}
_OF_SPELLING = {kind: by_shape(demand for demand in rows if demand.spelling) for kind, rows in DEMANDS.items()}


def breaches(document: Document, kind: Kind, *, spelling: bool = False) -> Iterator[Breach]:
    """What a document of this kind says that AWS would refuse, whatever is live; only of its spelling, if so asked."""
    if not spelling:
        yield from found(document, kind, _BY_SHAPE[kind.name])
    elif _OF_SPELLING[kind.name]:
        yield from found(document, kind, _OF_SPELLING[kind.name])
