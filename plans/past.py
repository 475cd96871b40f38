"""What was applied before, as digests: how a journal tells it, and by what drift is told from edits."""

from collections.abc import Mapping

import attrs

from providers.resources import EMPTY

Digests = Mapping[str, str]
"""A digest of what stands at each path, down to scalars and lists."""


@attrs.frozen
class Applied:
    """What a run applied to one address, the rules of the normal form under which it was digested, and the salt."""

    rules: str
    salt: str
    digests: Digests


@attrs.frozen
class Past:
    """What earlier runs from here applied, by address; None where a run ended badly, so that nobody knows.

    `whole` says that nothing else was there: what is not among `applied` then was not applied from here.
    """

    applied: Mapping[str, Applied | None] = EMPTY
    whole: bool = False
