"""Values that a plan does not know yet: references to blocks where they are that, variables of the manifest else."""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from plans.written import Expression
from providers.resources import Field
from reconciler.adapters.conversion import Unknown
from reconciler.adapters.terraform.blocks import References
from reconciler.adapters.terraform.configured import Configuration, Said
from reconciler.adapters.terraform.places import Path
from reconciler.adapters.terraform.resources import COMPUTED, told
from reconciler.adapters.terraform.state import Resource

_LIST = "\0list"
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


@attrs.frozen
class Unknowns:
    """Holds the places of unknown values while a document is made, and puts expressions there when it is.

    `held` are variables by the text that stands for each meanwhile; `whole` those that stand for a whole member.
    """

    references: References
    configuration: Configuration
    variables: dict[str, str] = attrs.field(factory=dict)
    held: dict[str, str] = attrs.field(factory=dict)
    whole: dict[tuple[str, str], str] = attrs.field(factory=dict)

    def hold(self, resource: Resource, field: Field, path: Path) -> Any:
        """What stands for a value of a resource, in the type of its member; None where the provider fills it."""
        said = self.configuration.said(resource, path)
        leaf = next(step for step in reversed(path) if isinstance(step, str))
        if not said.written or (leaf in COMPUTED and not said.reference):
            return None
        if field.reference is not None and said.reference:
            name = self.references.planned(field.reference, said.module, said.reference)
            if name is not None:
                return name
        variable = self._variable(resource, said, path)
        if field.type in ("structure", "map"):
            self.whole[resource.address, str(path[0])] = variable
            return None
        mark = f"\0{variable}{_LIST if field.type == 'list' else ''}"
        self.held[mark] = variable
        return [mark] if field.type == "list" else mark

    def _variable(self, resource: Resource, said: Said, path: Path) -> str:
        """The variable for a value: one for each attribute that values are taken from."""
        if said.reference:
            words = f"{said.module}.{said.reference}" if said.module else said.reference
            what = words
        else:
            words = f"{self.references.names[resource.address]}_{path[0]}"
            what = f"{told(path)} of {resource.address}"
        base = _UNFIT.sub("_", words).strip("_-")
        name, number = base if base[:1].isalpha() else f"v_{base}", 1
        while self.variables.setdefault(name, what) != what:
            number += 1
            name = f"{base}_{number}"
        return name

    def settle(self, value: Any, path: str) -> tuple[Any, list[Unknown]]:
        """A finished document with expressions for what was held, and each of these."""
        found: list[Unknown] = []
        return self._settled(value, path, found), found

    def _settled(self, value: Any, path: str, found: list[Unknown]) -> Any:
        match value:
            case str() if value in self.held:
                return self.expression(self.held[value], path, found, listed=False)
            case [str(mark)] if mark in self.held and mark.endswith(_LIST):
                return self.expression(self.held[mark], path, found, listed=True)
            case Mapping():
                return {key: self._settled(item, f"{path}.{key}", found) for key, item in value.items()}
            case list():
                return [self._settled(item, f"{path}[{at}]", found) for at, item in enumerate(value)]
        return value

    def expression(self, variable: str, path: str, found: list[Unknown], *, listed: bool) -> Expression:
        """The expression that names a variable, told as not known."""
        give = f"`--var-file FILE` with a value for {variable}" if listed else f"`--var {variable}=VALUE`"
        found.append(Unknown(path, f"it is {self.variables[variable]} in Terraform's plan", f"pass {give}"))
        return Expression(f"${{var.{variable}}}")
