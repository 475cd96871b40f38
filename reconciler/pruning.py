"""Clearing away old revisions of job definitions: choose, ask, choose again, deregister."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import attrs

from plans.retention import Retention
from reconciler import revisions
from reconciler.carrying import deregister
from reconciler.hooks import OnPlan, judged
from reconciler.revisions import Pruning
from reconciler.task import Task, refuse
from reconciler.telling import OnEvent
from reconciler.turn import Turn


def prunable(task: Task, retention: Retention) -> Pruning:
    """What of old revisions may go; raises RefusedError where the account is another one's."""
    task.check_region()
    choice = revisions.prunable(task.provider, task.caller, task.manifest, retention)
    account = next((revision.arn.split(":")[4] for revision in choice.going), None)
    if account is not None:
        task.check_account(account)
    return Pruning(task.manifest.stack, account or task.account(), task.connection.region, choice)


def prune(
    task: Task,
    retention: Retention,
    turn_at: Callable[[Callable[[], Pruning]], AbstractContextManager[Turn[Pruning]]],
    *,
    approve: Callable[[Pruning], bool],
    on_plan: Sequence[OnPlan],
    rng: random.Random,
    on_event: OnEvent,
) -> Pruning:
    """Deregister what may go, in a turn at the stack that `turn_at` takes by a look."""

    def look() -> Pruning:
        return passed(prunable(task, retention))

    def spared(made: Pruning) -> Pruning:
        return passed(attrs.evolve(made, choice=made.choice.both(prunable(task, retention).choice)))

    def passed(made: Pruning) -> Pruning:
        """What no hook refuses; raises PlanRefused."""
        for plan in made.plans(task.kinds, task.connection.clock.now()) if on_plan else ():
            refuse(judged(plan, on_plan))
        return made

    with turn_at(look) as turn:
        if not turn.seen.choice.count:
            return turn.seen
        made = turn.approved(turn.seen, approve, spared, called="it")
        plans = made.plans(task.kinds, task.connection.clock.now())
        with turn.journal() as journal:
            report = deregister(task, plans, journal, lock=turn.lock, rng=rng, on_event=on_event)
    return attrs.evolve(made, report=report)
