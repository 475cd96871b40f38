"""What workers do: a fetch, one look at the stacks of a target, and one run of a stack. Nothing is kept here.

Of all stacks of a target that are looked at together the account is read once. Whatever goes wrong with one of them is
an answer about that one.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence

import attrs

from plans.asked import NOTHING, Asked
from plans.manifest import TARGET, Manifest, parse
from plans.plan import Plan
from plans.report import Event, Report
from providers.errors import BatchwrightError, InputError, Interrupted, LockLost, RefusedError
from providers.resources import EMPTY, Live, Snapshot
from reconciler.controller import windows
from reconciler.controller.configuration import Place, Stack
from reconciler.controller.modes import Verdict, bound, ignoring, judge
from reconciler.controller.sources import Fetcher, Revision
from reconciler.controller.targets import of_target
from reconciler.controller.yielding import Yielding
from reconciler.engine import Reconciler
from reconciler.files import sources
from reconciler.telling import OnEvent


@attrs.frozen
class Wish:
    """What a stack is to be, as one revision has it. `digest` is another where anything of it is."""

    digest: str
    manifest: Manifest


@attrs.frozen
class Question:
    """A stack to be looked at.

    `applied` is the digest of what the world was last made like, `known` what was read before, `approved` the plans
    that people approved, `override` one that may begin outside the windows.
    """

    stack: Stack
    revision: Revision
    applied: str = ""
    known: Wish | None = None
    approved: frozenset[str] = frozenset()
    override: str | None = None


@attrs.frozen
class Seen:
    """What a look at a stack found: a plan of `manifest` with this asked, and what is to be done about it; or an error.

    `inventory` maps addresses to ARNs, `invalid` those that AWS calls INVALID to its reason. `opens_at` is when a
    window opens that it waits for.
    """

    stack: str
    revision: str
    digest: str
    wish: Wish | None = None
    manifest: Manifest | None = None
    asked: Asked = NOTHING
    plan: Plan | None = None
    verdict: Verdict | None = None
    inventory: Mapping[str, str] = EMPTY
    invalid: Mapping[str, str] = EMPTY
    opens_at: float | None = None
    error: Exception | None = None


@attrs.frozen
class Fetched:
    """A source as it is now, and of each of its stacks the digest of what that is to be.

    `untidied` is why what was fetched before could not be removed.
    """

    revision: Revision
    digests: Mapping[str, str]
    untidied: OSError | None = None


def fetch(fetcher: Fetcher, last: Revision | None, stacks: Collection[Stack], used: Collection[Revision]) -> Fetched:
    """Fetch a source, and remove what was fetched before, save `last` and what is `used` by looks under way."""
    revision = fetcher.fetch(last)
    found = Fetched(revision, {stack.name: digest(stack, revision) for stack in stacks})
    try:
        fetcher.tidy([revision, *used, *([] if last is None else [last])])
    except OSError as error:
        return attrs.evolve(found, untidied=error)
    return found


def digest(stack: Stack, revision: Revision) -> str:
    """What tells one wish from another: the files of a stack, and what the configuration says of it."""
    said = [revision.digest(stack.paths), dict(stack.variables), stack.target, stack.prune]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]


def look(reach: Callable[[], Reconciler], place: Place, questions: Sequence[Question], now: float) -> Sequence[Seen]:
    """Plan each of these stacks of a target on one look at the account, and judge the plan.

    `reach` gives the reconciler of the target, or raises what is wrong with it; `now` is the time for the windows.
    Raises Interrupted once its `stop` is done.
    """
    answers: list[Seen] = []
    try:
        reconciler = reach()
    except BatchwrightError as error:
        return [_failed(question, error) for question in questions]
    wished: list[tuple[Question, Wish]] = []
    for question in questions:
        _go_on(reconciler)
        told = digest(question.stack, question.revision)
        try:
            known = question.known
            wish = known if known is not None and known.digest == told else _read(question, place, told, reconciler)
        except Exception as error:
            answers.append(Seen(question.stack.name, question.revision.id, told, error=error))
        else:
            wished.append((question, wish))
    if not wished:
        return answers
    try:
        world = reconciler.look([wish.manifest for _, wish in wished])
    except Interrupted:
        raise
    except BatchwrightError as error:
        return [*answers, *(_failed(question, error) for question, _ in wished)]
    own: dict[str | None, list[Live]] = {}
    for live in world.live:
        own.setdefault(live.owner, []).append(live)
    for question, wish in wished:
        _go_on(reconciler)
        seen = Seen(question.stack.name, question.revision.id, wish.digest, wish)
        try:
            seen = _judged(seen, reconciler, place, question, wish, world, now)
        except Interrupted:
            raise
        except BatchwrightError as error:
            seen = attrs.evolve(seen, error=of_target(error, question.stack.target))
        except Exception as error:
            seen = attrs.evolve(seen, error=error)
        answers.append(_with_inventory(seen, own.get(question.stack.name, ())))
    return answers


def _go_on(reconciler: Reconciler) -> None:
    """Say that the look goes on, which it does unless it is to end."""
    if reconciler.stop is not None and reconciler.stop.done():
        raise Interrupted("interrupted while looking", signal=reconciler.stop.result())
    if reconciler.on_answer is not None:
        reconciler.on_answer()


def _failed(question: Question, error: BatchwrightError) -> Seen:
    """What a look at a target came to that failed, for one of its stacks."""
    stack, revision = question.stack, question.revision
    return Seen(stack.name, revision.id, digest(stack, revision), error=of_target(error, stack.target))


def _read(question: Question, place: Place, told: str, reconciler: Reconciler) -> Wish:
    """Read what a stack is to be.

    Raises ManifestError with all its faults, InputError where its paths hold nothing, and RefusedError where the
    manifest claims to be another stack, or to go somewhere else than the configuration says.
    """
    stack, revision = question.stack, question.revision
    try:
        files = sources(revision.paths(stack.paths), revision.top)
        manifest = parse(files, variables=stack.variables, kinds=reconciler.kinds)
    except InputError as error:
        where = f"in the source {stack.source} at {revision.id}"
        raise attrs.evolve(error, message=f"{error.message}, {where}") from error
    if manifest.stack != stack.name:
        raise RefusedError(
            f"the manifest is of the stack {manifest.stack!r}, and this is {stack.name!r}",
            hint="a stack is called as the configuration calls it",
        )
    for key, name in TARGET.items():
        claimed, said = getattr(manifest.target, name), getattr(place.target, name)
        if claimed is not None and claimed != said:
            other = "none" if said is None else repr(said)
            raise RefusedError(
                f"the manifest claims {key} {claimed!r}, and the configuration says {other}",
                hint="where a stack goes is the configuration's to say",
            )
    return Wish(told, manifest)


def _judged(
    seen: Seen,
    reconciler: Reconciler,
    place: Place,
    question: Question,
    wish: Wish,
    world: Snapshot,
    now: float,
) -> Seen:
    """With a plan, and what is to be done about it; where only a part may be healed, with a plan of that part.

    All that moved away is told, whatever of it is healed.
    """
    stack, same = question.stack, question.applied == wish.digest
    own = confined(reconciler, place, stack)
    approved = question.approved | _approved(stack, question.revision)
    manifest, asked, whole = wish.manifest, NOTHING, None
    if same:
        manifest = ignoring(manifest, stack, reconciler.kinds)
    for narrowed in (False, True):
        plan = own.plan(manifest, asked=asked, world=world)
        verdict = judge(
            stack,
            plan,
            applied=question.applied,
            revision=wish.digest,
            approved=plan.id if plan.id in approved else None,
            open=may_begin(stack, plan, question.override, now),
            opens_at=windows.opens_at(stack.windows, now),
            narrowed=narrowed,
        )
        if verdict.narrow is None or narrowed:
            break
        manifest, asked = ignoring(wish.manifest, stack, reconciler.kinds, healing=True), verdict.narrow
        whole = verdict.moved
    if whole is not None:
        verdict = attrs.evolve(verdict, moved=whole)
    opens_at = windows.opens_at(stack.windows, now) if verdict.do == "window" else None
    return attrs.evolve(seen, manifest=manifest, asked=asked, plan=plan, verdict=verdict, opens_at=opens_at)


def may_begin(stack: Stack, plan: Plan, override: str | None, now: float) -> bool:
    """Whether a window is open, or somebody let this very plan begin all the same."""
    return override == plan.id or windows.is_open(stack.windows, now)


def _with_inventory(seen: Seen, own: Sequence[Live]) -> Seen:
    """With what there is of the stack; of an address that several hold, the last."""
    inventory = {live.address: live.arn for live in own if live.address is not None}
    invalid = {live.address: live.status_reason for live in own if live.address and live.status == "INVALID"}
    return attrs.evolve(seen, inventory=inventory, invalid=invalid)


def confined(reconciler: Reconciler, place: Place, stack: Stack) -> Reconciler:
    """The reconciler of a target, with what binds one of its stacks."""
    return attrs.evolve(reconciler, policies=(place.policy, bound(stack)))


def carry_out(
    reconciler: Reconciler, seen: Seen, yielding: Yielding, fence: Callable[[], LockLost | None], on_event: OnEvent
) -> Report:
    """Do what a plan says, if it is still what is to be done; raises as `Reconciler.apply` does.

    `reconciler` is one that is `confined`; `fence` tells before each call that changes something whether we still lead.
    """
    assert seen.manifest is not None
    settings = attrs.evolve(reconciler.settings, fence=fence)

    def hear(event: Event) -> None:
        on_event(event)
        yielding.take(event)

    own = attrs.evolve(reconciler, settings=settings, stop=yielding.stop)
    return own.apply(seen.manifest, held=seen.plan, asked=seen.asked, on_event=hear)


def _approved(stack: Stack, revision: Revision) -> frozenset[str]:
    """The ids of plans that a file of the source approves, one a line; what stands behind # is a remark."""
    if stack.approval.by != "file":
        return frozenset()
    (path,) = revision.paths((stack.approval.file,))
    try:
        lines = path.read_text(errors="replace").splitlines()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return frozenset()
    return frozenset(line.partition("#")[0].strip() for line in lines) - {""}
