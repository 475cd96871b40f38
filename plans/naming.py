"""What the objects of a replacement are called.

AWS keeps a name for as long as its object lives, so a new one beside the old has another: the name that the manifest
gives, cut where needed, and eight hexadecimal digits. They are made of what is wanted and of the name of the object
that is replaced, so that a run which begins again finds what it had made.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

LONGEST = 128
"""How many characters a name may have."""

_ROOM = 119
_TRIED = "--canary"
_PASSAGE = "-canary"
_WHOLE, _CUT = 121, 112
_PASSED_OVER = 4
_DIGITS = re.compile(r"-[0-9a-f]{8}")


def alike(name: str, base: str) -> bool:
    """Whether a name is `base`, or one that replacements of it have."""
    head = base[:_ROOM]
    return name == base or (name.startswith(head) and bool(_DIGITS.fullmatch(name[len(head) :])))


def of_one_base(names: Iterable[str]) -> bool:
    """Whether all these names are ones that replacements of one object have had."""
    given = [*names]
    bases = [*given, *(name[:-9] for name in given if _DIGITS.fullmatch(name[-9:]))]
    return any(all(alike(name, base) for name in given) for base in bases)


def successor(base: str, wanted: Mapping[str, Any], replaced: str, taken: Callable[[str], bool]) -> str:
    """The name of a new object in place of `replaced`; what is `taken` is passed over as if it were replaced too.

    `wanted` is the normal form of what is to be made.
    """
    return next(name for name in _line(base, wanted, replaced) if not taken(name))


def succeeds(name: str, base: str, wanted: Mapping[str, Any], replaced: str) -> bool:
    """Whether a name is one that the successor of `replaced` would have, some names being taken."""
    return name in itertools.islice(_line(base, wanted, replaced), _PASSED_OVER)


def successors(base: str) -> str:
    """The names that successors of an object may have, a `?` standing for any character."""
    return f"{base[:_ROOM]}-{'?' * 8}"


def shadowing(family: str) -> str:
    """The family in which revisions of another one are tried."""
    return family[: LONGEST - len(_TRIED)] + _TRIED


def passage(environment: str) -> str:
    """The name of the queue through which an environment is tried, and of the job: its own and a word; of a long name,
    digits of all of it stand for its end."""
    if len(environment) > _WHOLE:
        environment = f"{environment[:_CUT]}-{hashlib.sha256(environment.encode()).hexdigest()[:8]}"
    return f"{environment}{_PASSAGE}"


def passages(environments: str) -> str:
    """The names that `passage` gives to environments whose name is one of `successors`."""
    return passage(environments) if len(environments) <= _WHOLE else f"{successors(environments[:_CUT])}{_PASSAGE}"


def _line(base: str, wanted: Mapping[str, Any], replaced: str) -> Iterator[str]:
    said = json.dumps(wanted, sort_keys=True, default=str)
    name = replaced
    while True:
        digest = hashlib.sha256(f"{said}\n{name}".encode()).hexdigest()
        name = f"{base[:_ROOM]}-{digest[:8]}"
        yield name
