"""What somebody else has done to an object since the plan was made, told apart from what we did and AWS does by itself.

A status that moves is nothing. Neither is what the service moves or fills by itself, nor what we sent, whether it shows
yet or not. Tags count as far as they say whose an object is, or are about to be changed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import attrs

from plans import paths
from plans.diff import compare
from plans.normalise import normalise
from providers.kinds import Kind
from providers.resources import EMPTY, HOUSE_TAG_PREFIX, Document, Live

OBJECT = "the object itself"
"""Stands for a path where an object is gone, or is another one."""

TAGGING = ("TagResource", "UntagResource")


@attrs.frozen
class Sent:
    """A call of ours with its arguments, and what must be seen after it, as the goal of a step has it."""

    call: str
    arguments: Document
    expect: Mapping[str, Any] = EMPTY

    @property
    def tags(self) -> Collection[str]:
        """The keys of the tags that it changes."""
        return (*self.arguments.get("tags", ()), *self.arguments.get("tagKeys", ())) if self.call in TAGGING else ()


@attrs.frozen
class Expectation:
    """An object as it is to be found: as it was seen, and then whatever of `sent` has been done, in this order."""

    live: Live
    sent: tuple[Sent, ...] = ()

    def and_sent(self, sent: Sent) -> "Expectation":
        return attrs.evolve(self, sent=(*self.sent, sent))


def moved(known: Expectation, now: Live | None, kind: Kind, pending: Sent) -> Mapping[str, tuple[Any, Any]]:
    """What differs of what a pending call hangs on, by path: how it was and how it is.

    What the call itself would bring about is no difference: an attempt of which no answer came may have done it. An
    update and a deletion hang on all of a document; a call about tags, or about a revision, which never changes,
    does not. On tags that say whose an object is every call hangs. One that is gone may be deleted.
    """
    before = known.live
    if now is None or now.status in ("DELETED", "INACTIVE"):
        return {} if pending.call == kind.facts.delete else {OBJECT: ("there", "gone")}
    if before.uuid and now.uuid and before.uuid != now.uuid:
        return {OBJECT: (before.uuid, f"another one of its name, {now.uuid}")}
    expected = known.and_sent(pending)
    found = dict(_tags(expected, now, pending))
    if pending.call not in TAGGING and not kind.facts.revisions:
        found |= _document(expected, now, kind)
    return found


def there(known: Expectation, now: Live | None, kind: Kind, pending: Sent) -> bool:
    """Whether all that a pending call would bring about is there, though it was not: somebody else has done the same,
    or an attempt of which no answer came. Every member of an update must tell, so that none is left out that is never
    described, or is only said once more. What this run itself has changed, and is about to change back, tells
    nothing: a describe may lag."""
    if now is None or now.status == "INVALID":
        return False
    if pending.call in TAGGING:
        *were, will = ([tags.get(key) for key in pending.tags] for tags in _stages_of_tags(known.and_sent(pending)))
        return will not in were and will == [now.tags.get(key) for key in pending.tags]
    if pending.call != kind.facts.update:
        return False
    *before, after = (normalise(stage, kind) for stage in _stages(known.and_sent(pending), kind))
    pairs = compare(before[-1], after)
    changed = {".".join(pair.segments[:depth]) for pair in pairs for depth in range(1, len(pair.segments) + 1)}

    def shows(form: Document) -> bool:
        return all(_at(form, pair.segments) == pair.after for pair in pairs)

    all_tell = {*_units(pending.arguments, kind)} <= changed
    return all_tell and shows(normalise(now.spec, kind)) and not any(map(shows, before))


def _units(sent: Document, kind: Kind, prefix: str = "") -> Iterator[str]:
    """The members that an update says, those of refined structures one by one."""
    for name, value in sent.items():
        path = f"{prefix}{name}"
        if path in kind.facts.refined and isinstance(value, Mapping):
            yield from _units(value, kind, f"{path}.")
        elif path != kind.update_key:
            yield path


def lost(known: Expectation, now: Live | None, kind: Kind) -> Mapping[str, tuple[Any, Any]]:
    """What keeps an object from carrying what a call is about to have refer to it, by path as `moved` tells it: that it
    is gone, is another one, or was switched off by somebody else."""
    found = moved(known, now, kind, Sent("", EMPTY))
    off = now is not None and now.state == "DISABLED"
    return {path: pair for path, pair in found.items() if path == OBJECT or (path == "state" and off)}


def _tags(expected: Expectation, now: Live, pending: Sent) -> Iterator[tuple[str, tuple[Any, Any]]]:
    stages = _stages_of_tags(expected)
    for key in sorted({*stages[-1], *now.tags}):
        counts = key.startswith(HOUSE_TAG_PREFIX) or key in pending.tags
        if counts and all(now.tags.get(key) != stage.get(key) for stage in stages):
            yield paths.tag(key), (stages[-2].get(key), now.tags.get(key))


def _stages_of_tags(expected: Expectation) -> list[dict[str, str | None]]:
    stages: list[dict[str, str | None]] = [{**expected.live.tags}]
    for sent in expected.sent:
        added = sent.arguments["tags"] if sent.call == "TagResource" else {}
        stages.append({**stages[-1], **dict.fromkeys(sent.tags), **added})
    return stages


def _stages(expected: Expectation, kind: Kind) -> list[Document]:
    """The document as it was seen, and after each update of those sent."""
    stages = [expected.live.spec]
    for sent in (sent for sent in expected.sent if sent.call == kind.facts.update):
        made = _merged(stages[-1], sent.arguments, kind)
        for path, value in sent.expect.items():
            if paths.tag_of(path) is None:
                made = paths.put(made, paths.split(path), value, kind.facts.keyed, kind.spec)
        stages.append(made)
    return stages


def _document(expected: Expectation, now: Live, kind: Kind) -> Mapping[str, tuple[Any, Any]]:
    pends = expected.sent[-1].call == kind.facts.update
    stages = _stages(expected, kind)
    forms, shown = [normalise(stage, kind) for stage in stages], normalise(now.spec, kind)
    found = {}
    for pair in compare(forms[-1], shown):
        path = paths.pattern(kind.spec, pair.segments)
        seen = [_at(form, pair.segments) for form in forms]
        if pair.after in seen or _moves(path, kind, forms[-1], shown, updated=len(stages) > 1):
            continue
        if pair.after is None and kind.reset(path, forms[-1]) in seen:
            continue
        if path in kind.facts.alike and any(kind.facts.alike[path](value, pair.after) for value in seen):
            continue
        found[paths.render(kind.spec, pair.segments)] = (seen[-2 if pends else -1], pair.after)
    return found


def _moves(path: str, kind: Kind, before: Document, now: Document, *, updated: bool) -> bool:
    """Whether the service may have moved it by itself, as it does with more once it was updated."""
    itself = (*kind.facts.floors, *(kind.owned if updated else ()))
    return kind.rule(path, before, now).verdict == "leave" or any(
        path == own or path.startswith((f"{own}.", f"{own}[")) for own in itself
    )


def _merged(spec: Document, sent: Document, kind: Kind, prefix: str = "") -> Document:
    """A document after an update: of a refined structure only what was sent is another."""
    made = dict(spec)
    for name, value in sent.items():
        path = f"{prefix}{name}"
        if path == kind.update_key:
            continue
        if path in kind.facts.refined and isinstance(value, Mapping):
            made[name] = _merged(spec.get(name) or {}, value, kind, f"{path}.")
        else:
            made[name] = value
    return made


def _at(form: Any, segments: Sequence[str]) -> Any:
    for segment in segments:
        form = form.get(segment) if isinstance(form, Mapping) else None
    return form


def told(found: Mapping[str, tuple[Any, Any]]) -> str:
    """The differences in words."""
    return "; ".join(f"{path} was {_word(before)} and is {_word(now)}" for path, (before, now) in found.items())


def _word(value: Any) -> str:
    text = "unsaid" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"
