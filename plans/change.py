"""What is to be done with one resource, and how much that disturbs."""

import enum
from collections.abc import Mapping
from typing import Any, Literal

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


Origin = Literal["drift", "edit", "both", "unknown"]
"""Why something differs: live moved away from what was applied, the manifest was edited since, both; or unknown."""


@attrs.frozen
class Difference:
    """One path at which desired and live differ; `before` and `after` are None where unsaid.

    `rule` names the row that classed it, `why` is that row's reason. Tags have paths `tags[KEY]`. `origin` is None
    where nobody asked.
    """

    path: str
    before: Any
    after: Any
    rule: str
    why: str = ""
    origin: Origin | None = None


ABSENT = "nothing of that name is live"
"""The reason of a creation for which there is no other."""


@attrs.frozen
class Change:
    """What is to be done with one resource. `origin` tells why it came or went as a whole, where somebody asked.

    `owner` is None of what is this stack's; of another's that changes along, the stack that has it, empty for none.
    """

    address: Address
    name: str
    action: Action
    impact: Impact = Impact.NONE
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    jobs: JobCount | None = None
    origin: Origin | None = None
    owner: str | None = None

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
