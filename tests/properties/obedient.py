"""A world that does at once what it is told, and shows it as AWS documents: the least that a plan can be tried on."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from plans.plan import NOW, Plan, Step
from providers.kinds import Kind
from providers.resources import ADDRESS_TAG, Live, Ref
from tests.plans.core import KINDS, arn

_PARTLY = {"computeResources", "eksConfiguration", "managedInstancesProvider", "instanceLaunchTemplate"}
"""Structures of which an update may say some members and keep the others."""


def after(plan: Plan, lives: Iterable[Live]) -> tuple[Live, ...]:
    """What is live after every step of a plan."""
    there = {live.arn: live for live in lives}
    for step in plan.steps:
        _carry_out(step, there)
    return tuple(there.values())


def _carry_out(step: Step, there: dict[str, Live]) -> None:
    kind = KINDS[step.address.partition(".")[0]]
    arguments = _filled(step.arguments, there)
    match step.call:
        case "TagResource":
            live = there[arguments["resourceArn"]]
            there[live.arn] = attrs.evolve(live, tags={**live.tags, **arguments["tags"]})
        case "UntagResource":
            live = there[arguments["resourceArn"]]
            kept = {key: value for key, value in live.tags.items() if key not in arguments["tagKeys"]}
            there[live.arn] = attrs.evolve(live, tags=kept)
        case kind.facts.create:
            live = _made(kind, arguments, there)
            there[live.arn] = live
        case kind.facts.delete:
            del there[arguments[kind.delete_key]]
        case kind.facts.update:
            live = there[arguments.pop(kind.update_key)]
            there[live.arn] = attrs.evolve(live, spec=_merged(live.spec, _shown(arguments)))


def _made(kind: Kind, arguments: dict[str, Any], there: Mapping[str, Live]) -> Live:
    name, tags = arguments.pop(kind.name_member), arguments.pop("tags")
    spec = _shown(arguments)
    if not kind.facts.revisions:
        return Live(kind.name, name, arn(kind.name, name), spec, tags, "VALID" if kind.facts.settles else None)
    number = 1 + max((live.revision or 0 for live in there.values() if live.name == name), default=0)
    return Live(kind.name, name, arn(kind.name, f"{name}:{number}"), spec, tags, "ACTIVE", "", number)


def _merged(shown: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """An update replaces members, and of some structures the members inside."""
    inside = {name: _merged(shown.get(name) or {}, sent[name]) for name in _PARTLY & sent.keys()}
    return {**shown, **sent, **inside}


def _shown(arguments: dict[str, Any]) -> dict[str, Any]:
    """What describe shows of a request; `operation: SET` sets the total."""
    if arguments.get("operation") == "SET":
        return {"totalQuantity": arguments["quantity"]}
    return arguments


def _filled(value: Any, there: Mapping[str, Live]) -> Any:
    match value:
        case Ref(address=address):
            # Of two, the old one and the one that takes its place, the new one is meant.
            own = [live.arn for live in there.values() if live.tags.get(ADDRESS_TAG) == str(address)]
            return own[-1] if own else arn(address.kind, address.name)
        case Mapping():
            return {key: _filled(item, there) for key, item in value.items()}
        case list() | tuple():
            return [_filled(item, there) for item in value]
        case _:
            return "2027-01-15T08:00:00.000+00:00" if value is NOW else value
