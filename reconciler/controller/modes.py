"""What is to be done about a plan: nothing, tell, wait for somebody, wait for a window, apply. Pure.

A new revision is applied as a whole. While the applied one is looked at, everything that a plan would do has moved
away since, and the stack's `drift` says of each part whether it is ignored, reported or healed: it is neither shown nor
changed, shown and not changed, shown and brought back. What no revision is to change either is for `lifecycle.ignore`.

A plan changes what it has to; so that it leaves something alone, it is made of a manifest in which that is ignored
(`ignoring`), and where whole objects are to be left alone, of what is asked for (`healing`).
"""

import glob
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

import attrs

from plans import paths
from plans.asked import NOTHING, Asked
from plans.change import Action, Change
from plans.change import Origin as Whence
from plans.manifest import Manifest
from plans.plan import Plan
from plans.policy import Policy
from plans.printable import plain
from providers.kinds import Kind, Kinds
from providers.resources import Address, Field
from reconciler.controller.conditions import Reason
from reconciler.controller.configuration import Drifting, OnDrift, Stack

_MOST_TOLD = 8
_NOT_IGNORED: Collection[paths.Segments] = ((), ("name",), ("revisions",), ("tags",))
"""Where paths begin that no block can ignore, the first being that of a whole object."""


@attrs.frozen
class Moved:
    """Something that is not as it was applied, and what is done about it; of a whole object the path is empty."""

    address: Address
    action: Action
    path: str
    do: OnDrift
    origin: Whence | None = None

    def __str__(self) -> str:
        if self.path:
            return f"{self.address} {self.path}"
        return f"{self.address} {_WHOLE.get(self.action, 'differs')}"


_WHOLE = {Action.CREATE: "is gone", Action.DELETE: "is not in the manifest", Action.ADOPT: "is nobody's"}


@attrs.frozen
class Verdict:
    """What is to be done, and why.

    nothing: all is as it is to be · tell: and no more · approve: wait until somebody approves this very plan · window:
    wait until a window opens · apply: carry it out.

    `moved` is what is told as drift. `narrow`: there is something to heal beside what is to be left alone; plan again
    of `ignoring(…, healing=True)`, with this asked, and judge that.
    """

    do: Literal["nothing", "tell", "approve", "window", "apply"]
    reason: Reason
    message: str = ""
    moved: tuple[Moved, ...] = ()
    narrow: Asked | None = None


def judge(
    stack: Stack,
    plan: Plan,
    *,
    applied: str,
    revision: str,
    approved: str | None,
    open: bool,
    opens_at: float | None,
    narrowed: bool = False,
) -> Verdict:
    """What is to be done about the plan of a revision, `applied` being the one that the world was last made like.

    `approved` is the id of the plan that somebody approved, `open` whether an apply may begin, and if not, `opens_at`
    when. `narrowed`: the plan is what an earlier verdict asked for.
    """
    same = bool(applied) and applied == revision
    moved = tuple(each for each in moved_away(stack, plan, same=same) if each.do != "ignore")
    if not applied and all(_never_made(change) for change in plan.changes):
        moved = ()
    if stack.suspend:
        return Verdict("nothing", "SaidSo", "the stack is suspended", moved)
    if plan.refusals:
        return Verdict("tell", "Refused", _refused(plan), moved)
    if plan.empty or (same and not moved):
        return Verdict("nothing", "AsApplied" if same else "NothingToDo")
    if stack.mode == "observe":
        return Verdict("tell", "Drifted" if moved else "ObservesOnly", told(moved) or _summary(plan), moved)
    if stack.mode == "plan":
        return Verdict("tell", "PlanMade", _summary(plan), moved)
    if not same:
        return _gated(stack, plan, "NewRevision", moved, approved, open, opens_at)
    heals = stack.mode == "apply-and-heal" and any(each.do == "heal" for each in moved)
    if not heals:
        return Verdict("tell", "Drifted", told(moved), moved)
    left = tuple(each for each in moved_away(stack, plan, same=True) if each.do != "heal")
    if not left:
        return _gated(stack, plan, "Progressing", moved, approved, open, opens_at)
    if narrowed:
        touched = ", ".join(sorted({str(each.address) for each in left}))
        message = f"{told(moved)}: this cannot be brought back without touching {touched}, which is only reported"
        return Verdict("tell", "Drifted", message, moved)
    return Verdict("tell", "Drifted", told(moved), moved, healing(stack, plan))


def moved_away(stack: Stack, plan: Plan, *, same: bool) -> Iterator[Moved]:
    """What has moved away, with what the stack's drift says of each part, what is ignored included.

    `same`: the revision is the applied one, so that all that differs has. Else it is what the plan knows to come from
    outside; and who only observes applies nothing, so that to him all is drift that is not known for an edit.
    """
    elsewhere = ("drift", "both", "unknown", None) if stack.mode == "observe" else ("drift", "both")
    for change in plan.changes:
        if change.action is not Action.NOOP and change.owner is None:
            for each in _parts(change, stack.drift):
                if same or each.origin in elsewhere:
                    yield each


def _never_made(change: Change) -> bool:
    """Whether it is not there, and nobody knows that it ever was: it did not move away."""
    return change.action is Action.CREATE and change.origin not in ("drift", "both")


def _parts(change: Change, rows: Sequence[Drifting]) -> Iterator[Moved]:
    if not change.differences:
        yield Moved(change.address, change.action, "", do_about(rows, change.kind, ""), change.origin)
    for each in change.differences:
        yield Moved(change.address, change.action, each.path, do_about(rows, change.kind, each.path), each.origin)


def do_about(rows: Sequence[Drifting], kind: str, path: str) -> OnDrift:
    """What the first row says that fits a path of a kind; an empty path is a whole object. Without one it is healed."""
    segments = _segments(path)
    for row in rows:
        if row.kind in ("*", kind) and (row.path == "*" or (segments and _covers(_segments(row.path), segments))):
            return row.do
    return "heal"


def bound(stack: Stack) -> Policy:
    """What binds every plan of a stack beside its manifest and its target: nothing is pruned until somebody asks."""
    return Policy(prune=stack.prune, said=frozenset({"prune"}))


def ignoring(manifest: Manifest, stack: Stack, kinds: Kinds, *, healing: bool = False) -> Manifest:
    """The manifest of the applied revision in which every block ignores what the stack's drift says is ignored of its
    kind.

    `healing`: and what is only reported, so that a plan of it brings back the rest. It is not done by a policy, which
    knows no kinds, and of several of which only what all of them ignore is ignored.
    """
    chosen: tuple[OnDrift, ...] = ("ignore", "report") if healing else ("ignore",)
    if not any(row.do in chosen for row in stack.drift):
        return manifest
    more = {kind.name: tuple(_ignored(kind, stack.drift, chosen)) for kind in kinds}
    resources = {
        address: attrs.evolve(
            resource,
            lifecycle=attrs.evolve(
                resource.lifecycle, ignore=tuple(dict.fromkeys((*resource.lifecycle.ignore, *more[address.kind])))
            ),
        )
        for address, resource in manifest.resources.items()
    }
    tags = (*manifest.policy.ignore_tags, *_ignored_tags(stack.drift, chosen))
    policy = attrs.evolve(manifest.policy, ignore_tags=tags) if tags else manifest.policy
    return attrs.evolve(manifest, resources=resources, policy=policy)


def healing(stack: Stack, plan: Plan) -> Asked | None:
    """What to ask so that whole objects are left alone that are not to be healed; None where nothing is left to heal.

    Nothing is deleted where something is asked for, so what is not in the manifest is healed only where all is.
    """
    parts = [*moved_away(stack, plan, same=True)]
    healed = {each.address for each in parts if each.do == "heal"}
    if not any(each.do != "heal" and _segments(each.path)[:1] in _NOT_IGNORED for each in parts):
        return NOTHING if healed else None
    chosen = {each.address for each in parts if each.do == "heal" and each.action is not Action.DELETE}
    return Asked(only=chosen) if chosen else None


def told(moved: Iterable[Moved]) -> str:
    """What has moved away in words, without the values, which may be secret."""
    words = [plain(str(each)) for each in moved]
    more = f" and {len(words) - _MOST_TOLD} more" if len(words) > _MOST_TOLD else ""
    return ", ".join(words[:_MOST_TOLD]) + more


def _gated(
    stack: Stack,
    plan: Plan,
    reason: Reason,
    moved: tuple[Moved, ...],
    approved: str | None,
    may_begin: bool,
    opens_at: float | None,
) -> Verdict:
    """Apply, if nobody need approve it who has not, and it may begin."""
    if stack.approval.by != "nobody" and approved != plan.id:
        message = f"plan {plan.id} waits for approval: {_summary(plan)}"
        return Verdict("approve", "WaitsForApproval", message, moved)
    if not may_begin:
        when = "no window opens within a year"
        if opens_at is not None:
            when = f"the next window opens at {datetime.fromtimestamp(opens_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return Verdict("window", "WaitsForWindow", f"{when}: {_summary(plan)}", moved)
    return Verdict("apply", reason, _summary(plan), moved)


def _summary(plan: Plan) -> str:
    counted = [f"{count} to {action}" for action, count in plan.summary.items() if action != Action.NOOP.value]
    return f"{', '.join(counted) or 'nothing to change'} in {len(plan.steps)} step{'' if len(plan.steps) == 1 else 's'}"


def _refused(plan: Plan) -> str:
    rows = [f"{row.address or plan.stack}: {row.message}" for row in plan.refusals]
    more = [f"and {len(rows) - _MOST_TOLD} more"] if len(rows) > _MOST_TOLD else []
    return "\n".join(plain(row) for row in [*rows[:_MOST_TOLD], *more])


def _segments(path: str) -> paths.Segments:
    """The segments of a path; none where it is none, as the whole is."""
    try:
        return paths.split(path)
    except ValueError:
        return ()


def _covers(whole: paths.Segments, part: paths.Segments) -> bool:
    return part[: len(whole)] == whole


def _ignored(kind: Kind, rows: Sequence[Drifting], chosen: Collection[OnDrift]) -> Iterator[str]:
    """The paths of a kind at which a row of the chosen ones is the first that fits."""
    fitting = [
        (() if row.path == "*" else _segments(row.path), row.do in chosen)
        for row in rows
        if row.kind in ("*", kind.name)
    ]
    fitting = [(segments, leaves) for segments, leaves in fitting if segments[:1] != ("tags",)]

    def walk(field: Field, here: paths.Segments) -> Iterator[paths.Segments]:
        above = next((at for at, (segments, _) in enumerate(fitting) if _covers(segments, here)), len(fitting))
        leaves = above < len(fitting) and fitting[above][1]
        within = [(segments, left) for segments, left in fitting[:above] if _covers(here, segments)]
        if here and all(left == leaves for _, left in within):
            yield from [here] if leaves else []
            return
        entries = field.members or dict.fromkeys(segments[len(here)] for segments, _ in within)
        if not field.members and leaves:
            yield here
            return
        for name in entries:
            inner = field.at([name])
            if inner is not None:
                yield from walk(inner, (*here, name))

    return (paths.render(kind.spec, segments) for segments in walk(kind.spec, ()))


def _ignored_tags(rows: Sequence[Drifting], chosen: Collection[OnDrift]) -> Iterator[str]:
    """The keys of tags, as a policy takes them, that are ignored of all kinds."""
    for at, row in enumerate(rows):
        segments = ("tags",) if row.path == "*" else _segments(row.path)
        before = [("tags",) if it.path == "*" else _segments(it.path) for it in rows[:at] if it.kind == "*"]
        of_tags = row.kind == "*" and row.do in chosen and segments[:1] == ("tags",)
        if of_tags and not any(_covers(other, segments) for other in before):
            yield glob.escape(segments[1]) if len(segments) > 1 else "*"
