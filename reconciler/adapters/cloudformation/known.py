"""What is known beside a template: what its parameters are, and what the stack that it was deployed as has made."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from plans.nodes import Faults, Node
from providers.resources import EMPTY, Mark


@attrs.frozen
class Given:
    """A value from outside, a text or a list of texts, never shown, and where it stands.

    `strict`: a template must declare the parameter that it is given to.
    """

    value: Any = attrs.field(repr=False)
    mark: Mark = Mark("", 0, 0)
    strict: bool = False


@attrs.frozen
class Known:
    """`values` are by what the template calls them: a parameter, a logical id (what `Ref` gives), `LogicalId.Attribute`
    or `AWS::Region`. `parameters` are what a stack is given, by name: those of SSM types are given names. `outputs`
    are by their keys, `exports` by their names, `zones` by region, `ssm` by the names of parameters of SSM."""

    values: Mapping[str, Given] = EMPTY
    parameters: Mapping[str, Given] = EMPTY
    outputs: Mapping[str, Given] = EMPTY
    exports: Mapping[str, Given] = EMPTY
    zones: Mapping[str, Given] = EMPTY
    ssm: Mapping[str, Given] = EMPTY

    @property
    def sections(self) -> Iterator[tuple[str, Mapping[str, Given]]]:
        for name in SECTIONS:
            yield name, getattr(self, name)


NOTHING = Known()
SECTIONS = MappingProxyType(
    {
        "values": "{}",
        "parameters": "the parameter {}",
        "outputs": "the output {}",
        "exports": "the export {}",
        "zones": "the availability zones of {}",
        "ssm": "the parameter {} of SSM",
    }
)
"""What a thing is called that is known, by section."""


def given(parameters: Mapping[str, str]) -> Known:
    """What `--parameter NAME=VALUE` says; a name with `::`, such as AWS::Region, is that of a pseudo parameter."""
    mark = Mark("--parameter", 0, 0)
    said = {name: Given(value, mark, strict=True) for name, value in parameters.items()}
    return Known(
        values={name: one for name, one in said.items() if "::" in name},
        parameters={name: one for name, one in said.items() if "::" not in name},
    )


def whereabouts(*, region: str | None = None, account_id: str | None = None) -> Known:
    """What is known of where a stack stands."""
    told = {"AWS::Region": region, "AWS::AccountId": account_id}
    return Known(values={name: Given(value) for name, value in told.items() if value is not None})


def merged(several: Iterable[Known]) -> Known:
    """All of them as one; raises ManifestError where two disagree."""
    gathering = Gathering()
    for one in several:
        for section, values in one.sections:
            for name, value in values.items():
                gathering.add(section, name, value)
    gathering.faults.end("what is known of the template")
    return gathering.known


@attrs.define
class Gathering:
    """Collects what is known, each thing once."""

    faults: Faults = attrs.field(factory=Faults)
    found: dict[str, dict[str, Given]] = attrs.field(factory=lambda: {name: {} for name in SECTIONS})

    @property
    def known(self) -> Known:
        return Known(**self.found)

    def add(self, section: str, name: str, one: Given) -> None:
        had = self.found[section].get(name)
        if had is not None and had.value != one.value:
            at = Node(None, one.mark.file, one.mark.line, one.mark.column)
            what = SECTIONS[section].format(name)
            place = f"{had.mark.file}:{had.mark.line}" if had.mark.line else had.mark.file
            self.faults.add(at, name, f"{what} has another value here", f"the other one: {place}" if place else None)
        elif had is None or one.strict:
            self.found[section][name] = one
