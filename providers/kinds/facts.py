"""The form in which a kind states what the API model cannot say.

Members are named by the model's shapes (`ContainerProperties.privileged`), so that one row serves every place where a
shape appears; the kind's own root shape is the kind's name (`job_queue.priority`). Lists are named by their shape.
Rules speak of paths, written as in the manifest with `[]` for an element; a rule's path covers all paths below it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs

from providers.resources import Document

Verdict = Literal["update", "scaling", "infrastructure", "replace", "leave", "refuse"]
"""What a difference asks for: an update that disturbs nothing, one that scales, one that recycles instances, a new
object in place of the old, nothing since the service moves the value, or nothing that AWS would accept."""

Condition = Callable[[Document, Document], bool]
"""Whether a row holds, given the desired and the live document in normal form."""


def always(_desired: Document, _live: Document) -> bool:
    return True


@attrs.frozen
class Rule:
    """One row of a kind's verdicts; the first row whose path and condition match decides."""

    name: str
    paths: tuple[str, ...]
    verdict: Verdict
    why: str
    when: Condition = always

    def covers(self, path: str) -> bool:
        return any(path == own or path.startswith((f"{own}.", f"{own}[")) for own in self.paths)


@attrs.frozen
class Default:
    """What the service does where `member` is unsaid, so that saying it and leaving it out are the same.

    `when` is given the whole document.
    """

    member: str
    value: Any
    when: Callable[[Document], bool] = lambda _document: True


@attrs.frozen
class Reset:
    """What an update sends to unset `path`; `when` is given the whole document that is wanted."""

    path: str
    value: Any
    when: Callable[[Document], bool] = lambda _document: True


@attrs.frozen
class Lookup:
    """How a kind is read.

    `describe` takes `batch` keys at a time in the list `keys` (or one, as a string, where `batch` is 1) and answers a
    list under `result` (or the object itself where `result` is empty). `listing` reads all: whole objects under
    `items`, or only their keys, each under `item_key`, which `describe` then takes. `listing_arguments` go with it.
    `per` names a kind for each of whose objects the listing is asked, under its parameter `per_key`.
    """

    describe: str
    keys: str
    result: str
    batch: int
    listing: str
    items: str
    item_key: str = ""
    listing_arguments: Mapping[str, Any] = attrs.field(factory=lambda: MappingProxyType({}))
    per: str = ""
    per_key: str = ""
    by_arn: bool = False


@attrs.frozen
class Facts:
    """What is true of a kind beside its shapes; see `Kind` for what is derived.

    `rank`: kinds of a lower rank are made first and deleted last. `described_as`: members that describe shows under
    another name. `keyed`: lists without order, by the member that tells their entries apart. `sets`: lists of scalars
    (or of structures without such a member) without order. `numeric`: strings, or maps of strings, that are compared
    as numbers. `vanishing`: members whose entry the service drops where they are empty. `always_sent`: said in every
    create. `owned`: left alone when unsaid, since the service fills or moves them. `floors`: of these, a value only
    raises. `alike`: by path, whether a wanted value means what the live one does, though spelt otherwise. `read_only`:
    shown in shapes that create takes too, never said. `refined`: structures of which an update takes single members;
    all others are sent whole, with what `filled` gives where it is unsaid. `barred`: what may not be said at all.
    `switched`: has a state ENABLED or DISABLED, and must be DISABLED to be deleted.
    """

    name: str
    entity: str
    plural: str
    title: str
    rank: int
    arn: str
    lookup: Lookup
    create: str
    delete: str
    update: str | None = None
    described_as: Mapping[str, str] = attrs.field(factory=lambda: MappingProxyType({}))
    keyed: Mapping[str, str] = attrs.field(factory=lambda: MappingProxyType({}))
    sets: frozenset[str] = frozenset()
    numeric: frozenset[str] = frozenset()
    defaults: tuple[Default, ...] = ()
    always_sent: tuple[Default, ...] = ()
    owned: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()
    refined: frozenset[str] = frozenset()
    shorthands: Mapping[str, tuple[str, str]] = attrs.field(factory=lambda: MappingProxyType({}))
    rules: tuple[Rule, ...] = ()
    barred: tuple[Rule, ...] = ()
    resets: tuple[Reset, ...] = ()
    filled: Mapping[str, Mapping[str, Any]] = attrs.field(factory=lambda: MappingProxyType({}))
    floors: frozenset[str] = frozenset()
    alike: Mapping[str, Callable[[Any, Any], bool]] = attrs.field(factory=lambda: MappingProxyType({}))
    vanishing: frozenset[str] = frozenset()
    renamed_in_update: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    settles: bool = False
    switched: bool = False
    revisions: bool = False
    quota: int | None = None
