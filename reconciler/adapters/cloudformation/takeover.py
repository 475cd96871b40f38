"""The way out of CloudFormation, in steps: retained, removed from the template, adopted.

A resource whose DeletionPolicy is Retain is left as it is when it is no longer in the template
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from plans.nodes import Node
from reconciler.adapters.cloudformation.convert import Converted
from reconciler.adapters.cloudformation.live import Live
from reconciler.adapters.cloudformation.tags import attribute_parts, function_of
from reconciler.adapters.cloudformation.template import Template

_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
_NAMED = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}")
_DEAD = ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")
"""What a stack is that cannot be updated any more."""


@attrs.frozen
class Use:
    """Something of a template, in words, that refers to a resource."""

    user: str
    logical_id: str

    def __str__(self) -> str:
        return f"{self.user} refers to {self.logical_id}"


def steps(made: Converted, live: Live | None, manifest: str) -> str:
    """What to do, in numbered lines, and of what it is known that it is so."""
    ids = [*made.resources]
    if not ids:
        return ""
    bare = unretained(made.template, ids)
    used = [*uses(made.template, ids)]
    lines = ["To take these over from CloudFormation, so that nothing is made anew:"]
    if bare:
        both = " and ".join(f"{policy}: Retain" for policy in _POLICIES)
        lines.append(f"1. Add {both} to {', '.join(bare)} in the template, and deploy it.")
    else:
        lines.append("1. Deploy the template as it is: all of them say Retain already.")
    lines.append(
        f"2. Remove {', '.join(ids)} from the template, and deploy it: they are forgotten there, and not deleted."
    )
    if used:
        lines.append("   Before that, write literals or parameters where something that stays refers to them:")
        lines += [f"   - {use}" for use in used]
    lines.append(f"3. batchwright adopt {manifest}")
    lines.append(f"   batchwright plan {manifest}   is then empty.")
    return "\n".join([*lines, *_checked(made, live, ids)])


def unretained(template: Template, ids: Collection[str]) -> list[str]:
    """Those of the resources that CloudFormation would delete with the stack, or when it replaces them."""
    return [one for one in ids if one not in template.resources or not _retained(template, one)]


def uses(template: Template, ids: Collection[str]) -> Iterator[Use]:
    """What else in a template refers to the resources: other resources, and outputs."""
    for name, one in template.resources.items():
        if name not in ids:
            found = {*_mentioned(one.properties), *one.depends_on}
            yield from (Use(f"{name} ({one.type})", each) for each in ids if each in found)
    for name, output in template.outputs.items():
        found = set(_mentioned(output.value))
        exported = ", which is exported," if output.export is not None else ""
        yield from (Use(f"the output {name}{exported}", each) for each in ids if each in found)


def _retained(template: Template, logical_id: str) -> bool:
    one = template.resources[logical_id]
    policies = (one.deletion_policy, one.update_replace_policy)
    return all(policy is not None and policy.value == "Retain" for policy in policies)


def _mentioned(node: Node) -> Iterator[str]:
    """The logical ids, and names of parameters, that a value refers to."""
    match function_of(node):
        case ("Ref", Node(value=str(name))):
            yield name
        case ("Fn::GetAtt", argument):
            first = attribute_parts(argument).items[:1]
            yield from (item.value for item in first if isinstance(item.value, str))
        case ("Fn::Sub", argument):
            template = argument.items[0] if argument.items else argument
            if isinstance(template.value, str):
                yield from (found[1] for found in _NAMED.finditer(template.value))
    for item in node.items:
        yield from _mentioned(item)
    for entry in node.entries.values():
        yield from _mentioned(entry.node)


def _checked(made: Converted, live: Live | None, ids: Collection[str]) -> Iterator[str]:
    if live is None:
        yield "Nothing of this was looked up: --live asks CloudFormation how the stack stands."
        return
    yield f"Verified in the live stack {live.name}:"
    settled = live.status.endswith("_COMPLETE") and live.status not in _DEAD
    yield f"   it is {live.status}{'' if settled else ', which is to be mended first'}"
    missing = [one for one in ids if one not in live.resources]
    if missing:
        yield f"   it has no {', '.join(missing)}: what it never made cannot be taken over, and a plan creates it"
    if live.template is not None:
        yield from _kept(live.template, [one for one in ids if one in live.resources])
    exported = _exported(made.template, live, ids)
    for name, stacks in exported.items():
        if stacks:
            yield f"   {name} is imported by {', '.join(stacks)}, and cannot go before they let go of it"
    yield "Not verified: who else uses the names or ARNs of these, beside this stack and those that import from it."
    if live.template is None:
        yield "Not verified: what of it is retained, since its live template cannot be read."
    for name in (name for name, stacks in exported.items() if stacks is None):
        yield f"Not verified: which stacks import {name}, since ListImports does not answer."


def _kept(template: Template, ids: Collection[str]) -> Iterator[str]:
    there = [one for one in ids if one in template.resources]
    bare = unretained(template, there)
    kept = [one for one in there if one not in bare]
    if bare:
        yield f"   its template does not retain {', '.join(bare)}: step 1 is to be done"
    if kept:
        yield f"   its template retains {', '.join(kept)}"
    used = [*uses(template, there)]
    yield from (f"   {use} there" for use in used)
    if there and not used:
        yield "   nothing else in its template refers to them"


def _exported(template: Template, live: Live, ids: Collection[str]) -> Mapping[str, tuple[str, ...] | None]:
    """What the stack exports of the resources, and who imports it."""
    of_ids = {
        str(live.known.outputs[name].value)
        for name, output in template.outputs.items()
        if name in live.known.outputs and not {*ids}.isdisjoint(_mentioned(output.value))
    }
    values: Mapping[str, Any] = live.known.exports
    return {name: stacks for name, stacks in live.imported.items() if values[name].value in of_ids}
