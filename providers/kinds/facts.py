"""The form in which a kind states what the API model cannot say.

Members are named by the model's shapes (`ContainerProperties.privileged`), so that one row serves every place where a
shape appears; the kind's own root shape is the kind's name (`job_queue.priority`). Lists are named by their shape.
Rules speak of paths, written as in the manifest with `[]` for an element; a rule's path covers all paths below it.

Every row says on whose word it stands: `source` is the address of a public page or a public issue `owner/repo#number`;
several are joined by `; `, and what a page does not say but leads to is `inferred` from it. What a row says to people
is told where it is read: `condition` puts `when` into words.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs

from providers.resources import Document, Manner

API = "https://docs.aws.amazon.com/batch/latest/APIReference/API_"
GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
INFERRED = "inferred from "
_ACCEPTED = "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/batch/"

Verdict = Literal["update", "scaling", "infrastructure", "revision", "replace", "leave", "refuse"]
"""What a difference asks for: an update that disturbs nothing, one that scales, one that recycles instances, a new
revision, a new object in place of the old, nothing since the service moves the value, or nothing that AWS would
accept."""

Condition = Callable[[Document, Document], bool]
"""Whether a row holds, given the desired and the live document in normal form."""


def always(_desired: Document, _live: Document) -> bool:
    return True


def anyhow(_document: Document) -> bool:
    return True


def _none() -> Mapping[str, Any]:
    return MappingProxyType({})


def page(name: str) -> str:
    """The page of the API reference about an operation or a shape."""
    return f"{API}{name}.html"


def accepted(what: str) -> str:
    """The acceptance tests of Terraform's AWS provider for one kind, which ran against AWS itself."""
    return f"{_ACCEPTED}{what}_test.go"


def cited(*sources: str) -> str:
    """Several sources as one."""
    return "; ".join(sources)


def inferred(source: str) -> str:
    """A source that does not say it, but what it says leads there."""
    return f"{INFERRED}{source}"


@attrs.frozen
class Rule:
    """One row of a kind's verdicts; the first row whose path and condition match decides.

    `why` is the reason in general; `detail` puts it in the words of two documents, the desired one as it is wanted and
    the live one as AWS shows it, either of which may be empty. `whole`: about its paths as such, which come or go, and
    not about what lies below them.
    """

    name: str
    paths: tuple[str, ...]
    verdict: Verdict
    why: str
    when: Condition = always
    condition: str = ""
    source: str = attrs.field(kw_only=True)
    detail: Callable[[Document, Document], str] | None = attrs.field(default=None, kw_only=True)
    whole: bool = attrs.field(default=False, kw_only=True)

    def covers(self, path: str) -> bool:
        if self.whole:
            return path in self.paths
        return any(path == own or path.startswith((f"{own}.", f"{own}[")) for own in self.paths)

    def told(self, desired: Document, live: Document) -> str:
        """The reason, as these two documents make it."""
        return self.why if self.detail is None else self.detail(desired, live)


@attrs.frozen
class Default:
    """What the service does where `member` is unsaid, so that saying it and leaving it out are the same.

    `value` is in normal form, or a `Beside`; `when` is given the whole document.
    """

    member: str
    value: Any
    when: Callable[[Document], bool] = anyhow
    condition: str = ""
    source: str = attrs.field(kw_only=True)


@attrs.frozen
class Beside:
    """A default that is the value of another member of the same structure, or hangs on it.

    `means` has the default by that value, by None where it is unsaid.
    """

    same_as: str
    means: Mapping[Any, Any] | None = None

    def within(self, structure: Document) -> Any:
        """What the default is in a structure."""
        value = structure.get(self.same_as)
        return value if self.means is None else self.means.get(value)

    def __str__(self) -> str:
        if self.means is None:
            return f"that of {self.same_as}"
        told = (
            f"{default} where {self.same_as} is {'unsaid' if value is None else str(value).lower()}"
            for value, default in self.means.items()
        )
        return ", ".join(told)


@attrs.frozen
class Reset:
    """What an update sends to unset `path`; `when` is given the whole document that is wanted."""

    path: str
    value: Any
    when: Callable[[Document], bool] = anyhow
    condition: str = ""
    source: str = attrs.field(kw_only=True)


@attrs.frozen
class Older:
    """A deprecated member of a structure that means one entry of a list beside it: the one told apart as `entry`.

    The service runs both alike and rewrites neither.
    """

    member: str
    now: str
    entry: str
    source: str = attrs.field(kw_only=True)


@attrs.frozen
class Complaint:
    """Words of a status reason, whatever their case, and the path that they are about; the first that fits counts."""

    words: str
    path: str
    source: str = attrs.field(kw_only=True)


@attrs.frozen
class Indices:
    """A member FIRST:LAST of indices, either of which may be left out, below the number that stands at `count`.

    A number alone is an index by itself.
    """

    member: str
    count: str
    source: str = attrs.field(kw_only=True)


@attrs.frozen
class Named:
    """A structure that names something by one of these members, and says nothing without."""

    shape: str
    members: tuple[str, ...]
    source: str = attrs.field(kw_only=True)


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
    listing_arguments: Mapping[str, Any] = attrs.field(factory=_none)
    per: str = ""
    per_key: str = ""
    by_arn: bool = False


@attrs.frozen
class Facts:
    """What is true of a kind beside its shapes; see `Kind` for what is derived.

    `rank`: kinds of a lower rank are made first and deleted last. `described_as`: members that describe shows under
    another name. `keyed`: lists without order, by the member that tells their entries apart. `shorthands`: lists that
    may be written as the names alone. `rules`: what a difference asks for; `foreseen`: the paths below theirs for which
    they were written, so that what a newer model has beside them is told. `barred`: what may not be said at all.
    `always_sent`: said in every create. `refined`: structures of which an update takes single members; all others are
    sent whole, with what `filled` gives where it is unsaid, on the word of that path's reset. `alike`: by path, whether
    a wanted value means what the live one does, though spelt otherwise. `older`: deprecated members that mean an entry
    of a list. `named`: structures that say nothing without a name. `indices`: ranges that can be written in several
    ways. `repair`: what may help where it is INVALID. `switched`: has a state ENABLED or DISABLED, and must be DISABLED
    to be deleted. `replaced`: how a new object takes the place of an old one where the manifest does not say it.
    `complaints`: what the reasons of INVALID are about.

    These hold members and the source of each: `sets`, lists of scalars (or of structures without a telling member)
    without order; `orderless`, that of each list of `keyed`; `numeric`, strings, or maps of strings, that are compared
    as numbers; `quantities`, the same as quantities of Kubernetes, whose suffixes scale; `telling`, structures that say
    something though they are empty; `vanishing`, members whose entry the service drops where they are empty; `owned`,
    left alone when unsaid, since the service fills or moves them; `floors`, paths of these whose value only raises;
    `read_only`, shown in shapes that create takes too, never said; `later`, paths of which a create takes only the
    default, so that an update says more; `inert`, paths whose change does not make the service look again at what is
    wrong with what is INVALID.
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
    described_as: Mapping[str, str] = attrs.field(factory=_none)
    keyed: Mapping[str, str] = attrs.field(factory=_none)
    orderless: Mapping[str, str] = attrs.field(factory=_none)
    sets: Mapping[str, str] = attrs.field(factory=_none)
    numeric: Mapping[str, str] = attrs.field(factory=_none)
    quantities: Mapping[str, str] = attrs.field(factory=_none)
    telling: Mapping[str, str] = attrs.field(factory=_none)
    vanishing: Mapping[str, str] = attrs.field(factory=_none)
    defaults: tuple[Default, ...] = ()
    always_sent: tuple[Default, ...] = ()
    later: Mapping[str, str] = attrs.field(factory=_none)
    owned: Mapping[str, str] = attrs.field(factory=_none)
    floors: Mapping[str, str] = attrs.field(factory=_none)
    read_only: Mapping[str, str] = attrs.field(factory=_none)
    refined: frozenset[str] = frozenset()
    shorthands: Mapping[str, tuple[str, str]] = attrs.field(factory=_none)
    rules: tuple[Rule, ...] = ()
    foreseen: frozenset[str] = frozenset()
    barred: tuple[Rule, ...] = ()
    resets: tuple[Reset, ...] = ()
    filled: Mapping[str, Mapping[str, Any]] = attrs.field(factory=_none)
    alike: Mapping[str, Callable[[Any, Any], bool]] = attrs.field(factory=_none)
    older: tuple[Older, ...] = ()
    named: tuple[Named, ...] = ()
    indices: tuple[Indices, ...] = ()
    renamed_in_update: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    inert: Mapping[str, str] = attrs.field(factory=_none)
    repair: str = "change what the reason names, or make another under another name in its place"
    settles: bool = False
    switched: bool = False
    revisions: bool = False
    replaced: Manner = "refuse"
    complaints: tuple[Complaint, ...] = ()
    quota: int | None = None

    def complaint(self, reason: str) -> str | None:
        """The path that the reason of an INVALID object is about; None where no row knows it."""
        said = reason.lower()
        return next((row.path for row in self.complaints if row.words.lower() in said), None)
