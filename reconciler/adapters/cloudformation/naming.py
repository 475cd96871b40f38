"""What the resources of a template are called: in the manifest, and in AWS.

CloudFormation gives a name of its own to what the template names none for, with the stack's name and the logical id in
it (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html); only the live stack tells
which.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from plans.nodes import Faults
from providers.kinds import Kind, Kinds
from reconciler.adapters.cloudformation.sections import Declared

_HASH = re.compile(r"(?<=.)[0-9A-F]{8}$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@attrs.frozen
class Named:
    """A resource of the template and its block. `said` is the name that the template gives it, which may be a leaf;
    `live` the one that it has in the stack that was deployed, if that is known."""

    declared: Declared
    kind: Kind
    block: str
    said: Any = None
    live: str | None = None

    @property
    def address(self) -> str:
        return f"{self.kind.name}.{self.block}"

    @property
    def path(self) -> str:
        return f"{self.kind.section}.{self.block}"


def kinds_by_type(kinds: Kinds) -> Mapping[str, Kind]:
    """The kinds by what CloudFormation calls their type."""
    return {f"AWS::Batch::{kind.facts.entity[:1].upper()}{kind.facts.entity[1:]}": kind for kind in kinds}


def name_of_arn(arn: str) -> str:
    """The name of what an ARN of AWS Batch is of; of a definition without its revision."""
    return arn.rpartition("/")[2].partition(":")[0]


def named(found: Iterable[Named], faults: Faults) -> Mapping[str, Named]:
    """All of them by logical id, each with the name of its block: the one that the template says, or the logical id.

    The hash that the CDK puts behind a logical id is left out where nothing else is called so. Two of a kind that say
    one name are a fault.
    """
    rows = [*found]
    taken: dict[tuple[str, str], Named] = {}
    made: dict[str, Named] = {}
    for row in rows:
        if not isinstance(row.said, str):
            continue
        key = (row.kind.name, row.said)
        if key in taken:
            first = taken[key].declared
            faults.add(
                row.declared.at,
                row.declared.path,
                f"{row.declared.logical_id} and {first.logical_id} are both called {row.said}",
                f"first at {first.at.place}",
            )
        taken.setdefault(key, row)
        if _NAME.fullmatch(row.said):
            made[row.declared.logical_id] = attrs.evolve(row, block=row.said)
    late = [row for row in rows if row.declared.logical_id not in made]
    short = Counter((row.kind.name, _HASH.sub("", row.declared.logical_id)) for row in late)
    for row in late:
        name = _HASH.sub("", row.declared.logical_id)
        if short[row.kind.name, name] > 1 or (row.kind.name, name) in taken:
            name = row.declared.logical_id
        while (row.kind.name, name) in taken:
            name += "-block"
        taken[row.kind.name, name] = row
        made[row.declared.logical_id] = attrs.evolve(row, block=name)
    return {row.declared.logical_id: made[row.declared.logical_id] for row in rows}
