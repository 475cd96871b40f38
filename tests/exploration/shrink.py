"""Making a history that fails smaller: whatever can be left out, or be simpler, without the same property holding."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import attrs

from tests.exploration.history import History

T = TypeVar("T")
Path = tuple[Any, ...]
"""Keys and places, from the top of a document."""

TRIES = 600
"""So many histories are tried at most."""


def shrink(history: History, fails: Callable[[History], bool], tries: int = TRIES) -> History:
    """The least history that is found by leaving things out one at a time, greedily, and still fails.

    `fails` tells whether a history does; one that cannot be played does not.
    """
    left = tries
    again = True
    while again:
        again = False
        for sort in (_events, _settings, _same, _documents, _numbers):
            place = 0
            while place < len(candidates := list(sort(history))):
                if left == 0:
                    return history
                left -= 1
                if candidates[place] != history and fails(candidates[place]):
                    history, again = candidates[place], True
                else:
                    place += 1
    return history


def as_test(history: History, breach: str) -> str:
    """A history as a test that is ready to be kept."""
    return (
        f"def test_seed_{history.seed}() -> None:\n"
        f'    """{breach}"""\n'
        f"    history = History.from_json(\n        {json.dumps(history.to_json(indent=None))}\n    )\n"
        "    assert play(history).breach is None\n"
    )


def _events(history: History) -> Iterator[History]:
    """Without half of what goes wrong, and without one of it."""
    for troubles in _fewer(history.troubles):
        yield attrs.evolve(history, troubles=troubles)
    for events in _fewer(history.events):
        yield attrs.evolve(history, events=events)


def _fewer(rows: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    half = len(rows) // 2
    if half > 1:
        yield rows[:half]
        yield rows[half:]
    for place in range(len(rows)):
        yield rows[:place] + rows[place + 1 :]


def _settings(history: History) -> Iterator[History]:
    if history.stale:
        yield attrs.evolve(history, stale=0.0)
    if history.lag != 15.0:
        yield attrs.evolve(history, lag=15.0)
    if not history.locked:
        yield attrs.evolve(history, locked=True)


def _same(history: History) -> Iterator[History]:
    """With less that the second manifest says otherwise than the first."""
    first, second = history.manifests
    for path in _paths(second):
        there, here = _at(first, path), _at(second, path)
        if there is not None and there != here:
            yield attrs.evolve(history, manifests=(first, _with(second, path, there)))


def _documents(history: History) -> Iterator[History]:
    """With less in both manifests, or in the second one; what comes first in them, the stack, stays."""
    first, second = history.manifests
    for path in _paths(first, second)[1:]:
        yield attrs.evolve(history, manifests=(_without(first, path), _without(second, path)))
    for path in _paths(second)[1:]:
        yield attrs.evolve(history, manifests=(first, _without(second, path)))


def _numbers(history: History) -> Iterator[History]:
    for place, event in enumerate(history.events):
        lower = [attrs.evolve(event, call=call) for call in _lower(event.call)]
        for simpler in (*lower, *(attrs.evolve(event, dies=dies) for dies in _lower(event.dies))):
            yield attrs.evolve(history, events=_set(history.events, place, simpler))
    for place, trouble in enumerate(history.troubles):
        lesser = [attrs.evolve(trouble, after=after) for after in _lower(trouble.after)]
        for less in (*lesser, *(attrs.evolve(trouble, times=times) for times in _lower(trouble.times) if times)):
            yield attrs.evolve(history, troubles=_set(history.troubles, place, less))


def _set(rows: tuple[T, ...], place: int, row: T) -> tuple[T, ...]:
    return (*rows[:place], row, *rows[place + 1 :])


def _lower(number: int) -> list[int]:
    return [each for each in dict.fromkeys((0, number // 2, number - 1)) if 0 <= each < number]


def _paths(*documents: Any) -> Sequence[Path]:
    """The paths of all that stands in documents, the shorter ones first."""
    found: dict[Path, None] = {}

    def walk(value: Any, path: Path) -> None:
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in entries:
            found[(*path, key)] = None
            walk(item, (*path, key))

    for document in documents:
        walk(document, ())
    return sorted(found, key=len)


def _at(document: Any, path: Path) -> Any:
    for key in path:
        if not (isinstance(document, dict) and key in document) and not (
            isinstance(document, list) and isinstance(key, int) and key < len(document)
        ):
            return None
        document = document[key]
    return document


def _with(document: Any, path: Path, value: Any) -> Any:
    made = copy.deepcopy(document)
    holder = _at(made, path[:-1])
    holder[path[-1]] = copy.deepcopy(value)
    return made


def _without(document: Any, path: Path) -> Any:
    """The document without what stands at a path, and without references to a block that goes."""
    made = copy.deepcopy(document)
    holder = _at(made, path[:-1])
    if _at(made, path) is not None:
        del holder[path[-1]]
    return _unreferred(made, path[1]) if len(path) == 2 and isinstance(path[1], str) else made


def _unreferred(value: Any, name: str) -> Any:
    match value:
        case dict():
            return {key: _unreferred(item, name) for key, item in value.items()}
        case list():
            return [_unreferred(item, name) for item in value if item != name]
        case _:
            return value
