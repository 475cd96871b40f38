"""Repair of what is INVALID: what AWS complains of is sent to it once more, since AWS looks again only then.

A complaint names what is wrong in the words of the service that found it; which field that is tells a table of the
kind. Where the rules of that field say so, a new object takes the place of the old.
"""

import attrs

from plans import paths
from plans.change import Action, Difference, Impact, Refusal
from plans.decision import Decision
from plans.normalise import normalise
from plans.units import value_of
from providers.kinds import Kind
from providers.resources import Address, Document, Live

_VERDICTS = {"update": Impact.NONE, "scaling": Impact.SCALING, "infrastructure": Impact.INFRASTRUCTURE}


def complained_of(live: Live, kind: Kind) -> str | None:
    """The path that an INVALID object's reason is about; None where it is not INVALID, or no row knows the reason."""
    if live.status != "INVALID":
        return None
    return kind.facts.complaint(live.status_reason)


def resent(decision: Decision, kind: Kind) -> Decision:
    """The decision, with what AWS complains of sent once more, though it does not differ."""
    live = decision.live
    if live is None or live.status != "INVALID" or decision.resource is None:
        return decision
    path = complained_of(live, kind)
    if path is None or path in decision.units:
        return decision
    rule = kind.rule(path, normalise(decision.spec, kind), normalise(live.spec, kind))
    value = value_of(path, decision.spec, kind)
    reason = f"AWS complains of it: {live.status_reason}"
    refusals = tuple(row for row in decision.refusals if row.code != "invalid")
    impact = _sent(path, decision.spec, live, kind)
    same = value if value is not None else paths.get(live.spec, paths.split(path), kind.facts.keyed, kind.spec)
    told = "a new object is made with it" if impact is None else "it is sent once more, as it is"
    differences = (*decision.change.differences, Difference(path, same, same, rule.name, f"{reason}; {told}"))
    if impact is None:
        change = attrs.evolve(
            decision.change, action=Action.REPLACE, impact=Impact.REPLACEMENT, reason=reason, differences=differences
        )
        return attrs.evolve(decision, change=change, refusals=refusals)
    action = decision.change.action if decision.change.action is Action.REPLACE else Action.UPDATE
    change = attrs.evolve(
        decision.change, action=action, impact=max(impact, decision.change.impact), differences=differences
    )
    return attrs.evolve(decision, change=change, units=(*decision.units, path), refusals=refusals)


def remedy(live: Live, spec: Document, kind: Kind, address: Address, *, replaceable: bool) -> str:
    """What may help where nothing of a change repairs what is INVALID.

    `spec` is what is wanted; `replaceable` where a new one may be made.
    """
    path = complained_of(live, kind)
    new = f"; or have a new one made: --replace {address}" if replaceable else ""
    if path is None or _sent(path, spec, live, kind) is None:
        return f"{kind.facts.repair}{new}"
    return f"mend what the reason names and give --repair, which sends {path} once more, or say another {path}{new}"


def _sent(path: str, spec: Document, live: Live, kind: Kind) -> Impact | None:
    """What it disturbs to send a field once more; None where that cannot be sent."""
    rule = kind.rule(path, normalise(spec, kind), normalise(live.spec, kind))
    return None if value_of(path, spec, kind) is None else _VERDICTS.get(rule.verdict)


def unknown(decision: Decision, kind: Kind) -> Decision:
    """The decision, refused in words of its own where repair was asked for and the reason tells no field."""
    live = decision.live
    if live is None or complained_of(live, kind) is not None:
        return decision
    told = "change the field that the reason names, or have a new one made: --replace " + str(decision.change.address)
    refusals = tuple(
        Refusal(row.address, row.code, row.message, told) if row.code == "invalid" else row for row in decision.refusals
    )
    return attrs.evolve(decision, refusals=refusals)
