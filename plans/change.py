"""What is to be done with one resource, and how much that disturbs."""

import enum
from collections.abc import Mapping
from typing import Any

import attrs

from providers.resources import Address, JobCount


class Action(enum.Enum):
    """All that can happen to a resource, from the least disturbing to the most."""

    NOOP = "noop"
    ADOPT = "adopt"
    TAG = "tag"
    UNTAG = "untag"
    CREATE = "create"
    UPDATE = "update"
    REGISTER = "register"
    REPLACE = "replace"
    DELETE = "delete"

    @property
    def symbol(self) -> str:
        return _SYMBOLS[self]


_SYMBOLS: Mapping[Action, str] = {
    Action.NOOP: "=",
    Action.ADOPT: "&",
    Action.TAG: "#",
    Action.UNTAG: "#",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REGISTER: "^",
    Action.REPLACE: "±",
    Action.DELETE: "-",
}


class Impact(enum.IntEnum):
    """What a change does to running work, in order.

    INFRASTRUCTURE recycles instances; OUTAGE means that a queue cannot run jobs for a while, or that jobs are lost.
    """

    NONE = 0
    SCALING = 1
    REVISION = 2
    INFRASTRUCTURE = 3
    REPLACEMENT = 4
    OUTAGE = 5

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> "Impact":
        return cls[text.upper()]


@attrs.frozen
class Difference:
    """One path at which desired and live differ; `before` and `after` are None where unsaid.

    `rule` names the row that classed it, `why` is that row's reason. Tags have paths `tags[KEY]`.
    """

    path: str
    before: Any
    after: Any
    rule: str
    why: str = ""


@attrs.frozen
class Change:
    """What is to be done with one resource."""

    address: Address
    name: str
    action: Action
    impact: Impact = Impact.NONE
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    jobs: JobCount | None = None

    @property
    def kind(self) -> str:
        return self.address.kind


@attrs.frozen
class Refusal:
    """Something that AWS, the policy or good sense forbids, found before any call."""

    address: str
    code: str
    message: str
    hint: str = ""
