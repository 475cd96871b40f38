"""What a template does not tell, as variables of the manifest that is made of it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from plans.nodes import Node
from plans.written import Expression
from reconciler.adapters.cloudformation.leaves import Composed, Part, Reference, Unresolved, needs_of
from reconciler.adapters.conversion import Unknown

Leaf = Unresolved | Reference | Composed


@attrs.frozen
class Ask:
    """Something that is not known, and where the template says it.

    `variables` stand for it, so that it is known where they are given; where there are none, as for a condition, only
    what the template needs helps.
    """

    unknown: Unknown
    at: Node = attrs.field(repr=False)
    variables: tuple[str, ...] = ()


@attrs.define
class Asks:
    """The variables of one manifest; a value that is used twice is one variable.

    `spoken` gives the text of a resource of AWS Batch where it is known: its ARN, or an attribute.
    """

    spoken: Callable[[Reference], str | None]
    declared: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    secrets: dict[str, str] = attrs.field(factory=dict)
    found: list[Ask] = attrs.field(factory=list)
    _names: dict[str, str] = attrs.field(factory=dict)

    def text(self, leaf: Leaf, path: str, at: Node) -> Expression | str:
        """What stands in the manifest for a leaf; a text where it is known after all."""
        parts = leaf.parts if isinstance(leaf, Composed) else (leaf,)
        written, unknown = "", dict[str, Unresolved]()
        for part in map(self._known, parts):
            if isinstance(part, str):
                written += part.replace("${", "$${")
                continue
            if written.endswith("$"):
                # `$${` would be a plain `${`, so one variable stands for the whole of it.
                whole = Unresolved(leaf.expression, needs_of([leaf]), isinstance(leaf, Composed) and leaf.secret)
                return self.text(whole, path, at)
            assert isinstance(part, Unresolved)
            name = self._variable(part)
            unknown[name] = part
            written += f"${{var.{name}}}"
        if not unknown:
            return written.replace("$${", "${")
        self._ask(path, leaf.expression, unknown, at)
        return Expression(written)

    def condition(self, name: str, leaf: Unresolved, path: str, at: Node) -> None:
        """Ask whether a condition holds, which no variable can say."""
        said = f"whether the condition {name} holds ({leaf.expression})"
        self.found.append(Ask(Unknown(path, said, passed(leaf.needs)), at))

    def _known(self, part: Part) -> Part:
        if not isinstance(part, Reference):
            return part
        told = self.spoken(part)
        if told is not None:
            return told
        name = part.logical_id if part.attribute is None else f"{part.logical_id}_{part.attribute}"
        return Unresolved(part.expression, needs_of([part]), name=name)

    def _ask(self, path: str, said: str, unknown: Mapping[str, Unresolved], at: Node) -> None:
        given = [
            f"--var-file with the list {name}" if leaf.many else f"--var {name}=VALUE" for name, leaf in unknown.items()
        ]
        needs = dict.fromkeys(need for leaf in unknown.values() for need in leaf.needs)
        told = passed(needs, *given)
        if any(leaf.optional for leaf in unknown.values()):
            told += "; it may be nothing, which is null in a --var-file"
        self.found.append(Ask(Unknown(path, said, told), at, tuple(unknown)))

    def _variable(self, leaf: Unresolved) -> str:
        """The name of the variable of a leaf, declared when it is first asked for.

        An expression that is too long to be told whole may not be the same as another one.
        """
        said = leaf.source or leaf.expression
        if said in self._names and (leaf.source or not said.endswith("...")):
            return self._names[said]
        wanted = re.sub(r"[^A-Za-z0-9_-]+", "_", leaf.name or leaf.expression).strip("_-") or "value"
        base = wanted if wanted[0].isalpha() else f"_{wanted}"
        name, number = base, 1
        while name in self.declared:
            number += 1
            name = f"{base}_{number}"
        self._names[said] = name
        told = f"{leaf.expression}, a list" if leaf.many else leaf.expression
        self.declared[name] = {"description": told}
        if leaf.secret:
            self.declared[name]["secret"] = True
            self.secrets[name] = leaf.expression
        return name


def passed(needs: Iterable[str] | Mapping[str, None], *variables: str) -> str:
    """What to pass to have something known."""
    first = " and ".join(needs)
    second = f"{' and '.join(variables)} where the manifest is read" if variables else ""
    told = " or ".join(filter(None, [first, second]))
    return f"pass {told}" if told else "write its value into the template"
