"""What a conversion gives: a manifest, and everything that a reader must know who trusts it with his resources."""

from collections.abc import Mapping
from typing import Any

import attrs

from plans.written import commented, to_json, to_yaml


@attrs.frozen
class Unknown:
    """A value that the text does not tell, for which a variable stands in the document.

    `path` is that of the manifest, such as `computeEnvironments.spot.computeResources.subnets[0]`; `said` is what the
    other tool says there, without its value where that is a secret; `give` is what to pass, such as
    `--parameter SubnetA=VALUE`.
    """

    path: str
    said: str
    give: str

    def __str__(self) -> str:
        return f"{self.path} is not known: {self.said}; {self.give}"


@attrs.frozen
class Conversion:
    """A manifest as a document whose unknown values are `Expression`s of declared variables.

    `head` says in a line what it was made of. `lacking` tells what could not be converted, so that the manifest is one
    in part; `left_alone` names resources of other services, `notes` is what else a reader should know. `steps` is the
    way to take the resources over, as text to print.
    """

    document: Mapping[str, Any]
    head: str
    count: int
    unknowns: tuple[Unknown, ...] = ()
    lacking: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: str = ""

    @property
    def yaml(self) -> str:
        told = [self.head, *self.lacking, *map(str, self.unknowns), *self.notes]
        return f"{commented(told)}\n{to_yaml(self.document)}"

    @property
    def json(self) -> str:
        return to_json(self.document)
