"""Everything that the simulator does, in tables: operations, what follows from time, and the rules that are kept."""

from collections.abc import Mapping

from providers.simulator import (
    consumables,
    containers,
    definitions,
    echo,
    environments,
    identity,
    launch,
    lifecycle,
    managed,
    orders,
    pods,
    policies,
    queues,
    quota_shares,
    registration,
    resources,
    service_environments,
    shapes,
    tags,
    tokens,
    troubles,
    updates,
)
from providers.simulator.catalogue import (
    CHILD,
    ENVIRONMENT,
    JOB,
    QUEUE,
    QUOTA_SHARE,
    SERVICE_ENVIRONMENT,
    SERVICE_JOB,
)
from providers.simulator.jobs import (
    arrays,
    attempts,
    blocking,
    capacity,
    consumers,
    dependencies,
    ending,
    lines,
    needs,
    nodes,
    overrides,
    placing,
    preemption,
    reading,
    running,
    service,
    snapshot,
    submission,
    supplies,
    training,
    turns,
)
from providers.simulator.lifecycle import After, Handler, Thing, World
from providers.simulator.rules import Rule, collect

OPERATIONS: Mapping[str, Handler] = {
    **environments.OPERATIONS,
    **service_environments.OPERATIONS,
    **queues.OPERATIONS,
    **quota_shares.OPERATIONS,
    **definitions.OPERATIONS,
    **policies.OPERATIONS,
    **consumables.OPERATIONS,
    **tags.OPERATIONS,
    **submission.OPERATIONS,
    **reading.OPERATIONS,
    **ending.OPERATIONS,
    **consumers.OPERATIONS,
    **service.OPERATIONS,
    **snapshot.OPERATIONS,
}
"""What a call does, by the name of its operation. What is not here is answered as unknown."""


def _queue_changed(world: World, queue: Thing) -> None:
    running.queue_changed(world, queue)
    training.queue_changed(world, queue)


AFTER: Mapping[str, After] = {
    ENVIRONMENT.key: running.environment_changed,
    SERVICE_ENVIRONMENT.key: training.environment_changed,
    QUEUE.key: _queue_changed,
    QUOTA_SHARE.key: training.share_changed,
    JOB.key: running.went_on,
    CHILD.key: running.went_on,
    SERVICE_JOB.key: training.went_on,
}
"""What follows when the clock has brought an object of a kind a step further."""

MODULES = (
    lifecycle,
    environments,
    resources,
    updates,
    launch,
    managed,
    troubles,
    service_environments,
    queues,
    orders,
    quota_shares,
    definitions,
    registration,
    containers,
    pods,
    echo,
    policies,
    consumables,
    tags,
    tokens,
    shapes,
    identity,
    submission,
    overrides,
    needs,
    dependencies,
    running,
    arrays,
    placing,
    supplies,
    lines,
    blocking,
    attempts,
    nodes,
    reading,
    ending,
    consumers,
    service,
    training,
    capacity,
    preemption,
    turns,
    snapshot,
)


def rules() -> list[Rule]:
    """Return every rule that the simulator keeps, with its basis and source."""
    return collect(MODULES)
