"""Where two documents in normal form differ: equality first, DeepDiff only for pairs that are not equal.

DeepDiff costs thousands of times as much as `==`, and importing it as much as all the rest of a no-change plan, so it
is imported where two documents differ.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from providers.resources import Ref


@attrs.frozen
class Pair:
    """One path at which two documents differ; None stands for nothing there.

    A list that is still a list in normal form has an order, or is a set of scalars: it differs as a whole.
    """

    segments: tuple[str, ...]
    before: Any
    after: Any


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Pair, ...]:
    """The paths at which `after` differs from `before`, in the order of their segments."""
    if before == after:
        return ()
    from deepdiff import DeepDiff

    found = DeepDiff(
        _plain(before),
        _plain(after),
        view="tree",
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,
        ignore_order=False,
        verbose_level=0,
    )
    segments = {_to_list(node.path(output_format="list"), before, after) for nodes in found.values() for node in nodes}
    return tuple(Pair(path, _at(before, path), _at(after, path)) for path in sorted(segments))


def _plain(value: Any) -> Any:
    """References as text, since DeepDiff would compare their insides."""
    match value:
        case Ref():
            return f"${{{value}}}"
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _to_list(path: list[str | int], *documents: Mapping[str, Any]) -> tuple[str, ...]:
    """The path cut where it enters a list in either document."""
    cut: list[str] = []
    for segment in path:
        if any(isinstance(_at(document, tuple(cut)), list) for document in documents):
            break
        cut.append(str(segment))
    return tuple(cut)


def _at(document: Any, segments: tuple[str, ...]) -> Any:
    for segment in segments:
        if not isinstance(document, Mapping):
            return None
        document = next((item for key, item in document.items() if str(key) == segment), None)
    return document
