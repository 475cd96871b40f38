"""What was said, held against what is shown."""

from collections.abc import Iterator
from typing import Any


def missing(said: Any, shown: Any, path: str = "") -> Iterator[str]:
    """The paths at which a document does not show what was said; it may show more members, but no other values."""
    match said:
        case dict() if isinstance(shown, dict):
            for key, value in said.items():
                yield from missing(value, shown.get(key), f"{path}.{key}")
        case list() if isinstance(shown, list) and len(shown) == len(said):
            for number, (one, other) in enumerate(zip(said, shown, strict=True)):
                yield from missing(one, other, f"{path}[{number}]")
        case _ if said != shown or type(said) is not type(shown):
            yield f"{path}: {said!r} was said, {shown!r} is shown"
