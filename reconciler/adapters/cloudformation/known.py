"""What is known beside a template: what the parameters are, and what the stack that it was deployed as has made."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from plans.nodes import Source
from providers.resources import EMPTY, Mark


@attrs.frozen
class Given:
    """A value from outside, never shown, and where it stands. `strict`: a template must declare what it is given to."""

    value: Any = attrs.field(repr=False)
    mark: Mark
    strict: bool = False


@attrs.frozen
class Known:
    """`values` are by what the template calls them: a parameter, a logical id (what `Ref` gives), `LogicalId.Attribute`,
    `AWS::Region`. `outputs` are by their keys, `exports` by their names, `zones` by region, `ssm` by the names of
    parameters of SSM."""

    values: Mapping[str, Given] = EMPTY
    parameters: Mapping[str, Given] = EMPTY
    outputs: Mapping[str, Given] = EMPTY
    exports: Mapping[str, Given] = EMPTY
    zones: Mapping[str, Given] = EMPTY
    ssm: Mapping[str, Given] = EMPTY


NOTHING = Known()


def given(parameters: Mapping[str, str]) -> Known:
    """What `--parameter NAME=VALUE` says."""
    raise NotImplementedError


def ambient(*, region: str | None = None, account_id: str | None = None) -> Known:
    """What is known of where a stack stands."""
    raise NotImplementedError


def merged(all_known: Iterable[Known]) -> Known:
    """All of them as one; raises ManifestError where two disagree."""
    raise NotImplementedError


def read_context(source: Source) -> Known:
    """What a file of `--context` says; raises ManifestError."""
    raise NotImplementedError
