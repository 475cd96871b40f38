"""Calls against the fewest that do: exact, and the same everywhere.

The floor of a run is one look at the account before it, as many calls as steps change something, the looks of an oracle
at what takes time, and one look afterwards. A look at the account is a page of each kind, a page a hundred revisions,
and STS only while no ARN tells the account. Where a queue is deleted its unfinished jobs are counted once it is
disabled: a listing, where few jobs ended of late.
"""

import math

from benchmarks.frame import Row, Rows, Setting
from benchmarks.serving import FULL, SMALL, Holding
from benchmarks.watched import Scene, Watched
from reconciler.settings import Settings

KINDS = 6


def measure(setting: Setting) -> Rows:
    holding = SMALL if setting.quick else FULL
    scene = Scene(Settings(max_api_rate=200.0, state=None))
    created = scene.apply(holding.manifest(1))
    yield _row("create", created, look(0) + look(holding.definitions), holding)
    for revision in (2, 3):
        scene.apply(holding.manifest(revision))
    revisions = 3 * holding.definitions
    assert scene.stage.plan(holding.manifest(3)).empty
    yield _against("no change", sum(scene.stage.calls.values()), look(revisions), holding)
    changed = holding.manifest(3).replace("repository/tool-0:3", "repository/tool-0:4")
    yield _row("one change", scene.apply(changed), 2 * look(revisions), holding)
    destroyed = scene.apply(changed, destroying=True)
    yield _row("destroy", destroyed, look(revisions) + look(0) + holding.queues, holding)


def look(revisions: int) -> int:
    """The calls of one look at an account that holds so many ACTIVE revisions, and at an empty one."""
    return KINDS - 1 + max(1, math.ceil(revisions / 100)) + (0 if revisions else 1)


def _row(name: str, watched: Watched, looks: int, holding: Holding) -> Row:
    changes = sum(1 for step in watched.plan.steps if step.call and not step.call.startswith("List"))
    note = ", ".join(f"{name} {count}" for name, count in sorted(watched.all.items()))
    return _against(name, sum(watched.all.values()), looks + changes + watched.oracle, holding, note)


def _against(name: str, calls: int, floor: int, holding: Holding, note: str = "") -> Row:
    what = f"calls, {name} of {holding.environments} + {holding.queues} + {holding.definitions}"
    target = 1.0 if name == "no change" else None
    return Row(what, calls, floor, "the fewest that do", unit="calls", ratio=calls / floor, target=target, note=note)
