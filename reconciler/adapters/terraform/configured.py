"""What the configuration in a plan says of a value that is not known yet: which attribute it is taken from.

Source: https://developer.hashicorp.com/terraform/internals/json-format, "Configuration Representation" and "Expression
Representation". What a `dynamic` block says is not in it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from providers.resources import EMPTY
from reconciler.adapters.terraform.places import Path
from reconciler.adapters.terraform.state import Resource

_STEP = re.compile(r'module\.([^.\[]+)(\[(?:-?\d+|"(?:[^"\\]|\\.)*")\])?\.?')
_FOLLOWED = 32
"""Through how many modules a variable is followed."""


@attrs.frozen
class Said:
    """`reference` is the one attribute that a value is taken from, and `module` the address of the module in which it
    is named; the empty text where there is no such one. `written` is whether the configuration says anything there."""

    written: bool
    module: str = ""
    reference: str = ""


@attrs.frozen
class Configuration:
    """The configuration of a plan, and the variables that its root module was given; empty, it says nothing."""

    root: Mapping[str, Any]
    variables: Mapping[str, Any] = EMPTY

    def region(self, resource: Resource) -> str:
        """The region of the provider that is to make a resource; empty where the plan does not tell it."""
        providers = self.root.get("provider_config")
        key = self._block(resource).get("provider_config_key")
        provider = providers.get(key) if isinstance(providers, dict) and isinstance(key, str) else None
        expressions = provider.get("expressions") if isinstance(provider, dict) else None
        expression = expressions.get("region") if isinstance(expressions, dict) else None
        if not (isinstance(provider, dict) and isinstance(expression, dict)):
            return ""
        value = expression.get("constant_value")
        if value is None and "module_address" not in provider and len(named := _references(expression)) == 1:
            given = self.variables.get(named[0].removeprefix("var.")) if named[0].startswith("var.") else None
            value = given.get("value") if isinstance(given, dict) else None
        return value if isinstance(value, str) else ""

    def said(self, resource: Resource, path: Path) -> Said:
        """What stands at the path of an attribute."""
        expressions = self._block(resource).get("expressions")
        if not isinstance(expressions, dict) or not self.root:
            return Said(written=True)
        if path[0] not in expressions:
            # A dynamic block, unless it is an attribute that nobody said.
            return Said(written=len(path) > 1)
        expression = _at(expressions, path)
        if expression is None:
            return Said(written=False)
        return self._followed(resource.module, expression, _FOLLOWED)

    def _followed(self, module: str, expression: Mapping[str, Any], left: int) -> Said:
        """Where an expression takes its value from, through variables and outputs of modules."""
        found = _references(expression)
        whole = [one for one in found if not any(other.startswith((f"{one}.", f"{one}[")) for other in found)]
        if len(whole) != 1 or not left:
            return Said(written=True)
        head, _, rest = whole[0].partition(".")
        steps = [*_STEP.finditer(f"{module}.")] if module else []
        if head == "var" and steps:
            outer = module[: steps[-1].start()].removesuffix(".")
            given = self._call(outer, steps[-1][1]).get("expressions")
            passed = given.get(rest.partition(".")[0].partition("[")[0]) if isinstance(given, dict) else None
            return self._followed(outer, passed, left - 1) if isinstance(passed, dict) else Said(written=True)
        called = _STEP.match(whole[0])
        if head == "module" and called:
            inner, name = called[0].removesuffix("."), whole[0][called.end() :]
            outputs = self._module(f"{module}.{inner}" if module else inner).get("outputs")
            output = outputs.get(name) if isinstance(outputs, dict) else None
            passed = output.get("expression") if isinstance(output, dict) else None
            if isinstance(passed, dict):
                return self._followed(f"{module}.{inner}" if module else inner, passed, left - 1)
        return Said(written=True, module=module, reference=whole[0])

    def _block(self, resource: Resource) -> Mapping[str, Any]:
        rows = self._module(resource.module).get("resources")
        return next((row for row in _maps(rows) if row.get("address") == f"{resource.type}.{resource.name}"), {})

    def _module(self, address: str) -> Mapping[str, Any]:
        """The module of an address, keys and all."""
        module = self.root.get("root_module")
        for step in _STEP.finditer(f"{address}.") if address else ():
            calls = module.get("module_calls") if isinstance(module, dict) else None
            call = calls.get(step[1]) if isinstance(calls, dict) else None
            module = call.get("module") if isinstance(call, dict) else None
        return module if isinstance(module, dict) else {}

    def _call(self, address: str, name: str) -> Mapping[str, Any]:
        calls = self._module(address).get("module_calls")
        call = calls.get(name) if isinstance(calls, dict) else None
        return call if isinstance(call, dict) else {}


def _maps(rows: Any) -> Iterator[Mapping[str, Any]]:
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else iter(())


def _references(expression: Mapping[str, Any]) -> list[str]:
    named = expression.get("references")
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def _at(expressions: Mapping[str, Any], path: Path) -> Mapping[str, Any] | None:
    """The expression at a path; one of a whole list, or of a whole block, is that of each of its parts."""
    here: Any = expressions
    for step in path:
        if isinstance(here, dict) and ("references" in here or "constant_value" in here):
            break
        if isinstance(here, dict) and isinstance(step, str):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int):
            here = here[step] if step < len(here) else None
        elif isinstance(here, list):
            here = None
    return here if isinstance(here, dict) else None
