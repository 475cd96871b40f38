"""Tags that an environment gives to what it starts: such as objects of Batch have."""

import re
from collections.abc import Callable

from plans.demands.demand import Demand
from providers.kinds.facts import GUIDE
from providers.resources import Document

_MOST, _LONGEST_KEY, _LONGEST_VALUE = 50, 128, 256
_SPELT = re.compile(r"[\w +\-=.:/@]*")
_SOURCE = GUIDE + "using-tags.html"


def _fits(key: str, value: str) -> bool:
    spelt = _SPELT.fullmatch(key) and _SPELT.fullmatch(value) and not key.lower().startswith("aws:")
    return bool(spelt) and 1 <= len(key) <= _LONGEST_KEY and len(value) <= _LONGEST_VALUE


def tags_of(name: str, member: str, bears: Callable[[Document], bool]) -> tuple[Demand, ...]:
    """What AWS asks of the tags at a member of ComputeResource, where the whole document bears any."""

    def tags(part: Document) -> dict[str, str]:
        return {key: str(value) for key, value in (part.get(member) or {}).items()}

    return (
        Demand(
            name,
            f"ComputeResource.{member}",
            lambda part, whole: bears(whole) and not all(_fits(*each) for each in tags(part).items()),
            "a key or a value is not one of a tag",
            f"letters, digits, spaces and + - = . _ : / @; up to {_LONGEST_KEY} of them in a key, up to"
            f" {_LONGEST_VALUE} in a value; no key begins with aws:",
            _SOURCE,
        ),
        Demand(
            f"{name}-many",
            f"ComputeResource.{member}",
            lambda part, whole: bears(whole) and len(tags(part)) > _MOST,
            f"there are up to {_MOST} tags",
            "take some out",
            _SOURCE,
        ),
    )
