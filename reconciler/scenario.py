"""A scenario: how a simulated service is to behave, from a file that is checked as a manifest is.

Its keys are the attributes of `Settings`, `Durations`, `Quotas`, `Outcome` and `Fault` in camel case, and their types
say what may stand there: a new attribute is a new key. Numbers of seconds may also be written as durations.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import attrs

from plans.check import Checker
from plans.nodes import Entry, Faults, Node, Source
from plans.yamltext import read as read_nodes
from providers import model
from providers.kinds import Kinds
from providers.kinds.house import of, structure, text
from providers.resources import EMPTY, Field
from providers.simulator import Fault, Settings
from reconciler.shapes import POSITIVE, Shapes

_PLAIN_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_ACCOUNT = re.compile("[0-9]{12}")
_STS = ("AssumeRole", "GetCallerIdentity")
_BY_NAME: Mapping[str, Field] = {
    "attempts": POSITIVE,
    "times": POSITIVE,
    "rate": POSITIVE,
    "page_size": POSITIVE,
    "exit_code": Field("integer", minimum=0, maximum=255),
    "chance": Field("double", minimum=0, maximum=1),
    "writes": structure(
        "A call that somebody else makes.",
        frozenset({"operation", "arguments"}),
        operation=text("An operation of AWS Batch."),
        arguments=Field("any", documentation="Its members."),
    ),
}
"""What the type of an attribute does not say."""
_SHAPES = Shapes(_BY_NAME, {"outcomes": "jobs"})
_GOES_WITH: Mapping[str, tuple[str, ...]] = {
    "seconds": ("stale", "slow"),
    "reason": ("invalid",),
    "writes": ("foreign",),
}
"""Keys of a fault that mean something to these kinds only."""


@attrs.frozen
class Scenario:
    """What a file says of a simulated service; the faults are in force from the start."""

    settings: Settings = Settings()
    faults: tuple[Fault, ...] = ()


def read(source: Source) -> Scenario:
    """Read a scenario from YAML or JSON; raises ManifestError with all its faults, by line and column."""
    faults = Faults()
    root = read_nodes(source, faults)
    if root is not None and not isinstance(root.value, Mapping):
        faults.add(root, "", f"a scenario is a map of keys such as `jobs`, not {root.told()}")
        root = None
    if root is None:
        faults.end("the scenario")
    assert root is not None
    checker = Checker(Kinds(EMPTY, FIELD), None, EMPTY, faults)
    said = checker.check(_with_units(root, FIELD), FIELD, "")
    _accounts_are_accounts(root, faults)
    operations = model.load().operations
    for index, (node, fault) in enumerate(_faults(root, said)):
        _fault_makes_sense(node, fault, f"faults[{index}]", checker, operations)
    faults.end("the scenario")
    return Scenario(
        _SHAPES.made(Settings, said), tuple(_SHAPES.made(Fault, fault) for fault in said.get("faults") or ())
    )


def _members() -> Mapping[str, Field]:
    return MappingProxyType({**_SHAPES.members(Settings), "faults": of(_SHAPES.structure(Fault))})


FIELD = Field("structure", members=_members())
"""The tree of fields of a scenario."""


def _with_units(node: Node, field: Field) -> Node:
    """The node with `s` behind every plain number that stands for a duration."""
    match node.value:
        case str(number) if field.type == "duration" and _PLAIN_NUMBER.fullmatch(number):
            return node.with_value(f"{number}s")
        case tuple(items) if element := field.element:
            return node.with_value(tuple(_with_units(item, element) for item in items))
        case Mapping() as entries:
            return node.with_value({name: _entry_with_units(it, field.at([name])) for name, it in entries.items()})
    return node


def _entry_with_units(entry: Entry, field: Field | None) -> Entry:
    return Entry(entry.key, _with_units(entry.node, field)) if field else entry


def _faults(root: Node, said: Mapping[str, Any]) -> Iterable[tuple[Node, dict[str, Any]]]:
    """The faults of a scenario, each as written and as checked; what is no map is already told."""
    checked = said.get("faults")
    if isinstance(checked, list):
        for node, fault in zip(root.entries["faults"].node.items, checked, strict=True):
            yield node, fault if isinstance(fault, dict) else {}


def _accounts_are_accounts(root: Node, faults: Faults) -> None:
    own, others = root.entries.get("account"), root.entries.get("accounts")
    named = {f"accounts[{key}]": entry for key, entry in others.node.entries.items()} if others else {}
    for path, entry in {**({"account": own} if own else {}), **named}.items():
        value = entry.node.value
        if isinstance(value, str) and not _ACCOUNT.fullmatch(value):
            faults.add(entry.node, path, f"{value!r} is not an account", "twelve digits")


def _fault_makes_sense(
    node: Node, fault: dict[str, Any], path: str, checker: Checker, operations: Mapping[str, model.Operation]
) -> None:
    """Tell what no type tells, and give the arguments of a foreign call the types of its operation."""
    entries, faults, kind = node.entries, checker.faults, fault.get("kind")
    pattern = fault.get("operation")
    if isinstance(pattern, str) and not any(fnmatchcase(name, pattern) for name in (*operations, *_STS)):
        _no_operation(entries["operation"].node, f"{path}.operation", faults, "fits no operation", operations)
    for key, kinds in _GOES_WITH.items():
        if key in fault and isinstance(kind, str) and kind not in kinds:
            told = f"means nothing to a fault of kind {kind}"
            faults.add(entries[key].key, f"{path}.{key}", told, f"it goes with {' and '.join(kinds)}")
    writes = fault.get("writes")
    if kind == "foreign" and writes is None:
        faults.add(node, f"{path}.writes", "writes is missing", "say what call somebody else makes")
    if not isinstance(writes, dict) or not isinstance(name := writes.get("operation"), str):
        return
    inner = entries["writes"].node.entries
    if name not in operations:
        _no_operation(inner["operation"].node, f"{path}.writes.operation", faults, "is no operation", operations)
    elif "arguments" in inner:
        made = checker.check(inner["arguments"].node, operations[name].input, f"{path}.writes.arguments")
        fault["writes"] = (name, _without_nulls(made))


def _no_operation(node: Node, path: str, faults: Faults, problem: str, operations: Iterable[str]) -> None:
    near = faults.nearest(str(node.value), operations)
    hint = f"did you mean {near}?" if near else "such as CreateJobQueue"
    faults.add(node, path, f"{node.told()} {problem} of AWS Batch", hint)


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
        case list():
            return [_without_nulls(inner) for inner in value]
    return value
