"""What whoever comes to lead takes over from who led before: what the store has of the stacks, and what people said."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from providers.errors import StoreError
from reconciler.controller import findings
from reconciler.controller.conditions import unknown
from reconciler.controller.logs import Log
from reconciler.controller.outcomes import Outcomes
from reconciler.controller.status import Status, from_json


def take_over(outcomes: Outcomes) -> None:
    """Begin as whoever led before left it; raises StoreError before anything is begun."""
    agenda, store, notes, now = outcomes.agenda, outcomes.store, outcomes.notes, outcomes.clock.now()
    told, suspended, overrides, unended = store.statuses(), store.suspended(), store.overrides(), store.unended()
    known = {name: _known(name, document, now, outcomes.log) for name, document in told.items() if name in agenda.held}
    approvals = {name: store.approvals(name) for name, status in known.items() if status.plan is not None}
    agenda.forget()
    for name, held in agenda.held.items():
        held.status, held.suspended = known.get(name, Status(name, unknown(now))), suspended.get(name)
        held.approved = frozenset(row.plan for row in approvals.get(name, ()) if row.plan == held.status.plan)
        given = overrides.get(name)
        stands = given is not None and given.plan == held.status.plan and ("override", given) not in notes
        held.override = given if stands else None
        if held.resting:
            outcomes.say(held, findings.suspended(held.status, now))
        else:
            held.status = findings.resumed(held.status, now)
    for name in told.keys() - known.keys():
        notes.put(("forgotten", name), partial(store.forget_stack, name))
    for run in unended:
        began = agenda.held.get(run.stack)
        if began is not None and began.status.applied != run.revision:
            # Nobody may have written down that it began: the world is like no revision.
            began.status = attrs.evolve(began.status, digest="")
        # How one of our own ended we know, though the store was not told yet.
        if ("run", run.id) not in notes:
            notes.put(("run", run.id), partial(store.end, run.id, "lost", None, now))
    for name in agenda.sources:
        agenda.fetch(name, now)


def _known(name: str, document: Mapping[str, Any], now: float, log: Log) -> Status:
    """What was known of a stack; nothing, where that is damaged: a look makes it anew."""
    try:
        return from_json(document)
    except StoreError as error:
        log.warning("status damaged", stack=name, error=str(error))
        return Status(name, unknown(now))
