"""What workers do: one look at the stacks of a target, and one run of a stack. Neither keeps anything.

Of all stacks of a target that are looked at together the account is read once. Whatever goes wrong with one of them is
an answer about that one.
"""

import hashlib
import json
from collections.abc import Callable, Sequence

import attrs

from plans.asked import NOTHING, Asked
from plans.manifest import Manifest
from plans.plan import Plan
from plans.report import Report
from providers.errors import BatchwrightError, RefusedError
from providers.resources import Target
from reconciler.controller.configuration import Place, Stack
from reconciler.controller.modes import bound
from reconciler.controller.sources import Revision
from reconciler.controller.yielding import Yielding
from reconciler.engine import Reconciler
from reconciler.files import load
from reconciler.telling import OnEvent


@attrs.frozen
class Wish:
    """What a stack is to be, as one revision has it. `digest` is another where anything of it is."""

    stack: Stack
    revision: str
    digest: str
    manifest: Manifest


@attrs.frozen
class Seen:
    """What a look at a stack found: a plan, or why there is none; `approved` is what a file of the source approves."""

    stack: str
    revision: str
    digest: str
    wish: Wish | None = None
    plan: Plan | None = None
    error: BatchwrightError | None = None
    approved: frozenset[str] = frozenset()


def digest(stack: Stack, revision: Revision) -> str:
    """What tells one wish from another: the files of a stack, and what the configuration says of it."""
    said = [revision.digest(stack.paths), dict(stack.variables), stack.prune]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]


def wished(stack: Stack, place: Place, revision: Revision, reconciler: Reconciler) -> Wish:
    """Read what a stack is to be.

    Raises ManifestError with all its faults, InputError where its paths hold nothing, and RefusedError where the
    manifest claims to be another stack, or goes somewhere else than the configuration says.
    """
    manifest = load(revision.paths(stack.paths), variables=stack.variables, kinds=reconciler.kinds)
    if manifest.stack != stack.name:
        raise RefusedError(
            f"the manifest is of the stack {manifest.stack!r}, and this is {stack.name!r}",
            hint="a stack is called as the configuration calls it",
        )
    for field in attrs.fields(Target):
        claimed, said = getattr(manifest.target, field.name), getattr(place.target, field.name)
        if field.name in _CLAIMS and claimed is not None and claimed != said:
            raise RefusedError(
                f"the manifest claims {field.name} {claimed!r}, and the configuration says {said!r}",
                hint="where a stack goes is the configuration's to say",
            )
    return Wish(stack, revision.id, digest(stack, revision), manifest)


_CLAIMS = ("region", "account_id", "profile", "role_arn", "external_id")


def look(
    reconciler: Reconciler, place: Place, stacks: Sequence[tuple[Stack, Revision]], known: Callable[[str], Wish | None]
) -> Sequence[Seen]:
    """Plan each of these stacks on one look at the account; `known` gives the wish of a digest that was read before."""
    found: list[Seen] = []
    wishes: list[tuple[Seen, Wish]] = []
    for stack, revision in stacks:
        told = digest(stack, revision)
        seen = Seen(stack.name, revision.id, told, approved=_approved(stack, revision))
        try:
            before = known(stack.name)
            fresh = before is not None and before.digest == told
            wish = attrs.evolve(before, revision=revision.id) if fresh else wished(stack, place, revision, reconciler)
        except BatchwrightError as error:
            found.append(attrs.evolve(seen, error=error))
        else:
            wishes.append((attrs.evolve(seen, wish=wish), wish))
    try:
        world = reconciler.look([wish.manifest for _, wish in wishes]) if wishes else None
    except BatchwrightError as error:
        return [*found, *(attrs.evolve(seen, error=error) for seen, _ in wishes)]
    for seen, wish in wishes:
        own = confined(reconciler, place, wish.stack)
        try:
            found.append(attrs.evolve(seen, plan=own.plan(wish.manifest, world=world)))
        except BatchwrightError as error:
            found.append(attrs.evolve(seen, error=error))
    return found


def confined(reconciler: Reconciler, place: Place, stack: Stack) -> Reconciler:
    """The reconciler of a target, with what binds one of its stacks."""
    return attrs.evolve(reconciler, policies=(place.policy, bound(stack)))


def carry_out(
    reconciler: Reconciler,
    place: Place,
    wish: Wish,
    plan: Plan,
    yielding: Yielding,
    *,
    asked: Asked = NOTHING,
    on_event: OnEvent,
) -> Report | BatchwrightError:
    """Do what a plan says, if it is still what is to be done; why not, where it could not begin."""
    own = attrs.evolve(confined(reconciler, place, wish.stack), stop=yielding.stop)

    def hear(event: Event) -> None:
        on_event(event)
        yielding.take(event)

    try:
        return own.apply(wish.manifest, held=plan, asked=asked, on_event=hear)
    except BatchwrightError as error:
        return error


def _approved(stack: Stack, revision: Revision) -> frozenset[str]:
    """The ids of plans that a file of the source approves, one a line."""
    if stack.approval.by != "file":
        return frozenset()
    (path,) = revision.paths((stack.approval.file,))
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.split("#")[0].strip() for line in lines) - {""}
