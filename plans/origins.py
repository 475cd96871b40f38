"""Where a difference comes from: the world moved away from what was applied, the manifest was edited, or both.

What was applied is known as digests, path by path, of the normal form of what every address was to be. They are keyed
by a salt of their own, so that two runs that applied the same show nothing of it; a path names an entry, never a value.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from plans import paths
from plans.change import Action, Change, Difference, Origin
from plans.decision import Decision
from plans.masking import hides
from plans.normalise import DIGEST_RULES, Resolve, as_written, normalise
from plans.past import Digests, Past
from plans.plan import Form, Plan
from plans.report import Report
from plans.world import World
from providers.kinds import Kind, Kinds
from providers.resources import DIGEST_TAG, EMPTY, REGISTERED_TAG

_ARN = re.compile(r"arn:[^:\]\"]*:batch:[^:\]\"]*:[^:\]\"]*:")
_ENTRY = re.compile(r"\[([^\]]*)\]")
_OWN = (DIGEST_TAG, REGISTERED_TAG)


def applied(plan: Plan, report: Report, kinds: Kinds, salt: str) -> Mapping[str, Digests]:
    """What an apply has brought about, by address, of all that ended well for it.

    Where the world was looked at afterwards, that is what needs nothing any more; else what had all its steps done.
    """
    told = plan if report.residue is None else report.residue
    undone = {outcome.address for outcome in report.outcomes if outcome.status != "done"}
    if report.residue is None:
        undone |= {step.address for step in plan.steps} - {outcome.address for outcome in report.outcomes}
        well = [change for change in plan.changes if change.action not in (Action.REPLACE, Action.DELETE)]
    else:
        well = [change for change in told.changes if change.action is Action.NOOP]
    names = _names(told.changes, kinds)
    return {
        str(change.address): _Reader(kinds[change.kind], names, salt).digests(told.wanted[change.address])
        for change in well
        if change.address in told.wanted and str(change.address) not in undone
    }


def with_origins(
    changes: Sequence[Change], decisions: Sequence[Decision], world: World, past: Past
) -> tuple[Change, ...]:
    """The changes, each with the origin of its differences; what came or went as a whole has one itself."""
    names = _names(changes, world.kinds)
    return tuple(
        change if change.action is Action.NOOP else _told(change, decision, world, past, names)
        for change, decision in zip(changes, decisions, strict=True)
    )


def _told(change: Change, decision: Decision, world: World, past: Past, names: Mapping[str, str]) -> Change:
    address, kind = str(change.address), world.kinds[change.kind]
    absent = address not in past.applied and past.whole
    was = past.applied.get(address)
    usable = was is not None and was.rules == DIGEST_RULES
    reader = _Reader(kind, names, was.salt if was is not None and usable else "")
    wanted = reader.digests(form_of(decision)) if usable else EMPTY
    shown: Digests = EMPTY
    if usable and decision.live is not None:
        live = decision.live
        shown = reader.digests(Form(live.name, live.spec, live.tags), world.shown)
    before: Digests = was.digests if was is not None and usable else EMPTY

    def origin(difference: Difference) -> Origin:
        if not usable or hides(difference.path, difference.before) or hides(difference.path, difference.after):
            return "unknown"
        return _origin(*(_under(digests, reader.path(difference.path)) for digests in (before, shown, wanted)))

    differences = tuple(attrs.evolve(each, origin=origin(each)) for each in change.differences)
    whole: Origin | None = None
    match change.action:
        case Action.CREATE if absent:
            whole = "edit"
        case Action.DELETE if absent:
            whole = "drift"
        case Action.CREATE | Action.DELETE if not usable:
            whole = "unknown"
        case Action.CREATE:
            whole = (
                "drift" if _said(before, wanted, decision, kind) == _said(wanted, wanted, decision, kind) else "both"
            )
        case Action.DELETE:
            whole = "edit" if before == {path: shown.get(path) for path in before} else "both"
    return attrs.evolve(change, differences=differences, origin=whole)


def _origin(was: Digests, shown: Digests, wanted: Digests) -> Origin:
    """What is wanted as it was applied is no edit, even where what it refers to has moved."""
    if not (was or shown or wanted):
        return "unknown"
    if wanted == was:
        return "drift"
    return "edit" if shown == was else "both"


def _said(digests: Digests, wanted: Digests, decision: Decision, kind: Kind) -> Digests:
    """What is neither the service's nor somebody else's to say, of what was applied or of what is to be made."""
    own = [path for path in kind.owned if not _under(wanted, path)]
    ignored = decision.resource.lifecycle.ignore if decision.resource is not None else ()
    left = {path for skipped in (*own, *kind.facts.alike, *ignored) for path in _under(digests, skipped)}
    return {path: digest for path, digest in digests.items() if path not in left}


def form_of(decision: Decision) -> Form:
    return Form(decision.change.name, decision.spec, decision.tags)


def _under(digests: Digests, path: str) -> Digests:
    return {own: digest for own, digest in digests.items() if own == path or own.startswith((f"{path}.", f"{path}["))}


def _names(changes: Iterable[Change], kinds: Kinds) -> Mapping[str, str]:
    """How an ARN of each object ends, by the text of a reference to it."""
    return {
        f"{change.address}#arn": kinds[change.kind].facts.arn.format(name=change.name, jobQueue="")
        for change in changes
    }


@attrs.frozen
class _Reader:
    """Reads documents of one kind. References count by how an ARN ends, as one may not be known yet."""

    kind: Kind
    names: Mapping[str, str]
    salt: str

    def digests(self, form: Form, resolve: Resolve = as_written) -> Digests:
        found = {"name": form.name}
        document = normalise(form.spec, self.kind, resolve)
        found |= {paths.render(self.kind.spec, at): value for at, value in _leaves(document) if at}
        found |= {paths.tag(key): value for key, value in form.tags.items() if key not in _OWN}
        # A digest of one short value can be guessed from, whatever its salt: nothing is told of secrets.
        named = ((self.path(path), value) for path, value in found.items() if not hides(path, value))
        return {path: self.digest(path, value) for path, value in named}

    def path(self, path: str) -> str:
        """A path in which references stand as they count."""
        return _ENTRY.sub(lambda entry: f"[{self.named(entry[1])}]", path)

    def named(self, text: str) -> str:
        return self.names.get(text, _ARN.sub("", text))

    def digest(self, path: str, value: Any) -> str:
        text = json.dumps(value, sort_keys=True, default=lambda reference: self.named(str(reference)))
        data = json.dumps([path, _ARN.sub("", text)]).encode()
        return hashlib.blake2b(data, key=self.salt.encode()[:64], digest_size=8).hexdigest()


def _leaves(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*at, str(key)))
    else:
        yield at, value
